package kusto

import "strings"

// Query is a parsed query. It may run any number of times, at a time too.
type Query struct {
	text string
	lets []letNode
	body node
}

// Parse reads a query: let statements and one tabular expression.
func Parse(text string) (q *Query, err error) {
	defer catch(text, &err)
	p := &parser{toks: lex(text)}
	q = &Query{text: text}
	for p.isName("let") {
		q.lets = append(q.lets, p.let())
		p.want(";")
	}
	for _, s := range []string{"set", "declare", "alias", "restrict", "pattern"} {
		if p.isName(s) && p.peek(1).kind == tokName {
			refuse(p.tok().pos, "the statement %s", s)
		}
	}
	if p.tok().kind == tokEnd {
		fail(p.tok().pos, "the query has no tabular expression")
	}
	q.body = p.anyExpr()
	p.accept(";")
	if t := p.tok(); t.kind != tokEnd {
		if p.toks[p.i-1].text == ";" {
			refuse(t.pos, "more than one tabular expression")
		}
		fail(t.pos, "unexpected %s", describe(t))
	}
	return q, nil
}

type parser struct {
	toks  []token
	i     int
	depth int
}

func (p *parser) tok() token { return p.toks[p.i] }

func (p *parser) peek(n int) token {
	if p.i+n < len(p.toks) {
		return p.toks[p.i+n]
	}
	return p.toks[len(p.toks)-1]
}

func (p *parser) enter(pos int) func() {
	if p.depth++; p.depth > maxDepth {
		fail(pos, "the query is nested more than %d deep", maxDepth)
	}
	return func() { p.depth-- }
}

func describe(t token) string {
	switch t.kind {
	case tokEnd:
		return t.text
	case tokString:
		return "string literal"
	}
	return "'" + t.text + "'"
}

func (p *parser) isPunct(s string) bool {
	t := p.tok()
	return t.kind == tokPunct && t.text == s
}

func (p *parser) isName(s string) bool {
	t := p.tok()
	return t.kind == tokName && t.text == s
}

func (p *parser) accept(s string) bool {
	if p.isPunct(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptName(s string) bool {
	if p.isName(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) want(s string) token {
	t := p.tok()
	if !p.accept(s) {
		fail(t.pos, "expected '%s', found %s", s, describe(t))
	}
	return t
}

func (p *parser) wantName(s string) {
	if !p.acceptName(s) {
		fail(p.tok().pos, "expected '%s', found %s", s, describe(p.tok()))
	}
}

// reserved are words that are no names of columns unless bracketed.
var reserved = map[string]bool{
	"and": true, "or": true, "in": true, "in~": true, "between": true, "has": true, "has_cs": true,
	"contains": true, "contains_cs": true, "startswith": true, "startswith_cs": true, "endswith": true, "endswith_cs": true,
	"hasprefix": true, "hassuffix": true, "has_any": true, "has_all": true, "matches": true,
	"by": true, "on": true, "let": true, "where": true, "extend": true, "project": true, "summarize": true, "union": true, "join": true,
	"true": true, "false": true, "typeof": true, "datatable": true, "dynamic": true,
	"hasprefix_cs": true, "hassuffix_cs": true, "asc": true, "desc": true, "first": true, "last": true, "kind": true, "flags": true,
	"bagexpansion": true, "isfuzzy": true, "withsource": true, "with_source": true, "with_itemindex": true, "with_match_id": true,
	"bool": true, "boolean": true, "int": true, "long": true, "real": true, "double": true, "decimal": true, "string": true,
	"datetime": true, "date": true, "timespan": true, "time": true, "uniqueid": true,
}

// reservedThere are words that may name a column but need brackets where an
// expression begins.
var reservedThere = map[string]bool{
	"to": true, "print": true, "as": true, "invoke": true, "search": true, "find": true, "sample": true, "externaldata": true,
	"set": true, "title": true, "of": true, "earliest": true, "latest": true,
}

// bracketed reads ['a name'] if one stands here.
func (p *parser) bracketed() (string, bool) {
	if p.isPunct("[") && p.peek(1).kind == tokString && p.peek(2).kind == tokPunct && p.peek(2).text == "]" {
		s := p.peek(1).text
		if s == "" {
			fail(p.tok().pos, "an empty name")
		}
		p.i += 3
		return s, true
	}
	return "", false
}

const beginning = "an expression"

// name reads the name of a column or a variable.
func (p *parser) name(what string) string {
	if s, ok := p.bracketed(); ok {
		return s
	}
	t := p.tok()
	if t.kind != tokName {
		fail(t.pos, "expected %s, found %s", what, describe(t))
	}
	if reserved[t.text] || what == beginning && reservedThere[t.text] {
		fail(t.pos, "'%s' is a word of the language; as a name write ['%s']", t.text, t.text)
	}
	p.i++
	return t.text
}

// nameAhead reports whether a name and then punctuation s stand here.
func (p *parser) nameAhead(s string) bool {
	n := 1
	if p.isPunct("[") && p.peek(1).kind == tokString {
		n = 3
	} else if p.tok().kind != tokName {
		return false
	}
	t := p.peek(n)
	return t.kind == tokPunct && t.text == s
}

func (p *parser) let() letNode {
	l := letNode{pos: p.tok().pos}
	p.i++
	l.name = p.name("a name")
	p.want("=")
	view := p.isName("view") && p.peek(1).text == "(" && p.peek(1).kind == tokPunct
	if view {
		p.i++
	}
	if view || p.isFunction() {
		l.fn = p.function()
	} else {
		l.x = p.anyExpr()
	}
	return l
}

// isFunction tells (a: long) { from a parenthesised expression.
func (p *parser) isFunction() bool {
	if !p.isPunct("(") {
		return false
	}
	if p.peek(1).kind == tokPunct && p.peek(1).text == ")" {
		return true
	}
	if p.peek(1).kind != tokName && p.peek(1).text != "[" {
		return false
	}
	save := p.i
	defer func() { p.i = save }()
	p.i++
	return p.nameAhead(":")
}

func (p *parser) function() *function {
	f := &function{}
	defer p.enter(p.tok().pos)()
	p.want("(")
	for !p.accept(")") {
		if len(f.params) > 0 {
			p.want(",")
		}
		a := param{pos: p.tok().pos}
		a.name = p.name("a parameter")
		p.want(":")
		if p.accept("(") {
			if p.accept("*") {
				a.anyCols = true
				p.want(")")
			} else {
				a.cols = p.columns()
			}
		} else {
			a.typ = p.typeName()
			if p.accept("=") {
				a.def = p.expr()
			}
		}
		f.params = append(f.params, a)
	}
	p.want("{")
	for p.isName("let") {
		f.lets = append(f.lets, p.let())
		p.want(";")
	}
	f.body = p.anyExpr()
	p.accept(";")
	p.want("}")
	return f
}

// columns reads name: type, ... up to the closing parenthesis.
func (p *parser) columns() []Column {
	var cols []Column
	for {
		c := Column{Name: p.name("a column's name")}
		p.want(":")
		c.Type = p.typeName()
		cols = append(cols, c)
		if p.accept(")") {
			return cols
		}
		p.want(",")
	}
}

func (p *parser) typeName() Type {
	t := p.tok()
	if typ, ok := TypeNamed(t.text); ok && t.kind == tokName {
		p.i++
		return typ
	}
	if t.text == "decimal" {
		refuse(t.pos, "decimal")
	}
	fail(t.pos, "expected a type, found %s", describe(t))
	return 0
}

// anyExpr reads an expression, scalar or tabular.
func (p *parser) anyExpr() node {
	defer p.enter(p.tok().pos)()
	pos := p.tok().pos
	x := p.source()
	if x == nil {
		x = p.expr()
	}
	if !p.isPunct("|") {
		switch x.(type) {
		case *tableNode, *rangeNode, *printNode, *unionNode:
			return &pipeNode{offset: offset(pos), src: x}
		}
		return x
	}
	return &pipeNode{offset(pos), x, p.ops()}
}

// source reads what only a tabular expression begins with.
func (p *parser) source() node {
	t := p.tok()
	if t.kind != tokName {
		return nil
	}
	next := p.peek(1)
	call := next.kind == tokPunct && next.text == "("
	switch t.text {
	case "datatable":
		p.i++
		return p.datatable(t.pos)
	case "print":
		if next.kind == tokPunct && next.text != "(" && next.text != "-" && next.text != "[" {
			return nil
		}
		p.i++
		return &printNode{offset(t.pos), p.items()}
	case "range":
		if call || next.kind == tokPunct && next.text != "[" {
			return nil
		}
		p.i++
		r := &rangeNode{offset: offset(t.pos)}
		r.name = p.name("a column's name")
		p.wantName("from")
		r.from = p.expr()
		p.wantName("to")
		r.to = p.expr()
		p.wantName("step")
		r.step = p.expr()
		return r
	case "union":
		p.i++
		return p.union(t.pos)
	case "search", "find", "externaldata", "evaluate":
		if next.kind == tokName || call {
			refuse(t.pos, "%s", t.text)
		}
	}
	return nil
}

func (p *parser) datatable(pos int) node {
	p.want("(")
	d := &tableNode{offset: offset(pos), cols: p.columns()}
	p.want("[")
	for !p.accept("]") {
		if len(d.vals) > 0 {
			p.want(",")
			if p.accept("]") {
				break
			}
		}
		d.vals = append(d.vals, p.unary())
	}
	if len(d.vals)%len(d.cols) != 0 {
		fail(pos, "datatable has %d values, which is no multiple of its %d columns", len(d.vals), len(d.cols))
	}
	return d
}

// hints passes name=value pairs in front of an operator's arguments and calls
// take for each; take returns false for what it does not know.
func (p *parser) hints(op string, take func(name string, value token) bool) {
	for p.tok().kind == tokName {
		pos, name := p.tok().pos, p.tok().text
		n := 1
		for p.peek(n).kind == tokPunct && p.peek(n).text == "." && p.peek(n+1).kind == tokName {
			name += "." + p.peek(n+1).text
			n += 2
		}
		if p.peek(n).kind != tokPunct || p.peek(n).text != "=" {
			return
		}
		v := p.peek(n + 1)
		switch {
		case strings.HasPrefix(name, "hint."):
			take(name, v)
		case !take(name, v):
			if n == 1 && op == "" {
				return
			}
			refuse(pos, "the parameter %s of %s", name, op)
		}
		p.i += n + 2
	}
}

func (p *parser) union(pos int) *unionNode {
	u := &unionNode{offset: offset(pos)}
	p.hints("union", func(name string, v token) bool {
		switch {
		case name == "kind" && (v.text == "inner" || v.text == "outer"):
			u.inner = v.text == "inner"
		case name == "isfuzzy" && v.text == "false":
		case name == "withsource" && v.kind == tokName:
			u.withSource = v.text
		default:
			return false
		}
		return true
	})
	for {
		if p.tok().kind == tokName && p.peek(1).text == "*" && p.peek(1).kind == tokPunct || p.isPunct("*") {
			refuse(p.tok().pos, "a wildcard of tables")
		}
		u.legs = append(u.legs, p.postfix())
		if !p.accept(",") {
			return u
		}
	}
}

// items reads [name =] expression, ...
func (p *parser) items() []item {
	var out []item
	for {
		out = append(out, p.item())
		if !p.accept(",") {
			return out
		}
	}
}

func (p *parser) item() item {
	it := item{pos: p.tok().pos}
	if p.nameAhead("=") {
		it.names = []string{p.name("a column's name")}
		p.i++
	} else if p.isPunct("(") {
		save := p.i
		p.i++
		for p.nameAhead(",") || p.nameAhead(")") {
			if s, ok := p.bracketed(); ok {
				it.names = append(it.names, s)
			} else {
				it.names = append(it.names, p.tok().text)
				p.i++
			}
			if p.accept(")") {
				break
			}
			p.i++
		}
		if !p.accept("=") || p.toks[p.i-2].text != ")" {
			p.i, it.names = save, nil
		}
	}
	it.x = p.anyItem()
	return it
}

func (p *parser) anyItem() node {
	if p.isPunct("*") {
		p.i++
		return &starNode{offset(p.toks[p.i-1].pos)}
	}
	return p.expr()
}
