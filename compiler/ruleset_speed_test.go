package compiler_test

import (
	"encoding/json"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
)

// quietWorkload returns events without a hit, raw and decoded.
func quietWorkload(tb testing.TB, rs *compiler.RuleSet, n int) (raw [][]byte, decoded []map[string]any) {
	w := conformance.NewWorkload(1)
	for len(raw) < n {
		e := w.Event()
		var ev map[string]any
		if err := json.Unmarshal(e.JSON, &ev); err != nil {
			tb.Fatal(err)
		}
		hits, err := rs.Match(ev)
		if err != nil {
			tb.Fatal(err)
		}
		if len(hits) == 0 {
			raw, decoded = append(raw, e.JSON), append(decoded, ev)
		}
	}
	return raw, decoded
}

// BenchmarkEvaluation matches the same events with the candidates evaluated as
// CEL and by functions over the same leaves.
func BenchmarkEvaluation(b *testing.B) {
	for _, native := range []bool{false, true} {
		rs, ds := compiler.NewRuleSet(conformance.WorkloadRules(1, 3000), compiler.RuleSetOptions{})
		if ds.HasErrors() {
			b.Fatal(ds)
		}
		name := "cel"
		if native {
			name = "native"
			compiler.EvaluateNatively(rs)
		}
		raw, _ := quietWorkload(b, rs, 1000)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := b.N; n > 0; n -= len(raw) {
				for _, ev := range raw[:min(n, len(raw))] {
					rs.Match(ev)
				}
			}
		})
	}
}
