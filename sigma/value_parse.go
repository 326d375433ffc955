package sigma

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// textMode says how the text of a value is cut into parts.
type textMode int

const (
	textLiteral      textMode = iota // as it is
	textPattern                      // wildcards and escapes
	textPlaceholders                 // wildcards, escapes and %name%
)

// value reads a scalar as a value with the type that YAML gives it. Lists and
// mappings are findings.
func (l *loader) value(n *yaml.Node, what string, mode textMode) (Value, bool) {
	n = resolve(n)
	at := l.pos(n)
	if n.Kind != yaml.ScalarNode {
		l.errorf(at, CodeType, "", "%s must be a single value, not %s", what, kindName(n))
		return nil, false
	}
	switch n.Tag {
	case "!!null":
		return Null{at}, true
	case "!!bool":
		return Bool{at, strings.EqualFold(n.Value, "true")}, true
	case "!!int", "!!float":
		if num, ok := parseNumeric(n.Value); ok {
			return Number{at, num}, true
		}
	}
	s := String{Pos: at, Raw: n.Value}
	switch mode {
	case textLiteral:
		s.Parts = literalParts(n.Value)
	default:
		s.Parts = ParseParts(n.Value, mode == textPlaceholders)
	}
	return s, true
}

func literalParts(s string) []Part {
	if s == "" {
		return nil
	}
	return []Part{{Kind: Literal, Text: s}}
}

// ParseParts cuts text at its wildcards, and at its placeholders if asked, and
// reads its escapes, as Sigma has them: `*` is any run of characters, `?` any
// one; `\*` and `\?` are those characters, `\\` in front of a wildcard is one
// backslash before it, and every other backslash is plain. Neighbouring
// literals are one part; the empty text has none. With placeholders `%name%`
// is one, and `\%` a percent sign.
func ParseParts(raw string, placeholders bool) []Part {
	var parts []Part
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, Part{Kind: Literal, Text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '\\':
			if i+1 < len(raw) {
				next := raw[i+1]
				switch {
				case next == '*' || next == '?' || placeholders && next == '%':
					lit.WriteByte(next)
					i++
					continue
				case next == '\\' && i+2 < len(raw) && (raw[i+2] == '*' || raw[i+2] == '?'):
					lit.WriteByte('\\')
					i++
					continue
				}
			}
			lit.WriteByte('\\')
		case '*':
			flush()
			parts = append(parts, Part{Kind: AnyRun})
		case '?':
			flush()
			parts = append(parts, Part{Kind: AnyOne})
		case '%':
			if placeholders {
				if end := strings.IndexByte(raw[i+1:], '%'); end > 0 {
					if m := placeholderForm.FindStringSubmatch(raw[i : i+end+2]); m != nil {
						flush()
						parts = append(parts, Part{Kind: Placeholder, Text: m[1]})
						i += end + 1
						continue
					}
				}
			}
			lit.WriteByte(c)
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return parts
}
