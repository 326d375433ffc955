package backends

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// regexpSyntax is how an engine writes regular expressions. Printers ask only
// whether one is found, so greed and groups do not matter and are not written.
// A letter of any case is a class of its forms, or in the scope of a flag where
// an engine folds by it as Go does.
type regexpSyntax struct {
	beginText, endText   string
	beginLine, endLine   string
	boundary, noBoundary string              // of ASCII words
	anyChar              string              // also a line break
	nothing              string              // never matches
	group                string              // opens a group
	maxRepeat            int                 // 0: as Go's
	escape               func(r rune) string // a character that is not written as it is
	noNUL                bool
	anyCase              string              // the flag, in a group that begins with it or in front of all
	meta                 string              // what is escaped outside classes; "": as in classes
	around               func(string) string // makes a search of what the engine anchors; nil: it searches
	unsupported          func(*syntax.Regexp) string
}

// hexEscape writes \x{…}, which RE2, Java and Oniguruma know.
func hexEscape(r rune) string { return fmt.Sprintf(`\x{%x}`, r) }

// re2Syntax is RE2's, and that of Go's regexp.
var re2Syntax = &regexpSyntax{
	beginText: `\A`, endText: `\z`, beginLine: `(?m:^)`, endLine: `(?m:$)`, boundary: `\b`, noBoundary: `\B`,
	anyChar: `(?s:.)`, nothing: `[^\x00-\x{10FFFF}]`, group: `(?:`, escape: hexEscape,
}

// kqlSyntax is Kusto's. Its classes \d, \w and \s are of Unicode and those of a
// rule of ASCII, which is why they are never written.
var kqlSyntax = &regexpSyntax{
	beginText: `\A`, endText: `\z`, beginLine: `(?m:^)`, endLine: `(?m:$)`, boundary: `\b`, noBoundary: `\B`,
	anyChar: `(?s:.)`, nothing: `[^\x00-\x{10FFFF}]`, group: `(?:`, anyCase: `(?i`, meta: `\.+*?()|[]{}^$`,
	escape: func(r rune) string {
		switch r {
		case '\n':
			return `\n`
		case '\r':
			return `\r`
		case '\t':
			return `\t`
		}
		return hexEscape(r)
	},
}

const (
	wordBefore, wordAfter     = `(?<=[0-9A-Za-z_])`, `(?=[0-9A-Za-z_])`
	noWordBefore, noWordAfter = `(?<![0-9A-Za-z_])`, `(?![0-9A-Za-z_])`
)

// lookaroundBoundary are word boundaries in an engine that has other words.
const (
	lookaroundBoundary   = `(?:` + wordBefore + noWordAfter + `|` + noWordBefore + wordAfter + `)`
	lookaroundNoBoundary = `(?:` + wordBefore + wordAfter + `|` + noWordBefore + noWordAfter + `)`
)

// postgresSyntax is PostgreSQL's advanced regular expressions.
var postgresSyntax = &regexpSyntax{
	beginText: `\A`, endText: `\Z`, beginLine: `(?:\A|(?<=\n))`, endLine: `(?:\Z|(?=\n))`, boundary: lookaroundBoundary, noBoundary: lookaroundNoBoundary,
	anyChar: `.`, nothing: `(?!x)x`, group: `(?:`, maxRepeat: 255, noNUL: true,
	escape: func(r rune) string {
		if r > 0xFFFF {
			return fmt.Sprintf(`\U%08X`, r)
		}
		return fmt.Sprintf(`\u%04X`, r)
	},
}

// javaSyntax is that of java.util.regex, whose lines end at more than a line feed
// and whose words have letters outside ASCII.
var javaSyntax = &regexpSyntax{
	beginText: `\A`, endText: `\z`, beginLine: `(?:\A|(?<=\n))`, endLine: `(?:\z|(?=\n))`, boundary: lookaroundBoundary, noBoundary: lookaroundNoBoundary,
	anyChar: `(?s:.)`, nothing: `(?!x)x`, group: `(?:`, escape: hexEscape,
}

// snowflakeSyntax has no groups that do not capture, no look-around and no flag
// for a part; the search is told that a dot is any character.
var snowflakeSyntax = &regexpSyntax{
	beginText: `^`, endText: `$`, anyChar: `.`, nothing: `$x`, group: `(`, escape: func(r rune) string { return string(r) },
	unsupported: func(re *syntax.Regexp) string {
		switch re.Op {
		case syntax.OpBeginLine, syntax.OpEndLine:
			return "the start or end of a line in a regular expression"
		case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			return "a word boundary in a regular expression"
		}
		return ""
	},
}

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

// outside writes a character outside a class.
func (s *regexpSyntax) outside(r rune) string {
	switch {
	case s.meta == "":
		return s.plain(r)
	case strings.ContainsRune(s.meta, r):
		return `\` + string(r)
	case r == '\n' || r == '\r' || r == '\t':
		return s.escape(r)
	}
	return string(r)
}

// quote writes a text so that it stands for itself.
func (s *regexpSyntax) quote(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(s.outside(r))
	}
	return b.String()
}

// lowered is a text with its letters in lower case, which is how people write
// what means any case.
func lowered(runes []rune) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); slices.Contains(orbit(r), l) {
			return l
		}
		return r
	}, string(runes))
}

// hasCase reports whether a literal has a letter of another case.
func hasCase(re *syntax.Regexp) bool {
	return slices.ContainsFunc(re.Rune, func(r rune) bool { return unicode.SimpleFold(r) != r })
}

// foldsAll reports whether an expression means the same where case is ignored in
// all of it, and has something to ignore it in.
func foldsAll(re *syntax.Regexp) bool {
	any := false
	var same func(re *syntax.Regexp) bool
	same = func(re *syntax.Regexp) bool {
		switch re.Op {
		case syntax.OpLiteral:
			if !hasCase(re) {
				return true
			}
			any = true
			return re.Flags&syntax.FoldCase != 0
		case syntax.OpCharClass:
			return foldsClass(re.Rune)
		}
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !same(sub) })
	}
	return same(re) && any
}

// foldsClass reports whether a class has every case of its letters, as far as
// it takes few steps to tell.
func foldsClass(pairs []rune) bool {
	if len(pairs) > 0 && pairs[0] == 0 && pairs[len(pairs)-1] == unicode.MaxRune {
		pairs = complement(pairs)
	}
	in := func(r rune) bool {
		for i := 0; i < len(pairs); i += 2 {
			if r >= pairs[i] && r <= pairs[i+1] {
				return true
			}
		}
		return false
	}
	const most = 1000
	steps := 0
	for i := 0; i < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if steps++; steps > most {
				return false
			}
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				if !in(f) {
					return false
				}
			}
		}
	}
	return true
}

// orbit are the forms of a letter under simple folding, in order.
func orbit(r rune) []rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	forms := []rune{least}
	for f := unicode.SimpleFold(least); f != least; f = unicode.SimpleFold(f) {
		forms = append(forms, f)
	}
	return forms
}

// plain writes a character so that it stands for itself, in a class and outside.
func (s *regexpSyntax) plain(r rune) string {
	switch {
	case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '_', r == ' ', r == '/', r == ':', r == ',', r == ';', r == '=', r == '"', r == '\'', r == '%', r == '@', r == '!', r == '<', r == '>':
		return string(r)
	case r > ' ' && r < utf8.RuneSelf-1:
		return `\` + string(r)
	case r >= utf8.RuneSelf && unicode.In(r, unicode.L, unicode.N) && r <= 0xFFFF:
		return string(r)
	}
	return s.escape(r)
}

// class writes a class of pairs of first and last characters.
func (w *regexpWriter) class(pairs []rune) {
	open := "["
	if len(pairs) > 0 && pairs[0] == 0 && pairs[len(pairs)-1] == unicode.MaxRune {
		if pairs = complement(pairs); len(pairs) == 0 {
			w.b.WriteString(w.s.anyChar)
			return
		}
		open = "[^"
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		lo, hi := pairs[i], pairs[i+1]
		if w.s.noNUL && lo == 0 {
			if lo = 1; hi == 0 {
				continue
			}
		}
		b.WriteString(w.s.plain(lo))
		if hi > lo {
			if hi > lo+1 {
				b.WriteByte('-')
			}
			b.WriteString(w.s.plain(hi))
		}
	}
	if b.Len() == 0 {
		w.b.WriteString(w.s.nothing)
		return
	}
	w.b.WriteString(open + b.String() + "]")
}

// complement of a class that starts with 0 and ends with the last character.
func complement(pairs []rune) []rune {
	var out []rune
	for i := 1; i+1 < len(pairs); i += 2 {
		out = append(out, pairs[i]+1, pairs[i+1]-1)
	}
	return out
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
