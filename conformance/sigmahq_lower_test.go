package conformance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// TestSigmaHQLowers lowers every rule of SigmaHQ: without a pipeline all of
// them, with a built-in pipeline of an event form those whose logsource it knows.
func TestSigmaHQLowers(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "data", "sigmahq", "rules")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no SigmaHQ rules: %v", err)
	}
	pipelines := map[string]*compiler.Pipeline{"no pipeline": nil}
	for _, name := range compiler.BuiltinPipelines() {
		if slices.Contains(queryPipelines, name) {
			continue // TestSigmaHQQueries
		}
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		pipelines[name] = p
	}
	files, unknown, lowered, codes := 0, 0, map[string]int{}, map[sigma.Code]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		docs, ds := sigma.Parse(strings.TrimPrefix(path, root), data)
		if ds.HasErrors() {
			t.Errorf("%v", ds)
			return nil
		}
		for _, doc := range docs {
			for name, p := range pipelines {
				rules, ds := compiler.Lower(doc, compiler.Options{Pipeline: p})
				for _, d := range ds {
					switch {
					case d.Severity != sigma.SeverityError:
						codes[d.Code]++
					case p != nil && d.Code == sigma.CodeUnknownSource:
					case d.Code == sigma.CodeUnknownField && strings.HasPrefix(name, "mde-hunting"):
						// The sign-in table of Defender XDR lacks columns that
						// rules for Entra's own logs ask for.
						unknown++
					default:
						t.Errorf("%s: %v", name, d)
					}
				}
				for _, r := range rules {
					lowered[name]++
					for _, m := range ir.Matches(r.When) {
						if !r.Origins[m].IsValid() {
							t.Errorf("%s: %s: no position for %s", r.File, name, ir.Print(m))
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Error("no files")
	}
	if unknown > 200 {
		t.Errorf("Defender's tables lack %d fields", unknown)
	}
	t.Logf("%d files; rules by pipeline %v; warnings %v", files, lowered, codes)
}
