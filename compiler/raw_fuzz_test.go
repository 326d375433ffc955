package compiler_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// rawRules meet events of many sources, and those of which nobody can tell the
// source.
const rawRules = `title: Sign-in
name: sign-in
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c2d01
logsource: {product: azure, service: signinlogs}
detection:
  one: {UserPrincipalName|contains: a}
  two: {ResultType: [0, 50126]}
  condition: one or not two
---
rulewright: 1
title: Audit
name: audit
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c2d02
logsource: {product: azure, service: auditlogs}
detection:
  selection: {OperationName|exists: true}
  target:
    TargetResources[any]:
      displayName: evil
  detail:
    AdditionalDetails[any]:
      value: evil
  condition: selection or target or detail
---
title: Office
name: office
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c2d03
logsource: {product: m365, service: audit}
detection:
  selection: {Operation|exists: true}
  condition: selection
---
title: Process
name: process
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c2d04
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|exists: true}
  condition: not selection or selection
---
title: Some
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c2d05
correlation:
  type: value_count
  rules: [sign-in, audit, office, process]
  group-by: [UserPrincipalName]
  timespan: 5m
  condition: {field: IPAddress, gte: 1}
  generate: true
---
title: Any
id: 7b4f3a52-6d0e-4f0f-9a3e-2f0a5f1c2d06
correlation:
  type: event_count
  rules: [sign-in, audit, office, process]
  timespan: 5m
  condition: {gte: 1}
`

// manyInside is an event with lists of so many values in strings, the last of
// which rules look for.
func manyInside(targets, details int) string {
	list := func(n int, last string) string {
		text, _ := json.Marshal("[" + strings.Repeat("0,", n) + last + "]")
		return string(text)
	}
	return `{"Type":"AuditLogs","TimeGenerated":"2026-03-01T00:00:00Z","Id":"1","OperationName":"x","TargetResources":` +
		list(targets, `{"displayName":"evil"}`) + `,"AdditionalDetails":` + list(details, `{"key":"k","value":"evil"}`) + `}`
}

// TestManyInside has the lists in strings of raw JSON looked at whatever they hold.
func TestManyInside(t *testing.T) {
	set := loadRaw(t)
	for _, ev := range []string{manyInside(3, 3), manyInside(5_000, 3), manyInside(3, 5_000), manyInside(2_500, 2_500)} {
		hits, err := set.Match([]byte(ev))
		if err != nil || len(hits) != 1 || len(hits[0].Selections()) != 3 {
			t.Errorf("%d bytes: %d hits, %v", len(ev), len(hits), err)
		}
	}
}

// loadRaw loads rawRules.
func loadRaw(t testing.TB) *compiler.RuleSet {
	docs, ds := sigma.Parse("raw.yaml", []byte(rawRules))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	set, ds := compiler.NewRuleSet(docs, compiler.RuleSetOptions{AnySource: true})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	// Strings inside an event that hold too many values are decoded.
	compiler.LimitInnerJSON(set, 33*128)
	return set
}

// FuzzRaw matches an event of the fuzzer's making, and pushes it into a stream,
// as bytes and decoded: hits say the same in all that they say.
func FuzzRaw(f *testing.F) {
	w := conformance.NewWorkload(1)
	for range 40 {
		f.Add(w.Event().JSON)
	}
	for _, text := range []string{
		`{"category":"SignInLogs","time":"2026-03-01T00:00:00Z","properties":{"id":"7","createdDateTime":"2026-03-01T00:00:00.5Z","userPrincipalName":"\u0041nn","ipAddress":["::1",null,1.50]}}`,
		`{"CreationTime":1772323200,"CreationTime":"2026-03-01T00:00:00","Id":"1","Operation":"x","Workload":"Exchange","RecordType":1}`,
		`{"AuditData":"{\"CreationTime\":\"2026-03-01T00:00:00\",\"Id\":\"1\",\"Operation\":\"x\",\"Workload\":\"Exchange\",\"RecordType\":1}"}`,
		`{"auditdata":null,"AuditData":{"Operation":"x"},"Type":"SigninLogs","TimeGenerated":1772323200.25,"userprincipalname":"Ä"}`,
		`{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","EventRecordID":7,"Computer":"h","UtcTime":"2026-03-01 00:00:00.123","CommandLine":""}`,
		`{"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"h","EventID":1,"EventRecordID":0,"TimeCreated":"0000-01-01 00:00+00","UtcTime":"0000-01-01"}`,
		`{"CreationTime":"2026-03-01T00:00:00","Id":"1","Operation":"Add member to role.","Workload":"AzureActiveDirectory","RecordType":8.0}`,
		"0\f",
		`{"category":"SignInLogs","":"2026-03-01T00:00:00Z","properties":{"id":"7","createdDateTime":"2026-03-01T00:00:00.5Z","userPrincipalName":"Ann"}}`,
		manyInside(5_000, 3),
		manyInside(3, 5_000),
		manyInside(2_500, 2_500),
	} {
		f.Add([]byte(text))
	}
	set := loadRaw(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var ev any
		if d.Decode(&ev) != nil || len(bytes.TrimLeft(raw[d.InputOffset():], " \t\r\n")) > 0 {
			if _, err := set.Match(raw); err == nil && !bytes.HasPrefix(raw, []byte("\ufeff")) {
				t.Fatal("no JSON, and no error")
			}
			return
		}
		told := func(hits []*compiler.Hit, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			return tell(t, hits)
		}
		match := func(ev any) string {
			hits, err := set.Match(ev)
			var all []*compiler.Hit
			for i := range hits {
				all = append(all, &hits[i])
			}
			return told(all, err)
		}
		if a, b := match(raw), match(ev); a != b {
			t.Fatalf("as bytes\n%s\ndecoded\n%s", a, b)
		}
		for _, opts := range []compiler.StreamOptions{{KeepEvents: true}, {Lateness: time.Minute}} {
			a, b := compiler.NewStream(set, opts), compiler.NewStream(set, opts)
			for range 2 {
				if a, b := told(a.Push(raw)), told(b.Push(ev)); a != b {
					t.Fatalf("pushed as bytes\n%s\ndecoded\n%s", a, b)
				}
			}
			if a, b := told(a.Close(), nil), told(b.Close(), nil); a != b {
				t.Fatalf("at the end, as bytes\n%s\ndecoded\n%s", a, b)
			}
			if a.Stats() != b.Stats() {
				t.Fatalf("as bytes %+v, decoded %+v", a.Stats(), b.Stats())
			}
		}
		keys := compiler.NewRouter(set)
		a, err1 := keys.Keys(raw)
		b, err2 := keys.Keys(ev)
		if err1 != nil || err2 != nil || len(a) != len(b) {
			t.Fatal(a, b, err1, err2)
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("keys %q of bytes, %q decoded", a, b)
			}
		}
	})
}

// tell is all that hits say.
func tell(t *testing.T, hits []*compiler.Hit) string {
	var out []any
	for _, h := range hits {
		out = append(out, h.Rule.ID, h.ID(), h.Time(), h.Source, h.EventID(), h.Selections(), h.Matched(), h.Event(), h.Group, h.Window, h.Value, h.Contributing)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
