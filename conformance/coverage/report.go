package coverage

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// Options are what a report is made of.
type Options struct {
	// Documents are the rules, those that only feed correlations and filters
	// included. Those that name no item of the list are passed over, but for Also.
	Documents []*sigma.Document
	// Also, if set, says which rules are taken that name no item.
	Also     func(*sigma.Document) bool
	Fixtures []*conformance.Fixture
	// Forms, if set, adds what the fixtures' records show when they are said again
	// in other forms.
	Forms *Forms
	// Lowering holds the catalogue, the profile, the overrides; Pipeline, Table
	// and Documents are not used.
	Lowering compiler.Options
}

// Report says what a pack does of a coverage list.
type Report struct {
	ATTACK  string   `json:"attack"` // the version that tactics and techniques are of
	Guides  []Guide  `json:"guides"`
	Items   []*Item  `json:"items"`
	Rules   []*Rule  `json:"rules"`   // by guide and file
	Targets []Target `json:"targets"` // all that Rule.Targets may name, in order
	// Parameters are those of the catalogue that rules use.
	Parameters []Parameter `json:"parameters"`
	// Have is what SetHave was asked with; nil: everything. Gains say what one
	// thing more would add.
	Have  *Have  `json:"have,omitempty"`
	Gains []Gain `json:"gains,omitempty"`
}

// Rule is a rule for items of the list.
type Rule struct {
	Document      *sigma.Document `json:"-"`
	ID            string          `json:"id"`
	Title         string          `json:"title"`
	File          string          `json:"file"`
	Guide         string          `json:"guide"` // the folder it lies in
	Kind          string          `json:"kind"`  // rule or correlation
	Level         string          `json:"level,omitempty"`
	Tier          string          `json:"tier,omitempty"`
	GuideSeverity string          `json:"guideSeverity,omitempty"`
	Description   string          `json:"description,omitempty"`
	References    []string        `json:"references,omitempty"`
	Items         []string        `json:"items"`
	Requires      []Requirement   `json:"requires"`
	// Tables are those that the rule reads, as Log Analytics calls them, and
	// Needs how they must be there.
	Tables []string `json:"tables"`
	Needs  string   `json:"needs"`
	// Snapshot: all of them are snapshots, which no workspace holds: the rule
	// runs in `rulewright match` alone.
	Snapshot bool `json:"snapshot,omitempty"`
	// Hunted are the tables of Defender XDR in which the rule can be asked too.
	Hunted []string `json:"hunted,omitempty"`
	// Parameters are those that the rule uses, Lacks those without a value, for
	// want of which it does not run.
	Parameters []string `json:"parameters,omitempty"`
	Lacks      []string `json:"lacks,omitempty"`
	Tactics    []string `json:"tactics,omitempty"`
	Techniques []string `json:"techniques,omitempty"`
	Fixtures   Fixtures `json:"fixtures"`
	// FixtureFiles hold the cases.
	FixtureFiles []string `json:"fixtureFiles"`
	// Targets says of each target what becomes of the rule there.
	Targets map[string]Cell `json:"targets"`
	// Error says why the rule cannot be compiled.
	Error string `json:"error,omitempty"`
	// Visible: its tables are there. Runs: nothing else is missing.
	Visible bool `json:"visible"`
	Runs    bool `json:"runs"`

	needs  need
	hunted need
}

// name is what lists of rules call it.
func (r *Rule) name() string { return cmp.Or(r.ID, r.Title) }

// Requirement is what a rule says must be there.
type Requirement struct {
	Table     string `json:"table"`
	Connector string `json:"connector,omitempty"`
	Licence   string `json:"licence,omitempty"`
}

// New makes a report for an organisation that has every table. The diagnostics say what is wrong with the rules' own
// lists: ids that no item has.
func New(list *List, opts Options) (*Report, sigma.Diagnostics) {
	r := &Report{ATTACK: sentinel.ATTACKVersion, Guides: list.Guides}
	index := map[string]*Item{}
	var ids []string
	for _, i := range list.Items {
		c := *i
		c.Rules, c.Targets = []string{}, map[string]bool{}
		if c.Tables == nil {
			c.Tables = []string{}
		}
		r.Items = append(r.Items, &c)
		index[c.ID] = &c
		ids = append(ids, c.ID)
	}
	proofs := proofsOf(opts.Fixtures)
	opts.Forms.add(proofs)
	m := newMaker(opts)
	r.Targets = m.targets()
	var ds sigma.Diagnostics
	var docs []*sigma.Document
	for _, d := range opts.Documents {
		if d.Kind == sigma.KindFilter || len(d.Meta.Coverage) == 0 && (opts.Also == nil || !opts.Also(d)) {
			continue
		}
		docs = append(docs, d)
		for _, id := range d.Meta.Coverage {
			if index[id] == nil {
				hint := sigma.NearestHint(id, ids, "take it out, or add it to the list of items")
				ds = append(ds, sigma.Diagnostic{File: d.File, Pos: d.KeyPos("coverage"), Severity: sigma.SeverityWarning, Code: sigma.CodeBadValue,
					Message: fmt.Sprintf("no item of the guides has the id %q", id), Hint: hint})
			}
		}
	}
	slices.SortStableFunc(docs, func(a, b *sigma.Document) int { return strings.Compare(a.File, b.File) })
	r.Rules = make([]*Rule, len(docs))
	parallel(len(docs), func(n int) { r.Rules[n] = m.rule(docs[n], proofs[proofKey(docs[n])]) })
	r.drop()
	r.Parameters = parametersOf(opts.Lowering.Catalogue, r.Rules)
	for _, rule := range r.Rules {
		counted := map[string]bool{}
		for _, id := range rule.Items {
			i := index[id]
			if i == nil || counted[id] {
				continue
			}
			counted[id] = true
			i.rules = append(i.rules, rule)
			i.Rules = append(i.Rules, rule.name())
			i.Fixtures.add(rule.Fixtures)
			for t, c := range rule.Targets {
				i.Targets[t] = i.Targets[t] || c.State.There()
			}
			i.Covered = i.Covered || rule.Error == "" && rule.Fixtures.Match > 0 && rule.Fixtures.NearMiss > 0
		}
	}
	r.settle(nil)
	return r, ds
}

// settle says what is visible and runs, and what would.
func (r *Report) settle(have *Have) {
	for _, rule := range r.Rules {
		rule.Visible = rule.Error == "" && have.Meets(rule)
		rule.Runs = rule.Visible && len(rule.Lacks) == 0
	}
	for _, i := range r.Items {
		for _, rule := range i.rules {
			i.Visible = i.Visible || rule.Visible
			i.Runs = i.Runs || rule.Runs
		}
	}
	r.Gains = r.gains(have)
}

// drop takes out the targets at which no rule is.
func (r *Report) drop() {
	r.Targets = slices.DeleteFunc(r.Targets, func(t Target) bool {
		return !slices.ContainsFunc(r.Rules, func(rule *Rule) bool { return rule.Targets[t.Name].State.There() })
	})
	for _, rule := range r.Rules {
		for name := range rule.Targets {
			if !slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Name == name }) {
				delete(rule.Targets, name)
			}
		}
	}
}

// Only keeps the items of these guides, and the rules for them.
func (r *Report) Only(guides []string) {
	if len(guides) == 0 {
		return
	}
	r.Guides = slices.DeleteFunc(slices.Clone(r.Guides), func(g Guide) bool { return !slices.Contains(guides, g.ID) })
	r.Items = slices.DeleteFunc(r.Items, func(i *Item) bool { return !slices.Contains(guides, i.Guide) })
	r.Rules = slices.DeleteFunc(r.Rules, func(rule *Rule) bool {
		return !slices.ContainsFunc(r.Items, func(i *Item) bool { return slices.Contains(i.rules, rule) })
	})
	r.Gains = r.gains(r.Have)
}

// Count returns of how many of the items each holds.
func Count(items []*Item) (covered, visible, runs int) {
	for _, i := range items {
		if i.Covered {
			covered++
		}
		if i.Visible {
			visible++
		}
		if i.Runs {
			runs++
		}
	}
	return covered, visible, runs
}

// CountRules returns of how many of the rules the tables are there, and how many
// run.
func CountRules(rules []*Rule) (visible, runs int) {
	for _, r := range rules {
		if r.Visible {
			visible++
		}
		if r.Runs {
			runs++
		}
	}
	return visible, runs
}

// CountSnapshots returns how many of the rules run over snapshots alone.
func CountSnapshots(rules []*Rule) (runs int) {
	for _, r := range rules {
		if r.Runs && r.Snapshot {
			runs++
		}
	}
	return runs
}

// ItemsOf returns the items of a guide.
func (r *Report) ItemsOf(guide string) []*Item {
	return slices.DeleteFunc(slices.Clone(r.Items), func(i *Item) bool { return i.Guide != guide })
}

// RulesOf returns the rules for an item.
func (r *Report) RulesOf(i *Item) []*Rule { return i.rules }

// parallel calls f for 0 … n-1, several at a time.
func parallel(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// proof is what the fixtures of a rule show.
type proof struct {
	cases Fixtures
	files []string
	// tables holds form and table of the events of cases that match, forms
	// those of histories with hits that are all of one form.
	tables map[[2]string]bool
	forms  map[string]bool
	// lacks are fields, by form, for want of which records said again in the form
	// have another verdict.
	lacks map[string][]string
}

// proofKey is the id of a rule; of one without, which a fixture reads for itself,
// its title and what it means.
func proofKey(d *sigma.Document) string {
	return cmp.Or(d.Meta.ID, d.Meta.Title+" "+sentinel.Meaning(d))
}

// proofsOf reads what fixtures show, by proofKey of the rule.
func proofsOf(fixtures []*conformance.Fixture) map[string]*proof {
	out := map[string]*proof{}
	for _, f := range fixtures {
		d := f.Rule()
		if d == nil {
			continue
		}
		key := proofKey(d)
		p := out[key]
		if p == nil {
			p = &proof{tables: map[[2]string]bool{}, forms: map[string]bool{}}
			out[key] = p
		}
		p.files = append(p.files, f.File)
		for i := range f.Cases {
			p.take(&f.Cases[i])
		}
	}
	return out
}

func (p *proof) take(c *conformance.Case) {
	match, nearMiss := c.Shows()
	switch {
	case match:
		p.cases.Match++
	case nearMiss:
		p.cases.NearMiss++
	default:
		p.cases.NotRun++
	}
	if !match {
		return
	}
	var forms []string
	for n := range c.Events {
		src := c.Events[n].Source()
		if c.Hits == nil {
			p.tables[[2]string{string(src.Form), src.Table}] = true
		}
		forms = append(forms, string(src.Form))
	}
	slices.Sort(forms)
	if forms = slices.Compact(forms); c.Hits != nil && len(forms) == 1 {
		p.forms[forms[0]] = true
		for n := range c.Events {
			p.tables[[2]string{forms[0], c.Events[n].Source().Table}] = true
		}
	}
}
