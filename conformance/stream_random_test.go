package conformance

import (
	"testing"
	"time"

	"github.com/rulewright/rulewright/sigma"
)

// Random correlations are documents that can be parsed, and random files are
// read as the history that they were cut from.
func TestRandomStreamParses(t *testing.T) {
	r := NewRandomStream(*seed)
	for i := range 100 {
		if r.Unit = time.Second; i%3 == 0 {
			r.Unit = 6 * time.Hour
		}
		for _, typ := range StreamTypes() {
			text := r.Rules(typ, 3)
			if _, ds := sigma.Parse("random.yaml", []byte(text)); ds.HasErrors() {
				t.Fatalf("%v\n%s", ds, text)
			}
		}
		history := r.History()
		back, err := mergedFiles(r.Files(history, 1+r.IntN(4)))
		if err != nil {
			t.Fatal(err)
		}
		if len(back) != len(history) {
			t.Fatalf("%d events, want %d", len(back), len(history))
		}
		for i, e := range back {
			if e.Source != RandomStreamSource || !e.Time.Equal(history[i].Time) || e.ID == "" {
				t.Fatalf("read %+v", e)
			}
		}
	}
}
