package compiler

import (
	"slices"
	"strconv"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/rawjson"
	"github.com/rulewright/rulewright/sigma"
)

// occurrence is an event as one correlation sees it.
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

// reset makes it ready for another event.
func (o *soleOccurrence) reset() {
	tuples := o.first[0].tuples[:0]
	if cap(tuples) > maxKeyBytes {
		tuples = nil
	}
	*o = soleOccurrence{}
	o.first[0].tuples = tuples
}

// inputMatch is a referenced rule that the event matched, and what the event
// adds to a count or value by it.
type inputMatch struct {
	input      int
	selections *[]string
	origin     uint32 // number of source and selections in engine.origins, if it is known
	tuples     texts  // keys
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
	c    *correlator
	o    *soleOccurrence
	keys texts // of the groups that the only input puts the event in, where groups is nil
	// groups are the keys of the groups that each input puts the event in, by
	// place in o.inputs.
	groups []texts
}

// add puts a further input of the event in its place.
func (m *meeting) add(x inputMatch, keys texts) {
	if m.groups == nil {
		m.groups = []texts{m.keys}
	}
	x.tuples = slices.Clone(x.tuples)
	at := len(m.o.inputs)
	for at > 0 && m.o.inputs[at-1].input > x.input {
		at--
	}
	m.o.inputs = slices.Insert(m.o.inputs, at, x)
	m.groups = slices.Insert(m.groups, at, slices.Clone(keys))
}

// begin makes a meeting, in its memory, that of an event's first input.
func (m *meeting) begin(c *correlator, time int64, id string, x inputMatch, keys texts) {
	o := c.e.newOccurrence(c)
	x.tuples = append(o.first[0].tuples[:0], x.tuples...)
	o.first[0] = x
	o.time, o.id, o.inputs = time, id, o.first[:]
	m.c, m.o, m.keys = c, o, append(m.keys[:0], keys...)
}

// newOccurrence returns an occurrence to be filled in. Windows hold copies, so
// that theirs serve again; see engine.done.
func (e *engine) newOccurrence(c *correlator) *soleOccurrence {
	n := len(e.spareOccurrences)
	if !c.windowed || n == 0 {
		return &soleOccurrence{}
	}
	o := e.spareOccurrences[n-1]
	e.spareOccurrences = e.spareOccurrences[:n-1]
	return o
}

// tapped is a tap made ready.
type tapped struct {
	c       *correlator
	input   int
	groupBy []*field
	counted []*field

	// Of the last event.
	keys, tuples texts
	from         origin
	number       uint32 // of from
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
// the groups that it puts the event in. Both are valid until the next call.
func (x *tapped) read(s *subject) (m inputMatch, keys texts) {
	m.input = x.input
	var cut, more bool
	x.keys, x.tuples = x.keys[:0], x.tuples[:0]
	if key, one, none := x.c.e.soleKey(s, x.groupBy, true); one {
		x.keys = x.keys.append(key)
	} else if none {
		return m, nil
	} else {
		var list []string
		list, cut = groupKeys(keysOfAll(s, x.groupBy))
		x.keys = textsOf(list)
	}
	if len(x.counted) > 0 && len(x.keys) > 0 {
		switch x.c.spec.Type {
		case sigma.ValueCount, sigma.NewValue, sigma.Increase:
			if key, one, none := x.c.e.soleKey(s, x.counted, false); one {
				x.tuples = x.tuples.append(key)
			} else if !none {
				var list []string
				list, more = tupleKeys(keysOfAll(s, x.counted))
				x.tuples = textsOf(list)
			}
			m.tuples = x.tuples
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
	return m, x.keys
}

// origin returns the number of where the last event came from, with the
// selections that were true.
func (x *tapped) origin(source *event.Source, selections *[]string) uint32 {
	if now := (origin{source, selections}); x.number == 0 || x.from != now {
		x.from, x.number = now, x.c.e.origins.number(source, selections)
	}
	return x.number
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
		if k, ok := s.appendSoleText(key, f); ok {
			key = k
			continue
		}
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
	if e.key = key; absent > 0 && absent == len(fields) {
		return nil, false, true
	}
	return key, true, false
}

// appendSoleText adds the part of a key for a field with one text that is ASCII
// and stands in the event as it is; ok is false for all that yield is needed for.
func (s *subject) appendSoleText(key []byte, f *field) (with []byte, ok bool) {
	if f.leaves || f.derive != nil || len(f.route) != 1 || !f.route[0].plain || !isObject(s.value) {
		return key, false
	}
	v, ok := s.cursor.get(s.value, f.route[0].key)
	if !ok {
		return key, false
	}
	switch v := v.(type) {
	case string:
		return appendASCIIPart(key, v)
	case *rawjson.Value:
		if v.Kind == rawjson.String && rawjson.Plain(v.Text, v.Escaped, v.Wide) {
			return appendASCIIPart(key, v.Text)
		}
	}
	return key, false
}

func appendASCIIPart[Text string | []byte](key []byte, text Text) (with []byte, ok bool) {
	if len(text) > maxKeyBytes {
		return key, false
	}
	with = append(strconv.AppendInt(key, int64(len(text)), 10), ':')
	from := len(with)
	with = slices.Grow(with, len(text))[:from+len(text)]
	return with, ir.FoldASCII(with[from:], text)
}
