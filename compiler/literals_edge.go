package compiler

import (
	"encoding/binary"
	"math/bits"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// edgeTable files literals under their first or last bytes. A nil table has
// none.
type edgeTable struct {
	sizes  []uint8 // that occur
	filter []uint64
	fshift uint32
	slots  []edgeSlot
	shift  uint32
}

// edge is up to eight bytes.
type edge struct {
	bytes uint64
	size  uint8
}

type edgeSlot struct {
	edge
	head int32 // number + 1; 0: empty
}

func newEdgeTable(count int) *edgeTable {
	if count == 0 {
		return nil
	}
	n := max(bits.Len(uint(2*count)), 3)
	f := max(bits.Len(uint(16*count)), 8)
	return &edgeTable{slots: make([]edgeSlot, 1<<n), shift: 64 - uint32(n), filter: make([]uint64, 1<<f/64), fshift: 64 - uint32(f) + 6}
}

// startOf returns up to eight bytes at the start, the first one lowest.
func startOf(b []byte) uint64 { return rawjson.Word(b) }

// endOf returns up to eight bytes at the end, the last one lowest.
func endOf(b []byte) uint64 {
	if len(b) >= edgeSize {
		return binary.BigEndian.Uint64(b[len(b)-edgeSize:])
	}
	var e uint64
	for _, c := range b {
		e = e<<8 | uint64(c)
	}
	return e
}

// cut keeps the first so many of the bytes, the lowest.
func (e edge) cut() edge {
	if e.size < edgeSize {
		e.bytes &= 1<<(8*e.size) - 1
	}
	return e
}

func (e edge) hash() uint64 { return (e.bytes + uint64(e.size)) * 0x9E3779B97F4A7C15 }

// bit returns where the filter has the bit of a hash.
func (t *edgeTable) bit(h uint64) (word *uint64, bit uint64) {
	return &t.filter[h>>t.fshift], 1 << (h >> (t.fshift - 6) & 63)
}

func (t *edgeTable) slot(e edge, h uint64) *edgeSlot {
	i := h >> t.shift
	for {
		s := &t.slots[i]
		if s.head == 0 || s.edge == e {
			return s
		}
		i = (i + 1) & uint64(len(t.slots)-1)
	}
}

func (t *edgeTable) put(e edge, s *literalSet, n int32) {
	known := false
	for _, size := range t.sizes {
		known = known || size == e.size
	}
	if !known {
		t.sizes = append(t.sizes, e.size)
	}
	h := e.hash()
	word, bit := t.bit(h)
	*word |= bit
	slot := t.slot(e, h)
	slot.edge = e
	s.literals[n].next = slot.head - 1
	slot.head = n + 1
}

func (t *edgeTable) find(s *literalSet, text []byte, of func([]byte) uint64, p whereabouts, f func(n int32) bool) bool {
	if t == nil {
		return false
	}
	bytes := of(text)
	for _, size := range t.sizes {
		if int(size) > len(text) {
			continue
		}
		e := edge{bytes, size}.cut()
		h := e.hash()
		if word, bit := t.bit(h); *word&bit == 0 {
			continue
		}
		for n := t.slot(e, h).head - 1; n >= 0; n = s.literals[n].next {
			l := s.literals[n].text
			if len(l) > len(text) {
				continue
			}
			part := text[:len(l)]
			if p == atEnd {
				part = text[len(text)-len(l):]
			}
			if string(part) == l && f(n) {
				return true
			}
		}
	}
	return false
}
