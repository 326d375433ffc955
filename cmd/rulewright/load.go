package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// source is a file that was found, with its text.
type source struct {
	name string // as the user would name it
	data []byte
	kind string // rules, parameters, profile, overrides, pipeline, fixtures, coverage
}

// kindOf is "rules", or the format that the file's marker names.
func kindOf(data []byte) string { return cmp.Or(sigma.Marker(data), "rules") }

func isYAML(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

// maxRuleFile bounds a rule file; nobody writes one of that size.
const maxRuleFile = 256 << 20

// readSources reads files, the YAML files of folders, and standard input for -.
// Without paths it reads the built-in pack.
func (c *cli) readSources(paths []string) ([]source, error) {
	var out []source
	add := func(name string, r io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(r, maxRuleFile+1))
		if err != nil {
			return err
		}
		if len(data) > maxRuleFile {
			return fmt.Errorf("%s is larger than %d MiB", name, maxRuleFile>>20)
		}
		out = append(out, source{name, data, kindOf(data)})
		return nil
	}
	addFile := func(name string) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return add(name, f)
	}
	if len(paths) == 0 {
		err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := rules.FS.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			return add("rules/"+name, f)
		})
		return out, err
	}
	for _, p := range paths {
		if p == "-" {
			if err := add("stdin", c.stdin); err != nil {
				return nil, err
			}
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if err := addFile(p); err != nil {
				return nil, err
			}
			continue
		}
		before := len(out)
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != p && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case d.IsDir() || !isYAML(name):
				return nil
			}
			return addFile(name)
		})
		if err != nil {
			return nil, err
		}
		if len(out) == before {
			return nil, fmt.Errorf("there is no .yml or .yaml file in %s", p)
		}
	}
	return out, nil
}

// ruleFlags are the flags of commands that load rules.
type ruleFlags struct {
	profile, overrides          string
	set                         paths
	pipelines                   paths
	guide, tier, level, tag, id list
	profileValue                *compiler.Profile
	overridesValue              *compiler.Overrides
	docs                        []*sigma.Document // those chosen
	all                         []*sigma.Document // for correlations to refer to
	read                        int               // rules, those with errors and those not chosen included
	filters                     []*sigma.Document
	catalogue                   []sigma.Parameter
	targets, queries, forms     []*compiler.Pipeline // see loadPipelines
}

func (r *ruleFlags) selection(f *flag.FlagSet) {
	f.Var(&r.guide, "guide", "only rules for this `guide`, such as entra-apps")
	f.Var(&r.tier, "tier", "only rules of this `tier`: alert, report, hunt, product")
	f.Var(&r.level, "level", "only rules of this `level`: informational, low, medium, high, critical")
	f.Var(&r.tag, "tag", "only rules with this `tag`, such as attack.t1528")
	f.Var(&r.id, "id", "only the rule with this `id`, name or title")
}

func (r *ruleFlags) values(f *flag.FlagSet) {
	f.StringVar(&r.profile, "profile", "", "the tenant profile, a `file`: values of parameters")
	f.Var(&r.set, "set", "a parameter's value, as `name=value`; again for a list")
	f.StringVar(&r.overrides, "overrides", "", "a `file` that changes single rules")
}

func (r *ruleFlags) pipeline(f *flag.FlagSet) {
	f.Var(&r.pipelines, "pipeline", "a built-in pipeline's `name` or a file; again to lay one over the other")
}

// load reads rules and all that goes with them. Rules with errors are left out
// and named in the diagnostics; what the user gave to change them must be right.
func (r *ruleFlags) load(c *cli, paths []string) (sigma.Diagnostics, error) {
	sources, err := c.readSources(paths)
	if err != nil {
		return nil, err
	}
	return r.loadSources(c, sources, len(paths) > 0)
}

// loadSources is load for files that were read; own: they are not the pack.
func (r *ruleFlags) loadSources(c *cli, sources []source, own bool) (sigma.Diagnostics, error) {
	var ds sigma.Diagnostics
	if own { // rules of one's own may use the pack's parameters
		data, err := fs.ReadFile(rules.FS, rules.Catalogue)
		if err != nil {
			return nil, err
		}
		r.catalogue, _ = sigma.ParseParameters(rules.Catalogue, data)
	}
	parsed := parseRules(sources)
	for i, s := range sources {
		switch s.kind {
		case "rules":
			r.docs = append(r.docs, withoutErrors(parsed[i].docs, parsed[i].ds)...)
			r.read += countRules(parsed[i].docs)
			ds = append(ds, parsed[i].ds...)
		case "parameters":
			catalogue, found := sigma.ParseParameters(s.name, s.data)
			ds = append(ds, found...)
			for _, p := range catalogue {
				r.catalogue = slices.DeleteFunc(r.catalogue, func(q sigma.Parameter) bool { return q.Name == p.Name })
				r.catalogue = append(r.catalogue, p)
			}
		}
	}
	r.all = r.docs
	if err := r.loadValues(c, r.all); err != nil {
		return ds, err
	}
	if err := r.loadPipelines(); err != nil {
		return ds, err
	}
	return ds, r.choose()
}

// withoutErrors leaves out the documents of a file in which there are errors:
// the parser has said what is to be said of them.
func withoutErrors(docs []*sigma.Document, ds sigma.Diagnostics) []*sigma.Document {
	bad := map[*sigma.Document]bool{}
	for _, d := range ds.Errors() {
		var in *sigma.Document
		for _, doc := range docs {
			if doc.Pos.Line <= d.Pos.Line {
				in = doc
			}
		}
		bad[in] = true
	}
	return slices.DeleteFunc(slices.Clone(docs), func(d *sigma.Document) bool { return bad[d] })
}

func countRules(docs []*sigma.Document) int {
	n := 0
	for _, d := range docs {
		if d.Kind != sigma.KindFilter {
			n++
		}
	}
	return n
}

type parsedRules struct {
	docs []*sigma.Document
	ds   sigma.Diagnostics
}

func parseRules(sources []source) []parsedRules {
	out := make([]parsedRules, len(sources))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				if sources[i].kind == "rules" {
					out[i].docs, out[i].ds = sigma.Parse(sources[i].name, sources[i].data)
				}
			}
		})
	}
	for i := range sources {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

func (r *ruleFlags) loadValues(c *cli, docs []*sigma.Document) error {
	var ds sigma.Diagnostics
	if r.profile != "" {
		data, err := os.ReadFile(r.profile)
		if err != nil {
			return err
		}
		r.profileValue, ds = compiler.ParseProfile(r.profile, data)
		ds = append(ds, r.profileValue.Check(r.catalogue, docs)...)
	}
	if r.overrides != "" {
		data, err := os.ReadFile(r.overrides)
		if err != nil {
			return err
		}
		var found sigma.Diagnostics
		r.overridesValue, found = compiler.ParseOverrides(r.overrides, data)
		ds = append(append(ds, found...), r.overridesValue.Check(docs)...)
	}
	if ds.HasErrors() {
		return ds
	}
	ds.Render(c.err) // warnings, such as a name that no rule knows
	values, order := map[string][]any{}, []string{}
	for _, s := range r.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return fmt.Errorf("--set takes name=value, not %q", s)
		}
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = append(values[name], value)
	}
	var set *compiler.Profile
	for _, name := range order {
		var err error
		if set, err = set.WithValue(name, values[name]...); err != nil {
			return err
		}
		if r.profileValue, err = r.profileValue.WithValue(name, values[name]...); err != nil {
			return err
		}
	}
	if ds := set.Check(r.catalogue, docs); len(ds) > 0 {
		return fmt.Errorf("--set: %s; %s", ds[0].Message, ds[0].Hint)
	}
	return nil
}

// loadPipelines reads --pipeline: each form and each built-in query target given
// is one target. Pipelines of the same form are laid over each other from left
// to right, and a file without a form over all targets before it. To match, the
// targets of forms are laid over the built-in ones.
func (r *ruleFlags) loadPipelines() error {
	targets := []*compiler.Pipeline{}
	lay := func(over int, p *compiler.Pipeline) { targets[over] = compiler.MergePipelines(targets[over], p) }
	for _, name := range r.pipelines {
		builtin := slices.Contains(compiler.BuiltinPipelines(), name)
		p, err := readPipeline(name, builtin)
		if err != nil {
			return err
		}
		same := slices.IndexFunc(targets, func(t *compiler.Pipeline) bool { return t.Form() == p.Form() && p.Form() != "" })
		switch {
		case same >= 0:
			lay(same, p)
		case p.Form() == "" && !builtin && len(targets) > 0:
			for i := range targets {
				lay(i, p)
			}
		default:
			targets = append(targets, p)
		}
	}
	r.targets = targets
	if len(targets) == 0 {
		return nil
	}
	for _, name := range compiler.BuiltinPipelines() {
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			return err
		}
		if p.Form() != "" {
			r.forms = append(r.forms, p)
		}
	}
	for _, t := range targets {
		same := slices.IndexFunc(r.forms, func(f *compiler.Pipeline) bool { return f.Form() == t.Form() })
		switch {
		case t.Form() == "":
			r.queries = append(r.queries, t)
		case same >= 0:
			r.forms[same] = compiler.MergePipelines(r.forms[same], t)
		default:
			r.forms = append(r.forms, t)
		}
	}
	return nil
}

func readPipeline(name string, builtin bool) (*compiler.Pipeline, error) {
	if builtin {
		return compiler.BuiltinPipeline(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		known := compiler.BuiltinPipelines()
		return nil, fmt.Errorf("%q is neither a built-in pipeline (%s) nor a file%s", name, strings.Join(known, ", "), didYouMean(name, known))
	}
	p, ds := compiler.ParsePipeline(name, data)
	if ds.HasErrors() {
		return nil, ds
	}
	return p, nil
}

// forEvents refuses pipelines that no event can meet.
func (r *ruleFlags) forEvents() error {
	if len(r.queries) > 0 {
		return fmt.Errorf("the pipeline %s is for queries, not for events; `rulewright list pipelines` tells them apart", r.queries[0].Name())
	}
	return nil
}

// choose keeps the rules that the selection flags mean.
func (r *ruleFlags) choose() error {
	for _, l := range []struct {
		flag  string
		list  list
		words []string
	}{{"tier", r.tier, sigma.Tiers()}, {"level", r.level, levels}} {
		for _, w := range l.list {
			if err := oneOf(l.flag, w, l.words...); err != nil {
				return err
			}
		}
	}
	if len(r.guide)+len(r.tier)+len(r.level)+len(r.tag)+len(r.id) == 0 {
		return nil
	}
	var known []string
	kept := r.docs[:0:0]
	for _, d := range r.docs {
		known = append(known, d.Meta.ID, d.Meta.Name, d.Meta.Title)
		m := &d.Meta
		fits := func(l list, values ...string) bool {
			return len(l) == 0 || slices.ContainsFunc(l, func(w string) bool {
				return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, w) })
			})
		}
		if d.Kind == sigma.KindFilter || fits(r.tier, m.Tier) && fits(r.level, m.Level) && fits(r.tag, m.Tags...) &&
			fits(r.id, m.ID, m.Name, m.Title) && fits(r.guide, guides(m)...) {
			kept = append(kept, d)
		}
	}
	if !slices.ContainsFunc(kept, func(d *sigma.Document) bool { return d.Kind != sigma.KindFilter }) {
		if len(r.id) == 1 {
			if n := sigma.Nearest(r.id[0], known); n != "" {
				return fmt.Errorf("no rule has the id, name or title %q; did you mean %q?", r.id[0], n)
			}
		}
		return errors.New("no rule fits --guide, --tier, --level, --tag and --id together; `rulewright rules` lists the rules")
	}
	r.docs = kept
	return nil
}

// guides returns the guides that a rule's coverage names.
func guides(m *sigma.Meta) []string {
	var out []string
	for _, id := range m.Coverage {
		g, _, _ := strings.Cut(id, "/")
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// options are those for lowering.
func (r *ruleFlags) options() compiler.Options {
	return compiler.Options{Catalogue: r.catalogue, Profile: r.profileValue, Overrides: r.overridesValue, Documents: r.all}
}

// ruleSet compiles the rules for matching.
func (r *ruleFlags) ruleSet(anySource bool) (*compiler.RuleSet, sigma.Diagnostics) {
	return compiler.NewRuleSet(r.docs, compiler.RuleSetOptions{Options: r.options(), Pipelines: r.forms, AnySource: anySource})
}

// report prints what is wrong with rules that are left out, briefly: match and
// its like are not check.
func (c *cli) report(ds sigma.Diagnostics) {
	const most = 10
	errs := ds.Errors()
	for _, d := range errs[:min(most, len(errs))] {
		fmt.Fprintln(c.err, d.Error())
	}
	if len(errs) > most {
		fmt.Fprintf(c.err, "… and %s\n", plural(len(errs)-most, "more error"))
	}
	if len(errs) > 0 {
		fmt.Fprintln(c.err, "rules with errors are left out; `rulewright check` says more")
	}
}
