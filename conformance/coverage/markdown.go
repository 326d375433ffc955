package coverage

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Page is a file of a folder of pages.
type Page struct {
	Name string // in the folder, without a path
	Data []byte
}

// Markdown writes the report for people who read the project: README.md, a page
// for each guide, forms.md, the rules by event form, and parameters.md. Links lead to rules and
// fixtures from two folders below the module's root. What an organisation has is
// no part of it.
func (r *Report) Markdown() []Page {
	pages := []Page{{"README.md", r.index()}}
	for _, g := range r.Guides {
		pages = append(pages, Page{g.ID + ".md", r.guidePage(g)})
	}
	return append(pages, Page{"forms.md", r.formsPage()}, Page{"parameters.md", r.parametersPage()})
}

const generated = "<!-- Made by `rulewright coverage --format markdown --out docs/coverage`; a test holds it to the rules. -->\n\n"

// inventories are what the index gives figures for.
var inventories = [][]string{
	{"entra-free"}, {"entra-p1"}, {"e3"}, {"e3", "azure"}, {"e3", "azure", "entra-p2"}, {"e3", "azure", "defender-office"},
	{"e3", "azure", "defender-endpoint"}, {"e3", "azure", "defender-cloud-apps"}, {"e5", "azure"}, {"e5", "azure", "ueba", "azure-devops"},
}

func (r *Report) index() []byte {
	var b bytes.Buffer
	covered, _, _ := Count(r.Items)
	fmt.Fprintf(&b, "# Coverage\n\n%s%d of %d items of the guides have a rule that matches a whole, realistic record and stays quiet on a near miss of it. "+
		"`rulewright coverage --format html --out coverage.html` writes the same as a page to look at, with filters and the ATT&CK matrix.\n\n", generated, covered, len(r.Items))
	b.WriteString("| guide | items | covered | rules | cases that match | near misses |\n|---|---|---|---|---|---|\n")
	for _, g := range r.Guides {
		items := r.ItemsOf(g.ID)
		n, _, _ := Count(items)
		rules := rulesOf(items)
		var cases Fixtures
		for _, rule := range rules {
			cases.add(rule.Fixtures)
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %d | %d | %d | %d | %d |\n", g.Title, g.ID, len(items), n, len(rules), cases.Match, cases.NearMiss)
	}
	var cases Fixtures
	tiers := map[string]int{}
	for _, rule := range r.Rules {
		cases.add(rule.Fixtures)
		tiers[rule.Tier]++
	}
	fmt.Fprintf(&b, "| all | %d | %d | %d | %d | %d |\n\n", len(r.Items), covered, len(r.Rules), cases.Match, cases.NearMiss)
	fmt.Fprintf(&b, "A rule may be for items of several guides. Of the rules %d alert, %d report, %d are for hunting and %d pass on a product's alert. [Rules by event form](forms.md), [what the profile holds](parameters.md).\n\n", tiers["alert"], tiers["report"], tiers["hunt"], tiers["product"])

	b.WriteString("## What a tenant gets\n\nItems and rules whose tables are there, all parameters filled in. `rulewright coverage --have e3,azure --profile tenant.yaml` says which, and what one thing more would add.\n\n")
	b.WriteString("| `--have` | items | rules | of these, alerts | items in a workspace alone |\n|---|---|---|---|---|\n")
	for _, words := range inventories {
		items, rules, alerts := r.With(words...)
		fmt.Fprintf(&b, "| `%s` | %d of %d | %d of %d | %d | %d |\n", strings.Join(words, ","), items, len(r.Items), rules, len(r.Rules), alerts, r.inWorkspace(words))
	}
	b.WriteString("\n| plan | is | tables that it brings, of those that rules require |\n|---|---|---|\n")
	for _, p := range plans {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, p.Title, strings.Join(TablesOf(p.Licences...), ", "))
	}
	b.WriteString("\nTables that begin with `graph:`, `exo:` and `azure:` are snapshots, such as what Microsoft Graph answers, for `rulewright match`; a workspace does not hold them.\n")

	b.WriteString("\n## Where the rules run\n\n| target | | rules |\n|---|---|---|\n")
	for _, t := range r.Targets {
		n := map[State]int{}
		as := map[string]int{}
		for _, rule := range r.Rules {
			c := rule.Targets[t.Name]
			n[c.State]++
			if c.As != "" {
				as[c.As]++
			}
		}
		text := fmt.Sprint(n[Yes])
		switch {
		case t.Group == GroupForm:
			text = fmt.Sprintf("%d proven, %d in some tables, %d without a fixture, %d cannot see", n[Proven], n[Partly], n[Unproven], n[Blind])
		case len(as) > 1:
			text += ": "
			for i, k := range sortedKeys(as) {
				if i > 0 {
					text += ", "
				}
				text += fmt.Sprintf("%d as %s", as[k], k)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", t.Title, t.Group, text)
	}

	fmt.Fprintf(&b, "\n## ATT&CK\n\nTechniques of MITRE ATT&CK Enterprise %s by tactic, with the number of rules. `rulewright coverage --format navigator --out layer.json` writes a layer for ATT&CK Navigator.\n\n| tactic | techniques |\n|---|---|\n", r.ATTACK)
	for _, t := range r.Matrix() {
		var cells []string
		for _, x := range t.Techniques {
			text := fmt.Sprintf("%s %s (%d)", x.ID, x.Name, len(x.Rules))
			cells = append(cells, text)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", t.Name, strings.Join(cells, ", "))
	}
	return b.Bytes()
}

// With returns how many items and rules have their tables with these plans and
// tables, and how many of the rules alert.
func (r *Report) With(words ...string) (items, rules, alerts int) {
	h, err := r.ParseHave(words)
	if err != nil {
		return 0, 0, 0
	}
	there := func(rule *Rule) bool { return rule.Error == "" && h.Meets(rule) }
	for _, rule := range r.Rules {
		if there(rule) {
			rules++
			if rule.Tier == "alert" {
				alerts++
			}
		}
	}
	for _, i := range r.Items {
		if slices.ContainsFunc(i.rules, there) {
			items++
		}
	}
	return items, rules, alerts
}

// inWorkspace returns how many items have a rule that Sentinel takes with these
// plans.
func (r *Report) inWorkspace(words []string) int {
	n := 0
	h, err := r.ParseHave(words)
	for _, i := range r.Items {
		if err == nil && slices.ContainsFunc(i.rules, func(rule *Rule) bool { return h.Meets(rule) && rule.Targets["export-sentinel"].State == Yes }) {
			n++
		}
	}
	return n
}

func rulesOf(items []*Item) []*Rule {
	var out []*Rule
	for _, i := range items {
		for _, rule := range i.rules {
			if !slices.Contains(out, rule) {
				out = append(out, rule)
			}
		}
	}
	return out
}

func (r *Report) guidePage(g Guide) []byte {
	var b bytes.Buffer
	items := r.ItemsOf(g.ID)
	covered, _, _ := Count(items)
	fmt.Fprintf(&b, "# %s\n\n%s%d items, %d of them covered, by %d rules. Severity is the guide's own word, level ours. The numbers are the cases of a rule's fixtures: those that must match, and near misses. Tables: [README](README.md).\n",
		g.Title, generated, len(items), covered, len(rulesOf(items)))
	section := ""
	for _, i := range items {
		if i.Section != section {
			section = i.Section
			fmt.Fprintf(&b, "\n## %s\n\n| item | severity | rules |\n|---|---|---|\n", cell(section))
		}
		var rules []string
		for _, rule := range i.rules {
			text := fmt.Sprintf("%s (%s, %s)", rule.link(), rule.Tier, rule.Level)
			if len(rule.FixtureFiles) > 0 {
				text += fmt.Sprintf(" [%d + %d](../../conformance/%s)", rule.Fixtures.Match, rule.Fixtures.NearMiss, rule.FixtureFiles[0])
			}
			rules = append(rules, text)
		}
		if len(rules) == 0 {
			rules = []string{"none"}
		}
		fmt.Fprintf(&b, "| %s<br>`%s` | %s | %s |\n", cell(i.Item), strings.TrimPrefix(i.ID, g.ID+"/"), cell(i.Severity), strings.Join(rules, "<br>"))
	}
	b.WriteString("\n## The rules\n\n| rule | reads | parameters | ATT&CK |\n|---|---|---|---|\n")
	for _, rule := range rulesOf(items) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", rule.link(), rule.Needs, strings.Join(rule.Parameters, ", "), strings.Join(rule.Techniques, ", "))
	}
	return b.Bytes()
}

// link leads to the rule's file.
func (r *Rule) link() string {
	return fmt.Sprintf("[%s](../../rules/%s/%s)", cell(r.Title), r.Guide, path.Base(r.File))
}

// cell writes text for a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(strings.TrimSpace(s))
}

func (r *Report) formsPage() []byte {
	var b bytes.Buffer
	var forms []Target
	for _, t := range r.Targets {
		if t.Group == GroupForm {
			forms = append(forms, t)
		}
	}
	fmt.Fprintf(&b, "# Rules by event form\n\n%sThe same fact comes in several forms. A case of a fixture that gives it in several asks the same verdict of each, on every engine.\n\n", generated)
	b.WriteString("| | |\n|---|---|\n| ● | a fixture shows a match in this form, in each of the rule's tables: its record is of the form, or the suite says it again in the form |\n| ◐ | in some of its tables, or without some of its fields; they are listed below |\n" +
		"| ○ | the rule compiles for the form, no fixture shows a match in it |\n| – | cannot see: the form does not carry the rule's events, or lacks a field that the rule needs (listed below) |\n\n")
	b.WriteString("| form |")
	for _, s := range []State{Proven, Partly, Unproven, Blind} {
		fmt.Fprintf(&b, " %s |", marks[s])
	}
	b.WriteString("\n|---|---|---|---|---|\n")
	for _, f := range forms {
		n := map[State]int{}
		for _, rule := range r.Rules {
			n[rule.Targets[f.Name].State]++
		}
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d | %d |\n", f.Name, n[Proven], n[Partly], n[Unproven], n[Blind])
	}
	for _, g := range r.Guides {
		fmt.Fprintf(&b, "\n## %s\n\n| rule |", g.Title)
		for _, f := range forms {
			fmt.Fprintf(&b, " %s |", f.Title)
		}
		b.WriteString("\n|---|" + strings.Repeat(":-:|", len(forms)) + "\n")
		for _, rule := range r.Rules {
			if rule.Guide != g.ID {
				continue
			}
			fmt.Fprintf(&b, "| %s |", rule.link())
			for _, f := range forms {
				fmt.Fprintf(&b, " %s |", marks[rule.Targets[f.Name].State])
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("\n## What is missing\n\n| form | what | rules |\n|---|---|---|\n")
	for _, f := range forms {
		why := map[string][]string{}
		for _, rule := range r.Rules {
			if c := rule.Targets[f.Name]; c.Why != "" && c.Why != notThere {
				text := marks[c.State] + " " + c.Why
				why[text] = append(why[text], rule.link())
			}
		}
		for _, text := range sortedKeys(why) {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, cell(text), strings.Join(why[text], ", "))
		}
	}
	return b.Bytes()
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
