package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

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
