package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// A StreamReferee finds the hits of correlations in a history by one engine.
// Of the Referees, those that are StreamReferees too are asked about cases with
// hits.
type StreamReferee interface {
	Name() string
	// Hits returns all hits in any order. Errors are as those of Referee.
	Hits(ctx context.Context, q StreamQuestion) ([]StreamHit, error)
}

// StreamQuestion is a set of rules with its correlations, and a history of
// events of one form that it is put to.
type StreamQuestion struct {
	// Rules are lowered for the form of the events, the inputs of a
	// correlation before it.
	Rules []*ir.Rule
	// Events in the order of arrival, with their sources, times and ids.
	Events   []event.Record
	Lateness time.Duration

	// Documents and Options are what Rules was lowered from.
	Documents []*sigma.Document
	Options   compiler.Options
}

// Hits is ReferenceStream.
func (reference) Hits(_ context.Context, q StreamQuestion) ([]StreamHit, error) {
	return ReferenceStream(q.Rules, q.Events, q.Lateness), nil
}

// Source says what an event of a fixture is: its form and table. It is empty for
// an event of FormAny, and where nobody can tell.
func (e *Event) Source() event.Source {
	s, _, err := e.source()
	if err != nil {
		return event.Source{}
	}
	return s
}

// source says what an event of a fixture is, and its pipeline; none for a rule
// without one.
func (e *Event) source() (event.Source, *compiler.Pipeline, error) {
	if e.Form == FormAny {
		return event.Source{}, nil, nil
	}
	source, _ := event.Detect(e.Event)
	if e.Form != "" && source.Form != e.Form {
		source = event.Source{Form: e.Form}
	}
	if e.Table != "" {
		source.Table = e.Table
	}
	if source.Form == "" || source.Table == "" {
		return source, nil, errors.New("nobody can tell its form and table; give form and table, or form: any for a rule without a pipeline")
	}
	pipeline, err := compiler.BuiltinPipeline(string(source.Form))
	return source, pipeline, err
}

// history lowers the fixture's rules for the events of a case.
func (f *Fixture) history(c *Case) (StreamQuestion, error) {
	profile, err := profileOf(c.Profile)
	if err != nil {
		return StreamQuestion{}, err
	}
	q := StreamQuestion{Documents: f.Documents, Lateness: c.Lateness, Options: compiler.Options{Catalogue: f.Catalogue, Profile: profile}}
	var form event.Form
	for i, e := range c.Events {
		source, pipeline, err := e.source()
		if err != nil {
			return q, fmt.Errorf("event %d: %w", i+1, err)
		}
		if i > 0 && source.Form != form {
			return q, fmt.Errorf("event %d: it is of the form %s, those before of %s; a history has one form", i+1, source.Form, form)
		}
		form, q.Options.Pipeline = source.Form, pipeline
		record := event.Record{Event: e.Event, Source: source, Time: e.Time, ID: e.ID}
		if e.Form != FormAny {
			record.Event = event.Unwrap(e.Event)
		}
		if record.Time.IsZero() {
			record.Time, _ = event.Time(e.Event, source)
		}
		if record.ID == "" {
			record.ID = event.ID(e.Event, source)
		}
		if record.ID == "" {
			record.ID = fmt.Sprintf("event %d", i+1)
		}
		q.Events = append(q.Events, record)
	}
	var ds sigma.Diagnostics
	if q.Rules, ds = compiler.LowerAll(q.Documents, q.Options); ds.HasErrors() {
		return q, fmt.Errorf("the rules do not compile: %w", ds.Errors())
	}
	return q, nil
}

// expected returns what a case expects of its history, as hits; those fields
// that the case leaves open are nil.
func (f *Fixture) expected(c *Case, rules []*ir.Rule) ([]StreamHit, error) {
	var hits []StreamHit
	for _, x := range c.Hits {
		rule := findRule(rules, x.Rule)
		if x.Rule == "" {
			rule = findRule(rules, RuleKey(&f.Rule().Meta))
		}
		if rule == nil {
			return nil, fmt.Errorf("line %d: there is no rule %q among the fixture's", x.Pos.Line, x.Rule)
		}
		h := StreamHit{Rule: RuleKey(&rule.Meta), Time: micros(x.Time), Event: x.Event, Repeats: x.Repeats}
		var groupBy, counted []string
		if rule.Correlation != nil {
			groupBy = rule.Correlation.GroupBy
		}
		if rule.Correlation != nil && rule.Correlation.Type == sigma.NewValue {
			counted = rule.Correlation.Counted
		}
		for _, of := range []struct {
			what   string
			fields []string
			given  map[string]string
			into   *[]string
		}{{"group", groupBy, x.Group, &h.Group}, {"new", counted, x.New, &h.Tuple}} {
			for _, name := range of.fields {
				*of.into = append(*of.into, of.given[name])
			}
			for _, name := range sortedKeys(of.given) {
				if !slices.Contains(of.fields, name) {
					return nil, fmt.Errorf("line %d: %s: %s has no field %s there", x.Pos.Line, of.what, h.Rule, name)
				}
			}
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// findRule finds a rule by id, name or title; of an old aggregation, its
// correlation.
func findRule(rules []*ir.Rule, name string) *ir.Rule {
	rules = slices.Clone(rules)
	slices.SortStableFunc(rules, func(a, b *ir.Rule) int {
		return cmp.Compare(strconv.FormatBool(a.Correlation == nil), strconv.FormatBool(b.Correlation == nil))
	})
	for _, is := range []func(*sigma.Meta) bool{
		func(m *sigma.Meta) bool { return m.IsCalled(name) },
		func(m *sigma.Meta) bool { return m.Title == name && name != "" },
	} {
		for _, r := range rules {
			if is(&r.Meta) {
				return r
			}
		}
	}
	return nil
}

// wrongHits compares hits with those that a case expects: what is missing, what
// is too much, and what differs.
func wrongHits(f *Fixture, c *Case, rules []*ir.Rule, got []StreamHit) []string {
	want, err := f.expected(c, rules)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	left := slices.Clone(got)
	for i, w := range want {
		x := c.Hits[i]
		at := slices.IndexFunc(left, func(h StreamHit) bool { return h.Identity() == w.Identity() })
		if at < 0 {
			wrong = append(wrong, fmt.Sprintf("line %d: no hit %s", x.Pos.Line, w.Identity()))
			continue
		}
		h := left[at]
		left = slices.Delete(left, at, at+1)
		if h.OnlyWhich {
			continue
		}
		if x.Value != nil && h.Value != *x.Value {
			wrong = append(wrong, fmt.Sprintf("line %d: the value is %v, want %v", x.Pos.Line, h.Value, *x.Value))
		}
		if h.Repeats != w.Repeats {
			wrong = append(wrong, fmt.Sprintf("line %d: %d repeats, want %d", x.Pos.Line, h.Repeats, w.Repeats))
		}
		if x.Contributing != nil {
			var ids []string
			for _, by := range h.Contributing {
				ids = append(ids, by.Event)
			}
			if !sameMembers(ids, x.Contributing) {
				wrong = append(wrong, fmt.Sprintf("line %d: %q contribute, want %q", x.Pos.Line, ids, x.Contributing))
			}
		}
	}
	for _, h := range left {
		wrong = append(wrong, "a hit too many: "+h.Identity())
	}
	return wrong
}

func sameMembers(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// isHistory reports whether a case is about the hits of a history.
func (f *Fixture) isHistory(c *Case) bool {
	return c.Hits != nil || f.Rule().Kind == sigma.KindCorrelation
}

// evaluateHistory puts a case with hits to the referees that can answer.
func (r *Report) evaluateHistory(ctx context.Context, f *Fixture, c *Case, referees []Referee) {
	q, err := f.history(c)
	for _, referee := range referees {
		of, ok := referee.(StreamReferee)
		if !ok {
			continue
		}
		x := Result{File: f.File, Line: c.Pos.Line, Case: c.Name, Referee: referee.Name(), Outcome: Passed}
		var wrong []string
		switch rule := findRule(q.Rules, RuleKey(&f.Rule().Meta)); {
		case err != nil:
			wrong = []string{err.Error()}
		case c.Expect == ExpectNotRun && rule != nil && len(rule.Lacks) > 0:
		case c.Expect == ExpectNotRun:
			wrong = []string{"the rule runs, want not run"}
		case c.Hits == nil:
			wrong = []string{"the rule is a correlation; say which hits there are instead of expect: " + string(c.Expect)}
		case rule != nil && len(rule.Lacks) > 0:
			wrong = []string{"the rule does not run, it lacks " + strings.Join(rule.Lacks, ", ")}
		default:
			hits, skip := hitsOf(ctx, of, q)
			switch {
			case errors.Is(skip, ErrMissing), errors.Is(skip, ErrUnsupported):
				x.Outcome, x.Reason = Skipped, skip.Error()
				if errors.Is(skip, ErrMissing) {
					r.Missing[referee.Name()] = strings.TrimPrefix(skip.Error(), ErrMissing.Error()+": ")
				}
			case skip != nil:
				wrong = []string{skip.Error()}
			default:
				wrong = wrongHits(f, c, q.Rules, hits)
			}
		}
		if len(wrong) > 0 {
			x.Outcome, x.Reason = Failed, strings.Join(wrong, "\n")
		}
		r.Results = append(r.Results, x)
	}
}

// hitsOf asks a referee; a panic is its failure, not that of the run.
func hitsOf(ctx context.Context, referee StreamReferee, q StreamQuestion) (hits []StreamHit, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return referee.Hits(ctx, q)
}
