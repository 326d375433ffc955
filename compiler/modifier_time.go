package compiler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones mean the same on every machine

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// eventTime is what `since` calls the event's own time.
const eventTime = "@time"

// derive puts an item's time part or duration on its field.
func (l *lowerer) derive(it *sigma.Item, m *modifiers, field *ir.Field, in scope) bool {
	switch {
	case m.part != nil:
		if name, ok := placeholderName(m.part.Arg); ok {
			if _, ok := l.params.argument(name, m.part.Pos, "zone"); ok {
				field.Derive = &ir.Derivation{Kind: timeParts[m.part.Name], Parameter: name}
				return true
			}
		}
		zone, ok := l.zone(m.part)
		if !ok {
			return false
		}
		field.Derive = &ir.Derivation{Kind: timeParts[m.part.Name], Zone: zone}
	case m.since != nil:
		var since ir.Field
		var ok bool
		switch arg := m.since.Arg; arg {
		case "":
			l.errorf(sigma.CodeModValue, m.since.Pos, "write |since=otherField", "since does not say since what")
			return false
		case eventTime:
			since, ok = l.eventTime(in, m.since.Pos)
		default:
			since, ok = l.fieldNamed(arg, in, m.since.Pos)
		}
		if !ok {
			return false
		}
		field.Derive = &ir.Derivation{Kind: ir.Duration, Unit: 1, Since: &since.Path, From: &since}
	}
	return true
}

// eventTime returns the field with the event's own time.
func (l *lowerer) eventTime(in scope, pos sigma.Pos) (ir.Field, bool) {
	switch {
	case l.inner > 0:
		l.errorf(sigma.CodeUnsupported, pos, "name a time of the element", "inside a list block the event's own time is out of reach")
		return ir.Field{}, false
	case l.source.Pipeline == "":
		return l.fieldNamed("TimeGenerated", in, pos)
	case len(l.source.Time.Path) == 0:
		l.errorf(sigma.CodeUnsupported, pos, "name the field with the time", "the pipeline names no time for %s", l.tableName())
		return ir.Field{}, false
	}
	return l.source.Time, true
}

// zone reads the zone of a time part or date; a parameter may stand for it, for
// a date also hours: it is that of their first span.
func (l *lowerer) zone(mod *sigma.Modifier) (string, bool) {
	zone := mod.Arg
	if name, ok := placeholderName(zone); ok {
		kinds := []string{"zone"}
		if mod.Name == sigma.ModDate {
			kinds = append(kinds, "hours")
		}
		vs, ok := l.params.values(name, mod.Pos, kinds...)
		if !ok {
			return "", false
		}
		if len(vs) != 1 {
			l.errorf(sigma.CodeParameter, mod.Pos, "", "parameter %s has %d values where one zone stands", name, len(vs))
			return "", false
		}
		zone = literalOf(partsOf(vs[0]))
		if spans, err := parseHours(zone); err == nil {
			zone = spans[0].zone
		}
	}
	if err := checkZone(zone); err != nil {
		l.errorf(sigma.CodeModValue, mod.Pos, "write an IANA name such as Europe/Berlin", "%v", err)
		return "", false
	}
	if zone == "UTC" {
		zone = ""
	}
	return zone, true
}

// loadZone returns the zone of a name.
func loadZone(zone string) (*time.Location, error) {
	if zone == "Local" {
		return nil, fmt.Errorf("the zone Local differs from machine to machine")
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("there is no zone %q", zone)
	}
	return loc, nil
}

func checkZone(zone string) error {
	_, err := loadZone(zone)
	return err
}

// span lowers a timespan to seconds.
func (l *lowerer) span(v sigma.Value) (ir.Number, bool) {
	if s, ok := v.(sigma.String); ok {
		if t, err := sigma.ParseTimespan(literalOf(s.Parts)); err == nil {
			return ir.Number{IsInt: true, Int: t.Seconds}, true
		}
	}
	l.errorf(sigma.CodeTimespan, v.Position(), "write a number and one of s m h d w M y, such as 180d", "%s is no timespan", valueText(v))
	return ir.Number{}, false
}

var weekdays = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// weekday reads Mon or Monday as 1, to Sun as 7.
func weekday(s string) (int, bool) {
	for i, d := range weekdays {
		long := time.Weekday((i + 1) % 7).String()
		if strings.EqualFold(s, d) || strings.EqualFold(s, long) {
			return i + 1, true
		}
	}
	return 0, false
}

// hoursSpan is one stretch of a week: on each of days, from minute from (of
// the day) up to but without minute to.
type hoursSpan struct {
	days     []int // 1 (Monday) to 7, ascending
	from, to int
	zone     string
}

// parseHours reads hours such as `Mon-Fri 08:00-18:00 Europe/Berlin; Sat
// 09:00-12:00 Europe/Berlin`. Days may be left out (every day) or listed with
// commas, also wrapping (Sat-Mon); the zone may be left out (UTC). A span that
// ends before it begins goes over midnight.
func parseHours(text string) ([]hoursSpan, error) {
	var spans []hoursSpan
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		span := hoursSpan{days: []int{1, 2, 3, 4, 5, 6, 7}}
		if !strings.Contains(words[0], ":") {
			days, err := parseDays(words[0])
			if err != nil {
				return nil, err
			}
			span.days, words = days, words[1:]
		}
		if len(words) == 0 {
			return nil, fmt.Errorf("%q has no hours", strings.TrimSpace(part))
		}
		from, to, ok := strings.Cut(words[0], "-")
		var err error
		if span.from, err = parseClock(from); err == nil && ok {
			span.to, err = parseClock(to)
		}
		if err != nil || !ok || span.from == 24*60 || span.from == span.to {
			return nil, fmt.Errorf("%q is no span such as 08:00-18:00", words[0])
		}
		switch len(words) {
		case 1:
		case 2:
			if err := checkZone(words[1]); err != nil {
				return nil, err
			}
			if words[1] != "UTC" {
				span.zone = words[1]
			}
		default:
			return nil, fmt.Errorf("unexpected %q behind the zone", words[2])
		}
		if span.to > span.from {
			spans = append(spans, span)
			continue
		}
		// Over midnight: the evening of these days and the morning of the next.
		evening, morning := span, span
		evening.to = 24 * 60
		spans = append(spans, evening)
		if span.to > 0 {
			morning.from, morning.days = 0, nil
			for _, d := range span.days {
				morning.days = append(morning.days, d%7+1)
			}
			slices.Sort(morning.days)
			spans = append(spans, morning)
		}
	}
	if len(spans) == 0 {
		return nil, fmt.Errorf("there are no hours in it")
	}
	return spans, nil
}

func parseDays(text string) ([]int, error) {
	var set [8]bool
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, ok := weekday(first)
		to := from
		if ok && isRange {
			to, ok = weekday(last)
		}
		if !ok {
			return nil, fmt.Errorf("%q names no days such as Mon-Fri", part)
		}
		for d := from; ; d = d%7 + 1 {
			set[d] = true
			if d == to {
				break
			}
		}
	}
	var days []int
	for d := 1; d <= 7; d++ {
		if set[d] {
			days = append(days, d)
		}
	}
	return days, nil
}

// parseClock reads 00:00 to 24:00 as a minute of the day.
func parseClock(s string) (int, error) {
	h, m, ok := strings.Cut(s, ":")
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err1 != nil || err2 != nil || len(h) > 2 || len(m) != 2 || minute > 59 || hour > 24 || hour == 24 && minute > 0 {
		return 0, fmt.Errorf("%q is no time of day", s)
	}
	return int(hour*60 + minute), nil
}

// hours lowers `within` and `outside` to comparisons of weekday, hour and
// minute. Both ask for a time: a field that holds none is neither within nor
// outside.
func (l *lowerer) hours(it *sigma.Item, m modifiers, field ir.Field) ir.Expr {
	values, lacking := l.expand(it, m)
	or := &ir.Or{}
	zone := ""
	for _, v := range values {
		if name, ok := l.params.argumentOf(v); ok {
			within := field
			within.Derive = &ir.Derivation{Kind: ir.Hours, Parameter: name}
			or.X = append(or.X, l.at(&ir.Match{Field: within, Op: ir.Equal, Values: []ir.Value{ir.Number{IsInt: true, Int: 1}}}, v.Position()))
			continue
		}
		s, ok := v.(sigma.String)
		if !ok {
			l.badValue(v, "write hours such as 'Mon-Fri 08:00-18:00 Europe/Berlin'", "%s are no hours", valueText(v))
			return ir.Const(false)
		}
		spans, err := parseHours(literalOf(s.Parts))
		if err != nil {
			l.badValue(v, "write hours such as 'Mon-Fri 08:00-18:00 Europe/Berlin'; part several by ;", "%v", err)
			return ir.Const(false)
		}
		for _, span := range spans {
			or.X = append(or.X, span.expr(l, field, v.Position()))
		}
		zone = spans[0].zone
	}
	if lacking || len(or.X) == 0 {
		return ir.Const(false)
	}
	var x ir.Expr = or
	if m.hours == sigma.ModOutside {
		isTime := l.part(field, ir.Hour, zone, ir.GreaterOrEqual, it.Pos, 0)
		x = &ir.And{X: []ir.Expr{isTime, &ir.Not{X: or}}}
	}
	if m.neq {
		x = &ir.Not{X: x}
	}
	return l.at(x, it.Pos)
}

// date lowers dates to comparisons of year, month and day of the month in one
// zone. A field that holds no time has no date.
func (l *lowerer) date(it *sigma.Item, m modifiers, field ir.Field) ir.Expr {
	derive, known := l.dateZone(m.date)
	values, lacking := l.expand(it, m)
	if !known || lacking {
		return ir.Const(false)
	}
	or := &ir.Or{}
	of := map[string]*ir.Match{} // the days of a year and month
	for _, v := range values {
		date, err := sigma.ParseDate(literalOf(partsOf(v)))
		if err != nil {
			l.badValue(v, sigma.ParameterHint("date"), "%v", err)
			return ir.Const(false)
		}
		key := fmt.Sprint(date.Years, date.Months)
		if days := of[key]; days != nil && date.Days != nil {
			for _, d := range date.Days {
				days.Values = append(days.Values, ir.Number{IsInt: true, Int: int64(d)})
			}
			continue
		}
		and := &ir.And{}
		compare := func(kind ir.DerivationKind, list []int) {
			if list != nil {
				and.X = append(and.X, l.compare(field, derive(kind), ir.Equal, v.Position(), list...))
			}
		}
		compare(ir.Year, date.Years)
		compare(ir.Month, date.Months)
		compare(ir.Day, date.Days)
		if len(and.X) == 0 {
			and.X = append(and.X, l.compare(field, derive(ir.Day), ir.GreaterOrEqual, v.Position(), 1))
		}
		if last, ok := and.X[len(and.X)-1].(*ir.Match); ok && date.Days != nil {
			of[key] = last
		}
		or.X = append(or.X, and)
	}
	var x ir.Expr = or
	if m.neq {
		x = &ir.Not{X: x}
	}
	return l.at(x, it.Pos)
}

// dateZone returns what makes time parts in the zone of a date.
func (l *lowerer) dateZone(mod *sigma.Modifier) (derive func(ir.DerivationKind) ir.Derivation, ok bool) {
	if name, ok := placeholderName(mod.Arg); ok {
		if _, ok := l.params.argument(name, mod.Pos, "zone", "hours"); ok {
			return func(k ir.DerivationKind) ir.Derivation { return ir.Derivation{Kind: k, Parameter: name} }, true
		}
	}
	zone, ok := l.zone(mod)
	return func(k ir.DerivationKind) ir.Derivation { return ir.Derivation{Kind: k, Zone: zone} }, ok
}

// part compares a time part of a field.
func (l *lowerer) part(field ir.Field, kind ir.DerivationKind, zone string, op ir.Op, pos sigma.Pos, values ...int) ir.Expr {
	return l.compare(field, ir.Derivation{Kind: kind, Zone: zone}, op, pos, values...)
}

// compare compares a number that is derived from a field.
func (l *lowerer) compare(field ir.Field, derive ir.Derivation, op ir.Op, pos sigma.Pos, values ...int) ir.Expr {
	field.Derive = &derive
	m := &ir.Match{Field: field, Op: op}
	for _, v := range values {
		m.Values = append(m.Values, ir.Number{IsInt: true, Int: int64(v)})
	}
	return l.at(m, pos)
}

func (s hoursSpan) expr(l *lowerer, field ir.Field, pos sigma.Pos) ir.Expr {
	and := &ir.And{}
	if len(s.days) < 7 {
		and.X = append(and.X, l.part(field, ir.Weekday, s.zone, ir.Equal, pos, s.days...))
	}
	hour := func(op ir.Op, h int) ir.Expr { return l.part(field, ir.Hour, s.zone, op, pos, h) }
	minute := func(op ir.Op, m int) ir.Expr { return l.part(field, ir.Minute, s.zone, op, pos, m) }
	edge := func(strict ir.Op, minuteOp ir.Op, h, m int) ir.Expr {
		return &ir.Or{X: []ir.Expr{hour(strict, h), &ir.And{X: []ir.Expr{hour(ir.Equal, h), minute(minuteOp, m)}}}}
	}
	switch h, m := s.from/60, s.from%60; {
	case m > 0:
		and.X = append(and.X, edge(ir.Greater, ir.GreaterOrEqual, h, m))
	case h > 0 || s.to == 24*60 && len(and.X) == 0:
		and.X = append(and.X, hour(ir.GreaterOrEqual, h))
	}
	switch h, m := s.to/60, s.to%60; {
	case m > 0:
		and.X = append(and.X, edge(ir.Less, ir.Less, h, m))
	case h < 24:
		and.X = append(and.X, hour(ir.Less, h))
	}
	return and
}
