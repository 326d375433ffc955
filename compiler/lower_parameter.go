package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// parameters finds the values of the parameters that one document uses.
type parameters struct {
	l      *lowerer
	doc    *sigma.Document // whose declarations count: the rule or a filter
	used   []ir.Binding    // of the table being lowered
	absent []string
}

func newParameters(l *lowerer) *parameters { return &parameters{l: l, doc: l.doc} }

func (p *parameters) reset() { p.used, p.absent = nil, nil }

func (p *parameters) lacks() []string { return p.absent }

func (p *parameters) bindings() []ir.Binding { return p.used }

// definition returns what is known of a parameter. Its Type is "" where
// nothing is, as for the placeholders of a plain Sigma rule.
func (p *parameters) definition(name string, pos sigma.Pos) (sigma.Parameter, bool) {
	declared := slices.IndexFunc(p.doc.Parameters, func(d sigma.Parameter) bool { return d.Name == name })
	if declared >= 0 && !p.doc.Parameters[declared].Catalogue {
		return p.doc.Parameters[declared], true
	}
	if i := slices.IndexFunc(p.l.opts.Catalogue, func(d sigma.Parameter) bool { return d.Name == name }); i >= 0 {
		if declared >= 0 || !p.doc.Native {
			def := p.l.opts.Catalogue[i]
			def.Catalogue = true
			return def, true
		}
	} else if declared >= 0 && p.l.opts.Catalogue != nil {
		p.l.errorf(sigma.CodeUnknownParameter, p.doc.Parameters[declared].Pos, p.nearestHint(name, false, "describe it in the catalogue, or give it a type here"),
			"the catalogue has no parameter %s", name)
		return sigma.Parameter{}, false
	}
	if declared < 0 && p.doc.Native {
		p.l.errorf(sigma.CodeUnknownParameter, pos, p.nearestHint(name, true, "name it under parameters"),
			"parameter %s is not declared", name)
		return sigma.Parameter{}, false
	}
	return sigma.Parameter{Name: name}, true
}

func (p *parameters) nearestHint(name string, declared bool, otherwise string) string {
	var known []string
	if declared {
		for _, d := range p.doc.Parameters {
			known = append(known, d.Name)
		}
	}
	for _, d := range p.l.opts.Catalogue {
		if !declared || !p.doc.Native {
			known = append(known, d.Name)
		}
	}
	return sigma.NearestHint(name, known, otherwise)
}

// values returns a parameter's values, checked against its type, which must be
// one of kinds. ok is false where there is none: the rule then lacks it, or an
// error has been reported.
func (p *parameters) values(name string, pos sigma.Pos, kinds ...string) (vs []sigma.Value, ok bool) {
	def, ok := p.definition(name, pos)
	if !ok {
		return nil, false
	}
	if def.Type != "" && !slices.Contains(kinds, def.Type) {
		p.l.errorf(sigma.CodeParameter, pos, parameterUse[def.Type], "parameter %s is of type %s; here stands %s",
			name, def.Type, strings.Join(kinds, " or "))
		return nil, false
	}
	given, _ := p.l.opts.Profile.lookup(name)
	if given.watchlist != "" && p.l.opts.Watchlists && readable(def, kinds) {
		return p.read(def, given.watchlist)
	}
	if given.watchlist != "" && p.l.opts.Watchlists && !textTypes[def.Type] {
		p.l.errorf(sigma.CodeParameter, pos, "write the values into the profile", "parameter %s is of type %s; a query reads only texts and networks from a watchlist", name, def.Type)
		return nil, false
	}
	placeholder, _ := p.l.opts.Pipeline.placeholder(name)
	defaultFile := p.l.file
	if def.Catalogue {
		defaultFile = "" // its positions are in the catalogue's file
	}
	// The profile decides; where it has no value, the pipeline, then the default.
	// What cannot be asked for when a query is called has its example there.
	type source struct {
		file    string
		values  []sigma.Value
		example bool
	}
	sources := []source{{p.l.opts.Profile.fileName(), given.values, false}, {"", placeholder, false}, {defaultFile, def.Default, false}}
	asks := p.l.opts.Ask && readable(def, kinds)
	if p.l.opts.Ask && !asks && given.watchlist == "" { // a call cannot give it here
		sources = append(sources, source{defaultFile, def.Example, true})
	}
	example := false
	for _, from := range sources {
		for _, v := range from.values {
			value, keep, err := typedValue(def.Type, v)
			if err != nil {
				file, at := from.file, v.Position()
				if !at.IsValid() || file == "" {
					file, at = p.l.file, pos
				}
				p.l.diags = append(p.l.diags, sigma.Diagnostic{File: file, Pos: at, Code: sigma.CodeParameter,
					Message: fmt.Sprintf("parameter %s: %v", name, err), Hint: sigma.ParameterHint(def.Type)})
				return nil, false
			}
			if keep {
				vs = append(vs, value)
			}
		}
		if len(vs) > 0 {
			example = from.example
			break
		}
	}
	if def.Type != "" && !def.List && len(vs) > 1 {
		p.l.errorf(sigma.CodeParameter, pos, "give one value, or declare it with `list: true`", "parameter %s takes one value and has %d", name, len(vs))
		return nil, false
	}
	if len(vs) == 0 && asks {
		return p.read(def, "")
	}
	p.bind(name, def.Type, vs, given.watchlist)
	for i := range p.used {
		if p.used[i].Name == name && example {
			p.used[i].Example = true
		}
	}
	return vs, len(vs) > 0
}

// argument returns what stands for a single value that whoever calls a query
// gives, where one of these types may stand. ok is false where the value is
// known, or cannot be given.
func (p *parameters) argument(name string, pos sigma.Pos, kinds ...string) (v sigma.Value, ok bool) {
	def, ok := p.definition(name, pos)
	if !ok || !p.l.opts.Ask || def.List || !slices.Contains(kinds, def.Type) || !slices.Contains([]string{"number", "duration", "hours", "zone"}, def.Type) {
		return nil, false
	}
	placeholder, _ := p.l.opts.Pipeline.placeholder(name)
	given, _ := p.l.opts.Profile.lookup(name)
	isValue := func(v sigma.Value) bool {
		_, keep, err := typedValue(def.Type, v)
		return keep || err != nil // values says what is wrong
	}
	if given.watchlist != "" || slices.ContainsFunc(slices.Concat(given.values, placeholder, def.Default), isValue) {
		return nil, false
	}
	i := slices.IndexFunc(p.used, func(b ir.Binding) bool { return b.Name == name })
	if i < 0 {
		i, p.used = len(p.used), append(p.used, ir.Binding{Name: name})
	}
	p.used[i].Read, p.used[i].Scalar = true, def.Type
	return sigma.String{Pos: pos, Raw: "%" + name + "%", Parts: []sigma.Part{{Kind: sigma.Placeholder, Text: listMark + name}}}, true
}

// argumentOf returns the parameter that a value stands for if it is given when a
// query is called.
func (p *parameters) argumentOf(v sigma.Value) (name string, ok bool) {
	s, isText := v.(sigma.String)
	if !isText || len(s.Parts) != 1 {
		return "", false
	}
	if name, ok = readsList(s.Parts[0]); !ok {
		return "", false
	}
	return name, slices.ContainsFunc(p.used, func(b ir.Binding) bool { return b.Name == name && b.Scalar != "" })
}

// readable reports whether a query can read a parameter when it runs, where
// one of these types may stand.
func readable(def sigma.Parameter, kinds []string) bool {
	switch def.Type {
	case "", "string", "ip", "cidr":
		return slices.Contains(kinds, "string") || slices.Contains(kinds, "cidr")
	case "pattern":
		return slices.Contains(kinds, "pattern")
	}
	return false
}

// textTypes are the types of parameter that a watchlist can hold.
var textTypes = map[string]bool{"": true, "string": true, "pattern": true, "ip": true, "cidr": true}

// listMark is in front of a parameter's name in a placeholder that stays for
// the query to read, a list or a value. No name begins with it.
const listMark = "\x00"

// read returns what stands for a list that the query reads.
func (p *parameters) read(def sigma.Parameter, watchlist string) ([]sigma.Value, bool) {
	name := def.Name
	if !slices.ContainsFunc(p.used, func(b ir.Binding) bool { return b.Name == name }) {
		p.used = append(p.used, ir.Binding{Name: name, Watchlist: watchlist, Read: true, Pattern: def.Type == "pattern"})
	}
	return []sigma.Value{sigma.String{Raw: "%" + name + "%", Parts: []sigma.Part{{Kind: sigma.Placeholder, Text: listMark + name}}}}, true
}

// readsList returns the parameter that a part stands for if the query reads it.
func readsList(p sigma.Part) (name string, ok bool) {
	if p.Kind != sigma.Placeholder {
		return "", false
	}
	return strings.CutPrefix(p.Text, listMark)
}

// bind notes that the rule uses a parameter.
func (p *parameters) bind(name, typ string, vs []sigma.Value, watchlist string) {
	if slices.ContainsFunc(p.used, func(b ir.Binding) bool { return b.Name == name }) {
		return
	}
	b := ir.Binding{Name: name, Watchlist: watchlist}
	for _, v := range vs {
		b.Values = append(b.Values, bindingValue(typ, v))
	}
	p.used = append(p.used, b)
	if len(vs) == 0 {
		p.absent = append(p.absent, name)
	}
}

func bindingValue(typ string, v sigma.Value) ir.Value {
	switch v := v.(type) {
	case sigma.Bool:
		return ir.Bool(v.Bool)
	case sigma.Number:
		return ir.Number(v.Number)
	case sigma.String:
		switch t := literalOf(v.Parts); typ {
		case "pattern":
			if x := classify(v.Parts, ir.Equal); x.op != ir.Like && x.op != ir.Equal {
				return patternOf(v.Parts)
			} else {
				return x.value
			}
		case "cidr":
			if n, err := parseNetwork(t); err == nil {
				return ir.PrefixOf(n)
			}
		case "duration":
			if s, err := sigma.ParseTimespan(t); err == nil {
				return ir.Number{IsInt: true, Int: s.Seconds}
			}
		}
		return ir.String(literalOf(v.Parts))
	}
	panic("compiler: a parameter without a value")
}

// parameterUse says where a parameter of each type may stand.
var parameterUse = map[string]string{
	"cidr":     "compare it with |cidr|expand",
	"hours":    "compare it with |within or |outside",
	"duration": "compare it with |since=… and lt, lte, gt or gte",
	"zone":     "put it behind a time part, such as |hour=%name%",
	"date":     "compare it with |date",
	"number":   "compare it with equality, lt, lte, gt or gte",
	"pattern":  "compare it as text",
}

// typedValue gives a parameter's value the type that its parameter has. keep
// is false for null and empty text, which are no values: an allow-list with a
// blank line in it must not allow the blank.
func typedValue(typ string, v sigma.Value) (value sigma.Value, keep bool, err error) {
	if _, isNull := v.(sigma.Null); isNull {
		return nil, false, nil
	}
	text := literalOf(partsOf(v))
	if s, ok := v.(sigma.String); ok {
		text = s.Raw
		if s.Raw == "" {
			return nil, false, nil
		}
	}
	literal := sigma.String{Pos: v.Position(), Raw: text, Parts: []sigma.Part{{Kind: sigma.Literal, Text: text}}}
	fail := func() (sigma.Value, bool, error) {
		return nil, false, fmt.Errorf("%s is no %s", valueText(v), typ)
	}
	switch typ {
	case "":
		if _, isText := v.(sigma.String); !isText {
			return v, true, nil
		}
	case "pattern":
		literal.Parts = sigma.ParseParts(text, false)
	case "number":
		n, ok := numberOf(literal)
		if already, isNumber := v.(sigma.Number); isNumber {
			n, ok = ir.Number(already.Number), true
		}
		if !ok {
			return fail()
		}
		return sigma.Number{Pos: v.Position(), Number: sigma.Numeric(n)}, true, nil
	case "bool":
		if b, isBool := v.(sigma.Bool); isBool {
			return b, true, nil
		}
		switch strings.ToLower(text) {
		case "true":
			return sigma.Bool{Pos: v.Position(), Bool: true}, true, nil
		case "false":
			return sigma.Bool{Pos: v.Position()}, true, nil
		}
		return fail()
	case "ip":
		if _, err := netip.ParseAddr(text); err != nil {
			return fail()
		}
	case "cidr":
		if _, err := parseNetwork(text); err != nil {
			return fail()
		}
	case "duration":
		if _, err := sigma.ParseTimespan(text); err != nil {
			return fail()
		}
	case "hours":
		if _, err := parseHours(text); err != nil {
			return nil, false, err
		}
	case "zone":
		if err := checkZone(text); err != nil {
			return nil, false, err
		}
	case "date":
		if _, err := sigma.ParseDate(text); err != nil {
			return nil, false, err
		}
	}
	return literal, true, nil
}

// placeholderName reads text that is one placeholder, `%name%`.
func placeholderName(text string) (string, bool) {
	if len(text) < 3 || text[0] != '%' || text[len(text)-1] != '%' || strings.Contains(text[1:len(text)-1], "%") {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// expand returns an item's values with the placeholders replaced. A parameter
// that is all of a value stands for its values as if they were listed; inside
// text, for its text, once for each value. lacking is true where a parameter
// has no value.
func (l *lowerer) expand(it *sigma.Item, m modifiers) (values []sigma.Value, lacking bool) {
	// Where no text is asked for, a placeholder needs no `expand` to be one.
	bare := m.hours != "" || m.date != nil || m.since != nil || m.part != nil || m.compares
	for _, v := range it.Values {
		s, ok := v.(sigma.String)
		if !ok {
			values = append(values, v)
			continue
		}
		parts := s.Parts
		if name, ok := placeholderName(literalOf(parts)); ok && bare {
			parts = []sigma.Part{{Kind: sigma.Placeholder, Text: name}}
		} else if !m.expand {
			values = append(values, v)
			continue
		}
		if name := parts[0].Text; len(parts) == 1 && parts[0].Kind == sigma.Placeholder && it.Field.Name != "" {
			if v, ok := l.params.argument(name, s.Pos, m.argumentKinds()...); ok {
				values = append(values, v)
				continue
			}
		}
		out, ok := l.expandValue(s, parts, m)
		if !ok {
			lacking = true
		}
		if !l.spend(len(out), 0, s.Pos) {
			return nil, true
		}
		values = append(values, out...)
	}
	return values, lacking
}

// expandValue replaces the placeholders of one value. Where ok is false, it
// has said why or noted what the rule lacks.
func (l *lowerer) expandValue(s sigma.String, parts []sigma.Part, m modifiers) (out []sigma.Value, ok bool) {
	if len(parts) == 1 && parts[0].Kind == sigma.Placeholder {
		out, ok = l.params.values(parts[0].Text, s.Pos, m.parameterKinds()...)
		// A value stands where its placeholder does, for findings and hits.
		for i, v := range out {
			out[i] = movedTo(v, s.Pos)
		}
		return out, ok
	}
	texts := [][]sigma.Part{nil}
	places, bytes := 0, 0 // bytes bounds what one of texts needs
	ok = true
	for len(parts) > 0 {
		// What stands up to the next placeholder, or the placeholder's values.
		n := slices.IndexFunc(parts, isPlaceholder)
		switch n {
		case -1:
			n = len(parts)
		case 0:
			n = 1
		}
		choices := [][]sigma.Part{parts[:n]}
		if p := parts[0]; isPlaceholder(p) {
			if places++; places > maxPlaceholders {
				l.errorf(sigma.CodeLimit, s.Pos, "", "one text has more than %d placeholders", maxPlaceholders)
				return nil, false
			}
			vs, found := l.params.values(p.Text, s.Pos, "string", "pattern", "number", "bool", "ip")
			ok = ok && found
			choices = choices[:0]
			for _, v := range vs {
				choices = append(choices, partsOf(v))
			}
		}
		parts = parts[n:]
		if !ok {
			continue
		}
		longest := 0
		for _, c := range choices {
			longest = max(longest, len(literalOf(c))+valueCost*len(c))
		}
		bytes += longest
		if len(texts)*len(choices) > maxPlaceholderProduct {
			l.errorf(sigma.CodeLimit, s.Pos, "", "the placeholders of one text become more than %d texts", maxPlaceholderProduct)
			return nil, false
		}
		if len(choices) > 1 && !l.spend(0, len(texts)*len(choices)*bytes, s.Pos) {
			return nil, false
		}
		grown := make([][]sigma.Part, 0, len(texts)*len(choices))
		for _, t := range texts {
			for _, c := range choices {
				grown = append(grown, append(t[:len(t):len(t)], c...))
			}
		}
		texts = grown
	}
	if !ok || !l.spend(0, len(texts)*bytes, s.Pos) {
		return nil, false
	}
	for _, t := range texts {
		t = joinLiterals(t)
		out = append(out, sigma.String{Pos: s.Pos, Raw: literalOf(t), Parts: t})
	}
	return out, true
}

func isPlaceholder(p sigma.Part) bool { return p.Kind == sigma.Placeholder }

func movedTo(v sigma.Value, pos sigma.Pos) sigma.Value {
	switch v := v.(type) {
	case sigma.Bool:
		v.Pos = pos
		return v
	case sigma.Number:
		v.Pos = pos
		return v
	case sigma.String:
		v.Pos = pos
		return v
	}
	return v
}

// argumentKinds returns the types of parameter that can be an item's value and
// be given when a query is called.
func (m *modifiers) argumentKinds() []string {
	switch {
	case m.all || m.exists || m.fieldref || m.cidr || m.re || len(m.encodings) > 0 || m.placed || m.date != nil:
		return nil
	case m.hours != "":
		return []string{"hours"}
	case m.since != nil:
		return []string{"duration"}
	}
	return []string{"number"}
}

// parameterKinds returns the types of parameter that can be an item's value.
func (m *modifiers) parameterKinds() []string {
	switch {
	case m.date != nil:
		return []string{"date"}
	case m.hours != "":
		return []string{"hours"}
	case m.since != nil:
		return []string{"duration"}
	case m.part != nil || m.compares:
		return []string{"number"}
	case m.cidr:
		return []string{"cidr", "ip"}
	case m.exists:
		return []string{"bool"}
	case m.fieldref:
		return []string{"string"}
	}
	return []string{"string", "pattern", "number", "bool", "ip"}
}
