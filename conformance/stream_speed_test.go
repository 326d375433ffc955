package conformance_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// streamSpeedRules is a rule that every event of the benchmark matches, and a
// correlation over it.
const streamSpeedRules = `
title: Sign-in
name: sign-in
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c0d01
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 50126}
  condition: selection
---
title: Interactive sign-in
name: interactive
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c0d02
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 0}
  condition: selection
---
title: Many
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c0d03
correlation:
  type: %s
  rules: [%s]
  group-by: [UserPrincipalName]
  timespan: %s
%s`

var streamSpeedTypes = []struct{ name, rules, condition string }{
	{"event_count", "sign-in", "  condition: {gte: 1000}"},
	{"value_count", "sign-in", "  condition: {field: IPAddress, gte: 1000}"},
	{"temporal", "sign-in, interactive", ""},
}

// A streamLoad is a sign-in that is made to be of another user each time: users
// come round and round, so that each is a live group with three events in its
// window. What differs between events is made anew, as a decoder does it.
type streamLoad struct {
	ev    map[string]any
	users int
	n     int
	at    time.Time
	step  time.Duration
}

const streamEventsAGroup = 3

func newStreamLoad(groups int) *streamLoad {
	l := &streamLoad{at: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	for _, e := range speedEvents() {
		if e.Service == "signinlogs" {
			l.ev = decodedEvent(&e)
			break
		}
	}
	l.ev["ResultType"] = "50126"
	l.users, l.step = groups, time.Millisecond
	return l
}

// span is a timespan in which each group has streamEventsAGroup events.
func (l *streamLoad) span() string {
	return fmt.Sprintf("%ds", int64(l.users)*streamEventsAGroup*int64(l.step)/int64(time.Second))
}

func (l *streamLoad) next() event.Record {
	l.n++
	l.at = l.at.Add(l.step)
	// A walk through all groups in which neighbours are far apart.
	l.ev["UserPrincipalName"] = numbered("user0000000@contoso.com", len("user0000000"), l.n*7919%l.users)
	l.ev["IPAddress"] = numbered("203.0.113.000", len("203.0.113.000"), l.n/l.users%64)
	id := numbered("2f0a5f1c-0d01-4f0f-9a3e-000000000000", len("2f0a5f1c-0d01-4f0f-9a3e-000000000000"), l.n)
	return event.Record{Event: l.ev, Source: event.Source{Form: event.LogAnalytics, Table: "SigninLogs"}, Time: l.at, ID: id}
}

// numbered returns text with a number in the digits before end.
func numbered(text string, end, n int) string {
	b := append(make([]byte, 0, 64), text...)
	for ; n > 0; n /= 10 {
		end--
		b[end] = byte('0' + n%10)
	}
	return string(b)
}

func streamSpeedSet(tb testing.TB, name string, l *streamLoad) *compiler.RuleSet {
	for _, t := range streamSpeedTypes {
		if t.name == name {
			docs, ds := sigma.Parse("speed.yaml", fmt.Appendf(nil, streamSpeedRules, t.name, t.rules, l.span(), t.condition))
			if ds.HasErrors() {
				tb.Fatal(ds)
			}
			return speedSet(tb, docs, compiler.RuleSetOptions{})
		}
	}
	tb.Fatal("no such type")
	return nil
}

// BenchmarkStream measures what a Stream adds to matching, for an event that
// matches: Push less Match, as a ratio to decoding, block after block of each
// in one run. The groups are live: each has three events in its window.
func BenchmarkStream(b *testing.B) {
	events := speedEvents()
	for _, groups := range streamSpeedGroups() {
		for _, typ := range streamSpeedTypes {
			b.Run(fmt.Sprintf("%s/groups=%d", typ.name, groups), func(b *testing.B) {
				// What is matched is no part of what is pushed, so that no event
				// is missing in a window.
				l, alone := newStreamLoad(groups), newStreamLoad(groups)
				rs := streamSpeedSet(b, typ.name, l)
				st := compiler.NewStream(rs, compiler.StreamOptions{MaxGroups: 2 * groups})
				before := heapInUse()
				push := func() {
					if hits, err := st.Push(l.next()); err != nil || len(hits) > 0 {
						b.Fatal(len(hits), err)
					}
				}
				for range groups {
					push()
				}
				once := heapInUse()
				for range groups * (streamEventsAGroup - 1) {
					push()
				}
				full, from := heapInUse(), cpuTime()
				runtime.GC()
				collection := cpuTime() - from
				const block = 2_000
				var added, pushed []float64
				for b.Loop() {
					decode := perEvent(block/10, func(i int) {
						var v map[string]any
						if err := json.Unmarshal(events[i%len(events)].JSON, &v); err != nil {
							b.Fatal(err)
						}
					})
					match := perEvent(block, func(int) {
						if _, err := rs.Match(alone.next()); err != nil {
							b.Fatal(err)
						}
					})
					all := perEvent(block, func(int) { push() })
					added, pushed = append(added, (all-match)/decode), append(pushed, all/decode)
				}
				if st.Stats().Groups < groups {
					b.Fatalf("%d groups", st.Stats().Groups)
				}
				b.ReportMetric(median(added), "x-decode")
				b.ReportMetric(median(pushed), "x-decode-with-match")
				event := (full - once) / float64(groups*(streamEventsAGroup-1))
				b.ReportMetric(event, "B/event")
				b.ReportMetric((once-before)/float64(groups)-event, "B/group")
				b.ReportMetric(float64(collection.Microseconds())/1000, "ms/collection")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func heapInUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// perEvent returns the processor time that f takes on average.
func perEvent(n int, f func(i int)) float64 {
	from := cpuTime()
	for i := range n {
		f(i)
	}
	return float64(cpuTime()-from) / float64(n)
}

// streamSpeedGroups leaves the million to those who ask for it: it takes 2 GB.
func streamSpeedGroups() []int {
	if *streamMillion {
		return []int{10_000, 1_000_000}
	}
	return []int{10_000}
}

var streamMillion = flag.Bool("million", false, "BenchmarkStream with a million groups, too")
