package compiler

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// correlator is the state of one correlation.
type correlator struct {
	e      *engine
	rule   *ir.Rule
	spec   *ir.Correlation
	info   *RuleInfo
	rank   int // of those that it refers to, plus one
	place  int // in e.corrs
	part   int // of a group's key, by which groups are divided; -1 for none
	inputs []*RuleInfo
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
	make   func() *group   // without a key
	window *tumbling       // of increase

	inbox  []meeting
	dirty  []*group // groups with events of the open instant that were not decided on yet
	groups groupTable
}

type entityReader struct {
	kind  string
	name  string
	field *field
}

// state is what a correlation type remembers of a group. There may be millions
// of them, so what they have in common is with the correlator.
type state interface {
	// add takes an event of the instant now. Instants come in order.
	add(c *correlator, now int64, x entry)
	// decide returns the hits of the instant now by what is known of it,
	// without those that it returned before.
	decide(c *correlator, now int64) []verdict
	// save writes it to a snapshot; load reads it into what make made.
	save(w *snapshotWriter)
	load(c *correlator, r *snapshotReader)
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

func newCorrelator(e *engine, r *ir.Rule, info func(*ir.Rule) *RuleInfo) (*correlator, error) {
	spec := r.Correlation
	c := &correlator{e: e, rule: r, spec: spec, info: info(r), span: clampSpan(spec.Span)}
	for _, in := range spec.Inputs {
		var x *RuleInfo
		if len(in.Taps) > 0 {
			x = info(in.Taps[0].Rule) // all are of one document
		}
		c.inputs = append(c.inputs, x)
	}
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
	c.atOnce = e.lateness == 0 && cannotBeUndone(spec) && !oneOfSeveral(r)
	stateful := func(of func() state) { c.make = func() *group { return &group{state: of()} } }
	windowed := func(of func() aggregate) {
		c.make = func() *group {
			x := &struct { // together, as they are looked at together
				group
				windowState
			}{}
			x.windowState.of, x.group.state = of(), &x.windowState
			return &x.group
		}
	}
	switch spec.Type {
	case sigma.EventCount:
		windowed(func() aggregate { return tally{} })
	case sigma.ValueCount:
		windowed(func() aggregate { return &distinctValues{} })
	case sigma.ValueSum, sigma.ValueAvg:
		windowed(func() aggregate { return &total{} })
	case sigma.ValuePercentile:
		windowed(func() aggregate { return &percentile{} })
	case sigma.Temporal:
		windowed(func() aggregate { return newOccurring(len(spec.Inputs)) })
	case sigma.TemporalOrdered:
		windowed(func() aggregate { return newChain(len(spec.Inputs)) })
	case sigma.Counts:
		windowed(func() aggregate { return &inputCounts{n: make([]int, len(spec.Inputs))} })
	case sigma.NewValue:
		c.keep = clampSpan(spec.Lookback)
		stateful(func() state { return &newValues{} })
	case sigma.AfterSilence:
		c.keep = clampSpan(spec.Lookback)
		stateful(func() state { return &silence{} })
	case sigma.Increase:
		if c.window, err = newTumbling(spec); err != nil {
			return nil, err
		}
		c.keep = c.window.keep
		stateful(func() state { return &increase{} })
	case sigma.Summary:
		c.keep = math.MaxInt64
		stateful(func() state { return &summary{distinct: make([]map[string]struct{}, len(spec.Counted))} })
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
		c.once = e.keeper(c.info, r.Once)
		c.once.rules = []*ir.Rule{r}
		if c.onceBy, err = newFields(nil, r.Once.By); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func clampSpan(n int64) int64 { return max(0, min(n, maxStreamSpan)) }

// take puts an event into its groups.
func (c *correlator) take(m meeting) {
	switch {
	case m.groups == nil:
		c.add(m.key, entry{m.o, nil})
		return
	case len(m.groups) == 1:
		for _, key := range m.groups[0] {
			c.add(key, entry{m.o, nil})
		}
		return
	}
	// What an event counts is what the first of the referenced rules that it
	// matches reads from it.
	place := map[string]int{}
	var keys []string
	var by [][]int
	for i, groups := range m.groups {
		for _, key := range groups {
			at, ok := place[key]
			if !ok {
				at = len(keys)
				place[key] = at
				keys, by = append(keys, key), append(by, nil)
			}
			by[at] = append(by[at], i)
		}
	}
	for i, key := range keys {
		x := entry{m.o, nil}
		if len(by[i]) < len(m.o.inputs) {
			x.some = &by[i]
		}
		c.add(key, x)
	}
}

func (c *correlator) add(key string, x entry) {
	e := c.e
	g, made := c.groups.touch(key, c.make)
	if made {
		e.stats.Groups++
	}
	g.last = e.now
	g.state.add(c, e.now, x)
	if c.window != nil {
		c.window.touch(g, e.now)
	} else if !g.dirty && c.spec.Type != sigma.Summary {
		g.dirty = true
		c.dirty = append(c.dirty, g)
	}
	if made && c.groups.len() > e.opts.MaxGroups {
		c.evict()
	}
}

// evict forgets the group without an event for longest, for want of room.
func (c *correlator) evict() {
	c.forget(c.groups.oldest)
	c.e.evicted(c.info)
	if len(c.dirty) > 2*c.e.opts.MaxGroups {
		c.dirty = slices.DeleteFunc(c.dirty, isForgotten)
	}
	if c.window != nil && len(c.window.groups) > 2*c.e.opts.MaxGroups {
		c.window.groups = slices.DeleteFunc(c.window.groups, isForgotten)
	}
}

func isForgotten(g *group) bool { return g.state == nil }

func (c *correlator) forget(g *group) {
	g.state = nil
	c.groups.remove(g)
	c.e.stats.Groups--
}

// expire forgets the groups whose events cannot matter to an instant at or
// after t.
func (c *correlator) expire(t int64) {
	for g := c.groups.oldest; g != nil && c.keep <= maxKeep && g.last < t-c.keep; g = c.groups.oldest {
		if g.dirty {
			return
		}
		c.forget(g)
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
		slices.SortFunc(c.dirty, func(a, b *group) int { return compareKeys(a.key, b.key) })
	}
	for i, g := range c.dirty {
		c.dirty[i] = nil
		g.dirty = false
		if isForgotten(g) {
			continue
		}
		verdicts := g.state.decide(c, c.e.now)
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
