// Package nearmiss derives events that miss a rule by one condition: what a
// rule must be silent about though all but one of its conditions are true. They
// are made of the events in the rule's own fixtures that it matches, with other
// people, addresses and times, made ordinary in what the rule does not ask for,
// and exactly one fact changed; for a correlation,
// of a history that has a hit, with one event fewer, one pause too long or one
// event of another group. The reference interpreter says what is true.
//
// Everything follows from the seed.
package nearmiss

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// Person is an account of the tenant.
type Person struct{ UPN, ID, Name string }

// Options say in whose life near misses are planted.
type Options struct {
	// People, Privileged and Approved are who may play a part, each as often:
	// the approved are those whose work it is to administer.
	People, Privileged, Approved []Person
	// Offices begins an address of the organisation; the last number follows.
	// Half of the addresses are such.
	Offices string
	Profile *compiler.Profile
	// Trace is what the profile says of an incident under investigation; it
	// stands in the place of what fixtures say of theirs.
	Trace string
	// Keep are the identifiers that stand as they are, such as those in rules
	// and profile: see Identifiers.
	Keep map[string]bool
	// From and To bound the times. Histories begin in the span.
	From, To time.Time
	// Count is how many near misses a rule gets; 0 stands for 20.
	Count int
	Seed  uint64
	// Noise, if set, says how loud rules are about each of some near misses when
	// all of them are in one history; the quietest are taken.
	Noise func([]Miss) []int
	// Skip are numbers of near misses that are not taken.
	Skip map[int]bool
}

// Miss is a near miss: one event, or for a correlation a history.
type Miss struct {
	// Condition is what is not true.
	Condition string
	// Fact is what was changed.
	Fact   string
	Events []event.Record
	// Number tells in which order near misses of the rule were found.
	Number int
	noise  int
}

// The search goes on in rounds until there are enough that no other rule is
// loud about; each makes so many for each near miss that is asked for, or stops
// after so many tries.
const (
	rounds     = 8
	candidates = 2
	tries      = 4
)

// Derive returns near misses of a fixture's rule, in no order of time. There are
// fewer than asked for where the search does not find more; a rule that does not
// run with the profile, or of which no fixture is an event of the tables, is an
// error.
func Derive(f *conformance.Fixture, pool *Pool, o Options) ([]Miss, error) {
	if o.Count == 0 {
		o.Count = 20
	}
	rule := f.Rule()
	d := &deriver{Options: o, pool: pool, fixture: f, used: map[string]int{}}
	d.dice = rand.New(rand.NewPCG(o.Seed, seedOf(rule.Meta.ID)))
	var pairs []string
	if list, ok := f.Profile["incident_traces"].([]any); ok {
		for _, of := range list {
			pairs = append(pairs, fmt.Sprint(of), o.Trace)
		}
	}
	d.traces = strings.NewReplacer(pairs...)
	next := d.single
	if rule.Correlation != nil {
		next = d.history
	}
	if err := d.prepare(); err != nil {
		return nil, fmt.Errorf("%s: %w", rule.Meta.Title, err)
	}
	var found []Miss
	number := 0
	for range rounds {
		first := len(found)
		for n := 0; n < o.Count*tries && len(found) < first+o.Count*candidates; n++ {
			if m, ok := next(); ok {
				if number++; o.Skip[number] {
					continue
				}
				m.Number = number
				found = append(found, m)
			}
		}
		if o.Noise == nil {
			break
		}
		for i, n := range o.Noise(found) {
			found[i].noise = n
		}
		slices.SortStableFunc(found, func(a, b Miss) int { return a.noise - b.noise })
		if found = found[:min(len(found), o.Count)]; len(found) == o.Count && found[o.Count-1].noise == 0 {
			break
		}
	}
	return found[:min(len(found), o.Count)], nil
}

// deriver looks for near misses of one rule.
type deriver struct {
	Options
	pool    *Pool
	fixture *conformance.Fixture
	dice    *rand.Rand
	used    map[string]int // how often each condition was missed

	bases []base
	turn  int
	paths map[string]bool // places that the rule reads, or those before it

	traces *strings.Replacer
	abroad bool // addresses are none of the organisation's
}

// maxBases bounds the histories of a fixture that near misses are made of.
const maxBases = 5

// base is what a fixture's case shows: an event that matches, or a history with
// hits.
type base struct {
	parts []part
	rules []*ir.Rule // of an event, those of its table; of a history, all
	// soft says that what the rule does not ask for is ordinary.
	soft bool
}

// play lets people of the tenant play a base of which the rule is true, and makes
// it ordinary the first time.
func (d *deriver) play(b *base, holds func([]*ir.Rule, []event.Record) bool) ([]event.Record, bool) {
	d.abroad = !b.soft
	records, ok := d.recast(b.parts)
	d.abroad = false
	if !ok || !holds(b.rules, records) {
		return nil, false
	}
	if !b.soft {
		b.soft = true
		records = soften(records, b.rules, holds)
		b.parts = d.parts(records)
	}
	return records, true
}

// prepare finds the bases.
func (d *deriver) prepare() error {
	lowered := map[event.Form][]*ir.Rule{}
	lower := func(form event.Form) ([]*ir.Rule, error) {
		if rs, ok := lowered[form]; ok {
			return rs, nil
		}
		p, err := compiler.BuiltinPipeline(string(form))
		if err != nil {
			return nil, err
		}
		rs, ds := compiler.LowerAll(d.fixture.Documents, compiler.Options{Pipeline: p, Catalogue: d.fixture.Catalogue, Profile: d.Profile})
		if ds.HasErrors() {
			return nil, ds.Errors()
		}
		for _, r := range rs {
			if len(r.Lacks) > 0 {
				return nil, fmt.Errorf("does not run without %s", strings.Join(r.Lacks, ", "))
			}
		}
		lowered[form] = rs
		return rs, nil
	}
	byForm := map[event.Form][]base{}
	for i := range d.fixture.Cases {
		c := &d.fixture.Cases[i]
		records, err := recordsOf(c)
		if err != nil || len(records) == 0 {
			continue // of any form: no event of a log
		}
		if len(c.Hits) > 0 {
			form := records[0].Source.Form
			if len(byForm[form]) >= maxBases {
				continue
			}
			rs, err := lower(form)
			if err != nil {
				return err
			}
			byForm[form] = append(byForm[form], base{parts: d.parts(records), rules: rs})
		}
		if c.Expect == conformance.ExpectMatch {
			for _, r := range records {
				rs, err := lower(r.Source.Form)
				if err != nil {
					return err
				}
				rs = slices.DeleteFunc(slices.Clone(rs), func(x *ir.Rule) bool { return !strings.EqualFold(x.Source.Table, r.Source.Table) })
				if len(rs) > 0 {
					byForm[r.Source.Form] = append(byForm[r.Source.Form], base{parts: d.parts([]event.Record{r}), rules: rs})
				}
			}
		}
	}
	// Rows of Log Analytics where there are any, as the month has them.
	form := event.LogAnalytics
	if forms := slices.Sorted(maps.Keys(byForm)); byForm[form] == nil && len(forms) > 0 {
		form = forms[0]
	}
	if d.bases = byForm[form]; len(d.bases) == 0 {
		return fmt.Errorf("no fixture matches")
	}
	d.paths = map[string]bool{}
	for _, b := range d.bases {
		for _, r := range b.rules {
			if r.Correlation == nil {
				readPaths(r.When, "", d.paths)
			}
		}
	}
	return nil
}

// recordsOf are the events of a case as a reader gives them.
func recordsOf(c *conformance.Case) ([]event.Record, error) {
	var out []event.Record
	for i, e := range c.Events {
		src, ok := event.Detect(e.Event)
		if e.Form != "" && src.Form != e.Form {
			src = event.Source{Form: e.Form}
		}
		if e.Table != "" {
			src.Table = e.Table
		}
		if !ok && e.Form == "" || src.Form == conformance.FormAny || src.Table == "" {
			return nil, fmt.Errorf("event %d is of no form", i+1)
		}
		r := event.Record{Event: event.Unwrap(e.Event), Source: src, Time: e.Time, ID: e.ID}
		if r.Time.IsZero() {
			r.Time, _ = event.Time(e.Event, src)
		}
		if r.ID == "" {
			r.ID = event.ID(e.Event, src)
		}
		out = append(out, r)
	}
	return out, nil
}
