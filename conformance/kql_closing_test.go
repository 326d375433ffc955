package conformance

import (
	"testing"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// TestKQLClosing: a hit that is made a row of its last event is the same hit, and
// the columns are all of the last event of its window.
func TestKQLClosing(t *testing.T) {
	for _, typ := range StreamTypes() {
		if typ == sigma.Summary {
			continue
		}
		r := NewRandomStream(*seed)
		r.Unit = time.Second
		hits, refused := 0, 0
		for range 6 {
			p := newStreamPair(t, r, typ)
			for range 5 {
				history := r.History()
				table := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "Event", Type: kusto.TypeDynamic}, {Name: "Time", Type: kusto.TypeDatetime}}}
				for i, e := range history {
					v, err := asJSON(e.Event)
					if err != nil {
						t.Fatal(err)
					}
					table.Rows = append(table.Rows, []kusto.Value{int64(i), v, e.Time})
				}
				for _, rule := range AsStored(p.q.Rules) {
					if rule.Correlation == nil {
						continue
					}
					plain, err := backends.KQL(rule, backends.Target{Event: "Event", Time: "Time"})
					if err != nil {
						t.Fatal(err)
					}
					closing, err := backends.KQL(rule, backends.Target{Event: "Event", Time: "Time", Closing: []string{"Timestamp", kqlRow}})
					if err != nil {
						refused++ // over correlations
						continue
					}
					run := func(text string) *kusto.Table {
						parsed, err := kusto.Parse(text)
						if err != nil {
							t.Fatalf("%v\n%s", err, text)
						}
						out, err := parsed.Run(&kusto.Database{Tables: map[string]*kusto.Table{RandomStreamSource.Table: table}})
						if err != nil {
							t.Fatalf("%v\n%s", err, text)
						}
						return out
					}
					want, got := run(plain.Text), run(closing.Text)
					if len(got.Rows) != len(want.Rows) || closing.Time != "Timestamp" {
						t.Fatalf("%d rows, want %d\n%s", len(got.Rows), len(want.Rows), closing.Text)
					}
					for i, n := range got.Column(kqlRow) {
						last := history[n.(int64)].Time.Truncate(time.Microsecond)
						at, seen := got.Column("Timestamp")[i].(kusto.Datetime).Time(), got.Column("LastSeen")[i].(kusto.Datetime).Time()
						if !at.Equal(last) || !seen.Equal(last) {
							t.Fatalf("the last event is of %v, Timestamp %v, LastSeen %v\n%s", last, at, seen, closing.Text)
						}
					}
					hits += len(got.Rows)
				}
			}
		}
		t.Logf("%s: %d hits, %d queries refused", typ, hits, refused)
		if hits == 0 {
			t.Errorf("%s: no hits", typ)
		}
	}
}
