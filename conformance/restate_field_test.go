package conformance

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
)

// fieldRecord is a record of the field data, with the form and table that it is
// of.
type fieldRecord struct {
	name   string
	source event.Source
	record map[string]any
}

// fieldRecords reads the field data that stands beside the project.
func fieldRecords(t *testing.T) []fieldRecord {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "events", "*", "*.jsonl"))
	if len(files) == 0 {
		t.Skip("no collection of events beside the project")
	}
	var out []fieldRecord
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			var ev map[string]any
			if err := d.Decode(&ev); err != nil {
				t.Fatal(err)
			}
			if inner, ok := ev["event"].(map[string]any); ok && ev["case"] != nil {
				ev = inner
			}
			if src, ok := event.Detect(ev); ok {
				out = append(out, fieldRecord{fmt.Sprintf("%s/%s:%d", filepath.Base(filepath.Dir(name)), filepath.Base(name), i+1), src, ev})
			}
		}
	}
	return out
}

// keysOf collects the keys of a record joined by dots, in lower case, with the
// kind of what they hold; positions in lists do not count.
func keysOf(v any, at string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		into[at+" {}"] = true
		for k, x := range v {
			keysOf(x, strings.TrimPrefix(at+"."+strings.ToLower(k), "."), into)
		}
	case []any:
		into[at+" []"] = true
		for _, x := range v {
			keysOf(x, at, into)
		}
	case nil:
	case bool:
		into[at+" bool"] = true
	case json.Number, int, float64:
		into[at+" number"] = true
	default:
		into[at+" text"] = true
	}
}

// unseen are keys that the converter writes and no record at hand has, by the
// beginning of what says where, with the reason.
var unseen = map[string]string{
	"azure-diagnostic SigninLogs properties.appliedconditionalaccesspolicies": "no policy applied to the one sign-in at hand; its list is empty",
	"azure-diagnostic SigninLogs properties.devicedetail.browser":             "the one sign-in at hand was made by no browser",
	"graph-api AuditLogs initiatedby.user.roles":                              "Graph's documentation leaves out what later versions added",
	"graph-api AuditLogs targetresources.administrativeunits":                 "the same",
	"graph-api SigninLogs alternatesigninname":                                "Graph's beta",
	"graph-api SigninLogs appliedconditionalaccesspolicies.conditions":        "Graph's beta",
	"graph-api SigninLogs authenticationdetails":                              "Graph's beta",
	"graph-api SigninLogs mfadetail":                                          "null in the records at hand",
	"o365-management SigninLogs appaccesscontext":                             "newer records only",
}

// queryColumns are not of the table: the query that exported rows made them.
var queryColumns = []string{"UserAgent", "target", "targetDisplayName", "targetId", "targetType", "keyEvents", "InitiatingUserOrApp", "keyDisplayName", "keyIdentifier", "keyType", "keyUsage"}

// TestRestateOnFieldEvents says real rows of the directory's tables in the other
// forms and asks for keys and kinds of values that real records of these forms
// have.
func TestRestateOnFieldEvents(t *testing.T) {
	records := fieldRecords(t)
	real := map[event.Source]map[string]bool{}
	for _, r := range records {
		if real[r.source] == nil {
			real[r.source] = map[string]bool{}
		}
		keysOf(r.record, "", real[r.source])
	}
	said := map[event.Source]int{}
	used := map[string]bool{}
	for _, r := range records {
		if r.source.Form != event.LogAnalytics || r.source.Table != "AuditLogs" && r.source.Table != "SigninLogs" {
			continue
		}
		row := maps.Clone(r.record)
		if r.source.Table == "AuditLogs" {
			for key := range row {
				if slices.ContainsFunc(queryColumns, func(c string) bool { return strings.EqualFold(c, key) }) {
					delete(row, key)
				}
			}
		}
		if _, ok := row["TimeGenerated"]; !ok {
			row["TimeGenerated"] = "2026-03-02T10:00:00Z" // some exports have none
		}
		for _, form := range []event.Form{event.AzureDiagnostic, event.GraphAPI, event.O365Management} {
			ev, table, ok := restate(row, r.source.Table, form)
			as := event.Source{Form: form, Table: table}
			if got, found := event.Detect(ev); !ok || !found || got != as {
				t.Errorf("%s said as %v is taken for %v", r.name, as, got)
			}
			said[as]++
			keys := map[string]bool{}
			keysOf(ev, "", keys)
			for k := range keys {
				if real[as][k] {
					continue
				}
				k = fmt.Sprintf("%s %s %s", form, table, k)
				known := false
				for begins := range unseen {
					if strings.HasPrefix(k, begins) {
						known, used[begins] = true, true
					}
				}
				if !known {
					t.Errorf("%s: no record has %s", r.name, k)
				}
			}
		}
	}
	for begins := range unseen {
		if !used[begins] {
			t.Errorf("%s is not written, or records have it", begins)
		}
	}
	t.Logf("rows said in other forms: %v", said)
}

// TestRestateOnOneFact compares what the converter makes of a diagnostic record
// with the real record of the same fact in the unified audit log: the two that
// are at hand have the same correlation id. Names of the two tenants differ, as
// somebody has replaced them.
func TestRestateOnOneFact(t *testing.T) {
	const correlation = "ea473f15-64b3-435a-a885-6ee3908919e2"
	var diagnostic, audit map[string]any
	for _, r := range fieldRecords(t) {
		switch {
		case r.source == event.Source{Form: event.AzureDiagnostic, Table: "AuditLogs"} && r.record["correlationId"] == correlation:
			diagnostic = r.record
		case r.source == event.Source{Form: event.O365Management, Table: "AuditLogs"} && r.record["InterSystemsId"] == correlation:
			audit = r.record
		}
	}
	if diagnostic == nil || audit == nil {
		t.Fatal("the two records are not there")
	}
	p := diagnostic["properties"].(map[string]any)
	row := map[string]any{"Type": "AuditLogs", "TimeGenerated": diagnostic["time"], "OperationName": diagnostic["operationName"], "Category": p["category"], "Id": p["id"],
		"CorrelationId": p["correlationId"], "Result": p["result"], "InitiatedBy": p["initiatedBy"], "TargetResources": p["targetResources"], "AdditionalDetails": p["additionalDetails"]}
	got, _, _ := restate(row, "AuditLogs", event.O365Management)
	text := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, key := range []string{"CreationTime", "Operation", "RecordType", "ResultStatus", "UserType", "Version", "Workload", "AzureActiveDirectoryEventType", "InterSystemsId", "ModifiedProperties"} {
		if text(got[key]) != text(audit[key]) {
			t.Errorf("%s is %s, in the real record %s", key, text(got[key]), text(audit[key]))
		}
	}
	// Lists of which the real record has more: numbers that Graph does not tell.
	for _, key := range []string{"Target", "Actor", "ExtendedProperties"} {
		real := text(audit[key])
		for _, x := range got[key].([]any) {
			item := text(x)
			if strings.Contains(item, "phantomengineering") {
				continue
			}
			if x.(map[string]any)["Name"] == "additionalDetails" {
				continue // an object, the order of whose keys says nothing
			}
			if !strings.Contains(real, item) {
				t.Errorf("%s has %s, and not in the real record: %s", key, item, real)
			}
		}
	}
}

// TestRestateAsDownload says rows as the unified audit log's CSV has them, and
// reads it: the records are the same.
func TestRestateAsDownload(t *testing.T) {
	fixtures, ds := Load(fixtureFiles, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	if err := w.Write([]string{"RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits", "AssociatedAdminUnitsNames"}); err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	for _, f := range fixtures {
		if len(f.Rule().Meta.Coverage) == 0 {
			continue
		}
		for i := range f.Cases {
			for _, e := range f.Cases[i].Events {
				row, isMap := event.Unwrap(e.Event).(map[string]any)
				source, _, err := e.source()
				if err != nil || !isMap || source.Form != event.LogAnalytics {
					continue
				}
				ev, _, ok := restate(row, source.Table, event.O365Management)
				if !ok || len(want) >= 2000 {
					continue
				}
				data, err := json.Marshal(ev)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Write([]string{fmt.Sprint(len(want)), plainText(ev["CreationTime"]), plainText(ev["RecordType"]), plainText(ev["Operation"]), plainText(ev["UserId"]), string(data), "", ""}); err != nil {
					t.Fatal(err)
				}
				want = append(want, ev)
			}
		}
	}
	w.Flush()
	r := event.NewReader(&file, event.ReaderOptions{File: "audit.csv"})
	for i := range want {
		rec, err := r.Next()
		if err != nil {
			t.Fatalf("record %d: %v", i+1, err)
		}
		source, _ := event.Detect(want[i])
		a, _ := json.Marshal(want[i])
		b, _ := json.Marshal(rec.Event)
		if rec.Source != source || string(a) != string(b) {
			t.Fatalf("record %d is %v\n%s\nwant %v\n%s", i+1, rec.Source, b, source, a)
		}
	}
	t.Logf("%d records", len(want))
}
