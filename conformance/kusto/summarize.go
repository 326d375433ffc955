package kusto

// aggregates collects the aggregations of one summarize.
type aggregates struct {
	inside bool // an aggregation's arguments are being bound
	calls  []*aggregate
	slots  int
}

// aggregate is one aggregation; a group has an accumulator for each.
type aggregate struct {
	slot int
	make func() accumulator
}

func (b *binder) summarize(p *plan, o *summarizeOp, s *scope) *plan {
	if len(o.aggs)+len(o.by) == 0 {
		fail(o.at(), "summarize needs an aggregation or a key")
	}
	taken := map[string]bool{}
	keyScope := &rowScope{cols: p.cols, op: "by"}
	keyCols, keys := b.named(o.by, s, keyScope, taken)
	for i, k := range keys {
		if k.typ == TypeDynamic {
			fail(o.by[i].pos, "a key of summarize or distinct cannot be dynamic; add an explicit cast such as tostring()")
		}
	}
	all := &aggregates{}
	r := &rowScope{cols: p.cols, op: "summarize", aggs: all}
	out := append([]column(nil), keyCols...)
	var results []*expr
	for _, it := range o.aggs {
		if c, ok := it.x.(*callNode); ok && multiple[c.name] && s.find(c.name) == nil {
			cols, xs := all.several(b, c, it, s, r, keyCols)
			for i := range cols {
				if cols[i].Name == "" {
					cols[i].Name = "Column" + itoa(len(out)+1)
				}
				cols[i].Name = unique(cols[i].Name, taken)
			}
			out, results = append(out, cols...), append(results, xs...)
			continue
		}
		x := b.expr(it.x, s, r)
		if len(it.names) > 1 {
			fail(it.pos, "the aggregation gives one column, not %d", len(it.names))
		}
		name := x.name
		if len(it.names) == 1 {
			name = it.names[0]
			if taken[name] {
				fail(it.pos, "the column '%s' is given twice", name)
			}
		} else if name == "" {
			name = "Column" + itoa(len(out)+1)
		}
		out = append(out, column{Column{unique(name, taken), x.typ}, b.newID()})
		results = append(results, x)
	}
	return &plan{out, false, func() [][]Value {
		type group struct {
			key  []Value
			accs []accumulator
		}
		var groups []*group
		at := map[string]*group{}
		open := func(key []Value) *group {
			g := &group{key: key}
			for _, a := range all.calls {
				g.accs = append(g.accs, a.make())
			}
			groups = append(groups, g)
			return g
		}
		var only *group
		if len(keys) == 0 {
			only = open(nil)
		}
		var buf []byte
		e := &env{}
		for _, row := range p.run() {
			e.row = row
			g := only
			if g == nil {
				key := make([]Value, len(keys))
				buf = buf[:0]
				for i, k := range keys {
					key[i] = k.eval(e)
					buf = appendKey(buf, key[i])
				}
				if g = at[string(buf)]; g == nil {
					g = open(key)
					at[string(buf)] = g
				}
			}
			for _, a := range g.accs {
				a.add(e)
			}
		}
		b.spend(o.at(), len(groups), len(out))
		res := make([][]Value, 0, len(groups))
		for _, g := range groups {
			slots := make([]Value, all.slots)
			for i, a := range g.accs {
				a.give(slots[all.calls[i].slot:])
			}
			row := append(make([]Value, 0, len(out)), g.key...)
			for _, x := range results {
				row = append(row, x.eval(&env{aggs: slots}))
			}
			res = append(res, row)
		}
		return res
	}}
}

// add registers an aggregation that gives n values and returns its first slot.
func (a *aggregates) add(n int, mk func() accumulator) int {
	slot := a.slots
	a.calls = append(a.calls, &aggregate{slot, mk})
	a.slots += n
	return slot
}

func slotExpr(t Type, slot int, name string) *expr {
	return &expr{typ: t, name: name, eval: func(e *env) Value { return e.aggs[slot] }}
}

// bind binds the arguments of an aggregation, which read the input's rows.
func (a *aggregates) bind(b *binder, args []node, s *scope, r *rowScope) []*expr {
	if a.inside {
		fail(args[0].at(), "an aggregation within an aggregation")
	}
	a.inside = true
	defer func() { a.inside = false }()
	out := make([]*expr, len(args))
	for i, n := range args {
		out[i] = b.expr(n, s, r)
	}
	return out
}
