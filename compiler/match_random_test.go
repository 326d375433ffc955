package compiler_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// The printed text in a bare environment says what the contract's reference
// interpreter says.
func TestCELAgainstReference(t *testing.T) {
	env, err := cel.NewEnv(compiler.Library())
	if err != nil {
		t.Fatal(err)
	}
	n, wrong, hits := 3000, 0, 0
	if testing.Short() {
		n = 500
	}
	for seed := range uint64(n) {
		tree, ev := conformance.NewRandom(seed).Pair()
		text, err := compiler.CEL(&ir.Rule{When: tree})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, ir.Print(tree))
		}
		ast, issues := env.Compile(text)
		if issues.Err() != nil {
			t.Fatalf("seed %d: %v\n%s", seed, issues.Err(), text)
		}
		prg, err := env.Program(ast)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		want := conformance.Reference(tree, ev)
		got, _, err := prg.Eval(map[string]any{"event": ev})
		if err != nil || got.Value() != want {
			js, _ := json.Marshal(ev)
			t.Errorf("seed %d: got %v %v, want %v\n%s\n%s", seed, got, err, want, text, js)
			if wrong++; wrong > 5 {
				t.FailNow()
			}
		}
		if want {
			hits++
		}
	}
	t.Logf("%d trees, %d true", n, hits)
}

// A set of many rules, with and without its index, over maps, bytes and
// objects, says what the reference says of each rule.
func TestRuleSetAgainstReference(t *testing.T) {
	sets := 40
	if testing.Short() {
		sets = 8
	}
	for n := range sets {
		var rules []*ir.Rule
		var trees []ir.Expr
		var events []map[string]any
		for i := range 50 {
			tree, ev := conformance.NewRandom(uint64(1_000_000 + n*50 + i)).Pair()
			trees, events = append(trees, tree), append(events, ev)
			rules = append(rules, &ir.Rule{File: fmt.Sprint(i), Meta: sigma.Meta{ID: fmt.Sprint(i)}, When: tree})
		}
		indexed, ds := compiler.NewRuleSetOf(rules, compiler.RuleSetOptions{})
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		whole, _ := compiler.NewRuleSetOf(rules, compiler.RuleSetOptions{NoIndex: true})
		for j, ev := range events {
			var want []string
			for i, tree := range trees {
				if conformance.Reference(tree, ev) {
					want = append(want, fmt.Sprint(i))
				}
			}
			raw, err := json.Marshal(ev)
			if err != nil {
				t.Fatal(err)
			}
			for name, got := range map[string]func() ([]compiler.Hit, error){
				"indexed": func() ([]compiler.Hit, error) { return indexed.MatchAs(event.Source{}, ev) },
				"whole":   func() ([]compiler.Hit, error) { return whole.MatchAs(event.Source{}, ev) },
				"bytes":   func() ([]compiler.Hit, error) { return indexed.MatchAs(event.Source{}, raw) },
				"object":  func() ([]compiler.Hit, error) { return indexed.MatchAs(event.Source{}, object(ev)) },
			} {
				hits, err := got()
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, h := range hits {
					ids = append(ids, h.Rule.ID)
				}
				if !slices.Equal(ids, want) {
					t.Errorf("set %d event %d %s: hits %v, want %v\n%s", n, j, name, ids, want, raw)
				}
			}
		}
		if d := indexed.Disabled(); len(d) > 0 {
			t.Errorf("disabled: %v", d)
		}
	}
}

// object is a caller's own type over a map.
type object map[string]any

func (o object) Get(key string) (any, bool) {
	v, ok := o[key]
	if m, isMap := v.(map[string]any); isMap {
		v = object(m)
	}
	return v, ok
}

func (o object) Keys(yield func(string) bool) {
	for k := range o {
		if !yield(k) {
			return
		}
	}
}
