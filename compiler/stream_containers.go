package compiler

// aged is a map whose entries are in the order in which they were last
// touched, so that the oldest can be found and removed at once.
type aged[V any] struct {
	entries        map[string]*agedEntry[V]
	oldest, newest *agedEntry[V]
}

type agedEntry[V any] struct {
	key          string
	value        V
	older, newer *agedEntry[V]
}

func (a *aged[V]) len() int { return len(a.entries) }

// touch returns the entry of the key as the newest, made if it was not there.
func (a *aged[V]) touch(key string) (e *agedEntry[V], made bool) {
	e, ok := a.entries[key]
	if !ok {
		if a.entries == nil {
			a.entries = map[string]*agedEntry[V]{}
		}
		e = &agedEntry[V]{key: key}
		a.entries[key] = e
	} else {
		if e == a.newest {
			return e, false
		}
		a.unlink(e)
	}
	e.older, e.newer = a.newest, nil
	if a.newest != nil {
		a.newest.newer = e
	}
	a.newest = e
	if a.oldest == nil {
		a.oldest = e
	}
	return e, !ok
}

func (a *aged[V]) remove(e *agedEntry[V]) {
	a.unlink(e)
	delete(a.entries, e.key)
}

func (a *aged[V]) unlink(e *agedEntry[V]) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		a.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		a.newest = e.older
	}
	e.older, e.newer = nil, nil
}

// queue is a list that grows at its end and is taken from its front.
type queue[V any] struct {
	items []V
	head  int
}

func (q *queue[V]) len() int  { return len(q.items) - q.head }
func (q *queue[V]) all() []V  { return q.items[q.head:] }
func (q *queue[V]) first() *V { return &q.items[q.head] }

func (q *queue[V]) push(v V) { q.items = append(q.items, v) }

func (q *queue[V]) pop() {
	var none V
	q.items[q.head] = none
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
		if cap(q.items) > maxKeptScalars {
			q.items = nil
		}
	case q.head > maxKeptScalars && q.head > len(q.items)/2:
		q.items = append(make([]V, 0, 2*q.len()), q.all()...)
		q.head = 0
	}
}
