package kusto

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldCase is what two strings are compared by where case is ignored: each
// character of the basic plane in its simple upper case, as .NET's ordinal
// comparison does; no other character becomes an ASCII one.
func foldCase(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'a' && c <= 'z' || c >= utf8.RuneSelf {
			return strings.Map(upper, s)
		}
	}
	return s
}

func upper(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r < utf8.RuneSelf || r > 0xFFFF:
		return r
	}
	if u := unicode.ToUpper(r); u >= utf8.RuneSelf && u <= 0xFFFF {
		return u
	}
	return r
}

func lower(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r - 'A' + 'a'
	case r < utf8.RuneSelf || r > 0xFFFF:
		return r
	}
	if u := unicode.ToLower(r); u >= utf8.RuneSelf && u <= 0xFFFF {
		return u
	}
	return r
}

// stringTest is an operator between two strings; one that folds is given both
// folded.
type stringTest struct {
	folds bool
	match func(s, t string) bool
}

var stringTests = map[string]stringTest{
	"=~":            {true, func(s, t string) bool { return s == t }},
	"has":           {true, hasTerm},
	"has_cs":        {false, hasTerm},
	"contains":      {true, strings.Contains},
	"contains_cs":   {false, strings.Contains},
	"startswith":    {true, strings.HasPrefix},
	"startswith_cs": {false, strings.HasPrefix},
	"endswith":      {true, strings.HasSuffix},
	"endswith_cs":   {false, strings.HasSuffix},
	"hasprefix":     {true, func(s, t string) bool { return term(s, t, true, false) }},
	"hasprefix_cs":  {false, func(s, t string) bool { return term(s, t, true, false) }},
	"hassuffix":     {true, func(s, t string) bool { return term(s, t, false, true) }},
	"hassuffix_cs":  {false, func(s, t string) bool { return term(s, t, false, true) }},
}

// hasTerm reports whether t stands in s with no alphanumeric character
// touching an alphanumeric end of it.
func hasTerm(s, t string) bool { return term(s, t, true, true) }

func term(s, t string, left, right bool) bool {
	if t == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(t)
	last, _ := utf8.DecodeLastRuneInString(t)
	for from := 0; ; {
		i := strings.Index(s[from:], t)
		if i < 0 {
			return false
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+len(t):])
		if !(left && i > 0 && alnum(before) && alnum(first)) &&
			!(right && i+len(t) < len(s) && alnum(after) && alnum(last)) {
			return true
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		from = i + n
	}
}

func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
