package ir

import "fmt"

// Children returns the nodes directly under e, in order. It is the one switch
// that knows them all; Walk and Map are built on the same list.
func Children(e Expr) []Expr {
	switch e := e.(type) {
	case *And:
		return e.X
	case *Or:
		return e.X
	case *Not:
		return []Expr{e.X}
	case Const:
		return nil
	case *Selection:
		return []Expr{e.X}
	case *Any:
		return []Expr{e.X}
	case *Match:
		return nil
	}
	panic(fmt.Sprintf("ir: unknown node %T", e))
}

// Walk calls visit for e and all below it, parents first. It does not go below
// a node for which visit returns false.
func Walk(e Expr, visit func(Expr) bool) {
	if !visit(e) {
		return
	}
	for _, c := range Children(e) {
		Walk(c, visit)
	}
}

// Map rebuilds e from the bottom: f gets each node with its children already
// replaced and returns what stands in its place. e itself is not changed;
// nodes whose children stay the same are passed on as they are.
func Map(e Expr, f func(Expr) Expr) Expr {
	mapAll := func(xs []Expr) ([]Expr, bool) {
		out, changed := xs, false
		for i, x := range xs {
			y := Map(x, f)
			if y != x && !changed {
				out, changed = append([]Expr(nil), xs...), true
			}
			if changed {
				out[i] = y
			}
		}
		return out, changed
	}
	switch n := e.(type) {
	case *And:
		if xs, changed := mapAll(n.X); changed {
			e = &And{X: xs}
		}
	case *Or:
		if xs, changed := mapAll(n.X); changed {
			e = &Or{X: xs}
		}
	case *Not:
		if x := Map(n.X, f); x != n.X {
			e = &Not{X: x}
		}
	case Const:
	case *Selection:
		if x := Map(n.X, f); x != n.X {
			e = &Selection{Name: n.Name, X: x}
		}
	case *Any:
		if x := Map(n.X, f); x != n.X {
			e = &Any{Over: n.Over, X: x}
		}
	case *Match:
	default:
		panic(fmt.Sprintf("ir: unknown node %T", e))
	}
	return f(e)
}

// Matches returns the leaves of e in order, those inside Any included.
func Matches(e Expr) []*Match {
	var ms []*Match
	Walk(e, func(x Expr) bool {
		if m, ok := x.(*Match); ok {
			ms = append(ms, m)
		}
		return true
	})
	return ms
}
