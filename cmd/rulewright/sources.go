package main

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// source is a file that was found, with its text.
type source struct {
	name string // as the user would name it
	data []byte
	kind string // rules, parameters, profile, overrides, pipeline, fixtures, coverage
}

// kindOf is "rules", or the format that the file's marker names.
func kindOf(data []byte) string { return cmp.Or(sigma.Marker(data), "rules") }

func isYAML(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

// maxRuleFile bounds a rule file; nobody writes one of that size.
const maxRuleFile = 256 << 20

// readSources reads files, the YAML files of folders, and standard input for -.
// A file that is named twice is read once. Without paths it reads the built-in
// pack.
func (c *cli) readSources(paths []string) ([]source, error) {
	var out []source
	add := func(name string, r io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(r, maxRuleFile+1))
		if err != nil {
			return err
		}
		if len(data) > maxRuleFile {
			return fmt.Errorf("%s is larger than %d MiB", name, maxRuleFile>>20)
		}
		out = append(out, source{name, data, kindOf(data)})
		return nil
	}
	seen := map[string]bool{}
	addFile := func(name string) error {
		clean := filepath.Clean(name)
		if seen[clean] {
			return nil
		}
		seen[clean] = true
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return add(name, f)
	}
	if len(paths) == 0 {
		err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := rules.FS.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			return add("rules/"+name, f)
		})
		return out, err
	}
	for _, p := range paths {
		if p == "-" {
			if err := add("stdin", c.stdin); err != nil {
				return nil, err
			}
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if err := addFile(p); err != nil {
				return nil, err
			}
			continue
		}
		found := false
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != p && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case d.IsDir() || !isYAML(name):
				return nil
			}
			found = true
			return addFile(name)
		})
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("there is no .yml or .yaml file in %s", p)
		}
	}
	return out, nil
}
