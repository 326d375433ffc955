package kusto

import "slices"

// scanScope is what step.column means within the steps of scan.
type scanScope struct {
	names   []string
	cols    []column // of the input and then of declare
	defs    []Value  // of the declared columns, null for the others
	current int      // step being bound
}

func (sc *scanScope) state(pos int, step, col string) *expr {
	k := slices.Index(sc.names, step)
	if k < 0 {
		return nil
	}
	if k > sc.current {
		fail(pos, "the step '%s' comes later", step)
	}
	i := (&rowScope{cols: sc.cols}).index(col)
	if i < 0 {
		fail(pos, "the state of '%s' has no column '%s'%s", step, col, nearest(col, names(sc.cols)))
	}
	def := sc.defs[i]
	return &expr{typ: sc.cols[i].Type, eval: func(e *env) Value {
		if k < len(e.states) && e.states[k] != nil {
			return e.states[k][i]
		}
		return def
	}}
}

type scanState struct {
	active  bool
	rows    [][]Value // of this step and those before it
	id      int64
	pending []Value // of output=last
}

func (b *binder) scan(p *plan, o *scanOp, s *scope) *plan {
	if !p.serialized {
		fail(o.at(), "scan needs a serialized input: sort it, or add serialize")
	}
	sc := &scanScope{cols: append([]column(nil), p.cols...)}
	for _, c := range p.cols {
		sc.defs = append(sc.defs, null(c.Type))
	}
	for _, d := range o.declare {
		if (&rowScope{cols: sc.cols}).index(d.name) >= 0 {
			fail(d.pos, "the column '%s' is given twice", d.name)
		}
		def := null(d.typ)
		if d.def != nil {
			x := widen(b.expr(d.def, s, nil), d.typ)
			if x == nil || !x.konst {
				fail(d.pos, "the default of '%s' is a constant of type %s", d.name, d.typ)
			}
			def = x.val
		}
		sc.cols = append(sc.cols, column{Column{d.name, d.typ}, b.newID()})
		sc.defs = append(sc.defs, def)
	}
	type step struct {
		cond   *expr
		assign map[int]*expr
		output string
	}
	var steps []step
	for _, st := range o.steps {
		if slices.Contains(sc.names, st.name) {
			fail(st.pos, "two steps are named '%s'", st.name)
		}
		sc.names = append(sc.names, st.name)
	}
	for i, st := range o.steps {
		sc.current = i
		r := &rowScope{cols: p.cols, op: "scan", steps: sc}
		n := step{cond: b.boolean(st.cond.at(), "a step's condition", b.expr(st.cond, s, r)), assign: map[int]*expr{}, output: st.output}
		for _, it := range st.assign {
			k := (&rowScope{cols: sc.cols[len(p.cols):]}).index(it.names[0])
			if k < 0 {
				fail(it.pos, "the column '%s' is not declared", it.names[0])
			}
			k += len(p.cols)
			x := b.expr(it.x, s, r)
			w := widen(x, sc.cols[k].Type)
			if w == nil {
				fail(it.pos, "the column '%s' is of type %s, not %s", it.names[0], sc.cols[k].Type, x.typ)
			}
			if n.assign[k] != nil {
				fail(it.pos, "the column '%s' is assigned twice", it.names[0])
			}
			n.assign[k] = w
		}
		steps = append(steps, n)
	}
	out := slices.Clone(sc.cols)
	if o.matchID != "" {
		if (&rowScope{cols: out}).index(o.matchID) >= 0 {
			fail(o.at(), "the column '%s' is given twice", o.matchID)
		}
		out = append(out, column{Column{o.matchID, TypeLong}, b.newID()})
	}
	return &plan{out, true, func() [][]Value {
		var res [][]Value
		in := p.run()
		states := make([]scanState, len(steps))
		next := int64(0)
		record := func(ext []Value, id int64) []Value {
			if o.matchID == "" {
				return ext
			}
			return append(slices.Clone(ext), id)
		}
		flush := func(k int) {
			if states[k].pending != nil {
				res = append(res, states[k].pending)
				states[k].pending = nil
			}
		}
		emit := func(k int, ext []Value) {
			switch steps[k].output {
			case "all":
				res = append(res, record(ext, states[k].id))
			case "last":
				states[k].pending = record(ext, states[k].id)
			}
		}
		for _, row := range in {
			extend := func(e *env, k int) []Value {
				ext := append(slices.Clone(row), sc.defs[len(row):]...)
				for i, x := range steps[k].assign {
					ext[i] = x.eval(e)
				}
				return ext
			}
			for k := len(steps) - 1; k >= 0; k-- {
				if k > 0 && states[k-1].active {
					cand := append(slices.Clone(states[k-1].rows), nil)
					e := &env{row: row, states: cand}
					if steps[k].cond.eval(e) == true {
						cand[k] = extend(e, k)
						flush(k)
						flush(k - 1)
						states[k] = scanState{active: true, rows: cand, id: states[k-1].id}
						states[k-1] = scanState{}
						emit(k, cand[k])
						continue
					}
				}
				if k > 0 && !states[k].active {
					continue
				}
				e := &env{row: row, states: states[k].rows}
				if steps[k].cond.eval(e) == true {
					ext := extend(e, k)
					if !states[k].active {
						states[k] = scanState{active: true, rows: make([][]Value, k+1), id: next}
						next++
					}
					rows := slices.Clone(states[k].rows)
					rows[k] = ext
					states[k].rows = rows
					emit(k, ext)
				}
			}
		}
		for k := range states {
			flush(k)
		}
		b.spend(o.at(), len(res), len(out))
		return res
	}}
}
