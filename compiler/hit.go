package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// Hit says that a rule is true of an event, and why.
type Hit struct {
	// ID is the same whenever the same rule meets the same event: a hash of
	// the rule's id, or of its file and title, and of the event's own id, or of
	// the event.
	ID   string
	Rule *RuleInfo
	// Time is when the event happened, in UTC; zero when it does not say.
	Time   time.Time
	Source event.Source
	// Selections are the names of the selections that were true.
	Selections []string
	// Matched are the comparisons that made the rule true, in the rule's
	// order. What a rule excludes is not among them.
	Matched []Matched
	// Entities are the values of the fields that the rule names as its ends.
	Entities []Entity
	// Event is the event as it was given, decoded where it was raw JSON.
	Event any
	// EventID is the event's own id, or "".
	EventID string

	// Of a hit of a correlation, as Stream gives it, Time is the instant that
	// satisfied the condition, there is no event, Entities are read from the
	// group, and ID is a hash of the rule's id, the group's key, the time and,
	// of new_value, the new tuple.

	// Group is the key of the group; empty without group-by.
	Group []GroupKey
	// Window is the interval that was looked at: closed, but of increase
	// without its end. Of after_silence it is the silence, of summary the
	// times of the first and last event.
	Window Window
	// Value is the count or value that met the condition, "" for new_value. Of
	// temporal types it is the number of referenced rules that were met, of
	// counts that of the window's events, of after_silence the silence in
	// seconds.
	Value json.Number
	// Before is the value of the earlier window that an increase compares with.
	Before json.Number
	// Counts are those of each referenced rule, of the type counts.
	Counts []int
	// NewValue is the tuple that is new, of new_value.
	NewValue []GroupKey
	// Distinct are the numbers of distinct values that a summary asks for.
	Distinct []DistinctCount
	// Contributing are the events behind the hit, by time, id and input: those
	// of the window that were known when the hit was decided; of new_value
	// those with the new tuple, of after_silence those before and after the
	// silence; none of summary.
	Contributing []Contribution
	// Repeats counts the further hits of a rule with once that were not raised
	// because of this one. It grows while the Stream runs, inside its calls:
	// another goroutine must not read it meanwhile.
	Repeats int
}

// GroupKey is one part of a key: a field's name as the rule has it, and its
// folded text; "" where the field was absent.
type GroupKey struct{ Field, Value string }

// Window is an interval of time, in UTC.
type Window struct{ From, To time.Time }

// DistinctCount is the number of distinct values of a field.
type DistinctCount struct {
	Field string
	Count int
}

// Contribution is an event that has a part in a correlation's hit.
type Contribution struct {
	// Rule is the referenced rule that the event matched, Input its place
	// among those of the correlation. An event that matched several is listed
	// for each.
	Rule  *RuleInfo
	Input int
	Time  time.Time
	// EventID is the event's own id, else a hash of the event. For a hit of
	// another correlation it is the ID of that hit.
	EventID    string
	Source     event.Source
	Selections []string
	Event      any // if StreamOptions.KeepEvents, or what its Keep returned
}

// Matched is a comparison that held.
type Matched struct {
	Selection string // the innermost selection around it; "" for none
	Field     string // as the author wrote it
	Op        ir.Op
	// Values are those of the event that fitted (string, json.Number or bool);
	// none for null and exists.
	Values []any
	// Rule holds the rule's values that they fitted.
	Rule []ir.Value
}

// Entity is a value of the event that names an end of the hit, such as an
// account or an address.
type Entity struct {
	Type  string
	Field string
	Value string
}

// maxMatchedValues bounds the values that a Matched lists.
const maxMatchedValues = 100

func (rs *RuleSet) hit(p *program, s *scratch, in *incoming) Hit {
	in.identify()
	h := Hit{Rule: p.loaded.info, Time: in.record.Time, Source: in.record.Source, Event: in.record.Event, EventID: in.record.ID}
	h.ID = hitID(h.Rule, in.identity)
	d := detail{set: rs.leaves, hit: &h}
	// The source's own conditions are no news.
	if d.holds(p.rule.When, s.event) {
		d.tell(p.rule.When, s.event, "")
	}
	for _, e := range p.rule.Entities {
		f, err := rs.leaves.field(e.Field, false)
		if err != nil {
			continue
		}
		y := s.event.yield(f)
		for i := range y.scalars {
			x := Entity{Type: e.Type, Field: e.Field.Name, Value: y.scalars[i].textForm()}
			if x.Value != "" && !slices.Contains(h.Entities, x) && len(h.Entities) < maxMatchedValues {
				h.Entities = append(h.Entities, x)
			}
		}
	}
	return h
}

// contribution is what a correlation keeps of a hit that nobody else gets: the
// rule and its selections.
func (rs *RuleSet) contribution(p *program, s *scratch, in *incoming) Hit {
	in.identify()
	h := Hit{Rule: p.loaded.info}
	d := detail{set: rs.leaves, hit: &h, brief: true}
	if d.holds(p.rule.When, s.event) {
		d.tell(p.rule.When, s.event, "")
	}
	return h
}

// detail walks a rule's tree over an event, by the same leaves that decide.
type detail struct {
	set   *leafSet
	hit   *Hit
	brief bool // selections only
}

// holds evaluates a tree.
func (d *detail) holds(e ir.Expr, s *subject) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !d.holds(x, s) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if d.holds(x, s) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !d.holds(e.X, s)
	case ir.Const:
		return bool(e)
	case *ir.Selection:
		return d.holds(e.X, s)
	case *ir.Any:
		for _, el := range d.elements(e, s) {
			if d.holds(e.X, el) {
				return true
			}
		}
		return false
	case *ir.Match:
		l, err := d.set.leafOf(e, s.element)
		return err == nil && s.holds(l)
	}
	panic("compiler: unknown node")
}

func (d *detail) elements(a *ir.Any, s *subject) []*subject {
	f, err := d.set.field(a.Over, s.element)
	if err != nil {
		return nil
	}
	return s.elements(f)
}

// tell adds what made e, which holds, true.
func (d *detail) tell(e ir.Expr, s *subject, selection string) {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			d.tell(x, s, selection)
		}
	case *ir.Or:
		for _, x := range e.X {
			if d.holds(x, s) {
				d.tell(x, s, selection)
			}
		}
	case *ir.Not, ir.Const:
	case *ir.Selection:
		if !slices.Contains(d.hit.Selections, e.Name) {
			d.hit.Selections = append(d.hit.Selections, e.Name)
		}
		d.tell(e.X, s, e.Name)
	case *ir.Any:
		for _, el := range d.elements(e, s) {
			if d.holds(e.X, el) {
				d.tell(e.X, el, selection)
			}
		}
	case *ir.Match:
		if !d.brief {
			d.add(d.matched(e, s, selection))
		}
	default:
		panic("compiler: unknown node")
	}
}

// add adds a comparison, or its values to one already there for another element.
func (d *detail) add(m Matched) {
	for i := range d.hit.Matched {
		old := &d.hit.Matched[i]
		if old.Selection != m.Selection || old.Field != m.Field || old.Op != m.Op || !slices.EqualFunc(old.Rule, m.Rule, sameValue) {
			continue
		}
		for _, v := range m.Values {
			if !slices.Contains(old.Values, v) && len(old.Values) < maxMatchedValues {
				old.Values = append(old.Values, v)
			}
		}
		return
	}
	if len(d.hit.Matched) < maxMatchedValues {
		d.hit.Matched = append(d.hit.Matched, m)
	}
}

func sameValue(a, b ir.Value) bool { return ir.ValueText(a) == ir.ValueText(b) }

// matched finds which of the event's values fit which of the rule's.
func (d *detail) matched(m *ir.Match, s *subject, selection string) Matched {
	out := Matched{Selection: selection, Field: m.Field.Name, Op: m.Op}
	if m.Op == ir.Null || m.Op == ir.Exists {
		return out
	}
	l, err := d.set.leafOf(m, s.element)
	if err != nil {
		return out
	}
	y := s.yield(l.field)
	if len(l.needles) == len(m.Values) {
		out.Rule = l.fittingNeedles(m.Values, y, s)
	} else {
		out.Rule = fitting(m, m.Values, s)
	}
	if len(out.Rule) > maxMatchedValues {
		out.Rule = slices.Clip(out.Rule[:maxMatchedValues])
	}
	for i := range y.scalars {
		if len(out.Values) == maxMatchedValues {
			break
		}
		if x := &y.scalars[i]; l.fitsAny(x, s) && !slices.Contains(out.Values, x.value()) {
			out.Values = append(out.Values, x.value())
		}
	}
	return out
}

// fitting returns those of the values that alone would make the match hold. It
// halves the list, as most values of a long one do not.
func fitting(m *ir.Match, values []ir.Value, s *subject) []ir.Value {
	if len(values) == 0 {
		return nil
	}
	l, err := newLeaf(&ir.Match{Field: m.Field, Op: m.Op, Cased: m.Cased, Values: values})
	if err != nil || !l.match(s) {
		return nil
	}
	if len(values) == 1 {
		return values
	}
	half := len(values) / 2
	return append(slices.Clip(fitting(m, values[:half], s)), fitting(m, values[half:], s)...)
}

// fittingNeedles is fitting for a leaf that looks for parts of a text.
func (l *leaf) fittingNeedles(values []ir.Value, y *yielded, s *subject) (out []ir.Value) {
	for i, n := range l.needles {
		for j := range y.scalars {
			text := y.scalars[j].form(l.cased, s.cursor)
			if !s.cursor.spend(1 + len(text)/64) {
				return out
			}
			if textOp(l.op, text, n) {
				out = append(out, values[i])
				break
			}
		}
	}
	return out
}

// identify finds an event's time and identity, once for all hits.
func (in *incoming) identify() {
	if in.identity != "" {
		return
	}
	if in.record.Time.IsZero() {
		in.record.Time, _ = event.Time(in.value, in.record.Source)
	}
	if in.record.ID == "" {
		in.record.ID = event.ID(in.value, in.record.Source)
	}
	if in.record.ID != "" {
		in.identity = "id " + strconv.Quote(in.record.Source.Table) + " " + in.record.ID
		return
	}
	h := eventHashers.Get().(*eventHasher)
	in.identity = "hash " + h.sum(in.value)
	eventHashers.Put(h)
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
}

var eventHashers = sync.Pool{New: func() any { return &eventHasher{hash: sha256.New()} }}

// sum returns the hash of an event in hexadecimal digits.
func (h *eventHasher) sum(v any) string {
	h.hash.Reset()
	h.buf, h.steps = h.buf[:0], maxHashSteps
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
		x := toScalar(v)
		if x.kind == textScalar {
			h.buf = appendQuoted(h.buf, x.text)
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
// identity. Only Go values that contain themselves have more.
const maxHashSteps = 1 << 22

var _ json.Marshaler = Matched{}

// MarshalJSON writes the operator by its name and the rule's values as
// ir.ValueText does.
func (m Matched) MarshalJSON() ([]byte, error) {
	rule := make([]string, len(m.Rule))
	for i, v := range m.Rule {
		rule[i] = ir.ValueText(v)
	}
	return json.Marshal(struct {
		Selection string   `json:"selection,omitempty"`
		Field     string   `json:"field"`
		Op        string   `json:"op"`
		Values    []any    `json:"values,omitempty"`
		Rule      []string `json:"rule,omitempty"`
	}{m.Selection, m.Field, m.Op.String(), m.Values, rule})
}
