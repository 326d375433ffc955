package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/internal/packtest"
	"github.com/rulewright/rulewright/sigma"
)

const scenarios = "scenarios"

// incidentGuide is the guide whose rules the committed alerts are of.
const incidentGuide = "entra-apps"

// loadPack returns the pack with a profile of the scenarios, or with none.
func loadPack(t testing.TB, profile string) *compiler.RuleSet {
	t.Helper()
	if profile == "" {
		return packtest.Load(t, "", nil)
	}
	data, err := os.ReadFile(filepath.Join(scenarios, profile))
	if err != nil {
		t.Fatal(err)
	}
	return packtest.Load(t, profile, data)
}

type input struct {
	name string
	data []byte
}

// inputs reads a file or the files of a folder.
func inputs(t testing.TB, name string) []input {
	t.Helper()
	full := filepath.Join(scenarios, name)
	files := []string{full}
	if st, err := os.Stat(full); err != nil {
		t.Fatal(err)
	} else if st.IsDir() {
		if files, err = filepath.Glob(filepath.Join(full, "*")); err != nil {
			t.Fatal(err)
		}
	}
	var in []input
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, input{filepath.Base(f), data})
	}
	return in
}

// history reads inputs in the order given.
func history(t testing.TB, in []input) []event.Record {
	t.Helper()
	i := 0
	h, err := event.Merge(event.MergeOptions{OnError: func(e *event.RecordError) { t.Error(e) }}, func() (*event.Reader, error) {
		if i == len(in) {
			return nil, io.EOF
		}
		i++
		return event.NewReader(bytes.NewReader(in[i-1].data), event.ReaderOptions{File: in[i-1].name}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var recs []event.Record
	for {
		rec, err := h.Next()
		if err == io.EOF {
			return recs
		}
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
}

// alert is a hit as far as all forms of one fact agree about it.
type alert struct {
	time                       string
	level, tier, title, entity string
}

func (a alert) String() string {
	return fmt.Sprintf("%s  %-13s  %-6s  %-30s  %s", a.time, a.level, a.tier, a.entity, a.title)
}

// alerts returns the hits of the guide's rules over a history in its order.
func alerts(t testing.TB, set *compiler.RuleSet, recs []event.Record) []alert {
	t.Helper()
	var out []alert
	for _, rec := range recs {
		hits, err := set.Match(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			if !strings.HasPrefix(h.Rule.File, incidentGuide+"/") {
				continue
			}
			a := alert{time: h.Time().Truncate(time.Second).Format(time.RFC3339), level: h.Rule.Level, tier: h.Rule.Tier, title: h.Rule.Title}
			for _, e := range h.Entities() {
				if e.Type == "account" {
					a.entity = e.Value
					break
				}
			}
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b alert) int { return strings.Compare(a.time+a.title+a.entity, b.time+b.title+b.entity) })
	return out
}

func lines(as []alert) string {
	var b strings.Builder
	for _, a := range as {
		b.WriteString(a.String() + "\n")
	}
	return b.String()
}

// cannotCarry reads what a form cannot give of the incident.
func cannotCarry(t *testing.T) map[string][]struct{ Rule, Time, Why string } {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(scenarios, "cannot-carry.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cannot map[string][]struct{ Rule, Time, Why string }
	if err := yaml.Unmarshal(data, &cannot); err != nil {
		t.Fatal(err)
	}
	return cannot
}

// The incident, told in mixed forms, as portal downloads and as batches of an
// event hub, gives the same alerts, but for what a form cannot carry.
func TestIncidentInEveryForm(t *testing.T) {
	set := loadPack(t, "contoso.yaml")
	want := alerts(t, set, history(t, inputs(t, "aitm-incident.jsonl")))
	golden.Compare(t, filepath.Join(scenarios, "aitm-incident.alerts.txt"), lines(want))
	golden.Compare(t, filepath.Join(scenarios, "aitm-incident.alerts-without-profile.txt"), lines(alerts(t, loadPack(t, ""), history(t, inputs(t, "aitm-incident.jsonl")))))

	cannot := cannotCarry(t)
	for _, name := range []string{"aitm-incident-csv", "aitm-incident.json.gz"} {
		expected := slices.Clone(want)
		for _, c := range cannot[name] {
			n := len(expected)
			expected = slices.DeleteFunc(expected, func(a alert) bool {
				return a.title == c.Rule && (c.Time == "" || strings.HasSuffix(a.time, "T"+c.Time+"Z"))
			})
			if len(expected) == n {
				t.Errorf("%s: %s is on the list and never was an alert", name, c.Rule)
			}
			if c.Why == "" {
				t.Errorf("%s: %s has no reason", name, c.Rule)
			}
		}
		got := alerts(t, set, history(t, inputs(t, name)))
		if g, w := lines(got), lines(expected); g != w {
			t.Errorf("%s: other alerts than the JSON lines:\n%s", name, golden.Difference(w, g))
		}
	}
}

// Files read backwards, cut in three or in any order are the same history.
func TestIncidentInAnyOrder(t *testing.T) {
	set := loadPack(t, "contoso.yaml")
	ids := func(in []input) string {
		var b strings.Builder
		for _, rec := range history(t, in) {
			hits, err := set.Match(rec)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hits {
				fmt.Fprintln(&b, h.ID(), h.Time().Format(time.RFC3339Nano), h.Rule.Title)
			}
		}
		return b.String()
	}

	whole := inputs(t, "aitm-incident.jsonl")
	want := ids(whole)
	if want == "" {
		t.Fatal("no hits")
	}
	for name, in := range rearranged(whole[0]) {
		if got := ids(in); got != want {
			t.Errorf("%s: other hits:\n%s", name, golden.Difference(want, got))
		}
	}

	files := inputs(t, "aitm-incident-csv")
	want = ids(files)
	slices.Reverse(files)
	if got := ids(files); got != want {
		t.Errorf("CSV files in reverse order: other hits:\n%s", golden.Difference(want, got))
	}
	for i, f := range files {
		all := csvRows(f.data)
		head, rest := all[0], all[1:]
		slices.Reverse(rest)
		files[i].data = []byte(head + strings.Join(rest, ""))
	}
	if got := ids(files); got != want {
		t.Errorf("CSV files oldest first: other hits:\n%s", golden.Difference(want, got))
	}
	var cut []input
	for _, f := range files {
		all := csvRows(f.data)
		n := len(all)/2 + 1
		cut = append(cut, input{f.name, []byte(strings.Join(all[:n], ""))}, input{f.name, []byte(all[0] + strings.Join(all[n:], ""))})
	}
	if got := ids(cut); got != want {
		t.Errorf("CSV files cut in two: other hits:\n%s", golden.Difference(want, got))
	}
}

// rearranged are other ways to hand in the lines of a file.
func rearranged(whole input) map[string][]input {
	rows := strings.SplitAfter(strings.TrimSuffix(string(whole.data), "\n")+"\n", "\n")
	rows = rows[:len(rows)-1]
	backwards := slices.Clone(rows)
	slices.Reverse(backwards)
	part := func(rows []string) input { return input{"part.jsonl", []byte(strings.Join(rows, ""))} }
	third := len(rows) / 3
	interleaved := make([][]string, 3)
	for i, r := range rows {
		interleaved[i%3] = append(interleaved[i%3], r)
	}
	return map[string][]input{
		"backwards":       {part(backwards)},
		"in three":        {part(rows[2*third:]), part(rows[:third]), part(rows[third : 2*third])},
		"interleaved":     {part(interleaved[2]), part(interleaved[0]), part(interleaved[1])},
		"read twice over": {whole, part(backwards)},
	}
}

// loadStories returns the rules and correlations that tell the incidents.
func loadStories(t testing.TB) *compiler.RuleSet {
	t.Helper()
	var docs []*sigma.Document
	for _, in := range inputs(t, "rules") {
		found, diags := sigma.Parse(in.name, in.data)
		for _, d := range diags {
			t.Error(d)
		}
		docs = append(docs, found...)
	}
	set, diags := compiler.NewRuleSet(docs, compiler.RuleSetOptions{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return set
}

// stream returns the hits of a stream over a history, and one line a hit with
// all that referees compare.
func stream(t testing.TB, set *compiler.RuleSet, recs []event.Record) (hits []*compiler.Hit, identities string) {
	t.Helper()
	st := compiler.NewStream(set, compiler.StreamOptions{})
	for _, rec := range recs {
		found, err := st.Push(rec)
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, found...)
	}
	hits = append(hits, st.Close()...)
	if stats := st.Stats(); stats != (compiler.StreamStats{Groups: stats.Groups, OnceKeys: stats.OnceKeys}) {
		t.Errorf("left out: %+v", stats)
	}
	var b strings.Builder
	for _, h := range hits {
		fmt.Fprintln(&b, h.ID(), h.Time().Format(time.RFC3339Nano), h.Rule.Title, h.Group, h.Value, h.NewValue, h.Repeats)
		for _, c := range h.Contributing {
			fmt.Fprintln(&b, "   ", c.Time.Format(time.RFC3339Nano), c.Rule.Title, c.EventID)
		}
	}
	return hits, b.String()
}

// correlated are the lines of correlation hits as far as all forms of one fact
// agree about them: times to the second, events by their number.
func correlated(hits []*compiler.Hit) []string {
	var out []string
	for _, h := range hits {
		var group []string
		for _, k := range h.Group {
			group = append(group, k.Value)
		}
		value := string(h.Value)
		for _, k := range h.NewValue {
			value = k.Value
		}
		out = append(out, fmt.Sprintf("%s  %-13s  %-56s  value %-5s  of %2d  %s", h.Time().Truncate(time.Second).Format(time.RFC3339), h.Rule.Level, h.Rule.Title,
			value, len(h.Contributing), strings.Join(group, " ")))
	}
	slices.Sort(out)
	return out
}

// The correlations tell the incident in every form alike, but for what a form
// cannot carry.
func TestStoriesInEveryForm(t *testing.T) {
	set := loadStories(t)
	text := func(lines []string) string { return strings.Join(lines, "\n") + "\n" }
	of := func(name string) []string {
		hits, _ := stream(t, set, history(t, inputs(t, name)))
		return correlated(hits)
	}
	golden.Compare(t, filepath.Join(scenarios, "token-replay.alerts.txt"), text(of("token-replay.jsonl")))
	want := of("aitm-incident.jsonl")
	golden.Compare(t, filepath.Join(scenarios, "aitm-incident.correlations.txt"), text(want))
	for _, name := range []string{"aitm-incident-csv", "aitm-incident.json.gz"} {
		if got := of(name); !slices.Equal(got, want) {
			t.Errorf("%s: other hits than the JSON lines:\n%s", name, golden.Difference(text(want), text(got)))
		}
	}
}

// The rules of the talk about a mail compromise, correlations among them, tell
// the incident in every form alike, but for what a form cannot carry.
func TestMailCompromise(t *testing.T) {
	set := loadPack(t, "contoso.yaml")
	of := func(name string) []string {
		hits, _ := stream(t, set, history(t, inputs(t, name)))
		var out []string
		for _, h := range hits {
			if !strings.HasPrefix(h.Rule.File, "m365-mail/") {
				continue
			}
			var who string
			for _, e := range h.Entities() {
				if e.Type == "account" || e.Type == "mailbox" {
					who = e.Value
					break
				}
			}
			a := alert{h.Time().Truncate(time.Second).Format(time.RFC3339), h.Rule.Level, h.Rule.Tier, h.Rule.Title, who}
			out = append(out, a.String())
		}
		slices.Sort(out)
		return out
	}
	text := func(lines []string) string { return strings.Join(lines, "\n") + "\n" }
	want := of("aitm-incident.jsonl")
	golden.Compare(t, filepath.Join(scenarios, "aitm-incident.m365-mail.txt"), text(want))
	cannot := cannotCarry(t)
	for _, name := range []string{"aitm-incident-csv", "aitm-incident.json.gz"} {
		expected := slices.Clone(want)
		for _, c := range cannot[name+" m365-mail"] {
			n := len(expected)
			expected = slices.DeleteFunc(expected, func(a string) bool { return strings.HasSuffix(a, "  "+c.Rule) })
			if len(expected) == n || c.Why == "" {
				t.Errorf("%s: %s never was an alert, or has no reason", name, c.Rule)
			}
		}
		if got := of(name); !slices.Equal(got, expected) {
			t.Errorf("%s: other hits than the JSON lines:\n%s", name, golden.Difference(text(expected), text(got)))
		}
	}
}

// Whatever the order inside and between files, the hits are the same, with the
// same identities and events.
func TestStoriesInAnyOrder(t *testing.T) {
	set := loadStories(t)
	for _, name := range []string{"aitm-incident.jsonl", "token-replay.jsonl"} {
		whole := inputs(t, name)
		_, want := stream(t, set, history(t, whole))
		for how, in := range rearranged(whole[0]) {
			if _, got := stream(t, set, history(t, in)); got != want {
				t.Errorf("%s, %s: other hits:\n%s", name, how, golden.Difference(want, got))
			}
		}
	}
	files := inputs(t, "aitm-incident-csv")
	_, want := stream(t, set, history(t, files))
	slices.Reverse(files)
	var cut []input
	for _, f := range files {
		all := csvRows(f.data)
		n := len(all)/2 + 1
		second := slices.Clone(all[n:])
		slices.Reverse(second)
		cut = append(cut, input{f.name, []byte(all[0] + strings.Join(second, ""))}, input{f.name, []byte(strings.Join(all[:n], ""))})
	}
	if _, got := stream(t, set, history(t, cut)); got != want {
		t.Errorf("CSV files cut in two, in reverse: other hits:\n%s", golden.Difference(want, got))
	}
}

// csvRows cuts a CSV file behind each row; quoted cells may hold line breaks.
func csvRows(data []byte) []string {
	var rows []string
	quoted, start := false, 0
	for i, c := range data {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			rows = append(rows, string(data[start:i+1]))
			start = i + 1
		}
	}
	return rows
}

// What somebody with the portal's downloads of another incident wants to know:
// who, from where, which application, which consent.
func TestConsentPhishing(t *testing.T) {
	var first, app, consent string
	victims := map[string]bool{}
	for _, rec := range history(t, inputs(t, "consent-phish-csv")) {
		hits, err := loadedPack(t).Match(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			if h.Rule.Tier != "alert" && !strings.HasPrefix(h.Rule.Title, "Report a sign-in with a device code") {
				continue
			}
			for _, e := range h.Entities() {
				switch {
				case e.Type == "account":
					victims[e.Value] = true
				case e.Type == "ip" && first == "":
					first = e.Value
				}
			}
			if strings.HasPrefix(h.Rule.Title, "Alert on end-user consent") {
				text, _ := json.Marshal(h.Event())
				consent = h.Time().Format(time.RFC3339)
				for _, e := range h.Entities() {
					if e.Type == "app" && app == "" {
						app = e.Value
					}
				}
				if !strings.Contains(string(text), "Mail.Send") {
					t.Errorf("consent to %s without its scopes", app)
				}
			}
		}
	}
	if len(victims) != 1 || !victims["carla.mendes@fabrikam.com"] {
		t.Errorf("victims: %v", victims)
	}
	if first != "192.0.2.143" || app != "PDF Merge Online" || consent != "2026-05-19T14:24:13Z" {
		t.Errorf("first address %s, application %s, consent %s", first, app, consent)
	}
}

var packWithoutProfile *compiler.RuleSet

func loadedPack(t testing.TB) *compiler.RuleSet {
	if packWithoutProfile == nil {
		packWithoutProfile = loadPack(t, "")
	}
	return packWithoutProfile
}
