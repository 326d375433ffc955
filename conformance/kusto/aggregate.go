package kusto

import (
	"slices"
	"strings"
)

// aggregationNames are the aggregations of the subset by name, with the
// prefix that names their column.
var aggregationNames = map[string]string{
	"count": "count_", "countif": "countif_", "count_distinct": "count_distinct_", "count_distinctif": "count_distinctif_",
	"sum": "sum_", "sumif": "sumif_", "avg": "avg_", "avgif": "avgif_",
	"min": "min_", "max": "max_", "minif": "minif_", "maxif": "maxif_",
	"make_list": "list_", "make_list_if": "list_", "make_list_with_nulls": "list_", "make_set": "set_", "make_set_if": "set_",
	"make_bag": "bag_", "make_bag_if": "bag_", "take_any": "", "take_anyif": "",
	"arg_max": "", "arg_min": "", "percentile": "percentile_", "percentiles": "percentile_",
}

// multiple are the aggregations that may give several columns.
var multiple = map[string]bool{"arg_max": true, "arg_min": true, "take_any": true, "percentiles": true}

var estimates = map[string]bool{"dcount": true, "dcountif": true, "hll": true, "hll_if": true, "tdigest": true}

func isAggregate(name string) bool {
	_, ok := aggregationNames[name]
	return ok || estimates[name]
}

// conditional are the aggregations whose argument after the expression is a
// predicate.
var conditional = map[string]string{
	"count_distinctif": "count_distinct", "sumif": "sum", "avgif": "avg", "minif": "min", "maxif": "max",
	"make_list_if": "make_list", "make_set_if": "make_set", "make_bag_if": "make_bag", "take_anyif": "take_any",
}

// call binds an aggregation that gives one value.
func (a *aggregates) call(b *binder, x *callNode, s *scope, r *rowScope) *expr {
	if estimates[x.name] {
		refuse(x.at(), "%s(), an estimate; count_distinct() counts exactly", x.name)
	}
	args := a.bind(b, x.args, s, r)
	prefix := aggregationNames[x.name]
	c := &call{b: b, pos: x.at(), name: x.name, nodes: x.args, args: args}
	if x.name == "count" || x.name == "countif" {
		var pred *expr
		name := "count_"
		if x.name == "countif" {
			b.arity(x, 1, 1)
			pred, name = b.boolean(x.at(), "countif()", args[0]), "countif_"+args[0].name
		} else {
			b.arity(x, 0, 0)
		}
		return slotExpr(TypeLong, a.add(1, func() accumulator { return &counter{pred: pred} }), name)
	}
	if len(args) == 0 {
		fail(x.at(), "%s() needs an argument", x.name)
	}
	kind := x.name
	var pred *expr
	if plain, ok := conditional[kind]; ok {
		if len(args) < 2 {
			fail(x.at(), "%s() needs a predicate", x.name)
		}
		kind, pred = plain, b.boolean(c.argPos(1), x.name+"()", args[1])
		args = append([]*expr{args[0]}, args[2:]...)
	}
	v := args[0]
	t, mk := c.accumulator(kind, v, args[1:])
	name := prefix + v.name
	if kind == "percentile" {
		name += "_" + strings.ReplaceAll(b.c.text(args[1].val), ".", "_")
	}
	return slotExpr(t, a.add(1, func() accumulator {
		acc := mk()
		if pred != nil {
			return &filtered{pred, acc}
		}
		return acc
	}), name)
}

// accumulator is what makes the accumulators of an aggregation of v.
func (c *call) accumulator(kind string, v *expr, more []*expr) (Type, func() accumulator) {
	limit := maxElement
	most := 0
	if kind == "make_list" || kind == "make_set" || kind == "make_bag" || kind == "make_list_with_nulls" || kind == "percentile" {
		most = 1
	}
	if len(more) > most {
		fail(c.pos, "%s() has too many arguments", c.name)
	}
	if most == 1 && kind != "percentile" && len(more) == 1 {
		if !more[0].konst || !more[0].typ.integer() || more[0].val == nil || whole(more[0].val) < 1 {
			fail(c.pos, "the maximal size of %s() is a constant whole number", c.name)
		}
		limit = int(min(whole(more[0].val), maxElement))
	}
	orderable := v.typ.number() || v.typ == TypeDatetime || v.typ == TypeTimespan
	switch kind {
	case "count_distinct":
		if v.typ == TypeDynamic {
			break
		}
		return TypeLong, func() accumulator { return &distinctCount{v: v, seen: map[string]bool{}} }
	case "sum":
		switch {
		case v.typ.integer():
			return TypeLong, func() accumulator { return &sumWhole{v: v} }
		case v.typ == TypeReal:
			return TypeReal, func() accumulator { return &sumReal{v: v} }
		case v.typ == TypeTimespan:
			return TypeTimespan, func() accumulator { return &sumWhole{v: v, span: true} }
		}
	case "avg":
		switch {
		case v.typ.number():
			return TypeReal, func() accumulator { return &mean{v: v} }
		case v.typ == TypeTimespan:
			return TypeTimespan, func() accumulator { return &mean{v: v, span: true} }
		}
	case "min", "max":
		if orderable || v.typ == TypeString || v.typ == TypeBool {
			sign := 1
			if kind == "min" {
				sign = -1
			}
			return v.typ, func() accumulator { return &extreme{v: v, sign: sign} }
		}
	case "make_list", "make_list_with_nulls":
		return TypeDynamic, func() accumulator { return &lister{v: v, limit: limit, nulls: kind != "make_list"} }
	case "make_set":
		return TypeDynamic, func() accumulator { return &setter{v: v, limit: limit, seen: map[string]bool{}} }
	case "make_bag":
		if v.typ == TypeDynamic {
			return TypeDynamic, func() accumulator { return &bagger{v: v, limit: limit} }
		}
	case "take_any":
		return v.typ, func() accumulator { return &anyOne{v: v} }
	case "percentile":
		if orderable && len(more) == 1 {
			p := c.percent(more[0])
			v = widen64(v)
			return v.typ, func() accumulator { return &ranks{v: v, p: []float64{p}} }
		}
	}
	fail(c.pos, "%s() does not take %s", c.name, v.typ)
	return 0, nil
}

// widen64 is an int as a long.
func widen64(e *expr) *expr {
	if e.typ == TypeInt {
		return widen(e, TypeLong)
	}
	return e
}

func (c *call) percent(e *expr) float64 {
	if !e.konst || !e.typ.number() || e.val == nil || !(number(e.val) >= 0 && number(e.val) <= 100) {
		fail(c.pos, "a percentile is a constant number from 0 to 100")
	}
	return number(e.val)
}

// several binds an aggregation that may give several columns, with the names
// they have if they are not named.
func (a *aggregates) several(b *binder, x *callNode, it item, s *scope, r *rowScope, keys []column) ([]column, []*expr) {
	c := &call{b: b, pos: x.at(), name: x.name, nodes: x.args}
	var vals []*expr
	var cols []column
	star := func() {
		a.inside = true
		defer func() { a.inside = false }()
		for i, col := range r.cols {
			skip := slices.ContainsFunc(keys, func(k column) bool { return k.id == col.id && k.Name == col.Name })
			for _, v := range vals {
				skip = skip || v.id == col.id
			}
			if !skip {
				vals = append(vals, r.column(x.at(), i))
			}
		}
	}
	if len(x.args) == 0 {
		fail(x.at(), "%s() needs an argument", x.name)
	}
	for i, n := range x.args {
		if _, ok := n.(*starNode); ok && x.name != "percentiles" && (i == 1 || x.name == "take_any") && i == len(x.args)-1 {
			star()
			continue
		}
		vals = append(vals, a.bind(b, []node{n}, s, r)...)
	}
	if x.name == "percentiles" {
		v := widen64(vals[0])
		if !(v.typ.number() || v.typ == TypeDatetime || v.typ == TypeTimespan) || len(vals) < 2 {
			fail(x.at(), "percentiles() takes an expression of numbers or times and percentiles")
		}
		var ps []float64
		for _, p := range vals[1:] {
			ps = append(ps, c.percent(p))
			cols = append(cols, column{Column{"percentile_" + v.name + "_" + strings.ReplaceAll(b.c.text(p.val), ".", "_"), v.typ}, b.newID()})
		}
		vals = nil
		slot := a.add(len(ps), func() accumulator { return &ranks{v: v, p: ps} })
		for i := range ps {
			vals = append(vals, slotExpr(v.typ, slot+i, ""))
		}
		return nameThem(it, cols, x), vals
	}
	for _, v := range vals {
		id := v.id
		if id == 0 {
			id = b.newID()
		}
		name := v.name
		if name == "" && len(cols) == 0 && x.name != "take_any" {
			name = x.name[len("arg_"):] + "_"
		}
		cols = append(cols, column{Column{name, v.typ}, id})
	}
	var mk func() accumulator
	switch {
	case x.name == "take_any" && len(vals) == 1:
		mk = func() accumulator { return &anyOne{v: vals[0]} }
	case x.name == "take_any":
		mk = func() accumulator { return &firstRow{vals: vals} }
	default:
		t := vals[0].typ
		if !t.number() && t != TypeDatetime && t != TypeTimespan && t != TypeString && t != TypeBool {
			fail(x.at(), "%s() does not order %s", x.name, t)
		}
		sign := 1
		if x.name == "arg_min" {
			sign = -1
		}
		mk = func() accumulator { return &extremeRow{vals: vals, sign: sign} }
	}
	slot := a.add(len(vals), mk)
	xs := make([]*expr, len(vals))
	for i, v := range vals {
		xs[i] = slotExpr(v.typ, slot+i, "")
	}
	return nameThem(it, cols, x), xs
}

func nameThem(it item, cols []column, x *callNode) []column {
	if len(it.names) > len(cols) {
		fail(it.pos, "%s() gives %d columns, not %d", x.name, len(cols), len(it.names))
	}
	for i, n := range it.names {
		cols[i].Name = n
	}
	return cols
}
