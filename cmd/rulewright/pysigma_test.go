package main

import (
	"strings"
	"testing"
)

func TestPySigma(t *testing.T) {
	const event = `{"dest": "www.example.org", "url": "/download/x"}`
	for _, c := range []struct {
		name, args, stdin string
		code              int
		out, err          []string
	}{
		{"compile", "compile --to cel --pipeline pysigma/names.yml --pipeline pysigma/first.yml pysigma/rules", "", 1,
			[]string{`event.endsWithAny("domain", [".example.org"]) && event.containsAny("url", ["download"]) || event.endsWithAny("dest", [".example.org"])`},
			[]string{"refused: pysigma/rules/download.yml:24:5: the pipeline refuses this: users are hashed here; detection_item_failure (pysigma/names.yml:7:5) [unsupported]"}},
		{"check", "check --pipeline pysigma/names.yml --pipeline pysigma/first.yml pysigma/rules", "", 1,
			[]string{"  24 |     cs-username: eve\n", "detection_item_failure (pysigma/names.yml:7:5)", "1 files, 2 rules, 1 errors, 0 warnings"}, nil},
		{"match", "match --any-source --rules pysigma/rules --pipeline pysigma/names.yml --pipeline pysigma/first.yml -", event, 0,
			[]string{"Download from there"}, []string{"users are hashed here"}},
		{"with a pipeline of our own", "check --pipeline pysigma/names.yml --pipeline sentinel --id 7a0f4f0f-8f5e-4c5f-9a53-0f1de1f2a922 rules", "", 0,
			[]string{"0 errors"}, nil},
		{"KQL for the standard pipeline", "compile --to kql --pipeline pysigma/names.yml --set approved_admins=admin@contoso.com rules", "", 0,
			[]string{"AuditLogs\n| where "}, nil},
		{"what cannot be run", "check --pipeline pysigma/refused.yml rules", "", 2, nil,
			[]string{"pysigma/refused.yml:3:5: the step concat of finalizers changes the text of queries [unsupported]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, err := rulewright(t, c.stdin, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, w := range c.out {
				if !strings.Contains(out, w) {
					t.Errorf("stdout lacks %q", w)
				}
			}
			for _, w := range c.err {
				if !strings.Contains(err, w) {
					t.Errorf("stderr lacks %q", w)
				}
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", out, err)
			}
		})
	}
}
