package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// correlations knows how to tell the hits of correlations.
type correlations struct {
	docs  map[place]*sigma.Document
	onces map[place]bool // rules with once
	// accounts are the names behind the ids of users and sessions, as the events
	// of referenced rules give them: a group often has only the id.
	accounts map[string]string
}

// place is where a rule is written, whatever pySigma's pipelines made of it.
type place struct {
	file string
	line int
}

func placeOf(r *compiler.RuleInfo) place { return place{r.File, r.Pos.Line} }

func placeOfDocument(d *sigma.Document) place { return place{d.File, d.Pos.Line} }

// placesOf are those of documents, to know their rules by: ids are not, for
// rules need none.
func placesOf(docs map[*sigma.Document]bool) map[place]bool {
	out := map[place]bool{}
	for d, is := range docs {
		if is {
			out[placeOfDocument(d)] = true
		}
	}
	return out
}

func newCorrelations(docs []*sigma.Document) *correlations {
	x := &correlations{docs: map[place]*sigma.Document{}, onces: map[place]bool{}, accounts: map[string]string{}}
	for _, d := range docs {
		if d.Once != nil {
			x.onces[placeOfDocument(d)] = true
		}
		if _, ok := correlates(d); ok {
			x.docs[placeOfDocument(d)] = d
		}
	}
	return x
}

// is says whether a hit is one of a correlation.
func (x *correlations) is(h *compiler.Hit) bool {
	return x.docs[placeOf(h.Rule)] != nil
}

// once says whether further hits are counted on this one.
func (x *correlations) once(h *compiler.Hit) bool {
	return x.onces[placeOf(h.Rule)]
}

// lead says whose story a hit belongs to: the entity that the rule names, the
// one account of all events, or what the group is called.
func (x *correlations) lead(h *compiler.Hit, named compiler.Entity) compiler.Entity {
	if named.Value != "" {
		return named
	}
	account := ""
	for _, c := range h.Contributing {
		if f, ok := c.Event.(*footprint); ok && f.account != "" {
			if account != "" && !strings.EqualFold(account, f.account) {
				account = ""
				break
			}
			account = f.account
		}
	}
	if account != "" {
		return compiler.Entity{Type: "account", Value: account}
	}
	for _, kind := range []string{"account", "host", "ip", ""} {
		for _, g := range h.Group {
			if g.Value == "" {
				continue
			}
			if name := x.accounts[g.Value]; name != "" {
				return compiler.Entity{Type: "account", Value: name}
			}
			if fieldKind(g.Field) == kind {
				if kind == "" {
					kind = g.Field
				}
				return compiler.Entity{Type: kind, Value: g.Value}
			}
		}
	}
	return compiler.Entity{}
}

func keyTexts(keys []compiler.GroupKey) []string {
	var out []string
	for _, k := range keys {
		v := clip(clean(k.Value), 80)
		if v == "" {
			v = "(none)"
		}
		out = append(out, clean(k.Field)+" = "+v)
	}
	return out
}

// told says which group it was, what was counted and in what time.
func (x *correlations) told(h *compiler.Hit) []string {
	out := keyTexts(h.Group)
	d := x.docs[placeOf(h.Rule)]
	within := " within " + spanText(h.Window.To.Sub(h.Window.From))
	what := string(h.Value) + within
	if c := d.Correlation; c != nil {
		var fields []string
		for _, f := range c.ConditionFields {
			fields = append(fields, f.Name)
		}
		what = counted(c.Type, fields, len(c.Rules), h.Value) + within
		switch c.Type {
		case sigma.Counts:
			var counts []string
			for i, n := range h.Counts {
				if i < len(c.Rules) {
					counts = append(counts, fmt.Sprintf("%s %d", c.Rules[i].Name, n))
				}
			}
			what = strings.Join(counts, ", ") + within
		case sigma.NewValue:
			what = "new: " + strings.Join(keyTexts(h.NewValue), ", ")
		case sigma.AfterSilence:
			what = "after " + spanText(h.Window.To.Sub(h.Window.From)) + " of silence"
		case sigma.Increase:
			what = fmt.Sprintf("%s%s, before %s", h.Value, within, h.Before)
		case sigma.Summary:
			what = many(h.Value, "event")
			for _, n := range h.Distinct {
				what += ", " + plural(n.Count, "value") + " of " + n.Field
			}
		}
	}
	what = clean(what)
	if !h.Window.From.IsZero() {
		what += ", " + windowText(h.Window)
	}
	return append(out, what)
}

// counted writes the value that a correlation of this type looks at.
func counted(t sigma.CorrelationType, fields []string, rules int, value json.Number) string {
	of := strings.Join(fields, ", ")
	switch t {
	case sigma.EventCount:
		return many(value, "event")
	case sigma.ValueCount:
		return many(value, "value") + " of " + of
	case sigma.Increase:
		if len(fields) == 0 {
			return many(value, "event")
		}
		return many(value, "value") + " of " + of
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		return strings.TrimPrefix(string(t), "value_") + " of " + of + " " + string(value)
	case sigma.Temporal:
		return fmt.Sprintf("%s of %d rules", value, rules)
	case sigma.TemporalOrdered:
		return fmt.Sprintf("%s of %d steps in order", value, rules)
	}
	return string(value)
}

func windowText(w compiler.Window) string {
	to := clock(w.To)
	if sameDay(w.From, w.To) {
		to = w.To.Format("15:04:05Z")
	}
	return clock(w.From) + " to " + to
}

// many writes a count that a hit has.
func many(n json.Number, noun string) string {
	if i, err := n.Int64(); err == nil {
		return plural(int(i), noun)
	}
	return string(n) + " " + noun + "s"
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// spanText writes a length of time.
func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	var out []string
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.unit; n > 0 {
			out = append(out, fmt.Sprintf("%d%s", n, u.name))
			d -= n * u.unit
		}
	}
	if len(out) == 0 {
		return d.String()
	}
	return strings.Join(out[:min(2, len(out))], " ")
}

// How many steps of a hit are shown: the first and the last ones.
const firstSteps, lastSteps = 4, 2

// steps lists the events behind a hit, each with its rule, who and from where.
func (x *correlations) steps(h *compiler.Hit) []string {
	var out []string
	n := len(h.Contributing)
	for i, c := range h.Contributing {
		if n > firstSteps+lastSteps+1 && i >= firstSteps && i < n-lastSteps {
			if i == firstSteps {
				out = append(out, fmt.Sprintf("… %s more", number(n-firstSteps-lastSteps)))
			}
			continue
		}
		at := clock(c.Time)
		if sameDay(c.Time, h.Time()) {
			at = c.Time.Format("15:04:05Z")
		}
		line := at + "  " + clip(clean(c.Rule.Title), 80)
		if f, ok := c.Event.(*footprint); ok {
			for _, s := range []string{f.account, f.ip} {
				if s != "" {
					line += "  " + clip(clean(s), 60)
				}
			}
		}
		out = append(out, line)
	}
	return out
}

// describe adds what a correlation has to a line of the jsonl output.
func (x *correlations) describe(h *compiler.Hit, l *hitLine) {
	for _, k := range h.Group {
		l.Group = append(l.Group, hitGroup(k))
	}
	for _, k := range h.NewValue {
		l.NewValue = append(l.NewValue, hitGroup(k))
	}
	l.Window = &hitWindow{h.Window.From.Format(time.RFC3339Nano), h.Window.To.Format(time.RFC3339Nano)}
	l.Value, l.Before = h.Value, h.Before
	d := x.docs[placeOf(h.Rule)]
	for i, n := range h.Counts {
		if d.Correlation != nil && i < len(d.Correlation.Rules) {
			l.Counts = append(l.Counts, hitCount{d.Correlation.Rules[i].Name, n})
		}
	}
	for _, n := range h.Distinct {
		l.Distinct = append(l.Distinct, hitDistinct(n))
	}
	for _, c := range h.Contributing {
		out := hitContribution{Rule: c.Rule.ID, Title: c.Rule.Title, Input: c.Input, Time: c.Time.Format(time.RFC3339Nano), Selections: c.Selections}
		if f, ok := c.Event.(*footprint); ok {
			out.EventID, out.Source = c.EventID, &hitSource{string(c.Source.Form), c.Source.Table}
			out.Account, out.IP, out.File, out.Line = f.account, f.ip, f.file, f.line
		} else {
			out.Hit = c.EventID // of a correlation
		}
		l.Contributing = append(l.Contributing, out)
	}
}
