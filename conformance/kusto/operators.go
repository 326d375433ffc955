package kusto

import "math"

func (b *binder) negate(x *negNode, e *expr) *expr {
	switch {
	case e.typ.integer():
		return fold(&expr{typ: TypeLong, eval: func(n *env) Value {
			if v := e.eval(n); v != nil {
				return -whole(v)
			}
			return nil
		}}, e)
	case e.typ == TypeReal:
		return fold(&expr{typ: TypeReal, eval: func(n *env) Value {
			if v, ok := e.eval(n).(float64); ok {
				return -v
			}
			return nil
		}}, e)
	case e.typ == TypeTimespan:
		return fold(&expr{typ: TypeTimespan, eval: func(n *env) Value {
			if v, ok := e.eval(n).(Timespan); ok {
				return -v
			}
			return nil
		}}, e)
	}
	fail(x.at(), "'-' needs a number or a timespan, not %s", e.typ)
	return nil
}

// binary binds an operator of two operands. Null is sticky but for equality,
// and, or.
func (b *binder) binary(x *binNode, s *scope, r *rowScope) *expr {
	l, rt := b.expr(x.l, s, r), b.expr(x.r, s, r)
	switch x.op {
	case "and", "or":
		return b.logic(x, l, rt)
	case "==", "!=":
		return b.equal(x, l, rt)
	case "<", ">", "<=", ">=":
		return b.ordered(x.at(), x.op, l, rt)
	case "+", "-", "*", "/", "%":
		return b.arithmetic(x, l, rt)
	case "matches regex":
		return b.matchesRegex(x, l, rt)
	}
	op, not := negated(x.op)
	test := stringTests[op]
	ls, rs := b.toStr(x.at(), "'"+x.op+"'", l), b.toStr(x.at(), "'"+x.op+"'", rt)
	if test.folds {
		if rs.konst {
			f := foldCase(rs.val.(string))
			return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
				return test.match(foldCase(ls.eval(e).(string)), f) != not
			}}, ls)
		}
		return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
			return test.match(foldCase(ls.eval(e).(string)), foldCase(rs.eval(e).(string))) != not
		}}, ls, rs)
	}
	return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
		return test.match(ls.eval(e).(string), rs.eval(e).(string)) != not
	}}, ls, rs)
}

func (b *binder) logic(x *binNode, l, r *expr) *expr {
	b.boolean(x.l.at(), "'"+x.op+"'", l)
	b.boolean(x.r.at(), "'"+x.op+"'", r)
	ends := x.op == "or" // the value that decides alone
	return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
		a := l.eval(e)
		if a == ends {
			return ends
		}
		c := r.eval(e)
		switch {
		case c == ends:
			return ends
		case a == nil || c == nil:
			return nil
		}
		return !ends
	}}, l, r)
}

// equalTypes reports whether == is defined between two types.
func equalTypes(a, b Type) bool {
	return a == b && a != TypeDynamic || a.number() && b.number() || (a == TypeDynamic) != (b == TypeDynamic)
}

func (b *binder) equal(x *binNode, l, r *expr) *expr {
	if !equalTypes(l.typ, r.typ) {
		fail(x.at(), "cannot compare values of types %s and %s; add explicit casts", l.typ, r.typ)
	}
	not, pos, dyn := x.op == "!=", x.at(), l.typ == TypeDynamic || r.typ == TypeDynamic
	return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
		v := b.same(pos, l.eval(e), r.eval(e), dyn)
		if v == nil {
			return nil
		}
		return v != not
	}}, l, r)
}

// same is == of two values: null for two nulls.
func (b *binder) same(pos int, l, r Value, dyn bool) Value {
	if l == nil || r == nil {
		if l != nil || r != nil {
			return false
		}
		if b.c.NullEqualsNullFalse {
			return false
		}
		return nil
	}
	if dyn {
		l, r = toDynamic(l), toDynamic(r)
		if !sameKind(l, r) {
			refuse(pos, "a dynamic %s compared with a %s: the conversion is not documented, add an explicit cast", b.c.kind(l), b.c.kind(r))
		}
	}
	return alike(l, r)
}

// alike is equality of two values of one type, neither null.
func alike(l, r Value) bool {
	switch l.(type) {
	case int64, int32, float64:
		return isNumber(r) && compare(l, r) == 0 && !nan(l) && !nan(r)
	}
	return l == r
}

func isNumber(v Value) bool {
	switch v.(type) {
	case int64, int32, float64:
		return true
	}
	return false
}

func nan(v Value) bool {
	f, ok := v.(float64)
	return ok && math.IsNaN(f)
}

// ordered binds < and its like: numbers, datetimes, timespans.
func (b *binder) ordered(pos int, op string, l, r *expr) *expr {
	ok := l.typ.number() && r.typ.number() || l.typ == r.typ && (l.typ == TypeDatetime || l.typ == TypeTimespan)
	if !ok {
		fail(pos, "cannot compare values of types %s and %s with '%s'; add explicit casts (strcmp() compares strings)", l.typ, r.typ, op)
	}
	test := orders[op]
	return fold(&expr{typ: TypeBool, eval: func(e *env) Value {
		a := l.eval(e)
		if a == nil {
			return nil
		}
		c := r.eval(e)
		if c == nil {
			return nil
		}
		if nan(a) || nan(c) {
			return false
		}
		return test(compare(a, c))
	}}, l, r)
}

var orders = map[string]func(int) bool{
	"<":  func(c int) bool { return c < 0 },
	">":  func(c int) bool { return c > 0 },
	"<=": func(c int) bool { return c <= 0 },
	">=": func(c int) bool { return c >= 0 },
}

func (b *binder) between(x *betweenNode, s *scope, r *rowScope) *expr {
	v, lo, hi := b.expr(x.x, s, r), b.expr(x.a, s, r), b.expr(x.b, s, r)
	if v.typ == TypeDatetime && lo.typ == TypeDatetime && hi.typ == TypeTimespan {
		hi = b.arithmetic(&binNode{x.offset, "+", x.a, x.b}, lo, hi)
	}
	ge, le := b.ordered(x.at(), ">=", v, lo), b.ordered(x.at(), "<=", v, hi)
	e := b.logic(&binNode{x.offset, "and", x, x}, ge, le)
	if x.not {
		return notExpr(e)
	}
	return e
}

func notExpr(e *expr) *expr {
	return fold(&expr{typ: TypeBool, eval: func(n *env) Value {
		if v, ok := e.eval(n).(bool); ok {
			return !v
		}
		return nil
	}}, e)
}

// arithmetic binds + - * / %. Whole numbers give long, one real number gives
// real; datetimes and timespans as their page says.
func (b *binder) arithmetic(x *binNode, l, r *expr) *expr {
	lt, rt, op := l.typ, r.typ, x.op
	both := func(t Type, f func(a, c Value) Value) *expr {
		return fold(&expr{typ: t, eval: func(e *env) Value {
			a := l.eval(e)
			if a == nil {
				return nil
			}
			c := r.eval(e)
			if c == nil {
				return nil
			}
			return f(a, c)
		}}, l, r)
	}
	pos := x.at()
	switch {
	case lt.integer() && rt.integer():
		f := wholeOps[op]
		return both(TypeLong, func(a, c Value) Value { return f(whole(a), whole(c)) })
	case lt.number() && rt.number():
		f := realOps[op]
		return both(TypeReal, func(a, c Value) Value { return f(number(a), number(c)) })
	case lt == TypeTimespan && rt == TypeTimespan:
		switch op {
		case "+":
			return both(TypeTimespan, func(a, c Value) Value { return addSpan(pos, a.(Timespan), c.(Timespan)) })
		case "-":
			return both(TypeTimespan, func(a, c Value) Value { return addSpan(pos, a.(Timespan), -c.(Timespan)) })
		case "/":
			return both(TypeReal, func(a, c Value) Value { return float64(a.(Timespan)) / float64(c.(Timespan)) })
		}
	case lt == TypeDatetime && rt == TypeTimespan && (op == "+" || op == "-"):
		return both(TypeDatetime, func(a, c Value) Value {
			d := c.(Timespan)
			if op == "-" {
				d = -d
			}
			return shift(a.(Datetime), d)
		})
	case lt == TypeTimespan && rt == TypeDatetime && op == "+":
		return both(TypeDatetime, func(a, c Value) Value { return shift(c.(Datetime), a.(Timespan)) })
	case lt == TypeDatetime && rt == TypeDatetime && op == "-":
		return both(TypeTimespan, func(a, c Value) Value { return Timespan(a.(Datetime) - c.(Datetime)) })
	case lt == TypeTimespan && rt.number() && op == "*":
		return both(TypeTimespan, func(a, c Value) Value { return scale(pos, a.(Timespan), c) })
	case lt.number() && rt == TypeTimespan && op == "*":
		return both(TypeTimespan, func(a, c Value) Value { return scale(pos, c.(Timespan), a) })
	case lt == TypeTimespan && rt.number() && op == "/":
		return both(TypeTimespan, func(a, c Value) Value {
			if f := number(c); f != 0 {
				return scale(pos, a.(Timespan), 1/f)
			}
			return nil
		})
	}
	fail(x.at(), "'%s' is not defined between %s and %s; add explicit casts", op, lt, rt)
	return nil
}

// shift is a datetime moved by a timespan; null beyond the calendar.
func shift(d Datetime, t Timespan) Value {
	if n := d + Datetime(t); n.valid() {
		return n
	}
	return nil
}

func addSpan(pos int, a, b Timespan) Value {
	if s := a + b; (s > a) == (b > 0) || b == 0 {
		return s
	}
	return nil
}

func scale(pos int, t Timespan, n Value) Value {
	if f, ok := n.(float64); ok {
		p := float64(t) * f
		if math.Abs(p) >= math.MaxInt64 || math.IsNaN(p) {
			return nil
		}
		return Timespan(math.Round(p))
	}
	w := whole(n)
	p := int64(t) * w
	if w != 0 && (p/w != int64(t) || w == -1 && int64(t) == math.MinInt64) {
		return nil
	}
	return Timespan(p)
}

var wholeOps = map[string]func(a, b int64) Value{
	"+": func(a, b int64) Value { return a + b },
	"-": func(a, b int64) Value { return a - b },
	"*": func(a, b int64) Value { return a * b },
	"/": func(a, b int64) Value {
		if b == 0 || b == -1 && a == math.MinInt64 {
			return nil
		}
		return a / b
	},
	"%": func(a, b int64) Value {
		if b == 0 || b == math.MinInt64 {
			return nil
		}
		if b < 0 {
			b = -b
		}
		m := a % b
		if m < 0 {
			m += b
		}
		return m
	},
}

var realOps = map[string]func(a, b float64) Value{
	"+": func(a, b float64) Value { return a + b },
	"-": func(a, b float64) Value { return a - b },
	"*": func(a, b float64) Value { return a * b },
	"/": func(a, b float64) Value { return a / b },
	"%": func(a, b float64) Value {
		b = math.Abs(b)
		m := math.Mod(a, b)
		if m < 0 {
			m += b
		}
		return m
	},
}

// in binds a test against a list. in is a chain of or over equality, !in of
// and over inequality; the lists of has_any and has_all are of strings.
func (b *binder) in(x *inNode, s *scope, r *rowScope) *expr {
	l := b.expr(x.l, s, r)
	op, not := negated(x.op)
	if op != "in" {
		l = b.toStr(x.at(), "'"+x.op+"'", l)
	}
	var exprs []*expr // not constant
	var consts []Value
	for _, n := range x.list {
		if b.isTable(n, s, r) {
			p := b.table(n, s)
			b.inType(n.at(), x.op, l.typ, p.cols[0].Type)
			for _, row := range p.run() {
				consts = append(consts, row[0])
			}
			continue
		}
		e := b.expr(n, s, r)
		b.inType(n.at(), x.op, l.typ, e.typ)
		switch a, isArray := e.val.([]any); {
		case !e.konst:
			exprs = append(exprs, e)
		case e.typ == TypeDynamic && isArray:
			consts = append(consts, a...)
		default:
			consts = append(consts, e.val)
		}
	}
	ldyn := l.typ == TypeDynamic
	var has func(v Value, in []Value) Value
	switch op {
	case "has_any", "has_all":
		all := op == "has_all"
		has = func(v Value, in []Value) Value {
			t := foldCase(v.(string))
			for _, w := range in {
				if hasTerm(t, foldCase(b.c.text(w))) != all {
					return !all
				}
			}
			return all
		}
	case "in~":
		set := map[string]bool{}
		for _, c := range consts {
			if c, ok := c.(string); ok {
				set[foldCase(c)] = true
			}
		}
		if len(exprs) == 0 {
			return fold(&expr{typ: TypeBool, eval: func(e *env) Value { return set[foldCase(l.eval(e).(string))] != not }}, l)
		}
		has = func(v Value, in []Value) Value {
			t := foldCase(v.(string))
			for _, w := range in {
				if w, ok := w.(string); ok && foldCase(w) == t {
					return true
				}
			}
			return false
		}
	default:
		if l.typ == TypeString && len(exprs) == 0 {
			set := map[string]bool{}
			for _, c := range consts {
				if c, ok := c.(string); ok {
					set[c] = true
				}
			}
			return fold(&expr{typ: TypeBool, eval: func(e *env) Value { return set[l.eval(e).(string)] != not }}, l)
		}
		has = func(v Value, in []Value) Value {
			var result Value = false
			for _, w := range in {
				var is Value
				if ldyn {
					is = b.same(x.at(), v, w, true)
				} else if v != nil && w != nil {
					is = sameKind(toDynamic(v), toDynamic(w)) && alike(toDynamic(v), toDynamic(w))
				} else {
					is = b.same(x.at(), v, w, false)
				}
				if is == true {
					return true
				}
				if is == nil {
					result = nil
				}
			}
			return result
		}
	}
	e := &expr{typ: TypeBool, eval: func(e *env) Value {
		list := consts
		if len(exprs) > 0 {
			list = append([]Value(nil), consts...)
			for _, x := range exprs {
				v := x.eval(e)
				if a, ok := v.([]any); ok {
					list = append(list, a...)
				} else {
					list = append(list, v)
				}
			}
		}
		v := has(l.eval(e), list)
		if v == nil {
			return nil
		}
		return v != not
	}}
	return fold(e, append(exprs, l)...)
}

// inType checks the type of an element of a list against what is tested.
func (b *binder) inType(pos int, op string, l, t Type) {
	if t == TypeDynamic || equalTypes(l, t) && (l != TypeDynamic || op == "in" || op == "!in") || l == TypeString && t == TypeString {
		return
	}
	fail(pos, "'%s' tests values of type %s: a value of type %s cannot stand in its list", op, l, t)
}
