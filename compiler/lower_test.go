package compiler

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func handMade(items ...*sigma.Item) *sigma.Document {
	return &sigma.Document{Detection: &sigma.Detection{
		Selections: []*sigma.Selection{{Name: "s", Body: &sigma.AllOf{Items: items}}},
		Conditions: []*sigma.Condition{{Expr: &sigma.ConditionName{Name: "s"}}},
	}}
}

func text(raw string) sigma.String {
	return sigma.String{Raw: raw, Parts: sigma.ParseParts(raw, true)}
}

func TestLowerHandMade(t *testing.T) {
	field := sigma.Field{Name: "f", Steps: []sigma.FieldStep{{Name: "f", Index: -1}}}
	doc := handMade(&sigma.Item{Field: field, Values: []sigma.Value{text("a"), text("b*"), sigma.Null{}, text("c"), text("d?e")}})
	rules, ds := Lower(doc, Options{})
	if len(rules) != 1 || len(ds) != 0 {
		t.Fatalf("rules %v, findings %v", rules, ds)
	}
	want := `(selection "s"
  (or
    (equal f "a" "c")
    (startsWith f "b")
    (null f)
    (like f like"d?e")))`
	if got := ir.Print(rules[0].When); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// atLeast is held to counting, for all sizes and all verdicts of the parts.
func TestAtLeast(t *testing.T) {
	for n := 1; n <= 9; n++ {
		xs := make([]ir.Expr, n)
		for i := range xs {
			xs[i] = &ir.Match{Field: ir.Field{Name: strings.Repeat("x", i+1)}}
		}
		for k := 1; k <= n; k++ {
			tree := atLeast(k, xs)
			for bits := range 1 << n {
				count := 0
				verdict := map[ir.Expr]bool{}
				for i, x := range xs {
					verdict[x] = bits>>i&1 == 1
					if verdict[x] {
						count++
					}
				}
				if got := holds(tree, verdict); got != (count >= k) {
					t.Fatalf("%d of %d with %b: %v", k, n, bits, got)
				}
			}
		}
	}
}

func holds(e ir.Expr, verdict map[ir.Expr]bool) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !holds(x, verdict) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if holds(x, verdict) {
				return true
			}
		}
		return false
	case ir.Const:
		return bool(e)
	}
	return verdict[e]
}

func TestCountNodesDoesNotOverflow(t *testing.T) {
	var e ir.Expr = ir.Const(true)
	for range 100 {
		e = &ir.And{X: []ir.Expr{e, e}}
	}
	if n := countNodes(e, map[ir.Expr]int{}); n != math.MaxInt {
		t.Errorf("2^100 nodes counted as %d", n)
	}
}

// What a caller builds by hand may be wrong in ways that no parser lets
// through.
func TestLowerOddDocuments(t *testing.T) {
	field := sigma.Field{Name: "f", Steps: []sigma.FieldStep{{Name: "f", Index: -1}}}
	item := func(values []sigma.Value, mods ...string) *sigma.Document {
		it := &sigma.Item{Field: field, Values: values}
		for _, m := range mods {
			it.Modifiers = append(it.Modifiers, sigma.Modifier{Name: m})
		}
		return handMade(it)
	}
	a := []sigma.Value{text("a")}
	deep := handMade(&sigma.Item{Field: field, Values: a})
	for range maxDepth + 1 {
		deep.Detection.Selections[0].Body = &sigma.AnyOf{Blocks: []sigma.Block{deep.Detection.Selections[0].Body}}
	}
	not := handMade(&sigma.Item{Field: field, Values: a})
	for range maxDepth + 1 {
		not.Detection.Conditions[0].Expr = &sigma.ConditionNot{Part: not.Detection.Conditions[0].Expr}
	}
	wide := handMade()
	for i := range 64 {
		wide.Detection.Selections = append(wide.Detection.Selections, &sigma.Selection{Name: strings.Repeat("x", i+1), Body: &sigma.AllOf{Items: []*sigma.Item{{Field: field, Values: a}}}})
	}
	wide.Detection.Conditions[0].Expr = &sigma.ConditionOf{Count: 32}
	for _, c := range []struct {
		name, want string
		doc        *sigma.Document
	}{
		{"no detection", "no detection", &sigma.Document{}},
		{"no condition", "no condition", &sigma.Document{Detection: &sigma.Detection{}}},
		{"empty condition", "the condition is empty", &sigma.Document{Detection: &sigma.Detection{Conditions: []*sigma.Condition{{}}}}},
		{"no body", "nothing to match", &sigma.Document{Detection: &sigma.Detection{
			Selections: []*sigma.Selection{{Name: "s"}}, Conditions: []*sigma.Condition{{Expr: &sigma.ConditionName{Name: "s"}}}}}},
		{"unknown selection", "no such selection", &sigma.Document{Detection: &sigma.Detection{
			Conditions: []*sigma.Condition{{Expr: &sigma.ConditionName{Name: "s"}}}}}},
		{"nothing meant", "no selection is meant", &sigma.Document{Detection: &sigma.Detection{
			Conditions: []*sigma.Condition{{Expr: &sigma.ConditionOf{Count: 1, Pattern: "x*"}}}}}},
		{"correlation", "correlation", &sigma.Document{Kind: sigma.KindCorrelation, Correlation: &sigma.Correlation{}}},
		{"unknown modifier", "no modifier", item(a, "like")},
		{"two places", "beside another", item(a, "contains", "endswith")},
		{"two comparisons", "beside another", item(a, "lt", "gt")},
		{"no values", "has no values", item(nil)},
		{"two kinds", "do not go together", item(a, "re", "cidr")},
		{"text and cidr", "do not go with cidr", item(a, "contains", "cidr")},
		{"flags alone", "flags of re", item(a, "i")},
		{"encoded reference", "encodes a value", item(a, "fieldref", "base64")},
		{"two parts", "one time part", item(a, "hour", "day")},
		{"text as number", "is no number", item(a, "gt")},
		{"text for exists", "true or false", item(a, "exists")},
		{"contains null", "null is no text", item([]sigma.Value{sigma.Null{}}, "contains")},
		{"since nothing", "since what", item(a, "since", "gt")},
		{"no hours", "are no hours", item([]sigma.Value{sigma.Number{}}, "within")},
		{"no text in UTF-16", "no text", item([]sigma.Value{text("ü")}, "utf16le")},
		{"long regex", "more than", item([]sigma.Value{text(strings.Repeat("a", sigma.MaxRegexBytes+1))}, "re")},
		{"deep blocks", "nest deeper", deep},
		{"deep condition", "nests deeper", not},
		{"too many ways to choose", "more than the 1000000", wide},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, ds := Lower(c.doc, Options{})
			if len(rules) != 0 || !ds.HasErrors() || !strings.Contains(ds.Error(), c.want) {
				t.Errorf("rules %v, findings %v, want %q", rules, ds, c.want)
			}
			for _, d := range ds {
				if !knownCode(d.Code) {
					t.Errorf("code %s is not in the list", d.Code)
				}
			}
		})
	}
}

func knownCode(c sigma.Code) bool {
	for _, i := range sigma.Codes() {
		if i.Code == c {
			return true
		}
	}
	return false
}

// FuzzLower lowers whatever parses, with and without a pipeline. Lowering must
// not panic, and a rule without errors has a tree in which every comparison has
// a place.
func FuzzLower(f *testing.F) {
	files, err := filepath.Glob("testdata/lower/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	pipelines := []*Pipeline{nil}
	for _, name := range BuiltinPipelines() {
		p, err := BuiltinPipeline(name)
		if err != nil {
			f.Fatal(err)
		}
		pipelines = append(pipelines, p)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, ds := sigma.Parse("fuzz.yml", data)
		if ds.HasErrors() {
			return
		}
		for _, p := range pipelines {
			for _, d := range docs {
				rules, ds := Lower(d, Options{Pipeline: p, Filters: docs, Documents: docs})
				for _, d := range ds {
					if !knownCode(d.Code) || d.Message == "" {
						t.Fatalf("finding %+v", d)
					}
				}
				for _, r := range rules {
					if r.Correlation != nil {
						checkCorrelation(t, r)
						continue
					}
					if r.When == nil {
						t.Fatal("a rule without a predicate")
					}
					for _, m := range ir.Matches(r.When) {
						if !r.Origins[m].IsValid() {
							t.Fatalf("no position for %s", ir.Print(m))
						}
						if len(m.Values) == 0 != (m.Op == ir.Null || m.Op == ir.Exists) {
							t.Fatalf("values of %s", ir.Print(m))
						}
					}
				}
			}
		}
	})
}

// checkCorrelation holds a lowered correlation to what its type promises.
func checkCorrelation(t *testing.T, r *ir.Rule) {
	t.Helper()
	c := r.Correlation
	if r.When != nil || len(c.Inputs) == 0 || ir.PrintCorrelation(c) == "" {
		t.Fatalf("correlation %+v", c)
	}
	for _, in := range c.Inputs {
		if len(in.Taps) == 0 || in.Name == "" {
			t.Fatalf("input %+v", in)
		}
		for _, tap := range in.Taps {
			if tap.Rule == nil || len(tap.GroupBy) != len(c.GroupBy) || len(tap.Counted) != len(c.Counted) {
				t.Fatalf("tap %+v of\n%s", tap, ir.PrintCorrelation(c))
			}
			if tap.Rule.Correlation == nil == (tap.Rule.When == nil) {
				t.Fatalf("tapped rule %+v", tap.Rule)
			}
		}
	}
	for _, n := range []int64{c.Span, c.Lookback, c.Silence, c.Against} {
		if n < 0 || n > maxSpanSeconds*1_000_000 {
			t.Fatalf("a length of %d", n)
		}
	}
}

// What a few lines can be made to grow to is refused before it is built.
func TestLowerLimits(t *testing.T) {
	field := sigma.Field{Name: "f", Steps: []sigma.FieldStep{{Name: "f", Index: -1}}}
	item := func(values []sigma.Value, mods ...string) *sigma.Item {
		it := &sigma.Item{Field: field, Values: values}
		for _, m := range mods {
			it.Modifiers = append(it.Modifiers, sigma.Modifier{Name: m})
		}
		return it
	}
	var many []any
	for range 5000 {
		many = append(many, strings.Repeat("x", 1000))
	}
	profile, err := (*Profile)(nil).WithValue("many", many...)
	if err != nil {
		t.Fatal(err)
	}
	profile, err = profile.WithValue("ten", many[:10]...)
	if err != nil {
		t.Fatal(err)
	}
	profile, err = profile.WithValue("one", "x")
	if err != nil {
		t.Fatal(err)
	}
	var dashes []sigma.Value
	for range 2000 {
		dashes = append(dashes, text("-a -b -c -d -e"))
	}
	for _, c := range []struct {
		name, want string
		item       *sigma.Item
	}{
		{"long text under windash", "64 MiB", item([]sigma.Value{text("-a -b -c -d -e" + strings.Repeat("x", 1<<20))}, "windash")},
		{"many wildcards under windash", "64 MiB", item([]sigma.Value{text("-a -b -c -d -e" + strings.Repeat("*x", 1<<18))}, "windash")},
		{"many values under windash", "64 MiB", item(dashes, "windash")},
		{"long text in base64", "64 MiB", item([]sigma.Value{text(strings.Repeat("x", 20<<20))}, "base64offset", "contains")},
		{"product of placeholders", "10000 texts", item([]sigma.Value{text("%many%%many%")}, "expand")},
		{"long texts by placeholders", "64 MiB", item([]sigma.Value{text("%ten%%ten%%ten%%ten%")}, "expand")},
		{"many placeholders", "20 placeholders", item([]sigma.Value{text(strings.Repeat("%one%", 21))}, "expand")},
		{"many values by placeholders", "64 MiB", item(slices.Repeat([]sigma.Value{text("%many%")}, 1000), "expand")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, ds := Lower(handMade(c.item), Options{Profile: profile})
			runtime.ReadMemStats(&after)
			if len(ds) != 1 || !strings.Contains(ds.Error(), c.want) {
				t.Errorf("findings %.300v, want %q", ds, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<30 {
				t.Errorf("took %d MiB", n>>20)
			}
		})
	}
	wide := text(strings.Repeat("*x", 1<<20) + "%ten%")
	if rules, ds := Lower(handMade(item([]sigma.Value{wide}, "expand")), Options{Profile: profile}); len(rules) != 0 || !ds.HasErrors() {
		t.Errorf("findings %.300v", ds)
	}
}
