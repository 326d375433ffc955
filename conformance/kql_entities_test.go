package conformance

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
)

// addressPort is an address with a port or brackets.
var addressPort = regexp.MustCompile(`\A(?:\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+)\z`)

// exportedRule is a plain rule as an analytics rule or hunting query says it.
type exportedRule struct {
	query   *kusto.Query
	text    string
	printed *backends.Query
	rule    *ir.Rule // as it was printed, with the fields of its entities
}

// exportPlain exports a plain rule that was lowered for a table of Sentinel.
func exportPlain(t *testing.T, r *ir.Rule) *exportedRule {
	t.Helper()
	x := &exportedRule{}
	for _, format := range []sentinel.Format{sentinel.YAML, sentinel.HuntingYAML} {
		set, ds := sentinel.Export(format, []sentinel.Input{{Rules: []*ir.Rule{r}}}, sentinel.Options{
			Print: func(r *ir.Rule, target backends.Target) (*backends.Query, error) {
				q, err := backends.KQL(r, target)
				x.printed, x.rule = q, r
				return q, err
			}})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		if len(set.Files) == 0 {
			continue
		}
		var y struct {
			Query string `yaml:"query"`
		}
		if err := yaml.Unmarshal(set.Files[0].Data, &y); err != nil {
			t.Fatal(err)
		}
		q, err := kusto.Parse(y.Query)
		if err != nil {
			t.Fatalf("%v\n%s", err, y.Query)
		}
		x.query, x.text = q, y.Query
		return x
	}
	t.Fatalf("%s is in no format", r.Meta.Title)
	return nil
}

// row runs the query over a table of one event that has just arrived and returns
// the one row, nil for none.
func (x *exportedRule) row(t *testing.T, q *eventQuestion) map[string]string {
	t.Helper()
	each := *x.rule // with all columns that the query reads
	var fields ir.Or
	for _, e := range x.rule.Entities {
		fields.X = append(fields.X, &ir.Match{Field: e.Field, Op: ir.Exists})
	}
	if x.rule.Once != nil {
		for _, f := range x.rule.Once.By {
			fields.X = append(fields.X, &ir.Match{Field: f, Op: ir.Exists})
		}
	}
	each.When = &ir.And{X: []ir.Expr{x.rule.When, &fields}}
	table, err := typedTable(&each, []any{q.event})
	if err != nil {
		t.Fatal(err)
	}
	at, ok := event.Time(q.event, q.source)
	if !ok {
		at = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	}
	table.Columns = append(table.Columns, kusto.Column{Name: kusto.IngestionTime, Type: kusto.TypeDatetime})
	table.Rows[0] = append(table.Rows[0], at.Add(time.Minute))
	out, err := x.query.Run(&kusto.Database{Tables: map[string]*kusto.Table{x.printed.Table: table}, Now: at.Add(2 * time.Minute)})
	if err != nil {
		t.Fatalf("%v\n%s", err, x.text)
	}
	if len(out.Rows) > 1 {
		t.Fatalf("%s: one event is %d rows\n%s", x.rule.Meta.Title, len(out.Rows), x.text)
	}
	if len(out.Rows) == 0 {
		return nil
	}
	row := map[string]string{}
	for i, c := range out.Columns {
		if s, ok := out.Rows[0][i].(string); ok {
			row[c.Name] = s
		}
	}
	return row
}

// TestExportedRows runs the exported query of each plain rule of the pack over
// the events of its fixtures: an event that is a hit is one row, another none,
// and the columns of the entities hold what Hit.Entities tells, of an entity in a
// list the first of its different values.
func TestExportedRows(t *testing.T) {
	fixtures, ds := Load(Fixtures, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	pipeline, err := compiler.BuiltinPipeline("sentinel")
	if err != nil {
		t.Fatal(err)
	}
	events, hits, listed := 0, 0, 0
	for n, f := range fixtures {
		if f.Rule() == nil || f.Rule().Correlation != nil || f.Rule().Meta.ID == "" || testing.Short() && n%5 != 0 {
			continue
		}
		exports := map[string]*exportedRule{}
		for i := range f.Cases {
			c := &f.Cases[i]
			if f.isHistory(c) || c.Expect == ExpectNotRun {
				continue
			}
			questions, err := f.questions(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range questions {
				if q.source.Form != event.LogAnalytics || len(q.rules) == 0 {
					continue
				}
				table := q.rules[0].Source.Table
				key := fmt.Sprint(table, c.Profile)
				x := exports[key]
				if x == nil {
					opts := q.options
					opts.Pipeline, opts.Table = pipeline, table
					rules, ds := compiler.Lower(q.document, opts)
					at := slices.IndexFunc(rules, func(r *ir.Rule) bool { return r.Source.Table == table })
					if ds.HasErrors() || at < 0 {
						continue // the workspace has no such table
					}
					x = exportPlain(t, rules[at])
					exports[key] = x
				}
				events++
				row := x.row(t, &q)
				set, ds := compiler.NewRuleSetOf(q.rules, compiler.RuleSetOptions{})
				if ds.HasErrors() {
					t.Fatal(ds)
				}
				found, err := set.MatchAs(q.source, q.event)
				if err != nil {
					t.Fatal(err)
				}
				if len(found) > 0 != (row != nil) {
					t.Errorf("%s:%d: %s: event %d: %d hits, the exported query has a row: %t\n%s", f.File, c.Pos.Line, c.Name, q.number, len(found), row != nil, x.text)
				}
				if len(found) == 0 || row == nil {
					continue
				}
				hits++
				listed += x.compare(t, fmt.Sprintf("%s:%d: %s: event %d", f.File, c.Pos.Line, c.Name, q.number), found[0].Entities(), q.rules[0], row)
			}
		}
	}
	t.Logf("%d events, %d hits, %d entities in lists", events, hits, listed)
	if hits < 100 || listed < 20 {
		t.Error("too few")
	}
}

// compare holds the entity columns of a row to the entities of a hit. Where the
// export takes the identifier beside a name there is nothing to compare. It
// returns how many of the entities have several columns.
func (x *exportedRule) compare(t *testing.T, where string, entities []compiler.Entity, rule *ir.Rule, row map[string]string) (listed int) {
	t.Helper()
	for i, e := range x.rule.Entities {
		if !slices.ContainsFunc(rule.Entities, func(o ir.EntityField) bool { return o.Type == e.Type && o.Field.Name == e.Field.Name }) {
			continue
		}
		var want, got []string
		for _, w := range entities {
			if v := w.Value; w.Type == e.Type && w.Field == e.Field.Name {
				if e.Type == "ip" {
					v = addressPort.ReplaceAllString(v, "$1$2")
				}
				if !slices.Contains(want, v) {
					want = append(want, v)
				}
			}
		}
		columns := 0
		for _, c := range x.printed.Entities {
			if c.Index == i {
				columns++
				if v := row[c.Column]; v != "" {
					got = append(got, v)
				}
			}
		}
		if columns > 1 {
			listed++
			want = want[:min(len(want), backends.KQLEntityValues)]
		}
		if columns > 0 && !slices.EqualFunc(want, got, strings.EqualFold) {
			t.Errorf("%s: %s is %q, of the hit %q\n%s", where, cmp.Or(e.Field.Name, e.Type), got, want, x.text)
		}
	}
	return listed
}
