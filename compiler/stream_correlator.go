package compiler

import (
	"cmp"
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
	c.atOnce = e.lateness == 0 && cannotBeUndone(spec) && !oneOfSeveral(r)
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
		slices.SortFunc(c.dirty, func(a, b *group) int { return compareKeys(a.key, b.key) })
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
