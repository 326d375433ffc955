package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/rules"
)

// What new writes passes check and test as it stands.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, args := range [][]string{
		{"new", "--title", "Mail: it's forwarded", "mine"},
		{"new", "--title", "A strange sign-in", "--service", "signinlogs", "--author", "O'Neil", "--level", "high", "--tier", "hunt", "mine"},
		{"new", "--title", "A process", "--product", "windows", "--service", "", "--category", "process_creation", "mine"},
	} {
		if code, out, errs := rulewrightHere(t, "", args...); code != 0 || !strings.Contains(out, "next: rulewright check mine") {
			t.Fatalf("%v: exit %d: %s%s", args, code, out, errs)
		}
	}
	if code, out, errs := rulewrightHere(t, "", "check", "mine"); code != 0 || out != "6 files, 3 rules, 0 errors, 0 warnings\n" {
		t.Errorf("check: exit %d: %s%s", code, out, errs)
	}
	if code, out, errs := rulewrightHere(t, "", "test", "mine"); code != 0 || !strings.Contains(out, " 0 failed, 0 skipped") {
		t.Errorf("test: exit %d: %s%s", code, out, errs)
	}
	if code, _, errs := rulewrightHere(t, "", "new", "--title", "Mail: it's forwarded", "mine"); code != 2 || !strings.Contains(errs, "is there already") {
		t.Errorf("again: exit %d: %s", code, errs)
	}
	for _, args := range [][]string{{"new"}, {"new", "--title", "???"}, {"new", "--title", "a\nb"}, {"new", "--title", "a", "x", "y"}, {"new", "--title", "a", "--level", "x"}} {
		if code, _, _ := rulewrightHere(t, "", args...); code != 2 {
			t.Errorf("%q: exit %d", args, code)
		}
	}
}

// In a folder of the pack new writes all that the pack's tests ask of a rule.
func TestNewInThePack(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, folder := range []string{"rules/entra-users", "conformance/fixtures/entra-users", "rules/entra-apps", "conformance/fixtures/entra-apps"} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{rules.Coverage, rules.Catalogue} {
		data, err := fs.ReadFile(rules.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("rules", name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ args, err string }{
		{"", "name it with --covers"},
		{"--covers guest-invited-by-unaproved-actor", "has no item"},
		{"--covers entra-users/privileged-accounts-not-registered-for-mfa", "has a technique of ATT&CK"},
	} {
		args := append([]string{"new", "--title", "Alert on x"}, strings.Fields(c.args)...)
		if code, _, errs := rulewrightHere(t, "", append(args, "rules/entra-users")...); code != 2 || !strings.Contains(errs, c.err) {
			t.Errorf("%q: exit %d: %s", c.args, code, errs)
		}
	}
	for title, more := range map[string]string{"Alert on a new account": "", "Report a sign-in to the portal": " --service signinlogs --tier report", "Report x": " --service x"} {
		args := append([]string{"new", "--title", title}, strings.Fields("--covers privileged-accounts-not-registered-for-mfa --tag attack.initial-access,attack.t1078.004"+more)...)
		if code, out, errs := rulewrightHere(t, "", append(args, "rules/entra-users")...); code != 0 || !strings.Contains(out, "next: ") {
			t.Fatalf("%s: exit %d: %s%s", title, code, out, errs)
		}
	}
	_, help, _ := rulewrightHere(t, "", "new", "--help")
	for line := range strings.Lines(help) {
		if item, ok := strings.CutPrefix(line, `  rulewright new --title "Alert on a new owner" `); ok {
			args := append([]string{"new", "--title", "Alert on a new owner"}, strings.Fields(item)...)
			if code, _, errs := rulewrightHere(t, "", args...); code != 0 {
				t.Errorf("%s: exit %d: %s", line, code, errs)
			}
			help = ""
		}
	}
	if help != "" {
		t.Error("the help has no example for the pack")
	}
	if code, out, errs := rulewrightHere(t, "", "check", "."); code != 0 || !strings.Contains(out, "4 rules, 0 errors, 0 warnings\n") {
		t.Errorf("check: exit %d: %s%s", code, out, errs)
	}
	fixtures, ds := conformance.Load(os.DirFS("."), conformance.LoadOptions{})
	if ds.HasErrors() || len(fixtures) != 4 {
		t.Fatal(ds, len(fixtures))
	}
	for _, f := range fixtures {
		m := &f.Rule().Meta
		item, severity, tag := "entra-users/privileged-accounts-not-registered-for-mfa", "high", "attack.t1078.004"
		if m.Title == "Alert on a new owner" {
			item, severity, tag = "entra-apps/application-ownership-change", "medium", "attack.t1098"
		}
		if m.Version == "" || m.Description == "" || m.Tier == "" || m.GuideSeverity != severity || len(m.Requires) == 0 || len(m.Entities) == 0 || len(m.References) == 0 || len(m.FalsePositives) == 0 ||
			!slices.Equal(m.Coverage, []string{item}) || !slices.Contains(m.Tags, tag) {
			t.Errorf("%s lacks something: %+v", f.Rule().File, m)
		}
		if tr := m.Triage; tr == nil || tr.TruePositive == "" || tr.Benign == "" || tr.FalsePositive == "" || len(tr.Actions) == 0 || tr.Scope == "" {
			t.Errorf("%s: triage has gaps", f.Rule().File)
		}
		forms := map[event.Form]bool{}
		for _, c := range f.Cases {
			for _, e := range c.Events {
				forms[e.Form] = true
			}
		}
		if len(forms) < 2 && m.Title != "Report x" {
			t.Errorf("%s: events in %d form", f.File, len(forms))
		}
	}
	if code, out, errs := rulewrightHere(t, "", "test", "."); code != 0 || !strings.Contains(out, " 0 failed, 0 skipped") {
		t.Errorf("test: exit %d: %s%s", code, out, errs)
	}
	mutations, err := conformance.Mutate(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		for _, x := range m.Survivors {
			t.Errorf("%s: no case notices: %s", m.File, x.Description)
		}
	}
}
