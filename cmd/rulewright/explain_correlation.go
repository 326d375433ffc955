package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// nearness is how near a group came to a correlation's condition.
type nearness struct {
	best     compiler.Instant
	distance float64
	hits     int
}

// explaining is one run of explain over correlations.
type explaining struct {
	c       *cli
	refs    *sigma.References
	only    string // "match": groups with a hit, "no-match": those without
	limit   int    // of groups shown for each
	events  int
	matched map[place]int // events, or hits, of each rule
	near    map[place]map[string]*nearness
	sums    map[place][]*compiler.Hit // of summaries
	told    *correlations
}

// explainCorrelations says of each correlation what its rules matched and how
// near each group came. Of single are the rules alone, which without their
// correlations have hits.
func (c *cli) explainCorrelations(rs, single *compiler.RuleSet, in *input, chosen, all []*sigma.Document, only string, limit int) int {
	x := &explaining{c: c, refs: sigma.NewReferences(all...), only: only, limit: limit, matched: map[place]int{}, near: map[place]map[string]*nearness{}, sums: map[place][]*compiler.Hit{}, told: newCorrelations(all)}
	st := compiler.NewStream(rs, compiler.StreamOptions{Trace: x.trace})
	if err := x.read(single, st, in); err != nil {
		return c.fail(err)
	}
	in.meter.clear()
	for _, line := range leftOut(st.Stats(), "; put them in a file, which is read in order") {
		fmt.Fprintln(c.out, line)
	}
	of := map[place]bool{}
	for _, d := range chosen {
		of[placeOfDocument(d)] = true
	}
	for _, n := range rs.NotRun() {
		if of[placeOf(n.Rule)] {
			fmt.Fprintf(c.out, "%q did not run: parameters without a value: %s\n", clean(n.Rule.Title), strings.Join(n.Lacks, ", "))
		}
	}
	for _, d := range chosen {
		if _, ok := correlates(d); ok {
			x.write(d)
		}
	}
	return exitOK
}

// trace notes an instant if it is the best of its group.
func (x *explaining) trace(i compiler.Instant) {
	p := placeOf(i.Rule)
	if x.near[p] == nil {
		x.near[p] = map[string]*nearness{}
	}
	key := strings.Join(keyTexts(i.Group), "; ")
	n, d := x.near[p][key], distance(i)
	switch {
	case n == nil:
		n = &nearness{best: i, distance: d}
		x.near[p][key] = n
	case i.Hit && !n.best.Hit || i.Hit == n.best.Hit && d < n.distance:
		n.best, n.distance = i, d
	}
	if i.Hit {
		n.hits++
		x.matched[p]++
	}
}

// read puts all events to the rules and to the stream.
func (x *explaining) read(single *compiler.RuleSet, st *compiler.Stream, in *input) error {
	for x.c.ctx.Err() == nil {
		rec, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		x.events++
		hits, err := single.Match(rec)
		if err != nil { // Push says the same, and goes on, too
			fmt.Fprintf(x.c.err, "%s:%d: %v\n", clean(rec.File), rec.Line, err)
		}
		for _, h := range hits {
			x.matched[placeOf(h.Rule)]++
		}
		_, _ = st.Push(rec)
	}
	for _, h := range st.Close() {
		x.sums[placeOf(h.Rule)] = append(x.sums[placeOf(h.Rule)], h)
	}
	return nil
}

func (x *explaining) write(d *sigma.Document) {
	c, p := x.c, placeOfDocument(d)
	groups, hits := x.near[p], 0
	for _, n := range groups {
		hits += n.hits
	}
	sum := d.Correlation != nil && d.Correlation.Type == sigma.Summary
	verdict := c.paint(red, "has no hit")
	switch {
	case sum && len(x.sums[p]) > 0:
		verdict = c.paint(bold, "sums up "+plural(len(x.sums[p]), "group"))
	case hits > 0:
		verdict = c.paint(bold, "has "+plural(hits, "hit"))
	}
	fmt.Fprintf(c.out, "%q %s in %s\n", clean(d.Meta.Title), verdict, plural(x.events, "event"))
	if d.Correlation != nil {
		x.writeRules(d.Correlation)
	}
	switch {
	case len(x.sums[p]) > 0 && sum:
		x.writeSums(x.sums[p])
	case len(groups) == 0:
		fmt.Fprintln(c.out, "  no group: none of the events that matched has a field of group-by, or none matched")
	default:
		x.writeGroups(groups)
	}
	fmt.Fprintln(c.out)
}

// writeRules says how often the rules that a correlation refers to matched.
func (x *explaining) writeRules(of *sigma.Correlation) {
	w := x.c.out
	fmt.Fprintln(w, "  the rules that it refers to:")
	for _, r := range of.Rules {
		d := x.refs.First(r.Name)
		if d == nil {
			fmt.Fprintf(w, "    %s: not there\n", clean(r.Name))
			continue
		}
		n := x.matched[placeOfDocument(d)]
		what := plural(n, "event") + " matched"
		if d.Correlation != nil {
			what = plural(n, "hit")
		}
		fmt.Fprintf(w, "    %s (%s): %s\n", clean(r.Name), clean(d.Meta.Title), what)
	}
}

// more says how many of n groups are not shown, at the first of them.
func (x *explaining) more(i, n int) bool {
	if x.limit <= 0 || i < x.limit {
		return false
	}
	if i == x.limit {
		fmt.Fprintf(x.c.out, "    … and %s (--limit)\n", plural(n-i, "more group"))
	}
	return true
}

// writeSums lists the groups of a summary.
func (x *explaining) writeSums(hits []*compiler.Hit) {
	fmt.Fprintln(x.c.out, "  a summary has no condition; its groups, the largest first:")
	slices.SortStableFunc(hits, func(a, b *compiler.Hit) int {
		i, _ := a.Value.Int64()
		j, _ := b.Value.Int64()
		return cmp.Compare(j, i)
	})
	for i, h := range hits {
		if x.more(i, len(hits)) {
			break
		}
		fmt.Fprintf(x.c.out, "    %s\n", strings.Join(x.told.told(h), "; "))
	}
}

// writeGroups lists how near the groups of a correlation came.
func (x *explaining) writeGroups(groups map[string]*nearness) {
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		m, n := groups[a], groups[b]
		return cmp.Or(-cmp.Compare(min(m.hits, 1), min(n.hits, 1)), cmp.Compare(m.distance, n.distance), m.best.Time.Compare(n.best.Time), strings.Compare(a, b))
	})
	head := plural(len(groups), "group")
	if x.only != "" {
		keys = slices.DeleteFunc(keys, func(k string) bool { return groups[k].best.Hit != (x.only == "match") })
		head += fmt.Sprintf(", %s shown (--only)", number(len(keys)))
	}
	fmt.Fprintf(x.c.out, "  %s, the nearest first, each at its best time:\n", head)
	for i, k := range keys {
		if x.more(i, len(keys)) {
			break
		}
		n := groups[k]
		mark := x.c.paint(dim, "no ")
		if n.best.Hit {
			mark = x.c.paint(bold, "yes")
		}
		if k == "" {
			k = "all events"
		}
		fmt.Fprintf(x.c.out, "    %s %s  %s: %s\n", mark, clock(n.best.Time), k, whyNot(n.best))
	}
}
