package sentinel

import (
	"fmt"
	"strings"
)

// analyticsYAML is an analytics rule as Microsoft's repository has it.
func (a *artefact) analyticsYAML() object {
	o := object{{"id", a.id}, {"name", a.title}, {"version", a.version}, {"kind", "Scheduled"},
		{"description", a.description}, {"severity", a.severity}, {"status", "Available"}, {"requiredDataConnectors", a.connectors()},
		{"queryFrequency", kqlSpan(a.schedule.Every)}, {"queryPeriod", kqlSpan(a.schedule.Period)},
		{"triggerOperator", "gt"}, {"triggerThreshold", 0}, {"tactics", texts(a.attack.Tactics)}}
	o.add("relevantTechniques", texts(a.attack.Techniques))
	o = append(o, member{"query", a.query})
	a.shared(&o)
	if !a.enabled {
		o = append(o, member{"enabled", false})
	}
	return o
}

// shared adds what an analytics rule says in the same words as YAML and in ARM.
func (a *artefact) shared(o *object) {
	o.add("entityMappings", a.entityMappings())
	o.add("customDetails", a.customDetails())
	if a.titleFormat != "" {
		o.add("alertDetailsOverride", object{{"alertDisplayNameFormat", a.titleFormat}})
	}
	// One alert a row, so that title and entities are those of the row.
	o.add("eventGroupingSettings", object{{"aggregationKind", "AlertPerResult"}})
	grouping := object{{"enabled", false}, {"reopenClosedIncident", false}, {"lookbackDuration", isoSpan(a.lookback)}, {"matchingMethod", "AllEntities"}}
	if a.incident && len(a.mappings) > 0 {
		grouping = object{{"enabled", true}, {"reopenClosedIncident", false}, {"lookbackDuration", isoSpan(a.lookback)}, {"matchingMethod", "Selected"},
			{"groupByEntities", list{a.mappings[0].Type}}, {"groupByAlertDetails", list{}}, {"groupByCustomDetails", list{}}}
	}
	o.add("incidentConfiguration", object{{"createIncident", true}, {"groupingConfiguration", grouping}})
}

func (a *artefact) entityMappings() list {
	var out list
	for _, m := range a.mappings {
		var fields list
		for _, f := range m.Fields {
			fields = append(fields, object{{"identifier", f.Identifier}, {"columnName", f.Column}})
		}
		out = append(out, object{{"entityType", m.Type}, {"fieldMappings", fields}})
	}
	return out
}

func (a *artefact) customDetails() object {
	var o object
	for _, d := range a.details {
		o.add(d.Identifier, d.Column)
	}
	return o
}

// huntingYAML is a hunting query as Microsoft's repository has it, or a
// function, which that repository has no file format for: the same keys with
// those of a saved search.
func (a *artefact) huntingYAML() object {
	o := object{{"id", a.id}, {"name", a.title}, {"version", a.version}, {"description", a.description}}
	if a.kind == "function" {
		o = append(o, member{"functionAlias", a.alias}, member{"functionParameters", a.functionParameters()})
	}
	o = append(o, member{"requiredDataConnectors", a.connectors()}, member{"tactics", texts(a.attack.Tactics)})
	o.add("relevantTechniques", texts(a.attack.Techniques))
	o = append(o, member{"query", a.query})
	o.add("entityMappings", a.entityMappings())
	return o
}

func (a *artefact) functionParameters() string {
	var out []string
	for _, p := range a.parameters {
		out = append(out, p.declaration)
	}
	return strings.Join(out, ", ")
}

// Versions of the services' interfaces that templates name.
const (
	alertRulesAPI    = "2024-09-01"
	savedSearchesAPI = "2020-08-01"
	watchlistsAPI    = "2023-02-01"
	workspacesAPI    = "2022-10-01"
)

// isEnabled is whether a rule is on: what the deployment says of it, else what
// is right for a new one. The parameter has no default, so that no deployment
// can forget what analysts switched off.
func (a *artefact) isEnabled() expression {
	return expression{
		arm:   fmt.Sprintf("if(contains(parameters('enabled'), '%s'), parameters('enabled')['%[1]s'], %t())", a.id, a.enabled),
		bicep: fmt.Sprintf("contains(enabled, '%s') ? enabled['%[1]s'] : %t", a.id, a.enabled),
	}
}

// properties of an alert rule, as ARM and Bicep have them.
func (a *artefact) properties() object {
	o := object{{"displayName", a.title}, {"description", a.description}, {"severity", a.severity}, {"enabled", a.isEnabled()},
		{"query", a.query}, {"queryFrequency", isoSpan(a.schedule.Every)}, {"queryPeriod", isoSpan(a.schedule.Period)},
		{"triggerOperator", "GreaterThan"}, {"triggerThreshold", 0}, {"suppressionEnabled", false}, {"suppressionDuration", "PT5H"},
		{"tactics", texts(a.attack.Tactics)}}
	o.add("techniques", texts(parents(a.attack.Techniques)))
	a.shared(&o)
	return o
}

func (a *artefact) alertRule() object {
	return object{
		{"id", expression{arm: "concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), 'Microsoft.SecurityInsights'),'/alertRules/" + a.id + "')"}},
		{"name", expression{arm: "concat(parameters('workspace'),'/Microsoft.SecurityInsights/" + a.id + "')"}},
		{"type", "Microsoft.OperationalInsights/workspaces/providers/alertRules"},
		{"kind", "Scheduled"}, {"apiVersion", alertRulesAPI}, {"properties", a.properties()}}
}

// template is an ARM template of one resource.
func (a *artefact) template(resource object) object {
	params := object{{"workspace", object{{"type", "string"}, {"metadata", object{{"description", workspaceText}}}}}}
	if a.kind == "rule" {
		params = append(params, member{"enabled", object{{"type", "object"}, {"metadata", object{{"description", enabledText}}}}})
	}
	return templateOf(params, a.version, resource)
}

func templateOf(params object, version string, resource object) object {
	return object{{"$schema", "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"},
		{"contentVersion", version + ".0"}, {"parameters", params}, {"resources", list{resource}}}
}

const (
	workspaceText = "Name of the Log Analytics workspace."
	enabledText   = "Which rules are on: the id of a rule, true or false. Give what the workspace says now; a rule that is not named is new and is as the rule's tier says."
)

func (a *artefact) savedSearch() object {
	p := object{{"category", "Hunting Queries"}, {"displayName", a.title}, {"query", a.query}, {"version", 2}}
	if a.kind == "function" {
		p = object{{"category", "Rulewright"}, {"displayName", a.title}, {"query", a.query}, {"functionAlias", a.alias},
			{"functionParameters", a.functionParameters()}, {"version", 2}}
	}
	var tags list
	for _, t := range []struct {
		name   string
		values []string
	}{{"description", []string{a.description}}, {"tactics", a.attack.Tactics}, {"techniques", parents(a.attack.Techniques)},
		{"subTechniques", subTechniques(a.attack.Techniques)}, {"version", []string{a.version}}} {
		if len(t.values) > 0 {
			tags = append(tags, object{{"name", t.name}, {"value", strings.Join(t.values, ",")}})
		}
	}
	p.add("tags", tags)
	return object{{"type", "Microsoft.OperationalInsights/workspaces/savedSearches"}, {"apiVersion", savedSearchesAPI},
		{"name", expression{arm: "concat(parameters('workspace'), '/" + a.id + "')"}}, {"properties", p}}
}

func (a *artefact) bicep() string {
	var b strings.Builder
	fmt.Fprintf(&b, "@description(%s)\nparam workspace string\n\n@description(%s)\nparam enabled object\n\n", bicepString(workspaceText), bicepString(enabledText))
	fmt.Fprintf(&b, "resource ws 'Microsoft.OperationalInsights/workspaces@%s' existing = ", workspacesAPI)
	bicepValue(&b, object{{"name", expression{bicep: "workspace"}}}, 0)
	fmt.Fprintf(&b, "\n\nresource rule 'Microsoft.SecurityInsights/alertRules@%s' = ", alertRulesAPI)
	bicepValue(&b, object{{"scope", expression{bicep: "ws"}}, {"name", a.id}, {"kind", "Scheduled"}, {"properties", a.properties()}}, 0)
	b.WriteByte('\n')
	return b.String()
}
