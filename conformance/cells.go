package conformance

import (
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Cell names a column of the contract's table: what an event holds where a
// Match looks.
type Cell string

// The cells. With Null and Exists, which take no value, Equal is any text that
// is not empty and OtherType any number or boolean.
const (
	CellEqual        Cell = "equal"          // a scalar that fits, of the type that the operator asks for
	CellOtherType    Cell = "other type"     // a scalar of another type
	CellEmptyString  Cell = "empty string"   // ""
	CellNull         Cell = "null"           // JSON null
	CellAbsent       Cell = "absent"         // nothing at all
	CellList         Cell = "list"           // a list, whatever is in it
	CellObject       Cell = "object"         // an object
	CellNonASCIICase Cell = "non-ASCII case" // key or text that differs in the case of a letter outside ASCII
)

// Cells returns all cells in the order of the contract.
func Cells() []Cell {
	return []Cell{CellEqual, CellOtherType, CellEmptyString, CellNull, CellAbsent, CellList, CellObject, CellNonASCIICase}
}

// VisitCells calls yield for every cell of the contract that evaluating e on ev
// meets; a Match inside Any once for each element. Derived fields and searches
// over all leaves have no cell.
func VisitCells(e ir.Expr, ev any, yield func(ir.Op, Cell)) {
	switch e := e.(type) {
	case *ir.Any:
		for _, el := range elements(e.Over, ev) {
			VisitCells(e.X, el, yield)
		}
	case *ir.Match:
		if e.Field.Derive == nil && !e.Field.Leaves {
			for _, c := range cellsOf(e, ev) {
				yield(e.Op, c)
			}
		}
	default:
		for _, x := range ir.Children(e) {
			VisitCells(x, ev, yield)
		}
	}
}

func cellsOf(m *ir.Match, ev any) []Cell {
	met := map[Cell]bool{}
	found := walk(m.Field.Path, ev)
	if len(found) == 0 {
		met[CellAbsent] = true
	}
	for _, v := range found {
		v = normal(v)
		if v == nil {
			met[CellNull] = true
		}
		if _, ok := v.([]any); ok {
			met[CellList] = true
		}
		for _, leaf := range flatten(v) {
			switch {
			case leaf == nil:
			case isObject(leaf):
				met[CellObject] = true
			case leaf == "":
				met[CellEmptyString] = true
			case natural(m, leaf):
				if len(m.Values) == 0 || match(&ir.Match{Field: ir.Field{Type: m.Field.Type}, Op: m.Op, Values: withoutFieldRefs(m.Values), Cased: m.Cased}, leaf) {
					met[CellEqual] = true
				}
				if t, ok := leaf.(string); ok && caseOutsideASCII(m, t) {
					met[CellNonASCIICase] = true
				}
			default:
				met[CellOtherType] = true
			}
		}
	}
	if len(found) > 0 && keyOutsideASCII(m.Field.Path, ev) {
		met[CellNonASCIICase] = true
	}
	var cells []Cell
	for _, c := range Cells() {
		if met[c] {
			cells = append(cells, c)
		}
	}
	return cells
}

// natural reports whether x has a type that m's values have.
func natural(m *ir.Match, x any) bool {
	if len(m.Values) == 0 {
		_, isText := x.(string)
		return isText
	}
	for _, v := range m.Values {
		switch x.(type) {
		case string:
			switch v.(type) {
			case ir.String, ir.Pattern, ir.Regex, ir.Prefix, ir.FieldRef:
				return true
			}
		case number:
			if _, ok := v.(ir.Number); ok {
				return true
			}
		case bool:
			if _, ok := v.(ir.Bool); ok {
				return true
			}
		}
	}
	return false
}

func withoutFieldRefs(values []ir.Value) []ir.Value {
	var kept []ir.Value
	for _, v := range values {
		if _, ok := v.(ir.FieldRef); !ok {
			kept = append(kept, v)
		}
	}
	return kept
}

// caseOutsideASCII reports whether some literal of m stands in t only when the
// case of letters outside ASCII is set aside.
func caseOutsideASCII(m *ir.Match, t string) bool {
	for _, v := range m.Values {
		var literals []string
		switch v := v.(type) {
		case ir.String:
			literals = []string{string(v)}
		case ir.Pattern:
			for _, p := range v {
				literals = append(literals, p.Text)
			}
		case ir.Regex:
			literals = strings.FieldsFunc(string(v), func(r rune) bool { return r <= unicode.MaxASCII })
		}
		for _, l := range literals {
			if !isASCII(l) && !strings.Contains(lowerASCII(t), lowerASCII(l)) && strings.Contains(strings.ToLower(t), strings.ToLower(l)) {
				return true
			}
		}
	}
	return false
}

// keyOutsideASCII reports whether the first step of the path meets its key only
// when the case of letters outside ASCII is set aside.
func keyOutsideASCII(path ir.Path, ev any) bool {
	o, ok := ev.(map[string]any)
	if !ok || len(path) == 0 || isASCII(path[0].Key) {
		return false
	}
	key := path[0].Key
	for k := range o {
		if lowerASCII(k) == lowerASCII(key) {
			return false
		}
	}
	_, ok = get(ev, key)
	return ok
}

func lowerASCII(t string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		return r
	}, t)
}
