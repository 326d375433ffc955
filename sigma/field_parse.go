package sigma

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// ParseFieldName reads a field name without modifiers or quantifier:
// `TargetResources[0].id` has the steps {TargetResources, 0}, {id}. "." is the
// element that a list block is looking at and has no steps.
func ParseFieldName(s string) (Field, error) {
	f := Field{Name: s}
	switch s {
	case "":
		return f, fmt.Errorf("the field has no name")
	case ".":
		return f, nil
	}
	rest := s
	for rest != "" {
		open := strings.IndexByte(rest, '[')
		name := rest
		if open >= 0 {
			name = rest[:open]
		}
		if name == "" && len(f.Steps) == 0 || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
			return f, fmt.Errorf("%s has an empty step", show(s))
		}
		if strings.Contains(name, "]") {
			return f, fmt.Errorf("%s has a ] without a [", show(s))
		}
		if open < 0 {
			f.Steps = append(f.Steps, FieldStep{name, -1})
			return f, nil
		}
		end := strings.IndexByte(rest[open:], ']')
		if end < 0 {
			return f, fmt.Errorf("%s has a [ without a ]", show(s))
		}
		digits := rest[open+1 : open+end]
		i, err := strconv.Atoi(digits)
		if err != nil || strings.Trim(digits, "0123456789") != "" {
			return f, fmt.Errorf("%s is no list position", show("["+digits+"]"))
		}
		f.Steps = append(f.Steps, FieldStep{name, i})
		rest = rest[open+end+1:]
		if rest != "" && rest[0] != '[' {
			if rest[0] != '.' || rest == "." {
				return f, fmt.Errorf("behind a position in %s a dot and a name must follow", show(s))
			}
			rest = rest[1:]
		}
	}
	return f, nil
}

// field reads a field name that stands as a value.
func (l *loader) field(n *yaml.Node, what string) (Field, bool) {
	s, ok := l.text(n, what)
	if !ok {
		return Field{}, false
	}
	f, err := ParseFieldName(s)
	f.Pos = l.pos(n)
	if err != nil {
		l.errorf(f.Pos, CodeField, "", "%s: %s", what, err)
		return Field{}, false
	}
	return f, true
}
