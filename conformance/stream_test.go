package conformance

import (
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// lowerStream lowers documents for the form of random histories.
func lowerStream(t testing.TB, docs []*sigma.Document) []*ir.Rule {
	t.Helper()
	pipeline, err := compiler.BuiltinPipeline(string(event.LogAnalytics))
	if err != nil {
		t.Fatal(err)
	}
	rules, ds := compiler.LowerAll(docs, compiler.Options{Pipeline: pipeline})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return rules
}

// Random correlations can be lowered, each type has hits in random histories,
// and the order of arrival makes no difference to them.
func TestRandomStreamLowers(t *testing.T) {
	r := NewRandomStream(*seed)
	for _, typ := range StreamTypes() {
		hits := 0
		for range 10 {
			text := r.Rules(typ, 5)
			docs, ds := sigma.Parse("random.yaml", []byte(text))
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			rules := lowerStream(t, docs)
			history := r.History()
			want := ReferenceStream(rules, history, time.Hour)
			for _, h := range want {
				if h.Event == "" {
					hits++
				}
			}
			const lateness = 5 * time.Second
			got := ReferenceStream(rules, r.Delayed(history, lateness), lateness)
			if len(got) != len(want) {
				t.Fatalf("%s: %d hits late, %d in order\n%s", typ, len(got), len(want), text)
			}
		}
		t.Logf("%s: %d hits", typ, hits)
		if hits == 0 {
			t.Errorf("no hit of %s", typ)
		}
	}
}
