package compiler

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types/ref"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// broken is a predicate's program that panics, as cel-go reports it.
type broken struct{ cel.Program }

func (broken) Eval(any) (ref.Val, *cel.EvalDetails, error) {
	return nil, nil, errors.New("internal error: boom")
}

// A rule that fails over an event of plain values is disabled and named; the
// others go on.
func TestDisabled(t *testing.T) {
	rules := []*ir.Rule{
		{File: "a", Meta: sigma.Meta{Title: "inner"}, When: testMatch(ir.Equal, "f.g", "x")},
		{File: "b", Meta: sigma.Meta{Title: "always"}, When: ir.Const(true)},
	}
	for _, noIndex := range []bool{false, true} {
		rs, _ := NewRuleSetOf(rules, RuleSetOptions{NoIndex: noIndex})
		ev := event.Record{Event: map[string]any{"f": map[string]any{"g": "x"}}, ID: "1"}
		if hits, err := rs.MatchAs(event.Source{}, ev); err != nil || len(hits) != 2 {
			t.Fatalf("%d hits, %v", len(hits), err)
		}
		g := rs.rules[0].programs[0].group
		for _, q := range g.predicates {
			if g.programs[q.programs[0]].loaded.info.Title == "inner" {
				q.program = broken{q.program}
			}
		}
		for i := range 2 {
			hits, err := rs.MatchAs(event.Source{}, ev)
			if (err == nil) != (i > 0) || len(hits) != 1 || hits[0].Rule.Title != "always" {
				t.Errorf("%v %v", hits, err)
			}
			if i == 0 && err != nil && !strings.Contains(err.Error(), `"inner"`) {
				t.Errorf("the event that it failed on says %v", err)
			}
		}
		if d := rs.Disabled(); len(d) != 1 || d[0].Rule.Title != "inner" || !strings.Contains(d[0].Err.Error(), "boom") {
			t.Errorf("disabled %v", d)
		}
	}
}
