package compiler

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Base64 of any text around the value holds one of the variants, and each
// variant is no longer than what all surroundings share.
func TestBase64Offsets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return string(b)
	}
	for n := 2; n < 20; n++ {
		value := random(n)
		variants := base64Offsets(value)
		for offset, v := range variants {
			if v == "" {
				t.Fatalf("%d bytes at %d: nothing", n, offset)
			}
			at, shared := -1, 0
			for range 50 {
				whole := base64.StdEncoding.EncodeToString([]byte(random(offset) + value + random(r.IntN(5))))
				i := strings.Index(whole, v)
				if i < 0 {
					t.Fatalf("%q at %d: %s is not in %s", value, offset, v, whole)
				}
				if at < 0 {
					at, shared = i, len(whole)
				}
				shared = min(shared, len(whole))
			}
			// 8 bits a byte, 6 a character: the whole characters that the
			// value fills on its own.
			first := (8*offset + 5) / 6
			last := 8 * (offset + n) / 6
			if len(v) != last-first {
				t.Errorf("%d bytes at %d: %d characters, want %d", n, offset, len(v), last-first)
			}
		}
	}
}

func TestEncodeUTF16(t *testing.T) {
	for _, c := range []struct {
		text      string
		bigEndian bool
		want      string
	}{
		{"aé", false, "a\x00\xe9\x00"}, {"aé", true, "\x00a\x00\xe9"}, {"\U0001f600", false, "\x3d\xd8\x00\xde"}, {"", true, ""},
	} {
		if got := encodeUTF16(c.text, c.bigEndian); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// What classify chooses says the same as the text with its wildcards does.
func TestClassify(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	seen := map[ir.Op]int{}
	for range 20_000 {
		raw := random("ab*?", r.IntN(6))
		place := []ir.Op{ir.Equal, ir.Contains, ir.StartsWith, ir.EndsWith}[r.IntN(4)]
		whole := raw
		if place == ir.Contains || place == ir.EndsWith {
			whole = "*" + whole
		}
		if place == ir.Contains || place == ir.StartsWith {
			whole += "*"
		}
		term := classify(sigma.ParseParts(raw, false), place)
		seen[term.op]++
		text := random("abc", r.IntN(6))
		if got, want := fits(term, text), wild(whole, text); got != want {
			t.Fatalf("%s %q on %q: %v, want %v", place, raw, text, got, want)
		}
	}
	for _, op := range []ir.Op{ir.Equal, ir.Contains, ir.StartsWith, ir.EndsWith, ir.Like} {
		if seen[op] < 100 {
			t.Errorf("%s was chosen %d times", op, seen[op])
		}
	}
}

func fits(t term, text string) bool {
	switch t.op {
	case ir.Equal:
		return text == string(t.value.(ir.String))
	case ir.Contains:
		return strings.Contains(text, string(t.value.(ir.String)))
	case ir.StartsWith:
		return strings.HasPrefix(text, string(t.value.(ir.String)))
	case ir.EndsWith:
		return strings.HasSuffix(text, string(t.value.(ir.String)))
	}
	return wild(t.value.(ir.Pattern).String(), text)
}

// wild matches by trying everything.
func wild(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return wild(pattern[1:], text) || text != "" && wild(pattern, text[1:])
	case text == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && wild(pattern[1:], text[1:])
}

// Every minute of a week is inside or outside hours as a plain reading of the
// text says.
func TestHours(t *testing.T) {
	for _, c := range []struct {
		text  string
		plain func(day, minute int) bool // day 1 is Monday
	}{
		{"Mon-Fri 08:00-18:00", func(d, m int) bool { return d <= 5 && m >= 480 && m < 1080 }},
		{"08:30-18:15", func(d, m int) bool { return m >= 510 && m < 1095 }},
		{"08:10-08:50", func(d, m int) bool { return m >= 490 && m < 530 }},
		{"00:00-24:00", func(d, m int) bool { return true }},
		{"Sun 00:00-24:00", func(d, m int) bool { return d == 7 }},
		{"22:15-06:45", func(d, m int) bool { return m >= 1335 || m < 405 }},
		{"Sat,Sun 22:00-02:00; Wed 12:00-13:00", func(d, m int) bool {
			return d >= 6 && m >= 1320 || (d == 7 || d == 1) && m < 120 || d == 3 && m >= 720 && m < 780
		}},
	} {
		spans, err := parseHours(c.text)
		if err != nil {
			t.Fatal(err)
		}
		l := &lowerer{origins: map[ir.Expr]sigma.Pos{}}
		or := &ir.Or{}
		for _, s := range spans {
			or.X = append(or.X, s.expr(l, ir.Field{}, sigma.Pos{}))
		}
		for _, x := range []ir.Expr{or, ir.Simplify(or)} {
			for day := 1; day <= 7; day++ {
				for minute := range 24 * 60 {
					if got, want := holdsAt(x, day, minute), c.plain(day, minute); got != want {
						t.Fatalf("%s on day %d at %02d:%02d: %v, want %v", c.text, day, minute/60, minute%60, got, want)
					}
				}
			}
		}
	}
}

// A time is on a date, throughout two years, as the text of the day fits the pattern.
func TestDates(t *testing.T) {
	for _, c := range []struct {
		dates []string
		zone  string
	}{
		{[]string{"2024-02-29"}, ""},
		{[]string{"????-12-25", "????-12-26", "2025-01-01"}, "Europe/Berlin"},
		{[]string{"2025-03-30", "2025-10-26", "2025-03-??"}, "Europe/Berlin"},
		{[]string{"202?-0?-1?", "????-??-31", "????-02-29"}, "Asia/Tokyo"},
		{[]string{"????-??-??"}, "America/New_York"},
		{[]string{"2025-05-??", "2025-05-14"}, ""},
		{[]string{"2025-05-14", "2025-05-??", "2024-??-14"}, "Pacific/Auckland"},
	} {
		zone := c.zone
		if zone != "" {
			zone = "=" + zone
		}
		text := "rulewright: 1\ntitle: t\nlogsource: {category: test}\ndetection:\n  s:\n    f|date" + zone + ": ['" + strings.Join(c.dates, "', '") + "']\n  condition: s\n"
		docs, ds := sigma.Parse("rule.yml", []byte(text))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := Lower(docs[0], Options{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		holds := func(ev any) bool {
			d := detail{set: newLeafSet()}
			return d.holds(rules[0].When, &subject{cursor: &cursor{keep: true, cost: maxMatchCost}, value: ev})
		}
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2023, 12, 31, 0, 30, 0, 0, time.UTC); at.Year() < 2026; at = at.Add(7 * time.Hour) {
			day := at.In(loc).Format(time.DateOnly)
			want := slices.ContainsFunc(c.dates, func(p string) bool { return wild(p, day) })
			if got := holds(map[string]any{"f": at.Format(time.RFC3339)}); got != want {
				t.Fatalf("%v in %q at %s: %v, want %v", c.dates, c.zone, at, got, want)
			}
		}
		if holds(map[string]any{"f": "no time"}) || holds(map[string]any{}) {
			t.Errorf("%v: what is no time has a date", c.dates)
		}
	}
}

// holdsAt evaluates comparisons of time parts.
func holdsAt(e ir.Expr, day, minute int) bool {
	holds := func(x ir.Expr) bool { return holdsAt(x, day, minute) }
	switch e := e.(type) {
	case *ir.And:
		return !slices.ContainsFunc(e.X, func(x ir.Expr) bool { return !holds(x) })
	case *ir.Or:
		return slices.ContainsFunc(e.X, holds)
	case *ir.Match:
		n := map[ir.DerivationKind]int{ir.Weekday: day, ir.Hour: minute / 60, ir.Minute: minute % 60}[e.Field.Derive.Kind]
		return slices.ContainsFunc(e.Values, func(v ir.Value) bool {
			w := int(v.(ir.Number).Int)
			switch e.Op {
			case ir.Equal:
				return n == w
			case ir.Less:
				return n < w
			case ir.Greater:
				return n > w
			case ir.GreaterOrEqual:
				return n >= w
			}
			panic(e.Op.String())
		})
	}
	return bool(e.(ir.Const))
}

func TestWeekday(t *testing.T) {
	for i := range 7 {
		day := time.Date(2026, 11, 23+i, 0, 0, 0, 0, time.UTC) // the 23rd is a Monday
		for _, s := range []string{day.Format("Mon"), day.Format("Monday"), strings.ToUpper(day.Format("Mon"))} {
			if got, ok := weekday(s); !ok || got != i+1 {
				t.Errorf("%s: %d, %v", s, got, ok)
			}
		}
	}
}

func TestWindash(t *testing.T) {
	l := &lowerer{}
	for _, c := range []struct {
		raw  string
		want int // variants
	}{
		{"-a", 5}, {"/a", 5}, {" -a", 5}, {"-a -b", 25}, {"a-b", 1}, {"a/b", 1}, {"--a", 5}, {"- a", 1}, {"-", 1}, {"x*-a", 5}, {"-*a", 1},
		{"–a", 1}, {"-ä", 5}, {"ä-b", 1}, {"_-b", 1}, {" /c ", 5}, {"http://x", 5},
	} {
		out, ok := l.windash([][]sigma.Part{sigma.ParseParts(c.raw, false)}, sigma.Pos{})
		if !ok || len(out) != c.want {
			t.Errorf("%q: %d variants, want %d", c.raw, len(out), c.want)
		}
		found := false
		for _, p := range out {
			found = found || slices.Equal(p, sigma.ParseParts(c.raw, false))
		}
		if !found {
			t.Errorf("%q is not among its own variants %v", c.raw, out)
		}
	}
	if _, ok := l.windash([][]sigma.Part{sigma.ParseParts("-a -b -c -d -e -f", false)}, sigma.Pos{}); ok {
		t.Error("six flags are taken")
	}
}
