package compiler

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func parseDocs(t testing.TB, text string) []*sigma.Document {
	t.Helper()
	docs, ds := sigma.Parse("set.yml", []byte(text))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return docs
}

const signInSet = `
title: Many failures
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c02
correlation:
  type: event_count
  rules: [failure]
  group-by: [UserPrincipalName]
  timespan: 10m
  condition: {gte: 3}
---
title: Failure
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c01
name: failure
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  condition: failed
---
title: Old form
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c03
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  timeframe: 5m
  condition: failed | count(IPAddress) by UserPrincipalName > 4
`

// The taps of a set's correlations are the very rules of its programs, one for
// each event form, and Match knows nothing of them.
func TestRuleSetCorrelations(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, signInSet), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	var titles []string
	for _, r := range rs.Rules() {
		titles = append(titles, r.Title)
	}
	if want := []string{"Many failures", "Failure", "Old form"}; !slices.Equal(titles, want) {
		t.Errorf("rules %q, want %q", titles, want)
	}
	programs := map[*ir.Rule]bool{}
	for _, l := range rs.rules {
		for _, p := range l.programs {
			programs[p.rule] = true
		}
	}
	if len(rs.correlations) != 2 {
		t.Fatalf("%d correlations", len(rs.correlations))
	}
	for _, r := range rs.correlations {
		if rs.infos[r] == nil || rs.infos[r].Title != r.Meta.Title {
			t.Errorf("%s: no info", r.Meta.Title)
		}
		taps := r.Correlation.Inputs[0].Taps
		if len(taps) < 3 {
			t.Errorf("%s: %d taps", r.Meta.Title, len(taps))
		}
		for _, tap := range taps {
			if !programs[tap.Rule] || len(tap.GroupBy) != 1 {
				t.Errorf("%s: %s is no rule of a program", r.Meta.Title, tap.Rule.Source.Form)
			}
		}
	}

	ev := map[string]any{"Type": "SigninLogs", "TimeGenerated": "2026-11-22T10:00:00Z", "ResultType": "50126", "UserPrincipalName": []any{"Ann@contoso.com", "ann@contoso.com", "Bo"}}
	hits, err := rs.Match(ev)
	if err != nil || len(hits) > 0 { // the correlations have them
		t.Errorf("hits %v, %v", hits, err)
	}
	seen := map[string][]string{}
	err = matchEach(rs, ev, func(p *program, s *scratch, in *incoming) {
		for _, r := range rs.correlations {
			for _, tap := range r.Correlation.Inputs[0].Taps {
				if tap.Rule == p.rule {
					f, err := rs.leaves.field(tap.GroupBy[0], false)
					if err != nil {
						t.Fatal(err)
					}
					seen[r.Meta.Title] = s.event.yield(f).foldedForms()
				}
			}
		}
	})
	if want := []string{"ann@contoso.com", "bo"}; err != nil || !slices.Equal(seen["Many failures"], want) || !slices.Equal(seen["Old form"], want) {
		t.Errorf("keys %q, %v, want %q of both", seen, err, want)
	}
}

func titlesOf(rules []*ir.Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, strings.TrimSpace(r.Meta.Title+" "+r.Source.Table))
	}
	return out
}

// Of a correlation there is one rule for all tables, behind what it taps.
func TestLowerAll(t *testing.T) {
	p, err := BuiltinPipeline("sentinel")
	if err != nil {
		t.Fatal(err)
	}
	rules, ds := LowerAll(parseDocs(t, signInSet), Options{Pipeline: p})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if want := []string{"Failure SigninLogs", "Old form SigninLogs", "Old form", "Many failures"}; !slices.Equal(titlesOf(rules), want) {
		t.Errorf("rules %q, want %q", titlesOf(rules), want)
	}
	before := map[*ir.Rule]bool{}
	for _, r := range rules {
		if r.Correlation != nil {
			for _, tap := range r.Correlation.Inputs[0].Taps {
				if !before[tap.Rule] {
					t.Errorf("%s taps what is not in front of it", r.Meta.Title)
				}
			}
		}
		before[r] = true
	}
	// A set of them is a set like that of the documents.
	rs, ds := NewRuleSetOf(rules, RuleSetOptions{})
	if ds.HasErrors() || len(rs.correlations) != 2 || len(rs.Rules()) != 3 {
		t.Errorf("%d correlations, %d rules, %v", len(rs.correlations), len(rs.Rules()), ds)
	}
	if _, ds := NewRuleSetOf(rules[1:], RuleSetOptions{}); ds.Count(sigma.SeverityError) != 1 {
		t.Errorf("a tapped rule is absent: %v", ds)
	}
}

// Rules that are only at hand are loaded for the correlation's sake, and have no
// hits of their own.
func TestReferredDocuments(t *testing.T) {
	docs := parseDocs(t, signInSet)
	ev := map[string]any{"Type": "SigninLogs", "TimeGenerated": "2026-11-22T10:00:00Z", "ResultType": "50126", "UserPrincipalName": "Ann"}
	rs, ds := NewRuleSet(docs[:1], RuleSetOptions{Options: Options{Documents: docs}})
	hits, err := rs.Match(ev)
	if ds.HasErrors() || err != nil || len(hits) != 0 || len(rs.correlations) != 1 || len(rs.Rules()) != 1 {
		t.Errorf("%v, %v: %d hits, %d correlations, %d rules", ds, err, len(hits), len(rs.correlations), len(rs.Rules()))
	}
	met := 0
	if err := matchEach(rs, ev, func(*program, *scratch, *incoming) { met++ }); err != nil || met != 1 {
		t.Errorf("met %d rules, %v", met, err)
	}
	rules, ds := Lower(docs[0], Options{Documents: docs})
	if ds.HasErrors() || len(rules) != 1 || rules[0].Inner {
		t.Errorf("rules %q, %v", titlesOf(rules), ds)
	}
	if rules, ds = Lower(docs[0], Options{}); len(rules) != 0 || ds.Count(sigma.SeverityError) != 1 || ds[0].Code != sigma.CodeUnknownRule {
		t.Errorf("rules %q, %v", titlesOf(rules), ds)
	}
}

// Fields are looked up where the rule's events are: what one table lacks is
// worth saying, what all lack is an error.
func TestCorrelationFields(t *testing.T) {
	text := `
title: A sign-in
name: signin
logsource: {product: azure, service: signinlogs}
detection:
  sel: {ResultType: 0}
  condition: sel
---
title: By location
correlation:
  type: event_count
  rules: [signin]
  group-by: [user, %s]
  timespan: 10m
  condition: {gte: 3}
  aliases: {user: {signin: UserPrincipalName}}
`
	p, err := BuiltinPipeline("sentinel")
	if err != nil {
		t.Fatal(err)
	}
	docs := parseDocs(t, strings.Replace(text, "%s", "Location", 1))
	rules, ds := Lower(docs[1], Options{Pipeline: p, Documents: docs})
	if len(ds) > 0 || len(rules) != 1 || rules[0].Correlation.Inputs[0].Taps[0].GroupBy[0].Column != "UserPrincipalName" {
		t.Errorf("%q: %v", titlesOf(rules), ds)
	}
	docs = parseDocs(t, strings.Replace(text, "%s", "Locatoin", 1))
	rules, ds = Lower(docs[1], Options{Pipeline: p, Documents: docs})
	if want := "set.yml:13:20: SigninLogs has no column for the field Locatoin [unknown-field]"; len(rules) != 0 || len(ds) != 1 || ds.Error() != want || ds[0].Hint != "did you mean Location?" {
		t.Errorf("%q: %v", titlesOf(rules), ds)
	}
	// In a pipeline that does not know the input's logsource, neither runs.
	if rules, ds = Lower(docs[1], Options{Pipeline: mustPipeline(t, "windows"), Documents: docs}); len(rules) != 0 || !ds.HasErrors() {
		t.Errorf("%q: %v", titlesOf(rules), ds)
	}
	// In a set without such a form both are left out, with a remark.
	rs, ds := NewRuleSet(docs, RuleSetOptions{Pipelines: []*Pipeline{mustPipeline(t, "windows")}})
	if len(rs.Rules()) != 0 || len(rs.correlations) != 0 || ds.HasErrors() || ds.Count(sigma.SeverityInfo) != 2 {
		t.Errorf("%d rules: %v", len(rs.Rules()), ds)
	}
}

func mustPipeline(t *testing.T, name string) *Pipeline {
	t.Helper()
	p, err := BuiltinPipeline(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCorrelationOverrides(t *testing.T) {
	docs := parseDocs(t, signInSet+`---
title: A filter
name: quiet
logsource: {product: azure, service: signinlogs}
filter:
  rules: any
  ann: {UserPrincipalName: Ann}
  condition: not ann
`)
	lower := func(text string) ([]*ir.Rule, sigma.Diagnostics) {
		o, ds := ParseOverrides("o.yml", []byte("rulewright-overrides: 1\noverrides:\n"+text))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := LowerAll(docs, Options{Overrides: o})
		return rules, append(o.Check(docs), ds...)
	}
	find := func(rules []*ir.Rule, title string) *ir.Rule {
		i := slices.IndexFunc(rules, func(r *ir.Rule) bool { return r.Meta.Title == title && r.Correlation != nil })
		if i < 0 {
			return nil
		}
		return rules[i]
	}
	many, old := "0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c02", "0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c03"

	rules, ds := lower("  - {rule: " + many + ", level: critical, thresholds: {gte: 7}}\n  - {rule: " + old + ", thresholds: {gt: 2.5}}\n")
	if len(ds) > 0 {
		t.Error(ds)
	}
	if r := find(rules, "Many failures"); r == nil || r.Meta.Level != "critical" || !strings.Contains(ir.PrintCorrelation(r.Correlation), "gte 7\n") {
		t.Errorf("rules %q", titlesOf(rules))
	}
	if r := find(rules, "Old form"); r == nil || !strings.Contains(ir.PrintCorrelation(r.Correlation), "gt 2.5\n") {
		t.Errorf("rules %q", titlesOf(rules))
	}

	for _, x := range []struct{ text, want string }{
		{"  - {rule: " + many + ", thresholds: {gt: 7}}\n", "o.yml:3:67: warning: the correlation Many failures has no gt to be replaced [override]"},
		{"  - {rule: failure, thresholds: {gt: 7}}\n", "o.yml:3:38: warning: the rule failure has no gt to be replaced [override]"},
		{"  - {rule: [" + many + ", failure], thresholds: {gte: 7}}\n", ""},
		{"  - {rule: [" + many + ", failure], thresholds: {lt: 7}}\n", "o.yml:3:78: warning: these rules have no lt to be replaced [override]"},
		{"  - rule: " + many + "\n    filter: {sel: {a: b}, condition: not sel}\n", "o.yml:4:13: warning: a filter has no effect on the correlation Many failures [override]"},
		{"  - {rule: " + old + ", thresholds: {gt: 0}}\n", ""},
		{"  - {rule: " + many + ", thresholds: {gte: -3}}\n", ""},
		{"  - {rule: failure, enabled: false}\n", "set.yml:6:11: an override disables the rule \"failure\", which the correlation needs [correlation]"},
		{"  - {rule: [failure, " + many + "], enabled: false}\n", ""},
		{"  - {rule: " + old + ", enabled: false}\n", ""},
		{"  - {rule: " + strings.ToUpper(old) + ", enabled: false}\n", ""},
		{"  - {rule: FAILURE, enabled: false}\n", "o.yml:3:12: warning: no rule has the id or name \"FAILURE\" [override]"},
		{"  - {rule: quiet, enabled: false}\n", "o.yml:3:12: warning: no rule has the id or name \"quiet\" [override]"}, // a filter
	} {
		if _, ds := lower(x.text); ds.Error() != x.want {
			t.Errorf("%s\ngot  %s\nwant %s", x.text, ds.Error(), x.want)
		}
	}
	rules, _ = lower("  - {rule: " + old + ", enabled: false}\n")
	if want := []string{"Failure", "Many failures"}; !slices.Equal(titlesOf(rules), want) {
		t.Errorf("rules %q, want %q", titlesOf(rules), want)
	}
	// A loop with a disabled correlation in it is none.
	loop := parseDocs(t, `
title: One
name: one
correlation: {type: event_count, rules: [two], timespan: 1m, condition: {gte: 1}}
---
title: Two
name: two
correlation: {type: event_count, rules: [one], timespan: 1m, condition: {gte: 1}}
`)
	o, _ := ParseOverrides("o.yml", []byte("rulewright-overrides: 1\noverrides: [{rule: two, enabled: false}]"))
	if _, ds := LowerAll(loop, Options{Overrides: o}); len(ds) != 1 || !strings.Contains(ds[0].Message, "disables") {
		t.Errorf("%v", ds)
	}
}

// A name inside a correlation means what it means under rules: an id in any
// case, a name as it is written.
func TestNamesInCorrelations(t *testing.T) {
	const failure, success = "aaaaaaaa-2222-4333-8444-5555555555aa", "aaaaaaaa-2222-4333-8444-5555555555bb"
	for _, x := range []struct{ name, ref, condition, want string }{
		{"failure", failure, "failure", ""},
		{"failure", failure, failure, ""},
		{"failure", failure, strings.ToUpper(failure), ""},
		{"failure", strings.ToUpper(failure), "failure", ""},
		{"failure", strings.ToUpper(failure), failure, ""},
		{"failure", "failure", strings.ToUpper(failure), ""},
		{"Failure", failure, "Failure", ""},
		{"Failure", failure, "failure", `condition names "failure", which is not among rules`},
		{"failure", failure, "FAILURE", `condition names "FAILURE", which is not among rules`},
		{"success", failure, "success", `condition names "success", which may mean each of several among rules: A failure (set.yml:1), A success (set.yml:9)`},
	} {
		docs := parseDocs(t, fmt.Sprintf(`title: A failure
id: %s
name: %s
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  condition: failed
---
title: A success
id: %s
name: success
logsource: {product: azure, service: signinlogs}
detection:
  ok: {ResultType: 0}
  condition: ok
---
rulewright: 1
title: Failures alone
correlation:
  type: counts
  rules: [%s, %[3]s]
  group-by: [UserPrincipalName]
  timespan: 10m
  condition:
    %[5]s: {gte: 3}
    %[3]s: {eq: 0}
`, failure, x.name, success, x.ref, x.condition))
		rs, ds := NewRuleSet(docs, RuleSetOptions{})
		errs := ds.Errors()
		found := slices.ContainsFunc(errs, func(d sigma.Diagnostic) bool { return d.Message == x.want })
		if good := x.want == ""; good != (len(errs) == 0) || good == found || good != (len(rs.correlations) == 1) {
			t.Errorf("%s, named by %s, condition %s: %d correlations, %v", x.name, x.ref, x.condition, len(rs.correlations), errs)
		}
	}
}

// TestOnlyFeed: whether a rule has hits of its own depends on the documents that
// correlations mean, however they name them, and on nothing else.
func TestOnlyFeed(t *testing.T) {
	const failure = "0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c01"
	base := `
title: Failure
id: ` + failure + `
name: failure
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  condition: failed
`
	correlation := func(name, rules, more string) string {
		return fmt.Sprintf("---\ntitle: %s\nname: %[1]s\ncorrelation: {type: event_count, rules: [%s], group-by: [UserPrincipalName], timespan: 10m, condition: {gte: 2}%s}\n", name, rules, more)
	}
	const generate = ", generate: true"
	p, err := BuiltinPipeline("sentinel")
	if err != nil {
		t.Fatal(err)
	}
	overrides, _ := ParseOverrides("o.yml", []byte("rulewright-overrides: 1\noverrides: [{rule: two, enabled: false}]"))
	for _, x := range []struct {
		name, text string
		more       string // at hand, and not asked for
		want       []string
		opts       Options
	}{
		{"alone", base, "", nil, Options{}},
		{"by id", base + correlation("two", failure, ""), "", []string{"Failure"}, Options{}},
		{"by id in capitals", base + correlation("two", strings.ToUpper(failure), ""), "", []string{"Failure"}, Options{}},
		{"by name", base + correlation("two", "failure", ""), "", []string{"Failure"}, Options{}},
		{"by another name", base + correlation("two", "Failure", ""), "", nil, Options{}},
		{"generating", base + correlation("two", "failure", generate), "", nil, Options{}},
		{"by id generating, by name not", base + correlation("two", failure, generate) + correlation("three", "failure", ""), "", nil, Options{}},
		{"by name generating, by id not", base + correlation("two", "failure", generate) + correlation("three", strings.ToUpper(failure), ""), "", nil, Options{}},
		{"a chain", base + correlation("two", "failure", "") + correlation("three", "two", ""), "", []string{"Failure", "two"}, Options{}},
		{"a chain that generates", base + correlation("two", "failure", "") + correlation("three", "two", generate), "", []string{"Failure"}, Options{}},
		{"a chain through what is at hand", base + correlation("three", "two", ""), correlation("two", "failure", "")[4:], []string{"Failure"}, Options{}},
		{"counted only by what is not asked for", base, correlation("two", "failure", "")[4:], nil, Options{}},
		{"of a correlation that is switched off", base + correlation("two", "failure", ""), "", []string{"Failure"}, Options{Overrides: overrides}},
		{"of a correlation with an error", base + correlation("two", "failure, nobody", ""), "", []string{"Failure"}, Options{}},
	} {
		docs := parseDocs(t, x.text)
		var more []*sigma.Document
		if x.more != "" {
			more = parseDocs(t, x.more)
		}
		var got []string
		feeders := OnlyFeed(docs, append(more, docs...))
		for _, d := range docs {
			if feeders[d] {
				got = append(got, d.Meta.Title)
			}
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
		x.opts.Documents = more
		rs, _ := NewRuleSet(docs, RuleSetOptions{Options: x.opts})
		hits, err := rs.Match(map[string]any{"Type": "SigninLogs", "TimeGenerated": "2026-11-22T10:00:00Z", "ResultType": "50126", "UserPrincipalName": "Ann"})
		if own := !slices.Contains(x.want, "Failure"); err != nil || own != (len(hits) == 1) {
			t.Errorf("%s: %d hits, %v", x.name, len(hits), err)
		}
		for _, r := range rs.Rules() {
			if r.OnlyFeeds != slices.Contains(x.want, r.Title) {
				t.Errorf("%s: the set says %v of %s", x.name, r.OnlyFeeds, r.Title)
			}
		}
		x.opts.Pipeline = p
		rules, _ := LowerAll(docs, x.opts)
		for _, r := range rules {
			if !r.Inner && r.OnlyFeeds != slices.Contains(x.want, r.Meta.Title) {
				t.Errorf("%s: lowered, it says %v of %s", x.name, r.OnlyFeeds, r.Meta.Title)
			}
		}
	}
}

func correlationOf(name string, rules ...string) *sigma.Document {
	c := &sigma.Correlation{Type: sigma.EventCount, Timespan: sigma.Timespan{Text: "1m", Seconds: 60},
		Thresholds: []sigma.Threshold{{Op: sigma.OpGTE, Value: sigma.Numeric{IsInt: true, Int: 1}}}}
	for _, r := range rules {
		c.Rules = append(c.Rules, sigma.Reference{Name: r})
	}
	return &sigma.Document{Kind: sigma.KindCorrelation, Meta: sigma.Meta{Name: name, Title: name}, Correlation: c}
}

func TestChainDepth(t *testing.T) {
	docs := parseDocs(t, signInSet)[1:2]
	at := "failure"
	for i := range maxChain {
		name := fmt.Sprint("c", i)
		docs = append([]*sigma.Document{correlationOf(name, at)}, docs...)
		at = name
	}
	if rules, ds := LowerAll(docs, Options{}); ds.HasErrors() || len(rules) != maxChain+1 {
		t.Errorf("%d rules, %v", len(rules), ds)
	}
	docs = append(docs, correlationOf("too deep", at), correlationOf("upon it", "too deep"))
	rules, ds := LowerAll(docs, Options{})
	if len(rules) != maxChain+1 || len(ds) != 2 || ds[0].Code != sigma.CodeCorrelation || ds[1].Code != sigma.CodeLimit {
		t.Errorf("%d rules, %v", len(rules), ds)
	}
}

// Sets that are made to be slow are not, and what has no meaning is said
// although no parser has seen it.
func TestHostileCorrelations(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	var ring, chain, alike, lost []*sigma.Document
	for i := range n {
		name := fmt.Sprint("c", i)
		ring = append(ring, correlationOf(name, fmt.Sprint("c", (i+1)%n)))
		chain = append(chain, correlationOf(name, fmt.Sprint("c", i+1)))
		alike = append(alike, correlationOf("same", "same"))
		lost = append(lost, correlationOf(name, fmt.Sprint("d", i)))
	}
	dense := make([]*sigma.Document, 400)
	var all []string
	for i := range dense {
		all = append(all, fmt.Sprint("c", i))
	}
	for i := range dense {
		dense[i] = correlationOf(all[i], all...)
	}
	for name, docs := range map[string][]*sigma.Document{"ring": ring, "chain": chain, "alike": alike, "lost": lost, "dense": dense} {
		rules, ds := LowerAll(docs, Options{})
		if len(rules) > 0 || len(ds) < len(docs) {
			t.Errorf("%s: %d rules, %d findings", name, len(rules), len(ds))
		}
	}

	rule := parseDocs(t, signInSet)[1]
	for name, change := range map[string]func(c *sigma.Correlation){
		"no rules":     func(c *sigma.Correlation) { c.Rules = nil },
		"itself":       func(c *sigma.Correlation) { c.Rules[0].Name = "it" },
		"negative":     func(c *sigma.Correlation) { c.Timespan.Seconds = -60 },
		"zero":         func(c *sigma.Correlation) { c.Timespan = sigma.Timespan{} },
		"huge":         func(c *sigma.Correlation) { c.Timespan.Seconds = math.MaxInt64 },
		"no threshold": func(c *sigma.Correlation) { c.Thresholds = nil },
		"infinite":     func(c *sigma.Correlation) { c.Thresholds[0].Value = sigma.Numeric{Float: math.Inf(1)} },
		"no number":    func(c *sigma.Correlation) { c.Thresholds[0].Value = sigma.Numeric{Float: math.NaN()} },
		"no type":      func(c *sigma.Correlation) { c.Type = "" },
		"no field":     func(c *sigma.Correlation) { c.Type = sigma.ValueCount },
		"no name":      func(c *sigma.Correlation) { c.GroupBy = []sigma.Field{{}} },
		"the element":  func(c *sigma.Correlation) { c.GroupBy = []sigma.Field{{Name: "."}} },
		"one rule":     func(c *sigma.Correlation) { c.Type = sigma.Temporal },
		"no new field": func(c *sigma.Correlation) { c.Type, c.Lookback = sigma.NewValue, c.Timespan },
		"no lookback":  func(c *sigma.Correlation) { c.Type, c.Silence = sigma.AfterSilence, c.Timespan },
		"no counts":    func(c *sigma.Correlation) { c.Type = sigma.Counts },
		"no ratio":     func(c *sigma.Correlation) { c.Type, c.Against = sigma.Increase, c.Timespan },
		"no group":     func(c *sigma.Correlation) { c.Type = sigma.Summary },
		"many rules":   func(c *sigma.Correlation) { c.Rules = make([]sigma.Reference, maxInputs+1) },
		"many fields":  func(c *sigma.Correlation) { c.GroupBy = make([]sigma.Field, maxKeyFields+1) },
		"many aliases": func(c *sigma.Correlation) { c.Aliases = make([]sigma.Alias, 2*maxKeyFields+1) },
		"percentile":   func(c *sigma.Correlation) { c.Type, c.Percentile = sigma.ValuePercentile, &sigma.Numeric{IsInt: true} },
		"unknown ratio": func(c *sigma.Correlation) {
			c.Type, c.Ratio = sigma.Counts, &sigma.Ratio{GTE: sigma.Numeric{IsInt: true, Int: 1}}
		},
		"bad zone":        func(c *sigma.Correlation) { c.Type, c.Zone = sigma.Increase, "Local" },
		"negative factor": func(c *sigma.Correlation) { c.Type, c.Factor = sigma.Increase, &sigma.Numeric{IsInt: true, Int: -1} },
	} {
		d := correlationOf("it", "failure")
		change(d.Correlation)
		rules, ds := Lower(d, Options{Documents: []*sigma.Document{rule, d, nil}})
		if len(rules) > 0 || !ds.HasErrors() {
			t.Errorf("%s: %d rules, %v", name, len(rules), ds)
		}
	}

	// Choices of rules grow fast.
	var docs []*sigma.Document
	var names []string
	for i := range 40 {
		r := *rule
		r.Meta.Name, r.Meta.ID = fmt.Sprint("r", i), ""
		docs, names = append(docs, &r), append(names, r.Meta.Name)
	}
	d := correlationOf("it", names...)
	d.Correlation.Type, d.Correlation.Thresholds = sigma.Temporal, nil
	half := &sigma.ConditionOf{Count: 20, Pattern: "r*"}
	d.Correlation.Expr = &sigma.Condition{Expr: &sigma.ConditionNot{Part: half}}
	if _, ds := Lower(d, Options{Documents: docs}); len(ds) != 1 || ds[0].Code != sigma.CodeLimit {
		t.Errorf("%v", ds)
	}
	d.Correlation.Expr.Expr = half
	if rules, ds := Lower(d, Options{Documents: docs}); len(ds) != 0 || ir.PrintCorrelation(rules[0].Correlation)[:len("correlation temporal\n  span 1m\n  gte 20\n")] != "correlation temporal\n  span 1m\n  gte 20\n" {
		t.Errorf("%v", ds)
	}
}

// matchEach calls f for each rule that is true of an event, rules that are only
// there for a correlation included.
func matchEach(rs *RuleSet, ev any, f func(p *program, s *scratch, in *incoming)) error {
	in, err := rs.incoming(ev)
	if err != nil {
		return err
	}
	return rs.match(&in, f)
}
