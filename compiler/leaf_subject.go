package compiler

import (
	"slices"

	"github.com/google/cel-go/common/types/ref"
)

// maxMatchCost bounds the work of one rule over one event: a step is about one
// value looked at or one comparison, 15 nanoseconds at most, so that the limit is
// about a second. Events of real logs take thousands of times less.
const maxMatchCost = 1 << 26

// A subject is what leaves look at: an event or an element of a list in it. It
// belongs to one goroutine.
type subject struct {
	value  any
	cursor *cursor
	// element says whose numbers slots and memo go by: those of fields and
	// leaves on elements, or on the event.
	element bool
	slots   []*yielded // by field.slot
	used    []*yielded
	memo    []uint32 // by leaf.id: round, then 1 where it is true
	round   uint32   // the event's, even; what has another is not known
	// texts are those of all leaves, if joined. See allTexts.
	texts              []byte
	joined, textsASCII bool
}

// yield returns what a field yields. The result is the subject's own.
func (s *subject) yield(f *field) *yielded {
	if f.slot < 0 || !s.cursor.keep {
		y := new(yielded)
		f.read(s.cursor, s.value, y)
		return y
	}
	y := s.slot(f)
	if !y.done || y.hasty && !s.cursor.hasty {
		y.hasty = f.leaves && s.cursor.hasty
		// An earlier try may have been given up half-way.
		y.scalars, y.present, y.object, y.keys = y.scalars[:0], false, false, nil
		f.read(s.cursor, s.value, y)
		y.done = s.cursor.cost >= 0
	}
	return y
}

// yieldMember is yield for a field that is what one key of the event holds, of
// which m is the only member.
func (s *subject) yieldMember(f *field, m *member) *yielded {
	if f.slot < 0 || !s.cursor.keep {
		return s.yield(f)
	}
	y := s.slot(f)
	if !y.done {
		y.scalars, y.present, y.object, y.keys = y.scalars[:0], false, false, nil
		if !s.cursor.spend(2) || !s.cursor.yieldValue(m.value, y) {
			return s.yield(f)
		}
		y.done = true
	}
	return y
}

// get is cursor.get of the subject's value.
func (s *subject) get(k *routeKey) (any, bool) {
	if c := s.cursor; c.top != nil && !s.element && c.numbers(k) {
		return c.top.get(c, k)
	}
	return s.cursor.get(s.value, k)
}

// foldedForms returns the folded text forms of the scalars, each once, in their
// order; nil where there are none.
func (y *yielded) foldedForms() []string {
	var out []string
	for i := range y.scalars {
		if len(out) > maxEventKeys {
			break // one more than is looked at
		}
		if k := y.scalars[i].foldedForm(); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func (s *subject) slot(f *field) *yielded {
	if f.slot >= len(s.slots) {
		s.slots = append(s.slots, make([]*yielded, f.slot+1-len(s.slots))...)
	}
	y := s.slots[f.slot]
	if y == nil {
		y = new(yielded)
		s.slots[f.slot] = y
	}
	if !y.used {
		y.used = true
		s.used = append(s.used, y)
	}
	return y
}

// elements returns the elements of the list at a field.
func (s *subject) elements(f *field) []*subject {
	if f.slot < 0 || !s.cursor.keep {
		return s.split(f)
	}
	y := s.slot(f)
	if !y.taken {
		y.elements = s.split(f)
		y.taken = s.cursor.cost >= 0
	}
	return y.elements
}

func (s *subject) split(f *field) []*subject {
	values := s.cursor.elements(s.value, f.route)
	if len(values) == 0 {
		return nil
	}
	subjects := make([]subject, len(values))
	out := make([]*subject, len(values))
	for i, v := range values {
		subjects[i] = subject{value: v, cursor: s.cursor, element: true}
		out[i] = &subjects[i]
	}
	return out
}

// holds says whether a leaf holds, remembering the answer.
func (s *subject) holds(l *leaf) bool {
	if l.id < 0 || !s.cursor.keep {
		return l.match(s)
	}
	if s.round == 0 {
		s.round = 2
	}
	if l.id >= len(s.memo) {
		s.memo = append(s.memo, make([]uint32, l.id+1-len(s.memo))...)
	}
	if m := s.memo[l.id]; m&^1 == s.round && m != 0 {
		return m&1 != 0
	}
	ok := l.match(s)
	if s.cursor.cost >= 0 {
		s.memo[l.id] = s.round | uint32(index(ok))
	}
	return ok
}

// maxKeptScalars bounds, in elements, what is kept as room for the next event:
// by a subject, a cursor and a stream.
const maxKeptScalars = 64

// reset makes the subject ready for another event and keeps its memory.
func (s *subject) reset(v any) {
	for _, y := range s.used {
		clear(y.scalars)
		if cap(y.scalars) > maxKeptScalars {
			y.scalars = nil
		}
		*y = yielded{scalars: y.scalars[:0]}
	}
	s.value, s.used = v, s.used[:0]
	s.forgetTexts()
	if s.round += 2; s.round == 0 {
		clear(s.memo)
		s.round = 2
	}
	c := s.cursor
	c.arena.reset()
	clear(c.json)
	clear(c.decoded)
	c.forget()
	c.raw.Reset()
	if cap(c.nodes) > maxKeptScalars {
		c.nodes = nil
	}
}

// kept is what a subject remembers of a field besides its scalars.
type kept struct {
	used, done, taken bool
	hasty             bool // in any order
	elements          []*subject
	list              ref.Val // elements as CEL sees them
}
