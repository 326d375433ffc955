package backends

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The years for which a query knows a zone where it does not leave that to the
// engine. Times of other years have no part in a zone and are in no window of
// one.
const firstZoneYear, lastZoneYear = 2000, 2037

// zonePiece is a span of time with one distance from UTC, in seconds. It begins
// at from and ends where the next begins.
type zonePiece struct{ from, offset int64 }

// zonePieces are the pieces of a zone from a year to the end of another, which
// is where the last of them, without a meaning of its own, begins.
func zonePieces(zone string, first, last int) ([]zonePiece, error) {
	z, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	var pieces []zonePiece
	at, to := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC)
	for at.Before(to) {
		_, offset := at.In(z).Zone()
		if n := len(pieces); n == 0 || pieces[n-1].offset != int64(offset) {
			pieces = append(pieces, zonePiece{at.Unix(), int64(offset)})
		}
		_, end := at.In(z).ZoneBounds()
		switch {
		case end.IsZero() || end.After(to):
			end = to
		case !end.After(at): // so it is at the end of leap years to come
			end = at.Add(daySeconds * time.Second)
		}
		at = end
	}
	return append(pieces, zonePiece{from: to.Unix()}), nil
}

// zoneDays numbers the days of a zone from 1970-01-01 there. A day begins at its
// first instant: midnight, the first of two where the clock is put back over it,
// or when the clock is put forward over it.
type zoneDays []zonePiece

const daySeconds = 24 * 3600

// zoneYearsMore is how much longer than the events that it numbers windows may
// be.
const zoneYearsMore = 10

// zoneDaysOf are the days of a zone. Where the clock is put back to the day
// before, the distance from UTC that was stays until that day ends again, so
// that days follow one another.
func zoneDaysOf(zone string) (zoneDays, error) {
	days, err := zonePieces(zone, firstZoneYear-zoneYearsMore, lastZoneYear+zoneYearsMore)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(days)-1; i++ {
		was := (days[i].from - 1 + days[i-1].offset) / daySeconds
		if is := (days[i].from + days[i].offset) / daySeconds; is < was {
			days[i].from = was*daySeconds - days[i].offset
		}
	}
	return days, nil
}

// number prints the number of the day that a time is in; null for years that are
// not known. Times are in microseconds.
func (days zoneDays) number(t string, divide func(x, by string) string) string {
	from, to := time.Date(firstZoneYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(lastZoneYear+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	var b strings.Builder
	fmt.Fprintf(&b, "(%s + CASE WHEN %s < %d THEN NULL", t, t, from*second)
	for i, p := range days[:len(days)-1] {
		if end := min(days[i+1].from, to); p.from < to && end > from {
			fmt.Fprintf(&b, " WHEN %s < %d THEN %d", t, end*second, p.offset*second)
		}
	}
	b.WriteString(" END)")
	return divide(b.String(), strconv.FormatInt(dayMicros, 10))
}

// start prints when a day begins.
func (days zoneDays) start(n string) string {
	var b strings.Builder
	b.WriteString("CASE")
	after := int64(0) // the last day of the piece before
	for i, p := range days[:len(days)-1] {
		last := (days[i+1].from - 1 + p.offset) / daySeconds
		if i > 0 && (after+1)*daySeconds-p.offset < p.from {
			// Its first day begins in the middle, and of days that are left out all begin there.
			first := min((p.from+p.offset)/daySeconds, last)
			fmt.Fprintf(&b, " WHEN %s <= %d THEN %d", n, first, p.from*second)
		}
		fmt.Fprintf(&b, " WHEN %s <= %d THEN %s * %d - %d", n, last, n, int64(dayMicros), p.offset*second)
		after = last
	}
	b.WriteString(" END")
	return b.String()
}

const second = 1_000_000
