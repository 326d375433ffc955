package conformance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/schema/schematest"
)

// sigmaHQ calls visit with every rule of SigmaHQ, or skips the test where the
// rules are not at hand.
func sigmaHQ(t testing.TB, visit func(path string, data []byte)) {
	t.Helper()
	const root = "../../shared/data/sigmahq/rules"
	if _, err := os.Stat(root); err != nil {
		t.Skipf("the rules of SigmaHQ are not at hand: %v", err)
	}
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			files++
			visit(strings.TrimPrefix(path, root+"/"), data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 3000 {
		t.Errorf("%d rules; there are more than 3,000", files)
	}
}

// TestParseSigmaHQ: every published rule is read without an error.
func TestParseSigmaHQ(t *testing.T) {
	warnings := map[sigma.Code]int{}
	sigmaHQ(t, func(path string, data []byte) {
		docs, ds := sigma.Parse(path, data)
		if len(docs) == 0 {
			t.Errorf("%s: no document", path)
		}
		for _, d := range ds {
			if d.Severity == sigma.SeverityError {
				t.Error(d)
			} else {
				warnings[d.Code]++
			}
		}
	})
	t.Logf("warnings: %v", warnings)
}

func BenchmarkParseSigmaHQ(b *testing.B) {
	size := 0
	var files [][]byte
	sigmaHQ(b, func(path string, data []byte) {
		size += len(data)
		files = append(files, data)
	})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range files {
			if _, ds := sigma.Parse("rule.yml", data); ds.HasErrors() {
				b.Fatal(ds)
			}
		}
	}
}

// TestWriteSigmaHQ: what is written parses to an equal document, and the text
// is stable.
func TestWriteSigmaHQ(t *testing.T) {
	sigmaHQ(t, func(path string, data []byte) {
		docs, ds := sigma.Parse(path, data)
		if ds.HasErrors() || len(docs) != 1 {
			t.Errorf("%s: %d documents, %v", path, len(docs), ds)
			return
		}
		text, err := sigma.Write(docs...)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		again, ds := sigma.Parse(path, text)
		if ds.HasErrors() || len(again) != 1 || !sigma.Equal(docs[0], again[0]) {
			t.Errorf("%s: written and read again it is another document: %v\n%s", path, ds, text)
			return
		}
		if text2, err := sigma.Write(again...); err != nil || string(text2) != string(text) {
			t.Errorf("%s: written twice it differs: %v", path, err)
		}
	})
}

// TestSchemaSigmaHQ: every rule that parses fits the schema of rules.
func TestSchemaSigmaHQ(t *testing.T) {
	s, err := sigma.Schema("rule")
	if err != nil {
		t.Fatal(err)
	}
	checker, err := schematest.New(s)
	if err != nil {
		t.Fatal(err)
	}
	sigmaHQ(t, func(path string, data []byte) {
		if err := checker.Check(data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	})
}
