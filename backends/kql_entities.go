package backends

import (
	"fmt"
	"strings"
)

// kqlEntityNames are the columns of entities, a number behind each.
var kqlEntityNames = map[string]string{"account": "Account", "ip": "IP", "app": "App", "service-principal": "ServicePrincipal",
	"mailbox": "Mailbox", "host": "Host", "url": "Url", "file": "File", "resource": "Resource"}

// entities adds the columns that hold the rule's entities, as text, addresses
// without a port. Where an entity is in a list, the result has a row for each
// element, the row itself where there is none.
func (p *kqlPrinter) entities(q *Query, lines *[]string) {
	p.items = map[string]string{} // those before are of lists taken apart elsewhere
	expanded := map[string]bool{}
	var away []string
	for i, e := range p.rule.Entities {
		name := kqlEntityNames[e.Type]
		if name == "" {
			name = "Entity"
		}
		if e.Field.Leaves || e.Field.Derive != nil {
			continue
		}
		pl, err := p.place(p.scopes[0], e.Field, nil, false)
		if err != nil {
			continue
		}
		p.open(&pl)
		for _, x := range pl.chain {
			if expanded[x.item] {
				continue
			}
			expanded[x.item] = true
			if x.name != "" {
				*lines = append(*lines, "extend "+x.name+" = "+x.value)
				away = append(away, x.name)
			}
			*lines = append(*lines, "mv-expand "+x.item+" = "+kqlElements(x.list))
			away = append(away, x.item)
		}
		value := pl.scalar(e.Field).text()
		if e.Type == "ip" {
			value = KQLAddress(value)
		}
		if len(pl.conditions) > 0 {
			value = fmt.Sprintf("iff(%s, %s, \"\")", strings.Join(pl.conditions, " and "), value)
		}
		c := EntityColumn{Type: e.Type, Column: p.name(name), Index: i}
		*lines = append(*lines, "extend "+c.Column+" = "+value)
		q.Entities = append(q.Entities, c)
	}
	if len(away) > 0 {
		*lines = append(*lines, "project-away "+strings.Join(away, ", "))
	}
}
