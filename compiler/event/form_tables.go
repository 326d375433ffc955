package event

import "strings"

// diagnosticCategories leads from the category of a diagnostic record, in lower
// case, to its Log Analytics table (Microsoft's reference of Azure Monitor
// resource log categories).
var diagnosticCategories = map[string]string{
	"signinlogs":                          "SigninLogs",
	"noninteractiveusersigninlogs":        "AADNonInteractiveUserSignInLogs",
	"serviceprincipalsigninlogs":          "AADServicePrincipalSignInLogs",
	"managedidentitysigninlogs":           "AADManagedIdentitySignInLogs",
	"microsoftserviceprincipalsigninlogs": "MicrosoftServicePrincipalSignInLogs",
	"adfssigninlogs":                      "ADFSSignInLogs",
	"auditlogs":                           "AuditLogs",
	"customsecurityattributeauditlogs":    "AADCustomSecurityAttributeAuditLogs",
	"riskyusers":                          "AADRiskyUsers",
	"userriskevents":                      "AADUserRiskEvents",
	"riskyserviceprincipals":              "AADRiskyServicePrincipals",
	"serviceprincipalriskevents":          "AADServicePrincipalRiskEvents",
	"riskyagents":                         "AADRiskyAgents",
	"agentriskevents":                     "AADAgentRiskEvents",
	"provisioninglogs":                    "AADProvisioningLogs",
	"b2crequestlogs":                      "AADB2CRequestLogs",
	"microsoftgraphactivitylogs":          "MicrosoftGraphActivityLogs",
	"azureadgraphactivitylogs":            "AADGraphActivityLogs",
	"enrichedoffice365auditlogs":          "EnrichedMicrosoft365AuditLogs",
	"networkaccesstrafficlogs":            "NetworkAccessTraffic",
	"networkaccessalerts":                 "NetworkAccessAlerts",
	"networkaccessconnectionevents":       "NetworkAccessConnectionEvents",
	"remotenetworkhealthlogs":             "RemoteNetworkHealthLogs",
}

// activityCategories are those of the Azure activity log.
var activityCategories = map[string]bool{
	"administrative": true, "security": true, "servicehealth": true, "alert": true,
	"recommendation": true, "policy": true, "autoscale": true, "resourcehealth": true,
}

// graphTypes leads from a Graph type, in lower case and without
// "microsoft.graph.", to the table that holds the same fact, or to a snapshot.
var graphTypes = map[string]string{
	"directoryaudit":                "AuditLogs",
	"provisioningobjectsummary":     "AADProvisioningLogs",
	"riskdetection":                 "AADUserRiskEvents",
	"riskyuser":                     "AADRiskyUsers",
	"serviceprincipalriskdetection": "AADServicePrincipalRiskEvents",
	"riskyserviceprincipal":         "AADRiskyServicePrincipals",

	"application":             "graph:applications",
	"serviceprincipal":        "graph:servicePrincipals",
	"user":                    "graph:users",
	"group":                   "graph:groups",
	"device":                  "graph:devices",
	"approleassignment":       "graph:appRoleAssignments",
	"oauth2permissiongrant":   "graph:oauth2PermissionGrants",
	"unifiedroleassignment":   "graph:roleAssignments",
	"unifiedroledefinition":   "graph:roleDefinitions",
	"directoryrole":           "graph:directoryRoles",
	"conditionalaccesspolicy": "graph:conditionalAccessPolicies",
	"ipnamedlocation":         "graph:namedLocations",
	"countrynamedlocation":    "graph:namedLocations",
	"domain":                  "graph:domains",
	"userregistrationdetails": "graph:userRegistrationDetails",
	"messagerule":             "graph:messageRules",
}

// graphCollections leads from a collection as @odata.context names it, in lower
// case, to the table of its items.
var graphCollections = map[string]string{
	"auditlogs/signins":                                 "SigninLogs",
	"auditlogs/directoryaudits":                         "AuditLogs",
	"auditlogs/provisioning":                            "AADProvisioningLogs",
	"identityprotection/riskdetections":                 "AADUserRiskEvents",
	"identityprotection/riskyusers":                     "AADRiskyUsers",
	"identityprotection/serviceprincipalriskdetections": "AADServicePrincipalRiskEvents",
	"identityprotection/riskyserviceprincipals":         "AADRiskyServicePrincipals",
	"applications":                                      "graph:applications",
	"serviceprincipals":                                 "graph:servicePrincipals",
	"users":                                             "graph:users",
	"groups":                                            "graph:groups",
	"devices":                                           "graph:devices",
	"oauth2permissiongrants":                            "graph:oauth2PermissionGrants",
	"rolemanagement/directory/roleassignments":          "graph:roleAssignments",
	"rolemanagement/directory/roledefinitions":          "graph:roleDefinitions",
	"directoryroles":                                    "graph:directoryRoles",
	"identity/conditionalaccess/policies":               "graph:conditionalAccessPolicies",
	"identity/conditionalaccess/namedlocations":         "graph:namedLocations",
	"domains": "graph:domains",
	"reports/authenticationmethods/userregistrationdetails": "graph:userRegistrationDetails",
}

// graphNavigations are collections that belong to one object or another.
var graphNavigations = map[string]string{
	"/approleassignments":     "graph:appRoleAssignments",
	"/approleassignedto":      "graph:appRoleAssignments",
	"/authentication/methods": "graph:authenticationMethods",
	"/messagerules":           "graph:messageRules",
	"/oauth2permissiongrants": "graph:oauth2PermissionGrants",
}

// tables leads from the lower-case name of a table that events are known to
// come from to its name.
var tables = func() map[string]string {
	m := map[string]string{}
	for _, t := range diagnosticCategories {
		m[strings.ToLower(t)] = t
	}
	for _, t := range strings.Fields(`OfficeActivity AzureActivity IntuneAuditLogs SecurityAlert SecurityIncident SecurityEvent WindowsEvent
		IdentityInfo BehaviorAnalytics AzureDiagnostics AZKVAuditLogs
		AADSignInEventsBeta AADSpnSignInEventsBeta EntraIdSignInEvents EntraIdSpnSignInEvents AlertEvidence AlertInfo
		BehaviorEntities BehaviorInfo CampaignInfo CloudAppEvents CloudAuditEvents CloudProcessEvents CloudStorageAggregatedEvents
		DeviceEvents DeviceFileCertificateInfo DeviceFileEvents DeviceImageLoadEvents DeviceInfo DeviceLogonEvents
		DeviceNetworkEvents DeviceNetworkInfo DeviceProcessEvents DeviceRegistryEvents
		EmailAttachmentInfo EmailEvents EmailPostDeliveryEvents EmailUrlInfo FileMaliciousContentInfo GraphAPIAuditEvents
		IdentityAccountInfo IdentityDirectoryEvents IdentityEvents IdentityLogonEvents IdentityQueryEvents
		MessageEvents MessagePostDeliveryEvents MessageUrlInfo OAuthAppInfo UrlClickEvents`) {
		m[strings.ToLower(t)] = t
	}
	return m
}()

// signature describes the events of one table by columns that must hold
// something, columns of which one must, and columns that must not; and
// perhaps by the values that one column may have, in lower case between bars.
// exact: only with the keys in their own case, because another form has the
// same words in another case.
type signature struct {
	src    Source
	has    []string
	any    []string
	not    []string
	key    string
	values string
	exact  bool

	// has, any and not by the numbers of keys: in their own case, and in any.
	sets      [2]struct{ has, any, not keySet }
	keyNumber int
}

func words(s string) []string { return strings.Fields(s) }

// signatures are asked from top to bottom, the narrower before the wider.
var signatures = []signature{
	// Advanced hunting: rows that lack Type. Tables that share all columns are
	// told apart by the actions that only one of them has.
	{src: Source{MDEHunting, "DeviceProcessEvents"}, has: words("Timestamp ActionType"), any: words("DeviceId DeviceName"), key: "ActionType", values: "|processcreated|"},
	{src: Source{MDEHunting, "DeviceImageLoadEvents"}, has: words("Timestamp ActionType"), any: words("DeviceId DeviceName"), key: "ActionType", values: "|imageloaded|"},
	{src: Source{MDEHunting, "DeviceFileEvents"}, has: words("Timestamp ActionType"), any: words("DeviceId DeviceName"), key: "ActionType", values: "|filecreated|filemodified|filerenamed|filedeleted|"},
	{src: Source{MDEHunting, "DeviceRegistryEvents"}, has: words("Timestamp ActionType"), any: words("DeviceId DeviceName"), key: "ActionType", values: "|registrykeycreated|registrykeydeleted|registrykeyrenamed|registryvalueset|registryvaluedeleted|"},
	{src: Source{MDEHunting, "DeviceNetworkEvents"}, has: words("Timestamp ActionType"), any: words("DeviceId DeviceName"), key: "ActionType", values: "|connectionsuccess|connectionfailed|connectionfound|connectionrequest|connectionattempt|connectionacknowledged|inboundconnectionaccepted|listeningconnectioncreated|networksignatureinspected|dnsconnectioninspected|httpconnectioninspected|sslconnectioninspected|"},
	{src: Source{MDEHunting, "CloudAppEvents"}, has: words("Timestamp ActionType Application"), any: words("RawEventData ActivityObjects ActivityType AppInstanceId AuditSource"), not: words("DestinationDeviceName TimeGenerated")},
	{src: Source{MDEHunting, "IdentityQueryEvents"}, has: words("Timestamp ActionType"), any: words("QueryType QueryTarget"), not: words("TimeGenerated")},
	{src: Source{MDEHunting, "IdentityDirectoryEvents"}, has: words("Timestamp ActionType Application"), any: words("DestinationDeviceName ISP TargetAccountUpn TargetDeviceName"), not: words("LogonType FailureReason TimeGenerated QueryType")},
	{src: Source{MDEHunting, "IdentityLogonEvents"}, has: words("Timestamp ActionType Application LogonType"), not: words("TimeGenerated LogonId")},
	{src: Source{MDEHunting, "DeviceLogonEvents"}, has: words("Timestamp ActionType LogonType"), any: words("DeviceId DeviceName"), key: "ActionType", values: "|logonsuccess|logonfailed|logonattempted|"},
	{src: Source{MDEHunting, "UrlClickEvents"}, has: words("Timestamp ActionType Url AccountUpn"), any: words("UrlChain IsClickedThrough Workload")},
	{src: Source{MDEHunting, "EmailPostDeliveryEvents"}, has: words("Timestamp ActionType NetworkMessageId RecipientEmailAddress")},
	{src: Source{MDEHunting, "EmailEvents"}, has: words("Timestamp NetworkMessageId SenderFromAddress RecipientEmailAddress"), any: words("DeliveryAction EmailDirection Subject"), not: words("ActionType")},
	{src: Source{MDEHunting, "EmailAttachmentInfo"}, has: words("Timestamp NetworkMessageId FileName"), any: words("SHA256 FileType")},
	{src: Source{MDEHunting, "EmailUrlInfo"}, has: words("Timestamp NetworkMessageId Url UrlLocation")},
	{src: Source{MDEHunting, "AlertEvidence"}, has: words("Timestamp AlertId EntityType")},
	{src: Source{MDEHunting, "AlertInfo"}, has: words("Timestamp AlertId Title Severity"), not: words("EntityType")},
	{src: Source{MDEHunting, "EntraIdSpnSignInEvents"}, has: words("Timestamp ErrorCode ServicePrincipalId"), any: words("ServicePrincipalName IsManagedIdentity"), not: words("AccountUpn")},
	{src: Source{MDEHunting, "EntraIdSignInEvents"}, has: words("Timestamp AccountUpn ErrorCode"), any: words("EntraIdDeviceId IsConfidentialClient EndpointCall"), not: words("AadDeviceId")},
	{src: Source{MDEHunting, "AADSignInEventsBeta"}, has: words("Timestamp AccountUpn ErrorCode LogonType"), any: words("AadDeviceId ResourceId Application")},
	{src: Source{MDEHunting, "GraphAPIAuditEvents"}, has: words("Timestamp RequestUri RequestMethod"), any: words("ResponseStatusCode TargetWorkload")},
	{src: Source{MDEHunting, "OAuthAppInfo"}, has: words("Timestamp OAuthAppId"), any: words("AppStatus PrivilegeLevel IsAdminConsented AddedOnTime")},

	// Log Analytics rows that lack Type.
	{src: Source{LogAnalytics, "AADNonInteractiveUserSignInLogs"}, has: words("ResultType UserPrincipalName AppDisplayName"), any: words("TimeGenerated CreatedDateTime"), key: "IsInteractive", values: "|false|", exact: true},
	{src: Source{LogAnalytics, "SigninLogs"}, has: words("ResultType UserPrincipalName"), any: words("AppDisplayName ClientAppUsed ConditionalAccessStatus"), exact: true},
	{src: Source{LogAnalytics, "AADServicePrincipalSignInLogs"}, has: words("ResultType ServicePrincipalName AppId"), any: words("ServicePrincipalCredentialKeyId ServicePrincipalId"), not: words("UserPrincipalName"), exact: true},
	{src: Source{LogAnalytics, "AuditLogs"}, has: words("OperationName"), any: words("TargetResources InitiatedBy AADOperationType LoggedByService"), not: words("callerIpAddress"), exact: true},
	{src: Source{LogAnalytics, "OfficeActivity"}, has: words("Operation"), any: words("OfficeWorkload OfficeId OfficeObjectId"), exact: true},
	{src: Source{LogAnalytics, "AzureActivity"}, has: words("OperationNameValue"), any: words("ActivityStatusValue Caller EventDataId"), exact: true},
	{src: Source{LogAnalytics, "MicrosoftGraphActivityLogs"}, has: words("TimeGenerated RequestUri RequestMethod"), any: words("ResponseStatusCode SignInActivityId"), exact: true},
	{src: Source{LogAnalytics, "AADUserRiskEvents"}, has: words("RiskEventType RiskLevel RiskState"), any: words("DetectedDateTime ActivityDateTime"), not: words("ServicePrincipalId"), exact: true},
	{src: Source{LogAnalytics, "AADServicePrincipalRiskEvents"}, has: words("RiskEventType RiskLevel RiskState ServicePrincipalId"), exact: true},
	{src: Source{LogAnalytics, "AADRiskyUsers"}, has: words("RiskLevel RiskState RiskLastUpdatedDateTime UserPrincipalName"), exact: true},
	{src: Source{LogAnalytics, "SecurityAlert"}, has: words("TimeGenerated SystemAlertId AlertName"), exact: true},
	{src: Source{LogAnalytics, "SecurityEvent"}, has: words("TimeGenerated EventID Activity Computer"), exact: true},
	{src: Source{LogAnalytics, "WindowsEvent"}, has: words("TimeGenerated EventID EventData Channel"), exact: true},

	// Graph objects of the audit and identity-protection collections.
	{src: Source{GraphAPI, "SigninLogs"}, has: words("createdDateTime status"), any: words("conditionalAccessStatus clientAppUsed isInteractive resourceDisplayName signInEventTypes"), not: words("TimeGenerated ResultType properties")},
	{src: Source{GraphAPI, "AuditLogs"}, has: words("activityDisplayName activityDateTime"), any: words("initiatedBy targetResources targetResource loggedByService"), not: words("TimeGenerated properties")},
	{src: Source{GraphAPI, "AADServicePrincipalRiskEvents"}, has: words("detectedDateTime riskLevel riskState servicePrincipalId"), not: words("TimeGenerated properties")},
	{src: Source{GraphAPI, "AADUserRiskEvents"}, has: words("detectedDateTime riskLevel riskState"), any: words("riskEventType riskType"), not: words("TimeGenerated properties")},
	{src: Source{GraphAPI, "AADRiskyServicePrincipals"}, has: words("riskLevel riskState riskLastUpdatedDateTime"), any: words("servicePrincipalType appId"), not: words("TimeGenerated properties")},
	{src: Source{GraphAPI, "AADRiskyUsers"}, has: words("riskLevel riskState riskLastUpdatedDateTime"), any: words("userPrincipalName userDisplayName"), not: words("TimeGenerated properties")},
	{src: Source{GraphAPI, "AADProvisioningLogs"}, has: words("activityDateTime jobId"), any: words("provisioningSteps sourceIdentity targetIdentity"), not: words("TimeGenerated properties")},

	// Snapshots of directory objects.
	{src: Source{GraphAPI, "azure:roleAssignments"}, has: words("principalId roleDefinitionId scope"), not: words("directoryScopeId"), exact: true},
	{src: Source{GraphAPI, "azure:roleAssignments"}, has: words("type properties"), key: "type", values: "|microsoft.authorization/roleassignments|", exact: true},
	{src: Source{GraphAPI, "graph:roleAssignments"}, has: words("principalId roleDefinitionId directoryScopeId"), exact: true},
	{src: Source{GraphAPI, "graph:appRoleAssignments"}, has: words("appRoleId principalId resourceId"), exact: true},
	{src: Source{GraphAPI, "graph:oauth2PermissionGrants"}, has: words("clientId consentType resourceId"), exact: true},
	{src: Source{GraphAPI, "graph:userRegistrationDetails"}, has: words("isMfaRegistered isMfaCapable"), exact: true},
	{src: Source{GraphAPI, "graph:conditionalAccessPolicies"}, has: words("displayName state conditions"), any: words("grantControls sessionControls"), exact: true},
	{src: Source{GraphAPI, "graph:servicePrincipals"}, has: words("appId"), any: words("servicePrincipalType servicePrincipalNames appOwnerOrganizationId"), exact: true},
	{src: Source{GraphAPI, "graph:applications"}, has: words("appId"), any: words("signInAudience requiredResourceAccess passwordCredentials keyCredentials publisherDomain"), exact: true},
	{src: Source{GraphAPI, "graph:devices"}, has: words("deviceId"), any: words("approximateLastSignInDateTime trustType profileType isCompliant"), exact: true},
	{src: Source{GraphAPI, "graph:messageRules"}, has: words("sequence actions displayName"), any: words("isEnabled conditions isReadOnly"), exact: true},
	{src: Source{GraphAPI, "graph:groups"}, has: words("displayName mailNickname securityEnabled"), exact: true},
	{src: Source{GraphAPI, "graph:directoryRoles"}, has: words("displayName roleTemplateId"), exact: true},
	{src: Source{GraphAPI, "graph:users"}, has: words("id userPrincipalName"), any: words("accountEnabled givenName businessPhones userType mail onPremisesSyncEnabled"), not: words("createdDateTime appId riskState"), exact: true},
	{src: Source{GraphAPI, "graph:users"}, has: words("id userPrincipalName accountEnabled"), exact: true},
	{src: Source{GraphAPI, "exo:inboxRules"}, has: words("Identity Enabled Priority"), any: words("RuleIdentity MailboxOwnerId InError Description"), exact: true},
	{src: Source{GraphAPI, "exo:transportRules"}, has: words("Identity Priority State"), any: words("Mode RuleVersion Conditions Actions"), exact: true},
	{src: Source{GraphAPI, "exo:mailboxes"}, has: words("PrimarySmtpAddress RecipientTypeDetails"), any: words("ExchangeGuid DeliverToMailboxAndForward MailboxPlan"), exact: true},

	// The Azure activity log as REST and the SDKs return it, and message traces.
	{src: Source{AzureRESTActivity, "AzureActivity"}, has: words("operationName eventTimestamp"), any: words("eventDataId authorization subscriptionId"), exact: true},
	{src: Source{AzureRESTActivity, "AzureActivity"}, has: words("operation_name event_timestamp"), any: words("event_data_id authorization subscription_id"), exact: true},
	{src: Source{MessageTraceAPI, "MessageTrace"}, has: words("MessageTraceId SenderAddress RecipientAddress")},
}
