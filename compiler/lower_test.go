package compiler

import (
	"math"
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

func TestStarMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"sel*", "selection", true}, {"sel*", "asel", false}, {"*", "", true}, {"*_main", "filter_main", true},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"a*a", "a", false}, {"abc", "abc", true}, {"abc", "abcd", false}, {"**x", "x", true},
	} {
		if got := starMatch(c.pattern, c.name); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.name, got)
		}
	}
}
