package compiler

import (
	"fmt"

	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/schema"
)

func propertyOf(name, doc string, s *schema.Schema) schema.Property {
	return schema.Property{Name: name, Schema: s.Describe(doc)}
}

// ProfileSchema returns the JSON Schema (draft 2020-12) of tenant profiles.
func ProfileSchema() ([]byte, error) {
	watchlist := schema.Object(propertyOf("watchlist", "the alias of a Sentinel watchlist, which only a query can read", textShape))
	value := schema.AnyOf(scalarShape, schema.List(scalarShape), watchlist)
	s := schema.Object(
		propertyOf("rulewright-profile", "the version of the format", schema.Value(1)),
		propertyOf("parameters", "the values of parameters, by name; without one, a parameter has its default", schema.AnyOf(schema.Map(value), schema.Null())),
	)
	s.Title, s.Required = "a Rulewright tenant profile", []string{"rulewright-profile"}
	return s.Document()
}

// OverridesSchema returns the JSON Schema (draft 2020-12) of overrides files.
// It does not see into filters, where ParseOverrides does.
func OverridesSchema() ([]byte, error) {
	thresholds := schema.Object()
	for _, op := range sigma.ThresholdOps() {
		thresholds.Properties = append(thresholds.Properties, propertyOf(op, fmt.Sprintf("the number after %s", op), schema.Number()))
	}
	entry := schema.Object(
		propertyOf("rule", "the rules that are meant, by id or name", textsShape),
		propertyOf("tag", "the rules that are meant, by tag", textsShape),
		propertyOf("enabled", "false switches the rules off", schema.Bool()),
		propertyOf("level", "the rules' level", schema.Text(sigma.Levels()...)),
		propertyOf("tier", "the rules' tier", schema.Text(sigma.Tiers()...)),
		propertyOf("thresholds", "the thresholds of correlations", thresholds),
		propertyOf("filter", "a detection that must hold as well", &schema.Schema{Type: "object"}),
	)
	s := schema.Object(
		propertyOf("rulewright-overrides", "the version of the format", schema.Value(1)),
		propertyOf("overrides", "what is changed, from top to bottom", schema.List(entry)),
	)
	s.Title, s.Required = "a Rulewright overrides file", []string{"rulewright-overrides"}
	return s.Document()
}
