package sentinel

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// detectionColumns are the properties of entity mappings that name a column.
var detectionColumns = map[string][]string{
	"accounts":             {"aadUserIdColumn", "dnsDomainColumn", "nameColumn", "ntDomainColumn", "sidColumn", "upnColumn", "upnSuffixColumn"},
	"amazonResources":      {"amazonResourceIdColumn"},
	"azureResources":       {"resourceIdColumn"},
	"cloudApplications":    {"appIdColumn", "nameColumn"},
	"dns":                  {"domainNameColumn", "hostIpAddressColumn", "serverIpColumn"},
	"files":                {"nameColumn", "sha1Column", "sha256Column"},
	"googleCloudResources": {"fullResourceNameColumn"},
	"hosts":                {"deviceIdColumn", "dnsDomainColumn", "nameColumn", "netBiosNameColumn", "ntDomainColumn"},
	"ips":                  {"addressColumn", "scopeColumn"},
	"mailboxes":            {"primaryAddressColumn"},
	"mailClusters":         {"queryColumn", "sourceColumn"},
	"mailMessages":         {"networkMessageIdColumn", "recipientColumn", "senderColumn", "subjectColumn"},
	"oAuthApplications":    {"oAuthAppIdColumn"},
	"processes":            {"sha1Column", "sha256Column"},
	"registryValues":       {"keyColumn", "valueNameColumn"},
	"securityGroups":       {"distinguishedNameColumn", "objectIdColumn", "sidColumn"},
	"urls":                 {"addressColumn"},
}

// detection checks a custom detection of Defender XDR.
func (v *validator) detection(n *node) (on bool) {
	v.id(n.get("id"))
	v.name(n.get("displayName"))
	action := n.get("detectionAction")
	a := action.get("alertTemplate")
	v.removed(n, "isEnabled", "detectorId")
	v.removed(n.get("schedule"), "period")
	v.removed(action, "responseActions")
	v.removed(a, "category", "impactedAssets", "mitreTechniques")
	status := n.get("status").text()
	if status != "enabled" && status != "disabled" && status != "autoDisabled" {
		v.add(n.get("status"), "kind", "%q is no status", status)
	}
	if c := utf8.RuneCountInString(a.get("title").text()); c == 0 || c > maxName {
		v.add(a, "name", "the alert's title has %d characters; 1 to %d are taken", c, maxName)
	}
	v.description(a.get("description"))
	if s := a.get("severity").text(); !slices.Contains([]string{"informational", "low", "medium", "high"}, s) {
		v.add(a, "severity", "%q is no severity", s)
	}
	q := n.get("queryCondition", "queryText")
	f := v.query(q)
	v.detectionSchedule(n.get("schedule", "frequency"), q, f)
	v.detectionTactics(a.get("tactics"))
	need := []string{"Timestamp", "ReportId"}
	if slices.ContainsFunc(f.tables, hasDevice) {
		need = append(need, "DeviceId")
	}
	for _, c := range append(need, v.detectionMappings(a.get("entityMappings"))...) {
		if !f.keeps(c) {
			v.add(q, "detection-column", "the query's result has no column %s", c)
		}
	}
	for _, t := range f.tables {
		if !tableOf(t).Report {
			v.add(q, "detection-column", "%s has no column ReportId", t)
		}
	}
	return status == "enabled"
}

// removed reports properties that Microsoft Graph no longer has.
func (v *validator) removed(n *node, keys ...string) {
	for _, k := range keys {
		if n.has(k) {
			v.add(n.get(k), "kind", "%s was removed on 2026-10-01", k)
		}
	}
}

func (v *validator) detectionSchedule(frequency, query *node, f queryFacts) {
	text := frequency.text()
	if text == "PT0S" {
		if f.joins || len(f.tables) != 1 {
			v.add(query, "kind", "a continuous detection reads one table")
		}
		return
	}
	every, ok := readSpan(text)
	i := slices.IndexFunc(detectionSchedules, func(s struct{ every, lookback time.Duration }) bool { return s.every == every })
	if !ok || i < 0 || !strings.HasPrefix(text, "P") {
		v.add(frequency, "schedule", "%q is no schedule", text)
		return
	}
	for _, x := range f.agos {
		if d, ok := readSpan(x); ok && d > detectionSchedules[i].lookback {
			v.add(frequency, "schedule", "the query looks back %s, the detection %s", x, kqlSpan(detectionSchedules[i].lookback))
		}
	}
}

func (v *validator) detectionTactics(n *node) {
	for i, x := range n.items {
		if i > 0 {
			v.add(x, "attack", "a custom detection names one tactic")
		}
		var techs []string
		for _, t := range x.get("techniques").items {
			parent := t.get("technique").text()
			techs = append(techs, parent)
			for _, s := range t.get("subTechniques").texts() {
				if !strings.HasPrefix(s, parent+".") {
					v.add(t, "attack", "%q is no sub-technique of %s", s, parent)
				}
				techs = append(techs, s)
			}
		}
		v.attack(x, []string{x.get("tactic").text()}, techs, false)
	}
}

// detectionMappings checks entity mappings and returns the columns they name.
func (v *validator) detectionMappings(n *node) (columns []string) {
	asset := false
	for _, m := range n.members {
		known := detectionColumns[m.key]
		if known == nil || len(m.value.items) == 0 {
			v.add(m.value, "entity-type", "%q is no list of entities", m.key)
			continue
		}
		asset = asset || slices.Contains(assets, m.key)
		for _, e := range m.value.items {
			if len(e.members) == 0 {
				v.add(e, "entity-required", "a mapping of %s names no column", m.key)
			}
			for _, p := range e.members {
				switch {
				case p.key == "@odata.type":
				case !slices.Contains(known, p.key):
					v.add(p.value, "entity-type", "%s have no property %q", m.key, p.key)
				case !isIdentifier(p.value.text()):
					v.add(p.value, "entity-column", "%q is no name of a column", p.value.text())
				default:
					columns = append(columns, p.value.text())
				}
			}
		}
	}
	if !asset {
		v.add(n, "detection-column", "no device, user or mailbox is mapped")
	}
	return columns
}
