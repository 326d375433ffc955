package pysigma

import (
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/sigma"
)

// stepRun is one step at work on one document.
type stepRun struct {
	*run
	*step
}

// detection applies the step to all items. It returns nil when nothing is left,
// and d itself when nothing changed.
func (s *stepRun) detection(d *sigma.Detection, sc scope) *sigma.Detection {
	out := *d
	out.Selections = nil
	removed := map[string]bool{}
	changed := false
	for _, sel := range d.Selections {
		bs, touched := s.block(sel.Body, sc)
		switch {
		case !touched:
			out.Selections = append(out.Selections, sel)
			continue
		case len(bs) == 0:
			removed[sel.Name] = true
		default:
			c := *sel
			c.Body = s.joined(sel.Body.Position(), bs)
			out.Selections = append(out.Selections, &c)
		}
		changed = true
	}
	if !changed {
		return d
	}
	if len(removed) == 0 {
		return &out
	}
	out.Conditions = nil
	for _, c := range d.Conditions {
		if e := without(c.Expr, removed, d, &out); e == c.Expr {
			out.Conditions = append(out.Conditions, c)
		} else if e != nil {
			n := *c
			n.Expr, n.Text = e, ""
			out.Conditions = append(out.Conditions, &n)
		}
	}
	if len(out.Conditions) == 0 {
		return nil
	}
	return &out
}

// without takes selections that are no more out of a condition, as pySigma
// does: they count neither for it nor against it. It returns nil when nothing
// is left.
func without(e sigma.ConditionExpr, removed map[string]bool, before, after *sigma.Detection) sigma.ConditionExpr {
	parts := func(ps []sigma.ConditionExpr) ([]sigma.ConditionExpr, bool) {
		var out []sigma.ConditionExpr
		same := true
		for _, p := range ps {
			q := without(p, removed, before, after)
			same = same && q == p
			if q != nil {
				out = append(out, q)
			}
		}
		return out, same
	}
	switch e := e.(type) {
	case *sigma.ConditionAnd:
		ps, same := parts(e.Parts)
		switch {
		case same:
			return e
		case len(ps) == 0:
			return nil
		case len(ps) == 1:
			return ps[0]
		}
		return &sigma.ConditionAnd{Pos: e.Pos, Parts: ps}
	case *sigma.ConditionOr:
		ps, same := parts(e.Parts)
		switch {
		case same:
			return e
		case len(ps) == 0:
			return nil
		case len(ps) == 1:
			return ps[0]
		}
		return &sigma.ConditionOr{Pos: e.Pos, Parts: ps}
	case *sigma.ConditionNot:
		switch p := without(e.Part, removed, before, after); p {
		case e.Part:
			return e
		case nil:
			return nil
		default:
			return &sigma.ConditionNot{Pos: e.Pos, Part: p}
		}
	case *sigma.ConditionName:
		if removed[e.Name] {
			return nil
		}
		return e
	case *sigma.ConditionOf:
		fits := func(d *sigma.Detection) bool {
			return slices.ContainsFunc(d.Selections, func(s *sigma.Selection) bool { return e.Matches(s.Name) })
		}
		if fits(before) && !fits(after) {
			return nil
		}
		return e
	}
	panic(fmt.Sprintf("pysigma: unknown condition %T", e))
}

// joined makes one block of alternatives.
func (s *stepRun) joined(pos sigma.Pos, bs []sigma.Block) sigma.Block {
	if len(bs) == 1 {
		return bs[0]
	}
	out := &sigma.AnyOf{Pos: pos}
	for _, b := range bs {
		switch b := b.(type) {
		case *sigma.AnyOf:
			out.Blocks = append(out.Blocks, b.Blocks...)
		case *sigma.Item:
			// Beside mappings each keyword stands for itself.
			for _, v := range b.Values {
				c := *b
				c.Values = []sigma.Value{v}
				s.inherit(b, &c)
				out.Blocks = append(out.Blocks, &c)
			}
		default:
			out.Blocks = append(out.Blocks, b)
		}
	}
	return out
}

// block applies the step to a block. It returns the alternatives that stand in
// its place, none if it was dropped, and whether anything changed.
func (s *stepRun) block(b sigma.Block, sc scope) ([]sigma.Block, bool) {
	if sc.deep++; sc.deep > maxDepth {
		s.errorf(b.Position(), sigma.CodeLimit, "", "blocks nest deeper than %d", maxDepth)
		return []sigma.Block{b}, false
	}
	switch b := b.(type) {
	case *sigma.AllOf:
		out := &sigma.AllOf{Pos: b.Pos}
		changed := false
		for _, it := range b.Items {
			if isGroup(it) {
				bs, touched := s.block(it.Block, sc)
				changed = changed || touched
				if len(bs) > 0 {
					out.Items = append(out.Items, group(it.Pos, s.joined(it.Pos, bs))...)
				}
				continue
			}
			as, touched := s.item(it, sc)
			changed = changed || touched
			switch {
			case !touched:
				out.Items = append(out.Items, it)
			case len(as) == 1:
				out.Items = append(out.Items, as[0]...)
			default:
				g := &sigma.AnyOf{Pos: it.Pos}
				for _, items := range as {
					g.Blocks = append(g.Blocks, &sigma.AllOf{Pos: b.Pos, Items: items})
				}
				out.Items = append(out.Items, group(it.Pos, g)...)
			}
		}
		switch {
		case !changed:
			return []sigma.Block{b}, false
		case len(out.Items) == 0:
			return nil, true
		case len(out.Items) == 1 && isGroup(out.Items[0]):
			return []sigma.Block{out.Items[0].Block}, true
		}
		return []sigma.Block{out}, true
	case *sigma.AnyOf:
		var out []sigma.Block
		changed := false
		for _, x := range b.Blocks {
			bs, touched := s.block(x, sc)
			changed = changed || touched
			out = append(out, bs...)
		}
		if !changed {
			return []sigma.Block{b}, false
		}
		if len(out) > max(maxAlternatives, len(b.Blocks)) {
			s.errorf(b.Pos, sigma.CodeLimit, "map fewer fields to several", "%s turns this into more than %d alternatives", s.step, maxAlternatives)
			return []sigma.Block{b}, false
		}
		if len(out) == 0 {
			return nil, true
		}
		if len(out) == 1 {
			return out, true
		}
		return []sigma.Block{s.joined(b.Pos, out)}, true
	case *sigma.Item:
		alts, touched := s.item(b, sc)
		if !touched {
			return []sigma.Block{b}, false
		}
		var out []sigma.Block
		for _, items := range alts {
			switch {
			case len(items) == 0:
			case len(items) == 1 && items[0].Block == nil && len(items[0].Modifiers) == 0 && (items[0].Field.Name == "" || items[0].Field.Name == "."):
				out = append(out, items[0])
			default:
				out = append(out, &sigma.AllOf{Pos: b.Pos, Items: items})
			}
		}
		return out, true
	case *sigma.Detection:
		d := s.detection(b, sc)
		if d == nil {
			return nil, true
		}
		return []sigma.Block{d}, d != b
	}
	panic(fmt.Sprintf("pysigma: unknown block %T", b))
}
