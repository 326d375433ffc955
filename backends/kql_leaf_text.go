package backends

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// textTest compares texts.
func textTest(t test, s kqlScalar) string {
	if t.how == ir.Equal {
		return equalTest(t, s)
	}
	op := map[ir.Op]string{ir.Contains: "contains", ir.StartsWith: "startswith", ir.EndsWith: "endswith"}[t.how]
	if t.cased {
		op += "_cs"
	}
	var parts []string
	for _, v := range t.written {
		if v == "" { // true of every text
			if is := s.is(t.kinds); is != "" {
				return is + " and " + s.there()
			}
			return s.there()
		}
	}
	if len(t.written) >= kqlAlternatives {
		return guarded(s.guard(t), []string{s.text() + " matches regex " + kqlString(alternatives(t))})
	}
	for _, v := range t.written {
		parts = append(parts, s.text()+" "+op+" "+kqlString(v))
	}
	return guarded(s.guard(t), parts)
}

// kqlAlternatives is from how many texts on one regular expression stands for a
// chain of contains: it is shorter then, and the depth of the query stays.
const kqlAlternatives = 12

// alternatives is a regular expression for what a text test of many texts asks.
func alternatives(t test) string {
	var b strings.Builder
	if !t.cased {
		b.WriteString("(?i)")
	}
	if t.how == ir.StartsWith {
		b.WriteString(`\A`)
	}
	before, after := shared(t.written)
	b.WriteString(kqlQuoteRegexp(before) + "(?:")
	for i, v := range t.written {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(kqlQuoteRegexp(v[len(before) : len(v)-len(after)]))
	}
	b.WriteString(")" + kqlQuoteRegexp(after))
	if t.how == ir.EndsWith {
		b.WriteString(`\z`)
	}
	return b.String()
}

// shared returns how all texts begin and how what is left of them ends.
func shared(texts []string) (before, after string) {
	before = texts[0]
	for _, t := range texts {
		n := 0
		for n < len(before) && n < len(t) && before[n] == t[n] {
			n++
		}
		for n > 0 && n < len(t) && !utf8.RuneStart(t[n]) {
			n--
		}
		before = before[:n]
	}
	after = texts[0][len(before):]
	for _, t := range texts {
		t = t[len(before):]
		n := 0
		for n < len(after) && n < len(t) && after[len(after)-1-n] == t[len(t)-1-n] {
			n++
		}
		for n > 0 && !utf8.RuneStart(after[len(after)-n]) {
			n--
		}
		after = after[len(after)-n:]
	}
	return before, after
}

// kqlQuoteRegexp is literal text in a regular expression.
func kqlQuoteRegexp(s string) string { return kqlSyntax.quote(s) }

func equalTest(t test, s kqlScalar) string {
	var texts []string
	empty := false
	could := textKind
	for i, v := range t.texts {
		if v == "" {
			empty = true
			continue
		}
		texts = append(texts, t.written[i])
		could |= confusedWith(v)
	}
	var parts []string
	switch one, many := "=~", "in~"; {
	case len(texts) == 0:
	default:
		if t.cased {
			one, many = "==", "in"
		}
		if len(texts) == 1 {
			parts = append(parts, s.text()+" "+one+" "+kqlString(texts[0]))
		} else {
			parts = append(parts, s.text()+" "+many+" "+kqlStrings(texts))
		}
		switch {
		case s.dynamic && s.kinds&could&^t.kinds != 0:
			parts[0] = guarded(s.is(t.kinds), parts)
		case s.listed && slices.Contains(texts, "[]"):
			parts[0] = guarded("gettype("+s.expr+`) != "array"`, parts)
		}
	}
	if empty {
		if s.isText() {
			parts = append(parts, "isempty("+s.expr+")")
		} else {
			parts = append(parts, s.there()+" and "+s.text()+` == ""`)
		}
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr))
}

// confusedWith returns the kinds of scalars whose text form could be this text
// though the scalar is not equal to it. A number of the same text is equal to
// it by value, a boolean as well.
func confusedWith(text string) kinds {
	k := looksLike(text) &^ boolKind
	if _, ok := ir.NumberText(text); ok || decimalForm.MatchString(text) {
		k &^= numberKind
	}
	return k
}

// likeTest fits the whole text to patterns, each behind a cheaper test.
func (p *kqlPrinter) likeTest(t test, s kqlScalar) string {
	var parts []string
	for _, pattern := range t.patterns {
		if pattern.ReadsList() {
			parts = append(parts, p.listTest(pattern, t.cased, s))
			continue
		}
		part := s.there()
		if !matchesAll(pattern) {
			part = behind(stretches(ir.Like, pattern, t.cased), s.text(), s.text()+" matches regex "+kqlString(kqlPattern(pattern, t.cased)))
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 && matchesAll(t.patterns[0]) {
		return guarded(s.is(t.kinds), parts)
	}
	return guarded(s.guard(t), parenthesised(parts, ir.PrecedenceOr))
}

func matchesAll(p ir.Pattern) bool { return len(p) == 1 && p[0].Kind == ir.AnyRun }

// kqlPattern is a pattern as an anchored regular expression.
func kqlPattern(p ir.Pattern, cased bool) string {
	var b strings.Builder
	b.WriteString("(?is)")
	if cased {
		b.Reset()
		b.WriteString("(?s)")
	}
	b.WriteString(`\A`)
	for _, part := range p {
		switch part.Kind {
		case ir.AnyRun:
			b.WriteString(".*")
		case ir.AnyOne:
			b.WriteByte('.')
		default:
			b.WriteString(kqlQuoteRegexp(part.Text))
		}
	}
	b.WriteString(`\z`)
	return b.String()
}
