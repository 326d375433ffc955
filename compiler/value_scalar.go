package compiler

import (
	"encoding/json"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// scalar is one value of an event as operators see it.
type scalar struct {
	kind    scalarKind
	truth   bool // of a boolean
	folds   bool // folded is set
	ascii   bool // folded is set, and ASCII
	numeric int8 // of text: 1 it is a number text, -1 it is not, 0 nobody asked yet
	given   bool // text stands as a Go program gave it: it may be no UTF-8
	text    string
	bytes   []byte    // the same, if the cursor's arena has it; text may then be ""
	folded  []byte    // in the cursor's arena
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
	} else if x.text == "" && len(x.bytes) > 0 {
		x.text = string(x.bytes)
	} else if x.given {
		x.text, x.given = validText(x.text), false
	}
	return x.text
}

// foldedForm returns the folded text form.
func (x *scalar) foldedForm() string { return ir.Fold(x.textForm()) }

// form returns the text form, folded unless cased, in the cursor's arena: it
// is gone with the event.
func (x *scalar) form(cased bool, c *cursor) []byte {
	if cased {
		return x.plainForm(c)
	}
	if !x.folds {
		x.folds = true
		switch {
		case x.bytes != nil:
			x.folded, x.ascii = foldInto(&c.arena, x.bytes)
		case x.raw != nil:
			x.folded, x.ascii = x.plainForm(c), true // a decimal number is folded
		default: // what is no UTF-8 folds to what it is replaced by
			x.folded, x.ascii = foldInto(&c.arena, x.text)
		}
	}
	return x.folded
}

// foldInto returns the folded text and whether it is ASCII.
func foldInto[Text string | []byte](a *arena, s Text) ([]byte, bool) {
	if b := a.take(len(s)); ir.FoldASCII(b, s) {
		return b, true
	}
	return a.keep(ir.AppendFold(a.rest(len(s)), s)), false
}

// plainForm is form of cased.
func (x *scalar) plainForm(c *cursor) []byte {
	if x.bytes == nil {
		if x.raw != nil {
			x.bytes = c.arena.keep(appendDecimal(c.arena.rest(32), x.raw))
		} else {
			text := x.textForm()
			b := c.arena.take(len(text))
			copy(b, text)
			x.bytes = b
		}
	}
	return x.bytes
}

// number returns the value of a number or number text.
func (x *scalar) number() (ir.Number, bool) {
	switch x.kind {
	case numberScalar:
		return x.num, true
	case textScalar:
		if x.numeric == 0 {
			x.numeric = -1
			if n, ok := x.numberText(); ok {
				x.num, x.numeric = n, 1
			}
		}
		return x.num, x.numeric > 0
	}
	return ir.Number{}, false
}

// size is the length of the text form, of a number at most that.
func (x *scalar) size() int { return max(len(x.text), len(x.bytes)) }

func (x *scalar) numberText() (ir.Number, bool) {
	if x.text != "" || len(x.bytes) > maxNumberText {
		return ir.NumberText(x.text)
	}
	return ir.NumberText(string(x.bytes))
}

// maxNumberText is the length of the longest text that counts as a number.
const maxNumberText = len("-") + 15 + len(".") + 15

// boolean returns the value of a boolean or of the text true or false.
func (x *scalar) boolean() (truth, ok bool) {
	switch x.kind {
	case boolScalar:
		return x.truth, true
	case textScalar:
		for i := range boolTexts {
			if len(x.text) == len(boolTexts[i]) && ir.FoldsTo(x.text, boolTexts[i]) ||
				len(x.bytes) == len(boolTexts[i]) && ir.FoldsTo(x.bytes, boolTexts[i]) {
				return i == 1, true
			}
		}
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
	return x.textForm()
}

var boolTexts = [2]string{"false", "true"}

func parseBoolText(folded string) (truth, ok bool) {
	return folded == "true", folded == "true" || folded == "false"
}

// toScalar reads a value of plain's forms that is neither nil, object nor list.
func toScalar(v any) scalar {
	switch v := v.(type) {
	case string:
		return scalar{text: v, given: true}
	case bool:
		return scalar{kind: boolScalar, truth: v, text: strconv.FormatBool(v)}
	}
	if n, ok := toNumber(v); ok {
		if !n.IsInt {
			v = n.Float // its text need not be read again
		}
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

// scalar is toScalar for raw JSON too. It charges for numbers that take long to
// read.
func (c *cursor) scalar(v any) scalar {
	x, ok := v.(*rawjson.Value)
	if !ok {
		if n, ok := v.(json.Number); ok {
			c.cost -= numberCost(string(n))
		}
		return toScalar(v)
	}
	if x.Kind == rawjson.String {
		return scalar{bytes: c.rawText(x.Text, x.Escaped, x.Wide)}
	}
	if n, ok := shortInteger(x.Text); ok {
		return scalar{kind: numberScalar, num: ir.Number{IsInt: true, Int: n}, bytes: x.Text}
	}
	c.cost -= numberCost(x.Text)
	return toScalar(json.Number(x.Text))
}

// shortInteger reads a JSON number that is an integer in its shortest form and
// small for sure.
func shortInteger(b []byte) (n int64, ok bool) {
	if len(b) > 18 || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
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
