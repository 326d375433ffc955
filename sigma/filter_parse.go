package sigma

import (
	"gopkg.in/yaml.v3"
)

// filterSection is the table of a filter's keys beside its selections.
func filterSection() *section[Filter] {
	return &section[Filter]{name: "filter", keys: []key[Filter]{
		needed(key[Filter]{name: "rules", doc: "the rules that are narrowed, by id or name, or any", shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, f *Filter) {
			f.Rules = l.references(n, "rules")
			if n.Kind != yaml.SequenceNode && n.Value == "any" {
				f.Rules, f.Any = nil, true
			}
			for _, r := range f.Rules {
				if r.Name == "any" {
					l.errorf(r.Pos, CodeFilter, "write rules: any to narrow all rules of the logsource", "any stands alone, not in a list")
				}
			}
		}}),
	}}
}

func filterFields() []field { return filterSection().fields() }

// parseFilter reads the section `filter` of a filter document.
func parseFilter(l *loader, n *yaml.Node, doc *Document) {
	doc.Filter = &Filter{Pos: l.pos(n)}
	entries, ok := l.mapping(n, "filter")
	if !ok {
		return
	}
	s := filterSection()
	var own, rest []entry
	for _, e := range entries {
		if s.lookup(e.name) != nil {
			own = append(own, e)
		} else {
			rest = append(rest, e)
		}
	}
	s.readEntries(l, doc.Filter.Pos, own, doc.Filter)
	doc.Detection = l.detection(doc.Filter.Pos, rest, "filter")
	if doc.Detection == nil {
		return
	}
	for _, c := range doc.Detection.Conditions {
		if c.Aggregation != nil {
			l.errorf(c.Aggregation.Pos, CodeFilter, "a filter looks at one event; leave the part behind the pipe out", "a filter cannot count")
		}
		if c.Expr != nil && !hasNot(c.Expr) {
			l.warnf(c.Pos, CodeFilter, "to leave out what the selections find, write not in front, such as not selection", "the condition is added to the rules with and: they keep only what it finds")
		}
	}
}

func hasNot(e ConditionExpr) bool {
	switch e := e.(type) {
	case *ConditionAnd:
		return anyHasNot(e.Parts)
	case *ConditionOr:
		return anyHasNot(e.Parts)
	case *ConditionNot:
		return true
	}
	return false
}

func anyHasNot(parts []ConditionExpr) bool {
	for _, p := range parts {
		if hasNot(p) {
			return true
		}
	}
	return false
}
