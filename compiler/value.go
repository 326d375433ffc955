package compiler

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// maxValueDepth is how many lists and objects inside each other evaluation
// goes through; what lies deeper yields nothing. It is encoding/json's own
// limit, so that only values built in Go (perhaps containing themselves) meet it.
const maxValueDepth = 10_000

// scalar is one value of an event as operators see it.
type scalar struct {
	kind    scalarKind
	truth   bool // of a boolean
	folds   bool // folded is set
	numeric int8 // of text: 1 it is a number text, -1 it is not, 0 nobody asked yet
	text    string
	folded  string
	num     ir.Number // of a number, and of text with numeric 1; see canonical
	raw     any       // of a number, until its text is asked for
}

type scalarKind uint8

const (
	textScalar scalarKind = iota
	numberScalar
	boolScalar
)

// textForm returns the text that text operators see.
func (x *scalar) textForm() string {
	if x.raw != nil {
		x.text, x.raw = decimalText(x.raw), nil
	}
	return x.text
}

// foldedForm returns the folded text form.
func (x *scalar) foldedForm() string {
	if !x.folds {
		x.folded, x.folds = fold(x.textForm()), true
	}
	return x.folded
}

// form returns the text form, folded unless cased.
func (x *scalar) form(cased bool) string {
	if cased {
		return x.textForm()
	}
	return x.foldedForm()
}

// number returns the value of a number or number text.
func (x *scalar) number() (ir.Number, bool) {
	switch x.kind {
	case numberScalar:
		return x.num, true
	case textScalar:
		if x.numeric == 0 {
			x.numeric = -1
			if n, ok := numberText(x.text); ok {
				x.num, x.numeric = n, 1
			}
		}
		return x.num, x.numeric > 0
	}
	return ir.Number{}, false
}

// boolean returns the value of a boolean or of the text true or false.
func (x *scalar) boolean() (truth, ok bool) {
	switch x.kind {
	case boolScalar:
		return x.truth, true
	case textScalar:
		return parseBoolText(x.foldedForm())
	}
	return false, false
}

// value returns the scalar for hits: a string, json.Number or bool.
func (x *scalar) value() any {
	switch x.kind {
	case numberScalar:
		return json.Number(x.textForm())
	case boolScalar:
		return x.truth
	}
	return x.text
}

func parseBoolText(folded string) (truth, ok bool) {
	return folded == "true", folded == "true" || folded == "false"
}

// toScalar reads a value of plain's forms that is neither nil, object nor list.
func toScalar(v any) scalar {
	switch v := v.(type) {
	case string:
		return scalar{text: validText(v)}
	case bool:
		return scalar{kind: boolScalar, truth: v, text: strconv.FormatBool(v)}
	}
	if n, ok := toNumber(v); ok {
		return scalar{kind: numberScalar, num: n, raw: v}
	}
	switch v := v.(type) {
	case json.Number:
		return scalar{text: validText(string(v))}
	case float64: // NaN and the infinities are no numbers
		return scalar{text: strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return scalar{} // not reached: plain gives nothing else
}

func numberScalarOf(n ir.Number) scalar {
	x := scalar{kind: numberScalar, num: canonical(n)}
	if n.IsInt {
		x.text = strconv.FormatInt(n.Int, 10)
	} else {
		x.text = decimalText(n.Float)
	}
	return x
}

// validText replaces what is no UTF-8 as encoding/json does, so that an event
// means the same as bytes and as a Go value.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// toNumber reads a number; ok is false for one without a finite value.
func toNumber(v any) (ir.Number, bool) {
	switch v := v.(type) {
	case int64:
		return ir.Number{IsInt: true, Int: v}, true
	case uint64:
		if v <= math.MaxInt64 {
			return ir.Number{IsInt: true, Int: int64(v)}, true
		}
		return canonical(ir.Number{Float: float64(v)}), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return ir.Number{}, false
		}
		return canonical(ir.Number{Float: v}), true
	case json.Number:
		return parseJSONNumber(string(v))
	}
	return ir.Number{}, false
}

// parseJSONNumber reads a JSON number: an exact integer where 64 bits hold it.
func parseJSONNumber(s string) (ir.Number, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return ir.Number{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return ir.Number{IsInt: true, Int: i}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return ir.Number{}, false
	}
	return canonical(ir.Number{Float: f}), true
}

// numberText reads text of the form -?[0-9]{1,15}(\.[0-9]{1,15})? and
// refuses all other.
func numberText(s string) (ir.Number, bool) {
	whole, frac, hasFrac := strings.Cut(s, ".")
	digits := strings.TrimPrefix(whole, "-")
	if !isDigits(digits) || hasFrac && !isDigits(frac) {
		return ir.Number{}, false
	}
	if !hasFrac {
		i, _ := strconv.ParseInt(s, 10, 64)
		return ir.Number{IsInt: true, Int: i}, true
	}
	f, _ := strconv.ParseFloat(s, 64)
	return canonical(ir.Number{Float: f}), true
}

func isDigits(s string) bool {
	if len(s) < 1 || len(s) > 15 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// canonical writes a number in the one form that equal numbers share, so that
// == and map keys compare by value: an integer where int64 holds it exactly.
func canonical(n ir.Number) ir.Number {
	if n.IsInt {
		return ir.Number{IsInt: true, Int: n.Int}
	}
	if f := n.Float; f >= -(1<<63) && f < 1<<63 && f == math.Trunc(f) {
		return ir.Number{IsInt: true, Int: int64(f)}
	}
	return ir.Number{Float: n.Float}
}

// compareNumbers compares canonical numbers exactly.
func compareNumbers(a, b ir.Number) int {
	switch {
	case a.IsInt && b.IsInt:
		return cmp.Compare(a.Int, b.Int)
	case a.IsInt:
		return compareIntFloat(a.Int, b.Float)
	case b.IsInt:
		return -compareIntFloat(b.Int, a.Float)
	}
	return cmp.Compare(a.Float, b.Float)
}

func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -(1 << 63):
		return 1
	}
	t := math.Trunc(f)
	if c := cmp.Compare(i, int64(t)); c != 0 {
		return c
	}
	return cmp.Compare(t, f)
}

// decimalText is the shortest decimal without an exponent.
func decimalText(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return strconv.FormatInt(i, 10)
		}
		f, _ := strconv.ParseFloat(string(v), 64)
		return decimalText(f)
	case uint64:
		if v <= math.MaxInt64 {
			return strconv.FormatUint(v, 10)
		}
		return decimalText(float64(v))
	case float64:
		if v == 0 {
			return "0" // not -0
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// fold maps each code point by Unicode's simple lower-case mapping, except
// that no non-ASCII code point becomes an ASCII one.
func fold(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return foldFrom(s, i)
		}
	}
	return s
}

func foldFrom(s string, i int) string {
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for _, r := range s[i:] {
		b.WriteRune(foldRune(r))
	}
	return b.String()
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if l := unicode.ToLower(r); l >= utf8.RuneSelf {
		return l
	}
	return r
}

// foldsTo reports whether fold(s) is folded.
func foldsTo(s, folded string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return fold(s[i:]) == folded[i:]
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if i >= len(folded) || c != folded[i] {
			return false
		}
	}
	return len(s) == len(folded)
}

// plain brings a value of an event to one of nil, string, bool, json.Number,
// int64, uint64, float64, map[string]any, event.Object and []any. Whatever
// else a Go program puts into a map has a meaning too: named types are what
// they are made of, bytes and times are text, a pointer is what it points to,
// and a struct is an object without keys.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool, json.Number, float64, map[string]any, []any, int64:
		return v
	case int:
		return int64(v)
	case event.Object:
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			return nil
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case json.RawMessage:
		x, err := decodeJSON(v)
		if err != nil {
			return string(v)
		}
		return x
	case event.Record:
		return plain(v.Event)
	}
	return plainKind(reflect.ValueOf(v), maxPointers)
}

// maxPointers bounds how many pointers in a row are followed.
const maxPointers = 16

func plainKind(r reflect.Value, pointers int) any {
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return r.Uint()
	case reflect.Float32:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(r.Float(), 'g', -1, 32), 64)
		return f
	case reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Map:
		if r.IsNil() {
			return nil
		}
		if r.Type().Key().Kind() != reflect.String && r.Type().Key().Kind() != reflect.Interface {
			return map[string]any{}
		}
		m := make(map[string]any, r.Len())
		for it := r.MapRange(); it.Next(); {
			k := it.Key()
			if k.Kind() == reflect.Interface {
				k = k.Elem()
			}
			if k.Kind() == reflect.String {
				m[k.String()] = it.Value().Interface()
			}
		}
		return m
	case reflect.Slice, reflect.Array:
		if r.Kind() == reflect.Slice && r.IsNil() {
			return nil
		}
		if r.Type().Elem().Kind() == reflect.Uint8 && r.Kind() == reflect.Slice {
			return string(r.Bytes())
		}
		l := make([]any, r.Len())
		for i := range l {
			l[i] = r.Index(i).Interface()
		}
		return l
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		if pointers == 0 || !r.Elem().CanInterface() {
			return map[string]any{}
		}
		if r.Elem().Kind() == reflect.Pointer {
			return plainKind(r.Elem(), pointers-1)
		}
		return plain(r.Elem().Interface())
	case reflect.Invalid:
		return nil
	}
	return map[string]any{}
}

var errTrailing = errors.New("there is more behind the JSON value")

// decodeJSON reads one JSON value: numbers as they stand, the last of several
// equal keys, nothing but white space behind it.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("the JSON value is not complete")
		}
		return nil, err
	}
	if len(bytes.TrimLeft(data[d.InputOffset():], " \t\r\n")) > 0 {
		return nil, errTrailing
	}
	return v, nil
}

// mayBeJSON reports whether text looks like a JSON object or list.
func mayBeJSON(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n")
	return s != "" && (s[0] == '{' || s[0] == '[')
}

// A route is a path made ready to be followed.
type route []routeStep

type routeStep struct {
	key      *routeKey // nil: stays in place
	json     bool
	position int   // -1: none
	where    *leaf // what an element of a Name/Value list must meet
}

// routeKey is a key, flat and cut at its first dot.
type routeKey struct {
	name, folded string
	head, rest   *routeKey // nil without a dot
}

func newRoute(p ir.Path) (route, error) {
	p = ir.Path(nil).Join(p)
	pl := make(route, len(p))
	for i, s := range p {
		pl[i] = routeStep{json: s.JSON, position: -1}
		if s.Key != "" {
			pl[i].key = newRouteKey(s.Key)
		}
		if s.HasPosition {
			pl[i].position = s.Position
		}
		if s.Where.Key != "" {
			var err error
			if pl[i].where, err = newLeaf(&ir.Match{Field: ir.Field{Path: ir.Path{{Key: s.Where.Key}}}, Values: []ir.Value{ir.String(s.Where.Value)}}); err != nil {
				return nil, err
			}
		}
	}
	return pl, nil
}

func newRouteKey(name string) *routeKey {
	k := &routeKey{name: name, folded: fold(name)}
	if head, rest, ok := strings.Cut(name, "."); ok && rest != "" {
		k.head = &routeKey{name: head, folded: fold(head)}
		k.rest = newRouteKey(rest)
	}
	return k
}

// cursor follows places through one event. It keeps what is costly to find
// again (parsed JSON texts, objects by folded key) and counts its work.
type cursor struct {
	cost  int // steps left; negative: the limit was met and results are not whole
	keep  bool
	nodes []any
	json  map[string]any
	keys  map[uintptr]foldedKeys
}

// foldedKeys are an object's values by folded key. It holds on to the object,
// so that its address stays its own.
type foldedKeys struct {
	object map[string]any
	byKey  map[string]foldedKey
}

type foldedKey struct {
	key   string
	value any
}

// minIndexedKeys is the size from which an object's folded keys are indexed.
const minIndexedKeys = 8

// spend takes n steps and reports whether the limit still holds.
func (c *cursor) spend(n int) bool {
	c.cost -= n
	return c.cost >= 0
}

// follow appends to c.nodes what the route yields from v: values as they stand,
// lists not yet taken apart.
func (c *cursor) follow(v any, pl route, depth int) {
	if len(pl) == 0 {
		if c.spend(1) {
			c.nodes = append(c.nodes, v)
		}
		return
	}
	if pl[0].key == nil {
		c.held(v, pl, depth)
		return
	}
	c.step(v, pl[0].key, pl, depth)
}

func (c *cursor) step(v any, k *routeKey, pl route, depth int) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	v = plain(v)
	if list, ok := v.([]any); ok {
		for _, el := range list {
			c.step(el, k, pl, depth+1)
		}
		return
	}
	if x, ok := c.get(v, k); ok {
		c.held(x, pl, depth+1)
	} else if k.rest != nil {
		if x, ok := c.get(v, k.head); ok {
			c.step(x, k.rest, pl, depth+1)
		}
	}
}

// held does with a step's value what the step asks behind its key.
func (c *cursor) held(v any, pl route, depth int) {
	if pl[0].json {
		v = c.parsed(v)
	}
	if i := pl[0].position; i >= 0 {
		switch x := plain(v).(type) {
		case nil:
			return
		case []any:
			if i >= len(x) {
				return
			}
			v = x[i]
		default:
			if i > 0 {
				return
			}
		}
	}
	if pl[0].where == nil {
		c.follow(v, pl[1:], depth)
		return
	}
	c.each(v, depth, func(el any) {
		if c.selects(pl[0].where, el) {
			c.follow(el, pl[1:], depth+1)
		}
	})
}

// each calls f with the elements of a list, lists in it taken apart; anything
// else is a list of one.
func (c *cursor) each(v any, depth int, f func(el any)) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	v = plain(v)
	if list, ok := v.([]any); ok {
		for _, el := range list {
			c.each(el, depth+1, f)
		}
		return
	}
	f(v)
}

// selects reports whether an element is an object that a selector asks for.
func (c *cursor) selects(where *leaf, el any) bool {
	if !isObject(el) {
		return false
	}
	outer := c.nodes
	c.nodes = nil
	ok := where.match(&subject{value: el, cursor: c})
	c.nodes = outer
	return ok
}

// isObject tells an object from plain's other forms.
func isObject(v any) bool {
	switch v.(type) {
	case map[string]any, event.Object:
		return true
	}
	return false
}

// get returns an object's value: that of the exact key, else of the first key
// in byte order that is equal under folding.
func (c *cursor) get(v any, k *routeKey) (any, bool) {
	switch o := v.(type) {
	case map[string]any:
		if x, ok := o[k.name]; ok {
			return x, true
		}
		if c.keep && len(o) >= minIndexedKeys {
			x, ok := c.indexed(o)[k.folded]
			return x.value, ok
		}
		best, found := "", false
		for key := range o {
			if foldsTo(key, k.folded) && (!found || key < best) {
				best, found = key, true
			}
		}
		c.cost -= len(o) / 8
		return o[best], found
	case event.Object:
		if x, ok := o.Get(k.name); ok {
			return x, true
		}
		best, found := "", false
		o.Keys(func(key string) bool {
			if foldsTo(key, k.folded) && (!found || key < best) {
				best, found = key, true
			}
			return true
		})
		if !found {
			return nil, false
		}
		return o.Get(best)
	}
	return nil, false
}

func (c *cursor) indexed(o map[string]any) map[string]foldedKey {
	id := reflect.ValueOf(o).Pointer()
	if x, ok := c.keys[id]; ok {
		return x.byKey
	}
	m := make(map[string]foldedKey, len(o))
	for key, v := range o {
		f := fold(key)
		if old, ok := m[f]; !ok || key < old.key {
			m[f] = foldedKey{key, v}
		}
	}
	if c.keys == nil {
		c.keys = map[uintptr]foldedKeys{}
	}
	c.keys[id] = foldedKeys{o, m}
	return m
}

// parsed returns the object or list that a JSON text holds; any other value as
// it is.
func (c *cursor) parsed(v any) any {
	p := plain(v)
	s, ok := p.(string)
	if !ok || !mayBeJSON(s) {
		return v
	}
	if x, ok := c.json[s]; ok {
		return x
	}
	if !c.spend(len(s) / 16) {
		return v
	}
	x, err := decodeJSON([]byte(s))
	if err != nil {
		x = v
	}
	if c.keep {
		if c.json == nil {
			c.json = map[string]any{}
		}
		c.json[s] = x
	}
	return x
}

// yielded is what a field yields from one event or element.
type yielded struct {
	scalars []scalar
	present bool // the key is there, whatever it holds
	object  bool // an object is among it
	kept
}

// yield reads the scalars at a route.
func (c *cursor) yield(v any, pl route, y *yielded) {
	c.nodes = c.nodes[:0]
	c.follow(v, pl, 0)
	y.present = len(c.nodes) > 0
	for _, n := range c.nodes {
		c.each(n, 0, func(el any) {
			switch el.(type) {
			case nil:
			case map[string]any, event.Object:
				y.object = true
			default:
				y.scalars = append(y.scalars, toScalar(el))
			}
		})
	}
	clear(c.nodes)
}

// leaves reads every scalar leaf, objects' keys in byte order.
func (c *cursor) leaves(v any, y *yielded, depth int) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	switch v := plain(v).(type) {
	case nil:
	case []any:
		for _, el := range v {
			c.leaves(el, y, depth+1)
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			c.leaves(v[k], y, depth+1)
		}
	case event.Object:
		var keys []string
		v.Keys(func(k string) bool {
			keys = append(keys, k)
			return c.spend(1)
		})
		slices.Sort(keys)
		for _, k := range keys {
			x, _ := v.Get(k)
			c.leaves(x, y, depth+1)
		}
	default:
		y.scalars = append(y.scalars, toScalar(v))
	}
}

// elements returns the elements of the list at a route.
func (c *cursor) elements(v any, pl route) []any {
	c.nodes = c.nodes[:0]
	c.follow(v, pl, 0)
	var els []any
	for _, n := range c.nodes {
		if plain(n) == nil {
			continue
		}
		c.each(n, 0, func(el any) { els = append(els, el) })
	}
	clear(c.nodes)
	return els
}
