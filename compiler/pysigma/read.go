package pysigma

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// Limits of a pipeline file.
const (
	MaxFileBytes = 4 << 20
	maxNodes     = 200_000 // with aliases written out
	maxDepth     = 40
	maxFindings  = 100
)

// place is where something stands in a pipeline's file.
type place struct {
	file    string
	pos     sigma.Pos
	snippet string
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.pos.Line, p.pos.Col) }

func (p place) diagnostic(code sigma.Code, hint, format string, args ...any) sigma.Diagnostic {
	return sigma.Diagnostic{File: p.file, Pos: p.pos, Snippet: p.snippet, Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// reader reads one pipeline file.
type reader struct {
	file  string
	lines []string
	ds    sigma.Diagnostics
	nodes int
}

func (r *reader) place(n *yaml.Node) place {
	p := place{file: r.file, pos: sigma.Pos{Line: max(n.Line, 1), Col: max(n.Column, 1)}}
	if n.Line > 0 && n.Line <= len(r.lines) {
		p.snippet = strings.ToValidUTF8(strings.TrimSuffix(r.lines[n.Line-1], "\r"), "\ufffd")
	}
	return p
}

func (r *reader) errorf(n *yaml.Node, code sigma.Code, hint, format string, args ...any) {
	if len(r.ds) < maxFindings {
		r.ds = append(r.ds, r.place(n).diagnostic(code, hint, format, args...))
	}
}

func (r *reader) warnf(n *yaml.Node, code sigma.Code, hint, format string, args ...any) {
	if len(r.ds) < maxFindings {
		d := r.place(n).diagnostic(code, hint, format, args...)
		d.Severity = sigma.SeverityWarning
		r.ds = append(r.ds, d)
	}
}

// root reads the file up to its mapping, with aliases replaced by what they
// stand for. It returns nil, with a finding, when the file cannot be read.
func (r *reader) root(data []byte) *yaml.Node {
	top := &yaml.Node{Line: 1, Column: 1}
	if len(data) > MaxFileBytes {
		r.errorf(top, sigma.CodeLimit, "split the file", "the file has %d bytes, more than the %d that are read", len(data), MaxFileBytes)
		return nil
	}
	r.lines = strings.Split(string(data), "\n")
	var doc yaml.Node
	if line, err := sigma.DecodeYAML(data, &doc); err != nil {
		top.Line = max(line, 1)
		r.errorf(top, sigma.CodeSyntax, "", "not YAML: %s", err)
		return nil
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		r.errorf(top, sigma.CodeDocument, "write `transformations:` and a list below it", "the file holds no pySigma pipeline")
		return nil
	}
	return r.plain(doc.Content[0], 0)
}

// plain returns the node without aliases, or nil with a finding.
func (r *reader) plain(n *yaml.Node, depth int) *yaml.Node {
	r.nodes++
	switch {
	case depth > maxDepth:
		r.errorf(n, sigma.CodeLimit, "", "nested more than %d deep", maxDepth)
		return nil
	case r.nodes > maxNodes:
		r.errorf(n, sigma.CodeLimit, "", "more than %d values", maxNodes)
		return nil
	case n.Kind == yaml.AliasNode:
		return r.plain(n.Alias, depth+1)
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		if c.Content[i] = r.plain(x, depth+1); c.Content[i] == nil {
			return nil
		}
	}
	return &c
}

// mapping is a YAML mapping of which each known key is asked for.
type mapping struct {
	*reader
	at    *yaml.Node
	what  string
	keys  []*yaml.Node
	value map[string]*yaml.Node
	asked []string
}

// mapping returns nil, with a finding, for what is none.
func (r *reader) mapping(n *yaml.Node, what string) *mapping {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, sigma.CodeType, "", "%s is a mapping", what)
		return nil
	}
	m := &mapping{reader: r, at: n, what: what, value: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode:
			r.errorf(k, sigma.CodeType, "", "a key of %s is a text", what)
		case m.value[k.Value] != nil:
			r.errorf(k, sigma.CodeDuplicateKey, "put them together", "%q is there twice in %s", k.Value, what)
		default:
			m.keys = append(m.keys, k)
			m.value[k.Value] = v
		}
	}
	return m
}

// get returns the value of a key, or nil.
func (m *mapping) get(key string) *yaml.Node {
	m.asked = append(m.asked, key)
	return m.value[key]
}

// need is get with a finding where the key is absent.
func (m *mapping) need(key string) *yaml.Node {
	n := m.get(key)
	if n == nil {
		m.errorf(m.at, sigma.CodeMissingKey, "", "%s lacks %s", m.what, key)
	}
	return n
}

// done reports the keys that nobody asked for.
func (m *mapping) done() {
	slices.Sort(m.asked)
	for _, k := range m.keys {
		if !slices.Contains(m.asked, k.Value) {
			m.errorf(k, sigma.CodeUnknownKey, sigma.NearestHint(k.Value, m.asked, "its keys are "+strings.Join(slices.Compact(m.asked), ", ")), "%s has no key %q", m.what, k.Value)
		}
	}
}

// text returns a key's text, or "" where it is absent.
func (m *mapping) text(key string) string {
	n := m.get(key)
	if n == nil || isNull(n) {
		return ""
	}
	return m.scalarText(n, key)
}

func (m *mapping) needText(key string) string {
	n := m.need(key)
	if n == nil {
		return ""
	}
	return m.scalarText(n, key)
}

func (m *mapping) word(key, otherwise string, words ...string) string {
	n := m.get(key)
	if n == nil || isNull(n) {
		return otherwise
	}
	s := m.scalarText(n, key)
	if s != "" && !slices.Contains(words, s) {
		m.errorf(n, sigma.CodeBadValue, sigma.NearestHint(s, words, ""), "%s is one of %s, not %q", key, strings.Join(words, ", "), s)
	}
	return s
}

func (m *mapping) bool(key string) bool {
	n := m.get(key)
	if n == nil || isNull(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		m.errorf(n, sigma.CodeType, "", "%s is true or false", key)
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// texts returns a key's list of texts, or one text as a list.
func (m *mapping) texts(key string) []string {
	n := m.get(key)
	if n == nil || isNull(n) {
		return nil
	}
	return m.list(n, key)
}

func (m *mapping) needTexts(key string) []string {
	n := m.need(key)
	if n == nil {
		return nil
	}
	out := m.list(n, key)
	if len(out) == 0 {
		m.errorf(n, sigma.CodeEmptyList, "", "%s is empty", key)
	}
	return out
}

func (r *reader) list(n *yaml.Node, what string) []string {
	if n.Kind != yaml.SequenceNode {
		return []string{r.scalarText(n, what)}
	}
	out := []string{}
	for _, c := range n.Content {
		out = append(out, r.scalarText(c, "an entry of "+what))
	}
	return out
}

func (r *reader) scalarText(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.errorf(n, sigma.CodeType, "", "%s is a text", what)
		return ""
	}
	return n.Value
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// any returns what YAML makes of a node: nil, bool, int, float64, string, []any
// or map[string]any.
func (r *reader) any(n *yaml.Node) any {
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			out[i] = r.any(c)
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[r.scalarText(n.Content[i], "a key")] = r.any(n.Content[i+1])
		}
		return out
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return int(i)
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f
		}
	}
	return n.Value
}

// scalar is any for a key that takes one value.
func (m *mapping) scalar(key string) any {
	n := m.need(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode {
		m.errorf(n, sigma.CodeType, "", "%s is one value", key)
		return nil
	}
	return m.any(n)
}
