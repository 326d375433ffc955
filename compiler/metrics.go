package compiler

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// Metrics is told what a RuleSet, and the streams and routers over it, do. Its methods are
// called where it happens, inside Match and Push, from all goroutines that are
// there: they must be quick and safe for concurrent use. Without one
// (RuleSetOptions.Metrics is nil) nothing is counted and no clock is read; with
// one, the time of each rule is measured, which costs more than many rules.
// What a method panics with is an error of one of the events that are matched
// then, or of the next one; rules and hits are none the worse.
//
// What a Stream counts anyway is in StreamStats.
type Metrics interface {
	// Event is called for each event that met rules of its source, after them:
	// candidates is how many predicates had to be evaluated, rules that ask the
	// same being one; took is the time of index, rules and hits.
	Event(src event.Source, candidates int, took time.Duration)
	// Rule is called for each candidate: whether the rule is true of the event
	// and how long that took to tell, shared between rules that ask the same.
	Rule(rule *RuleInfo, holds bool, took time.Duration)
	// Hit is called for each hit that Match or a Stream returns.
	Hit(rule *RuleInfo)
	// Failed is called for each event that a rule could not be evaluated over,
	// and why: see RuleError.
	Failed(rule *RuleInfo, why error)
	// Late is called for each event that a Stream drops because it is older
	// than the watermark, by so much.
	Late(by time.Duration)
	// Evicted is called when a Stream forgets a group of a correlation, or a
	// key of a rule with once, for want of room.
	Evicted(rule *RuleInfo)
}

// guardedMetrics are a caller's Metrics, kept from panicking.
type guardedMetrics struct {
	to       Metrics
	panicked atomic.Pointer[error]
}

func (g *guardedMetrics) Event(src event.Source, candidates int, took time.Duration) {
	defer g.recovered()
	g.to.Event(src, candidates, took)
}

func (g *guardedMetrics) Rule(rule *RuleInfo, holds bool, took time.Duration) {
	defer g.recovered()
	g.to.Rule(rule, holds, took)
}

func (g *guardedMetrics) Hit(rule *RuleInfo) {
	defer g.recovered()
	g.to.Hit(rule)
}

func (g *guardedMetrics) Failed(rule *RuleInfo, why error) {
	defer g.recovered()
	g.to.Failed(rule, why)
}

func (g *guardedMetrics) Late(by time.Duration) {
	defer g.recovered()
	g.to.Late(by)
}

func (g *guardedMetrics) Evicted(rule *RuleInfo) {
	defer g.recovered()
	g.to.Evicted(rule)
}

func (g *guardedMetrics) recovered() {
	if r := recover(); r != nil {
		err := callbackError("RuleSetOptions.Metrics", r)
		g.panicked.Store(&err)
	}
}

func callbackError(name string, panicked any) error {
	return fmt.Errorf("%s panicked: %v", name, panicked)
}

// withCallbacks adds to an event's error what Metrics panicked with since the
// last one.
func (rs *RuleSet) withCallbacks(err error) error {
	if rs.callbacks == nil || rs.callbacks.panicked.Load() == nil {
		return err
	}
	if p := rs.callbacks.panicked.Swap(nil); p != nil {
		err = errors.Join(err, *p)
	}
	return err
}

// timedMatch is matchGroup, of which it tells.
func (rs *RuleSet) timedMatch(g *ruleGroup, s *scratch, in *incoming, f func(p *program, s *scratch, in *incoming)) error {
	began := time.Now()
	err := rs.matchGroup(g, s, in, f)
	rs.opts.Metrics.Event(in.record.Source, s.picks[0].count(), time.Since(began))
	return err
}

// timedEval is eval, of which it tells.
func (q *predicate) timedEval(rs *RuleSet, g *ruleGroup, s *scratch) (holds bool, failed error) {
	began := time.Now()
	holds, failed = q.eval(rs, s)
	took := time.Since(began) / time.Duration(len(q.programs))
	for _, i := range q.programs {
		rs.opts.Metrics.Rule(g.programs[i].loaded.info, holds, took)
	}
	return holds, failed
}

// raised tells of hits that a stream returns.
func (rs *RuleSet) raised(hits []*Hit) {
	for _, h := range hits {
		rs.opts.Metrics.Hit(h.Rule)
	}
}
