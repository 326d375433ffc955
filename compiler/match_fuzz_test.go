package compiler_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// FuzzMatch runs a comparison of the fuzzer's making, and a random tree, over
// an event of its making. Nothing may panic or fail, and all ways of evaluating
// must agree.
func FuzzMatch(f *testing.F) {
	for op := range ir.Ops() {
		f.Add([]byte(`{"a":{"b":[1,"x",true,null,{"c":"2026-01-02T03:04:05Z"}]},"s":"[{\"Name\":\"n\",\"Value\":1.50}]"}`), uint64(op), uint8(op), "a.b", "x")
		f.Add([]byte(`{"A.B":"\u212a\u0130ß","l":["10.0.0.1:80","::ffff:10.0.0.1",-0.0,1e400,9007199254740993]}`), uint64(op+100), uint8(op), "l@ip", "10.0.0.0/8")
		f.Add([]byte(`[{"a":"x"},[[]],{"a":"X*?\\"}]`), uint64(op+200), uint8(op+16), "s{}[Name=n].Value", `*x?\*`)
		f.Add([]byte(`{"t":"2026-11-22 10:00:00","u":"2026-11-21"}`), uint64(op+300), uint8(op), "t@duration(86400,u)", "1.41")
		f.Add([]byte(`"x"`), uint64(op+400), uint8(op), "*", "X")
	}
	env, err := cel.NewEnv(compiler.Library())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64, op uint8, spec, value string) {
		tree := conformance.NewRandom(seed).Tree()
		trees := []ir.Expr{tree}
		if m := fuzzedMatch(op, spec, value); m != nil {
			trees = append(trees, m, &ir.Not{X: m}, &ir.Any{Over: ir.Field{Path: ir.Path{{Key: "l"}}}, X: &ir.Or{X: []ir.Expr{m, tree}}})
		}
		var rules []*ir.Rule
		for i, e := range trees {
			rules = append(rules, &ir.Rule{File: fmt.Sprint(i), Meta: sigma.Meta{ID: fmt.Sprint(i)}, When: e})
		}
		indexed, ds := compiler.NewRuleSetOf(rules, compiler.RuleSetOptions{AnySource: true})
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		whole, _ := compiler.NewRuleSetOf(rules, compiler.RuleSetOptions{AnySource: true, NoIndex: true})
		hits, err := indexed.MatchAs(event.Source{}, raw)
		if err != nil {
			return // no event
		}
		again, err := whole.MatchAs(event.Source{}, raw)
		if err != nil || fmt.Sprint(ids(hits)) != fmt.Sprint(ids(again)) {
			t.Fatalf("with index %v, without %v %v", ids(hits), ids(again), err)
		}
		if d := append(indexed.Disabled(), whole.Disabled()...); len(d) > 0 {
			t.Fatal(d)
		}
		if _, err := indexed.Match(raw); err != nil {
			t.Fatal(err)
		}
		if _, err := indexed.Explain("", raw); err != nil {
			t.Fatal(err)
		}
		for i, e := range trees {
			text, err := compiler.CEL(rules[i])
			if err != nil {
				t.Fatal(err)
			}
			ast, issues := env.Compile(text)
			if issues.Err() != nil {
				t.Fatalf("%s: %v", text, issues.Err())
			}
			prg, err := env.Program(ast)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			out, _, err := prg.Eval(map[string]any{"event": decoded(t, raw)})
			held := slices.ContainsFunc(hits, func(h compiler.Hit) bool { return h.Rule.ID == fmt.Sprint(i) })
			if err != nil || out.Value() != held {
				t.Fatalf("%s\nover %s: bare %v %v, rule set %v\n%s", text, raw, out, err, held, ir.Print(e))
			}
		}
	})
}

func ids(hits []compiler.Hit) (out []string) {
	for _, h := range hits {
		matched, err := json.Marshal(h.Matched())
		if err != nil {
			panic(err)
		}
		out = append(out, fmt.Sprint(h.Rule.ID, " ", h.ID(), h.Selections(), string(matched)))
	}
	return out
}

func decoded(t *testing.T, raw []byte) any {
	rs, _ := compiler.NewRuleSetOf([]*ir.Rule{{When: ir.Const(true)}}, compiler.RuleSetOptions{})
	hits, err := rs.MatchAs(event.Source{}, raw)
	if err != nil {
		t.Fatal(err)
	}
	return event.Unwrap(hits[0].Event())
}

// fuzzedMatch makes a comparison that lowering could have made, or nil.
func fuzzedMatch(op uint8, spec, value string) ir.Expr {
	field, err := ir.ParseFieldSpec(spec)
	if err != nil {
		return nil
	}
	m := &ir.Match{Field: field, Op: ir.Ops()[int(op)%len(ir.Ops())]}
	text := string([]rune(value))
	number := ir.Number{IsInt: true, Int: int64(len(value)) - 3}
	if len(value)%2 == 1 {
		number = ir.Number{Float: float64(len(value)) / 3}
	}
	switch m.Op {
	case ir.Equal:
		m.Values = []ir.Value{ir.String(text), number, ir.Bool(len(value)%3 == 0)}
		m.Cased = op&16 != 0
	case ir.Contains, ir.StartsWith, ir.EndsWith:
		m.Values = []ir.Value{ir.String(text), ir.FieldRef{Field: ir.Field{Path: ir.Path{{Key: text + "x"}}}}}
		m.Cased = op&16 != 0
	case ir.Like:
		m.Values = []ir.Value{ir.ParsePattern(text)}
		m.Cased = op&16 != 0
	case ir.Regexp:
		if _, err := regexp.Compile(text); err != nil {
			return nil
		}
		m.Values = []ir.Value{ir.Regex(text)}
	case ir.InNetwork:
		p, err := netip.ParsePrefix(value)
		if err != nil {
			return nil
		}
		m.Values = []ir.Value{ir.PrefixOf(p)}
	case ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual:
		m.Values = []ir.Value{number}
	}
	return m
}
