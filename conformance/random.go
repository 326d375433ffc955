package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Random makes rule trees and events that are made for each other: an event is
// built from the tree that it will be put to, so that verdicts are true about
// as often as false and every cell of the contract comes up. The same seed
// gives the same pairs. A Random is not safe for concurrent use.
//
// The fields may be set before the first use: an engine that cannot say or
// store something takes it out of them.
type Random struct {
	*rand.Rand
	// Fields are what trees ask about.
	Fields []ir.Field
	// Lists are what list blocks stand on, and InList what they ask of the
	// elements.
	Lists  []ir.Field
	InList []ir.Field
	// Ops are the operators in use.
	Ops []ir.Op
	// Words are where texts come from.
	Words []string
	// Exact keeps keys as the fields spell them: no key in another case, no
	// dotted key for a path or the other way round.
	Exact bool
	// Depth is how deep And, Or, Not and Any may nest; 0 means 3.
	Depth int
}

// NewRandom returns a Random that uses everything the contract speaks of.
func NewRandom(seed uint64) *Random {
	r := &Random{Rand: rand.New(rand.NewPCG(seed, 0)), Ops: ir.Ops(), Words: Words()}
	for _, spec := range []string{"a", "b", "c", "Höhe", "Ä", "Ὀδός", "Große Öffnung", "größe.ÜBER", "user.name", "list", "list[0]", "list[1]", "m[0][1]", "props{}.x", "props{}.y.z", "p{}[Name=To].Value",
		"objs.k", "objs[1].k", "deep.er.and.deeper", "a-b c", "Addr@ip", "*", "t@hour", "t@weekday", "t@weekday(Europe/Berlin)", "t@minute(Asia/Kolkata)", "t@year", "end@duration(60,start)"} {
		r.Fields = append(r.Fields, mustField(spec))
	}
	for _, spec := range []string{"items", "props{}.y", "a", "outer.inner", "objs"} {
		r.Lists = append(r.Lists, mustField(spec))
	}
	for _, spec := range []string{".", "k", "K.v", "sub[0]", "b", "Ärger", "j{}.x", "t@hour"} {
		r.InList = append(r.InList, mustField(spec))
	}
	return r
}

func mustField(spec string) ir.Field {
	f, err := ir.ParseFieldSpec(spec)
	if err != nil {
		panic(err)
	}
	return f
}

// Words returns texts that engines stumble over: quotes and line breaks,
// wildcards of several languages, letters whose case is odd, code points
// outside the basic plane, numbers at the edge of the number form, addresses.
func Words() []string {
	return []string{
		"foo", "Bar", "x", "The quick brown fox", " leading", "trailing ", "a.b", "powershell.exe -enc",
		`it's`, `say "hi"`, "'''", `"""`, "[[x]]", "]]", "--", "/* */", "$1", "${x}", "%41", "50%", "under_score", `C:\Windows\System32`, `\\host\share$`, `a\*b`, `\`, "`",
		"*", "?", "a*c", "^x$", "(a|b)+", "line\nbreak", "cr\r\nlf", "tab\tbed", "nul\x00byte", "\u2028", "",
		"Ä", "äöü ÄÖÜ", "Straße", "STRAẞE", "ΣΊΣΥΦΟΣ", "σίσυφος", "ς", "Kelvin \u212a", "kelvin k", "\u0130stanbul", "istanbul", "ı", "Ångström \u212b", "ǅ", "ﬁ", "e\u0301", "😀", "x😀y", "𝒳𝒴", "\U00010400", "\uffff",
		"true", "True", "FALSE", "null", "<null>", "NaN", "Infinity",
		"0", "1", "-0", "00", "007", "5", "5.0", "5.", ".5", "+5", "-5", " 5", "5 ", "1e3", "0x10", "1,000", "５", "123456789012345", "1234567890123456", "-999999999999999", "999999999999999.999999999999999",
		"0.1", "0.123456789012345", "0.1234567890123456", "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
		"10.0.0.1", "10.0.0.1:443", "10.255.0.9", "192.168.1.1", "::ffff:10.0.0.1", "[2001:db8::1]:8443", "2001:db8::1", "2001:0DB8:0:0::1", "fe80::1%eth0", "010.0.0.1", "10.0.0", "::1",
		"2026-03-01T23:30:00Z", "2026-03-29T01:30:00.1234567Z", "2024-12-31T23:59:59", "2026-06-15T12:00:00+05:30",
	}
}

var randomNumbers = []ir.Number{
	{IsInt: true}, {IsInt: true, Int: 1}, {IsInt: true, Int: -1}, {IsInt: true, Int: 5}, {IsInt: true, Int: 23}, {IsInt: true, Int: 1000}, {IsInt: true, Int: 2026},
	{IsInt: true, Int: math.MaxInt32}, {IsInt: true, Int: math.MaxInt32 + 1}, {IsInt: true, Int: 999999999999999}, {IsInt: true, Int: 9007199254740992}, {IsInt: true, Int: 9007199254740993},
	{IsInt: true, Int: math.MaxInt64}, {IsInt: true, Int: math.MaxInt64 - 1}, {IsInt: true, Int: math.MinInt64},
	{Float: 0.5}, {Float: 5}, {Float: -2.25}, {Float: 0.1}, {Float: 1e20}, {Float: 1e-7}, {Float: 123456.789}, {Float: 9007199254740992},
}

var randomPrefixes = []string{"10.0.0.0/8", "10.0.0.0/30", "192.168.1.1/32", "0.0.0.0/0", "2001:db8::/32", "::1/128", "::/0"}

var randomTimes = []string{"2026-03-01T23:30:00Z", "2026-03-29T01:30:00.1234567Z", "2024-12-31T23:59:59", "2026-06-15T12:00:00+05:30", "2026-03-01T23:31:30Z", "2027-01-01T00:00:00.5Z"}

// pick returns one of the choices.
func pick[T any](r *Random, choices ...T) T { return choices[r.IntN(len(choices))] }

// chance is true in p of 100 cases.
func (r *Random) chance(p int) bool { return r.IntN(100) < p }

// Pair returns a tree and an event that was built for it.
func (r *Random) Pair() (ir.Expr, map[string]any) {
	e := r.Tree()
	return e, r.Event(e)
}

// Tree returns a rule tree.
func (r *Random) Tree() ir.Expr {
	depth := r.Depth
	if depth == 0 {
		depth = 3
	}
	return r.tree(min(r.IntN(depth+3), depth), r.Fields, true)
}

func (r *Random) tree(depth int, fields []ir.Field, top bool) ir.Expr {
	if depth == 0 || r.chance(30) {
		return r.match(fields)
	}
	some := func() []ir.Expr {
		xs := make([]ir.Expr, 1+r.IntN(3))
		for i := range xs {
			xs[i] = r.tree(depth-1, fields, top)
		}
		return xs
	}
	switch n := r.IntN(20); {
	case n < 6:
		return &ir.And{X: some()}
	case n < 12:
		return &ir.Or{X: some()}
	case n < 15:
		return &ir.Not{X: r.tree(depth-1, fields, top)}
	case n < 18 && len(r.Lists) > 0:
		over := pick(r, r.Lists...)
		if !top {
			over = pick(r, mustField("."), mustField("sub"), mustField("k"))
		}
		return &ir.Any{Over: over, X: r.tree(depth-1, r.InList, false)}
	case n < 19 && top:
		return &ir.Selection{Name: pick(r, "selection", "filter_main", "s 1"), X: r.tree(depth-1, fields, top)}
	default:
		if r.chance(10) {
			return ir.Const(r.chance(50))
		}
		return r.match(fields)
	}
}

func (r *Random) match(fields []ir.Field) ir.Expr {
	for {
		m := &ir.Match{Field: pick(r, fields...), Op: pick(r, r.Ops...)}
		if m.Field.Derive != nil && !numeric(m.Op) {
			if m.Op = pick(r, r.Ops...); !numeric(m.Op) {
				continue
			}
		}
		if m.Field.Leaves && (m.Op == ir.Null || m.Op == ir.Exists) {
			continue
		}
		switch m.Op {
		case ir.Equal, ir.Contains, ir.StartsWith, ir.EndsWith, ir.Like:
			m.Cased = r.chance(15)
		}
		for n := 1 + r.IntN(3); n > 0 && m.Op != ir.Null && m.Op != ir.Exists; n-- {
			m.Values = append(m.Values, r.value(m, fields))
		}
		return m
	}
}

// numeric reports whether the operator compares numbers.
func numeric(op ir.Op) bool {
	return slices.Contains([]ir.Op{ir.Equal, ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual}, op)
}

func (r *Random) value(m *ir.Match, fields []ir.Field) ir.Value {
	if d := m.Field.Derive; d != nil {
		if t, ok := timeOf(pick(r, randomTimes...)); ok && d.Kind != ir.Duration {
			for _, n := range derive(*d, t, nil) {
				return n.(number).value()
			}
		}
		return pick(r, ir.Number{IsInt: true}, ir.Number{IsInt: true, Int: 1}, ir.Number{IsInt: true, Int: 10000}, ir.Number{Float: 1.5})
	}
	switch m.Op {
	case ir.Equal:
		switch n := r.IntN(20); {
		case n < 5:
			return pick(r, randomNumbers...)
		case n < 8:
			return ir.Bool(r.chance(50))
		}
		fallthrough
	case ir.Contains, ir.StartsWith, ir.EndsWith:
		if r.chance(10) {
			for {
				if f := pick(r, fields...); f.Derive == nil && !f.Leaves {
					return ir.FieldRef{Field: f}
				}
			}
		}
		w := r.word()
		if m.Op == ir.Equal && r.chance(20) {
			w = pick(r, "", "5", "5.0", "0", "23", "1000", "true", "False")
		}
		if m.Op != ir.Equal && len(w) > 0 && r.chance(30) {
			w = r.piece(w)
		}
		return ir.String(w)
	case ir.Like:
		return r.pattern(r.word())
	case ir.Regexp:
		return r.regex(r.word())
	case ir.InNetwork:
		return ir.PrefixOf(netip.MustParsePrefix(pick(r, randomPrefixes...)))
	default:
		return pick(r, randomNumbers...)
	}
}

// word returns a text, more often than by chance one with letters outside ASCII.
func (r *Random) word() string {
	for {
		if w := pick(r, r.Words...); !isASCII(w) || r.chance(75) {
			return w
		}
	}
}

// piece returns part of a text, cut between code points.
func (r *Random) piece(w string) string {
	t := []rune(w)
	from := r.IntN(len(t))
	return string(t[from : from+1+r.IntN(len(t)-from)])
}

// pattern puts wildcards into a text.
func (r *Random) pattern(w string) ir.Pattern {
	var p ir.Pattern
	add := func(part ir.PatternPart) {
		n := len(p)
		switch {
		case n > 0 && part.Kind == ir.AnyRun && p[n-1].Kind == ir.AnyRun:
		case n > 0 && part.Kind == ir.Literal && p[n-1].Kind == ir.Literal:
			p[n-1].Text += part.Text
		default:
			p = append(p, part)
		}
	}
	wild := false
	for _, c := range w {
		switch n := r.IntN(10); {
		case n == 0:
			add(ir.PatternPart{Kind: ir.AnyOne})
			wild = true
		case n == 1:
			add(ir.PatternPart{Kind: ir.AnyRun})
			wild = true
		default:
			add(ir.PatternPart{Text: string(c)})
		}
	}
	if !wild || r.chance(20) {
		add(ir.PatternPart{Kind: ir.AnyRun})
	}
	return p
}

// regex makes a regular expression that the text satisfies, or nearly.
func (r *Random) regex(w string) ir.Regex {
	q := regexp.QuoteMeta(w)
	re := pick(r, q, `^`+q+`$`, `\A`+q+`\z`, q+`+`, `(?:`+q+`|nothing)`, `[a-fä]+`, `^[^/]*$`, `\d{1,3}`, `\w+\s`, `(`+q+`){1,2}`, `.`, `^.{3,}$`, `\bfoo\b`, `\p{Lu}`, `$`, `^\s*$`)
	if t := []rune(w); len(t) > 2 && r.chance(30) {
		i := 1 + r.IntN(len(t)-2)
		re = regexp.QuoteMeta(string(t[:i])) + pick(r, `.`, `.*`, `.?.`, `[^x]`) + regexp.QuoteMeta(string(t[i+1:]))
	}
	if _, err := regexp.Compile(re); err != nil { // such as + behind an empty text
		re = q
	}
	return ir.Regex(pick(r, "", "", "(?i)", "(?s)", "(?m)", "(?im)", "(?ims)") + re)
}

// Event returns an event built for e: each Match gets something that fits, or
// nearly, or one of the cells of the contract.
func (r *Random) Event(e ir.Expr) map[string]any {
	ev := map[string]any{}
	if r.chance(30) {
		ev["noise"] = pick[any](r, "foo", json.Number("5"), nil, []any{}, map[string]any{"a": "foo"})
	}
	r.furnish(e, ev)
	return ev
}

// furnish gives an object what the leaves of e look for.
func (r *Random) furnish(e ir.Expr, o map[string]any) {
	switch e := e.(type) {
	case *ir.Any:
		if e.Over.Leaves {
			return
		}
		r.place(o, e.Over.Path, func() (any, bool) { return r.list(e.X), true }, false)
	case *ir.Match:
		if e.Field.Leaves {
			o[pick(r, "note", "message")], _ = r.content(e)
			return
		}
		r.place(o, e.Field.Path, func() (any, bool) { return r.content(e) }, true)
		if d := e.Field.Derive; d != nil && d.Since != nil {
			r.place(o, *d.Since, func() (any, bool) { return pick(r, randomTimes...), r.chance(80) }, true)
		}
		for _, v := range e.Values {
			if ref, ok := v.(ir.FieldRef); ok && len(ref.Field.Path) > 0 {
				if xs := scalars(e.Field, o); len(xs) > 0 && r.chance(60) {
					x := pick(r, xs...)
					if n, ok := x.(number); ok {
						x = json.Number(n.text())
					}
					if t, ok := x.(string); ok {
						x = pick(r, t, r.recase(t))
					}
					r.place(o, ref.Field.Path, func() (any, bool) { return x, true }, false)
				}
			}
		}
	default:
		for _, x := range ir.Children(e) {
			r.furnish(x, o)
		}
	}
}

// list returns something that a list block with the body x looks at.
func (r *Random) list(x ir.Expr) any {
	element := func() any {
		for _, m := range ir.Matches(x) {
			if len(m.Field.Path) == 0 && !m.Field.Leaves && r.chance(70) {
				v, _ := r.content(m)
				return v
			}
		}
		o := map[string]any{}
		r.furnish(x, o)
		return o
	}
	switch r.IntN(12) {
	case 0:
		return nil
	case 1:
		return []any{}
	case 2:
		return element()
	case 3:
		return []any{[]any{element()}, element()}
	case 4:
		return "scalar"
	default:
		list := make([]any, 1+r.IntN(3))
		for i := range list {
			list[i] = element()
		}
		return list
	}
}

// place puts content where a path leads, making what is missing on the way.
// Nothing happens where something stands in the way already.
func (r *Random) place(o map[string]any, path ir.Path, content func() (any, bool), wrap bool) {
	if len(path) == 0 {
		return
	}
	v, ok := content()
	if !ok {
		return
	}
	if _, list := v.([]any); wrap && !list && r.chance(8) {
		v = pick[any](r, []any{v}, []any{"other", v}, []any{nil, []any{v, json.Number("1")}})
	}
	for i := len(path) - 1; i >= 0; i-- {
		s := path[i]
		if s.Where.Key != "" {
			// The steps behind stand in v already.
			el, isObject := v.(map[string]any)
			if !isObject {
				el = map[string]any{}
			}
			el[s.Where.Key] = pick(r, s.Where.Value, r.recase(s.Where.Value), s.Where.Value, "Other")
			v = []any{map[string]any{s.Where.Key: "Other", "Value": "foo"}, el}
		}
		if s.HasPosition {
			list := make([]any, s.Position, s.Position+2)
			for j := range list {
				list[j] = pick[any](r, "foo", nil, json.Number("5"), map[string]any{"k": "foo"})
			}
			v = append(list, v)
			if r.chance(30) {
				v = append(v.([]any), "tail")
			}
		}
		if s.JSON && r.chance(60) {
			if _, scalar := v.(string); !scalar {
				if text, err := json.Marshal(v); err == nil {
					v = pick(r, string(text), " "+string(text)+"\r\n", string(text)+" x")
				}
			}
		}
		if s.Key == "" {
			continue
		}
		names := []string{s.Key}
		if r.Exact || r.chance(70) {
			names = strings.Split(s.Key, ".")
			if !r.Exact && len(names) > 2 && r.chance(50) {
				names = []string{names[0], strings.Join(names[1:], ".")}
			}
		}
		for j := len(names) - 1; j >= 0; j-- {
			key := names[j]
			if !r.Exact && (r.chance(20) || !isASCII(key) && r.chance(80)) {
				key = r.recase(key)
			}
			if i > 0 || j > 0 {
				v = map[string]any{key: v}
				if !r.Exact && r.chance(10) {
					v = []any{map[string]any{"k": "other"}, v}
				}
				continue
			}
			if old, taken := o[key]; taken {
				v = merged(old, v)
			}
			o[key] = v
		}
	}
}

// merged puts two things that want the same place side by side if they are
// objects or lists; else the newer one stays.
func merged(old, v any) any {
	a, okA := old.(map[string]any)
	b, okB := v.(map[string]any)
	if okA && okB {
		for k, x := range b {
			if was, taken := a[k]; taken {
				x = merged(was, x)
			}
			a[k] = x
		}
		return a
	}
	la, okA := old.([]any)
	lb, okB := v.([]any)
	if okA && okB {
		return append(slices.Clone(la), lb...)
	}
	return v
}

// content returns what stands at the field of m, or false for nothing.
func (r *Random) content(m *ir.Match) (any, bool) {
	if m.Field.Derive != nil {
		return pick[any](r, pick(r, randomTimes...), pick(r, randomTimes...), pick(r, randomTimes...), "no time", nil, json.Number("23"), true), r.chance(95)
	}
	switch n := r.IntN(100); {
	case n < 7:
		return nil, true
	case n < 11:
		return nil, false
	case n < 17:
		return "", true
	case n < 21:
		return pick[any](r, []any{}, []any{nil}, []any{[]any{}}, []any{r.fitting(m), "x"}, []any{[]any{r.fitting(m)}}), true
	case n < 26:
		return pick[any](r, map[string]any{}, map[string]any{"k": r.fitting(m)}, map[string]any{"": "foo"}), true
	case n < 33:
		return pick[any](r, true, false, r.jsonNumber(pick(r, randomNumbers...)), "text", json.Number("1.50"), json.Number("1e3")), true
	case n < 43:
		return pick(r, r.Words...), true
	default:
		return r.fitting(m), true
	}
}

// fitting returns a scalar that fits one of the values of m, or nearly.
func (r *Random) fitting(m *ir.Match) any {
	if len(m.Values) == 0 {
		return pick(r, r.Words...)
	}
	vary := r.recase
	if m.Cased {
		vary = func(t string) string {
			if r.chance(30) {
				return r.recase(t)
			}
			return t
		}
	}
	switch v := pick(r, m.Values...).(type) {
	case ir.String:
		if n, ok := numberText(string(v)); ok && r.chance(40) {
			return pick(r, r.jsonNumber(n.value()), any("0"+string(v)), any(string(v)+".0"), r.jsonNumber(n.value()))
		}
		if b, err := strconv.ParseBool(strings.ToLower(string(v))); err == nil && r.chance(40) {
			return b
		}
		t := vary(string(v))
		switch m.Op {
		case ir.Contains:
			return pick(r, "<", "", "\n") + t + pick(r, ">", "", "é")
		case ir.StartsWith:
			return pick(r, "", "", "", " ") + t + pick(r, ">", "", "é")
		case ir.EndsWith:
			return pick(r, "<", "", "é") + t + pick(r, "", "", "", "\n")
		}
		return t
	case ir.Number:
		n := numberOf(v)
		switch r.IntN(6) {
		case 0:
			return n.text()
		case 1:
			return n.text() + ".0"
		case 2:
			if n.isInt && n.i < math.MaxInt64 {
				return json.Number(intNumber(n.i + 1).text())
			}
		case 3:
			if n.isInt && n.i > math.MinInt64 {
				return json.Number(intNumber(n.i - 1).text())
			}
		}
		return r.jsonNumber(v)
	case ir.Bool:
		return pick[any](r, bool(v), strconv.FormatBool(bool(v)), strings.ToUpper(strconv.FormatBool(bool(v))), json.Number("1"), !bool(v))
	case ir.Pattern:
		var b strings.Builder
		for _, p := range v {
			switch p.Kind {
			case ir.Literal:
				b.WriteString(vary(p.Text))
			case ir.AnyRun:
				b.WriteString(pick(r, "", "x", "two\nlines", "😀"))
			case ir.AnyOne:
				b.WriteString(pick(r, "x", "😀", "\n", "ä", "x", "xy", ""))
			}
		}
		return b.String()
	case ir.Regex:
		// The literals of the expression, near enough.
		t := strings.NewReplacer(`\b`, "", `(?im)`, "", `(?ims)`, "", `(?i)`, "", `(?s)`, "", `(?m)`, "", `\A`, "", `\z`, "", `\d{1,3}`, "42", `.*`, "a\nb", `\`, "", "^", "", "$", "", "+", "", "(", "", ")", "", "?:", "", "|nothing", "", "{1,2}", "", ".?.", "z").Replace(string(v))
		return pick(r, t, r.recase(t), r.recase(t), "before\n"+t+"\nafter")
	case ir.Prefix:
		a := netip.Prefix(v).Addr()
		t := a.String()
		if r.chance(50) {
			t = a.Next().String()
		}
		switch r.IntN(6) {
		case 0:
			return netip.AddrPortFrom(a, 52378).String()
		case 1:
			if a.Is4() {
				return "::ffff:" + t
			}
			return strings.ToUpper(t)
		case 2:
			return pick(r, "[::1]:8080", "[2001:db8::7]", t+"%eth0", t+" ", "０.0.0.0", `"`+t+`"`)
		}
		return t
	case ir.FieldRef:
		return pick(r, r.Words...)
	default:
		panic(fmt.Sprintf("conformance: unknown value %T", v))
	}
}

// jsonNumber returns a number as one of the Go values that an event may hold.
func (r *Random) jsonNumber(v ir.Number) any {
	n := numberOf(v)
	if !n.isInt {
		return pick[any](r, n.f, json.Number(strconv.FormatFloat(n.f, 'g', -1, 64)))
	}
	switch r.IntN(4) {
	case 0:
		return n.i
	case 1:
		if int64(float64(n.i)) == n.i && n.i < math.MaxInt64 {
			return float64(n.i)
		}
	}
	return json.Number(n.text())
}

// recase changes the case of some letters, those outside ASCII among them.
func (r *Random) recase(t string) string {
	change := pick(r, 0, 0, 40, 100)
	if !isASCII(t) {
		change = pick(r, 0, 60, 100, 100)
	}
	return strings.Map(func(c rune) rune {
		if !r.chance(change) {
			return c
		}
		if unicode.IsUpper(c) {
			return unicode.ToLower(c)
		}
		return unicode.ToUpper(c)
	}, t)
}
