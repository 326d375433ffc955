package event_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
)

// A batch as an event hub holds it: the container is told from the input, the
// form of each event from the event.
func ExampleReader() {
	const batch = `{"records": [
		{"time": "2026-03-02T09:14:07Z", "category": "AuditLogs", "operationName": "Add user", "properties": {"id": "Directory_1"}},
		{"time": "2026-03-02T09:15:00Z", "category": "SignInLogs", "properties": {"id": "5c1f"}}]}`
	r := event.NewReader(strings.NewReader(batch), event.ReaderOptions{File: "batch.json"})
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil { // a *RecordError is one record's; reading may go on
			fmt.Println(err)
			continue
		}
		fmt.Println(rec.Source.Form, rec.Source.Table, rec.Time.Format("15:04:05"), rec.ID)
	}
	// Output:
	// azure-diagnostic AuditLogs 09:14:07 Directory_1
	// azure-diagnostic SigninLogs 09:15:00 5c1f
}
