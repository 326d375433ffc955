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
