package compiler

import (
	"math"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// condition lowers what must hold of a group.
func (cl *correlationLowerer) condition(override Override) {
	c, out := cl.c, cl.out
	switch c.Type {
	case sigma.AfterSilence, sigma.NewValue, sigma.Summary:
	default:
		out.Span = cl.length(c.Timespan, "timespan")
	}
	switch c.Type {
	case sigma.EventCount:
		out.Bounds = cl.bounds(c.Thresholds, override, 1, math.Inf(1), c.Pos)
	case sigma.ValueCount:
		cl.needsField()
		out.Bounds = cl.bounds(c.Thresholds, override, 0, math.Inf(1), c.Pos)
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		cl.needsField()
		out.Bounds = cl.bounds(c.Thresholds, override, math.Inf(-1), math.Inf(1), c.Pos)
		if c.Type == sigma.ValuePercentile {
			out.Percentile = 50
			if c.Percentile != nil {
				out.Percentile = numberFloat(ir.Number(*c.Percentile))
			}
			if !(out.Percentile > 0 && out.Percentile <= 100) {
				cl.errorf(sigma.CodeBadValue, c.Pos, "", "percentile must be above 0 and up to 100")
			}
		}
	case sigma.Temporal, sigma.TemporalOrdered:
		cl.temporal(override)
	case sigma.NewValue:
		if len(c.Fields) == 0 {
			cl.errorf(sigma.CodeMissingKey, c.Pos, "name fields", "the correlation does not say whose values are new")
		}
		out.Lookback, out.MinHistory = cl.length(c.Lookback, "lookback"), max(1, c.MinHistory)
	case sigma.AfterSilence:
		out.Silence, out.Lookback = cl.length(c.Silence, "silence"), cl.length(c.Lookback, "lookback")
		if out.Lookback > 0 && out.Silence > out.Lookback {
			cl.errorf(sigma.CodeCorrelation, c.Lookback.Pos, "make the lookback longer than the silence", "no event before the silence lies in the lookback")
		}
	case sigma.Counts:
		cl.counts(override)
	case sigma.Increase:
		cl.increase()
	case sigma.Summary:
		if len(c.GroupBy) == 0 {
			cl.errorf(sigma.CodeMissingKey, c.Pos, "name fields under group-by", "a summary does not say of what groups")
		}
	default:
		cl.errorf(sigma.CodeBadValue, c.TypePos, "write event_count, or another type", "there is no correlation type %q", c.Type)
	}
}

func (cl *correlationLowerer) needsField() {
	if len(cl.out.Counted) == 0 || len(cl.out.Counted) > 1 && cl.c.Type != sigma.ValueCount {
		cl.errorf(sigma.CodeCorrelation, cl.c.Pos, "name one field; only value_count takes several", "%s works on one field", cl.c.Type)
	}
}

// bounds lowers thresholds on a number that is least at least and most at most;
// a count where least is finite.
func (cl *correlationLowerer) bounds(ts []sigma.Threshold, override Override, least, most float64, pos sigma.Pos) []ir.Bound {
	if len(ts) == 0 {
		cl.errorf(sigma.CodeCorrelation, pos, "add one, such as gte: 10", "the condition has none of %s", strings.Join(sigma.ThresholdOps(), ", "))
		return nil
	}
	var out []ir.Bound
	var given []sigma.Threshold
	changed := cl.legacy
	lacking := false
	for _, t := range ts {
		if i := slices.IndexFunc(override.Thresholds, func(o sigma.Threshold) bool { return o.Op == t.Op }); i >= 0 {
			t.Value, t.Placeholder = override.Thresholds[i].Value, ""
			changed = true
		}
		if t.Placeholder != "" {
			changed = true
			vs, ok := cl.params.values(t.Placeholder, t.Pos, "number")
			if !ok {
				lacking = true
				continue
			}
			n, isNumber := numberOf(vs[0])
			if !isNumber || len(vs) > 1 {
				cl.errorf(sigma.CodeParameter, t.Pos, sigma.ParameterHint("number"), "parameter %s is no number", t.Placeholder)
				continue
			}
			t.Value, t.Placeholder = sigma.Numeric(n), ""
		}
		if f := numberFloat(ir.Number(t.Value)); math.IsNaN(f) || math.IsInf(f, 0) {
			cl.errorf(sigma.CodeBadValue, t.Pos, "write a number", "%s must be a finite number", t.Op)
			continue
		}
		given = append(given, t)
		out = append(out, ir.Bound{Op: t.Op, Value: canonical(ir.Number(t.Value))})
	}
	if changed && !lacking && len(given) > 0 && !sigma.Satisfiable(given, least, most) {
		if p := given[0].Pos; p.IsValid() {
			pos = p
		}
		cl.errorf(sigma.CodeCorrelation, pos, "change the threshold", "no number meets all of the condition, so the correlation can never hold")
	}
	return out
}

// temporal lowers the condition of a temporal type.
func (cl *correlationLowerer) temporal(override Override) {
	c, out := cl.c, cl.out
	n := len(out.Inputs)
	if n < 2 {
		cl.errorf(sigma.CodeCorrelation, c.Pos, "name the other rules, or use event_count", "%s needs at least two rules", c.Type)
		return
	}
	atLeast := func(k int) []ir.Bound {
		return []ir.Bound{{Op: sigma.OpGTE, Value: ir.Number{IsInt: true, Int: int64(k)}}}
	}
	pos := c.Pos
	all := true // the condition asks for all rules
	switch {
	case c.Expr != nil && c.Expr.Expr != nil:
		pos = c.Expr.Pos
		nodes := 0
		of, ok := c.Expr.Expr.(*sigma.ConditionOf)
		if ok && len(cl.meant(of)) == n && of.Count <= n {
			// `2 of them` is a number, however many rules there are.
			k := of.Count
			if k <= 0 {
				k = n
			}
			out.Bounds, all = atLeast(k), k == n
			break
		}
		out.Combination = cl.combination(c.Expr.Expr, &nodes, 0)
		all = asksForAll(out.Combination, n)
	case len(c.Thresholds) > 0:
		pos = c.Thresholds[0].Pos
		out.Bounds = cl.bounds(c.Thresholds, override, 1, float64(n), c.Pos)
		for k := 1; k <= n && all; k++ {
			all = boundsHold(out.Bounds, k) == (k == n)
		}
	default:
		out.Bounds = atLeast(n)
	}
	if c.Type != sigma.TemporalOrdered || cl.diags.HasErrors() || len(cl.params.lacks()) > 0 {
		return
	}
	if !all {
		cl.errorf(sigma.CodeUnsupported, pos, "leave the condition out, or write one correlation for each order",
			"temporal_ordered wants all its rules in order; a condition that some of them meet has no order")
	}
	out.Combination, out.Bounds = nil, atLeast(n)
}

// asksForAll reports whether a combination is the conjunction of all n inputs.
func asksForAll(c ir.Combination, n int) bool {
	seen := make([]bool, n)
	var visit func(c ir.Combination) bool
	visit = func(c ir.Combination) bool {
		switch c := c.(type) {
		case *ir.AllOf:
			for _, x := range c.X {
				if !visit(x) {
					return false
				}
			}
			return true
		case ir.Occurs:
			seen[c] = true
			return true
		}
		return false
	}
	return visit(c) && !slices.Contains(seen, false)
}

// boundsHold says whether a number of rules meets the bounds.
func boundsHold(bs []ir.Bound, k int) bool {
	return !slices.ContainsFunc(bs, func(b ir.Bound) bool { return !b.Op.Holds(compareNumbers(intNumber(k), b.Value)) })
}

// counts lowers the conditions of each rule's own count.
func (cl *correlationLowerer) counts(override Override) {
	c, out := cl.c, cl.out
	for _, rc := range c.RuleCounts {
		i := cl.named(rc.Rule, "condition")
		if i < 0 {
			continue
		}
		if slices.ContainsFunc(out.Counts, func(x ir.Count) bool { return x.Input == i }) {
			cl.errorf(sigma.CodeCorrelation, rc.Rule.Pos, "put the operators together", "condition says twice what the count of %q must be", rc.Rule.Name)
			continue
		}
		out.Counts = append(out.Counts, ir.Count{Input: i, Bounds: cl.bounds(rc.Thresholds, override, 0, math.Inf(1), rc.Rule.Pos)})
	}
	if r := c.Ratio; r != nil {
		of, to := cl.named(r.Of, "ratio"), cl.named(r.To, "ratio")
		out.Ratio = &ir.Ratio{Of: of, To: to, GTE: numberFloat(ir.Number(r.GTE))}
		switch {
		case of >= 0 && of == to:
			cl.errorf(sigma.CodeCorrelation, r.To.Pos, "name two rules", "ratio compares the rule %q with itself", r.Of.Name)
		case !(out.Ratio.GTE > 0) || math.IsInf(out.Ratio.GTE, 0):
			cl.errorf(sigma.CodeBadValue, r.Pos, "", "gte of ratio must be above 0")
		}
	}
	for i, ref := range c.Rules {
		if !slices.ContainsFunc(out.Counts, func(x ir.Count) bool { return x.Input == i }) && (out.Ratio == nil || out.Ratio.Of != i && out.Ratio.To != i) {
			cl.errorf(sigma.CodeCorrelation, ref.Pos, "add it to condition, or leave it out", "no condition says what the count of %q must be", ref.Name)
		}
	}
}

// increase lowers the comparison of windows.
func (cl *correlationLowerer) increase() {
	const day = 86400 * 1_000_000
	c, out := cl.c, cl.out
	number := func(n *sigma.Numeric, what string, otherwise float64) float64 {
		if n == nil {
			return otherwise
		}
		f := numberFloat(ir.Number(*n))
		if !(f >= 0) || math.IsInf(f, 0) {
			cl.errorf(sigma.CodeBadValue, c.Pos, "", "%s must be a number of at least 0", what)
		}
		return f
	}
	out.Against = cl.length(c.Against, "against")
	out.Factor, out.Difference = number(c.Factor, "ratio", 0), number(c.Difference, "difference", 0)
	if c.Difference != nil && out.Difference == 0 {
		out.Factor = max(out.Factor, 1) // not fewer, which a factor says, too
	}
	out.Minimum = number(c.Minimum, "minimum", 1)
	out.Zone = c.Zone
	if name, ok := placeholderName(c.Zone); ok {
		if vs, ok := cl.params.values(name, c.Pos, "zone"); ok {
			out.Zone = literalOf(partsOf(vs[0]))
		} else {
			out.Zone = ""
		}
	}
	if err := checkZone(out.Zone); err != nil {
		cl.errorf(sigma.CodeBadValue, c.Pos, sigma.ParameterHint("zone"), "%v", err)
	}
	if len(c.Fields) > 1 {
		cl.errorf(sigma.CodeCorrelation, c.Fields[1].Pos, "name one field", "increase works on one field")
	}
	switch {
	case c.Factor == nil && c.Difference == nil:
		cl.errorf(sigma.CodeMissingKey, c.Pos, "add ratio: 3, or difference: 100", "a correlation of type increase lacks ratio or difference")
	case out.Span <= 0 || out.Against <= 0:
	case out.Against%out.Span != 0:
		cl.errorf(sigma.CodeCorrelation, c.Against.Pos, "use a multiple of timespan, such as the same value", "windows of %s do not divide against", ir.LengthText(out.Span))
	case out.Zone != "" && out.Span%day != 0:
		cl.errorf(sigma.CodeCorrelation, c.Timespan.Pos, "leave zone out, or use a timespan of whole days", "windows of %s do not begin at midnights", ir.LengthText(out.Span))
	}
}
