package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/conformance"
)

func runTest(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
Run fixtures: events whose verdict is known, against the rules that they name.
PATH is a fixture file or a folder with fixtures and rules; without one the
built-in pack's fixtures run. Every case is put to every referee, which must all
agree. Exit code 1 means that a case failed.

The referee kql, asked only if named, prints rules as KQL and interprets the
text: rows of Log Analytics and advanced hunting as tables, other events whole in
one column. Keys must be spelled there as the rule or pipeline spells them.

Examples:
  rulewright test my-rules/
  rulewright test --referee reference --referee kql my-rules/consent.fixtures.yaml`)
	var names list
	f.Var(&names, "referee", "only this `referee`; again for more")
	format := f.String("format", "text", "`format` of the output: text or json")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("format", *format, "text", "json"); err != nil {
		return c.misuse("%v", err)
	}
	referees := conformance.Referees()
	if len(names) > 0 {
		var known []string
		var chosen []conformance.Referee
		for _, r := range append(referees, conformance.KQL()) {
			known = append(known, r.Name())
			if slices.Contains(names, r.Name()) {
				chosen = append(chosen, r)
			}
		}
		for _, n := range names {
			if err := oneOf("referee", n, known...); err != nil {
				return c.misuse("%v", err)
			}
		}
		referees = chosen
	}
	fixtures, ds, err := c.loadFixtures(args)
	if err != nil {
		return c.fail(err)
	}
	errs := ds.Errors()
	errs.Render(c.err)
	if len(fixtures) == 0 && len(errs) == 0 {
		return c.fail(fmt.Errorf("there are no fixtures in %s; a fixture file begins with `%s: 1`", strings.Join(args, ", "), conformance.Marker))
	}
	start := time.Now()
	report := conformance.Evaluate(c.ctx, fixtures, referees)
	switch *format {
	case "json":
		err = report.WriteJSON(c.out)
	default:
		err = report.WriteText(c.out)
		if c.color {
			fmt.Fprintf(c.out, "%s in %v\n", plural(len(fixtures), "fixture file"), time.Since(start).Round(time.Millisecond))
		}
	}
	if err != nil {
		return c.fail(err)
	}
	if len(errs) > 0 || report.Count(conformance.Failed) > 0 {
		return exitNo
	}
	return exitOK
}
