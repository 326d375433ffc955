package sentinel

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Finding is something that a service or Microsoft's repository would refuse.
type Finding struct {
	File    string
	Line    int
	Check   string // its name, see Checks
	Message string
	// Warning: what is written works, but not everywhere.
	Warning bool
}

// String writes a finding as file:line: message [check].
func (f Finding) String() string {
	s := fmt.Sprintf("%s:%d: ", f.File, f.Line)
	if f.Warning {
		s += "warning: "
	}
	return s + f.Message + " [" + f.Check + "]"
}

// Checks names what Validate looks at.
func Checks() map[string]string {
	return map[string]string{
		"syntax":           "the file reads as its format, and no text has left its literal",
		"id":               "an id is a GUID and unique in the set",
		"name":             "a name is there, of at most 256 characters and unique in the set",
		"version":          "a version is a.b.c of at most 20 characters",
		"description":      "a description is there, of at most 5,000 characters",
		"severity":         "a severity is one that the service knows",
		"kind":             "a kind is one that the interface's version knows, with the properties it takes",
		"query-length":     "a query has 1 to 10,000 characters",
		"query-scope":      "a query searches no table of tables (search *, union *) and no other cluster",
		"schedule":         "the schedule is within the limits and covers what the query looks back",
		"trigger":          "operator and threshold are those that the service knows",
		"attack":           "tactics and techniques are known and agree",
		"entity-type":      "entity types and identifiers are known and none stands twice in a mapping",
		"entity-required":  "a mapping has the identifiers that its type needs",
		"entity-weak":      "no identifier is a display name",
		"entity-column":    "a column is in the query's result",
		"placeholders":     "formats of alert details have at most three placeholders, columns of the result",
		"custom-details":   "custom details have valid names and columns of the result",
		"incident":         "incident settings are complete and group by mapped entities",
		"time-column":      "the time column is in the result",
		"detection-column": "a custom detection's result has Timestamp, ReportId, for devices DeviceId, and the mapped columns, among them a device, user or mailbox",
		"enabled":          "whether a rule is on is a parameter of the template",
		"enabled-count":    "at most 512 rules are on in a workspace",
		"function":         "a function has an alias and typed parameters that its query uses",
		"watchlist":        "a watchlist has an alias, a search key among its columns and a row",
	}
}

// Validate holds files of one format to what the services and Microsoft's rule
// repository check mechanically. It reads the files as they would be read
// there, not as they were made. Files that Validate does not know (a manifest,
// CSV) are left alone.
func Validate(f Format, files []File) []Finding {
	v := &validator{format: f, ids: map[string]string{}, names: map[string]string{}}
	enabled := 0
	for _, file := range files {
		v.file = file.Name
		if strings.HasSuffix(file.Name, ".csv") || file.Name == ManifestFile {
			continue
		}
		for _, n := range v.read(file) {
			if v.artefact(n) {
				enabled++
			}
		}
	}
	if enabled > maxEnabled {
		v.findings = append(v.findings, Finding{File: v.file, Line: 1, Check: "enabled-count", Warning: true,
			Message: fmt.Sprintf("%d rules are on; a workspace takes %d, twice as many in a dedicated cluster", enabled, maxEnabled)})
	}
	sort.SliceStable(v.findings, func(i, j int) bool {
		a, b := v.findings[i], v.findings[j]
		return a.File < b.File || a.File == b.File && a.Line < b.Line
	})
	return v.findings
}

type validator struct {
	format     Format
	file       string
	findings   []Finding
	ids, names map[string]string // where one was first
}

func (v *validator) add(n *node, check, format string, args ...any) {
	v.findings = append(v.findings, Finding{File: v.file, Line: max(n.line, 1), Check: check, Message: fmt.Sprintf(format, args...)})
}

// read returns the artefacts of a file: documents, or resources of a template.
func (v *validator) read(f File) []*node {
	fail := func(err error) []*node {
		v.add(&node{}, "syntax", "%v", err)
		return nil
	}
	if !utf8.Valid(f.Data) {
		return fail(fmt.Errorf("the file is not UTF-8"))
	}
	switch v.format {
	case YAML, HuntingYAML:
		n, err := readYAML(f.Data)
		if err != nil {
			return fail(err)
		}
		if !strings.HasSuffix(f.Name, ".yaml") {
			v.add(n, "syntax", "the file's name does not end in .yaml")
		}
		return []*node{n}
	case Defender:
		n, err := readJSON(f.Data)
		if err != nil {
			return fail(err)
		}
		return []*node{n}
	case Bicep:
		ns, params, err := readBicep(string(f.Data))
		if err != nil {
			return fail(err)
		}
		if !slices.Equal(params, []string{"workspace", "enabled"}) {
			v.add(&node{}, "syntax", "the parameters are %s", strings.Join(params, ", "))
		}
		if len(ns) == 0 {
			v.add(&node{}, "syntax", "there is no resource")
		}
		return ns
	}
	n, err := readJSON(f.Data)
	if err != nil {
		return fail(err)
	}
	n = n.unescaped()
	if !n.get("parameters").has("workspace") || n.get("$schema").text() == "" || n.get("contentVersion").text() == "" {
		v.add(n, "syntax", "the template has no schema, version or parameter workspace")
	}
	if len(n.get("resources").items) == 0 {
		v.add(n, "syntax", "there is no resource")
	}
	return n.get("resources").items
}

// artefact checks one artefact and reports whether it is a rule that is on.
func (v *validator) artefact(n *node) (on bool) {
	switch v.format {
	case YAML:
		return v.rule(n, n, "name", n.get("id"), n.get("relevantTechniques"), true)
	case ARM, Bicep:
		id := n.get("name")
		if e, ok := id.value.(expression); ok {
			s := strings.TrimSuffix(e.arm, "')")
			id = &node{line: id.line, value: s[strings.LastIndexByte(s, '/')+1:]}
		}
		return v.rule(n, n.get("properties"), "displayName", id, n.get("properties", "techniques"), false)
	case Defender:
		return v.detection(n)
	case HuntingYAML:
		v.hunting(n, n, n.get("id"), n.get("name"), n.get("description"), n.get("tactics").texts(), n.get("relevantTechniques").texts())
		v.version(n.get("version"))
		v.mappings(n, readQuery(n.get("query").text()))
	case HuntingARM:
		p := n.get("properties")
		tags := map[string]*node{}
		for _, t := range p.get("tags").items {
			tags[t.get("name").text()] = t.get("value")
		}
		split := func(name string) []string {
			if t := tags[name]; t != nil && t.text() != "" {
				return strings.Split(t.text(), ",")
			}
			return nil
		}
		id := n.get("name")
		if e, ok := id.value.(expression); ok {
			s := strings.TrimSuffix(e.arm, "')")
			id = &node{line: id.line, value: s[strings.LastIndexByte(s, '/')+1:]}
		}
		description := tags["description"]
		if description == nil {
			description = &node{line: p.line}
		}
		v.hunting(n, p, id, p.get("displayName"), description, split("tactics"), append(split("techniques"), split("subTechniques")...))
		if p.get("category").text() == "" || p.get("version").value != 2 {
			v.add(p, "kind", "a saved search needs a category and version 2")
		}
	case Watchlists:
		v.watchlist(n)
	}
	return false
}
