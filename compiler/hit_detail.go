package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// detail walks a rule's tree over an event, by the same leaves that decide.
type detail struct {
	set   *leafSet
	facts *facts
	brief bool // selections only
}

// holds evaluates a tree.
func (d *detail) holds(e ir.Expr, s *subject) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !d.holds(x, s) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if d.holds(x, s) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !d.holds(e.X, s)
	case ir.Const:
		return bool(e)
	case *ir.Selection:
		return d.holds(e.X, s)
	case *ir.Any:
		for _, el := range d.elements(e, s) {
			if d.holds(e.X, el) {
				return true
			}
		}
		return false
	case *ir.Match:
		l, err := d.set.leafOf(e, s.element)
		return err == nil && s.holds(l)
	}
	panic("compiler: unknown node")
}

func (d *detail) elements(a *ir.Any, s *subject) []*subject {
	f, err := d.set.field(a.Over, s.element)
	if err != nil {
		return nil
	}
	return s.elements(f)
}

// tell adds what made e, which holds, true.
func (d *detail) tell(e ir.Expr, s *subject, selection string) {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			d.tell(x, s, selection)
		}
	case *ir.Or:
		for _, x := range e.X {
			if d.holds(x, s) {
				d.tell(x, s, selection)
			}
		}
	case *ir.Not, ir.Const:
	case *ir.Selection:
		if !slices.Contains(d.facts.selections, e.Name) {
			d.facts.selections = append(d.facts.selections, e.Name)
		}
		d.tell(e.X, s, e.Name)
	case *ir.Any:
		for _, el := range d.elements(e, s) {
			if d.holds(e.X, el) {
				d.tell(e.X, el, selection)
			}
		}
	case *ir.Match:
		if !d.brief {
			d.add(d.matched(e, s, selection))
		}
	default:
		panic("compiler: unknown node")
	}
}

// add adds a comparison, or its values to one already there for another element.
func (d *detail) add(m Matched) {
	for i := range d.facts.matched {
		old := &d.facts.matched[i]
		if old.Selection != m.Selection || old.Field != m.Field || old.Op != m.Op || !slices.EqualFunc(old.Rule, m.Rule, sameValue) {
			continue
		}
		for _, v := range m.Values {
			if !slices.Contains(old.Values, v) && len(old.Values) < maxMatchedValues {
				old.Values = append(old.Values, v)
			}
		}
		return
	}
	if len(d.facts.matched) < maxMatchedValues {
		d.facts.matched = append(d.facts.matched, m)
	}
}

func sameValue(a, b ir.Value) bool { return ir.ValueText(a) == ir.ValueText(b) }

// matched finds which of the event's values fit which of the rule's.
func (d *detail) matched(m *ir.Match, s *subject, selection string) Matched {
	out := Matched{Selection: selection, Field: m.Field.Name, Op: m.Op}
	if m.Op == ir.Null || m.Op == ir.Exists {
		return out
	}
	l, err := d.set.leafOf(m, s.element)
	if err != nil {
		return out
	}
	y := s.yield(l.field)
	if len(l.needles) == len(m.Values) {
		out.Rule = l.fittingNeedles(m.Values, y, s)
	} else {
		out.Rule = fitting(m, m.Values, s)
	}
	if len(out.Rule) > maxMatchedValues {
		out.Rule = slices.Clip(out.Rule[:maxMatchedValues])
	}
	for i := range y.scalars {
		if len(out.Values) == maxMatchedValues {
			break
		}
		if x := &y.scalars[i]; l.fitsAny(x, s) && !slices.Contains(out.Values, x.value()) {
			out.Values = append(out.Values, x.value())
		}
	}
	return out
}

// fitting returns those of the values that alone would make the match hold. It
// halves the list, as most values of a long one do not.
func fitting(m *ir.Match, values []ir.Value, s *subject) []ir.Value {
	if len(values) == 0 {
		return nil
	}
	l, err := newLeaf(&ir.Match{Field: m.Field, Op: m.Op, Cased: m.Cased, Values: values})
	if err != nil || !l.match(s) {
		return nil
	}
	if len(values) == 1 {
		return values
	}
	half := len(values) / 2
	return append(slices.Clip(fitting(m, values[:half], s)), fitting(m, values[half:], s)...)
}

// fittingNeedles is fitting for a leaf that looks for parts of a text.
func (l *leaf) fittingNeedles(values []ir.Value, y *yielded, s *subject) (out []ir.Value) {
	for i, n := range l.needles {
		for j := range y.scalars {
			text := y.scalars[j].form(l.cased, s.cursor)
			if !s.cursor.spend(1 + len(text)/bytesAStep) {
				return out
			}
			if textOp(l.op, text, n) {
				out = append(out, values[i])
				break
			}
		}
	}
	return out
}
