package compiler

import (
	"math"
	"math/big"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// windowState serves the types whose condition is about the events of the
// closed interval [t − timespan, t], which the group's log holds: it knows the
// edge. Its instant is the time of the group's last event.
type windowState struct {
	of   aggregate   // nil of event_count, which needs no more than the log
	kept *queue[any] // what is kept of the log's events, if that is anything
	prev int64       // time of the instant before, if there was one
}

// instants is what a windowState knows of its group's last instants. It stands
// in the group, where it fills a gap.
type instants struct {
	begun, raised bool // an instant is there; its hit was returned
	sat           bool // of the instant, by what is known of it
	before        bool // there was an instant before
	prevSat       bool
}

// aggregate is what a type makes of the events of a window. It follows them as
// they come and go instead of looking at all of them for each instant.
type aggregate interface {
	// add and drop take an event that is not yet, or no longer, in the log.
	add(log *eventLog, x packed)
	drop(log *eventLog, x packed)
	// holds is windowState.holds.
	holds(c *correlator, log *eventLog, from int64) (n ir.Number, ok bool)
}

// newWindow makes groups of a type that looks at a window. All that a group
// needs, besides its log, is one piece of memory.
func newWindow[A any, P interface {
	*A
	aggregate
}](start func(P)) func() *group {
	return func() *group {
		x := &struct {
			group
			of A // not last: there nothing would take a word
			windowState
		}{}
		if start != nil {
			start(&x.of)
		}
		x.windowState.of, x.group.state = P(&x.of), &x.windowState
		return &x.group
	}
}

// newCount makes a group of event_count.
func newCount() *group {
	x := &struct {
		group
		windowState
	}{}
	x.state = &x.windowState
	return &x.group
}

func (s *windowState) add(c *correlator, g *group, now int64, x entry) (undecided bool) {
	s.begin(c, g, now)
	s.remember(c, g, x)
	return s.undecided(c, g, now)
}

// count is add for an event of a group of event_count of which nothing else is
// wanted, and of no event there is more.
func (s *windowState) count(c *correlator, g *group, now int64, id string, common uint32) (undecided bool) {
	s.begin(c, g, now)
	g.log.pushPlain(now, common, id)
	s.limit(c, g)
	return s.undecided(c, g, now)
}

// begin makes now the group's instant.
func (s *windowState) begin(c *correlator, g *group, now int64) {
	if !g.begun || now != g.last {
		s.prev = g.last
		g.instants = instants{begun: true, prevSat: g.sat, before: g.begun}
		from := now - c.span
		if s.of == nil && s.kept == nil {
			g.log.popBefore(from)
			return
		}
		for g.log.len() > 0 && g.log.from() < from {
			s.drop(g)
		}
	}
}

// undecided says whether decide is to be asked about the instant now.
func (s *windowState) undecided(c *correlator, g *group, now int64) bool {
	if int(g.log.n) < c.least {
		g.sat = false
		return false
	}
	return s.mayHit(c, g, now)
}

// mayHit is undecided where the number of events does not tell.
func (s *windowState) mayHit(c *correlator, g *group, now int64) bool {
	if !c.onlyHits() {
		return true
	}
	_, due := s.due(c, g, now)
	return due
}

func (s *windowState) remember(c *correlator, g *group, x entry) {
	if common, ok := c.e.common(x); ok && s.of == nil { // there is no need to write it twice
		g.log.pushPlain(x.time, common, x.id)
	} else {
		p := c.e.pack(x)
		if s.of != nil {
			s.of.add(&g.log, p)
		}
		copy(g.log.push(len(p)), p)
	}
	if x.event != nil || s.kept != nil {
		if s.kept == nil {
			s.kept = &queue[any]{items: make([]any, g.log.len()-1)}
		}
		s.kept.push(x.event)
	}
	s.limit(c, g)
}

// limit forgets what is more than a group may hold.
func (s *windowState) limit(c *correlator, g *group) {
	if int(g.log.n) > c.e.opts.MaxGroupEvents || len(g.log.data) > c.e.maxLog {
		s.dropMore(c, g)
	}
}

func (s *windowState) dropMore(c *correlator, g *group) {
	for g.log.len() > c.e.opts.MaxGroupEvents || g.log.size() > c.e.maxLog {
		s.drop(g)
		c.e.stats.DroppedEvents++
	}
}

// drop forgets the oldest event.
func (s *windowState) drop(g *group) {
	x := g.log.pop()
	if s.of != nil {
		s.of.drop(&g.log, x)
	}
	if s.kept == nil {
		return
	}
	if s.kept.pop(); s.kept.len() == 0 {
		s.kept = nil
	}
}

// entries are the events of the window.
func (s *windowState) entries(c *correlator, g *group) (out []entry) {
	for p := range g.log.all() {
		x := c.e.unpack(p)
		if s.kept != nil {
			x.event = s.kept.all()[len(out)]
		}
		out = append(out, x)
	}
	return out
}

// due says whether the instant now has a hit that was not returned, by what is
// known of it, and by which count or value.
func (s *windowState) due(c *correlator, g *group, now int64) (n ir.Number, due bool) {
	from := now - c.span
	n, g.sat = s.holds(c, g, from)
	return n, g.sat && !g.raised && !(g.before && g.prevSat && s.prev >= from)
}

func (s *windowState) decide(c *correlator, g *group, now int64) []verdict {
	n, due := s.due(c, g, now)
	if !due {
		return nil
	}
	g.raised = true
	from := now - c.span
	v := verdict{from: from, to: now, value: n, valued: true, entries: s.entries(c, g)}
	if t, ok := s.of.(*inputCounts); ok {
		v.tallies = slices.Clone(t.n)
	}
	return []verdict{v}
}

// holds says whether the condition is met by the window that begins at from, and
// by which count or value.
func (s *windowState) holds(c *correlator, g *group, from int64) (n ir.Number, ok bool) {
	if s.of != nil {
		return s.of.holds(c, &g.log, from)
	}
	n = intNumber(g.log.len())
	return n, allHold(c.bounds, n)
}

// distinctValues counts distinct tuples of values (value_count). While the log
// has few tuples, it is looked through for each; then they are counted.
type distinctValues struct {
	tuples int32 // in the log
	n      int32 // distinct, while there are few
	many   map[string]*int32
}

// maxFewTuples is how many tuples are looked through.
const maxFewTuples = 16

func (a *distinctValues) add(log *eventLog, x packed) {
	tuples := x.tuples()
	for t := range tuples.all() {
		if a.tuples++; a.many != nil {
			a.count(t)
		} else if !log.has(t) {
			a.n++
		}
	}
	if a.many != nil || a.tuples <= maxFewTuples {
		return
	}
	a.many = make(map[string]*int32, 2*maxFewTuples)
	for e := range log.all() {
		for t := range e.tuples().all() {
			a.count(t)
		}
	}
	for t := range tuples.all() {
		a.count(t)
	}
}

func (a *distinctValues) count(tuple []byte) {
	n := a.many[string(tuple)]
	if n == nil {
		n = new(int32)
		a.many[string(tuple)] = n
	}
	*n++
}

func (a *distinctValues) drop(log *eventLog, x packed) {
	for t := range x.tuples().all() {
		a.tuples--
		switch n := a.many[string(t)]; {
		case n != nil:
			if *n--; *n == 0 {
				delete(a.many, string(t))
			}
		case a.many == nil && !log.has(t):
			a.n--
		}
	}
	if a.tuples == 0 {
		a.many, a.n = nil, 0
	}
}

func (a *distinctValues) holds(c *correlator, _ *eventLog, _ int64) (ir.Number, bool) {
	n := len(a.many)
	if a.many == nil {
		n = int(a.n)
	}
	return intNumber(n), allHold(c.bounds, intNumber(n))
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

func (a *total) add(_ *eventLog, x packed) {
	for n := range x.numbers() {
		a.n++
		a.sum.Add(&a.sum, units(n))
	}
}

func (a *total) drop(_ *eventLog, x packed) {
	for n := range x.numbers() {
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

func (a *total) holds(c *correlator, _ *eventLog, _ int64) (ir.Number, bool) {
	if a.n == 0 {
		return ir.Number{}, false
	}
	parts := 1
	if c.spec.Type == sigma.ValueAvg {
		parts = a.n
	}
	n := quotient(&a.sum, parts)
	return n, allHold(c.bounds, n)
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

// occurring knows when each input was last seen (temporal).
type occurring struct {
	last []int64
	few  [3]int64 // room for last where there are no more
}

// never is before all times.
const never = math.MinInt64

func (a *occurring) start(inputs int) {
	if a.last = a.few[:]; inputs > len(a.few) {
		a.last = make([]int64, inputs)
	}
	a.last = a.last[:inputs:inputs]
	for i := range a.last {
		a.last[i] = never
	}
}

func (a *occurring) add(_ *eventLog, x packed) {
	for i := range x.inputs() {
		a.last[i] = x.time()
	}
}

func (a *occurring) drop(*eventLog, packed) {}

func (a *occurring) holds(c *correlator, _ *eventLog, from int64) (ir.Number, bool) {
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
		return n, allHold(c.bounds, n)
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
	began occurring
}

func (a *chain) start(inputs int) {
	a.occurring.start(inputs)
	a.began.start(inputs)
}

func (a *chain) add(log *eventLog, x packed) {
	a.occurring.add(log, x)
	start, now := a.began.last, x.time()
	// Equal times are in order, and one event may be several steps: all that
	// came at this instant is gone through again.
	for k := range start {
		if a.last[k] != now {
			continue
		}
		if k == 0 {
			start[k] = now
		} else {
			start[k] = max(start[k], start[k-1])
		}
	}
}

func (a *chain) holds(_ *correlator, _ *eventLog, from int64) (ir.Number, bool) {
	steps := 0
	for steps < len(a.last) && a.began.occurs(steps, from) {
		steps++
	}
	return intNumber(steps), steps == len(a.last)
}

// inputCounts counts the events of each input (counts).
type inputCounts struct {
	n      []int
	events int
}

func (a *inputCounts) add(_ *eventLog, x packed) {
	a.events++
	for i := range x.inputs() {
		a.n[i]++
	}
}

func (a *inputCounts) drop(_ *eventLog, x packed) {
	a.events--
	for i := range x.inputs() {
		a.n[i]--
	}
}

func (a *inputCounts) holds(c *correlator, _ *eventLog, _ int64) (ir.Number, bool) {
	n, spec := intNumber(a.events), c.spec
	for i, want := range spec.Counts {
		if !allHold(c.counts[i], intNumber(a.n[want.Input])) {
			return n, false
		}
	}
	if r := spec.Ratio; r != nil && !reaches(a.n[r.Of], r.GTE, a.n[r.To]) {
		return n, false
	}
	return n, true
}
