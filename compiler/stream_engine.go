package compiler

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

const (
	// maxStreamSpan bounds lengths of time in microseconds, so that times can
	// be added to them; it is 36,000 years.
	maxStreamSpan = 1 << 60
	// sweepEvery is how often, in microseconds of event time, state that is
	// out of its window is looked for where no event comes.
	sweepEvery = 60_000_000
)

// An engine runs correlations over events whose matches somebody else found:
// Stream without rules. Times are in microseconds. It goes through time in one
// direction: an event waits until the watermark has passed it (without
// lateness it never waits), instants are closed one after the other, and at
// one instant a correlation comes after those that it refers to.
type engine struct {
	opts     StreamOptions // with the defaults
	lateness int64
	corrs    []*correlator // in the order in which an instant is decided
	byRule   map[*ir.Rule]*correlator
	disabled []Disabled

	seen    bool
	latest  int64
	mark    int64 // the watermark: instants before it are decided
	pending pendingHeap
	seq     uint64
	open    bool // an instant has events and is not closed
	now     int64
	swept   int64
	onces   []*onceKeeper
	out     []*Hit
	stats   StreamStats
}

// pushed is an event with what the correlations make of it.
type pushed struct {
	time  int64
	seq   uint64
	meets []meeting
	held  []heldHit // hits of rules with once, raised when their time has come
}

type meeting struct {
	c *correlator
	o *occurrence
}

// occurrence is an event as one correlation sees it.
type occurrence struct {
	time   int64
	id     string // the event's or, of a chained correlation, of the inner hit
	source event.Source
	event  any // if events are kept
	inputs []inputMatch
}

// inputMatch is a referenced rule that the event matched.
type inputMatch struct {
	input      int
	rule       *RuleInfo
	selections []string
	groups     []string // keys of the groups that this puts the event in
	values     counted
}

// counted is what an event adds to a count or value.
type counted struct {
	tuples  []string    // keys
	numbers []ir.Number // canonical
	fields  [][]string  // each field's own keys, of a summary
}

// entry is an occurrence in one group.
type entry struct {
	*occurrence
	by     []int // indexes of inputs; in order
	values *counted
}

type pendingHeap []*pushed

func (h pendingHeap) Len() int { return len(h) }
func (h pendingHeap) Less(i, j int) bool {
	return h[i].time < h[j].time || h[i].time == h[j].time && h[i].seq < h[j].seq
}
func (h pendingHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *pendingHeap) Push(x any)   { *h = append(*h, x.(*pushed)) }
func (h *pendingHeap) Pop() any {
	old := *h
	n := len(old) - 1
	x := old[n]
	old[n] = nil
	*h = old[:n]
	return x
}

// correlator is the state of one correlation.
type correlator struct {
	e      *engine
	rule   *ir.Rule
	spec   *ir.Correlation
	info   *RuleInfo
	rank   int // of those that it refers to, plus one
	outer  []*tapped
	atOnce bool
	quiet  bool // hits are not returned, another correlation takes them
	once   *onceKeeper
	onceBy []*field
	ends   []entityReader

	span   int64
	keep   int64 // how long after its last event a group's state matters
	bounds []numberBound
	counts [][]numberBound // by place in spec.Counts
	make   func() state
	window *tumbling // of increase

	inbox  []*occurrence
	dirty  []*group // groups with events of the open instant that were not decided on yet
	groups aged[*group]
}

type entityReader struct {
	kind  string
	name  string
	field *field
}

type numberBound struct {
	op sigma.ThresholdOp
	n  ir.Number
}

// group is the state of one group of a correlation.
type group struct {
	key     string
	last    int64 // time of its last event
	dirty   bool
	evicted bool
	state   state
}

// state is what a correlation type remembers of a group.
type state interface {
	// add takes an event of the instant now. Instants come in order.
	add(now int64, x entry)
	// decide returns the hits of the instant now by what is known of it,
	// without those that it returned before.
	decide(now int64) []verdict
}

// verdict is a hit without its rule and group.
type verdict struct {
	from, to int64
	value    ir.Number
	valued   bool
	before   *ir.Number // increase
	tuple    string     // new_value
	tallies  []int      // counts
	distinct []int      // summary
	entries  []entry
}

// tapped is a tap made ready.
type tapped struct {
	c       *correlator
	input   int
	groupBy []*field
	counted []*field
}

// newEngine makes correlations ready. info says how hits call a rule.
func newEngine(opts StreamOptions, rules []*ir.Rule, info func(*ir.Rule) *RuleInfo) *engine {
	defaults := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	defaults(&opts.MaxGroups, DefaultMaxGroups)
	defaults(&opts.MaxGroupEvents, DefaultMaxGroupEvents)
	defaults(&opts.MaxPending, DefaultMaxPending)
	e := &engine{opts: opts, lateness: max(0, opts.Lateness.Microseconds()), mark: math.MinInt64, swept: math.MinInt64, byRule: map[*ir.Rule]*correlator{}}
	for _, r := range rules {
		if r.Correlation == nil || len(r.Lacks) > 0 || e.byRule[r] != nil {
			continue
		}
		c, err := newCorrelator(e, r, info(r))
		if err != nil {
			e.disabled = append(e.disabled, Disabled{info(r), err})
			continue
		}
		e.byRule[r] = c
		e.corrs = append(e.corrs, c)
	}
	ranks := map[*correlator]int{}
	for _, c := range e.corrs {
		c.rank = e.rankOf(c, ranks)
	}
	slices.SortStableFunc(e.corrs, func(a, b *correlator) int { return cmp.Compare(a.rank, b.rank) })
	for _, c := range e.corrs {
		for i, in := range c.spec.Inputs {
			for _, t := range in.Taps {
				inner := e.byRule[t.Rule]
				if inner == nil || inner.rank >= c.rank {
					continue
				}
				x, err := c.tap(nil, i, t)
				if err != nil {
					e.disabled = append(e.disabled, Disabled{c.info, err})
					continue
				}
				inner.outer = append(inner.outer, x)
			}
		}
	}
	quiet, shown := referenced(rules)
	for r, c := range e.byRule {
		c.quiet = r.Inner || quiet[r] && !shown[r]
	}
	return e
}

// rankOf is one more than the highest rank of those that a correlation refers
// to. Lowering refuses cycles; here one ends where it would begin again.
func (e *engine) rankOf(c *correlator, ranks map[*correlator]int) int {
	if r, ok := ranks[c]; ok {
		return r
	}
	ranks[c] = 1
	rank := 1
	for _, in := range c.spec.Inputs {
		for _, t := range in.Taps {
			if inner := e.byRule[t.Rule]; inner != nil && inner != c {
				rank = max(rank, 1+e.rankOf(inner, ranks))
			}
		}
	}
	ranks[c] = rank
	return rank
}

// referenced returns the rules whose hits only correlations show, and those
// that one of their correlations wants to be shown.
func referenced(rules []*ir.Rule) (quiet, shown map[*ir.Rule]bool) {
	quiet, shown = map[*ir.Rule]bool{}, map[*ir.Rule]bool{}
	for _, r := range rules {
		if r.Correlation == nil {
			continue
		}
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				if r.Correlation.Generate {
					shown[t.Rule] = true
				} else {
					quiet[t.Rule] = true
				}
			}
		}
	}
	return quiet, shown
}

func newCorrelator(e *engine, r *ir.Rule, info *RuleInfo) (*correlator, error) {
	spec := r.Correlation
	c := &correlator{e: e, rule: r, spec: spec, info: info, span: clampSpan(spec.Span)}
	c.keep = c.span
	var err error
	if c.bounds, err = readBounds(spec.Bounds); err != nil {
		return nil, err
	}
	for _, n := range spec.Counts {
		b, err := readBounds(n.Bounds)
		if err != nil {
			return nil, err
		}
		if n.Input < 0 || n.Input >= len(spec.Inputs) {
			return nil, fmt.Errorf("a count of input %d, of %d", n.Input, len(spec.Inputs))
		}
		c.counts = append(c.counts, b)
	}
	if x := spec.Ratio; x != nil && (min(x.Of, x.To) < 0 || max(x.Of, x.To) >= len(spec.Inputs)) {
		return nil, errors.New("a ratio of inputs that are not there")
	}
	c.atOnce = e.lateness == 0 && cannotBeUndone(spec)
	windowed := func(of func() aggregate) { c.make = func() state { return &windowState{c: c, of: of()} } }
	switch spec.Type {
	case sigma.EventCount:
		windowed(func() aggregate { return &tally{c: c} })
	case sigma.ValueCount:
		windowed(func() aggregate { return &distinctValues{c: c, n: map[string]int{}} })
	case sigma.ValueSum, sigma.ValueAvg:
		windowed(func() aggregate { return &total{c: c, mean: spec.Type == sigma.ValueAvg} })
	case sigma.ValuePercentile:
		windowed(func() aggregate { return &percentile{c: c} })
	case sigma.Temporal:
		windowed(func() aggregate { return newOccurring(c) })
	case sigma.TemporalOrdered:
		windowed(func() aggregate { return newChain(c) })
	case sigma.Counts:
		windowed(func() aggregate { return &inputCounts{c: c, n: make([]int, len(spec.Inputs))} })
	case sigma.NewValue:
		c.keep = clampSpan(spec.Lookback)
		c.make = func() state { return &newValues{c: c, lookback: c.keep} }
	case sigma.AfterSilence:
		c.keep = clampSpan(spec.Lookback)
		c.make = func() state { return &silence{c: c} }
	case sigma.Increase:
		if c.window, err = newTumbling(spec); err != nil {
			return nil, err
		}
		c.keep = c.window.keep
		c.make = func() state { return &increase{c: c, w: c.window} }
	case sigma.Summary:
		c.keep = math.MaxInt64
		c.make = func() state { return &summary{c: c, distinct: make([]map[string]struct{}, len(spec.Counted))} }
	default:
		return nil, fmt.Errorf("unknown type of correlation %q", spec.Type)
	}
	for _, f := range r.Entities {
		x, err := newField(f.Field)
		if err != nil {
			return nil, err
		}
		c.ends = append(c.ends, entityReader{f.Type, f.Field.Name, x})
	}
	if r.Once != nil {
		c.once = e.keeper(r.Once)
		if c.onceBy, err = newFields(nil, r.Once.By); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func clampSpan(n int64) int64 { return max(0, min(n, maxStreamSpan)) }

func readBounds(bounds []ir.Bound) ([]numberBound, error) {
	var out []numberBound
	for _, b := range bounds {
		switch b.Op {
		case sigma.OpGT, sigma.OpGTE, sigma.OpLT, sigma.OpLTE, sigma.OpEQ, sigma.OpNEQ:
		default:
			return nil, fmt.Errorf("unknown comparison %q", b.Op)
		}
		out = append(out, numberBound{b.Op, canonical(b.Value)})
	}
	return out, nil
}

// meet says whether all bounds hold of a number.
func meet(bounds []numberBound, n ir.Number) bool {
	for _, b := range bounds {
		c := compareNumbers(n, b.n)
		ok := false
		switch b.op {
		case sigma.OpGT:
			ok = c > 0
		case sigma.OpGTE:
			ok = c >= 0
		case sigma.OpLT:
			ok = c < 0
		case sigma.OpLTE:
			ok = c <= 0
		case sigma.OpEQ:
			ok = c == 0
		case sigma.OpNEQ:
			ok = c != 0
		}
		if !ok {
			return false
		}
	}
	return true
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

func newFields(set *leafSet, fields []ir.Field) ([]*field, error) {
	out := make([]*field, len(fields))
	for i, f := range fields {
		var err error
		if out[i], err = set.field(f, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tap makes a tap of an input ready.
func (c *correlator) tap(set *leafSet, input int, t ir.Tap) (*tapped, error) {
	x := &tapped{c: c, input: input}
	var err error
	if x.groupBy, err = newFields(set, t.GroupBy); err != nil {
		return nil, err
	}
	x.counted, err = newFields(set, t.Counted)
	return x, err
}

// read takes from an event what the correlation wants of it.
func (x *tapped) read(s *subject) inputMatch {
	m := inputMatch{input: x.input}
	keys := func(fields []*field) [][]string {
		parts := make([][]string, len(fields))
		for i, f := range fields {
			parts[i] = keysOf(s, f)
		}
		return parts
	}
	var cut, more bool
	m.groups, cut = groupKeys(keys(x.groupBy))
	if len(x.counted) > 0 && len(m.groups) > 0 {
		switch x.c.spec.Type {
		case sigma.ValueCount, sigma.NewValue, sigma.Increase:
			m.values.tuples, more = tupleKeys(keys(x.counted))
		case sigma.Summary:
			m.values.fields = keys(x.counted)
		default:
			for _, f := range x.counted {
				y := s.yield(f)
				for i := range y.scalars {
					if n, ok := y.scalars[i].number(); ok {
						m.values.numbers = append(m.values.numbers, n)
					}
				}
			}
		}
	}
	if cut || more {
		x.c.e.stats.CutKeys++
	}
	return m
}

// push takes an event with a time.
func (e *engine) push(p *pushed) {
	if e.seen && p.time < e.mark {
		e.stats.Late++
		for _, h := range p.held {
			e.raiseOnce(h)
		}
		return
	}
	if len(p.meets) > 0 || len(p.held) > 0 {
		e.seq++
		p.seq = e.seq
		heap.Push(&e.pending, p)
	}
	e.advance(p.time)
}

// advance says that there was an event at t.
func (e *engine) advance(t int64) {
	if !e.seen || t > e.latest {
		e.seen, e.latest = true, t
	}
	e.raise(e.latest - e.lateness)
	for len(e.pending) > e.opts.MaxPending {
		waiting := len(e.pending)
		e.raise(e.pending[0].time + 1)
		e.stats.DecidedEarly += int64(waiting - len(e.pending))
	}
	if e.lateness == 0 {
		for len(e.pending) > 0 && e.pending[0].time <= e.mark {
			e.feed(heap.Pop(&e.pending).(*pushed))
		}
	}
}

// raise moves the watermark and decides what it has passed.
func (e *engine) raise(mark int64) {
	if mark <= e.mark {
		return
	}
	e.mark = mark
	for len(e.pending) > 0 && e.pending[0].time < mark {
		e.feed(heap.Pop(&e.pending).(*pushed))
	}
	e.runTo(mark)
	if e.swept == math.MinInt64 || mark-sweepEvery > e.swept {
		e.swept = mark
		for _, c := range e.corrs {
			c.expire(mark)
		}
		for _, o := range e.onces {
			o.expire(mark)
		}
	}
}

// end decides everything, summaries included.
func (e *engine) end() {
	e.raise(math.MaxInt64)
	for _, c := range e.corrs {
		if c.spec.Type == sigma.Summary {
			c.summarise()
		}
	}
}

func (e *engine) feed(p *pushed) {
	e.runTo(p.time)
	for _, h := range p.held {
		e.raiseOnce(h)
	}
	if len(p.meets) == 0 {
		return
	}
	e.open, e.now = true, p.time
	for _, m := range p.meets {
		m.c.inbox = append(m.c.inbox, m.o)
	}
	e.step(false)
}

// runTo closes the instants before t and the tumbling windows that end at t or
// before, in the order of time. Of one time, windows come first.
func (e *engine) runTo(t int64) {
	for {
		end, ok := int64(0), false
		for _, c := range e.corrs {
			if c.window != nil && len(c.window.groups) > 0 && (!ok || c.window.to < end) {
				end, ok = c.window.to, true
			}
		}
		switch {
		case e.open && e.now < t && (!ok || e.now < end):
			e.step(true)
			e.open = false
		case ok && end <= t:
			for _, c := range e.corrs {
				if c.window != nil && len(c.window.groups) > 0 && c.window.to == end {
					c.closeWindow()
				}
			}
			if slices.ContainsFunc(e.corrs, func(c *correlator) bool { return len(c.inbox) > 0 }) {
				e.open, e.now = true, end
				e.step(false)
			}
		default:
			return
		}
	}
}

// step takes what came of the open instant, and decides what can be decided.
func (e *engine) step(closing bool) {
	for _, c := range e.corrs {
		for _, o := range c.inbox {
			c.take(o)
			if c.atOnce { // hits of other correlations are events of their own
				c.decide()
			}
		}
		clear(c.inbox)
		c.inbox = c.inbox[:0]
		if closing || c.atOnce {
			c.decide()
			c.expire(e.now)
		}
	}
}

// take puts an event into its groups.
func (c *correlator) take(o *occurrence) {
	if len(o.inputs) == 1 {
		m := &o.inputs[0]
		groups := m.groups
		m.groups = nil
		for _, key := range groups {
			c.add(key, entry{o, firstInput, &m.values})
		}
		return
	}
	slices.SortStableFunc(o.inputs, func(a, b inputMatch) int { return cmp.Compare(a.input, b.input) })
	place := map[string]int{}
	var keys []string
	var entries []entry
	for i := range o.inputs {
		m := &o.inputs[i]
		for _, key := range m.groups {
			at, ok := place[key]
			if !ok {
				// What an event counts is what the first of the referenced
				// rules that it matches reads from it.
				at = len(entries)
				place[key] = at
				keys, entries = append(keys, key), append(entries, entry{o, nil, &m.values})
			}
			entries[at].by = append(entries[at].by, i)
		}
		m.groups = nil
	}
	for i, key := range keys {
		c.add(key, entries[i])
	}
}

var firstInput = []int{0}

func (c *correlator) add(key string, x entry) {
	e := c.e
	n, made := c.groups.touch(key)
	if made {
		n.value = &group{key: key, state: c.make()}
		e.stats.Groups++
	}
	g := n.value
	g.last = e.now
	g.state.add(e.now, x)
	if c.window != nil {
		c.window.touch(c, g, e.now)
	} else if !g.dirty && c.spec.Type != sigma.Summary {
		g.dirty = true
		c.dirty = append(c.dirty, g)
	}
	if c.groups.len() > e.opts.MaxGroups {
		c.forget(c.groups.oldest)
		e.stats.EvictedGroups++
		if len(c.dirty) > 2*e.opts.MaxGroups {
			c.dirty = slices.DeleteFunc(c.dirty, isEvicted)
		}
		if c.window != nil && len(c.window.groups) > 2*e.opts.MaxGroups {
			c.window.groups = slices.DeleteFunc(c.window.groups, isEvicted)
		}
	}
}

func isEvicted(g *group) bool { return g.evicted }

func (c *correlator) forget(n *agedEntry[*group]) {
	n.value.evicted = true
	n.value.state = nil
	c.groups.remove(n)
	c.e.stats.Groups--
}

// expire forgets the groups whose events cannot matter to an instant at or
// after t.
func (c *correlator) expire(t int64) {
	for n := c.groups.oldest; n != nil && c.keep <= maxKeep && n.value.last < t-c.keep; n = c.groups.oldest {
		if n.value.dirty {
			return
		}
		c.forget(n)
	}
}

// maxKeep is the longest time for which state can go out of its window: longer
// ones would be before all times.
const maxKeep = maxStreamSpan * 3

// decide decides on the groups with new events, in the order of their keys.
func (c *correlator) decide() {
	if len(c.dirty) == 0 {
		return
	}
	if len(c.dirty) > 1 {
		slices.SortFunc(c.dirty, func(a, b *group) int { return cmp.Compare(a.key, b.key) })
	}
	for i, g := range c.dirty {
		c.dirty[i] = nil
		g.dirty = false
		if g.evicted {
			continue
		}
		verdicts := g.state.decide(c.e.now)
		for _, v := range verdicts {
			c.hit(g, c.e.now, v)
		}
		if c.e.opts.Trace != nil {
			c.trace(g, c.e.now, c.instant(g, c.e.now, len(verdicts) > 0))
		}
	}
	c.dirty = c.dirty[:0]
	if cap(c.dirty) > 2*maxKeptScalars {
		c.dirty = nil
	}
}
