package compiler

import (
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/rulewright/rulewright/compiler/ir"
)

// fieldSpecs remembers what Field.Spec says of fields whose paths come from one
// pool: most rules speak of few fields.
type fieldSpecs map[specKey]string

type specKey struct {
	first *ir.Step
	steps int
	ip    bool
}

func (s fieldSpecs) of(f ir.Field) string {
	if f.Leaves || f.Derive != nil || len(f.Path) == 0 {
		return f.Spec()
	}
	key := specKey{&f.Path[0], len(f.Path), f.Type == ir.TypeIP}
	spec, ok := s[key]
	if !ok {
		spec = f.Spec()
		s[key] = spec
	}
	return spec
}

// appendKey appends what a tree asks, so that trees with the same key are true
// of the same events. The names of selections do not count.
func (s fieldSpecs) appendKey(b []byte, e ir.Expr) []byte {
	switch e := e.(type) {
	case *ir.And:
		return s.appendKeys(b, e.X, '&')
	case *ir.Or:
		return s.appendKeys(b, e.X, '|')
	case *ir.Not:
		return s.appendKey(append(b, '!'), e.X)
	case ir.Const:
		if e {
			return append(b, 't')
		}
		return append(b, 'f')
	case *ir.Selection:
		return s.appendKey(b, e.X)
	case *ir.Any:
		return s.appendKey(appendText(append(b, 'e'), s.of(e.Over)), e.X)
	case *ir.Match:
		b = append(b, 'm', byte(e.Op), byte(index(e.Cased)))
		b = appendText(b, s.of(e.Field))
		b = binary.AppendUvarint(b, uint64(len(e.Values)))
		for _, v := range e.Values {
			b = s.appendValue(b, v)
		}
		return b
	}
	panic("compiler: unknown node")
}

func (s fieldSpecs) appendKeys(b []byte, xs []ir.Expr, op byte) []byte {
	b = binary.AppendUvarint(append(b, op), uint64(len(xs)))
	for _, x := range xs {
		b = s.appendKey(b, x)
	}
	return b
}

func (s fieldSpecs) appendValue(b []byte, v ir.Value) []byte {
	switch v := v.(type) {
	case ir.String:
		return appendText(append(b, 's'), string(v))
	case ir.Number:
		if v.IsInt {
			return binary.AppendVarint(append(b, 'i'), v.Int)
		}
		return binary.AppendUvarint(append(b, 'n'), math.Float64bits(v.Float))
	case ir.Bool:
		return append(b, 'b', byte(index(bool(v))))
	case ir.Pattern:
		b = binary.AppendUvarint(append(b, 'p'), uint64(len(v)))
		for _, part := range v {
			b = appendText(append(b, byte(part.Kind)), part.Text)
		}
		return b
	case ir.Regex:
		return appendText(append(b, 'r'), string(v))
	case ir.Prefix:
		return appendText(append(b, 'c'), netip.Prefix(v).String())
	case ir.FieldRef:
		return appendText(append(b, 'f'), s.of(v.Field))
	case ir.Networks:
		return appendText(append(b, 'w'), v.Parameter)
	case ir.Argument:
		return appendText(append(b, 'a', byte(index(v.Duration))), v.Parameter)
	}
	panic("compiler: unknown value")
}

// appendText appends a text so that what follows cannot be taken for a part of it.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
