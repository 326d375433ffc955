// Package benign makes a month in the life of an organisation that nothing bad
// happens to, as the events that its logs would hold: what a rule pack has to
// be quiet about.
//
// The organisation is Contoso: 1,000 accounts, 20 of them administrators', and
// 150 applications; offices in Munich, Hamburg and Vienna, people at home, on
// trains and abroad. The month begins on Monday 4 May 2026 and has a holiday
// (14 May) and a week of holidays (25 to 31 May) in it. Strangers try passwords
// from the internet all day, in vain, as at every tenant. Everything follows from
// the seed: the same options give the same events on every machine. All
// addresses are documentation's (RFC 5737, RFC 3849, RFC 5398), all domains
// contoso's or example ones.
//
// An event is a row of a Log Analytics table, with its Type, or an object of a
// directory snapshot. Each has a kind, which says what happened in life, such as
// secret-rotation-out-of-hours, so that tests can count what the month holds
// and say what a hit was on.
package benign

import (
	"iter"
	"time"
)

// Options choose the month. The zero value is the stated one.
type Options struct {
	// Seed decides everything that chance decides. 0 stands for 1.
	Seed uint64
	// Start is the first midnight in the organisation's time, two hours ahead
	// of UTC; its weekday is taken as it is. Zero is 4 May 2026.
	Start time.Time
	// Days is the length; 0 stands for 30.
	Days int
	// Users is the number of accounts, administrators' and all; 0 stands for
	// 1,000. Fewer than 100 are 100.
	Users int
}

// The stated month.
const (
	DefaultUsers = 1000
	DefaultDays  = 30
)

func (o Options) filled() Options {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 5, 4, 0, 0, 0, 0, Zone)
	}
	o.Start = o.Start.In(Zone).Truncate(time.Second)
	if o.Days <= 0 {
		o.Days = DefaultDays
	}
	if o.Users == 0 {
		o.Users = DefaultUsers
	}
	o.Users = max(o.Users, 100)
	return o
}

// Zone is the organisation's time. It does not change with the seasons, so that
// the month needs no time zone database; in May and June it is that of Berlin.
var Zone = time.FixedZone("CEST", 2*60*60)

// Event is one record.
type Event struct {
	Time time.Time // in UTC
	// Table is the Log Analytics table, or the source of a snapshot such as
	// graph:applications.
	Table string
	// Kind says what happened, and Occasion which time it was of its kind,
	// from 1: the records of one onboarding share it. It is 0 for everyday
	// kinds, of which each record is an occasion of its own.
	Kind     string
	Occasion int
	// Record is the row. It is the caller's: nothing else refers to it but
	// what must not be changed, nested objects and lists.
	Record map[string]any
}

// Events returns the month in order of time.
func Events(o Options) iter.Seq[Event] {
	return New(o).Events()
}

// Counts returns how many occasions and how many records of each kind the
// month has, and how many records of each table.
func Counts(events iter.Seq[Event]) (kinds map[string]Count, tables map[string]int) {
	kinds, tables = map[string]Count{}, map[string]int{}
	for e := range events {
		c := kinds[e.Kind]
		c.Records++
		if e.Occasion > c.Occasions {
			c.Occasions = e.Occasion
		}
		kinds[e.Kind] = c
		tables[e.Table]++
	}
	for k, c := range kinds {
		if c.Occasions == 0 {
			c.Occasions = c.Records
			kinds[k] = c
		}
	}
	return kinds, tables
}

// Count says how often something happened and how many records tell it.
type Count struct{ Occasions, Records int }
