package kusto

import "strings"

func (b *binder) join(p *plan, o *joinOp, s *scope) *plan {
	op := "join"
	if o.lookup {
		op = "lookup"
	}
	if b.inApply > 0 {
		refuse(o.at(), "%s in a subquery", op)
	}
	q := b.table(o.right, s)
	var lk, rk []int
	for _, k := range o.on {
		l, r := (&rowScope{cols: p.cols}).index(k.left), (&rowScope{cols: q.cols}).index(k.right)
		if l < 0 {
			fail(k.pos, "the left side has no column '%s'%s", k.left, nearest(k.left, names(p.cols)))
		}
		if r < 0 {
			fail(k.pos, "the right side has no column '%s'%s", k.right, nearest(k.right, names(q.cols)))
		}
		lt, rt := p.cols[l].Type, q.cols[r].Type
		if lt != rt {
			fail(k.pos, "the keys '%s' and '%s' are of types %s and %s; add explicit casts", k.left, k.right, lt, rt)
		}
		if lt == TypeDynamic {
			fail(k.pos, "a key of %s cannot be dynamic; add an explicit cast", op)
		}
		lk, rk = append(lk, l), append(rk, r)
	}
	if semi := strings.HasSuffix(o.kind, "semi") || strings.HasSuffix(o.kind, "anti"); semi {
		one, other, ok, tk := p, q, lk, rk
		if strings.HasPrefix(o.kind, "right") {
			one, other, ok, tk = q, p, rk, lk
		}
		want := strings.HasSuffix(o.kind, "semi")
		return &plan{one.cols, false, func() [][]Value {
			has := map[string]bool{}
			for _, r := range other.run() {
				if k, ok := joinText(r, tk); ok {
					has[k] = true
				}
			}
			var out [][]Value
			for _, r := range one.run() {
				k, valid := joinText(r, ok)
				if (valid && has[k]) == want {
					out = append(out, r)
				}
			}
			return out
		}}
	}
	cols := append([]column(nil), p.cols...)
	taken, conflict := map[string]bool{}, map[int]bool{}
	for _, c := range p.cols {
		taken[c.Name] = true
	}
	for i, c := range q.cols {
		if taken[c.Name] && !(o.lookup && has(rk, i)) {
			conflict[i] = true
		}
	}
	for _, c := range q.cols { // a new name is none of either side
		taken[c.Name] = true
	}
	var from []int // columns of the right side in the result
	for i, c := range q.cols {
		if o.lookup && has(rk, i) {
			continue
		}
		if conflict[i] {
			c.Name = unique(c.Name, taken)
		}
		cols = append(cols, c)
		from = append(from, i)
	}
	return &plan{cols, false, func() [][]Value {
		right := q.run()
		at := map[string][]int{}
		for i, r := range right {
			if k, ok := joinText(r, rk); ok {
				at[k] = append(at[k], i)
			}
		}
		var out [][]Value
		give := func(l, r []Value) {
			row := make([]Value, 0, len(cols))
			if l == nil {
				for _, c := range p.cols {
					row = append(row, null(c.Type))
				}
			} else {
				row = append(row, l...)
			}
			for _, i := range from {
				if r == nil {
					row = append(row, null(q.cols[i].Type))
				} else {
					row = append(row, r[i])
				}
			}
			out = append(out, row)
			b.spend(o.at(), 1, len(row))
			if len(out) > maxRows {
				b.spend(o.at(), len(out), 0)
			}
		}
		matched := make([]bool, len(right))
		used := map[string]bool{}
		for _, l := range p.run() {
			k, ok := joinText(l, lk)
			if o.kind == "innerunique" {
				if used[k] {
					continue
				}
				used[k] = true
			}
			var hits []int
			if ok {
				hits = at[k]
			}
			for _, i := range hits {
				matched[i] = true
				give(l, right[i])
			}
			if len(hits) == 0 && (o.kind == "leftouter" || o.kind == "fullouter") {
				give(l, nil)
			}
		}
		if o.kind == "rightouter" || o.kind == "fullouter" {
			for i, r := range right {
				if !matched[i] {
					give(nil, r)
				}
			}
		}
		return out
	}}
}

// joinText is the key of a row, and whether it may match: null equals nothing.
func joinText(r []Value, keys []int) (string, bool) {
	var b []byte
	ok := true
	for _, k := range keys {
		ok = ok && r[k] != nil
		b = appendKey(b, r[k])
	}
	return string(b), ok
}

func has(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}
