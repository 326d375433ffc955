package rules_test

import (
	"fmt"
	"io/fs"

	"github.com/rulewright/rulewright/rules"
)

// The folders of the pack are the guides, their files the rules.
func Example() {
	names, err := fs.Glob(rules.FS, "entra-apps/app-owner-*.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range names {
		fmt.Println(name)
	}
	// Output:
	// entra-apps/app-owner-added-by-unapproved-actor.yaml
	// entra-apps/app-owner-added.yaml
}
