package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/compiler/ir"
)

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
