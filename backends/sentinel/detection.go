package sentinel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// detection is a custom detection as Microsoft Graph takes it, the resource
// detectionRule without what was removed from it on 2026-10-01.
func (a *artefact) detection() (object, error) {
	if len(a.tables) == 0 {
		return nil, fmt.Errorf("it reads no table")
	}
	for _, t := range a.tables {
		if facts := tableOf(t); !facts.Report || len(facts.Assets) == 0 {
			return nil, fmt.Errorf("a custom detection needs the columns Timestamp, ReportId and one that names a device, user or mailbox; %s does not have them", t)
		}
	}
	alert := object{{"title", a.title}, {"description", a.description}, {"severity", strings.ToLower(a.severity)}}
	if t := a.meta.Triage; t != nil && len(t.Actions) > 0 {
		alert.add("recommendedActions", strings.Join(t.Actions, "\n"))
	}
	alert.add("entityMappings", a.detectionEntities())
	if tactic := a.attack.main(); tactic != "" {
		alert.add("tactics", list{tactic.tree(a.attack.Techniques)})
	}
	status := "disabled"
	if a.enabled {
		status = "enabled"
	}
	return object{{"id", a.id}, {"displayName", a.title}, {"status", status}, {"queryCondition", object{{"queryText", a.query}}},
		{"schedule", object{{"frequency", isoSpan(a.schedule.Every)}}},
		{"detectionAction", object{{"alertTemplate", alert}}}}, nil
}

// detectionEntity is where a custom detection takes an entity's column: the
// collection of entityMappings and the property of its elements.
type detectionEntity struct{ collection, property string }

// assets are the collections of which a custom detection needs one.
var assets = []string{"accounts", "hosts", "mailboxes"}

// assetEntity is the mapping of a column that names a device, user or mailbox.
func assetEntity(column string) detectionEntity {
	switch {
	case strings.HasPrefix(column, "Device"):
		return entityOf("host", column)
	case strings.HasSuffix(column, "EmailAddress"):
		return entityOf("mailbox", column)
	}
	return entityOf("account", column)
}

// entityOf is the mapping of a column that holds an entity of a kind; nothing
// where no property of the kind is what the column holds.
func entityOf(kind, column string) detectionEntity {
	switch kind {
	case "host":
		if column == "DeviceId" {
			return detectionEntity{"hosts", "deviceIdColumn"}
		}
	case "account", "service-principal":
		switch {
		case strings.HasSuffix(column, "ObjectId"), column == "ServicePrincipalId":
			return detectionEntity{"accounts", "aadUserIdColumn"}
		case strings.HasSuffix(column, "Sid"):
			return detectionEntity{"accounts", "sidColumn"}
		case strings.HasSuffix(column, "Upn"):
			return detectionEntity{"accounts", "upnColumn"}
		}
	case "mailbox":
		return detectionEntity{"mailboxes", "primaryAddressColumn"}
	case "ip":
		return detectionEntity{"ips", "addressColumn"}
	case "url":
		return detectionEntity{"urls", "addressColumn"}
	case "resource":
		return detectionEntity{"azureResources", "resourceIdColumn"}
	}
	return detectionEntity{}
}

// detectionEntities maps the assets of the first table and, of a plain rule,
// those of its entities that are a whole column of the result.
func (a *artefact) detectionEntities() object {
	var out object
	seen := map[string]bool{}
	kept := readQuery(a.query)
	add := func(e detectionEntity, column string) {
		if e.collection == "" || seen[column] || !kept.keeps(column) {
			return
		}
		seen[column] = true
		i := slices.IndexFunc(out, func(m member) bool { return m.key == e.collection })
		if i < 0 {
			i = len(out)
			out = append(out, member{e.collection, list(nil)})
		}
		out[i].value = append(out[i].value.(list), object{{e.property, column}})
	}
	for _, column := range tableOf(a.tables[0]).Assets {
		add(assetEntity(column), column)
	}
	for _, e := range a.related {
		if f := e.Field; wholeColumn(f) {
			add(entityOf(e.Type, f.Column), f.Column)
		}
	}
	return out
}

// wholeColumn reports whether a field is what a text column holds, and no part
// of it.
func wholeColumn(f ir.Field) bool {
	steps := f.Steps()
	return f.Column != "" && f.ColumnType != ir.TypeJSON && f.Join == nil && f.Derive == nil &&
		len(steps) == 1 && steps[0] == ir.Step{Key: f.Column, Single: steps[0].Single}
}

// mainTactic is the one tactic that a custom detection names, as its category
// was one.
type mainTactic string

// main is the tactic that most of the techniques serve, of several the first in
// the matrix.
func (a attack) main() (main mainTactic) {
	most := -1
	for _, tactic := range a.Tactics {
		n := 0
		for _, t := range a.Techniques {
			if slices.Contains(techniques()[t], tactic) {
				n++
			}
		}
		if n > most {
			main, most = mainTactic(tactic), n
		}
	}
	return main
}

// tree is the tactic with those of the techniques that serve it.
func (m mainTactic) tree(all []string) object {
	serving := slices.DeleteFunc(slices.Clone(all), func(t string) bool { return !slices.Contains(techniques()[t], string(m)) })
	out := object{{"tactic", string(m)}}
	var ts list
	for _, parent := range parents(serving) {
		t := object{{"technique", parent}}
		var subs list
		for _, s := range subTechniques(serving) {
			if strings.HasPrefix(s, parent+".") {
				subs = append(subs, s)
			}
		}
		if len(subs) > 0 {
			t.add("subTechniques", subs)
		}
		ts = append(ts, t)
	}
	if len(ts) > 0 {
		out.add("techniques", ts)
	}
	return out
}
