package backends

import (
	"math"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// numberTest compares a number, or a text of number form, with numbers.
//
// An integer and a fraction compare by their exact value. Where an engine would
// round one to the other, both are compared with a literal of their own type,
// which is chosen here.
func (p *sqlPrinter) numberTest(t test, s scalar) (cond, error) {
	numbers, texts := t.kinds&numberKind != 0, t.kinds&textKind != 0
	switch {
	case s.at != nil && p.d.exactNumbers:
		return p.compare(p.d.json.number(*s.at, numbers, texts), t.how, t.numbers), nil
	case s.at != nil:
		c := p.compareReal(p.d.json.number(*s.at, numbers, texts), t.how, t.numbers)
		if !numbers || !needsInteger(t.numbers) {
			return c, nil
		}
		i := p.d.json.integer(*s.at)
		return comparison("CASE WHEN " + i + " IS NOT NULL THEN " + p.compareInteger(i, t.how, t.numbers).within(ir.PrecedenceNot) + " ELSE " + c.within(ir.PrecedenceNot) + " END"), nil
	case texts && s.typ == ir.TypeNumeric && t.how == ir.Equal && len(t.numbers) > 0:
		var forms []string
		for _, n := range t.numbers {
			forms = append(forms, shortestDecimal(n))
		}
		return p.equalsOneOf(s.expr, forms, true)
	case texts && p.d.exactNumbers:
		return p.compare(p.d.number(s.expr), t.how, t.numbers), nil
	case texts:
		return p.compareReal(p.d.number(s.expr), t.how, t.numbers), nil
	case s.typ == ir.TypeReal:
		return p.compareReal(s.expr, t.how, t.numbers), nil
	}
	return p.compareInteger(s.expr, t.how, t.numbers), nil
}

// exactReal is where fractions end to hold every integer.
const exactReal = 1 << 53

// needsInteger reports whether rounding an integer to a fraction could change
// how it compares with one of the numbers.
func needsInteger(ns []ir.Number) bool {
	for _, n := range ns {
		f := n.Float
		if n.IsInt {
			f = float64(n.Int)
		}
		if a := math.Abs(f); a >= exactReal && a <= 1<<63 {
			return true
		}
	}
	return false
}

// compare compares with the numbers as they are.
func (p *sqlPrinter) compare(x string, how ir.Op, ns []ir.Number) cond {
	var literals []string
	for _, n := range ns {
		literals = append(literals, p.number(n))
	}
	return comparedWith(x, how, literals)
}

func comparedWith(x string, how ir.Op, literals []string) cond {
	if how == ir.Equal && len(literals) > 1 {
		return comparison(x + " IN (" + strings.Join(literals, ", ") + ")")
	}
	op := map[ir.Op]string{ir.Equal: " = ", ir.Less: " < ", ir.LessOrEqual: " <= ", ir.Greater: " > ", ir.GreaterOrEqual: " >= "}[how]
	var cs []cond
	for _, l := range literals {
		cs = append(cs, comparison(x+op+l))
	}
	return anyOf(cs...)
}

// compareReal compares a fraction with numbers.
func (p *sqlPrinter) compareReal(x string, how ir.Op, ns []ir.Number) cond {
	by := map[ir.Op][]string{}
	for _, n := range ns {
		h, f, ok := realBound(how, n)
		if ok {
			by[h] = append(by[h], p.number(ir.Number{Float: f}))
		}
	}
	return byOperator(x, by)
}

// compareInteger compares an integer with numbers.
func (p *sqlPrinter) compareInteger(x string, how ir.Op, ns []ir.Number) cond {
	by := map[ir.Op][]string{}
	var all cond
	for _, n := range ns {
		h, i, ok, always := integerBound(how, n)
		switch {
		case ok:
			by[h] = append(by[h], p.number(ir.Number{IsInt: true, Int: i}))
		case always:
			all = comparison(x + " IS NOT NULL")
		}
	}
	return anyOf(byOperator(x, by), all)
}

func byOperator(x string, by map[ir.Op][]string) cond {
	var cs []cond
	for _, op := range []ir.Op{ir.Equal, ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual} {
		if len(by[op]) > 0 {
			cs = append(cs, comparedWith(x, op, by[op]))
		}
	}
	return anyOf(cs...)
}

// realBound is the comparison of fractions that is true of the same fractions as
// the one with n; false for none.
func realBound(how ir.Op, n ir.Number) (ir.Op, float64, bool) {
	if !n.IsInt {
		return how, n.Float, true
	}
	f := float64(n.Int)
	// Whether f is above or below n, exactly; 1<<63 is no int64.
	side := 0
	switch {
	case f >= 1<<63 || int64(f) > n.Int:
		side = 1
	case int64(f) < n.Int:
		side = -1
	}
	switch {
	case side == 0:
		return how, f, true
	case how == ir.Equal:
		return how, 0, false
	case how == ir.Less || how == ir.LessOrEqual:
		if side > 0 {
			return ir.Less, f, true
		}
		return ir.LessOrEqual, f, true
	case side > 0:
		return ir.GreaterOrEqual, f, true
	}
	return ir.Greater, f, true
}

// integerBound is the comparison of 64-bit integers that is true of the same
// integers as the one with n; if there is none, it is always true or never.
func integerBound(how ir.Op, n ir.Number) (op ir.Op, i int64, ok, always bool) {
	if n.IsInt {
		return how, n.Int, true, false
	}
	f := n.Float
	switch {
	case math.IsNaN(f):
		return how, 0, false, false
	case f >= 1<<63:
		return how, 0, false, how == ir.Less || how == ir.LessOrEqual
	case f < -1<<63:
		return how, 0, false, how == ir.Greater || how == ir.GreaterOrEqual
	case f == math.Trunc(f):
		return how, int64(f), true, false
	}
	switch how {
	case ir.Less, ir.LessOrEqual:
		return ir.LessOrEqual, int64(math.Floor(f)), true, false
	case ir.Greater, ir.GreaterOrEqual:
		return ir.GreaterOrEqual, int64(math.Ceil(f)), true, false
	}
	return how, 0, false, false
}

// number is a number's literal.
func (p *sqlPrinter) number(n ir.Number) string {
	if n.IsInt {
		return p.d.integer(n.Int)
	}
	if f := n.Float; f == math.Trunc(f) && math.Abs(f) < exactReal {
		return p.d.integer(int64(f))
	}
	return strconv.FormatFloat(n.Float, 'g', -1, 64)
}

// shortestDecimal is the text form of a number.
func shortestDecimal(n ir.Number) string {
	if n.IsInt {
		return strconv.FormatInt(n.Int, 10)
	}
	return strconv.FormatFloat(n.Float, 'f', -1, 64)
}
