package backends

import (
	"github.com/rulewright/rulewright/compiler/ir"
)

// scalar is one scalar of a row, of one of kinds: in JSON at a place, or an
// expression of a type.
type scalar struct {
	at    *place
	expr  string
	typ   ir.Type
	kinds kinds
}

// match prints a Match; depth is the number of list blocks around it.
func (p *sqlPrinter) match(m *ir.Match, depth int) (cond, error) {
	switch m.Op {
	case ir.Null, ir.Exists:
		return p.presence(m, depth)
	}
	return p.scalars(m.Field, depth, func(s scalar) (cond, error) {
		return p.tests(m, testsOf(m, s.kinds), s, &depth)
	})
}

// scalars prints that body is of one of the scalars of a field. Values that are
// no scalars may come along in JSON: tests ask for a kind.
func (p *sqlPrinter) scalars(f ir.Field, depth int, body func(scalar) (cond, error)) (cond, error) {
	if f.Leaves {
		return p.leaves(depth, body)
	}
	c, err := p.locate(f, depth)
	if err != nil {
		return cond{}, err
	}
	if c.typed {
		s := scalar{expr: c.name, typ: c.typ, kinds: kindsOfColumn(c.typ)}
		if c.typ == ir.TypeUnknown { // whatever it is, as text
			s.expr, s.kinds = "CAST("+c.name+" AS "+p.d.textType+")", textKind
		}
		if f.Type == ir.TypeNumeric && s.kinds == textKind {
			s.typ = ir.TypeNumeric
		}
		if f.Derive != nil {
			return p.derived(f, s, depth, body)
		}
		return body(s)
	}
	kinds := anyKind
	return p.along(c, toScalars, func(v place) (cond, error) {
		s := scalar{at: &v, kinds: kinds}
		if f.Derive != nil {
			return p.derived(f, s, depth, body)
		}
		return body(s)
	})
}

// leaves prints that body is of one of the values that keywords search.
func (p *sqlPrinter) leaves(depth int, body func(scalar) (cond, error)) (cond, error) {
	var v place
	switch {
	case depth > 0:
		v = p.d.json.element(elementName(depth))
		// The element may be a scalar itself.
		own, err := body(scalar{at: &v, kinds: anyKind})
		if err != nil {
			return cond{}, err
		}
		below, err := p.leavesOf(v, body)
		return anyOf(own, below), err
	case p.target.Event != "":
		return p.leavesOf(place{base: p.d.ident(p.target.Event)}, body)
	case len(p.rule.Source.Messages) == 0:
		return cond{}, p.refuse("a keyword search in a table whose pipeline names no message fields is not supported")
	}
	var cs []cond
	for _, f := range p.rule.Source.Messages {
		c, err := p.scalars(f, depth, body)
		if err != nil {
			return cond{}, err
		}
		cs = append(cs, c)
	}
	return anyOf(cs...), nil
}

func (p *sqlPrinter) leavesOf(v place, body func(scalar) (cond, error)) (cond, error) {
	if p.d.json.leaves == nil {
		return cond{}, p.refuse("a keyword search of a whole JSON event is not supported")
	}
	name := p.fresh()
	el := p.d.json.element(name)
	c, err := body(scalar{at: &el, kinds: anyKind})
	if err != nil || c.is(false) {
		return c, err
	}
	return comparison(p.d.json.leaves(v, name, c.text)), nil
}

// presence prints Null and Exists.
func (p *sqlPrinter) presence(m *ir.Match, depth int) (cond, error) {
	f := m.Field
	if f.Leaves {
		return cond{}, p.refuse("whether there is any value is not supported")
	}
	if f.Derive != nil && m.Op == ir.Null {
		some, err := p.scalars(f, depth, func(s scalar) (cond, error) { return comparison(s.expr + " IS NOT NULL"), nil })
		return p.not(some), err
	}
	c, err := p.locate(f, depth)
	if err != nil {
		return cond{}, err
	}
	switch {
	case c.typed && m.Op == ir.Null:
		return comparison(c.name + " IS NULL"), nil
	case c.typed:
		return comparison(c.name + " IS NOT NULL"), nil
	case m.Op == ir.Exists:
		return p.along(c, toPlace, func(v place) (cond, error) {
			return comparison(p.d.json.kind(v) + " IS NOT NULL"), nil
		})
	}
	some, err := p.along(c, toScalars, func(v place) (cond, error) {
		return p.kindIs(v, append(p.d.json.nulls[:1:1], p.d.json.arrays...), false), nil
	})
	return p.not(some), err
}

// tests prints that one of the tests is true of the scalar. depth is that of the
// other fields that tests may name.
func (p *sqlPrinter) tests(m *ir.Match, ts []test, s scalar, depth *int) (cond, error) {
	var cs []cond
	for _, t := range ts {
		for _, t := range t.apart() {
			c, err := p.test(m, t, s, depth)
			if err != nil {
				return cond{}, err
			}
			cs = append(cs, c)
		}
	}
	return anyOf(cs...), nil
}

func (p *sqlPrinter) test(m *ir.Match, t test, s scalar, depth *int) (cond, error) {
	switch t.ask {
	case askBool:
		return p.isBool(s, t.truth), nil
	case askAnything:
		return p.kindOf(s, t.kinds), nil
	case askNumber:
		return p.numberTest(t, s)
	case askField:
		var cs []cond
		for _, f := range t.fields {
			c, err := p.fieldTest(m, s, f, *depth)
			if err != nil {
				return cond{}, err
			}
			cs = append(cs, c)
		}
		return anyOf(cs...), nil
	case askNetwork:
		c, err := p.networkTest(t.networks, p.text(s), m.Field.Type == ir.TypeIP)
		return allOf(p.kindOf(s, textKind), c), err
	}
	// A test of text: of texts as they are, of numbers by their text form.
	guard, x := p.kindOf(s, t.kinds), p.text(s)
	if t.kinds == numberKind {
		x = p.numberText(s)
	} else if s.kinds == timeKind {
		return cond{}, p.refuse("a datetime column compared as text is not supported")
	}
	c, err := p.textTest(t, x)
	return allOf(guard, c), err
}

// kindOf asks whether the scalar is of one of the kinds; TRUE where it is sure
// to be, should it be at all.
func (p *sqlPrinter) kindOf(s scalar, ks kinds) cond {
	if s.at == nil || s.kinds&^ks == 0 {
		if s.at == nil && ks&boolKind != 0 && s.kinds == boolKind {
			return comparison(s.expr + " IS NOT NULL")
		}
		return constant(true)
	}
	j := p.d.json
	var names []string
	for _, k := range []struct {
		kind  kinds
		names []string
	}{{textKind, j.texts}, {numberKind, j.numbers}, {boolKind, j.bools}} {
		if ks&k.kind != 0 {
			names = append(names, k.names...)
		}
	}
	return p.kindIs(*s.at, names, true)
}

// text is the scalar where it is a text.
func (p *sqlPrinter) text(s scalar) string {
	switch {
	case s.at != nil:
		return p.d.json.text(*s.at)
	case s.kinds == guidKind:
		return "CAST(" + s.expr + " AS " + p.d.textType + ")"
	}
	return s.expr
}

// numberText is the text form of the scalar where it is a number.
func (p *sqlPrinter) numberText(s scalar) string {
	switch {
	case s.at != nil:
		return p.d.json.numberText(*s.at)
	case s.typ == ir.TypeReal:
		return p.d.realText(s.expr)
	}
	return "CAST(" + s.expr + " AS " + p.d.textType + ")"
}

func (p *sqlPrinter) isBool(s scalar, truth bool) cond {
	if s.at != nil {
		return comparison(p.d.json.isBool(*s.at, truth))
	}
	if truth {
		return comparison(s.expr + " = TRUE")
	}
	return comparison(s.expr + " = FALSE")
}
