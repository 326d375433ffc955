package compiler

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// Explanation says how a rule came to its verdict on an event.
type Explanation struct {
	Rule *RuleInfo
	// Source is what the event is; Sources are those that the rule is about.
	Source  event.Source
	Sources []event.Source
	// Verdict is what Match says: whether the rule is true of the event.
	Verdict bool
	// Note says why the rule did not look at the event at all, or "".
	Note string
	// Where holds the conditions of the rule's logsource (nil for none), When
	// the rule's own; both are nil where Note is set.
	Where, When *Explained
}

// Explained is a node of a rule's tree with its verdict.
type Explained struct {
	// Kind is and, or, not, true, false, selection, any or match.
	Kind  string
	Holds bool
	// Name is a selection's name, or the field of an any or match as the
	// author wrote it.
	Name  string
	Path  string // where that field is in the event
	Op    ir.Op  // of a match
	Cased bool
	Rule  []ir.Value // the values of a match
	// Values are what the event has at a match's field.
	Values []any
	// Fits are those of Values that fit.
	Fits []any
	// Note says what else is to be said of a match that does not hold.
	Note string
	// Parts are the nodes below; of an any, its tree once for each element.
	Parts []*Explained
}

// Explain says how rules come to their verdicts on an event; rule is an id, a
// name or a title, and "" all rules. Events and errors are those of Match.
func (rs *RuleSet) Explain(rule string, ev any) (out []Explanation, err error) {
	defer recovered(&err)
	in, err := rs.incoming(ev)
	if err != nil {
		return nil, err
	}
	return rs.explain(rule, in)
}

// ExplainAs is Explain for an event whose source the caller knows.
func (rs *RuleSet) ExplainAs(src event.Source, rule string, ev any) (out []Explanation, err error) {
	defer recovered(&err)
	var in incoming
	in.take(ev)
	if err = in.decode(); err != nil {
		return nil, err
	}
	in.record.Source, in.state = src, told
	in.open()
	return rs.explain(rule, in)
}

func (rs *RuleSet) explain(rule string, in incoming) (out []Explanation, err error) {
	src := in.record.Source
	folded := event.Source{Form: src.Form, Table: foldName(src.Table)}
	for _, l := range rs.rules {
		if l.lowered[0].Inner {
			continue
		}
		if rule != "" && !l.info.Meta.IsCalled(rule) && rule != l.info.Title {
			continue
		}
		x := Explanation{Rule: l.info, Source: src}
		var r *ir.Rule
		for _, low := range l.lowered {
			s := event.Source{Form: event.Form(low.Source.Form), Table: low.Source.Table}
			if s != (event.Source{}) {
				x.Sources = append(x.Sources, s)
			}
			if s.Table = foldName(s.Table); s == folded {
				r = low
			}
		}
		switch {
		case l.lowered[0].Correlation != nil && len(l.lowered[0].Lacks) == 0:
			x.Note = "the rule is a correlation: it looks at the hits of other rules over time, which is what a Stream does"
		case len(l.lowered[0].Lacks) > 0:
			x.Note = "the rule does not run: it lacks " + strings.Join(l.lowered[0].Lacks, ", ")
		case src == (event.Source{}) && r == nil:
			x.Note = "nobody can tell the event's source"
		case r == nil:
			x.Note = fmt.Sprintf("the rule is not about events of %s %s", src.Form, src.Table)
		default:
			rs.explainTree(&x, r, in.value)
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no rule %q in the set", rule)
	}
	return out, nil
}

func (rs *RuleSet) explainTree(x *Explanation, r *ir.Rule, value any) {
	s := &subject{cursor: &cursor{keep: true, cost: maxEventCost}, value: value}
	d := detail{set: rs.leaves}
	if r.Source.Where != nil {
		x.Where = d.explain(r.Source.Where, s)
	}
	x.When = d.explain(r.When, s)
	x.Verdict = (x.Where == nil || x.Where.Holds) && x.When.Holds
	if s.cursor.cost < 0 {
		x.Note = ErrEventCost.Error()
	}
}

// maxExplainedElements bounds the elements of a list that are gone into.
const maxExplainedElements = 50

func (d *detail) explain(e ir.Expr, s *subject) *Explained {
	x := &Explained{Holds: d.holds(e, s)}
	parts := func(xs []ir.Expr) {
		for _, p := range xs {
			x.Parts = append(x.Parts, d.explain(p, s))
		}
	}
	switch e := e.(type) {
	case *ir.And:
		x.Kind = "and"
		parts(e.X)
	case *ir.Or:
		x.Kind = "or"
		parts(e.X)
	case *ir.Not:
		x.Kind = "not"
		parts([]ir.Expr{e.X})
	case ir.Const:
		x.Kind = fmt.Sprint(bool(e))
	case *ir.Selection:
		x.Kind, x.Name = "selection", e.Name
		parts([]ir.Expr{e.X})
	case *ir.Any:
		x.Kind, x.Name, x.Path = "any", e.Over.Name, e.Over.Path.String()
		els := d.elements(e, s)
		for i, el := range els {
			if i == maxExplainedElements {
				break
			}
			x.Parts = append(x.Parts, d.explain(e.X, el))
		}
		if len(els) == 0 {
			x.Note = "the list is empty or absent"
		} else if len(els) > maxExplainedElements {
			x.Note = fmt.Sprintf("%d more elements", len(els)-maxExplainedElements)
		}
	case *ir.Match:
		d.explainMatch(x, e, s)
	default:
		panic("compiler: unknown node")
	}
	return x
}

func (d *detail) explainMatch(x *Explained, m *ir.Match, s *subject) {
	x.Kind, x.Name, x.Path, x.Op, x.Cased, x.Rule = "match", m.Field.Name, m.Field.Spec(), m.Op, m.Cased, m.Values
	f, err := d.set.field(m.Field, s.element)
	if err != nil {
		x.Note = err.Error()
		return
	}
	l, err := d.set.leafOf(m, s.element)
	if err != nil {
		x.Note = err.Error()
		return
	}
	y := s.yield(f)
	for i := range y.scalars {
		if i == maxMatchedValues {
			x.Note = fmt.Sprintf("%d more values", len(y.scalars)-maxMatchedValues)
			break
		}
		v := y.scalars[i].value()
		x.Values = append(x.Values, v)
		if m.Op != ir.Null && m.Op != ir.Exists && l.fitsAny(&y.scalars[i], s) {
			x.Fits = append(x.Fits, v)
		}
	}
	switch {
	case x.Holds || x.Note != "":
	case !y.present:
		x.Note = "the field is absent"
	case len(y.scalars) > 0 && m.Op != ir.Null:
		x.Note = "no value fits"
	case y.object:
		x.Note = "the field is an object, which is no text"
	case m.Field.Derive != nil:
		x.Note = "the field is no time"
	case len(y.scalars) == 0:
		x.Note = "the field is null"
	}
}
