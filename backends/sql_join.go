package backends

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// joined prints the text that a join comes to; null where all of its parts are
// empty.
func (p *sqlPrinter) joined(j *ir.Join) (string, error) {
	var parts, earlier []string
	for i, part := range j.Parts {
		value, err := p.joinPart(part)
		if err != nil {
			return "", err
		}
		there := value + " IS NOT NULL"
		front := ""
		if part.Before != "" {
			before, err := p.quote(part.Before)
			if err != nil {
				return "", err
			}
			front = before + " || "
		}
		if i > 0 && j.By != "" {
			by, err := p.quote(j.By)
			if err != nil {
				return "", err
			}
			front = "CASE WHEN " + strings.Join(earlier, " OR ") + " THEN " + by + " ELSE '' END || " + front
		}
		parts, earlier = append(parts, front+value), append(earlier, there)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ")", nil
	}
	for i, part := range parts {
		parts[i] = "coalesce(" + part + ", '')"
	}
	return "nullif(" + strings.Join(parts, " || ") + ", '')", nil
}

// joinPart prints the text of a part, null where it is empty.
func (p *sqlPrinter) joinPart(part ir.JoinPart) (string, error) {
	column := p.d.ident(part.Column)
	if kindsOfColumn(part.Type) == numberKind {
		column = "CAST(" + column + " AS " + p.d.textType + ")"
	}
	value := "nullif(" + column + ", '')"
	if part.Blank != "" {
		blank, err := p.quote(part.Blank)
		if err != nil {
			return "", err
		}
		value = "nullif(" + value + ", " + blank + ")"
	}
	var b strings.Builder
	for _, r := range part.Texts {
		is, err := p.equalsOneOf(value, []string{ir.Fold(r.From)}, false)
		if err != nil {
			return "", err
		}
		to, err := p.quote(r.To)
		if err != nil {
			return "", err
		}
		if r.To == "" {
			to = "NULL"
		}
		b.WriteString(" WHEN " + is.text + " THEN " + to)
	}
	if len(part.Texts) > 0 {
		return "CASE" + b.String() + " END", nil
	}
	for _, r := range part.Prefixes {
		if strings.ContainsFunc(r.From, func(c rune) bool { return c >= utf8.RuneSelf }) { // not every engine counts characters
			return "", p.refuse("a prefix with letters outside ASCII, in a field of several columns, is not supported")
		}
		starts, err := p.like(value, ir.Pattern{{Text: r.From}, {Kind: ir.AnyRun}}, false)
		if err != nil {
			return "", err
		}
		to, err := p.quote(r.To)
		if err != nil {
			return "", err
		}
		b.WriteString(" WHEN " + starts.text + " THEN " + to + " || substr(" + value + ", " + strconv.Itoa(len(r.From)+1) + ")")
	}
	if len(part.Prefixes) > 0 {
		return "CASE" + b.String() + " ELSE " + value + " END", nil
	}
	return value, nil
}
