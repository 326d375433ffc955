package ir

import "strings"

// Field is a place in an event that yields scalars. It says where the place is
// in an event (Path) and where in a table (Column), so that evaluation and
// printing agree.
type Field struct {
	// Name is what the author wrote, for hits and diagnostics.
	Name string
	// Leaves: not one place but every scalar leaf of the event, at any depth
	// (keywords). Path is empty.
	Leaves bool
	// Path leads from the event, inside Any from the element, to the place.
	// The empty Path is the event or element itself.
	Path Path
	// Column is the table column that the first step of Path is, spelled as
	// the table spells it; "" where the pipeline has no table schema and
	// inside Any.
	Column string
	// ColumnType is how the column is stored (a string column may hold JSON).
	ColumnType Type
	// Type is what the place holds, as the pipeline says.
	Type Type
	// Stored is Path as a query takes it: one step a key, the first one the
	// column. nil where no pipeline spells the keys; Steps splits them then.
	Stored Path
	// Join, if any, says that Column is no column but what others come to, in
	// a query only; Path has one step then, the name.
	Join *Join
	// Mixed: it holds other things than what it is called, too, so that a rule
	// may compare it and no hit shows it as an entity.
	Mixed bool
	// Derive, if any, replaces each scalar by something computed from it.
	Derive *Derivation
}

// Path is a sequence of steps. Each step takes what the step before yielded.
type Path []Step

// Step goes one step into an event.
type Step struct {
	// Key is looked up in an object: flat, dots and all, then cut at its dots.
	// "" stays in place (a position or selector behind another).
	Key string
	// JSON: what the key holds may be JSON inside a string and is parsed when
	// it is an object or list in such a string; other values stay as they are.
	JSON bool
	// Position, if HasPosition, keeps only that element of the list
	// (zero-based); a scalar or object is a list of one.
	HasPosition bool
	Position    int
	// Single: what the key holds is never a list, says the pipeline, so that a
	// query need not look for one. Evaluation does not look at it.
	Single bool
	// Where, if its Key is set, keeps only the elements whose Key equals
	// Value, folded: how Name/Value lists are read as objects.
	Where Where
}

// Where picks the elements of a Name/Value list.
type Where struct{ Key, Value string }

// Type is what a field holds or how a column is stored.
type Type uint8

// The types. Query backends choose literals and guards by them; evaluation
// looks at IP and JSON only.
const (
	TypeUnknown Type = iota
	TypeString
	TypeInt // 32-bit
	TypeLong
	TypeReal
	TypeBool
	TypeDatetime
	TypeTimespan
	TypeGUID
	TypeIP // text with an address, perhaps with a port
	// TypeNumeric is text that holds a number in its shortest decimal form and
	// nothing else, such as a result code, so that a query may compare texts
	// where a rule compares numbers.
	TypeNumeric
	TypeJSON // an object or list, perhaps as JSON inside a string
	numTypes
)

var typeNames = [numTypes]string{"unknown", "string", "int", "long", "real", "bool", "datetime", "timespan", "guid", "ip", "numeric", "json"}

// String returns the type's name, as pipelines write it.
func (t Type) String() string { return typeNames[t] }

// ParseType is the inverse of Type.String; `dynamic` is another name of json.
func ParseType(s string) (Type, bool) {
	if s == "dynamic" {
		return TypeJSON, true
	}
	for t, n := range typeNames {
		if n == s {
			return Type(t), true
		}
	}
	return TypeUnknown, false
}

// Join is a text made of columns of a row: those parts that are not empty, in
// order, with By between them. It gives one name to what another product keeps
// in one field and this one in several.
type Join struct {
	Parts []JoinPart
	By    string
}

// Closed returns the texts that the join can be, if it can be no others: those
// of a single part that names them.
func (j *Join) Closed() (texts []string, ok bool) {
	if j == nil || len(j.Parts) != 1 || len(j.Parts[0].Texts) == 0 {
		return nil, false
	}
	for _, r := range j.Parts[0].Texts {
		texts = append(texts, r.To)
	}
	return texts, true
}

// JoinPart is a column of text or of integers, with Before in front of its text.
type JoinPart struct {
	Column string
	// Type is that of the column; TypeUnknown stands for text.
	Type   Type
	Before string
	// Blank, if set, is how the column writes that there is nothing.
	Blank string
	// Prefixes are tried in order: the first that the column's text begins
	// with, in any case, is replaced.
	Prefixes []Replacement
	// Texts replaces whole texts, in any case. Where it is not empty, a text
	// that it does not list makes the part empty.
	Texts []Replacement
}

// Replacement is a text and what stands for it.
type Replacement struct{ From, To string }

// Derivation computes a number from a time. A scalar that is no time yields
// nothing. Times are RFC 3339 with any number of fraction digits, without a
// zone UTC, or the forms listed at compiler/event.ParseTime.
type Derivation struct {
	Kind DerivationKind
	// Zone is an IANA name for the time parts; "" is UTC.
	Zone string
	// Parameter, of a time part, names what gives the zone, be it of type hours, and of Hours the
	// hours, when a query is called; see Binding.Read.
	Parameter string
	// Unit of a duration in seconds; Since is the time it is measured from:
	// the derived number is (the scalar − Since) / Unit, a fraction.
	Unit  int64
	Since *Path
	// From is the field that Since is the path of, where a pipeline knows more
	// of it; nil where it does not.
	From *Field
}

// DerivationKind says what is computed.
type DerivationKind uint8

// The derivations. Weekday is 1 (Monday) to 7, Week the ISO week.
const (
	Minute DerivationKind = iota
	Hour
	Day
	Weekday
	Week
	Month
	Year
	Duration
	numDerivations
	// Hours is 1 at a time within the hours that are given when a query is
	// called, else 0. No event is asked this in the process: there the hours
	// are known, and lowered to the parts above.
	Hours = numDerivations
)

var derivationNames = [numDerivations]string{"minute", "hour", "day", "weekday", "week", "month", "year", "duration"}

// String returns the derivation's name as FieldSpec writes it.
func (k DerivationKind) String() string {
	if k == Hours {
		return "hours"
	}
	return derivationNames[k]
}

// Steps returns the steps of the field one key at a time, the first one the
// column: Stored, or the keys of Path cut at their dots.
func (f Field) Steps() Path {
	if f.Stored != nil || len(f.Path) == 0 {
		return f.Stored
	}
	var out Path
	for _, s := range f.Path {
		keys := strings.Split(s.Key, ".")
		for _, k := range keys[:len(keys)-1] {
			out = append(out, Step{Key: k})
		}
		s.Key = keys[len(keys)-1]
		out = append(out, s)
	}
	return out
}
