package pysigma

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/sigma"
	"gopkg.in/yaml.v3"
)

// never is what a regular expression with a finding is, so that reading goes on.
var never = regexp.MustCompile(`[^\x00-\x{10FFFF}]`)

// regexp reads a key's regular expression.
func (m *mapping) regexp(key string, match bool) *regexp.Regexp {
	n := m.need(key)
	if n == nil {
		return never
	}
	return m.compile(n, m.scalarText(n, key), match)
}

// compile reads a regular expression of Python's; with match it holds only at
// the beginning of a text, as re.match does.
func (r *reader) compile(n *yaml.Node, pattern string, match bool) *regexp.Regexp {
	re, err := compile(pattern, match)
	if err != nil {
		r.errorf(n, sigma.CodeRegex, "look-around, back-references and possessive quantifiers are not there; the rest is Go's RE2 syntax", "the regular expression cannot be read: %v", err)
		return never
	}
	return re
}

func compile(pattern string, match bool) (*regexp.Regexp, error) {
	if len(pattern) > sigma.MaxRegexBytes {
		return nil, fmt.Errorf("it has more than %d bytes", sigma.MaxRegexBytes)
	}
	text, err := fromPython(pattern)
	if err != nil {
		return nil, err
	}
	if _, err := regexp.Compile(text); err != nil {
		return nil, err
	}
	if match {
		text = `\A(?:` + text + `)`
	}
	return regexp.Compile(text)
}

// Python's classes are those of Unicode, Go's of ASCII.
var pythonClasses = map[byte]string{
	'd': `\p{Nd}`, 'D': `\P{Nd}`, 'w': `\p{L}\p{N}_`, 's': ` \t\n\v\f\r\x1c-\x1f\x{85}\p{Z}`,
}

// fromPython writes a regular expression of Python's in Go's syntax. What Go
// lacks is left in it, for Go to refuse.
func fromPython(s string) (string, error) {
	var b strings.Builder
	class := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			set, known := pythonClasses[s[i]]
			switch {
			case known && (class || s[i] == 'd' || s[i] == 'D'):
				b.WriteString(set)
			case known:
				b.WriteString("[" + set + "]")
			case (s[i] == 'W' || s[i] == 'S') && class:
				return "", fmt.Errorf(`\%c in brackets`, s[i])
			case s[i] == 'W' || s[i] == 'S':
				b.WriteString("[^" + pythonClasses[s[i]+'a'-'A'] + "]")
			case s[i] == 'Z' && !class:
				b.WriteString(`\z`)
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
			continue
		case class:
			class = c != ']'
		case c == '[':
			class = true
			// A bracket that comes first is an ordinary character.
			if strings.HasPrefix(s[i:], "[^]") {
				b.WriteString("[^")
				i, c = i+2, ']'
			} else if strings.HasPrefix(s[i:], "[]") {
				b.WriteByte('[')
				i, c = i+1, ']'
			}
		case c == '{' && strings.HasPrefix(s[i:], "{,"):
			return "", fmt.Errorf("a repetition without its first number: {,")
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// substitution is Python's re.sub.
type substitution struct {
	re       *regexp.Regexp
	template []templatePart
}

// templatePart is text, or a group if group ≥ 0.
type templatePart struct {
	text  string
	group int
}

// substitution reads the keys regex and replacement.
func (m *mapping) substitution() *substitution {
	re := m.regexp("regex", false)
	s := &substitution{re: re}
	if n := m.value["regex"]; n != nil && re != never && repeatsEmpty(re) {
		m.errorf(n, sigma.CodeRegex, "anchor it with ^, or write + in the place of *",
			"the regular expression also matches nothing, and engines disagree where behind a match it does")
	}
	n := m.need("replacement")
	if n == nil {
		return s
	}
	text := ""
	if !isNull(n) {
		text = m.scalarText(n, "replacement")
	}
	var err error
	if s.template, err = parseTemplate(text, re); err != nil {
		m.errorf(n, sigma.CodeBadValue, "", "replacement: %v", err)
	}
	return s
}

// repeatsEmpty reports whether an expression matches both nothing and something
// and so could do the first right behind the second.
func repeatsEmpty(re *regexp.Regexp) bool {
	x, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return false
	}
	first := x
	for first.Op == syntax.OpConcat || first.Op == syntax.OpCapture {
		first = first.Sub[0]
	}
	if first.Op == syntax.OpBeginText {
		return false
	}
	return re.MatchString("") && canConsume(x)
}

func canConsume(x *syntax.Regexp) bool {
	switch x.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	}
	for _, s := range x.Sub {
		if canConsume(s) {
			return true
		}
	}
	return false
}

// parseTemplate reads the replacement of re.sub: \1, \g<name> and the escapes of
// control characters.
func parseTemplate(s string, re *regexp.Regexp) ([]templatePart, error) {
	var out []templatePart
	text := func(t string) {
		if n := len(out); n > 0 && out[n-1].group < 0 {
			out[n-1].text += t
		} else if t != "" {
			out = append(out, templatePart{t, -1})
		}
	}
	group := func(n int) error {
		if n > re.NumSubexp() && re != never {
			return fmt.Errorf("the regular expression has no group %d", n)
		}
		out = append(out, templatePart{"", n})
		return nil
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			text(s[i : i+1])
			continue
		}
		i++
		switch c := s[i]; {
		case c >= '1' && c <= '9':
			end := i + 1
			if end < len(s) && s[end] >= '0' && s[end] <= '9' {
				end++
			}
			n, _ := strconv.Atoi(s[i:end])
			if err := group(n); err != nil {
				return nil, err
			}
			i = end - 1
		case c == 'g' && strings.HasPrefix(s[i+1:], "<") && strings.Contains(s[i:], ">"):
			name, _, _ := strings.Cut(s[i+2:], ">")
			i += len(name) + 2
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 {
				if n = re.SubexpIndex(name); n < 0 && re != never {
					return nil, fmt.Errorf("the regular expression has no group %q", name)
				}
			}
			if err := group(max(n, 0)); err != nil {
				return nil, err
			}
		case strings.IndexByte(`abfnrtv\`, c) >= 0:
			text(string("\a\b\f\n\r\t\v\\"[strings.IndexByte(`abfnrtv\`, c)]))
		case c == '0' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return nil, fmt.Errorf(`\%c has no meaning`, c)
		default:
			text(s[i-1 : i+1])
		}
	}
	return out, nil
}

// text replaces in text, without regard to wildcards.
func (s *substitution) text(in string) string {
	var b strings.Builder
	last := 0
	for _, m := range s.re.FindAllStringSubmatchIndex(in, -1) {
		b.WriteString(in[last:m[0]])
		for _, t := range s.template {
			if t.group < 0 {
				b.WriteString(t.text)
			} else if m[2*t.group] >= 0 {
				b.WriteString(in[m[2*t.group]:m[2*t.group+1]])
			}
		}
		last = m[1]
	}
	b.WriteString(in[last:])
	return b.String()
}

// parts replaces in a whole value as plainText prints it. What the replacement
// takes over keeps its kind; stars, question marks and, where the value had
// placeholders, those in the replacement's own text are read. It fails where a
// placeholder would be cut in two.
func (s *substitution) parts(parts []sigma.Part) ([]sigma.Part, bool) {
	in := plainText(parts)
	found := s.re.FindAllStringSubmatchIndex(in, -1)
	if found == nil {
		return parts, true
	}
	whole := true
	placeholders := has(parts, sigma.Placeholder)
	var out partsBuilder
	last := 0
	for _, m := range found {
		whole = slice(&out, parts, last, m[0]) && whole
		for _, t := range s.template {
			if t.group < 0 {
				out.add(wildcards(t.text, placeholders)...)
			} else if m[2*t.group] >= 0 {
				whole = slice(&out, parts, m[2*t.group], m[2*t.group+1]) && whole
			}
		}
		last = m[1]
	}
	whole = slice(&out, parts, last, len(in)) && whole
	return out, whole
}

// slice adds what stands between two offsets of the plain text. It returns false
// where they are inside of a placeholder.
func slice(out *partsBuilder, parts []sigma.Part, from, to int) bool {
	at := 0
	for _, p := range parts {
		if at >= to {
			return true
		}
		if p.Kind != sigma.Literal {
			n := len(plainText([]sigma.Part{p}))
			switch {
			case at+n <= from:
			case at >= from && at+n <= to:
				out.add(p)
			default:
				return false
			}
			at += n
			continue
		}
		var run []byte
		for i := 0; i < len(p.Text) && at < to; i++ {
			c := p.Text[i]
			if c != '*' && c != '?' {
				if at >= from {
					run = append(run, c)
				}
				at++
				continue
			}
			switch { // printed with a backslash in front
			case at+1 >= from && at+2 <= to:
				run = append(run, c)
			case at >= from:
				run = append(run, '\\')
			}
			at += 2
		}
		out.text(string(run))
	}
	return true
}

var placeholderForm = regexp.MustCompile(`^%([A-Za-z_][A-Za-z0-9_.-]*)%`)

// wildcards reads text that stands for a value, in which a backslash counts
// only in front of a star or question mark.
func wildcards(s string, placeholders bool) []sigma.Part {
	var out partsBuilder
	var run []byte
	add := func(p sigma.Part) {
		out.text(string(run))
		out.add(p)
		run = nil
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?'):
			i++
			run = append(run, s[i])
		case c == '*':
			add(sigma.Part{Kind: sigma.AnyRun})
		case c == '?':
			add(sigma.Part{Kind: sigma.AnyOne})
		case c == '%' && placeholders && placeholderForm.MatchString(s[i:]):
			m := placeholderForm.FindStringSubmatch(s[i:])
			add(sigma.Part{Kind: sigma.Placeholder, Text: m[1]})
			i += len(m[0]) - 1
		default:
			run = append(run, c)
		}
	}
	out.text(string(run))
	return out
}
