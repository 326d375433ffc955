// Package schema builds JSON Schemas (draft 2020-12) from the tables by which
// parsers read their formats, so that an editor's check and the parser's cannot
// drift apart. It says only what the formats of this module need.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Schema says what a value may be. The zero Schema allows everything. Parts
// that are unset say nothing.
type Schema struct {
	Title       string
	Description string
	Type        string   // string, integer, number, boolean, null, array, object
	Types       []string // instead of Type, several
	Const       any
	Enum        []string
	Pattern     string // ECMA 262, unanchored
	Format      string
	MaxLength   int

	Items    *Schema // of an array
	MinItems int

	Properties []Property // of an object, in their order
	Required   []string
	// Others is what keys beside Properties hold; nil allows anything, and
	// Closed nothing.
	Others *Schema
	Closed bool
	// Names is what each key fits.
	Names *Schema
	// MinProperties is the least number of keys.
	MinProperties int

	AnyOf []*Schema
	AllOf []*Schema
	If    *Schema
	Then  *Schema

	Ref  string             // a name in Defs of the document
	Defs map[string]*Schema // of a whole document only
}

// Property is one key of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Text is text, of the given values only if there are any.
func Text(values ...string) *Schema { return &Schema{Type: "string", Enum: values} }

// Form is text that the regular expression finds something in.
func Form(pattern string) *Schema { return &Schema{Type: "string", Pattern: pattern} }

// Integer, Number, Bool and Null are values of these types.
func Integer() *Schema { return &Schema{Type: "integer"} }
func Number() *Schema  { return &Schema{Type: "number"} }
func Bool() *Schema    { return &Schema{Type: "boolean"} }
func Null() *Schema    { return &Schema{Type: "null"} }

// Value is exactly the value.
func Value(v any) *Schema { return &Schema{Const: v} }

// List is a list of such entries.
func List(entry *Schema) *Schema { return &Schema{Type: "array", Items: entry} }

// OneOrMany is an entry, or a list of entries.
func OneOrMany(entry *Schema) *Schema { return AnyOf(entry, List(entry)) }

// Object is a mapping with these keys and no others.
func Object(properties ...Property) *Schema {
	return &Schema{Type: "object", Properties: properties, Closed: true}
}

// Map is a mapping of any keys to such values.
func Map(value *Schema) *Schema { return &Schema{Type: "object", Others: value} }

// AnyOf fits what one of the schemas fits.
func AnyOf(of ...*Schema) *Schema { return &Schema{AnyOf: of} }

// Ref is the schema of that name among the document's Defs.
func Ref(name string) *Schema { return &Schema{Ref: name} }

// Describe returns a copy of the schema with the description.
func (s *Schema) Describe(text string) *Schema {
	c := *s
	c.Description = text
	return &c
}

// Dialect is the JSON Schema dialect of every document.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Document returns the schema as an indented JSON document with a final line
// break; its keys are in a fixed order.
func (s *Schema) Document() ([]byte, error) {
	var o object
	o.add("$schema", Dialect)
	s.write(&o)
	compact, err := o.close()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// MarshalJSON returns the schema without the line that names its dialect.
func (s *Schema) MarshalJSON() ([]byte, error) {
	var o object
	s.write(&o)
	return o.close()
}

func (s *Schema) write(o *object) {
	text := func(key, v string) {
		if v != "" {
			o.add(key, v)
		}
	}
	text("title", s.Title)
	text("description", s.Description)
	if s.Ref != "" {
		o.add("$ref", "#/$defs/"+s.Ref)
	}
	text("type", s.Type)
	if len(s.Types) > 0 {
		o.add("type", s.Types)
	}
	if s.Const != nil {
		o.add("const", s.Const)
	}
	if len(s.Enum) > 0 {
		o.add("enum", s.Enum)
	}
	text("pattern", s.Pattern)
	text("format", s.Format)
	number := func(key string, n int) {
		if n > 0 {
			o.add(key, n)
		}
	}
	number("maxLength", s.MaxLength)
	sub := func(key string, v *Schema) {
		if v != nil {
			o.add(key, v)
		}
	}
	sub("items", s.Items)
	number("minItems", s.MinItems)
	if len(s.Required) > 0 {
		o.add("required", s.Required)
	}
	if len(s.Properties) > 0 {
		var props object
		for _, p := range s.Properties {
			props.add(p.Name, p.Schema)
		}
		o.addObject("properties", &props)
	}
	switch {
	case s.Closed:
		o.add("additionalProperties", false)
	case s.Others != nil:
		o.add("additionalProperties", s.Others)
	}
	sub("propertyNames", s.Names)
	number("minProperties", s.MinProperties)
	if len(s.AnyOf) > 0 {
		o.add("anyOf", s.AnyOf)
	}
	if len(s.AllOf) > 0 {
		o.add("allOf", s.AllOf)
	}
	sub("if", s.If)
	sub("then", s.Then)
	if len(s.Defs) > 0 {
		o.add("$defs", s.Defs) // encoding/json sorts the names
	}
}

// object writes a JSON object with its keys in the order of the calls.
type object struct {
	b    bytes.Buffer
	seen map[string]bool
	err  error
}

func (o *object) add(key string, value any) {
	v, err := json.Marshal(value)
	if err != nil && o.err == nil {
		o.err = err
	}
	o.raw(key, v)
}

func (o *object) addObject(key string, value *object) {
	v, err := value.close()
	if err != nil && o.err == nil {
		o.err = err
	}
	o.raw(key, v)
}

func (o *object) raw(key string, value []byte) {
	if o.seen[key] && o.err == nil {
		o.err = fmt.Errorf("schema: key %q stands twice", key)
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
		o.b.WriteByte('{')
	} else {
		o.b.WriteByte(',')
	}
	o.seen[key] = true
	k, _ := json.Marshal(key) // text always encodes
	o.b.Write(k)
	o.b.WriteByte(':')
	o.b.Write(value)
}

func (o *object) close() ([]byte, error) {
	if o.err != nil {
		return nil, o.err
	}
	if o.seen == nil {
		return []byte("{}"), nil
	}
	return append(o.b.Bytes(), '}'), nil
}
