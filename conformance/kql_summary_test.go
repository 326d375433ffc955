package conformance

import (
	"testing"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLSummary: a summary tells of each group how many values each of its
// fields has, in any case; an empty text is none, and an event that lacks one
// field counts for the other.
func TestKQLSummary(t *testing.T) {
	docs, ds := sigma.Parse("summary.yaml", []byte(`
title: Failed sign-ins
name: failed
logsource: {product: azure, service: signinlogs}
detection: {sel: {ResultType: '50126'}, condition: sel}
---
rulewright: 1
title: Failed sign-ins by user
id: 0c9f6f0a-41f4-4b0d-9a2e-5f1f4f0f7a11
version: 1.0.0
level: low
tier: report
correlation: {type: summary, rules: [failed], group-by: [UserPrincipalName], fields: [IPAddress, AppId]}
`))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	pipeline, err := compiler.BuiltinPipeline("sentinel")
	if err != nil {
		t.Fatal(err)
	}
	rules, ds := compiler.LowerAll(docs, compiler.Options{Pipeline: pipeline})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	q, err := backends.KQL(rules[len(rules)-1], backends.Target{})
	if err != nil {
		t.Fatal(err)
	}
	signins := &kusto.Table{Columns: []kusto.Column{{Name: "TimeGenerated", Type: kusto.TypeDatetime}, {Name: "ResultType", Type: kusto.TypeString},
		{Name: "UserPrincipalName", Type: kusto.TypeString}, {Name: "IPAddress", Type: kusto.TypeString}, {Name: "AppId", Type: kusto.TypeString}}}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i, r := range [][]string{{"A", "10.0.0.1", ""}, {"a", "10.0.0.2", "X"}, {"a", "", "x"}, {"b", "", ""}} {
		signins.Rows = append(signins.Rows, []kusto.Value{at.Add(time.Duration(i) * time.Minute), "50126", r[0], r[1], r[2]})
	}
	parsed, err := kusto.Parse(q.Text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := parsed.Run(&kusto.Database{Tables: map[string]*kusto.Table{"SigninLogs": signins}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[any][3]any{}
	for _, row := range out.Rows {
		n := len(row)
		got[row[1]] = [3]any{row[n-3], row[n-2], row[n-1]}
	}
	if len(got) != 2 || got["a"] != [3]any{int64(3), int64(2), int64(1)} || got["b"] != [3]any{int64(1), int64(0), int64(0)} {
		t.Errorf("count and distinct values: %v\n%s", got, q.Text)
	}
}
