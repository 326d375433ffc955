package conformance

import (
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestRandomCoversContract asks of 10,000 pairs that no verdict prevails and
// that each operator meets each cell of the contract often enough.
func TestRandomCoversContract(t *testing.T) {
	const pairs, enough = 10_000, 50
	r := NewRandom(1)
	yes := 0
	met := map[ir.Op]map[Cell]int{}
	for _, op := range ir.Ops() {
		met[op] = map[Cell]int{}
	}
	for range pairs {
		e, ev := r.Pair()
		if Reference(e, ev) {
			yes++
		}
		VisitCells(e, ev, func(op ir.Op, c Cell) { met[op][c]++ })
	}
	if yes < pairs/5 || yes > pairs*4/5 {
		t.Errorf("%d of %d verdicts are true", yes, pairs)
	}
	for _, op := range ir.Ops() {
		for _, c := range Cells() {
			if met[op][c] < enough {
				t.Errorf("%v met %q %d times, want %d", op, c, met[op][c], enough)
			}
		}
	}
	t.Logf("%d of %d verdicts are true", yes, pairs)
}

func TestRandomRepeats(t *testing.T) {
	a, b := NewRandom(7), NewRandom(7)
	for range 100 {
		ea, eva := a.Pair()
		eb, evb := b.Pair()
		if ir.Print(ea) != ir.Print(eb) || len(eva) != len(evb) {
			t.Fatal("the same seed gave another pair")
		}
	}
}
