package engines

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// TestLongLists puts lists of thousands of values and conditions of hundreds of
// parts to the engines, which refuse expressions that are too deep.
func TestLongLists(t *testing.T) {
	match := func(field string, op ir.Op, values ...ir.Value) ir.Expr {
		return &ir.Match{Field: ir.Field{Name: field, Path: ir.Path{{Key: field}}}, Op: op, Values: values}
	}
	texts := func(n int) (vs []ir.Value) {
		for i := range n {
			vs = append(vs, ir.String(fmt.Sprintf("word-é%d.", i)))
		}
		return vs
	}
	var regexps []ir.Value
	for i := range 600 {
		regexps = append(regexps, ir.Regex(fmt.Sprintf(`^w\w+-é%d$`, i)))
	}
	parts := make([]ir.Expr, 1200)
	for i := range parts {
		parts[i] = &ir.And{X: []ir.Expr{match(fmt.Sprint("a", i%40), ir.Contains, ir.String(fmt.Sprint("v", i))), &ir.Not{X: match("b", ir.Null)}}}
	}
	var questions []conformance.Question
	for _, c := range []struct {
		when  ir.Expr
		event map[string]any
	}{
		{match("a", ir.Contains, texts(3000)...), map[string]any{"a": "a WORD-É2999. x"}},
		{match("a", ir.Contains, texts(3000)...), map[string]any{"a": "a word-é3000. x"}},
		{&ir.Not{X: match("a", ir.EndsWith, texts(3000)...)}, map[string]any{}},
		{match("a", ir.Equal, texts(3000)...), map[string]any{"a": "word-É2999."}},
		{match("a", ir.Regexp, regexps...), map[string]any{"a": "word-é599"}},
		{&ir.Or{X: parts}, map[string]any{"a39": "v1199", "b": 1}},
		{&ir.Or{X: parts}, map[string]any{"a39": "v1199"}},
	} {
		questions = append(questions, conformance.Question{Rule: &ir.Rule{When: c.when}, Events: []any{c.event}})
	}
	check := func(engine string, i int, got []conformance.Verdict, err error) {
		q := questions[i]
		if want := conformance.Reference(q.Rule.When, q.Events[0]); err != nil || got[0].Match != want {
			t.Errorf("%s: question %d: %v, %s; want %v", engine, i, got, clip(fmt.Sprint(err)), want)
		}
	}
	for i, q := range questions {
		got, err := conformance.KQL().Verdicts(context.Background(), q)
		check("kql", i, got, err)
	}
	for _, o := range open(t) {
		if o.err != nil {
			t.Logf("%s: %v", o.name, o.err)
			continue
		}
		for i, q := range questions {
			if o.name == "clickhouse" && i > 4 {
				break // which takes half a minute to read such a condition
			}
			began := time.Now()
			a := o.events.Batch(context.Background(), []conformance.Question{q})[0]
			check(o.name, i, a.Verdicts, a.Err)
			t.Logf("%s: question %d: %d bytes, %v", o.name, i, len(a.Text), time.Since(began).Round(time.Millisecond))
		}
	}
}
