package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
)

// typedRandom makes trees over a table with a column of each type, and a
// dynamic one.
func typedRandom(seed uint64) *Random {
	r := &Random{Rand: rand.New(rand.NewPCG(seed, 0)), Ops: ir.Ops(), Words: append(Words(), guidText, strings.ToUpper(guidText)), Exact: true}
	for _, c := range []struct {
		name string
		typ  ir.Type
	}{{"S", ir.TypeString}, {"Text Two", ir.TypeString}, {"I", ir.TypeInt}, {"N", ir.TypeLong}, {"R", ir.TypeReal}, {"B", ir.TypeBool}, {"G", ir.TypeGUID}, {"IP", ir.TypeIP}} {
		stored := c.typ
		if stored == ir.TypeIP {
			stored = ir.TypeString
		}
		r.Fields = append(r.Fields, ir.Field{Name: c.name, Path: ir.Path{{Key: c.name}}, Stored: ir.Path{{Key: c.name, Single: true}}, Column: c.name, ColumnType: stored, Type: c.typ})
	}
	for _, spec := range []string{"J.a", "J.b.c", "J.l[1].k", "J.p[Name=To].Value", "J.list"} {
		f := mustField(spec)
		f.Column, f.ColumnType = "J", ir.TypeJSON
		f.Stored = f.Steps()
		for i := range f.Stored {
			f.Stored[i].Single = !f.Stored[i].HasPosition && f.Stored[i].Where.Key == "" && f.Stored[i].Key != "list"
		}
		r.Fields = append(r.Fields, f)
		if spec == "J.list" {
			r.Lists = append(r.Lists, f)
		}
	}
	for _, spec := range []string{"T@hour", "T@weekday(Europe/Berlin)", "T@minute(Asia/Kolkata)", "T@year", "T@duration(60,Start)", "T@week", "T@day", "T@month"} {
		f := mustField(spec)
		f.Column, f.ColumnType, f.Stored = "T", ir.TypeDatetime, ir.Path{{Key: "T", Single: true}}
		if d := f.Derive; d.Since != nil {
			d.From = &ir.Field{Name: "Start", Path: *d.Since, Column: "Start", ColumnType: ir.TypeDatetime}
		}
		r.Fields = append(r.Fields, f)
	}
	for _, spec := range []string{".", "k", "b"} {
		r.InList = append(r.InList, mustField(spec))
	}
	return r
}

const guidText = "6d0b1b0e-93d4-4c1a-8f57-2b6f6d0a1e44"

// typedRow leaves of an event what the columns of typedRandom can hold and tell
// from nothing.
func typedRow(ev map[string]any) map[string]any {
	out := map[string]any{}
	for _, c := range []struct {
		name string
		typ  kusto.Type
	}{{"S", kusto.TypeString}, {"Text Two", kusto.TypeString}, {"IP", kusto.TypeString}, {"I", kusto.TypeInt}, {"N", kusto.TypeLong}, {"R", kusto.TypeReal}, {"B", kusto.TypeBool}, {"G", kusto.TypeGUID}, {"T", kusto.TypeDatetime}, {"Start", kusto.TypeDatetime}, {"J", kusto.TypeDynamic}} {
		v := ev[c.name]
		if l, ok := v.([]any); ok && len(l) > 0 && c.typ != kusto.TypeDynamic {
			v = l[0]
		}
		text, isText := v.(string)
		n, isNumber := normal(v).(number)
		_, isBool := v.(bool)
		ok := false
		switch c.typ {
		case kusto.TypeString:
			ok = isText && text != ""
		case kusto.TypeInt:
			ok = isNumber && n.isInt && n.i == int64(int32(n.i))
		case kusto.TypeLong:
			ok = isNumber && n.isInt
		case kusto.TypeReal:
			ok = isNumber && !n.isInt
			v = n.f
		case kusto.TypeBool:
			ok = isBool
		case kusto.TypeGUID:
			_, ok = kusto.ParseGUID(text)
			v = strings.ToLower(text)
		case kusto.TypeDatetime:
			_, ok = event.ParseTime(text)
		case kusto.TypeDynamic:
			_, ok = v.(map[string]any)
		}
		if isNumber && n.isInt && c.typ != kusto.TypeReal {
			v = json.Number(n.text())
		}
		if ok {
			out[c.name] = v
		}
	}
	return out
}

// typedPair returns a question over a row, and its answer.
func typedPair(r *Random) (Question, bool) {
	for {
		e, ev := r.Pair()
		row := typedRow(ev)
		rule := &ir.Rule{When: e, Source: ir.Source{Table: "Typed", Time: ir.Field{Name: "T", Path: ir.Path{{Key: "T"}}, Column: "T", ColumnType: ir.TypeDatetime, Stored: ir.Path{{Key: "T", Single: true}}}}}
		if asDeclared(row["J"]) {
			return Question{Rule: rule, Events: []any{row}}, Reference(e, row)
		}
	}
}

// asDeclared reports whether the dynamic column has lists only where the fields
// of typedRandom say so, and no lists in lists, which a query of a table does
// not look into.
func asDeclared(v any) bool {
	o, _ := v.(map[string]any)
	for k, x := range o {
		l, isList := x.([]any)
		switch {
		case k == "list":
			if deep(x, 0) {
				return false
			}
		case isList && (k == "l" || k == "p"):
			for _, el := range l {
				if holdsList(el) {
					return false
				}
			}
		case holdsList(x):
			return false
		}
	}
	return true
}

func holdsList(v any) bool {
	o, _ := v.(map[string]any)
	for _, x := range o {
		if holdsList(x) {
			return true
		}
	}
	_, isList := v.([]any)
	return isList
}

func deep(v any, in int) bool {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if deep(x, in+1) {
				return true
			}
		}
		return in > 0
	case map[string]any:
		for _, x := range v {
			if deep(x, 0) {
				return true
			}
		}
	}
	return false
}

// TestKQLTypedRandom: typed columns give the reference's verdicts.
func TestKQLTypedRandom(t *testing.T) {
	pairs := 10_000
	if testing.Short() {
		pairs = 1_000
	}
	r := typedRandom(3)
	deviate := map[string]int{}
	reported := 0
	for i := range pairs {
		q, want := typedPair(r)
		got, err := KQL().Verdicts(context.Background(), q)
		if err == nil && got[0].Match == want {
			continue
		}
		if d := explain(q.Rule.When, q.Events[0], err); d != "" {
			deviate[d]++
			continue
		}
		if reported++; reported > 20 {
			t.Fatal("and more")
		}
		t.Errorf("pair %d: KQL says %v, %v\ntree:  %s\nevent: %s", i, got, err, ir.Print(q.Rule.When), show(q.Events[0]))
	}
	t.Logf("%d pairs; deviate: %v", pairs, deviate)
}

// change makes a mistake of every place in a text that an expression finds.
func change(find, put string) func(string) string {
	re := regexp.MustCompile(find)
	return func(text string) string { return re.ReplaceAllString(text, put) }
}

// TestKQLMistakes plants mistakes in the printed text, as a printer might make
// them; the random run must find each.
func TestKQLMistakes(t *testing.T) {
	const elements = `iff\(array_length\(([\w.]+)\) > 0, [\w.]+, pack_array\([\w.]+\)\)`
	mistakes := []struct {
		name  string
		plant func(string) string
	}{
		{"equality minds case", change(` =~ `, ` == `)},
		{"lists mind case", change(` in~ `, ` in `)},
		{"cased equality does not", change(`(tostring\([^ ]+\)|S) == "`, `$1 =~ "`)},
		{"terms for substrings", change(` contains `, ` has `)},
		{"cased substrings ignore case", change(` contains_cs `, ` contains `)},
		{"startswith is contains", change(` startswith `, ` contains `)},
		{"endswith is contains", change(` endswith `, ` contains `)},
		{"patterns are not anchored in front", change(`\(\?is\)\\+A`, `(?is)`)},
		{"patterns are not anchored behind", change(`(\(\?is\)\\A[^"]*)\\z"`, `$1"`)},
		{"patterns stop at line breaks", change(`\(\?is\)`, `(?i)`)},
		{"patterns mind case", change(`\(\?is\)`, `(?s)`)},
		{"an unknown under not loses the row", change(`coalesce\(([^()]+), false\)`, `($1)`)},
		{"scalars are no list of one", change(elements, `$1`)},
		{"every element must fit", change(`\) > 0`, `) == count()`)},
		{"objects have a text", change(`gettype\([^()]+\) !(in|=) [^a]* and `, ``)},
		{"null has a text", change(`gettype\(([^()]+)\) !in \("null", "array"\)`, `gettype($1) != "array"`)},
		{"null is not of dynamic", change(`isnotnull\(`, `isnotempty(`)},
		{"any text is cast to a number", change(`matches regex @"\\A-\?[^"]*"`, `matches regex ""`)},
		{"numbers are whole", change(`todouble\(`, `tolong(`)},
		{"large numbers are doubles", change(`tolong\(`, `todouble(`)},
		{"empty fields are equal", change(`isnotempty\(([^()]|\([^()]*\))*\)`, `true`)},
		{"the zone is forgotten", change(`datetime_utc_to_local\(([^,]*), "[^"]*"\)`, `$1`)},
		{"weeks begin on Sunday", change(` \+ 6d\)`, ` + 7d)`)},
		{"the port stays", change(`replace_regex\((.*?), @"[^"]*", @"[^"]*"\)`, `$1`)},
		{"a place is the next one", change(`\[1\]`, `[0]`)},
		{"the name of an element is not asked", change(`tostring\([\w.]+\.Name\) =~ "To" and `, ``)},
		{"a key with null is not there", change(`bag_has_key\(([\w.]+), "(\w+)"\)`, `isnotnull($1.$2)`)},
		{"JSON in text is not read", change(`parse_json\(tostring\(([\w.]+)\)\)`, `$1`)},
		{"not is forgotten", change(`not\(`, `(`)},
		{"helpers stay in the result", change(`\| project-away .*`, ``)},
		{"less is less or equal", change(` < `, ` <= `)},
		{"a pre-filter minds case", change(`where (Event|J) (has|contains) `, `where $1 ${2}_cs `)},
		{"a pre-filter takes parts for terms", change(`where (Event|J) contains "(\w+)"`, `where $1 has "$2"`)},
		{"a pre-filter asks for the next letters too", change(`where (Event|J) (has|contains) ("[^"\\]*)"`, `where $1 $2 $3 "`)},
		{"a pre-filter forgets an alternative", change(`where (Event|J) has_any \(("[^"]*")[^)]*\)`, `where $1 has $2`)},
		{"a pre-filter of a regular expression asks for more", change(`(contains_cs|has_cs|contains|has) ("[^"\\]*)" and `, `$1 $2 x" and `)},
	}
	if len(mistakes) < 20 {
		t.Fatal("plant more")
	}
	const most = 20_000
	for _, m := range mistakes {
		untyped, typed := NewRandom(2), typedRandom(3)
		untyped.Exact = true
		if strings.Contains(m.name, "cased") { // few trees are
			untyped.Ops, typed.Ops, untyped.Depth, typed.Depth = []ir.Op{ir.Equal, ir.Contains}, []ir.Op{ir.Equal, ir.Contains}, 1, 1
		}
		planted, found := 0, ""
		for i := 0; i < most && found == ""; i++ {
			var q Question
			var want bool
			if i%2 == 0 {
				e, ev := untyped.Pair()
				q, want = Question{Rule: &ir.Rule{When: e}, Events: []any{ev}}, Reference(e, ev)
			} else {
				q, want = typedPair(typed)
			}
			got, err := kqlReferee{change: m.plant}.Verdicts(context.Background(), q)
			if err == errUnchanged {
				continue
			}
			planted++
			if (err != nil || got[0].Match != want) && explain(q.Rule.When, q.Events[0], nil) == "" {
				found = fmt.Sprintf("pair %d, after %d queries with the mistake", i, planted)
			}
		}
		if found == "" {
			t.Errorf("%s: not found in %d queries with the mistake", m.name, planted)
		} else {
			t.Logf("%s: %s", m.name, found)
		}
	}
}
