package compiler

import (
	"sync"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A pathPool lets fields share the steps of their paths: a set has each rule for
// several forms, and most rules speak of few fields. Safe for concurrent use.
type pathPool struct {
	single sync.Map // ir.Step to ir.Path of that step
	longer sync.Map // Path.String to ir.Path
}

// path returns the path of the pool that is equal.
func (p *pathPool) path(x ir.Path) ir.Path {
	var known any
	switch len(x) {
	case 0:
		return x
	case 1:
		known, _ = p.single.LoadOrStore(x[0], x)
	default:
		known, _ = p.longer.LoadOrStore(x.String(), x)
	}
	return known.(ir.Path)
}

// slim takes from a rule, new from lowering, what only queries are printed with.
func (p *pathPool) slim(r *ir.Rule) {
	r.Origins, r.Source.Messages = nil, nil
	p.field(&r.Source.Time)
	for i := range r.Entities {
		p.field(&r.Entities[i].Field)
	}
	for _, e := range []ir.Expr{r.When, r.Source.Where} {
		if e == nil {
			continue
		}
		ir.Walk(e, func(e ir.Expr) bool {
			switch e := e.(type) {
			case *ir.Any:
				p.field(&e.Over)
			case *ir.Match:
				p.field(&e.Field)
			}
			return true
		})
	}
}

func (p *pathPool) field(f *ir.Field) {
	f.Path, f.Stored = p.path(f.Path), nil
}
