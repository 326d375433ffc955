package compiler_test

import (
	"fmt"
	"log"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/rules"
)

// The whole path: the embedded rule pack, a tenant's profile, one raw event.
func Example() {
	profile, problems := compiler.ParseProfile("tenant.yaml", []byte(tenantYAML))
	set, found := compiler.Load(rules.FS, compiler.RuleSetOptions{Options: compiler.Options{Profile: profile}})
	if problems = append(problems, found...); problems.HasErrors() {
		log.Fatal(problems.Errors())
	}
	hits, err := set.Match([]byte(rawEvent))
	if err != nil {
		log.Fatal(err)
	}
	for _, hit := range hits {
		fmt.Println(hit.Rule.Level, hit.Rule.Title, hit.Time().Format(time.RFC3339), hit.EventID())
		for _, e := range hit.Entities() {
			fmt.Println(" ", e.Type, e.Value)
		}
		for _, m := range hit.Matched() {
			fmt.Printf("    %s: %q\n", m.Field, m.Values)
		}
	}
	// Output:
	// medium Alert on an application owner added by an unapproved actor 2026-03-02T09:14:07Z Directory_7c1e_2041
	//   account lee.moran@contoso.com
	//   ip 203.0.113.77
	//   account intruder@contoso.com
	//     OperationName: ["Add owner to application"]
	//     Result: ["success"]
	// low Report an owner added to an application 2026-03-02T09:14:07Z Directory_7c1e_2041
	//   account lee.moran@contoso.com
	//   ip 203.0.113.77
	//   account intruder@contoso.com
	//     OperationName: ["Add owner to application"]
	//     Result: ["success"]
}

const tenantYAML = `
rulewright-profile: 1
parameters:
  approved_admins: [app.admin@contoso.com]
`

const rawEvent = `{
  "time": "2026-03-02T09:14:07.1234567Z", "category": "AuditLogs", "operationName": "Add owner to application",
  "properties": {
    "id": "Directory_7c1e_2041", "activityDisplayName": "Add owner to application", "category": "ApplicationManagement", "result": "success",
    "initiatedBy": {"user": {"userPrincipalName": "lee.moran@contoso.com", "ipAddress": "203.0.113.77"}},
    "targetResources": [
      {"type": "User", "userPrincipalName": "intruder@contoso.com", "modifiedProperties": [
        {"displayName": "Application.DisplayName", "oldValue": null, "newValue": "\"Payroll Sync\""}]},
      {"type": "Application", "displayName": "Payroll Sync"}]
  }
}`
