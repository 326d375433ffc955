package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/rules"
)

func runCoverage(c *cli, args []string) int {
	plans := ""
	for _, p := range coverage.Plans() {
		plans += fmt.Sprintf("\n  %-20s %s", p.Name, p.Title)
	}
	f := c.flags("[flags] [PATH…]", `
Show which items of the guides have rules, how these are proven, where they run,
and which can: a rule does not run without its parameters, nor without its tables.
With --have, what this tenant gets, and what the next licence, table or parameter
would add.

--have takes names of tables and of plans, which stand for tables:`+plans+`

Formats: text, json, html (one page that needs no network), markdown (a page a
guide, into --out), navigator (a layer of MITRE ATT&CK Navigator).

Examples:
  rulewright coverage --have e3,azure --profile tenant.yaml
  rulewright coverage --guide entra-apps --have AuditLogs,SigninLogs --missing
  rulewright coverage --format html --out coverage.html
  rulewright coverage --format navigator --out layer.json
  rulewright coverage --format markdown --out docs/coverage`)
	var rf ruleFlags
	rf.values(f)
	var guide, have list
	f.Var(&guide, "guide", "only this `guide`; again for more")
	f.Var(&have, "have", "the `tables` and plans you have; without it all count as there")
	format := f.String("format", "text", "`format` of the output: text, json, html, markdown, navigator")
	out := f.String("out", "", "write to this `file`, of markdown a folder, instead of the standard output")
	missing := f.Bool("missing", false, "in text, only the items that do not run")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("format", *format, "text", "json", "html", "markdown", "navigator"); err != nil {
		return c.misuse("%v", err)
	}
	if *format == "markdown" && *out == "" {
		return c.misuse("--out is missing: the folder to write the pages to")
	}
	r, err := c.coverage(&rf, args)
	if err != nil {
		return c.fail(err)
	}
	var known []string
	for _, g := range r.Guides {
		known = append(known, g.ID)
	}
	for _, g := range guide {
		if err := oneOf("guide", g, known...); err != nil {
			return c.misuse("%v", err)
		}
	}
	h, err := r.ParseHave(have)
	if err != nil {
		return c.misuse("--have: %v", err)
	}
	r.SetHave(h)
	r.Only(guide)
	switch *format {
	case "json":
		err = c.writeReport(*out, r.JSON)
	case "html":
		err = c.writeReport(*out, r.HTML)
	case "navigator":
		err = c.writeReport(*out, r.Navigator)
	case "markdown":
		err = c.writePages(*out, r.Markdown())
	default:
		c.coverageText(r, *missing)
	}
	if err != nil {
		return c.fail(err)
	}
	return exitOK
}

// coverage loads rules and fixtures and makes the report.
func (c *cli) coverage(rf *ruleFlags, paths []string) (*coverage.Report, error) {
	ds, err := rf.load(c, paths)
	if err != nil {
		return nil, err
	}
	c.report(ds)
	data, err := fs.ReadFile(rules.FS, rules.Coverage)
	if err != nil {
		return nil, err
	}
	list, err := coverage.ParseList(rules.Coverage, data)
	if err != nil {
		return nil, err
	}
	if data, err = fs.ReadFile(rules.FS, rules.Forms); err != nil {
		return nil, err
	}
	forms, err := coverage.ParseForms(rules.Forms, data)
	if err != nil {
		return nil, err
	}
	fixtures, found, err := c.loadFixtures(paths)
	if err != nil {
		return nil, err
	}
	c.report(found)
	r, found := coverage.New(list, coverage.Options{Documents: rf.all, Fixtures: fixtures, Forms: forms, Lowering: rf.options()})
	for _, d := range found {
		fmt.Fprintln(c.err, d.Error())
	}
	return r, nil
}

// writeReport writes to a file, or to the standard output.
func (c *cli) writeReport(file string, print func() ([]byte, error)) error {
	data, err := print()
	if err != nil {
		return err
	}
	if file == "" {
		_, err = c.out.Write(data)
		return err
	}
	if err := os.WriteFile(file, data, 0o666); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "written to %s\n", file)
	return nil
}

// writePages writes files into a folder and leaves those that are the same.
func (c *cli) writePages(dir string, pages []coverage.Page) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	changed := 0
	for _, p := range pages {
		path := filepath.Join(dir, p.Name)
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && string(old) == string(p.Data) {
			continue
		}
		changed++
		if err := os.WriteFile(path, p.Data, 0o666); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.out, "%s in %s, %s changed\n", plural(len(pages), "page"), dir, number(changed))
	return nil
}

func (c *cli) coverageText(r *coverage.Report, missing bool) {
	for _, g := range r.Guides {
		items := r.ItemsOf(g.ID)
		covered, visible, runs := coverage.Count(items)
		fmt.Fprintf(c.out, "%s  %d/%d covered, %d have their tables, %d can run  %s\n", c.paint(bold, g.ID), covered, len(items), visible, runs, c.paint(dim, g.Title))
		for _, i := range items {
			if missing && i.Runs {
				continue
			}
			mark, why := "runs", ""
			switch {
			case i.Runs:
			case len(i.Rules) == 0:
				mark = "no rule"
			case !i.Visible:
				mark, why = "no table", "needs "+strings.Join(needs(r.RulesOf(i)), "; or ")
			default:
				mark, why = "lacks", "parameters without a value: "+strings.Join(lacks(r.RulesOf(i)), ", ")
			}
			fmt.Fprintf(c.out, "  %-8s  %s\n", mark, strings.TrimPrefix(i.ID, g.ID+"/"))
			fmt.Fprintf(c.out, "            %s, %d match and %d near-miss cases\n", plural(len(i.Rules), "rule"), i.Fixtures.Match, i.Fixtures.NearMiss)
			if why != "" {
				fmt.Fprintf(c.out, "            %s\n", why)
			}
		}
	}
	c.gains(r)
	covered, visible, runs := coverage.Count(r.Items)
	visibleRules, runningRules := 0, 0
	for _, rule := range r.Rules {
		if rule.Visible {
			visibleRules++
		}
		if rule.Runs {
			runningRules++
		}
	}
	if r.Have != nil {
		fmt.Fprintf(c.out, "\nwith %s: %d of %d items and %d of %d rules have their tables\n", r.Have, visible, len(r.Items), visibleRules, len(r.Rules))
		if len(r.Have.Brings) > 0 {
			fmt.Fprintf(c.out, "tables that come with these plans: %s\n", strings.Join(r.Have.Brings, ", "))
		}
	}
	fmt.Fprintf(c.out, "%d of %d items covered, %d can run, with %d of %d rules\n", covered, len(r.Items), runs, runningRules, len(r.Rules))
}

// gains prints what one thing more would add.
func (c *cli) gains(r *coverage.Report) {
	for _, part := range []struct{ kind, head string }{
		{"licence", "what one licence more would show"}, {"table", "what one table more would show"}, {"parameter", "what one parameter more would let run"}} {
		head := part.head
		for _, g := range r.Gains {
			if g.Kind != part.kind {
				continue
			}
			if head != "" {
				fmt.Fprintf(c.out, "\n%s\n", c.paint(bold, head))
				head = ""
			}
			fmt.Fprintf(c.out, "  %-32s %s, %s, %s\n", g.Name, plural(len(g.Items), "more item"), plural(len(g.Rules), "more rule"), plural(g.Alerts, "alert"))
		}
	}
}

func lacks(rules []*coverage.Rule) []string {
	var out []string
	for _, r := range rules {
		for _, p := range r.Lacks {
			if r.Visible && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

func needs(rules []*coverage.Rule) []string {
	var out []string
	for _, r := range rules {
		text := r.Needs
		for _, q := range r.Requires {
			if q.Licence != "" && slices.Contains(r.Tables, q.Table) && !strings.Contains(text, "("+q.Licence+")") {
				text += " (" + q.Licence + ")"
			}
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
