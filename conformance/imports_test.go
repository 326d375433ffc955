package conformance_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rulewright/rulewright"

// mayImport is the import table of docs/design.md §1: for each package of the
// module, the packages of the module and the outside modules that its code,
// tests aside, may import. The standard library is open but for the packages
// in forbidden.
var mayImport = map[string][]string{
	"sigma":        {"sigma/schema", "gopkg.in/yaml.v3"},
	"sigma/schema": {},
	// A checker that only tests use.
	"sigma/schema/schematest": {"gopkg.in/yaml.v3"},
	"sigma/sigmago":           {"sigma", "github.com/bradleyjkemp/sigma-go"},
	"compiler/ir":             {"sigma"},
	"compiler/event":          {"internal/rawjson", "github.com/klauspost/compress"},
	"internal/rawjson":        {},
	"internal/golden":         {},                    // tests alone use it
	"internal/packtest":       {"compiler", "rules"}, // likewise
	"compiler":                {"sigma", "sigma/schema", "compiler/ir", "compiler/event", "internal/rawjson", "github.com/google/cel-go", "gopkg.in/yaml.v3"},
	"compiler/pysigma":        {"sigma", "gopkg.in/yaml.v3"},
	"backends":                {"sigma", "compiler/ir"},
	"backends/sentinel":       {"sigma", "compiler/ir", "backends", "gopkg.in/yaml.v3"},
	"rules":                   {},
	"conformance":             {"sigma", "sigma/schema", "conformance/kusto", "compiler", "compiler/ir", "compiler/event", "backends", "rules", "gopkg.in/yaml.v3", "github.com/google/cel-go"},
	"conformance/coverage":    {"sigma", "conformance", "compiler", "compiler/ir", "compiler/event", "backends", "backends/sentinel", "gopkg.in/yaml.v3"},
	"conformance/kusto":       {},
	"conformance/benign":      {},
	"cmd/benign":              {"conformance/benign"},
	"conformance/stories":     {"compiler/event"},
	"conformance/nearmiss":    {"compiler", "compiler/event", "compiler/ir", "conformance"},
	"conformance/planted":     {"compiler/event", "conformance/benign", "conformance/nearmiss", "conformance/stories"},
	"cmd/rulewright":          {"sigma", "compiler", "compiler/ir", "compiler/event", "compiler/pysigma", "backends", "backends/sentinel", "rules", "conformance", "conformance/coverage"},
}

// forbidden are the standard packages that touch the world; only the command
// may use them, and what tests alone use.
var forbidden = map[string]bool{"os": true, "net": true, "net/http": true, "os/exec": true, "database/sql": true, "log": true, "log/slog": true, "plugin": true, "syscall": true, "unsafe": true}

func TestImportTable(t *testing.T) {
	const root = ".."
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root {
				return fs.SkipDir // a nested module keeps its own house
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		// An internal package keeps the row of the package it serves.
		pkg, _, _ := strings.Cut(filepath.ToSlash(rel), "/internal")
		allowed, ok := mayImport[pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the import table of docs/design.md", path, pkg)
			return nil
		}
		seen++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if !importAllowed(name, pkg, allowed) {
				t.Errorf("%s: %s must not import %s", path, pkg, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Fatal("no Go file was looked at")
	}
}

// importAllowed reports whether a file of package pkg, or of an internal
// package below it, may import name.
func importAllowed(name, pkg string, allowed []string) bool {
	if own, ok := strings.CutPrefix(name, module+"/"); ok {
		own, _, toInternal := strings.Cut(own, "/internal")
		if own == pkg {
			return toInternal
		}
		for _, a := range allowed {
			if own == a {
				return true
			}
		}
		return false
	}
	if host, _, _ := strings.Cut(name, "/"); !strings.Contains(host, ".") {
		return strings.HasPrefix(pkg, "cmd/") || pkg == "internal/golden" || !forbidden[name]
	}
	for _, a := range allowed {
		if name == a || strings.HasPrefix(name, a+"/") {
			return true
		}
	}
	return false
}
