package compiler

import (
	"slices"

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
	event  any           // if events are kept; a keptValue if it is of Keep
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

// carried is what the contribution of the occurrence carries.
func (o *occurrence) carried() any {
	if v, ok := o.event.(keptValue); ok {
		return v.value
	}
	return o.event
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

// meeting is an occurrence on its way to a correlation's groups. It is made by
// begin, which makes its memory serve again.
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

// begin makes it that of a tap and an event at a time, with what the correlation
// wants of the event. It says whether there is a group to put the event in.
func (m *meeting) begin(x *tapped, s *subject, time int64) bool {
	if m.o == nil {
		m.o = new(soleOccurrence)
	}
	o := m.o
	m.c, m.groups = x.c, nil
	o.time, o.id, o.source, o.event, o.inputs = time, "", nil, nil, o.first[:]
	m.keys = x.read(s, &o.first[0], m.keys[:0])
	return len(m.keys) > 0
}

// end lets go of what is not to be used again: only windows hold copies.
func (m *meeting) end() {
	if m.c == nil || !m.c.windowed || cap(m.o.first[0].tuples) > maxKeyBytes || m.o.event != nil {
		m.o = nil
	}
	if m.groups = nil; cap(m.keys) > maxKeyBytes {
		m.keys = nil
	}
}

// tapped is a tap made ready.
type tapped struct {
	c       *correlator
	input   int
	groupBy []*field
	plain   *routeKey // of groupBy, if that is one key at the top of the event
	counted []*field
	// straight is set of plain where the correlation counts events, is decided at
	// once and has no other tap of the same events: there is nothing to be noted.
	straight bool

	from   origin // of the last event
	number uint32 // of from
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
	if len(x.groupBy) == 1 && x.groupBy[0].isPlain() {
		x.plain = x.groupBy[0].route[0].key
	}
	x.counted, err = newFields(set, t.Counted)
	return x, err
}

// read takes from an event what the correlation wants of it, in m's memory, and
// adds the keys of the groups that it puts the event in to keys.
func (x *tapped) read(s *subject, m *inputMatch, keys texts) texts {
	m.input, m.selections, m.origin, m.tuples, m.values = x.input, nil, 0, m.tuples[:0], nil
	one, none := false, false
	if x.plain != nil {
		keys, one = s.appendShortKey(keys, x.plain)
	}
	if !one {
		keys, one, none = soleKey(keys, s, x.groupBy, true)
	}
	if none {
		return keys
	}
	var groups []string
	cut := false
	if !one {
		if groups, cut = groupKeys(keysOfAll(s, x.groupBy)); len(groups) == 0 {
			return keys
		}
	}
	if len(x.counted) > 0 {
		cut = x.count(s, m) || cut
	}
	if !one {
		var more bool
		groups, more = m.share(groups)
		keys, cut = append(keys, textsOf(groups)...), cut || more
	}
	if cut {
		x.c.e.stats.CutKeys++
	}
	return keys
}

// count takes from an event what the correlation counts. cut says that there was
// more than one event may have.
func (x *tapped) count(s *subject, m *inputMatch) (cut bool) {
	switch x.c.spec.Type {
	case sigma.ValueCount, sigma.NewValue, sigma.Increase:
		var one, none bool
		if m.tuples, one, none = soleKey(m.tuples, s, x.counted, false); !one && !none {
			var list []string
			list, cut = tupleKeys(keysOfAll(s, x.counted))
			m.tuples = textsOf(list)
		}
	case sigma.Summary:
		m.values = &inputValues{fields: keysOfAll(s, x.counted)}
		cut = m.values.cut(maxEventKeys)
	default:
		for _, f := range x.counted {
			y := s.yield(f)
			for i := range y.scalars {
				n, ok := y.scalars[i].number()
				if !ok {
					continue
				}
				if m.values == nil {
					m.values = new(inputValues)
				}
				if len(m.values.numbers) == maxEventKeys {
					return true
				}
				m.values.numbers = append(m.values.numbers, n)
			}
		}
	}
	return cut
}

// share bounds what an event adds to all of its groups together, of which each
// holds what is counted. It returns the groups that are left.
func (m *inputMatch) share(groups []string) (left []string, cut bool) {
	each := max(1, maxEventShares/len(groups))
	if m.tuples.len() > each {
		m.tuples, cut = m.tuples.first(each), true
	}
	counted := len(m.tuples)
	if m.values != nil {
		cut = m.values.cut(each) || cut
		counted += len(m.values.numbers) * packedNumber
	}
	size := 0
	for i, k := range groups {
		if size += len(k) + counted; size > maxEventBytes && i > 0 {
			return groups[:i], true
		}
	}
	return groups, cut
}

// cut leaves so many numbers, and keys of each field, and says whether there
// were more.
func (v *inputValues) cut(most int) (cut bool) {
	if cut = len(v.numbers) > most; cut {
		v.numbers = slices.Clone(v.numbers[:most])
	}
	for i, keys := range v.fields {
		if len(keys) > most {
			v.fields[i], cut = keys[:most], true
		}
	}
	return cut
}

// origin returns the number of where the last event came from, with the
// selections that were true.
func (x *tapped) origin(source *event.Source, selections *[]string) uint32 {
	if x.number != 0 && x.from.source == source && x.from.selections == selections {
		return x.number
	}
	return x.newOrigin(source, selections)
}

func (x *tapped) newOrigin(source *event.Source, selections *[]string) uint32 {
	x.from, x.number = origin{source, selections}, x.c.e.origins.number(source, selections)
	return x.number
}

func keysOfAll(s *subject, fields []*field) [][]string {
	parts := make([][]string, len(fields))
	for i, f := range fields {
		parts[i] = keysOf(s, f)
	}
	return parts
}

// soleKey adds the key where each field has one value: one says so. An absent
// part of a group is empty, as in groupKeys; of a tuple there is none then, as
// there is no group without any part.
func soleKey(keys texts, s *subject, fields []*field, group bool) (with texts, one, none bool) {
	from := len(keys)
	key := append([]byte(keys), 0) // room for the length
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
				return keys, false, true
			}
			absent++
			key = appendKeyPart(key, nil)
		case 1:
			text := y.scalars[0].form(false, s.cursor)
			if len(text) > maxKeyBytes {
				return keys, false, false
			}
			key = appendKeyPart(key, text)
		default:
			return keys, false, false
		}
	}
	if absent > 0 && absent == len(fields) {
		return keys, false, true
	}
	return texts(key).closed(from), true, false
}

// isShort says whether a text is as long as most users and addresses are: its
// length takes two digits, which are all that is in front of it in a key.
func isShort(text string) bool { return 10 <= len(text) && len(text) < 100 }

const shortKeyHead = len("10:")

// appendShortKey is soleKey of a field that is one key, where that holds a short
// text that is ASCII, as it stands. It takes a third of the time.
func (s *subject) appendShortKey(keys texts, k *routeKey) (with texts, ok bool) {
	v, _ := s.get(k)
	if text, ok := v.(string); ok && isShort(text) {
		n, from := len(text), len(keys)
		with = slices.Grow(keys, 1+shortKeyHead+n)[:from+1+shortKeyHead+n]
		key := with[from:]
		key[0], key[1], key[2], key[3] = byte(shortKeyHead+n), '0'+byte(n/10), '0'+byte(n%10), ':'
		if ir.FoldASCII(key[1+shortKeyHead:], text) {
			return with, true
		}
	}
	return keys, false
}

// appendSoleText adds the part of a key for a field with one text that is ASCII
// and stands in the event as it is; ok is false for all that yield is needed for.
func (s *subject) appendSoleText(key []byte, f *field) (with []byte, ok bool) {
	if !f.isPlain() {
		return key, false
	}
	v, _ := s.get(f.route[0].key)
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
	with = appendKeyLength(key, len(text))
	from := len(with)
	with = slices.Grow(with, len(text))[:from+len(text)]
	return with, ir.FoldASCII(with[from:], text)
}
