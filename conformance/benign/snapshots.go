package benign

import (
	"fmt"
	"slices"
	"time"
)

// snapshots are the objects of the directory as a collector fetches them before
// people come to work: accounts and what belongs to them once a month, the
// smaller collections more often: those come again as they are, but for what
// changed, and a reader drops them as repeats. Each table has at least 1,000 that
// differ. IdentityInfo comes every two weeks.
func (m *month) snapshots(day int) {
	at := m.day(day).Add(3 * time.Hour)
	n := 0
	put := func(table string, r map[string]any) {
		m.add(everyday("snapshot"), at.Add(time.Duration(n)*time.Millisecond), table, r)
		n++
	}
	d := NewDice(m.Options.Seed, "snapshots")
	people := m.Users[:len(m.Users)-len(m.Admins)]
	created := func(days int) string { return stamp(m.Options.Start.AddDate(0, 0, -days)) }
	if day == 1 || day == 15 {
		for _, u := range m.Users {
			assigned := []any{}
			if u.Admin {
				assigned = append(assigned, "Reports Reader", activated[u.N%len(activated)])
			}
			m.add(everyday("identity-info"), at.Add(time.Duration(n)*time.Millisecond), "IdentityInfo", map[string]any{"TenantId": WorkspaceID, "TimeGenerated": stamp(at.Add(time.Duration(n) * time.Millisecond)), "AccountName": u.Account, "AccountDomain": "contoso", "AccountUPN": u.UPN, "AccountObjectId": u.ID, "AccountTenantId": TenantID,
				"AccountDisplayName": u.Name, "AssignedRoles": assigned, "GroupMembership": []any{"All " + u.Dept}, "IsAccountEnabled": true, "IsMFARegistered": true, "IsServiceAccount": false, "UserType": "Member", "Type": "IdentityInfo"})
			n++
		}
	}
	if day == 2 {
		for _, u := range m.Users {
			put("graph:users", map[string]any{"@odata.type": "#microsoft.graph.user", "id": u.ID, "userPrincipalName": u.UPN, "displayName": u.Name, "accountEnabled": true, "userType": "Member", "employeeId": u.EmployeeID, "mail": u.UPN, "businessPhones": []any{}})
			put("graph:userRegistrationDetails", map[string]any{"@odata.type": "#microsoft.graph.userRegistrationDetails", "id": u.ID, "userPrincipalName": u.UPN, "userDisplayName": u.Name, "userType": "member", "isAdmin": u.Admin, "isMfaRegistered": true, "isMfaCapable": true,
				"isPasswordlessCapable": false, "isSsprRegistered": true, "methodsRegistered": []any{"microsoftAuthenticatorPush", "mobilePhone"}, "lastUpdatedDateTime": created(3)})
			put("graph:authenticationMethods", map[string]any{"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": d.GUID(), "createdDateTime": created(d.between(20, 700)), "displayName": u.Phone.Name})
			put("graph:devices", map[string]any{"@odata.type": "#microsoft.graph.device", "id": d.GUID(), "deviceId": d.GUID(), "displayName": u.Computer.Name, "operatingSystem": "Windows", "trustType": "AzureAd", "accountEnabled": true, "createdDateTime": created(d.between(20, 900))})
		}
	}
	if day == 3 || day == 17 {
		for i, u := range people {
			name := "Archiv Projekte"
			if u.Newsletter != "" {
				name = u.Newsletter
			}
			if i%2 == 0 {
				put("exo:inboxRules", map[string]any{"Identity": fmt.Sprintf(`%s\%d`, u.Mailbox, 1+day), "Name": name, "Enabled": true, "MailboxOwnerId": u.Name, "Priority": 1, "MoveToFolder": name, "DeleteMessage": false, "SoftDeleteMessage": false, "MarkAsRead": false,
					"ForwardTo": nil, "ForwardAsAttachmentTo": nil, "RedirectTo": nil, "SubjectOrBodyContainsWords": nil})
				put("exo:inboxRules", map[string]any{"Identity": fmt.Sprintf(`%s\%d`, u.Mailbox, 100+day), "Name": "Vertretung", "Enabled": false, "MailboxOwnerId": u.Name, "Priority": 2, "MoveToFolder": nil, "DeleteMessage": false, "SoftDeleteMessage": false, "MarkAsRead": false,
					"ForwardTo": []any{pick(d, people).UPN}, "ForwardAsAttachmentTo": nil, "RedirectTo": nil, "SubjectOrBodyContainsWords": nil})
			} else {
				for k := range 2 + i%20/19 {
					put("graph:messageRules", map[string]any{"@odata.type": "#microsoft.graph.messageRule", "id": d.Hex(12), "displayName": name, "sequence": k + 1, "isEnabled": true, "conditions": map[string]any{"senderContains": []any{"news@"}}, "actions": map[string]any{"stopProcessingRules": true, "moveToFolder": d.Hex(24)}})
				}
			}
		}
	}
	if day%4 == 0 {
		apps := m.Apps
		if day == 4 { // the rest once: nothing changes in them
			apps = append(slices.Clone(m.Apps), m.workflows()...)
		}
		for _, a := range apps {
			secrets := []any{}
			if len(a.Secrets) > 0 && !a.SAML {
				secrets = append(secrets, map[string]any{"customKeyIdentifier": nil, "displayName": "rotation", "startDateTime": created(60), "endDateTime": stamp(m.Options.Start.AddDate(0, 0, 100)), "keyId": a.Secrets[0], "hint": "q3~", "secretText": nil})
			}
			put("graph:applications", map[string]any{"@odata.type": "#microsoft.graph.application", "id": a.ObjectID, "deletedDateTime": nil, "appId": a.AppID, "createdDateTime": stamp(a.Created), "displayName": a.Name, "signInAudience": "AzureADMyOrg", "tags": []any{},
				"passwordCredentials": secrets, "keyCredentials": []any{}, "identifierUris": []any{}, "publisherDomain": Domain, "requiredResourceAccess": []any{}, "web": map[string]any{"redirectUris": []any{"https://" + a.Host + "/signin-oidc"}, "logoutUrl": nil}, "spa": map[string]any{"redirectUris": []any{}},
				"publicClient": map[string]any{"redirectUris": []any{}}})
			put("graph:servicePrincipals", map[string]any{"@odata.type": "#microsoft.graph.servicePrincipal", "id": a.SPID, "deletedDateTime": nil, "appId": a.AppID, "createdDateTime": stamp(a.Created), "displayName": a.Name, "accountEnabled": true, "appOwnerOrganizationId": TenantID,
				"servicePrincipalType": "Application", "servicePrincipalNames": []any{a.AppID}, "preferredSingleSignOnMode": nil, "replyUrls": []any{}, "logoutUrl": nil, "passwordCredentials": []any{}, "keyCredentials": []any{}})
		}
	}
	for i := range 35 {
		u := m.Admins[i%len(m.Admins)]
		role := activated[i%len(activated)]
		put("graph:roleAssignments", map[string]any{"id": fmt.Sprintf("ra-%d-%d", day, i), "principalId": u.ID, "roleDefinitionId": roles[role], "directoryScopeId": "/",
			"principal": map[string]any{"@odata.type": "#microsoft.graph.user", "id": u.ID, "userPrincipalName": u.UPN, "displayName": u.Name}})
	}
	if day == 5 {
		m.azureRoles(put)
	}
}

// workflows are registrations that a platform makes for each flow that somebody
// builds on it: no credentials, no addresses but the platform's.
func (m *month) workflows() []*App {
	var all []*App
	for n := range 950 {
		d := NewDice(m.Options.Seed, "workflow", n)
		all = append(all, &App{Name: fmt.Sprintf("Workflow %s %d", departments[n%len(departments)], n+1), AppID: d.GUID(), ObjectID: d.GUID(), SPID: d.GUID(),
			Host: "workflows." + Domain, Created: m.Options.Start.AddDate(0, 0, -d.between(60, 900))})
	}
	return all
}

// azureRoles are the assignments of a subscription: the wide ones of
// administrators and automation, and those of people to read what is theirs.
func (m *month) azureRoles(put func(table string, r map[string]any)) {
	const wide, all = 35, 1050
	people := m.Users[:len(m.Users)-len(m.Admins)]
	for i := range all {
		name := NewDice(m.Options.Seed, "azure role", i).GUID()
		u := m.Admins[i%len(m.Admins)]
		who, kind, scope := u.UPN, "User", "/subscriptions/"+subscription
		definition, role := "b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"
		switch {
		case i >= wide:
			u = people[i%len(people)]
			who, scope = u.UPN, fmt.Sprintf("%s/resourceGroups/rg-%03d", scope, i%140)
			definition, role = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"
		case i%3 != 0:
			who, kind = m.Daemon(daemonApps[4+i%4]).Name, "ServicePrincipal"
		}
		put("azure:roleAssignments", map[string]any{"id": scope + "/providers/Microsoft.Authorization/roleAssignments/" + name, "name": name, "principalId": u.ID, "principalName": who, "principalType": kind,
			"roleDefinitionId": "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + definition, "roleDefinitionName": role, "scope": scope, "type": "Microsoft.Authorization/roleAssignments"})
	}
}
