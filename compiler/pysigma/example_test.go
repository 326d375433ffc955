package pysigma_test

import (
	"fmt"

	"github.com/rulewright/rulewright/compiler/pysigma"
	"github.com/rulewright/rulewright/sigma"
)

func Example() {
	pipeline, ds := pysigma.Parse("proxy.yml", []byte(`
name: proxy fields
priority: 20
transformations:
  - id: names
    type: field_name_mapping
    mapping:
      c-uri: url
      cs-host: [domain, dest]
    rule_conditions:
      - {type: logsource, category: proxy}
  - type: add_condition
    conditions: {kind: web}
    rule_conditions:
      - {type: processing_item_applied, processing_item_id: names}
`))
	if ds.HasErrors() {
		panic(ds)
	}
	docs, ds := sigma.Parse("rule.yml", []byte(`
title: Download from there
logsource: {category: proxy}
detection:
  sel:
    cs-host|endswith: .example.org
    c-uri|contains: download
  condition: sel
`))
	if ds.HasErrors() {
		panic(ds)
	}
	rewritten, ds := pipeline.Apply(docs[0])
	if ds.HasErrors() {
		panic(ds)
	}
	text, err := sigma.Write(rewritten) // or compiler.Lower
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s", text)
	// Output:
	// title: Download from there
	// logsource:
	//     category: proxy
	// detection:
	//     sel:
	//         - domain|endswith: '.example.org'
	//           url|contains: 'download'
	//         - dest|endswith: '.example.org'
	//           url|contains: 'download'
	//     _cond:
	//         kind: 'web'
	//     condition: _cond and (sel)
}
