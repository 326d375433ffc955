package conformance

import (
	"fmt"
	"math"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// QueryRow is a row of the result of a rule's query over a stored history: of a
// correlation, a hit; of a rule, the event with this index.
type QueryRow struct {
	Time         int64 // microseconds since 1970
	Group, Tuple []string
	Event        int
}

// QueryHits asks an engine that answers one rule at a time, by a query over the
// events as they are stored, for the hits of a history. run is called for each
// rule whose hits are reported, with the index of the events of its table for a
// rule's own. Where an event came too late a stream leaves it out, which no
// query can know: such a history is not supported.
func QueryHits(q StreamQuestion, run func(*ir.Rule) ([]QueryRow, error)) ([]StreamHit, error) {
	latest := int64(math.MinInt64)
	for _, e := range q.Events {
		if e.Time.IsZero() {
			continue
		}
		if t := micros(e.Time); t < latest-q.Lateness.Microseconds() {
			return nil, fmt.Errorf("%w: a query sees events that came too late", ErrUnsupported)
		} else {
			latest = max(latest, t)
		}
	}
	var hits []StreamHit
	for _, document := range reported(q.Rules) {
		seen := map[int]bool{}
		for _, rule := range document {
			rows, err := run(rule)
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				h := StreamHit{Rule: RuleKey(&rule.Meta), OnlyWhich: true}
				if rule.Correlation != nil {
					h.Time, h.Group, h.Tuple = row.Time, row.Group, row.Tuple
					hits = append(hits, h)
					continue
				}
				e := &q.Events[row.Event]
				if seen[row.Event] || rule.Source.Form != string(e.Source.Form) || !strings.EqualFold(rule.Source.Table, e.Source.Table) {
					continue
				}
				seen[row.Event] = true
				h.Event = e.ID
				if !e.Time.IsZero() {
					h.Time = micros(e.Time)
				}
				hits = append(hits, h)
			}
		}
	}
	return hits, nil
}

// AsStored returns rules for a store that holds events whole, as they came: what
// a pipeline says of the columns of a table, such as that one never holds a
// list, does not count there.
func AsStored(rules []*ir.Rule) []*ir.Rule {
	s := &asStored{done: map[*ir.Rule]*ir.Rule{}}
	out := make([]*ir.Rule, len(rules))
	for i, r := range rules {
		out[i] = s.rule(r)
	}
	return out
}

type asStored struct{ done map[*ir.Rule]*ir.Rule }

func (s *asStored) rule(r *ir.Rule) *ir.Rule {
	if d := s.done[r]; d != nil {
		return d
	}
	c := *r
	s.done[r] = &c
	c.When = s.expr(r.When)
	c.Source.Where = s.expr(r.Source.Where)
	c.Source.Time = s.field(r.Source.Time)
	c.Source.Messages = s.fields(r.Source.Messages)
	if r.Once != nil {
		once := *r.Once
		once.By = s.fields(once.By)
		c.Once = &once
	}
	if r.Correlation != nil {
		cc := *r.Correlation
		cc.Inputs = make([]ir.Input, len(r.Correlation.Inputs))
		for i, in := range r.Correlation.Inputs {
			cc.Inputs[i] = in
			cc.Inputs[i].Taps = make([]ir.Tap, len(in.Taps))
			for j, tap := range in.Taps {
				cc.Inputs[i].Taps[j] = ir.Tap{Rule: s.rule(tap.Rule), GroupBy: s.fields(tap.GroupBy), Counted: s.fields(tap.Counted)}
			}
		}
		c.Correlation = &cc
	}
	return &c
}

func (s *asStored) field(f ir.Field) ir.Field {
	f.Stored, f.Column, f.ColumnType = nil, "", ir.TypeUnknown
	if f.Type != ir.TypeIP && f.Type != ir.TypeJSON {
		f.Type = ir.TypeUnknown
	}
	return f
}

func (s *asStored) fields(fs []ir.Field) []ir.Field {
	out := make([]ir.Field, len(fs))
	for i, f := range fs {
		out[i] = s.field(f)
	}
	return out
}

func (s *asStored) expr(e ir.Expr) ir.Expr {
	if e == nil {
		return nil
	}
	return ir.Map(e, func(e ir.Expr) ir.Expr {
		switch e := e.(type) {
		case *ir.Any:
			return &ir.Any{Over: s.field(e.Over), X: e.X}
		case *ir.Match:
			m := *e
			m.Field = s.field(e.Field)
			m.Values = make([]ir.Value, len(e.Values))
			for i, v := range e.Values {
				if ref, ok := v.(ir.FieldRef); ok {
					v = ir.FieldRef{Field: s.field(ref.Field)}
				}
				m.Values[i] = v
			}
			return &m
		}
		return e
	})
}
