package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

var seed = flag.Uint64("seed", 2, "of the random trees and events")

// TestRandom puts random trees and events to every referee and asks for one
// verdict.
func TestRandom(t *testing.T) {
	pairs := 10_000
	if testing.Short() {
		pairs = 1_000
	}
	const mostReported = 20
	r := NewRandom(*seed)
	reported := 0
	for i := range pairs {
		e, ev := r.Pair()
		for _, problem := range disagreements(e, ev, Referees()) {
			if reported++; reported > mostReported {
				t.Fatal("and more")
			}
			t.Errorf("pair %d: %s\ntree:  %s\nevent: %s", i, problem, ir.Print(e), show(ev))
		}
	}
}

var sets = flag.Int("sets", 0, "so many rule sets in TestRandomRuleSets")

// TestRandomRuleSets matches each event of many against all of many rules at
// once, where results are shared and an index chooses.
func TestRandomRuleSets(t *testing.T) {
	const rules, events = 100, 50
	many := 40
	if testing.Short() {
		many = 4
	}
	if *sets > 0 {
		many = *sets
	}
	r := NewRandom(*seed)
	for range many {
		var trees []*ir.Rule
		var evs []map[string]any
		for i := range rules {
			e, ev := r.Pair()
			if i < events {
				evs = append(evs, ev)
			}
			trees = append(trees, &ir.Rule{Meta: sigma.Meta{ID: strconv.Itoa(i)}, When: e})
		}
		for _, noIndex := range []bool{false, true} {
			set, ds := compiler.NewRuleSetOf(trees, compiler.RuleSetOptions{NoIndex: noIndex})
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			for _, ev := range evs {
				hits, err := set.MatchAs(event.Source{}, ev)
				if err != nil {
					t.Fatal(err)
				}
				hit := map[string]bool{}
				for _, h := range hits {
					hit[h.Rule.ID] = true
				}
				for _, rule := range trees {
					if want := Reference(rule.When, ev); hit[rule.Meta.ID] != want {
						t.Errorf("without index %v: %v, want %v\ntree:  %s\nevent: %s", noIndex, !want, want, ir.Print(rule.When), show(ev))
					}
				}
			}
		}
	}
}

// disagreements asks the referees about one event; the first is right.
func disagreements(e ir.Expr, ev any, referees []Referee) []string {
	var problems []string
	want := false
	for i, referee := range referees {
		verdicts, err := referee.Verdicts(context.Background(), Question{Rule: &ir.Rule{When: e}, Events: []any{ev}})
		switch {
		case errors.Is(err, ErrMissing), errors.Is(err, ErrUnsupported):
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: %v", referee.Name(), err))
		case i == 0:
			want = verdicts[0].Match
		case verdicts[0].Match != want:
			problems = append(problems, fmt.Sprintf("%s says %v, %s says %v", referee.Name(), verdicts[0].Match, referees[0].Name(), want))
		}
	}
	return problems
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
