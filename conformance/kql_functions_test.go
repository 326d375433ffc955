package conformance

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLPatternArguments: what a query reads as patterns when it is called, or
// from a watchlist, means what the same patterns mean in the profile: wildcards
// are wildcards, escaped ones and characters of regular expressions are not.
func TestKQLPatternArguments(t *testing.T) {
	doc := func(item string) *sigma.Document {
		docs, ds := sigma.Parse("r.yaml", []byte("rulewright: 1\ntitle: t\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: 1.0.0\nlevel: low\ntier: hunt\n"+
			"parameters: [{name: names, type: pattern, list: true}]\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s:\n    "+item+"\n  condition: s\n"))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		return docs[0]
	}
	values := []string{"adm-ann@contoso.com", "ADM-bob@contoso.com", "admXann@contoso.com", "bob@contoso.com", `adm*x`, `admyx`, `adm?`, `admz`, `a\b`, `a\*`, `a\xyz`, `(x)`, "x", "", "line\nbreak"}
	lists := [][]string{{"adm-*@contoso.com"}, {"adm?ann@*", "bob@*"}, {`adm\*x`}, {`adm\?`}, {`adm?`}, {`a\\*`}, {`a\\\*`}, {`a\b`}, {`a\\b`}, {"(x)"}, {"*"}, {"x", ""}, {`line*k`}, {""}, {"^x$"}, {`\`}, {`a\\`}}
	for _, item := range []string{"UserPrincipalName|expand: '%names%'", "UserPrincipalName|contains|expand: '%names%'", "UserPrincipalName|startswith|expand: '%names%'",
		"UserPrincipalName|neq|expand: '%names%'", "UserPrincipalName|cased|expand: '%names%'"} {
		for _, list := range lists {
			var vs []any
			for _, v := range list {
				vs = append(vs, v)
			}
			filled, err := (*compiler.Profile)(nil).WithValue("names", vs...)
			if err != nil {
				t.Fatal(err)
			}
			var want []int
			if !slices.Equal(list, []string{""}) { // no value: the rule does not run
				rules, ds := compiler.Lower(doc(item), compiler.Options{Pipeline: mustBuiltin(t, "sentinel"), Profile: filled})
				if ds.HasErrors() {
					t.Fatal(ds)
				}
				for i, v := range values {
					if Reference(rules[0].Predicate(), map[string]any{"UserPrincipalName": v}) {
						want = append(want, i)
					}
				}
			}
			rules, ds := compiler.Lower(doc(item), compiler.Options{Pipeline: mustBuiltin(t, "sentinel"), Ask: true})
			if ds.HasErrors() || len(rules) != 1 || !slices.Equal(rules[0].Asks(), []string{"names"}) {
				t.Fatal(rules, ds)
			}
			q, err := backends.KQL(rules[0], backends.Target{})
			if err != nil {
				t.Fatal(err)
			}
			table := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "TimeGenerated", Type: kusto.TypeDatetime}, {Name: "UserPrincipalName", Type: kusto.TypeString}}}
			for i, v := range values {
				table.Rows = append(table.Rows, []kusto.Value{int64(i), nil, v})
			}
			var literals []string
			for _, v := range list {
				literals = append(literals, strconv.Quote(v))
			}
			query, err := kusto.Parse("let F = (names:dynamic) {\n" + q.Text + "\n};\nF(dynamic([" + strings.Join(literals, ", ") + "]))")
			if err != nil {
				t.Fatalf("%v\n%s", err, q.Text)
			}
			out, err := query.Run(&kusto.Database{Tables: map[string]*kusto.Table{"SigninLogs": table}})
			if err != nil {
				t.Fatalf("%v\n%s", err, q.Text)
			}
			var got []int
			for _, n := range out.Column(kqlRow) {
				got = append(got, int(n.(int64)))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s with %q: rows %v, want %v\n%s", item, list, got, want, q.Text)
			}
		}
	}
}
