package backends

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

// sqliteFound asks by GLOB whether a regular expression is found in a text: for
// SQLite as it comes, which has no other. It says literals, classes and single
// characters in a row, with anchors, and a whole text of one class; ok is false
// for what is more, such as alternatives and repetitions.
func sqliteFound(x, re string, quote func(string) (string, bool)) (cond string, ok bool) {
	e, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return "", false
	}
	parts, begins, ends := inARow(e.Simplify()), false, false
	if len(parts) > 0 && parts[0].Op == syntax.OpBeginText {
		parts, begins = parts[1:], true
	}
	if n := len(parts) - 1; n >= 0 && parts[n].Op == syntax.OpEndText {
		parts, ends = parts[:n], true
	}
	if begins && ends && len(parts) == 1 && (parts[0].Op == syntax.OpStar || parts[0].Op == syntax.OpPlus) {
		class, ok := globClass(parts[0].Sub[0], true)
		if !ok {
			return "", false
		}
		pattern, ok := quote("*" + class + "*")
		if cond = x + " NOT GLOB " + pattern; parts[0].Op == syntax.OpPlus {
			cond = "(" + cond + " AND " + x + " <> '')"
		}
		return cond, ok
	}
	var b strings.Builder
	if !begins {
		b.WriteByte('*')
	}
	for _, part := range parts {
		if part.Op == syntax.OpAnyChar {
			b.WriteByte('?')
			continue
		}
		if part.Op != syntax.OpLiteral {
			class, ok := globClass(part, false)
			if !ok {
				return "", false
			}
			b.WriteString(class)
			continue
		}
		for _, r := range part.Rune {
			pairs := []rune{r, r}
			for f := unicode.SimpleFold(r); part.Flags&syntax.FoldCase != 0 && f != r; f = unicode.SimpleFold(f) {
				pairs = append(pairs, f, f)
			}
			if len(pairs) == 2 && !strings.ContainsRune("*?[", r) {
				b.WriteRune(r)
				continue
			}
			b.WriteString("[" + globRunes(pairs) + "]")
		}
	}
	if !ends && b.String() != "*" {
		b.WriteByte('*')
	}
	pattern, ok := quote(b.String())
	return x + " GLOB " + pattern, ok
}

// inARow takes apart what stands one behind the other.
func inARow(e *syntax.Regexp) (parts []*syntax.Regexp) {
	switch e.Op {
	case syntax.OpEmptyMatch:
		return nil
	case syntax.OpConcat, syntax.OpCapture:
		for _, x := range e.Sub {
			parts = append(parts, inARow(x)...)
		}
		return parts
	}
	return []*syntax.Regexp{e}
}

// globClass writes one character of a class, or of none of it.
func globClass(e *syntax.Regexp, not bool) (string, bool) {
	pairs := e.Rune
	switch e.Op {
	case syntax.OpAnyCharNotNL:
		pairs, not = []rune{'\n', '\n'}, !not
	case syntax.OpCharClass:
		if len(pairs) == 0 {
			return "", false
		}
	default:
		return "", false
	}
	inside := globRunes(pairs)
	switch {
	case not:
		return "[^" + inside + "]", true
	case inside == "^":
		return "^", true
	}
	return "[" + inside + "]", true
}

// globRunes writes the inside of brackets: pairs of the first and last character
// of a range. A bracket means itself only in front, a hyphen behind that, a
// circumflex not in front.
func globRunes(pairs []rune) string {
	var front, ranges, back string
	single := func(r rune) {
		switch r {
		case ']':
			front = "]" + front
		case '-':
			front += "-"
		case '^':
			back = "^"
		}
	}
	const special = "]-^"
	for i := 0; i+1 < len(pairs); i += 2 {
		lo, hi := max(pairs[i], 1), pairs[i+1] // no text that is asked has a NUL
		for ; lo <= hi && strings.ContainsRune(special, lo); lo++ {
			single(lo)
		}
		for ; hi >= lo && strings.ContainsRune(special, hi); hi-- {
			single(hi)
		}
		switch {
		case lo == hi:
			ranges += string(lo)
		case lo < hi:
			ranges += string(lo) + "-" + string(hi)
		}
	}
	return front + ranges + back
}
