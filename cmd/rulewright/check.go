package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

func runCheck(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
Find mistakes in rules, and in profiles, overrides, pipelines, catalogues of
parameters and fixtures, which are told by the key they begin with, and rules
that are slow on every event. PATH is a file, a folder (its .yml and .yaml
files) or - for standard input. Exit code 1 means that there are errors.

A finding is silenced in the file: # rulewright: ignore CODE reason

Examples:
  rulewright check my-rules/
  rulewright check --pipeline sentinel my-rules/
  rulewright check --format sarif my-rules/ > findings.sarif`)
	var rf ruleFlags
	rf.values(f)
	rf.selection(f)
	rf.pipeline(f)
	format := f.String("format", "text", "`format` of the output: text, json, sarif")
	failOn := f.String("fail-on", "error", "exit with 1 from this `severity` on: error, warning")
	quiet := f.Bool("quiet", false, "in text, only the last line")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("format", *format, "text", "json", "sarif"); err != nil {
		return c.misuse("%v", err)
	}
	if err := oneOf("fail-on", *failOn, "error", "warning"); err != nil {
		return c.misuse("%v", err)
	}
	sources, err := c.readSources(args)
	if err != nil {
		return c.fail(err)
	}
	ds, err := rf.loadSources(c, sources, len(args) > 0)
	if err != nil {
		return c.fail(err)
	}
	for _, s := range sources {
		switch s.kind {
		case "profile":
			p, found := compiler.ParseProfile(s.name, s.data)
			ds = append(append(ds, found...), p.Check(rf.catalogue, rf.docs)...)
		case "overrides":
			o, found := compiler.ParseOverrides(s.name, s.data)
			ds = append(append(ds, found...), o.Check(rf.docs)...)
		case "pipeline":
			_, found := compiler.ParsePipeline(s.name, s.data)
			ds = append(ds, found...)
		case conformanceKind:
			_, found := conformance.ParseFixture(s.name, s.data)
			ds = append(ds, found...)
		}
	}
	ds = append(ds, compiler.CheckReferences(rf.docs)...)
	ds = append(ds, rf.checkMeaning()...)
	ds = tidy(ds, sources)

	errs, warnings := ds.Count(sigma.SeverityError), ds.Count(sigma.SeverityWarning)
	switch *format {
	case "text":
		if !*quiet {
			for i, d := range ds {
				if i > 0 {
					fmt.Fprintln(c.out)
				}
				d.Render(c.out)
			}
			if len(ds) > 0 {
				fmt.Fprintln(c.out)
			}
		}
		fmt.Fprintf(c.out, "%d files, %d rules, %d errors, %d warnings\n", len(sources), rf.read, errs, warnings)
	case "json":
		err = c.writeJSON(checkReport{findings(ds), len(sources), rf.read, errs, warnings})
	case "sarif":
		err = c.writeJSON(sarif(ds))
	}
	if err != nil {
		return c.fail(err)
	}
	if errs > 0 || *failOn == "warning" && warnings > 0 {
		return exitNo
	}
	return exitOK
}

const conformanceKind = "fixtures"

// checkMeaning lowers the rules: through the given pipelines, else through those
// of the event forms that have the rule's logsource.
func (r *ruleFlags) checkMeaning() sigma.Diagnostics {
	var ds sigma.Diagnostics
	opts := r.options()
	for _, opts.Pipeline = range r.queries {
		_, found := compiler.LowerAll(r.docs, opts)
		ds = append(ds, found...)
	}
	if len(r.queries) == 0 || len(r.queries) < len(r.targets) {
		_, found := r.ruleSet(false)
		ds = append(append(ds, found...), compiler.CheckCost(r.docs, opts)...)
	}
	return ds
}

// tidy orders findings, leaves out repeated ones and remarks, and shows the
// line of the file where a later stage did not have it.
func tidy(ds sigma.Diagnostics, sources []source) sigma.Diagnostics {
	ds = slices.DeleteFunc(ds, func(d sigma.Diagnostic) bool { return d.Severity == sigma.SeverityInfo })
	ds.Sort()
	byName := map[string]*source{}
	for i := range sources {
		byName[sources[i].name] = &sources[i]
	}
	for i, j := 0, 0; i < len(ds); i = j { // a file's findings are neighbours
		for j = i; j < len(ds) && ds[j].File == ds[i].File; j++ {
		}
		if s := byName[ds[i].File]; s != nil {
			copy(ds[i:j], ds[i:j].WithSnippets(s.name, s.data))
		}
	}
	return slices.Compact(ds)
}

type checkReport struct {
	Findings []finding `json:"findings"`
	Files    int       `json:"files"`
	Rules    int       `json:"rules"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
}

type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func findings(ds sigma.Diagnostics) []finding {
	out := []finding{}
	for _, d := range ds {
		out = append(out, finding{d.File, d.Pos.Line, d.Pos.Col, d.Severity.String(), string(d.Code), d.Message, d.Hint})
	}
	return out
}

// sarif is the findings as SARIF 2.1.0.
func sarif(ds sigma.Diagnostics) any {
	type obj = map[string]any
	used := map[sigma.Code]bool{}
	results := []obj{}
	for _, d := range ds {
		used[d.Code] = true
		message := d.Message
		if d.Hint != "" {
			message += "\n" + d.Hint
		}
		uri := (&url.URL{Path: filepath.ToSlash(d.File)}).String()
		place := obj{"artifactLocation": obj{"uri": uri}}
		if d.Pos.IsValid() {
			place["region"] = obj{"startLine": d.Pos.Line, "startColumn": max(1, d.Pos.Col)}
		}
		results = append(results, obj{"ruleId": string(d.Code), "level": d.Severity.String(), "message": obj{"text": message},
			"locations": []obj{{"physicalLocation": place}}})
	}
	rules := []obj{}
	for _, info := range sigma.Codes() {
		if used[info.Code] {
			rules = append(rules, obj{"id": string(info.Code), "shortDescription": obj{"text": info.Text}})
		}
	}
	return obj{"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"runs": []obj{{"tool": obj{"driver": obj{"name": "rulewright", "version": version(), "rules": rules}}, "columnKind": "unicodeCodePoints", "results": results}}}
}
