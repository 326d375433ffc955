package compiler

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// CEL prints a rule's predicate as a CEL expression over the variable event.
// The text compiles in cel.NewEnv(Library()) and says of an event bound as a
// plain map[string]any what a RuleSet says of it. Equal rules print alike.
func CEL(r *ir.Rule) (string, error) {
	if r.When == nil {
		return "", errors.New("a correlation is no predicate over one event and has no CEL text")
	}
	for _, b := range r.Source.Parameters {
		if b.Read {
			return "", fmt.Errorf("the parameter %s is only known when a query runs, and CEL text is none", b.Name)
		}
	}
	return celText(r.Predicate())
}

func celText(e ir.Expr) (string, error) {
	return ir.Emit(e, &ir.Syntax{
		And: " && ", Or: " || ", True: "true", False: "false",
		Not: func(x string) (string, ir.Precedence) { return "!" + x, ir.PrecedenceNot },
		Leaf: func(m *ir.Match, _ bool, depth int) (string, ir.Precedence, error) {
			return celMatch(m, celVariable(depth))
		},
		Any: func(a *ir.Any, body string, _ bool, depth int) (string, ir.Precedence, error) {
			return fmt.Sprintf("%s.%s(%s).exists(%s, %s)", celVariable(depth), celElements, celString(a.Over.Spec()),
				celVariable(depth+1), body), ir.PrecedenceAtom, nil
		},
	})
}

// celVariable is the event, e1 the element of the outermost list block, e2 one
// of a list block in it.
func celVariable(depth int) string {
	if depth == 0 {
		return celEvent
	}
	return "e" + strconv.Itoa(depth)
}

func celMatch(m *ir.Match, subject string) (string, ir.Precedence, error) {
	name, ok := celNames[celName{m.Op, m.Cased}]
	if !ok {
		return "", 0, fmt.Errorf("operator %s has no cased form", m.Op)
	}
	spec := celString(m.Field.Spec())
	if m.Op == ir.Null || m.Op == ir.Exists {
		return subject + "." + name + "(" + spec + ")", ir.PrecedenceAtom, nil
	}
	var calls, values []string
	for _, v := range m.Values {
		if ref, ok := v.(ir.FieldRef); ok {
			name, ok := celFieldNames[celName{m.Op, m.Cased}]
			if !ok {
				return "", 0, fmt.Errorf("operator %s does not take another field", m.Op)
			}
			calls = append(calls, subject+"."+name+"("+spec+", "+celString(ref.Field.Spec())+")")
			continue
		}
		text, err := celValue(v)
		if err != nil {
			return "", 0, err
		}
		values = append(values, text)
	}
	if len(values) > 0 || len(calls) == 0 {
		calls = append([]string{subject + "." + name + "(" + spec + ", [" + strings.Join(values, ", ") + "])"}, calls...)
	}
	if len(calls) == 1 {
		return calls[0], ir.PrecedenceAtom, nil
	}
	return strings.Join(calls, " || "), ir.PrecedenceOr, nil
}

func celValue(v ir.Value) (string, error) {
	switch v := v.(type) {
	case ir.String:
		return celString(string(v)), nil
	case ir.Number:
		return celNumber(v), nil
	case ir.Bool:
		return strconv.FormatBool(bool(v)), nil
	case ir.Pattern:
		return celString(v.String()), nil
	case ir.Regex:
		return celString(string(v)), nil
	case ir.Prefix:
		return celString(netip.Prefix(v).String()), nil
	}
	return "", fmt.Errorf("value %s cannot stand in a list", ir.ValueText(v))
}

func celNumber(n ir.Number) string {
	if n.IsInt {
		return strconv.FormatInt(n.Int, 10)
	}
	s := strconv.FormatFloat(n.Float, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// celString writes a string literal on one line: what does not print is
// written by its number, all else stands as it is.
func celString(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf && r >= ' ' && r != 0x7f, unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
