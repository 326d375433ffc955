package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// need is something that a field may hold of which a predicate needs one out of
// several.
type need struct {
	place  int32 // where the field is, an index of needReader.places
	kind   needKind
	text   string // folded
	number ir.Number
}

type needKind uint8

const (
	needText   needKind = iota // equal to the text
	needPart                   // the text stands somewhere in it
	needStart                  // it begins with the text
	needEnd                    // it ends with the text
	needNumber                 // a number or number text of that value
	needFalse                  // a boolean or its text
	needTrue
)

// needSet is needs of which one must be met; none of none can be.
type needSet struct {
	needs  []int32 // numbers of needs, each once
	weight int     // how often one is met, as a guess
	// short: ASCII literals shorter than a gram are among them, which cost a
	// walk through the text of their own.
	short bool
}

// needReader finds what predicates need. It numbers needs and the places of
// fields, since thousands of rules ask for few things over and over.
type needReader struct {
	needs   []need
	numbers map[need]int32
	asked   []int32    // by number of the need
	grams   gramCounts // of all literals: what many rules speak of, logs do too
	places  []needPlace
	byName  map[string]int32 // places
	specs   fieldSpecs
	known   map[*ir.Match]*needSet // of matches outside list blocks
	inside  map[insideList]*needSet
	common  int     // a need that so many ask for says little
	seen    []int32 // by number of the need, the last union that it is in
	unions  int32
}

// needPlace is where a field is: inside list blocks over the others.
type needPlace struct {
	name   string
	fields []ir.Field
}

type insideList struct {
	match *ir.Match
	place int32
}

func newNeedReader(predicates []ir.Expr, specs fieldSpecs) *needReader {
	n := &needReader{numbers: map[need]int32{}, byName: map[string]int32{}, specs: specs,
		known: map[*ir.Match]*needSet{}, inside: map[insideList]*needSet{}}
	n.common = max(len(predicates)/4, 50)
	for _, e := range predicates {
		n.count(e, false, nil)
	}
	for _, s := range n.known {
		if s != nil {
			n.weigh(s)
		}
	}
	for _, s := range n.inside {
		if s != nil {
			n.weigh(s)
		}
	}
	return n
}

// number returns the number of a need.
func (n *needReader) number(x need) int32 {
	i, ok := n.numbers[x]
	if !ok {
		i = int32(len(n.needs))
		n.numbers[x] = i
		n.needs, n.asked, n.seen = append(n.needs, x), append(n.asked, 0), append(n.seen, 0)
	}
	return i
}

// place returns the number of the place of a field inside list blocks.
func (n *needReader) place(f ir.Field, over []ir.Field) int32 {
	name := n.specs.of(f)
	for i := len(over) - 1; i >= 0; i-- {
		name = n.specs.of(over[i]) + "\x00" + name
	}
	i, ok := n.byName[name]
	if !ok {
		i = int32(len(n.places))
		n.byName[name] = i
		n.places = append(n.places, needPlace{name, append(slices.Clip(over), f)})
	}
	return i
}

// count notes the needs of all matches that are not under a Not.
func (n *needReader) count(e ir.Expr, negated bool, over []ir.Field) {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			n.count(x, negated, over)
		}
	case *ir.Or:
		for _, x := range e.X {
			n.count(x, negated, over)
		}
	case *ir.Not:
		n.count(e.X, !negated, over)
	case ir.Const:
	case *ir.Selection:
		n.count(e.X, negated, over)
	case *ir.Any:
		n.count(e.X, negated, append(slices.Clip(over), e.Over))
	case *ir.Match:
		if negated {
			return
		}
		if s := n.match(e, over); s != nil {
			for _, i := range s.needs {
				n.asked[i]++
				if x := &n.needs[i]; x.kind <= needEnd {
					n.grams.addAll(x.text)
				}
			}
		}
	default:
		panic("compiler: unknown node")
	}
}

// sets returns the sets of needs that must all be met where e is true, the one
// that is met least often first.
func (n *needReader) sets(e ir.Expr) []*needSet { return n.of(e, false, nil) }

func (n *needReader) of(e ir.Expr, negated bool, over []ir.Field) []*needSet {
	switch e := e.(type) {
	case *ir.And:
		if negated {
			return n.one(e.X, true, over)
		}
		return n.all(e.X, false, over)
	case *ir.Or:
		if negated {
			return n.all(e.X, true, over)
		}
		return n.one(e.X, false, over)
	case *ir.Not:
		return n.of(e.X, !negated, over)
	case ir.Const:
		if bool(e) != negated {
			return nil
		}
		return []*needSet{{}}
	case *ir.Selection:
		return n.of(e.X, negated, over)
	case *ir.Any:
		if negated {
			return nil
		}
		return n.of(e.X, false, append(slices.Clip(over), e.Over))
	case *ir.Match:
		if s := n.match(e, over); s != nil && !negated {
			return []*needSet{s}
		}
		return nil
	}
	panic("compiler: unknown node")
}

// all returns the best sets of nodes that must all be true.
func (n *needReader) all(x []ir.Expr, negated bool, over []ir.Field) []*needSet {
	var sets []*needSet
	for _, e := range x {
		for _, s := range n.of(e, negated, over) {
			if !slices.Contains(sets, s) {
				sets = append(sets, s)
			}
		}
	}
	slices.SortStableFunc(sets, func(a, b *needSet) int { return a.weight - b.weight })
	out := sets[:0]
	for _, s := range sets {
		if len(out) == maxSortedSets {
			break
		}
		if len(out) == 0 || !s.short || out[0].weight >= weakNeeds {
			out = append(out, s)
		}
	}
	return out
}

const (
	// maxSortedSets is how many sets are kept until it is known which field is
	// looked at first.
	maxSortedSets = 2 * maxNeedSets
	// weakNeeds is the weight from which a set alone leaves many candidates.
	weakNeeds = 300
	// commonNeeds is the weight of a set that most events meet.
	commonNeeds = 1 << 20
)

// best returns those of a predicate's sets that are looked at.
func best(sets []*needSet) []*needSet {
	for i, s := range sets {
		if i == maxNeedSets || i > 0 && s.weight >= commonNeeds {
			return sets[:i]
		}
	}
	return sets
}

// one returns the sets of nodes of which one must be true: those of each put
// together, the best ones of all and so on.
func (n *needReader) one(x []ir.Expr, negated bool, over []ir.Field) []*needSet {
	if len(x) == 0 {
		return []*needSet{{}}
	}
	var parts [][]*needSet
	most := 0
	for _, e := range x {
		sets := n.of(e, negated, over)
		if len(sets) == 0 {
			return nil
		}
		parts = append(parts, sets)
		most = max(most, len(sets))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	out := make([]*needSet, most)
	for k := range out {
		s := &needSet{}
		n.unions++
		for _, p := range parts {
			for _, x := range p[min(k, len(p)-1)].needs {
				if n.seen[x] != n.unions {
					n.seen[x] = n.unions
					s.needs = append(s.needs, x)
				}
			}
		}
		n.weigh(s)
		out[k] = s
	}
	return out
}

func (n *needReader) weigh(s *needSet) {
	sum := 0
	for _, i := range s.needs {
		x := &n.needs[i]
		switch asked := int(n.asked[i]); {
		case asked >= n.common && x.kind != needPart:
			sum += commonNeeds
			continue
		default:
			sum += asked
		}
		switch x.kind {
		case needPart, needStart, needEnd:
			switch {
			case !isASCII(x.text): // few texts are not ASCII
			case len(x.text) < gramSize:
				s.short = s.short || x.kind == needPart
				sum += 4000 >> (2 * len(x.text))
			default:
				sum += int(n.grams.rarest(x.text))
			}
		}
	}
	s.weight = min(sum, 4*commonNeeds)
}

// match returns what one match needs, inside list blocks over some fields, or
// nil where that cannot be said.
func (n *needReader) match(m *ir.Match, over []ir.Field) *needSet {
	if len(over) == 0 {
		s, ok := n.known[m]
		if !ok {
			s = n.read(m, over)
			n.known[m] = s
		}
		return s
	}
	key := insideList{m, n.place(m.Field, over)}
	s, ok := n.inside[key]
	if !ok {
		s = n.read(m, over)
		n.inside[key] = s
	}
	return s
}

// read reads the needs of a match. They are wider than the match: case never
// counts, and a text that is a number text stands for the number too.
func (n *needReader) read(m *ir.Match, over []ir.Field) *needSet {
	if m.Field.Derive != nil || len(m.Values) == 0 {
		return nil
	}
	for i := range over {
		// Of an element, not of what all elements hold.
		f := m.Field
		if i+1 < len(over) {
			f = over[i+1]
		}
		if f.Leaves || len(f.Path) > 0 && f.Path[0].Key == "" {
			return nil
		}
	}
	place := n.place(m.Field, over)
	needs := make([]int32, 0, len(m.Values))
	add := func(x need) {
		x.place = place
		needs = append(needs, n.number(x))
	}
	text := func(k needKind, text string) bool {
		if text == "" && k != needText {
			return false
		}
		add(need{kind: k, text: text})
		return true
	}
	for _, v := range m.Values {
		ok := false
		switch v := v.(type) {
		case ir.String:
			folded := ir.Fold(string(v))
			switch m.Op {
			case ir.Equal:
				ok = text(needText, folded)
				if x, is := ir.NumberText(string(v)); is {
					add(need{kind: needNumber, number: x})
				}
				if b, is := parseBoolText(folded); is {
					add(need{kind: needFalse + needKind(index(b))})
				}
			case ir.Contains:
				ok = text(needPart, folded)
			case ir.StartsWith:
				ok = text(needStart, folded)
			case ir.EndsWith:
				ok = text(needEnd, folded)
			}
		case ir.Number:
			if ok = m.Op == ir.Equal; ok {
				add(need{kind: needNumber, number: canonical(v)})
			}
		case ir.Bool:
			if ok = m.Op == ir.Equal; ok {
				add(need{kind: needFalse + needKind(index(bool(v)))})
			}
		case ir.Pattern:
			ok = m.Op == ir.Like && text(n.patternNeed(v))
		case ir.Regex:
			texts, is := regexpLiterals(string(v))
			ok = is && m.Op == ir.Regexp
			for _, t := range texts {
				ok = ok && text(needPart, t)
			}
		}
		if !ok {
			return nil
		}
	}
	slices.Sort(needs)
	return &needSet{needs: slices.Compact(needs)}
}

// patternNeed is the longest literal of a pattern, and where it stands.
func (n *needReader) patternNeed(p ir.Pattern) (needKind, string) {
	kind, text := needPart, ""
	for i, part := range p {
		if part.Kind != ir.Literal || len(part.Text) <= len(text) {
			continue
		}
		text = ir.Fold(part.Text)
		switch {
		case i == 0 && len(p) == 1:
			kind = needText
		case i == 0:
			kind = needStart
		case i == len(p)-1:
			kind = needEnd
		default:
			kind = needPart
		}
	}
	return kind, text
}
