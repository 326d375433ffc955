package compiler

import (
	"errors"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
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
	// MaxGroupEvents bounds the events, and the distinct values, remembered
	// for each group of a correlation. Beyond it the oldest is forgotten and
	// counted; counts and values are then those of what is remembered.
	MaxGroupEvents int
	// MaxPending bounds the events that wait for the watermark. Beyond it the
	// oldest instant is decided early and counted.
	MaxPending int
	// KeepEvents has contributions carry their events, which must not change.
	KeepEvents bool
	// Keep, when set, goes before KeepEvents and returns what contributions
	// carry in place of their whole event, such as who did it. It is called
	// inside Push, for the events that a correlation looks at.
	Keep func(event.Record) any
	// Trace, when set, is called for each group and instant that is decided,
	// more than once where an instant is decided at once, inside Push, Advance
	// and Close. It is not called for summaries. It makes a stream slow.
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
	EvictedGroups int64 // by MaxGroups
	DroppedEvents int64 // events and values of a group, by MaxGroupEvents
	CutKeys       int64 // events with more groups or tuples than are looked at

	Groups  int // now remembered
	Pending int // events now waiting for the watermark
}

// Ahead is an event that moved the watermark, or a call of Advance, and how many
// events came too late for it.
type Ahead struct {
	Time    time.Time
	EventID string // the event's own id, or ""
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
	taps   map[*ir.Rule][]*tapped
	onces  map[*ir.Rule]*onceReader
	closed bool
}

// onceReader is the once of a rule, for one of its sources.
type onceReader struct {
	by     []*field
	keeper *onceKeeper
}

// NewStream makes a stream of events for the rules and correlations of a set.
func NewStream(rs *RuleSet, opts StreamOptions) *Stream {
	st := &Stream{rs: rs, taps: map[*ir.Rule][]*tapped{}, onces: map[*ir.Rule]*onceReader{}}
	st.engine = newEngine(opts, rs.correlations, func(r *ir.Rule) *RuleInfo { return rs.infos[r] }, rs.quiet)
	e := st.engine
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
				st.taps[t.Rule] = append(st.taps[t.Rule], x)
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
				e.disabled = append(e.disabled, Disabled{&l.info, err})
				continue
			}
			if keeper == nil {
				keeper = e.keeper(r.Once)
			}
			st.onces[r] = &onceReader{by, keeper}
		}
	}
	return st
}

var errClosedStream = errors.New("the stream is closed")

// Push takes the next event, in the forms that RuleSet.Match takes, and returns
// the hits of single events on it and those of correlations that are decided
// now, in the order of time. Hits of rules that a correlation refers to are
// left out, unless one of these says generate. Hits of rules with once wait for
// the watermark, as correlations do. An error is one of RuleSet.Match, or that
// the stream is closed; the stream goes on with what was found of the event.
func (st *Stream) Push(ev any) (hits []*Hit, err error) {
	if st.closed {
		return nil, errClosedStream
	}
	hits, p, err := st.read(ev)
	if p != nil {
		st.engine.push(p)
	}
	return append(hits, st.take()...), err
}

// read matches an event. p is nil when the event has no time.
func (st *Stream) read(ev any) (hits []*Hit, p *pushed, err error) {
	defer recovered(&err)
	in, err := st.rs.incoming(ev)
	if err != nil {
		return nil, nil, err
	}
	if in.record.Time.IsZero() {
		in.record.Time, _ = event.Time(in.value, in.record.Source)
	}
	t, timed := streamTime(in.record.Time)
	if timed {
		p = &pushed{time: t}
		st.engine.lead(t, Ahead{EventID: in.record.ID, Source: in.record.Source, File: in.record.File, Line: in.record.Line})
	} else {
		st.engine.stats.WithoutTime++
	}
	err = st.rs.match(&in, func(rule *program, s *scratch, in *incoming) {
		quiet := st.rs.quiet[rule.rule]
		detailed := st.rs.hit
		if quiet {
			detailed = st.rs.contribution
		}
		h := detailed(rule, s, in)
		cost := s.event.cursor.cost
		s.event.cursor.cost = st.rs.maxCost
		if timed {
			st.meet(p, rule.rule, s.event, in, &h)
		}
		if !quiet {
			if o := st.onces[rule.rule]; o != nil && timed {
				p.held = append(p.held, heldHit{&h, onceKey(s.event, o.by), t, o.keeper})
			} else {
				hits = append(hits, &h)
			}
		}
		s.event.cursor.cost = cost
	})
	return hits, p, err
}

// streamTime returns a time in microseconds.
func streamTime(t time.Time) (micros int64, ok bool) {
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return 0, false
	}
	return t.UnixMicro(), true
}

// meet notes what the correlations make of an event that a rule is true of.
func (st *Stream) meet(p *pushed, rule *ir.Rule, s *subject, in *incoming, h *Hit) {
	for _, x := range st.taps[rule] {
		m := x.read(s)
		if len(m.groups) == 0 {
			continue
		}
		m.rule, m.selections = h.Rule, h.Selections
		var o *occurrence
		for i := range p.meets {
			if p.meets[i].c == x.c {
				o = p.meets[i].o
			}
		}
		if o == nil {
			o = &occurrence{time: p.time, id: in.record.ID, source: in.record.Source}
			if o.id == "" {
				o.id = strings.TrimPrefix(in.identity, "hash ")
			}
			switch {
			case st.engine.opts.Keep != nil:
				o.event = st.engine.opts.Keep(in.record)
			case st.engine.opts.KeepEvents:
				o.event = in.record.Event
			}
			p.meets = append(p.meets, meeting{x.c, o})
		}
		o.inputs = append(o.inputs, m)
	}
}

func (st *Stream) take() []*Hit {
	out := st.engine.out
	st.engine.out = nil
	return out
}

// Advance says that there will be no more events older than t without the
// lateness, as an event at t would, and returns the hits that this decides.
func (st *Stream) Advance(t time.Time) []*Hit {
	if at, ok := streamTime(t); ok && !st.closed {
		st.engine.lead(at, Ahead{})
		st.engine.advance(at)
	}
	return st.take()
}

// Close decides all that is open, as if time had gone on for ever, and returns
// the remaining hits, summaries included. Windows of increase are taken to be
// over.
func (st *Stream) Close() []*Hit {
	if !st.closed {
		st.closed = true
		st.engine.end()
	}
	return st.take()
}

// Stats returns what was counted so far.
func (st *Stream) Stats() StreamStats {
	stats := st.engine.stats
	stats.Pending = st.engine.pending.Len()
	return stats
}

// Disabled returns the correlations that this stream cannot run, and why. It is
// empty for those that lowering made.
func (st *Stream) Disabled() []Disabled { return st.engine.disabled }
