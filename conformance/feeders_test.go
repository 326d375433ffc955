package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/golden"
)

// TestFeeders holds rules that only feed a correlation, and that several files
// repeat since each is deployed alone, to one another: whoever changes one is
// told of the others.
func TestFeeders(t *testing.T) {
	if testing.Short() {
		t.Skip("the list is compared without -short")
	}
	catalogue := packCatalogue(t)
	pipeline, err := compiler.BuiltinPipeline("sentinel")
	if err != nil {
		t.Fatal(err)
	}
	files := packRules(t)
	opts := compiler.Options{Pipeline: pipeline, Catalogue: catalogue, Profile: fullProfile(t, catalogue), Documents: packDocuments(files)}
	meaning := map[string]string{}  // by "file: title"
	groups := map[string][]string{} // by meaning
	var order []string              // of meanings
	for _, f := range files {
		for _, doc := range f.bases {
			rs, ds := compiler.Lower(doc, opts)
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			var b strings.Builder
			for _, r := range rs {
				writeMeaning(&b, r)
			}
			name := strings.TrimSuffix(f.name, ".yaml") + ": " + doc.Meta.Title
			meaning[name] = b.String()
			if groups[b.String()] == nil {
				order = append(order, b.String())
			}
			groups[b.String()] = append(groups[b.String()], name)
		}
	}
	var b strings.Builder
	b.WriteString("# Rules that only feed a correlation and mean the same, in different files: a file is deployed alone, so each has its own.\n# " + golden.Command(t) + " writes this list.\n")
	for _, m := range order {
		if len(groups[m]) > 1 {
			fmt.Fprintf(&b, "\n%s\n", strings.Join(groups[m], "\n"))
		}
	}
	file := filepath.Join("testdata", "feeders.txt")
	if !golden.Updating() {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range strings.Split(string(data), "\n\n")[1:] {
			names := strings.Split(strings.TrimSpace(group), "\n")
			names = slices.DeleteFunc(names, func(n string) bool { return meaning[n] == "" })
			for _, n := range names {
				if meaning[n] != meaning[names[0]] {
					t.Errorf("these meant the same, and do so no more; change all of them, or say that they differ with %s:\n%s", golden.Command(t), strings.Join(names, "\n"))
					break
				}
			}
		}
	}
	golden.Compare(t, file, b.String())
}

// writeMeaning writes what a rule finds, whatever it is called.
func writeMeaning(b *strings.Builder, r *ir.Rule) {
	if r.Correlation == nil {
		fmt.Fprintf(b, "%s: %s\n", r.Source.Table, ir.Print(r.Predicate()))
		return
	}
	c := *r.Correlation
	c.Inputs = nil
	b.WriteString(ir.PrintCorrelation(&c) + "\n")
	for i, in := range r.Correlation.Inputs {
		for _, tap := range in.Taps {
			fmt.Fprintf(b, "%d ", i)
			for _, f := range append(slices.Clone(tap.GroupBy), tap.Counted...) {
				b.WriteString(f.Spec() + " ")
			}
			writeMeaning(b, tap.Rule)
		}
	}
}
