package compiler

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Limits of CEL texts. cel-go's own are lower than real rules are long: one
// SigmaHQ rule's list alone has some 250,000 characters.
const (
	maxCELCodePoints = 16 << 20
	maxCELNodes      = 4 << 20
	maxCELDepth      = 1000
)

// The variable and the functions that printed texts are made of. Each function
// is a member of the event or of an element e1, e2 … of a list block; its first
// argument is a field as ir.Field.Spec writes it, its second a list of values
// or, of the …Field functions, another field.
const (
	celEvent    = "event"
	celElements = "elements"
)

type celName struct {
	op    ir.Op
	cased bool
}

var celNames = map[celName]string{
	{ir.Equal, false}: "equalsAny", {ir.Equal, true}: "equalsAnyCased",
	{ir.Contains, false}: "containsAny", {ir.Contains, true}: "containsAnyCased",
	{ir.StartsWith, false}: "startsWithAny", {ir.StartsWith, true}: "startsWithAnyCased",
	{ir.EndsWith, false}: "endsWithAny", {ir.EndsWith, true}: "endsWithAnyCased",
	{ir.Like, false}: "likeAny", {ir.Like, true}: "likeAnyCased",
	{ir.Regexp, false}: "matchesAny", {ir.InNetwork, false}: "inNetwork",
	{ir.Less, false}: "less", {ir.LessOrEqual, false}: "lessOrEqual",
	{ir.Greater, false}: "greater", {ir.GreaterOrEqual, false}: "greaterOrEqual",
	{ir.Null, false}: "isNull", {ir.Exists, false}: "has",
}

var celFieldNames = map[celName]string{
	{ir.Equal, false}: "equalsField", {ir.Equal, true}: "equalsFieldCased",
	{ir.Contains, false}: "containsField", {ir.Contains, true}: "containsFieldCased",
	{ir.StartsWith, false}: "startsWithField", {ir.StartsWith, true}: "startsWithFieldCased",
	{ir.EndsWith, false}: "endsWithField", {ir.EndsWith, true}: "endsWithFieldCased",
}

// Library returns the functions that printed texts use, for cel.NewEnv. It
// declares the variable event, of any type: bind a map[string]any, as
// encoding/json makes it, or an event.Object. The functions are total; none
// returns an error but for work beyond a limit. List arguments that are
// constant are made ready once, when a program is planned.
func Library() cel.EnvOption { return cel.Lib(&library{}) }

// library implements cel.Library. Programs of a set share its leaves.
type library struct{ set *leafSet }

func (l *library) LibraryName() string { return "rulewright" }

func (l *library) CompileOptions() []cel.EnvOption {
	opts := []cel.EnvOption{
		cel.ParserExpressionSizeLimit(maxCELCodePoints),
		cel.ParserRecursionLimit(maxCELDepth),
		cel.ExpressionNodeLimit(maxCELNodes),
		cel.Variable(celEvent, cel.DynType),
	}
	member := func(name string, result *cel.Type, second *cel.Type) {
		args := []*cel.Type{cel.DynType, cel.StringType}
		if second != nil {
			args = append(args, second)
		}
		opts = append(opts, cel.Function(name, cel.MemberOverload("rulewright_"+name, args, result,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val { return callDynamic(name, args) }))))
	}
	for n, name := range celNames {
		if n.op == ir.Null || n.op == ir.Exists {
			member(name, cel.BoolType, nil)
		} else {
			member(name, cel.BoolType, cel.ListType(cel.DynType))
		}
	}
	for _, name := range celFieldNames {
		member(name, cel.BoolType, cel.StringType)
	}
	member(celElements, cel.ListType(cel.DynType), nil)
	return opts
}

func (l *library) ProgramOptions() []cel.ProgramOption {
	return []cel.ProgramOption{cel.CustomDecoratorV2(l.decorate)}
}

// celCall is a call of one of the library's functions, read from its arguments.
type celCall struct {
	over  *ir.Field // of elements
	match *ir.Match // of all others
}

var celCalls = func() map[string]func(spec ir.Field, second []ref.Val) (celCall, error) {
	calls := map[string]func(ir.Field, []ref.Val) (celCall, error){}
	for n, name := range celNames {
		calls[name] = func(f ir.Field, second []ref.Val) (celCall, error) {
			m := &ir.Match{Field: f, Op: n.op, Cased: n.cased, Values: make([]ir.Value, len(second))}
			for i, v := range second {
				var err error
				if m.Values[i], err = fromCEL(n.op, v); err != nil {
					return celCall{}, err
				}
			}
			return celCall{match: m}, nil
		}
	}
	for n, name := range celFieldNames {
		calls[name] = func(f ir.Field, second []ref.Val) (celCall, error) {
			spec, ok := second[0].(types.String)
			if !ok {
				return celCall{}, errors.New("the other field is no string")
			}
			other, err := ir.ParseFieldSpec(string(spec))
			if err != nil {
				return celCall{}, err
			}
			return celCall{match: &ir.Match{Field: f, Op: n.op, Cased: n.cased, Values: []ir.Value{ir.FieldRef{Field: other}}}}, nil
		}
	}
	calls[celElements] = func(f ir.Field, _ []ref.Val) (celCall, error) { return celCall{over: &f}, nil }
	return calls
}()

func fromCEL(op ir.Op, v ref.Val) (ir.Value, error) {
	switch v := v.(type) {
	case types.String:
		switch op {
		case ir.Like:
			return ir.ParsePattern(string(v)), nil
		case ir.Regexp:
			return ir.Regex(v), nil
		case ir.InNetwork:
			p, err := netip.ParsePrefix(string(v))
			return ir.PrefixOf(p), err
		}
		return ir.String(v), nil
	case types.Int:
		return ir.Number{IsInt: true, Int: int64(v)}, nil
	case types.Double:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, errors.New("not a finite number")
		}
		return ir.Number{Float: float64(v)}, nil
	case types.Bool:
		return ir.Bool(v), nil
	}
	return nil, fmt.Errorf("a value of type %s cannot be compared with", v.Type().TypeName())
}

// readCall reads a call's arguments behind the subject.
func readCall(name string, args []ref.Val) (celCall, error) {
	spec, ok := args[0].(types.String)
	if !ok {
		return celCall{}, fmt.Errorf("%s: the field is no string", name)
	}
	f, err := ir.ParseFieldSpec(string(spec))
	if err != nil {
		return celCall{}, fmt.Errorf("%s: %w", name, err)
	}
	second := args[1:]
	if len(second) == 1 {
		if list, ok := second[0].(traits.Lister); ok {
			second = nil
			for it := list.Iterator(); it.HasNext() == types.True; {
				second = append(second, it.Next())
			}
		}
	}
	c, err := celCalls[name](f, second)
	if err != nil {
		return celCall{}, fmt.Errorf("%s(%q): %w", name, string(spec), err)
	}
	return c, nil
}

// callDynamic serves calls whose arguments are not constant.
func callDynamic(name string, args []ref.Val) ref.Val {
	c, err := readCall(name, args[1:])
	if err != nil {
		return types.WrapErr(err)
	}
	p, err := newPlan(nil, c, false)
	if err != nil {
		return types.WrapErr(err)
	}
	return p.run(args[0])
}

// plan is a call made ready.
type plan struct {
	leaf *leaf
	over *field
}

func newPlan(set *leafSet, c celCall, element bool) (p plan, err error) {
	if c.over != nil {
		p.over, err = set.field(*c.over, element)
	} else {
		p.leaf, err = set.leaf(c.match, element)
	}
	return p, err
}

// run runs a call on whatever stands in front of the dot.
func (p plan) run(v ref.Val) ref.Val {
	if s, ok := v.(*subject); ok && s.cursor != nil {
		return p.on(s)
	}
	if el, ok := v.(*subject); ok {
		return p.runBare(el.value)
	}
	return p.runBare(fromAdapter(v))
}

// runBare runs a call on an event or element as it is, outside a RuleSet.
func (p plan) runBare(v any) ref.Val {
	c := bareCursors.Get().(*cursor)
	c.cost = maxMatchCost
	c.arena.reset()
	out := p.on(&subject{value: v, cursor: c})
	if cap(c.nodes) <= maxKeptScalars {
		bareCursors.Put(c)
	}
	return out
}

var bareCursors = sync.Pool{New: func() any { return &cursor{} }}

// ErrCost is what a RuleError wraps of a rule that met the limit of work over an
// event (docs/limits.md). The rule stays.
var ErrCost = errors.New("the limit of work for one rule and event was met")

func (p plan) on(s *subject) ref.Val {
	if p.leaf != nil {
		return p.leaf.on(s)
	}
	els := s.elements(p.over)
	if s.cursor.cost < 0 {
		return types.WrapErr(ErrCost)
	}
	if s.cursor.keep && p.over.slot >= 0 {
		y := s.slot(p.over)
		if y.list == nil {
			y.list = celList(els)
		}
		return y.list
	}
	for _, el := range els {
		el.cursor = nil // the cursor goes back to its pool
	}
	return celList(els)
}

func (l *leaf) on(s *subject) ref.Val {
	ok := s.holds(l)
	if s.cursor.cost < 0 {
		return types.WrapErr(ErrCost)
	}
	return types.Bool(ok)
}

func celList(els []*subject) ref.Val {
	vals := make([]ref.Val, len(els))
	for i, el := range els {
		vals[i] = el
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

// fromAdapter returns what a CEL value was made from.
func fromAdapter(v ref.Val) any {
	if v == nil || types.IsUnknownOrError(v) || v == ref.Val(types.NullValue) {
		return nil
	}
	switch v := v.(type) {
	case traits.Mapper:
		switch x := v.Value().(type) {
		case map[string]any:
			return x
		}
		m := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			if s, ok := k.(types.String); ok {
				m[string(s)] = fromAdapter(v.Get(k))
			}
		}
		return m
	case traits.Lister:
		if x, ok := v.Value().([]any); ok {
			return x
		}
		var l []any
		for it := v.Iterator(); it.HasNext() == types.True; {
			l = append(l, fromAdapter(it.Next()))
		}
		return l
	}
	return v.Value()
}

// decorate turns calls with constant arguments into leaves. Arguments that no
// leaf can be made from are an error when the program is planned.
func (l *library) decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || celCalls[call.Function()] == nil || len(call.Args()) < 2 {
		return i, nil
	}
	args := make([]ref.Val, 0, 2)
	for _, a := range call.Args()[1:] {
		v, ok := constant(a)
		if !ok {
			return i, nil
		}
		args = append(args, v)
	}
	c, err := readCall(call.Function(), args)
	if err != nil {
		return nil, err
	}
	out := newLeafCall(call, plan{})
	if out.plan, err = newPlan(l.set, c, out.name != celEvent); err != nil {
		return nil, fmt.Errorf("%s: %w", call.Function(), err)
	}
	return out, nil
}

func newLeafCall(call interpreter.InterpretableCall, p plan) *leafCall {
	out := &leafCall{id: call.ID(), target: call.Args()[0], plan: p}
	if a, ok := out.target.(interpreter.InterpretableAttribute); ok {
		if n, ok := a.Attr().(interpreter.NamespacedAttribute); ok && len(n.Qualifiers()) == 0 && len(n.CandidateVariableNames()) == 1 {
			out.name = n.CandidateVariableNames()[0]
		}
	}
	if out.name == celEvent {
		out.own = p.leaf
	}
	return out
}

func constant(i interpreter.InterpretableV2) (ref.Val, bool) {
	switch i := i.(type) {
	case interpreter.InterpretableConst:
		return i.Value(), true
	case interpreter.InterpretableConstructor:
		if i.Type() != types.ListType {
			return nil, false
		}
		vals := make([]ref.Val, len(i.InitVals()))
		for n, x := range i.InitVals() {
			c, ok := x.(interpreter.InterpretableConst)
			if !ok {
				return nil, false
			}
			vals[n] = c.Value()
		}
		return types.NewRefValList(types.DefaultTypeAdapter, vals), true
	}
	return nil, false
}

// leafCall is a planned call of one of the library's functions.
type leafCall struct {
	id     int64
	target interpreter.InterpretableV2
	name   string // of the variable that target reads, if it is one
	plan   plan
	own    *leaf // asked of the event itself: where a RuleSet evaluates, nothing is looked up by name
}

func (c *leafCall) ID() int64 { return c.id }

func (c *leafCall) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}

func (c *leafCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	if s, ok := frame.Activation.(*scratch); ok && c.own != nil {
		return c.own.on(s.event)
	}
	if c.name != "" {
		if v, ok := frame.ResolveName(c.name); ok {
			switch v := v.(type) {
			case *subject:
				return c.plan.run(v)
			case ref.Val:
			default:
				return c.plan.runBare(v)
			}
		}
	}
	v := c.target.Exec(frame)
	if types.IsUnknownOrError(v) {
		return v
	}
	return c.plan.run(v)
}

// A subject is a CEL value that nothing but the library's functions looks into.

var subjectType = cel.ObjectType("rulewright.Event")

func (s *subject) ConvertToNative(t reflect.Type) (any, error) {
	if s.value != nil && reflect.TypeOf(s.value).AssignableTo(t) {
		return s.value, nil
	}
	return nil, fmt.Errorf("an event cannot be converted to %s", t)
}

func (s *subject) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("an event cannot be converted to %s", t.TypeName())
}

func (s *subject) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(s) == other) }
func (s *subject) Type() ref.Type              { return subjectType }
func (s *subject) Value() any                  { return s.value }
