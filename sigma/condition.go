package sigma

// Condition is a parsed condition.
type Condition struct {
	Pos  Pos // of its first character in the file
	Text string
	Expr ConditionExpr
	// Aggregation is the legacy part behind a pipe, else nil.
	Aggregation *Aggregation
}

// ConditionExpr is a node of a condition. The set is closed: *ConditionAnd,
// *ConditionOr, *ConditionNot, *ConditionName, *ConditionOf.
type ConditionExpr interface {
	Position() Pos
	conditionExpr()
}

type (
	// ConditionAnd holds when all its parts hold.
	ConditionAnd struct {
		Pos   Pos
		Parts []ConditionExpr
	}
	// ConditionOr holds when one of its parts holds.
	ConditionOr struct {
		Pos   Pos
		Parts []ConditionExpr
	}
	// ConditionNot is the complement.
	ConditionNot struct {
		Pos  Pos
		Part ConditionExpr
	}
	// ConditionName names a selection (in a correlation: a rule).
	ConditionName struct {
		Pos  Pos
		Name string
	}
	// ConditionOf is `1 of them`, `2 of sel_*`, `all of filter*`, `any of them`.
	ConditionOf struct {
		Pos Pos
		// Count is the number of selections that must hold; 0 stands for all.
		Count int
		// Pattern is a name with stars anywhere in it; "" stands for `them`:
		// all names but those that begin with an underscore.
		Pattern    string
		PatternPos Pos
	}
)

func (c *ConditionAnd) Position() Pos  { return c.Pos }
func (c *ConditionOr) Position() Pos   { return c.Pos }
func (c *ConditionNot) Position() Pos  { return c.Pos }
func (c *ConditionName) Position() Pos { return c.Pos }
func (c *ConditionOf) Position() Pos   { return c.Pos }

func (*ConditionAnd) conditionExpr()  {}
func (*ConditionOr) conditionExpr()   {}
func (*ConditionNot) conditionExpr()  {}
func (*ConditionName) conditionExpr() {}
func (*ConditionOf) conditionExpr()   {}

// Aggregation is a legacy condition's `| count(field) by x > n`.
type Aggregation struct {
	Pos      Pos
	Function string // count, min, max, avg, sum
	Field    string // "" for count()
	By       []Field
	Op       ThresholdOp
	Value    Numeric
}

// Aggregation returns the first legacy aggregation behind a condition of a rule,
// as in `selection | count(user) by host > 5`, or nil.
func (d *Document) Aggregation() *Aggregation {
	if d.Kind != KindRule || d.Detection == nil {
		return nil
	}
	for _, c := range d.Detection.Conditions {
		if c.Aggregation != nil {
			return c.Aggregation
		}
	}
	return nil
}
