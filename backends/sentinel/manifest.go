package sentinel

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// ManifestFile is the name of the manifest in a folder of exports.
const ManifestFile = "manifest.json"

// Manifest lists what a folder holds, so that the next export into it can say
// what changed. It belongs into version control beside the files.
type Manifest struct {
	Format  int     `json:"rulewright-manifest"` // of the manifest: 1
	Target  Format  `json:"target"`
	Entries []Entry `json:"entries"`

	rules map[string]*ir.Rule // of an export: by the id of the entry, for positions
}

// Entry is one artefact.
type Entry struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	File    string `json:"file"`
	Title   string `json:"title"`
	Version string `json:"version"`
	// Meaning is the hash of what the rule means, parameters' values apart.
	Meaning string `json:"meaning"`
	// Parameters that the artefact was made with.
	Parameters map[string][]string `json:"parameters,omitempty"`
	// Examples are those among them that have no value: the example of their
	// description stands in the query.
	Examples []string `json:"examples,omitempty"`
	// Text is the hash of the file.
	Text string `json:"text"`
}

// Rules returns the rules of which the set has artefacts, watchlists apart, as
// their Input has them.
func (s *Set) Rules() map[*sigma.Document]bool { return maps.Clone(s.rules) }

func (m *Manifest) add(e Entry, r *ir.Rule) {
	m.Format = 1
	if m.rules == nil {
		m.rules = map[string]*ir.Rule{}
	}
	m.rules[e.ID] = r
	m.Entries = append(m.Entries, e)
	slices.SortFunc(m.Entries, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
}

// JSON writes the manifest.
func (m *Manifest) JSON() []byte {
	c := *m
	c.Format = 1
	if c.Entries == nil {
		c.Entries = []Entry{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		panic(err) // of our own types
	}
	return b.Bytes()
}

// ParseManifest reads what Manifest.JSON writes.
func ParseManifest(data []byte) (*Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	if m.Format != 1 {
		return nil, fmt.Errorf("the manifest has format %d; this version reads 1", m.Format)
	}
	for _, e := range m.Entries {
		if e.File == "" || strings.ContainsAny(e.File, `/\`) || e.File == ".." || e.File == ManifestFile {
			return nil, fmt.Errorf("the manifest names the file %q", e.File)
		}
	}
	return &m, nil
}

// Change is a difference between two exports.
type Change struct {
	Entry Entry
	// Was is the entry before; of an added one it is zero. Of a retired one
	// Entry is what was.
	Was  Entry
	What []string // of a changed one: version, meaning, parameter, title, kind, text
}

// Changes is what an export changes in its folder, each list by title.
type Changes struct {
	Added, Changed, Retired []Change
	Unchanged               int
}

// Since compares the export with the manifest of the one before; nil is an empty
// folder. A rule whose meaning changed needs a higher version, and no version
// goes down: these are errors, upon which nothing should be written.
func (s *Set) Since(old *Manifest) (Changes, sigma.Diagnostics) {
	var c Changes
	var ds sigma.Diagnostics
	was := map[string]Entry{}
	if old != nil {
		if old.Target != s.Format {
			return c, sigma.Diagnostics{{File: ManifestFile, Code: sigma.CodeFile,
				Message: fmt.Sprintf("the folder holds an export to %s, not %s", old.Target, s.Format), Hint: "choose another folder"}}
		}
		for _, e := range old.Entries {
			was[e.ID] = e
		}
	}
	for _, e := range s.Manifest.Entries {
		o, ok := was[e.ID]
		delete(was, e.ID)
		if !ok {
			c.Added = append(c.Added, Change{Entry: e})
			continue
		}
		ch := Change{Entry: e, Was: o}
		diff := func(what string, differs bool) {
			if differs {
				ch.What = append(ch.What, what)
			}
		}
		up := compareVersions(e.Version, o.Version)
		diff("version "+o.Version+" to "+e.Version, up != 0)
		diff("meaning", e.Meaning != o.Meaning)
		for _, p := range parameterNames(e, o) {
			diff("parameter "+p, !slices.Equal(e.Parameters[p], o.Parameters[p]))
		}
		diff("title", e.Title != o.Title)
		diff("kind", e.Kind != o.Kind)
		if len(ch.What) == 0 {
			diff("text", e.Text != o.Text || e.File != o.File)
		}
		if len(ch.What) == 0 {
			c.Unchanged++
			continue
		}
		c.Changed = append(c.Changed, ch)
		d := sigma.Diagnostic{Severity: sigma.SeverityError, Code: sigma.CodeVersion}
		if r := s.Manifest.rules[e.ID]; r != nil {
			d.File, d.Pos = r.File, r.Pos
		}
		switch {
		case up < 0:
			d.Message = fmt.Sprintf("%s: version %s is lower than %s, which the folder holds", e.Title, e.Version, o.Version)
			d.Hint = "raise the version"
			ds = append(ds, d)
		case up == 0 && e.Meaning != o.Meaning:
			d.Message = fmt.Sprintf("%s: what the rule means changed since version %s and its version did not", e.Title, o.Version)
			d.Hint = "raise `version`, or in a Sigma rule `modified`"
			ds = append(ds, d)
		}
	}
	for _, e := range was {
		c.Retired = append(c.Retired, Change{Entry: e})
	}
	for _, changes := range [][]Change{c.Added, c.Changed, c.Retired} {
		slices.SortFunc(changes, func(a, b Change) int {
			return cmp.Or(strings.Compare(a.Entry.Title, b.Entry.Title), strings.Compare(a.Entry.ID, b.Entry.ID))
		})
	}
	return c, ds
}

func parameterNames(a, b Entry) []string {
	var out []string
	for _, m := range []map[string][]string{a.Parameters, b.Parameters} {
		for p := range m {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out
}

// compareVersions compares a.b.c by numbers.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		n := func(s []string) int {
			if i >= len(s) {
				return 0
			}
			v, _ := strconv.Atoi(s[i])
			return v
		}
		if x, y := n(as), n(bs); x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

// Meaning is a hash of what documents mean to whoever gets the hits: detection,
// sources, parameters, level, tier, tags and entities, but no texts about them,
// and not the values of parameters.
func Meaning(docs ...*sigma.Document) string {
	h := sha256.New()
	for _, d := range docs {
		if d == nil {
			continue
		}
		c := *d
		c.Meta = sigma.Meta{ID: d.Meta.ID, Title: "-", Level: d.Meta.Level, Tier: d.Meta.Tier, Tags: d.Meta.Tags, Entities: d.Meta.Entities}
		c.LogSource.Definition, c.LogSource.Custom = "", nil
		c.Parameters = slices.Clone(d.Parameters)
		for i := range c.Parameters {
			c.Parameters[i].Description, c.Parameters[i].Example, c.Parameters[i].Source = "", nil, ""
		}
		text, err := sigma.Write(&c)
		if err != nil { // no YAML says it; its address in memory does not either
			text = []byte(err.Error())
		}
		fmt.Fprintf(h, "%d\n%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// bindings returns the values of the parameters that a rule uses.
func bindings(r *ir.Rule) map[string][]string {
	out := map[string][]string{}
	var add func(r *ir.Rule)
	add = func(r *ir.Rule) {
		for _, b := range r.Source.Parameters {
			vs := []string{}
			if b.Watchlist != "" {
				vs = append(vs, "watchlist "+b.Watchlist)
			}
			for _, v := range b.Values {
				vs = append(vs, valueText(v))
			}
			out[b.Name] = vs
		}
		if r.Correlation != nil {
			for _, in := range r.Correlation.Inputs {
				for _, t := range in.Taps {
					add(t.Rule)
				}
			}
		}
	}
	add(r)
	return out
}

func exampleNames(bs []ir.Binding) []string {
	var out []string
	for _, b := range bs {
		out = append(out, b.Name)
	}
	return out
}

// bindingText lists the values of a parameter for people.
func bindingText(b ir.Binding) string {
	var out []string
	for _, v := range b.Values {
		out = append(out, valueText(v))
	}
	return strings.Join(out, ", ")
}

// valueText is a parameter's value as a profile or watchlist has it.
func valueText(v ir.Value) string {
	switch v := v.(type) {
	case ir.String:
		return string(v)
	case ir.Pattern:
		return v.String()
	}
	return ir.ValueText(v)
}

// Stale returns the files of the export before that this one does not write,
// with the hash of what they held; a CSV file beside a watchlist has none.
func (s *Set) Stale(old *Manifest) map[string]string {
	now := map[string]bool{}
	for _, f := range s.Files {
		now[f.Name] = true
	}
	out := map[string]string{}
	if old == nil {
		return out
	}
	for _, e := range old.Entries {
		if now[e.File] {
			continue
		}
		out[e.File] = e.Text
		if e.Kind == "watchlist" {
			out[strings.TrimSuffix(e.File, ".json")+".csv"] = ""
		}
	}
	return out
}

// IsAsExported reports whether a file holds what the manifest says of it.
func IsAsExported(data []byte, hash string) bool { return hash == "" || digest(data) == hash }
