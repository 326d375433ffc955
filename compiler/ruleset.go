package compiler

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// maxEventCost bounds the work of all rules over one event, in the steps of
// maxMatchCost.
const maxEventCost = 1 << 28

// RuleSetOptions say how rules meet events. The zero value serves all built-in
// event forms.
type RuleSetOptions struct {
	// Options for lowering each rule. Pipeline and Table are not used here;
	// filter documents among the rules are added to Filters. Rules among
	// Documents are loaded where a correlation refers to them, and have no
	// hits of their own.
	Options
	// Pipelines of the event forms to serve; nil for all built in. A pipeline
	// without a form (one of a query target) is an error.
	Pipelines []*Pipeline
	// Source, if set, says what an event is, before the event itself is
	// looked at; ok is false where it does not know. It is given raw JSON
	// decoded, which takes more than matching it: who knows the source beside
	// the event says so by MatchAs or in an event.Record.
	Source func(event any) (src event.Source, ok bool)
	// AnySource lets events whose source nobody can tell meet every rule, its
	// field names taken as they are written.
	AnySource bool
	// NoIndex has every rule of its source look at every event. The hits are
	// the same.
	NoIndex bool
	// Metrics, if set, is told what the set and the streams over it do.
	Metrics Metrics
}

// A RuleSet matches events against rules. It is safe for concurrent use. What
// changes in it is only what it counts and the rules that it had to disable.
type RuleSet struct {
	opts     RuleSetOptions
	rules    []*loadedRule
	notRun   []NotRun
	programs int // of all rules
	// correlations are those that run, what they tap before themselves; their
	// taps are the rules of programs or of correlations in front of them.
	correlations []*ir.Rule
	infos        map[*ir.Rule]*RuleInfo // of correlations
	groups       map[event.Source]*ruleGroup
	any          *ruleGroup // nil unless AnySource
	env          *cel.Env
	leaves       *leafSet
	scratch      sync.Pool
	unknown      atomic.Int64
	maxCost      int // of one rule over one event
	// callbacks is opts.Metrics, nil without.
	callbacks *guardedMetrics
}

// loadedRule is a rule as it was loaded, with what became of it.
type loadedRule struct {
	info    *RuleInfo // apart: a hit that names its rule does not hold the set
	failure atomic.Pointer[Disabled]
	failed  atomic.Int64 // events that it could not be evaluated over
	costly  atomic.Int64 // events whose hits met the limit of work
	lowered []*ir.Rule   // one for each source
	// programs are those of lowered that run.
	programs []*program
}

// RuleInfo is what a hit says of its rule.
type RuleInfo struct {
	ID, Title   string
	Level, Tier string
	Tags        []string
	File        string
	Pos         sigma.Pos
	Meta        *sigma.Meta // all of it, with overrides applied
	// OnlyFeeds says that correlations count the rule's hits, which are not
	// reported: OnlyFeed among what was loaded.
	OnlyFeeds bool
}

// NotRun is a rule that does not run because parameters have no value.
type NotRun struct {
	Rule  *RuleInfo
	Lacks []string // the parameters' names
}

// NewRuleSet loads rules. It is tolerant: the set holds all rules that can run,
// and the diagnostics say what is wrong with the others; callers who want all
// or nothing look at HasErrors. The set is never nil. Correlations are kept for
// a Stream; Match, which looks at one event, leaves out what they and the rules
// that they refer to would hit. Filters are applied to the rules that they name.
func NewRuleSet(docs []*sigma.Document, opts RuleSetOptions) (*RuleSet, sigma.Diagnostics) {
	var diags sigma.Diagnostics
	forms, err := eventPipelines(opts.Pipelines)
	if err != nil {
		return newRuleSet(opts), sigma.Diagnostics{{Code: sigma.CodeUnsupported, Message: err.Error(),
			Hint: "give pipelines of event forms"}}
	}
	diags = append(diags, CheckReferences(append(docs[:len(docs):len(docs)], opts.Filters...))...)
	diags = append(diags, opts.Profile.Check(opts.Catalogue, docs)...)
	diags = append(diags, opts.Overrides.Check(docs)...)
	opts.Filters = withFilters(opts.Filters, docs)
	var rules []*sigma.Document
	byID := map[string]*sigma.Document{}
	for _, d := range docs {
		switch {
		case d == nil:
		case d.Kind == sigma.KindFilter:
			rules = append(rules, d) // to say so where a correlation names it
		default:
			id := sigma.FoldID(d.Meta.ID)
			if first, ok := byID[id]; ok && id != "" {
				diags = append(diags, sigma.Diagnostic{File: d.File, Pos: d.KeyPos("id"), Code: sigma.CodeID,
					Message: fmt.Sprintf("the id %s is already that of %s", d.Meta.ID, documentPlace(first)),
					Hint:    "give one of them another id; the second is not loaded"})
				continue
			}
			byID[id] = d
			rules = append(rules, d)
		}
	}
	pool := newLoadPool()
	set := newDocuments(rules, &opts.Options, func(d *sigma.Document) ([]lowered, sigma.Diagnostics) { return lowerForEvents(d, forms, &opts, pool) })
	set.lowerAll()
	var all []*ir.Rule
	for _, n := range set.nodes {
		diags = append(diags, n.diags...)
		all = append(all, n.rules()...)
	}
	rs, more := NewRuleSetOf(all, opts)
	return rs, append(diags, more...)
}

func documentPlace(d *sigma.Document) string {
	if d.File == "" {
		return "an earlier rule"
	}
	return fmt.Sprintf("%s:%d", d.File, d.Pos.Line)
}

// inParallel calls f for 0 to n-1 on all processors.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

func newRuleSet(opts RuleSetOptions) *RuleSet {
	rs := &RuleSet{opts: opts, infos: map[*ir.Rule]*RuleInfo{}, groups: map[event.Source]*ruleGroup{}, leaves: newLeafSet(), maxCost: maxMatchCost}
	if opts.Metrics != nil {
		rs.callbacks = &guardedMetrics{to: opts.Metrics}
		rs.opts.Metrics = rs.callbacks
	}
	rs.scratch.New = func() any {
		return &scratch{event: &subject{cursor: &cursor{keep: true}}}
	}
	return rs
}

// NewRuleSetOf is NewRuleSet for rules that are lowered already, several for
// one document being one rule. A rule of no form and table is one for events of
// any source. What a correlation taps must be among the rules.
func NewRuleSetOf(rules []*ir.Rule, opts RuleSetOptions) (*RuleSet, sigma.Diagnostics) {
	rs := newRuleSet(opts)
	env, err := cel.NewEnv(cel.Lib(&library{set: rs.leaves}))
	if err != nil {
		return rs, sigma.Diagnostics{{Code: sigma.CodeUnsupported, Message: "CEL: " + err.Error()}}
	}
	rs.env = env
	type origin struct {
		file, id string
		pos      sigma.Pos
		inner    bool
	}
	loaded := map[origin]*loadedRule{}
	known := map[*ir.Rule]bool{} // that a correlation may tap
	var correlations []*ir.Rule
	for _, r := range rules {
		if r.When == nil && r.Correlation == nil {
			continue
		}
		o := origin{r.File, r.Meta.ID, r.Pos, r.Inner}
		l, ok := loaded[o]
		if !ok || o == (origin{}) || r.Correlation != nil {
			m := &r.Meta
			l = &loadedRule{info: &RuleInfo{ID: m.ID, Title: m.Title, Level: m.Level, Tier: m.Tier, Tags: m.Tags, File: r.File, Pos: r.Pos, Meta: m, OnlyFeeds: r.OnlyFeeds}}
			loaded[o] = l
			rs.rules = append(rs.rules, l)
			if len(r.Lacks) > 0 && !r.Inner {
				rs.notRun = append(rs.notRun, NotRun{l.info, r.Lacks})
			}
		}
		l.lowered = append(l.lowered, r)
		switch {
		case r.Correlation != nil:
			rs.infos[r] = l.info
			correlations = append(correlations, r)
			continue
		case len(r.Lacks) == 0:
			rs.add(&program{rule: r, loaded: l, quiet: r.Quiet()})
		}
		known[r] = true
	}
	return rs, rs.chain(correlations, known)
}

// chain puts the correlations in order. known are the rules that they may tap.
func (rs *RuleSet) chain(correlations []*ir.Rule, known map[*ir.Rule]bool) (diags sigma.Diagnostics) {
	for len(correlations) > 0 {
		var rest []*ir.Rule
		for _, r := range correlations {
			ready := true
			for _, in := range r.Correlation.Inputs {
				for _, t := range in.Taps {
					ready = ready && known[t.Rule]
				}
			}
			if !ready {
				rest = append(rest, r)
				continue
			}
			known[r] = true
			if len(r.Lacks) == 0 {
				rs.correlations = append(rs.correlations, r)
			}
		}
		if len(rest) == len(correlations) {
			for _, r := range rest {
				diags = append(diags, sigma.Diagnostic{File: r.File, Pos: r.Pos, Code: sigma.CodeUnknownRule,
					Message: "the correlation " + r.Meta.Title + " taps a rule that is not in the set", Hint: "give the rules that it was lowered with"})
			}
			break
		}
		correlations = rest
	}
	return diags
}

// Rules returns the rules of the set in the order they were given, those that
// do not run included.
func (rs *RuleSet) Rules() []*RuleInfo {
	out := make([]*RuleInfo, 0, len(rs.rules))
	for _, l := range rs.rules {
		if !l.lowered[0].Inner {
			out = append(out, l.info)
		}
	}
	return out
}

// NotRun returns the rules that do not run for lack of parameters.
func (rs *RuleSet) NotRun() []NotRun { return rs.notRun }

// UnknownEvents returns how many events had a source that nobody could tell.
func (rs *RuleSet) UnknownEvents() int64 { return rs.unknown.Load() }
