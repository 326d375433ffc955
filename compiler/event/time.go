package event

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// ParseTime reads a time as it occurs in events and exports. Without a zone it
// is UTC; the result is UTC and cut to microseconds. The forms are
//
//	2021-01-19T22:21:39.1234567Z        RFC 3339 with any number of fraction digits,
//	2021-01-19 22:21:39 +02:00          a space for the T, a zone or none, seconds or none
//	2021-01-19                          a day: its first instant
//	8/22/2022 6:11:52 PM                month first, as US exports write it,
//	8/2/2021, 1:29:25.983 PM            with or without comma, fraction, AM/PM, seconds
//	Aug 2, 2021 1:29:25 PM              the month by its English name
//	/Date(1611094899000)/               milliseconds since 1970, as PowerShell writes it
//
// Day-first dates of other countries cannot be told from these and are not read.
func ParseTime(s string) (time.Time, bool) {
	p := timeParser{s: strings.TrimSpace(s)}
	switch {
	case strings.HasPrefix(p.s, "/Date("):
		return p.dotNet()
	case len(p.s) >= 10 && p.s[4] == '-':
		return p.iso()
	}
	return p.us()
}

var monthNames = [...]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// monthName reads Aug or August.
func (p *timeParser) monthName() (int, bool) {
	n := p.at
	for n < len(p.s) && lower(p.s[n]) >= 'a' && lower(p.s[n]) <= 'z' {
		n++
	}
	word := p.s[p.at:n]
	if len(word) < 3 {
		return 0, false
	}
	for i, name := range monthNames {
		if equalFold(word[:3], name) && (len(word) == 3 || equalFold(word, time.Month(i+1).String())) {
			p.at = n
			return i + 1, true
		}
	}
	return 0, false
}

// timeParser reads s from at on. Its small readers return false where s does
// not go on as asked.
type timeParser struct {
	s  string
	at int
}

func (p *timeParser) done() bool { return p.at >= len(p.s) }

func (p *timeParser) char(c byte) bool {
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

// spaces skips spaces, also the narrow no-break one that newer systems put
// before AM and PM.
func (p *timeParser) spaces() {
	for !p.done() {
		switch rest := p.s[p.at:]; {
		case rest[0] == ' ':
			p.at++
		case strings.HasPrefix(rest, "\u00a0"):
			p.at += len("\u00a0")
		case strings.HasPrefix(rest, "\u202f"):
			p.at += len("\u202f")
		default:
			return
		}
	}
}

// number reads min to max digits.
func (p *timeParser) number(min, max int) (int, bool) {
	n, digits := 0, 0
	for digits < max && !p.done() && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
		n = n*10 + int(p.s[p.at]-'0')
		p.at++
		digits++
	}
	return n, digits >= min
}

// clock reads 22:21:39.123, the seconds and fraction being optional.
func (p *timeParser) clock(minHourDigits int) (h, m, s, nano int, ok bool) {
	if h, ok = p.number(minHourDigits, 2); !ok || !p.char(':') {
		return 0, 0, 0, 0, false
	}
	if m, ok = p.number(2, 2); !ok {
		return 0, 0, 0, 0, false
	}
	if p.char(':') {
		if s, ok = p.number(2, 2); !ok {
			return 0, 0, 0, 0, false
		}
		if p.char('.') || p.char(',') {
			scale, digits := 100_000_000, 0
			for !p.done() && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
				nano += int(p.s[p.at]-'0') * scale
				scale /= 10
				p.at++
				digits++
			}
			if digits == 0 {
				return 0, 0, 0, 0, false
			}
		}
	}
	return h, m, s, nano, h < 24 && m < 60 && s < 60
}

func (p *timeParser) iso() (time.Time, bool) {
	year, ok1 := p.number(4, 4)
	ok1 = ok1 && p.char('-')
	month, ok2 := p.number(2, 2)
	ok2 = ok2 && p.char('-')
	day, ok3 := p.number(2, 2)
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	if p.done() {
		return date(year, month, day, 0, 0, 0, 0)
	}
	if !p.char('T') && !p.char('t') && !p.char(' ') {
		return time.Time{}, false
	}
	h, m, s, nano, ok := p.clock(2)
	if !ok {
		return time.Time{}, false
	}
	t, ok := date(year, month, day, h, m, s, nano)
	if !ok {
		return time.Time{}, false
	}
	p.spaces()
	offset, ok := p.zone()
	if !ok || !p.done() {
		return time.Time{}, false
	}
	return shift(t, offset)
}

// shift takes a zone's offset off, unless that leaves the years of RFC 3339.
func shift(t time.Time, offset time.Duration) (time.Time, bool) {
	t = t.Add(-offset)
	return t, t.Year() >= 0 && t.Year() <= 9999
}

// zone reads Z, UTC, +02:00, +0200, +02 or nothing.
func (p *timeParser) zone() (time.Duration, bool) {
	if p.done() || p.char('Z') || p.char('z') {
		return 0, true
	}
	if rest := p.s[p.at:]; rest == "UTC" || rest == "GMT" {
		p.at = len(p.s)
		return 0, true
	}
	sign := time.Duration(1)
	if p.char('-') {
		sign = -1
	} else if !p.char('+') {
		return 0, false
	}
	h, ok := p.number(2, 2)
	if !ok || h > 23 {
		return 0, false
	}
	if p.done() {
		return sign * time.Duration(h) * time.Hour, true
	}
	p.char(':')
	m, ok := p.number(2, 2)
	if !ok || m > 59 {
		return 0, false
	}
	return sign * (time.Duration(h)*time.Hour + time.Duration(m)*time.Minute), true
}

func (p *timeParser) us() (time.Time, bool) {
	var day int
	var ok2 bool
	month, ok1 := p.monthName()
	if ok1 {
		p.spaces()
		day, ok2 = p.number(1, 2)
		p.char(',')
		p.spaces()
	} else {
		month, ok1 = p.number(1, 2)
		ok1 = ok1 && p.char('/')
		day, ok2 = p.number(1, 2)
		ok2 = ok2 && p.char('/')
	}
	year, ok3 := p.number(4, 4)
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	if p.done() {
		return date(year, month, day, 0, 0, 0, 0)
	}
	p.char(',')
	p.spaces()
	h, m, s, nano, ok := p.clock(1)
	if !ok {
		return time.Time{}, false
	}
	p.spaces()
	if rest := p.s[p.at:]; len(rest) >= 2 && (rest[1] == 'M' || rest[1] == 'm') {
		pm := rest[0] == 'P' || rest[0] == 'p'
		if !pm && rest[0] != 'A' && rest[0] != 'a' || h < 1 || h > 12 {
			return time.Time{}, false
		}
		h %= 12
		if pm {
			h += 12
		}
		p.at += 2
		p.spaces()
	}
	t, ok := date(year, month, day, h, m, s, nano)
	if !ok {
		return time.Time{}, false
	}
	offset, ok := p.zone()
	if !ok || !p.done() {
		return time.Time{}, false
	}
	return shift(t, offset)
}

func (p *timeParser) dotNet() (time.Time, bool) {
	body, ok := strings.CutSuffix(p.s[len("/Date("):], ")/")
	if !ok {
		return time.Time{}, false
	}
	// A zone behind the milliseconds only says how to show them.
	if i := strings.LastIndexAny(body, "+-"); i > 0 {
		body = body[:i]
	}
	ms, err := strconv.ParseInt(body, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return fromMillis(ms)
}

// The years that RFC 3339 can write.
const (
	minMillis = -62_167_219_200_000
	maxMillis = 253_402_300_799_999
)

func fromMillis(ms int64) (time.Time, bool) {
	if ms < minMillis || ms > maxMillis {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// date is time.Date without its rolling over: 31 April is no date.
func date(year, month, day, h, m, s, nano int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, h, m, s, nano/1000*1000, time.UTC)
	return t, t.Day() == day && int(t.Month()) == month
}

// Numbers are times where a form gives a number for one: seconds since 1970
// below this, else milliseconds. The border is the year 5138 in seconds and
// March 1973 in milliseconds.
const secondsBelow = 100_000_000_000

// timeOf reads a time out of a value of an event.
func timeOf(v any) (time.Time, bool) {
	var f float64
	switch x := v.(type) {
	case string:
		return ParseTime(x)
	case time.Time:
		if x.IsZero() {
			return time.Time{}, false
		}
		return x.UTC().Truncate(time.Microsecond), true
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return fromEpoch(i)
		}
		var err error
		if f, err = x.Float64(); err != nil {
			return time.Time{}, false
		}
	case int64:
		return fromEpoch(x)
	case int:
		return fromEpoch(int64(x))
	case float64:
		f = x
	case *rawjson.Value:
		switch x.Kind {
		case rawjson.String:
			return ParseTime(rawString(x))
		case rawjson.Number:
			return timeOf(json.Number(x.Text))
		}
		return time.Time{}, false
	default:
		return time.Time{}, false
	}
	if !(f > 0 && f <= maxMillis) {
		return time.Time{}, false
	}
	if f < secondsBelow {
		return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), true
	}
	return time.UnixMicro(int64(math.Round(f * 1e3))).UTC(), true
}

func fromEpoch(n int64) (time.Time, bool) {
	if n <= 0 {
		return time.Time{}, false
	}
	if n < secondsBelow {
		return time.Unix(n, 0).UTC(), true
	}
	return fromMillis(n)
}
