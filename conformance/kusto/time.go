package kusto

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var spanUnits = map[string]Timespan{
	"d": day, "day": day, "days": day,
	"h": hour, "hr": hour, "hrs": hour, "hour": hour, "hours": hour,
	"m": minute, "min": minute, "minute": minute, "minutes": minute,
	"s": second, "sec": second, "second": second, "seconds": second,
	"ms": millisecond, "milli": millisecond, "millis": millisecond, "millisec": millisecond, "millisecond": millisecond, "milliseconds": millisecond,
	"micro": microsecond, "micros": microsecond, "microsec": microsecond, "microsecond": microsecond, "microseconds": microsecond,
	"tick": tick, "ticks": tick,
}

// spanOf is the timespan of digits (with a point, perhaps) and a unit.
func spanOf(digits, unit string) (Timespan, bool) {
	u, ok := spanUnits[unit]
	if !ok {
		return 0, false
	}
	w, frac, _ := strings.Cut(digits, ".")
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil || n > math.MaxInt64/int64(u) {
		return 0, false
	}
	d := Timespan(n) * u
	if frac != "" {
		f, err := strconv.ParseFloat("0."+frac, 64)
		if err != nil {
			return 0, false
		}
		d += Timespan(math.Round(f * float64(u)))
	}
	return d, d >= 0
}

// parseTimespan reads [-][d.]hh:mm[:ss[.fffffff]]; in a literal also a number
// of days and a number with a unit.
func parseTimespan(s string, literal bool) (Timespan, bool) {
	s = strings.TrimSpace(s)
	neg := strings.HasPrefix(s, "-")
	t := strings.TrimPrefix(s, "-")
	if t == "" || !digit(t[0]) {
		return 0, false
	}
	d, ok := parseSpan(t, literal)
	if neg {
		d = -d
	}
	return d, ok
}

func parseSpan(t string, literal bool) (Timespan, bool) {
	parts := strings.Split(t, ":")
	if len(parts) == 1 {
		i := 0
		for i < len(t) && (digit(t[i]) || t[i] == '.') {
			i++
		}
		unit := strings.TrimSpace(t[i:])
		if unit == "" {
			n, err := strconv.ParseInt(t, 10, 32)
			return Timespan(n) * day, err == nil && literal && n <= 10_675_199
		}
		return spanOf(t[:i], unit)
	}
	if len(parts) > 3 {
		return 0, false
	}
	days := int64(0)
	if a, b, ok := strings.Cut(parts[0], "."); ok {
		n, ok := small(a, 10_675_198)
		if !ok {
			return 0, false
		}
		days, parts[0] = n, b
	}
	h, ok1 := small(parts[0], 23)
	m, ok2 := small(parts[1], 59)
	if !ok1 || !ok2 {
		return 0, false
	}
	d := Timespan(days)*day + Timespan(h)*hour + Timespan(m)*minute
	if len(parts) == 3 {
		w, f, dot := strings.Cut(parts[2], ".")
		s, ok := small(w, 59)
		ft, fok := fraction(f)
		if !ok || dot && !fok {
			return 0, false
		}
		d += Timespan(s)*second + ft
	}
	return d, true
}

func small(s string, limit int64) (int64, bool) {
	if s == "" || len(s) > 8 {
		return 0, false
	}
	n := int64(0)
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, n <= limit
}

// fraction reads the digits of a part of a second; beyond the tick they are
// cut off.
func fraction(s string) (Timespan, bool) {
	if s == "" {
		return 0, false
	}
	n := Timespan(0)
	for i := 0; i < 7; i++ {
		n *= 10
		if i < len(s) {
			n += Timespan(s[i] - '0')
		}
	}
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return 0, false
		}
	}
	return n, true
}

var wordy = []string{
	"Mon, 2 Jan 06 15:04:05 MST", "Mon, 2 Jan 06 15:04:05", "Mon, 2 Jan 06 15:04 MST", "Mon, 2 Jan 06 15:04",
	"2 Jan 06 15:04:05 MST", "2 Jan 06 15:04:05", "2 Jan 06 15:04 MST", "2 Jan 06 15:04",
	"Monday, 2-Jan-06 15:04:05 MST", "Monday, 2-Jan-06 15:04:05", "Monday, 2-Jan-06 15:04 MST", "Monday, 2-Jan-06 15:04",
	"2-Jan-06 15:04:05 MST", "2-Jan-06 15:04:05", "2-Jan-06 15:04 MST", "2-Jan-06 15:04",
}

// parseDatetime reads the formats that the page of datetime lists: ISO 8601,
// sortable, and RFC 822 and 850 in GMT.
func parseDatetime(s string) (Datetime, bool) {
	s = strings.TrimSpace(s)
	if d, ok := parseISO(s); ok {
		return d, true
	}
	if len(s) > 11 && len(s) < 48 {
		for _, f := range wordy {
			if t, err := time.Parse(f, s); err == nil {
				if strings.HasSuffix(f, "MST") && !strings.HasSuffix(s, "GMT") && !strings.HasSuffix(s, "UTC") {
					return 0, false
				}
				return DatetimeOf(t), true
			}
		}
	}
	return 0, false
}

func parseISO(s string) (Datetime, bool) {
	num := func(max int) (int, bool) {
		i := 0
		for i < len(s) && i < max && digit(s[i]) {
			i++
		}
		n, err := strconv.Atoi(s[:i])
		s = s[i:]
		return n, err == nil
	}
	eat := func(c byte) bool {
		if s != "" && s[0] == c {
			s = s[1:]
			return true
		}
		return false
	}
	y, ok := num(4)
	if !ok || y < 1 || !eat('-') {
		return 0, false
	}
	mo, ok := num(2)
	if !ok || !eat('-') {
		return 0, false
	}
	d, ok := num(2)
	if !ok || mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) {
		return 0, false
	}
	var h, mi, se int
	var frac Timespan
	offset := 0
	if s != "" {
		if !eat('T') && !eat(' ') {
			return 0, false
		}
		if h, ok = num(2); !ok || h > 23 || !eat(':') {
			return 0, false
		}
		if mi, ok = num(2); !ok || mi > 59 {
			return 0, false
		}
		if eat(':') {
			if se, ok = num(2); !ok || se > 59 {
				return 0, false
			}
			if eat('.') {
				i := 0
				for i < len(s) && digit(s[i]) {
					i++
				}
				if frac, ok = fraction(s[:i]); !ok {
					return 0, false
				}
				s = s[i:]
			}
		}
		switch z := strings.TrimLeft(s, " "); {
		case z == "" && s == "", z == "Z", z == "GMT", z == "UTC":
		case len(z) > 2 && (z[0] == '+' || z[0] == '-'):
			s = z[1:]
			oh, ok := num(2)
			om := 0
			eat(':')
			if s != "" {
				if om, ok = num(2); !ok {
					return 0, false
				}
			}
			if !ok || s != "" || oh > 14 || om > 59 {
				return 0, false
			}
			offset = oh*60 + om
			if z[0] == '-' {
				offset = -offset
			}
		default:
			return 0, false
		}
	}
	at := DatetimeOf(time.Date(y, time.Month(mo), d, h, mi, se, 0, time.UTC)) + Datetime(frac) - Datetime(offset)*Datetime(minute)
	return at, at.valid()
}

func daysIn(y, m int) int { return time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// zone finds a time zone by its IANA name.
func zone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" {
		return nil, false
	}
	l, err := time.LoadLocation(name)
	return l, err == nil
}

// formatTime writes a datetime or timespan by a format of format_datetime or
// format_timespan.
func formatTime(pos int, d Datetime, format string, span bool) string {
	var b []byte
	t := d.Time()
	ticks := int64(d) % int64(second)
	for i := 0; i < len(format); {
		c := format[i]
		j := i
		for j < len(format) && format[j] == c {
			j++
		}
		n := j - i
		i = j
		bad := func() { fail(pos, "%q is no format element of %q", strings.Repeat(string(c), n), format) }
		pad := func(v int) {
			if n > 2 {
				bad()
			}
			if n == 2 {
				b = two(b, uint64(v))
			} else {
				b = strconv.AppendInt(b, int64(v), 10)
			}
		}
		switch c {
		case 'd':
			if !span {
				pad(t.Day())
				continue
			}
			s := strconv.FormatInt(int64(d)/int64(day), 10)
			for len(s) < n {
				s = "0" + s
			}
			b = append(b, s...)
		case 'f', 'F':
			if n > 7 {
				bad()
			}
			s := strconv.FormatInt(ticks+int64(second), 10)[1 : 1+n]
			if c == 'F' {
				s = strings.TrimRight(s, "0")
			}
			b = append(b, s...)
		case 'h':
			if span {
				pad(t.Hour())
			} else {
				pad((t.Hour()+11)%12 + 1)
			}
		case 'H':
			pad(t.Hour())
		case 'm':
			pad(t.Minute())
		case 's':
			pad(t.Second())
		case 'M':
			if span {
				bad()
			}
			pad(int(t.Month()))
		case 'y':
			switch {
			case span || n == 3 || n > 4:
				bad()
			case n == 4:
				b = append(b, strconv.Itoa(t.Year() + 10000)[1:]...)
			default:
				pad(t.Year() % 100)
			}
		case 't':
			if n != 2 || span {
				bad()
			}
			if t.Hour() < 12 {
				b = append(b, "AM"...)
			} else {
				b = append(b, "PM"...)
			}
		case ' ', '/', '-', ':', ',', '.', '_', '[', ']':
			b = append(b, strings.Repeat(string(c), n)...)
		default:
			bad()
		}
	}
	return string(b)
}
