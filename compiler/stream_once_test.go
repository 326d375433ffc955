package compiler

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/rulewright/rulewright/compiler/event"
)

const onceSet = `
rulewright: 1
title: A failure
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b01
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  condition: failed
once: {by: UserPrincipalName, for: 7d}
`

func failure(second int, user, rest string) []byte {
	return fmt.Appendf(nil, `{"Type":"SigninLogs","TimeGenerated":"2026-03-02T09:%02d:%02dZ","ResultType":"50126","UserPrincipalName":%s,"rest":%q}`, second/60%60, second%60, user, rest)
}

// What once remembers of a hit is its key: events go with the hits that their
// callers let go of, and repeats are counted all the same.
func TestOnceKeepsNoEvents(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, onceSet)
	st := NewStream(rs, StreamOptions{})
	const keys, most = 2000, 700
	rest := strings.Repeat("x", 4000)
	var held *Hit
	push := func(second, user int) {
		hits, err := st.Push(failure(second, fmt.Sprintf("%q", fmt.Sprint("user", user)), rest))
		if err != nil {
			t.Fatal(err)
		}
		if user == 0 && len(hits) == 1 {
			held = hits[0]
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range keys {
		push(i, i)
	}
	runtime.GC()
	runtime.GC() // what pools keep
	runtime.ReadMemStats(&after)
	n := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / keys
	if t.Logf("%d bytes a key", n); n > most {
		t.Errorf("%d bytes a key, of events of %d", n, len(rest))
	}
	if s := st.Stats(); s.OnceKeys != keys || s.Groups != 0 {
		t.Errorf("%d keys of once and %d groups are remembered, want %d and 0", s.OnceKeys, s.Groups, keys)
	}
	for range 2 {
		push(keys, 0)
		push(keys, 1)
	}
	if held == nil || held.Repeats != 2 {
		t.Errorf("of the hit that is held: %+v", held)
	}
	// What nobody held is counted on, too.
	var b bytes.Buffer
	if err := st.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	again, _, err := RestoreStream(rs, StreamOptions{}, &b)
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range []int{2, 2, 0} {
		key := appendKeyPart([]byte("1:1"), fmt.Append(nil, "user", user))
		if x := again.engine.onces[0].raised.entries[string(key)]; x == nil || x.value.repeats != want {
			t.Errorf("user %d: %+v, want %d repeats", user, x, want)
		}
	}
}

// A key of once that is long is as good as any, and where it belongs is known.
func TestLongOnceKey(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, onceSet)
	many := func(last string) string {
		var b strings.Builder
		for i := range 500 {
			fmt.Fprintf(&b, `"%0100d",`, i)
		}
		return "[" + b.String() + `"` + last + `"]`
	}
	router, st := NewRouter(rs), NewStream(rs, StreamOptions{})
	var raised []int
	for i, user := range []string{many("x"), many("x"), many("y"), many("x"), `"short"`} {
		ev := failure(i, user, "")
		keys, err := router.Keys(ev)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%d: %d keys, %v", i, len(keys), err)
		}
		if want := fmt.Sprintf("%0100d", 0); i < 4 && keys[0] != want {
			t.Errorf("%d: the key is %q, want %q", i, keys[0], want)
		}
		hits, err := st.PushKey(keys[0], ev)
		if err != nil {
			t.Fatal(err)
		}
		if len(hits) > 0 {
			raised = append(raised, i)
		}
	}
	if !slices.Equal(raised, []int{0, 2, 4}) {
		t.Errorf("raised %v", raised)
	}
	for key := range st.engine.onces[0].raised.entries {
		if len(key) > maxOnceKeyBytes {
			t.Errorf("a key of %d bytes", len(key))
		}
	}
}

// All values of a field make the key, however many they are.
func TestOnceOfManyValues(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		for i := range 3 * maxEventKeys {
			fmt.Fprintf(&b, `"%d",`, i)
		}
		return "[" + b.String() + `"` + last + `"]`
	}
	st := NewStream(loadSet(t, RuleSetOptions{}, onceSet), StreamOptions{})
	var raised []int
	for i, user := range []string{many("x"), many("x"), many("y"), many("x"), many("Y")} {
		hits, err := st.Push(failure(i, user, ""))
		if err != nil {
			t.Fatal(err)
		}
		if len(hits) > 0 {
			raised = append(raised, i)
		}
	}
	if !slices.Equal(raised, []int{0, 2}) {
		t.Errorf("raised %v", raised)
	}
}

// A set that a stream took another one for is gone, but for hits that somebody
// holds and has not asked.
func TestReloadLetsGo(t *testing.T) {
	for _, c := range []struct {
		name   string
		opts   StreamOptions
		keep   bool
		before bool // it is gone before the hits are asked
	}{
		{name: "hits that nobody holds", before: true},
		{name: "hits that somebody holds", keep: true},
		{name: "hits that wait", opts: StreamOptions{Lateness: time.Minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			load := func() *RuleSet {
				return loadSet(t, RuleSetOptions{}, onceSet+"---"+strings.Replace(streamSet, "GENERATE", "true", 1))
			}
			old := load()
			gone := weak.Make(old)
			st := NewStream(old, c.opts)
			var held []*Hit
			push := func(second int) {
				hits, err := st.Push(failure(second, `"ann@contoso.com"`, ""))
				if err != nil {
					t.Fatal(err)
				}
				if c.keep {
					held = append(held, hits...)
				}
			}
			for i := range 5 {
				push(i)
			}
			st.Reload(load())
			old = nil
			collect := func(want bool) {
				t.Helper()
				for range 20 {
					if runtime.GC(); gone.Value() == nil {
						break
					}
				}
				if got := gone.Value() == nil; got != want {
					t.Errorf("the old set is gone: %v, want %v", got, want)
				}
			}
			collect(c.before)
			if c.keep && len(held) == 0 {
				t.Error("no hits")
			}
			for _, h := range held {
				h.Selections()
			}
			push(200) // what waited is decided
			collect(true)
			runtime.KeepAlive(held)
			runtime.KeepAlive(st)
		})
	}
}

// An event that cannot be read gives back what reading took.
func TestMalformedEventsGiveBack(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, onceSet)
	st := NewStream(rs, StreamOptions{})
	made := 0
	fresh := rs.scratch.New
	rs.scratch.New = func() any { made++; return fresh() }
	const n = 200
	for range n {
		for _, ev := range []any{[]byte(`{"Type":`), []byte("[[["), nil} {
			_, err1 := st.Push(ev)
			_, err2 := rs.Match(ev)
			_, err3 := rs.MatchAs(event.Source{Form: event.LogAnalytics, Table: "SigninLogs"}, ev)
			if ev != nil && (err1 == nil || err2 == nil || err3 == nil) {
				t.Fatalf("%s: %v, %v, %v", ev, err1, err2, err3)
			}
		}
	}
	// A pool drops some at random under the race detector.
	if made > n*9/2 {
		t.Errorf("%d made for %d events", made, n*9)
	}
}
