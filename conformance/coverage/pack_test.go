package coverage_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// pack is the report of the embedded pack, which takes long enough to make it
// once.
var pack = sync.OnceValues(func() (*coverage.Report, error) {
	data, err := fs.ReadFile(rules.FS, rules.Coverage)
	if err != nil {
		return nil, err
	}
	list, err := coverage.ParseList(rules.Coverage, data)
	if err != nil {
		return nil, err
	}
	if data, err = fs.ReadFile(rules.FS, rules.Forms); err != nil {
		return nil, err
	}
	forms, err := coverage.ParseForms(rules.Forms, data)
	if err != nil {
		return nil, err
	}
	files, ds := sigma.ParseFS(rules.FS)
	fixtures, found := conformance.Load(conformance.Fixtures, conformance.LoadOptions{})
	r, more := coverage.New(list, coverage.Options{Documents: files.Documents, Fixtures: fixtures, Forms: forms, Lowering: compiler.Options{Catalogue: files.Parameters}})
	if ds = append(append(ds, found.Errors()...), more...); len(ds) > 0 { // fixtures of the contract warn on purpose
		return nil, ds
	}
	return r, nil
})

func packReport(t *testing.T) *coverage.Report {
	t.Helper()
	r, err := pack()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryItemIsCovered(t *testing.T) {
	r := packReport(t)
	if len(r.Items) != 187 {
		t.Errorf("%d items", len(r.Items))
	}
	for _, i := range r.Items {
		if !i.Covered {
			t.Errorf("%s has no rule with a match and a near miss", i.ID)
		}
	}
	for _, rule := range r.Rules {
		if rule.Error != "" {
			t.Errorf("%s: %s", rule.Title, rule.Error)
		}
		seen := false
		for _, target := range r.Targets {
			c, ok := rule.Targets[target.Name]
			if !ok {
				t.Errorf("%s says nothing of %s", rule.Title, target.Name)
			}
			seen = seen || target.Group == coverage.GroupForm && (c.State == coverage.Proven || c.State == coverage.Partly)
		}
		if !seen {
			t.Errorf("%s is proven in no form", rule.Title)
		}
	}
}

// sameEvents are tables that hold the events of another one in other services or
// from before; a rule that reads both requires the other.
var sameEvents = map[string]string{"CloudAppEvents": "OfficeActivity", "AzureDiagnostics": "AZKVAuditLogs"}

// A rule requires the tables that it reads, all of them, and no others.
func TestRequiresSayWhatRulesRead(t *testing.T) {
	r := packReport(t)
	for _, rule := range r.Rules {
		var required []string
		for _, q := range rule.Requires {
			required = append(required, q.Table)
			if !slices.Contains(rule.Tables, q.Table) {
				t.Errorf("%s requires %s and reads %s", rule.File, q.Table, rule.Needs)
			}
		}
		for _, table := range rule.Tables {
			if !slices.Contains(required, table) && (sameEvents[table] == "" || !slices.Contains(required, sameEvents[table])) {
				t.Errorf("%s reads %s and does not require it", rule.File, table)
			}
		}
		if h, err := r.ParseHave(required); err != nil || h == nil || !h.Meets(rule) {
			t.Errorf("%s requires %v, and needs %s: %v", rule.File, required, rule.Needs, err)
		}
	}
}

// What an organisation with Entra ID P1 and Microsoft 365 E3 gets, its logs in a
// Sentinel workspace: the pack is worth deploying there.
func TestEntraP1AndMicrosoft365E3(t *testing.T) {
	r := packReport(t)
	h, err := r.ParseHave([]string{"entra-p1", "e3", "azure"})
	if err != nil {
		t.Fatal(err)
	}
	workspace := slices.DeleteFunc(slices.Clone(h.Brings), func(table string) bool { return strings.Contains(table, ":") })
	if got, want := strings.Join(workspace, " "), "AADNonInteractiveUserSignInLogs AADServicePrincipalSignInLogs AZKVAuditLogs AuditLogs AzureActivity MicrosoftGraphActivityLogs OfficeActivity SigninLogs"; got != want {
		t.Errorf("the tables are\n%s, want\n%s", got, want)
	}
	// docs/coverage has the figures; the pack must not fall behind these.
	items, rules, alerts := r.With("entra-p1", "e3", "azure")
	if items < 144 || rules < 209 || alerts < 104 {
		t.Errorf("%d items, %d rules, %d alerts have their tables", items, rules, alerts)
	}
}

// Who hunts in Defender XDR alone has the requests to Microsoft Graph in another
// table: what asks only for columns that this has can be seen.
func TestHaveDefendersGraphTable(t *testing.T) {
	r := packReport(t)
	h, err := r.ParseHave([]string{"GraphAPIAuditEvents"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, rule := range r.Rules {
		if h.Meets(rule) {
			seen[strings.TrimSuffix(path.Base(rule.File), ".yaml")] = true
			if rule.Targets["kql-defender"].State != coverage.Yes {
				t.Errorf("%s is said to be seen, and %+v", rule.File, rule.Targets["kql-defender"])
			}
		}
	}
	for name, want := range map[string]bool{"app-searches-mail": true, "inbox-rule-and-file-search": true, "app-graph-new-user-agent": false,
		"graph-token-used-by-two-clients": false, "directory-read-out-by-script": false, "app-credentials-added": false} {
		if seen[name] != want {
			t.Errorf("%s is seen: %v", name, seen[name])
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d rules are seen", len(seen))
	}
}

func TestGains(t *testing.T) {
	r := packReport(t)
	h, err := r.ParseHave([]string{"e3"})
	if err != nil {
		t.Fatal(err)
	}
	r.SetHave(h)
	defer r.SetHave(nil)
	if len(r.Gains) == 0 || r.Gains[0].Name != "Entra ID P2" || r.Gains[0].Kind != "licence" {
		t.Fatalf("the first gain is %+v", r.Gains[:1])
	}
	now, _, _ := r.With("e3")
	then, _, _ := r.With("e3", "entra-p2")
	if len(r.Gains[0].Items) != then-now {
		t.Errorf("Entra ID P2 adds %d items, with the plan there are %d instead of %d", len(r.Gains[0].Items), then, now)
	}
	for n := range r.Gains[1:] {
		if len(r.Gains[n].Items) < len(r.Gains[n+1].Items) {
			t.Errorf("%s comes before %s", r.Gains[n].Name, r.Gains[n+1].Name)
		}
	}
}

func TestParseHave(t *testing.T) {
	r := packReport(t)
	if _, err := r.ParseHave([]string{"SigninLog"}); err == nil || !strings.Contains(err.Error(), "SigninLogs") {
		t.Errorf("%v", err)
	}
	if h, err := r.ParseHave([]string{"auditlogs", "E3"}); err != nil || h.Tables[0] != "AuditLogs" || h.Plans[0] != "e3" {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := r.ParseHave(nil); h != nil || err != nil {
		t.Errorf("%+v, %v", h, err)
	}
}

// What comes with a licence is what rules of the pack require with it, neither
// less nor more, and each licence is in a plan.
func TestPlansBringWhatThePackRequires(t *testing.T) {
	brings := map[[2]string]bool{} // by licence and table; whether a rule requires it
	plan := map[string]bool{}      // tables of all plans
	for _, p := range coverage.Plans() {
		for _, l := range p.Licences {
			if len(coverage.TablesOf(l)) == 0 {
				t.Errorf("the plan %s: nothing comes with %s", p.Name, l)
			}
			for _, table := range coverage.TablesOf(l) {
				brings[[2]string{l, table}], plan[table] = false, true
			}
		}
	}
	for _, rule := range packReport(t).Rules {
		for _, q := range rule.Requires {
			if q.Licence == coverage.NoLicence {
				if !plan[q.Table] {
					t.Errorf("%s: no plan brings %s", rule.File, q.Table)
				}
				continue
			}
			if _, ok := brings[[2]string{q.Licence, q.Table}]; !ok {
				t.Errorf("%s: no plan has the licence %q with the table %s", rule.File, q.Licence, q.Table)
			}
			brings[[2]string{q.Licence, q.Table}] = true
		}
	}
	for pair, required := range brings {
		if !required {
			t.Errorf("no rule of the pack requires %s, said to come with %s", pair[1], pair[0])
		}
	}
}

// What a plan brings does not depend on the rules that are loaded.
func TestHaveOfOwnRules(t *testing.T) {
	rule := func(title, requires string) string {
		return "rulewright: 1\ntitle: " + title + "\nlevel: low\nrequires:" + requires +
			"\nlogsource: {product: azure, service: signinlogs}\ndetection: {s: {ResultType: '0'}, condition: s}\n"
	}
	everyRule := func(*sigma.Document) bool { return true }
	plain := "title: plain\nlogsource: {product: azure, service: signinlogs}\ndetection: {s: {ResultType: '0'}, condition: s}\n"
	p1 := rule("p1", " [{table: SigninLogs, licence: Entra ID P1}]")
	p2 := rule("p2", " [{table: SigninLogs, licence: Entra ID P2}]")
	other := rule("other", " [{table: SigninLogs, licence: Contoso}]")
	none := rule("none", " [{table: SigninLogs, licence: none}]")
	silent := rule("silent", " [{table: SigninLogs}]")
	for _, c := range []struct {
		have  string
		rules []string
		met   []string
	}{
		{"e3", []string{plain}, []string{"plain"}},
		{"e3", []string{plain, other}, []string{"plain"}},
		{"e3", []string{plain, p1, p2, none, silent}, []string{"plain", "p1", "none", "silent"}},
		{"entra-free", []string{plain, p1, none, silent}, nil},
		{"azure", []string{plain, none}, nil},
		{"SigninLogs", []string{plain, p2, other, none, silent}, []string{"plain", "p2", "other", "none", "silent"}},
	} {
		docs, ds := sigma.Parse("rules.yaml", []byte(strings.Join(c.rules, "---\n")))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		r, _ := coverage.New(&coverage.List{}, coverage.Options{Documents: docs, Also: everyRule})
		h, err := r.ParseHave([]string{c.have})
		if err != nil {
			t.Fatal(err)
		}
		var met []string
		for _, rule := range r.Rules {
			if h.Meets(rule) {
				met = append(met, rule.Title)
			} else if missing := h.Missing(rule); missing == "" || missing == coverage.NoLicence {
				t.Errorf("--have %s: %s is missing %q", c.have, rule.Title, missing)
			}
		}
		if !slices.Equal(met, c.met) {
			t.Errorf("--have %s with %d rules: %v are met, not %v", c.have, len(c.rules), met, c.met)
		}
	}
	r, _ := coverage.New(&coverage.List{}, coverage.Options{})
	if h, err := r.ParseHave([]string{"graph:users"}); err != nil || h.Tables[0] != "graph:users" {
		t.Errorf("a table that a plan brings, without rules: %+v, %v", h, err)
	}
}

// Rules without an id, or with one that another rule has, are told apart.
func TestRulesWithoutID(t *testing.T) {
	const head = "rulewright: 1\nlevel: low\ntier: alert\ncoverage: [g/one]\n"
	rules := head + "title: Sign-in\nlogsource: {product: azure, service: signinlogs}\ndetection: {s: {ResultType: '0'}, condition: s}\n---\n" +
		head + "title: Audit\nlogsource: {product: azure, service: auditlogs}\ndetection: {s: {OperationName: Add user}, condition: s}\n---\n" +
		strings.Replace(head, "g/one", "g/two", 1) + "title: Risk\nlogsource: {product: azure, service: riskdetection}\ndetection: {s: {RiskState: atRisk}, condition: s}\n"
	docs, ds := sigma.Parse("rules.yaml", []byte(rules))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	own := fstest.MapFS{"fixtures.yaml": {Data: []byte("rulewright-fixtures: 1\ndocument: |\n  " + strings.ReplaceAll(strings.Split(rules, "---\n")[0], "\n", "\n  ") +
		"\ncases:\n  - {name: one, expect: match, events: [{event: {Type: SigninLogs, ResultType: '0'}}]}\n")}}
	fixtures, ds := conformance.Load(own, conformance.LoadOptions{})
	if ds.HasErrors() || len(fixtures) != 1 {
		t.Fatal(ds, fixtures)
	}
	list := &coverage.List{Guides: []coverage.Guide{{ID: "g"}}, Items: []*coverage.Item{{ID: "g/one", Guide: "g"}, {ID: "g/two", Guide: "g"}}}
	r, _ := coverage.New(list, coverage.Options{Documents: docs, Fixtures: fixtures})
	for n, want := range []int{1, 0, 0} {
		if got := r.Rules[n].Fixtures.Match; got != want {
			t.Errorf("%s: %d cases instead of %d", r.Rules[n].Title, got, want)
		}
	}
	h, err := r.ParseHave([]string{"AuditLogs"})
	if err != nil {
		t.Fatal(err)
	}
	r.SetHave(h)
	items := map[string][]string{} // by the table that is gained
	for _, g := range r.Gains {
		if g.Kind == "table" {
			items[g.Name+" for "+strings.Join(g.Rules, ", ")] = g.Items
		}
	}
	for gain, want := range map[string][]string{"SigninLogs for Sign-in": {}, "AADUserRiskEvents for Risk": {"g/two"}} {
		if got, ok := items[gain]; !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %v instead of %v", gain, got, want)
		}
	}
	data, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="rule-n0"`, `href="#rule-n1"`, `data-rules="n0 n1"`, `data-rules="n2"`} {
		if strings.Count(string(data), want) == 0 {
			t.Errorf("no %s on the page", want)
		}
	}
}

// The page must lead somewhere with every link, load nothing, and have each id
// once.
func TestPage(t *testing.T) {
	data, err := packReport(t).HTML()
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	links := 0
	for _, m := range regexp.MustCompile(` href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		links++
		if id, ok := strings.CutPrefix(m[1], "#"); ok && !ids[id] || !ok && !strings.HasPrefix(m[1], "https://") {
			t.Errorf("the link %s leads nowhere", m[1])
		}
	}
	if links < 2000 {
		t.Errorf("%d links", links)
	}
	for _, bad := range []string{" src=", "@import", "url(", "<link", "ZgotmplZ", "fetch(", "&lt;no value"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
}

// TestPagesAreOfThePack is for whole runs: whoever works on rules makes the pages
// anew once, at the end.
func TestPagesAreOfThePack(t *testing.T) {
	if testing.Short() {
		t.Skip("the pages are compared without -short")
	}
	dir := filepath.Join("..", "..", "docs", "coverage")
	for _, p := range packReport(t).Markdown() {
		file := filepath.Join(dir, p.Name)
		if golden.Updating() {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, p.Data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(file)
		if err != nil || string(data) != string(p.Data) {
			t.Errorf("docs/coverage/%s is not what the rules and fixtures say: run `go run ./cmd/rulewright coverage --format markdown --out docs/coverage`", p.Name)
		}
	}
}
