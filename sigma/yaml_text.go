package sigma

import (
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// at returns the place in the file of the byte at an offset of a scalar's
// text. It is exact for every character that is not blank, whatever the style
// of the scalar: plain, quoted with escapes, folded over lines, or a block.
func (l *loader) at(n *yaml.Node, offset int) Pos {
	n = resolve(n)
	if l.textOf != n {
		l.textOf, l.textPos = n, l.textPositions(n)
	}
	return l.textPos[min(max(offset, 0), len(l.textPos)-1)]
}

// textPositions aligns a scalar's text with its source: folding and escapes
// change blanks and spelling, but every other character of the text stands in
// the source in the same order. It returns a place for each byte, and one for
// the end.
func (l *loader) textPositions(n *yaml.Node) []Pos {
	out := make([]Pos, len(n.Value)+1)
	start := l.pos(n)
	s := source{lines: l.lines, line: start.Line - 1}
	if s.line < len(s.lines) {
		s.seek(start.Col)
	}
	s.skipProperties()
	style := n.Style
	switch {
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.nextLine()
	case style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		s.advance(1)
	}
	at := func(o int) { out[o] = s.pos() }
	lost := false
	for o, r := range n.Value {
		if style&yaml.DoubleQuotedStyle != 0 && s.peek() == '\\' && s.lastOfLine() {
			s.skipBlanks(true)
		}
		switch {
		case lost:
			out[o] = start
		case style&yaml.DoubleQuotedStyle != 0 && s.escape() > 0:
			at(o)
			s.advance(s.escape())
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			at(o)
			if s.peek() == r {
				s.advance(1)
			}
		default:
			s.skipBlanks(style&yaml.DoubleQuotedStyle != 0)
			at(o)
			if k := s.escape(); k > 0 && style&yaml.DoubleQuotedStyle != 0 {
				s.advance(k)
				break
			}
			if s.peek() != r {
				lost = true
				out[o] = start
				break
			}
			if r == '\'' && style&yaml.SingleQuotedStyle != 0 {
				s.advance(1)
			}
			s.advance(1)
		}
		// The other bytes of the character; text that no file holds may be
		// broken UTF-8.
		_, size := utf8.DecodeRuneInString(n.Value[o:])
		for k := 1; k < size; k++ {
			out[o+k] = out[o]
		}
	}
	if lost {
		out[len(n.Value)] = start
	} else {
		at(len(n.Value))
	}
	return out
}

// source is a cursor over the lines of a file.
type source struct {
	lines []string
	line  int // index
	off   int // bytes into the line
	col   int // characters into the line
}

func (s *source) pos() Pos { return Pos{s.line + 1, s.col + 1} }

func (s *source) end() bool { return s.line >= len(s.lines) }

// peek returns the character at the cursor, 0 at the end of a line.
func (s *source) peek() rune {
	if s.end() || s.off >= len(s.lines[s.line]) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(s.lines[s.line][s.off:])
	return r
}

// lastOfLine reports whether the cursor is at a line's last byte.
func (s *source) lastOfLine() bool { return !s.end() && s.off+1 == len(s.lines[s.line]) }

func (s *source) advance(n int) {
	for ; n > 0 && !s.end() && s.off < len(s.lines[s.line]); n-- {
		_, size := utf8.DecodeRuneInString(s.lines[s.line][s.off:])
		s.off += size
		s.col++
	}
}

func (s *source) seek(col int) {
	s.off, s.col = 0, 0
	s.advance(col - 1)
}

func (s *source) nextLine() {
	s.line++
	s.off, s.col = 0, 0
}

// skipProperties goes over the anchor and tag in front of a scalar.
func (s *source) skipProperties() {
	for s.peek() == '&' || s.peek() == '!' {
		for s.peek() != 0 && s.peek() != ' ' && s.peek() != '\t' {
			s.advance(1)
		}
		s.skipBlanks(false)
	}
}

// skipBlanks goes over blanks and line breaks, and with escaped over the
// backslash that hides a line break in double quotes.
func (s *source) skipBlanks(escaped bool) {
	for !s.end() {
		switch r := s.peek(); {
		case r == ' ' || r == '\t':
			s.advance(1)
		case r == 0:
			if s.line+1 >= len(s.lines) {
				return
			}
			s.nextLine()
		case escaped && r == '\\' && s.lastOfLine():
			s.nextLine()
		default:
			return
		}
	}
}

// escape returns the length of the escape at the cursor, or 0.
func (s *source) escape() int {
	if s.peek() != '\\' || s.off+1 >= len(s.lines[s.line]) {
		return 0
	}
	switch s.lines[s.line][s.off+1] {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}
