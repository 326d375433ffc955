package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"weak"

	"github.com/rulewright/rulewright/compiler/ir"
)

// heldHit is a hit of a rule with once.
type heldHit struct {
	hit  *Hit
	key  string
	time int64
	once *onceKeeper
	rule *ir.Rule // of the hit, on a single event
}

// onceKeeper remembers the raised hits of a rule with once.
type onceKeeper struct {
	e      *engine
	info   *RuleInfo
	rules  []*ir.Rule // of one document, one for each source
	span   int64
	raised aged[raisedHit]
}

// raisedHit is what is remembered of a hit. The hit itself, with its event, is
// its caller's, who has its repeats as long as it is somebody's.
type raisedHit struct {
	hit     weak.Pointer[Hit]
	repeats int
	time    int64
}

func (x *raisedHit) repeat() {
	x.repeats++
	if h := x.hit.Value(); h != nil {
		h.Repeats = x.repeats
	}
}

func (e *engine) keeper(info *RuleInfo, o *ir.Once) *onceKeeper {
	k := &onceKeeper{e: e, info: info, span: clampSpan(o.For)}
	e.onces = append(e.onces, k)
	return k
}

// raiseOnce returns a hit, or counts it on the one with its key before. A late
// one may be before that; what the watermark has left behind by more than the
// time of once it meets no more, as that may be forgotten.
func (e *engine) raiseOnce(h heldHit, late bool) {
	k := h.once
	if x, ok := k.raised.entries[h.key]; ok && h.time-x.value.time <= k.span && x.value.time-h.time <= k.span && (!late || x.value.time >= e.mark-k.span) {
		x.value.repeat()
		return
	}
	e.out = append(e.out, h.hit)
	if x, ok := k.raised.entries[h.key]; ok && x.value.time > h.time {
		return
	}
	x, made := k.raised.touch(h.key)
	x.value = raisedHit{hit: weak.Make(h.hit), repeats: h.hit.Repeats, time: h.time}
	if made && k.raised.len() > e.opts.MaxGroups {
		k.raised.remove(k.raised.oldest)
		e.evicted(k.info)
	}
}

// evicted counts what is forgotten for want of room.
func (e *engine) evicted(rule *RuleInfo) {
	if e.stats.EvictedGroups++; e.metrics != nil {
		e.metrics.Evicted(rule)
	}
}

func (k *onceKeeper) expire(mark int64) {
	for x := k.raised.oldest; x != nil && x.value.time < mark-k.span; x = k.raised.oldest {
		k.raised.remove(x)
	}
}

// maxOnceKeyBytes bounds a key of once. Of what is longer a hash is kept.
const maxOnceKeyBytes = 16 << 10

// longOnceKey stands where other keys have how many values the first field has.
const longOnceKey = "long"

// onceKey is the key of an event, or of a correlation hit's group: of each field
// how many values there are, and these in order.
func onceKey(s *subject, by []*field) string {
	var key []byte
	add := func(part string) { key = append(appendKeyLength(key, len(part)), part...) }
	for _, f := range by {
		keys := allKeysOf(s, f)
		if len(keys) == 0 {
			keys = []string{""} // as in a group's key
		}
		slices.Sort(keys)
		add(strconv.Itoa(len(keys)))
		for _, v := range keys {
			add(v)
		}
	}
	if len(key) > maxOnceKeyBytes {
		sum, first := sha256.Sum256(key), keyParts(string(key))[1] // see onceDivisionKey
		key = nil
		add(longOnceKey)
		add(first)
		add(hex.EncodeToString(sum[:]))
	}
	return string(key)
}

// onceKeyOf is onceKey with steps of its own; ok is false where it takes more.
// They do not depend on what other events cost, which a Router and a Stream may
// have seen others of.
func (rs *RuleSet) onceKeyOf(s *subject, by []*field) (key string, ok bool) {
	left := s.cursor.lend(rs.maxCost)
	key = onceKey(s, by)
	return key, s.cursor.takeBack(left)
}

// allKeysOf is keysOf of all values that a field yields, however many.
func allKeysOf(s *subject, f *field) (keys []string) {
	y := s.yield(f)
	if len(y.scalars) <= maxEventKeys {
		return slices.Clone(keysOf(s, f))
	}
	seen := make(map[string]bool, len(y.scalars))
	for i := range y.scalars {
		if k := shortText(y.scalars[i].foldedForm(), maxKeyBytes); !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}
