package backends

import (
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlScalar is a scalar of a row, or what stands where one may be: a value of
// type dynamic, or a column of some other type.
type kqlScalar struct {
	expr    string
	dynamic bool
	column  ir.Type // unless dynamic
	typ     ir.Type // what the pipeline says of it
	kinds   kinds
	// listed: an element of a list, or what stands for those of an empty one,
	// the list itself.
	listed bool
	row    bool // a value of the row, of no element
}

// text is the text form.
func (s kqlScalar) text() string {
	if !s.dynamic && s.isText() {
		return s.expr
	}
	return "tostring(" + s.expr + ")"
}

// isText: a column of Kusto's type string.
func (s kqlScalar) isText() bool {
	switch s.column {
	case ir.TypeString, ir.TypeIP, ir.TypeNumeric:
		return !s.dynamic
	}
	return false
}

// there is the condition for there being a scalar at all. Text columns hold ""
// where an event has nothing.
func (s kqlScalar) there() string {
	if s.isText() {
		return "isnotempty(" + s.expr + ")"
	}
	if s.listed {
		return "gettype(" + s.expr + `) !in ("null", "array")`
	}
	return "isnotnull(" + s.expr + ")"
}

// is is the condition for a dynamic value being of one of the kinds wanted, as
// short as can be said of what it may be.
func (s kqlScalar) is(want kinds) string {
	if !s.dynamic {
		return ""
	}
	want &^= objectKind
	others := `"dictionary"`
	if s.listed {
		others = `"dictionary", "array"`
	}
	switch unwanted := s.kinds &^ want; {
	case unwanted == 0:
		return ""
	case want == textKind:
		return "gettype(" + s.expr + `) == "string"`
	case want == boolKind:
		return "gettype(" + s.expr + `) == "bool"`
	case want == numberKind:
		return "gettype(" + s.expr + `) in ("int", "long", "real", "double", "decimal")`
	case unwanted&boolKind != 0:
		others += `, "bool"`
	}
	if !strings.Contains(others, ",") {
		return "gettype(" + s.expr + ") != " + others
	}
	return "gettype(" + s.expr + ") !in (" + others + ")"
}

// guard is the condition in front of a test of texts: that the value is of a
// kind whose text counts, and that there is one where the test is true of the
// text of nothing.
func (s kqlScalar) guard(t test) string {
	is := s.is(t.kinds)
	if strings.Contains(is, "==") {
		return is
	}
	var parts []string
	if is != "" {
		parts = append(parts, is)
	}
	if t.ofText("") {
		parts = append(parts, s.there())
	}
	if s.listed && is == "" && t.ofText("[]") {
		parts = append(parts, "gettype("+s.expr+`) != "array"`)
	}
	return kqlJoin(" and ", parts)
}
