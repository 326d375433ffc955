package pysigma

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// subject is what a condition is asked of: an item with its field's name, or
// a name that stands alone. Conditions on rules take neither.
type subject struct {
	item *sigma.Item
	name string // "" for keywords
}

type condition struct {
	test func(r *run, s subject) bool
}

// conditions are those of one kind of a step, and how they go together.
type conditions struct {
	list []condition
	any  bool
	not  bool
	expr func(holds func(i int) bool) bool // nil: any or all of the list
}

func (c *conditions) hold(test func(condition) bool) bool {
	if len(c.list) == 0 {
		return true
	}
	var ok bool
	switch {
	case c.expr != nil:
		ok = c.expr(func(i int) bool { return test(c.list[i]) })
	case c.any:
		ok = slices.ContainsFunc(c.list, test)
	default:
		ok = !slices.ContainsFunc(c.list, func(c condition) bool { return !test(c) })
	}
	return ok != c.not
}

// conditionType is a line of the table of conditions.
type conditionType struct {
	name string
	read func(m *mapping) condition
}

var ruleConditions = []conditionType{
	{"logsource", readLogsource},
	{"contains_field", func(m *mapping) condition {
		field := m.needText("field")
		return anyItem(func(r *run, it *sigma.Item, full string) bool { return full == field })
	}},
	{"contains_detection_item", func(m *mapping) condition {
		field, value := m.needText("field"), m.scalar("value")
		return anyItem(func(r *run, it *sigma.Item, full string) bool {
			return full == field && slices.ContainsFunc(it.Values, func(v sigma.Value) bool { return equalsScalar(it, v, value) })
		})
	}},
	{"processing_item_applied", func(m *mapping) condition {
		id := m.needText("processing_item_id")
		return condition{func(r *run, _ subject) bool { return r.applied[id] }}
	}},
	{"processing_state", readState},
	{"is_sigma_rule", func(m *mapping) condition {
		return condition{func(r *run, _ subject) bool { return r.doc.Correlation == nil }}
	}},
	{"is_sigma_correlation_rule", func(m *mapping) condition {
		return condition{func(r *run, _ subject) bool { return r.doc.Correlation != nil }}
	}},
	{"rule_attribute", readAttribute},
	{"tag", func(m *mapping) condition {
		tag := m.needText("tag")
		return condition{func(r *run, _ subject) bool { return slices.Contains(r.doc.Meta.Tags, tag) }}
	}},
}

var itemConditions = []conditionType{
	{"match_string", func(m *mapping) condition {
		re := m.regexp("pattern", true)
		negate := m.bool("negate")
		return anyOrAll(m, func(it *sigma.Item, v sigma.Value) bool {
			k, parts := view(it, v)
			return (k == kindText && re.MatchString(plainText(parts))) != negate
		})
	}},
	{"match_value", func(m *mapping) condition {
		value := m.scalar("value")
		return anyOrAll(m, func(it *sigma.Item, v sigma.Value) bool { return equalsScalar(it, v, value) })
	}},
	{"contains_wildcard", func(m *mapping) condition {
		return anyOrAll(m, func(it *sigma.Item, v sigma.Value) bool {
			k, parts := view(it, v)
			return k == kindText && (has(parts, sigma.AnyRun) || has(parts, sigma.AnyOne))
		})
	}},
	{"is_null", func(m *mapping) condition {
		return anyOrAll(m, func(it *sigma.Item, v sigma.Value) bool { k, _ := view(it, v); return k == kindNull })
	}},
	{"processing_item_applied", func(m *mapping) condition {
		id := m.needText("processing_item_id")
		return condition{func(r *run, s subject) bool { return r.items[s.item][id] }}
	}},
	{"processing_state", readState},
}

var nameConditions = []conditionType{
	{"include_fields", func(m *mapping) condition { return readFields(m, false) }},
	{"exclude_fields", func(m *mapping) condition { return readFields(m, true) }},
	{"processing_item_applied", func(m *mapping) condition {
		id := m.needText("processing_item_id")
		return condition{func(r *run, s subject) bool {
			if s.item != nil {
				return r.items[s.item][id]
			}
			return r.fields[s.name][id]
		}}
	}},
	{"processing_state", readState},
}

// conditions reads one kind of conditions of a step: prefix is rule,
// detection_item or field_name.
func (m *mapping) conditions(prefix string, table []conditionType) conditions {
	var out conditions
	n := m.get(prefix + "_conditions")
	expr := m.text(prefix + "_cond_expr")
	op := m.word(prefix+"_cond_op", "", "and", "or")
	out.any, out.not = op == "or", m.bool(prefix+"_cond_not")
	var names []string
	read := func(n *yaml.Node) {
		c := m.mapping(n, "a condition")
		if c == nil {
			return
		}
		kind := c.needText("type")
		i := slices.IndexFunc(table, func(t conditionType) bool { return t.name == kind })
		if i < 0 {
			if kind != "" {
				var known []string
				for _, t := range table {
					known = append(known, t.name)
				}
				c.errorf(c.value["type"], sigma.CodeBadValue, sigma.NearestHint(kind, known, "there are "+strings.Join(known, ", ")), "%s has no condition %q", prefix+"_conditions", kind)
			}
			return
		}
		c.what = "the condition " + kind
		out.list = append(out.list, table[i].read(c))
		c.done()
	}
	switch {
	case n == nil || isNull(n):
	case n.Kind == yaml.SequenceNode && expr == "":
		for _, c := range n.Content {
			read(c)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			names = append(names, m.scalarText(n.Content[i], "a condition's name"))
			read(n.Content[i+1])
		}
	default:
		m.errorf(n, sigma.CodeType, "", "%s is a list, or with %s a mapping of names to conditions", prefix+"_conditions", prefix+"_cond_expr")
	}
	switch at := m.value[prefix+"_cond_expr"]; {
	case expr != "" && op != "":
		m.errorf(at, sigma.CodeBadValue, "drop one of them", "%s and %s exclude each other", prefix+"_cond_expr", prefix+"_cond_op")
	case expr != "":
		if len(names) != len(out.list) {
			break // one of them has its finding
		}
		e, err := parseExpression(expr, names)
		if err != nil {
			m.errorf(at, sigma.CodeCondition, "", "%s: %v", prefix+"_cond_expr", err)
		}
		out.expr = e
	case len(out.list) == 0 && (out.not || op != ""):
		m.warnf(m.at, sigma.CodeCondition, "", "the step says how %s go together, but has none", prefix+"_conditions")
	}
	return out
}

// anyOrAll is a condition on the values of an item.
func anyOrAll(m *mapping, test func(it *sigma.Item, v sigma.Value) bool) condition {
	m.need("cond")
	all := m.word("cond", "any", "any", "all") == "all"
	return condition{func(_ *run, s subject) bool {
		if s.item == nil {
			return false
		}
		return slices.ContainsFunc(s.item.Values, func(v sigma.Value) bool { return test(s.item, v) != all }) != all
	}}
}

// anyItem is a condition that one item of the rule fulfils.
func anyItem(test func(r *run, it *sigma.Item, full string) bool) condition {
	var block func(r *run, b sigma.Block, sc scope) bool
	block = func(r *run, b sigma.Block, sc scope) bool {
		if sc.deep++; sc.deep > maxDepth {
			return false
		}
		item := func(it *sigma.Item) bool {
			if isGroup(it) {
				return block(r, it.Block, sc)
			}
			full := sc.name(it.Field)
			return test(r, it, full) || it.Block != nil && block(r, it.Block, scope{old: full, deep: sc.deep})
		}
		switch b := b.(type) {
		case *sigma.AllOf:
			return slices.ContainsFunc(b.Items, item)
		case *sigma.AnyOf:
			return slices.ContainsFunc(b.Blocks, func(x sigma.Block) bool { return block(r, x, sc) })
		case *sigma.Item:
			return item(b)
		case *sigma.Detection:
			return slices.ContainsFunc(b.Selections, func(s *sigma.Selection) bool { return block(r, s.Body, sc) })
		}
		panic(fmt.Sprintf("pysigma: unknown block %T", b))
	}
	return condition{func(r *run, _ subject) bool { return r.doc.Detection != nil && block(r, r.doc.Detection, scope{}) }}
}

// equalsScalar compares a value, as pySigma sees it, with one of the pipeline.
func equalsScalar(it *sigma.Item, v sigma.Value, with any) bool {
	switch k, parts := view(it, v); k {
	case kindText:
		s, ok := with.(string)
		return ok && slices.Equal(parts, sigma.ParseParts(s, it.Has(sigma.ModExpand)))
	case kindNumber, kindBool:
		return sameValue(v, scalarValue(sigma.Pos{}, with))
	}
	return false
}

func readLogsource(m *mapping) condition {
	want := [3]string{m.text("category"), m.text("product"), m.text("service")}
	if want == [3]string{} {
		m.errorf(m.at, sigma.CodeLogSource, "give category, product or service", "the logsource is empty")
	}
	fits := func(l *sigma.LogSource) bool {
		return (want[0] == "" || want[0] == l.Category) && (want[1] == "" || want[1] == l.Product) && (want[2] == "" || want[2] == l.Service)
	}
	return condition{func(r *run, _ subject) bool {
		return slices.ContainsFunc(sources(r.doc, r.p.opts.Documents), fits)
	}}
}

// sources returns a document's logsource; of a correlation those of the rules
// that it refers to, however far.
func sources(doc *sigma.Document, docs []*sigma.Document) []*sigma.LogSource {
	var out []*sigma.LogSource
	seen := map[*sigma.Document]bool{}
	var walk func(d *sigma.Document)
	walk = func(d *sigma.Document) {
		if seen[d] {
			return
		}
		seen[d] = true
		if d.Correlation == nil {
			out = append(out, &d.LogSource)
			return
		}
		for _, ref := range d.Correlation.Rules {
			for _, other := range docs {
				if other.Meta.IsCalled(ref.Name) {
					walk(other)
				}
			}
		}
	}
	walk(doc)
	return out
}

func readFields(m *mapping, exclude bool) condition {
	fields := m.needTexts("fields")
	mode := m.word("mode", "plain", "plain", "re")
	var res []*regexp.Regexp
	if mode == "re" {
		for i, f := range fields {
			at := m.value["fields"]
			if at.Kind == yaml.SequenceNode {
				at = at.Content[i]
			}
			res = append(res, m.compile(at, f, true))
		}
	}
	return condition{func(_ *run, s subject) bool {
		in := false
		switch {
		case s.name == "":
		case mode == "re":
			in = slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(s.name) })
		default:
			in = slices.Contains(fields, s.name)
		}
		return in != exclude
	}}
}

var comparisons = []string{"eq", "ne", "gte", "gt", "lte", "lt"}

func readState(m *mapping) condition {
	key, val := m.needText("key"), m.scalar("val")
	op := m.word("op", "eq", comparisons...)
	at := m.place(m.at)
	return condition{func(r *run, _ subject) bool {
		state, ok := r.state[key]
		if !ok {
			return false
		}
		holds, ok := compare(state, op, val)
		if !ok {
			r.report(at.diagnostic(sigma.CodeType, "", "the state %s is %v, which has no order with %v", key, state, val))
		}
		return holds
	}}
}

// compare compares two scalars. ok is false where there is no order between
// them.
func compare(a any, op string, b any) (holds, ok bool) {
	order := 0
	x, xNumber := asNumber(a)
	y, yNumber := asNumber(b)
	s, sText := a.(string)
	t, tText := b.(string)
	switch {
	case xNumber && yNumber && x < y, sText && tText && s < t:
		order = -1
	case xNumber && yNumber && x > y, sText && tText && s > t:
		order = 1
	case xNumber && yNumber, sText && tText:
	default:
		switch op {
		case "eq":
			return reflect.DeepEqual(a, b), true
		case "ne":
			return !reflect.DeepEqual(a, b), true
		}
		return false, false
	}
	return map[string]bool{"eq": order == 0, "ne": order != 0, "gte": order >= 0, "gt": order > 0, "lte": order <= 0, "lt": order < 0}[op], true
}

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

var (
	levels   = []string{"informational", "low", "medium", "high", "critical"}
	statuses = []string{"unsupported", "deprecated", "experimental", "test", "stable"}
)

// readAttribute compares something that the rule says of itself. What the rule
// does not say fulfils no comparison.
func readAttribute(m *mapping) condition {
	name, want := m.needText("attribute"), m.scalar("value")
	op := m.word("op", "eq", append([]string{"in", "not_in"}, comparisons...)...)
	at := m.place(m.at)
	return condition{func(r *run, _ subject) bool {
		fail := func(format string, args ...any) bool {
			r.report(at.diagnostic(sigma.CodeBadValue, "", "rule_attribute %s: "+format, append([]any{name}, args...)...))
			return false
		}
		have, ok := attribute(r.doc, name)
		if !ok {
			return fail("this attribute cannot be compared")
		}
		text, isText := want.(string)
		ranked := func(ranks []string) bool {
			a, b := slices.Index(ranks, have.(string)), slices.Index(ranks, strings.ToLower(text))
			if b < 0 {
				return fail("%v is none of %s", want, strings.Join(ranks, ", "))
			}
			holds, _ := compare(a, op, b)
			return holds && a >= 0
		}
		switch have := have.(type) {
		case nil:
			return false
		case []string:
			in := isText && slices.Contains(have, text)
			return op == "in" && in || op == "not_in" && !in || op == "ne"
		case []any:
			in := slices.ContainsFunc(have, func(v any) bool { return reflect.DeepEqual(v, want) })
			return op == "in" && in || op == "not_in" && !in || op == "ne"
		case string:
			switch {
			case have == "":
				return false
			case op == "in" || op == "not_in":
				return fail("%s asks for a list", op)
			case name == "level":
				return ranked(levels)
			case name == "status":
				return ranked(statuses)
			case name == "date" || name == "modified":
				if _, err := time.Parse(time.DateOnly, text); err != nil {
					return fail("%v is no date of the form YYYY-MM-DD", want)
				}
			case op != "eq" && op != "ne":
				return fail("text has no order; write eq or ne")
			}
			holds, _ := compare(have, op, fmt.Sprint(want))
			return holds
		case int, float64:
			number, isNumber := asNumber(want)
			if !isNumber {
				var err error
				if number, err = strconv.ParseFloat(text, 64); err != nil || !isText {
					return fail("%v is no number", want)
				}
			}
			holds, ok := compare(have, op, number)
			return holds && ok || !ok && fail("%s asks for a list", op)
		}
		return fail("this attribute cannot be compared")
	}}
}

// attribute returns what the document says of itself under a name: text, a
// list, or what YAML made of a custom attribute; nil where it says nothing.
func attribute(d *sigma.Document, name string) (any, bool) {
	m := &d.Meta
	if v, ok := map[string]any{
		"title": m.Title, "id": m.ID, "name": m.Name, "taxonomy": m.Taxonomy, "status": m.Status, "description": m.Description,
		"license": m.License, "author": m.Author, "date": m.Date, "modified": m.Modified, "level": m.Level,
		"references": m.References, "tags": m.Tags, "scope": m.Scope, "fields": m.Fields, "falsepositives": m.FalsePositives,
	}[name]; ok {
		return v, true
	}
	switch name {
	case "detection", "logsource", "related", "correlation", "filter", "source", "errors", "custom_attributes":
		return nil, false
	}
	for _, a := range m.Custom {
		if a.Key == name {
			_, isMap := a.Value.(map[string]any)
			return a.Value, !isMap
		}
	}
	return nil, true
}
