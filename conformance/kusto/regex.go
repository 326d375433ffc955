package kusto

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Kusto's regular expressions are those of Rust's regex crate in all but name;
// Go's are close. translate rewrites what is spelled otherwise and refuses
// what Go has not or means otherwise.

// pattern is a compiled regular expression. One that uses \b or \B knows word
// characters of ASCII only, so it is refused other text.
type pattern struct {
	re        *regexp.Regexp
	asciiOnly bool
}

var patterns = struct {
	sync.Mutex
	m map[string]*pattern
}{m: map[string]*pattern{}}

func compile(text string) (*pattern, error) {
	patterns.Lock()
	p := patterns.m[text]
	patterns.Unlock()
	if p != nil {
		return p, nil
	}
	t, bounds, err := translate(text)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(t)
	if err != nil {
		return nil, err
	}
	p = &pattern{re, bounds}
	patterns.Lock()
	if len(patterns.m) >= maxRegexps {
		clear(patterns.m)
	}
	patterns.m[text] = p
	patterns.Unlock()
	return p, nil
}

// The characters of Unicode's \d, \s and \w, as a part of a class.
const (
	digitClass = `\p{Nd}`
	spaceClass = `\t\n\v\f\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}`
	wordClass  = `\pL\pM\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}`
)

var perlClasses = map[byte]string{'d': digitClass, 's': spaceClass, 'w': wordClass}

var complements sync.Map

// complement is the characters that a class lacks, as a part of a class.
func complement(class string) string {
	if s, ok := complements.Load(class); ok {
		return s.(string)
	}
	re, err := syntax.Parse("[^"+class+"]", syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for i := 0; i+1 < len(re.Rune); i += 2 {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, re.Rune[i], re.Rune[i+1])
	}
	complements.Store(class, b.String())
	return b.String()
}

func translate(s string) (out string, bounds bool, err error) {
	var b strings.Builder
	groups, class := 0, false
	classStart := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\\':
			if i+1 >= len(s) {
				return "", false, errors.New(`a trailing \`)
			}
			e := s[i+1]
			switch {
			case perlClasses[e] != "":
				if class {
					b.WriteString(perlClasses[e])
				} else {
					b.WriteString("[" + perlClasses[e] + "]")
				}
				i += 2
			case perlClasses[e|0x20] != "" && e < 'a':
				if class {
					b.WriteString(complement(perlClasses[e|0x20]))
				} else {
					b.WriteString("[^" + perlClasses[e|0x20] + "]")
				}
				i += 2
			case e == 'b' || e == 'B':
				if class {
					return "", false, fmt.Errorf(`\%c in a class`, e)
				}
				if strings.HasPrefix(s[i+2:], "{") {
					return "", false, fmt.Errorf(`\%c{…}`, e)
				}
				bounds = true
				b.WriteString(s[i : i+2])
				i += 2
			case e == 'u' || e == 'U':
				n := 4
				if e == 'U' {
					n = 8
				}
				hex := ""
				if rest := s[i+2:]; strings.HasPrefix(rest, "{") {
					k := strings.IndexByte(rest, '}')
					if k < 0 {
						return "", false, fmt.Errorf(`\%c{ without }`, e)
					}
					hex, i = rest[1:k], i+3+k
				} else if len(rest) >= n {
					hex, i = rest[:n], i+2+n
				}
				v, err := strconv.ParseUint(hex, 16, 32)
				if err != nil || !utf8.ValidRune(rune(v)) {
					return "", false, fmt.Errorf(`\%c without a character's number`, e)
				}
				fmt.Fprintf(&b, `\x{%X}`, v)
			case e == '<' || e == '>' || e == 'Q' || e == 'E' || e == 'C' || e == 'Z' || e >= '0' && e <= '9':
				return "", false, fmt.Errorf(`\%c`, e)
			default:
				b.WriteString(s[i : i+2])
				i += 2
			}
			continue
		case class:
			switch {
			case c == ']' && i > classStart:
				class = false
			case c == '[' && !strings.HasPrefix(s[i:], "[:"):
				return "", false, errors.New("a class within a class")
			case c == '[':
				k := strings.Index(s[i:], ":]")
				if k < 0 {
					return "", false, errors.New("[: without :]")
				}
				b.WriteString(s[i : i+k+2])
				i += k + 2
				continue
			case strings.HasPrefix(s[i:], "&&") || strings.HasPrefix(s[i:], "--") || strings.HasPrefix(s[i:], "~~"):
				return "", false, fmt.Errorf("%s in a class", s[i:i+2])
			}
		case c == '[':
			class = true
			b.WriteByte('[')
			i++
			if i < len(s) && s[i] == '^' {
				b.WriteByte('^')
				i++
			}
			classStart = i
			continue
		case c == '(':
			if !strings.HasPrefix(s[i:], "(?") || strings.HasPrefix(s[i:], "(?P<") || strings.HasPrefix(s[i:], "(?<") {
				groups++
			}
		case c == '{':
			k := strings.IndexByte(s[i:], '}')
			if k < 0 || !repetition(s[i+1:i+k]) {
				return "", false, errors.New("'{' that is no repetition; write \\{")
			}
		}
		b.WriteByte(c)
		i++
	}
	if groups > maxGroups {
		return "", false, fmt.Errorf("more than %d groups", maxGroups)
	}
	return b.String(), bounds, nil
}

func repetition(s string) bool {
	a, b, _ := strings.Cut(s, ",")
	ok := func(t string) bool { return strings.Trim(t, "0123456789") == "" }
	return a != "" && ok(a) && ok(b)
}

// regex is the pattern of an expression, compiled at once if it is constant.
func (b *binder) regex(pos int, e *expr) func(*env) *pattern {
	get := func(s string) *pattern {
		p, err := compile(s)
		if err != nil {
			refuse(pos, "the regular expression %q: %v", s, err)
		}
		return p
	}
	if e.konst {
		p := get(e.val.(string))
		return func(*env) *pattern { return p }
	}
	return func(n *env) *pattern { return get(e.eval(n).(string)) }
}

// on returns the compiled expression if it may be run on s.
func (p *pattern) on(pos int, s string) *regexp.Regexp {
	if p.asciiOnly && !ascii(s) {
		refuse(pos, `\b in a regular expression on text that is not ASCII`)
	}
	return p.re
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (b *binder) matchesRegex(x *binNode, l, r *expr) *expr {
	ls := b.toStr(x.at(), "'matches regex'", l)
	if r.typ != TypeString {
		fail(x.r.at(), "'matches regex' needs a string, not %s", r.typ)
	}
	re, pos := b.regex(x.r.at(), r), x.at()
	return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
		s := ls.eval(e).(string)
		return re(e).on(pos, s).MatchString(s)
	}}, ls, r)
}
