package compiler

import (
	"math/bits"
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// maxNeedSets is of how many things that must all hold of an event the index
// looks at, for one rule.
const maxNeedSets = 3

// A candidateIndex picks the predicates that may be true of an event: where a
// tree cannot be true unless a field holds one of some texts, numbers or
// booleans, only when it does, and all others always. It may pick one too many,
// never one too few: what a match means is decided by its leaf.
//
// Most rules of a table ask the same field, such as EventID, for one value. It
// is looked at first, and leads to the part of the rules that ask for what it
// holds.
type candidateIndex struct {
	pivot *indexedField // nil: all are in rest
	parts []*indexPart  // that posts of the pivot lead to, as predicates of set 0
	rest  *indexPart    // rules that do not ask for the pivot
	// whole: the rules of rest are in each part too, so that texts which both
	// ask for are gone through once.
	whole bool
}

// indexPart is the index of some of the predicates.
type indexPart struct {
	fields []*indexedField
	// byKey leads from the number of a key at the top of an event to the fields
	// that begin with it; others are those that begin with none, but keywords.
	byKey  [][]*indexedField
	others []*indexedField
	// keywords are what must stand in some value, wherever it is.
	keywords *indexedField
	// always are, for each of a predicate's need sets, those that have none.
	always [maxNeedSets]bitset
}

// indexedField says which predicates ask for what a field holds.
type indexedField struct {
	field    *field
	literals *literalSet
	byText   postLists // by the number of the literal
	texts    *textNumbers
	byWhole  postLists // by the number of the text
	maxText  int       // length of the longest of texts
	numbers  map[ir.Number][]post
	truths   [2][]post
}

// post says that the need set of a predicate is met.
type post uint32

func newPost(predicate, set int) post { return post(predicate*maxNeedSets + set) }

func (p post) predicate() int { return int(p / maxNeedSets) }
func (p post) set() int       { return int(p % maxNeedSets) }

// postLists are lists of posts by number.
type postLists struct {
	from  []uint32 // and one more
	posts []post
}

func (l *postLists) of(n int32) []post { return l.posts[l.from[n]:l.from[n+1]] }

// newCandidateIndex builds the index of predicates given in order.
func newCandidateIndex(set *leafSet, predicates []ir.Expr, specs fieldSpecs) (*candidateIndex, error) {
	n := newNeedReader(predicates, specs)
	all := make([][]*needSet, len(predicates))
	for i, e := range predicates {
		all[i] = n.sets(e)
	}
	x := &candidateIndex{}
	b := &indexBuilder{set: set, needs: n, size: len(predicates)}
	place, ok := n.pivotOf(all)
	if !ok {
		var err error
		x.rest, err = b.part(all, nil)
		return x, err
	}
	// The sets of predicates that need the pivot, without that need, by its value.
	byValue := map[int32]int{}
	var values []int32
	var members [][]int32
	others := []int32{} // not nil, which would be all
	for i, sets := range all {
		k := n.pivotSet(sets, place)
		if k < 0 {
			others = append(others, int32(i))
			continue
		}
		for _, v := range sets[k].needs {
			j, ok := byValue[v]
			if !ok {
				j = len(members)
				byValue[v], values, members = j, append(values, v), append(members, nil)
			}
			members[j] = append(members[j], int32(i))
		}
		all[i] = append(append([]*needSet(nil), sets[:k]...), sets[k+1:]...)
	}
	var err error
	if x.pivot, err = b.pivot(place, values); err != nil {
		return nil, err
	}
	if x.rest, err = b.part(all, others); err != nil {
		return nil, err
	}
	// The index is at most about twice as large for it.
	x.whole = countNeeds(all, others)*len(members) <= maxSpreadNeeds+countNeeds(all, members...)
	for _, m := range members {
		if x.whole {
			m = append(m, others...)
		}
		p, err := b.part(all, m)
		if err != nil {
			return nil, err
		}
		x.parts = append(x.parts, p)
	}
	return x, nil
}

// maxSpreadNeeds is how many needs may be in parts again, in an index of few.
const maxSpreadNeeds = 1 << 12

// countNeeds counts what is filed for some predicates.
func countNeeds(all [][]*needSet, members ...[]int32) (n int) {
	for _, m := range members {
		for _, i := range m {
			for _, s := range best(all[i]) {
				n += len(s.needs)
			}
		}
	}
	return n
}

// pivotOf returns the place that most predicates, and at least half of them,
// need a few whole values of; ok is false if there is none.
func (n *needReader) pivotOf(all [][]*needSet) (best int32, ok bool) {
	counts := make([]int, len(n.places))
	for _, sets := range all {
		for _, s := range sets {
			if place, ok := n.pivot(s); ok {
				counts[place]++
			}
		}
	}
	for i, count := range counts {
		if place := int32(i); 2*count >= len(all) && count > 0 &&
			(!ok || count > counts[best] || count == counts[best] && n.places[place].name < n.places[best].name) {
			best, ok = place, true
		}
	}
	return best, ok
}

func (n *needReader) pivotSet(sets []*needSet, place int32) int {
	for k, s := range sets {
		if p, ok := n.pivot(s); ok && p == place {
			return k
		}
	}
	return -1
}

// maxPivotNeeds is how many values of the pivot one rule may ask for.
const maxPivotNeeds = 8

// pivot returns the one place of which the needs of a set are whole values.
func (n *needReader) pivot(s *needSet) (place int32, ok bool) {
	if len(s.needs) == 0 || len(s.needs) > maxPivotNeeds {
		return 0, false
	}
	for k, i := range s.needs {
		x := &n.needs[i]
		if x.kind != needText && x.kind != needNumber || k > 0 && x.place != place {
			return 0, false
		}
		place = x.place
	}
	return place, true
}

// indexBuilder builds parts of an index.
type indexBuilder struct {
	set      *leafSet
	needs    *needReader
	size     int             // number of all predicates
	builders []*fieldBuilder // of the part at hand, by place
}

func (b *indexBuilder) pivot(place int32, values []int32) (*indexedField, error) {
	f, err := b.field(place)
	if err != nil {
		return nil, err
	}
	fb := newFieldBuilder(f)
	for j, v := range values {
		fb.add(b.needs, v, newPost(int(j), 0))
	}
	fb.build(&b.needs.grams)
	return fb.in, nil
}

func (b *indexBuilder) field(place int32) (*field, error) {
	p := &b.needs.places[place]
	return b.set.chained(p.name, p.fields)
}

// part builds the index of the predicates that members says, all if it is nil.
func (b *indexBuilder) part(all [][]*needSet, members []int32) (*indexPart, error) {
	x := &indexPart{}
	for i := range x.always {
		x.always[i] = newBitset(b.size)
	}
	b.builders = make([]*fieldBuilder, len(b.needs.places))
	var used []*fieldBuilder
	add := func(i int) error {
		sets := best(all[i])
		for k := range maxNeedSets {
			if k >= len(sets) {
				x.always[k].set(i)
				continue
			}
			for _, n := range sets[k].needs {
				place := b.needs.needs[n].place
				in := b.builders[place]
				if in == nil {
					f, err := b.field(place)
					if err != nil {
						return err
					}
					in = newFieldBuilder(f)
					b.builders[place], used = in, append(used, in)
				}
				in.add(b.needs, n, newPost(int(i), k))
			}
		}
		return nil
	}
	if members == nil {
		for i := range all {
			if err := add(i); err != nil {
				return nil, err
			}
		}
	}
	for _, i := range members {
		if err := add(int(i)); err != nil {
			return nil, err
		}
	}
	for _, in := range used {
		in.build(&b.needs.grams)
		x.file(in)
	}
	return x, nil
}

// file puts a field where events lead to it.
func (x *indexPart) file(b *fieldBuilder) {
	in := b.in
	if in.field.leaves && in.texts == nil && len(in.numbers) == 0 && in.truths[0] == nil && in.truths[1] == nil {
		x.keywords = in
		return
	}
	x.fields = append(x.fields, in)
	if in.field.leaves || len(in.field.route) == 0 || in.field.route[0].key == nil {
		x.others = append(x.others, in)
		return
	}
	// A dotted key is there whole, or its head is.
	k := in.field.route[0].key
	x.fileUnder(k, in)
	if k.head != nil {
		x.fileUnder(k.head, in)
	}
}

func (x *indexPart) fileUnder(k *routeKey, in *indexedField) {
	for int(k.number) >= len(x.byKey) {
		x.byKey = append(x.byKey, nil)
	}
	x.byKey[k.number] = append(x.byKey[k.number], in)
}

// fieldBuilder builds an indexedField.
type fieldBuilder struct {
	in       *indexedField
	literals *literalBuilder
	names    []string
	known    map[int32]int32 // need to the number of its text or literal
	whole    []textPost      // of byWhole
	part     []textPost      // of byText
}

// textPost is a post of the text or literal of a number.
type textPost struct {
	number int32
	post   post
}

func newFieldBuilder(f *field) *fieldBuilder {
	return &fieldBuilder{in: &indexedField{field: f}, literals: newLiteralBuilder(), known: map[int32]int32{}}
}

func (b *fieldBuilder) add(all *needReader, number int32, p post) {
	in, n := b.in, &all.needs[number]
	switch n.kind {
	case needText:
		i, ok := b.known[number]
		if !ok {
			i = int32(len(b.names))
			b.known[number], b.names = i, append(b.names, n.text)
			in.maxText = max(in.maxText, len(n.text))
		}
		b.whole = append(b.whole, textPost{i, p})
	case needNumber:
		if in.numbers == nil {
			in.numbers = map[ir.Number][]post{}
		}
		in.numbers[n.number] = append(in.numbers[n.number], p)
	case needFalse, needTrue:
		i := index(n.kind == needTrue)
		in.truths[i] = append(in.truths[i], p)
	default:
		i, ok := b.known[number]
		if !ok {
			where := [...]whereabouts{needPart: anywhere, needStart: atStart, needEnd: atEnd}[n.kind]
			if in.field.leaves {
				where = anywhere // in the texts of all leaves together
			}
			i = b.literals.append(n.text, where)
			b.known[number] = i
		}
		b.part = append(b.part, textPost{i, p})
	}
}

func (b *fieldBuilder) build(common *gramCounts) {
	if len(b.literals.places) > 0 {
		b.in.literals = b.literals.build(common)
		b.in.byText = postsByNumber(b.part, len(b.literals.places))
	}
	if len(b.names) > 0 {
		texts := newTextNumbers(b.names)
		b.in.texts = &texts
		b.in.byWhole = postsByNumber(b.whole, len(b.names))
	}
}

// postsByNumber puts posts, in their order, under their numbers, which are below n.
func postsByNumber(posts []textPost, n int) postLists {
	l := postLists{from: make([]uint32, n+1), posts: make([]post, len(posts))}
	for _, p := range posts {
		l.from[p.number+1]++
	}
	for i := range n {
		l.from[i+1] += l.from[i]
	}
	at := slices.Clone(l.from)
	for _, p := range posts {
		l.posts[at[p.number]] = p.post
		at[p.number]++
	}
	return l
}

// picks are the predicates whose need sets are met, one after the other.
type picks [maxNeedSets]bitset

func (p *picks) add(posts []post) {
	for _, x := range posts {
		p[x.set()].set(x.predicate())
	}
}

// pick puts the predicates that an event may meet into to[0].
func (x *candidateIndex) pick(s *subject, to *picks) {
	for k := range to {
		n := len(x.rest.always[k])
		to[k] = slices.Grow(to[k][:0], n)[:n]
		clear(to[k])
	}
	led := false
	if x.pivot != nil {
		y := s.yield(x.pivot.field)
		for i := range y.scalars {
			x.pivot.whole(&y.scalars[i], s.cursor, func(posts []post) {
				for _, p := range posts {
					x.parts[p.predicate()].pick(s, to)
					led = true
				}
			})
		}
	}
	if !led || !x.whole {
		x.rest.pick(s, to)
	}
	for i := range to[0] {
		for _, more := range to[1:] {
			to[0][i] &= more[i]
		}
	}
}

func (x *indexPart) pick(s *subject, to *picks) {
	for k := range x.always {
		to[k].join(x.always[k])
	}
	if x.keywords != nil {
		text, ascii := s.allTexts()
		x.keywords.scan(x.keywords.literals, text, ascii, s.cursor, to)
	}
	keys := s.cursor.topKeys(s.value)
	if keys == nil {
		for _, in := range x.fields {
			in.read(s, to)
		}
		return
	}
	for _, in := range x.others {
		in.read(s, to)
	}
	if len(x.byKey) == 0 {
		return
	}
	for i := range keys.members {
		if n := int(keys.members[i].number); n < len(x.byKey) {
			for _, in := range x.byKey[n] {
				in.read(s, to)
			}
		}
	}
}

// read looks at what a field yields.
func (f *indexedField) read(s *subject, to *picks) {
	y := s.yield(f.field)
	for i := range y.scalars {
		f.look(&y.scalars[i], s.cursor, to)
	}
}

// look adds what asks for one value. Text is folded for all, so that what a
// cased match needs is there too.
func (f *indexedField) look(x *scalar, c *cursor, to *picks) {
	if f.literals != nil {
		f.scan(f.literals, x.form(false, c), x.ascii, c, to)
	}
	if f.texts != nil || f.numbers != nil {
		f.whole(x, c, to.add)
	}
	if f.truths[0] != nil || f.truths[1] != nil {
		if b, ok := x.boolean(); ok {
			to.add(f.truths[index(b)])
		}
	}
}

// scan adds what asks for literals that stand in a folded text.
func (f *indexedField) scan(literals *literalSet, text []byte, ascii bool, c *cursor, to *picks) {
	if !c.spend(1 + len(text)/8) {
		return
	}
	literals.each(text, ascii, func(n int32) bool {
		to.add(f.byText.of(n))
		return !c.spend(1)
	})
}

// whole calls add with what asks for a value as a whole.
func (f *indexedField) whole(x *scalar, c *cursor, add func([]post)) {
	// Folding at most halves the length of a text.
	if f.texts != nil && x.size() <= 2*f.maxText {
		if n := f.texts.folded(x.form(false, c)); n >= 0 {
			add(f.byWhole.of(n))
		}
	}
	if f.numbers != nil {
		if n, ok := x.number(); ok {
			add(f.numbers[n])
		}
	}
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int) { b[i/64] |= 1 << (i % 64) }

// join adds the members of a set of the same size.
func (b bitset) join(o bitset) {
	for i := range b {
		b[i] |= o[i]
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
