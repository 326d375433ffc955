package conformance

import (
	"fmt"
	"slices"
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
	delay, known  time.Duration
}

// TestSchedules runs exported analytics rules over random histories as the
// service does: every so often, over the last period, each event from when it
// has arrived. All runs together raise what a stream raises, and nothing twice.
// Of a rule with once the one exception is a key that went on without a pause for
// longer than the query sees: a stream raises it again and again, the query not.
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
			total, once, unseen := 0, 0, 0
			for i := range sets {
				r.Unit, r.Units, r.Events = time.Minute, 40, 30
				switch {
				case i == 1: // keys go on for longer than a query sees
					r.Units, r.Events = 160, 90
				case i == 9: // a query sees once over no more than its length
					r.Unit, r.Units = time.Hour, 24
				}
				p := newStreamPair(t, r, typ)
				var rules []scheduled
				for _, document := range reported(AsStored(p.q.Rules)) {
					for _, rule := range document {
						if rule.Correlation == nil && rule.Once == nil {
							continue
						}
						if s, ok := exported(t, rule); ok {
							rules = append(rules, s)
						}
					}
				}
				for n := range histories {
					if r.Unit == time.Hour && n == 2 { // many runs
						break
					}
					history := slices.DeleteFunc(r.History(), func(e event.Record) bool { return e.Time.IsZero() }) // a table's rows have a time
					arrives, inOrder := make([]time.Time, len(history)), make([]time.Time, len(history))
					for i, e := range history {
						arrives[i] = e.Time.Add(time.Duration(r.Int64N(int64(10 * time.Minute))))
						if inOrder[i] = arrives[i]; i > 0 && inOrder[i].Before(inOrder[i-1]) {
							inOrder[i] = inOrder[i-1]
						}
					}
					want := map[string]*StreamHit{}
					for _, h := range ReferenceStream(p.q.Rules, history, 0) {
						want[h.Identity()] = &h
					}
					all := ReferenceStream(withoutOnce(p.q.Rules), history, 0)
					for _, s := range rules {
						arrival := arrives
						if s.rule.Correlation == nil { // a correlation waits for what is late
							arrival = inOrder
						}
						got := s.run(t, history, arrival)
						for h, n := range got {
							if n != 1 || want[h] == nil {
								t.Fatalf("%s: raised %d times, by the stream: %t\n%s\n%s\n%s", h, n, want[h] != nil, s.text, p.text, showHistory(history))
							}
						}
						for id, h := range want {
							if h.Rule != RuleKey(&s.rule.Meta) || got[id] > 0 {
								continue
							}
							if s.rule.Once == nil || s.sees(h, all, history) {
								t.Fatalf("%s: not raised\n%s\n%s\n%s", id, s.text, p.text, showHistory(history))
							}
							unseen++
						}
						if total += len(got); s.rule.Once != nil {
							once += len(got)
						}
					}
				}
			}
			t.Logf("%d histories, %d hits, %d of them with once, and %d that went on for longer than a query sees", sets*histories, total, once, unseen)
			if unseen > once/4 {
				t.Error("too much is left out to say much")
			}
		})
	}
}

// withoutOnce returns the rules without their once.
func withoutOnce(rules []*ir.Rule) []*ir.Rule {
	var out []*ir.Rule
	for _, r := range rules {
		c := *r
		c.Once = nil
		out = append(out, &c)
	}
	return out
}

// sees reports whether the query of a rule with once must know of a hit that it
// is raised: what comes before it of its key, back to the last pause, is within
// what the query sees.
func (s *scheduled) sees(h *StreamHit, all []StreamHit, history []event.Record) bool {
	key := s.key(h, history)
	since := h.Time
	for i := len(all) - 1; i >= 0; i-- {
		if x := &all[i]; x.Rule == h.Rule && x.Time <= since && s.key(x, history) == key {
			if since-x.Time > s.rule.Once.For {
				break
			}
			since = x.Time
		}
	}
	run := h.Time + (s.every + s.delay).Microseconds() // the last that may raise it
	return since-s.rule.Once.For > run-s.known.Microseconds()
}

// key is the key of a hit, as once has it.
func (s *scheduled) key(h *StreamHit, history []event.Record) string {
	var key []string
	for _, f := range s.rule.Once.By {
		if s.rule.Correlation != nil {
			key = append(key, h.Group[slices.Index(s.rule.Correlation.GroupBy, f.Name)])
			continue
		}
		at := slices.IndexFunc(history, func(e event.Record) bool { return e.ID == h.Event })
		values := texts(scalars(f, history[at].Event))
		slices.Sort(values)
		key = append(key, fmt.Sprintf("%q", slices.Compact(values)))
	}
	return fmt.Sprintf("%q", key)
}

// exported exports a rule whose events stand whole in a column. Chains
// over such events can become longer than the service takes; they are left out.
func exported(t *testing.T, r *ir.Rule) (s scheduled, ok bool) {
	t.Helper()
	s.rule = r
	set, ds := sentinel.Export(sentinel.YAML, []sentinel.Input{{Rules: []*ir.Rule{r}}}, sentinel.Options{
		Every: 10 * time.Minute,
		Print: func(r *ir.Rule, target backends.Target) (*backends.Query, error) {
			target.Event, target.Time = "Event", "Time"
			q, err := backends.KQL(r, target)
			s.printed, s.delay, s.known = q, target.Until, target.Known
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
		events := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "Event", Type: kusto.TypeDynamic}, {Name: "Time", Type: kusto.TypeDatetime},
			{Name: kusto.IngestionTime, Type: kusto.TypeDatetime}}}
		for i, e := range history {
			if e.Time.After(now) || !e.Time.After(now.Add(-s.period)) || arrives[i].After(now) {
				continue
			}
			v, err := asJSON(e.Event)
			if err != nil {
				t.Fatal(err)
			}
			events.Rows = append(events.Rows, []kusto.Value{int64(i), v, e.Time, arrives[i]})
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
			h := StreamHit{Rule: RuleKey(&s.rule.Meta), Time: row.Time, Group: row.Group, Tuple: row.Tuple}
			if s.rule.Correlation == nil {
				h.Event, h.Time = history[row.Event].ID, micros(history[row.Event].Time)
			}
			got[h.Identity()]++
		}
	}
	return got
}
