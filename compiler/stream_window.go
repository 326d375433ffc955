package compiler

import (
	"math"
	"math/big"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// windowState serves the types whose condition is about the events of the
// closed interval [t − timespan, t]: it keeps these events and knows the edge.
type windowState struct {
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
	// holds says whether the condition is met by the window s that begins at
	// from, and by which count or value.
	holds(c *correlator, s *windowState, from int64) (n ir.Number, ok bool)
}

func (s *windowState) add(c *correlator, now int64, x entry) {
	if !s.begun || now != s.now {
		s.prev, s.prevSat, s.before = s.now, s.sat, s.begun
		s.now, s.sat, s.raised, s.begun = now, false, false, true
		for s.events.len() > 0 && s.events.first().time < now-c.span {
			s.drop()
		}
	}
	s.remember(c, x)
}

func (s *windowState) remember(c *correlator, x entry) {
	s.events.push(x)
	s.of.add(x)
	if s.events.len() > c.e.opts.MaxGroupEvents {
		s.drop()
		c.e.stats.DroppedEvents++
	}
}

func (s *windowState) drop() {
	s.of.drop(*s.events.first())
	s.events.pop()
}

func (s *windowState) decide(c *correlator, now int64) []verdict {
	from := now - c.span
	n, ok := s.of.holds(c, s, from)
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

// tally counts events (event_count): it needs no more than the window.
type tally struct{}

func (tally) add(entry)  {}
func (tally) drop(entry) {}
func (tally) holds(c *correlator, s *windowState, _ int64) (ir.Number, bool) {
	n := intNumber(s.events.len())
	return n, meet(c.bounds, n)
}

// distinctValues counts distinct tuples of values (value_count).
type distinctValues struct {
	few  []tupleCount
	many map[string]int // instead, once there were more than maxFewTuples
}

type tupleCount struct {
	tuple  string
	events int
}

// maxFewTuples is how many tuples are looked for one by one.
const maxFewTuples = 8

func (a *distinctValues) add(x entry) {
	tuples := x.read().tuples
next:
	for i, k := range tuples {
		if a.many != nil {
			a.many[k]++
			continue
		}
		for j := range a.few {
			if f := &a.few[j]; f.tuple == k {
				f.events++
				tuples[i] = f.tuple // one copy is enough
				continue next
			}
		}
		if len(a.few) < maxFewTuples {
			a.few = append(a.few, tupleCount{k, 1})
			continue
		}
		a.many = make(map[string]int, 2*maxFewTuples)
		for _, f := range a.few {
			a.many[f.tuple] = f.events
		}
		a.few = nil
		a.many[k]++
	}
}

func (a *distinctValues) drop(x entry) {
next:
	for _, k := range x.read().tuples {
		if a.many != nil {
			if a.many[k]--; a.many[k] == 0 {
				if delete(a.many, k); len(a.many) == 0 {
					a.many = nil
				}
			}
			continue
		}
		for j := range a.few {
			if f := &a.few[j]; f.tuple == k {
				if f.events--; f.events == 0 {
					a.few = slices.Delete(a.few, j, j+1)
				}
				continue next
			}
		}
	}
}

func (a *distinctValues) holds(c *correlator, _ *windowState, _ int64) (ir.Number, bool) {
	n := intNumber(len(a.few) + len(a.many))
	return n, meet(c.bounds, n)
}

// total is the sum or mean of numbers. It is exact and rounded once at the
// end, so that it does not depend on the order of the events or on those that
// were in the window before.
type total struct {
	n   int
	sum big.Int // in units of 2^-totalShift
}

// totalShift makes the smallest float64 a unit.
const totalShift = 1074

func (a *total) add(x entry) {
	for _, n := range x.read().numbers() {
		a.n++
		a.sum.Add(&a.sum, units(n))
	}
}

func (a *total) drop(x entry) {
	for _, n := range x.read().numbers() {
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

func (a *total) holds(c *correlator, _ *windowState, _ int64) (ir.Number, bool) {
	if a.n == 0 {
		return ir.Number{}, false
	}
	parts := 1
	if c.spec.Type == sigma.ValueAvg {
		parts = a.n
	}
	n := quotient(&a.sum, parts)
	return n, meet(c.bounds, n)
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
type percentile struct{ sorted []ir.Number }

func (a *percentile) add(x entry) {
	for _, n := range x.read().numbers() {
		i, _ := slices.BinarySearchFunc(a.sorted, n, compareNumbers)
		a.sorted = slices.Insert(a.sorted, i, n)
	}
}

func (a *percentile) drop(x entry) {
	for _, n := range x.read().numbers() {
		if i, ok := slices.BinarySearchFunc(a.sorted, n, compareNumbers); ok {
			a.sorted = slices.Delete(a.sorted, i, i+1)
		}
	}
}

func (a *percentile) holds(c *correlator, _ *windowState, _ int64) (ir.Number, bool) {
	if len(a.sorted) == 0 {
		return ir.Number{}, false
	}
	n := a.sorted[nearestRank(c.spec.Percentile, len(a.sorted))-1]
	return n, meet(c.bounds, n)
}

// occurring knows when each input was last seen (temporal).
type occurring struct{ last []int64 }

// never is before all times.
const never = math.MinInt64

func newOccurring(inputs int) *occurring {
	a := &occurring{make([]int64, inputs)}
	for i := range a.last {
		a.last[i] = never
	}
	return a
}

func (a *occurring) add(x entry) {
	for _, i := range x.by() {
		a.last[x.inputs[i].input] = x.time
	}
}

func (a *occurring) drop(entry) {}

func (a *occurring) holds(c *correlator, _ *windowState, from int64) (ir.Number, bool) {
	count := 0
	for i := range a.last {
		if a.occurs(i, from) {
			count++
		}
	}
	n := intNumber(count)
	switch {
	case c.spec.Combination != nil:
		return n, a.combined(c.spec.Combination, from)
	case len(c.bounds) > 0:
		return n, meet(c.bounds, n)
	}
	return n, count == len(a.last)
}

func (a *occurring) occurs(input int, from int64) bool {
	return input >= 0 && input < len(a.last) && a.last[input] != never && a.last[input] >= from
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
}

func newChain(inputs int) *chain {
	return &chain{*newOccurring(inputs), newOccurring(inputs).last}
}

func (a *chain) add(x entry) {
	a.occurring.add(x)
	// Equal times are in order, and one event may be several steps: all that
	// came at this instant is gone through again.
	for k := range a.start {
		if a.last[k] != x.time {
			continue
		}
		if k == 0 {
			a.start[k] = x.time
		} else {
			a.start[k] = max(a.start[k], a.start[k-1])
		}
	}
}

func (a *chain) holds(_ *correlator, _ *windowState, from int64) (ir.Number, bool) {
	steps := 0
	for steps < len(a.start) && a.start[steps] != never && a.start[steps] >= from {
		steps++
	}
	return intNumber(steps), steps == len(a.start)
}

// inputCounts counts the events of each input (counts).
type inputCounts struct {
	n      []int
	events int
}

func (a *inputCounts) add(x entry) {
	a.events++
	for _, i := range x.by() {
		a.n[x.inputs[i].input]++
	}
}

func (a *inputCounts) drop(x entry) {
	a.events--
	for _, i := range x.by() {
		a.n[x.inputs[i].input]--
	}
}

func (a *inputCounts) holds(c *correlator, _ *windowState, _ int64) (ir.Number, bool) {
	n, spec := intNumber(a.events), c.spec
	for i, want := range spec.Counts {
		if !meet(c.counts[i], intNumber(a.n[want.Input])) {
			return n, false
		}
	}
	if r := spec.Ratio; r != nil && !reaches(a.n[r.Of], r.GTE, a.n[r.To]) {
		return n, false
	}
	return n, true
}
