package event

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// csvForm chooses what makes events of rows, by the columns there are.
func csvForm(columns []string, file string) (func(csvRow) (any, Source, error), error) {
	has := map[string]bool{}
	for _, c := range columns {
		has[columnKey(c)] = true
	}
	switch {
	case has["auditdata"]:
		return auditDataRow, nil
	case (has["date (utc)"] || has["date"]) && has["activity"] && (has["actortype"] || has["target1displayname"] || has["actoruserprincipalname"]):
		return portalAudit(columns), nil
	case has["date (utc)"] && has["request id"] && has["ip address"] && has["status"]:
		return portalSignIn(columns, file), nil
	case len(columns) > 20 && strings.HasSuffix(columnKey(columns[0]), "(utc)"):
		return nil, errors.New("this looks like a download of the Entra portal in another language than English; its columns can be told in English only: set the portal's language and download it again, or as JSON")
	}
	return plainRow, nil
}

// columnKey makes the portal's column names comparable: some have a space too
// many at the end or within.
func columnKey(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(name), " "))
}

// plainRow is an event whose keys are the columns. A cell that is empty says
// nothing: CSV cannot tell the empty string from none.
func plainRow(r csvRow) (any, Source, error) {
	ev := make(map[string]any, len(r.cells))
	for i, c := range r.columns {
		if v := r.cells[i]; v != "" && ev[c] == nil {
			ev[c] = v
		}
	}
	return ev, Source{}, nil
}

// auditDataRow is a row of the unified audit log: Purview's download and
// Search-UnifiedAuditLog. The event is the JSON in AuditData; the other columns
// repeat parts of it.
func auditDataRow(r csvRow) (any, Source, error) {
	data := ""
	for i, c := range r.columns {
		if columnKey(c) == "auditdata" {
			data = r.cells[i]
		}
	}
	if strings.TrimSpace(data) == "" {
		return nil, Source{}, errors.New("AuditData is empty")
	}
	sc := scanner{state: wantValue}
	if n, ev, err := sc.feed([]byte(data), 0, false); err != nil || ev != scanDone || strings.TrimSpace(data[n:]) != "" {
		if err == nil {
			err = errors.New("it is cut off; spreadsheets cut cells of 32,767 characters")
		}
		return nil, Source{}, fmt.Errorf("AuditData is not JSON: %w", err)
	}
	if sc.tooDeep {
		return nil, Source{}, fmt.Errorf("AuditData is nested deeper than the limit of %d", MaxNesting)
	}
	v, err := decodeRecord([]byte(data))
	if err != nil {
		return nil, Source{}, fmt.Errorf("AuditData: %w", err)
	}
	ev, ok := v.(map[string]any)
	if !ok {
		return nil, Source{}, errors.New("AuditData is no JSON object")
	}
	return ev, Source{}, nil
}

// portalAudit makes AuditLogs rows of the audit download of the Entra portal,
// which writes each list as numbered columns:
// Target1ModifiedProperty1Name, …OldValue, …NewValue, AdditionalDetail1Key ….
func portalAudit(columns []string) func(csvRow) (any, Source, error) {
	index := map[string]int{}
	for i, c := range columns {
		if _, ok := index[columnKey(c)]; !ok {
			index[columnKey(c)] = i
		}
	}
	return func(r csvRow) (any, Source, error) {
		cell := func(name string) any {
			if i, ok := index[name]; ok && r.cells[i] != "" {
				return r.cells[i]
			}
			return nil
		}
		ev := map[string]any{"Type": "AuditLogs", "SourceSystem": "Azure AD"}
		put(ev, "TimeGenerated", cell("date (utc)"), cell("date"))
		put(ev, "ActivityDateTime", ev["TimeGenerated"])
		put(ev, "OperationName", cell("activity"))
		put(ev, "ActivityDisplayName", cell("activity"))
		put(ev, "CorrelationId", cell("correlationid"), cell("correlation id"))
		put(ev, "LoggedByService", cell("service"))
		put(ev, "Category", cell("category"))
		put(ev, "Result", cell("result"))
		put(ev, "ResultReason", cell("resultreason"), cell("result reason"))
		put(ev, "UserAgent", cell("user agent"), cell("useragent"))

		user, app := map[string]any{}, map[string]any{}
		put(app, "servicePrincipalId", cell("actorserviceprincipalid"))
		put(app, "displayName", cell("actorserviceprincipalname"))
		put(user, "userPrincipalName", cell("actoruserprincipalname"))
		if kind := strings.ToLower(text(cell("actortype"))); kind == "application" || kind == "serviceprincipal" || kind == "service principal" {
			put(app, "displayName", cell("actordisplayname"))
			put(app, "servicePrincipalId", cell("actorobjectid"))
			put(app, "ipAddress", cell("ipaddress"), cell("ip address"))
		} else {
			put(user, "displayName", cell("actordisplayname"))
			put(user, "id", cell("actorobjectid"))
			put(user, "ipAddress", cell("ipaddress"), cell("ip address"))
			put(user, "homeTenantId", cell("actorhometenantid"))
			put(user, "homeTenantName", cell("actorhometenantname"))
		}
		by := map[string]any{}
		if len(user) > 0 {
			by["user"] = user
		}
		if len(app) > 0 {
			by["app"] = app
		}
		if len(by) > 0 {
			ev["InitiatedBy"] = by
		}

		targets := []any{}
		for t := 1; ; t++ {
			p := "target" + strconv.Itoa(t)
			if _, ok := index[p+"type"]; !ok {
				if _, ok := index[p+"displayname"]; !ok {
					break
				}
			}
			target := map[string]any{}
			put(target, "type", cell(p+"type"))
			put(target, "displayName", cell(p+"displayname"))
			put(target, "id", cell(p+"objectid"), cell(p+"id"))
			put(target, "userPrincipalName", cell(p+"userprincipalname"))
			changes := []any{}
			for m := 1; ; m++ {
				q := p + "modifiedproperty" + strconv.Itoa(m)
				if _, ok := index[q+"name"]; !ok {
					break
				}
				change := map[string]any{}
				put(change, "displayName", cell(q+"name"))
				put(change, "oldValue", cell(q+"oldvalue"))
				put(change, "newValue", cell(q+"newvalue"))
				if len(change) > 0 {
					changes = append(changes, change)
				}
			}
			if len(target)+len(changes) > 0 {
				target["modifiedProperties"] = changes
				targets = append(targets, target)
			}
		}
		ev["TargetResources"] = targets

		details := []any{}
		for d := 1; ; d++ {
			p := "additionaldetail" + strconv.Itoa(d)
			if _, ok := index[p+"key"]; !ok {
				break
			}
			detail := map[string]any{}
			put(detail, "key", cell(p+"key"))
			put(detail, "value", cell(p+"value"))
			if len(detail) > 0 {
				details = append(details, detail)
			}
		}
		ev["AdditionalDetails"] = details
		return ev, Source{LogAnalytics, "AuditLogs"}, nil
	}
}

// put sets a key to the first value there is, unless it is set already.
func put(m map[string]any, key string, values ...any) {
	if m[key] != nil {
		return
	}
	for _, v := range values {
		if v != nil && v != "" {
			m[key] = v
			return
		}
	}
}

// signInColumns leads from the portal's column to the column of SigninLogs, or
// to a key of one of its objects.
var signInColumns = map[string]string{
	"date (utc)":                              "TimeGenerated",
	"request id":                              "Id",
	"correlation id":                          "CorrelationId",
	"user agent":                              "UserAgent",
	"user id":                                 "UserId",
	"user":                                    "UserDisplayName",
	"username":                                "UserPrincipalName",
	"user type":                               "UserType",
	"cross tenant access type":                "CrossTenantAccessType",
	"incoming token type":                     "IncomingTokenType",
	"authentication protocol":                 "AuthenticationProtocol",
	"unique token identifier":                 "UniqueTokenIdentifier",
	"original transfer method":                "OriginalTransferMethod",
	"client credential type":                  "ClientCredentialType",
	"application":                             "AppDisplayName",
	"application id":                          "AppId",
	"app owner tenant id":                     "AppOwnerTenantId",
	"resource":                                "ResourceDisplayName",
	"resource id":                             "ResourceIdentity",
	"resource tenant id":                      "ResourceTenantId",
	"resource owner tenant id":                "ResourceOwnerTenantId",
	"home tenant id":                          "HomeTenantId",
	"home tenant name":                        "HomeTenantName",
	"ip address":                              "IPAddress",
	"failure reason":                          "ResultDescription",
	"client app":                              "ClientAppUsed",
	"device id":                               "DeviceDetail/deviceId",
	"browser":                                 "DeviceDetail/browser",
	"operating system":                        "DeviceDetail/operatingSystem",
	"compliant":                               "DeviceDetail/isCompliant",
	"managed":                                 "DeviceDetail/isManaged",
	"join type":                               "DeviceDetail/trustType",
	"multifactor authentication result":       "Status/additionalDetails",
	"multifactor authentication auth method":  "MfaDetail/authMethod",
	"multifactor authentication auth detail":  "MfaDetail/authDetail",
	"authentication requirement":              "AuthenticationRequirement",
	"sign-in identifier":                      "SignInIdentifier",
	"session id":                              "SessionId",
	"ip address (seen by resource)":           "IPAddressFromResourceProvider",
	"global secure access ip address":         "GlobalSecureAccessIpAddress",
	"autonomous system number":                "AutonomousSystemNumber",
	"flagged for review":                      "FlaggedForReview",
	"token issuer type":                       "TokenIssuerType",
	"token issuer name":                       "TokenIssuerName",
	"latency":                                 "ProcessingTimeInMilliseconds",
	"conditional access":                      "ConditionalAccessStatus",
	"service principal id":                    "ServicePrincipalId",
	"service principal name":                  "ServicePrincipalName",
	"service principal credential key id":     "ServicePrincipalCredentialKeyId",
	"credential key id":                       "ServicePrincipalCredentialKeyId",
	"service principal credential thumbprint": "ServicePrincipalCredentialThumbprint",
	"credential thumbprint":                   "ServicePrincipalCredentialThumbprint",
	"associated resource id":                  "AssociatedResourceId",
	"federated token id":                      "FederatedCredentialId",
	"managed identity type":                   "ManagedServiceIdentity/msiType",
	"token protection - sign in session":      "TokenProtectionStatusDetails/signInSessionStatus",
	"token protection - sign in session statuscode": "TokenProtectionStatusDetails/signInSessionStatusCode",
}

// signInValues are the values that the log writes as one word and the portal
// spells out for the eye. Compared without spaces, dots and dashes.
var signInValues = map[string][]string{
	"AuthenticationProtocol":    {"none", "oAuth2", "ropc", "wsFederation", "saml20", "deviceCode", "authenticationTransfer", "nativeAuth"},
	"OriginalTransferMethod":    {"none", "deviceCodeFlow", "authenticationTransfer"},
	"IncomingTokenType":         {"none", "primaryRefreshToken", "saml11", "saml20", "remoteDesktopToken", "refreshToken"},
	"AuthenticationRequirement": {"singleFactorAuthentication", "multiFactorAuthentication"},
	"ConditionalAccessStatus":   {"success", "failure", "notApplied"},
	"ClientCredentialType":      {"none", "clientSecret", "clientAssertion", "federatedIdentityCredential", "managedIdentity", "certificate"},
	"CrossTenantAccessType":     {"none", "b2bCollaboration", "b2bDirectConnect", "microsoftSupport", "serviceProvider", "passthrough"},
	"UserType":                  {"Member", "Guest"},
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

// portalSignIn makes rows of the sign-in tables of the sign-in downloads of the
// Entra portal. Which of the tables only the portal's file names tell.
func portalSignIn(columns []string, file string) func(csvRow) (any, Source, error) {
	targets := make([][]string, len(columns))
	special := map[string]int{}
	for i, c := range columns {
		key := columnKey(c)
		if t, ok := signInColumns[key]; ok {
			targets[i] = strings.Split(t, "/")
		} else {
			targets[i] = []string{c}
		}
		special[key] = i
	}
	table := signInFileTable(file)
	return func(r csvRow) (any, Source, error) {
		cell := func(name string) string {
			if i, ok := special[name]; ok {
				return strings.TrimSpace(r.cells[i])
			}
			return ""
		}
		ev := map[string]any{"Type": table, "SourceSystem": "Azure AD", "OperationName": "Sign-in activity"}
		for i, v := range r.cells {
			name := targets[i][0]
			if v == "" || name == "Status" && len(targets[i]) == 1 || columnKey(r.columns[i]) == "location" || columnKey(r.columns[i]) == "sign-in error code" {
				continue
			}
			for _, word := range signInValues[name] {
				if squeeze(v) == squeeze(word) {
					v = word
				}
			}
			if len(targets[i]) == 1 {
				put(ev, name, v)
				continue
			}
			inner, ok := ev[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				ev[name] = inner
			}
			switch targets[i][1] {
			case "isCompliant", "isManaged":
				switch strings.ToLower(v) {
				case "yes", "true":
					put(inner, targets[i][1], true)
				case "no", "false":
					put(inner, targets[i][1], false)
				}
			default:
				put(inner, targets[i][1], v)
			}
		}
		put(ev, "CreatedDateTime", ev["TimeGenerated"])
		put(ev, "Identity", ev["UserDisplayName"], ev["ServicePrincipalName"])
		if table == "SigninLogs" || table == "AADNonInteractiveUserSignInLogs" {
			ev["IsInteractive"] = table == "SigninLogs"
		}

		code := cell("sign-in error code")
		if code == "" && strings.EqualFold(cell("status"), "success") {
			code = "0"
		}
		status, _ := ev["Status"].(map[string]any)
		if status == nil {
			status = map[string]any{}
		}
		if code != "" {
			ev["ResultType"] = code
			status["errorCode"] = code
		}
		if code == "0" {
			delete(ev, "ResultDescription") // the portal writes "Other."
		} else {
			put(status, "failureReason", ev["ResultDescription"])
		}
		if len(status) > 0 {
			ev["Status"] = status
		}

		if l := cell("location"); l != "" {
			parts := strings.Split(l, ",")
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			n := len(parts)
			details := map[string]any{}
			put(details, "countryOrRegion", parts[n-1])
			if n >= 2 {
				put(details, "state", parts[n-2])
			}
			if n >= 3 {
				put(details, "city", strings.Join(parts[:n-2], ", "))
			}
			ev["LocationDetails"] = details
			put(ev, "Location", parts[n-1])
		}
		return ev, Source{LogAnalytics, table}, nil
	}
}

// signInFileTable reads the kind of sign-ins from names such as
// NonInteractiveSignIns_2026-03-01_2026-03-08.csv.
func signInFileTable(file string) string {
	name := strings.ToLower(path.Base(strings.ReplaceAll(file, `\`, "/")))
	switch {
	case strings.Contains(name, "noninteractive"):
		return "AADNonInteractiveUserSignInLogs"
	case strings.Contains(name, "applicationsignin"), strings.Contains(name, "serviceprincipalsignin"):
		return "AADServicePrincipalSignInLogs"
	case strings.Contains(name, "msisignin"), strings.Contains(name, "managedidentitysignin"):
		return "AADManagedIdentitySignInLogs"
	}
	return "SigninLogs"
}
