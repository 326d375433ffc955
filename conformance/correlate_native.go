package conformance

import (
	"cmp"
	"slices"
	"time"
)

func (g *group) newValues() []StreamHit {
	var hits []StreamHit
	for _, t := range g.instants() {
		history := g.between(t-g.c.Lookback, t-1)
		if len(history) < g.c.MinHistory {
			continue
		}
		now := g.between(t, t)
		known := tuples(history)
		fresh := tuples(now)
		slices.SortFunc(fresh, slices.Compare[[]string])
		for _, tuple := range fresh {
			same := func(t []string) bool { return slices.Equal(t, tuple) }
			if slices.ContainsFunc(known, same) {
				continue
			}
			var behind []*fact
			for _, f := range now {
				if slices.ContainsFunc(tuplesOf(f), same) {
					behind = append(behind, f)
				}
			}
			step := afterwards
			if g.atOnce {
				behind = firstStep(behind)
				step = behind[0].step
			}
			h := g.hit(t, 0, behind)
			h.Tuple, h.step = tuple, step
			hits = append(hits, h)
		}
	}
	return hits
}

func (g *group) afterSilence() []StreamHit {
	var hits []StreamHit
	ts := g.instants()
	for i, t := range ts {
		if i == 0 {
			continue
		}
		p := ts[i-1]
		if gap := t - p; gap < g.c.Silence || gap > g.c.Lookback {
			continue
		}
		now, step := g.between(t, t), afterwards
		if g.atOnce {
			now = firstStep(now)
			step = now[0].step
		}
		h := g.hit(t, float64(t-p)/1e6, append(g.between(p, p), now...))
		h.step = step
		hits = append(hits, h)
	}
	return hits
}

// increases compares each window that has a fact with the earlier one, which
// may have none.
func (g *group) increases() []StreamHit {
	c := g.c
	windows := map[int64][]*fact{}
	for _, t := range g.instants() {
		n := g.windowOf(t)
		windows[n] = append(windows[n], g.between(t, t)...)
	}
	value := func(fs []*fact) float64 {
		if len(c.Counted) > 0 {
			return float64(len(tuples(fs)))
		}
		return float64(len(fs))
	}
	var hits []StreamHit
	for n, fs := range windows {
		now, before := value(fs), value(windows[n-c.Against/c.Span])
		if before < c.Minimum || c.Factor != 0 && !isTimes(now, c.Factor, before) || c.Difference != 0 && now < before+c.Difference {
			continue
		}
		h := g.hit(g.startOf(n+1), now, fs)
		h.step = afterwards
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b StreamHit) int { return cmp.Compare(a.Time, b.Time) })
	return hits
}

// windowOf returns the number of the window that a time is in, counted from
// 1970; in a zone windows are whole days there.
func (g *group) windowOf(t int64) int64 {
	if g.c.Zone == "" {
		return floorDiv(t, g.c.Span)
	}
	l := time.UnixMicro(t).In(g.location())
	day := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC).UnixMicro() / dayMicros
	if g.startOfDay(day+1) <= t {
		day++ // the clock was put back to the day before
	}
	return floorDiv(day*dayMicros, g.c.Span)
}

const dayMicros = 24 * 3600 * 1_000_000

// startOf returns when a window begins.
func (g *group) startOf(n int64) int64 {
	if g.c.Zone == "" {
		return n * g.c.Span
	}
	return g.startOfDay(floorDiv(n*g.c.Span, dayMicros))
}

// startOfDay returns the first minute of a zone's day, or of the next that there
// is: clocks are changed at whole minutes.
func (g *group) startOfDay(n int64) int64 {
	z := g.location()
	const day, furthest = 24 * 3600, 15 * 3600 // seconds; from UTC
	for t := n*day - furthest; ; t += 60 {
		if _, offset := time.Unix(t, 0).In(z).Zone(); floorDiv(t+int64(offset), day) >= n {
			return t * 1_000_000
		}
	}
}

func (g *group) location() *time.Location {
	z, err := time.LoadLocation(g.c.Zone)
	if err != nil {
		panic("conformance: unknown zone " + g.c.Zone)
	}
	return z
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// summary is one line for the group, at its last event; its value is the number
// of events.
func (g *group) summary() []StreamHit {
	ts := g.instants()
	return []StreamHit{g.hit(ts[len(ts)-1], float64(len(g.facts)), nil)}
}
