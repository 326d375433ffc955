package sigma

import (
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// correlationTypes is the table of correlation types: the keys that each one
// takes, those it needs marked. The checks run by it and the JSON Schema is
// printed from it. (A function, since the tables lead back to the parser.)
func correlationTypes() []correlationType {
	var (
		rules    = needed(referencesKey("rules", "the rules or correlations whose hits are correlated, by id or name", func(c *Correlation) *[]Reference { return &c.Rules }))
		aliases  = key[Correlation]{name: "aliases", doc: "one name for a field that is called differently in each rule", shape: shape{kind: shapeMapping, elem: &shape{kind: shapeMapping, elem: ptr(textShape())}}, read: readAliases}
		groupBy  = fieldsKey("group-by", "fields whose values divide events into groups; without it all events are one group", func(c *Correlation) *[]Field { return &c.GroupBy })
		timespan = needed(timespanKey("timespan", "how long the window before and with an event is, such as 15m", func(c *Correlation) *Timespan { return &c.Timespan }))
		lookback = needed(timespanKey("lookback", "how far back earlier events count, such as 30d", func(c *Correlation) *Timespan { return &c.Lookback }))
		generate = boolKey("generate", "whether hits of the referenced rules are reported too; also allowed at the top level", func(c *Correlation) *bool { return &c.Generate })

		count      = needed(conditionKey("the number of events: one or several of gt, gte, lt, lte, eq, neq", thresholdFields))
		values     = needed(conditionKey("field, whose distinct values are counted (several fields: tuples), and gt, gte, lt, lte, eq, neq", valueFields))
		number     = needed(conditionKey("field, whose numbers are taken, and gt, gte, lt, lte, eq, neq", valueFields))
		percentile = needed(conditionKey("field, whose numbers are taken, percentile (default 50), and gt, gte, lt, lte, eq, neq", percentileFields))
		temporal   = key[Correlation]{name: "condition", doc: "which of the rules must occur: an expression over their names, or their number as gte: 2; all of them when absent", shape: shape{kind: shapeText, alt: ptr(mappingOf(thresholdFields))}, read: readTemporalCondition}
	)
	type keys = []key[Correlation]
	return []correlationType{
		{EventCount, "counts events", false, keys{rules, aliases, groupBy, timespan, count, generate}},
		{ValueCount, "counts the distinct values of a field", false, keys{rules, aliases, groupBy, timespan, values, generate}},
		{Temporal, "wants several rules within the timespan", false, keys{rules, aliases, groupBy, timespan, temporal, generate}},
		{TemporalOrdered, "wants several rules within the timespan, in the order listed", false, keys{rules, aliases, groupBy, timespan, temporal, generate}},
		{ValueSum, "adds the numbers of a field", false, keys{rules, aliases, groupBy, timespan, number, generate}},
		{ValueAvg, "averages the numbers of a field", false, keys{rules, aliases, groupBy, timespan, number, generate}},
		{ValuePercentile, "takes a percentile of the numbers of a field", false, keys{rules, aliases, groupBy, timespan, percentile, generate}},

		{NewValue, "finds values that the group did not have in the lookback", true, keys{rules, aliases, groupBy,
			needed(fieldsKey("fields", "fields whose values, taken together, are new", func(c *Correlation) *[]Field { return &c.Fields })),
			lookback,
			key[Correlation]{name: "min-history", doc: "how many events the lookback must hold for a value to count as new; 1 when absent", shape: shape{kind: shapeInt}, read: func(l *loader, n *yaml.Node, c *Correlation) {
				if i, ok := l.integer(n, "min-history", 1, math.MaxInt32); ok {
					c.MinHistory = int(i)
				}
			}},
			generate}},
		{AfterSilence, "finds the first event after a silence", true, keys{rules, aliases, groupBy,
			needed(timespanKey("silence", "how long there was no event at least", func(c *Correlation) *Timespan { return &c.Silence })),
			lookback, generate}},
		{Counts, "holds the count of each rule to its own condition", true, keys{rules, aliases, groupBy, timespan,
			key[Correlation]{name: "condition", doc: "for each rule gt, gte, lt, lte, eq, neq", shape: shape{kind: shapeMapping, elem: ptr(mappingOf(thresholdFields))}, read: readRuleCounts},
			key[Correlation]{name: "ratio", doc: "the count of one rule against that of another", shape: mappingOf(ratioFields), read: func(l *loader, n *yaml.Node, c *Correlation) {
				c.Ratio = &Ratio{Pos: l.pos(n)}
				ratioSection().read(l, n, c.Ratio)
			}},
			generate}},
		{Increase, "compares a window with an earlier one", true, keys{rules, aliases, groupBy, timespan,
			needed(timespanKey("against", "how much earlier the window compared with is, such as 7d", func(c *Correlation) *Timespan { return &c.Against })),
			numericKey("ratio", "how many times the earlier value at least", func(c *Correlation) **Numeric { return &c.Factor }),
			numericKey("difference", "how much more than the earlier value at least", func(c *Correlation) **Numeric { return &c.Difference }),
			numericKey("minimum", "how large the earlier value is at least; 1 when absent", func(c *Correlation) **Numeric { return &c.Minimum }),
			key[Correlation]{name: "field", doc: "the field whose distinct values are counted; events when absent", shape: textShape(), read: func(l *loader, n *yaml.Node, c *Correlation) {
				if f, ok := l.field(n, "field"); ok {
					c.Fields = []Field{f}
				}
			}},
			key[Correlation]{name: "zone", doc: "the IANA time zone at whose midnights windows begin; UTC when absent", shape: textShape(), read: func(l *loader, n *yaml.Node, c *Correlation) {
				c.Zone, _ = l.zone(n, "zone")
			}},
			generate}},
		{Summary, "reports first, last and count of each group; no alert", true, keys{rules, aliases,
			needed(groupBy),
			fieldsKey("fields", "fields whose distinct values are counted", func(c *Correlation) *[]Field { return &c.Fields }),
			generate}},
	}
}

// correlationType is one line of the table.
type correlationType struct {
	name   CorrelationType
	doc    string
	native bool
	keys   []key[Correlation]
}

func (t *correlationType) section() *section[Correlation] {
	return &section[Correlation]{name: "a correlation of type " + string(t.name), keys: append([]key[Correlation]{typeKey()}, t.keys...)}
}

func typeKey() key[Correlation] {
	return key[Correlation]{name: "type", required: true, doc: "what is counted or put in order", shape: textShape(), read: func(*loader, *yaml.Node, *Correlation) {}}
}

// correlationVariants lists the keys of each type for the schema.
func correlationVariants() []variant {
	var out []variant
	for _, t := range correlationTypes() {
		out = append(out, variant{"type", string(t.name), t.doc, t.native, t.section().fields()})
	}
	return out
}

// parseCorrelation reads the section `correlation`.
func parseCorrelation(l *loader, n *yaml.Node, doc *Document) {
	c := doc.correlation()
	c.Pos = l.pos(n)
	entries, ok := l.mapping(n, "correlation")
	if !ok {
		return
	}
	types := correlationTypes()
	t := l.correlationType(c, entries, types)
	if t == nil {
		// Of no known type: what all types share is still read and checked.
		t = &correlationType{keys: types[0].keys}
		s := section[Correlation]{name: "correlation", keys: t.keys}
		var common []entry
		for _, e := range entries {
			if k := s.lookup(e.name); k != nil && k.name != "condition" {
				common = append(common, e)
			} else if e.name != "type" && e.name != "condition" && len(typesWith(types, e.name)) == 0 {
				l.errorf(l.pos(e.key), CodeUnknownKey, NearestHint(e.name, allCorrelationKeys(types), ""), "correlation has no key %s", show(e.name))
			}
		}
		for i := range s.keys {
			s.keys[i].required = false
		}
		s.readEntries(l, c.Pos, common, c)
		return
	}
	s := t.section()
	own := entries[:0:0]
	for _, e := range entries {
		if with := typesWith(types, e.name); s.lookup(e.name) == nil && len(with) > 0 {
			hint := "leave it out; it is a key of " + strings.Join(with, ", ")
			if others := nativeTypes(types); !doc.Native && len(with) > 0 && !slices.ContainsFunc(with, func(n string) bool { return !slices.Contains(others, n) }) {
				hint = "leave it out; it is a key of the native types " + strings.Join(with, ", ")
			}
			l.errorf(l.pos(e.key), CodeCorrelation, hint, "%s takes no %s", s.name, e.name)
			continue
		}
		own = append(own, e)
	}
	s.readEntries(l, c.Pos, own, c)
	checkCorrelation(l, c, entries)
}

func (d *Document) correlation() *Correlation {
	if d.Correlation == nil {
		d.Correlation = &Correlation{}
	}
	return d.Correlation
}

// generateKey is `generate` where the specification has it, beside the
// correlation; many authors write it inside.
func generateKey() key[Document] {
	k := boolKey("generate", "of a correlation: whether hits of the referenced rules are reported too", func(d *Document) *bool { return &d.correlation().Generate })
	read := k.read
	k.read = func(l *loader, n *yaml.Node, d *Document) {
		if d.Kind != KindCorrelation {
			l.warnf(d.KeyPos("generate"), CodeCorrelation, "leave it out", "generate says something in correlations only")
			return
		}
		read(l, n, d)
	}
	return k
}

// correlationType finds the type among the entries, or returns nil with a finding.
func (l *loader) correlationType(c *Correlation, entries []entry, types []correlationType) *correlationType {
	for _, e := range entries {
		if e.name != "type" || isNull(e.value) {
			continue
		}
		c.TypePos = l.pos(e.value)
		s, ok := l.text(e.value, "type")
		if !ok {
			return nil
		}
		c.Type = CorrelationType(s)
		var known []string
		for i := range types {
			switch t := &types[i]; {
			case string(t.name) != s:
				if l.native || !t.native {
					known = append(known, string(t.name))
				}
			case t.native && !l.native:
				l.errorf(c.TypePos, CodeNativeOnly, "add `rulewright: 1` at the top", "the correlation type %s is one of native documents", s)
				return t
			default:
				return t
			}
		}
		l.errorf(c.TypePos, CodeBadValue, NearestHint(s, known, "one of "+strings.Join(known, ", ")), "there is no correlation type %s", show(s))
		return nil
	}
	l.errorf(c.Pos, CodeMissingKey, "add type: event_count, or another type", "correlation lacks type")
	return nil
}

func typesWith(types []correlationType, key string) []string {
	var out []string
	for _, t := range types {
		if t.section().lookup(key) != nil {
			out = append(out, string(t.name))
		}
	}
	return out
}

func nativeTypes(types []correlationType) []string {
	var out []string
	for _, t := range types {
		if t.native {
			out = append(out, string(t.name))
		}
	}
	return out
}

func allCorrelationKeys(types []correlationType) []string {
	var out []string
	for _, t := range types {
		for _, k := range t.section().names(true) {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

// Keys.

func ptr[T any](v T) *T { return &v }

func boolKey[T any](name, doc string, at func(*T) *bool) key[T] {
	return key[T]{name: name, doc: doc, shape: shape{kind: shapeBool}, read: func(l *loader, n *yaml.Node, into *T) {
		if b, ok := l.boolean(n, name); ok {
			*at(into) = b
		}
	}}
}

// numericKey is a key with a number that is not negative.
func numericKey[T any](name, doc string, at func(*T) **Numeric) key[T] {
	return key[T]{name: name, doc: doc, shape: shape{kind: shapeNumber}, read: func(l *loader, n *yaml.Node, into *T) {
		num, ok := l.number(n, name)
		switch {
		case !ok:
		case !finite(num) || numericFloat(num) < 0:
			l.errorf(l.pos(n), CodeBadValue, "", "%s must be a number of at least 0", name)
		default:
			*at(into) = &num
		}
	}}
}

// fieldsKey is a key with field names, or one.
func fieldsKey[T any](name, doc string, at func(*T) *[]Field) key[T] {
	return key[T]{name: name, doc: doc, shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, into *T) {
		*at(into) = l.fieldList(n, name)
	}}
}

// fieldList reads field names, each of them once.
func (l *loader) fieldList(n *yaml.Node, what string) []Field {
	items, ok := l.oneOrMany(n, what)
	if !ok {
		return nil
	}
	if len(items) == 0 {
		l.errorf(l.pos(n), CodeEmptyList, "name a field, or leave the key out", "%s names no field", what)
	}
	var out []Field
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		f, ok := l.field(it, "an entry of "+what)
		if !ok {
			continue
		}
		if seen[f.Name] {
			l.warnf(f.Pos, CodeBadValue, "leave it out", "%s names the field %s twice", what, show(f.Name))
			continue
		}
		seen[f.Name] = true
		out = append(out, f)
	}
	return out
}

// referencesKey is a key with ids or names of rules, or one.
func referencesKey[T any](name, doc string, at func(*T) *[]Reference) key[T] {
	return key[T]{name: name, doc: doc, shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, into *T) {
		*at(into) = l.references(n, name)
	}}
}

// references reads ids or names of rules, each of them once.
func (l *loader) references(n *yaml.Node, what string) []Reference {
	items, ok := l.oneOrMany(n, what)
	if !ok {
		return nil
	}
	if len(items) == 0 {
		l.errorf(l.pos(n), CodeEmptyList, "name a rule by its id or name", "%s names no rule", what)
	}
	var out []Reference
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		r, ok := l.reference(it, "an entry of "+what)
		if !ok {
			continue
		}
		if seen[r.Name] {
			l.errorf(r.Pos, CodeBadValue, "name it once", "%s names the rule %s twice", what, show(r.Name))
			continue
		}
		seen[r.Name] = true
		out = append(out, r)
	}
	return out
}

func (l *loader) reference(n *yaml.Node, what string) (Reference, bool) {
	s, ok := l.text(n, what)
	if ok && strings.TrimSpace(s) == "" {
		l.errorf(l.pos(n), CodeBadValue, "name a rule by its id or name", "%s is empty", what)
		return Reference{}, false
	}
	return Reference{l.pos(n), s}, ok
}

// readAliases reads `alias: {rule: field, …}`.
func readAliases(l *loader, n *yaml.Node, c *Correlation) {
	entries, _ := l.mapping(n, "aliases")
	for _, e := range entries {
		a := Alias{Pos: l.pos(e.key), Name: e.name}
		if e.name == "" {
			l.errorf(a.Pos, CodeField, "", "an alias has no name")
		}
		fields, _ := l.mapping(e.value, "the alias "+e.name)
		for _, fe := range fields {
			if f, ok := l.field(fe.value, "the field behind an alias"); ok {
				a.Fields = append(a.Fields, AliasField{Reference{l.pos(fe.key), fe.name}, f})
			}
		}
		c.Aliases = append(c.Aliases, a)
	}
}

// Conditions.

// thresholdsOf is a mapping with threshold operators and, for the value types,
// what they are applied to.
type thresholdsOf struct {
	thresholds []Threshold
	fields     []Field
	percentile *Numeric
}

var opDocs = map[ThresholdOp]string{
	OpGT: "more than", OpGTE: "at least", OpLT: "less than", OpLTE: "at most", OpEQ: "exactly", OpNEQ: "anything but",
}

func thresholdKeys() []key[thresholdsOf] {
	var keys []key[thresholdsOf]
	for _, op := range thresholdOps {
		keys = append(keys, key[thresholdsOf]{name: string(op), doc: opDocs[op], shape: shape{kind: shapeNumber, alt: &shape{kind: shapePlaceholder}}, read: func(l *loader, n *yaml.Node, into *thresholdsOf) {
			if t, ok := l.threshold(n, op); ok {
				into.thresholds = append(into.thresholds, t)
			}
		}})
	}
	return keys
}

func thresholdSection() *section[thresholdsOf] {
	return &section[thresholdsOf]{name: "condition", keys: thresholdKeys()}
}

func valueSection() *section[thresholdsOf] {
	return &section[thresholdsOf]{name: "condition", keys: append([]key[thresholdsOf]{
		needed(fieldsKey("field", "the field that is looked at, or several", func(t *thresholdsOf) *[]Field { return &t.fields })),
	}, thresholdKeys()...)}
}

func percentileSection() *section[thresholdsOf] {
	s := valueSection()
	s.keys = slices.Insert(s.keys, 1, key[thresholdsOf]{name: "percentile", doc: "which percentile, above 0 and up to 100; 50 when absent", shape: shape{kind: shapeNumber}, read: func(l *loader, n *yaml.Node, into *thresholdsOf) {
		num, ok := l.number(n, "percentile")
		if f := numericFloat(num); ok && !(f > 0 && f <= 100) {
			l.errorf(l.pos(n), CodeBadValue, "", "percentile must be above 0 and up to 100")
		} else if ok {
			into.percentile = &num
		}
	}})
	return s
}

func thresholdFields() []field  { return thresholdSection().fields() }
func valueFields() []field      { return valueSection().fields() }
func percentileFields() []field { return percentileSection().fields() }

// threshold reads the number of one operator; in a native document a parameter
// may stand for it.
func (l *loader) threshold(n *yaml.Node, op ThresholdOp) (Threshold, bool) {
	t := Threshold{Pos: l.pos(n), Op: op}
	if n = resolve(n); n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		if m := placeholderForm.FindStringSubmatch(n.Value); m != nil {
			if !l.native {
				l.errorf(t.Pos, CodeNativeOnly, "add `rulewright: 1` at the top, or write the number", "%s: a parameter may stand here only in a native document", op)
				return t, false
			}
			t.Placeholder = m[1]
			return t, true
		}
	}
	num, ok := l.number(n, string(op))
	if ok && !finite(num) {
		l.errorf(t.Pos, CodeBadValue, "", "%s must be a finite number", op)
		return t, false
	}
	t.Value = num
	return t, ok
}

// conditionKey is the condition of the count and value types.
func conditionKey(doc string, fields func() []field) key[Correlation] {
	return key[Correlation]{name: "condition", doc: doc, shape: mappingOf(fields), read: readThresholds}
}

func readThresholds(l *loader, n *yaml.Node, c *Correlation) {
	s := thresholdSection()
	switch c.Type {
	case ValueCount, ValueSum, ValueAvg:
		s = valueSection()
	case ValuePercentile:
		s = percentileSection()
	}
	var t thresholdsOf
	if !s.read(l, n, &t) {
		return
	}
	c.Thresholds, c.ConditionFields, c.Percentile = t.thresholds, t.fields, t.percentile
	if len(t.fields) > 1 && c.Type != ValueCount {
		l.errorf(t.fields[1].Pos, CodeCorrelation, "name one field; only value_count takes several", "%s works on one field", c.Type)
	}
	least := math.Inf(-1)
	switch c.Type {
	case EventCount:
		least = 1 // an instant has an event
	case ValueCount:
		least = 0
	}
	l.checkThresholds(n, t.thresholds, least)
}

// checkThresholds reports a condition without operators and one that no value
// of at least least meets. Values that have a least one are counts.
func (l *loader) checkThresholds(n *yaml.Node, ts []Threshold, least float64) {
	if len(ts) == 0 {
		others := []string{"field", "percentile"}
		entries := resolve(n).Content
		for i := 0; i < len(entries); i += 2 {
			if !slices.Contains(others, entries[i].Value) && !isNull(resolve(entries[i+1])) {
				return // an operator whose value is wrong, or an unknown key
			}
		}
		l.errorf(l.pos(n), CodeCorrelation, "add one, such as gte: 10", "the condition has none of gt, gte, lt, lte, eq, neq")
		return
	}
	counts := !math.IsInf(least, -1)
	switch {
	case !satisfiable(ts, math.Inf(-1), math.Inf(1), counts):
		l.errorf(l.pos(n), CodeCorrelation, "all operators of a condition must hold; change one of them", "no number meets all of the condition")
	case counts && !Satisfiable(ts, least, math.Inf(1)):
		l.errorf(l.pos(n), CodeCorrelation, "for the absence of events use the native types counts (eq: 0) or after_silence", "a count here is at least %v, so the condition is never met", least)
	}
}

// Satisfiable reports whether a number of at least least and at most most meets
// all thresholds; where least is finite, a whole number. Thresholds that are
// parameters count as met.
func Satisfiable(ts []Threshold, least, most float64) bool {
	return satisfiable(ts, least, most, !math.IsInf(least, -1))
}

func satisfiable(ts []Threshold, least, most float64, whole bool) bool {
	low, high := least, most
	openLow, openHigh := false, false
	var not []float64
	for _, t := range ts {
		if t.Placeholder != "" {
			continue
		}
		v := numericFloat(t.Value)
		if t.Op == OpGT || t.Op == OpGTE || t.Op == OpEQ {
			if v > low || v == low && t.Op == OpGT {
				low, openLow = v, t.Op == OpGT
			}
		}
		if t.Op == OpLT || t.Op == OpLTE || t.Op == OpEQ {
			if v < high || v == high && t.Op == OpLT {
				high, openHigh = v, t.Op == OpLT
			}
		}
		if t.Op == OpNEQ {
			not = append(not, v)
		}
	}
	if whole {
		if c := math.Ceil(low); c > low || !openLow {
			low = c
		} else {
			low++
		}
		openLow = false
		for range not {
			if slices.Contains(not, low) {
				low++
			}
		}
	}
	return low < high || low == high && !openLow && !openHigh && !slices.Contains(not, low)
}

// readTemporalCondition reads an expression over rule names, or thresholds for
// the number of rules.
func readTemporalCondition(l *loader, n *yaml.Node, c *Correlation) {
	if resolve(n).Kind == yaml.ScalarNode {
		c.Expr = l.condition(n, false)
		return
	}
	var t thresholdsOf
	if thresholdSection().read(l, n, &t) {
		c.Thresholds = t.thresholds
		l.checkThresholds(n, t.thresholds, 1)
	}
}

// readRuleCounts reads `rule: {gte: 10}, …`.
func readRuleCounts(l *loader, n *yaml.Node, c *Correlation) {
	entries, _ := l.mapping(n, "condition")
	for _, e := range entries {
		var t thresholdsOf
		if thresholdSection().read(l, e.value, &t) {
			l.checkThresholds(e.value, t.thresholds, 0)
			c.RuleCounts = append(c.RuleCounts, RuleCount{Reference{l.pos(e.key), e.name}, t.thresholds})
		}
	}
}

func ratioSection() *section[Ratio] {
	rule := func(name, doc string, at func(*Ratio) *Reference) key[Ratio] {
		return needed(key[Ratio]{name: name, doc: doc, shape: textShape(), read: func(l *loader, n *yaml.Node, r *Ratio) {
			*at(r), _ = l.reference(n, name)
		}})
	}
	return &section[Ratio]{name: "ratio", keys: []key[Ratio]{
		rule("of", "the rule whose count is compared", func(r *Ratio) *Reference { return &r.Of }),
		rule("to", "the rule whose count it is compared with", func(r *Ratio) *Reference { return &r.To }),
		needed(key[Ratio]{name: "gte", doc: "how many times as many at least", shape: shape{kind: shapeNumber}, read: func(l *loader, n *yaml.Node, r *Ratio) {
			num, ok := l.number(n, "gte")
			if ok && (!finite(num) || numericFloat(num) <= 0) {
				l.errorf(l.pos(n), CodeBadValue, "", "gte of ratio must be above 0")
			}
			r.GTE = num
		}}),
	}}
}

func ratioFields() []field { return ratioSection().fields() }

// checkCorrelation checks what concerns several keys.
func checkCorrelation(l *loader, c *Correlation, entries []entry) {
	at := func(name string) Pos {
		for _, e := range entries {
			if e.name == name {
				return l.pos(e.key)
			}
		}
		return c.Pos
	}
	has := func(name string) bool { return at(name) != c.Pos }

	known := make([]string, len(c.Rules))
	for i, r := range c.Rules {
		known[i] = r.Name
	}
	// A rule that is listed by its id may be called by its name elsewhere, and
	// the other way round; that is looked up where the rules are at hand.
	ids := slices.ContainsFunc(known, uuidForm.MatchString)
	elsewhere := func(r Reference) bool {
		return !slices.Contains(known, r.Name) && (ids || uuidForm.MatchString(r.Name))
	}
	listed := func(r Reference, where string) bool {
		if len(known) == 0 || slices.Contains(known, r.Name) || elsewhere(r) {
			return true
		}
		l.errorf(r.Pos, CodeCorrelation, NearestHint(r.Name, known, "add it to rules, or name one of "+strings.Join(known, ", ")), "%s names %s, which is not among rules", where, show(r.Name))
		return false
	}

	used := map[string]bool{}
	for _, fs := range [][]Field{c.GroupBy, c.ConditionFields, c.Fields} {
		for _, f := range fs {
			used[f.Name] = true
		}
	}
	for _, a := range c.Aliases {
		if !used[a.Name] {
			l.warnf(a.Pos, CodeCorrelation, "name it in group-by, or leave it out", "the alias %s is not used", show(a.Name))
		}
		has := map[string]bool{}
		later := false
		for _, f := range a.Fields {
			listed(f.Rule, "the alias "+a.Name)
			has[f.Rule.Name] = true
			later = later || elsewhere(f.Rule)
		}
		for _, r := range known {
			if !has[r] && !later {
				l.warnf(a.Pos, CodeCorrelation, "give the rule's own name for the field; without one the alias itself is taken for a field of its events", "the alias %s says nothing of the rule %s", show(a.Name), show(r))
			}
		}
	}
	switch c.Type {
	case Temporal, TemporalOrdered:
		if len(c.Rules) == 1 {
			l.errorf(c.Rules[0].Pos, CodeCorrelation, "name the other rules, or use event_count", "%s needs at least two rules", c.Type)
		}
		if c.Expr != nil {
			eachName(c.Expr.Expr, func(n *ConditionName) { listed(Reference{n.Pos, n.Name}, "condition") }, func(of *ConditionOf) {
				if len(known) > 0 && !ids && !slices.ContainsFunc(known, of.Matches) {
					l.errorf(of.Pos, CodeNoMatch, "the rules are "+strings.Join(known, ", "), "the pattern %s fits none of rules", show(of.Pattern))
				}
			})
		}
		for _, t := range c.Thresholds {
			if t.Placeholder == "" && (t.Op == OpGT || t.Op == OpGTE || t.Op == OpEQ) && numericFloat(t.Value) > float64(len(known)) && len(known) > 0 {
				l.errorf(t.Pos, CodeCorrelation, "", "more rules are asked for than the %d listed", len(known))
			}
		}
	case AfterSilence:
		if c.Silence.Seconds > 0 && c.Lookback.Seconds > 0 && c.Silence.Seconds > c.Lookback.Seconds {
			l.errorf(c.Lookback.Pos, CodeCorrelation, "make the lookback longer than the silence", "no event before the silence of %s lies in a lookback of %s", c.Silence.Text, c.Lookback.Text)
		}
	case Counts:
		if !has("condition") && c.Ratio == nil && !has("ratio") {
			l.errorf(c.Pos, CodeMissingKey, "add the key condition, with gte: 10 or the like for each rule", "a correlation of type counts lacks condition")
			return
		}
		counted := map[string]bool{}
		later := c.Ratio != nil && (elsewhere(c.Ratio.Of) || elsewhere(c.Ratio.To))
		for _, r := range c.RuleCounts {
			listed(r.Rule, "condition")
			counted[r.Rule.Name] = true
			later = later || elsewhere(r.Rule)
		}
		if c.Ratio != nil && c.Ratio.Of.Name != "" && c.Ratio.To.Name != "" {
			listed(c.Ratio.Of, "ratio")
			listed(c.Ratio.To, "ratio")
			counted[c.Ratio.Of.Name], counted[c.Ratio.To.Name] = true, true
			if c.Ratio.Of.Name == c.Ratio.To.Name {
				l.errorf(c.Ratio.To.Pos, CodeCorrelation, "name two rules", "ratio compares the rule %s with itself", show(c.Ratio.Of.Name))
			}
		}
		for _, r := range c.Rules {
			if !counted[r.Name] && !later {
				l.errorf(r.Pos, CodeCorrelation, "add it to condition, or leave it out", "no condition says what the count of %s must be", show(r.Name))
			}
		}
	case Increase:
		if !has("ratio") && !has("difference") {
			l.errorf(c.Pos, CodeMissingKey, "add ratio: 3, or difference: 100", "a correlation of type increase lacks ratio or difference")
		}
		w, a := c.Timespan.Seconds, c.Against.Seconds
		if w > 0 && a > 0 && a%w != 0 {
			l.errorf(c.Against.Pos, CodeCorrelation, "use a multiple of timespan, such as the same value", "windows of %s do not divide %s", c.Timespan.Text, c.Against.Text)
		}
		if c.Zone != "" && w%86400 != 0 {
			l.errorf(at("zone"), CodeCorrelation, "leave zone out, or use a timespan of whole days", "windows of %s do not begin at midnights", c.Timespan.Text)
		}
	}
}

// checkReferences reports a correlation or filter that names itself. The
// document's id and name are known only after all keys were read.
func checkReferences(l *loader, doc *Document) {
	var rules []Reference
	if doc.Correlation != nil {
		rules = append(rules, doc.Correlation.Rules...)
	}
	if doc.Filter != nil {
		rules = append(rules, doc.Filter.Rules...)
	}
	for _, r := range rules {
		if r.Name == doc.Meta.Name || strings.EqualFold(r.Name, doc.Meta.ID) {
			code := CodeCorrelation
			if doc.Kind == KindFilter {
				code = CodeFilter
			}
			l.errorf(r.Pos, code, "name another rule", "the %s refers to itself", doc.Kind)
		}
	}
}

// eachName calls name and of for the leaves of a condition.
func eachName(e ConditionExpr, name func(*ConditionName), of func(*ConditionOf)) {
	switch e := e.(type) {
	case *ConditionAnd:
		for _, p := range e.Parts {
			eachName(p, name, of)
		}
	case *ConditionOr:
		for _, p := range e.Parts {
			eachName(p, name, of)
		}
	case *ConditionNot:
		eachName(e.Part, name, of)
	case *ConditionName:
		name(e)
	case *ConditionOf:
		of(e)
	}
}

func numericFloat(n Numeric) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

func finite(n Numeric) bool {
	f := numericFloat(n)
	return !math.IsInf(f, 0) && !math.IsNaN(f)
}
