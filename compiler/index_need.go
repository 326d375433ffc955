package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// need is something that a field may hold of which a predicate needs one out of
// several.
type need struct {
	place  string // where the field is, see needReader.places
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
	needs  map[need]struct{}
	weight int // how often one is met, as a guess
	// short: ASCII literals shorter than a gram are among them, which cost a
	// walk through the text of their own.
	short bool
}

// needReader finds what predicates need.
type needReader struct {
	asked  map[need]int
	grams  gramCounts // of all literals: what many rules speak of, logs do too
	known  map[*ir.Match]map[string]*needSet
	places map[string][]ir.Field
	common int // a need that so many ask for says little
}

func newNeedReader(predicates []ir.Expr) *needReader {
	n := &needReader{asked: map[need]int{}, known: map[*ir.Match]map[string]*needSet{}, places: map[string][]ir.Field{}}
	n.common = max(len(predicates)/4, 50)
	for _, e := range predicates {
		n.count(e, false, nil)
	}
	for _, sets := range n.known {
		for _, s := range sets {
			if s != nil {
				n.weigh(s)
			}
		}
	}
	return n
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
			for x := range s.needs {
				n.asked[x]++
				if x.kind <= needEnd {
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
		s := &needSet{needs: map[need]struct{}{}}
		for _, p := range parts {
			for x := range p[min(k, len(p)-1)].needs {
				s.needs[x] = struct{}{}
			}
		}
		n.weigh(s)
		out[k] = s
	}
	return out
}

func (n *needReader) weigh(s *needSet) {
	sum := 0
	for x := range s.needs {
		switch asked := n.asked[x]; {
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
	place := ""
	for _, f := range over {
		place += f.Spec() + "\x00"
	}
	place += m.Field.Spec()
	if s, ok := n.known[m][place]; ok {
		return s
	}
	s := n.read(m, place, over)
	if n.known[m] == nil {
		n.known[m] = map[string]*needSet{}
	}
	n.known[m][place] = s
	if s != nil {
		n.places[place] = append(slices.Clip(over), m.Field)
	}
	return s
}

// read reads the needs of a match. They are wider than the match: case never
// counts, and a text that is a number text stands for the number too.
func (n *needReader) read(m *ir.Match, place string, over []ir.Field) *needSet {
	if m.Field.Derive != nil || len(m.Values) == 0 {
		return nil
	}
	for i, f := range append(slices.Clip(over), m.Field) {
		// Of an element, not of what all elements hold.
		if i > 0 && (f.Leaves || len(f.Path) > 0 && f.Path[0].Key == "") {
			return nil
		}
	}
	s := &needSet{needs: make(map[need]struct{}, len(m.Values))}
	add := func(k needKind, text string) bool {
		if text == "" && k != needText {
			return false
		}
		s.needs[need{place: place, kind: k, text: text}] = struct{}{}
		return true
	}
	for _, v := range m.Values {
		ok := false
		switch v := v.(type) {
		case ir.String:
			text := ir.Fold(string(v))
			switch m.Op {
			case ir.Equal:
				ok = add(needText, text)
				if x, is := ir.NumberText(string(v)); is {
					s.needs[need{place: place, kind: needNumber, number: x}] = struct{}{}
				}
				if b, is := parseBoolText(text); is {
					add(needFalse+needKind(index(b)), "")
				}
			case ir.Contains:
				ok = add(needPart, text)
			case ir.StartsWith:
				ok = add(needStart, text)
			case ir.EndsWith:
				ok = add(needEnd, text)
			}
		case ir.Number:
			if m.Op == ir.Equal {
				s.needs[need{place: place, kind: needNumber, number: canonical(v)}] = struct{}{}
				ok = true
			}
		case ir.Bool:
			ok = m.Op == ir.Equal
			if ok {
				s.needs[need{place: place, kind: needFalse + needKind(index(bool(v)))}] = struct{}{}
			}
		case ir.Pattern:
			ok = m.Op == ir.Like && add(n.patternNeed(v))
		case ir.Regex:
			texts, is := regexpLiterals(string(v))
			ok = is && m.Op == ir.Regexp
			for _, t := range texts {
				ok = ok && add(needPart, t)
			}
		}
		if !ok {
			return nil
		}
	}
	return s
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
