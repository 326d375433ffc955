package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"unicode"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// number is a 64-bit integer or a float.
type number struct {
	isInt bool
	i     int64
	f     float64
}

func intNumber(i int64) number { return number{isInt: true, i: i} }

func numberOf(v ir.Number) number {
	if v.IsInt {
		return intNumber(v.Int)
	}
	return number{f: v.Float}
}

func (n number) value() ir.Number { return ir.Number{IsInt: n.isInt, Int: n.i, Float: n.f} }

// text is the shortest decimal without exponent.
func (n number) text() string {
	if n.isInt {
		return strconv.FormatInt(n.i, 10)
	}
	return strconv.FormatFloat(n.f, 'f', -1, 64)
}

// unordered is compare's answer where one side is not a number.
const unordered = 2

// compare orders two numbers by their exact value: -1, 0, 1 or unordered.
func (n number) compare(m number) int {
	if !n.isInt && math.IsNaN(n.f) || !m.isInt && math.IsNaN(m.f) {
		return unordered
	}
	big1 := func(n number) *big.Float {
		if n.isInt {
			return new(big.Float).SetPrec(64).SetInt64(n.i)
		}
		return new(big.Float).SetPrec(64).SetFloat64(n.f)
	}
	return big1(n).Cmp(big1(m))
}

var numberForm = regexp.MustCompile(`\A-?[0-9]{1,15}(\.[0-9]{1,15})?\z`)

// numberText reads text that is a number.
func numberText(t string) (number, bool) {
	if !numberForm.MatchString(t) {
		return number{}, false
	}
	if i, err := strconv.ParseInt(t, 10, 64); err == nil {
		return intNumber(i), true
	}
	f, err := strconv.ParseFloat(t, 64)
	return number{f: f}, err == nil
}

// text is the text form of a scalar.
func text(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case number:
		return x.text()
	case bool:
		return strconv.FormatBool(x)
	}
	panic(fmt.Sprintf("conformance: %T is no scalar", x))
}

// normal brings a value of an event into one of nil, bool, string, number,
// []any and event.Object.
func normal(v any) any {
	switch v := v.(type) {
	case nil, bool, string, number, []any, event.Object:
		return v
	case map[string]any:
		return object(v)
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return intNumber(i)
		}
		f, _ := strconv.ParseFloat(string(v), 64)
		return number{f: f}
	case float64:
		return number{f: v}
	case float32:
		return number{f: float64(v)}
	case int:
		return intNumber(int64(v))
	case int8:
		return intNumber(int64(v))
	case int16:
		return intNumber(int64(v))
	case int32:
		return intNumber(int64(v))
	case int64:
		return intNumber(v)
	case uint8:
		return intNumber(int64(v))
	case uint16:
		return intNumber(int64(v))
	case uint32:
		return intNumber(int64(v))
	case uint:
		return unsigned(uint64(v))
	case uint64:
		return unsigned(v)
	}
	return nil
}

func unsigned(v uint64) number {
	if v <= math.MaxInt64 {
		return intNumber(int64(v))
	}
	return number{f: float64(v)}
}

// object makes a map an event.Object.
type object map[string]any

func (o object) Get(key string) (any, bool) { v, ok := o[key]; return v, ok }

func (o object) Keys(yield func(string) bool) {
	for k := range o {
		if !yield(k) {
			return
		}
	}
}

func isObject(v any) bool { _, ok := normal(v).(event.Object); return ok }

// keys returns an object's keys in byte order.
func keys(o event.Object) []string {
	var ks []string
	o.Keys(func(k string) bool { ks = append(ks, k); return true })
	slices.Sort(ks)
	return ks
}

func isASCII(t string) bool {
	for i := 0; i < len(t); i++ {
		if t[i] > unicode.MaxASCII {
			return false
		}
	}
	return true
}
