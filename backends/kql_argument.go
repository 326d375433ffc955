package backends

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A value that is given when the query is called stands in the query by its
// name: a number, a length of time, a zone. Hours are taken apart in front of
// it, into what these are named.
const (
	kqlHoursParts  = "_parts"
	kqlHoursDays   = "_days"
	kqlHoursFrom   = "_from"
	kqlHoursLength = "_length"
	kqlHoursZone   = "_zone"
)

const (
	kqlDay  = `(?:mon|tue|wed|thu|fri|sat|sun)`
	kqlDays = kqlDay + `(?:-` + kqlDay + `)?`
	// kqlHoursForm is what hours look like: one span, as in a profile, days in
	// three letters. Its groups are days, hour and minute of the start and of
	// the end, and the zone.
	kqlHoursForm = `(?i)\A\s*(?:(` + kqlDays + `(?:,` + kqlDays + `)*)\s+)?([0-9]{1,2}):([0-5][0-9])-([0-9]{1,2}):([0-5][0-9])(?:\s+([^\s;]+))?\s*\z`
)

// kqlArgument returns the statements that take a value apart that is given when
// the query is called, and the condition that it is one.
func kqlArgument(b ir.Binding) (lets []string, guard string) {
	name := b.Name
	switch b.Scalar {
	case "number", "duration":
		return nil, "isnotnull(" + name + ")"
	case "zone":
		return nil, "isnotempty(" + name + ")"
	}
	part := func(n string) string { return "tostring(" + name + kqlHoursParts + "[" + n + "])" }
	clock := func(hour, minute string) string {
		return "(toint(" + part(hour) + ") * 1h + toint(" + part(minute) + ") * 1m)"
	}
	const week = `indexof("montuewedthufrisatsun", tostring(`
	lets = []string{
		"let " + name + kqlHoursParts + " = extract_all(" + kqlString(kqlHoursForm) + ", " + name + ")[0];",
		"let " + name + kqlHoursDays + " = toscalar(print value = split(iff(isempty(" + part("0") + `), "mon-sun", tolower(` + part("0") + `)), ",")` +
			` | mv-expand value to typeof(string) | extend value = split(value, "-")` +
			" | extend from_day = " + week + "value[0])) / 3, to_day = " + week + "value[-1])) / 3" +
			" | mv-expand day = range(0, 6, 1) to typeof(long) | where (day - from_day + 7) % 7 <= (to_day - from_day + 7) % 7 | summarize make_set(day + 1));",
		"let " + name + kqlHoursFrom + " = " + clock("1", "2") + ";",
		// An end before the start is on the next day.
		"let " + name + kqlHoursLength + " = " + clock("3", "4") + " - " + name + kqlHoursFrom + " + iff(" + clock("3", "4") + " < " + name + kqlHoursFrom + ", 1d, 0d);",
		"let " + name + kqlHoursZone + " = iff(isempty(" + part("5") + `), "UTC", ` + part("5") + ");",
	}
	return lets, name + kqlHoursFrom + " < 1d and " + name + kqlHoursLength + " > 0d and " + clock("3", "4") + " <= 1d"
}

// zoneArgument is the zone that a parameter gives when the query is called: the
// parameter itself, or that of its hours.
func (p *kqlPrinter) zoneArgument(name string) string {
	if slices.ContainsFunc(p.rule.Source.Parameters, func(b ir.Binding) bool { return b.Name == name && b.Scalar == "hours" }) {
		return name + kqlHoursZone
	}
	return name
}

// withinHours is 1 where a time lies within hours that are given when the query
// is called, else 0, also where there is no time. Counted from the hour at which
// a span begins, it is the day of its beginning all along.
func withinHours(t, name string) string {
	t = "datetime_utc_to_local(" + t + ", " + name + kqlHoursZone + ") - " + name + kqlHoursFrom
	return "iff(" + t + " - startofday(" + t + ") < " + name + kqlHoursLength + " and set_has_element(" + name + kqlHoursDays + ", " + kqlWeekday(t) + "), 1, 0)"
}
