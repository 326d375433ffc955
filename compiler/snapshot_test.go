package compiler

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/golden"
)

// snapshotSet has a correlation of each kind of state, and rules with once.
const snapshotSet = streamSet + `
---
rulewright: 1
title: New place
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c07
correlation:
  type: new_value
  rules: [success]
  group-by: [UserPrincipalName]
  fields: [Location]
  lookback: 1h
---
rulewright: 1
title: More than before
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c08
correlation:
  type: increase
  rules: [success, failure]
  group-by: [UserPrincipalName]
  timespan: 5m
  against: 5m
  ratio: 1
  field: Location
---
rulewright: 1
title: All of them
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c09
correlation:
  type: summary
  rules: [success, failure]
  group-by: [UserPrincipalName]
  fields: [Location]
---
rulewright: 1
title: Back again
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c0a
correlation:
  type: after_silence
  rules: [success]
  group-by: [UserPrincipalName]
  silence: 3m
  lookback: 1h
---
title: Slow
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c0b
correlation:
  type: value_sum
  rules: [success]
  group-by: [UserPrincipalName]
  timespan: 5m
  condition: {field: DurationMs, gte: 1.5}
`

func snapshotRules(t testing.TB) *RuleSet {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(snapshotSet, "GENERATE", "true", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return rs
}

func snapshotEvents(n int) []map[string]any {
	var out []map[string]any
	for i := range n {
		ev := signIn(i, []string{"ann", "bo", "cy"}[i%3], []string{"50126", "0", "0", "50126"}[i%4])
		ev["Location"], ev["DurationMs"] = []any{"de", "fr", i}[i%3], 0.5*float64(i%5)
		out = append(out, ev)
	}
	return out
}

// snapshotOf is the snapshot of a stream in the middle of things.
func snapshotOf(t testing.TB, rs *RuleSet, opts StreamOptions) []byte {
	st := NewStream(rs, opts)
	for _, ev := range snapshotEvents(25) {
		if _, err := st.Push(ev); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := st.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is no whole snapshot is an error of a kind that can be told, and no
// stream.
func TestRestoreDamaged(t *testing.T) {
	rs := snapshotRules(t)
	data := snapshotOf(t, rs, StreamOptions{Lateness: 4 * time.Minute, KeepEvents: true})
	restore := func(data []byte) error {
		st, _, err := RestoreStream(rs, StreamOptions{}, bytes.NewReader(data))
		if err != nil && st != nil {
			t.Fatal("an error and a stream")
		}
		return err
	}
	if err := restore(data); err != nil {
		t.Fatal(err)
	}
	for name, foreign := range map[string][]byte{"empty": nil, "JSON": []byte(`{"state": 1}`), "short": []byte("rule"), "zeros": make([]byte, 1000)} {
		if err := restore(foreign); !errors.Is(err, ErrNotSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := slices.Clone(data)
	other[len(snapshotMagic)]++
	if err := restore(other); !errors.Is(err, ErrSnapshotVersion) {
		t.Errorf("another version: %v", err)
	}
	step := 1 + len(data)/300 // each restore loads the rules
	for n := len(snapshotMagic); n < len(data); n += step {
		if err := restore(data[:n]); !errors.Is(err, ErrSnapshotDamaged) {
			t.Fatalf("cut at %d of %d: %v", n, len(data), err)
		}
	}
	for i := len(snapshotMagic) + 2; i < len(data); i += step {
		flipped := slices.Clone(data)
		flipped[i] ^= 1 << (i % 8)
		if err := restore(flipped); !errors.Is(err, ErrSnapshotDamaged) {
			t.Fatalf("byte %d of %d changed: %v", i, len(data), err)
		}
	}
	broken := errors.New("the disk is gone")
	if _, _, err := RestoreStream(rs, StreamOptions{}, io.MultiReader(bytes.NewReader(data[:100]), errReader{broken})); !errors.Is(err, broken) {
		t.Errorf("an error of the reader: %v", err)
	}
	for _, n := range []int{0, 30, 200} {
		st := NewStream(rs, StreamOptions{})
		if err := st.Snapshot(&shortWriter{n, broken}); !errors.Is(err, broken) {
			t.Errorf("a writer that takes %d bytes: %v", n, err)
		}
		if _, err := st.Push(snapshotEvents(1)[0]); err != nil {
			t.Errorf("the stream after a failed snapshot: %v", err)
		}
		st.Close()
		if err := st.Snapshot(io.Discard); err == nil {
			t.Error("a snapshot of a closed stream")
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

type shortWriter struct {
	left int
	err  error
}

func (w *shortWriter) Write(b []byte) (int, error) {
	if len(b) > w.left {
		return w.left, w.err
	}
	w.left -= len(b)
	return len(b), nil
}

// The same state is the same bytes, also after it was read back.
func TestSnapshotIsStable(t *testing.T) {
	rs := snapshotRules(t)
	for _, lateness := range []time.Duration{0, 4 * time.Minute} {
		opts := StreamOptions{Lateness: lateness, KeepEvents: true}
		data := snapshotOf(t, rs, opts)
		st, _, err := RestoreStream(rs, opts, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := st.Snapshot(&again); err != nil || !bytes.Equal(data, again.Bytes()) {
			t.Errorf("lateness %v: %d bytes, then %d, %v", lateness, len(data), again.Len(), err)
		}
	}
}

// Under another rule set the unchanged rules go on, and the others are named.
func TestRestoreOtherRules(t *testing.T) {
	text := strings.Replace(snapshotSet, "GENERATE", "true", 1)
	data := snapshotOf(t, snapshotRules(t), StreamOptions{Lateness: 4 * time.Minute})
	changed := strings.NewReplacer("title: Slow", "title: Slow ones", // no other meaning
		"lookback: 1h\n---\nrulewright: 1\ntitle: More", "lookback: 2h\n---\nrulewright: 1\ntitle: More",
		"by: [UserPrincipalName], for: 30m", "by: [UserPrincipalName], for: 31m").Replace(text)
	cut := strings.Index(changed, "---\nrulewright: 1\ntitle: Back again")
	end := strings.Index(changed, "---\ntitle: Slow")
	changed = changed[:cut] + changed[end:]
	docs := parseDocs(t, changed)
	rs, ds := NewRuleSet(docs, RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	_, got, err := RestoreStream(rs, StreamOptions{Lateness: 4 * time.Minute}, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	titles := func(infos []*RuleInfo) (out []string) {
		for _, i := range infos {
			out = append(out, i.Title)
		}
		slices.Sort(out)
		return out
	}
	if want := []string{"All of them", "Got in", "Many failures", "More than before", "Slow ones"}; !slices.Equal(titles(got.Kept), want) {
		t.Errorf("kept %q, want %q", titles(got.Kept), want)
	}
	if want := []string{"A sign-in at all", "New place"}; !slices.Equal(titles(got.Started), want) {
		t.Errorf("started %q, want %q", titles(got.Started), want)
	}
	var dropped []string
	for _, d := range got.Dropped {
		dropped = append(dropped, fmt.Sprintf("%s %d %v", d.Title, d.Groups, d.Hits > 0))
	}
	slices.Sort(dropped)
	// The hits that wait are of a rule that asks for the same as before.
	if want := []string{"A sign-in at all 3 false", "Back again 3 false", "New place 3 false"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %q, want %q", dropped, want)
	}
}

// What Keep makes of an event comes back through Decode.
func TestSnapshotKeep(t *testing.T) {
	type who struct{ User string }
	rs := snapshotRules(t)
	opts := StreamOptions{
		Keep: func(r event.Record) any { return who{r.Event.(map[string]any)["UserPrincipalName"].(string)} },
		Decode: func(data []byte) (any, error) {
			var w who
			err := json.Unmarshal(data, &w)
			return w, err
		},
	}
	st, _, err := RestoreStream(rs, opts, bytes.NewReader(snapshotOf(t, rs, opts)))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, h := range st.Close() {
		for _, c := range h.Contributing {
			if w, ok := c.Event.(who); ok && w.User == h.Group[0].Value {
				found++
			}
		}
	}
	if found == 0 {
		t.Error("nothing came back")
	}
	opts.Decode = func([]byte) (any, error) { return nil, errors.New("no") }
	if _, _, err := RestoreStream(rs, opts, bytes.NewReader(snapshotOf(t, rs, opts))); !errors.Is(err, ErrSnapshotDamaged) {
		t.Errorf("an event that cannot be decoded: %v", err)
	}
}

// Events that JSON cannot say whole, and counts of years, come back.
func TestSnapshotOddEvents(t *testing.T) {
	rs := snapshotRules(t)
	opts := StreamOptions{KeepEvents: true}
	st := NewStream(rs, opts)
	var deep any = "x"
	for range 2 * maxValueDepth {
		deep = []any{deep}
	}
	for i, more := range []any{json.Number("abc"), deep, math.NaN()} {
		ev := map[string]any{"Type": "SigninLogs", "TimeGenerated": fmt.Sprintf("2026-03-01T10:00:0%dZ", i), "ResultType": "0", "UserPrincipalName": "u", "Location": "DE", "more": more}
		if _, err := st.Push(ev); err != nil {
			t.Fatal(err)
		}
	}
	const many = 1 << 40
	countOf := func(st *Stream) *int {
		for _, c := range st.engine.corrs {
			if g := c.groups.newest; g != nil {
				if s, ok := g.state.(*summary); ok {
					return &s.n
				}
			}
		}
		t.Fatal("no summary")
		return nil
	}
	*countOf(st) = many
	var b bytes.Buffer
	if err := st.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	again, _, err := RestoreStream(rs, opts, &b)
	if err != nil {
		t.Fatal(err)
	}
	if n := *countOf(again); n != many {
		t.Errorf("counted %d, want %d", n, many)
	}
}

// The last window of increase ends after the last time that can be written.
func TestHitOfTheLastYear(t *testing.T) {
	st := NewStream(snapshotRules(t), StreamOptions{})
	for _, at := range []string{"9999-12-31T23:51:00Z", "9999-12-31T23:56:00Z", "9999-12-31T23:57:00Z"} {
		if _, err := st.Push(map[string]any{"Type": "SigninLogs", "TimeGenerated": at, "ResultType": "0", "UserPrincipalName": "u", "Location": at}); err != nil {
			t.Fatal(err)
		}
	}
	hits := 0
	for _, h := range st.Close() {
		if h.Rule.Title == "More than before" {
			hits++
		}
		if _, err := h.Time().MarshalJSON(); err != nil {
			t.Errorf("%s: %v", h.Rule.Title, err)
		}
	}
	if hits == 0 {
		t.Error("no hit of increase")
	}
}

// Smaller limits than before are kept from the start.
func TestRestoreLimits(t *testing.T) {
	rs := snapshotRules(t)
	st, _, err := RestoreStream(rs, StreamOptions{MaxGroups: 1, MaxGroupEvents: 1}, bytes.NewReader(snapshotOf(t, rs, StreamOptions{})))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range st.engine.corrs {
		if c.groups.len() > 1 {
			t.Errorf("%s: %d groups", c.info.Title, c.groups.len())
		}
	}
	if s := st.Stats(); s.EvictedGroups == 0 || s.DroppedEvents == 0 {
		t.Errorf("%+v", s)
	}
}

// FuzzRestore: whatever the bytes, also with the right checksums, there is an
// error or a stream that goes on.
func FuzzRestore(f *testing.F) {
	rs := snapshotRules(f)
	for _, lateness := range []time.Duration{0, 4 * time.Minute} {
		f.Add(snapshotOf(f, rs, StreamOptions{Lateness: lateness, KeepEvents: true}))
	}
	f.Add([]byte(snapshotMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		resum(data)
		opts := StreamOptions{Lateness: time.Duration(len(data)%2) * time.Minute, MaxGroups: 50, MaxGroupEvents: 50, KeepEvents: true}
		st, _, err := RestoreStream(rs, opts, bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, ev := range snapshotEvents(20) {
			if _, err := st.Push(ev); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := st.Snapshot(&b); err != nil {
			t.Fatal(err)
		}
		if _, _, err := RestoreStream(rs, opts, &b); err != nil {
			t.Fatal(err)
		}
		st.Reload(rs)
		st.Close()
	})
}

// resum makes the checksums of frames right.
func resum(data []byte) {
	at := len(snapshotMagic) + 2
	for number := uint32(0); at+frameHeader <= len(data); number++ {
		n := int(binary.LittleEndian.Uint32(data[at+1:]))
		if n > maxFrameBytes || at+frameHeader+n > len(data) {
			return
		}
		binary.LittleEndian.PutUint32(data[at+5:], frameSum(frameKind(data[at]), number, data[at+frameHeader:at+frameHeader+n]))
		at += frameHeader + n
	}
}

// A stream without lateness that goes on where one with lateness was has seen
// later events than it has decided: the latest stays the latest.
func TestRestoreWithoutLateness(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(straightSet, "GENERATE", "false", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	st := NewStream(rs, StreamOptions{Lateness: 10 * time.Minute})
	if _, err := st.Push(signIn(30, "ann@contoso.com", "1")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := st.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	st, _, err := RestoreStream(rs, StreamOptions{}, &b)
	if err != nil {
		t.Fatal(err)
	}
	for _, minute := range []int{25, 27, 26, 29, 28} {
		if _, err := st.Push(signIn(minute, "annabel@contoso.com", "50053")); err != nil {
			t.Error(minute, err)
		}
	}
	if s := st.Stats(); s.Late != 4 || s.Ahead.Time.Minute() != 30 {
		t.Errorf("%+v", s)
	}
}

// A window goes on where one stream keeps events and the one that restores it
// does not, and the other way round.
func TestRestoreWithoutKept(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(straightSet, "GENERATE", "false", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	opts := []StreamOptions{{KeepEvents: true}, {}}
	st, whole := NewStream(rs, opts[0]), NewStream(rs, opts[1])
	n := 0
	for minute := range 60 {
		if minute%12 > 5 {
			continue // the windows run empty
		}
		ev := signIn(minute, "annabel@contoso.com", "50053")
		hits, err := st.Push(ev)
		want, wantErr := whole.Push(ev)
		if err != nil || wantErr != nil || len(hits) != len(want) {
			t.Fatal(minute, len(hits), err, len(want), wantErr)
		}
		for i, h := range hits {
			if n++; h.ID() != want[i].ID() || len(h.Contributing) != len(want[i].Contributing) {
				t.Errorf("minute %d: %s with %d events, not %d", minute, h.Rule.Title, len(h.Contributing), len(want[i].Contributing))
			}
		}
		var b bytes.Buffer
		if err := st.Snapshot(&b); err != nil {
			t.Fatal(err)
		}
		if st, _, err = RestoreStream(rs, opts[(minute/3+1)%2], &b); err != nil {
			t.Fatal(err)
		}
	}
	if n < 8 {
		t.Errorf("%d hits are few", n)
	}
}

// What a snapshot holds is as a version says: the bytes of one are committed.
// Where they differ, streams that were written before cannot be restored, or are
// restored wrongly, so the version is to be raised.
func TestSnapshotFormat(t *testing.T) {
	for name, opts := range map[string]StreamOptions{"": {KeepEvents: true}, "-late": {Lateness: 4 * time.Minute}} {
		data := snapshotOf(t, snapshotRules(t), opts)
		golden.Compare(t, fmt.Sprintf("testdata/snapshot-%d%s.hex", snapshotVersion, name), hex.Dump(data))
	}
}

// Hits of one time that wait are counted on each other also where their rule has
// changed meanwhile, however often, and however the stream was carried over. They
// are no news to Metrics.
func TestWaitingHitsOfChangedRule(t *testing.T) {
	const rule = `rulewright: 1
title: T
id: 5a0b6c1e-6f0d-4d59-8a7e-1d6a4f6c9b02
logsource: {product: azure, service: signinlogs}
once: {by: [UserPrincipalName], for: 1h}
detection:
  s: {ResultType: 50126}
  condition: s
`
	opts := StreamOptions{Lateness: time.Hour}
	for _, how := range []string{"", "reload", "restore", "restore restore", "reload restore", "restore reload", "reload reload"} {
		m := &countingMetrics{}
		st := NewStream(loadSet(t, RuleSetOptions{Metrics: m}, rule), opts)
		for i := range 3 {
			ev := signIn(0, "ann", "50126")
			ev["Id"] = fmt.Sprint(i)
			if _, err := st.Push(ev); err != nil {
				t.Fatal(err)
			}
		}
		for i, by := range strings.Fields(how) {
			rs := loadSet(t, RuleSetOptions{Metrics: m}, strings.Replace(rule, "for: 1h", fmt.Sprintf("for: %dh", 2+i), 1))
			if by == "reload" {
				st.Reload(rs)
				continue
			}
			var b bytes.Buffer
			err := st.Snapshot(&b)
			if err == nil {
				st, _, err = RestoreStream(rs, opts, &b)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if hits := st.Close(); len(hits) != 1 || hits[0].Repeats != 2 {
			t.Errorf("%q: %d hits", how, len(hits))
		}
		if n := m.events.Load(); n != 3 {
			t.Errorf("%q: %d events", how, n)
		}
	}
}

// What a stream keeps of events may be another thing before and after a restore,
// and both come through the next one.
func TestRestoreWithOtherKeep(t *testing.T) {
	type who struct{ User string }
	rs := snapshotRules(t)
	events := StreamOptions{KeepEvents: true}
	made := StreamOptions{
		Keep: func(r event.Record) any { return who{r.Event.(map[string]any)["UserPrincipalName"].(string)} },
		Decode: func(data []byte) (any, error) {
			var w who
			err := json.Unmarshal(data, &w)
			return w, err
		},
	}
	only := StreamOptions{Decode: made.Decode}
	for name, all := range map[string][3]StreamOptions{"events, then made": {events, made, made}, "made, then nothing": {made, only, only}, "made, then events": {made, {KeepEvents: true, Decode: made.Decode}, only}} {
		st, _, err := RestoreStream(rs, all[1], bytes.NewReader(snapshotOf(t, rs, all[0])))
		if err != nil {
			t.Fatal(name, err)
		}
		var b bytes.Buffer
		if err = st.Snapshot(&b); err == nil {
			st, _, err = RestoreStream(rs, all[2], &b)
		}
		if err != nil {
			t.Fatal(name, err)
		}
		hits, err := st.Push(signIn(26, "ann", "50126"))
		if err != nil {
			t.Fatal(err)
		}
		users, maps := 0, 0
		for _, h := range append(hits, st.Close()...) {
			for _, c := range h.Contributing {
				switch v := c.Event.(type) {
				case who:
					users++
				case map[string]any:
					if maps++; v["UserPrincipalName"] == nil {
						t.Errorf("%s: %v", name, v)
					}
				}
			}
		}
		first := maps
		if strings.HasPrefix(name, "made") {
			first = users
		}
		if first == 0 {
			t.Errorf("%s: %d made, %d events", name, users, maps)
		}
	}
	made.Decode = func([]byte) (any, error) { panic("boom") }
	if _, _, err := RestoreStream(rs, made, bytes.NewReader(snapshotOf(t, rs, made))); !errors.Is(err, ErrSnapshotDamaged) || !strings.Contains(err.Error(), "boom") {
		t.Errorf("a Decode that panics: %v", err)
	}
}

type panicsInJSON struct{}

func (panicsInJSON) MarshalJSON() ([]byte, error) { panic("boom") }

// What Keep returned is a caller's code, and so is an event.Object.
func TestSnapshotPanics(t *testing.T) {
	rs := snapshotRules(t)
	st := NewStream(rs, StreamOptions{Keep: func(event.Record) any { return panicsInJSON{} }})
	for _, ev := range snapshotEvents(100) {
		if _, err := st.Push(ev); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := st.Snapshot(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("Keep returned what panics: %v", err)
		}
	}
	if _, err := guardedJSON("an event", func() any { return jsonValue(panicking{}) }); err == nil || !strings.Contains(err.Error(), "an event panicked") {
		t.Errorf("an event that panics: %v", err)
	}
}

// What a Go program put into itself is written as far as the limits go.
func TestSnapshotOfEndlessEvent(t *testing.T) {
	m := map[string]any{"a": "x"}
	m["b"], m["c"] = m, []any{m, m}
	text, err := guardedJSON("an event", func() any { return jsonValue(m) })
	if err != nil || len(text) > maxSnapshotText || !json.Valid(text) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
