package engines

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// TestSummary: a summary tells of each group how many values each of its fields
// has, in any case; an event that lacks one field counts for the other.
func TestSummary(t *testing.T) {
	const text = `
title: Failed sign-ins
name: failed
logsource: {category: signins}
detection: {sel: {code: '50126'}, condition: sel}
---
rulewright: 1
title: Failed sign-ins by user
id: 0c9f6f0a-41f4-4b0d-9a2e-5f1f4f0f7a11
version: 1.0.0
level: low
tier: report
correlation: {type: summary, rules: [failed], %sfields: [address, app]}
`
	events := []string{`{"code": "50126", "user": "A", "address": ["10.0.0.1", "10.0.0.3"]}`, `{"code": "50126", "user": "a", "address": "10.0.0.1", "app": "X"}`,
		`{"code": 50126, "user": "a", "app": "x"}`, `{"code": "50126", "user": "b"}`, `{"code": "0", "user": "b", "app": "y"}`}
	for _, c := range []struct {
		by   string
		want []string
	}{{"group-by: [user], ", []string{"a 3 2 1", "b 1 0 0"}}, {"group-by: [nobody], ", nil}} {
		docs, ds := sigma.Parse("summary.yaml", fmt.Appendf(nil, text, c.by))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := compiler.LowerAll(docs, compiler.Options{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		for _, o := range open(t) {
			t.Run(o.name, func(t *testing.T) {
				if o.err != nil {
					t.Skip(o.err)
				}
				query, err := backends.SQL(rules[len(rules)-1], o.Dialect, backends.Target{Table: "signins", Event: "event", Time: "happened"})
				if err != nil {
					t.Fatal(err)
				}
				for _, statement := range []string{"DROP TABLE IF EXISTS signins", "CREATE TEMPORARY TABLE signins (event " + o.Dialect.ColumnType(ir.TypeJSON) + ", happened " + o.Dialect.ColumnType(ir.TypeDatetime) + ")"} {
					if _, err := o.db.Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				for i, ev := range events {
					if _, err := o.db.Exec("INSERT INTO signins VALUES ("+o.placeholder(1)+", "+o.placeholder(2)+")", ev, fmt.Sprintf("2026-11-22T08:0%d:00Z", i)); err != nil {
						t.Fatal(err)
					}
				}
				rows, err := o.db.Query(query.Text)
				if err != nil {
					t.Fatalf("%v\n%s", err, query.Text)
				}
				defer rows.Close()
				columns, err := rows.Columns()
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(columns[4:], " "); got != "count distinct_address distinct_app" {
					t.Errorf("columns %s", got)
				}
				var got []string
				for rows.Next() {
					into := make([]any, len(columns))
					for i := range into {
						into[i] = new(any)
					}
					if err := rows.Scan(into...); err != nil {
						t.Fatal(err)
					}
					var texts []string
					for _, i := range []int{1, 4, 5, 6} {
						texts = append(texts, fmt.Sprint(*into[i].(*any)))
					}
					got = append(got, strings.Join(texts, " "))
				}
				slices.Sort(got)
				if !slices.Equal(got, c.want) {
					t.Errorf("%q, want %q\n%s", got, c.want, query.Text)
				}
			})
		}
	}
}
