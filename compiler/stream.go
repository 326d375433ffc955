package compiler

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// The limits of a Stream where its options set none: those of MaxGroups,
// MaxGroupEvents and MaxPending.
const (
	DefaultMaxGroups      = 100_000
	DefaultMaxGroupEvents = 100_000
	DefaultMaxPending     = 1_000_000
)

// StreamOptions say how a Stream treats time and how much it remembers. The
// zero value is a stream in order with the default limits, which stand for a
// limit that is 0 or negative, too.
type StreamOptions struct {
	// Lateness is how much older than the latest event an event may be. Hits
	// come that much later. It is cut to microseconds; a negative one is 0.
	Lateness time.Duration
	// MaxGroups bounds the groups that each correlation remembers, and the
	// keys that each rule with once does. Beyond it the one that was without
	// an event for longest is forgotten and counted.
	MaxGroups int
	// MaxGroupEvents bounds the events remembered for each group of a
	// correlation, and the distinct values of new_value, increase and summary.
	// Beyond it, or where a window has a gigabyte of them, the oldest is
	// forgotten and counted; counts and values are then those of what is
	// remembered. Where there is no oldest, as among the values of one window
	// of increase, among those of summary and among what happened at one
	// instant of after_silence or new_value, what comes last is left out.
	MaxGroupEvents int
	// MaxPending bounds the events that wait for the watermark. Beyond it the
	// oldest instant is decided early and counted.
	MaxPending int
	// KeepEvents has contributions carry their events, which must not change.
	KeepEvents bool
	// Keep, when set, goes before KeepEvents and returns what contributions
	// carry in place of their whole event, such as who did it. It is called
	// inside Push, for the events that a correlation looks at. What it panics
	// with is an error of the event; the contribution then carries nothing.
	Keep func(event.Record) any
	// Decode reads in RestoreStream what Keep had returned and encoding/json
	// wrote; nil for JSON as it is, numbers as json.Number. What it panics with
	// is an error of the snapshot.
	Decode func(data []byte) (any, error)
	// Trace, when set, is called for each group and instant that is decided,
	// more than once where an instant is decided at once, inside Push, Advance
	// and Close. It is not called for summaries. It makes a stream slow. What it
	// panics with is an error of the event, or of the next where there is none.
	Trace func(Instant)
}

// StreamStats counts what a Stream left out or decided otherwise than it would
// have without limits, and what it holds now.
type StreamStats struct {
	Late int64 // events older than the watermark, dropped
	// Ahead is the event that most of the late ones came behind: one that is
	// dated far in the future makes all that follow it late. Its Late is 0
	// where there is none.
	Ahead         Ahead
	WithoutTime   int64 // events without a time, which take no part
	DecidedEarly  int64 // events decided on before their time, by MaxPending
	EvictedGroups int64 // and keys of rules with once, by MaxGroups
	DroppedEvents int64 // events and values of a group, by MaxGroupEvents or a gigabyte
	CutKeys       int64 // events with more groups, values or numbers than are looked at

	Groups   int // of correlations, now remembered
	OnceKeys int // of rules with once, now remembered
	Pending  int // events now waiting for the watermark
}

// Ahead is an event that moved the watermark, or a call of Advance, and how many
// events came too late for it.
type Ahead struct {
	Time    time.Time
	EventID string // of an event.Record that has one
	Source  event.Source
	File    string // of an event.Record, as is Line
	Line    int
	Late    int64
}

// A Stream matches events against a RuleSet one after the other and keeps the
// state that its correlations and rules with once need. Time in it is the time
// of events, never that of a clock, so that a history gives the same hits as
// the events did when they came. docs/design.md §5 says what each type of
// correlation means.
//
// The watermark is the latest time of an event so far without the lateness.
// Events behind it come too late. All events of one time are an instant; it is
// decided when the watermark has passed it or, without lateness, at the event
// that makes a condition true which no further event can undo.
//
// A Stream belongs to one goroutine; many may share a RuleSet.
type Stream struct {
	rs     *RuleSet
	engine *engine
	roles  []*role // by program; nil of those that are for nothing else
	closed bool

	keyed bool // by PushKey, with key
	key   string

	in      *incoming // of Push, and what it makes of it
	pushed  *pushed
	hits    []*Hit
	onMet   func(*program, *scratch, *incoming) // met
	sources map[event.Source]*event.Source

	lastSource *event.Source // what source returned for last, as the event had it
	last       event.Source
}

// role is what a rule, of one of its sources, is for in a stream, besides its
// own hits.
type role struct {
	taps []*tapped
	once *onceReader
	// selections are those that hold whenever the rule does; nil where that
	// depends on the event.
	selections *[]string
	// straight is the only tap, if it is straight and there are selections.
	straight *tapped
}

// onceReader is the once of a rule, for one of its sources.
type onceReader struct {
	by     []*field
	keeper *onceKeeper
}

// NewStream makes a stream of events for the rules and correlations of a set.
func NewStream(rs *RuleSet, opts StreamOptions) *Stream {
	st := &Stream{rs: rs, roles: make([]*role, rs.programs), sources: map[event.Source]*event.Source{}}
	st.onMet = st.met
	roles := map[*ir.Rule]*role{}
	roleOf := func(r *ir.Rule) *role {
		if roles[r] == nil {
			roles[r] = &role{}
		}
		return roles[r]
	}
	infos := map[*ir.Rule]*RuleInfo{}
	for _, l := range rs.rules {
		for _, r := range l.lowered {
			infos[r] = l.info
		}
	}
	st.engine = newEngine(opts, rs.correlations, func(r *ir.Rule) *RuleInfo { return infos[r] })
	e := st.engine
	e.metrics = rs.opts.Metrics
	for _, c := range e.corrs {
		for i, in := range c.spec.Inputs {
			for _, t := range in.Taps {
				if t.Rule.When == nil {
					continue
				}
				x, err := c.tap(rs.leaves, i, t)
				if err != nil {
					e.disabled = append(e.disabled, Disabled{c.info, err})
					continue
				}
				role := roleOf(t.Rule)
				role.taps = append(role.taps, x)
				if names, ok := constantSelections(t.Rule.When, nil); ok && role.selections == nil {
					role.selections = &names
				}
			}
		}
	}
	for _, l := range rs.rules {
		var keeper *onceKeeper
		for _, r := range l.lowered {
			if r.Once == nil || r.When == nil {
				continue
			}
			by, err := newFields(rs.leaves, r.Once.By)
			if err != nil {
				e.disabled = append(e.disabled, Disabled{l.info, err})
				continue
			}
			if keeper == nil {
				keeper = e.keeper(l.info, r.Once)
			}
			keeper.rules = append(keeper.rules, r)
			roleOf(r).once = &onceReader{by, keeper}
		}
		for _, p := range l.programs {
			st.roles[p.number] = roles[p.rule]
		}
	}
	st.findStraight()
	return st
}

// findStraight finds the taps whose events need not be noted.
func (st *Stream) findStraight() {
	type place struct {
		c *correlator
		g *ruleGroup
	}
	n := map[place]int{}
	each := func(f func(x *tapped, k place)) {
		for _, l := range st.rs.rules {
			for _, p := range l.programs {
				if role := st.roles[p.number]; role != nil {
					for _, x := range role.taps {
						f(x, place{x.c, p.group})
					}
				}
			}
		}
	}
	each(func(_ *tapped, k place) { n[k]++ })
	opts := &st.engine.opts
	each(func(x *tapped, k place) {
		x.straight = x.c.direct && x.c.spec.Type == sigma.EventCount && x.plain != nil && len(x.counted) == 0 &&
			n[k] == 1 && x.input <= maxPackedInput && opts.Keep == nil && !opts.KeepEvents
	})
	for _, role := range st.roles {
		if role != nil && len(role.taps) == 1 && role.taps[0].straight && role.selections != nil {
			role.straight = role.taps[0]
		}
	}
}

// ErrStreamClosed is of a Push, or a Snapshot, behind Close.
var ErrStreamClosed = errors.New("the stream is closed")

// Push takes the next event, in the forms that RuleSet.Match takes, and returns
// the hits of single events on it and, behind them, those of correlations that
// are decided now, in the order of time. Hits of rules that a correlation refers to are
// left out, unless one of these says generate. Hits of rules with once wait for
// the watermark, as correlations do. An error is one of RuleSet.Match, or that
// the stream is closed; the stream goes on with what was found of the event.
func (st *Stream) Push(ev any) (hits []*Hit, err error) {
	if st.closed {
		return nil, ErrStreamClosed
	}
	err = st.read(ev)
	if p := st.pushed; p != nil {
		st.pushed = nil
		st.engine.push(p)
	}
	hits = st.hits
	if more := st.take(); len(more) > 0 {
		hits = append(hits, more...)
	}
	if st.in, st.hits = nil, nil; st.rs.opts.Metrics != nil {
		st.rs.raised(hits)
	}
	if e := st.engine; e.failed != nil {
		err, e.failed = errors.Join(err, e.failed), nil
	}
	return hits, st.rs.withCallbacks(err)
}

// read matches an event. It leaves hits that need not wait in st.hits, and
// what waits in st.pushed, if the event has a time.
func (st *Stream) read(ev any) (err error) {
	defer recovered(&err)
	e, rs := st.engine, st.rs
	s := rs.scratch.Get().(*scratch)
	in := &s.in
	if err = rs.receive(in, ev); err != nil {
		s.release(rs)
		return err
	}
	st.in = in
	g, err := rs.look(s, in)
	if err != nil {
		s.release(rs)
		return err
	}
	if in.record.Time.IsZero() {
		in.record.Time, _ = event.Time(in.value, in.record.Source)
	}
	if t, ok := streamTime(in.record.Time); ok {
		if r, head := &in.record, &e.head; e.leads(t) {
			head.EventID, head.Source, head.File, head.Line, head.Late = r.ID, r.Source, r.File, r.Line, 0
		}
		st.pushed = e.begin(t)
	} else {
		e.stats.WithoutTime++
	}
	err = rs.matchOpen(g, s, in, st.onMet)
	s.release(rs)
	return err
}

// met takes a rule that is true of the event.
func (st *Stream) met(rule *program, s *scratch, in *incoming) {
	role := st.roles[rule.number]
	if role != nil && len(role.taps) > 0 && st.pushed != nil {
		if x := role.straight; x == nil || !st.count(x, role.selections, s.event) {
			st.meet(rule, role, s)
		}
	}
	if !rule.quiet {
		st.hit(rule, role, s, in)
	}
}

// hit takes the hit of a rule that has hits of its own.
func (st *Stream) hit(rule *program, role *role, s *scratch, in *incoming) {
	if st.keyed && !st.ownHit(role, rule.rule, s.event, in) {
		return
	}
	h := st.rs.hit(rule, in, new(facts))
	if p := st.pushed; p != nil && role != nil && role.once != nil {
		if key, ok := st.rs.onceKeyOf(s.event, role.once.by); ok {
			p.held = append(p.held, heldHit{&h, key, p.time, role.once.keeper, rule.rule})
			return
		}
		// Whose repeat it would be is not known.
	}
	st.hits = append(st.hits, &h)
}

// constantSelections adds the names of the selections that hold whenever the
// condition does, as a hit lists them, to those before; ok is false where they
// depend on the event.
func constantSelections(e ir.Expr, names []string) (all []string, ok bool) {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if names, ok = constantSelections(x, names); !ok {
				return nil, false
			}
		}
	case *ir.Or:
		return nil, false
	case *ir.Selection:
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
		if !hasSelection(e.X) {
			return names, true
		}
		return constantSelections(e.X, names)
	case *ir.Any:
		return names, !hasSelection(e.X)
	}
	return names, true
}

func hasSelection(e ir.Expr) bool {
	found := false
	ir.Walk(e, func(x ir.Expr) bool {
		_, is := x.(*ir.Selection)
		found = found || is
		return !found
	})
	return found
}

// streamTime returns a time in microseconds.
func streamTime(t time.Time) (micros int64, ok bool) {
	s := t.Unix()
	if s < firstInstant/1_000_000 || s > lastInstant/1_000_000 || t.IsZero() {
		return 0, false
	}
	return s*1e6 + int64(t.Nanosecond())/1e3, true
}

// The instants that events may have, in microseconds: the years 0 to 9999, as
// event.ParseTime takes them.
const (
	firstInstant = -62167219200 * 1_000_000
	lastInstant  = 253402300800*1_000_000 - 1
)

// meet gives an event that a rule is true of to the correlations that refer to it.
func (st *Stream) meet(rule *program, role *role, s *scratch) {
	selections := role.selections
	if selections == nil {
		// Apart, so that a window does not hold the hit and its event.
		names := st.rs.selections(rule, s)
		selections = &names
	}
	c := s.event.cursor
	left := c.lend(st.rs.maxCost)
	for _, x := range role.taps {
		if !x.straight || x == role.straight || !st.count(x, selections, s.event) {
			st.note(x, selections, s.event)
		}
	}
	c.takeBack(left)
}

// note notes what the correlation of a tap makes of an event.
func (st *Stream) note(x *tapped, selections *[]string, s *subject) {
	p := st.pushed
	m := p.next()
	ours := m.begin(x, s, p.time) && s.cursor.cost >= 0
	if ours && st.keyed {
		m.keys = st.ownGroups(x.c, m.keys)
		ours = len(m.keys) > 0
	}
	if !ours {
		return
	}
	m.o.id, m.o.source = st.eventID(), st.source()
	first := &m.o.first[0]
	if first.selections = selections; x.c.windowed {
		first.origin = x.origin(m.o.source, selections)
	}
	if other := p.of(x.c); other != nil {
		other.add(*first, m.keys)
		return
	}
	switch opts := &st.engine.opts; {
	case opts.Keep != nil:
		st.in.decoded()
		if v := st.kept(); v != nil {
			m.o.event = keptValue{v}
		}
	case opts.KeepEvents:
		st.in.decoded()
		m.o.event = st.in.record.Event
	}
	p.add()
}

// count gives an early event to a group of a correlation that only counts it; ok
// is false where it is more than that, or the group is not there.
func (st *Stream) count(x *tapped, selections *[]string, s *subject) (ok bool) {
	if st.pushed != &st.engine.early || st.keyed {
		return false
	}
	c := s.cursor
	left := c.lend(st.rs.maxCost)
	v, _ := s.get(x.plain)
	if !c.takeBack(left) {
		return true
	}
	text, ok := v.(string)
	if !ok {
		return false
	}
	g := x.c.groups.findText(text)
	if g == nil {
		return false
	}
	number := x.origin(st.source(), selections)
	if number == 0 {
		return false
	}
	e := st.engine
	e.now = e.early.time
	if !x.c.count(g, e.now, st.eventID(), number|uint32(x.input)<<packedInputShift) {
		return false
	}
	e.settle(x.c)
	return true
}

// keptValue is what Keep returned, which may be anything, also what is an event
// elsewhere.
type keptValue struct{ value any }

// kept is what Keep returns of the event; nil where it panics, which is an error
// of the event.
func (st *Stream) kept() (v any) {
	defer func() {
		if r := recover(); r != nil {
			st.engine.failed = callbackError("StreamOptions.Keep", r)
		}
	}()
	return st.engine.opts.Keep(st.in.record)
}

// maxEventIDBytes bounds the id, and the table, that a window holds of an event.
// What is longer is cut, and a hash of the whole keeps it apart from others.
const maxEventIDBytes = 1 << 10

// eventID returns the event's own id, else a hash of the event.
func (st *Stream) eventID() string {
	if id := st.in.record.ID; id != "" && len(id) <= maxEventIDBytes {
		return id
	}
	return st.madeID()
}

// madeID is eventID of an event without an id, or with a long one.
func (st *Stream) madeID() string {
	in := st.in
	if in.record.ID == "" {
		in.identify()
	}
	if in.record.ID != "" {
		return shortText(in.record.ID, maxEventIDBytes)
	}
	return strings.TrimPrefix(in.identity, "hash ")
}

// maxKeptSources bounds how many sources of events are remembered.
const maxKeptSources = 1000

// source returns the event's source, one for all events of it.
func (st *Stream) source() *event.Source {
	if st.lastSource != nil && st.last == st.in.record.Source {
		return st.lastSource
	}
	return st.newSource()
}

func (st *Stream) newSource() *event.Source {
	st.last = st.in.record.Source
	src := st.last
	src.Table = shortText(src.Table, maxEventIDBytes)
	p := st.sources[src]
	if p == nil {
		if len(st.sources) >= maxKeptSources {
			clear(st.sources)
		}
		p = new(event.Source)
		*p = src
		st.sources[src] = p
	}
	st.lastSource = p
	return p
}

func (st *Stream) take() []*Hit {
	out := st.engine.out
	st.engine.out = nil
	return out
}

// decided returns the hits of a call without an event.
func (st *Stream) decided() []*Hit {
	hits := st.take()
	if st.rs.opts.Metrics != nil {
		st.rs.raised(hits)
	}
	return hits
}

// Advance says that there will be no more events older than t without the
// lateness, as an event at t would, and returns the hits that this decides. A
// time outside the years 0 to 9999 says nothing, nor is a closed stream told
// anything.
func (st *Stream) Advance(t time.Time) []*Hit {
	if at, ok := streamTime(t); ok && !st.closed {
		if st.engine.leads(at) {
			st.engine.head = Ahead{}
		}
		st.engine.advance(at)
	}
	return st.decided()
}

// Close decides all that is open, as if time had gone on for ever, and returns
// the remaining hits, summaries included. Windows of increase are taken to be
// over.
func (st *Stream) Close() []*Hit {
	if !st.closed {
		st.closed = true
		st.engine.end()
	}
	return st.decided()
}

// Stats returns what was counted so far.
func (st *Stream) Stats() StreamStats {
	stats := st.engine.stats
	stats.Pending = st.engine.pending.Len()
	for _, k := range st.engine.onces {
		stats.OnceKeys += k.raised.len()
	}
	return stats
}

// Disabled returns the correlations that this stream cannot run, and why. It is
// empty for those that lowering made.
func (st *Stream) Disabled() []Disabled { return st.engine.disabled }
