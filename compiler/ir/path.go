package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Paths as text
//
// The steps of a path are joined by dots. A step is its key, then {} if it
// parses JSON, then a position [3] or a selector [Name=ForwardTo]:
//
//	TargetResources{}.modifiedProperties
//	Parameters{}[Name=ForwardTo].Value
//
// Dots inside a key stand as they are: a dot separates steps only behind {} or
// a bracket. A backslash takes the meaning from any of \ { } [ ] = @ * and from
// a dot that is a whole name.

// plain reports whether the step is a key and nothing else, so that the next
// key can be joined to it by a dot.
func (s Step) plain() bool {
	return !s.JSON && !s.HasPosition && s.Where.Key == ""
}

// Join returns p followed by q. Two keys that meet become one dotted key, so
// that every path has one form.
func (p Path) Join(q Path) Path {
	out := make(Path, 0, len(p)+len(q))
	out = append(out, p...)
	for _, s := range q {
		if n := len(out); n > 0 && out[n-1].plain() {
			switch {
			case s.Key != "":
				s.Key = out[n-1].Key + "." + s.Key
			default:
				s.Key = out[n-1].Key
			}
			out[n-1] = s
			continue
		}
		out = append(out, s)
	}
	return out
}

// String writes the path so that ParsePath reads it back. The empty path is ".".
func (p Path) String() string {
	if len(p) == 0 {
		return "."
	}
	var b strings.Builder
	for i, s := range p {
		if i > 0 && s.Key != "" {
			b.WriteByte('.')
		}
		if i == 0 && (s.Key == "." || s.Key == "*") {
			b.WriteByte('\\')
			b.WriteString(s.Key)
		} else {
			escapePath(&b, s.Key)
		}
		if s.JSON {
			b.WriteString("{}")
		}
		if s.HasPosition {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.Position))
			b.WriteByte(']')
		}
		if s.Where.Key != "" {
			b.WriteByte('[')
			escapePath(&b, s.Where.Key)
			b.WriteByte('=')
			escapePath(&b, s.Where.Value)
			b.WriteByte(']')
		}
	}
	return b.String()
}

func escapePath(b *strings.Builder, s string) {
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`\{}[]=@`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
}

// ParsePath reads what Path.String writes.
func ParsePath(text string) (Path, error) {
	p, rest, err := parsePath(text)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("path %q: unexpected %q", text, rest)
	}
	return p, nil
}

// parsePath reads a path up to the end or an unescaped @ and returns the rest.
func parsePath(text string) (Path, string, error) {
	if text == "" {
		return nil, "", fmt.Errorf("path is empty")
	}
	if text == "." || strings.HasPrefix(text, ".@") {
		return Path{}, text[1:], nil
	}
	var p Path
	rest := text
	for {
		var s Step
		var err error
		if s.Key, rest, err = pathToken(rest, "{[@}]"); err != nil {
			return nil, "", fmt.Errorf("path %q: %w", text, err)
		}
		if s.Key == "" && (rest == "" || rest[0] == '@') {
			return nil, "", fmt.Errorf("path %q: a key is missing", text)
		}
		if strings.HasPrefix(rest, "{}") {
			s.JSON, rest = true, rest[2:]
		}
		if strings.HasPrefix(rest, "[") {
			if rest, err = s.bracket(rest[1:]); err != nil {
				return nil, "", fmt.Errorf("path %q: %w", text, err)
			}
		}
		p = append(p, s)
		switch {
		case rest == "" || rest[0] == '@':
			return p, rest, nil
		case rest[0] == '.':
			rest = rest[1:]
			if rest == "" || rest[0] == '@' || rest[0] == '{' || rest[0] == '[' {
				return nil, "", fmt.Errorf("path %q: a key is missing behind a dot", text)
			}
		case rest[0] == '{' || rest[0] == '[':
			if !strings.HasPrefix(rest, "{}") && rest[0] == '{' {
				return nil, "", fmt.Errorf("path %q: { without }", text)
			}
		default:
			return nil, "", fmt.Errorf("path %q: expected a dot before %q", text, rest)
		}
	}
}

// bracket reads a position or selector behind its opening bracket.
func (s *Step) bracket(text string) (rest string, err error) {
	key, rest, err := pathToken(text, "=]")
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(rest, "]") {
		n, err := strconv.Atoi(key)
		if err != nil || n < 0 {
			return "", fmt.Errorf("[%s] is neither a position nor Name=value", key)
		}
		s.HasPosition, s.Position = true, n
		return rest[1:], nil
	}
	if rest == "" || key == "" {
		return "", fmt.Errorf("[ without ]")
	}
	value, rest, err := pathToken(rest[1:], "]")
	if err != nil {
		return "", err
	}
	if rest == "" {
		return "", fmt.Errorf("[ without ]")
	}
	s.Where = Where{Key: key, Value: value}
	return rest[1:], nil
}

// pathToken reads up to one of the stop bytes or the end, taking escapes out.
func pathToken(text, stop string) (token, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			if i++; i == len(text) {
				return "", "", fmt.Errorf("a backslash ends the text")
			}
			b.WriteByte(text[i])
			continue
		}
		if strings.IndexByte(stop, c) >= 0 {
			return b.String(), text[i:], nil
		}
		b.WriteByte(c)
	}
	return b.String(), "", nil
}
