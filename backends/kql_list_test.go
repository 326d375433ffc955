package backends

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLList: lists that the query reads, and what keeps it from firing where
// one is empty.
func TestKQLList(t *testing.T) {
	list := ir.PatternPart{Kind: ir.OneOfList, Text: "vips"}
	s := column("S", ir.TypeString)
	like := func(cased bool, parts ...ir.PatternPart) ir.Expr {
		return &ir.Match{Field: s, Op: ir.Like, Cased: cased, Values: []ir.Value{ir.Pattern(parts)}}
	}
	any := ir.PatternPart{Kind: ir.AnyRun}
	for _, c := range []struct {
		name, watchlist string
		when            ir.Expr
		let, where      string
	}{
		{"one of them", "", like(false, list), "", `S in~ (vips_texts)`},
		{"cased, a watchlist", "VIP users", like(true, list), "", `S in (vips_texts)`},
		{"part", "", like(false, any, list, any), "vips_regex", `S matches regex strcat("(?is)", vips_regex)`},
		{"between", "", like(false, ir.PatternPart{Text: "a."}, list, any, ir.PatternPart{Text: "z"}), "vips_regex", `S matches regex strcat(@"(?is)\Aa\.", vips_regex, @".*z\z")`},
		{"not", "", &ir.Not{X: like(false, list)}, "", `not(S in~ (vips_texts))`},
		{"networks", "", &ir.Match{Field: column("A", ir.TypeIP), Op: ir.InNetwork, Values: []ir.Value{ir.Networks{Parameter: "vips"}}}, "vips_networks6", `ipv4_is_in_any_range(`},
		{"beside a text", "", &ir.Match{Field: s, Op: ir.Like, Values: []ir.Value{ir.Pattern{list}, ir.Pattern{any, {Text: "x"}, {Kind: ir.AnyOne}}}}, "", `S in~ (vips_texts)`},
	} {
		r := tableRule(c.when)
		r.Source.Parameters = []ir.Binding{{Name: "vips", Read: true, Watchlist: c.watchlist}}
		q, err := KQL(r, Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		source := "let vips_texts = toscalar(print value = vips | mv-expand value to typeof(string) | where isnotempty(value) | summarize make_list(value));"
		if c.watchlist != "" {
			source = `let vips_texts = toscalar(_GetWatchlist("VIP users") | project value = tostring(SearchKey) | where isnotempty(value) | summarize make_list(value));`
		}
		for _, want := range []string{source, "\nT\n| where array_length(vips_texts) > 0\n| ", c.where, "let " + c.let} {
			if !strings.Contains(q.Text, want) {
				t.Errorf("%s: no %s in\n%s", c.name, want, q.Text)
			}
		}
		if n := strings.Count(q.Text, "let "); n > 1 && c.let == "" {
			t.Errorf("%s: %d lists\n%s", c.name, n, q.Text)
		}
	}
	r := tableRule(like(false, list))
	r.Source.Parameters = []ir.Binding{{Name: "where", Read: true}}
	if q, err := KQL(r, Target{}); err == nil {
		t.Error(q.Text)
	}
}
