package event

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/internal/rawjson"
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
	case *rawjson.Value:
		return lookupRaw(o, key)
	}
	return nil, false
}

func lookupRaw(o *rawjson.Value, key string) (any, bool) {
	if o.Kind == rawjson.String {
		return lookup(rawString(o), key)
	}
	var exact, best *rawjson.Value
	var bestKey []byte
	for m := o.First; m != nil; m = m.Next {
		name := m.Key
		if m.KeyEscaped || m.KeyWide {
			name = rawjson.Append(nil, name)
		}
		switch {
		case string(name) == key:
			exact = m
		case len(name) == len(key) && equalFold(string(name), key) && (best == nil || string(name) <= string(bestKey)):
			best, bestKey = m, name
		}
	}
	switch {
	case o.Kind != rawjson.Object:
	case exact != nil:
		return exact, true
	case best != nil:
		return best, true
	}
	return nil, false
}

func rawString(v *rawjson.Value) string {
	if rawjson.Plain(v.Text, v.Escaped, v.Wide) {
		return string(v.Text)
	}
	return string(rawjson.Append(nil, v.Text))
}

// elements returns those of a list.
func elements(v any) []any {
	switch l := v.(type) {
	case []any:
		return l
	case *rawjson.Value:
		var out []any
		if l.Kind == rawjson.List {
			for x := l.First; x != nil; x = x.Next {
				out = append(out, x)
			}
		}
		return out
	}
	return nil
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
	switch v := v.(type) {
	case map[string]any, Object:
		return true
	case *rawjson.Value:
		return v.Kind == rawjson.Object
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
	case *rawjson.Value:
		switch x.Kind {
		case rawjson.True, rawjson.False:
			return strconv.FormatBool(x.Kind == rawjson.True)
		case rawjson.Number:
			return string(x.Text)
		case rawjson.String:
			return rawString(x)
		case rawjson.Object:
			var last any
			for m := x.First; m != nil; m = m.Next {
				if string(m.Key) == "#text" || m.KeyEscaped && string(rawjson.Append(nil, m.Key)) == "#text" {
					last = m
				}
			}
			if last != nil && !isObject(last) {
				return text(last)
			}
		}
	}
	return ""
}

// blank tells the values that exports write for "this row has no such column".
// An empty list is something: the object has the property.
func blank(v any) bool {
	if x, ok := v.(*rawjson.Value); ok {
		return x.Kind == rawjson.Null || x.Kind == rawjson.String && len(x.Text) == 0
	}
	return v == nil || v == ""
}
