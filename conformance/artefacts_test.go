package conformance_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// TestSigmaHQArtefacts exports SigmaHQ's rules for Microsoft's cloud in every
// format: every artefact passes the checks of the services, every rule is in
// one for Sentinel, and a second export is the same.
func TestSigmaHQArtefacts(t *testing.T) {
	docs := slices.Concat(rulesOf(t, "cloud/azure"), rulesOf(t, "cloud/m365"))
	for _, f := range sentinel.Formats() {
		p := mustPipeline(t, f.Pipeline())
		var in []sentinel.Input
		for _, d := range docs {
			rules, ds := compiler.Lower(d, compiler.Options{Pipeline: p, Ask: f.Asks(), Watchlists: f.ReadsWatchlists()})
			if f != sentinel.Defender && ds.HasErrors() { // not all of them have a table there
				t.Errorf("%s: %v", f, ds)
			}
			in = append(in, sentinel.Input{Document: d, Rules: rules})
		}
		set, ds := sentinel.Export(f, in, sentinel.Options{Print: backends.KQL})
		for _, d := range ds.Errors() {
			t.Errorf("%s: %v", f, d)
		}
		for _, x := range sentinel.Validate(f, set.Files) {
			t.Errorf("%s: %v", f, x)
		}
		again, _ := sentinel.Export(f, in, sentinel.Options{Print: backends.KQL})
		if !reflect.DeepEqual(set.Files, again.Files) {
			t.Errorf("%s: a second export differs", f)
		}
		changes, ds := again.Since(set.Manifest)
		if len(ds) > 0 || changes.Unchanged != len(set.Manifest.Entries) {
			t.Errorf("%s: %+v, %v", f, changes, ds)
		}
		if f == sentinel.YAML || f == sentinel.ARM || f == sentinel.Bicep {
			missing := len(docs)
			for _, d := range docs {
				if slices.ContainsFunc(set.Manifest.Entries, func(e sentinel.Entry) bool { return isOf(e, d) }) {
					missing--
				} else {
					t.Errorf("%s: %s is in no artefact", f, d.Meta.Title)
				}
			}
			t.Logf("%s: %d of %d rules in %d artefacts", f, len(docs)-missing, len(docs), len(set.Manifest.Entries))
		}
	}
}

func isOf(e sentinel.Entry, d *sigma.Document) bool {
	return e.ID == d.Meta.ID || len(e.Title) >= len(d.Meta.Title) && e.Title[:len(d.Meta.Title)] == d.Meta.Title
}
