package compiler

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// hostileSet is a correlation over events of any source; TYPE, GROUP and FIELD
// are to be put in.
const hostileSet = `
rulewright: 1
title: Correlation
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b01
correlation:
  TYPE
  rules: [event]
  GROUP
---
title: Event
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b02
name: event
logsource: {product: test}
detection:
  s: {a: 1}
  condition: s
`

func hostileStream(t *testing.T, typ, group string) *Stream {
	t.Helper()
	rs := loadSet(t, RuleSetOptions{AnySource: true}, strings.NewReplacer("TYPE", typ, "GROUP", group).Replace(hostileSet))
	st := NewStream(rs, StreamOptions{})
	if d := st.Disabled(); len(d) > 0 {
		t.Fatal(d[0].Err)
	}
	return st
}

func pushAt(t *testing.T, st *Stream, minute int, id, ev string) {
	t.Helper()
	at := time.Date(2026, 3, 2, 9, minute, 0, 0, time.UTC)
	if _, err := st.Push(event.Record{Event: []byte(ev), ID: id, Time: at}); err != nil {
		t.Fatal(err)
	}
}

func listed(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, n-i)
	}
	return "[" + b.String() + "]"
}

// One event with any number of numbers adds so many and is counted.
func TestManyNumbers(t *testing.T) {
	for _, typ := range []string{"value_percentile", "value_sum"} {
		st := hostileStream(t, "type: "+typ, "group-by: [u]\n  timespan: 10m\n  condition: {field: n, gte: 5000000}")
		for minute := range 2 {
			pushAt(t, st, 20*minute, "", `{"a":1,"u":"x","n":`+listed(30_000, "%d")+`}`)
			log := &st.engine.corrs[0].groups.newest.log
			numbers := 0
			for p := range log.all() {
				for range p.numbers() {
					numbers++
				}
			}
			if cut := st.Stats().CutKeys; numbers != maxEventKeys || cut != int64(minute+1) {
				t.Errorf("%s: %d numbers in the window, %d events cut", typ, numbers, cut)
			}
		}
	}
}

// What one event adds to all of its groups together is bounded in number and in
// bytes, whatever of it is long.
func TestEventShares(t *testing.T) {
	const (
		sum     = "group-by: [g]\n  timespan: 10m\n  condition: {field: v, gte: 5000000}"
		fields  = "group-by: [g]\n  lookback: 1h\n  fields: [v]"
		against = "group-by: [g]\n  timespan: 1h\n  against: 1h\n  ratio: 2\n  field: v"
	)
	wide := func(n, size int) string { return listed(n, `"%0`+fmt.Sprint(size)+`d"`) }
	long := `"` + strings.Repeat("x", 5000) + `"`
	for _, c := range []struct {
		name, typ, rest string
		g, v, id        string
		groups, each    int // that are left, and what each holds
		megabytes       float64
	}{
		{"values", "type: value_count", sum, wide(1000, 4), wide(1000, 10), "", 1000, 10, 2.5},
		{"long values", "type: value_count", sum, wide(1000, 4), wide(1000, 100), "", 1000, 10, 4.5},
		{"numbers", "type: value_sum", sum, wide(1000, 4), listed(1000, "%d"), "", 1000, 10, 2.5},
		{"new values", "type: new_value", fields, wide(1000, 4), wide(1000, 10), "", 1000, 10, 5},
		{"values of an increase", "type: increase", against, wide(1000, 4), wide(1000, 10), "", 1000, 10, 6},
		{"values of a summary", "type: summary", "group-by: [g]\n  fields: [v]", wide(1000, 4), wide(1000, 10), "", 1000, 10, 4},
		{"few groups", "type: value_count", sum, wide(10, 4), wide(1000, 10), "", 10, 1000, 2.5},
		{"a long value", "type: value_count", sum, wide(1000, 100), long, "", 981, 1, 6},
		{"an id", "type: value_count", sum, wide(1000, 4), `"v"`, long, 1000, 1, 3.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := hostileStream(t, c.typ, c.rest)
			ev := fmt.Sprintf(`{"a":1,"g":%s,"v":%s}`, c.g, c.v)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.GC() // what pools keep
			runtime.ReadMemStats(&before)
			pushAt(t, st, 0, c.id, ev)
			runtime.GC()
			runtime.GC() // what pools keep
			runtime.ReadMemStats(&after)
			grown := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / (1 << 20)
			t.Logf("%d bytes leave %.1f MB, %d groups, %d events cut", len(ev), grown, st.Stats().Groups, st.Stats().CutKeys)
			if grown > c.megabytes {
				t.Errorf("%.1f MB, more than %.1f", grown, c.megabytes)
			}
			if n := st.Stats().Groups; n != c.groups {
				t.Errorf("%d groups, want %d", n, c.groups)
			}
			if g := st.engine.corrs[0].groups.newest; c.each != countOf(g) {
				t.Errorf("a group holds %d, want %d", countOf(g), c.each)
			}
			runtime.KeepAlive(st)
		})
	}
}

// countOf is how much a group holds of one event that is counted.
func countOf(g *group) (n int) {
	switch s := g.state.(type) {
	case *windowState:
		for p := range g.log.all() {
			n += p.tuples().len()
			for range p.numbers() {
				n++
			}
		}
	case *newValues:
		n = s.seen.len()
	case *increase:
		n = s.pieces.first().n
	case *summary:
		n = len(s.distinct[0])
	}
	return n
}

// Many fields that are long and one with many values make keys of bounded size
// together, each of them whole.
func TestKeyBytes(t *testing.T) {
	parts := [][]string{nil}
	for i := range maxEventKeys {
		parts[0] = append(parts[0], fmt.Sprint(i))
	}
	for range maxKeyFields - 1 {
		parts = append(parts, []string{strings.Repeat("x", maxKeyBytes)})
	}
	keys, cut := groupKeys(parts)
	size := 0
	for i, k := range keys {
		size += len(k)
		if p := keyParts(k); len(p) != len(parts) || p[0] != fmt.Sprint(i) {
			t.Fatalf("key %d has %d parts", i, len(p))
		}
	}
	if !cut || len(keys) == 0 || size > maxEventBytes {
		t.Errorf("%d keys of %d bytes, cut: %v", len(keys), size, cut)
	}
	parts[0] = []string{strings.Repeat("y", 2*maxEventBytes)}
	if keys, cut := groupKeys(parts); len(keys) != 1 || cut {
		t.Errorf("%d keys, cut: %v, where there is but one", len(keys), cut)
	}
}

// The numbers of a window are those of a sorted list, and many are no slower.
func TestPercentileRuns(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var a percentile
		var want []ir.Number
		most, values := 1+r.IntN(4*maxRun), 1+r.IntN(4*maxRun)
		for i := range 3000 {
			if i%1000 == 0 {
				most = 1 + r.IntN(4*maxRun)
			}
			if len(want) > most || len(want) > 0 && r.IntN(4) == 0 {
				at := r.IntN(len(want))
				a.remove(want[at])
				want = slices.Delete(want, at, at+1)
			} else {
				n := intNumber(r.IntN(values))
				if r.IntN(3) == 0 {
					n = ir.Number{Float: float64(r.IntN(values)) + 0.5}
				}
				a.insert(n)
				at, _ := slices.BinarySearchFunc(want, n, compareNumbers)
				want = slices.Insert(want, at, n)
			}
			a.remove(ir.Number{Float: 0.25}) // is not there
			if i%500 != 0 {
				continue
			}
			for rank, n := range want {
				if got := a.rank(rank + 1); compareNumbers(got, n) != 0 {
					t.Fatalf("seed %d, %d: rank %d is %v, want %v", seed, i, rank+1, got, n)
				}
			}
			if len(a.runs) > 4+8*a.n/maxRun || a.n != len(want) || slices.ContainsFunc(a.runs, func(run []ir.Number) bool { return len(run) == 0 || len(run) > maxRun }) {
				t.Fatalf("seed %d, %d: %d numbers, want %d, in %d runs", seed, i, a.n, len(want), len(a.runs))
			}
		}
	}
	var a percentile
	const many = 100_000
	for i := range many {
		a.insert(intNumber(many - i))
	}
	if n := a.rank(many / 2); n != intNumber(many/2) {
		t.Errorf("the median is %v", n)
	}
	for i := range many {
		a.remove(intNumber(i + 1))
	}
	if len(a.runs) > 0 {
		t.Errorf("%d runs of nothing", len(a.runs))
	}
}

// Beyond its size a window loses the oldest events, and no more of them than it
// has to.
func TestLogLimit(t *testing.T) {
	const most = 10_000
	h := newHarness(t, StreamOptions{}, correlation(ir.Correlation{Type: sigma.EventCount, Span: 1000 * second, Bounds: bound(sigma.OpGTE, 1e9)}))
	h.e.maxLog = most
	last := 0
	for i := range 3000 {
		h.push(fmt.Sprintf("%d:a", i/100))
		log := &h.e.corrs[0].groups.newest.log
		if n := log.len(); n < last-1 || log.size() > most {
			t.Fatalf("event %d: %d events after %d, %d bytes", i, n, last, log.size())
		}
		last = h.e.corrs[0].groups.newest.log.len()
	}
	if want := most / (packedHead + len("e9999")); last < want-1 || h.e.stats.DroppedEvents != int64(3000-last) {
		t.Errorf("%d events, want %d; %d dropped", last, want, h.e.stats.DroppedEvents)
	}
}

// An event that fails while it is read for a correlation is in no group, least of
// all in that of the event before.
func TestPanicWhileGrouping(t *testing.T) {
	for _, typ := range []string{
		"type: event_count\n  timespan: 1h\n  condition: {gte: 2}",
		"type: value_count\n  timespan: 1h\n  condition: {gte: 2, field: v}",
	} {
		for _, group := range []string{"group-by: [u]", "group-by: [u, w]"} {
			for _, bad := range []string{"u", "v"} {
				st := hostileStream(t, typ, group)
				at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
				push := func(id, user, v, panics string) ([]*Hit, error) {
					ev := failingAt{map[string]any{"a": json.Number("1"), "u": user, "w": "w", "v": v}, panics}
					at = at.Add(time.Second)
					return st.Push(event.Record{Event: ev, ID: id, Time: at})
				}
				hits, err := push("1", "ann", "1", "")
				if len(hits) > 0 || err != nil {
					t.Fatal(hits, err)
				}
				hits, err = push("2", "bob", "2", bad)
				if bad == "v" && strings.HasPrefix(typ, "type: event") { // nobody asks for v
					if err != nil {
						t.Error(err)
					}
					continue
				}
				var failed *RuleError
				if len(hits) > 0 || !errors.As(err, &failed) || len(st.rs.Disabled()) != 0 {
					t.Errorf("%s %s, a panic at %s: %d hits, %v", typ[6:17], group, bad, len(hits), err)
				}
				hits, err = push("3", "ann", "3", "") // the rule goes on
				if len(hits) != 1 || err != nil {
					t.Errorf("%s %s, after a panic at %s: %d hits, %v", typ[6:17], group, bad, len(hits), err)
				}
			}
		}
	}
}

// failingAt is an event that cannot be read at one key.
type failingAt struct {
	of map[string]any
	at string
}

func (o failingAt) Get(key string) (any, bool) {
	if key == o.at {
		panic("no " + key)
	}
	v, ok := o.of[key]
	return v, ok
}

func (o failingAt) Keys(yield func(string) bool) {
	for k := range o.of {
		if !yield(k) {
			return
		}
	}
}

// Values that take more to read than a rule may cost are an error of the event:
// it is not left out in silence, nor its hit taken for a repeat of another's.
func TestCostlyKeys(t *testing.T) {
	const docs = `
rulewright: 1
title: base
name: base
id: 10000000-0000-4000-8000-000000000001
logsource: {product: p}
detection: {s: {a: x}, condition: s}
---
rulewright: 1
title: count
id: 10000000-0000-4000-8000-000000000002
correlation: {type: event_count, rules: [base], group-by: [u], timespan: 1h, condition: {gte: 1}}
---
rulewright: 1
title: values
id: 10000000-0000-4000-8000-000000000003
correlation: {type: value_count, rules: [base], group-by: [id], timespan: 1h, condition: {gte: 1, field: u}}
---
rulewright: 1
title: first
id: 10000000-0000-4000-8000-000000000004
logsource: {product: p}
detection: {s: {b: x}, condition: s}
once: {by: [u], for: 1h}
`
	events := func(key string) (out []any) {
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		for i := range 3 {
			text := fmt.Sprintf(`{"%s":"x","id":"i","u":[%s"victim%d"]}`, key, strings.Repeat(strings.Repeat("1", 800)+"e-700,", 20), i)
			out = append(out, event.Record{Event: []byte(text), ID: strconv.Itoa(i), Time: at.Add(time.Duration(i) * time.Second)})
		}
		return out
	}
	for _, costly := range []bool{false, true} {
		rs := loadSet(t, RuleSetOptions{AnySource: true}, docs)
		if costly {
			rs.maxCost = 100_000
		}
		for key, want := range map[string]map[bool]int{"a": {false: 1 + 3 + 1, true: 0}, "b": {false: 3, true: 3}} {
			whole, router := NewStream(rs, StreamOptions{}), NewRouter(rs)
			parts := map[string]*Stream{}
			hits, routed := 0, 0
			for i, ev := range events(key) {
				got, err := whole.Push(ev)
				hits += len(got)
				keys, routing := router.Keys(ev)
				for _, k := range keys {
					if parts[k] == nil {
						parts[k] = NewStream(rs, StreamOptions{})
					}
					got, err := parts[k].PushKey(k, ev)
					routed += len(got)
					if errors.Is(err, ErrCost) != costly {
						t.Errorf("costly %v, event %d of %s, under a key: %v", costly, i, key, err)
					}
				}
				for _, err := range []error{err, routing} {
					if errors.Is(err, ErrCost) != costly || !costly && err != nil {
						t.Errorf("costly %v, event %d of %s: %v", costly, i, key, err)
					}
				}
			}
			for _, st := range parts {
				routed += len(st.Close())
			}
			if hits += len(whole.Close()); hits != want[costly] || routed != hits {
				t.Errorf("costly %v, %s: %d hits, %d divided", costly, key, hits, routed)
			}
		}
		if failed := len(rs.Failed()) > 0; failed != costly {
			t.Errorf("costly %v: %v", costly, rs.Failed())
		}
	}
}
