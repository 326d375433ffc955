package compiler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// maxChain bounds how deep correlations stand on correlations: one over rules
// alone has depth 1.
const maxChain = 10

// LowerAll lowers a set of documents that may refer to each other. It is
// tolerant: it returns the rules of all documents that have a meaning, what a
// correlation taps before it, and the findings of all. Filters among the
// documents are applied as if they were among the options'. What documents
// refer to is looked for among Options.Documents, too; rules of there that a
// correlation needs are among the result, marked Inner. Each rule is there
// once: what a correlation taps are the very rules of the result.
func LowerAll(docs []*sigma.Document, opts Options) ([]*ir.Rule, sigma.Diagnostics) {
	opts.Filters = withFilters(opts.Filters, docs)
	s := newDocuments(docs, &opts, func(doc *sigma.Document) ([]lowered, sigma.Diagnostics) { return lowerRule(doc, &opts) })
	s.lowerAll()
	var rules []*ir.Rule
	var ds sigma.Diagnostics
	for _, n := range s.nodes {
		if n.doc.Kind == sigma.KindFilter && n.wanted {
			_, found := lowerRule(n.doc, &opts)
			n.diags = append(n.diags, found...)
		}
		if n.doc.Correlation == nil {
			rules = append(rules, n.rules()...)
		}
		ds = append(ds, n.diags...)
	}
	for _, n := range s.ordered {
		rules = append(rules, n.rules()...)
	}
	ds.Sort()
	return rules, ds
}

func withFilters(filters, docs []*sigma.Document) []*sigma.Document {
	filters = slices.Clip(filters)
	for _, d := range docs {
		if d != nil && d.Kind == sigma.KindFilter {
			filters = append(filters, d)
		}
	}
	return filters
}

// lowered is a rule with where the names of its fields are looked up.
type lowered struct {
	rule *ir.Rule
	top  scope
}

// documents are a set of documents that may refer to each other.
type documents struct {
	opts *Options
	// lower lowers what looks at one event.
	lower func(doc *sigma.Document) ([]lowered, sigma.Diagnostics)
	// nodes are in the order given, those of Options.Documents last.
	nodes []*node
	// named finds nodes by id, in lower case, and by name.
	named map[string][]*node
	known []string
	// ordered are the correlations, what they refer to first.
	ordered []*node
}

// node is a document of the set with what became of it.
type node struct {
	doc    *sigma.Document
	wanted bool // not only there to be referred to; else its rules are Inner
	// inputs are what a correlation refers to; nil where that could not be
	// found, which has been reported.
	inputs []*node
	diags  sigma.Diagnostics

	done  bool
	depth int // of a correlation
	// out is what others may refer to: a rule for each source, or the one of a
	// correlation. None for a document that has errors, that an override
	// disables or whose events come from nowhere.
	out []lowered
	// inner are the rules that a legacy aggregation counts.
	inner    []lowered
	disabled bool
}

func (n *node) rules() []*ir.Rule {
	var out []*ir.Rule
	for _, l := range n.inner {
		out = append(out, l.rule)
	}
	for _, l := range n.out {
		l.rule.Inner = l.rule.Inner || !n.wanted
		out = append(out, l.rule)
	}
	return out
}

func (n *node) failed() bool { return n.diags.HasErrors() }

func (n *node) errorf(code sigma.Code, pos sigma.Pos, hint, format string, args ...any) {
	n.diags = append(n.diags, sigma.Diagnostic{File: n.doc.File, Pos: pos, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// newDocuments finds what the documents refer to. Filters are not lowered.
func newDocuments(docs []*sigma.Document, opts *Options, lower func(*sigma.Document) ([]lowered, sigma.Diagnostics)) *documents {
	s := &documents{opts: opts, lower: lower, named: map[string][]*node{}}
	seen := map[*sigma.Document]bool{}
	add := func(docs []*sigma.Document, wanted bool) {
		for _, d := range docs {
			if d == nil || seen[d] {
				continue
			}
			seen[d] = true
			n := &node{doc: d, wanted: wanted}
			s.nodes = append(s.nodes, n)
			for _, name := range []string{strings.ToLower(d.Meta.ID), d.Meta.Name} {
				if name != "" && !slices.Contains(s.named[name], n) {
					s.named[name] = append(s.named[name], n)
					if d.Kind != sigma.KindFilter {
						s.known = append(s.known, name)
					}
				}
			}
		}
	}
	add(docs, true)
	add(opts.Documents, false)
	slices.Sort(s.known)
	s.known = slices.Compact(s.known)
	return s
}

// find returns the document that a reference of n means, or nil with a finding.
func (s *documents) find(n *node, ref sigma.Reference) *node {
	var found []*node
	for _, name := range []string{ref.Name, strings.ToLower(ref.Name)} {
		for _, m := range s.named[name] {
			if refersTo(ref.Name, m.doc) && !slices.Contains(found, m) {
				found = append(found, m)
			}
		}
	}
	filter := slices.IndexFunc(found, func(m *node) bool { return m.doc.Kind == sigma.KindFilter })
	if len(found) > 1 {
		found = slices.DeleteFunc(found, func(m *node) bool { return m.doc.Kind == sigma.KindFilter })
	}
	switch {
	case len(found) == 0:
		hint := "load it too, or take the name out"
		if near := sigma.Nearest(ref.Name, s.known); near != "" {
			hint = "did you mean " + near + "?"
		}
		n.errorf(sigma.CodeUnknownRule, ref.Pos, hint, "no rule has the id or name %q", ref.Name)
	case len(found) > 1:
		var places []string
		for _, m := range found[:min(len(found), 3)] {
			places = append(places, placeOf(m.doc))
		}
		n.errorf(sigma.CodeUnknownRule, ref.Pos, "give the id of the one that is meant", "%q may mean each of %d rules: %s", ref.Name, len(found), strings.Join(places, ", "))
	case filter >= 0:
		n.errorf(sigma.CodeCorrelation, ref.Pos, "name the rules that it narrows", "%q is a filter, and filters have no hits", ref.Name)
	default:
		return found[0]
	}
	return nil
}

func placeOf(d *sigma.Document) string {
	what := d.Meta.Title
	if what == "" {
		what = d.Kind.String()
	}
	if d.File == "" {
		return what
	}
	return fmt.Sprintf("%s (%s:%d)", what, d.File, d.Pos.Line)
}

// lowerAll lowers the wanted documents and all that they refer to.
func (s *documents) lowerAll() {
	// What is needed, and who needs it.
	var rules, correlations, todo []*node
	needed := map[*node]bool{}
	need := func(n *node) {
		if !needed[n] {
			needed[n] = true
			todo = append(todo, n)
		}
	}
	for _, n := range s.nodes {
		if n.wanted && n.doc.Kind != sigma.KindFilter {
			need(n)
		}
	}
	users := map[*node][]*node{}
	waiting := map[*node]int{}
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		c := n.doc.Correlation
		if c == nil {
			rules = append(rules, n)
			continue
		}
		correlations = append(correlations, n)
		if n.disabled = s.opts.Overrides.For(n.doc).Disabled(); n.disabled {
			continue // a rule that is switched off may be as it is
		}
		if len(c.Rules) > maxInputs {
			n.errorf(sigma.CodeLimit, c.Rules[maxInputs].Pos, "correlate fewer rules", "a correlation takes at most %d rules", maxInputs)
			continue
		}
		for _, ref := range c.Rules {
			m := s.find(n, ref)
			n.inputs = append(n.inputs, m)
			if m == nil {
				continue
			}
			need(m)
			users[m] = append(users[m], n)
			waiting[n]++
		}
	}
	inParallel(len(rules), func(i int) { s.lowerRule(rules[i]) })

	var ready []*node
	finished := func(n *node) {
		n.done = true
		for _, u := range users[n] {
			if waiting[u]--; waiting[u] == 0 {
				ready = append(ready, u)
			}
		}
	}
	for _, n := range correlations {
		if waiting[n] == 0 { // of what it names, nothing was found
			ready = append(ready, n)
		}
	}
	for _, n := range rules {
		finished(n)
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		s.lowerCorrelation(n)
		s.ordered = append(s.ordered, n)
		finished(n)
	}
	s.cycles(correlations)
}

// cycles reports the correlations that are still not lowered: they refer to
// themselves, perhaps through others, or to such.
func (s *documents) cycles(correlations []*node) {
	for _, n := range correlations {
		if n.done {
			continue
		}
		// The first way back, in the author's order.
		type step struct {
			n    *node
			from *step
			ref  int // of from's references
		}
		var back *step
		seen := map[*node]bool{}
		queue := []*step{{n: n}}
		for len(queue) > 0 && back == nil {
			at := queue[0]
			queue = queue[1:]
			for i, m := range at.n.inputs {
				if m == n {
					back = &step{m, at, i}
					break
				}
				if m != nil && !m.done && !seen[m] {
					seen[m] = true
					queue = append(queue, &step{m, at, i})
				}
			}
		}
		if back == nil {
			for i, m := range n.inputs {
				if m != nil && !m.done {
					s.failedInput(n, n.doc.Correlation.Rules[i])
				}
			}
			continue
		}
		var names []string
		first := 0
		for at := back; at != nil; at = at.from {
			names = append(names, nodeName(at.n))
			if at.from != nil && at.from.from == nil {
				first = at.ref
			}
		}
		slices.Reverse(names)
		if len(names) > maxChain {
			names = append(names[:maxChain-1], "…", names[len(names)-1])
		}
		n.errorf(sigma.CodeCorrelation, n.doc.Correlation.Rules[first].Pos, "take one of the references out",
			"the correlation refers to itself: %s", strings.Join(names, " → "))
	}
}

func nodeName(n *node) string {
	for _, name := range []string{n.doc.Meta.Name, n.doc.Meta.ID, n.doc.Meta.Title} {
		if name != "" {
			return name
		}
	}
	return placeOf(n.doc)
}

func (s *documents) failedInput(n *node, ref sigma.Reference) {
	n.errorf(sigma.CodeCorrelation, ref.Pos, "correct that first", "the rule %q has errors, so what counts its hits cannot run", ref.Name)
}

// lowerRule lowers what is no correlation.
func (s *documents) lowerRule(n *node) {
	n.disabled = s.opts.Overrides.For(n.doc).Disabled()
	out, ds := s.lower(n.doc)
	n.diags = append(n.diags, ds...)
	n.out = out
	if aggregationOf(n.doc) != nil && len(out) > 0 {
		n.inner, n.out = out, nil
		s.lowerAggregation(n)
	}
}
