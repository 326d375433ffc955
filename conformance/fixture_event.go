package conformance

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// events reads the events of a case. Ids and times are for histories, in which
// no two events share an id.
func (r *fixtureReader) events(n *yaml.Node, form event.Form, c *Case) []Event {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.errorf(nodePos(n), sigma.CodeType, "", "events must be a list with at least one event")
		return nil
	}
	var events []Event
	ids := map[string]bool{}
	for _, item := range n.Content {
		item = resolved(item)
		e := Event{Pos: nodePos(item), Form: form}
		historyOnly := func(k *yaml.Node) {
			if c.Hits == nil && c.Expect != ExpectNotRun {
				r.errorf(nodePos(k), sigma.CodeBadValue, "leave it out, or say which hits there are", "%s of an event wants hits in its case", k.Value)
			}
		}
		given := 0
		r.mapping(item, "an event", []key{
			{"form", false, func(_, v *yaml.Node) { e.Form = r.form(v) }},
			{"table", false, func(_, v *yaml.Node) { e.Table = r.text(v, "table") }},
			{"time", false, func(k, v *yaml.Node) { historyOnly(k); e.Time = r.time(v) }},
			{"id", false, func(k, v *yaml.Node) {
				historyOnly(k)
				e.ID = r.text(v, "id")
				if ids[e.ID] {
					r.errorf(nodePos(v), sigma.CodeDuplicateKey, "", "two events have the id %q", e.ID)
				}
				ids[e.ID] = true
			}},
			{"event", false, func(_, v *yaml.Node) { e.Event = r.value(v); given++ }},
			{"json", false, func(_, v *yaml.Node) {
				given++
				d := json.NewDecoder(strings.NewReader(v.Value))
				d.UseNumber()
				if err := d.Decode(&e.Event); err != nil {
					r.errorf(nodePos(v), sigma.CodeSyntax, "", "not JSON: %v", err)
				} else if _, err := d.Token(); !errors.Is(err, io.EOF) {
					r.errorf(nodePos(v), sigma.CodeSyntax, "give each event its own entry", "there is more than one JSON value")
				}
			}},
		})
		if given != 1 {
			r.errorf(nodePos(item), sigma.CodeMissingKey, "event: the event as YAML, or json: its JSON text", "an event has either event or json")
		}
		events = append(events, e)
	}
	return events
}

// value turns a node into what an event is made of. Dates stay text.
func (r *fixtureReader) value(n *yaml.Node) any {
	n = resolved(n)
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = r.value(c)
		}
		return list
	case yaml.MappingNode:
		o := map[string]any{}
		own := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := resolved(n.Content[i]), n.Content[i+1]
			if k.Tag == "!!merge" {
				r.merge(o, own, v)
				continue
			}
			if k.Kind != yaml.ScalarNode {
				r.errorf(nodePos(k), sigma.CodeType, "", "a key must be a text")
				continue
			}
			if own[k.Value] {
				r.errorf(nodePos(k), sigma.CodeDuplicateKey, "write `json:` and the JSON text for an event with the same key twice", "the key %s stands twice", k.Value)
			}
			own[k.Value] = true
			o[k.Value] = r.value(v)
		}
		return o
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!null":
			return nil
		case "!!bool":
			var b bool
			if n.Decode(&b) == nil {
				return b
			}
		case "!!int":
			var i int64
			if n.Decode(&i) == nil {
				return i
			}
			return json.Number(n.Value)
		case "!!float":
			if f, err := strconv.ParseFloat(n.Value, 64); err == nil && numberLiteral.MatchString(n.Value) {
				return f
			}
		case "!!str", "!!timestamp":
			return n.Value
		}
		r.errorf(nodePos(n), sigma.CodeType, "put it in quotes if it is meant as text", "%s is nothing that JSON can say", n.Value)
	}
	return nil
}

var numberLiteral = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// merge does YAML's `<<: *base`: keys of the base that o does not have itself.
func (r *fixtureReader) merge(o map[string]any, own map[string]bool, n *yaml.Node) {
	n = resolved(n)
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			r.merge(o, own, c)
		}
	case yaml.MappingNode:
		base, _ := r.value(n).(map[string]any)
		for k, v := range base {
			if _, there := o[k]; !there && !own[k] {
				o[k] = v
			}
		}
	default:
		r.errorf(nodePos(n), sigma.CodeType, "", "<< wants the alias of a mapping")
	}
}
