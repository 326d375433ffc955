package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

const streamSet = `
title: Many failures
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c02
name: many
correlation:
  type: event_count
  rules: [failure]
  group-by: [UserPrincipalName]
  timespan: 10m
  condition: {gte: 3}
---
title: Failure
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c01
name: failure
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  condition: failed
---
title: Success
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c04
name: success
logsource: {product: azure, service: signinlogs}
detection:
  fine: {ResultType: 0}
  condition: fine
---
title: Got in
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c05
correlation:
  type: temporal_ordered
  rules: [many, success]
  group-by: [UserPrincipalName]
  timespan: 1h
  generate: GENERATE
---
rulewright: 1
title: A sign-in at all
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c06
once: {by: [UserPrincipalName], for: 30m}
logsource: {product: azure, service: signinlogs}
detection:
  any: {UserPrincipalName|exists: true}
  condition: any
`

func signIn(minute int, user, result string) map[string]any {
	return map[string]any{"Type": "SigninLogs", "Id": fmt.Sprintf("id-%02d-%s", minute, user), "ResultType": result, "UserPrincipalName": user,
		"TimeGenerated": fmt.Sprintf("2026-11-22T10:%02d:00Z", minute)}
}

func TestStream(t *testing.T) {
	for _, generate := range []string{"false", "true"} {
		rs, ds := NewRuleSet(parseDocs(t, strings.Replace(streamSet, "GENERATE", generate, 1)), RuleSetOptions{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		st := NewStream(rs, StreamOptions{KeepEvents: true})
		if d := st.Disabled(); len(d) > 0 {
			t.Fatal(d[0].Err)
		}
		// Of single events the same rules have hits.
		for result, rule := range map[string]string{"50126": "", "0": "Success"} {
			var titles []string
			hits, err := rs.Match(signIn(0, "ann@contoso.com", result))
			for _, h := range hits {
				titles = append(titles, h.Rule.Title)
			}
			want := []string{"A sign-in at all"}
			if generate == "true" && rule != "" {
				want = []string{rule, "A sign-in at all"}
			}
			if err != nil || !slices.Equal(titles, want) {
				t.Errorf("generate %s: Match of %s: %q, %v, want %q", generate, result, titles, err, want)
			}
		}
		var got []string
		var once *Hit
		push := func(ev any) {
			hits, err := st.Push(ev)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hits {
				line := h.Time().Format("15:04 ") + h.Rule.Title
				for _, c := range h.Contributing {
					line += fmt.Sprintf(" %d:%s", c.Input, c.Time.Format("04"))
				}
				if h.Rule.Title == "A sign-in at all" && once == nil {
					once = h
				}
				if h.Rule.Title == "Many failures" {
					c := h.Contributing[0]
					if c.EventID != "id-00-Ann@contoso.com" || c.Rule.Title != "Failure" || !slices.Equal(c.Selections, []string{"failed"}) || c.Event == nil || c.Source.Table != "SigninLogs" {
						t.Errorf("contribution %+v", c)
					}
				}
				if len(h.Contributing) > 0 && !slices.Equal(h.Group, []GroupKey{{"UserPrincipalName", "ann@contoso.com"}}) {
					t.Errorf("group %v", h.Group)
				}
				got = append(got, line)
			}
		}
		push(signIn(0, "Ann@contoso.com", "50126"))
		push(signIn(1, "ann@contoso.com", "50126"))
		push(signIn(1, "bo@contoso.com", "50126"))
		push(signIn(2, "ann@contoso.com", "50126"))
		push(signIn(2, "ann@contoso.com", "0"))
		push(signIn(31, "ann@contoso.com", "0"))
		push(signIn(1, "ann@contoso.com", "0"))
		push(map[string]any{"Type": "SigninLogs", "ResultType": "0", "UserPrincipalName": "ann@contoso.com"})
		want := []string{
			"10:00 A sign-in at all", "10:01 A sign-in at all",
			"10:02 Got in 0:02 1:02",
			"10:31 A sign-in at all",
			"00:00 A sign-in at all", // without a time
		}
		if generate == "true" {
			want = []string{
				"10:00 A sign-in at all", "10:01 A sign-in at all",
				"10:02 Many failures 0:00 0:01 0:02",
				"10:02 Success", "10:02 Got in 0:02 1:02",
				"10:31 Success", "10:31 A sign-in at all",
				"10:01 Success", // late
				"00:00 Success", "00:00 A sign-in at all",
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("generate %s:\ngot  %q\nwant %q", generate, got, want)
		}
		if once == nil || once.Repeats != 3 {
			t.Errorf("once: %+v", once)
		}
		if s := st.Stats(); s.Late != 1 || s.WithoutTime != 1 || s.Groups == 0 {
			t.Errorf("stats %+v", s)
		}
		if hits := st.Close(); len(hits) > 0 {
			t.Errorf("%d hits at the end", len(hits))
		}
		if _, err := st.Push(signIn(3, "x", "0")); err == nil {
			t.Error("a closed stream takes events")
		}
	}
}

// A hit has the same identity whatever form and lateness the events come in.
func TestStreamHitID(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(streamSet, "GENERATE", "true", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	ids := map[string]bool{}
	for _, late := range []time.Duration{0, time.Minute} {
		for _, form := range []string{"table", "diagnostic"} {
			st := NewStream(rs, StreamOptions{Lateness: late})
			var hits []*Hit
			for minute := range 3 {
				ev := any(signIn(minute, "ann@contoso.com", "50126"))
				if form == "diagnostic" {
					ev = event.Record{Event: map[string]any{"time": fmt.Sprintf("2026-11-22T10:%02d:30Z", minute), "category": "SignInLogs", "resultType": "50126", "properties": map[string]any{
						"id": "x", "createdDateTime": fmt.Sprintf("2026-11-22T10:%02d:00Z", minute), "userPrincipalName": "Ann@contoso.com", "status": map[string]any{"errorCode": 50126}}}}
				}
				more, err := st.Push(ev)
				if err != nil {
					t.Fatal(err)
				}
				hits = append(hits, more...)
			}
			hits = append(hits, st.Close()...)
			for _, h := range hits {
				if h.Rule.Title == "Many failures" {
					ids[h.ID()] = true
					hits = nil
				}
			}
			if hits != nil {
				t.Errorf("%s: no hit", form)
			}
		}
	}
	if len(ids) != 1 {
		t.Errorf("identities %v", ids)
	}
}

func TestStreamAdvance(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(streamSet, "GENERATE", "true", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	st := NewStream(rs, StreamOptions{Lateness: time.Minute})
	for minute := range 3 {
		if _, err := st.Push(signIn(minute, "ann@contoso.com", "50126")); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 11, 22, 10, 3, 0, 0, time.UTC)
	if hits := st.Advance(at); len(hits) > 0 {
		t.Error("the watermark is at the instant, not past it")
	}
	if hits := st.Advance(at.Add(time.Microsecond)); len(hits) != 1 || hits[0].Rule.Title != "Many failures" {
		t.Errorf("%d hits", len(hits))
	}
}

// One event with a wrong date makes all that follow it late: the stream says
// which.
func TestStreamAhead(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(streamSet, "GENERATE", "true", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	st := NewStream(rs, StreamOptions{Lateness: time.Minute})
	push := func(minute, line int) {
		t.Helper()
		rec := event.Record{Event: signIn(minute, "ann@contoso.com", "0"), File: "a.jsonl", Line: line}
		rec.Source, _ = event.Detect(rec.Event)
		rec.ID = event.ID(rec.Event, rec.Source)
		if _, err := st.Push(rec); err != nil {
			t.Fatal(err)
		}
	}
	push(0, 1)
	push(2, 2)
	push(0, 3) // one behind line 2
	if a := st.Stats().Ahead; a.Line != 2 || a.Late != 1 {
		t.Errorf("%+v", a)
	}
	push(50, 4)
	for i := range 3 {
		push(3+i, 5+i)
	}
	push(49, 8)  // not late
	push(55, 9)  // the next head
	push(53, 10) // behind it
	want := Ahead{Time: time.Date(2026, 11, 22, 10, 50, 0, 0, time.UTC), EventID: "id-50-ann@contoso.com", Source: event.Source{Form: "log-analytics", Table: "SigninLogs"}, File: "a.jsonl", Line: 4, Late: 3}
	if s := st.Stats(); s.Ahead != want || s.Late != 5 {
		t.Errorf("%d late, %+v", s.Late, s.Ahead)
	}
	st.Advance(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	for i := range 4 {
		push(56, 11+i)
	}
	if a := st.Stats().Ahead; a != (Ahead{Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Late: 4}) {
		t.Errorf("%+v", a)
	}
}

// A hit of new_value tells what is new as an entity, like a part of its group.
func TestNewValueEntities(t *testing.T) {
	const set = `
title: Sign-in
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c01
name: sign_in
logsource: {product: azure, service: signinlogs}
detection:
  fine: {ResultType: 0}
  condition: fine
---
rulewright: 1
title: Somebody new
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c02
entities:
  - account: UserPrincipalName
correlation:
  type: new_value
  rules: [sign_in]
  fields: [UserPrincipalName]
  lookback: 1h
`
	docs, ds := sigma.Parse("set.yaml", []byte(set))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	rs, ds := NewRuleSet(docs, RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	st := NewStream(rs, StreamOptions{})
	var got []string
	for i, user := range []string{"ann@contoso.com", "ann@contoso.com", "bob@contoso.com"} {
		hits, err := st.Push(signIn(i, user, "0"))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			got = append(got, fmt.Sprint(h.Entities()))
		}
	}
	if want := []string{"[{account UserPrincipalName bob@contoso.com}]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
