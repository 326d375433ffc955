package backends

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
// whether that is a hit (docs/design.md §5). SQL has frames
// by time and adds up within them what has no need of runs.

// measure is one number of a window.
type measure struct {
	name  string // of its measureName
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
// *everyOf, *oneOf, *notThat, *compared, inOrder.
type condition interface{ condition() }

type (
	everyOf  struct{ x []condition }
	oneOf    struct{ x []condition }
	notThat  struct{ x condition }
	compared struct {
		left  operand
		op    sigma.ThresholdOp
		right operand
	}
	// inOrder: the inputs occurred one behind the other within the window.
	inOrder struct{}
)

func (*everyOf) condition()  {}
func (*oneOf) condition()    {}
func (*notThat) condition()  {}
func (*compared) condition() {}
func (inOrder) condition()   {}

// operand is a number. The set is closed: measureName, literalNumber, *quotient, *product,
// *occurring.
type operand interface{ operand() }

type (
	measureName   string // its column
	literalNumber ir.Number
	quotient      struct{ of, by measureName }
	product       struct {
		factor int64
		of     measureName
	}
	// occurring is how many of the measures are above zero.
	occurring struct{ of []measureName }
)

func (measureName) operand()   {}
func (literalNumber) operand() {}
func (*quotient) operand()     {}
func (*product) operand()      {}
func (*occurring) operand()    {}

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
	for _, f := range []float64{c.Percentile, c.Factor, ratioOf(c)} {
		if _, digits, _ := strings.Cut(decimal(f), "."); len(digits) > maxFractionDigits || f > maxFraction {
			return nil, refuse(r, nil, target, "%s is not supported: a ratio or percentile has at most %d digits behind the point and is at most %d", decimal(f), maxFractionDigits, int64(maxFraction))
		}
	}
	events := measure{name: "n", of: ofEvents}
	switch c.Type {
	case sigma.EventCount:
		p.measures = []measure{events}
		p.holds = bounded(measureName("n"), c.Bounds)
	case sigma.ValueCount:
		p.measures = []measure{{name: "n", of: ofTuples}}
		p.holds = bounded(measureName("n"), c.Bounds)
	case sigma.ValueSum, sigma.ValueAvg:
		p.measures = []measure{{name: "total", of: ofSum}, {name: "numbers", of: ofNumbers}}
		var of operand = measureName("total")
		if c.Type == sigma.ValueAvg {
			of = &quotient{"total", "numbers"}
		}
		p.holds = &everyOf{[]condition{above("numbers", 0), bounded(of, c.Bounds)}}
	case sigma.ValuePercentile:
		p.measures = []measure{{name: "numbers", of: ofNumbers}}
		all := &everyOf{[]condition{above("numbers", 0)}}
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
			p.holds = inOrder{}
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

// hitPrinter prints how the hits of each kind of correlation are found among its
// facts.
type hitPrinter[F, H any] interface {
	newValue(*plan, F) H
	afterSilence(*plan, F) H
	increase(*plan, F) (H, error)
	summary(*plan, F) H
	// windowed: instants whose window satisfies the plan's condition and did not
	// before.
	windowed(*plan, F) H
}

func hitsOf[F, H any](x hitPrinter[F, H], p *plan, f F) (H, error) {
	switch p.c.Type {
	case sigma.NewValue:
		return x.newValue(p, f), nil
	case sigma.AfterSilence:
		return x.afterSilence(p, f), nil
	case sigma.Increase:
		return x.increase(p, f)
	case sigma.Summary:
		return x.summary(p, f), nil
	}
	return x.windowed(p, f), nil
}

// hitColumn is a column of the result and the column of the hits it shows.
type hitColumn struct{ name, of string }

// hitColumns are the columns that say what a hit is of: the fields of group-by,
// and those of a tuple that is new. name makes a column's name of a field's.
func (q *Query) hitColumns(c *ir.Correlation, tuple []string, name func(field string) string) []hitColumn {
	var out []hitColumn
	for i, field := range c.GroupBy {
		q.Group = append(q.Group, name(field))
		out = append(out, hitColumn{q.Group[i], groupColumn(i)})
	}
	for i, v := range tuple {
		q.Tuple = append(q.Tuple, name(c.Counted[i]))
		out = append(out, hitColumn{q.Tuple[i], v})
	}
	return out
}

// onceKeys are the columns of the hits that once goes by, and the others that a
// hit is of.
func onceKeys(r *ir.Rule, tuple []string) (keys, rest []string) {
	for _, f := range r.Once.By {
		keys = append(keys, groupColumn(slices.Index(r.Correlation.GroupBy, f.Name)))
	}
	for _, c := range slices.Concat(groupColumns(len(r.Correlation.GroupBy)), tuple) {
		if !slices.Contains(keys, c) {
			rest = append(rest, c)
		}
	}
	return keys, rest
}

func tableOf(r *ir.Rule, t Target) string {
	if r.Source.Table != "" {
		return r.Source.Table
	}
	return t.Table
}

func inputColumn(i int) string { return fmt.Sprintf("i%d", i+1) }

func number(n int64) ir.Number { return ir.Number{IsInt: true, Int: n} }

func above(c measureName, n int64) condition {
	return &compared{c, sigma.OpGT, literalNumber(number(n))}
}

func bounded(of operand, bounds []ir.Bound) condition {
	all := &everyOf{}
	for _, b := range bounds {
		all.x = append(all.x, &compared{of, b.Op, literalNumber(b.Value)})
	}
	return all
}

// percentile asks for the nearest rank by counting: the k-th number in order is
// at least x when fewer than k are below x. k is the first integer that is not
// below percentile / 100 of the numbers, so a count is below k where it is below
// that fraction, which is compared in integers.
func (p *plan) percentile(i int, b ir.Bound) condition {
	below, atMost := fmt.Sprintf("below%d", i+1), fmt.Sprintf("upto%d", i+1)
	p.measures = append(p.measures, measure{name: below, of: ofBelow, than: b.Value}, measure{name: atMost, of: ofAtMost, than: b.Value})
	over, under := fraction(p.c.Percentile)
	fewer := func(count string) condition {
		return &compared{&product{100 * under, measureName(count)}, sigma.OpLT, &product{over, "numbers"}}
	}
	atLeast, more := fewer(below), fewer(atMost)
	equal := &everyOf{[]condition{atLeast, &notThat{more}}}
	switch b.Op {
	case sigma.OpGTE:
		return atLeast
	case sigma.OpGT:
		return more
	case sigma.OpLT:
		return &notThat{atLeast}
	case sigma.OpLTE:
		return &notThat{more}
	case sigma.OpEQ:
		return equal
	}
	return &notThat{equal}
}

func temporalCondition(c *ir.Correlation) condition {
	if c.Combination != nil {
		return combined(c.Combination)
	}
	of := &occurring{}
	all := &everyOf{}
	for i := range c.Inputs {
		of.of = append(of.of, measureName(inputColumn(i)))
		all.x = append(all.x, above(measureName(inputColumn(i)), 0))
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
		return &everyOf{list(c.X)}
	case *ir.OneOf:
		return &oneOf{list(c.X)}
	case *ir.NoneOf:
		return &notThat{combined(c.X)}
	case ir.Occurs:
		return above(measureName(inputColumn(int(c))), 0)
	}
	panic(fmt.Sprintf("backends: unknown combination %T", c))
}

func countsCondition(c *ir.Correlation) condition {
	all := &everyOf{}
	for _, n := range c.Counts {
		all.x = append(all.x, bounded(measureName(inputColumn(n.Input)), n.Bounds))
	}
	if r := c.Ratio; r != nil {
		over, under := fraction(r.GTE)
		all.x = append(all.x, &compared{&product{under, measureName(inputColumn(r.Of))}, sigma.OpGTE, &product{over, measureName(inputColumn(r.To))}})
	}
	return all
}

func floatNumber(f float64) ir.Number {
	if i := int64(f); float64(i) == f {
		return number(i)
	}
	return ir.Number{Float: f}
}

// tellsInputs reports whether it matters which of the inputs a fact is of.
func (p *plan) tellsInputs() bool { return p.counts(ofInput) }

// counts reports whether the plan has a measure of that.
func (p *plan) counts(of measured) bool {
	return slices.ContainsFunc(p.measures, func(m measure) bool { return m.of == of })
}

// fraction is the decimal that a rule says as a fraction of integers, so that it
// is compared with counts exactly.
func fraction(f float64) (over, under int64) {
	whole, digits, _ := strings.Cut(decimal(f), ".")
	under = 1
	for range digits {
		under *= 10
	}
	over, _ = strconv.ParseInt(whole+digits, 10, 64)
	return over, under
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func ratioOf(c *ir.Correlation) float64 {
	if c.Ratio == nil {
		return 0
	}
	return c.Ratio.GTE
}

// These keep the products of counts and fractions within 64 bits.
const (
	maxFractionDigits = 6
	maxFraction       = 1e6
)

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

// arithmetic is how a language writes conditions over measures.
type arithmetic struct {
	and, or, not string // with their spaces
	yes, no      string
	compare      map[sigma.ThresholdOp]string
	real         func(text string) string      // a number as a fraction
	one          func(condition string) string // 1 if it holds, else 0
	number       func(ir.Number) string
	inOrder      string
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
	case *everyOf:
		return list(c.x, a.and, a.yes)
	case *oneOf:
		return list(c.x, a.or, a.no)
	case *notThat:
		return a.not + "(" + a.condition(c.x) + ")"
	case *compared:
		return a.operand(c.left) + " " + a.compare[c.op] + " " + a.operand(c.right)
	case inOrder:
		return a.inOrder
	}
	panic(fmt.Sprintf("backends: unknown condition %T", c))
}

func (a *arithmetic) operand(o operand) string {
	switch o := o.(type) {
	case measureName:
		return string(o)
	case literalNumber:
		return a.number(ir.Number(o))
	case *quotient:
		return a.real(string(o.of)) + " / " + string(o.by)
	case *product:
		if o.factor == 1 {
			return string(o.of)
		}
		return strconv.FormatInt(o.factor, 10) + " * " + string(o.of)
	case *occurring:
		text := ""
		for i, c := range o.of {
			if i > 0 {
				text += " + "
			}
			text += a.one(string(c) + " > 0")
		}
		return text
	}
	panic(fmt.Sprintf("backends: unknown operand %T", o))
}
