package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strconv"
	"sync"

	"github.com/rulewright/rulewright/compiler/event"
)

// identify finds an event's time and id.
func identify(r *event.Record, value any) {
	if r.Time.IsZero() {
		r.Time, _ = event.Time(value, r.Source)
	}
	if r.ID == "" {
		r.ID = event.ID(value, r.Source)
	}
}

// identityOf is what hits of an event that has been identified are told apart by.
func identityOf(r *event.Record, value any) string {
	if r.ID != "" {
		return "id " + strconv.Quote(r.Source.Table) + " " + r.ID
	}
	h := eventHashers.Get().(*eventHasher)
	defer eventHashers.Put(h)
	return "hash " + h.sum(value)
}

// identify finds an event's time and identity, once for all hits.
func (in *incoming) identify() {
	if in.identity != "" {
		return
	}
	if in.kept != nil {
		in.identity, in.record.Time, in.record.ID = in.kept.name(), in.kept.said().Time, in.kept.said().ID
		return
	}
	if identify(&in.record, in.value); in.record.ID == "" && in.data != nil {
		in.identity = in.hitEvent().name() // hashed decoded
		return
	}
	in.identity = identityOf(&in.record, in.value)
}

// ruleIdentity is what tells a rule from others.
func ruleIdentity(r *RuleInfo) string {
	if r.ID == "" {
		return r.File + " " + r.Title
	}
	return r.ID
}

// hitID hashes what identifies a hit.
func hitID(r *RuleInfo, identity string) string {
	sum := sha256.Sum256([]byte(strconv.Quote(ruleIdentity(r)) + " " + identity))
	return hex.EncodeToString(sum[:16])
}

// eventHasher hashes events. It is used again for the next.
type eventHasher struct {
	hash  hash.Hash
	buf   []byte // of what is to be hashed, the end
	keys  []string
	steps int
	slow  int // what numbers that take long to read may still take
}

var eventHashers = sync.Pool{New: func() any { return &eventHasher{hash: sha256.New()} }}

// sum returns the hash of an event in hexadecimal digits.
func (h *eventHasher) sum(v any) string {
	h.hash.Reset()
	h.buf, h.steps, h.slow = h.buf[:0], maxHashSteps, maxHashedNumbers
	h.value(v, 0)
	h.hash.Write(h.buf)
	if clear(h.keys[:cap(h.keys)]); cap(h.keys) > maxKeptMembers {
		h.keys = nil
	}
	return hex.EncodeToString(h.hash.Sum(h.buf[:0]))
}

// maxHashBuffer is how much is hashed at once.
const maxHashBuffer = 32 << 10

// value writes a value so that equal ones, in whatever Go types, are written
// alike.
func (h *eventHasher) value(v any, depth int) {
	if h.steps--; depth > maxValueDepth || h.steps < 0 {
		return
	}
	if len(h.buf) > maxHashBuffer {
		h.hash.Write(h.buf)
		h.buf = h.buf[:0]
	}
	switch v := plain(v).(type) {
	case nil:
		h.buf = append(h.buf, "null"...)
	case map[string]any:
		from := len(h.keys)
		for k := range v {
			h.keys = append(h.keys, k)
		}
		h.object(from, func(k string) any { return v[k] }, depth)
	case event.Object:
		from := len(h.keys)
		v.Keys(func(k string) bool { h.keys = append(h.keys, k); return true })
		h.object(from, func(k string) any { x, _ := v.Get(k); return x }, depth)
	case []any:
		h.buf = append(h.buf, '[')
		h.buf = strconv.AppendInt(h.buf, int64(len(v)), 10)
		for _, x := range v {
			h.buf = append(h.buf, ',')
			h.value(x, depth+1)
		}
	default:
		if n, ok := v.(json.Number); ok {
			cost := numberCost(string(n))
			if h.slow -= cost; cost > 0 && h.slow < 0 {
				h.buf = append(h.buf, n...) // as it is written
				return
			}
		}
		x := toScalar(v)
		if x.kind == textScalar {
			h.buf = appendQuoted(h.buf, x.textForm())
			return
		}
		h.buf = append(h.buf, x.textForm()...)
	}
}

// object writes the object whose keys are those from a place on, which it takes.
func (h *eventHasher) object(from int, get func(k string) any, depth int) {
	keys := h.keys[from:]
	slices.Sort(keys)
	h.buf = append(h.buf, '{')
	h.buf = strconv.AppendInt(h.buf, int64(len(keys)), 10)
	for _, k := range keys {
		h.buf = appendQuoted(append(h.buf, ','), k)
		h.buf = append(h.buf, ':')
		h.value(get(k), depth+1)
	}
	h.keys = h.keys[:from]
}

// appendQuoted is strconv.AppendQuote, which takes its time with each character.
func appendQuoted(b []byte, s string) []byte {
	from := len(b)
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f {
			return strconv.AppendQuote(b[:from], s)
		}
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// maxHashSteps bounds how many values of an event without an id make its
// identity. Go values that contain themselves have more, and maps of the caller's may.
const maxHashSteps = 1 << 22

// maxHashedNumbers bounds what reading the numbers of an event without an id may
// take, by numberCost. Behind it numbers that are equal, but written in other
// ways, are different.
const maxHashedNumbers = 1 << 22
