package compiler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A table finds what was put in and not removed, by the key and, of one short
// part, by its text in any case; groups stand in the order of their renewal.
func TestGroupTable(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		var table groupTable
		var order []string // of keys, the oldest first
		groups := map[string]*group{}
		for range 4000 {
			text := fmt.Sprintf("user%d@contoso.com", r.IntN(1+r.IntN(600)))
			if r.IntN(8) == 0 {
				text = text[:r.IntN(9)]
			}
			key := string(appendKeyPart(nil, []byte(text)))
			if r.IntN(8) == 0 {
				key += "1:x"
			}
			was := groups[key]
			if g, _ := table.find([]byte(key)); g != was {
				t.Fatalf("%q: %p, not %p", key, g, was)
			}
			if g := table.findText(strings.ToUpper(text)); isShort(text) && g != groups[string(appendKeyPart(nil, []byte(text)))] {
				t.Fatalf("%q: %p", text, g)
			}
			order = slices.DeleteFunc(order, func(k string) bool { return k == key })
			if was != nil && r.IntN(3) > 0 {
				table.remove(was)
				delete(groups, key)
				continue
			}
			g, made := table.touch([]byte(key), newCount)
			if made != (was == nil) || !made && g != was {
				t.Fatalf("%q: made %v", key, made)
			}
			groups[key], order = g, append(order, key)
		}
		g := table.oldest
		for _, key := range order {
			if g.key() != key {
				t.Fatalf("%q, not %q", g.key(), key)
			}
			g = g.newer
		}
		if g != nil || table.len() != len(order) {
			t.Fatalf("%d groups, %d left", table.len(), len(order))
		}
	}
}

// Who writes two of an event's fields cannot make many keys of one hash: here all
// have the same text behind the first length.
func TestGroupTableIsNotFlooded(t *testing.T) {
	const size = 4090
	text := ""
	for len(text) < size-5 {
		left := size - len(text)
		text += fmt.Sprintf("%d:", left-len(strconv.Itoa(left))-1)
	}
	text += strings.Repeat("x", size-len(text))
	var table groupTable
	hashes := map[uint32]int{}
	for n := range size {
		key := fmt.Sprintf("%d:%s", n, text)
		if len(keyParts(key)) != 2 {
			continue
		}
		g, _ := table.touch([]byte(key), newCount)
		if hashes[g.log.hash]++; hashes[g.log.hash] > 4 {
			t.Fatalf("%d groups of one hash", hashes[g.log.hash])
		}
	}
	if table.len() < 500 {
		t.Errorf("%d keys are few", table.len())
	}
}

// Groups that come and go leave a table as large as those that are there want it.
func TestGroupTableChurn(t *testing.T) {
	var table groupTable
	const live = 1000
	for n := range 100 * live {
		key := appendKeyPart(nil, fmt.Appendf(nil, "user%08d@contoso.com", n))
		if _, made := table.touch(key, newCount); !made {
			t.Fatalf("%q was there", key)
		}
		if table.len() > live {
			table.remove(table.oldest)
		}
		if len(table.groups) > 4*live {
			t.Fatalf("%d places for %d groups after %d", len(table.groups), table.len(), n)
		}
	}
	for g := table.oldest; g != nil; g = g.newer {
		if found, _ := table.find(g.log.key()); found != g {
			t.Errorf("%q is lost", g.key())
		}
	}
	for table.len() > 0 {
		table.remove(table.newest)
	}
	if table.groups != nil || table.oldest != nil {
		t.Error("an empty table holds memory")
	}
}
