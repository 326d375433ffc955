package coverage

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

//go:embed page.html page.css page.js
var pageFiles embed.FS

// JSON writes the report.
func (r *Report) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	return append(data, '\n'), err
}

// HTML writes the report as one page that loads nothing: style and script stand
// in it, and its policy forbids it the network. It reads without script, too;
// script filters it.
func (r *Report) HTML() ([]byte, error) {
	read := func(name string) string {
		data, err := pageFiles.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		return string(data)
	}
	t, err := template.New("page").Funcs(pageFunctions).Parse(read("page.html"))
	if err != nil {
		return nil, err
	}
	v := r.view()
	v.CSS, v.JS = template.CSS(read("page.css")), template.JS(read("page.js"))
	var b bytes.Buffer
	err = t.Execute(&b, v)
	return b.Bytes(), err
}

// pageView is what the template prints.
type pageView struct {
	*Report
	CSS                    template.CSS
	JS                     template.JS
	Covered, Visible, Runs int
	Cases                  Fixtures
	Alerts, Techniques     int
	SeenRules, RunRules    int
	SnapshotRules          int // of those that run
	GuideViews             []guideView
	Tactics                []*Tactic
	TacticRules            map[string]int
	Most                   int // rules of a technique
	Tiers, Levels          []string
	AllTables              []string
	Forms                  []Target
	keys                   map[*Rule]string
}

type guideView struct {
	Guide
	Items                        []*Item
	Sections                     []sectionView
	Covered, Visible, Runs, Size int
	Rules                        int
}

type sectionView struct {
	Name  string
	Items []*Item
}

func (r *Report) view() *pageView {
	v := &pageView{Report: r, Tactics: r.Matrix(), TacticRules: map[string]int{}, keys: map[*Rule]string{}}
	v.Covered, v.Visible, v.Runs = Count(r.Items)
	v.SeenRules, v.RunRules = CountRules(r.Rules)
	v.SnapshotRules = CountSnapshots(r.Rules)
	techniques := map[string]bool{}
	taken := map[string]bool{}
	for n, rule := range r.Rules {
		key := rule.ID
		if key == "" || taken[key] || strings.ContainsAny(key, " \t\n") {
			key = fmt.Sprintf("n%d", n)
		}
		v.keys[rule], taken[key] = key, true
		v.Cases.add(rule.Fixtures)
		if rule.Tier == "alert" {
			v.Alerts++
		}
		for _, t := range rule.Techniques {
			techniques[t] = true
		}
		if !slices.Contains(v.Tiers, rule.Tier) && rule.Tier != "" {
			v.Tiers = append(v.Tiers, rule.Tier)
		}
		v.AllTables = append(v.AllTables, rule.Tables...)
	}
	slices.Sort(v.Tiers)
	slices.Sort(v.AllTables)
	v.AllTables = slices.Compact(v.AllTables)
	v.Techniques = len(techniques)
	for _, l := range []string{"critical", "high", "medium", "low", "informational"} {
		if slices.ContainsFunc(r.Rules, func(rule *Rule) bool { return rule.Level == l }) {
			v.Levels = append(v.Levels, l)
		}
	}
	for _, t := range v.Tactics {
		seen := map[*Rule]bool{}
		for _, x := range t.Techniques {
			v.Most = max(v.Most, len(x.Rules))
			for _, rule := range x.Rules {
				seen[rule] = true
			}
		}
		v.TacticRules[t.Short] = len(seen)
	}
	for _, t := range r.Targets {
		if t.Group == GroupForm {
			v.Forms = append(v.Forms, t)
		}
	}
	for _, g := range r.Guides {
		x := guideView{Guide: g, Items: r.ItemsOf(g.ID)}
		x.Covered, x.Visible, x.Runs = Count(x.Items)
		x.Size = len(x.Items)
		rules := map[*Rule]bool{}
		for _, i := range x.Items {
			for _, rule := range i.rules {
				rules[rule] = true
			}
			n := slices.IndexFunc(x.Sections, func(s sectionView) bool { return s.Name == i.Section })
			if n < 0 {
				n = len(x.Sections)
				x.Sections = append(x.Sections, sectionView{Name: i.Section})
			}
			x.Sections[n].Items = append(x.Sections[n].Items, i)
		}
		x.Rules = len(rules)
		v.GuideViews = append(v.GuideViews, x)
	}
	return v
}

// Group returns the targets of a group.
func (v *pageView) Group(name string) []Target {
	return slices.DeleteFunc(slices.Clone(v.Targets), func(t Target) bool { return t.Group != name })
}

// ItemText returns what a guide asks, by the id of the item.
func (v *pageView) ItemText(id string) string {
	for _, i := range v.Items {
		if i.ID == id {
			return i.Item
		}
	}
	return ""
}

// GuidesOf returns the guides of items, by their ids.
func GuidesOf(items []string) []string {
	var out []string
	for _, id := range items {
		g, _, _ := strings.Cut(id, "/")
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// state is the word for what can be done with a rule or item now.
func state(visible, runs bool) string {
	switch {
	case runs:
		return "runs"
	case visible:
		return "lacks"
	}
	return "unseen"
}

var pageFunctions = template.FuncMap{
	"guides":  GuidesOf,
	"join":    func(list []string) string { return strings.Join(list, " ") },
	"comma":   func(list []string) string { return strings.Join(list, ", ") },
	"state":   state,
	"mark":    func(s State) string { return marks[s] },
	"css":     func(s State) string { return strings.ReplaceAll(string(s), " ", "-") },
	"percent": func(n, of int) int { return 100 * n / max(of, 1) },
	// Few techniques have many rules: the steps are those of a logarithm.
	"heat": func(n, most int) int {
		return 1 + min(4, int(5*math.Log(float64(max(n, 1)))/math.Log(float64(max(most, 1)+1))))
	},
	"plural": func(n int, noun string) string {
		if n == 1 {
			return "1 " + noun
		}
		if strings.HasSuffix(noun, "ch") || strings.HasSuffix(noun, "ss") {
			noun += "e"
		}
		return fmt.Sprintf("%d %ss", n, noun)
	},
	"technique":  TechniqueName,
	"attackPath": func(id string) string { return strings.ReplaceAll(id, ".", "/") },
	"https":      func(u string) bool { return strings.HasPrefix(u, "https://") },
	"host": func(u string) string {
		u = strings.TrimPrefix(u, "https://")
		host, path, _ := strings.Cut(u, "/")
		parts := strings.Split(strings.Trim(path, "/"), "/")
		return host + " … " + parts[len(parts)-1]
	},
	"anchor": func(id string) string { return "item-" + strings.ReplaceAll(id, "/", ".") },
	"short":  func(id string) string { return id[strings.LastIndexByte(id, '/')+1:] },
}

// Key is what the page calls a rule: its id, if that can be part of an anchor and
// no other rule has it.
func (v *pageView) Key(r *Rule) string { return v.keys[r] }

// Keys are those of the rules for an item.
func (v *pageView) Keys(i *Item) []string {
	var out []string
	for _, rule := range i.rules {
		out = append(out, v.keys[rule])
	}
	return out
}

// GainKind is a list of gains with its heading.
type GainKind struct{ Kind, Head string }

// GainKinds returns the kinds that there are.
func (r *Report) GainKinds() []GainKind {
	all := []GainKind{{"licence", "One licence more would show"}, {"table", "One table more would show"}, {"parameter", "One parameter more would let run"}}
	return slices.DeleteFunc(all, func(k GainKind) bool { return len(r.GainsOf(k.Kind)) == 0 })
}

// GainsOf returns the gains of a kind.
func (r *Report) GainsOf(kind string) []Gain {
	return slices.DeleteFunc(slices.Clone(r.Gains), func(g Gain) bool { return g.Kind != kind })
}

// MostGain is the highest number of rules of a gain.
func (v *pageView) MostGain() int {
	n := 0
	for _, g := range v.Gains {
		n = max(n, len(g.Rules))
	}
	return n
}
