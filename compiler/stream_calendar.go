package compiler

import "time"

// calendar cuts time into pieces of one length, numbered.
type calendar struct {
	unit int64 // microseconds or, with a zone, days
	zone zoneDays
}

// index returns the number of the piece that t is in.
func (c calendar) index(t int64) int64 {
	if c.zone.loc == nil {
		return floorDiv(t, c.unit)
	}
	return floorDiv(c.zone.day(t), c.unit)
}

// start returns when a piece begins.
func (c calendar) start(i int64) int64 {
	if c.zone.loc == nil {
		return i * c.unit
	}
	return c.zone.start(i * c.unit)
}

// zoneDays numbers the days of a time zone as days since 1970-01-01 there. A
// day begins at its first instant: midnight, the first of two where a clock
// was put back across it, or when a clock was put forward over it.
type zoneDays struct{ loc *time.Location }

func (z zoneDays) day(t int64) int64 {
	y, m, d := time.UnixMicro(t).In(z.loc).Date()
	n := dayNumber(y, m, d)
	if t >= z.start(n+1) {
		n++ // the clock was put back to the day before
	}
	return n
}

func dayNumber(y int, m time.Month, d int) int64 {
	return floorDiv(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix(), 24*3600)
}

func (z zoneDays) start(n int64) int64 {
	y, m, d := time.Unix(n*24*3600, 0).UTC().Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, z.loc)
	from, to := t.ZoneBounds()
	if ty, tm, td := t.Date(); dayNumber(ty, tm, td) < n && !to.IsZero() {
		return to.UnixMicro() // there is no midnight
	}
	if t.Hour() != 0 && !from.IsZero() {
		return from.UnixMicro()
	}
	if !from.IsZero() {
		_, offset := from.Add(-time.Nanosecond).Zone()
		if first := time.Unix(n*24*3600-int64(offset), 0); first.Before(from) {
			return first.UnixMicro() // there are two
		}
	}
	return t.UnixMicro()
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// dayUnit is a day of 24 hours in microseconds.
const dayUnit = 24 * 3600 * 1_000_000
