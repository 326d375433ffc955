package sentinel

import (
	"slices"
	"time"
	"unicode/utf8"
)

// detection checks a custom detection of Defender XDR.
func (v *validator) detection(n *node) (on bool) {
	v.name(n.get("displayName"))
	a := n.get("detectionAction", "alertTemplate")
	if c := utf8.RuneCountInString(a.get("title").text()); c == 0 || c > maxName {
		v.add(a, "name", "the alert's title has %d characters; 1 to %d are taken", c, maxName)
	}
	v.description(a.get("description"))
	if s := a.get("severity").text(); !slices.Contains([]string{"informational", "low", "medium", "high"}, s) {
		v.add(a, "severity", "%q is no severity", s)
	}
	q := n.get("queryCondition", "queryText")
	f := v.query(q)
	period := n.get("schedule", "period")
	i := slices.IndexFunc(detectionPeriods, func(p struct {
		name            string
		every, lookback time.Duration
	}) bool {
		return p.name == period.text()
	})
	switch {
	case period.text() == "0":
		if f.joins || len(f.tables) != 1 {
			v.add(q, "kind", "a continuous detection reads one table")
		}
	case i < 0:
		v.add(period, "schedule", "%q is no schedule", period.text())
	default:
		for _, x := range f.agos {
			if d, ok := readSpan(x); ok && d > detectionPeriods[i].lookback {
				v.add(period, "schedule", "the query looks back %s, the detection %s", x, kqlSpan(detectionPeriods[i].lookback))
			}
		}
	}
	category := a.get("category").text()
	if category != "SuspiciousActivity" && category != "Malware" && !slices.Contains(tactics, category) {
		v.add(a, "attack", "%q is no category", category)
	}
	for _, t := range a.get("mitreTechniques").texts() {
		if techniques()[t] == nil {
			v.add(a, "attack", "%q is no technique of ATT&CK %s", t, ATTACKVersion)
		}
	}
	need := []string{"Timestamp", "ReportId"}
	if slices.ContainsFunc(f.tables, hasDevice) {
		need = append(need, "DeviceId")
	}
	assets := a.get("impactedAssets").items
	if len(assets) == 0 {
		v.add(a, "detection-column", "no impacted asset is named")
	}
	for _, x := range assets {
		id := x.get("identifier").text()
		if id == "" || x.get("@odata.type").text() != "#microsoft.graph.security."+assetType(id) {
			v.add(x, "detection-column", "an impacted asset has no identifier, or one of another type")
			continue
		}
		need = append(need, assetColumn(id))
	}
	for _, c := range need {
		if !f.keeps(c) {
			v.add(q, "detection-column", "the query's result has no column %s", c)
		}
	}
	for _, t := range f.tables {
		if !tableOf(t).Report {
			v.add(q, "detection-column", "%s has no column ReportId", t)
		}
	}
	return n.get("isEnabled").value == true
}
