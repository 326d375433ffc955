package backends

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Every expression names the one before once: an engine that puts a common table
// expression in wherever it is named would double its work at each stage of a
// chain. So what lies before is asked for with window functions and frames by
// time, not with joins.

// window is an OVER clause: partitioned by the columns, in the order of others.
func window(partition []string, order ...string) string {
	var parts []string
	if len(partition) > 0 {
		parts = append(parts, "PARTITION BY "+strings.Join(partition, ", "))
	}
	if len(order) > 0 {
		parts = append(parts, "ORDER BY "+strings.Join(order, ", "))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// framed is a window with a frame.
func framed(over, frame string, args ...any) string {
	return strings.TrimSuffix(over, ")") + " " + fmt.Sprintf(frame, args...) + ")"
}

const rowsBefore = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"

// before is the value of a column at the group's instant before, of the columns.
func before(columnName string, partition []string) string {
	return "LAG(" + columnName + ") OVER " + window(partition, "t")
}

// shown are the columns of a window that a hit shows: how many facts it has and
// when the first of them was.
const shown = "facts, first_t"

func (x *sqlCorrelation) windowed(p *plan, f *sqlFacts) *sqlHits {
	measured := ""
	switch {
	case p.c.Type == sigma.TemporalOrdered:
		measured = x.chain(p, f)
	case p.counts(ofTuples):
		measured = x.distinct(p, f)
	default:
		measured = x.sums(p, f)
	}
	marked := x.cte("instants", fmt.Sprintf("SELECT %s, CASE WHEN %s THEN 1 ELSE 0 END AS holds FROM %s", f.by("t", shown), x.holds(p), measured))
	edges := x.cte("edges", fmt.Sprintf("SELECT %s, holds, %s AS before_holds, %s AS before_t FROM %s", f.by("t", shown), before("holds", f.keys), before("t", f.keys), marked))
	return &sqlHits{name: x.cte("hits", fmt.Sprintf("SELECT %s, first_t, t AS last_t, facts AS n FROM %s\nWHERE holds = 1 AND NOT (COALESCE(before_holds, 0) = 1 AND t - COALESCE(before_t, t) <= %d)",
		f.by("t"), edges, p.window))}
}

// windowOf is the frame of the window that ends at an instant.
func (x *sqlCorrelation) windowOf(p *plan, f *sqlFacts) string {
	order, offset := "t", strconv.FormatInt(p.window, 10)
	if x.d.timeFrame != nil {
		order, offset = x.d.timeFrame(order, p.window)
	}
	return framed(window(f.keys, order), "RANGE BETWEEN %s PRECEDING AND CURRENT ROW", offset)
}

// earlier is the frame of the row of the numbered window so many before.
func (x *sqlCorrelation) earlier(f *sqlFacts, windows int64) string {
	order, offset := "w", strconv.FormatInt(windows, 10)
	if x.d.timeFrame != nil {
		order, offset = x.d.timeFrame("w * 1000000", windows*second)
	}
	return framed(window(f.keys, order), "RANGE BETWEEN %[1]s PRECEDING AND %[1]s PRECEDING", offset)
}

// show gives the columns of shown to instants that have the number of their facts.
func (x *sqlCorrelation) show(p *plan, f *sqlFacts) string {
	return fmt.Sprintf("SUM(facts) OVER %[1]s AS facts, MIN(t) OVER %[1]s AS first_t", x.windowOf(p, f))
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

// sums prints the instants with the measures of their windows: what each instant
// brings, added up over the frame of the window.
func (x *sqlCorrelation) sums(p *plan, f *sqlFacts) string {
	each, running := []string{f.by("t")}, []string{f.by("t")}
	for _, m := range p.measures {
		of := ""
		switch m.of {
		case ofEvents:
			of = "COUNT(*)"
		case ofInput:
			of = "SUM(" + inputColumn(m.input) + ")"
		case ofSum:
			of = "COALESCE(SUM(v1), 0)"
		case ofNumbers:
			of = "COUNT(v1)"
		case ofBelow:
			of = "COUNT(CASE WHEN v1 < " + sqlNumber(m.than) + " THEN 1 END)"
		case ofAtMost:
			of = "COUNT(CASE WHEN v1 <= " + sqlNumber(m.than) + " THEN 1 END)"
		}
		each = append(each, of+" AS "+m.name)
		running = append(running, fmt.Sprintf("SUM(%s) OVER %s AS %s", m.name, x.windowOf(p, f), m.name))
	}
	each = append(each, f.count()+" AS facts")
	instants := x.cte("instants", "SELECT "+strings.Join(each, ", ")+" FROM "+f.name+" GROUP BY "+f.by("t"))
	return x.cte("windows", "SELECT "+strings.Join(append(running, x.show(p, f)), ", ")+" FROM "+instants)
}

// distinct prints the instants with the number of tuples in their windows. A
// tuple is in a window from its first occurrence to a timespan after the last
// one of a run that has no longer gap: one more there, one less behind it, and
// nothing at instants that only have to be there.
func (x *sqlCorrelation) distinct(p *plan, f *sqlFacts) string {
	columns := slices.Concat(f.keys, f.vs)
	runs := x.cte("runs", fmt.Sprintf("SELECT %s, t, %s AS before_t, LEAD(t) OVER %s AS next_t, %s FROM %s", strings.Join(columns, ", "), before("t", columns), window(columns, "t"), x.show(p, f), x.tuples(f, "t")))
	changes := x.cte("changes", fmt.Sprintf("SELECT %s + o.o * %d AS t, o.o AS over_t, %s, CASE WHEN o.o = 1 THEN -1 WHEN (%s) AND (before_t IS NULL OR t - before_t > %d) THEN 1 ELSE 0 END AS n\nFROM %s CROSS JOIN (SELECT 0 AS o UNION ALL SELECT 1 AS o) o\nWHERE o.o = 0 OR (%s) AND (next_t IS NULL OR next_t - t > %d)",
		f.by("t"), p.window, shown, f.isTuple(), p.window, runs, f.isTuple(), p.window))
	summed := x.cte("changes", fmt.Sprintf("SELECT %s, SUM(n) AS n, MAX(facts) AS facts, MAX(first_t) AS first_t FROM %s GROUP BY %s", f.by("t", "over_t"), changes, f.by("t", "over_t")))
	all := x.cte("running", fmt.Sprintf("SELECT %s, %s, SUM(n) OVER %s AS n FROM %s", f.by("t", "over_t"), shown, framed(window(f.keys, "t", "over_t"), rowsBefore), summed))
	return x.cte("windows", "SELECT "+f.by("t", "n", shown)+" FROM "+all+" WHERE over_t = 0")
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
	columns = append(columns, "COUNT(*) AS facts")
	name := x.cte("instants", "SELECT "+strings.Join(columns, ", ")+" FROM "+f.name+" GROUP BY "+f.by("t"))
	name = x.cte("windows", "SELECT "+strings.Join(out, ", ")+", "+x.show(p, f)+" FROM "+name)
	out = append(out, shown)
	for i := range p.c.Inputs {
		from := "t"
		if i > 0 {
			from = chainColumn(i - 1)
		}
		step := fmt.Sprintf("MAX(CASE WHEN %s = 1 THEN %s END) OVER %s AS %s", inputColumn(i), from, framed(window(f.keys, "t"), rowsBefore), chainColumn(i))
		name = x.cte("chains", "SELECT "+strings.Join(out, ", ")+", "+step+" FROM "+name)
		out = append(out, chainColumn(i))
	}
	return name
}

// tuples prints the distinct tuples of counted values at each time or window.
func (x *sqlCorrelation) tuples(f *sqlFacts, at string) string {
	columns := f.by(append(slices.Clone(f.vs), at)...)
	of := "SUM(fact) AS facts"
	if at != "t" {
		of += ", MIN(t) AS first_t, MAX(t) AS last_t"
	}
	return x.cte("tuples", fmt.Sprintf("SELECT %[1]s, %s FROM %s GROUP BY %[1]s", columns, of, f.name))
}

// newValue prints the tuples that their group did not have in the lookback, where
// it had enough events.
func (x *sqlCorrelation) newValue(p *plan, f *sqlFacts) *sqlHits {
	columns := strings.Join(slices.Concat(f.keys, f.vs), ", ")
	known := x.cte("known", fmt.Sprintf("SELECT %s, t, %s AS before_t, SUM(facts) OVER %s AS history, SUM(facts) OVER (PARTITION BY %s) AS n FROM %s",
		columns, before("t", slices.Concat(f.keys, f.vs)), x.windowOf(p, f), f.by("t"), x.tuples(f, "t")))
	return &sqlHits{tuple: f.vs, name: x.cte("hits", fmt.Sprintf("SELECT %s, t, t AS first_t, t AS last_t, n FROM %s\nWHERE %s AND (before_t IS NULL OR t - before_t > %d) AND history - n >= %d",
		columns, known, f.isTuple(), p.c.Lookback, p.c.MinHistory))}
}

func (x *sqlCorrelation) afterSilence(p *plan, f *sqlFacts) *sqlHits {
	instants := x.cte("instants", "SELECT "+f.by("t")+", COUNT(*) AS facts FROM "+f.name+" GROUP BY "+f.by("t"))
	gaps := x.cte("gaps", fmt.Sprintf("SELECT %s, facts, %s AS before_t, %s AS before_facts FROM %s", f.by("t"), before("t", f.keys), before("facts", f.keys), instants))
	return &sqlHits{name: x.cte("hits", fmt.Sprintf("SELECT %s, before_t AS first_t, t AS last_t, before_facts + facts AS n FROM %s\nWHERE t - before_t BETWEEN %d AND %d", f.by("t"), gaps, p.c.Silence, p.c.Lookback))}
}

// increase prints the windows whose value is so much above that of the window the
// interval before. Of a window without a fact there is no row.
func (x *sqlCorrelation) increase(p *plan, f *sqlFacts) (*sqlHits, error) {
	c := p.c
	index, start, err := x.calendar(p)
	if err != nil {
		return nil, err
	}
	numbered := x.cte("numbered", "SELECT *, "+index+" AS w FROM "+f.name)
	n, facts, first, last := "COUNT(*)", "COUNT(*)", "MIN(t)", "MAX(t)"
	if len(f.vs) > 0 {
		numbered = x.tuples(&sqlFacts{name: numbered, keys: f.keys, vs: f.vs}, "w")
		n, facts, first, last = "COUNT(CASE WHEN "+f.isTuple()+" THEN 1 END)", "SUM(facts)", "MIN(first_t)", "MAX(last_t)"
	}
	windows := x.cte("windows", fmt.Sprintf("SELECT %[1]s, %s AS n, %s AS facts, %s AS first_t, %s AS last_t FROM %s WHERE w IS NOT NULL GROUP BY %[1]s", f.by("w"), n, facts, first, last, numbered))
	compared := x.cte("windows", fmt.Sprintf("SELECT *, COALESCE(SUM(n) OVER %s, 0) AS before_n FROM %s",
		x.earlier(f, c.Against/c.Span), windows))
	where := []string{"before_n >= " + sqlNumber(floatNumber(c.Minimum))}
	if c.Factor != 0 {
		over, under := fraction(c.Factor)
		where = append(where, fmt.Sprintf("%d * n >= %d * before_n", under, over))
	}
	if c.Difference != 0 {
		where = append(where, "n - before_n >= "+sqlNumber(floatNumber(c.Difference)))
	}
	return &sqlHits{name: x.cte("hits", fmt.Sprintf("SELECT %s AS t, first_t, last_t, facts AS n FROM %s\nWHERE %s", f.by(start("w + 1")), compared, strings.Join(where, " AND ")))}, nil
}

// calendar says how the window of a time is numbered, and when one begins.
func (x *sqlCorrelation) calendar(p *plan) (index string, start func(string) string, err error) {
	c := p.c
	if c.Zone == "" {
		return x.floorDivide("t", c.Span), func(w string) string { return fmt.Sprintf("(%s) * %d", w, c.Span) }, nil
	}
	if c.Span%dayMicros != 0 {
		return "", nil, refuse(p.rule, nil, x.d.title, "windows of a zone that are no whole days cannot be said")
	}
	days, err := zoneDaysOf(c.Zone)
	if err != nil {
		return "", nil, refuse(p.rule, nil, x.d.title, "windows of a zone that is unknown here (%s) cannot be said", c.Zone)
	}
	n := c.Span / dayMicros
	first := func(w string) string { return days.start("(" + w + ")") }
	if n == 1 {
		return days.number("t", x.d.divide), first, nil
	}
	each := strconv.FormatInt(n, 10)
	return x.d.divide(days.number("t", x.d.divide), each), func(w string) string { return first("(" + w + ") * " + each) }, nil
}

func (x *sqlCorrelation) summary(p *plan, f *sqlFacts) *sqlHits {
	group, having := "", " HAVING COUNT(*) > 0"
	if len(f.keys) > 0 {
		group, having = " GROUP BY "+f.by(), ""
	}
	hits := &sqlHits{}
	distinct := ""
	for i, v := range f.vs {
		hits.distinct = append(hits.distinct, "d"+strconv.Itoa(i+1))
		distinct += ", COUNT(DISTINCT " + v + ") AS " + hits.distinct[i]
	}
	hits.name = x.cte("hits", fmt.Sprintf("SELECT %s AS t, MIN(t) AS first_t, MAX(t) AS last_t, %s AS n%s FROM %s%s%s", f.by("MAX(t)"), f.count(), distinct, f.name, group, having))
	return hits
}

// floorDivide is an integer divided by another, rounded down.
func (x *sqlCorrelation) floorDivide(text string, by int64) string {
	n := strconv.FormatInt(by, 10)
	return x.d.divide("("+text+" - "+x.d.modulo("("+x.d.modulo(text, n)+" + "+n+")", n)+")", n)
}

func sqlNumber(n ir.Number) string { return n.String() }
