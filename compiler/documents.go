package compiler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

const (
	// maxChain bounds how deep correlations stand on correlations: one over
	// rules alone has depth 1.
	maxChain = 10
	// maxNearest bounds the unknown references of a set for which the nearest
	// name is looked for, and maxLoopSearch the correlations that are looked at
	// to say through which others one refers to itself.
	maxNearest    = 100
	maxLoopSearch = 100
	// maxMeant bounds the documents that are named where a reference means
	// several.
	maxMeant = 4
)

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
	node  map[*sigma.Document]*node
	// rules finds rules and correlations, filters the others.
	rules, filters sigma.References
	known          []string // ids and names of rules, once one is not found
	unknown        int      // references that name nothing
	// ordered are the correlations, what they refer to first.
	ordered []*node
}

// node is a document of the set with what became of it.
type node struct {
	doc    *sigma.Document
	wanted bool // not only there to be referred to; else its rules are Inner
	feeds  bool // it has no hits of its own
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
		l.rule.Inner, l.rule.OnlyFeeds = l.rule.Inner || !n.wanted, n.feeds
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
	s := &documents{opts: opts, lower: lower, node: map[*sigma.Document]*node{}}
	add := func(docs []*sigma.Document, wanted bool) {
		for _, d := range docs {
			if d == nil || s.node[d] != nil {
				continue
			}
			n := &node{doc: d, wanted: wanted}
			s.node[d] = n
			s.nodes = append(s.nodes, n)
			if d.Kind == sigma.KindFilter {
				s.filters.Add(d)
			} else {
				s.rules.Add(d)
			}
		}
	}
	add(docs, true)
	add(opts.Documents, false)
	for d := range onlyFeed(docs, &s.rules) {
		s.node[d].feeds = true
	}
	return s
}

// find returns the document that a reference of n means, or nil with a finding.
func (s *documents) find(n *node, ref sigma.Reference) *node {
	var found []*node
	for d := range s.rules.Find(ref.Name) {
		if found = append(found, s.node[d]); len(found) == maxMeant {
			break
		}
	}
	switch {
	case len(found) == 0 && s.filters.First(ref.Name) != nil:
		n.errorf(sigma.CodeCorrelation, ref.Pos, "name the rules that it narrows", "%q is a filter, and filters have no hits", ref.Name)
		return nil
	case len(found) == 0:
		hint := "load it too, or take the name out"
		if s.unknown++; s.unknown <= maxNearest {
			if s.known == nil {
				s.known = s.rules.Known()
			}
			hint = sigma.NearestHint(ref.Name, s.known, hint)
		}
		n.errorf(sigma.CodeUnknownRule, ref.Pos, hint, "no rule has the id or name %q", ref.Name)
		return nil
	case len(found) > 1:
		places := make([]string, len(found))
		for i, m := range found {
			places[i] = placeOf(m.doc)
		}
		n.errorf(sigma.CodeUnknownRule, ref.Pos, "give the id of the one that is meant", "%q may mean each of several rules: %s", ref.Name, strings.Join(places, ", "))
		return nil
	}
	return found[0]
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
	var open []*node
	for _, n := range correlations {
		if !n.done {
			open = append(open, n)
		}
	}
	loops := loopsOf(open)
	for _, n := range open {
		if !loops[n] {
			for i, m := range n.inputs {
				if m != nil && !m.done {
					s.failedInput(n, m, n.doc.Correlation.Rules[i])
				}
			}
			continue
		}
		pos, path := s.loop(n)
		if path == "" {
			path = "through many others"
		}
		n.errorf(sigma.CodeCorrelation, pos, "take one of the references out", "the correlation refers to itself: %s", path)
	}
}

// loopsOf returns the nodes that are on a way back to themselves: those of
// strongly connected components, by Tarjan's algorithm without recursion.
func loopsOf(nodes []*node) map[*node]bool {
	type frame struct {
		n    *node
		next int
	}
	var index, low = map[*node]int{}, map[*node]int{}
	var stack []*node
	on, loops := map[*node]bool{}, map[*node]bool{}
	for _, root := range nodes {
		if index[root] != 0 {
			continue
		}
		calls := []frame{{n: root}}
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			n := f.n
			if index[n] == 0 {
				index[n] = len(index) + 1
				low[n] = index[n]
				stack, on[n] = append(stack, n), true
			}
			if f.next < len(n.inputs) {
				m := n.inputs[f.next]
				f.next++
				switch {
				case m == nil || m.done:
				case m == n:
					loops[n] = true
				case index[m] == 0:
					calls = append(calls, frame{n: m})
				case on[m]:
					low[n] = min(low[n], index[m])
				}
				continue
			}
			if low[n] == index[n] {
				size := 0
				for i := len(stack) - 1; ; i-- {
					size++
					if stack[i] == n {
						break
					}
				}
				for _, m := range stack[len(stack)-size:] {
					on[m] = false
					loops[m] = loops[m] || size > 1
				}
				stack = stack[:len(stack)-size]
			}
			if calls = calls[:len(calls)-1]; len(calls) > 0 {
				above := calls[len(calls)-1].n
				low[above] = min(low[above], low[n])
			}
		}
	}
	return loops
}

// loop finds a short way from a node back to itself: where it begins, and the
// names on it, which are "" where none was found soon.
func (s *documents) loop(n *node) (sigma.Pos, string) {
	type step struct {
		n    *node
		from *step
		ref  int // of from's references
	}
	seen := map[*node]bool{}
	queue := []*step{{n: n}}
	for i := 0; i < len(queue) && i < maxLoopSearch; i++ {
		at := queue[i]
		for r, m := range at.n.inputs {
			if m != n {
				if m != nil && !m.done && !seen[m] && len(queue) < maxLoopSearch {
					seen[m] = true
					queue = append(queue, &step{m, at, r})
				}
				continue
			}
			names := []string{nodeName(n)}
			first := r
			for back := at; back.from != nil; back = back.from {
				names = append(names, nodeName(back.n))
				first = back.ref
			}
			slices.Reverse(names[1:])
			names = append(names, nodeName(n))
			if len(names) > maxChain {
				names = append(names[:maxChain-1], "…", nodeName(n))
			}
			return n.doc.Correlation.Rules[first].Pos, strings.Join(names, " → ")
		}
	}
	for r, m := range n.inputs {
		if m != nil && !m.done {
			return n.doc.Correlation.Rules[r].Pos, ""
		}
	}
	return n.doc.Correlation.Pos, ""
}

func nodeName(n *node) string {
	for _, name := range []string{n.doc.Meta.Name, n.doc.Meta.ID, n.doc.Meta.Title} {
		if name != "" {
			return name
		}
	}
	return placeOf(n.doc)
}

// failedInput says that n cannot run because its input m cannot. Where the
// target merely lacks the source of m, it lacks that of n, too.
func (s *documents) failedInput(n, m *node, ref sigma.Reference) {
	if errs := m.diags.Errors(); len(errs) > 0 && !slices.ContainsFunc(errs, func(d sigma.Diagnostic) bool { return d.Code != sigma.CodeUnknownSource }) {
		n.errorf(sigma.CodeUnknownSource, ref.Pos, "map it in a pipeline, or choose a pipeline that knows it", "the target has no events of the rule %q, so what counts its hits cannot run", ref.Name)
		return
	}
	n.errorf(sigma.CodeCorrelation, ref.Pos, "correct that first", "the rule %q has errors, so what counts its hits cannot run", ref.Name)
}

// lowerRule lowers what is no correlation.
func (s *documents) lowerRule(n *node) {
	n.disabled = s.opts.Overrides.For(n.doc).Disabled()
	out, ds := s.lower(n.doc)
	n.diags = append(n.diags, ds...)
	n.out = out
	if n.doc.Aggregation() != nil && len(out) > 0 {
		n.inner, n.out = out, nil
		s.lowerAggregation(n)
	}
}
