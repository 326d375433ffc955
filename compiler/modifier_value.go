package compiler

import (
	"errors"
	"net/netip"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// regex lowers a value under `re`.
func (l *lowerer) regex(v sigma.Value, flags string) (ir.Regex, bool) {
	text := literalOf(partsOf(v))
	if len(text) > sigma.MaxRegexBytes {
		l.errorf(sigma.CodeLimit, v.Position(), "use a list of values", "the regular expression has %d bytes, more than %d", len(text), sigma.MaxRegexBytes)
		return "", false
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	if _, err := syntax.Parse(text, syntax.Perl); err != nil {
		hint := "write it in the syntax of Go's regexp package (RE2)"
		if strings.Contains(text, "(?=") || strings.Contains(text, "(?!") || strings.Contains(text, "(?<=") || strings.Contains(text, "(?<!") {
			hint = "look-around is not regular; write what must not follow as a second selection under `not`"
		}
		l.errorf(sigma.CodeRegex, v.Position(), hint, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return "", false
	}
	return ir.Regex(text), true
}

// network lowers a value under `cidr`. An address alone is a network of one;
// bits behind the length are dropped, of which the parser warns.
func (l *lowerer) network(v sigma.Value) (ir.Prefix, bool) {
	text := literalOf(partsOf(v))
	p, err := parseNetwork(text)
	if err != nil {
		l.errorf(sigma.CodeNetwork, v.Position(), "write an address or a network such as 10.0.0.0/8", "%q is no network", text)
		return ir.Prefix{}, false
	}
	return ir.PrefixOf(p), true
}

// parseNetwork reads a prefix, or an address as the prefix that holds it alone.
func parseNetwork(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(text); err != nil {
			return p, err
		}
		if a.Zone() != "" {
			return p, errors.New("an address with a zone is in no network")
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return p, nil
}

// fieldRef lowers a value under `fieldref`: the name of another field of the
// same event or element.
func (l *lowerer) fieldRef(v sigma.Value, in scope) (ir.FieldRef, bool) {
	s, ok := v.(sigma.String)
	if !ok {
		l.badValue(v, "write the other field's name", "fieldref asks for a field")
		return ir.FieldRef{}, false
	}
	f, ok := l.fieldNamed(literalOf(s.Parts), in, s.Pos)
	return ir.FieldRef{Field: f}, ok
}

// fieldNamed resolves a field whose name stands where a value does.
func (l *lowerer) fieldNamed(name string, in scope, pos sigma.Pos) (ir.Field, bool) {
	f, err := sigma.ParseFieldName(name)
	if err != nil || f.Name == "" {
		l.errorf(sigma.CodeField, pos, "write the other field's name", "%q is no field name", name)
		return ir.Field{}, false
	}
	f.Pos = pos
	return l.field(f, in, pos)
}

// number lowers a value that is compared as a number.
func (l *lowerer) number(v sigma.Value, m modifiers) (ir.Number, bool) {
	if m.since != nil {
		return l.span(v)
	}
	n, ok := numberOf(v)
	if !ok {
		l.badValue(v, "write a number", "%s is no number", valueText(v))
	}
	return n, ok
}

// numberOf reads a number, also from text of the contract's form.
func numberOf(v sigma.Value) (ir.Number, bool) {
	switch v := v.(type) {
	case sigma.Number:
		return ir.Number(v.Number), true
	case sigma.String:
		return ir.NumberText(literalOf(v.Parts))
	}
	return ir.Number{}, false
}

// valueText writes a value for a message.
func valueText(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.Null:
		return "null"
	case sigma.String:
		if len(v.Raw) > 60 {
			return strconv.Quote(v.Raw[:60]) + "…"
		}
		return strconv.Quote(v.Raw)
	}
	return literalOf(partsOf(v))
}

// checkValue warns of a value under equality that what the field holds can
// never equal.
func (l *lowerer) checkValue(f ir.Field, v ir.Value, pos sigma.Pos) {
	if f.Derive != nil || f.Leaves {
		return
	}
	never := func(what string) {
		l.warnf(sigma.CodeNeverMatches, pos, "", "%s holds %s; it never equals %s", f.Name, what, ir.ValueText(v))
	}
	text, isText := v.(ir.String)
	_, isNumber := v.(ir.Number)
	_, isBool := v.(ir.Bool)
	switch f.Type {
	case ir.TypeInt, ir.TypeLong, ir.TypeReal:
		if _, numeric := ir.NumberText(string(text)); isBool || isText && !numeric {
			never("numbers")
		}
	case ir.TypeGUID:
		if isNumber || isBool || isText && !sigma.IsUUID(string(text)) {
			never("GUIDs")
		}
	case ir.TypeBool:
		if isNumber || isText && !strings.EqualFold(string(text), "true") && !strings.EqualFold(string(text), "false") {
			never("true or false")
		}
	}
}

// checkClosed refuses comparisons with a field of the target that no text which
// the field can be fulfils.
func (l *lowerer) checkClosed(f ir.Field, terms []term, cased bool) {
	texts, closed := f.Join.Closed()
	if !closed || f.Derive != nil {
		return
	}
	alone := ir.Field{Name: f.Name, Path: ir.Path{{Key: "text"}}}
	for _, t := range terms {
		if t.value == nil || asksElsewhere(t.value) {
			continue
		}
		m := &ir.Match{Field: alone, Op: t.op, Cased: cased && t.op <= ir.Like, Values: []ir.Value{t.value}}
		d := detail{set: newLeafSet()}
		if !slices.ContainsFunc(texts, func(text string) bool {
			return d.holds(m, &subject{cursor: &cursor{keep: true, cost: maxMatchCost}, value: map[string]any{"text": text}})
		}) {
			l.errorf(sigma.CodeNeverMatches, t.pos, "compare with a text that it can be, or choose a target that has such events", "%s has no events with %s %s %s, only %s",
				l.tableName(), f.Name, t.op, ir.ValueText(t.value), strings.Join(texts, ", "))
		}
	}
}

// asksElsewhere reports whether what a value is depends on more than the rule.
func asksElsewhere(v ir.Value) bool {
	switch v := v.(type) {
	case ir.FieldRef, ir.Argument, ir.Networks:
		return true
	case ir.Pattern:
		return v.ReadsList()
	}
	return false
}
