package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma/schema"
)

// SchemaKinds returns the kinds that Schema knows: a Sigma rule, correlation
// and filter, a native document (any of the three), and a catalogue of
// parameters.
func SchemaKinds() []string {
	return []string{"rule", "correlation", "filter", "native", "parameters"}
}

// Schema returns the JSON Schema (draft 2020-12) of a kind of file, printed
// from the tables by which Parse reads it. A file that Parse takes without an
// error fits its schema; the schema does not see into conditions, field names
// and values, where Parse does.
func Schema(kind string) ([]byte, error) {
	p := schemaPrinter{native: kind == "native" || kind == "parameters"}
	var s *schema.Schema
	switch kind {
	case "rule":
		s = p.document("a Sigma rule", []string{"title", "logsource", "detection"}, "rulewright", "correlation", "filter", "generate")
	case "correlation":
		s = p.document("a Sigma correlation", []string{"title", "correlation"}, "rulewright", "logsource", "detection", "filter")
	case "filter":
		s = p.document("a Sigma filter", []string{"title", "logsource", "filter"}, "rulewright", "correlation", "detection", "generate")
	case "native":
		s = p.document("a native Rulewright document: a rule, correlation or filter", []string{"rulewright", "title"})
		s.AnyOf = []*schema.Schema{
			{Required: []string{"logsource", "detection"}},
			{Required: []string{"correlation"}},
			{Required: []string{"logsource", "filter"}},
		}
	case "parameters":
		s = p.mapping(catalogueSection.fields(), false)
		s.Title = "a Rulewright catalogue of parameters"
	default:
		return nil, fmt.Errorf("sigma: there is no schema of %q; there are %s", kind, strings.Join(SchemaKinds(), ", "))
	}
	return s.Document()
}

// schemaPrinter turns the parser's tables into schemas. It leaves out what
// only native documents may say unless native is set.
type schemaPrinter struct{ native bool }

func (p schemaPrinter) document(title string, required []string, without ...string) *schema.Schema {
	var fields []field
	for _, f := range documentSection.fields() {
		if !slices.Contains(without, f.name) {
			fields = append(fields, f)
		}
	}
	s := p.mapping(fields, true)
	s.Title = title
	s.Required = required
	s.Defs = p.detectionDefs()
	return s
}

// mapping is an object with these keys; open, also with others.
func (p schemaPrinter) mapping(fields []field, open bool) *schema.Schema {
	s := schema.Object()
	s.Closed = !open
	for _, f := range fields {
		if f.native && !p.native {
			continue
		}
		s.Properties = append(s.Properties, schema.Property{Name: f.name, Schema: p.shape(f.shape).Describe(f.doc)})
		if f.required {
			s.Required = append(s.Required, f.name)
		}
	}
	return s
}

const (
	timespanPattern = `^0*[1-9][0-9]*[smhdwMy]$`
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
)

func (p schemaPrinter) shape(sh shape) *schema.Schema {
	s := p.bare(sh)
	var alternatives []*schema.Schema
	if sh.alt != nil && (p.native || sh.alt.kind != shapePlaceholder) {
		alternatives = append(alternatives, p.shape(*sh.alt))
	}
	if sh.kind == shapeTimespan && p.native {
		alternatives = append(alternatives, schema.Form(placeholderForm.String()))
	}
	if sh.null {
		alternatives = append(alternatives, schema.Null())
	}
	if alternatives == nil {
		return s
	}
	return schema.AnyOf(append([]*schema.Schema{s}, alternatives...)...)
}

func (p schemaPrinter) bare(sh shape) *schema.Schema {
	switch sh.kind {
	case shapeAny:
		return &schema.Schema{}
	case shapeText:
		switch {
		case sh.pattern != "":
			return schema.Form(sh.pattern)
		case len(sh.values) > 0:
			return schema.Text(sh.values...)
		}
		// A number is taken as the text that it is written as.
		return &schema.Schema{Types: []string{"string", "number"}}
	case shapeUUID:
		return &schema.Schema{Type: "string", Format: "uuid"}
	case shapeDate:
		return &schema.Schema{Type: "string", Format: "date", Pattern: datePattern}
	case shapeTimespan:
		return schema.Form(timespanPattern)
	case shapePlaceholder:
		return schema.Form(placeholderForm.String())
	case shapeInt:
		return schema.Integer()
	case shapeNumber:
		return schema.Number()
	case shapeBool:
		return schema.Bool()
	case shapeVersion:
		return schema.Value(1)
	case shapeList:
		return schema.List(p.shape(*sh.elem))
	case shapeOneOrMany:
		return schema.OneOrMany(p.shape(*sh.elem))
	case shapeDetection:
		if sh.fields == nil {
			return schema.Ref("detection")
		}
		s := p.detection()
		own := p.mapping(sh.fields(), true)
		s.Properties = append(own.Properties, s.Properties...)
		s.Required = append(own.Required, s.Required...)
		return s
	case shapeMapping:
		switch {
		case sh.variants != nil:
			return p.variants(sh.variants())
		case sh.fields != nil:
			return p.mapping(sh.fields(), sh.custom)
		case sh.elem != nil:
			return schema.Map(p.shape(*sh.elem))
		}
		return &schema.Schema{Type: "object"}
	}
	panic(fmt.Sprintf("sigma: unknown shape %d", sh.kind))
}

// variants is a mapping whose keys depend on the value of one of them.
func (p schemaPrinter) variants(vs []variant) *schema.Schema {
	s := &schema.Schema{Type: "object"}
	which := &schema.Schema{}
	for _, v := range vs {
		if v.native && !p.native {
			continue
		}
		which.AnyOf = append(which.AnyOf, schema.Value(v.value).Describe(v.doc))
		s.AllOf = append(s.AllOf, &schema.Schema{
			If:   &schema.Schema{Properties: []schema.Property{{Name: v.key, Schema: schema.Value(v.value)}}, Required: []string{v.key}},
			Then: p.mapping(v.fields, false),
		})
		s.Required = []string{v.key}
		s.Properties = []schema.Property{{Name: v.key, Schema: which}}
	}
	return s
}

// detection is a mapping of selections with a condition.
func (p schemaPrinter) detection() *schema.Schema {
	return &schema.Schema{
		Type: "object",
		Properties: []schema.Property{
			{Name: "condition", Schema: schema.OneOrMany(schema.Text()).Describe("names of selections joined by and, or, not, parentheses and `1 of pattern*`; several are alternatives")},
			{Name: "timeframe", Schema: p.shape(shape{kind: shapeTimespan}).Describe("legacy: the window of an aggregation in the condition")},
		},
		Required: []string{"condition"},
		Others:   schema.Ref("block"),
	}
}

// detectionDefs are the recursive parts: a detection, the block under a
// selection's name or behind a list block, and an item's value.
func (p schemaPrinter) detectionDefs() map[string]*schema.Schema {
	scalar := &schema.Schema{Types: []string{"string", "number", "boolean", "null"}}
	items := schema.Map(schema.Ref("value"))
	items.Names = &schema.Schema{Pattern: p.itemPattern()}
	return map[string]*schema.Schema{
		"detection": p.detection(),
		"block":     schema.AnyOf(items, schema.Ref("blocks"), scalar).Describe("items that all hold, a list of which one holds, or keywords"),
		"blocks":    schema.List(schema.AnyOf(items, scalar, schema.Ref("blocks"))),
		"value":     schema.AnyOf(scalar, schema.List(scalar), schema.Ref("block"), schema.Ref("detection")).Describe("a value, several of which one must fit, or the block of a list block"),
	}
}

// itemPattern is the form of an item's key: field and modifiers.
func (p schemaPrinter) itemPattern() string {
	names := modifierNames(p.native)
	arg := ""
	if p.native {
		arg = "(=[^|]*)?"
	}
	return `^[^|]*(\|(` + strings.Join(names, "|") + `)` + arg + `)*$`
}
