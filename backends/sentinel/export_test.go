package sentinel_test

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// plain prints a query without its conditions: what artefacts add to a query
// does not depend on them.
func plain(r *ir.Rule, t backends.Target) (*backends.Query, error) {
	q := &backends.Query{Time: "TimeGenerated", Table: r.Source.Table}
	if strings.HasPrefix(r.Source.Pipeline, "defender") {
		q.Time = "Timestamp"
	}
	q.Text = q.Table + "\n| where true"
	for _, p := range r.Asks() {
		q.Text += "\n| where isnotempty(" + p + ")"
	}
	for i, e := range r.Entities {
		if !t.Entities {
			break
		}
		c := fmt.Sprintf("Entity%d", i)
		q.Text += fmt.Sprintf("\n| extend %s = tostring(%s)", c, e.Field.Path)
		q.Entities = append(q.Entities, backends.EntityColumn{Type: e.Type, Column: c, Index: i})
	}
	return q, nil
}

func lowered(t *testing.T, f sentinel.Format, file string, data []byte, profile *compiler.Profile) []sentinel.Input {
	t.Helper()
	docs, ds := sigma.Parse(file, data)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return inputs(t, f, docs, profile)
}

func inputs(t *testing.T, f sentinel.Format, docs []*sigma.Document, profile *compiler.Profile) []sentinel.Input {
	t.Helper()
	p, err := compiler.BuiltinPipeline(f.Pipeline())
	if err != nil {
		t.Fatal(err)
	}
	var out []sentinel.Input
	feeders := compiler.OnlyFeed(docs, nil)
	for _, d := range docs {
		if d.Kind == sigma.KindFilter {
			continue
		}
		rs, ds := compiler.Lower(d, compiler.Options{Pipeline: p, Profile: profile, Catalogue: catalogue(t), Documents: docs,
			Ask: f.Asks(), Watchlists: f.ReadsWatchlists()})
		if errs := ds.Errors(); len(errs) > 0 {
			// Snapshots are no table, and Defender XDR has not all of Sentinel's,
			// nor have its sign-ins and requests to Microsoft Graph all columns.
			lacks := strings.HasPrefix(errs[0].Message, "GraphAPIAuditEvents has no column for the field ") || strings.HasPrefix(errs[0].Message, "EntraIdSignInEvents has no column for the field ")
			if errs[0].Code != sigma.CodeUnknownSource && (errs[0].Code != sigma.CodeCorrelation && !lacks || f.Pipeline() == "sentinel") {
				t.Fatal(errs)
			}
			continue
		}
		out = append(out, sentinel.Input{Document: d, OnlyFeeds: feeders[d], Rules: rs})
	}
	return out
}

func catalogue(t *testing.T) []sigma.Parameter {
	t.Helper()
	data, err := fs.ReadFile(rules.FS, rules.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	c, ds := sigma.ParseParameters(rules.Catalogue, data)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return c
}

// pack returns the rules of the built-in pack.
func pack(t *testing.T) []*sigma.Document {
	t.Helper()
	var out []*sigma.Document
	err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		data, err := fs.ReadFile(rules.FS, name)
		if err != nil || sigma.Marker(data) != "" {
			return err
		}
		docs, ds := sigma.Parse(name, data)
		out = append(out, docs...)
		if ds.HasErrors() {
			return ds
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// filled is a profile with an example for each parameter of the catalogue.
func filled(t *testing.T) *compiler.Profile {
	t.Helper()
	var p *compiler.Profile
	for _, d := range catalogue(t) {
		var vs []any
		for _, v := range d.Example {
			switch v := v.(type) {
			case sigma.String:
				vs = append(vs, v.Raw)
			case sigma.Number:
				vs = append(vs, v.Number.Int)
			}
		}
		if len(vs) == 0 {
			continue
		}
		var err error
		if p, err = p.WithValue(d.Name, vs...); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestPack exports the built-in pack to every format.
func TestPack(t *testing.T) {
	docs := pack(t)
	for _, f := range sentinel.Formats() {
		for _, p := range []*compiler.Profile{filled(t), nil} {
			set, ds := sentinel.Export(f, inputs(t, f, docs, p), sentinel.Options{Parameters: catalogue(t), Print: backends.KQL})
			for _, d := range ds {
				switch {
				case f == sentinel.Defender && strings.Contains(d.Message, "a custom detection"): // refused by its limits
				default:
					t.Errorf("%s: %v", f, d)
				}
			}
			for _, x := range sentinel.Validate(f, set.Files) {
				t.Errorf("%s: %v", f, x)
			}
			t.Logf("%s: %d files, %d rules left to other formats", f, len(set.Files), len(set.Left))
		}
	}
}

// What the pack rates high is looked for every quarter of an hour, but for
// windows of a day and baselines, which are read again each time.
func TestHighAlertsRunOften(t *testing.T) {
	hourly := []string{"Alert on a user at home and in another country within ten minutes", "Alert on an account that got a role and was deleted within a day",
		"Alert on many files downloaded after a risk detection about a token", "Alert on two kinds of stolen-token risk detections for one user within a day"}
	set, _ := sentinel.Export(sentinel.YAML, inputs(t, sentinel.YAML, pack(t), filled(t)), sentinel.Options{Parameters: catalogue(t), Print: backends.KQL})
	often := 0
	for _, f := range set.Files {
		text := string(f.Data)
		switch {
		case !strings.Contains(text, "\nseverity: High\n"):
		case strings.Contains(text, "\nqueryFrequency: 15m\n"):
			often++
		case !slices.ContainsFunc(hourly, func(title string) bool { return strings.Contains(text, "\nname: "+title+"\n") }):
			t.Errorf("%s runs less often", f.Name)
		}
	}
	if often < 50 {
		t.Errorf("only %d artefacts of level high", often)
	}
}

// TestGolden holds each format to files that people have read.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	vips, err := (*compiler.Profile)(nil).WithValue("vips", "ceo@contoso.com", "[x]")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sentinel.Formats() {
		var b strings.Builder
		for _, p := range []*compiler.Profile{vips, nil} {
			in := lowered(t, f, "rules.yaml", data, p)
			set, ds := sentinel.Export(f, in, sentinel.Options{Print: plain})
			for _, x := range sentinel.Validate(f, set.Files) {
				t.Errorf("%s: %v", f, x)
			}
			for _, d := range ds {
				fmt.Fprintf(&b, "==== %v\n", d)
			}
			for _, l := range set.Left {
				fmt.Fprintf(&b, "==== left: %s: %s\n", l.Title, l.Reason)
			}
			for _, x := range set.Files {
				fmt.Fprintf(&b, "==== %s\n%s", x.Name, x.Data)
			}
			if p == nil {
				continue
			}
			if f == sentinel.YAML {
				fmt.Fprintf(&b, "==== manifest\n%s", set.Manifest.JSON())
			}
			again, _ := sentinel.Export(f, in, sentinel.Options{Print: plain})
			if !reflect.DeepEqual(again.Files, set.Files) {
				t.Errorf("%s: a second export differs", f)
			}
		}
		golden.Compare(t, "testdata/"+string(f)+".golden", b.String())
	}
}

// TestNewValues maps what is new for a correlation without a group.
func TestNewValues(t *testing.T) {
	const text = "rulewright: 1\ntitle: One\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: 1.0.0\nlevel: low\ntier: alert\nentities: [{account: UserPrincipalName}, {resource: ResourceTenantId}]\n" +
		"correlation:\n  type: new_value\n  rules: [two]\n  fields: [UserPrincipalName, ResourceTenantId]\n  lookback: 7d\n---\n" +
		"title: Two\nname: two\nid: 26a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nlevel: low\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s: {ResultType: '0'}\n  condition: s\n"
	set, ds := sentinel.Export(sentinel.YAML, lowered(t, sentinel.YAML, "r.yaml", []byte(text), nil), sentinel.Options{Print: backends.KQL})
	if ds.HasErrors() || len(set.Files) != 1 {
		t.Fatal(ds, set.Left)
	}
	for _, w := range []string{"- entityType: Account\n", "columnName: UserPrincipalNameName\n", "customDetails:\n  ResourceTenantId: ResourceTenantId\n", "'One: {{UserPrincipalName}}'"} {
		if !strings.Contains(string(set.Files[0].Data), w) {
			t.Errorf("no %q in\n%s", w, set.Files[0].Data)
		}
	}
	for _, x := range sentinel.Validate(sentinel.YAML, set.Files) {
		t.Error(x)
	}
}

// TestOnce plans rules with once: how far back they look and how often they run,
// and which are refused.
func TestOnce(t *testing.T) {
	rule := func(level, length, of string) string {
		return "rulewright: 1\ntitle: One\nname: one\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: 1.0.0\nlevel: " + level + "\ntier: alert\nonce: {by: UserPrincipalName, for: " + length + "}\n" + of
	}
	const single = "logsource: {product: azure, service: signinlogs}\ndetection:\n  s: {ResultType: '0'}\n  condition: s\n"
	const counted = "correlation:\n  type: event_count\n  rules: [two]\n  group-by: [UserPrincipalName]\n  timespan: 10m\n  condition: {gte: 5}\n---\nrulewright: 1\ntitle: Two\nname: two\nid: 26a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nlevel: low\n" + single
	for _, c := range []struct {
		text                  string
		frequency, period, at string // at: of the refusal
	}{
		{rule("high", "1h", single), "15m", "205m", ""},
		{rule("high", "15h", single), "15m", "2725m", ""},
		{rule("high", "1d", single), "15m", "1465m", ""},
		{rule("medium", "15h", single), "1h", "2770m", ""},
		{rule("high", "7d", single), "1h", "10150m", ""},
		{rule("high", "14d", single), "", "", "r.yaml:8:7: One: it has to look back 14d 1h 10m, and an analytics rule looks back 14d at most; the longest time for `once` that fits is 20090m"},
		{rule("high", "1h", counted), "15m", "225m", ""},
		{rule("medium", "13d", counted), "1h", "18810m", ""},
		{rule("medium", "14d", counted), "", "", "the longest time for `once` that fits is 20070m"},
	} {
		set, ds := sentinel.Export(sentinel.YAML, lowered(t, sentinel.YAML, "r.yaml", []byte(c.text), nil), sentinel.Options{Print: backends.KQL})
		if c.at != "" {
			if errs := ds.Errors(); len(errs) != 1 || !strings.Contains(errs[0].Error(), c.at) {
				t.Errorf("%s: %v", c.text, ds)
			}
			continue
		}
		if ds.HasErrors() || len(set.Files) != 1 {
			t.Fatal(ds, set.Left)
		}
		text := string(set.Files[0].Data)
		if !strings.Contains(text, "queryFrequency: "+c.frequency+"\nqueryPeriod: "+c.period+"\n") {
			t.Errorf("want %s and %s of\n%s", c.frequency, c.period, text)
		}
		for _, x := range sentinel.Validate(sentinel.YAML, set.Files) {
			t.Error(x)
		}
	}
}

// TestRulesOfASet tells rules without ids apart: what is exported, and what is left.
func TestRulesOfASet(t *testing.T) {
	const text = "rulewright: 1\ntitle: One\nlevel: low\ntier: alert\n%s---\nrulewright: 1\ntitle: Two\nlevel: low\ntier: hunt\n%[1]s---\nrulewright: 1\ntitle: Three\nlevel: low\ntier: alert\n%[1]s"
	const rest = "logsource: {product: azure, service: signinlogs}\ndetection:\n  s: {ResultType: '0'}\n  condition: s\n"
	set, ds := sentinel.Export(sentinel.YAML, lowered(t, sentinel.YAML, "r.yaml", fmt.Appendf(nil, text, rest), nil), sentinel.Options{Print: plain})
	var titles []string
	for d := range set.Rules() {
		titles = append(titles, d.Meta.Title)
	}
	slices.Sort(titles)
	if ds.HasErrors() || !slices.Equal(titles, []string{"One", "Three"}) {
		t.Errorf("%q are exported, %v", titles, ds)
	}
	if len(set.Left) != 1 || set.Left[0].Document.Meta.Title != "Two" || set.Left[0].Title != "Two" {
		t.Errorf("left: %+v", set.Left)
	}
	for id, want := range map[string]string{
		"": "r.yaml:10:1: One: r.yaml:1 has the same title, and neither has an id",
		"id: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\n": "r.yaml:11:1: One: r.yaml:1 has the same id",
	} {
		twice := strings.Repeat("rulewright: 1\n"+id+"title: One\nlevel: low\ntier: alert\n"+rest+"---\n", 2)
		set, ds := sentinel.Export(sentinel.YAML, lowered(t, sentinel.YAML, "r.yaml", []byte(twice), nil), sentinel.Options{Print: plain})
		if errs := ds.Errors(); len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want) || len(set.Files) != 1 || len(set.Rules()) != 1 {
			t.Errorf("%d files of two rules with one id %q: %v", len(set.Files), id, ds)
		}
	}
}

// TestSince follows a folder through its exports.
func TestSince(t *testing.T) {
	rule := func(version, operation, title, extra string) string {
		return "rulewright: 1\ntitle: " + title + "\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: " + version + "\nlevel: high\ntier: alert\n" + extra +
			"logsource: {product: azure, service: auditlogs}\ndetection:\n  s:\n    OperationName: " + operation + "\n  condition: s\n"
	}
	other := "---\n" + strings.Replace(rule("1.0.0", "Add group", "Other", ""), "16a9", "26a9", 1)
	set := func(text string) *sentinel.Set {
		s, ds := sentinel.Export(sentinel.YAML, lowered(t, sentinel.YAML, "r.yaml", []byte(text), nil), sentinel.Options{Print: plain})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		return s
	}
	first := set(rule("1.0.0", "Add user", "One", "") + other)
	old, err := sentinel.ParseManifest(first.Manifest.JSON())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text              string
		added, changed, retired int
		what, err               string
	}{
		{"same", rule("1.0.0", "Add user", "One", "") + other, 0, 0, 0, "", ""},
		{"title", rule("1.0.0", "Add user", "Uno", "") + other, 0, 1, 0, "title", ""},
		{"text", rule("1.0.0", "Add user", "One", "description: new\n") + other, 0, 1, 0, "text", ""},
		{"meaning and version", rule("1.0.1", "Add device", "One", "") + other, 0, 1, 0, "version 1.0.0 to 1.0.1, meaning", ""},
		{"meaning", rule("1.0.0", "Add device", "One", "") + other, 0, 1, 0, "meaning", "r.yaml:1:1: One: what the rule means changed since version 1.0.0 and its version did not [version]"},
		{"tags", rule("1.0.0", "Add user", "One", "tags: [attack.impact]\n") + other, 0, 1, 0, "meaning", "its version did not [version]"},
		{"lower", rule("0.9.0", "Add user", "One", "") + other, 0, 1, 0, "version 1.0.0 to 0.9.0", "version 0.9.0 is lower than 1.0.0"},
		{"retired", rule("1.0.0", "Add user", "One", ""), 0, 0, 1, "", ""},
		{"added", rule("1.0.0", "Add user", "One", "") + other + "---\n" + strings.Replace(rule("1.0.0", "Add group", "Third", ""), "16a9", "36a9", 1), 1, 0, 0, "", ""},
	} {
		changes, ds := set(c.text).Since(old)
		what := ""
		for _, x := range changes.Changed {
			what += strings.Join(x.What, ", ")
		}
		if len(changes.Added) != c.added || len(changes.Changed) != c.changed || len(changes.Retired) != c.retired || what != c.what {
			t.Errorf("%s: %+v", c.name, changes)
		}
		if c.err == "" && len(ds) > 0 || c.err != "" && (len(ds) != 1 || !strings.Contains(ds[0].Error(), c.err)) {
			t.Errorf("%s: %v", c.name, ds)
		}
	}
	if _, ds := first.Since(&sentinel.Manifest{Format: 1, Target: sentinel.ARM}); len(ds) != 1 {
		t.Errorf("another format: %v", ds)
	}
	for _, bad := range []string{"", "{}", `{"rulewright-manifest":2}`, `{"rulewright-manifest":1,"entries":[{"file":"../x"}]}`} {
		if _, err := sentinel.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%q is a manifest", bad)
		}
	}
	param := func(values ...any) *sentinel.Set {
		p, err := (*compiler.Profile)(nil).WithValue("vips", values...)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := sentinel.Export(sentinel.YAML, lowered(t, sentinel.YAML, "r.yaml", []byte(
			"title: Z\nid: 46a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nlogsource: {product: azure, service: auditlogs}\ndetection:\n  s:\n    OperationName|expand: '%vips%'\n  condition: s\n"), p), sentinel.Options{Print: plain})
		return s
	}
	changes, ds := param("a", "b").Since(param("a").Manifest)
	if len(ds) > 0 || len(changes.Changed) != 1 || strings.Join(changes.Changed[0].What, ",") != "parameter vips" {
		t.Errorf("another value of a parameter: %+v, %v", changes, ds)
	}
}

// TestValidate finds each fault that is put into a good file.
func TestValidate(t *testing.T) {
	const good = `id: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb
name: One
version: 1.0.0
kind: Scheduled
description: Text
severity: High
requiredDataConnectors: []
queryFrequency: 1h
queryPeriod: 2h
triggerOperator: gt
triggerThreshold: 0
tactics: [Persistence]
relevantTechniques: [T1098.003]
query: |
  AuditLogs
  | where ingestion_time() > ago(1h)
  | extend A = tostring(B), I = C
entityMappings:
  - entityType: Account
    fieldMappings:
      - {identifier: FullName, columnName: A}
  - entityType: IP
    fieldMappings:
      - {identifier: Address, columnName: I}
customDetails: {Op: A}
alertDetailsOverride:
  alertDisplayNameFormat: "One: {{A}}"
incidentConfiguration:
  createIncident: true
  groupingConfiguration:
    enabled: true
    reopenClosedIncident: false
    lookbackDuration: PT5H
    matchingMethod: Selected
    groupByEntities: [Account]
`
	file := func(text string) []sentinel.File { return []sentinel.File{{Name: "a.yaml", Data: []byte(text)}} }
	if fs := sentinel.Validate(sentinel.YAML, file(good)); len(fs) > 0 {
		t.Fatal(fs)
	}
	for _, c := range []struct {
		was, is, check string
		line           int
	}{
		{"16a9ba29", "xx", "id", 1},
		{"name: One", "name: " + strings.Repeat("x", 257), "name", 2},
		{"version: 1.0.0", "version: 1.0", "version", 3},
		{"Scheduled", "Fusion", "kind", 4},
		{"description: Text", "description: " + strings.Repeat("é", 5001), "description", 5},
		{"severity: High", "severity: high", "severity", 6},
		{"queryFrequency: 1h", "queryFrequency: 4m", "schedule", 8},
		{"queryFrequency: 1h", "queryFrequency: PT1H", "schedule", 8},
		{"queryPeriod: 2h", "queryPeriod: 30m", "schedule", 9},
		{"queryPeriod: 2h", "queryPeriod: 15d", "schedule", 9},
		{"queryFrequency: 1h\nqueryPeriod: 2h", "queryFrequency: 15m\nqueryPeriod: 2d", "schedule", 9},
		{"ago(1h)", "ago(3h)", "schedule", 9},
		{"triggerOperator: gt", "triggerOperator: gte", "trigger", 10},
		{"triggerThreshold: 0", "triggerThreshold: 10001", "trigger", 11},
		{"[Persistence]", "[Persistance]", "attack", 12},
		{"[Persistence]", "[Impact]", "attack", 12},
		{"T1098.003", "T1098.3", "attack", 12},
		{"T1098.003", "T9999", "attack", 12},
		{"= C\n", "= C // " + strings.Repeat("x", 10_000) + "\n", "query-length", 14},
		{"AuditLogs\n", "union *\n", "query-scope", 14},
		{"AuditLogs\n", "search * | where X\n", "query-scope", 14},
		{"AuditLogs\n", "cluster('x').database('y').AuditLogs\n", "query-scope", 14},
		{"entityType: IP", "entityType: Address", "entity-type", 22},
		{"identifier: FullName", "identifier: Fullname", "entity-type", 21},
		{"{identifier: FullName, columnName: A}", "{identifier: UPNSuffix, columnName: A}", "entity-required", 19},
		{"{identifier: FullName, columnName: A}", "{identifier: DisplayName, columnName: A}", "entity-weak", 21},
		{"columnName: I", "columnName: J", "entity-column", 24},
		{"extend A = tostring(B), I = C", "project A = tostring(B), TimeGenerated", "entity-column", 24},
		{"extend A = tostring(B), I = C", "summarize A = max(B) by I", "time-column", 14},
		{"{Op: A}", "{Operation name: A}", "custom-details", 25},
		{"{Op: A}", "{AVeryLongKeyOfManyLetters: A}", "custom-details", 25},
		{"{{A}}", "{{A}} {{A}} {{A}} {{A}}", "placeholders", 27},
		{"{{A}}", "{{Nothing}}", "placeholders", 27},
		{"lookbackDuration: PT5H", "lookbackDuration: P8D", "incident", 33},
		{"[Account]", "[Host]", "incident", 35},
		{"[Account]", "[]", "incident", 31},
		{"kind: Scheduled", "kind: NRT", "kind", 8},
		{"name: One", "name: [", "syntax", 1},
	} {
		bad := strings.Replace(good, c.was, c.is, 1)
		found := ""
		for _, f := range sentinel.Validate(sentinel.YAML, file(bad)) {
			found += "\n" + f.String()
			if f.Check == c.check && f.Line == c.line {
				found = ""
				break
			}
		}
		if bad == good || found != "" || len(sentinel.Validate(sentinel.YAML, file(bad))) == 0 {
			t.Errorf("%s for %s at line %d: found %s", c.is, c.check, c.line, found)
		}
	}
	twice := append(file(good), sentinel.File{Name: "b.yaml", Data: []byte(good)})
	if fs := sentinel.Validate(sentinel.YAML, twice); len(fs) != 2 || fs[0].Check != "id" || fs[1].Check != "name" {
		t.Errorf("the same rule twice: %v", fs)
	}
	var many []sentinel.File
	for i := range 513 {
		many = append(many, sentinel.File{Name: fmt.Sprintf("%d.yaml", i), Data: []byte(strings.NewReplacer("16a9ba29", fmt.Sprintf("%08x", i), "name: One", fmt.Sprintf("name: N%d", i)).Replace(good))})
	}
	if fs := sentinel.Validate(sentinel.YAML, many); len(fs) != 1 || fs[0].Check != "enabled-count" || !fs[0].Warning {
		t.Errorf("513 rules: %v", fs)
	}
	known := sentinel.Checks()
	for _, f := range sentinel.Formats() {
		for _, junk := range []string{"", "{}", "[]", "{\"a\":1}", "resource x 'y' = {\n}\n", "{\"parameters\":{\"workspace\":{}},\"resources\":[{}]}", "\xff"} {
			for _, x := range sentinel.Validate(f, []sentinel.File{{Name: "x", Data: []byte(junk)}}) {
				if known[x.Check] == "" {
					t.Errorf("the check %s is not listed", x.Check)
				}
			}
		}
	}
}

// TestValidateDetection finds each fault that is put into a good custom
// detection.
func TestValidateDetection(t *testing.T) {
	const good = `{
  "id": "16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb",
  "displayName": "One",
  "status": "enabled",
  "queryCondition": {"queryText": "EntraIdSignInEvents\n| where Timestamp > ago(4h)\n| project Timestamp, ReportId, AccountUpn, IPAddress"},
  "schedule": {"frequency": "PT1H"},
  "detectionAction": {"alertTemplate": {
    "title": "One",
    "description": "Text",
    "severity": "high",
    "entityMappings": {
      "accounts": [{"upnColumn": "AccountUpn"}],
      "ips": [{"addressColumn": "IPAddress"}]},
    "tactics": [
      {"tactic": "Persistence", "techniques": [{"technique": "T1098", "subTechniques": ["T1098.003"]}]}]
  }}
}
`
	validate := func(text string) []sentinel.Finding {
		return sentinel.Validate(sentinel.Defender, []sentinel.File{{Name: "a.json", Data: []byte(text)}})
	}
	for _, text := range []string{good, strings.Replace(good, "PT1H", "P1D", 1), strings.Replace(good, "PT1H", "PT0S", 1)} {
		if fs := validate(text); len(fs) > 0 {
			t.Error(fs)
		}
	}
	for _, c := range []struct {
		was, is, check string
		line           int
	}{
		{`"16a9ba29`, `"xx`, "id", 2},
		{`"enabled"`, `"on"`, "kind", 4},
		{`"status": "enabled"`, `"status": "enabled", "isEnabled": true`, "kind", 4},
		{`"frequency"`, `"period": "1H", "frequency"`, "kind", 6},
		{`"PT1H"`, `"1h"`, "schedule", 6},
		{`"PT1H"`, `"PT2H"`, "schedule", 6},
		{"ago(4h)", "ago(5h)", "schedule", 6},
		{`"detectionAction": {`, `"detectionAction": {"responseActions": [], `, "kind", 7},
		{`"severity": "high"`, `"severity": "High"`, "severity", 7},
		{`"severity": "high"`, `"severity": "high", "category": "Persistence"`, "kind", 10},
		{`"severity": "high"`, `"severity": "high", "mitreTechniques": []`, "kind", 10},
		{`"severity": "high"`, `"severity": "high", "impactedAssets": []`, "kind", 10},
		{`"accounts"`, `"users"`, "entity-type", 12},
		{`"accounts"`, `"urls"`, "detection-column", 11},
		{`[{"upnColumn": "AccountUpn"}]`, `[{}]`, "entity-required", 12},
		{`"upnColumn"`, `"accountUpn"`, "entity-type", 12},
		{`"upnColumn": "AccountUpn"`, `"upnColumn": "Account Upn"`, "entity-column", 12},
		{`"upnColumn": "AccountUpn"`, `"upnColumn": "AccountSid"`, "detection-column", 5},
		{"ReportId, ", "", "detection-column", 5},
		{`"Persistence"`, `"Impact"`, "attack", 15},
		{`["T1098.003"]`, `["T1078.004"]`, "attack", 15},
		{`["T1098.003"]}]}`, `["T1098.003"]}]}, {"tactic": "Impact"}`, "attack", 15},
	} {
		bad := strings.Replace(good, c.was, c.is, 1)
		fs := validate(bad)
		if bad == good || !slices.ContainsFunc(fs, func(f sentinel.Finding) bool { return f.Check == c.check && f.Line == c.line }) {
			t.Errorf("%s for %s at line %d: found %v", c.is, c.check, c.line, fs)
		}
	}
}

// TestCorrelations exports correlations as the printer prints them: the result
// is held to what has had the time to arrive, and the period to the windows.
func TestCorrelations(t *testing.T) {
	data, err := os.ReadFile("testdata/correlations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	vips, err := (*compiler.Profile)(nil).WithValue("vips", "a@b.c")
	if err != nil {
		t.Fatal(err)
	}
	chained := append(slices.Clone(data), `---
rulewright: 1
title: Chained
id: 86a9ba29-c27e-400b-a1f3-b7ae5bca1ecb
version: 1.0.0
level: high
tier: alert
correlation:
  type: event_count
  rules: [66a9ba29-c27e-400b-a1f3-b7ae5bca1ecb]
  group-by: [UserPrincipalName]
  timespan: 1h
  condition: {gte: 2}
`...)
	if _, ds := sentinel.Export(sentinel.Defender, lowered(t, sentinel.Defender, "correlations.yaml", chained, vips), sentinel.Options{Print: backends.KQL}); len(ds.Errors()) != 1 ||
		!strings.Contains(ds.Errors()[0].Error(), "correlations.yaml:46:1: Chained: a hit of a correlation over correlations is no event") {
		t.Errorf("chained: %v", ds)
	}
	for _, c := range []struct {
		format  sentinel.Format
		profile *compiler.Profile
		kinds   string
		err     string
		texts   []string
	}{
		{sentinel.YAML, vips, "rule", "the longest lookback that fits is 20090m", []string{"queryPeriod: 45m", "| where t > ago(25m)", "| where t <= ago(10m)", "columnName: IPAddressAddress"}},
		{sentinel.HuntingYAML, vips, "hunting query", "", []string{"materialize(SigninLogs"}},
		{sentinel.HuntingYAML, nil, "function, function", "", []string{"functionParameters: vips:dynamic", "array_length(vips_texts) > 0", "in~ (vips_texts)"}},
		{sentinel.Defender, vips, "detection, detection", "", []string{"| where t <= ago(10m)", "arg_max(at, ReportId, AccountUpn)", "project Timestamp = at, ReportId, AccountUpn, UserPrincipalName = g1", `"frequency": "PT1H"`, `"frequency": "P1D"`, `"upnColumn": "AccountUpn"`}},
	} {
		set, ds := sentinel.Export(c.format, lowered(t, c.format, "correlations.yaml", data, c.profile), sentinel.Options{Print: backends.KQL})
		if c.err == "" && ds.HasErrors() || c.err != "" && !strings.Contains(ds.Error(), c.err) {
			t.Errorf("%s: %v", c.format, ds)
		}
		var kinds []string
		all := ""
		for _, e := range set.Manifest.Entries {
			kinds = append(kinds, e.Kind)
		}
		for _, f := range set.Files {
			all += string(f.Data)
		}
		if got := strings.Join(kinds, ", "); got != c.kinds {
			t.Errorf("%s: %s", c.format, got)
		}
		for _, w := range c.texts {
			if !strings.Contains(all, w) {
				t.Errorf("%s: no %q in\n%s", c.format, w, all)
			}
		}
		for _, x := range sentinel.Validate(c.format, set.Files) {
			t.Error(x)
		}
	}
}
