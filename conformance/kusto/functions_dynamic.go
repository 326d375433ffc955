package kusto

import (
	"slices"
	"strings"
)

func init() {
	defineNull("array_length", "y", TypeLong, func(c *call, v []Value) Value {
		if a, ok := v[0].([]any); ok {
			return int64(len(a))
		}
		return nil
	})
	special("array_index_of", "y*|iii", func(c *call) *expr { return c.result(TypeLong, arrayIndexOf) })
	defineNull("array_concat", "y|y+", TypeDynamic, func(c *call, v []Value) Value {
		out := []any{}
		for _, x := range v {
			if a, ok := x.([]any); ok {
				out = append(out, a...)
			}
		}
		return c.array(out)
	})
	define("array_slice", "yii", TypeDynamic, func(v []Value) Value {
		a, ok := v[0].([]any)
		if !ok {
			return nil
		}
		n := int64(len(a))
		from, to := whole(v[1]), whole(v[2])
		if from < 0 {
			from += n
		}
		if to < 0 {
			to += n
		}
		from, to = max(from, 0), min(to, n-1)
		if from > to {
			return []any{}
		}
		return slices.Clone(a[from : to+1])
	})
	for name, desc := range map[string]bool{"array_sort_asc": false, "array_sort_desc": true} {
		special(name, "y|*+", func(c *call) *expr {
			last := true
			switch {
			case len(c.args) == 2 && c.args[1].typ == TypeBool && c.args[1].konst:
				last = c.args[1].val == true
			case len(c.args) > 1:
				refuse(c.pos, "%s() of several arrays", c.name)
			}
			return c.result(TypeDynamic, func(v []Value) Value {
				a, ok := v[0].([]any)
				if !ok {
					return nil
				}
				return sortArray(a, desc, last)
			})
		})
	}
	define("array_reverse", "y", TypeDynamic, func(v []Value) Value {
		a, ok := v[0].([]any)
		if !ok {
			return nil
		}
		a = slices.Clone(a)
		slices.Reverse(a)
		return a
	})
	defineNull("set_has_element", "y*", TypeBool, func(c *call, v []Value) Value {
		a, ok := v[0].([]any)
		if !ok {
			return nil
		}
		return slices.ContainsFunc(a, func(x any) bool { return sameDynamic(x, toDynamic(v[1])) })
	})
	sets := func(name string, f func(has bool) bool, all bool) {
		defineNull(name, "yy|y+", TypeDynamic, func(c *call, v []Value) Value {
			out, seen := []any{}, map[string]bool{}
			first, ok := v[0].([]any)
			if !ok {
				return nil
			}
			in := make([]map[string]bool, len(v))
			for i, x := range v {
				in[i] = map[string]bool{}
				a, _ := x.([]any)
				for _, e := range a {
					in[i][setKey(e)] = true
				}
				if all && i > 0 {
					first = append(slices.Clip(first), a...)
				}
			}
			for _, e := range first {
				k := setKey(e)
				keep := !seen[k]
				for _, m := range in[1:] {
					keep = keep && (all || f(m[k]))
				}
				if keep {
					seen[k] = true
					out = append(out, e)
				}
			}
			return c.array(out)
		})
	}
	sets("set_union", nil, true)
	sets("set_intersect", func(has bool) bool { return has }, false)
	sets("set_difference", func(has bool) bool { return !has }, false)
	define("bag_has_key", "ys", TypeBool, func(v []Value) Value {
		m, ok := v[0].(map[string]any)
		if !ok {
			return false
		}
		key := v[1].(string)
		if _, ok := m[key]; ok || !strings.HasPrefix(key, "$.") {
			return ok
		}
		steps := strings.Split(key[2:], ".")
		for i, s := range steps {
			x, ok := m[s]
			if !ok || i == len(steps)-1 {
				return ok
			}
			if m, ok = x.(map[string]any); !ok {
				return false
			}
		}
		return false
	})
	define("bag_keys", "y", TypeDynamic, func(v []Value) Value {
		if m, ok := v[0].(map[string]any); ok {
			return anys(sortedKeys(m))
		}
		return nil
	})
	defineNull("bag_merge", "yy|y+", TypeDynamic, func(c *call, v []Value) Value {
		out := map[string]any{}
		for _, x := range v {
			m, _ := x.(map[string]any)
			for k, e := range m {
				if _, ok := out[k]; !ok {
					out[k] = e
				}
			}
		}
		return out
	})
	defineNull("bag_set_key", "ys*", TypeDynamic, func(c *call, v []Value) Value {
		out := map[string]any{}
		m, ok := v[0].(map[string]any)
		if !ok {
			return nil
		}
		for k, e := range m {
			out[k] = e
		}
		out[v[1].(string)] = toDynamic(v[2])
		return out
	})
	define("bag_remove_keys", "yy", TypeDynamic, func(v []Value) Value {
		m, ok := v[0].(map[string]any)
		if !ok {
			return nil
		}
		drop := map[string]bool{}
		keys, _ := v[1].([]any)
		for _, k := range keys {
			if s, ok := k.(string); ok {
				drop[s] = true
			}
		}
		out := map[string]any{}
		for k, e := range m {
			if !drop[k] {
				out[k] = e
			}
		}
		return out
	})
	defineNull("pack_array", "*|*+", TypeDynamic, func(c *call, v []Value) Value {
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = toDynamic(x)
		}
		return out
	})
	special("bag_pack pack pack_dictionary", "s*|*+", func(c *call) *expr {
		if len(c.args)%2 != 0 {
			fail(c.pos, "%s() takes pairs of a key and a value", c.name)
		}
		for i := 0; i < len(c.args); i += 2 {
			if c.args[i].typ != TypeString {
				fail(c.argPos(i), "a key of %s() is a string, not %s", c.name, c.args[i].typ)
			}
		}
		return c.result(TypeDynamic, func(v []Value) Value {
			m := make(map[string]any, len(v)/2)
			for i := 0; i < len(v); i += 2 {
				m[v[i].(string)] = toDynamic(v[i+1])
			}
			return m
		})
	})
	scalars["bag_pack"].max, scalars["pack"].max = 1024, 1024
	scalars["pack_array"].max = 1024
	special("range", "**|*", func(c *call) *expr {
		step := constant(TypeLong, int64(1))
		if len(c.args) == 3 {
			step = c.args[2]
		} else if t := c.args[0].typ; t == TypeDatetime || t == TypeTimespan {
			refuse(c.pos, "range() of %s without a step", t)
		}
		next, _ := c.b.steps(c.pos, c.args[0], c.args[1], step)
		return &expr{typ: TypeDynamic, eval: func(e *env) Value {
			out := []any{}
			next(e, maxRows, func(v Value) { out = append(out, toDynamic(v)) })
			c.b.spend(c.pos, len(out), 0)
			return out
		}}
	})
}

// steps yields start, start+step, ... as far as stop.
func (b *binder) steps(pos int, start, stop, step *expr) (run func(e *env, limit int, give func(Value)), t Type) {
	t = start.typ
	switch {
	case t.number() && stop.typ.number() && step.typ.number():
		t = max(t, stop.typ, step.typ)
	case t == TypeDatetime && stop.typ == t && step.typ == TypeTimespan:
	case t == TypeTimespan && stop.typ == t && step.typ == t:
	default:
		fail(pos, "no range from %s to %s by %s", t, stop.typ, step.typ)
	}
	// The operands are only for their place in a message.
	add := b.arithmetic(&binNode{offset(pos), "+", anyNode, anyNode}, &expr{typ: t, eval: func(e *env) Value { return e.row[0] }}, step)
	return func(e *env, limit int, give func(Value)) {
		v, end, by := start.eval(e), stop.eval(e), step.eval(e)
		if v == nil || end == nil || by == nil {
			return
		}
		if w := widen(constant(start.typ, v), t); w != nil {
			v = w.val
		}
		sign := 0
		switch x := by.(type) {
		case Timespan:
			sign = order(int64(x), 0)
		default:
			sign = compare(by, int64(0))
		}
		if sign == 0 {
			fail(pos, "a range by steps of nothing")
		}
		for n := 0; v != nil && !nan(v) && compare(v, end)*sign <= 0; n++ {
			if n >= limit {
				fail(pos, "a range of more than %d values", limit)
			}
			give(v)
			w := add.eval(&env{row: []Value{v}})
			if w == nil || compare(w, v)*sign <= 0 {
				return
			}
			v = w
			if t == TypeInt {
				v = toInt(w)
			}
		}
	}, t
}

var anyNode = &litNode{}

func (c *call) array(a []any) Value {
	if len(a) > maxElement {
		fail(c.pos, "%s() gives an array of more than %d elements", c.name, maxElement)
	}
	c.b.spend(c.pos, len(a)/8, 0)
	return a
}

// setKey is equal for values that are one element of a set.
func setKey(v Value) string {
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		v = int64(f)
	}
	return string(appendKey(nil, v))
}

func arrayIndexOf(v []Value) Value {
	a, ok := v[0].([]any)
	if !ok {
		return nil
	}
	start, length, nth := int64(0), int64(-1), int64(1)
	for i, p := range []*int64{&start, &length, &nth} {
		if len(v) > i+2 {
			if v[i+2] == nil {
				return nil
			}
			*p = whole(v[i+2])
		}
	}
	if nth < 0 || length < -1 {
		return nil
	}
	n := int64(len(a))
	if start < 0 {
		start = max(0, n+start)
	}
	end := n
	if length >= 0 && length < n {
		end = min(n, start+length)
	}
	want := toDynamic(v[1])
	for i := start; i < end; i++ {
		if sameDynamic(a[i], want) {
			if nth--; nth <= 0 {
				return i
			}
		}
	}
	return int64(-1)
}

// sortArray orders numbers, datetimes and timespans first, then strings, then
// guids, then the rest, which keeps its order; nulls are last or first.
func sortArray(a []any, desc, nullsLast bool) []any {
	class := func(v any) int {
		switch v.(type) {
		case int64, float64, Datetime, Timespan:
			return 0
		case string:
			return 1
		case GUID:
			return 2
		}
		return 3
	}
	size := func(v any) float64 {
		switch x := v.(type) {
		case Datetime:
			return float64(x)
		case Timespan:
			return float64(x)
		}
		return number(v)
	}
	out := slices.Clone(a)
	slices.SortStableFunc(out, func(x, y any) int {
		if x == nil || y == nil {
			switch {
			case x == nil && y == nil:
				return 0
			case (x == nil) == nullsLast:
				return 1
			}
			return -1
		}
		cx, cy := class(x), class(y)
		c := 0
		switch {
		case cx != cy:
			c = cx - cy
		case cx == 3:
			return 0
		case cx == 0 && !sameKind(x, y):
			switch p, q := size(x), size(y); {
			case p < q:
				c = -1
			case p > q:
				c = 1
			}
		default:
			c = compare(x, y)
		}
		if desc {
			return -c
		}
		return c
	})
	return out
}
