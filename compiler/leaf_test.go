package compiler

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

func mustField(spec string) ir.Field {
	f, err := ir.ParseFieldSpec(spec)
	if err != nil {
		panic(err)
	}
	return f
}

// testMatch makes a match whose text values are what the operator takes.
func testMatch(op ir.Op, spec string, values ...any) *ir.Match {
	m := &ir.Match{Field: mustField(spec), Op: op}
	for _, v := range values {
		switch v := v.(type) {
		case ir.Value:
			m.Values = append(m.Values, v)
		case int:
			m.Values = append(m.Values, ir.Number{IsInt: true, Int: int64(v)})
		case float64:
			m.Values = append(m.Values, ir.Number{Float: v})
		case bool:
			m.Values = append(m.Values, ir.Bool(v))
		case string:
			switch op {
			case ir.Like:
				m.Values = append(m.Values, ir.ParsePattern(v))
			case ir.Regexp:
				m.Values = append(m.Values, ir.Regex(v))
			case ir.InNetwork:
				m.Values = append(m.Values, ir.PrefixOf(netip.MustParsePrefix(v)))
			default:
				m.Values = append(m.Values, ir.String(v))
			}
		}
	}
	return m
}

func cased(m *ir.Match) *ir.Match { m.Cased = true; return m }

func other(spec string) ir.Value { return ir.FieldRef{Field: mustField(spec)} }

// verdicts evaluates a tree over an event in all ways there are: the leaves,
// the printed text in a bare environment, a rule set. They must agree.
func verdicts(t *testing.T, e ir.Expr, ev any) bool {
	t.Helper()
	d := detail{set: newLeafSet()}
	s := &subject{cursor: &cursor{keep: true, cost: maxMatchCost}, value: ev}
	walked := d.holds(e, s)

	text, err := CEL(&ir.Rule{When: e})
	if err != nil {
		t.Fatal(err)
	}
	env, err := cel.NewEnv(Library())
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", text, issues.Err())
	}
	prg, err := env.Program(ast)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out, _, err := prg.Eval(map[string]any{"event": ev})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	rs, ds := NewRuleSetOf([]*ir.Rule{{When: e}}, RuleSetOptions{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	hits, err := rs.MatchAs(event.Source{}, ev)
	if err != nil {
		t.Fatal(err)
	}
	if bare := out.Value() == true; bare != walked || (len(hits) == 1) != walked {
		t.Errorf("%s over %v: leaves say %v, bare CEL %v, rule set %d hits", text, ev, walked, bare, len(hits))
	}
	return walked
}

func parseEvent(t *testing.T, js string) any {
	t.Helper()
	v, err := decodeJSON([]byte(js))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

func TestLeaves(t *testing.T) {
	const network = "10.0.0.0/8"
	for _, c := range []struct {
		event string
		m     *ir.Match
		want  bool
	}{
		// Text.
		{`{"f":"Foo"}`, testMatch(ir.Equal, "f", "fOO"), true},
		{`{"f":"Foo"}`, cased(testMatch(ir.Equal, "f", "foo")), false},
		{`{"f":"Foo"}`, cased(testMatch(ir.Equal, "f", "Foo")), true},
		{`{"f":"ÄÖ"}`, testMatch(ir.Equal, "f", "äö"), true},
		{`{"f":"\u212a"}`, testMatch(ir.Equal, "f", "k"), false},
		{`{"f":"İ"}`, testMatch(ir.Equal, "f", "i"), false},
		{`{"f":"İ"}`, testMatch(ir.Equal, "f", "İ"), true},
		{`{"f":""}`, testMatch(ir.Equal, "f", ""), true},
		{`{"f":" "}`, testMatch(ir.Equal, "f", ""), false},
		{`{"f":null}`, testMatch(ir.Equal, "f", ""), false},
		{`{}`, testMatch(ir.Equal, "f", ""), false},
		{`{"f":"a"}`, testMatch(ir.Equal, "f"), false},
		{`{"f":"xFooy"}`, testMatch(ir.Contains, "f", "nope", "foo"), true},
		{`{"f":"xFooy"}`, testMatch(ir.StartsWith, "f", "xf"), true},
		{`{"f":"xFooy"}`, testMatch(ir.EndsWith, "f", "OY"), true},
		{`{"f":"xFooy"}`, cased(testMatch(ir.EndsWith, "f", "OY")), false},
		{`{"f":""}`, testMatch(ir.Contains, "f", ""), true},
		{`{"f":{}}`, testMatch(ir.Contains, "f", ""), false},
		{`{"f":true}`, testMatch(ir.Contains, "f", "RU"), true},
		{`{"f":1e3}`, testMatch(ir.StartsWith, "f", "1000"), true},
		{`{"f":0.00001}`, testMatch(ir.EndsWith, "f", ".00001"), true},
		{`{"f":-0.0}`, testMatch(ir.Contains, "f", "-"), false},
		// Numbers.
		{`{"f":"5.0"}`, testMatch(ir.Equal, "f", "5"), false},
		{`{"f":"5.0"}`, testMatch(ir.Equal, "f", 5), true},
		{`{"f":5}`, testMatch(ir.Equal, "f", "5.0"), true},
		{`{"f":5.0}`, testMatch(ir.Equal, "f", "5"), true},
		{`{"f":5}`, testMatch(ir.Equal, "f", "five"), false},
		{`{"f":1000}`, testMatch(ir.Equal, "f", "1e3"), false},
		{`{"f":"1e3"}`, testMatch(ir.Equal, "f", 1000), false},
		{`{"f":" 5"}`, testMatch(ir.Equal, "f", 5), false},
		{`{"f":"+5"}`, testMatch(ir.Equal, "f", 5), false},
		{`{"f":"1234567890123456"}`, testMatch(ir.Equal, "f", 1234567890123456), false}, // 16 digits are text
		{`{"f":9007199254740993}`, testMatch(ir.Equal, "f", 9007199254740993), true},
		{`{"f":9007199254740993}`, testMatch(ir.Equal, "f", 9007199254740992), false},
		{`{"f":9007199254740993}`, testMatch(ir.Equal, "f", 9007199254740992.0), false},
		{`{"f":9007199254740993}`, testMatch(ir.Greater, "f", 9007199254740992.0), true},
		{`{"f":9223372036854775807}`, testMatch(ir.Less, "f", 9223372036854775808.0), true},
		{`{"f":-9223372036854775808}`, testMatch(ir.Equal, "f", -9223372036854775808.0), true},
		{`{"f":18446744073709551615}`, testMatch(ir.Equal, "f", "18446744073709552000"), true},
		{`{"f":1e400}`, testMatch(ir.Greater, "f", 0), false},
		{`{"f":1e400}`, testMatch(ir.Equal, "f", "1E400"), true},
		{`{"f":5.5}`, testMatch(ir.GreaterOrEqual, "f", 5.5), true},
		{`{"f":"5.5"}`, testMatch(ir.LessOrEqual, "f", 5), false},
		{`{"f":true}`, testMatch(ir.Greater, "f", 0), false},
		{`{"f":"a"}`, testMatch(ir.Less, "f", 5), false},
		// Booleans.
		{`{"f":true}`, testMatch(ir.Equal, "f", 1), false},
		{`{"f":1}`, testMatch(ir.Equal, "f", true), false},
		{`{"f":"TRUE"}`, testMatch(ir.Equal, "f", true), true},
		{`{"f":"TRUE"}`, testMatch(ir.Equal, "f", false), false},
		{`{"f":false}`, testMatch(ir.Equal, "f", "False"), true},
		{`{"f":false}`, testMatch(ir.Equal, "f", "0"), false},
		// Null and exists.
		{`{}`, testMatch(ir.Null, "f"), true},
		{`{"f":null}`, testMatch(ir.Null, "f"), true},
		{`{"f":[]}`, testMatch(ir.Null, "f"), true},
		{`{"f":[null,[null]]}`, testMatch(ir.Null, "f"), true},
		{`{"f":[null,""]}`, testMatch(ir.Null, "f"), false},
		{`{"f":""}`, testMatch(ir.Null, "f"), false},
		{`{"f":{}}`, testMatch(ir.Null, "f"), false},
		{`{"f":false}`, testMatch(ir.Null, "f"), false},
		{`{}`, testMatch(ir.Exists, "f"), false},
		{`{"f":null}`, testMatch(ir.Exists, "f"), true},
		{`{"f":[]}`, testMatch(ir.Exists, "f"), true},
		{`{"f":[{"a":1},{"g":2}]}`, testMatch(ir.Exists, "f.g"), true},
		{`{"f":[]}`, testMatch(ir.Exists, "f.g"), false},
		// Paths.
		{`{"a.b":1,"a":{"b":2}}`, testMatch(ir.Equal, "a.b", 2), false},
		{`{"a":{"b.c":1}}`, testMatch(ir.Equal, "a.b.c", 1), true},
		{`{"a":{"b":{"c":1}}}`, testMatch(ir.Equal, "A.B.C", 1), true},
		{`{"F":1,"f":2}`, testMatch(ir.Equal, "f", 1), false},
		{`{"FOO":1,"fOO":2}`, testMatch(ir.Equal, "foo", 1), true},
		{`{"FOO":1,"fOO":2}`, testMatch(ir.Equal, "foo", 2), false},
		{`{"f":1,"f":2}`, testMatch(ir.Equal, "f", 2), true},
		{`{"f":[[1,[2]],{"x":1}]}`, testMatch(ir.Equal, "f", 2), true},
		{`{"a":[{"b":1},[{"b":[2]}]]}`, testMatch(ir.Equal, "a.b", 2), true},
		{`{"a":[{"b":1},{"b":2}]}`, testMatch(ir.Equal, "a[1].b", 1), false},
		{`{"a":[{"b":1},{"b":2}]}`, testMatch(ir.Equal, "a[1].b", 2), true},
		{`{"a":[[1,2],[3]]}`, testMatch(ir.Equal, "a[0][1]", 2), true},
		{`{"a":5}`, testMatch(ir.Equal, "a[0]", 5), true},
		{`{"a":5}`, testMatch(ir.Exists, "a[1]"), false},
		{`{"a":"{\"b\":1}"}`, testMatch(ir.Equal, "a{}.b", 1), true},
		{`{"a":"{\"b\":1}"}`, testMatch(ir.Equal, "a.b", 1), false},
		{`{"a":"{\"b\":1} x"}`, testMatch(ir.Equal, "a{}.b", 1), false},
		{`{"a":" [\"x\",\"{}\"]"}`, testMatch(ir.Equal, "a{}", "x"), true},
		{`{"a":"\"x\""}`, testMatch(ir.Equal, "a{}", `"x"`), true},
		{`{"p":[{"Name":"To","Value":"a"},{"name":"FROM","Value":"b"}]}`, testMatch(ir.Equal, "p[Name=from].Value", "b"), true},
		{`{"p":[{"Name":"To","Value":"a"},{"name":"FROM","Value":"b"}]}`, testMatch(ir.Equal, "p[Name=from].Value", "a"), false},
		{`{"p":"[{\"Name\":\"To\",\"Value\":\"a\"}]"}`, testMatch(ir.Equal, "p{}[Name=To].Value", "A"), true},
		// Leaves.
		{`{"a":[{"b":"needle"}],"c":7}`, testMatch(ir.Contains, "*", "EEDL"), true},
		{`{"needle":1}`, testMatch(ir.Contains, "*", "needle"), false},
		{`{"a":[{"b":"x"}],"c":7}`, testMatch(ir.Like, "*", "?"), true},
		// Wildcards.
		{`{"f":"a\nb"}`, testMatch(ir.Like, "f", "a*b"), true},
		{`{"f":"aXb"}`, testMatch(ir.Like, "f", "A?B"), true},
		{`{"f":"a\ud83d\ude00b"}`, testMatch(ir.Like, "f", "a?b"), true},
		{`{"f":"ab"}`, testMatch(ir.Like, "f", "a?b"), false},
		{`{"f":"a*b"}`, testMatch(ir.Like, "f", `a\*b`), true},
		{`{"f":"axb"}`, testMatch(ir.Like, "f", `a\*b`), false},
		{`{"f":"aba"}`, testMatch(ir.Like, "f", "ab*ba"), false},
		{`{"f":"xaby1zbb"}`, testMatch(ir.Like, "f", "*a?y*z?b"), true},
		// Regex.
		{`{"f":"xFOOx"}`, testMatch(ir.Regexp, "f", "foo"), false},
		{`{"f":"xFOOx"}`, testMatch(ir.Regexp, "f", "(?i)foo"), true},
		{`{"f":1234}`, testMatch(ir.Regexp, "f", `^\d{4}$`), true},
		// Networks.
		{`{"f":"10.1.2.3"}`, testMatch(ir.InNetwork, "f", network), true},
		{`{"f":"::ffff:10.1.2.3"}`, testMatch(ir.InNetwork, "f", network), true},
		{`{"f":"10.1.2.3:443"}`, testMatch(ir.InNetwork, "f", network), false},
		{`{"f":"10.1.2.3:443"}`, testMatch(ir.InNetwork, "f@ip", network), true},
		{`{"f":"10.1.2.3:99999"}`, testMatch(ir.InNetwork, "f@ip", network), false},
		{`{"f":"[2603::1]:30943"}`, testMatch(ir.InNetwork, "f@ip", "2603::/16"), true},
		{`{"f":"[2603::1]"}`, testMatch(ir.InNetwork, "f@ip", "2603::/16"), true},
		{`{"f":"2603::1"}`, testMatch(ir.InNetwork, "f@ip", "2603::/16"), true},
		{`{"f":"fe80::1%eth0"}`, testMatch(ir.InNetwork, "f", "fe80::/10"), false},
		{`{"f":"<null>"}`, testMatch(ir.InNetwork, "f@ip", network), false},
		{`{"f":10}`, testMatch(ir.InNetwork, "f", "0.0.0.0/0"), false},
		{`{"f":"10.1.2.3"}`, testMatch(ir.InNetwork, "f", "::ffff:10.0.0.0/104"), true},
		// Other fields.
		{`{"a":"X","b":"x"}`, testMatch(ir.Equal, "a", other("b")), true},
		{`{"a":"","b":""}`, testMatch(ir.Equal, "a", other("b")), false},
		{`{}`, testMatch(ir.Equal, "a", other("b")), false},
		{`{"a":5,"b":"5.0"}`, testMatch(ir.Equal, "a", other("b")), true},
		{`{"a":"5","b":"5.0"}`, testMatch(ir.Equal, "a", other("b")), false},
		{`{"a":true,"b":"TRUE"}`, testMatch(ir.Equal, "a", other("b")), true},
		{`{"a":"x12y","b":[3,12]}`, testMatch(ir.Contains, "a", other("b")), true},
		{`{"a":"x","b":"y"}`, testMatch(ir.Equal, "a", "q", other("b"), "x"), true},
		{`{"a":"ab","b":"A"}`, cased(testMatch(ir.StartsWith, "a", other("b"))), false},
		// Derivations.
		{`{"t":"2026-07-01T22:30:00Z"}`, testMatch(ir.Equal, "t@hour", 22), true},
		{`{"t":"2026-07-01T22:30:00Z"}`, testMatch(ir.Equal, "t@hour(Europe/Berlin)", 0), true},
		{`{"t":"2026-07-01T22:30:00Z"}`, testMatch(ir.Equal, "t@day(Europe/Berlin)", 2), true},
		{`{"t":"2026-07-05T10:00:00"}`, testMatch(ir.Equal, "t@weekday", 7), true},
		{`{"t":"2027-01-01T10:00:00Z"}`, testMatch(ir.Equal, "t@week", 53), true},
		{`{"t":"no time"}`, testMatch(ir.Null, "t@hour"), true},
		{`{"t":5}`, testMatch(ir.Exists, "t@hour"), true},
		{`{"a":"2026-01-11T00:00:00Z","b":"2026-01-01T00:00:00Z"}`, testMatch(ir.Equal, "a@duration(86400,b)", 10), true},
		{`{"a":"2026-01-11T12:00:00Z","b":"2026-01-01T00:00:00Z"}`, testMatch(ir.Equal, "a@duration(86400,b)", 10.5), true},
		{`{"a":"9999-01-01T00:00:00Z","b":"0001-01-01T00:00:00Z"}`, testMatch(ir.Greater, "a@duration(1,b)", 300000000000), true},
		{`{"a":"2026-01-11T12:00:00Z"}`, testMatch(ir.Null, "a@duration(86400,b)"), true},
	} {
		if got := verdicts(t, c.m, parseEvent(t, c.event)); got != c.want {
			t.Errorf("%s over %s: %v, want %v", ir.Print(c.m), c.event, got, c.want)
		}
	}
}

func TestLists(t *testing.T) {
	each := func(over string, x ir.Expr) ir.Expr { return &ir.Any{Over: mustField(over), X: x} }
	is := func(spec string, v any) ir.Expr { return testMatch(ir.Equal, spec, v) }
	and := func(xs ...ir.Expr) ir.Expr { return &ir.And{X: xs} }
	for _, c := range []struct {
		event string
		e     ir.Expr
		want  bool
	}{
		{`{"l":[{"a":1,"b":2},{"a":3,"b":4}]}`, each("l", and(is("a", 1), is("b", 4))), false},
		{`{"l":[{"a":1,"b":2},{"a":3,"b":4}]}`, and(is("l.a", 1), is("l.b", 4)), true},
		{`{"l":[[{"a":1}],[{"a":3}]]}`, each("l", is("a", 3)), true},
		{`{"l":{"a":1}}`, each("l", is("a", 1)), true},
		{`{"l":"x"}`, each("l", is(".", "X")), true},
		{`{"l":null}`, each("l", ir.Const(true)), false},
		{`{"l":[]}`, each("l", ir.Const(true)), false},
		{`{"l":[null]}`, each("l", ir.Const(true)), true},
		{`{}`, &ir.Not{X: each("l", &ir.Not{X: is("a", 1)})}, true},
		{`{"l":[{"m":[{"a":1},{"b":1}]},{"m":[{"a":1,"b":1}]}]}`, each("l", each("m", and(is("a", 1), is("b", 1)))), true},
		{`{"l":[{"m":[{"a":1},{"b":1}]},{"m":[{"a":1,"b":2}]}]}`, each("l", each("m", and(is("a", 1), is("b", 1)))), false},
		{`{"l":"[{\"m\":\"{\\\"a\\\":1}\"}]"}`, each("l{}", each("m{}", is("a", 1))), true},
		{`{"l":[{"a":"x","b":"X"}]}`, each("l", testMatch(ir.Equal, "a", other("b"))), true},
		{`{"l":[{"a":"x"},{"b":"X"}]}`, each("l", testMatch(ir.Equal, "a", other("b"))), false},
		{`{"l":["a",{"b":["c"]}]}`, each("l", testMatch(ir.Contains, "*", "c")), true},
		{`[{"a":1},{"a":2}]`, is("a", 2), true},
	} {
		if got := verdicts(t, c.e, parseEvent(t, c.event)); got != c.want {
			t.Errorf("%s over %s: %v, want %v", ir.Print(c.e), c.event, got, c.want)
		}
	}
}

type named string

type deep struct{ X any }

// Whatever a Go program puts into a map has some meaning and does no harm.
func TestOddGoValues(t *testing.T) {
	five, text := 5, "x"
	self := map[string]any{"f": "x"}
	self["self"] = self
	var nilObject *nilMap
	for i, c := range []struct {
		value any
		m     *ir.Match
		want  bool
	}{
		{5, testMatch(ir.Equal, "f", 5), true},
		{int8(5), testMatch(ir.Equal, "f", "5"), true},
		{uint64(math.MaxUint64), testMatch(ir.Greater, "f", 9223372036854775807), true},
		{float32(0.1), testMatch(ir.Equal, "f", 0.1), true},
		{math.NaN(), testMatch(ir.Equal, "f", "NaN"), true},
		{math.Inf(1), testMatch(ir.Greater, "f", 1), false},
		{&five, testMatch(ir.Equal, "f", 5), true},
		{&text, testMatch(ir.Equal, "f", "X"), true},
		{(*int)(nil), testMatch(ir.Null, "f"), true},
		{named("x"), testMatch(ir.Equal, "f", "x"), true},
		{[]string{"a", "x"}, testMatch(ir.Equal, "f", "x"), true},
		{[2]int{1, 2}, testMatch(ir.Equal, "f", 2), true},
		{[]map[string]any{{"g": 1}}, testMatch(ir.Equal, "f.g", 1), true},
		{map[string]string{"g": "x"}, testMatch(ir.Equal, "f.g", "x"), true},
		{map[any]any{"g": "x", 5: 6}, testMatch(ir.Equal, "f.g", "x"), true},
		{map[int]string{1: "x"}, testMatch(ir.Null, "f"), false},
		{[]byte("x"), testMatch(ir.Equal, "f", "x"), true},
		{json.RawMessage(`{"g":1}`), testMatch(ir.Equal, "f.g", 1), true},
		{json.RawMessage(`{`), testMatch(ir.Equal, "f", "{"), true},
		{json.Number("not"), testMatch(ir.Equal, "f", "NOT"), true},
		{json.Number("0x10"), testMatch(ir.Equal, "f", 16), false},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), testMatch(ir.Equal, "f@hour", 3), true},
		{deep{"x"}, testMatch(ir.Null, "f"), false},
		{func() {}, testMatch(ir.Exists, "f"), true},
		{make(chan int), testMatch(ir.Contains, "f", ""), false},
		{"a\xffb", testMatch(ir.Equal, "f", "a\ufffdb"), true},
		{nilObject, testMatch(ir.Null, "f"), true},
		{self, testMatch(ir.Equal, "f.self.self.f", "x"), true},
	} {
		if got := verdicts(t, c.m, map[string]any{"f": c.value}); got != c.want {
			t.Errorf("%d: %s over %T: %v, want %v", i, ir.Print(c.m), c.value, got, c.want)
		}
	}
	for _, ev := range []any{nil, 5, "x", []any{}, true, map[string]string{"f": "x"}} {
		want := fmt.Sprint(ev) == "map[f:x]"
		if got := verdicts(t, testMatch(ir.Equal, "f", "x"), ev); got != want {
			t.Errorf("%v: %v", ev, got)
		}
	}
}

type nilMap struct{}

func (*nilMap) Get(string) (any, bool) { panic("nil") }
func (*nilMap) Keys(func(string) bool) { panic("nil") }

// Numbers of every kind compare exactly.
func TestCompareNumbers(t *testing.T) {
	order := []ir.Number{{Float: -1e300}, {IsInt: true, Int: math.MinInt64}, {IsInt: true, Int: -1}, {Float: -0.5}, {IsInt: true}, {Float: 1e-300},
		{Float: 0.5}, {IsInt: true, Int: 1}, {IsInt: true, Int: 1 << 53}, {IsInt: true, Int: 1<<53 + 1}, {Float: 1<<53 + 2},
		{IsInt: true, Int: math.MaxInt64 - 1}, {IsInt: true, Int: math.MaxInt64}, {Float: 1 << 63}, {Float: 1e300}}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := compareNumbers(canonical(a), canonical(b)); got != want {
				t.Errorf("compare(%v, %v) = %d, want %d", a, b, got, want)
			}
		}
	}
}

// Patterns that make backtracking matchers hang, which is how this test would
// fail: by never ending.
func TestWildcardsThatBacktrack(t *testing.T) {
	text := strings.Repeat("a", 200_000)
	for _, p := range []string{strings.Repeat("*a", 500) + "*b", strings.Repeat("a*", 1000) + "b", strings.Repeat("?*", 500) + "b*c"} {
		m := testMatch(ir.Like, "f", p)
		if verdicts(t, m, map[string]any{"f": text}) {
			t.Errorf("%.20s… matches", p)
		}
	}
}

func TestWildcardAgainstSlow(t *testing.T) {
	var slow func(p []ir.PatternPart, s []rune) bool
	slow = func(p []ir.PatternPart, s []rune) bool {
		if len(p) == 0 {
			return len(s) == 0
		}
		switch p[0].Kind {
		case ir.AnyRun:
			return slow(p[1:], s) || len(s) > 0 && slow(p, s[1:])
		case ir.AnyOne:
			return len(s) > 0 && slow(p[1:], s[1:])
		}
		lit := []rune(p[0].Text)
		return len(s) >= len(lit) && string(s[:len(lit)]) == p[0].Text && slow(p[1:], s[len(lit):])
	}
	letters := []rune("abß*?")
	word := func(n, seed int) string {
		var b strings.Builder
		for ; n > 0; n-- {
			b.WriteRune(letters[seed%len(letters)])
			seed /= len(letters)
		}
		return b.String()
	}
	for pn := range 5 {
		for ps := 0; ps < 625; ps += 1 {
			p := ir.ParsePattern(word(pn, ps))
			w := newWildcard(p, func(s string) string { return s })
			for tn := range 4 {
				for ts := 0; ts < 27; ts++ {
					text := strings.NewReplacer("*", "a", "?", "b").Replace(word(tn, ts))
					if got, want := w.match([]byte(text), &cursor{cost: maxMatchCost}), slow(p, []rune(text)); got != want {
						t.Fatalf("%q over %q: %v", p, text, got)
					}
				}
			}
		}
	}
}
