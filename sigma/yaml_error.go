package sigma

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// yamlError takes an error of yaml.v3 apart.
func yamlError(err error) (line int, text string) {
	text = err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		line, _ = strconv.Atoi(m[1])
	}
	return line, text
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError reports what yaml.v3 could not parse. Its line numbers are those
// of the enclosing construct, and partly one too small.
func (l *loader) syntaxError(text string, err error) {
	reported, msg := yamlError(err)
	line := max(reported, 1)
	lines := splitLines(text)
	switch {
	case strings.HasPrefix(msg, "exceeded max depth"):
		l.errorf(Pos{l.base + line, 1}, CodeLimit, "", "nested deeper than the %d levels that are read", MaxDepth)
		return
	case strings.HasPrefix(msg, "did not find expected"), strings.HasPrefix(msg, "mapping values"), strings.HasPrefix(msg, "could not find expected"):
		if n := firstBadLine(lines, msg); n > 0 {
			line = n
		}
	}
	line = min(line, max(len(lines), 1))
	col, hint := 1, ""
	if name, ok := strings.CutPrefix(msg, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		for i, s := range lines {
			if strings.Contains(s, "*"+name) {
				line = i + 1
				break
			}
		}
	}
	if len(lines) > 0 {
		var off int
		off, hint = syntaxHint(lines[line-1], msg)
		col = utf8.RuneCountInString(lines[line-1][:off]) + 1
	}
	l.errorf(Pos{l.base + line, col}, CodeSyntax, hint, "not YAML: %s", msg)
}

// firstBadLine finds the line, counted from 1, at which the text stops being
// YAML: the first one whose end makes the parser fail in the same way as the
// whole text does. It returns 0 when that cannot be told within bounds.
func firstBadLine(lines []string, msg string) int {
	if size := len(strings.Join(lines, "\n")); size > 512<<10 {
		return 0
	}
	fails := func(n int) bool {
		var doc yaml.Node
		err := decodeYAML(strings.Join(lines[:n], "\n")+"\n", &doc)
		return err != nil && strings.HasSuffix(err.Error(), msg)
	}
	low, high := 0, len(lines) // the text of low lines is fine, of high is not
	if !fails(high) {
		return 0
	}
	for high-low > 1 {
		if mid := (low + high) / 2; fails(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

var badEscape = regexp.MustCompile(`\\[^0abt\tnvfre "/\\N_LPxuU]`)

// syntaxHint guesses what went wrong in a line that YAML cannot read, and
// where in it.
func syntaxHint(line, msg string) (off int, hint string) {
	text := strings.TrimLeft(line, " \t")
	start := len(line) - len(text)
	if i := strings.IndexByte(line[:start], '\t'); i >= 0 {
		return i, "indent with spaces, not tabs"
	}
	value := start // where the value of the line begins
	for strings.HasPrefix(line[value:], "- ") {
		value += 2 + len(line[value+2:]) - len(strings.TrimLeft(line[value+2:], " "))
	}
	if i := strings.Index(line[value:], ": "); i >= 0 && line[value] != '\'' && line[value] != '"' {
		value += i + 2
		value += len(line[value:]) - len(strings.TrimLeft(line[value:], " "))
	}
	first := byte(0)
	if value < len(line) {
		first = line[value]
	}
	behind := -1 // what follows a closed quote
	if first == '\'' || first == '"' {
		if i := strings.IndexByte(line[value+1:], first); i >= 0 {
			behind = value + i + 2
		}
	}
	switch {
	case strings.Contains(msg, "unknown anchor"), strings.Contains(msg, "alphabetic or numeric character"):
		if i := strings.IndexAny(line, "*&"); i >= 0 {
			value = i
		}
		return value, "quote text that begins with * or &: '*.exe'"
	case strings.Contains(msg, "cannot start any token"):
		return value, "quote text that begins with %, @ or a backquote"
	case strings.Contains(msg, "unknown escape character"):
		if at := badEscape.FindStringIndex(line); at != nil {
			value = at[0]
		}
		return value, `use single quotes for text with backslashes: 'C:\Windows'`
	case strings.Contains(msg, "unexpected end of stream"), strings.Contains(msg, "unexpected document indicator"):
		return value, "a quote that begins here is not closed"
	case strings.Contains(msg, "mapping values are not allowed"):
		if i := strings.Index(line[value:], ": "); i >= 0 {
			return value + i, "quote text that contains a colon and a blank"
		}
		return start, "check the indentation; the line above may need a colon at its end"
	case strings.Contains(msg, "',' or ']'"), strings.Contains(msg, "',' or '}'"):
		return value, "a bracket is not closed, or a comma is missing"
	case behind >= 0 && behind < len(line) && !strings.HasPrefix(strings.TrimSpace(line[behind:]), ":"):
		return behind, "text stands behind the closing quote; inside single quotes write '' for a quote"
	case strings.Contains(msg, "could not find expected ':'"):
		return start, "a key needs a colon and a blank behind it"
	case strings.Contains(msg, "did not find expected"):
		return start, "check the indentation: entries of one mapping or list begin in the same column"
	}
	return start, ""
}
