package compiler

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
)

func tellAll(h *Hit) string {
	matched, _ := json.Marshal(h.Matched())
	ev, _ := json.Marshal(h.Event())
	return fmt.Sprint(h.ID(), h.Time(), h.EventID(), h.Source, h.Selections(), h.Entities(), string(matched), string(ev))
}

// A hit tells the same whatever it was made from, whatever becomes of the bytes,
// and to all who ask at once, of copies too.
func TestHitIsItsOwn(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, auditRule)
	var m map[string]any
	if err := json.Unmarshal([]byte(auditEvent), &m); err != nil {
		t.Fatal(err)
	}
	want := ""
	for name, ev := range map[string]any{"map": m, "bytes": []byte(auditEvent), "after a byte order mark": []byte("\ufeff" + auditEvent),
		"record": event.Record{Event: m}, "record of bytes": &event.Record{Event: json.RawMessage(auditEvent)}} {
		hits, err := rs.Match(ev)
		if err != nil || len(hits) != 1 {
			t.Fatal(name, len(hits), err)
		}
		if data, ok := ev.([]byte); ok {
			clear(data)
		}
		if _, err := rs.Match([]byte(strings.Replace(auditEvent, "eve@", "mallory@", 1))); err != nil { // its memory is used again
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var got [4]string
		for i := range got {
			h := hits[0]
			wg.Go(func() { got[i] = tellAll(&h) })
		}
		wg.Wait()
		for _, g := range got {
			if want == "" {
				want = g
			}
			if g != want {
				t.Errorf("%s: got  %s\nwant %s", name, g, want)
			}
		}
	}
	for _, part := range []string{"Directory_1", "2026-11-22 10:00:00 +0000 UTC", "[operation target]", "eve@contoso.com", "Admin Bob"} {
		if !strings.Contains(want, part) {
			t.Errorf("%s is not in %s", part, want)
		}
	}
}

// An event.Object that fails when a hit reads it spoils that hit's facts only.
func TestHitOfFailingObject(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{AnySource: true}, `
title: x
logsource: {category: x}
detection: {sel: {a: 1}, condition: sel}
`)
	o := &failing{}
	hits, err := rs.MatchAs(event.Source{}, o)
	if err != nil || len(hits) != 1 {
		t.Fatal(len(hits), err)
	}
	o.fail = true
	if got := fmt.Sprint(hits[0].Selections(), hits[0].Matched(), hits[0].Time().IsZero(), hits[0].EventID()); got != "[] [] true" {
		t.Error(got)
	}
	hits[0].ID()
	hits[0].Forget()
	if hits[0].ID() != "" || hits[0].Event() != nil || hits[0].Rule.Title != "x" {
		t.Error("a forgotten hit still tells of its event")
	}
}

type failing struct{ fail bool }

func (o *failing) Get(key string) (any, bool) {
	if o.fail {
		panic("no")
	}
	return json.Number("1"), key == "a"
}

func (o *failing) Keys(yield func(string) bool) { yield("a") }
