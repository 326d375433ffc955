package backends

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// sqlCorrelation prints a correlation as common table expressions: events of a
// table with what the inputs say of them, facts (an event in a group), instants,
// changes, hits. Times are microseconds since 1970 until the last of them.
type sqlCorrelation struct {
	d      *Dialect
	target Target
	with   []string
	n      int
	// sources is how many tables a common table expression comes to.
	sources map[string]int
}

// sqlCorrelated prints a correlation. The result has a row for each hit: time,
// the group under the names of group-by, first_seen, last_seen, count.
func sqlCorrelated(r *ir.Rule, d *Dialect, t Target) (*Query, error) {
	if d.printedOnly || d.json == nil || d.json.rows == nil {
		return nil, refuse(r, nil, d.title, "a correlation is not supported")
	}
	x := &sqlCorrelation{d: d, target: t}
	hits, err := x.rule(r)
	if err != nil {
		return nil, err
	}
	if r.Once != nil { // what is built on the correlation sees all of its hits
		var keys []string
		for _, f := range r.Once.By {
			keys = append(keys, groupColumn(slices.Index(r.Correlation.GroupBy, f.Name)))
		}
		hits.name = x.once(hits.name, keys, slices.Concat(groupColumns(len(r.Correlation.GroupBy)), hits.tuple), r.Once.For)
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
	for i, name := range r.Correlation.GroupBy {
		c := columnOf(name)
		q.Group = append(q.Group, c)
		out = append(out, "h."+groupColumn(i)+" AS "+d.ident(c))
	}
	for i, v := range hits.tuple {
		c := columnOf(r.Correlation.Counted[i])
		q.Tuple = append(q.Tuple, c)
		out = append(out, "h."+v+" AS "+d.ident(c))
	}
	from := hits.name + " h"
	end := ""
	if hits.facts == "" {
		out = append(out, d.timestampOf("h.first_t")+" AS first_seen", d.timestampOf("h.last_t")+" AS last_seen", "h.n AS "+d.ident("count"))
	} else {
		on := []string{"f.t BETWEEN h.first_t AND h.last_t"}
		by := []string{"h.t"}
		for _, g := range groupColumns(len(r.Correlation.GroupBy)) {
			on = append(on, "f."+g+" = h."+g)
			by = append(by, "h."+g)
		}
		for _, v := range hits.tuple {
			by = append(by, "h."+v)
		}
		from += "\nJOIN " + hits.facts + " f ON " + strings.Join(on, " AND ")
		end = "\nGROUP BY " + strings.Join(by, ", ")
		out = append(out, d.timestampOf("MIN(f.t)")+" AS first_seen", d.timestampOf("MAX(f.t)")+" AS last_seen", "COUNT(*) AS "+d.ident("count"))
	}
	if n := x.named(from); d.maxSources > 0 && n > d.maxSources {
		return nil, refuse(r, nil, d.title, "a correlation on top of so many others (%d tables, at most %d) is not supported", n, d.maxSources)
	}
	q.Text = "WITH " + strings.Join(x.with, ",\n") + "\nSELECT " + strings.Join(out, ", ") + "\nFROM " + from + end + "\nORDER BY 1"
	return q, nil
}

const sqlTime = "time"

type sqlHits struct {
	name  string
	tuple []string
	facts string
}

// sqlFacts are the facts of a correlation: columns t, g1 …, i1 …; values has a
// row for each combination of the counted values of a fact: g1 …, t, v1 ….
type sqlFacts struct {
	name, values string
	keys         []string
	vs           []string
}

func (f *sqlFacts) by(more ...string) string { return strings.Join(slices.Concat(f.keys, more), ", ") }

// window is an OVER clause: partitioned by the columns, in the order of others.
func window(partition []string, order ...string) string {
	text := "ORDER BY " + strings.Join(order, ", ")
	if len(partition) > 0 {
		text = "PARTITION BY " + strings.Join(partition, ", ") + " " + text
	}
	return "(" + text + ")"
}

func rowsBefore(over string) string {
	return strings.TrimSuffix(over, ")") + " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
}

// cte adds a common table expression and returns its name. Each is made once:
// most are read several times, and one with row numbers must not be made anew.
func (x *sqlCorrelation) cte(kind, text string) string {
	x.n++
	name := fmt.Sprintf("%s%d", kind, x.n)
	as := " AS MATERIALIZED (\n  "
	x.with = append(x.with, name+as+strings.ReplaceAll(text, "\n", "\n  ")+"\n)")
	if x.sources == nil {
		x.sources = map[string]int{}
	}
	x.sources[name] = min(1+x.named(text), math.MaxInt32)
	return name
}

// named is how many tables an engine has at hand that puts in a common table
// expression wherever a text names it.
func (x *sqlCorrelation) named(text string) int {
	n := strings.Count(text, "SELECT ")
	for _, name := range cteName.FindAllString(text, -1) {
		n = min(n+x.sources[name], math.MaxInt32)
	}
	return n
}

var cteName = regexp.MustCompile(`\b[a-z]+[0-9]+\b`)

func (x *sqlCorrelation) rule(r *ir.Rule) (*sqlHits, error) {
	p, err := planOf(r, x.target, x.d.title)
	if err != nil {
		return nil, err
	}
	f, err := x.facts(p)
	if err != nil {
		return nil, err
	}
	var hits *sqlHits
	switch p.c.Type {
	case sigma.NewValue:
		hits = x.newValue(p, f)
	case sigma.AfterSilence:
		hits = x.afterSilence(p, f)
	case sigma.Increase:
		hits, err = x.increase(p, f)
	case sigma.Summary:
		hits = x.summary(p, f)
	default:
		hits = x.windowed(p, f)
	}
	return hits, err
}

func (x *sqlCorrelation) facts(p *plan) (*sqlFacts, error) {
	f := &sqlFacts{keys: groupColumns(len(p.c.GroupBy))}
	for i := range p.c.Counted {
		f.vs = append(f.vs, valueColumn(i))
	}
	var facts, values []string
	columns := "t" + strings.Join(prefixed(", ", f.keys), "")
	for i := range p.c.Inputs {
		columns += ", " + inputColumn(i)
	}
	for i := range p.sources {
		name, vs, err := x.source(p, f, &p.sources[i])
		if err != nil {
			return nil, err
		}
		facts = append(facts, "SELECT "+columns+" FROM "+name)
		values = append(values, vs)
	}
	f.name = x.cte("facts", strings.Join(facts, "\nUNION ALL\n"))
	if len(f.vs) > 0 {
		f.values = x.cte("vals", strings.Join(values, "\nUNION ALL\n"))
	}
	return f, nil
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// source prints the facts of a table or of an inner correlation, and the query
// of their values.
func (x *sqlCorrelation) source(p *plan, f *sqlFacts, s *factSource) (facts, values string, err error) {
	if s.inner != nil {
		return x.inner(p, f, s)
	}
	first := s.taps[0].tap.Rule
	at, err := x.micros(first)
	if err != nil {
		return "", "", err
	}
	table, err := sqlTable(first, x.d, tableOf(first, x.target))
	if err != nil {
		return "", "", err
	}
	columns := []string{"s.*", "ROW_NUMBER() OVER () AS rw_e", at + " AS rw_t"}
	var held []string
	for _, in := range s.taps {
		holds, err := sqlPredicate(in.tap.Rule, in.tap.Rule.Predicate(), x.d, x.target)
		if err != nil {
			return "", "", err
		}
		columns = append(columns, fmt.Sprintf("CASE WHEN %s THEN 1 ELSE 0 END AS rw_%s", holds, inputColumn(in.input)))
		held = append(held, "rw_"+inputColumn(in.input)+" = 1")
	}
	all := x.cte("rows", "SELECT "+strings.Join(columns, ", ")+" FROM "+table+" s")
	events := x.cte("events", "SELECT * FROM "+all+" WHERE rw_t IS NOT NULL AND ("+strings.Join(held, " OR ")+")")
	classes := [][]inputTap{s.taps}
	if !s.sameKeys() {
		classes = nil
		for i := range s.taps {
			classes = append(classes, s.taps[i:i+1])
		}
	}
	var parts []string
	for n, taps := range classes {
		part, err := x.keyed(p, taps, events, n)
		if err != nil {
			return "", "", err
		}
		parts = append(parts, part)
	}
	text := strings.Join(parts, "\nUNION ALL\n")
	if len(classes) > 1 {
		names := []string{"e", "t"}
		names = append(names, f.keys...)
		columns := slices.Clone(names)
		for i := range p.c.Inputs {
			columns = append(columns, fmt.Sprintf("MAX(%[1]s) AS %[1]s", inputColumn(i)))
		}
		text = "SELECT " + strings.Join(append(columns, "MIN(tap) AS tap"), ", ") + " FROM (\n" + text + "\n) c\nGROUP BY " + strings.Join(names, ", ")
	}
	facts = x.cte("facts", text)
	if len(f.vs) == 0 {
		return facts, "", nil
	}
	var vs []string
	for n, taps := range classes {
		out := []string{"f.t"}
		out = append(out, prefixed("f.", f.keys)...)
		from := facts + " f JOIN " + events + " r ON r.rw_e = f.e"
		where := ""
		if len(classes) > 1 {
			where = " WHERE f.tap = " + strconv.Itoa(n)
		}
		for i, field := range taps[0].tap.Counted {
			rows, err := x.scalars(p, taps[0].tap.Rule, field, events)
			if err != nil {
				return "", "", err
			}
			a := "k" + strconv.Itoa(i+1)
			from += fmt.Sprintf(" JOIN %s %s ON %s.rw_e = f.e", rows, a, a)
			out = append(out, a+".k AS "+f.vs[i])
		}
		vs = append(vs, "SELECT "+strings.Join(out, ", ")+" FROM "+from+where)
	}
	return facts, strings.Join(vs, "\nUNION ALL\n"), nil
}

// scalars prints the counted scalars of each event: numbers as they are, texts
// folded and once.
func (x *sqlCorrelation) scalars(p *plan, r *ir.Rule, field ir.Field, events string) (string, error) {
	from, value, err := x.scalarRows(r, field, p.counts(ofNumbers))
	if err != nil {
		return "", err
	}
	distinct := "DISTINCT "
	if p.counts(ofNumbers) {
		distinct = ""
	}
	return x.cte("vals", fmt.Sprintf("SELECT %sr.rw_e, %s AS k FROM %s r%s WHERE %s IS NOT NULL", distinct, value, events, from, value)), nil
}

// keyed prints the facts of inputs with the same keys: an event in each of its
// groups. An absent field is the empty key, unless all are.
func (x *sqlCorrelation) keyed(p *plan, taps []inputTap, events string, class int) (string, error) {
	out := []string{"r.rw_e AS e", "r.rw_t AS t"}
	from := events + " r"
	var present []string
	for i, field := range taps[0].tap.GroupBy {
		rows, text, err := x.scalarRows(taps[0].tap.Rule, field, false)
		if err != nil {
			return "", err
		}
		keys := x.cte("keys", fmt.Sprintf("SELECT DISTINCT r.rw_e, %s AS k FROM %s r%s WHERE %s IS NOT NULL", text, events, rows, text))
		a := "k" + strconv.Itoa(i+1)
		from += fmt.Sprintf(" LEFT JOIN %s %s ON %s.rw_e = r.rw_e", keys, a, a)
		out = append(out, fmt.Sprintf("COALESCE(%s.k, '') AS %s", a, groupColumn(i)))
		present = append(present, a+".k IS NOT NULL")
	}
	held := map[int]bool{}
	var conditions []string
	for _, in := range taps {
		held[in.input] = true
		conditions = append(conditions, "r.rw_"+inputColumn(in.input)+" = 1")
	}
	for i := range p.c.Inputs {
		if held[i] {
			out = append(out, "r.rw_"+inputColumn(i)+" AS "+inputColumn(i))
		} else {
			out = append(out, "0 AS "+inputColumn(i))
		}
	}
	where := "(" + strings.Join(conditions, " OR ") + ")"
	if len(present) > 0 {
		where += " AND (" + strings.Join(present, " OR ") + ")"
	}
	return fmt.Sprintf("SELECT %s, %d AS tap FROM %s WHERE %s", strings.Join(out, ", "), class, from, where), nil
}

// inner makes facts of the hits of an inner correlation.
func (x *sqlCorrelation) inner(p *plan, f *sqlFacts, s *factSource) (facts, values string, err error) {
	in := s.taps[0]
	hits, err := x.rule(in.tap.Rule)
	if err != nil {
		return "", "", err
	}
	columnOf := func(field ir.Field) string {
		return groupColumn(slices.Index(in.tap.Rule.Correlation.GroupBy, field.Path[0].Key))
	}
	out := []string{"t"}
	for i, field := range in.tap.GroupBy { // an empty key of the inner group is a text that is there
		out = append(out, columnOf(field)+" AS "+groupColumn(i))
	}
	for i := range p.c.Inputs {
		one := "0"
		if i == in.input {
			one = "1"
		}
		out = append(out, one+" AS "+inputColumn(i))
	}
	for i, field := range in.tap.Counted {
		v := columnOf(field)
		if p.counts(ofNumbers) {
			v = x.d.number(v)
		}
		out = append(out, v+" AS "+f.vs[i])
	}
	facts = x.cte("facts", "SELECT "+strings.Join(out, ", ")+" FROM "+hits.name)
	if len(f.vs) > 0 {
		values = "SELECT t" + strings.Join(prefixed(", ", f.keys), "") + strings.Join(prefixed(", ", f.vs), "") + " FROM " + facts
		if p.counts(ofNumbers) {
			values += " WHERE " + f.vs[0] + " IS NOT NULL"
		}
	}
	return facts, values, nil
}

func sep(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return ", "
}

// before is the value of a column at the group's instant before, of the columns.
func before(columnName string, partition []string) string {
	return "LAG(" + columnName + ") OVER " + window(partition, "t")
}

func (x *sqlCorrelation) windowed(p *plan, f *sqlFacts) *sqlHits {
	measured := ""
	if p.c.Type == sigma.TemporalOrdered {
		measured = x.chain(p, f)
	} else {
		measured = x.running(p, f)
	}
	marked := x.cte("instants", fmt.Sprintf("SELECT %s, CASE WHEN %s THEN 1 ELSE 0 END AS holds FROM %s", f.by("t"), x.holds(p), measured))
	edges := x.cte("edges", fmt.Sprintf("SELECT %s, holds, %s AS before_holds, %s AS before_t FROM %s", f.by("t"), before("holds", f.keys), before("t", f.keys), marked))
	return &sqlHits{facts: f.name, name: x.cte("hits", fmt.Sprintf("SELECT %s, t - %d AS first_t, t AS last_t FROM %s\nWHERE holds = 1 AND NOT (COALESCE(before_holds, 0) = 1 AND t - COALESCE(before_t, t) <= %d)",
		f.by("t"), p.window, edges, p.window))}
}

func (x *sqlCorrelation) holds(p *plan) string {
	a := arithmetic{and: " AND ", or: " OR ", not: "NOT ", yes: "1 = 1", no: "1 = 0",
		compare: map[sigma.ThresholdOp]string{sigma.OpGT: ">", sigma.OpGTE: ">=", sigma.OpLT: "<", sigma.OpLTE: "<=", sigma.OpEQ: "=", sigma.OpNEQ: "<>"},
		real:    func(s string) string { return "CAST(" + s + " AS " + x.d.types[ir.TypeReal] + ")" },
		one:     func(s string) string { return "CASE WHEN " + s + " THEN 1 ELSE 0 END" },
		number:  sqlNumber,
		inOrder: fmt.Sprintf("t - COALESCE(%s, t - %d) <= %d", chainColumn(len(p.c.Inputs)-1), p.window+1, p.window)}
	return a.condition(p.holds)
}

// running prints the instants with the measures of their windows.
func (x *sqlCorrelation) running(p *plan, f *sqlFacts) string {
	var names []string
	for _, m := range p.measures {
		names = append(names, m.name)
	}
	var parts []string
	// Coming and going are made of one reading: an engine that puts a common
	// table expression in wherever it is named would double its work at each.
	part := func(from, t, over, where string, of func(measure) string) {
		out := slices.Clone(f.keys)
		out = append(out, t+" AS t", over+" AS over_t")
		for _, m := range p.measures {
			out = append(out, of(m)+" AS "+m.name)
		}
		parts = append(parts, "SELECT "+strings.Join(out, ", ")+" FROM "+from+where)
	}
	const both, sign = " CROSS JOIN (SELECT 0 AS o UNION ALL SELECT 1 AS o) o", "(1 - 2 * o.o)"
	there := func() {
		part(f.name, "t", "0", "", func(measure) string { return "0" })
	}
	until := fmt.Sprintf("t + o.o * %d", p.window)
	switch {
	case p.counts(ofTuples):
		there()
		columns := slices.Concat(f.keys, f.vs)
		distinct := x.cte("tuples", "SELECT DISTINCT "+strings.Join(append(slices.Clone(columns), "t"), ", ")+" FROM "+f.values)
		runs := x.cte("runs", fmt.Sprintf("SELECT %s, %s AS before_t, LEAD(t) OVER %s AS next_t FROM %s", strings.Join(append(slices.Clone(columns), "t"), ", "),
			before("t", columns), window(columns, "t"), distinct))
		part(runs+both, until, "o.o", fmt.Sprintf("\nWHERE o.o = 0 AND (before_t IS NULL OR t - before_t > %[1]d) OR o.o = 1 AND (next_t IS NULL OR next_t - t > %[1]d)", p.window),
			func(measure) string { return sign })
	case p.counts(ofNumbers):
		// First, because below WITH RECURSIVE DuckDB takes a column's type from
		// the first part: sums would be of integers.
		part(f.values+both, until, "o.o", "", func(m measure) string {
			switch m.of {
			case ofSum:
				return sign + " * v1"
			case ofBelow:
				return fmt.Sprintf("%s * (CASE WHEN v1 < %s THEN 1 ELSE 0 END)", sign, sqlNumber(m.than))
			case ofAtMost:
				return fmt.Sprintf("%s * (CASE WHEN v1 <= %s THEN 1 ELSE 0 END)", sign, sqlNumber(m.than))
			}
			return sign
		})
		there()
	default:
		part(f.name+both, until, "o.o", "", func(m measure) string {
			if m.of == ofInput {
				return sign + " * " + inputColumn(m.input)
			}
			return sign
		})
	}
	changes := x.cte("changes", strings.Join(parts, "\nUNION ALL\n"))
	out := append(slices.Clone(f.keys), "t", "over_t")
	running := slices.Clone(out)
	sums := slices.Clone(out)
	for _, n := range names {
		sums = append(sums, fmt.Sprintf("SUM(%[1]s) AS %[1]s", n))
		running = append(running, fmt.Sprintf("SUM(%s) OVER %s AS %s", n, rowsBefore(window(f.keys, "t", "over_t")), n))
	}
	if p.c.Type == sigma.NewValue {
		running = append(running, "n AS n_now")
	}
	summed := x.cte("changes", "SELECT "+strings.Join(sums, ", ")+" FROM "+changes+" GROUP BY "+strings.Join(out, ", "))
	all := x.cte("running", "SELECT "+strings.Join(running, ", ")+" FROM "+summed)
	return x.cte("windows", "SELECT * FROM "+all+" WHERE over_t = 0")
}

// chain prints the instants with how late a chain of the inputs can begin: c2
// is the latest time at which a chain began that has got as far as the second.
func (x *sqlCorrelation) chain(p *plan, f *sqlFacts) string {
	out := append(slices.Clone(f.keys), "t")
	columns := slices.Clone(out)
	for i := range p.c.Inputs {
		columns = append(columns, fmt.Sprintf("MAX(%[1]s) AS %[1]s", inputColumn(i)))
		out = append(out, inputColumn(i))
	}
	name := x.cte("instants", "SELECT "+strings.Join(columns, ", ")+" FROM "+f.name+" GROUP BY "+f.by("t"))
	for i := range p.c.Inputs {
		from := "t"
		if i > 0 {
			from = chainColumn(i - 1)
		}
		step := fmt.Sprintf("MAX(CASE WHEN %s = 1 THEN %s END) OVER %s AS %s", inputColumn(i), from, rowsBefore(window(f.keys, "t")), chainColumn(i))
		name = x.cte("chains", "SELECT "+strings.Join(out, ", ")+", "+step+" FROM "+name)
		out = append(out, chainColumn(i))
	}
	return name
}

func (x *sqlCorrelation) newValue(p *plan, f *sqlFacts) *sqlHits {
	instants := x.running(p, f)
	columns := slices.Concat(f.keys, f.vs)
	distinct := x.cte("tuples", "SELECT DISTINCT "+strings.Join(append(slices.Clone(columns), "t"), ", ")+" FROM "+f.values)
	known := x.cte("tuples", fmt.Sprintf("SELECT %s, %s AS before_t FROM %s", strings.Join(append(slices.Clone(columns), "t"), ", "), before("t", columns), distinct))
	on := []string{"i.t = v.t"}
	for _, k := range f.keys {
		on = append(on, "i."+k+" = v."+k)
	}
	return &sqlHits{tuple: f.vs, facts: f.name, name: x.cte("hits", fmt.Sprintf("SELECT %s, v.t AS first_t, v.t AS last_t FROM %s v JOIN %s i ON %s\nWHERE (v.before_t IS NULL OR v.t - v.before_t > %d) AND i.n - i.n_now >= %d",
		strings.Join(prefixed("v.", append(slices.Clone(columns), "t")), ", "), known, instants, strings.Join(on, " AND "), p.c.Lookback, p.c.MinHistory))}
}

func (x *sqlCorrelation) afterSilence(p *plan, f *sqlFacts) *sqlHits {
	instants := x.cte("instants", "SELECT DISTINCT "+f.by("t")+" FROM "+f.name)
	gaps := x.cte("gaps", fmt.Sprintf("SELECT %s, %s AS before_t FROM %s", f.by("t"), before("t", f.keys), instants))
	return &sqlHits{facts: f.name, name: x.cte("hits", fmt.Sprintf("SELECT %s, before_t AS first_t, t AS last_t FROM %s\nWHERE t - before_t BETWEEN %d AND %d", f.by("t"), gaps, p.c.Silence, p.c.Lookback))}
}

func (x *sqlCorrelation) increase(p *plan, f *sqlFacts) (*sqlHits, error) {
	c := p.c
	index, start, err := x.windows(p)
	if err != nil {
		return nil, err
	}
	by := f.by("w")
	windows := ""
	if len(f.vs) > 0 {
		tuples := x.cte("tuples", fmt.Sprintf("SELECT DISTINCT %s FROM (SELECT %s, %s AS w FROM %s) x", f.by(append([]string{"w"}, f.vs...)...), f.by(f.vs...), index, f.values))
		windows = x.cte("windows", fmt.Sprintf("SELECT %s, SUM(n) AS n FROM (\nSELECT %s, 1 AS n FROM %s\nUNION ALL\nSELECT %s%s AS w, 0 AS n FROM %s\n) x GROUP BY %s", by, by, tuples, f.by()+sep(f.keys), index, f.name, by))
	} else {
		windows = x.cte("windows", fmt.Sprintf("SELECT %s, COUNT(*) AS n FROM (SELECT %s%s AS w FROM %s) x GROUP BY %s", by, f.by()+sep(f.keys), index, f.name, by))
	}
	on := []string{fmt.Sprintf("b.w = a.w - %d", c.Against/c.Span)}
	for _, k := range f.keys {
		on = append(on, "b."+k+" = a."+k)
	}
	where := []string{"COALESCE(b.n, 0) >= " + sqlNumber(floatNumber(c.Minimum))}
	if c.Factor != 0 {
		over, under := fraction(c.Factor)
		where = append(where, fmt.Sprintf("%d * a.n >= %d * COALESCE(b.n, 0)", under, over))
	}
	if c.Difference != 0 {
		where = append(where, "a.n - COALESCE(b.n, 0) >= "+sqlNumber(floatNumber(c.Difference)))
	}
	return &sqlHits{facts: f.name, name: x.cte("hits", fmt.Sprintf("SELECT %s%s AS t, %s AS first_t, %s - 1 AS last_t FROM %s a LEFT JOIN %s b ON %s\nWHERE %s",
		strings.Join(prefixed("a.", f.keys), ", ")+sep(f.keys), start("a.w + 1"), start("a.w"), start("a.w + 1"), windows, windows, strings.Join(on, " AND "), strings.Join(where, " AND ")))}, nil
}

// windows says how the window of a time is numbered, and when one begins.
func (x *sqlCorrelation) windows(p *plan) (index string, start func(string) string, err error) {
	c := p.c
	if c.Zone == "" {
		return x.floorDivide("t", c.Span), func(w string) string { return fmt.Sprintf("(%s) * %d", w, c.Span) }, nil
	}
	if x.d.localDay == nil {
		return "", nil, refuse(p.rule, nil, x.d.title, "windows of a time zone cannot be said")
	}
	if c.Span%dayMicros != 0 {
		return "", nil, refuse(p.rule, nil, x.d.title, "windows of a zone that are no whole days cannot be said")
	}
	days := c.Span / dayMicros
	return x.floorDivide(x.d.localDay("t", c.Zone), days), func(w string) string { return x.d.dayStart(fmt.Sprintf("(%s) * %d", w, days), c.Zone) }, nil
}

func (x *sqlCorrelation) summary(p *plan, f *sqlFacts) *sqlHits {
	group, having := "", " HAVING COUNT(*) > 0"
	if len(f.keys) > 0 {
		group, having = " GROUP BY "+f.by(), ""
	}
	return &sqlHits{name: x.cte("hits", fmt.Sprintf("SELECT %sMAX(t) AS t, MIN(t) AS first_t, MAX(t) AS last_t, COUNT(*) AS n FROM %s%s%s", f.by()+sep(f.keys), f.name, group, having))}
}

// micros is the time of an event in microseconds since 1970.
func (x *sqlCorrelation) micros(r *ir.Rule) (string, error) {
	f := r.Source.Time
	if x.target.Time != "" && (x.target.Event != "" || len(f.Path) == 0) {
		return x.d.micros(x.d.ident(x.target.Time)), nil
	}
	if len(f.Path) == 0 {
		return "", refuse(r, nil, x.d.title, "a correlation of events whose time is in no known column (name it: Target.Time, --time) is not supported")
	}
	p := &sqlPrinter{rule: r, d: x.d, target: x.target}
	text := ""
	_, err := p.scalars(f, 0, func(s scalar) (cond, error) {
		if s.at != nil {
			return cond{}, p.refuse("a time inside JSON is not supported, name the column with the time of an event; a correlation")
		}
		t, _, ok := p.time(s)
		if !ok {
			return cond{}, p.refuse("%s is no time; a correlation", f.Name)
		}
		text = x.d.micros(t)
		return constant(true), nil
	})
	return text, err
}

// scalarRows prints what makes a row for each scalar of a field of the event,
// to stand behind its table, and the scalar: its folded text, or its number;
// null for what is none.
func (x *sqlCorrelation) scalarRows(r *ir.Rule, f ir.Field, numbers bool) (from, value string, err error) {
	p := &sqlPrinter{rule: r, d: x.d, target: x.target, rows: &sqlRows{}}
	where, err := p.scalars(f, 0, func(s scalar) (cond, error) {
		var ok bool
		if numbers {
			value, ok = p.numberForm(s)
		} else if value, ok = p.textForm(s); ok {
			value = p.d.foldBoth(value)
		}
		if !ok {
			return cond{}, p.refuse("%s is neither text nor number; a correlation by it", f.Name)
		}
		return constant(true), nil
	})
	if err != nil {
		return "", "", err
	}
	if len(p.rows.from) > 0 {
		from = ", " + strings.Join(p.rows.from, ", ")
	}
	if !where.is(true) {
		value = "CASE WHEN " + where.text + " THEN " + value + " END"
	}
	return from, value, nil
}

// sqlRows collects what makes rows of the elements of lists.
type sqlRows struct{ from []string }

// floorDivide is an integer divided by another, rounded down.
func (x *sqlCorrelation) floorDivide(text string, by int64) string {
	return fmt.Sprintf("((%[1]s) - (((%[1]s) %% %[2]d) + %[2]d) %% %[2]d) %[3]s %[2]d", text, by, x.d.divide)
}

func sqlNumber(n ir.Number) string { return n.String() }
