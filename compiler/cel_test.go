package compiler

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler/ir"
)

func TestCELText(t *testing.T) {
	eq := func(spec string, vs ...any) ir.Expr { return testMatch(ir.Equal, spec, vs...) }
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{eq("a.b", "x", 5, -2.5, 1e21, math.MinInt64, true), `event.equalsAny("a.b", ["x", 5, -2.5, 1e+21, -9223372036854775808, true])`},
		{eq("a", 5.0), `event.equalsAny("a", [5.0])`},
		{cased(testMatch(ir.Like, "a", `C:\\*\?`)), `event.likeAnyCased("a", ["C:\\\\*\\?"])`},
		{testMatch(ir.Contains, "a", "x", other("b"), other("c{}.d")), `event.containsAny("a", ["x"]) || event.containsField("a", "b") || event.containsField("a", "c{}.d")`},
		{&ir.Not{X: testMatch(ir.StartsWith, "a", other("b"))}, `!event.startsWithField("a", "b")`},
		{&ir.And{X: []ir.Expr{testMatch(ir.Null, "a"), &ir.Not{X: &ir.Or{X: []ir.Expr{testMatch(ir.Exists, "b"), ir.Const(false)}}}}}, `event.isNull("a") && !(event.has("b") || false)`},
		{&ir.Any{Over: mustField("T{}"), X: &ir.And{X: []ir.Expr{eq("x", 1), &ir.Any{Over: mustField("m"), X: eq(".", 2)}}}},
			`event.elements("T{}").exists(e1, e1.equalsAny("x", [1]) && e1.elements("m").exists(e2, e2.equalsAny(".", [2])))`},
		{&ir.Selection{Name: "s", X: testMatch(ir.InNetwork, "ip@ip", "10.0.0.0/8")}, `event.inNetwork("ip@ip", ["10.0.0.0/8"])`},
		{testMatch(ir.GreaterOrEqual, "t@hour(Europe/Berlin)", 18), `event.greaterOrEqual("t@hour(Europe/Berlin)", [18])`},
		{testMatch(ir.Regexp, "a", `(?i)\d+"`), `event.matchesAny("a", ["(?i)\\d+\""])`},
		{&ir.And{}, `true`},
		{eq("a"), `event.equalsAny("a", [])`},
	} {
		got, err := CEL(&ir.Rule{When: c.e})
		if err != nil || got != c.want {
			t.Errorf("got  %s %v\nwant %s", got, err, c.want)
		}
	}
	got, err := CEL(&ir.Rule{Source: ir.Source{Where: &ir.Or{X: []ir.Expr{eq("a", 1), eq("b", 2)}}}, When: eq("c", 3)})
	if want := `(event.equalsAny("a", [1]) || event.equalsAny("b", [2])) && event.equalsAny("c", [3])`; err != nil || got != want {
		t.Errorf("%s %v", got, err)
	}
	if _, err := CEL(&ir.Rule{}); err == nil {
		t.Error("a correlation has a text")
	}
	if _, err := CEL(&ir.Rule{When: cased(testMatch(ir.Regexp, "a", "x"))}); err == nil {
		t.Error("a cased regex has a text")
	}
}

// Every code point comes through a literal, on one line.
func TestCELStrings(t *testing.T) {
	env, err := cel.NewEnv(Library())
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for r := rune(0); r <= 0x10ffff; r++ {
		if r == 0x3000 {
			r = 0xd7f0 // the ideographs print
		}
		if r == 0xd800 {
			r = 0xe000
		}
		if r == 0x11000 {
			r = 0x1f5f0
		}
		if r == 0x20000 {
			r = 0xe0000
		}
		if r == 0xe0100 {
			r = 0x10fff0
		}
		all.WriteRune(r)
	}
	for _, s := range []string{all.String(), `\`, `"`, `\"`, "\x00", "a\r\nb\tc", `\n`, "\u202e", "\ufeff", "𝔘", "?*'`{}"} {
		text := celString(s)
		if strings.ContainsAny(text, "\r\n\x00") {
			t.Errorf("%.40q is not one line", text)
		}
		ast, issues := env.Compile(text)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		prg, err := env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := prg.Eval(cel.NoVars())
		if err != nil || out.Value() != s {
			t.Errorf("%.40q came back as %.40q (%v)", s, out, err)
		}
	}
}

// Long and deep texts compile; what is beyond the limits is an error.
func TestCELLimits(t *testing.T) {
	env, err := cel.NewEnv(Library())
	if err != nil {
		t.Fatal(err)
	}
	compiles := func(e ir.Expr) error {
		text, err := CEL(&ir.Rule{When: e})
		if err != nil {
			return err
		}
		ast, issues := env.Compile(text)
		if issues.Err() != nil {
			return issues.Err()
		}
		_, err = env.Program(ast)
		return err
	}
	m := testMatch(ir.Equal, "f")
	for i := range 60_000 {
		m.Values = append(m.Values, ir.String(fmt.Sprintf("value number %d", i)))
	}
	if err := compiles(m); err != nil {
		t.Error(err)
	}
	deep := func(n int) ir.Expr {
		var e ir.Expr = testMatch(ir.Equal, "f", "x")
		for i := range n {
			if i%2 == 0 {
				e = &ir.Or{X: []ir.Expr{e, testMatch(ir.Null, "g")}}
			} else {
				e = &ir.And{X: []ir.Expr{e, testMatch(ir.Null, "h")}}
			}
		}
		return e
	}
	if err := compiles(deep(100)); err != nil {
		t.Error(err)
	}
	if err := compiles(deep(3_000)); err == nil {
		t.Error("a depth without limit")
	}
	rs, _ := NewRuleSetOf([]*ir.Rule{{When: deep(3_000)}}, RuleSetOptions{})
	if ds := rs.Prepare(); len(ds) != 1 {
		t.Errorf("Prepare: %v", ds)
	}
}

// Texts that nobody printed: bad arguments are errors when the program is
// planned, arguments that are not constant work, values of any CEL type do.
func TestLibraryByHand(t *testing.T) {
	env, err := cel.NewEnv(Library(), cel.Variable("field", cel.StringType), cel.Variable("list", cel.ListType(cel.DynType)))
	if err != nil {
		t.Fatal(err)
	}
	run := func(text string) (any, error) {
		ast, issues := env.Compile(text)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		prg, err := env.Program(ast)
		if err != nil {
			return nil, err
		}
		out, _, err := prg.Eval(map[string]any{"event": map[string]any{"a": "X", "l": []any{map[string]any{"a": 1}, nil}}, "field": "a", "list": []string{"x"}})
		if err != nil {
			return nil, err
		}
		return out.Value(), nil
	}
	for text, want := range map[string]any{
		`event.equalsAny(field, ["x"])`:                      true,
		`event.equalsAny("a", list)`:                         true,
		`event.equalsAny("a", [field, "x"])`:                 true,
		`event.equalsField("a", field)`:                      true,
		`event.elements("l").size()`:                         int64(2),
		`event.elements("l").all(e, e.isNull("zz"))`:         true,
		`event.l.exists(e, e.equalsAny("a", [1]))`:           true,
		`event.l[0].equalsAny("a", ["1"])`:                   true,
		`{"a": "x"}.equalsAny("a", ["X"])`:                   true,
		`[{"a": "x"}].containsAny("*", ["X"])`:               true,
		`"x".equalsAny(".", ["X"])`:                          true,
		`null.isNull(".")`:                                   true,
		`duration("5s").has("a")`:                            false,
		`event.elements("l") == event.elements("l")`:         false,
		`event.equalsAny("a", ["x"]) && event.a == "X"`:      true,
		`event.elements("l")[0].elements(".")[0].has("a")`:   true,
		`[1, 2].exists(x, x.less(".", [2]))`:                 true,
		`[b"x", type(1)].exists(x, x.equalsAny(".", ["x"]))`: true,
	} {
		if got, err := run(text); err != nil || got != want {
			t.Errorf("%s: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{`event.equalsAny("a@nope", ["x"])`, `event.matchesAny("a", ["("])`, `event.inNetwork("a", ["x"])`, `event.less("a", ["x"])`, `event.less("a", [1.0/0.0])`,
		`event.equalsAny("a", [[1]])`, `event.equalsField("a", "")`, `event.elements("")`, `event.equalsAny(field + "@x", ["x"])`, `event.has("t@hour(Nowhere/Land)")`, `event.contains("a", "x")`, `event.equalsAny("a")`} {
		if got, err := run(text); err == nil {
			t.Errorf("%s: %v, want an error", text, got)
		}
	}
}
