package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// ruleFlags are the flags of commands that load rules.
type ruleFlags struct {
	profile, overrides          string
	set                         paths
	pipelines                   paths
	standard                    string // the pipeline where none is given but pySigma's
	guide, tier, level, tag, id list
	profileValue                *compiler.Profile
	overridesValue              *compiler.Overrides
	docs                        []*sigma.Document // those chosen
	all                         []*sigma.Document // for correlations to refer to
	written                     []*sigma.Document // all, before pySigma's pipelines rewrote them
	read                        int               // rules, those with errors and those not chosen included
	filters                     []*sigma.Document
	catalogue                   []sigma.Parameter
	targets, queries, forms     []*compiler.Pipeline // see loadPipelines
}

func (r *ruleFlags) values(f *flag.FlagSet) {
	f.StringVar(&r.profile, "profile", "", "the tenant profile, a `file`: values of parameters")
	f.Var(&r.set, "set", "a parameter's value, as `name=value`; again for a list")
	f.StringVar(&r.overrides, "overrides", "", "a `file` that changes single rules")
}

func (r *ruleFlags) pipeline(f *flag.FlagSet) {
	f.Var(&r.pipelines, "pipeline", "a built-in pipeline's `name` or a file, also one of pySigma's; again to lay one over the other")
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
	for _, f := range parseSources(sources) {
		r.docs = append(r.docs, withoutErrors(f.Documents, f.ds)...)
		r.read += countRules(f.Documents)
		ds = append(ds, f.ds...)
		for _, p := range f.Parameters {
			r.catalogue = slices.DeleteFunc(r.catalogue, func(q sigma.Parameter) bool { return q.Name == p.Name })
			r.catalogue = append(r.catalogue, p)
		}
	}
	r.all = r.docs
	if err := r.loadValues(c, r.all); err != nil {
		return ds, err
	}
	found, err := r.rewrite()
	if ds = append(ds, found...); err != nil {
		return ds, err
	}
	if len(r.pipelines) == 0 && r.standard != "" {
		r.pipelines = paths{r.standard}
	}
	if err := r.loadPipelines(); err != nil {
		return ds, err
	}
	return ds, r.choose()
}

// isEmpty reports whether there is nothing to compile, and no error has said so.
func (r *ruleFlags) isEmpty(ds sigma.Diagnostics) bool {
	return countRules(r.docs) == 0 && !ds.HasErrors()
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

// parsedFile is what a file holds, with its own findings.
type parsedFile struct {
	sigma.Files
	ds sigma.Diagnostics
}

// parseSources reads each file for itself, several at a time.
func parseSources(sources []source) []parsedFile {
	out := make([]parsedFile, len(sources))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				out[i].ds = out[i].Add(sources[i].name, sources[i].data)
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

// loadValues reads what the user gave to fill rules in and to change them.
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
	ds.Sort()
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
