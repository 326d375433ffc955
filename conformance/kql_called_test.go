package conformance

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// calledKQL is the referee KQL for queries that take as arguments what the
// profile of a case says. Where a rule asks for nothing it is not asked.
type calledKQL struct{ values, calls map[string]int }

func (*calledKQL) Name() string { return "kql, called" }

// arguments returns the declaration of a function's parameters and a call's
// arguments, from the values that a rule lowered with a profile has.
func (k *calledKQL) arguments(asked *ir.Rule, known []*ir.Rule) (declared, given string, err error) {
	var ds, gs []string
	for _, name := range asked.Asks() {
		binding, _ := bindingOf([]*ir.Rule{asked}, name, func(b ir.Binding) bool { return b.Read })
		b, ok := bindingOf(known, name, func(b ir.Binding) bool { return len(b.Values) > 0 })
		if !ok {
			return "", "", fmt.Errorf("%w: %s has no value", ErrUnsupported, name)
		}
		var texts []string
		for _, v := range b.Values {
			switch v := v.(type) {
			case ir.String:
				texts = append(texts, string(v))
			case ir.Prefix:
				texts = append(texts, netip.Prefix(v).String())
			case ir.Pattern:
				texts = append(texts, v.String())
			case ir.Number:
				texts = append(texts, v.String())
			default:
				return "", "", fmt.Errorf("%s has a value %T", name, v)
			}
		}
		typ, literal := "string", fmt.Sprintf("%q", texts[0])
		switch binding.Scalar {
		case "":
			for i, text := range texts {
				texts[i] = fmt.Sprintf("%q", text)
			}
			typ, literal = "dynamic", "dynamic(["+strings.Join(texts, ", ")+"])"
		case "number":
			typ, literal = "real", texts[0]
		case "duration":
			typ, literal = "timespan", texts[0]+"s"
		case "hours":
			if strings.Contains(texts[0], ";") {
				return "", "", fmt.Errorf("%w: a call gives one span of hours", ErrUnsupported)
			}
		}
		k.values[typ]++
		ds, gs = append(ds, name+":"+typ), append(gs, literal)
	}
	return strings.Join(ds, ", "), strings.Join(gs, ", "), nil
}

// bindingOf returns the parameter of that name that is of the kind wanted, of
// rules or of what they refer to.
func bindingOf(rules []*ir.Rule, name string, wanted func(ir.Binding) bool) (ir.Binding, bool) {
	for _, r := range rules {
		for _, b := range r.Source.Parameters {
			if b.Name == name && wanted(b) {
				return b, true
			}
		}
		if r.Correlation == nil {
			continue
		}
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				if b, ok := bindingOf([]*ir.Rule{t.Rule}, name, wanted); ok {
					return b, true
				}
			}
		}
	}
	return ir.Binding{}, false
}

// asking returns the options without a value of a parameter that has no default:
// whoever calls the query gives it.
func asking(opts compiler.Options, known []*ir.Rule) (compiler.Options, error) {
	opts.Ask = true
	for _, p := range opts.Catalogue {
		if _, ok := bindingOf(known, p.Name, func(ir.Binding) bool { return true }); ok && len(p.Default) == 0 {
			var err error
			if opts.Profile, err = opts.Profile.WithValue(p.Name); err != nil {
				return opts, err
			}
		}
	}
	return opts, nil
}

func called(declared, given, text string) string {
	return "let F = (" + declared + ") {\n" + text + "\n};\nF(" + given + ")"
}

func (k *calledKQL) Verdicts(ctx context.Context, q Question) (_ []Verdict, err error) {
	p := queryPipeline(q)
	if p == nil {
		return nil, fmt.Errorf("%w: no rows", ErrUnsupported)
	}
	known := q.Rule
	if q.Options, err = asking(q.Options, []*ir.Rule{known}); err != nil {
		return nil, err
	}
	opts := q.Options
	opts.Pipeline, opts.Table = p, q.Rule.Source.Table
	rules, ds := compiler.Lower(q.Document, opts)
	if ds.HasErrors() || len(rules) == 0 {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, ds)
	}
	if len(rules[0].Asks()) == 0 {
		return nil, fmt.Errorf("%w: it asks for nothing", ErrUnsupported)
	}
	declared, given, err := k.arguments(rules[0], []*ir.Rule{known})
	if err != nil {
		return nil, err
	}
	k.calls["events"]++
	return kqlReferee{change: func(text string) string { return called(declared, given, text) }}.Verdicts(ctx, q)
}

func (k *calledKQL) Hits(ctx context.Context, q StreamQuestion) ([]StreamHit, error) {
	if len(q.Events) > 0 && queryPipeline(Question{Source: q.Events[0].Source, Document: &sigma.Document{}, Rule: &ir.Rule{Source: ir.Source{Table: "any"}}}) == nil {
		return nil, fmt.Errorf("%w: no rows", ErrUnsupported)
	}
	known := q.Rules
	var err error
	if q.Options, err = asking(q.Options, known); err != nil {
		return nil, err
	}
	rules, ds := compiler.LowerAll(q.Documents, q.Options)
	if ds.HasErrors() {
		return nil, ds
	}
	asks := false
	for _, r := range rules {
		asks = asks || len(r.Asks()) > 0
	}
	if !asks {
		return nil, fmt.Errorf("%w: it asks for nothing", ErrUnsupported)
	}
	q.Rules = rules
	k.calls["histories"]++
	var failed error
	hits, err := kqlReferee{call: func(r *ir.Rule, text string) string {
		if len(r.Asks()) == 0 {
			return text
		}
		declared, given, err := k.arguments(r, known)
		if err != nil {
			failed = err
		}
		return called(declared, given, text)
	}}.Hits(ctx, q)
	if failed != nil {
		return nil, failed
	}
	return hits, err
}

// TestKQLCalled puts the fixtures of the pack to its rules as functions: called
// with the values of a case's profile they give the verdict of the rule that was
// lowered with it.
func TestKQLCalled(t *testing.T) {
	k := &calledKQL{values: map[string]int{}, calls: map[string]int{}}
	passed := 0
	for _, guide := range packGuides(t) {
		fsys, err := fs.Sub(fixtureFiles, "fixtures/"+guide)
		if err != nil {
			t.Fatal(err)
		}
		fixtures, ds := Load(fsys, LoadOptions{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		report := Evaluate(t.Context(), fixtures, []Referee{k})
		for _, x := range report.Results {
			if x.Outcome == Failed {
				t.Errorf("%s:%d: %s: %s", x.File, x.Line, x.Case, x.Reason)
			}
		}
		passed += report.Count(Passed)
	}
	t.Logf("%d cases are right; called for %v, with values %v", passed, k.calls, k.values)
	if k.calls["events"] == 0 || k.calls["histories"] == 0 || k.values["dynamic"] == 0 || k.values["string"] == 0 {
		t.Errorf("too little was called: %v, %v", k.calls, k.values)
	}
}
