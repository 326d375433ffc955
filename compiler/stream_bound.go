package compiler

import (
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

type numberBound struct {
	op sigma.ThresholdOp
	n  ir.Number
}

func readBounds(bounds []ir.Bound) ([]numberBound, error) {
	var out []numberBound
	for _, b := range bounds {
		if !slices.Contains(sigma.ThresholdOps(), string(b.Op)) {
			return nil, fmt.Errorf("unknown comparison %q", b.Op)
		}
		out = append(out, numberBound{b.Op, canonical(b.Value)})
	}
	return out, nil
}

// meet says whether all bounds hold of a number.
func meet(bounds []numberBound, n ir.Number) bool {
	return !slices.ContainsFunc(bounds, func(b numberBound) bool { return !b.op.Holds(compareNumbers(n, b.n)) })
}

// cannotBeUndone says whether further events of an instant can only make the
// condition true, never false again.
func cannotBeUndone(c *ir.Correlation) bool {
	switch c.Type {
	case sigma.EventCount, sigma.ValueCount:
		return onlyFrom(c.Bounds)
	case sigma.Temporal:
		if c.Combination != nil {
			return !hasNone(c.Combination)
		}
		return onlyFrom(c.Bounds)
	case sigma.Counts:
		for _, n := range c.Counts {
			if !onlyFrom(n.Bounds) {
				return false
			}
		}
		return c.Ratio == nil
	case sigma.TemporalOrdered, sigma.NewValue, sigma.AfterSilence:
		return true
	}
	return false
}

func onlyFrom(bounds []ir.Bound) bool {
	for _, b := range bounds {
		if b.Op != sigma.OpGT && b.Op != sigma.OpGTE {
			return false
		}
	}
	return true
}

func hasNone(c ir.Combination) bool {
	switch c := c.(type) {
	case *ir.AllOf:
		return slices.ContainsFunc(c.X, hasNone)
	case *ir.OneOf:
		return slices.ContainsFunc(c.X, hasNone)
	case *ir.NoneOf:
		return true
	}
	return false
}
