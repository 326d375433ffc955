package compiler

import (
	"slices"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func parseDocs(t *testing.T, text string) []*sigma.Document {
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
	if err != nil || len(hits) != 1 || hits[0].Rule.Title != "Failure" {
		t.Errorf("hits %v, %v", hits, err)
	}
	seen := map[string][]string{}
	err = rs.matchEach(ev, func(p *program, s *scratch, in *incoming) {
		for _, r := range rs.correlations {
			for _, tap := range r.Correlation.Inputs[0].Taps {
				if tap.Rule == p.rule {
					f, err := rs.leaves.field(tap.GroupBy[0], false)
					if err != nil {
						t.Fatal(err)
					}
					seen[r.Meta.Title] = s.event.keys(f)
				}
			}
		}
	})
	if want := []string{"ann@contoso.com", "bo"}; err != nil || !slices.Equal(seen["Many failures"], want) || !slices.Equal(seen["Old form"], want) {
		t.Errorf("keys %q, %v, want %q of both", seen, err, want)
	}
}
