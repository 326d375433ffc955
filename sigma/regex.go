package sigma

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"gopkg.in/yaml.v3"
)

// checkRegex checks a regular expression and points at what it cannot read.
func (l *loader) checkRegex(n *yaml.Node) bool {
	re := n.Value
	if len(re) > MaxRegexBytes {
		l.errorf(l.pos(n), CodeLimit, "split it into several values", "the regular expression has %d bytes, more than the %d that are read", len(re), MaxRegexBytes)
		return false
	}
	if off, what, hint := unsupportedRegex(re); off >= 0 {
		l.errorf(l.at(n, off), CodeRegex, hint, "%s in a regular expression is not supported", what)
		return false
	}
	_, err := syntax.Parse(re, syntax.Perl)
	if err == nil {
		return true
	}
	at, msg := l.pos(n), err.Error()
	var se *syntax.Error
	if errors.As(err, &se) {
		if i := strings.Index(re, se.Expr); i >= 0 {
			at = l.at(n, i)
		}
		msg = se.Code.String()
		if se.Code != syntax.ErrNestingDepth && se.Code != syntax.ErrLarge && se.Expr != "" {
			msg += ": " + show(se.Expr)
		}
	}
	hint := ""
	switch {
	case strings.Contains(msg, "invalid repeat count"):
		hint = "a repetition is at most 1000 times, the first number not above the second"
	case strings.Contains(msg, "missing argument to repetition"):
		hint = `re takes a regular expression, not a wildcard: write .* for any text, \. for a dot`
	}
	l.errorf(at, CodeRegex, hint, "the regular expression cannot be read: %s", msg)
	return false
}

// regexGroups are the groups of Perl and its relatives that need backtracking,
// or that no linear engine has.
var regexGroups = []struct{ prefix, what, hint string }{
	{"(?=", "look-ahead (?=", "ask for both in two items of the field, or with |all"},
	{"(?!", "negative look-ahead (?!", "put what must not follow into a selection of its own and write `not` in the condition"},
	{"(?<=", "look-behind (?<=", "match what stands in front, too"},
	{"(?<!", "negative look-behind (?<!", "put what must not precede into a selection of its own and write `not` in the condition"},
	{"(?>", "the atomic group (?>", "write (?: instead; nothing backtracks here"},
	{"(?|", "the branch reset (?|", "write (?: instead"},
	{"(?#", "the comment (?#", "drop it"},
	{"(?(", "the conditional (?(", "write the alternatives out"},
	{"(?R", "the recursion (?R", "write the expression out"},
	{"(?&", "the subroutine call (?&", "write the expression out"},
	{"(?P>", "the subroutine call (?P>", "write the expression out"},
	{"(?P=", "the back-reference (?P=", "write the alternatives out"},
}

// unsupportedRegex finds the first construct that Go's regexp/syntax, and with
// it the query languages, cannot run, and returns its offset or -1.
func unsupportedRegex(re string) (off int, what, hint string) {
	class := false
	atom := false // the character before can be repeated
	for i := 0; i < len(re); i++ {
		c := re[i]
		switch {
		case c == '\\' && i+1 < len(re):
			e := re[i+1]
			if !class {
				switch {
				case e >= '1' && e <= '9':
					return i, `the back-reference \` + string(e), "write the alternatives out"
				case e == 'k' || e == 'g':
					return i, `the back-reference \` + string(e), "write the alternatives out"
				case e == 'K':
					return i, `\K`, "drop it: only whether something matches counts"
				case e == 'G' || e == 'Z':
					return i, `the anchor \` + string(e), `write \z or $ for the end, \A or ^ for the start`
				case e == 'R':
					return i, `\R`, `write \r?\n`
				case e == 'X':
					return i, `\X`, "write . for any character"
				}
			}
			switch e {
			case 'h':
				return i, `\h`, `write [ \t]`
			case 'u':
				return i, `\u`, `write \x{` + hexAfter(re[i+2:]) + `}`
			case 'c':
				return i, `the control character \c`, `write it as \x and two hexadecimal digits`
			case 'e':
				return i, `\e`, `write \x1b`
			}
			if e == 'Q' && !class {
				end := strings.Index(re[i:], `\E`)
				if end < 0 {
					return -1, "", ""
				}
				i += end + 1
			} else {
				i++
			}
			atom = true
		case class:
			if c == '[' && strings.HasPrefix(re[i:], "[:") {
				if end := strings.Index(re[i:], ":]"); end > 0 {
					i += end + 1
				}
			} else if c == ']' {
				class, atom = false, true
			}
		case c == '[':
			class = true
			// A bracket that comes first is an ordinary character.
			if strings.HasPrefix(re[i+1:], "^]") {
				i += 2
			} else if strings.HasPrefix(re[i+1:], "]") {
				i++
			}
		case c == '(':
			for _, g := range regexGroups {
				if strings.HasPrefix(re[i:], g.prefix) {
					return i, g.what, g.hint
				}
			}
			if i+3 < len(re) && re[i+1] == '?' && re[i+2] >= '0' && re[i+2] <= '9' {
				return i, "the recursion (?" + string(re[i+2]), "write the expression out"
			}
			atom = false
		case c == '*' || c == '+' || c == '?':
			if atom && i+1 < len(re) && re[i+1] == '+' {
				return i, "the possessive quantifier " + re[i:i+2], "drop the second +; nothing backtracks here"
			}
			if i+1 < len(re) && re[i+1] == '?' {
				i++
			}
			atom = false
		case c == '}':
			if i+1 < len(re) && re[i+1] == '+' && repetition.MatchString(re[:i+1]) {
				return i + 1, "the possessive quantifier }+", "drop the +; nothing backtracks here"
			}
			atom = true
		case c == '|':
			atom = false
		default:
			atom = true
		}
	}
	return -1, "", ""
}

var repetition = regexp.MustCompile(`\{[0-9]+(,[0-9]*)?\}$`)

func hexAfter(s string) string {
	n := 0
	for n < len(s) && n < 4 && strings.ContainsRune("0123456789abcdefABCDEF", rune(s[n])) {
		n++
	}
	if n == 0 {
		return "…"
	}
	return s[:n]
}
