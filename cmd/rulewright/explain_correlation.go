package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// nearness is how near a group came to a correlation's condition.
type nearness struct {
	best     compiler.Instant
	distance float64
	instants int
	hits     int
}

// explainCorrelations says of each correlation what its rules matched and how
// near each group came.
func (c *cli) explainCorrelations(rs *compiler.RuleSet, in *input, chosen, all []*sigma.Document, limit int) int {
	at := func(r *compiler.RuleInfo) place { return place{r.File, r.Pos.Line} }
	docs := map[place]*sigma.Document{}
	for _, d := range all {
		docs[place{d.File, d.Pos.Line}] = d
	}
	matched := map[place]int{}
	near := map[place]map[string]*nearness{}
	st := compiler.NewStream(rs, compiler.StreamOptions{Trace: func(x compiler.Instant) {
		p := at(x.Rule)
		key := strings.Join(keyTexts(x.Group), "; ")
		groups := near[p]
		if groups == nil {
			groups = map[string]*nearness{}
			near[p] = groups
		}
		n := groups[key]
		d := distance(x)
		switch {
		case n == nil:
			n = &nearness{best: x, distance: d}
			groups[key] = n
		case x.Hit && !n.best.Hit || x.Hit == n.best.Hit && d < n.distance:
			n.best, n.distance = x, d
		}
		n.instants++
		if x.Hit {
			n.hits++
			matched[p]++
		}
	}})
	total := 0
	for c.ctx.Err() == nil {
		rec, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.fail(err)
		}
		total++
		hits, err := rs.Match(rec)
		if err != nil {
			fmt.Fprintf(c.err, "%s:%d: %v\n", clean(rec.File), rec.Line, err)
		}
		for _, h := range hits {
			matched[at(h.Rule)]++
		}
		if _, err := st.Push(rec); err != nil {
			return c.fail(err)
		}
	}
	sums := map[place][]*compiler.Hit{}
	told := newCorrelations(all)
	for _, h := range st.Close() {
		if d := docs[at(h.Rule)]; d != nil && d.Correlation != nil && d.Correlation.Type == sigma.Summary {
			sums[at(h.Rule)] = append(sums[at(h.Rule)], h)
		}
	}
	in.meter.clear()
	for _, line := range leftOut(st.Stats(), "; put them in a file, which is read in order") {
		fmt.Fprintln(c.out, line)
	}
	for _, n := range rs.NotRun() {
		if d := docs[at(n.Rule)]; d != nil && slices.Contains(chosen, d) {
			fmt.Fprintf(c.out, "%q did not run: parameters without a value: %s\n", clean(n.Rule.Title), strings.Join(n.Lacks, ", "))
		}
	}
	for _, d := range chosen {
		if _, ok := correlates(d); !ok {
			continue
		}
		p := place{d.File, d.Pos.Line}
		groups := near[p]
		hits := 0
		for _, n := range groups {
			hits += n.hits
		}
		verdict := c.paint(red, "has no hit")
		if hits > 0 {
			verdict = c.paint(bold, "has "+plural(hits, "hit"))
		}
		if n := len(sums[p]); n > 0 {
			verdict = c.paint(bold, "sums up "+plural(n, "group"))
		}
		fmt.Fprintf(c.out, "%q %s in %s\n", clean(d.Meta.Title), verdict, plural(total, "event"))
		if d.Correlation != nil {
			fmt.Fprintln(c.out, "  the rules that it refers to:")
			for _, r := range d.Correlation.Rules {
				of := referencedBy(all, r)
				if of == nil {
					fmt.Fprintf(c.out, "    %s: not there\n", clean(r.Name))
					continue
				}
				n := matched[place{of.File, of.Pos.Line}]
				what := plural(n, "event") + " matched"
				if of.Correlation != nil {
					what = plural(n, "hit")
				}
				fmt.Fprintf(c.out, "    %s (%s): %s\n", clean(r.Name), clean(of.Meta.Title), what)
			}
			if d.Correlation.Type == sigma.Summary {
				fmt.Fprintln(c.out, "  a summary has no condition; its groups, the largest first:")
				slices.SortStableFunc(sums[p], func(a, b *compiler.Hit) int {
					x, _ := a.Value.Int64()
					y, _ := b.Value.Int64()
					return cmp.Compare(y, x)
				})
				for i, h := range sums[p] {
					if limit > 0 && i == limit {
						fmt.Fprintf(c.out, "    … and %s (--limit)\n", plural(len(sums[p])-i, "more group"))
						break
					}
					fmt.Fprintf(c.out, "    %s\n", strings.Join(told.told(h), "; "))
				}
				fmt.Fprintln(c.out)
				continue
			}
		}
		if len(groups) == 0 {
			fmt.Fprint(c.out, "  no group: none of the events that matched has a field of group-by, or none matched\n\n")
			continue
		}
		keys := make([]string, 0, len(groups))
		for k := range groups {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int {
			x, y := groups[a], groups[b]
			return cmp.Or(-cmp.Compare(min(x.hits, 1), min(y.hits, 1)), cmp.Compare(x.distance, y.distance), x.best.Time.Compare(y.best.Time), strings.Compare(a, b))
		})
		fmt.Fprintf(c.out, "  %s, the nearest first, each at its best time:\n", plural(len(groups), "group"))
		for i, k := range keys {
			if limit > 0 && i == limit {
				fmt.Fprintf(c.out, "    … and %s (--limit)\n", plural(len(keys)-i, "more group"))
				break
			}
			n := groups[k]
			mark := c.paint(dim, "no ")
			if n.best.Hit {
				mark = c.paint(bold, "yes")
			}
			if k == "" {
				k = "all events"
			}
			fmt.Fprintf(c.out, "    %s %s  %s: %s\n", mark, clock(n.best.Time), k, whyNot(n.best))
		}
		fmt.Fprintln(c.out)
	}
	return exitOK
}

// referencedBy finds the document that a reference means.
func referencedBy(all []*sigma.Document, r sigma.Reference) *sigma.Document {
	for _, d := range all {
		if r.Name != "" && (strings.EqualFold(d.Meta.ID, r.Name) || d.Meta.Name == r.Name) {
			return d
		}
	}
	return nil
}
