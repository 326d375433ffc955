package compiler

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

const routedRules = `title: Failure
name: failure
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2f01
logsource: {product: azure, service: signinlogs}
detection:
  s: {ResultType: 50126}
  condition: s
`

// Those who route and those who push may have read the same rules in another
// order: the field that divides them is the same.
func TestRouterOfRulesInAnotherOrder(t *testing.T) {
	inner := func(n int, by string) string {
		return fmt.Sprintf("---\nrulewright: 1\ntitle: Inner %[1]d\nname: inner%[1]d\nid: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2e0%[1]d\ncorrelation:\n  type: event_count\n  rules: [failure]\n  group-by: [%[2]s]\n  timespan: 10s\n  condition: {gte: 1}\n", n, by)
	}
	one, two := inner(1, "UserPrincipalName, IPAddress"), inner(2, "IPAddress, UserPrincipalName")
	outer := "---\nrulewright: 1\ntitle: Outer\nname: outer\nid: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2e03\ncorrelation:\n  type: temporal\n  rules: [inner1, inner2]\n  group-by: [UserPrincipalName, IPAddress]\n  timespan: 10s\n"
	var got []string
	for _, text := range []string{routedRules + one + two + outer, routedRules + two + one + outer} {
		keys, err := NewRouter(loadSet(t, RuleSetOptions{}, text)).Keys([]byte(`{"Type":"SigninLogs","ResultType":"50126","UserPrincipalName":"u","IPAddress":"a"}`))
		got = append(got, fmt.Sprint(keys, err))
	}
	if got[0] != got[1] {
		t.Errorf("keys %s, and %s of the rules in another order", got[0], got[1])
	}
}

// An event with more values in a key's field than are looked at costs no rule.
func TestKeysOfManyValues(t *testing.T) {
	var users []string
	for i := range 12_000 {
		users = append(users, fmt.Sprintf(`"u%d"`, i))
	}
	many := []byte(`{"Type":"SigninLogs","TimeGenerated":"2026-03-01T10:00:00Z","Id":"1","ResultType":"50126","UserPrincipalName":[` + strings.Join(users, ",") + `]}`)
	few := []byte(`{"Type":"SigninLogs","TimeGenerated":"2026-03-01T10:00:00Z","Id":"2","ResultType":"50126","UserPrincipalName":"u"}`)
	for _, rest := range []string{
		"once: {by: [UserPrincipalName], for: 20s}\nrulewright: 1\n",
		"---\nrulewright: 1\ntitle: Many\nid: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2f02\ncorrelation:\n  type: event_count\n  rules: [failure]\n  group-by: [UserPrincipalName]\n  timespan: 10s\n  generate: true\n  condition: {gte: 2}\n",
	} {
		rs := loadSet(t, RuleSetOptions{}, routedRules+rest)
		keys, err := NewRouter(rs).Keys(many)
		if err != nil || len(keys) == 0 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		if len(keys) > 0 {
			if _, err := NewStream(rs, StreamOptions{}).PushKey(keys[0], many); err != nil {
				t.Error(err)
			}
		}
		if _, err := NewStream(rs, StreamOptions{}).Push(many); err != nil {
			t.Error(err)
		}
		if d := rs.Disabled(); len(d) > 0 {
			t.Errorf("%s is switched off: %v", d[0].Rule.Title, d[0].Err)
		}
		if hits, err := rs.Match(few); len(hits) != 1 {
			t.Errorf("the next event has %d hits, %v", len(hits), err)
		}
	}
}

// Raw JSON of more values than are kept is an error, before it is decoded.
func TestEventOfTooManyValues(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{AnySource: true}, routedRules)
	told := loadSet(t, RuleSetOptions{Source: func(any) (event.Source, bool) { return event.Source{}, false }}, routedRules)
	ev := []byte(`{"ResultType":50126,"more":[` + strings.Repeat("1,", 1<<20) + `1]}`)
	for name, match := range map[string]func() ([]Hit, error){
		"Match":              func() ([]Hit, error) { return rs.Match(ev) },
		"a record":           func() ([]Hit, error) { return rs.Match(event.Record{Event: ev}) },
		"a record's address": func() ([]Hit, error) { return rs.Match(&event.Record{Event: ev}) },
		"MatchAs":            func() ([]Hit, error) { return rs.MatchAs(event.Source{}, event.Record{Event: ev}) },
		"Source":             func() ([]Hit, error) { return told.Match(ev) },
	} {
		if hits, err := match(); !errors.Is(err, errEventValues) {
			t.Errorf("%s: %d hits, %v", name, len(hits), err)
		}
	}
	commas := []byte(`{"Type":"SigninLogs","ResultType":"50126","more":"` + strings.Repeat(",", 1<<20) + `"}`)
	if hits, err := rs.Match(&event.Record{Event: commas}); len(hits) != 1 || err != nil {
		t.Errorf("a text of commas: %d hits, %v", len(hits), err)
	}
}

// The key of an event's own hits is no longer than other keys, whatever its id.
func TestKeyOfLongID(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, routedRules)
	id := strings.Repeat("1", 1<<20)
	ev := func(end string) []byte {
		return []byte(`{"Type":"SigninLogs","TimeGenerated":"2026-03-01T10:00:00Z","Id":"` + id + end + `","ResultType":"50126"}`)
	}
	one, err := NewRouter(rs).Keys(ev("1"))
	two, err2 := NewRouter(rs).Keys(ev("2"))
	if err != nil || err2 != nil || len(one) != 1 || len(two) != 1 || one[0] == two[0] || len(one[0]) > 2*maxEventIDBytes {
		t.Fatalf("%d and %d keys, %v %v", len(one), len(two), err, err2)
	}
	if hits, err := NewStream(rs, StreamOptions{}).PushKey(one[0], ev("1")); len(hits) != 1 || err != nil {
		t.Errorf("%d hits, %v", len(hits), err)
	}
	if hits, err := NewStream(rs, StreamOptions{}).PushKey(one[0], ev("2")); len(hits) != 0 || err != nil {
		t.Errorf("%d hits of another event, %v", len(hits), err)
	}
}

// A rule that others made costly is routed as a stream groups it, however little
// work it may still do itself.
func TestKeysOfCostlyRule(t *testing.T) {
	set := strings.NewReplacer("TYPE", "type: event_count\n  timespan: 1h\n  condition: {gte: 1}", "GROUP", "group-by: [u]").Replace(hostileSet)
	rs := loadSet(t, RuleSetOptions{AnySource: true}, set)
	rs.maxCost = 1 << 14
	for _, l := range rs.rules {
		l.costly.Store(maxCostlyEvents)
	}
	const users = 300 // take more than rs.maxCost/costlyShare
	ev := []byte(`{"a": 1, "u": [` + listed(users, `"user%d"`) + `]}`)
	keys, err := NewRouter(rs).Keys(ev)
	if len(keys) != users || err != nil {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	st := NewStream(rs, StreamOptions{})
	for _, k := range keys {
		hits, err := st.PushKey(k, event.Record{Event: ev, ID: "1", Time: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)})
		if len(hits) != 1 || err != nil {
			t.Fatalf("%s: %d hits, %v", k, len(hits), err)
		}
	}
}

// What Metrics panic with is told to those who only route, too.
func TestRouterTellsOfMetrics(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{Metrics: &panickingMetrics{}}, routedRules)
	if _, err := NewRouter(rs).Keys(signIn(0, "ann", "50126")); err == nil {
		t.Error("nobody was told")
	}
}
