package backends

import (
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
)

// derived prints that body is of the number that a field derives from a time. In
// text, queries read RFC 3339, with or without a zone, and no other form.
func (p *sqlPrinter) derived(f ir.Field, s scalar, depth int, body func(scalar) (cond, error)) (cond, error) {
	t, guard, ok := p.time(s)
	if !ok {
		return constant(false), nil
	}
	d := f.Derive
	if d.Kind != ir.Duration {
		n, ok := p.d.part(t, *d)
		if !ok {
			return cond{}, p.refuse("the %s in the zone %s is not supported", d.Kind, d.Zone)
		}
		c, err := body(scalar{expr: n, typ: ir.TypeLong, kinds: numberKind})
		return allOf(guard, c), err
	}
	since := ir.Field{Path: *d.Since}
	if d.From != nil {
		since = *d.From
	} else if depth == 0 && p.target.Event == "" {
		since.ColumnType = ir.TypeDatetime
		if len(*d.Since) > 1 {
			since.ColumnType = ir.TypeUnknown
		}
	}
	c, err := p.scalars(since, depth, func(from scalar) (cond, error) {
		u, guard, ok := p.time(from)
		if !ok {
			return constant(false), nil
		}
		n := "((" + p.d.micros(t) + " - " + p.d.micros(u) + ") / 1000000.0"
		if d.Unit != 1 {
			n += " / " + strconv.FormatInt(d.Unit, 10)
		}
		c, err := body(scalar{expr: n + ")", typ: ir.TypeReal, kinds: numberKind})
		return allOf(guard, c), err
	})
	return allOf(guard, c), err
}

// time is a scalar as a time.
func (p *sqlPrinter) time(s scalar) (t string, guard cond, ok bool) {
	switch {
	case s.kinds == timeKind:
		return s.expr, cond{}, true
	case s.kinds&textKind == 0:
		return "", cond{}, false
	}
	guard = p.kindOf(s, textKind)
	x := p.text(s)
	if s.at != nil { // not relying on the guard to come first
		x = "CASE WHEN " + guard.text + " THEN " + x + " END"
		return p.d.timeOf("(" + x + ")"), constant(true), true
	}
	return p.d.timeOf(x), constant(true), true
}
