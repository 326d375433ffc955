package kusto

import "strings"

// expr reads a scalar expression. From loose to tight: or; and; equality,
// lists and ranges; order; + -; * / %; operators on strings; a sign.
func (p *parser) expr() node {
	defer p.enter(p.tok().pos)()
	l := p.and()
	for p.isName("or") {
		pos := p.tok().pos
		p.i++
		l = &binNode{offset(pos), "or", l, p.and()}
	}
	return l
}

func (p *parser) and() node {
	l := p.equality()
	for p.isName("and") {
		pos := p.tok().pos
		p.i++
		l = &binNode{offset(pos), "and", l, p.equality()}
	}
	return l
}

func (p *parser) equality() node {
	l := p.relation()
	t := p.tok()
	at := offset(t.pos)
	if t.kind != tokPunct && t.kind != tokName {
		return l
	}
	switch t.text {
	case "==", "!=":
		p.i++
		return &binNode{at, t.text, l, p.relation()}
	case "<>":
		refuse(t.pos, "<>; write !=")
	case "in", "in~", "!in", "!in~", "has_any", "has_all":
		p.i++
		return &inNode{at, t.text, l, p.list()}
	case "between", "!between":
		p.i++
		b := &betweenNode{offset: at, not: t.text[0] == '!', x: l}
		p.want("(")
		b.a = p.additive()
		p.want("..")
		b.b = p.additive()
		p.want(")")
		return b
	}
	return l
}

// list reads ( expression, ... ), each scalar or tabular.
func (p *parser) list() []node {
	p.want("(")
	var out []node
	for {
		out = append(out, p.anyExpr())
		if p.accept(")") {
			return out
		}
		p.want(",")
	}
}

func (p *parser) relation() node {
	l := p.additive()
	if t := p.tok(); t.kind == tokPunct {
		switch t.text {
		case "<", ">", "<=", ">=":
			p.i++
			return &binNode{offset(t.pos), t.text, l, p.additive()}
		}
	}
	return l
}

func (p *parser) additive() node {
	l := p.multiplicative()
	for p.isPunct("+") || p.isPunct("-") {
		t := p.tok()
		p.i++
		l = &binNode{offset(t.pos), t.text, l, p.multiplicative()}
	}
	return l
}

func (p *parser) multiplicative() node {
	l := p.stringTest()
	for p.isPunct("*") || p.isPunct("/") || p.isPunct("%") {
		t := p.tok()
		p.i++
		l = &binNode{offset(t.pos), t.text, l, p.stringTest()}
	}
	return l
}

// stringOps are the operators on two strings.
var stringOps = map[string]bool{"=~": true, "!~": true}

func init() {
	for _, s := range []string{"has", "contains", "startswith", "endswith", "hasprefix", "hassuffix"} {
		stringOps[s], stringOps["!"+s], stringOps[s+"_cs"], stringOps["!"+s+"_cs"] = true, true, true, true
	}
}

func (p *parser) stringTest() node {
	l := p.unary()
	for {
		t := p.tok()
		if t.kind == tokName && t.text == "matches" {
			p.i++
			p.wantName("regex")
			l = &binNode{offset(t.pos), "matches regex", l, p.unary()}
			continue
		}
		if t.kind != tokPunct && t.kind != tokName || !stringOps[t.text] {
			return l
		}
		p.i++
		l = &binNode{offset(t.pos), t.text, l, p.unary()}
	}
}

func (p *parser) unary() node {
	t := p.tok()
	if p.accept("-") {
		return &negNode{offset(t.pos), p.postfix()}
	}
	p.accept("+")
	return p.postfix()
}

// postfix reads a primary expression and the keys and indexes behind it.
func (p *parser) postfix() node {
	defer p.enter(p.tok().pos)()
	x := p.primary()
	for {
		t := p.tok()
		switch {
		case p.accept("."):
			if s, ok := p.bracketed(); ok {
				x = &pathNode{offset(t.pos), x, s}
				continue
			}
			n := p.tok()
			if n.kind != tokName {
				fail(n.pos, "expected a key, found %s", describe(n))
			}
			p.i++
			x = &pathNode{offset(t.pos), x, n.text}
		case p.isPunct("["):
			p.i++
			i := p.index()
			p.want("]")
			x = &indexNode{offset(t.pos), x, i}
		default:
			return x
		}
	}
}

// index reads what may stand between brackets: a signed name, literal or call,
// or an expression in parentheses.
func (p *parser) index() node {
	x := p.unary()
	if !p.isPunct("]") {
		fail(p.tok().pos, "an expression as an index needs parentheses")
	}
	return x
}

func (p *parser) primary() node {
	t := p.tok()
	at := offset(t.pos)
	switch t.kind {
	case tokString:
		p.i++
		s := t.text
		for p.tok().kind == tokString {
			s += p.tok().text
			p.i++
		}
		return &litNode{at, s, TypeString}
	case tokLiteral:
		if t.text == "9223372036854775808" && (p.i == 0 || p.toks[p.i-1].text != "-") {
			fail(t.pos, "%s is beyond 64 bits", t.text)
		}
		p.i++
		return &litNode{at, t.val, t.typ}
	case tokPunct:
		if p.accept("(") {
			x := p.anyExpr()
			p.want(")")
			return x
		}
		if s, ok := p.bracketed(); ok {
			if p.isPunct("(") {
				return p.call(s, at)
			}
			return &nameNode{at, s}
		}
		fail(t.pos, "expected an expression, found %s", describe(t))
	case tokEnd:
		fail(t.pos, "expected an expression, found %s", t.text)
	}
	switch t.text {
	case "true", "false":
		p.i++
		return &litNode{at, t.text == "true", TypeBool}
	case "dynamic":
		if p.peek(1).kind == tokPunct && p.peek(1).text == "(" {
			p.i += 2
			v := p.dynamic()
			p.want(")")
			return &litNode{at, v, TypeDynamic}
		}
	case "typeof":
		p.i++
		p.want("(")
		n := &typeofNode{at, p.typeName()}
		p.want(")")
		return n
	}
	if next := p.peek(1); next.kind == tokPunct && next.text == "(" && t.text != "by" && t.text != "on" && t.text != "and" && t.text != "or" {
		p.i++
		return p.call(t.text, at)
	}
	return &nameNode{at, p.name(beginning)}
}

func (p *parser) call(name string, at offset) node {
	c := &callNode{offset: at, name: name}
	p.want("(")
	for !p.accept(")") {
		if len(c.args) > 0 {
			p.want(",")
		}
		if p.isPunct("*") {
			p.i++
			c.args = append(c.args, &starNode{offset(p.toks[p.i-1].pos)})
			continue
		}
		c.args = append(c.args, p.anyExpr())
	}
	return c
}

// dynamic reads the value of a dynamic literal: JSON with strings of either
// quote and Kusto's other literals.
func (p *parser) dynamic() Value {
	t := p.tok()
	defer p.enter(t.pos)()
	neg := p.accept("-")
	t = p.tok()
	p.i++
	switch {
	case t.kind == tokLiteral:
		v := toDynamic(t.val)
		if neg {
			switch x := v.(type) {
			case int64:
				return -x
			case float64:
				return -x
			}
			break
		}
		return v
	case neg:
	case t.kind == tokString:
		s := t.text
		for p.tok().kind == tokString {
			s += p.tok().text
			p.i++
		}
		return s
	case t.kind == tokName:
		switch t.text {
		case "null":
			return nil
		case "true", "false":
			return t.text == "true"
		case "dynamic":
			p.want("(")
			v := p.dynamic()
			p.want(")")
			return v
		}
	case t.text == "[":
		out := []any{}
		for !p.accept("]") {
			if len(out) > 0 {
				p.want(",")
			}
			out = append(out, p.dynamic())
		}
		return out
	case t.text == "{":
		out := map[string]any{}
		for !p.accept("}") {
			if len(out) > 0 {
				p.want(",")
			}
			k := p.tok()
			if k.kind != tokString {
				fail(k.pos, "expected a key in quotes, found %s", describe(k))
			}
			p.i++
			p.want(":")
			if _, dup := out[k.text]; dup {
				fail(k.pos, "the key %q is given twice", k.text)
			}
			out[k.text] = p.dynamic()
		}
		return out
	}
	fail(t.pos, "expected a dynamic value, found %s", describe(t))
	return nil
}

func negated(op string) (string, bool) {
	if op == "!~" {
		return "=~", true
	}
	if s, ok := strings.CutPrefix(op, "!"); ok && op != "!=" {
		return s, true
	}
	return op, false
}
