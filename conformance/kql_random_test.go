package conformance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"

	"github.com/rulewright/rulewright/internal/golden"
)

// mostDeviations is how many of a hundred pairs a rule of exclusion may explain,
// all of them together.
const mostDeviations = 2

// TestKQLRandom puts random trees and events to the reference and to KQL: one
// verdict, or a deviation with a reason. The table of deviations is committed,
// so that they cannot grow unseen.
func TestKQLRandom(t *testing.T) {
	pairs := 10_000
	if testing.Short() {
		pairs = 1_000
	}
	r := NewRandom(2)
	r.Exact = true
	counts := map[string]int{}
	deviations := 0
	for i := range pairs {
		e, ev := r.Pair()
		got, err := KQL().Verdicts(context.Background(), Question{Rule: &ir.Rule{When: e}, Events: []any{ev}})
		if err == nil && got[0].Match == Reference(e, ev) {
			continue
		}
		if d := explain(e, ev, err); d != "" {
			counts[d]++
			deviations++
			continue
		}
		t.Errorf("pair %d: KQL says %v, %v\ntree:  %s\nevent: %s", i, got, err, ir.Print(e), show(ev))
	}
	if deviations*100 > mostDeviations*pairs {
		t.Errorf("%d of %d pairs deviate", deviations, pairs)
	}
	t.Logf("%d pairs, %d deviate", pairs, deviations)
	if testing.Short() {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Where KQL may differ from the contract\n\nWritten by TestKQLRandom: the pairs of %d random trees and events on which the verdict\nof the printed query is not that of the reference, by the rule that explains it; %d in all.\nA rule without pairs is met by fixtures, or by the clashes of each operator with each kind of value.\n\n| rule | reason | pairs |\n|---|---|---|\n", pairs, deviations)
	for _, d := range KQLDeviations() {
		fmt.Fprintf(&b, "| %s | %s | %d |\n", d.Name, d.Reason, counts[d.Name])
	}
	golden.Compare(t, filepath.Join("testdata", "kql-deviations.md"), b.String())
}

// explain returns the deviation that lets a verdict or refusal differ, "" for
// none.
func explain(e ir.Expr, ev any, err error) string {
	if errors.Is(err, ErrUnsupported) {
		return ""
	}
	for _, d := range KQLDeviations() {
		if d.Of(e, ev) {
			return d.Name
		}
	}
	return ""
}

// TestKQLFixtures runs all fixtures through KQL.
func TestKQLFixtures(t *testing.T) {
	fixtures, ds := Load(Fixtures, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	verdicts, deviations := 0, map[string]int{}
	for _, f := range fixtures {
		for i := range f.Cases {
			c := &f.Cases[i]
			if f.isHistory(c) {
				continue
			}
			questions, err := f.questions(c)
			if err != nil {
				t.Error(err)
			}
			for _, q := range questions {
				for _, rule := range q.rules {
					if len(rule.Lacks) > 0 {
						continue
					}
					verdicts++
					got, err := verdictsOf(context.Background(), KQL(), Question{Rule: rule, Source: q.source, Events: []any{q.event}, Document: q.document, Options: q.options})
					want := Reference(rule.Predicate(), q.event)
					if err == nil && got[0].Match == want {
						continue
					}
					if d := explain(rule.Predicate(), q.event, err); d != "" {
						deviations[d]++
						continue
					}
					t.Errorf("%s:%d: %s: KQL says %v, %v; want %v\nevent: %s", f.File, c.Pos.Line, c.Name, got, err, want, show(q.event))
				}
			}
		}
	}
	t.Logf("%d verdicts; deviations %v", verdicts, deviations)
}
