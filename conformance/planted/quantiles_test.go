package planted

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/packtest"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// measured is a threshold with what the month's windows come to.
type measured struct {
	file, title, asks string
	values            map[float64]int // how many windows come to a value
	groups            map[uint64]bool // whether the group reaches the threshold once
	below, windows    int
}

// see notes a window of a group.
func (m *measured) see(group uint64, value float64, reached bool) {
	m.values[value]++
	m.windows++
	m.groups[group] = m.groups[group] || reached
	if !reached {
		m.below++
	}
}

// quantile is the value that so many of a hundred windows do not exceed.
func (m *measured) quantile(percent float64) float64 {
	n := 0
	vs := slices.Sorted(maps.Keys(m.values))
	for _, v := range vs {
		if n += m.values[v]; float64(n) >= percent/100*float64(m.windows) {
			return v
		}
	}
	return vs[len(vs)-1]
}

func (m *measured) line() string {
	name := strings.TrimSuffix(m.file, ".yaml")
	if m.windows == 0 {
		return fmt.Sprintf("| %s | %s | %s | 0 | 0 | | | | | |", name, m.title, m.asks)
	}
	reach := 0
	for _, r := range m.groups {
		if r {
			reach++
		}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	if m.quantile(100) != float64(int(m.quantile(100))) {
		number = func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %s | %s | %s | %.3f %% | %d |", name, m.title, m.asks, len(m.groups), m.windows,
		number(m.quantile(50)), number(m.quantile(99)), number(m.quantile(100)), 100*float64(m.below)/float64(m.windows), reach)
}

// asks says what a correlation's default threshold is, and whether its type has
// one.
func asks(c *ir.Correlation) (string, bool) {
	span := (time.Duration(c.Span) * time.Microsecond).String()
	if short, ok := strings.CutSuffix(span, "m0s"); ok {
		span = short + "m"
		if short, ok := strings.CutSuffix(span, "h0m"); ok {
			span = short + "h"
		}
	}
	var bounds []string
	for _, b := range c.Bounds {
		bounds = append(bounds, fmt.Sprintf("%s %s", b.Op, ir.ValueText(b.Value)))
	}
	switch c.Type {
	case sigma.EventCount, sigma.ValueCount:
		what := "events"
		if c.Type == sigma.ValueCount {
			what = "values of " + strings.Join(c.Counted, ", ")
		}
		return fmt.Sprintf("%s %s in %s", what, strings.Join(bounds, " "), span), true
	case sigma.Temporal, sigma.TemporalOrdered:
		return fmt.Sprintf("%d steps in %s", len(c.Inputs), span), true
	case sigma.NewValue:
		return fmt.Sprintf("history ≥ %d in %s", c.MinHistory, days(c.Lookback)), true
	case sigma.Increase:
		out := fmt.Sprintf("day ÷ day %s before ≥ %v, from %v", days(c.Against), c.Factor, c.Minimum)
		if c.Difference > 0 {
			out += fmt.Sprintf(", + %v", c.Difference)
		}
		return out, true
	}
	return "", false
}

func days(micros int64) string {
	return fmt.Sprintf("%dd", micros/int64(24*time.Hour/time.Microsecond))
}

// TestQuantiles says where the default thresholds of the pack stand among what
// the benign month comes to: of each group's windows, one a time at which
// something happens, how many stay below.
func TestQuantiles(t *testing.T) {
	if testing.Short() {
		t.Skip("goes over the whole month")
	}
	c := month()
	set := packtest.Load(t, "contoso.yaml", c.Profile())
	of := map[*ir.Correlation]*measured{}
	seed := maphash.MakeSeed()
	credentials := map[string]*measured{}
	st := compiler.NewStream(set, compiler.StreamOptions{Trace: func(x compiler.Instant) {
		if x.Value == "" {
			return
		}
		m := of[x.Correlation]
		if m == nil {
			text, ok := asks(x.Correlation)
			if !ok {
				return
			}
			m = &measured{file: x.Rule.File, title: x.Rule.Title, asks: text, values: map[float64]int{}, groups: map[uint64]bool{}}
			of[x.Correlation] = m
		}
		var h maphash.Hash
		h.SetSeed(seed)
		for _, k := range x.Group {
			h.WriteString(k.Value)
			h.WriteByte(0)
		}
		v, _ := x.Value.Float64()
		reached := x.Holds
		switch x.Correlation.Type {
		case sigma.NewValue:
			reached = v >= float64(x.Correlation.MinHistory)
		case sigma.Increase:
			before, err := x.Before.Float64()
			if err != nil || before < x.Correlation.Minimum || before == 0 {
				return
			}
			v /= before
		}
		m.see(h.Sum64(), v, reached)
	}})
	for r := range Merged(c.Events(), nil) {
		if _, err := st.Push(r); err != nil {
			t.Fatal(err)
		}
		lifetimes(r, credentials)
	}
	st.Close()
	var b strings.Builder
	b.WriteString("# Default thresholds on the benign month\n\n" +
		"For each correlation, and each that another one rests on: what it asks for, how many groups the month has, how many windows (one for each time at which something of the group happens), the median, the 99th percentile and the highest of their values, " +
		"the quantile of the threshold, that is the share of windows that stay below it, and how many groups reach it at all. The value of temporal types is the number of steps in the window, that of new_value the length of the history, that of increase the quotient of the two days. " +
		"Why the threshold is what it is stands in the rule's description and, in short, below.\n\n" +
		"| rule | title | asks for | groups | windows | median | 99 % | highest | quantile | groups that reach it |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	by := map[string]*measured{}
	for _, m := range of {
		by[m.file+" "+m.title] = m
	}
	reasons, all := thresholds(t)
	seen := map[string]bool{}
	for _, m := range all {
		if x := by[m.file+" "+m.title]; x != nil {
			m = x
		}
		seen[m.file+" "+m.title] = true
		b.WriteString(m.line() + "\n")
	}
	for k := range by {
		if !seen[k] {
			t.Errorf("%s is not among the documents", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(credentials)) {
		b.WriteString(credentials[k].line() + "\n")
	}
	b.WriteString("\n## Why\n\n")
	for _, f := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&b, "- %s: %s\n", strings.TrimSuffix(f, ".yaml"), reasons[f])
	}
	committed(t, "quantiles.md", b.String())
}

// thresholds are those of the pack, without what the month comes to, in the
// order of files, and the reason that each file's description gives.
func thresholds(t *testing.T) (map[string]string, []*measured) {
	t.Helper()
	files, ds := sigma.ParseFS(rules.FS)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	lowered, ds := compiler.LowerAll(files.Documents, compiler.Options{Catalogue: files.Parameters})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	var all []*measured
	reasons := map[string]string{}
	descriptions := map[string]string{}
	for _, d := range files.Documents {
		descriptions[d.File] = d.Meta.Description // the last one is the rule's
	}
	for _, r := range lowered {
		if r.Correlation == nil {
			continue
		}
		text, ok := asks(r.Correlation)
		if !ok {
			continue
		}
		all = append(all, &measured{file: r.File, title: r.Meta.Title, asks: text})
		if reasons[r.File] = reason(descriptions[r.File]); reasons[r.File] == "" {
			t.Errorf("%s: the description gives no reason for its threshold", r.File)
		}
	}
	slices.SortStableFunc(all, func(a, b *measured) int { return cmp.Compare(a.file, b.file) })
	return reasons, all
}

// because finds the sentences that give a reason.
var because = regexp.MustCompile(`(?i)because|since |so that|seldom|as many as|as the guide|above what|more than|enough|belong to one|ordinary|everyday|tries|real incident|half a working day|looks? back|several|at once|follow|with the second fact`)

func reason(description string) string {
	var out []string
	for _, s := range strings.SplitAfter(strings.Join(strings.Fields(description), " "), ". ") {
		if because.MatchString(s) && len(out) < 2 {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return strings.Join(out, " ")
}

// lifetimes notes how long the credentials of snapshots are good for, in days.
func lifetimes(r event.Record, into map[string]*measured) {
	if r.Source.Table != "graph:applications" && r.Source.Table != "graph:servicePrincipals" {
		return
	}
	o, _ := r.Event.(map[string]any)
	for list, limit := range map[string]float64{"passwordCredentials": 180, "keyCredentials": 365} {
		creds, _ := o[list].([]any)
		for _, x := range creds {
			k, _ := x.(map[string]any)
			from, _ := k["startDateTime"].(string)
			to, _ := k["endDateTime"].(string)
			a, err := time.Parse(time.RFC3339, from)
			z, err2 := time.Parse(time.RFC3339, to)
			if err != nil || err2 != nil {
				continue
			}
			name := "secrets"
			if limit == 365 {
				name = "certificates"
			}
			if into[name] == nil {
				into[name] = &measured{file: "parameters", title: "max_" + strings.TrimSuffix(name, "s") + "_lifetime", asks: fmt.Sprintf("days > %v", limit), values: map[float64]int{}, groups: map[uint64]bool{}}
			}
			d := float64(int(z.Sub(a).Hours() / 24))
			into[name].see(uint64(len(into[name].groups)), d, d > limit)
		}
	}
}
