package kusto

// Window functions read other records of a serialized input. prev() and next()
// look at a record; the others keep a state from record to record, so they are
// evaluated once for each record, whatever becomes of their result.

var windowNames = map[string]bool{
	"prev": true, "next": true, "row_number": true, "row_cumsum": true,
	"row_window_session": true, "row_rank_min": true, "row_rank_dense": true,
}

// windowCall makes the state of one window function for a run.
type windowCall func() func(*env) Value

func start(r *rowScope) []func(*env) Value {
	if len(r.windows) == 0 {
		return nil
	}
	out := make([]func(*env) Value, len(r.windows))
	for i, w := range r.windows {
		out[i] = (*w)()
	}
	return out
}

func (b *binder) window(x *callNode, s *scope, r *rowScope) *expr {
	if r == nil || r.aggs != nil || !(r.op == "extend" || r.op == "project" || r.op == "serialize" || r.op == "where") {
		fail(x.at(), "%s() may not stand here", x.name)
	}
	if !r.serialized {
		fail(x.at(), "%s() needs a serialized input: sort it, or add serialize", x.name)
	}
	shifts := x.name == "prev" || x.name == "next"
	if r.inWindow && !shifts {
		refuse(x.at(), "%s() within prev() or next()", x.name)
	}
	was := r.inWindow
	r.inWindow = was || shifts
	var args []*expr
	for _, a := range x.args {
		args = append(args, b.expr(a, s, r))
	}
	r.inWindow = was
	c := &call{b: b, pos: x.at(), name: x.name, nodes: x.args, args: args}
	switch x.name {
	case "prev", "next":
		b.arity(x, 1, 3)
		return c.shifted(x.name == "prev")
	case "row_number":
		b.arity(x, 0, 2)
		c.check("ib")
	case "row_cumsum":
		b.arity(x, 1, 2)
		c.check("*b")
	case "row_window_session":
		b.arity(x, 3, 4)
		c.check("dttb")
	default:
		b.arity(x, 1, 2)
		c.check("*b")
	}
	slot := len(r.windows)
	w, t := c.stateful()
	r.windows = append(r.windows, &w)
	return &expr{typ: t, eval: func(e *env) Value { return e.window[slot] }}
}

func (c *call) shifted(back bool) *expr {
	x := c.args[0]
	offset := constant(TypeLong, int64(1))
	def := constant(x.typ, null(x.typ))
	if len(c.args) > 1 {
		if offset = c.args[1]; !offset.konst || !offset.typ.integer() || offset.val == nil || whole(offset.val) < 0 {
			fail(c.argPos(1), "the offset of %s() is a constant whole number", c.name)
		}
	}
	if len(c.args) > 2 {
		if def = widen(c.args[2], x.typ); def == nil {
			fail(c.argPos(2), "the default of %s() is %s, not of type %s", c.name, x.typ, c.args[2].typ)
		}
	}
	n := int(min(whole(offset.val), maxRows))
	if back {
		n = -n
	}
	return &expr{typ: x.typ, eval: func(e *env) Value {
		i := e.i + n
		if i < 0 || i >= len(e.rows) {
			return def.eval(e)
		}
		return x.eval(&env{row: e.rows[i], rows: e.rows, i: i})
	}}
}

// restarts reads the last argument as the condition that restarts.
func (c *call) restarts(i int) func(*env) bool {
	if i >= len(c.args) {
		return func(*env) bool { return false }
	}
	return func(e *env) bool { return c.args[i].eval(e) == true }
}

func (c *call) stateful() (windowCall, Type) {
	switch c.name {
	case "row_number":
		restart := c.restarts(1)
		return func() func(*env) Value {
			n, fresh := int64(0), true
			return func(e *env) Value {
				if restart(e) || fresh {
					n, fresh = 1, false
					if len(c.args) > 0 {
						n = whole(c.args[0].eval(e))
					}
					return n
				}
				n++
				return n
			}
		}, TypeLong
	case "row_cumsum":
		restart, x := c.restarts(1), c.args[0]
		t := x.typ
		if !t.number() {
			fail(c.argPos(0), "row_cumsum() needs a number, not %s", t)
		}
		if t == TypeInt {
			t = TypeLong
		}
		return func() func(*env) Value {
			var n int64
			var f float64
			return func(e *env) Value {
				if restart(e) {
					n, f = 0, 0
				}
				v := x.eval(e)
				if t == TypeReal {
					f += number(v)
					return f
				}
				n += whole(v)
				return n
			}
		}, t
	case "row_window_session":
		restart := c.restarts(3)
		return func() func(*env) Value {
			var first, last Value
			return func(e *env) Value {
				v := c.args[0].eval(e)
				again := restart(e)
				if v == nil {
					first, last = nil, nil
					return nil
				}
				d := v.(Datetime)
				far := func(from, most Value) bool {
					return most != nil && from != nil && d >= from.(Datetime)+Datetime(most.(Timespan))
				}
				if first == nil || again || far(first, c.args[1].eval(e)) || far(last, c.args[2].eval(e)) {
					first = v
				}
				last = v
				return first
			}
		}, TypeDatetime
	}
	dense, restart, x := c.name == "row_rank_dense", c.restarts(1), c.args[0]
	return func() func(*env) Value {
		n, rank, fresh := int64(0), int64(0), true
		var before Value
		return func(e *env) Value {
			v := x.eval(e)
			if restart(e) || fresh {
				n, rank, fresh = 0, 0, false
				before = nil
			}
			n++
			if n == 1 || string(appendKey(nil, v)) != string(appendKey(nil, before)) {
				if dense {
					rank++
				} else {
					rank = n
				}
			}
			before = v
			return rank
		}
	}, TypeLong
}
