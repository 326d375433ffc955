package compiler_test

import (
	"fmt"
	"log"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// A correlation over a stream of events: five failed sign-ins to different
// accounts from one address within ten minutes. Events may be two minutes late.
func ExampleStream() {
	docs, problems := sigma.Parse("spray.yaml", []byte(sprayYAML))
	set, found := compiler.NewRuleSet(docs, compiler.RuleSetOptions{})
	if problems = append(problems, found...); problems.HasErrors() {
		log.Fatal(problems)
	}
	stream := compiler.NewStream(set, compiler.StreamOptions{Lateness: 2 * time.Minute})
	show := func(hits []*compiler.Hit) {
		for _, hit := range hits {
			fmt.Println(hit.Time().Format(time.RFC3339), hit.Rule.Title, hit.Group[0].Value, hit.Value)
			for _, c := range hit.Contributing {
				fmt.Println(" ", c.Time.Format(time.TimeOnly), c.Rule.Title, c.EventID)
			}
		}
	}
	for i, user := range []string{"ann", "bo", "cy", "bo", "di", "ed", "flo"} {
		hits, err := stream.Push(map[string]any{"Type": "SigninLogs", "Id": fmt.Sprint("event-", i), "TimeGenerated": fmt.Sprintf("2026-03-02T09:0%d:00Z", i),
			"ResultType": "50126", "IPAddress": "203.0.113.77", "UserPrincipalName": user + "@contoso.com"})
		if err != nil {
			log.Fatal(err)
		}
		show(hits)
	}
	show(stream.Close())
	// Output:
	// 2026-03-02T09:05:00Z Password spray 203.0.113.77 5
	//   09:00:00 Failed sign-in event-0
	//   09:01:00 Failed sign-in event-1
	//   09:02:00 Failed sign-in event-2
	//   09:03:00 Failed sign-in event-3
	//   09:04:00 Failed sign-in event-4
	//   09:05:00 Failed sign-in event-5
}

const sprayYAML = `
title: Password spray
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b01
correlation:
  type: value_count
  rules: [failed-sign-in]
  group-by: [IPAddress]
  timespan: 10m
  condition: {field: UserPrincipalName, gte: 5}
---
title: Failed sign-in
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b02
name: failed-sign-in
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 50126}
  condition: selection
`
