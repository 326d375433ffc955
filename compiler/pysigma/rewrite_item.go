package pysigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

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
