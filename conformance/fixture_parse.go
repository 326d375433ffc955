package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// Limits of a fixture file.
const (
	MaxFixtureBytes = 16 << 20
	MaxFixtureNodes = 500_000 // YAML nodes, aliases written out
	MaxFixtureDepth = 200
)

// ParseFixture reads one fixture file and returns all findings. The fixture is
// nil if one of them is an error. A rule that stands in the fixture itself is
// parsed; one that is only named is left to Load.
func ParseFixture(file string, data []byte) (*Fixture, sigma.Diagnostics) {
	r := &fixtureReader{file: file, lines: strings.Split(string(data), "\n")}
	f := r.read(data)
	if r.ds.HasErrors() {
		f = nil
	}
	return f, r.ds
}

type fixtureReader struct {
	file  string
	lines []string
	ds    sigma.Diagnostics
	nodes int
}

func (r *fixtureReader) errorf(pos sigma.Pos, code sigma.Code, hint, format string, args ...any) {
	d := sigma.Diagnostic{File: r.file, Pos: pos, Severity: sigma.SeverityError, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	if pos.IsValid() && pos.Line <= len(r.lines) {
		d.Snippet = strings.ToValidUTF8(strings.TrimSuffix(r.lines[pos.Line-1], "\r"), "\ufffd")
	}
	r.ds = append(r.ds, d)
}

func nodePos(n *yaml.Node) sigma.Pos { return sigma.Pos{Line: n.Line, Col: n.Column} }

// key is one key of a mapping: how its value is read, and whether it must be there.
type key struct {
	name     string
	required bool
	read     func(k, v *yaml.Node)
}

// mapping reads a mapping by a table of its keys.
func (r *fixtureReader) mapping(n *yaml.Node, what string, table []key) {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		r.errorf(nodePos(n), sigma.CodeType, "", "%s must be a mapping", what)
		return
	}
	names := make([]string, len(table))
	for i, k := range table {
		names[i] = k.name
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		j := slices.Index(names, k.Value)
		switch {
		case j < 0:
			hint := sigma.NearestHint(k.Value, names, "known keys: "+strings.Join(names, ", "))
			r.errorf(nodePos(k), sigma.CodeUnknownKey, hint, "%s has no key %q", what, k.Value)
		case seen[k.Value]:
			r.errorf(nodePos(k), sigma.CodeDuplicateKey, "", "%s has the key %s twice", what, k.Value)
		default:
			table[j].read(k, resolved(v))
		}
		seen[k.Value] = true
	}
	for _, k := range table {
		if k.required && !seen[k.name] {
			r.errorf(nodePos(n), sigma.CodeMissingKey, "", "%s has no %s", what, k.name)
		}
	}
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (r *fixtureReader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		r.errorf(nodePos(n), sigma.CodeType, "", "%s must be a text", what)
		return ""
	}
	if tag := n.ShortTag(); tag == "!!bool" || tag == "!!int" || tag == "!!float" {
		r.errorf(nodePos(n), sigma.CodeType, "put it in quotes", "%s must be a text, not %s", what, n.Value)
		return ""
	}
	return n.Value
}

func (r *fixtureReader) read(data []byte) *Fixture {
	if len(data) > MaxFixtureBytes {
		r.errorf(sigma.Pos{Line: 1, Col: 1}, sigma.CodeLimit, "split the file", "the file has %d bytes, more than the %d that are read", len(data), MaxFixtureBytes)
		return nil
	}
	var root yaml.Node
	if line, err := sigma.DecodeYAML(data, &root); err != nil {
		r.errorf(sigma.Pos{Line: max(line, 1), Col: 1}, sigma.CodeSyntax, "", "not YAML: %s", err)
		return nil
	}
	if len(root.Content) != 1 {
		r.errorf(sigma.Pos{Line: 1, Col: 1}, sigma.CodeSyntax, "", "the file is empty")
		return nil
	}
	if !r.withinLimits(root.Content[0], 1, map[*yaml.Node]bool{}) {
		return nil
	}

	f := &Fixture{File: r.file, Pos: nodePos(root.Content[0])}
	var named []string
	form := event.Form("")
	var cases *yaml.Node
	r.mapping(root.Content[0], "a fixture file", []key{
		{Marker, true, func(_, v *yaml.Node) {
			if v.Value != "1" {
				r.errorf(nodePos(v), sigma.CodeBadValue, "this is version 1", "unknown version %q of the fixture format", v.Value)
			}
		}},
		{"rule", false, func(k, v *yaml.Node) {
			f.Pos, f.RuleID = nodePos(v), r.text(v, "rule")
			named = append(named, k.Value)
		}},
		{"file", false, func(k, v *yaml.Node) {
			f.Pos, f.RuleFile = nodePos(v), r.text(v, "file")
			named = append(named, k.Value)
		}},
		{"document", false, func(k, v *yaml.Node) {
			f.Pos = nodePos(v)
			f.Documents = r.document(v)
			named = append(named, k.Value)
		}},
		{"description", false, func(_, v *yaml.Node) { r.text(v, "description") }},
		{"profile", false, func(_, v *yaml.Node) { f.Profile = r.profile(v) }},
		{"form", false, func(_, v *yaml.Node) { form = r.form(v) }},
		{"cases", true, func(_, v *yaml.Node) { cases = v }},
	})
	if len(named) != 1 && !r.ds.HasErrors() {
		r.errorf(nodePos(root.Content[0]), sigma.CodeMissingKey, "rule: an id, file: a path, or document: a whole rule as text", "a fixture file names its rule by exactly one of rule, file and document; found %d", len(named))
	}
	if cases != nil {
		f.Cases = r.cases(cases, f.Profile, form)
	}
	return f
}

// withinLimits counts nodes with aliases written out, and refuses a loop.
func (r *fixtureReader) withinLimits(n *yaml.Node, depth int, open map[*yaml.Node]bool) bool {
	r.nodes++
	switch {
	case r.nodes > MaxFixtureNodes:
		r.errorf(nodePos(n), sigma.CodeLimit, "split the file", "the file has more than the %d YAML nodes that are read", MaxFixtureNodes)
		return false
	case depth > MaxFixtureDepth:
		r.errorf(nodePos(n), sigma.CodeLimit, "", "nested deeper than the %d levels that are read", MaxFixtureDepth)
		return false
	case n.Kind == yaml.AliasNode:
		if open[n.Alias] {
			r.errorf(nodePos(n), sigma.CodeLimit, "", "the anchor &%s contains itself", n.Value)
			return false
		}
		open[n.Alias] = true
		defer delete(open, n.Alias)
		return r.withinLimits(n.Alias, depth+1, open)
	}
	for _, c := range n.Content {
		if n.Anchor != "" {
			open[n] = true
		}
		if !r.withinLimits(c, depth+1, open) {
			return false
		}
		if n.Anchor != "" {
			delete(open, n)
		}
	}
	return true
}

// document parses a rule that stands in the fixture as a block of text. The
// parser gets the lines of this file with all others blank, so that places are
// those of the file. Inside the block, a line --- separates documents.
func (r *fixtureReader) document(n *yaml.Node) []*sigma.Document {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.LiteralStyle == 0 {
		r.errorf(nodePos(n), sigma.CodeType, "write `document: |` and the rule under it, indented", "document must be a block of text")
		return nil
	}
	first, last := n.Line, min(n.Line+strings.Count(n.Value, "\n")+1, len(r.lines))
	var docs []*sigma.Document
	for from := first; from < last; {
		to := from
		for to < last && strings.TrimSpace(r.lines[to]) != "---" {
			to++
		}
		text := strings.Repeat("\n", from) + strings.Join(r.lines[from:to], "\n")
		if from = to + 1; strings.TrimSpace(text) == "" {
			continue
		}
		found, ds := sigma.Parse(r.file, []byte(text))
		docs = append(docs, found...)
		r.ds = append(r.ds, ds...)
	}
	return docs
}

func (r *fixtureReader) profile(n *yaml.Node) map[string]any {
	values := map[string]any{}
	v, ok := r.value(n).(map[string]any)
	if !ok {
		r.errorf(nodePos(n), sigma.CodeType, "name: value, or name: [values]", "profile must be a mapping")
	}
	maps.Copy(values, v)
	return values
}

var forms = append([]event.Form{FormAny}, event.Forms()...)

func (r *fixtureReader) form(n *yaml.Node) event.Form {
	f := event.Form(n.Value)
	if !slices.Contains(forms, f) {
		var names []string
		for _, f := range forms {
			names = append(names, string(f))
		}
		r.errorf(nodePos(n), sigma.CodeBadValue, "known forms: "+strings.Join(names, ", "), "unknown form %q", n.Value)
	}
	return f
}

func (r *fixtureReader) cases(n *yaml.Node, profile map[string]any, form event.Form) []Case {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.errorf(nodePos(n), sigma.CodeType, "", "cases must be a list with at least one case")
		return nil
	}
	var cases []Case
	names := map[string]bool{}
	for _, item := range n.Content {
		item = resolved(item)
		c := Case{Pos: nodePos(item), Profile: profile}
		form := form
		var events *yaml.Node
		var expect, selections, lateness, profiled *yaml.Node
		var like likeness
		r.mapping(item, "a case", []key{
			{"name", true, func(_, v *yaml.Node) {
				c.Name = r.text(v, "name")
				if names[c.Name] {
					r.errorf(nodePos(v), sigma.CodeDuplicateKey, "say what sets the case apart", "two cases have the name %q", c.Name)
				}
				names[c.Name] = true
			}},
			{"expect", false, func(k, v *yaml.Node) {
				expect = k
				c.Expect = Expect(v.Value)
				if known := []Expect{ExpectMatch, ExpectNoMatch, ExpectNotRun}; !slices.Contains(known, c.Expect) {
					r.errorf(nodePos(v), sigma.CodeBadValue, "write match, no match or not run", "expect is none of the three: %q", v.Value)
				}
			}},
			{"selections", false, func(k, v *yaml.Node) {
				selections = k
				if v.Kind != yaml.SequenceNode {
					r.errorf(nodePos(v), sigma.CodeType, "", "selections must be a list of names")
					return
				}
				for _, s := range v.Content {
					c.Selections = append(c.Selections, r.text(resolved(s), "a selection"))
				}
			}},
			{"profile", false, func(k, v *yaml.Node) {
				profiled = k
				c.Profile = map[string]any{}
				maps.Copy(c.Profile, profile)
				maps.Copy(c.Profile, r.profile(v))
			}},
			{"form", false, func(_, v *yaml.Node) { form = r.form(v) }},
			{"events", false, func(_, v *yaml.Node) { events = v }},
			{"like", false, func(_, v *yaml.Node) { like.name = v }},
			{"replace", false, func(_, v *yaml.Node) { like.replace = v }},
			{"at", false, func(_, v *yaml.Node) { like.at = v }},
			{"hits", false, func(_, v *yaml.Node) { c.Hits = r.hits(v) }},
			{"lateness", false, func(k, v *yaml.Node) {
				lateness = k
				span, err := sigma.ParseTimespan(v.Value)
				if err != nil {
					r.errorf(nodePos(v), sigma.CodeTimespan, "write a number and a unit, such as 5m", "lateness: %v", err)
				}
				c.Lateness = time.Duration(span.Seconds) * time.Second
			}},
		})
		switch {
		case expect == nil && c.Hits == nil:
			r.errorf(nodePos(item), sigma.CodeMissingKey, "expect: match, no match or not run; hits: a list, empty for none, for a correlation", "a case has neither expect nor hits")
		case expect != nil && c.Hits != nil:
			r.errorf(nodePos(expect), sigma.CodeBadValue, "leave one of them out", "a case has either expect or hits")
		case selections != nil && c.Hits != nil:
			r.errorf(nodePos(selections), sigma.CodeBadValue, "leave selections out", "selections and hits do not go together")
		case lateness != nil && c.Hits == nil:
			r.errorf(nodePos(lateness), sigma.CodeBadValue, "leave lateness out, or say which hits there are", "lateness wants hits")
		}
		switch {
		case events != nil && like.name != nil:
			r.errorf(nodePos(like.name), sigma.CodeBadValue, "leave one of them out", "a case has either events or like")
		case events == nil && like.name == nil:
			r.errorf(nodePos(item), sigma.CodeMissingKey, "events: a list; or like: the name of a case above, with replace", "a case has no events")
		case like.name != nil:
			r.like(like, &c, cases, profiled != nil)
		default:
			if extra := cmp.Or(like.replace, like.at); extra != nil {
				r.errorf(nodePos(extra), sigma.CodeBadValue, "write like: and the name of a case above", "replace and at want like")
			}
			c.Events = r.events(events, form, &c)
		}
		cases = append(cases, c)
	}
	return cases
}

// hits reads the hits of a history.
func (r *fixtureReader) hits(n *yaml.Node) []ExpectedHit {
	hits := []ExpectedHit{}
	if n.Kind != yaml.SequenceNode {
		r.errorf(nodePos(n), sigma.CodeType, "write [] for none", "hits must be a list")
		return hits
	}
	for _, item := range n.Content {
		item = resolved(item)
		h := ExpectedHit{Pos: nodePos(item)}
		r.mapping(item, "a hit", []key{
			{"rule", false, func(_, v *yaml.Node) { h.Rule = r.text(v, "rule") }},
			{"group", false, func(_, v *yaml.Node) { h.Group = r.texts(v, "group") }},
			{"new", false, func(_, v *yaml.Node) { h.New = r.texts(v, "new") }},
			{"time", true, func(_, v *yaml.Node) { h.Time = r.time(v) }},
			{"event", false, func(_, v *yaml.Node) { h.Event = r.text(v, "event") }},
			{"value", false, func(_, v *yaml.Node) {
				f, err := strconv.ParseFloat(v.Value, 64)
				if err != nil || !numberLiteral.MatchString(v.Value) {
					r.errorf(nodePos(v), sigma.CodeType, "", "value must be a number")
				}
				h.Value = &f
			}},
			{"contributing", false, func(_, v *yaml.Node) {
				h.Contributing = []string{}
				if v.Kind != yaml.SequenceNode {
					r.errorf(nodePos(v), sigma.CodeType, "", "contributing must be a list of the events' ids")
					return
				}
				for _, id := range v.Content {
					h.Contributing = append(h.Contributing, r.text(resolved(id), "an id"))
				}
			}},
			{"repeats", false, func(_, v *yaml.Node) {
				var err error
				if h.Repeats, err = strconv.Atoi(v.Value); err != nil || h.Repeats < 0 {
					r.errorf(nodePos(v), sigma.CodeType, "", "repeats must be a whole number")
				}
			}},
		})
		hits = append(hits, h)
	}
	return hits
}

// texts reads a mapping of scalars; null is the empty text.
func (r *fixtureReader) texts(n *yaml.Node, what string) map[string]string {
	m := map[string]string{}
	if n.Kind != yaml.MappingNode {
		r.errorf(nodePos(n), sigma.CodeType, "field: value", "%s must be a mapping", what)
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := resolved(n.Content[i]), resolved(n.Content[i+1])
		if v.Kind != yaml.ScalarNode {
			r.errorf(nodePos(v), sigma.CodeType, "", "%s: the value of %s must be a text", what, k.Value)
		}
		if _, twice := m[k.Value]; twice {
			r.errorf(nodePos(k), sigma.CodeDuplicateKey, "", "the key %s stands twice", k.Value)
		}
		m[k.Value] = v.Value
		if v.Tag == "!!null" {
			m[k.Value] = ""
		}
	}
	return m
}

func (r *fixtureReader) time(n *yaml.Node) time.Time {
	t, ok := event.ParseTime(n.Value)
	if !ok {
		r.errorf(nodePos(n), sigma.CodeType, "write it as 2026-03-02T10:00:00Z", "%q is no time", n.Value)
	}
	return t
}
