package ir

import (
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

// Rule is what a document means for one source. A document lowers to one Rule
// for each table that its logsource may be. A Rule is immutable.
type Rule struct {
	File string
	Pos  sigma.Pos
	Meta sigma.Meta
	// Source says which events the rule is about.
	Source Source
	// When is the predicate over one event of the source; nil for a
	// correlation. Filters are part of it, Source.Where is not.
	When Expr
	// Correlation is what a correlation means; nil for other rules.
	Correlation *Correlation
	// Inner marks a rule, or a correlation, that is only there for a
	// correlation to tap, such as what a legacy aggregation counts. Its hits
	// are not reported.
	Inner bool
	// OnlyFeeds marks a rule, or a correlation, whose hits only count for
	// correlations that were lowered with it. They are not reported.
	OnlyFeeds bool
	// Once, if not nil, raises hits of one key once in a while only. Whether
	// the rule is true of an event does not depend on it.
	Once *Once
	// Condition positions and such are gone: what a later stage must refuse it
	// refuses at Pos or at a Match's entry in Origins.
	Origins map[Expr]sigma.Pos
	// Entities are the fields of Meta.Entities as this source has them; those
	// that it does not have are left out.
	Entities []EntityField
	// Lacks names the parameters without a value. A rule that lacks one does
	// not run: an empty allow-list never makes a rule fire.
	Lacks []string
}

// Quiet reports whether the rule's hits are not reported.
func (r *Rule) Quiet() bool { return r.Inner || r.OnlyFeeds }

// Source is where a rule's events come from.
type Source struct {
	Pipeline string // its name, for messages
	// Form is the event form that paths are for; "" for a query target.
	Form string
	// Table as the target names it; "" when no pipeline knows the logsource.
	Table string
	// Function: the table is a function of the target, called without
	// arguments.
	Function bool
	// Where holds the logsource's own conditions (such as EventID 1 for
	// process creation); nil for none.
	Where Expr
	// Time is the field with the event's time.
	Time Field
	// Messages are the fields that keyword searches read in a query.
	Messages []Field
	// LogSource as the author wrote it.
	LogSource sigma.LogSource
	// Parameters are those that the rule uses, with where their values are from.
	Parameters []Binding
}

// EntityField is the place of an entity in the events of a rule's source.
type EntityField struct {
	Type  string // as sigma.Entity has it
	Field Field
}

// Quoted reports whether the values may stand in quotes that are no part of
// them: old and new values of the audit log are JSON texts, except where the
// unified audit log has them.
func (e EntityField) Quoted() bool {
	if len(e.Field.Path) == 0 {
		return false
	}
	key := e.Field.Path[len(e.Field.Path)-1].Key
	key = key[strings.LastIndexByte(key, '.')+1:]
	return strings.EqualFold(key, "newValue") || strings.EqualFold(key, "oldValue")
}

// Binding is a parameter with its value.
type Binding struct {
	Name string
	// Values, already in the tree where the parameter stands.
	Values []Value
	// Watchlist is the alias of a Sentinel watchlist to read the values from
	// at query time; "" for values in the text.
	Watchlist string
	// Read: what the query reads when it runs, from the watchlist or, without
	// one, from whoever calls it as a function. In the tree stand OneOfList and
	// Networks with the name of a list, Argument or Derivation.Parameter with
	// that of a value. An empty list, or no value, makes the rule not fire.
	// Only rules lowered for such queries have it.
	Read bool
	// Scalar, if what is read is a value and no list, is the parameter's type:
	// number, duration, hours or zone.
	Scalar string
	// Pattern: * and ? in the texts of a list that is read are wildcards.
	Pattern bool
	// Example: the parameter has no value, and its example stands in the tree
	// where none can be given in a call. Only rules lowered for whoever asks a
	// question have it.
	Example bool
}

// Asks returns the parameters that whoever calls the rule's query gives.
func (r *Rule) Asks() []string {
	var out []string
	for _, b := range r.Arguments() {
		out = append(out, b.Name)
	}
	return out
}

// Arguments returns the parameters that Asks names.
func (r *Rule) Arguments() []Binding {
	var out []Binding
	for _, b := range r.Source.Parameters {
		if b.Read && b.Watchlist == "" {
			out = append(out, b)
		}
	}
	if r.Correlation != nil {
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				for _, b := range t.Rule.Arguments() {
					if !slices.ContainsFunc(out, func(o Binding) bool { return o.Name == b.Name }) {
						out = append(out, b)
					}
				}
			}
		}
	}
	return out
}

// Examples returns the parameters in whose place an example stands, with it.
func (r *Rule) Examples() []Binding {
	var out []Binding
	for _, b := range r.Source.Parameters {
		if b.Example {
			out = append(out, b)
		}
	}
	if r.Correlation != nil {
		for _, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				for _, b := range t.Rule.Examples() {
					if !slices.ContainsFunc(out, func(o Binding) bool { return o.Name == b.Name }) {
						out = append(out, b)
					}
				}
			}
		}
	}
	return out
}

// Predicate returns all that must hold of an event of the rule's table:
// Source.Where and When.
func (r *Rule) Predicate() Expr {
	if r.Source.Where == nil {
		return r.When
	}
	return &And{X: []Expr{r.Source.Where, r.When}}
}
