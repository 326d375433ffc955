package sentinel_test

import (
	"fmt"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

func Example() {
	docs, ds := sigma.Parse("consent.yml", []byte(`
title: Consent to an application
id: 0f1d0a9e-6b2c-4d57-9d0e-1c2b3a4f5e6d
date: 2026-11-22
level: high
tags: [attack.credential-access, attack.t1528]
logsource: {product: azure, service: auditlogs}
detection:
  sel: {OperationName: Consent to application}
  condition: sel
`))
	if ds.HasErrors() {
		panic(ds)
	}
	format := sentinel.YAML
	pipeline, err := compiler.BuiltinPipeline(format.Pipeline())
	if err != nil {
		panic(err)
	}
	rules, ds := compiler.Lower(docs[0], compiler.Options{Pipeline: pipeline, Ask: format.Asks(), Watchlists: format.ReadsWatchlists()})
	if ds.HasErrors() {
		panic(ds)
	}
	set, ds := sentinel.Export(format, []sentinel.Input{{Document: docs[0], Rules: rules}}, sentinel.Options{Print: backends.KQL})
	if ds.HasErrors() {
		panic(ds)
	}
	for _, f := range set.Files {
		fmt.Println(f.Name)
	}
	fmt.Println(len(sentinel.Validate(format, set.Files)), "findings")
	e := set.Manifest.Entries[0]
	fmt.Println(e.Kind, e.Title, e.Version)
	// Output:
	// consent-to-an-application.yaml
	// 0 findings
	// rule Consent to an application 2026.11.22
}
