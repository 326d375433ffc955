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
	var rules sigma.References
	for _, d := range docs {
		if d != nil && d.Kind != sigma.KindFilter {
			rules.Add(d)
		}
	}
	known := rules.Known()
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
			switch of := rules.First(r.Name); {
			case of == nil:
				warn(sigma.CodeUnknownRule, r.Pos, sigma.NearestHint(r.Name, known, "load it too, or take the name out"), "no rule has the id or name %q", r.Name)
			case of.Kind == sigma.KindCorrelation:
				warn(sigma.CodeFilter, r.Pos, "name the rules that it correlates", "%q is a correlation, which no filter narrows", r.Name)
			}
		}
	}
	return ds
}

// OnlyFeed returns those of the documents that have no hits of their own:
// correlations refer to them, and none of these says generate. What counts are
// the correlations among docs and those that they stand on, which may be among
// more; also those that do not run, for a correlation that is switched off, has
// an error or lacks a parameter does not make alerts of what it counts.
func OnlyFeed(docs, more []*sigma.Document) map[*sigma.Document]bool {
	refs := sigma.NewReferences(docs...)
	in := map[*sigma.Document]bool{}
	for _, d := range docs {
		in[d] = true
	}
	for _, d := range more {
		if !in[d] {
			refs.Add(d)
		}
	}
	return onlyFeed(docs, refs)
}

// onlyFeed is OnlyFeed where all documents are at hand by reference.
func onlyFeed(docs []*sigma.Document, refs *sigma.References) map[*sigma.Document]bool {
	var queue []*sigma.Document
	queued := map[*sigma.Document]bool{}
	push := func(d *sigma.Document) {
		if d != nil && d.Correlation != nil && !queued[d] {
			queued[d] = true
			queue = append(queue, d)
		}
	}
	for _, d := range docs {
		push(d)
	}
	type use struct {
		ref       string
		generates bool
	}
	seen := map[use]bool{}
	fed, shown := map[*sigma.Document]bool{}, map[*sigma.Document]bool{}
	for len(queue) > 0 {
		c := queue[0].Correlation
		queue = queue[1:]
		for _, r := range c.Rules {
			if u := (use{r.Name, c.Generate}); !seen[u] {
				seen[u] = true
				for d := range refs.Find(r.Name) {
					fed[d], shown[d] = true, shown[d] || c.Generate
					push(d)
				}
			}
		}
	}
	out := map[*sigma.Document]bool{}
	for _, d := range docs {
		if fed[d] && !shown[d] && d.Kind != sigma.KindFilter {
			out[d] = true
		}
	}
	return out
}
