package sigma

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Write returns the documents as YAML, several of them divided by `---`, so
// that Parse of the result gives equal Documents (see Equal). Keys stand in the
// order of the Sigma specification, native ones beside what they belong to.
//
// A String whose Parts are those of its Raw is written as Raw; else its Parts
// decide, so that a program that rewrites values need only set Parts. The same
// goes for a Condition: Text is kept if it says what Expr says. Comments are
// not in a Document and are lost.
//
// Write fails on what no YAML rule can say, such as a selection named
// `condition` or two items with the same field and modifiers in one mapping.
func Write(docs ...*Document) ([]byte, error) {
	var out strings.Builder
	for i, doc := range docs {
		if doc == nil {
			return nil, errors.New("sigma: cannot write a nil document")
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		m, err := (&documentWriter{sigma3: doc.Native || majorVersion(doc.Meta.SigmaVersion) >= 3}).document(doc)
		p := yamlPrinter{}
		if err == nil {
			p.entries(m, 0, false, 0)
			err = p.err
		}
		if err != nil {
			name := doc.Meta.Title
			if doc.Meta.ID != "" {
				name = doc.Meta.ID
			}
			return nil, fmt.Errorf("sigma: cannot write document %d (%s): %w", i+1, name, err)
		}
		out.WriteString(p.b.String())
	}
	return []byte(out.String()), nil
}

// documentWriter turns a document into YAML nodes. The first error stays.
type documentWriter struct {
	sigma3 bool // the document may have list positions and list blocks
	err    error
}

func (w *documentWriter) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *documentWriter) document(d *Document) (yamlMap, error) {
	var m yamlMap
	text := func(key, s string) { m.add(key, yamlText{text: s}) }
	date := func(key, s string) {
		if isDate(s) {
			m.put(key, yamlPlain(s))
		} else {
			text(key, s)
		}
	}
	meta := &d.Meta
	if d.Native {
		m.put("rulewright", yamlPlain(strconv.Itoa(NativeVersion)))
	}
	text("title", meta.Title)
	text("id", meta.ID)
	text("name", meta.Name)
	if sigmaVersionForm.MatchString(meta.SigmaVersion) {
		m.put("sigma-version", yamlPlain(meta.SigmaVersion))
	} else {
		text("sigma-version", meta.SigmaVersion)
	}
	var related yamlSeq
	for _, r := range meta.Related {
		var e yamlMap
		e.add("id", yamlText{text: r.ID})
		e.add("type", yamlText{text: r.Type})
		related = append(related, e)
	}
	m.add("related", related)
	text("taxonomy", meta.Taxonomy)
	if versionForm.MatchString(meta.Version) {
		m.put("version", yamlPlain(meta.Version))
	} else {
		text("version", meta.Version)
	}
	text("status", meta.Status)
	text("description", meta.Description)
	text("license", meta.License)
	m.add("references", yamlTexts(meta.References))
	text("author", meta.Author)
	date("date", meta.Date)
	date("modified", meta.Modified)
	m.add("requires", w.requires(meta.Requires))
	m.add("coverage", yamlTexts(meta.Coverage))
	m.add("parameters", w.parameters(d.Parameters))

	m.add("logsource", w.logSource(&d.LogSource))
	switch {
	case d.Correlation != nil:
		m.put("correlation", w.correlation(d.Correlation))
	case d.Filter != nil:
		var f yamlMap
		if d.Filter.Any {
			f.put("rules", yamlText{text: "any"})
		} else {
			f.put("rules", references(d.Filter.Rules))
		}
		if d.Detection != nil {
			f = append(f, w.detection(d.Detection, "rules", "timeframe")...)
		}
		m.put("filter", f)
	case d.Detection != nil:
		m.put("detection", w.detection(d.Detection, "timeframe"))
	}
	if d.Once != nil {
		var o yamlMap
		o.add("by", fieldNames(d.Once.By))
		w.timespan(&o, "for", d.Once.For)
		m.put("once", o)
	}
	m.add("fields", yamlTexts(meta.Fields))
	m.add("entities", entities(meta.Entities))
	m.add("falsepositives", yamlTexts(meta.FalsePositives))
	m.add("triage", triage(meta.Triage))
	text("level", meta.Level)
	text("tier", meta.Tier)
	text("guide_severity", meta.GuideSeverity)
	if d.Correlation != nil && d.Correlation.Generate {
		m.put("generate", yamlPlain("true"))
	}
	m.add("tags", yamlTexts(meta.Tags))
	m.add("scope", yamlTexts(meta.Scope))
	for _, a := range meta.Custom {
		if k := documentSection.lookup(a.Key); k != nil && (!k.native || k.alters || d.Native) {
			w.fail("the custom attribute %q would be read as the key of that name", a.Key)
		}
	}
	w.attributes(&m, meta.Custom)
	return m, w.err
}

func (w *documentWriter) attributes(m *yamlMap, attributes []Attribute) {
	for _, a := range attributes {
		n, err := yamlAny(a.Value, 0)
		if err != nil {
			w.fail("key %q: %w", a.Key, err)
		}
		m.put(a.Key, n)
	}
}

func (w *documentWriter) logSource(l *LogSource) yamlMap {
	var m yamlMap
	m.add("category", yamlText{text: l.Category})
	m.add("product", yamlText{text: l.Product})
	m.add("service", yamlText{text: l.Service})
	m.add("definition", yamlText{text: l.Definition})
	w.attributes(&m, l.Custom)
	return m
}

func (w *documentWriter) requires(rs []Requirement) yamlSeq {
	var seq yamlSeq
	for _, r := range rs {
		var m yamlMap
		m.add("table", yamlText{text: r.Table})
		m.add("connector", yamlText{text: r.Connector})
		m.add("licence", yamlText{text: r.Licence})
		seq = append(seq, m)
	}
	return seq
}

func entities(es []Entity) yamlSeq {
	var seq yamlSeq
	for _, e := range es {
		seq = append(seq, yamlMap{{e.Type, yamlText{text: e.Field}}})
	}
	return seq
}

func triage(t *Triage) yamlNode {
	if t == nil {
		return nil
	}
	var m yamlMap
	m.add("true_positive", yamlText{text: t.TruePositive})
	m.add("benign", yamlText{text: t.Benign})
	m.add("false_positive", yamlText{text: t.FalsePositive})
	m.add("actions", yamlTexts(t.Actions))
	m.add("scope", yamlText{text: t.Scope})
	return m
}

func (w *documentWriter) parameters(ps []Parameter) yamlSeq {
	var seq yamlSeq
	for i := range ps {
		p := &ps[i]
		if p.Catalogue {
			seq = append(seq, yamlText{text: p.Name})
			continue
		}
		var m yamlMap
		m.add("name", yamlText{text: p.Name})
		m.add("type", yamlText{text: p.Type})
		if p.List {
			m.put("list", yamlPlain("true"))
		}
		m.add("description", yamlText{text: p.Description})
		values := func(key string, vs []Value) {
			switch {
			case len(vs) == 0:
			case p.List:
				m.put(key, w.values(vs, valueStyle{raw: p.Type != "pattern"}))
			case len(vs) == 1:
				m.put(key, w.value(vs[0], valueStyle{raw: p.Type != "pattern"}))
			default:
				w.fail("parameter %q is no list and has %d values in %s", p.Name, len(vs), key)
			}
		}
		if len(p.Form) == 1 {
			m.add("form", yamlText{text: p.Form[0]})
		} else if len(p.Form) > 1 {
			var forms yamlSeq
			for _, f := range p.Form {
				forms = append(forms, yamlText{text: f})
			}
			m.put("form", forms)
		}
		values("example", p.Example)
		values("default", p.Default)
		m.add("source", yamlText{text: p.Source})
		seq = append(seq, m)
	}
	return seq
}

func references(rs []Reference) yamlSeq {
	seq := yamlSeq{}
	for _, r := range rs {
		seq = append(seq, yamlText{text: r.Name})
	}
	return seq
}

func fieldNames(fs []Field) yamlSeq {
	var seq yamlSeq
	for _, f := range fs {
		seq = append(seq, yamlText{text: f.Name})
	}
	return seq
}

// timespan adds a timespan unless it is absent. Its Text is kept if it says
// what Seconds says.
func (w *documentWriter) timespan(m *yamlMap, key string, t Timespan) {
	switch {
	case t.Placeholder != "":
		m.put(key, yamlText{text: "%" + t.Placeholder + "%", quoted: true})
	case t.Text != "":
		if own, err := ParseTimespan(t.Text); err == nil && own.Seconds == t.Seconds {
			m.put(key, yamlPlain(t.Text))
			return
		}
		fallthrough
	case t.Seconds != 0:
		m.put(key, yamlPlain(strconv.FormatInt(t.Seconds, 10)+"s"))
	}
}

func (w *documentWriter) correlation(c *Correlation) yamlMap {
	var m yamlMap
	m.add("type", yamlText{text: string(c.Type)})
	m.add("rules", references(c.Rules))
	var aliases yamlMap
	for _, a := range c.Aliases {
		fields := yamlMap{}
		for _, f := range a.Fields {
			fields.put(f.Rule.Name, yamlText{text: f.Field.Name})
		}
		aliases.put(a.Name, fields)
	}
	m.add("aliases", aliases)
	m.add("group-by", fieldNames(c.GroupBy))
	w.timespan(&m, "timespan", c.Timespan)

	// The native types' own keys.
	if c.Type == Increase && len(c.Fields) == 1 {
		m.put("field", yamlText{text: c.Fields[0].Name})
	} else {
		m.add("fields", fieldNames(c.Fields))
	}
	w.timespan(&m, "lookback", c.Lookback)
	if c.MinHistory != 0 {
		m.put("min-history", yamlPlain(strconv.Itoa(c.MinHistory)))
	}
	w.timespan(&m, "silence", c.Silence)
	w.timespan(&m, "against", c.Against)
	number := func(key string, n *Numeric) {
		if n != nil {
			m.put(key, yamlNumber(*n))
		}
	}
	number("ratio", c.Factor)
	number("difference", c.Difference)
	number("minimum", c.Minimum)
	m.add("zone", yamlText{text: c.Zone})

	switch {
	case c.Expr != nil:
		m.put("condition", w.condition(c.Expr))
	case len(c.RuleCounts) > 0:
		var counts yamlMap
		for _, r := range c.RuleCounts {
			counts.put(r.Rule.Name, thresholds(r.Thresholds))
		}
		m.put("condition", counts)
	case len(c.Thresholds) > 0 || len(c.ConditionFields) > 0 || c.Percentile != nil:
		var cond yamlMap
		if len(c.ConditionFields) == 1 {
			cond.put("field", yamlText{text: c.ConditionFields[0].Name})
		} else {
			cond.add("field", fieldNames(c.ConditionFields))
		}
		if c.Percentile != nil {
			cond.put("percentile", yamlNumber(*c.Percentile))
		}
		m.put("condition", append(cond, thresholds(c.Thresholds)...))
	}
	if c.Ratio != nil {
		m.put("ratio", yamlMap{
			{"of", yamlText{text: c.Ratio.Of.Name}},
			{"to", yamlText{text: c.Ratio.To.Name}},
			{"gte", yamlNumber(c.Ratio.GTE)},
		})
	}
	return m
}

func thresholds(ts []Threshold) yamlMap {
	m := yamlMap{}
	for _, t := range ts {
		if t.Placeholder != "" {
			m.put(string(t.Op), yamlText{text: "%" + t.Placeholder + "%", quoted: true})
		} else {
			m.put(string(t.Op), yamlNumber(t.Value))
		}
	}
	return m
}

// detection writes selections, timeframe and condition. Other names that mean
// something beside them are taken.
func (w *documentWriter) detection(d *Detection, taken ...string) yamlMap {
	m := yamlMap{}
	taken = append(taken, "condition")
	for _, s := range d.Selections {
		if slices.Contains(taken, s.Name) {
			w.fail("a selection cannot be named %q", s.Name)
		}
		m.put(s.Name, w.block(s.Body, 0))
	}
	if d.Timeframe != nil {
		w.timespan(&m, "timeframe", *d.Timeframe)
	}
	var conditions yamlSeq
	for _, c := range d.Conditions {
		conditions = append(conditions, w.condition(c))
	}
	switch len(conditions) {
	case 0:
	case 1:
		m.put("condition", conditions[0])
	default:
		m.put("condition", conditions)
	}
	return m
}

func (w *documentWriter) block(b Block, depth int) yamlNode {
	if depth > maxWriteDepth {
		w.fail("more than %d blocks inside each other", maxWriteDepth)
		return yamlMap{}
	}
	switch b := b.(type) {
	case *AllOf:
		m := yamlMap{}
		for _, it := range b.Items {
			m.put(w.itemKey(it), w.item(it, depth))
		}
		return m
	case *AnyOf:
		seq := yamlSeq{}
		for _, x := range b.Blocks {
			// A keyword stands among mappings as it is.
			if it, ok := x.(*Item); ok && isKeyword(it) && len(it.Values) == 1 {
				seq = append(seq, w.value(it.Values[0], valueStyle{}))
				continue
			}
			seq = append(seq, w.block(x, depth+1))
		}
		return seq
	case *Item:
		if isKeyword(b) {
			return w.values(b.Values, valueStyle{})
		}
		return yamlMap{{w.itemKey(b), w.item(b, depth)}}
	case *Detection:
		return w.detection(b)
	}
	panic(fmt.Sprintf("sigma: unknown block %T", b))
}

// isKeyword reports whether an item that stands alone is written without a
// key: a keyword search, or in a list block values of the element itself.
func isKeyword(it *Item) bool {
	return it.Block == nil && len(it.Modifiers) == 0 && (it.Field.Name == "" || it.Field.Name == ".")
}

// itemKey returns `field[quantifier]|modifier=arg`.
func (w *documentWriter) itemKey(it *Item) string {
	if strings.Contains(it.Field.Name, "|") || it.Quantifier != QuantifierNone && strings.HasSuffix(it.Field.Name, `\`) {
		w.fail("the field name %q would be read as another one", it.Field.Name)
	}
	var b strings.Builder
	b.WriteString(it.Field.Name)
	if it.Quantifier != QuantifierNone {
		b.WriteString("[" + it.Quantifier.String() + "]")
	}
	for _, m := range it.Modifiers {
		b.WriteString("|" + m.Name)
		if m.Arg != "" {
			b.WriteString("=" + m.Arg)
		}
	}
	return b.String()
}

// item writes what stands behind an item's key.
func (w *documentWriter) item(it *Item, depth int) yamlNode {
	if it.Block != nil {
		return w.block(it.Block, depth+1)
	}
	style := valueStyle{raw: takesRawText(it.Modifiers), placeholders: it.Has(ModExpand)}
	if len(it.Values) == 1 {
		return w.value(it.Values[0], style)
	}
	return w.values(it.Values, style)
}

// valueStyle says how the text of strings is read back.
type valueStyle struct {
	raw          bool // as it is: no wildcards, no escapes
	placeholders bool
}

func (w *documentWriter) values(vs []Value, style valueStyle) yamlSeq {
	seq := yamlSeq{}
	for _, v := range vs {
		seq = append(seq, w.value(v, style))
	}
	return seq
}

func (w *documentWriter) value(v Value, style valueStyle) yamlNode {
	switch v := v.(type) {
	case Null:
		return yamlPlain("null")
	case Bool:
		return yamlPlain(strconv.FormatBool(v.Bool))
	case Number:
		return yamlNumber(v.Number)
	case String:
		return yamlText{text: w.text(v, style), quoted: true}
	}
	panic(fmt.Sprintf("sigma: unknown value %T", v))
}

func (w *documentWriter) text(s String, style valueStyle) string {
	if style.raw {
		switch {
		case len(s.Parts) == 0:
			return ""
		case len(s.Parts) == 1 && s.Parts[0].Kind == Literal:
			return s.Parts[0].Text
		case len(s.Parts) == 1 && s.Parts[0].Kind == Placeholder:
			return "%" + s.Parts[0].Text + "%"
		}
		w.fail("text %.40q has wildcards or placeholders under a modifier that takes text as it is", s.Raw)
		return s.Raw
	}
	if slices.Equal(ParseParts(s.Raw, style.placeholders), s.Parts) {
		return s.Raw
	}
	text := renderParts(s.Parts, style.placeholders)
	if !slices.Equal(ParseParts(text, style.placeholders), s.Parts) {
		w.fail("the parts of text %.40q cannot be written", text)
	}
	return text
}

// condition keeps the text of a condition if it says what Expr says; else the
// expression is printed.
func (w *documentWriter) condition(c *Condition) yamlNode {
	if again, ok := reparseCondition(c.Text, w.sigma3); ok && equalConditions(again, c) {
		return yamlText{text: c.Text}
	}
	var b strings.Builder
	w.expr(&b, c.Expr, 0, 0)
	if a := c.Aggregation; a != nil {
		b.WriteString(" | " + a.Function + "(" + a.Field + ")")
		for i, f := range a.By {
			if i == 0 {
				b.WriteString(" by ")
			} else {
				b.WriteString(", ")
			}
			b.WriteString(f.Name)
		}
		op, ok := aggregationOps[a.Op]
		if !ok {
			w.fail("a condition's aggregation has the operator %q", a.Op)
		}
		b.WriteString(" " + op + " " + string(yamlNumber(a.Value)))
	}
	text := b.String()
	if again, ok := reparseCondition(text, w.sigma3); w.err == nil && (!ok || !equalConditions(again, c)) {
		w.fail("the condition %.80q cannot be written", text)
	}
	return yamlText{text: text}
}

var aggregationOps = map[ThresholdOp]string{OpGT: ">", OpGTE: ">=", OpLT: "<", OpLTE: "<=", OpEQ: "==", OpNEQ: "!="}

// Precedences of a condition's operators, weakest first.
const (
	precedenceOr = iota
	precedenceAnd
	precedenceNot
)

func (w *documentWriter) expr(b *strings.Builder, e ConditionExpr, outer, depth int) {
	if depth > maxWriteDepth {
		w.fail("a condition has more than %d levels", maxWriteDepth)
		return
	}
	join := func(parts []ConditionExpr, op string, own int) {
		if len(parts) == 0 {
			w.fail("a condition has an empty %q", op)
		}
		if own < outer || own == outer && depth > 0 {
			b.WriteByte('(')
			defer b.WriteByte(')')
		}
		for i, p := range parts {
			if i > 0 {
				b.WriteString(" " + op + " ")
			}
			w.expr(b, p, own, depth+1)
		}
	}
	switch e := e.(type) {
	case *ConditionAnd:
		join(e.Parts, "and", precedenceAnd)
	case *ConditionOr:
		join(e.Parts, "or", precedenceOr)
	case *ConditionNot:
		b.WriteString("not ")
		w.expr(b, e.Part, precedenceNot, depth+1)
	case *ConditionName:
		b.WriteString(e.Name)
	case *ConditionOf:
		if e.Count == 0 {
			b.WriteString("all")
		} else {
			b.WriteString(strconv.Itoa(e.Count))
		}
		b.WriteString(" of ")
		if e.Pattern == "" {
			b.WriteString("them")
		} else {
			b.WriteString(e.Pattern)
		}
	default:
		panic(fmt.Sprintf("sigma: unknown condition %T", e))
	}
}

// JoinParts is the inverse of ParseParts: text that reads as these parts, with
// few backslashes.
func JoinParts(parts []Part, placeholders bool) string { return renderParts(parts, placeholders) }

func renderParts(parts []Part, placeholders bool) string {
	special := `\*?`
	if placeholders {
		special += "%"
	}
	var b strings.Builder
	for i, p := range parts {
		switch p.Kind {
		case AnyRun:
			b.WriteByte('*')
		case AnyOne:
			b.WriteByte('?')
		case Placeholder:
			b.WriteString("%" + p.Text + "%")
		case Literal:
			for j := 0; j < len(p.Text); j++ {
				c := p.Text[j]
				// A backslash needs one in front where what follows could be
				// taken for what it escapes; in a run of them each has one.
				last, escape := j+1 == len(p.Text), strings.IndexByte(special, c) >= 0
				if c == '\\' {
					escape = last && i+1 < len(parts) || !last && strings.IndexByte(special, p.Text[j+1]) >= 0 || j > 0 && p.Text[j-1] == '\\'
				}
				if escape {
					b.WriteByte('\\')
				}
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

// isDate reports whether s has the form YYYY-MM-DD.
func isDate(s string) bool {
	if len(s) != 10 {
		return false
	}
	for i := range len(s) {
		if i == 4 || i == 7 {
			if s[i] != '-' {
				return false
			}
		} else if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
