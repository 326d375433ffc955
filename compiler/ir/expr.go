package ir

import (
	"net/netip"
	"slices"
)

// Expr is a node of the tree. The set is closed: *And, *Or, *Not, Const,
// *Selection, *Any, *Match. A switch over nodes lists them in this order and
// panics on any other.
type Expr interface{ expr() }

type (
	// And is true iff all of X are; And{} is true.
	And struct{ X []Expr }
	// Or is true iff one of X is; Or{} is false.
	Or struct{ X []Expr }
	// Not is the complement of X.
	Not struct{ X Expr }
	// Const is true or false.
	Const bool
	// Selection is X under the name its author gave it. It means X; the name
	// lets a hit say which selections held.
	Selection struct {
		Name string
		X    Expr
	}
	// Any is true iff X is true of one element of the list at Over.
	Any struct {
		Over Field
		X    Expr
	}
	// Match compares a field with values; one of them must fit. Null and
	// Exists take no values.
	Match struct {
		Field  Field
		Op     Op
		Values []Value
		Cased  bool // Equal, Contains, StartsWith, EndsWith, Like
	}
)

func (*And) expr()       {}
func (*Or) expr()        {}
func (*Not) expr()       {}
func (Const) expr()      {}
func (*Selection) expr() {}
func (*Any) expr()       {}
func (*Match) expr()     {}

// Op is what a Match asks. The package comment says what each means.
type Op uint8

// The operators, with the values each takes.
const (
	Equal          Op = iota // String, Number, Bool, FieldRef
	Contains                 // String, FieldRef
	StartsWith               // String, FieldRef
	EndsWith                 // String, FieldRef
	Like                     // Pattern
	Regexp                   // Regex
	InNetwork                // Prefix, Networks
	Less                     // Number, Argument
	LessOrEqual              // Number
	Greater                  // Number
	GreaterOrEqual           // Number
	Null                     // none
	Exists                   // none
	numOps
)

var opNames = [numOps]string{"equal", "contains", "startsWith", "endsWith", "like", "regexp", "inNetwork",
	"less", "lessOrEqual", "greater", "greaterOrEqual", "null", "exists"}

// String returns the operator's name, as Print writes it.
func (op Op) String() string { return opNames[op] }

// Ops returns all operators in order.
func Ops() []Op {
	ops := make([]Op, numOps)
	for i := range ops {
		ops[i] = Op(i)
	}
	return ops
}

// Value is what a field is compared with. The set is closed: String, Number,
// Bool, Pattern, Regex, Prefix, FieldRef, Networks, Argument.
type Value interface{ value() }

type (
	// String is text, wildcards gone and escapes read.
	String string
	// Number is an exact 64-bit integer or a float64.
	Number struct {
		IsInt bool
		Int   int64
		Float float64 // when !IsInt
	}
	// Bool is true or false.
	Bool bool
	// Pattern is text with wildcards that String with Contains, StartsWith or
	// EndsWith cannot say, matched against the whole text. Wildcards span
	// line breaks. Adjacent literals are one, adjacent AnyRuns too.
	Pattern []PatternPart
	// Regex is a regular expression in the syntax of Go's regexp/syntax, its
	// flags in front as (?ims). It searches; it is not anchored.
	Regex string
	// Prefix is a network as PrefixOf makes it.
	Prefix netip.Prefix
	// FieldRef stands for each non-null, non-empty scalar of another field.
	FieldRef struct{ Field Field }
	// Networks stands, as Prefix does, for the networks in a list that only a
	// query reads; see Binding.Read.
	Networks struct{ Parameter string }
	// Argument stands, as Number does, for the number that whoever calls a
	// query gives; see Binding.Read.
	Argument struct {
		Parameter string
		Duration  bool // a length of time is given, and the number is its seconds
	}
)

func (String) value()   {}
func (Number) value()   {}
func (Bool) value()     {}
func (Pattern) value()  {}
func (Regex) value()    {}
func (Prefix) value()   {}
func (FieldRef) value() {}
func (Networks) value() {}
func (Argument) value() {}

// PrefixOf returns the network in its one form: address bits behind the length
// are zero, and IPv4 in IPv6 clothes (::ffff:10.0.0.0/104) is IPv4, as the
// addresses of events are.
func PrefixOf(p netip.Prefix) Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return Prefix(p.Masked())
}

// PatternPart is a literal or a wildcard.
type PatternPart struct {
	Kind PatternKind
	Text string // of a Literal; of a OneOfList the parameter
}

// ReadsList reports whether a text of the pattern is in a list that only a query
// reads.
func (p Pattern) ReadsList() bool {
	return slices.ContainsFunc(p, func(x PatternPart) bool { return x.Kind == OneOfList })
}

// PatternKind says what a PatternPart is.
type PatternKind uint8

// The kinds of PatternPart.
const (
	Literal PatternKind = iota
	AnyRun              // any run of code points, also none
	AnyOne              // exactly one code point
	// OneOfList is one of the texts in a list that only a query reads; see
	// Binding.Read.
	OneOfList
)
