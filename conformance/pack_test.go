package conformance

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// packCatalogue returns the parameters of the pack.
func packCatalogue(t *testing.T) []sigma.Parameter {
	t.Helper()
	data, err := fs.ReadFile(rules.FS, rules.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	ps, diags := sigma.ParseParameters(rules.Catalogue, data)
	for _, d := range diags {
		t.Error(d)
	}
	return ps
}

// packGuides returns the folders of the pack.
func packGuides(t *testing.T) []string {
	t.Helper()
	entries, err := fs.ReadDir(rules.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	var guides []string
	for _, e := range entries {
		if e.IsDir() {
			guides = append(guides, e.Name())
		}
	}
	return guides
}

// packFile is what a file of the pack holds: a rule, behind those that only
// feed it where it is a correlation.
type packFile struct {
	name  string
	rule  *sigma.Document
	bases []*sigma.Document
}

// documents returns all of the file.
func (f *packFile) documents() []*sigma.Document { return append(slices.Clone(f.bases), f.rule) }

// packRules returns the files of the pack.
func packRules(t *testing.T) []*packFile {
	t.Helper()
	var files []*packFile
	err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Dir(name) == "." {
			return err
		}
		data, err := fs.ReadFile(rules.FS, name)
		if err != nil {
			return err
		}
		docs, diags := sigma.Parse(name, data)
		for _, d := range diags {
			t.Error(d)
		}
		if len(docs) == 0 {
			t.Errorf("%s: no rule", name)
			return nil
		}
		f := &packFile{name, docs[len(docs)-1], docs[:len(docs)-1]}
		files = append(files, f)
		if len(f.bases) == 0 {
			return nil
		}
		if f.rule.Correlation == nil {
			t.Errorf("%s: %d documents; one file a rule, and what feeds it where it is a correlation", name, len(docs))
		}
		fed := map[string]bool{}
		for _, d := range docs {
			if d.Correlation != nil {
				for _, r := range d.Correlation.Rules {
					fed[r.Name] = true
				}
			}
		}
		for _, b := range f.bases {
			if !fed[b.Meta.Name] && !fed[b.Meta.ID] {
				t.Errorf("%s: no correlation of the file refers to %q", name, b.Meta.Title)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// packDocuments returns all documents of the pack.
func packDocuments(files []*packFile) []*sigma.Document {
	var docs []*sigma.Document
	for _, f := range files {
		docs = append(docs, f.documents()...)
	}
	return docs
}

// fullProfile fills in every parameter of the catalogue with its example.
func fullProfile(t *testing.T, catalogue []sigma.Parameter) *compiler.Profile {
	t.Helper()
	type entry struct {
		Name             string
		Example, Default any
	}
	var file struct{ Parameters []entry }
	data, err := fs.ReadFile(rules.FS, rules.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for _, e := range file.Parameters {
		if e.Default == nil {
			values[e.Name] = e.Example
		}
	}
	text, err := yaml.Marshal(map[string]any{"rulewright-profile": 1, "parameters": values})
	if err != nil {
		t.Fatal(err)
	}
	p, diags := compiler.ParseProfile("profile.yaml", text)
	for _, d := range diags {
		t.Error(d)
	}
	return p
}

// Every rule means something, without a warning, in every form of its source.
func TestPackLowers(t *testing.T) {
	catalogue := packCatalogue(t)
	profile := fullProfile(t, catalogue)
	docs := packDocuments(packRules(t))
	for _, name := range compiler.BuiltinPipelines() {
		pipeline, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		lowered := 0
		absent := map[string]bool{} // names of rules whose source the form does not carry
		for _, doc := range docs {
			file := doc.File
			rs, diags := compiler.Lower(doc, compiler.Options{Pipeline: pipeline, Catalogue: catalogue, Profile: profile, Documents: docs})
			for _, d := range diags {
				if d.Code == sigma.CodeUnknownSource && (pipeline.Name() != "sentinel" || doc.LogSource.Category == "snapshot") {
					absent[doc.Meta.Name] = true
					continue // a form that does not carry the source
				}
				if d.Code == sigma.CodeUnknownField && name == "defender" && lacking(d) {
					absent[doc.Meta.Name] = true
					continue
				}
				if d.Code == sigma.CodeCorrelation && slices.ContainsFunc(doc.Correlation.Rules, func(r sigma.Reference) bool { return absent[r.Name] }) {
					absent[doc.Meta.Name] = true
					continue
				}
				t.Errorf("%s: %v", name, d)
			}
			for _, r := range rs {
				if len(r.Lacks) > 0 {
					t.Errorf("%s: %s lacks %v with a full profile", name, file, r.Lacks)
				}
				if r.Correlation != nil {
					lowered++
					continue
				}
				if r.Source.Table == "" {
					t.Errorf("%s: %s has no table", name, file)
				}
				if text, err := compiler.CEL(r); err != nil || text == "" {
					t.Errorf("%s: %s as CEL: %v", name, file, err)
				}
				lowered++
			}
		}
		t.Logf("%s: %d rules", name, lowered)
	}
}

// notInDefender are the columns that rules of the pack ask for and that tables of
// a workspace have, those of Defender XDR not.
var notInDefender = map[string][]string{
	"GraphAPIAuditEvents": {"UserAgent", "SessionId"},
	"EntraIdSignInEvents": {"AADTenantId", "AuthenticationDetails", "AuthenticationProtocol", "AutonomousSystemNumber", "HomeTenantId", "IsInteractive", "OriginalTransferMethod", "ResultDescription", "RiskLevelDuringSignIn", "Status.additionalDetails"},
}

// lacking reports whether a rule asks for what Defender XDR does not have, and
// says so at its line.
func lacking(d sigma.Diagnostic) bool {
	table, field, ok := strings.Cut(d.Message, " has no column for the field ")
	return ok && d.Pos.Line > 1 && slices.Contains(notInDefender[table], field)
}

// What a rule says about itself is complete.
func TestPackMetadata(t *testing.T) {
	titles, ids, names := map[string]string{}, map[string]string{}, map[string]string{}
	used := map[string]bool{}
	alone := func(what string, seen map[string]string, value, file string) {
		value = strings.ToLower(value)
		if other := seen[value]; other != "" && value != "" {
			t.Errorf("%s: the %s of %s", file, what, other)
		}
		seen[value] = file
	}
	files := packRules(t)
	for _, doc := range packDocuments(files) {
		m, file := doc.Meta, doc.File
		alone("title", titles, m.Title, file)
		alone("id", ids, m.ID, file)
		alone("name", names, m.Name, file)
		if n := utf8.RuneCountInString(m.Title); n == 0 || n > 80 {
			t.Errorf("%s: a title of %d characters", file, n)
		}
		if m.ID == "" || m.Level == "" || !doc.Native {
			t.Errorf("%s: %q lacks an id, a level or the line `rulewright: 1`", file, m.Title)
		}
		for _, p := range doc.Parameters {
			used[p.Name] = true
		}
	}
	for _, f := range files {
		doc, m, file := f.rule, f.rule.Meta, f.name
		for _, b := range f.bases {
			if b.Meta.Name == "" || b.Meta.Tier != "" || len(b.Meta.Coverage) > 0 {
				t.Errorf("%s: %q only feeds a correlation: it has a name, and neither tier nor coverage", file, b.Meta.Title)
			}
		}
		for what, missing := range map[string]bool{
			"version":        m.Version == "",
			"description":    m.Description == "",
			"level":          m.Level == "",
			"tier":           m.Tier == "",
			"guide_severity": m.GuideSeverity == "",
			"requires":       len(m.Requires) == 0,
			"coverage":       len(m.Coverage) == 0,
			"entities":       len(m.Entities) == 0 && (doc.Correlation == nil || len(doc.Correlation.GroupBy) > 0),
			"references":     len(m.References) == 0,
			"falsepositives": len(m.FalsePositives) == 0,
			"triage":         m.Triage == nil,
		} {
			if missing {
				t.Errorf("%s: lacks %s", file, what)
			}
		}
		if tr := m.Triage; tr != nil && (tr.TruePositive == "" || tr.Benign == "" || tr.FalsePositive == "" || len(tr.Actions) == 0 || tr.Scope == "") {
			t.Errorf("%s: triage has gaps", file)
		}
		technique := false
		for _, tag := range m.Tags {
			technique = technique || strings.HasPrefix(tag, "attack.t1")
		}
		if !technique {
			t.Errorf("%s: no ATT&CK technique", file)
		}
		for _, r := range m.References {
			if !strings.HasPrefix(r, "https://learn.microsoft.com/") {
				t.Errorf("%s: reference %s", file, r)
			}
		}
	}
	catalogue := packCatalogue(t)
	if len(catalogue) > 30 {
		t.Errorf("the catalogue has %d parameters; nobody fills in more than 30", len(catalogue))
	}
	for _, p := range catalogue {
		if !used[p.Name] {
			t.Errorf("%s: no rule uses %s", rules.Catalogue, p.Name)
		}
		if len(p.Default) > 0 && p.Source == "" {
			t.Errorf("%s: the default of %s has no source", rules.Catalogue, p.Name)
		}
		if len(p.Default) == 0 && len(p.Example) == 0 {
			t.Errorf("%s: %s has neither default nor example", rules.Catalogue, p.Name)
		}
	}
}

// completeGuides are those of which each item has a rule.
var completeGuides = map[string]bool{
	"app-governance": true,
	"entra-apps":     true,
	"entra-users":    true,
	"m365-mail":      true,
	"token-theft":    true,
}

// The coverage list is whole, and each item of a complete guide has a rule.
func TestPackCoverage(t *testing.T) {
	type item struct {
		ID, Guide, Section, Item, Severity string
		Tables                             []string
	}
	var list struct {
		Marker int `yaml:"rulewright-coverage"`
		Items  []item
	}
	data, err := fs.ReadFile(rules.FS, rules.Coverage)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if list.Marker != 1 {
		t.Errorf("marker is %d", list.Marker)
	}
	known, perGuide := map[string]item{}, map[string]int{}
	for _, it := range list.Items {
		if _, again := known[it.ID]; again {
			t.Errorf("%s twice", it.ID)
		}
		if !strings.HasPrefix(it.ID, it.Guide+"/") || it.Section == "" || it.Item == "" || it.Severity == "" || len(it.Tables) == 0 {
			t.Errorf("%s has gaps", it.ID)
		}
		known[it.ID] = it
		perGuide[it.Guide]++
	}
	want := map[string]int{"entra-apps": 18, "entra-users": 48, "app-governance": 45, "m365-mail": 41, "token-theft": 35}
	total := 0
	for guide, n := range want {
		total += n
		if perGuide[guide] != n {
			t.Errorf("%s has %d items, want %d", guide, perGuide[guide], n)
		}
	}
	if total != 187 || len(known) != total {
		t.Errorf("%d items, want 187", len(known))
	}

	covered := map[string]bool{}
	for _, f := range packRules(t) {
		for _, id := range f.rule.Meta.Coverage {
			if _, ok := known[id]; !ok {
				t.Errorf("%s: no item %s", f.name, id)
			}
			covered[id] = true
		}
	}
	for id, it := range known {
		if completeGuides[it.Guide] && !covered[id] {
			t.Errorf("no rule covers %s", id)
		}
	}
}

// Every fixture of the pack holds for every referee, and every rule has one.
func TestPackFixtures(t *testing.T) {
	for _, guide := range packGuides(t) {
		t.Run(guide, func(t *testing.T) { testPackFixtures(t, guide) })
	}
}

func testPackFixtures(t *testing.T, guide string) {
	fsys, err := fs.Sub(fixtureFiles, "fixtures/"+guide)
	if err != nil {
		t.Fatal(err)
	}
	Run(t, fsys, RunOptions{Require: []string{"reference", "cel-text"}})

	fixtures, diags := Load(fsys, LoadOptions{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	has := map[string]bool{}
	for _, f := range fixtures {
		matches, nearMisses := 0, 0
		forms := map[event.Form]bool{}
		for i := range f.Cases {
			c := &f.Cases[i]
			match, nearMiss := c.Shows()
			if match {
				matches++
			}
			if nearMiss {
				nearMisses++
			}
			for _, e := range c.Events {
				src, _ := event.Detect(e.Event)
				forms[cmp.Or(e.Form, src.Form)] = true
			}
		}
		rule := f.Rule()
		if rule == nil {
			continue
		}
		has[rule.Meta.ID] = true
		if matches == 0 || nearMisses == 0 {
			t.Errorf("%s: %d matches, %d near misses; a rule needs both", f.File, matches, nearMisses)
		}
		if len(forms) < 2 && rule.Correlation == nil && inForms(t, rule) > 1 {
			t.Errorf("%s: events in %d form", f.File, len(forms))
		}
	}
	for _, f := range packRules(t) {
		if path.Dir(f.name) == guide && !has[f.rule.Meta.ID] {
			t.Errorf("%s has no fixture", f.name)
		}
	}
}

// inForms counts the event forms that the rule's source comes in.
func inForms(t *testing.T, rule *sigma.Document) int {
	t.Helper()
	n := 0
	for _, name := range compiler.BuiltinPipelines() {
		pipeline, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		if pipeline.Form() == "" {
			continue
		}
		_, diags := compiler.Lower(rule, compiler.Options{Pipeline: pipeline})
		if !slices.ContainsFunc(diags, func(d sigma.Diagnostic) bool { return d.Code == sigma.CodeUnknownSource }) {
			n++
		}
	}
	return n
}

// What adds a sign-in method is decided once: the rules that ask for it name the
// same operations. Those about what people do to themselves leave out the
// administrator's.
func TestPackSignInMethods(t *testing.T) {
	const byAdmin = "Admin registered security info"
	operations := []string{"User registered security info", byAdmin, "Add FIDO2 security key", "Add Passkey", "Add Windows Hello for Business credential",
		"Add passwordless phone sign-in credential", "Add platform credential"}
	asked := map[string]string{ // the selection, by the rule's name or file
		"token-theft/sign-in-method-added.yaml":                          "added",
		"token-theft/security-info-changed-for-privileged-account.yaml":  "added",
		"token-theft/sign-in-method-after-session-in-two-countries.yaml": "added",
		"m365-mail/security-info-after-risky-sign-in.yaml":               "registered",
		"m365-mail/security-info-after-new-network.yaml":                 "registered",
		"m365-mail/device-after-security-info.yaml":                      "registered",
	}
	for name, selection := range asked {
		data, err := fs.ReadFile(rules.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		want, found := operations, false
		if !strings.Contains(string(data), byAdmin) {
			want = slices.DeleteFunc(slices.Clone(operations), func(o string) bool { return o == byAdmin })
		}
		for d := yaml.NewDecoder(strings.NewReader(string(data))); ; {
			var doc struct{ Detection map[string]yaml.Node }
			if err := d.Decode(&doc); err != nil {
				break
			}
			var of struct {
				Operations []string `yaml:"OperationName|startswith"`
			}
			node := doc.Detection[selection]
			if node.Decode(&of) == nil && slices.Contains(of.Operations, operations[0]) {
				found = true
				if !slices.Equal(of.Operations, want) {
					t.Errorf("%s: %s asks for %q, not for %q", name, selection, of.Operations, want)
				}
			}
		}
		if !found {
			t.Errorf("%s: no selection %s that asks for %q", name, selection, operations[0])
		}
	}
}
