package main

import (
	_ "embed"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

//go:embed hit.schema.json
var hitSchema []byte

// schemas are the formats beyond those of package sigma.
var schemas = []struct {
	kind   string
	schema func() ([]byte, error)
}{
	{"profile", compiler.ProfileSchema},
	{"overrides", compiler.OverridesSchema},
	{"pipeline", compiler.PipelineSchema},
	{"fixtures", conformance.FixtureSchema},
	{"hit", func() ([]byte, error) { return hitSchema, nil }},
}

func runSchema(c *cli, args []string) int {
	kinds := sigma.SchemaKinds()
	for _, s := range schemas {
		kinds = append(kinds, s.kind)
	}
	f := c.flags("KIND", `
Print the JSON Schema of a format, for editors and other tools. KIND is one of
`+strings.Join(kinds, ", ")+`
(hit: a line of rulewright match --format jsonl).

Example:
  rulewright schema native > rulewright.schema.json`)
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if len(args) != 1 {
		return c.misuse("the schema of what? One of %s", strings.Join(kinds, ", "))
	}
	print := func() ([]byte, error) { return sigma.Schema(args[0]) }
	for _, s := range schemas {
		if s.kind == args[0] {
			print = s.schema
		}
	}
	schema, err := print()
	if err != nil {
		return c.misuse("there is no schema of %q; there are %s", args[0], strings.Join(kinds, ", "))
	}
	c.out.Write(schema)
	return exitOK
}
