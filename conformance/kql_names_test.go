package conformance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLHelperNames: what a correlation groups by and counts may have the names
// of the columns and statements that a query adds, in one table that is asked
// two things, with the same keys and with keys of their own.
func TestKQLHelperNames(t *testing.T) {
	column := func(name string, typ ir.Type) ir.Field {
		return ir.Field{Name: name, Path: ir.Path{{Key: name}}, Stored: ir.Path{{Key: name, Single: typ != ir.TypeJSON}}, Column: name, ColumnType: typ, Type: typ}
	}
	list := column("item_1", ir.TypeJSON)
	rule := func(value string) *ir.Rule {
		return &ir.Rule{Source: ir.Source{Table: "facts", Time: column("t", ir.TypeDatetime)},
			When: &ir.Any{Over: column("Kinds", ir.TypeJSON), X: &ir.Match{Field: ir.Field{}, Op: ir.Equal, Values: []ir.Value{ir.String(value)}}}}
	}
	names := []string{"match_1", "item_1", "i1", "g1", "e", "tap", "has_g1", "values_1", "input_1", "input_2", "event_1", "key_1", "has_1", "list_1", "v1", "n", "hits"}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for _, name := range names {
		for _, same := range []bool{true, false} {
			for _, typ := range []sigma.CorrelationType{sigma.Temporal, sigma.ValueCount} {
				by := column(name, ir.TypeString)
				if name == list.Name {
					by = list
				}
				other := by
				if !same {
					other = column("Other", ir.TypeString)
				}
				c := &ir.Correlation{Type: typ, GroupBy: []string{name}, Span: 60e6, Inputs: []ir.Input{
					{Taps: []ir.Tap{{Rule: rule("one"), GroupBy: []ir.Field{by}}}},
					{Taps: []ir.Tap{{Rule: rule("two"), GroupBy: []ir.Field{other}}}}}}
				if typ == sigma.ValueCount {
					c.Counted, c.Bounds = []string{name}, []ir.Bound{{Op: sigma.OpGTE, Value: ir.Number{IsInt: true, Int: 1}}}
					for i := range c.Inputs {
						c.Inputs[i].Taps[0].Counted = []ir.Field{by}
					}
				}
				q, err := backends.KQL(&ir.Rule{Correlation: c, Meta: sigma.Meta{Title: name}}, backends.Target{})
				if err != nil {
					t.Fatal(err)
				}
				table := &kusto.Table{Columns: []kusto.Column{{Name: "t", Type: kusto.TypeDatetime}, {Name: "Kinds", Type: kusto.TypeDynamic}, {Name: "Other", Type: kusto.TypeString}}}
				if by.ColumnType == ir.TypeJSON {
					table.Columns = append(table.Columns, kusto.Column{Name: name, Type: kusto.TypeDynamic})
				} else {
					table.Columns = append(table.Columns, kusto.Column{Name: name, Type: kusto.TypeString})
				}
				for i, r := range []struct {
					kinds []any
					key   string
				}{{[]any{"one"}, "ann"}, {[]any{"x", "two"}, "ann"}, {[]any{"one"}, "bob"}, {[]any{"x"}, "bob"}} {
					table.Rows = append(table.Rows, []kusto.Value{at.Add(time.Duration(i) * time.Second), r.kinds, r.key, r.key})
				}
				parsed, err := kusto.Parse(q.Text)
				if err != nil {
					t.Fatalf("%v\n%s", err, q.Text)
				}
				out, err := parsed.Run(&kusto.Database{Tables: map[string]*kusto.Table{"facts": table}})
				if err != nil {
					t.Errorf("%s, %s, same keys %v: %v\n%s", name, typ, same, err, q.Text)
					continue
				}
				var got []string
				for _, g := range out.Column(q.Group[0]) {
					got = append(got, fmt.Sprint(g))
				}
				want := []string{"ann"}
				if typ == sigma.ValueCount {
					want = append(want, "bob")
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s, %s, same keys %v: %q, want %q\n%s", name, typ, same, got, want, q.Text)
				}
			}
		}
	}
}
