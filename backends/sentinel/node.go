package sentinel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"gopkg.in/yaml.v3"
)

// node is a value of a file that was read back, with its line.
type node struct {
	line    int
	kind    nodeKind
	value   any // of a scalar: string, bool, int, expression or nil
	members []nodeMember
	items   []*node
}

type nodeKind int

const (
	scalarNode nodeKind = iota
	objectNode
	listNode
)

type nodeMember struct {
	key   string
	value *node
}

// get follows keys; a value that is not there is an empty node at the line of
// what it is missing from.
func (n *node) get(keys ...string) *node {
	for _, k := range keys {
		next := &node{line: n.line}
		for _, m := range n.members {
			if m.key == k {
				next = m.value
			}
		}
		n = next
	}
	return n
}

func (n *node) has(key string) bool {
	for _, m := range n.members {
		if m.key == key {
			return true
		}
	}
	return false
}

func (n *node) text() string {
	s, _ := n.value.(string)
	return s
}

func (n *node) texts() []string {
	var out []string
	for _, x := range n.items {
		out = append(out, x.text())
	}
	return out
}

// tree is the value without its lines.
func (n *node) tree() any {
	switch n.kind {
	case objectNode:
		o := object{}
		for _, m := range n.members {
			o = append(o, member{m.key, m.value.tree()})
		}
		return o
	case listNode:
		l := list{}
		for _, x := range n.items {
			l = append(l, x.tree())
		}
		return l
	}
	return n.value
}

func readYAML(data []byte) (*node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var y yaml.Node
	if err := d.Decode(&y); err != nil {
		return nil, err
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errors.New("more than one document")
	}
	return fromYAML(y.Content[0])
}

func fromYAML(y *yaml.Node) (*node, error) {
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = objectNode
		for i := 0; i+1 < len(y.Content); i += 2 {
			if n.has(y.Content[i].Value) {
				return nil, fmt.Errorf("line %d: the key %s stands twice", y.Content[i].Line, y.Content[i].Value)
			}
			v, err := fromYAML(y.Content[i+1])
			if err != nil {
				return nil, err
			}
			n.members = append(n.members, nodeMember{y.Content[i].Value, v})
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for _, x := range y.Content {
			v, err := fromYAML(x)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
	case yaml.ScalarNode:
		if err := y.Decode(&n.value); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("line %d: an alias", y.Line)
	}
	return n, nil
}

func readJSON(data []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	n, err := fromJSON(d, data)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return n, nil
}

func fromJSON(d *json.Decoder, data []byte) (*node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: 1 + bytes.Count(data[:d.InputOffset()], []byte("\n"))}
	switch t := t.(type) {
	case json.Delim:
		if n.kind = listNode; t == '{' {
			n.kind = objectNode
		}
		for d.More() {
			key := ""
			if n.kind == objectNode {
				k, err := d.Token()
				if err != nil {
					return nil, err
				}
				key = k.(string)
				if n.has(key) {
					return nil, fmt.Errorf("the key %s stands twice", key)
				}
			}
			v, err := fromJSON(d, data)
			if err != nil {
				return nil, err
			}
			if n.kind == objectNode {
				n.members = append(n.members, nodeMember{key, v})
			} else {
				n.items = append(n.items, v)
			}
		}
		_, err = d.Token()
		return n, err
	case json.Number:
		i, err := strconv.Atoi(t.String())
		if err != nil {
			return nil, err
		}
		n.value = i
	default:
		n.value = t
	}
	return n, nil
}

// unescaped returns a value of a template as it is deployed: strings that are
// expressions become those, escapes go.
func (n *node) unescaped() *node {
	c := *n
	if s, ok := n.value.(string); ok {
		if text, literal := readARMString(s); literal {
			c.value = text
		} else {
			c.value = expression{arm: s[1 : len(s)-1]}
		}
	}
	c.members, c.items = nil, nil
	for _, m := range n.members {
		c.members = append(c.members, nodeMember{m.key, m.value.unescaped()})
	}
	for _, x := range n.items {
		c.items = append(c.items, x.unescaped())
	}
	return &c
}
