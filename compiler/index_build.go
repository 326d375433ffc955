package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

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
	if in.field.isPlain() {
		in.key = k.number
	}
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
	return &fieldBuilder{in: &indexedField{field: f, key: -1}, literals: newLiteralBuilder(), known: map[int32]int32{}}
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
