package pysigma

import (
	"fmt"
	"slices"
	"strings"

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

// scope is the place of a list block: names in it are names of its elements.
type scope struct {
	old, new string // the block's field before and after the step; "" at the top
	deep     int
}

// name returns a field's name as seen from the event.
func (sc scope) name(f sigma.Field) string {
	name := f.Name
	if len(f.Steps) == 1 && f.Steps[0].Index < 0 {
		name = f.Steps[0].Name
	}
	switch {
	case sc.old == "" || name == "":
		return name
	case name == ".":
		return sc.old
	}
	return sc.old + "." + name
}

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

// item applies the step to an item and returns what stands in its place.
func (s *stepRun) item(it *sigma.Item, sc scope) ([]conjunction, bool) {
	full := sc.name(it.Field)
	if it.Block == nil {
		if !s.itemHolds(it, full) {
			return nil, false
		}
		if s.do.names != nil {
			return s.renamed(it, full, sc)
		}
		return s.do.item(s, it, full)
	}

	// A list block: its own field, then what its elements are held to.
	names := []string{full}
	switch {
	case s.do.blocks && s.itemHolds(it, full):
		if out, ok := s.do.item(s, it, full); ok {
			return out, true
		}
	case s.do.names != nil && s.itemHolds(it, full):
		if to := s.names(full, it); to != nil {
			names = to
		}
	}
	var out []conjunction
	changed := false
	for _, name := range names {
		f := it.Field
		if name != full {
			var ok bool
			if f, ok = s.relative(it, name, sc); !ok {
				return nil, false
			}
			changed = true
		}
		bs, touched := s.block(it.Block, scope{full, name, sc.deep})
		if touched && len(bs) == 0 {
			return []conjunction{nil}, true
		}
		changed = changed || touched
		c := *it
		c.Field, c.Block = f, s.joined(it.Block.Position(), bs)
		s.inherit(it, &c)
		out = append(out, conjunction{&c})
	}
	return out, changed
}

// field makes a field of a name.
func (s *stepRun) field(pos sigma.Pos, name string) (sigma.Field, bool) {
	f := sigma.Field{Pos: pos, Name: bracketEscaper.Replace(name), Steps: []sigma.FieldStep{{Name: name, Index: -1}}}
	if strings.Contains(name, "|") || name == "" {
		s.errorf(pos, sigma.CodeField, "", "%s gives the field the name %q, which no rule can say", s.step, name)
		return f, false
	}
	if s.doc.Native || strings.HasPrefix(s.doc.Meta.SigmaVersion, "3") {
		if g, err := sigma.ParseFieldName(name); err == nil {
			g.Pos = pos
			return g, true
		}
	}
	return f, true
}

var bracketEscaper = strings.NewReplacer("[", `\[`, "]", `\]`)

// relative makes a field of a name that is seen from the event, for a place
// inside of a list block.
func (s *stepRun) relative(it *sigma.Item, name string, sc scope) (sigma.Field, bool) {
	if sc.old == "" {
		return s.field(it.Field.Pos, name)
	}
	if name == sc.new {
		return it.Field, true
	}
	rest, ok := strings.CutPrefix(name, sc.new+".")
	if !ok {
		s.errorf(it.Field.Pos, sigma.CodeUnsupported, fmt.Sprintf("map it to a field below %s", sc.new),
			"%s moves %s out of the list block of %s", s.step, sc.name(it.Field), sc.old)
		return it.Field, false
	}
	return s.field(it.Field.Pos, rest)
}

// names returns what a name is mapped to where the step's conditions on field
// names let it, else nil. it is the item that the name is of, or nil.
func (s *stepRun) names(name string, it *sigma.Item) []string {
	to := s.do.names(s, name)
	if to == nil || !s.nameHolds(subject{item: it, name: name}) {
		return nil
	}
	return to
}

// renamed maps an item's field and the fields it is compared with.
func (s *stepRun) renamed(it *sigma.Item, full string, sc scope) ([]conjunction, bool) {
	c := *it
	changed := false
	if it.Has(sigma.ModFieldRef) {
		c.Values = nil
		for _, v := range it.Values {
			ref, ok := v.(sigma.String)
			if !ok || len(ref.Parts) != 1 {
				c.Values = append(c.Values, v)
				continue
			}
			to := s.names(scope{old: sc.old}.name(sigma.Field{Name: ref.Parts[0].Text}), it)
			if to == nil {
				c.Values = append(c.Values, v)
				continue
			}
			for _, t := range to {
				f, ok := s.relative(&sigma.Item{Field: sigma.Field{Pos: ref.Pos, Name: ref.Parts[0].Text}}, t, sc)
				if !ok {
					return nil, false
				}
				c.Values = append(c.Values, rawValue(ref.Pos, f.Name))
			}
			changed = true
		}
	}
	var to []string
	if it.Field.Name != "." {
		to = s.names(full, it)
	}
	if to == nil {
		if !changed {
			return nil, false
		}
		s.mark(it, &c)
		return []conjunction{{&c}}, true
	}
	if full == "" { // a keyword is looked for anywhere in a field
		c.Values = nil
		for _, v := range it.Values {
			if k, parts := view(it, v); k == kindText {
				if len(parts) == 0 || parts[0].Kind != sigma.AnyRun {
					parts = append([]sigma.Part{{Kind: sigma.AnyRun}}, parts...)
				}
				if parts[len(parts)-1].Kind != sigma.AnyRun {
					parts = append(slices.Clip(parts), sigma.Part{Kind: sigma.AnyRun})
				}
				v = textValue(v.Position(), parts)
			} else if k == kindOther {
				s.errorf(v.Position(), sigma.CodeUnsupported, "", "%s turns a keyword with modifiers into a field", s.step)
			}
			c.Values = append(c.Values, v)
		}
		c.Modifiers = slices.DeleteFunc(slices.Clone(it.Modifiers), func(m sigma.Modifier) bool {
			return !slices.Contains([]string{sigma.ModAll, sigma.ModNeq, sigma.ModCased, sigma.ModExpand}, m.Name)
		})
	}
	s.mapped[full] = true
	var items []*sigma.Item
	for _, name := range to {
		s.mapped[name] = true
		n := c
		if name != full {
			f, ok := s.relative(it, name, sc)
			if !ok {
				return nil, false
			}
			n.Field = f
		}
		s.mark(it, &n)
		items = append(items, &n)
	}
	return combine(items, it.Has(sigma.ModNeq)), true
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
