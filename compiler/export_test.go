package compiler

import (
	"github.com/google/cel-go/interpreter"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// LimitInnerJSON bounds the values that a set looks at inside strings of an event
// of raw JSON before it has them decoded: a multiple of 128 above 4,096, so that a
// test need not reach rawjson.MaxValues.
func LimitInnerJSON(rs *RuleSet, values int) {
	rs.scratch.New = func() any {
		s := &scratch{event: &subject{cursor: &cursor{keep: true}}}
		s.event.cursor.raw.Limit = values
		return s
	}
}

// Evaluation has a set's candidates evaluated as CEL and by functions over the
// same leaves, to compare the speeds.
type Evaluation struct {
	rs     *RuleSet
	native map[*predicate]func(*subject) bool
}

func NewEvaluation(rs *RuleSet) *Evaluation {
	rs.Prepare()
	e := &Evaluation{rs, map[*predicate]func(*subject) bool{}}
	for _, l := range rs.rules {
		for _, p := range l.programs {
			for _, q := range p.group.predicates {
				if e.native[q] == nil && q.err == nil {
					e.native[q] = nativeTree(rs.leaves, q.tree, false)
				}
			}
		}
	}
	return e
}

// Event picks the candidates of an event and passes ways to evaluate them all, so
// many times, each as if it were the first: what leaves found out is forgotten,
// not so what the index has read of the event. With AnySource the event meets
// every rule.
func (e *Evaluation) Event(ev map[string]any, f func(candidates int, cel, native func(times int) (held int))) {
	rs := e.rs
	s := rs.scratch.Get().(*scratch)
	defer s.release(rs)
	var in incoming
	in.take(ev)
	if rs.opts.AnySource {
		in.record.Source, in.state = event.Source{}, told
	}
	g, err := rs.look(s, &in)
	if err != nil || g == nil {
		return
	}
	if _, err := rs.decide(g, s); err != nil {
		panic(err)
	}
	var candidates []*predicate
	s.picks[0].each(func(i int) { candidates = append(candidates, g.predicates[i]) })
	if s.frame, err = interpreter.NewExecutionFrame(s); err != nil {
		panic(err)
	}
	defer s.frame.Close()
	all := func(holds func(q *predicate) bool) func(int) int {
		return func(times int) (held int) {
			for range times {
				s.event.round += 2
				for _, q := range candidates {
					s.event.cursor.cost = rs.maxCost
					held += index(holds(q))
				}
			}
			return held
		}
	}
	f(len(candidates), all(func(q *predicate) bool {
		holds, err := q.eval(rs, s)
		return holds && err == nil
	}), all(func(q *predicate) bool { return e.native[q](s.event) }))
	s.frame = nil
}

func nativeTree(set *leafSet, e ir.Expr, element bool) func(*subject) bool {
	all := func(xs []ir.Expr) (out []func(*subject) bool) {
		for _, x := range xs {
			out = append(out, nativeTree(set, x, element))
		}
		return out
	}
	switch e := e.(type) {
	case *ir.And:
		parts := all(e.X)
		return func(s *subject) bool {
			for _, p := range parts {
				if !p(s) {
					return false
				}
			}
			return true
		}
	case *ir.Or:
		parts := all(e.X)
		return func(s *subject) bool {
			for _, p := range parts {
				if p(s) {
					return true
				}
			}
			return false
		}
	case *ir.Not:
		x := nativeTree(set, e.X, element)
		return func(s *subject) bool { return !x(s) }
	case ir.Const:
		return func(*subject) bool { return bool(e) }
	case *ir.Selection:
		return nativeTree(set, e.X, element)
	case *ir.Any:
		f, err := set.field(e.Over, element)
		if err != nil {
			panic(err)
		}
		x := nativeTree(set, e.X, true)
		return func(s *subject) bool {
			for _, el := range s.elements(f) {
				if x(el) {
					return true
				}
			}
			return false
		}
	case *ir.Match:
		l, err := set.leaf(e, element)
		if err != nil {
			panic(err)
		}
		return func(s *subject) bool { return s.holds(l) }
	}
	panic("compiler: unknown node")
}

// LoweredForEvents tells what rules are lowered to for all event forms, either
// with what forms share, as a set does it, or each table by itself.
func LoweredForEvents(docs []*sigma.Document, opts Options, share bool) (rules [][]*ir.Rule, found []sigma.Diagnostics) {
	forms, err := eventPipelines(nil)
	if err != nil {
		panic(err)
	}
	forms = append(forms, nil)
	pool := newLoadPool()
	for _, d := range docs {
		shared := &forEvents{pool: pool}
		if !share {
			shared = nil
		}
		var rs []*ir.Rule
		var ds sigma.Diagnostics
		for _, p := range forms {
			if p != nil && len(p.sources(d.LogSource)) == 0 {
				continue
			}
			opts.Pipeline = p
			out, more := lowerRuleFor(d, &opts, shared)
			for _, l := range out {
				rs = append(rs, l.rule)
			}
			ds = append(ds, more...)
		}
		rules, found = append(rules, rs), append(found, ds)
	}
	return rules, found
}

// id returns the field with the event's own id.
func (t target) id() ir.Field { return t.named(t.names.id) }

// table returns the target of a table by its name, without a logsource; ok is
// false when the pipeline has no such table.
func (p *Pipeline) table(name string) (t target, ok bool) {
	if p.carries != nil && !p.carries[name] {
		return target{}, false
	}
	if p.tables[name] == nil && p.schema(name) == nil {
		return target{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return target{pipeline: p, table: name, names: p.mapping(name, nil)}, true
}
