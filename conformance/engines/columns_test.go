package engines

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// TestJoinedColumns asks about fields that a table keeps in several columns, or
// in other words.
func TestJoinedColumns(t *testing.T) {
	hashes := &ir.Join{By: ",", Parts: []ir.JoinPart{{Column: "md5", Before: "MD5="}, {Column: "sha1", Before: "SHA1="}, {Column: "sha256", Before: "SHA256="}}}
	registry := &ir.Join{By: `\`, Parts: []ir.JoinPart{
		{Column: "key", Prefixes: []ir.Replacement{{From: `HKEY_LOCAL_MACHINE\`, To: `HKLM\`}, {From: `HKEY_USERS\`, To: `HKU\`}}},
		{Column: "value", Blank: "-"}}}
	started := &ir.Join{Parts: []ir.JoinPart{{Column: "action", Texts: []ir.Replacement{{From: "ConnectionSuccess", To: "true"}, {From: "Failed", To: "false"}}}}}
	managed := &ir.Join{Parts: []ir.JoinPart{{Column: "managed", Type: ir.TypeInt, Texts: []ir.Replacement{{From: "1", To: "true"}, {From: "0", To: "false"}}}}}
	type row = map[string]any
	cases := []struct {
		join *ir.Join
		row  row
		want any // nil: there is none
	}{
		{hashes, row{"md5": "a", "sha256": "c'"}, "MD5=a,SHA256=c'"},
		{hashes, row{"md5": "a", "sha1": "b", "sha256": "c"}, "MD5=a,SHA1=b,SHA256=c"},
		{hashes, row{"md5": "", "sha1": "b"}, "SHA1=b"},
		{hashes, row{"md5": "", "sha1": nil}, nil},
		{registry, row{"key": `hkey_local_machine\SOFTWARE\x`, "value": "Run"}, `HKLM\SOFTWARE\x\Run`},
		{registry, row{"key": `HKEY_LOCAL_MACHINE\%_`, "value": "-"}, `HKLM\%_`},
		{registry, row{"key": `HKEY_USERS\S-1`}, `HKU\S-1`},
		{registry, row{"key": `HKEYxUSERS\S-1`}, `HKEYxUSERS\S-1`},
		{registry, row{"value": "Run"}, "Run"},
		{registry, row{"value": "-"}, nil},
		{started, row{"action": "connectionSUCCESS"}, "true"},
		{started, row{"action": "Failed"}, "false"},
		{started, row{"action": "Blocked"}, nil},
		{started, row{}, nil},
		{managed, row{"managed": 1}, "true"},
		{managed, row{"managed": 0}, "false"},
		{managed, row{"managed": -1}, nil},
		{managed, row{}, nil},
	}
	var columns []Column
	for _, name := range []string{"md5", "sha1", "sha256", "key", "value", "action"} {
		columns = append(columns, Column{name, ir.TypeString})
	}
	columns = append(columns, Column{"managed", ir.TypeInt})
	for _, o := range open(t) {
		t.Run(o.name, func(t *testing.T) {
			if o.err != nil {
				t.Skip(o.err)
			}
			table, err := o.Table("joined", columns)
			if err != nil {
				t.Fatal(err)
			}
			var questions []conformance.Question
			var want []bool
			ask := func(j *ir.Join, row row, op ir.Op, cased, holds bool, values ...ir.Value) {
				f := ir.Field{Name: "whole", Path: ir.Path{{Key: "whole"}}, Column: "whole", ColumnType: ir.TypeString, Type: ir.TypeString, Join: j}
				m := &ir.Match{Field: f, Op: op, Cased: cased, Values: values}
				for _, negated := range []bool{false, true} {
					e := ir.Expr(m)
					if negated {
						e = &ir.Not{X: m}
					}
					questions = append(questions, conformance.Question{Rule: &ir.Rule{When: e}, Events: []any{row}})
					want = append(want, holds != negated)
				}
			}
			for _, c := range cases {
				ask(c.join, c.row, ir.Null, false, c.want == nil)
				if text, ok := c.want.(string); ok {
					ask(c.join, c.row, ir.Equal, true, true, ir.String(text))
					ask(c.join, c.row, ir.Equal, false, true, ir.String(strings.ToUpper(text)))
					ask(c.join, c.row, ir.EndsWith, false, false, ir.String("?"+text))
					ask(c.join, c.row, ir.Contains, false, true, ir.String(text[1:]))
				}
			}
			for i, a := range table.Batch(context.Background(), questions) {
				if a.Err != nil || a.Verdicts[0].Match != want[i] {
					t.Errorf("%s of %v: %v, %v\n%s", ir.Print(questions[i].Rule.When), questions[i].Events[0], a.Verdicts, a.Err, clip(a.Text))
				}
			}
		})
	}
}

// TestEntities: a column for each entity, a row for each element of a list.
func TestEntities(t *testing.T) {
	field := func(spec string) ir.Field {
		f, err := ir.ParseFieldSpec(spec)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	rule := &ir.Rule{When: &ir.Match{Field: field("kind"), Op: ir.Equal, Values: []ir.Value{ir.String("x")}}}
	rule.Source.Table = "happenings"
	for _, e := range [][2]string{{"account", "by.user"}, {"ip", "address"}, {"app", "targets.id"}, {"account", "targets.name"}} {
		rule.Entities = append(rule.Entities, ir.EntityField{Type: e[0], Field: field(e[1])})
	}
	single := func(f *ir.Field, n int) {
		for i := range n {
			f.Path[i].Single = true
		}
	}
	for _, i := range []int{0, 1} {
		rule.Entities[i].Field.Path = ir.Path{}
		for key := range strings.SplitSeq(rule.Entities[i].Field.Name, ".") {
			rule.Entities[i].Field.Path = append(rule.Entities[i].Field.Path, ir.Step{Key: key})
		}
		single(&rule.Entities[i].Field, len(rule.Entities[i].Field.Path))
	}
	for _, i := range []int{2, 3} {
		_, key, _ := strings.Cut(rule.Entities[i].Field.Name, ".")
		rule.Entities[i].Field.Path = ir.Path{{Key: "targets"}, {Key: key, Single: true}}
	}
	events := []string{
		`{"kind": "x", "by": {"user": "Mia"}, "address": "10.0.0.1:52378", "targets": [{"id": 1, "name": "one"}, [{"id": "2"}]]}`,
		`{"kind": "x", "by": {"user": null}, "address": "[2603::1]:30943", "targets": {"id": true}}`,
		`{"kind": "X", "address": "2603::1"}`,
		`{"kind": "x", "address": "host:80", "targets": []}`,
		`{"kind": "y", "by": {"user": "no"}}`,
	}
	want := []string{"Mia 10.0.0.1 1 one", "Mia 10.0.0.1 2 -", "- 2603::1 true -", "- 2603::1 - -", "- host:80 - -"}
	engines := open(t)
	if plain, err := SQLite(false); err == nil {
		defer plain.Close()
		engines = append(engines, opened{name: "sqlite without REGEXP", Engine: plain})
	}
	for _, o := range engines {
		t.Run(o.name, func(t *testing.T) {
			if o.err != nil {
				t.Skip(o.err)
			}
			query, err := backends.SQL(rule, o.Dialect, backends.Target{Event: eventColumn, Entities: true})
			if o.name == "clickhouse" {
				if err == nil {
					t.Error("ClickHouse has no rows of an earlier table's columns, and they are not refused")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.db.Exec("CREATE TEMPORARY TABLE happenings (event " + o.Dialect.ColumnType(ir.TypeJSON) + ")"); err != nil {
				t.Fatal(err)
			}
			for _, ev := range events {
				if _, err := o.db.Exec("INSERT INTO happenings VALUES ("+o.placeholder(1)+")", ev); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := o.db.Query(query.Text)
			if err != nil {
				t.Fatalf("%v\n%s", err, query.Text)
			}
			defer rows.Close()
			var got []string
			for rows.Next() {
				into := make([]any, 1+len(query.Entities))
				for i := range into {
					into[i] = new(any)
				}
				if err := rows.Scan(into...); err != nil {
					t.Fatal(err)
				}
				var texts []string
				for _, v := range into[1:] {
					if v := *v.(*any); v == nil {
						texts = append(texts, "-")
					} else {
						texts = append(texts, fmt.Sprint(v))
					}
				}
				got = append(got, strings.Join(texts, " "))
			}
			slices.Sort(got)
			expected := slices.Sorted(slices.Values(want))
			if !slices.Equal(got, expected) {
				t.Errorf("%q\nwant %q\n%s", got, expected, clip(query.Text))
			}
			var names []string
			for _, e := range query.Entities {
				names = append(names, e.Column)
			}
			if got := strings.Join(names, " "); got != "Account_1 IP_1 App_1 Account_2" {
				t.Error(got)
			}
		})
	}
}
