package kusto

import (
	"math"
	"strconv"
	"strings"
)

// Conversions take any scalar and give null where there is no such value.

func init() {
	conversion := func(names string, t Type, f func(c *call, v Value) Value) {
		special(names, "*", func(c *call) *expr {
			from := c.args[0].typ
			if (t == TypeDynamic || t == TypeGUID) && from != TypeString && from != TypeDynamic {
				fail(c.argPos(0), "%s() takes a string or a dynamic value, not %s", c.name, from)
			}
			return c.result(t, func(v []Value) Value {
				if v[0] == nil {
					return null(t)
				}
				return f(c, v[0])
			})
		})
		nameFirst(names)
	}
	conversion("tostring", TypeString, func(c *call, v Value) Value { return c.b.c.text(v) })
	conversion("tolong", TypeLong, func(c *call, v Value) Value { return toLong(v) })
	conversion("toint", TypeInt, func(c *call, v Value) Value { return toInt(v) })
	conversion("toreal todouble", TypeReal, func(c *call, v Value) Value { return toReal(v) })
	conversion("tobool toboolean", TypeBool, func(c *call, v Value) Value { return toBool(v) })
	conversion("todatetime", TypeDatetime, func(c *call, v Value) Value { return toDatetime(c.pos, v) })
	conversion("totimespan totime", TypeTimespan, func(c *call, v Value) Value { return toTimespan(c.pos, v) })
	conversion("toguid", TypeGUID, func(c *call, v Value) Value { return toGUID(v) })
	conversion("parse_json todynamic toobject parsejson", TypeDynamic, func(c *call, v Value) Value {
		if s, ok := v.(string); ok && c.args[0].typ == TypeString {
			return parseJSON(s)
		}
		return toDynamic(v)
	})
	defineNull("dynamic_to_json", "y", TypeString, func(c *call, v []Value) Value { return string(appendJSON(nil, v[0])) })
	define("tohex", "i", TypeString, func(v []Value) Value {
		if n, ok := v[0].(int32); ok {
			return strconv.FormatUint(uint64(uint32(n)), 16)
		}
		return strconv.FormatUint(uint64(whole(v[0])), 16)
	})
	nameFirst("tohex")
}

func toLong(v Value) Value {
	switch x := v.(type) {
	case int64:
		return x
	case int32:
		return int64(x)
	case float64:
		if x >= -9.2e18 && x <= 9.2e18 {
			return int64(x)
		}
	case bool:
		if x {
			return int64(1)
		}
		return int64(0)
	case string:
		if n, ok := parseLong(x); ok {
			return n
		}
	case Datetime:
		return int64(x)
	case Timespan:
		return int64(x)
	}
	return nil
}

func toInt(v Value) Value {
	if n, ok := toLong(v).(int64); ok && int64(int32(n)) == n {
		return int32(n)
	}
	return nil
}

func toReal(v Value) Value {
	switch x := v.(type) {
	case float64:
		return x
	case int64:
		return float64(x)
	case int32:
		return float64(x)
	case bool:
		if x {
			return 1.0
		}
		return 0.0
	case string:
		if f, ok := parseReal(x); ok {
			return f
		}
	}
	return nil
}

func toBool(v Value) Value {
	switch x := v.(type) {
	case bool:
		return x
	case int64:
		return x != 0
	case int32:
		return x != 0
	case float64:
		return x != 0 && !math.IsNaN(x)
	case string:
		switch {
		case strings.EqualFold(x, "true"):
			return true
		case strings.EqualFold(x, "false"):
			return false
		}
		if n, ok := parseLong(x); ok {
			return n != 0
		}
	}
	return nil
}

func toDatetime(pos int, v Value) Value {
	switch x := v.(type) {
	case Datetime:
		return x
	case string:
		if d, ok := parseDatetime(x); ok {
			return d
		}
	case int64, int32, float64:
		refuse(pos, "todatetime() of a number; use unixtime_seconds_todatetime()")
	}
	return nil
}

func toTimespan(pos int, v Value) Value {
	switch x := v.(type) {
	case Timespan:
		return x
	case string:
		if d, ok := parseTimespan(x, false); ok {
			return d
		}
	case int64, int32, float64:
		refuse(pos, "totimespan() of a number; multiply it by a timespan")
	}
	return nil
}

func toGUID(v Value) Value {
	switch x := v.(type) {
	case GUID:
		return x
	case string:
		if g, _, ok := guidAhead(x); ok { // what follows is ignored
			return g
		}
	}
	return nil
}

// parseLong reads an optional sign and decimal digits.
func parseLong(s string) (int64, bool) {
	t := strings.TrimLeft(s, "+-")
	if t == "" || len(s)-len(t) > 1 || strings.Trim(t, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// parseReal reads decimal digits with a sign, a point, an exponent.
func parseReal(s string) (float64, bool) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// cast is a value of a dynamic array as an element of a declared type: a cast
// that neither parses nor converts, but for whole numbers among numbers.
func cast(t Type, v Value) Value {
	switch t {
	case TypeDynamic:
		return v
	case TypeLong, TypeInt:
		if f, ok := v.(float64); ok && f != math.Trunc(f) {
			return nil
		}
		if !isNumber(v) {
			return nil
		}
		if t == TypeInt {
			return toInt(v)
		}
		return toLong(v)
	case TypeReal:
		if isNumber(v) {
			return number(v)
		}
		return nil
	}
	if v != nil && fits(t, v) {
		return v
	}
	return null(t)
}
