package ir

import (
	"fmt"
	"strings"
)

// Precedence says how tightly a printed text binds, loosest first.
type Precedence int

// Precedences of printed text.
const (
	PrecedenceOr Precedence = iota
	PrecedenceAnd
	PrecedenceNot
	PrecedenceAtom
)

// Syntax is how a target writes Boolean logic. Emit decides parentheses and
// polarity; a Syntax only prints. Leaf and Any return their text and how
// tightly it binds.
type Syntax struct {
	And, Or     string // with the spaces around them
	True, False string
	// List, if not nil, writes the conjunction or disjunction (op is And or Or)
	// of two or more parts, for a target that wraps lines or limits nesting.
	List func(op string, parts []string) string
	// Not writes the negation of an operand that Emit already wrapped in
	// parentheses where it binds looser than an atom, and says how tightly
	// the result binds.
	Not func(operand string) (string, Precedence)
	// Leaf prints a Match. negated says that an odd number of Not stands
	// above it; depth is the number of Any around it.
	Leaf func(m *Match, negated bool, depth int) (string, Precedence, error)
	// Any prints a list construct around its body, which was printed with
	// depth+1 and for which negated starts anew at false.
	Any func(a *Any, body string, negated bool, depth int) (string, Precedence, error)
}

// Emit prints a tree. The first error of Leaf or Any ends it.
func Emit(e Expr, s *Syntax) (string, error) {
	text, _, err := s.emit(e, false, 0)
	return text, err
}

func (s *Syntax) emit(e Expr, negated bool, depth int) (string, Precedence, error) {
	switch e := e.(type) {
	case *And:
		return s.list(e.X, s.And, s.True, PrecedenceAnd, negated, depth)
	case *Or:
		return s.list(e.X, s.Or, s.False, PrecedenceOr, negated, depth)
	case *Not:
		x, err := s.operand(e.X, PrecedenceAtom, !negated, depth)
		if err != nil {
			return "", 0, err
		}
		text, prec := s.Not(x)
		return text, prec, nil
	case Const:
		if e {
			return s.True, PrecedenceAtom, nil
		}
		return s.False, PrecedenceAtom, nil
	case *Selection:
		return s.emit(e.X, negated, depth)
	case *Any:
		body, _, err := s.emit(e.X, false, depth+1)
		if err != nil {
			return "", 0, err
		}
		return s.Any(e, body, negated, depth)
	case *Match:
		return s.Leaf(e, negated, depth)
	}
	panic(fmt.Sprintf("ir: unknown node %T", e))
}

func (s *Syntax) list(xs []Expr, op, empty string, prec Precedence, negated bool, depth int) (string, Precedence, error) {
	switch len(xs) {
	case 0:
		return empty, PrecedenceAtom, nil
	case 1:
		return s.emit(xs[0], negated, depth)
	}
	parts := make([]string, len(xs))
	for i, x := range xs {
		var err error
		if parts[i], err = s.operand(x, prec, negated, depth); err != nil {
			return "", 0, err
		}
	}
	if s.List != nil {
		return s.List(op, parts), prec, nil
	}
	return strings.Join(parts, op), prec, nil
}

// operand prints e, in parentheses where it binds looser than least. Equal
// precedence needs none: And and Or are associative.
func (s *Syntax) operand(e Expr, least Precedence, negated bool, depth int) (string, error) {
	text, prec, err := s.emit(e, negated, depth)
	if err != nil || prec >= least {
		return text, err
	}
	return "(" + text + ")", nil
}
