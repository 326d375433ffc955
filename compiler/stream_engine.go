package compiler

import (
	"cmp"
	"container/heap"
	"math"
	"math/bits"
	"slices"
	"time"

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
	awake    bitset        // those, by place, that events came for
	woken    bool          // there are some
	waiting  bitset        // those with groups that the end of the open instant decides
	tumbling []*correlator // those with windows of their own
	byRule   map[*ir.Rule]*correlator
	disabled []Disabled
	divided  bool // part is set in corrs
	origins  *origins

	maxLog  int    // maxLogBytes, for tests to lower
	packing []byte // scratch of pack
	metrics Metrics
	failed  error // of Keep and Trace

	progress
	pending pendingHeap
	early   pushed    // the one that time has gone on to, if begin returned it
	spare   []*pushed // for begin to return others
	onces   []*onceKeeper
	out     []*Hit
	stats   StreamStats
}

// progress is how far a stream has come. It goes on under other rules.
type progress struct {
	seen   bool
	latest int64
	head   Ahead // what latest is the time of, without it
	mark   int64 // the watermark: instants before it are decided
	seq    uint64
	open   bool // an instant has events that are not decided on for good
	now    int64
	swept  int64
}

// pushed is an event with what the correlations make of it.
type pushed struct {
	time  int64
	seq   uint64
	meets []meeting
	held  []heldHit // hits of rules with once, raised when their time has come
}

// next is room for one more meeting, in memory that may have served before. It
// is none of p's until it is added: what fails on the way leaves nothing behind.
func (p *pushed) next() *meeting {
	n := len(p.meets)
	if n == cap(p.meets) {
		p.meets = append(p.meets, meeting{})[:n]
	}
	return &p.meets[:n+1][n]
}

// add adds the meeting that next returned.
func (p *pushed) add() { p.meets = p.meets[:len(p.meets)+1] }

// of returns the event's meeting with a correlation, or nil.
func (p *pushed) of(c *correlator) *meeting {
	for i := range p.meets {
		if p.meets[i].c == c {
			return &p.meets[i]
		}
	}
	return nil
}

type pendingHeap []*pushed

func (h pendingHeap) Len() int { return len(h) }

func (h pendingHeap) Less(i, j int) bool {
	return h[i].time < h[j].time || h[i].time == h[j].time && h[i].seq < h[j].seq
}

func (h pendingHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *pendingHeap) Push(x any) { *h = append(*h, x.(*pushed)) }

func (h *pendingHeap) Pop() any {
	old := *h
	n := len(old) - 1
	x := old[n]
	old[n] = nil
	*h = old[:n]
	return x
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
	e := &engine{opts: opts, lateness: max(0, opts.Lateness.Microseconds()), progress: progress{mark: math.MinInt64, swept: math.MinInt64}, byRule: map[*ir.Rule]*correlator{}, origins: &origins{}, maxLog: maxLogBytes}
	for _, r := range rules {
		if r.Correlation == nil || len(r.Lacks) > 0 || e.byRule[r] != nil {
			continue
		}
		c, err := newCorrelator(e, r, info)
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
		c.direct = c.atOnce && c.rank == 1
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
	for r, c := range e.byRule {
		c.quiet = r.Quiet()
	}
	e.awake, e.waiting = newBitset(len(e.corrs)), newBitset(len(e.corrs))
	for i, c := range e.corrs {
		if c.place = i; c.window != nil {
			e.tumbling = append(e.tumbling, c)
		}
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

// done makes an event ready to be filled in again.
func (e *engine) done(p *pushed) {
	for i := range p.meets {
		p.meets[i].end()
	}
	if cap(p.meets)+cap(p.held) > 2*maxKeptScalars {
		*p = pushed{}
	}
	clear(p.held)
	p.meets, p.held = p.meets[:0], p.held[:0]
	if p != &e.early && len(e.spare) < maxKeptScalars {
		e.spare = append(e.spare, p)
	}
}

// begin returns an event to be filled in. If it is not late nor has to wait, it is
// early: time goes on to it before it is known what the correlations make of it,
// and what can be decided at once need not be in its meets.
func (e *engine) begin(time int64) *pushed {
	if e.lateness == 0 && len(e.pending) == 0 && (!e.seen || time >= e.mark) {
		if e.leads(time) {
			e.seen, e.latest = true, time
		}
		e.raise(e.latest)
		p := &e.early
		if len(p.meets)+len(p.held) > 0 {
			*p = pushed{} // somebody's code panicked over the event before
		}
		p.time = time
		return p
	}
	n := len(e.spare)
	if n == 0 {
		return &pushed{time: time}
	}
	p := e.spare[n-1]
	e.spare = e.spare[:n-1]
	p.time = time
	return p
}

// push takes an event that begin gave.
func (e *engine) push(p *pushed) {
	if p == &e.early {
		if len(p.meets)+len(p.held) > 0 || e.woken {
			e.feed(p)
		}
		return
	}
	if e.seen && p.time < e.mark {
		if e.stats.Late++; e.metrics != nil {
			e.metrics.Late(time.Duration(e.mark-p.time) * time.Microsecond)
		}
		if p.time < e.latest-e.lateness { // not for an instant decided early
			e.head.Late++
			if e.head.Late > e.stats.Ahead.Late {
				e.stats.Ahead = e.ahead()
			}
		}
		for _, h := range p.held {
			e.raiseOnce(h, true)
		}
		e.done(p)
		return
	}
	if len(p.meets)+len(p.held) == 0 {
		e.advance(p.time)
		e.done(p)
		return
	}
	e.seq++
	p.seq = e.seq
	heap.Push(&e.pending, p)
	e.advance(p.time)
}

// leads says whether t is later than all before, so that it is for the caller to
// note in head what is there.
func (e *engine) leads(t int64) bool { return !e.seen || t > e.latest }

// ahead is what latest is the time of.
func (e *engine) ahead() Ahead {
	a := e.head
	if e.seen {
		a.Time = time.UnixMicro(e.latest).UTC()
	}
	return a
}

// advance says that there was an event at t.
func (e *engine) advance(t int64) {
	if e.leads(t) {
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
	for i := range p.held {
		e.raiseOnce(p.held[i], false)
	}
	for i := range p.meets {
		m := &p.meets[i]
		e.now = p.time
		if !m.c.direct {
			m.c.accept(m)
		} else {
			m.c.take(m)
			e.settle(m.c)
		}
	}
	if e.woken {
		e.open = true
		e.step(false)
	}
	e.done(p)
}

// settle has step look at a correlation that took an event, if there is something
// to decide.
func (e *engine) settle(c *correlator) {
	if len(c.dirty) > 0 {
		e.wake(c)
	} else {
		c.expire(e.now)
	}
}

// runTo closes the instants before t and the tumbling windows that end at t or
// before, in the order of time. Of one time, windows come first.
func (e *engine) runTo(t int64) {
	if e.open || len(e.tumbling) > 0 {
		e.closeTo(t)
	}
}

// closeTo is runTo where there may be something to close.
func (e *engine) closeTo(t int64) {
	for {
		end, ok := int64(0), false
		for _, c := range e.tumbling {
			if len(c.window.groups) > 0 && (!ok || c.window.to < end) {
				end, ok = c.window.to, true
			}
		}
		switch {
		case e.open && e.now < t && (!ok || e.now < end):
			e.step(true)
			e.open = false
		case ok && end <= t:
			for _, c := range e.tumbling {
				if len(c.window.groups) > 0 && c.window.to == end {
					c.closeWindow()
				}
			}
			if e.woken {
				e.open, e.now = true, end
				e.step(false)
			}
		default:
			return
		}
	}
}

// wake has step look at a correlation.
func (e *engine) wake(c *correlator) {
	e.awake.set(c.place)
	e.woken = true
}

// step takes what came of the open instant, and decides what can be decided. A
// correlation wakes only such as come after it.
func (e *engine) step(closing bool) {
	if closing {
		for w, waiting := range e.waiting {
			e.awake[w] |= waiting
			e.waiting[w] = 0
		}
	}
	for w := range e.awake {
		for e.awake[w] != 0 {
			i := bits.TrailingZeros64(e.awake[w])
			c := e.corrs[w*64+i]
			for _, m := range c.inbox {
				c.take(m)
				if c.atOnce { // hits of other correlations are events of their own
					c.decide()
				}
			}
			clear(c.inbox)
			c.inbox = c.inbox[:0]
			if closing || c.atOnce {
				c.decide()
				c.expire(e.now)
			} else if len(c.dirty) > 0 {
				e.waiting.set(i + w*64)
			}
			e.awake[w] &^= 1 << i
		}
	}
	e.woken = false
}
