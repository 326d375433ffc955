package kusto

// expand binds mv-expand and mv-apply. mv-apply is mv-expand of each record
// into a subtable, a subquery on each, and the columns of the record beside
// what it gives.
func (b *binder) expand(p *plan, o *expandOp, s *scope) *plan {
	apply := o.sub != nil
	r := &rowScope{cols: p.cols, op: "mv-expand"}
	type source struct {
		x   *expr
		typ Type
		to  int // column of the expanded record
	}
	var srcs []source
	cols := append([]column(nil), p.cols...)
	replaced := map[int]bool{}
	for _, c := range o.cols {
		x := b.expr(c.x, s, r)
		if x.typ != TypeDynamic {
			fail(c.pos, "a value to expand is dynamic, not %s", x.typ)
		}
		name := c.name
		if name == "" {
			name = x.name
		}
		t := c.typ
		if t == 0 {
			t = TypeDynamic
		}

		if name == "" {
			refuse(c.pos, "an expanded value without a name, which gets a random one")
		}
		to := (&rowScope{cols: cols}).index(name)
		if to >= len(p.cols) || replaced[to] {
			fail(c.pos, "the column '%s' is given twice", name)
		}
		n := column{Column{name, t}, b.newID()}
		if to >= 0 {
			replaced[to] = true
			cols[to] = n
		} else {
			to = len(cols)
			cols = append(cols, n)
		}
		srcs = append(srcs, source{x, t, to})
	}
	index := -1
	if o.index != "" {
		if (&rowScope{cols: cols}).index(o.index) >= 0 {
			fail(o.at(), "the column '%s' is given twice", o.index)
		}
		index = len(cols)
		cols = append(cols, column{Column{o.index, TypeLong}, b.newID()})
	}
	limit := maxRows
	if o.limit != nil {
		limit = b.rowCount(o.at(), o.limit, s)
	}
	// one expands one record.
	one := func(row []Value, give func([]Value)) {
		e := &env{row: row}
		arrays := make([][]any, len(srcs))
		n := 0
		for i, src := range srcs {
			arrays[i] = elements(src.x.eval(e), o.arrayKind)
			n = max(n, len(arrays[i]))
		}
		for k := 0; k < min(n, limit); k++ {
			rec := make([]Value, len(cols))
			copy(rec, row)
			for i, src := range srcs {
				var v Value
				if k < len(arrays[i]) {
					v = arrays[i][k]
				}
				rec[src.to] = cast(src.typ, v)
			}
			if index >= 0 {
				rec[index] = int64(k)
			}
			give(rec)
		}
	}
	if !apply {
		return &plan{cols, p.serialized, func() [][]Value {
			var out [][]Value
			for _, row := range p.run() {
				was := len(out)
				one(row, func(rec []Value) { out = append(out, rec) })
				b.spend(o.at(), len(out)-was, len(cols))
				b.spend(o.at(), len(out), -1)
			}
			return out
		}}
	}

	var part [][]Value
	b.inApply, b.inSub = b.inApply+1, b.inSub+1
	sub := b.ops(&plan{cols, true, func() [][]Value { return part }}, o.sub.ops, s)
	b.inApply, b.inSub = b.inApply-1, b.inSub-1
	var keep, add []int
	var out []column
	for i, c := range p.cols {
		if !replaced[i] {
			keep = append(keep, i)
			out = append(out, c)
		}
	}
	for i, c := range sub.cols {
		k := (&rowScope{cols: out[:len(keep)]}).index(c.Name)
		switch {
		case k < 0:
			add = append(add, i)
			out = append(out, c)
		case out[k].id != c.id:
			refuse(o.at(), "a subquery of mv-apply that gives a new column '%s' where the record has one of that name", c.Name)
		}
	}
	return &plan{out, false, func() [][]Value {
		var res [][]Value
		for _, row := range p.run() {
			part = nil
			one(row, func(rec []Value) { part = append(part, rec) })
			b.spend(o.at(), len(part), len(cols))
			if len(part) == 0 && !b.c.ApplyToEmpty {
				continue
			}
			for _, got := range sub.run() {
				rec := make([]Value, 0, len(out))
				for _, k := range keep {
					rec = append(rec, row[k])
				}
				for _, k := range add {
					rec = append(rec, got[k])
				}
				res = append(res, rec)
			}
			b.spend(o.at(), len(res), -1)
		}
		return res
	}}
}

// elements is what a dynamic value expands to: null to one null, an array to
// its elements, a bag to one value per key, any other value to itself.
func elements(v Value, pairs bool) []any {
	switch x := v.(type) {
	case []any:
		return x
	case map[string]any:
		out := make([]any, 0, len(x))
		for _, k := range sortedKeys(x) {
			if pairs {
				out = append(out, []any{k, x[k]})
			} else {
				out = append(out, map[string]any{k: x[k]})
			}
		}
		return out
	}
	return []any{v}
}
