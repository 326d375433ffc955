package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExport follows a folder through several exports.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	rule := filepath.Join(dir, "rule.yaml")
	write := func(version, operation string) {
		t.Helper()
		text := "rulewright: 1\ntitle: One\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: " + version + "\nlevel: high\ntier: alert\n" +
			"logsource: {product: azure, service: auditlogs}\ndetection:\n  s:\n    OperationName: " + operation + "\n  condition: s\n"
		if err := os.WriteFile(rule, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	export := func(code int, want ...string) {
		t.Helper()
		got, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-yaml", "--out", out, rule)
		for _, w := range want {
			if !strings.Contains(stdout+stderr, w) {
				t.Errorf("%q is missing in\n%s%s", w, stdout, stderr)
			}
		}
		if got != code {
			t.Errorf("exit code %d\n%s%s", got, stdout, stderr)
		}
	}
	files := func(want int) {
		t.Helper()
		entries, err := os.ReadDir(out)
		if err != nil || len(entries) != want {
			t.Errorf("%v, %v", entries, err)
		}
	}
	write("1.0.0", "Add user")
	export(0, "added    rule One (1.0.0)", "1 added, 0 changed, 0 retired, 0 unchanged")
	export(0, "0 added, 0 changed, 0 retired, 1 unchanged")
	write("1.0.0", "Delete user")
	export(1, "its version did not", "nothing was written")
	write("1.1.0", "Delete user")
	export(0, "changed  rule One (1.1.0): version 1.0.0 to 1.1.0, meaning")
	files(2)
	data, err := os.ReadFile(rule)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.NewReplacer("16a9", "26a9", "title: One", "title: Two").Replace(string(data))
	if err := os.WriteFile(rule, []byte(other), 0o666); err != nil {
		t.Fatal(err)
	}
	export(0, "added    rule Two", "retired  rule One")
	files(2)
	if err := os.WriteFile(filepath.Join(out, "two.yaml"), []byte("edited"), 0o666); err != nil {
		t.Fatal(err)
	}
	write("1.1.0", "Delete user")
	export(0, "two.yaml was edited", "retired  rule Two")
	files(3)
	for _, c := range []struct{ args, err string }{
		{"export", "--to takes"}, {"export --to bicep", "--out is missing"}, {"export --to bisep --out x", "did you mean bicep?"}, {"export --to bicep --out x --every 30s", "--every takes"},
	} {
		if code, _, stderr := rulewrightHere(t, "", strings.Fields(c.args)...); code != exitError || !strings.Contains(stderr, c.err) {
			t.Errorf("%s: %d %s", c.args, code, stderr)
		}
	}
}

// A correlation reads those of its tables that the tenant has and says which not;
// where too few are left it goes, and the rules that only feed it go with it.
func TestExportHaveOfCorrelations(t *testing.T) {
	out := t.TempDir()
	code, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-yaml", "--have", "SigninLogs,OfficeActivity", "--out", out, filepath.Join("testdata", "coverage", "replay.yaml"))
	if code != exitOK {
		t.Fatal(stdout, stderr)
	}
	for _, want := range []string{"1 rule without AADNonInteractiveUserSignInLogs", "left out 1: you do not have AADUserRiskEvents", "1 added",
		"1 of 2 rules exported, 1 left out; 2 that only feed correlations are part of these\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	data, err := os.ReadFile(filepath.Join(out, "files-after-a-failed-sign-in.yaml"))
	if err != nil || strings.Contains(string(data), "AADNonInteractiveUserSignInLogs") || !strings.Contains(string(data), "SigninLogs") || !strings.Contains(string(data), "OfficeActivity") {
		t.Errorf("%v\n%s", err, data)
	}
}

// What a correlation refers to is part of its meaning however it is named: where
// that changes, the version has to rise.
func TestExportVersionOfReferred(t *testing.T) {
	const id = "aaaaaaaa-2222-4333-8444-5555555555aa"
	for _, ref := range []string{id, strings.ToUpper(id), "failed"} {
		dir := t.TempDir()
		export := func(result string) (int, string) {
			text := "title: Failed sign-in\nname: failed\nid: " + id + "\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  failed: {ResultType: " + result + "}\n  condition: failed\n---\n" +
				"title: Ten failed sign-ins\nid: bbbbbbbb-2222-4333-8444-5555555555bb\nlevel: medium\n" +
				"correlation: {type: event_count, rules: [" + ref + "], group-by: [UserPrincipalName], timespan: 10m, condition: {gte: 10}}\n"
			rule := filepath.Join(dir, "rule.yaml")
			if err := os.WriteFile(rule, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-yaml", "--out", filepath.Join(dir, "out"), rule)
			return code, stdout + stderr
		}
		if code, told := export("50126"); code != exitOK || !strings.Contains(told, "1 of 1 rule exported") {
			t.Errorf("%s: %d\n%s", ref, code, told)
		}
		if code, told := export("50053"); code != exitNo || !strings.Contains(told, "its version did not") || !strings.Contains(told, "nothing was written") {
			t.Errorf("%s: %d\n%s", ref, code, told)
		}
	}
}

// TestParamsOfReferred: a correlation uses the parameters of what it refers to,
// however it names that.
func TestParamsOfReferred(t *testing.T) {
	const id = "aaaaaaaa-2222-4333-8444-5555555555aa"
	for _, ref := range []string{id, strings.ToUpper(id), "failed"} {
		rule := filepath.Join(t.TempDir(), "rule.yaml")
		text := "rulewright: 1\ntitle: Failed sign-in\nname: failed\nid: " + id + "\nparameters: [approved_admins]\nlogsource: {product: azure, service: signinlogs}\n" +
			"detection:\n  failed: {ResultType: 50126}\n  approved: {UserPrincipalName|expand: '%approved_admins%'}\n  condition: failed and not approved\n---\n" +
			"title: Ten failed sign-ins\nid: bbbbbbbb-2222-4333-8444-5555555555bb\nlevel: medium\n" +
			"correlation: {type: event_count, rules: [" + ref + "], group-by: [UserPrincipalName], timespan: 10m, condition: {gte: 10}}\n---\n" +
			"title: Twenty failed sign-ins\nid: bbbbbbbb-2222-4333-8444-5555555555bc\nlevel: medium\n" +
			"correlation: {type: event_count, rules: [failed], group-by: [UserPrincipalName], timespan: 10m, condition: {gte: 20}}\n"
		if err := os.WriteFile(rule, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := rulewrightHere(t, "", "params", rule); code != exitOK || !strings.Contains(stdout, "Used by 2 rules.") {
			t.Errorf("%s: %d\n%s%s", ref, code, stdout, stderr)
		}
	}
}

// TestCountsOfFeeders: rules, match, params and export agree on which rules have
// hits of their own, however correlations name them and whatever is chosen.
func TestCountsOfFeeders(t *testing.T) {
	const id = "aaaaaaaa-2222-4333-8444-5555555555aa"
	base := "title: Failure\nname: failure\nid: " + id + "\nlevel: low\nlogsource: {product: azure, service: signinlogs}\n" +
		"detection:\n  failed: {ResultType: 50126}\n  condition: failed\n"
	n := 0
	correlation := func(ref, more string) string {
		n++
		return fmt.Sprintf("---\ntitle: Correlation %d\nid: aaaaaaaa-2222-4333-8444-5555555555%02d\nlevel: high\n"+
			"correlation: {type: event_count, rules: [%s], group-by: [UserPrincipalName], timespan: 10m, condition: {gte: 5}%s}\n", n, n, ref, more)
	}
	const generate = ", generate: true"
	event := `{"Type":"SigninLogs","TimeGenerated":"2026-03-02T10:00:00Z","ResultType":"50126","UserPrincipalName":"ann@contoso.com"}`
	for _, c := range []struct {
		name, rules, flags string
		count              int
		own                bool // the failure has hits
	}{
		{"one by id", base + correlation(id, ""), "", 1, false},
		{"one by id in capitals", base + correlation(strings.ToUpper(id), ""), "", 1, false},
		{"by id generating, by name not", base + correlation(id, generate) + correlation("failure", ""), "", 3, true},
		{"by name generating, by id in capitals not", base + correlation("failure", generate) + correlation(strings.ToUpper(id), ""), "", 3, true},
		{"the rule alone is chosen", base + correlation("failure", ""), "--id failure", 1, true},
		{"the correlation alone is chosen", base + correlation("failure", ""), "--level high", 1, false},
	} {
		dir := t.TempDir()
		rules, profile := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "tenant.yaml")
		for name, text := range map[string]string{rules: c.rules, profile: "rulewright-profile: 1\nparameters: {}\n"} {
			if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		flags := strings.Fields(c.flags)
		for _, x := range []struct {
			want string
			args []string
		}{
			{"", append([]string{"rules"}, append(flags, rules)...)},
			{fmt.Sprintf("%d of %s can run", c.count, plural(c.count, "rule")), append([]string{"params", "--profile", profile}, append(flags, rules)...)},
			{fmt.Sprintf("%s ran", plural(c.count, "rule")), append([]string{"match", "--rules", rules}, append(flags, "-")...)},
			{fmt.Sprintf("%d of %s exported, 0 left out", c.count, plural(c.count, "rule")), append([]string{"export", "--to", "sentinel-yaml", "--out", filepath.Join(dir, "out")}, append(flags, rules)...)},
		} {
			_, stdout, stderr := rulewrightHere(t, event+"\n", x.args...)
			if !strings.Contains(stdout+stderr, x.want) {
				t.Errorf("%s: %s: no %q in\n%s%s", c.name, x.args[0], x.want, stdout, stderr)
			}
			switch x.args[0] {
			case "rules":
				if got := strings.Count(stdout, "aaaaaaaa-2222-"); got != c.count || strings.Contains(stdout, "Failure") != c.own {
					t.Errorf("%s: %d rules\n%s", c.name, got, stdout)
				}
			case "match":
				if strings.Contains(stdout, "Failure") != c.own {
					t.Errorf("%s: hits\n%s", c.name, stdout)
				}
			}
		}
	}
}

// Rules over tables that a tenant does not have are not exported, and the reason
// is what it would have to buy.
func TestExportHave(t *testing.T) {
	rule := filepath.Join("testdata", "coverage", "secret.yaml")
	for have, want := range map[string]string{
		"entra-free": "1 added, 0 changed", "AuditLogs": "1 added, 0 changed",
		"azure": "left out 1: you do not have Entra ID Free", "SigninLogs": "0 added, 0 changed",
	} {
		code, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-hunting-yaml", "--have", have, "--out", filepath.Join(t.TempDir(), "out"), rule)
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("--have %s: %d\n%s%s", have, code, stdout, stderr)
		}
	}
	if code, _, stderr := rulewrightHere(t, "", "export", "--to", "bicep", "--have", "e4", "--out", t.TempDir(), rule); code != exitError || !strings.Contains(stderr, "no table and no plan") {
		t.Errorf("%d %s", code, stderr)
	}
}

// What a plan brings does not depend on the other rules of the folder.
func TestExportHaveOfOwnRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	export := func(want ...string) {
		t.Helper()
		code, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-yaml", "--have", "e3", "--out", out, dir)
		for _, w := range want {
			if !strings.Contains(stdout, w) {
				t.Errorf("no %q in\n%s%s", w, stdout, stderr)
			}
		}
		if code != exitOK || strings.Contains(stdout, "rule A sign-in: delete") {
			t.Errorf("exit %d\n%s%s", code, stdout, stderr)
		}
	}
	write("1.yaml", signIn("A sign-in", "11111111-2222-4333-8444-5555555555c1"))
	write("2.yaml", risk("B risk", "11111111-2222-4333-8444-5555555555c2"))
	export("added    rule A sign-in", "left out 1: you do not have AADUserRiskEvents\n", "1 of 2 rules exported, 1 left out\n")
	write("3.yaml", "rulewright: 1\nrequires: [{table: SigninLogs, licence: Entra ID P1}]\n"+signIn("C sign-in", "11111111-2222-4333-8444-5555555555c3"))
	export("added    rule C sign-in", "1 unchanged", "2 of 3 rules exported, 1 left out\n")
	if err := os.Remove(filepath.Join(dir, "3.yaml")); err != nil {
		t.Fatal(err)
	}
	export("retired  rule C sign-in", "1 unchanged", "1 of 2 rules exported, 1 left out\n")
}

// Rules need no id: each is exported, left out and counted for itself.
func TestExportWithoutIDs(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		args  string
		want  []string
	}{
		{"the first has its table", []string{signIn("A sign-in", ""), risk("B risk", "")}, "--have SigninLogs",
			[]string{"added    rule A sign-in", "left out 1: you do not have AADUserRiskEvents\n", "1 of 2 rules exported, 1 left out\n"}},
		{"the second has its table", []string{risk("B risk", ""), signIn("A sign-in", "")}, "--have SigninLogs",
			[]string{"added    rule A sign-in", "left out 1: you do not have AADUserRiskEvents\n", "1 of 2 rules exported, 1 left out\n"}},
		{"in one file", []string{risk("B risk", "") + "---\n" + signIn("A sign-in", "") + "---\n" + signIn("C sign-in", "")}, "--have SigninLogs",
			[]string{"added    rule A sign-in", "added    rule C sign-in", "2 of 3 rules exported, 1 left out\n"}},
		{"with all tables", []string{signIn("A sign-in", ""), risk("B risk", "")}, "", []string{"2 of 2 rules exported, 0 left out\n"}},
		{"a feeder alone", []string{ownRules}, "--id fails", []string{"added    rule Fails", "1 of 1 rule exported, 0 left out\n"}},
	} {
		dir := t.TempDir()
		for i, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".yaml"), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		args := append(strings.Fields("export --to sentinel-yaml --out "+filepath.Join(dir, "out")+" "+c.args), dir)
		code, stdout, stderr := rulewrightHere(t, "", args...)
		for _, w := range c.want {
			if code != exitOK || !strings.Contains(stdout, w) {
				t.Errorf("%s: exit %d, no %q in\n%s%s", c.name, code, w, stdout, stderr)
			}
		}
	}
}

// signIn and risk are plain rules, without an id where it is empty.
func signIn(title, id string) string {
	return "title: " + title + "\n" + idLine(id) + "level: medium\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s: {ResultType: 50126}\n  condition: s\n"
}

func risk(title, id string) string {
	return "title: " + title + "\n" + idLine(id) + "level: medium\nlogsource: {product: azure, service: riskdetection}\ndetection:\n  s: {RiskEventType: anonymizedIPAddress}\n  condition: s\n"
}

func idLine(id string) string {
	if id == "" {
		return ""
	}
	return "id: " + id + "\n"
}

// A pipeline of the caller's, one of pySigma's included, changes the queries and
// no rule: no version has to rise for it.
func TestExportPipeline(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	rule := file("rule.yml", "title: One\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nlevel: high\ndate: 2026-01-02\nlogsource: {product: azure, service: signinlogs}\n"+
		"detection:\n  s:\n    who: ann\n  condition: s\n")
	out := filepath.Join(dir, "out")
	pysigma := func(column string) string {
		return file("names.yml", "name: names\npriority: 10\ntransformations:\n  - {id: who, type: field_name_mapping, mapping: {who: "+column+"}}\n")
	}
	for _, c := range []struct{ column, want string }{{"UserPrincipalName", "1 added, 0 changed"}, {"AppId", "changed  rule One (2026.1.2): text"}} {
		code, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-yaml", "--pipeline", pysigma(c.column), "--out", out, rule)
		data, _ := os.ReadFile(filepath.Join(out, "one.yaml"))
		if code != exitOK || !strings.Contains(stdout, c.want) || !strings.Contains(string(data), c.column+` =~ "ann"`) {
			t.Errorf("%d\n%s%s%s", code, stdout, stderr, data)
		}
	}
	ours := file("ours.yaml", "rulewright-pipeline: 1\nname: ours\naliases: {who: AppId}\n")
	code, stdout, stderr := rulewrightHere(t, "", "export", "--to", "sentinel-yaml", "--pipeline", "sentinel", "--pipeline", ours, "--out", out, rule)
	if code != exitOK || !strings.Contains(stdout, "1 unchanged") {
		t.Errorf("%d\n%s%s", code, stdout, stderr)
	}
	for _, c := range []struct{ format, pipeline, err string }{
		{"bicep", "azure-diagnostic", "the pipeline azure-diagnostic is for events, not for queries"},
		{"bicep", "defender", "the pipeline defender is not for bicep, which reads the tables of sentinel"},
		{"defender-xdr", "sentinel", "the pipeline sentinel is not for defender-xdr"},
		{"bicep", "sentinell", `did you mean`},
	} {
		if code, _, stderr := rulewrightHere(t, "", "export", "--to", c.format, "--pipeline", c.pipeline, "--out", out, rule); code != exitError || !strings.Contains(stderr, c.err) {
			t.Errorf("%s, %s: %d %s", c.format, c.pipeline, code, stderr)
		}
	}
}

// Input without a rule is bad input.
func TestNoRule(t *testing.T) {
	for args, want := range map[string]string{
		"compile --to kql -":                "there is no rule to compile",
		"compile --to cel --format jsonl -": "there is no rule to compile",
		"export --to bicep --out none -":    "there is no rule to export",
	} {
		for _, stdin := range []string{"", "# nothing\n---\n", "rulewright-parameters: 1\nparameters: []\n"} {
			if code, _, stderr := rulewrightHere(t, stdin, strings.Fields(args)...); code != exitError || !strings.Contains(stderr, want) {
				t.Errorf("%s with %q: %d %s", args, stdin, code, stderr)
			}
		}
	}
}
