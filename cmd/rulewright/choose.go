package main

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/sigma"
)

func (r *ruleFlags) selection(f *flag.FlagSet) {
	f.Var(&r.guide, "guide", "only rules for this `guide`, such as entra-apps")
	f.Var(&r.tier, "tier", "only rules of this `tier`: alert, report, hunt, product")
	f.Var(&r.level, "level", "only rules of this `level`: informational, low, medium, high, critical")
	f.Var(&r.tag, "tag", "only rules with this `tag`, such as attack.t1528")
	f.Var(&r.id, "id", "only the rule with this `id`, name or title")
}

// choose keeps the rules that the selection flags mean.
func (r *ruleFlags) choose() error {
	for _, l := range []struct {
		flag  string
		list  list
		words []string
	}{{"tier", r.tier, sigma.Tiers()}, {"level", r.level, levels}} {
		for _, w := range l.list {
			if err := oneOf(l.flag, w, l.words...); err != nil {
				return err
			}
		}
	}
	if len(r.guide)+len(r.tier)+len(r.level)+len(r.tag)+len(r.id) == 0 {
		return nil
	}
	var known []string
	kept := r.docs[:0:0]
	for _, d := range r.docs {
		known = append(known, d.Meta.ID, d.Meta.Name, d.Meta.Title)
		m := &d.Meta
		fits := func(l list, values ...string) bool {
			return len(l) == 0 || slices.ContainsFunc(l, func(w string) bool {
				return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, w) })
			})
		}
		if d.Kind == sigma.KindFilter || fits(r.tier, m.Tier) && fits(r.level, m.Level) && fits(r.tag, m.Tags...) &&
			fits(r.id, m.ID, m.Name, m.Title) && fits(r.guide, coverage.GuidesOf(m.Coverage)...) {
			kept = append(kept, d)
		}
	}
	if !slices.ContainsFunc(kept, func(d *sigma.Document) bool { return d.Kind != sigma.KindFilter }) {
		var given []string
		for _, l := range []struct {
			flag string
			list list
		}{{"guide", r.guide}, {"tier", r.tier}, {"level", r.level}, {"tag", r.tag}, {"id", r.id}} {
			if len(l.list) > 0 {
				given = append(given, fmt.Sprintf("--%s %s", l.flag, l.list.String()))
			}
		}
		if len(r.id) == 1 {
			if n := sigma.Nearest(r.id[0], known); n != "" {
				return fmt.Errorf("no rule has the id, name or title %q; did you mean %q?", r.id[0], n)
			}
			if near := r.titlesWith(r.id[0]); len(near) > 0 {
				return fmt.Errorf("no rule has the id, name or title %q; these titles have its words: %s", r.id[0], strings.Join(near, "; "))
			}
			return fmt.Errorf("no rule has the id, name or title %q; `rulewright rules` lists the rules", r.id[0])
		}
		return fmt.Errorf("no rule fits %s; `rulewright rules` lists the rules", strings.Join(given, " and "))
	}
	r.docs = kept
	return nil
}

// titlesWith returns up to five titles that have all words of a text.
func (r *ruleFlags) titlesWith(text string) (titles []string) {
	words := strings.Fields(strings.ToLower(text))
	for _, d := range r.docs {
		title := strings.ToLower(d.Meta.Title)
		if len(words) > 0 && len(titles) < 5 && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(title, w) }) {
			titles = append(titles, strconv.Quote(d.Meta.Title))
		}
	}
	return titles
}
