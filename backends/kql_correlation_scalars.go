package backends

import (
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// eventTime is the time of an event, and whether every row has one.
func (p *kqlPrinter) eventTime(row *kqlScope) (text string, always bool, err error) {
	if p.target.Time != "" && (p.event != "" || len(p.rule.Source.Time.Path) == 0) {
		return kqlName(p.target.Time), false, nil
	}
	if len(p.rule.Source.Time.Path) == 0 {
		return "", false, noTime(p.rule, "KQL")
	}
	pl, err := p.place(row, p.rule.Source.Time, nil, true)
	if err != nil {
		return "", false, err
	}
	s := pl.scalar(p.rule.Source.Time)
	return s.time(), !s.dynamic && s.column == ir.TypeDatetime, nil
}

// texts prints the folded texts of a field's scalars: a text, empty for none, if
// one says that there is never another; else the name of a column that holds
// the array of them.
func (p *kqlPrinter) texts(row *kqlScope, field ir.Field) (text string, one bool, err error) {
	pl, err := p.place(row, field, nil, true)
	if err != nil {
		return "", false, err
	}
	p.open(&pl)
	s := pl.scalar(field)
	folded := "tolower(" + s.text() + ")"
	if len(pl.chain) == 0 {
		if is := s.is(textForm); is != "" {
			folded = "iff(" + is + ", " + folded + `, "")`
		}
		return folded, true, nil
	}
	there := append(slices.Clone(pl.conditions), "gettype("+s.expr+`) !in ("null", "array", "dictionary")`)
	return row.collect(p, pl, "make_set_if("+folded+", "+kqlJoin(" and ", there)+")"), false, nil
}

// numbers prints the numbers among a field's scalars likewise: null for none.
func (p *kqlPrinter) numbers(row *kqlScope, field ir.Field) (text string, one bool, err error) {
	pl, err := p.place(row, field, nil, true)
	if err != nil {
		return "", false, err
	}
	p.open(&pl)
	s := pl.scalar(field)
	var value string
	switch {
	case s.dynamic:
		value = fmt.Sprintf(`case(gettype(%[1]s) in ("int", "long", "real", "double", "decimal"), toreal(%[1]s), gettype(%[1]s) == "string", %[2]s, real(null))`, s.expr, kqlNumberOfText("tostring("+s.expr+")"))
	case s.kinds&numberKind != 0:
		value = "toreal(" + s.expr + ")"
	case s.isText():
		value = kqlNumberOfText(s.expr)
	default:
		return "", false, p.refuse(nil, "%s is no number and no text; its numbers cannot be said", field.Name)
	}
	if len(pl.chain) == 0 {
		return value, true, nil
	}
	there := append(slices.Clone(pl.conditions), "isnotnull("+value+")")
	return row.collect(p, pl, "make_list_if("+value+", "+kqlJoin(" and ", there)+")"), false, nil
}

// kqlNumberOfText is the value of a text that is a number, null for others.
func kqlNumberOfText(text string) string {
	return fmt.Sprintf("iff(%[1]s matches regex %[2]s, toreal(%[1]s), real(null))", text, kqlString(`\A`+ir.NumberTextForm+`\z`))
}

// collect adds an aggregate of the elements of a list and returns its column.
func (sc *kqlScope) collect(p *kqlPrinter, pl kqlPlace, aggregate string) string {
	f := kqlFlag{name: p.name("values"), collect: aggregate}
	sc.applies = append(sc.applies, &kqlApply{chain: pl.chain, flags: []kqlFlag{f}})
	return f.name
}
