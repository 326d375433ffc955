package compiler

import (
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A leafSet lets the rules of a set share fields and leaves, so that what one
// rule found out about an event serves the others. Safe for concurrent use.
type leafSet struct {
	mu     sync.Mutex
	fields [2]map[string]*field   // on the event, on an element; by spec
	leaves [2]map[matchHash]*leaf // likewise; by text
	known  sync.Map               // knownMatch to *leaf: what was looked up before

	keys      map[string]int32 // folded keys of routes, numbered
	keyNames  []string         // as the first route writes them
	published atomic.Pointer[keyNames]
}

// matchHash is a hash of a match's text, which may be long.
type matchHash [sha256.Size]byte

type knownMatch struct {
	match   *ir.Match
	element bool
}

func newLeafSet() *leafSet {
	set := &leafSet{keys: map[string]int32{}}
	set.published.Store(newKeyNames(nil))
	for i := range set.fields {
		set.fields[i], set.leaves[i] = map[string]*field{}, map[matchHash]*leaf{}
	}
	return set
}

// field returns the set's field of this meaning. A nil set makes a new one.
func (set *leafSet) field(f ir.Field, element bool) (*field, error) {
	if set == nil {
		return newField(f)
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	return set.lockedField(f, element)
}

func (set *leafSet) lockedField(f ir.Field, element bool) (*field, error) {
	fields := set.fields[index(element)]
	spec := f.Spec()
	if x, ok := fields[spec]; ok {
		return x, nil
	}
	x, err := newField(f)
	if err != nil {
		return nil, err
	}
	x.slot = len(fields)
	fields[spec] = x
	set.number(x.route)
	return x, nil
}

// number gives the keys of a route their numbers.
func (set *leafSet) number(r route) {
	for i := range r {
		if r[i].key != nil {
			set.numberKey(r[i].key)
		}
		if r[i].where != nil {
			set.number(r[i].where.field.route)
		}
	}
}

func (set *leafSet) numberKey(k *routeKey) {
	n, ok := set.keys[k.folded]
	if !ok {
		n = int32(len(set.keyNames))
		set.keys[k.folded] = n
		set.keyNames = append(set.keyNames, k.name)
	}
	k.number = n
	if k.rest != nil {
		set.numberKey(k.head)
		set.numberKey(k.rest)
	}
}

// publish makes the fields of some predicates ready and has events' objects
// indexed by the keys that they ask for.
func (set *leafSet) publish(predicates []ir.Expr) error {
	set.mu.Lock()
	defer set.mu.Unlock()
	var failed error
	add := func(f ir.Field, element bool) {
		if _, err := set.lockedField(f, element); err != nil && failed == nil {
			failed = err
		}
	}
	var walk func(e ir.Expr, element bool)
	walk = func(e ir.Expr, element bool) {
		switch e := e.(type) {
		case *ir.And:
			for _, x := range e.X {
				walk(x, element)
			}
		case *ir.Or:
			for _, x := range e.X {
				walk(x, element)
			}
		case *ir.Not:
			walk(e.X, element)
		case ir.Const:
		case *ir.Selection:
			walk(e.X, element)
		case *ir.Any:
			add(e.Over, element)
			walk(e.X, true)
		case *ir.Match:
			add(e.Field, element)
			for _, v := range e.Values {
				if ref, ok := v.(ir.FieldRef); ok {
					add(ref.Field, element)
				}
			}
		default:
			panic("compiler: unknown node")
		}
	}
	for _, e := range predicates {
		walk(e, false)
	}
	set.published.Store(newKeyNames(slices.Clip(set.keyNames)))
	return failed
}

// chained returns the set's field of what the last of some fields yields from
// the elements of the list at the one before it, and so on.
func (set *leafSet) chained(name string, fields []ir.Field) (*field, error) {
	last := fields[len(fields)-1]
	if len(fields) == 1 {
		return set.field(last, false)
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	if x, ok := set.fields[0][name]; ok {
		return x, nil
	}
	x, err := newField(last)
	if err != nil {
		return nil, err
	}
	var whole route
	for _, f := range fields {
		part, err := newRoute(f.Path)
		if err != nil {
			return nil, err
		}
		whole = append(whole, part...)
	}
	x.route = whole
	x.slot = len(set.fields[0])
	set.fields[0][name] = x
	set.number(x.route)
	return x, nil
}

// leafOf is leaf for a match of a rule's tree, which lives as long as the set.
func (set *leafSet) leafOf(m *ir.Match, element bool) (*leaf, error) {
	k := knownMatch{m, element}
	if l, ok := set.known.Load(k); ok {
		return l.(*leaf), nil
	}
	l, err := set.leaf(m, element)
	if err == nil {
		set.known.Store(k, l)
	}
	return l, err
}

// leaf returns the set's leaf of this meaning. A nil set makes a new one.
func (set *leafSet) leaf(m *ir.Match, element bool) (*leaf, error) {
	if set == nil {
		return newLeaf(m)
	}
	text := matchHash(sha256.Sum256([]byte(ir.Print(m))))
	set.mu.Lock()
	defer set.mu.Unlock()
	leaves := set.leaves[index(element)]
	if l, ok := leaves[text]; ok {
		return l, nil
	}
	l, err := newLeaf(m)
	if err != nil {
		return nil, err
	}
	if l.field, err = set.lockedField(m.Field, element); err != nil {
		return nil, err
	}
	n := 0
	for _, v := range m.Values {
		if ref, ok := v.(ir.FieldRef); ok {
			if l.refs[n], err = set.lockedField(ref.Field, element); err != nil {
				return nil, err
			}
			n++
		}
	}
	l.id = len(leaves)
	leaves[text] = l
	return l, nil
}
