package benign

import (
	"strings"
	"time"
)

// productAlerts are what Microsoft's products raise in an ordinary month, most
// of it to be read and closed.
var productAlerts = []struct {
	title, category, severity, service, source string
	share                                      float64
}{
	{"User requested to release a quarantined message", "InitialAccess", "Informational", "Microsoft Defender for Office 365", "Microsoft Defender for Office 365", 0.42},
	{"Email reported by user as malware or phish", "InitialAccess", "Low", "Microsoft Defender for Office 365", "Microsoft Defender for Office 365", 0.2},
	{"Email messages removed after delivery", "InitialAccess", "Informational", "Microsoft Defender for Office 365", "Microsoft Defender for Office 365", 0.14},
	{"DLP policy (Customer data) matched for email", "Exfiltration", "Low", "Microsoft Data Loss Prevention", "Microsoft Data Loss Prevention", 0.11},
	{"Unwanted software was prevented", "Malware", "Informational", "Microsoft Defender for Endpoint", "Antivirus", 0.08},
	{"Suspicious PowerShell command line", "Execution", "Medium", "Microsoft Defender for Endpoint", "EDR", 0.02},
	{"Unfamiliar sign-in properties", "InitialAccess", "Low", "Microsoft Entra ID Protection", "Microsoft Entra ID Protection", 0.02},
	{"Mass download", "Exfiltration", "Medium", "Microsoft Defender for Cloud Apps", "Microsoft Defender for Cloud Apps", 0.007},
	{"A potentially malicious URL click was detected", "InitialAccess", "High", "Microsoft Defender for Office 365", "Microsoft Defender for Office 365", 0.003},
}

// alerts are rows of AlertInfo, AlertEvidence and SecurityAlert: the same
// alerts, as Defender and Sentinel keep them.
func (m *month) alerts(day int) {
	d := NewDice(m.Options.Seed, "alerts", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	for range d.often(62 * max(m.works(day), 0.1)) {
		at := m.day(day).Add(d.clock(12, 3))
		u := pick(d, people)
		x, n := d.Float64(), 0
		for x > productAlerts[n].share && n < len(productAlerts)-1 {
			x -= productAlerts[n].share
			n++
		}
		p := productAlerts[n]
		id := "da" + d.GUID()
		o := m.begin("product-alert")
		m.add(o, at, "AlertInfo", map[string]any{"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(at), "Timestamp": stamp(at), "AlertId": id, "Title": p.title, "Category": p.category, "Severity": p.severity,
			"ServiceSource": p.service, "DetectionSource": p.source, "AttackTechniques": "", "Type": "AlertInfo"})
		m.add(o, at, "AlertEvidence", map[string]any{"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(at), "Timestamp": stamp(at), "AlertId": id, "Title": p.title, "Categories": listed(p.category), "AttackTechniques": "",
			"ServiceSource": p.service, "DetectionSource": p.source, "EntityType": "User", "EvidenceRole": "Impacted", "EvidenceDirection": "", "FileName": "", "FolderPath": "", "SHA1": "", "SHA256": "", "RemoteIP": "", "RemoteUrl": "",
			"AccountName": u.Account, "AccountDomain": "contoso", "AccountSid": "", "AccountObjectId": u.ID, "AccountUpn": u.UPN, "DeviceId": "", "DeviceName": "", "LocalIP": "", "Severity": p.severity, "Type": "AlertEvidence"})
		m.add(o, at.Add(2*time.Minute), "SecurityAlert", map[string]any{"TenantId": WorkspaceID, "SourceSystem": "Detection", "TimeGenerated": stamp(at.Add(2 * time.Minute)), "DisplayName": p.title, "AlertName": p.title, "AlertSeverity": p.severity, "Description": "",
			"ProviderName": provider(p.service), "VendorName": "Microsoft", "VendorOriginalId": id, "SystemAlertId": d.GUID(), "SourceComputerId": "", "AlertType": strings.ReplaceAll(p.title, " ", ""), "ConfidenceLevel": "", "IsIncident": false,
			"StartTime": stamp(at), "EndTime": stamp(at), "ProcessingEndTime": stamp(at.Add(2 * time.Minute)), "RemediationSteps": "", "ExtendedProperties": "{}", "Entities": asJSON([]any{map[string]any{"$id": "2", "Name": u.Account, "UPNSuffix": Domain, "Type": "account"}}),
			"ProductName": p.service, "ProductComponentName": "", "AlertLink": "", "Status": "New", "CompromisedEntity": u.UPN, "Tactics": p.category, "Techniques": "", "Type": "SecurityAlert"})
	}
}

func provider(service string) string {
	switch service {
	case "Microsoft Entra ID Protection":
		return "IPC"
	case "Microsoft Defender for Endpoint":
		return "MDATP"
	case "Microsoft Defender for Cloud Apps":
		return "MCAS"
	}
	return "OATP"
}

// RiskEvent is a row of AADUserRiskEvents.
func (t *Tenant) RiskEvent(d Dice, at time.Time, id string, u *User, from Network, kind, level, state, detail string) map[string]any {
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "Azure AD", "TimeGenerated": stamp(at), "OperationName": "User Risk Detection", "Id": id, "RequestId": d.GUID(), "CorrelationId": d.GUID(), "RiskEventType": kind, "RiskState": state, "RiskLevel": level,
		"RiskDetail": detail, "Source": "IdentityProtection", "DetectionTimingType": "realtime", "Activity": "signin", "TokenIssuerType": "AzureAD", "IpAddress": from.IP,
		"Location":         map[string]any{"city": from.City, "state": from.State, "countryOrRegion": from.Country, "geoCoordinates": map[string]any{}},
		"ActivityDateTime": stamp(at), "DetectedDateTime": stamp(at.Add(4 * time.Minute)), "LastUpdatedDateTime": stamp(at.Add(5 * time.Minute)), "UserId": u.ID, "UserDisplayName": u.Name, "UserPrincipalName": u.UPN,
		"AdditionalInfo": []any{map[string]any{"Key": "userAgent", "Value": u.Computer.Agent}}, "Type": "AADUserRiskEvents",
	}
}

// risks are what Entra ID Protection finds odd about people who are who they
// are: most of it low, and settled by the second factor.
func (m *month) risks(day int) {
	d := NewDice(m.Options.Seed, "risks", day)
	people := m.Users
	for range d.often(58 * max(m.works(day), 0.25)) {
		u := pick(d, people)
		at := m.day(day).Add(d.clock(12, 3))
		kind := pick(d, []string{"unfamiliarFeatures", "unfamiliarFeatures", "unfamiliarFeatures", "unlikelyTravel", "newCountry", "anonymizedIPAddress", "anomalousToken"})
		id := d.GUID()
		level, state, detail := "low", "remediated", "userPassedMFADrivenByRiskBasedPolicy"
		o := everyday("risk-detection")
		switch {
		case d.chance(0.012): // it takes an analyst to settle it
			o, level = m.begin("risk-rated-medium"), "medium"
			m.add(o, at, "AADUserRiskEvents", m.RiskEvent(d, at, id, u, u.HomeV6, kind, level, "atRisk", "none"))
			state, detail, at = "dismissed", "adminDismissedAllRiskForUser", at.Add(5*time.Hour)
		case d.chance(0.3):
			state, detail = "dismissed", "aiConfirmedSigninSafe"
		case d.chance(0.2):
			state, detail = "atRisk", "none"
		case d.chance(0.1): // the second factor settled it at once
			level = "medium"
		}
		m.add(o, at, "AADUserRiskEvents", m.RiskEvent(d, at, id, u, u.HomeV6, kind, level, state, detail))
	}
}

// cloudApps are rows of CloudAppEvents about what the other tables do not
// have: Power BI, Teams, administration of devices.
func (m *month) cloudApps(day int) {
	d := NewDice(m.Options.Seed, "cloud apps", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	for range d.often(110 * max(m.works(day), 0.1)) {
		u := pick(d, people)
		at := m.day(day).Add(d.clock(12, 2.5))
		x := pick(d, []struct{ app, workload, action string }{{"Microsoft Power BI", "PowerBI", "ViewReport"}, {"Microsoft Power BI", "PowerBI", "ExportReport"}, {"Microsoft Teams", "MicrosoftTeams", "MessageSent"}, {"Microsoft Teams", "MicrosoftTeams", "MeetingParticipantDetail"},
			{"Microsoft Teams", "MicrosoftTeams", "TeamsSessionStarted"}, {"Microsoft 365", "AzureActiveDirectory", "UserLoggedIn"}})
		net := m.offices[u.Office]
		m.add(everyday("cloud-app"), at, "CloudAppEvents", map[string]any{"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(at), "Timestamp": stamp(at), "ActionType": x.action, "Application": x.app, "ApplicationId": 20892, "AccountObjectId": u.ID, "AccountId": u.ID,
			"AccountDisplayName": u.Name, "IsAdminOperation": false, "IPAddress": net.IP, "CountryCode": net.Country, "City": net.City, "UserAgent": u.Computer.Agent, "ActivityType": "Basic", "ObjectName": "",
			"RawEventData": map[string]any{"Operation": x.action, "UserId": u.UPN, "Workload": x.workload, "ClientIP": net.IP, "Id": d.GUID(), "CreationTime": at.UTC().Format("2006-01-02T15:04:05")}, "ReportId": d.GUID(), "Type": "CloudAppEvents"})
	}
}
