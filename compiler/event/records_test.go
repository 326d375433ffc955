package event

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRecords(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{``, ``},
		{`{"a":1}`, `{"a":1}`},
		{` {"a":1} {"b":[2]}` + "\n" + `3`, `{"a":1} | {"b":[2]} | 3`},
		{`[{"a":1}, {"b":"]"} ]`, `{"a":1} | {"b":"]"}`},
		{`{"records":[{"a":1},{"b":2}]}`, `{"a":1} | {"b":2}`},
		{`{"time":"x\"", "records" : [ {"a":{"records":[]}} ] , "more":[]} {"c":3}`, `{"a":{"records":[]}} | {"c":3}`},
		{`{"\u0072ecords":[1]}`, `1`},
		{`{"records":[1],"records":[2]}`, `2`},
		{`{"records":[]}`, ``},
		{`{"records":{"a":1}}`, `{"records":{"a":1}}`},
		{`[]`, ``},
		{`[1,`, `error`},
		{`{"a":1} x`, `{"a":1} | error`},
		{`{"records":[1}`, `error`},
	} {
		var got []string
		for r, err := range Records([]byte(c.data)) {
			if err != nil {
				got = append(got, "error")
				break
			}
			got = append(got, string(r))
		}
		if text := strings.Join(got, " | "); text != c.want {
			t.Errorf("%s: %s, want %s", c.data, text, c.want)
		}
	}
	n := 0
	for r := range Records([]byte(`{"records":[` + strings.Repeat(`{"a":[0,0]},`, 400_000) + `{}]}`)) {
		if n++; r[0] != '{' {
			t.Fatal(string(r))
		}
	}
	if n != 400_001 {
		t.Errorf("%d records", n)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"records":[{"a":1},{"b":"x\\"}]}`))
	f.Add([]byte(`[1,[2],{"a":{}}] {"a":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for r, err := range Records(data) {
			if err == nil && !json.Valid(r) {
				t.Fatalf("%q of %q is no JSON", r, data)
			}
		}
	})
}
