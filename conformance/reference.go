package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// Reference says whether e is true of ev, by the contract in the package
// comment of compiler/ir and by nothing else: it shares no code with the
// compiler, keeps nothing between calls and makes no attempt at speed. ev is
// made of map[string]any or event.Object, []any, string, the number types,
// json.Number, bool and nil; anything else counts as null.
func Reference(e ir.Expr, ev any) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !Reference(x, ev) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if Reference(x, ev) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !Reference(e.X, ev)
	case ir.Const:
		return bool(e)
	case *ir.Selection:
		return Reference(e.X, ev)
	case *ir.Any:
		for _, el := range elements(e.Over, ev) {
			if Reference(e.X, el) {
				return true
			}
		}
		return false
	case *ir.Match:
		return match(e, ev)
	}
	panic(fmt.Sprintf("conformance: unknown node %T", e))
}

func match(m *ir.Match, ev any) bool {
	switch m.Op {
	case ir.Null:
		for _, v := range places(m.Field, ev) {
			for _, leaf := range flatten(v) {
				if leaf != nil {
					return false
				}
			}
		}
		return true
	case ir.Exists:
		return len(walk(m.Field.Path, ev)) > 0
	}
	for _, x := range scalars(m.Field, ev) {
		for _, v := range m.Values {
			if ref, ok := v.(ir.FieldRef); ok {
				if fitsField(m, x, ref, ev) {
					return true
				}
				continue
			}
			if fits(m, x, v) {
				return true
			}
		}
	}
	return false
}

// fitsField compares x with each non-null, non-empty scalar of another field.
func fitsField(m *ir.Match, x any, ref ir.FieldRef, ev any) bool {
	for _, y := range scalars(ref.Field, ev) {
		if y == "" {
			continue
		}
		var v ir.Value
		switch y := y.(type) {
		case string:
			v = ir.String(y)
		case number:
			v = ir.String(y.text())
			if m.Op == ir.Equal {
				v = y.value()
			}
		case bool:
			v = ir.String(strconv.FormatBool(y))
			if m.Op == ir.Equal {
				v = ir.Bool(y)
			}
		}
		if fits(m, x, v) {
			return true
		}
	}
	return false
}

// fits is the table of the contract: one scalar x against one value v.
func fits(m *ir.Match, x any, v ir.Value) bool {
	fold := fold
	if m.Cased {
		fold = func(t string) string { return t }
	}
	switch m.Op {
	case ir.Equal:
		switch v := v.(type) {
		case ir.String:
			switch x := x.(type) {
			case string:
				return fold(x) == fold(string(v))
			case number:
				if n, ok := numberText(string(v)); ok {
					return x.compare(n) == 0
				}
				return fold(x.text()) == fold(string(v))
			case bool:
				return strings.EqualFold(string(v), strconv.FormatBool(x)) && isASCII(string(v))
			}
		case ir.Number:
			switch x := x.(type) {
			case string:
				n, ok := numberText(x)
				return ok && n.compare(numberOf(v)) == 0
			case number:
				return x.compare(numberOf(v)) == 0
			}
			return false
		case ir.Bool:
			switch x := x.(type) {
			case string:
				return isASCII(x) && strings.EqualFold(x, strconv.FormatBool(bool(v)))
			case bool:
				return x == bool(v)
			}
			return false
		}
	case ir.Contains, ir.StartsWith, ir.EndsWith:
		t, w := fold(text(x)), fold(string(v.(ir.String)))
		switch m.Op {
		case ir.Contains:
			return strings.Contains(t, w)
		case ir.StartsWith:
			return strings.HasPrefix(t, w)
		default:
			return strings.HasSuffix(t, w)
		}
	case ir.Like:
		var parts []ir.PatternPart
		for _, p := range v.(ir.Pattern) {
			p.Text = fold(p.Text)
			parts = append(parts, p)
		}
		return like(parts, []rune(fold(text(x))))
	case ir.Regexp:
		return regexp.MustCompile(string(v.(ir.Regex))).MatchString(text(x))
	case ir.InNetwork:
		t, ok := x.(string)
		if !ok {
			return false
		}
		a, ok := address(t, m.Field.Type == ir.TypeIP)
		return ok && netip.Prefix(v.(ir.Prefix)).Contains(a)
	case ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual:
		var n number
		switch x := x.(type) {
		case string:
			var ok bool
			if n, ok = numberText(x); !ok {
				return false
			}
		case number:
			n = x
		default:
			return false
		}
		c := n.compare(numberOf(v.(ir.Number)))
		if c == unordered {
			return false
		}
		switch m.Op {
		case ir.Less:
			return c < 0
		case ir.LessOrEqual:
			return c <= 0
		case ir.Greater:
			return c > 0
		default:
			return c >= 0
		}
	}
	panic(fmt.Sprintf("conformance: %v does not take %T", m.Op, v))
}

// like matches the whole of t, code point by code point.
func like(parts []ir.PatternPart, t []rune) bool {
	if len(parts) == 0 {
		return len(t) == 0
	}
	switch p := parts[0]; p.Kind {
	case ir.AnyRun:
		for i := 0; i <= len(t); i++ {
			if like(parts[1:], t[i:]) {
				return true
			}
		}
		return false
	case ir.AnyOne:
		return len(t) > 0 && like(parts[1:], t[1:])
	default:
		lit := []rune(p.Text)
		return len(t) >= len(lit) && slices.Equal(t[:len(lit)], lit) && like(parts[1:], t[len(lit):])
	}
}

// fold maps each code point by the simple lower-case mapping, except that
// nothing outside ASCII becomes ASCII.
func fold(t string) string {
	var b strings.Builder
	for _, r := range t {
		l := unicode.ToLower(r)
		if r > unicode.MaxASCII && l <= unicode.MaxASCII {
			l = r
		}
		b.WriteRune(l)
	}
	return b.String()
}

// address reads an IP address, of a field of type IP without port and brackets.
func address(t string, strip bool) (netip.Addr, bool) {
	if strip {
		if host, port, ok := cutLast(t, ':'); ok && isPort(port) {
			_, err := netip.ParseAddr(host)
			if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") || err == nil && strings.Contains(host, ".") && !strings.Contains(host, ":") {
				t = host
			}
		}
		if strings.HasPrefix(t, "[") && strings.HasSuffix(t, "]") {
			t = t[1 : len(t)-1]
		}
	}
	a, err := netip.ParseAddr(t)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

func cutLast(t string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(t, sep)
	if i < 0 {
		return t, "", false
	}
	return t[:i], t[i+1:], true
}

func isPort(t string) bool {
	n, err := strconv.ParseUint(t, 10, 16)
	return err == nil && n <= math.MaxUint16
}

// scalars returns the non-null scalars of a field: string, number or bool.
func scalars(f ir.Field, ev any) []any {
	var found []any
	for _, v := range places(f, ev) {
		for _, leaf := range flatten(v) {
			if leaf != nil && !isObject(leaf) {
				found = append(found, leaf)
			}
		}
	}
	return found
}

// places returns what stands at each place that the field leads to, lists
// whole; a derived field gives its numbers.
func places(f ir.Field, ev any) []any {
	if f.Leaves {
		return leaves(ev)
	}
	places := walk(f.Path, ev)
	if f.Derive == nil {
		return places
	}
	var derived []any
	for _, v := range places {
		for _, leaf := range flatten(v) {
			t, ok := timeOf(leaf)
			if !ok {
				continue
			}
			derived = append(derived, derive(*f.Derive, t, ev)...)
		}
	}
	return derived
}

// elements returns the elements of the list that a field yields.
func elements(over ir.Field, ev any) []any {
	var found []any
	for _, v := range places(over, ev) {
		if normal(v) == nil {
			continue
		}
		found = append(found, flatten(v)...)
	}
	return found
}

func leaves(v any) []any {
	var found []any
	switch v := normal(v).(type) {
	case nil:
	case event.Object:
		for _, k := range keys(v) {
			child, _ := v.Get(k)
			found = append(found, leaves(child)...)
		}
	case []any:
		for _, el := range v {
			found = append(found, leaves(el)...)
		}
	default:
		found = append(found, v)
	}
	return found
}

// flatten takes lists apart, however deep, and returns their elements; anything
// else is a list of one.
func flatten(v any) []any {
	list, ok := normal(v).([]any)
	if !ok {
		return []any{normal(v)}
	}
	var found []any
	for _, el := range list {
		found = append(found, flatten(el)...)
	}
	return found
}

// walk follows a path from one value.
func walk(path ir.Path, v any) []any {
	places := []any{v}
	for _, step := range ir.Path(nil).Join(path) {
		var next []any
		for _, place := range places {
			for _, v := range lookUp(step.Key, place) {
				next = append(next, refine(step, v)...)
			}
		}
		places = next
	}
	return places
}

// lookUp finds a step's key in a value: flat, dots and all, else cut behind its
// first name; in a list, in every element.
func lookUp(key string, v any) []any {
	if key == "" {
		return []any{v}
	}
	if list, ok := normal(v).([]any); ok {
		var found []any
		for _, el := range flatten(list) {
			found = append(found, lookUp(key, el)...)
		}
		return found
	}
	if got, ok := get(v, key); ok {
		return []any{got}
	}
	first, rest, ok := strings.Cut(key, ".")
	if !ok {
		return nil
	}
	got, ok := get(v, first)
	if !ok || rest == "" {
		return nil
	}
	return lookUp(rest, got)
}

// get returns the value of one key of an object: of the exact key, else of the
// first in byte order that is equal under folding.
func get(v any, key string) (any, bool) {
	o, ok := normal(v).(event.Object)
	if !ok {
		return nil, false
	}
	if got, ok := o.Get(key); ok {
		return got, true
	}
	for _, k := range keys(o) {
		if fold(k) == fold(key) {
			return o.Get(k)
		}
	}
	return nil, false
}

// refine applies what stands behind a step's key: JSON, position, selector.
func refine(step ir.Step, v any) []any {
	if t, ok := v.(string); ok && step.JSON {
		if parsed, ok := parseJSON(t); ok {
			v = parsed
		}
	}
	places := []any{v}
	if step.HasPosition {
		var list []any
		switch v := normal(v).(type) {
		case nil:
		case []any:
			list = v
		default:
			list = []any{v}
		}
		if step.Position >= len(list) {
			return nil
		}
		places = []any{list[step.Position]}
	}
	if step.Where.Key == "" {
		return places
	}
	var kept []any
	name := &ir.Match{Field: ir.Field{Path: ir.Path{{Key: step.Where.Key}}}, Op: ir.Equal, Values: []ir.Value{ir.String(step.Where.Value)}}
	for _, place := range places {
		for _, el := range flatten(place) {
			if isObject(el) && match(name, el) {
				kept = append(kept, el)
			}
		}
	}
	return kept
}

// parseJSON reads the text of a JSON object or list.
func parseJSON(t string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(t))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	switch v.(type) {
	case map[string]any, []any:
		return v, true
	}
	return nil, false
}

// derive computes the numbers that a time stands for.
func derive(d ir.Derivation, t time.Time, ev any) []any {
	if d.Kind == ir.Duration {
		var found []any
		for _, v := range walk(*d.Since, ev) {
			for _, leaf := range flatten(v) {
				if since, ok := timeOf(leaf); ok {
					// Whole and fraction apart, so that no span overflows.
					seconds := float64(t.Unix()-since.Unix()) + float64(t.Nanosecond()-since.Nanosecond())/1e9
					found = append(found, number{f: seconds / float64(d.Unit)})
				}
			}
		}
		return found
	}
	zone := time.UTC
	if d.Zone != "" {
		z, err := time.LoadLocation(d.Zone)
		if err != nil {
			return nil
		}
		zone = z
	}
	t = t.In(zone)
	n := 0
	switch d.Kind {
	case ir.Minute:
		n = t.Minute()
	case ir.Hour:
		n = t.Hour()
	case ir.Day:
		n = t.Day()
	case ir.Weekday:
		n = int(t.Weekday())
		if n == 0 {
			n = 7
		}
	case ir.Week:
		_, n = t.ISOWeek()
	case ir.Month:
		n = int(t.Month())
	case ir.Year:
		n = t.Year()
	}
	return []any{intNumber(int64(n))}
}

// timeOf reads a scalar as a time.
func timeOf(v any) (time.Time, bool) {
	t, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return event.ParseTime(t)
}

// number is a 64-bit integer or a float.
type number struct {
	isInt bool
	i     int64
	f     float64
}

func intNumber(i int64) number { return number{isInt: true, i: i} }

func numberOf(v ir.Number) number {
	if v.IsInt {
		return intNumber(v.Int)
	}
	return number{f: v.Float}
}

func (n number) value() ir.Number { return ir.Number{IsInt: n.isInt, Int: n.i, Float: n.f} }

// text is the shortest decimal without exponent.
func (n number) text() string {
	if n.isInt {
		return strconv.FormatInt(n.i, 10)
	}
	return strconv.FormatFloat(n.f, 'f', -1, 64)
}

// unordered is compare's answer where one side is not a number.
const unordered = 2

// compare orders two numbers by their exact value: -1, 0, 1 or unordered.
func (n number) compare(m number) int {
	if !n.isInt && math.IsNaN(n.f) || !m.isInt && math.IsNaN(m.f) {
		return unordered
	}
	big1 := func(n number) *big.Float {
		if n.isInt {
			return new(big.Float).SetPrec(64).SetInt64(n.i)
		}
		return new(big.Float).SetPrec(64).SetFloat64(n.f)
	}
	return big1(n).Cmp(big1(m))
}

var numberForm = regexp.MustCompile(`\A-?[0-9]{1,15}(\.[0-9]{1,15})?\z`)

// numberText reads text that is a number.
func numberText(t string) (number, bool) {
	if !numberForm.MatchString(t) {
		return number{}, false
	}
	if i, err := strconv.ParseInt(t, 10, 64); err == nil {
		return intNumber(i), true
	}
	f, err := strconv.ParseFloat(t, 64)
	return number{f: f}, err == nil
}

// text is the text form of a scalar.
func text(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case number:
		return x.text()
	case bool:
		return strconv.FormatBool(x)
	}
	panic(fmt.Sprintf("conformance: %T is no scalar", x))
}

// normal brings a value of an event into one of nil, bool, string, number,
// []any and event.Object.
func normal(v any) any {
	switch v := v.(type) {
	case nil, bool, string, number, []any, event.Object:
		return v
	case map[string]any:
		return object(v)
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return intNumber(i)
		}
		f, _ := strconv.ParseFloat(string(v), 64)
		return number{f: f}
	case float64:
		return number{f: v}
	case float32:
		return number{f: float64(v)}
	case int:
		return intNumber(int64(v))
	case int8:
		return intNumber(int64(v))
	case int16:
		return intNumber(int64(v))
	case int32:
		return intNumber(int64(v))
	case int64:
		return intNumber(v)
	case uint8:
		return intNumber(int64(v))
	case uint16:
		return intNumber(int64(v))
	case uint32:
		return intNumber(int64(v))
	case uint:
		return unsigned(uint64(v))
	case uint64:
		return unsigned(v)
	}
	return nil
}

func unsigned(v uint64) number {
	if v <= math.MaxInt64 {
		return intNumber(int64(v))
	}
	return number{f: float64(v)}
}

// object makes a map an event.Object.
type object map[string]any

func (o object) Get(key string) (any, bool) { v, ok := o[key]; return v, ok }

func (o object) Keys(yield func(string) bool) {
	for k := range o {
		if !yield(k) {
			return
		}
	}
}

func isObject(v any) bool { _, ok := normal(v).(event.Object); return ok }

// keys returns an object's keys in byte order.
func keys(o event.Object) []string {
	var ks []string
	o.Keys(func(k string) bool { ks = append(ks, k); return true })
	slices.Sort(ks)
	return ks
}

func isASCII(t string) bool {
	for i := 0; i < len(t); i++ {
		if t[i] > unicode.MaxASCII {
			return false
		}
	}
	return true
}
