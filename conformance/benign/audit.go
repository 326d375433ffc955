package benign

import (
	"fmt"
	"strings"
	"time"
)

// Property is a modified property of a directory audit event. Values are as
// the log has them: JSON in a string.
type Property struct{ Name, Old, New string }

// Target is a thing that a directory audit event is about.
type Target struct {
	ID, Name, Type, UPN string
	Modified            []Property
}

// Audit says what a directory audit event holds.
type Audit struct {
	Time                      time.Time
	Operation, Category, Verb string
	Service                   string // that logged it
	By                        *User
	ByApp                     *App   // instead of By
	ByService, ByServiceID    string // instead of both: one of Microsoft's
	From                      string // address
	Targets                   []Target
	Details                   [][2]string
	Result, Reason            string
	Correlation               string
}

// AuditRecord writes a directory audit event as a row of AuditLogs.
func (t *Tenant) AuditRecord(d Dice, a Audit) map[string]any {
	at := stamp(a.Time)
	if a.Correlation == "" {
		a.Correlation = d.GUID()
	}
	if a.Result == "" {
		a.Result = "success"
	}
	if a.Service == "" {
		a.Service = "Core Directory"
	}
	var by map[string]any
	details := []any{}
	switch {
	case a.By != nil:
		by = map[string]any{"user": map[string]any{"id": a.By.ID, "displayName": nil, "userPrincipalName": a.By.UPN, "ipAddress": a.From, "roles": []any{}}}
		details = append(details, map[string]any{"key": "User-Agent", "value": edgeAgent})
	case a.ByApp != nil:
		by = map[string]any{"app": map[string]any{"appId": a.ByApp.AppID, "displayName": a.ByApp.Name, "servicePrincipalId": a.ByApp.SPID, "servicePrincipalName": nil}}
	default:
		by = map[string]any{"app": map[string]any{"appId": nil, "displayName": a.ByService, "servicePrincipalId": a.ByServiceID, "servicePrincipalName": nil}}
	}
	for _, kv := range a.Details {
		details = append(details, map[string]any{"key": kv[0], "value": kv[1]})
	}
	targets := []any{}
	for _, x := range a.Targets {
		props := []any{}
		for _, p := range x.Modified {
			var old any
			if p.Old != "" {
				old = p.Old
			}
			props = append(props, map[string]any{"displayName": p.Name, "oldValue": old, "newValue": p.New})
		}
		tg := map[string]any{"id": x.ID, "displayName": nil, "type": x.Type, "modifiedProperties": props, "administrativeUnits": []any{}}
		if x.Name != "" {
			tg["displayName"] = x.Name
		}
		if x.UPN != "" {
			tg["userPrincipalName"] = x.UPN
		}
		targets = append(targets, tg)
	}
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "Azure AD", "TimeGenerated": at, "ActivityDateTime": at,
		"ResourceId":    "/tenants/" + TenantID + "/providers/Microsoft.aadiam",
		"OperationName": a.Operation, "ActivityDisplayName": a.Operation, "OperationVersion": "1.0", "Category": a.Category,
		"ResultSignature": "None", "ResultDescription": a.Reason, "DurationMs": 0, "CorrelationId": a.Correlation,
		"Resource": "Microsoft.aadiam", "ResourceGroup": "Microsoft.aadiam", "Level": "4",
		"AdditionalDetails": details, "InitiatedBy": by, "TargetResources": targets,
		"Id":              fmt.Sprintf("Directory_%s_%s_%d", a.Correlation, strings.ToUpper(d.Hex(5)), d.between(1_000_000, 250_000_000)),
		"LoggedByService": a.Service, "Result": a.Result, "ResultReason": a.Reason,
		"AADTenantId": TenantID, "AADOperationType": a.Verb, "Type": "AuditLogs",
	}
}

func (m *month) audit(d Dice, o occasion, a Audit) {
	m.add(o, a.Time, "AuditLogs", m.AuditRecord(d, a))
}

// quoted is text as the log writes a value.
func quoted(s string) string { return asJSON(s) }

// listed is a list of texts as the log writes a value.
func listed(s ...string) string { return asJSON(s) }

func (u *User) target(props ...Property) Target {
	return Target{ID: u.ID, Type: "User", UPN: u.UPN, Modified: props}
}

func (a *App) target(props ...Property) Target {
	return Target{ID: a.ObjectID, Name: a.Name, Type: "Application", Modified: props}
}

func (a *App) principal(props ...Property) Target {
	return Target{ID: a.SPID, Name: a.Name, Type: "ServicePrincipal", Modified: props}
}

// audits tells what is changed in the directory on a day.
func (m *month) audits(day int) {
	m.personnel(day)
	m.groups(day)
	m.devicesJoined(day)
	m.securityInfo(day)
	m.roles(day)
	m.guestsInvited(day)
	m.appChanges(day)
	m.consents(day)
}

// personnel are people who come, go and change: the personnel system does it,
// and now and then an administrator by hand.
func (m *month) personnel(day int) {
	d := NewDice(m.Options.Seed, "personnel", day)
	hr := m.Daemon("HR Sync")
	admins := m.AccountAdmins()
	office := m.offices[0].IP
	for _, u := range m.Users {
		if u.Joins == day {
			o := m.begin("joiner")
			at := m.day(day).Add(6*time.Hour + d.within(30*time.Minute))
			a := Audit{Time: at, Operation: "Add user", Category: "UserManagement", Verb: "Add", ByApp: hr, Targets: []Target{u.target(
				Property{"AccountEnabled", "[]", "[true]"}, Property{"DisplayName", "[]", listed(u.Name)}, Property{"EmployeeId", "[]", listed(u.EmployeeID)},
				Property{"UserPrincipalName", "[]", listed(u.UPN)}, Property{"UserType", "[]", listed("Member")},
				Property{"Included Updated Properties", "", quoted("AccountEnabled, DisplayName, EmployeeId, UserPrincipalName, UserType")})}}
			if d.chance(0.2) { // a temporary worker, whom personnel does not keep
				a.ByApp, a.By, a.From = nil, pick(d, admins), office
				a.Time = at.Add(3 * time.Hour)
			}
			m.audit(d, o, a)
			m.audit(d, o, Audit{Time: a.Time.Add(20 * time.Second), Operation: "Add member to group", Category: "GroupManagement", Verb: "Assign", ByApp: hr,
				Targets: []Target{u.target(Property{"Group.DisplayName", "", quoted("All " + u.Dept)}), {ID: d.GUID(), Type: "Group"}}})
			m.audit(d, o, Audit{Time: a.Time.Add(30 * time.Second), Operation: "Change user license", Category: "UserManagement", Verb: "Update", ByApp: hr, Targets: []Target{u.target()}})
			m.registersMethod(d, o, u, m.day(day).Add(9*time.Hour+d.within(2*time.Hour)), m.offices[u.Office].IP, "User registered Authenticator App with Notification and Code")
		}
		if u.Leaves == day {
			o := m.begin("leaver")
			at := m.day(day).Add(17*time.Hour + d.within(20*time.Minute))
			for i, op := range []string{"Disable account", "Update user", "Remove member from group"} {
				m.audit(d, o, Audit{Time: at.Add(time.Duration(i) * 15 * time.Second), Operation: op, Category: "UserManagement", Verb: "Update", ByApp: hr,
					Targets: []Target{u.target(Property{"AccountEnabled", "[true]", "[false]"}, Property{"TargetId.UserType", "", quoted("Member")})}})
			}
		}
		if u.Leaves >= 0 && u.Leaves+14 == day { // kept for two weeks
			m.audit(d, m.begin("leaver-deleted"), Audit{Time: m.day(day).Add(6*time.Hour + d.within(time.Hour)), Operation: "Delete user", Category: "UserManagement", Verb: "Delete", ByApp: hr,
				Targets: []Target{{ID: u.ID, Type: "User", UPN: strings.ReplaceAll(u.ID, "-", "") + u.UPN}}})
		}
	}
	// The nightly synchronisation updates attributes.
	for range d.often(90 * max(m.works(day), 0.3)) {
		u := pick(d, m.Users)
		m.audit(d, everyday("user-updated"), Audit{Time: m.day(day).Add(2*time.Hour + d.within(2*time.Hour)), Operation: "Update user", Category: "UserManagement", Verb: "Update", ByApp: hr,
			Targets: []Target{u.target(Property{"Department", listed("Sales"), listed(u.Dept)}, Property{"Included Updated Properties", "", quoted("Department")}, Property{"TargetId.UserType", "", quoted("Member")})}})
	}
}

// groups are members who come and go.
func (m *month) groups(day int) {
	d := NewDice(m.Options.Seed, "groups", day)
	for range d.often(70 * m.works(day)) {
		u, by := pick(d, m.Users), pick(d, m.Users)
		op := "Add member to group"
		if d.chance(0.35) {
			op = "Remove member from group"
		}
		m.audit(d, everyday("group-member"), Audit{Time: m.day(day).Add(d.clock(12, 2.5)), Operation: op, Category: "GroupManagement", Verb: "Assign", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{u.target(Property{"Group.ObjectID", "", quoted(d.GUID())}, Property{"Group.DisplayName", "", quoted("Team " + pick(d, departments))}), {ID: d.GUID(), Type: "Group"}}})
	}
	for range d.often(4 * m.works(day)) { // who may use which application
		a, by, u := pick(d, m.Apps[len(daemonApps):]), pick(d, m.Approvers()), pick(d, m.Users)
		m.audit(d, m.begin("app-assigned-to-user"), Audit{Time: m.day(day).Add(d.clock(12, 2.5)), Operation: "Add app role assignment grant to user", Category: "ApplicationManagement", Verb: "Assign",
			By: by, From: m.offices[by.Office].IP, Targets: []Target{a.principal(Property{"TargetId.ServicePrincipalNames", "", quoted(a.AppID)}), u.target()}})
	}
}

const registrationService = "Device Registration Service"

// invitationPortal is the service principal of the Microsoft Invitation Acceptance Portal.
const invitationPortal = "c9e7a3f1-5d24-4b88-a0c6-2f9d1e7b3a45"

// devicesJoined are new computers and phones.
func (m *month) devicesJoined(day int) {
	d := NewDice(m.Options.Seed, "devices joined", day)
	for range d.often(5 * m.works(day)) {
		u := pick(d, m.Users[:len(m.Users)-len(m.Admins)])
		if !u.there(day) {
			continue
		}
		o := m.begin("device-joined")
		at := m.day(day).Add(d.clock(10.5, 1.5))
		for i, op := range []string{"Add device", "Add registered owner to device", "Register device", "Add registered users to device"} {
			m.audit(d, o, Audit{Time: at.Add(time.Duration(i) * time.Second), Operation: op, Category: "Device", Verb: "Add", ByService: registrationService, ByServiceID: "475340ae-ad50-4f5e-a2ec-204d843c1c10",
				Details: [][2]string{{"Device OS", "Windows"}, {"Device Trust Type", "AzureAD"}},
				Targets: []Target{{ID: d.GUID(), Name: u.Computer.Name, Type: "Device"}, u.target()}})
		}
	}
}

func (m *month) registersMethod(d Dice, o occasion, u *User, at time.Time, from, how string) {
	for i, op := range []string{"User started security info registration", "User registered security info"} {
		m.audit(d, o, Audit{Time: at.Add(time.Duration(i) * 70 * time.Second), Operation: op, Category: "UserManagement", Verb: "Update", Service: "Authentication Methods", By: u, From: from,
			Reason: how, Targets: []Target{u.target()}})
	}
}

// passwordReset is one by the person, with the second factor.
func (m *month) passwordReset(d Dice, o occasion, u *User, at time.Time) {
	for i, op := range []string{"Reset password (self-service)", "Unlock user account (self-service)"} {
		m.audit(d, o, Audit{Time: at.Add(time.Duration(i) * time.Second), Operation: op, Category: "UserManagement", Verb: "Update", Service: "Self-service Password Management", By: u, From: u.HomeV4.IP, Targets: []Target{u.target()}})
	}
}

// securityInfo are new phones, for which the second factor is registered anew,
// and changed passwords.
func (m *month) securityInfo(day int) {
	d := NewDice(m.Options.Seed, "security info", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	for range d.often(3.5 * m.works(day)) {
		u := pick(d, people)
		if !u.there(day) || u.Executive && d.chance(0.9) {
			continue
		}
		o := m.begin("second-factor-registered-anew")
		at := m.day(day).Add(d.clock(13, 2.5))
		from := m.offices[u.Office]
		if d.chance(0.4) {
			from = u.HomeV4
		}
		m.signIn(d, o, SignIn{Time: at.Add(-2 * time.Minute), User: u, Network: from, Device: u.Computer, Interactive: true, Session: d.GUID(), App: mySignIns.id, AppName: mySignIns.name, Resource: graphAPI.id, ResourceName: graphAPI.name})
		m.registersMethod(d, o, u, at, from.IP, "User registered Authenticator App with Notification and Code")
		m.audit(d, o, Audit{Time: at.Add(5 * time.Minute), Operation: "User deleted security info", Category: "UserManagement", Verb: "Update", Service: "Authentication Methods", By: u, From: from.IP,
			Reason: "User deleted Mobile App Notification", Targets: []Target{u.target()}})
	}
	for range d.often(8 * m.works(day)) {
		u := pick(d, people)
		if !u.there(day) {
			continue
		}
		m.audit(d, m.begin("password-changed"), Audit{Time: m.day(day).Add(d.clock(9.5, 1.5)), Operation: "Change password (self-service)", Category: "UserManagement", Verb: "Update", Service: "Self-service Password Management",
			By: u, From: m.offices[u.Office].IP, Targets: []Target{u.target()}})
	}
}

// Roles of the directory.
var roles = map[string]string{
	"Global Administrator": "62e90394-69f5-4237-9190-012177145e10", "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Exchange Administrator": "29232cdf-9323-42fd-ade2-1d097af3e4de",
	"User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1", "Intune Administrator": "3a2c62db-5318-420d-8d74-23affee5d9d5", "Security Administrator": "194ae4cb-b126-40b2-bd5b-6091b380977d",
	"Helpdesk Administrator": "729827e3-9c14-49f7-bb1b-9608f156bbb8", "Reports Reader": "4a5d8f65-41da-4de4-8968-e035b65339cf", "Message Center Reader": "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
}

var activated = []string{"Exchange Administrator", "User Administrator", "Intune Administrator", "Application Administrator", "Security Administrator", "Helpdesk Administrator", "Global Administrator"}

// roles are activations of administrators' roles for hours, by Privileged
// Identity Management, and the rare change of who may.
func (m *month) roles(day int) {
	d := NewDice(m.Options.Seed, "roles", day)
	for range d.often(9 * m.works(day)) {
		u := pick(d, m.Admins)
		o := m.begin("pim-activation")
		role := pick(d, activated)
		at := m.day(day).Add(d.clock(11, 2))
		roleTarget := Target{ID: d.GUID(), Name: role, Type: "Role"}
		details := [][2]string{{"RoleDefinitionOriginId", roles[role]}, {"RoleDefinitionOriginType", "BuiltInRole"}, {"TemplateId", roles[role]}}
		who := u.target()
		who.Name = u.Name
		for i, op := range []string{"Add member to role requested (PIM activation)", "Add member to role completed (PIM activation)"} {
			m.audit(d, o, Audit{Time: at.Add(time.Duration(i) * 3 * time.Second), Operation: op, Category: "RoleManagement", Verb: "Add", Service: "PIM", By: u, From: m.offices[u.Office].IP, Details: details,
				Targets: []Target{roleTarget, {ID: d.GUID(), Type: "Request"}, who}})
		}
		m.audit(d, o, Audit{Time: at.Add(5 * time.Second), Operation: "Add member to role", Category: "RoleManagement", Verb: "Assign", ByService: "MS-PIM", ByServiceID: "b1e0d3a2-6c47-4f5e-9d08-7a2c4b1f6e53",
			Targets: []Target{u.target(Property{"Role.ObjectID", "", quoted(d.GUID())}, Property{"Role.DisplayName", "", quoted(role)}, Property{"Role.TemplateId", "", quoted(roles[role])}), {ID: d.GUID(), Name: role, Type: "Role"}}})
		m.audit(d, o, Audit{Time: at.Add(4 * time.Hour), Operation: "Remove member from role (PIM activation expired)", Category: "RoleManagement", Verb: "Unassign", Service: "PIM", ByService: "Azure AD PIM", ByServiceID: "b1e0d3a2-6c47-4f5e-9d08-7a2c4b1f6e53", Details: details,
			Targets: []Target{roleTarget, {ID: d.GUID(), Type: "Request"}, who}})
	}
	if day == 8 || day == 17 { // a reader's role for somebody of the service desk
		u, by, role := m.Users[24+day], m.Admins[0], "Message Center Reader"
		m.audit(d, m.begin("reader-role"), Audit{Time: m.day(day).Add(10 * time.Hour), Operation: "Add member to role", Category: "RoleManagement", Verb: "Assign", By: by, From: m.offices[by.Office].IP,
			Targets: []Target{u.target(Property{"Role.ObjectID", "", quoted(d.GUID())}, Property{"Role.DisplayName", "", quoted(role)}, Property{"Role.TemplateId", "", quoted(roles[role])}), {ID: d.GUID(), Name: role, Type: "Role"}}})
	}
	if day == 15 { // a new administrator may activate a role
		u, by, role := m.Admins[len(m.Admins)-1], m.Admins[0], "Intune Administrator"
		who := u.target()
		who.Name = u.Name
		m.audit(d, m.begin("administrator-made-eligible"), Audit{Time: m.day(day).Add(14 * time.Hour), Operation: "Add eligible member to role in PIM completed (permanent)", Category: "RoleManagement", Verb: "Add", Service: "PIM", By: by, From: m.offices[by.Office].IP,
			Details: [][2]string{{"RoleDefinitionOriginType", "BuiltInRole"}, {"TemplateId", roles[role]}},
			Targets: []Target{{ID: d.GUID(), Name: role, Type: "Role"}, who, {ID: d.GUID(), Type: "Request"}}})
	}
}

// guestsInvited are people of other organisations who are let in.
func (m *month) guestsInvited(day int) {
	d := NewDice(m.Options.Seed, "guests", day)
	for range d.often(1.2 * m.works(day)) {
		by := pick(d, m.AccountAdmins())
		if d.chance(0.08) { // somebody does it who may, but usually does not
			by = pick(d, m.Users[:len(m.Users)/5])
		}
		o := m.begin("guest-invited")
		name := strings.ToLower(pick(d, firstNames)+"."+pick(d, lastNames)) + "_fabrikam.example#EXT#@contoso.onmicrosoft.com"
		at := m.day(day).Add(d.clock(12, 2))
		guest := Target{ID: d.GUID(), Type: "User", UPN: name, Modified: []Property{{"UserType", "[]", listed("Guest")}, {"UserPrincipalName", "[]", listed(name)}}}
		m.audit(d, o, Audit{Time: at, Operation: "Invite external user", Category: "UserManagement", Verb: "Add", Service: "Invited Users", By: by, From: m.offices[by.Office].IP, Targets: []Target{guest}})
		m.audit(d, o, Audit{Time: at.Add(time.Second), Operation: "Add user", Category: "UserManagement", Verb: "Add", ByService: "Microsoft Invitation Acceptance Portal", ByServiceID: invitationPortal, Targets: []Target{guest}})
		m.audit(d, o, Audit{Time: at.Add(3*time.Hour + d.within(20*time.Hour)), Operation: "Redeem external user invite", Category: "UserManagement", Verb: "Update", Service: "Invited Users", ByService: "Microsoft Invitation Acceptance Portal", ByServiceID: invitationPortal, Targets: []Target{guest}})
	}
}
