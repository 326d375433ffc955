package backends

import (
	"github.com/rulewright/rulewright/compiler/ir"
)

// ending says what walk does behind the last step.
type ending uint8

const (
	toScalars  ending = iota // take lists apart; objects, nulls and, in places, lists come along
	toElements               // take lists apart; what comes is an element
	toPlace                  // leave what is there as it is, null perhaps
)

// walk prints that body is of one of the values that steps lead to from v, which
// is no list. Between the steps lists are taken apart.
func (p *sqlPrinter) walk(v place, steps ir.Path, end ending, body func(place) (cond, error)) (cond, error) {
	if len(steps) == 0 {
		return body(v)
	}
	step, rest := steps[0], steps[1:]
	if step.Key != "" {
		if !p.d.json.key(step.Key) {
			return cond{}, p.refuse("the key %q is not supported", step.Key)
		}
		v = v.key(step.Key)
	}
	return p.refine(v, step, rest, end, body)
}

// refine goes on from what a step's key holds.
func (p *sqlPrinter) refine(v place, step ir.Step, rest ir.Path, end ending, body func(place) (cond, error)) (cond, error) {
	if step.JSON {
		v = p.parsed(v)
	}
	if step.HasPosition {
		v = p.position(v, step.Position)
	}
	then := func(v place) (cond, error) { return p.walk(v, rest, end, body) }
	if step.Where.Key != "" {
		return p.each(v, true, func(el place) (cond, error) {
			name := &ir.Match{Op: ir.Equal, Values: []ir.Value{ir.String(step.Where.Value)}}
			if !p.d.json.key(step.Where.Key) {
				return cond{}, p.refuse("the key %q is not supported", step.Where.Key)
			}
			list := p.list
			p.list = nil // the name is asked for, not listed
			fits, err := p.walk(el, ir.Path{{Key: step.Where.Key, Single: step.Single}}, toScalars, func(x place) (cond, error) {
				return p.tests(name, testsOf(name, anyKind), scalar{at: &x, kinds: anyKind}, nil)
			})
			p.list = list
			if err != nil {
				return cond{}, err
			}
			c, err := then(el)
			return allOf(fits, c), err
		})
	}
	switch {
	case len(rest) == 0 && end == toPlace, len(rest) > 0 && rest[0].Key == "":
		return then(v)
	case step.Single && end == toElements && len(rest) == 0:
		c, err := then(v)
		return allOf(p.kindIs(v, p.d.json.nulls, false), c), err
	case step.Single:
		return then(v)
	}
	return p.each(v, end == toElements && len(rest) == 0, then)
}

// each prints that body is of one element of v.
func (p *sqlPrinter) each(v place, whole bool, body func(place) (cond, error)) (cond, error) {
	if p.rows != nil && p.d.json.rows == nil {
		return cond{}, p.refuse("a row for each element of a list is not supported")
	}
	if p.rows != nil {
		// To what is listed, once: the same list again gives the same rows.
		list, _ := p.d.json.rows(v, "", true)
		name, known := p.rows.known[list]
		if !known {
			name = p.fresh()
		}
		from, where := p.d.json.rows(v, name, true)
		if !known {
			p.rows.from, p.rows.where = append(p.rows.from, from), append(p.rows.where, where)
			p.rows.known[list] = name
		}
		c, err := body(p.d.json.element(name))
		return allOf(cond{where, ir.PrecedenceAnd}, c), err
	}
	name := p.fresh()
	c, err := body(p.d.json.element(name))
	if err != nil || c.is(false) {
		return c, err
	}
	if p.list != nil {
		if !p.list.many {
			p.list.text = p.d.lists.of(p.list.text)
		}
		p.list.text, p.list.many = p.d.lists.each(v, name, c.text, p.list.text, whole), true
		return constant(true), nil
	}
	return comparison(p.d.json.exists(v, name, c.text, whole)), nil
}

// parsed is v, or the JSON that stands in v as a text.
func (p *sqlPrinter) parsed(v place) place {
	j := p.d.json
	text := "CASE WHEN " + in(j.kind(v), j.texts...) + " THEN " + j.text(v) + " END"
	return place{base: "coalesce(" + j.parse("("+text+")") + ", " + j.get(v) + ")"}
}

// position is an element of v, or v itself where it is no list and the first
// element is asked for.
func (p *sqlPrinter) position(v place, n int) place {
	if n > 0 {
		return v.at(n)
	}
	j := p.d.json
	return place{base: "CASE WHEN " + in(j.kind(v), j.arrays...) + " THEN " + j.get(v.at(0)) + " WHEN " + notIn(j.kind(v), j.nulls...) + " THEN " + j.get(v) + " END"}
}

// kindIs asks whether a value is, or is not, of a type; of neither where there
// is no value.
func (p *sqlPrinter) kindIs(v place, names []string, is bool) cond {
	if is {
		return comparison(in(p.d.json.kind(v), names...))
	}
	return comparison(notIn(p.d.json.kind(v), names...))
}

func notIn(x string, names ...string) string {
	if len(names) == 1 {
		return x + " <> '" + names[0] + "'"
	}
	s := x + " NOT IN ("
	for i, n := range names {
		if i > 0 {
			s += ", "
		}
		s += "'" + n + "'"
	}
	return s + ")"
}

// sqlField is where a field stands in a row.
type sqlField struct {
	// typed: the column itself is the scalar.
	typed bool
	name  string
	typ   ir.Type
	// root and steps lead to it in JSON otherwise. first, if not nil, is what
	// remains to do at root itself.
	root  place
	first *ir.Step
	steps ir.Path
}

// locate finds the field: from an element inside a list block, in the event's
// column, or in a column of its own.
func (p *sqlPrinter) locate(f ir.Field, depth int) (sqlField, error) {
	steps := f.Steps()
	if depth > 0 {
		return sqlField{root: p.d.json.element(elementName(depth)), steps: steps}, nil
	}
	if p.target.Event != "" {
		return sqlField{root: place{base: p.d.ident(p.target.Event)}, steps: steps}, nil
	}
	if f.Join != nil {
		text, err := p.joined(f.Join)
		return sqlField{typed: true, name: text, typ: ir.TypeString}, err
	}
	if len(steps) == 0 {
		return sqlField{}, p.refuse("the whole event as a value, in a table without a column that holds it, is not supported")
	}
	step := steps[0]
	c := sqlField{name: p.d.ident(step.Key), typ: f.ColumnType}
	bare := !step.JSON && !step.HasPosition && step.Where.Key == ""
	switch {
	case len(steps) == 1 && bare && c.typ != ir.TypeJSON:
		c.typed = true
		return c, nil
	case c.typ == ir.TypeUnknown || c.typ == ir.TypeJSON:
		c.root = place{base: c.name}
	case step.JSON && kindsOfColumn(c.typ) == textKind:
		c.root = place{base: "coalesce(" + p.d.json.parse(c.name) + ", " + p.d.json.wrap(c.name) + ")"}
	default:
		return sqlField{}, p.refuse("the column %s is of type %s; a part of it is not supported", step.Key, c.typ)
	}
	step.Key = ""
	c.first, c.steps = &step, steps[1:]
	return c, nil
}

// along prints that body is of one of the values that a field in JSON leads to.
func (p *sqlPrinter) along(c sqlField, end ending, body func(place) (cond, error)) (cond, error) {
	if c.first != nil {
		return p.refine(c.root, *c.first, c.steps, end, body)
	}
	return p.walk(c.root, c.steps, end, body)
}

// any prints a list block around its body, which speaks of elementName(depth+1).
func (p *sqlPrinter) any(a *ir.Any, body string, depth int) (cond, error) {
	if a.Over.Leaves {
		return cond{}, p.refuse("a list block over all values is not supported")
	}
	c, err := p.locate(a.Over, depth)
	if err != nil {
		return cond{}, err
	}
	name := elementName(depth + 1)
	if c.typed { // a scalar is a list of one
		c.root, c.typed = place{base: p.d.json.wrap(c.name)}, false
	}
	return p.along(c, toPlace, func(v place) (cond, error) {
		return comparison(p.d.json.exists(v, name, body, true)), nil
	})
}
