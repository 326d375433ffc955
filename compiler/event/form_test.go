package event

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// testdata/forms.jsonl has one case a line: an event, its form and table ("" for
// unknown), time and id.
type formCase struct {
	Name  string `json:"name"`
	Form  Form   `json:"form"`
	Table string `json:"table"`
	Time  string `json:"time"`
	ID    string `json:"id"`
	Event any    `json:"event"`
}

func formCases(t testing.TB) []formCase {
	f, err := os.Open("testdata/forms.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []formCase
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		d := json.NewDecoder(strings.NewReader(s.Text()))
		d.UseNumber()
		d.DisallowUnknownFields()
		var c formCase
		if err := d.Decode(&c); err != nil {
			t.Fatalf("%v in %s", err, s.Text())
		}
		out = append(out, c)
	}
	if s.Err() != nil || len(out) == 0 {
		t.Fatal(s.Err(), len(out))
	}
	return out
}

func (c formCase) check(t *testing.T, ev any) {
	t.Helper()
	src, ok := Detect(ev)
	if want := (Source{c.Form, c.Table}); src != want || ok != (c.Form != "") {
		t.Errorf("Detect = %v %v, want %v", src, ok, want)
		return
	}
	tm, ok := Time(ev, src)
	got := ""
	if ok {
		got = tm.Format(time.RFC3339Nano)
	}
	if got != c.Time {
		t.Errorf("Time = %q, want %q", got, c.Time)
	}
	if id := ID(ev, src); id != c.ID {
		t.Errorf("ID = %q, want %q", id, c.ID)
	}
}

func TestDetect(t *testing.T) {
	for _, c := range formCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			c.check(t, c.Event)
			if m, ok := c.Event.(map[string]any); ok {
				c.check(t, accessor(m))
			}
		})
	}
	for _, ev := range []any{nil, "x", json.Number("1"), true, []any{}, map[string]any{}} {
		if src, ok := Detect(ev); ok || src != (Source{}) {
			t.Errorf("Detect(%v) = %v %v", ev, src, ok)
		}
	}
}

// accessor is a caller's own event type.
type accessor map[string]any

func (a accessor) Get(key string) (any, bool) {
	v, ok := a[key]
	if m, isMap := v.(map[string]any); isMap {
		return accessor(m), ok
	}
	return v, ok
}

func (a accessor) Keys(yield func(string) bool) {
	for k := range a {
		if !yield(k) {
			return
		}
	}
}

// TestIDOfVaultRead has two reads of one secret be two events: Id is the
// secret's.
func TestIDOfVaultRead(t *testing.T) {
	for _, form := range []struct{ first, second string }{
		{`{"Type":"AZKVAuditLogs","TimeGenerated":"2026-03-10T09:00:00Z","OperationName":"SecretGet","Id":"https://kv.vault.azure.net/secrets/a","CorrelationId":"49d43d6b-b2ed-487c-ae16-3d83b64ff8b1","HttpStatusCode":401}`,
			`{"Type":"AZKVAuditLogs","TimeGenerated":"2026-03-10T09:00:01Z","OperationName":"SecretGet","Id":"https://kv.vault.azure.net/secrets/a","CorrelationId":"49d43d6b-b2ed-487c-ae16-3d83b64ff8b1","HttpStatusCode":200}`},
		{`{"time":"2026-03-10T09:00:00Z","category":"AuditEvent","operationName":"SecretGet","correlationId":"49d43d6b-b2ed-487c-ae16-3d83b64ff8b1","resourceId":"/SUBSCRIPTIONS/1/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV","properties":{"id":"https://kv.vault.azure.net/secrets/a","httpStatusCode":401}}`,
			`{"time":"2026-03-10T09:00:01Z","category":"AuditEvent","operationName":"SecretGet","correlationId":"49d43d6b-b2ed-487c-ae16-3d83b64ff8b1","resourceId":"/SUBSCRIPTIONS/1/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV","properties":{"id":"https://kv.vault.azure.net/secrets/a","httpStatusCode":200}}`},
	} {
		ids := map[string]bool{}
		for _, text := range []string{form.first, form.second} {
			var ev map[string]any
			if err := json.Unmarshal([]byte(text), &ev); err != nil {
				t.Fatal(err)
			}
			src, ok := Detect(ev)
			if !ok || src.Table != "AZKVAuditLogs" {
				t.Fatalf("%s is taken for %v", text, src)
			}
			ids[ID(ev, src)] = true
		}
		if len(ids) != 2 || ids[""] {
			t.Errorf("ids of two events: %v", ids)
		}
	}
}
