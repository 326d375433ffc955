package backends

import (
	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlTokens finds the keys and scalars of a JSON text one after the other; the
// group holds a scalar and is empty for a key.
const kqlTokens = `"(?:[^"\\]|\\.)*"\s*:|("(?:[^"\\]|\\.)*"|-?[0-9][-+.0-9Ee]*|true|false)`

// kqlJSONOf is the JSON of a dynamic value, in a list, since the text of one that
// is a text is not in quotes.
func kqlJSONOf(value string) string { return "tostring(pack_array(" + value + "))" }

// keywords prints a search in every scalar of an event: in a table, of its
// message columns.
func (p *kqlPrinter) keywords(sc *kqlScope, m *ir.Match, negated bool) (string, error) {
	switch {
	case sc == p.scopes[0] && p.event != "": // an event is an object
		return p.inJSON(sc, m, "tostring("+sc.root+")", negated)
	case sc.root != "":
		return p.inJSON(sc, m, kqlJSONOf(sc.root), negated)
	}
	if len(p.rule.Source.Messages) == 0 {
		return "", p.refuse(m, "the pipeline names no message columns for %s; keywords cannot be said", p.rule.Source.Table)
	}
	var parts []string
	for _, f := range p.rule.Source.Messages {
		steps := f.Steps()
		if len(steps) != 1 {
			return "", p.refuse(m, "the message field %s is no column; keywords cannot be said", f.Name)
		}
		name := kqlName(steps[0].Key)
		one := *m
		one.Field = f
		p.origin[&one] = m
		var text string
		var err error
		switch {
		case f.ColumnType == ir.TypeJSON || f.ColumnType == ir.TypeUnknown:
			text, err = p.inJSON(sc, &one, kqlJSONOf(name), negated)
		case f.Type == ir.TypeJSON || steps[0].JSON:
			text, err = p.inJSON(sc, &one, "tostring(iff("+name+" matches regex "+kqlString(kqlOpensJSON)+", pack_array(parse_json("+name+")), pack_array("+name+")))", negated)
		default:
			text, err = p.leaf(sc, &one, negated)
		}
		if err != nil {
			return "", err
		}
		if text != "false" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return "false", nil
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr)), nil
}

// inJSON asks the scalars in a JSON text.
func (p *kqlPrinter) inJSON(sc *kqlScope, m *ir.Match, text string, negated bool) (string, error) {
	if m.Op == ir.Null || m.Op == ir.Exists {
		return "", p.refuse(m, "%s of every field cannot be said", m.Op)
	}
	value := "extract_all(" + kqlString(kqlTokens) + ", " + text + ")"
	x := kqlExpansion{item: p.items[value], name: p.items["list "+value], value: value}
	if x.item == "" {
		x.item, x.name = p.name("leaf"), p.name("list")
		p.items[value], p.items["list "+value] = x.item, x.name
	}
	x.list = x.name
	pl := kqlPlace{
		chain:      []kqlExpansion{x},
		conditions: []string{"isnotempty(tostring(" + x.item + "))"},
		value:      "parse_json(tostring(" + x.item + "))",
		dynamic:    true,
		kinds:      anyKind &^ objectKind,
	}
	one := *m
	one.Field = ir.Field{Name: m.Field.Name}
	p.origin[&one] = m
	return p.match(sc, &one, pl, negated)
}
