package compiler

import (
	"context"
	"fmt"
	"testing"
)

// Results come in the order of the events, however many goroutines there are,
// and no more events are taken than are worked at.
func TestMatchAll(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, auditRule)
	one, err := rs.Match([]byte(auditEvent))
	if err != nil || len(one) != 1 {
		t.Fatal(one, err)
	}
	const n = 1000
	for _, workers := range []int{0, 1, 3} {
		taken, given := 0, 0
		events := func(yield func(any) bool) {
			for i := range n {
				ev := []byte(fmt.Sprintf(`{"n":%d}`, i))
				if i%3 == 0 {
					ev = []byte(auditEvent)
				} else if i%3 == 1 {
					ev = []byte(`{`)
				}
				if taken++; taken-given > eventsABatch*(2*max(workers, 1)+1) {
					t.Fatalf("%d events are under way", taken-given)
				}
				if !yield(ev) {
					return
				}
			}
		}
		err := rs.MatchAll(context.Background(), workers, events, func(ev any, hits []Hit, err error) bool {
			if (len(hits) == 1) != (given%3 == 0) || (err != nil) != (given%3 == 1) {
				t.Fatalf("event %d: %d hits, %v", given, len(hits), err)
			}
			given++
			return true
		})
		if err != nil || given != n {
			t.Errorf("%d events, %v", given, err)
		}
		taken, given = 0, 0
		if err := rs.MatchAll(context.Background(), workers, events, func(any, []Hit, error) bool { given++; return given < 100 }); err != nil || given != 100 {
			t.Errorf("stopped after %d events, %v", given, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		taken, given = 0, 0
		if err := rs.MatchAll(ctx, workers, events, func(any, []Hit, error) bool {
			if given++; given == 100 {
				cancel()
			}
			return true
		}); err != context.Canceled || given != 100 {
			t.Errorf("cancelled after %d events, %v", given, err)
		}
		cancel()
	}
}
