package compiler

import (
	"math/bits"
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

// groupTable holds the groups of a correlation. Its own hash table has a byte of
// each group's hash apart from the groups, and a group its key next to its events,
// so that a group among a million is found by few loads that wait for each other,
// of which the first is of few bytes for each group.
type groupTable struct {
	// tags are eight to a bucket; a group is in the first bucket from that of its
	// hash on that had a place for it.
	tags           []uint64
	groups         []*group // by place, eight to a bucket
	n              int
	used           int // places that are not free: also those whose group is gone
	secrets        [2]uint64
	oldest, newest *group
}

// A tag of a group has the high bit.
const (
	freeTag = 0
	goneTag = 1 // a search goes on behind it

	bucketPlaces = 8
	eachHighBit  = 0x80 * eachByte
)

func (t *groupTable) len() int { return t.n }

// tagOf is what a hash leaves in tags. Buckets go by the other end of it.
func tagOf(hash uint32) uint64 { return 0x80 | uint64(hash>>25) }

// tagged returns the high bits of those of a bucket's tags that are the one of a
// group. Sometimes there is one too many, of another group.
func tagged(tags, tag uint64) uint64 {
	x := tags ^ tag*eachByte
	return (x - eachByte) &^ x & eachHighBit & tags
}

// hasFree says whether one of a bucket's places is free.
func hasFree(tags uint64) bool { return ^(tags|tags<<7)&eachHighBit != 0 }

// groupPlace is the place in a bucket of the lowest of some high bits of tags.
func groupPlace(bucket uint32, bits8 uint64) int {
	return int(bucket)*bucketPlaces + bits.TrailingZeros64(bits8)/8
}

// first returns the bucket in which a group of a hash is looked for first.
func (t *groupTable) first(hash uint32) uint32 { return hash & uint32(len(t.tags)-1) }

func (t *groupTable) after(bucket uint32) uint32 { return (bucket + 1) & uint32(len(t.tags)-1) }

// find returns the group of a key, or nil, and the key's hash.
func (t *groupTable) find(key []byte) (*group, uint32) {
	if t.groups == nil {
		t.tags, t.groups = make([]uint64, 1), make([]*group, bucketPlaces)
		t.secrets = [2]uint64{rand.Uint64(), rand.Uint64() | 1}
	}
	hash := uint32(ir.HashASCII(&t.secrets, hashedOf(key)))
	for b := t.first(hash); ; b = t.after(b) {
		tags := t.tags[b]
		for m := tagged(tags, tagOf(hash)); m != 0; m &= m - 1 {
			if g := t.groups[groupPlace(b, m)]; g.log.hash == hash && string(g.log.key()) == string(key) {
				return g, hash
			}
		}
		if hasFree(tags) {
			return nil, hash
		}
	}
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
	hash := uint32(ir.HashASCII(&t.secrets, text))
	for b := t.first(hash); ; b = t.after(b) {
		tags := t.tags[b]
		for m := tagged(tags, tagOf(hash)); m != 0; m &= m - 1 {
			if g := t.groups[groupPlace(b, m)]; g.isOf(text) {
				return g
			}
		}
		if hasFree(tags) {
			return nil
		}
	}
}

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
	if size := len(t.groups); t.used >= size-size/8 {
		if t.n > size/2 {
			size *= 2
		}
		t.resize(size)
	}
	t.place(g)
	t.n++
	t.link(g)
}

func (t *groupTable) place(g *group) {
	b := t.first(g.log.hash)
	for t.tags[b]&eachHighBit == eachHighBit {
		b = t.after(b)
	}
	i := groupPlace(b, ^t.tags[b]&eachHighBit)
	if t.tags[b]>>(i%bucketPlaces*8)&0xff == freeTag {
		t.used++
	}
	t.groups[i] = g
	t.setTag(i, tagOf(g.log.hash))
}

func (t *groupTable) setTag(i int, tag uint64) {
	shift, word := i%bucketPlaces*8, &t.tags[i/bucketPlaces]
	*word = *word&^(0xff<<shift) | tag<<shift
}

// resize leaves no place to a group that is gone.
func (t *groupTable) resize(places int) {
	groups := t.groups
	t.tags, t.groups, t.used = make([]uint64, places/bucketPlaces), make([]*group, places), 0
	for _, g := range groups {
		if g != nil {
			t.place(g)
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
	i := t.whereIs(g)
	if t.groups[i] = nil; hasFree(t.tags[i/bucketPlaces]) {
		t.setTag(i, freeTag) // no search went on from here
		t.used--
	} else {
		t.setTag(i, goneTag)
	}
	t.n--
	switch {
	case t.n == 0:
		t.tags, t.groups, t.used = nil, nil, 0
	case len(t.groups) > bucketPlaces && t.n < len(t.groups)/8:
		t.resize(len(t.groups) / 2) // not the room of its best days
	}
}

// whereIs returns the place of a group that is there.
func (t *groupTable) whereIs(g *group) int {
	for b := t.first(g.log.hash); ; b = t.after(b) {
		for m := tagged(t.tags[b], tagOf(g.log.hash)); m != 0; m &= m - 1 {
			if i := groupPlace(b, m); t.groups[i] == g {
				return i
			}
		}
	}
}
