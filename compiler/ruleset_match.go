package compiler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// scratch is what matching one event needs, used again for the next.
type scratch struct {
	event *subject
	picks picks
	met   bitset // programs whose rules are true
	frame *interpreter.ExecutionFrame
	raw   rawjson.Doc // of an event that is raw JSON
	forms event.Detector
}

// ResolveName and Parent make a scratch the activation of CEL programs.
func (s *scratch) ResolveName(name string) (any, bool) {
	if name == celEvent {
		return s.event, true
	}
	return nil, false
}

func (s *scratch) Parent() interpreter.Activation { return nil }

// Match returns the hits of all rules whose source the event is of, in the
// order of the rules. Rules that a correlation of the set refers to have none,
// unless one of these says generate: what their events mean together is for a
// Stream. ev is a map[string]any as encoding/json makes it, raw
// JSON ([]byte or json.RawMessage), an event.Object or an event.Record; it must
// not change meanwhile. An error says that the event could not be read, or that
// it is such that looking at it was given up; hits found before are returned.
func (rs *RuleSet) Match(ev any) (hits []Hit, err error) {
	defer recovered(&err)
	if data := rawBytes(ev); data != nil {
		return rs.matchRaw(data, event.Source{}, false)
	}
	in, err := rs.incoming(ev)
	if err != nil {
		return nil, err
	}
	return rs.hits(&in)
}

// rawBytes returns raw JSON as it was given, or nil.
func rawBytes(ev any) []byte {
	switch x := ev.(type) {
	case []byte:
		return x
	case json.RawMessage:
		return x
	}
	return nil
}

// matchRaw matches raw JSON, of a source if it is told. What rules ask for is
// read where it stands; the event is decoded only if there are hits.
func (rs *RuleSet) matchRaw(data []byte, src event.Source, told bool) (hits []Hit, err error) {
	if rs.opts.Source == nil || told {
		s := rs.scratch.Get().(*scratch)
		some, ok := rs.decideRaw(s, data, src, told, &err)
		s.release(rs)
		if ok && !some {
			return nil, err
		}
	}
	// There are hits, or what only decoding can tell.
	err = nil
	in, err := readIncoming(data)
	if err != nil {
		return nil, err
	}
	if told {
		in.value, in.record.Source = event.Unwrap(in.value), src
	} else {
		rs.tellSource(&in)
	}
	return rs.hits(&in)
}

// decideRaw says whether rules are true of raw JSON; ok is false where it must
// be decoded to tell.
func (rs *RuleSet) decideRaw(s *scratch, data []byte, src event.Source, told bool, err *error) (some, ok bool) {
	if len(data) > event.MaxRecordBytes {
		return false, false
	}
	v := s.raw.Parse(bytes.TrimPrefix(data, []byte("\ufeff")))
	if v == nil {
		return false, false
	}
	if src, ok = s.sourceOf(v, src, told); !ok {
		return false, false
	}
	g := rs.group(src)
	if g == nil {
		if src == (event.Source{}) {
			rs.unknown.Add(1)
		}
		return false, true
	}
	s.event.reset(v)
	if !s.raw.Odd() {
		s.event.text = data
	}
	if some, *err = rs.decide(g, s); !some && src == (event.Source{}) {
		rs.unknown.Add(1) // else counted with the hits
	}
	return some, true
}

// sourceOf is what raw JSON is, if it need not be decoded to tell.
func (s *scratch) sourceOf(v *rawjson.Value, src event.Source, told bool) (event.Source, bool) {
	found, _, ok := s.forms.Raw(v)
	if told {
		return src, ok
	}
	return found, ok
}

// release gives a scratch back.
func (s *scratch) release(rs *RuleSet) {
	s.event.value, s.event.text = nil, nil
	s.raw.Reset()
	rs.scratch.Put(s)
}

// hits returns the hits of all rules that have hits of their own.
func (rs *RuleSet) hits(in *incoming) (hits []Hit, err error) {
	err = rs.match(in, func(p *program, s *scratch, in *incoming) {
		if !rs.quiet[p.rule] {
			hits = append(hits, rs.hit(p, s, in))
		}
	})
	return hits, err
}

// MatchAs is Match for an event whose source the caller knows.
func (rs *RuleSet) MatchAs(src event.Source, ev any) (hits []Hit, err error) {
	defer recovered(&err)
	if data := rawBytes(ev); data != nil {
		return rs.matchRaw(data, src, true)
	}
	in, err := readIncoming(ev)
	if err != nil {
		return nil, err
	}
	in.value, in.record.Source = event.Unwrap(in.value), src
	return rs.hits(&in)
}

var errPanic = errors.New("internal error")

// recovered turns a panic, such as one of a caller's event.Object, into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errPanic, r)
	}
}

// incoming is an event with what is known of it.
type incoming struct {
	record event.Record // Event as it was given, decoded
	value  any          // what rules look at: the event, once its source is told the one inside
	// identity is what its hits are told apart by; "" until a hit asks.
	identity string
}

func readIncoming(ev any) (incoming, error) {
	var in incoming
	switch x := ev.(type) {
	case event.Record:
		in.record = x
	case *event.Record:
		if x != nil {
			in.record = *x
		}
	default:
		in.record.Event = ev
	}
	var data []byte
	raw := true // no bytes at all are no event either
	switch x := in.record.Event.(type) {
	case []byte:
		data = x
	case json.RawMessage:
		data = x
	default:
		raw = false
	}
	if raw {
		if len(data) > event.MaxRecordBytes {
			return in, fmt.Errorf("the event has %d bytes, more than %d", len(data), event.MaxRecordBytes)
		}
		v, err := decodeJSON(bytes.TrimPrefix(data, []byte("\ufeff")))
		if err != nil {
			return in, fmt.Errorf("the event is no JSON: %w", err)
		}
		in.record.Event = v
	}
	in.value = plain(in.record.Event)
	return in, nil
}

func (rs *RuleSet) incoming(ev any) (incoming, error) {
	in, err := readIncoming(ev)
	if err == nil {
		rs.tellSource(&in)
	}
	return in, err
}

// tellSource finds out what an event is.
func (rs *RuleSet) tellSource(in *incoming) {
	if rs.opts.Source != nil {
		if src, ok := rs.opts.Source(in.record.Event); ok {
			in.record.Source = src
		}
	}
	if in.record.Source != (event.Source{}) {
		in.value = event.Unwrap(in.value)
		return
	}
	in.value, in.record.Source, _ = event.Open(in.value)
}

// group returns the rules that an event meets, or nil.
func (rs *RuleSet) group(src event.Source) *ruleGroup {
	if src == (event.Source{}) {
		return rs.any
	}
	src.Table = foldName(src.Table)
	return rs.groups[src]
}

var errEventCost = errors.New("the event is too large to be matched: the limit of work was met")

// match calls f with the rules that are true of an event, in their order.
func (rs *RuleSet) match(in *incoming, f func(p *program, s *scratch, in *incoming)) error {
	if in.record.Source == (event.Source{}) {
		rs.unknown.Add(1)
	}
	g := rs.group(in.record.Source)
	if g == nil {
		return nil
	}
	s := rs.scratch.Get().(*scratch)
	s.event.reset(in.value)
	some, err := rs.decide(g, s)
	if some {
		s.met.each(func(i int) { rs.tell(g.programs[i], s, in, f) })
	}
	s.release(rs)
	return err
}

// decide sets s.met to the rules of a group that are true of the event in s, if
// there are some.
func (rs *RuleSet) decide(g *ruleGroup, s *scratch) (some bool, err error) {
	g.prepare(rs)
	c := s.event.cursor
	c.cost, c.names = rs.maxCost, rs.leaves.published.Load()
	if s.frame, err = interpreter.NewExecutionFrame(s); err != nil {
		return false, err
	}
	c.hasty = true
	defer func() {
		c.hasty = false
		s.frame.Close()
		s.frame = nil
	}()
	if g.index == nil {
		s.picks[0] = s.picks[0][:0]
		for i := range g.predicates {
			if i%64 == 0 {
				s.picks[0] = append(s.picks[0], 0)
			}
			s.picks[0].set(i)
		}
	} else if g.index.pick(s.event, &s.picks); c.cost < 0 {
		return false, errEventCost
	}
	total := 0
	for w, word := range s.picks[0] {
		for ; word != 0; word &= word - 1 {
			q := g.predicates[w*64+bits.TrailingZeros64(word)]
			if q.failed.Load() {
				continue
			}
			c.cost = rs.maxCost
			holds, failed := q.eval(rs, s)
			if failed != nil {
				q.failed.Store(true)
				for _, i := range q.programs {
					l := g.programs[i].loaded
					l.failure.CompareAndSwap(nil, &Disabled{&l.info, failed})
				}
			}
			if holds {
				if !some {
					some = true
					s.met = append(s.met[:0], make(bitset, (len(g.programs)+63)/64)...)
				}
				for _, i := range q.programs {
					s.met.set(int(i))
				}
			}
			if total += rs.maxCost - c.cost; total > maxEventCost {
				return some, errEventCost
			}
		}
	}
	return some, nil
}

// eval evaluates a predicate over the event in s. failed says why it must not
// be evaluated again.
func (q *predicate) eval(rs *RuleSet, s *scratch) (holds bool, failed error) {
	if err := q.prepare(rs); err != nil {
		return false, err
	}
	out, _, err := q.program.Eval(s.frame) // recovers from panics
	if s.event.cursor.cost < 0 {
		return false, errCost
	}
	return out == types.True, err
}

// tell calls f with a rule that is true. What f does is part of the rule's
// work, but a rule that f exhausts has had its hit.
func (rs *RuleSet) tell(p *program, s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) {
	l := p.loaded
	if l.failure.Load() != nil {
		return
	}
	c := s.event.cursor
	c.cost = rs.maxCost
	defer func() {
		var failed error
		if r := recover(); r != nil {
			failed = fmt.Errorf("%w: %v", errPanic, r)
		}
		if c.cost < 0 {
			failed = errCost
		}
		if failed != nil {
			l.failure.CompareAndSwap(nil, &Disabled{&l.info, failed})
		}
	}()
	f(p, s, in)
}
