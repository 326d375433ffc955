package compiler

// Reload goes on with another rule set, between two events: rules that are the
// same keep their state and miss nothing, also events that wait for the
// watermark; see Carried. New rules begin with the next event. Hits of a rule
// with once that wait are raised when their time has come, also where the rule
// is gone. Loading a rule set takes long, and is nothing that a stream waits
// for: it is made beforehand, on any goroutine. Reload itself looks at what
// the rules mean and at the events that wait, not at what is remembered. A
// closed stream takes no rules: nothing is carried then. The options stay as they
// are. Like every method, Reload belongs to the stream's goroutine.
//
// Other streams and calls of Match that use the old set are not disturbed. It
// is given back to the collector when the last of them has let go, and the last
// of its hits that somebody holds without having asked for Selections, Matched or
// Entities, or that wait for the watermark.
func (st *Stream) Reload(rs *RuleSet) Carried {
	if st.closed {
		return Carried{}
	}
	old := st.engine
	next := NewStream(rs, old.opts)
	e := next.engine
	e.progress, e.out, e.failed = old.progress, old.out, old.failed
	e.stats, e.origins = old.stats, old.origins
	e.stats.Groups = 0
	m, ms := newMoving(e), meanings{}
	corrs, keepers := map[*correlator]*correlator{}, map[*onceKeeper]*onceKeeper{}
	for _, from := range old.corrs {
		to, _ := m.take(ms.correlation(from), from.info.Title, from.groups.len()).(*correlator)
		if to == nil {
			continue
		}
		corrs[from] = to
		to.groups, to.dirty, to.window = from.groups, from.dirty, from.window
		e.stats.Groups += to.groups.len()
		if len(to.dirty) > 0 {
			e.waiting.set(to.place)
		}
	}
	for _, from := range old.onces {
		if to, _ := m.take(ms.once(from), from.info.Title, from.raised.len()).(*onceKeeper); to != nil {
			keepers[from] = to
			to.raised = from.raised
		}
	}
	for _, p := range old.pending {
		meets := p.meets[:0]
		for _, x := range p.meets {
			if x.c = corrs[x.c]; x.c != nil {
				meets = append(meets, x)
			}
		}
		clear(p.meets[len(meets):]) // theirs are the places of others
		p.meets = meets
		for i := range p.held {
			h := &p.held[i]
			to := keepers[h.once]
			if to == nil {
				to = e.orphan(h.once.info)
				keepers[h.once] = to
			}
			h.once = to
		}
	}
	e.pending = old.pending // an event that nobody waits for does no harm
	sources := st.sources
	*st = *next
	st.sources, st.onMet = sources, st.met
	return m.carried()
}

// orphan is a keeper for hits that wait while their rule is gone.
func (e *engine) orphan(info *RuleInfo) *onceKeeper { return &onceKeeper{e: e, info: info} }

// moving matches the state of one stream with the rules of another.
type moving struct {
	e       *engine
	byKey   map[unitKey][]any // correlators and keepers without state yet
	report  Carried
	dropped map[string]int // place in report.Dropped
}

func newMoving(e *engine) *moving {
	m := &moving{e: e, byKey: map[unitKey][]any{}, dropped: map[string]int{}}
	ms := meanings{}
	for _, c := range e.corrs {
		k := ms.correlation(c)
		m.byKey[k] = append(m.byKey[k], c)
	}
	for _, x := range e.onces {
		k := ms.once(x)
		m.byKey[k] = append(m.byKey[k], x)
	}
	return m
}

// take returns what goes on with the state of a unit, or nil.
func (m *moving) take(k unitKey, title string, n int) any {
	xs := m.byKey[k]
	if len(xs) == 0 {
		d := m.drop(k, title)
		d.Groups += n
		return nil
	}
	m.byKey[k] = xs[1:]
	return xs[0]
}

// drop notes that a rule lost state.
func (m *moving) drop(k unitKey, title string) *Dropped {
	i, ok := m.dropped[k.rule]
	if !ok {
		i = len(m.report.Dropped)
		m.dropped[k.rule] = i
		m.report.Dropped = append(m.report.Dropped, Dropped{ID: k.rule, Title: title})
	}
	return &m.report.Dropped[i]
}

func (m *moving) dropHit(k unitKey, title string) { m.drop(k, title).Hits++ }

// carried says what became of each rule. One that lost a part of its state has
// started anew.
func (m *moving) carried() Carried {
	started := map[*RuleInfo]bool{}
	for _, xs := range m.byKey {
		for _, x := range xs {
			started[unitRuleInfo(x)] = true
		}
	}
	seen := map[*RuleInfo]bool{}
	note := func(info *RuleInfo) {
		switch {
		case seen[info]:
		case started[info]:
			m.report.Started = append(m.report.Started, info)
		default:
			m.report.Kept = append(m.report.Kept, info)
		}
		seen[info] = true
	}
	for _, c := range m.e.corrs {
		note(c.info)
	}
	for _, k := range m.e.onces {
		note(k.info)
	}
	return m.report
}

func unitRuleInfo(x any) *RuleInfo {
	if c, ok := x.(*correlator); ok {
		return c.info
	}
	return x.(*onceKeeper).info
}
