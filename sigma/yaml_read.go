package sigma

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// entry is one `key: value` of a mapping.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node // aliases resolved
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// kindName is how messages call what a node is.
func kindName(n *yaml.Node) string {
	switch n = resolve(n); n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "null"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}

// isNull reports whether the node is null, which counts as absent in most keys.
func isNull(n *yaml.Node) bool {
	n = resolve(n)
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// mapping returns the entries of a mapping in the author's order, merge keys
// (`<<`) written out. A key that stands twice is an error and its first value
// counts; what names the mapping in messages. It returns false, with a finding,
// when n is no mapping.
func (l *loader) mapping(n *yaml.Node, what string) ([]entry, bool) {
	at := n
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		l.errorf(l.pos(at), CodeType, "", "%s must be a mapping, not %s", what, kindName(n))
		return nil, false
	}
	entries := make([]entry, 0, len(n.Content)/2)
	index := make(map[string]Pos, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.Tag == "!!merge" {
			merges = append(merges, v)
			continue
		}
		key := resolve(k)
		if key.Kind != yaml.ScalarNode {
			l.errorf(l.pos(k), CodeType, "", "a key of %s must be text, not %s", what, kindName(key))
			continue
		}
		if len(key.Value) > MaxKeyBytes {
			l.errorf(l.pos(k), CodeLimit, "", "a key of %s has %d bytes, more than the %d that are read", what, len(key.Value), MaxKeyBytes)
			continue
		}
		if first, twice := index[key.Value]; twice {
			l.errorf(l.pos(k), CodeDuplicateKey, fmt.Sprintf("the first one is in line %d; one of them would be lost", first.Line), "%s has the key %s twice", what, show(key.Value))
			continue
		}
		index[key.Value] = l.pos(k)
		entries = append(entries, entry{key.Value, k, resolve(v)})
	}
	for _, m := range merges {
		sources := []*yaml.Node{m}
		if s := resolve(m); s.Kind == yaml.SequenceNode {
			sources = s.Content
		}
		for _, s := range sources {
			more, _ := l.mapping(s, "what << merges in")
			for _, e := range more {
				if _, own := index[e.name]; !own {
					index[e.name] = l.pos(e.key)
					entries = append(entries, e)
				}
			}
		}
	}
	return entries, true
}

// sequence returns the items of a list, aliases resolved, or false with a finding.
func (l *loader) sequence(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	at := n
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		l.errorf(l.pos(at), CodeType, "", "%s must be a list, not %s", what, kindName(n))
		return nil, false
	}
	if len(n.Content) > MaxValues {
		l.errorf(l.pos(at), CodeLimit, "keep long lists of values outside the rule", "%s has %d entries, more than the %d that are read", what, len(n.Content), MaxValues)
		return nil, false
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = resolve(c)
	}
	return out, true
}

// oneOrMany returns the items of a list, or n alone when it is no list.
func (l *loader) oneOrMany(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	if n = resolve(n); n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}, true
	}
	return l.sequence(n, what)
}

// text returns a scalar as text. Numbers, dates and booleans are taken as
// written; null, lists and mappings are findings.
func (l *loader) text(n *yaml.Node, what string) (string, bool) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		l.errorf(l.pos(n), CodeType, "", "%s must be text, not %s", what, kindName(n))
		return "", false
	}
	return n.Value, true
}

// texts returns a list of texts; a single text is a list of one, null an empty one.
func (l *loader) texts(n *yaml.Node, what string) []string {
	if isNull(n) {
		return nil
	}
	items, ok := l.oneOrMany(n, what)
	if !ok {
		return nil
	}
	var out []string
	for _, it := range items {
		if s, ok := l.text(it, "an entry of "+what); ok {
			out = append(out, s)
		}
	}
	return out
}

// oneOf returns a text that must be one of the allowed ones; otherwise the
// finding has the given code.
func (l *loader) oneOf(n *yaml.Node, what string, code Code, allowed []string) (string, bool) {
	s, ok := l.text(n, what)
	if !ok {
		return "", false
	}
	for _, a := range allowed {
		if s == a {
			return s, true
		}
	}
	l.errorf(l.pos(n), code, NearestHint(s, allowed, "one of "+strings.Join(allowed, ", ")), "%s cannot be %s", what, show(s))
	return "", false
}

// boolean returns true or false.
func (l *loader) boolean(n *yaml.Node, what string) (value, ok bool) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		return strings.EqualFold(n.Value, "true"), true
	}
	l.errorf(l.pos(n), CodeType, "", "%s must be true or false, not %s", what, kindName(n))
	return false, false
}

// integer returns a decimal integer within the bounds.
func (l *loader) integer(n *yaml.Node, what string, least, most int64) (int64, bool) {
	num, ok := l.number(n, what)
	if !ok {
		return 0, false
	}
	if !num.IsInt || num.Int < least || num.Int > most {
		l.errorf(l.pos(n), CodeBadValue, "", "%s must be a whole number from %d to %d", what, least, most)
		return 0, false
	}
	return num.Int, true
}

// number returns an integer or decimal.
func (l *loader) number(n *yaml.Node, what string) (Numeric, bool) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float") {
		if num, ok := parseNumeric(n.Value); ok {
			return num, true
		}
		hint := "write it in decimal digits"
		switch {
		case decimalInt.MatchString(n.Value):
			hint = "an integer has at most 64 bits; with .0 behind it is a decimal"
		case bareExponent.MatchString(n.Value):
			hint = "write it in decimal digits, or with a point and a sign, as in 1.0e+20"
		}
		l.errorf(l.pos(n), CodeNumber, hint, "%s: %s is no number that every reader of YAML agrees on", what, show(n.Value))
		return Numeric{}, false
	}
	l.errorf(l.pos(n), CodeType, "write it in decimal digits, without quotes", "%s must be a number, not %s", what, kindName(n))
	return Numeric{}, false
}

var (
	decimalInt   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	decimalFloat = regexp.MustCompile(`^[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?$`)
	bareExponent = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]*)?[eE]`)
)

// parseNumeric reads the number forms that YAML 1.1 and 1.2 read alike:
// decimal integers without a leading zero that fit 64 bits, decimal fractions,
// and 0x, which both know as hexadecimal.
func parseNumeric(s string) (Numeric, bool) {
	switch {
	case decimalInt.MatchString(s):
		i, err := strconv.ParseInt(s, 10, 64)
		return Numeric{IsInt: true, Int: i}, err == nil
	case strings.HasPrefix(s, "0x"):
		i, err := strconv.ParseUint(s[2:], 16, 63)
		return Numeric{IsInt: true, Int: int64(i)}, err == nil
	case decimalFloat.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		return Numeric{Float: f}, err == nil
	}
	return Numeric{}, false
}

// uuid returns a UUID as written.
func (l *loader) uuid(n *yaml.Node, what string) (string, bool) {
	s, ok := l.text(n, what)
	if ok && !IsUUID(s) {
		l.errorf(l.pos(n), CodeID, "make one with uuidgen; it stays for the life of the rule", "%s must be a UUID, not %s", what, show(s))
		return "", false
	}
	return s, ok
}

// date returns a date of the form YYYY-MM-DD. The older form with slashes,
// which Sigma used before version 2, is a warning and turned into the new one.
func (l *loader) date(n *yaml.Node, what string) (string, bool) {
	s, ok := l.text(n, what)
	if !ok {
		return "", false
	}
	if _, err := time.Parse("2006-01-02", s); err == nil {
		return s, true
	}
	for _, old := range []string{"2006/01/02", "2006/1/2", "2006-1-2"} {
		if t, err := time.Parse(old, s); err == nil {
			iso := t.Format("2006-01-02")
			l.warnf(l.pos(n), CodeDate, "write "+iso, "%s is not of the form YYYY-MM-DD", what)
			return iso, true
		}
	}
	l.errorf(l.pos(n), CodeDate, "year, month and day of a real date, such as 2026-11-22", "%s is no date of the form YYYY-MM-DD: %s", what, show(s))
	return "", false
}

// timespan returns a timespan such as 5m; in a native document a placeholder
// may stand for it.
func (l *loader) timespan(n *yaml.Node, what string) (Timespan, bool) {
	s, ok := l.text(n, what)
	if !ok {
		return Timespan{}, false
	}
	t, err := ParseTimespan(s)
	t.Pos = l.pos(n)
	if err != nil {
		l.errorf(t.Pos, CodeTimespan, "a number and one of s, m, h, d, w, M (30 days), y (365 days), such as 15m", "%s: %s", what, err)
		return Timespan{}, false
	}
	if t.Placeholder != "" && !l.native {
		l.errorf(t.Pos, CodeNativeOnly, "add `rulewright: 1` at the top, or write the timespan", "%s: a parameter may stand here only in a native document", what)
		return Timespan{}, false
	}
	return t, true
}

var placeholderForm = regexp.MustCompile(`^%([A-Za-z_][A-Za-z0-9_.-]*)%$`)

// ParseTimespan reads a timespan: a whole number above 0 and a unit, s m h d
// w M (30 days) or y (365 days), such as 15m; or a placeholder, %name%.
func ParseTimespan(s string) (Timespan, error) {
	if m := placeholderForm.FindStringSubmatch(s); m != nil {
		return Timespan{Text: s, Placeholder: m[1]}, nil
	}
	if len(s) < 2 {
		return Timespan{}, fmt.Errorf("%s is no timespan", show(s))
	}
	var unit int64
	switch s[len(s)-1] {
	case 's':
		unit = 1
	case 'm':
		unit = 60
	case 'h':
		unit = 3600
	case 'd':
		unit = 86400
	case 'w':
		unit = 7 * 86400
	case 'M':
		unit = 30 * 86400
	case 'y':
		unit = 365 * 86400
	default:
		return Timespan{}, fmt.Errorf("%s is no timespan", show(s))
	}
	digits := s[:len(s)-1]
	if strings.Trim(digits, "0123456789") != "" {
		return Timespan{}, fmt.Errorf("%s is no timespan", show(s))
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	const most = 200 * 365 * 86400
	switch {
	case err != nil || n > most/unit:
		return Timespan{}, fmt.Errorf("%s is longer than 200 years", show(s))
	case n == 0:
		return Timespan{}, fmt.Errorf("%s has no length", show(s))
	}
	return Timespan{Text: s, Seconds: n * unit}, nil
}

// plain returns what YAML made of a node: nil, bool, int, float64, string,
// []any or map[string]any.
func (l *loader) plain(n *yaml.Node) any {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		entries, _ := l.mapping(n, "a custom attribute")
		for _, e := range entries {
			m[e.name] = l.plain(e.value)
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = l.plain(c)
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if num, ok := parseNumeric(n.Value); ok {
			if num.IsInt {
				return int(num.Int)
			}
			return num.Float
		}
	}
	return n.Value
}
