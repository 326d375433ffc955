package kusto

import "math"

func init() {
	special("not", "b", func(c *call) *expr { return notExpr(c.args[0]) })
	special("iff iif", "b**", func(c *call) *expr {
		v := c.b.common(c.pos, "the values of "+c.name+"()", c.args[1:])
		cond, yes, no := c.args[0], v[0], v[1]
		return &expr{typ: yes.typ, eval: func(e *env) Value {
			if cond.eval(e) == true {
				return yes.eval(e)
			}
			return no.eval(e)
		}}
	})
	special("case", "***+", func(c *call) *expr {
		n := len(c.args)
		if n%2 == 0 {
			fail(c.pos, "case() takes pairs of a predicate and a value, and a last value")
		}
		var conds, vals []*expr
		for i := 0; i+1 < n; i += 2 {
			conds = append(conds, c.b.boolean(c.argPos(i), "a predicate of case()", c.args[i]))
			vals = append(vals, c.args[i+1])
		}
		vals = c.b.common(c.pos, "the values of case()", append(vals, c.args[n-1]))
		return &expr{typ: vals[0].typ, eval: func(e *env) Value {
			for i, p := range conds {
				if p.eval(e) == true {
					return vals[i].eval(e)
				}
			}
			return vals[len(conds)].eval(e)
		}}
	})
	special("coalesce", "**+", func(c *call) *expr {
		v := c.b.common(c.pos, "the arguments of coalesce()", c.args)
		return &expr{typ: v[0].typ, eval: func(e *env) Value {
			for _, a := range v {
				if x := a.eval(e); x != nil && x != "" {
					return x
				}
			}
			return null(v[0].typ)
		}}
	})
	for name, sign := range map[string]int{"min_of": -1, "max_of": 1} {
		special(name, "**+", func(c *call) *expr {
			v := c.b.common(c.pos, "the arguments of "+c.name+"()", c.args)
			switch v[0].typ {
			case TypeDynamic, TypeGUID, TypeBool:
				refuse(c.pos, "%s() of %s", c.name, v[0].typ)
			}
			return &expr{typ: v[0].typ, eval: func(e *env) Value {
				var best Value
				for _, a := range v {
					if x := a.eval(e); x != nil && (best == nil || compare(x, best)*sign > 0) {
						best = x
					}
				}
				return best
			}}
		})
	}
	defineNull("isnull", "*", TypeBool, func(c *call, v []Value) Value { return v[0] == nil })
	defineNull("isnotnull notnull", "*", TypeBool, func(c *call, v []Value) Value { return v[0] != nil })
	defineNull("isempty", "*", TypeBool, func(c *call, v []Value) Value { return v[0] == nil || v[0] == "" })
	defineNull("isnotempty notempty", "*", TypeBool, func(c *call, v []Value) Value { return v[0] != nil && v[0] != "" })
	define("isnan", "r", TypeBool, func(v []Value) Value { return math.IsNaN(v[0].(float64)) })
	define("isinf", "r", TypeBool, func(v []Value) Value { return math.IsInf(v[0].(float64), 0) })
	define("isfinite", "r", TypeBool, func(v []Value) Value {
		f := v[0].(float64)
		return !math.IsInf(f, 0) && !math.IsNaN(f)
	})
	defineNull("gettype", "*", TypeString, func(c *call, v []Value) Value {
		if t := c.args[0].typ; t != TypeDynamic && (v[0] != nil) {
			return t.String()
		}
		return c.b.c.kind(v[0])
	})
}
