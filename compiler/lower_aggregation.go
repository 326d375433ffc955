package compiler

import (
	"github.com/rulewright/rulewright/sigma"
)

// lowerAggregation makes the correlation of a legacy aggregation: its one input
// is the rule as it is without the aggregation, which n.inner holds.
func (s *documents) lowerAggregation(n *node) {
	l := &lowerer{doc: n.doc, opts: s.opts, file: n.doc.File}
	l.params = newParameters(l)
	if c := l.aggregation(); c != nil {
		inner := *n
		inner.out, inner.diags = n.inner, nil
		cl := &correlationLowerer{lowerer: l, c: c, legacy: true}
		cl.inputs = []*node{&inner}
		s.keep(n, cl)
	}
	n.diags = append(n.diags, l.finish()...)
	if n.failed() {
		n.inner, n.out = nil, nil
	}
}

// aggregation writes the aggregation as the correlation that it is.
func (l *lowerer) aggregation() *sigma.Correlation {
	a := l.doc.Aggregation()
	det := l.doc.Detection
	c := &sigma.Correlation{Pos: a.Pos, TypePos: a.Pos, GroupBy: a.By,
		Thresholds: []sigma.Threshold{{Pos: a.Pos, Op: a.Op, Value: a.Value}},
		Rules:      []sigma.Reference{{Pos: a.Pos, Name: referenceTo(l.doc)}}}
	switch {
	case len(det.Conditions) > 1:
		l.errorf(sigma.CodeUnsupported, a.Pos, "write a correlation for each", "an aggregation stands behind one of several conditions")
		return nil
	case det.Timeframe == nil:
		l.errorf(sigma.CodeAggregation, a.Pos, "add timeframe: 5m, say, beside the condition; better, write a correlation",
			"the aggregation does not say over what time it counts")
		return nil
	}
	c.Timespan = *det.Timeframe
	switch {
	case a.Function == "count" && a.Field == "":
		c.Type = sigma.EventCount
	case a.Function == "count":
		c.Type = sigma.ValueCount
	case a.Function == "sum":
		c.Type = sigma.ValueSum
	case a.Function == "avg":
		c.Type = sigma.ValueAvg
	default:
		l.errorf(sigma.CodeUnsupported, a.Pos, "compare the field with the number in the selection, and count events",
			"%s is no correlation: Sigma has none over the smallest or largest value", a.Function)
		return nil
	}
	if a.Field != "" {
		f, err := sigma.ParseFieldName(a.Field)
		if err != nil {
			l.errorf(sigma.CodeField, a.Pos, "", "%v", err)
			return nil
		}
		f.Pos = a.Pos
		c.ConditionFields = []sigma.Field{f}
	}
	return c
}

// referenceTo returns what the document may be called by.
func referenceTo(doc *sigma.Document) string {
	for _, name := range []string{doc.Meta.ID, doc.Meta.Name, doc.Meta.Title} {
		if name != "" {
			return name
		}
	}
	return "rule"
}
