package coverage_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/conformance/coverage"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// layer is the format 4.5 of ATT&CK Navigator's layers, of its definition the
// members that a layer may have and this project writes; others fail to decode.
type layer struct {
	Name     *string `json:"name"`
	Versions *struct {
		ATTACK    string `json:"attack"`
		Navigator string `json:"navigator"`
		Layer     string `json:"layer"`
	} `json:"versions"`
	Domain      *string `json:"domain"`
	Description string  `json:"description"`
	Sorting     int     `json:"sorting"`
	Layout      struct {
		Layout                string `json:"layout"`
		ShowID                bool   `json:"showID"`
		ShowName              bool   `json:"showName"`
		ShowAggregateScores   bool   `json:"showAggregateScores"`
		CountUnscored         bool   `json:"countUnscored"`
		AggregateFunction     string `json:"aggregateFunction"`
		ExpandedSubtechniques string `json:"expandedSubtechniques"`
	} `json:"layout"`
	HideDisabled bool        `json:"hideDisabled"`
	Techniques   []technique `json:"techniques"`
	Gradient     struct {
		Colors   []string `json:"colors"`
		MinValue float64  `json:"minValue"`
		MaxValue float64  `json:"maxValue"`
	} `json:"gradient"`
	LegendItems []struct {
		Label string `json:"label"`
		Color string `json:"color"`
	} `json:"legendItems"`
	Metadata []metadata `json:"metadata"`
}

type technique struct {
	TechniqueID string     `json:"techniqueID"`
	Tactic      string     `json:"tactic"`
	Comment     string     `json:"comment"`
	Enabled     bool       `json:"enabled"`
	Score       float64    `json:"score"`
	Color       string     `json:"color"`
	Metadata    []metadata `json:"metadata"`
	ShowSubs    bool       `json:"showSubtechniques"`
}

type metadata struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func TestNavigatorLayer(t *testing.T) {
	r := packReport(t)
	data, err := r.Navigator()
	if err != nil {
		t.Fatal(err)
	}
	var l layer
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		t.Fatal(err)
	}
	if l.Name == nil || l.Domain == nil || *l.Domain != "enterprise-attack" || l.Versions == nil {
		t.Fatal("name, versions and the domain enterprise-attack must be there")
	}
	major, _, _ := strings.Cut(sentinel.ATTACKVersion, ".")
	if l.Versions.ATTACK != major || l.Versions.Layer != "4.5" || !regexp.MustCompile(`^[5-9]\.\d+\.\d+$`).MatchString(l.Versions.Navigator) {
		t.Errorf("versions %+v", *l.Versions)
	}
	color := regexp.MustCompile(`^#[0-9a-f]{6}$`)
	if len(l.Gradient.Colors) < 2 || l.Gradient.MaxValue <= l.Gradient.MinValue || slices.ContainsFunc(l.Gradient.Colors, func(c string) bool { return !color.MatchString(c) }) {
		t.Errorf("gradient %+v", l.Gradient)
	}
	if !slices.Contains([]string{"side", "flat", "mini"}, l.Layout.Layout) || !slices.Contains([]string{"average", "min", "max", "sum"}, l.Layout.AggregateFunction) ||
		!slices.Contains([]string{"none", "all", "annotated"}, l.Layout.ExpandedSubtechniques) || l.Sorting < 0 || l.Sorting > 3 {
		t.Errorf("layout %+v", l.Layout)
	}
	seen := map[[2]string]bool{}
	for _, x := range l.Techniques {
		k := [2]string{x.TechniqueID, x.Tactic}
		if seen[k] {
			t.Errorf("%v is there twice", k)
		}
		seen[k] = true
		of := sentinel.TacticsOf(x.TechniqueID)
		if !slices.ContainsFunc(of, func(tactic string) bool { return strings.EqualFold(tactic, strings.ReplaceAll(x.Tactic, "-", "")) }) {
			t.Errorf("%s serves %v, not %s", x.TechniqueID, of, x.Tactic)
		}
		if x.Score < 1 || x.Score > l.Gradient.MaxValue || !x.Enabled || strings.Count(x.Comment, "\n")+1 != int(x.Score) {
			t.Errorf("%v: score %v, comment %q", k, x.Score, x.Comment)
		}
	}
	for _, rule := range r.Rules {
		for _, id := range rule.Techniques {
			if !slices.ContainsFunc(l.Techniques, func(x technique) bool {
				return x.TechniqueID == id && strings.Contains(x.Comment, rule.Title)
			}) {
				t.Errorf("%s: %s is not in the layer", rule.Title, id)
			}
			if coverage.TechniqueName(id) == id {
				t.Errorf("%s: techniques.txt has no name for %s", rule.File, id)
			}
		}
	}
}

// The embedded lists of techniques are of the stated version, and say of each
// technique that the pack's rules are tagged with what it is called and which
// tactics it serves; a rule names a tactic of each of its techniques, and a
// technique for each of its tactics.
func TestTechniquesOfThePack(t *testing.T) {
	files, ds := sigma.ParseFS(rules.FS)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	isTechnique := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	used := map[string]bool{}
	for _, d := range files.Documents {
		var tactics, techniques []string
		for _, tag := range d.Meta.Tags {
			name, ok := strings.CutPrefix(tag, "attack.")
			if !ok {
				continue
			}
			if id := strings.ToUpper(name); isTechnique.MatchString(id) {
				techniques = append(techniques, id)
			} else {
				tactics = append(tactics, strings.ReplaceAll(name, "-", ""))
			}
		}
		served := map[string]bool{}
		for _, id := range techniques {
			used[id] = true
			of := sentinel.TacticsOf(id)
			if of == nil {
				t.Errorf("%s: ATT&CK %s has no %s", d.File, sentinel.ATTACKVersion, id)
			}
			if coverage.TechniqueName(id) == id {
				t.Errorf("%s: techniques.txt has no name for %s", d.File, id)
			}
			named := false
			for _, x := range of {
				served[strings.ToLower(x)] = true
				named = named || slices.Contains(tactics, strings.ToLower(x))
			}
			if !named {
				t.Errorf("%s: %s serves %v, and the tags name none of these", d.File, id, of)
			}
		}
		for _, x := range tactics {
			if !served[x] {
				t.Errorf("%s: no technique of %v serves the tactic %s", d.File, techniques, x)
			}
		}
	}
	t.Logf("%d techniques of ATT&CK %s", len(used), sentinel.ATTACKVersion)
	data, err := os.ReadFile("techniques.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "ATT&CK Enterprise "+sentinel.ATTACKVersion+":") {
		t.Errorf("techniques.txt is not of version %s", sentinel.ATTACKVersion)
	}
	for line := range strings.Lines(string(data)) {
		if id, _, _ := strings.Cut(line, " "); id != "#" && sentinel.TacticsOf(id) == nil {
			t.Errorf("techniques.txt: ATT&CK %s has no %s", sentinel.ATTACKVersion, id)
		}
	}
}
