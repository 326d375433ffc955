package ir

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold maps each code point by Unicode's simple lower-case mapping, except that
// no non-ASCII code point becomes an ASCII one. Texts that are equal when folded
// are equal where Match.Cased is not set.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); r < utf8.RuneSelf || l >= utf8.RuneSelf {
			return l
		}
		return r
	}, s)
}

// NumberText reads text of the form that counts as a number,
// -?[0-9]{1,15}(\.[0-9]{1,15})?, and refuses all other.
func NumberText(s string) (Number, bool) {
	whole, fraction, hasFraction := strings.Cut(s, ".")
	if !isDigits(strings.TrimPrefix(whole, "-")) || hasFraction && !isDigits(fraction) {
		return Number{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Number{IsInt: true, Int: i}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Number{}, false
	}
	if i := int64(f); float64(i) == f { // 15 digits fit
		return Number{IsInt: true, Int: i}, true
	}
	return Number{Float: f}, true
}

// NumberTextForm is the form of a text that counts as a number, as a regular
// expression of the whole text.
const NumberTextForm = `-?[0-9]{1,15}(\.[0-9]{1,15})?`

func isDigits(s string) bool {
	if len(s) < 1 || len(s) > 15 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}
