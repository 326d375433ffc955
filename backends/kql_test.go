package backends

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// column is a field that is a column of a table.
func column(name string, t ir.Type) ir.Field {
	return ir.Field{Name: name, Path: ir.Path{{Key: name}}, Column: name, ColumnType: t, Type: t,
		Stored: ir.Path{{Key: name, Single: t != ir.TypeJSON}}}
}

// below is a field below a dynamic column, none of whose keys holds a list.
func below(path string, t ir.Type, listed ...string) ir.Field {
	p, err := ir.ParsePath(path)
	if err != nil {
		panic(err)
	}
	f := ir.Field{Name: path, Path: p, Type: t}
	f.Stored = f.Steps()
	f.Column, f.ColumnType = f.Stored[0].Key, ir.TypeJSON
	for i := range f.Stored {
		f.Stored[i].Single = true
		for _, l := range listed {
			f.Stored[i].Single = f.Stored[i].Single && l != f.Stored[i].Key
		}
	}
	return f
}

func texts(vs ...string) []ir.Value {
	var out []ir.Value
	for _, v := range vs {
		out = append(out, ir.String(v))
	}
	return out
}

func numbers(vs ...int64) []ir.Value {
	var out []ir.Value
	for _, v := range vs {
		out = append(out, ir.Number{IsInt: true, Int: v})
	}
	return out
}

func tableRule(when ir.Expr) *ir.Rule {
	return &ir.Rule{When: when, Source: ir.Source{Table: "T", Time: column("TimeGenerated", ir.TypeDatetime)}}
}

// TestKQLLeaves: what a Match is as text, behind "T\n| where ".
func TestKQLLeaves(t *testing.T) {
	s, n, l, b := column("S", ir.TypeString), column("N", ir.TypeLong), column("L", ir.TypeJSON), column("B", ir.TypeBool)
	g, at := column("G", ir.TypeGUID), column("TimeGenerated", ir.TypeDatetime)
	user := below("By.user.name", ir.TypeString)
	anything := below("By.user.name", ir.TypeUnknown)
	derived := at
	derived.Derive = &ir.Derivation{Kind: ir.Hour, Zone: "Europe/Berlin"}
	lasting := at
	lasting.Derive = &ir.Derivation{Kind: ir.Duration, Unit: 3600, Since: &ir.Path{{Key: "Started"}}}
	weekday := at
	weekday.Derive = &ir.Derivation{Kind: ir.Weekday}
	ip := column("IP", ir.TypeIP)
	code := column("Code", ir.TypeString)
	code.Type = ir.TypeNumeric
	net4, net6 := ir.PrefixOf(netip.MustParsePrefix("10.0.0.0/8")), ir.PrefixOf(netip.MustParsePrefix("2001:db8::/32"))
	not := func(m ir.Match) ir.Expr { return &ir.Not{X: &m} }
	for _, c := range []struct {
		name string
		when ir.Expr
		want string
	}{
		{"text", &ir.Match{Field: s, Op: ir.Equal, Values: texts("Foo")}, `S =~ "Foo"`},
		{"texts", &ir.Match{Field: s, Op: ir.Equal, Values: texts("Foo", "bar")}, `S in~ ("Foo", "bar")`},
		{"cased", &ir.Match{Field: s, Op: ir.Equal, Cased: true, Values: texts("Foo", "bar")}, `S in ("Foo", "bar")`},
		{"empty", &ir.Match{Field: s, Op: ir.Equal, Values: texts("", "x")}, `S =~ "x" or isempty(S)`},
		{"null of text", &ir.Match{Field: s, Op: ir.Null}, `isempty(S)`},
		{"null of number", &ir.Match{Field: n, Op: ir.Null}, `isnull(N)`},
		{"exists", &ir.Match{Field: s, Op: ir.Exists}, `isnotempty(S)`},
		{"contains", &ir.Match{Field: s, Op: ir.Contains, Values: texts("a", "b")}, `S contains "a" or S contains "b"`},
		{"starts, cased", &ir.Match{Field: s, Op: ir.StartsWith, Cased: true, Values: texts("a")}, `S startswith_cs "a"`},
		{"contains nothing", &ir.Match{Field: s, Op: ir.Contains, Values: texts("")}, `isnotempty(S)`},
		{"backslash", &ir.Match{Field: s, Op: ir.EndsWith, Values: texts(`\a"b`)}, `S endswith @"\a""b"`},
		{"line break", &ir.Match{Field: s, Op: ir.EndsWith, Values: texts("\\a\n\"")}, `S endswith "\\a\n\""`},
		{"pattern", &ir.Match{Field: s, Op: ir.Like, Values: []ir.Value{ir.Pattern{{Text: "a.exe"}, {Kind: ir.AnyRun}, {Text: "b"}, {Kind: ir.AnyOne}}}}, `S contains "a.exe" and S matches regex @"(?is)\Aa\.exe.*b.\z"`},
		{"any text", &ir.Match{Field: s, Op: ir.Like, Values: []ir.Value{ir.Pattern{{Kind: ir.AnyRun}}}}, `isnotempty(S)`},
		{"regex", &ir.Match{Field: s, Op: ir.Regexp, Values: []ir.Value{ir.Regex(`(?i)^a\d+`)}}, `S matches regex @"(?i)\Aa[0-9]+"`},
		{"number in text", &ir.Match{Field: s, Op: ir.Equal, Values: numbers(5)}, `S matches regex @"\A-?[0-9]{1,15}(?:\.[0-9]{1,15})?\z" and todouble(S) == 5`},
		{"code", &ir.Match{Field: code, Op: ir.Equal, Values: numbers(0, 50126)}, `Code in ("0", "50126")`},
		{"less than in text, negated", not(ir.Match{Field: s, Op: ir.Less, Values: numbers(5)}), `not(coalesce(S matches regex @"\A-?[0-9]{1,15}(?:\.[0-9]{1,15})?\z" and todouble(S) < 5, false))`},
		{"number", &ir.Match{Field: n, Op: ir.Equal, Values: numbers(5, 6)}, `N in (5, 6)`},
		{"number as text", &ir.Match{Field: n, Op: ir.Equal, Values: texts("5")}, `N == 5`},
		{"part of a number", &ir.Match{Field: n, Op: ir.Contains, Values: texts("5")}, `tostring(N) contains "5"`},
		{"greater", &ir.Match{Field: n, Op: ir.Greater, Values: numbers(5)}, `N > 5`},
		{"greater, negated", not(ir.Match{Field: n, Op: ir.Greater, Values: numbers(5)}), `not(coalesce(N > 5, false))`},
		{"bool", &ir.Match{Field: b, Op: ir.Equal, Values: []ir.Value{ir.Bool(true)}}, `B == true`},
		{"bool as text", &ir.Match{Field: b, Op: ir.Equal, Values: texts("False")}, `B == false`},
		{"guid", &ir.Match{Field: g, Op: ir.Equal, Values: texts("D2D901DB-7A75-45A1-BC39-0CBF00812192")}, `tostring(G) =~ "D2D901DB-7A75-45A1-BC39-0CBF00812192"`},
		{"key", &ir.Match{Field: user, Op: ir.Contains, Values: texts("x")}, `tostring(By.user.name) contains "x"`},
		{"key of any type", &ir.Match{Field: anything, Op: ir.Contains, Values: texts("x")}, `gettype(By.user.name) != "dictionary" and tostring(By.user.name) contains "x"`},
		{"true of any type", &ir.Match{Field: anything, Op: ir.Equal, Values: []ir.Value{ir.Bool(true)}}, `tostring(By.user.name) =~ "true"`},
		{"empty of any type", &ir.Match{Field: anything, Op: ir.Equal, Values: texts("")}, `isnotnull(By.user.name) and tostring(By.user.name) == ""`},
		{"odd keys", &ir.Match{Field: below(`By.x-y.where`, ir.TypeString), Op: ir.Equal, Values: texts("x")}, `tostring(By["x-y"]["where"]) =~ "x"`},
		{"key there", &ir.Match{Field: anything, Op: ir.Exists}, `bag_has_key(By.user, "name")`},
		{"key not there", not(ir.Match{Field: anything, Op: ir.Exists}), `not(coalesce(bag_has_key(By.user, "name"), false))`},
		{"column of an odd name", &ir.Match{Field: column("a b", ir.TypeString), Op: ir.Equal, Values: texts("x")}, `["a b"] =~ "x"`},
		{"hour", &ir.Match{Field: derived, Op: ir.GreaterOrEqual, Values: numbers(18)}, `hourofday(datetime_utc_to_local(TimeGenerated, "Europe/Berlin")) >= 18`},
		{"weekday", &ir.Match{Field: weekday, Op: ir.Equal, Values: numbers(7)}, `toint((dayofweek(TimeGenerated) + 6d) / 1d) % 7 + 1 == 7`},
		{"network", &ir.Match{Field: s, Op: ir.InNetwork, Values: []ir.Value{net4}},
			`ipv4_is_in_range(extract(@"\A(?:::[fF]{4}:)?((?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3})\z", 1, S), "10.0.0.0/8")`},
		{"network of IPv6, with a port", &ir.Match{Field: ip, Op: ir.InNetwork, Values: []ir.Value{net6}},
			`replace_regex(IP, @"\A(?:\[([^\]]*)\]|([0-9.]+))(?::0*[0-9]{1,5})?\z", @"\1\2") matches regex @"\A[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\z"` +
				` and ipv6_is_in_range(replace_regex(IP, @"\A(?:\[([^\]]*)\]|([0-9.]+))(?::0*[0-9]{1,5})?\z", @"\1\2"), "2001:db8::/32")`},
		{"another field", &ir.Match{Field: s, Op: ir.Equal, Values: []ir.Value{ir.FieldRef{Field: ip}}}, `isnotempty(IP) and S =~ IP`},
		{"and", &ir.And{X: []ir.Expr{&ir.Match{Field: s, Op: ir.Equal, Values: texts("x")}, &ir.Selection{Name: "a", X: &ir.Match{Field: b, Op: ir.Equal, Values: []ir.Value{ir.Bool(true)}}}}}, "S =~ \"x\"\n| where B == true"},
		{"neither", &ir.Not{X: &ir.Or{X: []ir.Expr{&ir.Match{Field: s, Op: ir.Equal, Values: texts("x")}, &ir.Match{Field: b, Op: ir.Equal, Values: []ir.Value{ir.Bool(true)}}}}}, "not(S =~ \"x\")\n| where not(B == true)"},
		{"regrouped", &ir.Or{X: []ir.Expr{&ir.Match{Field: s, Op: ir.Equal, Values: texts("x")}, &ir.Match{Field: b, Op: ir.Equal, Values: []ir.Value{ir.Bool(true)}}, &ir.Match{Field: s, Op: ir.Equal, Values: texts("y")}}}, `S in~ ("x", "y") or B == true`},
		{"list", &ir.Match{Field: l, Op: ir.Equal, Values: texts("x")}, ""},
	} {
		q, err := KQL(tableRule(c.when), Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, _ := strings.CutPrefix(q.Text, "T\n| where "); c.want != "" && got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if q.Time != "TimeGenerated" || q.Table != "T" {
			t.Errorf("%s: time %q, table %q", c.name, q.Time, q.Table)
		}
	}
}

func TestKQLLists(t *testing.T) {
	changes := below("Targets.changes", ir.TypeUnknown, "Targets", "changes")
	name := ir.Field{Name: "name", Path: ir.Path{{Key: "name"}}, Stored: ir.Path{{Key: "name", Single: true}}, Type: ir.TypeString}
	inner := ir.Field{Name: "changes", Path: ir.Path{{Key: "changes"}}, Stored: ir.Path{{Key: "changes"}}}
	for _, c := range []struct {
		name string
		when ir.Expr
		want string
	}{
		{"in a list in a list", &ir.Match{Field: below("Targets.changes.name", ir.TypeString, "Targets", "changes"), Op: ir.Contains, Values: texts("x")}, `T
| mv-apply item_1 = iff(array_length(Targets) > 0, Targets, pack_array(Targets)) on (
    mv-expand item_2 = iff(array_length(item_1.changes) > 0, item_1.changes, pack_array(item_1.changes))
    | summarize match_1 = countif(tostring(item_2.name) contains "x") > 0
)
| where match_1
| project-away match_1`},
		{"null of a list", &ir.Match{Field: changes, Op: ir.Null}, `T
| mv-apply item_1 = iff(array_length(Targets) > 0, Targets, pack_array(Targets)) on (
    mv-expand item_2 = iff(array_length(item_1.changes) > 0, item_1.changes, pack_array(item_1.changes))
    | summarize match_1 = countif(gettype(item_2) !in ("null", "array")) > 0
)
| where not(match_1)
| project-away match_1`},
		{"no element", &ir.Not{X: &ir.Any{Over: changes, X: &ir.Match{Field: name, Op: ir.Equal, Values: texts("x")}}}, `T
| mv-apply item_2 = iff(array_length(Targets) > 0, Targets, pack_array(Targets)) on (
    mv-expand item_1 = iff(array_length(item_2.changes) > 0, item_2.changes, pack_array(item_2.changes))
    | summarize match_1 = countif(tostring(item_1.name) =~ "x") > 0
)
| where not(match_1)
| project-away match_1`},
		{"an element without", &ir.Any{Over: below("Targets", ir.TypeJSON, "Targets"), X: &ir.Not{X: &ir.Any{Over: inner, X: &ir.Match{Field: name, Op: ir.Equal, Values: texts("x")}}}}, `T
| mv-apply item_1 = iff(array_length(Targets) > 0, Targets, pack_array(Targets)) on (
    mv-apply item_2 = iff(array_length(item_1.changes) > 0, item_1.changes, pack_array(item_1.changes)) on (
        summarize match_1 = countif(tostring(item_2.name) =~ "x") > 0
    )
    | summarize match_2 = countif(isnotnull(Targets) and gettype(item_1) != "array" and not(match_1)) > 0
)
| where match_2
| project-away match_2`},
		{"named element", &ir.Match{Field: below("Parameters[Name=ForwardTo].Value", ir.TypeString), Op: ir.Equal, Values: texts("x")}, `T
| where Parameters has "ForwardTo"
| mv-apply item_1 = iff(array_length(Parameters) > 0, Parameters, pack_array(Parameters)) on (
    summarize match_1 = countif(tostring(item_1.Name) =~ "ForwardTo" and tostring(item_1.Value) =~ "x") > 0
)
| where match_1
| project-away match_1`},
		{"position", &ir.Match{Field: below("Targets[1].name", ir.TypeString, "Targets"), Op: ir.Equal, Values: texts("x")}, `T
| where tostring(Targets[1].name) =~ "x"`},
	} {
		q, err := KQL(tableRule(c.when), Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if q.Text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, q.Text, c.want)
		}
	}
}

// TestKQLHelpers: a helper column has no name that the rule reads a column by.
func TestKQLHelpers(t *testing.T) {
	match := func(f ir.Field) ir.Expr { return &ir.Match{Field: f, Op: ir.Equal, Values: texts("x")} }
	q, err := KQL(tableRule(&ir.And{X: []ir.Expr{match(column("item_1", ir.TypeString)), &ir.Or{X: []ir.Expr{
		match(column("match_1", ir.TypeString)),
		&ir.Any{Over: column("l", ir.TypeJSON), X: match(ir.Field{Name: "a", Path: ir.Path{{Key: "a"}}})},
	}}}}), Target{})
	if err != nil {
		t.Fatal(err)
	}
	for _, helper := range []string{"mv-apply item_1 ", " match_1 = ", "project-away match_1"} {
		if strings.Contains(q.Text, helper) {
			t.Errorf("%q is a column of the rule, too:\n%s", helper, q.Text)
		}
	}
	if !strings.Contains(q.Text, " on (") {
		t.Errorf("no list is taken apart:\n%s", q.Text)
	}
}
