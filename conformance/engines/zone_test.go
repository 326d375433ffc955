package engines

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// TestZoneWindows puts an event into each day around every change of the clock
// that queries know, at its edges, and asks when the day that it is in ends: what
// a query says of it is what Go's zone data say.
func TestZoneWindows(t *testing.T) {
	pipeline, err := compiler.BuiltinPipeline(string(event.LogAnalytics))
	if err != nil {
		t.Fatal(err)
	}
	engines := open(t)
	zones := []string{"Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu"}
	for _, zone := range zones {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		q := conformance.StreamQuestion{Events: aroundChanges(loc)}
		spans := []int{1}
		if zone == "America/Santiago" || zone == "Pacific/Apia" {
			spans = []int{1, 7}
		}
		for _, days := range spans {
			docs, ds := sigma.Parse("zone.yaml", []byte(fmt.Sprintf(`rulewright: 1
title: A
name: a
id: 00000000-0000-4000-8000-000000000001
logsource: {product: azure, service: signinlogs}
detection:
  s: {OperationName: a}
  condition: s
---
rulewright: 1
title: Days
id: 00000000-0000-4000-8000-000000000002
correlation:
  type: increase
  rules: [a]
  group-by: [UserPrincipalName]
  timespan: %[1]dd
  against: %[1]dd
  difference: 0
  minimum: 0
  zone: %[2]s
`, days, zone)))
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			var ls sigma.Diagnostics
			if q.Rules, ls = compiler.LowerAll(docs, compiler.Options{Pipeline: pipeline}); ls.HasErrors() {
				t.Fatal(ls)
			}
			want := conformance.ReferenceStream(q.Rules, q.Events, 0)
			if len(want) != len(q.Events) {
				t.Fatalf("%s: %d hits of %d events", zone, len(want), len(q.Events))
			}
			for _, e := range engines {
				if e.err != nil {
					continue
				}
				got, err := e.Hits(context.Background(), q)
				if err != nil {
					t.Fatalf("%s: %s: %s", e.name, zone, clip(err.Error()))
				}
				if d := conformance.HitDifferences(want, got); len(d) > 0 {
					t.Errorf("%s: %s, %d days: %d differences: %s", e.name, zone, days, len(d), strings.Join(d[:min(len(d), 5)], "\n"))
				}
			}
		}
		t.Logf("%s: %d events", zone, len(q.Events))
	}
}

// aroundChanges returns events at and around the changes of a zone's clock and
// the beginnings of days next to them, each of a user of its own.
func aroundChanges(loc *time.Location) []event.Record {
	first, last := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2037, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	times := []time.Time{first, last}
	add := func(at time.Time) {
		for _, d := range []time.Duration{-time.Hour, -time.Microsecond, 0, 30 * time.Minute} {
			if at := at.Add(d); !at.Before(first) && !at.After(last) {
				times = append(times, at)
			}
		}
	}
	for at := first; ; {
		_, change := at.In(loc).ZoneBounds()
		if change.IsZero() || !change.After(at) || change.After(last) {
			break
		}
		add(change)
		y, m, d := change.In(loc).Date()
		for n := range 3 {
			add(time.Date(y, m, d-1+n, 0, 0, 0, 0, loc))
		}
		at = change
	}
	slices.SortFunc(times, time.Time.Compare)
	var events []event.Record
	for i, at := range slices.CompactFunc(times, time.Time.Equal) {
		id := fmt.Sprintf("e%d", i)
		events = append(events, event.Record{Source: conformance.RandomStreamSource, Time: at.UTC(), ID: id, Event: map[string]any{"Type": conformance.RandomStreamSource.Table,
			"TimeGenerated": at.UTC().Format(time.RFC3339Nano), "Id": id, "OperationName": "a", "UserPrincipalName": id}})
	}
	return events
}
