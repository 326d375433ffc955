package compiler

import (
	"math/bits"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A candidateIndex picks the rules of a source that may be true of an event:
// where a rule's tree cannot be true unless a field equals one of some values,
// only when it does, and all other rules always. It may pick a rule too many,
// never one too few.
type candidateIndex struct {
	fields []*indexedField
	always bitset
}

// indexedField says which rules ask for what a field holds.
type indexedField struct {
	field   *field
	texts   map[string][]int32 // folded
	numbers map[ir.Number][]int32
	truths  [2][]int32
}

// need is a field and value of which a rule needs one out of several.
type need struct {
	spec  string
	value any // string (folded), ir.Number or bool
}

// newCandidateIndex builds the index of rules given in order.
func newCandidateIndex(set *leafSet, rules []*ir.Rule) (*candidateIndex, error) {
	asked := map[need]int{}
	for _, r := range rules {
		for _, m := range ir.Matches(r.Predicate()) {
			for n := range equalNeeds(m) {
				asked[n]++
			}
		}
	}
	x := &candidateIndex{always: newBitset(len(rules))}
	bySpec := map[string]*indexedField{}
	for i, r := range rules {
		needs, decides := needsOf(r.Predicate(), asked)
		if !decides {
			x.always.set(i)
			continue
		}
		for n, f := range needs {
			in, ok := bySpec[n.spec]
			if !ok {
				ready, err := set.field(f, false)
				if err != nil {
					return nil, err
				}
				in = &indexedField{field: ready, texts: map[string][]int32{}, numbers: map[ir.Number][]int32{}}
				bySpec[n.spec] = in
				x.fields = append(x.fields, in)
			}
			switch v := n.value.(type) {
			case string:
				in.texts[v] = append(in.texts[v], int32(i))
			case ir.Number:
				in.numbers[v] = append(in.numbers[v], int32(i))
			case bool:
				in.truths[index(v)] = append(in.truths[index(v)], int32(i))
			}
		}
	}
	return x, nil
}

// needsOf returns needs of which one must be met where e is true; decides is
// false when there are none to be had. Of several that must all be met it takes
// those that the fewest rules ask for.
func needsOf(e ir.Expr, asked map[need]int) (needs map[need]ir.Field, decides bool) {
	switch e := e.(type) {
	case *ir.And:
		best := 0
		for _, x := range e.X {
			some, ok := needsOf(x, asked)
			if !ok {
				continue
			}
			weight := 0
			for n := range some {
				weight += asked[n]
			}
			if !decides || weight < best {
				needs, decides, best = some, true, weight
			}
		}
		return needs, decides
	case *ir.Or:
		needs = map[need]ir.Field{}
		for _, x := range e.X {
			some, ok := needsOf(x, asked)
			if !ok {
				return nil, false
			}
			for n, f := range some {
				needs[n] = f
			}
		}
		return needs, true
	case *ir.Not:
		return nil, false
	case ir.Const:
		return nil, !bool(e)
	case *ir.Selection:
		return needsOf(e.X, asked)
	case *ir.Any:
		return nil, false
	case *ir.Match:
		needs = equalNeeds(e)
		return needs, needs != nil
	}
	panic("compiler: unknown node")
}

// equalNeeds returns what a comparison for equality needs, nil for any other
// match. Needs are wider than the comparison: case never counts, and a text
// that is a number text stands for the number too.
func equalNeeds(m *ir.Match) map[need]ir.Field {
	if m.Op != ir.Equal || m.Field.Leaves || m.Field.Derive != nil {
		return nil
	}
	spec := m.Field.Spec()
	needs := make(map[need]ir.Field, len(m.Values))
	for _, v := range m.Values {
		switch v := v.(type) {
		case ir.String:
			folded := ir.Fold(string(v))
			needs[need{spec, folded}] = m.Field
			if n, ok := ir.NumberText(string(v)); ok {
				needs[need{spec, n}] = m.Field
			}
			if b, ok := parseBoolText(folded); ok {
				needs[need{spec, b}] = m.Field
			}
		case ir.Number:
			needs[need{spec, canonical(v)}] = m.Field
		case ir.Bool:
			needs[need{spec, bool(v)}] = m.Field
		default:
			return nil
		}
	}
	return needs
}

// pick adds the rules that an event may meet to those in to.
func (x *candidateIndex) pick(s *subject, to bitset) {
	copy(to, x.always)
	for _, f := range x.fields {
		y := s.yield(f.field)
		for i := range y.scalars {
			v := &y.scalars[i]
			to.add(f.texts[v.foldedForm()])
			if n, ok := v.number(); ok {
				to.add(f.numbers[n])
			}
			if b, ok := v.boolean(); ok {
				to.add(f.truths[index(b)])
			}
		}
	}
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int) { b[i/64] |= 1 << (i % 64) }

func (b bitset) add(is []int32) {
	for _, i := range is {
		b.set(int(i))
	}
}

// each calls f with the members in order.
func (b bitset) each(f func(i int)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}
