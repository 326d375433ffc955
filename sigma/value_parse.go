package sigma

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits on single values.
const (
	MaxRegexBytes = 64 << 10 // of a regular expression
)

// textMode says how the text of a value is cut into parts.
type textMode int

const (
	textLiteral      textMode = iota // as it is
	textPattern                      // wildcards and escapes
	textPlaceholders                 // wildcards, escapes and %name%
	textPlaceholder                  // either all of it is %name%, or it is as it is
)

// value reads a scalar as a value with the type that YAML gives it; what names
// it in messages. Lists and mappings are findings.
//
// YAML 1.1 and 1.2 disagree about many unquoted forms, and a log holds what the
// author sees, not what YAML makes of it. So only null, true, false, decimal
// integers and fractions are typed. Hexadecimal is a number in both versions
// and taken as one, with a warning. Octal, binary, digits with underscores or
// leading zeros, exponents, .inf, .nan, and integers of more than 64 bits stay
// text as written, with a warning; dates and timestamps stay text.
func (l *loader) value(n *yaml.Node, what string, mode textMode) (Value, bool) {
	n = resolve(n)
	at := l.pos(n)
	if n.Kind != yaml.ScalarNode {
		l.errorf(at, CodeType, "", "%s must be a single value, not %s", what, kindName(n))
		return nil, false
	}
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch n.Tag {
	case "!!null":
		return Null{at}, true
	case "!!bool":
		return Bool{at, strings.EqualFold(n.Value, "true")}, true
	case "!!int", "!!float":
		if num, ok := parseNumeric(n.Value); ok {
			if strings.Contains(n.Value, "x") {
				l.warnf(at, CodeNumber, "quote it if the log holds this text", "unquoted %s is the number %d", n.Value, num.Int)
			}
			return Number{at, num}, true
		}
		if decimalInt.MatchString(n.Value) {
			l.warnf(at, CodeNumber, "quote it to say so; "+hugeNumberHint, "%s does not fit an integer of 64 bits; it is taken as text", show(n.Value))
			break
		}
		l.warnf(at, CodeNumber, "quote it to say so, or write the number in decimal digits", "readers of YAML disagree which number %s is; it is taken as text", show(n.Value))
	case "!!str":
		if plain && oldBoolean.MatchString(n.Value) {
			l.warnf(at, CodeNumber, "quote it, or write true or false", "older readers of YAML take unquoted %s for a boolean; here it is text", n.Value)
		}
	}
	return l.string(n, mode), true
}

// hugeNumberHint is of integers that 64 bits do not hold.
const hugeNumberHint = "where the log holds a number, write .0 behind it, which is the nearest decimal"

var oldBoolean = regexp.MustCompile(`^(?i:yes|no|on|off)$`)

// string returns a scalar as text.
func (l *loader) string(n *yaml.Node, mode textMode) String {
	s := String{Pos: l.pos(n), Raw: n.Value}
	switch mode {
	case textPattern, textPlaceholders:
		s.Parts = ParseParts(n.Value, mode == textPlaceholders)
	case textPlaceholder:
		if m := placeholderForm.FindStringSubmatch(n.Value); m != nil {
			s.Parts = []Part{{Kind: Placeholder, Text: m[1]}}
			break
		}
		fallthrough
	default:
		s.Parts = literalParts(n.Value)
	}
	return s
}

func literalParts(s string) []Part {
	if s == "" {
		return nil
	}
	return []Part{{Kind: Literal, Text: s}}
}

// ParseParts cuts text at its wildcards, and at its placeholders if asked, and
// reads its escapes, as the Sigma rule specification 2.0.0, "Escaping", has
// them: `*` is any run of characters, `?` any one; a backslash in front of `*`,
// `?` or a backslash takes it as it is; every other backslash is plain. So `\\`
// is one backslash, as is `\` in front of a letter, `\*` a star, `\\*` a
// backslash and a wildcard, `\\\*` a backslash and a star. Neighbouring
// literals are one part; the empty text has none. With placeholders `%name%` is
// one, and `\%` a percent sign.
func ParseParts(raw string, placeholders bool) []Part {
	var parts []Part
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, Part{Kind: Literal, Text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '\\':
			if i+1 < len(raw) {
				switch next := raw[i+1]; {
				case next == '*', next == '?', next == '\\', placeholders && next == '%':
					lit.WriteByte(next)
					i++
					continue
				}
			}
			lit.WriteByte('\\')
		case '*':
			flush()
			parts = append(parts, Part{Kind: AnyRun})
		case '?':
			flush()
			parts = append(parts, Part{Kind: AnyOne})
		case '%':
			if placeholders {
				if end := strings.IndexByte(raw[i+1:], '%'); end > 0 {
					if m := placeholderForm.FindStringSubmatch(raw[i : i+end+2]); m != nil {
						flush()
						parts = append(parts, Part{Kind: Placeholder, Text: m[1]})
						i += end + 1
						continue
					}
				}
			}
			lit.WriteByte(c)
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return parts
}

func hasWildcard(parts []Part) bool {
	for _, p := range parts {
		if p.Kind == AnyRun || p.Kind == AnyOne {
			return true
		}
	}
	return false
}

func hasPlaceholder(parts []Part) bool {
	for _, p := range parts {
		if p.Kind == Placeholder {
			return true
		}
	}
	return false
}

// itemValue reads one value of an item with the given modifiers.
func (l *loader) itemValue(n *yaml.Node, mods []Modifier, g modGroups) (Value, bool) {
	n = resolve(n)
	at := l.pos(n)
	if n.Kind != yaml.ScalarNode {
		hint := ""
		if n.Kind == yaml.MappingNode {
			hint = "for the elements of a list write field[any]: or one of [all], [all_or_empty], [none] in a native document; for keys of an object write field.key"
		}
		l.errorf(at, CodeType, hint, "a value must be text, a number, true, false or null, not %s", kindName(n))
		return nil, false
	}
	null := n.Tag == "!!null"
	wants := func(hint, what string) (Value, bool) {
		name := ""
		for _, m := range mods {
			for _, t := range modifierTable {
				if t.name == m.Name && t.group != groupAll && t.group != groupNeq && t.group != groupCased && t.group != groupExpand {
					name = m.Name
				}
			}
		}
		l.errorf(at, CodeModValue, hint, "%s wants %s, not %s", name, what, describe(n))
		return nil, false
	}
	expand := g.has(groupExpand)
	mode := textPattern
	if expand {
		mode = textPlaceholders
	}
	switch {
	case g.has(groupExists):
		if n.Tag == "!!bool" {
			return Bool{at, strings.EqualFold(n.Value, "true")}, true
		}
		switch strings.ToLower(n.Value) {
		case "true", "yes":
			l.warnf(at, CodeModValue, "write true without quotes", "exists wants true or false, not text")
			return Bool{at, true}, true
		case "false", "no":
			l.warnf(at, CodeModValue, "write false without quotes", "exists wants true or false, not text")
			return Bool{at, false}, true
		}
		return wants("", "true or false")
	case g.has(groupHours):
		if null || n.Tag != "!!str" {
			return wants("write them as 'Mon-Fri 08:00-18:00 Europe/Berlin' or as a parameter '%name%'", "hours")
		}
		return l.string(n, textPlaceholder), true
	case g.has(groupDate):
		if placeholderForm.MatchString(n.Value) {
			return l.wholePlaceholder(n, expand)
		}
		if _, err := ParseDate(n.Value); null || err != nil {
			return wants(parameterHints["date"], "a date")
		}
		return l.string(n, textLiteral), true
	case g.has(groupSince):
		if null {
			return wants("a number and one of s, m, h, d, w, M, y, such as 180d", "a timespan")
		}
		if placeholderForm.MatchString(n.Value) {
			return l.wholePlaceholder(n, expand)
		}
		if _, err := ParseTimespan(n.Value); err != nil {
			return wants("a number and one of s, m, h, d, w, M, y, such as 180d", "a timespan")
		}
		return l.string(n, textLiteral), true
	case g.has(groupCompare) || g.has(groupTime):
		if placeholderForm.MatchString(n.Value) {
			return l.wholePlaceholder(n, expand)
		}
		v, num, ok := l.numberValue(n)
		if !ok && decimalInt.MatchString(n.Value) {
			return wants(hugeNumberHint, "a number of 64 bits")
		}
		if !ok {
			return wants("", "a number")
		}
		if t, is := g[groupTime]; is {
			l.checkTimePart(at, t, num)
		}
		return v, true
	case g.has(groupCIDR):
		switch {
		case expand && placeholderForm.MatchString(n.Value):
			return l.string(n, textPlaceholder), true
		case null || n.Tag != "!!str":
			return wants("write a network such as 10.0.0.0/8", "a network")
		case !l.checkNetwork(n):
			return nil, false
		}
		return l.string(n, textLiteral), true
	case g.has(groupRe):
		if null {
			return wants("", "a regular expression")
		}
		if !l.checkRegex(n) {
			return nil, false
		}
		return l.string(n, textLiteral), true
	case g.has(groupFieldRef):
		if null {
			return wants("", "the name of a field")
		}
		if _, err := l.parseField(n.Value); err != nil {
			l.errorf(at, CodeField, "fieldref takes the name of a field of the same event", "%s", err)
			return nil, false
		}
		return l.string(n, textLiteral), true
	case g.has(groupBase64, groupUTF16):
		if null {
			return wants("", "text")
		}
		s := l.string(n, textPattern)
		if hasWildcard(s.Parts) {
			i := strings.IndexAny(n.Value, "*?")
			l.errorf(l.at(n, i), CodeModValue, `encoded text has no wildcards; write \* or \? for the characters`, "a wildcard cannot be encoded")
			return nil, false
		}
		if len(s.Parts) == 0 {
			return wants("", "text of at least one character")
		}
		return s, true
	case g.has(groupPart, groupWindash):
		if null {
			return wants("", "text")
		}
		s := l.string(n, mode)
		l.checkPlaceholder(s, expand)
		if len(s.Parts) == 0 {
			l.warnf(at, CodeModValue, "use exists: true to ask whether the field is there", "empty text fits every text")
		}
		return s, true
	}
	v, ok := l.value(n, "a value", mode)
	if s, is := v.(String); is {
		l.checkPlaceholder(s, expand)
	} else if ok && expand {
		l.warnf(at, CodePlaceholder, "write '%name%', or drop expand", "expand finds no placeholder here")
	}
	return v, ok
}

// describe is how a message calls a scalar that is of the wrong kind.
func describe(n *yaml.Node) string {
	if k := kindName(n); k == "null" {
		return k
	}
	return show(n.Value)
}

func (l *loader) checkPlaceholder(s String, expand bool) {
	if expand && !hasPlaceholder(s.Parts) {
		l.warnf(s.Pos, CodePlaceholder, "write '%name%', or drop expand", "expand finds no placeholder here")
	}
}

// wholePlaceholder reads a value that is all %name%, where no text is wanted.
// Since it can mean nothing else, native documents need no expand there.
func (l *loader) wholePlaceholder(n *yaml.Node, expand bool) (Value, bool) {
	if !expand && !l.native {
		l.errorf(l.pos(n), CodePlaceholder, "add |expand behind the field's modifiers", "%s is read as a placeholder only under the modifier expand", show(n.Value))
		return nil, false
	}
	return l.string(n, textPlaceholder), true
}

// numberText is text that the contract of package ir takes for a number.
var numberText = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,15})?$`)

// numberValue reads a number, or text that is one.
func (l *loader) numberValue(n *yaml.Node) (Value, Numeric, bool) {
	switch n.Tag {
	case "!!int", "!!float":
		if num, ok := parseNumeric(n.Value); ok {
			return Number{l.pos(n), num}, num, true
		}
	case "!!str":
		if numberText.MatchString(n.Value) {
			f, _ := strconv.ParseFloat(n.Value, 64) // the form leaves nothing to fail
			return l.string(n, textLiteral), Numeric{Float: f}, true
		}
	}
	return nil, Numeric{}, false
}

var timePartRange = map[string][2]int64{
	ModMinute: {0, 59}, ModHour: {0, 23}, ModDay: {1, 31}, ModWeekday: {1, 7}, ModWeek: {1, 53}, ModMonth: {1, 12}, ModYear: {1, 9999},
}

// checkTimePart warns of a number that the part of a time never is.
func (l *loader) checkTimePart(at Pos, m Modifier, num Numeric) {
	r := timePartRange[m.Name]
	v := num.Float
	if num.IsInt {
		v = float64(num.Int)
	}
	if v < float64(r[0]) || v > float64(r[1]) {
		l.warnf(at, CodeModValue, "", "the %s of a time is from %d to %d", m.Name, r[0], r[1])
	}
}

// checkNetwork checks a prefix or address.
func (l *loader) checkNetwork(n *yaml.Node) bool {
	at := l.pos(n)
	if p, err := netip.ParsePrefix(n.Value); err == nil {
		if p.Addr().Is4In6() {
			l.errorf(at, CodeNetwork, "write it as an IPv4 network", "%s is an IPv4 network inside IPv6; addresses of that form are read as IPv4", show(n.Value))
			return false
		}
		if m := p.Masked(); m != p {
			l.warnf(at, CodeNetwork, "write "+m.String(), "%s has bits behind its length; they are ignored", show(n.Value))
		}
		return true
	}
	a, err := netip.ParseAddr(n.Value)
	switch {
	case err != nil && strings.ContainsAny(n.Value, "*?"):
		l.errorf(at, CodeNetwork, "write the length, such as 192.168.0.0/16", "a network has no wildcards: %s", show(n.Value))
	case err != nil:
		l.errorf(at, CodeNetwork, "write a network such as 10.0.0.0/8 or 2001:db8::/32, or one address", "%s is neither network nor address", show(n.Value))
	case a.Zone() != "":
		l.errorf(at, CodeNetwork, "drop the % and what follows", "%s has a zone, which no log can be compared by", show(n.Value))
	default:
		return true
	}
	return false
}
