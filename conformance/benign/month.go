package benign

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// timeLayout is how Log Analytics writes times.
const timeLayout = "2006-01-02T15:04:05.0000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

// month collects the events of a day until they are due.
type month struct {
	*Tenant
	pending   []Event
	occasions map[string]int
}

// lives are told one after the other for each day; each adds the events of its
// day, which may reach into the next ones.
var lives = []func(*month, int){
	(*month).signIns,
	(*month).audits,
	(*month).inboxRules,
	(*month).mailShots,
	(*month).mailFlow,
	(*month).bulkFiles,
	(*month).graphDaemons,
	(*month).principals,
	(*month).azure,
	(*month).endpoints,
	(*month).alerts,
	(*month).risks,
	(*month).cloudApps,
	(*month).snapshots,
}

// HistoryDays is how far before the month its history begins.
const HistoryDays = 14

// Events returns the month in order of time. Each call makes it anew.
func (t *Tenant) Events() iter.Seq[Event] { return t.tell(0, t.Options.Days, lives) }

// History returns the sign-ins of the two weeks before the month, in order of
// time: what baselines know when the month begins, since a rule pack comes to
// where logs are already. Other tables have none.
func (t *Tenant) History() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range t.tell(-HistoryDays, 0, []func(*month, int){(*month).signIns}) {
			if strings.HasPrefix(e.Table, "S") || strings.HasPrefix(e.Table, "AADNon") {
				if !yield(e) {
					return
				}
			}
		}
	}
}

func (t *Tenant) tell(from, to int, lives []func(*month, int)) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		m := &month{Tenant: t, occasions: map[string]int{}}
		for n := from; n < to; n++ {
			for _, life := range lives {
				life(m, n)
			}
			slices.SortStableFunc(m.pending, func(a, b Event) int { return a.Time.Compare(b.Time) })
			until := t.day(n + 1)
			due := 0
			for due < len(m.pending) && m.pending[due].Time.Before(until) {
				if !yield(m.pending[due]) {
					return
				}
				due++
			}
			m.pending = slices.Delete(m.pending, 0, due)
		}
		// What the last day began and another one would see the end of is left out.
	}
}

// occasion begins something that several records tell.
type occasion struct {
	kind string
	n    int
}

func (m *month) begin(kind string) occasion {
	m.occasions[kind]++
	return occasion{kind, m.occasions[kind]}
}

// everyday is an occasion of which each record is one of its own.
func everyday(kind string) occasion { return occasion{kind: kind} }

// add takes a record. The time in it is the event's.
func (m *month) add(o occasion, at time.Time, table string, record map[string]any) {
	m.pending = append(m.pending, Event{Time: at.UTC().Truncate(time.Microsecond), Table: table, Kind: o.kind, Occasion: o.n, Record: record})
}
