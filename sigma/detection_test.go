package sigma

import (
	"fmt"
	"strings"
	"testing"
)

// dump prints blocks, values and conditions for comparison, without positions.
func dump(x any) string {
	join := func(n int, at func(int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = at(i)
		}
		return strings.Join(parts, " ")
	}
	switch x := x.(type) {
	case *AllOf:
		return "{" + join(len(x.Items), func(i int) string { return dump(x.Items[i]) }) + "}"
	case *AnyOf:
		return "<" + join(len(x.Blocks), func(i int) string { return dump(x.Blocks[i]) }) + ">"
	case *Item:
		s := x.Field.Name
		if len(x.Field.Steps) > 1 || len(x.Field.Steps) == 1 && x.Field.Steps[0].Index >= 0 {
			s = fmt.Sprint(x.Field.Steps)
		}
		if x.Quantifier != QuantifierNone {
			s += "[" + x.Quantifier.String() + "]"
		}
		for _, m := range x.Modifiers {
			s += "|" + m.Name
			if m.Arg != "" {
				s += "=" + m.Arg
			}
		}
		if x.Block != nil {
			return s + ":" + dump(x.Block)
		}
		return s + ":" + join(len(x.Values), func(i int) string { return dump(x.Values[i]) })
	case *Detection:
		s := join(len(x.Selections), func(i int) string { return x.Selections[i].Name + "=" + dump(x.Selections[i].Body) })
		return "(" + s + "; " + join(len(x.Conditions), func(i int) string { return dump(x.Conditions[i].Expr) }) + ")"
	case Null:
		return "null"
	case Bool:
		return fmt.Sprint(x.Bool)
	case Number:
		if x.Number.IsInt {
			return fmt.Sprint(x.Number.Int)
		}
		return fmt.Sprintf("%gf", x.Number.Float)
	case String:
		return "'" + dumpParts(x.Parts) + "'"
	case *ConditionAnd:
		return "(and " + join(len(x.Parts), func(i int) string { return dump(x.Parts[i]) }) + ")"
	case *ConditionOr:
		return "(or " + join(len(x.Parts), func(i int) string { return dump(x.Parts[i]) }) + ")"
	case *ConditionNot:
		return "(not " + dump(x.Part) + ")"
	case *ConditionName:
		return x.Name
	case *ConditionOf:
		return fmt.Sprintf("%dof(%s)", x.Count, x.Pattern)
	}
	panic(fmt.Sprintf("%T", x))
}

func dumpParts(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch p.Kind {
		case Literal:
			b.WriteString(p.Text)
		case AnyRun:
			b.WriteString("⟨*⟩")
		case AnyOne:
			b.WriteString("⟨?⟩")
		case Placeholder:
			b.WriteString("⟨%" + p.Text + "⟩")
		}
	}
	return b.String()
}

// indent shifts lines to the right.
func indent(s, by string) string { return by + strings.ReplaceAll(s, "\n", "\n"+by) + "\n" }

func TestSelections(t *testing.T) {
	for _, c := range []struct{ name, selection, want string }{
		{"mapping", "a: b\nc: 5", "{a:'b' c:5}"},
		{"list of values", "a: [b, 5, 1.5, true, null, ~, '']", "{a:'b' 5 1.5f true null null ''}"},
		{"nothing is null", "a:", "{a:null}"},
		{"types", "a: ['5', \"true\", 'null', !!str 5, !!int '7']", "{a:'5' 'true' 'null' '5' 7}"},
		{"number forms", "a: [+5, -5, -0, 1.0, -1.5, 0x1F, 9223372036854775807, 1.0e+3]", "{a:5 -5 0 1f -1.5f 31 9223372036854775807 1000f}"},
		{"text forms", "a: [010, 0o17, 1_000, 0b1, 1e3, .5, .inf, .nan, 9223372036854775808, 0xFFFFFFFFFFFFFFFF, 1:30, 12e4567]",
			"{a:'010' '0o17' '1_000' '0b1' '1e3' '.5' '.inf' '.nan' '9223372036854775808' '0xFFFFFFFFFFFFFFFF' '1:30' '12e4567'}"},
		{"dates are text", "a: [2024-01-05, 2024-01-05 10:00:00, 2024-01-05T10:00:00Z]", "{a:'2024-01-05' '2024-01-05 10:00:00' '2024-01-05T10:00:00Z'}"},
		{"old booleans are text", "a: [yes, No, on, OFF, y]", "{a:'yes' 'No' 'on' 'OFF' 'y'}"},
		{"booleans", "a: [True, FALSE, true]", "{a:true false true}"},
		{"anchors and merges", "- &x\n  a: &v [b, c]\n  d: e\n- <<: *x\n  d: f\n  g: *v", "<{a:'b' 'c' d:'e'} {d:'f' g:'b' 'c' a:'b' 'c'}>"},
		{"list of mappings", "- a: b\n- c: d\n  e: f", "<{a:'b'} {c:'d' e:'f'}>"},
		{"keywords", "- foo\n- '*bar'\n- 5", ":'foo' '⟨*⟩bar' 5"},
		{"one keyword", "foo", ":'foo'"},
		{"keywords among mappings", "- foo\n- a: b\n- bar", "<:'foo' {a:'b'} :'bar'>"},
		{"all keywords", "'|all': [foo, bar]", "{|all:'foo' 'bar'}"},
		{"keyword modifiers", "'|re': 'a.c'\n'|cased|contains': B", "{|re:'a.c' |cased|contains:'B'}"},
		{"modifiers", "a|contains|all: [b, c]\nd|re|i|m|s: 'x*'", "{a|contains|all:'b' 'c' d|re|i|m|s:'x*'}"},
		{"text modifiers take numbers as written", "a|endswith: [00000429, 1.50, true, 0x10, 1e5]", "{a|endswith:'00000429' '1.50' 'true' '0x10' '1e5'}"},
		{"regular expressions are raw", `a|re: ['\\foo\d+\*', 5, '%x%']`, `{a|re:'\\foo\d+\*' '5' '%x%'}`},
		{"networks are raw", "a|cidr: [10.0.0.0/8, '2001:db8::/32', 10.0.0.1]", "{a|cidr:'10.0.0.0/8' '2001:db8::/32' '10.0.0.1'}"},
		{"fieldref is raw", "a|fieldref: b*c\nd|fieldref|startswith: e\nf|endswith|fieldref: g", "{a|fieldref:'b*c' d|fieldref|startswith:'e' f|endswith|fieldref:'g'}"},
		{"comparisons", "a|gt: 5\nb|lte: '10.5'\nc|lt: -3", "{a|gt:5 b|lte:'10.5' c|lt:-3}"},
		{"exists", "a|exists: true\nb|exists: no", "{a|exists:true b|exists:false}"},
		{"neq", "a|neq: [b, null]\nc|neq: 5\nd|contains|neq: e", "{a|neq:'b' null c|neq:5 d|contains|neq:'e'}"},
		{"placeholders", "a|expand: ['%x%', '%x%y*', '\\%x%', 'no%', '%%', '%a b%']", "{a|expand:'⟨%x⟩' '⟨%x⟩y⟨*⟩' '%x%' 'no%' '%%' '%a b%'}"},
		{"no placeholders", "a: '%x%'", "{a:'%x%'}"},
		{"placeholder where no text is wanted", "a|gt|expand: '%n%'\nb|cidr|expand: '%nets%'\nc|hour|gte|expand: '%h%'", "{a|gt|expand:'⟨%n⟩' b|cidr|expand:'⟨%nets⟩' c|hour|gte|expand:'⟨%h⟩'}"},
		{"encodings", "a|wide|base64offset|contains: foo\nb|utf16: x\nc|windash|contains: ' -enc'", "{a|wide|base64offset|contains:'foo' b|utf16:'x' c|windash|contains:' -enc'}"},
		{"time parts", "a|hour: [3, '04']\nb|year|gte: 2024", "{a|hour:3 '04' b|year|gte:2024}"},
		{"brackets are part of a name", `'a[0]': b
'c\[1\]': d`, `{a\[0\]:'b' c\[1\]:'d'}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := rule("  s:\n" + indent(c.selection, "    ") + "  condition: s\n")
			docs, ds := Parse("x.yml", []byte(text))
			if ds.HasErrors() {
				t.Fatalf("%v", ds)
			}
			if got := dump(docs[0].Detection.Selections[0].Body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestListBlocks(t *testing.T) {
	for _, c := range []struct{ name, selection, want string }{
		{"any", "a[any]:\n  b: c\n  d|contains: e", "{a[any]:{b:'c' d|contains:'e'}}"},
		{"quantifiers", "a[all]: {b: c}\nd[all_or_empty]: {b: c}\ne[none]: {b: c}", "{a[all]:{b:'c'} d[all_or_empty]:{b:'c'} e[none]:{b:'c'}}"},
		{"value", "a[any]|contains: x\nb[none]: [y, 5]", "{a[any]:{.|contains:'x'} b[none]:{.:'y' 5}}"},
		{"list of mappings", "a[any]:\n  - b: c\n  - d: e\n  - f", "{a[any]:<{b:'c'} {d:'e'} .:'f'>}"},
		{"the element", "a[all]:\n  .|startswith: x\n  .|endswith: y", "{a[all]:{.|startswith:'x' .|endswith:'y'}}"},
		{"nested", "a[any]:\n  b[all]:\n    c: d", "{a[any]:{b[all]:{c:'d'}}}"},
		{"shorthand", "a.b[any].c.d[all]|re: x", "{a.b[any]:{c.d[all]:{.|re:'x'}}}"},
		{"shorthand to a field", "a[any].b.c: x", "{a[any]:{b.c:'x'}}"},
		{"positions", "a[0].b: x\nc[1][2]: y\nd.e[3].f[any].g[4]: z", "{[{a 0} {b -1}]:'x' [{c 1} { 2}]:'y' [{d.e 3} {f -1}][any]:{[{g 4}]:'z'}}"},
		{"position with a block", "a[0]:\n  b: c", "{[{a 0}][any]:{b:'c'}}"},
		{"position in the element", "a[any]:\n  .[0]: x", "{a[any]:{[{ 0}]:'x'}}"},
		{"detection", "a[any]:\n  condition: one and not two\n  one:\n    b: c\n  two:\n    - .: d\n    - e[any]: f", "{a[any]:(one={b:'c'} two=<{.:'d'} {e[any]:{.:'f'}}>; (and one (not two)))}"},
		{"escaped brackets", `'a\[0\]': b
'c\[x\][any].d': e`, `{a\[0\]:'b' c\[x\][any]:{d:'e'}}`},
	} {
		for _, head := range []string{"rulewright: 1\n", "sigma-version: 3\n", "sigma-version: '3.0.0'\n"} {
			t.Run(c.name, func(t *testing.T) {
				docs, ds := Parse("x.yml", []byte(head+rule("  s:\n"+indent(c.selection, "    ")+"  condition: s\n")))
				if ds.HasErrors() {
					t.Fatalf("%v", ds)
				}
				if got := dump(docs[0].Detection.Selections[0].Body); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		}
	}
	// A name in brackets is one step, as the compiler sees it.
	docs, _ := Parse("x.yml", []byte(rule("  s: {'a[0]': b}\n  condition: s\n")))
	f := docs[0].Detection.Selections[0].Body.(*AllOf).Items[0].Field
	if len(f.Steps) != 1 || f.Steps[0] != (FieldStep{"a[0]", -1}) {
		t.Errorf("steps %v", f.Steps)
	}
	if again, err := ParseFieldName(f.Name); err != nil || again.Steps[0] != f.Steps[0] {
		t.Errorf("ParseFieldName(%q) = %v, %v", f.Name, again.Steps, err)
	}
}

func TestNativeModifiers(t *testing.T) {
	for selection, want := range map[string]string{
		"t|hour=Europe/Berlin|gte: 18":         "{t|hour=Europe/Berlin|gte:18}",
		"t|hour=%zone%|gte: '%start%'":         "{t|hour=%zone%|gte:'⟨%start⟩'}",
		"t|weekday: [6, 7]":                    "{t|weekday:6 7}",
		"t|outside: '%business_hours%'":        "{t|outside:'⟨%business_hours⟩'}",
		"t|within: Mon-Fri 08:00-18:00 UTC":    "{t|within:'Mon-Fri 08:00-18:00 UTC'}",
		"e|since=start|gt: 180d":               "{e|since=start|gt:'180d'}",
		"e|since=@time|gt|expand: '%max_age%'": "{e|since=@time|gt|expand:'⟨%max_age⟩'}",
		"e|since=a.b[0]|lte: '%max_age%'":      "{e|since=a.b[0]|lte:'⟨%max_age⟩'}",
	} {
		docs, ds := Parse("x.yml", []byte("rulewright: 1\n"+rule("  s:\n"+indent(selection, "    ")+"  condition: s\n")))
		if ds.HasErrors() {
			t.Errorf("%s: %v", selection, ds)
			continue
		}
		if got := dump(docs[0].Detection.Selections[0].Body); got != want {
			t.Errorf("%s: got %s, want %s", selection, got, want)
		}
	}
}

// TestParseParts follows the table of escapes in the Sigma rule specification.
func TestParseParts(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{``, ``},
		{`a`, `a`},
		{`a*b?c`, `a⟨*⟩b⟨?⟩c`},
		{`**`, `⟨*⟩⟨*⟩`},
		{`C:\Windows\System32`, `C:\Windows\System32`},
		{`C:\\Windows\\System32`, `C:\Windows\System32`},
		{`\*`, `*`},
		{`\?`, `?`},
		{`\\*`, `\⟨*⟩`},
		{`\\\*`, `\*`},
		{`\\\\*`, `\\⟨*⟩`},
		{`\\\`, `\\`},
		{`\\\\`, `\\`},
		{`\\\\server\share`, `\\server\share`},
		{`\`, `\`},
		{`a\`, `a\`},
		{`*\cmd.exe`, `⟨*⟩\cmd.exe`},
		{`\foo\`, `\foo\`},
		{`\%x%`, `\%x%`},
		{`%x%`, `%x%`},
		{`ä*ö`, `ä⟨*⟩ö`},
	} {
		parts := ParseParts(c.raw, false)
		if got := dumpParts(parts); got != c.want {
			t.Errorf("ParseParts(%q) = %s, want %s", c.raw, got, c.want)
		}
		for i, p := range parts {
			if p.Kind == Literal && (p.Text == "" || i > 0 && parts[i-1].Kind == Literal) {
				t.Errorf("ParseParts(%q): literals %v", c.raw, parts)
			}
		}
	}
	for _, c := range []struct{ raw, want string }{
		{`%x%`, `⟨%x⟩`},
		{`a%x%b%y.z-1%*`, `a⟨%x⟩b⟨%y.z-1⟩⟨*⟩`},
		{`\%x%`, `%x%`},
		{`\\%x%`, `\⟨%x⟩`},
		{`100%`, `100%`},
		{`%1%`, `%1%`},
		{`50% of %x%`, `50% of ⟨%x⟩`},
	} {
		if got := dumpParts(ParseParts(c.raw, true)); got != c.want {
			t.Errorf("ParseParts(%q, true) = %s, want %s", c.raw, got, c.want)
		}
	}
}

func TestModifierTable(t *testing.T) {
	together := func(a, b string) bool {
		for _, m := range Modifiers() {
			for _, w := range m.With {
				if m.Name == a && w == b {
					return true
				}
			}
		}
		return false
	}
	for _, a := range Modifiers() {
		for _, b := range Modifiers() {
			if together(a.Name, b.Name) != together(b.Name, a.Name) {
				t.Errorf("%s and %s go together in one order only", a.Name, b.Name)
			}
		}
		if a.Text == "" {
			t.Errorf("%s has no text", a.Name)
		}
	}
	// All of the appendix, by name.
	for _, name := range strings.Fields("all startswith endswith contains exists cased neq windash re i m s base64 base64offset utf16le utf16be utf16 wide lt lte gt gte minute hour day week month year cidr expand fieldref") {
		found := false
		for _, m := range Modifiers() {
			found = found || m.Name == name && !m.Native
		}
		if !found {
			t.Errorf("the table lacks %s", name)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct{ condition, want string }{
		{"a", "a"},
		{"a and b", "(and a b)"},
		{"a or b and c", "(or a (and b c))"},
		{"a and b or c and d", "(or (and a b) (and c d))"},
		{"(a or b) and c", "(and (or a b) c)"},
		{"not a and b", "(and (not a) b)"},
		{"not (a and b)", "(not (and a b))"},
		{"not not a", "(not (not a))"},
		{"a AND NOT b Or c", "(or (and a (not b)) c)"},
		{"a and b and c", "(and a b c)"},
		{"a and (b and c)", "(and a (and b c))"},
		{"((a))", "a"},
		{"1 of sel*", "1of(sel*)"},
		{"all of sel*", "0of(sel*)"},
		{"ALL OF THEM", "0of()"},
		{"any of them", "1of()"},
		{"2 of *_x", "2of(*_x)"},
		{"not 1 of filter_*", "(not 1of(filter_*))"},
		{"1 of a", "1of(a)"},
		{"all and a", "(and all a)"},
		{"a and them", "(and a them)"},
		{"1 of s*l_*b", "1of(s*l_*b)"},
		{"filter-main.x and a", "(and filter-main.x a)"},
		{"(not(a)or(b))", "(or (not a) b)"},
		{"a\tand\n b", "(and a b)"},
	} {
		text := rule("  a: {x: y}\n  b: {x: y}\n  c: {x: y}\n  d: {x: y}\n  sel_a: {x: y}\n  sel_b: {x: y}\n  m_x: {x: y}\n  n_x: {x: y}\n  filter_a: {x: y}\n  filter-main.x: {x: y}\n  all: {x: y}\n  them: {x: y}\n  condition: " + fmt.Sprintf("%q", c.condition) + "\n")
		docs, ds := Parse("x.yml", []byte(text))
		if ds.HasErrors() {
			t.Errorf("%s: %v", c.condition, ds)
			continue
		}
		if got := dump(docs[0].Detection.Conditions[0].Expr); got != c.want {
			t.Errorf("%s: got %s, want %s", c.condition, got, c.want)
		}
	}
}

func TestAggregation(t *testing.T) {
	docs, ds := Parse("x.yml", []byte(rule("  a: {x: y}\n  timeframe: 15m\n  condition:\n    - a | count() > 5\n    - a | COUNT(User.Name) BY Host, Ip>=10\n    - a | sum(n) by h == 1.5\n")))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	d := docs[0].Detection
	if d.Timeframe == nil || d.Timeframe.Seconds != 900 || len(d.Conditions) != 3 {
		t.Fatalf("%+v", d)
	}
	a := d.Conditions[1].Aggregation
	if a.Function != "count" || a.Field != "User.Name" || len(a.By) != 2 || a.By[1].Name != "Ip" || a.Op != OpGTE || a.Value.Int != 10 {
		t.Errorf("%+v", a)
	}
	if a.By[1].Pos != (Pos{8, 37}) {
		t.Errorf("position %v", a.By[1].Pos)
	}
	if a := d.Conditions[2].Aggregation; a.Function != "sum" || a.Op != OpEQ || a.Value.Float != 1.5 {
		t.Errorf("%+v", a)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"sel*", "sel", true}, {"sel*", "selection", true}, {"sel*", "asel", false},
		{"*", "", true}, {"*_b", "a_b", true}, {"*_b", "a_bc", false},
		{"a*b*c", "abc", true}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "acb", false},
		{"a**b", "ab", true}, {"a", "a", true}, {"a", "ab", false}, {"", "_x", false}, {"", "x", true}, {"_*", "_x", true},
	} {
		if got := (&ConditionOf{Pattern: c.pattern}).Matches(c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}
