package pysigma_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/rulewright/rulewright/compiler/pysigma"
	"github.com/rulewright/rulewright/sigma"
)

func parse(t testing.TB, text string) *pysigma.Pipeline {
	t.Helper()
	p, ds := pysigma.Parse("p.yml", []byte(text))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return p
}

func rule(t testing.TB, detection string) *sigma.Document {
	t.Helper()
	docs, ds := sigma.Parse("rule.yml", []byte("title: t\nlogsource: {product: windows}\ndetection:\n"+detection))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return docs[0]
}

func detectionText(t testing.TB, p *pysigma.Pipeline, d *sigma.Document) string {
	t.Helper()
	out, ds := p.Apply(d)
	if out == nil {
		return ds.Error()
	}
	text, err := sigma.Write(out)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "detection:\n")
	return after
}

func TestMergeOrdersByPriority(t *testing.T) {
	last := parse(t, "{name: last, priority: 20, vars: {v: late, w: w}, allowed_backends: [b], transformations: [{type: field_name_suffix, suffix: .last}, {type: value_placeholders}]}")
	first := parse(t, "{name: first, priority: 10, vars: {v: early}, allowed_backends: [a], transformations: [{type: field_name_suffix, suffix: .first}]}")
	also := parse(t, "{priority: 10, transformations: [{type: field_name_suffix, suffix: .also}]}")
	p := pysigma.Merge(last, first, also)
	if p.Name() != "first+last" || p.Priority() != 10 || strings.Join(p.AllowedBackends(), " ") != "a b" {
		t.Error(p.Name(), p.Priority(), p.AllowedBackends())
	}
	got := detectionText(t, p, rule(t, "  sel: {A|expand: '%v%-%w%'}\n  condition: sel\n"))
	if want := "    sel:\n        A.first.also.last: 'late-w'\n    condition: sel\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOptions(t *testing.T) {
	d := rule(t, "  sel: {A|expand: '%names%'}\n  condition: sel\n")
	resolve := pysigma.Options{Placeholders: func(name string) ([]string, bool) { return []string{name + "1", "x*"}, name == "names" }}
	files := pysigma.Options{FS: fstest.MapFS{
		"v/names.txt": {Data: []byte("# b\r\n a*  \n\n")},
		"n.csv":       {Data: []byte("\ufeffid,name\n1,\"x, y\"\n2,z\n3\n")},
		"empty.txt":   {Data: []byte("\n")},
	}}
	for _, c := range []struct {
		step string
		opts pysigma.Options
		want string
	}{
		{"type: value_placeholders", resolve, "A:\n            - 'names1'\n            - 'x*'\n"},
		{"type: value_placeholders, include: [other]", resolve, "A|expand: '%names%'\n"},
		{"type: file_placeholders, path: ./v/names.txt", files, "A:\n            - '# b'\n            - 'a*'\n"},
		{"type: file_placeholders, path: v/names.txt, filter: '^a'", files, "A: 'a*'\n"},
		{"type: file_placeholders, path: n.csv, format: csv, csv_column: name", files, "A:\n            - 'x, y'\n            - 'z'\n"},
		{"type: file_placeholders, path: n.csv, format: csv, csv_column: 1, csv_has_header: false", files, "A:\n            - 'name'\n            - 'x, y'\n            - 'z'\n"},
		{"type: nest, items: [{type: file_placeholders, path: n.csv, format: csv, csv_column: 0}]", files, "A:\n            - '1'\n            - '2'\n            - '3'\n"},
		{"type: file_placeholders, path: n.csv, format: csv, csv_column: nam", files, "p.yml:1:20: n.csv has no column \"nam\"; it has id, name [file]"},
		{"type: file_placeholders, path: ../n.csv", files, "p.yml:1:20: open ../n.csv: file does not exist [file]"},
		{"type: file_placeholders, path: empty.txt", files, "p.yml:1:20: empty.txt has no value [file]"},
	} {
		p, ds := parse(t, "transformations: [ {"+c.step+"} ]").With(c.opts)
		got := ds.Error()
		if p != nil {
			got = strings.TrimSuffix(strings.TrimPrefix(detectionText(t, p, d), "    sel:\n        "), "    condition: sel\n")
		}
		if got != c.want && !strings.Contains(got, "invalid argument") {
			t.Errorf("%s: got\n%s\nwant\n%s", c.step, got, c.want)
		}
	}
}

// TestConcurrent applies one pipeline from many goroutines; the race detector
// sees what they share.
func TestConcurrent(t *testing.T) {
	p := parse(t, "transformations: [{type: set_state, key: k, val: 1}, {id: a, type: field_name_mapping, mapping: {A: [B, C]}}, {type: add_condition, conditions: {D: 1}}, {type: regex}]")
	d := rule(t, "  sel: {A: x}\n  condition: sel\n")
	want := detectionText(t, p, d)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := detectionText(t, p, d); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	wg.Wait()
}

func TestPositionsStay(t *testing.T) {
	p := parse(t, "transformations: [{type: field_name_mapping, mapping: {A: [B, C]}}, {type: set_value, value: 7}, {type: add_condition, conditions: {D: [1, x]}}]")
	out, ds := p.Apply(rule(t, "  sel:\n    A|contains: x\n  condition: sel\n"))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	any := out.Detection.Selections[0].Body.(*sigma.AnyOf)
	if len(any.Blocks) != 2 {
		t.Fatal(any)
	}
	for _, b := range any.Blocks {
		it := b.(*sigma.AllOf).Items[0]
		if it.Pos != (sigma.Pos{Line: 5, Col: 5}) || it.Field.Pos.Line != 5 || it.Values[0].Position() != (sigma.Pos{Line: 5, Col: 17}) {
			t.Errorf("%+v", it)
		}
	}
	added := out.Detection.Selections[1].Body.(*sigma.AllOf).Items[0]
	if c := (sigma.Pos{Line: 6, Col: 14}); added.Pos != c || added.Values[1].Position() != c || out.Detection.Conditions[0].Expr.Position() != c {
		t.Errorf("%+v", added)
	}
}

func TestLimits(t *testing.T) {
	wide := "transformations: [{type: field_name_mapping, mapping: {"
	items := ""
	for _, f := range strings.Split("abcdefghij", "") {
		wide += f + ": [" + f + "1, " + f + "2], "
		items += f + ": 1, "
	}
	d := rule(t, "  sel: {"+items+"}\n  condition: sel\n")
	if got := detectionText(t, parse(t, wide+"}}]"), d); !strings.Contains(got, "more than 512 alternatives [limit]") {
		t.Error(got)
	}
	many := parse(t, "vars: {v: ["+strings.Repeat("x,", 60)+"]}\ntransformations: [{type: value_placeholders}]")
	if got := detectionText(t, many, rule(t, "  sel: {a|expand: '%v%%v%%v%'}\n  condition: sel\n")); !strings.Contains(got, "more than 50000 values [limit]") {
		t.Error(got)
	}
	deep := "a0: &a0 [x]\n"
	for i := range 30 {
		deep += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	if _, ds := pysigma.Parse("p.yml", []byte(deep)); !ds.HasErrors() || !strings.Contains(ds.Error(), "[limit]") {
		t.Error(ds)
	}
	if _, ds := pysigma.Parse("p.yml", []byte("transformations: "+strings.Repeat("[", 60)+strings.Repeat("]", 60))); !strings.Contains(ds.Error(), "nested more than 40 deep [limit]") {
		t.Error(ds)
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"name: x\ntransformations:\n":                 true,
		"finalizers: []":                              true,
		"rulewright-pipeline: 1\ntransformations: []": false,
		"title: transformations:":                     false,
		"":                                            false,
	} {
		if got := pysigma.Is([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestReference holds docs/pysigma.md to the tables: each transformation and
// condition has its line there.
func TestReference(t *testing.T) {
	doc, err := os.ReadFile("../../docs/pysigma.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pysigma.Names() {
		if !strings.Contains(string(doc), "| `"+name+"`") {
			t.Errorf("docs/pysigma.md has no line for %s", name)
		}
	}
}

func FuzzApply(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		for _, c := range readCases(f, file) {
			f.Add(c.pipeline, c.rule)
		}
	}
	f.Fuzz(func(t *testing.T, pipeline, rules string) {
		if len(pipeline)+len(rules) > 20_000 {
			return
		}
		p, ds := pysigma.Parse("p.yml", []byte(pipeline))
		for _, d := range ds {
			if !d.Pos.IsValid() || d.Message == "" || d.Code == "" {
				t.Fatalf("a finding without its parts: %+v", d)
			}
		}
		if (p == nil) != ds.HasErrors() {
			t.Fatal("a pipeline with errors, or none without")
		}
		docs, ds := sigma.Parse("rule.yml", []byte(rules))
		if p == nil || ds.HasErrors() {
			return
		}
		before, err := sigma.Write(docs...)
		if err != nil {
			return
		}
		first, ds1 := p.ApplyAll(docs)
		second, ds2 := p.ApplyAll(docs)
		if ds1.Error() != ds2.Error() || len(first) != len(second) {
			t.Fatal("two runs differ")
		}
		for i := range first {
			if !sigma.Equal(first[i], second[i]) {
				t.Fatal("two runs differ")
			}
			// What is written, if it can be, is read again.
			if text, err := sigma.Write(first[i]); err == nil {
				if _, ds := sigma.Parse("rule.yml", text); ds.HasErrors() {
					t.Fatalf("what was written cannot be read: %v\n%s", ds, text)
				}
			}
		}
		if after, _ := sigma.Write(docs...); string(after) != string(before) {
			t.Fatal("the documents given were changed")
		}
	})
}
