package conformance

import (
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Moved is the kind of a mutant that has a threshold one more or less, or a
// length of time one second more or less.
const Moved MutantKind = "moved"

// CorrelationMutants returns the mutants of a correlation: each threshold and
// length moved up and down, each part of a key dropped, two steps of an order
// swapped.
func CorrelationMutants(rule *ir.Rule) []Mutant {
	var mutants []Mutant
	add := func(kind MutantKind, description string, change func(*ir.Rule, *ir.Correlation)) {
		r, c := *rule, *rule.Correlation
		c.Inputs = slices.Clone(c.Inputs)
		c.Counts = slices.Clone(c.Counts)
		r.Correlation = &c
		change(&r, &c)
		mutants = append(mutants, Mutant{Kind: kind, Description: description, Pos: rule.Pos, Rule: &r})
	}
	c := rule.Correlation
	for _, by := range []int64{-1, 1} {
		moved := func(v ir.Number) ir.Number {
			if v.IsInt {
				v.Int += by
			} else {
				v.Float += float64(by)
			}
			return v
		}
		bounds := func(where string, bs []ir.Bound, set func(*ir.Correlation, []ir.Bound)) {
			for i, b := range bs {
				if moved(b.Value) == b.Value {
					continue // which one more or less does not change
				}
				add(Moved, fmt.Sprintf("%s%s %s by %+d", where, b.Op, ir.ValueText(b.Value), by), func(_ *ir.Rule, c *ir.Correlation) {
					changed := slices.Clone(bs)
					changed[i].Value = moved(b.Value)
					set(c, changed)
				})
			}
		}
		if c.Type == sigma.TemporalOrdered {
			// All of its rules are wanted, whatever Bounds say.
			c = &ir.Correlation{Type: c.Type, Inputs: c.Inputs, GroupBy: c.GroupBy, Span: c.Span}
		}
		bounds("", c.Bounds, func(c *ir.Correlation, bs []ir.Bound) { c.Bounds = bs })
		for i, n := range c.Counts {
			bounds("count of "+c.Inputs[n.Input].Name+" ", n.Bounds, func(c *ir.Correlation, bs []ir.Bound) { c.Counts[i].Bounds = bs })
		}
		for _, number := range []struct {
			name string
			at   func(*ir.Correlation) *float64
		}{
			{"ratio", func(c *ir.Correlation) *float64 { return &c.Factor }},
			{"difference", func(c *ir.Correlation) *float64 { return &c.Difference }},
			{"minimum", func(c *ir.Correlation) *float64 { return &c.Minimum }},
		} {
			if *number.at(c) != 0 {
				add(Moved, fmt.Sprintf("%s by %+d", number.name, by), func(_ *ir.Rule, c *ir.Correlation) { *number.at(c) += float64(by) })
			}
		}
		if c.MinHistory > 0 {
			add(Moved, fmt.Sprintf("min-history by %+d", by), func(_ *ir.Rule, c *ir.Correlation) { c.MinHistory += int(by) })
		}
		if c.Ratio != nil {
			add(Moved, fmt.Sprintf("ratio of counts by %+d", by), func(_ *ir.Rule, c *ir.Correlation) {
				ratio := *c.Ratio
				ratio.GTE += float64(by)
				c.Ratio = &ratio
			})
		}
		for _, length := range []struct {
			name string
			at   func(*ir.Correlation) *int64
		}{
			{"timespan", func(c *ir.Correlation) *int64 { return &c.Span }},
			{"lookback", func(c *ir.Correlation) *int64 { return &c.Lookback }},
			{"silence", func(c *ir.Correlation) *int64 { return &c.Silence }},
		} {
			if *length.at(c) != 0 {
				add(Moved, fmt.Sprintf("%s by %+ds", length.name, by), func(_ *ir.Rule, c *ir.Correlation) { *length.at(c) += by * 1_000_000 })
			}
		}
		if rule.Once != nil {
			add(Moved, fmt.Sprintf("once by %+ds", by), func(r *ir.Rule, _ *ir.Correlation) {
				once := *r.Once
				once.For += by * 1_000_000
				r.Once = &once
			})
		}
	}
	for i, name := range c.GroupBy {
		add(Dropped, "group-by "+name+" dropped", func(r *ir.Rule, c *ir.Correlation) {
			c.GroupBy = slices.Delete(slices.Clone(c.GroupBy), i, i+1)
			withTaps(c, func(t *ir.Tap) { t.GroupBy = slices.Delete(slices.Clone(t.GroupBy), i, i+1) })
			if r.Once != nil {
				once := *r.Once
				once.By = slices.DeleteFunc(slices.Clone(once.By), func(f ir.Field) bool { return f.Name == name })
				r.Once = &once
			}
		})
	}
	if rule.Once != nil && len(rule.Once.By) > 0 {
		for i, f := range rule.Once.By {
			add(Dropped, "once by "+f.Name+" dropped", func(r *ir.Rule, _ *ir.Correlation) {
				once := *r.Once
				once.By = slices.Delete(slices.Clone(once.By), i, i+1)
				r.Once = &once
			})
		}
	}
	if len(c.Counted) > 1 {
		for i, name := range c.Counted {
			add(Dropped, "field "+name+" dropped", func(_ *ir.Rule, c *ir.Correlation) {
				c.Counted = slices.Delete(slices.Clone(c.Counted), i, i+1)
				withTaps(c, func(t *ir.Tap) { t.Counted = slices.Delete(slices.Clone(t.Counted), i, i+1) })
			})
		}
	}
	if c.Type == sigma.TemporalOrdered {
		for i := 1; i < len(c.Inputs); i++ {
			add(Swapped, c.Inputs[i-1].Name+" and "+c.Inputs[i].Name+" swapped", func(_ *ir.Rule, c *ir.Correlation) {
				c.Inputs[i-1], c.Inputs[i] = c.Inputs[i], c.Inputs[i-1]
			})
		}
	}
	return mutants
}

// withTaps changes copies of the taps of all inputs.
func withTaps(c *ir.Correlation, change func(*ir.Tap)) {
	for i := range c.Inputs {
		taps := slices.Clone(c.Inputs[i].Taps)
		for j := range taps {
			change(&taps[j])
		}
		c.Inputs[i].Taps = taps
	}
}

// mutateHistory asks which mutants of the fixture's correlations, and of the
// rules that feed them, one history tells from them. A rule that looks at an
// event in several ways is changed in all of them.
func (f *Fixture) mutateHistory(m *Mutation, killed map[string]bool, c *Case) error {
	q, err := f.history(c)
	if err != nil {
		return err
	}
	changed := map[string]map[int]*ir.Rule{} // by description, then by the rule's place
	var order []string
	for i, rule := range q.Rules {
		mutants := CorrelationMutants
		if rule.Correlation == nil {
			mutants = func(rule *ir.Rule) []Mutant { return Mutants(f.document(rule), rule) }
		}
		for _, x := range mutants(rule) {
			x.Description = RuleKey(&rule.Meta) + ": " + x.Description
			if !slices.ContainsFunc(m.Mutants, func(y Mutant) bool { return y.Description == x.Description }) {
				m.Mutants = append(m.Mutants, x)
			}
			if changed[x.Description] == nil {
				changed[x.Description] = map[int]*ir.Rule{}
				order = append(order, x.Description)
			}
			changed[x.Description][i] = x.Rule
		}
	}
	for _, d := range order {
		if killed[d] {
			continue
		}
		rules := exchanged(q.Rules, changed[d])
		killed[d] = len(wrongHits(f, c, q.Rules, ReferenceStream(rules, q.Events, q.Lateness))) > 0
	}
	return nil
}

// exchanged returns the rules with others in some places, where the
// correlations take their hits from those.
func exchanged(rules []*ir.Rule, by map[int]*ir.Rule) []*ir.Rule {
	out := slices.Clone(rules)
	others := map[*ir.Rule]*ir.Rule{}
	for i, rule := range rules { // inputs stand before their correlation
		if r := by[i]; r != nil {
			out[i] = r
		}
		if c := out[i].Correlation; c != nil {
			r, c := *out[i], *c
			c.Inputs = slices.Clone(c.Inputs)
			withTaps(&c, func(t *ir.Tap) {
				if o := others[t.Rule]; o != nil {
					t.Rule = o
				}
			})
			r.Correlation = &c
			out[i] = &r
		}
		others[rule] = out[i]
	}
	return out
}

// document returns what the rule was lowered from.
func (f *Fixture) document(rule *ir.Rule) *sigma.Document {
	for _, d := range f.Documents {
		if RuleKey(&d.Meta) == RuleKey(&rule.Meta) {
			return d
		}
	}
	return f.Rule()
}
