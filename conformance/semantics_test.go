package conformance

import (
	"embed"
	"io/fs"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

//go:embed fixtures
var fixtureFiles embed.FS

func semantics(t testing.TB) fs.FS {
	t.Helper()
	fsys, err := fs.Sub(fixtureFiles, "fixtures/semantics")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func TestSemantics(t *testing.T) {
	Run(t, semantics(t), RunOptions{Require: []string{"reference", "cel-text"}})
}

// TestSemanticsCoverContract asserts that each cell of the contract's table,
// operator by what the event holds, has a fixture.
func TestSemanticsCoverContract(t *testing.T) {
	fixtures, ds := Load(semantics(t), LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	met := map[ir.Op]map[Cell]bool{}
	for _, op := range ir.Ops() {
		met[op] = map[Cell]bool{}
	}
	for _, f := range fixtures {
		for i := range f.Cases {
			questions, err := f.questions(&f.Cases[i])
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range questions {
				for _, r := range q.rules {
					VisitCells(r.Predicate(), q.event, func(op ir.Op, c Cell) { met[op][c] = true })
				}
			}
		}
	}
	for _, op := range ir.Ops() {
		for _, c := range Cells() {
			if !met[op][c] {
				t.Errorf("no fixture shows %v on %q", op, c)
			}
		}
	}
}
