//go:build !race

// The race detector makes pools forget at random, so that what is counted here
// is only true without it.

package compiler_test

import (
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
)

// Events without a hit allocate nothing once the programs that they meet are
// compiled.
func TestMatchAllocatesNothing(t *testing.T) {
	rs, ds := compiler.NewRuleSet(conformance.WorkloadRules(1, 300), compiler.RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	raw, decoded := quietWorkload(t, rs, 300)
	boxed := make([]any, len(raw)) // handing bytes over as any would take an allocation of the test's
	for i := range raw {
		boxed[i] = raw[i]
	}
	for name, match := range map[string]func(i int) ([]compiler.Hit, error){
		"raw JSON": func(i int) ([]compiler.Hit, error) { return rs.Match(boxed[i]) },
		"decoded":  func(i int) ([]compiler.Hit, error) { return rs.Match(decoded[i]) },
	} {
		allocs := testing.AllocsPerRun(3, func() {
			for i := range raw {
				if hits, err := match(i); err != nil || len(hits) > 0 {
					t.Fatalf("event %d: %d hits, %v", i, len(hits), err)
				}
			}
		}) / float64(len(raw))
		// A collection in between may empty the pool.
		if allocs > 0.1 {
			t.Errorf("%s: %.2f allocations an event", name, allocs)
		}
	}
}
