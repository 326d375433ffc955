package compiler

import (
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
	key      int32 // number of the key whose value the field is; -1: it is something else
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
		m := &keys.members[i]
		if int(m.number) >= len(x.byKey) {
			continue
		}
		for _, in := range x.byKey[m.number] {
			if in.key == m.number && !keys.alike {
				in.lookAt(s.yieldMember(in.field, m), s.cursor, to)
			} else {
				in.read(s, to)
			}
		}
	}
}

// read looks at what a field yields.
func (f *indexedField) read(s *subject, to *picks) { f.lookAt(s.yield(f.field), s.cursor, to) }

func (f *indexedField) lookAt(y *yielded, c *cursor, to *picks) {
	for i := range y.scalars {
		f.look(&y.scalars[i], c, to)
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
	if !c.spend(1 + len(text)/manyBytesAStep) {
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
