package compiler

import (
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/cel-go/common/types/ref"

	"github.com/rulewright/rulewright/compiler/ir"
)

// maxMatchCost bounds the work of one rule over one event: a step is about one
// value looked at or one comparison, 15 nanoseconds at most, so that the limit is
// about a second. Events of real logs take thousands of times less.
const maxMatchCost = 1 << 26

// A subject is what leaves look at: an event or an element of a list in it. It
// belongs to one goroutine.
type subject struct {
	value  any
	cursor *cursor
	// element says whose numbers slots and memo go by: those of fields and
	// leaves on elements, or on the event.
	element bool
	slots   []*yielded // by field.slot
	used    []*yielded
	memo    []uint32 // by leaf.id: round, then 1 where it is true
	round   uint32   // the event's, even; what has another is not known
	// texts are those of all leaves, if joined. See allTexts.
	texts              []byte
	joined, textsASCII bool
}

// yield returns what a field yields. The result is the subject's own.
func (s *subject) yield(f *field) *yielded {
	if f.slot < 0 || !s.cursor.keep {
		y := new(yielded)
		f.read(s.cursor, s.value, y)
		return y
	}
	y := s.slot(f)
	if !y.done || y.hasty && !s.cursor.hasty {
		y.hasty = f.leaves && s.cursor.hasty
		// An earlier try may have been given up half-way.
		y.scalars, y.present, y.object, y.keys = y.scalars[:0], false, false, nil
		f.read(s.cursor, s.value, y)
		y.done = s.cursor.cost >= 0
	}
	return y
}

// yieldMember is yield for a field that is what one key of the event holds, of
// which m is the only member.
func (s *subject) yieldMember(f *field, m *member) *yielded {
	if f.slot < 0 || !s.cursor.keep {
		return s.yield(f)
	}
	y := s.slot(f)
	if !y.done {
		y.scalars, y.present, y.object, y.keys = y.scalars[:0], false, false, nil
		if !s.cursor.spend(2) || !s.cursor.yieldValue(m.value, y) {
			return s.yield(f)
		}
		y.done = true
	}
	return y
}

// get is cursor.get of the subject's value.
func (s *subject) get(k *routeKey) (any, bool) {
	if c := s.cursor; c.top != nil && !s.element && c.numbers(k) {
		return c.top.get(c, k)
	}
	return s.cursor.get(s.value, k)
}

// foldedForms returns the folded text forms of the scalars, each once, in their
// order; nil where there are none.
func (y *yielded) foldedForms() []string {
	var out []string
	for i := range y.scalars {
		if len(out) > maxEventKeys {
			break // one more than is looked at
		}
		if k := y.scalars[i].foldedForm(); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func (s *subject) slot(f *field) *yielded {
	if f.slot >= len(s.slots) {
		s.slots = append(s.slots, make([]*yielded, f.slot+1-len(s.slots))...)
	}
	y := s.slots[f.slot]
	if y == nil {
		y = new(yielded)
		s.slots[f.slot] = y
	}
	if !y.used {
		y.used = true
		s.used = append(s.used, y)
	}
	return y
}

// elements returns the elements of the list at a field.
func (s *subject) elements(f *field) []*subject {
	if f.slot < 0 || !s.cursor.keep {
		return s.split(f)
	}
	y := s.slot(f)
	if !y.taken {
		y.elements = s.split(f)
		y.taken = s.cursor.cost >= 0
	}
	return y.elements
}

func (s *subject) split(f *field) []*subject {
	values := s.cursor.elements(s.value, f.route)
	if len(values) == 0 {
		return nil
	}
	subjects := make([]subject, len(values))
	out := make([]*subject, len(values))
	for i, v := range values {
		subjects[i] = subject{value: v, cursor: s.cursor, element: true}
		out[i] = &subjects[i]
	}
	return out
}

// holds says whether a leaf holds, remembering the answer.
func (s *subject) holds(l *leaf) bool {
	if l.id < 0 || !s.cursor.keep {
		return l.match(s)
	}
	if s.round == 0 {
		s.round = 2
	}
	if l.id >= len(s.memo) {
		s.memo = append(s.memo, make([]uint32, l.id+1-len(s.memo))...)
	}
	if m := s.memo[l.id]; m&^1 == s.round && m != 0 {
		return m&1 != 0
	}
	ok := l.match(s)
	if s.cursor.cost >= 0 {
		s.memo[l.id] = s.round | uint32(index(ok))
	}
	return ok
}

// maxKeptScalars bounds, in elements, what is kept as room for the next event:
// by a subject, a cursor and a stream.
const maxKeptScalars = 64

// reset makes the subject ready for another event and keeps its memory.
func (s *subject) reset(v any) {
	for _, y := range s.used {
		clear(y.scalars)
		if cap(y.scalars) > maxKeptScalars {
			y.scalars = nil
		}
		*y = yielded{scalars: y.scalars[:0]}
	}
	s.value, s.used = v, s.used[:0]
	s.forgetTexts()
	if s.round += 2; s.round == 0 {
		clear(s.memo)
		s.round = 2
	}
	c := s.cursor
	c.arena.reset()
	clear(c.json)
	clear(c.decoded)
	c.forget()
	c.raw.Reset()
	if cap(c.nodes) > maxKeptScalars {
		c.nodes = nil
	}
}

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

// kept is what a subject remembers of a field besides its scalars.
type kept struct {
	used, done, taken bool
	hasty             bool // in any order
	elements          []*subject
	list              ref.Val // elements as CEL sees them
}
