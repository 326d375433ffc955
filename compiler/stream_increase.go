package compiler

import (
	"errors"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// newTumbling reads the windows of an increase.
func newTumbling(spec *ir.Correlation) (*tumbling, error) {
	w, back := clampSpan(spec.Span), clampSpan(spec.Against)
	if w == 0 || back == 0 {
		return nil, errNoWindow
	}
	t := &tumbling{keep: back + 2*w}
	if spec.Zone != "" {
		loc, err := loadZone(spec.Zone)
		if err != nil {
			return nil, err
		}
		if w%dayUnit != 0 || back%dayUnit != 0 {
			return nil, errZoneDays
		}
		t.calendar.zone.loc = loc
		t.keep += 2 * dayUnit // days may be longer
		w, back = w/dayUnit, back/dayUnit
	}
	// Pieces are so long that windows and the times between them are made of
	// whole ones.
	t.calendar.unit = gcd(w, back)
	t.pieces, t.back = w/t.calendar.unit, back/t.calendar.unit
	t.distinct = len(spec.Counted) > 0
	return t, nil
}

// tumbling is the window of an increase that is open now, for all groups.
type tumbling struct {
	calendar calendar
	pieces   int64 // that a window is made of
	back     int64 // pieces from a window to the one it is compared with
	distinct bool  // tuples are counted, not events
	keep     int64

	index    int64 // of the piece that now is in, from start to next
	start    int64
	next     int64
	from, to int64 // the window
	end      int64 // the index of the piece behind it
	groups   []*group
}

var (
	errNoWindow = errors.New("an increase wants a timespan and an interval to compare with")
	errZoneDays = errors.New("windows of a zone are whole days: give timespan and against in days")
)

// move finds the piece that an event is in.
func (w *tumbling) move(t int64) int64 {
	if t < w.start || t >= w.next {
		w.index = w.calendar.index(t)
		w.start, w.next = w.calendar.start(w.index), w.calendar.start(w.index+1)
	}
	return w.index
}

// touch notes that a group has events in the open window.
func (w *tumbling) touch(g *group, now int64) {
	i := w.move(now)
	if len(w.groups) == 0 {
		first := floorDiv(i, w.pieces) * w.pieces
		w.end = first + w.pieces
		w.from, w.to = w.calendar.start(first), w.calendar.start(w.end)
	}
	s := g.state.(*increase)
	if !s.waiting {
		s.waiting = true
		w.groups = append(w.groups, g)
	}
}

// closeWindow decides on the window that has ended.
func (c *correlator) closeWindow() {
	w := c.window
	groups := slices.DeleteFunc(w.groups, isForgotten)
	w.groups = nil
	sortByKey(groups)
	for _, g := range groups {
		var x Instant
		if s, ok := g.state.(*increase); ok && c.e.opts.Trace != nil {
			from, to := w.end-w.back-w.pieces, w.end-w.back
			x.Value, x.Window = numberValue(intNumber(s.value(w.end-w.pieces, w.end))), windowOf(w.from, w.to)
			x.Before, x.BeforeWindow = numberValue(intNumber(s.value(from, to))), windowOf(w.calendar.start(from), w.calendar.start(to))
		}
		verdicts := g.state.decide(c, g, w.to)
		for _, v := range verdicts {
			c.hit(g, w.to, v)
		}
		if c.e.opts.Trace != nil {
			x.Holds = len(verdicts) > 0
			x.Hit = x.Holds
			c.trace(g, w.to, x)
		}
	}
	c.expire(w.to)
}

// increase counts a group's events or tuples in pieces of time.
type increase struct {
	pieces  queue[piece]
	waiting bool // among the groups of the open window
	entries queue[entry]
}

type piece struct {
	index  int64
	n      int
	tuples map[string]struct{}
}

func (s *increase) add(c *correlator, g *group, now int64, x entry) (undecided bool) {
	i := c.window.move(now)
	if n := s.pieces.len(); n == 0 || s.pieces.all()[n-1].index != i {
		s.pieces.push(piece{index: i})
	}
	p := &s.pieces.all()[s.pieces.len()-1]
	limit := c.e.opts.MaxGroupEvents
	if !c.window.distinct {
		p.n++
	} else {
		for _, k := range x.read().tuples.strings() {
			if p.tuples == nil {
				p.tuples = map[string]struct{}{}
			}
			if len(p.tuples) < limit {
				p.tuples[k] = struct{}{}
			} else if _, ok := p.tuples[k]; !ok {
				c.e.stats.DroppedEvents++
			}
		}
		p.n = len(p.tuples)
	}
	s.remember(c, x)
	c.window.touch(g, now)
	return false
}

func (s *increase) remember(c *correlator, x entry) {
	s.entries.push(x)
	if s.entries.len() > c.e.opts.MaxGroupEvents {
		s.entries.pop()
		c.e.stats.DroppedEvents++
	}
}

// value counts in the pieces from first to before end.
func (s *increase) value(first, end int64) int {
	n, tuples := 0, map[string]struct{}(nil)
	for _, p := range s.pieces.all() {
		switch {
		case p.index < first || p.index >= end:
		case p.tuples == nil:
			n += p.n
		default:
			if tuples == nil {
				tuples = map[string]struct{}{}
			}
			for k := range p.tuples {
				tuples[k] = struct{}{}
			}
		}
	}
	return n + len(tuples)
}

func (s *increase) decide(c *correlator, _ *group, to int64) []verdict {
	w, spec := c.window, c.spec
	s.waiting = false
	entries := s.entries.all()
	s.entries = queue[entry]{}
	now := s.value(w.end-w.pieces, w.end)
	old := s.value(w.end-w.back-w.pieces, w.end-w.back)
	for s.pieces.len() > 0 && s.pieces.first().index < w.end-w.back {
		s.pieces.pop()
	}
	if w.pieces == 1 && s.pieces.len() > 0 {
		// No other window has a part of this piece: its count is enough.
		s.pieces.all()[s.pieces.len()-1].tuples = nil
	}
	if float64(old) < spec.Minimum || spec.Factor > 0 && !reaches(now, spec.Factor, old) || spec.Difference > 0 && float64(now-old) < spec.Difference {
		return nil
	}
	before := intNumber(old)
	return []verdict{{from: w.from, to: to, value: intNumber(now), valued: true, before: &before, entries: entries}}
}
