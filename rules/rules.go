// Package rules is the embedded rule pack: data and nothing else.
package rules

import "embed"

// FS holds the pack. Each folder is a guide and holds its rules, one file a
// rule; that of a correlation begins with the rules that only feed it.
// parameters.yaml is the catalogue of what an organisation fills in,
// coverage.yaml the list of what the guides ask for, forms.yaml what the forms
// of an event do not show to a rule. All names end in .yaml
// and nothing else is in it. It is read-only and safe for concurrent use.
//
//go:embed parameters.yaml coverage.yaml forms.yaml */*.yaml
var FS embed.FS

// The files of FS that are not rules.
const (
	Catalogue = "parameters.yaml"
	Coverage  = "coverage.yaml"
	Forms     = "forms.yaml"
)
