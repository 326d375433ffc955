package schema_test

import (
	"fmt"

	"github.com/rulewright/rulewright/sigma/schema"
)

// A format with one key that must be there.
func ExampleObject() {
	s := schema.Object(schema.Property{Name: "level", Schema: schema.Text("low", "high").Describe("how bad it is")})
	s.Required = []string{"level"}
	text, err := s.Document()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "$schema": "https://json-schema.org/draft/2020-12/schema",
	//   "type": "object",
	//   "required": [
	//     "level"
	//   ],
	//   "properties": {
	//     "level": {
	//       "description": "how bad it is",
	//       "type": "string",
	//       "enum": [
	//         "low",
	//         "high"
	//       ]
	//     }
	//   },
	//   "additionalProperties": false
	// }
}
