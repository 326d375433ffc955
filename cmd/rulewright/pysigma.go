package main

import (
	"os"
	"slices"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/pysigma"
	"github.com/rulewright/rulewright/sigma"
)

// rewrite takes the pySigma pipelines out of --pipeline and applies them to the
// rules, which are rewritten before anything else is done with them. A file of
// values beside such a pipeline is not read.
func (r *ruleFlags) rewrite() (sigma.Diagnostics, error) {
	var found []*pysigma.Pipeline
	var all sigma.Diagnostics
	var others paths
	for _, name := range r.pipelines {
		data, err := os.ReadFile(name)
		if slices.Contains(compiler.BuiltinPipelines(), name) || err != nil || !pysigma.Is(data) {
			others = append(others, name) // loadPipelines says what is wrong with it
			continue
		}
		p, ds := pysigma.Parse(name, data)
		if ds.HasErrors() {
			return nil, ds
		}
		found, all = append(found, p), append(all, ds...)
	}
	if len(found) == 0 {
		return nil, nil
	}
	r.pipelines, r.written = others, r.all
	docs, ds := pysigma.Merge(found...).ApplyAll(r.docs)
	r.docs, r.all = docs, docs
	return append(all, ds...), nil
}

// asWritten is a rule as its author wrote it: what a pipeline of the caller's
// makes of it is no change of the rule.
func (r *ruleFlags) asWritten(d *sigma.Document) *sigma.Document {
	for _, w := range r.written {
		if w.File == d.File && w.Pos == d.Pos {
			return w
		}
	}
	return d
}
