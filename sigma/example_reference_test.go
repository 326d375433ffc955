package sigma_test

import (
	"fmt"

	"github.com/rulewright/rulewright/sigma"
)

// What a correlation, a filter or an override refers to is found by id, in any
// case, or by name.
func ExampleReferences() {
	docs, _ := sigma.Parse("sign-ins.yaml", []byte(`
title: Failed sign-in
name: failed
id: aaaaaaaa-2222-4333-8444-5555555555aa
logsource: {product: azure, service: signinlogs}
detection:
  failed: {ResultType: 50126}
  condition: failed
---
title: Ten failed sign-ins
correlation:
  type: event_count
  rules: [AAAAAAAA-2222-4333-8444-5555555555AA]
  timespan: 10m
  condition: {gte: 10}
`))
	refs := sigma.NewReferences(docs...)
	fmt.Println(refs.First("failed").Meta.Title)
	fmt.Println(refs.First("Failed") == nil)
	for _, d := range refs.Behind(docs[1]) {
		fmt.Println(docs[1].Meta.Title, "count", d.Meta.Title)
	}
	// Output:
	// Failed sign-in
	// true
	// Ten failed sign-ins count Failed sign-in
}
