package backends

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlApply takes lists apart and answers questions about the elements, one
// Boolean column each.
type kqlApply struct {
	chain []kqlExpansion
	inner []string // operators between the elements and the answers
	flags []kqlFlag
}

type kqlFlag struct {
	name, condition string
	// collect, if any, is what to gather instead: an aggregate of the elements.
	collect string
}

// kqlExpansion makes a row for each element of a list.
type kqlExpansion struct {
	item string
	list string // the value that is a list, or a list of one
	// name, if any, is a helper column for the list, which is then value.
	name, value string
}

// any prints a list block: a column that says whether the body is true of an
// element.
func (p *kqlPrinter) any(sc *kqlScope, a *ir.Any, body string, in *kqlScope) (string, error) {
	if body == "false" {
		return "false", nil
	}
	place, err := p.place(sc, a.Over, a, asksElements(a.X) || trueOfNothing(a.X))
	if err != nil {
		return "", err
	}
	if !place.dynamic {
		return "", p.refuse(a, "%s is no list and no object; its elements cannot be said", a.Over.Name)
	}
	apply := &kqlApply{chain: place.chain}
	conditions := slices.Concat(place.conditions, p.expand(apply, in.root, place.value, trueOfNothing(a.X)))
	if a := in.only(body); a != nil {
		// All that is asked of an element is asked of a list in it.
		apply.chain, apply.inner = append(apply.chain, a.chain...), a.inner
		body = a.flags[0].condition
	} else {
		apply.inner = in.operators()
	}
	if body != "true" {
		if kqlPrecedence(body) < ir.PrecedenceAnd && len(conditions) > 0 {
			body = "(" + body + ")"
		}
		conditions = append(conditions, body)
	}
	return sc.flag(p, apply, conditions), nil
}

// only returns the one apply of a scope if its one answer is all there is.
func (sc *kqlScope) only(answer string) *kqlApply {
	if len(sc.applies) == 1 && len(sc.applies[0].flags) == 1 && sc.applies[0].flags[0].name == answer {
		return sc.applies[0]
	}
	return nil
}

// trueOfNothing reports whether a predicate can be true of null.
func trueOfNothing(e ir.Expr) bool {
	can, _ := ofNothing(e)
	return can
}

// asksElements reports whether a predicate over an element asks something of
// the element itself, not only of what is below it.
func asksElements(e ir.Expr) bool {
	switch e := e.(type) {
	case *ir.Any:
		return len(e.Over.Path) == 0 && asksElements(e.X)
	case *ir.Match:
		for _, v := range e.Values {
			if ref, ok := v.(ir.FieldRef); ok && len(ref.Field.Path) == 0 {
				return true
			}
		}
		return len(e.Field.Path) == 0
	}
	return slices.ContainsFunc(ir.Children(e), asksElements)
}

// ofNothing says whether a predicate can be true, and whether it can be false,
// of null.
func ofNothing(e ir.Expr) (canTrue, canFalse bool) {
	switch e := e.(type) {
	case *ir.And:
		canTrue = true
		for _, x := range e.X {
			t, f := ofNothing(x)
			canTrue, canFalse = canTrue && t, canFalse || f
		}
		return canTrue, canFalse
	case *ir.Or:
		canFalse = true
		for _, x := range e.X {
			t, f := ofNothing(x)
			canTrue, canFalse = canTrue || t, canFalse && f
		}
		return canTrue, canFalse
	case *ir.Not:
		t, f := ofNothing(e.X)
		return f, t
	case ir.Const:
		return bool(e), !bool(e)
	case *ir.Selection:
		return ofNothing(e.X)
	case *ir.Any:
		return false, true
	case *ir.Match:
		switch e.Op {
		case ir.Null:
			return true, false
		case ir.Exists:
			return len(e.Field.Path) == 0, true
		}
		return false, true
	}
	panic(fmt.Sprintf("backends: unknown node %T", e))
}

// flag adds a question about the elements of lists and returns the column with
// the answer.
func (sc *kqlScope) flag(p *kqlPrinter, a *kqlApply, conditions []string) string {
	condition := "true"
	if len(conditions) > 0 {
		for i, c := range conditions {
			if len(conditions) > 1 && kqlPrecedence(c) == ir.PrecedenceOr {
				conditions[i] = "(" + c + ")"
			}
		}
		condition = kqlJoin(" and ", conditions)
	}
	for _, b := range sc.applies {
		if !slices.Equal(a.chain, b.chain) || len(a.inner) > 0 || len(b.inner) > 0 {
			continue
		}
		for _, f := range b.flags {
			if f.condition == condition {
				return f.name
			}
		}
		f := kqlFlag{name: p.name("match"), condition: condition}
		b.flags = append(b.flags, f)
		return f.name
	}
	a.flags = []kqlFlag{{name: p.name("match"), condition: condition}}
	sc.applies = append(sc.applies, a)
	return a.flags[0].name
}

// operators prints what computes the helper columns of the scope.
func (sc *kqlScope) operators() []string {
	var out []string
	for _, a := range sc.applies {
		out = append(out, a.print())
	}
	return out
}

func (a *kqlApply) print() string {
	first, before := a.chain[0], ""
	if first.name != "" {
		before = "extend " + first.name + " = " + first.value + "\n| "
	}
	var inner []string
	for _, x := range a.chain[1:] {
		if x.name != "" {
			inner = append(inner, "extend "+x.name+" = "+x.value)
		}
		inner = append(inner, "mv-expand "+x.item+" = "+kqlElements(x.list))
	}
	inner = append(inner, a.inner...)
	var sums []string
	for _, f := range a.flags {
		if f.collect != "" {
			sums = append(sums, f.name+" = "+f.collect)
			continue
		}
		sums = append(sums, f.name+" = countif("+f.condition+") > 0")
	}
	inner = append(inner, "summarize "+strings.Join(sums, ",\n    "))
	return before + "mv-apply " + first.item + " = " + kqlElements(first.list) + " on (\n    " + indent(strings.Join(inner, "\n| ")) + "\n)"
}
