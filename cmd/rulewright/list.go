package main

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// listings are what list can list.
var listings = []string{"modifiers", "pipelines", "forms", "tables", "fields", "codes", "dialects"}

func runList(c *cli, args []string) int {
	f := c.flags("modifiers|pipelines|forms|tables|fields|codes|dialects [flags]", `
List what rules may use: modifiers, the built-in pipelines, the forms of events,
tables and their fields, the codes of findings, the languages to compile to.

Examples:
  rulewright list modifiers
  rulewright list fields --table AuditLogs
  rulewright list tables --pipeline defender`)
	pipeline := f.String("pipeline", "sentinel", "the `pipeline` whose tables and fields are meant")
	table := f.String("table", "", "the `table` whose fields are meant")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if len(args) != 1 {
		return c.misuse("list one of: %s", strings.Join(listings, ", "))
	}
	what := args[0]
	if err := oneOf("of list", what, listings...); err != nil {
		return c.misuse("there is no list of %q; there are %s%s", what, strings.Join(listings, ", "), didYouMean(what, listings))
	}
	switch what {
	case "modifiers":
		for _, m := range sigma.Modifiers() {
			name := m.Name
			if m.Arg != "" {
				name += "=" + m.Arg
			}
			text := m.Text
			if m.Native {
				text += " (native documents only)"
			}
			fmt.Fprintf(c.out, "%-24s %s\n", name, text)
			if len(m.With) > 0 {
				fmt.Fprintf(c.out, "%-24s %s\n", "", c.paint(dim, "with: "+strings.Join(m.With, " ")))
			}
		}
	case "pipelines":
		for _, name := range compiler.BuiltinPipelines() {
			p, err := compiler.BuiltinPipeline(name)
			if err != nil {
				return c.fail(err)
			}
			kind := "query target"
			if p.Form() != "" {
				kind = "event form"
			}
			fmt.Fprintf(c.out, "%-20s %-13s %s\n", name, kind, p.Description())
		}
	case "forms":
		for _, form := range event.Forms() {
			fmt.Fprintln(c.out, form)
		}
	case "tables", "fields":
		p, err := compiler.BuiltinPipeline(*pipeline)
		if err != nil {
			return c.fail(err)
		}
		if what == "tables" {
			for _, t := range p.SchemaTables() {
				fmt.Fprintln(c.out, t)
			}
			break
		}
		if *table == "" {
			return c.misuse("which table? Give one with --table; `rulewright list tables` lists them")
		}
		columns := p.Columns(*table)
		if columns == nil {
			return c.fail(fmt.Errorf("the pipeline %s has no table %q%s", *pipeline, *table, didYouMean(*table, p.SchemaTables())))
		}
		for _, col := range columns {
			fmt.Fprintf(c.out, "%-40s %s\n", col.Name, col.Type)
		}
	case "codes":
		for _, info := range sigma.Codes() {
			fmt.Fprintf(c.out, "%-22s %s\n", info.Code, info.Text)
		}
	case "dialects":
		fmt.Fprintf(c.out, "%-20s %s\n%-20s %s\n", "cel", "CEL, in this program", "kql", "Microsoft Sentinel, Defender XDR, Azure Data Explorer")
		for _, d := range backends.Dialects() {
			how := "executed by the conformance suite"
			if !d.Executed() {
				how = "read by another's parser, not executed"
			}
			fmt.Fprintf(c.out, "%-20s %s (%s)\n", "sql "+d.Name(), d.Title(), how)
		}
	}
	return exitOK
}
