package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A Router tells by which keys the events of a partitioned log are to be
// distributed, so that several processes each own a part of the groups: those
// who publish an event under each of its keys may be sure that all events of
// one group, and of the groups that are built on it, come to the partition of
// one key. There a Stream takes them by PushKey. A Router is safe for
// concurrent use.
type Router struct {
	rs     *RuleSet
	routes map[*ir.Rule]*keyRoute
	parts  map[*ir.Rule]int
}

// keyRoute is where the events of a rule, of one source, belong.
type keyRoute struct {
	taps []keyTap
	once []*field // of a rule with once that has hits of its own
	own  bool     // it has hits of its own without once
}

type keyTap struct {
	groupBy []*field
	part    int
}

// wholeKey is the key of what cannot be divided.
const wholeKey = ""

// Partition is a field whose values are keys, with the rules whose state is
// divided by it.
type Partition struct {
	// By is the field, as the rules' group-by or once names it; "" for rules
	// that cannot be divided. Their key is "", and one process does all of
	// their work.
	By    string
	Rules []*RuleInfo
}

// NewRouter makes a router for the rules of a set. Those who route and those
// who push must use sets in which the same rules mean the same.
func NewRouter(rs *RuleSet) *Router {
	r := &Router{rs: rs, routes: map[*ir.Rule]*keyRoute{}, parts: dividingParts(rs.correlations)}
	route := func(rule *ir.Rule) *keyRoute {
		if r.routes[rule] == nil {
			r.routes[rule] = &keyRoute{}
		}
		return r.routes[rule]
	}
	for _, c := range rs.correlations {
		for _, in := range c.Correlation.Inputs {
			for _, t := range in.Taps {
				// Fields that cannot be read disable the correlation in streams, too.
				if by, err := newFields(rs.leaves, t.GroupBy); err == nil && t.Rule.When != nil {
					x := route(t.Rule)
					x.taps = append(x.taps, keyTap{by, r.parts[c]})
				}
			}
		}
	}
	for _, l := range rs.rules {
		for _, p := range l.programs {
			if p.quiet {
				continue
			}
			if p.rule.Once != nil {
				if by, err := newFields(rs.leaves, p.rule.Once.By); err == nil {
					route(p.rule).once = by
					continue
				}
			}
			route(p.rule).own = true
		}
	}
	return r
}

// Keys returns the keys of an event, each once; none where no rule is true of
// it. They are those of the groups that it belongs to and, for a hit on the
// event alone, one of the event's own. ev and the error are as in
// RuleSet.Match.
func (r *Router) Keys(ev any) (keys []string, err error) {
	defer recovered(&err)
	var in incoming
	if err = r.rs.receive(&in, ev); err != nil {
		return nil, err
	}
	add := func(k string) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	err = r.rs.match(&in, func(p *program, s *scratch, in *incoming) {
		x := r.routes[p.rule]
		if x == nil {
			return
		}
		for _, t := range x.taps {
			groups, _ := groupKeys(keysOfAll(s.event, t.groupBy))
			for _, g := range groups {
				add(shardKey(g, t.part))
			}
		}
		if x.once != nil {
			add(onceShardKey(onceKey(s.event, x.once)))
		}
		if x.own {
			in.identify()
			add(in.identity)
		}
	})
	return keys, err
}

// shardKey is the part of a group's key that divides a correlation's groups.
func shardKey(group string, part int) string {
	if part < 0 {
		return wholeKey
	}
	return keyParts(group)[part]
}

// onceShardKey is the first value of the first field of a key of once.
func onceShardKey(key string) string {
	if parts := keyParts(key); len(parts) > 1 {
		return parts[1]
	}
	return wholeKey
}

// Partitions says how the rules that have state are divided.
func (r *Router) Partitions() []Partition {
	var out []Partition
	add := func(by string, info *RuleInfo) {
		i := slices.IndexFunc(out, func(p Partition) bool { return p.By == by })
		if i < 0 {
			i = len(out)
			out = append(out, Partition{By: by})
		}
		if !slices.Contains(out[i].Rules, info) {
			out[i].Rules = append(out[i].Rules, info)
		}
	}
	for _, c := range r.rs.correlations {
		by := ""
		if p := r.parts[c]; p >= 0 {
			by = c.Correlation.GroupBy[p]
		}
		add(by, r.rs.infos[c])
	}
	for _, l := range r.rs.rules {
		for _, p := range l.programs {
			if x := r.routes[p.rule]; x != nil && x.once != nil {
				by := ""
				if len(p.rule.Once.By) > 0 {
					by = p.rule.Once.By[0].Name
				}
				add(by, l.info)
			}
		}
	}
	return out
}

// dividingParts finds for each correlation the part of its groups' keys by which its
// work is divided, or -1 for none. Correlations that are built on each other
// must be divided by the same value, or hits of one would be missing where the
// other is.
func dividingParts(correlations []*ir.Rule) map[*ir.Rule]int {
	type link struct{ outer, inner *ir.Rule }
	links := map[*ir.Rule][]link{}
	for _, c := range correlations {
		for _, in := range c.Correlation.Inputs {
			for _, t := range in.Taps {
				if t.Rule.Correlation != nil {
					links[c] = append(links[c], link{c, t.Rule})
					links[t.Rule] = append(links[t.Rule], link{c, t.Rule})
				}
			}
		}
	}
	// try follows the links from c when it is divided by part, and says whether
	// all that it comes to can be divided likewise.
	var try func(c *ir.Rule, part int, found map[*ir.Rule]int) bool
	try = func(c *ir.Rule, part int, found map[*ir.Rule]int) bool {
		if p, ok := found[c]; ok {
			return p == part
		}
		found[c] = part
		if part < 0 || !dividesOnce(c, part) {
			return false
		}
		for _, l := range links[c] {
			other, at := l.inner, innerPart(l.outer, l.inner, part)
			if c == l.inner {
				other, at = l.outer, outerPart(l.outer, l.inner, part)
			}
			if !try(other, at, found) {
				return false
			}
		}
		return true
	}
	var all func(c *ir.Rule, found map[*ir.Rule]int)
	all = func(c *ir.Rule, found map[*ir.Rule]int) {
		if _, ok := found[c]; ok {
			return
		}
		found[c] = -1
		for _, l := range links[c] {
			all(l.inner, found)
			all(l.outer, found)
		}
	}
	parts := map[*ir.Rule]int{}
next:
	for _, c := range correlations {
		if _, ok := parts[c]; ok {
			continue
		}
		for part := range c.Correlation.GroupBy {
			if found := map[*ir.Rule]int{}; try(c, part, found) {
				for r, p := range found {
					parts[r] = p
				}
				continue next
			}
		}
		all(c, parts)
	}
	return parts
}

// dividesOnce says whether all hits that once takes for one are of one value of
// the part.
func dividesOnce(c *ir.Rule, part int) bool {
	return c.Once == nil || slices.ContainsFunc(c.Once.By, func(f ir.Field) bool { return f.Name == c.Correlation.GroupBy[part] })
}

// innerPart returns the part of inner's key that outer has as this part of its
// own, or -1.
func innerPart(outer, inner *ir.Rule, part int) int {
	at := -1
	if part < 0 {
		return at
	}
	for _, in := range outer.Correlation.Inputs {
		for _, t := range in.Taps {
			if t.Rule != inner {
				continue
			}
			i := -1
			if part < len(t.GroupBy) {
				i = slices.IndexFunc(inner.Correlation.GroupBy, func(name string) bool { return isName(t.GroupBy[part], name) })
			}
			if i < 0 || at >= 0 && at != i {
				return -1
			}
			at = i
		}
	}
	return at
}

// outerPart is the inverse of innerPart.
func outerPart(outer, inner *ir.Rule, part int) int {
	for i := range outer.Correlation.GroupBy {
		if innerPart(outer, inner, i) == part {
			return i
		}
	}
	return -1
}

// isName says whether a field, of a tap of a correlation, is that of this name.
func isName(f ir.Field, name string) bool {
	return len(f.Path) == 1 && f.Path[0].Key == name && f.Derive == nil
}

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
		return onceShardKey(onceKey(s, role.once.by)) == st.key
	}
	in.identify()
	return in.identity == st.key
}

// ownGroups leaves of an event's groups those that belong to the key that it
// came under.
func (st *Stream) ownGroups(c *correlator, groups texts) texts {
	var own texts
	for g := range groups.all() {
		if shardKey(string(g), c.part) == st.key {
			own = own.append(g)
		}
	}
	return own
}
