package planted

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/conformance/benign"
	"github.com/rulewright/rulewright/conformance/nearmiss"
	"github.com/rulewright/rulewright/conformance/stories"
	"github.com/rulewright/rulewright/rules"
)

var update = flag.Bool("update", false, "write the committed tables anew")

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

func loadPack(t testing.TB, c *benign.Tenant) *compiler.RuleSet {
	t.Helper()
	profile, ds := compiler.ParseProfile("contoso.yaml", c.Profile())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	set, ds := compiler.Load(rules.FS, compiler.RuleSetOptions{Options: compiler.Options{Profile: profile}})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return set
}

func committed(t *testing.T, name, got string) {
	t.Helper()
	if testing.Short() {
		return
	}
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it, then go test ./conformance/planted -update:\n%s", name, got)
	}
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
	slices.SortStableFunc(hits, func(a, b *compiler.Hit) int { return a.Time.Compare(b.Time) })
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
	return p.ids[h.EventID] || slices.ContainsFunc(h.Contributing, func(c compiler.Contribution) bool { return p.ids[c.EventID] }) || p.times[h.Time.UnixMicro()] && h.EventID == ""
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
	return fmt.Sprint(h.Time.UTC().Format(time.RFC3339Nano), " ", h.Rule.Title, " ", h.EventID, " ", h.Group, " ", h.NewValue)
}

// line tells a hit.
func line(h *compiler.Hit) string {
	who := ""
	for _, kind := range []string{"account", "mailbox", "service-principal", "app", "ip"} {
		for _, e := range h.Entities {
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
	return fmt.Sprintf("%s  %-13s  %-6s  %-36s  %s\n", h.Time.Truncate(time.Second).Format(time.RFC3339), h.Rule.Level, h.Rule.Tier, who, h.Rule.Title)
}

// The stories are found in the month as they are without it, in the order in
// which they happen, and near misses of the rules of a high level raise none of
// them.
func TestMonth(t *testing.T) {
	c := month()
	set := loadPack(t, c)
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
	misses := deriveAll(t, c, set)
	for _, m := range misses {
		for _, x := range m.found {
			planted = append(planted, x.Events...)
		}
	}
	slices.SortStableFunc(planted, func(a, b event.Record) int { return a.Time.Compare(b.Time) })
	hits := run(t, set, Merged(c.Events(), planted))

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
}

// missed are the near misses of a rule.
type missed struct {
	title, file string
	level, tier string
	wanted      int
	found       []nearmiss.Miss
}

type allMissed []missed

// deriveAll makes the near misses of all rules of a high level.
func deriveAll(t testing.TB, c *benign.Tenant, set *compiler.RuleSet) allMissed {
	t.Helper()
	profile, ds := compiler.ParseProfile("contoso.yaml", c.Profile())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	fixtures, texts := loudFixtures(t)
	people, privileged := People(c)
	o := nearmiss.Options{People: people, Privileged: privileged, Profile: profile, Trace: "invoice-sync-pro", Seed: 1, Noise: noise(t, set),
		Keep: nearmiss.Identifiers(append(texts, string(c.Profile()))...),
		From: c.Options.Start, To: c.Options.Start.AddDate(0, 0, c.Options.Days-1)}
	pool := nearmiss.NewPool(fixtures)
	var all allMissed
	for _, f := range fixtures {
		m := missed{title: f.Rule().Meta.Title, file: f.Rule().File, level: f.Rule().Meta.Level, tier: f.Rule().Meta.Tier}
		if m.wanted = wanted; testing.Short() {
			m.wanted = few
		}
		o.Count = m.wanted
		if f.Rule().Correlation != nil {
			o.Count += spare
		}
		var err error
		if m.found, err = nearmiss.Derive(f, pool, o); err != nil {
			t.Error(err)
		}
		all = append(all, m)
	}
	return all
}

// How many near misses of a rule are silent at least, and how many more of a
// correlation are planted: what others do in the month may complete one.
const wanted, spare = 20, 6

// few are enough where nothing is compared with committed tables.
const few = 4

// check says what hits there are on near misses: none of the rule that they
// miss, but for those that something else in the month completes. What other
// rules say of them is in a committed table.
func (all allMissed) check(t *testing.T, hits []*compiler.Hit) {
	var b strings.Builder
	b.WriteString("# Near misses in the month\n\n" +
		"For each rule of level high or critical, events that all but one of its conditions are true of, and how often each condition is the one. " +
		"A near miss of a correlation is a history; completed are those that another event of the month makes a hit of. " +
		"Others are alerts of other rules that rest on near misses, high those of level high or critical: who misses the combination of two such rules by one event still hits one of them.\n\n" +
		"| rule | silent | events | completed | others | high | by the condition |\n|---|--:|--:|--:|--:|--:|---|\n")
	sum := [5]int{}
	for _, m := range all {
		var records []event.Record
		by := map[string]int{}
		silent, completed := 0, 0
		for _, x := range m.found {
			records = append(records, x.Events...)
			own := partOf(x.Events)
			quiet := true
			for _, h := range hits {
				if h.Rule.Title != m.title || !own.of(h) {
					continue
				}
				quiet = false
				if !slices.ContainsFunc(h.Contributing, func(c compiler.Contribution) bool { return !own.ids[c.EventID] }) {
					t.Errorf("%s: a hit on a near miss: %s", m.file, identity(h))
				}
			}
			if !quiet {
				completed++
				continue
			}
			silent++
			by[x.Condition]++
		}
		if silent < m.wanted {
			t.Errorf("%s: %d near misses that are silent", m.file, silent)
		}
		p := partOf(records)
		others, high := 0, 0
		for _, h := range hits {
			if h.Rule.Title != m.title && h.Rule.Tier == "alert" && p.of(h) {
				if others++; h.Rule.Level == "high" || h.Rule.Level == "critical" {
					high++
				}
			}
		}
		var conditions []string
		for _, c := range slices.Sorted(maps.Keys(by)) {
			conditions = append(conditions, fmt.Sprintf("%s %d", c, by[c]))
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %s |\n", strings.TrimSuffix(m.file, ".yaml"), silent, len(records), completed, others, high, strings.Join(conditions, " · "))
		for i, n := range []int{silent, len(records), completed, others, high} {
			sum[i] += n
		}
	}
	fmt.Fprintf(&b, "| **%d rules** | %d | %d | %d | %d | %d | |\n", len(all), sum[0], sum[1], sum[2], sum[3], sum[4])
	committed(t, "near-misses.md", b.String())
}

// noise says how many alerts of the pack there are about near misses, those of
// a high level many times. All of them are one history; a hit is about the one
// that has an event at its time.
func noise(t testing.TB, set *compiler.RuleSet) func([]nearmiss.Miss) []int {
	return func(misses []nearmiss.Miss) []int {
		var all []event.Record
		of := map[int64]int{}
		for i, m := range misses {
			for _, e := range m.Events {
				all = append(all, e)
				of[e.Time.UnixMicro()] = i
			}
		}
		slices.SortStableFunc(all, func(a, b event.Record) int { return a.Time.Compare(b.Time) })
		out := make([]int, len(misses))
		for _, h := range run(t, set, slices.Values(all)) {
			if i, ok := of[h.Time.UnixMicro()]; ok && h.Rule.Tier == "alert" {
				if out[i]++; h.Rule.Level == "high" || h.Rule.Level == "critical" {
					out[i] += 99
				}
			}
		}
		return out
	}
}

// loudFixtures are those of the rules of level high and critical, in the order
// of their files, with the text of the pack.
func loudFixtures(t testing.TB) (fixtures []*conformance.Fixture, texts []string) {
	t.Helper()
	some := fstest.MapFS{}
	err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(rules.FS, name)
		if err != nil {
			return err
		}
		texts = append(texts, string(data))
		if path.Dir(name) == "." || !strings.Contains(string(data), "level: high") && !strings.Contains(string(data), "level: critical") {
			return nil
		}
		if data, err = fs.ReadFile(conformance.Fixtures, "fixtures/"+name); err != nil {
			return err
		}
		some[name] = &fstest.MapFile{Data: data}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all, ds := conformance.Load(some, conformance.LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return slices.DeleteFunc(all, func(f *conformance.Fixture) bool {
		l := f.Rule().Meta.Level
		return l != "high" && l != "critical"
	}), texts
}
