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
	direct bool // atOnce, and of no hits but of events alone: they need not wait for their turn in step
	quiet  bool // hits are not returned, another correlation takes them
	once   *onceKeeper
	onceBy []*field
	ends   []entityReader

	span   int64
	keep   int64 // how long after its last event a group's state matters
	bounds []numberBound
	counts [][]numberBound // by place in spec.Counts
	least  int             // of event_count, if onlyHits: fewer events meet no bounds
	make   func() *group   // without a key
	// windowed types have the events of a group in its log.
	windowed bool
	window   *tumbling // of increase

	inbox  []*meeting
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
	// add takes an event of the instant now, before it is the group's last.
	// Instants come in order. It says whether decide is to be asked, which is
	// not so where it is known to return nothing.
	add(c *correlator, g *group, now int64, x entry) (undecided bool)
	// decide returns the hits of the instant now by what is known of it,
	// without those that it returned before.
	decide(c *correlator, g *group, now int64) []verdict
	// save writes it to a snapshot; load reads it into what make made.
	save(c *correlator, g *group, w *snapshotWriter)
	load(c *correlator, g *group, r *snapshotReader)
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
	windowed := func(make func() *group) { c.make, c.windowed = make, true }
	inputs := len(spec.Inputs)
	switch spec.Type {
	case sigma.EventCount:
		windowed(newCount)
		if c.onlyHits() {
			c.least = leastCount(c.bounds)
		}
	case sigma.ValueCount:
		windowed(newWindow[distinctValues](nil))
	case sigma.ValueSum, sigma.ValueAvg:
		windowed(newWindow[total](nil))
	case sigma.ValuePercentile:
		windowed(newWindow[percentile](nil))
	case sigma.Temporal:
		windowed(newWindow(func(a *occurring) { a.start(inputs) }))
	case sigma.TemporalOrdered:
		windowed(newWindow(func(a *chain) { a.start(inputs) }))
	case sigma.Counts:
		windowed(newWindow(func(a *inputCounts) { a.n = make([]int, inputs) }))
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

// onlyHits says whether a group need not be decided on where that gives no hit.
func (c *correlator) onlyHits() bool { return c.atOnce && c.e.opts.Trace == nil }

// take puts an event into its groups.
func (c *correlator) take(m *meeting) {
	o := &m.o.occurrence
	if m.groups == nil {
		for keys := m.keys; len(keys) > 0; {
			var key []byte
			key, keys = keys.next()
			c.add(key, entry{o, nil})
		}
		return
	}
	// What an event counts is what the first of the referenced rules that it
	// matches reads from it.
	place := map[string]int{}
	var keys [][]byte
	var by [][]int
	for i, groups := range m.groups {
		for key := range groups.all() {
			at, ok := place[string(key)]
			if !ok {
				at = len(keys)
				place[string(key)] = at
				keys, by = append(keys, key), append(by, nil)
			}
			by[at] = append(by[at], i)
		}
	}
	for i, key := range keys {
		x := entry{o, nil}
		if len(by[i]) < len(o.inputs) {
			x.some = &by[i]
		}
		c.add(key, x)
	}
}

func (c *correlator) add(key []byte, x entry) {
	e := c.e
	g, made := c.groups.touch(key, c.make)
	if made {
		e.stats.Groups++
	}
	c.added(g, made, g.state.add(c, g, e.now, x))
}

// count is take for a correlation that counts events and an event of the instant
// now that is in one group only, which is there; ok is false where the group has
// more to remember.
func (c *correlator) count(g *group, now int64, id string, common uint32) (ok bool) {
	s := g.state.(*windowState)
	if s.kept != nil {
		return false
	}
	c.groups.renew(g)
	if s.count(c, g, now, id, common) {
		c.await(g)
	}
	g.last = now
	return true
}

// await has decide look at a group.
func (c *correlator) await(g *group) {
	if !g.dirty {
		g.dirty = true
		c.dirty = append(c.dirty, g)
	}
}

// added notes that a group has an event of the instant now.
func (c *correlator) added(g *group, made, undecided bool) {
	if g.last = c.e.now; undecided {
		c.await(g)
	}
	if made && c.groups.len() > c.e.opts.MaxGroups {
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
	c.groups.remove(g)
	g.state, g.log = nil, eventLog{}
	c.e.stats.Groups--
}

// expire forgets the groups whose events cannot matter to an instant at or
// after t.
func (c *correlator) expire(t int64) {
	if g := c.groups.oldest; g != nil && g.last < t-c.keep {
		c.forgetBefore(t)
	}
}

func (c *correlator) forgetBefore(t int64) {
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
		sortByKey(c.dirty)
	}
	for i, g := range c.dirty {
		c.dirty[i] = nil
		g.dirty = false
		if isForgotten(g) {
			continue
		}
		verdicts := g.state.decide(c, g, c.e.now)
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

func sortByKey(groups []*group) {
	slices.SortFunc(groups, func(a, b *group) int { return compareKeys(a.log.key(), b.log.key()) })
}
