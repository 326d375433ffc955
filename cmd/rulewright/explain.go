package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func runExplain(c *cli, args []string) int {
	f := c.flags("--rule RULE [flags] EVENTS…|-", `
Say why a rule does or does not match: each condition with its verdict, what it
looked for and what the event has there. RULE is a file, or the id, name or title
of a rule of the pack, or of those in --rules. Events that the rule is not about
are only counted. Of a correlation: what its rules matched, and how near each
group came to its condition.

Examples:
  rulewright explain --rule my-rule.yaml event.json
  rulewright explain --rule "Report the consent of an end user to an application" --profile tenant.yaml audit.csv`)
	var rf ruleFlags
	var rule paths
	f.Var(&rule, "rule", "the `rule`: a file, or an id, name or title")
	var own paths
	f.Var(&own, "rules", "where RULE, or what it refers to, is: a file or folder in place of the pack (`path`); again for more")
	rf.values(f)
	rf.pipeline(f)
	form := f.String("form", "auto", "the `form` of all events")
	table := f.String("table", "", "the `table` that all events are of, where the form does not tell")
	anySource := f.Bool("any-source", false, "take the rule's fields as they are written, whatever the event is")
	only := f.String("only", "", "show only events, of a correlation groups, with this `verdict`: match, no-match")
	limit := f.Int("limit", 10, "show at most this `number` of events, or of groups of each correlation; 0 is no limit")
	events, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	src, err := sourceOf(*form, *table)
	if err == nil {
		err = oneOf("only", *only, "", "match", "no-match")
	}
	switch {
	case err != nil:
		return c.misuse("%v", err)
	case len(rule) != 1:
		return c.misuse("which rule? Give one with --rule")
	case len(events) == 0:
		return c.misuse("which events? Give files or folders, or - for standard input")
	}
	var rulePaths []string
	name := ""
	_, err = os.Stat(rule[0])
	isFile := err == nil || rule[0] == "-"
	if isFile {
		rulePaths = append(rule, own...)
	} else {
		rf.id = list{rule[0]}
		name = rule[0]
		rulePaths = own
	}
	ds, err := rf.load(c, rulePaths)
	if err != nil {
		return c.fail(err)
	}
	if err := rf.forEvents(); err != nil {
		return c.misuse("%v", err)
	}
	if isFile && len(own) > 0 { // those of --rules are there to be referred to
		rf.docs = slices.DeleteFunc(slices.Clone(rf.docs), func(d *sigma.Document) bool { return !isIn(d.File, rule[0]) })
	}
	chosen := rf.docs
	correlated := slices.ContainsFunc(chosen, func(d *sigma.Document) bool { _, ok := correlates(d); return ok })
	if correlated {
		rf.docs = rf.all // those that it refers to have hits, too
	}
	rs, more := rf.ruleSet(*anySource)
	if ds = append(ds, more...); ds.HasErrors() {
		return c.fail(ds)
	}
	in, err := c.openInput(events, src)
	if err != nil {
		return c.fail(err)
	}
	defer in.close()
	if correlated {
		rf.docs = slices.DeleteFunc(slices.Clone(rf.all), func(d *sigma.Document) bool { _, ok := correlates(d); return ok })
		single, _ := rf.ruleSet(*anySource)
		return c.explainCorrelations(rs, single, in, chosen, rf.all, *only, *limit)
	}
	shown, matched, looked, total := 0, 0, 0, 0
	elsewhere, notes := 0, map[string]int{}
	var order []string
	for c.ctx.Err() == nil {
		rec, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.fail(err)
		}
		total++
		xs, err := rs.Explain(name, rec)
		if err != nil {
			return c.fail(err)
		}
		for _, x := range xs {
			if x.When == nil && x.Source.Table != "" && !slices.Contains(x.Sources, x.Source) && len(x.Sources) > 0 {
				elsewhere++
				continue
			}
			if x.When == nil {
				key := x.Rule.Title + ": " + x.Note
				if notes[key] == 0 {
					order = append(order, key)
				}
				notes[key]++
				continue
			}
			looked++
			if x.Verdict {
				matched++
			}
			if *only == "match" && !x.Verdict || *only == "no-match" && x.Verdict || *limit > 0 && shown >= *limit {
				continue
			}
			shown++
			verdict := c.paint(red, "does not match")
			if x.Verdict {
				verdict = c.paint(bold, "matches")
			}
			fmt.Fprintf(c.out, "%s:%d: %s\n  %q %s this %s event\n", clean(rec.File), rec.Line, clock(rec.Time), clean(x.Rule.Title), verdict, clean(string(x.Source.Form)+" "+x.Source.Table))
			if x.Note != "" {
				fmt.Fprintf(c.out, "  %s\n", x.Note)
			}
			if x.Where != nil && !x.Where.Holds {
				fmt.Fprintln(c.out, "  the conditions of its logsource:")
				c.explained(x.Where, 2)
			}
			c.explained(x.When, 1)
			fmt.Fprintln(c.out)
		}
	}
	in.meter.clear()
	fmt.Fprintf(c.out, "%s: %s met the rule, %s matched", plural(total, "event"), number(looked), number(matched))
	if shown < looked {
		fmt.Fprintf(c.out, ", %s shown (--limit, --only)", number(shown))
	}
	fmt.Fprintln(c.out)
	if elsewhere > 0 {
		fmt.Fprintf(c.out, "%s of sources that the rule is not about\n", plural(elsewhere, "event"))
	}
	for _, key := range order {
		fmt.Fprintf(c.out, "%s: %s\n", plural(notes[key], "event"), clean(key))
	}
	return exitOK
}

// isIn says whether a file is the one that a path names, or below it.
func isIn(file, path string) bool {
	if path == "-" {
		return file == "stdin"
	}
	rel, err := filepath.Rel(path, file)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// explained prints a node of a rule's tree with what is below it.
func (c *cli) explained(x *compiler.Explained, depth int) {
	mark := c.paint(dim, "no ")
	if x.Holds {
		mark = c.paint(bold, "yes")
	}
	line := strings.Repeat("  ", depth) + mark + " "
	switch x.Kind {
	case "match":
		line += clean(x.Name) + " " + x.Op.String()
		if x.Cased {
			line += " (cased)"
		}
		for i, v := range x.Rule {
			if i == 5 {
				line += fmt.Sprintf(", … %d more", len(x.Rule)-i)
				break
			}
			if i > 0 {
				line += ","
			}
			line += " " + clip(clean(ir.ValueText(v)), 80)
		}
		var values []string
		for i, v := range x.Values {
			if i == 5 {
				values = append(values, fmt.Sprintf("… %d more", len(x.Values)-i))
				break
			}
			values = append(values, clip(clean(fmt.Sprintf("%q", fmt.Sprint(v))), 120))
		}
		if len(values) > 0 {
			line += c.paint(dim, "  event: "+strings.Join(values, ", "))
		}
		if x.Path != "" && x.Path != x.Name {
			line += c.paint(dim, "  at "+clean(x.Path))
		}
	case "selection":
		line += "selection " + clean(x.Name)
	case "any":
		line += "one of " + clean(x.Name)
	default:
		line += x.Kind
	}
	if x.Note != "" {
		line += c.paint(dim, "  ("+x.Note+")")
	}
	fmt.Fprintln(c.out, line)
	others := 0
	for i, p := range x.Parts {
		if x.Kind == "any" && x.Holds && !p.Holds {
			others++ // one that holds is reason enough
			continue
		}
		if x.Kind == "any" {
			fmt.Fprintf(c.out, "%selement %d:\n", strings.Repeat("  ", depth+1), i)
			c.explained(p, depth+2)
			continue
		}
		c.explained(p, depth+1)
	}
	if others > 0 {
		fmt.Fprintf(c.out, "%s%s\n", strings.Repeat("  ", depth+1), c.paint(dim, plural(others, "other element")+" where it does not hold"))
	}
}
