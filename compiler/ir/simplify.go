package ir

// Simplify returns a tree with the same meaning and less of it: And in And and
// Or in Or become one, constants and double negations go, an And or Or of one
// part is that part. A Selection stays, so that hits can name it, unless what
// is around it makes it irrelevant.
func Simplify(e Expr) Expr {
	return Map(e, func(e Expr) Expr {
		switch e := e.(type) {
		case *And:
			return join(e, e.X, true, func(x Expr) ([]Expr, bool) {
				a, ok := x.(*And)
				if !ok {
					return nil, false
				}
				return a.X, true
			}, func(xs []Expr) Expr { return &And{X: xs} })
		case *Or:
			return join(e, e.X, false, func(x Expr) ([]Expr, bool) {
				o, ok := x.(*Or)
				if !ok {
					return nil, false
				}
				return o.X, true
			}, func(xs []Expr) Expr { return &Or{X: xs} })
		case *Not:
			switch x := e.X.(type) {
			case Const:
				return !x
			case *Not:
				return x.X
			}
		case *Any:
			if e.X == Const(false) {
				return Const(false)
			}
		}
		return e
	})
}

// join flattens the parts of an And (unit true) or an Or (unit false), both
// already simplified.
func join(whole Expr, parts []Expr, unit Const, same func(Expr) ([]Expr, bool), build func([]Expr) Expr) Expr {
	var out []Expr
	changed := false
	for _, x := range parts {
		if c, ok := x.(Const); ok {
			if c != unit {
				return !unit
			}
			changed = true
			continue
		}
		if xs, ok := same(x); ok {
			out, changed = append(out, xs...), true
			continue
		}
		out = append(out, x)
	}
	switch {
	case len(out) == 0:
		return unit
	case len(out) == 1:
		return out[0]
	case !changed:
		return whole
	}
	return build(out)
}
