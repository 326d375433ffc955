package compiler

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// text lowers a value compared as text: at its place, after windash and the
// encodings, its wildcards read.
func (l *lowerer) text(it *sigma.Item, m modifiers, field ir.Field, v sigma.Value) []term {
	parts := partsOf(v)
	variants := [][]sigma.Part{parts}
	encoded := false
	for _, name := range m.encodings {
		if name == sigma.ModWindash {
			var ok bool
			if variants, ok = l.windash(variants, v.Position()); !ok {
				return nil
			}
			continue
		}
		if !encoded {
			encoded = true
		}
		var next [][]sigma.Part
		for _, p := range variants {
			out, ok := l.encode(name, m, p, v)
			if !ok {
				return nil
			}
			next = append(next, out...)
		}
		variants = next
	}
	if encoded {
		for _, p := range variants {
			if !utf8.ValidString(literalOf(p)) {
				l.badValue(v, "put base64 or base64offset behind it", "encoded like this the value is no text")
				return nil
			}
		}
	}
	if m.place == ir.Contains || m.place == ir.StartsWith || m.place == ir.EndsWith {
		// Of empty text the parser warns.
		if len(parts) > 0 && literalOf(parts) == "" && !hasAnyOne(parts) {
			l.warnf(sigma.CodeAlwaysMatches, v.Position(), "use exists: true to ask whether the field is there",
				"%s %s holds for any text", m.place, valueText(v))
		}
		if field.Type == ir.TypeJSON && len(field.Path) > 0 && field.Derive == nil {
			l.report(sigma.SeverityInfo, sigma.CodeObjectAsText, it.Pos, "name a place inside it, such as "+it.Field.Name+".key",
				"%s holds an object or list; text operators see only the scalars of a list in it", it.Field.Name)
		}
	}
	terms := make([]term, 0, len(variants))
	for _, p := range variants {
		if !l.spend(1, len(literalOf(p)), v.Position()) {
			return nil
		}
		t := classify(p, m.place)
		t.pos = v.Position()
		if t.op == ir.Equal {
			l.checkValue(field, t.value, t.pos)
		}
		terms = append(terms, t)
	}
	return terms
}

// partsOf returns a value's text in parts; numbers and booleans in their text
// form.
func partsOf(v sigma.Value) []sigma.Part {
	lit := func(s string) []sigma.Part { return []sigma.Part{{Kind: sigma.Literal, Text: s}} }
	switch v := v.(type) {
	case sigma.Null:
		return nil
	case sigma.Bool:
		if v.Bool {
			return lit("true")
		}
		return lit("false")
	case sigma.Number:
		return lit(ir.Number(v.Number).String())
	case sigma.String:
		return v.Parts
	}
	panic("compiler: unknown value")
}

// literalOf joins the literal parts.
func literalOf(parts []sigma.Part) string {
	if len(parts) == 1 && parts[0].Kind == sigma.Literal {
		return parts[0].Text
	}
	var b strings.Builder
	for _, p := range parts {
		switch p.Kind {
		case sigma.Literal:
			b.WriteString(p.Text)
		case sigma.Placeholder:
			b.WriteString("%" + p.Text + "%")
		}
	}
	return b.String()
}

func hasAnyOne(parts []sigma.Part) bool {
	for _, p := range parts {
		if p.Kind == sigma.AnyOne {
			return true
		}
	}
	return false
}

// hasWildcards reports whether a part is one.
func hasWildcards(parts []sigma.Part) bool {
	for _, p := range parts {
		if p.Kind == sigma.AnyRun || p.Kind == sigma.AnyOne {
			return true
		}
	}
	return false
}

// classify returns the plainest operator that says what a text with wildcards
// says at a place.
func classify(parts []sigma.Part, place ir.Op) term {
	pattern := make(ir.Pattern, 0, len(parts)+2)
	add := func(kind ir.PatternKind, text string) {
		n := len(pattern)
		switch {
		case kind == ir.Literal && text == "", kind == ir.AnyRun && n > 0 && pattern[n-1].Kind == ir.AnyRun:
		case kind == ir.Literal && n > 0 && pattern[n-1].Kind == ir.Literal:
			pattern[n-1].Text += text
		default:
			pattern = append(pattern, ir.PatternPart{Kind: kind, Text: text})
		}
	}
	if place == ir.Contains || place == ir.EndsWith {
		add(ir.AnyRun, "")
	}
	for _, p := range parts {
		switch p.Kind {
		case sigma.Literal:
			add(ir.Literal, p.Text)
		case sigma.AnyRun:
			add(ir.AnyRun, "")
		case sigma.AnyOne:
			add(ir.AnyOne, "")
		case sigma.Placeholder:
			if name, ok := readsList(p); ok {
				add(ir.OneOfList, name)
				break
			}
			// Only where no expand asked to read it.
			add(ir.Literal, "%"+p.Text+"%")
		}
	}
	if place == ir.Contains || place == ir.StartsWith {
		add(ir.AnyRun, "")
	}
	n := len(pattern)
	is := func(i int, k ir.PatternKind) bool { return pattern[i].Kind == k }
	switch {
	case n == 0:
		return term{op: ir.Equal, value: ir.String("")}
	case n == 1 && is(0, ir.Literal):
		return term{op: ir.Equal, value: ir.String(pattern[0].Text)}
	case n == 2 && is(0, ir.Literal) && is(1, ir.AnyRun):
		return term{op: ir.StartsWith, value: ir.String(pattern[0].Text)}
	case n == 2 && is(0, ir.AnyRun) && is(1, ir.Literal):
		return term{op: ir.EndsWith, value: ir.String(pattern[1].Text)}
	case n == 3 && is(0, ir.AnyRun) && is(1, ir.Literal) && is(2, ir.AnyRun):
		return term{op: ir.Contains, value: ir.String(pattern[1].Text)}
	}
	return term{op: ir.Like, value: pattern}
}

// windashes are the dashes that Windows programs take for a flag, and the
// slash: hyphen, slash, en dash, em dash, horizontal bar.
var windashes = []string{"-", "/", "\u2013", "\u2014", "\u2015"}

// windash replaces each hyphen or slash that begins a flag by each of
// windashes. One begins a flag when a word character follows it and none stands
// before it, where a wildcard is no word character (`\B[-/]\b`, piece by piece).
func (l *lowerer) windash(variants [][]sigma.Part, pos sigma.Pos) ([][]sigma.Part, bool) {
	var out [][]sigma.Part
	for _, parts := range variants {
		// The text of a value is cut at its flags: cuts[i] ends where the next
		// flag's dash stands.
		type piece struct {
			part sigma.Part
			dash bool
		}
		var pieces []piece
		places := 0
		for _, p := range parts {
			if p.Kind != sigma.Literal {
				pieces = append(pieces, piece{part: p})
				continue
			}
			text, start := p.Text, 0
			for i := 0; i < len(text); i++ {
				if text[i] != '-' && text[i] != '/' || !startsFlag(text, i) {
					continue
				}
				pieces = append(pieces, piece{part: sigma.Part{Kind: sigma.Literal, Text: text[start:i]}}, piece{dash: true})
				start = i + 1
				places++
			}
			pieces = append(pieces, piece{part: sigma.Part{Kind: sigma.Literal, Text: text[start:]}})
		}
		if places > maxWindashPlaces {
			l.errorf(sigma.CodeLimit, pos, "cut the value into several with contains|all|windash",
				"windash finds %d flags in one value; more than %d become too many variants", places, maxWindashPlaces)
			return nil, false
		}
		variants := 1
		for range places {
			variants *= len(windashes)
		}
		if cost := len(pieces)*valueCost + len(literalOf(parts)); places > 0 && !l.spend(0, variants*cost, pos) {
			return nil, false
		}
		next := [][]sigma.Part{nil}
		for _, pc := range pieces {
			if !pc.dash {
				for i := range next {
					next[i] = append(next[i], pc.part)
				}
				continue
			}
			grown := make([][]sigma.Part, 0, len(next)*len(windashes))
			for _, n := range next {
				for _, d := range windashes {
					grown = append(grown, append(n[:len(n):len(n)], sigma.Part{Kind: sigma.Literal, Text: d}))
				}
			}
			next = grown
		}
		for _, n := range next {
			out = append(out, joinLiterals(n))
		}
	}
	return out, true
}

// startsFlag reports whether the dash or slash at text[i] has a word character
// behind it and none before it.
func startsFlag(text string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i+1:])
	return (i == 0 || !isWord(before)) && i+1 < len(text) && isWord(after)
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

func joinLiterals(parts []sigma.Part) []sigma.Part {
	out := make([]sigma.Part, 0, len(parts))
	for _, p := range parts {
		if n := len(out); p.Kind == sigma.Literal && n > 0 && out[n-1].Kind == sigma.Literal {
			out[n-1].Text += p.Text
		} else if p.Kind != sigma.Literal || p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}

// encode applies an encoding to the bytes of a value. Wildcards cannot be
// encoded; at the ends, under contains, they say nothing and are dropped.
func (l *lowerer) encode(name string, m modifiers, parts []sigma.Part, v sigma.Value) ([][]sigma.Part, bool) {
	if m.place == ir.Contains {
		for len(parts) > 0 && parts[0].Kind == sigma.AnyRun {
			parts = parts[1:]
		}
		for len(parts) > 0 && parts[len(parts)-1].Kind == sigma.AnyRun {
			parts = parts[:len(parts)-1]
		}
	}
	if hasWildcards(parts) {
		l.badValue(v, `write \* or \? for the character itself`, "a wildcard cannot be encoded by %s", name)
		return nil, false
	}
	text := literalOf(parts)
	var out []string
	switch name {
	case sigma.ModUTF16LE, sigma.ModWide:
		out = []string{encodeUTF16(text, false)}
	case sigma.ModUTF16BE:
		out = []string{encodeUTF16(text, true)}
	case sigma.ModUTF16:
		out = []string{"\xff\xfe" + encodeUTF16(text, false)}
	case sigma.ModBase64:
		out = []string{base64.StdEncoding.EncodeToString([]byte(text))}
	case sigma.ModBase64Offset:
		if len(text) < 2 {
			l.badValue(v, "look for at least two bytes", "base64offset of %d bytes leaves nothing to look for", len(text))
			return nil, false
		}
		out = base64Offsets(text)
	}
	variants := make([][]sigma.Part, len(out))
	for i, s := range out {
		variants[i] = []sigma.Part{{Kind: sigma.Literal, Text: s}}
	}
	return variants, true
}

func encodeUTF16(text string, bigEndian bool) string {
	units := utf16.Encode([]rune(text))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// base64Offsets returns what a text looks like inside Base64, for each of the
// three places that it can begin at in a group of three bytes. Characters that
// also depend on the bytes around it are cut off.
func base64Offsets(text string) []string {
	out := make([]string, 3)
	for i := range out {
		s := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + text))
		// i bytes in front fill 8i bits: they touch the first 0, 2 or 3
		// characters. A last group that is not full leaves its last character
		// open.
		if (len(text)+i)%3 != 0 {
			s = s[:len(s)-1]
		}
		out[i] = s[[]int{0, 2, 3}[i]:]
	}
	return out
}
