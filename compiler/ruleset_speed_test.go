package compiler_test

import (
	"encoding/json"
	"flag"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

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

var speed = flag.Int("speed", 0, "compare CEL with functions in so many alternating rounds (docs/performance.md)")

// TestEvaluationSpeed evaluates the candidates of events as CEL and by functions
// over the same leaves, event after event on one core, and compares the times.
func TestEvaluationSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rs, ds := compiler.NewRuleSet(conformance.WorkloadRules(1, 3000), compiler.RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	e := compiler.NewEvaluation(rs)
	w := conformance.NewWorkload(1)
	const events, times = 200, 100 // of each in a round
	var ratios []float64
	candidates := 0
	for round := range *speed {
		var took [2]time.Duration
		for range events {
			var ev map[string]any
			if err := json.Unmarshal(w.Event().JSON, &ev); err != nil {
				t.Fatal(err)
			}
			e.Event(ev, func(n int, cel, native func(times int) int) {
				if cel(1) != native(1) {
					t.Fatal("they differ")
				}
				candidates += n
				both := []func(int) int{cel, native}
				for i := range both {
					i = (i + round) % 2 // neither is always first
					from := cpuTime(t)
					both[i](times)
					took[i] += cpuTime(t) - from
				}
			})
		}
		ratios = append(ratios, float64(took[0])/float64(took[1]))
	}
	slices.Sort(ratios)
	n := len(ratios)
	t.Logf("%.1f candidates an event: CEL takes %.3f of the time of functions (%.3f to %.3f)", float64(candidates)/float64(events*n), ratios[n/2], ratios[n/4], ratios[n*3/4])
}

func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
