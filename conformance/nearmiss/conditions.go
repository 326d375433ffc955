package nearmiss

import (
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// condition is one of those that an author joined by and.
type condition struct {
	name string
	expr ir.Expr
}

// alternatives returns the conditions of a rule: one list, or one for each
// alternative where the rule is an "or" at the top.
func alternatives(e ir.Expr) [][]condition {
	switch e := e.(type) {
	case *ir.Selection:
		out := alternatives(e.X)
		for _, list := range out {
			for i := range list {
				if list[i].name = e.Name + ": " + list[i].name; len(list) == 1 {
					list[i].name = e.Name
				}
			}
		}
		return out
	case *ir.Or:
		var out [][]condition
		for _, x := range e.X {
			out = append(out, alternatives(x)...)
		}
		return out
	case *ir.And:
		// An alternative inside is one condition, but where it is the only one.
		var list []condition
		for _, x := range e.X {
			inner := alternatives(x)
			if len(inner) == 1 {
				list = append(list, inner[0]...)
			} else {
				list = append(list, condition{nameOf(x), x})
			}
		}
		return [][]condition{list}
	case *ir.Not:
		// not (a or b) are two conditions.
		if or, ok := inside(e.X).(*ir.Or); ok {
			var list []condition
			for _, x := range or.X {
				list = append(list, condition{"not " + nameOf(x), &ir.Not{X: x}})
			}
			return [][]condition{list}
		}
	}
	return [][]condition{{{nameOf(e), e}}}
}

func inside(e ir.Expr) ir.Expr {
	for {
		s, ok := e.(*ir.Selection)
		if !ok {
			return e
		}
		e = s.X
	}
}

// nameOf says what a condition is about: the selection, or the field.
func nameOf(e ir.Expr) string {
	switch e := e.(type) {
	case *ir.Selection:
		return e.Name
	case *ir.Not:
		return "not " + nameOf(e.X)
	case *ir.Any:
		return e.Over.Name
	case *ir.Match:
		return e.Field.Name
	case *ir.And:
		return namesOf(e.X, " and ")
	case *ir.Or:
		return namesOf(e.X, " or ")
	}
	return "constant"
}

func namesOf(xs []ir.Expr, by string) string {
	var names []string
	for _, x := range xs {
		names = append(names, nameOf(x))
	}
	return strings.Join(names, by)
}

// missedBy returns the one condition that is false of an event of which the
// rule is not true; "" where there are more.
func missedBy(rules []*ir.Rule, ev any) string {
	var by string
	for _, r := range rules {
		if conformance.Reference(r.When, ev) {
			return ""
		}
		for _, list := range alternatives(r.When) {
			n, name := 0, ""
			for _, c := range list {
				if !conformance.Reference(c.expr, ev) {
					n, name = n+1, c.name
				}
			}
			if n == 1 && by == "" {
				by = name
			}
		}
	}
	return by
}

// matches says whether one of the rules is true.
func matches(rules []*ir.Rule, ev any) bool {
	for _, r := range rules {
		if conformance.Reference(r.When, ev) {
			return true
		}
	}
	return false
}

// readPaths collects the places that a tree reads, as keys joined by dots in
// lower case.
func readPaths(e ir.Expr, prefix string, into map[string]bool) {
	at := func(f ir.Field) string {
		p := prefix
		for _, s := range f.Path {
			if s.Key != "" {
				p += "." + strings.ToLower(s.Key)
			}
		}
		return p
	}
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			readPaths(x, prefix, into)
		}
	case *ir.Or:
		for _, x := range e.X {
			readPaths(x, prefix, into)
		}
	case *ir.Not:
		readPaths(e.X, prefix, into)
	case *ir.Selection:
		readPaths(e.X, prefix, into)
	case *ir.Any:
		readPaths(e.X, at(e.Over), into)
	case *ir.Match:
		into[at(e.Field)] = true
	}
}
