package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
)

// A Deviation is a rule by which an engine may give another verdict than the
// contract, with the reason. It explains a verdict only where Of holds.
type Deviation struct {
	Name, Reason string
	Of           func(e ir.Expr, ev any) bool
}

// KQLDeviations are those of KQL, or of what its documentation lets one know.
func KQLDeviations() []Deviation {
	return []Deviation{
		{"letters of odd case", "The documentation does not say how Kusto folds letters outside ASCII; those outside the basic plane, and those of which several share a case (ς and σ, Å and Å, ẞ and ß), may differ.",
			func(e ir.Expr, ev any) bool { return anyText(e, ev, oddLetters) }},
		{"word edges beside letters outside ASCII", `\b is an edge of a word of ASCII letters in the contract, of Unicode letters in Kusto.`,
			func(e ir.Expr, ev any) bool {
				return anyValue(e, func(v ir.Value) bool { re, ok := v.(ir.Regex); return ok && strings.Contains(string(re), `\b`) }) &&
					anyText(ir.Const(true), ev, func(t string) bool { return !isASCII(t) })
			}},
		{"a declared type is not kept", "A pipeline that says that a field holds text, such as an address, is believed.",
			func(e ir.Expr, ev any) bool {
				return slices.ContainsFunc(allFields(e), func(f ir.Field) bool {
					return f.Type != ir.TypeUnknown && slices.ContainsFunc(places(f, ev), func(v any) bool {
						return slices.ContainsFunc(flatten(v), func(x any) bool { _, text := x.(string); return x != nil && !text })
					})
				})
			}},
		{"empty text in a column of text", `A text column holds "" where the event has nothing; the query takes both for the empty text.`,
			func(e ir.Expr, ev any) bool {
				return slices.ContainsFunc(ir.Matches(e), func(m *ir.Match) bool {
					return m.Op == ir.Equal && m.Field.Column != "" && m.Field.ColumnType == ir.TypeString && slices.Contains(m.Values, ir.Value(ir.String("")))
				})
			}},
		{"the spelling of keys", "Queries read the keys that the rule or pipeline spells, each of them a step: no other case, no dotted key for a path.",
			func(e ir.Expr, ev any) bool { return otherKeys(e, ev) }},
		{"the text of numbers", "Kusto writes large and small numbers with an exponent, and the documentation does not say whether 5.0 is written 5 or 5.0.",
			func(_ ir.Expr, ev any) bool { return anyNumber(ev, oddNumber) }},
		{"IPv4 as another IPv6", "::ffff:c000:201 and 0::ffff:192.0.2.1 are 192.0.2.1 in the contract; the query takes ::ffff:192.0.2.1 only.",
			func(_ ir.Expr, ev any) bool { return anyText(ir.Const(true), ev, otherMapped.MatchString) }},
		{"lists deep in lists", fmt.Sprintf("An mv-expand takes one level of lists apart: of an event in one column %d levels are, of a table's columns one.", backends.KQLListDepth),
			func(e ir.Expr, ev any) bool {
				most := backends.KQLListDepth
				if slices.ContainsFunc(allFields(e), func(f ir.Field) bool { return f.Column != "" }) {
					most = 1
				}
				return ListDepth(ev) > most
			}},
	}
}

// ListDepth returns how many lists stand in one another without an object
// between, in an event or in JSON in its texts.
func ListDepth(ev any) int {
	deepest := 0
	var visit func(v any, above int)
	visit = func(v any, above int) {
		switch v := v.(type) {
		case []any:
			deepest = max(deepest, above+1)
			for _, x := range v {
				visit(x, above+1)
			}
		case map[string]any:
			for _, x := range v {
				visit(x, 0)
			}
		case string:
			if parsed, ok := parseJSON(v); ok {
				visit(parsed, above)
			}
		}
	}
	visit(ev, 0)
	return deepest
}

var surrogate = regexp.MustCompile(`(?i)\\ud[89a-f]`)

// HasLoneSurrogate reports whether JSON in a text of an event writes half a code
// point as an escape, which no text of Unicode can hold.
func HasLoneSurrogate(ev any) bool {
	return eventText(ev, func(t string) bool {
		if !surrogate.MatchString(t) {
			return false
		}
		parsed, ok := parseJSON(t)
		return ok && eventText(parsed, func(t string) bool { return strings.ContainsRune(t, unicode.ReplacementChar) })
	})
}

// otherMapped are mapped addresses in hexadecimal, and those that write a zero
// before the dotted IPv4.
var otherMapped = regexp.MustCompile(`(?i)ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}(\]|\z)|(\A|\[)[0:]*0[0:]*:ffff:[0-9.]+(\]|\z)`)

// oddLetters reports whether a text has a letter that folding by one mapping
// and by another may treat differently.
func oddLetters(t string) bool {
	return strings.ContainsFunc(t, func(r rune) bool {
		if r <= unicode.MaxASCII {
			return false
		}
		if r > 0xffff {
			return unicode.SimpleFold(r) != r
		}
		other := unicode.SimpleFold(r)
		return other != unicode.ToUpper(r) && other != unicode.ToLower(r) || unicode.SimpleFold(other) != r || unicode.ToLower(unicode.ToUpper(r)) != unicode.ToLower(r) || r == 'ı' || r == 'İ'
	})
}

// oddNumber reports whether the text of a number is not its shortest decimal,
// or need not be so in Kusto.
func oddNumber(n json.Number) bool {
	f, err := n.Float64()
	_, intErr := strconv.ParseInt(string(n), 10, 64)
	return err != nil || intErr != nil && (f == float64(int64(f)) || f < 1e-4 && f > -1e-4 || f > 1e14 || f < -1e14)
}

// anyText reports whether one of the texts of a tree or of an event, keys among
// them, is such a text.
func anyText(e ir.Expr, ev any, is func(string) bool) bool {
	return anyValue(e, func(v ir.Value) bool {
		switch v := v.(type) {
		case ir.String:
			return is(string(v))
		case ir.Pattern:
			return is(v.String())
		case ir.Regex:
			return is(string(v))
		}
		return false
	}) || eventText(ev, is)
}

func anyValue(e ir.Expr, is func(ir.Value) bool) bool {
	return slices.ContainsFunc(ir.Matches(e), func(m *ir.Match) bool { return slices.ContainsFunc(m.Values, is) })
}

func eventText(v any, is func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return is(v)
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return eventText(x, is) })
	case map[string]any:
		for k, x := range v {
			if is(k) || eventText(x, is) {
				return true
			}
		}
	}
	return false
}

func anyNumber(v any, is func(json.Number) bool) bool {
	switch v := v.(type) {
	case json.Number:
		return is(v)
	case float64:
		return is(json.Number(strconv.FormatFloat(v, 'g', -1, 64)))
	case string:
		parsed, ok := parseJSON(v)
		return ok && anyNumber(parsed, is)
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return anyNumber(x, is) })
	case map[string]any:
		for _, x := range v {
			if anyNumber(x, is) {
				return true
			}
		}
	}
	return false
}

// allFields returns the fields of a tree, those in list blocks as they stand
// there.
func allFields(e ir.Expr) []ir.Field {
	var out []ir.Field
	ir.Walk(e, func(x ir.Expr) bool {
		switch x := x.(type) {
		case *ir.Any:
			out = append(out, x.Over)
		case *ir.Match:
			out = append(out, fieldsOf(x)...)
		}
		return true
	})
	return out
}

// otherKeys reports whether an event has a key that a step of a field finds only
// in another case or with its dots.
func otherKeys(e ir.Expr, ev any) bool {
	steps := map[string]bool{}
	folded := map[string]bool{}
	for _, f := range allFields(e) {
		for _, s := range f.Steps() {
			for _, k := range []string{s.Key, s.Where.Key} {
				steps[k] = true
				folded[fold(k)] = true
			}
		}
	}
	var look func(v any) bool
	look = func(v any) bool {
		switch v := v.(type) {
		case []any:
			return slices.ContainsFunc(v, look)
		case string:
			parsed, ok := parseJSON(v)
			return ok && look(parsed)
		case map[string]any:
			for k, x := range v {
				first, _, dotted := strings.Cut(k, ".")
				if !steps[k] && (folded[fold(k)] || dotted && folded[fold(first)]) || look(x) {
					return true
				}
			}
		}
		return false
	}
	return look(ev)
}
