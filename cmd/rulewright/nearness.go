package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// distance measures how much is missing at an instant; 0 where nothing is that
// can be measured.
func distance(x compiler.Instant) float64 {
	if x.Holds {
		return 0
	}
	c := x.Correlation
	v, err := x.Value.Float64()
	if err != nil {
		return 1e18
	}
	switch c.Type {
	case sigma.Counts:
		sum := 0.0
		for _, n := range c.Counts {
			sum += missing(n.Bounds, float64(x.Events[n.Input]))
		}
		if r := c.Ratio; r != nil {
			sum += max(0, r.GTE*float64(x.Events[r.To])-float64(x.Events[r.Of]))
		}
		return sum
	case sigma.Temporal, sigma.TemporalOrdered:
		if len(c.Bounds) == 0 {
			return float64(len(c.Inputs)) - v
		}
	case sigma.Increase:
		before, _ := x.Before.Float64()
		return max(0, c.Factor*before-v) + max(0, before+c.Difference-v) + max(0, c.Minimum-before)
	case sigma.NewValue, sigma.AfterSilence:
		return -v // the more the nearer
	}
	return missing(c.Bounds, v)
}

// missing adds up by how much a number misses bounds.
func missing(bounds []ir.Bound, v float64) float64 {
	sum := 0.0
	for _, b := range bounds {
		want := b.Value.Float
		if b.Value.IsInt {
			want = float64(b.Value.Int)
		}
		switch b.Op {
		case sigma.OpGT, sigma.OpGTE:
			sum += max(0, want-v)
		case sigma.OpLT, sigma.OpLTE:
			sum += max(0, v-want)
		case sigma.OpEQ:
			sum += max(want-v, v-want)
		}
	}
	return sum
}

// whyNot says what a group had at an instant and what its correlation wants,
// with parameters and overrides filled in.
func whyNot(x compiler.Instant) string {
	out := had(x) + "; wanted: " + wanted(x.Correlation)
	if x.Holds && !x.Hit {
		out += "; holds, and did so at the time before: no new hit"
	}
	return clean(out)
}

// had says what there was at an instant.
func had(x compiler.Instant) string {
	c := x.Correlation
	value := counted(c.Type, c.Counted, len(c.Inputs), x.Value)
	within := " within " + spanText(x.Window.To.Sub(x.Window.From))
	switch c.Type {
	case sigma.Temporal, sigma.TemporalOrdered:
		return value + " (" + perRule(c, x.Events) + ")" + within
	case sigma.Counts:
		return perRule(c, x.Events) + within
	case sigma.NewValue:
		value = many(x.Value, "earlier event")
		if n, _ := x.Value.Int64(); n >= int64(c.MinHistory) { // no more are counted
			value = "at least " + value
		}
		return value + " in the last " + ir.LengthText(c.Lookback)
	case sigma.AfterSilence:
		if x.Value == "" {
			return "the first event"
		}
		return spanText(x.Window.To.Sub(x.Window.From)) + " of silence"
	case sigma.Increase:
		return fmt.Sprintf("%s, %s; before %s, %s", value, windowText(x.Window), x.Before, windowText(x.BeforeWindow))
	}
	return value + within
}

// perRule lists how often each rule of a correlation matched.
func perRule(c *ir.Correlation, n []int) string {
	var out []string
	for i, in := range c.Inputs {
		if i < len(n) {
			out = append(out, fmt.Sprintf("%s %d", in.Ref, n[i]))
		}
	}
	return strings.Join(out, ", ")
}

// wanted says what a correlation asks for.
func wanted(c *ir.Correlation) string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	var out []string
	switch c.Type {
	case sigma.Temporal:
		switch {
		case c.Combination != nil:
			return combined(c, c.Combination)
		case len(c.Bounds) == 0:
			return "all"
		}
		return boundTexts(c.Bounds)
	case sigma.TemporalOrdered:
		return "all in this order"
	case sigma.Counts:
		for _, n := range c.Counts {
			out = append(out, c.Inputs[n.Input].Ref+" "+boundTexts(n.Bounds))
		}
		if r := c.Ratio; r != nil {
			out = append(out, fmt.Sprintf("%s at least %s times %s", c.Inputs[r.Of].Ref, number(r.GTE), c.Inputs[r.To].Ref))
		}
	case sigma.NewValue:
		return fmt.Sprintf("at least %d, and a value not among them", c.MinHistory)
	case sigma.AfterSilence:
		return "at least " + ir.LengthText(c.Silence) + ", at most " + ir.LengthText(c.Lookback)
	case sigma.Increase:
		if c.Factor > 0 {
			out = append(out, "at least "+number(c.Factor)+" times as many")
		}
		if c.Difference > 0 {
			out = append(out, "at least "+number(c.Difference)+" more")
		}
		out = append(out, "at least "+number(c.Minimum)+" before")
	default:
		return boundTexts(c.Bounds)
	}
	return strings.Join(out, ", ")
}

func boundTexts(bounds []ir.Bound) string {
	var out []string
	for _, b := range bounds {
		out = append(out, string(b.Op)+" "+b.Value.String())
	}
	return strings.Join(out, ", ")
}

// combined writes a condition over rules.
func combined(c *ir.Correlation, x ir.Combination) string {
	list := func(xs []ir.Combination, word string) string {
		var out []string
		for _, x := range xs {
			out = append(out, combined(c, x))
		}
		if len(out) == 1 {
			return out[0]
		}
		return "(" + strings.Join(out, word) + ")"
	}
	switch x := x.(type) {
	case *ir.AllOf:
		return list(x.X, " and ")
	case *ir.OneOf:
		return list(x.X, " or ")
	case *ir.NoneOf:
		return "not " + combined(c, x.X)
	case ir.Occurs:
		return c.Inputs[x].Ref
	}
	return ""
}
