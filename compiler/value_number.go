package compiler

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// toNumber reads a number; ok is false for one without a finite value.
func toNumber(v any) (ir.Number, bool) {
	switch v := v.(type) {
	case int64:
		return ir.Number{IsInt: true, Int: v}, true
	case uint64:
		if v <= math.MaxInt64 {
			return ir.Number{IsInt: true, Int: int64(v)}, true
		}
		return canonical(ir.Number{Float: float64(v)}), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return ir.Number{}, false
		}
		return canonical(ir.Number{Float: v}), true
	case json.Number:
		return parseJSONNumber(string(v))
	}
	return ir.Number{}, false
}

// parseJSONNumber reads a JSON number: an exact integer where 64 bits hold it.
func parseJSONNumber(s string) (ir.Number, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return ir.Number{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return ir.Number{IsInt: true, Int: i}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return ir.Number{}, false
	}
	return canonical(ir.Number{Float: f}), true
}

// numberCost is what reading a JSON number takes, in steps, beyond the one that
// each value is charged. strconv reads digit by digit, for each power of ten,
// what has more digits than a float64 tells apart or is close to 0 or infinity.
func numberCost[Text string | []byte](s Text) int {
	const (
		plain    = 19  // digits that strconv reads at once
		farPower = 290 // and powers of ten
		each     = 8   // steps of a digit or power
		most     = 800 // digits that strconv looks at
	)
	mantissa := len(s)
	power := 0
	for i := range len(s) {
		if c := s[i]; c == 'e' || c == 'E' {
			mantissa = i
			for _, d := range []byte(s[i+1:]) {
				if '0' <= d && d <= '9' && power < most {
					power = power*10 + int(d-'0')
				}
			}
			break
		}
	}
	if mantissa <= plain && power < farPower {
		return 0
	}
	return each * (min(mantissa, most) + min(power, most))
}

// canonical writes a number in the one form that equal numbers share, so that
// == and map keys compare by value: an integer where int64 holds it exactly.
func canonical(n ir.Number) ir.Number {
	if n.IsInt {
		return ir.Number{IsInt: true, Int: n.Int}
	}
	if f := n.Float; f >= -(1<<63) && f < 1<<63 && f == math.Trunc(f) {
		return ir.Number{IsInt: true, Int: int64(f)}
	}
	return ir.Number{Float: n.Float}
}

// compareNumbers compares canonical numbers exactly.
func compareNumbers(a, b ir.Number) int {
	switch {
	case a.IsInt && b.IsInt:
		return cmp.Compare(a.Int, b.Int)
	case a.IsInt:
		return compareIntFloat(a.Int, b.Float)
	case b.IsInt:
		return -compareIntFloat(b.Int, a.Float)
	}
	return cmp.Compare(a.Float, b.Float)
}

func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -(1 << 63):
		return 1
	}
	t := math.Trunc(f)
	if c := cmp.Compare(i, int64(t)); c != 0 {
		return c
	}
	return cmp.Compare(t, f)
}

// decimalText is the shortest decimal without an exponent.
func decimalText(v any) string { return string(appendDecimal(nil, v)) }

// appendDecimal appends it.
func appendDecimal(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return strconv.AppendInt(b, i, 10)
		}
		f, _ := strconv.ParseFloat(string(v), 64)
		return appendFloat(b, f)
	case uint64:
		if v <= math.MaxInt64 {
			return strconv.AppendUint(b, v, 10)
		}
		return appendFloat(b, float64(v))
	case float64:
		return appendFloat(b, v)
	}
	return b
}

// maxShortInt is where an integer's digits are its shortest decimal as a float64
// for sure.
const maxShortInt = 1 << 53

func appendFloat(b []byte, f float64) []byte {
	if i := int64(f); float64(i) == f && -maxShortInt < i && i < maxShortInt { // also -0
		return strconv.AppendInt(b, i, 10)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}
