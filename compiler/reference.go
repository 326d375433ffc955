package compiler

import (
	"fmt"

	"github.com/rulewright/rulewright/sigma"
)

// CheckReferences finds the rules that filters name and that are not among the
// documents, or are correlations, which no filter narrows. They are warnings:
// the rules may be loaded from elsewhere. (What a correlation refers to is
// looked up when it is lowered.) NewRuleSet calls it.
func CheckReferences(docs []*sigma.Document) sigma.Diagnostics {
	var known []string
	rules := map[string]*sigma.Document{}
	for _, d := range docs {
		if d == nil || d.Kind == sigma.KindFilter {
			continue
		}
		for _, n := range []string{foldName(d.Meta.ID), d.Meta.Name} {
			if n != "" && rules[n] == nil {
				rules[n] = d
				known = append(known, n)
			}
		}
	}
	var ds sigma.Diagnostics
	for _, d := range docs {
		if d == nil || d.Filter == nil {
			continue
		}
		warn := func(code sigma.Code, pos sigma.Pos, hint, format string, args ...any) {
			ds = append(ds, sigma.Diagnostic{File: d.File, Pos: pos, Severity: sigma.SeverityWarning, Code: code,
				Message: fmt.Sprintf(format, args...), Hint: hint})
		}
		for _, r := range d.Filter.Rules {
			of := rules[r.Name]
			if of == nil {
				of = rules[foldName(r.Name)]
			}
			switch {
			case of == nil:
				warn(sigma.CodeUnknownRule, r.Pos, sigma.NearestHint(r.Name, known, "load it too, or take the name out"), "no rule has the id or name %q", r.Name)
			case of.Kind == sigma.KindCorrelation:
				warn(sigma.CodeFilter, r.Pos, "name the rules that it correlates", "%q is a correlation, which no filter narrows", r.Name)
			}
		}
	}
	return ds
}
