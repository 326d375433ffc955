package compiler

import (
	"bytes"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A wildcard is a pattern cut at its stars. The run in front must stand at the
// text's start, the one behind at its end; those between are found leftmost,
// one after the other, which never needs to be taken back. So matching takes
// time proportional to text × longest run, which is counted as it goes, and
// without ? to the text.
type wildcard struct {
	runs  []run // at least one; with n stars there are n+1
	stars bool
}

// run is literals and single wildcards without a star.
type run struct {
	bytes []byte // of a run without ?
	parts []ir.PatternPart
	ones  bool   // has a ?
	first []byte // literal in it, nil without one
	ahead int    // so many characters stand in front of that
}

func newWildcard(p ir.Pattern, form func(string) string) wildcard {
	w := wildcard{runs: []run{{}}}
	for _, part := range p {
		last := &w.runs[len(w.runs)-1]
		switch part.Kind {
		case ir.AnyRun:
			w.runs, w.stars = append(w.runs, run{}), true
		case ir.AnyOne:
			last.parts, last.ones = append(last.parts, part), true
			if last.first == nil {
				last.ahead++
			}
		default:
			part.Text = form(part.Text)
			last.bytes = append(last.bytes, part.Text...)
			last.parts = append(last.parts, part)
			if last.first == nil && part.Text != "" {
				last.first = []byte(part.Text)
			}
		}
	}
	return w
}

// match compares the whole text. It may be false because the limit of work was
// met.
func (w *wildcard) match(text []byte, c *cursor) bool {
	n := w.runs[0].prefix(text)
	if n < 0 {
		return false
	}
	if !w.stars {
		return n == len(text)
	}
	text = text[n:]
	last := &w.runs[len(w.runs)-1]
	if n = last.suffix(text); n < 0 {
		return false
	}
	text = text[:len(text)-n]
	for i := 1; i < len(w.runs)-1; i++ {
		end := w.runs[i].find(text, c)
		if end < 0 {
			return false
		}
		text = text[end:]
	}
	return true
}

// prefix returns the length of the run at the start of text, or -1.
func (r *run) prefix(text []byte) int {
	n, _ := r.tryPrefix(text)
	return n
}

// aPart is what a part of a run is besides the bytes that are compared.
const aPart = 32

// tryPrefix is prefix with the bytes that were compared.
func (r *run) tryPrefix(text []byte) (n, work int) {
	for _, p := range r.parts {
		work += aPart
		if p.Kind == ir.AnyOne {
			if n == len(text) {
				return -1, work
			}
			_, size := utf8.DecodeRune(text[n:])
			n += size
			continue
		}
		work += len(p.Text)
		if !startsWith(text[n:], p.Text) {
			return -1, work
		}
		n += len(p.Text)
	}
	return n, work
}

// suffix returns the length of the run at the end of text, or -1.
func (r *run) suffix(text []byte) int {
	n := len(text)
	for i := len(r.parts) - 1; i >= 0; i-- {
		p := r.parts[i]
		if p.Kind == ir.AnyOne {
			if n == 0 {
				return -1
			}
			_, size := utf8.DecodeLastRune(text[:n])
			n -= size
			continue
		}
		if !endsWith(text[:n], p.Text) {
			return -1
		}
		n -= len(p.Text)
	}
	return len(text) - n
}

// find returns where the leftmost run in text ends, or -1.
func (r *run) find(text []byte, c *cursor) int {
	if !r.ones {
		i := bytes.Index(text, r.bytes)
		if i < 0 {
			return -1
		}
		return i + len(r.bytes)
	}
	if r.first == nil {
		return r.prefix(text)
	}
	for at := 0; ; at++ {
		i := bytes.Index(text[at:], r.first)
		if i < 0 {
			return -1
		}
		at += i
		from := at
		for range r.ahead {
			_, size := utf8.DecodeLastRune(text[:from])
			from -= size
		}
		n, work := r.tryPrefix(text[from:])
		if n >= 0 {
			return from + n
		}
		if !c.spend(1 + len(r.first)/bytesAStep + r.ahead/4 + work/comparedAStep) {
			return -1
		}
	}
}

func startsWith(text []byte, s string) bool {
	return len(s) <= len(text) && string(text[:len(s)]) == s
}

func endsWith(text []byte, s string) bool {
	return len(s) <= len(text) && string(text[len(text)-len(s):]) == s
}
