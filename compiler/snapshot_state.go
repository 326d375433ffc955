package compiler

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// Times in a snapshot are within these bounds, so that lengths can be added.
const (
	minStreamTime = -1 << 62
	maxStreamTime = 1 << 62
)

func (w *snapshotWriter) source(p *event.Source) {
	if p == nil {
		w.uint(0)
		return
	}
	n, known := w.repeated.number(p)
	if w.uint(n + 1); !known {
		w.text(string(p.Form))
		w.text(p.Table)
	}
}

func (w *snapshotWriter) selections(p *[]string) {
	if p == nil {
		w.uint(0)
		return
	}
	n, known := w.repeated.number(p)
	if w.uint(n + 1); !known {
		w.list(*p)
	}
}

// repeated reads what is in a table, or follows in full: see table.
func repeated[T any](r *snapshotReader, read func() T) *T {
	n := r.uint()
	switch known := uint64(len(r.known)); {
	case n == 0 || r.err != nil:
		return nil
	case n >= 2 && n-2 < known:
		if p, ok := r.known[n-2].(*T); ok {
			return p
		}
		r.damaged("entry %d is of another kind", n-2)
		return nil
	case n > 1 && (n-2 > known || known >= maxTable):
		r.damaged("entry %d of %d", n-2, known)
		return nil
	}
	x := read()
	if n > 1 {
		r.known = append(r.known, &x)
	}
	return &x
}

func (r *snapshotReader) source() *event.Source {
	return repeated(r, func() event.Source { return event.Source{Form: event.Form(r.text()), Table: r.text()} })
}

func (r *snapshotReader) selections() *[]string { return repeated(r, r.list) }

func (w *snapshotWriter) num(n ir.Number) {
	if w.bool(n.IsInt); n.IsInt {
		w.int(n.Int)
	} else {
		w.uint(math.Float64bits(n.Float))
	}
}

func (r *snapshotReader) num() ir.Number {
	if r.bool() {
		return ir.Number{IsInt: true, Int: r.int()}
	}
	f := math.Float64frombits(r.uint())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.damaged("no number")
		return ir.Number{}
	}
	return ir.Number{Float: f}
}

// occurrence writes an event as a correlation sees it.
func (w *snapshotWriter) occurrence(o *occurrence) {
	w.int(o.time)
	w.text(o.id)
	w.source(o.source)
	if w.bool(o.event != nil); o.event != nil {
		w.kept(o.event)
	}
	w.len(len(o.inputs))
	for i := range o.inputs {
		m := &o.inputs[i]
		w.len(m.input)
		w.selections(m.selections)
		w.listOf(m.tuples)
		w.len(len(m.numbers()))
		for _, n := range m.numbers() {
			w.num(n)
		}
		w.len(len(m.fields()))
		for _, keys := range m.fields() {
			w.list(keys)
		}
	}
}

// kept writes what a window holds of an event.
func (w *snapshotWriter) kept(x any) {
	v, made := x.(keptValue)
	if w.bool(made); !made {
		w.event(x)
		return
	}
	w.json("MarshalJSON of what StreamOptions.Keep returned", func() any { return v.value })
}

// event writes an event as JSON.
func (w *snapshotWriter) event(x any) {
	w.json("an event", func() any { return jsonValue(x) })
}

// json writes a value that a caller's own code takes part in.
func (w *snapshotWriter) json(whose string, value func() any) {
	text, err := guardedJSON(whose, value)
	if err != nil {
		w.fail(err)
	}
	w.text(string(text))
}

func guardedJSON(whose string, value func() any) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = callbackError(whose, r)
		}
	}()
	return json.Marshal(value())
}

// maxSnapshotValues bounds the values of an event that a snapshot holds. Only
// what a Go program made has more, such as a map that is in itself.
const maxSnapshotValues = 1 << 22

// jsonValue turns an event of any Go types into what encoding/json writes. What
// is no number there is text; what is beyond the limits is null.
func jsonValue(x any) any {
	left := maxSnapshotValues
	return jsonPart(x, 0, &left)
}

func jsonPart(x any, depth int, left *int) any {
	if *left--; *left < 0 || depth >= maxValueDepth { // as deep as encoding/json reads
		return nil
	}
	switch x := plain(x).(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = jsonPart(v, depth+1, left)
		}
		return out
	case event.Object:
		out := map[string]any{}
		x.Keys(func(k string) bool {
			v, _ := x.Get(k)
			out[k] = jsonPart(v, depth+1, left)
			return *left >= 0
		})
		return out
	case []any:
		out := make([]any, len(x))
		for i, v := range x {
			out[i] = jsonPart(v, depth+1, left)
		}
		return out
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
		return x
	case json.Number:
		if !json.Valid([]byte(x)) {
			return string(x)
		}
		return x
	default:
		return x
	}
}

// occurrence reads an event of a correlation with so many inputs; of one that
// is not there any more, -1.
func (r *snapshotReader) occurrence(inputs int) *soleOccurrence {
	o := &soleOccurrence{}
	o.time, o.id, o.source = r.time(), r.text(), r.source()
	if r.bool() {
		o.event = r.kept()
	}
	n := r.len()
	if o.inputs = o.first[:0]; n == 0 {
		r.damaged("an event without a rule")
	}
	for ; n > 0 && r.err == nil; n-- {
		m := inputMatch{}
		if inputs < 0 {
			r.len()
		} else {
			m.input = r.at(inputs)
		}
		m.selections, m.tuples = r.selections(), r.listOf()
		var v inputValues
		r.each(func() { v.numbers = append(v.numbers, r.num()) })
		r.each(func() { v.fields = append(v.fields, r.list()) })
		if v.numbers != nil || v.fields != nil {
			m.values = &v
		}
		o.inputs = append(o.inputs, m)
	}
	return o
}

func (r *snapshotReader) kept() any {
	made, text := r.bool(), []byte(r.text())
	if r.err != nil {
		return nil
	}
	read := decodeJSON
	if made && r.decode != nil {
		read = r.decode
	}
	x, err := readKept(read, text)
	if err != nil {
		r.damaged("an event: %v", err)
	}
	if made {
		return keptValue{x}
	}
	return x
}

// readKept calls StreamOptions.Decode, which may panic.
func readKept(read func([]byte) (any, error), text []byte) (x any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = callbackError("StreamOptions.Decode", r)
		}
	}()
	return read(text)
}

func (w *snapshotWriter) entry(x entry) {
	w.occurrence(x.occurrence)
	if w.bool(x.some != nil); x.some != nil {
		w.len(len(*x.some))
		for _, i := range *x.some {
			w.len(i)
		}
	}
}

func (r *snapshotReader) entry(c *correlator) (x entry, ok bool) {
	x.occurrence = &r.occurrence(len(c.spec.Inputs)).occurrence
	if r.bool() {
		var some []int
		r.each(func() { some = append(some, r.at(len(x.inputs))) })
		if len(some) == 0 {
			r.damaged("an event of no input")
		}
		x.some = &some
	}
	return x, r.err == nil
}

func (w *snapshotWriter) entries(xs []entry) {
	w.len(len(xs))
	for _, x := range xs {
		w.entry(x)
	}
}

func (r *snapshotReader) entries(c *correlator) (xs []entry) {
	r.each(func() {
		if x, ok := r.entry(c); ok {
			xs = append(xs, x)
		}
	})
	return xs
}

// times reads times, each of which may be never.
func (r *snapshotReader) times(into []int64) {
	for i := range into {
		if into[i] = r.int(); into[i] != never && (into[i] < minStreamTime || into[i] > maxStreamTime) {
			r.damaged("the time %d", into[i])
		}
	}
}

func (w *snapshotWriter) times(ts []int64) {
	for _, t := range ts {
		w.int(t)
	}
}

func (s *windowState) save(c *correlator, g *group, w *snapshotWriter) {
	w.bool(g.begun)
	w.bool(g.raised)
	w.bool(g.sat)
	w.bool(g.before)
	w.bool(g.prevSat)
	w.int(g.last)
	w.int(s.prev)
	w.entries(s.entries(c, g))
	// What counts is counted again; what must outlast its events is written.
	switch a := s.of.(type) {
	case *occurring:
		w.times(a.last)
	case *chain:
		w.times(a.last)
		w.times(a.began.last)
	}
}

func (s *windowState) load(c *correlator, g *group, r *snapshotReader) {
	g.begun, g.raised, g.sat, g.before, g.prevSat = r.bool(), r.bool(), r.bool(), r.bool(), r.bool()
	if now := r.time(); now != g.last {
		r.damaged("a window of another time than its group's last event")
	}
	s.prev = r.time()
	r.each(func() {
		if x, ok := r.entry(c); ok {
			s.remember(c, g, x)
		}
	})
	switch a := s.of.(type) {
	case *occurring:
		r.times(a.last)
	case *chain:
		r.times(a.last)
		r.times(a.began.last)
	}
}

func (s *newValues) save(_ *correlator, _ *group, w *snapshotWriter) {
	w.bool(s.begun)
	w.int(s.now)
	w.len(s.atNow)
	w.len(s.kept)
	w.list(s.fresh)
	w.len(s.seen.len())
	for x := s.seen.oldest; x != nil; x = x.newer {
		w.text(x.key)
		w.int(x.value.at)
		w.int(x.value.before)
		w.bool(x.value.hasBefore)
		w.bool(x.value.raised)
	}
	w.len(s.history.len())
	for _, h := range s.history.all() {
		w.int(h.time)
		w.len(h.n)
	}
	w.len(len(s.current))
	for _, k := range slices.Sorted(maps.Keys(s.current)) {
		w.text(k)
		w.entries(s.current[k])
	}
}

func (s *newValues) load(c *correlator, _ *group, r *snapshotReader) {
	s.begun, s.now, s.atNow, s.kept, s.fresh = r.bool(), r.time(), r.count(), r.count(), r.list()
	r.each(func() {
		n, made := s.seen.touch(r.text())
		n.value = sighting{at: r.time(), before: r.time(), hasBefore: r.bool(), raised: r.bool()}
		if !made {
			r.damaged("a value twice")
		}
	})
	for s.seen.len() > c.e.opts.MaxGroupEvents {
		s.seen.remove(s.seen.oldest)
		c.e.stats.DroppedEvents++
	}
	r.each(func() {
		h := instantCount{r.time(), r.count()}
		s.total += h.n
		s.history.push(h)
	})
	r.each(func() {
		k := r.text()
		if s.current == nil {
			s.current = map[string][]entry{}
		}
		s.current[k] = r.entries(c)
	})
}

func (s *silence) save(_ *correlator, _ *group, w *snapshotWriter) {
	w.bool(s.begun)
	w.bool(s.before)
	w.bool(s.raised)
	w.int(s.now)
	w.int(s.prev)
	w.entries(s.here)
	w.entries(s.there)
}

func (s *silence) load(c *correlator, _ *group, r *snapshotReader) {
	s.begun, s.before, s.raised = r.bool(), r.bool(), r.bool()
	s.now, s.prev = r.time(), r.time()
	s.here, s.there = r.entries(c), r.entries(c)
}

func (w *snapshotWriter) set(keys map[string]struct{}) { w.list(slices.Sorted(maps.Keys(keys))) }

func (r *snapshotReader) set() map[string]struct{} {
	out := map[string]struct{}{}
	r.each(func() { out[r.text()] = struct{}{} })
	return out
}

func (s *increase) save(_ *correlator, _ *group, w *snapshotWriter) {
	w.bool(s.waiting)
	w.len(s.pieces.len())
	for _, p := range s.pieces.all() {
		w.int(p.index)
		w.len(p.n)
		if w.bool(p.tuples != nil); p.tuples != nil {
			w.set(p.tuples)
		}
	}
	w.entries(s.entries.all())
}

func (s *increase) load(c *correlator, _ *group, r *snapshotReader) {
	s.waiting = r.bool()
	r.each(func() {
		p := piece{index: r.int(), n: r.count()}
		if r.bool() {
			p.tuples = r.set()
		}
		s.pieces.push(p)
	})
	r.each(func() {
		if x, ok := r.entry(c); ok {
			s.remember(c, x)
		}
	})
}

func (s *summary) save(_ *correlator, _ *group, w *snapshotWriter) {
	w.len(s.n)
	w.int(s.first)
	w.int(s.last)
	for _, d := range s.distinct {
		w.set(d)
	}
}

func (s *summary) load(_ *correlator, _ *group, r *snapshotReader) {
	s.n, s.first, s.last = r.count(), r.time(), r.time()
	for i := range s.distinct {
		s.distinct[i] = r.set()
	}
}
