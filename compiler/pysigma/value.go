package pysigma

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/rulewright/rulewright/sigma"
)

// kind is what pySigma makes of a value once the modifiers are applied to it.
// Rewrites and conditions look at that: a value under contains has wildcards
// on both sides.
type kind int

const (
	kindText kind = iota
	kindNumber
	kindBool
	kindNull
	kindOther // a regular expression, network, comparison, field, time part, windash …
)

// view returns a value as pySigma sees it under the item's modifiers, and the
// parts of a text.
func view(it *sigma.Item, v sigma.Value) (kind, []sigma.Part) {
	before, after, encode := false, false, ""
	for _, m := range it.Modifiers {
		switch m.Name {
		case sigma.ModAll, sigma.ModNeq, sigma.ModCased, sigma.ModExpand:
		case sigma.ModContains:
			before, after = true, true
		case sigma.ModStartsWith:
			after = true
		case sigma.ModEndsWith:
			before = true
		case sigma.ModUTF16LE, sigma.ModUTF16BE, sigma.ModUTF16, sigma.ModWide:
			encode = m.Name
		case sigma.ModBase64:
			encode += "|" + m.Name
		default:
			return kindOther, nil
		}
	}
	var parts []sigma.Part
	switch v := v.(type) {
	case sigma.Null:
		return kindNull, nil
	case sigma.Bool:
		return kindBool, nil
	case sigma.Number:
		if !before && !after && encode == "" {
			return kindNumber, nil
		}
		parts = literal(numberText(v.Number))
	case sigma.String:
		parts = v.Parts
	}
	if encode != "" {
		bytes, ok := encoded(plainText(parts), encode)
		if !ok {
			return kindOther, nil
		}
		parts = literal(bytes)
	}
	if before && (len(parts) == 0 || parts[0].Kind != sigma.AnyRun) {
		parts = append([]sigma.Part{{Kind: sigma.AnyRun}}, parts...)
	}
	if after && (len(parts) == 0 || parts[len(parts)-1].Kind != sigma.AnyRun) {
		parts = append(slices.Clone(parts), sigma.Part{Kind: sigma.AnyRun})
	}
	return kindText, parts
}

// encoded applies the encoding modifiers that end in text. UTF-16 alone does not.
func encoded(s, how string) (string, bool) {
	charset, ok := strings.CutSuffix(how, "|"+sigma.ModBase64)
	if !ok {
		return "", false
	}
	if charset == "" {
		return base64.StdEncoding.EncodeToString([]byte(s)), true
	}
	var b []byte
	if charset == sigma.ModUTF16 {
		b = append(b, 0xff, 0xfe)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if charset == sigma.ModUTF16BE {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return base64.StdEncoding.EncodeToString(b), true
}

func literal(s string) []sigma.Part {
	if s == "" {
		return nil
	}
	return []sigma.Part{{Kind: sigma.Literal, Text: s}}
}

// partsBuilder joins neighbouring literals.
type partsBuilder []sigma.Part

func (b *partsBuilder) add(ps ...sigma.Part) {
	for _, p := range ps {
		if p.Kind != sigma.Literal {
			*b = append(*b, p)
		} else if n := len(*b); p.Text != "" && n > 0 && (*b)[n-1].Kind == sigma.Literal {
			(*b)[n-1].Text += p.Text
		} else if p.Text != "" {
			*b = append(*b, p)
		}
	}
}

func (b *partsBuilder) text(s string) { b.add(sigma.Part{Kind: sigma.Literal, Text: s}) }

// plainText is how pySigma prints a text to its regular expressions and maps:
// stars and question marks that are none have a backslash in front, backslashes
// stand as they are.
func plainText(parts []sigma.Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch p.Kind {
		case sigma.AnyRun:
			b.WriteByte('*')
		case sigma.AnyOne:
			b.WriteByte('?')
		case sigma.Placeholder:
			b.WriteString("%" + p.Text + "%")
		case sigma.Literal:
			b.WriteString(starEscaper.Replace(p.Text))
		}
	}
	return b.String()
}

var starEscaper = strings.NewReplacer("*", `\*`, "?", `\?`)

func numberText(n sigma.Numeric) string {
	if n.IsInt {
		return strconv.FormatInt(n.Int, 10)
	}
	return strconv.FormatFloat(n.Float, 'f', -1, 64)
}

// textValue makes a value of parts.
func textValue(pos sigma.Pos, parts []sigma.Part) sigma.String {
	return sigma.String{Pos: pos, Raw: sigma.JoinParts(parts, has(parts, sigma.Placeholder)), Parts: parts}
}

// rawValue makes a value of text that a modifier takes as it is.
func rawValue(pos sigma.Pos, text string) sigma.String {
	return sigma.String{Pos: pos, Raw: text, Parts: literal(text)}
}

// scalarValue makes a value of a scalar of a pipeline file.
func scalarValue(pos sigma.Pos, v any) sigma.Value {
	switch v := v.(type) {
	case bool:
		return sigma.Bool{Pos: pos, Bool: v}
	case int:
		return sigma.Number{Pos: pos, Number: sigma.Numeric{IsInt: true, Int: int64(v)}}
	case float64:
		return sigma.Number{Pos: pos, Number: sigma.Numeric{Float: v}}
	case string:
		return textValue(pos, sigma.ParseParts(v, false))
	}
	return sigma.Null{Pos: pos}
}

func has(parts []sigma.Part, k sigma.PartKind) bool {
	return slices.ContainsFunc(parts, func(p sigma.Part) bool { return p.Kind == k })
}

// sameValue compares values without their positions.
func sameValue(a, b sigma.Value) bool {
	switch a := a.(type) {
	case sigma.Null:
		_, ok := b.(sigma.Null)
		return ok
	case sigma.Bool:
		b, ok := b.(sigma.Bool)
		return ok && a.Bool == b.Bool
	case sigma.Number:
		b, ok := b.(sigma.Number)
		return ok && (a.Number == b.Number || float(a.Number) == float(b.Number) && a.Number.IsInt != b.Number.IsInt)
	case sigma.String:
		b, ok := b.(sigma.String)
		return ok && slices.Equal(a.Parts, b.Parts)
	}
	return false
}

func float(n sigma.Numeric) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

// newValue is a value that a step put in the place of another, as pySigma would
// see it: with no modifier to be applied but neq, all and cased.
type newValue struct {
	value sigma.Value
	re    bool     // value is a regular expression
	flags []string // of the regular expression
}

// withValues returns the item with other values, as alternatives: several where
// they cannot stand in one item.
func withValues(it *sigma.Item, values []newValue) []conjunction {
	all, neq := it.Has(sigma.ModAll), it.Has(sigma.ModNeq)
	var groups []*sigma.Item
	for _, re := range []bool{false, true} {
		var vs []sigma.Value
		var flags []string
		for _, v := range values {
			if v.re == re && !slices.ContainsFunc(vs, func(o sigma.Value) bool { return sameValue(o, v.value) }) {
				vs, flags = append(vs, v.value), v.flags
			}
		}
		if len(vs) == 0 {
			continue
		}
		c := *it
		c.Modifiers, c.Values = nil, vs
		keep := func(name string) {
			for _, m := range it.Modifiers {
				if m.Name == name {
					c.Modifiers = append(c.Modifiers, m)
				}
			}
		}
		add := func(name string) { c.Modifiers = append(c.Modifiers, sigma.Modifier{Pos: it.Pos, Name: name}) }
		if re {
			add(sigma.ModRe)
			for _, f := range flags {
				add(f)
			}
		} else {
			if stripped, name := unwrap(it, vs); name != "" {
				c.Values = stripped
				keep(name)
			}
			if slices.ContainsFunc(vs, func(v sigma.Value) bool { _, ok := v.(sigma.String); return ok }) {
				keep(sigma.ModCased)
			}
			if slices.ContainsFunc(vs, func(v sigma.Value) bool {
				s, ok := v.(sigma.String)
				return ok && has(s.Parts, sigma.Placeholder)
			}) {
				keep(sigma.ModExpand)
			}
		}
		if len(vs) > 1 || c.Has(sigma.ModExpand) {
			keep(sigma.ModAll)
		}
		keep(sigma.ModNeq)
		groups = append(groups, &c)
	}
	return combine(groups, all != neq)
}

// unwrap takes the wildcards off that the item's contains, startswith or
// endswith put on, if all values still have them.
func unwrap(it *sigma.Item, vs []sigma.Value) ([]sigma.Value, string) {
	name := ""
	for _, m := range it.Modifiers {
		switch m.Name {
		case sigma.ModContains, sigma.ModStartsWith, sigma.ModEndsWith:
			name = m.Name
		}
	}
	if name == "" {
		return nil, ""
	}
	out := make([]sigma.Value, len(vs))
	for i, v := range vs {
		s, ok := v.(sigma.String)
		if !ok {
			return nil, ""
		}
		parts := s.Parts
		if name != sigma.ModStartsWith {
			if len(parts) < 2 || parts[0].Kind != sigma.AnyRun {
				return nil, ""
			}
			parts = parts[1:]
		}
		if name != sigma.ModEndsWith {
			if len(parts) < 2 || parts[len(parts)-1].Kind != sigma.AnyRun {
				return nil, ""
			}
			parts = parts[:len(parts)-1]
		}
		out[i] = textValue(s.Pos, parts)
	}
	return out, name
}
