package kusto

import "fmt"

// expr binds a scalar expression that reads the record r, nil for none.
func (b *binder) expr(x node, s *scope, r *rowScope) *expr {
	b.count(x.at())
	b.enter(x.at())
	defer b.leave()
	switch x := x.(type) {
	case *litNode:
		return constant(x.typ, x.val)
	case *nameNode:
		return b.name(x, s, r)
	case *pathNode:
		return b.path(x, s, r)
	case *indexNode:
		return b.indexed(x, s, r)
	case *negNode:
		return b.negate(x, b.expr(x.x, s, r))
	case *binNode:
		return b.binary(x, s, r)
	case *inNode:
		return b.in(x, s, r)
	case *betweenNode:
		return b.between(x, s, r)
	case *callNode:
		return b.call(x, s, r)
	case *starNode:
		fail(x.at(), "'*' may not stand here")
	case *typeofNode:
		fail(x.at(), "typeof() may not stand here")
	}
	fail(x.at(), "a tabular expression may not stand here; toscalar() makes a value of it")
	return nil
}

// fold evaluates an expression whose parts are all constant.
func fold(e *expr, parts ...*expr) *expr {
	for _, p := range parts {
		if !p.konst {
			return e
		}
	}
	v := e.eval(&env{})
	c := constant(e.typ, v)
	c.name = e.name
	return c
}

func (b *binder) name(x *nameNode, s *scope, r *rowScope) *expr {
	if r != nil {
		if i := r.index(x.name); i >= 0 {
			return r.column(x.at(), i)
		}
	}
	d := s.find(x.name)
	switch {
	case d == nil:
		var names []string
		if r != nil {
			for _, c := range r.cols {
				names = append(names, c.Name)
			}
		}
		fail(x.at(), "no column or variable is named '%s'%s", x.name, nearest(x.name, names))
	case d.arg != nil:
		if !d.arg.konst && d.rows != r {
			fail(x.at(), "can't use '%s' as it is defined outside its row-context scope", x.name)
		}
		e := *d.arg
		e.name, e.id = x.name, 0
		return &e
	case d.isTable(b):
		fail(x.at(), "'%s' is a table; toscalar() makes a value of it", x.name)
	case d.fn != nil:
		return b.callScalar(x.at(), x.name, d, nil, s, r)
	case d.busy:
		fail(x.at(), "'%s' is defined by itself", x.name)
	}
	d.busy = true
	var reads *rowScope
	if r == bodyRows { // of a function's own let, which may use its arguments
		reads = r
	}
	e := b.expr(d.x, d.scope, reads)
	d.busy = false
	if e.konst {
		d.arg = e
	}
	n := *e
	n.name, n.id = x.name, 0
	return &n
}

// column is column i of the record, or what stands for it in an aggregation.
func (r *rowScope) column(pos, i int) *expr {
	c := r.cols[i]
	if r.aggs != nil && !r.aggs.inside {
		fail(pos, "the column '%s' stands outside an aggregation", c.Name)
	}
	return &expr{typ: c.Type, name: c.Name, id: c.id, eval: func(e *env) Value { return e.row[i] }}
}

func (b *binder) path(x *pathNode, s *scope, r *rowScope) *expr {
	if n, ok := x.base.(*nameNode); ok && r != nil && r.steps != nil {
		if e := r.steps.state(x.at(), n.name, x.key); e != nil {
			return e
		}
	}
	base := b.expr(x.base, s, r)
	if base.typ != TypeDynamic {
		fail(x.at(), "a key of a value of type %s; only dynamic values have keys", base.typ)
	}
	key := x.key
	return fold(&expr{typ: TypeDynamic, name: join(base.name, key), eval: func(e *env) Value {
		if m, ok := base.eval(e).(map[string]any); ok {
			return m[key]
		}
		return nil
	}}, base)
}

func join(base, key string) string {
	if base == "" {
		return ""
	}
	return base + "_" + key
}

func (b *binder) indexed(x *indexNode, s *scope, r *rowScope) *expr {
	base, index := b.expr(x.base, s, r), b.expr(x.index, s, r)
	if base.typ != TypeDynamic {
		fail(x.at(), "an index of a value of type %s; only dynamic values have elements", base.typ)
	}
	switch {
	case index.typ == TypeString:
		e := &expr{typ: TypeDynamic, eval: func(e *env) Value {
			if m, ok := base.eval(e).(map[string]any); ok {
				return m[index.eval(e).(string)]
			}
			return nil
		}}
		if e.name = join(base.name, ""); index.konst {
			e.name = join(base.name, index.val.(string))
		}
		return fold(e, base, index)
	case index.typ.integer():
		e := &expr{typ: TypeDynamic, eval: func(e *env) Value {
			a, ok := base.eval(e).([]any)
			n := index.eval(e)
			if !ok || n == nil {
				return nil
			}
			i := whole(n)
			if i < 0 {
				i += int64(len(a))
			}
			if i < 0 || i >= int64(len(a)) {
				return nil
			}
			return a[i]
		}}
		if e.name = join(base.name, ""); index.konst && index.val != nil && whole(index.val) >= 0 {
			e.name = join(base.name, fmt.Sprint(whole(index.val)))
		}
		return fold(e, base, index)
	}
	fail(x.index.at(), "an index is a string or a whole number, not %s", index.typ)
	return nil
}

// widen converts an expression where KQL does so by itself: int to long, both
// to real, a literal long to int. It returns nil where it does not.
func widen(e *expr, t Type) *expr {
	if e.typ == t {
		return e
	}
	var f func(Value) Value
	switch {
	case t == TypeLong && e.typ == TypeInt:
		f = func(v Value) Value {
			if v == nil {
				return nil
			}
			return whole(v)
		}
	case t == TypeReal && e.typ.integer():
		f = func(v Value) Value {
			if v == nil {
				return nil
			}
			return number(v)
		}
	case t == TypeInt && e.typ == TypeLong && e.konst:
		if e.val != nil && int64(int32(whole(e.val))) != whole(e.val) {
			return nil
		}
		f = func(v Value) Value {
			if v == nil {
				return nil
			}
			return int32(whole(v))
		}
	default:
		return nil
	}
	return fold(&expr{typ: t, name: e.name, eval: func(n *env) Value { return f(e.eval(n)) }}, e)
}

// common brings expressions to one type, or fails.
func (b *binder) common(pos int, what string, es []*expr) []*expr {
	t := es[0].typ
	for _, e := range es[1:] {
		switch {
		case e.typ == t:
		case t.number() && e.typ.number():
			t = max(t, e.typ)
		default:
			fail(pos, "%s must be of one type, not %s and %s", what, t, e.typ)
		}
	}
	out := make([]*expr, len(es))
	for i, e := range es {
		out[i] = widen(e, t)
	}
	return out
}

// toStr is an expression as the operators on strings read it: dynamic values
// as their text.
func (b *binder) toStr(pos int, what string, e *expr) *expr {
	switch e.typ {
	case TypeString:
		return e
	case TypeDynamic:
		return fold(&expr{typ: TypeString, eval: func(n *env) Value { return b.c.text(e.eval(n)) }}, e)
	}
	fail(pos, "%s needs a string, not %s", what, e.typ)
	return nil
}

func (b *binder) boolean(pos int, what string, e *expr) *expr {
	if e.typ != TypeBool {
		fail(pos, "%s needs a bool, not %s", what, e.typ)
	}
	return e
}

// call binds a call of a function in a scalar expression.
func (b *binder) call(x *callNode, s *scope, r *rowScope) *expr {
	if d := s.find(x.name); d != nil {
		if d.fn == nil {
			fail(x.at(), "'%s' is no function", x.name)
		}
		return b.callScalar(x.at(), x.name, d, x.args, s, r)
	}
	if r != nil && r.aggs != nil && isAggregate(x.name) {
		return r.aggs.call(b, x, s, r)
	}
	if isAggregate(x.name) && scalars[x.name] == nil {
		fail(x.at(), "%s() is an aggregation; it stands in summarize", x.name)
	}
	if windowNames[x.name] {
		return b.window(x, s, r)
	}
	switch x.name {
	case "toscalar":
		return b.toscalar(x, s)
	case "column_ifexists", "columnifexists":
		b.arity(x, 2, 2)
		if n := b.constString(x, 0, s); r != nil && r.index(n) >= 0 {
			return r.column(x.at(), r.index(n))
		}
		return b.expr(x.args[1], s, r)
	case "pack_all":
		return b.packAll(x, s, r)
	case "ingestion_time":
		b.arity(x, 0, 0)
		if r == nil || r.index(IngestionTime) < 0 {
			fail(x.at(), "ingestion_time() stands behind a table that tells it, in its column %s", IngestionTime)
		}
		return r.column(x.at(), r.index(IngestionTime))
	}
	f := scalars[x.name]
	if f == nil {
		if b.isTable(x, s, r) {
			fail(x.at(), "'%s' gives a table; toscalar() makes a value of it", x.name)
		}
		fail(x.at(), "unknown function '%s', or one that is not in the subset", x.name)
	}
	b.arity(x, f.min, f.max)
	c := &call{b: b, pos: x.at(), name: x.name, nodes: x.args}
	for i, a := range x.args {
		if _, ok := a.(*starNode); ok && x.name == "pack_array" && r != nil {
			for j := range r.cols {
				c.args = append(c.args, r.column(a.at(), j))
			}
			continue
		}
		if t, ok := a.(*typeofNode); ok && x.name == "extract" && i == 3 {
			c.typeof = t.typ
			continue
		}
		c.args = append(c.args, b.expr(a, s, r))
	}
	e := f.bind(c)
	e.name = ""
	switch prefix := namePrefix[x.name]; {
	case len(c.args) == 0 || c.args[0].name == "":
	case prefix != "":
		e.name = prefix + c.args[0].name
	case x.name == "array_sort_asc" || x.name == "array_sort_desc":
		e.name = c.args[0].name + "_sorted"
	case f.named:
		e.name = c.args[0].name
	}
	e.id = 0
	name := e.name
	e = fold(e, c.args...)
	e.name = name
	return e
}

func (b *binder) callScalar(pos int, name string, d *binding, args []node, s *scope, r *rowScope) *expr {
	if b.bodyIsTable(d) {
		fail(pos, "'%s' gives a table; toscalar() makes a value of it", name)
	}
	b.enter(pos)
	defer b.leave()
	in := b.arguments(pos, name, d, args, s, r, nil)
	// The body reads its arguments, which read the caller's record; it sees no
	// column itself.
	for sc := in; sc != d.scope && sc != nil; sc = sc.parent {
		for _, bd := range sc.names {
			if bd.rows == r {
				bd.rows = bodyRows
			}
		}
	}
	e := *b.expr(d.fn.body, in, bodyRows)
	e.name, e.id = "", 0
	return &e
}

// bodyRows is the record of a scalar function's body: without columns.
var bodyRows = &rowScope{op: "body"}

func (b *binder) toscalar(x *callNode, s *scope) *expr {
	b.arity(x, 1, 1)
	if !b.isTable(x.args[0], s, nil) {
		return b.expr(x.args[0], s, nil)
	}
	p := b.table(x.args[0], s)
	t := p.cols[0].Type
	rows := p.run()
	if len(rows) == 0 {
		return constant(t, null(t))
	}
	return constant(t, rows[0][0])
}

func (b *binder) packAll(x *callNode, s *scope, r *rowScope) *expr {
	b.arity(x, 0, 1)
	if r == nil || r.aggs != nil {
		fail(x.at(), "pack_all() needs a record")
	}
	skip := false
	if len(x.args) == 1 {
		e := b.expr(x.args[0], s, nil)
		if !e.konst || e.typ != TypeBool {
			fail(x.at(), "pack_all() needs a constant bool")
		}
		skip = e.val == true
	}
	cols := r.cols
	return &expr{typ: TypeDynamic, eval: func(e *env) Value {
		m := make(map[string]any, len(cols))
		for i, c := range cols {
			v := toDynamic(e.row[i])
			if skip && (v == nil || v == "") {
				continue
			}
			m[c.Name] = v
		}
		return m
	}}
}
