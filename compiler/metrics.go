package compiler

import (
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// Metrics is told what a RuleSet, and the streams over it, do. Its methods are
// called where it happens, inside Match and Push, from all goroutines that are
// there: they must be quick and safe for concurrent use. Without one
// (RuleSetOptions.Metrics is nil) nothing is counted and no clock is read; with
// one, the time of each rule is measured, which costs more than many rules.
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
	// Late is called for each event that a Stream drops because it is older
	// than the watermark, by so much.
	Late(by time.Duration)
	// Evicted is called when a Stream forgets a group of a correlation, or a
	// key of a rule with once, for want of room.
	Evicted(rule *RuleInfo)
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
