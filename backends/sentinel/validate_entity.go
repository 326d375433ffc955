package sentinel

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

func (v *validator) column(n *node, check string, f queryFacts) {
	c := n.text()
	switch {
	case !isIdentifier(c) || len(c) > maxColumn:
		v.add(n, check, "%q is no name of a column", c)
	case !f.words[c] || !f.keeps(c):
		v.add(n, check, "the query's result has no column %s", c)
	}
}

// mappings checks entity mappings and returns their types.
func (v *validator) mappings(p *node, f queryFacts) (types []string) {
	all := p.get("entityMappings")
	if p.has("entityMappings") && (len(all.items) == 0 || len(all.items) > maxMappings) {
		v.add(all, "entity-type", "%d entity mappings; 1 to %d are taken", len(all.items), maxMappings)
	}
	for _, m := range all.items {
		typ := m.get("entityType").text()
		types = append(types, typ)
		known, ok := requiredIdentifiers[typ]
		if !ok {
			v.add(m, "entity-type", "%q is no entity type", typ)
			continue
		}
		fields := m.get("fieldMappings").items
		if len(fields) == 0 || len(fields) > maxIdentifiers {
			v.add(m, "entity-type", "%d identifiers; 1 to %d are taken", len(fields), maxIdentifiers)
		}
		var ids []string
		for _, x := range fields {
			id := x.get("identifier").text()
			switch {
			case !slices.Contains(known.known, id):
				v.add(x, "entity-type", "%s has no identifier %q", typ, id)
			case slices.Contains(ids, id):
				v.add(x, "entity-type", "the identifier %s stands twice", id)
			case id == "DisplayName" || strings.HasSuffix(strings.ToLower(x.get("columnName").text()), "displayname"):
				v.add(x, "entity-weak", "a display name identifies nothing")
			}
			ids = append(ids, id)
			v.column(x.get("columnName"), "entity-column", f)
		}
		if !slices.ContainsFunc(known.need, func(need []string) bool {
			return !slices.ContainsFunc(need, func(id string) bool { return !slices.Contains(ids, id) })
		}) {
			v.add(m, "entity-required", "the identifiers %s do not identify one %s", strings.Join(ids, ", "), typ)
		}
	}
	return types
}

func (v *validator) details(p *node, f queryFacts) {
	o := p.get("alertDetailsOverride")
	for key, limit := range map[string]int{"alertDisplayNameFormat": maxName, "alertDescriptionFormat": maxDescription} {
		n := o.get(key)
		if n.value == nil {
			continue
		}
		if c := utf8.RuneCountInString(n.text()); c == 0 || c > limit {
			v.add(n, "placeholders", "%s has %d characters; 1 to %d are taken", key, c, limit)
		}
		parts := strings.Split(n.text(), "{{")
		if len(parts)-1 > maxPlaceholders {
			v.add(n, "placeholders", "%d placeholders; %d are taken", len(parts)-1, maxPlaceholders)
		}
		for _, x := range parts[1:] {
			col, _, ok := strings.Cut(x, "}}")
			if !ok {
				v.add(n, "placeholders", "a placeholder is not closed")
				continue
			}
			v.column(&node{line: n.line, value: col}, "placeholders", f)
		}
	}
	custom := p.get("customDetails")
	if p.has("customDetails") && (len(custom.members) == 0 || len(custom.members) > maxDetails) {
		v.add(custom, "custom-details", "%d custom details; 1 to %d are taken", len(custom.members), maxDetails)
	}
	for _, m := range custom.members {
		if !isIdentifier(m.key) || m.key[0] == '_' || len(m.key) > maxDetailKey {
			v.add(m.value, "custom-details", "%q is no key of at most %d characters", m.key, maxDetailKey)
		}
		v.column(m.value, "custom-details", f)
	}
}

func (v *validator) incident(p *node, mapped []string) {
	c := p.get("incidentConfiguration")
	if c.kind != objectNode {
		return
	}
	g := c.get("groupingConfiguration")
	if _, ok := c.get("createIncident").value.(bool); !ok {
		v.add(c, "incident", "createIncident is missing")
	}
	if g.kind != objectNode {
		return
	}
	for _, k := range []string{"enabled", "reopenClosedIncident", "lookbackDuration", "matchingMethod"} {
		if !g.has(k) {
			v.add(g, "incident", "%s is missing", k)
		}
	}
	if d, ok := readSpan(g.get("lookbackDuration").text()); !ok || d < 5*time.Minute || d > 7*day {
		v.add(g.get("lookbackDuration"), "incident", "the grouping window is not between 5 minutes and 7 days")
	}
	switch m := g.get("matchingMethod").text(); m {
	case "AllEntities", "AnyAlert":
	case "Selected":
		if len(g.get("groupByEntities").items)+len(g.get("groupByAlertDetails").items)+len(g.get("groupByCustomDetails").items) == 0 {
			v.add(g, "incident", "nothing is selected to group by")
		}
	default:
		v.add(g, "incident", "%q is no matching method", m)
	}
	for _, x := range g.get("groupByEntities").items {
		if !slices.Contains(mapped, x.text()) {
			v.add(x, "incident", "%s is grouped by and not mapped", x.text())
		}
	}
}
