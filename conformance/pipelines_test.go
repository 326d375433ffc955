package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// eventFields names fields that at least one real event of a file must yield a
// value of, through the pipeline of the event's own form.
var eventFields = []struct{ file, logsource, fields string }{
	{"AuditLogs/splunk-azure-diagnostic.jsonl", "{product: azure, service: auditlogs}",
		`OperationName ActivityDisplayName Category Result LoggedByService AADOperationType CorrelationId Id TimeGenerated ActivityDateTime ResourceId AADTenantId
		InitiatedBy.user.userPrincipalName InitiatedBy.user.id InitiatedBy.user.ipAddress
		TargetResources.id TargetResources.type TargetResources.displayName TargetResources.userPrincipalName
		TargetResources.modifiedProperties.displayName TargetResources.modifiedProperties.newValue AdditionalDetails.key AdditionalDetails.value
		properties.message Status targetResources.type ConsentContext.IsAdminConsent`},
	{"AuditLogs/sentinel-lab-audit-a.jsonl", "{product: azure, service: auditlogs}",
		`OperationName Category Result LoggedByService AADOperationType InitiatedBy.user.userPrincipalName InitiatedBy.user.ipAddress Id CorrelationId
		TargetResources.displayName TargetResources.modifiedProperties.newValue AdditionalDetails.User-Agent`},
	// Dynamic columns are text here.
	{"AuditLogs/otrf-goldensaml-a.jsonl", "{product: azure, service: auditlogs}",
		`OperationName InitiatedBy.user.id TargetResources.displayName TargetResources.modifiedProperties.displayName TargetResources.modifiedProperties.newValue
		AdditionalDetails.value TimeGenerated ActivityDateTime`},
	{"AuditLogs/graphdocs-graph-api.jsonl", "{product: azure, service: auditlogs}",
		`OperationName ActivityDisplayName Category Result ResultReason LoggedByService AADOperationType InitiatedBy.user.userPrincipalName Id CorrelationId TimeGenerated
		TargetResources.displayName TargetResources.modifiedProperties.displayName AdditionalDetails.key`},
	{"OfficeActivity/splunk-o365-management.jsonl", "{product: azure, service: auditlogs}",
		`OperationName ActivityDisplayName Category Result CorrelationId Id TimeGenerated InitiatedBy.user.userPrincipalName InitiatedBy.user.ipAddress InitiatedBy.app.displayName
		TargetResources.id TargetResources.displayName TargetResources.userPrincipalName TargetResources.modifiedProperties.displayName
		TargetResources.modifiedProperties.newValue TargetResources.modifiedProperties.oldValue AdditionalDetails.User-Agent properties.message Status`},
	{"SigninLogs/splunk-azure-diagnostic.jsonl", "{product: azure, service: signinlogs}",
		`OperationName Category ResultType ResultDescription Location LocationDetails.city LocationDetails.countryOrRegion LocationDetails.geoCoordinates.latitude
		UserPrincipalName UserId Identity UserDisplayName AppId AppDisplayName ResourceDisplayName ResourceIdentity ResourceId ResourceTenantId HomeTenantId
		IPAddress ClientAppUsed UserAgent DeviceDetail.operatingSystem Status.errorCode Status.failureReason Status.additionalDetails
		ConditionalAccessStatus IsInteractive RiskDetail RiskLevelAggregated RiskLevelDuringSignIn RiskState AuthenticationRequirement AuthenticationProtocol
		OriginalTransferMethod IncomingTokenType UniqueTokenIdentifier AutonomousSystemNumber CrossTenantAccessType UserType TokenIssuerType
		AuthenticationDetails.authenticationMethod AuthenticationProcessingDetails.key AuthenticationRequirementPolicies.detail CorrelationId Id OriginalRequestId
		TimeGenerated CreatedDateTime AADTenantId
		userAgent properties.message ClientApp`},
	{"SigninLogs/sentinel-lab-adele-a-signinlogs.jsonl", "{product: azure, service: signinlogs}",
		`ResultType ResultDescription Location LocationDetails.city UserPrincipalName UserId AppId ResourceIdentity IPAddress ClientAppUsed UserAgent
		DeviceDetail.browser DeviceDetail.operatingSystem Status.errorCode ConditionalAccessPolicies.displayName ConditionalAccessPolicies.result
		AuthenticationDetails.authenticationMethod AuthenticationProcessingDetails.key RiskState CreatedDateTime NetworkLocationDetails`},
	{"SigninLogs/cribl-graph-signin.jsonl", "{product: azure, service: signinlogs}",
		`ResultType ResultDescription Location LocationDetails.city UserPrincipalName UserId AppId AppDisplayName ResourceIdentity ResourceDisplayName IPAddress ClientAppUsed
		DeviceDetail.browser Status.errorCode Status.additionalDetails ConditionalAccessPolicies.displayName ConditionalAccessStatus RiskState RiskLevelDuringSignIn TimeGenerated Id`},
	{"SigninLogs/graphdocs-graph-api.jsonl", "{product: azure, service: signinlogs}",
		`UserAgent AuthenticationProtocol IncomingTokenType UniqueTokenIdentifier AutonomousSystemNumber AuthenticationRequirement AuthenticationDetails.authenticationMethod
		NetworkLocationDetails.networkType UserType CrossTenantAccessType ClientCredentialType FederatedCredentialId`},
	{"OfficeActivity/splunk-o365-management.jsonl", "{product: azure, service: signinlogs}",
		`UserPrincipalName UserId AppId ResourceIdentity ResultType ResultDescription Status.errorCode IPAddress UserAgent DeviceDetail.operatingSystem
		DeviceDetail.browser SessionId CorrelationId Id TimeGenerated`},
	{"cases/panther-shared.cases.jsonl", "{product: azure, service: serviceprincipal_signinlogs}",
		`ServicePrincipalId ServicePrincipalName AppId IPAddress ResultType Location LocationDetails.city ResourceDisplayName ResourceIdentity UniqueTokenIdentifier TimeGenerated`},
	{"AADUserRiskEvents/graphdocs-graph-api.jsonl", "{product: azure, service: riskdetection}",
		`RiskEventType riskEventType RiskState RiskLevel RiskDetail Source DetectionTimingType Activity TokenIssuerType IpAddress Location.city Location.countryOrRegion
		UserId UserPrincipalName AdditionalInfo.Key AdditionalInfo.userAgent DetectedDateTime LastUpdatedDateTime Id RequestId CorrelationId TimeGenerated`},
	{"AADRiskyUsers/graphdocs-graph-api.jsonl", "{product: azure, service: riskyusers}",
		`Id RiskState RiskLevel RiskDetail UserPrincipalName UserDisplayName RiskLastUpdatedDateTime IsDeleted TimeGenerated`},
	{"AADProvisioningLogs/graphdocs-graph-api.jsonl", "{product: azure, service: provisioninglogs}",
		`Id JobId ChangeId CycleId ProvisioningAction ResultType ProvisioningStatusInfo.status ProvisioningSteps.name ModifiedProperties.displayName ServicePrincipal.id
		SourceSystem.displayName TargetSystem.displayName SourceIdentity.id TargetIdentity.identityType InitiatedBy.displayName DurationMs TimeGenerated`},
	{"AzureActivity/panther-azureactivity.jsonl", "{product: azure, service: activitylogs}",
		`OperationNameValue operationName CategoryValue ActivityStatusValue CallerIpAddress _ResourceId ResourceId CorrelationId Properties.requestbody Claims.name
		Caller Authorization.evidence.role Authorization_d.evidence.principalId TimeGenerated`},
	{"AzureActivity/sentinel-lab-azureactivity-a.jsonl", "{product: azure, service: activitylogs}",
		`OperationNameValue CategoryValue ActivityStatusValue ActivitySubstatusValue Caller CallerIpAddress ResourceProviderValue ResourceId Properties.message properties.message
		Properties_d.message Authorization.evidence.role Authorization_d.evidence.role Claims.appid HTTPRequest.clientIpAddress EventDataId TimeGenerated
		Claims_d.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn Claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn`},
	{"OfficeActivity/splunk-o365-management.jsonl", "{product: m365, service: exchange}",
		`Operation OfficeWorkload RecordType ResultStatus UserId UserKey UserType ClientIP Client_IPAddress OfficeObjectId OfficeId Logon_Type MailboxOwnerUPN ClientInfoString
		Item.ParentFolder.Name Item.ParentFolder.MemberRights Parameters.Identity Parameters.Name Parameters.Value SessionId TimeGenerated
		Workload ObjectId eventSource eventName status`},
	{"OfficeActivity/splunk-o365-management.jsonl", "{product: m365, service: audit}",
		`Operation Workload ResultStatus UserId ClientIP ObjectId ApplicationId RequestType`},
	{"OfficeActivity/plaso-ual.jsonl", "{product: m365, service: exchange}", `Operation Workload ResultStatus Parameters.DomainController Parameters.AdminAuditLogEnabled ExternalAccess`},
	{"OfficeActivity/sentinel-lab-office-a.jsonl", "{product: m365, service: exchange}",
		`Operation OfficeWorkload ResultStatus UserId ClientIP Client_IPAddress Logon_Type OfficeObjectId Parameters.Identity Parameters.Name Folders.Path
		Folders.FolderItems.InternetMessageId OperationProperties.MailAccessType AffectedItems.Subject Item.Id DestFolder.Path Folder.Path ClientIPAddress LogonType ObjectId`},
	{"OfficeActivity/sentinel-lab-office-a.jsonl", "{product: m365, service: sharepoint}",
		`Operation Site_Url SourceFileName SourceRelativeUrl UserAgent TargetUserOrGroupName ModifiedProperties.Name ModifiedProperties.NewValue Event_Data EventSource ItemType`},
	{"OfficeActivity/sentinel-lab-office-a.jsonl", "{product: m365, service: teams}", `Operation TeamName Members.UPN Members.Role CommunicationType`},
	{"OfficeActivity/sentinel-lab-inbox-rule.jsonl", "{product: m365, service: exchange}", `Operation Parameters.AlwaysDeleteOutlookRulesBlob Parameters.MoveToFolder ClientIP`},
	{"CloudAppEvents/otrf-goldensaml-a.jsonl", "{product: m365, service: cloudappevents}",
		`ActionType Application AccountObjectId AccountDisplayName ActivityType ActivityObjects.Type ActivityObjects.Id ReportId Timestamp TimeGenerated Operation`},
	{"IdentityDirectoryEvents/otrf-goldensaml-a.jsonl", "{product: m365, service: identitydirectoryevents}", `ActionType AccountUpn IPAddress AdditionalFields.Count DestinationDeviceName`},
	{"AlertEvidence/splunk-mde-hunting-stream.jsonl", "{product: m365, service: alertevidence}",
		`AlertId Title Severity ServiceSource EntityType EvidenceRole Categories AdditionalFields.ResourceId Timestamp TimeGenerated`},
}

// TestEventFields proves the built-in pipelines' paths on real events.
func TestEventFields(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "data", "events")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no real events: %v", err)
	}
	pipelines := map[event.Form]*compiler.Pipeline{}
	for _, name := range compiler.BuiltinPipelines() {
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Form() != "" {
			pipelines[p.Form()] = p
		}
	}
	for _, c := range eventFields {
		events := readLines(t, filepath.Join(root, c.file))
		for _, field := range strings.Fields(c.fields) {
			text := fmt.Sprintf("title: a field\nlogsource: %s\ndetection:\n  absent:\n    '%s': null\n  condition: not absent\n", c.logsource, field)
			docs, ds := sigma.Parse("field.yml", []byte(text))
			if len(docs) != 1 || ds.HasErrors() {
				t.Fatalf("%s: %v", field, ds)
			}
			found, seen := false, 0
			var spec string
			for _, ev := range events {
				src, ok := event.Detect(ev)
				if !ok || pipelines[src.Form] == nil {
					t.Fatalf("%s: no pipeline for %v", c.file, src)
				}
				rules, ds := compiler.Lower(docs[0], compiler.Options{Pipeline: pipelines[src.Form], Table: src.Table})
				if ds.HasErrors() {
					if !strings.Contains(ds.Error(), string(sigma.CodeUnknownSource)) {
						t.Errorf("%s %s: %v", c.file, field, ds)
					}
					continue
				}
				for _, r := range rules {
					if r.Source.Table != src.Table || r.Source.Where != nil && !Reference(r.Source.Where, ev) {
						continue
					}
					seen++
					spec = ir.Matches(r.When)[0].Field.Spec()
					found = found || Reference(r.When, ev)
				}
			}
			if !found {
				t.Errorf("%s: no value of %s at %s in %d events", c.file, field, spec, seen)
			}
		}
	}
}

func readLines(t *testing.T, file string) []any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []any
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		d := json.NewDecoder(bytes.NewReader(sc.Bytes()))
		d.UseNumber()
		var ev map[string]any
		if err := d.Decode(&ev); err != nil {
			t.Fatal(err)
		}
		if inner, ok := ev["event"].(map[string]any); ok && ev["case"] != nil {
			out = append(out, inner)
			continue
		}
		out = append(out, ev)
	}
	return out
}

// TestCloudRulesResolve: every azure and m365 rule of SigmaHQ finds its columns
// in a table of Sentinel, and in an event form.
func TestCloudRulesResolve(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "data", "sigmahq", "rules", "cloud")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no SigmaHQ rules: %v", err)
	}
	names := []string{"sentinel", "log-analytics", "azure-diagnostic", "o365-management"}
	n := 0
	for _, dir := range []string{"azure", "m365"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			docs, _ := sigma.Parse(filepath.Base(path), data)
			for _, doc := range docs {
				n++
				resolved := map[string]bool{}
				for _, name := range names {
					p, err := compiler.BuiltinPipeline(name)
					if err != nil {
						return err
					}
					rules, ds := compiler.Lower(doc, compiler.Options{Pipeline: p})
					resolved[name] = len(rules) > 0
					if name == "sentinel" && ds.HasErrors() {
						t.Errorf("%v", ds)
					}
				}
				if !resolved["azure-diagnostic"] && !resolved["o365-management"] {
					t.Errorf("%s: in no event form but log-analytics", path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 142 {
		t.Errorf("%d rules", n)
	}
}
