package sigma

import (
	"errors"
	"fmt"
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
