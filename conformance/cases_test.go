package conformance_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// fieldCases is a file of testdata/field-cases, one for each guide.
type fieldCases struct {
	// About names, for each behaviour of the field cases, the guide's rules
	// that are about it, by their titles.
	About map[string][]string
	// Also are rules that are right to hit a case of another behaviour, with
	// the reason.
	Also map[string]string
	// Except are cases, by name, of which the rules say otherwise, with the
	// reason.
	Except map[string]string
}

// readFieldCases reads what all guides say.
func readFieldCases(t *testing.T) fieldCases {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "field-cases", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	all := fieldCases{About: map[string][]string{}, Also: map[string]string{}, Except: map[string]string{}}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f fieldCases
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for behaviour, titles := range f.About {
			all.About[behaviour] = append(all.About[behaviour], titles...)
		}
		maps.Copy(all.Also, f.Also)
		maps.Copy(all.Except, f.Except)
	}
	return all
}

// packSet loads the rule pack with every parameter that its catalogue gives an
// example of.
func packSet(t *testing.T, opts compiler.RuleSetOptions) *compiler.RuleSet {
	t.Helper()
	data, err := rules.FS.ReadFile(rules.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, ds := sigma.ParseParameters(rules.Catalogue, data)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	var profile *compiler.Profile
	for _, p := range catalogue {
		var values []any
		for _, v := range p.Example {
			switch v := v.(type) {
			case sigma.String:
				values = append(values, v.Raw)
			case sigma.Bool:
				values = append(values, v.Bool)
			case sigma.Number:
				if v.Number.IsInt {
					values = append(values, v.Number.Int)
				} else {
					values = append(values, v.Number.Float)
				}
			}
		}
		if profile, err = profile.WithValue(p.Name, values...); err != nil {
			t.Fatal(err)
		}
	}
	opts.Catalogue, opts.Profile = catalogue, profile
	set, ds := compiler.Load(rules.FS, opts)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if n := set.NotRun(); len(n) > 0 {
		t.Errorf("%d rules do not run: %+v", len(n), n)
	}
	return set
}

// TestFieldCases matches the pack against cases of which somebody else said
// whether an alert is right: where a rule of the pack is about the behaviour it
// hits the true ones and not the false; no other rule hits.
func TestFieldCases(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "events", "cases", "*.jsonl"))
	if len(files) == 0 {
		t.Skip("no collection of events beside the project")
	}
	set := packSet(t, compiler.RuleSetOptions{})
	says := readFieldCases(t)
	cases := 0
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var c struct {
				Case, Table, Form string
				Event             json.RawMessage
				Expected          struct {
					Behaviour string
					Fires     bool
				}
			}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			cases++
			hits, err := set.Match(c.Event)
			if err != nil {
				t.Errorf("%s: %v", c.Case, err)
			}
			about := says.About[c.Expected.Behaviour]
			spoke := false
			for _, h := range hits {
				if slices.Contains(about, h.Rule.Title) {
					spoke = true
				} else if says.Also[h.Rule.Title] == "" {
					t.Errorf("%s: hit by %q, which is not about %s", c.Case, h.Rule.Title, c.Expected.Behaviour)
				}
			}
			if other := says.Except[c.Case] != ""; len(about) > 0 && (spoke != c.Expected.Fires) != other {
				t.Errorf("%s: hit %v, want %v", c.Case, spoke, c.Expected.Fires)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d cases", cases)
}

// readWhy reads the reasons for the pack's hits on field events, by rule and
// file.
func readWhy(t *testing.T) map[string]map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "pack-hits", "why.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var why map[string]map[string]string
	if err := yaml.Unmarshal(data, &why); err != nil {
		t.Fatal(err)
	}
	return why
}

// TestPackOnFieldEvents matches the pack against all events at hand, each as
// what it is and as an event of any source, and each file as a history: nothing
// fails, and the hits are the committed ones, each with its reason.
func TestPackOnFieldEvents(t *testing.T) {
	c := theCorpus(t)
	set := packSet(t, compiler.RuleSetOptions{AnySource: true})
	golden := map[string]*strings.Builder{} // by guide
	why := readWhy(t)
	streams := map[string]*compiler.Stream{} // by file
	explained := map[string]bool{}
	tell := func(rule, name string) {
		guide := path.Dir(rule)
		if golden[guide] == nil {
			golden[guide] = &strings.Builder{}
		}
		fmt.Fprintf(golden[guide], "%s %s\n", rule, name)
		file, _, _ := strings.Cut(name, ":")
		if why[rule][file] == "" {
			t.Errorf("%s hits %s, and why.yaml does not say why", rule, file)
		}
		explained[rule+" "+file] = true
	}
	for _, e := range c.events {
		hits, err := set.Match(e.raw)
		if src, _ := event.Detect(e.event); src == (event.Source{}) {
			hits = nil // of rules that were asked to see events of any source
		}
		hitIDs(t, e, hits, err)
		for _, h := range hits {
			tell(h.Rule.File, e.name)
		}
		if src, _ := event.Detect(e.event); src != (event.Source{}) {
			file, _, _ := strings.Cut(e.name, ":")
			if streams[file] == nil {
				streams[file] = compiler.NewStream(set, compiler.StreamOptions{Lateness: 100 * 365 * 24 * time.Hour})
			}
			if _, err := streams[file].Push(e.raw); err != nil {
				t.Errorf("%s: %v", e.name, err)
			}
		}
		_, err = set.MatchAs(event.Source{}, e.raw)
		hitIDs(t, e, nil, err)
	}
	for _, d := range set.Disabled() {
		t.Errorf("%s was disabled: %v", d.Rule.ID, d.Err)
	}
	// What the rules that look at several events find in each file.
	for _, file := range slices.Sorted(maps.Keys(streams)) {
		for _, h := range streams[file].Close() {
			if len(h.Contributing) > 0 {
				tell(h.Rule.File, file)
			}
		}
	}
	for rule, files := range why {
		for file := range files {
			if !explained[rule+" "+file] {
				t.Errorf("why.yaml: %s does not hit %s", rule, file)
			}
		}
	}
	for guide, text := range golden {
		compareGolden(t, filepath.Join("testdata", "pack-hits", guide+".golden"), text.String())
	}
}
