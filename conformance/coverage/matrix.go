package coverage

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/rulewright/rulewright/backends/sentinel"
)

//go:embed techniques.txt
var techniquesText string

var techniqueNames = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(techniquesText) {
		id, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && id != "#" {
			m[id] = name
		}
	}
	return m
})

// TechniqueName returns the name of a technique of ATT&CK, its id where the name
// is not known here.
func TechniqueName(id string) string {
	if n := techniqueNames()[id]; n != "" {
		return n
	}
	return id
}

// Tactic is a column of the ATT&CK matrix.
type Tactic struct {
	ID         string // as rules have it, `LateralMovement`
	Name       string // as people write it
	Short      string // as a layer writes it, `lateral-movement`
	Techniques []*Technique
}

// Technique is a cell of a column. Rules are those tagged with it or one of its
// sub-techniques.
type Technique struct {
	ID, Name string
	Rules    []*Rule
	Subs     []*Technique
}

// Matrix returns the columns that have rules, in the order of ATT&CK.
func (r *Report) Matrix() []*Tactic {
	var out []*Tactic
	for _, tactic := range sentinel.Tactics() {
		t := &Tactic{ID: tactic, Name: spaced(tactic, " "), Short: strings.ToLower(spaced(tactic, "-"))}
		for _, rule := range r.Rules {
			if !slices.Contains(rule.Tactics, tactic) {
				continue
			}
			for _, id := range rule.Techniques {
				if slices.Contains(sentinel.TacticsOf(id), tactic) {
					t.add(id, rule)
				}
			}
		}
		if len(t.Techniques) > 0 {
			byID := func(a, b *Technique) int { return strings.Compare(a.ID, b.ID) }
			slices.SortFunc(t.Techniques, byID)
			for _, x := range t.Techniques {
				slices.SortFunc(x.Subs, byID)
			}
			out = append(out, t)
		}
	}
	return out
}

func (t *Tactic) add(id string, rule *Rule) {
	get := func(list *[]*Technique, id string) *Technique {
		for _, x := range *list {
			if x.ID == id {
				return x
			}
		}
		x := &Technique{ID: id, Name: TechniqueName(id)}
		*list = append(*list, x)
		return x
	}
	parent, _, sub := strings.Cut(id, ".")
	x := get(&t.Techniques, parent)
	if !slices.Contains(x.Rules, rule) {
		x.Rules = append(x.Rules, rule)
	}
	if sub {
		y := get(&x.Subs, id)
		y.Rules = append(y.Rules, rule)
	}
}

// spaced parts the words of a name such as LateralMovement.
func spaced(name, by string) string {
	var b strings.Builder
	for i, c := range name {
		if i > 0 && unicode.IsUpper(c) {
			b.WriteString(by)
			if by == " " {
				c = unicode.ToLower(c)
			}
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Layer formats that Navigator writes.
const (
	layerFormat      = "4.5"
	navigatorVersion = "5.1.0" // reads layers of that format and ATT&CK 17
)

type layer struct {
	Name        string           `json:"name"`
	Versions    layerVersions    `json:"versions"`
	Domain      string           `json:"domain"`
	Description string           `json:"description"`
	Sorting     int              `json:"sorting"`
	Layout      layerLayout      `json:"layout"`
	Techniques  []layerTechnique `json:"techniques"`
	Gradient    layerGradient    `json:"gradient"`
	Legend      []layerLegend    `json:"legendItems"`
	Metadata    []layerMetadata  `json:"metadata"`
}

type layerVersions struct {
	ATTACK    string `json:"attack"`
	Navigator string `json:"navigator"`
	Layer     string `json:"layer"`
}

type layerLayout struct {
	Layout                string `json:"layout"`
	ShowID                bool   `json:"showID"`
	ShowName              bool   `json:"showName"`
	ShowAggregateScores   bool   `json:"showAggregateScores"`
	CountUnscored         bool   `json:"countUnscored"`
	AggregateFunction     string `json:"aggregateFunction"`
	ExpandedSubtechniques string `json:"expandedSubtechniques"`
}

type layerTechnique struct {
	ID       string          `json:"techniqueID"`
	Tactic   string          `json:"tactic"`
	Score    int             `json:"score"`
	Comment  string          `json:"comment"`
	Enabled  bool            `json:"enabled"`
	Metadata []layerMetadata `json:"metadata"`
	ShowSubs bool            `json:"showSubtechniques"`
}

type layerGradient struct {
	Colors   []string `json:"colors"`
	MinValue int      `json:"minValue"`
	MaxValue int      `json:"maxValue"`
}

type layerLegend struct {
	Label string `json:"label"`
	Color string `json:"color"`
}

type layerMetadata struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Navigator returns the rules as a layer of ATT&CK Navigator: the score of a
// technique is the number of rules tagged with it, or that run, where the
// report was asked what an organisation has.
func (r *Report) Navigator() ([]byte, error) {
	major, _, _ := strings.Cut(r.ATTACK, ".")
	l := layer{Name: "Rulewright", Domain: "enterprise-attack",
		Versions:    layerVersions{major, navigatorVersion, layerFormat},
		Description: fmt.Sprintf("Rules of the pack by technique; ATT&CK Enterprise %s. The score is the number of rules.", r.ATTACK),
		Sorting:     3,
		Layout:      layerLayout{"side", true, true, false, false, "max", "annotated"},
		Techniques:  []layerTechnique{},
		Gradient:    layerGradient{Colors: []string{"#dbeafe", "#3b82f6", "#1e3a8a"}, MinValue: 0, MaxValue: 1},
		Legend:      []layerLegend{{"few rules", "#dbeafe"}, {"many rules", "#1e3a8a"}},
		Metadata:    []layerMetadata{{"ATT&CK", r.ATTACK}, {"rules", fmt.Sprint(len(r.Rules))}},
	}
	if r.Have != nil {
		l.Description += " Only rules whose tables are there: " + r.Have.String() + "."
	}
	add := func(tactic string, t *Technique, tagged []*Rule, subs bool) {
		var titles []string
		tiers := map[string]int{}
		for _, rule := range tagged {
			if rule.Visible {
				titles = append(titles, rule.Title)
				tiers[rule.Tier]++
			}
		}
		if len(titles) == 0 && !subs {
			return
		}
		x := layerTechnique{ID: t.ID, Tactic: tactic, Score: len(titles), Comment: strings.Join(titles, "\n"), Enabled: true, Metadata: []layerMetadata{}, ShowSubs: subs}
		for _, tier := range []string{"alert", "report", "hunt", "product"} {
			if tiers[tier] > 0 {
				x.Metadata = append(x.Metadata, layerMetadata{tier, fmt.Sprint(tiers[tier])})
			}
		}
		l.Techniques = append(l.Techniques, x)
		l.Gradient.MaxValue = max(l.Gradient.MaxValue, x.Score)
	}
	for _, tactic := range r.Matrix() {
		for _, t := range tactic.Techniques {
			add(tactic.Short, t, t.Rules, len(t.Subs) > 0)
			for _, s := range t.Subs {
				add(tactic.Short, s, s.Rules, false)
			}
		}
	}
	return json.MarshalIndent(l, "", "  ")
}

// String names what an organisation has, briefly.
func (h *Have) String() string {
	if h == nil {
		return "every table"
	}
	var out []string
	for _, name := range h.Plans {
		for _, p := range plans {
			if p.Name == name {
				out = append(out, p.Title)
			}
		}
	}
	return strings.Join(append(out, h.Tables...), ", ")
}
