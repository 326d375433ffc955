package sigma

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// rule puts a detection into a rule that is fine otherwise.
func rule(detection string) string {
	return "title: t\nlogsource: {product: p}\ndetection:\n" + detection
}

func bomb(levels, width int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), width), ","))
	}
	return b.String()
}

// hostile is input that once made a YAML reader slow, hungry or crash. Each
// must be refused, or read, within bounds of time and memory.
var hostile = []struct {
	name string
	data func() string
	code Code // of the first error; "" for none
}{
	{"file of 100 MB", func() string { return strings.Repeat("a: b\n", 20<<20) }, CodeLimit},
	{"document of 5 MB", func() string { return "a: " + strings.Repeat("x", 5<<20) }, CodeLimit},
	{"text of 3 MB", func() string { return rule("  s: {a: " + strings.Repeat("x", 3<<20) + "}\n  condition: s\n") }, ""},
	{"aliases of aliases", func() string { return bomb(30, 10) }, CodeLimit},
	{"aliases of aliases in a custom attribute", func() string {
		return rule("  s: {a: b}\n  condition: s\n") + "x:\n  " + strings.ReplaceAll(bomb(9, 9), "\n", "\n  ")
	}, CodeLimit},
	{"merges of merges", func() string {
		var b strings.Builder
		b.WriteString("a0: &a0 {k: v}\n")
		for i := 1; i < 40; i++ {
			fmt.Fprintf(&b, "a%d: &a%d {<<: [*a%d, *a%d], k%d: v}\n", i, i, i-1, i-1, i)
		}
		return b.String()
	}, CodeLimit},
	{"anchor that contains itself", func() string { return "title: &a [*a]\n" }, CodeLimit},
	{"mapping that merges itself", func() string { return rule("  s: &s {<<: *s, a: b}\n  condition: s\n") }, CodeLimit},
	{"10,000 brackets", func() string {
		return rule("  s: {a: " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}\n")
	}, CodeLimit},
	{"9,000 brackets", func() string { return strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) }, CodeLimit},
	{"100,000 open brackets", func() string { return strings.Repeat("[", 100_000) }, CodeLimit},
	{"100,000 open braces", func() string { return strings.Repeat("{a: ", 100_000) }, CodeLimit},
	{"10,000 dashes", func() string { return strings.Repeat("- ", 10_000) + "x" }, CodeLimit},
	{"10,000 question marks", func() string { return strings.Repeat("? ", 10_000) + "x" }, CodeLimit},
	{"5,000 levels of indentation", func() string {
		var b strings.Builder
		for i := 0; i < 2500; i++ {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.String()
	}, CodeLimit},
	{"list of a million", func() string {
		return rule("  s:\n    a:\n" + strings.Repeat("    - x\n", 1_000_000) + "  condition: s\n")
	}, CodeLimit},
	{"flow list of a million", func() string { return rule("  s: {a: [" + strings.Repeat("x,", 1_000_000) + "]}\n  condition: s\n") }, CodeLimit},
	{"list of 150,000", func() string {
		return rule("  s:\n    a:\n" + strings.Repeat("    - x\n", 150_000) + "  condition: s\n")
	}, CodeLimit},
	{"list of 100,000", func() string {
		return rule("  s:\n    a:\n" + strings.Repeat("    - x\n", 100_000) + "  condition: s\n")
	}, ""},
	{"100,000 findings", func() string {
		return rule("  s:\n    a|re:\n" + strings.Repeat("    - (\n", 100_000) + "  condition: s\n")
	}, CodeRegex},
	{"100,000 keys of a mapping", func() string {
		var b strings.Builder
		for i := 0; i < 100_000; i++ {
			fmt.Fprintf(&b, "    a%d: b\n", i)
		}
		return rule("  s:\n" + b.String() + "  condition: s\n")
	}, ""},
	{"6,000 selections", func() string {
		var b strings.Builder
		for i := 0; i < 6_000; i++ {
			fmt.Fprintf(&b, "  s%d: {a: b}\n", i)
		}
		return rule(b.String() + "  condition: 1 of s*\n")
	}, CodeLimit},
	{"4,000 selections, each named", func() string {
		var b strings.Builder
		var names []string
		for i := 0; i < 4_000; i++ {
			fmt.Fprintf(&b, "  s%d: {a: b}\n", i)
			names = append(names, fmt.Sprintf("s%d", i))
		}
		return rule(b.String() + "  condition: " + strings.Join(names, " or ") + "\n")
	}, ""},
	{"10,000 unknown names", func() string {
		return rule("  s: {a: b}\n  condition: " + strings.Repeat("x or ", 10_000) + "s\n")
	}, CodeUnknownName},
	{"4,000 equal patterns over 3,000 selections", func() string {
		var b strings.Builder
		for i := 0; i < 3_000; i++ {
			fmt.Fprintf(&b, "  s%d%s: {a: b}\n", i, strings.Repeat("a", 30))
		}
		return rule(b.String() + "  condition: " + strings.Repeat("1 of *a*a*b or ", 4_000) + "s1\n")
	}, CodeLimit},
	{"condition of 1 MB", func() string { return rule("  s: {a: b}\n  condition: " + strings.Repeat("s or ", 200_000) + "s\n") }, CodeLimit},
	{"condition of 10,000 parentheses", func() string {
		return rule("  s: {a: b}\n  condition: " + strings.Repeat("(", 10_000) + "s" + strings.Repeat(")", 10_000) + "\n")
	}, CodeLimit},
	{"condition of 10,000 not", func() string { return rule("  s: {a: b}\n  condition: " + strings.Repeat("not ", 10_000) + "s\n") }, CodeLimit},
	{"regular expression of 1 MB", func() string { return rule("  s: {a|re: '" + strings.Repeat("a?", 500_000) + "'}\n  condition: s\n") }, CodeLimit},
	{"regular expression of 60 KB", func() string {
		return rule("  s: {a|re: '" + strings.Repeat("(a|b)?", 10_000) + "'}\n  condition: s\n")
	}, ""},
	{"regular expression with nested repetition", func() string { return rule("  s: {a|re: '((a{1000}){1000}){1000}'}\n  condition: s\n") }, CodeRegex},
	{"regular expression of 20,000 groups", func() string {
		return rule("  s: {a|re: '" + strings.Repeat("(", 20_000) + strings.Repeat(")", 20_000) + "'}\n  condition: s\n")
	}, CodeRegex},
	{"broken UTF-8", func() string { return "title: a\xff\xfe\n" }, CodeEncoding},
	{"a million broken bytes", func() string { return strings.Repeat("\xff\n", 1_000_000) }, CodeEncoding},
	{"NUL", func() string { return "title: a\x00b\n" }, CodeEncoding},
	{"escape for a terminal", func() string { return "title: \x1b[2J\n" }, CodeEncoding},
	{"UTF-16", func() string { return "\xff\xfet\x00i\x00" }, CodeEncoding},
	{"20,000 documents", func() string { return strings.Repeat("---\na: b\n", 20_000) }, CodeLimit},
	{"a million document markers", func() string { return strings.Repeat("---\n", 1_000_000) }, CodeLimit},
	{"a million comments", func() string { return strings.Repeat("# x\n", 1_000_000) }, ""},
	{"100,000 comments in a list", func() string {
		return rule("  s:\n    a:\n" + strings.Repeat("    # c\n    - x # d\n", 50_000) + "  condition: s\n")
	}, ""},
	{"100,000 ignore comments", func() string { return strings.Repeat("# rulewright: ignore level because\n", 100_000) + "a: b\n" }, CodeDocument},
	{"100,000 anchors", func() string {
		var b strings.Builder
		for i := 0; i < 100_000; i++ {
			fmt.Fprintf(&b, "- &a%d x\n", i)
		}
		return b.String()
	}, CodeType},
	{"100,000 tags", func() string { return strings.Repeat("- !!str x\n", 100_000) }, CodeType},
	{"long plain text over lines", func() string {
		return rule("  s: {a: b}\n  condition:\n" + strings.Repeat("    s or\n", 7_000) + "    s\n")
	}, ""},
	{"long key", func() string { return rule("  s:\n    " + strings.Repeat("k", 2_000) + ": b\n  condition: s\n") }, CodeSyntax},
	{"long key with a question mark", func() string {
		return rule("  s:\n    ? " + strings.Repeat("k|", 500_000) + "\n    : b\n  condition: s\n")
	}, CodeLimit},
	{"10,000 quotes", func() string { return rule("  s: {a: '" + strings.Repeat("''", 100_000) + "'}\n  condition: s\n") }, ""},
	{"quote that is not closed", func() string { return rule("  s: {a: 'x}\n" + strings.Repeat("  a: b\n", 100_000)) }, CodeSyntax},
	{"wrong indentation at the end", func() string {
		return rule("  s:\n    a:\n" + strings.Repeat("    - x\n", 50_000) + "   condition: s\n")
	}, CodeSyntax},
	{"spaces", func() string { return strings.Repeat(" ", 3<<20) }, ""},
	{"tabs", func() string { return strings.Repeat("\t", 1<<20) }, ""},
	{"percent signs", func() string { return rule("  s: {a|expand: '" + strings.Repeat("%", 1<<20) + "'}\n  condition: s\n") }, ""},
	{"distinct patterns over 4,000 selections", func() string {
		var b, c strings.Builder
		for i := 0; i < 4_000; i++ {
			fmt.Fprintf(&b, "  s%d%s: {a: b}\n", i, strings.Repeat("a", 30))
		}
		for i := 0; i < 3_000; i++ {
			fmt.Fprintf(&c, "1 of *a%da*b or ", i)
		}
		return rule(b.String() + "  condition: " + c.String() + "s1\n")
	}, CodeNoMatch},
	{"brackets in a field", func() string {
		return "rulewright: 1\n" + rule("  s:\n    ? a"+strings.Repeat("[any].a", 50_000)+"\n    : b\n  condition: s\n")
	}, CodeLimit},
	{"positions in a field", func() string {
		return "rulewright: 1\n" + rule("  s:\n    ? a"+strings.Repeat("[0]", 50_000)+"\n    : b\n  condition: s\n")
	}, CodeLimit},
}

func TestHostileInput(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes seconds; run without -short")
	}
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			data := []byte(c.data())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, ds := Parse("x.yml", data)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			t.Logf("%v, %d MB allocated, %d findings", took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, len(ds))
			var code Code
			for _, d := range ds {
				if d.Severity == SeverityError {
					if code = d.Code; true {
						t.Log(d.Error())
						break
					}
				}
			}
			if code != c.code {
				t.Errorf("first error has code %q, want %q", code, c.code)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 1500 {
				t.Errorf("allocated %d MB", mb)
			}
			if len(ds) > MaxFindings+1 {
				t.Errorf("%d findings", len(ds))
			}
			var b bytes.Buffer
			if err := ds.Render(&b); err != nil || b.Len() > 10<<20 {
				t.Errorf("rendered %d bytes, %v", b.Len(), err)
			}
		})
	}
}

// The limit counts selections, not what stands beside them.
func TestMaxSelections(t *testing.T) {
	for _, n := range []int{MaxSelections, MaxSelections + 1} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  s%d: {a: b}\n", i)
		}
		_, diags := Parse("r.yml", []byte(rule(b.String()+"  timeframe: 5m\n  condition: s0\n")))
		if refused := strings.Contains(fmt.Sprint(diags), "selections, more than"); refused != (n > MaxSelections) {
			t.Errorf("%d selections: refused %v", n, refused)
		}
	}
}
