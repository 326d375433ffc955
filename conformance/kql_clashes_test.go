package conformance

import (
	"context"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLClashes puts each operator to each kind of value in KQL: one verdict
// with the reference, or a deviation with a reason.
func TestKQLClashes(t *testing.T) {
	for _, c := range Clashes() {
		verdicts, wrong, deviations := 0, 0, map[string]int{}
		for n, e := range c.Trees {
			if _, negated := e.(*ir.Not); negated && n%3 != 0 || testing.Short() && n%10 != 0 {
				continue
			}
			for i, v := range eachVerdict(e, c.Events) {
				ev := c.Events[i]
				verdicts++
				if v.err == nil && v.match == Reference(e, ev) {
					continue
				}
				if d := explain(e, ev, v.err); d != "" {
					deviations[d]++
					continue
				}
				if wrong++; wrong < 12 {
					t.Errorf("KQL says %v, %v of %s\n%s", v.match, v.err, show(ev), ir.Print(e))
				}
			}
		}
		t.Logf("%s: %d verdicts, %d wrong; deviations %v", c.Name, verdicts, wrong, deviations)
	}
}

type verdictOrError struct {
	match bool
	err   error
}

// eachVerdict asks KQL about events in one query; about those with odd numbers
// in another, and where that has no answer, about each in its own.
func eachVerdict(e ir.Expr, events []any) []verdictOrError {
	out := make([]verdictOrError, len(events))
	ask := func(which []int) error {
		q := Question{Rule: &ir.Rule{When: e}}
		for _, i := range which {
			q.Events = append(q.Events, events[i])
		}
		got, err := KQL().Verdicts(context.Background(), q)
		for n, i := range which {
			if out[i].err = err; err == nil {
				out[i].match = got[n].Match
			}
		}
		return err
	}
	var plain, odd []int
	for i, ev := range events {
		if anyNumber(ev, oddNumber) {
			odd = append(odd, i)
		} else {
			plain = append(plain, i)
		}
	}
	_ = ask(plain) // an error stands at each event
	if ask(odd) != nil {
		for _, i := range odd {
			_ = ask([]int{i})
		}
	}
	return out
}
