package sentinel

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readBicep reads the subset of Bicep that is written here: comments,
// decorators, param and resource declarations whose values are objects, arrays,
// strings without interpolation, numbers, true, false, null, and expressions of
// one line, which are kept as text. Any other text is an error, so that a value
// that left its literal is one too.
func readBicep(text string) (resources []*node, params []string, err error) {
	p := &bicepReader{text: text}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(bicepError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	for p.space(true); p.at < len(p.text); p.space(true) {
		if p.take("@description(") {
			p.str()
			p.want(")")
			continue
		}
		switch word := p.word(); word {
		case "param":
			p.space(false)
			params = append(params, p.word())
			p.space(false)
			if t := p.word(); t != "string" && t != "object" {
				p.fail("parameter of type %q", t)
			}
		case "resource":
			p.space(false)
			name := p.word()
			p.space(false)
			typ := p.str()
			p.space(false)
			existing := p.take("existing")
			p.space(false)
			p.want("=")
			p.space(false)
			o := p.value()
			if o.kind != objectNode {
				p.fail("the resource %s is no object", name)
			}
			if !existing {
				o.members = append(o.members, nodeMember{"type", &node{line: o.line, value: typ}})
				resources = append(resources, o)
			}
		default:
			p.fail("%q begins no statement", word)
		}
		p.space(false)
		if p.at < len(p.text) && p.text[p.at] != '\n' {
			p.fail("more on the line")
		}
	}
	return resources, params, nil
}

type bicepError struct{ error }

type bicepReader struct {
	text string
	at   int
}

func (p *bicepReader) line() int { return 1 + strings.Count(p.text[:p.at], "\n") }

func (p *bicepReader) fail(format string, args ...any) {
	panic(bicepError{fmt.Errorf("line %d: "+format, append([]any{p.line()}, args...)...)})
}

func (p *bicepReader) space(lines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ', c == '\t', lines && c == '\n':
			p.at++
		case strings.HasPrefix(p.text[p.at:], "//"):
			n := strings.IndexByte(p.text[p.at:], '\n')
			if n < 0 {
				n = len(p.text) - p.at
			}
			p.at += n
		default:
			return
		}
	}
}

func (p *bicepReader) take(s string) bool {
	if strings.HasPrefix(p.text[p.at:], s) {
		p.at += len(s)
		return true
	}
	return false
}

func (p *bicepReader) want(s string) {
	if !p.take(s) {
		p.fail("%q is missing", s)
	}
}

func (p *bicepReader) word() string {
	start := p.at
	for p.at < len(p.text) && (isIdentifier(p.text[start : p.at+1])) {
		p.at++
	}
	if p.at == start {
		p.fail("a name is missing")
	}
	return p.text[start:p.at]
}

func (p *bicepReader) value() *node {
	n := &node{line: p.line()}
	switch c := p.peek(); {
	case c == '{':
		p.at++
		n.kind = objectNode
		for p.space(true); !p.take("}"); p.space(true) {
			var key string
			if p.peek() == '\'' {
				key = p.str()
			} else {
				key = p.word()
			}
			p.want(":")
			p.space(false)
			n.members = append(n.members, nodeMember{key, p.value()})
			p.endOfItem()
		}
		return n
	case c == '[':
		p.at++
		n.kind = listNode
		for p.space(true); !p.take("]"); p.space(true) {
			n.items = append(n.items, p.value())
			p.endOfItem()
		}
		return n
	case c == '\'':
		n.value = p.str()
		return n
	}
	end := strings.IndexByte(p.text[p.at:], '\n')
	if end < 0 {
		p.fail("a value is missing")
	}
	raw := strings.TrimSpace(p.text[p.at : p.at+end])
	p.at += end
	switch raw {
	case "true", "false":
		n.value = raw == "true"
	case "null":
	default:
		if i, err := strconv.Atoi(raw); err == nil {
			n.value = i
		} else {
			n.value = expression{bicep: raw}
		}
	}
	return n
}

func (p *bicepReader) endOfItem() {
	p.space(false)
	if p.peek() != '\n' {
		p.fail("more on the line")
	}
}

func (p *bicepReader) peek() byte {
	if p.at >= len(p.text) {
		p.fail("the text ends too early")
	}
	return p.text[p.at]
}

// str reads a string literal.
func (p *bicepReader) str() string {
	if p.take("'''") {
		p.take("\r")
		p.take("\n")
		n := strings.Index(p.text[p.at:], "'''")
		if n < 0 {
			p.fail("the string does not end")
		}
		s := p.text[p.at : p.at+n]
		p.at += n + 3
		if p.at < len(p.text) && p.text[p.at] == '\'' {
			p.fail("four quotes in a row")
		}
		return s
	}
	p.want("'")
	var b strings.Builder
	for {
		switch c := p.peek(); c {
		case '\'':
			p.at++
			return b.String()
		case '\n':
			p.fail("the string does not end")
		case '$':
			if strings.HasPrefix(p.text[p.at:], "${") {
				p.fail("the string is interpolated")
			}
			b.WriteByte(c)
			p.at++
		case '\\':
			p.at++
			r, err := p.escape()
			if err != nil {
				p.fail("%v", err)
			}
			b.WriteRune(r)
		default:
			r, n := utf8.DecodeRuneInString(p.text[p.at:])
			b.WriteRune(r)
			p.at += n
		}
	}
}

func (p *bicepReader) escape() (rune, error) {
	c := p.peek()
	p.at++
	switch c {
	case '\\', '\'', '$':
		return rune(c), nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		hex, _, ok := strings.Cut(p.text[p.at:], "}")
		n, err := strconv.ParseUint(strings.TrimPrefix(hex, "{"), 16, 32)
		if !ok || err != nil || !strings.HasPrefix(hex, "{") {
			return 0, errors.New("a code point is malformed")
		}
		p.at += len(hex) + 1
		return rune(n), nil
	}
	return 0, fmt.Errorf("unknown escape %q", c)
}
