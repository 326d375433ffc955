package kusto

import "math"

func init() {
	special("abs", "*", func(c *call) *expr {
		switch t := c.args[0].typ; {
		case t.number() || t == TypeTimespan:
			if t == TypeInt {
				t = TypeLong
			}
			return c.result(t, func(v []Value) Value {
				switch x := v[0].(type) {
				case int32:
					return max(int64(x), -int64(x))
				case int64:
					return max(x, -x)
				case float64:
					return math.Abs(x)
				case Timespan:
					return max(x, -x)
				}
				return nil
			})
		}
		fail(c.pos, "abs() needs a number or a timespan")
		return nil
	})
	special("round", "n|i", func(c *call) *expr {
		t := c.args[0].typ
		return c.result(t, func(v []Value) Value {
			if v[0] == nil || len(v) > 1 && v[1] == nil {
				return nil
			}
			p := 1.0
			if len(v) > 1 {
				p = math.Pow(10, number(v[1]))
			}
			f := math.Round(number(v[0])*p) / p
			switch t {
			case TypeLong:
				return int64(f)
			case TypeInt:
				return int32(f)
			}
			return f
		})
	})
	special("bin floor", "**", func(c *call) *expr { return c.bin() })
	nameFirst("bin floor")
	special("ceiling", "n", func(c *call) *expr {
		return c.result(c.args[0].typ, func(v []Value) Value {
			if f, ok := v[0].(float64); ok {
				return math.Ceil(f)
			}
			return v[0]
		})
	})
	define("pow", "rr", TypeReal, func(v []Value) Value { return math.Pow(v[0].(float64), v[1].(float64)) })
	define("sqrt", "r", TypeReal, func(v []Value) Value {
		if v[0].(float64) < 0 {
			return nil
		}
		return math.Sqrt(v[0].(float64))
	})
	for name, f := range map[string]func(float64) float64{"exp": math.Exp, "exp2": math.Exp2, "exp10": func(x float64) float64 { return math.Pow(10, x) }} {
		define(name, "r", TypeReal, func(v []Value) Value { return f(v[0].(float64)) })
	}
	for name, f := range map[string]func(float64) float64{"log": math.Log, "log10": math.Log10, "log2": math.Log2} {
		define(name, "r", TypeReal, func(v []Value) Value {
			if v[0].(float64) <= 0 {
				return nil
			}
			return f(v[0].(float64))
		})
	}
	special("sign", "n", func(c *call) *expr {
		return c.result(TypeReal, func(v []Value) Value {
			if v[0] == nil {
				return nil
			}
			return float64(compare(v[0], int64(0)))
		})
	})
	define("pi", "", TypeReal, func(v []Value) Value { return math.Pi })
	for name, f := range map[string]func(a, b int64) int64{
		"binary_and": func(a, b int64) int64 { return a & b },
		"binary_or":  func(a, b int64) int64 { return a | b },
		"binary_xor": func(a, b int64) int64 { return a ^ b },
		// The count is taken modulo 64.
		"binary_shift_left":  func(a, b int64) int64 { return a << (b & 63) },
		"binary_shift_right": func(a, b int64) int64 { return a >> (b & 63) },
	} {
		define(name, "ii", TypeLong, func(v []Value) Value { return f(whole(v[0]), whole(v[1])) })
	}
	define("binary_not", "i", TypeLong, func(v []Value) Value { return ^whole(v[0]) })
	nameFirst("abs ceiling round sqrt exp exp2 exp10 log log2 log10 binary_not")
}

// bin rounds down to a multiple; a null or negative size gives null.
func (c *call) bin() *expr {
	vt, st := c.args[0].typ, c.args[1].typ
	down := func(n, size int64) int64 {
		r := n % size
		if r < 0 {
			r += size
		}
		return n - r
	}
	switch {
	case vt.integer() && st.integer():
		return c.result(TypeLong, func(v []Value) Value {
			if v[0] == nil || v[1] == nil || whole(v[1]) <= 0 {
				return nil
			}
			return down(whole(v[0]), whole(v[1]))
		})
	case vt.number() && st.number():
		return c.result(TypeReal, func(v []Value) Value {
			if v[0] == nil || v[1] == nil || number(v[1]) <= 0 {
				return nil
			}
			return math.Floor(number(v[0])/number(v[1])) * number(v[1])
		})
	case vt == TypeDatetime && st == TypeTimespan:
		return c.result(vt, func(v []Value) Value {
			if v[0] == nil || v[1] == nil || v[1].(Timespan) <= 0 {
				return nil
			}
			return Datetime(down(int64(v[0].(Datetime)), int64(v[1].(Timespan))))
		})
	case vt == TypeTimespan && st == TypeTimespan:
		return c.result(vt, func(v []Value) Value {
			if v[0] == nil || v[1] == nil || v[1].(Timespan) <= 0 {
				return nil
			}
			return Timespan(down(int64(v[0].(Timespan)), int64(v[1].(Timespan))))
		})
	}
	fail(c.pos, "%s() does not round %s by %s", c.name, vt, st)
	return nil
}
