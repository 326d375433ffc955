package benign

import (
	"fmt"
	"strings"
	"time"
)

// endpoints are what computers report: programs, connections, logons.
func (m *month) endpoints(day int) {
	d := NewDice(m.Options.Seed, "endpoints", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	works := max(m.works(day), 0.05)
	row := func(u *User, at time.Time, table, action string) map[string]any {
		return map[string]any{"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(at), "Timestamp": stamp(at), "DeviceId": strings.ReplaceAll(u.Computer.ID, "-", "") + "a1b2c3d4",
			"DeviceName": strings.ToLower(u.Computer.Name) + "." + Domain, "ActionType": action, "ReportId": d.between(1, 1<<30), "Type": table, "InitiatingProcessAccountName": u.Account}
	}
	some := func() (*User, time.Time) { return pick(d, people), m.day(day).Add(d.clock(12, 2.5)) }
	for range d.often(64 * works) {
		u, at := some()
		r := row(u, at, "DeviceProcessEvents", "ProcessCreated")
		name := pick(d, []string{"OUTLOOK.EXE", "msedge.exe", "EXCEL.EXE", "Teams.exe", "powershell.exe", "svchost.exe", "notepad.exe"})
		r["FileName"], r["ProcessCommandLine"], r["AccountDomain"], r["AccountName"], r["InitiatingProcessFileName"] = name, name, "contoso", u.Account, "explorer.exe"
		m.add(everyday("process"), at, "DeviceProcessEvents", r)
	}
	for range d.often(64 * works) {
		u, at := some()
		r := row(u, at, "DeviceNetworkEvents", "ConnectionSuccess")
		host := pick(d, []string{"outlook.office365.com", "teams.microsoft.com", "www.fabrikam.example", "contoso.sharepoint.com", "shop.northwind.example"})
		r["RemoteIP"], r["RemotePort"], r["RemoteUrl"], r["LocalIP"], r["LocalPort"], r["Protocol"] = fmt.Sprintf("203.0.113.%d", d.between(221, 230)), 443, host, fmt.Sprintf("10.1.%d.%d", u.Office, 2+u.N%250), d.between(49152, 65000), "Tcp"
		r["LocalIPType"], r["RemoteIPType"], r["InitiatingProcessFileName"], r["InitiatingProcessCommandLine"] = "Private", "Public", "msedge.exe", "msedge.exe"
		m.add(everyday("connection"), at, "DeviceNetworkEvents", r)
	}
	for range d.often(64 * works) {
		u, at := some()
		r := row(u, at, "DeviceLogonEvents", "LogonSuccess")
		r["LogonType"], r["AccountDomain"], r["AccountName"], r["AccountSid"], r["IsLocalAdmin"], r["RemoteIP"] = pick(d, []string{"Interactive", "CachedInteractive", "Unlock"}), "contoso", u.Account, fmt.Sprintf("S-1-12-1-%d", 10000+u.N), false, ""
		m.add(everyday("logon"), at, "DeviceLogonEvents", r)
	}
	for range d.often(64 * works) {
		u, at := some()
		r := row(u, at, "DeviceEvents", pick(d, []string{"PnpDeviceConnected", "ScheduledTaskCreated", "ServiceInstalled", "BrowserLaunchedToOpenUrl", "UsbDriveMounted"}))
		r["FileName"], r["FolderPath"], r["AccountName"], r["RemoteUrl"], r["InitiatingProcessFileName"], r["InitiatingProcessCommandLine"] = "", "", u.Account, "", "svchost.exe", "svchost.exe -k netsvcs"
		r["AdditionalFields"] = `{"TaskName":"\\Contoso\\Update"}`
		m.add(everyday("device-event"), at, "DeviceEvents", r)
	}
}
