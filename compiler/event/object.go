package event

import (
	"encoding/json"
	"strconv"
	"strings"
)

// lookup returns what an object holds under key: the exact key, else the first
// in byte order of those that differ only in case. A string that is a JSON
// object counts as that object, as exporters write nested columns either way.
func lookup(v any, key string) (any, bool) {
	switch o := v.(type) {
	case map[string]any:
		if x, ok := o[key]; ok {
			return x, true
		}
		best := ""
		for k := range o {
			if equalFold(k, key) && (best == "" || k < best) {
				best = k
			}
		}
		if best == "" {
			return nil, false
		}
		return o[best], true
	case Object:
		if x, ok := o.Get(key); ok {
			return x, true
		}
		best := ""
		o.Keys(func(k string) bool {
			if equalFold(k, key) && (best == "" || k < best) {
				best = k
			}
			return true
		})
		if best == "" {
			return nil, false
		}
		return o.Get(best)
	case string:
		if inner, ok := objectIn(o); ok {
			return lookup(inner, key)
		}
	}
	return nil, false
}

// lookupPath follows keys from v down. It does not step into lists.
func lookupPath(v any, path []string) (any, bool) {
	for _, key := range path {
		var ok bool
		if v, ok = lookup(v, key); !ok {
			return nil, false
		}
	}
	return v, true
}

// objectIn parses a string that holds a JSON object.
func objectIn(s string) (map[string]any, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != '{' || len(s) > MaxRecordBytes {
		return nil, false
	}
	v, err := decodeRecord([]byte(s))
	if err != nil {
		return nil, false
	}
	o, ok := v.(map[string]any)
	return o, ok
}

// equalFold compares keys, ASCII letters of either case being equal.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

func isObject(v any) bool {
	switch v.(type) {
	case map[string]any, Object:
		return true
	}
	return false
}

// text is the text of a scalar, also of one that an XML converter wrapped as
// {"#text": …, attributes}. Anything else has none.
func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case int:
		return strconv.Itoa(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case map[string]any:
		if t, ok := x["#text"]; ok && !isObject(t) {
			return text(t)
		}
	case Object:
		if t, ok := x.Get("#text"); ok && !isObject(t) {
			return text(t)
		}
	}
	return ""
}

// blank tells the values that exports write for "this row has no such column".
// An empty list is something: the object has the property.
func blank(v any) bool { return v == nil || v == "" }
