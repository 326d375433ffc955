package kusto

import (
	"slices"
	"strings"
)

// op binds one operator of a pipeline to its input.
func (b *binder) op(p *plan, o opNode, s *scope) *plan {
	b.count(o.at())
	b.enter(o.at())
	defer b.leave()
	switch o := o.(type) {
	case *whereOp:
		return b.where(p, o, s)
	case *extendOp:
		return b.extend(p, o, s)
	case *projectOp:
		return b.project(p, o, s)
	case *columnsOp:
		return b.columns(p, o)
	case *renameOp:
		return b.rename(p, o)
	case *distinctOp:
		return b.distinct(p, o, s)
	case *summarizeOp:
		return b.summarize(p, o, s)
	case *sortOp:
		return b.sort(p, o, s)
	case *takeOp:
		n := b.rowCount(o.at(), o.n, s)
		return &plan{p.cols, p.serialized, func() [][]Value {
			rows := p.run()
			return rows[:min(n, len(rows))]
		}}
	case *countOp:
		return &plan{b.fresh(Column{"Count", TypeLong}), false, func() [][]Value { return [][]Value{{int64(len(p.run()))}} }}
	case *getschemaOp:
		return b.getschema(p)
	case *expandOp:
		return b.expand(p, o, s)
	case *joinOp:
		return b.join(p, o, s)
	case *unionOp:
		return b.union(o.u, p, s)
	case *partitionOp:
		return b.partition(p, o, s)
	case *scanOp:
		return b.scan(p, o, s)
	case *invokeOp:
		d := s.find(o.call.name)
		if d == nil || d.fn == nil {
			fail(o.at(), "'%s' is no function of this query", o.call.name)
		}
		return b.table(d.fn.body, b.arguments(o.at(), o.call.name, d, o.call.args, s, nil, p.once()))
	}
	fail(o.at(), "unknown operator")
	return nil
}

func (b *binder) fresh(cols ...Column) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i] = column{c, b.newID()}
	}
	return out
}

// each runs f over the rows of an operator's input, with the window functions
// of the operator evaluated for the row.
func each(rows [][]Value, r *rowScope, f func(e *env)) {
	e := &env{rows: rows}
	ws := start(r)
	if ws != nil {
		e.window = make([]Value, len(ws))
	}
	for i, row := range rows {
		e.row, e.i = row, i
		for j, w := range ws {
			e.window[j] = w(e)
		}
		f(e)
	}
}

func (b *binder) where(p *plan, o *whereOp, s *scope) *plan {
	r := &rowScope{cols: p.cols, serialized: p.serialized, op: "where"}
	x := b.boolean(o.x.at(), "where", b.expr(o.x, s, r))
	return &plan{p.cols, p.serialized, func() [][]Value {
		var out [][]Value
		each(p.run(), r, func(e *env) {
			if x.eval(e) == true {
				out = append(out, e.row)
			}
		})
		return out
	}}
}

// named binds items and names their columns. An explicit name may stand once;
// a generated one gets a number if it is taken.
func (b *binder) named(items []item, s *scope, r *rowScope, taken map[string]bool) ([]column, []*expr) {
	var cols []column
	var xs []*expr
	type auto struct {
		i    int
		name string
	}
	var later []auto
	for _, it := range items {
		if _, ok := it.x.(*starNode); ok {
			if len(it.names) > 0 || r.op != "project" {
				fail(it.pos, "'*' may not stand here")
			}
			for i, c := range r.cols {
				cols = append(cols, c)
				xs = append(xs, r.column(it.pos, i))
			}
			continue
		}
		x := b.expr(it.x, s, r)
		if len(it.names) > 1 {
			fail(it.pos, "the expression gives one column, not %d", len(it.names))
		}
		id := x.id
		if id == 0 {
			id = b.newID()
		}
		name := x.name
		_, plain := it.x.(*nameNode)
		if plain = plain && x.id != 0 && r.op != "extend"; plain && len(it.names) == 0 {
			it.names = []string{name}
		}
		if r.op == "print" {
			x.name, name = "", ""
		}
		if len(it.names) == 1 {
			name = it.names[0]
			if taken[name] {
				fail(it.pos, "the column '%s' is given twice", name)
			}
			taken[name] = true
		} else {
			later = append(later, auto{len(cols), name})
		}
		cols = append(cols, column{Column{name, x.typ}, id})
		xs = append(xs, x)
	}
	n := 0
	for _, a := range later {
		name := a.name
		if name == "" {
			for {
				if r.op == "print" {
					name = "print_" + itoa(a.i)
				} else {
					n++
					name = "Column" + itoa(n)
				}
				if !taken[name] {
					break
				}
			}
		}
		cols[a.i].Name = unique(name, taken)
	}
	return cols, xs
}

// unique is a name, or the name with the first number that is free.
func unique(name string, taken map[string]bool) string {
	n := name
	for i := 1; taken[n]; i++ {
		n = name + itoa(i)
	}
	taken[n] = true
	return n
}

func (b *binder) extend(p *plan, o *extendOp, s *scope) *plan {
	op := "extend"
	if o.serialize {
		op = "serialize"
	}
	r := &rowScope{cols: p.cols, serialized: p.serialized || o.serialize, op: op}
	if len(o.items) == 0 {
		return &plan{p.cols, true, p.run}
	}
	cols, xs := b.named(o.items, s, r, map[string]bool{})
	out := slices.Clone(p.cols)
	to := make([]int, len(cols)) // places of the new columns
	for i, c := range cols {
		if to[i] = r.index(c.Name); to[i] >= 0 {
			out[to[i]] = c
		} else {
			to[i] = len(out)
			out = append(out, c)
		}
	}
	return &plan{out, r.serialized, func() [][]Value {
		in := p.run()
		b.spend(o.at(), len(in), len(out))
		res := make([][]Value, 0, len(in))
		each(in, r, func(e *env) {
			row := make([]Value, len(out))
			copy(row, e.row)
			for i, x := range xs {
				row[to[i]] = x.eval(e)
			}
			res = append(res, row)
		})
		return res
	}}
}

func (b *binder) project(p *plan, o *projectOp, s *scope) *plan {
	r := &rowScope{cols: p.cols, serialized: p.serialized, op: "project"}
	cols, xs := b.named(o.items, s, r, map[string]bool{})
	return &plan{cols, p.serialized, func() [][]Value {
		in := p.run()
		b.spend(o.at(), len(in), len(cols))
		res := make([][]Value, 0, len(in))
		each(in, r, func(e *env) {
			row := make([]Value, len(xs))
			for i, x := range xs {
				row[i] = x.eval(e)
			}
			res = append(res, row)
		})
		return res
	}}
}

// glob matches a name with a pattern in which * is anything.
func glob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, m := range parts[1 : len(parts)-1] {
		i := strings.Index(name, m)
		if i < 0 {
			return false
		}
		name = name[i+len(m):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

func (b *binder) columns(p *plan, o *columnsOp) *plan {
	hit := make([]bool, len(p.cols))
	var at []int
	for _, n := range o.names {
		var found []int
		for i, c := range p.cols {
			if glob(n.text, c.Name) && !hit[i] {
				hit[i] = true
				found = append(found, i)
			}
		}
		if found == nil && !slices.ContainsFunc(p.cols, func(c column) bool { return glob(n.text, c.Name) }) {
			fail(n.pos, "no column is named '%s'%s", n.text, nearest(n.text, names(p.cols)))
		}
		if n.dir != "" {
			slices.SortFunc(found, func(i, j int) int {
				c := strings.Compare(p.cols[i].Name, p.cols[j].Name)
				if n.dir == "desc" {
					return -c
				}
				return c
			})
		}
		at = append(at, found...)
	}
	switch o.kind {
	case "project-reorder":
		for i := range p.cols {
			if !hit[i] {
				at = append(at, i)
			}
		}
	default:
		at = nil
		for i := range p.cols {
			if hit[i] == (o.kind == "project-keep") {
				at = append(at, i)
			}
		}
	}
	out := &plan{serialized: p.serialized, run: func() [][]Value { return pick(p.run(), at) }}
	for _, i := range at {
		out.cols = append(out.cols, p.cols[i])
	}
	return out
}

func names(cols []column) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Name
	}
	return out
}

func (b *binder) rename(p *plan, o *renameOp) *plan {
	cols := slices.Clone(p.cols)
	r := &rowScope{cols: p.cols}
	done := map[int]bool{}
	for _, it := range o.items {
		old := it.x.(*nameNode).name
		i := r.index(old)
		if i < 0 {
			fail(it.pos, "no column is named '%s'%s", old, nearest(old, names(p.cols)))
		}
		if done[i] {
			fail(it.pos, "the column '%s' is renamed twice", old)
		}
		done[i] = true
		cols[i].Name = it.names[0]
	}
	seen := map[string]bool{}
	for _, c := range cols {
		if seen[c.Name] {
			fail(o.at(), "two columns would be named '%s'", c.Name)
		}
		seen[c.Name] = true
	}
	return &plan{cols, p.serialized, p.run}
}

func (b *binder) distinct(p *plan, o *distinctOp, s *scope) *plan {
	sum := &summarizeOp{offset: o.offset, by: o.items}
	if o.items == nil {
		for _, c := range p.cols {
			sum.by = append(sum.by, item{pos: o.at(), x: &nameNode{o.offset, c.Name}})
		}
	}
	return b.summarize(p, sum, s)
}

// rowCount is the constant number of rows of take and top.
func (b *binder) rowCount(pos int, x node, s *scope) int {
	e := b.expr(x, s, nil)
	if !e.konst || !e.typ.integer() || e.val == nil {
		fail(pos, "the number of rows is a constant whole number")
	}
	return int(max(0, min(whole(e.val), maxRows)))
}

func (b *binder) sort(p *plan, o *sortOp, s *scope) *plan {
	r := &rowScope{cols: p.cols, op: "sort"}
	n := -1
	if o.top != nil {
		n = b.rowCount(o.at(), o.top, s)
	}
	keys := make([]*expr, len(o.keys))
	for i, k := range o.keys {
		keys[i] = b.expr(k.x, s, r)
		if t := keys[i].typ; t == TypeDynamic || t == TypeGUID {
			fail(k.x.at(), "a sort key cannot be %s; add an explicit cast", t)
		}
	}
	return &plan{p.cols, true, func() [][]Value {
		in := p.run()
		type keyed struct{ row, key []Value }
		all := make([]keyed, len(in))
		for i, row := range in {
			e := &env{row: row}
			all[i] = keyed{row, make([]Value, len(keys))}
			for j, k := range keys {
				all[i].key[j] = k.eval(e)
			}
		}
		slices.SortStableFunc(all, func(x, y keyed) int {
			for j, k := range o.keys {
				if c := compareSort(x.key[j], y.key[j], k.asc, k.nullsFirst); c != 0 {
					return c
				}
			}
			return 0
		})
		if n >= 0 && n < len(all) {
			all = all[:n]
		}
		out := make([][]Value, len(all))
		for i, k := range all {
			out[i] = k.row
		}
		return out
	}}
}

// compareSort orders two values of a sort key: nulls first are followed by
// NaN, nulls last are preceded by it.
func compareSort(x, y Value, asc, nullsFirst bool) int {
	rank := func(v Value) int {
		r := 0
		switch {
		case v == nil:
			r = 2
		case nan(v):
			r = 1
		}
		if nullsFirst {
			return -r
		}
		return r
	}
	if a, b := rank(x), rank(y); a != b || a != 0 {
		return a - b
	}
	if asc {
		return compare(x, y)
	}
	return compare(y, x)
}

func (b *binder) getschema(p *plan) *plan {
	system := map[Type]string{TypeBool: "System.SByte", TypeInt: "System.Int32", TypeLong: "System.Int64", TypeReal: "System.Double", TypeString: "System.String",
		TypeDatetime: "System.DateTime", TypeTimespan: "System.TimeSpan", TypeGUID: "System.Guid", TypeDynamic: "System.Object"}
	return &plan{b.fresh(Column{"ColumnName", TypeString}, Column{"ColumnOrdinal", TypeInt}, Column{"DataType", TypeString}, Column{"ColumnType", TypeString}), false,
		func() [][]Value {
			var out [][]Value
			for i, c := range p.cols {
				out = append(out, []Value{c.Name, int32(i), system[c.Type], c.Type.String()})
			}
			return out
		}}
}

func (b *binder) partition(p *plan, o *partitionOp, s *scope) *plan {
	k := (&rowScope{cols: p.cols}).index(o.by)
	if k < 0 {
		fail(o.at(), "no column is named '%s'%s", o.by, nearest(o.by, names(p.cols)))
	}
	if p.cols[k].Type == TypeDynamic {
		fail(o.at(), "a key of partition cannot be dynamic; add an explicit cast")
	}
	var part [][]Value
	in := &plan{p.cols, p.serialized, func() [][]Value { return part }}
	if !o.legacy {
		b.inApply++
	}
	b.inSub++
	sub := b.ops(in, o.sub.ops, s)
	b.inSub--
	if !o.legacy {
		b.inApply--
	}
	return &plan{sub.cols, false, func() [][]Value {
		var parts [][][]Value
		at := map[string]int{}
		for _, r := range p.run() {
			key := string(appendKey(nil, r[k]))
			i, ok := at[key]
			if !ok {
				i = len(parts)
				at[key] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], r)
		}
		if o.legacy && len(parts) > maxLegacy {
			fail(o.at(), "partition has more than %d keys; use hint.strategy=native", maxLegacy)
		}
		var out [][]Value
		for _, rows := range parts {
			part = rows
			out = append(out, sub.run()...)
		}
		return out
	}}
}
