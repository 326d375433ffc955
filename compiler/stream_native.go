package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// newValues remembers when each tuple was last seen (new_value).
type newValues struct {
	begun bool
	now   int64

	seen    aged[sighting]
	history queue[instantCount] // the last min-history events before now, by instant
	total   int                 // of history
	atNow   int
	fresh   []string           // tuples of now in the order they came
	current map[string][]entry // events of now by tuple
	kept    int                // in current
}

type sighting struct {
	at        int64 // last seen
	before    int64 // and the time before that
	hasBefore bool
	raised    bool // at
}

type instantCount struct {
	time int64
	n    int
}

func (s *newValues) add(c *correlator, _ *group, now int64, x entry) (undecided bool) {
	limit := c.e.opts.MaxGroupEvents
	if !s.begun || now != s.now {
		if s.begun {
			s.history.push(instantCount{s.now, s.atNow})
			s.total += s.atNow
		}
		want := min(c.spec.MinHistory, limit)
		for s.history.len() > 1 && s.total-s.history.first().n >= want {
			s.total -= s.history.first().n
			s.history.pop()
		}
		s.begun, s.now, s.atNow = true, now, 0
		s.fresh, s.kept = s.fresh[:0], 0
		s.current = nil
		for o := s.seen.oldest; o != nil && o.value.at < now-c.keep; o = s.seen.oldest {
			s.seen.remove(o)
		}
	}
	s.atNow++
	for _, k := range x.read().tuples.strings() {
		n, made := s.seen.touch(k)
		v := &n.value
		if made || v.at != now {
			v.before, v.hasBefore, v.at, v.raised = v.at, !made, now, false
			s.fresh = append(s.fresh, k)
		}
		if s.kept < limit {
			if s.current == nil {
				s.current = map[string][]entry{}
			}
			s.current[k] = append(s.current[k], x)
			s.kept++
		} else {
			c.e.stats.DroppedEvents++
		}
		if s.seen.len() > limit {
			s.seen.remove(s.seen.oldest)
			c.e.stats.DroppedEvents++
		}
	}
	return true
}

// known counts the earlier events of the lookback, as far as they are
// remembered: enough for min-history.
func (s *newValues) known(c *correlator, now int64) int {
	n := 0
	for _, h := range s.history.all() {
		if h.time >= now-c.keep {
			n += h.n
		}
	}
	return n
}

func (s *newValues) decide(c *correlator, _ *group, now int64) []verdict {
	from := now - c.keep
	if s.known(c, now) < min(c.spec.MinHistory, c.e.opts.MaxGroupEvents) {
		return nil
	}
	var out []verdict
	for _, k := range s.fresh {
		n := s.seen.entries[k]
		if n == nil || n.value.raised || n.value.hasBefore && n.value.before >= from {
			continue
		}
		n.value.raised = true
		out = append(out, verdict{from: from, to: now, tuple: k, entries: s.current[k]})
	}
	slices.SortFunc(out, func(a, b verdict) int { return compareKeys(a.tuple, b.tuple) })
	return out
}

// silence remembers the group's last instants (after_silence).
type silence struct {
	begun, before bool
	now, prev     int64
	raised        bool
	here, there   []entry // events of now and of prev
}

func (s *silence) add(c *correlator, _ *group, now int64, x entry) (undecided bool) {
	if !s.begun || now != s.now {
		s.prev, s.before, s.there = s.now, s.begun, s.here
		s.now, s.begun, s.raised, s.here = now, true, false, nil
	}
	if len(s.here) >= c.e.opts.MaxGroupEvents {
		c.e.stats.DroppedEvents++
		return true
	}
	s.here = append(s.here, x)
	return true
}

// inSeconds is how a hit says how long a silence was.
func inSeconds(micros int64) ir.Number { return canonical(ir.Number{Float: float64(micros) / 1e6}) }

func (s *silence) decide(c *correlator, _ *group, now int64) []verdict {
	gap := now - s.prev
	if s.raised || !s.before || gap < c.spec.Silence || gap > clampSpan(c.spec.Lookback) {
		return nil
	}
	s.raised = true
	return []verdict{{from: s.prev, to: now, value: inSeconds(gap), valued: true, entries: slices.Concat(s.there, s.here)}}
}

// summary counts all of a group's events.
type summary struct {
	n           int
	first, last int64
	distinct    []map[string]struct{}
}

func (s *summary) add(c *correlator, _ *group, now int64, x entry) (undecided bool) {
	if s.n == 0 {
		s.first = now
	}
	s.n++
	s.last = now
	fields := x.read().fields()
	for i, keys := range fields[:min(len(fields), len(s.distinct))] {
		if s.distinct[i] == nil {
			s.distinct[i] = map[string]struct{}{}
		}
		for _, k := range keys {
			if _, ok := s.distinct[i][k]; !ok && len(s.distinct[i]) >= c.e.opts.MaxGroupEvents {
				c.e.stats.DroppedEvents++
				continue
			}
			s.distinct[i][k] = struct{}{}
		}
	}
	return false
}

func (s *summary) decide(*correlator, *group, int64) []verdict { return nil }

// summarise makes the hits of a summary, in the order of the groups' keys.
func (c *correlator) summarise() {
	var groups []*group
	for g := c.groups.oldest; g != nil; g = g.newer {
		groups = append(groups, g)
	}
	sortByKey(groups)
	for _, g := range groups {
		s := g.state.(*summary)
		v := verdict{from: s.first, to: s.last, value: intNumber(s.n), valued: true}
		for _, d := range s.distinct {
			v.distinct = append(v.distinct, len(d))
		}
		c.hit(g, s.last, v)
	}
}
