package conformance

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A Clash is trees and events that are put to each other, all to all: each
// operator meets each kind of value, whatever it was written for.
type Clash struct {
	Name   string
	Trees  []ir.Expr
	Events []any
}

// Clashes returns what an engine with types stumbles over: every operator at a
// field, its list, JSON in its text and below it, and every value that a field
// may hold; and fields compared with each other.
func Clashes() []Clash {
	one := Clash{Name: "value", Events: []any{map[string]any{}}}
	for _, v := range clashingValues {
		one.Events = append(one.Events, jsonEvent(`{"v":`+v+`}`))
	}
	inList := func(list, element string) func(*ir.Match) ir.Expr {
		return func(m *ir.Match) ir.Expr {
			m.Field = typedAs(mustField(element), m.Field.Type)
			return &ir.Any{Over: mustField(list), X: m}
		}
	}
	at := func(spec string) func(*ir.Match) ir.Expr {
		return func(m *ir.Match) ir.Expr {
			m.Field = typedAs(mustField(spec), m.Field.Type)
			return m
		}
	}
	for _, place := range []func(*ir.Match) ir.Expr{at("v"), at("v[0]"), at("v{}"), at("v{}.x"), inList("v", "."), inList("v{}", "x")} {
		for _, m := range clashingMatches() {
			e := place(&m)
			one.Trees = append(one.Trees, e, &ir.Not{X: e})
		}
	}
	for _, m := range clashingMatches() {
		if m.Op != ir.Null && m.Op != ir.Exists && m.Op != ir.InNetwork {
			e := at("*")(&m)
			one.Trees = append(one.Trees, e, &ir.Not{X: e})
		}
	}
	for _, spec := range []string{"v@hour", "v@weekday(Europe/Berlin)", "v{}.x@year", "v@duration(60,v)"} {
		for _, op := range []ir.Op{ir.Equal, ir.GreaterOrEqual, ir.Less} {
			e := &ir.Match{Field: mustField(spec), Op: op, Values: []ir.Value{ir.Number{IsInt: true}}}
			one.Trees = append(one.Trees, e, &ir.Not{X: e})
		}
	}

	two := Clash{Name: "fields"}
	for _, v := range comparedValues {
		for _, w := range comparedValues {
			two.Events = append(two.Events, jsonEvent(`{"v":`+v+`,"w":`+w+`,"l":[{"v":`+v+`,"w":`+w+`}]}`))
		}
	}
	for _, op := range []ir.Op{ir.Equal, ir.Contains, ir.StartsWith, ir.EndsWith} {
		for _, cased := range []bool{false, true} {
			m := &ir.Match{Field: mustField("v"), Op: op, Cased: cased, Values: []ir.Value{ir.FieldRef{Field: mustField("w")}}}
			two.Trees = append(two.Trees, m, &ir.Not{X: m}, &ir.Any{Over: mustField("l"), X: m})
		}
	}
	return []Clash{one, two}
}

func typedAs(f ir.Field, t ir.Type) ir.Field {
	f.Type = t
	return f
}

func jsonEvent(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(text)
	}
	return v
}

// clashingValues are values of each kind, as JSON: text that looks like another
// kind, numbers at the edges of how engines store them, lists and objects of
// them.
var clashingValues = []string{
	`null`, `""`, `" "`, `"text"`, `"TEXT"`, `"a\nb"`, `"'"`, `"\\"`, `"\""`, `"%"`, `"*"`, `"Ä"`, `"😀"`,
	`"5"`, `"5.0"`, `"05"`, `"-5"`, `"-0"`, `"0"`, `"5."`, `".5"`, `"+5"`, `" 5"`, `"5 "`, `"5\n"`, `"1e3"`, `"1000"`, `"0x10"`, `"٥"`, `"1_0"`, `"--5"`, `"5-5"`, `"1.2.3"`, `"-"`, `"."`,
	`"NaN"`, `"nan"`, `"Infinity"`, `"-Infinity"`, `"inf"`, `"0.1"`, `"123456789012345"`, `"1234567890123456"`, `"0.1234567890123456"`,
	`"9007199254740993"`, `"9223372036854775807"`, `"9223372036854775808"`, `"1234567890123456789012"`, `"1e308"`, `"1e400"`,
	`"true"`, `"True"`, `"FALSE"`, `"yes"`, `"null"`, `"NULL"`, `"[]"`, `"{}"`, `"[5]"`, `"[\"5\"]"`, `"[[5],null]"`, `"{\"x\":5}"`, `"{\"x\":\"5\"}"`, `" {\"x\":true} "`, `"{\"x\":null}"`, `"[{\"x\":5}]"`,
	`"{\"x\":9007199254740993}"`, `"{\"x\":1e400}"`, `"{\"x\":123456789012345678901234567890}"`, `"{\"x\":5"`, `"{x:5}"`, `"[5,]"`, `"[NaN]"`, `"\"5\""`, `"{\"x\":\"\\u0041\"}"`, `"{\"x\":\"\\ud800\"}"`, `"{\"x\":\"a\\ud800\\u0041\",\"y\":5}"`,
	`"2026-03-01T23:30:00Z"`, `"2026-03-01"`, `"2026-13-45T99:99:99Z"`, `"2026-02-30T00:00:00Z"`, `"2026-03-01T24:00:00Z"`, `"2026-03-01T23:59:60Z"`, `"99999-01-01T00:00:00Z"`, `"2026-03-01T23:30:00.123456789+05:30"`,
	`"10.0.0.1"`, `"10.0.0.1:443"`, `"10.0.0.256"`, `"10.0.0"`, `"[10.0.0.1]:80"`, `"::ffff:10.0.0.1"`, `"::ffff:a00:1"`, `"0:0:0:0:0:FFFF:0A00:0001"`, `"[::ffff:a00:1]:443"`, `"::ffff:a00:1:443"`, `"2001:DB8::1"`, `"::"`, `"::ffff:0:10.0.0.1"`, `"10.0.0.1/8"`,
	`0`, `-0`, `0.0`, `-0.0`, `1`, `5`, `5.0`, `5e0`, `50e-1`, `-5`, `0.1`, `0.5`, `1e3`, `1E+3`, `1000`, `1000.0`, `1e15`, `1e16`, `1e20`, `1e-7`, `123456.789`, `123456789012345`, `1234567890123456`,
	`9007199254740992`, `9007199254740993`, `9007199254740993.0`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`, `18446744073709551615`, `18446744073709551616`,
	`1234567890123456789012`, `0.1234567890123456789`, `1e37`, `1e308`, `5e-324`,
	`true`, `false`,
	`[]`, `[null]`, `[[]]`, `[[null]]`, `[5]`, `["5"]`, `[5,"x"]`, `[[5]]`, `[[[5]]]`, `[[],[[5],"x"]]`, `[[[[[[5]]]]]]`, `[[[[[[{"x":5}]]]]]]`, `[true]`, `[""]`, `[{}]`, `[{"x":5}]`, `[[{"x":"5"}]]`, `[{"x":[5]},null,7]`, `["[5]"]`, `["{\"x\":5}"]`, `[9007199254740993]`,
	`{}`, `{"x":5}`, `{"x":"5"}`, `{"x":{"x":5}}`, `{"x":[5]}`, `{"x":[[5,null]]}`, `{"x":null}`, `{"x":true}`, `{"x":""}`, `{"x":"{\"x\":5}"}`, `{"x":9007199254740993}`, `{"":5}`, `{"y":5}`,
}

// comparedValues are those of clashingValues that fields hold which are compared
// with each other.
var comparedValues = []string{
	`null`, `""`, `"text"`, `"TEXT"`, `"5"`, `"5.0"`, `"05"`, `"-0"`, `"0"`, `"1e3"`, `"1000"`, `"NaN"`, `"true"`, `"TRUE"`, `"null"`, `"[]"`, `"[5]"`, `"{}"`, `"123456789012345"`,
	`"9007199254740992"`, `"9007199254740993"`, `"9223372036854775807"`, `"9223372036854775808"`,
	`0`, `-0.0`, `5`, `5.0`, `-5`, `0.1`, `1000`, `1e3`, `1e20`, `123456789012345`, `1234567890123456`, `9007199254740992`, `9007199254740993`, `9007199254740992.0`, `9223372036854775806`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`,
	`true`, `false`, `[]`, `[5]`, `["5",true]`, `[[9007199254740993]]`, `{}`, `{"x":5}`,
}

// clashingMatches is each operator with values of each kind.
func clashingMatches() []ir.Match {
	var out []ir.Match
	whole := func(i int64) ir.Value { return ir.Number{IsInt: true, Int: i} }
	add := func(op ir.Op, values ...ir.Value) {
		for _, v := range values {
			out = append(out, ir.Match{Op: op, Values: []ir.Value{v}})
		}
	}
	add(ir.Equal, stringValues("", "5", "5.0", "-0", "1e3", "1000", "true", "null", "NaN", "[]", "[5]", "{}", `{"x":5}`, "text", "9007199254740993", "9223372036854775808")...)
	add(ir.Equal, whole(0), whole(5), whole(1000), whole(9007199254740992), whole(9007199254740993), whole(math.MaxInt64), whole(math.MinInt64), ir.Number{Float: 0.1}, ir.Number{Float: 9007199254740992}, ir.Number{Float: 1 << 63}, ir.Number{Float: 1e20}, ir.Number{Float: 1e308})
	add(ir.Equal, ir.Bool(true), ir.Bool(false))
	add(ir.Contains, stringValues("", "5", "e", ".0", "[", "000000000000000", "Ä")...)
	add(ir.StartsWith, stringValues("", "5", "-", "t", "{")...)
	add(ir.EndsWith, stringValues("", "5", "0", "E", "]")...)
	for _, m := range out {
		if _, text := m.Values[0].(ir.String); text && (m.Op == ir.Equal || m.Values[0] == ir.String("e") || m.Values[0] == ir.String("E")) {
			m.Cased = true
			out = append(out, m)
		}
	}
	add(ir.Equal, ir.String("TRUE"))
	run, any := ir.PatternPart{Kind: ir.AnyRun}, ir.PatternPart{Kind: ir.AnyOne}
	add(ir.Like, ir.Pattern{run}, ir.Pattern{any}, ir.Pattern{any, run}, ir.Pattern{{Text: "5"}, run}, ir.Pattern{run, {Text: ".0"}}, ir.Pattern{{Text: "t"}, any, {Text: "u"}, run}, ir.Pattern{{Text: "["}, run})
	add(ir.Regexp, ir.Regex(`^\d+$`), ir.Regex(`^$`), ir.Regex(`.`), ir.Regex(`(?i)e\+?\d`), ir.Regex(`^-?0$`), ir.Regex(`[.]0$`), ir.Regex(`^\[`), ir.Regex(`true`))
	for _, n := range []string{"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "::ffff:0:0/96"} {
		p := ir.PrefixOf(netip.MustParsePrefix(n))
		out = append(out, ir.Match{Op: ir.InNetwork, Values: []ir.Value{p}}, ir.Match{Op: ir.InNetwork, Values: []ir.Value{p}, Field: ir.Field{Type: ir.TypeIP}})
	}
	for _, op := range []ir.Op{ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual} {
		add(op, whole(0), whole(5), whole(9007199254740993), whole(math.MaxInt64), whole(math.MinInt64), ir.Number{Float: 0.1}, ir.Number{Float: 9007199254740992}, ir.Number{Float: 1 << 63}, ir.Number{Float: 1e20})
	}
	out = append(out, ir.Match{Op: ir.Equal, Values: []ir.Value{ir.String("5"), ir.String("text"), whole(0), ir.Bool(true), ir.String("")}},
		ir.Match{Op: ir.Equal, Values: []ir.Value{whole(5), whole(9007199254740993), ir.Number{Float: 0.1}}}, ir.Match{Op: ir.Null}, ir.Match{Op: ir.Exists})
	return out
}

func stringValues(ts ...string) []ir.Value {
	var out []ir.Value
	for _, t := range ts {
		out = append(out, ir.String(t))
	}
	return out
}
