package nearmiss

import (
	"fmt"
	"slices"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// history changes one thing about a history that has a hit: an event is not
// there, comes a second after the time is over, is somebody else's, or is not
// quite what the rule asks for.
func (d *deriver) history() (Miss, bool) {
	b := &d.bases[d.turn/4%len(d.bases)]
	how := d.turn % 4
	d.turn++
	records, ok := d.play(b, d.hit)
	if !ok {
		return Miss{}, false
	}
	slices.SortStableFunc(records, func(a, b event.Record) int { return a.Time.Compare(b.Time) })
	order := d.dice.Perm(len(records))
	if how == 0 {
		for _, i := range order {
			fewer := slices.Delete(slices.Clone(records), i, i+1)
			if len(fewer) > 0 && !d.hit(b.rules, fewer) {
				return Miss{Condition: "one event fewer", Fact: fmt.Sprintf("event %d of %d", i+1, len(records)), Events: fewer}, true
			}
		}
		return Miss{}, false
	}
	if how == 1 {
		span := d.span(b.rules)
		for _, i := range order {
			if i == 0 {
				continue
			}
			by := span + time.Second - records[i].Time.Sub(records[i-1].Time)
			if by <= 0 {
				continue
			}
			late := slices.Clone(records)
			for k := i; k < len(late); k++ {
				late[k] = later(late[k], by)
			}
			if !d.hit(b.rules, late) {
				return Miss{Condition: "the timespan and a second", Fact: fmt.Sprintf("%s before event %d of %d", span+time.Second, i+1, len(records)), Events: late}, true
			}
		}
		return Miss{}, false
	}
	if how == 2 {
		for _, i := range order[:min(len(order), 4)] {
			r := records[i]
			facts := slices.DeleteFunc(leaves(r.Event, nil), func(l leaf) bool { return !d.reads(l.place()) })
			d.dice.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
			for _, l := range facts[:min(len(facts), 6)] {
				for _, a := range d.alternatives(string(r.Source.Form)+" "+r.Source.Table, l) {
					others := slices.Clone(records)
					others[i].Event = with(r.Event, l.steps, a)
					if !d.hit(b.rules, others) {
						return Miss{Condition: "one fact of an event", Fact: fmt.Sprintf("event %d of %d, %s: %s → %s", i+1, len(records), l, short(l.value), short(a)), Events: others}, true
					}
				}
			}
		}
		return Miss{}, false
	}
	for _, i := range order {
		elsewhere, ok := d.recast(d.parts(records[i : i+1]))
		if !ok {
			return Miss{}, false
		}
		r := later(elsewhere[0], records[i].Time.Sub(elsewhere[0].Time))
		others := slices.Clone(records)
		others[i] = r
		if !d.hit(b.rules, others) {
			return Miss{Condition: "another group", Fact: fmt.Sprintf("event %d of %d is of another", i+1, len(records)), Events: others}, true
		}
	}
	return Miss{}, false
}

// hit says whether the fixture's rule has a hit in a history.
func (d *deriver) hit(rules []*ir.Rule, records []event.Record) bool {
	key := conformance.RuleKey(&d.fixture.Rule().Meta)
	return slices.ContainsFunc(conformance.ReferenceStream(rules, records, 0), func(h conformance.StreamHit) bool { return h.Rule == key })
}

// span is the timespan of the fixture's rule.
func (d *deriver) span(rules []*ir.Rule) time.Duration {
	key := conformance.RuleKey(&d.fixture.Rule().Meta)
	for _, r := range rules {
		if r.Correlation != nil && conformance.RuleKey(&r.Meta) == key {
			return time.Duration(r.Correlation.Span) * time.Microsecond
		}
	}
	return 0
}
