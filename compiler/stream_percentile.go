package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
)

// percentile is the nearest rank among the window's numbers. They stand in
// order, in runs of limited length, so that one that comes or goes moves few
// others.
type percentile struct {
	runs [][]ir.Number // none of them empty
	n    int
}

// maxRun bounds a run of numbers.
const maxRun = 512

// at returns the run that a number belongs to, which is the number of runs where
// all are smaller, and its place there, if it has one.
func (a *percentile) at(n ir.Number) (run, place int, found bool) {
	run, _ = slices.BinarySearchFunc(a.runs, n, func(run []ir.Number, n ir.Number) int {
		return compareNumbers(run[len(run)-1], n)
	})
	if run < len(a.runs) {
		place, found = slices.BinarySearchFunc(a.runs[run], n, compareNumbers)
	}
	return run, place, found
}

func (a *percentile) add(_ *eventLog, x packed) {
	for n := range x.numbers() {
		a.insert(n)
	}
}

func (a *percentile) insert(n ir.Number) {
	a.n++
	i, place, _ := a.at(n)
	if i == len(a.runs) {
		if i == 0 {
			a.runs = append(a.runs, []ir.Number{n})
			return
		}
		i--
		place = len(a.runs[i])
	}
	run := slices.Insert(a.runs[i], place, n)
	a.runs[i] = run
	if half := len(run) / 2; len(run) > maxRun {
		a.runs[i] = run[:half]
		a.runs = slices.Insert(a.runs, i+1, slices.Clone(run[half:]))
	}
}

func (a *percentile) drop(_ *eventLog, x packed) {
	for n := range x.numbers() {
		a.remove(n)
	}
}

func (a *percentile) remove(n ir.Number) {
	i, place, found := a.at(n)
	if !found {
		return
	}
	a.n--
	a.runs[i] = slices.Delete(a.runs[i], place, place+1)
	if len(a.runs[i]) == 0 {
		a.runs = slices.Delete(a.runs, i, i+1)
		return
	}
	// Short ones next to each other become one.
	for _, k := range [2]int{i, i - 1} {
		if k >= 0 && k+1 < len(a.runs) && len(a.runs[k])+len(a.runs[k+1]) <= maxRun/2 {
			a.runs[k] = append(a.runs[k], a.runs[k+1]...)
			a.runs = slices.Delete(a.runs, k+1, k+2)
		}
	}
}

// rank returns the number of a rank, from 1.
func (a *percentile) rank(r int) ir.Number {
	for _, run := range a.runs {
		if r <= len(run) {
			return run[r-1]
		}
		r -= len(run)
	}
	panic("compiler: no number has this rank")
}

func (a *percentile) holds(c *correlator, _ *eventLog, _ int64) (ir.Number, bool) {
	if a.n == 0 {
		return ir.Number{}, false
	}
	n := a.rank(nearestRank(c.spec.Percentile, a.n))
	return n, allHold(c.bounds, n)
}
