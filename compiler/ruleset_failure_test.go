package compiler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

const tenantsRule = `title: A sign-in into the own tenant
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b01
logsource: {product: azure, service: signinlogs}
detection:
  s:
    HomeTenantId|fieldref: ResourceTenantId
  condition: s
---
title: Any sign-in
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b02
logsource: {product: azure, service: signinlogs}
detection:
  s:
    Type: SigninLogs
  condition: s
`

const (
	fineSignIn = `{"Type":"SigninLogs","TimeGenerated":"2026-03-02T09:01:00Z","HomeTenantId":"a","ResourceTenantId":"a"}`
	// costlySignIn has lists that a rule which compares them takes long for.
	costlySignIn = `{"Type":"SigninLogs","TimeGenerated":"2026-03-02T09:01:00Z","HomeTenantId":[%s"x"],"ResourceTenantId":[%s"y"]}`
)

// An event that costs a rule too much is an error that names the rule. The other
// rules have their hits of it, and the rule has its hits of the events behind it,
// also of those behind maxCostlyEvents such events; only that it may then do less.
func TestCostlyEvent(t *testing.T) {
	costly := []byte(fmt.Sprintf(costlySignIn, strings.Repeat(`"x",`, 300), strings.Repeat(`"y",`, 300)))
	between := []byte(fmt.Sprintf(costlySignIn, strings.Repeat(`"x",`, 30), strings.Repeat(`"y",`, 30)))
	fine := []byte(fineSignIn)
	isCostly := func(err error) bool {
		var e *RuleError
		return errors.As(err, &e) && e.Rule.Title == "A sign-in into the own tenant" && errors.Is(err, ErrCost)
	}
	load := func(m Metrics) *RuleSet {
		rs := loadSet(t, RuleSetOptions{Metrics: m}, tenantsRule)
		rs.maxCost = 1 << 14
		return rs
	}
	m := &countingMetrics{}
	for name, match := range map[string]func(rs *RuleSet) func(ev []byte) (int, error){
		"Match": func(rs *RuleSet) func([]byte) (int, error) {
			return func(ev []byte) (int, error) {
				hits, err := rs.Match(ev)
				return len(hits), err
			}
		},
		"MatchAll": func(rs *RuleSet) func([]byte) (int, error) {
			return func(ev []byte) (n int, err error) {
				rs.MatchAll(context.Background(), 2, slices.Values([]any{ev}), func(_ any, hits []Hit, failed error) bool {
					n, err = len(hits), failed
					return true
				})
				return n, err
			}
		},
		"Stream": func(rs *RuleSet) func([]byte) (int, error) {
			st := NewStream(rs, StreamOptions{})
			return func(ev []byte) (int, error) {
				hits, err := st.Push(ev)
				return len(hits), err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			rs := load(m)
			m.failed.Store(0)
			next := match(rs)
			const events = 2 * maxCostlyEvents
			for i := range events {
				if n, err := next(costly); n != 1 || !isCostly(err) {
					t.Fatalf("costly event %d: %d hits, %v", i, n, err)
				}
				if n, err := next(fine); n != 2 || err != nil {
					t.Fatalf("behind costly event %d: %d hits, %v", i, n, err)
				}
				before := i+1 < maxCostlyEvents
				if n, err := next(between); before && (n != 1 || err != nil) || !before && (n != 1 || !isCostly(err)) {
					t.Fatalf("what takes %d steps, behind costly event %d: %d hits, %v", rs.maxCost/10, i, n, err)
				}
			}
			if d := rs.Disabled(); len(d) > 0 {
				t.Errorf("disabled %v", d)
			}
			want := int64(events + events - maxCostlyEvents + 1)
			if f := rs.Failed(); len(f) != 1 || f[0].Events != want || m.failed.Load() != want {
				t.Errorf("failed %v, metrics say %d, want %d", f, m.failed.Load(), want)
			}
		})
	}
}

// panickingMetrics panic in every method.
type panickingMetrics struct{ calls atomic.Int64 }

func (m *panickingMetrics) boom()                                  { m.calls.Add(1); panic("boom") }
func (m *panickingMetrics) Event(event.Source, int, time.Duration) { m.boom() }
func (m *panickingMetrics) Rule(*RuleInfo, bool, time.Duration)    { m.boom() }
func (m *panickingMetrics) Hit(*RuleInfo)                          { m.boom() }
func (m *panickingMetrics) Failed(*RuleInfo, error)                { m.boom() }
func (m *panickingMetrics) Late(time.Duration)                     { m.boom() }
func (m *panickingMetrics) Evicted(*RuleInfo)                      { m.boom() }

const countRule = `title: Two sign-ins
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b03
correlation:
  type: event_count
  rules: [sign-in]
  group-by: [HomeTenantId]
  timespan: 10m
  condition: {gte: 2}
  generate: true
---
title: Sign-in
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b04
name: sign-in
logsource: {product: azure, service: signinlogs}
detection:
  s:
    Type: SigninLogs
  condition: s
`

// What a caller's callbacks panic with is an error of the event. It costs no hit
// and no rule.
func TestCallbackPanics(t *testing.T) {
	m := &panickingMetrics{}
	rs := loadSet(t, RuleSetOptions{Metrics: m}, tenantsRule)
	for range 2 {
		hits, err := rs.Match([]byte(fineSignIn))
		if len(hits) != 2 || err == nil || !strings.Contains(err.Error(), "RuleSetOptions.Metrics panicked: boom") {
			t.Errorf("%d hits, %v", len(hits), err)
		}
	}
	if m.calls.Load() != 10 { // each time two rules, two hits and the event
		t.Errorf("called %d times", m.calls.Load())
	}
	if d := rs.Disabled(); len(d) > 0 {
		t.Errorf("disabled %v", d)
	}

	rs = loadSet(t, RuleSetOptions{Metrics: m}, countRule)
	st := NewStream(rs, StreamOptions{Keep: func(event.Record) any { panic("no room") }})
	for i := range 3 {
		want := 1
		if i == 1 { // the instant is decided once
			want = 2
		}
		hits, err := st.Push([]byte(fineSignIn))
		if len(hits) != want || err == nil || !strings.Contains(err.Error(), "StreamOptions.Keep panicked: no room") || !strings.Contains(err.Error(), "Metrics panicked") {
			t.Errorf("event %d: %d hits, want %d; %v", i, len(hits), want, err)
		}
	}
	if _, err := st.Push([]byte(strings.Replace(fineSignIn, "09:01", "08:01", 1))); err == nil || !strings.Contains(err.Error(), "Metrics panicked") {
		t.Errorf("a late event: %v", err)
	}
	if d := append(rs.Disabled(), st.Disabled()...); len(d) > 0 {
		t.Errorf("disabled %v", d)
	}
}

// A number with many digits is as dear in a decoded event as in raw JSON.
func TestCostOfNumber(t *testing.T) {
	text := []byte(`{"a": 1, "v": 1.` + strings.Repeat("1", 400) + `}`)
	decoded, err := decodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range []any{text, decoded} {
		rs := loadSet(t, RuleSetOptions{AnySource: true}, "title: T\nid: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b02\nlogsource: {product: test}\ndetection:\n  s: {v|gt: 3}\n  condition: s\n")
		rs.maxCost = 1000
		if _, err := rs.Match(ev); !errors.Is(err, ErrCost) && !errors.Is(err, ErrEventCost) {
			t.Errorf("%T: %v", ev, err)
		}
	}
}
