package backends

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// textTest prints a test of text for the text x.
func (p *sqlPrinter) textTest(t test, x string) (cond, error) {
	if t.ask == askRegexp {
		if p.apart(len(t.regexps)) {
			var cs []cond
			for _, re := range t.regexps {
				c, err := p.regexp(x, string(re))
				if err != nil {
					return cond{}, err
				}
				cs = append(cs, c)
			}
			return anyOf(cs...), nil
		}
		var all []string
		for _, re := range t.regexps {
			all = append(all, "(?:"+string(re)+")")
		}
		return p.regexp(x, strings.Join(all, "|"))
	}
	if t.ask != askLike && t.how == ir.Equal {
		return p.equalsOneOf(x, t.texts, t.cased)
	}
	patterns := t.patterns
	if t.ask != askLike {
		run := ir.PatternPart{Kind: ir.AnyRun}
		for _, v := range t.texts {
			pattern := ir.Pattern{run, {Text: v}, run}
			switch t.how {
			case ir.StartsWith:
				pattern = pattern[1:]
			case ir.EndsWith:
				pattern = pattern[:2]
			}
			patterns = append(patterns, pattern)
		}
	}
	if !p.apart(len(patterns)) {
		return p.likeOneOf(x, patterns, t.cased)
	}
	var cs []cond
	for _, pattern := range patterns {
		c, err := p.like(x, pattern, t.cased)
		if err != nil {
			return cond{}, err
		}
		cs = append(cs, c)
	}
	return anyOf(cs...), nil
}

// apart reports whether so many patterns are asked one by one.
func (p *sqlPrinter) apart(n int) bool {
	return p.d.patternsApart == 0 || n <= p.d.patternsApart
}

// likeOneOf asks whether the whole of a text fits one of many patterns, as one
// regular expression.
func (p *sqlPrinter) likeOneOf(x string, patterns []ir.Pattern, cased bool) (cond, error) {
	var all []string
	literals := strings.Builder{}
	for _, pattern := range patterns {
		var re strings.Builder
		for i, part := range pattern {
			if !cased {
				part.Text = ir.Fold(part.Text)
			}
			outer := i == 0 || i == len(pattern)-1
			switch {
			case part.Kind == ir.AnyRun && !outer:
				re.WriteString("(?s:.*)")
			case part.Kind == ir.AnyOne:
				re.WriteString("(?s:.)")
			}
			re.WriteString(regexp.QuoteMeta(part.Text))
			literals.WriteString(part.Text)
		}
		text := re.String()
		if len(pattern) == 0 || pattern[0].Kind != ir.AnyRun {
			text = `\A` + text
		}
		if len(pattern) == 0 || pattern[len(pattern)-1].Kind != ir.AnyRun {
			text += `\z`
		}
		all = append(all, text)
	}
	if !cased {
		x = p.d.fold(x, literals.String())
	}
	return p.regexp(x, strings.Join(all, "|"))
}

// equalsOneOf asks whether a text is one of texts, which are folded unless cased.
func (p *sqlPrinter) equalsOneOf(x string, texts []string, cased bool) (cond, error) {
	if !cased {
		x = p.d.fold(x, texts...)
	}
	var quoted []string
	for _, v := range texts {
		q, err := p.quote(v)
		if err != nil {
			return cond{}, err
		}
		if !slices.Contains(quoted, q) {
			quoted = append(quoted, q)
		}
	}
	if len(quoted) == 1 {
		return comparison(x + " = " + quoted[0]), nil
	}
	return comparison(x + " IN (" + strings.Join(quoted, ", ") + ")"), nil
}

// like asks whether the whole of a text fits a pattern.
func (p *sqlPrinter) like(x string, pattern ir.Pattern, cased bool) (cond, error) {
	all, literal := true, strings.Builder{}
	folded := make(ir.Pattern, len(pattern))
	for i, part := range pattern {
		if !cased {
			part.Text = ir.Fold(part.Text)
		}
		folded[i] = part
		literal.WriteString(part.Text)
		all = all && (part.Kind == ir.AnyRun || part.Kind == ir.Literal && part.Text == "")
	}
	if all && len(pattern) > 0 {
		return comparison(x + " IS NOT NULL"), nil
	}
	if len(pattern) == 0 {
		return p.equalsOneOf(x, []string{""}, true)
	}
	if p.d.likeAnyCase {
		if cased && hasOtherCase(literal.String()) {
			c, ok := p.d.glob(x, folded, p.d.quote)
			if !ok {
				return cond{}, p.refuse("a text with a NUL in it is not supported")
			}
			return comparison(c), nil
		}
		if !cased {
			x = p.d.foldOthers(x, literal.String())
		}
	} else if !cased {
		x = p.d.fold(x, literal.String())
	}
	var b strings.Builder
	escaped := false
	for _, part := range folded {
		switch part.Kind {
		case ir.AnyRun:
			b.WriteByte('%')
		case ir.AnyOne:
			b.WriteByte('_')
		default:
			for _, c := range part.Text {
				if c == '%' || c == '_' || c == '\\' {
					escaped = escaped || c != '\\' || p.d.likeEscape != 0
				}
				b.WriteRune(c)
			}
		}
	}
	text, escape := b.String(), ""
	if escaped {
		b.Reset()
		for _, part := range folded {
			switch part.Kind {
			case ir.AnyRun:
				b.WriteByte('%')
			case ir.AnyOne:
				b.WriteByte('_')
			default:
				b.WriteString(strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(part.Text))
			}
		}
		text = b.String()
		if !p.d.noEscapeClause {
			escape, _ = p.d.quote(`\`)
		}
	}
	q, err := p.quote(text)
	return comparison(p.d.like(x, q, escape)), err
}

// fold prints x folded as far as it matters where x is compared with texts that
// are folded: letters that occur in none of them need no folding.
func (d *Dialect) fold(x string, texts ...string) string {
	all := strings.Join(texts, "")
	if !hasOtherCase(all) {
		return x
	}
	if !d.foldsASCII && strings.ContainsAny(all, "\u0130\u212a") {
		// lower would take them for ASCII letters.
		var from, to []rune
		for c := 'A'; c <= 'Z'; c++ {
			from, to = append(from, c), append(to, c+'a'-'A')
		}
		moreFrom, moreTo := otherCases(all)
		return d.translate(x, append(from, moreFrom...), append(to, moreTo...))
	}
	return d.lower(d.foldOthers(x, all))
}

// foldOthers prints x with those letters folded that the dialect's own folding
// takes otherwise than the contract.
func (d *Dialect) foldOthers(x, texts string) string {
	var from, to []rune
	if d.foldsASCII || d.foldsInContext {
		from, to = otherCases(texts)
	}
	if !d.foldsASCII {
		// These must not become ASCII letters; what they become instead must
		// not be in the texts.
		other := utf8.RuneError
		for strings.ContainsRune(texts, other) {
			other--
		}
		for _, c := range []struct{ from, ascii rune }{{'\u212a', 'k'}, {'\u0130', 'i'}} {
			if strings.ContainsRune(texts, c.ascii) {
				from, to = append(from, c.from), append(to, other)
			}
		}
	}
	if len(from) == 0 {
		return x
	}
	return d.translate(x, from, to)
}

// hasOtherCase reports whether other texts fold to the folded text.
func hasOtherCase(text string) bool {
	for _, c := range text {
		if len(unfolded()[c]) > 0 || unicode.ToLower(c) != c { // the latter in cased texts
			return true
		}
	}
	return false
}

// otherCases returns the letters outside ASCII that fold to one in the text, and
// what they fold to.
func otherCases(text string) (from, to []rune) {
	done := map[rune]bool{}
	for _, c := range text {
		if c < utf8.RuneSelf || done[c] {
			continue
		}
		done[c] = true
		for _, r := range unfolded()[c] {
			from, to = append(from, r), append(to, c)
		}
	}
	return from, to
}

// unfolded has the code points that fold to another, by that.
var unfolded = sync.OnceValue(func() map[rune][]rune {
	m := map[rune][]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if l := unicode.ToLower(r); l != r && (r < utf8.RuneSelf || l >= utf8.RuneSelf) {
			m[l] = append(m[l], r)
		}
	}
	return m
})

// regexp asks whether a regular expression is found in a text.
func (p *sqlPrinter) regexp(x, re string) (cond, error) {
	if p.d.regexp == nil {
		if p.d.found != nil {
			if text, ok := p.d.found(x, re, p.d.quote); ok {
				return comparison(text), nil
			}
		}
		err := p.refuse("a regular expression is not supported")
		if d, ok := err.(sigma.Diagnostic); ok {
			d.Hint, err = p.d.noRegexp, d
		}
		return cond{}, err
	}
	text, err := writeRegexp(ir.Regex(re), p.d.regexps)
	if err != nil {
		return cond{}, p.refuse("%v is not supported", err)
	}
	q, err := p.quote(text)
	return comparison(p.d.regexp(x, q)), err
}
