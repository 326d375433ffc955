package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
)

// monthForms are what the month is said in: each event in one of them, in turn,
// where it has such a record.
var monthForms = []event.Form{event.LogAnalytics, event.AzureDiagnostic, event.GraphAPI, event.O365Management, event.MDEHuntingStream}

// wholeRecord says the n-th row of the month as the records of a tenant are: in
// one of the five forms, with what no rule asks for, 3 to 8 KB of JSON.
func wholeRecord(t *testing.T, n int, row map[string]any, table string) []byte {
	text, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	whole := map[string]any{}
	if err := d.Decode(&whole); err != nil {
		t.Fatal(err)
	}
	wordy(whole, table, 3+n%9)
	if form := monthForms[n%len(monthForms)]; form != event.LogAnalytics {
		if ev, _, ok := restate(whole, table, form); ok {
			whole = ev
		}
	}
	if text, err = json.Marshal(whole); err != nil {
		t.Fatal(err)
	}
	return text
}

// wordy gives a row the long columns that its table has in a tenant, such as the
// policies that a sign-in was held to, each of so many parts: as text where the
// table has text in it, else nested.
func wordy(row map[string]any, table string, parts int) {
	id := func(i int) string { return fmt.Sprintf("%08x-4c1d-4f0e-9a53-%012x", i*2654435761, i*40503) }
	var policies, details, resources []any
	for i := range parts {
		policies = append(policies, map[string]any{"id": id(i), "displayName": fmt.Sprintf("CA%03d - Staff - Require a strong authentication for cloud apps", i),
			"enforcedGrantControls": []any{"Mfa", "RequireCompliantDevice"}, "enforcedSessionControls": []any{}, "result": "notApplied",
			"conditionsSatisfied": 1, "conditionsNotSatisfied": 2, "includeRulesSatisfied": []any{map[string]any{"conditionalAccessCondition": "application", "ruleSatisfied": "allApps"}},
			"excludeRulesSatisfied": []any{}})
		details = append(details, map[string]any{"key": fmt.Sprintf("Detail %d", i), "value": "IsCAEToken: False; Root Key Type: Unknown; Legacy TLS (1.0, 1.1, 3DES): " + id(i)})
		resources = append(resources, map[string]any{"Name": fmt.Sprintf("Part%d", i), "Value": `{"Kind":"Mailbox","Scope":"` + id(i) + `","Options":["KeepSource","FollowLinks"],"Reason":"as the retention label of the folder has it"}`})
	}
	column, value := "AdditionalDetails", details
	switch table {
	case "SigninLogs", "AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs":
		column, value = "ConditionalAccessPolicies", policies
		text, _ := json.Marshal(details)
		row["AuthenticationProcessingDetails"] = string(text)
	case "OfficeActivity":
		column, value = "ExtendedProperties", resources
	case "CloudAppEvents":
		if raw, ok := row["RawEventData"].(map[string]any); ok {
			raw["ExtendedProperties"] = resources
			return
		}
	case "MicrosoftGraphActivityLogs":
		column, value = "Claims", resources
	}
	if _, ok := row[column].([]any); !ok || table == "AADNonInteractiveUserSignInLogs" {
		text, _ := json.Marshal(append(value, details...))
		row[column] = string(text)
		return
	}
	row[column] = append(row[column].([]any), value...)
}
