package engines

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// asked is a question with what the reference says of its one event.
type asked struct {
	conformance.Question
	name string
	want bool
}

// collector is a referee that keeps what it is asked and answers as the
// reference does.
type collector struct{ asked []asked }

func (*collector) Name() string { return "collector" }

func (c *collector) Verdicts(ctx context.Context, q conformance.Question) ([]conformance.Verdict, error) {
	verdicts, err := conformance.ReferenceReferee().Verdicts(ctx, q)
	for i, v := range verdicts {
		one := q
		one.Events = q.Events[i : i+1]
		c.asked = append(c.asked, asked{one, q.Rule.File + " " + q.Rule.Meta.Title, v.Match})
	}
	return verdicts, err
}

// ofFixtures are the questions of all fixtures about one event each.
func ofFixtures(t *testing.T) []asked {
	t.Helper()
	fixtures, ds := conformance.Load(os.DirFS(filepath.Join("..", "fixtures")), conformance.LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	var c collector
	conformance.Evaluate(context.Background(), fixtures, []conformance.Referee{&c})
	if len(c.asked) < 1000 {
		t.Errorf("the fixtures ask %d questions", len(c.asked))
	}
	return c.asked
}

// ofSigmaHQ are SigmaHQ's own regression events with the rules that they are of;
// none where the data is not at hand.
func ofSigmaHQ(t *testing.T) []asked {
	t.Helper()
	data := filepath.Join("..", "..", "..", "shared", "data", "sigmahq")
	text, err := os.ReadFile(filepath.Join(data, "regression", "manifest.json"))
	if err != nil {
		t.Logf("without the regression events of SigmaHQ: %v", err)
		return nil
	}
	var manifest []struct {
		RuleID string `json:"rule_id"`
		File   string
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	docs := map[string]*sigma.Document{}
	err = filepath.WalkDir(filepath.Join(data, "rules"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, _ := sigma.Parse(d.Name(), text)
		for _, doc := range parsed {
			docs[doc.Meta.ID] = doc
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []asked
	hit := 0
	for _, m := range manifest {
		text, err := os.ReadFile(filepath.Join(data, "regression", m.File))
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		hits := false
		for d.More() {
			var ev any
			if err := d.Decode(&ev); err != nil {
				t.Fatal(err)
			}
			source, ok := event.Detect(ev)
			if !ok {
				t.Errorf("%s: of no known form", m.File)
				continue
			}
			p, err := compiler.BuiltinPipeline(string(source.Form))
			if err != nil {
				t.Fatal(err)
			}
			rules, ds := compiler.Lower(docs[m.RuleID], compiler.Options{Pipeline: p})
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			ev = event.Unwrap(ev)
			for _, r := range rules {
				if r.Source.Table == "" || strings.EqualFold(r.Source.Table, source.Table) {
					want := conformance.Reference(r.Predicate(), ev)
					hits = hits || want
					out = append(out, asked{conformance.Question{Rule: r, Source: source, Events: []any{ev}}, m.File, want})
				}
			}
		}
		if hits {
			hit++
		}
	}
	if hit != len(manifest) {
		t.Errorf("%d of %d regression files hit", hit, len(manifest))
	}
	return out
}

// ofRandom are random trees with events made for them.
func ofRandom(n int, change func(*conformance.Random)) []asked {
	r := conformance.NewRandom(*seed)
	r.Exact = true
	if change != nil {
		change(r)
	}
	out := make([]asked, n)
	for i := range out {
		e, ev := r.Pair()
		out[i] = asked{conformance.Question{Rule: &ir.Rule{When: e}, Events: []any{ev}}, "random", conformance.Reference(e, ev)}
	}
	return out
}
