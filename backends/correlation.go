package backends

import (
	"fmt"
	"slices"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// How a query finds the hits of a correlation
//
// Both languages print the same plan, which needs no join of events with events
// and no bins. What is asked of a window is put together from measures, numbers
// that grow when an event comes into the window and shrink when it leaves it. An
// event at t is two changes: + at t, and - at t + timespan, behind the events
// of that time since the window is closed. Sorted by time, the running sum of a
// group's changes is the measure of the window that ends there. A distinct
// value is in the window from its first occurrence to timespan after the last
// one of a run that has no longer gap. From the measures follow, instant by
// instant, whether it satisfies the condition, and by the instant before it
// whether that is a hit (docs/design.md §5).

// measure is one number of a window.
type measure struct {
	name  string // of its column
	of    measured
	input int       // of ofInput
	than  ir.Number // of ofBelow, ofAtMost
}

type measured uint8

const (
	ofEvents  measured = iota // events of the group, each once
	ofInput                   // events that an input is true of
	ofTuples                  // distinct tuples of counted values
	ofSum                     // sum of the counted numbers
	ofNumbers                 // how many numbers
	ofBelow                   // how many numbers are below than
	ofAtMost                  // how many are not above it
)

// condition is what is asked of the measures of an instant. The set is closed:
// *allOf, *someOf, *noneOf, *comparison, chained.
type condition interface{ condition() }

type (
	allOf      struct{ x []condition }
	someOf     struct{ x []condition }
	noneOf     struct{ x condition }
	comparison struct {
		left  operand
		op    sigma.ThresholdOp
		right operand
	}
	// chained: the inputs occurred one behind the other within the window.
	chained struct{}
)

func (*allOf) condition()      {}
func (*someOf) condition()     {}
func (*noneOf) condition()     {}
func (*comparison) condition() {}
func (chained) condition()     {}

// operand is a number. The set is closed: column, literal, *quotient, *product,
// *occurring, *nearestRank.
type operand interface{ operand() }

type (
	column   string // of a measure
	literal  ir.Number
	quotient struct{ of, by column }
	product  struct {
		factor ir.Number
		of     column
	}
	// occurring is how many of the measures are above zero.
	occurring struct{ of []column }
	// nearestRank is which of n numbers in order the percentile is.
	nearestRank struct {
		percentile float64
		n          column
	}
)

func (column) operand()       {}
func (literal) operand()      {}
func (*quotient) operand()    {}
func (*product) operand()     {}
func (*occurring) operand()   {}
func (*nearestRank) operand() {}

// plan is how the hits of a correlation are found.
type plan struct {
	rule *ir.Rule
	c    *ir.Correlation
	// window is how far back the measures look.
	window int64
	// measures of a window that ends at an instant, the first one what Count
	// shows; holds is the condition over them.
	measures []measure
	holds    condition
	sources  []factSource
}

// factSource is where facts of a correlation come from: a table with all inputs
// that look at it, or an inner correlation.
type factSource struct {
	inner *ir.Rule // a correlation; its taps is one
	taps  []inputTap
}

type inputTap struct {
	input int
	tap   ir.Tap
}

// planOf says how a correlation's hits are found; what no query says exactly is
// refused.
func planOf(r *ir.Rule, t Target, target string) (*plan, error) {
	c := r.Correlation
	p := &plan{rule: r, c: c, window: c.Span}
	byTable := map[string]int{}
	for i, in := range c.Inputs {
		for _, tap := range in.Taps {
			if tap.Rule.Correlation != nil {
				p.sources = append(p.sources, factSource{inner: tap.Rule, taps: []inputTap{{i, tap}}})
				continue
			}
			table := tableOf(tap.Rule, t)
			n, ok := byTable[table]
			if !ok {
				n = len(p.sources)
				byTable[table] = n
				p.sources = append(p.sources, factSource{})
			}
			p.sources[n].taps = append(p.sources[n].taps, inputTap{i, tap})
		}
	}
	if len(p.sources) == 0 {
		return nil, refuse(r, nil, target, "a correlation of rules that no table holds cannot be said")
	}
	events := measure{name: "n", of: ofEvents}
	switch c.Type {
	case sigma.EventCount:
		p.measures = []measure{events}
		p.holds = bounded(column("n"), c.Bounds)
	case sigma.ValueCount:
		p.measures = []measure{{name: "n", of: ofTuples}}
		p.holds = bounded(column("n"), c.Bounds)
	case sigma.ValueSum, sigma.ValueAvg:
		p.measures = []measure{{name: "total", of: ofSum}, {name: "numbers", of: ofNumbers}}
		var of operand = column("total")
		if c.Type == sigma.ValueAvg {
			of = &quotient{"total", "numbers"}
		}
		p.holds = &allOf{[]condition{above("numbers", 0), bounded(of, c.Bounds)}}
	case sigma.ValuePercentile:
		p.measures = []measure{{name: "numbers", of: ofNumbers}}
		all := &allOf{[]condition{above("numbers", 0)}}
		for i, b := range c.Bounds {
			all.x = append(all.x, p.percentile(i, b))
		}
		p.holds = all
	case sigma.Temporal, sigma.TemporalOrdered, sigma.Counts:
		p.measures = []measure{events}
		for i := range c.Inputs {
			p.measures = append(p.measures, measure{name: inputColumn(i), of: ofInput, input: i})
		}
		switch {
		case c.Type == sigma.Counts:
			p.holds = countsCondition(c)
		case c.Type == sigma.TemporalOrdered:
			p.holds = chained{}
		default:
			p.holds = temporalCondition(c)
		}
	case sigma.NewValue:
		p.window = c.Lookback
		p.measures = []measure{events}
	case sigma.AfterSilence, sigma.Summary:
		p.window = 0
		p.measures = []measure{events}
	case sigma.Increase:
		if c.Against%c.Span != 0 {
			return nil, refuse(r, nil, target, "an interval to compare with that is no multiple of the timespan cannot be said")
		}
	default:
		panic(fmt.Sprintf("backends: unknown correlation type %q", c.Type))
	}
	return p, nil
}

func tableOf(r *ir.Rule, t Target) string {
	if r.Source.Table != "" {
		return r.Source.Table
	}
	return t.Table
}

func inputColumn(i int) string { return fmt.Sprintf("i%d", i+1) }

func number(n int64) ir.Number { return ir.Number{IsInt: true, Int: n} }

func above(c column, n int64) condition {
	return &comparison{c, sigma.OpGT, literal(number(n))}
}

func bounded(of operand, bounds []ir.Bound) condition {
	all := &allOf{}
	for _, b := range bounds {
		all.x = append(all.x, &comparison{of, b.Op, literal(b.Value)})
	}
	return all
}

// percentile asks for the nearest rank by counting: the k-th number in order is
// at least x when fewer than k are below x.
func (p *plan) percentile(i int, b ir.Bound) condition {
	below, atMost := fmt.Sprintf("below%d", i+1), fmt.Sprintf("upto%d", i+1)
	p.measures = append(p.measures, measure{name: below, of: ofBelow, than: b.Value}, measure{name: atMost, of: ofAtMost, than: b.Value})
	rank := &nearestRank{p.c.Percentile, "numbers"}
	atLeast := &comparison{column(below), sigma.OpLT, rank}
	more := &comparison{column(atMost), sigma.OpLT, rank}
	equal := &allOf{[]condition{atLeast, &noneOf{more}}}
	switch b.Op {
	case sigma.OpGTE:
		return atLeast
	case sigma.OpGT:
		return more
	case sigma.OpLT:
		return &noneOf{atLeast}
	case sigma.OpLTE:
		return &noneOf{more}
	case sigma.OpEQ:
		return equal
	}
	return &noneOf{equal}
}

func temporalCondition(c *ir.Correlation) condition {
	if c.Combination != nil {
		return combined(c.Combination)
	}
	of := &occurring{}
	all := &allOf{}
	for i := range c.Inputs {
		of.of = append(of.of, column(inputColumn(i)))
		all.x = append(all.x, above(column(inputColumn(i)), 0))
	}
	if len(c.Bounds) > 0 {
		return bounded(of, c.Bounds)
	}
	return all
}

func combined(c ir.Combination) condition {
	list := func(xs []ir.Combination) (out []condition) {
		for _, x := range xs {
			out = append(out, combined(x))
		}
		return out
	}
	switch c := c.(type) {
	case *ir.AllOf:
		return &allOf{list(c.X)}
	case *ir.OneOf:
		return &someOf{list(c.X)}
	case *ir.NoneOf:
		return &noneOf{combined(c.X)}
	case ir.Occurs:
		return above(column(inputColumn(int(c))), 0)
	}
	panic(fmt.Sprintf("backends: unknown combination %T", c))
}

func countsCondition(c *ir.Correlation) condition {
	all := &allOf{}
	for _, n := range c.Counts {
		all.x = append(all.x, bounded(column(inputColumn(n.Input)), n.Bounds))
	}
	if r := c.Ratio; r != nil {
		all.x = append(all.x, &comparison{column(inputColumn(r.Of)), sigma.OpGTE, &product{floatNumber(r.GTE), column(inputColumn(r.To))}})
	}
	return all
}

func floatNumber(f float64) ir.Number {
	if i := int64(f); float64(i) == f {
		return number(i)
	}
	return ir.Number{Float: f}
}

// sameKeys reports whether all taps of a source put an event in the same groups,
// so that each row is one fact of each.
func (s *factSource) sameKeys() bool {
	return !slices.ContainsFunc(s.taps, func(x inputTap) bool {
		return !sameFields(x.tap.GroupBy, s.taps[0].tap.GroupBy) || !sameFields(x.tap.Counted, s.taps[0].tap.Counted)
	})
}

func sameFields(a, b []ir.Field) bool {
	return slices.EqualFunc(a, b, func(x, y ir.Field) bool { return x.Spec() == y.Spec() })
}

// micros is a length of time.
func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// arithmetic is how a language writes conditions over measures.
type arithmetic struct {
	and, or, not string // with their spaces
	yes, no      string
	compare      map[sigma.ThresholdOp]string
	real         func(text string) string // a number as a fraction
	ceiling      func(text string) string
	one          func(condition string) string // 1 if it holds, else 0
	number       func(ir.Number) string
	chained      string
}

func (a *arithmetic) condition(c condition) string {
	list := func(xs []condition, op, none string) string {
		switch len(xs) {
		case 0:
			return none
		case 1:
			return a.condition(xs[0])
		}
		text := "("
		for i, x := range xs {
			if i > 0 {
				text += op
			}
			text += a.condition(x)
		}
		return text + ")"
	}
	switch c := c.(type) {
	case *allOf:
		return list(c.x, a.and, a.yes)
	case *someOf:
		return list(c.x, a.or, a.no)
	case *noneOf:
		return a.not + "(" + a.condition(c.x) + ")"
	case *comparison:
		return a.operand(c.left) + " " + a.compare[c.op] + " " + a.operand(c.right)
	case chained:
		return a.chained
	}
	panic(fmt.Sprintf("backends: unknown condition %T", c))
}

func (a *arithmetic) operand(o operand) string {
	switch o := o.(type) {
	case column:
		return string(o)
	case literal:
		return a.number(ir.Number(o))
	case *quotient:
		return a.real(string(o.of)) + " / " + string(o.by)
	case *product:
		return a.number(o.factor) + " * " + string(o.of)
	case *occurring:
		text := ""
		for i, c := range o.of {
			if i > 0 {
				text += " + "
			}
			text += a.one(string(c) + " > 0")
		}
		return text
	case *nearestRank:
		return a.ceiling(a.number(floatNumber(o.percentile)) + " * " + string(o.n) + " / " + a.number(ir.Number{Float: 100}))
	}
	panic(fmt.Sprintf("backends: unknown operand %T", o))
}
