package backends

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLPrefilters: the line that stands in front of what is dear, or none
// where nothing is implied.
func TestKQLPrefilters(t *testing.T) {
	s := column("S", ir.TypeString)
	list := below("L", ir.TypeJSON, "L")
	name := ir.Field{Name: "name", Path: ir.Path{{Key: "name"}}, Stored: ir.Path{{Key: "name", Single: true}}}
	nested := name
	nested.Path, nested.Stored = ir.Path{{Key: "name", JSON: true}, {Key: "k"}}, ir.Path{{Key: "name", JSON: true, Single: true}, {Key: "k", Single: true}}
	number := ir.Number{IsInt: true, Int: 5}
	in := func(op ir.Op, vs ...ir.Value) ir.Expr {
		return &ir.Any{Over: list, X: &ir.Match{Field: name, Op: op, Values: vs}}
	}
	text := func(op ir.Op, vs ...string) ir.Expr { return in(op, texts(vs...)...) }
	re := func(s string) ir.Value { return ir.Regex(s) }
	pattern := func(parts ...ir.PatternPart) ir.Value { return ir.Pattern(parts) }
	star := ir.PatternPart{Kind: ir.AnyRun}
	lit := func(s string) ir.PatternPart { return ir.PatternPart{Text: s} }
	for _, c := range []struct {
		name string
		when ir.Expr
		want string // the line, "" for none
	}{
		{"a whole text is bounded by quotes", text(ir.Equal, "KeyDescription"), `L has "KeyDescription"`},
		{"the longest term of several", text(ir.Equal, "Add member to role"), `L has "member"`},
		{"several texts", text(ir.Equal, "one", "two"), `L has_any ("one", "two")`},
		{"a part may go on", text(ir.Contains, "Identifier"), `L contains "Identifier"`},
		{"a bounded part of a part", text(ir.Contains, "x:KeyIdentifier=y"), `L has "KeyIdentifier"`},
		{"the start", text(ir.StartsWith, "Mail.Read"), `L has "Mail"`},
		{"the end", text(ir.EndsWith, `\mimikatz.exe`), `L has "mimikatz"`},
		{"behind a backslash", text(ir.Contains, `\mimikatz.`), `L has "mimikatz"`},
		{"behind a quote, which may be an escape", text(ir.Contains, `"mimikatz.`), `L contains "mimikatz."`},
		{"behind a line break, which is an escape", text(ir.Contains, "\nmimikatz."), `L contains "mimikatz."`},
		{"in front of one", text(ir.Contains, " mimikatz\n"), `L has "mimikatz"`},
		{"an underscore", text(ir.Equal, "under_score"), `L contains "under_score"`},
		{"escaped letters are left out", text(ir.Equal, "Straße x"), `L contains "Stra"`},
		{"nothing but escapes", text(ir.Equal, "<\"é\">"), ``},
		{"quotes inside", text(ir.Equal, `say "hello"`), `L has "say"`},
		{"a numeral may be a number", text(ir.Equal, "50126"), ``},
		{"too short", text(ir.Equal, "ab"), ``},
		{"a number", in(ir.Equal, number, ir.String("text")), ``},
		{"null", text(ir.Null), ``},
		{"not", &ir.Not{X: text(ir.Equal, "text")}, ``},
		{"none of the elements", &ir.Any{Over: list, X: &ir.Not{X: &ir.Match{Field: name, Op: ir.Equal, Values: texts("text")}}}, ``},
		{"one of two", &ir.Or{X: []ir.Expr{text(ir.Equal, "text"), text(ir.Contains, "part")}}, `L has "text" or L contains "part"`},
		{"one of two, the other unknown", &ir.Or{X: []ir.Expr{text(ir.Equal, "text"), &ir.Not{X: text(ir.Equal, "x")}}}, ``},
		{"or another column", &ir.Or{X: []ir.Expr{text(ir.Equal, "text"), &ir.Match{Field: s, Op: ir.Equal, Values: texts("other")}}}, `L has "text" or S has "other"`},
		{"both, the better", &ir.Any{Over: list, X: &ir.And{X: []ir.Expr{&ir.Match{Field: name, Op: ir.Contains, Values: texts("abc")}, &ir.Match{Field: name, Op: ir.Equal, Values: texts("abcdef")}}}}, `L has "abcdef"`},
		{"regex", in(ir.Regexp, re(`abc\d+(defghi)+`)), `L contains "defghi"`},
		{"regex, of any case", in(ir.Regexp, re(`(?i)^mailbox\z`)), `L has "mailbox"`},
		{"the sign of kelvin is a k", in(ir.Regexp, re(`(?i)linkedin`)), `L contains "edin"`},
		{"an optional part", in(ir.Regexp, re(`(abcdef)?(ghi|jkl)`)), ``},
		{"a bounded part of a regex", in(ir.Regexp, re(`x -encoded `)), `L has "encoded"`},
		{"wildcards", in(ir.Like, pattern(lit("abc"), star, lit(" defg "), star)), `L has "defg"`},
		{"JSON in a text may be written otherwise", &ir.Any{Over: list, X: &ir.Match{Field: nested, Op: ir.Equal, Values: texts("text")}}, `L has "text" or L contains @"\u"`},
		{"cased", &ir.Any{Over: list, X: &ir.Match{Field: name, Op: ir.Equal, Cased: true, Values: texts("Text")}}, `L has "Text"`},
	} {
		q, err := KQL(tableRule(c.when), Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := ""
		if lines := strings.Split(q.Text, "\n| "); strings.HasPrefix(lines[1], "where ") {
			got = strings.TrimPrefix(lines[1], "where ")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s\n%s", c.name, got, c.want, q.Text)
		}
	}
	for _, c := range []struct{ name, re, want string }{
		{"a term", `^\\svchost\.exe$`, `S has_cs "svchost" and S matches regex @"\A\\svchost\.exe\z"`},
		{"no literal", `[a-c]{3}`, `S matches regex "[a-c]{3}"`},
		{"a letter outside ASCII in its case", `Grö[sß]e`, `S contains_cs "Grö" and S matches regex "Grö[sß]e"`},
		{"in any case", `(?i)größe`, `S matches regex "(?i)größe"`},
		{"case in parts", `abcd(?i:efgh)`, `S contains_cs "abcd" and S matches regex "abcd(?i:efgh)"`},
	} {
		q, err := KQL(tableRule(&ir.Match{Field: s, Op: ir.Regexp, Values: []ir.Value{re(c.re)}}), Target{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := strings.TrimPrefix(q.Text, "T\n| where "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
