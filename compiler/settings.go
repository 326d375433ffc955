package compiler

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// Limits of a profile or overrides file.
const (
	maxSettingsBytes = 16 << 20
	maxSettingsNodes = 1_000_000
	maxSettingsDepth = 60
)

// settings reads one of the small files that begin with a marker of their own,
// such as `rulewright-profile: 1`.
type settings struct {
	pipelineReader
	what   string
	marker string
	root   *yaml.Node // nil when the file is none
	marked bool
}

func readSettings(file string, data []byte, what string) *settings {
	s := &settings{pipelineReader: pipelineReader{file: file}, what: what, marker: "rulewright-" + what}
	top := sigma.Pos{Line: 1, Col: 1}
	if len(data) > maxSettingsBytes {
		s.report(sigma.SeverityError, codeLimit, top, "", "the file has %d bytes, more than %d", len(data), maxSettingsBytes)
		return s
	}
	s.lines = strings.Split(string(data), "\n")
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		at, text := top, err.Error()
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			if n, err := strconv.Atoi(m[1]); err == nil {
				at.Line = n
			}
		}
		s.report(sigma.SeverityError, codeSyntax, at, "", "not YAML: %s", text)
		return s
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		s.report(sigma.SeverityError, codeDocument, top, "begin it with `"+s.marker+": 1`", "the file holds no %s", what)
		return s
	}
	if s.bounded(doc.Content[0], 0) {
		s.root = doc.Content[0]
	}
	return s
}

// bounded refuses what would take long, and aliases, which would repeat it.
func (s *settings) bounded(n *yaml.Node, depth int) bool {
	s.nodes++
	switch {
	case depth > maxSettingsDepth:
		s.errorf(n, codeLimit, "", "nested more than %d deep", maxSettingsDepth)
		return false
	case s.nodes > maxSettingsNodes:
		s.errorf(n, codeLimit, "", "more than %d values", maxSettingsNodes)
		return false
	case n.Kind == yaml.AliasNode:
		s.errorf(n, codeType, "write it out", "YAML aliases are not read here")
		return false
	}
	for _, c := range n.Content {
		if !s.bounded(c, depth+1) {
			return false
		}
	}
	return true
}

// version reads the marker's value.
func (s *settings) version(n *yaml.Node) {
	s.marked = true
	if n.Value != "1" {
		s.errorf(n, codeValue, "write 1", "version %q of the %s format is not known", n.Value, s.what)
	}
}

// findings returns what was found, in order.
func (s *settings) findings() sigma.Diagnostics {
	if s.root != nil && !s.marked {
		s.errorf(s.root, codeMissing, "begin the file with it", "`%s: 1` is missing", s.marker)
	}
	ds := sigma.Diagnostics(s.diags)
	ds.Sort()
	return ds
}
