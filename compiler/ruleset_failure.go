package compiler

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/rulewright/rulewright/compiler/event"
)

// Events are other people's: those that are made to be costly must not blind a
// rule, nor a thousand of them take the machine. So a rule that met the limit of
// work on maxCostlyEvents events is run on, but may do only so much of the
// limit as costlyShare says, which is more than real events take.
const (
	maxCostlyEvents = 100
	costlyShare     = 1 << 7
)

// budget is what a rule that met the limit of work on so many events may do over
// the next one.
func (rs *RuleSet) budget(costly *atomic.Int64) int {
	if costly.Load() >= maxCostlyEvents {
		return rs.maxCost / costlyShare
	}
	return rs.maxCost
}

// RuleError says that a rule could not be evaluated over an event, or its hit not
// be given to a correlation: it met the limit of work, or it failed. After a
// failure it is among RuleSet.Disabled, unless the event held an event.Object,
// which may be what failed. All other rules were evaluated.
type RuleError struct {
	Rule *RuleInfo
	Err  error
}

// Error names the rule and says why.
func (e *RuleError) Error() string {
	return fmt.Sprintf("not evaluated by %q (%s): %v", e.Rule.Title, e.Rule.ID, e.Err)
}

// Unwrap returns ErrCost, or what the rule failed with.
func (e *RuleError) Unwrap() error { return e.Err }

// Disabled is a rule that failed while it ran and is not run any more.
type Disabled struct {
	Rule *RuleInfo
	Err  error
}

// Disabled returns the rules that failed while running: they panicked over an
// event without an event.Object, or could not be compiled. One that met the
// limit of work is not among them: it is run over the next event.
func (rs *RuleSet) Disabled() []Disabled {
	var out []Disabled
	for _, l := range rs.rules {
		if d := l.failure.Load(); d != nil {
			out = append(out, *d)
		}
	}
	return out
}

// Failed is a rule that could not be evaluated over some events.
type Failed struct {
	Rule   *RuleInfo
	Events int64
}

// Failed returns the rules that could not be evaluated over some events, each of
// which had a RuleError, whether they are still run or not.
func (rs *RuleSet) Failed() []Failed {
	var out []Failed
	for _, l := range rs.rules {
		if n := l.failed.Load(); n > 0 {
			out = append(out, Failed{l.info, n})
		}
	}
	return out
}

// gaveUp notes that a predicate could not be evaluated over an event.
func (rs *RuleSet) gaveUp(g *ruleGroup, q *predicate, ev any, why error) (err error) {
	costly := errors.Is(why, ErrCost)
	compiled := q.program != nil
	off := !costly && !(compiled && hasObject(ev))
	if off {
		q.failed.Store(true)
	}
	if costly {
		q.costly.Add(1)
	}
	for _, i := range q.programs {
		err = errors.Join(err, rs.fail(g.programs[i].loaded, why, off))
	}
	return err
}

// fail notes that a rule could not be evaluated over an event, and with off that
// it is not run any more.
func (rs *RuleSet) fail(l *loadedRule, why error, off bool) error {
	if off {
		l.failure.CompareAndSwap(nil, &Disabled{l.info, why})
	}
	l.failed.Add(1)
	if m := rs.opts.Metrics; m != nil {
		m.Failed(l.info, why)
	}
	return &RuleError{l.info, why}
}

// maxBlamed is how many values of an event are looked through for a caller's
// event.Object.
const maxBlamed = 10_000

// hasObject reports whether an event holds an event.Object, or more than is
// looked through: code of the caller, which may be what panicked. An event never
// takes a rule with it.
func hasObject(ev any) bool {
	left := maxBlamed
	var has func(v any) bool
	has = func(v any) bool {
		if left--; left < 0 {
			return true
		}
		switch v := plain(v).(type) {
		case event.Object:
			return true
		case map[string]any:
			for _, x := range v {
				if has(x) {
					return true
				}
			}
		case []any:
			return slices.ContainsFunc(v, has)
		}
		return false
	}
	return has(ev)
}
