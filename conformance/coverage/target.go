package coverage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/backends/sentinel"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Target is where a rule may run or be written to.
type Target struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Group string `json:"group"`
}

// The groups of targets.
const (
	GroupForm   = "event form" // matched in the process
	GroupQuery  = "query"
	GroupExport = "export"
)

// State says what becomes of a rule at a target.
type State string

// The states. Those of a query or an export are Yes or No.
const (
	Yes State = "yes"
	No  State = "no" // Cell.Why says why
	// Proven: fixtures show a match in this form, in every table of the rule.
	Proven State = "proven"
	// Partly: in some of its tables, or without some of its fields; Cell.Why names
	// the others.
	Partly State = "partly"
	// Unproven: it compiles, no fixture shows a match in this form.
	Unproven State = "no fixture"
	// Blind: it cannot be true in this form.
	Blind State = "cannot see"
)

// marks are how pages show states.
var marks = map[State]string{Proven: "●", Partly: "◐", Unproven: "○", Blind: "–", Yes: "✓", No: "–"}

// notThere is why a rule is not where none of its events are.
const notThere = "its events are not there"

// There reports whether a rule is there at all.
func (s State) There() bool { return s == Yes || s == Proven || s == Partly || s == Unproven }

// Cell is what becomes of a rule at a target.
type Cell struct {
	State State  `json:"state"`
	As    string `json:"as,omitempty"`  // the kind of artefact of an export
	Why   string `json:"why,omitempty"` // what is missing
}

// formTitles are what people call the event forms.
var formTitles = map[string]string{
	"log-analytics": "Log Analytics", "azure-diagnostic": "Diagnostic settings", "graph-api": "Microsoft Graph",
	"o365-management": "Unified audit log", "mde-hunting": "Defender hunting", "mde-hunting-stream": "Defender streaming",
	"windows": "EVTX as JSON", "windows-inner": "EVTX, System at the top", "windows-flat": "Windows, flat", "winlogbeat": "Winlogbeat",
}

// maker makes the rules of a report.
type maker struct {
	opts compiler.Options // with the profile
	// filled has a value for every parameter: what a target can say does not
	// depend on what an organisation has filled in.
	filled   compiler.Options
	refs     *sigma.References
	forms    []*compiler.Pipeline
	dialects []*backends.Dialect
	queries  []*compiler.Pipeline
}

func newMaker(opts Options) *maker {
	m := &maker{opts: opts.Lowering, refs: sigma.NewReferences(opts.Documents...)}
	m.opts.Pipeline, m.opts.Table, m.opts.Documents = nil, "", opts.Documents
	for _, d := range opts.Documents {
		if d.Kind == sigma.KindFilter {
			m.opts.Filters = append(slices.Clip(m.opts.Filters), d)
		}
	}
	m.filled = m.opts
	m.filled.Profile = fill(m.opts)
	for _, name := range compiler.BuiltinPipelines() {
		p, err := compiler.BuiltinPipeline(name)
		switch {
		case err != nil:
		case p.Form() != "":
			m.forms = append(m.forms, p)
		case name == "sentinel" || name == "defender":
			m.queries = append(m.queries, p)
		}
	}
	first := []string{"log-analytics", "azure-diagnostic", "graph-api", "o365-management", "mde-hunting", "mde-hunting-stream"}
	rank := func(p *compiler.Pipeline) int {
		if i := slices.Index(first, p.Name()); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(m.forms, func(a, b *compiler.Pipeline) int { return rank(a) - rank(b) })
	slices.SortFunc(m.queries, func(a, b *compiler.Pipeline) int { return strings.Compare(b.Name(), a.Name()) }) // Sentinel first
	for _, d := range backends.Dialects() {
		if d.Executed() {
			m.dialects = append(m.dialects, d)
		}
	}
	return m
}

// fill gives every parameter without a value its example, or any value of its
// type.
func fill(opts compiler.Options) *compiler.Profile {
	out := opts.Profile
	named := out.Names()
	give := func(p sigma.Parameter) {
		if slices.Contains(named, p.Name) || len(p.Default) > 0 || p.Catalogue {
			return
		}
		var values []any
		for _, v := range p.Example {
			switch v := v.(type) {
			case sigma.String:
				values = append(values, v.Raw)
			case sigma.Bool:
				values = append(values, v.Bool)
			case sigma.Number:
				if v.Number.IsInt {
					values = append(values, v.Number.Int)
				} else {
					values = append(values, v.Number.Float)
				}
			}
		}
		if len(values) == 0 {
			values = []any{map[string]string{"number": "1", "bool": "true", "ip": "192.0.2.1", "cidr": "192.0.2.0/24", "duration": "1h",
				"hours": "00:00-12:00", "zone": "UTC", "date": "????-12-25"}[p.Type]}
			if values[0] == "" {
				values[0] = "x"
			}
		}
		if q, err := out.WithValue(p.Name, values...); err == nil {
			out = q
		}
	}
	for _, p := range opts.Catalogue {
		give(p)
	}
	for _, d := range opts.Documents {
		for _, p := range d.Parameters {
			give(p)
		}
	}
	return out
}

func (m *maker) targets() []Target {
	var out []Target
	for _, p := range m.forms {
		name := string(p.Form())
		title := formTitles[name]
		if title == "" {
			title = name
		}
		out = append(out, Target{name, title, GroupForm})
	}
	titles := map[string]string{"sentinel": "KQL, Sentinel", "defender": "KQL, Defender XDR"}
	for _, p := range m.queries {
		out = append(out, Target{"kql-" + p.Name(), titles[p.Name()], GroupQuery})
	}
	for _, d := range m.dialects {
		title := d.Title()
		if name, regexp, ok := strings.Cut(title, " where "); ok && strings.Contains(regexp, "REGEXP") {
			title = name + " with REGEXP"
		}
		out = append(out, Target{"sql-" + d.Name(), "SQL, " + title, GroupQuery})
	}
	return append(out, Target{"export-sentinel", "Microsoft Sentinel", GroupExport}, Target{"export-defender", "Defender XDR", GroupExport})
}

// rule makes the entry of a document.
func (m *maker) rule(d *sigma.Document, p *proof) *Rule {
	meta := &d.Meta
	tactics, techniques := sentinel.ATTACK(meta.Tags)
	r := &Rule{Document: d, ID: meta.ID, Title: meta.Title, File: d.File, Guide: path.Base(path.Dir(d.File)), Kind: d.Kind.String(), Level: meta.Level, Tier: meta.Tier,
		GuideSeverity: meta.GuideSeverity, Description: strings.TrimSpace(meta.Description), References: meta.References,
		Items: meta.Coverage, Requires: []Requirement{}, Tables: []string{}, Tactics: tactics, Techniques: techniques, Targets: map[string]Cell{}}
	for _, q := range meta.Requires {
		r.Requires = append(r.Requires, Requirement{q.Table, q.Connector, q.Licence})
	}
	r.Parameters = m.parameters(d)
	if p == nil {
		p = &proof{}
	}
	r.Fixtures, r.FixtureFiles = p.cases, append([]string{}, p.files...)
	rules, ds := compiler.Lower(d, m.opts)
	if ds.HasErrors() {
		r.Error = ds.Errors().Error()
		return r
	}
	for _, rule := range rules {
		r.Lacks = rule.Lacks
	}
	known := false
	for _, pipe := range m.forms {
		rules, errs := m.lower(d, pipe)
		r.Targets[string(pipe.Form())] = formCell(rules, errs, string(pipe.Form()), p)
		if len(rules) > 0 {
			if !known {
				r.needs, known = needsOf(rules), true
			}
			m.sql(r, rules)
		}
	}
	if known {
		r.Tables, r.Needs = r.needs.tables(), r.needs.String()
		r.Snapshot = len(r.Tables) > 0 && !slices.ContainsFunc(r.Tables, func(t string) bool { return !isSnapshot(t) })
	}
	for _, d := range m.dialects {
		if name := "sql-" + d.Name(); r.Targets[name].State == "" {
			r.Targets[name] = Cell{State: No, Why: "its events come in no form"}
		}
	}
	for _, pipe := range m.queries {
		rules, errs := m.lower(d, pipe)
		if pipe.Name() == "defender" && len(rules) > 0 {
			r.hunted = needsOf(rules)
			r.Hunted = r.hunted.tables()
		}
		r.Targets["kql-"+pipe.Name()] = queryCell(rules, errs, func(rule *ir.Rule) error {
			_, err := backends.KQL(rule, backends.Target{})
			return err
		})
	}
	r.Targets["export-sentinel"] = m.export(d, sentinel.YAML, sentinel.HuntingYAML)
	r.Targets["export-defender"] = m.export(d, sentinel.Defender)
	return r
}

// isSnapshot reports whether a table is one that is fetched (graph:users), not one
// that a workspace holds.
func isSnapshot(table string) bool { return strings.Contains(table, ":") }

// parameters returns the names of the parameters of a document and of what it
// refers to.
func (m *maker) parameters(d *sigma.Document) []string {
	var out []string
	for _, x := range append([]*sigma.Document{d}, m.refs.Behind(d)...) {
		for _, p := range x.Parameters {
			if !slices.Contains(out, p.Name) {
				out = append(out, p.Name)
			}
		}
	}
	return out
}

// lower lowers a document for a pipeline, all parameters filled in.
func (m *maker) lower(d *sigma.Document, p *compiler.Pipeline) ([]*ir.Rule, sigma.Diagnostics) {
	o := m.filled
	o.Pipeline = p
	rules, ds := compiler.Lower(d, o)
	if ds.HasErrors() {
		return nil, ds.Errors()
	}
	return rules, nil
}

// formCell says what becomes of a rule in an event form.
func formCell(rules []*ir.Rule, errs sigma.Diagnostics, form string, p *proof) Cell {
	if len(errs) > 0 {
		return Cell{State: Blind, Why: reason(errs)}
	}
	var blind, unproven, absent []string
	tables := 0
	for _, r := range rules {
		missing, never := blindness(r)
		absent = append(absent, missing...)
		if never {
			blind = append(blind, r.Source.Table)
			continue
		}
		if r.Correlation != nil {
			for _, t := range needsOf([]*ir.Rule{r}).tables() {
				tables++
				if !p.forms[form] || !p.tables[[2]string{form, t}] {
					unproven = append(unproven, t)
				}
			}
			continue
		}
		tables++
		if !p.tables[[2]string{form, r.Source.Table}] {
			unproven = append(unproven, r.Source.Table)
		}
	}
	slices.Sort(absent)
	absent = slices.Compact(absent)
	switch {
	case tables == 0 && len(blind) > 0:
		return Cell{State: Blind, Why: "not in this form: " + strings.Join(absent, ", ")}
	case len(p.lacks[form]) > 0:
		return Cell{State: Partly, Why: "cannot see " + strings.Join(p.lacks[form], ", ")}
	case len(unproven) == tables:
		return Cell{State: Unproven, Why: absence(absent, "")}
	case len(unproven) > 0 || len(blind) > 0:
		return Cell{State: Partly, Why: absence(absent, "no fixture with a match: "+strings.Join(append(unproven, blind...), ", "))}
	}
	return Cell{State: Proven, Why: absence(absent, "")}
}

func absence(fields []string, more string) string {
	if len(fields) == 0 {
		return more
	}
	text := "without " + strings.Join(fields, ", ") + ", which this form does not have"
	if more != "" {
		text = more + "; " + text
	}
	return text
}

// blindness names the fields of a rule that its form does not have, and reports
// whether the rule can never be true for want of them.
func blindness(r *ir.Rule) (absent []string, never bool) {
	if r.Correlation != nil {
		inputs := make([]need, 0, len(r.Correlation.Inputs))
		for _, in := range r.Correlation.Inputs {
			blind := len(in.Taps) > 0
			for _, t := range in.Taps {
				missing, never := blindness(t.Rule)
				absent = append(absent, missing...)
				for _, f := range t.GroupBy {
					if compiler.Absent(f) {
						absent, never = append(absent, f.Name), true
					}
				}
				for _, f := range t.Counted {
					if compiler.Absent(f) {
						absent, never = append(absent, f.Name), never || needsValues(r.Correlation)
					}
				}
				blind = blind && never
			}
			inputs = append(inputs, need{table: map[bool]string{true: "blind", false: "seen"}[blind]})
		}
		return absent, !combined(r.Correlation, inputs).met(func(t string) bool { return t == "seen" })
	}
	e := ir.Map(r.When, func(e ir.Expr) ir.Expr {
		switch e := e.(type) {
		case *ir.Selection:
			return e.X
		case *ir.Match:
			if compiler.Absent(e.Field) {
				absent = append(absent, e.Field.Name)
				return ir.Const(e.Op == ir.Null)
			}
		case *ir.Any:
			if compiler.Absent(e.Over) {
				absent = append(absent, e.Over.Name)
				return ir.Const(false)
			}
			if ir.Simplify(e.X) == ir.Const(false) {
				return ir.Const(false)
			}
		}
		return e
	})
	return absent, ir.Simplify(e) == ir.Const(false)
}

// needsValues reports whether a correlation is never true of events without the
// field that it counts.
func needsValues(c *ir.Correlation) bool {
	switch c.Type {
	case sigma.Summary:
		return false
	case sigma.ValueCount:
		return slices.ContainsFunc(c.Bounds, func(b ir.Bound) bool { return !holdsFor(b, 0) })
	}
	return true
}

// queryCell says whether all of a rule can be printed.
func queryCell(rules []*ir.Rule, errs sigma.Diagnostics, print func(*ir.Rule) error) Cell {
	if len(errs) > 0 {
		return Cell{State: No, Why: reason(errs)}
	}
	for _, r := range rules {
		if err := print(r); err != nil {
			return Cell{State: No, Why: reasonOf(err)}
		}
	}
	return Cell{State: Yes}
}

// sql says in which dialects a rule can be printed, in the best of its forms.
func (m *maker) sql(r *Rule, rules []*ir.Rule) {
	for _, d := range m.dialects {
		name := "sql-" + d.Name()
		if r.Targets[name].State == Yes {
			continue
		}
		r.Targets[name] = queryCell(rules, nil, func(rule *ir.Rule) error {
			_, err := backends.SQL(rule, d, backends.Target{Table: "events", Event: "event", Time: "time"})
			return err
		})
	}
}

// kinds are what the services call the artefacts of a manifest.
var kinds = map[string]string{"rule": "analytics rule", "detection": "custom detection"}

// export says as what a rule is exported, by the first format that takes it.
func (m *maker) export(d *sigma.Document, formats ...sentinel.Format) Cell {
	cell := Cell{State: No}
	for _, f := range formats {
		p, err := compiler.BuiltinPipeline(f.Pipeline())
		if err != nil {
			continue
		}
		rules, errs := m.lower(d, p)
		if len(errs) > 0 {
			return Cell{State: No, Why: reason(errs)}
		}
		in := []sentinel.Input{{Document: d, Refers: m.refs.Behind(d), Rules: rules}}
		set, ds := sentinel.Export(f, in, sentinel.Options{Parameters: m.opts.Catalogue, Print: backends.KQL})
		switch {
		case ds.HasErrors():
			cell.Why = reason(ds.Errors())
		case len(set.Manifest.Entries) > 0:
			kind := set.Manifest.Entries[0].Kind
			if full := kinds[kind]; full != "" {
				kind = full
			}
			return Cell{State: Yes, As: kind}
		case len(set.Left) > 0 && cell.Why == "":
			cell.Why = set.Left[0].Reason
		}
	}
	return cell
}

// reason says in a few words why a rule is not there.
func reason(ds sigma.Diagnostics) string {
	for _, d := range ds {
		if d.Code != sigma.CodeUnknownSource {
			return d.Message
		}
	}
	return notThere
}

func reasonOf(err error) string {
	if d, ok := err.(sigma.Diagnostic); ok {
		return d.Message
	}
	return fmt.Sprint(err)
}
