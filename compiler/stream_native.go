package compiler

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
)

// newValues remembers when each tuple was last seen (new_value).
type newValues struct {
	c        *correlator
	lookback int64
	begun    bool
	now      int64

	seen    aged[sighting]
	history queue[instantCount] // the last min-history events before now, by instant
	total   int                 // of history
	atNow   int
	fresh   []string           // tuples of now in the order they came
	current map[string][]entry // events of now by tuple
	kept    int                // in current
}

type sighting struct {
	at        int64 // last seen
	before    int64 // and the time before that
	hasBefore bool
	raised    bool // at
}

type instantCount struct {
	time int64
	n    int
}

func (s *newValues) add(now int64, x entry) {
	limit := s.c.e.opts.MaxGroupEvents
	if !s.begun || now != s.now {
		if s.begun {
			s.history.push(instantCount{s.now, s.atNow})
			s.total += s.atNow
		}
		want := min(s.c.spec.MinHistory, limit)
		for s.history.len() > 1 && s.total-s.history.first().n >= want {
			s.total -= s.history.first().n
			s.history.pop()
		}
		s.begun, s.now, s.atNow = true, now, 0
		s.fresh, s.kept = s.fresh[:0], 0
		s.current = nil
		for o := s.seen.oldest; o != nil && o.value.at < now-s.lookback; o = s.seen.oldest {
			s.seen.remove(o)
		}
	}
	s.atNow++
	for _, k := range x.values.tuples {
		n, made := s.seen.touch(k)
		v := &n.value
		if made || v.at != now {
			v.before, v.hasBefore, v.at, v.raised = v.at, !made, now, false
			s.fresh = append(s.fresh, k)
		}
		if s.kept < limit {
			if s.current == nil {
				s.current = map[string][]entry{}
			}
			s.current[k] = append(s.current[k], x)
			s.kept++
		} else {
			s.c.e.stats.DroppedEvents++
		}
		if s.seen.len() > limit {
			s.seen.remove(s.seen.oldest)
			s.c.e.stats.DroppedEvents++
		}
	}
}

func (s *newValues) decide(now int64) []verdict {
	from := now - s.lookback
	history := 0
	for _, h := range s.history.all() {
		if h.time >= from {
			history += h.n
		}
	}
	if history < min(s.c.spec.MinHistory, s.c.e.opts.MaxGroupEvents) {
		return nil
	}
	var out []verdict
	for _, k := range s.fresh {
		n := s.seen.entries[k]
		if n == nil || n.value.raised || n.value.hasBefore && n.value.before >= from {
			continue
		}
		n.value.raised = true
		out = append(out, verdict{from: from, to: now, tuple: k, entries: s.current[k]})
	}
	slices.SortFunc(out, func(a, b verdict) int { return cmp.Compare(a.tuple, b.tuple) })
	return out
}

// silence remembers the group's last instants (after_silence).
type silence struct {
	c             *correlator
	begun, before bool
	now, prev     int64
	raised        bool
	here, there   []entry // events of now and of prev
}

func (s *silence) add(now int64, x entry) {
	if !s.begun || now != s.now {
		s.prev, s.before, s.there = s.now, s.begun, s.here
		s.now, s.begun, s.raised, s.here = now, true, false, nil
	}
	if len(s.here) >= s.c.e.opts.MaxGroupEvents {
		s.c.e.stats.DroppedEvents++
		return
	}
	s.here = append(s.here, x)
}

func (s *silence) decide(now int64) []verdict {
	gap := now - s.prev
	if s.raised || !s.before || gap < s.c.spec.Silence || gap > clampSpan(s.c.spec.Lookback) {
		return nil
	}
	s.raised = true
	seconds := canonical(ir.Number{Float: float64(gap) / 1e6})
	return []verdict{{from: s.prev, to: now, value: seconds, valued: true, entries: slices.Concat(s.there, s.here)}}
}

// calendar cuts time into pieces of one length, numbered.
type calendar struct {
	unit int64 // microseconds or, with a zone, days
	zone zoneDays
}

// index returns the number of the piece that t is in.
func (c calendar) index(t int64) int64 {
	if c.zone.loc == nil {
		return floorDiv(t, c.unit)
	}
	return floorDiv(c.zone.day(t), c.unit)
}

// start returns when a piece begins.
func (c calendar) start(i int64) int64 {
	if c.zone.loc == nil {
		return i * c.unit
	}
	return c.zone.start(i * c.unit)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// dayUnit is a day of 24 hours in microseconds.
const dayUnit = 24 * 3600 * 1_000_000

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

func loadZone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	return loc, nil
}

// move finds the piece that an event is in.
func (w *tumbling) move(t int64) int64 {
	if t < w.start || t >= w.next {
		w.index = w.calendar.index(t)
		w.start, w.next = w.calendar.start(w.index), w.calendar.start(w.index+1)
	}
	return w.index
}

// touch notes that a group has events in the open window.
func (w *tumbling) touch(c *correlator, g *group, now int64) {
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
	groups := slices.DeleteFunc(w.groups, isEvicted)
	w.groups = nil
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.key, b.key) })
	for _, g := range groups {
		var x Instant
		if s, ok := g.state.(*increase); ok && c.e.opts.Trace != nil {
			x.Value = numberValue(intNumber(s.value(w.end-w.pieces, w.end)))
			x.Before = numberValue(intNumber(s.value(w.end-w.back-w.pieces, w.end-w.back)))
		}
		verdicts := g.state.decide(w.to)
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
	c       *correlator
	w       *tumbling
	pieces  queue[piece]
	waiting bool // among the groups of the open window
	entries queue[entry]
}

type piece struct {
	index  int64
	n      int
	tuples map[string]struct{}
}

func (s *increase) add(now int64, x entry) {
	i := s.w.move(now)
	if n := s.pieces.len(); n == 0 || s.pieces.all()[n-1].index != i {
		s.pieces.push(piece{index: i})
	}
	p := &s.pieces.all()[s.pieces.len()-1]
	limit := s.c.e.opts.MaxGroupEvents
	if !s.w.distinct {
		p.n++
	} else {
		for _, k := range x.values.tuples {
			if p.tuples == nil {
				p.tuples = map[string]struct{}{}
			}
			if len(p.tuples) < limit {
				p.tuples[k] = struct{}{}
			} else if _, ok := p.tuples[k]; !ok {
				s.c.e.stats.DroppedEvents++
			}
		}
		p.n = len(p.tuples)
	}
	s.entries.push(x)
	if s.entries.len() > limit {
		s.entries.pop()
		s.c.e.stats.DroppedEvents++
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

func (s *increase) decide(to int64) []verdict {
	w, spec := s.w, s.c.spec
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
	if float64(old) < spec.Minimum || spec.Factor > 0 && float64(now) < spec.Factor*float64(old) || spec.Difference > 0 && float64(now-old) < spec.Difference {
		return nil
	}
	before := intNumber(old)
	return []verdict{{from: w.from, to: to, value: intNumber(now), valued: true, before: &before, entries: entries}}
}

// zoneDays numbers the days of a time zone as days since 1970-01-01 there. A
// day begins at its first instant: midnight, the first of two where a clock
// was put back across it, or when a clock was put forward over it.
type zoneDays struct{ loc *time.Location }

func (z zoneDays) day(t int64) int64 {
	y, m, d := time.UnixMicro(t).In(z.loc).Date()
	n := dayNumber(y, m, d)
	if t >= z.start(n+1) {
		n++ // the clock was put back to the day before
	}
	return n
}

func dayNumber(y int, m time.Month, d int) int64 {
	return floorDiv(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix(), 24*3600)
}

func (z zoneDays) start(n int64) int64 {
	y, m, d := time.Unix(n*24*3600, 0).UTC().Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, z.loc)
	from, to := t.ZoneBounds()
	if ty, tm, td := t.Date(); dayNumber(ty, tm, td) < n && !to.IsZero() {
		return to.UnixMicro() // there is no midnight
	}
	if t.Hour() != 0 && !from.IsZero() {
		return from.UnixMicro()
	}
	if !from.IsZero() {
		_, offset := from.Add(-time.Nanosecond).Zone()
		if first := time.Unix(n*24*3600-int64(offset), 0); first.Before(from) {
			return first.UnixMicro() // there are two
		}
	}
	return t.UnixMicro()
}

// summary counts all of a group's events.
type summary struct {
	c           *correlator
	n           int
	first, last int64
	distinct    []map[string]struct{}
}

func (s *summary) add(now int64, x entry) {
	if s.n == 0 {
		s.first = now
	}
	s.n++
	s.last = now
	for i, keys := range x.values.fields[:min(len(x.values.fields), len(s.distinct))] {
		if s.distinct[i] == nil {
			s.distinct[i] = map[string]struct{}{}
		}
		for _, k := range keys {
			if _, ok := s.distinct[i][k]; !ok && len(s.distinct[i]) >= s.c.e.opts.MaxGroupEvents {
				s.c.e.stats.DroppedEvents++
				continue
			}
			s.distinct[i][k] = struct{}{}
		}
	}
}

func (s *summary) decide(int64) []verdict { return nil }

// summarise makes the hits of a summary, in the order of the groups' keys.
func (c *correlator) summarise() {
	var groups []*group
	for n := c.groups.oldest; n != nil; n = n.newer {
		groups = append(groups, n.value)
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.key, b.key) })
	for _, g := range groups {
		s := g.state.(*summary)
		v := verdict{from: s.first, to: s.last, value: intNumber(s.n), valued: true}
		for _, d := range s.distinct {
			v.distinct = append(v.distinct, len(d))
		}
		c.hit(g, s.last, v)
	}
}
