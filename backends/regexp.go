package backends

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// writeRegexp prints a regular expression of Go's syntax in that of an engine,
// from its tree. The error says what the engine cannot say.
func writeRegexp(re ir.Regex, s *regexpSyntax) (string, error) {
	tree, err := syntax.Parse(string(re), syntax.Perl)
	if err != nil {
		return "", err
	}
	w := &regexpWriter{s: s}
	if s.anyCase != "" && foldsAll(tree) {
		w.b.WriteString(s.anyCase + ")")
		w.folded = true
	}
	w.write(tree, regexpAlternate)
	if w.err != nil {
		return "", w.err
	}
	out := w.b.String()
	if s.around != nil {
		out = s.around(out)
	}
	return out, nil
}

// How tightly an expression binds, loosest first.
const (
	regexpAlternate = iota
	regexpConcat
	regexpRepeat
)

type regexpWriter struct {
	s      *regexpSyntax
	b      strings.Builder
	folded bool // the flag for any case stands in front of all
	err    error
}

func (w *regexpWriter) grouped(write func()) {
	w.b.WriteString(w.s.group)
	write()
	w.b.WriteByte(')')
}

func (w *regexpWriter) write(re *syntax.Regexp, least int) {
	if w.s.unsupported != nil && w.err == nil {
		if what := w.s.unsupported(re); what != "" {
			w.err = fmt.Errorf("%s", what)
		}
	}
	switch re.Op {
	case syntax.OpNoMatch:
		w.b.WriteString(w.s.nothing)
	case syntax.OpEmptyMatch:
		w.b.WriteString(w.s.group + ")")
	case syntax.OpLiteral:
		fold := re.Flags&syntax.FoldCase != 0 && hasCase(re)
		if w.s.anyCase != "" && fold && !w.folded {
			w.b.WriteString(w.s.anyCase + ":" + w.s.quote(lowered(re.Rune)) + ")")
			return
		}
		if least == regexpRepeat && len(re.Rune) > 1 {
			w.grouped(func() { w.write(re, regexpConcat) })
			return
		}
		if w.s.anyCase != "" && fold {
			w.b.WriteString(w.s.quote(lowered(re.Rune)))
			return
		}
		for _, r := range re.Rune {
			w.char(r, fold)
		}
	case syntax.OpCharClass:
		w.class(re.Rune)
	case syntax.OpAnyCharNotNL:
		w.b.WriteString(`[^\n]`)
	case syntax.OpAnyChar:
		w.b.WriteString(w.s.anyChar)
	case syntax.OpBeginLine:
		w.b.WriteString(w.s.beginLine)
	case syntax.OpEndLine:
		w.b.WriteString(w.s.endLine)
	case syntax.OpBeginText:
		w.b.WriteString(w.s.beginText)
	case syntax.OpEndText:
		w.b.WriteString(w.s.endText)
	case syntax.OpWordBoundary:
		w.b.WriteString(w.s.boundary)
	case syntax.OpNoWordBoundary:
		w.b.WriteString(w.s.noBoundary)
	case syntax.OpCapture:
		w.write(re.Sub[0], least)
	case syntax.OpStar:
		w.repeat(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		w.repeat(re.Sub[0], 1, -1)
	case syntax.OpQuest:
		w.repeat(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		w.repeat(re.Sub[0], re.Min, re.Max)
	case syntax.OpConcat:
		if least > regexpConcat {
			w.grouped(func() { w.write(re, regexpConcat) })
			return
		}
		for _, sub := range re.Sub {
			w.write(sub, regexpConcat)
		}
	case syntax.OpAlternate:
		if least > regexpAlternate {
			w.grouped(func() { w.write(re, regexpAlternate) })
			return
		}
		for i, sub := range re.Sub {
			if i > 0 {
				w.b.WriteByte('|')
			}
			w.write(sub, regexpConcat)
		}
	default:
		w.err = fmt.Errorf("the regular expression %s", re)
	}
}

// repeat writes sub from min to max times, without end for -1.
func (w *regexpWriter) repeat(sub *syntax.Regexp, min, max int) {
	if zeroWidth(sub) { // which some engines do not repeat
		switch {
		case min > 0:
			w.write(sub, regexpConcat)
		default:
			w.b.WriteString(w.s.group + ")")
		}
		return
	}
	limit := w.s.maxRepeat
	if limit > 0 && (min > limit || max > limit) {
		w.grouped(func() {
			for min > limit {
				w.once(sub, limit, limit)
				min -= limit
				if max > 0 {
					max -= limit
				}
			}
			for max-min > limit {
				w.once(sub, 0, limit)
				max -= limit
			}
			if max > limit {
				w.once(sub, min, min)
				min, max = 0, max-min
			}
			w.once(sub, min, max)
		})
		return
	}
	w.once(sub, min, max)
}

func (w *regexpWriter) once(sub *syntax.Regexp, min, max int) {
	switch sub.Op {
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat, syntax.OpCapture:
		w.grouped(func() { w.write(sub, regexpAlternate) })
	default:
		w.write(sub, regexpRepeat)
	}
	switch {
	case min == 0 && max == -1:
		w.b.WriteByte('*')
	case min == 1 && max == -1:
		w.b.WriteByte('+')
	case min == 0 && max == 1:
		w.b.WriteByte('?')
	case max == -1:
		fmt.Fprintf(&w.b, "{%d,}", min)
	case min == max:
		fmt.Fprintf(&w.b, "{%d}", min)
	default:
		fmt.Fprintf(&w.b, "{%d,%d}", min, max)
	}
}

// zeroWidth reports whether an expression matches nothing but the empty text.
func zeroWidth(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	case syntax.OpConcat, syntax.OpAlternate, syntax.OpCapture, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		for _, sub := range re.Sub {
			if !zeroWidth(sub) {
				return false
			}
		}
		return true
	}
	return false
}

// char writes one character, in any case if fold.
func (w *regexpWriter) char(r rune, fold bool) {
	if fold {
		if forms := orbit(r); len(forms) > 1 {
			w.b.WriteByte('[')
			for _, f := range forms {
				w.b.WriteString(w.s.plain(f))
			}
			w.b.WriteByte(']')
			return
		}
	}
	w.b.WriteString(w.s.outside(r))
}

// findsInDecimal reports whether a regular expression could be found in the text
// form of a number. It may say so of one that cannot.
func findsInDecimal(re ir.Regex) bool {
	tree, err := syntax.Parse(string(re), syntax.Perl)
	return err != nil || fitsIn(tree, "-.0123456789")
}

func fitsIn(re *syntax.Regexp, alphabet string) bool {
	switch re.Op {
	case syntax.OpNoMatch:
		return false
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if !strings.ContainsRune(alphabet, r) {
				return false
			}
		}
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for _, c := range alphabet {
				if c >= re.Rune[i] && c <= re.Rune[i+1] {
					return true
				}
			}
		}
		return false
	case syntax.OpPlus, syntax.OpCapture:
		return fitsIn(re.Sub[0], alphabet)
	case syntax.OpRepeat:
		return re.Min == 0 || fitsIn(re.Sub[0], alphabet)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !fitsIn(sub, alphabet) {
				return false
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if fitsIn(sub, alphabet) {
				return true
			}
		}
		return false
	}
	return true
}
