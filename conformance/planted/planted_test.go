package planted

import (
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance/benign"
	"github.com/rulewright/rulewright/conformance/stories"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/internal/packtest"
)

// A month makes much that is forgotten at once; collecting it less often saves a
// third of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(500)
	os.Exit(m.Run())
}

// month is the stated one; with -short one of fewer people, of which nothing is
// compared with committed tables.
func month() *benign.Tenant {
	if testing.Short() {
		return benign.New(benign.Options{Users: 120})
	}
	return benign.New(benign.Options{})
}

func committed(t *testing.T, name, got string) {
	t.Helper()
	if testing.Short() {
		return
	}
	golden.Compare(t, filepath.Join("testdata", name), got)
}

// run puts records to a stream.
func run(t testing.TB, set *compiler.RuleSet, records func(func(event.Record) bool)) []*compiler.Hit {
	t.Helper()
	st := compiler.NewStream(set, compiler.StreamOptions{})
	var hits []*compiler.Hit
	for r := range records {
		hs, err := st.Push(r)
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, hs...)
	}
	hits = append(hits, st.Close()...)
	slices.SortStableFunc(hits, func(a, b *compiler.Hit) int { return a.Time().Compare(b.Time()) })
	return hits
}

// part tells which hits rest on some events: by the events' ids, or, where a
// correlation of correlations does not say, by the instant of one.
type part struct {
	ids   map[string]bool
	times map[int64]bool
}

func partOf(records []event.Record) part {
	p := part{map[string]bool{}, map[int64]bool{}}
	for _, r := range records {
		p.ids[r.ID] = true
		p.times[r.Time.UnixMicro()] = true
	}
	return p
}

func (p part) of(h *compiler.Hit) bool {
	return p.ids[h.EventID()] || slices.ContainsFunc(h.Contributing, func(c compiler.Contribution) bool { return p.ids[c.EventID] }) || p.times[h.Time().UnixMicro()] && h.EventID() == ""
}

// mostly says whether most of the events that a hit rests on are of the part.
func (p part) mostly(h *compiler.Hit) bool {
	n := 0
	for _, c := range h.Contributing {
		if p.ids[c.EventID] {
			n++
		}
	}
	return p.of(h) && (n == 0 || 2*n >= len(h.Contributing))
}

// identity is what a hit is wherever its story happens.
func identity(h *compiler.Hit) string {
	return fmt.Sprint(h.Time().UTC().Format(time.RFC3339Nano), " ", h.Rule.Title, " ", h.EventID(), " ", h.Group, " ", h.NewValue)
}

// line tells a hit.
func line(h *compiler.Hit) string {
	who := ""
	for _, kind := range []string{"account", "mailbox", "service-principal", "app", "ip"} {
		for _, e := range h.Entities() {
			if e.Type == kind && e.Value != "" && who == "" {
				who = e.Value
			}
		}
	}
	for _, k := range h.Group {
		if who == "" {
			who = k.Value
		}
	}
	return fmt.Sprintf("%s  %-13s  %-6s  %-36s  %s\n", h.Time().Truncate(time.Second).Format(time.RFC3339), h.Rule.Level, h.Rule.Tier, who, h.Rule.Title)
}

// The stories are found in the month as they are without it, in the order in
// which they happen, and near misses of the rules of a high level raise none of
// them.
func TestMonth(t *testing.T) {
	c := month()
	set := packtest.Load(t, "contoso.yaml", c.Profile())
	var planted []event.Record
	parts := map[string]part{}
	alone := map[string][]*compiler.Hit{}
	for _, s := range Scenes() {
		data, err := os.ReadFile(filepath.Join("..", "scenarios", s.Story))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := stories.Read(s.Story, data)
		if err != nil {
			t.Fatal(err)
		}
		if lines, err = s.Play(c, lines); err != nil {
			t.Fatal(err)
		}
		records, err := Records(lines)
		if err != nil {
			t.Fatal(err)
		}
		parts[s.Story] = partOf(records)
		alone[s.Story] = run(t, set, slices.Values(records))
		planted = append(planted, records...)
	}
	told := slices.Clone(planted)
	d := newDeriver(t, c, set)
	var misses allMissed
	var hits []*compiler.Hit
	for round := 1; ; round++ {
		misses = d.all(t)
		planted = slices.Clone(told)
		for _, m := range misses {
			for _, x := range m.found {
				planted = append(planted, x.Events...)
			}
		}
		slices.SortStableFunc(planted, func(a, b event.Record) int { return a.Time.Compare(b.Time) })
		hits = run(t, set, Merged(withHistory(c), planted))
		if !golden.Updating() || testing.Short() || round == updateRounds || d.leaveOut(t, misses, hits) == 0 {
			break
		}
	}

	for _, s := range Scenes() {
		found := map[string]bool{}
		var b strings.Builder
		seen := map[string]bool{}
		for _, h := range hits {
			if !parts[s.Story].mostly(h) {
				continue
			}
			found[identity(h)] = true
			if l := line(h); !seen[l[22:]] { // the first of its rule for each of the people
				seen[l[22:]] = true
				b.WriteString(l)
			}
		}
		committed(t, strings.TrimSuffix(s.Story, ".jsonl")+".txt", b.String())
		for _, h := range alone[s.Story] {
			if h.Rule.Tier == "alert" && !found[identity(h)] {
				t.Errorf("%s: lost in the month: %s", s.Story, identity(h))
			}
		}
	}
	misses.check(t, hits)
	loudness(t, c, misses, hits, func(h *compiler.Hit) bool {
		return slices.ContainsFunc(Scenes(), func(s Scene) bool { return parts[s.Story].mostly(h) })
	})
}

// withHistory is the month behind what baselines know when it begins.
func withHistory(c *benign.Tenant) iter.Seq[benign.Event] {
	return func(yield func(benign.Event) bool) {
		for e := range c.History() {
			if !yield(e) {
				return
			}
		}
		for e := range c.Events() {
			if !yield(e) {
				return
			}
		}
	}
}

// loudness holds the month with all near misses in it to what the month alone is
// held to: at most 5 alerts a day, and one of level high or critical a week, the
// told attacks aside. It prints both figures.
func loudness(t *testing.T, c *benign.Tenant, misses allMissed, hits []*compiler.Hit, told func(*compiler.Hit) bool) {
	var records []event.Record
	for _, m := range misses {
		for _, x := range m.found {
			records = append(records, x.Events...)
		}
	}
	near := partOf(records)
	var all, high, resting, restingHigh int
	for _, h := range hits {
		if h.Rule.Tier != "alert" || h.Time().Before(c.Options.Start) || told(h) {
			continue
		}
		loud := h.Rule.Level == "high" || h.Rule.Level == "critical"
		if all++; loud {
			high++
		}
		if near.of(h) {
			if resting++; loud {
				restingHigh++
			}
		}
	}
	days := float64(c.Options.Days)
	t.Logf("without the near misses %d alerts, %.1f a day, %d of a high level, %.1f a week", all-resting, float64(all-resting)/days, high-restingHigh, float64(high-restingHigh)*7/days)
	t.Logf("with %d events of near misses %d alerts, %.1f a day, %d of a high level, %.1f a week", len(records), all, float64(all)/days, high, float64(high)*7/days)
	if !testing.Short() && (float64(all) > 5*days || float64(high)*7 > days) {
		t.Error("more than 5 alerts a day or one of a high level a week")
	}
}
