package backends

import (
	"fmt"
	"slices"
	"strings"
)

// kqlEntityNames are the columns of entities, a number behind each.
var kqlEntityNames = map[string]string{"account": "Account", "ip": "IP", "app": "App", "service-principal": "ServicePrincipal",
	"mailbox": "Mailbox", "host": "Host", "url": "Url", "file": "File", "resource": "Resource"}

// KQLEntityValues is how many different values of an entity in a list have a
// column each.
const KQLEntityValues = 3

// entities adds the columns that hold the rule's entities, as text, addresses
// without a port. An entity in a list has several columns, of its different
// values the first, empty where there are fewer. A row stays one.
func (p *kqlPrinter) entities(q *Query, lines *[]string) {
	p.items = map[string]string{} // those before are of lists taken apart elsewhere
	row := p.enter()
	var away, columns []string
	for i, e := range p.rule.Entities {
		name := kqlEntityNames[e.Type]
		if name == "" {
			name = "Entity"
		}
		if e.Field.Leaves || e.Field.Derive != nil {
			continue
		}
		pl, err := p.place(row, e.Field, nil, false)
		if err != nil {
			continue
		}
		p.open(&pl)
		scalar := pl.scalar(e.Field)
		value := scalar.text()
		there := append(slices.Clone(pl.conditions), "isnotempty("+value+")")
		if e.Type == "ip" {
			value = KQLAddress(value)
		}
		if e.Quoted() {
			value = "trim('\"', " + value + ")"
		}
		add := func(nth int, value string) {
			c := EntityColumn{Type: e.Type, Column: p.name(name), Index: i, Nth: nth}
			columns = append(columns, "extend "+c.Column+" = "+value)
			q.Entities = append(q.Entities, c)
		}
		if len(pl.chain) == 0 {
			add(0, value)
			continue
		}
		if x := pl.chain[0].name; x != "" && !slices.Contains(away, x) {
			away = append(away, x)
		}
		if scalar.listed {
			there = append(there, "gettype("+scalar.expr+`) !in ("array", "dictionary")`)
		}
		values := row.gather(p, pl, "make_set_if("+value+", "+kqlJoin(" and ", there)+")")
		away = append(away, values)
		for n := range KQLEntityValues {
			add(n, fmt.Sprintf("tostring(%s[%d])", values, n))
		}
	}
	*lines = append(append(*lines, row.operators()...), columns...)
	if len(away) > 0 {
		*lines = append(*lines, "project-away "+strings.Join(away, ", "))
	}
}

// gather adds an aggregate of the elements of a list to what is asked of
// them already and returns its column.
func (sc *kqlScope) gather(p *kqlPrinter, pl kqlPlace, aggregate string) string {
	for _, a := range sc.applies {
		if slices.Equal(a.chain, pl.chain) && len(a.inner) == 0 {
			for _, f := range a.flags {
				if f.collect == aggregate {
					return f.name
				}
			}
			f := kqlFlag{name: p.name("values"), collect: aggregate}
			a.flags = append(a.flags, f)
			return f.name
		}
	}
	return sc.collect(p, pl, aggregate)
}
