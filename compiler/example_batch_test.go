package compiler_test

import (
	"context"
	"fmt"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// A batch as Azure Monitor sends it goes through the rules on two goroutines;
// its events are neither copied nor decoded.
func ExampleRuleSet_MatchAll() {
	docs, problems := sigma.Parse("failure.yaml", []byte(`title: Failed sign-in
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b02
logsource: {product: azure, service: signinlogs}
detection:
  selection: {ResultType: 50126}
  condition: selection
`))
	set, more := compiler.NewRuleSet(docs, compiler.RuleSetOptions{})
	if problems = append(problems, more...); problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	batch := []byte(`{"records":[
		{"Type":"SigninLogs","Id":"1","ResultType":"0","UserPrincipalName":"ann@contoso.com"},
		{"Type":"SigninLogs","Id":"2","ResultType":"50126","UserPrincipalName":"bo@contoso.com"}]}`)
	var broken error // the batch is no JSON from some place on
	events := func(yield func(any) bool) {
		for ev, err := range event.Records(batch) {
			if broken = err; err != nil || !yield(ev) {
				return
			}
		}
	}
	err := set.MatchAll(context.Background(), 2, events, func(_ any, hits []compiler.Hit, err error) bool {
		if err != nil {
			fmt.Println("an event:", err)
		}
		for _, h := range hits {
			fmt.Println(h.Rule.Title, h.EventID())
		}
		return true
	})
	fmt.Println(err, broken)
	// Output:
	// Failed sign-in 2
	// <nil> <nil>
}
