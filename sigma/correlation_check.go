package sigma

import (
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// checkThresholds reports a condition without operators and one that no value
// of at least least meets. Values that have a least one are counts.
func (l *loader) checkThresholds(n *yaml.Node, ts []Threshold, least float64) {
	if len(ts) == 0 {
		others := []string{"field", "percentile"}
		entries := resolve(n).Content
		for i := 0; i < len(entries); i += 2 {
			if !slices.Contains(others, entries[i].Value) && !isNull(resolve(entries[i+1])) {
				return // an operator whose value is wrong, or an unknown key
			}
		}
		l.errorf(l.pos(n), CodeCorrelation, "add one, such as gte: 10", "the condition has none of gt, gte, lt, lte, eq, neq")
		return
	}
	counts := !math.IsInf(least, -1)
	switch {
	case !satisfiable(ts, math.Inf(-1), math.Inf(1), counts):
		l.errorf(l.pos(n), CodeCorrelation, "all operators of a condition must hold; change one of them", "no number meets all of the condition")
	case counts && !Satisfiable(ts, least, math.Inf(1)):
		l.errorf(l.pos(n), CodeCorrelation, "for the absence of events use the native types counts (eq: 0) or after_silence", "a count here is at least %v, so the condition is never met", least)
	}
}

// Satisfiable reports whether a number of at least least and at most most meets
// all thresholds; where least is finite, a whole number. Thresholds that are
// parameters count as met.
func Satisfiable(ts []Threshold, least, most float64) bool {
	return satisfiable(ts, least, most, !math.IsInf(least, -1))
}

func satisfiable(ts []Threshold, least, most float64, whole bool) bool {
	low, high := least, most
	openLow, openHigh := false, false
	var not []float64
	for _, t := range ts {
		if t.Placeholder != "" {
			continue
		}
		v := numericFloat(t.Value)
		if t.Op == OpGT || t.Op == OpGTE || t.Op == OpEQ {
			if v > low || v == low && t.Op == OpGT {
				low, openLow = v, t.Op == OpGT
			}
		}
		if t.Op == OpLT || t.Op == OpLTE || t.Op == OpEQ {
			if v < high || v == high && t.Op == OpLT {
				high, openHigh = v, t.Op == OpLT
			}
		}
		if t.Op == OpNEQ {
			not = append(not, v)
		}
	}
	if whole {
		if c := math.Ceil(low); c > low || !openLow {
			low = c
		} else {
			low++
		}
		openLow = false
		for range not {
			if slices.Contains(not, low) {
				low++
			}
		}
	}
	return low < high || low == high && !openLow && !openHigh && !slices.Contains(not, low)
}

// checkCorrelation checks what concerns several keys.
func checkCorrelation(l *loader, c *Correlation, entries []entry) {
	at := func(name string) Pos {
		for _, e := range entries {
			if e.name == name && !isNull(e.value) { // without a value it counts as absent
				return l.pos(e.key)
			}
		}
		return c.Pos
	}
	has := func(name string) bool { return at(name) != c.Pos }

	known := make([]string, len(c.Rules))
	for i, r := range c.Rules {
		known[i] = r.Name
	}
	// A rule that is listed by its id may be called by its name elsewhere, and
	// the other way round; that is looked up where the rules are at hand.
	ids := slices.ContainsFunc(known, IsUUID)
	elsewhere := func(r Reference) bool {
		return !slices.Contains(known, r.Name) && (ids || IsUUID(r.Name))
	}
	listed := func(r Reference, where string) bool {
		if len(known) == 0 || slices.Contains(known, r.Name) || elsewhere(r) {
			return true
		}
		l.errorf(r.Pos, CodeCorrelation, NearestHint(r.Name, known, "add it to rules, or name one of "+strings.Join(known, ", ")), "%s names %s, which is not among rules", where, show(r.Name))
		return false
	}

	used := map[string]bool{}
	for _, fs := range [][]Field{c.GroupBy, c.ConditionFields, c.Fields} {
		for _, f := range fs {
			used[f.Name] = true
		}
	}
	for _, a := range c.Aliases {
		if !used[a.Name] {
			l.warnf(a.Pos, CodeCorrelation, "name it in group-by, or leave it out", "the alias %s is not used", show(a.Name))
		}
		has := map[string]bool{}
		later := false
		for _, f := range a.Fields {
			listed(f.Rule, "the alias "+a.Name)
			has[f.Rule.Name] = true
			later = later || elsewhere(f.Rule)
		}
		for _, r := range known {
			if !has[r] && !later {
				l.warnf(a.Pos, CodeCorrelation, "give the rule's own name for the field; without one the alias itself is taken for a field of its events", "the alias %s says nothing of the rule %s", show(a.Name), show(r))
			}
		}
	}
	switch c.Type {
	case Temporal, TemporalOrdered:
		if len(c.Rules) == 1 {
			l.errorf(c.Rules[0].Pos, CodeCorrelation, "name the other rules, or use event_count", "%s needs at least two rules", c.Type)
		}
		if c.Expr != nil {
			eachName(c.Expr.Expr, func(n *ConditionName) { listed(Reference{n.Pos, n.Name}, "condition") }, func(of *ConditionOf) {
				if len(known) > 0 && !ids && !slices.ContainsFunc(known, of.Matches) {
					l.errorf(of.Pos, CodeNoMatch, "the rules are "+strings.Join(known, ", "), "the pattern %s fits none of rules", show(of.Pattern))
				}
			})
		}
		for _, t := range c.Thresholds {
			if t.Placeholder == "" && (t.Op == OpGT || t.Op == OpGTE || t.Op == OpEQ) && numericFloat(t.Value) > float64(len(known)) && len(known) > 0 {
				l.errorf(t.Pos, CodeCorrelation, "", "more rules are asked for than the %d listed", len(known))
			}
		}
	case AfterSilence:
		if c.Silence.Seconds > 0 && c.Lookback.Seconds > 0 && c.Silence.Seconds > c.Lookback.Seconds {
			l.errorf(c.Lookback.Pos, CodeCorrelation, "make the lookback longer than the silence", "no event before the silence of %s lies in a lookback of %s", c.Silence.Text, c.Lookback.Text)
		}
	case Counts:
		if !has("condition") && c.Ratio == nil && !has("ratio") {
			l.errorf(c.Pos, CodeMissingKey, "add the key condition, with gte: 10 or the like for each rule", "a correlation of type counts lacks condition")
			return
		}
		counted := map[string]bool{}
		later := c.Ratio != nil && (elsewhere(c.Ratio.Of) || elsewhere(c.Ratio.To))
		for _, r := range c.RuleCounts {
			listed(r.Rule, "condition")
			counted[r.Rule.Name] = true
			later = later || elsewhere(r.Rule)
		}
		if c.Ratio != nil && c.Ratio.Of.Name != "" && c.Ratio.To.Name != "" {
			listed(c.Ratio.Of, "ratio")
			listed(c.Ratio.To, "ratio")
			counted[c.Ratio.Of.Name], counted[c.Ratio.To.Name] = true, true
			if c.Ratio.Of.Name == c.Ratio.To.Name {
				l.errorf(c.Ratio.To.Pos, CodeCorrelation, "name two rules", "ratio compares the rule %s with itself", show(c.Ratio.Of.Name))
			}
		}
		for _, r := range c.Rules {
			if !counted[r.Name] && !later {
				l.errorf(r.Pos, CodeCorrelation, "add it to condition, or leave it out", "no condition says what the count of %s must be", show(r.Name))
			}
		}
	case Increase:
		if !has("ratio") && !has("difference") {
			l.errorf(c.Pos, CodeMissingKey, "add ratio: 3, or difference: 100", "a correlation of type increase lacks ratio or difference")
		}
		w, a := c.Timespan.Seconds, c.Against.Seconds
		if w > 0 && a > 0 && a%w != 0 {
			l.errorf(c.Against.Pos, CodeCorrelation, "use a multiple of timespan, such as the same value", "windows of %s do not divide %s", c.Timespan.Text, c.Against.Text)
		}
		if c.Zone != "" && w%86400 != 0 {
			l.errorf(at("zone"), CodeCorrelation, "leave zone out, or use a timespan of whole days", "windows of %s do not begin at midnights", c.Timespan.Text)
		}
	}
}

// checkReferences reports a correlation or filter that names itself. The
// document's id and name are known only after all keys were read.
func checkReferences(l *loader, doc *Document) {
	var rules []Reference
	if doc.Correlation != nil {
		rules = append(rules, doc.Correlation.Rules...)
	}
	if doc.Filter != nil {
		rules = append(rules, doc.Filter.Rules...)
	}
	for _, r := range rules {
		if doc.Meta.IsCalled(r.Name) {
			code := CodeCorrelation
			if doc.Kind == KindFilter {
				code = CodeFilter
			}
			l.errorf(r.Pos, code, "name another rule", "the %s refers to itself", doc.Kind)
		}
	}
}

// eachName calls name and of for the leaves of a condition.
func eachName(e ConditionExpr, name func(*ConditionName), of func(*ConditionOf)) {
	switch e := e.(type) {
	case *ConditionAnd:
		for _, p := range e.Parts {
			eachName(p, name, of)
		}
	case *ConditionOr:
		for _, p := range e.Parts {
			eachName(p, name, of)
		}
	case *ConditionNot:
		eachName(e.Part, name, of)
	case *ConditionName:
		name(e)
	case *ConditionOf:
		of(e)
	}
}
