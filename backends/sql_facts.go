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
	columns := []string{"s.*", at + " AS rw_t"}
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
	events := x.cte("events", "SELECT *, "+x.d.rowNumber+" AS rw_e FROM "+all+" WHERE rw_t IS NOT NULL AND ("+strings.Join(held, " OR ")+")")
	classes := [][]inputTap{s.taps}
	if !s.sameKeys() {
		classes = nil
		var numbers []string
		for i := range s.taps {
			classes = append(classes, s.taps[i:i+1])
			numbers = append(numbers, fmt.Sprintf("SELECT %d AS rw_tap", i))
		}
		events = x.cte("taps", "SELECT r.*, c.rw_tap FROM "+events+" r CROSS JOIN ("+strings.Join(numbers, " UNION ALL ")+") c")
	}
	return x.keyed(p, f, classes, events)
}

// keyed prints the facts of events: each event in each of its groups, once
// whatever number of classes of inputs, which have keys of their own, put it
// there. An absent field is the empty key, unless all are.
func (x *sqlCorrelation) keyed(p *plan, f *sqlFacts, classes [][]inputTap, events string) (facts string, err error) {
	columns, grouped := []string{"r.rw_e AS e", "r.rw_t AS t"}, []string{"r.e AS e", "r.t AS t"}
	if len(classes) > 1 {
		columns, grouped = append(columns, "r.rw_tap AS tap"), append(grouped, "r.tap AS tap")
	}
	// found adds a column with the scalars of a field and what makes rows of them.
	found := func(column string, numbers bool, fieldOf func(ir.Tap) ir.Field) (from, value string, err error) {
		text, many, err := x.scalarsOf(classes, numbers, fieldOf)
		columns = append(columns, text+" AS "+column)
		if !many {
			return "", "r." + column, err
		}
		typ := ir.TypeString
		if numbers {
			typ = ir.TypeReal
		}
		from, value = x.d.lists.rows("r."+column, "of_"+column, typ)
		return from, value, err
	}
	keyRows, valueRows := "", ""
	var present []string
	for i := range p.c.GroupBy {
		from, key, err := found("k"+strconv.Itoa(i+1), false, func(t ir.Tap) ir.Field { return t.GroupBy[i] })
		if err != nil {
			return "", err
		}
		keyRows += from
		grouped = append(grouped, "COALESCE("+key+", '') AS "+groupColumn(i))
		present = append(present, key+" IS NOT NULL")
	}
	out := []string{"r.t AS t"}
	for _, k := range f.keys {
		out = append(out, "r."+k+" AS "+k)
	}
	var carried []string // with a fact until each of its values has a row
	for i, v := range f.vs {
		column := "l" + strconv.Itoa(i+1)
		from, value, err := found(column, p.counts(ofNumbers), func(t ir.Tap) ir.Field { return t.Counted[i] })
		if err != nil {
			return "", err
		}
		valueRows += from
		carried, grouped, out = append(carried, column), append(grouped, "r."+column+" AS "+column), append(out, value+" AS "+v)
	}
	var held []string
	if len(f.vs) == 0 {
		for i := range p.c.Inputs {
			held = append(held, inputColumn(i))
			columns, grouped = append(columns, holdsOf(classes, i)+" AS "+inputColumn(i)), append(grouped, "r."+inputColumn(i)+" AS "+inputColumn(i))
		}
	}
	facts = x.cte("lists", "SELECT "+strings.Join(columns, ", ")+" FROM "+events+" r"+whereAny(tapConditions(classes)))
	facts = x.cte("facts", "SELECT "+strings.Join(grouped, ", ")+" FROM "+facts+" r"+keyRows+whereAny(present))
	fact := append([]string{"e"}, f.keys...)
	if len(classes) > 1 {
		columns := slices.Concat(fact, []string{"t"}, carried)
		for _, i := range held {
			columns = append(columns, "MAX("+i+") OVER "+window(fact)+" AS "+i)
		}
		facts = x.cte("facts", "SELECT "+strings.Join(columns, ", ")+", ROW_NUMBER() OVER "+window(fact, "tap")+" AS nth FROM "+facts)
		facts = x.cte("facts", "SELECT * FROM "+facts+" WHERE nth = 1")
	}
	switch {
	case len(f.vs) == 0:
		return facts, nil
	case valueRows == "":
		out = append(out, "1 AS fact")
	default:
		of := prefixed("r.", fact)
		out = append(out, "CASE WHEN ROW_NUMBER() OVER "+window(of, of...)+" = 1 THEN 1 ELSE 0 END AS fact")
	}
	return x.cte("facts", "SELECT "+strings.Join(out, ", ")+" FROM "+facts+" r"+valueRows), nil
}

// holdsOf is 1 where an event is one of the input, else 0.
func holdsOf(classes [][]inputTap, input int) string {
	for n, taps := range classes {
		if slices.ContainsFunc(taps, func(t inputTap) bool { return t.input == input }) {
			if column := "r.rw_" + inputColumn(input); len(classes) == 1 {
				return column
			} else {
				return fmt.Sprintf("CASE WHEN r.rw_tap = %d THEN %s ELSE 0 END", n, column)
			}
		}
	}
	return "0"
}

// tapConditions ask of an event, with the number of a class, whether it is one
// of the class. Of one class all are.
func tapConditions(classes [][]inputTap) (out []string) {
	if len(classes) == 1 {
		return nil
	}
	for n, taps := range classes {
		for _, t := range taps {
			out = append(out, fmt.Sprintf("r.rw_tap = %d AND r.rw_%s = 1", n, inputColumn(t.input)))
		}
	}
	return out
}

func whereAny(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " OR ")
}

// scalarsOf prints the scalars of a field of an event, which each class of
// inputs finds elsewhere: numbers as they are, texts folded and once. It is a list
// if there may be many, else null where there is none.
func (x *sqlCorrelation) scalarsOf(classes [][]inputTap, numbers bool, fieldOf func(ir.Tap) ir.Field) (text string, many bool, err error) {
	texts, lists := make([]string, len(classes)), make([]bool, len(classes))
	for n, taps := range classes {
		if texts[n], lists[n], err = x.scalarsIn(taps[0].tap.Rule, fieldOf(taps[0].tap), numbers); err != nil {
			return "", false, err
		}
	}
	many = slices.Contains(lists, true)
	if len(slices.Compact(slices.Clone(texts))) == 1 {
		return texts[0], many, nil
	}
	text = "CASE r.rw_tap"
	for n := range classes {
		if many && !lists[n] {
			texts[n] = x.d.lists.tidy(x.d.lists.of(texts[n]), false)
		}
		if n < len(classes)-1 {
			text += fmt.Sprintf(" WHEN %d THEN %s", n, texts[n])
		} else {
			text += " ELSE " + texts[n] + " END"
		}
	}
	return text, many, nil
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

// scalarsIn prints the scalars of a field of the event, the folded texts or the
// numbers: one, or null, if there is at most one, else a list.
func (x *sqlCorrelation) scalarsIn(r *ir.Rule, f ir.Field, numbers bool) (text string, many bool, err error) {
	list := &sqlList{}
	p := &sqlPrinter{rule: r, d: x.d, target: x.target, list: list}
	where, err := p.scalars(f, 0, func(s scalar) (cond, error) {
		ok := false
		if list.many = false; numbers {
			list.text, ok = p.numberForm(s)
		} else if list.text, ok = p.textForm(s); ok {
			list.text = p.d.foldBoth(list.text)
		}
		if !ok {
			return cond{}, p.refuse("%s is neither text nor number; a correlation by it", f.Name)
		}
		return constant(true), nil
	})
	switch {
	case err != nil:
		return "", false, err
	case list.text == "" || list.many && !where.is(true):
		return "", false, p.refuse("a correlation by %s", f.Name)
	case list.many:
		return x.d.lists.tidy(list.text, !numbers), true, nil
	case !where.is(true):
		return "CASE WHEN " + where.text + " THEN " + list.text + " END", false, nil
	}
	return list.text, false, nil
}

// sqlList is the scalar that is found, or the list of those in a list.
type sqlList struct {
	text string
	many bool
}
