package kusto

import (
	"math"
	"slices"
)

// What aggregations keep of the rows of a group, and give at its end.

// accumulator takes the rows of a group and then gives the values.
type accumulator interface {
	add(e *env)
	give(to []Value)
}

type filtered struct {
	pred *expr
	accumulator
}

func (f *filtered) add(e *env) {
	if f.pred.eval(e) == true {
		f.accumulator.add(e)
	}
}

type counter struct {
	pred *expr
	n    int64
}

func (c *counter) add(e *env) {
	if c.pred == nil || c.pred.eval(e) == true {
		c.n++
	}
}

func (c *counter) give(to []Value) { to[0] = c.n }

type distinctCount struct {
	v    *expr
	seen map[string]bool
}

func (d *distinctCount) add(e *env) {
	if v := d.v.eval(e); v != nil {
		d.seen[string(appendKey(nil, v))] = true
	}
}

func (d *distinctCount) give(to []Value) { to[0] = int64(len(d.seen)) }

type sumWhole struct {
	v    *expr
	span bool
	n    int64
}

func (s *sumWhole) add(e *env) {
	switch v := s.v.eval(e).(type) {
	case nil:
	case Timespan:
		s.n += int64(v)
	default:
		s.n += whole(v)
	}
}

func (s *sumWhole) give(to []Value) {
	if to[0] = s.n; s.span {
		to[0] = Timespan(s.n)
	}
}

type sumReal struct {
	v *expr
	f float64
}

func (s *sumReal) add(e *env) {
	if v := s.v.eval(e); v != nil {
		s.f += number(v)
	}
}

func (s *sumReal) give(to []Value) { to[0] = s.f }

type mean struct {
	v    *expr
	span bool
	sum  float64
	n    int64
}

func (m *mean) add(e *env) {
	switch v := m.v.eval(e).(type) {
	case nil:
		return
	case Timespan:
		m.sum += float64(v)
	default:
		m.sum += number(v)
	}
	m.n++
}

func (m *mean) give(to []Value) {
	switch {
	case !m.span:
		to[0] = m.sum / float64(m.n) // NaN of nothing
	case m.n > 0:
		to[0] = Timespan(math.Round(m.sum / float64(m.n)))
	}
}

type extreme struct {
	v    *expr
	sign int
	best Value
	any  bool
}

func (x *extreme) add(e *env) {
	if v := x.v.eval(e); v != nil && (!x.any || compare(v, x.best)*x.sign > 0) {
		x.best, x.any = v, true
	}
}

func (x *extreme) give(to []Value) {
	if to[0] = x.best; x.best == nil {
		to[0] = null(x.v.typ)
	}
}

type lister struct {
	v     *expr
	limit int
	nulls bool
	out   []any
}

func (l *lister) add(e *env) {
	if v := l.v.eval(e); (v != nil || l.nulls) && len(l.out) < l.limit {
		l.out = append(l.out, toDynamic(v))
	}
}

func (l *lister) give(to []Value) {
	if l.out == nil {
		l.out = []any{}
	}
	to[0] = l.out
}

// setter collects distinct values; an array gives its elements.
type setter struct {
	v     *expr
	limit int
	seen  map[string]bool
	out   []any
}

func (s *setter) add(e *env) {
	switch v := s.v.eval(e).(type) {
	case nil:
	case []any:
		for _, x := range v {
			s.one(x)
		}
	default:
		s.one(toDynamic(v))
	}
}

func (s *setter) one(v Value) {
	k := setKey(v)
	if !s.seen[k] && len(s.out) < s.limit {
		s.seen[k] = true
		s.out = append(s.out, v)
	}
}

func (s *setter) give(to []Value) {
	if s.out == nil {
		s.out = []any{}
	}
	to[0] = s.out
}

type bagger struct {
	v     *expr
	limit int
	out   map[string]any
}

func (b *bagger) add(e *env) {
	m, ok := b.v.eval(e).(map[string]any)
	if !ok {
		return
	}
	if b.out == nil {
		b.out = map[string]any{}
	}
	for _, k := range sortedKeys(m) {
		if _, has := b.out[k]; !has && len(b.out) < b.limit {
			b.out[k] = m[k]
		}
	}
}

func (b *bagger) give(to []Value) {
	if b.out == nil { // the table of defaults gives an empty array
		to[0] = []any{}
		return
	}
	to[0] = b.out
}

// anyOne takes the first value that is neither null nor empty.
type anyOne struct {
	v    *expr
	best Value
}

func (a *anyOne) add(e *env) {
	if a.best == nil || a.best == "" {
		a.best = a.v.eval(e)
	}
}

func (a *anyOne) give(to []Value) {
	if to[0] = a.best; a.best == nil {
		to[0] = null(a.v.typ)
	}
}

type firstRow struct {
	vals []*expr
	row  []Value
}

func (f *firstRow) add(e *env) {
	if f.row == nil {
		f.row = evalAll(f.vals, e)
	}
}

func (f *firstRow) give(to []Value) { giveAll(to, f.vals, f.row) }

func evalAll(xs []*expr, e *env) []Value {
	out := make([]Value, len(xs))
	for i, x := range xs {
		out[i] = x.eval(e)
	}
	return out
}

func giveAll(to []Value, xs []*expr, row []Value) {
	for i, x := range xs {
		if row == nil {
			to[i] = null(x.typ)
		} else {
			to[i] = row[i]
		}
	}
}

// extremeRow is arg_max and arg_min: a null loses to every value, and of equal
// rows the first stays.
type extremeRow struct {
	vals []*expr
	sign int
	row  []Value
}

func (x *extremeRow) add(e *env) {
	v := x.vals[0].eval(e)
	if x.row == nil || v != nil && (x.row[0] == nil || compare(v, x.row[0])*x.sign > 0) {
		x.row = evalAll(x.vals, e)
	}
}

func (x *extremeRow) give(to []Value) { giveAll(to, x.vals, x.row) }

// ranks is the exact nearest-rank percentile.
type ranks struct {
	v   *expr
	p   []float64
	all []Value
}

func (r *ranks) add(e *env) {
	if v := r.v.eval(e); v != nil {
		r.all = append(r.all, v)
	}
}

func (r *ranks) give(to []Value) {
	slices.SortFunc(r.all, compare)
	for i, p := range r.p {
		to[i] = nil
		if n := len(r.all); n > 0 {
			to[i] = r.all[max(0, int(math.Ceil(p*float64(n)/100))-1)]
		}
	}
}
