package conformance_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
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
		events[i].event = decodedEvent(&events[i])
	}
	return events
}

var speedEvents = sync.OnceValue(func() []workloadEvent { return workload(4 * speedBlock) })

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
	// decodes: it decodes the events first, as their consumers do, and what
	// decoding alone takes is not its own.
	decodes bool
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
				decodedEvent(&events[i])
			}
		}, false},
		{"routed, decoded", func(events []workloadEvent) {
			for i := range events {
				must(routed.Match(decodedEvent(&events[i])))
			}
		}, true},
		{"routed, bytes", func(events []workloadEvent) {
			for i := range events {
				must(routed.Match(events[i].JSON))
			}
		}, false},
		{"unrouted, decoded", func(events []workloadEvent) {
			for i := range events {
				must(unrouted.MatchAs(event.Source{}, decodedEvent(&events[i])))
			}
		}, true},
		{"unrouted, bytes", func(events []workloadEvent) {
			for i := range events {
				must(unrouted.MatchAs(event.Source{}, events[i].JSON))
			}
		}, false},
		{"unrouted, bytes, hits asked for all", func(events []workloadEvent) {
			for i := range events {
				hits, err := unrouted.MatchAs(event.Source{}, events[i].JSON)
				must(hits, err)
				for i := range hits {
					hits[i].ID()
					hits[i].Event()
					hits[i].Matched() // and what else is read with it
				}
			}
		}, false},
	}
}

func decodedEvent(e *workloadEvent) map[string]any {
	var v map[string]any
	if err := json.Unmarshal(e.JSON, &v); err != nil {
		panic(err)
	}
	return v
}

// speedBlock is how many events a contender has before the next one's turn: few,
// so that what disturbs the machine disturbs all.
const speedBlock = 2000

// TestSpeed measures the contenders block after block and prints medians of CPU
// time and of ratios to decoding.
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
	allocs := make([]float64, len(cs))
	for i, c := range cs {
		allocs[i] = testing.AllocsPerRun(1, func() { c.run(events) }) / float64(len(events))
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for round := range *speed {
		runtime.GC() // here, so that none falls into what is measured
		for i := range cs {
			times[i] = append(times[i], 0)
		}
		for block := range slices.Chunk(events, speedBlock) {
			for i, c := range cs {
				from := cpuTime()
				c.run(block)
				times[i][round] += float64(cpuTime()-from) / float64(len(events)) / 1000
			}
		}
	}
	for i, c := range cs {
		own, ratios := make([]float64, *speed), make([]float64, *speed)
		for r := range ratios {
			own[r] = times[i][r]
			if c.decodes {
				own[r] -= times[0][r]
			}
			ratios[r] = own[r] / times[0][r]
		}
		own0 := allocs[i]
		if c.decodes {
			own0 -= allocs[0]
		}
		fmt.Printf("%-36s %8.2f us, %7.3f of decoding (%.3f to %.3f), %6.2f allocs\n", c.name, median(own), median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75), own0)
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
			if err != nil || !slices.EqualFunc(got, want, func(a, b compiler.Hit) bool { return a.Rule.ID == b.Rule.ID && a.ID() == b.ID() }) {
				t.Fatalf("event %d, %s: %d hits, want %d, %v\n%s", n, name, len(got), len(want), err, e.JSON)
			}
		}
		if (n+1)%50000 == 0 {
			t.Logf("%d events so far, %d hits", n+1, hits)
		}
	}
	t.Logf("%d events, %d hits", *pairs, hits)
}

func median(x []float64) float64 { return quantile(x, 0.5) }

func quantile(x []float64, q float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[int(q*float64(len(x)))]
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
