package compiler

import (
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/cel-go/cel"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// ruleGroup holds the rules of one source.
type ruleGroup struct {
	programs []*program // in the order of the rules

	// Made when the first event of the source comes: a set serves many event
	// forms, most callers have few.
	once       sync.Once
	predicates []*predicate
	index      *candidateIndex // nil where every predicate looks at every event
	err        error
}

// program is a rule for one source.
type program struct {
	rule   *ir.Rule
	loaded *loadedRule
	group  *ruleGroup
	number int  // among the set's programs
	quiet  bool // it has no hits of its own
}

// predicate is what rules of one source ask of an event: rules that ask the
// same have one, evaluated once. It is compiled when the first event comes that
// may meet it.
type predicate struct {
	rule     *ir.Rule // the first one
	tree     ir.Expr
	programs []int32 // of the group

	once    sync.Once
	program cel.Program
	err     error
	failed  atomic.Bool  // it is not evaluated any more
	costly  atomic.Int64 // events on which it met the limit of work
}

func (rs *RuleSet) add(p *program) {
	p.loaded.programs = append(p.loaded.programs, p)
	p.number = rs.programs
	rs.programs++
	src := event.Source{Form: event.Form(p.rule.Source.Form), Table: p.rule.Source.Table}
	if src == (event.Source{}) {
		if rs.any == nil {
			rs.any = &ruleGroup{}
		}
		p.group = rs.any
	} else {
		src.Table = foldName(src.Table)
		if p.group = rs.groups[src]; p.group == nil {
			p.group = &ruleGroup{}
			rs.groups[src] = p.group
		}
	}
	p.group.programs = append(p.group.programs, p)
}

// prepare makes the group's predicates and their index, once.
func (g *ruleGroup) prepare(rs *RuleSet) {
	g.once.Do(func() {
		type hash [sha256.Size]byte
		known := map[hash]*predicate{}
		specs := fieldSpecs{}
		var key []byte
		var trees []ir.Expr
		for i, p := range g.programs {
			tree := p.rule.Predicate()
			key = specs.appendKey(key[:0], tree)
			sum := hash(sha256.Sum256(key))
			q := known[sum]
			if q == nil {
				q = &predicate{rule: p.rule, tree: tree}
				g.predicates = append(g.predicates, q)
				trees = append(trees, tree)
				known[sum] = q
			}
			q.programs = append(q.programs, int32(i))
		}
		if rs.opts.NoIndex {
			return
		}
		if g.index, g.err = newCandidateIndex(rs.leaves, trees, specs); g.err == nil {
			g.err = rs.leaves.publish(trees)
		}
		if g.err != nil {
			g.index = nil
		}
	})
}

// prepare compiles the predicate, once.
func (q *predicate) prepare(rs *RuleSet) error {
	q.once.Do(func() {
		defer recovered(&q.err)
		if _, q.err = CEL(q.rule); q.err == nil { // what has no text does not run
			q.program, q.err = newProgram(rs.env, rs.leaves, q.tree)
		}
	})
	return q.err
}

// Prepare compiles all rules now instead of when the first event comes that may
// meet them, and says which cannot be compiled.
func (rs *RuleSet) Prepare() sigma.Diagnostics {
	var groups []*ruleGroup
	for _, l := range rs.rules {
		for _, p := range l.programs {
			if !slices.Contains(groups, p.group) {
				groups = append(groups, p.group)
			}
		}
	}
	var diags sigma.Diagnostics
	for _, g := range groups {
		g.prepare(rs)
		if g.err != nil {
			r := g.programs[0].rule
			diags = append(diags, sigma.Diagnostic{Severity: sigma.SeverityWarning, File: r.File, Pos: r.Pos, Code: sigma.CodeSlow,
				Message: "the rules of " + r.Source.Table + " are looked at one by one, without an index: " + g.err.Error()})
		}
		inParallel(len(g.predicates), func(i int) { g.predicates[i].prepare(rs) })
		for _, q := range g.predicates {
			if q.err == nil {
				continue
			}
			for _, i := range q.programs {
				r := g.programs[i].rule
				diags = append(diags, sigma.Diagnostic{File: r.File, Pos: r.Pos, Code: sigma.CodeUnsupported,
					Message: "the rule cannot be compiled to CEL: " + q.err.Error(), Hint: "split the rule"})
			}
		}
	}
	return diags
}
