package conformance

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// StreamHit is a hit over a history of events, as referees compare them: of a
// correlation, or of a rule on one event.
type StreamHit struct {
	Rule string // RuleKey of the rule
	// Group is the group's key in the order of group-by, folded; nil for the
	// group of all events and for a rule's own hit.
	Group []string
	// Tuple holds the new values of new_value, folded.
	Tuple []string
	// Time is the instant, of an increase the end of the window, of a summary
	// the group's last event; in microseconds since 1970.
	Time int64
	// Event is the id of the event, for a rule's own hit.
	Event string
	// Value is the count or value that met the condition, of temporal types the
	// number of rules that occur, of counts that of the events, of after_silence
	// the seconds of silence; 0 for new_value.
	Value float64
	// Contributing are the events and inner hits behind a correlation's hit.
	Contributing []Contributor
	// Repeats counts the hits that `once` kept back for this one.
	Repeats int

	// step is that of the fact that decided the hit; afterwards where it is
	// decided only when its instant is over.
	step step
}

// step is when something gets known: with the arrival of an event, after the
// event itself each inner hit that it decides, one by one.
type step struct{ arrival, after int }

func (a step) compare(b step) int {
	return cmp.Or(cmp.Compare(a.arrival, b.arrival), cmp.Compare(a.after, b.after))
}

// afterwards is behind the arrival of all events.
var afterwards = step{arrival: math.MaxInt}

// Contributor is an event behind a correlation's hit, or the hit of a
// correlation that it is built on.
type Contributor struct {
	Input int // index of the referenced rule
	Time  int64
	Event string // its id; "" for a hit of a correlation
}

func (c Contributor) String() string {
	return fmt.Sprintf("%d %s %s", c.Input, timeText(c.Time), c.Event)
}

// Identity is what says that two referees speak of the same hit.
func (h *StreamHit) Identity() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %s", h.Rule, h.Group, timeText(h.Time))
	if h.Tuple != nil {
		fmt.Fprintf(&b, " new %q", h.Tuple)
	}
	if h.Event != "" {
		fmt.Fprintf(&b, " event %s", h.Event)
	}
	return b.String()
}

func timeText(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339Nano) }

// RuleKey is what a rule is called in hits: its id, else its name, else its
// title.
func RuleKey(m *sigma.Meta) string { return cmp.Or(m.ID, m.Name, m.Title) }

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
	r.onTime = make([]bool, len(events))
	latest := int64(math.MinInt64)
	for i, e := range events {
		if e.Time.IsZero() {
			continue
		}
		t := micros(e.Time)
		latest = max(latest, t)
		r.onTime[i] = t >= latest-lateness.Microseconds()
	}
	hidden := map[string]bool{}
	var order []string
	byKey := map[string][]*ir.Rule{}
	for _, rule := range rules {
		k := documentKey(rule)
		if byKey[k] == nil {
			order = append(order, k)
		}
		byKey[k] = append(byKey[k], rule)
		if c := rule.Correlation; c != nil && !c.Generate {
			for _, in := range c.Inputs {
				for _, tap := range in.Taps {
					hidden[documentKey(tap.Rule)] = true
				}
			}
		}
	}
	r.rules = byKey
	var hits []StreamHit
	for _, k := range order {
		if !hidden[k] && len(byKey[k][0].Lacks) == 0 {
			hits = append(hits, r.raised(byKey[k])...)
		}
	}
	slices.SortStableFunc(hits, func(a, b StreamHit) int { return cmp.Compare(a.Time, b.Time) })
	return hits
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
	var hits []StreamHit
	keys := map[string][]string{}
	for i, e := range r.events {
		if rule := r.matching(rules, &r.events[i]); rule != nil {
			h := StreamHit{Rule: RuleKey(&rule.Meta), Event: e.ID}
			if !e.Time.IsZero() {
				h.Time = micros(e.Time)
			}
			hits = append(hits, h)
			if rule.Once != nil {
				for _, f := range rule.Once.By {
					keys[e.ID] = append(keys[e.ID], strings.Join(texts(scalars(f, e.Event)), "\x00"))
				}
			}
		}
	}
	if once := rules[0].Once; once != nil {
		return onlyOnce(once, hits, func(h *StreamHit) []string { return keys[h.Event] })
	}
	return hits
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
	slices.Sort(groups)
	var hits []StreamHit
	for _, g := range groups {
		in := &group{c: rule.Correlation, rule: RuleKey(&rule.Meta), facts: facts[g], atOnce: r.atOnce}
		hits = append(hits, in.hits()...)
	}
	slices.SortStableFunc(hits, func(a, b StreamHit) int { return cmp.Compare(a.Time, b.Time) })
	r.memo[k] = hits
	return hits
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

// group is the facts of one group of a correlation.
type group struct {
	c      *ir.Correlation
	rule   string
	facts  []*fact
	atOnce bool
}

// instants returns the times with a fact.
func (g *group) instants() []int64 {
	var ts []int64
	for _, f := range g.facts {
		if !slices.Contains(ts, f.time) {
			ts = append(ts, f.time)
		}
	}
	slices.Sort(ts)
	return ts
}

// between returns the facts with a time in [from, to], by time and step.
func (g *group) between(from, to int64) []*fact {
	var fs []*fact
	for _, f := range g.facts {
		if from <= f.time && f.time <= to {
			fs = append(fs, f)
		}
	}
	slices.SortFunc(fs, func(a, b *fact) int {
		return cmp.Or(cmp.Compare(a.time, b.time), a.step.compare(b.step))
	})
	return fs
}

func (g *group) hit(t int64, value float64, behind []*fact) StreamHit {
	h := StreamHit{Rule: g.rule, Group: g.facts[0].group, Time: t, Value: value}
	for _, f := range behind {
		h.Contributing = append(h.Contributing, f.contributors()...)
	}
	return h
}

func (g *group) hits() []StreamHit {
	switch g.c.Type {
	case sigma.NewValue:
		return g.newValues()
	case sigma.AfterSilence:
		return g.afterSilence()
	case sigma.Increase:
		return g.increases()
	case sigma.Summary:
		return g.summary()
	}
	var hits []StreamHit
	ts := g.instants()
	for i, t := range ts {
		if ok, _ := g.satisfies(g.between(t-g.c.Span, t)); !ok {
			continue
		}
		if i > 0 && t-ts[i-1] <= g.c.Span {
			if before, _ := g.satisfies(g.between(ts[i-1]-g.c.Span, ts[i-1])); before {
				continue
			}
		}
		window, step := g.between(t-g.c.Span, t), afterwards
		if g.atOnce && g.monotone() {
			window, step = g.firstTrue(t, window)
		}
		_, value := g.satisfies(window)
		h := g.hit(t, value, window)
		h.step = step
		hits = append(hits, h)
	}
	return hits
}

// firstTrue returns what is known of a window at the first step of instant t at
// which the condition is true, and the step.
func (g *group) firstTrue(t int64, window []*fact) ([]*fact, step) {
	for i, f := range window {
		if f.time < t || i+1 < len(window) && window[i+1].step == f.step {
			continue
		}
		if ok, _ := g.satisfies(window[:i+1]); ok {
			return window[:i+1], f.step
		}
	}
	panic("conformance: the condition is true of the window and was never")
}

// firstStep returns those of the facts of an instant that came first.
func firstStep(facts []*fact) []*fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f *fact) bool { return f.step != facts[0].step })
}

// monotone reports whether more events cannot make the condition false.
func (g *group) monotone() bool {
	up := func(bounds []ir.Bound) bool {
		return !slices.ContainsFunc(bounds, func(b ir.Bound) bool { return b.Op != sigma.OpGT && b.Op != sigma.OpGTE })
	}
	c := g.c
	switch c.Type {
	case sigma.EventCount, sigma.ValueCount:
		return up(c.Bounds)
	case sigma.Temporal, sigma.TemporalOrdered:
		return up(c.Bounds) && !hasNone(c.Combination)
	case sigma.Counts:
		return c.Ratio == nil && !slices.ContainsFunc(c.Counts, func(n ir.Count) bool { return !up(n.Bounds) })
	}
	return false
}

func hasNone(c ir.Combination) bool {
	switch c := c.(type) {
	case *ir.AllOf:
		return slices.ContainsFunc(c.X, hasNone)
	case *ir.OneOf:
		return slices.ContainsFunc(c.X, hasNone)
	case *ir.NoneOf:
		return true
	}
	return false
}

// satisfies puts the condition to the facts of a window, and returns what was
// compared.
func (g *group) satisfies(window []*fact) (bool, float64) {
	c := g.c
	switch c.Type {
	case sigma.EventCount:
		return within(c.Bounds, float64(len(window))), float64(len(window))
	case sigma.ValueCount:
		n := len(tuples(window))
		return within(c.Bounds, float64(n)), float64(n)
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		var numbers []float64
		for _, f := range window {
			numbers = append(numbers, numbersOf(f)...)
		}
		if len(numbers) == 0 {
			return false, 0
		}
		v := 0.0
		for _, n := range numbers {
			v += n
		}
		switch c.Type {
		case sigma.ValueAvg:
			v /= float64(len(numbers))
		case sigma.ValuePercentile:
			slices.Sort(numbers)
			v = numbers[max(int(math.Ceil(c.Percentile*float64(len(numbers))/100)), 1)-1]
		}
		return within(c.Bounds, v), v
	case sigma.Temporal, sigma.TemporalOrdered:
		n := float64(len(g.occurring(window)))
		if c.Type == sigma.TemporalOrdered {
			var all []int
			for i := range c.Inputs {
				all = append(all, i)
			}
			return chained(all, window), n
		}
		switch {
		case c.Combination != nil:
			return holds(c.Combination, g.occurring(window)), n
		case len(c.Bounds) > 0:
			return within(c.Bounds, n), n
		}
		return int(n) == len(c.Inputs), n
	case sigma.Counts:
		count := func(input int) float64 {
			n := 0
			for _, f := range window {
				if slices.Contains(f.inputs, input) {
					n++
				}
			}
			return float64(n)
		}
		for _, n := range c.Counts {
			if !within(n.Bounds, count(n.Input)) {
				return false, 0
			}
		}
		return c.Ratio == nil || count(c.Ratio.Of) >= c.Ratio.GTE*count(c.Ratio.To), float64(len(window))
	}
	panic(fmt.Sprintf("conformance: unknown correlation type %q", c.Type))
}

// within reports whether a number meets all bounds.
func within(bounds []ir.Bound, v float64) bool {
	for _, b := range bounds {
		c := number{f: v}.compare(numberOf(b.Value))
		if !map[sigma.ThresholdOp]bool{sigma.OpGT: c > 0, sigma.OpGTE: c >= 0, sigma.OpLT: c < 0, sigma.OpLTE: c <= 0, sigma.OpEQ: c == 0, sigma.OpNEQ: c != 0}[b.Op] {
			return false
		}
	}
	return true
}

// tuples returns the distinct combinations of counted values.
func tuples(facts []*fact) [][]string {
	var found [][]string
	for _, f := range facts {
		for _, tuple := range tuplesOf(f) {
			if !slices.ContainsFunc(found, func(t []string) bool { return slices.Equal(t, tuple) }) {
				found = append(found, tuple)
			}
		}
	}
	return found
}

// tuplesOf returns the combinations of a fact's counted values; none where a
// field is absent.
func tuplesOf(f *fact) [][]string {
	var parts [][]string
	for _, xs := range f.counted {
		parts = append(parts, texts(xs))
	}
	return product(parts)
}

// numbersOf returns the numbers among a fact's counted values, and the texts
// that are numbers.
func numbersOf(f *fact) []float64 {
	var found []float64
	for _, xs := range f.counted {
		for _, x := range xs {
			n, ok := x.(number)
			if t, isText := x.(string); isText {
				n, ok = numberText(t)
			}
			if ok {
				v, _ := strconv.ParseFloat(n.text(), 64)
				found = append(found, v)
			}
		}
	}
	return found
}

// occurring returns the inputs that facts match.
func (g *group) occurring(facts []*fact) []int {
	var inputs []int
	for _, f := range facts {
		for _, i := range f.inputs {
			if !slices.Contains(inputs, i) {
				inputs = append(inputs, i)
			}
		}
	}
	return inputs
}

// holds puts a condition over the inputs to those that occur.
func holds(c ir.Combination, occurring []int) bool {
	some := func(x ir.Combination) bool { return holds(x, occurring) }
	switch c := c.(type) {
	case *ir.AllOf:
		return !slices.ContainsFunc(c.X, func(x ir.Combination) bool { return !some(x) })
	case *ir.OneOf:
		return slices.ContainsFunc(c.X, some)
	case *ir.NoneOf:
		return !some(c.X)
	case ir.Occurs:
		return slices.Contains(occurring, int(c))
	}
	panic(fmt.Sprintf("conformance: unknown combination %T", c))
}

// chained reports whether facts for the inputs exist at times that do not go
// back; one fact may serve several.
func chained(inputs []int, window []*fact) bool {
	from := int64(math.MinInt64)
	for _, i := range inputs {
		next := int64(math.MaxInt64)
		for _, f := range window {
			if f.time >= from && slices.Contains(f.inputs, i) {
				next = min(next, f.time)
			}
		}
		if next == math.MaxInt64 {
			return false
		}
		from = next
	}
	return true
}

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
		if before < c.Minimum || c.Factor != 0 && now < c.Factor*before || c.Difference != 0 && now < before+c.Difference {
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
	date := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
	return floorDiv(date.UnixMicro(), g.c.Span)
}

// startOf returns when a window begins.
func (g *group) startOf(n int64) int64 {
	if g.c.Zone == "" {
		return n * g.c.Span
	}
	date := time.UnixMicro(n * g.c.Span).UTC()
	return time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, g.location()).UnixMicro()
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
