package conformance

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

func field(t testing.TB, spec string) ir.Field {
	t.Helper()
	f, err := ir.ParseFieldSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestReference reads the contract line by line: a field, an operator, a value,
// and the events for which that is true and false.
func TestReference(t *testing.T) {
	const k, dotI = "\u212a", "\u0130"
	str := func(s string) ir.Value { return ir.String(s) }
	num := func(i int64) ir.Value { return ir.Number{IsInt: true, Int: i} }
	flt := func(f float64) ir.Value { return ir.Number{Float: f} }
	net := func(s string) ir.Value { return ir.PrefixOf(netip.MustParsePrefix(s)) }
	ref := func(s string) ir.Value { return ir.FieldRef{Field: field(t, s)} }
	lit := func(s string) ir.PatternPart { return ir.PatternPart{Text: s} }
	run, one := ir.PatternPart{Kind: ir.AnyRun}, ir.PatternPart{Kind: ir.AnyOne}

	for _, tt := range []struct {
		field string
		op    ir.Op
		value ir.Value // nil for none
		cased bool
		yes   []string
		no    []string
	}{
		{"a", ir.Equal, str("Foo"), false,
			[]string{`{"a":"foo"}`, `{"a":["x","FOO"]}`, `{"a":[["x",["foo"]]]}`, `{"A":"foo"}`},
			[]string{`{"a":"foo "}`, `{"a":""}`, `{"a":null}`, `{}`, `{"a":[]}`, `{"a":{"b":"foo"}}`, `{"a":true}`, `{"a":1}`, `[]`, `"foo"`, `null`}},
		{"a", ir.Equal, str("Foo"), true, []string{`{"a":"Foo"}`}, []string{`{"a":"foo"}`}},
		{"a", ir.Equal, str("ÄÖ"), false, []string{`{"a":"äö"}`, `{"a":"Äö"}`}, []string{`{"a":"ao"}`}},
		{"a", ir.Equal, str("k"), false, []string{`{"a":"K"}`}, []string{`{"a":"` + k + `"}`}},
		{"a", ir.Equal, str(k), false, []string{`{"a":"` + k + `"}`}, []string{`{"a":"k"}`, `{"a":"K"}`}},
		{"a", ir.Equal, str(dotI), false, []string{`{"a":"` + dotI + `"}`}, []string{`{"a":"i"}`}},
		{"a", ir.Equal, str("σ"), false, []string{`{"a":"Σ"}`}, []string{`{"a":"ς"}`}},
		{"a", ir.Equal, str("ß"), false, []string{`{"a":"ẞ"}`}, []string{`{"a":"ss"}`}},
		{"a", ir.Equal, str(""), false, []string{`{"a":""}`, `{"a":["x",""]}`}, []string{`{"a":" "}`, `{"a":null}`, `{}`, `{"a":0}`, `{"a":false}`, `{"a":[]}`}},
		{"a", ir.Equal, str("5"), false, []string{`{"a":"5"}`, `{"a":5}`, `{"a":5.0}`, `{"a":5e0}`}, []string{`{"a":"5.0"}`, `{"a":"05"}`, `{"a":true}`}},
		{"a", ir.Equal, str("5.0"), false, []string{`{"a":"5.0"}`, `{"a":5}`}, []string{`{"a":"5"}`}},
		{"a", ir.Equal, str("0x5"), false, []string{`{"a":"0X5"}`}, []string{`{"a":5}`}},
		{"a", ir.Equal, str("100000000000000000000"), false, []string{`{"a":1e20}`, `{"a":100000000000000000000}`}, []string{`{"a":"1e20"}`}},
		{"a", ir.Equal, str("true"), false, []string{`{"a":true}`, `{"a":"TRUE"}`}, []string{`{"a":1}`, `{"a":"1"}`, `{"a":false}`}},
		{"a", ir.Equal, str("TRUE"), false, []string{`{"a":true}`}, []string{`{"a":false}`}},
		{"a", ir.Equal, num(5), false, []string{`{"a":5}`, `{"a":"5"}`, `{"a":"5.0"}`, `{"a":"005"}`, `{"a":5.0}`, `{"a":[1,[5]]}`},
			[]string{`{"a":"5 "}`, `{"a":"+5"}`, `{"a":"5e0"}`, `{"a":"5."}`, `{"a":".5"}`, `{"a":"0000000000000005"}`, `{"a":"5.0000000000000000"}`, `{"a":true}`, `{"a":{}}`}},
		{"a", ir.Equal, num(1), false, []string{`{"a":1}`}, []string{`{"a":true}`, `{"a":"true"}`}},
		{"a", ir.Equal, num(0), false, []string{`{"a":0}`, `{"a":"-0"}`}, []string{`{"a":false}`, `{"a":""}`, `{"a":null}`}},
		{"a", ir.Equal, num(9007199254740993), false, []string{`{"a":9007199254740993}`}, []string{`{"a":9007199254740992}`, `{"a":9007199254740992.0}`, `{"a":"9007199254740993"}` + ``}},
		{"a", ir.Equal, num(9223372036854775807), false, []string{`{"a":9223372036854775807}`}, []string{`{"a":9223372036854775806}`, `{"a":9223372036854775808}`}},
		{"a", ir.Equal, flt(0.1), false, []string{`{"a":0.1}`, `{"a":"0.1"}`, `{"a":"0.10"}`}, []string{`{"a":0.2}`}},
		{"a", ir.Equal, ir.Bool(true), false, []string{`{"a":true}`, `{"a":"True"}`, `{"a":"TRUE"}`}, []string{`{"a":1}`, `{"a":"1"}`, `{"a":false}`, `{"a":"yes"}`}},
		{"a", ir.Equal, ref("b"), false, []string{`{"a":"X","b":"x"}`, `{"a":5,"b":"5.0"}`, `{"a":"5.0","b":5}`, `{"a":"TRUE","b":true}`, `{"a":["p","q"],"b":["r","q"]}`},
			[]string{`{"a":"5","b":"5.0"}`, `{"a":"","b":""}`, `{"a":null,"b":null}`, `{}`, `{"a":1,"b":true}`, `{"a":{},"b":{}}`}},
		{"a", ir.Contains, str("Oo"), false, []string{`{"a":"foo"}`}, []string{`{"a":"fo"}`, `{"a":{"b":"foo"}}`}},
		{"a", ir.Contains, str("Oo"), true, []string{`{"a":"fOo"}`}, []string{`{"a":"foo"}`}},
		{"a", ir.Contains, str("."), false, []string{`{"a":1.5}`}, []string{`{"a":1.0}`, `{"a":1e3}`}},
		{"a", ir.Contains, str("ru"), false, []string{`{"a":true}`}, []string{`{"a":false}`}},
		{"a", ir.Contains, ref("b"), false, []string{`{"a":"a5b","b":5}`, `{"a":"xTrue","b":true}`}, []string{`{"a":"x","b":""}`}},
		{"a", ir.StartsWith, str("f"), false, []string{`{"a":"Foo"}`}, []string{`{"a":"of"}`}},
		{"a", ir.EndsWith, str("O"), false, []string{`{"a":"foo"}`}, []string{`{"a":"of"}`, `{"a":"foo\n"}`}},
		{"a", ir.Like, ir.Pattern{lit("a"), run, lit("B"), one}, false, []string{`{"a":"A\n\nbc"}`, `{"a":"abbé"}`, `{"a":"ab😀"}`}, []string{`{"a":"ab"}`, `{"a":"xabc"}`, `{"a":"abcc"}`}},
		{"a", ir.Regexp, ir.Regex(`^fo+$`), false, []string{`{"a":"foo"}`}, []string{`{"a":"FOO"}`, `{"a":"foo\n"}`}},
		{"a", ir.Regexp, ir.Regex(`(?i)O{2}`), false, []string{`{"a":"xfOox"}`}, []string{`{"a":"fo"}`}},
		{"a", ir.Regexp, ir.Regex(`^1\.5$`), false, []string{`{"a":1.50}`}, []string{`{"a":15}`}},
		{"a", ir.InNetwork, net("10.0.0.0/8"), false, []string{`{"a":"10.1.2.3"}`, `{"a":"::ffff:10.1.2.3"}`}, []string{`{"a":"10.1.2.3:80"}`, `{"a":"11.1.1.1"}`, `{"a":"10.1.2"}`, `{"a":10}`, `{"a":"::a01:203"}`}},
		{"a@ip", ir.InNetwork, net("10.0.0.0/8"), false, []string{`{"a":"10.1.2.3:80"}`, `{"a":"10.1.2.3"}`, `{"a":"[::ffff:10.1.2.3]:80"}`}, []string{`{"a":"10.1.2.3:http"}`, `{"a":"<null>"}`}},
		{"a@ip", ir.InNetwork, net("2603::/16"), false, []string{`{"a":"[2603::1]:30943"}`, `{"a":"2603::1"}`, `{"a":"[2603::1]"}`}, []string{`{"a":"2603::1%eth0"}`, `{"a":"::1"}`}},
		{"a", ir.Less, num(10), false, []string{`{"a":9}`, `{"a":"9"}`, `{"a":-9.5}`, `{"a":["x",3]}`}, []string{`{"a":10}`, `{"a":"abc"}`, `{"a":true}`, `{"a":""}`, `{"a":null}`}},
		{"a", ir.LessOrEqual, num(10), false, []string{`{"a":10}`}, []string{`{"a":10.5}`}},
		{"a", ir.Greater, num(10), false, []string{`{"a":"10.5"}`}, []string{`{"a":10}`}},
		{"a", ir.GreaterOrEqual, num(10), false, []string{`{"a":"10.0"}`}, []string{`{"a":9}`}},
		{"a", ir.Null, nil, false, []string{`{}`, `{"a":null}`, `{"a":[]}`, `{"a":[null,[null]]}`, `{"b":1}`, `"x"`}, []string{`{"a":""}`, `{"a":{}}`, `{"a":false}`, `{"a":[null,0]}`}},
		{"a", ir.Exists, nil, false, []string{`{"a":null}`, `{"a":[]}`, `{"a":{}}`, `{"A":""}`}, []string{`{}`, `{"b":1}`}},

		{"a.b", ir.Equal, num(1), false, []string{`{"a.b":1}`, `{"a":{"b":1}}`, `{"a":[{"b":0},{"b":1}]}`, `{"a":[[{"b":[1]}]]}`, `{"A.B":1,"a":{"b":2}}`}, []string{`{"a.b":2,"a":{"b":1}}`, `{"a.b":null,"a":{"b":1}}`}},
		{"a.b.c", ir.Equal, num(1), false, []string{`{"a":{"b.c":1}}`, `{"a":{"b":{"c":1}}}`}, []string{`{"a.b":{"c":1}}`}},
		{"a", ir.Equal, num(1), false, []string{`{"a":1,"A":2}`}, []string{`{"a":2,"A":1}`}},
		{"aa", ir.Equal, num(1), false, []string{`{"AA":1,"Aa":2}`}, []string{`{"AA":2,"Aa":1,"aA":1}`}},
		{"a[1]", ir.Equal, num(1), false, []string{`{"a":[0,1]}`, `{"a":[0,[1]]}`}, []string{`{"a":[1,0]}`, `{"a":1}`, `{"a":[]}`}},
		{"a[0]", ir.Equal, num(1), false, []string{`{"a":1}`, `{"a":[1]}`, `{"a":[[2,1]]}`}, []string{`{"a":null}`}},
		{"a[0][1]", ir.Equal, num(1), false, []string{`{"a":[[0,1]]}`}, []string{`{"a":[0,1]}`}},
		{"a[0].b", ir.Equal, num(1), false, []string{`{"a":[{"b":1}]}`, `{"a":{"b":1}}`}, []string{`{"a":[{},{"b":1}]}`}},
		{"a{}.b", ir.Equal, num(1), false, []string{`{"a":"{\"b\":1}"}`, `{"a":{"b":1}}`, `{"a":" [{\"b\":1}] "}`, `{"a":"{\"b\":2,\"b\":1}"}`}, []string{`{"a":"{\"b\":1} x"}`, `{"a":"{"}`}},
		{"a{}", ir.Equal, str("5"), false, []string{`{"a":"5"}`, `{"a":"[\"5\"]"}`}, nil},
		{"a{}", ir.Equal, num(5), false, []string{`{"a":"[5]"}`}, []string{`{"a":"[\"x\"]"}`}},
		{"p[Name=To].Value", ir.Equal, str("x"), false, []string{`{"p":[{"Name":"From","Value":"y"},{"Name":"to","Value":"x"}]}`, `{"p":{"Name":"To","Value":"x"}}`}, []string{`{"p":[{"Name":"From","Value":"x"}]}`, `{"p":"x"}`}},
		{"*", ir.Contains, str("x"), false, []string{`{"a":{"b":[1,"axb"]}}`}, []string{`{"x":"a"}`, `{}`}},
		{"*", ir.Contains, str("5"), false, []string{`{"a":15}`}, nil},

		{"t@hour", ir.Equal, num(23), false, []string{`{"t":"2026-03-01T23:30:00Z"}`, `{"t":"2026-03-01T23:30:00"}`, `{"t":"2026-03-02T00:30:00.1234567+01:00"}`}, []string{`{"t":"x"}`, `{"t":23}`, `{}`}},
		{"t@hour(Europe/Berlin)", ir.Equal, num(0), false, []string{`{"t":"2026-03-01T23:30:00Z"}`}, []string{`{"t":"2026-07-01T23:30:00Z"}`}},
		{"t@weekday", ir.Equal, num(7), false, []string{`{"t":"2026-03-01T12:00:00Z"}`}, []string{`{"t":"2026-03-02T12:00:00Z"}`}},
		{"t@week", ir.Equal, num(53), false, []string{`{"t":"2027-01-01T12:00:00Z"}`}, nil},
		{"t@minute", ir.Equal, str("30"), false, []string{`{"t":"2026-03-01T23:30:00Z"}`}, nil},
		{"t@day", ir.Equal, num(1), false, []string{`{"t":"2026-03-01T23:30:00Z"}`}, nil},
		{"t@month", ir.Equal, num(3), false, []string{`{"t":"2026-03-01T23:30:00Z"}`}, nil},
		{"t@year", ir.GreaterOrEqual, num(2026), false, []string{`{"t":"2026-03-01T23:30:00Z"}`}, []string{`{"t":"2025-03-01T23:30:00Z"}`}},
		{"end@duration(86400,start)", ir.Greater, num(180), false, []string{`{"start":"2026-01-01T00:00:00Z","end":"2026-07-01T00:00:01Z"}`}, []string{`{"start":"2026-01-01T00:00:00Z","end":"2026-06-30T00:00:00Z"}`, `{"end":"2026-06-30T00:00:00Z"}`}},
	} {
		m := &ir.Match{Field: field(t, tt.field), Op: tt.op, Cased: tt.cased}
		if tt.value != nil {
			m.Values = []ir.Value{tt.value}
		}
		for _, ev := range tt.yes {
			if !Reference(m, decode(t, ev)) {
				t.Errorf("%s is false of %s", ir.Print(m), ev)
			}
		}
		for _, ev := range tt.no {
			if Reference(m, decode(t, ev)) {
				t.Errorf("%s is true of %s", ir.Print(m), ev)
			}
		}
	}
}

func TestReferenceLists(t *testing.T) {
	is := func(spec string, v int64) ir.Expr {
		return &ir.Match{Field: field(t, spec), Op: ir.Equal, Values: []ir.Value{ir.Number{IsInt: true, Int: v}}}
	}
	over := field(t, "l")
	block := &ir.Any{Over: over, X: &ir.And{X: []ir.Expr{is("a", 1), is("b", 2)}}}
	one := &ir.Any{Over: over, X: is(".", 1)}
	some := &ir.Any{Over: over, X: ir.Const(true)}
	none := &ir.Not{X: &ir.Any{Over: over, X: is("a", 1)}}
	for _, tt := range []struct {
		e    ir.Expr
		ev   string
		want bool
	}{
		{block, `{"l":[{"a":1,"b":0},{"a":0,"b":2}]}`, false},
		{block, `{"l":[{"a":0,"b":2},{"a":1,"b":2}]}`, true},
		{block, `{"l":{"a":1,"b":2}}`, true},
		{one, `{"l":[0,1]}`, true},
		{one, `{"l":[[0,[1]]]}`, true},
		{one, `{"l":1}`, true},
		{one, `{"l":[0]}`, false},
		{some, `{"l":[0]}`, true},
		{some, `{"l":{}}`, true},
		{some, `{"l":""}`, true},
		{some, `{"l":[null]}`, true},
		{some, `{"l":[]}`, false},
		{some, `{"l":[[]]}`, false},
		{some, `{"l":null}`, false},
		{some, `{}`, false},
		{none, `{}`, true},
		{none, `{"l":[{"a":1}]}`, false},
		{&ir.And{}, `{}`, true},
		{&ir.Or{}, `{}`, false},
		{&ir.Not{X: is("a", 1)}, `{}`, true},
		{&ir.Selection{Name: "s", X: is("a", 1)}, `{"a":1}`, true},
	} {
		if got := Reference(tt.e, decode(t, tt.ev)); got != tt.want {
			t.Errorf("%s is %v of %s", ir.Print(tt.e), got, tt.ev)
		}
	}
}
