package engines

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// TestExported asks Microsoft's parser and binder about the query of every
// artefact of the pack and of SigmaHQ's cloud rules. A function is declared as
// the artefact says and called with example arguments.
func TestExported(t *testing.T) {
	node := nodeWithKusto(t)
	catalogue := packCatalogue(t)
	docs := documentsIn(t, filepath.Join("..", "..", "rules"))
	for _, folder := range []string{"azure", "m365"} {
		docs = append(docs, documentsIn(t, filepath.Join("..", "..", "..", "shared", "data", "sigmahq", "rules", "cloud", folder))...)
	}
	docs = append(docs, documentsIn(t, filepath.Join("testdata", "arguments.yaml"))...)
	for _, format := range []sentinel.Format{sentinel.YAML, sentinel.HuntingYAML, sentinel.Defender} {
		for _, filled := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, profile filled %v", format, filled), func(t *testing.T) {
				p, err := compiler.BuiltinPipeline(format.Pipeline())
				if err != nil {
					t.Fatal(err)
				}
				opts := compiler.Options{Pipeline: p, Catalogue: catalogue, Documents: docs, Ask: format.Asks(), Watchlists: format.ReadsWatchlists()}
				if filled {
					opts.Profile = examples(t, catalogue, format.ReadsWatchlists())
				}
				w := newWorld()
				var inputs []sentinel.Input
				refs, feeders := sigma.NewReferences(docs...), compiler.OnlyFeed(docs, nil)
				for _, d := range docs {
					rules, ds := compiler.Lower(d, opts)
					if ds.HasErrors() {
						continue // the target does not have its logsource or fields
					}
					for _, r := range rules {
						for _, inner := range rulesOf(r) {
							w.add(inner, p)
						}
					}
					inputs = append(inputs, sentinel.Input{Document: d, Refers: refs.Behind(d), OnlyFeeds: feeders[d], Rules: rules})
				}
				w.declare()
				set, _ := sentinel.Export(format, inputs, sentinel.Options{Parameters: catalogue, Print: backends.KQL})
				if findings := sentinel.Validate(format, set.Files); len(findings) > 0 {
					t.Errorf("%d findings, the first: %v", len(findings), findings[0])
				}
				var lines []map[string]string
				functions := 0
				for _, f := range set.Files {
					query, function := exportedQuery(t, format, f)
					if query == "" {
						continue
					}
					if function {
						functions++
					}
					lines = append(lines, map[string]string{"id": f.Name, "query": query})
				}
				if len(lines) == 0 {
					t.Fatal("no artefact has a query")
				}
				t.Logf("%d artefacts, %d of them functions, %d refused by Kusto's binder", len(lines), functions, check(t, node, w, lines))
			})
		}
	}
}

// exportedQuery returns the query of an artefact, of a function its declaration
// and a call.
func exportedQuery(t *testing.T, format sentinel.Format, f sentinel.File) (query string, function bool) {
	t.Helper()
	if format == sentinel.Defender {
		var d struct {
			QueryCondition struct{ QueryText string }
		}
		if err := json.Unmarshal(f.Data, &d); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		return d.QueryCondition.QueryText, false
	}
	var a struct {
		Query              string
		FunctionAlias      string `yaml:"functionAlias"`
		FunctionParameters string `yaml:"functionParameters"`
	}
	if err := yaml.Unmarshal(f.Data, &a); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	if a.FunctionAlias == "" {
		return a.Query, false
	}
	var arguments []string
	for p := range strings.SplitSeq(a.FunctionParameters, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(p), ":")
		switch typ {
		case "":
		case "dynamic":
			arguments = append(arguments, `dynamic(["adele.vance@contoso.com", "198.51.100.7"])`)
		case "string":
			arguments = append(arguments, map[bool]string{true: `"Mon-Fri 08:00-18:00 Europe/Berlin"`, false: `"Europe/Berlin"`}[strings.Contains(name, "hours")])
		case "real":
			arguments = append(arguments, "5.5")
		case "timespan":
			arguments = append(arguments, "7d")
		default:
			t.Fatalf("%s: a parameter of type %s has no example here", f.Name, typ)
		}
	}
	return fmt.Sprintf("let %[1]s = (%[2]s) {\n%[3]s\n};\n%[1]s(%[4]s)", a.FunctionAlias, a.FunctionParameters, strings.TrimSpace(a.Query), strings.Join(arguments, ", ")), true
}
