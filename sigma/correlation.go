package sigma

// CorrelationType names what a correlation counts or orders.
type CorrelationType string

// The correlation types of Sigma 2.1.0, then those of the native form.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValuePercentile CorrelationType = "value_percentile"

	NewValue     CorrelationType = "new_value"
	AfterSilence CorrelationType = "after_silence"
	Counts       CorrelationType = "counts"
	Increase     CorrelationType = "increase"
	Summary      CorrelationType = "summary"
)

// Correlation is the `correlation` section as written. Which of its parts a
// type needs or allows is the parser's table; what they mean is the compiler's.
type Correlation struct {
	Pos      Pos
	Type     CorrelationType
	TypePos  Pos
	Rules    []Reference
	GroupBy  []Field
	Timespan Timespan
	Aliases  []Alias
	Generate bool

	// Condition of the count and value types: all thresholds hold.
	Thresholds []Threshold
	// ConditionFields are the fields whose values are counted or added.
	ConditionFields []Field
	Percentile      *Numeric // value_percentile only
	// Expr is a temporal type's condition over rule names, else nil.
	Expr *Condition

	// Native.
	Fields     []Field     // new_value, summary (distinct), increase (distinct)
	Lookback   Timespan    // new_value, after_silence
	MinHistory int         // new_value
	Silence    Timespan    // after_silence
	RuleCounts []RuleCount // counts
	Ratio      *Ratio      // counts
	Against    Timespan    // increase
	Factor     *Numeric    // increase: ratio
	Difference *Numeric    // increase
	Minimum    *Numeric    // increase
	Zone       string      // increase
}

// Alias gives one name to a field that is called differently in each rule.
type Alias struct {
	Pos  Pos
	Name string
	// Fields maps a rule's reference to its field, in the author's order.
	Fields []AliasField
}

// AliasField is one rule's field behind an alias.
type AliasField struct {
	Rule  Reference
	Field Field
}

// ThresholdOp compares a count or value with a threshold.
type ThresholdOp string

// The threshold operators.
const (
	OpGT  ThresholdOp = "gt"
	OpGTE ThresholdOp = "gte"
	OpLT  ThresholdOp = "lt"
	OpLTE ThresholdOp = "lte"
	OpEQ  ThresholdOp = "eq"
	OpNEQ ThresholdOp = "neq"
)

var thresholdOps = []ThresholdOp{OpGT, OpGTE, OpLT, OpLTE, OpEQ, OpNEQ}

// ThresholdOps returns the threshold operators as they are written.
func ThresholdOps() []string {
	var out []string
	for _, op := range thresholdOps {
		out = append(out, string(op))
	}
	return out
}

// Holds says whether the operator accepts a value that compares with the
// threshold as order says: negative below it, 0 equal, positive above it. Of
// what is no operator it is false.
func (op ThresholdOp) Holds(order int) bool {
	switch op {
	case OpGT:
		return order > 0
	case OpGTE:
		return order >= 0
	case OpLT:
		return order < 0
	case OpLTE:
		return order <= 0
	case OpEQ:
		return order == 0
	case OpNEQ:
		return order != 0
	}
	return false
}

// Threshold is one `gte: 10`. Placeholder is set instead of Value where a
// parameter stands.
type Threshold struct {
	Pos         Pos
	Op          ThresholdOp
	Value       Numeric
	Placeholder string
}

// RuleCount is one referenced rule's own condition in a `counts` correlation.
type RuleCount struct {
	Rule       Reference
	Thresholds []Threshold
}

// Ratio compares the counts of two referenced rules: count(Of) ≥ GTE × count(To).
type Ratio struct {
	Pos Pos
	Of  Reference
	To  Reference
	GTE Numeric
}
