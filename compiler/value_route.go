package compiler

import (
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// maxValueDepth is how many lists and objects inside each other evaluation
// goes through; what lies deeper yields nothing. It is encoding/json's own
// limit, so that only values built in Go (perhaps containing themselves) meet it.
const maxValueDepth = 10_000

// A route is a path made ready to be followed.
type route []routeStep

type routeStep struct {
	key      *routeKey // nil: stays in place
	json     bool
	position int   // -1: none
	where    *leaf // what an element of a Name/Value list must meet
	plain    bool  // a key and nothing else
}

// routeKey is a key, flat and cut at its first dot.
type routeKey struct {
	name, folded string
	head, rest   *routeKey // nil without a dot
	number       int32     // in the set's keyNames, or -1
}

func newRoute(p ir.Path) (route, error) {
	p = ir.Path(nil).Join(p)
	pl := make(route, len(p))
	for i, s := range p {
		pl[i] = routeStep{json: s.JSON, position: -1}
		if s.Key != "" {
			pl[i].key = newRouteKey(s.Key)
		}
		if s.HasPosition {
			pl[i].position = s.Position
		}
		if s.Where.Key != "" {
			var err error
			if pl[i].where, err = newLeaf(&ir.Match{Field: ir.Field{Path: ir.Path{{Key: s.Where.Key}}}, Values: []ir.Value{ir.String(s.Where.Value)}}); err != nil {
				return nil, err
			}
		}
	}
	for i := range pl {
		pl[i].plain = pl[i].key != nil && !pl[i].json && pl[i].position < 0 && pl[i].where == nil
	}
	return pl, nil
}

func newRouteKey(name string) *routeKey {
	k := &routeKey{name: name, folded: ir.Fold(name), number: -1}
	if head, rest, ok := strings.Cut(name, "."); ok && rest != "" {
		k.head = &routeKey{name: head, folded: ir.Fold(head), number: -1}
		k.rest = newRouteKey(rest)
	}
	return k
}

// cursor follows places through one event. It keeps what is costly to find
// again (parsed JSON texts, objects by folded key) and counts its work.
type cursor struct {
	cost  int // steps left; negative: the limit was met and results are not whole
	keep  bool
	hasty bool // the order of what a field yields does not count
	nodes []any
	arena arena
	json  map[string]any
	raw   rawjson.Doc // of what strings of raw JSON hold
	// decoded is what strings of raw JSON hold for which raw has no room.
	decoded map[*rawjson.Value]any

	names     *keyNames // nil outside a set
	objects   []*objectIndex
	indexed   int          // of objects are in use
	top       *objectIndex // that of the event itself; nil until it is made
	byAddress map[uintptr]int
}

// spend takes n steps and reports whether the limit still holds.
func (c *cursor) spend(n int) bool {
	c.cost -= n
	return c.cost >= 0
}

// lend gives what is done beside a rule, such as the reading of keys by which a
// stream groups, a number of steps of its own. The rule goes on with those left,
// which takeBack gives back to it.
func (c *cursor) lend(steps int) (left int) {
	left, c.cost = c.cost, steps
	return left
}

// takeBack ends what lend began. It says whether those steps were enough: if
// not, the rule has none left either, so that the event is an error of it, and
// what was read is not whole and no good.
func (c *cursor) takeBack(left int) (enough bool) {
	if enough = c.cost >= 0; enough {
		c.cost = left
	}
	return enough
}

// follow appends to c.nodes what the route yields from v: values as they stand,
// lists not yet taken apart.
func (c *cursor) follow(v any, pl route, depth int) {
	if len(pl) == 0 {
		if c.spend(1) {
			c.nodes = append(c.nodes, v)
		}
		return
	}
	if pl[0].key == nil {
		c.held(v, pl, depth)
		return
	}
	c.step(v, pl[0].key, pl, depth)
}

func (c *cursor) step(v any, k *routeKey, pl route, depth int) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	switch x := plain(v).(type) {
	case []any:
		for _, el := range x {
			c.step(el, k, pl, depth+1)
		}
		return
	case *rawjson.Value:
		if x.Kind == rawjson.List {
			for el := x.First; el != nil; el = el.Next {
				c.step(el, k, pl, depth+1)
			}
			return
		}
		v = x
	default:
		v = x
	}
	if x, ok := c.get(v, k); ok {
		c.held(x, pl, depth+1)
	} else if k.rest != nil {
		if x, ok := c.get(v, k.head); ok {
			c.step(x, k.rest, pl, depth+1)
		}
	}
}

// held does with a step's value what the step asks behind its key.
func (c *cursor) held(v any, pl route, depth int) {
	if pl[0].json {
		v = c.parsed(v)
	}
	if i := pl[0].position; i >= 0 {
		switch x := plain(v).(type) {
		case nil:
			return
		case []any:
			if i >= len(x) {
				return
			}
			v = x[i]
		case *rawjson.Value:
			if x.Kind != rawjson.List {
				if i > 0 {
					return
				}
				break
			}
			el := x.First
			for ; i > 0 && el != nil; i-- {
				el = el.Next
			}
			if el == nil {
				return
			}
			v = el
		default:
			if i > 0 {
				return
			}
		}
	}
	if pl[0].where == nil {
		c.follow(v, pl[1:], depth)
		return
	}
	c.each(v, depth, func(el any) {
		if c.selects(pl[0].where, el) {
			c.follow(el, pl[1:], depth+1)
		}
	})
}

// each calls f with the elements of a list, lists in it taken apart; anything
// else is a list of one.
func (c *cursor) each(v any, depth int, f func(el any)) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	v = plain(v)
	switch x := v.(type) {
	case []any:
		for _, el := range x {
			c.each(el, depth+1, f)
		}
		return
	case *rawjson.Value:
		if x.Kind == rawjson.List {
			for el := x.First; el != nil; el = el.Next {
				c.each(el, depth+1, f)
			}
			return
		}
	}
	f(v)
}

// selects reports whether an element is an object that a selector asks for.
func (c *cursor) selects(where *leaf, el any) bool {
	if !isObject(el) {
		return false
	}
	outer := c.nodes
	c.nodes = nil
	ok := where.match(&subject{value: el, cursor: c})
	c.nodes = outer
	return ok
}

// get returns an object's value: that of the exact key, else of the first key
// in byte order that is equal under folding.
func (c *cursor) get(v any, k *routeKey) (any, bool) {
	switch o := v.(type) {
	case map[string]any:
		if c.numbers(k) && len(o) >= minIndexedKeys {
			return c.index(o).get(c, k)
		}
		if x, ok := o[k.name]; ok {
			return x, true
		}
		best, found := "", false
		for key := range o {
			if ir.FoldsTo(key, k.folded) && (!found || key < best) {
				best, found = key, true
			}
		}
		c.cost -= len(o) / 8
		if !found {
			return nil, false // there may be an empty key
		}
		return o[best], true
	case *rawjson.Value:
		if o.Kind != rawjson.Object {
			return nil, false
		}
		if c.numbers(k) {
			return c.index(o).get(c, k)
		}
		return c.search(o, k)
	case event.Object:
		if x, ok := o.Get(k.name); ok {
			return x, true
		}
		best, found := "", false
		o.Keys(func(key string) bool {
			if ir.FoldsTo(key, k.folded) && (!found || key < best) {
				best, found = key, true
			}
			return true
		})
		if !found {
			return nil, false
		}
		return o.Get(best)
	}
	return nil, false
}

// numbers says whether a key has a number that objects are indexed by.
func (c *cursor) numbers(k *routeKey) bool {
	return c.names != nil && k.number >= 0 && int(k.number) < c.names.asked
}

// search is get for an object of raw JSON without an index.
func (c *cursor) search(o *rawjson.Value, k *routeKey) (any, bool) {
	var exact, best *rawjson.Value
	var bestKey []byte
	for m := o.First; m != nil && c.spend(1); m = m.Next {
		key := c.rawText(m.Key, m.KeyEscaped, m.KeyWide)
		switch {
		case string(key) == k.name:
			exact = m
		case ir.FoldsTo(key, k.folded) && (best == nil || string(key) <= string(bestKey)):
			best, bestKey = m, key
		}
	}
	switch {
	case exact != nil:
		return exact, true
	case best != nil:
		return best, true
	}
	return nil, false
}

// parsed returns the object or list that a JSON text holds; any other value as
// it is.
func (c *cursor) parsed(v any) any {
	p := plain(v)
	if x, ok := p.(*rawjson.Value); ok {
		return c.parsedRaw(x)
	}
	s, ok := p.(string)
	if !ok || !mayBeJSON(s) {
		return v
	}
	if x, ok := c.json[s]; ok {
		return x
	}
	if !c.spend(len(s) / bytesAStep) {
		return v
	}
	x, err := decodeJSON([]byte(s))
	if err != nil {
		x = v
	}
	if c.keep {
		if c.json == nil {
			c.json = map[string]any{}
		}
		c.json[s] = x
	}
	return x
}

// parsedRaw is parsed for raw JSON.
func (c *cursor) parsedRaw(v *rawjson.Value) any {
	if v.Kind != rawjson.String {
		return v
	}
	if v.Inner == nil {
		if x, ok := c.decoded[v]; ok {
			return x
		}
		text := c.rawText(v.Text, v.Escaped, v.Wide)
		if mayBeJSON(text) {
			if !c.spend(len(text) / bytesAStep) {
				return v
			}
			if v.Inner = c.raw.Parse(text); v.Inner == nil && c.raw.Full() {
				return c.decode(v, text)
			}
		}
		if v.Inner == nil {
			v.Inner = v
		}
	}
	return plain(v.Inner)
}

// decode is parsedRaw for a text of too many values to be looked at where it
// stands.
func (c *cursor) decode(v *rawjson.Value, text []byte) any {
	x, err := decodeJSON(text)
	if err != nil {
		v.Inner = v
		return v
	}
	if c.keep {
		if c.decoded == nil {
			c.decoded = map[*rawjson.Value]any{}
		}
		c.decoded[v] = x
	}
	return x
}
