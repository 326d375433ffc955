package backends

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// KQLQueryLimit is how many characters the query of a Sentinel analytics rule
// may have. KQL prints longer ones too; who makes rules of them counts.
const KQLQueryLimit = 10_000

const (
	// kqlWidth is where lines are broken, if they can be.
	kqlWidth = 110
	// kqlParts is how many parts a chain of and, or may have before it is
	// balanced in parentheses: Kusto parses a chain as one level a part and
	// refuses texts that are too deep.
	kqlParts = 24
)

// kqlString writes a text literal: verbatim where backslashes are all that
// needs an escape, for that is how people write paths and regular expressions.
func kqlString(s string) string {
	special := false
	for _, c := range s {
		if c < ' ' || unseen(c) || c == utf8.RuneError {
			special = true
		}
	}
	if !special && strings.Contains(s, `\`) {
		return `@"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '\\' || c == '"':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || unseen(c):
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// unseen reports whether a character is none that people see, so that it is
// written by its number.
func unseen(c rune) bool {
	return c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xe000 && c <= 0xf8ff
}

// kqlStrings writes a list of literals in parentheses, broken into lines where
// it is long.
func kqlStrings(texts []string) string {
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = kqlString(t)
	}
	return kqlList(parts)
}

func kqlList(parts []string) string {
	one := "(" + strings.Join(parts, ", ") + ")"
	if utf8.RuneCountInString(one) <= kqlWidth-30 {
		return one
	}
	var b strings.Builder
	b.WriteString("(\n    ")
	width := 0
	for i, p := range parts {
		n := utf8.RuneCountInString(p)
		if width > 0 && width+n+2 > kqlWidth-8 {
			b.WriteString("\n    ")
			width = 0
		} else if width > 0 {
			b.WriteByte(' ')
			width++
		}
		b.WriteString(p)
		width += n
		if i < len(parts)-1 {
			b.WriteByte(',')
			width++
		}
	}
	b.WriteString(")")
	return b.String()
}

var kqlBareName = regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]*\z`)

// kqlKeywords are words that mean something at the place of a name. Names in
// brackets are always right; a word too many here costs two characters.
var kqlKeywords = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(`and as asc between bool by bytes consume contains contains_cs count datatable
		date datetime decimal declare desc distinct double dynamic endswith endswith_cs evaluate execute extend
		externaldata facet false filter find first flags fork from func getschema graph guid has has_all has_any has_cs
		hasprefix hassuffix hint in int inner into invoke is join kind last let like limit long lookup make materialize
		matches mvapply mvexpand not null nulls of on or order parse partition pattern print project query real reduce
		regex render restrict sample scan search serialize set sort startswith startswith_cs step string summarize table
		take time timespan to toscalar top true type typeof uniqueid union until update using view where with withsource`) {
		words[w] = true
	}
	return words
}()

// kqlName writes the name of a column or table.
func kqlName(name string) string {
	if kqlBareName.MatchString(name) && !kqlKeywords[name] {
		return name
	}
	return "[" + kqlQuoted(name) + "]"
}

// kqlMember writes a key of an object behind the object.
func kqlMember(object, key string) string {
	if kqlBareName.MatchString(key) && !kqlKeywords[key] {
		return object + "." + key
	}
	return object + "[" + kqlQuoted(key) + "]"
}

// kqlQuoted writes a name as an escaped literal; verbatim ones are for values.
func kqlQuoted(s string) string {
	q := kqlString(s)
	if strings.HasPrefix(q, "@") {
		q = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return q
}

// kqlNumber writes a number literal.
func kqlNumber(n ir.Number) string {
	if n.IsInt {
		if n.Int == -1<<63 { // the literal without its sign would be too large
			return "long(-9223372036854775808)"
		}
		return strconv.FormatInt(n.Int, 10)
	}
	s := strconv.FormatFloat(n.Float, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// kqlJoin joins parts of one operator, " and " or " or ", balanced and in lines
// of their own where they are many or long.
func kqlJoin(op string, parts []string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	if len(parts) > kqlParts {
		size := (len(parts) + kqlParts - 1) / kqlParts
		if size < kqlParts/2 {
			size = kqlParts / 2
		}
		var groups []string
		for len(parts) > 0 {
			n := min(size, len(parts))
			groups = append(groups, parts[0])
			if n > 1 {
				groups[len(groups)-1] = "(" + kqlJoin(op, parts[:n]) + ")"
			}
			parts = parts[n:]
		}
		return kqlJoin(op, groups)
	}
	one := strings.Join(parts, op)
	if utf8.RuneCountInString(one) <= kqlWidth && !strings.Contains(one, "\n") {
		return one
	}
	for i := range parts[1:] {
		parts[i+1] = indent(parts[i+1])
	}
	return strings.Join(parts, "\n    "+strings.TrimLeft(op, " "))
}

// indent moves the lines behind the first one to the right. No literal holds a
// line break.
func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }

// kqlNot negates an operand, which Emit put in parentheses where it needed to.
func kqlNot(operand string) (string, ir.Precedence) {
	if enclosed(operand) {
		return "not" + operand, ir.PrecedenceAtom
	}
	return "not(" + operand + ")", ir.PrecedenceAtom
}

// enclosed reports whether a text is one pair of parentheses with all between.
func enclosed(text string) bool {
	if !strings.HasPrefix(text, "(") {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i == len(text)-1
			}
		case '"':
			i = literalEnd(text, i)
		}
	}
	return false
}

// literalEnd returns where the literal ends whose opening quote is at i.
func literalEnd(text string, i int) int {
	verbatim := i > 0 && text[i-1] == '@'
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && !verbatim:
			i++
		case text[i] == '"' && verbatim && strings.HasPrefix(text[i+1:], `"`):
			i++
		case text[i] == '"':
			return i
		}
	}
	return i
}
