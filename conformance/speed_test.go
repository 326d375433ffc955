package conformance_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

var speed = flag.Int("speed", 0, "measure speeds in so many alternating rounds (docs/performance.md)")

var speedOnly = flag.String("speed-only", "", "measure only decoding and this contender")

// workloadEvent is an event of the workload, as it comes and decoded.
type workloadEvent struct {
	conformance.WorkloadEvent
	event map[string]any
}

func workload(n int) []workloadEvent {
	w := conformance.NewWorkload(1)
	events := make([]workloadEvent, n)
	for i := range events {
		events[i].WorkloadEvent = w.Event()
		if err := json.Unmarshal(events[i].JSON, &events[i].event); err != nil {
			panic(err)
		}
	}
	return events
}

var speedEvents = sync.OnceValue(func() []workloadEvent { return workload(1000) })

// speedDocs are SigmaHQ's rules or, without them, made ones of their kind.
func speedDocs(tb testing.TB) []*sigma.Document {
	if c, err := loadCorpus(); err == nil && len(c.docs) > 0 {
		return c.docs
	}
	tb.Log("no rules of SigmaHQ at hand: rules made for the purpose stand for them")
	return conformance.WorkloadRules(1, 3000)
}

func speedSet(tb testing.TB, docs []*sigma.Document, opts compiler.RuleSetOptions) *compiler.RuleSet {
	rs, ds := compiler.NewRuleSet(docs, opts)
	for _, d := range ds {
		if d.Severity == sigma.SeverityError {
			tb.Fatal(d)
		}
	}
	return rs
}

// A contender does one thing with every event.
type contender struct {
	name string
	run  func(events []workloadEvent)
}

func contenders(tb testing.TB) []contender {
	docs := speedDocs(tb)
	routed := speedSet(tb, docs, compiler.RuleSetOptions{})
	unrouted := speedSet(tb, docs, compiler.RuleSetOptions{Pipelines: []*compiler.Pipeline{}, AnySource: true})
	must := func(hits []compiler.Hit, err error) {
		if err != nil {
			panic(err)
		}
	}
	return []contender{
		{"decode", func(events []workloadEvent) {
			for i := range events {
				var v map[string]any
				if err := json.Unmarshal(events[i].JSON, &v); err != nil {
					panic(err)
				}
			}
		}},
		{"routed, decoded", func(events []workloadEvent) {
			for i := range events {
				must(routed.Match(events[i].event))
			}
		}},
		{"routed, bytes", func(events []workloadEvent) {
			for i := range events {
				must(routed.Match(events[i].JSON))
			}
		}},
		{"unrouted, decoded", func(events []workloadEvent) {
			for i := range events {
				must(unrouted.MatchAs(event.Source{}, events[i].event))
			}
		}},
		{"unrouted, bytes", func(events []workloadEvent) {
			for i := range events {
				must(unrouted.MatchAs(event.Source{}, events[i].JSON))
			}
		}},
	}
}

// TestSpeed measures the contenders block after block, so that what disturbs
// the machine disturbs all, and prints medians of CPU time and their ratios to
// decoding.
func TestSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	events := speedEvents()
	cs := contenders(t)
	times := make([][]float64, len(cs))
	if *speedOnly != "" {
		cs = slices.DeleteFunc(cs, func(c contender) bool { return c.name != "decode" && c.name != *speedOnly })
	}
	for _, c := range cs {
		c.run(events) // compiles what these events meet
	}
	for range *speed {
		for i, c := range cs {
			runtime.GC() // what the one before left over is not this one's work
			from := cpuTime()
			c.run(events)
			times[i] = append(times[i], float64(cpuTime()-from)/float64(len(events))/1000)
		}
	}
	base := median(times[0])
	for i, c := range cs {
		ratios := make([]float64, *speed)
		for r := range ratios {
			ratios[r] = times[i][r] / times[0][r]
		}
		allocs := testing.AllocsPerRun(1, func() { c.run(events) }) / float64(len(events))
		fmt.Printf("%-20s %8.2f us %7.3f x (median of ratios %.3f) %6.2f allocs\n", c.name, median(times[i]), median(times[i])/base, median(ratios), allocs)
	}
}

// BenchmarkWorkload runs each contender by itself; an operation is one event.
func BenchmarkWorkload(b *testing.B) {
	events := speedEvents()
	for _, c := range contenders(b) {
		c.run(events) // compiles what these events meet
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for n := b.N; n > 0; n -= len(events) {
				c.run(events[:min(n, len(events))])
			}
		})
	}
}

var pairs = flag.Int("pairs", 0, "compare the index with looking at every rule over so many events of the workload")

// TestIndexOnWorkload: an index, and matching bytes where they stand, change no
// hit. Each event is a pair with the whole rule set.
func TestIndexOnWorkload(t *testing.T) {
	if *pairs == 0 {
		t.Skip("no -pairs given; TestSigmaHQHits and the fuzz targets do the same in small")
	}
	docs := speedDocs(t)
	indexed, whole := speedSet(t, docs, compiler.RuleSetOptions{}), speedSet(t, docs, compiler.RuleSetOptions{NoIndex: true})
	w := conformance.NewWorkload(uint64(time.Now().UnixNano()))
	hits := 0
	for n := range *pairs {
		e := w.Event()
		var ev map[string]any
		if err := json.Unmarshal(e.JSON, &ev); err != nil {
			t.Fatal(err)
		}
		want, err := whole.Match(ev)
		if err != nil {
			t.Fatal(err)
		}
		hits += len(want)
		for name, given := range map[string]any{"indexed": ev, "bytes": e.JSON} {
			got, err := indexed.Match(given)
			if err != nil || !slices.EqualFunc(got, want, func(a, b compiler.Hit) bool { return a.Rule.ID == b.Rule.ID && a.ID == b.ID }) {
				t.Fatalf("event %d, %s: %d hits, want %d, %v\n%s", n, name, len(got), len(want), err, e.JSON)
			}
		}
	}
	t.Logf("%d events, %d hits", *pairs, hits)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
