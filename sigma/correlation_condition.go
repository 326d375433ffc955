package sigma

import (
	"math"
	"slices"

	"gopkg.in/yaml.v3"
)

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

func thresholdFields() []field { return thresholdSection().fields() }

func valueFields() []field { return valueSection().fields() }

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
