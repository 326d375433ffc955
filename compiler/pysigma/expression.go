package pysigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

var expressionToken = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+|[()])`)

// parseExpression reads `a and not (b or c)` over the names of conditions. Each
// must be used.
func parseExpression(text string, names []string) (func(func(int) bool) bool, error) {
	p := &expressionParser{names: names, used: make([]bool, len(names))}
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := expressionToken.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("cannot read %.20q", strings.TrimSpace(rest))
		}
		p.tokens = append(p.tokens, m[1])
		rest = rest[len(m[0]):]
	}
	e, err := p.or(0)
	switch {
	case err != nil:
		return nil, err
	case len(p.tokens) > 0:
		return nil, fmt.Errorf("%q stands where and, or or the end should", p.tokens[0])
	}
	if i := slices.Index(p.used, false); i >= 0 {
		return nil, fmt.Errorf("the condition %q is not used", names[i])
	}
	return e, nil
}

type expression = func(holds func(int) bool) bool

type expressionParser struct {
	tokens []string
	names  []string
	used   []bool
}

func (p *expressionParser) next(word string) bool {
	if len(p.tokens) > 0 && p.tokens[0] == word {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *expressionParser) or(depth int) (expression, error) {
	left, err := p.and(depth)
	for err == nil && p.next("or") {
		var right expression
		a := left
		right, err = p.and(depth)
		left = func(h func(int) bool) bool { return a(h) || right(h) }
	}
	return left, err
}

func (p *expressionParser) and(depth int) (expression, error) {
	left, err := p.not(depth)
	for err == nil && p.next("and") {
		var right expression
		a := left
		right, err = p.not(depth)
		left = func(h func(int) bool) bool { return a(h) && right(h) }
	}
	return left, err
}

func (p *expressionParser) not(depth int) (expression, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d levels", maxDepth)
	}
	if p.next("not") {
		e, err := p.not(depth + 1)
		return func(h func(int) bool) bool { return !e(h) }, err
	}
	if p.next("(") {
		e, err := p.or(depth + 1)
		if err == nil && !p.next(")") {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return e, err
	}
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("it ends where a condition's name should stand")
	}
	name := p.tokens[0]
	i := slices.Index(p.names, name)
	if i < 0 {
		hint := ""
		if n := sigma.Nearest(name, p.names); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
		}
		return nil, fmt.Errorf("no condition is called %q%s", name, hint)
	}
	p.tokens = p.tokens[1:]
	p.used[i] = true
	return func(h func(int) bool) bool { return h(i) }, nil
}
