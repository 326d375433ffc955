package main

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

func runRules(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
List rules: id, level, tier, title, and the tables that they need.

Examples:
  rulewright rules --guide entra-apps --tier alert
  rulewright rules --format jsonl my-rules/`)
	var rf ruleFlags
	rf.selection(f)
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
	for _, d := range rf.docs {
		m := &d.Meta
		if d.Kind == sigma.KindFilter {
			continue
		}
		l := ruleLine{ID: m.ID, Title: m.Title, Kind: d.Kind.String(), Level: m.Level, Tier: m.Tier, Status: m.Status, Guides: guides(m), Coverage: m.Coverage, Tags: m.Tags, File: d.File, Requires: []requirement{}}
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
	return exitOK
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
