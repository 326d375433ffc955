package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Plan is what an organisation buys, by the licences that rules name under
// requires.
type Plan struct {
	Name     string
	Title    string
	Licences []string
}

// plans in the order in which Plans lists them. What a plan includes is
// Microsoft's service description (learn.microsoft.com/office365/servicedescriptions,
// learn.microsoft.com/entra/fundamentals/licensing) of November 2025. Tables of
// Defender's hunting need the plan that writes them; Entra's logs in a workspace
// need P1, but for AuditLogs. Entra ID P1 is part of Microsoft 365 E3, P2 and the
// Defender plans of E5. A Sentinel workspace lies in an Azure subscription.
var plans = func() []Plan {
	entraFree := []string{"Entra ID Free"}
	entraP1 := append(slices.Clone(entraFree), "Entra ID P1")
	entraP2 := append(slices.Clone(entraP1), "Entra ID P2")
	audit := []string{"Audit (Standard)", "Exchange Online"}
	defender := []string{"Microsoft Defender XDR"}
	office := append(slices.Clone(defender), "Defender for Office 365 P2")
	endpoint := append(slices.Clone(defender), "Defender for Endpoint P2")
	cloudApps := append(slices.Clone(defender), "Defender for Cloud Apps", "Microsoft Defender for Cloud Apps with App governance")
	azure := []string{"Azure subscription"}
	e3 := slices.Concat(entraP1, audit)
	e5 := slices.Concat(entraP2, audit, []string{"Audit (Premium)"}, defender, office[1:], endpoint[1:], cloudApps[1:])
	return []Plan{
		{"entra-free", "Entra ID Free", entraFree},
		{"entra-p1", "Entra ID P1", entraP1},
		{"entra-p2", "Entra ID P2", entraP2},
		{"e3", "Microsoft 365 E3", e3},
		{"e5", "Microsoft 365 E5", e5},
		{"defender-office", "Defender for Office 365 Plan 2", office},
		{"defender-endpoint", "Defender for Endpoint Plan 2", endpoint},
		{"defender-cloud-apps", "Defender for Cloud Apps", cloudApps},
		{"azure", "an Azure subscription", azure},
		{"ueba", "Microsoft Sentinel UEBA", []string{"Microsoft Sentinel UEBA"}},
		{"azure-devops", "Azure DevOps", []string{"Azure DevOps"}},
	}
}()

// NoLicence stands under requires for the licence of a table that needs none of
// its own: it is there where a plan brings it.
const NoLicence = "none"

// tablesOf are the tables that come with a licence, those that rules of the pack
// require. What a plan brings is the same whatever rules are loaded: Entra ID P1
// brings the sign-ins to a rule that says nothing of licences, too.
var tablesOf = map[string][]string{
	"Entra ID Free": {"AuditLogs", "graph:applications", "graph:authenticationMethods", "graph:devices", "graph:roleAssignments",
		"graph:servicePrincipals", "graph:users"},
	"Entra ID P1": {"AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs", "MicrosoftGraphActivityLogs", "SigninLogs",
		"graph:userRegistrationDetails"},
	"Entra ID P2":                {"AADNonInteractiveUserSignInLogs", "AADUserRiskEvents", "SecurityAlert", "SigninLogs"},
	"Audit (Standard)":           {"OfficeActivity"},
	"Audit (Premium)":            {"OfficeActivity"},
	"Exchange Online":            {"exo:inboxRules", "graph:messageRules"},
	"Microsoft Defender XDR":     {"AlertEvidence", "AlertInfo"},
	"Defender for Office 365 P2": {"EmailEvents", "UrlClickEvents"},
	"Defender for Endpoint P2":   {"DeviceEvents", "DeviceLogonEvents", "DeviceNetworkEvents", "DeviceProcessEvents"},
	"Defender for Cloud Apps":    {"CloudAppEvents"},
	"Microsoft Defender for Cloud Apps with App governance": {"AlertInfo", "OAuthAppInfo", "SecurityAlert"},
	"Azure subscription":      {"AZKVAuditLogs", "AzureActivity", "azure:roleAssignments"},
	"Microsoft Sentinel UEBA": {"IdentityInfo"},
	"Azure DevOps":            {"AzureDevOpsAuditing"},
}

// TablesOf returns the tables that come with licences, by their names under
// requires: those that rules of the pack require, whatever rules are loaded.
func TablesOf(licences ...string) []string {
	var out []string
	for _, l := range licences {
		out = append(out, tablesOf[l]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Plans returns the plans that ParseHave knows by name.
func Plans() []Plan { return slices.Clone(plans) }

// Have is what an organisation has: plans and tables. A nil Have has everything.
type Have struct {
	// Plans and Tables are as asked for.
	Plans  []string `json:"plans,omitempty"`
	Tables []string `json:"tables,omitempty"`
	// Licences are those of the plans.
	Licences []string `json:"licences,omitempty"`
	// Brings are the tables that the plans bring: TablesOf their licences.
	Brings []string `json:"brings,omitempty"`
}

// ParseHave reads words that are names of plans or of tables: those that plans
// bring, those that the rules of the report read, and those that the built-in
// pipelines of workspaces and of Defender know. No words mean everything.
func (r *Report) ParseHave(words []string) (*Have, error) {
	if len(words) == 0 {
		return nil, nil
	}
	h := &Have{}
	known := append(TablesOf(licences()...), r.Tables()...)
	for _, name := range []string{"sentinel", "defender"} {
		if p, err := compiler.BuiltinPipeline(name); err == nil {
			known = append(known, p.SchemaTables()...)
		}
	}
	for _, w := range words {
		if i := slices.IndexFunc(plans, func(p Plan) bool { return strings.EqualFold(p.Name, w) }); i >= 0 {
			h.Plans = append(h.Plans, plans[i].Name)
			for _, l := range plans[i].Licences {
				if !slices.Contains(h.Licences, l) {
					h.Licences = append(h.Licences, l)
				}
			}
			continue
		}
		if i := slices.IndexFunc(known, func(t string) bool { return strings.EqualFold(t, w) }); i >= 0 {
			h.Tables = append(h.Tables, known[i])
			continue
		}
		names := slices.Clone(known)
		for _, p := range plans {
			names = append(names, p.Name)
		}
		return nil, fmt.Errorf("%q is no table and no plan: %s", w, sigma.NearestHint(w, names, "the plans are "+planNames()))
	}
	h.Brings = TablesOf(h.Licences...)
	return h, nil
}

// licences are those of all plans.
func licences() []string {
	var out []string
	for _, p := range plans {
		out = append(out, p.Licences...)
	}
	return out
}

func planNames() string {
	var out []string
	for _, p := range plans {
		out = append(out, p.Name)
	}
	return strings.Join(out, ", ")
}

// Tables returns all tables that rules read or require, those of Defender XDR
// included, sorted.
func (r *Report) Tables() []string {
	var out []string
	for _, rule := range r.Rules {
		out = append(append(out, rule.Tables...), rule.Hunted...)
		for _, q := range rule.Requires {
			out = append(out, q.Table)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// SetHave asks the report anew what can be seen and what runs.
func (r *Report) SetHave(h *Have) {
	r.Have = h
	for _, i := range r.Items {
		i.Visible, i.Runs = false, false
	}
	r.settle(h)
}

// Meets reports whether the tables of a rule are there, in a workspace or in
// Defender XDR.
func (h *Have) Meets(rule *Rule) bool {
	there := func(table string) bool { return h.Has(rule, table) }
	return h == nil || rule.needs.met(there) || len(rule.Hunted) > 0 && rule.hunted.met(there)
}

// Has reports whether a table is there for a rule. A table that was named is
// there with all that it may hold. A table of a plan is there for a rule that
// requires it with one of the plan's licences, or that names no licence for it:
// risk in SigninLogs needs more than SigninLogs.
func (h *Have) Has(rule *Rule, table string) bool {
	if h == nil || slices.Contains(h.Tables, table) {
		return true
	}
	said := false
	for _, q := range rule.Requires {
		if q.Table == table && q.needsLicence() {
			said = true
			if slices.Contains(h.Licences, q.Licence) {
				return true
			}
		}
	}
	return !said && slices.Contains(h.Brings, table)
}

// Missing names the licences that would bring a rule the tables that are not
// there, or those tables.
func (h *Have) Missing(rule *Rule) string {
	var out []string
	for _, q := range rule.Requires {
		if !h.Has(rule, q.Table) && q.needsLicence() && !slices.Contains(out, q.Licence) {
			out = append(out, q.Licence)
		}
	}
	if len(out) == 0 {
		return rule.Needs
	}
	return strings.Join(out, ", ")
}

// needsLicence reports whether a licence is named.
func (q Requirement) needsLicence() bool { return q.Licence != "" && q.Licence != NoLicence }

// Narrow leaves of a rule, lowered for a workspace, what reads tables that are
// there: of a correlation the rules that it rests on. Tables that the report's
// rule does not name are other services' names for the same and stay. It returns
// the rule itself where nothing is missing, nil where too little is left, and the
// tables that it takes out.
func (h *Have) Narrow(rule *Rule, r *ir.Rule) (narrowed *ir.Rule, without []string) {
	there := func(table string) bool { return !slices.Contains(rule.Tables, table) || h.Has(rule, table) }
	narrowed = narrow(r, there, &without)
	slices.Sort(without)
	return narrowed, slices.Compact(without)
}

func narrow(r *ir.Rule, there func(table string) bool, without *[]string) *ir.Rule {
	if r.Correlation == nil {
		if there(r.Source.Table) {
			return r
		}
		*without = append(*without, r.Source.Table)
		return nil
	}
	if !needsOfCorrelation(r.Correlation).met(there) {
		return nil
	}
	inputs := make([]ir.Input, len(r.Correlation.Inputs))
	same := true
	for i, in := range r.Correlation.Inputs {
		inputs[i] = in
		inputs[i].Taps = nil
		for _, tap := range in.Taps {
			less := narrow(tap.Rule, there, without)
			same = same && less == tap.Rule
			if less != nil {
				tap.Rule = less
				inputs[i].Taps = append(inputs[i].Taps, tap)
			}
		}
	}
	if same {
		return r
	}
	c, out := *r.Correlation, *r
	c.Inputs = inputs
	out.Correlation = &c
	return &out
}

// Gain is what one thing more would add.
type Gain struct {
	Kind string `json:"kind"` // licence, table or parameter
	Name string `json:"name"`
	// Items and Rules can be seen or run then and not before, by id, rules without
	// one by title; Alerts are those of the rules of tier alert.
	Items  []string `json:"items"`
	Rules  []string `json:"rules"`
	Alerts int      `json:"alerts"`
}

// gains returns what each licence, table and parameter would add by itself, the
// most items first, then the most rules. A licence or table lets rules see; a
// parameter lets rules run that can see.
func (r *Report) gains(have *Have) []Gain {
	var out []Gain
	add := func(kind, name string, now, then func(*Rule) bool) {
		g := Gain{Kind: kind, Name: name, Items: []string{}, Rules: []string{}}
		more := func(rule *Rule) bool { return rule.Error == "" && !now(rule) && then(rule) }
		for _, rule := range r.Rules {
			if more(rule) {
				g.Rules = append(g.Rules, rule.name())
				if rule.Tier == "alert" {
					g.Alerts++
				}
			}
		}
		for _, i := range r.Items {
			if !slices.ContainsFunc(i.rules, now) && slices.ContainsFunc(i.rules, more) {
				g.Items = append(g.Items, i.ID)
			}
		}
		if len(g.Rules) > 0 {
			out = append(out, g)
		}
	}
	visible := func(rule *Rule) bool { return rule.Visible }
	if have != nil {
		known := licences()
		for _, rule := range r.Rules {
			for _, q := range rule.Requires {
				if q.needsLicence() {
					known = append(known, q.Licence)
				}
			}
		}
		slices.Sort(known)
		for _, l := range slices.Compact(known) {
			if slices.Contains(have.Licences, l) {
				continue
			}
			more := *have
			more.Licences = append(slices.Clone(have.Licences), l)
			more.Brings = TablesOf(more.Licences...)
			add("licence", l, visible, more.Meets)
		}
		for _, t := range r.Tables() {
			if slices.Contains(have.Tables, t) || slices.Contains(have.Brings, t) { // it is there; what else it needs is a licence
				continue
			}
			more := *have
			more.Tables = append(slices.Clone(have.Tables), t)
			add("table", t, visible, more.Meets)
		}
	}
	var parameters []string
	for _, rule := range r.Rules {
		parameters = append(parameters, rule.Lacks...)
	}
	slices.Sort(parameters)
	for _, p := range slices.Compact(parameters) {
		add("parameter", p, func(rule *Rule) bool { return rule.Runs }, func(rule *Rule) bool {
			return rule.Visible && len(rule.Lacks) == 1 && rule.Lacks[0] == p
		})
	}
	slices.SortStableFunc(out, func(a, b Gain) int {
		return cmp.Or(cmp.Compare(len(b.Items), len(a.Items)), cmp.Compare(len(b.Rules), len(a.Rules)), cmp.Compare(a.Name, b.Name))
	})
	return out
}
