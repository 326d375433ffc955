package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
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
