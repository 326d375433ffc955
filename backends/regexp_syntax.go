package backends

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// regexpSyntax is how an engine writes regular expressions. Printers ask only
// whether one is found, so greed and groups do not matter and are not written.
// A letter of any case is a class of its forms, or in the scope of a flag where
// an engine folds by it as Go does.
type regexpSyntax struct {
	beginText, endText   string
	beginLine, endLine   string
	boundary, noBoundary string              // of ASCII words
	anyChar              string              // also a line break
	nothing              string              // never matches
	group                string              // opens a group
	maxRepeat            int                 // 0: as Go's
	escape               func(r rune) string // a character that is not written as it is
	noNUL                bool
	anyCase              string              // the flag, in a group that begins with it or in front of all
	meta                 string              // what is escaped outside classes; "": as in classes
	around               func(string) string // makes a search of what the engine anchors; nil: it searches
	unsupported          func(*syntax.Regexp) string
}

// hexEscape writes \x{…}, which RE2, Java and Oniguruma know.
func hexEscape(r rune) string { return fmt.Sprintf(`\x{%x}`, r) }

// re2Syntax is RE2's, and that of Go's regexp.
var re2Syntax = &regexpSyntax{
	beginText: `\A`, endText: `\z`, beginLine: `(?m:^)`, endLine: `(?m:$)`, boundary: `\b`, noBoundary: `\B`,
	anyChar: `(?s:.)`, nothing: `[^\x00-\x{10FFFF}]`, group: `(?:`, escape: hexEscape,
}

// kqlSyntax is Kusto's. Its classes \d, \w and \s are of Unicode and those of a
// rule of ASCII, which is why they are never written.
var kqlSyntax = &regexpSyntax{
	beginText: `\A`, endText: `\z`, beginLine: `(?m:^)`, endLine: `(?m:$)`, boundary: `\b`, noBoundary: `\B`,
	anyChar: `(?s:.)`, nothing: `[^\x00-\x{10FFFF}]`, group: `(?:`, anyCase: `(?i`, meta: `\.+*?()|[]{}^$`,
	escape: func(r rune) string {
		switch r {
		case '\n':
			return `\n`
		case '\r':
			return `\r`
		case '\t':
			return `\t`
		}
		return hexEscape(r)
	},
}

const (
	wordBefore, wordAfter     = `(?<=[0-9A-Za-z_])`, `(?=[0-9A-Za-z_])`
	noWordBefore, noWordAfter = `(?<![0-9A-Za-z_])`, `(?![0-9A-Za-z_])`
)

// lookaroundBoundary are word boundaries in an engine that has other words.
const (
	lookaroundBoundary   = `(?:` + wordBefore + noWordAfter + `|` + noWordBefore + wordAfter + `)`
	lookaroundNoBoundary = `(?:` + wordBefore + wordAfter + `|` + noWordBefore + noWordAfter + `)`
)

// postgresSyntax is PostgreSQL's advanced regular expressions.
var postgresSyntax = &regexpSyntax{
	beginText: `\A`, endText: `\Z`, beginLine: `(?:\A|(?<=\n))`, endLine: `(?:\Z|(?=\n))`, boundary: lookaroundBoundary, noBoundary: lookaroundNoBoundary,
	anyChar: `.`, nothing: `(?!x)x`, group: `(?:`, maxRepeat: 255, noNUL: true,
	escape: func(r rune) string {
		if r > 0xFFFF {
			return fmt.Sprintf(`\U%08X`, r)
		}
		return fmt.Sprintf(`\u%04X`, r)
	},
}

// javaSyntax is that of java.util.regex, whose lines end at more than a line feed
// and whose words have letters outside ASCII.
var javaSyntax = &regexpSyntax{
	beginText: `\A`, endText: `\z`, beginLine: `(?:\A|(?<=\n))`, endLine: `(?:\z|(?=\n))`, boundary: lookaroundBoundary, noBoundary: lookaroundNoBoundary,
	anyChar: `(?s:.)`, nothing: `(?!x)x`, group: `(?:`, escape: hexEscape,
}

// snowflakeSyntax has no groups that do not capture, no look-around and no flag
// for a part; the search is told that a dot is any character.
var snowflakeSyntax = &regexpSyntax{
	beginText: `^`, endText: `$`, anyChar: `.`, nothing: `$x`, group: `(`, escape: func(r rune) string { return string(r) },
	unsupported: func(re *syntax.Regexp) string {
		switch re.Op {
		case syntax.OpBeginLine, syntax.OpEndLine:
			return "the start or end of a line in a regular expression"
		case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			return "a word boundary in a regular expression"
		}
		return ""
	},
}

// outside writes a character outside a class.
func (s *regexpSyntax) outside(r rune) string {
	switch {
	case s.meta == "":
		return s.plain(r)
	case strings.ContainsRune(s.meta, r):
		return `\` + string(r)
	case r == '\n' || r == '\r' || r == '\t':
		return s.escape(r)
	}
	return string(r)
}

// quote writes a text so that it stands for itself.
func (s *regexpSyntax) quote(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(s.outside(r))
	}
	return b.String()
}

// plain writes a character so that it stands for itself, in a class and outside.
func (s *regexpSyntax) plain(r rune) string {
	switch {
	case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '_', r == ' ', r == '/', r == ':', r == ',', r == ';', r == '=', r == '"', r == '\'', r == '%', r == '@', r == '!', r == '<', r == '>':
		return string(r)
	case r > ' ' && r < utf8.RuneSelf-1:
		return `\` + string(r)
	case r >= utf8.RuneSelf && unicode.In(r, unicode.L, unicode.N) && r <= 0xFFFF:
		return string(r)
	}
	return s.escape(r)
}
