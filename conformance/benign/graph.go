package benign

import (
	"fmt"
	"strings"
	"time"
)

// GraphCall says what a row of MicrosoftGraphActivityLogs holds.
type GraphCall struct {
	Time        time.Time
	Method, URI string
	Status      int
	App         string
	User        *User // delegated; nil for an application of its own
	Principal   string
	Token       string // of the sign-in
	Session     string
	From        Network
	Agent       string
	Scopes      string
	Roles       string
}

// GraphRecord writes a request to Microsoft Graph.
func (t *Tenant) GraphRecord(d Dice, c GraphCall) map[string]any {
	id := d.GUID()
	if c.Status == 0 {
		c.Status = 200
	}
	user := ""
	if c.User != nil {
		user = c.User.ID
	}
	if c.Token == "" {
		c.Token = d.Hex(22)
	}
	auth := 0
	if c.User == nil {
		auth = 2
	}
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(c.Time), "Location": "West Europe", "RequestId": id, "OperationId": id, "ClientRequestId": d.GUID(), "ApiVersion": "v1.0",
		"RequestMethod": c.Method, "ResponseStatusCode": c.Status, "AadTenantId": TenantID, "IPAddress": c.From.IP, "UserAgent": c.Agent, "RequestUri": "https://graph.microsoft.com/v1.0" + c.URI,
		"DurationMs": d.between(200, 90000), "ResponseSizeBytes": d.between(200, 60000), "SignInActivityId": c.Token, "Roles": c.Roles, "TokenIssuedAt": stamp(c.Time.Add(-20 * time.Minute)), "AppId": c.App,
		"UserId": user, "ServicePrincipalId": c.Principal, "Scopes": c.Scopes, "IdentityProvider": "https://sts.windows.net/" + TenantID + "/", "ClientAuthMethod": auth, "Wids": "b79fbf4d-3ef9-4689-8143-76b194e85509",
		"SessionId": c.Session, "Type": "MicrosoftGraphActivityLogs",
	}
}

func (m *month) call(d Dice, o occasion, c GraphCall) {
	m.add(o, c.Time, "MicrosoftGraphActivityLogs", m.GraphRecord(d, c))
}

// callsGraph is what applications ask of Microsoft Graph for somebody.
func (m *month) callsGraph(d Dice, s *session) {
	if !d.chance(0.13) {
		return
	}
	kind := everyday("graph-for-user")
	if s.away {
		kind = everyday("travel")
	}
	app := pick(d, []appRef{teams, office, outlookWeb, officeHome})
	agent := s.device.Agent
	from := s.net
	at := s.begin.Add(40 * time.Second)
	for range d.between(1, 4) {
		at = at.Add(20*time.Second + d.within(8*time.Minute))
		c := GraphCall{Time: at, Method: "GET", URI: pick(d, []string{"/me", "/me/calendarView?startDateTime=" + at.UTC().Format("2006-01-02"), "/me/people?$top=20", "/me/drive/recent", "/me/joinedTeams", "/me/messages?$top=10", "/users/" + s.user.ID + "/photo/$value", "/me/drive/root/children"}),
			App: app.id, User: s.user, Token: s.token, Session: s.id, From: from, Agent: agent, Scopes: "openid profile User.Read Mail.Read Files.Read Calendars.Read"}
		if s.net == s.user.HomeV4 && d.chance(0.2) {
			c.From = s.user.HomeV6
		}
		if app == office && d.chance(0.015) { // a part of the program that names itself otherwise
			c.Agent = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18730; Pro)"
		}
		m.call(d, kind, c)
	}
}

// graphDaemons are applications that ask Microsoft Graph on their own: backup
// and eDiscovery read every mailbox, others synchronise, report and send.
func (m *month) graphDaemons(day int) {
	people := m.Users[:len(m.Users)-len(m.Admins)]
	works := m.works(day)
	by := func(name string) (GraphCall, Dice) {
		a := m.Daemon(name)
		return GraphCall{Method: "GET", App: a.AppID, Principal: a.SPID, From: a.Network, Agent: strings.ReplaceAll(name, " ", "") + "/3.2"}, NewDice(m.Options.Seed, name, day)
	}
	// Backup: a part of all mailboxes every night, all of them in two weeks, and Teams.
	c, d := by("Contoso Mail Backup")
	c.Roles, c.Agent = "Mail.Read Files.Read.All ChannelMessage.Read.All", "ContosoBackup/7.1 (+https://backup.northwind.example)"
	at := m.day(day).Add(time.Hour + d.within(10*time.Minute))
	o := m.begin("backup-reads-all-mailboxes")
	for i := range 72 {
		u := people[(day*72+i)%len(people)]
		c.Time, c.URI = at, "/users/"+u.ID+"/mailFolders/inbox/messages/delta?$select=id"
		m.call(d, o, c)
		at = at.Add(4*time.Second + d.within(6*time.Second))
	}
	for i := range 24 {
		c.Time, c.URI = at, fmt.Sprintf("/teams/%s/channels/19:%s@thread.tacv2/messages/delta", NewDice(m.Options.Seed, "team", day*24+i).GUID(), d.Hex(16))
		m.call(d, m.begin("backup-reads-teams"), c)
		at = at.Add(8*time.Second + d.within(6*time.Second))
	}
	// eDiscovery: a case now and then.
	if day == 4 || day == 13 || day == 18 {
		c, d := by("Contoso eDiscovery")
		c.Roles = "eDiscovery.Read.All Mail.Read"
		o := m.begin("ediscovery-case")
		at := m.day(day).Add(14 * time.Hour)
		for i := range 110 {
			u := people[(day*31+i*3)%len(people)]
			c.Time, c.URI = at, "/users/"+u.ID+`/messages?$search="contract"&$top=50`
			m.call(d, o, c)
			at = at.Add(5*time.Second + d.within(8*time.Second))
		}
	}
	c, d = by("Contoso CRM Sync")
	c.Roles = "Calendars.Read Mail.Read Contacts.ReadWrite"
	for hour := 7; hour < 20; hour++ {
		for range d.often(6 * works) {
			u := people[d.IntN(10)*len(departments)%len(people)]
			c.Time = m.day(day).Add(time.Duration(hour)*time.Hour + d.within(5*time.Minute))
			c.URI = "/users/" + u.ID + pick(d, []string{"/calendar/events?$top=50", "/messages/delta", "/contacts"})
			m.call(d, everyday("crm-sync"), c)
		}
	}
	c, d = by("Directory Export")
	c.Roles = "User.Read.All Group.Read.All"
	for i := range 24 {
		c.Time = m.day(day).Add(5*time.Hour + time.Duration(i)*7*time.Second)
		c.URI = fmt.Sprintf("/users?$top=100&$skiptoken=%d", i)
		if i >= 14 {
			c.URI = fmt.Sprintf("/groups?$top=100&$skiptoken=%d", i)
		}
		m.call(d, everyday("directory-export"), c)
	}
	c, d = by("HR Sync")
	for range d.often(40 * max(works, 0.3)) {
		c.Time = m.day(day).Add(2*time.Hour + d.within(2*time.Hour))
		c.Method, c.URI = "PATCH", "/users/"+pick(d, people).ID
		m.call(d, everyday("hr-sync"), c)
	}
	c, d = by("Ticket Mail Gateway")
	c.Roles = "Mail.Send"
	for range d.often(25 * works) {
		c.Time = m.day(day).Add(d.clock(12, 2.5))
		c.Method, c.URI, c.Status = "POST", "/users/"+people[11].ID+"/sendMail", 202
		m.call(d, everyday("ticket-mail"), c)
	}
	if day == 24 { // payslips
		c, d := by("Payroll Export")
		c.Roles = "Mail.Send"
		o := m.begin("payslips-sent")
		for i := range 400 {
			c.Time = m.day(day).Add(6*time.Hour + time.Duration(i)*3*time.Second)
			c.Method, c.URI, c.Status = "POST", "/users/"+people[2].ID+"/sendMail", 202
			m.call(d, o, c)
		}
	}
	c, d = by("Room Displays")
	for room := range 12 {
		for range d.often(2 * works) {
			c.Time = m.day(day).Add(d.clock(12, 3))
			c.URI = fmt.Sprintf("/users/room%02d@contoso.com/calendarView", room)
			m.call(d, everyday("room-display"), c)
		}
	}
	c, d = by("Device Inventory")
	for i := range 6 {
		c.Time, c.URI = m.day(day).Add(4*time.Hour+time.Duration(i)*9*time.Second), fmt.Sprintf("/deviceManagement/managedDevices?$skiptoken=%d", i)
		m.call(d, everyday("device-inventory"), c)
	}
	// Administrators' scripts.
	d = NewDice(m.Options.Seed, "scripts", day)
	for range d.often(1.5 * works) {
		u := pick(d, m.Admins)
		o := m.begin("administrator-script")
		at := m.day(day).Add(d.clock(13, 2))
		token := d.Hex(22)
		for i := range d.between(2, 11) {
			m.call(d, o, GraphCall{Time: at.Add(time.Duration(i) * 20 * time.Second), Method: "GET", URI: pick(d, []string{"/users?$top=999&$select=id", "/groups?$filter=x" + d.Hex(3), "/devices?$top=100", "/users/" + pick(d, people).ID, "/directoryRoles"}),
				App: graphShell.id, User: u, Token: token, From: m.offices[u.Office], Agent: "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; de-DE) PowerShell/7.5.1", Scopes: "Directory.Read.All User.Read.All"})
		}
	}
	if day == 15 { // an inventory of all
		u := m.Admins[3%len(m.Admins)]
		o := m.begin("administrator-inventory")
		token := d.Hex(22)
		for i := range 40 {
			m.call(d, o, GraphCall{Time: m.day(day).Add(15*time.Hour + time.Duration(i)*9*time.Second), Method: "GET", URI: fmt.Sprintf("/users?$top=25&$skiptoken=%d", i), App: graphShell.id, User: u, Token: token, From: m.offices[u.Office],
				Agent: "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; de-DE) PowerShell/7.5.1", Scopes: "Directory.Read.All User.Read.All"})
		}
	}
}
