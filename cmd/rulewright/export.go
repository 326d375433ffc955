package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/sigma"
)

func runExport(c *cli, args []string) int {
	var formats []string
	for _, f := range sentinel.Formats() {
		formats = append(formats, string(f))
	}
	f := c.flags("--to FORMAT --out DIR [flags] [PATH…]", `
Write what Microsoft Sentinel and Defender XDR deploy. Rules of tier alert, and
Sigma rules, which have none, become analytics rules or custom detections, those
of tier product switched off ones. Rules of other tiers, and those that look back
further than the service does, become hunting queries; rules that lack the value
of a parameter become functions that take it.

The folder holds a manifest.json and belongs to this export: a further one into
it says what was added, changed and retired, and removes files of retired rules
that nobody edited. Other rules and other formats take a folder of their own. Where
a rule means something else than before and its version did not rise, or a file
does not pass the checks of the service, nothing is written.

Rules are lowered for the pipeline sentinel or, for defender-xdr, defender. Another
one, such as asim or a file of your own, is given with --pipeline, as to compile.

Formats: `+strings.Join(formats, ", ")+`

Examples:
  rulewright export --to bicep --profile tenant.yaml --have e3,azure --out sentinel/rules
  rulewright export --to sentinel-yaml --out my-sentinel/rules my-rules/
  rulewright export --to sentinel-yaml --pipeline sentinel --pipeline names.yaml --out out my-rules/`)
	var rf ruleFlags
	rf.values(f)
	rf.selection(f)
	rf.pipeline(f)
	to := f.String("to", "", "the `format`")
	outDir := f.String("out", "", "the `folder` to write to")
	table := f.String("table", "", "only for this `table`")
	var have list
	f.Var(&have, "have", "only rules whose `tables` and plans you have, as coverage takes them; a workspace refuses a rule over a table that it lacks")
	every := f.Duration("every", 0, "how often analytics rules run, a `duration` such as 30m; without it every hour, every 15 minutes for level high and critical")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("to", *to, formats...); err != nil {
		return c.misuse("%v", err)
	}
	if *outDir == "" {
		return c.misuse("--out is missing: the folder to write to")
	}
	if *every != 0 && (*every < sentinel.MinEvery || *every > sentinel.MaxEvery || *every%time.Minute != 0) {
		return c.misuse("--every takes whole minutes, from %.0fm to %.0fh", sentinel.MinEvery.Minutes(), sentinel.MaxEvery.Hours())
	}
	format := sentinel.Format(*to)
	rf.standard = format.Pipeline()
	ds, err := rf.load(c, args)
	if err != nil {
		return c.fail(err)
	}
	if err := rf.forFormat(format); err != nil {
		return c.fail(err)
	}
	if rf.isEmpty(ds) {
		return c.fail(errors.New("there is no rule to export"))
	}
	old, err := readManifest(*outDir)
	if err != nil {
		return c.fail(err)
	}
	inputs, left, refused := rf.exportInputs(format, *table)
	var narrowed []string
	if len(have) > 0 {
		var gone []sentinel.Left
		if inputs, gone, narrowed, err = rf.onlyWith(have, inputs); err != nil {
			return c.misuse("--have: %v", err)
		}
		left = append(left, gone...)
	}
	set, found := sentinel.Export(format, inputs, sentinel.Options{Every: *every, Parameters: rf.parameters()})
	changes, versions := set.Since(old)
	refused = slices.Concat(ds.Errors(), refused, found)
	for _, d := range told(slices.Concat(refused, versions)) {
		fmt.Fprintln(c.err, d.Error())
	}
	wrong := 0
	for _, x := range sentinel.Validate(format, set.Files) {
		fmt.Fprintln(c.err, x)
		if !x.Warning {
			wrong++
		}
	}
	if wrong > 0 || versions.HasErrors() {
		fmt.Fprintln(c.err, "nothing was written")
		return exitNo
	}
	if err := writeExport(c, *outDir, set, old); err != nil {
		return c.fail(err)
	}
	for _, text := range narrowed {
		fmt.Fprintf(c.out, "%s\n", text)
	}
	c.tellChanges(changes)
	rf.tellLeft(c, set, inputs, append(left, set.Left...), have, len(args) == 0)
	fmt.Fprintf(c.out, "%s to %s: %s added, %s changed, %s retired, %s unchanged\n", plural(len(set.Manifest.Entries), "artefact"), set.Format,
		number(len(changes.Added)), number(len(changes.Changed)), number(len(changes.Retired)), number(changes.Unchanged))
	if refused.HasErrors() {
		return exitNo
	}
	return exitOK
}

// parameters returns what is known of parameters: the catalogue and what rules
// declare.
func (r *ruleFlags) parameters() []sigma.Parameter {
	out := slices.Clone(r.catalogue)
	for _, d := range r.all {
		for _, p := range d.Parameters {
			if !p.Catalogue {
				out = append(out, p)
			}
		}
	}
	return out
}

// forFormat refuses pipelines that no artefact of a format reads: those of event
// forms, and the tables of the other service.
func (r *ruleFlags) forFormat(f sentinel.Format) error {
	if err := r.forQueries(); err != nil {
		return err
	}
	for _, other := range sentinel.Formats() {
		if name := other.Pipeline(); name != f.Pipeline() && slices.Contains(r.pipelines, name) {
			return fmt.Errorf("the pipeline %s is not for %s, which reads the tables of %s", name, f, f.Pipeline())
		}
	}
	return nil
}

// exportInputs lowers the chosen rules for a format, with all pipelines.
func (r *ruleFlags) exportInputs(f sentinel.Format, table string) (in []sentinel.Input, left []sentinel.Left, refused sigma.Diagnostics) {
	for _, d := range r.docs {
		if d.Kind == sigma.KindFilter {
			r.filters = append(r.filters, d)
		}
	}
	opts := r.options()
	opts.Table, opts.Filters, opts.Ask, opts.Watchlists = table, r.filters, f.Asks(), f.ReadsWatchlists()
	type placed struct {
		doc    *sigma.Document
		target *compiler.Pipeline
	}
	nowhere := map[placed]bool{} // rules whose logsource a target does not have
	isNowhere := func(d *sigma.Document, p *compiler.Pipeline) bool {
		at := placed{d, p}
		if _, known := nowhere[at]; !known {
			opts := opts
			opts.Pipeline = p
			_, ds := compiler.Lower(d, opts)
			nowhere[at] = slices.ContainsFunc(ds.Errors(), func(d sigma.Diagnostic) bool { return d.Code == sigma.CodeUnknownSource })
		}
		return nowhere[at]
	}
	refs, feeders := sigma.NewReferences(r.all...), compiler.OnlyFeed(r.docs, r.all)
	for _, d := range r.docs {
		if d.Kind == sigma.KindFilter {
			continue
		}
		refers := refs.Behind(d)
		var rules []*ir.Rule
		var errs sigma.Diagnostics
		for _, p := range r.targets {
			opts.Pipeline = p
			lowered, ds := compiler.Lower(d, opts)
			if ds.HasErrors() && slices.ContainsFunc(append(refers, d), func(d *sigma.Document) bool { return isNowhere(d, p) }) {
				continue
			}
			rules, errs = append(rules, lowered...), append(errs, ds.Errors()...)
		}
		switch {
		case len(errs) > 0:
			refused = append(refused, errs...)
		case len(rules) == 0:
			left = append(left, sentinel.Left{Document: d, Title: d.Meta.Title, Reason: "its events are in no table of the target"})
		default:
			x := sentinel.Input{Document: r.asWritten(d), OnlyFeeds: feeders[d], Rules: rules}
			for _, other := range refers {
				x.Refers = append(x.Refers, r.asWritten(other))
			}
			in = append(in, x)
		}
	}
	return in, left, refused
}

// onlyWith keeps the rules whose tables are there, and of a rule that reads
// several those that are; told says what is read no more. What only feeds rules
// that are not kept goes with them.
func (r *ruleFlags) onlyWith(have list, in []sentinel.Input) (kept []sentinel.Input, left []sentinel.Left, told []string, err error) {
	everyRule := func(*sigma.Document) bool { return true }
	report, _ := coverage.New(&coverage.List{}, coverage.Options{Documents: r.all, Also: everyRule, Lowering: r.options()})
	h, err := report.ParseHave(have)
	if err != nil {
		return nil, nil, nil, err
	}
	rules := map[*sigma.Document]*coverage.Rule{}
	for _, rule := range report.Rules {
		rules[r.asWritten(rule.Document)] = rule
	}
	without := map[*sigma.Document][]string{}
	for _, x := range in {
		rule := rules[x.Document]
		if rule == nil || len(rule.Tables) == 0 { // its logsource says nothing of tables
			kept = append(kept, x)
			continue
		}
		var seeing []*ir.Rule
		var gone []string
		if h.Meets(rule) {
			for _, lowered := range x.Rules {
				less, tables := h.Narrow(rule, lowered)
				gone = append(gone, tables...)
				if less != nil {
					seeing = append(seeing, less)
				}
			}
		}
		if len(seeing) == 0 {
			left = append(left, sentinel.Left{Document: x.Document, Title: rule.Title, Reason: "you do not have " + h.Missing(rule)})
			continue
		}
		slices.Sort(gone)
		if !x.OnlyFeeds {
			without[x.Document] = slices.Compact(gone)
		}
		x.Rules = seeing
		kept = append(kept, x)
	}
	// What feeds a correlation that only feeds one that is left out goes, too.
	for again := true; again; {
		fed := map[*sigma.Document]bool{}
		for _, x := range kept {
			for _, d := range x.Refers {
				fed[d] = true
			}
		}
		again = false
		kept = slices.DeleteFunc(kept, func(x sentinel.Input) bool {
			if !x.OnlyFeeds || fed[x.Document] {
				return false
			}
			again = true
			left = append(left, sentinel.Left{Document: x.Document, Title: x.Document.Meta.Title, Reason: "the correlations that it feeds are left out"})
			return true
		})
	}
	count := map[string]int{}
	for _, tables := range without {
		for _, table := range tables {
			count[table]++
		}
	}
	for _, table := range slices.Sorted(maps.Keys(count)) {
		told = append(told, fmt.Sprintf("%s without %s, which you do not have", plural(count[table], "rule"), table))
	}
	return kept, left, told, nil
}

func readManifest(dir string) (*sentinel.Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, sentinel.ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := sentinel.ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, sentinel.ManifestFile), err)
	}
	return m, nil
}

// writeExport writes the files that differ, removes those of before that nobody
// edited, and writes the manifest last.
func writeExport(c *cli, dir string, set *sentinel.Set, old *sentinel.Manifest) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	stale := set.Stale(old)
	for _, name := range slices.Sorted(maps.Keys(stale)) {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !sentinel.IsAsExported(data, stale[name]):
			fmt.Fprintf(c.err, "%s was edited: it stays, remove it by hand\n", path)
		default:
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	files := append(slices.Clone(set.Files), sentinel.File{Name: sentinel.ManifestFile, Data: set.Manifest.JSON()})
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if data, err := os.ReadFile(path); err == nil && string(data) == string(f.Data) {
			continue
		}
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// tellChanges prints what an export changed.
func (c *cli) tellChanges(changes sentinel.Changes) {
	line := func(what string, e sentinel.Entry, more string) {
		if more != "" {
			more = ": " + more
		}
		fmt.Fprintf(c.out, "%-8s %s %s (%s)%s\n", what, e.Kind, clean(e.Title), e.Version, more)
	}
	for _, x := range changes.Added {
		line("added", x.Entry, "")
	}
	for _, x := range changes.Changed {
		line("changed", x.Entry, strings.Join(x.What, ", "))
	}
	for _, x := range changes.Retired {
		line("retired", x.Entry, "delete it where it is deployed")
	}
}

// tellLeft prints of how many rules something was exported, and for what reasons
// the others were left out. Each rule counts once, whatever number of tables it
// has; what only feeds correlations is no rule of its own.
func (r *ruleFlags) tellLeft(c *cli, set *sentinel.Set, inputs []sentinel.Input, left []sentinel.Left, have list, pack bool) {
	here, feeding := placesOf(set.Rules()), placesOf(compiler.OnlyFeed(r.docs, r.all))
	reasons, seen := map[string]int{}, map[place]bool{}
	out := 0
	for _, l := range left {
		if l.Document != nil {
			p := placeOfDocument(l.Document)
			if seen[p] || here[p] || feeding[p] {
				continue
			}
			seen[p] = true
		}
		reasons[l.Reason]++
		out++
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(c.out, "left out %s: %s\n", number(reasons[reason]), reason)
	}
	if set.Format == sentinel.Watchlists {
		return
	}
	all := 0
	for _, d := range r.docs {
		if d.Kind != sigma.KindFilter && !feeding[placeOfDocument(d)] {
			all++
		}
	}
	line := fmt.Sprintf("%s of %s exported, %s left out", number(len(here)), plural(all, "rule"), number(out))
	if n := all - len(here) - out; n > 0 {
		line += fmt.Sprintf(", %s with errors", number(n))
	}
	if n := countFeeders(set, inputs, feeding); n > 0 {
		line += fmt.Sprintf("; %s that only feed correlations are part of these", number(n))
	}
	if n := len(set.Manifest.Entries); n > len(here) {
		line += fmt.Sprintf("; what reads several tables may be an artefact for each, so these are %s", number(n))
	}
	fmt.Fprintln(c.out, line)
	if pack && out > 0 {
		fmt.Fprintf(c.out, "which rules cannot run, and why: %s\n", r.missingRules(have))
	}
}

// countFeeders counts those of the feeding rules that correlations of an export
// read.
func countFeeders(set *sentinel.Set, inputs []sentinel.Input, feeding map[place]bool) int {
	read := map[place]bool{}
	var add func(r *ir.Rule)
	add = func(r *ir.Rule) {
		if r.Correlation == nil {
			return
		}
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				if p := (place{t.Rule.File, t.Rule.Pos.Line}); feeding[p] {
					read[p] = true
				}
				add(t.Rule)
			}
		}
	}
	exported := set.Rules()
	for _, x := range inputs {
		if exported[x.Document] {
			for _, r := range x.Rules {
				add(r)
			}
		}
	}
	return len(read)
}

// missingRules is the command that lists the rules that do not run.
func (r *ruleFlags) missingRules(have list) string {
	line := "rulewright coverage --rules --missing"
	if len(have) > 0 {
		line += " --have " + strings.Join(have, ",")
	}
	if r.profile != "" {
		line += " --profile " + r.profile
	}
	return line
}
