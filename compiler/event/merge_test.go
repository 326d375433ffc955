package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// memorySpill keeps runs in memory.
type memorySpill struct {
	runs   map[int]*bytes.Buffer
	most   int
	open   int
	fail   error
	create int
}

type closer struct {
	io.Writer
	io.Reader
	f func()
}

func (c closer) Close() error { c.f(); return nil }

func (m *memorySpill) Create(n int) (io.WriteCloser, error) {
	if m.runs == nil {
		m.runs = map[int]*bytes.Buffer{}
	}
	if m.fail != nil {
		return nil, m.fail
	}
	m.create++
	m.runs[n] = &bytes.Buffer{}
	m.most = max(m.most, len(m.runs))
	return closer{Writer: m.runs[n], f: func() {}}, nil
}

func (m *memorySpill) Open(n int) (io.ReadCloser, error) {
	m.open++
	return closer{Reader: bytes.NewReader(m.runs[n].Bytes()), f: func() { m.open-- }}, nil
}

func (m *memorySpill) Remove(n int) error { delete(m.runs, n); return nil }

type input struct{ name, text string }

func merge(t *testing.T, opts MergeOptions, inputs []input) ([]Record, *History) {
	t.Helper()
	i := 0
	h, err := Merge(opts, func() (*Reader, error) {
		if i == len(inputs) {
			return nil, io.EOF
		}
		i++
		return NewReader(strings.NewReader(inputs[i-1].text), ReaderOptions{File: inputs[i-1].name}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []Record
	for {
		r, err := h.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return out, h
}

func audit(id string, second int, more string) string {
	return fmt.Sprintf(`{"id":"%s","activityDateTime":"2026-03-01T08:%02d:%02dZ","activityDisplayName":"x","targetResources":[]%s}`, id, second/60, second%60, more)
}

func TestMerge(t *testing.T) {
	inputs := []input{
		{"a", audit("3", 3, "") + audit("2", 2, "") + audit("1", 1, "") + "\nbroken\n"}, // newest first
		{"b", audit("2", 2, "") + audit("4", 2, "") + audit("", 2, `,"z":1`) + audit("", 2, `,"b":1`)},
		{"c", `{"what":"ever"}` + `{"id":"o","appId":"x","keyCredentials":[]}` + `{"id":"o","appId":"x","keyCredentials":[]}` + `{"id":"o","appId":"x","keyCredentials":[1]}`},
	}
	var errs []string
	recs, h := merge(t, MergeOptions{OnError: func(e *RecordError) { errs = append(errs, e.Error()) }}, inputs)
	var got []string
	for _, r := range recs {
		s := r.ID
		if s == "" {
			for _, k := range []string{"z", "b", "what"} {
				if _, ok := lookup(r.Event, k); ok {
					s = k
				}
			}
		}
		got = append(got, s)
	}
	// Those of no id are in the order of their hashes.
	if want := []string{"1 b z 2 4 3 o what o", "1 b z 2 4 3 what o o", "1 b z 2 4 3 o o what", "1 z b 2 4 3 o what o", "1 z b 2 4 3 what o o", "1 z b 2 4 3 o o what"}; !slices.Contains(want, strings.Join(got, " ")) {
		t.Errorf("order %v", got)
	}
	if h.Records() != 11 || h.Duplicates() != 2 || h.Unreadable() != 1 || len(errs) != 1 {
		t.Errorf("%d records, %d duplicates, %d unreadable, %v", h.Records(), h.Duplicates(), h.Unreadable(), errs)
	}
}

// The history is the same whatever the order of files and of records in them,
// in memory or put aside in runs of any size.
func TestMergeOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for i := range 400 {
		id := fmt.Sprint(i)
		if i%7 == 0 {
			id = ""
		}
		lines = append(lines, audit(id, rng.IntN(50), fmt.Sprintf(`,"k":%d`, i)))
		if i%5 == 0 {
			lines = append(lines, lines[len(lines)-1])
		}
	}
	lines = append(lines, `{"a":1}`, `{"a":2}`)
	split := func(n int) []input {
		rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		in := make([]input, n)
		for i, l := range lines {
			in[i%n].text += l + "\n"
		}
		return in
	}
	forget := func(recs []Record) []Record {
		for i := range recs {
			recs[i].Line = 0
		}
		return recs
	}
	want, h := merge(t, MergeOptions{}, split(1))
	forget(want)
	if h.Duplicates() == 0 || len(want)+h.Duplicates() != len(lines) {
		t.Fatalf("%d events, %d duplicates of %d lines", len(want), h.Duplicates(), len(lines))
	}
	for _, files := range []int{1, 2, 7} {
		for _, memory := range []int64{0, 1, 3000, 100_000} {
			var spill memorySpill
			opts := MergeOptions{MaxMemory: memory}
			if memory > 0 {
				opts.Spill = &spill
			}
			got, _ := merge(t, opts, split(files))
			if !reflect.DeepEqual(forget(got), want) {
				t.Errorf("%d files, memory %d: another history", files, memory)
			}
			if spill.open != 0 || spill.most > maxOpenRuns+1 || memory == 1 && spill.create < len(lines) {
				t.Errorf("%d files, memory %d: %d runs open, %d at most, %d created", files, memory, spill.open, spill.most, spill.create)
			}
		}
	}
}

// Downloads of the portal that overlap count once, also where they carry no id.
func TestMergeOverlap(t *testing.T) {
	data, err := os.ReadFile("testdata/csv/entra-audit.csv")
	if err != nil {
		t.Fatal(err)
	}
	recs, h := merge(t, MergeOptions{}, []input{{"a", string(data)}, {"b", string(data)}})
	if len(recs) != 2 || h.Duplicates() != 2 {
		t.Errorf("%d events, %d duplicates", len(recs), h.Duplicates())
	}
}

func TestMergeFails(t *testing.T) {
	no := errors.New("no")
	if _, err := Merge(MergeOptions{}, func() (*Reader, error) { return nil, no }); err != no {
		t.Error(err)
	}
	done := false
	_, err := Merge(MergeOptions{Spill: &memorySpill{fail: no}, MaxMemory: 1}, func() (*Reader, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		return NewReader(strings.NewReader(ev1), ReaderOptions{}), nil
	})
	if !errors.Is(err, no) {
		t.Error(err)
	}
}
