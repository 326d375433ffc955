package event

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
)

func readAll(t testing.TB, r *Reader) (recs []Record, errs []string) {
	t.Helper()
	defer r.Close()
	for range 1_000_000 {
		rec, err := r.Next()
		if err == io.EOF {
			if r.Records() != len(recs) || r.Unreadable() != len(errs) {
				t.Errorf("%d records and %d errors, counted as %d and %d", len(recs), len(errs), r.Records(), r.Unreadable())
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("after the end: %v", err)
			}
			return recs, errs
		}
		if err != nil {
			var re *RecordError
			if !errors.As(err, &re) {
				t.Fatalf("%T %v is no RecordError", err, err)
			}
			errs = append(errs, err.Error())
			continue
		}
		recs = append(recs, rec)
	}
	t.Fatal("no end")
	return nil, nil
}

func read(t testing.TB, in string) ([]Record, []string) {
	t.Helper()
	return readAll(t, NewReader(strings.NewReader(in), ReaderOptions{File: "f"}))
}

const (
	ev1 = `{"id":"g1","activityDateTime":"2026-03-01T08:00:00Z","activityDisplayName":"Add user","targetResources":[{"id":"x"}],"n":12345678901234567890}`
	ev2 = `{"id":"g2","activityDateTime":"2026-03-01T08:00:01Z","activityDisplayName":"Größe \u00fc","targetResources":[],"value":[1]}`
	ev3 = `{"id":"g3","activityDateTime":"2026-03-01T08:00:02Z","activityDisplayName":"{[","loggedByService":"\"\\"}`
)

func indent(s string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(s), "", "  "); err != nil {
		panic(err)
	}
	return b.String()
}

func utf16Text(s string, big, mark bool) string {
	var out []byte
	if mark {
		s = "\ufeff" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zst(s string) string {
	w, _ := zstd.NewWriter(nil)
	defer w.Close()
	return string(w.EncodeAll([]byte(s), nil))
}

// The same three events in every container.
func containers() map[string]string {
	lines := ev1 + "\n" + ev2 + "\n" + ev3 + "\n"
	list := "[" + ev1 + "," + ev2 + "," + ev3 + "]"
	columns := `[{"name":"id","type":"string"},{"name":"activityDateTime","type":"datetime"},{"name":"activityDisplayName"},{"name":"targetResources","type":"dynamic"},{"name":"n"},{"name":"value"},{"name":"loggedByService"}]`
	rows := `[["g1","2026-03-01T08:00:00Z","Add user",[{"id":"x"}],12345678901234567890,null,null],` +
		`["g2","2026-03-01T08:00:01Z","Größe ü",[],null,[1],null],["g3","2026-03-01T08:00:02Z","{[",null,null,null,"\"\\"]]`
	return map[string]string{
		"lines":                     lines,
		"lines without the last":    strings.TrimSuffix(lines, "\n"),
		"lines, CRLF":               strings.ReplaceAll(lines, "\n", "\r\n"),
		"lines, empty ones between": "\n\n" + strings.ReplaceAll(lines, "\n", "\n\n"),
		"in a row":                  ev1 + ev2 + ev3,
		"indented":                  indent(ev1) + "\n" + indent(ev2) + "\n" + indent(ev3),
		"list":                      list,
		"indented list":             indent(list),
		"list a line":               "[" + ev1 + "]\n[" + ev2 + "," + ev3 + "]\n",
		"records":                   `{"records":` + list + `}`,
		"records, indented":         indent(`{"records":` + list + `}`),
		"records in batches":        `{"records":[` + ev1 + `]}` + "\n" + `{"records":[]}` + "\n" + `{"records":[` + ev2 + "," + ev3 + `]}`,
		"list of batches":           `[{"records":[` + ev1 + `]},{"records":[` + ev2 + "," + ev3 + `]}]`,
		"Graph page":                `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits","@odata.nextLink":"https://x","value":` + list + `}`,
		"Graph page, link behind":   `{"@odata.count":3,"value":` + list + `,"@odata.nextLink":"https://x","y":{"z":[1,{}]}}`,
		"hunting API":               `{"@odata.context":"x","schema":[{"name":"id","type":"String"}],"results":` + list + `}`,
		"hunting API, other order":  `{"results":` + list + `,"schema":[{"name":"id","type":"String"}]}`,
		"MDE API":                   `{"Stats":{"x":1},"Schema":[{"Name":"id"}],"Results":` + list + `}`,
		"tables":                    `{"tables":[{"name":"PrimaryResult","columns":` + columns + `,"rows":` + rows + `}]}`,
		"tables, indented":          indent(`{"tables":[{"name":"PrimaryResult","columns":` + columns + `,"rows":` + rows + `},{"name":"E","columns":[],"rows":[]}],"statistics":{}}`),
		"UTF-8 mark":                "\ufeff" + lines,
		"UTF-16 LE":                 utf16Text(lines, false, true),
		"UTF-16 BE":                 utf16Text(lines, true, true),
		"UTF-16 LE without mark":    utf16Text(list, false, false),
		"UTF-16 BE without mark":    utf16Text(list, true, false),
		"gzip":                      gz(lines),
		"gzip of two members":       gz(ev1+"\n"+ev2+"\n") + gz(ev3+"\n"),
		"gzip of UTF-16":            gz(utf16Text(lines, false, true)),
		"gzip of records":           gz(`{"records":` + list + `}`),
		"zstd":                      zst(lines),
		"gzip of zstd":              gz(zst(lines)),
	}
}

func TestContainers(t *testing.T) {
	want, errs := read(t, ev1+"\n"+ev2+"\n"+ev3)
	if len(want) != 3 || len(errs) != 0 {
		t.Fatalf("%v %v", want, errs)
	}
	for i, r := range want {
		if r.Source != (Source{GraphAPI, "AuditLogs"}) || r.ID != fmt.Sprintf("g%d", i+1) || r.Time.Second() != i || r.File != "f" || r.Line != i+1 {
			t.Errorf("record %d is %+v", i, r)
		}
	}
	if n := want[0].Event.(map[string]any)["n"]; n != json.Number("12345678901234567890") {
		t.Errorf("a number became %v", n)
	}
	for name, in := range containers() {
		for _, size := range []int{0, 1, 7} { // how many bytes a Read gives
			var src io.Reader = strings.NewReader(in)
			if size > 0 {
				src = &slowReader{src, size}
			}
			got, errs := readAll(t, NewReader(src, ReaderOptions{File: "f"}))
			if len(errs) > 0 || len(got) != len(want) {
				t.Errorf("%s: %d records, errors %v", name, len(got), errs)
				continue
			}
			for i := range got {
				got[i].Line = want[i].Line
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Errorf("%s: record %d\n got %+v\nwant %+v", name, i, got[i], want[i])
				}
			}
		}
	}
}

type slowReader struct {
	r io.Reader
	n int
}

func (s *slowReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

// Broken input: what is still read, and what is said.
func TestUnreadable(t *testing.T) {
	deep := strings.Repeat(`{"a":`, MaxNesting+5) + "1" + strings.Repeat("}", MaxNesting+5)
	long := `{"a":"` + strings.Repeat("x", MaxRecordBytes) + `"}`
	wide := `{"a":[` + strings.Repeat("1,", MaxRecordValues) + `1]}`
	for _, c := range []struct {
		name, in, ids string
		errs          []string
	}{
		{"nothing", "", "", nil},
		{"white space", " \n\t\r\n", "", nil},
		{"a broken line", ev1 + "\n{\"a\":tru}\n" + ev2, "g1 g2", []string{"f:2: not JSON: invalid character '}' in literal true"}},
		{"a line cut off", ev1 + "\n{\"a\":\"b\n" + ev2, "g1 g2", []string{"f:2: a string with a bare control character (0x0a)"}},
		{"a line cut off behind a comma", ev1 + "\n{\"a\":1,\n" + ev2 + "\n" + ev3, "g1 g2 g3", []string{"f:2: not JSON: '{' where a key is due"}},
		{"a line cut off in a list", ev1 + "\n{\"a\":[\n" + ev2 + "\n" + ev3, "g1 g2 g3", []string{"f:2: not JSON: '{' where a comma or the end is due"}},
		{"the last line cut off", ev1 + "\n{\"a\":[", "g1", []string{"f:2: the input ends inside a JSON value"}},
		{"a brace never closed", "{\"a\":[\n" + ev1, "g1", []string{"f:1: the input ends inside a JSON value"}},
		{"text between lines", ev1 + "\n#\n" + ev2, "g1 g2", []string{"f:2: '#' starts no JSON value"}},
		{"scalars", "[1,\"x\",null," + ev1 + "]", "g1", []string{"f:1: not a JSON object", "f:1: not a JSON object", "f:1: not a JSON object"}},
		{"a list cut off", "[" + ev1 + "," + ev2, "g1 g2", []string{"f:1: the input ends inside a list"}},
		{"a broken element in a list of lines", "[\n" + ev1 + ",\n{\"a\":[}\n,\n" + ev2 + "\n]\n" + ev3, "g1 g2 g3", []string{"f:3: not JSON: '}' where a value is due"}},
		{"a broken element in an indented list", strings.Replace(indent("["+ev1+","+ev2+","+ev3+"]"), `"g2"`, `g2"`, 1), "g1 g3", []string{"f:13: not JSON"}},
		{"a broken element in a one-line list", "[" + ev1 + ",{\"a\":},\n" + ev2 + "]\n" + ev3, "g1 g2 g3", []string{"f:1: not JSON: '}' where a value is due; what follows could not be read", "f:2: ']' starts no JSON value"}},
		{"a broken end of a wrapper", `{"records":[` + ev1 + `]]` + "\n" + ev2, "g1 g2", []string{"f:1: not JSON: ']' where a comma or the end is due"}},
		{"too deep", ev1 + "\n" + deep + "\n" + ev2, "g1 g2", []string{"f:2: nested deeper than the limit of 100"}},
		{"too deep in a list", "[" + ev1 + "," + deep + "," + ev2 + "]", "g1 g2", []string{"f:1: nested deeper than the limit of 100"}},
		{"brackets without end", ev1 + "\n" + strings.Repeat("[", 100_000) + "\n" + ev2, "g1", []string{"f:2: the input ends inside"}},
		{"too long", ev1 + "\n" + long + "\n" + ev2, "g1 g2", []string{"f:2: the record is larger than the limit of 16 MiB"}},
		{"too long in a list", "[" + ev1 + "," + long + "," + ev2 + "]", "g1 g2", []string{"f:1: the record is larger than the limit of 16 MiB"}},
		{"too many values", ev1 + "\n" + wide + "\n" + ev2, "g1 g2", []string{"f:2: more than the limit of 1000000 values"}},
		{"broken UTF-8", ev1 + "\n{\"a\":\"\xff\"}\n" + ev2, "g1 g2", []string{"f:2: byte 7 of the record is not UTF-8"}},
		{"rows before columns", `{"tables":[{"rows":[[1]],"columns":[]}]}`, "", []string{"f:1: a table whose rows come before its columns"}},
		{"a row too short", `{"tables":[{"columns":[{"name":"a"},{"name":"b"}],"rows":[[1],[1,2]]}]}`, "", []string{"f:1: a row that does not fit its 2 columns"}},
		{"one word", "hello", "", []string{`f:1: neither JSON nor CSV with a header: the first line is "hello"`}},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00\x00", "", []string{"f:1: neither JSON nor CSV: binary data"}},
		{"ZIP", "PK\x03\x04xxxx", "", []string{"f:1: a ZIP archive"}},
		{"gzip cut off", gz(ev1 + "\n" + ev2 + "\n")[:60], "", []string{"cannot be decompressed: unexpected EOF"}},
		{"no gzip", "\x1f\x8bxxxxxxxxxxxx", "", []string{"f:1: cannot be decompressed"}},
		{"compressed too often", gz(gz(gz(gz(ev1)))), "", []string{"f:1: compressed more than 3 times over"}},
		{"CSV, too few cells", "Timestamp,ActionType,DeviceName\na,b\n2026-03-01T08:00:00Z,ProcessCreated,pc\n", "", []string{"f:2: a row of 2 cells under a header of 3"}},
		{"CSV, a quote not closed", "Timestamp,ActionType,DeviceName\na,\"b,c\n2026-03-01T08:00:00Z,ProcessCreated,pc\n", "", []string{"f:2: a quote is opened and never closed"}},
		{"CSV, broken UTF-8", "Timestamp,ActionType,DeviceName\na,\xff,c\n2026-03-01T08:00:00Z,ProcessCreated,pc\n", "", []string{"f:2: byte 3 of the record is not UTF-8"}},
		{"portal download in another language", "Datum (UTC)," + strings.Repeat("x,", 30) + "\n", "", []string{"f:2: this looks like a download of the Entra portal in another language"}},
		{"CSV, AuditData cut off", "RecordId,AuditData\n1,\"{\"\"Operation\"\":\"\n2,\"{\"\"Operation\"\":1\"\n3,\n", "", []string{"f:2: AuditData is not JSON: it is cut off", "f:3: AuditData is not JSON: it is cut off", "f:4: AuditData is empty"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, errs := read(t, c.in)
			ids := []string{}
			for _, r := range recs {
				if r.ID != "" {
					ids = append(ids, r.ID)
				}
			}
			if got := strings.Join(ids, " "); got != c.ids {
				t.Errorf("read %q, want %q", got, c.ids)
			}
			ok := len(errs) == len(c.errs)
			for i := range errs {
				ok = ok && strings.Contains(errs[i], c.errs[i])
			}
			if !ok {
				t.Errorf("errors %q\nwant %q", errs, c.errs)
			}
			if strings.HasPrefix(c.name, "CSV, ") && !strings.Contains(c.name, "AuditData") && (len(recs) != 1 || recs[0].Source.Table != "DeviceProcessEvents") {
				t.Errorf("the good row was read as %v", recs)
			}
		})
	}
}

func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	line := []byte(strings.Repeat(" ", 1<<20))
	for range 200 {
		w.Write(line)
	}
	w.Close()
	_, errs := read(t, b.String())
	if len(errs) != 1 || !strings.Contains(errs[0], "unpacks to more than 1000 times its size") {
		t.Errorf("%v", errs)
	}
	_, errs = read(t, gz(gz(strings.Repeat(" ", 100<<20)))) // harmless layer by layer
	if len(errs) != 1 || !strings.Contains(errs[0], "unpacks to more than 1000 times its size") {
		t.Errorf("%v", errs)
	}
	_, errs = readAll(t, NewReader(strings.NewReader(gz(strings.Repeat(ev1+"\n", 1000))), ReaderOptions{File: "f", MaxBytes: 10_000}))
	if len(errs) != 1 || !strings.Contains(errs[0], "larger than the limit set for it") {
		t.Errorf("%v", errs)
	}
}

// A list far larger than what may be in memory at a time.
func TestLongList(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes long")
	}
	const n = 300_000
	pr, pw := io.Pipe()
	go func() {
		io.WriteString(pw, `{"records":[`)
		for i := range n {
			if i > 0 {
				io.WriteString(pw, ",")
			}
			io.WriteString(pw, ev1)
		}
		io.WriteString(pw, `]}`)
		pw.Close()
	}()
	r := NewReader(pr, ReaderOptions{})
	for range n {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
	if size := len(r.w.buf); size > 1<<20 {
		t.Errorf("%d bytes were kept", size)
	}
}

func openCSV(t testing.TB, name string) ([]Record, []string) {
	data, err := os.ReadFile("testdata/csv/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, NewReader(bytes.NewReader(data), ReaderOptions{File: name}))
}

// get walks an event by keys and list positions.
func get(v any, path string) any {
	for _, k := range strings.Split(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[k]
		case []any:
			var i int
			fmt.Sscan(k, &i)
			if i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func TestCSV(t *testing.T) {
	type fact struct {
		record int
		path   string
		want   any
	}
	for _, c := range []struct {
		file    string
		sources []Source
		times   []string
		ids     []string
		errs    []string
		facts   []fact
	}{
		{
			"purview.csv",
			[]Source{{O365Management, "OfficeActivity"}, {O365Management, "SigninLogs"}},
			[]string{"2026-03-01T09:00:00Z", "2026-03-01T08:00:00Z"}, []string{"u2", "u1"},
			[]string{"purview.csv:4: AuditData is not JSON: it is cut off"},
			[]fact{{0, "Parameters/0/Value", "."}, {0, "AssociatedAdminUnits", nil}},
		}, {
			"search-ual.csv", []Source{{O365Management, "OfficeActivity"}}, []string{"2026-03-01T09:00:00Z"}, []string{"u2"}, nil, nil,
		}, {
			"InteractiveSignIns_2026-03-01_2026-03-08.csv",
			[]Source{{LogAnalytics, "SigninLogs"}, {LogAnalytics, "SigninLogs"}},
			[]string{"2026-03-01T08:10:00Z", "2026-03-01T08:00:00Z"}, []string{"r2", "r1"}, nil,
			[]fact{
				{0, "UserPrincipalName", "ana@contoso.com"}, {0, "UserDisplayName", "Ana Lima"}, {0, "IPAddress", "203.0.113.7"},
				{0, "AppId", "29d9ed98"}, {0, "ResourceIdentity", "00000003"}, {0, "ResultType", "0"}, {0, "Status/errorCode", "0"}, {0, "ResultDescription", nil},
				{0, "AuthenticationProtocol", "deviceCode"}, {0, "OriginalTransferMethod", "deviceCodeFlow"}, {0, "IncomingTokenType", "none"},
				{0, "AuthenticationRequirement", "multiFactorAuthentication"}, {0, "ConditionalAccessStatus", "success"},
				{0, "DeviceDetail/isCompliant", true}, {0, "DeviceDetail/isManaged", false}, {0, "DeviceDetail/trustType", "Azure AD joined"},
				{0, "Location", "PT"}, {0, "LocationDetails/city", "Porto"}, {0, "AutonomousSystemNumber", "64500"}, {0, "SessionId", "s1"}, {0, "IsInteractive", true},
				{1, "ResultType", "50126"}, {1, "Status/failureReason", "Error validating credentials due to invalid username or password."}, {1, "UserAgent", nil},
				{1, "ConditionalAccessStatus", "notApplied"}, {1, "AuthenticationRequirement", "singleFactorAuthentication"}, {1, "Location", "NL"},
			},
		}, {
			"entra-audit.csv",
			[]Source{{LogAnalytics, "AuditLogs"}, {LogAnalytics, "AuditLogs"}},
			[]string{"2026-03-01T09:30:00.123456Z", "2026-03-01T09:20:00Z"}, []string{"row-", "row-"}, nil,
			[]fact{
				{0, "OperationName", "Consent to application"}, {0, "InitiatedBy/user/userPrincipalName", "ana@contoso.com"}, {0, "InitiatedBy/user/ipAddress", "203.0.113.7"},
				{0, "TargetResources/0/displayName", "Mail Helper"}, {0, "TargetResources/0/modifiedProperties/0/displayName", "ConsentContext.IsAdminConsent"},
				{0, "TargetResources/0/modifiedProperties/0/newValue", `"False"`}, {0, "TargetResources/0/modifiedProperties/1/newValue", `"[] => [[Id: x, ClientId: y, Scope:  Mail.Read offline_access]]"`},
				{0, "TargetResources/0/modifiedProperties/2", nil}, {0, "TargetResources/1/id", "sp2"}, {0, "TargetResources/2", nil},
				{0, "AdditionalDetails/0/key", "User-Agent"}, {0, "AdditionalDetails/1", nil},
				{1, "InitiatedBy/user", nil}, {1, "InitiatedBy/app/displayName", "Microsoft Graph"}, {1, "InitiatedBy/app/servicePrincipalId", "sp9"},
			},
		}, {
			"log-analytics.csv",
			[]Source{{LogAnalytics, "AuditLogs"}, {LogAnalytics, "AuditLogs"}},
			[]string{"2026-08-02T13:29:25.983Z", "2026-08-02T13:29:24Z"}, []string{"a1", "a0"}, nil,
			[]fact{{0, "TargetResources", `[{"displayName":"App"}]`}, {0, "OperationName", "Update application – Certificates and secrets management "}, {1, "TargetResources", nil}},
		}, {
			"semicolon.csv", []Source{{MDEHunting, "DeviceProcessEvents"}}, []string{"2026-03-01T08:00:00Z"}, []string{""}, nil,
			[]fact{{0, "ProcessCommandLine", `a "b" c`}},
		},
	} {
		t.Run(c.file, func(t *testing.T) {
			recs, errs := openCSV(t, c.file)
			if len(recs) != len(c.sources) || len(errs) != len(c.errs) {
				t.Fatalf("%d records, errors %q", len(recs), errs)
			}
			for i, r := range recs {
				if r.Source != c.sources[i] || r.Time.Format(time.RFC3339Nano) != c.times[i] || r.ID != c.ids[i] && !(strings.HasPrefix(c.ids[i], "row-") && strings.HasPrefix(r.ID, "row-") && len(r.ID) == 36) {
					t.Errorf("record %d: %v %v %q", i, r.Source, r.Time, r.ID)
				}
			}
			for i, e := range errs {
				if !strings.Contains(e, c.errs[i]) {
					t.Errorf("error %q, want %q", e, c.errs[i])
				}
			}
			for _, f := range c.facts {
				if got := get(recs[f.record].Event, f.path); got != f.want {
					t.Errorf("record %d: %s is %#v, want %#v", f.record, f.path, got, f.want)
				}
			}
		})
	}
}

func TestSignInFileTable(t *testing.T) {
	for file, want := range map[string]string{
		"":                                    "SigninLogs",
		"x/InteractiveSignIns_2026-03-01.csv": "SigninLogs",
		`c:\x\NonInteractiveSignIns_2026.csv`: "AADNonInteractiveUserSignInLogs",
		"ApplicationSignIns_1.csv":            "AADServicePrincipalSignInLogs",
		"MSISignIns_1.csv":                    "AADManagedIdentitySignInLogs",
	} {
		if got := signInFileTable(file); got != want {
			t.Errorf("%q: %s, want %s", file, got, want)
		}
	}
}

func TestGraphContext(t *testing.T) {
	for name, want := range map[string]string{
		"applications": "graph:applications",
		"applications(id,displayName,keyCredentials)": "graph:applications",
		"users('a')/appRoleAssignments":               "graph:appRoleAssignments",
		"servicePrincipals('a')/appRoleAssignedTo":    "graph:appRoleAssignments",
		"users('a')/authentication/methods":           "graph:authenticationMethods",
		"users('a')/memberOf":                         "",
		"auditLogs/signIns":                           "SigninLogs",
		"users('a":                                    "",
	} {
		if got := contextSource("https://graph.microsoft.com/v1.0/$metadata#" + name); got.Table != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	recs, _ := read(t, `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#applications(id,displayName)","value":[{"id":"1","displayName":"x"}]}`)
	if len(recs) != 1 || recs[0].Source.Table != "graph:applications" {
		t.Errorf("%v", recs)
	}
	recs, _ = read(t, `{"@odata.context":"https://graph.microsoft.com/beta/$metadata#auditLogs/signIns","value":[{"id":"1","createdDateTime":"2026-03-01T08:00:00Z","status":{"errorCode":0},"isInteractive":false,"signInEventTypes":["nonInteractiveUser"]},{"id":"2"}]}`)
	if len(recs) != 2 || recs[0].Source.Table != "AADNonInteractiveUserSignInLogs" || recs[1].Source.Table != "SigninLogs" {
		t.Errorf("%v", recs)
	}
}

func TestSetSource(t *testing.T) {
	for _, c := range []struct{ set, want Source }{
		{Source{}, Source{GraphAPI, "AuditLogs"}},
		{Source{GraphAPI, ""}, Source{GraphAPI, "AuditLogs"}},
		{Source{GraphAPI, "X"}, Source{GraphAPI, "X"}},
		{Source{Windows, ""}, Source{Windows, ""}},
	} {
		recs, _ := readAll(t, NewReader(strings.NewReader(ev1), ReaderOptions{Source: c.set}))
		if recs[0].Source != c.want {
			t.Errorf("set to %v: %v", c.set, recs[0].Source)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, in := range containers() {
		f.Add([]byte(in))
	}
	entries, _ := os.ReadDir("testdata/csv")
	for _, e := range entries {
		data, err := os.ReadFile("testdata/csv/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range formCases(f) {
		data, _ := json.Marshal(c.Event)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data), ReaderOptions{File: "f", MaxBytes: 8 << 20})
		defer r.Close()
		lines := bytes.Count(data, []byte("\n")) + 1
		packed := bytes.HasPrefix(data, []byte("\x1f\x8b")) || bytes.Contains(data[:min(4, len(data))], []byte("\xb5\x2f")) || bytes.Contains(data[:min(4, len(data))], []byte("\x2a\x4d")) ||
			bytes.IndexByte(data[:min(2, len(data))], 0) >= 0 || bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff"))
		for n := 0; ; n++ {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if n > len(data)+10 && !packed {
				t.Fatal("more records than bytes")
			}
			var re *RecordError
			if err != nil && !errors.As(err, &re) {
				t.Fatalf("%T %v", err, err)
			}
			line := rec.Line
			if re != nil {
				line = re.Line
			}
			if line < 1 || line > lines && !packed {
				t.Fatalf("line %d of %d", line, lines)
			}
			if err == nil {
				if _, err := json.Marshal(rec.Event); err != nil {
					t.Fatal(err)
				}
				if !rec.Time.IsZero() && rec.Time.Nanosecond()%1000 != 0 {
					t.Fatal(rec.Time)
				}
			}
		}
	})
}

// Lines that begin a value and close none are read a bounded number of times,
// not as often as there are such lines; good lines among and behind them are
// found, and the others named.
func TestUnclosedLines(t *testing.T) {
	unclosed := strings.Repeat("{\"a\":[\n", 20_000)
	for _, c := range []struct {
		name, in, ids, last string
	}{
		{"to the end", unclosed, "", "f:20000: the line ends inside a JSON value"},
		{"lists to the end", strings.Repeat("[\n", 20_000), "", "f:20001: the input ends inside a list"},
		{"good lines among", unclosed + ev1 + "\n" + unclosed + ev2, "g1 g2", "f:40001: the line ends inside a JSON value"},
		{"in a list", "[\n" + unclosed + "x}\n]\n" + ev2, "g2", "f:20001: the line ends inside a JSON value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, errs := read(t, c.in)
			var ids []string
			for _, r := range recs {
				ids = append(ids, r.ID)
			}
			if got := strings.Join(ids, " "); got != c.ids {
				t.Errorf("read %q, want %q", got, c.ids)
			}
			if last := errs[len(errs)-1]; !strings.HasPrefix(last, c.last) {
				t.Errorf("the last of %d errors: %s", len(errs), last)
			}
		})
	}
	// Good records make room again.
	r := NewReader(strings.NewReader(ev1+"\n"+indent(ev2)), ReaderOptions{})
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	r.next = (&jsonSource{Reader: r, rescanned: maxRescanned + 1}).next
	if recs, errs := readAll(t, r); len(recs) != 2 || len(errs) > 0 {
		t.Errorf("%d records, %q", len(recs), errs)
	}
}
