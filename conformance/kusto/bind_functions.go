package kusto

// Functions that stand for tables, and how a function of the query gets its
// arguments.

func (b *binder) tableCall(x *callNode, s *scope) *plan {
	if d := s.find(x.name); d != nil {
		if d.fn == nil {
			fail(x.at(), "'%s' is no function", x.name)
		}
		return b.callTable(x.at(), x.name, d, x.args, s)
	}
	switch x.name {
	case "materialize":
		b.arity(x, 1, 1)
		return b.table(x.args[0], s).once()
	case "table":
		return b.tableName(&nameNode{x.offset, b.constString(x, 0, s)}, nil)
	case "_GetWatchlist":
		alias := b.constString(x, 0, s)
		if len(x.args) > 1 {
			refuse(x.at(), "_GetWatchlist with more than an alias")
		}
		w := b.db.Watchlists[alias]
		if w == nil {
			fail(x.at(), "no watchlist has the alias '%s'%s", alias, nearest(alias, tableNames(b.db.Watchlists)))
		}
		return b.stored(x.at(), "watchlist "+alias, w)
	}
	fail(x.at(), "'%s' is no tabular function", x.name)
	return nil
}

func (b *binder) arity(x *callNode, min, max int) {
	if n := len(x.args); n < min || n > max {
		if min == max {
			fail(x.at(), "%s() takes %d arguments, not %d", x.name, min, n)
		}
		fail(x.at(), "%s() takes %d to %d arguments, not %d", x.name, min, max, n)
	}
}

func (b *binder) constString(x *callNode, i int, s *scope) string {
	if i >= len(x.args) {
		fail(x.at(), "%s() lacks an argument", x.name)
	}
	e := b.expr(x.args[i], s, nil)
	if !e.konst || e.typ != TypeString {
		fail(x.args[i].at(), "%s() needs a constant string", x.name)
	}
	return e.val.(string)
}

// arguments opens the scope of a function's body.
func (b *binder) arguments(pos int, name string, d *binding, args []node, s *scope, r *rowScope, first *plan) *scope {
	ps := d.fn.params
	if first != nil {
		if len(ps) == 0 || ps[0].typ != 0 {
			fail(pos, "%s takes no table", name)
		}
	}
	in := &scope{d.scope, map[string]*binding{}}
	k := 0
	for i, p := range ps {
		switch {
		case i == 0 && first != nil:
			in.names[p.name] = &binding{table: b.tableArg(pos, p, first)}
			continue
		case k >= len(args):
			if p.def == nil {
				fail(pos, "%s takes %d arguments, not %d", name, len(ps), len(args))
			}
			in.names[p.name] = &binding{arg: b.convertArg(pos, p, b.expr(p.def, d.scope, nil))}
			continue
		case p.typ == 0:
			in.names[p.name] = &binding{table: b.tableArg(pos, p, b.table(args[k], s).once())}
		default:
			e := b.expr(args[k], s, r)
			in.names[p.name] = &binding{arg: b.convertArg(args[k].at(), p, e), rows: r}
		}
		k++
	}
	if k < len(args) {
		fail(pos, "%s takes %d arguments, not %d", name, len(ps), len(args))
	}
	return b.lets(d.fn.lets, in)
}

func (b *binder) convertArg(pos int, p param, e *expr) *expr {
	if e.typ == p.typ {
		return e
	}
	w := widen(e, p.typ)
	if w == nil {
		fail(pos, "the parameter %s is of type %s, not %s", p.name, p.typ, e.typ)
	}
	return w
}

// tableArg narrows a table to the columns that a parameter declares.
func (b *binder) tableArg(pos int, p param, t *plan) *plan {
	if p.anyCols {
		return t
	}
	var at []int
	out := &plan{serialized: t.serialized}
	for _, want := range p.cols {
		i := (&rowScope{cols: t.cols}).index(want.Name)
		if i < 0 || t.cols[i].Type != want.Type {
			fail(pos, "the table for %s has no column %s of type %s", p.name, want.Name, want.Type)
		}
		at = append(at, i)
		out.cols = append(out.cols, t.cols[i])
	}
	out.run = func() [][]Value { return pick(t.run(), at) }
	return out
}

func pick(rows [][]Value, at []int) [][]Value {
	out := make([][]Value, len(rows))
	for i, r := range rows {
		n := make([]Value, len(at))
		for j, k := range at {
			n[j] = r[k]
		}
		out[i] = n
	}
	return out
}

func (b *binder) callTable(pos int, name string, d *binding, args []node, s *scope) *plan {
	b.enter(pos)
	defer b.leave()
	return b.table(d.fn.body, b.arguments(pos, name, d, args, s, nil, nil))
}
