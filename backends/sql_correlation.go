package backends

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// sqlCorrelation prints a correlation as common table expressions: events of a
// table with what the inputs say of them, facts (an event in a group), instants,
// changes, hits. Times are microseconds since 1970 until the last of them.
type sqlCorrelation struct {
	d      *Dialect
	target Target
	with   []string
	n      int
	// within is how many tables a common table expression comes to.
	within map[string]int
}

func newSQLCorrelation(r *ir.Rule, d *Dialect, t Target) (*sqlCorrelation, error) {
	if r.Once != nil && d.lists.refusesOnce {
		return nil, refuseAt(r, r.Once.Pos, d.title, "once is not supported")
	}
	return &sqlCorrelation{d: d, target: t, within: map[string]int{}}, nil
}

// sqlCorrelated prints a correlation. The result has a row for each hit: time,
// the group under the names of group-by, first_seen, last_seen, count; of a summary
// also how many values each of its fields has.
func sqlCorrelated(r *ir.Rule, d *Dialect, t Target) (*Query, error) {
	x, err := newSQLCorrelation(r, d, t)
	if err != nil {
		return nil, err
	}
	hits, err := x.rule(r)
	if err != nil {
		return nil, err
	}
	if r.Once != nil { // what is built on the correlation sees all of its hits
		keys, rest := onceKeys(r, hits.tuple)
		hits.name = x.once(r.Once.For, hits.name, "t", keys, rest, false)
	}
	q := &Query{Time: sqlTime}
	taken := map[string]bool{sqlTime: true, "first_seen": true, "last_seen": true, "count": true}
	columnOf := func(name string) string {
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", strings.TrimSuffix(name, fmt.Sprintf("_%d", n-1)), n)
		}
		taken[strings.ToLower(name)] = true
		return name
	}
	out := []string{d.timestampOf("h.t") + " AS " + d.ident(sqlTime)}
	for _, c := range q.hitColumns(r.Correlation, hits.tuple, columnOf) {
		out = append(out, "h."+c.of+" AS "+d.ident(c.name))
	}
	out = append(out, d.timestampOf("h.first_t")+" AS first_seen", d.timestampOf("h.last_t")+" AS last_seen", "CAST(h.n AS "+d.types[ir.TypeLong]+") AS "+d.ident("count"))
	for i, n := range hits.distinct {
		out = append(out, "h."+n+" AS "+d.ident(columnOf("distinct_"+r.Correlation.Counted[i])))
	}
	from := "\nFROM " + hits.name + " h"
	if n := x.tables(from); d.maxTables > 0 && n > d.maxTables {
		return nil, refuse(r, nil, d.title, "a correlation on top of so many others (%d tables, at most %d) is not supported", n, d.maxTables)
	}
	q.Text = "WITH " + strings.Join(x.with, ",\n") + "\nSELECT " + strings.Join(out, ", ") + from + "\nORDER BY 1" + d.settings
	return q, nil
}

const sqlTime = "time"

// sqlHits are the hits of a correlation: columns t, g1 …, the tuple of new_value,
// first_t, last_t and n: the first, the last and the number of the facts behind it.
type sqlHits struct {
	name  string
	tuple []string
	// distinct are the columns of a summary with the numbers of values.
	distinct []string
}

// cte adds a common table expression and returns its name. One in which rows get
// numbers is named once: an engine may make it anew wherever it is named, and rows
// then have other numbers.
func (x *sqlCorrelation) cte(kind, text string) string {
	x.n++
	name := fmt.Sprintf("%s%d", kind, x.n)
	x.with = append(x.with, name+" AS "+x.d.as+"(\n  "+strings.ReplaceAll(text, "\n", "\n  ")+"\n)")
	x.within[name] = x.tables(text)
	return name
}

// tables is how many tables an engine has at hand that puts in a common table
// expression wherever a text names it: what stands behind FROM and JOIN, and what
// takes lists apart.
func (x *sqlCorrelation) tables(text string) int {
	n := 0
	for _, word := range []string{"FROM ", "JOIN ", ", json_"} {
		n += strings.Count(text, word)
	}
	for _, name := range cteName.FindAllString(text, -1) {
		n = min(n+x.within[name], math.MaxInt32)
	}
	return n
}

var cteName = regexp.MustCompile(`\b[a-z]+[0-9]+\b`)

func (x *sqlCorrelation) rule(r *ir.Rule) (*sqlHits, error) {
	p, err := planOf(r, x.target, x.d.title)
	if err != nil {
		return nil, err
	}
	if longest := x.d.longestFrame; longest > 0 && max(p.window, p.c.Against) > longest {
		return nil, refuse(r, nil, x.d.title, "a window of more than %d days is not supported", longest/dayMicros)
	}
	f, err := x.facts(p)
	if err != nil {
		return nil, err
	}
	return hitsOf[*sqlFacts, *sqlHits](x, p, f)
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}
