package backends

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlFacts is a let statement with the facts of a correlation, an event in a
// group: columns t, g1 …, i1 … (1 where the input is true of the event, if the
// plan asks), and for each counted field a column v1 ….
type kqlFacts struct {
	name string
	keys []string // g1 …
	vs   int      // counted fields
	// lists: v1 … are arrays; else each is one value, empty or null for none.
	lists bool
}

func (f *kqlFacts) by(more ...string) string {
	return strings.Join(slices.Concat(f.keys, more), ", ")
}

func (f *kqlFacts) tuple() []string {
	out := make([]string, f.vs)
	for i := range out {
		out[i] = valueColumn(i)
	}
	return out
}

func groupColumn(i int) string { return "g" + strconv.Itoa(i+1) }

func groupColumns(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = groupColumn(i)
	}
	return out
}

func valueColumn(i int) string { return "v" + strconv.Itoa(i+1) }

// facts prints where the facts come from.
func (x *kqlCorrelation) facts(p *plan) (*kqlFacts, error) {
	f := &kqlFacts{keys: groupColumns(len(p.c.GroupBy)), vs: len(p.c.Counted)}
	for _, s := range p.sources {
		for _, in := range s.taps {
			for _, field := range in.tap.Counted {
				// An empty key of an inner group counts as a value.
				f.lists = f.lists || s.inner != nil || !x.single(in.tap.Rule, field)
			}
		}
	}
	var names []string
	for _, s := range p.sources {
		source := x.source
		if s.inner != nil {
			if len(x.target.Closing) > 0 {
				return nil, refuse(p.rule, nil, "KQL", "a hit of a correlation over correlations is no event; one cannot be said")
			}
			source = x.inner
		}
		name, err := source(p, f, &s)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	f.name = names[0]
	if len(names) > 1 {
		f.name = x.let("facts", "union "+strings.Join(names, ", "))
	}
	return f, nil
}

// source prints the facts of one table. It is read once: where it is asked
// several things with keys of their own, its events get numbers, so that an
// event that several inputs are true of is one fact in each group.
func (x *kqlCorrelation) source(p *plan, f *kqlFacts, s *factSource) (string, error) {
	pr, table, err := newKQLPrinter(s.taps[0].tap.Rule, x.target)
	if err != nil {
		return "", err
	}
	stages := []string{pr.table(table)}
	same := s.sameKeys()
	pr.columns = columnsOf(pr.rule)
	pr.columns[pr.event], pr.columns[pr.target.Time] = true, true
	for _, in := range s.taps {
		maps.Copy(pr.columns, columnsOf(in.tap.Rule))
		addColumns(pr.columns, in.tap.GroupBy...)
		addColumns(pr.columns, in.tap.Counted...)
	}
	marked := make([]string, len(s.taps)) // columns that say what an event is of
	if len(s.taps) == 1 {
		where, _, err := pr.filter()
		if err != nil {
			return "", err
		}
		stages = append(stages, where...)
	} else {
		row := pr.enter()
		var conditions, marks, held []string
		for i, in := range s.taps {
			pr.rule = in.tap.Rule
			holds, err := pr.boolean(pr.regroup(ir.Simplify(in.tap.Rule.Predicate())))
			if err != nil {
				return "", err
			}
			conditions = append(conditions, "("+holds+")")
			marked[i] = pr.name("input")
			marks = append(marks, fmt.Sprintf("%s = tolong(%s)", marked[i], holds))
			held = append(held, marked[i]+" == 1")
		}
		if cheap := pr.cheap(s.taps); cheap != "" && len(row.applies) > 0 {
			stages = append(stages, "where "+cheap)
		}
		stages = append(stages, row.operators()...)
		if same && !p.tellsInputs() {
			stages = append(stages, "where "+kqlJoin(" or ", conditions))
		} else {
			stages = append(stages, "extend "+strings.Join(marks, ",\n    "), "where "+kqlJoin(" or ", held))
		}
	}
	if same {
		text, err := x.keyed(p, f, pr, s.taps, marked, stages)
		if err != nil {
			return "", err
		}
		return x.let("facts", "materialize("+text+")"), nil
	}
	event := pr.name("event")
	events := x.let("events", "materialize("+piped(append(stages, "serialize "+event+" = row_number()"))+")")
	var parts, columns []string
	for i, in := range s.taps {
		from := []string{events, "where " + marked[i] + " == 1"}
		text, err := x.keyed(p, f, pr, s.taps[i:i+1], marked[i:i+1], from, "e = "+event, "tap = "+strconv.Itoa(i))
		if err != nil {
			return "", err
		}
		parts = append(parts, "("+text+")")
		if p.tellsInputs() {
			columns = append(columns, fmt.Sprintf("%[1]s = max(%[1]s)", inputColumn(in.input)))
		}
	}
	if f.vs > 0 { // the values are those of the first input that the event is of
		columns = append(columns, "arg_min(tap, "+strings.Join(f.tuple(), ", ")+")")
	}
	for i, c := range x.target.Closing {
		if i > 0 { // all rows of an event have the same
			columns = append(columns, fmt.Sprintf("%[1]s = take_any(%[1]s)", kqlName(c)))
		}
	}
	return x.let("facts", "materialize(union\n  "+strings.Join(parts, ",\n  ")+"\n| summarize "+strings.Join(columns, ", ")+" by "+f.by("t", "e")+")"), nil
}

// cheap prints what rows have that one of several inputs is true of, as far as
// that can be asked before lists are taken apart; "" if nothing can.
func (p *kqlPrinter) cheap(taps []inputTap) string {
	var parts []string
	for _, in := range taps {
		try := *p
		try.rule = in.tap.Rule
		try.names, try.items = maps.Clone(p.names), maps.Clone(p.items)
		var conditions []string
		var n need
		for _, c := range conjuncts(try.regroup(ir.Simplify(in.tap.Rule.Predicate()))) {
			row := try.enter()
			text, err := try.boolean(c)
			if err != nil {
				return ""
			}
			if text != "true" && len(row.applies) == 0 && !dear(text) {
				conditions = append(conditions, text)
				continue
			}
			n = betterNeed(n, try.needOf(c, row.root, false))
		}
		if text := n.print(); text != "" {
			conditions = append(conditions, text)
		}
		if len(conditions) == 0 {
			return ""
		}
		part := kqlJoin(" and ", parenthesised(conditions, ir.PrecedenceAnd))
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr))
}

func piped(stages []string) string { return strings.Join(stages, "\n| ") }

// keyed adds the columns of groups and values, one row for each group of an
// event.
func (x *kqlCorrelation) keyed(p *plan, f *kqlFacts, pr *kqlPrinter, taps []inputTap, marked, stages []string, more ...string) (string, error) {
	tap := taps[0].tap
	pr.rule = tap.Rule
	row := pr.enter()
	at, always, err := pr.eventTime(row)
	if err != nil {
		return "", err
	}
	out := append([]string{"t = bin(" + at + ", 1microsecond)"}, more...)
	for i, c := range x.target.Closing {
		if i > 0 {
			out = append(out, kqlName(c))
		}
	}
	if p.tellsInputs() {
		for i, in := range taps {
			mark := cmp.Or(marked[i], "1") // all of a source of one input are of it
			out = append(out, inputColumn(in.input)+" = "+mark)
		}
	}
	var present, expand []string
	for i, field := range tap.GroupBy {
		g := groupColumn(i)
		keys, one, err := pr.texts(row, field)
		if err != nil {
			return "", err
		}
		if one {
			out = append(out, g+" = "+keys)
			present = append(present, "isnotempty("+g+")")
			continue
		}
		// An absent field is the empty key.
		has, key := pr.name("has"), pr.name("key")
		expand = append(expand, fmt.Sprintf("extend %s = array_length(%s) > 0", has, keys),
			fmt.Sprintf(`mv-expand %s = iff(%s, %s, dynamic([""])) to typeof(string)`, key, has, keys))
		out = append(out, g+" = "+key, "has_"+g+" = "+has)
		present = append(present, "has_"+g)
	}
	for i, field := range tap.Counted {
		list := pr.texts
		if p.counts(ofNumbers) {
			list = pr.numbers
		}
		values, one, err := list(row, field)
		if err != nil {
			return "", err
		}
		if one && f.lists {
			if p.counts(ofNumbers) {
				values = "pack_array(" + values + ")"
			} else {
				values = fmt.Sprintf("iff(isempty(%s), dynamic([]), pack_array(%s))", values, values)
			}
		}
		out = append(out, valueColumn(i)+" = "+values)
	}
	stages = slices.Concat(stages, row.operators(), expand)
	stages = append(stages, "project "+strings.Join(out, ", "))
	if !always {
		stages = append(stages, "where isnotnull(t)")
	}
	if len(present) > 0 {
		stages = append(stages, "where "+strings.Join(present, " or "))
	}
	return piped(stages), nil
}

// inner makes facts of the hits of an inner correlation. An empty key of its
// group is a text that is there.
func (x *kqlCorrelation) inner(p *plan, f *kqlFacts, s *factSource) (string, error) {
	in := s.taps[0]
	hits, err := x.rule(in.tap.Rule)
	if err != nil {
		return "", err
	}
	columnOf := func(field ir.Field) string {
		return groupColumn(slices.Index(in.tap.Rule.Correlation.GroupBy, field.Path[0].Key))
	}
	out := []string{"t"}
	if p.tellsInputs() {
		out = append(out, inputColumn(in.input)+" = 1")
	}
	for i, field := range in.tap.GroupBy {
		out = append(out, groupColumn(i)+" = "+columnOf(field))
	}
	for i, field := range in.tap.Counted {
		v := columnOf(field)
		if p.counts(ofNumbers) {
			v = kqlNumberOfText(v)
		}
		if f.lists {
			v = "pack_array(" + v + ")"
		}
		out = append(out, valueColumn(i)+" = "+v)
	}
	return x.let("facts", hits.name+"\n| project "+strings.Join(out, ", ")), nil
}

// single reports whether a field has at most one scalar.
func (x *kqlCorrelation) single(r *ir.Rule, field ir.Field) bool {
	pr, _, err := newKQLPrinter(r, x.target)
	if err != nil {
		return true
	}
	pl, err := pr.place(pr.enter(), field, nil, true)
	return err == nil && !pl.list && len(pl.chain) == 0
}
