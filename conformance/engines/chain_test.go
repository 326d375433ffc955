package engines

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// TestLongChains puts chains as long as lowering takes them to each engine, all
// stages of one type, each over the stage before and a rule.
func TestLongChains(t *testing.T) {
	pipeline, err := compiler.BuiltinPipeline(string(event.LogAnalytics))
	if err != nil {
		t.Fatal(err)
	}
	const stages = 10
	conditions := map[sigma.CorrelationType]string{
		sigma.EventCount:      "timespan: 3s\n  condition: {gte: 1}",
		sigma.ValueCount:      "timespan: 3s\n  condition: {field: AppDisplayName, gte: 1}",
		sigma.Temporal:        "timespan: 3s\n  condition: {gte: 1}",
		sigma.TemporalOrdered: "timespan: 9s",
		sigma.ValueSum:        "timespan: 3s\n  condition: {field: DurationMs, gte: 1}",
		sigma.ValueAvg:        "timespan: 3s\n  condition: {field: DurationMs, gte: 1}",
		sigma.ValuePercentile: "timespan: 3s\n  condition: {field: DurationMs, gte: 1}",
		sigma.NewValue:        "lookback: 6s\n  fields: [AppDisplayName]",
		sigma.AfterSilence:    "silence: 1s\n  lookback: 30s",
		sigma.Counts:          "timespan: 9s\n  condition:\n    %[1]s: {gte: 1}\n    a: {gte: 1}",
		sigma.Increase:        "timespan: 2s\n  against: 2s\n  ratio: 1\n  minimum: 0\n  field: AppDisplayName",
	}
	sets := map[sigma.CorrelationType]string{}
	for typ, condition := range conditions {
		var b strings.Builder
		b.WriteString("rulewright: 1\ntitle: A\nname: a\nid: 00000000-0000-4000-8000-000000000000\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s: {OperationName: [a, b]}\n  condition: s\n")
		for i := range stages {
			rules := "a"
			if i > 0 {
				rules = fmt.Sprintf("c%d, a", i-1)
			} else if typ == sigma.Counts || typ == sigma.Temporal || typ == sigma.TemporalOrdered {
				rules = "b, a"
				b.WriteString("---\nrulewright: 1\ntitle: B\nname: b\nid: 00000000-0000-4000-8000-000000000099\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s: {OperationName: [b, c]}\n  condition: s\n")
			}
			first, _, _ := strings.Cut(rules, ",")
			fmt.Fprintf(&b, "---\nrulewright: 1\ntitle: C%[1]d\nname: c%[1]d\nid: 00000000-0000-4000-8000-00000000010%[1]d\n", i)
			if i == stages-1 {
				b.WriteString("once: {by: [UserPrincipalName], for: 5s}\n")
			}
			text := condition
			if strings.Contains(text, "%") {
				text = fmt.Sprintf(text, first)
			}
			fmt.Fprintf(&b, "correlation:\n  type: %s\n  rules: [%s]\n  group-by: [UserPrincipalName, Location, AppDisplayName, DurationMs]\n  %s\n", typ, rules, text)
		}
		sets[typ] = b.String()
	}
	for _, e := range open(t) {
		t.Run(e.name, func(t *testing.T) {
			if e.err != nil {
				t.Skip(e.err)
			}
			if e.name == "clickhouse" && !*slow {
				t.Skip("it takes long to read a chain: -slow")
			}
			for _, typ := range conformance.StreamTypes() {
				if sets[typ] == "" {
					continue // nothing stands on a summary
				}
				docs, ds := sigma.Parse("chain.yaml", []byte(sets[typ]))
				if ds.HasErrors() {
					t.Fatal(ds)
				}
				rules, ds := compiler.LowerAll(docs, compiler.Options{Pipeline: pipeline})
				if ds.HasErrors() {
					t.Fatal(ds)
				}
				r := newRandomHistories(e.name)
				hits := 0
				for range 2 {
					q := conformance.StreamQuestion{Rules: rules, Events: r.History()}
					want := conformance.ReferenceStream(rules, q.Events, 0)
					got, err := e.Hits(context.Background(), q)
					if err != nil {
						t.Fatalf("%s: %s", typ, clip(err.Error()))
					}
					if d := conformance.HitDifferences(want, got); len(d) > 0 {
						t.Errorf("%s: %s", typ, strings.Join(d[:min(len(d), 5)], "\n"))
					}
					hits += len(want)
				}
				t.Logf("%s: %d hits", typ, hits)
			}
		})
	}
}
