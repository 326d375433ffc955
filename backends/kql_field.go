package backends

import (
	"github.com/rulewright/rulewright/compiler/ir"
)

// fieldTest compares the scalars of a place with those of another field.
func (p *kqlPrinter) fieldTest(sc *kqlScope, m *ir.Match, t test, pl kqlPlace, x kqlScalar, other ir.Field, negated bool) (string, error) {
	if other.Leaves || other.Derive != nil || m.Field.Derive != nil {
		return "", p.refuse(m, "a comparison with %s cannot be said", other.Name)
	}
	to, err := p.place(sc, other, m, true)
	if err != nil {
		return "", err
	}
	p.open(&to)
	y := to.scalar(other)
	both := pl
	both.chain = append(append([]kqlExpansion{}, pl.chain...), missing(to.chain, pl.chain)...)
	both.conditions = append(append([]string{}, pl.conditions...), to.conditions...)
	op := map[ir.Op]string{ir.Equal: "=~", ir.Contains: "contains", ir.StartsWith: "startswith", ir.EndsWith: "endswith"}[t.how]
	if t.cased {
		op = map[ir.Op]string{ir.Equal: "==", ir.Contains: "contains_cs", ir.StartsWith: "startswith_cs", ir.EndsWith: "endswith_cs"}[t.how]
	}
	text := x.text() + " " + op + " " + y.text()
	if t.how == ir.Equal {
		text = equalFields(t, x, y, text)
	}
	var conditions []string
	for _, s := range []kqlScalar{x, y} {
		if g := s.is(s.kinds &^ objectKind); g != "" {
			conditions = append(conditions, g)
		}
	}
	conditions = append(conditions, "isnotempty("+y.text()+")")
	if t.how != ir.Equal && !x.isText() {
		conditions = append(conditions, x.there())
	}
	if kqlPrecedence(text) < ir.PrecedenceAnd {
		text = "(" + text + ")"
	}
	return p.ask(sc, both, kqlJoin(" and ", append(conditions, text)), false, negated), nil
}

// missing returns the expansions of b that are not in a.
func missing(b, a []kqlExpansion) []kqlExpansion {
	var out []kqlExpansion
	for _, x := range b {
		there := false
		for _, y := range a {
			there = there || x.item == y.item
		}
		if !there {
			out = append(out, x)
		}
	}
	return out
}

// equalFields adds to a comparison of texts that of numbers by value: two texts
// compare as text, a number with a number or the text of one by value.
func equalFields(t test, x, y kqlScalar, text string) string {
	if (x.kinds|y.kinds)&(numberKind|boolKind) == 0 {
		return text
	}
	var parts []string
	if (x.kinds|y.kinds)&numberKind != 0 {
		var is []string
		if x.kinds&textKind != 0 && y.kinds&textKind != 0 {
			is = append(is, "("+x.notText()+" or "+y.notText()+")")
		}
		for _, s := range []kqlScalar{x, y} {
			if s.kinds&textKind == 0 {
				continue
			}
			form := s.text() + " matches regex " + kqlNumberForm
			if s.dynamic && s.kinds != textKind {
				form = "(" + s.notText() + " or " + form + ")"
			}
			is = append(is, form)
		}
		is = append(is, sameNumber(x, y))
		parts = append(parts, kqlJoin(" and ", is))
		// A text that is no number is not the number that is written like it.
		switch {
		case x.kinds&textKind == 0 || y.kinds&numberKind == 0:
		case x.kinds&^textKind == 0 && y.kinds&^numberKind == 0:
			return kqlJoin(" or ", parts)
		default:
			var unless []string
			for _, c := range []string{x.notText(), y.noNumber()} {
				if c != "false" {
					unless = append(unless, c)
				}
			}
			text = "(" + kqlJoin(" or ", unless) + ") and " + text
		}
	}
	if t.cased && (x.kinds|y.kinds)&boolKind != 0 { // booleans ignore case
		for _, s := range []kqlScalar{x, y} {
			if s.dynamic && s.kinds&boolKind != 0 {
				parts = append(parts, "gettype("+s.expr+`) == "bool" and `+x.text()+" =~ "+y.text())
			}
		}
	}
	return kqlJoin(" or ", append([]string{text}, parts...))
}

// notText is the condition for a scalar being no text.
func (s kqlScalar) notText() string {
	if !s.dynamic {
		if s.kinds&textKind != 0 {
			return "false"
		}
		return "true"
	}
	return "gettype(" + s.expr + `) != "string"`
}

// noNumber is the condition for a scalar being no number.
func (s kqlScalar) noNumber() string {
	if !s.dynamic {
		if s.kinds&numberKind != 0 {
			return "false"
		}
		return "true"
	}
	return "gettype(" + s.expr + `) in ("string", "bool")`
}

// number is the value as a number.
func (s kqlScalar) number() string {
	if !s.dynamic && s.kinds == numberKind {
		return s.expr
	}
	return "todouble(" + s.text() + ")"
}
