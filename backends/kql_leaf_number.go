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
	return guarded(form, comparisons(value, t))
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

func comparisons(value string, t test) []string {
	var parts, literals []string
	for _, n := range t.numbers {
		v := value
		if n.IsInt && (n.Int >= exactDouble || n.Int <= -exactDouble) && strings.HasPrefix(value, "todouble(") {
			v = "tolong(" + strings.TrimPrefix(value, "todouble(")
			if t.how != ir.Equal {
				parts = append(parts, "coalesce("+v+" "+kqlNumberOps[t.how]+" "+kqlNumber(n)+", "+value+" "+kqlNumberOps[t.how]+" "+kqlNumber(n)+")")
				continue
			}
		}
		if t.how == ir.Equal && v == value {
			literals = append(literals, kqlNumber(n))
			continue
		}
		parts = append(parts, v+" "+kqlNumberOps[t.how]+" "+kqlNumber(n))
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
	return parts
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
