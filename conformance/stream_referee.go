package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// Hits pushes the history through a compiler.Stream, once as maps and once as
// JSON text. The two must agree.
func (r ruleSet) Hits(_ context.Context, q StreamQuestion) ([]StreamHit, error) {
	opts := compiler.RuleSetOptions{Options: q.Options, NoIndex: !r.index, Pipelines: []*compiler.Pipeline{}}
	if q.Options.Pipeline != nil {
		opts.Pipelines = append(opts.Pipelines, q.Options.Pipeline) // the other forms do not see the events
	} else {
		opts.AnySource = true
		opts.Source = func(any) (event.Source, bool) { return event.Source{}, true }
	}
	set, ds := compiler.NewRuleSet(q.Documents, opts)
	if ds.HasErrors() {
		return nil, ds
	}
	hits, err := streamHits(set, q.Rules, q.Events, compiler.StreamOptions{Lateness: q.Lateness})
	if err != nil {
		return nil, err
	}
	texts := slices.Clone(q.Events)
	for i := range texts {
		text, err := json.Marshal(texts[i].Event)
		if err != nil {
			return nil, err
		}
		texts[i].Event = text
	}
	again, err := streamHits(set, q.Rules, texts, compiler.StreamOptions{Lateness: q.Lateness})
	if err != nil {
		return nil, fmt.Errorf("as JSON: %w", err)
	}
	if d := differences(hits, again, sameHit); len(d) > 0 {
		return nil, fmt.Errorf("as JSON: %s", d[0])
	}
	if disabled := set.Disabled(); len(disabled) > 0 {
		return nil, disabled[0].Err
	}
	return hits, nil
}

// streamHits pushes a history through a Stream and returns its hits.
func streamHits(set *compiler.RuleSet, rules []*ir.Rule, history []event.Record, opts compiler.StreamOptions) ([]StreamHit, error) {
	stream := compiler.NewStream(set, opts)
	var found []*compiler.Hit
	for i, e := range history {
		hits, err := stream.Push(e)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		found = append(found, hits...)
	}
	found = append(found, stream.Close()...)
	correlations := map[string]bool{}
	for _, r := range rules {
		if r.Correlation != nil {
			correlations[RuleKey(&r.Meta)] = true
		}
	}
	var hits []StreamHit
	ids := map[string]bool{}
	for _, h := range found {
		if ids[h.ID()] {
			return nil, errors.New("two hits have the id " + h.ID())
		}
		ids[h.ID()] = true
		hits = append(hits, streamHitOf(h, correlations))
	}
	return hits, nil
}

func streamHitOf(h *compiler.Hit, correlations map[string]bool) StreamHit {
	x := StreamHit{Rule: RuleKey(h.Rule.Meta), Repeats: h.Repeats}
	if !h.Time().IsZero() {
		x.Time = micros(h.Time())
	}
	if !correlations[x.Rule] {
		x.Event = h.EventID()
		return x
	}
	for _, part := range h.Group {
		x.Group = append(x.Group, part.Value)
	}
	for _, part := range h.NewValue {
		x.Tuple = append(x.Tuple, part.Value)
	}
	x.Value, _ = h.Value.Float64()
	for _, c := range h.Contributing {
		by := Contributor{Input: c.Input, Time: micros(c.Time), Event: c.EventID}
		// The part in front of an old aggregation has the key of the whole.
		if k := RuleKey(c.Rule.Meta); correlations[k] && k != x.Rule {
			by.Event = ""
		}
		x.Contributing = append(x.Contributing, by)
	}
	return x
}

// differences compares two sets of hits: what only one has, and what same says
// of those that both have.
func differences(want, got []StreamHit, same func(want, got *StreamHit) string) []string {
	var found []string
	left := map[string][]*StreamHit{}
	for i := range got {
		id := got[i].Identity()
		left[id] = append(left[id], &got[i])
	}
	for i := range want {
		w := &want[i]
		id := w.Identity()
		if len(left[id]) == 0 {
			found = append(found, "lacking: "+id)
			continue
		}
		if d := same(w, left[id][0]); d != "" {
			found = append(found, id+": "+d)
		}
		left[id] = left[id][1:]
	}
	for _, id := range sortedKeys(left) {
		for range left[id] {
			found = append(found, "too much: "+id)
		}
	}
	return found
}

// sameHit compares what two referees say of one hit.
func sameHit(want, got *StreamHit) string {
	if want.Repeats != got.Repeats {
		return fmt.Sprintf("%d repeats, want %d", got.Repeats, want.Repeats)
	}
	if want.Value != got.Value {
		return fmt.Sprintf("value %v, want %v", got.Value, want.Value)
	}
	if slices.Equal(want.Contributing, got.Contributing) {
		return ""
	}
	text := func(cs []Contributor) []string {
		var ts []string
		for _, c := range cs {
			ts = append(ts, c.String())
		}
		slices.Sort(ts)
		return ts
	}
	if w, g := text(want.Contributing), text(got.Contributing); !slices.Equal(w, g) {
		return fmt.Sprintf("%q contribute, want %q", g, w)
	}
	return ""
}
