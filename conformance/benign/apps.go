package benign

import (
	"fmt"
	"strings"
	"time"
)

const secretsManagement = "Update application – Certificates and secrets management "

// keys is the list of an application's credentials as the log has it.
func keys(ids []string, kind string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		usage := "Verify"
		out[i] = fmt.Sprintf("[KeyIdentifier=%s,KeyType=%s,KeyUsage=%s,DisplayName=rotation %d]", id, kind, usage, i)
	}
	return asJSON(out)
}

type address struct {
	AddressType            int
	Address                string
	ReplyAddressClientType int
	ReplyAddressIndex      *int
	IsReplyAddressDefault  bool
}

func addresses(urls ...string) string {
	out := []address{}
	for _, u := range urls {
		kind := 0
		if strings.HasSuffix(u, "/logout") {
			kind = 4
		}
		out = append(out, address{kind, u, 1, nil, false})
	}
	return asJSON(out)
}

// appChanges are the lives of applications: registered, given permissions and
// secrets, changed.
func (m *month) appChanges(day int) {
	d := NewDice(m.Options.Seed, "app changes", day)
	works := m.works(day)
	approver := func() *User { return pick(d, m.Approvers()) }
	inHours := func() time.Time {
		return m.day(day).Add(min(max(d.clock(11.5, 2), 8*time.Hour+30*time.Minute), 17*time.Hour))
	}
	anApp := func() *App { return m.Apps[len(daemonApps)+d.IntN(len(m.Apps)-len(daemonApps))] }

	for range d.often(1.6 * works) {
		m.rotate(d, m.begin("secret-rotation"), anApp(), approver(), inHours())
	}
	if day%3 == 1 { // the vault renews what expires, at night
		for range d.between(1, 2) {
			m.rotate(d, m.begin("secret-rotation-out-of-hours"), anApp(), nil, m.day(day).Add(2*time.Hour+d.within(2*time.Hour)))
		}
	}
	for range d.often(0.35 * works) { // a SAML application's signing certificate
		a := anApp()
		if !a.SAML {
			continue
		}
		by := approver()
		m.audit(d, m.begin("signing-certificate-renewed"), Audit{Time: inHours(), Operation: "Update service principal", Category: "ApplicationManagement", Verb: "Update", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{a.principal(Property{"KeyDescription", keys(a.Secrets[:1], "AsymmetricX509Cert"), keys([]string{a.Secrets[0], d.GUID()}, "AsymmetricX509Cert")},
				Property{"Included Updated Properties", "", quoted("KeyDescription")}, Property{"TargetId.ServicePrincipalNames", "", quoted(a.AppID)})}})
	}
	for range d.often(0.7 * works) {
		a, by := anApp(), approver()
		home := "https://" + a.Host + "/signin-oidc"
		m.audit(d, m.begin("redirect-uri-edit"), Audit{Time: inHours(), Operation: "Update application", Category: "ApplicationManagement", Verb: "Update", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{a.target(Property{"AppAddress", addresses(home), addresses(home, "https://"+a.Host+"/"+pick(d, []string{"auth", "callback", "oauth2", "login"}))}, Property{"Included Updated Properties", "", quoted("AppAddress")})}})
	}
	if day == 16 { // a supplier's application answers at the supplier
		a, by := m.Apps[40+day], approver()
		m.audit(d, m.begin("redirect-uri-of-supplier"), Audit{Time: inHours(), Operation: "Update application", Category: "ApplicationManagement", Verb: "Update", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{a.target(Property{"AppAddress", addresses("https://" + a.Host + "/sso"), addresses("https://"+a.Host+"/sso", "https://contoso.northwind.example/sso")}, Property{"Included Updated Properties", "", quoted("AppAddress")})}})
	}
	if day == 11 {
		a, by := anApp(), approver()
		home := "https://" + a.Host + "/signin-oidc"
		m.audit(d, m.begin("logout-url-edit"), Audit{Time: inHours(), Operation: "Update application", Category: "ApplicationManagement", Verb: "Update", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{a.target(Property{"AppAddress", addresses(home), addresses(home, "https://"+a.Host+"/logout")}, Property{"Included Updated Properties", "", quoted("AppAddress")})}})
	}
	for range d.often(0.5 * works) {
		a, by, owner := anApp(), approver(), pick(d, m.Users)
		op, tg := "Add owner to application", a.target()
		if d.chance(0.4) {
			op, tg = "Add owner to service principal", a.principal()
		}
		m.audit(d, m.begin("owner-edit"), Audit{Time: inHours(), Operation: op, Category: "ApplicationManagement", Verb: "Assign", By: by, From: m.offices[by.Office].IP, Targets: []Target{owner.target(), tg}})
	}
	for range d.often(2.5 * works) { // ordinary changes
		a, by := anApp(), approver()
		m.audit(d, everyday("app-updated"), Audit{Time: inHours(), Operation: "Update application", Category: "ApplicationManagement", Verb: "Update", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{a.target(Property{"DisplayName", listed(a.Name), listed(a.Name)}, Property{"Included Updated Properties", "", quoted("DisplayName")})}})
	}
	if s, ok := onboardings[day]; ok {
		m.onboard(d, s, inHours())
	}
	if day == 4 || day == 11 || day == 18 { // Terraform makes an identity for a new service
		a := m.Daemon("Terraform Platform")
		o := m.begin("app-by-terraform")
		app := m.newApp(d, fmt.Sprintf("svc-%s", pick(d, []string{"orders", "pricing", "tracking", "billing"})))
		at := inHours()
		m.register(d, o, app, nil, a, at)
		m.rotateBy(d, o, app, Audit{Time: at.Add(20 * time.Second), ByApp: a})
	}
}

// rotate gives an application a new secret: by an administrator or, without
// one, by the vault.
func (m *month) rotate(d Dice, o occasion, a *App, by *User, at time.Time) {
	x := Audit{Time: at}
	if by != nil {
		x.By, x.From = by, m.offices[by.Office].IP
	} else {
		x.ByApp = m.Daemon("Secret Rotation")
	}
	m.rotateBy(d, o, a, x)
	// The old one goes some days later.
	x.Time = at.Add(30 * time.Minute)
	x.Operation, x.Category, x.Verb, x.Correlation = secretsManagement, "ApplicationManagement", "Update", d.GUID()
	two := []string{a.Secrets[0], d.GUID()}
	x.Targets = []Target{a.target(Property{"KeyDescription", keys(two, "Password"), keys(two[1:], "Password")}, Property{"Included Updated Properties", "", quoted("KeyDescription")})}
	m.audit(d, o, x)
}

func (m *month) rotateBy(d Dice, o occasion, a *App, x Audit) {
	x.Category, x.Verb, x.Correlation = "ApplicationManagement", "Update", d.GUID()
	before, after := "[]", keys([]string{d.GUID()}, "Password")
	if len(a.Secrets) > 0 {
		before, after = keys(a.Secrets[:1], "Password"), keys([]string{a.Secrets[0], d.GUID()}, "Password")
	}
	change := []Property{{"KeyDescription", before, after}, {"Included Updated Properties", "", quoted("KeyDescription")}}
	x.Operation, x.Targets = secretsManagement, []Target{a.target(change...)}
	m.audit(d, o, x)
	x.Time = x.Time.Add(time.Second)
	x.Operation, x.Targets = "Update application", []Target{a.target(Property{"Included Updated Properties", "", quoted("")})}
	m.audit(d, o, x)
}

// newApp is an application of this month.
func (m *month) newApp(d Dice, name string) *App {
	return &App{N: -1, Name: name, AppID: d.GUID(), ObjectID: d.GUID(), SPID: d.GUID(), Host: strings.ReplaceAll(strings.ToLower(name), " ", "-") + "." + Domain}
}

// register adds an application and its service principal.
func (m *month) register(d Dice, o occasion, a *App, by *User, byApp *App, at time.Time) {
	x := Audit{Time: at, Category: "ApplicationManagement", Verb: "Add", ByApp: byApp, By: by}
	if by != nil {
		x.From = m.offices[by.Office].IP
	}
	x.Operation = "Add application"
	x.Targets = []Target{a.target(Property{"AppAddress", "[]", addresses("https://" + a.Host + "/signin-oidc")}, Property{"AppId", "[]", listed(a.AppID)}, Property{"AvailableToOtherTenants", "[]", "[false]"},
		Property{"DisplayName", "[]", listed(a.Name)}, Property{"Included Updated Properties", "", quoted("AppAddress, AppId, AvailableToOtherTenants, DisplayName")})}
	m.audit(d, o, x)
	x.Time, x.Operation = at.Add(2*time.Second), "Add service principal"
	x.Targets = []Target{a.principal(Property{"AccountEnabled", "[]", "[true]"}, Property{"AppPrincipalId", "[]", listed(a.AppID)}, Property{"DisplayName", "[]", listed(a.Name)}, Property{"TargetId.ServicePrincipalNames", "", quoted(a.AppID)})}
	m.audit(d, o, x)
}

// onboarding is a new application that an administrator consents to.
type onboarding struct {
	name   string
	roles  []string // application permissions on Microsoft Graph
	scopes string   // delegated ones for everybody
}

// onboardings by day. Two get at mail, some at other things of everybody.
var onboardings = map[int]onboarding{
	1:  {"Room Finder", nil, "openid profile User.Read Place.Read.All"},
	3:  {"Team Calendar", nil, "openid profile User.Read Calendars.Read.Shared"},
	7:  {"Ticket Mail Bridge", []string{"Mail.ReadBasic.All", "Mail.Read"}, ""},
	9:  {"Org Chart", []string{"User.Read.All", "GroupMember.Read.All"}, "openid profile User.Read"},
	14: {"Device Report", []string{"Device.Read.All", "DeviceManagementManagedDevices.Read.All"}, ""},
	16: {"Sales Assistant", nil, "openid profile User.Read Mail.Read Mail.Send"},
	18: {"Printer Service", nil, "openid profile User.Read PrintJob.ReadWriteBasic"},
	28: {"Compliance Archive", []string{"AuditLog.Read.All", "Reports.Read.All"}, ""},
}

func (m *month) onboard(d Dice, s onboarding, at time.Time) {
	o := m.begin("app-onboarding")
	by := pick(d, m.Approvers())
	a := m.newApp(d, s.name)
	m.register(d, o, a, by, nil, at)
	m.rotateBy(d, o, a, Audit{Time: at.Add(3 * time.Minute), By: by, From: m.offices[by.Office].IP})
	x := Audit{Category: "ApplicationManagement", Verb: "Assign", By: by, From: m.offices[by.Office].IP, Correlation: d.GUID()}
	graph := Target{ID: NewDice(m.Options.Seed, "graph principal").GUID(), Name: "Microsoft Graph", Type: "ServicePrincipal"}
	names := quoted(graphAPI.id + ";https://graph.microsoft.com")
	at = at.Add(20 * time.Minute)
	for i, role := range s.roles {
		x.Time, x.Operation = at.Add(time.Duration(i)*time.Second), "Add app role assignment to service principal"
		api := graph
		api.Modified = []Property{{"AppRole.Id", "", quoted(d.GUID())}, {"AppRole.Value", "", quoted(role)}, {"AppRole.DisplayName", "", quoted("Use the API as this application")},
			{"ServicePrincipal.ObjectID", "", quoted(a.SPID)}, {"ServicePrincipal.DisplayName", "", quoted(a.Name)}, {"ServicePrincipal.AppId", "", quoted(a.AppID)}, {"TargetId.ServicePrincipalNames", "", names}}
		x.Targets = []Target{api, a.principal()}
		m.audit(d, o, x)
	}
	if s.scopes != "" {
		x.Time, x.Operation, x.Verb = at.Add(5*time.Second), "Add delegated permission grant", "Assign"
		api := graph
		api.Modified = []Property{{"DelegatedPermissionGrant.Scope", "", quoted(" " + s.scopes)}, {"DelegatedPermissionGrant.ConsentType", "", quoted("AllPrincipals")}, {"ServicePrincipal.ObjectID", "", quoted(a.SPID)}, {"TargetId.ServicePrincipalNames", "", names}}
		x.Targets = []Target{api, a.principal()}
		m.audit(d, o, x)
	}
	x.Time, x.Operation = at.Add(6*time.Second), "Consent to application"
	x.Targets = []Target{a.principal(consentOf(a, "True", "AllPrincipals", s.scopes+" "+strings.Join(s.roles, " "), "")...)}
	m.audit(d, o, x)
}

// consentOf are the properties of a consent.
func consentOf(a *App, admin, consentType, scopes, user string) []Property {
	all := "True"
	if consentType != "AllPrincipals" {
		all = "False"
	}
	return []Property{{"ConsentContext.IsAdminConsent", "", quoted(admin)}, {"ConsentContext.IsAppOnly", "", quoted("False")}, {"ConsentContext.OnBehalfOfAll", "", quoted(all)}, {"ConsentContext.Tags", "", quoted("WindowsAzureActiveDirectoryIntegratedApp")},
		{"ConsentAction.Permissions", "", quoted(fmt.Sprintf("[] => [[Id: %s, ClientId: %s, PrincipalId: %s, ResourceId: , ConsentType: %s, Scope: %s, CreatedDateTime: , LastModifiedDateTime ]]; ", a.ObjectID, a.SPID, user, consentType, " "+strings.TrimSpace(scopes)))},
		{"TargetId.ServicePrincipalNames", "", quoted(a.AppID)}}
}

// consents are those of people for themselves, for permissions that the policy
// leaves to them, and the requests that the policy sends to an administrator.
func (m *month) consents(day int) {
	d := NewDice(m.Options.Seed, "consents", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	for range d.often(3 * m.works(day)) {
		u, a := pick(d, people), m.Apps[len(daemonApps)+d.IntN(55)]
		if !u.there(day) || u.Executive {
			continue
		}
		o := m.begin("user-consent")
		at := m.day(day).Add(d.clock(12, 2.5))
		x := Audit{Time: at, Category: "ApplicationManagement", By: u, From: m.offices[u.Office].IP, Correlation: d.GUID()}
		scopes := pick(d, []string{"openid profile email User.Read", "openid profile User.Read offline_access", "User.Read Calendars.Read"})
		x.Operation, x.Verb = "Add delegated permission grant", "Assign"
		x.Targets = []Target{{ID: NewDice(m.Options.Seed, "graph principal").GUID(), Name: "Microsoft Graph", Type: "ServicePrincipal", Modified: []Property{{"DelegatedPermissionGrant.Scope", "", quoted(" " + scopes)},
			{"DelegatedPermissionGrant.ConsentType", "", quoted("Principal")}, {"ServicePrincipal.ObjectID", "", quoted(a.SPID)}, {"TargetId.ServicePrincipalNames", "", quoted(graphAPI.id)}}}, a.principal()}
		m.audit(d, o, x)
		x.Time, x.Operation = at.Add(time.Second), "Consent to application"
		x.Targets = []Target{a.principal(consentOf(a, "False", "Principal", scopes, u.ID)...)}
		m.audit(d, o, x)
	}
	for range d.often(0.8 * m.works(day)) {
		u, a := pick(d, people), m.Apps[len(daemonApps)+d.IntN(55)]
		m.audit(d, m.begin("consent-left-to-admin"), Audit{Time: m.day(day).Add(d.clock(12, 2.5)), Operation: "Consent to application", Category: "ApplicationManagement", Verb: "Assign", By: u, From: m.offices[u.Office].IP,
			Result: "failure", Reason: "Microsoft.Online.Security.UserConsentRequiresAdminApprovalException", Targets: []Target{a.principal(consentOf(a, "False", "Principal", "Mail.Read", u.ID)...)}})
	}
	for range d.often(0.5 * m.works(day)) { // ordinary failures of the same kind
		a, by := m.Apps[len(daemonApps)+d.IntN(55)], pick(d, m.Approvers())
		m.audit(d, everyday("app-updated"), Audit{Time: m.day(day).Add(d.clock(12, 2.5)), Operation: "Update service principal", Category: "ApplicationManagement", Verb: "Update", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{a.principal(Property{"Homepage", "", listed("https://" + a.Host)}, Property{"Included Updated Properties", "", quoted("Homepage")}, Property{"TargetId.ServicePrincipalNames", "", quoted(a.AppID)})}})
	}
}
