package backends

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// kqlCorrelated prints a correlation: its facts, the changes that they are to
// the measures of a window, and of the instants those that are hits. The result
// has a row for each hit: the time, the group under the names of group-by,
// FirstSeen, LastSeen and Count; of a summary also how many values of each field
// there are, Distinct_ and its name.
func kqlCorrelated(r *ir.Rule, t Target) (*Query, error) {
	x := &kqlCorrelation{target: t, names: map[string]int{}, taken: map[string]bool{t.Table: true}}
	x.take(r)
	hits, err := x.rule(r)
	if err != nil {
		return nil, err
	}
	if r.Once != nil { // what is built on the correlation sees all of its hits
		x.once(r, hits)
	}
	if len(t.Closing) > 0 && hits.facts == "" {
		return nil, refuse(r, nil, "KQL", "a summary has no last event; it cannot be said")
	}
	q := &Query{Time: kqlTime}
	out := []string{kqlTime + " = t"}
	taken := map[string]bool{kqlTime: true, "FirstSeen": true, "LastSeen": true, "Count": true}
	event := ""
	for i, c := range t.Closing {
		if taken[c] = true; i == 0 {
			q.Time, out = c, []string{c + " = at"}
			continue
		}
		event += ", " + kqlName(c)
		out = append(out, kqlName(c))
	}
	columnOf := func(name string) string {
		c := kqlResultName(name, taken)
		taken[c] = true
		return c
	}
	for _, c := range q.hitColumns(r.Correlation, hits.tuple, columnOf) {
		out = append(out, kqlName(c.name)+" = "+c.of)
	}
	var b strings.Builder
	lists, guards, err := kqlLists(r, strings.Join(x.lets, "\n"))
	if err != nil {
		return nil, err
	}
	for _, l := range lists {
		b.WriteString(l + "\n")
	}
	for _, l := range x.lets {
		b.WriteString(l + ";\n")
	}
	b.WriteString(hits.name)
	for _, g := range guards {
		b.WriteString("\n| where " + g)
	}
	for _, w := range kqlBetween("t", t) {
		b.WriteString("\n| " + w)
	}
	switch {
	case hits.facts == "":
		out = append(out, "FirstSeen = opens", "LastSeen = closes", "Count = n")
		for i, name := range hits.distinct {
			out = append(out, kqlName(columnOf("Distinct_"+r.Correlation.Counted[i]))+" = "+name)
		}
	case len(r.Correlation.GroupBy) == 0:
		fmt.Fprintf(&b, "\n| extend all = 1\n| join kind=inner (%s | project all = 1, at = t%s) on all", hits.facts, event)
	default:
		keys := groupColumns(len(r.Correlation.GroupBy))
		fmt.Fprintf(&b, "\n| join kind=inner (%s | project %s, at = t%s) on %s", hits.facts, strings.Join(keys, ", "), event, strings.Join(keys, ", "))
	}
	if hits.facts != "" {
		by := append([]string{"t"}, groupColumns(len(r.Correlation.GroupBy))...)
		by = append(by, hits.tuple...)
		last := ""
		if event != "" {
			last = "arg_max(at" + event + "), "
		}
		fmt.Fprintf(&b, "\n| where at between (opens .. closes)\n| summarize %sFirstSeen = min(at), LastSeen = max(at), Count = count() by %s", last, strings.Join(by, ", "))
		out = append(out, "FirstSeen", "LastSeen", "Count")
	}
	fmt.Fprintf(&b, "\n| project %s", strings.Join(out, ", "))
	q.Text = b.String()
	return q, nil
}

const kqlTime = "TimeGenerated"

// kqlCorrelation is one text of let statements under way. Names that it gives
// begin with the kind of what they hold and end in a number.
type kqlCorrelation struct {
	target Target
	lets   []string
	names  map[string]int
	taken  map[string]bool // names that the rules mean something else by
}

// take notes the tables and lists that a rule reads.
func (x *kqlCorrelation) take(r *ir.Rule) {
	x.taken[r.Source.Table] = true
	for _, b := range r.Source.Parameters {
		x.taken[b.Name] = true
	}
	if r.Correlation != nil {
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				x.take(t.Rule)
			}
		}
	}
}

// kqlHits is a let statement with the hits of a correlation: columns t, g1 …,
// the tuple of new_value, opens and closes: the window.
type kqlHits struct {
	name  string
	tuple []string
	// distinct are the columns of a summary with the numbers of values.
	distinct []string
	facts    string // the let with the facts; "" where the hits hold opens, closes and n
}

func (x *kqlCorrelation) let(kind, text string) string {
	name := kind
	for {
		if x.names[kind]++; x.names[kind] > 1 {
			name = kind + strconv.Itoa(x.names[kind])
		}
		if !x.taken[name] {
			break
		}
	}
	x.lets = append(x.lets, "let "+name+" = "+text)
	return name
}

// kqlSpan writes a length of time.
func kqlSpan(us int64) string {
	for _, u := range []struct {
		us   int64
		name string
	}{{86_400_000_000, "d"}, {3_600_000_000, "h"}, {60_000_000, "m"}, {1_000_000, "s"}, {1_000, "ms"}} {
		if us%u.us == 0 {
			return strconv.FormatInt(us/u.us, 10) + u.name
		}
	}
	return strconv.FormatInt(us, 10) + "microseconds"
}

func (x *kqlCorrelation) rule(r *ir.Rule) (*kqlHits, error) {
	p, err := planOf(r, x.target, "KQL")
	if err != nil {
		return nil, err
	}
	f, err := x.facts(p)
	if err != nil {
		return nil, err
	}
	return hitsOf[*kqlFacts, *kqlHits](x, p, f)
}

// same says that the row before is of the same group and columns.
func same(columns []string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf("%s == prev(%s)", c, c)
	}
	if len(parts) == 0 {
		return "row_number() > 1"
	}
	return strings.Join(parts, " and ")
}

// other says that a new group begins.
func other(columns []string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf("%s != prev(%s)", c, c)
	}
	if len(parts) == 0 {
		return "false"
	}
	return strings.Join(parts, " or ")
}

// sorted sorts by the columns and then others.
func sorted(columns []string, then ...string) string {
	parts := make([]string, 0, len(columns)+len(then))
	for _, c := range append(slices.Clone(columns), then...) {
		parts = append(parts, c+" asc")
	}
	return "| sort by " + strings.Join(parts, ", ")
}

// windowed finds the instants at which a window satisfies the condition and
// the one before did not, or is not in the window.
func (x *kqlCorrelation) windowed(p *plan, f *kqlFacts) *kqlHits {
	var text string
	if p.c.Type == sigma.TemporalOrdered {
		text = x.chain(p, f)
	} else {
		text = x.running(p, f)
	}
	text += "\n| extend holds = " + x.holds(p)
	text += fmt.Sprintf("\n| extend hit = holds and not(coalesce(%s and prev(holds) and t - prev(t) <= %s, false))", same(f.keys), kqlSpan(p.window))
	text += fmt.Sprintf("\n| where hit\n| project %s, opens = t - %s, closes = t", f.by("t"), kqlSpan(p.window))
	return &kqlHits{name: x.let("hits", text), facts: f.name}
}

// holds prints the condition over the measures of an instant.
func (x *kqlCorrelation) holds(p *plan) string {
	a := arithmetic{and: " and ", or: " or ", not: "not", yes: "true", no: "false",
		compare: map[sigma.ThresholdOp]string{sigma.OpGT: ">", sigma.OpGTE: ">=", sigma.OpLT: "<", sigma.OpLTE: "<=", sigma.OpEQ: "==", sigma.OpNEQ: "!="},
		real:    func(s string) string { return "toreal(" + s + ")" },
		one:     func(s string) string { return "iff(" + s + ", 1, 0)" },
		number:  kqlNumber,
		inOrder: fmt.Sprintf("coalesce(t - %s <= %s, false)", chainColumn(len(p.c.Inputs)-1), kqlSpan(p.window))}
	return a.condition(p.holds)
}

// running prints the instants with their measures, sorted by group and time.
func (x *kqlCorrelation) running(p *plan, f *kqlFacts) string {
	var parts []string
	names := make([]string, len(p.measures))
	for i, m := range p.measures {
		names[i] = m.name
	}
	// Sums of what is there at once; a measure of tuples or numbers comes from
	// rows of its own.
	var sums []string
	for _, m := range p.measures {
		switch m.of {
		case ofEvents:
			sums = append(sums, m.name+" = count()")
		case ofInput:
			sums = append(sums, fmt.Sprintf("%s = sum(coalesce(%s, 0))", m.name, inputColumn(m.input)))
		}
	}
	instants := x.let("instants", strings.TrimSpace(f.name+" | summarize "+strings.Join(sums, ", "))+" by "+f.by("t"))
	change := func(from, values string) {
		parts = append(parts, fmt.Sprintf("(%s | extend over = 0%s)", from, values))
	}
	negative := func(from string, names []string) {
		minus := make([]string, len(names))
		for i, n := range names {
			minus[i] = n + " = -" + n
		}
		parts = append(parts, fmt.Sprintf("(%s | extend t = t + %s, over = 1, %s)", from, kqlSpan(p.window), strings.Join(minus, ", ")))
	}
	change(instants, "")
	switch {
	case p.counts(ofTuples):
		runs := x.let("runs", x.tuples(f)+fmt.Sprintf(`
| extend begins = not(coalesce(%s and t - prev(t) <= %s, false)), ends = not(coalesce(%s and next(t) - t <= %s, false))`,
			same(append(slices.Clone(f.keys), f.tuple()...)), kqlSpan(p.window), strings.ReplaceAll(same(append(slices.Clone(f.keys), f.tuple()...)), "prev(", "next("), kqlSpan(p.window)))
		parts = append(parts, fmt.Sprintf("(%s | where begins | project %s, over = 0, n = 1)", runs, f.by("t")))
		parts = append(parts, fmt.Sprintf("(%s | where ends | project %s, over = 1, n = -1)", runs, f.by("t = t + "+kqlSpan(p.window))))
	case p.counts(ofNumbers):
		var sums []string
		var of []string
		for _, m := range p.measures {
			of = append(of, m.name)
			switch m.of {
			case ofSum:
				sums = append(sums, m.name+" = sum(v1)")
			case ofNumbers:
				sums = append(sums, m.name+" = count()")
			case ofBelow:
				sums = append(sums, fmt.Sprintf("%s = countif(v1 < %s)", m.name, kqlNumber(m.than)))
			case ofAtMost:
				sums = append(sums, fmt.Sprintf("%s = countif(v1 <= %s)", m.name, kqlNumber(m.than)))
			}
		}
		expand := ""
		if f.lists {
			expand = "\n| mv-expand v1 to typeof(real)"
		}
		numbers := x.let("numbers", fmt.Sprintf("%s%s\n| where isnotnull(v1)\n| summarize %s by %s", f.name, expand, strings.Join(sums, ", "), f.by("t")))
		change(numbers, "")
		negative(numbers, of)
	default:
		negative(instants, names)
	}
	text := "union\n  " + strings.Join(parts, ",\n  ")
	// All changes of an instant at once, so that it has one row.
	var add, running []string
	for _, m := range p.measures {
		add = append(add, fmt.Sprintf("%[1]s = sum(coalesce(%[1]s, %[2]s))", m.name, zeroOf(m)))
		running = append(running, fmt.Sprintf("%[1]s = row_cumsum(%[1]s, %[2]s)", m.name, other(f.keys)))
	}
	now := ""
	if p.c.Type == sigma.NewValue { // what is there at the instant itself
		now = "\n| extend now = n"
	}
	return text + "\n| summarize " + strings.Join(add, ", ") + " by " + f.by("t", "over") + "\n" + sorted(f.keys, "t", "over") + now +
		"\n| extend " + strings.Join(running, ", ") + "\n| where over == 0"
}

func zeroOf(m measure) string {
	if m.of == ofSum {
		return "0.0"
	}
	return "0"
}

// tuples prints the distinct tuples of counted values, group by group, in the
// order of their times.
func (x *kqlCorrelation) tuples(f *kqlFacts) string {
	text := f.name
	for _, v := range f.tuple() {
		if f.lists {
			text += fmt.Sprintf("\n| where array_length(%[1]s) > 0\n| mv-expand %[1]s to typeof(string)", v)
		} else {
			text += "\n| where isnotempty(" + v + ")"
		}
	}
	columns := append(slices.Clone(f.keys), f.tuple()...)
	return text + "\n| distinct " + strings.Join(append(columns, "t"), ", ") + "\n" + sorted(columns, "t")
}

// chain prints the instants with whether a chain of all inputs lies in their
// window: c2 is the latest time at which a chain began that has got as far as
// the second input. Each step is a scan of its own, which takes what the step
// before knows of the same row.
func (x *kqlCorrelation) chain(p *plan, f *kqlFacts) string {
	n := len(p.c.Inputs)
	var flags, scans []string
	for i := range n {
		flags = append(flags, fmt.Sprintf("%[1]s = sum(coalesce(%[1]s, 0))", inputColumn(i)))
		from := "t"
		if i > 0 {
			from = chainColumn(i - 1)
		}
		group := make([]string, len(f.keys))
		for j, k := range f.keys {
			group[j] = k + " == s." + k
		}
		before := "s." + chainColumn(i)
		if len(group) > 0 {
			before = fmt.Sprintf("iff(%s, %s, datetime(null))", strings.Join(group, " and "), before)
		}
		scans = append(scans, fmt.Sprintf("| scan declare (%[1]s: datetime) with (step s: true => %[1]s = iff(%[2]s > 0 and isnotnull(%[3]s), %[3]s, %[4]s);)",
			chainColumn(i), inputColumn(i), from, before))
	}
	return fmt.Sprintf("%s\n| summarize n = count(), %s by %s\n%s\n%s", f.name, strings.Join(flags, ", "), f.by("t"), sorted(f.keys, "t"), strings.Join(scans, "\n"))
}

func chainColumn(i int) string { return "c" + strconv.Itoa(i+1) }

// newValue finds tuples that the group did not have in the lookback, where it
// had enough events.
func (x *kqlCorrelation) newValue(p *plan, f *kqlFacts) *kqlHits {
	vs := f.tuple()
	columns := slices.Concat(f.keys, vs)
	instants := x.let("instants", x.running(p, f)+"\n| extend history = n - now")
	text := fmt.Sprintf("%s\n| extend known = coalesce(%s and t - prev(t) <= %s, false)\n| where not(known)\n| join kind=inner (%s | where history >= %d | project %s) on %s\n| project %s, opens = t, closes = t",
		x.tuples(f), same(columns), kqlSpan(p.c.Lookback), instants, p.c.MinHistory, f.by("t"), f.by("t"), f.by(append([]string{"t"}, vs...)...))
	return &kqlHits{name: x.let("hits", text), tuple: vs, facts: f.name}
}

// afterSilence finds instants whose predecessor lies far enough back.
func (x *kqlCorrelation) afterSilence(p *plan, f *kqlFacts) *kqlHits {
	text := fmt.Sprintf("%s\n| distinct %s\n%s\n| extend before = iff(%s, prev(t), datetime(null))\n| where t - before between (%s .. %s)\n| project %s, opens = before, closes = t",
		f.name, f.by("t"), sorted(f.keys, "t"), same(f.keys), kqlSpan(p.c.Silence), kqlSpan(p.c.Lookback), f.by("t"))
	return &kqlHits{name: x.let("hits", text), facts: f.name}
}

// increase compares each window that has a fact with the one that lies the
// interval before, which may have none.
func (x *kqlCorrelation) increase(p *plan, f *kqlFacts) (*kqlHits, error) {
	c := p.c
	span, index, end := kqlSpan(c.Span), "", ""
	if c.Zone == "" {
		index = "tolong(floor((t - datetime(1970-01-01)) / 1microsecond / " + strconv.FormatInt(c.Span, 10) + ", 1))"
		end = "datetime(1970-01-01) + (w + 1) * " + span
	} else {
		if c.Span%dayMicros != 0 {
			return nil, refuse(p.rule, nil, "KQL", "windows of a zone that are no whole days cannot be said")
		}
		days := strconv.FormatInt(c.Span/dayMicros, 10)
		index = "tolong(floor((startofday(datetime_utc_to_local(t, " + kqlString(c.Zone) + ")) - datetime(1970-01-01)) / 1d / " + days + ", 1))"
		end = "datetime_local_to_utc(datetime(1970-01-01) + (w + 1) * " + span + ", " + kqlString(c.Zone) + ")"
	}
	from := f.name
	if f.vs > 0 {
		from = x.let("tuples", x.tuples(f))
		columns := append([]string{"w"}, slices.Concat(f.keys, f.tuple())...)
		from = x.let("windows", fmt.Sprintf("%s\n| extend w = %s\n| distinct %s\n| summarize n = count() by %s", from, index, strings.Join(columns, ", "), f.by("w")))
	} else {
		from = x.let("windows", fmt.Sprintf("%s\n| extend w = %s\n| summarize n = count() by %s", from, index, f.by("w")))
	}
	if f.vs > 0 { // a window may have facts without a tuple
		from = x.let("windows", fmt.Sprintf("union %s, (%s | extend w = %s | distinct %s | extend n = 0)\n| summarize n = sum(n) by %s", from, f.name, index, f.by("w"), f.by("w")))
	}
	back := c.Against / c.Span
	text := fmt.Sprintf("%s\n| join kind=leftouter (%s | extend w = w + %d | project-rename before = n) on %s\n| extend before = coalesce(before, 0)\n| where before >= %s",
		from, from, back, f.by("w"), kqlNumber(floatNumber(c.Minimum)))
	if c.Factor != 0 {
		over, under := fraction(c.Factor)
		text += fmt.Sprintf("\n| where %d * n >= %d * before", under, over)
	}
	if c.Difference != 0 {
		text += fmt.Sprintf("\n| where n - before >= %s", kqlNumber(floatNumber(c.Difference)))
	}
	text += fmt.Sprintf("\n| extend t = %s\n| project %s, opens = %s, closes = t - 1microsecond", end, f.by("t"), strings.ReplaceAll(end, "(w + 1)", "w"))
	return &kqlHits{name: x.let("hits", text), facts: f.name}, nil
}

const dayMicros = 24 * 3600 * 1_000_000

func (x *kqlCorrelation) summary(p *plan, f *kqlFacts) *kqlHits {
	distinct := ""
	var names []string
	for i, v := range f.tuple() {
		count := fmt.Sprintf("count_distinctif(%s, isnotempty(%s))", v, v)
		if f.lists {
			count = "array_length(make_set(" + v + "))" // the lists as one
		}
		names = append(names, "d"+strconv.Itoa(i+1))
		distinct += fmt.Sprintf(", %s = %s", names[i], count)
	}
	by := ""
	if len(f.keys) > 0 {
		by = " by " + f.by()
	}
	text := fmt.Sprintf("%s\n| summarize n = count(), opens = min(t), closes = max(t)%s%s\n| where n > 0\n| extend t = closes", f.name, distinct, by)
	return &kqlHits{name: x.let("hits", text), distinct: names}
}

// once keeps the hits that are raised: the first of a key, then the first that
// comes later than the time asked for behind the raised one before.
func (x *kqlCorrelation) once(r *ir.Rule, hits *kqlHits) {
	keys, rest := onceKeys(r, hits.tuple)
	stages, unknown := []string{hits.name}, ""
	if known := x.target.Known; known > 0 { // earlier windows are not whole
		stages = append(stages, "where t > ago("+kqlSpan(known.Microseconds())+")")
		unknown = kqlUnknown("t", r.Once.For, known)
	}
	hits.name = x.let("raised", piped(append(stages, kqlOnce("t", keys, rest, r.Once.For, "raised", "again", unknown)...)))
}

// kqlResultName makes a column's name of a field's: letters, digits and
// underscores, as artefacts want them, and none twice.
func kqlResultName(name string, taken map[string]bool) string {
	name = strings.Map(func(r rune) rune {
		if r == '_' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, name)
	if name == "" || unicode.IsDigit(rune(name[0])) {
		name = "_" + name
	}
	first := name
	for n := 2; taken[name]; n++ {
		name = first + "_" + strconv.Itoa(n)
	}
	return name
}
