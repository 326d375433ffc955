package sentinel

import (
	"fmt"
	"strings"
)

// bicepValue writes a tree as a Bicep expression, its continuation lines
// indented by depth levels.
func bicepValue(b *strings.Builder, v any, depth int) {
	in := strings.Repeat("  ", depth)
	switch v := v.(type) {
	case object:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteString("{\n")
		for _, m := range v {
			b.WriteString(in + "  " + bicepKey(m.key) + ": ")
			bicepValue(b, m.value, depth+1)
			b.WriteByte('\n')
		}
		b.WriteString(in + "}")
	case list:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteString("[\n")
		for _, x := range v {
			b.WriteString(in + "  ")
			bicepValue(b, x, depth+1)
			b.WriteByte('\n')
		}
		b.WriteString(in + "]")
	case expression:
		b.WriteString(v.bicep)
	case string:
		b.WriteString(bicepString(v))
	case bool, int, nil:
		b.WriteString(scalarText(v))
	default:
		panic(fmt.Sprintf("sentinel: no Bicep for %T", v))
	}
}

func bicepKey(k string) string {
	if isIdentifier(k) {
		return k
	}
	return bicepString(k)
}

// bicepString writes text of several lines between three quotes, where nothing
// is escaped, and any other text, or one that cannot stand there, between
// single ones.
func bicepString(s string) string {
	if strings.Contains(s, "\n") && !strings.Contains(s, "'''") && !strings.HasSuffix(s, "'") && printable(s) {
		return "'''\n" + s + "'''" // the first line break is not part of the text
	}
	var b strings.Builder
	b.WriteByte('\'')
	rs := []rune(s)
	for i, r := range rs {
		switch {
		case r == '\\' || r == '\'':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '$' && i+1 < len(rs) && rs[i+1] == '{':
			b.WriteString(`\$`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !printableRune(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && !printableRune(r) }) < 0
}

func printableRune(r rune) bool {
	return r >= ' ' && r != 0x7f && !(r >= 0x80 && r < 0xa0) && r != 0x2028 && r != 0x2029 && r != 0xfeff
}

// isIdentifier reports whether a name can stand bare in Bicep, as a column of a
// query and as the name of a function.
func isIdentifier(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != ""
}
