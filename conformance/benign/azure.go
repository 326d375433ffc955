package benign

import (
	"fmt"
	"strings"
	"time"
)

// PrincipalSignIn writes a sign-in of an application as a row of
// AADServicePrincipalSignInLogs.
func (t *Tenant) PrincipalSignIn(d Dice, at time.Time, a *App, from Network, resource, resourceName string, code int) map[string]any {
	key := ""
	if len(a.Secrets) > 0 {
		key = a.Secrets[0]
	}
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "Azure AD", "TimeGenerated": stamp(at), "CreatedDateTime": stamp(at), "OperationName": "Sign-in activity", "Category": "ServicePrincipalSignInLogs",
		"ResultType": fmt.Sprint(code), "ResultSignature": "None", "CorrelationId": d.GUID(), "Id": d.GUID(), "Location": from.Country, "AppId": a.AppID, "IPAddress": from.IP,
		"ResourceDisplayName": resourceName, "ResourceIdentity": resource, "ServicePrincipalId": a.SPID, "ServicePrincipalName": a.Name, "ServicePrincipalCredentialKeyId": key,
		"AADTenantId": TenantID, "Type": "AADServicePrincipalSignInLogs",
	}
}

// principals are the sign-ins of applications that act on their own.
func (m *month) principals(day int) {
	for n, name := range daemonApps {
		d := NewDice(m.Options.Seed, "principal", n, day)
		a := m.Daemon(name)
		for range d.often(7) {
			at := m.day(day).Add(d.within(24 * time.Hour))
			resource := graphAPI
			switch {
			case strings.HasPrefix(name, "Terraform") || name == "Release Pipeline":
				resource = pick(d, []appRef{azureAPI, keyVault})
			case name == "Secret Rotation" || name == "Payroll Export":
				resource = pick(d, []appRef{graphAPI, keyVault})
			case name == "Scan to Mail" || name == "Legacy ERP Mailer":
				resource = exchangeOnline
			}
			code := 0
			kind := everyday("app-sign-in")
			if d.chance(0.004) {
				code, kind = 7000215, everyday("app-sign-in-failed")
			}
			if name == "Monitoring Agent" && day == 20 { // moved to another region
				a = &App{Name: a.Name, AppID: a.AppID, SPID: a.SPID, Secrets: a.Secrets, Network: Network{"192.0.2.180", asCloud, "NL", "Amsterdam", "Noord-Holland"}}
				kind = everyday("app-moved-region")
			}
			m.add(kind, at, "AADServicePrincipalSignInLogs", m.PrincipalSignIn(d, at, a, a.Network, resource.id, resource.name, code))
		}
	}
}

// Activity is a row of AzureActivity.
func (t *Tenant) Activity(d Dice, at time.Time, operation, status, caller, ip, resource string, body any) map[string]any {
	scope := "/subscriptions/" + subscription + resource
	properties := map[string]any{"eventCategory": "Administrative", "entity": scope, "message": operation, "hierarchy": TenantID + "/" + subscription}
	if body != nil {
		properties["requestbody"] = asJSON(body)
	}
	provider, _, _ := strings.Cut(operation, "/")
	group := ""
	if parts := strings.Split(resource, "/"); len(parts) > 2 && parts[1] == "resourceGroups" {
		group = parts[2]
	}
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "Azure", "TimeGenerated": stamp(at), "CallerIpAddress": ip, "CategoryValue": "Administrative", "CorrelationId": d.GUID(),
		"Authorization": asJSON(map[string]any{"scope": scope, "action": operation}), "Authorization_d": map[string]any{"scope": scope, "action": operation}, "Claims": asJSON(map[string]any{"aud": "https://management.azure.com/", "name": caller}),
		"Level": "Informational", "OperationNameValue": strings.ToUpper(operation), "Properties": asJSON(properties), "Properties_d": properties, "Caller": caller, "EventDataId": d.GUID(), "EventSubmissionTimestamp": stamp(at),
		"HTTPRequest": "", "OperationId": d.GUID(), "ResourceGroup": group, "ResourceProviderValue": strings.ToUpper(provider), "ActivityStatusValue": status, "ActivitySubstatusValue": "", "Hierarchy": TenantID + "/" + subscription,
		"SubscriptionId": subscription, "OperationName": "", "ResourceId": scope, "_ResourceId": strings.ToLower(scope), "Type": "AzureActivity",
	}
}

// azure is what happens to resources: Terraform plans and applies, pipelines
// release, people look after machines.
func (m *month) azure(day int) {
	d := NewDice(m.Options.Seed, "azure", day)
	works := m.works(day)
	do := func(o occasion, at time.Time, operation, caller, ip, resource string, body any) {
		for i, status := range []string{"Start", "Success"} {
			t := at.Add(time.Duration(i) * 3 * time.Second)
			if i == 1 {
				body = nil // what was asked is in the first record
			}
			m.add(o, t, "AzureActivity", m.Activity(d, t, operation, status, caller, ip, resource, body))
		}
	}
	for range d.often(2.5 * works) {
		a := m.Daemon(pick(d, []string{"Terraform Platform", "Terraform Network", "Terraform Data"}))
		o := m.begin("terraform-apply")
		at := m.day(day).Add(d.clock(12, 2.5))
		group := pick(d, []string{"rg-orders", "rg-tracking", "rg-data", "rg-network"})
		for range d.between(6, 14) {
			op := pick(d, []string{"Microsoft.Resources/deployments/write", "Microsoft.Storage/storageAccounts/write", "Microsoft.Network/virtualNetworks/subnets/write", "Microsoft.Network/networkSecurityGroups/write", "Microsoft.Web/sites/write", "Microsoft.Insights/diagnosticSettings/write", "Microsoft.KeyVault/vaults/write"})
			if op == "Microsoft.KeyVault/vaults/write" && !d.chance(0.15) {
				op = "Microsoft.Resources/tags/write"
			}
			parts := strings.Split(op, "/")
			do(o, at, op, a.SPID, a.Network.IP, "/resourceGroups/"+group+"/providers/"+parts[0]+"/"+parts[1]+"/"+d.Hex(8), nil)
			at = at.Add(10*time.Second + d.within(30*time.Second))
		}
	}
	if day%7 == 1 || day%7 == 3 { // a service gets rights on its own storage
		a := m.Daemon("Terraform Data")
		id, role := d.GUID(), "ba92f5b4-2d11-453d-a403-e96b0029c9fe" // Storage Blob Data Contributor
		do(m.begin("terraform-assigns-role"), m.day(day).Add(d.clock(11, 1)), "Microsoft.Authorization/roleAssignments/write", a.SPID, a.Network.IP, "/resourceGroups/rg-data/providers/Microsoft.Authorization/roleAssignments/"+id,
			map[string]any{"Id": id, "Properties": map[string]any{"PrincipalId": d.GUID(), "PrincipalType": "ServicePrincipal", "RoleDefinitionId": "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + role, "Scope": "/subscriptions/" + subscription + "/resourceGroups/rg-data"}})
	}
	if day == 12 { // a new pipeline may change its resource group
		u, id := m.Admins[1%len(m.Admins)], d.GUID()
		do(m.begin("pipeline-made-contributor"), m.day(day).Add(10*time.Hour), "Microsoft.Authorization/roleAssignments/write", u.UPN, m.offices[0].IP, "/resourceGroups/rg-orders/providers/Microsoft.Authorization/roleAssignments/"+id,
			map[string]any{"Id": id, "Properties": map[string]any{"PrincipalId": d.GUID(), "PrincipalType": "ServicePrincipal", "RoleDefinitionId": "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c", "Scope": "/subscriptions/" + subscription + "/resourceGroups/rg-orders"}})
	}
	if day == 5 || day == 16 { // machines for a load of the data warehouse
		a := m.Daemon("Terraform Data")
		o := m.begin("machines-created")
		for i := range 5 {
			do(o, m.day(day).Add(20*time.Hour+time.Duration(i)*2*time.Minute), "Microsoft.Compute/virtualMachines/write", a.SPID, a.Network.IP, fmt.Sprintf("/resourceGroups/rg-data/providers/Microsoft.Compute/virtualMachines/vm-load-%d-%d", day, i), nil)
		}
	}
	for range d.often(30 * max(works, 0.2)) {
		op := pick(d, []string{"Microsoft.Compute/virtualMachines/start/action", "Microsoft.Compute/virtualMachines/deallocate/action", "Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Web/sites/restart/action", "Microsoft.Compute/snapshots/write"})
		caller, ip := m.Daemon("Release Pipeline").SPID, m.Daemon("Release Pipeline").Network.IP
		if d.chance(0.4) {
			u := pick(d, m.Admins)
			caller, ip = u.UPN, m.offices[u.Office].IP
		}
		do(everyday("azure-operation"), m.day(day).Add(d.clock(12, 3)), op, caller, ip, "/resourceGroups/rg-orders/providers/Microsoft.Compute/virtualMachines/vm-"+d.Hex(2), nil)
	}
	m.vaults(day)
	m.devOps(day)
}

// VaultRead is a row of AZKVAuditLogs.
func (t *Tenant) VaultRead(d Dice, at time.Time, operation string, status int, app, object string, from Network, secret string) map[string]any {
	identity := map[string]any{}
	if app != "" {
		identity = map[string]any{"claim": map[string]any{"http://schemas.microsoft.com/identity/claims/objectidentifier": object, "appid": app, "appidacr": "1", "idtyp": "app"}}
	}
	id := "https://kv-platform.vault.azure.net/secrets/" + secret
	result := "Success"
	if status >= 400 {
		result = "Unauthorized"
	}
	path := "/subscriptions/" + subscription + "/resourcegroups/rg-platform/providers/microsoft.keyvault/vaults/kv-platform"
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "Azure", "TimeGenerated": stamp(at), "ResultType": result, "OperationName": operation, "ResultDescription": "", "CorrelationId": d.GUID(), "CallerIpAddress": from.IP,
		"OperationVersion": "7.4", "Identity": identity, "Id": id, "ClientInfo": "azsdk-net-Security.KeyVault.Secrets/4.6.0", "HttpStatusCode": status, "RequestUri": id + "/?api-version=7.4", "IsAddressAuthorized": true,
		"DurationMs": d.between(4, 60), "ResourceId": strings.ToUpper(path), "_ResourceId": path, "Type": "AZKVAuditLogs",
	}
}

// vaults are the secrets that programs read, and now and then a person.
func (m *month) vaults(day int) {
	d := NewDice(m.Options.Seed, "vaults", day)
	readers := []string{"Terraform Platform", "Terraform Network", "Terraform Data", "Release Pipeline", "Secret Rotation", "HR Sync", "Payroll Export", "Data Warehouse Load", "Contoso CRM Sync"}
	for _, name := range readers {
		a := m.Daemon(name)
		for range d.often(4.5) {
			at := m.day(day).Add(d.within(24 * time.Hour))
			secret := strings.ReplaceAll(strings.ToLower(name), " ", "-") + "-key"
			// The first request has no token: the vault says where to get one.
			if d.chance(0.5) {
				m.add(everyday("vault-read"), at, "AZKVAuditLogs", m.VaultRead(d, at, "SecretGet", 401, "", "", a.Network, secret))
			}
			at = at.Add(300 * time.Millisecond)
			m.add(everyday("vault-read"), at, "AZKVAuditLogs", m.VaultRead(d, at, pick(d, []string{"SecretGet", "SecretGet", "SecretList", "KeyUnwrap"}), 200, a.AppID, a.SPID, a.Network, secret))
		}
	}
	if m.works(day) == 1 && day%4 == 0 { // a developer looks a value up in the portal
		u := m.Admins[(4+day)%len(m.Admins)]
		at := m.day(day).Add(d.clock(14, 1))
		m.add(m.begin("vault-read-by-person"), at, "AZKVAuditLogs", m.VaultRead(d, at, "SecretGet", 200, "3686488a-04fc-4d8a-b967-61f98ec41efe", u.ID, m.offices[u.Office], "orders-connection"))
	}
	if day == 22 { // the pipeline lost its right for half an hour
		a := m.Daemon("Release Pipeline")
		o := m.begin("vault-refuses-pipeline")
		for i := range 14 {
			at := m.day(day).Add(9*time.Hour + time.Duration(i)*2*time.Minute)
			m.add(o, at, "AZKVAuditLogs", m.VaultRead(d, at, "SecretGet", 403, a.AppID, a.SPID, a.Network, "release-key"))
		}
	}
}

// devOps is what happens in repositories and pipelines.
func (m *month) devOps(day int) {
	d := NewDice(m.Options.Seed, "devops", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	for range d.often(58 * max(m.works(day), 0.1)) {
		u := people[d.IntN(25)*len(departments)%len(people)]
		at := m.day(day).Add(d.clock(13, 2.5))
		op, area := "Git.RefUpdatePoliciesBypassed", "Git"
		switch d.IntN(4) {
		case 0:
			op, area = "Release.ReleaseCreated", "Release"
		case 1:
			op, area = "Pipelines.PipelineModified", "Pipelines"
		case 2:
			op, area = "Group.UpdateGroupMembership.Add", "Group"
		}
		m.add(everyday("devops"), at, "AzureDevOpsAuditing", map[string]any{
			"TenantId": WorkspaceID, "SourceSystem": "Azure", "TimeGenerated": stamp(at), "Id": d.GUID(), "CorrelationId": d.GUID(), "ActivityId": d.GUID(), "ActorCUID": d.GUID(), "ActorUserId": u.ID, "ActorUPN": u.UPN, "AuthenticationMechanism": "AAD_Cookie",
			"ScopeType": "Organization", "ScopeDisplayName": "contoso (Organization)", "ScopeId": "e87cb45c-05ad-489d-a890-4ea398345c24", "ProjectId": "e73c023a-2e8e-4034-abb4-d853730e1bfc", "ProjectName": "orders", "IpAddress": m.offices[u.Office].IP,
			"UserAgent": u.Computer.Agent, "OperationName": op, "Data": map[string]any{"RepositoryName": "orders-api"}, "Details": "", "Area": area, "Category": "Modify", "CategoryDisplayName": "Modify", "ActorDisplayName": u.Name, "Type": "AzureDevOpsAuditing",
		})
	}
}
