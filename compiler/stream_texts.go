package compiler

import (
	"iter"
	"slices"
)

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
	if n := t[0]; n < 0x80 {
		return t[1 : 1+n], t[1+n:]
	}
	return t.longNext()
}

func (t texts) longNext() (text []byte, rest texts) {
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

// first returns the first so many, of which there are more.
func (t texts) first(n int) texts {
	rest := t
	for range n {
		_, rest = rest.next()
	}
	return slices.Clone(t[:len(t)-len(rest)])
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
