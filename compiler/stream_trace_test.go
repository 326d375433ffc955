package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a stream says of each instant: the value, the window, what held, and
// what is asked for with parameters filled in.
func TestTrace(t *testing.T) {
	const rule = `
title: Success
name: success
logsource: {product: azure, service: signinlogs}
detection:
  fine: {ResultType: 0}
  condition: fine
---
rulewright: 1
title: Correlation
parameters:
  - {name: n, type: number, default: 2, description: a number}
correlation:
  rules: [success]
  group-by: [UserPrincipalName]
`
	// Clocks in Berlin go forward in the night to Sunday, 29 March 2026.
	times := []string{"2026-03-28T10:00:00Z", "2026-03-28T10:01:00Z", "2026-03-28T10:02:00Z", "2026-03-29T10:00:00Z"}
	for _, c := range []struct {
		correlation string
		want        []string
	}{
		{"  type: event_count\n  timespan: 10m\n  condition: {gte: '%n%'}\n", []string{
			"28 10:00 1 [1] 28 09:50-28 10:00", "28 10:01 2 [2] 28 09:51-28 10:01 holds hit", "28 10:02 3 [3] 28 09:52-28 10:02 holds", "29 10:00 1 [1] 29 09:50-29 10:00"}},
		{"  type: new_value\n  fields: [IPAddress]\n  lookback: 1h\n  min-history: 2\n", []string{
			"28 10:00 0 [] 28 09:00-28 10:00", "28 10:01 1 [] 28 09:01-28 10:01", "28 10:02 2 [] 28 09:02-28 10:02 holds hit", "29 10:00 0 [] 29 09:00-29 10:00"}},
		{"  type: after_silence\n  silence: 1h\n  lookback: 2d\n", []string{
			"28 10:00  [] 28 10:00-28 10:00", "28 10:01 60 [] 28 10:00-28 10:01", "28 10:02 60 [] 28 10:01-28 10:02", "29 10:00 86280 [] 28 10:02-29 10:00 holds hit"}},
		{"  type: increase\n  timespan: 1d\n  against: 1d\n  difference: 1\n  zone: Europe/Berlin\n", []string{
			"28 23:00 3 [] 27 23:00-28 23:00 before 0 26 23:00-27 23:00", "29 22:00 1 [] 28 23:00-29 22:00 before 3 27 23:00-28 23:00"}},
	} {
		rs, ds := NewRuleSet(parseDocs(t, rule+c.correlation), RuleSetOptions{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		var got []string
		text := func(t time.Time) string { return t.Format("02 15:04") }
		st := NewStream(rs, StreamOptions{Trace: func(x Instant) {
			line := fmt.Sprint(text(x.Time), " ", x.Value, " ", x.Events, " ", text(x.Window.From), "-", text(x.Window.To))
			if x.Before != "" {
				line += fmt.Sprint(" before ", x.Before, " ", text(x.BeforeWindow.From), "-", text(x.BeforeWindow.To))
			}
			if x.Holds {
				line += " holds"
			}
			if x.Hit {
				line += " hit"
			}
			got = append(got, line)
			if x.Rule.Title != "Correlation" || len(x.Group) != 1 || len(x.Correlation.Inputs) != 1 {
				t.Errorf("%+v", x)
			}
			for _, b := range x.Correlation.Bounds {
				if b.Value.String() != "2" {
					t.Errorf("the threshold is %s", b.Value)
				}
			}
		}})
		for i, at := range times {
			ev := signIn(0, "ann@contoso.com", "0")
			ev["TimeGenerated"], ev["Id"], ev["IPAddress"] = at, fmt.Sprint(i), fmt.Sprint("192.0.2.", i)
			if _, err := st.Push(ev); err != nil {
				t.Fatal(err)
			}
		}
		st.Close()
		got = slices.Compact(got) // what is decided at once is decided again when its time is over
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\ngot  %q\nwant %q", c.correlation, got, c.want)
		}
	}
}

// A Trace that panics is an error of the event; the stream goes on.
func TestTracePanics(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(straightSet, "GENERATE", "true", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	calls := 0
	st := NewStream(rs, StreamOptions{Trace: func(Instant) {
		if calls++; calls == 1 {
			panic("no")
		}
	}})
	plain := NewStream(rs, StreamOptions{})
	failed := 0
	for minute := range 8 {
		ev := signIn(minute, "ann.lee@contoso.com", "50126")
		got, err := st.Push(ev)
		if err != nil {
			failed++
		}
		want, _ := plain.Push(ev)
		if len(got) != len(want) {
			t.Errorf("%d: %d hits, not %d", minute, len(got), len(want))
		}
	}
	if failed != 1 || calls < 8 {
		t.Errorf("%d errors, %d calls", failed, calls)
	}
}

// What Trace panics with is told by the next Push, under whatever rules.
func TestTracePanicsBeforeReload(t *testing.T) {
	rs := snapshotRules(t)
	st := NewStream(rs, StreamOptions{Lateness: time.Minute, Trace: func(Instant) { panic("boom") }})
	if _, err := st.Push(signIn(0, "ann", "50126")); err != nil {
		t.Fatal(err)
	}
	st.Advance(time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC))
	st.Reload(rs)
	if _, err := st.Push(signIn(31, "ann", "50126")); err == nil {
		t.Error("nobody was told")
	}
}
