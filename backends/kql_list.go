package backends

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A list that the query reads is let in front of it, once in each form that the
// query uses: its texts, a regular expression of one of them, its networks. An
// empty text is none. The forms are named after the parameter.
const (
	kqlListTexts     = "_texts"
	kqlListRegexp    = "_regex"
	kqlListNetworks4 = "_networks4"
	kqlListNetworks6 = "_networks6"
)

// listTest fits the whole text to a pattern with texts of lists in it.
func (p *kqlPrinter) listTest(pattern ir.Pattern, cased bool, s kqlScalar) string {
	if len(pattern) == 1 && !p.readsPatterns(pattern[0].Text) {
		op := " in~ ("
		if cased {
			op = " in ("
		}
		return s.text() + op + pattern[0].Text + kqlListTexts + ")"
	}
	flags, start, end := "(?is)", `\A`, `\z`
	if cased {
		flags = "(?s)"
	}
	if pattern[0].Kind == ir.AnyRun {
		pattern, start = pattern[1:], ""
	}
	if n := len(pattern); pattern[n-1].Kind == ir.AnyRun {
		pattern, end = pattern[:n-1], ""
	}
	args, text := []string{}, flags+start
	for _, x := range pattern {
		switch x.Kind {
		case ir.AnyRun:
			text += ".*"
		case ir.AnyOne:
			text += "."
		case ir.OneOfList:
			args = append(args, kqlString(text), x.Text+kqlListRegexp)
			text = ""
		default:
			text += kqlQuoteRegexp(x.Text)
		}
	}
	if text += end; text != "" {
		args = append(args, kqlString(text))
	}
	return s.text() + " matches regex strcat(" + strings.Join(args, ", ") + ")"
}

// readsPatterns reports whether the texts of a list have wildcards.
func (p *kqlPrinter) readsPatterns(list string) bool {
	return slices.ContainsFunc(p.rule.Source.Parameters, func(b ir.Binding) bool { return b.Name == list && b.Pattern })
}

// kqlPatternRegexp turns a text with wildcards into a regular expression, as the
// parser of rules reads one: a backslash takes the meaning from a star, question
// mark or backslash behind it. Characters of private use stand for these three
// meanwhile.
func kqlPatternRegexp(text string) string {
	replace := func(in, was, is string) string {
		return "replace_string(" + in + ", " + kqlString(was) + ", " + kqlString(is) + ")"
	}
	const backslash, star, question = "\uE000", "\uE001", "\uE002"
	text = replace(replace(replace(text, `\\`, backslash), `\*`, star), `\?`, question)
	text = replace(replace("regex_quote("+text+")", `\*`, ".*"), `\?`, ".")
	return replace(replace(replace(text, backslash, `\\`), star, `\*`), question, `\?`)
}

// kqlLists returns the statements that read what is only known when the query
// runs, and the conditions that there is some of each: a rule without what it
// needs must not fire.
func kqlLists(r *ir.Rule, body string) (lets, guards []string, err error) {
	for _, b := range readBindings(r, nil) {
		if kqlName(b.Name) != b.Name {
			return nil, nil, refuse(r, nil, "KQL", "the parameter %s has a name that KQL takes for something else; a list of that name cannot be said", b.Name)
		}
		if b.Scalar != "" {
			more, guard := kqlArgument(b)
			lets, guards = append(lets, more...), append(guards, guard)
			continue
		}
		source := "print value = " + b.Name + " | mv-expand value to typeof(string)"
		if b.Watchlist != "" {
			source = "_GetWatchlist(" + kqlString(b.Watchlist) + ") | project value = tostring(SearchKey)"
		}
		source += " | where isnotempty(value)"
		quoted := "regex_quote(value)"
		if b.Pattern {
			quoted = kqlPatternRegexp("value")
		}
		for _, form := range []struct{ name, rest string }{
			{kqlListTexts, " | summarize make_list(value)"},
			{kqlListRegexp, ` | summarize parts = make_list(` + quoted + `) | project strcat("(?:", strcat_array(parts, "|"), ")")`},
			{kqlListNetworks4, ` | where value !contains ":" | summarize make_list(value)`},
			{kqlListNetworks6, ` | where value contains ":" | summarize make_list(value)`},
		} {
			if form.name == kqlListTexts || strings.Contains(body, b.Name+form.name) {
				lets = append(lets, fmt.Sprintf("let %s%s = toscalar(%s%s);", b.Name, form.name, source, form.rest))
			}
		}
		if guard := "array_length(" + b.Name + kqlListTexts + ") > 0"; !slices.Contains(guards, guard) {
			guards = append(guards, guard)
		}
	}
	return lets, guards, nil
}

// readBindings adds what a rule reads when it runs, or those that a correlation
// refers to, each once.
func readBindings(r *ir.Rule, to []ir.Binding) []ir.Binding {
	for _, b := range r.Source.Parameters {
		if b.Read && !slices.ContainsFunc(to, func(o ir.Binding) bool { return o.Name == b.Name }) {
			to = append(to, b)
		}
	}
	if r.Correlation != nil {
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				to = readBindings(t.Rule, to)
			}
		}
	}
	return to
}
