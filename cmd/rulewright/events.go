package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
)

// eventFile is a file of events.
type eventFile struct {
	name string
	size int64
}

// Extensions of event files in folders, before .gz or .zst. Files that are
// named are read whatever their name.
var eventExtensions = map[string]bool{".json": true, ".jsonl": true, ".ndjson": true, ".csv": true, ".tsv": true, ".log": true, ".txt": true}

func isEventFile(name string) bool {
	name = strings.ToLower(name)
	for _, z := range []string{".gz", ".zst"} {
		if cut, ok := strings.CutSuffix(name, z); ok {
			return eventExtensions[filepath.Ext(cut)] || filepath.Ext(cut) == ""
		}
	}
	return eventExtensions[filepath.Ext(name)]
}

// eventFiles lists the files that paths mean, and how many in folders were
// passed over.
func eventFiles(paths []string) (files []eventFile, passed int, err error) {
	seen := map[string]bool{} // a file that is named twice is read once
	add := func(name string, size int64) {
		if clean := filepath.Clean(name); !seen[clean] {
			seen[clean] = true
			files = append(files, eventFile{name, size})
		}
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, 0, err
		}
		if !info.IsDir() {
			add(p, info.Size())
			continue
		}
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case name != p && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			case d.IsDir():
				return nil
			case !isEventFile(name):
				passed++
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			add(name, info.Size())
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return files, passed, nil
}

// input is the events that a command was asked to look at: one history of
// files, or standard input as it comes.
type input struct {
	c          *cli
	next       func() (event.Record, error)
	close      func()
	files      int
	passed     int
	records    int
	duplicates int
	unreadable int
	shown      int
	meter      *meter
}

// openInput prepares the events of the paths. Files are read here, to the end.
func (c *cli) openInput(paths []string, src event.Source) (*input, error) {
	in := &input{c: c, meter: c.meter(), close: func() {}}
	stdin := false
	for _, p := range paths {
		stdin = stdin || p == "-"
	}
	if stdin {
		if len(paths) > 1 {
			return nil, errors.New("- reads standard input as it comes and cannot be merged with files")
		}
		r := event.NewReader(c.stdin, event.ReaderOptions{File: "stdin", Source: src})
		in.files, in.close = 1, r.Close
		in.next = func() (event.Record, error) {
			for {
				rec, err := r.Next()
				var re *event.RecordError
				if errors.As(err, &re) {
					in.unread(re)
					continue
				}
				if err == nil {
					in.records++
				}
				return rec, err
			}
		}
		return in, nil
	}
	files, passed, err := eventFiles(paths)
	if err != nil {
		return nil, err
	}
	in.passed = passed
	if len(files) == 0 {
		return nil, fmt.Errorf("no event file in %s; event files end in .json, .jsonl, .ndjson, .csv, .log or .txt, perhaps with .gz or .zst", strings.Join(paths, ", "))
	}
	var total, done int64
	for _, f := range files {
		total += f.size
	}
	spill := &fileSpill{}
	var open *os.File
	i := 0
	h, err := event.Merge(event.MergeOptions{
		Spill:   spill,
		OnError: in.unread,
		OnRecord: func() {
			in.records++
			if in.records%256 == 0 {
				in.meter.show(func() string {
					at, _ := open.Seek(0, io.SeekCurrent)
					return fmt.Sprintf("reading %s: %s, %d %%", filepath.Base(open.Name()), plural(in.records, "event"), min(100, (done+at)*100/max(1, total)))
				})
			}
		},
	}, func() (*event.Reader, error) {
		if open != nil {
			open.Close()
			done += files[i-1].size
		}
		if i == len(files) {
			return nil, io.EOF
		}
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		f, err := os.Open(files[i].name)
		if err != nil {
			return nil, err
		}
		open = f
		i++
		return event.NewReader(&interruptible{c, f}, event.ReaderOptions{File: files[i-1].name, Source: src}), nil
	})
	if err != nil {
		if open != nil {
			open.Close()
		}
		spill.removeAll()
		return nil, err
	}
	in.files = len(files)
	in.next = func() (event.Record, error) {
		rec, err := h.Next()
		in.duplicates = h.Duplicates()
		return rec, err
	}
	in.close = func() {
		h.Close()
		spill.removeAll()
	}
	return in, nil
}

// interruptible is a file that ends when the user has had enough.
type interruptible struct {
	c *cli
	r io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.c.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// unread counts a record that could not be read and shows the first few.
func (in *input) unread(e *event.RecordError) {
	const most = 10
	in.unreadable++
	if in.shown < most && in.c.ctx.Err() == nil {
		in.shown++
		in.meter.clear()
		fmt.Fprintln(in.c.err, clean(e.Error()))
		if in.shown == most {
			fmt.Fprintln(in.c.err, "further unreadable records are only counted")
		}
	}
}

// fileSpill keeps the runs of a merge in a temporary folder.
type fileSpill struct{ dir string }

func (s *fileSpill) name(n int) string { return filepath.Join(s.dir, strconv.Itoa(n)) }

func (s *fileSpill) Create(n int) (io.WriteCloser, error) {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "rulewright-")
		if err != nil {
			return nil, err
		}
		s.dir = dir
	}
	return os.OpenFile(s.name(n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (s *fileSpill) Open(n int) (io.ReadCloser, error) { return os.Open(s.name(n)) }

func (s *fileSpill) Remove(n int) error { return os.Remove(s.name(n)) }

func (s *fileSpill) removeAll() {
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}
