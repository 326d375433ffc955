package conformance

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// ReferenceStream finds the hits of rules and correlations in a history, by
// docs/design.md §5 and nothing else: for each instant of each group it looks
// at all events of the window again. It shares no code with the compiler, and
// holds everything in memory.
//
// Events stand in the order in which they arrive and have ids that tell them
// apart; those without a time are in no correlation, and those that are older
// than the latest time seen before them less the lateness neither. The rules
// are a whole set with its correlations, lowered together; those of one
// document in several tables count as one. Hits of rules that a correlation refers to and does not generate are
// left out. Hits are in the order of their times, in that of the rules, and of
// their groups.
func ReferenceStream(rules []*ir.Rule, events []event.Record, lateness time.Duration) []StreamHit {
	r := &correlator{events: events, memo: map[string][]StreamHit{}, truth: map[eventOfRule]bool{}, atOnce: lateness == 0}
	r.onTime, r.marks = make([]bool, len(events)), make([]int64, len(events))
	latest := int64(math.MinInt64)
	for i, e := range events {
		if !e.Time.IsZero() {
			t := micros(e.Time)
			latest = max(latest, t)
			r.onTime[i] = t >= latest-lateness.Microseconds()
		}
		r.marks[i] = latest
		if latest > math.MinInt64 {
			r.marks[i] -= lateness.Microseconds()
		}
	}
	r.rules = map[string][]*ir.Rule{}
	for _, rule := range rules {
		k := documentKey(rule)
		r.rules[k] = append(r.rules[k], rule)
	}
	var hits []StreamHit
	for _, of := range reported(rules) {
		hits = append(hits, r.raised(of)...)
	}
	slices.SortStableFunc(hits, func(a, b StreamHit) int { return cmp.Compare(a.Time, b.Time) })
	return hits
}

// reported returns the rules of each document whose hits are reported: those
// that run, and that no correlation refers to, or one that generates.
func reported(rules []*ir.Rule) [][]*ir.Rule {
	hidden, shown := map[string]bool{}, map[string]bool{}
	var order []string
	byKey := map[string][]*ir.Rule{}
	for _, rule := range rules {
		k := documentKey(rule)
		if byKey[k] == nil {
			order = append(order, k)
		}
		byKey[k] = append(byKey[k], rule)
		if c := rule.Correlation; c != nil {
			of := hidden
			if c.Generate {
				of = shown
			}
			for _, in := range c.Inputs {
				for _, tap := range in.Taps {
					of[documentKey(tap.Rule)] = true
				}
			}
		}
	}
	var out [][]*ir.Rule
	for _, k := range order {
		if (!hidden[k] || shown[k]) && len(byKey[k][0].Lacks) == 0 {
			out = append(out, byKey[k])
		}
	}
	return out
}

// documentKey tells documents apart, and the correlation of an old aggregation
// from its rule.
func documentKey(r *ir.Rule) string {
	return fmt.Sprintf("%s %v %s %v", r.File, r.Pos, RuleKey(&r.Meta), r.Correlation != nil)
}

func micros(t time.Time) int64 { return t.UnixMicro() }

// correlator is one run of ReferenceStream.
type correlator struct {
	rules  map[string][]*ir.Rule // of each document
	events []event.Record
	onTime []bool
	marks  []int64 // the watermark after each event
	// atOnce: a condition that more events cannot undo is decided at the event
	// that makes it true.
	atOnce bool
	memo   map[string][]StreamHit // of correlations, before once
	truth  map[eventOfRule]bool
}

// eventOfRule is an event with a rule that is put to it.
type eventOfRule struct {
	rule  *ir.Rule
	event *event.Record
}

// step is when something gets known: with the arrival of an event, after the
// event itself each inner hit that it decides, one by one.
type step struct{ arrival, after int }

func (a step) compare(b step) int {
	return cmp.Or(cmp.Compare(a.arrival, b.arrival), cmp.Compare(a.after, b.after))
}

// afterwards is behind the arrival of all events.
var afterwards = step{arrival: math.MaxInt}

// fact is an event, or a hit of an inner correlation, as a match of some of the
// inputs of a correlation in one group.
type fact struct {
	time   int64
	step   step
	event  string // "" for an inner hit
	inputs []int
	group  []string
	// counted holds the scalars of each counted field.
	counted [][]any
}

func (f *fact) contributors() []Contributor {
	var cs []Contributor
	for _, i := range f.inputs {
		cs = append(cs, Contributor{i, f.time, f.event})
	}
	return cs
}

// raised returns the hits of a document after `once`.
func (r *correlator) raised(rules []*ir.Rule) []StreamHit {
	if rules[0].Correlation != nil {
		hits := r.correlation(rules[0])
		if once := rules[0].Once; once != nil {
			return onlyOnce(once, hits, func(h *StreamHit) []string {
				var key []string
				for _, f := range once.By {
					i := slices.Index(rules[0].Correlation.GroupBy, f.Name)
					key = append(key, h.Group[i])
				}
				return key
			})
		}
		return hits
	}
	once := rules[0].Once
	var hits []StreamHit
	var apart []ownHit
	for i, e := range r.events {
		rule := r.matching(rules, &r.events[i])
		if rule == nil {
			continue
		}
		h := StreamHit{Rule: RuleKey(&rule.Meta), Event: e.ID}
		if e.Time.IsZero() || once == nil {
			if !e.Time.IsZero() {
				h.Time = micros(e.Time)
			}
			hits = append(hits, h)
			continue
		}
		h.Time = micros(e.Time)
		own := ownHit{StreamHit: h, decided: i, late: !r.onTime[i], mark: r.marks[i]}
		for _, f := range rule.Once.By {
			values := texts(scalars(f, e.Event))
			if len(values) == 0 {
				values = []string{""}
			}
			slices.Sort(values)
			own.key = append(own.key, fmt.Sprintf("%q", values))
		}
		for !own.late && !r.atOnce && own.decided < len(r.events) && r.marks[own.decided] <= h.Time {
			own.decided++ // the watermark has not passed it
		}
		apart = append(apart, own)
	}
	return append(hits, ownOnce(once, apart)...)
}

// ownHit is a rule's own hit where `once` is asked.
type ownHit struct {
	StreamHit
	key     []string
	decided int // the arrival that decides it
	late    bool
	mark    int64 // the watermark when it came
}

// ownOnce is onlyOnce for the own hits of a rule, which may come too late: then
// a raised one that is later takes them, too, unless the watermark has left it
// behind by more than once.For.
func ownOnce(once *ir.Once, hits []ownHit) []StreamHit {
	slices.SortStableFunc(hits, func(a, b ownHit) int { return cmp.Or(cmp.Compare(a.decided, b.decided), cmp.Compare(a.Time, b.Time)) })
	var raised []StreamHit
	last := map[string]int{}
	for _, h := range hits {
		k := fmt.Sprintf("%q", h.key)
		i, ok := last[k]
		switch {
		case ok && !h.late && h.Time-raised[i].Time <= once.For,
			ok && h.late && max(h.Time-raised[i].Time, raised[i].Time-h.Time, h.mark-raised[i].Time) <= once.For:
			raised[i].Repeats++
			continue
		case !ok || raised[i].Time <= h.Time:
			last[k] = len(raised)
		}
		raised = append(raised, h.StreamHit)
	}
	return raised
}

// matching returns the first of the rules that looks at an event's source and
// is true of the event.
func (r *correlator) matching(rules []*ir.Rule, e *event.Record) *ir.Rule {
	for _, rule := range rules {
		k := eventOfRule{rule, e}
		holds, known := r.truth[k]
		if !known {
			holds = rule.Source.Form == string(e.Source.Form) && strings.EqualFold(rule.Source.Table, e.Source.Table) && len(rule.Lacks) == 0 && Reference(rule.Predicate(), e.Event)
			r.truth[k] = holds
		}
		if holds {
			return rule
		}
	}
	return nil
}

// onlyOnce keeps a hit that comes no later than once.For after a raised one of
// the same key back, and counts it there.
func onlyOnce(once *ir.Once, hits []StreamHit, key func(*StreamHit) []string) []StreamHit {
	var raised []StreamHit
	last := map[string]int{}
	for _, h := range hits {
		k := fmt.Sprintf("%q", key(&h))
		if i, ok := last[k]; ok && h.Time-raised[i].Time <= once.For {
			raised[i].Repeats++
			continue
		}
		last[k] = len(raised)
		raised = append(raised, h)
	}
	return raised
}

// correlation returns all hits of a correlation, by time, group and tuple.
func (r *correlator) correlation(rule *ir.Rule) []StreamHit {
	k := documentKey(rule)
	if hits, ok := r.memo[k]; ok {
		return hits
	}
	if in := r.rules[k]; in != nil {
		rule = in[0] // which may be a mutant of what the outer one refers to
	}
	r.memo[k] = nil // a cycle has no hits
	var groups []string
	facts := map[string][]*fact{}
	for _, f := range r.facts(rule) {
		g := fmt.Sprintf("%q", f.group)
		if facts[g] == nil {
			groups = append(groups, g)
		}
		facts[g] = append(facts[g], f)
	}
	slices.SortFunc(groups, func(a, b string) int { return slices.Compare(facts[a][0].group, facts[b][0].group) })
	var hits []StreamHit
	for _, g := range groups {
		in := &group{c: rule.Correlation, rule: RuleKey(&rule.Meta), facts: facts[g], atOnce: r.atOnce && !oneOfSeveral(rule)}
		hits = append(hits, in.hits()...)
	}
	slices.SortStableFunc(hits, func(a, b StreamHit) int { return cmp.Compare(a.Time, b.Time) })
	r.memo[k] = hits
	return hits
}

// oneOfSeveral reports whether `once` may raise one of several hits of one time:
// then they are decided together, and the first by group and tuple is raised.
func oneOfSeveral(rule *ir.Rule) bool {
	if rule.Once == nil {
		return false
	}
	by := map[string]bool{}
	for _, f := range rule.Once.By {
		by[f.Name] = true
	}
	return rule.Correlation.Type == sigma.NewValue || slices.ContainsFunc(rule.Correlation.GroupBy, func(f string) bool { return !by[f] })
}

// facts returns what a correlation looks at, group by group, in the order of
// arrival: an event that matches several inputs is one fact in each group.
func (r *correlator) facts(rule *ir.Rule) []*fact {
	c := rule.Correlation
	var facts []*fact
	add := func(time int64, step step, event string, found map[string]*fact, order []string) {
		for _, g := range order {
			f := found[g]
			f.time, f.event, f.step = time, event, step
			facts = append(facts, f)
		}
	}
	// one puts a match of an input into the groups it belongs to.
	one := func(found map[string]*fact, order *[]string, input int, tap ir.Tap, ev any) {
		for _, key := range groupKeys(tap.GroupBy, ev) {
			g := fmt.Sprintf("%q", key)
			if found[g] == nil {
				found[g] = &fact{group: key}
				*order = append(*order, g)
				for _, f := range tap.Counted {
					found[g].counted = append(found[g].counted, scalars(f, ev))
				}
			}
			found[g].inputs = append(found[g].inputs, input)
		}
	}
	for i := range r.events {
		e := &r.events[i]
		if !r.onTime[i] {
			continue
		}
		found := map[string]*fact{}
		var order []string
		for n, in := range c.Inputs {
			for _, tap := range in.Taps {
				if tap.Rule.Correlation == nil && r.matching([]*ir.Rule{tap.Rule}, e) != nil {
					one(found, &order, n, tap, e.Event)
					break
				}
			}
		}
		add(micros(e.Time), step{arrival: i}, e.ID, found, order)
	}
	for n, in := range c.Inputs {
		for _, tap := range in.Taps {
			if tap.Rule.Correlation == nil {
				continue
			}
			known := slices.Clone(r.correlation(tap.Rule))
			slices.SortStableFunc(known, func(a, b StreamHit) int { return cmp.Or(cmp.Compare(a.Time, b.Time), a.step.compare(b.step)) })
			for i, h := range known {
				ev := map[string]any{}
				inner := tap.Rule.Correlation
				if in := r.rules[documentKey(tap.Rule)]; in != nil {
					inner = in[0].Correlation
				}
				for i, name := range inner.GroupBy {
					ev[name] = h.Group[i]
				}
				found := map[string]*fact{}
				var order []string
				one(found, &order, n, tap, ev)
				add(h.Time, step{h.step.arrival, 1 + i}, "", found, order)
			}
		}
	}
	return facts
}

// groupKeys returns the groups of an event: each combination of the values of
// the fields, folded; an absent field is the empty text, unless all are.
func groupKeys(fields []ir.Field, ev any) [][]string {
	if len(fields) == 0 {
		return [][]string{nil}
	}
	absent := 0
	var parts [][]string
	for _, f := range fields {
		values := texts(scalars(f, ev))
		if len(values) == 0 {
			absent++
			values = []string{""}
		}
		parts = append(parts, values)
	}
	if absent == len(fields) {
		return nil
	}
	return product(parts)
}

// texts returns the distinct folded text forms of scalars.
func texts(xs []any) []string {
	var found []string
	for _, x := range xs {
		if t := fold(text(x)); !slices.Contains(found, t) {
			found = append(found, t)
		}
	}
	return found
}

// product returns each way to take one of every part.
func product(parts [][]string) [][]string {
	ways := [][]string{{}}
	for _, part := range parts {
		var longer [][]string
		for _, way := range ways {
			for _, p := range part {
				longer = append(longer, append(slices.Clone(way), p))
			}
		}
		ways = longer
	}
	return ways
}
