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

// Depth costs nothing: a text of more values than are kept of one is read once,
// not once a level.
func TestRecordsDeep(t *testing.T) {
	const depth = 5_000
	for _, c := range []struct {
		open, close string
		n           int
	}{{"[", "]", 1}, {`{"a":`, "}", 1}} {
		data := strings.Repeat(c.open, depth) + "[0" + strings.Repeat(",0", 1<<20) + "]" + strings.Repeat(c.close, depth)
		n := 0
		for r, err := range Records([]byte(data)) {
			if n++; err != nil || len(r) < len(data)-len(c.open)-len(c.close) {
				t.Errorf("%s: %d bytes, %v", c.open, len(r), err)
			}
		}
		if n != c.n {
			t.Errorf("%s: %d records", c.open, n)
		}
	}
	for r, err := range Records([]byte(strings.Repeat("[", 1<<20))) {
		if err == nil {
			t.Errorf("%d bytes", len(r))
		}
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
