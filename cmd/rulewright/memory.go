package main

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

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

func (f *memoryFile) Close() error { return nil }

func (f *memoryFile) Name() string { return f.name }

func (f *memoryFile) Size() int64 { return int64(len(f.data)) }

func (f *memoryFile) ModTime() time.Time { return time.Time{} }

func (f *memoryFile) IsDir() bool { return f.dir }

func (f *memoryFile) Sys() any { return nil }

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
