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
	mixed    bool // it holds other things, too
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
	f := &mappedField{name: name, typ: e.typ, column: e.column, template: strings.HasSuffix(name, ".*"), said: e.said, none: e.none, join: e.join, source: e.source, mixed: e.mixed}
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
