package benign

import (
	"iter"
	"slices"
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

// Events returns the month in order of time. Each call makes it anew.
func (t *Tenant) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		m := &month{Tenant: t, occasions: map[string]int{}}
		end := t.day(t.Options.Days)
		for n := range t.Options.Days {
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
		for _, e := range m.pending { // what the last day began
			if e.Time.Before(end.Add(12*time.Hour)) && !yield(e) {
				return
			}
		}
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
