package conformance

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"

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
