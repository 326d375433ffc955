package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLWatchlistsOfCorrelations: while a watchlist is empty that one of the
// rules reads, a correlation finds nothing, whichever way the rule asks for it.
func TestKQLWatchlistsOfCorrelations(t *testing.T) {
	profile, ds := compiler.ParseProfile("p.yaml", []byte("rulewright-profile: 1\nparameters: {ours: {watchlist: Ours}, nets: {watchlist: Nets}}\n"))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	at := func(minute int) time.Time { return time.Date(2026, 3, 2, 10, minute, 0, 0, time.UTC) }
	table := &kusto.Table{
		Columns: []kusto.Column{{Name: "TimeGenerated", Type: kusto.TypeDatetime}, {Name: "UserPrincipalName", Type: kusto.TypeString}, {Name: "IPAddress", Type: kusto.TypeString}, {Name: "ResultType", Type: kusto.TypeString}},
		Rows: [][]kusto.Value{
			{at(0), "ann@contoso.com", "10.0.0.1", "50126"}, {at(1), "ann@contoso.com", "10.0.0.1", "50126"}, {at(2), "ann@contoso.com", "192.0.2.1", "0"},
			{at(3), "bob@contoso.com", "192.0.2.1", "50126"}, {at(4), "bob@contoso.com", "192.0.2.1", "50126"}, {at(5), "bob@contoso.com", "10.0.0.1", "0"},
		},
	}
	const failed = `
title: failed
name: failed
logsource: {product: azure, service: signinlogs}
detection:
  s: {ResultType: 50126}
  ours: {%s}
  condition: s and %s
---
`
	const worked = `
title: worked
name: worked
logsource: {product: azure, service: signinlogs}
detection:
  s: {ResultType: 0}
  condition: s
---
`
	const count = "title: c\ncorrelation: {type: event_count, rules: [failed], group-by: [UserPrincipalName], timespan: 1h, condition: {gte: 2}}\n"
	const ordered = "title: c\ncorrelation: {type: temporal_ordered, rules: [failed, worked], group-by: [UserPrincipalName], timespan: 1h}\n"
	user, network := "UserPrincipalName|expand: '%ours%'", "IPAddress|cidr|expand: '%nets%'"
	for _, c := range []struct {
		name, rules string
		ours, nets  []string
		want        int
	}{
		{"not among them", fmt.Sprintf(failed, user, "not ours") + count, []string{"ann@contoso.com"}, nil, 1},
		{"among them", fmt.Sprintf(failed, user, "ours") + count, []string{"ann@contoso.com", "bob@contoso.com"}, nil, 2},
		{"not among none", fmt.Sprintf(failed, user, "not ours") + count, nil, nil, 0},
		{"not among empty texts", fmt.Sprintf(failed, user, "not ours") + count, []string{""}, nil, 0},
		{"among none", fmt.Sprintf(failed, user, "ours") + count, nil, nil, 0},
		{"in no network", fmt.Sprintf(failed, network, "not ours") + count, nil, []string{"10.0.0.0/8"}, 1},
		{"in none of no networks", fmt.Sprintf(failed, network, "not ours") + count, nil, nil, 0},
		{"one rule of two", fmt.Sprintf(failed, user, "not ours") + worked + ordered, []string{"ann@contoso.com"}, nil, 1},
		{"one rule of two, none", fmt.Sprintf(failed, user, "not ours") + worked + ordered, nil, nil, 0},
	} {
		docs, ds := sigma.Parse("r.yml", []byte(c.rules))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := compiler.Lower(docs[len(docs)-1], compiler.Options{Pipeline: mustBuiltin(t, "sentinel"), Profile: profile, Watchlists: true, Documents: docs})
		if ds.HasErrors() || len(rules) != 1 || len(rules[0].Lacks) > 0 {
			t.Errorf("%s: %v, %v", c.name, rules, ds)
			continue
		}
		q, err := backends.KQL(rules[0], backends.Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		query, err := kusto.Parse(q.Text)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, q.Text)
			continue
		}
		lists := map[string]*kusto.Table{}
		for name, keys := range map[string][]string{"Ours": c.ours, "Nets": c.nets} {
			lists[name] = &kusto.Table{Columns: []kusto.Column{{Name: "SearchKey", Type: kusto.TypeString}}}
			for _, k := range keys {
				lists[name].Rows = append(lists[name].Rows, []kusto.Value{k})
			}
		}
		out, err := query.Run(&kusto.Database{Tables: map[string]*kusto.Table{"SigninLogs": table}, Watchlists: lists})
		if err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, q.Text)
			continue
		}
		if len(out.Rows) != c.want {
			t.Errorf("%s: %d hits, want %d\n%s", c.name, len(out.Rows), c.want, q.Text)
		}
	}
}
