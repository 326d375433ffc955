package kusto

import (
	"math"
	"strings"
	"time"
	_ "time/tzdata" // zones mean the same on every machine
)

func init() {
	special("now", "|t", func(c *call) *expr {
		at := DatetimeOf(c.b.db.Now)
		return c.result(TypeDatetime, func(v []Value) Value {
			if len(v) == 0 {
				return at
			}
			if v[0] == nil {
				return nil
			}
			return shift(at, v[0].(Timespan))
		})
	})
	defineCall("ago", "t", TypeDatetime, func(c *call, v []Value) Value {
		return shift(DatetimeOf(c.b.db.Now), -v[0].(Timespan))
	})
	part := func(names string, f func(t time.Time) int) {
		define(names, "d", TypeInt, func(v []Value) Value { return int32(f(v[0].(Datetime).Time())) })
	}
	part("hourofday", time.Time.Hour)
	part("dayofmonth", time.Time.Day)
	part("dayofyear", time.Time.YearDay)
	part("monthofyear getmonth", func(t time.Time) int { return int(t.Month()) })
	part("getyear", time.Time.Year)
	part("week_of_year", func(t time.Time) int { _, w := t.ISOWeek(); return w })
	define("dayofweek", "d", TypeTimespan, func(v []Value) Value { return Timespan(v[0].(Datetime).Time().Weekday()) * day })
	special("datetime_part datepart", "sd", func(c *call) *expr {
		f := c.period()
		get := map[string]func(d Datetime) int64{
			"year": func(d Datetime) int64 { return int64(d.Time().Year()) }, "quarter": func(d Datetime) int64 { return int64(d.Time().Month()+2) / 3 },
			"month":        func(d Datetime) int64 { return int64(d.Time().Month()) },
			"week_of_year": func(d Datetime) int64 { _, w := d.Time().ISOWeek(); return int64(w) },
			"day":          func(d Datetime) int64 { return int64(d.Time().Day()) }, "dayofyear": func(d Datetime) int64 { return int64(d.Time().YearDay()) },
			"hour": func(d Datetime) int64 { return int64(d) / int64(hour) % 24 }, "minute": func(d Datetime) int64 { return int64(d) / int64(minute) % 60 },
			"second": func(d Datetime) int64 { return int64(d) / int64(second) % 60 }, "millisecond": func(d Datetime) int64 { return int64(d) % int64(second) / int64(millisecond) },
			"microsecond": func(d Datetime) int64 { return int64(d) % int64(second) / int64(microsecond) }, "nanosecond": func(d Datetime) int64 { return int64(d) % int64(second) * 100 },
		}[f]
		if get == nil {
			fail(c.pos, "datetime_part() has no part %q", f)
		}
		return c.result(TypeInt, func(v []Value) Value {
			if v[1] == nil {
				return nil
			}
			return int32(get(v[1].(Datetime)))
		})
	})
	special("datetime_diff", "sdd", func(c *call) *expr {
		index := periods[c.period()]
		if index == nil {
			fail(c.pos, "datetime_diff() has no period %q", c.args[0].val)
		}
		return c.result(TypeLong, func(v []Value) Value {
			if v[1] == nil || v[2] == nil {
				return nil
			}
			return index(v[1].(Datetime)) - index(v[2].(Datetime))
		})
	})
	special("datetime_add", "sid", func(c *call) *expr {
		p := c.period()
		if periods[p] == nil {
			fail(c.pos, "datetime_add() has no period %q", c.args[0].val)
		}
		return c.result(TypeDatetime, func(v []Value) Value {
			if v[1] == nil || v[2] == nil {
				return nil
			}
			return addPeriod(p, whole(v[1]), v[2].(Datetime))
		})
	})
	starts := map[string]func(t time.Time, n int) time.Time{
		"day": func(t time.Time, n int) time.Time {
			return time.Date(t.Year(), t.Month(), t.Day()+n, 0, 0, 0, 0, time.UTC)
		},
		"week": func(t time.Time, n int) time.Time {
			return time.Date(t.Year(), t.Month(), t.Day()-int(t.Weekday())+7*n, 0, 0, 0, 0, time.UTC)
		},
		"month": func(t time.Time, n int) time.Time {
			return time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		},
		"year": func(t time.Time, n int) time.Time { return time.Date(t.Year()+n, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	for unit, f := range starts {
		edge := func(v []Value, more int, back Datetime) Value {
			n := int64(0)
			if len(v) > 1 {
				n = whole(v[1])
			}
			if n > 4_000_000 || n < -4_000_000 {
				return nil
			}
			d := DatetimeOf(f(v[0].(Datetime).Time(), int(n)+more)) - back
			if !d.valid() {
				return nil
			}
			return d
		}
		define("startof"+unit, "d|i", TypeDatetime, func(v []Value) Value { return edge(v, 0, 0) })
		define("endof"+unit, "d|i", TypeDatetime, func(v []Value) Value { return edge(v, 1, 1) })
	}
	nameFirst("startofday")
	defineCall("datetime_utc_to_local", "ds", TypeDatetime, func(c *call, v []Value) Value {
		t := v[0].(Datetime).Time()
		_, offset := t.In(c.zone(v[1].(string))).Zone()
		return shift(v[0].(Datetime), Timespan(offset)*second)
	})
	defineCall("datetime_local_to_utc", "ds", TypeDatetime, func(c *call, v []Value) Value {
		t := v[0].(Datetime).Time()
		l := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.zone(v[1].(string)))
		return DatetimeOf(l)
	})
	for unit, ticks := range map[string]float64{"seconds": float64(second), "milliseconds": float64(millisecond), "microseconds": float64(microsecond), "nanoseconds": 0.01} {
		define("unixtime_"+unit+"_todatetime", "n", TypeDatetime, func(v []Value) Value {
			f := number(v[0]) * ticks
			if math.Abs(f) > 9e18 || math.IsNaN(f) {
				return nil
			}
			n := int64(math.Floor(f))
			if _, ok := v[0].(float64); !ok && ticks >= 1 {
				n = whole(v[0]) * int64(ticks)
			}
			return shift(unixDays*Datetime(day), Timespan(n))
		})
	}
	defineCall("format_datetime", "ds", TypeString, func(c *call, v []Value) Value {
		return formatTime(c.pos, v[0].(Datetime), v[1].(string), false)
	})
	defineCall("format_timespan", "ts", TypeString, func(c *call, v []Value) Value {
		t := v[0].(Timespan)
		if t < 0 {
			refuse(c.pos, "format_timespan() of a negative timespan")
		}
		return formatTime(c.pos, Datetime(t), v[1].(string), true)
	})
	nameFirst("format_datetime format_timespan")
	define("make_datetime", "iii|iir", TypeDatetime, func(v []Value) Value {
		n := [5]int64{}
		for i := range v {
			if i < 5 {
				n[i] = whole(v[i])
			}
		}
		s := 0.0
		if len(v) > 5 {
			s = v[5].(float64)
		}
		y, m, d := n[0], n[1], n[2]
		if y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > int64(daysIn(int(y), int(m))) || n[3] < 0 || n[3] > 23 || n[4] < 0 || n[4] > 59 || !(s >= 0 && s < 60) {
			return nil
		}
		return DatetimeOf(time.Date(int(y), time.Month(m), int(d), int(n[3]), int(n[4]), 0, 0, time.UTC)) + Datetime(math.Round(s*float64(second)))
	})
	define("make_timespan", "ii|ii", TypeTimespan, func(v []Value) Value {
		n := []int64{0, 0, 0, 0}
		copy3 := 0
		if len(v) < 4 {
			copy3 = 1
		}
		for i := range v {
			n[i+copy3] = whole(v[i])
		}
		if n[0] < 0 || n[0] > 10_675_198 || n[1] < 0 || n[1] > 23 || n[2] < 0 || n[2] > 59 || n[3] < 0 || n[3] > 59 {
			return nil
		}
		return Timespan(n[0])*day + Timespan(n[1])*hour + Timespan(n[2])*minute + Timespan(n[3])*second
	})
}

// period is the constant first argument, in lower case.
func (c *call) period() string {
	if !c.args[0].konst {
		fail(c.argPos(0), "%s() needs a constant period", c.name)
	}
	return strings.ToLower(c.args[0].val.(string))
}

func (c *call) zone(name string) *time.Location {
	l, ok := zone(name)
	if !ok {
		fail(c.pos, "unknown time zone %q", name)
	}
	return l
}

// periods number the periods of each length from the year 1.
var periods = map[string]func(d Datetime) int64{
	"year":    func(d Datetime) int64 { return int64(d.Time().Year()) },
	"quarter": func(d Datetime) int64 { t := d.Time(); return int64(t.Year())*4 + int64(t.Month()-1)/3 },
	"month":   func(d Datetime) int64 { t := d.Time(); return int64(t.Year())*12 + int64(t.Month()) },
	// Weeks begin on Sunday; the first of January of the year 1 is a Monday.
	"week":        func(d Datetime) int64 { return (int64(d) + int64(day)) / int64(7*day) },
	"day":         func(d Datetime) int64 { return int64(d) / int64(day) },
	"hour":        func(d Datetime) int64 { return int64(d) / int64(hour) },
	"minute":      func(d Datetime) int64 { return int64(d) / int64(minute) },
	"second":      func(d Datetime) int64 { return int64(d) / int64(second) },
	"millisecond": func(d Datetime) int64 { return int64(d) / int64(millisecond) },
	"microsecond": func(d Datetime) int64 { return int64(d) / int64(microsecond) },
	"nanosecond":  func(d Datetime) int64 { return int64(d) * 100 },
}

func addPeriod(p string, n int64, d Datetime) Value {
	if n > 1<<40 || n < -1<<40 {
		return nil
	}
	months := map[string]int64{"year": 12, "quarter": 3, "month": 1}[p]
	if months == 0 {
		unit := map[string]Timespan{"week": 7 * day, "day": day, "hour": hour, "minute": minute, "second": second, "millisecond": millisecond, "microsecond": microsecond}[p]
		if unit == 0 {
			return shift(d, Timespan(n/100))
		}
		s := scale(0, unit, n)
		if s == nil {
			return nil
		}
		return shift(d, s.(Timespan))
	}
	t := d.Time()
	m := int64(t.Year())*12 + int64(t.Month()) - 1 + n*months
	y, mo := m/12, int(m%12)+1
	if y < 1 || y > 9999 {
		return nil
	}
	first := DatetimeOf(time.Date(int(y), time.Month(mo), min(t.Day(), daysIn(int(y), mo)), 0, 0, 0, 0, time.UTC))
	return first + d%Datetime(day)
}
