package compiler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

// eventPipelines returns the pipelines of event forms, all built-in ones for nil.
func eventPipelines(given []*Pipeline) ([]*Pipeline, error) {
	if given != nil {
		for _, p := range given {
			if p.Form() == "" {
				return nil, fmt.Errorf("pipeline %s is for queries, not for events", p.Name())
			}
		}
		return given, nil
	}
	var forms []*Pipeline
	for _, name := range BuiltinPipelines() {
		p, err := BuiltinPipeline(name)
		if err != nil {
			return nil, err
		}
		if p.Form() != "" {
			forms = append(forms, p)
		}
	}
	return forms, nil
}

// nearLogSource asks whether another product, or a service or category of the
// same product, was meant. It says nothing where no name is near: most
// logsources that no form has are not misspelled.
func nearLogSource(ls sigma.LogSource, forms []*Pipeline) string {
	var products, services, categories []string
	for _, p := range forms {
		for _, s := range p.entries {
			products = append(products, s.product)
			if strings.EqualFold(s.product, ls.Product) {
				services, categories = append(services, s.service), append(categories, s.category)
			}
		}
	}
	switch {
	case len(services) == 0:
		return sigma.NearestHint(ls.Product, products, "")
	case ls.Service != "" && !slices.ContainsFunc(services, func(s string) bool { return strings.EqualFold(s, ls.Service) }):
		return sigma.NearestHint(ls.Service, services, "")
	}
	return sigma.NearestHint(ls.Category, categories, "")
}

// lowerForEvents lowers a rule for each form that knows its logsource. Where a
// rule fits one form, not fitting another is a warning.
func lowerForEvents(doc *sigma.Document, forms []*Pipeline, opts *RuleSetOptions, pool *loadPool) ([]lowered, sigma.Diagnostics) {
	var rules []lowered
	var diags sigma.Diagnostics
	known := 0
	shared := &forEvents{pool: pool}
	o := opts.Options
	lower := func(p *Pipeline) {
		o.Pipeline, o.Table = p, ""
		rs, ds := lowerRuleFor(doc, &o, shared)
		rules, diags = append(rules, rs...), append(diags, ds...)
	}
	for _, p := range forms {
		if len(p.sources(doc.LogSource)) > 0 {
			known++
			lower(p)
		}
	}
	if known == 0 {
		d := sigma.Diagnostic{File: doc.File, Pos: doc.LogSource.Pos, Severity: sigma.SeverityInfo, Code: sigma.CodeUnknownSource,
			Message: "no event form has the logsource " + logSourceText(doc.LogSource),
			Hint:    "the rule meets no events unless a pipeline maps it or events of any source are asked for"}
		if hint := pool.nearLogSource(doc.LogSource, forms); hint != "" {
			d.Severity, d.Hint = sigma.SeverityWarning, hint
		}
		diags = append(diags, d)
	}
	if known == 0 || opts.AnySource {
		lower(nil) // also finds what is wrong with the rule itself
		if !opts.AnySource {
			rules = nil
		}
	}
	seen := map[sigma.Diagnostic]bool{}
	out := diags[:0]
	for _, d := range diags {
		if d.Severity == sigma.SeverityError && len(rules) > 0 {
			d.Severity = sigma.SeverityWarning
			d.Message += "; the rule is left out there"
		}
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return rules, out
}
