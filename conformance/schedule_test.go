package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
	"github.com/rulewright/rulewright/sigma"
)

// scheduled is an exported analytics rule as the service runs it.
type scheduled struct {
	rule          *ir.Rule
	query         *kusto.Query
	printed       *backends.Query
	text          string
	every, period time.Duration
}

// TestSchedules runs exported analytics rules over random histories as the
// service does: every so often, over the last period, each event from when it
// has arrived. All runs together raise what a stream raises, and nothing twice.
func TestSchedules(t *testing.T) {
	sets, histories := max(20, *queryHistories/10), 10
	if testing.Short() {
		sets, histories = 2, 3
	}
	for _, typ := range StreamTypes() {
		if typ == sigma.Summary { // raises no alert
			continue
		}
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			r := NewRandomStream(*seed)
			r.Unit, r.Once = time.Minute, false // between runs, once is the grouping of incidents
			total := 0
			for range sets {
				p := newStreamPair(t, r, typ)
				var rules []scheduled
				for _, document := range reported(AsStored(p.q.Rules)) {
					for _, rule := range document {
						if rule.Correlation == nil {
							continue
						}
						if s, ok := exported(t, rule); ok {
							rules = append(rules, s)
						}
					}
				}
				for range histories {
					history := slices.DeleteFunc(r.History(), func(e event.Record) bool { return e.Time.IsZero() }) // a table's rows have a time
					arrives := make([]time.Time, len(history))
					for i, e := range history {
						arrives[i] = e.Time.Add(time.Duration(r.Int64N(int64(10 * time.Minute))))
					}
					want := map[string]int{}
					for _, h := range ReferenceStream(p.q.Rules, history, 0) {
						want[hitText(h.Rule, h.Time, h.Group, h.Tuple)]++
					}
					for _, s := range rules {
						got := s.run(t, history, arrives)
						for h, n := range got {
							if n != want[h] {
								t.Fatalf("%s: raised %d times, by the stream %d times\n%s\n%s\n%s", h, n, want[h], s.text, p.text, showHistory(history))
							}
						}
						for h := range want {
							if strings.HasPrefix(h, RuleKey(&s.rule.Meta)+" ") && got[h] == 0 {
								t.Fatalf("%s: not raised\n%s\n%s\n%s", h, s.text, p.text, showHistory(history))
							}
						}
						total += len(got)
					}
				}
			}
			t.Logf("%d histories, %d hits", sets*histories, total)
		})
	}
}

func hitText(rule string, t int64, group, tuple []string) string {
	return fmt.Sprintf("%s at %d of %q %q", rule, t, group, tuple)
}

// exported exports a correlation whose events stand whole in a column. Chains
// over such events can become longer than the service takes; they are left out.
func exported(t *testing.T, r *ir.Rule) (s scheduled, ok bool) {
	t.Helper()
	s.rule = r
	set, ds := sentinel.Export(sentinel.YAML, []sentinel.Input{{Rules: []*ir.Rule{r}}}, sentinel.Options{
		Every: 10 * time.Minute,
		Print: func(r *ir.Rule, target backends.Target) (*backends.Query, error) {
			target.Event, target.Time = "Event", "Time"
			q, err := backends.KQL(r, target)
			s.printed = q
			return q, err
		}})
	if errs := ds.Errors(); len(errs) == 1 && errs[0].Code == sigma.CodeLimit {
		return s, false
	}
	if ds.HasErrors() || len(set.Files) != 1 {
		t.Fatal(ds, set.Left)
	}
	var y struct {
		Query     string        `yaml:"query"`
		Frequency time.Duration `yaml:"queryFrequency"`
		Period    time.Duration `yaml:"queryPeriod"`
	}
	if err := yaml.Unmarshal(set.Files[0].Data, &y); err != nil {
		t.Fatal(err)
	}
	s.text, s.every, s.period = y.Query, y.Frequency, y.Period
	q, err := kusto.Parse(y.Query)
	if err != nil {
		t.Fatalf("%v\n%s", err, y.Query)
	}
	s.query = q
	return s, true
}

// run returns how often each hit is raised in all runs together.
func (s *scheduled) run(t *testing.T, history []event.Record, arrives []time.Time) map[string]int {
	t.Helper()
	got := map[string]int{}
	if len(history) == 0 {
		return got
	}
	first, last := history[0].Time, history[len(history)-1].Time
	for now := first.Truncate(time.Hour); !now.After(last.Add(s.period + s.every)); now = now.Add(s.every) {
		events := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "Event", Type: kusto.TypeDynamic}, {Name: "Time", Type: kusto.TypeDatetime}}}
		for i, e := range history {
			if e.Time.After(now) || !e.Time.After(now.Add(-s.period)) || arrives[i].After(now) {
				continue
			}
			v, err := asJSON(e.Event)
			if err != nil {
				t.Fatal(err)
			}
			events.Rows = append(events.Rows, []kusto.Value{int64(i), v, e.Time})
		}
		if len(events.Rows) == 0 {
			continue
		}
		out, err := s.query.Run(&kusto.Database{Tables: map[string]*kusto.Table{RandomStreamSource.Table: events}, Now: now})
		if err != nil {
			t.Fatalf("%v\n%s", err, s.text)
		}
		rows, err := queryRows(out, s.printed, s.rule)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			got[hitText(RuleKey(&s.rule.Meta), row.Time, row.Group, row.Tuple)]++
		}
	}
	return got
}
