package conformance_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// TestReferenceRuleCompiles: the whole rule of docs/native.md has a meaning in
// the raw form of its table, and says which parameters it lacks.
func TestReferenceRuleCompiles(t *testing.T) {
	page, err := os.ReadFile("../docs/native.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("no example")
	}
	docs, ds := sigma.Parse("native.md", example[1])
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	data, err := rules.FS.ReadFile("parameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	catalogue, ds := sigma.ParseParameters("parameters.yaml", data)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	pipeline, err := compiler.BuiltinPipeline("log-analytics")
	if err != nil {
		t.Fatal(err)
	}
	lowered, ds := compiler.Lower(docs[0], compiler.Options{Pipeline: pipeline, Catalogue: catalogue})
	if len(ds) > 0 || len(lowered) != 1 {
		t.Fatalf("%d rules, %v", len(lowered), ds)
	}
	if lacks := lowered[0].Lacks; len(lacks) != 2 || lacks[0] != "approved_admins" || lacks[1] != "business_hours" {
		t.Errorf("lacks %v", lacks)
	}
}

// TestWorkedExamples: the worked examples of docs/native.md are the fixtures of
// that name, one for each native type.
func TestWorkedExamples(t *testing.T) {
	page, err := os.ReadFile("../docs/native.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)`([a-z_]+)`\n\n```yml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	var types []string
	for _, x := range examples {
		types = append(types, x[1])
		file := "fixtures/correlations/native-" + strings.ReplaceAll(x[1], "_", "-") + ".yaml"
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != x[2] {
			t.Errorf("the example of %s is not that of %s", x[1], file)
		}
	}
	if want := []string{"new_value", "after_silence", "counts", "increase", "summary"}; !slices.Equal(types, want) {
		t.Errorf("examples of %q, want %q", types, want)
	}
}
