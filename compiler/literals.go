package compiler

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// literalSet finds which of many literals stand in a text: anywhere, at its
// start or at its end. For literals anywhere it looks at each run of a few
// bytes, a gram, of the text: every literal is filed under one of its grams,
// one that few others have. So a text is read once, whatever the number of
// literals, and what is found was compared whole.
type literalSet struct {
	literals []literal
	narrow   literalTables // of literals that are ASCII
	wide     literalTables // of others: no text that is ASCII has one
}

// literalTables file literals by how they are found.
type literalTables struct {
	bytes  []byteLiteral
	pairs  *gramTable // of literals of two and three bytes
	grams  *gramTable // of longer ones
	starts *edgeTable
	ends   *edgeTable
}

// byteLiteral is a literal of one byte.
type byteLiteral struct {
	byte   byte
	number int32
}

type literal struct {
	text string
	next int32 // of those filed under the same gram, or -1
	at   int32 // of the gram in text
}

// gramSize is the length of grams, pairSize that of those of shorter literals.
const (
	gramSize = 4
	pairSize = 2
)

// edgeSize is how many bytes at the edge of a text decide where to look.
const edgeSize = 8

// whereabouts say where in a text a literal must stand.
type whereabouts uint8

const (
	anywhere whereabouts = iota
	atStart
	atEnd
)

// literalBuilder collects literals; equal ones get one number.
type literalBuilder struct {
	set    literalSet
	places []whereabouts
	known  map[placedLiteral]int32
}

type placedLiteral struct {
	where whereabouts
	text  string
}

func newLiteralBuilder() *literalBuilder {
	return &literalBuilder{known: map[placedLiteral]int32{}}
}

// add returns the literal's number; it must not be empty.
func (b *literalBuilder) add(text string, p whereabouts) int32 {
	key := placedLiteral{p, text}
	if n, ok := b.known[key]; ok {
		return n
	}
	b.known[key] = b.append(text, p)
	return b.known[key]
}

func (b *literalBuilder) append(text string, p whereabouts) int32 {
	b.places = append(b.places, p)
	b.set.literals = append(b.set.literals, literal{text: text, next: -1})
	return int32(len(b.places)) - 1
}

// build files the literals. common says how common a gram is; nil for unknown.
func (b *literalBuilder) build(common *gramCounts) *literalSet {
	s := &b.set
	var wide []bool
	var counts [2]struct{ pairs, grams, starts, ends int }
	for i, p := range b.places {
		text := s.literals[i].text
		wide = append(wide, !isASCII(text))
		c := &counts[index(wide[i])]
		switch {
		case p == atStart:
			c.starts++
		case p == atEnd:
			c.ends++
		case len(text) >= gramSize:
			c.grams++
		case len(text) >= pairSize:
			c.pairs++
		}
	}
	for i, t := range []*literalTables{&s.narrow, &s.wide} {
		c := counts[i]
		t.pairs, t.grams = newGramTable(pairSize, c.pairs), newGramTable(gramSize, c.grams)
		t.starts, t.ends = newEdgeTable(c.starts), newEdgeTable(c.ends)
	}
	var filed *gramCounts
	if len(b.places) >= manyLiterals {
		filed = &gramCounts{}
	}
	for i, p := range b.places {
		l := &s.literals[i]
		t := &s.narrow
		if wide[i] {
			t = &s.wide
		}
		switch {
		case p == atStart:
			t.starts.put(edge{startOf([]byte(l.text)), uint8(min(len(l.text), edgeSize))}, s, int32(i))
		case p == atEnd:
			t.ends.put(edge{endOf([]byte(l.text)), uint8(min(len(l.text), edgeSize))}, s, int32(i))
		case len(l.text) >= gramSize:
			if len(l.text) > gramSize {
				l.at = int32(rarestGram(l.text, filed, common))
				if filed != nil {
					filed.add(gramOf(l.text[l.at:]))
				}
			}
			t.grams.put(s, int32(i))
		case len(l.text) >= pairSize:
			t.pairs.put(s, int32(i))
		default:
			t.bytes = append(t.bytes, byteLiteral{l.text[0], int32(i)})
		}
	}
	return s
}

func isASCII[Text string | []byte](s Text) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// manyLiterals is the number from which it is counted how many share a gram.
const manyLiterals = 64

// rarestGram picks where the gram stands that a literal is filed under.
func rarestGram(text string, filed, common *gramCounts) int {
	best, at := uint32(1<<31), 0
	for i := 0; i+gramSize <= len(text); i++ {
		g := gramOf(text[i:])
		n := uint32(0)
		if filed != nil {
			n = 4 * filed.of(g)
		}
		if common != nil {
			n += common.of(g)
		}
		if n < best {
			best, at = n, i
		}
	}
	return at
}

// each calls f with the number of every literal that stands in text, of one
// that stands there several times perhaps several times, until f says stop.
// ascii says that the text is ASCII for sure.
func (s *literalSet) each(text []byte, ascii bool, f func(n int32) (stop bool)) bool {
	return s.narrow.each(s, text, f) || !ascii && s.wide.each(s, text, f)
}

// any says whether one of the literals stands in text.
func (s *literalSet) any(text []byte, ascii bool) bool {
	return s.each(text, ascii, func(int32) bool { return true })
}

func (t *literalTables) each(s *literalSet, text []byte, f func(n int32) (stop bool)) bool {
	for _, b := range t.bytes {
		if bytes.IndexByte(text, b.byte) >= 0 && f(b.number) {
			return true
		}
	}
	return t.pairs.scan(s, text, f) || t.grams.scan(s, text, f) ||
		t.starts.find(s, text, startOf, atStart, f) || t.ends.find(s, text, endOf, atEnd, f)
}

// gramTable files literals under grams of one length. A nil table has none.
type gramTable struct {
	size   int
	mask   uint32
	filter []uint64 // two bits of a word for each hash, to say no quickly
	fshift uint32
	slots  []gramSlot
	shift  uint32
}

type gramSlot struct {
	gram uint32
	// What stands behind the gram in all literals filed here: where mask has a
	// bit. It spares a look at them, which are elsewhere in memory.
	behind, mask uint32
	head         int32 // -1: empty
}

// A gram times gramHash says where it is; the bits from filterLow and filterHigh
// on say which bits of its word in the filter are set.
const (
	gramHash   = 0x9E3779B1
	filterLow  = 6
	filterHigh = 12
)

func newGramTable(size, count int) *gramTable {
	if count == 0 {
		return nil
	}
	t := &gramTable{size: size, mask: uint32(1<<(8*size) - 1)}
	n := max(bits.Len(uint(2*count)), 3)
	t.shift = 32 - uint32(n)
	t.slots = make([]gramSlot, 1<<n)
	for i := range t.slots {
		t.slots[i].head = -1
	}
	f := min(max(bits.Len(uint(16*count)), 10), 20)
	t.fshift = 32 - uint32(f) + 6
	t.filter = make([]uint64, 1<<f/64)
	return t
}

func gramOf(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// gram returns the gram at the start of b, which may be short of four bytes.
func (t *gramTable) gram(b []byte) uint32 {
	if len(b) >= gramSize {
		return binary.LittleEndian.Uint32(b) & t.mask
	}
	var g uint32
	for i, c := range b {
		g |= uint32(c) << (8 * i)
	}
	return g & t.mask
}

func (t *gramTable) put(s *literalSet, n int32) {
	l := &s.literals[n]
	g := t.gram([]byte(l.text[l.at:]))
	h := g * gramHash
	t.filter[h>>t.fshift] |= 1<<(h>>filterLow&63) | 1<<(h>>filterHigh&63)
	i := h >> t.shift
	for t.slots[i].head >= 0 && t.slots[i].gram != g {
		i = (i + 1) & uint32(len(t.slots)-1)
	}
	slot := &t.slots[i]
	behind, mask := uint32(0), uint32(0)
	for k, c := range []byte(l.text[min(int(l.at)+t.size, len(l.text)):]) {
		if k < gramSize {
			behind |= uint32(c) << (8 * k)
			mask |= 0xff << (8 * k)
		}
	}
	if slot.head >= 0 {
		mask &= slot.mask &^ (behind ^ slot.behind)
	}
	l.next = slot.head
	*slot = gramSlot{gram: g, behind: behind & mask, mask: mask, head: n}
}

func (t *gramTable) scan(s *literalSet, text []byte, f func(n int32) bool) bool {
	if t == nil {
		return false
	}
	filter, fshift, mask := t.filter, t.fshift, t.mask
	i := 0
	for ; i+8 <= len(text); i += 4 {
		// Four grams at once; few are filed.
		w := binary.LittleEndian.Uint64(text[i:])
		a, b := uint32(w)&mask*gramHash, uint32(w>>8)&mask*gramHash
		c, d := uint32(w>>16)&mask*gramHash, uint32(w>>24)&mask*gramHash
		x, y, z, v := filter[a>>fshift], filter[b>>fshift], filter[c>>fshift], filter[d>>fshift]
		x = x >> (a >> filterLow & 63) & (x >> (a >> filterHigh & 63))
		y = y >> (b >> filterLow & 63) & (y >> (b >> filterHigh & 63))
		z = z >> (c >> filterLow & 63) & (z >> (c >> filterHigh & 63))
		v = v >> (d >> filterLow & 63) & (v >> (d >> filterHigh & 63))
		if (x|y|z|v)&1 == 0 {
			continue
		}
		if x&1 != 0 && t.found(s, text, i, uint32(w)&mask, f) ||
			y&1 != 0 && t.found(s, text, i+1, uint32(w>>8)&mask, f) ||
			z&1 != 0 && t.found(s, text, i+2, uint32(w>>16)&mask, f) ||
			v&1 != 0 && t.found(s, text, i+3, uint32(w>>24)&mask, f) {
			return true
		}
	}
	for ; i+t.size <= len(text); i++ {
		g := t.gram(text[i:])
		h := g * gramHash
		x := filter[h>>fshift]
		if x>>(h>>filterLow&63)&(x>>(h>>filterHigh&63))&1 != 0 && t.found(s, text, i, g, f) {
			return true
		}
	}
	return false
}

// found compares the literals of the gram at a place of the text.
func (t *gramTable) found(s *literalSet, text []byte, at int, g uint32, f func(n int32) bool) bool {
	i := g * gramHash >> t.shift
	for {
		slot := &t.slots[i]
		if slot.head < 0 {
			return false
		}
		if slot.gram == g {
			if rest := text[at+t.size:]; len(rest) >= gramSize && (binary.LittleEndian.Uint32(rest)^slot.behind)&slot.mask != 0 {
				return false
			}
			for n := slot.head; n >= 0; n = s.literals[n].next {
				l := &s.literals[n]
				from := at - int(l.at)
				if from >= 0 && len(l.text) <= len(text)-from && string(text[from:from+len(l.text)]) == l.text && f(n) {
					return true
				}
			}
			return false
		}
		i = (i + 1) & uint32(len(t.slots)-1)
	}
}

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
func startOf(b []byte) uint64 {
	if len(b) >= edgeSize {
		return binary.LittleEndian.Uint64(b)
	}
	var e uint64
	for i, c := range b {
		e |= uint64(c) << (8 * i)
	}
	return e
}

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

// gramCounts says roughly how often grams were counted: different ones may be
// counted together.
type gramCounts [1 << 14]uint32

func (c *gramCounts) of(g uint32) uint32 { return c[g*gramHash>>18] }
func (c *gramCounts) add(g uint32)       { c[g*gramHash>>18]++ }

// addAll counts the grams of a text.
func (c *gramCounts) addAll(text string) {
	for i := 0; i+gramSize <= len(text); i++ {
		c.add(gramOf(text[i:]))
	}
}

// rarest returns the count of the rarest gram of a text of at least four bytes.
func (c *gramCounts) rarest(text string) uint32 {
	best := ^uint32(0)
	for i := 0; i+gramSize <= len(text); i++ {
		best = min(best, c.of(gramOf(text[i:])))
	}
	return best
}
