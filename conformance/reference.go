package conformance

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Reference says whether e is true of ev, by the contract in the package
// comment of compiler/ir and by nothing else: it shares no code with the
// compiler, keeps nothing between calls and makes no attempt at speed. ev is
// made of map[string]any or event.Object, []any, string, the number types,
// json.Number, bool and nil; anything else counts as null.
func Reference(e ir.Expr, ev any) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !Reference(x, ev) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if Reference(x, ev) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !Reference(e.X, ev)
	case ir.Const:
		return bool(e)
	case *ir.Selection:
		return Reference(e.X, ev)
	case *ir.Any:
		for _, el := range elements(e.Over, ev) {
			if Reference(e.X, el) {
				return true
			}
		}
		return false
	case *ir.Match:
		return match(e, ev)
	}
	panic(fmt.Sprintf("conformance: unknown node %T", e))
}

func match(m *ir.Match, ev any) bool {
	switch m.Op {
	case ir.Null:
		for _, v := range places(m.Field, ev) {
			for _, leaf := range flatten(v) {
				if leaf != nil {
					return false
				}
			}
		}
		return true
	case ir.Exists:
		return len(walk(m.Field.Path, ev)) > 0
	}
	for _, x := range scalars(m.Field, ev) {
		for _, v := range m.Values {
			if ref, ok := v.(ir.FieldRef); ok {
				if fitsField(m, x, ref, ev) {
					return true
				}
				continue
			}
			if fits(m, x, v) {
				return true
			}
		}
	}
	return false
}

// fitsField compares x with each non-null, non-empty scalar of another field.
func fitsField(m *ir.Match, x any, ref ir.FieldRef, ev any) bool {
	for _, y := range scalars(ref.Field, ev) {
		if y == "" {
			continue
		}
		var v ir.Value
		switch y := y.(type) {
		case string:
			v = ir.String(y)
		case number:
			v = ir.String(y.text())
			if m.Op == ir.Equal {
				v = y.value()
			}
		case bool:
			v = ir.String(strconv.FormatBool(y))
			if m.Op == ir.Equal {
				v = ir.Bool(y)
			}
		}
		if fits(m, x, v) {
			return true
		}
	}
	return false
}

// fits is the table of the contract: one scalar x against one value v.
func fits(m *ir.Match, x any, v ir.Value) bool {
	fold := fold
	if m.Cased {
		fold = func(t string) string { return t }
	}
	switch m.Op {
	case ir.Equal:
		switch v := v.(type) {
		case ir.String:
			switch x := x.(type) {
			case string:
				return fold(x) == fold(string(v))
			case number:
				if n, ok := numberText(string(v)); ok {
					return x.compare(n) == 0
				}
				return fold(x.text()) == fold(string(v))
			case bool:
				return strings.EqualFold(string(v), strconv.FormatBool(x)) && isASCII(string(v))
			}
		case ir.Number:
			switch x := x.(type) {
			case string:
				n, ok := numberText(x)
				return ok && n.compare(numberOf(v)) == 0
			case number:
				return x.compare(numberOf(v)) == 0
			}
			return false
		case ir.Bool:
			switch x := x.(type) {
			case string:
				return isASCII(x) && strings.EqualFold(x, strconv.FormatBool(bool(v)))
			case bool:
				return x == bool(v)
			}
			return false
		}
	case ir.Contains, ir.StartsWith, ir.EndsWith:
		t, w := fold(text(x)), fold(string(v.(ir.String)))
		switch m.Op {
		case ir.Contains:
			return strings.Contains(t, w)
		case ir.StartsWith:
			return strings.HasPrefix(t, w)
		default:
			return strings.HasSuffix(t, w)
		}
	case ir.Like:
		var parts []ir.PatternPart
		for _, p := range v.(ir.Pattern) {
			p.Text = fold(p.Text)
			parts = append(parts, p)
		}
		return like(parts, []rune(fold(text(x))))
	case ir.Regexp:
		return regexp.MustCompile(string(v.(ir.Regex))).MatchString(text(x))
	case ir.InNetwork:
		t, ok := x.(string)
		if !ok {
			return false
		}
		a, ok := address(t, m.Field.Type == ir.TypeIP)
		return ok && netip.Prefix(v.(ir.Prefix)).Contains(a)
	case ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual:
		var n number
		switch x := x.(type) {
		case string:
			var ok bool
			if n, ok = numberText(x); !ok {
				return false
			}
		case number:
			n = x
		default:
			return false
		}
		c := n.compare(numberOf(v.(ir.Number)))
		if c == unordered {
			return false
		}
		switch m.Op {
		case ir.Less:
			return c < 0
		case ir.LessOrEqual:
			return c <= 0
		case ir.Greater:
			return c > 0
		default:
			return c >= 0
		}
	}
	panic(fmt.Sprintf("conformance: %v does not take %T", m.Op, v))
}

// like matches the whole of t, code point by code point.
func like(parts []ir.PatternPart, t []rune) bool {
	if len(parts) == 0 {
		return len(t) == 0
	}
	switch p := parts[0]; p.Kind {
	case ir.AnyRun:
		for i := 0; i <= len(t); i++ {
			if like(parts[1:], t[i:]) {
				return true
			}
		}
		return false
	case ir.AnyOne:
		return len(t) > 0 && like(parts[1:], t[1:])
	default:
		lit := []rune(p.Text)
		return len(t) >= len(lit) && slices.Equal(t[:len(lit)], lit) && like(parts[1:], t[len(lit):])
	}
}

// fold maps each code point by the simple lower-case mapping, except that
// nothing outside ASCII becomes ASCII.
func fold(t string) string {
	var b strings.Builder
	for _, r := range t {
		l := unicode.ToLower(r)
		if r > unicode.MaxASCII && l <= unicode.MaxASCII {
			l = r
		}
		b.WriteRune(l)
	}
	return b.String()
}

// address reads an IP address, of a field of type IP without port and brackets.
func address(t string, strip bool) (netip.Addr, bool) {
	if strip {
		if host, port, ok := cutLast(t, ':'); ok && isPort(port) {
			_, err := netip.ParseAddr(host)
			if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") || err == nil && strings.Contains(host, ".") && !strings.Contains(host, ":") {
				t = host
			}
		}
		if strings.HasPrefix(t, "[") && strings.HasSuffix(t, "]") {
			t = t[1 : len(t)-1]
		}
	}
	a, err := netip.ParseAddr(t)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

func cutLast(t string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(t, sep)
	if i < 0 {
		return t, "", false
	}
	return t[:i], t[i+1:], true
}

func isPort(t string) bool {
	n, err := strconv.ParseUint(t, 10, 16)
	return err == nil && n <= math.MaxUint16
}
