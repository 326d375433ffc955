package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// detection writes selections, timeframe and condition. Other names that mean
// something beside them are taken.
func (w *documentWriter) detection(d *Detection, taken ...string) yamlMap {
	m := yamlMap{}
	taken = append(taken, "condition")
	for _, s := range d.Selections {
		if slices.Contains(taken, s.Name) {
			w.fail("a selection cannot be named %q", s.Name)
		}
		m.put(s.Name, w.block(s.Body, 0))
	}
	if d.Timeframe != nil {
		w.timespan(&m, "timeframe", *d.Timeframe)
	}
	var conditions yamlSeq
	for _, c := range d.Conditions {
		conditions = append(conditions, w.condition(c))
	}
	switch len(conditions) {
	case 0:
	case 1:
		m.put("condition", conditions[0])
	default:
		m.put("condition", conditions)
	}
	return m
}

func (w *documentWriter) block(b Block, depth int) yamlNode {
	if depth > maxWriteDepth {
		w.fail("more than %d blocks inside each other", maxWriteDepth)
		return yamlMap{}
	}
	switch b := b.(type) {
	case *AllOf:
		m := yamlMap{}
		for _, it := range b.Items {
			m.put(w.itemKey(it), w.item(it, depth))
		}
		return m
	case *AnyOf:
		seq := yamlSeq{}
		for _, x := range b.Blocks {
			// A keyword stands among mappings as it is.
			if it, ok := x.(*Item); ok && isKeyword(it) && len(it.Values) == 1 {
				seq = append(seq, w.value(it.Values[0], valueStyle{}))
				continue
			}
			seq = append(seq, w.block(x, depth+1))
		}
		return seq
	case *Item:
		if isKeyword(b) {
			return w.values(b.Values, valueStyle{})
		}
		return yamlMap{{w.itemKey(b), w.item(b, depth)}}
	case *Detection:
		return w.detection(b)
	}
	panic(fmt.Sprintf("sigma: unknown block %T", b))
}

// isKeyword reports whether an item that stands alone is written without a
// key: a keyword search, or in a list block values of the element itself.
func isKeyword(it *Item) bool {
	return it.Block == nil && len(it.Modifiers) == 0 && (it.Field.Name == "" || it.Field.Name == ".")
}

// itemKey returns `field[quantifier]|modifier=arg`.
func (w *documentWriter) itemKey(it *Item) string {
	if strings.Contains(it.Field.Name, "|") || it.Quantifier != QuantifierNone && strings.HasSuffix(it.Field.Name, `\`) {
		w.fail("the field name %q would be read as another one", it.Field.Name)
	}
	var b strings.Builder
	b.WriteString(it.Field.Name)
	if it.Quantifier != QuantifierNone {
		b.WriteString("[" + it.Quantifier.String() + "]")
	}
	for _, m := range it.Modifiers {
		b.WriteString("|" + m.Name)
		if m.Arg != "" {
			b.WriteString("=" + m.Arg)
		}
	}
	return b.String()
}

// item writes what stands behind an item's key.
func (w *documentWriter) item(it *Item, depth int) yamlNode {
	if it.Block != nil {
		return w.block(it.Block, depth+1)
	}
	style := valueStyle{raw: takesRawText(it.Modifiers), placeholders: it.Has(ModExpand)}
	if len(it.Values) == 1 {
		return w.value(it.Values[0], style)
	}
	return w.values(it.Values, style)
}

// valueStyle says how the text of strings is read back.
type valueStyle struct {
	raw          bool // as it is: no wildcards, no escapes
	placeholders bool
}

func (w *documentWriter) values(vs []Value, style valueStyle) yamlSeq {
	seq := yamlSeq{}
	for _, v := range vs {
		seq = append(seq, w.value(v, style))
	}
	return seq
}

func (w *documentWriter) value(v Value, style valueStyle) yamlNode {
	switch v := v.(type) {
	case Null:
		return yamlPlain("null")
	case Bool:
		return yamlPlain(strconv.FormatBool(v.Bool))
	case Number:
		return yamlNumber(v.Number)
	case String:
		return yamlText{text: w.text(v, style), quoted: true}
	}
	panic(fmt.Sprintf("sigma: unknown value %T", v))
}

func (w *documentWriter) text(s String, style valueStyle) string {
	if style.raw {
		switch {
		case len(s.Parts) == 0:
			return ""
		case len(s.Parts) == 1 && s.Parts[0].Kind == Literal:
			return s.Parts[0].Text
		case len(s.Parts) == 1 && s.Parts[0].Kind == Placeholder:
			return "%" + s.Parts[0].Text + "%"
		}
		w.fail("text %.40q has wildcards or placeholders under a modifier that takes text as it is", s.Raw)
		return s.Raw
	}
	if slices.Equal(ParseParts(s.Raw, style.placeholders), s.Parts) {
		return s.Raw
	}
	text := renderParts(s.Parts, style.placeholders)
	if !slices.Equal(ParseParts(text, style.placeholders), s.Parts) {
		w.fail("the parts of text %.40q cannot be written", text)
	}
	return text
}

// condition keeps the text of a condition if it says what Expr says; else the
// expression is printed.
func (w *documentWriter) condition(c *Condition) yamlNode {
	if again, ok := reparseCondition(c.Text, w.sigma3); ok && equalConditions(again, c) {
		return yamlText{text: c.Text}
	}
	var b strings.Builder
	w.expr(&b, c.Expr, 0, 0)
	if a := c.Aggregation; a != nil {
		b.WriteString(" | " + a.Function + "(" + a.Field + ")")
		for i, f := range a.By {
			if i == 0 {
				b.WriteString(" by ")
			} else {
				b.WriteString(", ")
			}
			b.WriteString(f.Name)
		}
		op, ok := aggregationOps[a.Op]
		if !ok {
			w.fail("a condition's aggregation has the operator %q", a.Op)
		}
		b.WriteString(" " + op + " " + string(yamlNumber(a.Value)))
	}
	text := b.String()
	if again, ok := reparseCondition(text, w.sigma3); w.err == nil && (!ok || !equalConditions(again, c)) {
		w.fail("the condition %.80q cannot be written", text)
	}
	return yamlText{text: text}
}

var aggregationOps = map[ThresholdOp]string{OpGT: ">", OpGTE: ">=", OpLT: "<", OpLTE: "<=", OpEQ: "==", OpNEQ: "!="}

// Precedences of a condition's operators, weakest first.
const (
	precedenceOr = iota
	precedenceAnd
	precedenceNot
)

func (w *documentWriter) expr(b *strings.Builder, e ConditionExpr, outer, depth int) {
	if depth > maxWriteDepth {
		w.fail("a condition has more than %d levels", maxWriteDepth)
		return
	}
	join := func(parts []ConditionExpr, op string, own int) {
		if len(parts) == 0 {
			w.fail("a condition has an empty %q", op)
		}
		if own < outer || own == outer && depth > 0 {
			b.WriteByte('(')
			defer b.WriteByte(')')
		}
		for i, p := range parts {
			if i > 0 {
				b.WriteString(" " + op + " ")
			}
			w.expr(b, p, own, depth+1)
		}
	}
	switch e := e.(type) {
	case *ConditionAnd:
		join(e.Parts, "and", precedenceAnd)
	case *ConditionOr:
		join(e.Parts, "or", precedenceOr)
	case *ConditionNot:
		b.WriteString("not ")
		w.expr(b, e.Part, precedenceNot, depth+1)
	case *ConditionName:
		b.WriteString(e.Name)
	case *ConditionOf:
		if e.Count == 0 {
			b.WriteString("all")
		} else {
			b.WriteString(strconv.Itoa(e.Count))
		}
		b.WriteString(" of ")
		if e.Pattern == "" {
			b.WriteString("them")
		} else {
			b.WriteString(e.Pattern)
		}
	default:
		panic(fmt.Sprintf("sigma: unknown condition %T", e))
	}
}

// JoinParts is the inverse of ParseParts: text that reads as these parts, with
// few backslashes.
func JoinParts(parts []Part, placeholders bool) string { return renderParts(parts, placeholders) }

func renderParts(parts []Part, placeholders bool) string {
	special := `\*?`
	if placeholders {
		special += "%"
	}
	var b strings.Builder
	for i, p := range parts {
		switch p.Kind {
		case AnyRun:
			b.WriteByte('*')
		case AnyOne:
			b.WriteByte('?')
		case Placeholder:
			b.WriteString("%" + p.Text + "%")
		case Literal:
			for j := 0; j < len(p.Text); j++ {
				c := p.Text[j]
				// A backslash needs one in front where what follows could be
				// taken for what it escapes; in a run of them each has one.
				last, escape := j+1 == len(p.Text), strings.IndexByte(special, c) >= 0
				if c == '\\' {
					escape = last && i+1 < len(parts) || !last && strings.IndexByte(special, p.Text[j+1]) >= 0 || j > 0 && p.Text[j-1] == '\\'
				}
				if escape {
					b.WriteByte('\\')
				}
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}
