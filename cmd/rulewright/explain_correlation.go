package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
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
		d := distance(docs[p], x)
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
	st.Close()
	in.meter.clear()
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
				fmt.Fprintln(c.out, "  a summary has no condition")
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
			fmt.Fprintf(c.out, "    %s %s  %s: %s\n", mark, clock(n.best.Time), k, whyNot(d, n.best))
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

// distance measures how much is missing at an instant; 0 where nothing is that
// can be measured.
func distance(d *sigma.Document, x compiler.Instant) float64 {
	if d == nil || d.Correlation == nil || x.Holds {
		return 0
	}
	c := d.Correlation
	v, err := x.Value.Float64()
	if err != nil {
		return 1e18
	}
	switch c.Type {
	case sigma.Counts:
		sum := 0.0
		for _, rc := range c.RuleCounts {
			if i := slices.IndexFunc(c.Rules, func(r sigma.Reference) bool { return r.Name == rc.Rule.Name }); i >= 0 && i < len(x.Events) {
				sum += missing(rc.Thresholds, float64(x.Events[i]))
			}
		}
		return sum
	case sigma.Temporal, sigma.TemporalOrdered:
		if len(c.Thresholds) == 0 {
			return float64(len(c.Rules)) - v
		}
	case sigma.NewValue, sigma.Increase, sigma.AfterSilence:
		return -v // the more the nearer
	}
	return missing(c.Thresholds, v)
}

// missing adds up by how much a number misses thresholds.
func missing(ts []sigma.Threshold, v float64) float64 {
	sum := 0.0
	for _, t := range ts {
		if t.Placeholder != "" {
			sum -= v // the more the nearer
			continue
		}
		want := numericOf(t.Value)
		switch t.Op {
		case sigma.OpGT, sigma.OpGTE:
			sum += max(0, want-v)
		case sigma.OpLT, sigma.OpLTE:
			sum += max(0, v-want)
		case sigma.OpEQ:
			sum += max(want-v, v-want)
		}
	}
	return sum
}

func numericOf(n sigma.Numeric) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

func numericText(n sigma.Numeric) string { return strconv.FormatFloat(numericOf(n), 'f', -1, 64) }

func thresholdTexts(ts []sigma.Threshold) string {
	var out []string
	for _, t := range ts {
		v := numericText(t.Value)
		if t.Placeholder != "" {
			v = "%" + t.Placeholder + "%"
		}
		out = append(out, string(t.Op)+" "+v)
	}
	return strings.Join(out, ", ")
}

// whyNot says what a group had and what the condition wants.
func whyNot(d *sigma.Document, x compiler.Instant) string {
	c := d.Correlation
	had, wants := string(x.Value), ""
	if had == "" {
		had = "nothing to count"
	}
	if c != nil {
		wants = thresholdTexts(c.Thresholds)
		var per []string
		for i, r := range c.Rules {
			if i < len(x.Events) {
				per = append(per, fmt.Sprintf("%s %d", r.Name, x.Events[i]))
			}
		}
		switch c.Type {
		case sigma.Temporal, sigma.TemporalOrdered:
			had = fmt.Sprintf("%s of %d rules met (%s)", had, len(c.Rules), strings.Join(per, ", "))
			switch {
			case c.Expr != nil:
				wants = "its condition over them"
			case wants == "" && c.Type == sigma.TemporalOrdered:
				wants = "all in this order"
			case wants == "":
				wants = "all"
			}
		case sigma.Counts:
			var each []string
			for _, rc := range c.RuleCounts {
				each = append(each, rc.Rule.Name+" "+thresholdTexts(rc.Thresholds))
			}
			had, wants = strings.Join(per, ", "), strings.Join(each, ", ")
			if c.Ratio != nil {
				wants += fmt.Sprintf(", %s at least %s times %s", c.Ratio.Of.Name, numericText(c.Ratio.GTE), c.Ratio.To.Name)
			}
		case sigma.NewValue:
			had = plural(atoi(had), "earlier event") + " known"
			wants = fmt.Sprintf("at least %d, and a value not among them", max(1, c.MinHistory))
		case sigma.AfterSilence:
			if x.Value == "" {
				had = "the first event"
			} else {
				had += " s of silence"
			}
			wants = "at least " + c.Silence.Text + ", at most " + c.Lookback.Text
		case sigma.Increase:
			had += " after " + string(x.Before)
			wants = "an increase as large as its condition says"
		}
	}
	switch {
	case x.Hit:
		return clean(had)
	case x.Holds:
		return clean(had + "; holds, and did so at the time before: no new hit")
	case wants == "":
		return clean(had)
	}
	return clean(had + "; wanted: " + wants)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
