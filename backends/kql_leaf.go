package backends

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlScalar is a scalar of a row, or what stands where one may be: a value of
// type dynamic, or a column of some other type.
type kqlScalar struct {
	expr    string
	dynamic bool
	column  ir.Type // unless dynamic
	typ     ir.Type // what the pipeline says of it
	kinds   kinds
	// listed: an element of a list, or what stands for those of an empty one,
	// the list itself.
	listed bool
	row    bool // a value of the row, of no element
}

// text is the text form.
func (s kqlScalar) text() string {
	if !s.dynamic && s.isText() {
		return s.expr
	}
	return "tostring(" + s.expr + ")"
}

// isText: a column of Kusto's type string.
func (s kqlScalar) isText() bool {
	switch s.column {
	case ir.TypeString, ir.TypeIP, ir.TypeNumeric:
		return !s.dynamic
	}
	return false
}

// there is the condition for there being a scalar at all. Text columns hold ""
// where an event has nothing.
func (s kqlScalar) there() string {
	if s.isText() {
		return "isnotempty(" + s.expr + ")"
	}
	if s.listed {
		return "gettype(" + s.expr + `) !in ("null", "array")`
	}
	return "isnotnull(" + s.expr + ")"
}

// is is the condition for a dynamic value being of one of the kinds wanted, as
// short as can be said of what it may be.
func (s kqlScalar) is(want kinds) string {
	if !s.dynamic {
		return ""
	}
	want &^= objectKind
	others := `"dictionary"`
	if s.listed {
		others = `"dictionary", "array"`
	}
	switch unwanted := s.kinds &^ want; {
	case unwanted == 0:
		return ""
	case want == textKind:
		return "gettype(" + s.expr + `) == "string"`
	case want == boolKind:
		return "gettype(" + s.expr + `) == "bool"`
	case want == numberKind:
		return "gettype(" + s.expr + `) in ("int", "long", "real", "double", "decimal")`
	case unwanted&boolKind != 0:
		others += `, "bool"`
	}
	if !strings.Contains(others, ",") {
		return "gettype(" + s.expr + ") != " + others
	}
	return "gettype(" + s.expr + ") !in (" + others + ")"
}

// guard is the condition in front of a test of texts: that the value is of a
// kind whose text counts, and that there is one where the test is true of the
// text of nothing.
func (s kqlScalar) guard(t test) string {
	is := s.is(t.kinds)
	if strings.Contains(is, "==") {
		return is
	}
	var parts []string
	if is != "" {
		parts = append(parts, is)
	}
	if t.ofText("") {
		parts = append(parts, s.there())
	}
	if s.listed && is == "" && t.ofText("[]") {
		parts = append(parts, "gettype("+s.expr+`) != "array"`)
	}
	return kqlJoin(" and ", parts)
}

// leaf prints a Match: a text that is true or false of every row.
func (p *kqlPrinter) leaf(sc *kqlScope, m *ir.Match, negated bool) (string, error) {
	if m.Field.Leaves {
		return p.keywords(sc, m, negated)
	}
	pl, err := p.place(sc, m.Field, m, true)
	if err != nil {
		return "", err
	}
	switch m.Op {
	case ir.Exists:
		return p.ask(sc, pl, pl.present, strings.HasPrefix(pl.present, "bag_has_key") || strings.HasPrefix(pl.present, "array_length"), negated), nil
	case ir.Null:
		p.open(&pl)
		s := pl.scalar(m.Field)
		if m.Field.Derive != nil {
			return "", p.refuse(m, "null of a part of a time cannot be said")
		}
		if len(pl.chain) == 0 {
			if s.isText() {
				return "isempty(" + s.expr + ")", nil
			}
			if s.listed {
				return "gettype(" + s.expr + `) in ("null", "array")`, nil
			}
			return "isnull(" + s.expr + ")", nil
		}
		text, _ := kqlNot(p.ask(sc, pl, s.there(), false, false))
		return text, nil
	}
	p.open(&pl)
	return p.match(sc, m, pl, negated)
}

// match prints a Match at the scalars of a place.
func (p *kqlPrinter) match(sc *kqlScope, m *ir.Match, pl kqlPlace, negated bool) (text string, err error) {
	scalar := pl.scalar(m.Field)
	var parts []string
	ts := testsOf(m, pl.kinds)
	if d := m.Field.Derive; d != nil {
		if pl, scalar, err = p.derive(sc, m, pl, scalar, *d); err != nil {
			return "", err
		}
	}
	var plain []test
	for _, t := range ts {
		if t.ask != askField {
			plain = append(plain, t)
			continue
		}
		for _, f := range t.fields {
			part, err := p.fieldTest(sc, m, t, pl, scalar, f, negated)
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}
	}
	if len(plain) > 0 {
		if err := p.canSay(m, plain); err != nil {
			return "", err
		}
		parts = append([]string{p.ask(sc, pl, p.tests(plain, scalar), maybeUnknown(plain, scalar), negated)}, parts...)
	}
	if len(parts) == 0 {
		return "false", nil
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr)), nil
}

func (pl kqlPlace) scalar(f ir.Field) kqlScalar {
	return kqlScalar{expr: pl.value, dynamic: pl.dynamic, column: pl.column, typ: f.Type, kinds: pl.kinds, listed: pl.listed, row: pl.row && len(pl.chain) == 0}
}

// ask prints a condition on a place: as it is, or as the answer to a question
// about the elements of a list.
func (p *kqlPrinter) ask(sc *kqlScope, pl kqlPlace, condition string, unknown, negated bool) string {
	if len(pl.chain) > 0 {
		conditions := pl.conditions
		if condition != "true" {
			conditions = append(conditions[:len(conditions):len(conditions)], condition)
		}
		return sc.flag(p, &kqlApply{chain: pl.chain}, append([]string{}, conditions...))
	}
	if unknown && negated {
		return "coalesce(" + condition + ", false)"
	}
	return condition
}

// maybeUnknown reports whether a test can be null: comparisons of numbers that
// are not there, addresses that are none.
func maybeUnknown(ts []test, s kqlScalar) bool {
	for _, t := range ts {
		if t.ask == askNetwork || t.ask == askNumber && (t.how != ir.Equal || s.dynamic || s.isText()) {
			return true
		}
	}
	return false
}

// canSay refuses what no text can be printed for.
func (p *kqlPrinter) canSay(m *ir.Match, ts []test) error {
	for _, t := range ts {
		for _, e := range t.regexps {
			if _, err := writeRegexp(e, kqlSyntax); err != nil {
				return p.refuse(m, "the regular expression %q cannot be said", string(e))
			}
		}
	}
	return nil
}

// parenthesised puts parts that bind looser than above in parentheses, if there
// are several.
func parenthesised(parts []string, above ir.Precedence) []string {
	if len(parts) < 2 {
		return parts
	}
	out := make([]string, len(parts))
	for i, t := range parts {
		if kqlPrecedence(t) < above {
			t = "(" + t + ")"
		}
		out[i] = t
	}
	return out
}

// tests prints tests of which one must be true of a scalar.
func (p *kqlPrinter) tests(ts []test, s kqlScalar) string {
	var parts []string
	for i, t := range ts {
		if t.ask == askBool && saidAsText(ts[:i], t) {
			continue
		}
		parts = append(parts, p.test(t, s))
	}
	if len(parts) == 0 {
		return "false"
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr))
}

// saidAsText reports whether a test of texts before is true of this boolean's
// text too, so that the printed comparison covers both.
func saidAsText(before []test, b test) bool {
	for _, t := range before {
		if t.ask == askText && t.how == ir.Equal && !t.cased {
			for _, v := range t.texts {
				if v == boolText(b.truth) {
					return true
				}
			}
		}
	}
	return false
}

// test prints one test of a scalar.
func (p *kqlPrinter) test(t test, s kqlScalar) string {
	switch t.ask {
	case askText:
		return textTest(t, s)
	case askLike:
		return p.likeTest(t, s)
	case askRegexp:
		var parts []string
		for _, e := range t.regexps {
			written, err := writeRegexp(e, kqlSyntax)
			if err != nil {
				panic(err) // canSay
			}
			part := s.text() + " matches regex " + kqlString(written)
			parts = append(parts, behind(stretches(ir.Regexp, e, true), s.text(), part))
		}
		return guarded(s.guard(t), parenthesised(parts, ir.PrecedenceOr))
	case askNumber:
		return numberTest(t, s)
	case askBool:
		if s.dynamic {
			return guarded(s.is(boolKind), []string{s.text() + ` == "` + boolText(t.truth) + `"`})
		}
		return s.expr + " == " + boolText(t.truth)
	case askNetwork:
		return p.networkTest(t, s)
	case askAnything:
		return s.there()
	}
	panic("backends: unknown test")
}

// guarded puts a condition, if any, in front of alternatives.
func guarded(guard string, parts []string) string {
	text := kqlJoin(" or ", parts)
	if guard == "" {
		return text
	}
	if kqlPrecedence(text) < ir.PrecedenceAnd {
		text = "(" + text + ")"
	}
	return guard + " and " + text
}

// textTest compares texts.
func textTest(t test, s kqlScalar) string {
	if t.how == ir.Equal {
		return equalTest(t, s)
	}
	op := map[ir.Op]string{ir.Contains: "contains", ir.StartsWith: "startswith", ir.EndsWith: "endswith"}[t.how]
	if t.cased {
		op += "_cs"
	}
	var parts []string
	for _, v := range t.written {
		if v == "" { // true of every text
			if is := s.is(t.kinds); is != "" {
				return is + " and " + s.there()
			}
			return s.there()
		}
	}
	if len(t.written) >= kqlAlternatives {
		return guarded(s.guard(t), []string{s.text() + " matches regex " + kqlString(alternatives(t))})
	}
	for _, v := range t.written {
		parts = append(parts, s.text()+" "+op+" "+kqlString(v))
	}
	return guarded(s.guard(t), parts)
}

// kqlAlternatives is from how many texts on one regular expression stands for a
// chain of contains: it is shorter then, and the depth of the query stays.
const kqlAlternatives = 12

// alternatives is a regular expression for what a text test of many texts asks.
func alternatives(t test) string {
	var b strings.Builder
	if !t.cased {
		b.WriteString("(?i)")
	}
	if t.how == ir.StartsWith {
		b.WriteString(`\A`)
	}
	before, after := shared(t.written)
	b.WriteString(kqlQuoteRegexp(before) + "(?:")
	for i, v := range t.written {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(kqlQuoteRegexp(v[len(before) : len(v)-len(after)]))
	}
	b.WriteString(")" + kqlQuoteRegexp(after))
	if t.how == ir.EndsWith {
		b.WriteString(`\z`)
	}
	return b.String()
}

// shared returns how all texts begin and how what is left of them ends.
func shared(texts []string) (before, after string) {
	before = texts[0]
	for _, t := range texts {
		n := 0
		for n < len(before) && n < len(t) && before[n] == t[n] {
			n++
		}
		for n > 0 && n < len(t) && !utf8.RuneStart(t[n]) {
			n--
		}
		before = before[:n]
	}
	after = texts[0][len(before):]
	for _, t := range texts {
		t = t[len(before):]
		n := 0
		for n < len(after) && n < len(t) && after[len(after)-1-n] == t[len(t)-1-n] {
			n++
		}
		for n > 0 && !utf8.RuneStart(after[len(after)-n]) {
			n--
		}
		after = after[len(after)-n:]
	}
	return before, after
}

// kqlQuoteRegexp is literal text in a regular expression.
func kqlQuoteRegexp(s string) string { return kqlSyntax.quote(s) }

func equalTest(t test, s kqlScalar) string {
	var texts []string
	empty := false
	could := textKind
	for i, v := range t.texts {
		if v == "" {
			empty = true
			continue
		}
		texts = append(texts, t.written[i])
		could |= confusedWith(v)
	}
	var parts []string
	switch one, many := "=~", "in~"; {
	case len(texts) == 0:
	default:
		if t.cased {
			one, many = "==", "in"
		}
		if len(texts) == 1 {
			parts = append(parts, s.text()+" "+one+" "+kqlString(texts[0]))
		} else {
			parts = append(parts, s.text()+" "+many+" "+kqlStrings(texts))
		}
		switch {
		case s.dynamic && s.kinds&could&^t.kinds != 0:
			parts[0] = guarded(s.is(t.kinds), parts)
		case s.listed && slices.Contains(texts, "[]"):
			parts[0] = guarded("gettype("+s.expr+`) != "array"`, parts)
		}
	}
	if empty {
		if s.isText() {
			parts = append(parts, "isempty("+s.expr+")")
		} else {
			parts = append(parts, s.there()+" and "+s.text()+` == ""`)
		}
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr))
}

// confusedWith returns the kinds of scalars whose text form could be this text
// though the scalar is not equal to it. A number of the same text is equal to
// it by value, a boolean as well.
func confusedWith(text string) kinds {
	k := looksLike(text) &^ boolKind
	if _, ok := ir.NumberText(text); ok || decimalForm.MatchString(text) {
		k &^= numberKind
	}
	return k
}

// likeTest fits the whole text to patterns, each behind a cheaper test.
func (p *kqlPrinter) likeTest(t test, s kqlScalar) string {
	var parts []string
	for _, pattern := range t.patterns {
		if readsList(pattern) {
			parts = append(parts, p.listTest(pattern, t.cased, s))
			continue
		}
		part := s.there()
		if !matchesAll(pattern) {
			part = behind(stretches(ir.Like, pattern, t.cased), s.text(), s.text()+" matches regex "+kqlString(kqlPattern(pattern, t.cased)))
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 && matchesAll(t.patterns[0]) {
		return guarded(s.is(t.kinds), parts)
	}
	return guarded(s.guard(t), parenthesised(parts, ir.PrecedenceOr))
}

func matchesAll(p ir.Pattern) bool { return len(p) == 1 && p[0].Kind == ir.AnyRun }

// kqlPattern is a pattern as an anchored regular expression.
func kqlPattern(p ir.Pattern, cased bool) string {
	var b strings.Builder
	b.WriteString("(?is)")
	if cased {
		b.Reset()
		b.WriteString("(?s)")
	}
	b.WriteString(`\A`)
	for _, part := range p {
		switch part.Kind {
		case ir.AnyRun:
			b.WriteString(".*")
		case ir.AnyOne:
			b.WriteByte('.')
		default:
			b.WriteString(kqlQuoteRegexp(part.Text))
		}
	}
	b.WriteString(`\z`)
	return b.String()
}

var kqlNumberForm = kqlString(`\A` + strings.ReplaceAll(ir.NumberTextForm, `(`, `(?:`) + `\z`)

var kqlNumberOps = map[ir.Op]string{ir.Equal: "==", ir.Less: "<", ir.LessOrEqual: "<=", ir.Greater: ">", ir.GreaterOrEqual: ">="}

// numberTest compares by value.
func numberTest(t test, s kqlScalar) string {
	if s.isText() && s.typ == ir.TypeNumeric && t.how == ir.Equal {
		return equalNumerals(t, s)
	}
	if s.dynamic && s.kinds == textKind && s.typ == ir.TypeNumeric && t.how == ir.Equal {
		return equalNumerals(t, s)
	}
	value, form := s.expr, ""
	switch {
	case s.isText() || s.dynamic && t.kinds == textKind && s.kinds == textKind, s.dynamic && t.kinds&(textKind|numberKind) == textKind|numberKind && smallIntegers(t):
		form = s.text() + " matches regex " + kqlNumberForm
		value = "todouble(" + s.text() + ")"
	case s.dynamic && t.kinds&textKind != 0:
		form = s.is(textKind | numberKind)
		if form != "" {
			form += " and "
		}
		form += "(gettype(" + s.expr + `) != "string" or ` + s.text() + " matches regex " + kqlNumberForm + ")"
		value = "todouble(" + s.text() + ")"
	case s.dynamic:
		form = s.is(numberKind)
		value = "todouble(" + s.text() + ")"
	}
	return guarded(form, comparisons(value, t))
}

// smallIntegers reports whether the test is for equality with integers that
// every number equal to them is written like, so that the form of a number can
// be asked of any value's text.
func smallIntegers(t test) bool {
	for _, n := range t.numbers {
		if !n.IsInt || n.Int > 1e14 || n.Int < -1e14 {
			return false
		}
	}
	return t.how == ir.Equal
}

// exactDouble is up to where every integer is a double of its own.
const exactDouble = 1 << 53

func comparisons(value string, t test) []string {
	var parts, literals []string
	for _, n := range t.numbers {
		v := value
		if n.IsInt && (n.Int >= exactDouble || n.Int <= -exactDouble) && strings.HasPrefix(value, "todouble(") {
			v = "tolong(" + strings.TrimPrefix(value, "todouble(")
			if t.how != ir.Equal {
				parts = append(parts, "coalesce("+v+" "+kqlNumberOps[t.how]+" "+kqlNumber(n)+", "+value+" "+kqlNumberOps[t.how]+" "+kqlNumber(n)+")")
				continue
			}
		}
		if t.how == ir.Equal && v == value {
			literals = append(literals, kqlNumber(n))
			continue
		}
		parts = append(parts, v+" "+kqlNumberOps[t.how]+" "+kqlNumber(n))
	}
	switch len(literals) {
	case 0:
	case 1:
		parts = append(parts, value+" == "+literals[0])
	default:
		parts = append(parts, value+" in "+kqlList(literals))
	}
	return parts
}

// equalNumerals compares the text of a place that holds numbers in their
// shortest form with that of numbers.
func equalNumerals(t test, s kqlScalar) string {
	var texts []string
	for _, n := range t.numbers {
		texts = append(texts, n.String())
	}
	if len(texts) == 1 {
		return s.text() + " == " + kqlString(texts[0])
	}
	return s.text() + " in " + kqlStrings(texts)
}
