package compiler

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// hit raises a hit at t and hands it to the correlations that refer to this one.
func (c *correlator) hit(g *group, t int64, v verdict) {
	e := c.e
	parts := keyParts(g.key())
	told := &facts{time: time.UnixMicro(min(t, lastInstant)).UTC()} // a window of increase may end later
	h := &Hit{Rule: c.info, Window: windowOf(v.from, v.to), facts: told}
	names := make(map[string]any, len(parts))
	for i, p := range parts {
		if i < len(c.spec.GroupBy) {
			h.Group = append(h.Group, GroupKey{c.spec.GroupBy[i], p})
			names[c.spec.GroupBy[i]] = p
		}
	}
	identity := "group"
	for _, p := range parts {
		identity += " " + strconv.Quote(p)
	}
	identity += " at " + strconv.FormatInt(t, 10)
	if c.spec.Type == sigma.NewValue {
		for i, p := range keyParts(v.tuple) {
			identity += " " + strconv.Quote(p)
			name := ""
			if i < len(c.spec.Counted) {
				name = c.spec.Counted[i]
			}
			h.NewValue = append(h.NewValue, GroupKey{name, p})
			if _, grouped := names[name]; !grouped {
				names[name] = p
			}
		}
	}
	told.id = hitID(c.info, identity)
	if v.valued {
		h.Value = numberValue(v.value)
	}
	if v.before != nil {
		h.Before = numberValue(*v.before)
	}
	h.Counts = v.tallies
	for i, n := range v.distinct {
		h.Distinct = append(h.Distinct, DistinctCount{c.spec.Counted[i], n})
	}
	h.Contributing = c.contributions(v.entries)
	s := &subject{value: names, cursor: &cursor{cost: maxMatchCost}}
	for _, x := range c.ends {
		for _, k := range s.yield(x.field).scalars {
			if k.textForm() != "" {
				told.entities = append(told.entities, Entity{Type: x.kind, Field: x.name, Value: k.textForm()})
			}
		}
	}
	if c.spec.Type != sigma.Summary {
		for _, x := range c.outer {
			if m := new(meeting); m.begin(x, s, t) {
				m.o.id = told.id
				x.c.receive(m)
			}
		}
	}
	if c.quiet {
		return
	}
	if c.once == nil {
		e.out = append(e.out, h)
		return
	}
	e.raiseOnce(heldHit{hit: h, key: onceKey(s, c.onceBy), time: t, once: c.once}, false)
}

// windowOf leaves out what no event can be of, and RFC 3339 cannot write: years
// before 0.
func windowOf(from, to int64) Window {
	return Window{time.UnixMicro(max(from, firstInstant)).UTC(), time.UnixMicro(min(to, lastInstant)).UTC()}
}

// receive takes a hit of another correlation. One that is several inputs of
// this one is one event.
func (c *correlator) receive(m *meeting) {
	if n := len(c.inbox); n > 0 && c.inbox[n-1].o.id == m.o.id && c.inbox[n-1].o.time == m.o.time {
		c.inbox[n-1].add(m.o.first[0], m.keys)
		return
	}
	c.accept(m)
}

// accept puts an event where step finds it.
func (c *correlator) accept(m *meeting) {
	c.inbox = append(c.inbox, m)
	c.e.wake(c)
}

// contributions lists events by time, id and input.
func (c *correlator) contributions(entries []entry) []Contribution {
	var out []Contribution
	for _, x := range entries {
		for _, i := range x.by() {
			m := &x.inputs[i]
			y := Contribution{Rule: c.inputs[m.input], Input: m.input, Time: time.UnixMicro(x.time).UTC(), EventID: x.id, Event: x.carried()}
			if x.source != nil {
				y.Source = *x.source
			}
			if m.selections != nil {
				y.Selections = *m.selections
			}
			out = append(out, y)
		}
	}
	slices.SortStableFunc(out, func(a, b Contribution) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.Input, b.Input))
	})
	return out
}

func numberValue(n ir.Number) json.Number {
	if !n.IsInt {
		n.Float = max(-math.MaxFloat64, min(n.Float, math.MaxFloat64))
	}
	x := numberScalarOf(n)
	return json.Number(x.textForm())
}

func intNumber(n int) ir.Number { return ir.Number{IsInt: true, Int: int64(n)} }
