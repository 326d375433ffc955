package conformance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
)

// TestRawIsDecoded matches each event of the field data as bytes and decoded,
// against SigmaHQ's rules and the pack, and pushes it both ways into streams:
// hits say the same in all that they say.
func TestRawIsDecoded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	c := theCorpus(t)
	events := append(slices.Clone(c.events), caseEvents(t)...)
	for name, set := range map[string]*compiler.RuleSet{"SigmaHQ": ruleSet(t, c.docs, compiler.RuleSetOptions{}), "pack": packSet(t, compiler.RuleSetOptions{})} {
		t.Run(name, func(t *testing.T) {
			opts := compiler.StreamOptions{Lateness: time.Hour, KeepEvents: true}
			bytesIn, mapsIn := compiler.NewStream(set, opts), compiler.NewStream(set, opts)
			same := func(what string, raw, decoded []*compiler.Hit, failed ...error) {
				for _, err := range failed {
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
				}
				if a, b := tellAll(raw), tellAll(decoded); a != b {
					t.Errorf("%s: as bytes\n%s\ndecoded\n%s", what, a, b)
				}
			}
			hits := 0
			for _, e := range events {
				raw, err1 := set.Match(e.raw)
				decoded, err2 := set.Match(e.event)
				same(e.name, pointers(raw), pointers(decoded), err1, err2)
				hits += len(raw)
				pushed, err1 := bytesIn.Push(e.raw)
				again, err2 := mapsIn.Push(e.event)
				same(e.name+", pushed", pushed, again, err1, err2)
			}
			same("at the end", bytesIn.Close(), mapsIn.Close())
			if a, b := bytesIn.Stats(), mapsIn.Stats(); a != b {
				t.Errorf("%+v of bytes, %+v decoded", a, b)
			}
			t.Logf("%d events, %d hits", len(events), hits)
		})
	}
}

// caseEvents are the events of the field data that stand inside cases.
func caseEvents(t *testing.T) (out []fieldEvent) {
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "events", "cases", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 16<<20)
		for n := 1; lines.Scan(); n++ {
			var c struct{ Event json.RawMessage }
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			e := fieldEvent{name: fmt.Sprintf("%s:%d", filepath.Base(file), n), raw: c.Event}
			d := json.NewDecoder(bytes.NewReader(c.Event))
			d.UseNumber()
			if err := d.Decode(&e.event); err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
	}
	return out
}

func pointers(hits []compiler.Hit) (out []*compiler.Hit) {
	for i := range hits {
		out = append(out, &hits[i])
	}
	return out
}

// tellAll is all that hits say, as text.
func tellAll(hits []*compiler.Hit) string {
	type told struct {
		ID, Rule, EventID string
		Time              time.Time
		Source            event.Source
		Selections        []string
		Matched           []compiler.Matched
		Entities          []compiler.Entity
		Event             any
		Group             []compiler.GroupKey
		Window            compiler.Window
		Value             json.Number
		Contributing      []compiler.Contribution
		Repeats           int
	}
	var out []told
	for _, h := range hits {
		out = append(out, told{h.ID(), h.Rule.ID, h.EventID(), h.Time(), h.Source, h.Selections(), h.Matched(), h.Entities(), h.Event(), h.Group, h.Window, h.Value, h.Contributing, h.Repeats})
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
