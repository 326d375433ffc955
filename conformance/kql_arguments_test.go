package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLArguments: a number, a length of time, hours and a zone that are given
// when a query is called mean what they mean in the profile; without one the
// query finds nothing.
func TestKQLArguments(t *testing.T) {
	at := func(text string) kusto.Value {
		v, err := time.Parse("2006-01-02T15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	table := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "TimeGenerated", Type: kusto.TypeDatetime}, {Name: "CreatedDateTime", Type: kusto.TypeDatetime},
		{Name: "ResultType", Type: kusto.TypeString}, {Name: "ProcessingTimeInMilliseconds", Type: kusto.TypeString}, {Name: "DeviceDetail", Type: kusto.TypeDynamic}, {Name: "AutonomousSystemNumber", Type: kusto.TypeString}}}
	var events []map[string]any
	for i, c := range []struct {
		at, created, result string
		n                   any
	}{
		{"2026-03-27T07:59:59", "2026-03-26T08:00:00", "5", 5.0},   // a Friday in winter: 08:59 in Berlin
		{"2026-03-27T16:59:59", "2026-03-20T16:59:59", "50126", 4}, // 17:59
		{"2026-03-27T17:00:00", "2026-03-20T16:59:59", "", "5"},    // 18:00
		{"2026-03-28T10:00:00", "2026-03-28T10:00:00", "x", nil},   // a Saturday
		{"2026-03-29T22:30:00", "", "5.5", "5.0"},                  // a Sunday in summer: Monday, 00:30
		{"2026-03-30T05:59:59", "2026-02-01T00:00:00", "-1", 6.5},  // Monday, 07:59
		{"2026-03-30T06:00:00", "2026-02-01T00:00:00", "5", true},  // 08:00
		{"2026-03-31T03:59:00", "2026-03-31T03:59:00", "6", "x"},   // Tuesday, 05:59
		{"2026-03-31T22:00:00", "2026-03-24T21:59:59", "0005", -5}, // Wednesday, 00:00
		{"", "2026-03-24T21:59:59", "50126", 5},
	} {
		when := func(text string) (kusto.Value, any) {
			if text == "" {
				return nil, nil
			}
			return at(text), text + "Z"
		}
		t1, e1 := when(c.at)
		t2, e2 := when(c.created)
		table.Rows = append(table.Rows, []kusto.Value{int64(i), t1, t2, c.result, "", map[string]any{"n": c.n}, ""})
		events = append(events, map[string]any{"TimeGenerated": e1, "CreatedDateTime": e2, "ResultType": c.result, "DeviceDetail": map[string]any{"n": c.n}})
	}
	for _, c := range []struct{ typ, item, kusto, value, literal string }{
		{"number", "ResultType|expand: '%p%'", "real", "5", "5"},
		{"number", "ResultType|lt: '%p%'", "real", "5.5", "5.5"},
		{"number", "DeviceDetail.n|expand: '%p%'", "real", "5", "5"},
		{"number", "DeviceDetail.n|expand: ['%p%', x]", "real", "4", "4"},
		{"number", "DeviceDetail.n|neq|expand: '%p%'", "real", "5", "5"},
		{"number", "DeviceDetail.n|gte: '%p%'", "real", "-5", "-5"},
		{"number", "TimeGenerated|hour=Europe/Berlin|gte: '%p%'", "real", "8", "8"},
		{"duration", "TimeGenerated|since=CreatedDateTime|gt: '%p%'", "timespan", "7d", "7d"},
		{"duration", "TimeGenerated|since=CreatedDateTime|lte: '%p%'", "timespan", "1d", "86400s"},
		{"zone", "TimeGenerated|hour=%p%|gte: 8", "string", "Europe/Berlin", `"Europe/Berlin"`},
		{"zone", "TimeGenerated|weekday=%p%: 1", "string", "Asia/Kolkata", `"Asia/Kolkata"`},
		{"hours", "TimeGenerated|within: '%p%'", "string", "Mon-Fri 08:00-18:00 Europe/Berlin", `"Mon-Fri 08:00-18:00 Europe/Berlin"`},
		{"hours", "TimeGenerated|outside: '%p%'", "string", "Mon-Fri 08:00-18:00 Europe/Berlin", `"Mon-Fri 08:00-18:00 Europe/Berlin"`},
		{"hours", "TimeGenerated|outside: '%p%'", "string", "08:00-18:00", `"08:00-18:00"`},
		{"hours", "TimeGenerated|within: '%p%'", "string", "sat-Mon,wed 18:00-08:00 Europe/Berlin", `" sat-Mon,wed 18:00-08:00  Europe/Berlin "`},
		{"hours", "TimeGenerated|within: '%p%'", "string", "Sun 00:00-24:00 America/New_York", `"Sun 0:00-24:00 America/New_York"`},
		{"hours", "TimeGenerated|within: '%p%'", "string", "Tue-Tue 21:00-00:00", `"Tue-Tue 21:00-00:00"`},
	} {
		for _, condition := range []string{"s", "not s"} {
			docs, ds := sigma.Parse("r.yaml", []byte("rulewright: 1\ntitle: t\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: 1.0.0\nlevel: low\ntier: hunt\n"+
				"parameters: [{name: p, type: "+c.typ+"}]\nlogsource: {product: azure, service: signinlogs}\ndetection:\n  s:\n    "+c.item+"\n  condition: "+condition+"\n"))
			if ds.HasErrors() {
				t.Fatal(c.item, ds)
			}
			filled, err := (*compiler.Profile)(nil).WithValue("p", c.value)
			if err != nil {
				t.Fatal(err)
			}
			lower := func(opts compiler.Options) *ir.Rule {
				opts.Pipeline = mustBuiltin(t, "sentinel")
				rules, ds := compiler.Lower(docs[0], opts)
				if ds.HasErrors() || len(rules) != 1 {
					t.Fatal(c.item, rules, ds)
				}
				return rules[0]
			}
			var want []int
			known := lower(compiler.Options{Profile: filled})
			for i, ev := range events {
				if Reference(known.Predicate(), ev) {
					want = append(want, i)
				}
			}
			asked := lower(compiler.Options{Ask: true})
			if !slices.Equal(asked.Asks(), []string{"p"}) || len(asked.Examples()) > 0 {
				t.Fatal(c.item, asked.Asks(), asked.Examples())
			}
			if _, err := compiler.CEL(asked); err == nil {
				t.Errorf("%s: CEL has the value", c.item)
			}
			q, err := backends.KQL(asked, backends.Target{})
			if err != nil {
				t.Fatal(c.item, err)
			}
			call := func(literal string) []int {
				query, err := kusto.Parse("let F = (p:" + c.kusto + ") {\n" + q.Text + "\n};\nF(" + literal + ")")
				if err != nil {
					t.Fatalf("%s: %v\n%s", c.item, err, q.Text)
				}
				out, err := query.Run(&kusto.Database{Tables: map[string]*kusto.Table{"SigninLogs": table}})
				if err != nil {
					t.Fatalf("%s: %v\n%s", c.item, err, q.Text)
				}
				var rows []int
				for _, n := range out.Column(kqlRow) {
					rows = append(rows, int(n.(int64)))
				}
				return rows
			}
			if got := call(c.literal); !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("%s, %s with %s: rows %v, want %v\n%s", condition, c.item, c.literal, got, want, q.Text)
			}
			nothing := map[string][]string{"real": {"real(null)"}, "timespan": {"timespan(null)"}, "string": {`""`}}[c.kusto]
			if c.typ == "hours" {
				nothing = append(nothing, `"Mon-Fri"`, `"08:00-08:00"`, `"24:00-08:00"`, `"Fre 08:00-09:00"`, `"08:00-24:30"`, `"08:00-09:00 UTC; 10:00-11:00 UTC"`)
			}
			for _, literal := range nothing {
				if got := call(literal); len(got) > 0 {
					t.Errorf("%s, %s with %s: rows %v", condition, c.item, literal, got)
				}
			}
		}
	}
}
