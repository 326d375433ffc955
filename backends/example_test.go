package backends_test

import (
	"fmt"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// A rule is lowered for the tables of a pipeline, one ir.Rule for each, and then
// printed.
func ExampleKQL() {
	docs, ds := sigma.Parse("consent.yml", []byte(`
title: Consent to an application, not by the admin
logsource: {product: azure, service: auditlogs}
detection:
  consent: {OperationName: Consent to application}
  admin: {InitiatedBy.user.userPrincipalName: admin@contoso.com}
  condition: consent and not admin
`))
	if ds.HasErrors() {
		panic(ds)
	}
	sentinel, err := compiler.BuiltinPipeline("sentinel")
	if err != nil {
		panic(err)
	}
	rules, ds := compiler.Lower(docs[0], compiler.Options{Pipeline: sentinel})
	if ds.HasErrors() {
		panic(ds)
	}
	for _, r := range rules {
		q, err := backends.KQL(r, backends.Target{})
		if err != nil {
			panic(err)
		}
		fmt.Println(q.Text)
	}
	// Output:
	// AuditLogs
	// | where OperationName =~ "Consent to application"
	// | where not(tostring(InitiatedBy.user.userPrincipalName) =~ "admin@contoso.com")
}

// Without a pipeline a field is a column of its name.
func ExampleSQL() {
	docs, ds := sigma.Parse("denied.yml", []byte(`
title: Access denied, not by the scanner
logsource: {product: shop, service: access}
detection:
  denied: {status: '403'}
  scanner: {agent|startswith: scanner/}
  condition: denied and not scanner
`))
	if ds.HasErrors() {
		panic(ds)
	}
	rules, ds := compiler.Lower(docs[0], compiler.Options{})
	if ds.HasErrors() {
		panic(ds)
	}
	q, err := backends.SQL(rules[0], backends.SQLite, backends.Target{Table: "access_log"})
	if err != nil {
		panic(err)
	}
	fmt.Println(q.Text)
	// Output:
	// SELECT *
	// FROM access_log
	// WHERE CAST(status AS TEXT) = '403' AND (CAST(agent AS TEXT) LIKE 'scanner/%') IS NOT TRUE
}
