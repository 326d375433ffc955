package planted

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/conformance/benign"
	"github.com/rulewright/rulewright/conformance/nearmiss"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/rules"
)

// missed are the near misses of a rule.
type missed struct {
	title, file string
	level, tier string
	wanted      int // are looked for
	found       []nearmiss.Miss
}

type allMissed []missed

// deriver makes the near misses of all rules of a high level, and keeps those of
// which nothing more is left out.
type deriver struct {
	options  nearmiss.Options
	fixtures []*conformance.Fixture
	pool     *nearmiss.Pool
	// Numbers of those that are left out, by file: those that others stand in for,
	// and those that are more than enough.
	left, dropped map[string]map[int]bool
	made          map[string]missed
}

func newDeriver(t testing.TB, c *benign.Tenant, set *compiler.RuleSet) *deriver {
	t.Helper()
	profile, ds := compiler.ParseProfile("contoso.yaml", c.Profile())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	fixtures, texts := loudFixtures(t)
	people, privileged, approved := People(c)
	d := &deriver{fixtures: fixtures, pool: nearmiss.NewPool(fixtures), left: map[string]map[int]bool{}, dropped: map[string]map[int]bool{}, made: map[string]missed{},
		options: nearmiss.Options{People: people, Privileged: privileged, Approved: approved, Offices: "198.51.100.", Profile: profile, Trace: "invoice-sync-pro", Seed: 1, Noise: noise(t, set),
			Keep: nearmiss.Identifiers(append(texts, string(c.Profile()))...),
			From: c.Options.Start, To: c.Options.Start.AddDate(0, 0, c.Options.Days-1)}}
	if testing.Short() { // too few people for parts of their own
		d.options.Approved = nil
	} else {
		data, err := os.ReadFile(leftOut)
		if err != nil && !golden.Updating() {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			file, numbers, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			d.left[file], d.dropped[file] = map[int]bool{}, map[int]bool{}
			for _, n := range strings.Fields(numbers) {
				i, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				if i < 0 {
					d.dropped[file][-i] = true
				} else {
					d.left[file][i] = true
				}
			}
		}
	}
	return d
}

// all makes those that are not made yet.
func (d *deriver) all(t testing.TB) allMissed {
	t.Helper()
	var all allMissed
	for _, f := range d.fixtures {
		file := f.Rule().File
		m, ok := d.made[file]
		if !ok {
			m = missed{title: f.Rule().Meta.Title, file: file, level: f.Rule().Meta.Level, tier: f.Rule().Meta.Tier}
			if m.wanted = wanted; testing.Short() {
				m.wanted = few
			}
			o := d.options
			o.Count, o.Skip = m.wanted+spare, d.left[file]
			var err error
			if m.found, err = nearmiss.Derive(f, d.pool, o); err != nil {
				t.Error(err)
			}
			m.found = slices.DeleteFunc(m.found, func(x nearmiss.Miss) bool { return d.dropped[file][x.Number] })
			d.made[file] = m
		}
		all = append(all, m)
	}
	return all
}

// leftOut lists near misses that another rule is loud about in the month, though
// not when they stand alone.
const leftOut = "testdata/near-misses-left-out.txt"

// How often the month is read to find those.
const updateRounds = 6

// leaveOut notes the near misses that alerts rest on, and returns how many are
// new. Where no more than enough are left, others come in their stead.
func (d *deriver) leaveOut(t testing.TB, all allMissed, hits []*compiler.Hit) int {
	t.Helper()
	n := 0
	for _, m := range all {
		rest := len(m.found)
		for _, x := range m.found {
			if len(m.hitsOn(x, hits)) > 0 { // completed by something else in the month
				rest--
			}
		}
		for _, x := range m.found {
			own := partOf(x.Events)
			if !slices.ContainsFunc(hits, func(h *compiler.Hit) bool { return h.Rule.Tier == "alert" && own.of(h) && len(h.Contributing) < crowd }) {
				continue
			}
			list := d.left
			if rest > m.wanted {
				list = d.dropped
				rest--
			}
			if list[m.file] == nil {
				list[m.file] = map[int]bool{}
			}
			list[m.file][x.Number] = true
			delete(d.made, m.file)
			n++
		}
	}
	var b strings.Builder
	b.WriteString("# Numbers of near misses of each rule, in the order in which they are found, that are left out of the month, since an alert\n" +
		"# is raised about them together with what else the month has; nothing stands in for those with a minus. `go test ./conformance/planted -update`\n# finds more.\n")
	files := map[string]bool{}
	for _, list := range []map[string]map[int]bool{d.left, d.dropped} {
		for f := range list {
			files[f] = true
		}
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "%s:", file)
		for _, i := range slices.Sorted(maps.Keys(d.left[file])) {
			fmt.Fprintf(&b, " %d", i)
		}
		for _, i := range slices.Sorted(maps.Keys(d.dropped[file])) {
			fmt.Fprintf(&b, " -%d", i)
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(leftOut, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return n
}

// crowd is how many events an alert rests on that nobody in particular raised.
const crowd = 200

// How many near misses of a rule are silent at least, and how many more are
// planted: what others do in the month may complete one.
const wanted, spare = 20, 6

// few are enough where nothing is compared with committed tables.
const few = 4

// hitsOn returns the hits of the rule that rest on one of its near misses.
func (m missed) hitsOn(x nearmiss.Miss, hits []*compiler.Hit) []*compiler.Hit {
	own := partOf(x.Events)
	var on []*compiler.Hit
	for _, h := range hits {
		if h.Rule.Title == m.title && own.of(h) {
			on = append(on, h)
		}
	}
	return on
}

// check says what hits there are on near misses: none of the rule that they
// miss, but for those that something else in the month completes. What other
// rules say of them is in a committed table.
func (all allMissed) check(t *testing.T, hits []*compiler.Hit) {
	var b strings.Builder
	b.WriteString("# Near misses in the month\n\n" +
		"For each rule of level high or critical, events that all but one of its conditions are true of, and how often each condition is the one. " +
		"A near miss of a correlation is a history; completed are those that another event of the month makes a hit of. " +
		"What a rule does not ask for is made ordinary, so that a near miss is one of the rules around as well. Others are alerts of other rules that rest on near misses all the same, high those of level high or critical; they are listed below.\n\n" +
		"| rule | silent | events | completed | others | high | by the condition |\n|---|--:|--:|--:|--:|--:|---|\n")
	sum := [5]int{}
	var list strings.Builder
	for _, m := range all {
		var records []event.Record
		by := map[string]int{}
		silent, completed := 0, 0
		for _, x := range m.found {
			records = append(records, x.Events...)
			own := partOf(x.Events)
			on := m.hitsOn(x, hits)
			for _, h := range on {
				if !slices.ContainsFunc(h.Contributing, func(c compiler.Contribution) bool { return !own.ids[c.EventID] }) {
					t.Errorf("%s: a hit on a near miss: %s", m.file, identity(h))
				}
			}
			if len(on) > 0 {
				completed++
				continue
			}
			silent++
			by[x.Condition]++
		}
		if silent < m.wanted {
			t.Errorf("%s: %d near misses that are silent, of %d events", m.file, silent, len(records))
		}
		p := partOf(records)
		others, high := 0, 0
		for _, h := range hits {
			if h.Rule.Title != m.title && h.Rule.Tier == "alert" && p.of(h) {
				fmt.Fprintf(&list, "| %s | %s | %s | %s |\n", strings.TrimSuffix(m.file, ".yaml"), strings.TrimSuffix(h.Rule.File, ".yaml"), h.Rule.Level, h.Time().Format("2006-01-02 15:04"))
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
	if list.Len() > 0 {
		b.WriteString("\n## The alerts of other rules\n\nEach is right: a person who introduces an application in two of three steps, or takes part in a session in two countries, does what these rules of a lower level are for.\n\n| near miss of | alert of | level | at |\n|---|---|---|---|\n" + list.String())
	}
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
			if i, ok := of[h.Time().UnixMicro()]; ok && h.Rule.Tier == "alert" {
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
