package compiler

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// EvaluateNatively compiles all rules and has them evaluated by functions over
// the same leaves instead of as CEL, to compare the speeds.
func EvaluateNatively(rs *RuleSet) {
	rs.Prepare()
	for _, l := range rs.rules {
		for _, p := range l.programs {
			for _, q := range p.group.predicates {
				if _, done := q.program.(nativeProgram); !done && q.err == nil {
					q.program = nativeProgram{q.program, nativeTree(rs.leaves, q.tree, false)}
				}
			}
		}
	}
}

type nativeProgram struct {
	cel.Program
	holds func(*subject) bool
}

func (p nativeProgram) Eval(input any) (ref.Val, *cel.EvalDetails, error) {
	v, _ := input.(*interpreter.ExecutionFrame).ResolveName(celEvent)
	return types.Bool(p.holds(v.(*subject))), nil, nil
}

func nativeTree(set *leafSet, e ir.Expr, element bool) func(*subject) bool {
	all := func(xs []ir.Expr) (out []func(*subject) bool) {
		for _, x := range xs {
			out = append(out, nativeTree(set, x, element))
		}
		return out
	}
	switch e := e.(type) {
	case *ir.And:
		parts := all(e.X)
		return func(s *subject) bool {
			for _, p := range parts {
				if !p(s) {
					return false
				}
			}
			return true
		}
	case *ir.Or:
		parts := all(e.X)
		return func(s *subject) bool {
			for _, p := range parts {
				if p(s) {
					return true
				}
			}
			return false
		}
	case *ir.Not:
		x := nativeTree(set, e.X, element)
		return func(s *subject) bool { return !x(s) }
	case ir.Const:
		return func(*subject) bool { return bool(e) }
	case *ir.Selection:
		return nativeTree(set, e.X, element)
	case *ir.Any:
		f, err := set.field(e.Over, element)
		if err != nil {
			panic(err)
		}
		x := nativeTree(set, e.X, true)
		return func(s *subject) bool {
			for _, el := range s.elements(f) {
				if x(el) {
					return true
				}
			}
			return false
		}
	case *ir.Match:
		l, err := set.leaf(e, element)
		if err != nil {
			panic(err)
		}
		return func(s *subject) bool { return s.holds(l) }
	}
	panic("compiler: unknown node")
}

// LoweredForEvents tells what rules are lowered to for all event forms, either
// with what forms share, as a set does it, or each table by itself.
func LoweredForEvents(docs []*sigma.Document, opts Options, share bool) (rules [][]*ir.Rule, found []sigma.Diagnostics) {
	forms, err := eventPipelines(nil)
	if err != nil {
		panic(err)
	}
	forms = append(forms, nil)
	pool := newLoadPool()
	for _, d := range docs {
		shared := &forEvents{pool: pool}
		if !share {
			shared = nil
		}
		var rs []*ir.Rule
		var ds sigma.Diagnostics
		for _, p := range forms {
			if p != nil && len(p.sources(d.LogSource)) == 0 {
				continue
			}
			opts.Pipeline = p
			out, more := lowerRuleFor(d, &opts, shared)
			for _, l := range out {
				rs = append(rs, l.rule)
			}
			ds = append(ds, more...)
		}
		rules, found = append(rules, rs), append(found, ds)
	}
	return rules, found
}
