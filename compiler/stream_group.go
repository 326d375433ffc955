package compiler

import (
	"math/rand/v2"

	"github.com/rulewright/rulewright/compiler/ir"
)

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

// groupTable holds the groups of a correlation. Its own hash table has the hashes
// apart from the groups, and a group its key next to its events, so that a group
// among a million is found by few loads that wait for each other, of which the
// first are of few bytes for each group.
type groupTable struct {
	hashes         []uint32 // a power of two of them; 0: free. A group is in the first free place from its hash on
	groups         []*group // by the same places
	n              int
	secrets        [2]uint64
	oldest, newest *group
}

const minGroupSlots = 8

func (t *groupTable) len() int { return t.n }

// tableHash cuts a hash to what a table keeps of it, which is never 0.
func tableHash(h uint64) uint32 { return max(uint32(h), 1) }

// find returns the group of a key, or nil, and the key's hash.
func (t *groupTable) find(key []byte) (*group, uint32) {
	if t.groups == nil {
		t.hashes, t.groups = make([]uint32, minGroupSlots), make([]*group, minGroupSlots)
		t.secrets = [2]uint64{rand.Uint64(), rand.Uint64() | 1}
	}
	hash := tableHash(ir.HashASCII(&t.secrets, hashedOf(key)))
	for i := t.first(hash); t.hashes[i] != 0; i = t.after(i) {
		if g := t.groups[i]; t.hashes[i] == hash && string(g.log.key()) == string(key) {
			return g, hash
		}
	}
	return nil, hash
}

// hashedOf returns the only part of a key, and the whole key if it has several:
// behind the first length there can be what many keys have in common.
func hashedOf(key []byte) []byte {
	n := 0
	for i, c := range key {
		switch {
		case '0' <= c && c <= '9':
			n = n*10 + int(c-'0')
		case c == ':' && n == len(key)-i-1:
			return key[i+1:]
		default:
			return key
		}
	}
	return key
}

// findText is find for the key whose only part is a text, which is not folded
// yet. It finds a group only if the text is short, as isShort says, and mostly
// if it is ASCII.
func (t *groupTable) findText(text string) *group {
	if t.n == 0 || !isShort(text) {
		return nil
	}
	hash := tableHash(ir.HashASCII(&t.secrets, text))
	for i := t.first(hash); t.hashes[i] != 0; i = t.after(i) {
		if t.hashes[i] == hash && t.groups[i].isOf(text) {
			return t.groups[i]
		}
	}
	return nil
}

// first returns where a group of a hash is looked for first.
func (t *groupTable) first(hash uint32) uint32 { return hash & uint32(len(t.hashes)-1) }

func (t *groupTable) after(i uint32) uint32 { return (i + 1) & uint32(len(t.hashes)-1) }

// isOf says whether the only part of the group's key is a short text.
func (g *group) isOf(text string) bool {
	key := g.log.key()
	return len(key) == shortKeyHead+len(text) && ir.FoldsTo(text, key[shortKeyHead:])
}

// touch returns the group of the key as the newest, made if it was not there.
func (t *groupTable) touch(key []byte, make func() *group) (g *group, made bool) {
	g, hash := t.find(key)
	if g == nil {
		g = make()
		g.log.name(key, hash)
		t.insert(g)
		return g, true
	}
	t.renew(g)
	return g, false
}

// renew makes a group the newest.
func (t *groupTable) renew(g *group) {
	if g != t.newest {
		t.unlink(g)
		t.link(g)
	}
}

// insert adds a group as the newest.
func (t *groupTable) insert(g *group) {
	if t.n >= len(t.groups)-len(t.groups)/4 {
		t.resize(2 * len(t.groups))
	}
	t.place(g.log.hash, g)
	t.n++
	t.link(g)
}

func (t *groupTable) place(hash uint32, g *group) {
	i := t.first(hash)
	for t.hashes[i] != 0 {
		i = t.after(i)
	}
	t.hashes[i], t.groups[i] = hash, g
}

func (t *groupTable) resize(n int) {
	hashes, groups := t.hashes, t.groups
	t.hashes, t.groups = make([]uint32, n), make([]*group, n)
	for i, hash := range hashes {
		if hash != 0 {
			t.place(hash, groups[i])
		}
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
	mask := uint32(len(t.groups) - 1)
	i := t.first(g.log.hash)
	for t.groups[i] != g {
		i = t.after(i)
	}
	// Those behind it that are not in their own place move up.
	for j := t.after(i); t.hashes[j] != 0; j = t.after(j) {
		if own := t.first(t.hashes[j]); (j-own)&mask >= (j-i)&mask {
			t.hashes[i], t.groups[i] = t.hashes[j], t.groups[j]
			i = j
		}
	}
	t.hashes[i], t.groups[i] = 0, nil
	t.n--
	switch {
	case t.n == 0:
		t.hashes, t.groups = nil, nil
	case len(t.groups) > minGroupSlots && t.n < len(t.groups)/8:
		t.resize(len(t.groups) / 2) // not the room of its best days
	}
}
