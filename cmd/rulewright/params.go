package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

func runParams(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
Print a tenant profile to fill in: every parameter that the rules use, what it
means, an example, and how many rules wait for it. Lines begin with # until you
take it off; what stays commented keeps its default, or its rules do not run.

Examples:
  rulewright params --out tenant.yaml
  rulewright params --profile tenant.yaml        what is still missing in it`)
	var rf ruleFlags
	rf.selection(f)
	f.StringVar(&rf.profile, "profile", "", "show what this profile, a `file`, still lacks")
	outFile := f.String("out", "", "write to this `file`, which must not exist")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	ds, err := rf.load(c, args)
	if err != nil {
		return c.fail(err)
	}
	c.report(ds)
	used := map[string]int{}
	feeding, refs := compiler.OnlyFeed(rf.docs, rf.all), sigma.NewReferences(rf.all...)
	for _, d := range rf.docs {
		if feeding[d] {
			continue
		}
		names := map[string]bool{}
		for _, x := range append([]*sigma.Document{d}, refs.Behind(d)...) {
			for _, p := range x.Parameters {
				if !names[p.Name] { // a parameter of its own with the name of one of the catalogue has the same value
					names[p.Name] = true
					used[p.Name]++
				}
			}
		}
	}
	if rf.profile != "" {
		return c.lacking(&rf, len(args) == 0)
	}
	var b bytes.Buffer
	fmt.Fprint(&b, `# What Rulewright's rules need to know about your organisation. Take the # off a
# line and fill it in. A parameter without a value and without a default keeps
# its rules from running; an empty list never makes a rule fire.
rulewright-profile: 1
parameters:
`)
	n := 0
	for _, p := range rf.catalogue {
		if used[p.Name] == 0 {
			continue
		}
		n++
		fmt.Fprintln(&b)
		for _, l := range wrap(p.Description, 90) {
			fmt.Fprintf(&b, "  # %s\n", l)
		}
		kind := p.Type
		if p.List {
			kind = "list of " + kind
		}
		fmt.Fprintf(&b, "  # Type: %s. Used by %s.", kind, plural(used[p.Name], "rule"))
		switch {
		case len(p.Default) > 0:
			fmt.Fprint(&b, " Has a default:\n")
			fmt.Fprintf(&b, "  # %s: %s\n", p.Name, flow(p, p.Default))
		case len(p.Example) > 0:
			fmt.Fprint(&b, " Example:\n")
			fmt.Fprintf(&b, "  # %s: %s\n", p.Name, flow(p, p.Example))
		default:
			fmt.Fprintf(&b, "\n  # %s:\n", p.Name)
		}
	}
	if n == 0 {
		fmt.Fprintln(&b, "  {} # these rules use none")
	}
	if *outFile == "" {
		c.out.Write(b.Bytes())
		return exitOK
	}
	w, err := os.OpenFile(*outFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return c.fail(fmt.Errorf("%s is there already; choose another name", *outFile))
	}
	if err == nil {
		_, err = w.Write(b.Bytes())
		if cerr := w.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.out, "%s written to %s\n", plural(n, "parameter"), *outFile)
	return exitOK
}

// lacking says what a profile does not fill in.
func (c *cli) lacking(rf *ruleFlags, pack bool) int {
	rs, _ := rf.ruleSet(false)
	waits := map[string]int{}
	all, waiting := 0, 0
	for _, r := range rs.Rules() {
		if !r.OnlyFeeds {
			all++
		}
	}
	for _, n := range rs.NotRun() {
		if n.Rule.OnlyFeeds {
			continue
		}
		waiting++
		for _, p := range n.Lacks {
			waits[p]++
		}
	}
	var order []string // as the catalogue has them, then others
	for _, p := range rf.catalogue {
		if waits[p.Name] > 0 {
			order = append(order, p.Name)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(waits)) {
		if !slices.Contains(order, p) {
			order = append(order, p)
		}
	}
	for _, p := range order {
		value := "without a value"
		if slices.Contains(rf.profileValue.Names(), p) {
			value = "without a value, for an empty one is none"
		}
		fmt.Fprintf(c.out, "%s: %s; %s cannot run\n", p, value, plural(waits[p], "rule"))
	}
	fmt.Fprintf(c.out, "%d of %s can run where their tables are there\n", all-waiting, plural(all, "rule"))
	if pack {
		fmt.Fprintf(c.out, "with the tables you have: rulewright coverage --have e3,azure --profile %s\n", rf.profile)
		fmt.Fprintf(c.out, "which rules cannot run: %s\n", rf.missingRules(nil))
	}
	return exitOK
}

// flow writes values as YAML on one line.
func flow(p sigma.Parameter, values []sigma.Value) string {
	var out []string
	for _, v := range values {
		out = append(out, scalar(v))
	}
	if p.List {
		return "[" + strings.Join(out, ", ") + "]"
	}
	return strings.Join(out, ", ")
}

// scalar writes a value as a YAML scalar that reads back as the same.
func scalar(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.Bool:
		return fmt.Sprint(v.Bool)
	case sigma.Number:
		if v.Number.IsInt {
			return fmt.Sprint(v.Number.Int)
		}
		return fmt.Sprint(v.Number.Float)
	case sigma.String:
		return "'" + strings.ReplaceAll(v.Raw, "'", "''") + "'"
	}
	return "null"
}

func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(s) {
		if line != "" && len(line)+1+len(w) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	if line != "" {
		lines = append(lines, line)
	}
	return slices.Clip(lines)
}
