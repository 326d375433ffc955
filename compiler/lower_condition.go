package compiler

import (
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// detectionLowerer lowers one detection: of the rule, of a filter, or inside a
// list block.
type detectionLowerer struct {
	*lowerer
	det    *sigma.Detection
	in     scope
	prefix string // of the selections' names
	inner  bool   // inside a list block: selections have no name of their own
	depth  int
	done   map[string]ir.Expr // lowered selections; each is lowered once
}

func (l *lowerer) detection(d *sigma.Detection, in scope, prefix string) ir.Expr {
	dl := &detectionLowerer{lowerer: l, det: d, in: in, prefix: prefix, done: map[string]ir.Expr{}}
	return dl.lower()
}

// lower returns the alternatives of the conditions. Selections that no
// condition names are lowered too, for their findings.
func (d *detectionLowerer) lower() ir.Expr {
	if len(d.det.Conditions) == 0 {
		d.errorf(sigma.CodeMissingKey, d.det.Pos, "add `condition: selection`", "the detection has no condition")
	}
	or := &ir.Or{}
	for _, c := range d.det.Conditions {
		if c.Aggregation != nil && (d.det != d.doc.Detection || d.doc.Kind != sigma.KindRule) {
			d.errorf(sigma.CodeUnsupported, c.Aggregation.Pos, "leave the part behind the pipe out",
				"what looks at one event or element cannot count")
		}
		if c.Expr == nil {
			d.errorf(sigma.CodeCondition, c.Pos, "name a selection", "the condition is empty")
			continue
		}
		or.X = append(or.X, d.condition(c.Expr, 0))
	}
	for _, s := range d.det.Selections {
		d.selection(s)
	}
	if len(or.X) == 1 {
		return or.X[0]
	}
	return or
}

func (d *detectionLowerer) condition(e sigma.ConditionExpr, depth int) ir.Expr {
	if depth > maxDepth {
		d.errorf(sigma.CodeLimit, e.Position(), "", "the condition nests deeper than %d", maxDepth)
		return ir.Const(false)
	}
	parts := func(ps []sigma.ConditionExpr) []ir.Expr {
		xs := make([]ir.Expr, len(ps))
		for i, p := range ps {
			xs[i] = d.condition(p, depth+1)
		}
		return xs
	}
	switch e := e.(type) {
	case *sigma.ConditionAnd:
		return d.at(&ir.And{X: parts(e.Parts)}, e.Pos)
	case *sigma.ConditionOr:
		return d.at(&ir.Or{X: parts(e.Parts)}, e.Pos)
	case *sigma.ConditionNot:
		return d.at(&ir.Not{X: d.condition(e.Part, depth+1)}, e.Pos)
	case *sigma.ConditionName:
		s := d.det.Selection(e.Name)
		if s == nil {
			hint := sigma.NearestHint(e.Name, d.names(&sigma.ConditionOf{Pattern: "*"}), "")
			d.errorf(sigma.CodeUnknownName, e.Pos, hint, "the condition names %q, and there is no such selection", e.Name)
			return ir.Const(false)
		}
		return d.selection(s)
	case *sigma.ConditionOf:
		return d.of(e)
	}
	panic("compiler: unknown condition node")
}

// of lowers `N of pattern`.
func (d *detectionLowerer) of(e *sigma.ConditionOf) ir.Expr {
	names := d.names(e)
	pattern := e.Pattern
	if pattern == "" {
		pattern = "them"
	}
	if len(names) == 0 {
		d.errorf(sigma.CodeNoMatch, e.Pos, "", "no selection is meant by %q", pattern)
		return ir.Const(false)
	}
	if e.Count > len(names) { // of which the parser warns
		return ir.Const(false)
	}
	xs := make([]ir.Expr, len(names))
	for i, n := range names {
		xs[i] = d.selection(d.det.Selection(n))
	}
	count := e.Count
	if count <= 0 {
		count = len(xs)
	}
	return d.at(atLeast(count, xs), e.Pos)
}

// names returns the selections that an expression counts, in the author's
// order.
func (d *detectionLowerer) names(e *sigma.ConditionOf) []string {
	var names []string
	for _, s := range d.det.Selections {
		if e.Matches(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// atLeast returns a tree that is true iff at least k of xs are. It halves xs
// and shares the halves' trees, so that building it takes n² steps; printed, it
// grows faster, which maxTreeNodes bounds.
func atLeast(k int, xs []ir.Expr) ir.Expr {
	type key struct{ lo, hi, k int }
	memo := map[key]ir.Expr{}
	var build func(lo, hi, k int) ir.Expr
	build = func(lo, hi, k int) ir.Expr {
		n := hi - lo
		switch {
		case k <= 0:
			return ir.Const(true)
		case k > n:
			return ir.Const(false)
		case n == 1:
			return xs[lo]
		case k == 1:
			return &ir.Or{X: xs[lo:hi:hi]}
		case k == n:
			return &ir.And{X: xs[lo:hi:hi]}
		}
		if e, ok := memo[key{lo, hi, k}]; ok {
			return e
		}
		mid := lo + n/2
		or := &ir.Or{}
		for j := max(0, k-(hi-mid)); j <= min(k, mid-lo); j++ {
			left, right := build(lo, mid, j), build(mid, hi, k-j)
			switch {
			case j == 0:
				or.X = append(or.X, right)
			case j == k:
				or.X = append(or.X, left)
			default:
				or.X = append(or.X, &ir.And{X: []ir.Expr{left, right}})
			}
		}
		memo[key{lo, hi, k}] = or
		return or
	}
	return build(0, len(xs), k)
}

// selection lowers a selection once, however often conditions name it.
func (d *detectionLowerer) selection(s *sigma.Selection) ir.Expr {
	if e, ok := d.done[s.Name]; ok {
		return e
	}
	e := d.block(s.Body, d.in, d.depth, s.Pos)
	if !d.inner {
		e = d.at(&ir.Selection{Name: d.prefix + s.Name, X: e}, s.Pos)
	}
	d.done[s.Name] = e
	return e
}

// at notes where a node comes from.
func (l *lowerer) at(e ir.Expr, pos sigma.Pos) ir.Expr {
	if l.origins == nil {
		return e
	}
	if _, isConst := e.(ir.Const); !isConst && pos.IsValid() {
		if _, ok := l.origins[e]; !ok {
			l.origins[e] = pos
		}
	}
	return e
}
