package compiler

import (
	"slices"
	"strconv"

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

type raisedHit struct {
	hit  *Hit
	time int64
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
		x.value.hit.Repeats++
		return
	}
	e.out = append(e.out, h.hit)
	if x, ok := k.raised.entries[h.key]; ok && x.value.time > h.time {
		return
	}
	x, made := k.raised.touch(h.key)
	x.value = raisedHit{h.hit, h.time}
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

// onceKey is the key of an event, or of a correlation hit's group.
func onceKey(s *subject, by []*field) string {
	key := ""
	for _, f := range by {
		keys := keysOf(s, f)
		if len(keys) == 0 {
			keys = []string{""} // as in a group's key
		}
		slices.Sort(keys)
		k, _ := tupleKeys([][]string{{strconv.Itoa(len(keys))}})
		key += k[0]
		for _, v := range keys {
			k, _ := tupleKeys([][]string{{v}})
			key += k[0]
		}
	}
	return key
}
