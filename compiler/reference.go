package compiler

import (
	"fmt"

	"github.com/rulewright/rulewright/sigma"
)

// CheckReferences finds the rules that filters and correlations name and that
// are not among the documents. They are warnings: the rules may be loaded from
// elsewhere. NewRuleSet calls it.
func CheckReferences(docs []*sigma.Document) sigma.Diagnostics {
	var known []string
	rules := map[string]bool{}
	for _, d := range docs {
		if d == nil || d.Kind == sigma.KindFilter {
			continue
		}
		for _, n := range []string{foldName(d.Meta.ID), d.Meta.Name} {
			if n != "" && !rules[n] {
				rules[n] = true
				known = append(known, n)
			}
		}
	}
	var ds sigma.Diagnostics
	for _, d := range docs {
		check := func(r sigma.Reference) {
			if rules[r.Name] || rules[foldName(r.Name)] {
				return
			}
			hint := sigma.NearestHint(r.Name, known, "load it too, or take the name out")
			ds = append(ds, sigma.Diagnostic{File: d.File, Pos: r.Pos, Severity: sigma.SeverityWarning, Code: sigma.CodeUnknownRule,
				Message: fmt.Sprintf("no rule has the id or name %q", r.Name), Hint: hint})
		}
		if d == nil {
			continue
		}
		if d.Filter != nil {
			for _, r := range d.Filter.Rules {
				check(r)
			}
		}
		if d.Correlation != nil {
			for _, r := range d.Correlation.Rules {
				check(r)
			}
		}
	}
	return ds
}
