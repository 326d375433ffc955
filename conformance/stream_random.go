package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// RandomStream makes correlations and histories of events that are made for
// each other: few groups, times on a coarse grid so that instants with several
// events and windows that end on an event are common, keys in lists, in
// another case, as numbers, or absent. The same seed gives the same ones. A
// RandomStream is not safe for concurrent use.
//
// The fields may be set before the first use: an engine that cannot say or
// store something takes it out of them.
type RandomStream struct {
	*rand.Rand
	// Unit is the grid of the times: timespans are multiples of it.
	Unit time.Duration
	// Units is how long a history is, Events how many events it has at most.
	Units, Events int
	// Users and Places are what the columns UserPrincipalName, Identity and
	// Location hold, Apps what AppDisplayName, and Numbers what DurationMs
	// does. Absent stands for no such column in the event.
	Users, Places, Apps, Numbers []any
	// Operations are what OperationName holds: the three rules ask for a, b
	// and c.
	Operations []any
	// Once gives some rules and correlations `once`.
	Once bool
	// Chains has some correlations refer to others.
	Chains bool
}

// Absent is no value at all among those of a RandomStream.
var Absent = absent{}

type absent struct{}

// NewRandomStream returns a RandomStream that uses everything.
func NewRandomStream(seed uint64) *RandomStream {
	return &RandomStream{
		Rand: rand.New(rand.NewPCG(seed, 1)), Unit: time.Second, Units: 40, Events: 30,
		Users:      []any{"u1", "U1", "u1", "u2", "u2", "Ü3", "ü3", 5, "5", 5.25, []any{"u1", "u2"}, []any{"U1", nil, "u1"}, []any{}, nil, "", true, Absent},
		Places:     []any{"de", "de", "DE", "de", "fr", []any{"de", "fr"}, nil, Absent},
		Apps:       []any{"x", "X", "y", "z", 7, []any{"x", "y"}, []any{"z", 7, nil}, "", nil, Absent},
		Numbers:    []any{0, 1, 1, 2, 2, 3, 0.25, 0.5, 1.75, -1.25, 5, "2.5", "x", true, []any{1, "0.75"}, []any{2, "y", 2}, nil, Absent},
		Operations: []any{"a", "a", "b", "b", "c", []any{"a", "b"}, []any{"a", "b", "c"}, []any{"c", "a"}, "other", Absent},
		Once:       true, Chains: true,
	}
}

// StreamTypes are the correlation types, in the order of the design.
func StreamTypes() []sigma.CorrelationType {
	return []sigma.CorrelationType{sigma.EventCount, sigma.ValueCount, sigma.Temporal, sigma.TemporalOrdered, sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile,
		sigma.NewValue, sigma.AfterSilence, sigma.Counts, sigma.Increase, sigma.Summary}
}

// RandomStreamSource is what the events are of.
var RandomStreamSource = event.Source{Form: event.LogAnalytics, Table: "SigninLogs"}

// Rules returns native rules a, b and c as YAML, and n correlations of a type
// over them. Most say generate, so that hits of all are reported.
func (r *RandomStream) Rules(t sigma.CorrelationType, n int) string {
	var b strings.Builder
	for i, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&b, "rulewright: 1\ntitle: Rule %[1]s\nname: %[1]s\nid: 00000000-0000-4000-8000-00000000000%[2]d\n", name, i+1)
		if r.Once && r.chance(25) {
			fmt.Fprintf(&b, "once: {by: [%s], for: %s}\n", pickOf(r, "UserPrincipalName", "UserPrincipalName, AppDisplayName", "Location"), r.span(1+r.IntN(12)))
		}
		fmt.Fprintf(&b, "logsource: {product: azure, service: signinlogs}\ndetection:\n  s: {OperationName: %s}\n  condition: s\n---\n", name)
	}
	number := 0
	for range n {
		number = r.correlation(&b, t, number)
	}
	return strings.TrimSuffix(b.String(), "---\n")
}

// span writes a number of units.
func (r *RandomStream) span(n int) string {
	d := time.Duration(n) * r.Unit
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

func (r *RandomStream) chance(p int) bool { return r.IntN(100) < p }

// correlation writes a correlation, with those that it is built on before it,
// and returns the number of the next.
func (r *RandomStream) correlation(b *strings.Builder, t sigma.CorrelationType, number int) int {
	rules := []string{"a", "b", "c"}
	r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
	least := 1
	switch t {
	case sigma.Temporal, sigma.TemporalOrdered, sigma.Counts:
		least = 2
	}
	rules = rules[:least+r.IntN(4-least)]
	groupBy := [][]string{nil, {"UserPrincipalName"}, {"UserPrincipalName"}, {"UserPrincipalName", "Location"}, {"Location", "UserPrincipalName"}}[r.IntN(5)]
	if t == sigma.Summary && groupBy == nil {
		groupBy = []string{"UserPrincipalName"}
	}
	field := "AppDisplayName"
	switch t {
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		field = "DurationMs"
	}
	aliases := ""
	switch {
	case r.Chains && r.chance(30):
		// A chain of two or three: the inner ones know the fields of the outer.
		inner := []string{"UserPrincipalName", "Location", field}
		under := []string{rules[0]}
		for range 1 + r.IntN(2) {
			name := fmt.Sprintf("n%d", number)
			head(b, number, name)
			if len(under) > 1 && r.chance(50) {
				fmt.Fprintf(b, "correlation:\n  type: temporal\n  rules: [%s]\n  condition: {gte: 1}\n", strings.Join(under, ", "))
			} else {
				fmt.Fprintf(b, "correlation:\n  type: event_count\n  rules: [%s]\n  condition: {%s}\n", strings.Join(under, ", "), pickOf(r, "gte: 1", "gte: 2", "eq: 1"))
			}
			fmt.Fprintf(b, "  timespan: %s\n  group-by: [%s]\n  generate: true\n---\n", r.span(1+r.IntN(4)), strings.Join(inner, ", "))
			number++
			under = []string{name, pickOf(r, "a", "b", "c")}
			rules[0] = name
		}
	case len(groupBy) > 0 && r.chance(20):
		var fields []string
		for _, rule := range rules {
			fields = append(fields, rule+": "+pickOf(r, "UserPrincipalName", "Identity"))
		}
		aliases = fmt.Sprintf("  aliases:\n    who: {%s}\n", strings.Join(fields, ", "))
		groupBy = slices.Clone(groupBy)
		groupBy[slices.Index(groupBy, "UserPrincipalName")] = "who"
	}

	head(b, number, fmt.Sprintf("n%d", number))
	if r.Once && len(groupBy) > 0 && t != sigma.Summary && r.chance(25) {
		fmt.Fprintf(b, "once: {by: [%s], for: %s}\n", strings.Join(groupBy[r.IntN(len(groupBy)):], ", "), r.span(1+r.IntN(20)))
	}
	fmt.Fprintf(b, "correlation:\n  type: %s\n  rules: [%s]\n  generate: %t\n%s", t, strings.Join(rules, ", "), r.chance(80), aliases)
	if len(groupBy) > 0 {
		fmt.Fprintf(b, "  group-by: [%s]\n", strings.Join(groupBy, ", "))
	}
	span := 1 + r.IntN(12)
	switch t {
	case sigma.NewValue:
		fields := pickOf(r, field, field, field+", ResultType")
		if slices.Contains(rules, fmt.Sprintf("n%d", number-1)) {
			fields = field
		}
		fmt.Fprintf(b, "  fields: [%s]\n  lookback: %s\n", fields, r.span(span))
		if r.chance(50) {
			fmt.Fprintf(b, "  min-history: %d\n", 1+r.IntN(3))
		}
	case sigma.AfterSilence:
		silence := 1 + r.IntN(6)
		fmt.Fprintf(b, "  silence: %s\n  lookback: %s\n", r.span(silence), r.span(silence+r.IntN(8)))
	case sigma.Increase:
		zone := ""
		if day := int(24 * time.Hour / r.Unit); day <= 4 {
			span = day * (1 + r.IntN(2))
			zone = pickOf(r, "", "Europe/Berlin", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kolkata") // clocks change within the history
		}
		fmt.Fprintf(b, "  timespan: %s\n  against: %s\n", r.span(span), r.span(span*(1+r.IntN(2))))
		both := r.IntN(3)
		if both != 0 {
			fmt.Fprintf(b, "  ratio: %s\n", pickOf(r, "1", "1.5", "1.1", "2", "3", "0.5"))
		}
		if both != 1 {
			fmt.Fprintf(b, "  difference: %s\n", pickOf(r, "0", "1", "2", "0.5", "3"))
		}
		if r.chance(50) {
			fmt.Fprintf(b, "  minimum: %s\n", pickOf(r, "0", "1", "2", "2.5"))
		}
		if r.chance(40) {
			fmt.Fprintf(b, "  field: %s\n", field)
		}
		if zone != "" {
			fmt.Fprintf(b, "  zone: %s\n", zone)
		}
	case sigma.Summary:
		if r.chance(50) {
			fmt.Fprintf(b, "  fields: [%s]\n", field)
		}
	default:
		fmt.Fprintf(b, "  timespan: %s\n", r.span(span))
		r.condition(b, t, rules, field)
	}
	b.WriteString("---\n")
	return number + 1
}

func head(b *strings.Builder, number int, name string) {
	fmt.Fprintf(b, "rulewright: 1\ntitle: Correlation %[1]d\nname: %[2]s\nid: 00000000-0000-4000-8000-%012[1]d\n", 100+number, name)
}

func pickOf[T any](r *RandomStream, choices ...T) T { return choices[r.IntN(len(choices))] }

// condition writes what is asked of a window.
func (r *RandomStream) condition(b *strings.Builder, t sigma.CorrelationType, rules []string, field string) {
	switch t {
	case sigma.Temporal, sigma.TemporalOrdered:
		and, or := strings.Join(rules, " and "), strings.Join(rules, " or ")
		last := len(rules) - 1
		choices := []string{"", "", fmt.Sprintf("{gte: %d}", len(rules)), and}
		if t == sigma.Temporal {
			choices = append(choices, "{gte: 2}", "{gt: 1}", "{eq: 2}", "{gte: 1, lt: 2}", "{neq: 1}", or, strings.Join(rules[:last], " and ")+" and not "+rules[last], "not ("+and+")", rules[0]+" or not "+rules[1])
		}
		if c := pickOf(r, choices...); c != "" {
			fmt.Fprintf(b, "  condition: %s\n", c)
		}
	case sigma.Counts:
		b.WriteString("  condition:\n")
		for i, rule := range rules {
			choices := []string{"{gte: 1}", "{gte: 2}", "{gt: 1.5}", "{gte: 1, lte: 3}"}
			if i > 0 {
				choices = append(choices, "{eq: 0}", "{lte: 1}", "{lt: 2}", "{neq: 1}")
			}
			fmt.Fprintf(b, "    %s: %s\n", rule, pickOf(r, choices...))
		}
		if r.chance(40) {
			fmt.Fprintf(b, "  ratio: {of: %s, to: %s, gte: %s}\n", rules[0], rules[1], pickOf(r, "1", "2", "1.5", "0.5"))
		}
	case sigma.EventCount:
		fmt.Fprintf(b, "  condition: {%s}\n", pickOf(r, "gte: 1", "gte: 2", "gte: 3", "gt: 2", "gt: 1.5", "gte: 2.5", "eq: 2", "lt: 3", "lte: 2", "neq: 2", "gte: 2, lte: 3", "gt: 1, lt: 4, neq: 2"))
	case sigma.ValueCount:
		fields := field
		if !strings.HasPrefix(rules[0], "n") && r.chance(25) {
			fields = "[" + field + ", ResultType]"
		}
		fmt.Fprintf(b, "  condition: {field: %s, %s}\n", fields, pickOf(r, "gte: 1", "gte: 2", "gte: 3", "gt: 1", "gte: 2.5", "eq: 2", "eq: 0", "lt: 2", "lte: 1", "neq: 1", "gte: 2, lte: 3"))
	case sigma.ValueSum:
		fmt.Fprintf(b, "  condition: {field: %s, %s}\n", field, pickOf(r, "gte: 2", "gt: 3.25", "gte: 4.5", "lt: 1", "lte: 0.25", "eq: 3", "neq: 2", "gte: 1, lt: 4"))
	case sigma.ValueAvg:
		fmt.Fprintf(b, "  condition: {field: %s, %s}\n", field, pickOf(r, "gte: 1", "gt: 1.5", "gte: 1.25", "lt: 1", "lte: 0.5", "eq: 2", "neq: 1", "gte: 0.5, lt: 2"))
	case sigma.ValuePercentile:
		fmt.Fprintf(b, "  condition: {field: %s, %s%s}\n", field, pickOf(r, "", "percentile: 90, ", "percentile: 25, ", "percentile: 99.5, ", "percentile: 100, ", "percentile: 33.3, "),
			pickOf(r, "gte: 1", "gt: 1.5", "gte: 1.75", "lt: 1", "lte: 0.5", "eq: 2", "neq: 1", "gte: 0.5, lt: 2"))
	}
}

// start is an evening before clocks change in Europe.
var start = time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC)

// History returns events in the order of their times, those of one time in any
// order, and last a few without a time.
func (r *RandomStream) History() []event.Record {
	n := r.IntN(r.Events + 1)
	dense := pickOf(r, 1, 2, 4) // some histories are short and thick
	records := make([]event.Record, n)
	for i := range records {
		t := start.Add(time.Duration(r.IntN(max(r.Units/dense, 1))) * r.Unit)
		if r.chance(8) {
			t = t.Add(pickOf(r, -time.Microsecond, time.Microsecond))
		}
		id := fmt.Sprintf("%04x-%d", r.IntN(1<<16), i)
		ev := map[string]any{"Type": RandomStreamSource.Table, "TimeGenerated": t.Format(time.RFC3339Nano), "Id": id, "ResultType": pickOf(r, "0", "50126")}
		for _, c := range []struct {
			name   string
			values []any
		}{{"OperationName", r.Operations}, {"UserPrincipalName", r.Users}, {"Identity", r.Users}, {"Location", r.Places}, {"AppDisplayName", r.Apps}, {"DurationMs", r.Numbers}} {
			if v := pickOf(r, c.values...); v != Absent {
				ev[c.name] = v
			}
		}
		if r.chance(4) {
			delete(ev, "TimeGenerated")
			t = time.Time{}
		}
		records[i] = event.Record{Event: ev, Source: RandomStreamSource, Time: t, ID: id}
	}
	slices.SortStableFunc(records, func(a, b event.Record) int {
		if a.Time.IsZero() || b.Time.IsZero() {
			return b.Time.Compare(a.Time)
		}
		return a.Time.Compare(b.Time)
	})
	return records
}

// Delayed returns a history in the order in which it may arrive: each event up
// to the lateness behind its time, so that none is too late.
func (r *RandomStream) Delayed(history []event.Record, lateness time.Duration) []event.Record {
	type arrival struct {
		at time.Time
		e  event.Record
	}
	arrivals := make([]arrival, len(history))
	for i, e := range history {
		arrivals[i] = arrival{e.Time.Add(time.Duration(r.Int64N(int64(lateness) + 1))), e}
	}
	r.Shuffle(len(arrivals), func(i, j int) { arrivals[i], arrivals[j] = arrivals[j], arrivals[i] })
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
	out := make([]event.Record, len(arrivals))
	for i, a := range arrivals {
		out[i] = a.e
	}
	return out
}

// Files cuts a history into files of JSON lines, each in an order of its own.
func (r *RandomStream) Files(history []event.Record, n int) [][]byte {
	files := make([][]byte, n)
	history = slices.Clone(history)
	switch r.IntN(3) {
	case 0:
		slices.Reverse(history) // exports are newest first
	case 1:
		r.Shuffle(len(history), func(i, j int) { history[i], history[j] = history[j], history[i] })
	}
	for _, e := range history {
		line, err := json.Marshal(e.Event)
		if err != nil {
			panic(err)
		}
		i := r.IntN(n)
		files[i] = append(append(files[i], line...), '\n')
	}
	return files
}

// mergedFiles reads files as one history.
func mergedFiles(files [][]byte) ([]event.Record, error) {
	i := 0
	h, err := event.Merge(event.MergeOptions{}, func() (*event.Reader, error) {
		if i == len(files) {
			return nil, io.EOF
		}
		i++
		return event.NewReader(bytes.NewReader(files[i-1]), event.ReaderOptions{}), nil
	})
	if err != nil {
		return nil, err
	}
	var history []event.Record
	for {
		e, err := h.Next()
		if err == io.EOF {
			return history, nil
		}
		if err != nil {
			return nil, err
		}
		history = append(history, e)
	}
}
