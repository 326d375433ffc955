package compiler

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Limits of lowering. A document beyond one of them gets an error at the place
// that went over it.
const (
	// maxDepth bounds how deep blocks and conditions nest.
	maxDepth = 100
	// maxTreeNodes bounds the nodes and values of one rule's tree, counted as
	// printed: a selection that a condition names twice counts twice.
	maxTreeNodes = 1_000_000
	// maxExpandedBytes bounds what the values of one rule become once
	// placeholders, windash and encodings have been applied; each value counts
	// valueCost and its text.
	maxExpandedBytes = 64 << 20
	valueCost        = 64
	// maxWindashPlaces bounds the dashes of one value under windash; each
	// multiplies the value by five.
	maxWindashPlaces = 5
	// maxPlaceholders bounds the placeholders inside one text, and
	// maxPlaceholderProduct the texts that it becomes.
	maxPlaceholders       = 20
	maxPlaceholderProduct = 10_000
)

// Options say for what a document is lowered. The zero value lowers it for no
// target in particular: field names are taken as paths, as they are written.
type Options struct {
	// Pipeline of the target; nil for none.
	Pipeline *Pipeline
	// Table picks one of the tables that the logsource may be; "" takes all.
	Table string
	// Filters are the filter documents at hand; those that name the rule and
	// fit its logsource are applied.
	Filters []*sigma.Document
	// Catalogue describes the parameters that rules share.
	Catalogue []sigma.Parameter
	// Profile holds the values of parameters.
	Profile *Profile
	// Overrides change single rules.
	Overrides *Overrides
	// Watchlists keeps parameters that the profile binds to a watchlist for the
	// query to read, Ask those without a value for whoever calls the query
	// (ir.Binding.Read). They are for queries of a language that can; without
	// them such parameters have no value. Only lists of text, addresses and
	// networks are read.
	Watchlists, Ask bool
	// Documents are those that a correlation may refer to beside those that are
	// lowered with it.
	Documents []*sigma.Document
}

// Lower returns what a rule means: one ir.Rule for each table that its
// logsource may be in the target. Of a correlation it is one rule for all
// tables; what it refers to is among Options.Documents, and is lowered with it
// but not returned (LowerAll does that). A rule with a legacy aggregation is
// several rules that are only Inner and one correlation over them. Where there
// is an error Lower returns no rules; warnings come with them. A filter document and a rule that an override
// disables have no rule and, unless they are wrong, no error. Findings that need
// no more than the document are the parser's and not repeated, unless the
// document would have no meaning.
//
// Lower does not change doc or what the options point to, and may be called
// concurrently.
func Lower(doc *sigma.Document, opts Options) ([]*ir.Rule, sigma.Diagnostics) {
	if doc.Kind == sigma.KindFilter {
		_, ds := lowerRule(doc, &opts)
		return nil, ds
	}
	if doc.Correlation == nil {
		opts.Documents = nil // it refers to none
	}
	s := newDocuments([]*sigma.Document{doc}, &opts, func(doc *sigma.Document) ([]lowered, sigma.Diagnostics) { return lowerRule(doc, &opts) })
	s.lowerAll()
	n := s.nodes[0]
	return n.rules(), n.diags
}

// lowerRule lowers a document that is no correlation.
func lowerRule(doc *sigma.Document, opts *Options) ([]lowered, sigma.Diagnostics) {
	return lowerRuleFor(doc, opts, nil)
}

func lowerRuleFor(doc *sigma.Document, opts *Options, events *forEvents) ([]lowered, sigma.Diagnostics) {
	l := &lowerer{doc: doc, opts: opts, file: doc.File, events: events}
	rules := l.document()
	ds := l.finish()
	if ds.HasErrors() {
		return nil, ds
	}
	return rules, ds
}

// lowerer lowers one document. The fields of the second group are per table.
type lowerer struct {
	doc    *sigma.Document
	opts   *Options
	params *parameters
	diags  sigma.Diagnostics
	file   string // of the document being read: the rule or one of its filters
	// applied are the filters whose findings are among diags.
	applied []*sigma.Document

	// events, if set, is what lowering for event forms shares; such rules have
	// no origins.
	events *forEvents

	source  *ir.Source
	origins map[ir.Expr]sigma.Pos
	inner   int // how many list blocks deep
	spent   int // of maxExpandedBytes
}

func (l *lowerer) report(sev sigma.Severity, code sigma.Code, pos sigma.Pos, hint, format string, args ...any) {
	l.diags = append(l.diags, sigma.Diagnostic{File: l.file, Pos: pos, Severity: sev, Code: code,
		Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (l *lowerer) errorf(code sigma.Code, pos sigma.Pos, hint, format string, args ...any) {
	l.report(sigma.SeverityError, code, pos, hint, format, args...)
}

func (l *lowerer) warnf(code sigma.Code, pos sigma.Pos, hint, format string, args ...any) {
	l.report(sigma.SeverityWarning, code, pos, hint, format, args...)
}

// spend takes what some values need from what the rule may use, and reports
// where there is not enough.
func (l *lowerer) spend(values, bytes int, pos sigma.Pos) bool {
	if l.spent > maxExpandedBytes {
		return false // and has been reported
	}
	if n := float64(values)*valueCost + float64(bytes); n > float64(maxExpandedBytes-l.spent) {
		l.spent = maxExpandedBytes + 1
		l.errorf(sigma.CodeLimit, pos, "use fewer or shorter values", "the values of the rule become more than %d MiB", maxExpandedBytes>>20)
		return false
	}
	l.spent += values*valueCost + bytes
	return true
}

// finish orders the findings and drops those that several tables share or a
// comment ignores.
func (l *lowerer) finish() sigma.Diagnostics {
	if len(l.diags) == 0 {
		return nil
	}
	seen := make(map[sigma.Diagnostic]bool, len(l.diags))
	var out sigma.Diagnostics
	for _, d := range l.diags {
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	out = l.doc.Silence(out)
	for _, f := range l.applied {
		out = f.Silence(out)
	}
	out.Sort()
	return out
}

func (l *lowerer) document() []lowered {
	doc := l.doc
	switch {
	case doc.Kind == sigma.KindCorrelation:
		l.errorf(sigma.CodeMissingKey, doc.Pos, "add a correlation", "the document has no correlation")
		return nil
	case doc.Detection == nil:
		l.errorf(sigma.CodeMissingKey, doc.Pos, "add a detection with a selection and a condition", "the document has no detection")
		return nil
	}
	if t := doc.Meta.Taxonomy; t != "" && !strings.EqualFold(t, "sigma") {
		l.warnf(sigma.CodeTaxonomy, doc.KeyPos("taxonomy"), "rename the fields by a pipeline",
			"taxonomy %q is ignored; fields are read as the pipeline names them", t)
	}
	override := l.opts.Overrides.For(doc)
	if override.Disabled() {
		return nil
	}
	l.params = newParameters(l)

	targets := []target{{}}
	tops := []scope{anyScope()}
	if l.opts.Pipeline != nil && doc.Kind != sigma.KindFilter {
		targets, tops = l.targets()
	}
	var rules []lowered
	var kept, failed sigma.Diagnostics
	for i, t := range targets {
		before := len(l.diags)
		r := l.rule(t, tops[i], override)
		if l.diags[before:].HasErrors() && len(targets) > 1 {
			failed = append(failed, l.diags[before:]...)
		} else {
			kept = append(kept, l.diags[before:]...)
			rules = append(rules, lowered{r, tops[i]})
		}
		l.diags = l.diags[:before]
	}
	// Where a rule fits one of its tables, not fitting another is worth saying
	// and no more.
	for _, d := range failed {
		if len(rules) > 0 && d.Severity == sigma.SeverityError {
			d.Severity = sigma.SeverityWarning
			d.Message += "; the rule is left out there"
		}
		kept = append(kept, d)
	}
	l.diags = append(l.diags, kept...)
	if doc.Kind == sigma.KindFilter {
		return nil
	}
	return rules
}

// targets returns the tables the rule is lowered for, with their scopes.
func (l *lowerer) targets() ([]target, []scope) {
	ls := l.doc.LogSource
	pos := ls.Pos
	if !pos.IsValid() {
		pos = l.doc.KeyPos("logsource")
	}
	all := l.opts.Pipeline.sources(ls)
	if len(all) == 0 {
		hint := "map it in a pipeline, or choose a pipeline that knows it"
		if near, ok := l.opts.Pipeline.nearestSource(ls); ok {
			hint = "did you mean " + logSourceText(near) + "? Else " + hint
		}
		l.errorf(sigma.CodeUnknownSource, pos, hint,
			"pipeline %s does not know the logsource %s", l.opts.Pipeline.Name(), logSourceText(ls))
		return nil, nil
	}
	var ts []target
	var names []string
	for _, t := range all {
		if l.opts.Table == "" || strings.EqualFold(t.table, l.opts.Table) {
			ts = append(ts, t)
		}
		names = append(names, t.table)
	}
	if len(ts) == 0 {
		l.errorf(sigma.CodeUnknownSource, pos, "choose one of "+strings.Join(names, ", "),
			"the logsource %s is not in table %s of pipeline %s", logSourceText(ls), l.opts.Table, l.opts.Pipeline.Name())
	}
	tops := make([]scope, len(ts))
	for i, t := range ts {
		tops[i] = t.top()
	}
	return ts, tops
}

func logSourceText(ls sigma.LogSource) string {
	var parts []string
	for _, p := range [][2]string{{"product", ls.Product}, {"category", ls.Category}, {"service", ls.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if len(parts) == 0 {
		return "(empty)"
	}
	return strings.Join(parts, " ")
}

// rule lowers the document for one table.
func (l *lowerer) rule(t target, top scope, override Override) *ir.Rule {
	doc := l.doc
	r := &ir.Rule{File: doc.File, Pos: doc.Pos, Meta: doc.Meta}
	override.apply(&r.Meta)
	r.Source = ir.Source{LogSource: doc.LogSource}
	if p := t.pipeline; p != nil {
		r.Source.Pipeline, r.Source.Form, r.Source.Table = p.Name(), string(p.Form()), t.table
		r.Source.Function = t.names.function
		if l.events == nil {
			r.Source.Time, r.Source.Messages = t.time(), t.messages()
		} else if t.names.time != "" {
			r.Source.Time, _ = l.events.pool.field(sigma.Field{Name: t.names.time}, top)
		}
	}
	if l.events == nil {
		r.Origins = map[ir.Expr]sigma.Pos{}
	}
	l.source, l.origins, l.inner, l.spent = &r.Source, r.Origins, 0, 0
	l.params.reset()

	r.Source.Where = l.where(t, top)
	for _, e := range doc.Meta.Entities {
		name, err := sigma.ParseFieldName(e.Field)
		if err != nil {
			continue
		}
		if f, unknown := l.lookup(name, top); unknown == nil && !f.Mixed {
			r.Entities = append(r.Entities, ir.EntityField{Type: e.Type, Field: f})
		}
	}
	if doc.Aggregation() == nil {
		r.Once = l.once(top)
	} else {
		r.Inner = true
	}
	found, spent := len(l.diags), l.spent
	if l.events != nil {
		if when, ok := l.events.at(top); ok && spent+l.events.spent <= maxExpandedBytes {
			r.When = when
			return r
		}
		l.events.begin()
	}
	and := &ir.And{X: []ir.Expr{l.detection(doc.Detection, top, "")}}
	l.applied = l.filters(override)
	for _, f := range l.applied {
		l.file, l.params.doc = f.File, f
		and.X = append(and.X, l.detection(f.Detection, top, filterName(f)+"/"))
	}
	l.file, l.params.doc = doc.File, doc
	if small := 0; !countUpTo(and, maxTreeNodes, &small) {
		n := countNodes(and, map[ir.Expr]int{})
		l.errorf(sigma.CodeLimit, doc.Detection.Pos, "split the rule, or count fewer selections by `N of`",
			"the rule becomes %s, more than the %d that one rule may have", countText(n), maxTreeNodes)
		return r
	}
	r.When = l.simplify(and)
	r.Lacks = l.params.lacks()
	r.Source.Parameters = l.params.bindings()
	if len(r.Lacks) > 0 {
		// Such a rule does not run. Should somebody run it, it must not fire.
		r.When = ir.Const(false)
	}
	if l.events != nil {
		l.events.pool.slim(r.When)
		if len(l.diags) == found && len(r.Source.Parameters) == 0 {
			l.events.learn(r.When, top, l.spent-spent)
		}
	}
	return r
}

// where lowers the conditions under which an event of a table is one of the
// logsource.
func (l *lowerer) where(t target, top scope) ir.Expr {
	if len(t.where) == 0 {
		return nil
	}
	if l.events != nil {
		if e := l.events.pool.where(t); e != nil {
			return e
		}
	}
	found, and := len(l.diags), &ir.And{}
	for _, w := range t.where {
		and.X = append(and.X, l.item(&sigma.Item{Pos: l.doc.LogSource.Pos, Field: w.field, Values: w.values}, top, 0))
	}
	e := l.simplify(and)
	if l.events != nil {
		l.events.pool.slim(e)
		if len(l.diags) == found {
			l.events.pool.keepWhere(t, e)
		}
	}
	return e
}

func countText(n int) string {
	if n == math.MaxInt {
		return "a tree beyond counting"
	}
	return fmt.Sprintf("a tree of %d nodes and values", n)
}

// simplify takes out what lowering left over. A node that it had to build anew
// has the origin of its first part.
func (l *lowerer) simplify(e ir.Expr) ir.Expr {
	e = ir.Simplify(e)
	if l.origins == nil {
		return e
	}
	var origin func(ir.Expr) sigma.Pos
	origin = func(e ir.Expr) sigma.Pos {
		if _, isConst := e.(ir.Const); isConst {
			return sigma.Pos{}
		}
		var first sigma.Pos
		for _, c := range ir.Children(e) {
			if p := origin(c); !first.IsValid() {
				first = p
			}
		}
		l.at(e, first)
		return l.origins[e]
	}
	origin(e)
	return e
}

// countNodes counts the nodes and values of e as printed, where a shared node stands as
// often as it is referred to. The answer stays at MaxInt once it is reached.
func countNodes(e ir.Expr, memo map[ir.Expr]int) int {
	if n, ok := memo[e]; ok {
		return n
	}
	n := 1
	if m, ok := e.(*ir.Match); ok {
		n += len(m.Values)
	}
	for _, c := range ir.Children(e) {
		if k := countNodes(c, memo); n > math.MaxInt-k {
			n = math.MaxInt
		} else {
			n += k
		}
	}
	memo[e] = n
	return n
}

// filters returns the filters that apply to the rule: those at hand, then the
// override's own.
func (l *lowerer) filters(override Override) []*sigma.Document {
	if l.doc.Kind != sigma.KindRule {
		return nil
	}
	var out []*sigma.Document
	for _, f := range l.opts.Filters {
		if f != nil && f.Filter != nil && f.Detection != nil && filterNames(f.Filter, l.doc) && filterFits(f.LogSource, l.doc.LogSource) {
			out = append(out, f)
		}
	}
	return append(out, override.filters...)
}

func filterNames(f *sigma.Filter, doc *sigma.Document) bool {
	if f.Any {
		return true
	}
	return slices.ContainsFunc(f.Rules, func(r sigma.Reference) bool { return doc.Meta.IsCalled(r.Name) })
}

// filterFits reports whether all that the filter's logsource says is also said
// by the rule's.
func filterFits(filter, rule sigma.LogSource) bool {
	fits := func(f, r string) bool { return f == "" || strings.EqualFold(f, r) }
	return fits(filter.Category, rule.Category) && fits(filter.Product, rule.Product) && fits(filter.Service, rule.Service)
}

// filterName is what a filter's selections are prefixed with in hits.
func filterName(f *sigma.Document) string {
	for _, n := range []string{f.Meta.Name, f.Meta.Title, f.Meta.ID} {
		if n != "" {
			return n
		}
	}
	return "filter"
}
