package compiler

import "hash/maphash"

// group is the state of one group of a correlation. Groups are in a list by the
// time of their last event, so that those that are out of their window, and the
// one to forget first, are found without a search.
type group struct {
	log          eventLog // its key with a hash and, of types that look at a window, its events
	last         int64    // time of its last event
	older, newer *group
	state        state // nil once it is forgotten
	dirty        bool
	instants
}

func (g *group) key() string { return string(g.log.key()) }

// groupTable holds the groups of a correlation. Its own hash table has the hash
// next to the group and the group its key next to its events, so that a group
// among a million is found by few loads that wait for each other.
type groupTable struct {
	slots          []groupSlot // a power of two of them; a group is in the first free one from its hash on
	n              int
	seed           maphash.Seed
	oldest, newest *group
}

type groupSlot struct {
	hash  uint32
	group *group // nil: free
}

const minGroupSlots = 8

func (t *groupTable) len() int { return t.n }

// find returns the group of a key, or nil, and the key's hash.
func (t *groupTable) find(key []byte) (*group, uint32) {
	if t.slots == nil {
		t.slots, t.seed = make([]groupSlot, minGroupSlots), maphash.MakeSeed()
	}
	hash := uint32(maphash.Bytes(t.seed, key))
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.group == nil || s.hash == hash && string(s.group.log.key()) == string(key) {
			return s.group, hash
		}
	}
}

// touch returns the group of the key as the newest, made if it was not there.
func (t *groupTable) touch(key []byte, make func() *group) (g *group, made bool) {
	g, hash := t.find(key)
	return t.renew(g, key, hash, make)
}

// renew is touch behind find, which gave the group, or nil, and the hash.
func (t *groupTable) renew(g *group, key []byte, hash uint32, make func() *group) (renewed *group, made bool) {
	if g == nil {
		g = make()
		g.log.name(key, hash)
		t.insert(g)
		return g, true
	}
	if g != t.newest {
		t.unlink(g)
		t.link(g)
	}
	return g, false
}

// insert adds a group as the newest.
func (t *groupTable) insert(g *group) {
	if t.n >= len(t.slots)-len(t.slots)/4 {
		t.resize(2 * len(t.slots))
	}
	t.place(g)
	t.n++
	t.link(g)
}

func (t *groupTable) place(g *group) {
	mask := uint32(len(t.slots) - 1)
	i := g.log.hash & mask
	for t.slots[i].group != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = groupSlot{g.log.hash, g}
}

func (t *groupTable) resize(n int) {
	old := t.slots
	t.slots = make([]groupSlot, n)
	mask := uint32(n - 1)
	for _, s := range old {
		if s.group == nil {
			continue
		}
		i := s.hash & mask
		for t.slots[i].group != nil {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

func (t *groupTable) link(g *group) {
	g.older, g.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = g
	} else {
		t.oldest = g
	}
	t.newest = g
}

func (t *groupTable) unlink(g *group) {
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		t.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		t.newest = g.older
	}
}

func (t *groupTable) remove(g *group) {
	t.unlink(g)
	g.older, g.newer = nil, nil
	mask := uint32(len(t.slots) - 1)
	i := g.log.hash & mask
	for t.slots[i].group != g {
		i = (i + 1) & mask
	}
	// Those behind it that are not in their own slot move up.
	for j := (i + 1) & mask; t.slots[j].group != nil; j = (j + 1) & mask {
		if own := t.slots[j].hash & mask; (j-own)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = groupSlot{}
	t.n--
	switch {
	case t.n == 0:
		t.slots = nil
	case len(t.slots) > minGroupSlots && t.n < len(t.slots)/8:
		t.resize(len(t.slots) / 2) // not the room of its best days
	}
}
