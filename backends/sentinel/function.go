package sentinel

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// function makes an artefact a function of the parameters that its rule lacks.
func (e *exporter) function(a *artefact, r *ir.Rule) error {
	a.alias = e.alias(a.title)
	for _, name := range r.Lacks {
		def := e.definition(name)
		typ, ok := functionTypes[def.Type]
		if def.List && (typ == "string" || def.Type == "") {
			typ, ok = "dynamic", true
		}
		if !ok || !isIdentifier(name) {
			return sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sigma.SeverityError, Code: sigma.CodeUnsupported,
				Message: fmt.Sprintf("%s: no function takes the parameter %s, which is of type %s", r.Meta.Title, name, def.Type),
				Hint:    "give it a value in the profile"}
		}
		a.parameters = append(a.parameters, functionParameter{name, name + ":" + typ, strings.TrimSpace(def.Description)})
	}
	return nil
}

// functionTypes are the types of KQL for those of parameters. Texts of a list
// are a dynamic array.
var functionTypes = map[string]string{"": "string", "string": "string", "pattern": "string", "ip": "string", "cidr": "string",
	"number": "real", "bool": "bool"}

// alias is the name of a function: the words of a title.
func (e *exporter) alias(title string) string {
	var b strings.Builder
	for _, w := range strings.Split(slug(title), "-") {
		if w != "" {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	name := clip(b.String(), 90)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "Rule" + name
	}
	for i, base := 2, name; e.files["function "+name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	e.files["function "+name] = true
	return name
}
