package compiler

import (
	"math"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Limits of one correlation. Beyond one of them there is an error at the place
// that went over it.
const (
	// maxInputs bounds the rules of a correlation.
	maxInputs = 1000
	// maxKeyFields bounds the fields that make a group or a value.
	maxKeyFields = 32
	// maxSpanSeconds bounds timespans, lookbacks and their like: 100 years of
	// 365 days, so that sums of two in microseconds are exact.
	maxSpanSeconds = 100 * 365 * 86400
	// maxCombination bounds the nodes of a temporal condition once `2 of x*`
	// and its like are written out.
	maxCombination = 10_000
)

// correlationLowerer lowers one correlation whose inputs are lowered.
type correlationLowerer struct {
	*lowerer
	c      *sigma.Correlation
	legacy bool
	inputs []*node // as c.Rules; nil where there is none
	out    *ir.Correlation
	rule   *ir.Rule
	// byName finds inputs by what they are called in the correlation and by
	// their own id and name.
	byName map[string]int
}

// lowerCorrelation lowers a correlation whose inputs have been lowered.
func (s *documents) lowerCorrelation(n *node) {
	if n.disabled {
		return
	}
	l := &lowerer{doc: n.doc, opts: s.opts, file: n.doc.File}
	l.params = newParameters(l)
	cl := &correlationLowerer{lowerer: l, c: n.doc.Correlation, inputs: n.inputs}
	if cl.checkInputs(s, n) {
		s.keep(n, cl)
	}
	n.diags = n.doc.Silence(append(n.diags, l.finish()...))
	n.diags.Sort()
	if n.failed() {
		n.out = nil
	}
}

// keep lowers what cl holds and puts the rule into n.
func (s *documents) keep(n *node, cl *correlationLowerer) {
	if cl.lower(s.opts.Overrides.For(n.doc)) {
		n.depth = 1
		for _, m := range cl.inputs {
			n.depth = max(n.depth, 1+m.depth)
		}
		if n.depth > maxChain {
			cl.errorf(sigma.CodeLimit, cl.c.Pos, "correlate the rules themselves", "correlations stand on correlations %d deep, more than %d", n.depth, maxChain)
			return
		}
		n.out = []lowered{{rule: cl.rule}}
	}
}

// checkInputs reports references to what has no hits. It returns false where
// the correlation cannot be lowered.
func (cl *correlationLowerer) checkInputs(s *documents, n *node) bool {
	if len(cl.c.Rules) == 0 {
		cl.errorf(sigma.CodeMissingKey, cl.c.Pos, "name rules under rules", "the correlation names no rules")
		return false
	}
	ok := len(cl.inputs) == len(cl.c.Rules)
	seen := map[*node]string{}
	for i, m := range n.inputs {
		ref := cl.c.Rules[i]
		switch {
		case m == nil: // reported
		case m.disabled:
			cl.errorf(sigma.CodeCorrelation, ref.Pos, "enable the rule, or disable the correlation, too", "an override disables the rule %q, which the correlation needs", ref.Name)
		case m.failed():
			s.failedInput(n, ref)
		case seen[m] != "":
			cl.errorf(sigma.CodeCorrelation, ref.Pos, "name it once", "%q is the rule %q again", ref.Name, seen[m])
		case m.doc.Correlation != nil && m.doc.Correlation.Type == sigma.Summary:
			cl.errorf(sigma.CodeCorrelation, ref.Pos, "correlate the rules that it sums up", "%q is a summary, and summaries have no hits", ref.Name)
		case len(m.out) == 0:
			cl.report(sigma.SeverityInfo, sigma.CodeUnknownSource, ref.Pos, "the correlation meets no events unless a pipeline maps the rule's logsource",
				"the rule %q has no events here, so the correlation does not run", ref.Name)
		default:
			seen[m] = ref.Name
			continue
		}
		ok = false
	}
	return ok
}

// lower returns false where the correlation has no meaning.
func (cl *correlationLowerer) lower(override Override) bool {
	c, doc := cl.c, cl.doc
	r := &ir.Rule{File: doc.File, Pos: doc.Pos, Meta: doc.Meta, Origins: map[ir.Expr]sigma.Pos{}}
	override.apply(&r.Meta)
	out := &ir.Correlation{Type: c.Type, Generate: c.Generate}
	r.Correlation = out
	cl.rule, cl.out = r, out
	cl.nameInputs()
	for _, f := range c.GroupBy {
		out.GroupBy = append(out.GroupBy, f.Name)
	}
	counted := c.ConditionFields
	switch c.Type {
	case sigma.NewValue, sigma.Increase, sigma.Summary:
		counted = c.Fields
	}
	for _, f := range counted {
		out.Counted = append(out.Counted, f.Name)
	}
	for _, fs := range [][]sigma.Field{c.GroupBy, counted} {
		if len(fs) > maxKeyFields {
			cl.errorf(sigma.CodeLimit, fs[maxKeyFields].Pos, "name fewer fields", "more than %d fields make a key", maxKeyFields)
			return false
		}
	}
	if len(c.Aliases) > 2*maxKeyFields { // at most so many can be used
		cl.errorf(sigma.CodeLimit, c.Aliases[2*maxKeyFields].Pos, "take out those that are not used", "a correlation takes at most %d aliases", 2*maxKeyFields)
		return false
	}
	aliases := cl.aliases()
	for i, m := range cl.inputs {
		out.Inputs = append(out.Inputs, cl.input(i, m, counted, aliases))
	}
	cl.condition(override)
	r.Once = cl.onceOfGroup(out.GroupBy)
	for _, e := range doc.Meta.Entities {
		if slices.Contains(out.GroupBy, e.Field) {
			r.Entities = append(r.Entities, ir.EntityField{Type: e.Type, Field: groupField(e.Field)})
		}
	}
	r.Lacks = slices.Clone(cl.params.lacks())
	for _, m := range cl.inputs {
		for _, l := range m.out {
			for _, name := range l.rule.Lacks {
				if !slices.Contains(r.Lacks, name) {
					r.Lacks = append(r.Lacks, name)
				}
			}
		}
	}
	r.Source.Parameters = cl.params.bindings()
	return !cl.diags.HasErrors()
}

// groupField is a part of a group's key as a field of the correlation's hits.
func groupField(name string) ir.Field {
	return ir.Field{Name: name, Path: ir.Path{{Key: name}}}
}

func (cl *correlationLowerer) nameInputs() {
	cl.byName = map[string]int{}
	name := func(name string, i int) {
		if _, taken := cl.byName[name]; !taken && name != "" {
			cl.byName[name] = i
		}
	}
	for i, r := range cl.c.Rules {
		name(r.Name, i)
	}
	for i, m := range cl.inputs {
		name(m.doc.Meta.Name, i)
		name(strings.ToLower(m.doc.Meta.ID), i)
	}
}

// index returns which input a name inside the correlation means, or -1.
func (cl *correlationLowerer) index(name string) int {
	for _, n := range []string{name, strings.ToLower(name)} {
		if i, ok := cl.byName[n]; ok {
			return i
		}
	}
	return -1
}

// named is index with a finding where the name means none.
func (cl *correlationLowerer) named(r sigma.Reference, where string) int {
	i := cl.index(r.Name)
	if i < 0 {
		var known []string
		for _, k := range cl.c.Rules {
			known = append(known, k.Name)
		}
		cl.errorf(sigma.CodeCorrelation, r.Pos, sigma.NearestHint(r.Name, known, "add it to rules, or name one of "+strings.Join(known, ", ")),
			"%s names %q, which is not among rules", where, r.Name)
	}
	return i
}

// aliases returns, for each alias and input, the input's field.
func (cl *correlationLowerer) aliases() map[string]map[int]sigma.Field {
	out := map[string]map[int]sigma.Field{}
	listed := map[string]bool{}
	for _, r := range cl.c.Rules {
		listed[r.Name] = true
	}
	for _, a := range cl.c.Aliases {
		if out[a.Name] == nil {
			out[a.Name] = map[int]sigma.Field{}
		}
		for _, f := range a.Fields {
			i := cl.named(f.Rule, "the alias "+a.Name)
			if i < 0 {
				continue
			}
			if _, twice := out[a.Name][i]; twice {
				cl.errorf(sigma.CodeCorrelation, f.Rule.Pos, "say it once", "the alias %s has two fields of the rule %q", a.Name, f.Rule.Name)
				continue
			}
			out[a.Name][i] = f.Field
		}
		// The parser says so where rules are called by the same names as in
		// the alias.
		if slices.ContainsFunc(a.Fields, func(f sigma.AliasField) bool { return !listed[f.Rule.Name] }) {
			for i, r := range cl.c.Rules {
				if _, ok := out[a.Name][i]; !ok {
					cl.warnf(sigma.CodeCorrelation, a.Pos, "give the rule's own name for the field; without one the alias itself is taken for a field of its events",
						"the alias %s says nothing of the rule %q", a.Name, r.Name)
				}
			}
		}
	}
	return out
}

// input lowers what is read of the hits of one rule.
func (cl *correlationLowerer) input(i int, m *node, counted []sigma.Field, aliases map[string]map[int]sigma.Field) ir.Input {
	in := ir.Input{Ref: cl.c.Rules[i].Name, Name: inputName(m.doc)}
	var kept, failed sigma.Diagnostics
	for _, l := range m.out {
		before := len(cl.diags)
		tap := ir.Tap{Rule: l.rule}
		fields := func(names []sigma.Field) []ir.Field {
			var out []ir.Field
			for _, f := range names {
				pos := f.Pos
				if of, ok := aliases[f.Name][i]; ok {
					f = of
					if f.Pos.IsValid() {
						pos = f.Pos
					}
				}
				if field, ok := cl.tapField(f, l, in.Name, pos); ok {
					out = append(out, field)
				}
			}
			return out
		}
		tap.GroupBy, tap.Counted = fields(cl.c.GroupBy), fields(counted)
		found := slices.Clone(cl.diags[before:])
		cl.diags = cl.diags[:before]
		if found.HasErrors() {
			failed = append(failed, found...)
			continue
		}
		kept = append(kept, found...)
		in.Taps = append(in.Taps, tap)
	}
	// Where the fields are in the rule's events of one source, their absence
	// in another is worth saying and no more.
	for _, d := range failed {
		if len(in.Taps) > 0 && d.Severity == sigma.SeverityError {
			d.Severity = sigma.SeverityWarning
			d.Message += "; these events are left out"
		}
		kept = append(kept, d)
	}
	cl.diags = append(cl.diags, kept...)
	return in
}

func inputName(doc *sigma.Document) string {
	for _, name := range []string{doc.Meta.Name, doc.Meta.Title, doc.Meta.ID} {
		if name != "" {
			return name
		}
	}
	return "rule"
}

// tapField finds a field in the hits of a rule.
func (cl *correlationLowerer) tapField(f sigma.Field, of lowered, rule string, pos sigma.Pos) (ir.Field, bool) {
	if f.Name == "" || f.Name == "." {
		cl.errorf(sigma.CodeField, pos, "name a field", "a group or value must be that of a field")
		return ir.Field{}, false
	}
	inner := of.rule.Correlation
	if inner == nil {
		cl.source = &of.rule.Source
		return cl.field(f, of.top, pos)
	}
	i := slices.Index(inner.GroupBy, f.Name)
	if i < 0 {
		has := "no group-by"
		if len(inner.GroupBy) > 0 {
			has = "only its group-by: " + strings.Join(inner.GroupBy, ", ")
		}
		cl.errorf(sigma.CodeUnknownField, pos, sigma.NearestHint(f.Name, inner.GroupBy, "add it to the group-by of "+rule+", or give an alias"),
			"the hits of the correlation %s have no field %s; they have %s", rule, f.Name, has)
		return ir.Field{}, false
	}
	return ir.Field{Name: f.Name, Path: ir.Path{{Key: inner.GroupBy[i]}}}, true
}

// condition lowers what must hold of a group.
func (cl *correlationLowerer) condition(override Override) {
	c, out := cl.c, cl.out
	used := map[sigma.ThresholdOp]bool{}
	switch c.Type {
	case sigma.AfterSilence, sigma.NewValue, sigma.Summary:
	default:
		out.Span = cl.length(c.Timespan, "timespan")
	}
	switch c.Type {
	case sigma.EventCount:
		out.Bounds = cl.bounds(c.Thresholds, override, used, 1, math.Inf(1), c.Pos)
	case sigma.ValueCount:
		cl.needsField()
		out.Bounds = cl.bounds(c.Thresholds, override, used, 0, math.Inf(1), c.Pos)
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		cl.needsField()
		out.Bounds = cl.bounds(c.Thresholds, override, used, math.Inf(-1), math.Inf(1), c.Pos)
		if c.Type == sigma.ValuePercentile {
			out.Percentile = 50
			if c.Percentile != nil {
				out.Percentile = numberFloat(ir.Number(*c.Percentile))
			}
			if !(out.Percentile > 0 && out.Percentile <= 100) {
				cl.errorf(sigma.CodeBadValue, c.Pos, "", "percentile must be above 0 and up to 100")
			}
		}
	case sigma.Temporal, sigma.TemporalOrdered:
		cl.temporal(override, used)
	case sigma.NewValue:
		if len(c.Fields) == 0 {
			cl.errorf(sigma.CodeMissingKey, c.Pos, "name fields", "the correlation does not say whose values are new")
		}
		out.Lookback, out.MinHistory = cl.length(c.Lookback, "lookback"), max(1, c.MinHistory)
	case sigma.AfterSilence:
		out.Silence, out.Lookback = cl.length(c.Silence, "silence"), cl.length(c.Lookback, "lookback")
		if out.Lookback > 0 && out.Silence > out.Lookback {
			cl.errorf(sigma.CodeCorrelation, c.Lookback.Pos, "make the lookback longer than the silence", "no event before the silence lies in the lookback")
		}
	case sigma.Counts:
		cl.counts(override, used)
	case sigma.Increase:
		cl.increase()
	case sigma.Summary:
		if len(c.GroupBy) == 0 {
			cl.errorf(sigma.CodeMissingKey, c.Pos, "name fields under group-by", "a summary does not say of what groups")
		}
	default:
		cl.errorf(sigma.CodeBadValue, c.TypePos, "write event_count, or another type", "there is no correlation type %q", c.Type)
	}
	for _, t := range override.Thresholds {
		if !used[t.Op] {
			cl.overrideWarning(t.Pos, "replace an operator that it has", "the correlation %s has no %s to be replaced", inputName(cl.doc), t.Op)
		}
	}
	for _, f := range override.filters {
		if !cl.legacy {
			cl.overrideWarning(f.Pos, "override the rules that it correlates", "a filter has no effect on the correlation %s", inputName(cl.doc))
		}
	}
}

func (cl *correlationLowerer) overrideWarning(pos sigma.Pos, hint, format string, args ...any) {
	file := cl.file
	cl.file = cl.opts.Overrides.fileName()
	cl.warnf(sigma.CodeOverride, pos, hint, format, args...)
	cl.file = file
}

func (cl *correlationLowerer) needsField() {
	if len(cl.out.Counted) == 0 || len(cl.out.Counted) > 1 && cl.c.Type != sigma.ValueCount {
		cl.errorf(sigma.CodeCorrelation, cl.c.Pos, "name one field; only value_count takes several", "%s works on one field", cl.c.Type)
	}
}

// length lowers a timespan to microseconds; 0 where it has none, which has been
// reported or is lacking.
func (l *lowerer) length(t sigma.Timespan, what string) int64 {
	seconds := t.Seconds
	if t.Placeholder != "" {
		vs, ok := l.params.values(t.Placeholder, t.Pos, "duration")
		if !ok {
			return 0
		}
		n, isSpan := l.span(vs[0])
		if !isSpan || len(vs) > 1 {
			l.errorf(sigma.CodeParameter, t.Pos, sigma.ParameterHint("duration"), "parameter %s is no timespan", t.Placeholder)
			return 0
		}
		seconds = n.Int
	}
	switch {
	case seconds <= 0:
		pos := t.Pos
		if !pos.IsValid() {
			pos = l.doc.KeyPos("correlation")
		}
		l.errorf(sigma.CodeTimespan, pos, "write a number of at least 1 and a unit, such as 5m", "%s must be longer than nothing", what)
		return 0
	case seconds > maxSpanSeconds:
		l.errorf(sigma.CodeLimit, t.Pos, "use a shorter one", "%s is longer than %d years", what, maxSpanSeconds/(365*86400))
		return 0
	}
	return seconds * 1_000_000
}

// bounds lowers thresholds on a number that is least at least and most at most;
// a count where least is finite.
func (cl *correlationLowerer) bounds(ts []sigma.Threshold, override Override, used map[sigma.ThresholdOp]bool, least, most float64, pos sigma.Pos) []ir.Bound {
	if len(ts) == 0 {
		cl.errorf(sigma.CodeCorrelation, pos, "add one, such as gte: 10", "the condition has none of gt, gte, lt, lte, eq, neq")
		return nil
	}
	var out []ir.Bound
	var given []sigma.Threshold
	changed := cl.legacy
	lacking := false
	for _, t := range ts {
		if i := slices.IndexFunc(override.Thresholds, func(o sigma.Threshold) bool { return o.Op == t.Op }); i >= 0 {
			t.Value, t.Placeholder = override.Thresholds[i].Value, ""
			used[t.Op], changed = true, true
		}
		if t.Placeholder != "" {
			changed = true
			vs, ok := cl.params.values(t.Placeholder, t.Pos, "number")
			if !ok {
				lacking = true
				continue
			}
			n, isNumber := numberOf(vs[0])
			if !isNumber || len(vs) > 1 {
				cl.errorf(sigma.CodeParameter, t.Pos, sigma.ParameterHint("number"), "parameter %s is no number", t.Placeholder)
				continue
			}
			t.Value, t.Placeholder = sigma.Numeric(n), ""
		}
		if f := numberFloat(ir.Number(t.Value)); math.IsNaN(f) || math.IsInf(f, 0) {
			cl.errorf(sigma.CodeBadValue, t.Pos, "write a number", "%s must be a finite number", t.Op)
			continue
		}
		given = append(given, t)
		out = append(out, ir.Bound{Op: t.Op, Value: canonical(ir.Number(t.Value))})
	}
	if changed && !lacking && len(given) > 0 && !sigma.Satisfiable(given, least, most) {
		if p := given[0].Pos; p.IsValid() {
			pos = p
		}
		cl.errorf(sigma.CodeCorrelation, pos, "change the threshold", "no number meets all of the condition, so the correlation can never hold")
	}
	return out
}

func numberFloat(n ir.Number) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

// temporal lowers the condition of a temporal type.
func (cl *correlationLowerer) temporal(override Override, used map[sigma.ThresholdOp]bool) {
	c, out := cl.c, cl.out
	n := len(out.Inputs)
	if n < 2 {
		cl.errorf(sigma.CodeCorrelation, c.Pos, "name the other rules, or use event_count", "%s needs at least two rules", c.Type)
		return
	}
	atLeast := func(k int) []ir.Bound {
		return []ir.Bound{{Op: sigma.OpGTE, Value: ir.Number{IsInt: true, Int: int64(k)}}}
	}
	pos := c.Pos
	all := true // the condition asks for all rules
	switch {
	case c.Expr != nil && c.Expr.Expr != nil:
		pos = c.Expr.Pos
		nodes := 0
		of, ok := c.Expr.Expr.(*sigma.ConditionOf)
		if ok && len(cl.meant(of)) == n && of.Count <= n {
			// `2 of them` is a number, however many rules there are.
			k := of.Count
			if k <= 0 {
				k = n
			}
			out.Bounds, all = atLeast(k), k == n
			break
		}
		out.Combination = cl.combination(c.Expr.Expr, &nodes, 0)
		all = asksForAll(out.Combination, n)
	case len(c.Thresholds) > 0:
		pos = c.Thresholds[0].Pos
		out.Bounds = cl.bounds(c.Thresholds, override, used, 1, float64(n), c.Pos)
		for k := 1; k <= n && all; k++ {
			all = boundsHold(out.Bounds, k) == (k == n)
		}
	default:
		out.Bounds = atLeast(n)
	}
	if c.Type != sigma.TemporalOrdered || cl.diags.HasErrors() || len(cl.params.lacks()) > 0 {
		return
	}
	if !all {
		cl.errorf(sigma.CodeUnsupported, pos, "leave the condition out, or write one correlation for each order",
			"temporal_ordered wants all its rules in order; a condition that some of them meet has no order")
	}
	out.Combination, out.Bounds = nil, atLeast(n)
}

// asksForAll reports whether a combination is the conjunction of all n inputs.
func asksForAll(c ir.Combination, n int) bool {
	seen := make([]bool, n)
	var visit func(c ir.Combination) bool
	visit = func(c ir.Combination) bool {
		switch c := c.(type) {
		case *ir.AllOf:
			for _, x := range c.X {
				if !visit(x) {
					return false
				}
			}
			return true
		case ir.Occurs:
			seen[c] = true
			return true
		}
		return false
	}
	return visit(c) && !slices.Contains(seen, false)
}

// boundsHold says whether a number of rules meets the bounds.
func boundsHold(bs []ir.Bound, k int) bool {
	for _, b := range bs {
		d := compareNumbers(ir.Number{IsInt: true, Int: int64(k)}, b.Value)
		holds := map[sigma.ThresholdOp]bool{sigma.OpGT: d > 0, sigma.OpGTE: d >= 0, sigma.OpLT: d < 0, sigma.OpLTE: d <= 0, sigma.OpEQ: d == 0, sigma.OpNEQ: d != 0}
		if !holds[b.Op] {
			return false
		}
	}
	return true
}

// combination lowers an expression over the rules.
func (cl *correlationLowerer) combination(e sigma.ConditionExpr, nodes *int, depth int) ir.Combination {
	if *nodes++; *nodes > maxCombination || depth > maxDepth {
		if *nodes <= maxCombination || *nodes == maxCombination+1 {
			*nodes = maxCombination + 2 // said once
			cl.errorf(sigma.CodeLimit, e.Position(), "correlate fewer rules", "the condition is deeper than %d or becomes more than %d parts", maxDepth, maxCombination)
		}
		return ir.Occurs(0)
	}
	parts := func(ps []sigma.ConditionExpr) []ir.Combination {
		var xs []ir.Combination
		for _, p := range ps {
			xs = append(xs, cl.combination(p, nodes, depth+1))
		}
		return xs
	}
	switch e := e.(type) {
	case *sigma.ConditionAnd:
		return &ir.AllOf{X: parts(e.Parts)}
	case *sigma.ConditionOr:
		return &ir.OneOf{X: parts(e.Parts)}
	case *sigma.ConditionNot:
		return &ir.NoneOf{X: cl.combination(e.Part, nodes, depth+1)}
	case *sigma.ConditionName:
		return ir.Occurs(max(0, cl.named(sigma.Reference{Pos: e.Pos, Name: e.Name}, "condition")))
	case *sigma.ConditionOf:
		return cl.combinationOf(e, nodes)
	}
	panic("compiler: unknown condition node")
}

// meant returns the inputs whose names an expression counts.
func (cl *correlationLowerer) meant(e *sigma.ConditionOf) []ir.Combination {
	var xs []ir.Combination
	for i, r := range cl.c.Rules {
		if name := cl.inputs[i].doc.Meta.Name; e.Matches(r.Name) || name != "" && e.Matches(name) {
			xs = append(xs, ir.Occurs(i))
		}
	}
	return xs
}

// combinationOf lowers `2 of rule_*`.
func (cl *correlationLowerer) combinationOf(e *sigma.ConditionOf, nodes *int) ir.Combination {
	xs := cl.meant(e)
	k := e.Count
	if k <= 0 {
		k = len(xs)
	}
	switch {
	case len(xs) == 0:
		cl.errorf(sigma.CodeNoMatch, e.Pos, "", "no rule is meant by %q", e.Pattern)
		return ir.Occurs(0)
	case k > len(xs):
		cl.errorf(sigma.CodeCorrelation, e.Pos, "", "%d rules are asked for, and %d are meant", k, len(xs))
		return ir.Occurs(0)
	case k == len(xs):
		return &ir.AllOf{X: xs}
	case k == 1:
		return &ir.OneOf{X: xs}
	}
	// Every choice of k: one of the first n-k+1 is the first to occur, and
	// k-1 of those behind it occur too.
	var build func(xs []ir.Combination, k int) ir.Combination
	build = func(xs []ir.Combination, k int) ir.Combination {
		if *nodes += len(xs); *nodes > maxCombination {
			return ir.Occurs(0)
		}
		switch k {
		case 1:
			return &ir.OneOf{X: xs}
		case len(xs):
			return &ir.AllOf{X: xs}
		}
		or := &ir.OneOf{}
		for i := 0; i+k <= len(xs); i++ {
			or.X = append(or.X, &ir.AllOf{X: []ir.Combination{xs[i], build(xs[i+1:], k-1)}})
		}
		return or
	}
	before := *nodes
	out := build(xs, k)
	if *nodes > maxCombination && before <= maxCombination {
		*nodes = maxCombination + 2
		cl.errorf(sigma.CodeLimit, e.Pos, "correlate fewer rules", "the condition becomes more than %d parts", maxCombination)
	}
	return out
}

// counts lowers the conditions of each rule's own count.
func (cl *correlationLowerer) counts(override Override, used map[sigma.ThresholdOp]bool) {
	c, out := cl.c, cl.out
	for _, rc := range c.RuleCounts {
		i := cl.named(rc.Rule, "condition")
		if i < 0 {
			continue
		}
		if slices.ContainsFunc(out.Counts, func(x ir.Count) bool { return x.Input == i }) {
			cl.errorf(sigma.CodeCorrelation, rc.Rule.Pos, "put the operators together", "condition says twice what the count of %q must be", rc.Rule.Name)
			continue
		}
		out.Counts = append(out.Counts, ir.Count{Input: i, Bounds: cl.bounds(rc.Thresholds, override, used, 0, math.Inf(1), rc.Rule.Pos)})
	}
	if r := c.Ratio; r != nil {
		of, to := cl.named(r.Of, "ratio"), cl.named(r.To, "ratio")
		out.Ratio = &ir.Ratio{Of: of, To: to, GTE: numberFloat(ir.Number(r.GTE))}
		switch {
		case of >= 0 && of == to:
			cl.errorf(sigma.CodeCorrelation, r.To.Pos, "name two rules", "ratio compares the rule %q with itself", r.Of.Name)
		case !(out.Ratio.GTE > 0) || math.IsInf(out.Ratio.GTE, 0):
			cl.errorf(sigma.CodeBadValue, r.Pos, "", "gte of ratio must be above 0")
		}
	}
	for i, ref := range c.Rules {
		if !slices.ContainsFunc(out.Counts, func(x ir.Count) bool { return x.Input == i }) && (out.Ratio == nil || out.Ratio.Of != i && out.Ratio.To != i) {
			cl.errorf(sigma.CodeCorrelation, ref.Pos, "add it to condition, or leave it out", "no condition says what the count of %q must be", ref.Name)
		}
	}
}

// increase lowers the comparison of windows.
func (cl *correlationLowerer) increase() {
	const day = 86400 * 1_000_000
	c, out := cl.c, cl.out
	number := func(n *sigma.Numeric, what string, otherwise float64) float64 {
		if n == nil {
			return otherwise
		}
		f := numberFloat(ir.Number(*n))
		if !(f >= 0) || math.IsInf(f, 0) {
			cl.errorf(sigma.CodeBadValue, c.Pos, "", "%s must be a number of at least 0", what)
		}
		return f
	}
	out.Against = cl.length(c.Against, "against")
	out.Factor, out.Difference = number(c.Factor, "ratio", 0), number(c.Difference, "difference", 0)
	out.Minimum = number(c.Minimum, "minimum", 1)
	out.Zone = c.Zone
	if name, ok := placeholderName(c.Zone); ok {
		if vs, ok := cl.params.values(name, c.Pos, "zone"); ok {
			out.Zone = literalOf(partsOf(vs[0]))
		} else {
			out.Zone = ""
		}
	}
	if err := checkZone(out.Zone); err != nil {
		cl.errorf(sigma.CodeBadValue, c.Pos, sigma.ParameterHint("zone"), "%v", err)
	}
	if len(c.Fields) > 1 {
		cl.errorf(sigma.CodeCorrelation, c.Fields[1].Pos, "name one field", "increase works on one field")
	}
	switch {
	case c.Factor == nil && c.Difference == nil:
		cl.errorf(sigma.CodeMissingKey, c.Pos, "add ratio: 3, or difference: 100", "a correlation of type increase lacks ratio or difference")
	case out.Span <= 0 || out.Against <= 0:
	case out.Against%out.Span != 0:
		cl.errorf(sigma.CodeCorrelation, c.Against.Pos, "use a multiple of timespan, such as the same value", "windows of %s do not divide against", ir.LengthText(out.Span))
	case out.Zone != "" && out.Span%day != 0:
		cl.errorf(sigma.CodeCorrelation, c.Timespan.Pos, "leave zone out, or use a timespan of whole days", "windows of %s do not begin at midnights", ir.LengthText(out.Span))
	}
}
