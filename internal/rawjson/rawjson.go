// Package rawjson finds the structure of a JSON text without decoding what is in
// it: strings and numbers stay the bytes they are until somebody asks. It takes
// what encoding/json takes, and where it is in doubt it refuses.
package rawjson

import (
	"encoding/binary"
	"math/bits"
)

// Kind is what a Value is.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	False
	True
	Number
	String
	List
	Object
)

// Value is a value in a text. It is valid until its Doc is reset.
type Value struct {
	Kind Kind
	// Escaped strings have backslashes in them, Wide ones bytes beyond ASCII;
	// likewise of the key.
	Escaped, Wide       bool
	KeyEscaped, KeyWide bool
	// Mark is the user's own, zero when the value is new.
	Mark int32
	// Text is a string without its quotes, or a number, as it stands.
	Text []byte
	// Key is that of an object's member, as Text.
	Key []byte
	// First is the first element or member of a list or object, Next the one
	// behind this one; nil if there is none.
	First, Next *Value
	// Inner is the user's own: what a string holds.
	Inner *Value
}

const (
	// maxDepth is encoding/json's.
	maxDepth = 10000
	// MaxValues bounds the values of a Doc.
	MaxValues = 1 << 20
	chunk     = 128
)

// Doc owns the values of texts. Their memory is used again after Reset. The
// zero Doc is ready. It is for one goroutine.
type Doc struct {
	// Limit bounds the values, about; MaxValues if it is 0. Tests lower it.
	Limit int

	chunks [][]Value
	used   int
	depth  int
	data   []byte
}

// keptChunks bounds what a Doc keeps for the next text.
const keptChunks = 32

// Reset forgets all values.
func (d *Doc) Reset() {
	if len(d.chunks) > keptChunks {
		d.chunks = d.chunks[:keptChunks:keptChunks]
	}
	for i := 0; i < len(d.chunks) && i*chunk < d.used; i++ {
		clear(d.chunks[i][:min(chunk, d.used-i*chunk)])
	}
	d.used, d.data = 0, nil
}

func (d *Doc) value() *Value {
	c, i := d.used/chunk, d.used%chunk
	if c == len(d.chunks) {
		if d.Full() {
			return nil
		}
		d.chunks = append(d.chunks, make([]Value, chunk))
	}
	d.used++
	return &d.chunks[c][i]
}

// Full says whether there is no room for further values: what is refused then
// may well be JSON.
func (d *Doc) Full() bool {
	limit := MaxValues
	if d.Limit > 0 {
		limit = d.Limit
	}
	return d.used >= limit
}

// Parse reads a text that is one JSON value with nothing but white space
// around it; nil if it is not, or is too large.
func (d *Doc) Parse(data []byte) *Value {
	d.data, d.depth = data, 0
	defer func() { d.data = nil }()
	v := d.value()
	if v == nil {
		return nil
	}
	if i := d.parse(v, skipSpace(data, 0)); i < 0 || skipSpace(data, i) != len(data) {
		return nil
	}
	return v
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// parse reads the value at i into v and returns where it ends, or -1.
func (d *Doc) parse(v *Value, i int) int {
	data := d.data
	if i >= len(data) {
		return -1
	}
	switch c := data[i]; c {
	case '"':
		v.Kind = String
		end, escaped, wide := scanString(data, i+1)
		if end < 0 {
			return -1
		}
		v.Text, v.Escaped, v.Wide = data[i+1:end], escaped, wide
		return end + 1
	case '{':
		return d.object(v, i)
	case '[':
		return d.list(v, i)
	case 't':
		v.Kind = True
		return word(data, i, "true")
	case 'f':
		v.Kind = False
		return word(data, i, "false")
	case 'n':
		return word(data, i, "null")
	default:
		v.Kind = Number
		end := scanNumber(data, i)
		if end >= 0 {
			v.Text = data[i:end]
		}
		return end
	}
}

func word(data []byte, i int, w string) int {
	if len(data)-i < len(w) || string(data[i:i+len(w)]) != w {
		return -1
	}
	return i + len(w)
}

func (d *Doc) object(v *Value, i int) int {
	v.Kind = Object
	if d.depth++; d.depth > maxDepth {
		return -1
	}
	data := d.data
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		d.depth--
		return i + 1
	}
	last := &v.First
	for {
		if i >= len(data) || data[i] != '"' {
			return -1
		}
		m := d.value()
		if m == nil {
			return -1
		}
		end, escaped, wide := scanString(data, i+1)
		if end < 0 {
			return -1
		}
		m.Key, m.KeyEscaped, m.KeyWide = data[i+1:end], escaped, wide
		i = end + 1
		if i < len(data) && data[i] != ':' {
			i = skipSpace(data, i)
		}
		if i >= len(data) || data[i] != ':' {
			return -1
		}
		if i++; i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i = d.parse(m, i); i < 0 {
			return -1
		}
		*last = m
		last = &m.Next
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i >= len(data) {
			return -1
		}
		switch data[i] {
		case ',':
			if i++; i < len(data) && data[i] <= ' ' {
				i = skipSpace(data, i)
			}
		case '}':
			d.depth--
			return i + 1
		default:
			return -1
		}
	}
}

func (d *Doc) list(v *Value, i int) int {
	v.Kind = List
	if d.depth++; d.depth > maxDepth {
		return -1
	}
	data := d.data
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == ']' {
		d.depth--
		return i + 1
	}
	last := &v.First
	for {
		m := d.value()
		if m == nil {
			return -1
		}
		if i = d.parse(m, i); i < 0 {
			return -1
		}
		*last = m
		last = &m.Next
		if i = skipSpace(data, i); i >= len(data) {
			return -1
		}
		switch data[i] {
		case ',':
			i = skipSpace(data, i+1)
		case ']':
			d.depth--
			return i + 1
		default:
			return -1
		}
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString returns where the quote behind the string is that begins at i, or
// -1 and whether there are escapes and bytes beyond ASCII in it.
func scanString(data []byte, i int) (end int, escaped, wide bool) {
	var high uint64
	for {
		// Eight bytes at a time, up to a quote, backslash or control character.
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			// The lowest marked byte is right; those above it may be wrong.
			stop := ((quote - ones) &^ quote) | ((slash - ones) &^ slash) | ((w - ones*' ') &^ w)
			if stop &= highs; stop != 0 {
				n := bits.TrailingZeros64(stop) / 8
				high |= w & (1<<(8*n) - 1)
				i += n
				break
			}
			high |= w
			i += 8
		}
		if i >= len(data) {
			return -1, false, false
		}
		switch c := data[i]; {
		case c == '"':
			return i, escaped, high&highs != 0
		case c == '\\':
			escaped = true
			if i+1 >= len(data) {
				return -1, false, false
			}
			switch data[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(data[i+2:]); !ok {
					return -1, false, false
				}
				i += 6
			default:
				return -1, false, false
			}
		case c < ' ':
			return -1, false, false
		default:
			high |= uint64(c)
			i++
		}
	}
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func digits(data []byte, i int) int {
	from := i
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

func scanNumber(data []byte, i int) int {
	if data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	default:
		if i = digits(data, i); i < 0 {
			return -1
		}
	}
	if i < len(data) && data[i] == '.' {
		if i = digits(data, i+1); i < 0 {
			return -1
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i = digits(data, i); i < 0 {
			return -1
		}
	}
	return i
}
