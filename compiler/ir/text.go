package ir

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold maps each code point by Unicode's simple lower-case mapping, except that
// no non-ASCII code point becomes an ASCII one. Texts that are equal when folded
// are equal where Match.Cased is not set. It runs on each text that a rule reads
// of an event, most of which are folded already and are returned as they are.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return foldFrom(s, i)
		}
	}
	return s
}

func foldFrom(s string, i int) string {
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for _, r := range s[i:] {
		b.WriteRune(foldRune(r))
	}
	return b.String()
}

// AppendFold appends Fold(s) to b.
func AppendFold[Text string | []byte](b []byte, s Text) []byte {
	for i := 0; i < len(s); {
		from := i
		for i < len(s) && s[i] < utf8.RuneSelf {
			i++
		}
		at := len(b)
		b = slices.Grow(b, i-from)[:at+i-from]
		FoldASCII(b[at:], s[from:i])
		for i < len(s) && s[i] >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			b = utf8.AppendRune(b, foldRune(r))
			i += size
		}
	}
	return b
}

// FoldASCII writes Fold(s) to b, which is as long, and reports whether s was
// all ASCII; if it was not, b is of no use. b and s are apart or the same.
func FoldASCII[Text string | []byte](b []byte, s Text) bool {
	b = b[:len(s)]
	var all uint64
	if len(s) < 8 {
		for i := range b {
			all |= uint64(s[i])
			b[i] = lowered[s[i]]
		}
		return all < utf8.RuneSelf
	}
	// What was written is not read again: a text of eight bytes that is read
	// where sixteen were just written waits for these to reach the cache.
	last := len(s) - 8
	for i := 0; i < last; i += 8 {
		w := eight(s, i)
		all |= w
		binary.LittleEndian.PutUint64(b[i:], lowerEight(w))
	}
	w := eight(s, last) // again, what the one before has a part of
	binary.LittleEndian.PutUint64(b[last:], lowerEight(w))
	return (all|w)&^lowBits == 0
}

const lowBits = 0x7f7f7f7f7f7f7f7f

// eight returns eight bytes of a text.
func eight[Text string | []byte](s Text, at int) uint64 {
	t := s[at : at+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// lowerEight folds eight bytes.
func lowerEight(w uint64) uint64 {
	const ones = 0x0101010101010101
	// The high bit of a byte says that it is at least A, beyond Z.
	h := w & lowBits
	upper := (h + (0x80-'A')*ones) &^ (h + (0x80-'Z'-1)*ones) &^ w &^ lowBits
	return w | upper>>2
}

// HashASCII hashes a text without regard to the case of ASCII letters: texts that
// are equal when folded have one hash if all of them are ASCII. The two secrets,
// of which the second is odd, keep those who write texts from choosing many of
// one hash.
func HashASCII[Text string | []byte](secrets *[2]uint64, s Text) uint64 {
	h := hashEight(secrets[0], uint64(len(s)), secrets[1])
	if len(s) < 8 {
		var w uint64
		for i := range len(s) {
			w = w<<8 | uint64(lowered[s[i]])
		}
		return hashEight(h, w, secrets[1])
	}
	last := len(s) - 8
	for i := 0; i < last; i += 8 {
		h = hashEight(h, lowerEight(eight(s, i)), secrets[1])
	}
	return hashEight(h, lowerEight(eight(s, last)), secrets[1])
}

func hashEight(h, w, secret uint64) uint64 {
	high, low := bits.Mul64(h^w, secret)
	return high ^ low
}

// lowered folds bytes of ASCII; others stand as they are.
var lowered = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if l := unicode.ToLower(r); l >= utf8.RuneSelf {
		return l
	}
	return r
}

// FoldsTo reports whether Fold(s) is folded, which is a folded text.
func FoldsTo[Text, Folded string | []byte](s Text, folded Folded) bool {
	if len(s) >= 8 && len(s) == len(folded) {
		last := len(s) - 8
		for i := 0; ; i = min(i+8, last) {
			w, f := eight(s, i), eight(folded, i)
			if w&^lowBits != 0 {
				break // for what follows to look at
			}
			if w != f && lowerEight(w) != f {
				return false
			}
			if i == last {
				return true
			}
		}
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return Fold(string(s[i:])) == string(folded[i:])
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if i >= len(folded) || c != folded[i] {
			return false
		}
	}
	return len(s) == len(folded)
}

// NumberText reads text of the form that counts as a number, NumberTextForm,
// and refuses all other. Numbers of equal value are equal: an integer where
// int64 holds it.
func NumberText(s string) (Number, bool) {
	whole, fraction, hasFraction := strings.Cut(s, ".")
	if !isDigits(strings.TrimPrefix(whole, "-")) || hasFraction && !isDigits(fraction) {
		return Number{}, false
	}
	if !hasFraction { // 15 digits fit
		i, _ := strconv.ParseInt(s, 10, 64)
		return Number{IsInt: true, Int: i}, true
	}
	f, _ := strconv.ParseFloat(s, 64)
	if i := int64(f); float64(i) == f {
		return Number{IsInt: true, Int: i}, true
	}
	return Number{Float: f}, true
}

// NumberTextForm is the form of a text that counts as a number, as a regular
// expression of the whole text.
const NumberTextForm = `-?[0-9]{1,15}(\.[0-9]{1,15})?`

func isDigits(s string) bool {
	if len(s) < 1 || len(s) > 15 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
