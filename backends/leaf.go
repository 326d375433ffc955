package backends

import (
	"regexp"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// What a Match comes to at a place of a known type
//
// In an event a scalar says itself what it is. In a table the column does, or,
// below a JSON column, the value of the row. testsOf splits a Match into tests
// that each ask one thing of scalars of stated kinds; what the contract says of
// a kind is decided here and nowhere else in this package. A printer writes a
// test as text of its language and sees to it that the test is false, not
// unknown and no error, of every other kind that the place can hold.

// kinds is a set of kinds of scalars.
type kinds uint8

const (
	textKind kinds = 1 << iota
	numberKind
	boolKind
	// timeKind, guidKind are values of typed columns that print as text in an
	// event: a datetime, a GUID.
	timeKind
	guidKind
	// objectKind: an object can be there too. It yields no scalar; a printer
	// must not take its JSON for text.
	objectKind

	anyKind = textKind | numberKind | boolKind | objectKind
)

// kindsOf returns what a field can hold in a table: of a column what its type
// says; of a key below a JSON column anything, unless the pipeline says what.
func kindsOf(f ir.Field) kinds {
	if f.Derive != nil {
		return numberKind
	}
	t := f.Type
	if len(f.Path) == 1 && f.Column != "" && f.ColumnType != ir.TypeJSON && f.ColumnType != ir.TypeUnknown && t != ir.TypeJSON {
		return kindsOfColumn(f.ColumnType)
	}
	switch t {
	case ir.TypeString, ir.TypeIP, ir.TypeNumeric, ir.TypeGUID, ir.TypeDatetime, ir.TypeTimespan:
		return textKind
	case ir.TypeInt, ir.TypeLong, ir.TypeReal:
		return numberKind
	case ir.TypeBool:
		return boolKind
	}
	return anyKind
}

func kindsOfColumn(t ir.Type) kinds {
	switch t {
	case ir.TypeInt, ir.TypeLong, ir.TypeReal:
		return numberKind
	case ir.TypeBool:
		return boolKind
	case ir.TypeDatetime:
		return timeKind
	case ir.TypeGUID:
		return guidKind
	case ir.TypeJSON, ir.TypeUnknown:
		return anyKind
	}
	return textKind
}

// ask is what a test asks.
type ask uint8

const (
	askText     ask = iota // the text form compares with one of texts as how says
	askLike                // the text form fits one of patterns
	askRegexp              // one of regexps is found in the text form
	askNumber              // the value compares with one of numbers as how says; of textKind: it has the form of a number, and its value does
	askBool                // it is truth
	askNetwork             // it parses as an address in one of networks
	askField               // it compares with a scalar of one of fields as how says
	askAnything            // true of every scalar of the kinds
)

// test asks one thing of a scalar of certain kinds.
type test struct {
	ask      ask
	kinds    kinds
	how      ir.Op // of askText, askNumber, askField
	cased    bool
	texts    []string // folded unless cased
	written  []string // texts as their author spelled them
	patterns []ir.Pattern
	regexps  []ir.Regex
	numbers  []ir.Number
	truth    bool
	networks []ir.Prefix
	lists    []string // of networks that the query reads, of askNetwork
	// arguments are numbers that are given when the query is called, of
	// askNumber. Such a test has no others.
	arguments []ir.Argument
	fields    []ir.Field
}

// testsOf returns the tests of which one must be true of one scalar of the
// field, which holds scalars of the kinds in at. None: the Match is false of
// every row. Null and Exists are not about scalars and have no tests.
func testsOf(m *ir.Match, at kinds) []test {
	var out testList
	for _, v := range m.Values {
		switch v := v.(type) {
		case ir.String:
			out.addText(m, string(v), at)
		case ir.Number:
			out.add(test{ask: askNumber, how: m.Op, kinds: at & (textKind | numberKind), numbers: []ir.Number{v}})
		case ir.Bool:
			out.add(test{ask: askText, how: ir.Equal, kinds: at & textKind, texts: []string{boolText(bool(v))}, written: []string{boolText(bool(v))}})
			out.add(test{ask: askBool, kinds: at & boolKind, truth: bool(v)})
		case ir.Pattern:
			if v.ReadsList() { // what it is of cannot be answered here
				if k := at & textForm; k != 0 {
					out.tests = append(out.tests, test{ask: askLike, cased: m.Cased, kinds: k, patterns: []ir.Pattern{v}})
				}
				continue
			}
			out.add(test{ask: askLike, cased: m.Cased, kinds: at & textForm, patterns: []ir.Pattern{v}})
		case ir.Regex:
			out.add(test{ask: askRegexp, cased: true, kinds: at & textForm, regexps: []ir.Regex{v}})
		case ir.Prefix:
			out.add(test{ask: askNetwork, kinds: at & textKind, networks: []ir.Prefix{v}})
		case ir.Networks:
			if k := at & textKind; k != 0 {
				out.tests = append(out.tests, test{ask: askNetwork, kinds: k, lists: []string{v.Parameter}})
			}
		case ir.Argument:
			if k := at & (textKind | numberKind); k != 0 {
				out.tests = append(out.tests, test{ask: askNumber, how: m.Op, kinds: k, arguments: []ir.Argument{v}})
			}
		case ir.FieldRef:
			out.add(test{ask: askField, how: m.Op, cased: m.Cased, kinds: at &^ objectKind, fields: []ir.Field{v.Field}})
		}
	}
	return out.tests
}

// textForm are the kinds that text operators see as text.
const textForm = textKind | numberKind | boolKind | timeKind | guidKind

type testList struct{ tests []test }

// add joins a test to one that differs in its values only. A test of no kind is
// left out; a text test of booleans alone is answered here.
func (l *testList) add(t test) {
	if t.kinds == 0 {
		return
	}
	if t.kinds == boolKind && t.ask != askBool && t.ask != askField {
		onTrue, onFalse := t.ofText("true"), t.ofText("false")
		switch {
		case onTrue && onFalse:
			t = test{ask: askAnything, kinds: boolKind}
		case onTrue || onFalse:
			t = test{ask: askBool, kinds: boolKind, truth: onTrue}
		default:
			return
		}
	}
	for i := range l.tests {
		o := &l.tests[i]
		if len(o.lists)+len(o.arguments) > 0 || len(o.patterns) > 0 && o.patterns[0].ReadsList() {
			continue // a test of its own
		}
		if o.ask == t.ask && o.kinds == t.kinds && o.how == t.how && o.cased == t.cased && (t.ask != askBool || o.truth == t.truth) {
			o.texts = append(o.texts, t.texts...)
			o.written = append(o.written, t.written...)
			o.patterns = append(o.patterns, t.patterns...)
			o.regexps = append(o.regexps, t.regexps...)
			o.numbers = append(o.numbers, t.numbers...)
			o.networks = append(o.networks, t.networks...)
			o.fields = append(o.fields, t.fields...)
			return
		}
	}
	l.tests = append(l.tests, t)
}

// addText adds the tests of a String: of Equal, numbers compare by value with a
// number text and booleans with their own text in any case.
func (l *testList) addText(m *ir.Match, v string, at kinds) {
	text := v
	if !m.Cased {
		text = ir.Fold(v)
	}
	t := test{ask: askText, how: m.Op, cased: m.Cased, texts: []string{text}, written: []string{v}}
	if m.Op != ir.Equal {
		t.kinds = at & textForm
		l.add(t)
		return
	}
	t.kinds = at & (textKind | timeKind | guidKind)
	n, isNumber := ir.NumberText(v)
	if at&numberKind != 0 && !isNumber && decimalForm.MatchString(v) { // too long for a number, yet what a number may print as
		t.kinds |= numberKind
	}
	l.add(t)
	if isNumber {
		l.add(test{ask: askNumber, how: ir.Equal, kinds: at & numberKind, numbers: []ir.Number{n}})
	}
	if f := ir.Fold(v); f == "true" || f == "false" {
		l.add(test{ask: askBool, kinds: at & boolKind, truth: f == "true"})
	}
}

// decimalForm is what the text form of a number looks like.
var decimalForm = regexp.MustCompile(`\A-?[0-9]+(\.[0-9]+)?\z`)

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// ofText answers a text test for a text that is known here.
func (t *test) ofText(s string) bool {
	for _, v := range t.texts {
		switch t.how {
		case ir.Equal:
			if s == v {
				return true
			}
		case ir.Contains:
			if strings.Contains(s, v) {
				return true
			}
		case ir.StartsWith:
			if strings.HasPrefix(s, v) {
				return true
			}
		case ir.EndsWith:
			if strings.HasSuffix(s, v) {
				return true
			}
		}
	}
	for _, p := range t.patterns {
		if patternRegexp(p, !t.cased).MatchString(s) {
			return true
		}
	}
	for _, e := range t.regexps {
		if re, err := regexp.Compile(string(e)); err == nil && re.MatchString(s) {
			return true
		}
	}
	return false
}

// patternRegexp is a pattern in Go's syntax, of the whole text.
func patternRegexp(p ir.Pattern, anyCase bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, part := range p {
		switch part.Kind {
		case ir.AnyRun:
			b.WriteString(`.*`)
		case ir.AnyOne:
			b.WriteString(`.`)
		case ir.OneOfList:
			b.WriteString(`[^\s\S]`) // is asked of texts that no list holds, such as the empty one
		default:
			text := part.Text
			if anyCase {
				text = ir.Fold(text)
			}
			b.WriteString(regexp.QuoteMeta(text))
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

// looksLike returns the kinds of scalars, and objectKind, whose text form could
// be equal to the text, so that comparing text forms must not take one for the
// other. A printer leaves out guards against the rest.
func looksLike(text string) kinds {
	k := textKind
	if decimalForm.MatchString(text) || strings.ContainsAny(text, "eE") && numberLike.MatchString(text) {
		k |= numberKind
	}
	if f := ir.Fold(text); f == "true" || f == "false" {
		k |= boolKind
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		k |= objectKind
	}
	return k
}

var numberLike = regexp.MustCompile(`\A[-+]?[0-9.]+[eE][-+]?[0-9]+\z`)

// apart returns the test as tests of one kind each, where it compares text forms
// and kinds differ in how they come to one: of texts, GUIDs and datetimes; of
// numbers, if a number's text form can pass at all; and of booleans, answered.
func (t test) apart() []test {
	if t.ask != askText && t.ask != askLike && t.ask != askRegexp {
		return []test{t}
	}
	var out testList
	for _, k := range []kinds{t.kinds &^ (numberKind | boolKind), t.kinds & numberKind, t.kinds & boolKind} {
		one := t
		one.kinds = k
		if k == numberKind {
			one.texts, one.patterns, one.regexps = nil, nil, nil
			for _, v := range t.texts {
				if strings.Trim(v, "-.0123456789") == "" {
					one.texts = append(one.texts, v)
				}
			}
			for _, v := range t.patterns {
				if fitsDecimal(v) {
					one.patterns = append(one.patterns, v)
				}
			}
			for _, v := range t.regexps {
				if findsInDecimal(v) {
					one.regexps = append(one.regexps, v)
				}
			}
			if len(one.texts)+len(one.patterns)+len(one.regexps) == 0 {
				continue
			}
		}
		out.add(one)
	}
	return out.tests
}

// fitsDecimal reports whether the literals of a pattern can stand in the text
// form of a number.
func fitsDecimal(p ir.Pattern) bool {
	for _, part := range p {
		if strings.Trim(part.Text, "-.0123456789") != "" {
			return false
		}
	}
	return true
}
