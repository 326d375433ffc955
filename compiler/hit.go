package compiler

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// Hit says that a rule is true of an event, and why.
//
// What its methods return is made when it is first asked for, from the event:
// of raw JSON a copy, so that the bytes that Match was given may be used again
// at once; of a decoded event the event itself, which must not change before
// its hits have been asked for all that is wanted of them. The methods may be
// called from several goroutines, and on copies of a hit; what they return must
// not be changed.
type Hit struct {
	Rule   *RuleInfo
	Source event.Source

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

	facts *facts // nil of a hit that is forgotten
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
	// EventID is the event's own id, else a hash of the event. One of more than
	// 1,024 bytes is cut, with a hash of the whole behind it. For a hit of
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

// maxMatchedValues bounds each list that a hit or an explanation has of an event:
// what matched, the values of one Matched, entities.
const maxMatchedValues = 100

// facts are what the methods of a hit tell, of all copies of it.
type facts struct {
	event *hitEvent // nil of a correlation
	time  time.Time // of a correlation

	naming sync.Once
	id     string

	// The rest is read from the event with the rule, which are nil afterwards:
	// who keeps hits need not keep the set.
	reading    sync.Once
	set        *RuleSet
	program    *program
	selections []string
	matched    []Matched
	entities   []Entity
}

// hitEvent is the event of hits.
type hitEvent struct {
	decoding sync.Once
	data     []byte       // raw JSON that nobody has decoded yet
	record   event.Record // Event as it was given, decoded; Time and ID as said
	value    any          // the event that rules look at

	identifying sync.Once // of the record's Time and ID
	hashing     sync.Once
	identity    string // what its hits are told apart by
}

// decode makes record.Event and value of raw JSON.
func (e *hitEvent) decode() {
	e.decoding.Do(func() {
		if e.data == nil {
			return
		}
		var d rawjson.Doc
		e.record.Event = decodeRaw(e.data, d.Parse(e.data))
		e.value, e.data = e.record.Event, nil
	})
}

// said returns the event with the time and id that it says.
func (e *hitEvent) said() *event.Record {
	e.identifying.Do(func() {
		var err error // of a caller's event.Object
		defer recovered(&err)
		e.decode()
		identify(&e.record, e.value)
	})
	return &e.record
}

// name returns what hits of the event are told apart by.
func (e *hitEvent) name() string {
	r := e.said()
	e.hashing.Do(func() {
		var err error
		defer recovered(&err)
		if e.identity == "" {
			e.identity = identityOf(r, e.value)
		}
	})
	return e.identity
}

// hitEvent returns what hits keep of the event.
func (in *incoming) hitEvent() *hitEvent {
	if in.kept == nil {
		in.kept = &hitEvent{record: in.record, identity: in.identity}
		if in.data == nil {
			in.kept.value = in.value
		} else {
			in.kept.data = bytes.Clone(bytes.TrimPrefix(in.data, utf8BOM))
		}
	}
	return in.kept
}

// decoded makes record.Event of raw JSON.
func (in *incoming) decoded() {
	if in.data != nil {
		k := in.hitEvent()
		k.decode()
		in.record.Event = k.record.Event
	}
}

// hit is the hit of a rule that is true of an event; its facts go to f.
func (rs *RuleSet) hit(p *program, in *incoming, f *facts) Hit {
	f.event, f.set, f.program = in.hitEvent(), rs, p
	return Hit{Rule: p.loaded.info, Source: in.record.Source, facts: f}
}

// ID is the same whenever the same rule meets the same event: a hash of the
// rule's id, or of its file and title, and of the event's own id, or of the
// event. A correlation's is of its rule, its group and the instant.
func (h *Hit) ID() string {
	f := h.facts
	if f == nil {
		return ""
	}
	f.naming.Do(func() {
		if f.id == "" && f.event != nil {
			f.id = hitID(h.Rule, f.event.name())
		}
	})
	return f.id
}

// Time is when the event happened, in UTC; zero when it does not say. A
// correlation's is the instant at which its condition was true.
func (h *Hit) Time() time.Time {
	switch {
	case h.facts == nil:
		return time.Time{}
	case h.facts.event == nil:
		return h.facts.time
	}
	return h.facts.event.said().Time
}

// EventID is the event's own id, or "", as of a correlation.
func (h *Hit) EventID() string {
	if h.facts == nil || h.facts.event == nil {
		return ""
	}
	return h.facts.event.said().ID
}

// Event is the event as it was given, decoded where it was raw JSON; nil of a
// correlation, whose events are its Contributing.
func (h *Hit) Event() any {
	if h.facts == nil || h.facts.event == nil {
		return nil
	}
	h.facts.event.decode()
	return h.facts.event.record.Event
}

// Selections are the names of the selections that were true.
func (h *Hit) Selections() []string { return h.read().selections }

// Matched are the comparisons that made the rule true, in the rule's order. What
// a rule excludes is not among them.
func (h *Hit) Matched() []Matched { return h.read().matched }

// Entities are the values of the fields that the rule names as its ends.
func (h *Hit) Entities() []Entity { return h.read().entities }

// Forget lets go of the event and of what the methods tell of it, of this copy
// of the hit: for those that are kept for their Repeats. It must not be called
// while another goroutine uses the hit.
func (h *Hit) Forget() { h.facts = nil }

var noFacts facts

// read reads what a hit tells from the event.
func (h *Hit) read() *facts {
	f := h.facts
	if f == nil {
		return &noFacts
	}
	f.reading.Do(func() {
		rs, p := f.set, f.program
		if f.set, f.program = nil, nil; rs == nil {
			return
		}
		f.event.decode()
		s := rs.scratch.Get().(*scratch)
		s.event.reset(f.event.value)
		rs.read(f, p, s)
		s.release(rs)
	})
	return f
}

// read reads the facts of a hit from the event in s.
func (rs *RuleSet) read(f *facts, p *program, s *scratch) {
	var err error // of a caller's event.Object: what was found so far stands
	defer recovered(&err)
	c := s.event.cursor
	c.cost = rs.maxCost
	c.use(rs.leaves.published.Load(), s.event.value)
	d := detail{set: rs.leaves, facts: f}
	// The source's own conditions are no news.
	if d.holds(p.rule.When, s.event) {
		d.tell(p.rule.When, s.event, "")
	}
	for _, e := range p.rule.Entities {
		of, err := rs.leaves.field(e.Field, false)
		if err != nil {
			continue
		}
		y := s.event.yield(of)
		for i := range y.scalars {
			x := Entity{Type: e.Type, Field: e.Field.Name, Value: y.scalars[i].textForm()}
			if e.Quoted() {
				x.Value = strings.Trim(x.Value, `"`)
			}
			if x.Value != "" && !slices.Contains(f.entities, x) && len(f.entities) < maxMatchedValues {
				f.entities = append(f.entities, x)
			}
		}
	}
}

// selections are those of a rule that is true of the event in s, for a
// correlation: the hit is nobody else's.
func (rs *RuleSet) selections(p *program, s *scratch) []string {
	var f facts
	d := detail{set: rs.leaves, facts: &f, brief: true}
	if d.holds(p.rule.When, s.event) {
		d.tell(p.rule.When, s.event, "")
	}
	return f.selections
}

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
