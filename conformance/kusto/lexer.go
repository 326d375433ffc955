package kusto

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokString
	tokLiteral // number, timespan, or a typed literal such as datetime(...)
	tokPunct
)

type token struct {
	kind     tokenKind
	text     string // name or punctuation as written, the value of a string
	pos, end int
	val      Value
	typ      Type
}

type lexer struct {
	src  string
	i    int
	toks []token
}

// Token is a word of a query. Of a text literal, a quoted name among them, Text
// is the value; of everything else it is what is written.
type Token struct {
	Literal bool
	Text    string
}

// Tokens cuts a query into its words, without comments. It is for those who
// want to know that a value has not left its literal.
func Tokens(text string) (tokens []Token, err error) {
	defer catch(text, &err)
	for _, t := range lex(text) {
		switch t.kind {
		case tokEnd:
		case tokString:
			tokens = append(tokens, Token{true, t.text})
		default:
			tokens = append(tokens, Token{false, text[t.pos:t.end]})
		}
	}
	return tokens, nil
}

// lex cuts a query into tokens.
func lex(src string) []token {
	if len(src) > maxText {
		fail(0, "the query has %d bytes, more than the limit of %d", len(src), maxText)
	}
	if !utf8.ValidString(src) {
		fail(0, "the query is not UTF-8")
	}
	l := &lexer{src: src, toks: make([]token, 0, len(src)/4+8)}
	for {
		l.skip()
		if len(l.toks) >= maxTokens {
			fail(l.i, "the query has more than %d tokens", maxTokens)
		}
		if l.i >= len(src) {
			l.toks = append(l.toks, token{kind: tokEnd, text: "end of query", pos: len(src), end: len(src)})
			return l.toks
		}
		l.next()
	}
}

// skip passes blanks and comments.
func (l *lexer) skip() {
	for l.i < len(l.src) {
		switch c := l.src[l.i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.i++
		case strings.HasPrefix(l.src[l.i:], "//"):
			if n := strings.IndexByte(l.src[l.i:], '\n'); n >= 0 {
				l.i += n
			} else {
				l.i = len(l.src)
			}
		default:
			return
		}
	}
}

func nameStart(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool     { return c >= '0' && c <= '9' }
func namePart(c byte) bool  { return nameStart(c) || digit(c) }

func (l *lexer) add(k tokenKind, text string, pos int) {
	l.toks = append(l.toks, token{kind: k, text: text, pos: pos, end: l.i})
}

var puncts = []string{"..", "==", "=~", "=>", "!=", "!~", "<=", ">=", "<>", "|", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".", "=", "<", ">", "+", "-", "*", "/", "%", "$"}

func (l *lexer) next() {
	pos, c := l.i, l.src[l.i]
	rest := l.src[pos:]
	switch {
	case c == '"' || c == '\'':
		l.text(pos)
	case c == '@' && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\''):
		l.i++
		l.verbatim(pos)
	case strings.HasPrefix(rest, "```"):
		l.i += 3
		n := strings.Index(l.src[l.i:], "```")
		if n < 0 {
			fail(pos, "a multi-line string literal has no closing ```")
		}
		s := l.src[l.i : l.i+n]
		l.i += n + 3
		l.add(tokString, s, pos)
	case (c == 'h' || c == 'H') && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\''):
		l.i++
		l.text(pos)
	case (c == 'h' || c == 'H') && len(rest) > 2 && rest[1] == '@' && (rest[2] == '"' || rest[2] == '\''):
		l.i += 2
		l.verbatim(pos)
	case nameStart(c):
		for l.i < len(l.src) && namePart(l.src[l.i]) {
			l.i++
		}
		name := l.src[pos:l.i]
		if l.typed(name, pos) {
			return
		}
		if name == "in" && strings.HasPrefix(l.src[l.i:], "~") {
			l.i++
			name = "in~"
		}
		l.add(tokName, name, pos)
	case digit(c):
		l.number(pos)
	case c == '!' && len(rest) > 1 && nameStart(rest[1]):
		l.i++
		for l.i < len(l.src) && namePart(l.src[l.i]) {
			l.i++
		}
		if l.src[pos:l.i] == "!in" && strings.HasPrefix(l.src[l.i:], "~") {
			l.i++
		}
		l.add(tokPunct, l.src[pos:l.i], pos)
	default:
		for _, p := range puncts {
			if strings.HasPrefix(rest, p) {
				l.i += len(p)
				l.add(tokPunct, p, pos)
				return
			}
		}
		r, _ := utf8.DecodeRuneInString(rest)
		if unicode.IsLetter(r) {
			fail(pos, "a name with %q must be written ['…']", r)
		}
		fail(pos, "unexpected character %q", r)
	}
}

// text reads a regular string literal whose opening quote is at l.i.
func (l *lexer) text(pos int) {
	quote := l.src[l.i]
	l.i++
	start := l.i
	var b []byte
	for {
		if l.i >= len(l.src) {
			fail(pos, "a string literal has no closing quote")
		}
		switch c := l.src[l.i]; c {
		case quote:
			s := l.src[start:l.i]
			if b != nil {
				s = string(append(b, s...))
			}
			l.i++
			l.add(tokString, s, pos)
			return
		case '\n', '\r':
			fail(l.i, "a string literal may not hold a line break; write \\n")
		case '\\':
			b = append(b, l.src[start:l.i]...)
			if b == nil {
				b = []byte{}
			}
			b = l.escape(b)
			start = l.i
		default:
			l.i++
		}
	}
}

// escape reads the escape sequence at l.i and appends what it stands for.
func (l *lexer) escape(b []byte) []byte {
	at := l.i
	if at+1 >= len(l.src) {
		fail(at, "a string literal has no closing quote")
	}
	c := l.src[at+1]
	l.i += 2
	switch c {
	case '\\', '"', '\'':
		return append(b, c)
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'a':
		return append(b, '\a')
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'v':
		return append(b, '\v')
	case '0':
		return append(b, 0)
	case 'x':
		return utf8.AppendRune(b, l.hex(at, 2))
	case 'u':
		r := l.hex(at, 4)
		if utf16.IsSurrogate(r) && strings.HasPrefix(l.src[l.i:], `\u`) {
			l.i += 2
			if p := utf16.DecodeRune(r, l.hex(at, 4)); p != utf8.RuneError {
				return utf8.AppendRune(b, p)
			}
			fail(at, "a pair of surrogates that is none")
		}
		if utf16.IsSurrogate(r) {
			fail(at, "a surrogate without its pair")
		}
		return utf8.AppendRune(b, r)
	case 'U':
		r := l.hex(at, 8)
		if !utf8.ValidRune(r) {
			fail(at, "no such character")
		}
		return utf8.AppendRune(b, r)
	}
	fail(at, "unknown escape sequence \\%c", c)
	return b
}

func (l *lexer) hex(at, n int) rune {
	if l.i+n > len(l.src) {
		fail(at, "an escape sequence lacks digits")
	}
	v, err := strconv.ParseUint(l.src[l.i:l.i+n], 16, 32)
	if err != nil || v > math.MaxInt32 {
		fail(at, "an escape sequence needs %d hexadecimal digits", n)
	}
	l.i += n
	return rune(v)
}

// verbatim reads a verbatim string literal whose opening quote is at l.i.
func (l *lexer) verbatim(pos int) {
	quote := l.src[l.i]
	l.i++
	var b strings.Builder
	for {
		if l.i >= len(l.src) {
			fail(pos, "a string literal has no closing quote")
		}
		switch c := l.src[l.i]; {
		case c == quote && strings.HasPrefix(l.src[l.i+1:], string(quote)):
			b.WriteByte(c)
			l.i += 2
		case c == quote:
			l.i++
			l.add(tokString, b.String(), pos)
			return
		case c == '\n' || c == '\r':
			fail(l.i, "a verbatim string literal may not hold a line break; write a ``` literal")
		default:
			b.WriteByte(c)
			l.i++
		}
	}
}

// number reads a long, real or timespan literal.
func (l *lexer) number(pos int) {
	s := l.src
	if s[pos] == '0' && pos+1 < len(s) && s[pos+1]|0x20 == 'x' {
		l.i += 2
		for l.i < len(s) && namePart(s[l.i]) {
			l.i++
		}
		v, err := strconv.ParseUint(s[pos+2:l.i], 16, 64)
		if err != nil {
			fail(pos, "%s is no hexadecimal number of 64 bits", s[pos:l.i])
		}
		l.literal(int64(v), TypeLong, pos)
		return
	}
	for l.i < len(s) && digit(s[l.i]) {
		l.i++
	}
	real := false
	if l.i+1 < len(s) && s[l.i] == '.' && digit(s[l.i+1]) {
		real = true
		for l.i++; l.i < len(s) && digit(s[l.i]); {
			l.i++
		}
	}
	if j := l.i; j < len(s) && s[j]|0x20 == 'e' {
		j++
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if j < len(s) && digit(s[j]) {
			real = true
			for l.i = j; l.i < len(s) && digit(s[l.i]); {
				l.i++
			}
		}
	}
	digits := s[pos:l.i]
	start := l.i
	for l.i < len(s) && namePart(s[l.i]) {
		l.i++
	}
	if unit := s[start:l.i]; unit != "" {
		span, ok := spanOf(digits, unit)
		if !ok {
			fail(pos, "%s is no number and no timespan", s[pos:l.i])
		}
		l.literal(span, TypeTimespan, pos)
		return
	}
	if real {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			fail(pos, "%s is beyond a real number", digits)
		}
		l.literal(f, TypeReal, pos)
		return
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		if digits != "9223372036854775808" {
			fail(pos, "%s is beyond 64 bits", digits)
		}
		n = math.MinInt64 // only right behind a minus sign, which keeps it
	}
	l.literal(n, TypeLong, pos)
}

func (l *lexer) literal(v Value, t Type, pos int) {
	l.toks = append(l.toks, token{kind: tokLiteral, text: l.src[pos:l.i], pos: pos, end: l.i, val: v, typ: t})
}

// typed reads a literal such as datetime(2025-01-01) behind its type's name.
func (l *lexer) typed(name string, pos int) bool {
	t, ok := TypeNamed(name)
	if !ok || t == TypeDynamic || t == TypeString {
		if name == "decimal" && strings.HasPrefix(strings.TrimLeft(l.src[l.i:], " \t"), "(") {
			refuse(pos, "decimal")
		}
		return false
	}
	save := l.i
	l.skip()
	if l.i >= len(l.src) || l.src[l.i] != '(' {
		l.i = save
		return false
	}
	n := strings.IndexByte(l.src[l.i:], ')')
	if n < 0 {
		fail(pos, "%s( has no closing parenthesis", name)
	}
	body := strings.TrimSpace(l.src[l.i+1 : l.i+n])
	quoted := false
	if len(body) > 1 && (body[0] == '"' || body[0] == '\'') && body[len(body)-1] == body[0] {
		body, quoted = body[1:len(body)-1], true
	}
	l.i += n + 1
	if body == "null" && !quoted {
		l.literal(nil, t, pos)
		return true
	}
	v, ok := typedLiteral(t, body, quoted)
	if !ok {
		fail(pos, "%q is no literal of type %s; to convert an expression use to%s()", body, t, t)
	}
	l.literal(v, t, pos)
	return true
}

func typedLiteral(t Type, s string, quoted bool) (Value, bool) {
	switch t {
	case TypeBool:
		switch s {
		case "true", "1":
			return true, !quoted
		case "false", "0":
			return false, !quoted
		}
	case TypeInt:
		n, err := strconv.ParseInt(s, 0, 32)
		return int32(n), err == nil && !quoted
	case TypeLong:
		n, err := strconv.ParseInt(s, 0, 64)
		return n, err == nil && !quoted
	case TypeReal:
		switch strings.ToLower(s) {
		case "nan":
			return math.NaN(), !quoted
		case "+inf", "inf":
			return math.Inf(1), !quoted
		case "-inf":
			return math.Inf(-1), !quoted
		}
		f, ok := parseReal(s)
		return f, ok && !quoted
	case TypeDatetime:
		d, ok := parseDatetime(s)
		return d, ok
	case TypeTimespan:
		d, ok := parseTimespan(s, true)
		return d, ok
	case TypeGUID:
		g, ok := ParseGUID(s)
		return g, ok
	}
	return nil, false
}
