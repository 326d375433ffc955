package conformance

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance/benign"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/sigma"
)

// monthHits are the hits of one rule on the benign month.
type monthHits struct {
	rule  *compiler.RuleInfo
	hits  int
	lacks []string       // parameters for want of which it does not run
	kinds map[string]int // what happened in life, of alerts
	when  []string       // of high and critical alerts
}

// monthColumn is a pack's hits on the month, by the file of the rule.
type monthColumn map[string]*monthHits

// alerts are the hits of tier alert, and those of level high or critical among
// them.
func (c monthColumn) alerts() (all, high int) {
	for _, h := range c {
		if h.rule.Tier == "alert" {
			all += h.hits
			if h.rule.Level == "high" || h.rule.Level == "critical" {
				high += h.hits
			}
		}
	}
	return all, high
}

// readMonth runs the pack over the month, behind the history that its baselines
// know.
func readMonth(t *testing.T, docs []*sigma.Document, catalogue []sigma.Parameter, profile *compiler.Profile, tenant *benign.Tenant) monthColumn {
	var forms []*compiler.Pipeline
	for _, name := range []string{"log-analytics", "graph-api"} {
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, p)
	}
	rs, diags := compiler.NewRuleSet(docs, compiler.RuleSetOptions{Options: compiler.Options{Catalogue: catalogue, Profile: profile}, Pipelines: forms})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	column := monthColumn{}
	for _, r := range rs.Rules() {
		if r.Tier != "" {
			column[r.File] = &monthHits{rule: r, kinds: map[string]int{}}
		}
	}
	for _, n := range rs.NotRun() {
		if h := column[n.Rule.File]; h != nil && n.Rule.Tier != "" {
			h.lacks = n.Lacks
		}
	}
	// The kind goes along in the record, under a name that no rule asks for.
	const kindOf = "benign.kind"
	counts := false
	take := func(hits []*compiler.Hit) {
		for _, h := range hits {
			m := column[h.Rule.File]
			if !counts || h.Rule.Tier == "" {
				continue
			}
			m.hits++
			if h.Rule.Tier != "alert" {
				continue
			}
			about := map[string]bool{}
			if e, ok := h.Event().(map[string]any); ok {
				about[e[kindOf].(string)] = true
			}
			for _, c := range h.Contributing { // those that are hits carry nothing
				if k, ok := c.Event.(string); ok {
					about[k] = true
				}
			}
			for k := range about {
				m.kinds[k]++
			}
			if h.Rule.Level == "high" || h.Rule.Level == "critical" {
				who := ""
				for _, e := range h.Entities() {
					if who += " " + e.Value; len(who) > 70 {
						break
					}
				}
				m.when = append(m.when, h.Time().Format("2006-01-02 15:04")+who)
			}
		}
	}
	stream := compiler.NewStream(rs, compiler.StreamOptions{Keep: func(r event.Record) any {
		if e, ok := r.Event.(map[string]any); ok {
			return e[kindOf]
		}
		return nil
	}})
	push := func(e benign.Event) {
		e.Record[kindOf] = e.Kind
		hits, err := stream.Push(e.Record)
		if err != nil {
			t.Fatal(err)
		}
		take(hits)
	}
	for e := range tenant.History() {
		push(e)
	}
	counts = true
	for e := range tenant.Events() {
		push(e)
	}
	take(stream.Close())
	if s := stream.Stats(); s.Late != 0 || s.EvictedGroups != 0 || s.DroppedEvents != 0 || s.DecidedEarly != 0 {
		t.Errorf("the stream left something out: %+v", s)
	}
	if d := append(rs.Disabled(), stream.Disabled()...); len(d) > 0 {
		t.Errorf("rules were disabled: %v", d)
	}
	return column
}

// TestBenignMonth has the pack be quiet about a month in which nothing bad
// happens: with the organisation's profile at most 5 alerts a day and one of
// level high or critical a week, with the defaults alone at most 20 a day. The
// hits of each rule are committed, and each rule that alerts says why there.
func TestBenignMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 128,000 events twice")
	}
	const table = "testdata/benign-month.txt"
	files, catalogue := packRules(t), packCatalogue(t)
	docs := packDocuments(files)
	tenant := benign.New(benign.Options{})
	profile, diags := compiler.ParseProfile("contoso.yaml", tenant.Profile())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the month is garbage as soon as it is read
	var columns [2]monthColumn
	t.Run("columns", func(t *testing.T) {
		for i, p := range []*compiler.Profile{profile, nil} {
			t.Run([]string{"profile", "defaults"}[i], func(t *testing.T) {
				t.Parallel()
				columns[i] = readMonth(t, docs, catalogue, p, tenant)
			})
		}
	})
	if t.Failed() {
		return
	}
	with, without := columns[0], columns[1]
	days := float64(benign.DefaultDays)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The pack on the benign month: hits of each rule, with the organisation's profile and with the\n# defaults alone, behind %d days of history (cmd/benign -history); - where a rule does not run for want\n# of a parameter. A test compares.\n", benign.HistoryDays)
	all, high := with.alerts()
	fmt.Fprintf(&b, "alerts with the profile   %4d in %.0f days, %.1f a day; high or critical %d, %.1f a week\n", all, days, float64(all)/days, high, float64(high)*7/days)
	if float64(all) > 5*days || float64(high)*7 > days {
		t.Errorf("with the profile %d alerts, %d of them high or critical, in %.0f days: more than 5 a day or one a week", all, high, days)
	}
	all, high = without.alerts()
	fmt.Fprintf(&b, "alerts with the defaults  %4d in %.0f days, %.1f a day; high or critical %d, %.1f a week\n\n", all, days, float64(all)/days, high, float64(high)*7/days)
	if float64(all) > 20*days {
		t.Errorf("with the defaults %d alerts in %.0f days: more than 20 a day", all, days)
	}
	number := func(h *monthHits) string {
		if h == nil || len(h.lacks) > 0 {
			return "-"
		}
		return fmt.Sprint(h.hits)
	}
	tiers := []string{"alert", "product", "report", "hunt"}
	levels := []string{"critical", "high", "medium", "low", "informational"}
	names := slices.SortedFunc(maps.Keys(with), func(a, b string) int {
		x, y := with[a].rule, with[b].rule
		return cmp.Or(cmp.Compare(slices.Index(tiers, x.Tier), slices.Index(tiers, y.Tier)), cmp.Compare(slices.Index(levels, x.Level), slices.Index(levels, y.Level)), strings.Compare(a, b))
	})
	fmt.Fprintf(&b, "%-8s %-14s %-75s %8s %8s\n", "tier", "level", "rule", "profile", "defaults")
	for _, name := range names {
		h := with[name]
		fmt.Fprintf(&b, "%-8s %-14s %-75s %8s %8s\n", h.rule.Tier, h.rule.Level, strings.TrimSuffix(name, ".yaml"), number(h), number(without[name]))
		if h.rule.Tier != "alert" || h.hits == 0 && without[name].hits == 0 {
			continue
		}
		why := monthReasons[strings.TrimSuffix(name, ".yaml")]
		if why == "" {
			t.Errorf("%s alerts on the benign month: say why in monthReasons", name)
		}
		fmt.Fprintf(&b, "    %s\n", why)
		for _, k := range slices.Sorted(maps.Keys(h.kinds)) {
			fmt.Fprintf(&b, "    on %s %d\n", k, h.kinds[k])
		}
		for _, w := range h.when {
			fmt.Fprintf(&b, "    at %s\n", w)
		}
	}
	for name := range monthReasons {
		if h := with[name+".yaml"]; h == nil || h.hits == 0 && without[name+".yaml"].hits == 0 {
			t.Errorf("%s does not alert on the benign month; take its reason away", name)
		}
	}
	golden.Compare(t, table, b.String())
}

// monthReasons say, for each rule that alerts on the benign month, what the
// alerts are about and why the rule does not leave them out.
var monthReasons = map[string]string{
	"entra-apps/app-redirect-uri-on-unowned-domain":               "A supplier runs one of the applications under its own domain; an approved administrator entered the address. Nothing in the event tells it from an attack; a profile may list the supplier under owned_domains.",
	"entra-users/user-added-to-privileged-entra-role":             "A new administrator is made eligible for a role, by the administrator whose work that is. It happens once or twice a month and is worth a look each time.",
	"token-theft/graph-token-used-by-two-clients":                 "A part of Office names itself otherwise while the line at home changes between IPv4 and IPv6. Rare enough to be looked at.",
	"app-governance/app-fails-to-read-key-vaults":                 "The release pipeline lost its right to a vault for half an hour; its owner wants to know as well.",
	"app-governance/app-reads-or-writes-teams":                    "The backup reads Teams every night, and is told of once in 13 days.",
	"app-governance/app-searches-mail":                            "eDiscovery searches the mailboxes of a case, once for each case: the work of the legal department, which can confirm it.",
	"app-governance/app-sends-many-mails":                         "Payslips go out once a month.",
	"app-governance/directory-enumerated-with-graph-powershell":   "An administrator takes an inventory of all accounts.",
	"entra-apps/app-credentials-added-outside-business-hours":     "An administrator rotates a secret on a day between holidays. The nightly rotation by approved automation is left out.",
	"entra-apps/app-role-granted-high-risk":                       "A ticket system is given the permission to read mail, at its onboarding.",
	"entra-apps/delegated-permission-granted-for-all-users":       "An administrator consents for everybody to an application that works on mail.",
	"entra-apps/delegated-permission-granted-high-risk":           "The same consent for everybody, told once more as a grant of a high-risk scope.",
	"entra-apps/key-vault-read-by-unknown-principal":              "A developer looks a value up in the portal.",
	"entra-apps/service-principal-assigned-privileged-azure-role": "A new pipeline becomes Contributor of its resource group.",
	"entra-users/guest-invited-by-unapproved-inviter":             "Somebody who may invite guests, but is not named in account_admins, does.",
	"entra-users/guest-invited-by-new-inviter":                    "The same, where nobody named anybody.",
	"entra-users/mfa-declined-by-user":                            "Somebody pressed the wrong button and signs in a moment later.",
	"entra-users/password-known-in-unapproved-country":            "Travellers, and homes whose IPv6 is placed abroad, who are late with the second factor.",
	"entra-users/sign-in-from-new-country":                        "Somebody on holiday abroad signs in on a private tablet; the computer stayed at home.",
	"entra-users/privileged-sign-in-from-new-network":             "A member of the board signs in by a provider that they did not use for a week.",
	"entra-users/privileged-sign-in-from-unmanaged-device":        "Phones of the board that are not managed.",
	"entra-users/privileged-sign-in-outside-business-hours":       "Administrators on call and on holidays, the board in the evening; once a night.",
	"entra-users/privileged-sign-in-with-new-operating-system":    "A member of the board uses a phone for the first time in two weeks.",
	"entra-users/risk-address-rated-medium":                       "Detections of medium level that an analyst dismissed hours later.",
	"entra-users/risk-token-rated-medium":                         "Detections of medium level that an analyst dismissed hours later.",
	"entra-users/risk-travel-rated-medium":                        "Detections of medium level that an analyst dismissed hours later.",
	"m365-mail/inbox-rule-hides-mail":                             "Newsletters go to the folder for feeds, marked as read: what the attack does, with nothing to tell it by.",
	"m365-mail/inbox-rule-short-lived":                            "Rules that were tried out and taken back within the hour.",
	"m365-mail/mail-sent-to-many-recipients":                      "Marketing writes to more than a hundred customers; smaller mailings stay below the threshold.",
	"m365-mail/mail-sent-with-one-subject":                        "Personnel writes to applicants, one by one under one subject.",
	"m365-mail/security-info-after-new-network":                   "People who are at a new place and register a new phone there.",
	"token-theft/mail-forwarding-set-on-privileged-mailbox":       "A member of the board forwards to an assistant before a holiday.",
	"token-theft/privileged-account-in-new-country":               "The exit of the VPN abroad, used by one of the board.",
	"entra-users/increase-of-successful-sign-ins-to-twice":        "The days after a holiday, against the holiday a week before, where nobody entered the holidays.",
}
