package compiler_test

import (
	"encoding/json"
	"testing"

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
