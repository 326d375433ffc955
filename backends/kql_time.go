package backends

import (
	"fmt"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlTimeForm is how the times look that a text is read as one of. Other forms
// that events have, such as exports for people, Kusto does not read.
const kqlTimeForm = `\A\s*[0-9]{4}-[0-9]{2}-[0-9]{2}`

// time is a scalar as a value of type datetime, null where it is no time.
func (s kqlScalar) time() string {
	switch {
	case !s.dynamic && s.column == ir.TypeDatetime:
		return s.expr
	case s.typ == ir.TypeDatetime:
		return "todatetime(" + s.expr + ")"
	}
	return "iff(" + s.text() + " matches regex " + kqlString(kqlTimeForm) + ", todatetime(" + s.text() + "), datetime(null))"
}

// derive replaces a scalar by what is computed from it.
func (p *kqlPrinter) derive(sc *kqlScope, m *ir.Match, pl kqlPlace, s kqlScalar, d ir.Derivation) (kqlPlace, kqlScalar, error) {
	t := s.time()
	out := kqlScalar{column: ir.TypeReal, kinds: numberKind}
	if d.Kind == ir.Duration {
		since := ir.Field{Path: *d.Since}
		switch {
		case d.From != nil:
			since = *d.From
		case p.timeField(since):
			since = p.rule.Source.Time
		case sc.root == "" && len(*d.Since) == 1:
			since.ColumnType = ir.TypeDatetime
		}
		since.Name = d.Since.String()
		from, err := p.place(sc, since, m, true)
		if err != nil {
			return pl, out, err
		}
		p.open(&from)
		pl.chain = append(append([]kqlExpansion{}, pl.chain...), missing(from.chain, pl.chain)...)
		pl.conditions = append(append([]string{}, pl.conditions...), from.conditions...)
		out.expr = fmt.Sprintf("((%s - %s) / %s)", t, from.scalar(since).time(), kqlTimespan(d.Unit))
		return pl, out, nil
	}
	switch {
	case d.Kind == ir.Hours:
		out.expr = withinHours(t, d.Parameter)
		return pl, out, nil
	case d.Parameter != "":
		t = "datetime_utc_to_local(" + t + ", " + p.zoneArgument(d.Parameter) + ")"
	case d.Zone != "":
		t = "datetime_utc_to_local(" + t + ", " + kqlString(d.Zone) + ")"
	}
	switch d.Kind {
	case ir.Minute:
		out.expr = `datetime_part("minute", ` + t + ")"
	case ir.Hour:
		out.expr = "hourofday(" + t + ")"
	case ir.Day:
		out.expr = "dayofmonth(" + t + ")"
	case ir.Weekday:
		out.expr = kqlWeekday(t)
	case ir.Week:
		out.expr = "week_of_year(" + t + ")"
	case ir.Month:
		out.expr = "monthofyear(" + t + ")"
	case ir.Year:
		out.expr = "getyear(" + t + ")"
	}
	return pl, out, nil
}

// kqlWeekday is the day of the week from Monday, 1. Kusto counts from Sunday, 0.
func kqlWeekday(t string) string { return "toint((dayofweek(" + t + ") + 6d) / 1d) % 7 + 1" }

// timeField reports whether a field is the event's own time.
func (p *kqlPrinter) timeField(f ir.Field) bool {
	return p.event == "" && f.Path.String() == p.rule.Source.Time.Path.String()
}

// kqlTimespan writes a length of time in seconds.
func kqlTimespan(seconds int64) string {
	for _, u := range []struct {
		name string
		s    int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if seconds%u.s == 0 {
			return strconv.FormatInt(seconds/u.s, 10) + u.name
		}
	}
	return strconv.FormatInt(seconds, 10) + "s"
}
