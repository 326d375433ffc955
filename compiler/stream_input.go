package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// occurrence is an event as one correlation sees it. It is what windows hold,
// so it is small.
type occurrence struct {
	time   int64
	id     string        // the event's or, of a chained correlation, of the inner hit
	source *event.Source // nil of an inner hit
	event  any           // if events are kept
	inputs []inputMatch  // by input
}

// soleOccurrence is an occurrence with room for its only input.
type soleOccurrence struct {
	occurrence
	first [1]inputMatch
}

// inputMatch is a referenced rule that the event matched, and what the event
// adds to a count or value by it.
type inputMatch struct {
	input      int
	selections *[]string
	tuples     []string // keys
	values     *inputValues
}

// inputValues are what few types look at.
type inputValues struct {
	numbers []ir.Number // canonical
	fields  [][]string  // each field's own keys, of a summary
}

func (m *inputMatch) numbers() []ir.Number {
	if m.values == nil {
		return nil
	}
	return m.values.numbers
}

func (m *inputMatch) fields() [][]string {
	if m.values == nil {
		return nil
	}
	return m.values.fields
}

// entry is an occurrence in one group.
type entry struct {
	*occurrence
	some *[]int // indexes of inputs, in order; nil for all of them
}

// by returns the indexes of the inputs that put the event in the group.
func (x entry) by() []int {
	switch n := len(x.inputs); {
	case x.some != nil:
		return *x.some
	case n <= len(countedPlaces):
		return countedPlaces[:n]
	default:
		return places(n)
	}
}

// countedPlaces are 0, 1, 2 and so on.
var countedPlaces = places(64)

func places(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// read is what the event adds by the first of the referenced rules that it
// matches in the group.
func (x entry) read() *inputMatch {
	if x.some != nil {
		return &x.inputs[(*x.some)[0]]
	}
	return &x.inputs[0]
}

// meeting is an occurrence on its way to a correlation's groups.
type meeting struct {
	c   *correlator
	o   *occurrence
	key string // of the only group, where groups is nil
	// groups are the keys of the groups that each input puts the event in, by
	// place in o.inputs.
	groups [][]string
}

// add puts a further input of the event in its place.
func (m *meeting) add(x inputMatch, keys []string) {
	if m.groups == nil {
		m.groups = [][]string{{m.key}}
	}
	at := len(m.o.inputs)
	for at > 0 && m.o.inputs[at-1].input > x.input {
		at--
	}
	m.o.inputs = slices.Insert(m.o.inputs, at, x)
	m.groups = slices.Insert(m.groups, at, slices.Clone(keys))
}

// newMeeting is the first input of an event.
func newMeeting(c *correlator, time int64, id string, x inputMatch, keys []string) meeting {
	o := &soleOccurrence{occurrence: occurrence{time: time, id: id}, first: [1]inputMatch{x}}
	o.inputs = o.first[:]
	if len(keys) == 1 {
		return meeting{c: c, o: &o.occurrence, key: keys[0]}
	}
	return meeting{c: c, o: &o.occurrence, groups: [][]string{keys}}
}

// tapped is a tap made ready.
type tapped struct {
	c       *correlator
	input   int
	groupBy []*field
	counted []*field
	keys    [1]string // of the last event, where it has one group
}

func newFields(set *leafSet, fields []ir.Field) ([]*field, error) {
	out := make([]*field, len(fields))
	for i, f := range fields {
		var err error
		if out[i], err = set.field(f, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tap makes a tap of an input ready.
func (c *correlator) tap(set *leafSet, input int, t ir.Tap) (*tapped, error) {
	x := &tapped{c: c, input: input}
	var err error
	if x.groupBy, err = newFields(set, t.GroupBy); err != nil {
		return nil, err
	}
	x.counted, err = newFields(set, t.Counted)
	return x, err
}

// read takes from an event what the correlation wants of it, and the keys of
// the groups that it puts the event in, which are valid until the next call.
func (x *tapped) read(s *subject) (m inputMatch, groups []string) {
	m.input = x.input
	var cut, more bool
	if key, one, none := x.c.e.soleKey(s, x.groupBy, true); one {
		g := x.c.groups.byKey[string(key)]
		if g != nil {
			x.keys[0] = g.key // no second copy
		} else {
			x.keys[0] = string(key)
		}
		groups = x.keys[:]
	} else if none {
		return m, nil
	} else {
		groups, cut = groupKeys(keysOfAll(s, x.groupBy))
	}
	if len(x.counted) > 0 && len(groups) > 0 {
		switch x.c.spec.Type {
		case sigma.ValueCount, sigma.NewValue, sigma.Increase:
			if key, one, none := x.c.e.soleKey(s, x.counted, false); one {
				m.tuples = []string{string(key)}
			} else if !none {
				m.tuples, more = tupleKeys(keysOfAll(s, x.counted))
			}
		case sigma.Summary:
			m.values = &inputValues{fields: keysOfAll(s, x.counted)}
		default:
			for _, f := range x.counted {
				y := s.yield(f)
				for i := range y.scalars {
					if n, ok := y.scalars[i].number(); ok {
						if m.values == nil {
							m.values = new(inputValues)
						}
						m.values.numbers = append(m.values.numbers, n)
					}
				}
			}
		}
	}
	if cut || more {
		x.c.e.stats.CutKeys++
	}
	return m, groups
}

func keysOfAll(s *subject, fields []*field) [][]string {
	parts := make([][]string, len(fields))
	for i, f := range fields {
		parts[i] = keysOf(s, f)
	}
	return parts
}

// soleKey makes the key where each field has one value: one says so. An absent
// part of a group is empty, as in groupKeys; of a tuple there is none then, as
// there is no group without any part. The key is valid until the next call.
func (e *engine) soleKey(s *subject, fields []*field, group bool) (key []byte, one, none bool) {
	key = e.key[:0]
	absent := 0
	for _, f := range fields {
		y := s.yield(f)
		switch len(y.scalars) {
		case 0:
			if !group {
				return nil, false, true
			}
			absent++
			key = appendKeyPart(key, nil)
		case 1:
			text := y.scalars[0].form(false, s.cursor)
			if len(text) > maxKeyBytes {
				return nil, false, false
			}
			key = appendKeyPart(key, text)
		default:
			return nil, false, false
		}
	}
	e.key = key
	if absent > 0 && absent == len(fields) {
		return nil, false, true
	}
	return key, true, false
}
