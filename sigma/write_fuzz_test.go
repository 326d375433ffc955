package sigma

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// FuzzWrite: what parses without an error can be written and parses to an
// equal document.
func FuzzWrite(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yml", "../rules/*/*.yaml", "../docs/native.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for seed := range 100 {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 3))}
		text, err := Write(g.document())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, ds := Parse("", data)
		if ds.HasErrors() {
			return
		}
		text, err := Write(docs...)
		if err != nil {
			t.Fatal(err)
		}
		again, ds := Parse("", text)
		if ds.HasErrors() || len(again) != len(docs) {
			t.Fatalf("%d documents of %d, %v\n%s", len(again), len(docs), ds, text)
		}
		for i := range docs {
			if !Equal(docs[i], again[i]) {
				t.Fatalf("document %d is another one\n%s", i+1, text)
			}
		}
	})
}

// FuzzParameters: a catalogue never breaks its parser.
func FuzzParameters(f *testing.F) {
	if data, err := os.ReadFile("../rules/parameters.yaml"); err == nil {
		f.Add(data)
	}
	f.Add([]byte("rulewright-parameters: 1\nparameters: [{name: a, type: hours, default: '08:00-18:00'}, b]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ps, ds := ParseParameters("", data)
		if ps == nil && len(ds) == 0 && len(data) > 0 {
			t.Fatal("nothing read and nothing found")
		}
	})
}
