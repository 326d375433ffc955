package sigma

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/sigma/schema/schematest"
)

func schemaChecker(t *testing.T, kind string) *schematest.Checker {
	t.Helper()
	s, err := Schema(kind)
	if err != nil {
		t.Fatal(err)
	}
	c, err := schematest.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSchemaTakes: what the parser takes, the schema takes.
func TestSchemaTakes(t *testing.T) {
	checkers := map[string]*schematest.Checker{}
	for _, kind := range SchemaKinds() {
		checkers[kind] = schemaChecker(t, kind)
	}
	n := 2000
	if testing.Short() {
		n = 300
	}
	for seed := range n {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 2))}
		d := g.document()
		text, err := Write(d)
		if err != nil {
			t.Fatal(err)
		}
		kind := d.Kind.String()
		if d.Native {
			kind = "native"
		}
		if err := checkers[kind].Check(text); err != nil {
			t.Fatalf("seed %d: %s: %v\n%s", seed, kind, err, text)
		}
	}
	_, examples := referencePage(t)
	for _, text := range examples {
		for _, doc := range strings.Split(text, "---\n") {
			kind := "rule"
			switch {
			case strings.HasPrefix(doc, "rulewright-parameters"):
				kind = "parameters"
			case strings.HasPrefix(doc, "rulewright:"):
				kind = "native"
			}
			if err := checkers[kind].Check([]byte(doc)); err != nil {
				t.Errorf("%s: %v\n%s", kind, err, doc)
			}
		}
	}
}

// TestSchemaRefuses: mistakes of form are found by the schema, too.
func TestSchemaRefuses(t *testing.T) {
	rule := "title: T\nlogsource: {product: x}\ndetection: {s: {a: x}, condition: s}\n"
	correlation := func(body string) string { return "title: T\ncorrelation: {" + body + "}\n" }
	for _, c := range []struct{ kind, text, in string }{
		{"rule", rule, ""},
		{"rule", rule + "custom: [1]\n", ""},
		{"rule", rule + "level: severe\n", "level"},
		{"rule", rule + "date: yesterday\n", "date"},
		{"rule", "title: T\nlogsource: {product: x}\n", "detection"},
		{"rule", strings.Replace(rule, "a: x", "a|containz: x", 1), "containz"},
		{"rule", strings.Replace(rule, "a: x", "a|weekday: 1", 1), "weekday"},
		{"rule", strings.Replace(rule, ", condition: s", "", 1), "condition"},
		{"rule", rule + "related: [{id: x}]\n", "type"},
		{"native", rule, "rulewright"},
		{"native", "rulewright: 2\n" + rule, "rulewright"},
		{"native", "rulewright: 1\n" + rule, ""},
		{"native", "rulewright: 1\n" + strings.Replace(rule, "a: x", "a|hour=Europe/Berlin|gte: 18", 1), ""},
		{"native", "rulewright: 1\ntier: alarm\n" + rule, "tier"},
		{"native", "rulewright: 1\nversion: '1'\n" + rule, "version"},
		{"native", "rulewright: 1\nentities: [{user: x}]\n" + rule, "user"},
		{"native", "rulewright: 1\nparameters: [a, {name: b, type: number}]\n" + rule, ""},
		{"native", "rulewright: 1\nparameters: [{name: b, type: int}]\n" + rule, "type"},
		{"native", "rulewright: 1\nonce: {by: a}\n" + rule, "for"},
		{"native", "rulewright: 1\ntitle: T\n", "logsource"},
		{"native", "rulewright: 1\n" + correlation("type: new_value, rules: a, fields: b, lookback: '%x%'"), ""},
		{"native", "rulewright: 1\n" + correlation("type: event_count, rules: a, timespan: 5m, condition: {gte: '%x%'}"), ""},
		{"correlation", correlation("type: event_count, rules: [a], timespan: 5m, condition: {gte: 1}"), ""},
		{"correlation", correlation("type: event_count, rules: [a], timespan: 5m, condition: {gte: '%x%'}"), "gte"},
		{"correlation", correlation("type: event_count, rules: [a], timespan: 0m, condition: {gte: 1}"), "timespan"},
		{"correlation", correlation("type: event_count, rules: [a], timespan: 5m"), "condition"},
		{"correlation", correlation("type: event_count, rules: [a], timespan: 5m, condition: {gte: 1}, lookback: 5d"), "lookback"},
		{"correlation", correlation("type: value_count, rules: [a], timespan: 5m, condition: {gte: 1}"), "field"},
		{"correlation", correlation("type: new_value, rules: a, fields: b, lookback: 5d"), "type"},
		{"correlation", correlation("rules: a, timespan: 5m"), "type"},
		{"correlation", correlation("type: temporal, rules: [a, b], timespan: 5m, condition: a and not b"), ""},
		{"correlation", correlation("type: temporal, rules: [a, b], timespan: 5m, condition: {gte: 2}"), ""},
		{"filter", "title: T\nlogsource: {product: x}\nfilter: {rules: any, s: {a: x}, condition: not s}\n", ""},
		{"filter", "title: T\nlogsource: {product: x}\nfilter: {s: {a: x}, condition: not s}\n", "rules"},
		{"parameters", "rulewright-parameters: 1\nparameters: [{name: a, type: hours}]\n", ""},
		{"parameters", "rulewright-parameters: 1\nparameters: [a]\n", "object"},
	} {
		err := schemaChecker(t, c.kind).Check([]byte(c.text))
		switch {
		case c.in == "" && err != nil:
			t.Errorf("%s refuses: %v\n%s", c.kind, err, c.text)
		case c.in != "" && (err == nil || !strings.Contains(err.Error(), c.in)):
			t.Errorf("%s: want an error at %s, got %v\n%s", c.kind, c.in, err, c.text)
		}
		if c.kind == "parameters" {
			continue
		}
		if _, ds := Parse("", []byte(c.text)); c.in == "" && ds.HasErrors() {
			t.Errorf("the parser refuses what the schema takes: %v\n%s", ds, c.text)
		}
	}
	if _, err := Schema("rules"); err == nil || !strings.Contains(err.Error(), "rule, correlation") {
		t.Errorf("an unknown kind: %v", err)
	}
}

// TestSchemaDescribes: every key has a description.
func TestSchemaDescribes(t *testing.T) {
	for _, kind := range SchemaKinds() {
		text, err := Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		var s map[string]any
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		if s["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: dialect %v", kind, s["$schema"])
		}
		var walk func(v any, at string)
		walk = func(v any, at string) {
			switch v := v.(type) {
			case map[string]any:
				props, _ := v["properties"].(map[string]any)
				for name, p := range props {
					if p := p.(map[string]any); p["description"] == nil && p["const"] == nil && name != "type" {
						t.Errorf("%s: %s.%s has no description", kind, at, name)
					}
				}
				for key, e := range v {
					walk(e, at+"/"+key)
				}
			case []any:
				for i, e := range v {
					walk(e, fmt.Sprint(at, i))
				}
			}
		}
		walk(s, "")
	}
}
