package pysigma

import (
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/sigma"
)

// maxAlternatives bounds what a mapping of Sigma becomes when several of its
// items become alternatives: they are written out, since a mapping of Sigma
// holds nothing but items.
const maxAlternatives = 512

// While a run lasts, alternatives stand among the items of a mapping as a
// group: an item without a field that holds an AnyOf. So a later step that drops
// one alternative leaves the others, as pySigma has it. ungrouped writes them
// out at the end.
func group(pos sigma.Pos, b sigma.Block) []*sigma.Item {
	if a, ok := b.(*sigma.AllOf); ok {
		return a.Items
	}
	return []*sigma.Item{{Pos: pos, Block: b}}
}

func isGroup(it *sigma.Item) bool { return it.Block != nil && it.Field.Name == "" }

// conjunction is what stands in the place of an item: items that must all hold.
// Several of them are alternatives. The empty one stands for an item that was
// dropped.
type conjunction []*sigma.Item

// combine joins items by and, or by or.
func combine(items []*sigma.Item, and bool) []conjunction {
	if and {
		return []conjunction{items}
	}
	out := make([]conjunction, len(items))
	for i, it := range items {
		out[i] = conjunction{it}
	}
	return out
}

// ungrouped returns the detection with the alternatives of groups written out.
func (r *run) ungrouped(d *sigma.Detection) *sigma.Detection {
	out := *d
	out.Selections = slices.Clone(d.Selections)
	for i, sel := range d.Selections {
		if b := r.ungroup(sel.Body); b != sel.Body {
			c := *sel
			c.Body = b
			out.Selections[i] = &c
		}
	}
	return &out
}

func (r *run) ungroup(b sigma.Block) sigma.Block {
	if !hasGroup(b) {
		return b
	}
	bs := r.alternatives(b)
	if len(bs) == 1 {
		return bs[0]
	}
	return (&stepRun{run: r, step: &step{}}).joined(b.Position(), bs)
}

func (r *run) alternatives(b sigma.Block) []sigma.Block {
	switch b := b.(type) {
	case *sigma.AllOf:
		alts, changed := []conjunction{nil}, false
		for _, it := range b.Items {
			as := []conjunction{{it}}
			switch {
			case isGroup(it):
				changed, as = true, nil
				for _, x := range r.alternatives(it.Block) {
					switch x := x.(type) {
					case *sigma.AllOf:
						as = append(as, x.Items)
					case *sigma.Item: // keywords beside fields need a key
						c := *x
						c.Modifiers = []sigma.Modifier{{Pos: x.Pos, Name: sigma.ModContains}}
						as = append(as, conjunction{&c})
					default:
						panic(fmt.Sprintf("pysigma: %T among alternatives", x))
					}
				}
			case it.Block != nil:
				if inner := r.ungroup(it.Block); inner != it.Block {
					c := *it
					c.Block = inner
					changed, as = true, []conjunction{{&c}}
				}
			}
			if len(as)*len(alts) > maxAlternatives {
				r.errorf(b.Pos, sigma.CodeLimit, "map fewer fields to several", "the pipeline turns this into more than %d alternatives", maxAlternatives)
				return []sigma.Block{b}
			}
			next := make([]conjunction, 0, len(as)*len(alts))
			for _, head := range alts {
				for _, tail := range as {
					next = append(next, append(slices.Clip(head), tail...))
				}
			}
			alts = next
		}
		if !changed {
			return []sigma.Block{b}
		}
		var out []sigma.Block
		for _, items := range alts {
			out = append(out, &sigma.AllOf{Pos: b.Pos, Items: items})
		}
		return out
	case *sigma.AnyOf:
		var out []sigma.Block
		for _, x := range b.Blocks {
			out = append(out, r.alternatives(x)...)
		}
		return out
	case *sigma.Item:
		return []sigma.Block{b}
	case *sigma.Detection:
		return []sigma.Block{r.ungrouped(b)}
	}
	panic(fmt.Sprintf("pysigma: unknown block %T", b))
}

func hasGroup(b sigma.Block) bool {
	switch b := b.(type) {
	case *sigma.AllOf:
		return slices.ContainsFunc(b.Items, func(it *sigma.Item) bool { return it.Block != nil && (isGroup(it) || hasGroup(it.Block)) })
	case *sigma.AnyOf:
		return slices.ContainsFunc(b.Blocks, hasGroup)
	case *sigma.Detection:
		return slices.ContainsFunc(b.Selections, func(s *sigma.Selection) bool { return hasGroup(s.Body) })
	}
	return false
}
