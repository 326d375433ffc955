package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/internal/packtest"
)

const scenarios = "../scenarios"

func readStory(t testing.TB, name string) []Line {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(scenarios, name))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := Read(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// tenants are the profiles of the stories' tenants.
var tenants = map[string]string{MailCompromise: "contoso.yaml", AppAttack: "contoso.yaml", TokenReplay: "tailwind.yaml"}

func loadPack(t testing.TB, profile string) *compiler.RuleSet {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(scenarios, profile))
	if err != nil {
		t.Fatal(err)
	}
	return packtest.Load(t, profile, data)
}

func hitsOf(t testing.TB, set *compiler.RuleSet, lines []Line) []*compiler.Hit {
	t.Helper()
	st := compiler.NewStream(set, compiler.StreamOptions{})
	var hits []*compiler.Hit
	for _, l := range lines {
		hs, err := st.Push([]byte(l.Text))
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, hs...)
	}
	hits = append(hits, st.Close()...)
	slices.SortStableFunc(hits, func(a, b *compiler.Hit) int { return a.Time().Compare(b.Time()) })
	return hits
}

// resting returns the hits that are not there without some of the events.
func resting(t testing.TB, set *compiler.RuleSet, hits []*compiler.Hit, lines []Line, on map[string]bool) (out []*compiler.Hit) {
	t.Helper()
	rest := slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return on[l.ID] })
	there := map[string]bool{}
	for _, h := range hitsOf(t, set, rest) {
		there[h.ID()] = true
	}
	return slices.DeleteFunc(slices.Clone(hits), func(h *compiler.Hit) bool { return there[h.ID()] })
}

// timeline tells hits, the first of each rule for each group.
func timeline(hits []*compiler.Hit) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, h := range hits {
		who := entity(h)
		if key := h.Rule.ID + who; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		fmt.Fprintf(&b, "%s  %-13s  %-6s  %-34s  %s\n", h.Time().Truncate(time.Second).Format(time.RFC3339), h.Rule.Level, h.Rule.Tier, who, h.Rule.Title)
	}
	return b.String()
}

// entity is whom a hit is about.
func entity(h *compiler.Hit) string {
	for _, kind := range []string{"account", "mailbox", "service-principal", "app", "ip"} {
		for _, e := range h.Entities() {
			if e.Type == kind && e.Value != "" {
				return e.Value
			}
		}
	}
	var parts []string
	for _, k := range h.Group {
		parts = append(parts, k.Value)
	}
	return strings.Join(parts, " ")
}

// The attack by an application is found from consent to virtual machines, in
// the order of its steps; ordinary work before and clearing up after it are no
// alerts.
func TestAppAttack(t *testing.T) {
	hits := hitsOf(t, loadPack(t, tenants[AppAttack]), readStory(t, AppAttack))
	golden.Compare(t, filepath.Join(scenarios, "app-attack.alerts.txt"), timeline(hits))
}

// Each other telling of a story is still found: an alert, or a report of at
// least medium level, rests on what the attacker did otherwise. Which rules find it and which do not any more is in a
// committed table.
func TestVariations(t *testing.T) {
	sets := map[string]*compiler.RuleSet{}
	for _, p := range tenants {
		if sets[p] == nil {
			sets[p] = loadPack(t, p)
		}
	}
	titles := func(hits []*compiler.Hit) (titles []string) {
		for _, h := range hits {
			if h.Rule.Tier == "alert" || h.Rule.Tier == "report" && h.Rule.Level == "medium" {
				titles = append(titles, h.Rule.Level+" "+h.Rule.Tier+": "+h.Rule.Title)
			}
		}
		slices.Sort(titles)
		return slices.Compact(titles)
	}
	var b strings.Builder
	b.WriteString("# The stories told otherwise\n\nWhat the attacker might have done in another way, the alerts and medium reports that rest on the events that differ, and those of the story that are no more.\n`go test ./conformance/stories -run TestVariations -update` writes this table.\n")
	original := map[string][]string{}
	for _, v := range Variations() {
		set := sets[tenants[v.Story]]
		lines := readStory(t, v.Story)
		if original[v.Story] == nil {
			original[v.Story] = titles(hitsOf(t, set, lines))
		}
		told, changed, err := v.Tell(lines)
		if err != nil {
			t.Fatal(err)
		}
		hits := hitsOf(t, set, told)
		found, all := titles(resting(t, set, hits, told, changed)), titles(hits)
		if len(found) == 0 {
			t.Errorf("%s: %s: nothing rests on what is different", v.Story, v.Name)
		}
		fmt.Fprintf(&b, "\n## %s\n\n`%s`, %d events differ. Found by\n\n", v.Name, v.Story, len(changed))
		for _, f := range found {
			fmt.Fprintf(&b, "- %s\n", f)
		}
		var gone []string
		for _, o := range original[v.Story] {
			if !slices.Contains(all, o) {
				gone = append(gone, o)
			}
		}
		if len(gone) > 0 {
			b.WriteString("\nNo more:\n\n")
			for _, g := range gone {
				fmt.Fprintf(&b, "- %s\n", g)
			}
		}
	}
	golden.Compare(t, filepath.Join("testdata", "variations.md"), b.String())
}
