package conformance

import (
	"context"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLKeywords: keywords search each scalar of the message columns: of a
// dynamic column that holds an object, a list or a bare value, of a column of
// text that holds JSON or a text. Keys are no scalars.
func TestKQLKeywords(t *testing.T) {
	column := func(name string, stored, is ir.Type) ir.Field {
		return ir.Field{Name: name, Path: ir.Path{{Key: name}}, Stored: ir.Path{{Key: name, Single: stored != ir.TypeJSON}}, Column: name, ColumnType: stored, Type: is}
	}
	messages := []ir.Field{column("D", ir.TypeJSON, ir.TypeJSON), column("S", ir.TypeString, ir.TypeJSON)}
	keywords := func(op ir.Op, v ir.Value) *ir.Match {
		return &ir.Match{Field: ir.Field{Name: "keywords", Leaves: true}, Op: op, Values: []ir.Value{v}}
	}
	rule := func(e ir.Expr) *ir.Rule {
		return &ir.Rule{When: e, Source: ir.Source{Table: "T", Messages: messages}}
	}
	contains := keywords(ir.Contains, ir.String(`say "hi"`))
	for _, c := range []struct {
		event map[string]any
		want  bool
	}{
		{map[string]any{"D": `they say "HI" now`}, true},
		{map[string]any{"D": map[string]any{"a": map[string]any{"b": `say "hi"`}}}, true},
		{map[string]any{"D": []any{"x", []any{`say "hi"`}}}, true},
		{map[string]any{"D": []any{map[string]any{"k": `say "hi"`}}}, true},
		{map[string]any{"D": map[string]any{`say "hi"`: "x"}}, false},
		{map[string]any{"D": `say 'hi'`}, false},
		{map[string]any{"D": nil}, false},
		{map[string]any{}, false},
		{map[string]any{"S": `they say "hi"`}, true},
		{map[string]any{"S": `"say "hi"`}, true},
		{map[string]any{"S": `{"a":"say \"hi\""}`}, true},
		{map[string]any{"S": `{"a":"s\u0061y \"hi\""}`}, true},
		{map[string]any{"S": ` ["say \"hi\""]`}, true},
		{map[string]any{"S": `{"say \"hi\"":1}`}, false},
		{map[string]any{"S": `{no JSON: say "hi"`}, true},
		{map[string]any{"S": `say`}, false},
		{map[string]any{"S": ""}, false},
	} {
		for _, e := range []ir.Expr{contains, &ir.Not{X: contains}} {
			want := c.want == (e == ir.Expr(contains))
			got, err := KQL().Verdicts(context.Background(), Question{Rule: rule(e), Events: []any{c.event}})
			if err != nil || got[0].Match != want {
				t.Errorf("%s of %s: %v, %v; want %v", ir.Print(e), show(c.event), got, err, want)
			}
		}
	}
	number := keywords(ir.Equal, ir.Number{IsInt: true, Int: 5})
	for _, c := range []struct {
		d    any
		want bool
	}{{5, true}, {"5", true}, {"05", true}, {"x5", false}, {[]any{4, 5}, true}, {true, false}} {
		got, err := KQL().Verdicts(context.Background(), Question{Rule: rule(number), Events: []any{map[string]any{"D": c.d}}})
		if err != nil || got[0].Match != c.want {
			t.Errorf("5 in %v: %v, %v; want %v", c.d, got, err, c.want)
		}
	}
}
