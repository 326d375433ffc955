package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func runCompile(c *cli, args []string) int {
	f := c.flags("--to cel|kql|sql [flags] [PATH…]", `
Print what rules mean in another language. CEL text evaluates over a plain event,
in an environment that has the compiler package's Library. Without --pipeline the
rules' field names stand as they are written; with the pipeline of an event form
they are the paths of that form, once for each table the rule may be about.

KQL queries read the tables of a query target: sentinel, unless --pipeline says
defender or asim, or names a file. There is one query a rule and table.

SQL of the --dialect reads one column a field, or, with the pipeline of an event
form or with --event, events that stand whole in a JSON column. A rule whose
logsource names no table reads the one of --table, else events. A correlation
needs to know the column with the time: --time, where the pipeline does not say.

A rule that lacks the value of a parameter is refused: give it with --profile or
--set. Exit code 1 means that a rule was refused.

Examples:
  rulewright compile --to cel --pipeline azure-diagnostic my-rule.yaml
  rulewright compile --to cel --pipeline log-analytics --profile tenant.yaml --format jsonl
  rulewright compile --to kql --pipeline sentinel --out queries rules/
  rulewright compile --to sql --dialect duckdb --table logs --time ts my-rule.yaml
  rulewright compile --to sql --dialect postgres --pipeline log-analytics --event event`)
	var rf ruleFlags
	rf.values(f)
	rf.selection(f)
	rf.pipeline(f)
	to := f.String("to", "", "the `language`: cel, kql or sql")
	table := f.String("table", "", "only for this `table`; of SQL without a pipeline the one to read")
	format := f.String("format", "text", "`format` of the output: text or jsonl")
	outDir := f.String("out", "", "write one file a rule and table into this `folder`")
	sql := sqlFlagsOf(f)
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("to", *to, "cel", "kql", "sql"); err != nil {
		return c.misuse("%v", err)
	}
	if name := sqlOnly(f); name != "" && *to != "sql" {
		return c.misuse("--%s is for --to sql", name)
	}
	printRule := compiler.CEL
	if *to == "kql" {
		printRule, rf.standard = printKQL, "sentinel"
	}
	if *to == "cel" && *table != "" && len(rf.pipelines) == 0 {
		return c.misuse("--table chooses among the tables of a pipeline; give one with --pipeline")
	}
	comment := "//"
	if *to == "sql" {
		var err error
		if printRule, err = sql.printer(*table); err != nil {
			return c.misuse("%v", err)
		}
		if comment = "--"; len(rf.pipelines) == 0 {
			*table = "" // it is the target's, and no choice among a pipeline's
		}
	}
	if err := oneOf("format", *format, "text", "jsonl"); err != nil {
		return c.misuse("%v", err)
	}
	ds, err := rf.load(c, args)
	if err != nil {
		return c.fail(err)
	}
	if *to == "kql" {
		if err := rf.forQueries(); err != nil {
			return c.fail(err)
		}
	}
	if rf.isEmpty(ds) {
		return c.fail(errors.New("there is no rule to compile"))
	}
	if *outDir != "" {
		if err := os.MkdirAll(*outDir, 0o777); err != nil {
			return c.fail(err)
		}
	}
	for _, d := range rf.docs {
		if d.Kind == sigma.KindFilter {
			rf.filters = append(rf.filters, d)
		}
	}
	refused, written := 0, map[string]bool{}
	put := func(l compiledLine) error {
		switch {
		case l.Error != "":
			refused++
			if *format == "text" {
				fmt.Fprintf(c.err, "refused: %s\n", l.Error)
				return nil
			}
		case *outDir != "":
			return writeCompiled(*outDir, *to, l, written)
		case *format == "text":
			_, err := fmt.Fprintf(c.out, "%s %s\n%s\n\n", comment, clean(strings.Join(l.head(), " · ")), l.Query)
			return err
		}
		return c.writeLine(l)
	}
	for _, d := range told(ds.Errors()) { // files that are no rules
		if err := put(compiledLine{File: d.File, Error: d.Error()}); err != nil {
			return c.fail(err)
		}
	}
	for _, d := range rf.docs {
		if d.Kind == sigma.KindFilter {
			continue
		}
		for _, l := range rf.compile(d, *table, *to, printRule) {
			for _, w := range l.warnings {
				fmt.Fprintln(c.err, w)
			}
			if n := utf8.RuneCountInString(l.Query); *to == "kql" && n > backends.KQLQueryLimit {
				fmt.Fprintln(c.err, sigma.Diagnostic{File: d.File, Pos: d.KeyPos("detection"), Severity: sigma.SeverityWarning, Code: sigma.CodeLimit,
					Message: fmt.Sprintf("%s: the query for %s has %s characters; an analytics rule of Sentinel takes %s", d.Meta.Title, l.Table, number(n), number(backends.KQLQueryLimit))})
			}
			if err := put(l); err != nil {
				return c.fail(err)
			}
		}
	}
	if refused > 0 {
		fmt.Fprintf(c.err, "%s refused\n", number(refused))
		return exitNo
	}
	return exitOK
}

// compiledLine is one line of the jsonl output.
type compiledLine struct {
	ID    string `json:"id,omitempty"`
	Title string `json:"title,omitempty"`
	File  string `json:"file,omitempty"`
	Form  string `json:"form,omitempty"`
	Table string `json:"table,omitempty"`
	Query string `json:"query,omitempty"`
	Error string `json:"error,omitempty"`

	several  bool              // the rule has a query for each of several tables
	warnings sigma.Diagnostics // of the rule's meaning there
}

func (l compiledLine) head() []string {
	var out []string
	for _, s := range []string{l.Title, l.ID, l.File, strings.TrimSpace(l.Form + " " + l.Table)} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// compile prints a rule for each pipeline and table, or says why not.
func (r *ruleFlags) compile(d *sigma.Document, table, to string, printRule func(*ir.Rule) (string, error)) []compiledLine {
	line := compiledLine{ID: d.Meta.ID, Title: d.Meta.Title, File: d.File}
	fail := func(err error) []compiledLine {
		switch e := err.(type) {
		case sigma.Diagnostic:
			err = told(sigma.Diagnostics{e})
		case sigma.Diagnostics:
			err = told(e)
		}
		line.Error = err.Error()
		return []compiledLine{line}
	}
	if pos, ok := correlates(d); ok && to == "cel" {
		return fail(sigma.Diagnostic{Severity: sigma.SeverityError, Code: sigma.CodeUnsupported, File: d.File, Pos: pos,
			Message: fmt.Sprintf("%s: a correlation is more than a predicate over one event, which is all that CEL is", d.Meta.Title)})
	}
	pipelines := r.targets
	if len(pipelines) == 0 {
		pipelines = []*compiler.Pipeline{nil}
	}
	var out []compiledLine
	for _, p := range pipelines {
		opts := r.options()
		opts.Pipeline, opts.Table, opts.Filters, opts.Watchlists = p, table, r.filters, to == "kql"
		rules, ds := compiler.Lower(d, opts)
		if errs := ds.Errors(); len(errs) > 0 {
			return fail(errs)
		}
		warnings := slices.DeleteFunc(ds, func(d sigma.Diagnostic) bool { return d.Severity != sigma.SeverityWarning })
		for _, rule := range rules {
			if len(rule.Lacks) > 0 {
				return fail(sigma.Diagnostic{Severity: sigma.SeverityError, Code: sigma.CodeParameter, File: d.File, Pos: d.KeyPos("parameters"), Hint: "give them with --profile or --set",
					Message: fmt.Sprintf("%s: these parameters have no value: %s", d.Meta.Title, strings.Join(rule.Lacks, ", "))})
			}
			text, err := printRule(rule)
			if err != nil {
				return fail(err)
			}
			l := line
			l.Form, l.Table, l.Query = rule.Source.Form, rule.Source.Table, text
			l.warnings, warnings = warnings, nil
			out = append(out, l)
		}
	}
	for i := range out {
		out[i].several = len(out) > 1
	}
	if len(out) == 0 && len(r.pipelines) > 0 {
		return fail(sigma.Diagnostic{Severity: sigma.SeverityError, Code: sigma.CodeLogSource, File: d.File, Pos: d.KeyPos("logsource"), Hint: "choose another with --pipeline",
			Message: d.Meta.Title + ": the pipeline does not have its logsource"})
	}
	return out
}

func printKQL(r *ir.Rule) (string, error) {
	q, err := backends.KQL(r, backends.Target{})
	if err != nil {
		return "", err
	}
	return q.Text, nil
}

// correlates says whether a document is about several events, and where it says
// so: a correlation, or a rule whose condition counts.
func correlates(d *sigma.Document) (sigma.Pos, bool) {
	if d.Correlation != nil {
		return d.Correlation.Pos, true
	}
	if a := d.Aggregation(); a != nil {
		return a.Pos, true
	}
	return sigma.Pos{}, false
}

// writeCompiled writes one file, named after the rule and, where it has several
// tables, the table.
func writeCompiled(dir, ext string, l compiledLine, written map[string]bool) error {
	name := sigma.Slug(l.Title)
	if name == "" {
		name = sigma.Slug(l.ID)
	}
	if name == "" {
		return errors.New("a rule without title and id has no name for its file")
	}
	also := []string{l.Form, l.Table, l.ID}
	if l.several {
		for _, part := range also[:2] {
			if part != "" {
				name += "-" + sigma.Slug(part)
			}
		}
		also = also[2:]
	}
	for _, part := range also {
		if written[name] && part != "" {
			name += "-" + sigma.Slug(part)
		}
	}
	if written[name] {
		return fmt.Errorf("two rules would be written to %s.%s", name, ext)
	}
	written[name] = true
	return os.WriteFile(filepath.Join(dir, name+"."+ext), []byte(l.Query+"\n"), 0o666)
}
