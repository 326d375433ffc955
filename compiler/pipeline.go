package compiler

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Pipeline says where a target keeps a logsource's events and what it calls
// their fields. A target is an event form, for evaluation in the process, or
// the tables of a query engine. docs/pipeline.md describes the file.
//
// A Pipeline is immutable and safe for concurrent use. It has no code, no state
// and no order: two files that say the same in another order are the same.
type Pipeline struct {
	name        string
	description string
	form        event.Form
	schemas     string
	root        ir.Path
	camel       bool
	time, id    string
	fields      map[string]fieldEntry // of every table
	products    []string              // whose services may be names of tables
	carries     map[string]bool       // nil: every table
	entries     []sourceEntry
	tables      map[string]*tableEntry
	aliases     map[string]aliasEntry
	values      map[string][]sigma.Value // placeholders

	mu      sync.Mutex
	targets map[[3]string][]target
	maps    map[string]*mapping // of tables without a source's own names
}

// sourceEntry is one entry of `sources`.
type sourceEntry struct {
	category, product, service string
	tables                     []sourceTable
	where                      []whereItem
	aliases                    map[string]aliasEntry
}

// sourceTable is one table that a logsource may be.
type sourceTable struct {
	name    string
	where   []whereItem
	aliases map[string]aliasEntry
}

// whereItem is one condition of a logsource, in the pipeline's own names: one of
// the values, in which wildcards count. All conditions of a target hold together.
type whereItem struct {
	field  sigma.Field
	values []sigma.Value
}

// tableEntry is one entry of `tables`.
type tableEntry struct {
	time, id string
	messages []string
	fields   map[string]fieldEntry
	aliases  map[string]aliasEntry
	columns  map[string]ir.Type
	root     *ir.Path
	source   string // what says what is below the table's columns
	camel    bool   // names without a path begin with a small letter there
	open     bool   // what is no column may be there all the same
	function bool   // it is a function without arguments
	// rest is the column whose keys the names are that are no column.
	rest string
}

// fieldEntry is what a pipeline says of one canonical name. What is not set is
// taken from the pipeline below, then from the table's schema.
type fieldEntry struct {
	pos    sigma.Pos
	path   *ir.Path // one step a key
	below  bool     // the path starts where the parent's ends
	none   bool     // the target does not have the field
	typ    ir.Type  // TypeUnknown: not set
	column string
	join   *ir.Join
	list   bool   // what it holds is a list, or may be
	mixed  bool   // it holds other things, too
	source string // a page or a kind of real event that shows the field
	said   bool   // a file names the field; false for what only the schema has
}

// aliasEntry is a canonical name that a loose name stands for: keys, and
// perhaps positions and selectors.
type aliasEntry struct {
	pos  sigma.Pos
	path ir.Path // one step a key
}

// Name returns the pipeline's name; merged pipelines' names are joined by "+".
func (p *Pipeline) Name() string { return p.name }

// Description returns what the file says about itself.
func (p *Pipeline) Description() string { return p.description }

// Form returns the event form that the pipeline is for, "" for a query target.
func (p *Pipeline) Form() event.Form { return p.form }

// Tables returns the tables that the pipeline describes itself, in
// alphabetical order. A pipeline with table schemas knows the schemas' tables
// too.
func (p *Pipeline) Tables() []string {
	return slices.Sorted(maps.Keys(p.tables))
}

//go:embed pipelines/*.yaml pipelines/parts/*.yaml
var pipelineFiles embed.FS

var builtinPipelines = sync.OnceValue(func() map[string]*builtin {
	out := map[string]*builtin{}
	files, err := fs.Glob(pipelineFiles, "pipelines/*.yaml")
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "pipelines/"), ".yaml")
		out[name] = &builtin{file: f}
	}
	return out
})

type builtin struct {
	file string
	once sync.Once
	p    *Pipeline
	err  error
}

// BuiltinPipelines returns the names of the built-in pipelines in alphabetical
// order.
func BuiltinPipelines() []string {
	return slices.Sorted(maps.Keys(builtinPipelines()))
}

// BuiltinPipeline returns a built-in pipeline by its name.
func BuiltinPipeline(name string) (*Pipeline, error) {
	b, ok := builtinPipelines()[name]
	if !ok {
		hint := ""
		if n := sigma.Nearest(name, BuiltinPipelines()); n != "" {
			hint = fmt.Sprintf(", did you mean %q?", n)
		}
		return nil, fmt.Errorf("no built-in pipeline %q%s (there are: %s)", name, hint, strings.Join(BuiltinPipelines(), ", "))
	}
	b.once.Do(func() { b.p, b.err = readBuiltin(b.file) })
	return b.p, b.err
}

func readBuiltin(file string) (*Pipeline, error) {
	data, err := pipelineFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, diags := ParsePipeline(file, data)
	if p == nil {
		return nil, fmt.Errorf("%s:%d:%d: %s", file, diags[0].Pos.Line, diags[0].Pos.Col, diags[0].Message)
	}
	return p, nil
}

// MergePipelines lays pipelines over each other, from left to right: for a
// field, alias, placeholder or table property the later one wins, conditions of
// a logsource add up. Nil pipelines are skipped; the result of none is nil.
func MergePipelines(ps ...*Pipeline) *Pipeline {
	var out *Pipeline
	for _, p := range ps {
		switch {
		case p == nil:
		case out == nil:
			out = p
		default:
			out = mergeTwo(out, p)
		}
	}
	return out
}

func mergeTwo(a, b *Pipeline) *Pipeline {
	out := overlay(a, b)
	switch {
	case a.name == "":
		out.name = b.name
	case b.name != "":
		out.name = a.name + "+" + b.name
	}
	return out
}

// overlay is mergeTwo but for the names.
func overlay(a, b *Pipeline) *Pipeline {
	out := &Pipeline{
		name: b.name, description: b.description, form: b.form, schemas: b.schemas, root: b.root, carries: b.carries,
		entries: mergeSources(a.entries, b.entries),
		tables:  maps.Clone(a.tables),
		aliases: mergeMaps(a.aliases, b.aliases),
		values:  mergeMaps(a.values, b.values),
		fields:  mergeFields(a.fields, b.fields),
		camel:   a.camel || b.camel,
		time:    cmp.Or(b.time, a.time),
		id:      cmp.Or(b.id, a.id),
	}
	out.products = append(slices.Clip(a.products), b.products...)
	out.description = cmp.Or(out.description, a.description)
	out.form = cmp.Or(out.form, a.form)
	out.schemas = cmp.Or(out.schemas, a.schemas)
	if out.root == nil {
		out.root = a.root
	}
	if out.carries == nil {
		out.carries = a.carries
	}
	if out.tables == nil {
		out.tables = map[string]*tableEntry{}
	}
	for name, t := range b.tables {
		out.tables[name] = mergeTables(out.tables[name], t)
	}
	return out
}

func mergeMaps[V any](a, b map[string]V) map[string]V {
	if len(a) == 0 {
		return b
	}
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func mergeTables(a, b *tableEntry) *tableEntry {
	if a == nil {
		return b
	}
	out := &tableEntry{
		time: cmp.Or(b.time, a.time), id: cmp.Or(b.id, a.id), messages: b.messages, root: b.root,
		source:   cmp.Or(b.source, a.source),
		fields:   mergeFields(a.fields, b.fields),
		aliases:  mergeMaps(a.aliases, b.aliases),
		columns:  mergeMaps(a.columns, b.columns),
		camel:    a.camel || b.camel,
		open:     a.open || b.open,
		rest:     cmp.Or(b.rest, a.rest),
		function: a.function || b.function,
	}
	if out.messages == nil {
		out.messages = a.messages
	}
	if out.root == nil {
		out.root = a.root
	}
	return out
}

func mergeFields(a, b map[string]fieldEntry) map[string]fieldEntry {
	if len(a) == 0 {
		return b
	}
	out := maps.Clone(a)
	for name, f := range b {
		out[name] = f.over(out[name])
	}
	return out
}

// over fills what f does not say from what is below it.
func (f fieldEntry) over(below fieldEntry) fieldEntry {
	if f.path == nil && !f.none && f.join == nil {
		f.path, f.below, f.none, f.join = below.path, below.below, below.none, below.join
	}
	f.typ = cmp.Or(f.typ, below.typ)
	f.column = cmp.Or(f.column, below.column)
	f.source = cmp.Or(f.source, below.source)
	f.list = f.list || below.list
	f.mixed = f.mixed || below.mixed
	f.said = f.said || below.said
	return f
}

func (s sourceEntry) key() [3]string {
	return [3]string{foldName(s.category), foldName(s.product), foldName(s.service)}
}

func mergeSources(a, b []sourceEntry) []sourceEntry {
	out := slices.Clone(a)
	for _, s := range b {
		i := slices.IndexFunc(out, func(o sourceEntry) bool { return o.key() == s.key() })
		if i < 0 {
			out = append(out, s)
			continue
		}
		old := out[i]
		merged := sourceEntry{category: s.category, product: s.product, service: s.service,
			where:   append(slices.Clip(old.where), s.where...),
			aliases: mergeMaps(old.aliases, s.aliases),
			tables:  old.tables,
		}
		if s.tables != nil {
			merged.tables = make([]sourceTable, len(s.tables))
			for j, t := range s.tables {
				if k := slices.IndexFunc(old.tables, func(o sourceTable) bool { return o.name == t.name }); k >= 0 {
					t.where = append(slices.Clip(old.tables[k].where), t.where...)
					t.aliases = mergeMaps(old.tables[k].aliases, t.aliases)
				}
				merged.tables[j] = t
			}
		}
		out[i] = merged
	}
	return out
}

// target is one table that the events of a logsource may be in.
type target struct {
	pipeline *Pipeline
	table    string
	// where is what makes an event of the table one of the logsource.
	where []whereItem
	names *mapping
}

// top returns the scope of names at the top of an event.
func (t target) top() scope { return scope{names: t.names} }

// time returns the field with the event's time; its Path is empty when the
// pipeline names none.
func (t target) time() ir.Field { return t.named(t.names.time) }

// messages returns the fields that keyword searches read in a query.
func (t target) messages() []ir.Field {
	out := make([]ir.Field, len(t.names.messages))
	for i, m := range t.names.messages {
		out[i] = t.named(m)
	}
	return out
}

func (t target) named(name string) ir.Field {
	if name == "" {
		return ir.Field{}
	}
	f, _ := t.top().field(sigma.Field{Name: name})
	return f
}

// sources returns one target for each table that the logsource may be, those of
// the most specific entries that fit it. Where entries tie (a category and a
// service), a table must be in all of them and their conditions add up. No
// target: the pipeline does not know the logsource.
func (p *Pipeline) sources(ls sigma.LogSource) []target {
	key := [3]string{foldName(ls.Category), foldName(ls.Product), foldName(ls.Service)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ts, ok := p.targets[key]; ok {
		return ts
	}
	ts := p.findSources(key)
	if p.targets == nil {
		p.targets = map[[3]string][]target{}
	}
	if len(p.targets) < maxCachedSources {
		p.targets[key] = ts
	}
	return ts
}

// nearestSource returns the logsource that differs from ls in one part, misspelled
// by all appearance; false: there is none.
func (p *Pipeline) nearestSource(ls sigma.LogSource) (near sigma.LogSource, ok bool) {
	key := [3]string{foldName(ls.Category), foldName(ls.Product), foldName(ls.Service)}
	for i := range key {
		known := map[string]sourceEntry{}
		for _, s := range p.entries {
			k := s.key()
			part := k[i]
			if k[i] = key[i]; part != "" && k == key {
				known[part] = s
			}
		}
		if s, ok := known[sigma.Nearest(key[i], slices.Sorted(maps.Keys(known)))]; ok {
			return sigma.LogSource{Category: s.category, Product: s.product, Service: s.service}, true
		}
	}
	return near, false
}

// maxCachedSources bounds what a caller with ever new logsources can make a
// Pipeline remember.
const maxCachedSources = 1 << 12

func (p *Pipeline) findSources(key [3]string) []target {
	best, fits := 0, []sourceEntry(nil)
	for _, s := range p.entries {
		n, ok := 0, true
		for i, v := range s.key() {
			if v != "" {
				n++
				ok = ok && v == key[i]
			}
		}
		switch {
		case !ok || n < best:
		case n > best:
			best, fits = n, []sourceEntry{s}
		default:
			fits = append(fits, s)
		}
	}
	if len(fits) == 0 {
		return p.namedTable(key)
	}
	var out []target
	for _, t := range fits[0].tables {
		if p.carries != nil && !p.carries[t.name] {
			continue
		}
		tg := target{pipeline: p, table: t.name}
		aliases := map[string]aliasEntry{}
		shared := true
		for _, s := range fits {
			k := slices.IndexFunc(s.tables, func(o sourceTable) bool { return o.name == t.name })
			if k < 0 {
				shared = false
				break
			}
			tg.where = append(tg.where, s.where...)
			tg.where = append(tg.where, s.tables[k].where...)
			maps.Copy(aliases, s.aliases)
			maps.Copy(aliases, s.tables[k].aliases)
		}
		if shared {
			tg.names = p.mapping(t.name, aliases)
			out = append(out, tg)
		}
	}
	return out
}

// namedTable serves logsources whose service is the name of a table.
func (p *Pipeline) namedTable(key [3]string) []target {
	if key[0] != "" || key[2] == "" || !slices.Contains(p.products, key[1]) {
		return nil
	}
	names := p.Tables()
	if set := schemaSets[p.schemas]; set != nil {
		names = append(names, set().names()...)
	}
	for _, n := range names {
		if foldName(n) == key[2] && (p.carries == nil || p.carries[n]) {
			return []target{{pipeline: p, table: n, names: p.mapping(n, nil)}}
		}
	}
	return nil
}

// placeholder returns the values that the pipeline gives to `%name%`.
func (p *Pipeline) placeholder(name string) ([]sigma.Value, bool) {
	if p == nil {
		return nil, false
	}
	v, ok := p.values[name]
	return v, ok
}

// schema returns the embedded schema of a table, or nil.
func (p *Pipeline) schema(name string) *tableSchema {
	if set := schemaSets[p.schemas]; set != nil {
		return set().table(name)
	}
	return nil
}
