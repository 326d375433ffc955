package compiler

import (
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
			s.failedInput(n, m, ref)
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
	r.Entities = cl.entitiesOfGroup(out.HitFields())
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

// entitiesOfGroup lowers the entities of a correlation, whose hits have these
// fields only.
func (cl *correlationLowerer) entitiesOfGroup(names []string) []ir.EntityField {
	var out []ir.EntityField
	for _, e := range cl.doc.Meta.Entities {
		if !slices.Contains(names, e.Field) {
			cl.errorf(sigma.CodeCorrelation, e.Pos, sigma.NearestHint(e.Field, names, "name fields of group-by, or of `fields` in new_value; or leave the entity out"),
				"the %s of entities is %s, which hits of this correlation do not have", e.Type, e.Field)
			continue
		}
		out = append(out, ir.EntityField{Type: e.Type, Field: groupField(e.Field)})
	}
	return out
}

// groupField is a part of a group's key, or a new value, as a field of the
// correlation's hits.
func groupField(name string) ir.Field {
	return ir.Field{Name: name, Path: ir.Path{{Key: name}}}
}

// named returns which input a reference inside the correlation means; -1 with a
// finding where it means none, or several.
func (cl *correlationLowerer) named(r sigma.Reference, where string) int {
	found := -1
	for i, m := range cl.inputs {
		if !m.doc.Meta.IsCalled(r.Name) {
			continue
		}
		if found >= 0 {
			cl.errorf(sigma.CodeCorrelation, r.Pos, "give the id of the one that is meant", "%s names %q, which may mean each of several among rules: %s, %s",
				where, r.Name, placeOf(cl.inputs[found].doc), placeOf(m.doc))
			return -1
		}
		found = i
	}
	if found < 0 {
		var known []string
		for _, k := range cl.c.Rules {
			known = append(known, k.Name)
		}
		cl.errorf(sigma.CodeCorrelation, r.Pos, sigma.NearestHint(r.Name, known, "add it to rules, or name one of "+strings.Join(known, ", ")),
			"%s names %q, which is not among rules", where, r.Name)
	}
	return found
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

func numberFloat(n ir.Number) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}
