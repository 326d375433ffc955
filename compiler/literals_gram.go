package compiler

import (
	"encoding/binary"
	"math/bits"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// gramTable files literals under grams of one length. A nil table has none.
//
// Where all literals are long, each is filed under the grams at some places in a
// row, so many as stride says; then one of them stands at a multiple of stride
// wherever the literal stands, and of a text no other grams are looked at.
type gramTable struct {
	size   int
	stride int
	mask   uint64
	filter []uint64 // two bits of a word for each gram, to say no quickly
	slots  []gramSlot
	shift  uint32
	filed  []filedLiteral
}

type gramSlot struct {
	gram uint32
	// What stands behind the gram in all literals filed here: where mask has a
	// bit. It spares a look at them, which are elsewhere in memory.
	behind, mask uint32
	head         int32 // of filed, number + 1; 0: empty
}

// filedLiteral is a literal under one of its grams.
type filedLiteral struct {
	text   string
	number int32
	at     int32 // of the gram in text
	next   int32 // as gramSlot.head
}

// The hash of a gram: its high bits say where it is, the bits from filterLow and
// filterHigh on which bits are set of the filter's word that those from
// filterWord on lead to.
func hashGram(g uint64) uint64 { return g * 0x9E3779B97F4A7C15 }

const (
	filterLow  = 32
	filterHigh = 38
	filterWord = 44
)

// longLiteral is the length from which literals have longStride grams in a row,
// maxLongGrams how many grams may be filed for it.
const (
	longStride   = 4
	longLiteral  = gramSize + longStride - 1
	maxLongGrams = 1 << 14
)

// newGramTable makes a table for so many literals, none of which is shorter than
// shortest.
func newGramTable(size, count, shortest int) *gramTable {
	if count == 0 {
		return nil
	}
	t := &gramTable{size: size, stride: 1, mask: 1<<(8*size) - 1}
	if shortest >= longLiteral && longStride*count <= maxLongGrams {
		t.stride = longStride
	}
	count *= t.stride
	t.filed = make([]filedLiteral, 0, count)
	n := max(bits.Len(uint(2*count)), 3)
	t.shift = 64 - uint32(n)
	t.slots = make([]gramSlot, 1<<n)
	f := min(max(bits.Len(uint(16*count)), 10), 20)
	t.filter = make([]uint64, 1<<f/64)
	return t
}

// put files a literal under the grams from a place of it on.
func (t *gramTable) put(text string, number, at int32) {
	for k := range int32(t.stride) {
		t.file(filedLiteral{text: text, number: number, at: at + k})
	}
}

func (t *gramTable) file(l filedLiteral) {
	g := rawjson.Word(l.text[l.at:]) & t.mask
	h := hashGram(g)
	t.filter[h>>filterWord&uint64(len(t.filter)-1)] |= 1<<(h>>filterLow&63) | 1<<(h>>filterHigh&63)
	slot := t.slot(uint32(g), h)
	rest := l.text[min(int(l.at)+t.size, len(l.text)):]
	behind, mask := uint32(rawjson.Word(rest)), uint32(1<<(8*min(len(rest), gramSize))-1)
	if slot.head != 0 {
		mask &= slot.mask &^ (behind ^ slot.behind)
	}
	l.next = slot.head
	t.filed = append(t.filed, l)
	*slot = gramSlot{gram: uint32(g), behind: behind & mask, mask: mask, head: int32(len(t.filed))}
}

// slot returns where a gram is, or is to be.
func (t *gramTable) slot(g uint32, h uint64) *gramSlot {
	i := h >> t.shift
	for t.slots[i].head != 0 && t.slots[i].gram != g {
		i = (i + 1) & uint64(len(t.slots)-1)
	}
	return &t.slots[i]
}

func (t *gramTable) scan(text []byte, f func(n int32) bool) bool {
	if t == nil {
		return false
	}
	if t.stride > 1 {
		return t.leap(text, f)
	}
	filter, mask := t.filter, t.mask
	m := uint64(len(filter) - 1)
	for i := 0; i+t.size <= len(text); i += 4 {
		// Four grams at once; few are filed. Bytes behind the text's end are 0
		// here, and found sees that they are not in it. Word alone would take a
		// call at each place.
		var w uint64
		if i+8 <= len(text) {
			w = binary.LittleEndian.Uint64(text[i:])
		} else {
			w = rawjson.Word(text[i:])
		}
		a, b := hashGram(w&mask), hashGram(w>>8&mask)
		c, d := hashGram(w>>16&mask), hashGram(w>>24&mask)
		x, y, z, v := filter[a>>filterWord&m], filter[b>>filterWord&m], filter[c>>filterWord&m], filter[d>>filterWord&m]
		x = x >> (a >> filterLow & 63) & (x >> (a >> filterHigh & 63))
		y = y >> (b >> filterLow & 63) & (y >> (b >> filterHigh & 63))
		z = z >> (c >> filterLow & 63) & (z >> (c >> filterHigh & 63))
		v = v >> (d >> filterLow & 63) & (v >> (d >> filterHigh & 63))
		if (x|y|z|v)&1 == 0 {
			continue
		}
		if x&1 != 0 && t.found(text, i, uint32(w&mask), a, f) ||
			y&1 != 0 && t.found(text, i+1, uint32(w>>8&mask), b, f) ||
			z&1 != 0 && t.found(text, i+2, uint32(w>>16&mask), c, f) ||
			v&1 != 0 && t.found(text, i+3, uint32(w>>24&mask), d, f) {
			return true
		}
	}
	return false
}

// leap is scan for a stride.
func (t *gramTable) leap(text []byte, f func(n int32) bool) bool {
	filter := t.filter
	m := uint64(len(filter) - 1)
	for i := 0; i+gramSize <= len(text); i += longStride {
		g := binary.LittleEndian.Uint32(text[i:])
		h := hashGram(uint64(g))
		x := filter[h>>filterWord&m]
		if x>>(h>>filterLow&63)&(x>>(h>>filterHigh&63))&1 != 0 && t.found(text, i, g, h, f) {
			return true
		}
	}
	return false
}

// found compares the literals of the gram at a place of the text.
func (t *gramTable) found(text []byte, at int, g uint32, h uint64, f func(n int32) bool) bool {
	slot := t.slot(g, h)
	if slot.head == 0 || at+t.size > len(text) {
		return false
	}
	if rest := text[at+t.size:]; len(rest) >= gramSize && (binary.LittleEndian.Uint32(rest)^slot.behind)&slot.mask != 0 {
		return false
	}
	for n := slot.head; n != 0; n = t.filed[n-1].next {
		l := &t.filed[n-1]
		from := at - int(l.at)
		if from >= 0 && len(l.text) <= len(text)-from && string(text[from:from+len(l.text)]) == l.text && f(l.number) {
			return true
		}
	}
	return false
}

// manyLiterals is the number from which it is counted how many share a gram.
const manyLiterals = 64

// rarestGrams picks where the grams stand, so many in a row, that a literal is
// filed under.
func rarestGrams(text string, row int, filed, common *gramCounts) int {
	best, at := uint32(1<<31), 0
	for i := 0; i+gramSize+row-1 <= len(text); i++ {
		n := uint32(0)
		for k := range row {
			g := gramOf(text[i+k:])
			if filed != nil {
				n += 4 * filed.of(g)
			}
			if common != nil {
				n += common.of(g)
			}
		}
		if n < best {
			best, at = n, i
		}
	}
	return at
}

func gramOf(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// gramCounts says roughly how often grams were counted: different ones may be
// counted together.
type gramCounts [1 << 14]uint32

func (c *gramCounts) of(g uint32) uint32 { return c[hashGram(uint64(g))>>50] }
func (c *gramCounts) add(g uint32)       { c[hashGram(uint64(g))>>50]++ }

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
