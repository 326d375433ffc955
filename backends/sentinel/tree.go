package sentinel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// An artefact is a tree of values, written as YAML, JSON, an ARM template or
// Bicep. A value is a string, bool, int, object, list or expression.
type (
	object []member
	member struct {
		key   string
		value any
	}
	list []any
	// expression is evaluated when the template is deployed.
	expression struct{ arm, bicep string }
)

// add appends a member unless its value is empty.
func (o *object) add(key string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case list:
		if len(v) == 0 {
			return
		}
	case object:
		if len(v) == 0 {
			return
		}
	}
	*o = append(*o, member{key, value})
}

func texts(ss []string) list {
	var l list
	for _, s := range ss {
		l = append(l, s)
	}
	return l
}

// jsonText writes a tree as JSON, indented by two spaces. Of a template,
// strings that would be read as expressions are escaped.
func jsonText(v any, template bool) []byte {
	var flat bytes.Buffer
	writeJSON(&flat, v, template)
	var out bytes.Buffer
	if err := json.Indent(&out, flat.Bytes(), "", "  "); err != nil {
		panic(err) // of our own writing
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func writeJSON(b *bytes.Buffer, v any, template bool) {
	switch v := v.(type) {
	case object:
		b.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, m.key, false)
			b.WriteByte(':')
			writeJSON(b, m.value, template)
		}
		b.WriteByte('}')
	case list:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, x, template)
		}
		b.WriteByte(']')
	case expression:
		writeJSON(b, "["+v.arm+"]", false)
	case string:
		if template {
			v = armString(v)
		}
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			panic(err)
		}
		b.Truncate(b.Len() - 1) // the line break
	case bool, int, nil:
		fmt.Fprint(b, scalarText(v))
	default:
		panic(fmt.Sprintf("sentinel: no JSON for %T", v))
	}
}

func scalarText(v any) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}

// armString escapes a text that a template would take for an expression. Only
// text that begins with [ and ends with ] is one; an extra bracket before any
// other text would stay in it (Azure/bicep pull request 2006).
func armString(s string) string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return "[" + s
	}
	return s
}

// readARMString is the inverse of armString; ok is false for an expression.
func readARMString(s string) (string, bool) {
	if !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
		return s, true
	}
	if strings.HasPrefix(s, "[[") {
		return s[1:], true
	}
	return s, false
}

// yamlText writes a tree as YAML, texts of several lines as blocks.
func yamlText(v any) []byte {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(yamlNode(v)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func yamlNode(v any) *yaml.Node {
	switch v := v.(type) {
	case object:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, m := range v {
			n.Content = append(n.Content, yamlNode(m.key), yamlNode(m.value))
		}
		return n
	case list:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, x := range v {
			n.Content = append(n.Content, yamlNode(x))
		}
		return n
	case string:
		n := &yaml.Node{}
		n.SetString(v)
		if strings.Contains(v, "\n") && !blockSafe(v) {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	}
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		panic(err)
	}
	return n
}

// blockSafe reports whether a text of several lines reads back from a YAML
// block as it is.
func blockSafe(s string) bool {
	var back string
	b, err := yaml.Marshal(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.LiteralStyle, Value: s})
	return err == nil && yaml.Unmarshal(b, &back) == nil && back == s
}
