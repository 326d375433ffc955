package sentinel

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// describe writes what an analyst reads: what the rule says, how to judge a
// hit, what to do, and whose rule it is. What does not fit goes from the end,
// whose rule it is excepted.
func describe(a *artefact, r *ir.Rule) string {
	m := r.Meta
	var parts []string
	add := func(head, text string) {
		if text = strings.TrimRight(text, " \n"); text != "" {
			parts = append(parts, head+text)
		}
	}
	bullets := func(ss []string) string {
		if len(ss) == 0 {
			return ""
		}
		return "\n- " + strings.Join(ss, "\n- ")
	}
	add("", cmp.Or(strings.TrimSpace(m.Description), m.Title))
	var ps []string
	for _, p := range a.parameters {
		ps = append(ps, strings.TrimRight(p.name+": "+p.description, ": "))
	}
	add("A function, called as "+a.alias+"("+strings.Join(names(a.parameters), ", ")+"):", bullets(ps))
	var es []string
	for _, b := range a.examples {
		es = append(es, b.Name+": "+bindingText(b))
	}
	add("Examples stand in the query where parameters have no value in the profile and a call cannot give one:", bullets(es))
	if t := m.Triage; t != nil {
		add("True positive: ", t.TruePositive)
		add("Benign: ", t.Benign)
		add("False positive: ", t.FalsePositive)
		add("What to do:", bullets(t.Actions))
		add("Scope of compromise: ", t.Scope)
	}
	add("Known false positives:", bullets(m.FalsePositives))
	if r.Meta.Tier == "product" {
		add("", "The product raises this alert itself; the rule is off unless it is switched on.")
	}
	add("Needs: ", needs(m.Requires, a.tables))
	add("References:", bullets(m.References))
	var own []string
	for _, s := range []struct{ head, text string }{{"Rule ", m.ID}, {"by ", m.Author}, {"licence ", m.License}} {
		if s.text != "" {
			own = append(own, s.head+s.text)
		}
	}
	tail := ""
	if len(own) > 0 {
		tail = "\n\n" + clip(strings.Join(own, ", ")+".", 1000)
	}
	room := maxDescription - utf8.RuneCountInString(tail)
	text := clip(parts[0], room)
	for _, p := range parts[1:] {
		if next := text + "\n\n" + p; utf8.RuneCountInString(next) <= room {
			text = next
		}
	}
	return text + tail
}

func names(ps []functionParameter) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.name)
	}
	return out
}

func needs(rs []sigma.Requirement, tables []string) string {
	var out []string
	for _, q := range rs {
		if q.Licence != "" && slices.Contains(tables, q.Table) {
			out = append(out, q.Table+" ("+q.Licence+")")
		}
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, ", ") + "."
}

// connectors returns the data connectors of an artefact with their tables.
func (a *artefact) connectors() list {
	of := map[string][]string{}
	var order []string
	for _, t := range a.tables {
		c := tableOf(t).Connector
		for _, q := range a.meta.Requires {
			if q.Table == t && isIdentifier(q.Connector) {
				c = q.Connector
			}
		}
		if c == "" {
			continue
		}
		if of[c] == nil {
			order = append(order, c)
		}
		of[c] = append(of[c], t)
	}
	out := list{}
	for _, c := range order {
		out = append(out, object{{"connectorId", c}, {"dataTypes", texts(of[c])}})
	}
	return out
}
