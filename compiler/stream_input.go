package compiler

import (
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

type meeting struct {
	c *correlator
	o *occurrence
}

// occurrence is an event as one correlation sees it.
type occurrence struct {
	time   int64
	id     string // the event's or, of a chained correlation, of the inner hit
	source event.Source
	event  any // if events are kept
	inputs []inputMatch
}

// inputMatch is a referenced rule that the event matched.
type inputMatch struct {
	input      int
	rule       *RuleInfo
	selections []string
	groups     []string // keys of the groups that this puts the event in
	values     counted
}

// counted is what an event adds to a count or value.
type counted struct {
	tuples  []string    // keys
	numbers []ir.Number // canonical
	fields  [][]string  // each field's own keys, of a summary
}

// entry is an occurrence in one group.
type entry struct {
	*occurrence
	by     []int // indexes of inputs; in order
	values *counted
}

// tapped is a tap made ready.
type tapped struct {
	c       *correlator
	input   int
	groupBy []*field
	counted []*field
}

func newFields(set *leafSet, fields []ir.Field) ([]*field, error) {
	out := make([]*field, len(fields))
	for i, f := range fields {
		var err error
		if out[i], err = set.field(f, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tap makes a tap of an input ready.
func (c *correlator) tap(set *leafSet, input int, t ir.Tap) (*tapped, error) {
	x := &tapped{c: c, input: input}
	var err error
	if x.groupBy, err = newFields(set, t.GroupBy); err != nil {
		return nil, err
	}
	x.counted, err = newFields(set, t.Counted)
	return x, err
}

// read takes from an event what the correlation wants of it.
func (x *tapped) read(s *subject) inputMatch {
	m := inputMatch{input: x.input}
	keys := func(fields []*field) [][]string {
		parts := make([][]string, len(fields))
		for i, f := range fields {
			parts[i] = keysOf(s, f)
		}
		return parts
	}
	var cut, more bool
	m.groups, cut = groupKeys(keys(x.groupBy))
	if len(x.counted) > 0 && len(m.groups) > 0 {
		switch x.c.spec.Type {
		case sigma.ValueCount, sigma.NewValue, sigma.Increase:
			m.values.tuples, more = tupleKeys(keys(x.counted))
		case sigma.Summary:
			m.values.fields = keys(x.counted)
		default:
			for _, f := range x.counted {
				y := s.yield(f)
				for i := range y.scalars {
					if n, ok := y.scalars[i].number(); ok {
						m.values.numbers = append(m.values.numbers, n)
					}
				}
			}
		}
	}
	if cut || more {
		x.c.e.stats.CutKeys++
	}
	return m
}

var firstInput = []int{0}
