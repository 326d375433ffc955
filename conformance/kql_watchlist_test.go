package conformance

import (
	"slices"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLWatchlists: values that a query reads when it runs, for rows and for
// elements, as texts and as networks; an empty watchlist never makes a rule
// fire.
func TestKQLWatchlists(t *testing.T) {
	profile, ds := compiler.ParseProfile("p.yaml", []byte("rulewright-profile: 1\nparameters: {ours: {watchlist: Ours}}\n"))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	lower := func(item string, pipeline string) (*sigma.Document, compiler.Options) {
		docs, ds := sigma.Parse("r.yml", []byte("title: t\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s:\n    "+item+"\n  condition: not s\n"))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		return docs[0], compiler.Options{Pipeline: mustBuiltin(t, pipeline), Profile: profile, Watchlists: true}
	}
	table := &kusto.Table{
		Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "TimeGenerated", Type: kusto.TypeDatetime}, {Name: "UserPrincipalName", Type: kusto.TypeString}, {Name: "IPAddress", Type: kusto.TypeString}, {Name: "RiskEventTypes", Type: kusto.TypeDynamic}},
		Rows: [][]kusto.Value{
			{int64(0), nil, "ANN@contoso.com", "10.0.0.7:443", []any{"x", "Ann@contoso.com"}},
			{int64(1), nil, "bob@contoso.com", "[2001:db8::1]:443", []any{}},
			{int64(2), nil, "", "", nil},
			{int64(3), nil, "carl@contoso.com", "192.0.2.1", []any{""}},
		},
	}
	for _, c := range []struct {
		name, item string
		keys       []string
		want       []int
	}{
		{"texts", "UserPrincipalName|expand: '%ours%'", []string{"ann@contoso.com", ""}, []int{1, 2, 3}},
		{"beside a text", "UserPrincipalName|expand: ['%ours%', 'bob@contoso.com']", []string{"ann@contoso.com"}, []int{2, 3}},
		{"in a list", "RiskEventTypes|expand: '%ours%'", []string{"ann@contoso.com"}, []int{1, 2, 3}},
		{"networks", "IPAddress|cidr|expand: '%ours%'", []string{"10.0.0.0/8", "2001:db8::/32"}, []int{2, 3}},
		{"an address", "IPAddress|cidr|expand: '%ours%'", []string{"192.0.2.1"}, []int{0, 1, 2}},
		{"parts", "UserPrincipalName|contains|expand: '%ours%'", []string{"CONTOSO.", ""}, []int{2}},
		{"ends", "UserPrincipalName|endswith|expand: '@%ours%'", []string{"contoso.com", "x.y"}, []int{2}},
		{"empty", "UserPrincipalName|expand: '%ours%'", nil, nil},
		{"of empty texts", "UserPrincipalName|expand: '%ours%'", []string{""}, nil},
		{"empty, of networks", "IPAddress|cidr|expand: '%ours%'", nil, nil},
	} {
		doc, opts := lower(c.item, "sentinel")
		rules, ds := compiler.Lower(doc, opts)
		if ds.HasErrors() || len(rules) != 1 || len(rules[0].Lacks) > 0 || rules[0].Source.Parameters[0].Watchlist != "Ours" {
			t.Errorf("%s: %v, %v", c.name, rules, ds)
			continue
		}
		q, err := backends.KQL(rules[0], backends.Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		list := &kusto.Table{Columns: []kusto.Column{{Name: "SearchKey", Type: kusto.TypeString}}}
		for _, k := range c.keys {
			list.Rows = append(list.Rows, []kusto.Value{k})
		}
		query, err := kusto.Parse(q.Text)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, q.Text)
			continue
		}
		out, err := query.Run(&kusto.Database{Tables: map[string]*kusto.Table{"SigninLogs": table}, Watchlists: map[string]*kusto.Table{"Ours": list}})
		if err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, q.Text)
			continue
		}
		var got []int
		for _, n := range out.Column(kqlRow) {
			got = append(got, int(n.(int64)))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: rows %v, want %v\n%s", c.name, got, c.want, q.Text)
		}
	}
	doc, opts := lower("UserPrincipalName|expand: '%ours%'", "log-analytics")
	opts.Watchlists = false
	if rules, ds := compiler.Lower(doc, opts); ds.HasErrors() || len(rules) != 1 || !slices.Equal(rules[0].Lacks, []string{"ours"}) {
		t.Errorf("in the process: %v, %v", rules, ds)
	}
}

func mustBuiltin(t *testing.T, name string) *compiler.Pipeline {
	p, err := compiler.BuiltinPipeline(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
