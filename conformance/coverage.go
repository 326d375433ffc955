package conformance

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// CoverageItem is one thing that a guide asks to be watched, and what there is
// for it.
type CoverageItem struct {
	ID       string   `json:"id" yaml:"id"`
	Guide    string   `json:"guide" yaml:"guide"`
	Section  string   `json:"section" yaml:"section"`
	Item     string   `json:"item" yaml:"item"`
	Severity string   `json:"severity" yaml:"severity"`
	Tables   []string `json:"tables" yaml:"tables"`

	// Rules are the rules that name the item under coverage.
	Rules []CoverageRule `json:"rules" yaml:"-"`
	// Fixtures counts the cases of these rules by what they expect.
	Fixtures CoverageFixtures `json:"fixtures" yaml:"-"`
	// Targets says for each event form whether one of the rules can run on it.
	Targets map[string]bool `json:"targets" yaml:"-"`
}

// CoverageRule is a rule for an item.
type CoverageRule struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Level string `json:"level,omitempty"`
	Tier  string `json:"tier,omitempty"`
	// Tables are those that the rule says it requires.
	Tables []string `json:"tables"`
	// Lacks names the parameters without a value, for want of which the rule
	// does not run.
	Lacks []string `json:"lacks,omitempty"`
	// Error says why the rule cannot be compiled.
	Error string `json:"error,omitempty"`
}

// CoverageFixtures counts cases.
type CoverageFixtures struct {
	Match    int `json:"match"`
	NearMiss int `json:"nearMiss"`
}

// Covered reports whether a rule for the item can be compiled.
func (i *CoverageItem) Covered() bool {
	return slices.ContainsFunc(i.Rules, func(r CoverageRule) bool { return r.Error == "" })
}

// Runs reports whether a rule for the item has all parameters that it needs and
// its tables are among have; nil means that all tables are there.
func (i *CoverageItem) Runs(have []string) bool {
	return slices.ContainsFunc(i.Rules, func(r CoverageRule) bool {
		return r.Error == "" && len(r.Lacks) == 0 && (have == nil || slices.ContainsFunc(r.Tables, func(t string) bool {
			return slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, t) })
		}))
	})
}

// maxCoverageItems bounds a coverage list.
const maxCoverageItems = 100_000

// ParseCoverage reads a coverage list, a YAML file with the marker
// `rulewright-coverage: 1` and the list `items`. The items have no rules yet;
// Cover gives them theirs.
func ParseCoverage(file string, data []byte) ([]CoverageItem, error) {
	var list struct {
		Version int            `yaml:"rulewright-coverage"`
		Items   []CoverageItem `yaml:"items"`
	}
	if err := yaml.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if list.Version != 1 {
		return nil, fmt.Errorf("%s: begin the file with `rulewright-coverage: 1`", file)
	}
	if len(list.Items) > maxCoverageItems {
		return nil, fmt.Errorf("%s: more than %d items", file, maxCoverageItems)
	}
	seen := map[string]bool{}
	for n, i := range list.Items {
		if i.ID == "" {
			return nil, fmt.Errorf("%s: item %d has no id", file, n+1)
		}
		if seen[i.ID] {
			return nil, fmt.Errorf("%s: the id %s is there twice", file, i.ID)
		}
		seen[i.ID] = true
	}
	return list.Items, nil
}

// Cover gives the items the rules that name them, the fixtures of these rules
// and the event forms that they can run on, and returns what is wrong with the
// rules' own lists: ids that no item has. opts are those for lowering; Pipeline
// and Table are not used.
func Cover(items []CoverageItem, docs []*sigma.Document, fixtures []*Fixture, opts compiler.Options) ([]CoverageItem, sigma.Diagnostics) {
	out := slices.Clone(items)
	index := map[string]int{}
	var ids []string
	for n := range out {
		out[n].Rules, out[n].Targets = []CoverageRule{}, map[string]bool{}
		if out[n].Tables == nil {
			out[n].Tables = []string{}
		}
		index[out[n].ID] = n
		ids = append(ids, out[n].ID)
	}
	cases := map[string]CoverageFixtures{}
	for _, f := range fixtures {
		d := f.Rule()
		if d == nil {
			continue
		}
		n := cases[d.Meta.ID]
		for _, c := range f.Cases {
			switch match, nearMiss := c.shows(); {
			case match:
				n.Match++
			case nearMiss:
				n.NearMiss++
			}
		}
		cases[d.Meta.ID] = n
	}
	var forms []*compiler.Pipeline
	for _, name := range compiler.BuiltinPipelines() {
		if p, err := compiler.BuiltinPipeline(name); err == nil && p.Form() != "" {
			forms = append(forms, p)
			for n := range out {
				out[n].Targets[string(p.Form())] = false
			}
		}
	}
	for _, d := range docs {
		if d.Kind == sigma.KindFilter {
			opts.Filters = append(opts.Filters, d)
		}
	}
	opts.Documents = append(slices.Clone(docs), opts.Documents...)
	var ds sigma.Diagnostics
	for _, d := range docs {
		if d.Kind == sigma.KindFilter || len(d.Meta.Coverage) == 0 {
			continue
		}
		rule, targets := coverageRule(d, forms, opts)
		counted := map[string]bool{}
		for _, id := range d.Meta.Coverage {
			n, ok := index[id]
			if !ok {
				hint := sigma.NearestHint(id, ids, "take it out, or add it to the list of items")
				ds = append(ds, sigma.Diagnostic{File: d.File, Pos: d.KeyPos("coverage"), Severity: sigma.SeverityWarning, Code: sigma.CodeBadValue,
					Message: fmt.Sprintf("no item of the guides has the id %q", id), Hint: hint})
				continue
			}
			if counted[id] {
				continue
			}
			counted[id] = true
			item := &out[n]
			item.Rules = append(item.Rules, rule)
			item.Fixtures.Match += cases[d.Meta.ID].Match
			item.Fixtures.NearMiss += cases[d.Meta.ID].NearMiss
			for _, form := range targets {
				item.Targets[form] = true
			}
		}
	}
	return out, ds
}

// shows says whether the case is one of a match or of a near miss: a history
// with hits, or without.
func (c *Case) shows() (match, nearMiss bool) {
	if c.Hits != nil {
		return len(c.Hits) > 0, len(c.Hits) == 0
	}
	return c.Expect == ExpectMatch, c.Expect == ExpectNoMatch
}

// coverageRule lowers a rule for every event form.
func coverageRule(d *sigma.Document, forms []*compiler.Pipeline, opts compiler.Options) (CoverageRule, []string) {
	r := CoverageRule{ID: d.Meta.ID, Title: d.Meta.Title, Level: d.Meta.Level, Tier: d.Meta.Tier, Tables: []string{}}
	for _, q := range d.Meta.Requires {
		r.Tables = append(r.Tables, q.Table)
	}
	var targets []string
	for _, p := range append([]*compiler.Pipeline{nil}, forms...) {
		o := opts
		o.Pipeline, o.Table = p, ""
		rules, ds := compiler.Lower(d, o)
		if p == nil {
			if ds.HasErrors() {
				r.Error = ds.Errors().Error()
				return r, nil
			}
			for _, rule := range rules {
				r.Lacks = rule.Lacks
			}
			continue
		}
		if !ds.HasErrors() && slices.ContainsFunc(rules, func(rule *ir.Rule) bool {
			return rule.Source.Table != "" || rule.Correlation != nil // whose inputs have tables
		}) {
			targets = append(targets, string(p.Form()))
		}
	}
	return r, targets
}
