package compiler

import (
	"context"
	"iter"
	"sync"
)

// eventsABatch is how many events MatchAll hands to a goroutine at once.
const eventsABatch = 64

// MatchAll matches events on so many goroutines, one at least, and calls yield
// with each event and what Match returns of it, in the order of the events and
// on the caller's goroutine. It ends when there are no more events, yield
// returns false or ctx is done, and returns ctx's error in the last case. It
// waits for a call of the source or of yield to return: one that blocks looks
// at ctx itself. At most 64 events times twice the number of goroutines are
// under way: events are asked for when there is room, so that the slowest of
// source, rules and yield sets the pace. An event must not change until yield
// has had it nor, unless it is raw JSON, as long as its hits are asked (see
// Hit). It is for events at hand; of a live stream, results would wait for the
// events behind them.
func (rs *RuleSet) MatchAll(ctx context.Context, workers int, events iter.Seq[any], yield func(ev any, hits []Hit, err error) bool) error {
	type batch struct {
		events []any
		hits   [][]Hit
		errs   []error
		done   chan struct{}
	}
	workers = max(workers, 1)
	working, stop := context.WithCancel(ctx)
	jobs := make(chan *batch, 2*workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for b := range jobs {
				for i, ev := range b.events {
					if working.Err() != nil {
						break
					}
					b.hits[i], b.errs[i] = rs.Match(ev)
				}
				close(b.done)
			}
		})
	}
	defer wg.Wait()
	defer close(jobs)
	defer stop()
	var queue []*batch
	deliver := func(keep int) bool {
		for len(queue) > keep {
			b := queue[0]
			queue = queue[1:]
			<-b.done
			for i, ev := range b.events {
				if ctx.Err() != nil || !yield(ev, b.hits[i], b.errs[i]) {
					return false
				}
			}
		}
		return true
	}
	next := &batch{}
	submit := func() {
		n := len(next.events)
		next.hits, next.errs, next.done = make([][]Hit, n), make([]error, n), make(chan struct{})
		jobs <- next
		queue = append(queue, next)
		next = &batch{}
	}
	for ev := range events {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if next.events = append(next.events, ev); len(next.events) < eventsABatch {
			continue
		}
		submit()
		if !deliver(2*workers - 1) {
			return ctx.Err()
		}
	}
	if len(next.events) > 0 {
		submit()
	}
	deliver(0)
	return ctx.Err()
}
