package backends

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// sqlFacts are the facts of a correlation, an event in a group: columns t, g1 …,
// i1 …. Where values are counted, v1 … instead of i1 …: a fact has a row for each
// combination of its values, null where there are none, and fact is 1 in one of
// its rows, 0 in the others.
type sqlFacts struct {
	name string
	keys []string
	vs   []string
}

// count is the number of facts.
func (f *sqlFacts) count() string {
	if len(f.vs) > 0 {
		return "SUM(fact)"
	}
	return "COUNT(*)"
}

func (f *sqlFacts) by(more ...string) string { return strings.Join(slices.Concat(f.keys, more), ", ") }

// isTuple asks whether a row of the values has all of them.
func (f *sqlFacts) isTuple() string { return strings.Join(f.vs, " IS NOT NULL AND ") + " IS NOT NULL" }

func (x *sqlCorrelation) facts(p *plan) (*sqlFacts, error) {
	f := &sqlFacts{keys: groupColumns(len(p.c.GroupBy))}
	for i := range p.c.Counted {
		f.vs = append(f.vs, valueColumn(i))
	}
	columns := []string{"t"}
	columns = append(columns, f.keys...)
	if len(f.vs) > 0 {
		columns = append(append(columns, f.vs...), "fact")
	} else {
		for i := range p.c.Inputs {
			columns = append(columns, inputColumn(i))
		}
	}
	var facts []string
	for i := range p.sources {
		name, err := x.source(p, f, &p.sources[i])
		if err != nil {
			return nil, err
		}
		facts = append(facts, "SELECT "+strings.Join(columns, ", ")+" FROM "+name)
	}
	f.name = x.cte("facts", strings.Join(facts, "\nUNION ALL\n"))
	return f, nil
}

// source prints the facts of a table or of an inner correlation.
func (x *sqlCorrelation) source(p *plan, f *sqlFacts, s *factSource) (facts string, err error) {
	if s.inner != nil {
		return x.inner(p, f, s)
	}
	first := s.taps[0].tap.Rule
	at, err := x.micros(first)
	if err != nil {
		return "", err
	}
	table, err := sqlTable(first, x.d, tableOf(first, x.target))
	if err != nil {
		return "", err
	}
	columns := []string{"s.*", "ROW_NUMBER() OVER () AS rw_e", at + " AS rw_t"}
	var held []string
	for _, in := range s.taps {
		holds, err := sqlPredicate(in.tap.Rule, in.tap.Rule.Predicate(), x.d, x.target)
		if err != nil {
			return "", err
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
			return "", err
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
		return facts, nil
	}
	out := append([]string{"f.t"}, prefixed("f.", f.keys)...)
	from := facts + " f"
	for i, v := range f.vs {
		rows, err := x.counted(p, classes, i, events)
		if err != nil {
			return "", err
		}
		a := "k" + strconv.Itoa(i+1)
		from += fmt.Sprintf(" LEFT JOIN %[1]s %[2]s ON %[2]s.rw_e = f.e AND %[2]s.tap = f.tap", rows, a)
		out = append(out, a+".k AS "+v)
	}
	out = append(out, "CASE WHEN ROW_NUMBER() OVER (PARTITION BY "+strings.Join(append([]string{"f.e"}, prefixed("f.", f.keys)...), ", ")+") = 1 THEN 1 ELSE 0 END AS fact")
	return x.cte("facts", "SELECT "+strings.Join(out, ", ")+" FROM "+from), nil
}

// counted prints the scalars of a counted field of each event, for each class of
// inputs: numbers as they are, texts folded and once.
func (x *sqlCorrelation) counted(p *plan, classes [][]inputTap, field int, events string) (string, error) {
	var parts []string
	for n, taps := range classes {
		tap := taps[0].tap
		from, value, err := x.scalarRows(tap.Rule, tap.Counted[field], p.counts(ofNumbers))
		if err != nil {
			return "", err
		}
		distinct := "DISTINCT "
		if p.counts(ofNumbers) {
			distinct = ""
		}
		parts = append(parts, fmt.Sprintf("SELECT %sr.rw_e, %d AS tap, %s AS k FROM %s r%s WHERE %s IS NOT NULL", distinct, n, value, events, from, value))
	}
	return x.cte("vals", strings.Join(parts, "\nUNION ALL\n")), nil
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
func (x *sqlCorrelation) inner(p *plan, f *sqlFacts, s *factSource) (facts string, err error) {
	in := s.taps[0]
	hits, err := x.rule(in.tap.Rule)
	if err != nil {
		return "", err
	}
	columnOf := func(field ir.Field) string {
		return groupColumn(slices.Index(in.tap.Rule.Correlation.GroupBy, field.Path[0].Key))
	}
	out := []string{"t"}
	for i, field := range in.tap.GroupBy { // an empty key of the inner group is a text that is there
		out = append(out, columnOf(field)+" AS "+groupColumn(i))
	}
	if len(f.vs) > 0 {
		out = append(out, "1 AS fact")
	} else {
		for i := range p.c.Inputs {
			one := "0"
			if i == in.input {
				one = "1"
			}
			out = append(out, one+" AS "+inputColumn(i))
		}
	}
	for i, field := range in.tap.Counted {
		v := columnOf(field)
		if p.counts(ofNumbers) {
			v = x.d.number(v)
		}
		out = append(out, v+" AS "+f.vs[i])
	}
	return x.cte("facts", "SELECT "+strings.Join(out, ", ")+" FROM "+hits.name), nil
}

// micros is the time of an event in microseconds since 1970.
func (x *sqlCorrelation) micros(r *ir.Rule) (string, error) {
	f := r.Source.Time
	if x.target.Time != "" && (x.target.Event != "" || len(f.Path) == 0) {
		return x.d.micros(x.d.ident(x.target.Time)), nil
	}
	if len(f.Path) == 0 {
		return "", noTime(r, x.d.title)
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

// sqlRows collects what makes rows of the elements of lists, and what holds of
// those. known, if not nil, are the names of the elements by the list.
type sqlRows struct {
	from, where []string
	known       map[string]string
}
