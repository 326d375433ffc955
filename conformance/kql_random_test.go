package conformance

import (
	"context"
	"errors"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLRandom puts random trees and events to the reference and to KQL.
func TestKQLRandom(t *testing.T) {
	pairs := 10_000
	if testing.Short() {
		pairs = 1_000
	}
	r := NewRandom(*seed)
	r.Exact = true
	wrong, refused := 0, 0
	for i := range pairs {
		e, ev := r.Pair()
		got, err := KQL().Verdicts(context.Background(), Question{Rule: &ir.Rule{When: e}, Events: []any{ev}})
		switch {
		case errors.Is(err, ErrUnsupported):
			refused++
			t.Logf("refused: %v\n%s", err, ir.Print(e))
		case err != nil:
			t.Errorf("pair %d: %v\ntree:  %s\nevent: %s", i, err, ir.Print(e), show(ev))
		case got[0].Match != Reference(e, ev):
			wrong++
			t.Errorf("pair %d: KQL says %v\ntree:  %s\nevent: %s", i, got[0].Match, ir.Print(e), show(ev))
		}
	}
	t.Logf("%d pairs, %d wrong, %d refused", pairs, wrong, refused)
}
