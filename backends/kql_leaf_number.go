package backends

import (
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

var kqlNumberForm = kqlString(`\A` + strings.ReplaceAll(ir.NumberTextForm, `(`, `(?:`) + `\z`)

var kqlNumberOps = map[ir.Op]string{ir.Equal: "==", ir.Less: "<", ir.LessOrEqual: "<=", ir.Greater: ">", ir.GreaterOrEqual: ">="}

// numberTest compares by value.
func numberTest(t test, s kqlScalar) string {
	if s.typ == ir.TypeNumeric && t.how == ir.Equal && len(t.arguments) == 0 && (s.isText() || s.dynamic && s.kinds == textKind) {
		return equalNumerals(t, s)
	}
	value, form := s.expr, ""
	switch {
	case s.isText() || s.dynamic && t.kinds == textKind && s.kinds == textKind, s.dynamic && t.kinds&(textKind|numberKind) == textKind|numberKind && smallIntegers(t):
		form = s.text() + " matches regex " + kqlNumberForm
		value = "todouble(" + s.text() + ")"
	case s.dynamic && t.kinds&textKind != 0:
		form = s.is(textKind | numberKind)
		if form != "" {
			form += " and "
		}
		form += "(gettype(" + s.expr + `) != "string" or ` + s.text() + " matches regex " + kqlNumberForm + ")"
		value = "todouble(" + s.text() + ")"
	case s.dynamic:
		form = s.is(numberKind)
		value = "todouble(" + s.text() + ")"
	}
	return guarded(form, comparisons(s, value, t))
}

// smallIntegers reports whether the test is for equality with integers that
// every number equal to them is written like, so that the form of a number can
// be asked of any value's text.
func smallIntegers(t test) bool {
	for _, n := range t.numbers {
		if !n.IsInt || n.Int > 1e14 || n.Int < -1e14 {
			return false
		}
	}
	return t.how == ir.Equal && len(t.arguments) == 0
}

// exactDouble is up to where every integer is a double of its own.
const exactDouble = 1 << 53

// comparisons compares a value with numbers. Where a long and a real could be
// taken for each other, each is compared with a literal of its own type.
func comparisons(s kqlScalar, value string, t test) []string {
	var parts, literals []string
	for _, n := range t.numbers {
		switch {
		case t.kinds&numberKind != 0 && isLarge(n):
			if c := largeComparison(s, value, t.how, n); c != "" {
				parts = append(parts, c)
			}
		case t.how == ir.Equal:
			literals = append(literals, kqlNumber(n))
		default:
			parts = append(parts, kqlCompared(value, t.how, n))
		}
	}
	for _, a := range t.arguments {
		text := a.Parameter
		if a.Duration {
			text = "(" + text + " / 1s)"
		}
		parts = append(parts, value+" "+kqlNumberOps[t.how]+" "+text)
	}
	switch len(literals) {
	case 0:
	case 1:
		parts = append(parts, value+" == "+literals[0])
	default:
		parts = append(parts, value+" in "+kqlList(literals))
	}
	if len(parts) == 0 {
		return []string{"false"}
	}
	return parts
}

func isLarge(n ir.Number) bool {
	if n.IsInt {
		return n.Int >= exactDouble || n.Int <= -exactDouble
	}
	return n.Float >= exactDouble || n.Float <= -exactDouble
}

func kqlCompared(value string, how ir.Op, n ir.Number) string {
	return value + " " + kqlNumberOps[how] + " " + kqlNumber(n)
}

// largeComparison compares with a number that a double may be rounded to; "" is
// never true.
func largeComparison(s kqlScalar, value string, how ir.Op, n ir.Number) string {
	asLong, i, isLong, always := integerBound(how, n)
	asReal, f, isReal := realBound(how, n)
	whole := "tolong(" + s.text() + ")" // null of the text of a real
	if !s.dynamic {
		whole = value
	}
	ofLong, ofReal := kqlCompared(whole, asLong, number(i)), kqlCompared(value, asReal, ir.Number{Float: f})
	switch {
	case !s.dynamic && s.column == ir.TypeReal:
		if !isReal {
			return ""
		}
		return ofReal
	case !s.dynamic && isLong:
		return ofLong
	case !s.dynamic && always:
		return s.there()
	case !s.dynamic:
		return ""
	case isLong && isReal:
		return "coalesce(" + ofLong + ", " + ofReal + ")"
	case isLong:
		return ofLong
	case always:
		return "isnotnull(" + whole + ") or " + ofReal
	}
	return "isnull(" + whole + ") and " + ofReal
}

// sameNumber is the condition for two numbers, or texts of numbers, being of one
// value. Equal doubles from 2^53 on may come of different longs, or of a long
// and a real; a long from 2^62 on is a double only if 1024 divides it, and below
// a real of that size is some long.
func sameNumber(x, y kqlScalar) string {
	same := x.number() + " == " + y.number()
	if (x.kinds&y.kinds)&numberKind == 0 {
		return same
	}
	a, b := "tolong("+x.expr+")", "tolong("+y.expr+")"
	return same + " and (abs(" + x.number() + ") < " + kqlNumber(number(exactDouble)) + " or coalesce(" + a + " == " + b + ", coalesce(" + a + ", " + b + ") % 1024 == 0, true))"
}

// equalNumerals compares the text of a place that holds numbers in their
// shortest form with that of numbers.
func equalNumerals(t test, s kqlScalar) string {
	var texts []string
	for _, n := range t.numbers {
		texts = append(texts, n.String())
	}
	if len(texts) == 1 {
		return s.text() + " == " + kqlString(texts[0])
	}
	return s.text() + " in " + kqlStrings(texts)
}
