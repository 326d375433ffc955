package kusto

import "slices"

// Where rows come from other than a stored table.

func (b *binder) print(o *printNode, s *scope) *plan {
	cols, xs := b.named(o.items, s, &rowScope{op: "print"}, map[string]bool{})
	return &plan{cols, true, func() [][]Value {
		row := make([]Value, len(xs))
		for i, x := range xs {
			row[i] = x.eval(&env{})
		}
		return [][]Value{row}
	}}
}

func (b *binder) datatable(x *tableNode, s *scope) *plan {
	cols := b.fresh(x.cols...)
	seen := map[string]bool{}
	for _, c := range cols {
		if seen[c.Name] {
			fail(x.at(), "the column '%s' is given twice", c.Name)
		}
		seen[c.Name] = true
	}
	var rows [][]Value
	for i, v := range x.vals {
		c := cols[i%len(cols)]
		switch n := v.(type) {
		case *litNode, *negNode:
		default:
			fail(n.at(), "datatable takes literals")
		}
		e := widen(b.expr(v, nil, nil), c.Type)
		if e == nil && c.Type != TypeDynamic {
			fail(v.at(), "the column %s is of type %s", c.Name, c.Type)
		} else if e == nil {
			e = constant(TypeDynamic, toDynamic(b.expr(v, nil, nil).val))
		}
		if i%len(cols) == 0 {
			rows = append(rows, make([]Value, 0, len(cols)))
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e.val)
	}
	return &plan{cols, true, func() [][]Value { return rows }}
}

func (b *binder) rangeTable(x *rangeNode, s *scope) *plan {
	next, t := b.steps(x.at(), b.expr(x.from, s, nil), b.expr(x.to, s, nil), b.expr(x.step, s, nil))
	return &plan{b.fresh(Column{x.name, t}), true, func() [][]Value {
		var out [][]Value
		next(&env{}, maxRows, func(v Value) { out = append(out, []Value{v}) })
		return out
	}}
}

func (b *binder) union(u *unionNode, first *plan, s *scope) *plan {
	if b.inApply > 0 {
		refuse(u.at(), "union in a subquery of mv-apply")
	}
	var legs []*plan
	var srcs []string
	if first != nil {
		legs, srcs = append(legs, first), append(srcs, "union_arg0")
	}
	for i, l := range u.legs {
		legs = append(legs, b.table(l, s))
		name := "union_arg" + itoa(i+len(srcs))
		if n, ok := l.(*nameNode); ok {
			name = n.name
		}
		srcs = append(srcs, name)
	}
	types := map[string][]Type{}
	count := map[string]int{}
	var order []string
	for _, l := range legs {
		for _, c := range l.cols {
			if types[c.Name] == nil {
				order = append(order, c.Name)
			}
			count[c.Name]++
			if !slices.Contains(types[c.Name], c.Type) {
				types[c.Name] = append(types[c.Name], c.Type)
			}
		}
	}
	var cols []Column
	where := map[Column]int{}
	taken := map[string]bool{}
	if u.withSource != "" {
		cols = append(cols, Column{u.withSource, TypeString})
		taken[u.withSource] = true
	}
	for _, n := range order {
		if len(types[n]) == 1 && (!u.inner || count[n] == len(legs)) {
			if taken[n] {
				fail(u.at(), "the column '%s' is given twice", n)
			}
			taken[n] = true
		}
	}
	for _, n := range order {
		switch {
		case u.inner && (count[n] < len(legs) || len(types[n]) > 1):
			// not common to all
		case len(types[n]) == 1:
			where[Column{n, types[n][0]}] = len(cols)
			cols = append(cols, Column{n, types[n][0]})
		default:
			for _, t := range types[n] {
				where[Column{n, t}] = len(cols)
				cols = append(cols, Column{unique(n+"_"+t.String(), taken), t})
			}
		}
	}
	return &plan{b.fresh(cols...), false, func() [][]Value {
		var out [][]Value
		for i, l := range legs {
			rows := l.run()
			b.spend(u.at(), len(rows)+len(out), 0)
			b.spend(u.at(), len(rows), len(cols))
			to := make([]int, len(l.cols))
			for j, c := range l.cols {
				k, ok := where[c.Column]
				if !ok {
					k = -1
				}
				to[j] = k
			}
			for _, r := range rows {
				n := make([]Value, len(cols))
				for j, c := range cols {
					n[j] = null(c.Type)
				}
				for j, v := range r {
					if to[j] >= 0 {
						n[to[j]] = v
					}
				}
				if u.withSource != "" {
					n[0] = srcs[i]
				}
				out = append(out, n)
			}
		}
		return out
	}}
}
