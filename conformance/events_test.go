package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"gopkg.in/yaml.v3"
)

// shared is the folder of field data that stands next to a checkout on the
// developers' machines; the project carries none of it.
func sharedEvents(t *testing.T) string {
	dir := filepath.Join("..", "..", "shared", "data", "events")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no field data: %v", err)
	}
	return dir
}

// TestEventForms holds the detection of forms against real events whose form
// and table a manifest states. The manifest calls every record of the unified
// audit log OfficeActivity; directory and sign-in records of Entra are the
// facts of AuditLogs and SigninLogs, and that is what they must be told to be.
func TestEventForms(t *testing.T) {
	dir := sharedEvents(t)
	data, err := os.ReadFile(filepath.Join(dir, "manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Files []struct {
			File, Form, Table, Kind string
			Count                   int
		}
	}
	if err := yaml.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	lines, noTime := 0, 0
	for _, f := range manifest.Files {
		data, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		rows := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
		if len(rows) != f.Count {
			t.Errorf("%s: %d lines, manifest says %d", f.File, len(rows), f.Count)
		}
		for i, line := range rows {
			want := event.Source{Form: event.Form(f.Form), Table: f.Table}
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			var ev any
			if err := d.Decode(&ev); err != nil {
				t.Fatalf("%s:%d: %v", f.File, i+1, err)
			}
			if f.Kind == "cases" {
				c := ev.(map[string]any)
				want = event.Source{Form: event.Form(c["form"].(string)), Table: c["table"].(string)}
				ev = c["event"]
			}
			if want.Form == event.O365Management {
				switch m := ev.(map[string]any); m["RecordType"] {
				case json.Number("8"):
					want.Table = "AuditLogs"
				case json.Number("15"):
					want.Table = "SigninLogs"
				}
			}
			got, ok := event.Detect(ev)
			if !ok || got != want {
				t.Errorf("%s:%d: %v, want %v", f.File, i+1, got, want)
			}
			if _, ok := event.Time(ev, got); !ok {
				noTime++
				t.Logf("%s:%d: no time", f.File, i+1)
			}
			lines++
		}
	}
	t.Logf("%d events, %d without a time", lines, noTime)
}

// TestEventFilesRead reads the same files as one history: every line is read,
// and nothing is counted twice that the files do not hold twice.
func TestEventFilesRead(t *testing.T) {
	dir := sharedEvents(t)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	lines := 0
	h, err := event.Merge(event.MergeOptions{OnError: func(e *event.RecordError) { t.Error(e) }}, func() (*event.Reader, error) {
		for len(files) > 0 {
			f := files[0]
			files = files[1:]
			if filepath.Base(filepath.Dir(f)) == "cases" {
				continue
			}
			data, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			lines += bytes.Count(bytes.TrimSpace(data), []byte("\n")) + 1
			return event.NewReader(bytes.NewReader(data), event.ReaderOptions{File: filepath.Base(f)}), nil
		}
		return nil, io.EOF
	})
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	var last event.Record
	for {
		rec, err := h.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Time.Before(last.Time) && !rec.Time.IsZero() {
			t.Errorf("%s:%d: %v after %v", rec.File, rec.Line, rec.Time, last.Time)
		}
		last = rec
		got++
	}
	if h.Records() != lines || got+h.Duplicates() != lines || h.Unreadable() != 0 {
		t.Errorf("%d lines: %d read, %d events, %d duplicates, %d unreadable", lines, h.Records(), got, h.Duplicates(), h.Unreadable())
	}
	t.Logf("%d events, %d duplicates", got, h.Duplicates())
}
