package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
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
would add. Rules of your own that name no item are counted with the others and
listed with --rules.

--have takes names of tables and of plans, which stand for tables:`+plans+`

Formats: text, json, html (one page that needs no network), markdown (a page a
guide, into --out), navigator (a layer of MITRE ATT&CK Navigator).

Examples:
  rulewright coverage --have e3,azure --profile tenant.yaml
  rulewright coverage --rules --missing --have e3,azure --profile tenant.yaml
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
	missing := f.Bool("missing", false, "in text, only the items, or rules, that do not run")
	byRule := f.Bool("rules", false, "in text, the rules in place of the items: which run, and why others do not")
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
		if *byRule {
			c.coverageRules(r, *missing)
		} else {
			c.coverageText(r, *missing)
		}
		c.coverageCounts(r)
		if _, runs := coverage.CountRules(r.Rules); !*byRule && len(args) == 0 && runs < len(r.Rules) {
			fmt.Fprintf(c.out, "which rules cannot run, and why: %s\n", rf.missingRules(have))
		}
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
	feeding := compiler.OnlyFeed(rf.all, nil)
	reports := func(d *sigma.Document) bool { return !feeding[d] }
	r, found := coverage.New(list, coverage.Options{Documents: rf.all, Also: reports, Fixtures: fixtures, Forms: forms, Lowering: rf.options()})
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
	fmt.Fprintln(c.out)
}

// coverageRules lists the rules, each under the first guide that asks for it, then
// those that none asks for, and says of those that do not run why.
func (c *cli) coverageRules(r *coverage.Report, missing bool) {
	listed := map[*coverage.Rule]bool{}
	none := coverage.Guide{ID: "no guide", Title: "Rules that no guide asks for"}
	for _, g := range append(slices.Clip(r.Guides), none) {
		head := true
		asks := func(rule *coverage.Rule) bool {
			return g == none || slices.Contains(coverage.GuidesOf(rule.Items), g.ID)
		}
		for _, rule := range r.Rules {
			if listed[rule] || !asks(rule) || missing && rule.Runs {
				continue
			}
			listed[rule] = true
			if head {
				fmt.Fprintf(c.out, "%s  %s\n", c.paint(bold, g.ID), c.paint(dim, g.Title))
				head = false
			}
			mark, why := "runs", ""
			switch {
			case rule.Error != "":
				mark, why = "error", rule.Error
			case !rule.Visible:
				if mark, why = "no table", "needs "+strings.Join(needs([]*coverage.Rule{rule}), "; or "); len(rule.Lacks) > 0 {
					why += "; and a value for " + strings.Join(rule.Lacks, ", ")
				}
			case !rule.Runs:
				mark, why = "lacks", "parameters without a value: "+strings.Join(rule.Lacks, ", ")
			case rule.Snapshot:
				why = "over snapshots, with `rulewright match`; no export has it"
			}
			fmt.Fprintf(c.out, "  %-8s  %-7s  %-13s  %s\n", mark, rule.Tier, rule.Level, clean(rule.Title))
			if why != "" {
				fmt.Fprintf(c.out, "            %s\n", why)
			}
		}
	}
	fmt.Fprintln(c.out)
}

// coverageCounts says how many items and rules there are, and how many of each
// can run; a rule is one with hits of its own, not one that only feeds others.
func (c *cli) coverageCounts(r *coverage.Report) {
	covered, visible, runs := coverage.Count(r.Items)
	visibleRules, runningRules := coverage.CountRules(r.Rules)
	if r.Have != nil {
		fmt.Fprintf(c.out, "with %s: %d of %d items and %d of %d rules have their tables\n", r.Have, visible, len(r.Items), visibleRules, len(r.Rules))
		if len(r.Have.Brings) > 0 {
			fmt.Fprintf(c.out, "tables that come with these plans: %s\n", strings.Join(r.Have.Brings, ", "))
		}
	}
	fmt.Fprintf(c.out, "%d of %d items covered, %d can run\n", covered, len(r.Items), runs)
	var tiers []string
	for _, tier := range append(sigma.Tiers(), "") {
		of := slices.DeleteFunc(slices.Clone(r.Rules), func(rule *coverage.Rule) bool { return rule.Tier != tier })
		if _, n := coverage.CountRules(of); len(of) > 0 {
			tiers = append(tiers, fmt.Sprintf("%s %d of %d", cmp.Or(tier, "without a tier"), n, len(of)))
		}
	}
	line := fmt.Sprintf("%d of %d rules can run (%s)", runningRules, len(r.Rules), strings.Join(tiers, ", "))
	noTable, waiting := len(r.Rules)-visibleRules, visibleRules-runningRules
	switch {
	case noTable > 0 && waiting > 0:
		line += fmt.Sprintf("; %d lack a table, %d others a parameter", noTable, waiting)
	case noTable > 0:
		line += fmt.Sprintf("; %d lack a table", noTable)
	case waiting > 0:
		line += fmt.Sprintf("; %d lack a parameter", waiting)
	}
	fmt.Fprintln(c.out, line)
	if n := coverage.CountSnapshots(r.Rules); n > 0 {
		fmt.Fprintf(c.out, "of these, over snapshots that `rulewright match` reads and no workspace holds, so that no export has them: %s\n", plural(n, "rule"))
	}
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
			fmt.Fprintf(c.out, "  %-32s %s, %s, %d of tier alert\n", g.Name, plural(len(g.Items), "more item"), plural(len(g.Rules), "more rule"), g.Alerts)
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
			if q.Licence != "" && q.Licence != coverage.NoLicence && slices.Contains(r.Tables, q.Table) && !strings.Contains(text, "("+q.Licence+")") {
				text += " (" + q.Licence + ")"
			}
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
