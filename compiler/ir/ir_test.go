package ir

import (
	"fmt"
	"strings"
	"testing"
)

func TestPathText(t *testing.T) {
	for _, text := range []string{
		".", "a", "a.b.c", `MethodExecutionResult.`, "TargetResources{}.modifiedProperties{}.newValue", "a[0]", "a[0][1].b",
		"Parameters{}[Name=ForwardTo].Value", `\*`, `\.`, `odd\@key\{\}\[\]\=\\`, `a[N\]\=x=v\]w].c`, "a[0]..b", "a.[0]", ".foo", "[0]", "{}.a", "[0]{}[Name=x].y",
	} {
		p, err := ParsePath(text)
		if err != nil {
			t.Errorf("ParsePath(%q): %v", text, err)
			continue
		}
		if got := p.String(); got != text {
			t.Errorf("ParsePath(%q).String() = %q", text, got)
		}
	}
	for _, text := range []string{"", "a[", "a{", "a[x]", "a[-1]", "a[0].", "a[0]b", "a{}b", `a\`, "a[=x]", "a@hour"} {
		if p, err := ParsePath(text); err == nil {
			t.Errorf("ParsePath(%q) = %q, want an error", text, p)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range [][3]string{
		{"properties", "a.b", "properties.a.b"}, {".", "a", "a"}, {"a", ".", "a"}, {"a{}", "b", "a{}.b"},
		{"a", "b{}.c", "a.b{}.c"}, {"a", "[0].c", "a[0].c"}, {"a[0]", "[1]", "a[0][1]"},
	} {
		p, _ := ParsePath(c[0])
		q, _ := ParsePath(c[1])
		if got := p.Join(q).String(); got != c[2] {
			t.Errorf("%q.Join(%q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestFieldSpec(t *testing.T) {
	for _, text := range []string{"*", ".", "a.b", "IPAddress@ip", "t@hour", "t@hour(Europe/Berlin)", ".@weekday(UTC)", "end@duration(86400,start{}.x)", `a\@b@ip`} {
		f, err := ParseFieldSpec(text)
		if err != nil {
			t.Errorf("ParseFieldSpec(%q): %v", text, err)
			continue
		}
		if got := f.Spec(); got != text {
			t.Errorf("ParseFieldSpec(%q).Spec() = %q", text, got)
		}
	}
	for _, text := range []string{"", "a@", "a@x", "a@hour(", "a@duration(0,b)", "a@duration(1)", "a@ip(x)"} {
		if f, err := ParseFieldSpec(text); err == nil {
			t.Errorf("ParseFieldSpec(%q) = %+v, want an error", text, f)
		}
	}
}

func FuzzPathText(f *testing.F) {
	f.Add("a.b{}[0].c[Name=x]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePath(text)
		if err != nil {
			return
		}
		q, err := ParsePath(p.String())
		if err != nil || q.String() != p.String() {
			t.Fatalf("%q -> %q -> %v, %v", text, p.String(), q, err)
		}
	})
}

func leaf(name string) Expr {
	return &Match{Field: Field{Name: name, Path: Path{{Key: name}}}, Op: Equal, Values: []Value{String("x")}}
}

func TestPatternText(t *testing.T) {
	for _, text := range []string{"*a?b*", `\*a\?\\`, "a", ""} {
		if got := ParsePattern(text).String(); got != text {
			t.Errorf("ParsePattern(%q).String() = %q", text, got)
		}
	}
}

func TestSimplify(t *testing.T) {
	a, b, c := leaf("a"), leaf("b"), leaf("c")
	for _, tc := range []struct {
		name     string
		in, want Expr
	}{
		{"nested and", &And{X: []Expr{a, &And{X: []Expr{b, c}}}}, &And{X: []Expr{a, b, c}}},
		{"nested or", &Or{X: []Expr{&Or{X: []Expr{a, b}}, c}}, &Or{X: []Expr{a, b, c}}},
		{"true in and", &And{X: []Expr{a, Const(true)}}, a},
		{"false in and", &And{X: []Expr{a, Const(false)}}, Const(false)},
		{"empty and", &And{}, Const(true)},
		{"empty or", &Or{}, Const(false)},
		{"true in or", &Or{X: []Expr{a, &Not{X: Const(false)}}}, Const(true)},
		{"double not", &Not{X: &Not{X: a}}, a},
		{"selection stays", &And{X: []Expr{&Selection{Name: "s", X: &And{X: []Expr{a}}}}}, &Selection{Name: "s", X: a}},
		{"any of nothing", &Any{X: &Or{}}, Const(false)},
		{"any of everything", &Any{X: &And{}}, &Any{X: Const(true)}},
	} {
		before := Print(tc.in)
		if got, want := Print(Simplify(tc.in)), Print(tc.want); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, got, want)
		}
		if Print(tc.in) != before {
			t.Errorf("%s: Simplify changed its argument", tc.name)
		}
	}
}

func TestEmit(t *testing.T) {
	s := &Syntax{
		And: " && ", Or: " || ", True: "true", False: "false",
		Not: func(x string) (string, Precedence) { return "!" + x, PrecedenceNot },
		Leaf: func(m *Match, negated bool, depth int) (string, Precedence, error) {
			if m.Field.Name == "bad" {
				return "", 0, fmt.Errorf("bad")
			}
			text := fmt.Sprintf("%s%d", m.Field.Name, depth)
			if negated {
				text = strings.ToUpper(text)
			}
			return text, PrecedenceAtom, nil
		},
		Any: func(a *Any, body string, negated bool, depth int) (string, Precedence, error) {
			return fmt.Sprintf("any%d(%s)", depth, body), PrecedenceAtom, nil
		},
	}
	a, b, c := leaf("a"), leaf("b"), leaf("c")
	for want, e := range map[string]Expr{
		"a0 && (b0 || c0)":  &And{X: []Expr{a, &Or{X: []Expr{b, c}}}},
		"a0 || b0 && c0":    &Or{X: []Expr{a, &And{X: []Expr{b, c}}}},
		"!(A0 && B0)":       &Not{X: &And{X: []Expr{a, b}}},
		"!(!a0)":            &Not{X: &Not{X: a}},
		"!any0(a1 && !B1)":  &Not{X: &Any{X: &And{X: []Expr{a, &Not{X: b}}}}},
		"true":              &And{},
		"!A0 && b0":         &And{X: []Expr{&Not{X: &Selection{Name: "s", X: &Or{X: []Expr{a}}}}, b}},
		"!(A0 || B0) || c0": &Or{X: []Expr{&Not{X: &Or{X: []Expr{a, b}}}, c}},
	} {
		got, err := Emit(e, s)
		if err != nil || got != want {
			t.Errorf("Emit = %q, %v; want %q", got, err, want)
		}
	}
	if _, err := Emit(&Not{X: leaf("bad")}, s); err == nil {
		t.Error("the error of a leaf was lost")
	}
}
