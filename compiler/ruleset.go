package compiler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

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
	// looked at; ok is false where it does not know.
	Source func(event any) (src event.Source, ok bool)
	// AnySource lets events whose source nobody can tell meet every rule, its
	// field names taken as they are written.
	AnySource bool
	// NoIndex has every rule of its source look at every event. The hits are
	// the same.
	NoIndex bool
}

// A RuleSet matches events against rules. It is safe for concurrent use. What
// changes in it is only what it counts and the rules that it had to disable.
type RuleSet struct {
	opts   RuleSetOptions
	rules  []*loadedRule
	notRun []NotRun
	// correlations are those that run, what they tap before themselves; their
	// taps are the rules of programs or of correlations in front of them.
	correlations []*ir.Rule
	infos        map[*ir.Rule]*RuleInfo // of correlations
	quiet        map[*ir.Rule]bool      // rules and correlations without hits of their own
	groups       map[event.Source]*ruleGroup
	any          *ruleGroup // nil unless AnySource
	env          *cel.Env
	leaves       *leafSet
	scratch      sync.Pool
	unknown      atomic.Int64
	maxCost      int // of one rule over one event
}

// loadedRule is a rule as it was loaded, with what became of it.
type loadedRule struct {
	info    RuleInfo
	failure atomic.Pointer[Disabled]
	lowered []*ir.Rule // one for each source
	// programs are those of lowered that run.
	programs []*program
}

// ruleGroup holds the rules of one source.
type ruleGroup struct {
	programs []*program

	once  sync.Once
	index *candidateIndex
	err   error
}

// program is a rule for one source. It is compiled when the first event comes
// that may meet it: a set serves many event forms, most callers have few.
type program struct {
	rule   *ir.Rule
	loaded *loadedRule

	once    sync.Once
	program cel.Program
	err     error
}

// RuleInfo is what a hit says of its rule.
type RuleInfo struct {
	ID, Title   string
	Level, Tier string
	Tags        []string
	File        string
	Pos         sigma.Pos
	Meta        *sigma.Meta // all of it, with overrides applied
}

// NotRun is a rule that does not run because parameters have no value.
type NotRun struct {
	Rule  *RuleInfo
	Lacks []string // the parameters' names
}

// Disabled is a rule that failed while it ran and is not run any more.
type Disabled struct {
	Rule *RuleInfo
	Err  error
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
			id := strings.ToLower(d.Meta.ID)
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
	set := newDocuments(rules, &opts.Options, func(d *sigma.Document) ([]lowered, sigma.Diagnostics) { return lowerForEvents(d, forms, opts) })
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

// eventPipelines returns the pipelines of event forms, all built-in ones for nil.
func eventPipelines(given []*Pipeline) ([]*Pipeline, error) {
	if given != nil {
		for _, p := range given {
			if p.Form() == "" {
				return nil, fmt.Errorf("pipeline %s is for queries, not for events", p.Name())
			}
		}
		return given, nil
	}
	var forms []*Pipeline
	for _, name := range BuiltinPipelines() {
		p, err := BuiltinPipeline(name)
		if err != nil {
			return nil, err
		}
		if p.Form() != "" {
			forms = append(forms, p)
		}
	}
	return forms, nil
}

// nearLogSource asks whether another product, or a service or category of the
// same product, was meant. It says nothing where no name is near: most
// logsources that no form has are not misspelled.
func nearLogSource(ls sigma.LogSource, forms []*Pipeline) string {
	var products, services, categories []string
	for _, p := range forms {
		for _, s := range p.entries {
			products = append(products, s.product)
			if strings.EqualFold(s.product, ls.Product) {
				services, categories = append(services, s.service), append(categories, s.category)
			}
		}
	}
	switch {
	case len(services) == 0:
		return sigma.NearestHint(ls.Product, products, "")
	case ls.Service != "" && !slices.ContainsFunc(services, func(s string) bool { return strings.EqualFold(s, ls.Service) }):
		return sigma.NearestHint(ls.Service, services, "")
	}
	return sigma.NearestHint(ls.Category, categories, "")
}

// lowerForEvents lowers a rule for each form that knows its logsource. Where a
// rule fits one form, not fitting another is a warning.
func lowerForEvents(doc *sigma.Document, forms []*Pipeline, opts RuleSetOptions) ([]lowered, sigma.Diagnostics) {
	var rules []lowered
	var diags sigma.Diagnostics
	known := 0
	lower := func(p *Pipeline) {
		o := opts.Options
		o.Pipeline, o.Table = p, ""
		rs, ds := lowerRule(doc, &o)
		rules, diags = append(rules, rs...), append(diags, ds...)
	}
	for _, p := range forms {
		if len(p.sources(doc.LogSource)) > 0 {
			known++
			lower(p)
		}
	}
	if known == 0 {
		d := sigma.Diagnostic{File: doc.File, Pos: doc.LogSource.Pos, Severity: sigma.SeverityInfo, Code: sigma.CodeUnknownSource,
			Message: "no event form has the logsource " + logSourceText(doc.LogSource),
			Hint:    "the rule meets no events unless a pipeline maps it or events of any source are asked for"}
		if hint := nearLogSource(doc.LogSource, forms); hint != "" {
			d.Severity, d.Hint = sigma.SeverityWarning, hint
		}
		diags = append(diags, d)
	}
	if known == 0 || opts.AnySource {
		lower(nil) // also finds what is wrong with the rule itself
		if !opts.AnySource {
			rules = nil
		}
	}
	seen := map[sigma.Diagnostic]bool{}
	out := diags[:0]
	for _, d := range diags {
		if d.Severity == sigma.SeverityError && len(rules) > 0 {
			d.Severity = sigma.SeverityWarning
			d.Message += "; the rule is left out there"
		}
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return rules, out
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
	rs := &RuleSet{opts: opts, infos: map[*ir.Rule]*RuleInfo{}, quiet: map[*ir.Rule]bool{}, groups: map[event.Source]*ruleGroup{}, leaves: newLeafSet(), maxCost: maxMatchCost}
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
			l = &loadedRule{info: RuleInfo{ID: m.ID, Title: m.Title, Level: m.Level, Tier: m.Tier, Tags: m.Tags, File: r.File, Pos: r.Pos, Meta: m}}
			loaded[o] = l
			rs.rules = append(rs.rules, l)
			if len(r.Lacks) > 0 && !r.Inner {
				rs.notRun = append(rs.notRun, NotRun{&l.info, r.Lacks})
			}
		}
		l.lowered = append(l.lowered, r)
		switch {
		case r.Correlation != nil:
			rs.infos[r] = &l.info
			correlations = append(correlations, r)
			continue
		case len(r.Lacks) == 0:
			rs.add(&program{rule: r, loaded: l})
		}
		known[r] = true
	}
	var lowered [][]*ir.Rule
	for _, l := range rs.rules {
		lowered = append(lowered, l.lowered)
	}
	rs.quiet = quietRules(lowered)
	return rs, rs.chain(correlations, known)
}

// quietRules returns the rules and correlations whose hits are not shown: those
// that are only loaded for a correlation, and those that a correlation refers
// to, unless one of these says generate. rules holds for each document what it
// was lowered to. A correlation that does not run for lack of a parameter does
// not turn the hits of its rules into alerts.
func quietRules(rules [][]*ir.Rule) map[*ir.Rule]bool {
	quiet, shown := map[*ir.Rule]bool{}, map[*ir.Rule]bool{}
	for _, rs := range rules {
		for _, r := range rs {
			if r.Correlation == nil {
				continue
			}
			for _, in := range r.Correlation.Inputs {
				for _, t := range in.Taps {
					if r.Correlation.Generate {
						shown[t.Rule] = true
					} else {
						quiet[t.Rule] = true
					}
				}
			}
		}
	}
	out := map[*ir.Rule]bool{}
	for _, rs := range rules {
		some, one := false, false
		for _, r := range rs {
			some, one = some || quiet[r], one || shown[r]
		}
		for _, r := range rs {
			out[r] = r.Inner || some && !one
		}
	}
	return out
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

// Prepare compiles all rules now instead of when the first event comes that may
// meet them, and says which cannot be compiled.
func (rs *RuleSet) Prepare() sigma.Diagnostics {
	var programs []*program
	for _, l := range rs.rules {
		programs = append(programs, l.programs...)
	}
	inParallel(len(programs), func(i int) { programs[i].prepare(rs) })
	var diags sigma.Diagnostics
	for _, p := range programs {
		if p.err != nil {
			diags = append(diags, sigma.Diagnostic{File: p.rule.File, Pos: p.rule.Pos, Code: sigma.CodeUnsupported,
				Message: "the rule cannot be compiled to CEL: " + p.err.Error(), Hint: "split the rule"})
		}
	}
	return diags
}

// prepare compiles the program, once.
func (p *program) prepare(rs *RuleSet) error {
	p.once.Do(func() {
		defer recovered(&p.err)
		var text string
		if text, p.err = CEL(p.rule); p.err != nil {
			return
		}
		ast, issues := rs.env.Compile(text)
		if p.err = issues.Err(); p.err != nil {
			return
		}
		p.program, p.err = rs.env.Program(ast)
	})
	return p.err
}

func (rs *RuleSet) add(p *program) {
	p.loaded.programs = append(p.loaded.programs, p)
	src := event.Source{Form: event.Form(p.rule.Source.Form), Table: p.rule.Source.Table}
	if src == (event.Source{}) {
		if rs.any == nil {
			rs.any = &ruleGroup{}
		}
		rs.any.programs = append(rs.any.programs, p)
		return
	}
	src.Table = foldName(src.Table)
	g := rs.groups[src]
	if g == nil {
		g = &ruleGroup{}
		rs.groups[src] = g
	}
	g.programs = append(g.programs, p)
}

// prepare builds the group's index, once.
func (g *ruleGroup) prepare(rs *RuleSet) error {
	g.once.Do(func() {
		rules := make([]*ir.Rule, len(g.programs))
		for i, p := range g.programs {
			rules[i] = p.rule
		}
		g.index, g.err = newCandidateIndex(rs.leaves, rules)
	})
	return g.err
}

// Rules returns the rules of the set in the order they were given, those that
// do not run included.
func (rs *RuleSet) Rules() []*RuleInfo {
	out := make([]*RuleInfo, 0, len(rs.rules))
	for _, l := range rs.rules {
		if !l.lowered[0].Inner {
			out = append(out, &l.info)
		}
	}
	return out
}

// NotRun returns the rules that do not run for lack of parameters.
func (rs *RuleSet) NotRun() []NotRun { return rs.notRun }

// Disabled returns the rules that failed while running.
func (rs *RuleSet) Disabled() []Disabled {
	var out []Disabled
	for _, l := range rs.rules {
		if d := l.failure.Load(); d != nil {
			out = append(out, *d)
		}
	}
	return out
}

// UnknownEvents returns how many events had a source that nobody could tell.
func (rs *RuleSet) UnknownEvents() int64 { return rs.unknown.Load() }

// scratch is what matching one event needs, used again for the next.
type scratch struct {
	event *subject
	picks bitset
	frame *interpreter.ExecutionFrame
}

// ResolveName and Parent make a scratch the activation of CEL programs.
func (s *scratch) ResolveName(name string) (any, bool) {
	if name == celEvent {
		return s.event, true
	}
	return nil, false
}

func (s *scratch) Parent() interpreter.Activation { return nil }

// Match returns the hits of all rules whose source the event is of, in the
// order of the rules. Rules that a correlation of the set refers to have none,
// unless one of these says generate: what their events mean together is for a
// Stream. ev is a map[string]any as encoding/json makes it, raw
// JSON ([]byte or json.RawMessage), an event.Object or an event.Record; it must
// not change meanwhile. An error says that the event could not be read, or that
// it is such that looking at it was given up; hits found before are returned.
func (rs *RuleSet) Match(ev any) (hits []Hit, err error) {
	defer recovered(&err)
	in, err := rs.incoming(ev)
	if err != nil {
		return nil, err
	}
	return rs.hits(&in)
}

// hits returns the hits of all rules that have hits of their own.
func (rs *RuleSet) hits(in *incoming) (hits []Hit, err error) {
	err = rs.match(in, func(p *program, s *scratch, in *incoming) {
		if !rs.quiet[p.rule] {
			hits = append(hits, rs.hit(p, s, in))
		}
	})
	return hits, err
}

// MatchAs is Match for an event whose source the caller knows.
func (rs *RuleSet) MatchAs(src event.Source, ev any) (hits []Hit, err error) {
	defer recovered(&err)
	in, err := readIncoming(ev)
	if err != nil {
		return nil, err
	}
	in.record.Source = src
	return rs.hits(&in)
}

var errPanic = errors.New("internal error")

// recovered turns a panic, such as one of a caller's event.Object, into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errPanic, r)
	}
}

// incoming is an event with what is known of it.
type incoming struct {
	record event.Record // Event as it was given, decoded
	value  any          // what rules look at
	// identity is what its hits are told apart by; "" until a hit asks.
	identity string
}

func readIncoming(ev any) (incoming, error) {
	var in incoming
	switch x := ev.(type) {
	case event.Record:
		in.record = x
	case *event.Record:
		if x != nil {
			in.record = *x
		}
	default:
		in.record.Event = ev
	}
	var data []byte
	raw := true // no bytes at all are no event either
	switch x := in.record.Event.(type) {
	case []byte:
		data = x
	case json.RawMessage:
		data = x
	default:
		raw = false
	}
	if raw {
		if len(data) > event.MaxRecordBytes {
			return in, fmt.Errorf("the event has %d bytes, more than %d", len(data), event.MaxRecordBytes)
		}
		v, err := decodeJSON(bytes.TrimPrefix(data, []byte("\ufeff")))
		if err != nil {
			return in, fmt.Errorf("the event is no JSON: %w", err)
		}
		in.record.Event = v
	}
	in.value = event.Unwrap(plain(in.record.Event))
	return in, nil
}

func (rs *RuleSet) incoming(ev any) (incoming, error) {
	in, err := readIncoming(ev)
	if err != nil {
		return in, err
	}
	if rs.opts.Source != nil {
		if src, ok := rs.opts.Source(in.record.Event); ok {
			in.record.Source = src
			return in, nil
		}
	}
	if in.record.Source == (event.Source{}) {
		in.record.Source, _ = event.Detect(in.value)
	}
	return in, nil
}

// group returns the rules that an event meets, or nil.
func (rs *RuleSet) group(src event.Source) *ruleGroup {
	if src == (event.Source{}) {
		rs.unknown.Add(1)
		return rs.any
	}
	src.Table = foldName(src.Table)
	return rs.groups[src]
}

var errEventCost = errors.New("the event is too large to be matched: the limit of work was met")

func (rs *RuleSet) match(in *incoming, f func(p *program, s *scratch, in *incoming)) (err error) {
	g := rs.group(in.record.Source)
	if g == nil {
		return nil
	}
	s := rs.scratch.Get().(*scratch)
	s.event.reset(in.value)
	s.event.cursor.cost = rs.maxCost
	if s.frame, err = interpreter.NewExecutionFrame(s); err != nil {
		return err
	}
	total := 0
	try := func(p *program) {
		if err != nil || p.loaded.failure.Load() != nil {
			return
		}
		used, failed := rs.run(p, s, in, f)
		if total += used; total > maxEventCost {
			err = errEventCost
		}
		if failed != nil {
			p.loaded.failure.CompareAndSwap(nil, &Disabled{&p.loaded.info, failed})
		}
	}
	switch {
	case rs.opts.NoIndex || g.prepare(rs) != nil:
		for _, p := range g.programs {
			try(p)
		}
	case !g.pick(s):
		err = errEventCost
	default:
		s.picks.each(func(i int) { try(g.programs[i]) })
	}
	s.frame.Close()
	s.frame = nil
	s.event.value = nil
	rs.scratch.Put(s)
	return err
}

// pick sets s.picks to the rules that the event may meet; false when it is too
// large for that.
func (g *ruleGroup) pick(s *scratch) bool {
	n := len(g.index.always)
	if cap(s.picks) < n {
		s.picks = make(bitset, n)
	}
	s.picks = s.picks[:n]
	g.index.pick(s.event, s.picks)
	return s.event.cursor.cost >= 0
}

// run runs one rule, calls f where it is true, and returns the steps it took and
// why it must not run again, if so. What f does is part of the rule's work, but
// a rule that f exhausts has had its hit.
func (rs *RuleSet) run(p *program, s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) (used int, failed error) {
	c := s.event.cursor
	c.cost = rs.maxCost
	defer func() {
		used = rs.maxCost - c.cost
		if r := recover(); r != nil {
			failed = fmt.Errorf("%w: %v", errPanic, r)
		}
		if c.cost < 0 {
			failed = errCost
		}
	}()
	if err := p.prepare(rs); err != nil {
		return 0, err
	}
	out, _, err := p.program.Eval(s.frame)
	if err != nil {
		return 0, err
	}
	if out == types.True && c.cost >= 0 {
		f(p, s, in)
	}
	return 0, nil
}
