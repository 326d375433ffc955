package event

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeText returns the input as UTF-8 without a byte-order mark. UTF-16 is
// told by its mark, or, as no JSON or CSV starts with a zero byte, by one of
// its first two bytes being zero.
func decodeText(in io.Reader) io.Reader {
	b := bufio.NewReaderSize(in, windowStep)
	head, _ := b.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		b.Discard(3)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		b.Discard(2)
		return &utf16Reader{r: b, order: binary.LittleEndian}
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		b.Discard(2)
		return &utf16Reader{r: b, order: binary.BigEndian}
	case len(head) >= 2 && head[0] != 0 && head[1] == 0:
		return &utf16Reader{r: b, order: binary.LittleEndian}
	case len(head) >= 2 && head[0] == 0 && head[1] != 0:
		return &utf16Reader{r: b, order: binary.BigEndian}
	}
	return b
}

// utf16Reader turns UTF-16 into UTF-8. A lone surrogate becomes U+FFFD.
type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	out   []byte // not yet handed out
	high  rune   // a high surrogate that waits for its other half
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		raw, err := u.r.Peek(2)
		if len(raw) < 2 {
			if len(raw) == 1 && err == io.EOF {
				u.r.Discard(1)
				u.out = append(u.out[:0], "\uFFFD"...)
				break
			}
			if u.high != 0 {
				u.high = 0
				u.out = append(u.out[:0], "\uFFFD"...)
				break
			}
			return 0, err
		}
		raw, _ = u.r.Peek(min(max(2, u.r.Buffered()), 8192) &^ 1)
		u.out = u.out[:0]
		for i := 0; i < len(raw); i += 2 {
			u.unit(rune(u.order.Uint16(raw[i:])))
		}
		u.r.Discard(len(raw))
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) unit(c rune) {
	if u.high != 0 {
		c2 := utf16.DecodeRune(u.high, c)
		u.high = 0
		u.out = utf8.AppendRune(u.out, c2)
		if c2 != utf8.RuneError {
			return
		}
	}
	switch {
	case c >= 0xd800 && c < 0xdc00:
		u.high = c
	default:
		u.out = utf8.AppendRune(u.out, c) // a lone low surrogate becomes U+FFFD
	}
}
