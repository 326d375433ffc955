package benign

import (
	"encoding/json"
	"strconv"
	"time"
)

// SignIn says what a record of a sign-in holds; what is zero is as it is in an
// ordinary one.
type SignIn struct {
	Time           time.Time
	User           *User
	Network        Network
	Device         Device
	App, Resource  string // ids
	AppName        string
	ResourceName   string
	Code           int // 0 is success
	Interactive    bool
	Session, Token string
	Protocol       string // authentication protocol
	Transfer       string // original transfer method
	Client         string // client app
	SingleFactor   bool
	Passwordless   bool   // satisfied by a claim in the token
	WrongPassword  bool   // the first factor failed
	Details        string // additional details of the status
	Risk           string // during sign-in: none, low, medium, high
	RiskTypes      string // JSON list
	RiskState      string
	Tenant         string // of the resource, when another's
	Correlation    string
	Agent          string
	Reason         string // in place of what the code says
}

var reasons = map[int]string{
	50034:  "The user account does not exist in the directory. To sign into this application, the account must be added to the directory.",
	50053:  "Account is locked because user tried to sign in too many times with an incorrect user ID or password.",
	50055:  "Invalid password, entered expired password.",
	50057:  "User account is disabled. The account has been disabled by an administrator.",
	50058:  "Session information is not sufficient for single-sign-on.",
	50074:  "User did not pass the MFA challenge.",
	50076:  "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
	50097:  "Device authentication is required.",
	50126:  "Invalid username or password or Invalid on-premise username or password.",
	50140:  "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
	50173:  "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
	53003:  "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
	500121: "Authentication failed during strong authentication request.",
	700082: "The refresh token has expired due to inactivity.",
}

// SignInRecord writes a sign-in as a row of SigninLogs or, where it was not
// interactive, of AADNonInteractiveUserSignInLogs, and names the table.
func (t *Tenant) SignInRecord(d Dice, s SignIn) (table string, record map[string]any) {
	at := stamp(s.Time)
	code := strconv.Itoa(s.Code)
	orElse := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	reason := orElse(s.Reason, reasons[s.Code])
	requirement := "multiFactorAuthentication"
	if s.SingleFactor {
		requirement = "singleFactorAuthentication"
	}
	access := "success"
	switch {
	case s.Code == 53003:
		access = "failure"
	case s.Code == 50126 || s.Code == 50053 || s.Code == 50034 || s.SingleFactor:
		access = "notApplied"
	}
	agent := orElse(s.Agent, s.Device.Agent)
	status := map[string]any{"errorCode": s.Code, "failureReason": reason}
	if s.Code == 0 {
		status = map[string]any{"errorCode": 0, "additionalDetails": "MFA requirement satisfied by claim in the token"}
	}
	if s.Details != "" {
		status["additionalDetails"] = s.Details
	}
	device := map[string]any{"deviceId": "", "operatingSystem": s.Device.OS, "browser": s.Device.Browser}
	if s.Device.Managed {
		device["deviceId"], device["displayName"] = s.Device.ID, s.Device.Name
		device["isCompliant"], device["isManaged"], device["trustType"] = true, true, "Azure AD joined"
	}
	place := map[string]any{"city": s.Network.City, "state": s.Network.State, "countryOrRegion": s.Network.Country, "geoCoordinates": map[string]any{}}
	userType := "Member"
	if s.User.Dept == "Guest" {
		userType = "Guest"
	}
	r := map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "Azure AD", "TimeGenerated": at, "CreatedDateTime": at,
		"ResourceId":    "/tenants/" + TenantID + "/providers/Microsoft.aadiam",
		"OperationName": "Sign-in activity", "OperationVersion": "1.0",
		"ResultType": code, "ResultSignature": "None", "ResultDescription": reason, "DurationMs": 0,
		"CorrelationId": orElse(s.Correlation, d.GUID()), "Identity": s.User.Name, "Level": "4", "Location": s.Network.Country,
		"AppDisplayName": s.AppName, "AppId": s.App, "AuthenticationProtocol": orElse(s.Protocol, "none"),
		"AuthenticationRequirement": requirement, "OriginalTransferMethod": orElse(s.Transfer, "none"),
		"IncomingTokenType": "none", "ClientAppUsed": orElse(s.Client, "Browser"), "ConditionalAccessStatus": access,
		"IsInteractive": s.Interactive, "Id": d.GUID(), "IPAddress": s.Network.IP,
		"RiskDetail": "none", "RiskEventTypes_V2": orElse(s.RiskTypes, "[]"), "RiskLevelAggregated": orElse(s.Risk, "none"),
		"RiskLevelDuringSignIn": orElse(s.Risk, "none"), "RiskState": orElse(s.RiskState, "none"),
		"ResourceDisplayName": s.ResourceName, "ResourceIdentity": s.Resource,
		"SessionId": s.Session, "UniqueTokenIdentifier": orElse(s.Token, d.Hex(22)),
		"UserAgent": agent, "UserDisplayName": s.User.Name, "UserId": s.User.ID, "UserPrincipalName": s.User.UPN, "UserType": userType,
		"AutonomousSystemNumber": s.Network.ASN, "AADTenantId": TenantID, "HomeTenantId": TenantID, "ResourceTenantId": orElse(s.Tenant, TenantID),
	}
	if s.Interactive {
		r["AuthenticationDetails"] = authenticationSteps(at, s)
		r["Type"], r["Category"] = "SigninLogs", "SignInLogs"
		r["DeviceDetail"], r["LocationDetails"], r["Status"] = device, place, status
		return "SigninLogs", r
	}
	r["AuthenticationDetails"] = `[{"authenticationStepDateTime":"` + at + `","authenticationMethod":"Previously satisfied","succeeded":` + strconv.FormatBool(s.Code == 0) +
		`,"authenticationStepResultDetail":"First factor requirement satisfied by claim in the token","authenticationStepRequirement":"Primary authentication"}]`
	r["Type"], r["Category"] = "AADNonInteractiveUserSignInLogs", "NonInteractiveUserSignInLogs"
	r["IncomingTokenType"] = "refreshToken"
	if s.Device.Managed && s.Device.OS == "Windows10" {
		r["IncomingTokenType"] = "primaryRefreshToken"
	}
	r["DeviceDetail"], r["LocationDetails"], r["Status"] = asJSON(device), asJSON(place), asJSON(status)
	return "AADNonInteractiveUserSignInLogs", r
}

// authenticationSteps is the column of that name: JSON in a string.
func authenticationSteps(at string, s SignIn) string {
	type step struct {
		Time   string `json:"authenticationStepDateTime"`
		Method string `json:"authenticationMethod"`
		Detail string `json:"authenticationMethodDetail,omitempty"`
		OK     bool   `json:"succeeded"`
		Result string `json:"authenticationStepResultDetail"`
		For    string `json:"authenticationStepRequirement"`
	}
	var steps []step
	switch {
	case s.WrongPassword:
		steps = []step{{at, "Password", "Password in the cloud", false, "Invalid username or password or Invalid on-premise username or password.", "Primary authentication"}}
	case s.Passwordless:
		steps = []step{{at, "Previously satisfied", "", true, "MFA requirement satisfied by claim in the token", "Multifactor authentication"}}
	default:
		steps = []step{{at, "Password", "Password in the cloud", true, "Correct password", "Primary authentication"}}
		switch {
		case s.SingleFactor || s.Code == 53003:
		case s.Code == 500121 || s.Code == 50074:
			steps = append(steps, step{at, "Mobile app notification", "", false, "MFA denied; " + s.Details, "Multifactor authentication"})
		case s.Code == 0:
			steps = append(steps, step{at, "Mobile app notification", "", true, "MFA completed in Azure AD", "Multifactor authentication"})
		}
	}
	return asJSON(steps)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // values of our own, all of which can be written
	}
	return string(b)
}
