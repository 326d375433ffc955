package sigma

// Detection is the searching part of a rule or filter: named selections and
// the conditions over them.
type Detection struct {
	Pos        Pos
	Selections []*Selection // in the author's order; names are unique
	Conditions []*Condition // at least one; several are alternatives
	Timeframe  *Timespan    // legacy, for an aggregation in the condition
}

// Selection returns the selection of that name, or nil.
func (d *Detection) Selection(name string) *Selection {
	for _, s := range d.Selections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Selection is one named entry of a detection.
type Selection struct {
	Name string
	Pos  Pos
	Body Block
}

// Block is what stands under a selection's name or a list block's field. The
// set is closed: *AllOf, *AnyOf, *Item, *Detection. A switch over blocks lists
// them in this order and panics on any other.
type Block interface {
	Position() Pos
	block()
}

// AllOf is a mapping: all its items hold. An empty one always holds.
type AllOf struct {
	Pos   Pos
	Items []*Item
}

// AnyOf is a sequence of mappings (or of mappings and keywords): one holds.
type AnyOf struct {
	Pos    Pos
	Blocks []Block
}

// Item is one `field|modifier: value` line. It has either Values, of which one
// must fit (all with the modifier `all`), or a Block that the elements of the
// field are held to. An Item with an empty Field is a keyword search; it also
// stands alone as a Block for a plain sequence of keywords.
type Item struct {
	Pos        Pos
	Field      Field
	Modifiers  []Modifier
	Quantifier Quantifier // of a list block; QuantifierNone for a plain item
	Values     []Value
	Block      Block // nil for a plain item
}

// Has reports whether the item carries the modifier.
func (it *Item) Has(name string) bool {
	for _, m := range it.Modifiers {
		if m.Name == name {
			return true
		}
	}
	return false
}

func (b *AllOf) Position() Pos     { return b.Pos }
func (b *AnyOf) Position() Pos     { return b.Pos }
func (it *Item) Position() Pos     { return it.Pos }
func (d *Detection) Position() Pos { return d.Pos }

func (*AllOf) block()     {}
func (*AnyOf) block()     {}
func (*Item) block()      {}
func (*Detection) block() {}

// Field names a field as the author wrote it.
type Field struct {
	Pos Pos
	// Name is the text without modifiers and without the quantifier:
	// `TargetResources[0].id`. "" is a keyword search, "." the element that a
	// list block is looking at.
	Name string
	// Steps is Name cut at list positions: {TargetResources, 0}, {id}. A
	// step's Name may hold dots; whether they are part of a flat key or steps
	// of a path is decided on the event (flat key first).
	Steps []FieldStep
}

// FieldStep is a name, dots and all, and the list position behind it.
type FieldStep struct {
	Name  string // "" only in front of a position that follows another
	Index int    // zero-based; -1 when none was written
}

// Quantifier says how many elements of a list a list block is about.
type Quantifier int

// The quantifiers of list blocks (sigma-specification #212).
const (
	QuantifierNone       Quantifier = iota // not a list block
	QuantifierAny                          // [any]: at least one element
	QuantifierAll                          // [all]: every element, and there is one
	QuantifierAllOrEmpty                   // [all_or_empty]: every element, if any
	QuantifierNo                           // [none]: no element
)

// String returns the quantifier as it stands in brackets, or "".
func (q Quantifier) String() string {
	switch q {
	case QuantifierAny:
		return "any"
	case QuantifierAll:
		return "all"
	case QuantifierAllOrEmpty:
		return "all_or_empty"
	case QuantifierNo:
		return "none"
	}
	return ""
}

// Modifier is one `|name` behind a field, or in a native document `|name=arg`.
// Name is one of the Mod… constants once the document was parsed without error.
type Modifier struct {
	Pos  Pos
	Name string
	Arg  string // native: the zone of a time part, the field of since
}
