package sigmago_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	upstream "github.com/bradleyjkemp/sigma-go"

	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/sigmago"
)

func ExampleFrom() {
	rule, err := upstream.ParseRule([]byte(`
title: Member added to a role
logsource: {product: azure, service: auditlogs}
detection:
    selection:
        OperationName|startswith: Add member to role
    known:
        InitiatedBy.user.userPrincipalName: [app.admin@contoso.com]
    condition: selection and not known
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, findings := sigmago.From(rule)
	if findings.HasErrors() {
		fmt.Println(findings)
		return
	}
	item := doc.Detection.Selection("selection").Body.(*sigma.AllOf).Items[0]
	fmt.Println(doc.Meta.Title)
	fmt.Println(item.Field.Name, item.Modifiers[0].Name, item.Pos)
	// Output:
	// Member added to a role
	// OperationName startswith {6 9}
}

// parse is From for a rule given as text.
func parse(t *testing.T, text string) (*sigma.Document, sigma.Diagnostics) {
	t.Helper()
	rule, err := upstream.ParseRule([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sigmago.From(rule)
}

func TestFromKeepsMeaning(t *testing.T) {
	for name, detection := range map[string]string{
		"values":     "selection: {a: x, b: 1, c: 1.5, d: true, e: null, f: [x, 2, null], g: '*\\*?', h: ''}\n  condition: selection",
		"modifiers":  "selection: {a|contains|all: [x, y], 'b|re': 'a.*', c|exists: false}\n  condition: selection",
		"maps":       "selection: [{a: x, b: y}, {c: z}]\n  condition: selection",
		"keywords":   "keywords: [x, 'y z']\n  condition: keywords",
		"all":        "keywords: {'|all': [x, y]}\n  condition: keywords",
		"quotes":     "selection: {a: \"tab\\there\", b: \"line\\nbreak\", c: 'say \"no\"', d: '\u2028', e: \"\\x7f\"}\n  condition: selection",
		"conditions": "a: {a: x}\n  b: {b: y}\n  c: {c: z}\n  condition: [a and (b or not c), not (a and b) or c, 1 of them, all of a*, 1 of b]",
		"nested":     "a: {a: x}\n  b: {b: y}\n  c: {c: z}\n  condition: a and (b and c) or (a or (b or not not c))",
	} {
		text := "title: T\nid: 6d0b1b0e-0c4b-4b44-9a53-7c0f5f4e6a11\ndate: 2026-11-22\nlogsource: {product: azure, other: x}\nlevel: low\nfalsepositives: [y, z]\ntags: [attack.t1098]\nrelated: [{id: 6d0b1b0e-0c4b-4b44-9a53-7c0f5f4e6a12, type: similar}]\ndetection:\n  " + detection + "\n"
		want, ds := sigma.Parse("", []byte(text))
		if ds.HasErrors() {
			t.Errorf("%s: %v", name, ds)
			continue
		}
		got, ds := parse(t, text)
		if got == nil || ds.HasErrors() {
			t.Errorf("%s: %v", name, ds)
			continue
		}
		for i, c := range got.Detection.Conditions {
			c.Text = want[0].Detection.Conditions[i].Text
		}
		if !sigma.Equal(want[0], got) {
			a, _ := sigma.Write(want[0])
			b, _ := sigma.Write(got)
			t.Errorf("%s: want\n%s\ngot\n%s", name, a, b)
		}
	}
}

// TestFromGo: a rule built in Go, without any position, with what sigma-go
// cannot read from text (a timeframe, a large threshold).
func TestFromGo(t *testing.T) {
	rule := upstream.Rule{
		Title:     "Many failures",
		Logsource: upstream.Logsource{Product: "azure", Service: "signinlogs"},
		Detection: upstream.Detection{
			Searches: map[string]upstream.Search{"failed": {EventMatchers: []upstream.EventMatcher{{
				{Field: "ResultType", Values: []any{int64(50126), "50053"}},
				{Field: "Seen", Modifiers: []string{"gte"}, Values: []any{1e21}},
				{Field: "When", Values: []any{time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}},
			}}}},
			Conditions: upstream.Conditions{{
				Search:      upstream.SearchIdentifier{Name: "failed"},
				Aggregation: upstream.Comparison{Func: upstream.Count{Field: "IPAddress", GroupedBy: "User"}, Op: upstream.GreaterThanEqual, Threshold: 1e6},
			}},
			Timeframe: 5 * time.Minute,
		},
		AdditionalFields: map[string]any{"custom": map[any]any{1: []any{2.5, nil, true}}, "date": time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
	}
	doc, ds := sigmago.From(rule)
	if doc == nil || ds.HasErrors() {
		t.Fatal(ds)
	}
	text, err := sigma.Write(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ResultType:\n            - 50126\n            - '50053'", "1000000000000000000000.0", "'2026-11-22'", "'2026-11-22T08:00:00Z'",
		"timeframe: 300s", "failed | count(IPAddress) by User >= 1000000", "date: 2026-11-22", "custom:\n    '1':\n        - 2.5\n        - null\n        - true"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if doc.Detection.Pos.IsValid() || doc.KeyPos("title").IsValid() {
		t.Error("positions of a rule that was never text")
	}
}

func TestFromRefuses(t *testing.T) {
	rule := func(s upstream.Search, c upstream.Condition) upstream.Rule {
		return upstream.Rule{Title: "T", Logsource: upstream.Logsource{Product: "x"}, Detection: upstream.Detection{
			Searches: map[string]upstream.Search{"s": s}, Conditions: upstream.Conditions{c}}}
	}
	good := upstream.Search{Keywords: []string{"x"}}
	name := upstream.Condition{Search: upstream.SearchIdentifier{Name: "s"}}
	for what, r := range map[string]upstream.Rule{
		"nothing":           {},
		"an empty search":   rule(upstream.Search{}, name),
		"both":              rule(upstream.Search{Keywords: []string{"x"}, EventMatchers: []upstream.EventMatcher{{}}}, name),
		"no condition":      rule(good, upstream.Condition{}),
		"an empty and":      rule(good, upstream.Condition{Search: upstream.And{}}),
		"an empty not":      rule(good, upstream.Condition{Search: upstream.Not{}}),
		"another name":      rule(good, upstream.Condition{Search: upstream.SearchIdentifier{Name: "t"}}),
		"a name of nothing": rule(good, upstream.Condition{Search: upstream.SearchIdentifier{}}),
		"near":              rule(good, upstream.Condition{Search: upstream.SearchIdentifier{Name: "s"}, Aggregation: upstream.Near{Condition: upstream.SearchIdentifier{Name: "s"}}}),
		"no function":       rule(good, upstream.Condition{Search: upstream.SearchIdentifier{Name: "s"}, Aggregation: upstream.Comparison{}}),
		"a Go value":        rule(upstream.Search{EventMatchers: []upstream.EventMatcher{{{Field: "a", Values: []any{make(chan int)}}}}}, name),
		"a modifier":        rule(upstream.Search{EventMatchers: []upstream.EventMatcher{{{Field: "a", Modifiers: []string{"containz"}, Values: []any{"x"}}}}}, name),
	} {
		if doc, ds := sigmago.From(r); !ds.HasErrors() {
			t.Errorf("%s: taken as %+v", what, doc)
		}
	}
	// A finding stands where sigma-go found the matcher.
	_, ds := parse(t, "title: T\nlogsource: {product: x}\ndetection:\n  s:\n    a: 1\n    b|containz: x\n  condition: s\n")
	if len(ds) != 1 || ds[0].Pos != (sigma.Pos{Line: 6, Col: 5}) || !strings.Contains(ds[0].Hint, "contains") {
		t.Errorf("%+v", ds)
	}
}
