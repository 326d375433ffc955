package compiler

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"sort"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// A numberBound says what a comparison with n says of numbers below it, of n and
// of those above it.
type numberBound struct {
	n     ir.Number
	holds [3]bool
}

func readBounds(bounds []ir.Bound) ([]numberBound, error) {
	var out []numberBound
	for _, b := range bounds {
		if !slices.Contains(sigma.ThresholdOps(), string(b.Op)) {
			return nil, fmt.Errorf("unknown comparison %q", b.Op)
		}
		x := numberBound{n: canonical(b.Value)}
		for i := range x.holds {
			x.holds[i] = b.Op.Holds(i - 1)
		}
		out = append(out, x)
	}
	return out, nil
}

// allHold says whether all bounds hold of a number.
func allHold(bounds []numberBound, n ir.Number) bool {
	for i := range bounds {
		if b := &bounds[i]; !b.holds[compareNumbers(n, b.n)+1] {
			return false
		}
	}
	return true
}

// leastCount returns a count such that none below it meets the bounds.
func leastCount(bounds []numberBound) int {
	least := 0
	for _, b := range bounds {
		if b.holds[0] {
			continue
		}
		n := sort.Search(math.MaxInt32, func(n int) bool { return compareNumbers(intNumber(n), b.n) >= 0 })
		least = max(least, n)
	}
	return least
}

// reaches says whether n is at least f times m. It takes f for the decimal that
// it is written as: 55 reaches 1.1 times 50, which no product of float64 says.
func reaches(n int, f float64, m int) bool {
	x := f * float64(m)
	if d := float64(n) - x; math.Abs(d) > 1e-9*max(1, math.Abs(x)) {
		return d > 0
	}
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return float64(n) >= x
	}
	return new(big.Rat).SetInt64(int64(n)).Cmp(exact.Mul(exact, new(big.Rat).SetInt64(int64(m)))) >= 0
}

// nearestRank returns the rank of a percentile among n numbers, from 1.
func nearestRank(percentile float64, n int) int {
	rank := max(1, min(int(math.Ceil(percentile*float64(n)/100)), n))
	switch {
	case rank > 1 && reaches(100*(rank-1), percentile, n):
		return rank - 1
	case rank < n && !reaches(100*rank, percentile, n):
		return rank + 1
	}
	return rank
}

// oneOfSeveral says whether `once` may raise one of several hits of one time.
// Which one must not depend on the order in which their events come.
func oneOfSeveral(r *ir.Rule) bool {
	if r.Once == nil {
		return false
	}
	return r.Correlation.Type == sigma.NewValue || slices.ContainsFunc(r.Correlation.GroupBy, func(name string) bool {
		return !slices.ContainsFunc(r.Once.By, func(f ir.Field) bool { return f.Name == name })
	})
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
