package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
)

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

// forQueries refuses pipelines of event forms, whose paths are no columns of a
// workspace.
func (r *ruleFlags) forQueries() error {
	for _, t := range r.targets {
		if t.Form() != "" {
			return fmt.Errorf("the pipeline %s is for events, not for queries; `rulewright list pipelines` tells them apart", t.Name())
		}
	}
	return nil
}

// forEvents refuses pipelines that no event can meet.
func (r *ruleFlags) forEvents() error {
	if len(r.queries) > 0 {
		return fmt.Errorf("the pipeline %s is for queries, not for events; `rulewright list pipelines` tells them apart", r.queries[0].Name())
	}
	return nil
}
