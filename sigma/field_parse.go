package sigma

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// ParseFieldName reads a field name without modifiers or quantifier:
// `TargetResources[0].id` has the steps {TargetResources, 0}, {id}. A bracket
// that is part of a name is written `\[` or `\]`. "." is the element that a
// list block is looking at and has no steps; `.[0]` is a position in it.
func ParseFieldName(s string) (Field, error) {
	f := Field{Name: s}
	if s == "" {
		return f, fmt.Errorf("the field has no name")
	}
	rest := s
	if s == "." || strings.HasPrefix(s, ".[") {
		rest = s[1:]
	}
	for first := true; rest != ""; first = false {
		open, closed := unescaped(rest, '['), unescaped(rest, ']')
		name := rest
		if open >= 0 {
			name = rest[:open]
		}
		switch {
		case closed >= 0 && (open < 0 || closed < open):
			return f, fmt.Errorf("%s has a ] without a [ in front; as part of a name write \\]", show(s))
		case open >= 0 && closed < 0:
			return f, fmt.Errorf("%s has a [ without a ] behind; as part of a name write \\[", show(s))
		case name == "" && first && s[0] != '.',
			strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
			return f, fmt.Errorf("%s has an empty step", show(s))
		case open < 0:
			f.Steps = append(f.Steps, FieldStep{unescapeBrackets(name), -1})
			return f, nil
		}
		digits := rest[open+1 : closed]
		i, err := strconv.Atoi(digits)
		if err != nil || strings.Trim(digits, "0123456789") != "" {
			return f, fmt.Errorf("%s is no list position; positions count from 0", show("["+digits+"]"))
		}
		f.Steps = append(f.Steps, FieldStep{unescapeBrackets(name), i})
		rest = rest[closed+1:]
		if rest != "" && rest[0] != '[' {
			if rest[0] != '.' || rest == "." {
				return f, fmt.Errorf("behind a position in %s a dot and a name must follow", show(s))
			}
			rest = rest[1:]
		}
	}
	return f, nil
}

// unescaped returns the index of the first c without a backslash in front, or -1.
func unescaped(s string, c byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '[' || s[i+1] == ']') {
			i++
		} else if s[i] == c {
			return i
		}
	}
	return -1
}

// field reads a field name that stands as a value.
func (l *loader) field(n *yaml.Node, what string) (Field, bool) {
	s, ok := l.text(n, what)
	if !ok {
		return Field{}, false
	}
	f, err := l.parseField(s)
	f.Pos = l.pos(n)
	if err != nil {
		l.errorf(f.Pos, CodeField, "", "%s: %s", what, err)
		return Field{}, false
	}
	return f, true
}

// parseField reads a field name: with list positions where the document may
// have them, else brackets are part of the name.
func (l *loader) parseField(s string) (Field, error) {
	if l.blocks() || s == "" {
		return ParseFieldName(s)
	}
	plain := unescapeBrackets(s)
	return Field{Name: escapeBrackets(plain), Steps: []FieldStep{{plain, -1}}}, nil
}

var (
	bracketEscaper   = strings.NewReplacer("[", `\[`, "]", `\]`)
	bracketUnescaper = strings.NewReplacer(`\[`, "[", `\]`, "]")
)

func escapeBrackets(s string) string   { return bracketEscaper.Replace(s) }
func unescapeBrackets(s string) string { return bracketUnescaper.Replace(s) }
