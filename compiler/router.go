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

// Division is a field whose values are keys, with the rules whose state is
// divided by it.
type Division struct {
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
// RuleSet.Match; keys found are returned with it.
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
		c := s.event.cursor
		left := c.lend(r.rs.maxCost) // as Stream.meet does
		for _, t := range x.taps {
			groups, _ := groupKeys(keysOfAll(s.event, t.groupBy))
			if c.cost < 0 {
				break
			}
			for _, g := range groups {
				add(divisionKey(g, t.part))
			}
		}
		c.takeBack(left)
		own := x.own
		if x.once != nil {
			if key, ok := r.rs.onceKeyOf(s.event, x.once); ok {
				add(onceDivisionKey(key))
			} else {
				own = true
			}
		}
		if own {
			in.identify()
			add(in.divisionKey())
		}
	})
	return keys, r.rs.withCallbacks(err)
}

// Divisions says how the rules that have state are divided.
func (r *Router) Divisions() []Division {
	var out []Division
	add := func(by string, info *RuleInfo) {
		i := slices.IndexFunc(out, func(p Division) bool { return p.By == by })
		if i < 0 {
			i = len(out)
			out = append(out, Division{By: by})
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
