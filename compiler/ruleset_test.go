package compiler

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

const auditRule = `
title: Member added to a role
id: 11111111-1111-4111-8111-111111111111
level: high
tags: [attack.persistence]
rulewright: 1
tier: alert
entities:
  - account: InitiatedBy.user.userPrincipalName
logsource: {product: azure, service: auditlogs}
detection:
  operation:
    OperationName|contains: add member to role
  by_admin:
    InitiatedBy.user.userPrincipalName: admin@contoso.com
  target:
    TargetResources[any]:
      type: User
      displayName|startswith: ['adm', 'root']
  condition: operation and target and not by_admin
`

func parseRules(t testing.TB, texts ...string) []*sigma.Document {
	t.Helper()
	var docs []*sigma.Document
	for i, text := range texts {
		ds, diags := sigma.Parse(fmt.Sprintf("rule%d.yaml", i), []byte(text))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		docs = append(docs, ds...)
	}
	return docs
}

func loadSet(t testing.TB, opts RuleSetOptions, texts ...string) *RuleSet {
	t.Helper()
	rs, diags := NewRuleSet(parseRules(t, texts...), opts)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return rs
}

const auditEvent = `{"Type":"AuditLogs","TimeGenerated":"2026-11-22T10:00:00Z","Id":"Directory_1","OperationName":"Add member to role","Category":"RoleManagement",
"InitiatedBy":{"user":{"userPrincipalName":"eve@contoso.com"}},"TargetResources":[{"type":"User","displayName":"Admin Bob"},{"type":"User","displayName":"Ann"}]}`

func TestMatch(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, auditRule)
	hits, err := rs.Match([]byte(auditEvent))
	if err != nil || len(hits) != 1 {
		t.Fatalf("%v %v", hits, err)
	}
	h := hits[0]
	if got, want := fmt.Sprint(h.Rule.Title, h.Rule.Level, h.Rule.Tier, h.Source, h.Time().Format("15:04"), h.EventID(), h.Selections(), h.Entities()),
		"Member added to a rolehighalert{log-analytics AuditLogs}10:00Directory_1[operation target][{account InitiatedBy.user.userPrincipalName eve@contoso.com}]"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	js, _ := json.Marshal(h.Matched())
	if want := `[{"selection":"operation","field":"OperationName","op":"contains","values":["Add member to role"],"rule":["\"add member to role\""]},` +
		`{"selection":"target","field":"type","op":"equal","values":["User"],"rule":["\"User\""]},` +
		`{"selection":"target","field":"displayName","op":"startsWith","values":["Admin Bob"],"rule":["\"adm\""]}]`; string(js) != want {
		t.Errorf("matched\n%s\nwant\n%s", js, want)
	}
	// The same fact in every type that Match takes, and twice: the same hit.
	var m map[string]any
	if err := json.Unmarshal([]byte(auditEvent), &m); err != nil {
		t.Fatal(err)
	}
	for name, ev := range map[string]any{"map": m, "raw": json.RawMessage(auditEvent), "record": event.Record{Event: m}, "pointer": &event.Record{Event: []byte(auditEvent)}} {
		again, err := rs.Match(ev)
		if err != nil || len(again) != 1 || again[0].ID() != h.ID() {
			t.Errorf("%s: %v %v", name, again, err)
		}
	}
	for _, not := range []string{
		strings.Replace(auditEvent, "eve@", "ADMIN@", 1),
		strings.Replace(auditEvent, "Admin Bob", "Bob", 1),
		strings.Replace(auditEvent, "Add member", "Remove member", 1),
		strings.Replace(auditEvent, `{"type":"User","displayName":"Admin Bob"}`, `{"type":"Group","displayName":"Admin Bob"}`, 1),
	} {
		if hits, err := rs.Match([]byte(not)); err != nil || len(hits) != 0 {
			t.Errorf("%s: %v %v", not, hits, err)
		}
	}
}

// Hits of events without an id of their own are told apart by what is in them,
// whatever the order of keys and the spelling of numbers.
func TestHitID(t *testing.T) {
	rs, _ := NewRuleSetOf([]*ir.Rule{{When: ir.Const(true), Meta: sigma.Meta{ID: "x"}}}, RuleSetOptions{})
	id := func(js string) string {
		hits, err := rs.MatchAs(event.Source{}, []byte(js))
		if err != nil || len(hits) != 1 {
			t.Fatal(hits, err)
		}
		return hits[0].ID()
	}
	same := []string{`{"a":1,"b":[true,null,"x"]}`, `{"b":[true,null,"\u0078"],"a":1.0}`}
	other := []string{`{"a":1,"b":[true,null,"y"]}`, `{"a":"1","b":[true,null,"x"]}`, `{"a":1,"b":[true,"x"]}`, `{"a":1,"b":[[true,null,"x"]]}`, `{}`}
	if id(same[0]) != id(same[1]) {
		t.Error("equal events, different hits")
	}
	for _, o := range other {
		if id(o) == id(same[0]) {
			t.Errorf("%s is the same hit", o)
		}
	}
}

func TestRouting(t *testing.T) {
	loose := `
title: Any event
id: 22222222-2222-4222-8222-222222222222
logsource: {product: nobody, service: knows}
detection:
  selection: {Some.Field: x}
  condition: selection
`
	rs := loadSet(t, RuleSetOptions{}, auditRule, loose)
	if hits, err := rs.Match([]byte(`{"Some":{"Field":"x"}}`)); err != nil || len(hits) != 0 {
		t.Errorf("an event of unknown source met a rule: %v %v", hits, err)
	}
	if n := rs.UnknownEvents(); n != 1 {
		t.Errorf("%d unknown events", n)
	}
	anySource := loadSet(t, RuleSetOptions{AnySource: true}, auditRule, loose)
	if hits, _ := anySource.Match([]byte(`{"Some":{"Field":"x"}}`)); len(hits) != 1 {
		t.Errorf("any source: %v", hits)
	}
	// An event of a known source meets the rules of that source only.
	if hits, _ := anySource.Match([]byte(strings.Replace(auditEvent, "{", `{"Some":{"Field":"x"},`, 1))); len(hits) != 1 || hits[0].Rule.Title != "Member added to a role" {
		t.Errorf("any source: %v", hits)
	}
	// The caller's word counts before the event's looks.
	src := event.Source{Form: event.LogAnalytics, Table: "auditlogs"}
	told := loadSet(t, RuleSetOptions{Source: func(any) (event.Source, bool) { return src, true }}, auditRule)
	bare := `{"OperationName":"Add member to role","TargetResources":{"type":"User","displayName":"root"}}`
	if hits, _ := told.Match([]byte(bare)); len(hits) != 1 {
		t.Errorf("told: %v", hits)
	}
	if hits, _ := rs.MatchAs(src, []byte(bare)); len(hits) != 1 {
		t.Errorf("MatchAs: %v", hits)
	}
	src.Table = "SigninLogs"
	if hits, _ := told.Match([]byte(bare)); len(hits) != 0 {
		t.Errorf("a rule saw events of another table: %v", hits)
	}
}

func TestTolerantLoading(t *testing.T) {
	docs := parseRules(t, auditRule, strings.Replace(auditRule, "title: Member", "title: Another member", 1), `
title: Counts
id: 33333333-3333-4333-8333-333333333333
logsource: {product: azure, service: auditlogs}
detection:
  selection: {OperationName: x}
  condition: selection | max(size) > 5
  timeframe: 5m
`)
	rs, diags := NewRuleSet(docs, RuleSetOptions{})
	if len(rs.Rules()) != 1 || rs.Rules()[0].Title != "Member added to a role" {
		t.Errorf("rules %v", rs.Rules())
	}
	var codes []string
	for _, d := range diags {
		if d.Severity == sigma.SeverityError {
			codes = append(codes, string(d.Code))
		}
	}
	if !slices.Contains(codes, string(sigma.CodeID)) || len(codes) < 2 {
		t.Errorf("diagnostics %v", diags)
	}
}

func TestLacking(t *testing.T) {
	rule := `
rulewright: 1
title: By somebody not approved
id: 44444444-4444-4444-8444-444444444444
logsource: {product: azure, service: auditlogs}
parameters:
  - {name: approved, type: string, list: true, description: Who may.}
detection:
  selection: {OperationName: Add member to role}
  approved: {InitiatedBy.user.userPrincipalName|expand: '%approved%'}
  condition: selection and not approved
`
	rs := loadSet(t, RuleSetOptions{}, rule)
	if n := rs.NotRun(); len(n) != 1 || !slices.Equal(n[0].Lacks, []string{"approved"}) {
		t.Errorf("not run: %v", n)
	}
	if hits, _ := rs.Match([]byte(auditEvent)); len(hits) != 0 {
		t.Errorf("it ran: %v", hits)
	}
	profile, err := (*Profile)(nil).WithValue("approved", "eve@contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	rs = loadSet(t, RuleSetOptions{Options: Options{Profile: profile}}, rule)
	if hits, _ := rs.Match([]byte(auditEvent)); len(hits) != 0 || len(rs.NotRun()) != 0 {
		t.Errorf("approved: %v", hits)
	}
	if hits, _ := rs.Match([]byte(strings.Replace(auditEvent, "eve@", "mallory@", 1))); len(hits) != 1 {
		t.Errorf("not approved: %v", hits)
	}
}

// Bytes that are no event are an error and nothing worse.
func TestOddBytes(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{AnySource: true}, auditRule)
	for _, js := range []string{"", " ", "{", `{"a":1} x`, `{"a":1}{"a":2}`, `{"a":1,}`, "\xff", `{"a":01}`, "nul", strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000)} {
		if hits, err := rs.Match([]byte(js)); err == nil {
			t.Errorf("%.20q: no error, %v", js, hits)
		}
	}
	for _, js := range []string{"null", "5", `"x"`, "[]", "{}", `{"a":1,"a":2}`, "\ufeff{}", "\n{}\n", strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999)} {
		if hits, err := rs.Match([]byte(js)); err != nil || len(hits) != 0 {
			t.Errorf("%.20q: %v %v", js, hits, err)
		}
	}
	if _, err := rs.Match(make([]byte, event.MaxRecordBytes+1)); err == nil {
		t.Error("no limit of size")
	}
}

// Numbers that 64 bits do not hold are float64, or in a rule text.
func TestHugeNumbers(t *testing.T) {
	for _, c := range []struct {
		field, event string
		want         bool
	}{
		{"a: 18446744073709551615.0", `{"a":18446744073709551615}`, true},
		{"a: 18446744073709551615.0", `{"a":18446744073709551616}`, true}, // the same float64
		{"a: 18446744073709551615.0", `{"a":18446744073709559999}`, false},
		{"a: 18446744073709551615", `{"a":"18446744073709551615"}`, true},
		{"a: 18446744073709551615", `{"a":18446744073709551615}`, false},
		{"a: 9223372036854775807", `{"a":9223372036854775807}`, true},
		{"a: 9223372036854775807", `{"a":9223372036854775806}`, false},
		{"a|gt: 1", `{"a":1e300}`, true},
		{"a|gt: 1", `{"a":1e400}`, false}, // no float64 holds it
	} {
		rs := loadSet(t, RuleSetOptions{AnySource: true}, "title: t\nlogsource: {product: p}\ndetection:\n  s: {"+c.field+"}\n  condition: s\n")
		if hits, err := rs.Match([]byte(c.event)); err != nil || (len(hits) == 1) != c.want {
			t.Errorf("%s, %s: %d hits, %v", c.field, c.event, len(hits), err)
		}
	}
}

type panicking struct{}

func (panicking) Get(string) (any, bool)   { panic("boom") }
func (panicking) Keys(f func(string) bool) { panic("boom") }

// An event.Object that panics is an error of its event, and takes no rule with
// it.
func TestObjectThatPanics(t *testing.T) {
	rules := []*ir.Rule{
		{File: "a", Meta: sigma.Meta{Title: "inner"}, When: testMatch(ir.Equal, "f.g", "x")},
		{File: "b", Meta: sigma.Meta{Title: "always"}, When: ir.Const(true)},
		{File: "c", Meta: sigma.Meta{Title: "keywords"}, When: testMatch(ir.Contains, "*", "x")},
	}
	inner := map[string]any{"f": panicking{}}
	for place, given := range map[string]any{
		"a value":            inner,
		"a list":             map[string]any{"f": []any{panicking{}}},
		"a list of its type": map[string]any{"f": []panicking{{}}},
		"a list of objects":  map[string]any{"f": []event.Object{panicking{}}},
		"a map of objects":   map[string]event.Object{"f": panicking{}},
		"a list of maps":     map[string]any{"f": []map[string]any{{"g": panicking{}}}},
		"a record":           map[string]any{"f": event.Record{Event: panicking{}}},
		"a pointer to a map": &inner,
		"an object in a map": map[string]any{"f": map[string]event.Object{"g": panicking{}}},
	} {
		t.Run(place, func(t *testing.T) {
			testObjectThatPanics(t, rules, given, !strings.HasPrefix(place, "an object in") && place != "a list of maps")
		})
	}
}

func testObjectThatPanics(t *testing.T, rules []*ir.Rule, given any, reached bool) {
	for _, noIndex := range []bool{false, true} {
		rs, _ := NewRuleSetOf(rules, RuleSetOptions{NoIndex: noIndex})
		ev := event.Record{Event: given, ID: "1"}
		for range 2 {
			hits, err := rs.MatchAs(event.Source{}, ev)
			if noIndex && (err == nil || len(hits) != 1 || hits[0].Rule.Title != "always") {
				t.Errorf("%v %v", hits, err)
			}
			if noIndex && err != nil && (!strings.Contains(err.Error(), `"keywords"`) || reached && !strings.Contains(err.Error(), `"inner"`)) {
				t.Errorf("the event that they failed on says %v", err)
			}
			if !noIndex && err == nil {
				t.Errorf("an event that panics in the index: %v", hits)
			}
		}
		if d := rs.Disabled(); len(d) != 0 {
			t.Errorf("disabled %v", d)
		}
		hits, err := rs.MatchAs(event.Source{}, map[string]any{"f": map[string]any{"g": "x"}})
		if err != nil || len(hits) != 3 {
			t.Errorf("the next event: %d hits, %v", len(hits), err)
		}
	}
}

// Work has a limit: here a list that contains itself twice.
func TestCostLimit(t *testing.T) {
	loop := []any{"x", nil, nil}
	loop[1], loop[2] = loop, loop
	rs, _ := NewRuleSetOf([]*ir.Rule{
		{File: "a", Meta: sigma.Meta{Title: "endless"}, When: testMatch(ir.Contains, "f", "y")},
		{File: "b", Meta: sigma.Meta{Title: "always"}, When: ir.Const(true)},
	}, RuleSetOptions{NoIndex: true})
	rs.maxCost = 1 << 16
	hits, err := rs.MatchAs(event.Source{}, map[string]any{"f": loop, "Id": "1"})
	var failed *RuleError
	if !errors.As(err, &failed) || failed.Rule.Title != "endless" || len(hits) != 1 || hits[0].Rule.Title != "always" {
		t.Errorf("%v %v", hits, err)
	}
	if d := rs.Disabled(); len(d) > 0 {
		t.Errorf("disabled %v", d)
	}
}

// Numbers that take long to read are charged for it, as JSON text and decoded.
func TestSlowNumbers(t *testing.T) {
	rs, _ := NewRuleSetOf([]*ir.Rule{{File: "a", Meta: sigma.Meta{Title: "more"}, When: testMatch(ir.Contains, "f", "y")}}, RuleSetOptions{NoIndex: true})
	rs.maxCost = 1 << 16
	for number, slow := range map[string]bool{
		"0.5": false, "-12.345678901234567": false, "1e3": false, "1.7976931348623157e308": true,
		"1e-308": true, "4.9E-324": true, "0." + strings.Repeat("1", 700): true, "1e-99999": true,
	} {
		text := `{"f":[` + strings.Repeat(number+",", 200) + number + `]}`
		var decoded any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&decoded); err != nil {
			t.Fatal(err)
		}
		for _, ev := range []any{[]byte(text), decoded} {
			if _, err := rs.MatchAs(event.Source{}, ev); errors.Is(err, ErrCost) != slow {
				t.Errorf("%.30s as %T: %v", number, ev, err)
			}
		}
	}
}

// What numbers of an event without an id take is bounded; those behind the bound
// still tell events apart.
func TestIdentityOfSlowNumbers(t *testing.T) {
	numbers := make([]any, 20_000)
	for i := range numbers {
		numbers[i] = json.Number("1e-308")
	}
	ev := map[string]any{"f": numbers}
	one := identityOf(&event.Record{}, ev)
	if again := identityOf(&event.Record{}, ev); again != one {
		t.Error("two identities of one event")
	}
	h := eventHashers.Get().(*eventHasher)
	defer eventHashers.Put(h)
	if h.sum(ev); h.slow >= 0 {
		t.Errorf("%d left", h.slow)
	}
	numbers[len(numbers)-1] = json.Number("2e-308")
	if other := identityOf(&event.Record{}, ev); other == one {
		t.Error("one identity of two events")
	}
}

// Many goroutines over one set get the hits that one gets.
func TestConcurrent(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{AnySource: true}, auditRule)
	not := strings.Replace(auditEvent, "eve@", "admin@", 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				yes, err1 := rs.Match([]byte(auditEvent))
				no, err2 := rs.Match([]byte(not))
				if len(yes) != 1 || len(no) != 0 || err1 != nil || err2 != nil {
					t.Errorf("%v %v %v %v", yes, no, err1, err2)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestExplain(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{}, auditRule)
	for _, c := range []struct{ event, want string }{
		{auditEvent, "true"},
		{strings.Replace(auditEvent, "Add member", "Remove member", 1), `OperationName contains ["Remove member to role"]: no value fits; displayName startsWith ["Ann"]: no value fits`},
		{strings.Replace(auditEvent, `"OperationName":"Add member to role",`, ``, 1), `OperationName contains []: the field is absent; displayName startsWith ["Ann"]: no value fits`},
		{strings.Replace(auditEvent, "Admin Bob", "Bob", 1), `displayName startsWith ["Bob"]: no value fits; displayName startsWith ["Ann"]: no value fits`},
	} {
		xs, err := rs.Explain("11111111-1111-4111-8111-111111111111", []byte(c.event))
		if err != nil || len(xs) != 1 || xs[0].When == nil {
			t.Fatal(xs, err)
		}
		var why []string
		var visit func(x *Explained)
		visit = func(x *Explained) {
			if x.Kind == "match" && !x.Holds && x.Name != "InitiatedBy.user.userPrincipalName" {
				values, _ := json.Marshal(x.Values)
				if x.Values == nil {
					values = []byte("[]")
				}
				why = append(why, fmt.Sprintf("%s %s %s: %s", x.Name, x.Op, values, x.Note))
			}
			for _, p := range x.Parts {
				visit(p)
			}
		}
		visit(xs[0].When)
		got := strings.Join(why, "; ")
		if xs[0].Verdict {
			got = "true"
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if xs, err := rs.Explain("", []byte(`{"x":1}`)); err != nil || xs[0].Note == "" {
		t.Errorf("%v %v", xs, err)
	}
	if _, err := rs.Explain("nobody", []byte(auditEvent)); err == nil {
		t.Error("no error for an unknown rule")
	}
	// What the caller says of the source goes before what the event looks like.
	for _, src := range []event.Source{{Form: "log-analytics", Table: "AuditLogs"}, {Form: "log-analytics", Table: "auditlogs"}, {Form: "log-analytics", Table: "SigninLogs"}, {}} {
		xs, err := rs.ExplainAs(src, "", []byte(auditEvent))
		if err != nil || len(xs) != 1 {
			t.Fatal(xs, err)
		}
		hits, err := rs.MatchAs(src, []byte(auditEvent))
		if err != nil || xs[0].Verdict != (len(hits) > 0) || xs[0].Verdict != (xs[0].Note == "") || xs[0].Source != src {
			t.Errorf("%v: %+v, %d hits, %v", src, xs[0], len(hits), err)
		}
	}
}

// The index looks only where a rule cannot be true otherwise.
func TestNeeds(t *testing.T) {
	eq := func(spec string, vs ...any) ir.Expr { return testMatch(ir.Equal, spec, vs...) }
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{eq("a", "X", 5), `a=5 a=x`},
		{&ir.And{X: []ir.Expr{eq("a", "x", "y"), testMatch(ir.Contains, "b", "zzzzzz"), eq("c", true)}}, `c=true & a=x a=y & b*=zzzzzz`},
		{&ir.Or{X: []ir.Expr{eq("a", "x"), eq("b", "7")}}, `a=x b="7" b=7`},
		{&ir.Or{X: []ir.Expr{eq("a", "x"), testMatch(ir.StartsWith, "b", "Z")}}, `a=x b^=z`},
		{&ir.Or{X: []ir.Expr{eq("a", "x"), testMatch(ir.Null, "b")}}, `always`},
		{&ir.Or{X: []ir.Expr{&ir.And{X: []ir.Expr{eq("a", "x"), eq("b", "y")}}, eq("c", "z")}}, `a=x c=z & b=y c=z`},
		{&ir.Not{X: eq("a", "x")}, `always`},
		{&ir.Not{X: &ir.Or{X: []ir.Expr{eq("b", "y"), &ir.Not{X: eq("a", "x")}}}}, `a=x`},
		{&ir.Not{X: &ir.And{X: []ir.Expr{&ir.Not{X: eq("b", "y")}, &ir.Not{X: eq("a", "x")}}}}, `a=x b=y`},
		{ir.Const(true), `always`},
		{ir.Const(false), `never`},
		{&ir.And{}, `always`},
		{&ir.Or{}, `never`},
		{&ir.Selection{Name: "s", X: eq("a", "x")}, `a=x`},
		{&ir.Any{Over: mustField("l"), X: eq("a", "x")}, `l a=x`},
		{&ir.Not{X: &ir.Any{Over: mustField("l"), X: &ir.Not{X: eq("a", "x")}}}, `always`},
		{&ir.Any{Over: mustField("l"), X: eq("[0]", "x")}, `always`},
		{&ir.Any{Over: mustField("l"), X: eq("*", "x")}, `always`},
		{eq("*", "x"), `*=x`},
		{eq("t@hour", 5), `always`},
		{eq("a", "x", other("b")), `always`},
		{eq("a", ""), `a=`},
		{testMatch(ir.Contains, "a", ""), `always`},
		{testMatch(ir.Like, "a", ir.ParsePattern("ab*LONGER?c")), `a*=longer`},
		{testMatch(ir.Like, "a", ir.ParsePattern("ab*longer")), `a$=longer`},
		{testMatch(ir.Like, "a", ir.ParsePattern("?*")), `always`},
		{testMatch(ir.Regexp, "a", ir.Regex("x(ab|cde+)[0-9]{2}LONG")), `a*=long`},
		{testMatch(ir.Regexp, "a", ir.Regex("(?i)monkeys")), `a*=mon`},
		{testMatch(ir.Regexp, "a", ir.Regex("(foo|bar)?[a-z]")), `always`},
		{testMatch(ir.Regexp, "a", ir.Regex("(first|other){2,}")), `a*=first a*=other`},
	} {
		n := newNeedReader([]ir.Expr{c.e}, fieldSpecs{})
		sets := n.sets(c.e)
		var texts []string
		for _, s := range sets {
			var got []string
			for _, i := range s.needs {
				x := n.needs[i]
				value := x.text
				switch x.kind {
				case needNumber:
					value = ir.ValueText(x.number)
				case needFalse, needTrue:
					value = fmt.Sprint(x.kind == needTrue)
				case needText:
					if _, ok := ir.NumberText(x.text); ok {
						value = strconv.Quote(x.text)
					}
				}
				op := map[needKind]string{needPart: "*=", needStart: "^=", needEnd: "$="}[x.kind]
				got = append(got, strings.ReplaceAll(n.places[x.place].name, "\x00", " ")+cmp.Or(op, "=")+value)
			}
			slices.Sort(got)
			texts = append(texts, cmp.Or(strings.Join(got, " "), "never"))
		}
		if text := cmp.Or(strings.Join(texts, " & "), "always"); text != c.want {
			t.Errorf("%s: %q, want %q", ir.Print(c.e), text, c.want)
		}
	}
}

// A thousand rules over one event, as bytes and decoded, with and without the
// index.
func BenchmarkMatch(b *testing.B) {
	var rules []string
	for i := range 1000 {
		r := strings.Replace(auditRule, "11111111-", fmt.Sprintf("%08d-", i), 1)
		switch i % 4 {
		case 1:
			r = strings.Replace(r, "OperationName|contains: add member to role", fmt.Sprintf("OperationName: operation %d", i), 1)
		case 2:
			r = strings.Replace(r, "add member to role", fmt.Sprintf("operation %d", i), 1)
		case 3:
			r = strings.Replace(r, "'root'", fmt.Sprintf("'root%d'", i), 1)
			r = strings.Replace(r, "'adm'", fmt.Sprintf("'adm%d'", i), 1)
		}
		rules = append(rules, strings.Replace(r, "condition: operation and target", "condition: operation and target and by_admin", 1))
	}
	decoded, err := decodeJSON([]byte(auditEvent))
	if err != nil {
		b.Fatal(err)
	}
	for _, noIndex := range []bool{false, true} {
		rs := loadSet(b, RuleSetOptions{NoIndex: noIndex}, rules...)
		for name, ev := range map[string]any{"raw": []byte(auditEvent), "decoded": decoded} {
			b.Run(fmt.Sprintf("index=%v/%s", !noIndex, name), func(b *testing.B) {
				for b.Loop() {
					if hits, err := rs.Match(ev); err != nil || len(hits) != 0 {
						b.Fatal(hits, err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// A caller whose file was not there has nil bytes, and is told.
func TestMatchOfNoBytes(t *testing.T) {
	rs, _ := NewRuleSet(nil, RuleSetOptions{})
	for _, ev := range []any{[]byte(nil), []byte{}, json.RawMessage(nil), []byte(" ")} {
		if _, err := rs.Match(ev); err == nil {
			t.Errorf("%#v is taken for an event", ev)
		}
	}
}

// A misspelled logsource is a warning; one that no form has is none.
func TestNearLogSource(t *testing.T) {
	for _, tt := range []struct{ logsource, hint string }{
		{"{product: azure, service: auditlog}", "did you mean auditlogs?"},
		{"{product: azur, service: auditlogs}", "did you mean azure?"},
		{"{product: windows, category: proces_creation}", "did you mean process_creation?"},
		{"{product: linux, service: auditd}", ""},
		{"{product: azure, service: auditlogs}", ""},
	} {
		docs, ds := sigma.Parse("r.yml", []byte("title: x\nlogsource: "+tt.logsource+"\ndetection: {s: {a: b}, condition: s}\n"))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		_, found := NewRuleSet(docs, RuleSetOptions{})
		got := ""
		for _, d := range found {
			if d.Code == sigma.CodeUnknownSource && d.Severity == sigma.SeverityWarning {
				got = d.Hint
			}
		}
		if got != tt.hint {
			t.Errorf("%s: %q, want %q: %v", tt.logsource, got, tt.hint, found)
		}
	}
}
