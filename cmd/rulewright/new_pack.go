package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/rules"
)

// guideFolder is a folder of the rule pack in a checkout of Rulewright, whose
// tests ask more of a rule than that it is right.
type guideFolder struct {
	guide    string
	items    []*coverage.Item
	fixtures string // where its fixtures are
}

// guideOf says whether a folder is one of a guide: the coverage list beside it
// has items of its name, and fixtures of the pack have a folder of that name.
func guideOf(dir string) (*guideFolder, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	pack := filepath.Dir(full)
	name := filepath.Join(pack, rules.Coverage)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g := &guideFolder{guide: filepath.Base(full), fixtures: filepath.Join(dir, "..", "..", "conformance", "fixtures", filepath.Base(full))}
	if s, err := os.Stat(g.fixtures); err != nil || !s.IsDir() {
		return nil, nil
	}
	list, err := coverage.ParseList(name, data)
	if err != nil {
		return nil, err
	}
	for _, i := range list.Items {
		if i.Guide == g.guide {
			g.items = append(g.items, i)
		}
	}
	if len(g.items) == 0 {
		return nil, nil
	}
	return g, nil
}

// item returns the item of the guide that a new rule is for.
func (g *guideFolder) item(id string) (*coverage.Item, error) {
	var known []string
	for _, i := range g.items {
		if i.ID == id || i.ID == g.guide+"/"+id {
			return i, nil
		}
		known = append(known, i.ID, strings.TrimPrefix(i.ID, g.guide+"/"))
	}
	if id == "" {
		return nil, fmt.Errorf("a rule of the pack covers an item of its guide: name it with --covers; `rulewright coverage` lists them, such as %s", known[0])
	}
	return nil, fmt.Errorf("the guide %s has no item %q%s; `rulewright coverage` lists them", g.guide, id, didYouMean(id, known))
}

// technique reports whether a tag is one of ATT&CK's techniques.
func technique(tag string) bool {
	return strings.HasPrefix(strings.ToLower(tag), "attack.t1")
}
