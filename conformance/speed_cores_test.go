package conformance_test

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
)

// TestCoresSpeed compares how much faster two goroutines match than one with how
// much faster they decode. Time is that of a clock, which other work of the
// machine spoils; besides, that of the CPU, which says what the two take from
// each other in memory but not whether one waits for the other.
func TestCoresSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	if runtime.NumCPU() < 2 {
		t.Skip("there is one core")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	events := speedEvents()
	routed := speedSet(t, speedDocs(t), compiler.RuleSetOptions{})
	work := []func(events []workloadEvent){
		func(events []workloadEvent) {
			for i := range events {
				decodedEvent(&events[i])
			}
		},
		func(events []workloadEvent) {
			for i := range events {
				if _, err := routed.Match(events[i].JSON); err != nil {
					panic(err)
				}
			}
		},
	}
	for _, f := range work {
		f(events) // compiles what these events meet
	}
	type took struct{ clock, cpu float64 }
	run := func(f func([]workloadEvent), parts ...[]workloadEvent) took {
		clock, cpu := time.Now(), cpuTime()
		var wg sync.WaitGroup
		for _, p := range parts {
			wg.Go(func() { f(p) })
		}
		wg.Wait()
		return took{float64(time.Since(clock)), float64(cpuTime() - cpu)}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var clock, cpu [2][]float64 // speed-ups of decoding and of matching
	for range *speed {
		runtime.GC() // here, so that none falls into what is measured
		for block := range slices.Chunk(events, speedBlock) {
			for i, f := range work {
				one, two := run(f, block), run(f, block[:len(block)/2], block[len(block)/2:])
				clock[i] = append(clock[i], one.clock/two.clock)
				cpu[i] = append(cpu[i], 2*one.cpu/two.cpu)
			}
		}
	}
	t.Logf("two goroutines by the clock: decoding %.2f times faster, matching %.2f, that is %.3f of it", median(clock[0]), median(clock[1]), median(clock[1])/median(clock[0]))
	t.Logf("by the CPU's time: decoding %.2f, matching %.2f, that is %.3f of it", median(cpu[0]), median(cpu[1]), median(cpu[1])/median(cpu[0]))
}
