// Package schematest checks YAML documents against the JSON Schemas of package
// schema, for tests. It knows the keywords that package schema writes and
// fails on any other, so that a keyword cannot go unchecked.
package schematest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Checker is a compiled schema. It is safe for concurrent use.
type Checker struct {
	root     map[string]any
	patterns map[string]*regexp.Regexp
}

// New compiles a schema.
func New(schema []byte) (*Checker, error) {
	c := &Checker{patterns: map[string]*regexp.Regexp{}}
	if err := json.Unmarshal(schema, &c.root); err != nil {
		return nil, err
	}
	return c, c.compile(c.root)
}

func (c *Checker) compile(s map[string]any) error {
	sub := func(v any) error {
		if m, ok := v.(map[string]any); ok {
			return c.compile(m)
		}
		return nil // additionalProperties: false
	}
	for key, v := range s {
		var err error
		switch key {
		case "$schema", "title", "description", "type", "const", "enum", "format", "required", "$ref", "maxLength", "minItems", "minProperties":
		case "pattern":
			p := v.(string)
			c.patterns[p], err = regexp.Compile(p)
		case "items", "additionalProperties", "propertyNames", "if", "then":
			err = sub(v)
		case "properties", "$defs":
			for _, e := range v.(map[string]any) {
				if err == nil {
					err = sub(e)
				}
			}
		case "anyOf", "allOf":
			for _, e := range v.([]any) {
				if err == nil {
					err = sub(e)
				}
			}
		default:
			err = fmt.Errorf("schematest: unknown keyword %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Check returns what in a YAML document does not fit, or nil.
func (c *Checker) Check(document []byte) error {
	var v any
	if err := yaml.Unmarshal(document, &v); err != nil {
		return err
	}
	return c.check(c.root, v, "")
}

func (c *Checker) check(s map[string]any, v any, at string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", strings.TrimPrefix(at, "/"), fmt.Sprintf(format, args...))
	}
	if ref, ok := s["$ref"].(string); ok {
		defs := c.root["$defs"].(map[string]any)
		if err := c.check(defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), v, at); err != nil {
			return err
		}
	}
	switch want := s["type"].(type) {
	case string:
		if !hasType(want, v) {
			return fail("not of type %s", want)
		}
	case []any:
		ok := false
		for _, t := range want {
			ok = ok || hasType(t.(string), v)
		}
		if !ok {
			return fail("of none of the types %v", want)
		}
	}
	if want, ok := s["const"]; ok && !sameScalar(want, v) {
		return fail("not %v", want)
	}
	if enum, ok := s["enum"].([]any); ok {
		found := false
		for _, e := range enum {
			found = found || sameScalar(e, v)
		}
		if !found {
			return fail("%v is not one of %v", v, enum)
		}
	}
	if text, ok := textOf(v); ok {
		if p, ok := s["pattern"].(string); ok && !c.patterns[p].MatchString(text) {
			return fail("%q does not fit %s", text, p)
		}
		if n, ok := s["maxLength"].(float64); ok && utf8.RuneCountInString(text) > int(n) {
			return fail("longer than %v", n)
		}
	}
	if list, ok := v.([]any); ok {
		if n, ok := s["minItems"].(float64); ok && len(list) < int(n) {
			return fail("fewer than %v entries", n)
		}
		if items, ok := s["items"].(map[string]any); ok {
			for i, e := range list {
				if err := c.check(items, e, fmt.Sprintf("%s/%d", at, i)); err != nil {
					return err
				}
			}
		}
	}
	if m, ok := v.(map[string]any); ok {
		if err := c.checkObject(s, m, at); err != nil {
			return err
		}
	}
	if of, ok := s["anyOf"].([]any); ok {
		var first error
		fits := false
		for _, e := range of {
			err := c.check(e.(map[string]any), v, at)
			if fits = fits || err == nil; first == nil {
				first = err
			}
		}
		if !fits {
			return first
		}
	}
	if all, ok := s["allOf"].([]any); ok {
		for _, e := range all {
			if err := c.check(e.(map[string]any), v, at); err != nil {
				return err
			}
		}
	}
	if cond, ok := s["if"].(map[string]any); ok && c.check(cond, v, at) == nil {
		return c.check(s["then"].(map[string]any), v, at)
	}
	return nil
}

func (c *Checker) checkObject(s, m map[string]any, at string) error {
	if required, ok := s["required"].([]any); ok {
		for _, r := range required {
			if _, has := m[r.(string)]; !has {
				return fmt.Errorf("%s: lacks %v", strings.TrimPrefix(at, "/"), r)
			}
		}
	}
	if n, ok := s["minProperties"].(float64); ok && len(m) < int(n) {
		return fmt.Errorf("%s: fewer than %v keys", strings.TrimPrefix(at, "/"), n)
	}
	properties, _ := s["properties"].(map[string]any)
	for name, v := range m {
		below := at + "/" + name
		if names, ok := s["propertyNames"].(map[string]any); ok {
			if err := c.check(names, name, below); err != nil {
				return err
			}
		}
		var sub any = map[string]any{}
		if p, ok := properties[name]; ok {
			sub = p
		} else if others, ok := s["additionalProperties"]; ok {
			sub = others
		}
		if sub == false {
			return fmt.Errorf("%s: no such key", strings.TrimPrefix(below, "/"))
		}
		if err := c.check(sub.(map[string]any), v, below); err != nil {
			return err
		}
	}
	return nil
}

func hasType(want string, v any) bool {
	switch want {
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "string":
		_, ok := textOf(v)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "null":
		return v == nil
	case "integer":
		switch reflect.ValueOf(v).Kind() {
		case reflect.Int, reflect.Int64, reflect.Uint64:
			return true
		}
	case "number":
		switch reflect.ValueOf(v).Kind() {
		case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
			return true
		}
	}
	return false
}

func sameScalar(want, v any) bool {
	return fmt.Sprint(want) == fmt.Sprint(v)
}

// textOf returns text, and a date as the text that JSON Schema sees in it.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case time.Time:
		return v.Format(time.DateOnly), true
	}
	return "", false
}
