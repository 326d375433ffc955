package sentinel

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// schedule is how often a query runs and how far it looks back.
type schedule struct {
	Every  time.Duration
	Period time.Duration
	Delay  time.Duration // of the slowest table
}

// How often an analytics rule may run.
const (
	MinEvery = 5 * time.Minute
	MaxEvery = maxPeriod
)

const (
	day = 24 * time.Hour
	// maxPeriod is how far an analytics rule looks back at most.
	maxPeriod = 14 * day
	// longPeriod is from where on a rule may not run more often than hourly.
	longPeriod = 2 * day
)

// detectionSchedules are the schedules of a custom detection with what each
// looks back; the look-back is no setting of its own.
var detectionSchedules = []struct{ every, lookback time.Duration }{
	{time.Hour, 4 * time.Hour}, {3 * time.Hour, 12 * time.Hour}, {12 * time.Hour, 48 * time.Hour}, {day, 30 * day}}

// history returns how much of the past, before the instants that a run is to
// report, decides them. The window of the last earlier instant must be whole
// too, since it decides whether a hit is new; what an inner correlation needs
// comes before that.
func history(r *ir.Rule) time.Duration {
	c := r.Correlation
	if c == nil {
		return 0
	}
	var own int64
	switch c.Type {
	case sigma.NewValue, sigma.AfterSilence:
		own = c.Lookback
	case sigma.Increase:
		own = c.Against + 2*c.Span
	default:
		own = 2 * c.Span
	}
	var inner time.Duration
	for _, in := range c.Inputs {
		for _, t := range in.Taps {
			inner = max(inner, history(t.Rule))
		}
	}
	return time.Duration(own)*time.Microsecond + inner
}

// tablesOf returns the tables that a rule reads, in order, each once.
func tablesOf(r *ir.Rule) []string {
	var out []string
	seen := map[string]bool{}
	var add func(r *ir.Rule)
	add = func(r *ir.Rule) {
		if r.Correlation == nil {
			if t := r.Source.Table; t != "" && !seen[t] {
				seen[t] = true
				out = append(out, t)
			}
			return
		}
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				add(t.Rule)
			}
		}
	}
	add(r)
	return out
}

func delayOf(tables []string) time.Duration {
	d := time.Duration(0)
	for _, t := range tables {
		d = max(d, tableOf(t).Delay)
	}
	if len(tables) == 0 {
		d = facts().Default.Delay
	}
	return d
}

// onceChain is over how many times the length of `once` a query follows which
// hits of a key are raised, where that does not make the rule run less often.
const onceChain = 3

// onceFor is the length of a rule's `once`, in whole minutes.
func onceFor(r *ir.Rule) time.Duration {
	if r.Once == nil {
		return 0
	}
	return (time.Duration(r.Once.For)*time.Microsecond + time.Minute - 1).Truncate(time.Minute)
}

// scheduleOf plans an analytics rule. err says why there is no plan.
func scheduleOf(r *ir.Rule, every time.Duration) (schedule, error) {
	s := schedule{Every: min(max(every, MinEvery), MaxEvery), Delay: delayOf(tablesOf(r))}
	need, once := history(r), onceFor(r)
	period := func() time.Duration { return (need + once + s.Every + s.Delay + time.Minute - 1).Truncate(time.Minute) }
	if once *= onceChain; period() >= longPeriod {
		once /= onceChain
	}
	if period() >= longPeriod {
		s.Every = max(s.Every, time.Hour)
	}
	s.Period = max(period(), s.Every)
	if s.Period > maxPeriod {
		return s, tooLong(r, need+once, s.Period, maxPeriod, "an analytics rule", maxPeriod-s.Every-s.Delay)
	}
	return s, nil
}

// detectionScheduleOf plans a custom detection: the most frequent schedule
// whose look-back is enough.
func detectionScheduleOf(r *ir.Rule) (s schedule, err error) {
	s.Delay = delayOf(tablesOf(r))
	need := history(r) + onceFor(r)
	for _, p := range detectionSchedules {
		if s.Every, s.Period = p.every, p.lookback; need+p.every+s.Delay <= p.lookback {
			return s, nil
		}
	}
	return s, tooLong(r, need, need+s.Every+s.Delay, s.Period, "a custom detection", s.Period-s.Every-s.Delay)
}

// tooLong refuses a rule and names the longest lengths that fit: need is how
// much of the past it needs, room what a target leaves for that.
func tooLong(r *ir.Rule, need, period, limit time.Duration, what string, room time.Duration) error {
	us := func(d time.Duration) string { return ir.LengthText(d.Truncate(time.Minute).Microseconds()) }
	refuse := func(pos sigma.Pos, fits string) error {
		return sigma.Diagnostic{File: r.File, Pos: pos, Severity: sigma.SeverityError, Code: sigma.CodeUnsupported,
			Message: fmt.Sprintf("%s: it has to look back %s, and %s looks back %s at most; %s", r.Meta.Title, plainSpan(period), what, plainSpan(limit), fits),
			Hint:    "shorten it, or export it as a hunting query"}
	}
	own := history(r)
	if r.Once != nil && own < room { // it is once that takes too much
		return refuse(r.Once.Pos, "the longest time for `once` that fits is "+us(room-own))
	}
	c := r.Correlation
	room -= own - history(&ir.Rule{Correlation: &ir.Correlation{Type: c.Type, Span: c.Span, Lookback: c.Lookback, Against: c.Against}}) // what is inside
	room -= need - own
	fits := ""
	switch {
	case c.Type == sigma.NewValue || c.Type == sigma.AfterSilence:
		fits = "the longest lookback that fits is " + us(room)
	case c.Type == sigma.Increase && room > time.Duration(c.Against)*time.Microsecond:
		fits = "the longest timespan that fits is " + us((room-time.Duration(c.Against)*time.Microsecond)/2)
	case c.Type == sigma.Increase:
		fits = fmt.Sprintf("the longest `against` that fits beside its timespan is %s", us(room-2*time.Duration(c.Span)*time.Microsecond))
	default:
		fits = "the longest timespan that fits is " + us(room/2)
	}
	if room <= 0 {
		fits = "what it refers to takes all of that"
	}
	return refuse(r.Pos, fits)
}

// plainSpan writes a length of time for people: 60d 1h 10m.
func plainSpan(d time.Duration) string {
	var parts []string
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := d / u.length; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
		}
		d %= u.length
	}
	return strings.Join(parts, " ")
}

// every returns how often a rule runs when nobody says so.
func every(level string) time.Duration {
	if level == "high" || level == "critical" {
		return 15 * time.Minute
	}
	return time.Hour
}

// kqlSpan writes a length of time in whole minutes as a literal of KQL and of
// Microsoft's rule files, in one unit.
func kqlSpan(d time.Duration) string {
	switch {
	case d%day == 0 && d > 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// isoSpan writes a length of time in whole minutes as ISO 8601 has it.
func isoSpan(d time.Duration) string {
	var b strings.Builder
	b.WriteByte('P')
	if n := d / day; n > 0 {
		fmt.Fprintf(&b, "%dD", n)
	}
	if d %= day; d > 0 || b.Len() == 1 {
		b.WriteByte('T')
		if n := d / time.Hour; n > 0 {
			fmt.Fprintf(&b, "%dH", n)
		}
		if n := d % time.Hour / time.Minute; n > 0 || b.Len() == 2 {
			fmt.Fprintf(&b, "%dM", n)
		}
	}
	return b.String()
}

// readSpan reads what kqlSpan and isoSpan write.
func readSpan(s string) (time.Duration, bool) {
	units := map[byte]time.Duration{'d': day, 'h': time.Hour, 'm': time.Minute}
	iso := strings.HasPrefix(s, "P")
	rest, inTime := s, false
	if iso {
		rest = strings.ToLower(s[1:])
	}
	var total time.Duration
	parts := 0
	for rest != "" {
		if iso && rest[0] == 't' && !inTime {
			inTime, rest = true, rest[1:]
			continue
		}
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n > 6 || n == len(rest) || !iso && parts > 0 {
			return 0, false
		}
		unit, ok := units[rest[n]]
		if !ok || iso && (rest[n] == 'd') == inTime {
			return 0, false
		}
		var v time.Duration
		for _, c := range []byte(rest[:n]) {
			v = v*10 + time.Duration(c-'0')
		}
		total += v * unit
		rest = rest[n+1:]
		parts++
	}
	return total, parts > 0
}
