package backends

import (
	"fmt"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Target says what a query needs to know beyond the rule. The zero value is for
// rules whose pipeline names a table.
type Target struct {
	// Table is where the events of a rule are whose source names no table.
	Table string
	// Event is the column that holds an event whole, as JSON; "" where each
	// field is a column of its own.
	Event string
	// Time is the column with the event's time where the rule's source names
	// no field for it.
	Time string
	// Entities adds a column for each entity of the rule, Query.Entities.
	Entities bool
	// Since, if not 0, leaves only the hits of a correlation that are no older,
	// for a query that runs on a schedule. Of a plain rule with once it leaves the
	// rows that arrived within Since - Until, the time between two runs; other
	// plain rules do not heed it.
	Since time.Duration
	// Until, if not 0, leaves only the hits that are at least so old.
	Until time.Duration
	// Known, if not 0, is how far back a query on a schedule sees all hits of a
	// rule with once. What it cannot know to be the first of its key is not
	// raised.
	Known time.Duration
	// Closing makes each hit of a correlation a row of its last event: the name
	// of the time in the result, then columns of the event's table, which all
	// tables of the correlation have. Correlations over others have no event.
	Closing []string
}

// Query is a printed rule.
type Query struct {
	Text string
	// Table is the one that a plain rule reads; "" for a correlation.
	Table string
	// Time is the column of the result with the time of the event or hit.
	Time string
	// Entities are the columns of the result that hold entities, in the order
	// of the rule's entities; an entity that the table lacks is left out.
	Entities []EntityColumn
	// Group are the columns of a correlation's result that hold the group's
	// key, in the order of ir.Correlation.GroupBy.
	Group []string
	// Tuple are the columns that hold the new values of new_value.
	Tuple []string
}

// EntityColumn is a column of a result that holds an entity.
type EntityColumn struct {
	Type   string // as sigma.Entity has it
	Column string
	Index  int // among the rule's entities
	// Nth says which of an entity's different values the column holds where an
	// entity in a list has several columns; 0 is the first.
	Nth int
}

// refuse is the error of a rule that a target cannot say: a sigma.Diagnostic
// with the code of what is not supported, at the place where the author wrote
// the part e, or at the rule where e is nil or of no place.
func refuse(r *ir.Rule, e ir.Expr, target, format string, args ...any) error {
	pos := r.Pos
	if e != nil {
		if p, ok := r.Origins[e]; ok {
			pos = p
		}
	}
	return refuseAt(r, pos, target, format, args...)
}

func refuseAt(r *ir.Rule, pos sigma.Pos, target, format string, args ...any) error {
	return sigma.Diagnostic{File: r.File, Pos: pos, Severity: sigma.SeverityError, Code: sigma.CodeUnsupported,
		Message: fmt.Sprintf(format, args...) + " in " + target}
}

// noTime refuses what needs the time of an event where no column is known to
// hold it: at the logsource, which is what has none.
func noTime(r *ir.Rule, target string) error {
	pos := r.Source.LogSource.Pos
	if !pos.IsValid() {
		pos = r.Pos
	}
	return sigma.Diagnostic{File: r.File, Pos: pos, Severity: sigma.SeverityError, Code: sigma.CodeUnsupported,
		Message: "no column is known to hold the time of these events, which a correlation or once needs in " + target,
		Hint:    "name it with Target.Time (--time), or in a pipeline"}
}
