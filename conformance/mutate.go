package conformance

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// MutantKind says what was done to a rule.
type MutantKind string

// The kinds of mutant.
const (
	Dropped  MutantKind = "dropped"  // an item, selection or value is gone
	Negated  MutantKind = "negated"  // an item or selection means its complement
	Swapped  MutantKind = "swapped"  // a literal is another one
	Widened  MutantKind = "widened"  // equal is contains, < is <=, and the other way round
	Operator MutantKind = "operator" // and is or, any is all
)

// Mutant is a rule with one small change, which the rule's fixtures should
// notice: if none does, they say too little about that part of the rule.
type Mutant struct {
	Kind MutantKind
	// Description names the place in the author's words. It is unique among
	// the mutants of a rule and the same for each event form.
	Description string
	Pos         sigma.Pos // of the item or selection
	Rule        *ir.Rule  // the changed rule
}

// Mutants returns the mutants of a rule that was lowered from doc, in the order
// of its tree. Conditions of the source are left alone, and so is what comes
// out of parameters, of which only the item as a whole is changed: neither is
// the author's.
func Mutants(doc *sigma.Document, rule *ir.Rule) []Mutant {
	m := &mutator{rule: rule, seen: map[string]int{}, done: map[ir.Expr]bool{}, filled: map[sigma.Pos]bool{}}
	if doc.Detection != nil {
		m.findFilled(doc.Detection)
	}
	m.visit(rule.When, nil, "")
	return m.mutants
}

// findFilled notes the places of values that parameters fill in.
func (m *mutator) findFilled(b sigma.Block) {
	switch b := b.(type) {
	case *sigma.AllOf:
		for _, it := range b.Items {
			m.findFilled(it)
		}
	case *sigma.AnyOf:
		for _, x := range b.Blocks {
			m.findFilled(x)
		}
	case *sigma.Item:
		for _, v := range b.Values {
			if t, ok := v.(sigma.String); ok && slices.ContainsFunc(t.Parts, func(p sigma.Part) bool { return p.Kind == sigma.Placeholder }) {
				m.filled[t.Pos], m.filled[b.Pos] = true, true
			}
		}
		if b.Block != nil {
			m.findFilled(b.Block)
		}
	case *sigma.Detection:
		for _, s := range b.Selections {
			m.findFilled(s.Body)
		}
	default:
		panic(fmt.Sprintf("conformance: unknown block %T", b))
	}
}

// isFilled reports whether all of e comes out of parameters.
func (m *mutator) isFilled(e ir.Expr) bool {
	leaves := ir.Matches(e)
	return len(leaves) > 0 && !slices.ContainsFunc(leaves, func(l *ir.Match) bool { return !m.filled[m.rule.Origins[l]] })
}

type mutator struct {
	rule    *ir.Rule
	filled  map[sigma.Pos]bool
	seen    map[string]int
	done    map[ir.Expr]bool // a selection that two conditions name is one place
	mutants []Mutant
}

// add makes a mutant that has new in every place where old stands.
func (m *mutator) add(kind MutantKind, where string, place, old, new ir.Expr, format string, args ...any) {
	d := fmt.Sprintf(format, args...)
	if where != "" {
		d = where + ": " + d
	}
	if m.seen[d]++; m.seen[d] > 1 {
		d += fmt.Sprintf(" (%d)", m.seen[d])
	}
	changed := *m.rule
	changed.When = ir.Map(m.rule.When, func(e ir.Expr) ir.Expr {
		if e == old {
			return new
		}
		return e
	})
	m.mutants = append(m.mutants, Mutant{Kind: kind, Description: d, Pos: m.rule.Origins[place], Rule: &changed})
}

func (m *mutator) visit(e, parent ir.Expr, where string) {
	if m.done[e] {
		return
	}
	if _, isConst := e.(ir.Const); !isConst {
		m.done[e] = true
	}
	if _, isSelection := e.(*ir.Selection); !isSelection && m.isFilled(e) {
		m.add(Negated, where, e, e, &ir.Not{X: e}, "%s negated", nameOf(e))
		return
	}
	parts := func(xs []ir.Expr, without func([]ir.Expr) ir.Expr) {
		for i, x := range xs {
			if len(xs) > 1 {
				rest := append(slices.Clone(xs[:i]), xs[i+1:]...)
				m.add(Dropped, where, x, e, without(rest), "%s dropped", nameOf(x))
			}
			m.visit(x, e, where)
		}
	}
	switch e := e.(type) {
	case *ir.And:
		if len(e.X) > 1 {
			m.add(Operator, where, e, e, &ir.Or{X: e.X}, "and of %s is or", namesOf(e.X))
		}
		parts(e.X, func(rest []ir.Expr) ir.Expr { return &ir.And{X: rest} })
	case *ir.Or:
		if len(e.X) > 1 {
			m.add(Operator, where, e, e, &ir.And{X: e.X}, "or of %s is and", namesOf(e.X))
		}
		parts(e.X, func(rest []ir.Expr) ir.Expr { return &ir.Or{X: rest} })
	case *ir.Not:
		m.visit(e.X, e, where)
	case ir.Const:
	case *ir.Selection:
		where := e.Name
		if parent == nil {
			m.add(Dropped, "", e, e, ir.Const(true), "%s dropped", nameOf(e))
		}
		if _, leaf := e.X.(*ir.Match); !leaf {
			m.add(Negated, "", e, e, &ir.Not{X: e}, "%s negated", nameOf(e))
		}
		m.visit(e.X, e, where)
	case *ir.Any:
		m.add(Negated, where, e, e, &ir.Not{X: e}, "%s negated", nameOf(e))
		if e.X != ir.Const(true) {
			m.add(Operator, where, e, e, &ir.And{X: []ir.Expr{&ir.Any{Over: e.Over, X: ir.Const(true)}, &ir.Not{X: &ir.Any{Over: e.Over, X: &ir.Not{X: e.X}}}}}, "any of %s is all", e.Over.Name)
		}
		m.visit(e.X, e, strings.TrimPrefix(where+" "+e.Over.Name, " "))
	case *ir.Match:
		m.leaf(e, where)
	default:
		panic(fmt.Sprintf("conformance: unknown node %T", e))
	}
}

func (m *mutator) leaf(e *ir.Match, where string) {
	change := func(change func(*ir.Match)) *ir.Match {
		c := *e
		c.Values = slices.Clone(e.Values)
		change(&c)
		return &c
	}
	name := nameOf(e)
	m.add(Negated, where, e, e, &ir.Not{X: e}, "%s negated", name)
	for i, v := range e.Values {
		if len(e.Values) > 1 {
			m.add(Dropped, where, e, e, change(func(c *ir.Match) { c.Values = slices.Delete(c.Values, i, i+1) }), "value %s of %s dropped", ir.ValueText(v), name)
			continue // a value that is another one is gone, too
		}
		if other := swapped(v); other != nil {
			m.add(Swapped, where, e, e, change(func(c *ir.Match) { c.Values[i] = other }), "value %s of %s swapped", ir.ValueText(v), name)
		}
	}
	text := !slices.ContainsFunc(e.Values, func(v ir.Value) bool { _, isText := v.(ir.String); return !isText })
	next, ok := map[ir.Op]ir.Op{ir.Contains: ir.Equal, ir.StartsWith: ir.Contains, ir.EndsWith: ir.Contains,
		ir.Less: ir.LessOrEqual, ir.LessOrEqual: ir.Less, ir.Greater: ir.GreaterOrEqual, ir.GreaterOrEqual: ir.Greater}[e.Op]
	if e.Op == ir.Equal && text {
		next, ok = ir.Contains, !slices.Contains(e.Values, ir.Value(ir.String("")))
	}
	if ok && (text || e.Op >= ir.Less) {
		m.add(Widened, where, e, e, change(func(c *ir.Match) { c.Op = next }), "%s is %s", name, next)
	}
	if e.Cased {
		m.add(Widened, where, e, e, change(func(c *ir.Match) { c.Cased = false }), "%s folds", name)
	}
}

// swapped returns a value that fits other events, or nil.
func swapped(v ir.Value) ir.Value {
	switch v := v.(type) {
	case ir.String:
		return v + "≠"
	case ir.Number:
		if v.IsInt {
			return ir.Number{IsInt: true, Int: v.Int ^ 1<<40}
		}
		return ir.Number{Float: -v.Float - 1}
	case ir.Bool:
		return !v
	case ir.Pattern:
		return append(slices.Clone(v), ir.PatternPart{Text: "≠"})
	case ir.Regex:
		return ir.Regex("(?:" + string(v) + ")≠")
	}
	return nil
}

// nameOf names a node in the author's words.
func nameOf(e ir.Expr) string {
	switch e := e.(type) {
	case *ir.And:
		return "(" + namesOf(e.X) + ")"
	case *ir.Or:
		return "(" + namesOf(e.X) + ")"
	case *ir.Not:
		return "not " + nameOf(e.X)
	case ir.Const:
		return fmt.Sprint(bool(e))
	case *ir.Selection:
		return "selection " + e.Name
	case *ir.Any:
		return "list " + e.Over.Name
	case *ir.Match:
		return e.Field.Name + " " + e.Op.String()
	}
	panic(fmt.Sprintf("conformance: unknown node %T", e))
}

func namesOf(xs []ir.Expr) string {
	const most = 4
	var names []string
	for _, x := range xs {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, nameOf(x))
	}
	return strings.Join(names, ", ")
}

// Mutation is what a rule's fixtures make of its mutants.
type Mutation struct {
	RuleID string // or the rule's title where it has no id
	File   string // of the rule
	// Mutants of the rule over all forms, each description once, and those
	// that turn no case red.
	Mutants   []Mutant
	Survivors []Mutant
}

// Killed returns the share of mutants that turn a case red, without those that
// ignore is true of; 1 for a rule that has no others.
func (m *Mutation) Killed(ignore func(Mutant) bool) float64 {
	count := func(ms []Mutant) int {
		return len(ms) - len(slices.DeleteFunc(slices.Clone(ms), func(x Mutant) bool { return !ignore(x) }))
	}
	all, alive := count(m.Mutants), count(m.Survivors)
	if all == 0 {
		return 1
	}
	return float64(all-alive) / float64(all)
}

// Mutate puts the mutants of each rule to the rule's fixtures, by the reference
// interpreter. The fixtures must be green. Mutations are in the order of the
// fixtures; several fixtures of one rule count as one.
func Mutate(fixtures []*Fixture) ([]*Mutation, error) {
	var mutations []*Mutation
	byRule := map[string]*Mutation{}
	killed := map[*Mutation]map[string]bool{}
	for _, f := range fixtures {
		meta := f.Rule().Meta
		id := meta.ID
		if id == "" {
			id = meta.Title
		}
		m := byRule[id]
		if m == nil {
			m = &Mutation{RuleID: id, File: f.Rule().File}
			byRule[id] = m
			killed[m] = map[string]bool{}
			mutations = append(mutations, m)
		}
		for i := range f.Cases {
			c := &f.Cases[i]
			if c.Expect == ExpectNotRun {
				continue
			}
			if f.isHistory(c) {
				if err := f.mutateHistory(m, killed[m], c); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", f.File, c.Name, err)
				}
				continue
			}
			questions, err := f.questions(c)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", f.File, c.Name, err)
			}
			for _, q := range questions {
				q.mutate(m, killed[m], c)
			}
		}
	}
	for _, m := range mutations {
		for _, x := range m.Mutants {
			if !killed[m][x.Description] {
				m.Survivors = append(m.Survivors, x)
			}
		}
	}
	return mutations, nil
}

// mutate asks which mutants one event tells from the rule. A rule that looks at
// the event in several ways is changed in all of them.
func (q *eventQuestion) mutate(m *Mutation, killed map[string]bool, c *Case) {
	changed := make([]map[string]*ir.Rule, len(q.rules))
	all := map[string]bool{}
	for i, rule := range q.rules {
		changed[i] = map[string]*ir.Rule{}
		for _, x := range Mutants(q.document, rule) {
			changed[i][x.Description] = x.Rule
			all[x.Description] = true
			if !slices.ContainsFunc(m.Mutants, func(y Mutant) bool { return y.Description == x.Description }) {
				m.Mutants = append(m.Mutants, x)
			}
		}
	}
	for _, d := range slices.Sorted(maps.Keys(all)) {
		if killed[d] {
			continue
		}
		match := false
		held := map[string]bool{}
		for i, rule := range q.rules {
			if r := changed[i][d]; r != nil {
				rule = r
			}
			match = match || Reference(rule.Predicate(), q.event)
			if len(c.Selections) > 0 {
				ir.Walk(rule.When, func(e ir.Expr) bool {
					if s, ok := e.(*ir.Selection); ok {
						held[s.Name] = held[s.Name] || Reference(s.X, q.event)
					}
					_, inList := e.(*ir.Any)
					return !inList
				})
			}
		}
		killed[d] = match != (c.Expect == ExpectMatch) || slices.ContainsFunc(c.Selections, func(s string) bool { return !held[s] })
	}
}

// Survivor is a mutant that fixtures need not notice, with the reason.
type Survivor struct {
	Rule   string // id
	Mutant string // its description
	// Equivalent says that the mutant means the same as the rule on every
	// event that can occur; it is not counted.
	Equivalent bool
	Reason     string
}

// ParseSurvivors reads the survivors.yaml files of a file system:
//
//	rulewright-survivors: 1
//	survivors:
//	  - rule: 6d0b1b0e-0d0e-4c5c-8f8d-0c1f5d2f1f11
//	    mutant: 'selection: Result equal is contains'
//	    equivalent: true
//	    reason: the log writes success or failure and nothing else
func ParseSurvivors(fsys fs.FS) ([]Survivor, error) {
	var survivors []Survivor
	files, _ := sigma.ParseFS(fsys)
	for _, o := range files.Others {
		if o.Format != "survivors" {
			continue
		}
		file := o.Name
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		var list struct {
			Version   int `yaml:"rulewright-survivors"`
			Survivors []Survivor
		}
		d := yaml.NewDecoder(strings.NewReader(string(data)))
		d.KnownFields(true)
		if err := d.Decode(&list); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, s := range list.Survivors {
			if s.Rule == "" || s.Mutant == "" || s.Reason == "" {
				return nil, fmt.Errorf("%s: a survivor needs rule, mutant and reason: %+v", file, s)
			}
		}
		survivors = append(survivors, list.Survivors...)
	}
	return survivors, nil
}
