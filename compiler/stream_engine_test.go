package compiler

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// streamHarness runs correlations over events written as
// time:inputs[@groups][=values], times in seconds, each list with commas. An
// event is called e and its place.
type streamHarness struct {
	t     *testing.T
	e     *engine
	rules []*ir.Rule
	info  map[*ir.Rule]*RuleInfo
	n     int
}

func newHarness(t *testing.T, opts StreamOptions, rules ...*ir.Rule) *streamHarness {
	h := &streamHarness{t: t, rules: rules, info: map[*ir.Rule]*RuleInfo{}}
	for _, r := range rules {
		h.info[r] = &RuleInfo{ID: r.Meta.ID, Title: r.Meta.Title}
	}
	h.e = newEngine(opts, rules, func(r *ir.Rule) *RuleInfo { return h.info[r] })
	for _, d := range h.e.disabled {
		t.Fatal(d.Rule.ID, d.Err)
	}
	return h
}

// push gives the event to the correlations whose inputs are named; input a is
// the first.
func (h *streamHarness) push(event string, to ...*ir.Rule) []*Hit {
	h.t.Helper()
	at, rest, _ := strings.Cut(event, ":")
	rest, values, valued := strings.Cut(rest, "=")
	inputs, groups, grouped := strings.Cut(rest, "@")
	p := &pushed{time: seconds(h.t, at)}
	id := fmt.Sprintf("e%d", h.n)
	h.n++
	if len(to) == 0 {
		to = h.rules[:1]
	}
	for _, r := range to {
		var met meeting
		for i, in := range strings.Split(inputs, ",") {
			m := inputMatch{input: int(in[0] - 'a')}
			keys := []string{""}
			if grouped {
				keys, _ = groupKeys([][]string{strings.Split(groups, ",")})
			}
			if valued {
				list := strings.Split(values, ",")
				tuples, _ := tupleKeys([][]string{list})
				m.tuples = textsOf(tuples)
				m.values = &inputValues{fields: [][]string{list}}
				for _, v := range list {
					if n, ok := ir.NumberText(v); ok {
						m.values.numbers = append(m.values.numbers, n)
					}
				}
			}
			if i > 0 {
				met.add(m, textsOf(keys))
				continue
			}
			met = meetingOf(h.e.byRule[r], p.time, id, m, textsOf(keys))
		}
		p.meets = append(p.meets, met)
	}
	h.e.push(p)
	return h.take()
}

// meetingOf makes a meeting of what an event adds by its first input.
func meetingOf(c *correlator, time int64, id string, x inputMatch, keys texts) meeting {
	o := &soleOccurrence{first: [1]inputMatch{x}}
	o.time, o.id, o.inputs = time, id, o.first[:]
	return meeting{c: c, o: o, keys: keys}
}

func (h *streamHarness) take() []*Hit {
	out := h.e.out
	h.e.out = nil
	return out
}

func (h *streamHarness) close() []*Hit {
	h.e.end()
	return h.take()
}

func seconds(t *testing.T, s string) int64 {
	d, err := time.ParseDuration(s + "s")
	if err != nil {
		t.Fatal(err)
	}
	return d.Microseconds()
}

func showHit(x *Hit) string {
	var b strings.Builder
	fmt.Fprint(&b, float64(x.Time().UnixMicro())/1e6)
	for _, g := range x.Group {
		b.WriteString(" @" + g.Value)
	}
	for _, g := range x.NewValue {
		b.WriteString(" new " + g.Value)
	}
	if x.Value != "" {
		b.WriteString(" " + x.Value.String())
	}
	if x.Before != "" {
		b.WriteString(" was " + x.Before.String())
	}
	for _, d := range x.Distinct {
		fmt.Fprintf(&b, " distinct %d", d.Count)
	}
	var ids []string
	for _, c := range x.Contributing {
		id := c.EventID
		if len(id) > 10 {
			id = "hit"
		}
		ids = append(ids, id+"."+string(rune('a'+c.Input)))
	}
	if ids != nil {
		b.WriteString(" " + strings.Join(ids, " "))
	}
	return b.String()
}

func showHits(hits []*Hit) []string {
	out := []string{}
	for _, x := range hits {
		out = append(out, showHit(x))
	}
	return out
}

const second = 1_000_000

func correlation(spec ir.Correlation) *ir.Rule {
	if spec.Inputs == nil {
		spec.Inputs = inputsOf(3)
	}
	return &ir.Rule{Meta: sigma.Meta{ID: string(spec.Type)}, Correlation: &spec}
}

func bound(op sigma.ThresholdOp, n float64) []ir.Bound {
	return []ir.Bound{{Op: op, Value: ir.Number{Float: n}}}
}

func inputsOf(n int) []ir.Input { return make([]ir.Input, n) }

var streamCases = []struct {
	name     string
	spec     ir.Correlation
	lateness time.Duration
	events   string
	want     []string
}{
	{name: "event_count", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 3)},
		events: "0:a 4:a 9:a 10:a", want: []string{"9 3 e0.a e1.a e2.a"}},
	{name: "event_count without its threshold", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 3)},
		events: "0:a 9:a 20:a 31:a", want: []string{}},
	{name: "the interval is closed", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)},
		events: "0:a 10:a 20.000001:a", want: []string{"10 2 e0.a e1.a"}},
	{name: "a burst across a bin's edge", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 4)},
		events: "8:a 9:a 11:a 12:a", want: []string{"12 4 e0.a e1.a e2.a e3.a"}},
	{name: "equal times are one instant", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)},
		events: "5:a 5:a 5:a", want: []string{"5 2 e0.a e1.a"}},
	{name: "equal times, decided when the watermark is past them", lateness: time.Second, spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)},
		events: "5:a 5:a 5:a", want: []string{"5 3 e0.a e1.a e2.a"}},
	{name: "a second burst after silence", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)},
		events: "0:a 1:a 2:a 20:a 21:a", want: []string{"1 2 e0.a e1.a", "21 2 e3.a e4.a"}},
	{name: "a predecessor that satisfied, one span before", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 1)},
		events: "0:a 10:a 20:a", want: []string{"0 1 e0.a"}},
	{name: "a predecessor just outside the window", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 1)},
		events: "0:a 10.000001:a", want: []string{"0 1 e0.a", "10.000001 1 e1.a"}},
	{name: "late events are dropped", lateness: 3 * time.Second, spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 3)},
		events: "10:a 7:a 6:a 9:a", want: []string{"10 3 e1.a e3.a e0.a"}},
	{name: "groups", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, GroupBy: []string{"u"}, Bounds: bound(sigma.OpGTE, 2)},
		events: "0:a@x 1:a@y 2:a@x 3:a@y", want: []string{"2 @x 2 e0.a e2.a", "3 @y 2 e1.a e3.a"}},
	{name: "an event in several groups", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, GroupBy: []string{"u"}, Bounds: bound(sigma.OpGTE, 2)},
		events: "0:a@x,y 1:a@y,z 2:a@x,z", want: []string{"1 @y 2 e0.a e1.a", "2 @x 2 e0.a e2.a", "2 @z 2 e1.a e2.a"}},
	{name: "an event of several rules counts once", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)},
		events: "0:a,b 1:b", want: []string{"1 2 e0.a e0.b e1.b"}},
	{name: "a range waits for the end of the instant", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second,
		Bounds: []ir.Bound{{Op: sigma.OpGTE, Value: ir.Number{IsInt: true, Int: 2}}, {Op: sigma.OpLT, Value: ir.Number{IsInt: true, Int: 4}}}},
		events: "0:a 1:a 1:a 1:a 30:a 31:a", want: []string{"31 2 e4.a e5.a"}},
	{name: "neq", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpNEQ, 1)},
		events: "0:a 5:a", want: []string{"5 2 e0.a e1.a"}},
	{name: "a fraction as threshold", spec: ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGT, 1.5)},
		events: "0:a 5:a", want: []string{"5 2 e0.a e1.a"}},

	{name: "value_count", spec: ir.Correlation{Type: sigma.ValueCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 3)},
		events: "0:a=x 1:a=y 2:a=x 11:a=z 11:a=y 12:a=w", want: []string{"11 3 e1.a e2.a e3.a"}},
	{name: "value_count of an event with several", spec: ir.Correlation{Type: sigma.ValueCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 3)},
		events: "0:a=x,y 1:a 2:a=x,z", want: []string{"2 3 e0.a e1.a e2.a"}},

	{name: "value_sum", spec: ir.Correlation{Type: sigma.ValueSum, Span: 10 * second, Bounds: bound(sigma.OpGTE, 1)},
		events: "0:a=0.5 1:a=0.25,0.25 2:a=no 3:a=-0.25", want: []string{"1 1 e0.a e1.a"}},
	{name: "value_sum of integers beyond float64", spec: ir.Correlation{Type: sigma.ValueSum, Span: 10 * second,
		Bounds: []ir.Bound{{Op: sigma.OpEQ, Value: ir.Number{IsInt: true, Int: 999999999999999*10 + 1}}}},
		events: "0:a=999999999999999,999999999999999,999999999999999,999999999999999,999999999999999 1:a=999999999999999,999999999999999,999999999999999,999999999999999,999999999999999,1",
		want:   []string{"1 9999999999999991 e0.a e1.a"}},
	{name: "value_sum without numbers", spec: ir.Correlation{Type: sigma.ValueSum, Span: 10 * second, Bounds: bound(sigma.OpLT, 5)},
		events: "0:a=x 1:a 2:a=1", want: []string{"2 1 e0.a e1.a e2.a"}},
	{name: "value_avg", spec: ir.Correlation{Type: sigma.ValueAvg, Span: 10 * second, Bounds: bound(sigma.OpGT, 1.5)},
		events: "0:a=1 1:a=2 2:a=2 13:a=0", want: []string{"2 1.6666666666666667 e0.a e1.a e2.a"}},
	{name: "value_percentile", spec: ir.Correlation{Type: sigma.ValuePercentile, Percentile: 50, Span: 10 * second, Bounds: bound(sigma.OpGTE, 3)},
		events: "0:a=1 1:a=5 2:a=3 3:a=x", want: []string{"2 3 e0.a e1.a e2.a"}},

	{name: "temporal", spec: ir.Correlation{Type: sigma.Temporal, Span: 10 * second},
		events: "0:c 2:b 5:a 6:a 12:a 13:c", want: []string{"5 3 e0.c e1.b e2.a"}},
	{name: "temporal at one instant and by one event", spec: ir.Correlation{Type: sigma.Temporal, Span: 10 * second},
		events: "5:c 5:a,b", want: []string{"5 3 e0.c e1.a e1.b"}},
	{name: "temporal, two of three", spec: ir.Correlation{Type: sigma.Temporal, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)},
		events: "0:c 1:c 10:a 30:b", want: []string{"10 2 e0.c e1.c e2.a"}},
	{name: "temporal with a condition", spec: ir.Correlation{Type: sigma.Temporal, Span: 10 * second,
		Combination: &ir.AllOf{X: []ir.Combination{ir.Occurs(0), &ir.NoneOf{X: &ir.OneOf{X: []ir.Combination{ir.Occurs(1), ir.Occurs(2)}}}}}},
		events: "0:b 5:a 11:a 12:c 22:a 22:c 40:a", want: []string{"11 1 e1.a e2.a", "40 1 e6.a"}},
	{name: "temporal_ordered", spec: ir.Correlation{Type: sigma.TemporalOrdered, Span: 10 * second},
		events: "0:b 1:a 2:c 3:b 4:c 11:c 12:c", want: []string{"4 3 e0.b e1.a e2.c e3.b e4.c"}},
	{name: "temporal_ordered at one instant, in any order of arrival", spec: ir.Correlation{Type: sigma.TemporalOrdered, Span: 10 * second},
		events: "5:c 5:b 5:a", want: []string{"5 3 e0.c e1.b e2.a"}},
	{name: "temporal_ordered by one event", spec: ir.Correlation{Type: sigma.TemporalOrdered, Span: 10 * second},
		events: "0:a 10:b,c", want: []string{"10 3 e0.a e1.b e1.c"}},
	{name: "temporal_ordered need not end at the instant", spec: ir.Correlation{Type: sigma.TemporalOrdered, Inputs: inputsOf(2), Span: 10 * second},
		events: "0:a 1:b 10:a 11:b", want: []string{"1 2 e0.a e1.b"}},

	{name: "counts", spec: ir.Correlation{Type: sigma.Counts, Span: 10 * second,
		Counts: []ir.Count{{Input: 0, Bounds: bound(sigma.OpGTE, 2)}, {Input: 1, Bounds: bound(sigma.OpEQ, 0)}}},
		events: "0:a 1:a 1:b 9:a 12:a 13:b", want: []string{"12 2 e3.a e4.a"}},
	{name: "counts with a ratio", spec: ir.Correlation{Type: sigma.Counts, Span: 10 * second, Ratio: &ir.Ratio{Of: 0, To: 1, GTE: 1.5},
		Counts: []ir.Count{{Input: 1, Bounds: bound(sigma.OpGTE, 2)}}},
		events: "0:b 1:b 2:a 3:a 4:a", want: []string{"4 5 e0.b e1.b e2.a e3.a e4.a"}},

	{name: "new_value", spec: ir.Correlation{Type: sigma.NewValue, Lookback: 10 * second, MinHistory: 1, Counted: []string{"f"}},
		events: "0:a=x 5:a=x 6:a=y,z 6:a=y 10:a=x 16:a=y 27:a=y 30:a=x",
		want:   []string{"6 new y e2.a", "6 new z e2.a", "30 new x e7.a"}},
	{name: "new_value with a longer history", spec: ir.Correlation{Type: sigma.NewValue, Lookback: 10 * second, MinHistory: 3, Counted: []string{"f"}},
		events: "0:a=x 1:a=x 2:a=y 3:a=w 12:a=v 13:a=u", want: []string{"3 new w e3.a"}},
	{name: "new_value counts events without it as history", lateness: time.Second, spec: ir.Correlation{Type: sigma.NewValue, Lookback: 10 * second, MinHistory: 1, Counted: []string{"f"}},
		events: "0:a 5:a=y 5:a=y", want: []string{"5 new y e1.a e2.a"}},

	{name: "after_silence", spec: ir.Correlation{Type: sigma.AfterSilence, Silence: 10 * second, Lookback: 100 * second},
		events: "0:a 10:a 19:a 29:a 29:a 130:a 135:a", want: []string{"10 10 e0.a e1.a", "29 10 e2.a e3.a"}},

	{name: "increase", spec: ir.Correlation{Type: sigma.Increase, Span: 10 * second, Against: 10 * second, Factor: 2, Minimum: 1},
		events: "0:a 10:a 15:a 19:a 20:a 30:a 30:a", want: []string{"20 3 was 1 e1.a e2.a e3.a", "40 2 was 1 e5.a e6.a"}},
	{name: "increase against an earlier window", spec: ir.Correlation{Type: sigma.Increase, Span: 10 * second, Against: 30 * second, Difference: 2, Minimum: 1},
		events: "0:a 10:a 30:a 31:a 32:a 40:a 41:a", want: []string{"40 3 was 1 e2.a e3.a e4.a"}},
	{name: "increase against a window between the windows", spec: ir.Correlation{Type: sigma.Increase, Span: 10 * second, Against: 15 * second, Difference: 1, Minimum: 1},
		events: "4:a 5:a 14:a 15:a 20:a 21:a 22:a", want: []string{"20 2 was 1 e2.a e3.a", "30 3 was 2 e4.a e5.a e6.a"}},
	{name: "increase of distinct values", spec: ir.Correlation{Type: sigma.Increase, Span: 10 * second, Against: 10 * second, Difference: 1, Minimum: 1, Counted: []string{"f"}},
		events: "0:a=x 1:a=x 10:a=x 11:a=y 12:a=y", want: []string{"20 2 was 1 e2.a e3.a e4.a"}},
	{name: "increase in days of a zone", spec: ir.Correlation{Type: sigma.Increase, Span: dayUnit, Against: dayUnit, Factor: 1.5, Minimum: 1, Zone: "Europe/Berlin"},
		// 1970 Berlin is an hour ahead of UTC all year: its 2 January is from 23:00 on the 1st.
		events: "0:a 82799:a 82800:a 169199:a 169199:a 169200:a", want: []string{"169200 3 was 2 e2.a e3.a e4.a"}},

	{name: "summary", spec: ir.Correlation{Type: sigma.Summary, GroupBy: []string{"u"}, Counted: []string{"f"}},
		events: "0:a@y=1 5:a@x=1,2 7:a@y=1 9:a@x=2,3", want: []string{"9 @x 2 distinct 3", "7 @y 2 distinct 1"}},
}

func TestStreamTypes(t *testing.T) {
	for _, c := range streamCases {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, StreamOptions{Lateness: c.lateness}, correlation(c.spec))
			var hits []*Hit
			for _, ev := range strings.Fields(c.events) {
				hits = append(hits, h.push(ev)...)
			}
			hits = append(hits, h.close()...)
			if got := showHits(hits); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// A correlation that cannot be undone is decided at the event that makes it
// true, another when its instant is over.
func TestStreamAtOnce(t *testing.T) {
	spec := ir.Correlation{Type: sigma.EventCount, Span: 10 * second, Bounds: bound(sigma.OpGTE, 2)}
	h := newHarness(t, StreamOptions{}, correlation(spec))
	h.push("0:a")
	if got := showHits(h.push("1:a")); len(got) != 1 {
		t.Errorf("gte at its event: %q", got)
	}
	spec.Bounds = bound(sigma.OpEQ, 2)
	h = newHarness(t, StreamOptions{}, correlation(spec))
	h.push("0:a")
	if got := showHits(h.push("1:a")); len(got) != 0 {
		t.Errorf("eq at its event: %q", got)
	}
	if got := showHits(h.push("1.000001:a")); len(got) != 1 {
		t.Errorf("eq behind its instant: %q", got)
	}
	h = newHarness(t, StreamOptions{Lateness: 5 * time.Second}, correlation(spec))
	h.push("0:a")
	h.push("1:a")
	h.e.advance(6 * second)
	if got := showHits(h.take()); len(got) != 0 {
		t.Errorf("decided when the watermark is at the instant: %q", got)
	}
	h.e.advance(6*second + 1)
	if got := showHits(h.take()); len(got) != 1 {
		t.Errorf("decided when the watermark has passed the instant: %q", got)
	}
}

// chainOf is a correlation over other correlations.
func chainOf(spec ir.Correlation, inner ...*ir.Rule) *ir.Rule {
	for _, r := range inner {
		tap := ir.Tap{Rule: r}
		for _, name := range spec.GroupBy {
			tap.GroupBy = append(tap.GroupBy, ir.Field{Name: name, Path: ir.Path{{Key: name}}})
		}
		for _, name := range spec.Counted {
			tap.Counted = append(tap.Counted, ir.Field{Name: name, Path: ir.Path{{Key: name}}})
		}
		spec.Inputs = append(spec.Inputs, ir.Input{Taps: []ir.Tap{tap}})
	}
	r := correlation(spec)
	r.Meta.ID = "outer " + r.Meta.ID
	return r
}

func TestStreamChains(t *testing.T) {
	for _, lateness := range []time.Duration{0, time.Second} {
		inner := correlation(ir.Correlation{Type: sigma.EventCount, Span: 10 * second, GroupBy: []string{"user.name", "ip"}, Bounds: bound(sigma.OpGTE, 2)})
		middle := chainOf(ir.Correlation{Type: sigma.ValueCount, Span: 100 * second, GroupBy: []string{"ip"}, Counted: []string{"user.name"}, Bounds: bound(sigma.OpGTE, 2)}, inner)
		middle.Correlation.Generate, middle.OnlyFeeds = true, true
		outer := chainOf(ir.Correlation{Type: sigma.TemporalOrdered, Span: 100 * second, GroupBy: []string{"ip"}}, inner, middle)
		h := newHarness(t, StreamOptions{Lateness: lateness}, outer, middle, inner)
		// Groups with two parts are written with their key.
		group := func(user, ip string) []string { k, _ := groupKeys([][]string{{user}, {ip}}); return k }
		var got []string
		push := func(at int64, user, ip string) {
			h.n++
			p := &pushed{time: at * second}
			p.meets = append(p.meets, meetingOf(h.e.byRule[inner], p.time, fmt.Sprintf("e%d", h.n), inputMatch{}, textsOf(group(user, ip))))
			h.e.push(p)
			for _, x := range h.take() {
				got = append(got, x.Rule.ID+": "+showHit(x))
			}
		}
		for i, user := range []string{"ann", "bob"} {
			push(int64(i*10), user, "1.2.3.4")
			push(int64(i*10+1), user, "1.2.3.4")
		}
		for _, x := range h.close() {
			got = append(got, x.Rule.ID+": "+showHit(x))
		}
		// The middle one is shown by nobody, the innermost by the middle one.
		want := []string{
			"event_count: 1 @ann @1.2.3.4 2 e1.a e2.a",
			"event_count: 11 @bob @1.2.3.4 2 e3.a e4.a",
			"outer temporal_ordered: 11 @1.2.3.4 2 hit.a hit.a hit.b",
		}
		for i := range got {
			// At one time events are in the order of their ids, which are hashes.
			got[i] = strings.ReplaceAll(got[i], "hit.b hit.a", "hit.a hit.b")
		}
		if !slices.Equal(got, want) {
			t.Errorf("lateness %v: %q", lateness, got)
		}
	}
}

// The end of a tumbling window is an instant too: its hits come before those of
// the correlations over it, and after all that was before.
func TestStreamIncreaseInChain(t *testing.T) {
	for _, lateness := range []time.Duration{0, 3 * time.Second} {
		inner := correlation(ir.Correlation{Type: sigma.Increase, Inputs: inputsOf(1), Span: 10 * second, Against: 10 * second, Factor: 2, Minimum: 1, GroupBy: []string{"u"}})
		// Its first input is the rule that the harness names a.
		outer := correlation(ir.Correlation{Type: sigma.TemporalOrdered, Span: 10 * second, GroupBy: []string{"u"}, Inputs: []ir.Input{
			{}, {Taps: []ir.Tap{{Rule: inner, GroupBy: []ir.Field{{Name: "u", Path: ir.Path{{Key: "u"}}}}}}}}})
		inner.Meta.ID, inner.OnlyFeeds = "inner", true
		h := newHarness(t, StreamOptions{Lateness: lateness}, outer, inner)
		var hits []*Hit
		for _, ev := range strings.Fields("0:a@x 10:a@x 11:a@x") {
			hits = append(hits, h.push(ev, inner)...)
		}
		for _, ev := range strings.Fields("12:a@x 20:a@x 25:a@x") {
			hits = append(hits, h.push(ev, outer)...)
		}
		hits = append(hits, h.close()...)
		want := []string{"20 @x 2 e3.a hit.b"}
		if lateness > 0 { // the instant has all its events
			want = []string{"20 @x 2 e3.a e4.a hit.b"}
		}
		got := showHits(hits)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], "hit.b e4.a", "e4.a hit.b")
		}
		if !slices.Equal(got, want) {
			t.Errorf("lateness %v: got %q, want %q", lateness, got, want)
		}
	}
}

func TestStreamOnce(t *testing.T) {
	r := correlation(ir.Correlation{Type: sigma.EventCount, Span: second, GroupBy: []string{"u"}, Bounds: bound(sigma.OpGTE, 1)})
	r.Once = &ir.Once{By: []ir.Field{{Name: "u", Path: ir.Path{{Key: "u"}}}}, For: 20 * second}
	h := newHarness(t, StreamOptions{}, r)
	var hits []*Hit
	for _, ev := range strings.Fields("0:a@x 5:a@y 10:a@x 20:a@x 22:a@x 30:a@x 90:a@x") {
		hits = append(hits, h.push(ev)...)
	}
	var got []string
	for _, x := range hits {
		got = append(got, fmt.Sprintf("%s repeats %d", showHit(x), x.Repeats))
	}
	want := []string{"0 @x 1 e0.a repeats 2", "5 @y 1 e1.a repeats 0", "22 @x 1 e4.a repeats 1", "90 @x 1 e6.a repeats 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	h.e.advance(2000 * second)
	if n := h.e.onces[0].raised.len(); n != 0 {
		t.Errorf("%d keys are remembered for ever", n)
	}
}

// The same hits, in whatever order the events of the lateness come.
func TestStreamShuffled(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		c := streamCases[rnd.IntN(len(streamCases))]
		events := make([]string, 60)
		for i := range events {
			events[i] = fmt.Sprintf("%d:%c@%c=%d", i/2, 'a'+rnd.IntN(2), 'x'+rnd.IntN(2), rnd.IntN(4))
		}
		run := func(order []int) []string {
			h := newHarness(t, StreamOptions{Lateness: 8 * time.Second}, correlation(c.spec))
			var hits []*Hit
			for _, i := range order {
				h.n = i
				hits = append(hits, h.push(events[i])...)
			}
			hits = append(hits, h.close()...)
			if h.e.stats.Late > 0 {
				t.Fatal("late events")
			}
			out := []string{}
			for _, x := range hits {
				out = append(out, x.ID()+showHit(x))
			}
			return out
		}
		order := make([]int, len(events))
		for i := range order {
			order[i] = i
		}
		want := run(order)
		for i := 0; i+10 <= len(order); i += 10 {
			rnd.Shuffle(10, func(a, b int) { order[i+a], order[i+b] = order[i+b], order[i+a] })
		}
		if got := run(order); !slices.Equal(got, want) {
			t.Fatalf("%s, seed %d: got %q, want %q", c.name, seed, got, want)
		}
	}
}

func TestStreamLimits(t *testing.T) {
	t.Run("groups", func(t *testing.T) {
		n := 1_000_000
		if testing.Short() {
			n = 200_000
		}
		for _, typ := range []ir.Correlation{
			{Type: sigma.EventCount, Span: 3600 * second, GroupBy: []string{"u"}, Bounds: bound(sigma.OpGTE, 2)},
			{Type: sigma.EventCount, Span: 3600 * second, GroupBy: []string{"u"}, Bounds: bound(sigma.OpEQ, 1)}, // decided at the end of the instant
			{Type: sigma.Increase, Span: 3600 * second, Against: 3600 * second, Factor: 2, GroupBy: []string{"u"}},
		} {
			limit := n / 10
			h := newHarness(t, StreamOptions{MaxGroups: limit}, correlation(typ))
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for i := range n {
				h.push(fmt.Sprintf("1:a@g%d", i))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if got := h.e.stats.EvictedGroups; got != int64(n-limit) {
				t.Errorf("%s: %d evicted groups, want %d", typ.Type, got, n-limit)
			}
			if h.e.stats.Groups != limit {
				t.Errorf("%s: %d groups remembered", typ.Type, h.e.stats.Groups)
			}
			if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > int64(limit)*4000 {
				t.Errorf("%s: %d bytes held for %d groups", typ.Type, used, limit)
			}
			h.close()
			runtime.KeepAlive(h)
		}
	})
	t.Run("events of a group", func(t *testing.T) {
		h := newHarness(t, StreamOptions{MaxGroupEvents: 10}, correlation(ir.Correlation{Type: sigma.EventCount, Span: 3600 * second, Bounds: bound(sigma.OpGTE, 11)}))
		for i := range 100 {
			if hits := h.push(fmt.Sprintf("%d:a", i)); len(hits) > 0 {
				t.Fatal("more were counted than are remembered")
			}
		}
		if h.e.stats.DroppedEvents != 90 {
			t.Errorf("%d dropped", h.e.stats.DroppedEvents)
		}
	})
	t.Run("values of a group", func(t *testing.T) {
		for _, spec := range []ir.Correlation{
			{Type: sigma.NewValue, Lookback: 3600 * second, MinHistory: 1, Counted: []string{"f"}},
			{Type: sigma.Increase, Span: 3600 * second, Against: 3600 * second, Factor: 2, Counted: []string{"f"}},
			{Type: sigma.Summary, Counted: []string{"f"}},
		} {
			h := newHarness(t, StreamOptions{MaxGroupEvents: 10}, correlation(spec))
			for i := range 100 {
				h.push(fmt.Sprintf("%d:a=v%d", i, i))
			}
			if h.e.stats.DroppedEvents < 90 {
				t.Errorf("%s: %d dropped", spec.Type, h.e.stats.DroppedEvents)
			}
			h.close()
		}
	})
	t.Run("keys of once", func(t *testing.T) {
		r := correlation(ir.Correlation{Type: sigma.EventCount, Span: 1, GroupBy: []string{"u"}, Bounds: bound(sigma.OpGTE, 1)})
		r.Once = &ir.Once{By: []ir.Field{{Name: "u", Path: ir.Path{{Key: "u"}}}}, For: 3600 * second}
		h := newHarness(t, StreamOptions{MaxGroups: 10}, r)
		for i := range 100 {
			h.push(fmt.Sprintf("%d:a@g%d", i, i))
		}
		if n := h.e.onces[0].raised.len(); n != 10 {
			t.Errorf("%d keys are remembered", n)
		}
	})
	t.Run("keys of an event", func(t *testing.T) {
		many := make([]any, 100)
		for i := range many {
			many[i] = i
		}
		c := &correlator{e: &engine{}, spec: &ir.Correlation{Type: sigma.ValueCount}}
		tap := ir.Tap{GroupBy: []ir.Field{{Path: ir.Path{{Key: "a"}}}, {Path: ir.Path{{Key: "b"}}}}}
		x, err := c.tap(nil, 0, tap)
		if err != nil {
			t.Fatal(err)
		}
		long := strings.Repeat("é", maxKeyBytes)
		keys := x.read(&subject{value: map[string]any{"a": many, "b": append([]any{long, long + "x"}, many...)}, cursor: &cursor{cost: maxMatchCost}}, new(inputMatch), nil)
		groups := keys.strings()
		if len(groups) != maxEventKeys || c.e.stats.CutKeys != 1 {
			t.Errorf("%d groups, %d events with too many", len(groups), c.e.stats.CutKeys)
		}
		if a, b := keyParts(groups[0])[1], keyParts(groups[1])[1]; a == b || len(a) > maxKeyBytes+100 {
			t.Errorf("long keys are %d and %d bytes, equal: %v", len(a), len(b), a == b)
		}
	})
	t.Run("waiting events", func(t *testing.T) {
		h := newHarness(t, StreamOptions{Lateness: time.Hour, MaxPending: 10}, correlation(ir.Correlation{Type: sigma.EventCount, Span: 5 * second, Bounds: bound(sigma.OpGTE, 2)}))
		var hits []*Hit
		for i := range 100 {
			hits = append(hits, h.push(fmt.Sprintf("%d:a", i))...)
		}
		if len(hits) != 1 || h.e.stats.DecidedEarly != 90 || h.e.pending.Len() != 10 {
			t.Errorf("hits %q, %d decided early, %d waiting", showHits(hits), h.e.stats.DecidedEarly, h.e.pending.Len())
		}
	})
}

// State that is out of its window goes, whether its group or correlation has
// new events or not.
func TestStreamForgets(t *testing.T) {
	hour := int64(3600 * second)
	for _, c := range streamCases {
		if c.spec.Type == sigma.Summary {
			continue
		}
		spec := c.spec
		spec.GroupBy = []string{"u"}
		h := newHarness(t, StreamOptions{}, correlation(spec), correlation(ir.Correlation{Type: sigma.EventCount, Span: second}))
		most := 0
		for at := range 31 * 24 {
			h.push(fmt.Sprintf("%d:a@g%d,same=%d", at*3600, at, at))
			h.push(fmt.Sprintf("%d:b@g%d", at*3600, at))
			most = max(most, h.e.stats.Groups)
		}
		if most > 200 {
			t.Errorf("%s: %d groups were remembered", c.name, most)
		}
		h.e.advance(100 * 24 * hour)
		if n := h.e.stats.Groups; n > 0 {
			t.Errorf("%s: %d groups are remembered", c.name, n)
		}
	}
}

// Lengths and times at the ends of their ranges, as no document has them but a
// caller's tree may.
func TestStreamExtremes(t *testing.T) {
	for _, c := range streamCases {
		for _, span := range []int64{math.MinInt64, -1, 0, 1, dayUnit, math.MaxInt64} {
			for _, lateness := range []time.Duration{-1, 0, time.Hour, math.MaxInt64} {
				spec := c.spec
				spec.Span, spec.Lookback, spec.Silence, spec.Against = span, span, span, span
				spec.Percentile = math.NaN()
				spec.MinHistory = int(span)
				spec.Minimum, spec.Factor = math.Inf(-1), math.NaN()
				r := correlation(spec)
				e := newEngine(StreamOptions{Lateness: lateness, MaxGroups: -1}, []*ir.Rule{r}, func(*ir.Rule) *RuleInfo { return &RuleInfo{} })
				if len(e.corrs) == 0 {
					continue // an increase without windows
				}
				for _, year := range []int{0, 1969, 1970, 2026, 9999} {
					at, _ := streamTime(time.Date(year, 6, 15, 12, 0, 0, 0, time.UTC))
					m := inputMatch{tuples: textsOf([]string{""}), values: &inputValues{numbers: []ir.Number{{Float: math.MaxFloat64}, {Float: 5e-324}}, fields: [][]string{{"x"}, {"y"}}}}
					p := &pushed{time: at}
					p.meets = append(p.meets, meetingOf(e.corrs[0], at, "", m, textsOf([]string{""})))
					e.push(p)
				}
				e.end()
				for _, h := range e.out {
					if _, err := json.Marshal(h.Value); err != nil {
						t.Errorf("%s: %v", c.name, err)
					}
				}
			}
		}
	}
}

func TestStreamZoneDays(t *testing.T) {
	for _, c := range []struct {
		zone, at, start, next string
	}{
		{"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},    // 23 hours
		{"Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},    // 25 hours
		{"America/Santiago", "2024-09-08T12:00:00Z", "2024-09-08T04:00:00Z", "2024-09-09T03:00:00Z"}, // no midnight
		{"America/Santiago", "2024-04-06T12:00:00Z", "2024-04-06T03:00:00Z", "2024-04-07T04:00:00Z"}, // back at midnight to 23:00
		{"America/St_Johns", "2006-10-29T12:00:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"}, // back at 00:01 to 23:01
		{"America/St_Johns", "2006-10-29T02:40:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"}, // within the second 23rd hour
		{"America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},   // back at 1:00 to 0:00
		{"UTC", "1969-12-31T23:59:59Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
	} {
		loc, err := loadZone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		z := zoneDays{loc}
		at, _ := time.Parse(time.RFC3339, c.at)
		day := z.day(at.UnixMicro())
		show := func(n int64) string { return time.UnixMicro(z.start(n)).UTC().Format(time.RFC3339) }
		if show(day) != c.start || show(day+1) != c.next {
			t.Errorf("%s %s: day from %s to %s, want %s to %s", c.zone, c.at, show(day), show(day+1), c.start, c.next)
		}
	}
}
