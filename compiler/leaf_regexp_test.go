package compiler

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
)

// What runs here matches what package regexp matches.
func FuzzRegex(f *testing.F) {
	for _, x := range []string{"", "a", "^a", "a$", "^$", "(?i)PoWeR.*shell", `\bcmd\b`, `\B-e\B`, "(?s)a.b", "(?m)^b$", "a.b", "[^a-c]+x", "(a|ab)(c|bcd)*$", "(a*)*b", "(?:[a-z]{0,9}[0-9]){1}[0-9]",
		"é+?", "[\\x{80}-\\x{10ffff}]", `\z`, `\Aab\z`, "x{3,}", "(|a)+", "[^\\n]$", "abc|abd", "aaab", "\\pL\\PL"} {
		for _, text := range []string{"", "a", "ab\nb\nc", "PowerShell -e aGVsbG8", "cmd.exe /c cmd", "aaaaaaab", "xxabcdabcd9", "é\xffé\xc3", "a\x00b", "12 ab3 4567", "b"} {
			f.Add(x, text)
		}
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		re, err := regexp.Compile(expr)
		if err != nil {
			return
		}
		x, err := newRegex(expr)
		if err != nil {
			t.Fatal(err)
		}
		x.prepare()
		if len(x.prog.Inst)*len(text) > 1<<20 {
			return
		}
		c := &cursor{cost: maxMatchCost}
		for range 2 { // a machine is used again
			if got, want := x.run([]byte(text), c), re.MatchString(text); got != want {
				t.Fatalf("%q over %q: %v, want %v", expr, text, got, want)
			}
		}
		if c.cost < 0 {
			t.Fatalf("%q over %q took %d steps", expr, text, maxMatchCost-c.cost)
		}
	})
}

// A limit of steps is one of time: what is made to be slow is stopped, here at a
// part of the limit, and what people write stays far below it.
func TestCostIsTime(t *testing.T) {
	letters, a := strings.Repeat("abcdefgh", 1<<15), strings.Repeat("a", 1<<20)
	words := strings.Repeat("powershell -NoProfile -EncodedCommand SQBFAFgA; ", 1<<12) // 200 KB
	many := func(s string) []any {
		out := make([]any, 1000)
		for i := range out {
			out[i] = s
		}
		return out
	}
	for _, c := range []struct {
		name  string
		op    ir.Op
		value ir.Value
		text  any
		met   bool // the limit
		share int  // of it, at most, is taken: 1 in so many
	}{
		{"a long repetition", ir.Regexp, ir.Regex("(?:[a-z]{0,900}[0-9]){1}[0-9]"), letters, true, 0},
		{"a short repetition", ir.Regexp, ir.Regex("(?:[a-z]{0,90}[0-9]){1}[0-9]"), letters, true, 0},
		{"repetitions, many texts", ir.Regexp, ir.Regex("(?:[a-z]{0,90}[0-9]){1}[0-9]"), many(letters[:1000]), true, 0},
		{"a run with ?", ir.Like, ir.ParsePattern("*a?" + strings.Repeat("a", 50_000) + "b*"), a, true, 0},
		{"a run of ?", ir.Like, ir.ParsePattern("*" + strings.Repeat("?", 10_000) + "a" + strings.Repeat("?", 10_000) + "b*"), a, true, 0},
		{"two texts that begin alike", ir.Contains, ir.FieldRef{Field: ir.Field{Name: "g", Path: ir.Path{{Key: "g"}}}}, many(a[:1<<14]), true, 0},

		{"an ordinary regex", ir.Regexp, ir.Regex(`(?i)powershell(\.exe)?\s+.*-e(nc(odedcommand)?)?\s+[a-z0-9+/]{40,}`), words, false, 20},
		{"an ordinary regex, many texts", ir.Regexp, ir.Regex(`(?i)powershell(\.exe)?\s+.*-e(nc(odedcommand)?)?\s+[a-z0-9+/]{40,}`), many(words[:200]), false, 10},
		{"an ordinary wildcard", ir.Like, ir.ParsePattern(`*\?shell -No?rofile*-Enc*SQBF?XgB*`), words, false, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &ir.Match{Field: ir.Field{Name: "f", Path: ir.Path{{Key: "f"}}}, Op: c.op, Values: []ir.Value{c.value}}
			l, err := newLeaf(m)
			if err != nil {
				t.Fatal(err)
			}
			limit := maxMatchCost
			if c.met {
				limit /= 16
			}
			s := &subject{cursor: &cursor{keep: true, cost: limit}, value: map[string]any{"f": c.text, "g": many(a[:1<<13] + "b")}}
			from := time.Now()
			l.match(s)
			took, steps := time.Since(from), limit-s.cursor.cost
			t.Logf("%d steps, %v, %.1f ns a step", steps, took, float64(took)/float64(steps))
			if s.cursor.cost < 0 != c.met {
				t.Errorf("%d of %d steps", steps, limit)
			}
			if c.share > 1 && steps > maxMatchCost/c.share {
				t.Errorf("%d of %d steps: too near the limit", steps, maxMatchCost)
			}
		})
	}
}
