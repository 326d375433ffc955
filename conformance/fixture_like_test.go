package conformance

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const likeHead = `rulewright-fixtures: 1
document: |
  title: Find a thing
  logsource: {product: azure, service: auditlogs}
  detection:
    s: {a: x}
    condition: s
form: any
cases:
  - name: one
    expect: match
    profile: {p: q}
    events:
      - event: {a: x, n: 5, list: [x, y], text: '{"k":"x","in":"{\"k\":\"x\"}"}', part: xx}
`

func TestCaseLikeAnother(t *testing.T) {
	f, ds := ParseFixture("f.yaml", []byte(likeHead+`  - name: other
    like: one
    replace: {x: 'not "x"', 5: 6}
    expect: no match
`))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	c := f.Cases[1]
	want := map[string]any{"a": `not "x"`, "n": int64(6), "list": []any{`not "x"`, "y"}, "part": "xx",
		"text": `{"k":"not \"x\"","in":"{\"k\":\"not \\\"x\\\"\"}"}`}
	if len(c.Events) != 1 || !reflect.DeepEqual(c.Events[0].Event, want) {
		t.Errorf("got %#v\nwant %#v", c.Events[0].Event, want)
	}
	if c.Profile["p"] != "q" || c.Events[0].Form != FormAny || c.Events[0].Pos != c.Pos {
		t.Errorf("%+v", c)
	}
	if f.Cases[0].Events[0].Event.(map[string]any)["a"] != "x" {
		t.Error("the case above has changed")
	}
}

func TestCaseLikeAnotherErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"    like: none\n    replace: {x: z}\n    expect: no match\n", "f.yaml:16:11: no case above has the name \"none\""},
		{"    like: one\n    expect: no match\n", "says nowhere what is otherwise"},
		{"    like: one\n    replace: {}\n    expect: no match\n", "replace must be a mapping"},
		{"    like: one\n    replace: {nothing: z}\n    expect: no match\n", "f.yaml:17:15: no event of \"one\" has the value \"nothing\""},
		{"    like: one\n    replace: {x: z}\n    expect: no match\n    events: [{event: {a: 1}}]\n", "either events or like"},
		{"    replace: {x: z}\n    expect: no match\n    events: [{event: {a: 1}}]\n", "replace and at want like"},
		{"    expect: no match\n", "a case has no events"},
		{"    like: one\n    replace: {x: z}\n    at: 2\n    expect: no match\n", "f.yaml:18:9: at wants the number of an event of \"one\""},
	} {
		_, ds := ParseFixture("f.yaml", []byte(likeHead+"  - name: other\n"+test.text))
		if !strings.Contains(fmt.Sprint(ds), test.want) {
			t.Errorf("%s\ngot %v\nwant %s", test.text, ds, test.want)
		}
	}
}

func TestCaseLikeAnotherAtOneEvent(t *testing.T) {
	f, ds := ParseFixture("f.yaml", []byte(likeHead+`  - name: two
    expect: match
    events: [{event: {a: x}}, {event: {a: x}}]
  - {name: other, like: two, replace: {x: y}, at: 2, expect: no match}
`))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if e := f.Cases[2].Events; e[0].Event.(map[string]any)["a"] != "x" || e[1].Event.(map[string]any)["a"] != "y" {
		t.Errorf("%+v", e)
	}
}

// Events that cases take from others count as if they were written out.
func TestCaseLikeAnotherIsLimited(t *testing.T) {
	var b strings.Builder
	b.WriteString(likeHead + "  - name: big\n    expect: match\n    events: [{event: {a: x, list: [" + strings.Repeat("1,", 10_000) + "1]}}]\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  - {name: c%d, like: big, replace: {x: y}, expect: no match}\n", i)
	}
	if _, ds := ParseFixture("f.yaml", []byte(b.String())); !strings.Contains(fmt.Sprint(ds), "more than the 500000 YAML nodes") {
		t.Error(ds)
	}
}
