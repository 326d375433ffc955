package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rulewright/rulewright/compiler/event"
)

// restate says a row of Log Analytics in another form, as the documentation of
// the forms has it: what the form has no place for is left out. It knows
// nothing of pipelines, which read the result. The table is that of the
// record in the other form; ok is false where the form has no such record.
func restate(row map[string]any, table string, form event.Form) (ev map[string]any, as string, ok bool) {
	switch form {
	case event.AzureDiagnostic:
		ev = diagnostic(row, table)
	case event.GraphAPI:
		ev = graphObject(row, table)
	case event.O365Management:
		ev = unifiedAudit(row, table)
		if table == "AADNonInteractiveUserSignInLogs" {
			table = "SigninLogs" // the record does not say which
		}
	case event.MDEHunting:
		ev, table = huntingRow(row, table)
	case event.MDEHuntingStream:
		var inner map[string]any
		if inner, table = huntingRow(row, table); inner != nil {
			ev = map[string]any{"time": inner["Timestamp"], "tenantId": row["AADTenantId"], "operationName": "Publish",
				"category": "AdvancedHunting-" + table, "properties": inner, "Tenant": "DefaultTenant"}
		}
	}
	return ev, table, ev != nil
}

// put copies what the row has, null too.
func put(to map[string]any, key string, row map[string]any, column string) {
	if v, ok := row[column]; ok {
		to[key] = v
	}
}

// lowerFirst is how Graph and diagnostic records begin a column's name.
func lowerFirst(s string) string {
	for i, r := range s {
		if !unicode.IsUpper(r) {
			if i > 1 {
				i-- // IPAddress is ipAddress
			}
			return strings.ToLower(s[:max(i, 1)]) + s[max(i, 1):]
		}
	}
	return strings.ToLower(s)
}

// opened parses a dynamic column that the row holds as text.
func opened(v any) any {
	if s, ok := v.(string); ok && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var parsed any
		if d.Decode(&parsed) == nil {
			return parsed
		}
	}
	return v
}

// aroundRecord are columns that the store or the envelope adds to a record.
var aroundRecord = []string{"TenantId", "SourceSystem", "Type", "TimeGenerated", "ResourceId", "_ResourceId", "OperationVersion", "ResultSignature",
	"ResultDescription", "DurationMs", "Resource", "ResourceGroup", "Level", "AADTenantId", "Identity", "MG"}

// graphNames are the properties of Graph that are not the column's name.
var graphNames = map[string]string{
	"AADOperationType": "operationType", "ConditionalAccessPolicies": "appliedConditionalAccessPolicies", "LocationDetails": "location",
	"ResourceIdentity": "resourceId", "RiskEventTypes_V2": "riskEventTypes_v2", "ProcessingTimeInMs": "processingTimeInMilliseconds",
}

// graphObject is the object of Graph; those of the two audit tables and of
// identity protection.
func graphObject(row map[string]any, table string) map[string]any {
	o := map[string]any{}
	for column, v := range row {
		if !slices.Contains(aroundRecord, column) {
			name := graphNames[column]
			if name == "" {
				name = lowerFirst(column)
			}
			o[name] = opened(v)
		}
	}
	switch table {
	case "AuditLogs":
		delete(o, "operationName")
		delete(o, "activityDisplayName")
		put(o, "activityDisplayName", row, "OperationName")
		put(o, "activityDateTime", row, "TimeGenerated")
	case "SigninLogs", "AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs":
		signIn(o, row)
		o["signInEventTypes"] = []any{map[string]string{"SigninLogs": "interactiveUser", "AADNonInteractiveUserSignInLogs": "nonInteractiveUser",
			"AADServicePrincipalSignInLogs": "servicePrincipal"}[table]}
	case "AADUserRiskEvents":
		put(o, "detectedDateTime", row, "TimeGenerated")
	default:
		return nil
	}
	return o
}

// signIn turns a copied row into Graph's sign-in: the result is a number in the
// status, and there is no operation.
func signIn(o, row map[string]any) {
	for _, name := range []string{"operationName", "category", "resultType", "resultDescription"} {
		delete(o, name)
	}
	put(o, "createdDateTime", row, "TimeGenerated")
	status, _ := opened(row["Status"]).(map[string]any)
	status = maps.Clone(status)
	if status == nil {
		status = map[string]any{}
	}
	delete(status, "errorCode")
	if code, ok := row["ResultType"]; ok {
		status["errorCode"] = code
		if n, err := strconv.Atoi(plainText(code)); err == nil {
			status["errorCode"] = n
		}
	}
	o["status"] = status
	delete(o, "location")
	place, _ := opened(row["LocationDetails"]).(map[string]any)
	place = maps.Clone(place)
	if place == nil {
		place = map[string]any{}
	}
	delete(place, "countryOrRegion")
	put(place, "countryOrRegion", row, "Location")
	o["location"] = place
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// diagnosticCategory is the category of a diagnostic setting.
var diagnosticCategory = map[string]string{
	"AuditLogs": "AuditLogs", "SigninLogs": "SignInLogs", "AADNonInteractiveUserSignInLogs": "NonInteractiveUserSignInLogs",
	"AADServicePrincipalSignInLogs": "ServicePrincipalSignInLogs", "AADUserRiskEvents": "UserRiskEvents",
	"MicrosoftGraphActivityLogs": "MicrosoftGraphActivityLogs", "AZKVAuditLogs": "AuditEvent", "AzureActivity": "Administrative",
}

// diagnostic is the record of a diagnostic setting: an envelope around the
// object of Graph, for those that Graph has.
func diagnostic(row map[string]any, table string) map[string]any {
	category := diagnosticCategory[table]
	if category == "" {
		return nil
	}
	o := map[string]any{"category": category}
	for key, column := range map[string]string{"time": "TimeGenerated", "resourceId": "ResourceId", "operationName": "OperationName",
		"operationVersion": "OperationVersion", "tenantId": "AADTenantId", "resultSignature": "ResultSignature", "resultType": "ResultType",
		"resultDescription": "ResultDescription", "durationMs": "DurationMs", "callerIpAddress": "IPAddress", "correlationId": "CorrelationId", "level": "Level"} {
		put(o, key, row, column)
	}
	switch table {
	case "MicrosoftGraphActivityLogs":
		properties := map[string]any{}
		for column, v := range row {
			if !slices.Contains(aroundRecord, column) {
				properties[lowerFirst(column)] = v
			}
		}
		put(o, "tenantId", row, "AadTenantId")
		o["resourceId"] = "/TENANTS/" + strings.ToUpper(plainText(row["AadTenantId"])) + "/PROVIDERS/MICROSOFT.AADIAM"
		o["properties"] = properties
	case "AZKVAuditLogs":
		put(o, "callerIpAddress", row, "CallerIpAddress")
		properties := map[string]any{}
		for _, column := range []string{"Id", "ClientInfo", "HttpStatusCode", "RequestUri", "IsAddressAuthorized"} {
			put(properties, lowerFirst(column), row, column)
		}
		o["properties"] = properties
		if v, ok := row["Identity"]; ok {
			o["identity"] = opened(v)
		}
	case "AzureActivity": // who called is told by claims alone
		for key, column := range map[string]string{"operationName": "OperationNameValue", "resultType": "ActivityStatusValue", "callerIpAddress": "CallerIpAddress",
			"resourceId": "_ResourceId", "category": "CategoryValue"} {
			put(o, key, row, column)
		}
		identity := map[string]any{}
		for key, columns := range map[string][]string{"authorization": {"Authorization", "Authorization_d"}, "claims": {"Claims", "Claims_d"}} {
			for _, column := range columns {
				if v, ok := row[column]; ok {
					identity[key] = opened(v)
				}
			}
		}
		o["identity"] = identity
		for _, column := range []string{"Properties", "Properties_d"} {
			if v, ok := row[column]; ok {
				o["properties"] = opened(v)
			}
		}
	default:
		put(o, "location", row, "Location")
		if table != "AuditLogs" {
			put(o, "identity", row, "Identity")
		}
		properties := graphObject(row, table)
		delete(properties, "signInEventTypes") // Graph's own
		if table == "AuditLogs" {
			delete(o, "callerIpAddress")
		}
		o["properties"] = properties
	}
	return o
}

// plain takes a value out of the JSON text that the directory's audit keeps it
// in; the unified audit log has it bare, and lists and objects over several
// lines.
func plain(v any) any {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	var inner string
	if json.Unmarshal([]byte(s), &inner) == nil {
		return inner
	}
	if strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") {
		var b bytes.Buffer
		if json.Indent(&b, []byte(s), "", "  ") == nil {
			return strings.ReplaceAll(b.String(), "\n", "\r\n")
		}
	}
	return s
}

// auditCategory is what the unified audit log calls the categories of the
// directory's audit.
var auditCategory = map[string]string{"UserManagement": "User", "RoleManagement": "Role", "GroupManagement": "Group", "ApplicationManagement": "Application", "Device": "Device"}

// logonTypes and userTypes are the numbers of names in OfficeActivity.
var (
	logonTypes = map[string]int{"Owner": 0, "Admin": 1, "Delegated": 2, "Delegate": 2}
	userTypes  = map[string]int{"Regular": 0, "Reserved": 1, "Admin": 2, "DcAdmin": 3, "System": 4, "Application": 5, "ServicePrincipal": 6}
)

func numbered(v any, names map[string]int) any {
	if n, ok := names[plainText(v)]; ok {
		return n
	}
	return v
}

// utc is a time as the unified audit log writes it.
func utc(v any) any {
	s := strings.TrimSuffix(plainText(v), "Z")
	if i := strings.IndexByte(s, '.'); i > 0 {
		s = s[:i]
	}
	return s
}

// recordTypes are the numbers of the kinds that OfficeActivity names.
var recordTypes = map[string]int{"ExchangeAdmin": 1, "ExchangeItem": 2, "ExchangeItemGroup": 3, "SharePoint": 4, "SharePointFileOperation": 6,
	"OneDrive": 7, "SharePointSharingOperation": 14, "ExchangeItemAggregated": 50, "SecurityComplianceAlerts": 40}

// unifiedAudit is the record of the Office 365 Management Activity API.
func unifiedAudit(row map[string]any, table string) map[string]any {
	o := map[string]any{"Version": 1, "OrganizationId": row["AADTenantId"]}
	if _, ok := row["TimeGenerated"]; ok {
		o["CreationTime"] = utc(row["TimeGenerated"])
	}
	switch table {
	case "OfficeActivity":
		delete(o, "OrganizationId")
		names := map[string]string{"OfficeWorkload": "Workload", "OfficeObjectId": "ObjectId", "OfficeId": "Id", "Client_IPAddress": "ClientIPAddress", "Logon_Type": "LogonType", "Event_Data": "EventData"}
		for column, v := range row {
			switch column {
			case "TenantId", "SourceSystem", "Type", "TimeGenerated", "Start_Time", "OfficeTenantId":
				continue
			case "RecordType":
				v = numbered(v, recordTypes)
			case "UserType":
				v = numbered(v, userTypes)
			case "Logon_Type":
				v = numbered(v, logonTypes)
			}
			if strings.HasSuffix(column, "_") {
				continue // said twice in the table
			}
			name := names[column]
			if name == "" {
				name = column
			}
			o[name] = opened(v)
		}
	case "AuditLogs":
		o["RecordType"], o["Workload"], o["UserType"], o["AzureActiveDirectoryEventType"] = 8, "AzureActiveDirectory", 0, 1
		if v, ok := row["OperationName"]; ok {
			if s, isText := v.(string); isText && !strings.HasSuffix(s, " ") {
				v = s + "."
			}
			o["Operation"] = v
		}
		if v, ok := row["Result"]; ok {
			if s, isText := v.(string); isText && s != "" {
				v = strings.ToUpper(s[:1]) + s[1:]
			}
			o["ResultStatus"] = v
		}
		put(o, "Id", row, "Id")
		put(o, "InterSystemsId", row, "CorrelationId")
		by, _ := opened(row["InitiatedBy"]).(map[string]any)
		actor := []any{}
		if user, ok := by["user"].(map[string]any); ok {
			put(o, "UserId", user, "userPrincipalName")
			put(o, "ClientIP", user, "ipAddress")
			actor = append(actor, map[string]any{"ID": user["userPrincipalName"], "Type": 5}, map[string]any{"ID": "User_" + plainText(user["id"]), "Type": 2}, map[string]any{"ID": user["id"], "Type": 2}, map[string]any{"ID": "User", "Type": 2})
		}
		if app, ok := by["app"].(map[string]any); ok && app["servicePrincipalId"] != nil {
			o["UserId"] = "ServicePrincipal_" + plainText(app["servicePrincipalId"])
			actor = append(actor, map[string]any{"ID": app["displayName"], "Type": 1}, map[string]any{"ID": o["UserId"], "Type": 2},
				map[string]any{"ID": app["servicePrincipalId"], "Type": 2}, map[string]any{"ID": "ServicePrincipal", "Type": 2})
		}
		o["Actor"] = actor
		properties, target := []any{}, []any{}
		targets, _ := opened(row["TargetResources"]).([]any)
		for _, x := range targets {
			t, _ := x.(map[string]any)
			if t["id"] != nil && t["type"] != "Other" {
				target = append(target, map[string]any{"ID": plainText(t["type"]) + "_" + plainText(t["id"]), "Type": 2}, map[string]any{"ID": t["id"], "Type": 2}, map[string]any{"ID": t["type"], "Type": 2})
				for key, kind := range map[string]int{"displayName": 1, "userPrincipalName": 5} {
					if t[key] != nil {
						target = append(target, map[string]any{"ID": t[key], "Type": kind})
					}
				}
			}
			changes, _ := opened(t["modifiedProperties"]).([]any)
			for _, y := range changes {
				if c, ok := y.(map[string]any); ok {
					properties = append(properties, map[string]any{"Name": c["displayName"], "OldValue": plain(c["oldValue"]), "NewValue": plain(c["newValue"])})
				}
			}
		}
		if targets != nil {
			o["ModifiedProperties"], o["Target"] = properties, target
		}
		category := auditCategory[plainText(row["Category"])]
		if first := ""; len(targets) > 0 {
			if t, _ := targets[0].(map[string]any); t != nil {
				first = plainText(t["type"])
			}
			if category == "Application" && first != "" && first != "Other" {
				category = first
			}
		}
		extended := []any{map[string]any{"Name": "extendedAuditEventCategory", "Value": category}}
		if details, ok := opened(row["AdditionalDetails"]).([]any); ok {
			m := map[string]any{}
			for _, x := range details {
				if d, ok := x.(map[string]any); ok {
					m[plainText(d["key"])] = d["value"]
				}
			}
			data, _ := json.Marshal(m)
			extended = append(extended, map[string]any{"Name": "additionalDetails", "Value": string(data)})
		}
		o["ExtendedProperties"] = extended
	case "SigninLogs", "AADNonInteractiveUserSignInLogs":
		o["RecordType"], o["Workload"], o["UserType"], o["AzureActiveDirectoryEventType"] = 15, "AzureActiveDirectory", 0, 1
		o["Operation"] = "UserLoginFailed"
		if plainText(row["ResultType"]) == "0" {
			o["Operation"] = "UserLoggedIn"
		}
		for key, column := range map[string]string{"Id": "Id", "ErrorNumber": "ResultType", "UserId": "UserPrincipalName", "UserKey": "UserId", "ClientIP": "IPAddress",
			"ActorIpAddress": "IPAddress", "ApplicationId": "AppId", "ObjectId": "ResourceIdentity", "InterSystemsId": "CorrelationId"} {
			put(o, key, row, column)
		}
		device, _ := opened(row["DeviceDetail"]).(map[string]any)
		list := []any{}
		add := func(name string, v any, there bool) {
			if there && v != nil {
				if b, ok := v.(bool); ok {
					v = map[bool]string{true: "True", false: "False"}[b]
				}
				list = append(list, map[string]any{"Name": name, "Value": v})
			}
		}
		for name, key := range map[string]string{"OS": "operatingSystem", "BrowserType": "browser", "Id": "deviceId", "DisplayName": "displayName", "IsCompliant": "isCompliant"} {
			v, ok := device[key]
			add(name, v, ok)
		}
		v, ok := row["SessionId"]
		add("SessionId", v, ok)
		o["DeviceProperties"] = list
		list = []any{}
		v, ok = row["UserAgent"]
		add("UserAgent", v, ok)
		v, ok = row["ResultDescription"]
		add("ResultStatusDetail", v, ok)
		o["ExtendedProperties"] = list
		o["AppAccessContext"] = map[string]any{"UniqueTokenId": row["UniqueTokenIdentifier"]}
	default:
		return nil
	}
	return o
}

// huntingRow is a row of advanced hunting: the same table where both have it,
// the unified audit record in CloudAppEvents otherwise.
func huntingRow(row map[string]any, table string) (map[string]any, string) {
	switch table {
	case "AuditLogs", "OfficeActivity":
		raw := unifiedAudit(row, table)
		o := map[string]any{"Application": "Microsoft 365", "ApplicationId": 11161, "RawEventData": raw, "AccountDisplayName": raw["UserId"]}
		put(o, "Timestamp", row, "TimeGenerated")
		put(o, "ActionType", raw, "Operation")
		put(o, "ReportId", raw, "Id")
		put(o, "IPAddress", raw, "ClientIP")
		if by, _ := opened(row["InitiatedBy"]).(map[string]any); by != nil {
			if user, ok := by["user"].(map[string]any); ok {
				put(o, "AccountObjectId", user, "id")
			}
		}
		return o, "CloudAppEvents"
	case "AlertInfo", "AlertEvidence", "CloudAppEvents", "EmailEvents", "UrlClickEvents", "OAuthAppInfo", "DeviceEvents", "DeviceLogonEvents", "DeviceNetworkEvents", "DeviceProcessEvents":
		o := maps.Clone(row)
		for _, column := range []string{"TenantId", "SourceSystem", "Type", "TimeGenerated"} {
			delete(o, column)
		}
		put(o, "Timestamp", row, "TimeGenerated")
		return o, table
	case "MicrosoftGraphActivityLogs":
		o := map[string]any{"EntityType": "user"}
		for column, from := range map[string]string{"Timestamp": "TimeGenerated", "ApplicationId": "AppId", "IpAddress": "IPAddress", "AccountObjectId": "UserId",
			"UniqueTokenIdentifier": "SignInActivityId", "ResponseSize": "ResponseSizeBytes", "ReportId": "RequestId"} {
			put(o, column, row, from)
		}
		for _, column := range []string{"IdentityProvider", "ApiVersion", "ClientRequestId", "OperationId", "Location", "RequestMethod", "Scopes", "RequestUri", "RequestId", "ServicePrincipalId"} {
			put(o, column, row, column)
		}
		for column, from := range map[string]string{"RequestDuration": "DurationMs", "ResponseStatusCode": "ResponseStatusCode"} {
			if n, ok := row[from]; ok {
				o[column] = fmt.Sprint(n)
			}
		}
		if id, _ := row["UserId"].(string); id == "" { // who made the request is a service principal
			o["EntityType"] = "app"
			put(o, "AccountObjectId", row, "ServicePrincipalId")
		}
		return o, "GraphAPIAuditEvents"
	}
	return nil, table
}

// otherSignIn says a sign-in of one of the two tables of users' sign-ins as one of
// the other: columns of objects and lists are texts in that of sign-ins without
// the person.
func otherSignIn(row map[string]any, table string) (map[string]any, string) {
	o := maps.Clone(row)
	other, category, interactive := "AADNonInteractiveUserSignInLogs", "NonInteractiveUserSignInLogs", false
	if table == other {
		other, category, interactive = "SigninLogs", "SignInLogs", true
	}
	put := func(key string, v any) {
		if _, ok := o[key]; ok {
			o[key] = v
		}
	}
	put("Type", other)
	put("Category", category)
	put("IsInteractive", interactive)
	for _, column := range []string{"DeviceDetail", "LocationDetails", "Status", "ConditionalAccessPolicies", "MfaDetail"} {
		if interactive {
			put(column, opened(o[column]))
			continue
		}
		switch o[column].(type) {
		case map[string]any, []any:
			data, _ := json.Marshal(o[column])
			o[column] = string(data)
		}
	}
	return o, other
}

// diagnosticsRow says a record of a key vault as the table does into which all
// diagnostic settings once wrote: an object's columns stand side by side there,
// their types at the end of their names.
func diagnosticsRow(row map[string]any) map[string]any {
	o := map[string]any{"Type": "AzureDiagnostics", "Category": "AuditEvent", "ResourceProvider": "MICROSOFT.KEYVAULT", "ResourceType": "VAULTS"}
	for _, column := range []string{"TenantId", "TimeGenerated", "SourceSystem", "OperationName", "OperationVersion", "ResultType", "ResultSignature", "ResultDescription",
		"CorrelationId", "DurationMs", "ResourceId", "_ResourceId"} {
		put(o, column, row, column)
	}
	for column, from := range map[string]string{"CallerIPAddress": "CallerIpAddress", "id_s": "Id", "clientInfo_s": "ClientInfo", "httpStatusCode_d": "HttpStatusCode",
		"requestUri_s": "RequestUri", "isAddressAuthorized_b": "IsAddressAuthorized"} {
		put(o, column, row, from)
	}
	identity, _ := opened(row["Identity"]).(map[string]any)
	claims, _ := identity["claim"].(map[string]any)
	for name, v := range claims {
		column := "identity_claim_" + notInColumn.ReplaceAllString(name, "_")
		if guid.MatchString(plainText(v)) {
			column += "_g"
		} else {
			column += "_s"
		}
		o[column] = v
	}
	return o
}

var (
	notInColumn = regexp.MustCompile(`[^A-Za-z0-9]+`)
	guid        = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)
