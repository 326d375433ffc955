package compiler

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// An eventLog holds a group's key and, behind it, the events of its window, as
// bytes one behind the other: a group is then two pieces of memory in which the
// collector has nothing to look for, and what is looked at together stands
// together.
type eventLog struct {
	data   []byte
	keyLen uint32
	head   uint32 // where the first event begins, if there is one
	n      uint32 // events
}

// maxLogBytes bounds a log, which counts its bytes in 32 bits: beyond it the
// oldest events are forgotten as if there were MaxGroupEvents of them.
const maxLogBytes = 1 << 30

// name gives an empty log its key.
func (l *eventLog) name(key []byte) {
	l.data, l.keyLen = append([]byte(nil), key...), uint32(len(key))
	l.head = l.keyLen
}

func (l *eventLog) key() []byte { return l.data[:l.keyLen] }

func (l *eventLog) len() int { return int(l.n) }

// push copies an event to the end.
func (l *eventLog) push(e packed) {
	if l.n == 0 {
		l.data, l.head = l.data[:l.keyLen], l.keyLen
	}
	if len(l.data)+len(e) > cap(l.data) {
		l.makeRoom(len(e))
	}
	l.data = append(l.data, e...)
	l.n++
}

// makeRoom moves the events to where others are gone, or all to a larger place
// if that would not do for long.
func (l *eventLog) makeRoom(n int) {
	gone := int(l.head - l.keyLen)
	if need := len(l.data) - gone + n; need > cap(l.data) || gone < need/8 {
		l.move(need + need/8)
		return
	}
	l.data = append(l.data[:l.keyLen], l.data[l.head:]...)
	l.head = l.keyLen
}

// move gives the log other memory, of about so many bytes.
func (l *eventLog) move(size int) {
	data := append(append(make([]byte, 0, size), l.key()...), l.data[l.head:]...)
	l.data, l.head = data, l.keyLen
}

// first returns the oldest event. It stays what it is when the event is popped,
// until the next push.
func (l *eventLog) first() packed { return l.at(l.head) }

func (l *eventLog) at(i uint32) packed {
	e := l.data[i:]
	return packed(e[:binary.LittleEndian.Uint32(e)])
}

// minShrunkLog is the size from which a log gives back what it needs no more.
const minShrunkLog = 1 << 10

// pop removes the oldest event, which is first.
func (l *eventLog) pop(first packed) {
	l.head += uint32(len(first))
	l.n--
	if used := len(l.data) - int(l.head); cap(l.data) > minShrunkLog && used+int(l.keyLen) < cap(l.data)/4 {
		l.move(int(l.keyLen) + used + used/8)
	}
}

// all goes through the events from the oldest on.
func (l *eventLog) all() iter.Seq[packed] {
	return func(yield func(packed) bool) {
		for i := l.head; int(i) < len(l.data); {
			e := l.at(i)
			if !yield(e) {
				return
			}
			i += uint32(len(e))
		}
	}
}

// has says whether an event of the log has the tuple.
func (l *eventLog) has(tuple []byte) bool {
	for i := l.head; int(i) < len(l.data); {
		e := l.at(i)
		for t := e.tuples(); len(t) > 0; {
			var text []byte
			if text, t = t.next(); string(text) == string(tuple) {
				return true
			}
		}
		i += uint32(len(e))
	}
	return false
}

// packed is an event in a log: its size in 4 bytes, its time in 8, its tuples,
// behind their size, its numbers, behind how many there are, and its inputs,
// likewise; its id is the rest. Lengths and places are varints. What belongs to
// other groups only is left out.
type packed []byte

const packedHead = 4 + 8

func (e packed) time() int64 { return int64(binary.LittleEndian.Uint64(e[4:])) }

func (e packed) tuples() texts {
	tuples, _ := e.cutTuples()
	return tuples
}

func (e packed) cutTuples() (tuples texts, rest []byte) {
	n, rest := cutUvarint(e[packedHead:])
	return texts(rest[:n]), rest[n:]
}

const packedNumber = 1 + 8

func (e packed) cutNumbers() (numbers []byte, rest []byte) {
	_, rest = e.cutTuples()
	n, rest := cutUvarint(rest)
	return rest[:n*packedNumber], rest[n*packedNumber:]
}

func (e packed) numbers() iter.Seq[ir.Number] {
	return func(yield func(ir.Number) bool) {
		for b, _ := e.cutNumbers(); len(b) > 0; b = b[packedNumber:] {
			bits := binary.LittleEndian.Uint64(b[1:])
			n := ir.Number{IsInt: true, Int: int64(bits)}
			if b[0] == 0 {
				n = ir.Number{Float: math.Float64frombits(bits)}
			}
			if !yield(n) {
				return
			}
		}
	}
}

// inputs goes through the places of the inputs that put the event in the group.
func (e packed) inputs() iter.Seq[int] {
	return func(yield func(int) bool) {
		_, rest := e.cutNumbers()
		n, rest := cutUvarint(rest)
		for ; n > 0; n-- {
			var input, origin uint64
			input, rest = cutUvarint(rest)
			if origin, rest = cutUvarint(rest); origin == 0 {
				_, rest = cutOrigin(rest)
			}
			if !yield(int(input)) {
				return
			}
		}
	}
}

func appendUvarint(b []byte, n uint64) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	return binary.AppendUvarint(b, n)
}

func cutUvarint(b []byte) (n uint64, rest []byte) {
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:]
	}
	n, size := binary.Uvarint(b)
	return n, b[size:]
}

// pack makes of an event what the log of one of its groups holds. The result is
// valid until the next call.
func (e *engine) pack(x entry) packed {
	m := x.read()
	b := append(e.packing[:0], make([]byte, packedHead)...)
	b = appendUvarint(b, uint64(len(m.tuples)))
	b = append(b, m.tuples...)
	numbers := m.numbers()
	b = appendUvarint(b, uint64(len(numbers)))
	for _, n := range numbers {
		if n.IsInt {
			b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(n.Int))
		} else {
			b = binary.LittleEndian.AppendUint64(append(b, 0), math.Float64bits(n.Float))
		}
	}
	by := x.by()
	b = appendUvarint(b, uint64(len(by)))
	for _, i := range by {
		m := &x.inputs[i]
		b = appendUvarint(b, uint64(m.input))
		if m.origin == 0 {
			m.origin = e.origins.number(x.source, m.selections)
		}
		if b = appendUvarint(b, uint64(m.origin)); m.origin == 0 {
			b = origin{x.source, m.selections}.append(b)
		}
	}
	b = append(b, x.id...)
	e.packing = b
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint64(b[4:], uint64(x.time))
	return b
}

// unpack is the inverse of pack. What was kept of the event is not in it.
func (e *engine) unpack(p packed) entry {
	o := &occurrence{time: p.time()}
	var m inputMatch
	for t := range p.tuples().all() {
		m.tuples = m.tuples.append(t)
	}
	for n := range p.numbers() {
		if m.values == nil {
			m.values = new(inputValues)
		}
		m.values.numbers = append(m.values.numbers, n)
	}
	_, rest := p.cutNumbers()
	count, rest := cutUvarint(rest)
	for ; count > 0; count-- {
		var input, number uint64
		input, rest = cutUvarint(rest)
		number, rest = cutUvarint(rest)
		var from origin
		if number == 0 {
			from, rest = cutOrigin(rest)
		} else {
			from = e.origins.list[number-1]
		}
		o.source, m.input, m.selections, m.origin = from.source, int(input), from.selections, uint32(number)
		o.inputs = append(o.inputs, m)
		m = inputMatch{}
	}
	o.id = string(rest)
	return entry{o, nil}
}

// origin is what an event of a log has in common with many: where it came from
// and which selections were true.
type origin struct {
	source     *event.Source
	selections *[]string
}

// origins numbers origins from 1.
type origins struct {
	list    []origin
	numbers map[string]uint32
	key     []byte
}

// The numbers of origins, and of bytes of one, that are remembered. Others
// stand in their events in full: who writes events may make them up.
const (
	maxOrigins     = 1 << 12
	maxOriginBytes = 1 << 10
)

// number returns the number of an origin, or 0.
func (o *origins) number(source *event.Source, selections *[]string) uint32 {
	x := origin{source, selections}
	o.key = x.append(o.key[:0])
	n, ok := o.numbers[string(o.key)]
	if ok || len(o.list) >= maxOrigins || len(o.key) > maxOriginBytes {
		return n
	}
	if o.numbers == nil {
		o.numbers = map[string]uint32{}
	}
	o.list = append(o.list, x)
	o.numbers[string(o.key)] = uint32(len(o.list))
	return uint32(len(o.list))
}

// append writes an origin in full.
func (o origin) append(b []byte) []byte {
	if o.source == nil {
		b = append(b, 0)
	} else {
		b = texts(append(b, 1)).append([]byte(o.source.Form))
		b = texts(b).append([]byte(o.source.Table))
	}
	if o.selections == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(*o.selections))+1)
	for _, s := range *o.selections {
		b = texts(b).append([]byte(s))
	}
	return b
}

func cutOrigin(b []byte) (o origin, rest []byte) {
	text := func() string {
		s, rest := texts(b).next()
		b = rest
		return string(s)
	}
	there := b[0] == 1
	if b = b[1:]; there {
		o.source = &event.Source{Form: event.Form(text()), Table: text()}
	}
	n, b := cutUvarint(b)
	if n > 0 {
		list := make([]string, n-1)
		for i := range list {
			list[i] = text()
		}
		o.selections = &list
	}
	return o, b
}

// texts are texts one behind the other, each behind its length.
type texts []byte

func (t texts) append(text []byte) texts {
	return append(appendUvarint(t, uint64(len(text))), text...)
}

// closed gives the last text its length, for which there is a byte at from.
func (t texts) closed(from int) texts {
	if n := len(t) - from - 1; n < 0x80 {
		t[from] = byte(n)
		return t
	}
	return t[:from].append(slices.Clone(t[from+1:]))
}

func (t texts) next() (text []byte, rest texts) {
	n, b := cutUvarint(t)
	return b[:n], texts(b[n:])
}

func (t texts) all() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := t; len(rest) > 0; {
			var text []byte
			if text, rest = rest.next(); !yield(text) {
				return
			}
		}
	}
}

func (t texts) len() (n int) {
	for rest := t; len(rest) > 0; n++ {
		_, rest = rest.next()
	}
	return n
}

func (t texts) strings() (list []string) {
	for s := range t.all() {
		list = append(list, string(s))
	}
	return list
}

func textsOf(list []string) (t texts) {
	for _, s := range list {
		t = t.append([]byte(s))
	}
	return t
}
