package conformance_test

import (
	"encoding/json"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
)

// The events of the workload are as long as those that speeds are stated for,
// and of forms that are recognised.
func TestWorkload(t *testing.T) {
	w, again := conformance.NewWorkload(1), conformance.NewWorkload(1)
	bytes, known := 0, 0
	const n = 2000
	for range n {
		e := w.Event()
		if string(e.JSON) != string(again.Event().JSON) {
			t.Fatal("the same seed gives other events")
		}
		var ev map[string]any
		if err := json.Unmarshal(e.JSON, &ev); err != nil {
			t.Fatal(err)
		}
		if _, ok := event.Detect(ev); ok {
			known++
		}
		bytes += len(e.JSON)
	}
	t.Logf("%d bytes an event, %d of %d of a known form", bytes/n, known, n)
	if bytes/n < 1000 || bytes/n > 1200 || known < n*95/100 {
		t.Error("that is not the workload that speeds are stated for")
	}
}
