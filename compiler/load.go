package compiler

import (
	"io/fs"
	"slices"

	"github.com/rulewright/rulewright/sigma"
)

// Load reads the rules, filters and parameter catalogues of a file system (see
// sigma.ParseFS) and makes a RuleSet of them, as NewRuleSet does. The findings
// are those of reading and of loading.
func Load(fsys fs.FS, opts RuleSetOptions) (*RuleSet, sigma.Diagnostics) {
	files, found := sigma.ParseFS(fsys)
	opts.Catalogue = append(slices.Clip(opts.Catalogue), files.Parameters...)
	set, ds := NewRuleSet(files.Documents, opts)
	found = append(found, ds...)
	found.Sort()
	return set, found
}
