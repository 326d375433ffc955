package compiler

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// yamlReader reads one of this package's own files: a pipeline, a profile or
// overrides. Each is one YAML mapping with a marker such as
// `rulewright-profile: 1` and without aliases. Rules are read by package sigma.
type yamlReader struct {
	file   string
	what   string // the format, as the marker names it
	limits yamlLimits
	lines  []string
	ds     sigma.Diagnostics
	nodes  int
	root   *yaml.Node // nil when the file cannot be read
	marked bool
}

// yamlLimits bound a file.
type yamlLimits struct{ bytes, nodes, depth int }

const (
	maxYAMLErrors = 100 // findings of one file
	maxYAMLName   = 500 // bytes of a name or path
)

// open reads the file up to its mapping. It returns nil, with a finding, when
// the file cannot be read.
func (r *yamlReader) open(file string, data []byte, what string, limits yamlLimits) *yaml.Node {
	r.file, r.what, r.limits = file, what, limits
	top := sigma.Pos{Line: 1, Col: 1}
	if len(data) > limits.bytes {
		r.report(sigma.SeverityError, codeLimit, top, "split the file", "the file has %d bytes, more than the %d that are read", len(data), limits.bytes)
		return nil
	}
	r.lines = strings.Split(string(data), "\n")
	var doc yaml.Node
	if line, err := sigma.DecodeYAML(data, &doc); err != nil {
		at := top
		at.Line = max(line, at.Line)
		r.report(sigma.SeverityError, codeSyntax, at, "", "not YAML: %s", err)
		return nil
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		r.report(sigma.SeverityError, codeDocument, top, "begin it with `"+r.marker()+": 1`", "the file holds no %s", what)
		return nil
	}
	if r.bounded(doc.Content[0], 0) {
		r.root = doc.Content[0]
	}
	return r.root
}

// bounded refuses what would take long, and aliases, which would repeat it.
func (r *yamlReader) bounded(n *yaml.Node, depth int) bool {
	r.nodes++
	switch {
	case depth > r.limits.depth:
		r.errorf(n, codeLimit, "", "nested more than %d deep", r.limits.depth)
		return false
	case r.nodes > r.limits.nodes:
		r.errorf(n, codeLimit, "", "more than %d values", r.limits.nodes)
		return false
	case n.Kind == yaml.AliasNode:
		r.errorf(n, codeType, "write it out", "YAML aliases are not read here")
		return false
	}
	for _, c := range n.Content {
		if !r.bounded(c, depth+1) {
			return false
		}
	}
	return true
}

// marker is the key that says what the file is.
func (r *yamlReader) marker() string { return "rulewright-" + r.what }

// version reads the marker's value.
func (r *yamlReader) version(n *yaml.Node) {
	r.marked = true
	if n.Value != "1" {
		r.errorf(n, codeValue, "write 1", "version %q of the %s format is not known", n.Value, r.what)
	}
}

// findings returns what was found, in order.
func (r *yamlReader) findings() sigma.Diagnostics {
	if r.root != nil && !r.marked {
		r.marked = true // say it once
		r.errorf(r.root, codeMissing, "begin the file with it", "`%s: 1` is missing", r.marker())
	}
	r.ds.Sort()
	return r.ds
}

func (r *yamlReader) report(sev sigma.Severity, code sigma.Code, at sigma.Pos, hint, format string, args ...any) {
	if len(r.ds) >= maxYAMLErrors {
		return
	}
	d := sigma.Diagnostic{File: r.file, Pos: at, Severity: sev, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	if 0 < at.Line && at.Line <= len(r.lines) {
		d.Snippet = strings.ToValidUTF8(strings.TrimSuffix(r.lines[at.Line-1], "\r"), "\ufffd")
	}
	r.ds = append(r.ds, d)
}

func (r *yamlReader) errorf(n *yaml.Node, code sigma.Code, hint, format string, args ...any) {
	r.report(sigma.SeverityError, code, posOf(n), hint, format, args...)
}

func posOf(n *yaml.Node) sigma.Pos {
	if n == nil {
		return sigma.Pos{}
	}
	return sigma.Pos{Line: n.Line, Col: n.Column}
}

// values reads one value or a list of them.
func (r *yamlReader) values(n *yaml.Node) []sigma.Value {
	if n.Kind != yaml.SequenceNode {
		return []sigma.Value{r.value(n)}
	}
	out := make([]sigma.Value, len(n.Content))
	for i, c := range n.Content {
		out[i] = r.value(c)
	}
	return out
}

func (r *yamlReader) value(n *yaml.Node) sigma.Value {
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
func (r *yamlReader) keys(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	r.entries(n, what, func(k, v *yaml.Node) {
		read, ok := known[k.Value]
		if !ok {
			r.errorf(k, codeUnknown, sigma.NearestHint(k.Value, slices.Sorted(maps.Keys(known)), ""), "%s has no key %q", what, k.Value)
			return
		}
		read(v)
	})
}

// entries reads a mapping with keys of the author's own.
func (r *yamlReader) entries(n *yaml.Node, what string, each func(k, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		if !yamlNull(n) {
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
		case len(k.Value) > maxYAMLName:
			r.errorf(k, codeLimit, "", "a name of more than %d bytes", maxYAMLName)
		case seen[k.Value]:
			r.errorf(k, codeDuplicate, "put them together", "%q is there twice in %s", k.Value, what)
		default:
			seen[k.Value] = true
			each(k, v)
		}
	}
}

func (r *yamlReader) list(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		if !yamlNull(n) {
			r.errorf(n, codeType, "write it with a dash", "%s is a list", what)
		}
		return
	}
	for _, c := range n.Content {
		each(c)
	}
}

// texts reads a list of texts, or one text.
func (r *yamlReader) texts(n *yaml.Node, what string) []*yaml.Node {
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

func (r *yamlReader) text(n *yaml.Node, what string) string {
	switch {
	case n.Kind != yaml.ScalarNode || yamlNull(n) || n.Value == "":
		r.errorf(n, codeType, "", "%s must be a text", what)
		return ""
	case len(n.Value) > maxYAMLName && what != "description":
		r.errorf(n, codeLimit, "", "%s has more than %d bytes", what, maxYAMLName)
		return ""
	}
	return n.Value
}

func yamlNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

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
