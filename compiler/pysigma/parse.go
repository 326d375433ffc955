package pysigma

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

var ownKey = regexp.MustCompile(`(?m)^(transformations|postprocessing|finalizers)[ \t]*:`)

// Is reports whether a file is a pySigma pipeline: it has the format's own
// top-level keys and no marker of another format.
func Is(data []byte) bool {
	return sigma.Marker(data) == "" && ownKey.Match(data[:min(len(data), MaxFileBytes)])
}

// Parse reads a pipeline file; file is its name in positions. It returns all
// findings; the pipeline is nil if one of them is an error. A step that cannot
// be run here is an error, whatever rules it is for.
func Parse(file string, data []byte) (*Pipeline, sigma.Diagnostics) {
	r := &reader{file: file}
	p := &Pipeline{vars: map[string][]string{}}
	if root := r.root(data); root != nil {
		r.pipeline(root, p)
	}
	r.ds.Sort()
	if r.ds.HasErrors() {
		return nil, r.ds
	}
	return p, r.ds
}

func (r *reader) pipeline(root *yaml.Node, p *Pipeline) {
	m := r.mapping(root, "a pySigma pipeline")
	p.name = m.text("name")
	if n := m.get("priority"); n != nil {
		var err error
		if p.priority, err = strconv.Atoi(n.Value); err != nil {
			r.errorf(n, sigma.CodeType, "", "priority is an integer")
		}
	}
	p.backends = m.texts("allowed_backends")
	if n := m.get("vars"); n != nil && !isNull(n) {
		r.vars(n, p)
	}
	steps := m.get("transformations")
	if steps != nil && !isNull(steps) {
		p.steps = r.steps(steps, "transformations")
	}
	for _, key := range []string{"postprocessing", "finalizers"} {
		n := m.get(key)
		if n == nil || isNull(n) || n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			continue
		}
		if n.Kind != yaml.SequenceNode {
			r.errorf(n, sigma.CodeType, "write it with dashes", "%s is a list", key)
			continue
		}
		for _, e := range n.Content {
			kind := ""
			if e.Kind == yaml.MappingNode {
				if c := r.mapping(e, "an entry of "+key); c != nil {
					kind = c.text("type")
				}
			}
			r.errorf(e, sigma.CodeUnsupported, "a pipeline changes rules here; wrap the queries that are printed in a program of your own",
				"the step %s of %s changes the text of queries", kind, key)
		}
	}
	m.done()
}

func (r *reader) vars(n *yaml.Node, p *Pipeline) {
	m := r.mapping(n, "vars")
	if m == nil {
		return
	}
	for _, k := range m.keys {
		v := m.get(k.Value)
		if v.Kind == yaml.MappingNode {
			r.errorf(v, sigma.CodeType, "", "a variable is a text, a number or a list of them")
			continue
		}
		p.vars[k.Value] = r.list(v, "the variable "+k.Value)
	}
}

func (r *reader) steps(n *yaml.Node, what string) []*step {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, sigma.CodeType, "write it with dashes", "%s is a list", what)
		return nil
	}
	out := make([]*step, 0, len(n.Content))
	for _, e := range n.Content {
		m := r.mapping(e, "an entry of "+what)
		if m == nil {
			continue
		}
		kind := m.needText("type")
		if kind == "" {
			continue
		}
		i := slices.IndexFunc(transformations, func(t transformationType) bool { return t.name == kind })
		if i < 0 {
			var known []string
			for _, t := range transformations {
				known = append(known, t.name)
			}
			r.errorf(m.value["type"], sigma.CodeBadValue, sigma.NearestHint(kind, known, "docs/pysigma.md lists them"), "there is no transformation %q", kind)
			continue
		}
		t := transformations[i]
		if t.refused != "" {
			r.errorf(m.value["type"], sigma.CodeUnsupported, t.hint, "the step %s %s", kind, t.refused)
			continue
		}
		m.what = "the step " + kind
		st := &step{place: r.place(e), kind: kind, id: m.text("id")}
		st.rule = m.conditions("rule", ruleConditions)
		st.item = m.conditions("detection_item", itemConditions)
		st.name = m.conditions("field_name", nameConditions)
		st.do = t.read(m)
		if st.do.rule != nil || st.do.nested != nil {
			for _, key := range []string{"detection_item_conditions", "field_name_conditions"} {
				if c := m.value[key]; c != nil && len(c.Content) > 0 {
					r.warnf(c, sigma.CodeCondition, "move them to rule_conditions, or to the steps inside", "the step %s works on the rule as a whole and does not ask %s", kind, key)
				}
			}
		}
		m.done()
		out = append(out, st)
	}
	return out
}

// steps of other steps.
func (m *mapping) items() []*step {
	n := m.need("items")
	if n == nil {
		return []*step{}
	}
	return m.steps(n, "items")
}

// selection reads what add_condition adds: a mapping of fields to values, as in
// a rule.
func (m *mapping) selection(key string) sigma.Block {
	n := m.need(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		m.errorf(n, sigma.CodeType, "", "%s is a mapping of fields to values", key)
		return nil
	}
	word := func(s string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Line: n.Line, Column: n.Column}
	}
	const name = "added"
	whole := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column,
		Content: []*yaml.Node{word(name), n, word("condition"), word(name)}}
	d, ds := sigma.ParseDetection(m.file, m.lines, whole)
	m.ds = append(m.ds, ds...)
	if d == nil || d.Selection(name) == nil {
		return nil
	}
	return d.Selection(name).Body
}

// fieldNames reads a mapping of names to one name or several.
func (m *mapping) fieldNames(key string, keywords bool) map[string][]string {
	out := map[string][]string{}
	n := m.need(key)
	if n == nil {
		return out
	}
	if n.Kind != yaml.MappingNode {
		m.errorf(n, sigma.CodeType, "", "%s is a mapping of names to names", key)
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := ""
		switch {
		case isNull(k) && !keywords:
			m.errorf(k, sigma.CodeType, "", "null is no prefix of a field's name")
		case !isNull(k):
			name = m.scalarText(k, "a field")
		}
		if _, twice := out[name]; twice {
			m.errorf(k, sigma.CodeDuplicateKey, "", "%q is there twice in %s", name, key)
		}
		to := m.list(v, "what "+name+" is mapped to")
		if len(to) == 0 {
			m.errorf(v, sigma.CodeEmptyList, "leave the line out, or drop items with drop_detection_item", "%s is mapped to no field", name)
		}
		if slices.Contains(to, "") && keywords {
			m.errorf(v, sigma.CodeField, "", "%s is mapped to a field without a name", name)
		}
		if slices.ContainsFunc(to, func(s string) bool { return strings.Contains(s, "|") }) {
			m.errorf(v, sigma.CodeField, "", "%s is mapped to a field with a bar in its name, which no rule can say", name)
		}
		out[name] = to
	}
	return out
}
