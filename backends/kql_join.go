package backends

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// column prints the column that a field starts at.
func (p *kqlPrinter) column(f ir.Field, name string) string {
	if f.Join == nil || p.event != "" {
		return kqlName(name)
	}
	if p.joining {
		if p.joins == nil {
			p.joins = map[string]*ir.Join{}
		}
		p.joins[f.Column] = f.Join
	}
	if p.joins[f.Column] == nil {
		return kqlJoined(f.Join)
	}
	return kqlName(name)
}

// table prints the name of a table, or the call of a function that is one.
func (p *kqlPrinter) table(name string) string {
	if p.rule.Source.Function {
		return kqlName(name) + "()"
	}
	return kqlName(name)
}

// joined adds the joined columns in front of the conditions that use them: to
// the lines before, conditions that do not, in their order.
func (p *kqlPrinter) joined(lines, conditions []string) []string {
	names := p.addedNames()
	if len(names) == 0 {
		return append(lines, conditions...)
	}
	uses := func(text string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(text, n) })
	}
	var rest []string
	for _, c := range conditions {
		if uses(c) {
			rest = append(rest, c)
		} else {
			lines = append(lines, c)
		}
	}
	for _, n := range p.joinNames() {
		lines = append(lines, "extend "+kqlName(n)+" = "+kqlJoined(p.joins[n]))
	}
	for _, x := range p.extends {
		lines = append(lines, "extend "+x.name+" = "+x.value)
	}
	return append(lines, rest...)
}

// addedNames are those of the columns that a query adds to the row.
func (p *kqlPrinter) addedNames() []string {
	names := p.joinNames()
	for _, x := range p.extends {
		names = append(names, x.name)
	}
	return names
}

func (p *kqlPrinter) joinNames() []string {
	var names []string
	for n := range p.joins {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// kqlJoined is the text that a join comes to.
func kqlJoined(j *ir.Join) string {
	var parts, earlier []string
	for i, part := range j.Parts {
		value := kqlName(part.Column)
		if kindsOfColumn(part.Type) == numberKind {
			value = "tostring(" + value + ")"
		}
		if part.Blank != "" {
			value = "iff(" + value + " == " + kqlString(part.Blank) + `, "", ` + value + ")"
		}
		there := value // not empty where the part is there
		if len(part.Texts) > 0 {
			args := make([]string, 0, 2*len(part.Texts)+1)
			for _, r := range part.Texts {
				args = append(args, value+" =~ "+kqlString(r.From), kqlString(r.To))
			}
			value = "case(" + strings.Join(append(args, `""`), ", ") + ")"
			there = value
		} else if len(part.Prefixes) > 0 {
			var args []string
			for _, r := range part.Prefixes {
				args = append(args, value+" startswith "+kqlString(r.From),
					"strcat("+kqlString(r.To)+", substring("+value+", "+strconv.Itoa(len(r.From))+"))")
			}
			value = "case(" + strings.Join(append(args, value), ",\n    ") + ")"
		}
		var front []string
		if i > 0 && j.By != "" {
			if len(earlier) == 1 {
				front = append(front, "iff(isempty("+earlier[0]+`), "", `+kqlString(j.By)+")")
			} else {
				front = append(front, "iff(isempty(strcat("+strings.Join(earlier, ", ")+`)), "", `+kqlString(j.By)+")")
			}
		}
		if part.Before != "" {
			front = append(front, kqlString(part.Before))
		}
		if len(front) > 0 {
			value = "iff(isempty(" + there + `), "", strcat(` + strings.Join(append(front, value), ", ") + "))"
		}
		parts, earlier = append(parts, value), append(earlier, there)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "strcat(" + strings.Join(parts, ",\n    ") + ")"
}
