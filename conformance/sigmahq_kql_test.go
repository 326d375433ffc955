package conformance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// rulesOf returns the documents in a folder of SigmaHQ's rules; the test skips
// where they are not there.
func rulesOf(t testing.TB, folder string) []*sigma.Document {
	root := filepath.Join("..", "..", "shared", "data", "sigmahq", "rules", folder)
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no SigmaHQ rules: %v", err)
	}
	var out []*sigma.Document
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		docs, ds := sigma.Parse(path, data)
		if ds.HasErrors() {
			t.Errorf("%v", ds)
		}
		out = append(out, docs...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustPipeline(t testing.TB, name string) *compiler.Pipeline {
	p, err := compiler.BuiltinPipeline(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSigmaHQToKQL prints every rule for Microsoft's cloud for each of its
// tables in Sentinel, and every rule that Defender XDR has a table for there. No
// rule that lowers is refused.
func TestSigmaHQToKQL(t *testing.T) {
	rules, queries, longest := 0, 0, 0
	for _, in := range []struct{ folder, pipeline string }{{"cloud/azure", "sentinel"}, {"cloud/m365", "sentinel"}, {"", "defender"}} {
		p := mustPipeline(t, in.pipeline)
		for _, doc := range rulesOf(t, in.folder) {
			lowered, ds := compiler.Lower(doc, compiler.Options{Pipeline: p})
			if in.pipeline == "sentinel" && ds.HasErrors() {
				t.Errorf("%v", ds)
			}
			printed := false
			for _, r := range lowered {
				if r.Correlation != nil {
					continue
				}
				q, err := backends.KQL(r, backends.Target{})
				if err != nil {
					t.Error(err)
					continue
				}
				printed = true
				queries++
				longest = max(longest, len(q.Text))
			}
			if printed {
				rules++
			}
		}
	}
	t.Logf("%d rules, %d queries, the longest of %d bytes", rules, queries, longest)
}

// BenchmarkKQL prints all rules of SigmaHQ that Defender XDR has a table for.
func BenchmarkKQL(b *testing.B) {
	p := mustPipeline(b, "defender")
	var rules []*ir.Rule
	for _, doc := range rulesOf(b, "") {
		lowered, _ := compiler.Lower(doc, compiler.Options{Pipeline: p})
		for _, r := range lowered {
			if r.Correlation == nil {
				rules = append(rules, r)
			}
		}
	}
	b.ResetTimer()
	for b.Loop() {
		for _, r := range rules {
			if _, err := backends.KQL(r, backends.Target{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(rules)*b.N)/b.Elapsed().Seconds(), "rules/s")
}
