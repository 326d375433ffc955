package compiler

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// wholeKey is the key of what cannot be divided.
const wholeKey = ""

// divisionKey is the part of a group's key that divides a correlation's groups.
func divisionKey(group string, part int) string {
	if part < 0 {
		return wholeKey
	}
	return keyParts(group)[part]
}

// divisionKey is the key of an event that has been identified, for its own hits.
func (in *incoming) divisionKey() string { return shortText(in.identity, maxEventIDBytes) }

// onceDivisionKey is the first value of the first field of a key of once.
func onceDivisionKey(key string) string {
	if parts := keyParts(key); len(parts) > 1 {
		return parts[1]
	}
	return wholeKey
}

// dividingParts finds for each correlation the part of its groups' keys by which its
// work is divided, or -1 for none. Correlations that are built on each other
// must be divided by the same value, or hits of one would be missing where the
// other is.
func dividingParts(correlations []*ir.Rule) map[*ir.Rule]int {
	type link struct{ outer, inner *ir.Rule }
	links := map[*ir.Rule][]link{}
	for _, c := range correlations {
		for _, in := range c.Correlation.Inputs {
			for _, t := range in.Taps {
				if t.Rule.Correlation != nil {
					links[c] = append(links[c], link{c, t.Rule})
					links[t.Rule] = append(links[t.Rule], link{c, t.Rule})
				}
			}
		}
	}
	// try follows the links from c when it is divided by part, and says whether
	// all that it comes to can be divided likewise.
	var try func(c *ir.Rule, part int, found map[*ir.Rule]int) bool
	try = func(c *ir.Rule, part int, found map[*ir.Rule]int) bool {
		if p, ok := found[c]; ok {
			return p == part
		}
		found[c] = part
		if part < 0 || !dividesOnce(c, part) {
			return false
		}
		for _, l := range links[c] {
			other, at := l.inner, innerPart(l.outer, l.inner, part)
			if c == l.inner {
				other, at = l.outer, outerPart(l.outer, l.inner, part)
			}
			if !try(other, at, found) {
				return false
			}
		}
		return true
	}
	var all func(c *ir.Rule, found map[*ir.Rule]int)
	all = func(c *ir.Rule, found map[*ir.Rule]int) {
		if _, ok := found[c]; ok {
			return
		}
		found[c] = -1
		for _, l := range links[c] {
			all(l.inner, found)
			all(l.outer, found)
		}
	}
	parts := map[*ir.Rule]int{}
	// Who routes and who pushes may have read the same rules in another order.
	correlations = slices.Clone(correlations)
	slices.SortStableFunc(correlations, func(a, b *ir.Rule) int {
		return cmp.Or(strings.Compare(a.Meta.ID, b.Meta.ID), strings.Compare(a.Meta.Name, b.Meta.Name), strings.Compare(a.Meta.Title, b.Meta.Title), strings.Compare(a.Source.Form, b.Source.Form), strings.Compare(a.Source.Table, b.Source.Table))
	})
next:
	for _, c := range correlations {
		if _, ok := parts[c]; ok {
			continue
		}
		for part := range c.Correlation.GroupBy {
			if found := map[*ir.Rule]int{}; try(c, part, found) {
				for r, p := range found {
					parts[r] = p
				}
				continue next
			}
		}
		all(c, parts)
	}
	return parts
}

// dividesOnce says whether all hits that once takes for one are of one value of
// the part.
func dividesOnce(c *ir.Rule, part int) bool {
	return c.Once == nil || slices.ContainsFunc(c.Once.By, func(f ir.Field) bool { return f.Name == c.Correlation.GroupBy[part] })
}

// innerPart returns the part of inner's key that outer has as this part of its
// own, or -1.
func innerPart(outer, inner *ir.Rule, part int) int {
	at := -1
	if part < 0 {
		return at
	}
	for _, in := range outer.Correlation.Inputs {
		for _, t := range in.Taps {
			if t.Rule != inner {
				continue
			}
			i := -1
			if part < len(t.GroupBy) {
				i = slices.IndexFunc(inner.Correlation.GroupBy, func(name string) bool { return isName(t.GroupBy[part], name) })
			}
			if i < 0 || at >= 0 && at != i {
				return -1
			}
			at = i
		}
	}
	return at
}

// outerPart is the inverse of innerPart.
func outerPart(outer, inner *ir.Rule, part int) int {
	for i := range outer.Correlation.GroupBy {
		if innerPart(outer, inner, i) == part {
			return i
		}
	}
	return -1
}

// isName says whether a field, of a tap of a correlation, is that of this name.
func isName(f ir.Field, name string) bool {
	return len(f.Path) == 1 && f.Path[0].Key == name && f.Derive == nil
}
