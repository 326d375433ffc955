package compiler

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// An eventLog holds a group's key and, behind it, the events of its window, as
// bytes: a group is then two pieces of memory in which the collector has nothing
// to look for, and what is looked at together stands together. The events stand
// one behind the other, from head on; where there is no room left behind the
// last, the next stand behind the key, in the place of those that are gone.
type eventLog struct {
	data   []byte // in use or not
	hash   uint32 // of the key
	keyLen uint32
	head   uint32 // where the first event begins, if there is one
	tail   uint32 // where the last one ends
	wrap   uint32 // where those end that go on behind the key; 0 if none do
	n      uint32 // events
}

// maxLogBytes bounds a log, which counts its bytes in 32 bits: beyond it the
// oldest events are forgotten as if there were MaxGroupEvents of them.
const maxLogBytes = 1 << 30

// name gives an empty log its key.
func (l *eventLog) name(key []byte, hash uint32) {
	l.data, l.hash, l.keyLen = slices.Clone(key), hash, uint32(len(key))
	l.head, l.tail = l.keyLen, l.keyLen
}

func (l *eventLog) key() []byte { return l.data[:l.keyLen] }

func (l *eventLog) len() int { return int(l.n) }

// size is what the key and the events take.
func (l *eventLog) size() int {
	if l.wrap == 0 {
		return int(l.keyLen + l.tail - l.head)
	}
	return int(l.wrap - l.head + l.tail)
}

// push adds an event of so many bytes, which are for the caller to write.
func (l *eventLog) push(n int) packed {
	if l.n == 0 {
		l.head, l.tail, l.wrap = l.keyLen, l.keyLen, 0
	}
	room := len(l.data) - int(l.tail)
	if l.wrap != 0 {
		room = int(l.head - l.tail)
	}
	if room < n {
		if l.wrap == 0 && int(l.head-l.keyLen) >= n {
			l.wrap, l.tail = l.tail, l.keyLen
		} else {
			l.makeRoom(n)
		}
	}
	from := l.tail
	l.tail += uint32(n)
	l.n++
	return packed(l.data[from:l.tail])
}

// pushPlain adds an event of which nothing is counted.
func (l *eventLog) pushPlain(time int64, common uint32, id string) {
	if low, high, ok := packUUID(id); ok {
		p := l.push(packedHead + uuidBytes)
		p.begin(time, common|packedUUID)
		putUUID(p[packedHead:], low, high)
		return
	}
	p := l.push(packedHead + len(id))
	p.begin(time, common)
	copy(p[packedHead:], id)
}

// makeRoom moves the events so that there is room behind the last: to where
// others are gone, or all to a larger place if that would not do for long.
func (l *eventLog) makeRoom(n int) {
	need := l.size() + n
	if gone := len(l.data) - l.size(); need > len(l.data) || gone < need/8 {
		l.move(need + need/8)
		return
	}
	var few [512]byte
	events := l.appendEvents(few[:0])
	copy(l.data[l.keyLen:], events)
	l.begin(len(events))
}

// move gives the log other memory, of at least so many bytes.
func (l *eventLog) move(size int) {
	data := l.appendEvents(append(slices.Grow([]byte(nil), size), l.key()...))
	l.begin(len(data) - int(l.keyLen))
	l.data = data[:cap(data)]
}

// begin notes that the events stand behind the key, in so many bytes.
func (l *eventLog) begin(n int) {
	l.head, l.tail, l.wrap = l.keyLen, l.keyLen+uint32(n), 0
}

// appendEvents appends the events in order.
func (l *eventLog) appendEvents(b []byte) []byte {
	if l.wrap == 0 {
		return append(b, l.data[l.head:l.tail]...)
	}
	return append(append(b, l.data[l.head:l.wrap]...), l.data[l.keyLen:l.tail]...)
}

// first returns the oldest event.
func (l *eventLog) first() packed { return l.at(l.head) }

// from returns the time of the oldest event.
func (l *eventLog) from() int64 { return int64(binary.LittleEndian.Uint64(l.data[l.head+4:])) }

func (l *eventLog) at(i uint32) packed {
	e := l.data[i:]
	return packed(e[:binary.LittleEndian.Uint32(e)])
}

// behind returns where the event behind the one at i begins.
func (l *eventLog) behind(i uint32, e packed) uint32 {
	if i += uint32(len(e)); i == l.wrap {
		return l.keyLen
	}
	return i
}

// minShrunkLog is the size from which a log gives back what it needs no more.
const minShrunkLog = 1 << 10

// pop removes the oldest event and returns it. It stays what it is until the
// next push.
func (l *eventLog) pop() packed {
	e := l.first()
	if l.head += uint32(len(e)); l.head == l.wrap {
		l.head, l.wrap = l.keyLen, 0
	}
	l.n--
	l.shrink()
	return e
}

// popBefore removes the events that are older than a time.
func (l *eventLog) popBefore(time int64) {
	for l.n > 0 {
		e := packed(l.data[l.head:][:packedHead])
		if e.time() >= time {
			break
		}
		head := l.head + binary.LittleEndian.Uint32(e)
		if head == l.wrap {
			head, l.wrap = l.keyLen, 0
		}
		l.head = head
		l.n--
	}
	l.shrink()
}

func (l *eventLog) shrink() {
	if len(l.data) > minShrunkLog {
		l.giveBack()
	}
}

func (l *eventLog) giveBack() {
	if l.size() < len(l.data)/4 {
		l.move(l.size() + l.size()/8)
	}
}

// all goes through the events from the oldest on.
func (l *eventLog) all() iter.Seq[packed] {
	return func(yield func(packed) bool) {
		at := l.head
		for range l.n {
			e := l.at(at)
			if !yield(e) {
				return
			}
			at = l.behind(at, e)
		}
	}
}

// has says whether an event of the log has the tuple.
func (l *eventLog) has(tuple []byte) bool {
	at := l.head
	for range l.n {
		e := l.at(at)
		for t := e.tuples(); len(t) > 0; {
			var text []byte
			if text, t = t.next(); string(text) == string(tuple) {
				return true
			}
		}
		at = l.behind(at, e)
	}
	return false
}

// packed is an event in a log: its size in 4 bytes, its time in 8, and in 4 what
// it has in common with many. Its id is the rest, a UUID's 16 bytes (packedUUID)
// or a text, but for what few events have in front of it: what is counted of them
// (packedCounted), which is their tuples, behind their size, and their numbers,
// behind how many there are; and (packedListed) a list of inputs, behind its
// length, each with the number of its origin or, behind a 0, the origin. Sizes and
// numbers of these are varints. What belongs to other groups only is left out.
type packed []byte

const packedHead = 4 + 8 + 4

// What events have in common: the number of an origin, then these, then the
// only input.
const (
	packedUUID       = 1 << 13
	packedCounted    = 1 << 14
	packedListed     = 1 << 15
	packedInputShift = 16
	maxPackedInput   = 1<<16 - 1
)

func (e packed) time() int64 { return int64(binary.LittleEndian.Uint64(e[4:])) }

func (e packed) common() uint32 { return binary.LittleEndian.Uint32(e[12:]) }

// begin writes all but what few have, and the id.
func (e packed) begin(time int64, common uint32) {
	binary.LittleEndian.PutUint32(e, uint32(len(e)))
	binary.LittleEndian.PutUint64(e[4:], uint64(time))
	binary.LittleEndian.PutUint32(e[12:], common)
}

func (e packed) tuples() texts {
	tuples, _ := e.cutTuples()
	return tuples
}

func (e packed) cutTuples() (tuples texts, rest []byte) {
	rest = e[packedHead:]
	if e.common()&packedCounted == 0 {
		return nil, rest
	}
	n, rest := cutUvarint(rest)
	return texts(rest[:n]), rest[n:]
}

const packedNumber = 1 + 8

func (e packed) cutNumbers() (numbers []byte, rest []byte) {
	_, rest = e.cutTuples()
	if e.common()&packedCounted == 0 {
		return nil, rest
	}
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
		if x := e.common(); x&packedListed == 0 {
			yield(int(x >> packedInputShift))
			return
		}
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

// common returns what an entry of one input, of which nothing is counted, has in
// common with others; ok is false for any other.
func (e *engine) common(x entry) (common uint32, ok bool) {
	m := &x.inputs[0]
	if len(x.inputs) > 1 || len(m.tuples) > 0 || m.values != nil || m.input > maxPackedInput || e.originOf(x, m) == 0 {
		return 0, false
	}
	return m.origin | uint32(m.input)<<packedInputShift, true
}

func (e *engine) originOf(x entry, m *inputMatch) uint32 {
	if m.origin == 0 {
		m.origin = e.origins.number(x.source, m.selections)
	}
	return m.origin
}

// pack makes of an event what the log of one of its groups holds. The result is
// valid until the next call.
func (e *engine) pack(x entry) packed {
	m := x.read()
	b := append(e.packing[:0], make([]byte, packedHead)...)
	common := uint32(0)
	if numbers := m.numbers(); len(m.tuples)+len(numbers) > 0 {
		common |= packedCounted
		b = appendUvarint(b, uint64(len(m.tuples)))
		b = append(b, m.tuples...)
		b = appendUvarint(b, uint64(len(numbers)))
		for _, n := range numbers {
			if n.IsInt {
				b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(n.Int))
			} else {
				b = binary.LittleEndian.AppendUint64(append(b, 0), math.Float64bits(n.Float))
			}
		}
	}
	if by := x.by(); len(by) == 1 && m.input <= maxPackedInput && e.originOf(x, m) != 0 {
		common |= m.origin | uint32(m.input)<<packedInputShift
	} else {
		common |= packedListed
		b = appendUvarint(b, uint64(len(by)))
		for _, i := range by {
			m := &x.inputs[i]
			b = appendUvarint(b, uint64(m.input))
			n := e.originOf(x, m)
			if b = appendUvarint(b, uint64(n)); n == 0 {
				b = origin{x.source, m.selections}.append(b)
			}
		}
	}
	if low, high, ok := packUUID(x.id); ok {
		common |= packedUUID
		b = append(b, make([]byte, uuidBytes)...)
		putUUID(b[len(b)-uuidBytes:], low, high)
	} else {
		b = append(b, x.id...)
	}
	e.packing = b
	packed(b).begin(x.time, common)
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
	add := func(input int, number uint32, from origin) {
		o.source, m.input, m.selections, m.origin = from.source, input, from.selections, number
		o.inputs = append(o.inputs, m)
		m = inputMatch{}
	}
	_, rest := p.cutNumbers()
	if x := p.common(); x&packedListed == 0 {
		number := x & (packedUUID - 1)
		add(int(x>>packedInputShift), number, e.origins.list[number-1])
	} else {
		var count uint64
		for count, rest = cutUvarint(rest); count > 0; count-- {
			var input, number uint64
			input, rest = cutUvarint(rest)
			number, rest = cutUvarint(rest)
			var from origin
			if number == 0 {
				from, rest = cutOrigin(rest)
			} else {
				from = e.origins.list[number-1]
			}
			add(int(input), uint32(number), from)
		}
	}
	if p.common()&packedUUID != 0 {
		o.id = uuidText(rest)
	} else {
		o.id = string(rest)
	}
	return entry{o, nil}
}
