package conformance

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// harmless is a text of which every place is known where it is printed. It
// needs brackets as a name, and no escape anywhere.
const harmless = "q-q z"

// hostileRule has a text at every place that takes one: values of each
// operator, keys, columns, the table.
func hostileRule(text string) *ir.Rule {
	column := func(name string, t ir.Type) ir.Field {
		return ir.Field{Name: name, Path: ir.Path{{Key: name}}, Stored: ir.Path{{Key: name, Single: t != ir.TypeJSON}}, Column: name, ColumnType: t, Type: t}
	}
	s, odd, list := column("S", ir.TypeString), column(text, ir.TypeString), column("L", ir.TypeJSON)
	key := ir.Field{Name: "k", Column: "J", ColumnType: ir.TypeJSON, Path: ir.Path{{Key: "J"}, {Key: text}},
		Stored: ir.Path{{Key: "J", Single: true}, {Key: text}}}
	named := ir.Field{Name: "k", Column: "J", ColumnType: ir.TypeJSON, Path: ir.Path{{Key: "J", Where: ir.Where{Key: text, Value: text}}, {Key: "v"}},
		Stored: ir.Path{{Key: "J", Where: ir.Where{Key: text, Value: text}}, {Key: "v", Single: true}}}
	v := []ir.Value{ir.String(text)}
	var xs []ir.Expr
	for _, f := range []ir.Field{s, odd, list, key, named} {
		for _, op := range []ir.Op{ir.Equal, ir.Contains, ir.StartsWith, ir.EndsWith} {
			xs = append(xs, &ir.Match{Field: f, Op: op, Values: v}, &ir.Match{Field: f, Op: op, Values: v, Cased: true})
		}
		xs = append(xs, &ir.Match{Field: f, Op: ir.Equal, Values: []ir.Value{ir.String(text), ir.String("other")}},
			&ir.Match{Field: f, Op: ir.Like, Values: []ir.Value{ir.Pattern{{Text: text}, {Kind: ir.AnyRun}, {Text: text}, {Kind: ir.AnyOne}}}},
			&ir.Match{Field: f, Op: ir.Exists}, &ir.Match{Field: f, Op: ir.Null},
			&ir.Match{Field: s, Op: ir.Equal, Values: []ir.Value{ir.FieldRef{Field: f}}})
	}
	xs = append(xs, &ir.Any{Over: key, X: &ir.Match{Field: ir.Field{Path: ir.Path{{Key: text}}, Stored: ir.Path{{Key: text}}}, Op: ir.Equal, Values: v}},
		&ir.Match{Field: ir.Field{Leaves: true}, Op: ir.Contains, Values: v})
	return &ir.Rule{When: &ir.And{X: xs}, Source: ir.Source{Table: text, Time: column("T", ir.TypeDatetime), Messages: []ir.Field{s, odd, list}}, Meta: sigma.Meta{Title: text}}
}

// withoutPrefilters takes the pre-filters out of the words of a query: which part
// of a text they ask for depends on the text. Each asks for a part of it, in a
// literal.
func withoutPrefilters(t testing.TB, tokens []kusto.Token, text string) []kusto.Token {
	t.Helper()
	operators := map[string]string{"has": "contains", "has_cs": "contains_cs", "contains": "contains", "contains_cs": "contains_cs"}
	var out []kusto.Token
	for i := 0; i < len(tokens); i++ {
		is := func(at int, want string) bool {
			return at < len(tokens) && !tokens[at].Literal && tokens[at].Text == want
		}
		if is(i, "|") && is(i+1, "where") {
			end, dynamic := i+2, false // whether a dynamic column is asked
			for end < len(tokens) && (tokens[end].Literal || slices.Contains([]string{"S", "L", "J", "[", "]", "has", "has_any", "contains", "or", "(", ")", ","}, tokens[end].Text)) {
				dynamic = dynamic || is(end, "L") || is(end, "J")
				if w := tokens[end]; w.Literal && !strings.Contains(text+" other", w.Text) {
					t.Fatalf("a pre-filter asks for %q", w.Text)
				}
				end++
			}
			if dynamic && is(end, "|") {
				i = end - 1
				continue
			}
		}
		w := tokens[i]
		if op := operators[w.Text]; op != "" && !w.Literal && i+1 < len(tokens) && tokens[i+1].Literal && strings.Contains(text, tokens[i+1].Text) {
			out = append(out, kusto.Token{Text: op}, kusto.Token{Literal: true, Text: text})
			i++
			continue
		}
		out = append(out, w)
	}
	return out
}

// FuzzKQLLiterals: no value leaves its literal. The words of a query with a
// hostile text are those of the query with a harmless one, but for the text in
// literals, where it stands whole.
func FuzzKQLLiterals(f *testing.F) {
	for _, w := range Words() {
		f.Add(w)
	}
	for _, w := range []string{`" or true //`, `\" | where true`, `"; drop`, `") or ("`, "'] | take 1 //", `@"x"`, `\`, `\\"`, "```", "h'x'", "line\nbreak\" or 1==1", "\u2028\" or true", "//", "\r", `{"a":1}`, "[]", "let x = 1;", "\\u0022 or true", "\x7f\"", "\ufeff", `"""`, `\x22`} {
		f.Add(w)
	}
	want := literals(f, harmless)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 1000 {
			t.Skip("not a text that a document can hold")
		}
		text = "hx " + text + "-" // long and odd enough to be printed as the harmless text is
		got := literals(t, text)
		if len(got) != len(want) {
			t.Fatalf("%d words, want %d", len(got), len(want))
		}
		for i, w := range want {
			if w.Literal {
				put := text
				if strings.Contains(w.Text, `\A`) {
					put = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(regexp.QuoteMeta(text))
				}
				w.Text = strings.ReplaceAll(w.Text, harmless, put)
			}
			if got[i] != w {
				t.Fatalf("word %d is %+v, want %+v", i, got[i], w)
			}
		}
	})
}

func literals(t testing.TB, text string) []kusto.Token {
	q, err := backends.KQL(hostileRule(text), backends.Target{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := kusto.Tokens(q.Text)
	if err != nil {
		t.Fatalf("%v\n%s", err, q.Text)
	}
	return withoutPrefilters(t, tokens, text)
}
