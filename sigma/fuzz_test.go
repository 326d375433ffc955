package sigma

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// seeds adds the bad documents, and good ones, to a corpus.
func seeds(f *testing.F) {
	for _, pattern := range []string{"testdata/errors/*.yml", "../rules/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(exampleRule))
	f.Add([]byte("title: c\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: 5m\n  condition: {gte: 5}\n"))
	f.Add([]byte("title: f\nlogsource: {product: p}\nfilter:\n  rules: any\n  s: {a: b}\n  condition: not s\n"))
	f.Add([]byte("a: &a [*a]\nb: {<<: [*a, *a]}\n? |\n  x\n: >-\n   y\n"))
}

// FuzzParse: whatever the bytes, Parse ends with proper findings at places that
// exist, and a document without errors survives being written and read again.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		// A hang must name its input; the fuzzer by itself would only stop.
		watchdog := time.AfterFunc(20*time.Second, func() { panic(fmt.Sprintf("still at work on %q", data)) })
		defer watchdog.Stop()
		docs, ds := Parse("f.yml", data)
		lines := splitLines(strings.TrimPrefix(string(data), "\ufeff"))
		for _, d := range ds {
			checkDiagnostic(t, d)
			if d.Pos.IsValid() && utf8.Valid(data) && !(d.Pos.Line == 1 && len(lines) == 0) {
				if d.Pos.Line > len(lines)+1 {
					t.Fatalf("line %d of %d: %v", d.Pos.Line, len(lines), d)
				}
				if d.Pos.Line <= len(lines) && d.Pos.Col > utf8.RuneCountInString(lines[d.Pos.Line-1])+2 {
					t.Fatalf("column behind the line's end: %v", d)
				}
			}
		}
		var b bytes.Buffer
		if err := ds.Render(&b); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(b.Bytes()) {
			t.Fatalf("rendered text is not UTF-8: %q", b.String())
		}
		if ds.HasErrors() || len(docs) == 0 {
			return
		}
		text, err := Write(docs...)
		if err != nil {
			return // what no YAML can say is refused
		}
		again, ds := Parse("f.yml", text)
		if ds.HasErrors() {
			t.Fatalf("written anew it has errors: %v\n%s", ds, text)
		}
		if len(again) != len(docs) {
			t.Fatalf("%d documents became %d\n%s", len(docs), len(again), text)
		}
		for i := range docs {
			// A key whose value counts as absent is not written.
			docs[i].Keys, again[i].Keys = nil, nil
			if !Equal(docs[i], again[i]) {
				t.Fatalf("document %d differs when written anew\n%s", i+1, text)
			}
		}
	})
}

// FuzzCondition: a condition is read or refused, and its printed form reads the
// same.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and not (b or 1 of sel*) | count(x) by y, z >= 5", "all of them", "ALL of *_x_* and NOT(a)", "((((", "1 of", "a &&b", "not not not a", "a | sum(f) > 1.5", "ä or 2 of ü*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := reparseCondition(text, true)
		if !ok {
			return
		}
		w := &documentWriter{}
		var b strings.Builder
		w.expr(&b, c.Expr, 0, 0)
		if w.err != nil {
			return
		}
		again, ok := reparseCondition(b.String(), true)
		if !ok {
			t.Fatalf("%q printed as %q is not read", text, b.String())
		}
		c.Aggregation = nil
		if !equalConditions(c, again) {
			t.Fatalf("%q printed as %q says something else", text, b.String())
		}
	})
}

// FuzzParts: the parts of text, written as text, are the same parts.
func FuzzParts(f *testing.F) {
	for _, s := range []string{`\\*`, `\\\*`, `a\`, `%x%`, `\%x%\\%y%`, `**??\?`} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, raw string, placeholders bool) {
		parts := ParseParts(raw, placeholders)
		for i, p := range parts {
			if p.Kind == Literal && (p.Text == "" || i > 0 && parts[i-1].Kind == Literal) {
				t.Fatalf("literals of %q: %v", raw, parts)
			}
		}
		again := ParseParts(renderParts(parts, placeholders), placeholders)
		for i, p := range parts {
			if len(again) != len(parts) || again[i] != p {
				t.Fatalf("%q: %v, then %q: %v", raw, parts, renderParts(parts, placeholders), again)
			}
		}
	})
}
