package benign

import (
	"fmt"
	"strings"
	"time"
)

// Profile is the organisation's tenant profile, as rulewright reads it: what
// its administrators would tell a rule pack. Lists of general knowledge are left
// at the defaults of the pack's catalogue.
func (t *Tenant) Profile() []byte {
	var b strings.Builder
	b.WriteString("# What Contoso tells the rule pack about itself. Made by conformance/benign from the same tenant\n# as the month; what is not here keeps the default of the pack's catalogue.\nrulewright-profile: 1\nparameters:\n")
	list := func(name string, values ...string) {
		fmt.Fprintf(&b, "  %s:\n", name)
		for _, v := range values {
			fmt.Fprintf(&b, "    - %s\n", quoted(v))
		}
	}
	upns := func(lists ...[]*User) (out []string) {
		for _, l := range lists {
			for _, u := range l {
				out = append(out, u.UPN)
			}
		}
		return out
	}
	list("approved_admins", append(upns(t.Approvers()), t.Daemon("Secret Rotation").SPID, t.Daemon("Terraform Platform").SPID, t.Daemon("Release Pipeline").SPID)...)
	list("privileged_accounts", upns(t.Admins, t.Executives)...)
	list("privileged_groups", "c1a7f0d2-4b0e-4f0b-8a53-1f5e9d3c7b20", "Tier 0 Operators")
	list("account_admins", append(upns(t.AccountAdmins()), t.Daemon("HR Sync").SPID, invitationPortal)...)
	list("user_name_patterns", "?*.?*@contoso.com", "scan-*@contoso.com", "adm-*@contoso.com")
	list("privileged_name_patterns", "adm-*@contoso.com", "breakglass?@contoso.onmicrosoft.com")
	var important, saml []string
	for _, a := range t.Apps {
		if a.Important {
			important = append(important, a.AppID)
		}
		if a.SAML {
			saml = append(saml, a.SPID)
		}
	}
	list("important_apps", important...)
	b.WriteString("  business_hours: Mon-Fri 06:00-20:00 Europe/Berlin\n")
	b.WriteString("  time_zone: Europe/Berlin\n")
	list("holidays", t.holidays()...)
	list("corporate_networks", "198.51.100.0/24", "192.0.2.0/26", "2001:db8:100::/48")
	list("owned_domains", Domain, "contoso.onmicrosoft.com")
	list("partner_domains", "fabrikam.example", "northwind.example", "adatum.example")
	list("key_vault_principals", t.vaultReaders()...)
	list("device_code_apps", azureCLI.id)
	list("ropc_apps", t.app("Test Rig").AppID, exchangeOnline.id)
	list("saml_service_principals", saml...)
	list("unused_credential_types", "Symmetric")
	b.WriteString("  max_secret_lifetime: 180d\n  max_certificate_lifetime: 365d\n")
	list("approved_countries", "DE", "AT")
	list("incident_traces", "203.0.113.250", "invoice-sync-pro")
	return []byte(b.String())
}

// vaultReaders are the principals that read key vaults in their daily work.
func (t *Tenant) vaultReaders() []string {
	var out []string
	for _, n := range []string{"Terraform Platform", "Terraform Network", "Terraform Data", "Release Pipeline", "Secret Rotation", "HR Sync", "Payroll Export", "Data Warehouse Load", "Contoso CRM Sync"} {
		out = append(out, t.Daemon(n).AppID)
	}
	return out
}

// holidays are the days on which few work, weekends aside.
func (t *Tenant) holidays() []string {
	var out []string
	for n := range t.Options.Days {
		if n == publicHoliday || n/7 == holidayWeek {
			out = append(out, t.day(n).Format(time.DateOnly))
		}
	}
	return out
}
