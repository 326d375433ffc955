// Package packtest loads the rule pack for tests. Tests alone use it.
package packtest

import (
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/rules"
)

// Load returns the pack with the profile that a file holds; without one, where
// data is nil, every parameter has its default.
func Load(t testing.TB, file string, data []byte) *compiler.RuleSet {
	t.Helper()
	var opts compiler.RuleSetOptions
	if data != nil {
		profile, ds := compiler.ParseProfile(file, data)
		for _, d := range ds {
			t.Error(d)
		}
		opts.Profile = profile
	}
	set, ds := compiler.Load(rules.FS, opts)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return set
}
