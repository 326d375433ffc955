package compiler

import (
	"math"
	"math/big"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// windowState serves the types whose condition is about the events of the
// closed interval [t − timespan, t]: it keeps these events and knows the edge.
type windowState struct {
	c      *correlator
	of     aggregate
	events queue[entry]

	begun, raised bool // an instant is there; its hit was returned
	now           int64
	sat           bool // of now, by what is known of it
	before        bool // there was an instant before now
	prev          int64
	prevSat       bool
}

// aggregate is what a type makes of the events of a window. It follows them as
// they come and go instead of looking at all of them for each instant.
type aggregate interface {
	add(x entry)
	drop(x entry)
	// holds says whether the condition is met by the window that begins at
	// from, and by which count or value.
	holds(from int64) (n ir.Number, ok bool)
}

func (s *windowState) add(now int64, x entry) {
	if !s.begun || now != s.now {
		s.prev, s.prevSat, s.before = s.now, s.sat, s.begun
		s.now, s.sat, s.raised, s.begun = now, false, false, true
		for s.events.len() > 0 && s.events.first().time < now-s.c.span {
			s.drop()
		}
	}
	s.events.push(x)
	s.of.add(x)
	if s.events.len() > s.c.e.opts.MaxGroupEvents {
		s.drop()
		s.c.e.stats.DroppedEvents++
	}
}

func (s *windowState) drop() {
	s.of.drop(*s.events.first())
	s.events.pop()
}

func (s *windowState) decide(now int64) []verdict {
	from := now - s.c.span
	n, ok := s.of.holds(from)
	s.sat = ok
	if !ok || s.raised || s.before && s.prevSat && s.prev >= from {
		return nil
	}
	s.raised = true
	v := verdict{from: from, to: now, value: n, valued: true, entries: s.events.all()}
	if t, ok := s.of.(*inputCounts); ok {
		v.tallies = slices.Clone(t.n)
	}
	return []verdict{v}
}

// tally counts events (event_count).
type tally struct {
	c *correlator
	n int
}

func (a *tally) add(entry)  { a.n++ }
func (a *tally) drop(entry) { a.n-- }
func (a *tally) holds(int64) (ir.Number, bool) {
	n := intNumber(a.n)
	return n, meet(a.c.bounds, n)
}

// distinctValues counts distinct tuples of values (value_count).
type distinctValues struct {
	c *correlator
	n map[string]int // events with the tuple
}

func (a *distinctValues) add(x entry) {
	for _, k := range x.values.tuples {
		a.n[k]++
	}
}

func (a *distinctValues) drop(x entry) {
	for _, k := range x.values.tuples {
		if a.n[k]--; a.n[k] == 0 {
			delete(a.n, k)
		}
	}
}

func (a *distinctValues) holds(int64) (ir.Number, bool) {
	n := intNumber(len(a.n))
	return n, meet(a.c.bounds, n)
}

// total is the sum or mean of numbers. It is exact and rounded once at the
// end, so that it does not depend on the order of the events or on those that
// were in the window before.
type total struct {
	c    *correlator
	mean bool
	n    int
	sum  big.Int // in units of 2^-totalShift
}

// totalShift makes the smallest float64 a unit.
const totalShift = 1074

func (a *total) add(x entry) {
	for _, n := range x.values.numbers {
		a.n++
		a.sum.Add(&a.sum, units(n))
	}
}

func (a *total) drop(x entry) {
	for _, n := range x.values.numbers {
		a.n--
		a.sum.Sub(&a.sum, units(n))
	}
}

func units(n ir.Number) *big.Int {
	if n.IsInt {
		x := big.NewInt(n.Int)
		return x.Lsh(x, totalShift)
	}
	frac, exp := math.Frexp(n.Float)
	x := big.NewInt(int64(frac * (1 << 53)))
	if exp += totalShift - 53; exp < 0 {
		return x.Rsh(x, uint(-exp)) // no digit is lost
	}
	return x.Lsh(x, uint(exp))
}

func (a *total) holds(int64) (ir.Number, bool) {
	if a.n == 0 {
		return ir.Number{}, false
	}
	parts := 1
	if a.mean {
		parts = a.n
	}
	n := quotient(&a.sum, parts)
	return n, meet(a.c.bounds, n)
}

// quotient divides a number of units: an integer of 64 bits where it is one.
func quotient(sum *big.Int, parts int) ir.Number {
	x := new(big.Float).SetInt(sum) // exact
	x.SetMantExp(x, -totalShift)
	y := new(big.Float).SetInt64(int64(parts))
	if whole := new(big.Float).SetPrec(128).Quo(x, y); whole.IsInt() {
		if i, acc := whole.Int64(); acc == big.Exact {
			return ir.Number{IsInt: true, Int: i}
		}
	}
	f, _ := new(big.Float).SetPrec(53).Quo(x, y).Float64()
	return canonical(ir.Number{Float: f})
}

// percentile is the nearest rank among the window's numbers.
type percentile struct {
	c      *correlator
	sorted []ir.Number
}

func (a *percentile) add(x entry) {
	for _, n := range x.values.numbers {
		i, _ := slices.BinarySearchFunc(a.sorted, n, compareNumbers)
		a.sorted = slices.Insert(a.sorted, i, n)
	}
}

func (a *percentile) drop(x entry) {
	for _, n := range x.values.numbers {
		if i, ok := slices.BinarySearchFunc(a.sorted, n, compareNumbers); ok {
			a.sorted = slices.Delete(a.sorted, i, i+1)
		}
	}
}

func (a *percentile) holds(int64) (ir.Number, bool) {
	if len(a.sorted) == 0 {
		return ir.Number{}, false
	}
	n := a.sorted[nearestRank(a.c.spec.Percentile, len(a.sorted))-1]
	return n, meet(a.c.bounds, n)
}

// occurring knows when each input was last seen (temporal).
type occurring struct {
	c    *correlator
	last []int64
	seen []bool
}

func newOccurring(c *correlator) *occurring {
	n := len(c.spec.Inputs)
	return &occurring{c: c, last: make([]int64, n), seen: make([]bool, n)}
}

func (a *occurring) add(x entry) {
	for _, i := range x.by {
		in := x.inputs[i].input
		a.last[in], a.seen[in] = x.time, true
	}
}

func (a *occurring) drop(entry) {}

func (a *occurring) holds(from int64) (ir.Number, bool) {
	count := 0
	for i := range a.last {
		if a.occurs(i, from) {
			count++
		}
	}
	n := intNumber(count)
	switch {
	case a.c.spec.Combination != nil:
		return n, a.combined(a.c.spec.Combination, from)
	case len(a.c.bounds) > 0:
		return n, meet(a.c.bounds, n)
	}
	return n, count == len(a.last)
}

func (a *occurring) occurs(input int, from int64) bool {
	return input >= 0 && input < len(a.last) && a.seen[input] && a.last[input] >= from
}

func (a *occurring) combined(c ir.Combination, from int64) bool {
	switch c := c.(type) {
	case *ir.AllOf:
		for _, x := range c.X {
			if !a.combined(x, from) {
				return false
			}
		}
		return true
	case *ir.OneOf:
		for _, x := range c.X {
			if a.combined(x, from) {
				return true
			}
		}
		return false
	case *ir.NoneOf:
		return !a.combined(c.X, from)
	case ir.Occurs:
		return a.occurs(int(c), from)
	}
	panic("compiler: unknown combination")
}

// chain knows of each step the latest time at which a chain of events that has
// come to this step began (temporal_ordered).
type chain struct {
	occurring
	start []int64
	begun []bool
}

func newChain(c *correlator) *chain {
	n := len(c.spec.Inputs)
	return &chain{occurring: *newOccurring(c), start: make([]int64, n), begun: make([]bool, n)}
}

func (a *chain) add(x entry) {
	a.occurring.add(x)
	// Equal times are in order, and one event may be several steps: all that
	// came at this instant is gone through again.
	for k := range a.start {
		if !a.seen[k] || a.last[k] != x.time {
			continue
		}
		switch {
		case k == 0:
			a.start[k], a.begun[k] = x.time, true
		case a.begun[k-1] && (!a.begun[k] || a.start[k-1] > a.start[k]):
			a.start[k], a.begun[k] = a.start[k-1], true
		}
	}
}

func (a *chain) holds(from int64) (ir.Number, bool) {
	steps := 0
	for steps < len(a.start) && a.begun[steps] && a.start[steps] >= from {
		steps++
	}
	return intNumber(steps), steps == len(a.start)
}

// inputCounts counts the events of each input (counts).
type inputCounts struct {
	c      *correlator
	n      []int
	events int
}

func (a *inputCounts) add(x entry) {
	a.events++
	for _, i := range x.by {
		a.n[x.inputs[i].input]++
	}
}

func (a *inputCounts) drop(x entry) {
	a.events--
	for _, i := range x.by {
		a.n[x.inputs[i].input]--
	}
}

func (a *inputCounts) holds(int64) (ir.Number, bool) {
	n, spec := intNumber(a.events), a.c.spec
	for i, want := range spec.Counts {
		if !meet(a.c.counts[i], intNumber(a.n[want.Input])) {
			return n, false
		}
	}
	if r := spec.Ratio; r != nil && !reaches(a.n[r.Of], r.GTE, a.n[r.To]) {
		return n, false
	}
	return n, true
}
