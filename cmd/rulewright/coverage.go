package main

import (
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/rules"
)

func runCoverage(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
Show which items of the guides have rules, how many fixtures these have, and which
can run: a rule does not without its parameters, nor without its table.

Examples:
  rulewright coverage
  rulewright coverage --guide entra-apps --profile tenant.yaml --have AuditLogs,SigninLogs
  rulewright coverage --format html > coverage.html`)
	var rf ruleFlags
	rf.values(f)
	var guide, have list
	f.Var(&guide, "guide", "only this `guide`; again for more")
	f.Var(&have, "have", "the `tables` you have; without it all count as there")
	format := f.String("format", "text", "`format` of the output: text, json, html")
	missing := f.Bool("missing", false, "in text, list the items without a rule too")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("format", *format, "text", "json", "html"); err != nil {
		return c.misuse("%v", err)
	}
	ds, err := rf.load(c, args)
	if err != nil {
		return c.fail(err)
	}
	c.report(ds)
	data, err := fs.ReadFile(rules.FS, rules.Coverage)
	if err != nil {
		return c.fail(err)
	}
	items, err := conformance.ParseCoverage(rules.Coverage, data)
	if err != nil {
		return c.fail(err)
	}
	fixtures, found, err := c.loadFixtures(args)
	if err != nil {
		return c.fail(err)
	}
	c.report(found)
	items, found = conformance.Cover(items, rf.docs, fixtures, rf.options())
	for _, d := range found {
		fmt.Fprintln(c.err, d.Error())
	}
	var known []string
	for _, i := range items {
		if !slices.Contains(known, i.Guide) {
			known = append(known, i.Guide)
		}
	}
	for _, g := range guide {
		if err := oneOf("guide", g, known...); err != nil {
			return c.misuse("%v", err)
		}
	}
	if len(guide) > 0 {
		items = slices.DeleteFunc(items, func(i conformance.CoverageItem) bool { return !slices.Contains(guide, i.Guide) })
	}
	switch *format {
	case "json":
		err = c.writeJSON(struct {
			Items []conformance.CoverageItem `json:"items"`
		}{items})
	case "html":
		err = coverageHTML.Execute(c.out, coverageGuides(items, have))
	default:
		coverageText(c, coverageGuides(items, have), *missing)
	}
	if err != nil {
		return c.fail(err)
	}
	return exitOK
}

type coverageGuide struct {
	Name                   string
	Items                  []coverageRow
	Covered, Running, Size int
}

type coverageRow struct {
	conformance.CoverageItem
	Covered, Runs bool
	Lacks         []string // of rules that would otherwise run
}

func coverageGuides(items []conformance.CoverageItem, have []string) []*coverageGuide {
	var out []*coverageGuide
	byName := map[string]*coverageGuide{}
	for _, i := range items {
		g := byName[i.Guide]
		if g == nil {
			g = &coverageGuide{Name: i.Guide}
			byName[i.Guide] = g
			out = append(out, g)
		}
		r := coverageRow{CoverageItem: i, Covered: i.Covered(), Runs: i.Runs(have)}
		if !r.Runs {
			for _, rule := range i.Rules {
				for _, p := range rule.Lacks {
					if !slices.Contains(r.Lacks, p) {
						r.Lacks = append(r.Lacks, p)
					}
				}
			}
		}
		g.Size++
		if r.Covered {
			g.Covered++
		}
		if r.Runs {
			g.Running++
		}
		g.Items = append(g.Items, r)
	}
	return out
}

func coverageText(c *cli, guides []*coverageGuide, missing bool) {
	size, covered, running := 0, 0, 0
	for _, g := range guides {
		size, covered, running = size+g.Size, covered+g.Covered, running+g.Running
		fmt.Fprintf(c.out, "%s  %d/%d covered, %d can run\n", c.paint(bold, g.Name), g.Covered, g.Size, g.Running)
		for _, i := range g.Items {
			if !i.Covered && !missing {
				continue
			}
			mark := "none"
			switch {
			case i.Runs:
				mark = "runs"
			case len(i.Lacks) > 0:
				mark = "lacks"
			case i.Covered:
				mark = "no table"
			}
			fmt.Fprintf(c.out, "  %-8s  %s\n", mark, strings.TrimPrefix(i.ID, g.Name+"/"))
			if i.Covered {
				fmt.Fprintf(c.out, "            %s, %d match and %d near-miss cases", plural(len(i.Rules), "rule"), i.Fixtures.Match, i.Fixtures.NearMiss)
				if len(i.Lacks) > 0 {
					fmt.Fprintf(c.out, "; parameters without a value: %s", strings.Join(i.Lacks, ", "))
				}
				fmt.Fprintln(c.out)
			}
		}
	}
	fmt.Fprintf(c.out, "%d of %d items covered, %d can run\n", covered, size, running)
}

var coverageHTML = template.Must(template.New("coverage").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coverage</title>
<style>body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:75em}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}.runs{color:#060}.none{color:#900}.lacks{color:#960}</style>
<h1>Coverage</h1>
{{range .}}<h2>{{.Name}}: {{.Covered}} of {{.Size}} covered, {{.Running}} can run</h2>
<table><tr><th>Item<th>Severity<th>Rules<th>Cases (match, near miss)<th>State</tr>
{{range .Items}}<tr><td>{{.Item}}<br><small>{{.ID}}</small><td>{{.Severity}}<td>{{range .Rules}}{{.Title}} <small>({{.Tier}}, {{.Level}})</small><br>{{end}}<td>{{.Fixtures.Match}}, {{.Fixtures.NearMiss}}<td>{{if .Runs}}<span class="runs">can run</span>{{else if .Lacks}}<span class="lacks">lacks {{range $n, $p := .Lacks}}{{if $n}}, {{end}}{{$p}}{{end}}</span>{{else if .Covered}}<span class="lacks">table missing</span>{{else}}<span class="none">no rule</span>{{end}}</tr>
{{end}}</table>
{{end}}</html>
`))
