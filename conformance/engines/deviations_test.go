package engines

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// The rules by which a pair of rule and event is left out before an engine is
// asked, or the engine may say something else, with the reason.
const (
	leftOutSpelling = "left out: a key that the event spells otherwise than the rule (another case, dots in a key, a key twice in JSON text): reading events settles that, a query takes keys as the rule has them"
	leftOutTime     = "left out: a time that is no RFC 3339: reading events settles that, queries know one form"
	deviatesFold    = "different: a field compared with another in any case, whose texts differ in the case of letters outside ASCII: the engine folds ASCII only"
	deviatesBig     = "different: an event with an integer beyond those of 64 bits with a sign: the engine's JSON functions do not read it, or keep all its digits"
	deviatesLong    = "different: a number of more digits than a 64-bit integer or fraction holds: the engine's JSON keeps them all"
	deviatesZero    = "different: a fraction that is zero with a sign: the engine does not keep the sign"
	deviatesTiny    = "different: a fraction of more than 16 digits, or with digits behind the 40th: the engine's text of it differs"
	deviatesDeep    = "different: lists deeper in one another than the query takes them apart"
	deviatesHalf    = "different: JSON in a text with an escape of half a code point: the engine takes it for no JSON, or does not replace it"
)

// foldsASCII are the engines that fold letters outside ASCII only where the rule
// says which.
func foldsASCII(engine string) bool { return engine != "duckdb" }

// stores takes out of random pairs what an engine does not store.
func stores(engine string) func(*conformance.Random) {
	return func(r *conformance.Random) {
		if engine != "duckdb" {
			r.Words = slices.DeleteFunc(r.Words, func(w string) bool { return strings.ContainsRune(w, 0) })
		}
	}
}

// leftOut returns why the pair is left out, "" if it is not.
func leftOut(e ir.Expr, ev any) string {
	switch {
	case !spelledAlike(e, ev):
		return leftOutSpelling
	case oddTime(e, ev):
		return leftOutTime
	}
	return ""
}

// deviates returns why the engine may say something else, "" if it may not.
func deviates(engine string, q asked) string {
	ev := q.Events[0]
	text, err := jsonText(ev)
	switch {
	case engine == "postgres" && hasNumber(ev, keepsDigits):
		return deviatesLong
	case engine == "clickhouse" && hasNumber(ev, isBigInteger):
		return deviatesBig
	case engine != "duckdb" && hasNumber(ev, isNegativeZero):
		return deviatesZero
	case (engine == "sqlite" || engine == "clickhouse") && hasNumber(ev, hasManyDigits):
		return deviatesTiny
	case conformance.ListDepth(ev) > listDepths[engine]:
		return deviatesDeep
	case conformance.HasLoneSurrogate(ev):
		return deviatesHalf
	case err == nil && foldsASCII(engine) && comparesFields(q.Rule.Predicate()) && hasOtherLetters(text):
		return deviatesFold
	}
	return ""
}

// listDepths is how deep the queries of an engine take lists apart.
var listDepths = map[string]int{"duckdb": 4, "sqlite": 1000, "postgres": 16, "clickhouse": 4}

// hasNumber reports whether a value, or JSON in a text, has such a number.
func hasNumber(v any, is func(text string) bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, el := range v {
			if hasNumber(el, is) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(el any) bool { return hasNumber(el, is) })
	case string:
		var inner any
		d := json.NewDecoder(strings.NewReader(v))
		d.UseNumber()
		if strings.ContainsAny(v, "[{") && d.Decode(&inner) == nil {
			return hasNumber(inner, is)
		}
	case json.Number, float64:
		return is(fmt.Sprint(v))
	}
	return false
}

// isBigInteger: outside those of 64 bits with a sign, however it is written.
func isBigInteger(text string) bool {
	n, _, err := big.ParseFloat(text, 10, 2000, big.ToNearestEven)
	if err != nil || !n.IsInt() {
		return false
	}
	i, _ := n.Int(nil)
	return !i.IsInt64()
}

// keepsDigits: no integer of 64 bits, and not the shortest decimal of a fraction,
// or, where integers have no fraction of their own, not its value.
func keepsDigits(text string) bool {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return false
	}
	f, err := strconv.ParseFloat(text, 64)
	exact, ok := new(big.Rat).SetString(text)
	if err != nil || !ok {
		return true
	}
	shortest, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	return exact.Cmp(shortest) != 0 || math.Abs(f) >= 1<<53 && exact.Cmp(new(big.Rat).SetFloat64(f)) != 0
}

func isNegativeZero(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && f == 0 && text[0] == '-' && text != "-0"
}

func hasManyDigits(text string) bool {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return false
	}
	f, _ := strconv.ParseFloat(text, 64)
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent)
	n := len(strings.Trim(digits, "-")) - 1
	return n > 16 || n-1-e > 40
}

func comparesFields(e ir.Expr) bool {
	for _, m := range ir.Matches(e) {
		for _, v := range m.Values {
			if _, ok := v.(ir.FieldRef); ok && !m.Cased {
				return true
			}
		}
	}
	return false
}

func hasOtherLetters(text string) bool {
	for _, r := range text {
		if r >= utf8.RuneSelf && (unicode.ToLower(r) != r || unicode.ToUpper(r) != r) {
			return true
		}
	}
	return false
}

// spelledAlike reports whether the fields of e find their keys in the event as
// they spell them, one step a key.
func spelledAlike(e ir.Expr, ev any) bool {
	switch e := e.(type) {
	case *ir.Any:
		found, alike := follow(e.Over.Path, ev)
		for _, v := range found {
			for _, el := range flat(v) {
				alike = alike && spelledAlike(e.X, el)
			}
		}
		return alike
	case *ir.Match:
		_, alike := follow(e.Field.Path, ev)
		if d := e.Field.Derive; d != nil && d.Since != nil {
			_, ok := follow(*d.Since, ev)
			alike = alike && ok
		}
		for _, v := range e.Values {
			if ref, ok := v.(ir.FieldRef); ok {
				_, ok := follow(ref.Field.Path, ev)
				alike = alike && ok
			}
		}
		return alike
	}
	for _, x := range ir.Children(e) {
		if !spelledAlike(x, ev) {
			return false
		}
	}
	return true
}

// follow walks a path as events are read and reports whether every key on the
// way is a step of its own and spelled as in the path.
func follow(path ir.Path, ev any) (found []any, alike bool) {
	found, alike = []any{ev}, true
	for _, step := range path {
		var next []any
		for _, v := range found {
			if step.Key == "" {
				next = append(next, v)
				continue
			}
			got, ok := lookUp(step.Key, v)
			next, alike = append(next, got...), alike && ok
		}
		for i, v := range next {
			if text, ok := v.(string); ok && step.JSON {
				d := json.NewDecoder(strings.NewReader(text))
				d.UseNumber()
				var inner any
				if d.Decode(&inner) == nil {
					next[i] = inner
					again, err := jsonText(inner)
					// A key twice: the text read and written again is shorter.
					alike = alike && (err != nil || strings.Count(again, `":`) == strings.Count(text, `":`)+strings.Count(text, `" :`))
				}
			}
		}
		found = next
	}
	return found, alike
}

func lookUp(key string, v any) (found []any, alike bool) {
	switch v := v.(type) {
	case []any:
		alike = true
		for _, el := range flat(v) {
			got, ok := lookUp(key, el)
			found, alike = append(found, got...), alike && ok
		}
		return found, alike
	case map[string]any:
		if got, ok := v[key]; ok {
			return []any{got}, !strings.Contains(key, ".")
		}
		for k := range v {
			if ir.Fold(k) == ir.Fold(key) {
				return nil, false
			}
		}
		first, rest, ok := strings.Cut(key, ".")
		if !ok {
			return nil, true
		}
		got, alike := lookUp(first, v)
		for _, g := range got {
			more, ok := lookUp(rest, g)
			found, alike = append(found, more...), alike && ok
		}
		return found, alike
	}
	return nil, true
}

func flat(v any) []any {
	list, ok := v.([]any)
	if !ok {
		return []any{v}
	}
	var out []any
	for _, el := range list {
		out = append(out, flat(el)...)
	}
	return out
}

// oddTime reports whether the event has a time, in another form than RFC 3339,
// that e may ask about.
func oddTime(e ir.Expr, ev any) bool {
	derives := false
	for _, m := range ir.Matches(e) {
		derives = derives || m.Field.Derive != nil
	}
	if !derives {
		return false
	}
	odd := false
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case string:
			if _, ok := event.ParseTime(v); ok {
				_, err1 := time.Parse(time.RFC3339, v)
				_, err2 := time.Parse("2006-01-02T15:04:05", v)
				odd = odd || err1 != nil && err2 != nil
			}
		case []any:
			for _, el := range v {
				visit(el)
			}
		case map[string]any:
			for _, el := range v {
				visit(el)
			}
		}
	}
	visit(ev)
	return odd
}
