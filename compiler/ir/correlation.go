package ir

import (
	"slices"

	"github.com/rulewright/rulewright/sigma"
)

// Correlation is what a correlation means: which hits of which rules are taken,
// how they are grouped, and what must hold of a group at an instant.
// docs/design.md §5 defines each type; the words instant, satisfies and hit are
// meant as there. Aliases, references and placeholders are gone. All lengths of
// time are in microseconds, the unit to which times are cut.
type Correlation struct {
	Type sigma.CorrelationType
	// Inputs are the referenced rules in the author's order.
	Inputs []Input
	// GroupBy names the parts of a group's key, for hits; the fields are with
	// each Tap. Empty: all events are one group.
	GroupBy []string
	// Counted names the fields whose values are counted, added or remembered
	// (value_*, new_value, increase, summary), likewise.
	Counted []string
	// Span is the timespan.
	Span int64
	// Bounds all hold of the count or value; of a temporal type without
	// Combination, of the number of inputs that occur (default: all of them;
	// of temporal_ordered always all of them).
	Bounds []Bound
	// Percentile is in (0, 100], for value_percentile.
	Percentile float64
	// Combination, of a temporal type, is the condition over the inputs; nil:
	// Bounds decide.
	Combination Combination
	// Generate: hits of the inputs are reported too.
	Generate bool

	Lookback   int64   // new_value, after_silence
	MinHistory int     // new_value, at least 1
	Silence    int64   // after_silence
	Counts     []Count // counts: all hold
	Ratio      *Ratio  // counts: holds too
	Against    int64   // increase
	Factor     float64 // increase; 0: none asked
	Difference float64 // increase; 0: none asked
	Minimum    float64 // increase, 1 unless said otherwise
	Zone       string  // increase: IANA name, "" for windows aligned to the epoch
}

// HitFields names what a hit tells the values of: the group and, of new_value,
// what is new. Entities are among them.
func (c *Correlation) HitFields() []string {
	if c.Type != sigma.NewValue {
		return c.GroupBy
	}
	return slices.Concat(c.GroupBy, c.Counted)
}

// Input is a referenced rule.
type Input struct {
	// Ref is the author's reference, Name how hits call the rule.
	Ref, Name string
	// Taps are where the rule's hits come from, one for each source that it
	// was lowered for; of a correlation there is one.
	Taps []Tap
}

// Tap is a rule lowered for one source, with the fields that the correlation
// reads from its hits there. Of a correlation, whose hits have only their
// group, GroupBy and Counted are fields with the plain names in its own
// GroupBy as paths.
type Tap struct {
	Rule    *Rule
	GroupBy []Field // as Correlation.GroupBy
	Counted []Field // as Correlation.Counted
}

// Bound compares a count or value.
type Bound struct {
	Op    sigma.ThresholdOp
	Value Number
}

// Count holds the number of hits of an input in the window to bounds.
type Count struct {
	Input  int // index
	Bounds []Bound
}

// Ratio asks that the hits of input Of be at least GTE times those of input To.
type Ratio struct {
	Of, To int
	GTE    float64
}

// Combination says which inputs must occur in the window. The set is closed:
// *AllOf, *OneOf, *NoneOf, Occurs.
type Combination interface{ combination() }

type (
	// AllOf holds when all of X do.
	AllOf struct{ X []Combination }
	// OneOf holds when one of X does.
	OneOf struct{ X []Combination }
	// NoneOf holds when X does not.
	NoneOf struct{ X Combination }
	// Occurs holds when the input with this index occurs.
	Occurs int
)

func (*AllOf) combination()  {}
func (*OneOf) combination()  {}
func (*NoneOf) combination() {}
func (Occurs) combination()  {}

// Once keeps further hits of a rule with the same key from being raised.
type Once struct {
	// By are the fields that make the key, in the events of the rule's source;
	// of a correlation, names of its group.
	By []Field
	// For is how long after a raised hit further ones are only counted.
	For int64
	// Pos is where the rule says it.
	Pos sigma.Pos
}
