package compiler

import (
	"encoding/json"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
)

// scalar is one value of an event as operators see it.
type scalar struct {
	kind    scalarKind
	truth   bool // of a boolean
	folds   bool // folded is set
	numeric int8 // of text: 1 it is a number text, -1 it is not, 0 nobody asked yet
	text    string
	folded  string
	num     ir.Number // of a number, and of text with numeric 1; see canonical
	raw     any       // of a number, until its text is asked for
}

type scalarKind uint8

const (
	textScalar scalarKind = iota
	numberScalar
	boolScalar
)

// textForm returns the text that text operators see.
func (x *scalar) textForm() string {
	if x.raw != nil {
		x.text, x.raw = decimalText(x.raw), nil
	}
	return x.text
}

// foldedForm returns the folded text form.
func (x *scalar) foldedForm() string {
	if !x.folds {
		x.folded, x.folds = ir.Fold(x.textForm()), true
	}
	return x.folded
}

// form returns the text form, folded unless cased.
func (x *scalar) form(cased bool) string {
	if cased {
		return x.textForm()
	}
	return x.foldedForm()
}

// number returns the value of a number or number text.
func (x *scalar) number() (ir.Number, bool) {
	switch x.kind {
	case numberScalar:
		return x.num, true
	case textScalar:
		if x.numeric == 0 {
			x.numeric = -1
			if n, ok := ir.NumberText(x.text); ok {
				x.num, x.numeric = n, 1
			}
		}
		return x.num, x.numeric > 0
	}
	return ir.Number{}, false
}

// boolean returns the value of a boolean or of the text true or false.
func (x *scalar) boolean() (truth, ok bool) {
	switch x.kind {
	case boolScalar:
		return x.truth, true
	case textScalar:
		return parseBoolText(x.foldedForm())
	}
	return false, false
}

// value returns the scalar for hits: a string, json.Number or bool.
func (x *scalar) value() any {
	switch x.kind {
	case numberScalar:
		return json.Number(x.textForm())
	case boolScalar:
		return x.truth
	}
	return x.text
}

func parseBoolText(folded string) (truth, ok bool) {
	return folded == "true", folded == "true" || folded == "false"
}

// toScalar reads a value of plain's forms that is neither nil, object nor list.
func toScalar(v any) scalar {
	switch v := v.(type) {
	case string:
		return scalar{text: validText(v)}
	case bool:
		return scalar{kind: boolScalar, truth: v, text: strconv.FormatBool(v)}
	}
	if n, ok := toNumber(v); ok {
		return scalar{kind: numberScalar, num: n, raw: v}
	}
	switch v := v.(type) {
	case json.Number:
		return scalar{text: validText(string(v))}
	case float64: // NaN and the infinities are no numbers
		return scalar{text: strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return scalar{} // not reached: plain gives nothing else
}

func numberScalarOf(n ir.Number) scalar {
	x := scalar{kind: numberScalar, num: canonical(n)}
	if n.IsInt {
		x.text = strconv.FormatInt(n.Int, 10)
	} else {
		x.text = decimalText(n.Float)
	}
	return x
}
