package conformance_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"github.com/rulewright/rulewright/conformance"
)

const rule = `title: A mailbox rule hides mail
id: 5d0f0e7c-6a0c-4f2a-8a55-0c7f6c7e9b21
logsource: {product: m365, service: exchange}
detection:
  hides:
    Operation: New-InboxRule
    Parameters.DeleteMessage: true
  condition: hides
`

const fixture = `rulewright-fixtures: 1
rule: 5d0f0e7c-6a0c-4f2a-8a55-0c7f6c7e9b21
cases:
  - name: mail is deleted
    expect: match
    events:
      - form: o365-management
        event: {RecordType: 1, Workload: Exchange, CreationTime: 2026-03-02T10:00:00, Operation: New-InboxRule, Parameters: [{Name: DeleteMessage, Value: 'True'}]}
  - name: mail is moved
    expect: no match
    events:
      - form: o365-management
        event: {RecordType: 1, Workload: Exchange, CreationTime: 2026-03-02T10:00:00, Operation: New-InboxRule, Parameters: [{Name: MoveToFolder, Value: Archive}]}
`

// Rules and their fixtures may stand side by side. In a test, Run does the same
// and fails the test where Evaluate reports.
func ExampleEvaluate() {
	fsys := fstest.MapFS{
		"rules/hides-mail.yml":          {Data: []byte(rule)},
		"rules/hides-mail.fixture.yaml": {Data: []byte(fixture)},
	}
	fixtures, findings := conformance.Load(fsys, conformance.LoadOptions{})
	if findings.HasErrors() {
		fmt.Println(findings)
		return
	}
	report := conformance.Evaluate(context.Background(), fixtures, conformance.Referees())
	if err := report.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output: 8 passed, 0 failed, 0 skipped
}
