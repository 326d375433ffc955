package sentinel

import (
	"slices"
	"strings"
)

// hunting checks a hunting query or function.
func (v *validator) hunting(n, p, id, name, description *node, ts, techs []string) {
	v.id(id)
	v.name(name)
	v.description(description)
	f := v.query(p.get("query"))
	v.attack(p, ts, techs, false)
	if !p.has("functionAlias") && !p.has("functionParameters") {
		return
	}
	alias := p.get("functionAlias")
	if !isIdentifier(alias.text()) {
		v.add(alias, "function", "%q is no name of a function", alias.text())
	}
	v.unique(alias, "function", v.names, "function "+alias.text())
	for _, d := range strings.Split(p.get("functionParameters").text(), ", ") {
		param, typ, ok := strings.Cut(d, ":")
		if !ok || !isIdentifier(param) || !slices.Contains([]string{"string", "long", "real", "bool", "datetime", "timespan", "dynamic"}, typ) {
			v.add(p.get("functionParameters"), "function", "%q is no parameter", d)
			continue
		}
		if !f.words[param] {
			v.add(p.get("functionParameters"), "function", "the query does not use the parameter %s", param)
		}
	}
}
