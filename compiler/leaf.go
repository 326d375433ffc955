package compiler

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A leaf is an ir.Match made ready to run: the one place that decides what
// null, case, numbers, wildcards, regexes, networks and derivations mean when
// an event is evaluated. It is immutable; package ir states what it does.
type leaf struct {
	op    ir.Op
	cased bool
	field *field
	refs  []*field // of FieldRef values
	size  int      // number of values, as a measure of work

	// Equal.
	texts   map[string]struct{}    // String values, folded unless cased
	numbers map[ir.Number]struct{} // Number values
	asNums  map[ir.Number]struct{} // String values that are number texts
	truths  [2]bool                // Bool values and String values true/false: [false, true]
	bools   [2]bool                // Bool values only

	needles  [][]byte    // Contains, StartsWith, EndsWith
	literals *literalSet // the same, if they are many
	keywords *literalSet // of all leaves, the same anywhere
	patterns []wildcard
	regexes  []*regex
	networks []netip.Prefix
	bounds   []ir.Number

	// id numbers the leaf among those of a set that stand on the event or,
	// inside a list block, on an element; -1 outside a set.
	id int
}

// newLeaf makes a match ready. It fails on values that the operator does not
// take and on regexes that do not parse.
func newLeaf(m *ir.Match) (*leaf, error) {
	l := &leaf{op: m.Op, cased: m.Cased, size: len(m.Values), id: -1}
	var err error
	if l.field, err = newField(m.Field); err != nil {
		return nil, err
	}
	for _, v := range m.Values {
		if err := l.add(v); err != nil {
			return nil, err
		}
	}
	l.index()
	return l, nil
}

// manyNeedles is the number of literals from which they are looked for together.
const manyNeedles = 8

func (l *leaf) index() {
	if len(l.needles) < manyNeedles || slices.ContainsFunc(l.needles, func(n []byte) bool { return len(n) == 0 }) {
		return
	}
	b := newLiteralBuilder()
	for _, n := range l.needles {
		b.add(string(n), whereOf(l.op))
	}
	l.literals = b.build(nil)
	if l.field.leaves {
		l.keywords = l.literals
		if l.op != ir.Contains {
			b = newLiteralBuilder()
			for _, n := range l.needles {
				b.add(string(n), anywhere)
			}
			l.keywords = b.build(nil)
		}
	}
}

func whereOf(op ir.Op) whereabouts {
	switch op {
	case ir.StartsWith:
		return atStart
	case ir.EndsWith:
		return atEnd
	}
	return anywhere
}

func (l *leaf) add(v ir.Value) error {
	if ref, ok := v.(ir.FieldRef); ok && l.op <= ir.EndsWith {
		f, err := newField(ref.Field)
		if err != nil {
			return err
		}
		l.refs = append(l.refs, f)
		return nil
	}
	switch l.op {
	case ir.Equal:
		return l.addEqual(v)
	case ir.Contains, ir.StartsWith, ir.EndsWith:
		if s, ok := v.(ir.String); ok {
			l.needles = append(l.needles, []byte(l.form(string(s))))
			return nil
		}
	case ir.Like:
		if p, ok := v.(ir.Pattern); ok {
			l.patterns = append(l.patterns, newWildcard(p, l.form))
			return nil
		}
	case ir.Regexp:
		if r, ok := v.(ir.Regex); ok {
			re, err := newRegex(string(r))
			if err != nil {
				return err
			}
			l.regexes = append(l.regexes, re)
			return nil
		}
	case ir.InNetwork:
		if p, ok := v.(ir.Prefix); ok {
			l.networks = append(l.networks, netip.Prefix(p))
			return nil
		}
	case ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual:
		if n, ok := v.(ir.Number); ok {
			l.bounds = append(l.bounds, canonical(n))
			return nil
		}
	}
	return fmt.Errorf("operator %s does not take %s", l.op, ir.ValueText(v))
}

func (l *leaf) addEqual(v ir.Value) error {
	switch v := v.(type) {
	case ir.String:
		s := string(v)
		if l.texts == nil {
			l.texts = make(map[string]struct{}, l.size)
		}
		l.texts[l.form(s)] = struct{}{}
		if n, ok := ir.NumberText(s); ok {
			if l.asNums == nil {
				l.asNums = map[ir.Number]struct{}{}
			}
			l.asNums[n] = struct{}{}
		}
		if b, ok := parseBoolText(ir.Fold(s)); ok {
			l.truths[index(b)] = true
		}
	case ir.Number:
		if l.numbers == nil {
			l.numbers = map[ir.Number]struct{}{}
		}
		l.numbers[canonical(v)] = struct{}{}
	case ir.Bool:
		l.bools[index(bool(v))] = true
		l.truths[index(bool(v))] = true
	default:
		return fmt.Errorf("operator %s does not take %s", l.op, ir.ValueText(v))
	}
	return nil
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (l *leaf) form(s string) string {
	if l.cased {
		return s
	}
	return ir.Fold(s)
}

// match says whether the leaf holds of a subject.
func (l *leaf) match(s *subject) bool {
	if l.field.leaves && l.rulesOut(s) {
		return false
	}
	y := s.yield(l.field)
	switch l.op {
	case ir.Null:
		return len(y.scalars) == 0 && !y.object
	case ir.Exists:
		return y.present
	}
	for i := range y.scalars {
		if l.fitsAny(&y.scalars[i], s) {
			return true
		}
	}
	return false
}

// fitsAny says whether one scalar fits one of the values, other fields' included.
func (l *leaf) fitsAny(x *scalar, s *subject) bool {
	if l.size > len(l.refs) && l.fits(x, s.cursor) {
		return true
	}
	for _, f := range l.refs {
		other := s.yield(f)
		for j := range other.scalars {
			if !s.cursor.spend(1) {
				return false
			}
			if l.fitsScalar(x, &other.scalars[j], s.cursor) {
				return true
			}
		}
	}
	return false
}

// fits says whether one scalar fits one of the values that stand in the rule.
func (l *leaf) fits(x *scalar, c *cursor) bool {
	switch l.op {
	case ir.Equal:
		return l.equals(x, c)
	case ir.Contains, ir.StartsWith, ir.EndsWith:
		text := x.form(l.cased, c)
		if l.literals != nil {
			return c.spend(1+len(text)/manyBytesAStep) && l.literals.any(text, !l.cased && x.ascii)
		}
		if !c.spend(len(l.needles) * (1 + len(text)/bytesAStep)) {
			return false
		}
		for _, n := range l.needles {
			if textOp(l.op, text, n) {
				return true
			}
		}
	case ir.Like:
		text := x.form(l.cased, c)
		for i := range l.patterns {
			if !c.spend(1 + len(text)/bytesAStep) {
				return false
			}
			if l.patterns[i].match(text, c) {
				return true
			}
		}
	case ir.Regexp:
		text := x.plainForm(c)
		for _, re := range l.regexes {
			if re.match(text, c) {
				return true
			}
			if c.cost < 0 {
				return false
			}
		}
	case ir.InNetwork:
		if x.kind != textScalar {
			return false
		}
		addr, ok := parseAddress(x.textForm(), l.field.ip)
		if !ok || !c.spend(len(l.networks)) {
			return false
		}
		for _, p := range l.networks {
			if p.Contains(addr) {
				return true
			}
		}
	case ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual:
		n, ok := x.number()
		if !ok {
			return false
		}
		for _, b := range l.bounds {
			if ordered(l.op, compareNumbers(n, b)) {
				return true
			}
		}
	}
	return false
}

func (l *leaf) equals(x *scalar, c *cursor) bool {
	switch x.kind {
	case textScalar:
		if l.texts != nil {
			if _, ok := l.texts[string(x.form(l.cased, c))]; ok {
				return true
			}
		}
		if l.numbers != nil {
			if n, ok := x.number(); ok {
				if _, ok := l.numbers[n]; ok {
					return true
				}
			}
		}
		if l.bools != [2]bool{} {
			if b, ok := x.boolean(); ok {
				return l.bools[index(b)]
			}
		}
	case numberScalar:
		if _, ok := l.numbers[x.num]; ok {
			return true
		}
		if _, ok := l.asNums[x.num]; ok {
			return true
		}
		if l.texts != nil {
			_, ok := l.texts[string(x.plainForm(c))]
			return ok
		}
	case boolScalar:
		return l.truths[index(x.truth)]
	}
	return false
}

// fitsScalar is fits for the scalar of another field.
func (l *leaf) fitsScalar(x, v *scalar, c *cursor) bool {
	if v.kind == textScalar && v.text == "" && len(v.bytes) == 0 {
		return false
	}
	if l.op != ir.Equal {
		text := x.form(l.cased, c)
		part := v.form(l.cased, c)
		work := len(part) / comparedAStep
		if l.op == ir.Contains {
			work = 2 * (len(text) + len(part)) / bytesAStep
		}
		return c.spend(work) && textOp(l.op, text, part)
	}
	if x.kind == textScalar && v.kind == textScalar {
		text := x.form(l.cased, c)
		return c.spend(len(text)/comparedAStep) && bytes.Equal(text, v.form(l.cased, c))
	}
	if x.kind == boolScalar || v.kind == boolScalar {
		a, aok := x.boolean()
		b, bok := v.boolean()
		return aok && bok && a == b
	}
	a, aok := x.number()
	b, bok := v.number()
	if aok && bok {
		return a == b
	}
	// A text that is no number text and a number: the text forms.
	return v.kind == textScalar && bytes.Equal(x.form(l.cased, c), v.form(l.cased, c))
}

// How many bytes of a text are one step of work: where something is looked for
// in it, and where it is compared with another.
// manyBytesAStep is bytesAStep where many literals are looked for at once.
const (
	bytesAStep     = 16
	manyBytesAStep = 8
	comparedAStep  = 128
)

func textOp(op ir.Op, text []byte, part []byte) bool {
	switch op {
	case ir.Contains:
		return bytes.Contains(text, part)
	case ir.StartsWith:
		return bytes.HasPrefix(text, part)
	}
	return bytes.HasSuffix(text, part)
}

func ordered(op ir.Op, cmp int) bool {
	switch op {
	case ir.Less:
		return cmp < 0
	case ir.LessOrEqual:
		return cmp <= 0
	case ir.Greater:
		return cmp > 0
	}
	return cmp >= 0
}

// parseAddress reads an address, unmaps ::ffff:a.b.c.d and takes no zones. Of
// a field typed ip it first strips a port and brackets.
func parseAddress(s string, strip bool) (netip.Addr, bool) {
	if strip {
		s = stripPort(s)
	}
	if s == "" || len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

func stripPort(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		addr, port, ok := strings.Cut(inner, "]")
		if !ok || port != "" && !isPort(port[1:], port[0] == ':') {
			return s
		}
		return addr
	}
	if addr, port, ok := strings.Cut(s, ":"); ok && isPort(port, true) && strings.Contains(addr, ".") {
		return addr
	}
	return s
}

func isPort(s string, colon bool) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return colon && err == nil
}
