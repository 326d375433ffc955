package conformance

import "github.com/rulewright/rulewright/sigma/schema"

// FixtureSchema returns the JSON Schema (draft 2020-12) of fixture files. It
// does not see into a rule under document, where ParseFixture does.
func FixtureSchema() ([]byte, error) {
	property := func(name, doc string, s *schema.Schema) schema.Property {
		return schema.Property{Name: name, Schema: s.Describe(doc)}
	}
	var formNames []string
	for _, f := range forms {
		formNames = append(formNames, string(f))
	}
	scalar := &schema.Schema{Types: []string{"string", "number", "boolean", "null"}}
	profile := schema.Map(schema.OneOrMany(scalar))
	form := property("form", "the form of the events; detected where it is not given; any: the rule's field names are the event's keys", schema.Text(formNames...))
	event := schema.Object(form,
		property("table", "the table of the event; detected where it is not given", schema.Text()),
		property("time", "in a history: when it happened", schema.Text()),
		property("id", "in a history: what it is called in contributing", schema.Text()),
		property("event", "the event", &schema.Schema{}),
		property("json", "the event as JSON text", schema.Text()),
	)
	event.AnyOf = []*schema.Schema{{Required: []string{"event"}}, {Required: []string{"json"}}}
	events := schema.List(event)
	events.MinItems = 1
	hit := schema.Object(
		property("rule", "id, name or title of the rule; that of the fixture where it is not given", schema.Text()),
		property("group", "the group's key: its fields, folded", schema.Map(scalar)),
		property("new", "the new values of new_value, folded", schema.Map(scalar)),
		property("time", "the instant", schema.Text()),
		property("event", "of a rule's own hit: the id of the event", schema.Text()),
		property("value", "the count or value", schema.Number()),
		property("contributing", "the ids of the events behind it", schema.List(schema.Text())),
		property("repeats", "how many hits once keeps back for this one; 0 where it is not given", schema.Integer()),
	)
	hit.Required = []string{"time"}
	one := schema.Object(
		property("name", "what sets the case apart", schema.Text()),
		property("expect", "what the rule says of each of the events", schema.Text(string(ExpectMatch), string(ExpectNoMatch), string(ExpectNotRun))),
		property("selections", "selections that hold, whatever others do", schema.List(schema.Text())),
		property("profile", "values of parameters, over those of the file", profile),
		form,
		property("events", "one fact in one form or several; with hits: a history, in the order of arrival", events),
		property("like", "the name of a case above, of which this one has the events", schema.Text()),
		property("replace", "with like: values of the events, each by the one that stands in its place", schema.Map(scalar)),
		property("at", "with like: the number of the only event in which values are replaced, from 1", schema.Integer()),
		property("hits", "all hits that the history has", schema.List(hit)),
		property("lateness", "how much older than the latest event one may be, such as 5m", schema.Text()),
	)
	one.Required = []string{"name"}
	one.AnyOf = []*schema.Schema{{Required: []string{"expect", "events"}}, {Required: []string{"hits", "events"}}, {Required: []string{"expect", "like"}}, {Required: []string{"hits", "like"}}}
	cases := schema.List(one)
	cases.MinItems = 1
	s := schema.Object(
		property(Marker, "the version of the format", schema.Value(1)),
		property("rule", "the id of a rule beside the fixtures or in the pack", schema.Text()),
		property("file", "the file of the rule, from the fixture's folder", schema.Text()),
		property("document", "the rule itself, as a block of text", schema.Text()),
		property("description", "what the fixture is about", schema.Text()),
		property("profile", "values of parameters", profile),
		form,
		property("cases", "what the rule must and must not match", cases),
	)
	s.Title = "Rulewright fixtures"
	s.Required = []string{Marker, "cases"}
	s.AnyOf = []*schema.Schema{{Required: []string{"rule"}}, {Required: []string{"file"}}, {Required: []string{"document"}}}
	return s.Document()
}
