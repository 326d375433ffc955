package compiler

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/schema/schematest"
)

// A schema takes what the parser takes, key by key, and refuses other keys.
func TestSettingsSchemas(t *testing.T) {
	for _, c := range []struct {
		name    string
		schema  func() ([]byte, error)
		parse   func(string, []byte) sigma.Diagnostics
		good    string
		bad     []string
		parsers string // keys that the good text must have shown
	}{
		{"profile", ProfileSchema, func(f string, b []byte) sigma.Diagnostics { _, ds := ParseProfile(f, b); return ds }, `rulewright-profile: 1
parameters:
  approved_admins: [admin@contoso.com, 3]
  business_hours: Mon-Fri 08:00-18:00 Europe/Berlin
  max_days: 30
  on: true
  none:
  vip_users: {watchlist: VIPUsers}
`, []string{"rulewright-profile: 1\nparameter: {}\n", "rulewright-profile: 2\n", "rulewright-profile: 1\nparameters: {a: {list: b}}\n"}, "rulewright-profile parameters watchlist"},
		{"overrides", OverridesSchema, func(f string, b []byte) sigma.Diagnostics { _, ds := ParseOverrides(f, b); return ds }, `rulewright-overrides: 1
overrides:
  - rule: 6d0b1b0e-5c1f-4f43-9d0a-2f6f0a3f1c11
    level: low
    tier: report
    enabled: true
    thresholds: {gte: 5}
    filter:
      automation:
        InitiatedBy.app.displayName: Nightly rotation
      condition: not automation
  - rule: [a, b]
    tag: [attack.t1528]
    enabled: false
`, []string{"rulewright-overrides: 1\noverride: []\n", "rulewright-overrides: 1\noverrides: [{rule: a, levels: low}]\n", "rulewright-overrides: 1\noverrides: [{rule: a, level: lowish}]\n"}, "rule tag enabled level tier thresholds filter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := c.schema()
			if err != nil {
				t.Fatal(err)
			}
			checker, err := schematest.New(s)
			if err != nil {
				t.Fatal(err)
			}
			if ds := c.parse("x", []byte(c.good)); ds.HasErrors() {
				t.Error(ds)
			}
			if err := checker.Check([]byte(c.good)); err != nil {
				t.Error(err)
			}
			for _, k := range strings.Fields(c.parsers) {
				if !strings.Contains(c.good, k+":") {
					t.Errorf("the example lacks %s", k)
				}
			}
			for _, bad := range c.bad {
				if ds := c.parse("x", []byte(bad)); !ds.HasErrors() {
					t.Errorf("the parser takes %q", bad)
				}
				if checker.Check([]byte(bad)) == nil {
					t.Errorf("the schema takes %q", bad)
				}
			}
		})
	}
}
