package compiler

import (
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// scope is where names are looked up: at the top of an event, or in an element
// of a list.
type scope struct {
	names *mapping // nil: names are taken as they are
	inner bool     // in an element
	base  string   // the element's canonical name
	path  ir.Path  // where the pipeline has the element, from the event, one step a key
	typ   ir.Type  // of the element itself
}

// anyScope looks up names without a pipeline.
func anyScope() scope { return scope{} }

// unknownField is a name that is no column of the table.
type unknownField struct {
	name    string
	table   string
	nearest []string // the columns with the nearest names, best first; may be empty
}

// place is where a name leads.
type place struct {
	scope           // of the elements there
	rel     ir.Path // from the scope that the name was looked up in, one step a key
	join    *ir.Join
	typ     ir.Type
	column  string
	mixed   bool
	unknown *unknownField
}

// lookup finds the place of a name without positions.
func (s scope) lookup(name string, forElements bool) place {
	if name == "." {
		return place{scope: s, typ: s.typ}
	}
	keys := strings.Split(name, ".")
	m := s.names
	if m == nil {
		return place{scope: scope{inner: true}, rel: appendKeys(nil, keys)}
	}
	full, min := keys, 0
	if s.inner {
		if s.base == "" { // an element of something that the pipeline does not know
			return place{scope: s, rel: appendKeys(nil, keys)}
		}
		base := strings.Split(s.base, ".")
		full, min = append(base, keys...), len(base)
	}
	f, n := m.find(full, min, s.base)
	if !s.inner {
		to, an, exact := m.alias(keys)
		if an > 0 && (f == nil || an > n || an == n && (exact || f.name != strings.Join(keys[:n], "."))) {
			return s.through(to, keys[an:], name)
		}
	}
	if forElements && m.parents[strings.Join(full, ".")] && (f == nil || n < len(full) || !f.own) {
		// The name itself is nowhere, what is below it is: stay where we are.
		return place{scope: scope{names: m, inner: true, base: strings.Join(full, "."), path: s.path}}
	}
	if f == nil && !s.inner && m.rest != "" {
		if _, _, isColumn := m.schema.column(keys[0]); !isColumn {
			base := strings.Split(m.rest, ".")
			full, min = append(base, keys...), len(base)
			if f, n = m.find(full, min, ""); f == nil {
				f, n = m.fields[m.rest], min
			}
		}
	}
	if f == nil {
		if s.inner {
			return place{rel: appendKeys(nil, keys),
				scope: scope{names: m, inner: true, base: strings.Join(full, "."), path: appendKeys(s.path, keys)}}
		}
		p := place{rel: m.place(keys)}
		p.scope = scope{names: m, inner: true, base: name, path: p.rel}
		if c, typ, ok := m.schema.column(keys[0]); ok {
			p.column, p.typ = c, typ
		} else if m.strict {
			p.unknown = &unknownField{name: name, table: m.table, nearest: m.nearest(name)}
		}
		return p
	}
	p := place{column: f.column, join: f.join}
	if f.none && m.pipeline.form == "" || f.join != nil && n < len(full) {
		p.unknown = &unknownField{name: name, table: m.table}
	}
	abs := appendKeys(f.path, full[n:])
	if n == len(full) {
		p.typ, p.mixed = f.typ, f.mixed
	}
	p.scope = scope{names: m, inner: true, base: strings.Join(append([]string{f.name}, full[n:]...), "."), path: abs}
	if p.typ == ir.TypeIP {
		p.scope.typ = p.typ
	}
	if s.inner && !hasPrefix(abs, s.path) {
		// The pipeline has it elsewhere: below the element it is not.
		p.rel = appendKeys(nil, full[min:])
		return p
	}
	p.rel = abs
	if s.inner {
		p.rel, p.column = abs[len(s.path):], ""
	}
	return p
}

// through looks up what an alias stands for, then the keys behind it.
func (s scope) through(to ir.Path, rest []string, name string) place {
	plain := scope{names: s.names.withoutAliases(), inner: s.inner, base: s.base, path: s.path}
	f := sigma.Field{Name: name}
	var where []ir.Where
	step := sigma.FieldStep{Index: -1}
	flush := func(w ir.Where) {
		f.Steps = append(f.Steps, step)
		where = append(where, w)
		step = sigma.FieldStep{Index: -1}
	}
	for _, st := range to {
		if step.Name != "" && st.Key != "" {
			step.Name += "."
		}
		step.Name += st.Key
		if st.HasPosition {
			step.Index = st.Position
		}
		if st.HasPosition || st.Where.Key != "" {
			flush(st.Where)
		}
	}
	if len(rest) > 0 {
		if step.Name != "" {
			step.Name += "."
		}
		step.Name += strings.Join(rest, ".")
	}
	if step.Name != "" {
		flush(ir.Where{})
	}
	p := plain.walk(f, where, false)
	p.scope.names = s.names
	return p
}

// walk looks up a name step by step; where holds a selector for each step or is
// nil.
func (s scope) walk(f sigma.Field, where []ir.Where, forElements bool) place {
	steps := f.Steps
	if len(steps) == 0 {
		steps = []sigma.FieldStep{{Name: f.Name, Index: -1}}
	}
	var out place
	cur := s
	for i, st := range steps {
		p := place{scope: cur}
		if st.Name != "" {
			p = cur.lookup(st.Name, forElements && i == len(steps)-1)
		}
		if st.Index >= 0 || i < len(where) && where[i].Key != "" {
			last := ir.Step{}
			if n := len(p.rel); n > 0 && !p.rel[n-1].HasPosition && p.rel[n-1].Where.Key == "" {
				last, p.rel = p.rel[n-1], slices.Clone(p.rel[:n-1])
			}
			if st.Index >= 0 {
				last.HasPosition, last.Position = true, st.Index
			} else {
				last.Where = where[i]
				key := p.scope.lookup(where[i].Key, false)
				if len(key.rel) == 1 {
					last.Where.Key = key.rel[0].Key
				}
			}
			p.rel = append(p.rel, last)
		}
		out.rel = append(slices.Clip(out.rel), p.rel...)
		out.typ, out.mixed, out.scope = p.typ, p.mixed, p.scope
		if i == 0 {
			out.column, out.unknown, out.join = p.column, p.unknown, p.join
		}
		cur = p.scope
	}
	return out
}

// field finds the place that a rule's field name means. An empty name means
// every scalar of the event.
func (s scope) field(f sigma.Field) (ir.Field, *unknownField) {
	if f.Name == "" {
		return ir.Field{Leaves: true}, nil
	}
	p := s.walk(f, nil, false)
	return p.field(f), p.unknown
}

// element finds the list that a list block is about, and the scope of the names
// inside.
func (s scope) element(f sigma.Field) (over ir.Field, inner scope, unknown *unknownField) {
	p := s.walk(f, nil, true)
	return p.field(f), p.scope, p.unknown
}

func (p place) field(f sigma.Field) ir.Field {
	out := ir.Field{Name: f.Name, Path: ir.Path{}.Join(p.rel), Type: p.typ, Column: p.column, Mixed: p.mixed}
	if p.column != "" {
		_, out.ColumnType, _ = p.names.schema.column(p.column)
	}
	if p.join != nil {
		out.Join, out.ColumnType = p.join, ir.TypeString
	}
	for i := range out.Path {
		out.Path[i].Single = false // is said of Stored, so that paths stay comparable
	}
	if p.names != nil {
		out.Stored = slices.Clone(p.rel)
		if p.column != "" && p.names.pipeline.form == "" && len(out.Stored) > 0 {
			out.Stored[0].Key = p.column
		}
	}
	return out
}

func appendKeys(p ir.Path, keys []string) ir.Path {
	out := make(ir.Path, len(p), len(p)+len(keys))
	copy(out, p)
	for _, k := range keys {
		out = append(out, ir.Step{Key: k})
	}
	return out
}

// behind returns p followed by q, whose first step may be a bare position or
// selector of what p leads to.
func behind(p, q ir.Path) ir.Path {
	out := slices.Concat(p, q)
	if n := len(p); n > 0 && len(q) > 0 && q[0].Key == "" && !p[n-1].HasPosition && p[n-1].Where.Key == "" {
		last := p[n-1]
		last.HasPosition, last.Position, last.Where = q[0].HasPosition, q[0].Position, q[0].Where
		out = slices.Concat(p[:n-1], ir.Path{last}, q[1:])
	}
	return out
}

// hasPrefix reports whether p starts with q, whatever is known of JSON.
func hasPrefix(p, q ir.Path) bool {
	if len(p) < len(q) {
		return false
	}
	for i, s := range q {
		t := p[i]
		s.JSON, t.JSON, s.Single, t.Single = false, false, false, false
		if s != t {
			return false
		}
	}
	return true
}
