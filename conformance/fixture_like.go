package conformance

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// likeness is what a case takes from an earlier one, and what is otherwise in it.
type likeness struct {
	name    *yaml.Node
	replace *yaml.Node
	at      *yaml.Node // the number of the only event that is changed; nil for all
}

// like gives a case the events of an earlier one of the file, with values
// replaced. The profile and the lateness are the earlier case's where the case
// has none of its own.
func (r *fixtureReader) like(l likeness, c *Case, cases []Case, ownProfile bool) {
	var base *Case
	for i := range cases {
		if cases[i].Name == l.name.Value {
			base = &cases[i]
		}
	}
	if base == nil {
		r.errorf(nodePos(l.name), sigma.CodeBadValue, "name a case that stands above this one", "no case above has the name %q", l.name.Value)
		return
	}
	if !ownProfile {
		c.Profile = base.Profile
	}
	if c.Lateness == 0 && c.Hits != nil {
		c.Lateness = base.Lateness
	}
	for _, e := range base.Events {
		r.nodes += nodesOf(e.Event)
		e.Pos = c.Pos
		c.Events = append(c.Events, e)
	}
	if r.nodes > MaxFixtureNodes {
		r.errorf(nodePos(l.name), sigma.CodeLimit, "split the file", "with the events that cases take from others the file has more than the %d YAML nodes that are read", MaxFixtureNodes)
		return
	}
	if l.replace == nil {
		r.errorf(c.Pos, sigma.CodeMissingKey, "replace: {old value: new value}", "a case like another one says nowhere what is otherwise")
		return
	}
	if l.replace.Kind != yaml.MappingNode || len(l.replace.Content) == 0 {
		r.errorf(nodePos(l.replace), sigma.CodeType, "old value: new value", "replace must be a mapping")
		return
	}
	only := 0
	if l.at != nil {
		var err error
		if only, err = strconv.Atoi(l.at.Value); err != nil || only < 1 || only > len(c.Events) {
			r.errorf(nodePos(l.at), sigma.CodeBadValue, fmt.Sprintf("write a number from 1 to %d", len(c.Events)), "at wants the number of an event of %q", l.name.Value)
			return
		}
	}
	for i := 0; i+1 < len(l.replace.Content); i += 2 {
		was, is := resolved(l.replace.Content[i]), resolved(l.replace.Content[i+1])
		if was.Kind != yaml.ScalarNode || is.Kind != yaml.ScalarNode || was.Value == "" {
			r.errorf(nodePos(was), sigma.CodeType, "old value: new value", "replace wants texts")
			continue
		}
		there := false
		for n := range c.Events {
			if only > 0 && n != only-1 {
				continue
			}
			e := &c.Events[n]
			var found bool
			e.Event, found = replaced(e.Event, was.Value, is.Value)
			there = there || found
		}
		if !there {
			r.errorf(nodePos(was), sigma.CodeBadValue, "a value is replaced as a whole, not in parts", "no event of %q has the value %q", l.name.Value, was.Value)
		}
	}
}

func nodesOf(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			n += 1 + nodesOf(x)
		}
	case []any:
		for _, x := range v {
			n += nodesOf(x)
		}
	}
	return n
}

// replaced returns v with one value in the place of another, wherever that
// stands as a whole: a text, a number, or a text of JSON that is kept in a text.
// v is left as it is.
func replaced(v any, was, is string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		o, any := make(map[string]any, len(v)), false
		for k, x := range v {
			var found bool
			o[k], found = replaced(x, was, is)
			any = any || found
		}
		return o, any
	case []any:
		o, any := make([]any, len(v)), false
		for i, x := range v {
			var found bool
			o[i], found = replaced(x, was, is)
			any = any || found
		}
		return o, any
	case string:
		if v == was {
			return is, true
		}
		var pairs []string
		for quote, depth := `"`, 0; depth < deepestJSON; depth++ {
			pairs = append(pairs, quote+escaped(was, depth)+quote, quote+escaped(is, depth)+quote)
			quote = strings.ReplaceAll(strings.ReplaceAll(quote, `\`, `\\`), `"`, `\"`)
		}
		o := strings.NewReplacer(pairs...).Replace(v)
		return o, o != v
	case nil, bool:
		return v, false
	}
	if fmt.Sprint(v) != was {
		return v, false
	}
	if n, err := strconv.ParseInt(is, 10, 64); err == nil {
		return n, true
	}
	return is, true
}

// deepestJSON is how often JSON stands in texts of JSON where replaced still
// finds it.
const deepestJSON = 3

// escaped is a text as it stands between the quotes of JSON, that is itself in
// so many texts of JSON.
func escaped(s string, depth int) string {
	for range depth + 1 {
		b, err := json.Marshal(s)
		if err != nil {
			panic(err) // a text can always be written
		}
		s = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b[1 : len(b)-1]))
	}
	return s
}
