package compiler

import "github.com/rulewright/rulewright/compiler/ir"

// PushKey is Push for an event that came under one of its keys, as a Router
// says: what belongs to other keys is left to those who have them. A stream
// that takes events by key has the hits that a stream of all events would have
// of these keys; each key must come to one stream only. Its watermark is that
// of its own events, so that it takes some for in time that are late
// elsewhere; Advance tells it of time that passed without an event of its own.
func (st *Stream) PushKey(key string, ev any) (hits []*Hit, err error) {
	if !st.engine.divided {
		st.engine.divided = true
		parts := dividingParts(st.rs.correlations)
		for _, c := range st.engine.corrs {
			c.part = parts[c.rule]
		}
	}
	st.keyed, st.key = true, key
	defer func() { st.keyed, st.key = false, "" }()
	return st.Push(ev)
}

// ownHit says whether the hit of a rule on the event alone belongs to the key
// that the event came under.
func (st *Stream) ownHit(role *role, rule *ir.Rule, s *subject, in *incoming) bool {
	if rule.Once != nil && role != nil && role.once != nil {
		if key, ok := st.rs.onceKeyOf(s, role.once.by); ok {
			return onceDivisionKey(key) == st.key
		}
	}
	in.identify()
	return in.divisionKey() == st.key
}

// ownGroups leaves of an event's groups those that belong to the key that it
// came under.
func (st *Stream) ownGroups(c *correlator, groups texts) texts {
	var own texts
	for g := range groups.all() {
		if divisionKey(string(g), c.part) == st.key {
			own = own.append(g)
		}
	}
	return own
}
