package backends

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// literals reads the texts between quotes back from SQL, as an engine of the
// dialect does, and what is outside of quotes; false where a quote stays open.
func literals(d *Dialect, text string) (texts []string, rest string, closed bool) {
	var outside strings.Builder
	backslash := slices.Contains([]*Dialect{ClickHouse, Spark, Snowflake, BigQuery}, d)
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '`': // a name
			for q := text[i]; ; {
				if i++; i >= len(text) {
					return texts, outside.String(), false
				}
				if text[i] == q {
					if i+1 < len(text) && text[i+1] == q {
						i++
						continue
					}
					break
				}
				if backslash && q == '`' && text[i] == '\\' {
					i++
				}
			}
		case '\'':
			var b strings.Builder
			for {
				if i++; i >= len(text) {
					return texts, outside.String(), false
				}
				if text[i] == '\'' {
					if !backslash && i+1 < len(text) && text[i+1] == '\'' {
						i++
						b.WriteByte('\'')
						continue
					}
					break
				}
				if backslash && text[i] == '\\' {
					if i++; i >= len(text) {
						return texts, outside.String(), false
					}
					switch text[i] {
					case 'n':
						b.WriteByte('\n')
					case 'r':
						b.WriteByte('\r')
					case 't':
						b.WriteByte('\t')
					default:
						b.WriteByte(text[i])
					}
					continue
				}
				b.WriteByte(text[i])
			}
			texts = append(texts, b.String())
		default:
			outside.WriteByte(text[i])
		}
	}
	return texts, outside.String(), true
}

// hostile are texts that try to end their literal.
var hostile = []string{`'`, `''`, `'''`, `\`, `\'`, `\\'`, `' OR '1'='1`, `'; DROP TABLE events; --`, "a\nb", "a\r\nb\tc", `"`, "`", `$$`, `"""`, `[[x]]`, `--`, `/*`, `%`, `_`, `x'y\`, `\n`, "ä'Ä", "\u2028"}

// TestLiterals puts hostile texts everywhere a rule has values and reads the
// literals back: they are those put in, and no quote stays open.
func TestLiterals(t *testing.T) {
	count := func(texts []string, want string) (n int) {
		for _, x := range texts {
			if x == want {
				n++
			}
		}
		return n
	}
	for _, d := range Dialects() {
		for _, h := range hostile {
			r := &ir.Rule{When: &ir.Match{Field: ir.Field{Path: ir.Path{{Key: "a"}}, ColumnType: ir.TypeString}, Op: ir.Equal, Cased: true, Values: []ir.Value{ir.String(h)}}}
			plain := *r
			plain.When = &ir.Match{Field: ir.Field{Path: ir.Path{{Key: "a"}}, ColumnType: ir.TypeString}, Op: ir.Equal, Cased: true, Values: []ir.Value{ir.String("plain")}}
			for _, target := range []Target{{Table: "t"}, {Table: "t", Event: "e"}} {
				q, err := SQL(r, d, target)
				p, err2 := SQL(&plain, d, target)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				got, rest, closed := literals(d, q.Text)
				same, want, _ := literals(d, p.Text)
				if !closed || rest != want || len(got) != len(same) || count(got, h) != count(same, h)+1 || count(same, "plain") != 1 {
					t.Errorf("%s: %q: %q in %s", d.Name(), h, got, q.Text)
				}
			}
			// In patterns and expressions the text is escaped, yet stays in one literal.
			for _, m := range []*ir.Match{
				{Op: ir.Contains, Values: []ir.Value{ir.String(h)}},
				{Op: ir.Like, Values: []ir.Value{ir.Pattern{{Text: h}, {Kind: ir.AnyOne}, {Text: h}}}},
				{Op: ir.Regexp, Values: []ir.Value{ir.Regex(quoteRegexp(h))}},
			} {
				m.Field = r.When.(*ir.Match).Field
				other := *m
				other.Values = []ir.Value{ir.String("plain"), ir.Pattern{{Text: "plain"}, {Kind: ir.AnyOne}, {Text: "plain"}}, ir.Regex("plain")}[map[ir.Op]int{ir.Contains: 0, ir.Like: 1, ir.Regexp: 2}[m.Op]:][:1]
				q, err := SQL(&ir.Rule{When: m}, d, Target{Table: "t"})
				p, err2 := SQL(&ir.Rule{When: &other}, d, Target{Table: "t"})
				if err != nil || err2 != nil {
					if d.regexp == nil && m.Op == ir.Regexp {
						continue
					}
					t.Fatal(err, err2)
				}
				got, rest, closed := literals(d, q.Text)
				same, want, _ := literals(d, p.Text)
				// Folding and ESCAPE add literals of their own, none of them from the text.
				for _, own := range []string{" ESCAPE ", "replace", "translateUTF8", "translate", "TRANSLATE", "lower", "LOWER", "(", ")", ",", " ", `COLLATE"C"`, "COLLATE"} {
					rest, want = strings.ReplaceAll(rest, own, ""), strings.ReplaceAll(want, own, "")
				}
				if !closed || rest != want || len(got) > len(same)+4 {
					t.Errorf("%s: %q: %q in %s", d.Name(), h, got, q.Text)
				}
			}
		}
	}
}

func quoteRegexp(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r > ' ' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// TestNames holds names in their quotes.
func TestNames(t *testing.T) {
	for _, d := range Dialects() {
		for _, name := range []string{"a b", `a"b`, "a`b", "select", "ä", "a'b", `a\b`} {
			r := &ir.Rule{When: &ir.Match{Field: ir.Field{Path: ir.Path{{Key: name}}, Column: name, ColumnType: ir.TypeString}, Op: ir.Null}}
			q, err := SQL(r, d, Target{Table: "t"})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, closed := literals(d, q.Text); !closed || !strings.HasSuffix(q.Text, " IS NULL") {
				t.Errorf("%s: %q: %s", d.Name(), name, q.Text)
			}
		}
	}
}

// TestDialectsPrint prints each operator in each dialect, for columns and for
// events, or has it refused with a reason.
func TestDialectsPrint(t *testing.T) {
	for _, d := range Dialects() {
		refused := map[string]bool{}
		for i, e := range operators() {
			for _, target := range []Target{{Table: "t"}, {Table: "t", Event: "e"}} {
				q, err := SQL(&ir.Rule{When: e}, d, target)
				if err != nil {
					refused[err.Error()] = true
					continue
				}
				if _, rest, closed := literals(d, q.Text); !closed || strings.Count(rest, "(") != strings.Count(rest, ")") {
					t.Errorf("%s %d: %s", d.Name(), i, q.Text)
				}
			}
		}
		t.Logf("%s: %d refusals", d.Name(), len(refused))
	}
}

// operators are trees with every operator.
func operators() []ir.Expr {
	at := func(spec string) ir.Field {
		f, err := ir.ParseFieldSpec(spec)
		if err != nil {
			panic(err)
		}
		return f
	}
	one := func(spec string, op ir.Op, vs ...ir.Value) ir.Expr {
		return &ir.Match{Field: at(spec), Op: op, Values: vs}
	}
	list := &ir.Any{Over: at("l"), X: &ir.And{X: []ir.Expr{one("k", ir.Equal, ir.String("x")), &ir.Not{X: one(".", ir.Null)}, one("n", ir.Less, ir.Number{IsInt: true, Int: 9007199254740993})}}}
	return []ir.Expr{
		one("a", ir.Equal, ir.String("it's"), ir.String("Kelvin"), ir.Number{Float: 1.5}, ir.Bool(true)),
		one("a", ir.Contains, ir.String("50%_\\")), one("a", ir.StartsWith, ir.String("ΣΊΣ")), one("a", ir.EndsWith, ir.String(".1")),
		one("a", ir.Like, ir.Pattern{{Text: "a"}, {Kind: ir.AnyRun}, {Text: "b"}, {Kind: ir.AnyOne}}), one("a", ir.Regexp, ir.Regex(`(?i)^foo\s+[^x]{2,300}$`)),
		one("a@ip", ir.InNetwork, ir.PrefixOf(mapped), ir.PrefixOf(mustPrefix("10.0.0.0/8"))), one("a", ir.GreaterOrEqual, ir.Number{IsInt: true, Int: 3}),
		one("a", ir.Null), one("a", ir.Exists), one("a", ir.Equal, ir.FieldRef{Field: at("b")}), one("a", ir.EndsWith, ir.FieldRef{Field: at("b")}),
		one("a.b", ir.Equal, ir.String("x")), one("a[1].b", ir.Equal, ir.String("x")), one("a{}.b", ir.Equal, ir.String("x")), one("a{}[Name=To].Value", ir.Equal, ir.String("x")), one("*", ir.Contains, ir.String("x")),
		one("t@hour(Europe/Berlin)", ir.Less, ir.Number{IsInt: true, Int: 8}), one("t@weekday", ir.Equal, ir.Number{IsInt: true, Int: 7}), one("t@duration(60,s)", ir.Greater, ir.Number{IsInt: true, Int: 2}),
		list, &ir.Not{X: list}, &ir.Or{X: []ir.Expr{list, one("a", ir.Null)}},
	}
}

// TestFoldIsWhole: folding for a text folds every code point that folds to one
// of its letters, by the dialect's own lower or by translate.
func TestFoldIsWhole(t *testing.T) {
	for c := rune(0x80); c <= unicode.MaxRune; c++ {
		if !utf8.ValidRune(c) {
			continue
		}
		l := []rune(ir.Fold(string(c)))[0]
		if l != c && !slices.Contains(unfolded()[l], c) {
			t.Errorf("U+%s does not fold", strconv.FormatInt(int64(c), 16))
		}
	}
	x := SQLite.fold("x", "ä")
	if x != "lower(replace(x, 'Ä', 'ä'))" {
		t.Error(x)
	}
}
