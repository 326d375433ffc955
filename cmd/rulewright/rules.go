package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/sigma"
)

func runRules(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
List rules: id, level, tier, title, and the tables that they need. Rules that
are there for correlations alone are counted, and listed with --feeders.

Examples:
  rulewright rules --guide entra-apps --tier alert
  rulewright rules --table AuditLogs
  rulewright rules --format jsonl my-rules/`)
	var rf ruleFlags
	var wanted list
	rf.selection(f)
	f.Var(&wanted, "table", "only rules that need this `table`, such as AuditLogs; again for more")
	feeders := f.Bool("feeders", false, "list those that only feed a correlation instead")
	format := f.String("format", "text", "`format` of the output: text or jsonl")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("format", *format, "text", "jsonl"); err != nil {
		return c.misuse("%v", err)
	}
	ds, err := rf.load(c, args)
	if err != nil {
		return c.fail(err)
	}
	c.report(ds)
	if err := needed(wanted, rf.all); err != nil {
		return c.fail(err)
	}
	feeding := compiler.OnlyFeed(rf.docs, rf.all)
	listed, apart := 0, 0
	for _, d := range rf.docs {
		m := &d.Meta
		if d.Kind == sigma.KindFilter || len(wanted) > 0 && !slices.ContainsFunc(wanted, func(t string) bool { return needsTable(m, t) }) {
			continue
		}
		if feeding[d] != *feeders {
			apart++
			continue
		}
		listed++
		l := ruleLine{ID: m.ID, Title: m.Title, Kind: d.Kind.String(), Level: m.Level, Tier: m.Tier, Status: m.Status, Guides: coverage.GuidesOf(m.Coverage), Coverage: m.Coverage, Tags: m.Tags, File: d.File, Requires: []requirement{}}
		for _, q := range m.Requires {
			l.Requires = append(l.Requires, requirement{q.Table, q.Connector, q.Licence})
		}
		for _, p := range d.Parameters {
			l.Parameters = append(l.Parameters, p.Name)
		}
		if *format == "jsonl" {
			if err := c.writeLine(l); err != nil {
				return c.fail(err)
			}
			continue
		}
		var tables []string
		for _, q := range l.Requires {
			tables = append(tables, q.Table)
		}
		fmt.Fprintf(c.out, "%-36s  %s  %-7s %s", l.ID, c.paint(levelColors[strings.ToLower(l.Level)], fmt.Sprintf("%-13s", l.Level)), l.Tier, clean(l.Title))
		if len(tables) > 0 {
			fmt.Fprintf(c.out, "  %s", c.paint(dim, "["+strings.Join(tables, ", ")+"]"))
		}
		fmt.Fprintln(c.out)
	}
	switch {
	case *format != "text":
	case listed == 0 && *feeders:
		fmt.Fprintln(c.out, "no rule only feeds a correlation")
	case apart > 0 && !*feeders:
		fmt.Fprintf(c.out, "%s; %d more only feed correlations (--feeders)\n", plural(listed, "rule"), apart)
	}
	return exitOK
}

// needsTable reports whether a rule says that it needs a table.
func needsTable(m *sigma.Meta, table string) bool {
	return slices.ContainsFunc(m.Requires, func(q sigma.Requirement) bool { return strings.EqualFold(q.Table, table) })
}

// needed says which table no rule needs.
func needed(tables list, docs []*sigma.Document) error {
	var known []string
	for _, d := range docs {
		for _, q := range d.Meta.Requires {
			known = append(known, q.Table)
		}
	}
	for _, t := range tables {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, t) }) {
			return fmt.Errorf("no rule says under requires that it needs the table %q%s", t, didYouMean(t, known))
		}
	}
	return nil
}

type ruleLine struct {
	ID         string        `json:"id"`
	Title      string        `json:"title"`
	Kind       string        `json:"kind"`
	Level      string        `json:"level,omitempty"`
	Tier       string        `json:"tier,omitempty"`
	Status     string        `json:"status,omitempty"`
	Guides     []string      `json:"guides,omitempty"`
	Coverage   []string      `json:"coverage,omitempty"`
	Tags       []string      `json:"tags,omitempty"`
	Requires   []requirement `json:"requires"`
	Parameters []string      `json:"parameters,omitempty"`
	File       string        `json:"file"`
}

type requirement struct {
	Table     string `json:"table"`
	Connector string `json:"connector,omitempty"`
	Licence   string `json:"licence,omitempty"`
}
