package rules_test

import (
	"fmt"
	"io/fs"

	"github.com/rulewright/rulewright/rules"
)

// The folders of the pack are the guides that it has rules for.
func Example() {
	entries, err := fs.ReadDir(rules.FS, ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Println(e.Name(), e.IsDir())
	}
	// Output:
	// coverage.yaml false
	// entra-apps true
	// parameters.yaml false
}
