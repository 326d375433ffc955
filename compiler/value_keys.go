package compiler

import (
	"reflect"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// objectIndex has the members of one object that routes may ask for. Its memory
// serves the next object again.
type objectIndex struct {
	of      any // the object, so that its address stays its own
	address uintptr
	names   *keyNames
	members []member
	slots   []int32 // by number: member + 1; 0: none
	alike   bool    // some keys differ in case only
}

type member struct {
	number int32
	next   int32 // one whose key differs in case only, or -1
	key    string
	raw    []byte // the key, of raw JSON
	value  any
}

func (m *member) is(name string) bool {
	return m.key == name && m.raw == nil || m.raw != nil && string(m.raw) == name
}

func (m *member) before(o *member) bool {
	if m.raw != nil {
		return string(m.raw) < string(o.raw)
	}
	return m.key < o.key
}

// minIndexedKeys is the size from which an object's keys are indexed.
const minIndexedKeys = 4

func (x *objectIndex) start(of any, names *keyNames, size int) {
	x.of, x.names, x.alike = of, names, false
	clear(x.members)
	x.members = x.members[:0]
	n := 8
	for n < 2*min(size, names.asked) {
		n *= 2
	}
	if cap(x.slots) < n || cap(x.slots) > 1<<12 && n < 1<<8 {
		x.slots = make([]int32, n)
		return
	}
	x.slots = x.slots[:n]
	clear(x.slots)
}

// slot returns where the members of a number are, or are to be.
func (x *objectIndex) slot(number int32) *int32 {
	mask := uint32(len(x.slots) - 1)
	for i := uint32(number) & mask; ; i = (i + 1) & mask {
		s := &x.slots[i]
		if *s == 0 || x.members[*s-1].number == number {
			return s
		}
	}
}

func (x *objectIndex) add(m member) {
	s := x.slot(m.number)
	m.next = *s - 1
	x.alike = x.alike || m.next >= 0
	x.members = append(x.members, m)
	*s = int32(len(x.members))
}

// get is cursor.get.
func (x *objectIndex) get(c *cursor, k *routeKey) (any, bool) {
	first := *x.slot(k.number) - 1
	if first < 0 {
		return nil, false
	}
	if m := &x.members[first]; m.next < 0 {
		return m.value, true
	}
	best := int32(-1)
	for i := first; i >= 0; i = x.members[i].next {
		m := &x.members[i]
		if best < 0 && m.next < 0 || m.is(k.name) {
			return m.value, true
		}
		if best < 0 || m.before(&x.members[best]) {
			best = i
		}
		c.cost--
	}
	if best < 0 {
		return nil, false
	}
	return x.members[best].value, true
}

// readMap reads an object. forms, if not nil, is told of every member.
func (x *objectIndex) readMap(o map[string]any, names *keyNames, forms *event.Detector) {
	x.start(o, names, len(o))
	for key, v := range o {
		n, form := eventKey(names, key)
		if form != nil && forms != nil {
			forms.Member(form, key, v)
		}
		if n >= 0 {
			x.add(member{number: n, key: key, value: v})
		}
	}
}

// readRaw reads an object of raw JSON; the last of several equal keys counts.
func (x *objectIndex) readRaw(c *cursor, o *rawjson.Value, names *keyNames, forms *event.Detector) {
	size := 0
	for m := o.First; m != nil; m = m.Next {
		size++
	}
	x.start(o, names, size)
	var exact map[string]int32 // of all members, where many keys differ in case only
	for m := o.First; m != nil; m = m.Next {
		key := c.rawText(m.Key, m.KeyEscaped, m.KeyWide)
		n, form := eventKey(names, key)
		if form != nil && forms != nil {
			forms.RawMember(form, key, m)
		}
		if n < 0 {
			continue
		}
		old := *x.slot(n) - 1
		for steps := 0; old >= 0 && exact == nil && string(x.members[old].raw) != string(key); steps++ {
			if old = x.members[old].next; steps == maxAlikeKeys {
				exact = make(map[string]int32, size)
				for i := range x.members {
					exact[string(x.members[i].raw)] = int32(i)
				}
			}
		}
		if exact != nil {
			i, ok := exact[string(key)]
			if old = i; !ok {
				old = -1
				exact[string(key)] = int32(len(x.members))
			}
		}
		if old >= 0 {
			x.members[old].value = m
		} else {
			x.add(member{number: n, raw: key, value: m})
		}
	}
}

// maxAlikeKeys is how many keys that differ in case only are compared one by one.
const maxAlikeKeys = 32

// index returns the index of an object, made when it is first asked for.
func (c *cursor) index(o any) *objectIndex {
	var address uintptr
	switch o := o.(type) {
	case *rawjson.Value:
		if o.Mark > 0 {
			return c.objects[o.Mark-1]
		}
		x := c.newIndex()
		x.readRaw(c, o, c.names, nil)
		o.Mark = int32(c.indexed)
		return x
	case map[string]any:
		address = reflect.ValueOf(o).Pointer()
		if c.indexed > maxListedObjects {
			if i, ok := c.byAddress[address]; ok {
				return c.objects[i]
			}
		} else {
			for _, x := range c.objects[:c.indexed] {
				if x.address == address {
					return x
				}
			}
		}
		x := c.newIndex()
		x.address = address
		x.readMap(o, c.names, nil)
		if c.indexed == maxListedObjects+1 {
			c.byAddress = map[uintptr]int{}
			for i, x := range c.objects[:c.indexed] {
				c.byAddress[x.address] = i
			}
		} else if c.indexed > maxListedObjects {
			c.byAddress[address] = c.indexed - 1
		}
		return x
	}
	panic("compiler: no object")
}

// recognise indexes an event that is an object of its own and has forms, which
// were started, say what it is; ok is false for any other.
func (c *cursor) recognise(ev any, forms *event.Detector) (src event.Source, carries, ok bool) {
	switch o := ev.(type) {
	case map[string]any:
		x := c.newIndex()
		x.address = reflect.ValueOf(o).Pointer()
		x.readMap(o, c.names, forms)
		c.top = x
	case *rawjson.Value:
		if o.Kind != rawjson.Object {
			return event.Source{}, false, true
		}
		x := c.newIndex()
		x.readRaw(c, o, c.names, forms)
		o.Mark = int32(c.indexed)
		c.top = x
	default:
		return event.Source{}, false, false
	}
	src, _, carries = forms.Found()
	return src, carries, true
}

// use has keys indexed by names; top is the event, which may be indexed already.
func (c *cursor) use(names *keyNames, top any) {
	if c.names == names {
		return
	}
	c.names = names
	if o, ok := top.(*rawjson.Value); ok {
		o.Mark = 0
	}
	c.forget()
}

// topKeys returns the index of an event; nil where it has none.
func (c *cursor) topKeys(ev any) *objectIndex {
	if c.top != nil || c.names == nil {
		return c.top
	}
	switch o := ev.(type) {
	case map[string]any:
		return c.index(o)
	case *rawjson.Value:
		if o.Kind == rawjson.Object {
			return c.index(o)
		}
	}
	return nil
}

// maxListedObjects is how many objects are searched one by one, maxKeptObjects
// how many indexes are kept for the next event.
const (
	maxListedObjects = 8
	maxKeptObjects   = 64
)

func (c *cursor) newIndex() *objectIndex {
	if c.indexed == len(c.objects) {
		c.objects = append(c.objects, &objectIndex{})
	}
	c.indexed++
	return c.objects[c.indexed-1]
}

// forget makes the indexes ready for another event.
func (c *cursor) forget() {
	for _, x := range c.objects[:c.indexed] {
		x.of, x.address = nil, 0
		clear(x.members)
		if cap(x.members) > maxKeptMembers {
			x.members = nil
		}
	}
	if len(c.objects) > maxKeptObjects {
		c.objects = c.objects[:maxKeptObjects:maxKeptObjects]
	}
	c.indexed, c.byAddress, c.top = 0, nil, nil
}

const maxKeptMembers = 256

// rawText returns what a string of raw JSON stands for.
func (c *cursor) rawText(raw []byte, escaped, wide bool) []byte {
	if rawjson.Plain(raw, escaped, wide) {
		return raw
	}
	n := len(raw)
	if wide && !utf8.Valid(raw) {
		n *= 3
	}
	return c.arena.keep(rawjson.Append(c.arena.rest(n), raw))
}
