package conformance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/sigma"
)

// fieldEvent is one event of the field data, named by file and line, or by the
// rule whose regression event it is.
type fieldEvent struct {
	name  string
	raw   []byte
	event any
	own   string // regression: the id of the rule that must hit
}

// corpus is all field data at hand: the rules of SigmaHQ and events.
type corpus struct {
	docs   []*sigma.Document
	events []fieldEvent
}

var loadCorpus = sync.OnceValues(func() (*corpus, error) {
	c := &corpus{}
	data := filepath.Join("..", "..", "shared", "data")
	rules := os.DirFS(filepath.Join(data, "sigmahq", "rules"))
	err := fs.WalkDir(rules, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		text, err := fs.ReadFile(rules, path)
		if err != nil {
			return err
		}
		docs, ds := sigma.Parse(path, text)
		if ds.HasErrors() {
			return ds
		}
		c.docs = append(c.docs, docs...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	add := func(name, own string, raw []byte) error {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		e := fieldEvent{name: name, raw: raw, own: own}
		if err := d.Decode(&e.event); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.events = append(c.events, e)
		return nil
	}
	events := os.DirFS(filepath.Join(data, "events"))
	err = fs.WalkDir(events, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".jsonl") || strings.HasPrefix(path, "cases/") {
			return err
		}
		text, err := fs.ReadFile(events, path)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 16<<20)
		for n := 1; lines.Scan(); n++ {
			if raw := bytes.Clone(lines.Bytes()); len(bytes.TrimSpace(raw)) > 0 {
				if err := add(fmt.Sprintf("%s:%d", path, n), "", raw); err != nil {
					return err
				}
			}
		}
		return lines.Err()
	})
	if err != nil {
		return nil, err
	}
	regression := os.DirFS(filepath.Join(data, "sigmahq", "regression"))
	text, err := fs.ReadFile(regression, "manifest.json")
	if err != nil {
		return nil, err
	}
	var manifest []struct {
		RuleID string `json:"rule_id"`
		File   string
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, err
	}
	for _, m := range manifest {
		file, err := regression.Open(m.File)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(file) // some files hold several events, one behind the other
		for n := 1; d.More(); n++ {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return nil, err
			}
			if err := add(fmt.Sprintf("regression/%s:%d", m.RuleID, n), m.RuleID, raw); err != nil {
				return nil, err
			}
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
	return c, nil
})

func theCorpus(t *testing.T) *corpus {
	t.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", "shared", "data", "sigmahq")); err != nil {
		t.Skipf("no field data: %v", err)
	}
	c, err := loadCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ruleSet(t *testing.T, docs []*sigma.Document, opts compiler.RuleSetOptions) *compiler.RuleSet {
	t.Helper()
	set, ds := compiler.NewRuleSet(docs, opts)
	for _, d := range ds {
		if d.Severity == sigma.SeverityError {
			t.Errorf("%v", d)
		}
	}
	return set
}

func hitIDs(t *testing.T, e fieldEvent, hits []compiler.Hit, err error) []string {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", e.name, err)
	}
	var ids []string
	for _, h := range hits {
		ids = append(ids, h.Rule.ID)
	}
	slices.Sort(ids)
	return ids
}

// TestSigmaHQHits matches all rules of SigmaHQ against all events of their
// sources: each regression event is hit by its own rule, the index changes
// nothing, and the hits are the committed ones.
func TestSigmaHQHits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	c := theCorpus(t)
	indexed := ruleSet(t, c.docs, compiler.RuleSetOptions{})
	plain := ruleSet(t, c.docs, compiler.RuleSetOptions{NoIndex: true})
	var golden strings.Builder
	own := map[string]bool{} // regression: rule, whether one of its events is hit
	for _, e := range c.events {
		hits, err := indexed.Match(e.raw)
		ids := hitIDs(t, e, hits, err)
		hits, err = plain.Match(e.event)
		if all := hitIDs(t, e, hits, err); !slices.Equal(ids, all) {
			t.Errorf("%s: %v with index, %v without", e.name, ids, all)
		}
		if e.own != "" {
			own[e.own] = own[e.own] || slices.Contains(ids, e.own)
		}
		for _, id := range ids {
			kind := "foreign"
			if id == e.own {
				kind = "own"
			} else if e.own == "" {
				kind = "event"
			}
			fmt.Fprintf(&golden, "%s %s %s\n", kind, id, e.name)
		}
	}
	for _, d := range append(indexed.Disabled(), plain.Disabled()...) {
		t.Errorf("%s was disabled: %v", d.Rule.ID, d.Err)
	}
	for _, e := range c.events {
		if e.own != "" && !own[e.own] {
			src, _ := event.Detect(e.event)
			t.Errorf("%s: its own rule hits none of its events; this one was taken for %v", e.name, src)
		}
	}
	t.Logf("%d rules, %d events, %d rules with regression events", len(c.docs), len(c.events), len(own))
	compareGolden(t, filepath.Join("testdata", "sigmahq-hits.golden"), golden.String())
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if golden.Updating() {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			t.Errorf("%s: gone: %s", file, line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			t.Errorf("%s: new: %s", file, line)
		}
	}
}

// TestSigmaHQCEL compiles the CEL text of every rule in an environment that
// knows nothing but the library, for each event form that has the rule's
// source, and once without a pipeline; on each event of the source, and without
// a pipeline on every event, the text says what the rule set says.
func TestSigmaHQCEL(t *testing.T) {
	c := theCorpus(t)
	docs, events := c.docs, c.events
	if testing.Short() {
		docs = nil
		for i := 0; i < len(c.docs); i += 20 {
			docs = append(docs, c.docs[i])
		}
	}
	env, err := cel.NewEnv(compiler.Library())
	if err != nil {
		t.Fatal(err)
	}
	set := ruleSet(t, docs, compiler.RuleSetOptions{AnySource: true})
	type key struct {
		event int
		any   bool
		rule  string
	}
	hit := map[key]bool{}
	bySource := map[event.Source][]int{}
	all := make([]int, len(events))
	values := make([]any, len(events))
	for i, e := range events {
		values[i] = event.Unwrap(e.event)
		src, _ := event.Detect(e.event)
		src.Table = strings.ToLower(src.Table)
		bySource[src] = append(bySource[src], i)
		all[i] = i
		hits, err := set.Match(e.raw)
		if src == (event.Source{}) {
			hits = nil // these are the hits of any source
		}
		for _, id := range hitIDs(t, e, hits, err) {
			hit[key{i, false, id}] = true
		}
		hits, err = set.MatchAs(event.Source{}, e.raw)
		for _, id := range hitIDs(t, e, hits, err) {
			hit[key{i, true, id}] = true
		}
	}
	for _, d := range set.Disabled() {
		t.Errorf("%s was disabled: %v", d.Rule.ID, d.Err)
	}
	texts, verdicts, longest := 0, 0, 0
	compile := func(rule *ir.Rule) cel.Program {
		text, err := compiler.CEL(rule)
		if err != nil {
			t.Errorf("%s: %v", rule.File, err)
			return nil
		}
		texts++
		longest = max(longest, len(text))
		ast, issues := env.Compile(text)
		if err := issues.Err(); err != nil {
			t.Errorf("%s: %v", rule.File, err)
			return nil
		}
		p, err := env.Program(ast)
		if err != nil {
			t.Errorf("%s: %v", rule.File, err)
			return nil
		}
		return p
	}
	pipelines := []*compiler.Pipeline{nil}
	for _, name := range compiler.BuiltinPipelines() {
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Form() != "" {
			pipelines = append(pipelines, p)
		}
	}
	for _, doc := range docs {
		for _, p := range pipelines {
			rules, ds := compiler.Lower(doc, compiler.Options{Pipeline: p})
			if ds.HasErrors() {
				if p == nil {
					t.Errorf("%v", ds)
				}
				continue
			}
			// A rule may look at one source in several ways: it hits if one does.
			got := map[key]bool{}
			asked := map[key]bool{}
			for _, rule := range rules {
				src := event.Source{Form: event.Form(rule.Source.Form), Table: strings.ToLower(rule.Source.Table)}
				over := bySource[src]
				if p == nil {
					over = all
				}
				if program := compile(rule); program != nil {
					for _, i := range over {
						out, _, err := program.Eval(map[string]any{"event": values[i]})
						if err != nil {
							t.Errorf("%s on %s: %v", doc.File, events[i].name, err)
							continue
						}
						verdicts++
						k := key{i, p == nil, doc.Meta.ID}
						asked[k] = true
						got[k] = got[k] || out.Value() == true
					}
				}
			}
			for k := range asked {
				if got[k] != hit[k] {
					t.Errorf("%s on %s, without a source %v: the text says %v, the rule set %v", doc.File, events[k.event].name, k.any, got[k], hit[k])
				}
			}
		}
	}
	t.Logf("%d rules, %d texts, the longest of %d bytes, %d verdicts", len(docs), texts, longest, verdicts)
}

// TestSigmaHQReference puts a part of SigmaHQ's rules, as lowered without a
// pipeline, to the reference interpreter on every event.
func TestSigmaHQReference(t *testing.T) {
	c := theCorpus(t)
	step := 4
	if testing.Short() {
		step = 40
	}
	var docs []*sigma.Document
	for i := 0; i < len(c.docs); i += step {
		docs = append(docs, c.docs[i])
	}
	set := ruleSet(t, docs, compiler.RuleSetOptions{AnySource: true})
	hit := map[string]map[string]bool{}
	for _, e := range c.events {
		hits, err := set.MatchAs(event.Source{}, e.raw)
		hit[e.name] = map[string]bool{}
		for _, id := range hitIDs(t, e, hits, err) {
			hit[e.name][id] = true
		}
	}
	verdicts := 0
	for _, doc := range docs {
		rules, ds := compiler.Lower(doc, compiler.Options{})
		if ds.HasErrors() {
			t.Errorf("%v", ds)
		}
		for _, e := range c.events {
			for _, rule := range rules {
				verdicts++
				if want := conformance.Reference(rule.Predicate(), event.Unwrap(e.event)); want != hit[e.name][doc.Meta.ID] {
					t.Errorf("%s on %s: the reference says %v, the rule set %v", doc.File, e.name, want, !want)
				}
			}
		}
	}
	t.Logf("%d rules, %d verdicts", len(docs), verdicts)
}
