package compiler

// group is the state of one group of a correlation. Groups are in a list by the
// time of their last event, so that those that are out of their window, and the
// one to forget first, are found without a search.
type group struct {
	key          string
	last         int64 // time of its last event
	older, newer *group
	state        state // nil once it is forgotten
	dirty        bool
}

// groupTable holds the groups of a correlation.
type groupTable struct {
	byKey          map[string]*group
	oldest, newest *group
}

func (t *groupTable) len() int { return len(t.byKey) }

// touch returns the group of the key as the newest, made if it was not there.
func (t *groupTable) touch(key string, make func() *group) (g *group, made bool) {
	g, ok := t.byKey[key]
	if !ok {
		g = make()
		g.key = key
		t.insert(g)
		return g, true
	}
	if g != t.newest {
		t.unlink(g)
		t.link(g)
	}
	return g, false
}

// insert adds a group as the newest.
func (t *groupTable) insert(g *group) {
	if t.byKey == nil {
		t.byKey = map[string]*group{}
	}
	t.byKey[g.key] = g
	t.link(g)
}

func (t *groupTable) link(g *group) {
	g.older, g.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = g
	} else {
		t.oldest = g
	}
	t.newest = g
}

func (t *groupTable) unlink(g *group) {
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		t.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		t.newest = g.older
	}
}

func (t *groupTable) remove(g *group) {
	t.unlink(g)
	g.older, g.newer = nil, nil
	delete(t.byKey, g.key)
	if len(t.byKey) == 0 {
		t.byKey = nil // a map keeps the room of its best days
	}
}
