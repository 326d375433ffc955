package backends

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

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
