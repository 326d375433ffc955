package sigma

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a zone is known on every machine or on none

	"gopkg.in/yaml.v3"
)

// NativeVersion is the version of the native form that this package reads and
// writes: `rulewright: 1`.
const NativeVersion = 1

// The words of native documents.
var (
	tiers          = []string{"alert", "report", "hunt", "product"}
	entityTypes    = []string{"account", "ip", "app", "service-principal", "mailbox", "host", "url", "file", "resource"}
	parameterTypes = []string{"string", "pattern", "number", "bool", "ip", "cidr", "duration", "hours", "zone", "date"}
)

// Tiers returns the values of tier.
func Tiers() []string { return slices.Clone(tiers) }

var (
	versionForm  = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$`)
	coverageForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$`)
	nameForm     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	hoursForm    = regexp.MustCompile(`^\s*([A-Za-z][A-Za-z,-]*\s+)?[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}(\s+[A-Za-z][A-Za-z0-9_+/-]*)?\s*$`)
)

// nativeKeys are the top-level keys of native documents, beside those of Sigma.
var nativeKeys = natively(
	formKey("version", "the rule's own version, a.b.c; goes up when its meaning changes", versionForm, "write three numbers, such as 1.0.0", func(d *Document) *string { return &d.Meta.Version }),
	oneOfKey("tier", "what a hit makes: alert (an incident), report (a summary or hunting query), hunt (a question), product (passes a product's alert on)", CodeBadValue, tiers, func(d *Document) *string { return &d.Meta.Tier }),
	textKey("guide_severity", "the severity in the words of the guide that the rule is from", func(d *Document) *string { return &d.Meta.GuideSeverity }),
	key[Document]{name: "requires", doc: "what must be there before the rule can see anything", shape: listOf(mappingOf(requirementSection.fields)), read: func(l *loader, n *yaml.Node, d *Document) {
		d.Meta.Requires = readList(l, n, "requires", &requirementSection)
	}},
	key[Document]{name: "coverage", doc: "ids of the coverage list that the rule answers to, such as guide/item", shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, d *Document) {
		items, _ := l.oneOrMany(n, "coverage")
		for _, it := range items {
			s, ok := l.text(it, "an entry of coverage")
			switch {
			case !ok:
			case !coverageForm.MatchString(s):
				l.errorf(l.pos(it), CodeBadValue, "write guide/item in lower case, with hyphens", "%s is no id of the coverage list", show(s))
			case slices.Contains(d.Meta.Coverage, s):
				l.warnf(l.pos(it), CodeBadValue, "name it once", "coverage names %s twice", show(s))
			default:
				d.Meta.Coverage = append(d.Meta.Coverage, s)
			}
		}
	}},
	altering(key[Document]{name: "parameters", doc: "parameters that the rule uses: names from the catalogue, or the rule's own with their types", shape: listOf(shape{kind: shapeText, alt: ptr(mappingOf(ownParameterFields))}), read: func(l *loader, n *yaml.Node, d *Document) {
		d.Parameters = l.parameters(n, true)
	}}),
	altering(key[Document]{name: "once", doc: "further hits with the same values in these fields are counted, not raised", shape: mappingOf(onceSection.fields), read: func(l *loader, n *yaml.Node, d *Document) {
		d.Once = &Once{Pos: l.pos(n)}
		onceSection.read(l, n, d.Once)
	}}),
	key[Document]{name: "entities", doc: "what a hit is about, as entity type: field", shape: listOf(shape{kind: shapeMapping, fields: entityFields}), read: readEntities},
	key[Document]{name: "triage", doc: "what a hit means and what to do about it", shape: mappingOf(triageSection.fields), read: func(l *loader, n *yaml.Node, d *Document) {
		// A section that says nothing is none, so that the writer may leave it out.
		var t Triage
		triageSection.read(l, n, &t)
		if t.TruePositive+t.Benign+t.FalsePositive+t.Scope != "" || len(t.Actions) > 0 {
			d.Meta.Triage = &t
		}
	}},
)

// altering marks a key that changes what a rule does: without the marker of
// native documents it is an error, not a custom attribute.
func altering[T any](k key[T]) key[T] {
	k.alters = true
	return k
}

// formKey is a key with text of a certain form.
func formKey[T any](name, doc string, form *regexp.Regexp, hint string, at func(*T) *string) key[T] {
	return key[T]{name: name, doc: doc, shape: shape{kind: shapeText, pattern: form.String()}, read: func(l *loader, n *yaml.Node, into *T) {
		s, ok := l.text(n, name)
		if ok && !form.MatchString(s) {
			l.errorf(l.pos(n), CodeBadValue, hint, "%s cannot be %s", name, show(s))
		} else if ok {
			*at(into) = s
		}
	}}
}

// readList reads a list of mappings by their table.
func readList[T any](l *loader, n *yaml.Node, what string, s *section[T]) []T {
	items, _ := l.sequence(n, what)
	var out []T
	for _, it := range items {
		var v T
		if s.read(l, it, &v) {
			out = append(out, v)
		}
	}
	return out
}

var requirementSection = section[Requirement]{name: "an entry of requires", keys: []key[Requirement]{
	needed(textKey("table", "the table that the events are in, such as AuditLogs", func(r *Requirement) *string { return &r.Table })),
	textKey("connector", "the data connector that fills the table", func(r *Requirement) *string { return &r.Connector }),
	textKey("licence", "the licence without which nothing is logged", func(r *Requirement) *string { return &r.Licence }),
}}

var onceSection = section[Once]{name: "once", keys: []key[Once]{
	needed(fieldsKey("by", "the fields that make the key", func(o *Once) *[]Field { return &o.By })),
	needed(timespanKey("for", "how long further hits are counted on the first, such as 24h", func(o *Once) *Timespan { return &o.For })),
}}

var triageSection = section[Triage]{name: "triage", keys: []key[Triage]{
	textKey("true_positive", "what a true hit looks like", func(t *Triage) *string { return &t.TruePositive }),
	textKey("benign", "what is true but harmless", func(t *Triage) *string { return &t.Benign }),
	textKey("false_positive", "what is mistaken for it", func(t *Triage) *string { return &t.FalsePositive }),
	textsKey("actions", "what to do, in order", func(t *Triage) *[]string { return &t.Actions }),
	textKey("scope", "how to find how far a compromise reaches", func(t *Triage) *string { return &t.Scope }),
}}

func entityFields() []field {
	out := make([]field, len(entityTypes))
	for i, t := range entityTypes {
		out[i] = field{name: t, doc: "the field that names the " + strings.ReplaceAll(t, "-", " "), native: true, shape: textShape()}
	}
	return out
}

// readEntities reads a list of `type: field`.
func readEntities(l *loader, n *yaml.Node, d *Document) {
	items, _ := l.sequence(n, "entities")
	for _, it := range items {
		entries, ok := l.mapping(it, "an entry of entities")
		if !ok {
			continue
		}
		if len(entries) != 1 {
			l.errorf(l.pos(it), CodeBadValue, "write one entity an entry, such as - account: UserId", "an entry of entities has %d keys", len(entries))
			continue
		}
		e := entries[0]
		if !slices.Contains(entityTypes, e.name) {
			l.errorf(l.pos(e.key), CodeUnknownKey, NearestHint(e.name, entityTypes, "one of "+strings.Join(entityTypes, ", ")), "there is no entity type %s", show(e.name))
			continue
		}
		if f, ok := l.field(e.value, "the field of "+e.name); ok {
			d.Meta.Entities = append(d.Meta.Entities, Entity{Pos: l.pos(e.value), Type: e.name, Field: f.Name})
		}
	}
}

// Parameters.

// ownParameter is a parameter with what is checked once all its keys are read.
type ownParameter struct {
	Parameter
	example, fallback *yaml.Node
	formAt            Pos
}

var ownParameterSection = section[ownParameter]{name: "a parameter", keys: natively(
	needed(formKey("name", "its name, as it stands between percent signs", nameForm, "write letters, digits and underscores", func(p *ownParameter) *string { return &p.Name })),
	needed(oneOfKey("type", "what a value is; wildcards mean something in a pattern only", CodeParameter, parameterTypes, func(p *ownParameter) *string { return &p.Type })),
	boolKey("list", "whether it takes several values", func(p *ownParameter) *bool { return &p.List }),
	textKey("description", "what the organisation fills in", func(p *ownParameter) *string { return &p.Description }),
	key[ownParameter]{name: "example", doc: "a value, or a list of them, to show the form", shape: shape{kind: shapeAny}, read: func(l *loader, n *yaml.Node, p *ownParameter) { p.example = n }},
	key[ownParameter]{name: "default", doc: "the value, or the list of them, where nobody gives one; an empty one counts as none", shape: shape{kind: shapeAny}, read: func(l *loader, n *yaml.Node, p *ownParameter) { p.fallback = n }},
	textKey("source", "where the default is from", func(p *ownParameter) *string { return &p.Source }),
	key[ownParameter]{name: "form", doc: "what values look like beyond the type, one of these forms or a list of them: the check of a profile refuses others", shape: oneOrManyOf(textShape(valueFormNames()...)), read: func(l *loader, n *yaml.Node, p *ownParameter) {
		items, _ := l.oneOrMany(n, "form")
		for _, it := range items {
			if s, ok := l.oneOf(it, "form", CodeParameter, valueFormNames()); ok {
				p.Form = append(p.Form, s)
				p.formAt = l.pos(it)
			}
		}
	}},
)}

func ownParameterFields() []field { return ownParameterSection.fields() }

// parameters reads a list of parameters. Those that are only named stand in
// the catalogue; in the catalogue itself there are none.
func (l *loader) parameters(n *yaml.Node, named bool) []Parameter {
	items, _ := l.sequence(n, "parameters")
	var out []Parameter
	first := map[string]Pos{}
	for _, it := range items {
		p, ok := l.parameter(it, named)
		if !ok || p.Name == "" {
			continue
		}
		if at, twice := first[p.Name]; twice {
			l.errorf(p.Pos, CodeParameter, fmt.Sprintf("the first one is in line %d", at.Line), "the parameter %s stands twice", show(p.Name))
			continue
		}
		first[p.Name] = p.Pos
		out = append(out, p)
	}
	return out
}

func (l *loader) parameter(n *yaml.Node, named bool) (Parameter, bool) {
	at := l.pos(n)
	if n.Kind != yaml.MappingNode && named {
		s, ok := l.text(n, "a parameter")
		if ok && !nameForm.MatchString(s) {
			l.errorf(at, CodeParameter, "write letters, digits and underscores, without percent signs", "%s is no name of a parameter", show(s))
			return Parameter{}, false
		}
		return Parameter{Pos: at, Name: s, Catalogue: true}, ok
	}
	own := ownParameter{Parameter: Parameter{Pos: at}}
	if !ownParameterSection.read(l, n, &own) {
		return Parameter{}, false
	}
	for _, name := range own.Form {
		if f := valueFormNamed(name); own.Type != "" && f.typ != own.Type {
			l.errorf(own.formAt, CodeParameter, "give the parameter the type "+f.typ, "the form %s is one of type %s, not %s", name, f.typ, own.Type)
			own.Form = nil
			break
		}
	}
	if own.Type != "" {
		own.Example = l.parameterValues(own.example, &own.Parameter, "example")
		own.Default = l.parameterValues(own.fallback, &own.Parameter, "default")
		if n := own.fallback; !named && n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == len(own.Default) {
			for _, it := range n.Content {
				own.DefaultNames = append(own.DefaultNames, strings.TrimSpace(strings.TrimPrefix(it.LineComment, "#")))
			}
		}
	}
	return own.Parameter, true
}

// parameterValues reads the values behind example or default and checks them
// against the parameter's type.
func (l *loader) parameterValues(n *yaml.Node, p *Parameter, what string) []Value {
	if n == nil {
		return nil
	}
	what = what + " of the parameter " + p.Name
	if !p.List && n.Kind == yaml.SequenceNode {
		l.errorf(l.pos(n), CodeParameter, "add list: true, or give one value", "%s is a list, and the parameter takes one value", what)
		return nil
	}
	items, _ := l.oneOrMany(n, what)
	var out []Value
	for _, it := range items {
		v, ok := l.parameterValue(it, p.Type, what)
		if !ok {
			continue
		}
		if s, isText := v.(String); isText {
			if d, misfit := p.Misfit(s.Raw); misfit {
				l.add(d.Severity, l.pos(it), d.Code, d.Hint, "%s: %s", what, d.Message)
			}
		}
		out = append(out, v)
	}
	return out
}

// ParameterTypes returns the types that a parameter may have.
func ParameterTypes() []string { return slices.Clone(parameterTypes) }

// ParameterHint says what a value of a parameter's type looks like.
func ParameterHint(typ string) string { return parameterHints[typ] }

// parameterHints say what a value of each type looks like.
var parameterHints = map[string]string{
	"string":   "write text, in quotes where it looks like a number",
	"pattern":  "write text, with * and ? as wildcards",
	"number":   "write a number",
	"bool":     "write true or false",
	"ip":       "write an address such as 192.0.2.1 or 2001:db8::1",
	"cidr":     "write a network such as 192.0.2.0/24, or an address",
	"duration": "write a timespan such as 90d",
	"hours":    "write hours such as 'Mon-Fri 08:00-18:00 Europe/Berlin', several parted by ;",
	"zone":     "write an IANA zone such as Europe/Berlin",
	"date":     "write year, month and day such as '2026-05-14', with ? for any digit: '????-12-25'",
}

func (l *loader) parameterValue(n *yaml.Node, typ, what string) (Value, bool) {
	mode := textLiteral
	if typ == "pattern" {
		mode = textPattern
	}
	v, ok := l.value(n, what, mode)
	if !ok {
		return nil, false
	}
	s, isText := v.(String)
	good := isText
	switch typ {
	case "number":
		_, good = v.(Number)
	case "bool":
		_, good = v.(Bool)
	case "ip":
		a, err := netip.ParseAddr(s.Raw)
		good = good && err == nil && a.Zone() == ""
	case "cidr":
		_, err := netip.ParsePrefix(s.Raw)
		a, err2 := netip.ParseAddr(s.Raw)
		good = good && (err == nil || err2 == nil && a.Zone() == "")
	case "duration":
		t, err := ParseTimespan(s.Raw)
		good = good && err == nil && t.Placeholder == ""
	case "hours":
		for span := range strings.SplitSeq(s.Raw, ";") {
			good = good && hoursForm.MatchString(span)
		}
	case "zone":
		good = good && zoneKnown(s.Raw)
	case "date":
		_, err := ParseDate(s.Raw)
		good = good && err == nil
	}
	if !good {
		l.errorf(l.pos(n), CodeParameter, parameterHints[typ], "%s is %s, which is no %s", what, show(n.Value), typ)
	}
	return v, good
}

// zone reads an IANA time zone; a parameter may stand for it.
func (l *loader) zone(n *yaml.Node, what string) (string, bool) {
	s, ok := l.text(n, what)
	if ok && !placeholderForm.MatchString(s) && !zoneKnown(s) {
		l.errorf(l.pos(n), CodeBadValue, parameterHints["zone"], "%s: there is no time zone %s", what, show(s))
		return "", false
	}
	return s, ok
}

func zoneKnown(s string) bool {
	if s == "" || s == "Local" {
		return false
	}
	_, err := time.LoadLocation(s)
	return err == nil
}

// parseNative checks what concerns several keys of a native document, after
// all of them were read.
func parseNative(l *loader, n *yaml.Node, doc *Document) {
	if doc.Kind == KindFilter {
		for _, name := range []string{"once", "tier", "entities", "triage", "coverage", "requires"} {
			if at, ok := doc.Keys[name]; ok {
				l.errorf(at, CodeNativeOnly, "leave it out; the rules that the filter narrows have it", "a filter takes no %s", name)
			}
		}
	}
	if doc.Correlation != nil && doc.Correlation.Type == Summary && doc.Meta.Tier == "alert" {
		l.errorf(doc.Keys["tier"], CodeCorrelation, "write tier: report", "a summary makes no alerts")
	}
	checkOwnParameters(l, doc)
}

// checkOwnParameters reports parameters that are declared and not used, and
// parameters whose type does not fit where they stand as timespan, threshold
// or zone. Where a parameter stands as a value the compiler decides.
func checkOwnParameters(l *loader, doc *Document) {
	used := map[string]bool{}
	stands := func(name string, at Pos, typ, what string) {
		if name == "" {
			return
		}
		used[name] = true
		for _, p := range doc.Parameters {
			if p.Name == name && !p.Catalogue && (p.Type != typ || p.List) {
				is := "of type " + p.Type
				if p.List {
					is = "a list"
				}
				l.errorf(at, CodeParameter, "give the parameter the type "+typ, "the parameter %s is %s; as %s it must be one %s", name, is, what, typ)
			}
		}
	}
	if c := doc.Correlation; c != nil {
		stands(c.Timespan.Placeholder, c.Timespan.Pos, "duration", "timespan")
		stands(c.Lookback.Placeholder, c.Lookback.Pos, "duration", "lookback")
		stands(c.Silence.Placeholder, c.Silence.Pos, "duration", "silence")
		stands(c.Against.Placeholder, c.Against.Pos, "duration", "against")
		if m := placeholderForm.FindStringSubmatch(c.Zone); m != nil {
			stands(m[1], c.Pos, "zone", "zone")
		}
		ts := slices.Clone(c.Thresholds)
		for _, r := range c.RuleCounts {
			ts = append(ts, r.Thresholds...)
		}
		for _, t := range ts {
			stands(t.Placeholder, t.Pos, "number", "threshold")
		}
	}
	if doc.Once != nil {
		stands(doc.Once.For.Placeholder, doc.Once.For.Pos, "duration", "for of once")
	}
	if doc.Detection != nil {
		eachPlaceholder(doc.Detection, func(name string) { used[name] = true })
	}
	for _, p := range doc.Parameters {
		if !used[p.Name] {
			l.warnf(p.Pos, CodeParameter, "write %"+p.Name+"% where it belongs, with the modifier expand on a field, or leave it out", "the parameter %s is not used", p.Name)
		}
	}
}

// eachPlaceholder calls f for the placeholders in a block.
func eachPlaceholder(b Block, f func(name string)) {
	switch b := b.(type) {
	case *AllOf:
		for _, it := range b.Items {
			eachPlaceholder(it, f)
		}
	case *AnyOf:
		for _, x := range b.Blocks {
			eachPlaceholder(x, f)
		}
	case *Item:
		for _, m := range b.Modifiers {
			if p := placeholderForm.FindStringSubmatch(m.Arg); p != nil {
				f(p[1])
			}
		}
		for _, v := range b.Values {
			if s, ok := v.(String); ok {
				for _, p := range s.Parts {
					if p.Kind == Placeholder {
						f(p.Text)
					}
				}
				if p := placeholderForm.FindStringSubmatch(s.Raw); p != nil {
					f(p[1])
				}
			}
		}
		if b.Block != nil {
			eachPlaceholder(b.Block, f)
		}
	case *Detection:
		for _, s := range b.Selections {
			eachPlaceholder(s.Body, f)
		}
		if b.Timeframe != nil && b.Timeframe.Placeholder != "" {
			f(b.Timeframe.Placeholder)
		}
	}
}

// ParametersVersion is the version of the catalogue format:
// `rulewright-parameters: 1`.
const ParametersVersion = 1

type catalogue struct{ parameters []Parameter }

var catalogueSection = section[catalogue]{name: "a catalogue of parameters", keys: []key[catalogue]{
	needed(key[catalogue]{name: "rulewright-parameters", doc: "marks a catalogue; the version of its format, 1", shape: shape{kind: shapeVersion}, read: func(l *loader, n *yaml.Node, c *catalogue) {
		if n.Value != fmt.Sprint(ParametersVersion) {
			l.errorf(l.pos(n), CodeBadValue, "write rulewright-parameters: 1", "this version reads catalogues of format %d, not %s", ParametersVersion, show(n.Value))
		}
	}}),
	needed(key[catalogue]{name: "parameters", doc: "the parameters", shape: listOf(mappingOf(ownParameterFields)), read: func(l *loader, n *yaml.Node, c *catalogue) {
		c.parameters = l.parameters(n, false)
		for _, p := range c.parameters {
			if p.Description == "" {
				l.warnf(p.Pos, CodeMissingKey, "say what the organisation fills in", "the parameter %s lacks description", p.Name)
			}
			if p.Example == nil && p.Default == nil {
				l.warnf(p.Pos, CodeMissingKey, "add example, or default", "the parameter %s has neither example nor default", p.Name)
			}
		}
	}}),
}}

// ParseParameters reads the catalogue of a pack's parameters, a YAML file with
// the marker `rulewright-parameters: 1` and the list `parameters`. file is only
// named in findings. Without a document it returns nil, for an empty list an
// empty one.
func ParseParameters(file string, data []byte) ([]Parameter, Diagnostics) {
	l, data, ok := newLoader(file, data)
	var c catalogue
	if ok {
		read := false
		l.documents(data, func(root *yaml.Node) {
			if read {
				l.errorf(l.pos(root), CodeDocument, "put all parameters into one list", "a catalogue is one document")
				return
			}
			read = true
			l.native = true
			catalogueSection.read(l, root, &c)
			if c.parameters == nil {
				c.parameters = []Parameter{}
			}
		})
		if !read && len(l.ds) == 0 {
			l.errorf(Pos{1, 1}, CodeDocument, "write rulewright-parameters: 1 and a list parameters", "the file has no document")
		}
	}
	return c.parameters, l.finish()
}
