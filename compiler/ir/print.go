package ir

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Print writes a tree as indented text, for goldens and people. Trees with the
// same text have the same meaning. nil prints as "(nil)".
func Print(e Expr) string {
	var b strings.Builder
	printExpr(&b, e, 0)
	return b.String()
}

func printExpr(b *strings.Builder, e Expr, depth int) {
	indent := strings.Repeat("  ", depth)
	b.WriteString(indent)
	group := func(head string, xs []Expr) {
		b.WriteString("(" + head)
		for _, x := range xs {
			b.WriteByte('\n')
			printExpr(b, x, depth+1)
		}
		b.WriteByte(')')
	}
	switch e := e.(type) {
	case nil:
		b.WriteString("(nil)")
	case *And:
		group("and", e.X)
	case *Or:
		group("or", e.X)
	case *Not:
		group("not", []Expr{e.X})
	case Const:
		b.WriteString(strconv.FormatBool(bool(e)))
	case *Selection:
		group("selection "+strconv.Quote(e.Name), []Expr{e.X})
	case *Any:
		group("any "+e.Over.Spec(), []Expr{e.X})
	case *Match:
		b.WriteString("(" + e.Op.String())
		if e.Cased {
			b.WriteString(" cased")
		}
		b.WriteString(" " + e.Field.Spec())
		for _, v := range e.Values {
			b.WriteString(" " + ValueText(v))
		}
		b.WriteByte(')')
	default:
		panic(fmt.Sprintf("ir: unknown node %T", e))
	}
}

// ValueText writes a value as Print does: strings quoted, patterns as
// like"…", regexes as re"…", networks, arguments and field references bare.
func ValueText(v Value) string {
	switch v := v.(type) {
	case String:
		return strconv.Quote(string(v))
	case Number:
		return v.String()
	case Bool:
		return strconv.FormatBool(bool(v))
	case Pattern:
		return "like" + strconv.Quote(v.String())
	case Regex:
		return "re" + strconv.Quote(string(v))
	case Prefix:
		return netip.Prefix(v).String()
	case Networks:
		return "networks(" + v.Parameter + ")"
	case Argument:
		return "argument(" + v.Parameter + ")"
	case FieldRef:
		return "field(" + v.Field.Spec() + ")"
	}
	panic(fmt.Sprintf("ir: unknown value %T", v))
}

// String returns the shortest decimal without an exponent: the number's text form.
func (n Number) String() string {
	if n.IsInt {
		return strconv.FormatInt(n.Int, 10)
	}
	return strconv.FormatFloat(n.Float, 'f', -1, 64)
}

// String writes the pattern with * and ? as wildcards and \ in front of a
// literal *, ? or \. ParsePattern reads it back.
func (p Pattern) String() string {
	var b strings.Builder
	for _, part := range p {
		switch part.Kind {
		case AnyRun:
			b.WriteByte('*')
		case AnyOne:
			b.WriteByte('?')
		case OneOfList:
			b.WriteString("%" + part.Text + "%")
		default:
			for i := 0; i < len(part.Text); i++ {
				if strings.IndexByte(`\*?`, part.Text[i]) >= 0 {
					b.WriteByte('\\')
				}
				b.WriteByte(part.Text[i])
			}
		}
	}
	return b.String()
}

// ParsePattern reads what Pattern.String writes: every backslash takes the
// meaning from the byte behind it. (Sigma's own escapes are read by package
// sigma, once.)
func ParsePattern(text string) Pattern {
	var p Pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, PatternPart{Kind: Literal, Text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '*':
			flush()
			if n := len(p); n == 0 || p[n-1].Kind != AnyRun {
				p = append(p, PatternPart{Kind: AnyRun})
			}
		case '?':
			flush()
			p = append(p, PatternPart{Kind: AnyOne})
		case '\\':
			if i+1 < len(text) {
				i++
			}
			lit.WriteByte(text[i])
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}
