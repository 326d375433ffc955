package benign

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/golden"
)

// TestMonth goes over the stated month once: order, marks, times, addresses,
// and the committed counts.
func TestMonth(t *testing.T) {
	tenant := New(Options{})
	kinds, tables := map[string]Count{}, map[string]int{}
	ids := map[string]bool{}
	snapshots := map[string]map[string]bool{} // by table, those that differ
	var last time.Time
	addresses := regexp.MustCompile(`"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(:\d+)?"`)
	documentation := []string{"192.0.2.", "198.51.100.", "203.0.113.", "10.", "127.0.0.1"}
	n := 0
	for e := range tenant.Events() {
		if e.Time.Before(last) {
			t.Fatalf("event %d, %s %s, is of %s, the one before it of %s", n, e.Table, e.Kind, e.Time, last)
		}
		last = e.Time
		src, ok := event.Detect(e.Record)
		if !ok || src.Table != e.Table {
			t.Fatalf("%s %s is taken for %v: %v", e.Table, e.Kind, src, e.Record)
		}
		if at, ok := event.Time(e.Record, src); !src.Snapshot() && (!ok || !at.Equal(e.Time)) {
			t.Fatalf("%s %s says %s, the event %s", e.Table, e.Kind, at, e.Time)
		}
		if id := event.ID(e.Record, src); id != "" && !src.Snapshot() {
			if ids[id] {
				t.Fatalf("%s %s: the id %s is there twice", e.Table, e.Kind, id)
			}
			ids[id] = true
		}
		if src.Snapshot() {
			text, err := json.Marshal(e.Record)
			if err != nil {
				t.Fatal(err)
			}
			if snapshots[e.Table] == nil {
				snapshots[e.Table] = map[string]bool{}
			}
			snapshots[e.Table][string(text)] = true
		}
		if n%37 == 0 { // what the values look like, on some
			text, err := json.Marshal(e.Record)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range addresses.FindAll(text, -1) {
				if !slices.ContainsFunc(documentation, func(p string) bool { return strings.HasPrefix(string(a[1:]), p) }) {
					t.Errorf("%s %s: %s is no address for documentation", e.Table, e.Kind, a)
				}
			}
		}
		c := kinds[e.Kind]
		c.Records++
		c.Occasions = max(c.Occasions, e.Occasion)
		kinds[e.Kind] = c
		tables[e.Table]++
		n++
	}
	for table, rows := range snapshots {
		if len(rows) < 1000 {
			t.Errorf("%s: %d rows that differ; a reader drops the others as repeats, and too few are left to try rules on", table, len(rows))
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What the benign month holds, by table and by kind of thing: records, and how often it\n# happened where several records tell one. A test compares; -update writes it anew.\n%-52s %7d\n", "all", n)
	for _, k := range slices.Sorted(maps.Keys(tables)) {
		fmt.Fprintf(&b, "table %-46s %7d\n", k, tables[k])
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		c := kinds[k]
		if c.Occasions == 0 {
			c.Occasions = c.Records
		}
		fmt.Fprintf(&b, "kind  %-46s %7d %7d\n", k, c.Records, c.Occasions)
	}
	golden.Compare(t, "testdata/month.txt", b.String())
}

func TestProfile(t *testing.T) {
	golden.Compare(t, "testdata/contoso.yaml", string(New(Options{}).Profile()))
}

// digest is that of the records of a short month.
func digest(o Options) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for e := range Events(o) {
		if err := enc.Encode(e); err != nil {
			panic(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestSeed has the same options give the same events, and others others.
func TestSeed(t *testing.T) {
	o := Options{Users: 120, Days: 4}
	first := digest(o)
	if again := digest(o); again != first {
		t.Error("the same options gave other events")
	}
	o.Seed = 2
	if digest(o) == first {
		t.Error("another seed gave the same events")
	}
}

// TestOptions tries small and odd months.
func TestOptions(t *testing.T) {
	for _, o := range []Options{{Users: 1, Days: 1}, {Users: 100, Days: 33}, {Users: 300, Days: 2, Seed: 7, Start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}} {
		n := 0
		for range Events(o) {
			n++
		}
		if n == 0 {
			t.Errorf("%+v: no events", o)
		}
	}
	for range Events(Options{}) {
		break // a caller may stop
	}
}
