package sigma

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
)

// Files is what ParseFS found: the rule documents and the parameters of
// catalogue files.
type Files struct {
	Documents  []*Document
	Parameters []Parameter
	// Rules, Catalogues and Others are the files read, in order: those with
	// documents, those with parameters, and those of other formats, which were
	// left alone (profiles, pipelines, fixtures, coverage lists …).
	Rules, Catalogues []string
	Others            []OtherFile
}

// OtherFile is a file with the marker of a format that this package does not
// read.
type OtherFile struct{ Name, Format string }

// ParseFS reads the files at the paths, and of folders all files below them
// that end in .yml or .yaml, in byte order of their names; without paths the
// whole file system. Files that carry the marker of another Rulewright format
// are listed and left alone. What cannot be read is a finding at the file; the
// rest is returned all the same.
func ParseFS(fsys fs.FS, paths ...string) (*Files, Diagnostics) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	out := &Files{}
	var all Diagnostics
	fail := func(file string, err error) {
		all = append(all, Diagnostic{File: file, Code: CodeFile, Message: err.Error()})
	}
	for _, root := range paths {
		err := fs.WalkDir(fsys, root, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				fail(file, err)
				return nil
			}
			if d.IsDir() || file != root && !slices.Contains([]string{".yml", ".yaml"}, path.Ext(file)) {
				return nil
			}
			data, err := readFile(fsys, file)
			if err != nil {
				fail(file, err)
				return nil
			}
			all = append(all, out.Add(file, data)...)
			return nil
		})
		if err != nil {
			fail(root, err)
		}
	}
	all.Sort()
	return out, all
}

// Add reads the text of one file, under the name that its findings are to
// have, into the list that its marker asks for, as ParseFS does with each file
// it finds. The findings are in no order.
func (f *Files) Add(file string, data []byte) Diagnostics {
	switch format := Marker(data); format {
	case "":
		docs, ds := Parse(file, data)
		f.Documents, f.Rules = append(f.Documents, docs...), append(f.Rules, file)
		return ds
	case "parameters":
		ps, ds := ParseParameters(file, data)
		f.Parameters, f.Catalogues = append(f.Parameters, ps...), append(f.Catalogues, file)
		return ds
	default:
		f.Others = append(f.Others, OtherFile{file, format})
		return nil
	}
}

// readFile reads a file, but no more of it than Parse would take.
func readFile(fsys fs.FS, file string) ([]byte, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return data, nil
}

var markerLine = regexp.MustCompile(`(?m)^rulewright-([a-z]+) *:`)

// Marker returns which of the formats other than rules a file says it is, such
// as "profile" for one with a line `rulewright-profile: 1`, or "".
func Marker(data []byte) string {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if m := markerLine.FindSubmatch(data[:min(len(data), markerWindow)]); m != nil {
		return string(m[1])
	}
	return ""
}

// markerWindow is how far into a file its marker is looked for.
const markerWindow = 64 << 10
