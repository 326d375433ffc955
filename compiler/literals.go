package compiler

import (
	"bytes"
	"unicode/utf8"
)

// literalSet finds which of many literals stand in a text: anywhere, at its
// start or at its end. For literals anywhere it looks at the runs of a few
// bytes, grams, of the text: every literal is filed under grams that few others
// have. So a text is read once, whatever the number of literals, and what is
// found was compared whole.
type literalSet struct {
	literals []literal
	narrow   literalTables // of literals that are ASCII
	wide     literalTables // of others: no text that is ASCII has one
}

// literalTables file literals by how they are found.
type literalTables struct {
	single []singleLiteral // of one byte, and where there are few of a length
	pairs  *gramTable      // of literals of two and three bytes
	grams  *gramTable      // of longer ones
	starts *edgeTable
	ends   *edgeTable
}

// singleLiteral is a literal that is looked for by itself.
type singleLiteral struct {
	text   []byte
	number int32
}

type literal struct {
	text string
	next int32 // of those filed under the same edge, or -1
}

// fewLiterals is how many literals are better looked for one by one.
const fewLiterals = 2

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
	var counts [2]struct{ pairs, grams, shortest, starts, ends int }
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
			if c.grams == 0 || len(text) < c.shortest {
				c.shortest = len(text)
			}
			c.grams++
		case len(text) >= pairSize:
			c.pairs++
		}
	}
	for i, t := range []*literalTables{&s.narrow, &s.wide} {
		c := counts[i]
		if c.pairs > fewLiterals {
			t.pairs = newGramTable(pairSize, c.pairs, pairSize)
		}
		if c.grams > fewLiterals {
			t.grams = newGramTable(gramSize, c.grams, c.shortest)
		}
		t.starts, t.ends = newEdgeTable(c.starts), newEdgeTable(c.ends)
	}
	var filed *gramCounts
	if len(b.places) >= manyLiterals {
		filed = &gramCounts{}
	}
	for i, p := range b.places {
		number, text := int32(i), s.literals[i].text
		t := &s.narrow
		if wide[i] {
			t = &s.wide
		}
		switch {
		case p == atStart:
			t.starts.put(edge{startOf([]byte(text)), uint8(min(len(text), edgeSize))}, s, number)
		case p == atEnd:
			t.ends.put(edge{endOf([]byte(text)), uint8(min(len(text), edgeSize))}, s, number)
		case len(text) >= gramSize && t.grams != nil:
			at := rarestGrams(text, t.grams.stride, filed, common)
			if filed != nil && len(text) > gramSize {
				for k := range t.grams.stride {
					filed.add(gramOf(text[at+k:]))
				}
			}
			t.grams.put(text, number, int32(at))
		case len(text) >= pairSize && len(text) < gramSize && t.pairs != nil:
			t.pairs.put(text, number, 0)
		default:
			t.single = append(t.single, singleLiteral{[]byte(text), number})
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
	for i := range t.single {
		if l := &t.single[i]; bytes.Contains(text, l.text) && f(l.number) {
			return true
		}
	}
	return t.pairs.scan(text, f) || t.grams.scan(text, f) ||
		t.starts.find(s, text, startOf, atStart, f) || t.ends.find(s, text, endOf, atEnd, f)
}
