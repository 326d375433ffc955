package backends

import (
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// leaf prints a Match: a text that is true or false of every row.
func (p *kqlPrinter) leaf(sc *kqlScope, m *ir.Match, negated bool) (string, error) {
	if m.Field.Leaves {
		return p.keywords(sc, m, negated)
	}
	pl, err := p.place(sc, m.Field, m, true)
	if err != nil {
		return "", err
	}
	switch m.Op {
	case ir.Exists:
		return p.ask(sc, pl, pl.present, strings.HasPrefix(pl.present, "bag_has_key") || strings.HasPrefix(pl.present, "array_length"), negated), nil
	case ir.Null:
		p.open(&pl)
		s := pl.scalar(m.Field)
		if m.Field.Derive != nil {
			return "", p.refuse(m, "null of a part of a time cannot be said")
		}
		if len(pl.chain) == 0 {
			if s.isText() {
				return "isempty(" + s.expr + ")", nil
			}
			if s.listed {
				return "gettype(" + s.expr + `) in ("null", "array")`, nil
			}
			return "isnull(" + s.expr + ")", nil
		}
		text, _ := kqlNot(p.ask(sc, pl, s.there(), false, false))
		return text, nil
	}
	p.open(&pl)
	return p.match(sc, m, pl, negated)
}

// match prints a Match at the scalars of a place.
func (p *kqlPrinter) match(sc *kqlScope, m *ir.Match, pl kqlPlace, negated bool) (text string, err error) {
	scalar := pl.scalar(m.Field)
	var parts []string
	ts := testsOf(m, pl.kinds)
	if d := m.Field.Derive; d != nil {
		if pl, scalar, err = p.derive(sc, m, pl, scalar, *d); err != nil {
			return "", err
		}
	}
	var plain []test
	for _, t := range ts {
		if t.ask != askField {
			plain = append(plain, t)
			continue
		}
		for _, f := range t.fields {
			part, err := p.fieldTest(sc, m, t, pl, scalar, f, negated)
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}
	}
	if len(plain) > 0 {
		if err := p.canSay(m, plain); err != nil {
			return "", err
		}
		parts = append([]string{p.ask(sc, pl, p.tests(plain, scalar), maybeUnknown(plain, scalar), negated)}, parts...)
	}
	if len(parts) == 0 {
		return "false", nil
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr)), nil
}

func (pl kqlPlace) scalar(f ir.Field) kqlScalar {
	return kqlScalar{expr: pl.value, dynamic: pl.dynamic, column: pl.column, typ: f.Type, kinds: pl.kinds, listed: pl.listed, row: pl.row && len(pl.chain) == 0}
}

// ask prints a condition on a place: as it is, or as the answer to a question
// about the elements of a list.
func (p *kqlPrinter) ask(sc *kqlScope, pl kqlPlace, condition string, unknown, negated bool) string {
	if len(pl.chain) > 0 {
		conditions := pl.conditions
		if condition != "true" {
			conditions = append(conditions[:len(conditions):len(conditions)], condition)
		}
		return sc.flag(p, &kqlApply{chain: pl.chain}, append([]string{}, conditions...))
	}
	if unknown && negated {
		return "coalesce(" + condition + ", false)"
	}
	return condition
}

// maybeUnknown reports whether a test can be null: comparisons of numbers that
// are not there, addresses that are none.
func maybeUnknown(ts []test, s kqlScalar) bool {
	for _, t := range ts {
		if t.ask == askNetwork || t.ask == askNumber && (t.how != ir.Equal || s.dynamic || s.isText()) {
			return true
		}
	}
	return false
}

// canSay refuses what no text can be printed for.
func (p *kqlPrinter) canSay(m *ir.Match, ts []test) error {
	for _, t := range ts {
		for _, e := range t.regexps {
			if _, err := writeRegexp(e, kqlSyntax); err != nil {
				return p.refuse(m, "the regular expression %q cannot be said", string(e))
			}
		}
	}
	return nil
}

// parenthesised puts parts that bind looser than above in parentheses, if there
// are several.
func parenthesised(parts []string, above ir.Precedence) []string {
	if len(parts) < 2 {
		return parts
	}
	out := make([]string, len(parts))
	for i, t := range parts {
		if kqlPrecedence(t) < above {
			t = "(" + t + ")"
		}
		out[i] = t
	}
	return out
}

// tests prints tests of which one must be true of a scalar.
func (p *kqlPrinter) tests(ts []test, s kqlScalar) string {
	var parts []string
	for i, t := range ts {
		if t.ask == askBool && saidAsText(ts[:i], t) {
			continue
		}
		parts = append(parts, p.test(t, s))
	}
	if len(parts) == 0 {
		return "false"
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr))
}

// saidAsText reports whether a test of texts before is true of this boolean's
// text too, so that the printed comparison covers both.
func saidAsText(before []test, b test) bool {
	for _, t := range before {
		if t.ask == askText && t.how == ir.Equal && !t.cased {
			for _, v := range t.texts {
				if v == boolText(b.truth) {
					return true
				}
			}
		}
	}
	return false
}

// test prints one test of a scalar.
func (p *kqlPrinter) test(t test, s kqlScalar) string {
	switch t.ask {
	case askText:
		return textTest(t, s)
	case askLike:
		return p.likeTest(t, s)
	case askRegexp:
		var parts []string
		for _, e := range t.regexps {
			written, err := writeRegexp(e, kqlSyntax)
			if err != nil {
				panic(err) // canSay
			}
			part := s.text() + " matches regex " + kqlString(written)
			parts = append(parts, behind(stretches(ir.Regexp, e, true), s.text(), part))
		}
		return guarded(s.guard(t), parenthesised(parts, ir.PrecedenceOr))
	case askNumber:
		return numberTest(t, s)
	case askBool:
		if s.dynamic {
			return guarded(s.is(boolKind), []string{s.text() + ` == "` + boolText(t.truth) + `"`})
		}
		return s.expr + " == " + boolText(t.truth)
	case askNetwork:
		return p.networkTest(t, s)
	case askAnything:
		return s.there()
	}
	panic("backends: unknown test")
}

// guarded puts a condition, if any, in front of alternatives.
func guarded(guard string, parts []string) string {
	text := kqlJoin(" or ", parts)
	if guard == "" {
		return text
	}
	if kqlPrecedence(text) < ir.PrecedenceAnd {
		text = "(" + text + ")"
	}
	return guard + " and " + text
}
