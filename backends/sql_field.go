package backends

import (
	"github.com/rulewright/rulewright/compiler/ir"
)

// fieldTest prints that a scalar compares with one of another field.
func (p *sqlPrinter) fieldTest(m *ir.Match, x scalar, f ir.Field, depth int) (cond, error) {
	return p.scalars(f, depth, func(y scalar) (cond, error) {
		if x.kinds&timeKind != 0 || y.kinds&timeKind != 0 {
			if x.kinds == y.kinds && m.Op == ir.Equal {
				return comparison(x.expr + " = " + y.expr), nil
			}
			return cond{}, p.refuse("a datetime column compared with a text is not supported")
		}
		if m.Op == ir.Equal {
			return p.equalScalars(m, x, y)
		}
		tx, okX := p.textForm(x)
		ty, okY := p.textForm(y)
		if !okX || !okY {
			return constant(false), nil
		}
		if !m.Cased {
			tx, ty = p.d.foldBoth(tx), p.d.foldBoth(ty)
		}
		c := comparison(within(m.Op, p.d.position, tx, ty))
		if m.Op == ir.EndsWith {
			c.prec = ir.PrecedenceAnd
		}
		return allOf(comparison(ty+" <> ''"), c), nil
	})
}

// equalScalars prints that two scalars are equal as the contract has it.
func (p *sqlPrinter) equalScalars(m *ir.Match, x, y scalar) (cond, error) {
	text := func(s scalar) string {
		if m.Cased {
			return p.text(s)
		}
		return p.d.foldBoth(p.text(s))
	}
	var cs []cond
	has := func(kx, ky kinds) bool { return x.kinds&kx != 0 && y.kinds&ky != 0 }
	const textual = textKind | guidKind
	if has(textual, textual) {
		cs = append(cs, allOf(p.kindOf(x, textual), p.kindOf(y, textual), comparison(p.text(y)+" <> ''"), comparison(text(x)+" = "+text(y))))
	}
	if has(boolKind, boolKind) {
		for _, truth := range []bool{true, false} {
			cs = append(cs, allOf(p.isBool(x, truth), p.isBool(y, truth)))
		}
	}
	for _, pair := range [][2]scalar{{x, y}, {y, x}} {
		if a, b := pair[0], pair[1]; a.kinds&boolKind != 0 && b.kinds&textKind != 0 {
			for _, truth := range []bool{true, false} {
				t, err := p.equalsOneOf(p.text(b), []string{boolText(truth)}, false)
				if err != nil {
					return cond{}, err
				}
				cs = append(cs, allOf(p.isBool(a, truth), p.kindOf(b, textKind), t))
			}
		}
	}
	if has(numberKind, numberKind|textKind) || has(textKind, numberKind) {
		cs = append(cs, p.equalNumbers(x, y))
	}
	if has(numberKind, textKind) { // a text too long for a number, yet what a number prints as
		cs = append(cs, allOf(p.kindOf(x, numberKind), p.kindOf(y, textKind), comparison(p.numberText(x)+" = "+p.text(y))))
	}
	return anyOf(cs...), nil
}

// equalNumbers prints that two scalars, one of them a number, have one value.
func (p *sqlPrinter) equalNumbers(x, y scalar) cond {
	value := func(s scalar) string {
		n, _ := p.numberForm(s)
		return n
	}
	var number cond // one is
	if x.kinds&textKind != 0 && y.kinds&textKind != 0 {
		number = anyOf(p.kindOf(x, numberKind), p.kindOf(y, numberKind))
	}
	same := comparison(value(x) + " = " + value(y))
	if p.d.exactNumbers || x.at == nil || y.at == nil || x.kinds&numberKind == 0 || y.kinds&numberKind == 0 {
		return allOf(number, same)
	}
	exact := p.d.json.exact
	if exact == nil {
		exact = p.d.json.integer
	}
	ix, iy := exact(*x.at), exact(*y.at)
	return allOf(number, same, comparison("coalesce("+ix+" = "+iy+", TRUE)"))
}

// numberForm is the value of a number, or of a text that is one; null for others.
func (p *sqlPrinter) numberForm(s scalar) (string, bool) {
	switch {
	case s.at != nil:
		return p.d.json.number(*s.at, s.kinds&numberKind != 0, s.kinds&textKind != 0), true
	case s.kinds == textKind:
		return p.d.number(s.expr), true
	}
	return s.expr, s.kinds == numberKind
}

// textForm is the text form of a scalar; null for what has none.
func (p *sqlPrinter) textForm(s scalar) (string, bool) {
	if s.at == nil {
		switch s.kinds {
		case numberKind:
			return p.numberText(s), true
		case boolKind:
			return "CASE WHEN " + s.expr + " = TRUE THEN 'true' WHEN " + s.expr + " = FALSE THEN 'false' END", true
		case textKind, guidKind:
			return p.text(s), true
		}
		return "", false
	}
	return "CASE WHEN " + p.kindOf(s, textKind).text + " THEN " + p.text(s) +
		" WHEN " + p.kindOf(s, numberKind).text + " THEN " + p.numberText(s) +
		" WHEN " + p.isBool(s, true).text + " THEN 'true' WHEN " + p.isBool(s, false).text + " THEN 'false' END", true
}

// foldBoth folds a text to be compared with another that is not known here.
func (d *Dialect) foldBoth(x string) string {
	if d.foldsASCII {
		return d.lower(x)
	}
	return d.lower(d.translate(x, []rune{'\u212a', '\u0130'}, []rune{'\ue000', '\ue001'}))
}

// within prints that a text contains another, starts or ends with it.
func within(op ir.Op, position func(x, what string) string, x, y string) string {
	switch op {
	case ir.StartsWith:
		return "substr(" + x + ", 1, length(" + y + ")) = " + y
	case ir.EndsWith:
		return "length(" + x + ") >= length(" + y + ") AND substr(" + x + ", length(" + x + ") - length(" + y + ") + 1) = " + y
	}
	return position(x, y) + " > 0"
}
