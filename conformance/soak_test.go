package conformance_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

var soak = flag.Duration("soak", 0, "run TestSoak for so long")

// soakCorrelations are one of each type that hits come of while events do: summary
// has its own when the stream is closed.
const soakCorrelations = `---
title: Failed
name: failed
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c1d01
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 50126}
  condition: selection
---
title: Fine
name: fine
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c1d02
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 0}
  condition: selection
---
rulewright: 1
title: Seen at all
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c1d03
once: {by: [UserPrincipalName], for: 1h}
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 50053}
  condition: selection
`

var soakTypes = []string{
	"type: event_count\n  rules: [failed]\n  timespan: 10m\n  condition: {gte: 5}",
	"type: value_count\n  rules: [failed]\n  timespan: 1h\n  condition: {field: IPAddress, gte: 5}",
	"type: temporal\n  rules: [failed, fine]\n  timespan: 10m",
	"type: temporal_ordered\n  rules: [failed, fine]\n  timespan: 10m",
	"type: value_sum\n  rules: [fine]\n  timespan: 1h\n  condition: {field: DurationMs, gte: 1000}",
	"type: value_avg\n  rules: [fine]\n  timespan: 1h\n  condition: {field: DurationMs, gte: 99}",
	"type: value_percentile\n  rules: [fine]\n  timespan: 1h\n  condition: {field: DurationMs, gte: 99}",
	"type: counts\n  rules: [failed, fine]\n  timespan: 10m\n  condition:\n    failed: {gte: 5}\n    fine: {eq: 0}",
	"type: new_value\n  rules: [fine]\n  fields: [IPAddress]\n  lookback: 6h",
	"type: after_silence\n  rules: [fine]\n  silence: 2h\n  lookback: 6h",
	"type: increase\n  rules: [failed]\n  timespan: 1h\n  against: 1h\n  ratio: 2\n  field: IPAddress",
}

func soakDocs(tb testing.TB, more []*sigma.Document) []*sigma.Document {
	text := soakCorrelations
	for i, c := range soakTypes {
		text += fmt.Sprintf("---\nrulewright: 1\ntitle: Correlation %[1]d\nid: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c1e%02[1]d\ncorrelation:\n  group-by: [UserPrincipalName]\n  %s\n", i, c)
	}
	docs, ds := sigma.Parse("soak.yaml", []byte(strings.TrimPrefix(text, "---\n")))
	if ds.HasErrors() {
		tb.Fatal(ds)
	}
	return append(docs, more...)
}

// soakEvents makes sign-ins, so many a day; users come and go: most are seen
// for an hour.
type soakEvents struct {
	*rand.Rand
	at   time.Time
	step time.Duration
	n    int
}

func newSoakEvents(aDay int) *soakEvents {
	return &soakEvents{Rand: rand.New(rand.NewPCG(3, 4)), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), step: 24 * time.Hour / time.Duration(aDay)}
}

func (s *soakEvents) next() event.Record {
	s.n++
	s.at = s.at.Add(s.step)
	user := s.at.Unix()/600 + int64(s.IntN(6))
	ev := map[string]any{"Type": "SigninLogs", "ResultType": []string{"0", "50126", "50126", "50053"}[s.IntN(4)], "UserPrincipalName": fmt.Sprintf("user%d.%d@contoso.com", user, s.IntN(50)),
		"IPAddress": fmt.Sprintf("203.0.113.%d", s.IntN(100)), "DurationMs": s.IntN(100)}
	return event.Record{Event: ev, Source: event.Source{Form: event.LogAnalytics, Table: "SigninLogs"}, Time: s.at, ID: fmt.Sprintf("%012x", s.n)}
}

// A month of events, with groups that come and go: what is remembered at the
// end of a day does not grow.
func TestStreamMonth(t *testing.T) {
	days, aDay := 30, 6_000
	if testing.Short() {
		aDay = 1500
	}
	st := compiler.NewStream(speedSet(t, soakDocs(t, nil), compiler.RuleSetOptions{}), compiler.StreamOptions{Lateness: time.Minute})
	events := newSoakEvents(aDay)
	hits, before := 0, heapInUse()
	var heaps []float64
	var groups []int
	for range days {
		for range aDay {
			some, err := st.Push(events.next())
			if err != nil {
				t.Fatal(err)
			}
			hits += len(some)
		}
		heaps, groups = append(heaps, heapInUse()-before), append(groups, st.Stats().Groups)
	}
	runtime.KeepAlive(st)
	t.Logf("%d events, %d hits; groups at the end of a day %v; heap %.0f to %.0f KB", events.n, hits, groups[len(groups)-5:], slices.Min(heaps[2:])/1024, slices.Max(heaps[2:])/1024)
	if s := st.Stats(); s.EvictedGroups+s.DroppedEvents+s.Late > 0 || hits == 0 {
		t.Errorf("%d hits, %+v", hits, s)
	}
	if limit := 1.3*slices.Max(heaps[2:6]) + 256<<10; slices.Max(heaps[6:]) > limit {
		t.Errorf("the heap grew to %.0f KB, at first %.0f", slices.Max(heaps[6:])/1024, slices.Max(heaps[2:6])/1024)
	}
}

// heapLive is what the last collection found in use: what was made since does
// not count, of which there is much while others run.
func heapLive() float64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return float64(live[0].Value.Uint64())
}

// TestSoak runs all that a service does at full speed: rules on goroutines of
// their own, a stream whose hours are milliseconds, rule sets that are loaded
// and put in the place of those in use, checkpoints that are read back. The
// heap must not grow and no goroutine stay.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("no -soak given")
	}
	goroutines := runtime.NumGoroutine()
	load := func(i int) *compiler.RuleSet {
		return speedSet(t, soakDocs(t, conformance.WorkloadRules(uint64(i%3), 300)), compiler.RuleSetOptions{})
	}
	var current atomic.Pointer[compiler.RuleSet]
	current.Store(load(0))
	var matched, pushed, found, reloads, restores atomic.Int64
	stop, reload, reloaded := make(chan struct{}), make(chan *compiler.RuleSet), make(chan struct{}, 1)
	// The heap is looked at when one set is there, not the next one half loaded
	// beside it: how much that is depends on the moment.
	var loading sync.Mutex
	var all sync.WaitGroup
	over := func() bool {
		select {
		case <-stop:
			return true
		default:
			return false
		}
	}
	for i := range max(1, runtime.GOMAXPROCS(0)-1) {
		all.Go(func() {
			for events := workload(500); !over(); {
				for j, e := range events {
					var ev any = e.JSON
					if (i+j)%2 == 0 {
						ev = e.event
					}
					if _, err := current.Load().Match(ev); err != nil {
						t.Error(err)
					}
				}
				matched.Add(int64(len(events)))
			}
		})
	}
	all.Go(func() {
		opts := compiler.StreamOptions{Lateness: time.Minute, KeepEvents: true}
		st, events := compiler.NewStream(current.Load(), opts), newSoakEvents(50_000)
		for !over() {
			select {
			case rs := <-reload:
				st.Reload(rs)
				reloads.Add(1)
				if reloads.Load()%5 == 0 {
					var b bytes.Buffer
					if err := st.Snapshot(&b); err != nil {
						t.Error(err)
						return
					}
					var err error
					if st, _, err = compiler.RestoreStream(rs, opts, &b); err != nil {
						t.Error(err)
						return
					}
					restores.Add(1)
				}
				reloaded <- struct{}{}
			default:
			}
			for range 1000 {
				hits, err := st.Push(events.next())
				if err != nil {
					t.Error(err)
				}
				pushed.Add(1)
				found.Add(int64(len(hits)))
			}
		}
		st.Close()
	})
	all.Go(func() {
		for i := 1; !over(); i++ {
			loading.Lock()
			rs := load(i)
			current.Store(rs)
			select {
			case reload <- rs:
				select {
				case <-reloaded:
				case <-stop:
				}
			case <-stop:
			}
			loading.Unlock()
			select {
			case <-time.After(time.Second):
			case <-stop:
			}
		}
	})
	var heaps []float64
	began := time.Now()
	for time.Since(began) < *soak {
		time.Sleep(min(10*time.Second, *soak/10))
		loading.Lock()
		heaps = append(heaps, heapLive())
		loading.Unlock()
		t.Logf("%5.0fs: heap %.1f MB, %d goroutines, %d events matched, %d pushed, %d hits, %d reloads, %d restores", time.Since(began).Seconds(), heaps[len(heaps)-1]/1e6,
			runtime.NumGoroutine(), matched.Load(), pushed.Load(), found.Load(), reloads.Load(), restores.Load())
	}
	close(stop)
	all.Wait()
	third := len(heaps) / 3
	if early, late := median(heaps[third:2*third]), median(heaps[2*third:]); late > 1.2*early+1e6 {
		t.Errorf("the heap grew from %.1f to %.1f MB", early/1e6, late/1e6)
	}
	for range 50 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%d goroutines stayed", runtime.NumGoroutine()-goroutines)
}
