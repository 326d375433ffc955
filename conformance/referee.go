package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// A Referee answers questions by one engine.
type Referee interface {
	Name() string
	// Verdicts answers for each of the question's events, in order. An error
	// that wraps ErrUnsupported says that the engine refuses the rule, one that
	// wraps ErrMissing that the engine is not there; any other is a failure.
	Verdicts(ctx context.Context, q Question) ([]Verdict, error)
}

// What a Referee may say instead of verdicts.
var (
	ErrUnsupported = errors.New("not supported")
	ErrMissing     = errors.New("referee missing")
)

// Question is a rule and events of one source that it is put to.
type Question struct {
	// Rule is the rule for the events' source. It lacks nothing.
	Rule *ir.Rule
	// Source of the events; the zero Source is any.
	Source event.Source
	Events []any

	// Document and Options are what Rule was lowered from. Document is nil for
	// a rule that nobody wrote.
	Document *sigma.Document
	Options  compiler.Options
}

// Verdict is an engine's answer for one event.
type Verdict struct {
	Match bool
	// Selections that hold, whatever the rule says as a whole; nil where the
	// engine does not know.
	Selections []string
}

// Referees returns those that need nothing but this module: the reference
// interpreter first, then the ways in which the compiler evaluates.
func Referees() []Referee {
	return []Referee{ReferenceReferee(), CELText(), RuleSet(true), RuleSet(false)}
}

// ReferenceReferee is the interpreter of Reference.
func ReferenceReferee() Referee { return reference{} }

type reference struct{}

func (reference) Name() string { return "reference" }

func (reference) Verdicts(_ context.Context, q Question) ([]Verdict, error) {
	verdicts := make([]Verdict, len(q.Events))
	for i, ev := range q.Events {
		verdicts[i] = Verdict{Match: Reference(q.Rule.Predicate(), ev), Selections: []string{}}
		ir.Walk(q.Rule.When, func(e ir.Expr) bool {
			if s, ok := e.(*ir.Selection); ok && Reference(s.X, ev) {
				verdicts[i].Selections = append(verdicts[i].Selections, s.Name)
			}
			_, inList := e.(*ir.Any)
			return !inList
		})
	}
	return verdicts, nil
}

// CELText prints the rule as CEL, compiles the text in an environment that
// knows the compiler's library and nothing else, and evaluates it over the
// plain event.
func CELText() Referee { return celText{} }

type celText struct{}

func (celText) Name() string { return "cel-text" }

func (celText) Verdicts(_ context.Context, q Question) ([]Verdict, error) {
	text, err := compiler.CEL(q.Rule)
	if err != nil {
		return nil, err
	}
	program, err := compileCEL(text)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	verdicts := make([]Verdict, len(q.Events))
	for i, ev := range q.Events {
		out, _, err := program.Eval(map[string]any{"event": ev})
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, text)
		}
		match, ok := out.Value().(bool)
		if !ok {
			return nil, fmt.Errorf("the text gives %v, not a boolean\n%s", out.Type(), text)
		}
		verdicts[i].Match = match
	}
	return verdicts, nil
}

// bareEnv knows the compiler's library and nothing else.
var bareEnv = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(compiler.Library()) })

func compileCEL(text string) (cel.Program, error) {
	env, err := bareEnv()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, err
	}
	return env.Program(ast)
}

// RuleSet loads the rule into a compiler.RuleSet, with its index or without, and
// matches each event as a map, as an event.Object and as JSON text. The three
// must agree.
func RuleSet(index bool) Referee { return ruleSet{index} }

type ruleSet struct{ index bool }

func (r ruleSet) Name() string {
	if r.index {
		return "rule-set"
	}
	return "rule-set-no-index"
}

func (r ruleSet) Verdicts(_ context.Context, q Question) ([]Verdict, error) {
	opts := compiler.RuleSetOptions{Options: q.Options, NoIndex: !r.index, AnySource: q.Source == event.Source{}, Pipelines: []*compiler.Pipeline{}}
	if p := q.Options.Pipeline; p != nil {
		opts.Pipelines = append(opts.Pipelines, p) // others would not see the events
	}
	if q.Options.Pipeline != nil {
		opts.Pipelines = []*compiler.Pipeline{q.Options.Pipeline} // the other forms do not see the event
	}
	var set *compiler.RuleSet
	var ds sigma.Diagnostics
	if q.Document == nil {
		set, ds = compiler.NewRuleSetOf([]*ir.Rule{q.Rule}, opts)
	} else {
		set, ds = compiler.NewRuleSet([]*sigma.Document{q.Document}, opts)
	}
	if ds.HasErrors() {
		return nil, ds
	}
	verdicts := make([]Verdict, len(q.Events))
	for i, ev := range q.Events {
		text, err := json.Marshal(ev)
		if err != nil {
			return nil, err
		}
		shapes := []struct {
			name  string
			event any
		}{{"a map", ev}, {"an Object", normal(ev)}, {"JSON", text}}
		for j, shape := range shapes {
			hits, err := set.MatchAs(q.Source, shape.event)
			if err != nil {
				return nil, fmt.Errorf("as %s: %w", shape.name, err)
			}
			if disabled := set.Disabled(); len(disabled) > 0 {
				return nil, fmt.Errorf("as %s: %w", shape.name, disabled[0].Err)
			}
			match := len(hits) > 0
			if j > 0 && match != verdicts[i].Match {
				return nil, fmt.Errorf("%v of the event as %s, %v as %s", verdicts[i].Match, shapes[0].name, match, shape.name)
			}
			verdicts[i].Match = match
			if match {
				verdicts[i].Selections = append([]string{}, hits[0].Selections()...)
			}
		}
	}
	return verdicts, nil
}

// Missing stands for a referee that cannot be asked here, so that reports name
// it with the reason.
func Missing(name, reason string) Referee { return missing{name, reason} }

type missing struct{ name, reason string }

func (m missing) Name() string { return m.name }

func (m missing) Verdicts(context.Context, Question) ([]Verdict, error) {
	return nil, fmt.Errorf("%w: %s", ErrMissing, m.reason)
}
