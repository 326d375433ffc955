package sigma_test

import (
	"fmt"

	"github.com/rulewright/rulewright/sigma"
)

func ExampleWrite() {
	docs, findings := sigma.Parse("role.yaml", []byte(`
detection: {selection: {OperationName: "Add member to role", Result: success}, condition: selection}
logsource: {service: auditlogs, product: azure}
level: high
title: Member added to a role
`))
	if findings.HasErrors() {
		fmt.Println(findings)
		return
	}
	text, err := sigma.Write(docs...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(text))
	// Output:
	// title: Member added to a role
	// logsource:
	//     product: azure
	//     service: auditlogs
	// detection:
	//     selection:
	//         OperationName: 'Add member to role'
	//         Result: 'success'
	//     condition: selection
	// level: high
}
