package backends

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Pre-filters
//
// A condition that takes lists apart, reads JSON or runs a regular expression is
// dear. In front of it stands a cheap one that it implies: a text that must
// occur in the column, in the best case whole terms, which Kusto has an index
// of. What is not implied beyond doubt is left out, since a pre-filter may only
// drop rows that the condition drops as well.

// needle is a text that occurs in another one.
type needle struct {
	text string
	// term: it is all of a term, letters and digits with none beside them.
	term bool
	// cased: it occurs in this case.
	cased bool
}

const (
	// needleLeast is how long a needle must be to be worth asking for; terms
	// that are shorter are not in the index.
	needleLeast = 3
	// needlesMost is how many alternatives a pre-filter has at most, and
	// needlesWidth how many characters: it must stay cheap to read and run.
	needlesMost, needlesWidth = 16, 300
)

// stretch is a part of a text that a condition asks for: it stands there
// unbroken, at the start or end of the text if that is so.
type stretch struct {
	text       string
	start, end bool
	cased      bool
}

// needles returns what of a stretch occurs in a text that holds it, the best
// first. plain: the text itself is asked; else the JSON that holds it as a
// string, of which only what no writer of JSON escapes is known.
func (s stretch) needles(plain bool) []needle {
	var out []needle
	for from := 0; from < len(s.text); {
		to := from
		// How Kusto folds other letters than those of ASCII is not documented.
		for to < len(s.text) && (plain && (s.cased || s.text[to] < utf8.RuneSelf) || inJSONAsIs(s.text[to])) {
			to++
		}
		if piece := s.text[from:to]; utf8.RuneCountInString(piece) >= needleLeast && (plain || !numeral(piece)) {
			out = append(out, needle{text: piece, cased: s.cased})
		}
		from = to + 1
	}
	for from := 0; from < len(s.text); {
		if !asciiAlnum(s.text[from]) {
			from++
			continue
		}
		to := from
		for to < len(s.text) && asciiAlnum(s.text[to]) {
			to++
		}
		left := from == 0 && s.start || from > 0 && endsTerm(s.text[from-1]) && (plain || inJSONAsIs(s.text[from-1]) || s.text[from-1] == '\\' || s.text[from-1] == '/')
		// An escape begins with a backslash, so behind a term each will do.
		right := to == len(s.text) && s.end || to < len(s.text) && endsTerm(s.text[to])
		if term := s.text[from:to]; left && right && len(term) >= needleLeast && (plain || !numeral(term)) {
			out = append(out, needle{text: term, term: true, cased: s.cased})
		}
		from = to
	}
	slices.SortStableFunc(out, func(a, b needle) int { return b.worth() - a.worth() })
	return out
}

// worth orders needles: the index decides, then the length.
func (n needle) worth() int {
	if n.term {
		return 1000 + len(n.text)
	}
	return len(n.text)
}

func asciiAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// endsTerm reports whether a character ends a term beyond doubt. The
// documentation does not say what an underscore is, and letters outside ASCII
// are alphanumeric.
func endsTerm(c byte) bool { return c < utf8.RuneSelf && c != '_' && !asciiAlnum(c) }

// inJSONAsIs reports whether every writer of JSON writes a character as it is.
func inJSONAsIs(c byte) bool {
	return asciiAlnum(c) || strings.IndexByte(" -_.:,;()[]{}@#!$%^*|~?", c) >= 0
}

// numeral reports whether a text could be part of a number's text, which JSON
// may write in another form.
func numeral(s string) bool { return strings.Trim(s, "-+.0123456789eE") == "" }

// stretches returns what must stand in the text of a scalar that a value is
// equal to, contained in and so on; none where that is not known.
func stretches(op ir.Op, v ir.Value, cased bool) []stretch {
	switch v := v.(type) {
	case ir.String:
		s := stretch{text: string(v), cased: cased}
		switch op {
		case ir.Equal:
			s.start, s.end = true, true
		case ir.StartsWith:
			s.start = true
		case ir.EndsWith:
			s.end = true
		case ir.Contains:
		default:
			return nil
		}
		return []stretch{s}
	case ir.Pattern:
		var out []stretch
		for i, x := range v {
			if x.Kind == ir.Literal {
				out = append(out, stretch{x.Text, i == 0, i == len(v)-1, cased})
			}
		}
		return out
	case ir.Regex:
		if re, err := syntax.Parse(string(v), syntax.Perl); err == nil {
			return regexpStretches(re)
		}
	}
	return nil
}

// regexpStretches returns what stands in every text that an expression is found
// in.
func regexpStretches(re *syntax.Regexp) []stretch {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []stretch{{text: string(re.Rune), cased: true}}
		}
		// A letter that is another's case in Unicode and not in ASCII breaks
		// the stretch: k is found in the sign of kelvin too.
		var out []stretch
		for _, piece := range strings.FieldsFunc(lowered(re.Rune), func(r rune) bool { return r >= utf8.RuneSelf || len(orbit(r)) > 2 }) {
			out = append(out, stretch{text: piece})
		}
		return out
	case syntax.OpCapture, syntax.OpPlus:
		return regexpStretches(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return regexpStretches(re.Sub[0])
		}
	case syntax.OpConcat:
		var out []stretch
		for i, sub := range re.Sub {
			found := regexpStretches(sub)
			if sub.Op == syntax.OpLiteral && len(found) == 1 && utf8.RuneCountInString(found[0].text) == len(sub.Rune) {
				found[0].start = i > 0 && re.Sub[i-1].Op == syntax.OpBeginText
				found[0].end = i+1 < len(re.Sub) && re.Sub[i+1].Op == syntax.OpEndText
			}
			out = append(out, found...)
		}
		return out
	}
	return nil
}

// bestNeedle returns the needle of stretches that most rows lack.
func bestNeedle(ss []stretch, plain bool) (best needle, ok bool) {
	for _, s := range ss {
		if ns := s.needles(plain); len(ns) > 0 && (!ok || ns[0].worth() > best.worth()) {
			best, ok = ns[0], true
		}
	}
	return best, ok
}

// ask prints the question for the needle.
func (n needle) ask(text string) string {
	op := " contains"
	if n.term {
		op = " has"
	}
	if n.cased {
		op += "_cs"
	}
	return text + op + " " + kqlString(n.text)
}

// behind puts a question for what must stand in a text in front of one that is
// dear.
func behind(ss []stretch, text, dear string) string {
	if n, ok := bestNeedle(ss, true); ok {
		return n.ask(text) + " and " + dear
	}
	return dear
}

// need is what a condition needs: one of needles in the text of a column.
type need []columnNeedle

type columnNeedle struct {
	column string
	plain  bool // of text, which the condition behind it asks likewise
	needle
	// escaped: below the column is JSON in a text, whose writer may have
	// written any character as \u and its number.
	escaped bool
}

// worth of a need is that of its least needle.
func (n need) worth() int {
	least := 0
	for i, x := range n {
		if w := x.worth(); i == 0 || w < least {
			least = w
		}
	}
	return least
}

// needOf returns what a condition over an element or row needs; nil for what is
// not known. column is where the elements are stored, "" for a row of columns.
func (p *kqlPrinter) needOf(e ir.Expr, column string, escaped bool) need {
	switch e := e.(type) {
	case *ir.Selection:
		return p.needOf(e.X, column, escaped)
	case *ir.And:
		var best need
		for _, x := range e.X {
			best = betterNeed(best, p.needOf(x, column, escaped))
		}
		return best
	case *ir.Or:
		var all need
		for _, x := range e.X {
			n := p.needOf(x, column, escaped)
			if n == nil {
				return nil
			}
			all = append(all, n...)
		}
		return all
	case *ir.Any:
		at, ok := p.stored(e.Over, column, escaped)
		if !ok || at.plain {
			return nil
		}
		return betterNeed(p.needOf(e.X, at.column, at.escaped), at.need)
	case *ir.Match:
		return p.matchNeeds(e, column, escaped)
	}
	return nil
}

func betterNeed(a, b need) need {
	switch {
	case a == nil, b != nil && (b.worth() > a.worth() || b.worth() == a.worth() && len(b) < len(a)):
		return b
	}
	return a
}

// storedAt is where the scalars of a field are stored.
type storedAt struct {
	column  string
	plain   bool // a column of text; else JSON, or text that holds JSON
	escaped bool
	need    need // of the names of elements on the way
}

func (p *kqlPrinter) stored(f ir.Field, column string, escaped bool) (storedAt, bool) {
	at := storedAt{column: column, escaped: escaped}
	steps := f.Steps()
	if f.Derive != nil {
		return at, false
	}
	for i, s := range steps {
		first := i == 0 && column == ""
		if first {
			at.column = kqlName(s.Key)
			switch f.ColumnType {
			case ir.TypeJSON, ir.TypeUnknown:
			case ir.TypeString, ir.TypeIP, ir.TypeNumeric:
				at.plain = !s.JSON
				at.escaped = s.JSON
			default:
				return at, false
			}
			if f.Join != nil || f.Column == "" {
				return at, false
			}
		} else if s.JSON {
			at.escaped = true
		}
		if s.Where.Key != "" {
			if n, ok := bestNeedle(stretches(ir.Equal, ir.String(s.Where.Value), false), false); ok {
				at.need = betterNeed(at.need, need{{at.column, false, n, at.escaped}})
			}
		}
	}
	return at, at.column != ""
}

func (p *kqlPrinter) matchNeeds(m *ir.Match, column string, escaped bool) need {
	if m.Op == ir.Null { // true of what is not there
		return nil
	}
	var places []storedAt
	if !m.Field.Leaves {
		at, ok := p.stored(m.Field, column, escaped)
		if !ok {
			return nil
		}
		places = []storedAt{at}
	} else if column != "" {
		places = []storedAt{{column: column, escaped: escaped}}
	} else {
		for _, f := range p.rule.Source.Messages {
			at, ok := p.stored(f, "", false)
			if !ok {
				return nil
			}
			if at.plain && f.Type == ir.TypeJSON {
				at.plain, at.escaped = false, true
			}
			places = append(places, at)
		}
	}
	var out need
	for _, v := range m.Values {
		ss := stretches(m.Op, v, m.Cased)
		for _, at := range places {
			n, ok := bestNeedle(ss, at.plain)
			switch {
			case !ok && len(places) == 1:
				return at.need
			case !ok:
				return nil
			}
			out = append(out, columnNeedle{at.column, at.plain, n, at.escaped})
		}
	}
	if len(places) == 1 {
		out = betterNeed(out, places[0].need)
	}
	return out
}

// plain reports whether all of it is of columns of text.
func (n need) plain() bool {
	return !slices.ContainsFunc(n, func(x columnNeedle) bool { return !x.plain })
}

// print prints the question for a need, "" for one that is not worth it. Case is
// not asked for: what occurs in its case occurs.
func (n need) print() string {
	if len(n) == 0 || len(n) > needlesMost {
		return ""
	}
	type key struct {
		column string
		term   bool
	}
	found := map[key][]string{}
	var order []key
	var escaped []string
	for _, x := range n {
		k := key{x.column, x.term}
		if found[k] == nil {
			order = append(order, k)
		}
		if literal := kqlString(x.text); !slices.Contains(found[k], literal) {
			found[k] = append(found[k], literal)
		}
		if x.escaped && !slices.Contains(escaped, x.column) {
			escaped = append(escaped, x.column)
		}
	}
	var parts []string
	for _, k := range order {
		switch literals := found[k]; {
		case k.term && len(literals) > 1:
			parts = append(parts, k.column+" has_any "+kqlList(literals))
		case k.term:
			parts = append(parts, k.column+" has "+literals[0])
		default:
			for _, l := range literals {
				parts = append(parts, k.column+" contains "+l)
			}
		}
	}
	for _, c := range escaped {
		parts = append(parts, c+` contains @"\u"`)
	}
	text := kqlJoin(" or ", parts)
	if utf8.RuneCountInString(text) > needlesWidth {
		return ""
	}
	return text
}

// dear reports whether a printed condition reads JSON or runs an expression over
// what is stored in JSON, so that a question to the column pays.
func dear(text string) bool {
	return strings.Contains(text, "parse_json(") || strings.Contains(text, " matches regex ")
}
