package conformance

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// Fixture is one fixture file: a rule and the cases that say what it means.
// docs/fixtures.md describes the format.
type Fixture struct {
	File string
	Pos  sigma.Pos // of the key that names the rule
	// RuleID is the rule's id in the pack, RuleFile a file next to the
	// fixture; both are empty when the rule stands in the fixture itself.
	RuleID   string
	RuleFile string
	// Documents are the rule and what belongs to it, such as its filters.
	// They are nil after an error.
	Documents []*sigma.Document
	// Catalogue describes the parameters that rules share.
	Catalogue []sigma.Parameter
	// Profile holds values of parameters: string, bool, int64, float64 or a
	// []any of them.
	Profile map[string]any
	Cases   []Case
}

// Rule returns the document that the cases are about: the last rule or
// correlation of the fixture's documents.
func (f *Fixture) Rule() *sigma.Document {
	for _, d := range slices.Backward(f.Documents) {
		if d.Kind != sigma.KindFilter {
			return d
		}
	}
	return nil
}

// Filters returns the filters among the fixture's documents.
func (f *Fixture) Filters() []*sigma.Document {
	var filters []*sigma.Document
	for _, d := range f.Documents {
		if d.Kind == sigma.KindFilter {
			filters = append(filters, d)
		}
	}
	return filters
}

// Expect is what a case expects of its events.
type Expect string

// The expectations.
const (
	ExpectMatch   Expect = "match"
	ExpectNoMatch Expect = "no match"
	ExpectNotRun  Expect = "not run" // the rule lacks a parameter
)

// Case is one fact in one or more forms, each with the same verdict.
type Case struct {
	Pos    sigma.Pos
	Name   string
	Expect Expect
	// Selections must hold, whatever others do. Engines that only say whether
	// the rule is true are not asked.
	Selections []string
	// Profile is the fixture's with the case's own values over it.
	Profile map[string]any
	Events  []Event
}

// FormAny is the form of an event that belongs to no source: the rule's field
// names are its keys.
const FormAny event.Form = "any"

// Event is an event as a fixture gives it.
type Event struct {
	Pos sigma.Pos
	// Form and Table say what the event is; empty ones are detected. With
	// FormAny the rule is taken without a pipeline.
	Form  event.Form
	Table string
	// Event is made of map[string]any, []any, string, json.Number, int64,
	// float64, bool and nil.
	Event any
}

// LoadOptions say where Load finds rules.
type LoadOptions struct {
	// Rules is where rules that are named by id are looked up, after the
	// fixtures' own file system; nil for the embedded pack. Catalogues of
	// parameters are read from both.
	Rules fs.FS
}

// Marker is the top-level key of a fixture file; its value is the version of
// the format, 1.
const Marker = "rulewright-fixtures"

// Load reads all fixture files of a file system: files that end in .yaml or
// .yml and have the Marker; others are passed over. It returns the fixtures
// that can be used and all findings.
func Load(fsys fs.FS, opts LoadOptions) ([]*Fixture, sigma.Diagnostics) {
	var fixtures []*Fixture
	var ds sigma.Diagnostics
	files, err := yamlFiles(fsys)
	if err != nil {
		return nil, sigma.Diagnostics{{Severity: sigma.SeverityError, Code: sigma.CodeSyntax, Message: "cannot read fixtures: " + err.Error()}}
	}
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			ds = append(ds, sigma.Diagnostic{File: file, Severity: sigma.SeverityError, Code: sigma.CodeSyntax, Message: err.Error()})
			continue
		}
		if !marked(data) {
			continue
		}
		f, found := ParseFixture(file, data)
		ds = append(ds, found...)
		if f != nil {
			fixtures = append(fixtures, f)
		}
	}
	if opts.Rules == nil {
		opts.Rules = rules.FS
	}
	own, pack := &rulesByID{fsys: fsys}, &rulesByID{fsys: opts.Rules}
	var catalogue []sigma.Parameter
	for _, fsys := range []fs.FS{fsys, opts.Rules} {
		parameters, found := catalogueOf(fsys)
		catalogue = append(catalogue, parameters...)
		ds = append(ds, found...)
	}
	usable := fixtures[:0]
	for _, f := range fixtures {
		f.Catalogue = catalogue
		found := f.resolve(fsys, own, pack)
		ds = append(ds, found...)
		if !found.HasErrors() && f.Rule() != nil {
			usable = append(usable, f)
		}
	}
	return usable, ds
}

// resolve reads the rule that the fixture names.
func (f *Fixture) resolve(fsys fs.FS, own, pack *rulesByID) sigma.Diagnostics {
	fail := func(hint, format string, args ...any) sigma.Diagnostics {
		return sigma.Diagnostics{{File: f.File, Pos: f.Pos, Severity: sigma.SeverityError, Code: sigma.CodeBadValue, Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	switch {
	case f.RuleID != "":
		if f.Documents = own.find(f.RuleID); f.Documents == nil {
			f.Documents = pack.find(f.RuleID)
		}
		if f.Documents == nil {
			return fail("rules are looked up by id beside the fixtures and in the rule pack", "there is no rule with the id %s", f.RuleID)
		}
	case f.RuleFile != "":
		name := path.Join(path.Dir(f.File), f.RuleFile)
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fail("give the path from the fixture's folder", "cannot read the rule: %v", err)
		}
		docs, ds := sigma.Parse(name, data)
		if ds.HasErrors() {
			return ds
		}
		f.Documents = docs
	}
	if f.Rule() == nil {
		return fail("", "there is no rule in the document")
	}
	return nil
}

// rulesByID reads the rules of a file system when first asked.
type rulesByID struct {
	fsys fs.FS
	docs map[string][]*sigma.Document
}

func (r *rulesByID) find(id string) []*sigma.Document {
	if r.fsys == nil {
		return nil
	}
	if r.docs == nil {
		r.docs = map[string][]*sigma.Document{}
		files, _ := yamlFiles(r.fsys)
		for _, file := range files {
			data, err := fs.ReadFile(r.fsys, file)
			if err != nil || otherFormat(data) {
				continue
			}
			docs, ds := sigma.Parse(file, data)
			if ds.HasErrors() {
				continue // whoever checks the rules reports it
			}
			for _, d := range docs {
				if id := d.Meta.ID; id != "" {
					r.docs[id] = append([]*sigma.Document(nil), docs...)
					// The rule meant is the last.
					r.docs[id] = append(slices.DeleteFunc(r.docs[id], func(o *sigma.Document) bool { return o == d }), d)
				}
			}
		}
	}
	return r.docs[id]
}

func yamlFiles(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

// catalogueOf reads the catalogues of parameters in a file system.
func catalogueOf(fsys fs.FS) ([]sigma.Parameter, sigma.Diagnostics) {
	var catalogue []sigma.Parameter
	var ds sigma.Diagnostics
	files, _ := yamlFiles(fsys)
	for _, file := range files {
		if data, err := fs.ReadFile(fsys, file); err == nil && hasTopKey(data, "rulewright-parameters:") {
			parameters, found := sigma.ParseParameters(file, data)
			catalogue = append(catalogue, parameters...)
			ds = append(ds, found...)
		}
	}
	return catalogue, ds
}

// marked reports whether a file says that it is a fixture file.
func marked(data []byte) bool { return hasTopKey(data, Marker+":") }

// otherFormat reports whether a file says that it is something else than rules.
func otherFormat(data []byte) bool { return hasTopKey(data, "rulewright-") }

func hasTopKey(data []byte, prefix string) bool {
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
