package sentinel

import (
	"slices"
	"strings"
	"time"
)

// rule checks an analytics rule: n is the document or resource, p what holds
// its properties.
func (v *validator) rule(n, p *node, nameKey string, id, techs *node, isYAML bool) (on bool) {
	v.id(id)
	v.name(p.get(nameKey))
	v.description(p.get("description"))
	if s := p.get("severity"); !slices.Contains([]string{"Informational", "Low", "Medium", "High"}, s.text()) {
		v.add(s, "severity", "%q is no severity", s.text())
	}
	kind := n.get("kind")
	nrt := kind.text() == "NRT"
	if kind.text() != "Scheduled" && !(isYAML && nrt) {
		v.add(kind, "kind", "%q is no kind of this interface", kind.text())
	}
	if isYAML {
		v.version(p.get("version"))
		if p.get("requiredDataConnectors").kind != listNode {
			v.add(p, "kind", "requiredDataConnectors is missing")
		}
	} else {
		for _, k := range []string{"enabled", "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold", "suppressionEnabled", "suppressionDuration"} {
			if !p.has(k) {
				v.add(p, "kind", "%s is missing", k)
			}
		}
		if t := n.get("type").text(); !strings.HasPrefix(t, "Microsoft.SecurityInsights/alertRules@2") && (t != "Microsoft.OperationalInsights/workspaces/providers/alertRules" || n.get("apiVersion").text() == "") {
			v.add(n, "kind", "%q is no type of a rule", t)
		}
	}
	f := v.query(p.get("query"))
	if nrt {
		for _, k := range []string{"queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"} {
			if p.has(k) {
				v.add(p.get(k), "kind", "an NRT rule has no %s", k)
			}
		}
		if f.joins || f.kept != nil {
			v.add(p.get("query"), "kind", "an NRT rule reads one table and aggregates nothing")
		}
	} else {
		v.schedule(p, f, isYAML)
	}
	v.attack(p.get("tactics"), p.get("tactics").texts(), techs.texts(), !isYAML)
	mapped := v.mappings(p, f)
	v.details(p, f)
	v.incident(p, mapped)
	if f.words["TimeGenerated"] && !f.keeps("TimeGenerated") || f.kept != nil && !f.kept["TimeGenerated"] {
		v.add(p.get("query"), "time-column", "TimeGenerated is not in the result")
	}
	enabled := p.get("enabled")
	if isYAML {
		return enabled.value != false
	}
	e, ok := enabled.value.(expression)
	if text := e.arm + e.bicep; !ok || !strings.Contains(text, id.text()) || !strings.Contains(text, "enabled") {
		v.add(enabled, "enabled", "whether the rule is on is no parameter of the template")
	}
	return !strings.HasSuffix(e.arm, "false())") && !strings.HasSuffix(e.bicep, "false")
}

func (v *validator) schedule(p *node, f queryFacts, isYAML bool) {
	read := func(key string) time.Duration {
		n := p.get(key)
		d, ok := readSpan(n.text())
		if !ok || isYAML == strings.HasPrefix(n.text(), "P") {
			v.add(n, "schedule", "%s: %q is no length of time here", key, n.text())
		} else if d < MinEvery || d > maxPeriod {
			v.add(n, "schedule", "%s is %s; 5m to 14d are taken", key, n.text())
		}
		return d
	}
	every, period := read("queryFrequency"), read("queryPeriod")
	at := p.get("queryPeriod")
	if period < every {
		v.add(at, "schedule", "the period is shorter than the frequency")
	}
	if period >= longPeriod && every < time.Hour {
		v.add(at, "schedule", "a rule that looks back two days runs hourly at most")
	}
	for _, a := range f.agos {
		if d, ok := readSpan(a); ok && d > period {
			v.add(at, "schedule", "the query looks back %s, the rule %s", a, at.text())
		}
	}
	operators := []string{"GreaterThan", "LessThan", "Equal", "NotEqual"}
	if isYAML {
		operators = append(operators, "gt", "lt", "eq", "ne")
	}
	if o := p.get("triggerOperator"); !slices.Contains(operators, o.text()) {
		v.add(o, "trigger", "%q is no operator", o.text())
	}
	if t, ok := p.get("triggerThreshold").value.(int); !ok || t < 0 || t > maxThreshold {
		v.add(p.get("triggerThreshold"), "trigger", "the threshold is not between 0 and %d", maxThreshold)
	}
}
