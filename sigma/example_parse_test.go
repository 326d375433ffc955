package sigma_test

import (
	"fmt"
	"os"

	"github.com/rulewright/rulewright/sigma"
)

func ExampleParse() {
	const rule = `title: Credentials added to an application
id: 0d7f6a1e-3c55-4d57-9a63-6f1a2b3c4d5e
logsource:
    product: azure
    service: auditlogs
detection:
    credentials:
        OperationName|contains: Certificates and secrets
    by_admin:
        InitiatedBy.user.userPrincipalName|endswith: '@contoso.com'
    condition: credentials and not by_admins
level: high
`
	docs, findings := sigma.Parse("credentials.yml", []byte(rule))
	for _, d := range docs {
		fmt.Println(d.Kind, d.Meta.Title, d.Meta.Level, len(d.Detection.Selections))
	}
	findings.Render(os.Stdout)
	// Output:
	// rule Credentials added to an application high 2
	// credentials.yml:9:5: warning: no condition uses the selection 'by_admin' [unused-selection]
	//   9 |     by_admin:
	//     |     ^
	//   hint: name it in the condition or drop it
	// credentials.yml:11:36: detection has no selection 'by_admins' [unknown-selection]
	//   11 |     condition: credentials and not by_admins
	//      |                                    ^
	//   hint: did you mean by_admin?
}
