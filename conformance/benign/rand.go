package benign

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// Dice is a source of chance for one purpose. Purposes have sources of their
// own, so that a change in one life leaves the others as they were.
type Dice struct{ *rand.Rand }

// NewDice returns the source of chance for a purpose; the same arguments give the
// same one.
func NewDice(seed uint64, purpose string, numbers ...int) Dice {
	h := fnv.New128a()
	h.Write([]byte(purpose))
	var b [8]byte
	for _, n := range numbers {
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	sum := h.Sum(nil)
	return Dice{rand.New(rand.NewPCG(seed^binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))}
}

func (d Dice) chance(p float64) bool { return d.Float64() < p }

// between returns a number from lo to hi, both possible.
func (d Dice) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// often turns a mean into a number: its whole part and, by chance, one more.
func (d Dice) often(mean float64) int {
	whole, rest := math.Modf(mean)
	n := int(whole)
	if d.chance(rest) {
		n++
	}
	return n
}

// GUID is an identifier as Microsoft's services write them.
func (d Dice) GUID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], d.Uint64())
	binary.LittleEndian.PutUint64(b[8:], d.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[:8], b[:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// Hex returns n digits.
func (d Dice) Hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[d.IntN(16)]
	}
	return string(b)
}

// within returns a duration below a bound, to the microsecond.
func (d Dice) within(bound time.Duration) time.Duration {
	return time.Duration(d.Int64N(int64(bound/time.Microsecond))) * time.Microsecond
}

// clock returns a time of day around hour, in hours, with a deviation.
func (d Dice) clock(hour, deviation float64) time.Duration {
	h := hour + d.NormFloat64()*deviation
	return time.Duration(min(max(h, 0), 23.95)*3600*1e6) * time.Microsecond
}

func pick[T any](d Dice, list []T) T { return list[d.IntN(len(list))] }
