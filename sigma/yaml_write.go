package sigma

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The writer builds a small tree of YAML and prints it in the style of the
// Sigma specification: four spaces, single quotes, one key a line. It chooses
// each scalar's form such that it reads back as the same type and text.
type (
	yamlMap  []yamlEntry
	yamlSeq  []yamlNode
	yamlText struct {
		text   string
		quoted bool // in quotes even where plain text would read the same
	}
	yamlPlain string // a number, true, false, null, a date: as it is

	yamlEntry struct {
		key   string
		value yamlNode
	}
	yamlNode interface{ yamlNode() }
)

func (yamlMap) yamlNode()   {}
func (yamlSeq) yamlNode()   {}
func (yamlText) yamlNode()  {}
func (yamlPlain) yamlNode() {}

// add appends an entry unless its value says nothing.
func (m *yamlMap) add(key string, value yamlNode) {
	switch v := value.(type) {
	case nil:
		return
	case yamlText:
		if v.text == "" {
			return
		}
	case yamlSeq:
		if len(v) == 0 {
			return
		}
	case yamlMap:
		if len(v) == 0 {
			return
		}
	}
	m.put(key, value)
}

// put appends an entry, empty or not.
func (m *yamlMap) put(key string, value yamlNode) {
	*m = append(*m, yamlEntry{key, value})
}

// Limits of the writer.
const (
	maxWriteDepth = 200  // nested mappings and sequences
	maxKeyLength  = 1000 // code points; YAML ends simple keys at 1,024
)

// yamlPrinter prints a tree. The first error stays and ends the work.
type yamlPrinter struct {
	b   strings.Builder
	err error
}

func (p *yamlPrinter) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// value prints what stands behind a key or a dash: on the same line, or on
// lines of its own at the given indentation.
func (p *yamlPrinter) value(n yamlNode, indent, depth int) {
	switch n := n.(type) {
	case yamlMap:
		if len(n) == 0 {
			p.b.WriteString(" {}\n")
			return
		}
		p.b.WriteByte('\n')
		p.entries(n, indent, false, depth)
	case yamlSeq:
		if len(n) == 0 {
			p.b.WriteString(" []\n")
			return
		}
		p.b.WriteByte('\n')
		p.items(n, indent, depth)
	case yamlText:
		p.b.WriteByte(' ')
		p.scalar(n, indent)
		p.b.WriteByte('\n')
	case yamlPlain:
		p.b.WriteByte(' ')
		p.b.WriteString(string(n))
		p.b.WriteByte('\n')
	default:
		panic(fmt.Sprintf("sigma: unknown YAML node %T", n))
	}
}

// entries prints a mapping. With inline, its first key goes behind a dash
// that is already there.
func (p *yamlPrinter) entries(m yamlMap, indent int, inline bool, depth int) {
	if depth > maxWriteDepth {
		p.fail("more than %d mappings and lists inside each other", maxWriteDepth)
		return
	}
	seen := make(map[string]bool, len(m))
	for _, e := range m {
		if seen[e.key] {
			p.fail("key %q stands twice in one mapping", e.key)
		}
		seen[e.key] = true
		if !inline {
			p.indent(indent)
		}
		inline = false
		p.key(e.key)
		p.b.WriteByte(':')
		p.value(e.value, indent+4, depth+1)
		if p.err != nil {
			return
		}
	}
}

func (p *yamlPrinter) items(s yamlSeq, indent, depth int) {
	if depth > maxWriteDepth {
		p.fail("more than %d mappings and lists inside each other", maxWriteDepth)
		return
	}
	for _, n := range s {
		p.indent(indent)
		p.b.WriteByte('-')
		if m, ok := n.(yamlMap); ok && len(m) > 0 {
			p.b.WriteByte(' ')
			p.entries(m, indent+2, true, depth+1)
		} else {
			p.value(n, indent+4, depth+1)
		}
		if p.err != nil {
			return
		}
	}
}

func (p *yamlPrinter) indent(n int) {
	for range n {
		p.b.WriteByte(' ')
	}
}

func (p *yamlPrinter) key(s string) {
	if utf8.RuneCountInString(s) > maxKeyLength {
		p.fail("key %.40q… has more than %d characters", s, maxKeyLength)
	}
	p.scalar(yamlText{text: s}, -1)
}

// scalar prints text in the simplest form that reads back as this text. An
// indent below zero asks for one line.
func (p *yamlPrinter) scalar(t yamlText, indent int) {
	s := t.text
	switch {
	case !utf8.ValidString(s):
		p.fail("text %.40q is not UTF-8", s)
	case !t.quoted && plainText(s):
		p.b.WriteString(s)
	case strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0:
		p.b.WriteByte('\'')
		p.b.WriteString(strings.ReplaceAll(s, "'", "''"))
		p.b.WriteByte('\'')
	case indent >= 0 && literalText(s):
		p.b.WriteByte('|')
		if !strings.HasSuffix(s, "\n") {
			p.b.WriteByte('-')
		}
		for _, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
			p.b.WriteByte('\n')
			if line != "" {
				p.indent(indent)
				p.b.WriteString(line)
			}
		}
	default:
		p.b.WriteString(doubleQuoted(s))
	}
}

// plainText reports whether s can stand without quotes, to a person and to
// every version of YAML: it begins like a word, or is a UUID, and holds
// nothing that means something to YAML.
func plainText(s string) bool {
	if s == "" || !(s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || s[0] == '_' || IsUUID(s)) {
		return false
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c < ' ' || c > '~':
			return false
		case c == ' ' && (i+1 == len(s) || s[i+1] == '#'):
			return false
		case c == ':' && (i+1 == len(s) || s[i+1] == ' '):
			return false
		}
	}
	return true
}

// literalText reports whether s reads back from a literal block: several
// lines, none of which begins with white space or holds something unprintable.
func literalText(s string) bool {
	if strings.HasSuffix(s, "\n\n") || s == "\n" {
		return false
	}
	for i, line := range strings.Split(s, "\n") {
		if line == "" && i == 0 || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			return false
		}
		for _, r := range line {
			if r != '\t' && !printable(r) {
				return false
			}
		}
	}
	return true
}

// printable reports whether r may stand in a quoted scalar as it is: YAML's
// printable characters without those that it takes for line breaks, white
// space that cannot be seen, or a byte order mark.
func printable(r rune) bool {
	switch {
	case r < ' ' || r >= 0x7f && r <= 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff':
		return false
	case r == 0xfffe || r == 0xffff:
		return false
	}
	return unicode.IsPrint(r) || r <= 0xffff && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Cs, r)
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case printable(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func yamlTexts(ss []string) yamlSeq {
	var seq yamlSeq
	for _, s := range ss {
		seq = append(seq, yamlText{text: s})
	}
	return seq
}

func yamlNumber(n Numeric) yamlPlain {
	if n.IsInt {
		return yamlPlain(strconv.FormatInt(n.Int, 10))
	}
	switch {
	case math.IsNaN(n.Float):
		return ".nan"
	case math.IsInf(n.Float, 1):
		return ".inf"
	case math.IsInf(n.Float, -1):
		return "-.inf"
	}
	s := strconv.FormatFloat(n.Float, 'f', -1, 64) // readers disagree about exponents
	if !strings.Contains(s, ".") {
		s += ".0" // stays a decimal
	}
	return yamlPlain(s)
}

// yamlAny turns the value of a custom attribute back into YAML.
func yamlAny(v any, depth int) (yamlNode, error) {
	if depth > maxWriteDepth {
		return nil, fmt.Errorf("more than %d mappings and lists inside each other", maxWriteDepth)
	}
	switch v := v.(type) {
	case nil:
		return yamlPlain("null"), nil
	case bool:
		return yamlPlain(strconv.FormatBool(v)), nil
	case int:
		return yamlPlain(strconv.Itoa(v)), nil
	case float64:
		return yamlNumber(Numeric{Float: v}), nil
	case string:
		return yamlText{text: v}, nil
	case []any:
		seq := yamlSeq{}
		for _, e := range v {
			n, err := yamlAny(e, depth+1)
			if err != nil {
				return nil, err
			}
			seq = append(seq, n)
		}
		return seq, nil
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		m := yamlMap{}
		for _, k := range keys {
			n, err := yamlAny(v[k], depth+1)
			if err != nil {
				return nil, err
			}
			m.put(k, n)
		}
		return m, nil
	}
	return nil, errors.New("a custom attribute may hold nil, bool, int, float64, string, []any and map[string]any only")
}
