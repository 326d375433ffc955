package compiler

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// yielded is what a field yields from one event or element.
type yielded struct {
	scalars []scalar
	present bool     // the key is there, whatever it holds
	object  bool     // an object is among it
	keys    []string // see keysOf; nil until asked
	kept
}

// yield reads the scalars at a route.
func (c *cursor) yield(v any, pl route, y *yielded) {
	if len(pl) == 1 && pl[0].plain && isObject(v) && c.spend(2) {
		// The common case of what follows: one key that holds a scalar.
		x, ok := c.get(v, pl[0].key)
		if !ok && pl[0].key.rest == nil || ok && c.yieldValue(x, y) {
			return
		}
	}
	c.nodes = c.nodes[:0]
	c.follow(v, pl, 0)
	y.present = len(c.nodes) > 0
	for _, n := range c.nodes {
		c.each(n, 0, func(el any) {
			switch {
			case el == nil:
			case isObject(el):
				y.object = true
			default:
				y.scalars = append(y.scalars, c.scalar(el))
			}
		})
	}
	clear(c.nodes)
}

// yieldValue is yield for what one key holds; it reports false, and yields
// nothing, where that may be more than one scalar.
func (c *cursor) yieldValue(x any, y *yielded) bool {
	switch x := x.(type) {
	case nil:
	case string, float64, bool:
		y.scalars = append(y.scalars, toScalar(x))
	case json.Number:
		y.scalars = append(y.scalars, c.scalar(x))
	case *rawjson.Value:
		if x.Kind != rawjson.String && x.Kind != rawjson.Number {
			return false
		}
		y.scalars = append(y.scalars, c.scalar(x))
	default:
		return false
	}
	y.present = true
	return true
}

// leaves reads every scalar leaf, objects' keys in byte order.
func (c *cursor) leaves(v any, y *yielded, depth int) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	switch v := plain(v).(type) {
	case nil:
	case []any:
		for _, el := range v {
			c.leaves(el, y, depth+1)
		}
	case map[string]any:
		if c.hasty {
			for _, x := range v {
				c.leaves(x, y, depth+1)
			}
			return
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			c.leaves(v[k], y, depth+1)
		}
	case *rawjson.Value:
		switch v.Kind {
		case rawjson.List:
			for el := v.First; el != nil; el = el.Next {
				c.leaves(el, y, depth+1)
			}
		case rawjson.Object:
			if c.hasty {
				c.members(v, func(m *rawjson.Value) { c.leaves(m, y, depth+1) })
				return
			}
			type keyed struct {
				key []byte
				m   *rawjson.Value
			}
			var all []keyed
			c.members(v, func(m *rawjson.Value) {
				all = append(all, keyed{c.rawText(m.Key, m.KeyEscaped, m.KeyWide), m})
			})
			slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
			for _, x := range all {
				c.leaves(x.m, y, depth+1)
			}
		default:
			y.scalars = append(y.scalars, c.scalar(v))
		}
	case event.Object:
		var keys []string
		v.Keys(func(k string) bool {
			keys = append(keys, k)
			return c.spend(1)
		})
		slices.Sort(keys)
		for _, k := range keys {
			x, _ := v.Get(k)
			c.leaves(x, y, depth+1)
		}
	default:
		y.scalars = append(y.scalars, c.scalar(v))
	}
}

// members calls f with the members of an object of raw JSON, of those with
// equal keys with the last.
func (c *cursor) members(o *rawjson.Value, f func(m *rawjson.Value)) {
	n := 0
	for m := o.First; m != nil; m = m.Next {
		n++
	}
	if n <= maxComparedKeys {
		for m := o.First; m != nil; m = m.Next {
			again := false
			for x := m.Next; x != nil && !again; x = x.Next {
				again = len(x.Key) == len(m.Key) && string(x.Key) == string(m.Key)
				if x.KeyEscaped || m.KeyEscaped || x.KeyWide && m.KeyWide {
					again = string(c.rawText(x.Key, x.KeyEscaped, x.KeyWide)) == string(c.rawText(m.Key, m.KeyEscaped, m.KeyWide))
				}
			}
			if !again {
				f(m)
			}
		}
		return
	}
	last := make(map[string]*rawjson.Value, n)
	for m := o.First; m != nil; m = m.Next {
		last[string(c.rawText(m.Key, m.KeyEscaped, m.KeyWide))] = m
	}
	for m := o.First; m != nil; m = m.Next {
		if last[string(c.rawText(m.Key, m.KeyEscaped, m.KeyWide))] == m {
			f(m)
		}
	}
}

// maxComparedKeys is the number of an object's keys up to which each is
// compared with each.
const maxComparedKeys = 64

// elements returns the elements of the list at a route.
func (c *cursor) elements(v any, pl route) []any {
	c.nodes = c.nodes[:0]
	c.follow(v, pl, 0)
	var els []any
	for _, n := range c.nodes {
		if plain(n) == nil {
			continue
		}
		c.each(n, 0, func(el any) { els = append(els, el) })
	}
	clear(c.nodes)
	return els
}
