package compiler

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/rulewright/rulewright/compiler/ir"
)

// celPlan is the one function of skeletons: its argument is the number of a plan.
const celPlan = "plan"

// skeleton is the CEL expression of a tree as CEL prints it, with one
// difference: a call of the library's functions, whose lists may be long, is one
// of celPlan, so that nothing is printed, parsed or checked to evaluate it.
type skeleton struct {
	set   *leafSet
	make  ast.ExprFactory
	id    int64
	refs  map[int64]*ast.ReferenceInfo
	plans []plan
	level int
}

// newProgram plans a tree as a CEL program over the leaves of a set.
func newProgram(env *cel.Env, set *leafSet, e ir.Expr) (cel.Program, error) {
	k := &skeleton{set: set, make: ast.NewExprFactory(), refs: map[int64]*ast.ReferenceInfo{}}
	x, err := k.expr(e, 0)
	if err != nil {
		return nil, err
	}
	tree := ast.NewCheckedAST(ast.NewAST(x, ast.NewSourceInfo(nil)), map[int64]*types.Type{}, k.refs)
	return env.PlanProgram(tree, cel.CustomDecoratorV2(k.decorate))
}

func (k *skeleton) next() int64 {
	k.id++
	return k.id
}

// call makes a call of a function of CEL's own.
func (k *skeleton) call(name, overload string, args ...ast.Expr) ast.Expr {
	id := k.next()
	k.refs[id] = ast.NewFunctionReference(overload)
	return k.make.NewCall(id, name, args...)
}

func (k *skeleton) ident(name string) ast.Expr {
	id := k.next()
	k.refs[id] = ast.NewIdentReference(name, nil)
	return k.make.NewIdent(id, name)
}

func (k *skeleton) truth(b bool) ast.Expr { return k.make.NewLiteral(k.next(), types.Bool(b)) }

// planned makes a call of celPlan on the subject of a depth.
func (k *skeleton) planned(p plan, depth int) ast.Expr {
	k.plans = append(k.plans, p)
	number := k.make.NewLiteral(k.next(), types.Int(len(k.plans)-1))
	return k.make.NewMemberCall(k.next(), celPlan, k.ident(celVariable(depth)), number)
}

func (k *skeleton) expr(e ir.Expr, depth int) (ast.Expr, error) {
	if k.level++; k.level > maxCELDepth {
		return nil, fmt.Errorf("the rule's conditions are more than %d deep", maxCELDepth)
	}
	defer func() { k.level-- }()
	switch e := e.(type) {
	case *ir.And:
		return k.all(e.X, operators.LogicalAnd, overloads.LogicalAnd, true, depth)
	case *ir.Or:
		return k.all(e.X, operators.LogicalOr, overloads.LogicalOr, false, depth)
	case *ir.Not:
		x, err := k.expr(e.X, depth)
		if err != nil {
			return nil, err
		}
		return k.call(operators.LogicalNot, overloads.LogicalNot, x), nil
	case ir.Const:
		return k.truth(bool(e)), nil
	case *ir.Selection:
		return k.expr(e.X, depth)
	case *ir.Any:
		f, err := k.set.field(e.Over, depth > 0)
		if err != nil {
			return nil, err
		}
		x, err := k.expr(e.X, depth+1)
		if err != nil {
			return nil, err
		}
		return k.exists(k.planned(plan{over: f}, depth), celVariable(depth+1), x), nil
	case *ir.Match:
		l, err := k.set.leaf(e, depth > 0)
		if err != nil {
			return nil, err
		}
		return k.planned(plan{leaf: l}, depth), nil
	}
	panic("compiler: unknown node")
}

// all makes a conjunction or disjunction; none is what that of nothing is.
func (k *skeleton) all(x []ir.Expr, name, overload string, none bool, depth int) (ast.Expr, error) {
	args := make([]ast.Expr, len(x))
	for i := range x {
		var err error
		if args[i], err = k.expr(x[i], depth); err != nil {
			return nil, err
		}
	}
	switch len(args) {
	case 0:
		return k.truth(none), nil
	case 1:
		return args[0], nil
	}
	return k.call(name, overload, args...), nil
}

// exists is what CEL's macro of that name expands to.
func (k *skeleton) exists(list ast.Expr, variable string, x ast.Expr) ast.Expr {
	found := k.make.AccuIdentName()
	goOn := k.call(operators.NotStrictlyFalse, overloads.NotStrictlyFalse,
		k.call(operators.LogicalNot, overloads.LogicalNot, k.ident(found)))
	step := k.call(operators.LogicalOr, overloads.LogicalOr, k.ident(found), x)
	return k.make.NewComprehension(k.next(), list, variable, found, k.truth(false), goOn, step, k.ident(found))
}

// decorate turns calls of celPlan into what they stand for.
func (k *skeleton) decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || call.Function() != celPlan {
		return i, nil
	}
	n, _ := constant(call.Args()[1])
	return newLeafCall(call, k.plans[n.(types.Int)]), nil
}
