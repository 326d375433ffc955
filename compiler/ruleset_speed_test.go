package compiler_test

import (
	"encoding/json"
	"flag"
	"os"
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

var (
	speed      = flag.Int("speed", 0, "compare CEL with functions in so many alternating rounds (docs/performance.md)")
	speedRules = flag.String("speed-rules", "", "compare over the rules of this folder and not over made ones")
)

// TestEvaluationSpeed evaluates the candidates of events as CEL and by functions
// over the same leaves, event after event on one core, and compares the times:
// routed, and with every event before every rule.
func TestEvaluationSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, opts := range map[string]compiler.RuleSetOptions{
		"routed":   {},
		"unrouted": {Pipelines: []*compiler.Pipeline{}, AnySource: true},
	} {
		t.Run(name, func(t *testing.T) {
			rs, ds := compiler.NewRuleSet(conformance.WorkloadRules(1, 3000), opts)
			if *speedRules != "" {
				rs, ds = compiler.Load(os.DirFS(*speedRules), opts)
			}
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			compareEvaluation(t, compiler.NewEvaluation(rs))
		})
	}
}

func compareEvaluation(t *testing.T, e *compiler.Evaluation) {
	w := conformance.NewWorkload(1)
	const events, times = 1000, 20 // of each in a round
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
				if n == 0 {
					return
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
	if candidates == 0 {
		t.Fatal("no event has a candidate")
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
