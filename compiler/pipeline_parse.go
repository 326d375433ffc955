package compiler

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/schema"
	"gopkg.in/yaml.v3"
)

// Limits of a pipeline file. The largest built-in one has some 40 KB.
var pipelineLimits = yamlLimits{maxPipelineBytes, maxPipelineValues, maxPipelineDepth}

const (
	maxPipelineBytes  = 4 << 20
	maxPipelineValues = 200_000
	maxPipelineDepth  = 20
)

// ParsePipeline reads a pipeline file. file is used in positions only. It
// returns all findings; the pipeline is nil if one of them is an error.
func ParsePipeline(file string, data []byte) (*Pipeline, sigma.Diagnostics) {
	r := &pipelineReader{}
	root := r.open(file, data, "pipeline", pipelineLimits)
	if root == nil {
		return nil, r.findings()
	}
	p := r.pipeline(root)
	if ds := r.findings(); ds.HasErrors() {
		return nil, ds
	}
	return p, r.findings()
}

// pipelineReader reads a pipeline file.
type pipelineReader struct {
	yamlReader
	extends []*yaml.Node
}

func (r *pipelineReader) pipeline(n *yaml.Node) *Pipeline {
	p := &Pipeline{tables: map[string]*tableEntry{}}
	if !readKeys(r, n, "a pipeline", pipelineKeys, p)["name"] {
		r.errorf(n, codeMissing, "", "the pipeline has no name")
	}
	var base *Pipeline
	for _, e := range r.extends {
		b, err := extendable(e.Value)
		switch {
		case err != nil:
			r.errorf(e, codeValue, "", "%v", err)
		case base == nil:
			base = b
		default:
			base = overlay(base, b)
		}
	}
	if base != nil {
		p = overlay(base, p)
	}
	r.check(p)
	return p
}

// pipelineKey is a key of a mapping of the format: what its value may be, for
// the JSON Schema, what it is for, and how it is read.
type pipelineKey[T any] struct {
	name  string
	shape *schema.Schema
	doc   string
	read  func(r *pipelineReader, v *yaml.Node, into *T)
}

// readKeys reads a mapping by a table of keys and returns those that are there.
func readKeys[T any](r *pipelineReader, n *yaml.Node, what string, table []pipelineKey[T], into *T) map[string]bool {
	found := map[string]bool{}
	known := map[string]func(*yaml.Node){}
	for _, k := range table {
		known[k.name] = func(v *yaml.Node) {
			found[k.name] = true
			k.read(r, v, into)
		}
	}
	r.keys(n, what, known)
	return found
}

func schemaOfKeys[T any](table []pipelineKey[T], required ...string) *schema.Schema {
	s := schema.Object()
	s.Required = required
	for _, k := range table {
		s.Properties = append(s.Properties, schema.Property{Name: k.name, Schema: k.shape.Describe(k.doc)})
	}
	return s
}

// PipelineSchema returns the JSON Schema (draft 2020-12) of pipeline files,
// printed from the tables by which ParsePipeline reads them.
func PipelineSchema() ([]byte, error) {
	s := schemaOfKeys(pipelineKeys, "rulewright-pipeline", "name")
	s.Title = "a Rulewright pipeline"
	return s.Document()
}

var (
	textShape    = schema.Text()
	textsShape   = schema.OneOrMany(textShape)
	trueShape    = schema.Value(true)
	scalarShape  = &schema.Schema{Types: []string{"string", "number", "boolean", "null"}}
	valuesShape  = schema.OneOrMany(scalarShape)
	aliasesShape = schema.Map(textShape)
	whereShape   = schema.Map(valuesShape)
	typeShape    = schema.Text(fieldTypes()...)
	fieldsShape  = schema.Map(schema.AnyOf(textShape, schema.Null(), schemaOfKeys(fieldKeys)))
)

// fieldTypes returns the types that a pipeline may name.
func fieldTypes() []string {
	var names []string
	for t := ir.TypeString; t <= ir.TypeJSON; t++ {
		names = append(names, t.String())
	}
	return append(names, "dynamic")
}

func schemaSetNames() []string { return slices.Sorted(maps.Keys(schemaSets)) }

var pipelineKeys = []pipelineKey[Pipeline]{
	{"rulewright-pipeline", schema.Value(1), "the version of the format", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { r.version(v) }},
	{"name", textShape, "how messages call the pipeline", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.name = r.text(v, "name") }},
	{"description", textShape, "what the pipeline is for", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.description = r.text(v, "description") }},
	{"form", schema.Text(eventForms...), "the event form that paths are for; none for the tables of a query engine", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		p.form = event.Form(r.text(v, "form"))
		if p.form != "" && !slices.Contains(eventForms, string(p.form)) {
			r.errorf(v, codeValue, sigma.NearestHint(string(p.form), eventForms, ""), "no event form is called %q", p.form)
		}
	}},
	{"extends", textsShape, "built-in pipelines that this one is laid over", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		r.extends = r.texts(v, "extends")
	}},
	{"schemas", schema.Text(schemaSetNames()...), "the table schemas that columns and their types are from", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		p.schemas = r.text(v, "schemas")
		if _, ok := schemaSets[p.schemas]; !ok {
			r.errorf(v, codeValue, sigma.NearestHint(p.schemas, schemaSetNames(), ""), "no table schemas are called %q", p.schemas)
		}
	}},
	{"products", textsShape, "products whose service may be the name of a table", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		for _, n := range r.texts(v, "products") {
			p.products = append(p.products, foldName(n.Value))
		}
	}},
	{"carries", textsShape, "the tables whose events come in this form; without it, all", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		p.carries = map[string]bool{}
		for _, t := range r.texts(v, "carries") {
			p.carries[t.Value] = true
		}
	}},
	{"root", textShape, "the path under which names without a path are", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		if path, ok := r.path(v); ok {
			p.root = path
		}
	}},
	{"case", schema.Text("camel"), "names without a path begin with a small letter", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.camel = r.camel(v) }},
	{"time", textShape, "the field with an event's time", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.time = r.text(v, "time") }},
	{"id", textShape, "the field with an event's own id", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.id = r.text(v, "id") }},
	{"fields", fieldsShape, "fields of every table that has them", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.fields = r.fields(v) }},
	{"aliases", aliasesShape, "loose names, each with the canonical name it stands for", func(r *pipelineReader, v *yaml.Node, p *Pipeline) { p.aliases = r.aliases(v) }},
	{"placeholders", schema.Map(valuesShape), "values of `%name%` in rules", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		p.values = map[string][]sigma.Value{}
		r.entries(v, "placeholders", func(k, v *yaml.Node) { p.values[k.Value] = r.values(v) })
	}},
	{"sources", schema.List(schemaOfKeys(sourceKeys, "logsource")), "logsources, each with the tables that its events are in", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		r.list(v, "sources", func(v *yaml.Node) { r.source(v, p) })
	}},
	{"tables", schema.Map(schema.AnyOf(schema.Null(), schemaOfKeys(tableKeys))), "what is said of single tables", func(r *pipelineReader, v *yaml.Node, p *Pipeline) {
		r.entries(v, "tables", func(k, v *yaml.Node) {
			t := &tableEntry{}
			readKeys(r, v, "a table", tableKeys, t)
			p.tables[k.Value] = t
		})
	}},
}

var logSourceKeys = []pipelineKey[sourceEntry]{
	{"category", textShape, "", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) { s.category = r.text(v, "category") }},
	{"product", textShape, "", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) { s.product = r.text(v, "product") }},
	{"service", textShape, "", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) { s.service = r.text(v, "service") }},
}

var sourceKeys = []pipelineKey[sourceEntry]{
	{"logsource", schemaOfKeys(logSourceKeys), "what a rule's logsource must say to be meant", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) {
		readKeys(r, v, "logsource", logSourceKeys, s)
		if s.key() == [3]string{} {
			r.errorf(v, codeValue, "give a product, category or service", "the logsource is empty")
		}
	}},
	{"tables", schema.List(schema.AnyOf(textShape, schemaOfKeys(sourceTableKeys, "table"))), "the tables; a rule is compiled for each", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) {
		r.list(v, "tables", func(v *yaml.Node) {
			var t sourceTable
			if v.Kind == yaml.ScalarNode {
				t.name = r.text(v, "table")
			} else if readKeys(r, v, "a source's table", sourceTableKeys, &t); t.name == "" {
				r.errorf(v, codeMissing, "", "the entry names no table")
			}
			s.tables = append(s.tables, t)
		})
	}},
	{"where", whereShape, "what must hold of an event of any of the tables; wildcards count", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) { s.where = r.where(v) }},
	{"aliases", aliasesShape, "loose names of this logsource", func(r *pipelineReader, v *yaml.Node, s *sourceEntry) { s.aliases = r.aliases(v) }},
}

var sourceTableKeys = []pipelineKey[sourceTable]{
	{"table", textShape, "its name", func(r *pipelineReader, v *yaml.Node, t *sourceTable) { t.name = r.text(v, "table") }},
	{"where", whereShape, "what makes an event of the table one of the logsource; wildcards count", func(r *pipelineReader, v *yaml.Node, t *sourceTable) { t.where = r.where(v) }},
	{"aliases", aliasesShape, "loose names of the logsource in this table", func(r *pipelineReader, v *yaml.Node, t *sourceTable) { t.aliases = r.aliases(v) }},
}

var tableKeys = []pipelineKey[tableEntry]{
	{"time", textShape, "the field with an event's time", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.time = r.text(v, "time") }},
	{"id", textShape, "the field with an event's own id", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.id = r.text(v, "id") }},
	{"messages", textsShape, "the fields that keyword searches read in a query", func(r *pipelineReader, v *yaml.Node, t *tableEntry) {
		t.messages = []string{}
		for _, m := range r.texts(v, "messages") {
			t.messages = append(t.messages, m.Value)
		}
	}},
	{"root", textShape, "the path under which names without a path are", func(r *pipelineReader, v *yaml.Node, t *tableEntry) {
		if p, ok := r.path(v); ok {
			t.root = &p
		}
	}},
	{"case", schema.Text("camel"), "names without a path begin with a small letter", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.camel = r.camel(v) }},
	{"columns", schema.Map(typeShape), "columns that the embedded schema lacks, or all of them where there is none", func(r *pipelineReader, v *yaml.Node, t *tableEntry) {
		t.columns = map[string]ir.Type{}
		r.entries(v, "columns", func(k, v *yaml.Node) { t.columns[k.Value] = r.typ(v) })
	}},
	{"source", textShape, "the page or kind of real event that shows what is below the columns", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.source = r.text(v, "source") }},
	{"rest", textShape, "the column whose keys the names are that are no column", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.rest = r.text(v, "rest") }},
	{"function", trueShape, "the table is a function, called without arguments", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.function = r.isTrue(v, "function") }},
	{"open", trueShape, "an event may have fields that are no columns", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.open = r.isTrue(v, "open") }},
	{"fields", fieldsShape, "canonical names, each with its path", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.fields = r.fields(v) }},
	{"aliases", aliasesShape, "loose names of this table", func(r *pipelineReader, v *yaml.Node, t *tableEntry) { t.aliases = r.aliases(v) }},
}

var fieldKeys = []pipelineKey[fieldEntry]{
	{"path", textShape, "where the field is; a dot or bracket in front: below its parent's place", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { r.fieldPath(v, f) }},
	{"type", typeShape, "what the field holds", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { f.typ = r.typ(v) }},
	{"column", textShape, "the column that queries read", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { f.column = r.text(v, "column") }},
	{"join", schema.List(schema.AnyOf(textShape, schemaOfKeys(joinKeys, "column"))), "the columns that together are the field, in a query: those that are not empty", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) {
		j := r.joined(f)
		r.list(v, "join", func(v *yaml.Node) {
			var p ir.JoinPart
			if v.Kind == yaml.ScalarNode {
				p.Column = r.text(v, "column")
			} else if readKeys(r, v, "a part", joinKeys, &p); p.Column == "" {
				r.errorf(v, codeMissing, "", "the part names no column")
			}
			j.Parts = append(j.Parts, p)
		})
	}},
	{"by", textShape, "what stands between the parts of a join", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { r.joined(f).By = r.text(v, "by") }},
	{"list", trueShape, "what the field holds is a list, or may be", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { f.list = r.isTrue(v, "list") }},
	{"source", textShape, "the page or kind of real event that shows the field, where the table's does not", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { f.source = r.text(v, "source") }},
	{"mixed", trueShape, "the field holds other things, too: it is compared, and no entity is read from it", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { f.mixed = r.isTrue(v, "mixed") }},
	{"absent", trueShape, "the form does not have the field", func(r *pipelineReader, v *yaml.Node, f *fieldEntry) { f.none = r.isTrue(v, "absent") }},
}

var joinKeys = []pipelineKey[ir.JoinPart]{
	{"column", textShape, "a column of text, or of integers, which count as their text", func(r *pipelineReader, v *yaml.Node, p *ir.JoinPart) { p.Column = r.text(v, "column") }},
	{"before", textShape, "what stands in front of its text", func(r *pipelineReader, v *yaml.Node, p *ir.JoinPart) { p.Before = r.text(v, "before") }},
	{"blank", textShape, "how the column writes that there is nothing", func(r *pipelineReader, v *yaml.Node, p *ir.JoinPart) { p.Blank = r.text(v, "blank") }},
	{"prefixes", aliasesShape, "beginnings of its text, each with what stands for it; the longest counts", func(r *pipelineReader, v *yaml.Node, p *ir.JoinPart) {
		p.Prefixes = r.replacements(v, "prefixes")
	}},
	{"texts", aliasesShape, "whole texts, each with what stands for it; other texts are nothing", func(r *pipelineReader, v *yaml.Node, p *ir.JoinPart) {
		p.Texts = r.replacements(v, "texts")
	}},
}

// joined returns the field's join, which it makes.
func (r *pipelineReader) joined(f *fieldEntry) *ir.Join {
	if f.join == nil {
		f.join = &ir.Join{}
	}
	return f.join
}

// replacements reads texts with what stands for each, the longest first.
func (r *pipelineReader) replacements(v *yaml.Node, what string) []ir.Replacement {
	var out []ir.Replacement
	r.entries(v, what, func(k, v *yaml.Node) {
		out = append(out, ir.Replacement{From: k.Value, To: v.Value})
	})
	slices.SortFunc(out, func(a, b ir.Replacement) int {
		return cmp.Or(cmp.Compare(len(b.From), len(a.From)), cmp.Compare(a.From, b.From))
	})
	return out
}

// extendable returns a pipeline that `extends` may name: a built-in one, or a
// part that built-in ones share.
func extendable(name string) (*Pipeline, error) {
	if strings.HasPrefix(name, "parts/") && !strings.Contains(name, "..") {
		if _, err := pipelineFiles.ReadFile("pipelines/" + name + ".yaml"); err == nil {
			return readBuiltin("pipelines/" + name + ".yaml")
		}
	}
	return BuiltinPipeline(name)
}

var eventForms = func() []string {
	var out []string
	for _, f := range event.Forms() {
		out = append(out, string(f))
	}
	return out
}()

// check finds what only the whole pipeline shows.
func (r *pipelineReader) check(p *Pipeline) {
	for _, name := range p.Tables() {
		t := p.tables[name]
		for _, n := range slices.Sorted(maps.Keys(t.fields)) {
			f := t.fields[n]
			if f.join != nil {
				if p.form != "" {
					r.report(sigma.SeverityError, codeValue, f.pos, "", "%s is joined of columns, which events do not have", n)
				}
				if f.path != nil || f.none || len(f.join.Parts) == 0 || strings.Contains(n, ".") {
					r.report(sigma.SeverityError, codeValue, f.pos, "give it a join and no path", "%s is a name without dots that one or more columns make", n)
				}
				continue
			}
			if f.path == nil {
				continue
			}
			star := slices.ContainsFunc(*f.path, func(s ir.Step) bool { return s.Key == "*" || s.Where.Value == "*" })
			if star != strings.HasSuffix(n, ".*") {
				r.report(sigma.SeverityError, codeValue, f.pos, "write `Name.*: List[Name=*].Value`", "the name and the path of %s must both have a * or neither", n)
			}
		}
	}
}

func (r *pipelineReader) source(n *yaml.Node, p *Pipeline) {
	var s sourceEntry
	if !readKeys(r, n, "a source", sourceKeys, &s)["logsource"] {
		r.errorf(n, codeMissing, "", "the source has no logsource")
	}
	for _, o := range p.entries {
		if o.key() == s.key() {
			r.errorf(n, codeDuplicate, "put them together", "this logsource has an entry already")
		}
	}
	p.entries = append(p.entries, s)
}

func (r *pipelineReader) fields(n *yaml.Node) map[string]fieldEntry {
	out := map[string]fieldEntry{}
	r.entries(n, "fields", func(k, v *yaml.Node) { out[k.Value] = r.field(k, v) })
	return out
}

func (r *pipelineReader) isTrue(n *yaml.Node, what string) bool {
	if n.Value != "true" {
		r.errorf(n, codeValue, "write true, or leave it out", "%s is true or not there", what)
	}
	return true
}

func (r *pipelineReader) camel(n *yaml.Node) bool {
	if n.Value != "camel" {
		r.errorf(n, codeValue, "write camel, or leave it out", "%q is no case", n.Value)
	}
	return true
}

func (r *pipelineReader) field(k, n *yaml.Node) fieldEntry {
	f := fieldEntry{pos: posOf(k), said: true}
	switch {
	case yamlNull(n):
	case n.Kind == yaml.ScalarNode:
		r.fieldPath(n, &f)
	default:
		readKeys(r, n, "a field", fieldKeys, &f)
		if f.none && f.path != nil {
			r.errorf(n, codeValue, "", "a field that is absent has no path")
		}
	}
	return f
}

// fieldPath reads a path. One that begins with a dot or a bracket goes on where
// the parent's ends.
func (r *pipelineReader) fieldPath(n *yaml.Node, f *fieldEntry) {
	if rest := strings.TrimPrefix(n.Value, "."); n.Kind == yaml.ScalarNode && rest != "" && (rest != n.Value || rest[0] == '[') {
		f.below = true
		c := *n
		c.Value = rest
		n = &c
	}
	if p, ok := r.path(n); ok {
		f.path = &p
	}
}

func (r *pipelineReader) typ(n *yaml.Node) ir.Type {
	t, ok := ir.ParseType(n.Value)
	if !ok || t == ir.TypeUnknown {
		r.errorf(n, codeValue, sigma.NearestHint(n.Value, fieldTypes(), ""), "%q is no type; types are %s", n.Value, strings.Join(fieldTypes(), ", "))
	}
	return t
}

// path reads a path, one step a key.
func (r *pipelineReader) path(n *yaml.Node) (ir.Path, bool) {
	text := r.text(n, "path")
	if text == "" {
		return nil, false
	}
	p, err := ir.ParsePath(hideDots(text))
	if err != nil {
		r.errorf(n, codeValue, "", "%v", err)
		return nil, false
	}
	out := ir.Path{}
	for _, s := range p {
		keys := strings.Split(s.Key, ".")
		for i, k := range keys {
			keys[i] = strings.ReplaceAll(k, hiddenDot, ".")
		}
		for _, k := range keys[:len(keys)-1] {
			out = append(out, ir.Step{Key: k})
		}
		s.Key = keys[len(keys)-1]
		s.Where.Key = strings.ReplaceAll(s.Where.Key, hiddenDot, ".")
		s.Where.Value = strings.ReplaceAll(s.Where.Value, hiddenDot, ".")
		out = append(out, s)
	}
	return out, true
}

// hiddenDot stands for a dot that is part of a key while a path is read; no
// YAML text holds it.
const hiddenDot = "\x00"

// hideDots replaces the dots of a path that have a backslash in front.
func hideDots(text string) string {
	if !strings.Contains(text, `\.`) || text == `\.` {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\' || i+1 == len(text):
			b.WriteByte(text[i])
		case text[i+1] == '.':
			i++
			b.WriteString(hiddenDot)
		default:
			b.WriteString(text[i : i+2])
			i++
		}
	}
	return b.String()
}

func (r *pipelineReader) aliases(n *yaml.Node) map[string]aliasEntry {
	out := map[string]aliasEntry{}
	r.entries(n, "aliases", func(k, v *yaml.Node) {
		if p, ok := r.path(v); ok {
			out[k.Value] = aliasEntry{pos: posOf(k), path: p}
		}
	})
	return out
}

func (r *pipelineReader) where(n *yaml.Node) []whereItem {
	var out []whereItem
	r.entries(n, "where", func(k, v *yaml.Node) {
		if strings.ContainsAny(k.Value, "|[]") {
			r.errorf(k, codeValue, "use wildcards in the values", "a condition of a logsource has no modifiers and no list blocks")
		}
		out = append(out, whereItem{values: r.values(v),
			field: sigma.Field{Pos: posOf(k), Name: k.Value, Steps: []sigma.FieldStep{{Name: k.Value, Index: -1}}}})
	})
	return out
}
