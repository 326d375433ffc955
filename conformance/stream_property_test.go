package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// TestRandomStreams holds the compiler's Stream to the reference: 2,000
// histories for each type of correlation, each in order, with its arrival
// shuffled, with events that are too late, and cut into files. Hits are the
// same, and so is what is said of them.
func TestRandomStreams(t *testing.T) {
	sets, histories := 40, 50
	if testing.Short() {
		sets, histories = 5, 10
	}
	for _, typ := range StreamTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			r := NewRandomStream(*seed)
			total, failed := 0, 0
			for i := range sets {
				if r.Unit = time.Second; typ == sigma.Increase && i%2 == 0 {
					r.Unit = 6 * time.Hour // windows of days in zones
				}
				p := newStreamPair(t, r, typ)
				for range histories {
					n, problem := p.compare(r)
					total += n
					if problem != "" {
						t.Error(problem)
						if failed++; failed > 2 {
							t.Fatal("and more")
						}
					}
				}
			}
			t.Logf("%d histories, %d hits of correlations", sets*histories, total)
			if total < sets*histories {
				t.Errorf("%d hits of %s in %d histories are too few to show anything", total, typ, sets*histories)
			}
		})
	}
}

// streamPair is a set of random correlations in both engines.
type streamPair struct {
	text string
	q    StreamQuestion
	set  *compiler.RuleSet
}

func newStreamPair(t *testing.T, r *RandomStream, typ sigma.CorrelationType) *streamPair {
	t.Helper()
	const correlations = 4
	p := &streamPair{text: r.Rules(typ, correlations)}
	docs, ds := sigma.Parse("random.yaml", []byte(p.text))
	if ds.HasErrors() {
		t.Fatalf("%v\n%s", ds, p.text)
	}
	p.q.Rules = lowerStream(t, docs)
	pipeline, err := compiler.BuiltinPipeline(string(event.LogAnalytics))
	if err != nil {
		t.Fatal(err)
	}
	if p.set, ds = compiler.NewRuleSet(docs, compiler.RuleSetOptions{Pipelines: []*compiler.Pipeline{pipeline}}); ds.HasErrors() {
		t.Fatalf("%v\n%s", ds, p.text)
	}
	return p
}

// compare puts one random history to both engines, in several orders, and
// returns how many hits there were, and what differs.
func (p *streamPair) compare(r *RandomStream) (hits int, problem string) {
	history := r.History()
	lateness := time.Duration(1+r.IntN(8)) * r.Unit
	files, err := mergedFiles(r.Files(history, 1+r.IntN(4)))
	if err != nil {
		return 0, err.Error()
	}
	var inOrder []StreamHit
	late := []time.Duration{lateness, 0}[r.IntN(2)]
	for _, arrival := range []struct {
		name     string
		events   []event.Record
		lateness time.Duration
	}{
		{"in order", history, 0},
		{"shuffled within the lateness", r.Delayed(history, lateness), lateness},
		{"some too late", r.Delayed(history, 3*lateness), late},
		{"out of files", files, 0},
	} {
		want := ReferenceStream(p.q.Rules, arrival.events, arrival.lateness)
		got, err := streamHits(p.set, p.q.Rules, arrival.events, compiler.StreamOptions{Lateness: arrival.lateness})
		if err != nil {
			return hits, err.Error()
		}
		if arrival.name == "in order" {
			inOrder = want
		} else if arrival.name != "some too late" {
			// Neither the shuffling nor the cutting changes which hits there are.
			// Which of two events of one time `once` raises is that of arrival.
			if d := differences(p.withoutOnce(inOrder), p.withoutOnce(want), func(_, _ *StreamHit) string { return "" }); len(d) > 0 {
				return hits, fmt.Sprintf("%s, the reference:\n%s\n%s\n%s", arrival.name, strings.Join(d[:min(len(d), 5)], "\n"), p.text, showHistory(arrival.events))
			}
		}
		if d := differences(want, got, sameHit); len(d) > 0 {
			return hits, fmt.Sprintf("%s, lateness %v:\n%s\n%s\n%s", arrival.name, arrival.lateness, strings.Join(d[:min(len(d), 5)], "\n"), p.text, showHistory(arrival.events))
		}
		if arrival.name == "in order" {
			for _, h := range want {
				if h.Event == "" {
					hits++
				}
			}
		}
	}
	return hits, ""
}

// withoutOnce leaves the own hits of rules with once out.
func (p *streamPair) withoutOnce(hits []StreamHit) []StreamHit {
	return slices.DeleteFunc(slices.Clone(hits), func(h StreamHit) bool {
		return h.Event != "" && slices.ContainsFunc(p.q.Rules, func(r *ir.Rule) bool { return r.Once != nil && RuleKey(&r.Meta) == h.Rule })
	})
}

func showHistory(history []event.Record) string {
	var b strings.Builder
	for _, e := range history {
		b.WriteString(show(e.Event) + "\n")
	}
	return b.String()
}
