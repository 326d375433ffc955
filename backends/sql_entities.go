package backends

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// entities puts a query around a plain one that adds the columns with the rule's
// entities, as text, addresses without a port. Where an entity is in a list, the
// result has a row for each element, the row itself where there is none.
func (p *sqlPrinter) entities(q *Query) error {
	p.at, p.rows, p.names = nil, &sqlRows{known: map[string]string{}}, 0
	columns := []string{"r.*"}
	numbers := map[string]int{}
	for i, e := range p.rule.Entities {
		if e.Field.Leaves || e.Field.Derive != nil {
			continue
		}
		value, err := p.entity(e.Field)
		if err != nil {
			return err
		}
		if e.Type == "ip" {
			if value, err = p.withoutPort(value); err != nil {
				return err
			}
		}
		name := entityColumn(e.Type)
		numbers[name]++
		c := EntityColumn{Type: e.Type, Column: fmt.Sprintf("%s_%d", name, numbers[name]), Index: i}
		columns = append(columns, value+" AS "+p.d.ident(c.Column))
		q.Entities = append(q.Entities, c)
	}
	from := "(\n" + q.Text + "\n) AS r"
	for i, rows := range p.rows.from {
		from += "\nLEFT JOIN " + p.d.lateral + rows + " ON " + p.rows.where[i]
	}
	q.Text = "SELECT " + strings.Join(columns, ",\n  ") + "\nFROM " + from
	return nil
}

// entity prints a field's text in a row of the query.
func (p *sqlPrinter) entity(f ir.Field) (value string, err error) {
	take := func(s scalar) (cond, error) {
		text, ok := p.textForm(s)
		if s.at == nil && s.kinds == timeKind {
			text, ok = "CAST("+s.expr+" AS "+p.d.textType+")", true
		}
		if !ok {
			return cond{}, p.refuse("%s as an entity is not supported", f.Name)
		}
		value = text
		return constant(true), nil
	}
	c, err := p.locate(f, 0)
	if err != nil {
		return "", err
	}
	where := constant(true)
	if c.typed {
		_, err = p.scalars(f, 0, take)
	} else {
		where, err = p.along(c, toElements, func(v place) (cond, error) { return take(scalar{at: &v, kinds: anyKind}) })
	}
	if err == nil && !where.is(true) {
		value = "CASE WHEN " + where.text + " THEN " + value + " END"
	}
	return value, err
}

// withoutPort prints an address without the port and the brackets around it.
func (p *sqlPrinter) withoutPort(x string) (string, error) {
	four := comparison(x + " NOT GLOB '*[^0-9.:]*' AND " + x + " NOT LIKE '%:%:%'")
	if p.d.regexp != nil {
		var err error
		if four, err = p.regexp(x, `\A[0-9.]+:[0-9]{1,5}\z`); err != nil {
			return "", err
		}
	}
	return "CASE WHEN " + x + " LIKE '[%]' OR " + x + " LIKE '[%]:%' THEN substr(" + x + ", 2, " + p.d.position(x, "']'") + " - 2) WHEN " +
		x + " LIKE '%:%' AND " + four.text + " THEN substr(" + x + ", 1, " + p.d.position(x, "':'") + " - 1) ELSE " + x + " END", nil
}

// entityColumn names the columns of entities of a type, a number behind each.
func entityColumn(typ string) string {
	if name := kqlEntityNames[typ]; name != "" {
		return name
	}
	return "Entity"
}

// sqlRows collects what makes rows of the elements of lists, what holds of those,
// and the names of the elements by the list.
type sqlRows struct {
	from, where []string
	known       map[string]string
}
