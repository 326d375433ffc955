package sigma

// Value is a value with the type that YAML gave it. The set is closed: Null,
// Bool, Number, String. A switch over values lists them in this order and
// panics on any other.
type Value interface {
	Position() Pos
	value()
}

// Null is `null`, `~` or nothing at all.
type Null struct{ Pos Pos }

// Bool is true or false.
type Bool struct {
	Pos  Pos
	Bool bool
}

// Number is an integer or a decimal.
type Number struct {
	Pos    Pos
	Number Numeric
}

// String is text, already cut into what is literal and what is not, so that
// nobody reads escapes or wildcards a second time.
type String struct {
	Pos Pos
	// Raw is the text as YAML gives it, before escapes and wildcards.
	Raw string
	// Parts is Raw in pieces. The value of an item whose modifiers take the
	// text as it is (re, cidr, fieldref and the number comparisons) is at
	// most one Literal equal to Raw. Neighbouring literals are one.
	Parts []Part
}

func (v Null) Position() Pos   { return v.Pos }
func (v Bool) Position() Pos   { return v.Pos }
func (v Number) Position() Pos { return v.Pos }
func (v String) Position() Pos { return v.Pos }

func (Null) value()   {}
func (Bool) value()   {}
func (Number) value() {}
func (String) value() {}

// Part is a piece of a String.
type Part struct {
	Kind PartKind
	Text string // of a Literal: the text, unescaped; of a Placeholder: its name
}

// PartKind says what a piece of a String is.
type PartKind int

// The kinds of part.
const (
	Literal     PartKind = iota
	AnyRun               // `*`: any run of characters, line breaks among them
	AnyOne               // `?`: any one character
	Placeholder          // `%name%` under the modifier expand
)

// Numeric is an exact 64-bit integer or a float64.
type Numeric struct {
	IsInt bool
	Int   int64
	Float float64 // when !IsInt
}

// Timespan is a length of time such as `5m`: Sigma's s, m, h, d, w, M (30 days)
// and y (365 days). Text keeps the author's words; Placeholder is set instead
// where a parameter stands.
type Timespan struct {
	Pos         Pos
	Text        string
	Seconds     int64
	Placeholder string
}
