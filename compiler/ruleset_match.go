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
	in    incoming // what came, for Match
	event *subject
	picks picks
	met   bitset // programs whose rules are true
	frame *interpreter.ExecutionFrame
	raw   rawjson.Doc // of an event that is raw JSON
	forms event.Detector
	// groups are those of sources met before, nil of such as no rule is for; last
	// is that of source, the last one.
	groups map[event.Source]*ruleGroup
	source event.Source
	last   *ruleGroup
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
// not change meanwhile nor, unless it is raw JSON, as long as its hits are asked
// (see Hit). An error says that the event could not be read, or that
// it is such that looking at it was given up, or what rules could not be
// evaluated over it (a *RuleError for each, joined); hits found are returned.
//
// A list is one event, not several: hand its elements over one by one.
func (rs *RuleSet) Match(ev any) (hits []Hit, err error) {
	defer recovered(&err)
	s := rs.scratch.Get().(*scratch)
	if err = rs.receive(&s.in, ev); err != nil {
		s.release(rs)
		return nil, err
	}
	return rs.hits(s)
}

// MatchAs is Match for an event whose source the caller knows.
func (rs *RuleSet) MatchAs(src event.Source, ev any) (hits []Hit, err error) {
	defer recovered(&err)
	s := rs.scratch.Get().(*scratch)
	s.in.take(ev)
	s.in.record.Source, s.in.state = src, told
	return rs.hits(s)
}

// hits returns the hits of all rules that have hits of their own, for the event
// that came into s, and gives s back.
func (rs *RuleSet) hits(s *scratch) (hits []Hit, err error) {
	var told []facts // one for each hit
	err = rs.matchIn(s, &s.in, func(p *program, s *scratch, in *incoming) {
		if p.quiet {
			return
		}
		if hits == nil {
			n := s.met.count()
			hits, told = make([]Hit, 0, n), make([]facts, n)
		}
		hits = append(hits, rs.hit(p, in, &told[len(hits)]))
		if m := rs.opts.Metrics; m != nil {
			m.Hit(p.loaded.info)
		}
	})
	s.release(rs)
	return hits, rs.withCallbacks(err)
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
	value  any          // what rules look at: the event, once it is open the one inside
	// data is raw JSON that need not be decoded: rules look at it where it
	// stands, and so does value. record has no event then.
	data  []byte
	state openness
	// identity is what its hits are told apart by; "" until somebody asks.
	identity string
	kept     *hitEvent // what hits keep of it
}

// openness says what is still to be done before rules look at an event.
type openness uint8

const (
	open   openness = iota // nothing
	told                   // the event may be inside a record; its source is known
	closed                 // its source is to be told too
)

// take reads an event, alone or in a record, that is still to be opened. Raw JSON
// stays as it is: look, or decode, reads it.
func (in *incoming) take(ev any) {
	*in = incoming{}
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
	in.of(in.record.Source)
	switch x := in.record.Event.(type) {
	case []byte:
		in.raw(x)
	case json.RawMessage:
		in.raw(x)
	default:
		in.value = plain(x)
	}
}

// of says what the event is, if that is known.
func (in *incoming) of(src event.Source) {
	in.record.Source, in.state = src, closed
	if src != (event.Source{}) {
		in.state = told
	}
}

func (in *incoming) raw(data []byte) {
	if data == nil {
		data = []byte{} // no bytes at all are no event either
	}
	in.data, in.record.Event = data, nil
}

var utf8BOM = []byte("\ufeff")

// decode reads what is still raw JSON.
func (in *incoming) decode() error {
	data := in.data
	if data == nil {
		return nil
	}
	in.data = nil
	if len(data) > event.MaxRecordBytes {
		return fmt.Errorf("the event has %d bytes, more than %d", len(data), event.MaxRecordBytes)
	}
	if data = bytes.TrimPrefix(data, utf8BOM); tooManyValues(data) {
		return errEventValues
	}
	v, err := decodeJSON(data)
	if err != nil {
		return fmt.Errorf("the event is no JSON: %w", err)
	}
	in.record.Event, in.value = v, plain(v)
	return nil
}

// tooManyValues says whether a JSON text has more values than an event may have.
func tooManyValues(data []byte) bool {
	if 1+bytes.Count(data, []byte(","))+bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) <= rawjson.MaxValues {
		return false // in strings or not
	}
	var d rawjson.Doc
	return d.Parse(data) == nil && d.Full()
}

// receive takes an event, and asks who says what events are
// (RuleSetOptions.Source), who is to see it decoded.
func (rs *RuleSet) receive(in *incoming, ev any) error {
	in.take(ev)
	if rs.opts.Source == nil {
		return nil
	}
	if err := in.decode(); err != nil {
		return err
	}
	if src, ok := rs.opts.Source(in.record.Event); ok {
		in.of(src)
	}
	return nil
}

// incoming reads an event and opens it.
func (rs *RuleSet) incoming(ev any) (in incoming, err error) {
	if err = rs.receive(&in, ev); err == nil {
		err = in.decode()
	}
	if err == nil {
		in.open()
	}
	return in, err
}

// open finds out what an event is, and the event inside a record.
func (in *incoming) open() {
	switch in.state {
	case told:
		in.value = event.Unwrap(in.value)
	case closed:
		in.value, in.record.Source, _ = event.Open(in.value)
	}
	in.state = open
}

// look makes an event the one in s, open, and returns the rules that it meets.
func (rs *RuleSet) look(s *scratch, in *incoming) (*ruleGroup, error) {
	if in.data != nil && len(in.data) <= event.MaxRecordBytes {
		data := bytes.TrimPrefix(in.data, utf8BOM)
		if v := s.raw.Parse(data); v != nil && rs.recognise(s, in, v) {
			if s.event.cursor.cost < 0 {
				return nil, ErrEventCost
			}
			in.value = v
			return s.group(rs, in.record.Source), nil
		} else if v == nil && s.raw.Full() {
			return nil, errEventValues // decoded it would take gigabytes
		}
	}
	if err := in.decode(); err != nil {
		return nil, err
	}
	if in.state == open || !rs.recognise(s, in, in.value) {
		in.open()
		s.event.reset(in.value)
	}
	return s.group(rs, in.record.Source), nil
}

// recognise is look for an event that is cheap to go through and is not inside a
// record; ok is false for any other.
func (rs *RuleSet) recognise(s *scratch, in *incoming, v any) bool {
	s.event.reset(v)
	c := s.event.cursor
	c.cost = rs.maxCost
	c.use(rs.leaves.published.Load(), nil)
	s.forms.Start(in.state == told)
	src, carries, ok := c.recognise(v, &s.forms)
	if !ok || carries {
		return false
	}
	if in.state == closed {
		in.record.Source = src
	}
	in.state = open
	return true
}

// maxKnownGroups bounds the sources that a scratch remembers the rules of.
const maxKnownGroups = 256

// group returns the rules that an event meets, or nil.
func (s *scratch) group(rs *RuleSet, src event.Source) *ruleGroup {
	switch {
	case src == (event.Source{}):
		return rs.any
	case src == s.source:
		return s.last
	}
	s.source, s.last = src, s.groupOf(rs, src)
	return s.last
}

func (s *scratch) groupOf(rs *RuleSet, src event.Source) *ruleGroup {
	if g, ok := s.groups[src]; ok {
		return g
	}
	g := rs.groups[event.Source{Form: src.Form, Table: foldName(src.Table)}]
	if s.groups == nil || len(s.groups) >= maxKnownGroups {
		s.groups = map[event.Source]*ruleGroup{}
	}
	s.groups[src] = g
	return g
}

var errEventValues = fmt.Errorf("the event has more than the limit of %d values", rawjson.MaxValues)

// ErrEventCost is of an event that looking at was given up: all rules together met
// the limit of work over it, or it could not be told which may be true of it.
var ErrEventCost = errors.New("the event is too large to be matched: the limit of work was met")

// match calls f with the rules that are true of an event, in their order.
func (rs *RuleSet) match(in *incoming, f func(p *program, s *scratch, in *incoming)) error {
	s := rs.scratch.Get().(*scratch)
	err := rs.matchIn(s, in, f)
	s.release(rs)
	return err
}

func (rs *RuleSet) matchIn(s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) error {
	g, err := rs.look(s, in)
	if err != nil {
		return err
	}
	return rs.matchOpen(g, s, in, f)
}

// matchOpen is match for the event that look made the one in s.
func (rs *RuleSet) matchOpen(g *ruleGroup, s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) error {
	if in.record.Source == (event.Source{}) {
		rs.unknown.Add(1)
	}
	switch {
	case g == nil:
		return nil
	case rs.opts.Metrics != nil:
		return rs.timedMatch(g, s, in, f)
	}
	return rs.matchGroup(g, s, in, f)
}

func (rs *RuleSet) matchGroup(g *ruleGroup, s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) error {
	some, err := rs.decide(g, s)
	if some {
		s.met.each(func(i int) {
			if failed := rs.tell(g.programs[i], s, in, f); failed != nil {
				err = errors.Join(err, failed)
			}
		})
	}
	return err
}

// release gives a scratch back.
func (s *scratch) release(rs *RuleSet) {
	s.in = incoming{}
	s.event.value = nil
	s.raw.Reset()
	rs.scratch.Put(s)
}

// decide sets s.met to the rules of a group that are true of the event in s, if
// there are some. An error does not undo what was found.
func (rs *RuleSet) decide(g *ruleGroup, s *scratch) (some bool, err error) {
	g.prepare(rs)
	c := s.event.cursor
	c.cost = rs.maxCost
	c.use(rs.leaves.published.Load(), s.event.value)
	c.hasty = true
	defer func() {
		c.hasty = false
		if s.frame != nil {
			s.frame.Close()
			s.frame = nil
		}
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
		return false, ErrEventCost
	}
	total, timed := 0, rs.opts.Metrics != nil
	for w, word := range s.picks[0] {
		for ; word != 0; word &= word - 1 {
			q := g.predicates[w*64+bits.TrailingZeros64(word)]
			if q.failed.Load() {
				continue
			}
			if s.frame == nil {
				if s.frame, err = interpreter.NewExecutionFrame(s); err != nil {
					return some, err
				}
			}
			budget := rs.budget(&q.costly)
			c.cost = budget
			var holds bool
			var failed error
			if timed {
				holds, failed = q.timedEval(rs, g, s)
			} else {
				holds, failed = q.eval(rs, s)
			}
			if failed != nil {
				err = errors.Join(err, rs.gaveUp(g, q, s.event.value, failed))
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
			if total += budget - c.cost; total > maxEventCost {
				return some, errors.Join(err, ErrEventCost)
			}
		}
	}
	return some, err
}

// eval evaluates a predicate over the event in s. failed says why it could not
// be.
func (q *predicate) eval(rs *RuleSet, s *scratch) (holds bool, failed error) {
	if err := q.prepare(rs); err != nil {
		return false, err
	}
	out, _, err := q.program.Eval(s.frame) // recovers from panics
	if s.event.cursor.cost < 0 {
		return false, ErrCost
	}
	return out == types.True, err
}

// tell calls f with a rule that is true. What f does is part of the rule's
// work, but a rule that f exhausts has had its hit.
func (rs *RuleSet) tell(p *program, s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) (err error) {
	l := p.loaded
	if l.failure.Load() != nil {
		return nil
	}
	c := s.event.cursor
	c.cost = rs.budget(&l.costly)
	defer func() {
		if r := recover(); r != nil {
			err = rs.fail(l, fmt.Errorf("%w: %v", errPanic, r), !hasObject(s.event.value))
		} else if c.cost < 0 {
			l.costly.Add(1)
			err = rs.fail(l, ErrCost, false)
		}
	}()
	f(p, s, in)
	return nil
}
