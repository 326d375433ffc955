package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

var restarts = flag.Int("restarts", 3, "random sets of each type of correlation for TestStreamKills, TestStreamReloads and TestStreamShards")

// wholeHit is all that a hit says, but for its repeats: they are counted on what
// was handed out before.
func wholeHit(h *compiler.Hit) string {
	type contribution struct {
		Rule, Event string
		Input       int
		Time        time.Time
		Source      event.Source
		Selections  []string
		Kept        string
	}
	jsonOf := func(x any) string {
		b, err := json.Marshal(x)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	var by []contribution
	for _, c := range h.Contributing {
		by = append(by, contribution{c.Rule.ID, c.EventID, c.Input, c.Time, c.Source, c.Selections, jsonOf(c.Event)})
	}
	return fmt.Sprint(h.ID(), " ", h.Rule.ID, " ", h.Time(), h.Source, h.Selections(), jsonOf(h.Matched()), h.Entities(), jsonOf(h.Event()), h.EventID(), h.Group, h.Window, h.Value, h.Before, h.Counts, h.NewValue, h.Distinct, jsonOf(by))
}

func wholeHits(hits []*compiler.Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, wholeHit(h))
	}
	return out
}

// streamCase is a set, a history as it arrives, and the hits without any
// interruption.
type streamCase struct {
	text   string
	set    *compiler.RuleSet
	events []event.Record
	opts   compiler.StreamOptions
	want   []string
}

// eachStreamCase calls f with random cases of all types.
func eachStreamCase(t *testing.T, histories int, f func(t *testing.T, r *RandomStream, c *streamCase)) {
	for _, typ := range StreamTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			r := NewRandomStream(*seed + 7)
			hits := 0
			for i := range *restarts {
				if r.Unit = time.Second; typ == sigma.Increase && i%2 == 0 {
					r.Unit = 6 * time.Hour
				}
				p := newStreamPair(t, r, typ)
				for range histories {
					c := &streamCase{text: p.text, set: p.set, events: r.History(), opts: compiler.StreamOptions{KeepEvents: r.chance(50)}}
					if r.chance(60) {
						c.opts.Lateness = time.Duration(1+r.IntN(8)) * r.Unit
						c.events = r.Delayed(c.events, pickOf(r, c.opts.Lateness, 2*c.opts.Lateness))
					}
					c.want = wholeHits(pushAll(t, c, compiler.NewStream(c.set, c.opts), 0))
					hits += len(c.want)
					if f(t, r, c); t.Failed() {
						t.Fatalf("%s\n%s", c.text, showHistory(c.events))
					}
				}
			}
			t.Logf("%d hits", hits)
			if hits < *restarts*histories {
				t.Errorf("%d hits are too few to show anything", hits)
			}
		})
	}
}

// pushAll pushes the events from one on and closes the stream.
func pushAll(t *testing.T, c *streamCase, st *compiler.Stream, from int) (hits []*compiler.Hit) {
	for _, e := range c.events[from:] {
		some, err := st.Push(e)
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, some...)
	}
	return append(hits, st.Close()...)
}

func (c *streamCase) differ(t *testing.T, what string, got []string) {
	t.Helper()
	if slices.Equal(got, c.want) {
		return
	}
	for _, x := range got {
		if !slices.Contains(c.want, x) {
			t.Errorf("%s: too much or different: %s", what, x)
		}
	}
	for _, x := range c.want {
		if !slices.Contains(got, x) {
			t.Errorf("%s: lacking: %s", what, x)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: another order or number: %d hits, want %d", what, len(got), len(c.want))
	}
}

// A process is killed twenty times at random points, between its checkpoints. A
// checkpoint keeps the position, the snapshot and the hits so far together;
// behind it the hits are the same again, by their ids and in all that they say.
func TestStreamKills(t *testing.T) {
	histories := 8
	if testing.Short() {
		histories = 4
	}
	eachStreamCase(t, histories, func(t *testing.T, r *RandomStream, c *streamCase) {
		type checkpoint struct {
			position int
			snapshot []byte
			hits     []string
		}
		st := compiler.NewStream(c.set, c.opts)
		save := func(st *compiler.Stream, position int, hits []string) checkpoint {
			var b bytes.Buffer
			b.WriteString("own data")
			if err := st.Snapshot(&b); err != nil {
				t.Fatal(err)
			}
			b.WriteString("and more")
			return checkpoint{position, b.Bytes(), slices.Clone(hits)}
		}
		last := save(st, 0, nil)
		var hits []string
		seen := map[string]bool{}
		kills := 0
		for i := 0; ; i++ {
			if i > len(c.events) || kills < 20 && r.chance(40) {
				if i > len(c.events) && kills >= 20 {
					break
				}
				// Killed: what was not checkpointed is gone.
				kills++
				rd := bytes.NewReader(last.snapshot)
				own := make([]byte, 8)
				rd.Read(own)
				var carried compiler.Carried
				var err error
				if st, carried, err = compiler.RestoreStream(c.set, c.opts, rd); err != nil {
					t.Fatal(err)
				}
				if rest := rd.Len(); rest != 8 || len(carried.Started)+len(carried.Dropped) > 0 {
					t.Fatalf("%d bytes left, started %v, dropped %v", rest, carried.Started, carried.Dropped)
				}
				i, hits = last.position-1, slices.Clone(last.hits)
				continue
			}
			var some []*compiler.Hit
			if i < len(c.events) {
				var err error
				if some, err = st.Push(c.events[i]); err != nil {
					t.Fatal(err)
				}
			} else {
				some = st.Close()
			}
			for _, x := range wholeHits(some) {
				hits = append(hits, x)
				seen[x] = true
			}
			if i < len(c.events) && r.chance(30) {
				last = save(st, i+1, hits)
			}
		}
		c.differ(t, "after kills", hits)
		// Who does not keep hits and position together sees some twice, but no others.
		if len(seen) != len(hits) {
			t.Errorf("%d different hits in all runs, want %d", len(seen), len(hits))
		}
	})
}

// Rule sets are loaded anew between events: nothing is lost, nothing doubled,
// and a rule that comes and goes disturbs no other.
func TestStreamReloads(t *testing.T) {
	histories := 8
	if testing.Short() {
		histories = 4
	}
	pipeline, err := compiler.BuiltinPipeline(string(event.LogAnalytics))
	if err != nil {
		t.Fatal(err)
	}
	const guest = `---
rulewright: 1
title: A guest
name: guest
id: 00000000-0000-4000-8000-0000000000ff
once: {by: [Location], for: 1h}
logsource: {product: azure, service: signinlogs}
detection:
  s: {OperationName: a}
  condition: s
---
rulewright: 1
title: Guests
id: 00000000-0000-4000-8000-0000000000fe
correlation:
  type: event_count
  rules: [guest]
  group-by: [UserPrincipalName]
  timespan: 30s
  generate: true
  condition: {gte: 1}
`
	eachStreamCase(t, histories, func(t *testing.T, r *RandomStream, c *streamCase) {
		load := func(text string) *compiler.RuleSet {
			docs, _ := sigma.Parse("random.yaml", []byte(text))
			set, ds := compiler.NewRuleSet(docs, compiler.RuleSetOptions{Pipelines: []*compiler.Pipeline{pipeline}})
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			return set
		}
		sets := []*compiler.RuleSet{c.set, load(strings.ReplaceAll(c.text, "title: ", "title: the same, ")), load(strings.TrimSuffix(c.text, "---\n") + guest)}
		st := compiler.NewStream(c.set, c.opts)
		var hits []*compiler.Hit
		guests := false
		for i := range len(c.events) + 1 {
			for r.chance(40) {
				n := r.IntN(len(sets))
				got := st.Reload(sets[n])
				if had := guests; len(got.Started) > 0 != (n == 2 && !had) || len(got.Dropped) > 0 != (n != 2 && had) {
					t.Fatalf("set %d: started %d, dropped %v", n, len(got.Started), got.Dropped)
				}
				guests = n == 2
			}
			if i == len(c.events) {
				break
			}
			some, err := st.Push(c.events[i])
			if err != nil {
				t.Fatal(err)
			}
			hits = append(hits, some...)
		}
		hits = append(hits, st.Close()...)
		hits = slices.DeleteFunc(hits, func(h *compiler.Hit) bool {
			return strings.HasSuffix(h.Rule.ID, "0000000000ff") || strings.HasSuffix(h.Rule.ID, "0000000000fe")
		})
		c.differ(t, "after reloads", wholeHits(hits))
	})
}

// TestStreamShards: partitions, each with a stream that gets only what comes
// under its keys, have together the hits of one stream of all events.
func TestStreamShards(t *testing.T) {
	histories := 8
	if testing.Short() {
		histories = 4
	}
	messages, events, divided := 0, 0, 0
	var mu sync.Mutex
	eachStreamCase(t, histories, func(t *testing.T, r *RandomStream, c *streamCase) {
		// What is too late depends on who sees it.
		one := compiler.NewStream(c.set, c.opts)
		c.want = wholeHits(pushAll(t, c, one, 0))
		if one.Stats().Late > 0 {
			return
		}
		router := compiler.NewRouter(c.set)
		shards := make([]*compiler.Stream, 1+r.IntN(5))
		for i := range shards {
			shards[i] = compiler.NewStream(c.set, c.opts)
		}
		used := map[int]bool{}
		var hits []*compiler.Hit
		sent := 0
		for _, e := range c.events {
			keys, err := router.Keys(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				h := fnv.New32a()
				h.Write([]byte(k))
				i := int(h.Sum32()) % len(shards)
				used[i] = true
				some, err := shards[i].PushKey(k, e)
				if err != nil {
					t.Fatal(err)
				}
				hits = append(hits, some...)
			}
			sent += len(keys)
		}
		for _, st := range shards {
			hits = append(hits, st.Close()...)
		}
		got := wholeHits(hits)
		slices.Sort(got)
		slices.Sort(c.want)
		c.differ(t, fmt.Sprintf("%d shards", len(shards)), got)
		mu.Lock()
		defer mu.Unlock()
		messages, events = messages+sent, events+len(c.events)
		if len(used) > 1 {
			divided++
		}
	})
	t.Cleanup(func() {
		t.Logf("%d events were %d messages; %d histories were divided", events, messages, divided)
	})
}
