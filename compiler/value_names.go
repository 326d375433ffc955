package compiler

import (
	"math/bits"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// textNumbers numbers texts that are folded.
type textNumbers struct {
	texts []string
	slots []numberSlot
	shift uint32
}

// numberSlot is empty where next is 0.
type numberSlot struct {
	tag  uint32 // of the text's hash: most other texts have another
	next int32  // number + 1
}

func newTextNumbers(texts []string) textNumbers {
	t := textNumbers{texts: texts}
	n := max(bits.Len(uint(2*len(texts))), 3)
	t.shift, t.slots = 64-uint32(n), make([]numberSlot, 1<<n)
	for i, text := range texts {
		h, _ := rawjson.HashKey(text)
		at := h >> t.shift
		for t.slots[at].next != 0 {
			at = t.after(at)
		}
		t.slots[at] = numberSlot{uint32(h), int32(i) + 1}
	}
	return t
}

func (t *textNumbers) after(at uint64) uint64 { return (at + 1) & uint64(len(t.slots)-1) }

// folded returns the number of a text that is folded, or -1.
func (t *textNumbers) folded(text []byte) int32 {
	h, _ := rawjson.HashKey(text)
	for at := h >> t.shift; ; at = t.after(at) {
		s := t.slots[at]
		if s.next == 0 || s.tag == uint32(h) && t.texts[s.next-1] == string(text) {
			return s.next - 1
		}
	}
}

// keyNames numbers the keys that routes of a set ask for, folded, and behind
// them those that tell what an event is. It is immutable; a set makes a new one
// when it has more.
type keyNames struct {
	textNumbers
	asked int // by routes
	keys  []knownKey
}

// knownKey is what is known of a key besides its folded text.
type knownKey struct {
	usual string     // as it is written most often
	form  *event.Key // nil: does not tell what an event is
}

// newKeyNames numbers keys as routes write them, no two of which are equal
// under folding.
func newKeyNames(asked []string) *keyNames {
	k := &keyNames{asked: len(asked)}
	var texts []string
	for _, key := range asked {
		texts, k.keys = append(texts, ir.Fold(key)), append(k.keys, knownKey{usual: key})
	}
	known := newTextNumbers(texts)
	for key := range event.Keys() {
		n := known.folded([]byte(key.Lower()))
		if n < 0 {
			n = int32(len(texts))
			texts, k.keys = append(texts, key.Lower()), append(k.keys, knownKey{usual: key.Usual()})
		}
		k.keys[n].form = key
	}
	k.textNumbers = newTextNumbers(texts)
	return k
}

// eventKey returns the number of a key of an event, -1 if no route asks for it,
// and its meaning for what the event is, or nil.
func eventKey[Text string | []byte](k *keyNames, key Text) (int32, *event.Key) {
	h, ascii := rawjson.HashKey(key)
	if !ascii {
		return k.wideKey(string(key))
	}
	for at := h >> k.shift; ; at = k.after(at) {
		s := k.slots[at]
		if s.next == 0 {
			return -1, nil
		}
		if n := s.next - 1; s.tag == uint32(h) {
			if x := &k.keys[n]; string(key) == x.usual || len(key) == len(k.texts[n]) && ir.FoldsTo(key, k.texts[n]) {
				return k.routes(n), x.form
			}
		}
	}
}

// wideKey is eventKey for a key that is not ASCII.
func (k *keyNames) wideKey(key string) (int32, *event.Key) {
	return k.routes(k.folded([]byte(ir.Fold(key)))), event.KeyOf(key)
}

// routes returns the number of a key if routes ask for it, or else -1.
func (k *keyNames) routes(n int32) int32 {
	if int(n) >= k.asked {
		return -1
	}
	return n
}
