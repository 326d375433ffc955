package compiler

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// TestStreamConcurrent has all at once: rules matched on several goroutines, a stream
// for each partition on its own, rule sets loaded and put in the place of those
// in use, snapshots taken and restored. The hits are those of one stream that
// nobody disturbed.
func TestStreamConcurrent(t *testing.T) {
	text := strings.Replace(snapshotSet, "GENERATE", "true", 1)
	metrics := &countingMetrics{}
	load := func(title string) *RuleSet {
		rs, ds := NewRuleSet(parseDocs(t, strings.ReplaceAll(text, "title: ", "title: "+title)), RuleSetOptions{Metrics: metrics})
		if ds.HasErrors() {
			t.Error(ds)
		}
		return rs
	}
	n := 2000
	if testing.Short() {
		n = 800
	}
	var events []map[string]any
	for i := range n {
		ev := signIn(0, fmt.Sprintf("user%d@contoso.com", i*i%37), []string{"50126", "0", "0", "50126"}[i%4])
		ev["Id"] = fmt.Sprint("e", i)
		ev["TimeGenerated"] = time.Date(2026, 3, 1, 0, 0, i, 0, time.UTC).Format(time.RFC3339)
		ev["Location"], ev["DurationMs"] = []any{"de", "fr", i}[i%3], 0.5*float64(i%5)
		events = append(events, ev)
	}
	opts := StreamOptions{Lateness: 20 * time.Second}
	want := map[string]int{}
	one := NewStream(load(""), opts)
	for _, ev := range events {
		hits, err := one.Push(ev)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			want[h.ID()]++
		}
	}
	for _, h := range one.Close() {
		want[h.ID()]++
	}

	var current atomic.Pointer[RuleSet]
	current.Store(load(""))
	var router atomic.Pointer[Router]
	router.Store(NewRouter(current.Load()))
	type message struct {
		key   string
		event any
		rules *RuleSet
	}
	partitions := make([]chan message, 3)
	got := make([]map[string]int, len(partitions))
	var streams, others sync.WaitGroup
	for i := range partitions {
		partitions[i], got[i] = make(chan message, 16), map[string]int{}
		streams.Go(func() {
			st := NewStream(current.Load(), opts)
			note := func(hits []*Hit) {
				for _, h := range hits {
					got[i][h.ID()]++
				}
			}
			done := 0
			for m := range partitions[i] {
				if m.rules != nil {
					if c := st.Reload(m.rules); len(c.Started)+len(c.Dropped) > 0 {
						t.Errorf("reload: %+v", c)
					}
					continue
				}
				hits, err := st.PushKey(m.key, m.event)
				if err != nil {
					t.Error(err)
				}
				note(hits)
				if done++; done%200 == 0 {
					var b bytes.Buffer
					if err := st.Snapshot(&b); err != nil {
						t.Error(err)
					}
					if st, _, err = RestoreStream(current.Load(), opts, &b); err != nil {
						t.Error(err)
						return
					}
				}
			}
			note(st.Close())
		})
	}
	stop := make(chan struct{})
	for range 2 {
		others.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := current.Load().Match(events[i%len(events)]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var sending sync.Mutex // a reload comes between two events
	others.Go(func() {
		for i := 0; ; i++ {
			rs := load(fmt.Sprintf("load %d, ", i))
			current.Store(rs)
			router.Store(NewRouter(rs))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			sending.Lock()
			for _, p := range partitions {
				p <- message{rules: rs}
			}
			sending.Unlock()
		}
	})
	for _, ev := range events {
		keys, err := router.Load().Keys(ev)
		if err != nil {
			t.Fatal(err)
		}
		sending.Lock()
		for _, k := range keys {
			h := fnv.New32a()
			h.Write([]byte(k))
			partitions[int(h.Sum32())%len(partitions)] <- message{key: k, event: ev}
		}
		sending.Unlock()
	}
	close(stop)
	others.Wait()
	for _, p := range partitions {
		close(p)
	}
	streams.Wait()
	all := map[string]int{}
	for _, ids := range got {
		for id, n := range ids {
			all[id] += n
		}
	}
	if !maps.Equal(all, want) {
		t.Errorf("%d hits, want %d", len(all), len(want))
	}
	for id, n := range all {
		if n != 1 {
			t.Errorf("hit %s came %d times", id, n)
		}
	}
	if metrics.events.Load() == 0 || metrics.rules.Load() == 0 || metrics.hits.Load() == 0 {
		t.Error("nothing was counted")
	}
}

type countingMetrics struct{ events, candidates, rules, hits, failed, late, evicted, nanos atomic.Int64 }

func (m *countingMetrics) Event(_ event.Source, candidates int, took time.Duration) {
	m.events.Add(1)
	m.candidates.Add(int64(candidates))
	m.nanos.Add(int64(took))
}
func (m *countingMetrics) Rule(*RuleInfo, bool, time.Duration) { m.rules.Add(1) }
func (m *countingMetrics) Hit(*RuleInfo)                       { m.hits.Add(1) }
func (m *countingMetrics) Failed(*RuleInfo, error)             { m.failed.Add(1) }
func (m *countingMetrics) Late(time.Duration)                  { m.late.Add(1) }
func (m *countingMetrics) Evicted(*RuleInfo)                   { m.evicted.Add(1) }

// What metrics are told adds up with what is returned and with Stats.
func TestMetrics(t *testing.T) {
	m := &countingMetrics{}
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(snapshotSet, "GENERATE", "true", 1)), RuleSetOptions{Metrics: m})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	st := NewStream(rs, StreamOptions{MaxGroups: 2})
	hits := 0
	events := snapshotEvents(30)
	slices.Reverse(events[20:])
	for _, ev := range events {
		some, err := st.Push(ev)
		if err != nil {
			t.Fatal(err)
		}
		hits += len(some)
	}
	hits += len(st.Close())
	s := st.Stats()
	if m.events.Load() != 30 || m.hits.Load() != int64(hits) || m.late.Load() != s.Late || m.evicted.Load() != s.EvictedGroups || s.Late == 0 || s.EvictedGroups == 0 {
		t.Errorf("%+v of %d hits, %+v", m, hits, s)
	}
	if m.candidates.Load() == 0 || m.rules.Load() < m.candidates.Load() {
		t.Errorf("%d candidates, %d rules", m.candidates.Load(), m.rules.Load())
	}
	one, err := rs.Match(events[0])
	if err != nil || m.hits.Load() != int64(hits+len(one)) {
		t.Errorf("%d hits of Match, %v", len(one), err)
	}
	raw := []byte(`{"Type":"SigninLogs","ResultType":"0","UserPrincipalName":"x","TimeGenerated":"2026-03-01T00:00:00Z"}`)
	before := m.events.Load()
	if _, err := rs.Match(raw); err != nil || m.events.Load() != before+1 {
		t.Errorf("raw: %d events more, %v", m.events.Load()-before, err)
	}
}

// Rules that share a key, and those that cannot be divided.
func TestRouterPartitions(t *testing.T) {
	text := strings.Replace(snapshotSet, "GENERATE", "false", 1) + `
---
title: By two
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c11
name: by-two
correlation: {type: event_count, rules: [failure], group-by: [IPAddress, UserPrincipalName], timespan: 5m, condition: {gte: 2}}
---
title: On top by the second
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c12
correlation: {type: event_count, rules: [by-two], group-by: [UserPrincipalName], timespan: 5m, condition: {gte: 2}}
---
title: All in one
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c13
correlation: {type: event_count, rules: [failure], timespan: 5m, condition: {gte: 2}}
---
title: By address
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c14
name: by-address
correlation: {type: event_count, rules: [failure], group-by: [IPAddress], timespan: 5m, condition: {gte: 2}}
---
title: On top by nothing
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c15
correlation: {type: event_count, rules: [by-address], timespan: 5m, condition: {gte: 2}}
`
	rs, ds := NewRuleSet(parseDocs(t, text), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	r := NewRouter(rs)
	got := map[string][]string{}
	for _, p := range r.Divisions() {
		for _, info := range p.Rules {
			got[p.By] = append(got[p.By], info.Title)
		}
		slices.Sort(got[p.By])
	}
	want := map[string][]string{
		"UserPrincipalName": {"A sign-in at all", "All of them", "Back again", "By two", "Got in", "Many failures", "More than before", "New place", "On top by the second", "Slow"},
		"":                  {"All in one", "By address", "On top by nothing"},
	}
	if !maps.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got %q", got)
	}
	keys, err := r.Keys(signIn(0, "Ann@contoso.com", "50126"))
	if err != nil || !slices.Equal(keys, []string{"ann@contoso.com", ""}) {
		t.Errorf("keys %q, %v", keys, err)
	}
	if keys, err = r.Keys(map[string]any{"Type": "AuditLogs"}); len(keys) != 0 || err != nil {
		t.Errorf("an event of no rule: %q, %v", keys, err)
	}
	if _, err = r.Keys([]byte("{")); err == nil {
		t.Error("no JSON")
	}
}
