package compiler

import (
	"io"
	"slices"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// Carried says what became of the state of a stream under another rule set.
// Of the rules it names those that have state: correlations, and rules with
// once.
type Carried struct {
	// Kept go on where they were. What counts is a rule's id and what it asks
	// for, with its parameters: its title, level or tags may have changed.
	Kept []*RuleInfo
	// Started begin with nothing: they are new, or ask for something else.
	Started []*RuleInfo
	// Dropped is what was remembered for rules that are gone or ask for
	// something else.
	Dropped []Dropped
}

// Dropped is state of a rule that no rule goes on with.
type Dropped struct {
	ID, Title string // the rule's
	Groups    int    // groups, or keys of once
	Hits      int    // hits of a rule with once that waited for the watermark
}

// Snapshot writes all that the stream remembers to w, so that RestoreStream
// can go on after the last event that was pushed. It writes as it goes, and
// nothing behind the snapshot's end, so that a caller's own data, such as the
// position in the log that events are read from, may stand before and behind
// it. The format is versioned and has checksums. Events that are kept are
// written as JSON, what StreamOptions.Keep returned by encoding/json. The
// stream goes on as before; like every method, Snapshot belongs to the
// stream's goroutine. An error is one of w, ErrStreamClosed, or that an event,
// or what Keep returned of it, panics, cannot be written or is too large: then
// there is no snapshot as long as the stream holds it. What was written before
// an error is no snapshot.
//
// Hits that a stream returned are the caller's: after a restore, the events
// behind the snapshot are pushed again and give the same hits with the same
// IDs. Who keeps IDs, or stores hits and position together, has each hit once.
func (st *Stream) Snapshot(w io.Writer) error {
	if st.closed {
		return ErrStreamClosed
	}
	e := st.engine
	x := newSnapshotWriter(w)
	x.section(frameStream)
	e.save(x)
	ms := meanings{}
	units := map[any]int{}
	for _, c := range e.corrs {
		units[c] = len(units)
		x.section(frameUnit)
		x.unit(ms.correlation(c), c.info.Title, c.groups.len())
		c.save(x)
	}
	for _, k := range e.onces {
		units[k] = len(units)
		x.section(frameUnit)
		x.unit(ms.once(k), k.info.Title, k.raised.len())
		for n := k.raised.oldest; n != nil; n = n.newer {
			x.text(n.key)
			x.int(n.value.time)
			x.len(n.value.repeats)
		}
	}
	x.section(framePending)
	waiting := slices.Clone(e.pending)
	slices.SortFunc(waiting, func(a, b *pushed) int {
		if (pendingHeap{a, b}).Less(0, 1) {
			return -1
		}
		return 1
	})
	orphans := map[*onceKeeper]int{}
	x.len(len(waiting))
	for _, p := range waiting {
		x.int(p.time)
		x.uint(p.seq)
		x.len(len(p.meets))
		for _, m := range p.meets {
			x.len(units[m.c])
			x.occurrence(&m.o.occurrence)
			groups := m.groups
			if groups == nil {
				groups = []texts{m.keys}
			}
			for _, keys := range groups {
				x.listOf(keys)
			}
		}
		x.len(len(p.held))
		for _, h := range p.held {
			k, known := units[h.once]
			if !known { // its rule is gone
				if _, ok := orphans[h.once]; !ok {
					orphans[h.once] = len(orphans)
				}
				k = orphans[h.once]
			}
			x.bool(known)
			x.len(k)
			x.unit(ms.rule(h.hit.Rule, h.rule), h.hit.Rule.Title, 0)
			x.source(&h.hit.Source)
			x.instant(h.hit.Time())
			x.text(h.hit.EventID())
			x.text(h.hit.ID())
			x.event(h.hit.Event())
			x.text(h.key)
		}
	}
	x.section(frameEnd)
	x.flush()
	return x.err
}

// RestoreStream makes a stream that goes on where the one that wrote the
// snapshot was, under the rules of rs; see Carried for those that are not the
// same. Options may differ, too: limits that are smaller are applied to windows,
// groups and keys of once, and to the rest as events come. Events that were kept
// are decoded as JSON, what Keep had returned by StreamOptions.Decode. It reads no
// further than the snapshot's end. An error says that the snapshot cannot be
// read or is none (ErrNotSnapshot, ErrSnapshotVersion, ErrSnapshotDamaged);
// there is no stream then.
func RestoreStream(rs *RuleSet, opts StreamOptions, r io.Reader) (*Stream, Carried, error) {
	x := newSnapshotReader(r)
	if x.err != nil {
		return nil, Carried{}, x.err
	}
	st := NewStream(rs, opts)
	e := st.engine
	if !x.section(frameStream) {
		x.damaged("it does not begin with a stream")
	}
	x.decode = opts.Decode
	e.load(x)
	x.end(false)
	m := newMoving(e)
	var units []any // correlators, keepers and what is not there any more
	for x.section(frameUnit) {
		key, title, n := x.unit()
		to := m.take(key, title, n)
		units = append(units, to)
		switch to := to.(type) {
		case *correlator:
			to.load(x, n)
		case *onceKeeper:
			for ; n > 0 && x.err == nil; n-- {
				entry, made := to.raised.touch(x.text())
				entry.value = raisedHit{time: x.time(), repeats: x.count()}
				if !made {
					x.damaged("a key twice")
				}
			}
			for to.raised.len() > e.opts.MaxGroups {
				to.raised.remove(to.raised.oldest)
				e.evicted(to.info)
			}
		}
		x.end(to == nil)
	}
	if x.err == nil && !x.section(framePending) {
		x.damaged("there are no waiting events")
	}
	st.loadPending(x, units, m)
	x.end(false)
	if x.err == nil && !x.section(frameEnd) {
		x.damaged("it does not end")
	}
	x.end(false)
	if x.err != nil {
		return nil, Carried{}, x.err
	}
	return st, m.carried(), nil
}

func (w *snapshotWriter) unit(k unitKey, title string, n int) {
	w.text(k.rule)
	w.text(k.kind)
	w.bytes(k.meaning[:])
	w.text(title)
	w.len(n)
}

func (r *snapshotReader) unit() (k unitKey, title string, n int) {
	k.rule, k.kind = r.text(), r.text()
	for i := range k.meaning {
		k.meaning[i] = r.byte()
	}
	return k, r.text(), r.len()
}

// instant writes a time of an event in full.
func (w *snapshotWriter) instant(t time.Time) {
	w.bool(t.IsZero())
	w.int(t.Unix())
	w.len(t.Nanosecond())
}

func (r *snapshotReader) instant() time.Time {
	zero, s, ns := r.bool(), r.int(), r.len()
	if zero || r.err != nil {
		return time.Time{}
	}
	return time.Unix(s, int64(ns)).UTC()
}

func (e *engine) save(w *snapshotWriter) {
	w.bool(e.seen)
	w.int(e.latest)
	w.int(e.mark)
	w.uint(e.seq)
	w.bool(e.open)
	w.int(e.now)
	w.int(e.swept)
	s := &e.stats
	for _, a := range []Ahead{e.ahead(), s.Ahead} {
		w.instant(a.Time)
		w.text(a.EventID)
		w.source(&event.Source{Form: a.Source.Form, Table: a.Source.Table})
		w.text(a.File)
		w.int(int64(a.Line))
		w.int(a.Late)
	}
	for _, n := range s.counters() {
		w.int(*n)
	}
}

func (s *StreamStats) counters() []*int64 {
	return []*int64{&s.Late, &s.WithoutTime, &s.DecidedEarly, &s.EvictedGroups, &s.DroppedEvents, &s.CutKeys}
}

func (e *engine) load(r *snapshotReader) {
	e.seen = r.bool()
	marks := []int64{0, 0, 0, 0}
	r.times(marks[:2])
	e.seq, e.open = r.uint(), r.bool()
	r.times(marks[2:])
	e.latest, e.mark, e.now, e.swept = marks[0], marks[1], marks[2], marks[3]
	if e.seen && (e.latest == never || e.mark == never) {
		r.damaged("there were events without a time")
	}
	s := &e.stats
	for _, a := range []*Ahead{&e.head, &s.Ahead} {
		a.Time, a.EventID = r.instant(), r.text()
		if src := r.source(); src != nil {
			a.Source = *src
		}
		a.File, a.Line, a.Late = r.text(), int(r.int()), r.int()
	}
	for _, n := range s.counters() {
		*n = r.int()
	}
}

func (c *correlator) save(w *snapshotWriter) {
	if c.window != nil {
		w.int(c.window.from)
		w.int(c.window.to)
		w.int(c.window.end)
	}
	for g := c.groups.oldest; g != nil; g = g.newer {
		w.text(g.key())
		w.int(g.last)
		w.bool(g.dirty)
		g.state.save(c, g, w)
	}
}

func (c *correlator) load(r *snapshotReader, n int) {
	if c.window != nil {
		c.window.from, c.window.to, c.window.end = r.time(), r.time(), r.int()
	}
	before := int64(never)
	for ; n > 0 && r.err == nil; n-- {
		g := c.make()
		key := []byte(r.text())
		other, hash := c.groups.find(key)
		g.log.name(key, hash)
		g.last, g.dirty = r.time(), r.bool()
		if other != nil || g.last < before {
			r.damaged("groups out of order")
			return
		}
		before = g.last
		g.state.load(c, g, r)
		c.groups.insert(g)
		c.e.stats.Groups++
		if g.dirty {
			c.dirty = append(c.dirty, g)
			c.e.waiting.set(c.place)
		}
		if s, ok := g.state.(*increase); ok && s.waiting {
			c.window.groups = append(c.window.groups, g)
		}
		if c.groups.len() > c.e.opts.MaxGroups {
			c.evict()
		}
	}
}

// loadPending reads the events that wait.
func (st *Stream) loadPending(r *snapshotReader, units []any, m *moving) {
	type unit struct {
		known bool
		place uint64
	}
	orphans := map[unit]*onceKeeper{} // of units that are gone, now or before
	var rules map[unitKey]*program
	var before *pushed
	r.each(func() {
		p := &pushed{time: r.time(), seq: r.uint()}
		if before != nil && !(pendingHeap{before, p}).Less(0, 1) {
			r.damaged("waiting events out of order")
		}
		before = p
		r.each(func() {
			x := meeting{}
			inputs := -1
			if i := r.at(len(units)); r.err == nil {
				if x.c, _ = units[i].(*correlator); x.c != nil {
					inputs = len(x.c.spec.Inputs)
				}
			}
			x.o = r.occurrence(inputs)
			for range x.o.inputs {
				x.groups = append(x.groups, r.listOf())
			}
			if x.c != nil {
				p.meets = append(p.meets, x)
			}
		})
		r.each(func() {
			h := heldHit{time: p.time}
			by := unit{r.bool(), r.uint()}
			if by.known && by.place < uint64(len(units)) {
				h.once, _ = units[by.place].(*onceKeeper)
			}
			key, title, _ := r.unit()
			src := r.source()
			rec := event.Record{Time: r.instant(), ID: r.text()}
			id := r.text()
			text := r.text()
			h.key = r.text()
			if src == nil || r.err != nil {
				r.damaged("a hit without a source")
				return
			}
			if rec.Source = *src; rules == nil {
				rules = st.rules()
			}
			ev, err := decodeJSON([]byte(text))
			if err != nil {
				r.damaged("an event: %v", err)
				return
			}
			rec.Event = ev
			if h.hit = st.hitAgain(rules[key], rec); h.hit == nil {
				m.dropHit(key, title)
				return
			}
			h.hit.facts.id, h.rule = id, rules[key].rule
			if h.once == nil {
				if orphans[by] == nil {
					orphans[by] = st.engine.orphan(h.hit.Rule)
				}
				h.once = orphans[by]
			}
			p.held = append(p.held, h)
		})
		if len(p.meets) > 0 || len(p.held) > 0 {
			st.engine.pending = append(st.engine.pending, p)
		}
	})
}

// rules returns the rules of the set by what they mean.
func (st *Stream) rules() map[unitKey]*program {
	out := map[unitKey]*program{}
	ms := meanings{}
	for _, l := range st.rs.rules {
		for _, p := range l.programs {
			out[ms.rule(l.info, p.rule)] = p
		}
	}
	return out
}

// hitAgain makes the hit of a rule on an event that it is known to be true of.
func (st *Stream) hitAgain(p *program, rec event.Record) (h *Hit) {
	if p == nil {
		return nil
	}
	var err error
	defer recovered(&err)
	in, err := st.rs.incoming(rec)
	if err != nil {
		return nil
	}
	x := st.rs.hit(p, &in, new(facts))
	return &x
}
