package compiler

import (
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// combination lowers an expression over the rules.
func (cl *correlationLowerer) combination(e sigma.ConditionExpr, nodes *int, depth int) ir.Combination {
	if *nodes++; *nodes > maxCombination || depth > maxDepth {
		if *nodes <= maxCombination || *nodes == maxCombination+1 {
			*nodes = maxCombination + 2 // said once
			cl.errorf(sigma.CodeLimit, e.Position(), "correlate fewer rules", "the condition is deeper than %d or becomes more than %d parts", maxDepth, maxCombination)
		}
		return ir.Occurs(0)
	}
	parts := func(ps []sigma.ConditionExpr) []ir.Combination {
		var xs []ir.Combination
		for _, p := range ps {
			xs = append(xs, cl.combination(p, nodes, depth+1))
		}
		return xs
	}
	switch e := e.(type) {
	case *sigma.ConditionAnd:
		return &ir.AllOf{X: parts(e.Parts)}
	case *sigma.ConditionOr:
		return &ir.OneOf{X: parts(e.Parts)}
	case *sigma.ConditionNot:
		return &ir.NoneOf{X: cl.combination(e.Part, nodes, depth+1)}
	case *sigma.ConditionName:
		return ir.Occurs(max(0, cl.named(sigma.Reference{Pos: e.Pos, Name: e.Name}, "condition")))
	case *sigma.ConditionOf:
		return cl.combinationOf(e, nodes)
	}
	panic("compiler: unknown condition node")
}

// meant returns the inputs whose names an expression counts.
func (cl *correlationLowerer) meant(e *sigma.ConditionOf) []ir.Combination {
	var xs []ir.Combination
	for i, r := range cl.c.Rules {
		if name := cl.inputs[i].doc.Meta.Name; e.Matches(r.Name) || name != "" && e.Matches(name) {
			xs = append(xs, ir.Occurs(i))
		}
	}
	return xs
}

// combinationOf lowers `2 of rule_*`.
func (cl *correlationLowerer) combinationOf(e *sigma.ConditionOf, nodes *int) ir.Combination {
	xs := cl.meant(e)
	k := e.Count
	if k <= 0 {
		k = len(xs)
	}
	switch {
	case len(xs) == 0:
		cl.errorf(sigma.CodeNoMatch, e.Pos, "", "no rule is meant by %q", e.Pattern)
		return ir.Occurs(0)
	case k > len(xs):
		cl.errorf(sigma.CodeCorrelation, e.Pos, "", "%d rules are asked for, and %d are meant", k, len(xs))
		return ir.Occurs(0)
	case k == len(xs):
		return &ir.AllOf{X: xs}
	case k == 1:
		return &ir.OneOf{X: xs}
	}
	// Every choice of k: one of the first n-k+1 is the first to occur, and
	// k-1 of those behind it occur too.
	var build func(xs []ir.Combination, k int) ir.Combination
	build = func(xs []ir.Combination, k int) ir.Combination {
		if *nodes += len(xs); *nodes > maxCombination {
			return ir.Occurs(0)
		}
		switch k {
		case 1:
			return &ir.OneOf{X: xs}
		case len(xs):
			return &ir.AllOf{X: xs}
		}
		or := &ir.OneOf{}
		for i := 0; i+k <= len(xs); i++ {
			or.X = append(or.X, &ir.AllOf{X: []ir.Combination{xs[i], build(xs[i+1:], k-1)}})
		}
		return or
	}
	before := *nodes
	out := build(xs, k)
	if *nodes > maxCombination && before <= maxCombination {
		*nodes = maxCombination + 2
		cl.errorf(sigma.CodeLimit, e.Pos, "correlate fewer rules", "the condition becomes more than %d parts", maxCombination)
	}
	return out
}
