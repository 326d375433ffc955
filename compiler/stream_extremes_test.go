package compiler

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

const countedRules = routedRules + "---\nrulewright: 1\ntitle: Many\nid: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2f02\ncorrelation:\n  type: event_count\n  rules: [failure]\n  timespan: 5m\n  condition: {gte: 1}\n"

// An event that is kept may hold numbers that JSON has not.
func TestSnapshotOfNaN(t *testing.T) {
	st := NewStream(loadSet(t, RuleSetOptions{}, countedRules), StreamOptions{KeepEvents: true})
	for _, f := range []float64{math.NaN(), math.Inf(1)} {
		ev := map[string]any{"Type": "SigninLogs", "ResultType": "50126", "Load": []any{f, map[string]any{"now": f}}}
		if _, err := st.Push(event.Record{Event: ev, Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Snapshot(&bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

// The window of a hit begins no earlier than events can be.
func TestWindowOfTheFirstYear(t *testing.T) {
	st := NewStream(loadSet(t, RuleSetOptions{}, countedRules), StreamOptions{})
	hits, err := st.Push([]byte(`{"Type":"SigninLogs","TimeGenerated":"0000-01-01T00:00:00Z","Id":"1","ResultType":"50126"}`))
	if err != nil || len(hits) != 1 {
		t.Fatal(hits, err)
	}
	if _, err := json.Marshal(hits[0].Window); err != nil {
		t.Error(err)
	}
}
