package sentinel

import "github.com/rulewright/rulewright/backends"

// Limits of the services and of the checks of Microsoft's rule repository, with
// lengths in characters unless their name says bytes.
const (
	maxQuery        = backends.KQLQueryLimit
	maxName         = 256
	maxDescription  = 5_000
	maxMappings     = 10
	maxIdentifiers  = 3
	maxDetails      = 20
	maxDetailKey    = 20
	maxColumn       = 500
	maxPlaceholders = 3
	maxVersion      = 20
	maxEnabled      = 512
	maxThreshold    = 10_000
	maxWatchlist    = 3_800_000 // bytes of a watchlist's content, in one deployment
)

// requiredIdentifiers lists, for each entity type, its identifiers and the
// combinations of which one must be there.
var requiredIdentifiers = map[string]struct {
	known []string
	need  [][]string
}{
	"Account":          {[]string{"Name", "FullName", "NTDomain", "DnsDomain", "UPNSuffix", "Sid", "AadTenantId", "AadUserId", "PUID", "IsDomainJoined", "DisplayName", "ObjectGuid"}, [][]string{{"FullName"}, {"Sid"}, {"Name"}, {"AadUserId"}, {"PUID"}, {"ObjectGuid"}}},
	"Host":             {[]string{"DnsDomain", "NTDomain", "HostName", "FullName", "NetBiosName", "AzureID", "OMSAgentID", "OSFamily", "OSVersion", "IsDomainJoined"}, [][]string{{"FullName"}, {"HostName"}, {"NetBiosName"}, {"AzureID"}, {"OMSAgentID"}}},
	"IP":               {[]string{"Address"}, [][]string{{"Address"}}},
	"URL":              {[]string{"Url"}, [][]string{{"Url"}}},
	"DNS":              {[]string{"DomainName"}, [][]string{{"DomainName"}}},
	"File":             {[]string{"Directory", "Name"}, [][]string{{"Name"}}},
	"FileHash":         {[]string{"Algorithm", "Value"}, [][]string{{"Algorithm", "Value"}}},
	"Process":          {[]string{"ProcessId", "CommandLine", "ElevationToken", "CreationTimeUtc"}, [][]string{{"CommandLine"}, {"ProcessId"}}},
	"RegistryKey":      {[]string{"Hive", "Key"}, [][]string{{"Key"}, {"Hive"}}},
	"RegistryValue":    {[]string{"Name", "Value", "ValueType"}, [][]string{{"Name"}}},
	"Malware":          {[]string{"Name", "Category"}, [][]string{{"Name"}}},
	"CloudApplication": {[]string{"AppId", "Name", "InstanceName"}, [][]string{{"AppId"}, {"Name"}}},
	"AzureResource":    {[]string{"ResourceId"}, [][]string{{"ResourceId"}}},
	"Mailbox":          {[]string{"MailboxPrimaryAddress", "DisplayName", "Upn", "ExternalDirectoryObjectId", "RiskLevel"}, [][]string{{"MailboxPrimaryAddress"}}},
	"SecurityGroup":    {[]string{"DistinguishedName", "SID", "ObjectGuid"}, [][]string{{"DistinguishedName"}, {"SID"}, {"ObjectGuid"}}},
}

// clip cuts text to n characters.
func clip(s string, n int) string {
	if rs := []rune(s); len(rs) > n {
		return string(rs[:n])
	}
	return s
}
