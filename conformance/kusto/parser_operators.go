package kusto

// ops reads | operator | operator ...
func (p *parser) ops() []opNode {
	var ops []opNode
	for p.accept("|") {
		ops = append(ops, p.op())
	}
	return ops
}

// subquery reads ( [operator | operator ...] ): a pipeline whose source is
// given by what stands around it.
func (p *parser) subquery() *pipeNode {
	defer p.enter(p.tok().pos)()
	s := &pipeNode{offset: offset(p.want("(").pos)}
	s.ops = append(s.ops, p.op())
	s.ops = append(s.ops, p.ops()...)
	p.want(")")
	return s
}

// opName reads the name of an operator, hyphens included.
func (p *parser) opName() (string, int) {
	t := p.tok()
	if t.kind != tokName {
		fail(t.pos, "expected an operator, found %s", describe(t))
	}
	p.i++
	name, end := t.text, t.end
	for p.isPunct("-") && p.tok().pos == end && p.peek(1).kind == tokName && p.peek(1).pos == end+1 {
		name += "-" + p.peek(1).text
		end = p.peek(1).end
		p.i += 2
	}
	return name, t.pos
}

func (p *parser) op() opNode {
	name, pos := p.opName()
	at := offset(pos)
	switch name {
	case "where", "filter":
		return &whereOp{at, p.expr()}
	case "extend":
		return &extendOp{at, p.items(), false}
	case "serialize":
		if t := p.tok(); t.kind == tokEnd || t.kind == tokPunct && t.text != "(" && t.text != "[" {
			return &extendOp{at, nil, true}
		}
		return &extendOp{at, p.items(), true}
	case "project":
		if t := p.tok(); t.kind == tokEnd || t.kind == tokPunct && (t.text == "|" || t.text == ")" || t.text == ";") {
			refuse(pos, "project without columns")
		}
		return &projectOp{at, p.items()}
	case "project-away", "project-keep", "project-reorder":
		return p.columnsOp(at, name)
	case "project-rename":
		its := p.items()
		for _, it := range its {
			if _, ok := it.x.(*nameNode); !ok || len(it.names) != 1 {
				fail(it.pos, "project-rename needs NewName = OldName")
			}
		}
		return &renameOp{at, its}
	case "distinct":
		if p.accept("*") {
			return &distinctOp{at, nil}
		}
		return &distinctOp{at, p.items()}
	case "summarize":
		return p.summarize(at)
	case "sort", "order":
		p.wantName("by")
		s := &sortOp{offset: at}
		for {
			s.keys = append(s.keys, p.sortKey())
			if !p.accept(",") {
				return s
			}
		}
	case "top":
		s := &sortOp{offset: at, top: p.expr()}
		p.wantName("by")
		s.keys = []sortKey{p.sortKey()}
		return s
	case "take", "limit":
		return &takeOp{at, p.expr()}
	case "count":
		return &countOp{at}
	case "getschema":
		return &getschemaOp{at}
	case "as":
		p.hints("as", func(string, token) bool { return false })
		return &asOp{at, p.name("a name")}
	case "mv-expand":
		return p.expand(at, false)
	case "mv-apply":
		return p.expand(at, true)
	case "join", "lookup":
		return p.join(at, name == "lookup")
	case "union":
		return &unionOp{at, p.union(pos)}
	case "partition":
		return p.partition(at)
	case "scan":
		return p.scan(at)
	case "invoke":
		c, ok := p.postfix().(*callNode)
		if !ok {
			fail(pos, "invoke needs a function call")
		}
		return &invokeOp{at, c}
	}
	if known[name] {
		refuse(pos, "the operator %s", name)
	}
	fail(pos, "unknown operator '%s'", name)
	return nil
}

var known = map[string]bool{
	"consume": true, "evaluate": true, "facet": true, "find": true, "fork": true, "graph-match": true, "macro-expand": true, "make-graph": true,
	"make-series": true, "mvexpand": true, "mvapply": true, "parse": true, "parse-kv": true, "parse-where": true, "project-by-names": true, "reduce": true,
	"render": true, "sample": true, "sample-distinct": true, "search": true, "top-hitters": true, "top-nested": true, "project-smart": true, "execute-and-cache": true,
}

func (p *parser) columnsOp(at offset, kind string) opNode {
	c := &columnsOp{offset: at, kind: kind}
	for {
		start := p.tok()
		s, ok := p.bracketed()
		if !ok {
			end := start.pos
			for (p.tok().kind == tokName || p.isPunct("*")) && p.tok().pos == end {
				s, end = s+p.tok().text, p.tok().end
				p.i++
			}
			if s == "" {
				fail(start.pos, "expected a column or a pattern, found %s", describe(start))
			}
		}
		n := columnPattern{pos: start.pos, text: s}
		if kind == "project-reorder" && (p.isName("asc") || p.isName("desc")) {
			n.dir = p.tok().text
			p.i++
		} else if kind == "project-reorder" && p.isName("granny") {
			refuse(p.tok().pos, "granny order")
		}
		c.names = append(c.names, n)
		if !p.accept(",") {
			return c
		}
	}
}

func (p *parser) summarize(at offset) opNode {
	s := &summarizeOp{offset: at}
	for p.isName("hint") && p.peek(1).text == "." {
		p.hints("summarize", func(string, token) bool { return false })
	}
	if !p.isName("by") {
		s.aggs = p.items()
	}
	if p.acceptName("by") {
		s.by = p.items()
	}
	return s
}

func (p *parser) sortKey() sortKey {
	k := sortKey{x: p.expr()}
	if p.acceptName("asc") {
		k.asc = true
	} else {
		p.acceptName("desc")
	}
	k.nullsFirst = k.asc
	if p.acceptName("nulls") {
		k.nullsFirst = p.isName("first")
		if !p.acceptName("first") {
			p.wantName("last")
		}
	}
	return k
}

func (p *parser) expand(at offset, apply bool) opNode {
	x := &expandOp{offset: at}
	op := "mv-expand"
	if apply {
		op = "mv-apply"
	}
	for {
		t := p.tok()
		if t.kind != tokName || !p.nameAhead("=") || t.text != "kind" && t.text != "bagexpansion" && t.text != "with_itemindex" {
			break
		}
		v := p.peek(2)
		switch {
		case t.text == "with_itemindex":
			p.i += 2
			x.index = p.name("a column's name")
			continue
		case v.text != "bag" && v.text != "array":
		case v.text == "array" && apply:
			fail(t.pos, "mv-apply has no kind=array")
		default:
			x.arrayKind = v.text == "array"
			p.i += 3
			continue
		}
		fail(v.pos, "%s of %s is bag or array", t.text, op)
	}
	for {
		c := expandColumn{pos: p.tok().pos}
		if p.nameAhead("=") {
			c.name = p.name("a column's name")
			p.i++
		}
		c.x = p.expr()
		if p.acceptName("to") {
			p.wantName("typeof")
			p.want("(")
			c.typ = p.typeName()
			p.want(")")
		}
		x.cols = append(x.cols, c)
		if !p.accept(",") {
			break
		}
	}
	if p.acceptName("limit") {
		x.limit = p.expr()
	}
	if apply {
		p.wantName("on")
		x.sub = p.subquery()
	}
	return x
}

func (p *parser) join(at offset, lookup bool) opNode {
	j := &joinOp{offset: at, lookup: lookup, kind: "innerunique"}
	if lookup {
		j.kind = "leftouter"
	}
	p.hints("join", func(name string, v token) bool {
		if name != "kind" {
			return false
		}
		switch k := v.text; {
		case k == "inner" || k == "leftouter":
		case lookup:
			fail(v.pos, "lookup has the kinds leftouter and inner")
		case k == "innerunique" || k == "rightouter" || k == "fullouter" || k == "leftanti" || k == "leftsemi" || k == "rightanti" || k == "rightsemi":
		case k == "anti" || k == "leftantisemi":
			j.kind = "leftanti"
			return true
		case k == "rightantisemi":
			j.kind = "rightanti"
			return true
		default:
			fail(v.pos, "unknown kind of join '%s'", k)
		}
		j.kind = v.text
		return true
	})
	j.right = p.postfix()
	p.wantName("on")
	for {
		p.joinKey(j)
		if !p.accept(",") && !p.acceptName("and") {
			return j
		}
	}
}

func (p *parser) joinKey(j *joinOp) {
	k := joinKey{pos: p.tok().pos}
	if !p.isPunct("$") {
		k.left = p.name("a column")
		k.right = k.left
		j.on = append(j.on, k)
		return
	}
	a := p.side()
	p.want("==")
	if !p.isPunct("$") {
		fail(p.tok().pos, "expected $left or $right, found %s", describe(p.tok()))
	}
	b := p.side()
	if a.right {
		a, b = b, a
	}
	if a.right || !b.right {
		fail(k.pos, "a join condition needs one $left and one $right column")
	}
	k.left, k.right = a.name, b.name
	j.on = append(j.on, k)
}

func (p *parser) side() *sideNode {
	s := &sideNode{offset: offset(p.want("$").pos)}
	switch {
	case p.acceptName("left"):
	case p.acceptName("right"):
		s.right = true
	default:
		fail(p.tok().pos, "expected $left or $right")
	}
	if !p.isPunct("[") {
		p.want(".")
	}
	s.name = p.name("a column")
	return s
}

func (p *parser) partition(at offset) opNode {
	x := &partitionOp{offset: at, legacy: true}
	p.hints("partition", func(name string, v token) bool {
		if name == "hint.strategy" {
			switch v.text {
			case "native", "shuffle":
				x.legacy = false
			case "legacy":
			default:
				fail(v.pos, "unknown strategy '%s' of partition", v.text)
			}
		}
		return false
	})
	p.wantName("by")
	x.by = p.name("a column")
	if p.isPunct("{") {
		refuse(p.tok().pos, "partition with a source of its own")
	}
	x.sub = p.subquery()
	return x
}

func (p *parser) scan(at offset) opNode {
	s := &scanOp{offset: at}
	if p.isName("with_match_id") && p.nameAhead("=") {
		p.i += 2
		s.matchID = p.name("a column's name")
	}
	if p.acceptName("declare") {
		p.want("(")
		for {
			d := declared{pos: p.tok().pos}
			d.name = p.name("a column's name")
			p.want(":")
			d.typ = p.typeName()
			if p.accept("=") {
				d.def = p.expr()
			}
			s.declare = append(s.declare, d)
			if p.accept(")") {
				break
			}
			p.want(",")
		}
	}
	p.wantName("with")
	p.want("(")
	for !p.accept(")") {
		p.wantName("step")
		st := scanStep{pos: p.tok().pos, output: "all"}
		st.name = p.name("a step's name")
		if p.acceptName("output") {
			p.want("=")
			t := p.tok()
			if t.text != "all" && t.text != "last" && t.text != "none" {
				fail(t.pos, "output of a step is all, last or none")
			}
			st.output = t.text
			p.i++
		}
		p.want(":")
		st.cond = p.expr()
		if p.accept("=>") {
			for {
				it := item{pos: p.tok().pos}
				it.names = []string{p.name("a declared column")}
				p.want("=")
				it.x = p.expr()
				st.assign = append(st.assign, it)
				if !p.accept(",") {
					break
				}
			}
		}
		p.want(";")
		s.steps = append(s.steps, st)
	}
	if len(s.steps) == 0 {
		fail(int(at), "scan has no step")
	}
	return s
}
