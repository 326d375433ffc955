package conformance_test

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	. "github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
	"gopkg.in/yaml.v3"
)

// cloudRule is an entry of testdata/sigmahq-cloud.yaml.
type cloudRule struct {
	Rule     string
	Form     event.Form
	Event    map[string]any
	Never    string
	Coverage []string
	Pack     []string // ids of rules
	Without  string   // why the pack has none
}

// TestSigmaHQCloud holds each rule of SigmaHQ for azure and m365 to the
// committed table: it fires on the event given there, or no event at hand is
// matched by it, as the table says with a reason.
func TestSigmaHQCloud(t *testing.T) {
	docs := map[string]*sigma.Document{}
	eachSigmaHQRule(t, func(path string, doc *sigma.Document) {
		if p := doc.LogSource.Product; p == "azure" || p == "m365" {
			docs[doc.Meta.ID] = doc
		}
	})
	data, err := os.ReadFile("testdata/sigmahq-cloud.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var table struct{ Rules []cloudRule }
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&table); err != nil {
		t.Fatal(err)
	}
	items := coverageItems(t)
	pack := map[string][]string{} // what the pack's rules cover
	files, ds := sigma.ParseFS(rules.FS)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	for _, doc := range files.Documents {
		pack[doc.Meta.ID] = doc.Meta.Coverage
	}
	sentinel := mustPipeline(t, "sentinel")
	never := map[string]bool{}
	var rows, others []*sigma.Document
	seen := map[string]bool{}
	for _, r := range table.Rules {
		doc := docs[r.Rule]
		if doc == nil || seen[r.Rule] {
			t.Errorf("%s: no rule for azure or m365, or one that is there twice", r.Rule)
			continue
		}
		seen[r.Rule] = true
		if lowered, ds := compiler.Lower(doc, compiler.Options{Pipeline: sentinel}); len(lowered) == 0 {
			t.Errorf("%s: %v", r.Rule, ds)
		}
		for _, c := range r.Coverage {
			if items != nil && !items[c] {
				t.Errorf("%s: no item of the coverage is called %s", r.Rule, c)
			}
		}
		for _, id := range r.Pack {
			if !slices.ContainsFunc(pack[id], func(c string) bool { return slices.Contains(r.Coverage, c) }) {
				t.Errorf("%s: the pack's rule %s covers none of %q", r.Rule, id, r.Coverage)
			}
		}
		if len(r.Coverage) > 0 && len(r.Pack) == 0 {
			t.Errorf("%s: no rule of the pack does the job", r.Rule)
		}
		if r.Never != "" && (len(r.Pack) == 0) == (r.Without == "") {
			t.Errorf("%s: it can match nothing; name the rules of the pack that do the job, or say why there is none", r.Rule)
		}
		if r.Never != "" {
			if r.Event != nil {
				t.Errorf("%s: an event, and none can match", r.Rule)
			}
			never[r.Rule] = true
			others = append(others, doc)
			continue
		}
		rows = append(rows, doc)
		set, ds := compiler.NewRuleSet([]*sigma.Document{doc}, compiler.RuleSetOptions{})
		if ds.HasErrors() {
			t.Errorf("%s: %v", r.Rule, ds)
			continue
		}
		src, ok := event.Detect(any(r.Event))
		if want := r.Form; !ok || want == "" && src.Form != event.LogAnalytics || want != "" && src.Form != want {
			t.Errorf("%s: the event's form is %v", r.Rule, src.Form)
		}
		hits, err := set.Match(r.Event)
		if err != nil || len(hits) == 0 {
			t.Errorf("%s: %s does not fire on its event (%v)", r.Rule, doc.Meta.Title, err)
		}
		row, p := r.Event, sentinel
		if r.Form == event.O365Management {
			row = map[string]any{"Type": "CloudAppEvents", "TimeGenerated": "2026-03-02T09:14:07Z", "ActionType": row["Operation"],
				"AccountDisplayName": row["UserId"], "IPAddress": row["ClientIP"], "RawEventData": row}
			if doc.LogSource.Product == "azure" { // Entra's own table writes the values otherwise
				p = mustPipeline(t, "defender")
			}
		}
		fires(t, doc, p, row["Type"].(string), row)
	}
	for _, id := range slices.Sorted(maps.Keys(docs)) {
		if !seen[id] {
			t.Errorf("%s: %s is not in the table", id, docs[id].Meta.Title)
		}
	}
	set, _ := compiler.NewRuleSet(others, compiler.RuleSetOptions{})
	eachRealEvent(t, func(file string, ev any) {
		hits, _ := set.Match(ev)
		for _, h := range hits {
			t.Errorf("%s: %s fires on an event of %s, yet no event can match it", h.Rule.ID, h.Rule.Title, file)
		}
	})
	t.Logf("%d rules fire on an event, %d match none", len(rows), len(others))
}

// fires asks the query that a rule becomes in a table of a pipeline for one of
// some rows, by the tree and by the text.
func fires(t *testing.T, doc *sigma.Document, p *compiler.Pipeline, table string, rows ...any) {
	t.Helper()
	opts := compiler.Options{Pipeline: p, Table: table}
	rules, ds := compiler.Lower(doc, opts)
	if len(rules) != 1 {
		t.Errorf("%s: %s: %v", doc.Meta.ID, table, ds)
		return
	}
	form := event.LogAnalytics
	if p.Name() == "defender" {
		form = event.MDEHunting
	}
	src := event.Source{Form: form, Table: table}
	got, err := KQL().Verdicts(t.Context(), Question{Rule: rules[0], Source: src, Events: rows, Document: doc, Options: opts})
	if err != nil {
		t.Errorf("%s: %s: %s: %v", doc.Meta.ID, doc.Meta.Title, table, err)
		return
	}
	if !slices.ContainsFunc(got, func(v Verdict) bool { return v.Match }) {
		t.Errorf("%s: %s: the query over %s has no row", doc.Meta.ID, doc.Meta.Title, table)
	}
}

// coverageItems returns the ids of the coverage's items; nil where they are not
// at hand.
func coverageItems(t *testing.T) map[string]bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "coverage", "coverage.yaml"))
	if err != nil {
		return nil
	}
	ids := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if id, ok := strings.CutPrefix(line, "- id: "); ok {
			ids[strings.TrimSpace(id)] = true
		}
	}
	return ids
}

// eachRealEvent reads the field data of the Microsoft cloud.
func eachRealEvent(t *testing.T, each func(file string, ev any)) {
	t.Helper()
	root := filepath.Join("..", "..", "shared", "data", "events")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".jsonl") || strings.HasSuffix(path, ".cases.jsonl") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		r := event.NewReader(bytes.NewReader(data), event.ReaderOptions{})
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return nil
			}
			if err == nil {
				each(strings.TrimPrefix(path, root), rec)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hasTable reports whether a rule has a query over a table of a pipeline.
func hasTable(doc *sigma.Document, p *compiler.Pipeline, table string) bool {
	rules, _ := compiler.Lower(doc, compiler.Options{Pipeline: p, Table: table})
	return len(rules) == 1
}
