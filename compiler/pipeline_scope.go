package compiler

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// mapping is all that a pipeline says of the names of one table, put together:
// what its file says, what the table's schema says, what names fold to.
type mapping struct {
	pipeline *Pipeline
	table    string
	time, id string
	messages []string
	schema   *tableSchema // nil: no schema, every name is taken as it is
	strict   bool         // a name that is nowhere is no column
	root     ir.Path      // where names without a path are
	rest     string       // the column whose keys other names are
	function bool
	source   string // what shows the keys inside columns
	camel    bool   // and begin with a small letter

	fields map[string]*mappedField // by canonical name
	folded map[string]string       // folded -> canonical
	// parents counts the fields with a path of their own below a name.
	parents map[string]bool
	loose   map[string]ir.Path // aliases
	looseFo map[string]string
}

type mappedField struct {
	name     string // canonical
	path     ir.Path
	own      bool // the path is its own, not its parent's with the name behind it
	typ      ir.Type
	column   string
	template bool // the name ends in .*
	said     bool // a file names it
	none     bool // the target does not have it
	join     *ir.Join
	source   string
}

// mapping returns the names of a table. p.mu is held.
func (p *Pipeline) mapping(table string, aliases map[string]aliasEntry) *mapping {
	if m := p.maps[table]; m != nil && len(aliases) == 0 {
		return m
	}
	te := p.tables[table]
	if te == nil {
		te = &tableEntry{}
	}
	m := &mapping{pipeline: p, table: table, time: cmp.Or(te.time, p.time), id: cmp.Or(te.id, p.id), messages: te.messages,
		root: p.root, camel: p.camel || te.camel, rest: te.rest, function: te.function, source: te.source,
		fields: map[string]*mappedField{}, folded: map[string]string{}, parents: map[string]bool{},
		loose: map[string]ir.Path{}, looseFo: map[string]string{}}
	if te.root != nil { // a place of its own has a spelling of its own
		m.root, m.camel = *te.root, te.camel
	}
	if m.schema = p.schema(table); m.schema != nil {
		m.strict = m.schema.complete
	} else if len(te.columns) > 0 {
		m.strict = true
	}
	if len(te.columns) > 0 {
		s := newTableSchema(table)
		if m.schema != nil {
			s.page, s.trust = m.schema.page, m.schema.trust
			for n, t := range m.schema.columns {
				s.add(n, t)
			}
		}
		for n, t := range te.columns {
			s.add(n, t)
		}
		m.schema = s
	}

	m.strict = m.strict && !te.open

	names := map[string]fieldEntry{}
	if m.schema != nil {
		for n := range m.schema.columns {
			names[n] = fieldEntry{}
		}
	}
	for n, f := range p.fields {
		head, _, _ := strings.Cut(n, ".")
		if c, _, ok := m.schema.column(head); ok && c == head || m.schema == nil {
			names[n] = f
		}
	}
	for n, f := range te.fields {
		names[n] = f.over(names[n])
	}
	// Parents first: a name without a path is below its parent's.
	ordered := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "."), strings.Count(b, ".")), cmp.Compare(a, b))
	})
	for _, n := range ordered {
		m.add(n, names[n])
	}
	m.spreadLists(names)
	for _, as := range []map[string]aliasEntry{p.aliases, te.aliases, aliases} {
		for n, a := range as {
			m.loose[n] = a.path
		}
	}
	for _, n := range slices.Sorted(maps.Keys(m.loose)) {
		if f := foldName(n); m.looseFo[f] == "" {
			m.looseFo[f] = n
		}
	}
	if len(aliases) == 0 {
		if p.maps == nil {
			p.maps = map[string]*mapping{}
		}
		p.maps[table] = m
	}
	return m
}

func (m *mapping) add(name string, e fieldEntry) {
	f := &mappedField{name: name, typ: e.typ, column: e.column, template: strings.HasSuffix(name, ".*"), said: e.said, none: e.none, join: e.join, source: e.source}
	head, _, _ := strings.Cut(name, ".")
	parent, rest := m.parent(name)
	switch {
	case e.none:
		f.path, f.own = ir.Path{{Key: name + notIn + m.target() + ")"}}, true
	case e.path != nil && e.below && parent != nil:
		f.path, f.own = behind(parent.path, *e.path), true
	case e.path != nil:
		f.path, f.own = slices.Clone(*e.path), true
	case parent != nil:
		f.path = appendKeys(parent.path, rest)
	default:
		f.path = m.place(strings.Split(name, "."))
	}
	known := 0 // steps of which the parent says what they hold
	if parent != nil {
		for known < min(len(f.path), len(parent.path)) && hasPrefix(f.path[known:], parent.path[known:known+1]) {
			json := f.path[known].JSON
			f.path[known] = parent.path[known]
			f.path[known].JSON = f.path[known].JSON || json
			known++
		}
		f.source = cmp.Or(f.source, parent.source)
	}
	if f.column == "" {
		if c, _, ok := m.schema.column(head); ok && m.isColumn(f.path, c) {
			f.column = c
		}
	}
	if f.typ == ir.TypeUnknown {
		if c, t, ok := m.schema.column(name); ok && c == name {
			f.typ = t
		}
	}
	if f.typ == ir.TypeJSON && len(f.path) > 0 {
		f.path[len(f.path)-1].JSON = true
	}
	m.single(f, known, e)
	if f.join != nil {
		f.column, f.join = name, m.typed(f.join)
	}
	m.fields[name] = f
	if fo := foldName(name); m.folded[fo] == "" {
		m.folded[fo] = name
	}
	if f.own {
		for n := name; ; {
			i := strings.LastIndexByte(n, '.')
			if i < 0 {
				break
			}
			n = n[:i]
			if above := m.fields[n]; above != nil && above.holds(f.path) {
				break
			}
			m.parents[n] = true
		}
	}
}

// typed returns a join with the types of its columns.
func (m *mapping) typed(j *ir.Join) *ir.Join {
	parts := slices.Clone(j.Parts)
	for i := range parts {
		parts[i].Type = ir.TypeString
		if _, t, ok := m.schema.column(parts[i].Column); ok {
			parts[i].Type = t
		}
	}
	return &ir.Join{Parts: parts, By: j.By}
}

// single marks the steps of a field's path behind the known ones that never
// hold a list: keys that a file names without `list: true`, and columns of a
// scalar type. Of a step with a position or selector nothing is said: what it
// picks from is a list.
func (m *mapping) single(f *mappedField, known int, e fieldEntry) {
	n := len(f.path)
	for i := known; i < n; i++ {
		s := &f.path[i]
		s.Single = e.said && !e.none && !s.HasPosition && s.Where.Key == "" && !(e.list && i == n-1)
	}
	if n == 1 && known == 0 && !e.said && m.isColumn(f.path, f.name) {
		_, t, ok := m.schema.column(f.name)
		f.path[0].Single = ok && t != ir.TypeJSON && t != ir.TypeUnknown
	}
}

// spreadLists makes the keys of fields that a file calls lists lists in every
// path that leads through them.
func (m *mapping) spreadLists(names map[string]fieldEntry) {
	lists := map[string]bool{}
	for n, e := range names {
		if f := m.fields[n]; e.list {
			lists[keysText(f.path)] = true
		}
	}
	if len(lists) == 0 {
		return
	}
	for _, f := range m.fields {
		for i := range f.path {
			if lists[keysText(f.path[:i+1])] {
				f.path[i].Single = false
			}
		}
	}
}

// keysText writes the keys of a path.
func keysText(p ir.Path) string {
	keys := make([]string, len(p))
	for i, s := range p {
		keys[i] = s.Key
	}
	return strings.Join(keys, "\x00")
}

// place returns where a name without a path of its own is.
func (m *mapping) place(keys []string) ir.Path {
	p := appendKeys(m.root, keys)
	if m.camel {
		// A name may begin with a dot, which leaves its first key empty.
		k := &p[len(m.root)].Key
		if first, size := utf8.DecodeRuneInString(*k); size > 0 {
			*k = string(unicode.ToLower(first)) + (*k)[size:]
		}
	}
	return p
}

// holds reports whether a path leads into the field, or into one element of it.
func (f *mappedField) holds(path ir.Path) bool {
	n := len(f.path)
	if n == 0 || len(path) < n {
		return false
	}
	path = slices.Clone(path[:n])
	path[n-1].Where, path[n-1].HasPosition, path[n-1].Position = f.path[n-1].Where, f.path[n-1].HasPosition, f.path[n-1].Position
	return hasPrefix(path, f.path)
}

// isColumn reports whether a path starts at the table's column of that name.
func (m *mapping) isColumn(path ir.Path, column string) bool {
	return m.pipeline.form == "" || len(path) > 0 && path[0].Key == column
}

// notIn is in the key of a field that a pipeline says its form does not have,
// behind the field's name.
const notIn = " (not in "

// Absent reports whether a pipeline says that events of its form do not have a
// field of a lowered rule. A query target refuses a rule with such a field; an
// event form lowers it, and the field is absent in every event.
func Absent(f ir.Field) bool {
	return len(f.Path) > 0 && strings.Contains(f.Path[0].Key, notIn) && strings.HasSuffix(f.Path[0].Key, ")")
}

func (m *mapping) target() string {
	if m.pipeline.form != "" {
		return string(m.pipeline.form)
	}
	return m.pipeline.name
}

// parent returns the field with the longest name that name is below, and the
// keys behind it.
func (m *mapping) parent(name string) (*mappedField, []string) {
	for i := strings.LastIndexByte(name, '.'); i > 0; i = strings.LastIndexByte(name[:i], '.') {
		if f := m.fields[name[:i]]; f != nil {
			return f, strings.Split(name[i+1:], ".")
		}
	}
	return nil, nil
}

// find returns the field with the longest name that the keys start with and
// that has more than min keys; n is how many. Exact case comes before folded
// case. inside is the name of the element that one is looking at: its own
// template was used on the way in.
func (m *mapping) find(keys []string, min int, inside string) (f *mappedField, n int) {
	for n = len(keys); n > min; n-- {
		name := strings.Join(keys[:n], ".")
		if f = m.fields[name]; f == nil {
			f = m.fields[m.folded[foldName(name)]]
		}
		if f != nil && !f.template {
			return f, n
		}
		if n < 2 {
			continue
		}
		parent := strings.Join(keys[:n-1], ".")
		if parent == inside {
			continue
		}
		if f = m.fields[parent+".*"]; f == nil {
			f = m.fields[m.folded[foldName(parent+".*")]]
		}
		if f != nil {
			return f.fill(keys[n-1]), n
		}
	}
	return nil, 0
}

// fill puts a key in the place of a template's star.
func (f *mappedField) fill(key string) *mappedField {
	g := *f
	g.name = strings.TrimSuffix(f.name, "*") + key
	g.path = slices.Clone(f.path)
	g.template = false
	for i := range g.path {
		if g.path[i].Key == "*" {
			g.path[i].Key = key
		}
		if g.path[i].Where.Value == "*" {
			g.path[i].Where.Value = key
		}
	}
	return &g
}

// alias returns what the longest loose name stands for that the keys start
// with; n is how many keys that is. exact: in exactly this case.
func (m *mapping) alias(keys []string) (to ir.Path, n int, exact bool) {
	for n = len(keys); n > 0; n-- {
		name := strings.Join(keys[:n], ".")
		if to, ok := m.loose[name]; ok {
			return to, n, true
		}
		if name := m.looseFo[foldName(name)]; name != "" {
			return m.loose[name], n, false
		}
	}
	return nil, 0, false
}

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
		p.typ = f.typ
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
		out.typ, out.scope = p.typ, p.scope
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
	out := ir.Field{Name: f.Name, Path: ir.Path{}.Join(p.rel), Type: p.typ, Column: p.column}
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

func (m *mapping) nearest(name string) []string {
	if n := sigma.Nearest(name, m.known()); n != "" {
		return []string{n}
	}
	return nil
}

// known returns every name that can be meant at the top of an event.
func (m *mapping) known() []string {
	out := slices.Collect(maps.Keys(m.fields))
	out = append(out, slices.Collect(maps.Keys(m.loose))...)
	slices.Sort(out)
	return out
}

// withoutAliases returns m for looking up what an alias stands for.
func (m *mapping) withoutAliases() *mapping {
	c := *m
	c.loose, c.looseFo = nil, nil
	return &c
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
