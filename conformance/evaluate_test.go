package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

const evaluated = `rulewright-fixtures: 1
form: any
document: |
  title: x
  logsource: {product: p}
  detection:
    s: {A: 1}
    condition: s
cases:
  - name: right
    expect: match
    selections: [s]
    events: [{event: {A: 1}}, {event: {A: '1'}}]
  - name: wrong
    expect: match
    events: [{event: {A: 2}}]
  - name: wrong selection
    expect: match
    selections: [t]
    events: [{event: {A: 1}}]
`

// odd is a referee that answers by a function.
type odd struct {
	name   string
	answer func(Question) ([]Verdict, error)
}

func (o odd) Name() string { return o.name }
func (o odd) Verdicts(_ context.Context, q Question) ([]Verdict, error) {
	return o.answer(q)
}

func TestEvaluate(t *testing.T) {
	fixtures, ds := Load(fstest.MapFS{"f.yaml": {Data: []byte(evaluated)}}, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	report := Evaluate(context.Background(), fixtures, []Referee{
		ReferenceReferee(),
		Missing("duckdb", "no driver"),
		odd{"refuses", func(Question) ([]Verdict, error) { return nil, fmt.Errorf("%w: regex", ErrUnsupported) }},
		odd{"fails", func(Question) ([]Verdict, error) { return nil, errors.New("broken") }},
		odd{"panics", func(Question) ([]Verdict, error) { panic("oops") }},
		odd{"says nothing", func(Question) ([]Verdict, error) { return nil, nil }},
		odd{"always", func(Question) ([]Verdict, error) { return []Verdict{{Match: true}}, nil }},
	})
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	want := `f.yaml:10: right: fails: event 1: broken
	event 2: broken
f.yaml:10: right: panics: event 1: panic: oops
	event 2: panic: oops
f.yaml:10: right: says nothing: event 1: 0 verdicts on 1 events
	event 2: 0 verdicts on 1 events
f.yaml:14: wrong: reference: event 1: no match, want match
f.yaml:14: wrong: fails: event 1: broken
f.yaml:14: wrong: panics: event 1: panic: oops
f.yaml:14: wrong: says nothing: event 1: 0 verdicts on 1 events
f.yaml:17: wrong selection: reference: event 1: the selection t does not hold
f.yaml:17: wrong selection: fails: event 1: broken
f.yaml:17: wrong selection: panics: event 1: panic: oops
f.yaml:17: wrong selection: says nothing: event 1: 0 verdicts on 1 events
missing referee duckdb: no driver
4 passed, 11 failed, 6 skipped
`
	if text.String() != want {
		t.Errorf("got:\n%swant:\n%s", &text, want)
	}
	var data bytes.Buffer
	if err := report.WriteJSON(&data); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Results                 []Result
		Missing                 map[string]string
		Passed, Failed, Skipped int
	}
	if err := json.Unmarshal(data.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Results) != 21 || read.Missing["duckdb"] != "no driver" || read.Passed != 4 || read.Failed != 11 || read.Skipped != 6 {
		t.Errorf("%s", &data)
	}
}

// recorder is a test that remembers what was said.
type recorder struct{ errors, logs []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, a...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func TestRunFails(t *testing.T) {
	for _, tt := range []struct {
		name string
		fsys fstest.MapFS
		opts RunOptions
		want string
	}{
		{"wrong verdict", fstest.MapFS{"f.yaml": {Data: []byte(evaluated)}}, RunOptions{}, "f.yaml:14: wrong: cel-text: event 1: no match, want match"},
		{"no fixture", fstest.MapFS{"f.yaml": {Data: []byte("a: 1")}}, RunOptions{}, "there is no fixture"},
		{"finding", fstest.MapFS{"f.yaml": {Data: []byte("rulewright-fixtures: 1\n")}}, RunOptions{}, "f.yaml:1:1: a fixture file has no cases"},
		{"required referee missing", fstest.MapFS{"f.yaml": {Data: []byte(evaluated)}}, RunOptions{Referees: []Referee{Missing("duckdb", "no driver")}, Require: []string{"duckdb"}}, "the referee duckdb must run and answered nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r recorder
			Run(&r, tt.fsys, tt.opts)
			for _, e := range r.errors {
				if strings.Contains(e, tt.want) {
					return
				}
			}
			t.Errorf("%q, want %q", r.errors, tt.want)
		})
	}
}
