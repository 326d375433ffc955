package main

import (
	"flag"
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
)

// sqlFlags are the flags of compile that SQL takes.
type sqlFlags struct{ dialect, event, time *string }

func sqlFlagsOf(f *flag.FlagSet) sqlFlags {
	return sqlFlags{
		dialect: f.String("dialect", "duckdb", "the SQL `dialect`, of list dialects"),
		event:   f.String("event", "", "the JSON `column` with the whole event; event, for rules of an event form"),
		time:    f.String("time", "", "the `column` with the event's time, which a correlation needs where no pipeline says it"),
	}
}

// sqlOnly returns the first of these flags that was given, "" for none.
func sqlOnly(f *flag.FlagSet) string {
	name := ""
	f.Visit(func(given *flag.Flag) {
		if name == "" && slices.Contains([]string{"dialect", "event", "time"}, given.Name) {
			name = given.Name
		}
	})
	return name
}

// printer returns what prints a rule as SQL; table is where the rule's source
// names none.
func (s sqlFlags) printer(table string) (func(*ir.Rule) (string, error), error) {
	d, hint, ok := backends.DialectNamed(*s.dialect)
	if !ok {
		return nil, fmt.Errorf("there is no dialect %q: %s", *s.dialect, hint)
	}
	if table == "" {
		table = "events"
	}
	return func(r *ir.Rule) (string, error) {
		t := backends.Target{Table: table, Event: *s.event, Time: *s.time}
		if t.Event == "" && r.Source.Form != "" {
			t.Event = "event"
		}
		q, err := backends.SQL(r, d, t)
		if err != nil {
			return "", err
		}
		return q.Text, nil
	}, nil
}
