package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// TestPipelinesKnowLists holds what the query pipelines say of lists and types
// to the rows at hand: a key that they call single holds no list in any of
// them, and what they call a text, number or boolean is one.
func TestPipelinesKnowLists(t *testing.T) {
	held := map[event.Source]map[string]string{} // of a table: key -> what it holds, a letter each
	eachRealEvent(t, func(file string, ev any) {
		rec, ok := ev.(event.Record)
		if !ok {
			return
		}
		src := rec.Source
		if src.Form == "" {
			src, _ = event.Detect(ev)
		}
		if src.Form != event.LogAnalytics && src.Form != event.MDEHunting {
			return
		}
		var row map[string]any
		if text, err := json.Marshal(rec.Event); err != nil || json.Unmarshal(text, &row) != nil {
			return
		}
		if held[src] == nil {
			held[src] = map[string]string{}
		}
		for k, v := range row {
			hold(held[src], k, v)
		}
	})
	fields := 0
	for src, keys := range held {
		p := mustPipeline(t, "sentinel")
		if src.Form == event.MDEHunting {
			p = mustPipeline(t, "defender")
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			name := strings.ReplaceAll(key, "\x00", ".")
			if strings.ContainsAny(name, "|[] ") {
				continue
			}
			docs, _ := sigma.Parse("field", fmt.Appendf(nil, "title: t\nlogsource: {product: azure, service: %s}\ndetection: {s: {%q: null}, condition: s}\n", src.Table, name))
			if len(docs) != 1 {
				continue
			}
			rules, _ := compiler.Lower(docs[0], compiler.Options{Pipeline: p})
			if len(rules) != 1 {
				continue // an export's own column
			}
			ms := ir.Matches(rules[0].When)
			if len(ms) != 1 || len(ms[0].Field.Stored) != strings.Count(key, "\x00")+1 {
				continue // an alias, or an element picked by name
			}
			f := ms[0].Field
			last := f.Stored[len(f.Stored)-1]
			fields++
			if last.Single && strings.Contains(keys[key], "L") && (f.Type == ir.TypeJSON || len(f.Stored) > 1 && !strings.Contains(keys[key], "T")) {
				t.Errorf("%s: %s holds a list, says an event, and none, says the pipeline", src.Table, name)
			}
			wrong := map[ir.Type]string{ir.TypeString: "NBO", ir.TypeNumeric: "BO", ir.TypeIP: "NBO", ir.TypeInt: "BO", ir.TypeLong: "BO", ir.TypeReal: "BO", ir.TypeBool: "NO"}[f.Type]
			if len(f.Stored) > 1 && strings.ContainsAny(keys[key], wrong) {
				t.Errorf("%s: %s is of type %s and holds %s", src.Table, name, f.Type, keys[key])
			}
		}
	}
	t.Logf("%d keys of %d tables", fields, len(held))
}

// hold notes what a key holds: List, Object, Text, Number, Boolean. Text that
// is a list or object is one besides.
func hold(held map[string]string, key string, v any) {
	add := func(s string) {
		if !strings.Contains(held[key], s) {
			held[key] += s
		}
	}
	switch v := v.(type) {
	case nil:
	case string:
		add("T")
		var inner any
		if strings.HasPrefix(v, "[") || strings.HasPrefix(v, "{") {
			if json.Unmarshal([]byte(v), &inner) == nil && !strings.Contains(key, "\x00") {
				hold(held, key, inner)
			}
		}
	case float64:
		add("N")
	case bool:
		add("B")
	case []any:
		add("L")
		for _, x := range v {
			if _, isList := x.([]any); !isList {
				hold(held, key, x)
			}
		}
	case map[string]any:
		add("O")
		for k, x := range v {
			if !strings.Contains(k, ".") {
				hold(held, key+"\x00"+k, x)
			}
		}
	}
}
