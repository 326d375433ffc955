package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

func runTest(c *cli, args []string) int {
	f := c.flags("[flags] [PATH…]", `
Run fixtures: events whose verdict is known, against the rules that they name.
PATH is a fixture file or a folder with fixtures and rules; without one the
built-in pack's fixtures run. Every case is put to every referee, which must all
agree. Exit code 1 means that a case failed.

Examples:
  rulewright test my-rules/
  rulewright test --referee reference my-rules/consent.fixtures.yaml`)
	var names list
	f.Var(&names, "referee", "only this `referee`; again for more")
	format := f.String("format", "text", "`format` of the output: text or json")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("format", *format, "text", "json"); err != nil {
		return c.misuse("%v", err)
	}
	referees := conformance.Referees()
	if len(names) > 0 {
		var known []string
		var chosen []conformance.Referee
		for _, r := range referees {
			known = append(known, r.Name())
			if slices.Contains(names, r.Name()) {
				chosen = append(chosen, r)
			}
		}
		for _, n := range names {
			if err := oneOf("referee", n, known...); err != nil {
				return c.misuse("%v", err)
			}
		}
		referees = chosen
	}
	fixtures, ds, err := c.loadFixtures(args)
	if err != nil {
		return c.fail(err)
	}
	errs := ds.Errors()
	errs.Render(c.err)
	if len(fixtures) == 0 && len(errs) == 0 {
		return c.fail(fmt.Errorf("there are no fixtures in %s; a fixture file begins with `%s: 1`", strings.Join(args, ", "), conformance.Marker))
	}
	start := time.Now()
	report := conformance.Evaluate(c.ctx, fixtures, referees)
	switch *format {
	case "json":
		err = report.WriteJSON(c.out)
	default:
		err = report.WriteText(c.out)
		if c.color {
			fmt.Fprintf(c.out, "%s in %v\n", plural(len(fixtures), "fixture file"), time.Since(start).Round(time.Millisecond))
		}
	}
	if err != nil {
		return c.fail(err)
	}
	if len(errs) > 0 || report.Count(conformance.Failed) > 0 {
		return exitNo
	}
	return exitOK
}

// loadFixtures reads the fixtures that paths mean, with the rules beside them.
func (c *cli) loadFixtures(paths []string) ([]*conformance.Fixture, sigma.Diagnostics, error) {
	if len(paths) == 0 {
		fixtures, ds := conformance.Load(conformance.Fixtures, conformance.LoadOptions{})
		return fixtures, ds, nil
	}
	sources, err := c.readSources(paths)
	if err != nil {
		return nil, nil, err
	}
	m := memoryFS{}
	shown := map[string]string{} // name in m -> as the user would name it
	add := func(s source) {
		name := fsName(s.name)
		m[name], shown[name] = s.data, s.name
	}
	for _, s := range sources {
		add(s)
	}
	for _, s := range sources { // rules that fixtures name by file may lie elsewhere
		if s.kind != conformanceKind {
			continue
		}
		fixture, _ := conformance.ParseFixture(s.name, s.data)
		if fixture == nil || fixture.RuleFile == "" || s.name == "stdin" {
			continue
		}
		name := path.Join(path.Dir(fsName(s.name)), fixture.RuleFile)
		if _, ok := m[name]; ok || !fs.ValidPath(name) {
			continue
		}
		file := filepath.Join(filepath.Dir(s.name), filepath.FromSlash(fixture.RuleFile))
		if data, err := os.ReadFile(file); err == nil {
			m[name], shown[name] = data, file
		}
	}
	fixtures, ds := conformance.Load(m, conformance.LoadOptions{})
	for i := range ds {
		if s, ok := shown[ds[i].File]; ok {
			ds[i].File = s
		}
	}
	for _, f := range fixtures {
		if s, ok := shown[f.File]; ok {
			f.File = s
		}
	}
	return fixtures, ds, nil
}

// fsName is a path as an fs.FS has it: relative paths stay, others lose what
// leads out of the file system.
func fsName(name string) string {
	clean := filepath.ToSlash(filepath.Clean(name))
	if fs.ValidPath(clean) {
		return clean
	}
	if abs, err := filepath.Abs(name); err == nil {
		clean = filepath.ToSlash(strings.TrimPrefix(abs, filepath.VolumeName(abs)))
	}
	return strings.TrimLeft(clean, "/")
}

// memoryFS is the files that were read, by name. Folders are told from names.
type memoryFS map[string][]byte

type memoryFile struct {
	*bytes.Reader
	name string
	data []byte
	dir  bool
	list []fs.DirEntry
}

func (m memoryFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if data, ok := m[name]; ok {
		return &memoryFile{Reader: bytes.NewReader(data), name: path.Base(name), data: data}, nil
	}
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	children := map[string]*memoryFile{}
	for n, data := range m {
		rest, ok := strings.CutPrefix(n, prefix)
		if !ok {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		if deeper {
			data = nil
		}
		children[first] = &memoryFile{name: first, data: data, dir: deeper}
	}
	if len(children) == 0 && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	d := &memoryFile{name: path.Base(name), dir: true}
	for _, c := range children {
		d.list = append(d.list, fs.FileInfoToDirEntry(c))
	}
	slices.SortFunc(d.list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return d, nil
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *memoryFile) Close() error               { return nil }
func (f *memoryFile) Name() string               { return f.name }
func (f *memoryFile) Size() int64                { return int64(len(f.data)) }
func (f *memoryFile) ModTime() time.Time         { return time.Time{} }
func (f *memoryFile) IsDir() bool                { return f.dir }
func (f *memoryFile) Sys() any                   { return nil }

func (f *memoryFile) Mode() fs.FileMode {
	if f.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

func (f *memoryFile) Read(p []byte) (int, error) {
	if f.dir {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	return f.Reader.Read(p)
}

// ReadDir lists a folder, as fs.ReadDirFile says.
func (f *memoryFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.list)
	} else if len(f.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.list))
	list := f.list[:n]
	f.list = f.list[n:]
	return list, nil
}
