package conformance

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// group is the facts of one group of a correlation.
type group struct {
	c      *ir.Correlation
	rule   string
	facts  []*fact
	atOnce bool
}

// instants returns the times with a fact.
func (g *group) instants() []int64 {
	var ts []int64
	for _, f := range g.facts {
		if !slices.Contains(ts, f.time) {
			ts = append(ts, f.time)
		}
	}
	slices.Sort(ts)
	return ts
}

// between returns the facts with a time in [from, to], by time and step.
func (g *group) between(from, to int64) []*fact {
	var fs []*fact
	for _, f := range g.facts {
		if from <= f.time && f.time <= to {
			fs = append(fs, f)
		}
	}
	slices.SortFunc(fs, func(a, b *fact) int {
		return cmp.Or(cmp.Compare(a.time, b.time), a.step.compare(b.step))
	})
	return fs
}

func (g *group) hit(t int64, value float64, behind []*fact) StreamHit {
	h := StreamHit{Rule: g.rule, Group: g.facts[0].group, Time: t, Value: value}
	for _, f := range behind {
		h.Contributing = append(h.Contributing, f.contributors()...)
	}
	return h
}

func (g *group) hits() []StreamHit {
	switch g.c.Type {
	case sigma.NewValue:
		return g.newValues()
	case sigma.AfterSilence:
		return g.afterSilence()
	case sigma.Increase:
		return g.increases()
	case sigma.Summary:
		return g.summary()
	}
	var hits []StreamHit
	ts := g.instants()
	for i, t := range ts {
		if ok, _ := g.satisfies(g.between(t-g.c.Span, t)); !ok {
			continue
		}
		if i > 0 && t-ts[i-1] <= g.c.Span {
			if before, _ := g.satisfies(g.between(ts[i-1]-g.c.Span, ts[i-1])); before {
				continue
			}
		}
		window, step := g.between(t-g.c.Span, t), afterwards
		if g.atOnce && g.monotone() {
			window, step = g.firstTrue(t, window)
		}
		_, value := g.satisfies(window)
		h := g.hit(t, value, window)
		h.step = step
		hits = append(hits, h)
	}
	return hits
}

// firstTrue returns what is known of a window at the first step of instant t at
// which the condition is true, and the step.
func (g *group) firstTrue(t int64, window []*fact) ([]*fact, step) {
	for i, f := range window {
		if f.time < t || i+1 < len(window) && window[i+1].step == f.step {
			continue
		}
		if ok, _ := g.satisfies(window[:i+1]); ok {
			return window[:i+1], f.step
		}
	}
	panic("conformance: the condition is true of the window and was never")
}

// firstStep returns those of the facts of an instant that came first.
func firstStep(facts []*fact) []*fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f *fact) bool { return f.step != facts[0].step })
}

// monotone reports whether more events cannot make the condition false.
func (g *group) monotone() bool {
	up := func(bounds []ir.Bound) bool {
		return !slices.ContainsFunc(bounds, func(b ir.Bound) bool { return b.Op != sigma.OpGT && b.Op != sigma.OpGTE })
	}
	c := g.c
	switch c.Type {
	case sigma.EventCount, sigma.ValueCount:
		return up(c.Bounds)
	case sigma.Temporal, sigma.TemporalOrdered:
		return up(c.Bounds) && !hasNone(c.Combination)
	case sigma.Counts:
		return c.Ratio == nil && !slices.ContainsFunc(c.Counts, func(n ir.Count) bool { return !up(n.Bounds) })
	}
	return false
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

// satisfies puts the condition to the facts of a window, and returns what was
// compared.
func (g *group) satisfies(window []*fact) (bool, float64) {
	c := g.c
	switch c.Type {
	case sigma.EventCount:
		return within(c.Bounds, float64(len(window))), float64(len(window))
	case sigma.ValueCount:
		n := len(tuples(window))
		return within(c.Bounds, float64(n)), float64(n)
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		var numbers []number
		for _, f := range window {
			numbers = append(numbers, numbersOf(f)...)
		}
		if len(numbers) == 0 {
			return false, 0
		}
		var v number
		switch c.Type {
		case sigma.ValuePercentile:
			slices.SortFunc(numbers, number.compare)
			part := new(big.Rat).Mul(decimal(c.Percentile), big.NewRat(int64(len(numbers)), 100))
			rank := 1
			for rank < len(numbers) && big.NewRat(int64(rank), 1).Cmp(part) < 0 {
				rank++
			}
			v = numbers[rank-1]
		default:
			sum := new(big.Rat)
			for _, n := range numbers {
				sum.Add(sum, n.exact())
			}
			if c.Type == sigma.ValueAvg {
				sum.Quo(sum, big.NewRat(int64(len(numbers)), 1))
			}
			v = rounded(sum)
		}
		return meets(c.Bounds, v), v.float()
	case sigma.Temporal, sigma.TemporalOrdered:
		n := float64(len(g.occurring(window)))
		if c.Type == sigma.TemporalOrdered {
			var all []int
			for i := range c.Inputs {
				all = append(all, i)
			}
			return chained(all, window), n
		}
		switch {
		case c.Combination != nil:
			return holds(c.Combination, g.occurring(window)), n
		case len(c.Bounds) > 0:
			return within(c.Bounds, n), n
		}
		return int(n) == len(c.Inputs), n
	case sigma.Counts:
		count := func(input int) float64 {
			n := 0
			for _, f := range window {
				if slices.Contains(f.inputs, input) {
					n++
				}
			}
			return float64(n)
		}
		for _, n := range c.Counts {
			if !within(n.Bounds, count(n.Input)) {
				return false, 0
			}
		}
		return c.Ratio == nil || isTimes(count(c.Ratio.Of), c.Ratio.GTE, count(c.Ratio.To)), float64(len(window))
	}
	panic(fmt.Sprintf("conformance: unknown correlation type %q", c.Type))
}

// decimal is the number as it is written in decimal.
func decimal(f float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		panic("conformance: no number: " + strconv.FormatFloat(f, 'g', -1, 64))
	}
	return r
}

// isTimes reports whether one count is at least so many times another.
func isTimes(n, factor, m float64) bool {
	return decimal(n).Cmp(new(big.Rat).Mul(decimal(factor), decimal(m))) >= 0
}

// exact is the number without rounding.
func (n number) exact() *big.Rat {
	if n.isInt {
		return new(big.Rat).SetInt64(n.i)
	}
	return new(big.Rat).SetFloat64(n.f)
}

func (n number) float() float64 {
	f, _ := n.exact().Float64()
	return f
}

// rounded is the integer of 64 bits that a sum is, or the nearest float64.
func rounded(sum *big.Rat) number {
	if sum.IsInt() && sum.Num().IsInt64() {
		return intNumber(sum.Num().Int64())
	}
	f, _ := sum.Float64()
	return number{f: max(-math.MaxFloat64, min(f, math.MaxFloat64))}
}

// within reports whether a number meets all bounds.
func within(bounds []ir.Bound, v float64) bool { return meets(bounds, number{f: v}) }

func meets(bounds []ir.Bound, v number) bool {
	for _, b := range bounds {
		c := v.compare(numberOf(b.Value))
		if !map[sigma.ThresholdOp]bool{sigma.OpGT: c > 0, sigma.OpGTE: c >= 0, sigma.OpLT: c < 0, sigma.OpLTE: c <= 0, sigma.OpEQ: c == 0, sigma.OpNEQ: c != 0}[b.Op] {
			return false
		}
	}
	return true
}

// tuples returns the distinct combinations of counted values.
func tuples(facts []*fact) [][]string {
	var found [][]string
	for _, f := range facts {
		for _, tuple := range tuplesOf(f) {
			if !slices.ContainsFunc(found, func(t []string) bool { return slices.Equal(t, tuple) }) {
				found = append(found, tuple)
			}
		}
	}
	return found
}

// tuplesOf returns the combinations of a fact's counted values; none where a
// field is absent.
func tuplesOf(f *fact) [][]string {
	var parts [][]string
	for _, xs := range f.counted {
		parts = append(parts, texts(xs))
	}
	return product(parts)
}

// numbersOf returns the numbers among a fact's counted values, and the texts
// that are numbers.
func numbersOf(f *fact) []number {
	var found []number
	for _, xs := range f.counted {
		for _, x := range xs {
			n, ok := x.(number)
			if t, isText := x.(string); isText {
				n, ok = numberText(t)
			}
			if ok {
				found = append(found, n)
			}
		}
	}
	return found
}

// occurring returns the inputs that facts match.
func (g *group) occurring(facts []*fact) []int {
	var inputs []int
	for _, f := range facts {
		for _, i := range f.inputs {
			if !slices.Contains(inputs, i) {
				inputs = append(inputs, i)
			}
		}
	}
	return inputs
}

// holds puts a condition over the inputs to those that occur.
func holds(c ir.Combination, occurring []int) bool {
	some := func(x ir.Combination) bool { return holds(x, occurring) }
	switch c := c.(type) {
	case *ir.AllOf:
		return !slices.ContainsFunc(c.X, func(x ir.Combination) bool { return !some(x) })
	case *ir.OneOf:
		return slices.ContainsFunc(c.X, some)
	case *ir.NoneOf:
		return !some(c.X)
	case ir.Occurs:
		return slices.Contains(occurring, int(c))
	}
	panic(fmt.Sprintf("conformance: unknown combination %T", c))
}

// chained reports whether facts for the inputs exist at times that do not go
// back; one fact may serve several.
func chained(inputs []int, window []*fact) bool {
	from := int64(math.MinInt64)
	for _, i := range inputs {
		next := int64(math.MaxInt64)
		for _, f := range window {
			if f.time >= from && slices.Contains(f.inputs, i) {
				next = min(next, f.time)
			}
		}
		if next == math.MaxInt64 {
			return false
		}
		from = next
	}
	return true
}
