package pysigma

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// transformationType is a line of the table of transformations: one that is
// read, or one that is refused.
type transformationType struct {
	name    string
	read    func(m *mapping) transformation
	refused string // completes "the step NAME …"
	hint    string
}

var transformations []transformationType

func init() { // the table refers to itself: steps may hold steps
	transformations = []transformationType{
		{name: "field_name_mapping", read: fieldMapping},
		{name: "field_name_prefix_mapping", read: prefixMapping},
		{name: "field_name_transform", refused: "calls a Python function", hint: "write the names out in field_name_mapping"},
		{name: "field_name_prefix", read: func(m *mapping) transformation {
			prefix := m.needText("prefix")
			return oneName(func(name string) string { return prefix + name })
		}},
		{name: "field_name_suffix", read: func(m *mapping) transformation {
			suffix := m.needText("suffix")
			return oneName(func(name string) string { return name + suffix })
		}},
		{name: "add_field", read: func(m *mapping) transformation {
			return fieldList(m.needTexts("field"), func(have, own []string) []string { return append(slices.Clip(have), own...) })
		}},
		{name: "remove_field", read: func(m *mapping) transformation {
			return fieldList(m.needTexts("field"), func(have, own []string) []string {
				for _, f := range own {
					if i := slices.Index(have, f); i >= 0 {
						have = slices.Concat(have[:i], have[i+1:])
					}
				}
				return have
			})
		}},
		{name: "set_field", read: func(m *mapping) transformation {
			m.need("fields")
			return fieldList(m.texts("fields"), func(_, own []string) []string { return slices.Clip(own) })
		}},

		{name: "drop_detection_item", read: func(m *mapping) transformation {
			return transformation{blocks: true, item: func(s *stepRun, it *sigma.Item, full string) ([]conjunction, bool) { return []conjunction{nil}, true }}
		}},
		{name: "add_condition", read: addCondition},
		{name: "change_logsource", read: changeLogsource},
		{name: "set_custom_attribute", read: setAttribute},
		{name: "set_state", read: func(m *mapping) transformation {
			key, n := m.needText("key"), m.need("val")
			if n == nil {
				return transformation{}
			}
			val := m.any(n)
			return transformation{rule: func(s *stepRun) { s.state[key] = val }}
		}},
		{name: "nest", read: func(m *mapping) transformation { return transformation{nested: m.items()} }},

		{name: "replace_string", read: replaceString},
		{name: "map_string", read: mapString},
		{name: "set_value", read: setValue},
		{name: "convert_type", read: convertType},
		{name: "case", read: changeCase},
		{name: "regex", read: toRegex},
		{name: "hashes_fields", read: hashesFields},
		{name: "extract_fields", read: extractFields},

		{name: "value_placeholders", read: valuePlaceholders},
		{name: "wildcard_placeholders", read: wildcardPlaceholders},
		{name: "file_placeholders", read: filePlaceholders},
		{name: "query_expression_placeholders", refused: "writes text of a query language", hint: "use value_placeholders, or leave the placeholder to the tenant profile"},
		{name: "http_placeholders", refused: "asks the network", hint: "fetch the values yourself and give them with Options.Placeholders"},
		{name: "command_placeholders", refused: "runs a command", hint: "run it yourself and give its values with Options.Placeholders"},

		{name: "rule_failure", read: func(m *mapping) transformation {
			message := m.needText("message")
			return transformation{rule: func(s *stepRun) {
				s.errorf(s.doc.Pos, sigma.CodeUnsupported, s.step.String(), "the pipeline refuses the rule: %s", message)
			}}
		}},
		{name: "detection_item_failure", read: func(m *mapping) transformation {
			message := m.needText("message")
			return transformation{blocks: true, item: func(s *stepRun, it *sigma.Item, full string) ([]conjunction, bool) {
				s.errorf(it.Pos, sigma.CodeUnsupported, s.step.String(), "the pipeline refuses this: %s", message)
				return nil, false
			}}
		}},
		{name: "strict_field_mapping_failure", read: func(m *mapping) transformation {
			return transformation{rule: func(s *stepRun) {
				anyItem(func(r *run, it *sigma.Item, full string) bool {
					if full != "" && it.Field.Name != "." && !r.mapped[full] {
						r.errorf(it.Pos, sigma.CodeUnknownField, s.step.String(), "the pipeline maps no field %s", full)
					}
					return false
				}).test(s.run, subject{})
			}}
		}},
	}
}

func fieldMapping(m *mapping) transformation {
	to := m.fieldNames("mapping", true)
	return transformation{names: func(_ *stepRun, name string) []string { return to[name] }}
}

// prefixMapping maps by the first fitting prefix in the order of the file.
func prefixMapping(m *mapping) transformation {
	to := m.fieldNames("mapping", false)
	var order []string
	if n := m.value["mapping"]; n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			order = append(order, n.Content[i].Value)
		}
	}
	return transformation{names: func(_ *stepRun, name string) []string {
		for _, prefix := range order {
			if rest, ok := strings.CutPrefix(name, prefix); ok && name != "" {
				var out []string
				for _, p := range to[prefix] {
					out = append(out, p+rest)
				}
				return out
			}
		}
		return nil
	}}
}

func oneName(f func(string) string) transformation {
	return transformation{names: func(_ *stepRun, name string) []string {
		if name == "" {
			return nil
		}
		return []string{f(name)}
	}}
}

// fieldList changes the rule's list `fields`.
func fieldList(own []string, f func(have, own []string) []string) transformation {
	return transformation{rule: func(s *stepRun) { s.doc.Meta.Fields = f(s.doc.Meta.Fields, own) }}
}

// lists maps the names that stand outside of the detection.
func (s *stepRun) lists() {
	one := func(name string) []string {
		to := s.names(name, nil)
		if to == nil || name == "" {
			return []string{name}
		}
		if s.id != "" && !slices.Equal(to, []string{name}) {
			ids := map[string]bool{s.id: true}
			for id := range s.fields[name] {
				ids[id] = true
			}
			delete(s.fields, name)
			for _, t := range to {
				s.fields[t] = ids
			}
		}
		return to
	}
	fields := func(fs []sigma.Field, except map[string]bool) []sigma.Field {
		if fs == nil {
			return nil
		}
		out := make([]sigma.Field, 0, len(fs))
		for _, f := range fs {
			name := scope{}.name(f)
			if except[name] {
				out = append(out, f)
				continue
			}
			for _, t := range one(name) {
				if t == name {
					out = append(out, f)
				} else if g, ok := s.field(f.Pos, t); ok {
					out = append(out, g)
				}
			}
		}
		return out
	}
	single := func(fs []sigma.Field, except map[string]bool) []sigma.Field {
		out := fields(fs, except)
		if len(out) > len(fs) {
			s.errorf(fs[0].Pos, sigma.CodeUnsupported, "map it to one field", "%s maps a field to several where there can be one only", s.step)
			return fs
		}
		return out
	}
	doc := s.doc
	if doc.Meta.Fields != nil {
		out := make([]string, 0, len(doc.Meta.Fields))
		for _, f := range doc.Meta.Fields {
			out = append(out, one(f)...)
		}
		doc.Meta.Fields = out
	}
	if doc.Meta.Entities != nil {
		var out []sigma.Entity
		for _, e := range doc.Meta.Entities {
			for _, t := range one(e.Field) {
				out = append(out, sigma.Entity{Pos: e.Pos, Type: e.Type, Field: t})
			}
		}
		doc.Meta.Entities = out
	}
	if doc.Once != nil {
		o := *doc.Once
		o.By = fields(o.By, nil)
		doc.Once = &o
	}
	if d := doc.Detection; d != nil && slices.ContainsFunc(d.Conditions, func(c *sigma.Condition) bool { return c.Aggregation != nil }) {
		n := *d
		n.Conditions = slices.Clone(d.Conditions)
		for i, c := range n.Conditions {
			if c.Aggregation == nil {
				continue
			}
			a := *c.Aggregation
			a.By = fields(a.By, nil)
			if a.Field != "" {
				a.Field = single([]sigma.Field{{Pos: a.Pos, Name: a.Field}}, nil)[0].Name
			}
			nc := *c
			nc.Aggregation, nc.Text = &a, ""
			n.Conditions[i] = &nc
		}
		doc.Detection = &n
	}
	if doc.Correlation == nil {
		return
	}
	c := *doc.Correlation
	aliases := map[string]bool{}
	c.Aliases = slices.Clone(c.Aliases)
	for i, a := range c.Aliases {
		aliases[a.Name] = true
		c.Aliases[i].Fields = slices.Clone(a.Fields)
		for j, f := range a.Fields {
			c.Aliases[i].Fields[j].Field = single([]sigma.Field{f.Field}, nil)[0]
		}
	}
	c.GroupBy = fields(c.GroupBy, aliases)
	c.ConditionFields = single(c.ConditionFields, aliases)
	c.Fields = single(c.Fields, aliases)
	doc.Correlation = &c
}

// addCondition adds a selection, and asks for it in each condition.
func addCondition(m *mapping) transformation {
	body := m.selection("conditions")
	name, template, negated := m.text("name"), m.bool("template"), m.bool("negated")
	return transformation{rule: func(s *stepRun) {
		if s.doc.Kind != sigma.KindRule || s.doc.Detection == nil || body == nil {
			return // a filter narrows rules that get the condition themselves
		}
		d := *s.doc.Detection
		own := freeName(&d, name)
		pos := conditionPos(&d)
		if own == "" {
			s.errorf(pos, sigma.CodeUnsupported, "write narrower patterns", "%s adds a selection, but any name for it fits a pattern of the condition", s.step)
			return
		}
		sel := &sigma.Selection{Name: own, Pos: pos, Body: s.added(body, pos, template)}
		d.Selections = append(slices.Clip(d.Selections), sel)
		d.Conditions = slices.Clone(d.Conditions)
		for i, c := range d.Conditions {
			var e sigma.ConditionExpr = &sigma.ConditionName{Pos: c.Pos, Name: own}
			text := own
			if negated {
				e, text = &sigma.ConditionNot{Pos: c.Pos, Part: e}, "not "+own
			}
			n := *c
			n.Expr = &sigma.ConditionAnd{Pos: c.Pos, Parts: []sigma.ConditionExpr{e, c.Expr}}
			if n.Text = text + " and (" + c.Text + ")"; c.Aggregation != nil || c.Text == "" {
				n.Text = ""
			}
			d.Conditions[i] = &n
		}
		s.doc.Detection = &d
	}}
}

// freeName returns a name for a selection that neither a selection has nor a
// pattern of a condition fits: `1 of them` must not be fulfilled by what is
// added.
func freeName(d *sigma.Detection, want string) string {
	free := func(name string) bool {
		return name != "condition" && name != "timeframe" && plainName(name) && d.Selection(name) == nil &&
			!slices.ContainsFunc(d.Conditions, func(c *sigma.Condition) bool { return fitsPattern(c.Expr, name) })
	}
	if !plainName(want) {
		want = "_cond"
	}
	if free(want) {
		return want
	}
	for i := 1; i <= len(d.Selections)+1; i++ { // one of so many is not taken
		for _, name := range []string{"_" + want + strconv.Itoa(i), strings.TrimLeft(want, "_") + strconv.Itoa(i)} {
			if free(name) {
				return name
			}
		}
	}
	return ""
}

func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == "" &&
		!slices.Contains([]string{"and", "or", "not", "of", "them", "all", "any"}, strings.ToLower(s)) && strings.Trim(s, "0123456789") != ""
}

func fitsPattern(e sigma.ConditionExpr, name string) bool {
	any := func(ps []sigma.ConditionExpr) bool {
		return slices.ContainsFunc(ps, func(p sigma.ConditionExpr) bool { return fitsPattern(p, name) })
	}
	switch e := e.(type) {
	case *sigma.ConditionAnd:
		return any(e.Parts)
	case *sigma.ConditionOr:
		return any(e.Parts)
	case *sigma.ConditionNot:
		return fitsPattern(e.Part, name)
	case *sigma.ConditionOf:
		return e.Matches(name)
	}
	return false
}

// added returns a copy of a pipeline's block for one rule: at a place of the
// rule, and with $category, $product and $service filled in.
func (s *stepRun) added(b sigma.Block, pos sigma.Pos, template bool) sigma.Block {
	fill := func(v sigma.Value) sigma.Value {
		switch v := v.(type) {
		case sigma.Null:
			return sigma.Null{Pos: pos}
		case sigma.Bool:
			return sigma.Bool{Pos: pos, Bool: v.Bool}
		case sigma.Number:
			return sigma.Number{Pos: pos, Number: v.Number}
		case sigma.String:
			raw := v.Raw
			if template {
				raw = s.template(raw)
			}
			switch {
			case raw == v.Raw:
				v.Pos = pos
				return v
			case slices.Equal(v.Parts, literal(v.Raw)) && !slices.Equal(v.Parts, sigma.ParseParts(v.Raw, false)):
				return rawValue(pos, raw)
			}
			return sigma.String{Pos: pos, Raw: raw, Parts: sigma.ParseParts(raw, has(v.Parts, sigma.Placeholder))}
		}
		panic("pysigma: unknown value")
	}
	item := func(it *sigma.Item) *sigma.Item {
		c := *it
		c.Pos, c.Field.Pos = pos, pos
		c.Modifiers = slices.Clone(it.Modifiers)
		for i := range c.Modifiers {
			c.Modifiers[i].Pos = pos
		}
		c.Values = make([]sigma.Value, len(it.Values))
		for i, v := range it.Values {
			c.Values[i] = fill(v)
		}
		if it.Block != nil {
			c.Block = s.added(it.Block, pos, template)
		}
		s.mark(it, &c)
		return &c
	}
	switch b := b.(type) {
	case *sigma.AllOf:
		c := &sigma.AllOf{Pos: pos}
		for _, it := range b.Items {
			c.Items = append(c.Items, item(it))
		}
		return c
	case *sigma.AnyOf:
		c := &sigma.AnyOf{Pos: pos}
		for _, x := range b.Blocks {
			c.Blocks = append(c.Blocks, s.added(x, pos, template))
		}
		return c
	case *sigma.Item:
		return item(b)
	case *sigma.Detection: // inside of a list block; as written
		return b
	}
	panic("pysigma: unknown block")
}

// template fills in what Python's string.Template would: $name and ${name}.
func (s *stepRun) template(text string) string {
	l := &s.doc.LogSource
	values := map[string]string{"category": l.Category, "product": l.Product, "service": l.Service}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' {
			b.WriteByte(text[i])
			continue
		}
		rest := text[i+1:]
		if strings.HasPrefix(rest, "$") {
			b.WriteByte('$')
			i++
			continue
		}
		inner := strings.TrimPrefix(rest, "{")
		n := 0
		for n < len(inner) && (inner[n] == '_' || inner[n] >= 'a' && inner[n] <= 'z' || inner[n] >= 'A' && inner[n] <= 'Z' || n > 0 && inner[n] >= '0' && inner[n] <= '9') {
			n++
		}
		value, known := values[inner[:n]]
		braced := inner != rest
		if !known || braced && !strings.HasPrefix(inner[n:], "}") {
			b.WriteByte('$')
			continue
		}
		if value == "" {
			s.errorf(l.Pos, sigma.CodeLogSource, s.step.String(), "the pipeline asks for the %s of the logsource, which has none", inner[:n])
		}
		b.WriteString(value)
		i += n
		if braced {
			i += 2
		}
	}
	return b.String()
}

func changeLogsource(m *mapping) transformation {
	l := sigma.LogSource{Category: m.text("category"), Product: m.text("product"), Service: m.text("service")}
	if l.Category+l.Product+l.Service == "" {
		m.errorf(m.at, sigma.CodeLogSource, "give category, product or service", "the step change_logsource names no logsource")
	}
	return transformation{rule: func(s *stepRun) {
		if s.doc.Correlation != nil {
			return
		}
		pos := s.doc.LogSource.Pos
		s.doc.LogSource = l
		s.doc.LogSource.Pos = pos
	}}
}

func setAttribute(m *mapping) transformation {
	key, n := m.needText("attribute"), m.need("value")
	if n == nil {
		return transformation{}
	}
	value := m.any(n)
	return transformation{rule: func(s *stepRun) {
		custom := slices.Clone(s.doc.Meta.Custom)
		if i := slices.IndexFunc(custom, func(a sigma.Attribute) bool { return a.Key == key }); i >= 0 {
			custom[i].Value = value
		} else {
			custom = append(custom, sigma.Attribute{Key: key, Pos: s.doc.Pos, Value: value})
		}
		s.doc.Meta.Custom = custom
	}}
}
