package pysigma_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/pysigma"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/sigma"
)

// goldenCase is one `===` paragraph of a file in testdata: a pipeline, a rule,
// and what becomes of it, findings included.
type goldenCase struct{ name, pipeline, rule, want string }

func readCases(t testing.TB, file string) []goldenCase {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []goldenCase
	for i, text := range strings.Split("\n"+string(data), "\n=== ") {
		if i == 0 {
			continue
		}
		name, rest, _ := strings.Cut(text, "\n")
		pipeline, rest, ok1 := strings.Cut(rest, "--- rule\n")
		rule, want, ok2 := strings.Cut(rest, "--- want\n")
		pipeline, ok3 := strings.CutPrefix(pipeline, "--- pipeline\n")
		if !ok1 || !ok2 || !ok3 {
			t.Fatalf("%s: case %q lacks a part", file, name)
		}
		out = append(out, goldenCase{name, pipeline, rule, strings.TrimSpace(want) + "\n"})
	}
	return out
}

// outcome is what a case's `want` shows.
func outcome(t testing.TB, c goldenCase) string {
	t.Helper()
	var b strings.Builder
	say := func(ds sigma.Diagnostics) {
		for _, d := range ds {
			b.WriteString(d.Error() + "\n")
		}
	}
	p, ds := pysigma.Parse("p.yml", []byte(c.pipeline))
	say(ds)
	if p == nil {
		return b.String()
	}
	docs, ds := sigma.Parse("rule.yml", []byte(c.rule))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	before, err := sigma.Write(docs...)
	if err != nil {
		t.Fatal(err)
	}
	out, ds := p.ApplyAll(docs)
	say(ds)
	if len(out) > 0 {
		text, err := sigma.Write(out...)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
		again, ds := sigma.Parse("rule.yml", text)
		if ds.HasErrors() {
			t.Errorf("what was written cannot be read: %v\n%s", ds, text)
		} else if back, err := sigma.Write(again...); err != nil || string(back) != string(text) {
			t.Errorf("what was written reads as something else: %v\n%s\n%s", err, text, back)
		}
	}
	if after, _ := sigma.Write(docs...); string(after) != string(before) {
		t.Errorf("the document given was changed:\n%s", after)
	}
	return b.String()
}

func TestApply(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		var all strings.Builder
		ran, cases := 0, readCases(t, file)
		if len(cases) == 0 {
			t.Errorf("%s holds no case", file)
		}
		for _, c := range cases {
			t.Run(filepath.Base(file)+"/"+c.name, func(t *testing.T) {
				got := outcome(t, c)
				ran++
				all.WriteString("=== " + c.name + "\n--- pipeline\n" + c.pipeline + "--- rule\n" + c.rule + "--- want\n" + got + "\n")
				if got != c.want && !golden.Updating() {
					t.Errorf("got\n%s\nwant\n%s", got, c.want)
				}
			})
		}
		if golden.Updating() && ran == len(cases) { // not when only some were run
			if err := os.WriteFile(file, []byte(strings.TrimSuffix(all.String(), "\n")), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}
