package compiler

import (
	"slices"
	"sync"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// A loadPool is what the lowering of a set's rules finds once for all of them:
// fields and the steps of their paths above all, since
// a set has each rule for several forms, and most rules speak of few fields. It
// keeps of a field what evaluation needs, not what only queries are printed
// with. Safe for concurrent use.
type loadPool struct {
	mu     sync.RWMutex
	named  map[fieldName]namedField
	steps  map[ir.Step]ir.Path // of one step
	paths  map[string]ir.Path  // longer ones, by Path.String
	wheres map[*whereItem]ir.Expr
	near   map[[3]string]string // hints, by logsource
}

type fieldName struct {
	names *mapping
	name  string
}

type namedField struct {
	ir.Field
	unknown *unknownField
}

func newLoadPool() *loadPool {
	return &loadPool{named: map[fieldName]namedField{}, steps: map[ir.Step]ir.Path{}, paths: map[string]ir.Path{}, wheres: map[*whereItem]ir.Expr{}, near: map[[3]string]string{}}
}

// field is scope.field for a name without positions at the top of an event.
func (p *loadPool) field(f sigma.Field, top scope) (ir.Field, *unknownField) {
	key := fieldName{top.names, f.Name}
	p.mu.RLock()
	known, ok := p.named[key]
	p.mu.RUnlock()
	if !ok {
		known.Field, known.unknown = top.field(f)
		p.slimField(&known.Field)
		p.mu.Lock()
		p.named[key] = known
		p.mu.Unlock()
	}
	return known.Field, known.unknown
}

// where returns what a target's conditions were lowered to, nil if they were not.
func (p *loadPool) where(t target) ir.Expr {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.wheres[&t.where[0]]
}

func (p *loadPool) keepWhere(t target, e ir.Expr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wheres[&t.where[0]] = e
}

// nearLogSource is the function of that name.
func (p *loadPool) nearLogSource(ls sigma.LogSource, forms []*Pipeline) string {
	key := [3]string{ls.Product, ls.Category, ls.Service}
	p.mu.RLock()
	hint, ok := p.near[key]
	p.mu.RUnlock()
	if !ok {
		hint = nearLogSource(ls, forms)
		p.mu.Lock()
		p.near[key] = hint
		p.mu.Unlock()
	}
	return hint
}

// path returns the path of the pool that is equal.
func (p *loadPool) path(x ir.Path) ir.Path {
	if len(x) == 0 {
		return x
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(x) == 1 {
		known, ok := p.steps[x[0]]
		if !ok {
			known, p.steps[x[0]] = x, x
		}
		return known
	}
	key := x.String()
	known, ok := p.paths[key]
	if !ok {
		known, p.paths[key] = x, x
	}
	return known
}

func (p *loadPool) slimField(f *ir.Field) { f.Path, f.Stored = p.path(f.Path), nil }

// slim has all fields of a tree, new from lowering, share their paths.
func (p *loadPool) slim(e ir.Expr) {
	if e == nil {
		return
	}
	ir.Walk(e, func(e ir.Expr) bool {
		switch e := e.(type) {
		case *ir.Any:
			p.slimField(&e.Over)
		case *ir.Match:
			p.slimField(&e.Field)
		}
		return true
	})
}

// forEvents is what the lowering of one document for one table after the other
// shares. Tables differ in where fields are; so what a rule says is lowered once
// and meets another table's fields where they are of the same kind. It needs the
// rule to be plain: no finding, no parameter, no list block, and items that
// compare a field with values.
type forEvents struct {
	pool *loadPool
	// plain says that what is being lowered is so till now, and asked are the
	// fields that it looked up at the top of the event.
	plain bool
	asked []sigma.Field
	// trees are those of the first lowering that was plain and of the tables
	// that it has been rewritten for; names and spent are its own.
	trees []boundTree
	names []sigma.Field
	spent int
}

// boundTree is a tree with the fields that names are in it.
type boundTree struct {
	fields []ir.Field
	when   ir.Expr
}

const (
	// maxSharedFields and maxSharedNodes bound the rules that are rewritten for
	// other tables; larger ones are lowered for each.
	maxSharedFields = 100
	maxSharedNodes  = 100_000
)

// begin is called before a tree is lowered.
func (s *forEvents) begin() { s.plain, s.asked = len(s.trees) == 0, nil }

// ask notes that a field is looked up.
func (s *forEvents) ask(f sigma.Field) {
	if !s.plain || slices.ContainsFunc(s.asked, func(n sigma.Field) bool { return n.Name == f.Name }) {
		return
	}
	s.plain = len(s.asked) < maxSharedFields
	s.asked = append(s.asked, f)
}

// learn keeps a tree that was lowered without findings.
func (s *forEvents) learn(when ir.Expr, top scope, spent int) {
	if n := 0; !s.plain || !countUpTo(when, maxSharedNodes, &n) {
		return
	}
	if slices.ContainsFunc(ir.Matches(when), func(m *ir.Match) bool { return m.Field.Derive != nil }) {
		return // what is computed of a field is not in its name
	}
	s.plain, s.names = false, s.asked
	fields := make([]ir.Field, len(s.names))
	for i, f := range s.names {
		fields[i], _ = s.pool.field(f, top)
	}
	s.trees, s.spent = []boundTree{{fields, when}}, spent
}

// at returns the tree for another table; ok is false where it has to be lowered.
func (s *forEvents) at(top scope) (when ir.Expr, ok bool) {
	if len(s.trees) == 0 {
		return nil, false
	}
	first := s.trees[0]
	fields := make([]ir.Field, len(s.names))
	for i, f := range s.names {
		field, unknown := s.pool.field(f, top)
		if unknown != nil || !sameKind(field, first.fields[i]) {
			return nil, false
		}
		fields[i] = field
	}
	for _, m := range s.trees {
		if slices.EqualFunc(m.fields, fields, sameField) {
			return m.when, true
		}
	}
	when = withFields(first.when, func(old ir.Field) ir.Field {
		if old.Leaves {
			return old
		}
		return fields[slices.IndexFunc(s.names, func(f sigma.Field) bool { return f.Name == old.Name })]
	})
	s.trees = append(s.trees, boundTree{fields, when})
	return when, true
}

// sameKind reports whether lowering treats values of two fields alike.
func sameKind(a, b ir.Field) bool {
	return a.Type == b.Type && a.Join == nil && b.Join == nil && a.Leaves == b.Leaves && len(a.Path) > 0 && len(b.Path) > 0
}

// sameField compares fields of the pool.
func sameField(a, b ir.Field) bool {
	return a.Name == b.Name && a.Column == b.Column && a.ColumnType == b.ColumnType && len(a.Path) == len(b.Path) && &a.Path[0] == &b.Path[0]
}

// withFields returns a plain tree with other fields.
func withFields(e ir.Expr, field func(ir.Field) ir.Field) ir.Expr {
	all := func(xs []ir.Expr) []ir.Expr {
		out := make([]ir.Expr, len(xs))
		for i, x := range xs {
			out[i] = withFields(x, field)
		}
		return out
	}
	switch e := e.(type) {
	case *ir.And:
		return &ir.And{X: all(e.X)}
	case *ir.Or:
		return &ir.Or{X: all(e.X)}
	case *ir.Not:
		return &ir.Not{X: withFields(e.X, field)}
	case *ir.Selection:
		return &ir.Selection{Name: e.Name, X: withFields(e.X, field)}
	case *ir.Match:
		m := *e
		m.Field = field(e.Field)
		return &m
	case ir.Const:
		return e
	}
	panic("compiler: no node of a plain tree")
}

// countUpTo adds the nodes of e to n and reports whether they are at most most.
func countUpTo(e ir.Expr, most int, n *int) bool {
	*n++
	if m, ok := e.(*ir.Match); ok {
		*n += len(m.Values)
	}
	if *n > most {
		return false
	}
	for _, c := range ir.Children(e) {
		if !countUpTo(c, most, n) {
			return false
		}
	}
	return true
}
