package sigma

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits on a condition.
const (
	MaxConditionBytes = 64 << 10
	MaxConditionDepth = 100 // of parentheses and `not`
)

// Matches reports whether the selection belongs to those that the expression
// counts. `them` leaves out names that begin with an underscore; a star in a
// pattern stands for any run of characters, also none.
func (c *ConditionOf) Matches(name string) bool {
	if c.Pattern == "" {
		return !strings.HasPrefix(name, "_")
	}
	return matchStars(c.Pattern, name)
}

// matchStars matches a pattern with stars against the whole of s.
func matchStars(pattern, s string) bool {
	star, from := -1, 0 // the last star, and where its run began
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// condition reads one condition: names joined by and, or, not, parentheses and
// `N of pattern`. With legacy an aggregation may follow behind a pipe. It
// returns nil, with a finding, when the condition cannot be read. Names are not
// looked up here; see checkNames.
func (l *loader) condition(n *yaml.Node, legacy bool) *Condition {
	text, ok := l.text(n, "a condition")
	if !ok {
		return nil
	}
	n = resolve(n)
	if len(text) > MaxConditionBytes {
		l.errorf(l.pos(n), CodeLimit, "use `1 of name*`", "the condition has %d bytes, more than the %d that are read", len(text), MaxConditionBytes)
		return nil
	}
	p := &conditionParser{l: l, node: n, text: text}
	p.next()
	c := &Condition{Pos: p.at(p.tok), Text: text}
	if p.tok.kind == tokenEnd {
		l.errorf(l.pos(n), CodeCondition, "write the name of a selection", "the condition is empty")
		return nil
	}
	c.Expr = p.or(0)
	if !p.failed && p.tok.kind == tokenPipe {
		c.Aggregation = p.aggregation(legacy)
	} else if !p.failed && p.tok.kind != tokenEnd {
		p.unexpected(wantOperator)
	}
	if p.failed {
		return nil
	}
	return c
}

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenOpen
	tokenClose
	tokenPipe
	tokenOp    // > >= < <= = == !=
	tokenComma // ,
)

type token struct {
	kind tokenKind
	text string
	off  int // in the condition
}

func (t token) is(word string) bool { return t.kind == tokenWord && strings.EqualFold(t.text, word) }

// conditionParser is a recursive-descent parser over one condition. After the
// first error it stops; a condition with two is found in two runs.
type conditionParser struct {
	l      *loader
	node   *yaml.Node
	text   string
	off    int
	tok    token
	failed bool
}

func (p *conditionParser) at(t token) Pos { return p.l.at(p.node, t.off) }

func (p *conditionParser) fail(t token, code Code, hint, format string, args ...any) {
	if !p.failed {
		p.l.errorf(p.at(t), code, hint, format, args...)
	}
	p.failed = true
	p.tok = token{kind: tokenEnd, off: len(p.text)}
	p.off = len(p.text)
}

// What the parser waits for, in the words of its messages.
const (
	wantSelection = "a selection"
	wantOperator  = "`and`, `or` or the end"
)

func (p *conditionParser) unexpected(wanted string) {
	t := p.tok
	hint := ""
	switch {
	case (t.is("and") || t.is("or")) && wanted == wantSelection:
		hint = "a selection is missing in front of it"
	case t.kind == tokenClose:
		hint = "there is one ) too many, or nothing inside the parentheses"
	case t.kind == tokenEnd && wanted == "`)`":
		hint = "a parenthesis is not closed"
	case t.text == "&" || t.text == "&&":
		hint = "write and"
	case t.text == "!" || t.text == "!=":
		hint = "write not"
	case t.is("near"):
		hint = "near was never defined; write a correlation of type temporal"
	case t.kind == tokenWord && wanted == wantOperator:
		hint = "join selections with and, or"
	}
	if t.kind == tokenEnd {
		p.fail(t, CodeCondition, hint, "the condition ends where %s is expected", wanted)
		return
	}
	p.fail(t, CodeCondition, hint, "%s where %s is expected", show(t.text), wanted)
}

// next reads the next token.
func (p *conditionParser) next() {
	for p.off < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.off]) >= 0 {
		p.off++
	}
	start := p.off
	if start == len(p.text) {
		// An error at the end points behind the last word.
		p.tok = token{kind: tokenEnd, off: len(strings.TrimRight(p.text, " \t\r\n"))}
		return
	}
	kind := tokenWord
	switch c := p.text[start]; c {
	case '(':
		kind, p.off = tokenOpen, start+1
	case ')':
		kind, p.off = tokenClose, start+1
	case '|':
		kind, p.off = tokenPipe, start+1
	case ',':
		kind, p.off = tokenComma, start+1
	case '<', '>', '=', '!':
		kind, p.off = tokenOp, start+1
		if p.off < len(p.text) && p.text[p.off] == '=' {
			p.off++
		}
	default:
		for p.off < len(p.text) && strings.IndexByte(" \t\r\n()|,<>=!", p.text[p.off]) < 0 {
			p.off++
		}
	}
	p.tok = token{kind, p.text[start:p.off], start}
}

// peekIs reports whether the token after the current one is the word.
func (p *conditionParser) peekIs(word string) bool {
	off, tok := p.off, p.tok
	p.next()
	is := p.tok.is(word)
	p.off, p.tok = off, tok
	return is
}

func (p *conditionParser) or(depth int) ConditionExpr {
	first := p.and(depth)
	if !p.tok.is("or") {
		return first
	}
	parts := []ConditionExpr{first}
	for p.tok.is("or") {
		p.next()
		parts = append(parts, p.and(depth))
	}
	if p.failed {
		return nil
	}
	return &ConditionOr{Pos: first.Position(), Parts: parts}
}

func (p *conditionParser) and(depth int) ConditionExpr {
	first := p.not(depth)
	if !p.tok.is("and") {
		return first
	}
	parts := []ConditionExpr{first}
	for p.tok.is("and") {
		p.next()
		parts = append(parts, p.not(depth))
	}
	if p.failed {
		return nil
	}
	return &ConditionAnd{Pos: first.Position(), Parts: parts}
}

func (p *conditionParser) not(depth int) ConditionExpr {
	if depth > MaxConditionDepth {
		p.fail(p.tok, CodeLimit, "", "the condition is nested deeper than the %d levels that are read", MaxConditionDepth)
		return nil
	}
	t := p.tok
	switch {
	case t.is("not"):
		p.next()
		part := p.not(depth + 1)
		if p.failed {
			return nil
		}
		return &ConditionNot{Pos: p.at(t), Part: part}
	case t.kind == tokenOpen:
		p.next()
		e := p.or(depth + 1)
		if p.failed {
			return nil
		}
		if p.tok.kind != tokenClose {
			p.unexpected("`)`")
			return nil
		}
		p.next()
		return e
	case t.kind != tokenWord || t.is("and") || t.is("or"):
		p.unexpected(wantSelection)
		return nil
	case p.peekIs("of"):
		return p.of()
	case !selectionName.MatchString(t.text):
		bad := selectionBad.FindStringIndex(t.text)
		hint := ""
		switch t.text[bad[0]] {
		case '*':
			hint = "write 1 of " + t.text + " or all of " + t.text
		case '&':
			hint = "write and"
		}
		t.off += bad[0]
		p.fail(t, CodeCondition, hint, "%s cannot stand in the name of a selection", show(p.text[t.off:t.off+bad[1]-bad[0]]))
		return nil
	}
	p.next()
	return &ConditionName{Pos: p.at(t), Name: t.text}
}

var (
	selectionName = regexp.MustCompile(`^[\pL\pN_.:\-/@#$%]+$`)
	selectionBad  = regexp.MustCompile(`[^\pL\pN_.:\-/@#$%]`)
)

// of reads `N of pattern`.
func (p *conditionParser) of() ConditionExpr {
	t := p.tok
	c := &ConditionOf{Pos: p.at(t)}
	switch n, err := strconv.Atoi(t.text); {
	case t.is("all"):
	case t.is("any"):
		c.Count = 1
	case err != nil || strings.Trim(t.text, "0123456789") != "":
		p.fail(t, CodeCondition, "write a number, any or all in front of `of`", "%s is no number", show(t.text))
		return nil
	case n == 0:
		p.fail(t, CodeCondition, "for none of them write not 1 of …", "0 of always holds")
		return nil
	default:
		c.Count = n
	}
	p.next() // of
	p.next()
	name := p.tok
	c.PatternPos = p.at(name)
	switch {
	case name.kind != tokenWord || name.is("and") || name.is("or") || name.is("not"):
		p.unexpected("`them` or the name of selections")
		return nil
	case name.is("them"):
	case !selectionName.MatchString(strings.ReplaceAll(name.text, "*", "x")):
		p.fail(name, CodeCondition, "use letters, digits, underscores and stars", "%s is no pattern of names", show(name.text))
		return nil
	default:
		c.Pattern = name.text
	}
	p.next()
	return c
}

var aggregationFunctions = []string{"count", "min", "max", "avg", "sum"}

// aggregation reads what follows the pipe: `count(field) by x, y > n`.
func (p *conditionParser) aggregation(legacy bool) *Aggregation {
	pipe := p.tok
	if !legacy {
		p.fail(pipe, CodeAggregation, "aggregations stand in the rule's own condition only", "no aggregation may stand here")
		return nil
	}
	p.next()
	fn := p.tok
	a := &Aggregation{Pos: p.at(fn), Function: strings.ToLower(fn.text)}
	known := false
	for _, f := range aggregationFunctions {
		known = known || a.Function == f
	}
	switch {
	case fn.is("near"):
		p.fail(fn, CodeAggregation, "write a correlation of type temporal", "near was never defined and is not read")
		return nil
	case !known:
		if fn.kind == tokenEnd {
			p.unexpected("count, min, max, avg or sum")
		} else {
			p.fail(fn, CodeAggregation, NearestHint(fn.text, aggregationFunctions, "one of count, min, max, avg, sum"), "%s is no aggregation", show(fn.text))
		}
		return nil
	}
	p.next()
	if p.tok.kind != tokenOpen {
		p.unexpected("`(`")
		return nil
	}
	p.next()
	if p.tok.kind == tokenWord {
		a.Field = p.tok.text
		if _, err := p.l.parseField(a.Field); err != nil {
			p.fail(p.tok, CodeField, "", "%s", err)
			return nil
		}
		p.next()
	}
	if p.tok.kind != tokenClose {
		p.unexpected("`)`")
		return nil
	}
	if a.Field == "" && a.Function != "count" {
		p.fail(p.tok, CodeAggregation, "write "+a.Function+"(field)", "%s needs a field", a.Function)
		return nil
	}
	p.next()
	if p.tok.is("by") {
		for {
			p.next()
			if p.tok.kind != tokenWord {
				p.unexpected("a field")
				return nil
			}
			f, err := p.l.parseField(p.tok.text)
			if err != nil {
				p.fail(p.tok, CodeField, "", "%s", err)
				return nil
			}
			f.Pos = p.at(p.tok)
			a.By = append(a.By, f)
			p.next()
			if p.tok.kind != tokenComma {
				break
			}
		}
	}
	ops := map[string]ThresholdOp{">": OpGT, ">=": OpGTE, "<": OpLT, "<=": OpLTE, "=": OpEQ, "==": OpEQ, "!=": OpNEQ}
	op, ok := ops[p.tok.text]
	if p.tok.kind != tokenOp || !ok {
		p.unexpected("a comparison such as > 5")
		return nil
	}
	a.Op = op
	p.next()
	num, isNum := parseNumeric(p.tok.text)
	if p.tok.kind != tokenWord || !isNum {
		p.unexpected("a number")
		return nil
	}
	a.Value = num
	p.next()
	if p.tok.kind != tokenEnd {
		p.unexpected("the end")
		return nil
	}
	return a
}

// reparseCondition reads a condition that stands in no file; sigma3 as in loader.
func reparseCondition(text string, sigma3 bool) (*Condition, bool) {
	l := &loader{sigma3: sigma3}
	c := l.condition(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, true)
	return c, c != nil
}

// equalConditions reports whether two conditions say the same, whatever their
// texts.
func equalConditions(a, b *Condition) bool {
	return equalValues(reflect.ValueOf(a.Expr), reflect.ValueOf(b.Expr)) &&
		equalValues(reflect.ValueOf(a.Aggregation), reflect.ValueOf(b.Aggregation))
}
