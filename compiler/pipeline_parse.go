package compiler

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
	"gopkg.in/yaml.v3"
)

// Limits of a pipeline file. The largest built-in one has some 40 KB.
const (
	maxPipelineBytes  = 4 << 20
	maxPipelineNodes  = 200_000
	maxPipelineDepth  = 20
	maxPipelineErrors = 100
	maxPipelineName   = 500 // bytes of a name or path
)

// ParsePipeline reads a pipeline file. file is used in positions only. It
// returns all findings; the pipeline is nil if one of them is an error.
func ParsePipeline(file string, data []byte) (*Pipeline, sigma.Diagnostics) {
	r := &pipelineReader{file: file}
	p := r.read(data)
	if r.diags.hasErrors() {
		return nil, sigma.Diagnostics(r.diags)
	}
	return p, sigma.Diagnostics(r.diags)
}

type pipelineDiags sigma.Diagnostics

func (ds pipelineDiags) hasErrors() bool {
	return slices.ContainsFunc(ds, func(d sigma.Diagnostic) bool { return d.Severity == sigma.SeverityError })
}

type pipelineReader struct {
	file  string
	lines []string
	diags pipelineDiags
	nodes int
}

func (r *pipelineReader) report(sev sigma.Severity, code sigma.Code, at sigma.Pos, hint, format string, args ...any) {
	if len(r.diags) >= maxPipelineErrors {
		return
	}
	d := sigma.Diagnostic{File: r.file, Pos: at, Severity: sev, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	if 0 < at.Line && at.Line <= len(r.lines) {
		d.Snippet = r.lines[at.Line-1]
	}
	r.diags = append(r.diags, d)
}

func (r *pipelineReader) errorf(n *yaml.Node, code sigma.Code, hint, format string, args ...any) {
	r.report(sigma.SeverityError, code, posOf(n), hint, format, args...)
}

func posOf(n *yaml.Node) sigma.Pos {
	if n == nil {
		return sigma.Pos{}
	}
	return sigma.Pos{Line: n.Line, Col: n.Column}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (r *pipelineReader) read(data []byte) *Pipeline {
	if len(data) > maxPipelineBytes {
		r.report(sigma.SeverityError, codeLimit, sigma.Pos{Line: 1, Col: 1}, "split the pipeline", "the file has %d bytes, more than the %d of a pipeline", len(data), maxPipelineBytes)
		return nil
	}
	r.lines = strings.Split(string(data), "\n")
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		at, text := sigma.Pos{Line: 1, Col: 1}, err.Error()
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			if n, err := strconv.Atoi(m[1]); err == nil {
				at.Line = n
			}
		}
		r.report(sigma.SeverityError, codeSyntax, at, "", "not YAML: %s", text)
		return nil
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		r.report(sigma.SeverityError, codeDocument, sigma.Pos{Line: 1, Col: 1}, "begin it with `rulewright-pipeline: 1`", "the file is no pipeline")
		return nil
	}
	if !r.bounded(doc.Content[0], 0) {
		return nil
	}
	return r.pipeline(doc.Content[0])
}

// bounded refuses what a pipeline has no use for and what would take long.
func (r *pipelineReader) bounded(n *yaml.Node, depth int) bool {
	r.nodes++
	switch {
	case depth > maxPipelineDepth:
		r.errorf(n, codeLimit, "", "nested more than %d deep", maxPipelineDepth)
		return false
	case r.nodes > maxPipelineNodes:
		r.errorf(n, codeLimit, "", "more than %d values", maxPipelineNodes)
		return false
	case n.Kind == yaml.AliasNode:
		r.errorf(n, codeType, "write it out", "a pipeline has no YAML aliases")
		return false
	}
	for _, c := range n.Content {
		if !r.bounded(c, depth+1) {
			return false
		}
	}
	return true
}

func (r *pipelineReader) pipeline(n *yaml.Node) *Pipeline {
	p := &Pipeline{tables: map[string]*tableEntry{}}
	var base *Pipeline
	marker, named := false, false
	r.keys(n, "a pipeline", map[string]func(*yaml.Node){
		"rulewright-pipeline": func(v *yaml.Node) {
			marker = true
			if v.Value != "1" {
				r.errorf(v, codeValue, "write 1", "version %q of the pipeline format is not known", v.Value)
			}
		},
		"name":        func(v *yaml.Node) { p.name, named = r.text(v, "name"), true },
		"description": func(v *yaml.Node) { p.description = r.text(v, "description") },
		"form": func(v *yaml.Node) {
			p.form = event.Form(r.text(v, "form"))
			if p.form != "" && !slices.Contains(eventForms, string(p.form)) {
				r.errorf(v, codeValue, hintNearest(string(p.form), eventForms), "no event form is called %q", p.form)
			}
		},
		"extends": func(v *yaml.Node) {
			for _, e := range r.texts(v, "extends") {
				b, err := extendable(e.Value)
				if err != nil {
					r.errorf(e, codeValue, "", "%v", err)
					continue
				}
				if base == nil {
					base = b
				} else {
					base = overlay(base, b)
				}
			}
		},
		"schemas": func(v *yaml.Node) {
			p.schemas = r.text(v, "schemas")
			if _, ok := schemaSets[p.schemas]; !ok {
				sets := slices.Sorted(maps.Keys(schemaSets))
				r.errorf(v, codeValue, hintNearest(p.schemas, sets), "no table schemas are called %q", p.schemas)
			}
		},
		"root": func(v *yaml.Node) {
			if path, ok := r.path(v); ok {
				p.root = path
			}
		},
		"case":   func(v *yaml.Node) { p.camel = r.camel(v) },
		"time":   func(v *yaml.Node) { p.time = r.text(v, "time") },
		"id":     func(v *yaml.Node) { p.id = r.text(v, "id") },
		"fields": func(v *yaml.Node) { p.fields = r.fields(v) },
		"products": func(v *yaml.Node) {
			for _, n := range r.texts(v, "products") {
				p.products = append(p.products, foldName(n.Value))
			}
		},
		"carries": func(v *yaml.Node) {
			p.carries = map[string]bool{}
			for _, t := range r.texts(v, "carries") {
				p.carries[t.Value] = true
			}
		},
		"sources": func(v *yaml.Node) {
			r.list(v, "sources", func(v *yaml.Node) { r.source(v, p) })
		},
		"tables": func(v *yaml.Node) {
			r.entries(v, "tables", func(k, v *yaml.Node) { p.tables[k.Value] = r.table(v) })
		},
		"aliases": func(v *yaml.Node) { p.aliases = r.aliases(v) },
		"placeholders": func(v *yaml.Node) {
			p.values = map[string][]sigma.Value{}
			r.entries(v, "placeholders", func(k, v *yaml.Node) { p.values[k.Value] = r.values(v) })
		},
	})
	if !marker {
		r.errorf(n, codeMissing, "begin the file with it", "`rulewright-pipeline: 1` is missing")
	}
	if !named || p.name == "" {
		r.errorf(n, codeMissing, "", "the pipeline has no name")
	}
	if base != nil {
		p = overlay(base, p)
	}
	r.check(p)
	return p
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
	logsource := false
	r.keys(n, "a source", map[string]func(*yaml.Node){
		"logsource": func(v *yaml.Node) {
			logsource = true
			r.keys(v, "logsource", map[string]func(*yaml.Node){
				"category": func(v *yaml.Node) { s.category = r.text(v, "category") },
				"product":  func(v *yaml.Node) { s.product = r.text(v, "product") },
				"service":  func(v *yaml.Node) { s.service = r.text(v, "service") },
			})
			if s.key() == [3]string{} {
				r.errorf(v, codeValue, "give a product, category or service", "the logsource is empty")
			}
		},
		"tables": func(v *yaml.Node) {
			r.list(v, "tables", func(v *yaml.Node) {
				if v.Kind == yaml.ScalarNode {
					s.tables = append(s.tables, sourceTable{name: r.text(v, "table")})
					return
				}
				var t sourceTable
				r.keys(v, "a source's table", map[string]func(*yaml.Node){
					"table":   func(v *yaml.Node) { t.name = r.text(v, "table") },
					"where":   func(v *yaml.Node) { t.where = r.where(v) },
					"aliases": func(v *yaml.Node) { t.aliases = r.aliases(v) },
				})
				if t.name == "" {
					r.errorf(v, codeMissing, "", "the entry names no table")
				}
				s.tables = append(s.tables, t)
			})
		},
		"where":   func(v *yaml.Node) { s.where = r.where(v) },
		"aliases": func(v *yaml.Node) { s.aliases = r.aliases(v) },
	})
	if !logsource {
		r.errorf(n, codeMissing, "", "the source has no logsource")
	}
	for _, o := range p.entries {
		if o.key() == s.key() {
			r.errorf(n, codeDuplicate, "put them together", "this logsource has an entry already")
		}
	}
	p.entries = append(p.entries, s)
}

func (r *pipelineReader) table(n *yaml.Node) *tableEntry {
	t := &tableEntry{}
	r.keys(n, "a table", map[string]func(*yaml.Node){
		"time": func(v *yaml.Node) { t.time = r.text(v, "time") },
		"id":   func(v *yaml.Node) { t.id = r.text(v, "id") },
		"root": func(v *yaml.Node) {
			if p, ok := r.path(v); ok {
				t.root = &p
			}
		},
		"messages": func(v *yaml.Node) {
			t.messages = []string{}
			for _, m := range r.texts(v, "messages") {
				t.messages = append(t.messages, m.Value)
			}
		},
		"case":    func(v *yaml.Node) { t.camel = r.camel(v) },
		"open":    func(v *yaml.Node) { t.open = r.isTrue(v, "open") },
		"fields":  func(v *yaml.Node) { t.fields = r.fields(v) },
		"aliases": func(v *yaml.Node) { t.aliases = r.aliases(v) },
		"columns": func(v *yaml.Node) {
			t.columns = map[string]ir.Type{}
			r.entries(v, "columns", func(k, v *yaml.Node) { t.columns[k.Value] = r.typ(v) })
		},
	})
	return t
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
	f := fieldEntry{pos: posOf(k)}
	path := func(v *yaml.Node) {
		if rest := strings.TrimPrefix(v.Value, "."); v.Kind == yaml.ScalarNode && rest != "" && (rest != v.Value || rest[0] == '[') {
			f.below = true
			w := *v
			w.Value = rest
			v = &w
		}
		if p, ok := r.path(v); ok {
			f.path = &p
		}
	}
	switch {
	case pipelineNull(n):
	case n.Kind == yaml.ScalarNode:
		path(n)
	default:
		r.keys(n, "a field", map[string]func(*yaml.Node){
			"path":   path,
			"type":   func(v *yaml.Node) { f.typ = r.typ(v) },
			"column": func(v *yaml.Node) { f.column = r.text(v, "column") },
			"absent": func(v *yaml.Node) { f.none = r.isTrue(v, "absent") },
		})
		if f.none && f.path != nil {
			r.errorf(n, codeValue, "", "a field that is absent has no path")
		}
	}
	return f
}

func (r *pipelineReader) typ(n *yaml.Node) ir.Type {
	t, ok := ir.ParseType(n.Value)
	if !ok || t == ir.TypeUnknown {
		names := []string{"dynamic"}
		for t := ir.TypeString; t <= ir.TypeJSON; t++ {
			names = append(names, t.String())
		}
		r.errorf(n, codeValue, hintNearest(n.Value, names), "%q is no type; types are %s", n.Value, strings.Join(names, ", "))
	}
	return t
}

// path reads a path, one step a key.
func (r *pipelineReader) path(n *yaml.Node) (ir.Path, bool) {
	text := r.text(n, "path")
	if text == "" {
		return nil, false
	}
	p, err := ir.ParsePath(text)
	if err != nil {
		r.errorf(n, codeValue, "", "%v", err)
		return nil, false
	}
	out := ir.Path{}
	for _, s := range p {
		keys := strings.Split(s.Key, ".")
		for _, k := range keys[:len(keys)-1] {
			out = append(out, ir.Step{Key: k})
		}
		s.Key = keys[len(keys)-1]
		out = append(out, s)
	}
	return out, true
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

// values reads one value or a list of them.
func (r *pipelineReader) values(n *yaml.Node) []sigma.Value {
	if n.Kind != yaml.SequenceNode {
		return []sigma.Value{r.value(n)}
	}
	out := make([]sigma.Value, len(n.Content))
	for i, c := range n.Content {
		out[i] = r.value(c)
	}
	return out
}

func (r *pipelineReader) value(n *yaml.Node) sigma.Value {
	at := posOf(n)
	if n.Kind != yaml.ScalarNode {
		r.errorf(n, codeType, "", "a text, number or boolean is wanted here")
		return sigma.Null{Pos: at}
	}
	switch n.ShortTag() {
	case "!!null":
		return sigma.Null{Pos: at}
	case "!!bool":
		return sigma.Bool{Pos: at, Bool: strings.EqualFold(n.Value, "true")}
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return sigma.Number{Pos: at, Number: sigma.Numeric{IsInt: true, Int: i}}
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return sigma.Number{Pos: at, Number: sigma.Numeric{Float: f}}
		}
	}
	return sigma.String{Pos: at, Raw: n.Value, Parts: sigma.ParseParts(n.Value, false)}
}

// keys reads a mapping with known keys.
func (r *pipelineReader) keys(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	r.entries(n, what, func(k, v *yaml.Node) {
		read, ok := known[k.Value]
		if !ok {
			r.errorf(k, codeUnknown, hintNearest(k.Value, slices.Sorted(maps.Keys(known))), "%s has no key %q", what, k.Value)
			return
		}
		read(v)
	})
}

// entries reads a mapping with keys of the author's own.
func (r *pipelineReader) entries(n *yaml.Node, what string, each func(k, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		if !pipelineNull(n) {
			r.errorf(n, codeType, "", "%s is a mapping", what)
		}
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || k.Value == "":
			r.errorf(k, codeType, "", "a key of %s must be a text", what)
		case len(k.Value) > maxPipelineName:
			r.errorf(k, codeLimit, "", "a name of more than %d bytes", maxPipelineName)
		case seen[k.Value]:
			r.errorf(k, codeDuplicate, "put them together", "%q is there twice in %s", k.Value, what)
		default:
			seen[k.Value] = true
			each(k, v)
		}
	}
}

func (r *pipelineReader) list(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		if !pipelineNull(n) {
			r.errorf(n, codeType, "write it with a dash", "%s is a list", what)
		}
		return
	}
	for _, c := range n.Content {
		each(c)
	}
}

// texts reads a list of texts, or one text.
func (r *pipelineReader) texts(n *yaml.Node, what string) []*yaml.Node {
	nodes := n.Content
	if n.Kind != yaml.SequenceNode {
		nodes = []*yaml.Node{n}
	}
	var out []*yaml.Node
	for _, c := range nodes {
		if r.text(c, what) != "" {
			out = append(out, c)
		}
	}
	return out
}

func (r *pipelineReader) text(n *yaml.Node, what string) string {
	switch {
	case n.Kind != yaml.ScalarNode || pipelineNull(n) || n.Value == "":
		r.errorf(n, codeType, "", "%s must be a text", what)
		return ""
	case len(n.Value) > maxPipelineName && what != "description":
		r.errorf(n, codeLimit, "", "%s has more than %d bytes", what, maxPipelineName)
		return ""
	}
	return n.Value
}

func pipelineNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func hintNearest(name string, known []string) string {
	if n := sigma.Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// The findings of the small files (pipeline, profile, overrides) are of the
// kinds that package sigma has.
const (
	codeSyntax    = sigma.CodeSyntax
	codeDocument  = sigma.CodeDocument
	codeLimit     = sigma.CodeLimit
	codeDuplicate = sigma.CodeDuplicateKey
	codeUnknown   = sigma.CodeUnknownKey
	codeMissing   = sigma.CodeMissingKey
	codeType      = sigma.CodeType
	codeValue     = sigma.CodeBadValue
)
