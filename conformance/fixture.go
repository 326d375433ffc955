package conformance

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// Fixture is one fixture file: a rule and the cases that say what it means.
// docs/fixtures.md describes the format.
type Fixture struct {
	File string
	Pos  sigma.Pos // of the key that names the rule
	// RuleID is the rule's id or name, RuleFile a file next to the fixture;
	// both are empty when the rule stands in the fixture itself.
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

// Case is one fact in one or more forms, each with the same verdict; or, with
// Hits, a history: events in the order in which they arrive.
type Case struct {
	Pos    sigma.Pos
	Name   string
	Expect Expect // "" with Hits
	// Selections must hold, whatever others do. Engines that only say whether
	// the rule is true are not asked.
	Selections []string
	// Profile is the fixture's with the case's own values over it.
	Profile map[string]any
	Events  []Event
	// Hits are all hits that the history has; nil for a case that is none.
	Hits []ExpectedHit
	// Lateness is how much older than the latest event one may be.
	Lateness time.Duration
}

// Shows says whether the case is one of a match or of a near miss: a history
// with hits, or without.
func (c *Case) Shows() (match, nearMiss bool) {
	if c.Hits != nil {
		return len(c.Hits) > 0, len(c.Hits) == 0
	}
	return c.Expect == ExpectMatch, c.Expect == ExpectNoMatch
}

// ExpectedHit is a hit that a history has.
type ExpectedHit struct {
	Pos sigma.Pos
	// Rule is the id, name or title of the rule; "" for the fixture's.
	Rule string
	// Group holds the parts of the group's key by field, folded.
	Group map[string]string
	// New holds the new values by field, folded.
	New  map[string]string
	Time time.Time
	// Event is the id of the event, for a rule's own hit.
	Event string
	// Value is the count or value; nil where any will do.
	Value *float64
	// Contributing are the ids of the events; nil where any will do.
	Contributing []string
	// Repeats counts the hits that once keeps back for this one.
	Repeats int
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
	// Time and ID, in a history, stand above those that the event has itself.
	Time time.Time
	ID   string
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
	if opts.Rules == nil {
		opts.Rules = rules.FS
	}
	own, ds := readLibrary(fsys)
	pack, found := readLibrary(opts.Rules)
	ds = append(ds, found...)
	var usable []*Fixture
	for _, file := range own.fixtures {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			ds = append(ds, sigma.Diagnostic{File: file, Severity: sigma.SeverityError, Code: sigma.CodeFile, Message: err.Error()})
			continue
		}
		f, found := ParseFixture(file, data)
		ds = append(ds, found...)
		if f == nil {
			continue
		}
		f.Catalogue = slices.Concat(own.parameters, pack.parameters)
		found = f.resolve(fsys, own, pack)
		ds = append(ds, found...)
		if !found.HasErrors() && f.Rule() != nil {
			usable = append(usable, f)
		}
	}
	return usable, ds
}

// resolve reads the rule that the fixture names.
func (f *Fixture) resolve(fsys fs.FS, own, pack *library) sigma.Diagnostics {
	fail := func(hint, format string, args ...any) sigma.Diagnostics {
		return sigma.Diagnostics{{File: f.File, Pos: f.Pos, Severity: sigma.SeverityError, Code: sigma.CodeBadValue, Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	switch {
	case f.RuleID != "":
		in := own
		if own.rules.First(f.RuleID) == nil {
			in = pack
		}
		switch found := slices.Collect(in.rules.Find(f.RuleID)); len(found) {
		case 0:
			return fail("rules are looked up by id or name beside the fixtures and in the rule pack", "there is no rule with the id or name %s", f.RuleID)
		case 1:
			f.Documents = in.documentsOf(found[0])
		default:
			return fail("give the id of the one that is meant, or its file", "%s may mean each of several rules: %s:%d, %s:%d",
				f.RuleID, found[0].File, found[0].Pos.Line, found[1].File, found[1].Pos.Line)
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

// library is what a file system holds.
type library struct {
	rules      sigma.References
	files      map[string][]*sigma.Document // what each file holds
	parameters []sigma.Parameter
	fixtures   []string // names of files
}

// readLibrary reads a file system. A file of rules with an error has none;
// whoever checks the rules reports it.
func readLibrary(fsys fs.FS) (*library, sigma.Diagnostics) {
	files, found := sigma.ParseFS(fsys)
	l := &library{files: map[string][]*sigma.Document{}, parameters: files.Parameters}
	for _, o := range files.Others {
		if Marker == "rulewright-"+o.Format {
			l.fixtures = append(l.fixtures, o.Name)
		}
	}
	bad := map[string]bool{} // of files of rules: there is an error
	for _, file := range files.Rules {
		bad[file] = false
	}
	var ds sigma.Diagnostics
	for _, d := range found {
		if _, rules := bad[d.File]; !rules {
			ds = append(ds, d)
		} else if d.Severity == sigma.SeverityError {
			bad[d.File] = true
		}
	}
	for _, d := range files.Documents {
		l.files[d.File] = append(l.files[d.File], d)
		if !bad[d.File] && d.Kind != sigma.KindFilter {
			l.rules.Add(d)
		}
	}
	return l, ds
}

// documentsOf returns the documents of a rule's file, the rule last.
func (l *library) documentsOf(rule *sigma.Document) []*sigma.Document {
	others := slices.DeleteFunc(slices.Clone(l.files[rule.File]), func(d *sigma.Document) bool { return d == rule })
	return append(others, rule)
}
