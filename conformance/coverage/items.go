package coverage

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Item is one thing that a guide asks to be watched, and what there is for it.
type Item struct {
	ID       string   `json:"id" yaml:"id"`
	Guide    string   `json:"guide" yaml:"guide"`
	Section  string   `json:"section" yaml:"section"`
	Item     string   `json:"item" yaml:"item"`
	Severity string   `json:"severity" yaml:"severity"`
	Tables   []string `json:"tables" yaml:"tables"` // that the guide's facts are in

	// Rules are the rules that name the item under coverage, by id, or by title
	// where they have none, in the order of Report.Rules.
	Rules []string `json:"rules" yaml:"-"`
	// Fixtures counts the cases of these rules by what they expect.
	Fixtures Fixtures `json:"fixtures" yaml:"-"`
	// Targets says for each target whether one of the rules is there.
	Targets map[string]bool `json:"targets" yaml:"-"`
	// Covered: one of the rules can be compiled, and has a match and a near miss.
	Covered bool `json:"covered" yaml:"-"`
	// Visible: one of the rules has its tables. Runs: it has its parameters too.
	Visible bool `json:"visible" yaml:"-"`
	Runs    bool `json:"runs" yaml:"-"`

	rules []*Rule
}

// Fixtures counts cases.
type Fixtures struct {
	Match    int `json:"match"`
	NearMiss int `json:"nearMiss"`
	NotRun   int `json:"notRun"` // for want of a parameter
}

func (f *Fixtures) add(g Fixtures) {
	f.Match += g.Match
	f.NearMiss += g.NearMiss
	f.NotRun += g.NotRun
}

// Guide is a document whose items are listed.
type Guide struct {
	ID    string `json:"id" yaml:"id"`
	Title string `json:"title" yaml:"title"`
}

// List is a coverage list: what guides ask to be watched.
type List struct {
	Guides []Guide
	Items  []*Item
}

// maxItems bounds a coverage list.
const maxItems = 100_000

// ParseList reads a coverage list, a YAML file with the marker
// `rulewright-coverage: 1`, the list `items` and, for the titles, `guides`.
// Guides are in the order of their first items.
func ParseList(file string, data []byte) (*List, error) {
	var list struct {
		Version int     `yaml:"rulewright-coverage"`
		Guides  []Guide `yaml:"guides"`
		Items   []*Item `yaml:"items"`
	}
	if err := yaml.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if list.Version != 1 {
		return nil, fmt.Errorf("%s: begin the file with `rulewright-coverage: 1`", file)
	}
	if len(list.Items) > maxItems {
		return nil, fmt.Errorf("%s: more than %d items", file, maxItems)
	}
	out := &List{Items: list.Items}
	titles := map[string]string{}
	for _, g := range list.Guides {
		titles[g.ID] = g.Title
	}
	seen, guides := map[string]bool{}, map[string]bool{}
	for n, i := range list.Items {
		if i == nil || i.ID == "" {
			return nil, fmt.Errorf("%s: item %d has no id", file, n+1)
		}
		if seen[i.ID] {
			return nil, fmt.Errorf("%s: the id %s is there twice", file, i.ID)
		}
		seen[i.ID] = true
		if !guides[i.Guide] {
			guides[i.Guide] = true
			g := Guide{i.Guide, titles[i.Guide]}
			if g.Title == "" {
				g.Title = g.ID
			}
			out.Guides = append(out.Guides, g)
		}
	}
	return out, nil
}
