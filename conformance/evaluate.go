package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Outcome of a case with one referee.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is what one referee made of one case.
type Result struct {
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Case    string  `json:"case"`
	Referee string  `json:"referee"`
	Outcome Outcome `json:"outcome"`
	// Reason says why a case failed or was skipped, one line for each event
	// concerned.
	Reason string `json:"reason,omitempty"`
}

// Report holds the results in the order of the fixtures, and for each case of
// the referees.
type Report struct {
	Results []Result `json:"results"`
	// Missing are the referees that could not be asked, with the reason.
	Missing map[string]string `json:"missing,omitempty"`
}

// Count returns how many results have the outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, x := range r.Results {
		if x.Outcome == o {
			n++
		}
	}
	return n
}

// Summary returns "N passed, N failed, N skipped".
func (r *Report) Summary() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", r.Count(Passed), r.Count(Failed), r.Count(Skipped))
}

// WriteText prints failures, missing referees and the summary, a line each.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, x := range r.Results {
		if x.Outcome == Failed {
			fmt.Fprintf(&b, "%s:%d: %s: %s: %s\n", x.File, x.Line, x.Case, x.Referee, strings.ReplaceAll(x.Reason, "\n", "\n\t"))
		}
	}
	for _, name := range sortedKeys(r.Missing) {
		fmt.Fprintf(&b, "missing referee %s: %s\n", name, r.Missing[name])
	}
	b.WriteString(r.Summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON prints the report as one JSON object: its results, the missing
// referees and the counts.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		*Report
		Passed  int `json:"passed"`
		Failed  int `json:"failed"`
		Skipped int `json:"skipped"`
	}{r, r.Count(Passed), r.Count(Failed), r.Count(Skipped)})
}

func sortedKeys[V any](m map[string]V) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

// Evaluate puts every case of the fixtures to every referee. It stops early,
// with the cases left out, when ctx ends.
func Evaluate(ctx context.Context, fixtures []*Fixture, referees []Referee) *Report {
	r := &Report{Missing: map[string]string{}}
	for _, f := range fixtures {
		for i := range f.Cases {
			if ctx.Err() != nil {
				return r
			}
			r.evaluate(ctx, f, &f.Cases[i], referees)
		}
	}
	return r
}

func (r *Report) evaluate(ctx context.Context, f *Fixture, c *Case, referees []Referee) {
	if f.isHistory(c) {
		r.evaluateHistory(ctx, f, c, referees)
		return
	}
	questions, err := f.questions(c)
	for _, referee := range referees {
		x := Result{File: f.File, Line: c.Pos.Line, Case: c.Name, Referee: referee.Name(), Outcome: Passed}
		var wrong []string
		switch {
		case err != nil:
			wrong = append(wrong, err.Error())
		default:
			for _, q := range questions {
				reason, skip := q.ask(ctx, c, referee)
				switch {
				case errors.Is(skip, ErrMissing):
					x.Outcome = Skipped
					x.Reason = skip.Error()
					r.Missing[referee.Name()] = strings.TrimPrefix(skip.Error(), ErrMissing.Error()+": ")
				case skip != nil:
					x.Outcome = Skipped
					x.Reason = skip.Error()
				case reason != "":
					wrong = append(wrong, reason)
				}
			}
		}
		if len(wrong) > 0 {
			x.Outcome, x.Reason = Failed, strings.Join(wrong, "\n")
		}
		r.Results = append(r.Results, x)
	}
}

// eventQuestion is one event of a case with the rules that it is put to: none
// when the rule does not see the event's source.
type eventQuestion struct {
	number   int // of the event in the case, from 1
	document *sigma.Document
	options  compiler.Options
	source   event.Source
	event    any
	rules    []*ir.Rule
}

// questions lowers the fixture's rule for each event of the case.
func (f *Fixture) questions(c *Case) ([]eventQuestion, error) {
	profile, err := profileOf(c.Profile)
	if err != nil {
		return nil, err
	}
	var questions []eventQuestion
	for i, e := range c.Events {
		q := eventQuestion{number: i + 1, document: f.Rule(), event: e.Event,
			options: compiler.Options{Filters: f.Filters(), Catalogue: f.Catalogue, Profile: profile}}
		if e.Form != FormAny {
			q.event = event.Unwrap(e.Event)
		}
		if q.source, q.options.Pipeline, err = e.source(); err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		rules, ds := compiler.Lower(q.document, q.options)
		if ds.HasErrors() {
			return nil, fmt.Errorf("event %d: the rule does not compile: %w", i+1, ds.Errors())
		}
		for _, rule := range rules {
			if rule.Source.Table == "" || e.Form == FormAny || strings.EqualFold(rule.Source.Table, q.source.Table) {
				q.rules = append(q.rules, rule)
			}
		}
		questions = append(questions, q)
	}
	return questions, nil
}

// profileOf makes a profile of a fixture's values.
func profileOf(values map[string]any) (*compiler.Profile, error) {
	var p *compiler.Profile
	var err error
	for _, name := range sortedKeys(values) {
		list, ok := values[name].([]any)
		if !ok && values[name] != nil {
			list = []any{values[name]}
		}
		if p, err = p.WithValue(name, list...); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// ask puts one event to a referee. It returns what is wrong with the answer, or
// why there is none.
func (q *eventQuestion) ask(ctx context.Context, c *Case, referee Referee) (wrong string, skip error) {
	match, held, known := false, []string(nil), false
	for _, rule := range q.rules {
		if len(rule.Lacks) > 0 {
			if c.Expect == ExpectNotRun {
				return "", nil
			}
			return fmt.Sprintf("event %d: the rule does not run, it lacks %s; want %s", q.number, strings.Join(rule.Lacks, ", "), c.Expect), nil
		}
		verdicts, err := verdictsOf(ctx, referee, Question{Rule: rule, Source: q.source, Events: []any{q.event}, Document: q.document, Options: q.options})
		switch {
		case errors.Is(err, ErrUnsupported), errors.Is(err, ErrMissing):
			return "", err
		case err != nil:
			return fmt.Sprintf("event %d: %v", q.number, err), nil
		}
		match = match || verdicts[0].Match
		if verdicts[0].Selections != nil {
			held, known = append(held, verdicts[0].Selections...), true
		}
	}
	got := ExpectNoMatch
	if match {
		got = ExpectMatch
	}
	if got != c.Expect {
		why := ""
		if len(q.rules) == 0 {
			why = fmt.Sprintf("; the rule does not look at %s in the form %s", cmp.Or(q.source.Table, "such events"), q.source.Form)
		}
		return fmt.Sprintf("event %d: %s, want %s%s", q.number, got, c.Expect, why), nil
	}
	for _, s := range c.Selections {
		if known && !slices.Contains(held, s) {
			return fmt.Sprintf("event %d: the selection %s does not hold", q.number, s), nil
		}
	}
	return "", nil
}

// verdictsOf asks a referee; a panic is its failure, not that of the run.
func verdictsOf(ctx context.Context, referee Referee, q Question) (verdicts []Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	verdicts, err = referee.Verdicts(ctx, q)
	if err == nil && len(verdicts) != len(q.Events) {
		err = fmt.Errorf("%d verdicts on %d events", len(verdicts), len(q.Events))
	}
	return verdicts, err
}

// TB is what Run needs of a test; *testing.T is one.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// RunOptions say how Run runs. The zero value will do.
type RunOptions struct {
	LoadOptions
	// Referees to ask; nil for Referees().
	Referees []Referee
	// Require names referees that must have answered; others may be missing.
	Require []string
}

// Run loads the fixtures of a file system, puts them to the referees, and fails
// the test for every finding and every wrong verdict. A file system without a
// fixture fails too.
func Run(t TB, fsys fs.FS, opts RunOptions) *Report {
	t.Helper()
	fixtures, ds := Load(fsys, opts.LoadOptions)
	for _, d := range ds {
		if d.Severity == sigma.SeverityError {
			var b strings.Builder
			_ = d.Render(&b)
			t.Errorf("%s", strings.TrimSpace(b.String()))
		}
	}
	if len(fixtures) == 0 {
		t.Errorf("there is no fixture")
	}
	referees := opts.Referees
	if referees == nil {
		referees = Referees()
	}
	report := Evaluate(context.Background(), fixtures, referees)
	for _, x := range report.Results {
		if x.Outcome == Failed {
			t.Errorf("%s:%d: %s: %s: %s", x.File, x.Line, x.Case, x.Referee, x.Reason)
		}
	}
	for _, name := range sortedKeys(report.Missing) {
		t.Logf("missing referee %s: %s", name, report.Missing[name])
	}
	for _, name := range opts.Require {
		if !slices.ContainsFunc(report.Results, func(x Result) bool { return x.Referee == name && x.Outcome != Skipped }) {
			t.Errorf("the referee %s must run and answered nothing", name)
		}
	}
	t.Logf("%s", report.Summary())
	return report
}
