package coverage

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Forms is a table of rules by event form: where the suite says the records of
// fixtures again in other forms, what it finds there and what it cannot.
type Forms struct {
	rules map[string]formsOfRule
}

type formsOfRule struct {
	Rule string `yaml:"rule"`
	// Seen are the tables, by form, in which a record of a match, said again,
	// matches.
	Seen map[string][]string `yaml:"seen"`
	// Lacks are the fields, by form, for want of which a verdict is another one.
	Lacks map[string][]string `yaml:"forms"`
}

// ParseForms reads such a table, a YAML file with the marker
// `rulewright-forms: 1` and the list `rules`.
func ParseForms(file string, data []byte) (*Forms, error) {
	var table struct {
		Version int           `yaml:"rulewright-forms"`
		Rules   []formsOfRule `yaml:"rules"`
	}
	if err := yaml.Unmarshal(data, &table); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if table.Version != 1 {
		return nil, fmt.Errorf("%s: begin the file with `rulewright-forms: 1`", file)
	}
	if len(table.Rules) > maxItems {
		return nil, fmt.Errorf("%s: more than %d rules", file, maxItems)
	}
	f := &Forms{rules: map[string]formsOfRule{}}
	for _, r := range table.Rules {
		f.rules[r.Rule] = r
	}
	return f, nil
}

// add notes as proven what records said again show.
func (f *Forms) add(proofs map[string]*proof) {
	if f == nil {
		return
	}
	for id, r := range f.rules {
		p := proofs[id]
		if p == nil {
			continue // no fixture: what was said again is not there any more
		}
		p.lacks = r.Lacks
		for form, tables := range r.Seen {
			p.forms[form] = true
			for _, t := range tables {
				p.tables[[2]string{form, t}] = true
			}
		}
	}
}
