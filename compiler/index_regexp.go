package compiler

import (
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// maxRegexpLiterals bounds the literals taken of one regular expression.
const maxRegexpLiterals = 64

// regexpLiterals returns folded literals of which one stands in the folded form
// of every text that a regular expression is found in; ok is false where there
// are none to be had.
func regexpLiterals(text string) (literals []string, ok bool) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, false
	}
	set, ok := requiredLiterals(re.Simplify())
	return set, ok && len(set) <= maxRegexpLiterals
}

func requiredLiterals(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if s := longestFolded(re.Rune, re.Flags&syntax.FoldCase != 0); s != "" {
			return []string{s}, true
		}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiterals(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredLiterals(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if set, ok := requiredLiterals(sub); ok && betterLiterals(set, best) {
				best = set
			}
		}
		// What stands next to each other stands together.
		run := ""
		for _, sub := range re.Sub {
			first, last, whole := edgesOf(sub)
			if run += first; run != "" && betterLiterals([]string{run}, best) {
				best = []string{run}
			}
			if !whole {
				run = last
			}
		}
		if run != "" && betterLiterals([]string{run}, best) {
			best = []string{run}
		}
		return best, best != nil
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			set, ok := requiredLiterals(sub)
			if !ok {
				return nil, false
			}
			all = append(all, set...)
		}
		return all, true
	}
	return nil, false
}

// edgesOf returns literals, folded, that whatever an expression matches begins
// and ends with; whole says that this is all of it.
func edgesOf(re *syntax.Regexp) (first, last string, whole bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if s, ok := allFolded(re.Rune, re.Flags&syntax.FoldCase != 0); ok {
			return s, s, true
		}
	case syntax.OpCapture:
		return edgesOf(re.Sub[0])
	case syntax.OpPlus:
		first, last, _ = edgesOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			first, last, _ = edgesOf(re.Sub[0])
		}
	case syntax.OpConcat:
		whole = true
		for _, sub := range re.Sub {
			f, l, w := edgesOf(sub)
			if whole {
				first += f
			}
			if whole = whole && w; w {
				last += l
			} else {
				last = l
			}
		}
	}
	return first, last, whole
}

// allFolded folds a literal; ok is false where it has what longestFolded cuts at.
func allFolded(runes []rune, foldCase bool) (folded string, ok bool) {
	for _, r := range runes {
		if r == utf8.RuneError || foldCase && !foldsAlike(r) {
			return "", false
		}
	}
	return ir.Fold(string(runes)), true
}

// betterLiterals prefers what is longer, then what is fewer, then what has fewer
// letters and digits.
func betterLiterals(a, b []string) bool {
	if b == nil {
		return true
	}
	measure := func(set []string) (length, words int) {
		length = len(set[0])
		for _, s := range set {
			length = min(length, len(s))
			for i := range len(s) {
				if c := s[i]; 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
					words++
				}
			}
		}
		return min(length, 4*gramSize), words
	}
	x, xw := measure(a)
	y, yw := measure(b)
	return x > y || x == y && (len(a) < len(b) || len(a) == len(b) && xw < yw)
}

// longestFolded returns the longest run of a literal, folded, that no text
// misses. Where case does not count in the expression, code points that it
// takes for equal may fold to different ones (k and the Kelvin sign): they cut.
func longestFolded(runes []rune, foldCase bool) string {
	best := ""
	var run strings.Builder
	for _, r := range runes {
		if r == utf8.RuneError || foldCase && !foldsAlike(r) {
			run.Reset()
			continue
		}
		run.WriteString(ir.Fold(string(r)))
		if run.Len() > len(best) {
			best = run.String()
		}
	}
	return best
}

// foldsAlike says whether all code points that a case-insensitive expression
// takes for r fold to one.
func foldsAlike(r rune) bool {
	folded := ir.Fold(string(r))
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		if ir.Fold(string(x)) != folded {
			return false
		}
	}
	return true
}
