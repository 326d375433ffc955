package compiler

import (
	"math/bits"

	"github.com/rulewright/rulewright/compiler/ir"
)

// maxNeedSets is of how many things that must all hold of an event the index
// looks at, for one rule.
const maxNeedSets = 3

// A candidateIndex picks the predicates that may be true of an event: where a
// tree cannot be true unless a field holds one of some texts, numbers or
// booleans, only when it does, and all others always. It may pick one too many,
// never one too few: what a match means is decided by its leaf.
type candidateIndex struct {
	fields []*indexedField
	// byKey leads from the number of a key at the top of an event to the fields
	// that begin with it; rest are those that begin with none.
	byKey [][]*indexedField
	rest  []*indexedField
	// always are, for each of a predicate's need sets, those that have none.
	always [maxNeedSets]bitset
}

// indexedField says which predicates ask for what a field holds.
type indexedField struct {
	field    *field
	literals *literalSet
	byText   [][]post // by the number of the literal
	texts    map[string][]post
	maxText  int // length of the longest of texts
	numbers  map[ir.Number][]post
	truths   [2][]post
}

// post says that the need set of a predicate is met.
type post struct {
	predicate int32
	set       int32
}

// newCandidateIndex builds the index of predicates given in order.
func newCandidateIndex(set *leafSet, predicates []ir.Expr) (*candidateIndex, error) {
	n := newNeedReader(predicates)
	x := &candidateIndex{}
	for i := range x.always {
		x.always[i] = newBitset(len(predicates))
	}
	byPlace := map[string]*indexedField{}
	builders := map[*indexedField]*literalBuilder{}
	for i, e := range predicates {
		sets := n.sets(e)
		for k := range maxNeedSets {
			if k >= len(sets) {
				x.always[k].set(i)
				continue
			}
			for need := range sets[k].needs {
				in, ok := byPlace[need.place]
				if !ok {
					ready, err := set.chained(need.place, n.places[need.place])
					if err != nil {
						return nil, err
					}
					in = &indexedField{field: ready, texts: map[string][]post{}, numbers: map[ir.Number][]post{}}
					byPlace[need.place] = in
					builders[in] = newLiteralBuilder()
					x.fields = append(x.fields, in)
				}
				in.add(need, post{int32(i), int32(k)}, builders[in])
			}
		}
	}
	for in, b := range builders {
		if len(b.set.literals) > 0 {
			in.literals = b.build(&n.grams)
		}
	}
	file := func(k *routeKey, in *indexedField) {
		for int(k.number) >= len(x.byKey) {
			x.byKey = append(x.byKey, nil)
		}
		x.byKey[k.number] = append(x.byKey[k.number], in)
	}
	for _, in := range x.fields {
		if in.field.leaves || len(in.field.route) == 0 || in.field.route[0].key == nil {
			x.rest = append(x.rest, in)
			continue
		}
		// A dotted key is there whole, or its head is.
		k := in.field.route[0].key
		file(k, in)
		if k.head != nil {
			file(k.head, in)
		}
	}
	return x, nil
}

func (in *indexedField) add(n need, p post, b *literalBuilder) {
	switch n.kind {
	case needText:
		in.texts[n.text] = append(in.texts[n.text], p)
		in.maxText = max(in.maxText, len(n.text))
	case needNumber:
		in.numbers[n.number] = append(in.numbers[n.number], p)
	case needFalse, needTrue:
		i := index(n.kind == needTrue)
		in.truths[i] = append(in.truths[i], p)
	default:
		where := map[needKind]whereabouts{needPart: anywhere, needStart: atStart, needEnd: atEnd}[n.kind]
		i := b.add(n.text, where)
		if int(i) == len(in.byText) {
			in.byText = append(in.byText, nil)
		}
		in.byText[i] = append(in.byText[i], p)
	}
}

// picks are the predicates whose need sets are met, one after the other.
type picks [maxNeedSets]bitset

func (p *picks) add(posts []post) {
	for _, x := range posts {
		p[x.set].set(int(x.predicate))
	}
}

// pick puts the predicates that an event may meet into to[0].
func (x *candidateIndex) pick(s *subject, to *picks) {
	for k := range x.always {
		to[k] = append(to[k][:0], x.always[k]...)
	}
	x.each(s, func(f *indexedField) {
		y := s.yield(f.field)
		for i := range y.scalars {
			f.look(&y.scalars[i], s.cursor, to)
		}
	})
	for i := range to[0] {
		for _, more := range to[1:] {
			to[0][i] &= more[i]
		}
	}
}

// each calls f with the fields that an event may have, of one whose keys are
// cheap to go through; of another with all.
func (x *candidateIndex) each(s *subject, f func(*indexedField)) {
	keys := s.cursor.topKeys(s.value)
	if keys == nil {
		for _, in := range x.fields {
			f(in)
		}
		return
	}
	for _, in := range x.rest {
		f(in)
	}
	for i := range keys.members {
		if n := int(keys.members[i].number); n < len(x.byKey) {
			for _, in := range x.byKey[n] {
				f(in)
			}
		}
	}
}

// look adds what asks for one value. Text is folded for all, so that what a
// cased match needs is there too.
func (f *indexedField) look(x *scalar, c *cursor, to *picks) {
	if f.literals != nil {
		text := x.form(false, c)
		if !c.spend(1 + len(text)/8) {
			return
		}
		f.literals.each(text, func(n int32) bool {
			to.add(f.byText[n])
			return !c.spend(1)
		})
	}
	// Folding at most halves the length of a text.
	if len(f.texts) > 0 && x.size() <= 2*f.maxText {
		to.add(f.texts[string(x.form(false, c))])
	}
	if len(f.numbers) > 0 {
		if n, ok := x.number(); ok {
			to.add(f.numbers[n])
		}
	}
	if f.truths[0] != nil || f.truths[1] != nil {
		if b, ok := x.boolean(); ok {
			to.add(f.truths[index(b)])
		}
	}
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int) { b[i/64] |= 1 << (i % 64) }

// each calls f with the members in order.
func (b bitset) each(f func(i int)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}
