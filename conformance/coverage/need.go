package coverage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// need is what must be there before a rule can be true: a table, one of several
// needs, or all of them.
type need struct {
	table string
	all   bool // all of of, else one
	of    []need
}

func allOf(of []need) need { return need{all: true, of: of}.plain() }
func oneOf(of []need) need { return need{of: of}.plain() }

// plain takes away what says nothing: a choice of one, a choice in a choice.
func (n need) plain() need {
	var of []need
	for _, m := range n.of {
		if m.table == "" && m.all == n.all {
			of = append(of, m.of...)
			continue
		}
		of = append(of, m)
	}
	seen := map[string]bool{}
	of = slices.DeleteFunc(of, func(m need) bool {
		text := m.String()
		again := seen[text]
		seen[text] = true
		return again
	})
	if len(of) == 1 {
		return of[0]
	}
	return need{all: n.all, of: of}
}

// needsOf returns what a rule needs, lowered once for each source.
func needsOf(rules []*ir.Rule) need {
	var of []need
	for _, r := range rules {
		if r.Correlation == nil {
			of = append(of, need{table: r.Source.Table})
			continue
		}
		of = append(of, needsOfCorrelation(r.Correlation))
	}
	return oneOf(of)
}

func needsOfCorrelation(c *ir.Correlation) need {
	inputs := make([]need, len(c.Inputs))
	for i, in := range c.Inputs {
		var taps []*ir.Rule
		for _, t := range in.Taps {
			taps = append(taps, t.Rule)
		}
		inputs[i] = needsOf(taps)
	}
	return combined(c, inputs)
}

// combined returns what a correlation needs of its inputs.
func combined(c *ir.Correlation, inputs []need) need {
	switch {
	case c.Combination != nil:
		return needsOfCombination(c.Combination, inputs)
	case c.Type == sigma.TemporalOrdered:
		return allOf(inputs)
	case c.Type == sigma.Temporal:
		if len(c.Bounds) == 0 || slices.ContainsFunc(c.Bounds, func(b ir.Bound) bool { return !holdsFor(b, len(inputs)-1) }) {
			return allOf(inputs)
		}
		return oneOf(inputs)
	case len(c.Counts) > 0:
		var of []need
		for _, count := range c.Counts {
			if slices.ContainsFunc(count.Bounds, func(b ir.Bound) bool { return !holdsFor(b, 0) }) {
				of = append(of, inputs[count.Input])
			}
		}
		if c.Ratio != nil {
			of = append(of, inputs[c.Ratio.Of])
		}
		if len(of) > 0 {
			return allOf(of)
		}
	}
	return oneOf(inputs)
}

func needsOfCombination(c ir.Combination, inputs []need) need {
	each := func(cs []ir.Combination) []need {
		var out []need
		for _, x := range cs {
			if _, not := x.(*ir.NoneOf); !not { // what must not occur need not be seen
				out = append(out, needsOfCombination(x, inputs))
			}
		}
		return out
	}
	switch c := c.(type) {
	case *ir.AllOf:
		return allOf(each(c.X))
	case *ir.OneOf:
		return oneOf(each(c.X))
	case ir.Occurs:
		return inputs[c]
	}
	return oneOf(inputs)
}

// holdsFor reports whether a count meets a bound.
func holdsFor(b ir.Bound, count int) bool {
	v := b.Value.Float
	if b.Value.IsInt {
		v = float64(b.Value.Int)
	}
	return b.Op.Holds(cmp.Compare(float64(count), v))
}

// met reports whether what is there is enough.
func (n need) met(there func(table string) bool) bool {
	switch {
	case n.table != "":
		return there(n.table)
	case n.all:
		return !slices.ContainsFunc(n.of, func(m need) bool { return !m.met(there) })
	}
	return slices.ContainsFunc(n.of, func(m need) bool { return m.met(there) })
}

// tables returns all tables in n, sorted.
func (n need) tables() []string {
	var out []string
	if n.table != "" {
		out = append(out, n.table)
	}
	for _, m := range n.of {
		out = append(out, m.tables()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// String writes `A or B`, `A and (B or C)`.
func (n need) String() string {
	if n.table != "" {
		return n.table
	}
	word := " or "
	if n.all {
		word = " and "
	}
	var parts []string
	for _, m := range n.of {
		text := m.String()
		if m.table == "" {
			text = "(" + text + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, word)
}
