package sentinel

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// function makes an artefact a function of the parameters that its rule asks
// for.
func (e *exporter) function(a *artefact, r *ir.Rule) error {
	a.alias = e.alias(a.title)
	for _, name := range r.Lacks {
		return sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sigma.SeverityError, Code: sigma.CodeUnsupported,
			Message: fmt.Sprintf("%s: no function takes the parameter %s, which is of type %s and has no example", r.Meta.Title, name, e.definition(name).Type),
			Hint:    "give it a value in the profile"}
	}
	for _, b := range r.Arguments() {
		p := functionParameter{b.Name, b.Name + ":" + functionTypes[b.Scalar], strings.TrimSpace(e.definition(b.Name).Description)}
		if b.Scalar == "hours" {
			p.description = strings.TrimSpace(p.description + ` In a call one span, such as "Mon-Fri 08:00-18:00 Europe/Berlin"; other text finds nothing.`)
		}
		a.parameters = append(a.parameters, p)
	}
	return nil
}

// functionTypes are the types of Kusto for lists of texts and for single values.
var functionTypes = map[string]string{"": "dynamic", "number": "real", "duration": "timespan", "hours": "string", "zone": "string"}

// alias is the name of a function: the words of a title.
func (e *exporter) alias(title string) string {
	var b strings.Builder
	for _, w := range strings.Split(sigma.Slug(title), "-") {
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
