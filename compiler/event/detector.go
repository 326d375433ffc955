package event

import (
	"strings"
	"sync"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// A Detector is what telling an event's source needs, to be used again for the
// next event. It is for package compiler; others call Detect.
type Detector struct {
	r     row
	told  bool // only whether the object carries an event is asked for
	inner bool // it does, as far as it was seen
	texts map[string]*detected
	// numbers are the texts of those that were met before.
	numbers map[float64]string
}

var detectors = sync.Pool{New: func() any { return &Detector{} }}

// detected is a text of an event that was met before.
type detected struct{ text, lower string }

// The number and length of texts that a Detector keeps.
const (
	maxDetectedTexts = 1024
	maxDetectedText  = 256
)

// Start begins a new object; the members of its top level follow. Of one whose
// source was told, Found says only whether it carries its event inside.
func (d *Detector) Start(told bool) {
	d.r.clear()
	d.r.d = d
	d.told, d.inner = told, false
}

// Member notes a member of the object, whose key is k, case aside.
func (d *Detector) Member(k *Key, key string, v any) {
	if d.told {
		d.inner = d.inner || k.number == carrierKey && v != nil
		return
	}
	d.r.put(k, key, v)
}

// RawMember is Member for raw JSON; key is what the member's key stands for.
func (d *Detector) RawMember(k *Key, key []byte, m *rawjson.Value) {
	if d.told {
		d.inner = d.inner || k.number == carrierKey && m.Kind != rawjson.Null
		return
	}
	d.r.putRaw(k, key, m)
}

// Found says what the object is. carries: it is a record that carries its event
// inside, which is Unwrap's, and nothing else is said of it.
func (d *Detector) Found() (src Source, known, carries bool) {
	if d.told {
		return Source{}, false, d.inner
	}
	if carries = d.r.cells[carrierKey].any != nil; !carries {
		src, known = d.r.detect()
	}
	d.r.clear()
	return src, known, carries
}

func (d *Detector) open(ev any) (inner any, src Source, known bool) {
	if !isObject(ev) {
		return ev, Source{}, false
	}
	d.r.read(d, ev)
	carries := d.r.cells[carrierKey].any != nil
	if carries {
		d.r.clear()
		ev = Unwrap(ev)
		if !isObject(ev) {
			return ev, Source{}, false
		}
		d.r.read(d, ev)
	}
	src, known = d.r.detect()
	d.r.clear()
	return ev, src, known
}

func (d *Detector) detect(ev any) (Source, bool) {
	d.r.read(d, ev)
	src, known := d.r.detect()
	d.r.clear()
	return src, known
}

// row is the top level of an event while it is being recognised: what it holds
// under the keys that forms are told by.
type row struct {
	d      *Detector
	folded bool // keys count in any case

	cells [maxKeys]cell // by the number of a key
	set   [2]keySet     // that hold something, in its own case and in any
	used  []int
}

// cell is what stands under one key.
type cell struct {
	own  any    // in the key's own case
	any  any    // in any; the number is that of the key in lower case
	from string // the key as it was written
}

// maxKeys bounds the keys that forms are told by.
const maxKeys = 256

type keySet [maxKeys / 64]uint64

func (s *keySet) add(n int) { s[n/64] |= 1 << (n % 64) }

func (s *keySet) covers(o *keySet) bool {
	return o[0]&^s[0]|o[1]&^s[1]|o[2]&^s[2]|o[3]&^s[3] == 0
}

func (s *keySet) meets(o *keySet) bool {
	return o[0]&s[0]|o[1]&s[1]|o[2]&s[2]|o[3]&s[3] != 0
}

// read reads the top level of an object.
func (r *row) read(d *Detector, ev any) {
	r.clear()
	r.d, d.told = d, false
	switch o := ev.(type) {
	case map[string]any:
		for k, v := range o {
			if s := KeyOf(k); s != nil {
				r.put(s, k, v)
			}
		}
	case Object:
		o.Keys(func(k string) bool {
			if s := KeyOf(k); s != nil {
				v, _ := o.Get(k)
				r.put(s, k, v)
			}
			return true
		})
	case *rawjson.Value:
		for m := o.First; m != nil; m = m.Next {
			key := m.Key
			if m.KeyEscaped || m.KeyWide {
				key = rawjson.Append(nil, key)
			}
			if s := KeyOf(key); s != nil {
				r.putRaw(s, key, m)
			}
		}
	}
}

// rawNull is nil for null, as a decoded event has it.
func rawNull(m *rawjson.Value) any {
	if m.Kind == rawjson.Null {
		return nil
	}
	return m
}

func (r *row) clear() {
	for _, n := range r.used {
		r.cells[n] = cell{}
	}
	r.used, r.set, r.folded = r.used[:0], [2]keySet{}, false
}

func (r *row) put(s *Key, k string, v any) {
	c := &r.cells[s.number]
	r.used = append(r.used, s.number)
	if k == s.usual {
		c.own = v
		r.mark(0, s.number, v)
	}
	for i := range s.others {
		if o := &s.others[i]; k == o.key {
			r.cells[o.number].own = v
			r.used = append(r.used, o.number)
			r.mark(0, o.number, v)
		}
	}
	if c.from == "" || k <= c.from {
		c.any, c.from = v, k
		r.mark(1, s.number, v)
	}
}

func (r *row) putRaw(s *Key, key []byte, m *rawjson.Value) {
	if string(key) == s.usual {
		r.put(s, s.usual, rawNull(m))
		return
	}
	for i := range s.others {
		if o := &s.others[i]; string(key) == o.key {
			r.put(s, o.key, rawNull(m))
			return
		}
	}
	r.put(s, r.d.spelling(key), rawNull(m))
}

func (r *row) mark(i, n int, v any) {
	r.set[i][n/64] &^= 1 << (n % 64)
	if !blank(v) {
		r.set[i].add(n)
	}
}

func (r *row) detect() (Source, bool) {
	if s, ok := detect(r); ok {
		return s, true
	}
	r.folded = true
	return detect(r)
}

// value returns what stands under the key of a number.
func (r *row) value(key int) any {
	if r.folded {
		return r.cells[lowerNumbers[key]].any
	}
	return r.cells[key].own
}

func (r *row) text(key int) string { return r.d.text(r.value(key)) }

// hasText says whether text is not empty.
func (r *row) hasText(key int) bool {
	switch v := r.value(key).(type) {
	case nil:
		return false
	case float64:
		return true
	case string:
		return v != ""
	}
	return r.text(key) != ""
}

// lower is text in lower case.
func (r *row) lower(key int) string {
	v := r.value(key)
	if raw, ok := v.(*rawjson.Value); ok {
		if x := r.d.known(raw); x != nil {
			return x.lower
		}
	}
	t := r.d.text(v)
	if x := r.d.texts[t]; x != nil {
		return x.lower
	}
	return r.d.keep(t).lower
}

// text is text of a value, for raw JSON one that is kept.
func (d *Detector) text(v any) string {
	if raw, ok := v.(*rawjson.Value); ok {
		if x := d.known(raw); x != nil {
			return x.text
		}
	}
	if n, ok := v.(float64); ok {
		return d.number(n)
	}
	return text(v)
}

// spelling is the text of a key, one that is kept.
func (d *Detector) spelling(key []byte) string {
	if x := d.texts[string(key)]; x != nil {
		return x.text
	}
	return d.keep(string(key)).text
}

// number is text of a number, one that is kept.
func (d *Detector) number(n float64) string {
	t, ok := d.numbers[n]
	if !ok {
		if t = text(n); d.numbers == nil || len(d.numbers) >= maxDetectedTexts {
			d.numbers = map[float64]string{}
		}
		d.numbers[n] = t
	}
	return t
}

func (d *Detector) known(v *rawjson.Value) *detected {
	if v.Kind != rawjson.String && v.Kind != rawjson.Number || v.Escaped || v.Wide {
		return nil
	}
	if x := d.texts[string(v.Text)]; x != nil {
		return x
	}
	return d.keep(string(v.Text))
}

func (d *Detector) keep(t string) *detected {
	x := &detected{t, strings.ToLower(t)}
	if len(t) <= maxDetectedText {
		if d.texts == nil || len(d.texts) >= maxDetectedTexts {
			d.texts = map[string]*detected{}
		}
		d.texts[t] = x
	}
	return x
}

func (r *row) has(keys ...int) bool {
	for _, k := range keys {
		if blank(r.value(k)) {
			return false
		}
	}
	return true
}

func (r *row) hasAny(keys ...int) bool {
	for _, k := range keys {
		if !blank(r.value(k)) {
			return true
		}
	}
	return false
}

// meets says whether the event has the columns of a signature.
func (r *row) meets(s *signature) bool {
	i := 0
	if r.folded {
		i = 1
	}
	have, want := &r.set[i], &s.sets[i]
	return have.covers(&want.has) && (len(s.any) == 0 || have.meets(&want.any)) && !have.meets(&want.not)
}
