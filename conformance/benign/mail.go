package benign

import (
	"fmt"
	"strings"
	"time"
)

// OfficeRecord begins a row of OfficeActivity: what all operations have.
func (t *Tenant) OfficeRecord(d Dice, at time.Time, workload, recordType, operation string, u *User) map[string]any {
	return map[string]any{
		"TenantId": WorkspaceID, "SourceSystem": "OfficeActivityManager", "TimeGenerated": stamp(at), "Start_Time": stamp(at),
		"RecordType": recordType, "OfficeWorkload": workload, "OfficeId": d.GUID(), "UserType": "Regular", "OfficeObjectId": "", "Type": "OfficeActivity",
		"Operation": operation, "OrganizationId": TenantID, "UserKey": "1003" + strings.ToUpper(u.ID[:8]), "Version": 1, "UserId": u.UPN,
	}
}

// MailRecord is a row about items of somebody's mailbox.
func (t *Tenant) MailRecord(d Dice, at time.Time, recordType, operation string, u *User, from Network, client string) map[string]any {
	r := t.OfficeRecord(d, at, "Exchange", recordType, operation, u)
	r["ResultStatus"], r["Client_IPAddress"], r["ExternalAccess"], r["Logon_Type"] = "Succeeded", from.IP, false, 0
	r["MailboxGuid"], r["MailboxOwnerUPN"], r["OrganizationName"] = u.Mailbox, u.UPN, "contoso.onmicrosoft.com"
	r["LogonUserSid"] = fmt.Sprintf("S-1-5-21-1004336348-1177238915-682003330-%d", 10000+u.N)
	r["OriginatingServer"], r["ClientInfoString"] = "DB9PR02MB6871 (15.20.4200.000)\r\n", client
	return r
}

// sessionOf is the column that ties a row to the sign-in.
func sessionOf(d Dice, session, token string) map[string]any {
	return map[string]any{"AADSessionId": session, "CorrelationId": d.GUID(), "UniqueTokenId": token}
}

type nameValue struct{ Name, Value string }

const (
	clientWeb     = "Client=OWA;Action=ViaProxy"
	clientOutlook = "Client=MSExchangeRPC"
	clientPhone   = "Client=Outlook-iOS-Android/1.0"
)

func (s *session) client() string {
	switch {
	case s.phone:
		return clientPhone
	case s.user.N%4 == 0:
		return clientOutlook
	}
	return clientWeb
}

func item(d Dice, folder, subject string) map[string]any {
	return map[string]any{"Id": d.Hex(24), "InternetMessageId": "<" + d.GUID() + "@contoso.com>", "ParentFolder": map[string]any{"Id": "LgAAAAB", "Name": folder, "Path": `\` + folder}, "SizeInBytes": d.between(2000, 90000), "Subject": subject}
}

// readsMail is what somebody does with mail in a session.
func (m *month) readsMail(d Dice, s *session) {
	kind := func(name string) occasion {
		if s.away {
			return everyday("travel")
		}
		return everyday(name)
	}
	at := s.begin.Add(30 * time.Second)
	later := func() time.Time { at = at.Add(time.Minute + d.within(9*time.Minute)); return at }
	if d.chance(0.3) {
		r := m.MailRecord(d, later(), "ExchangeItemAggregated", "MailItemsAccessed", s.user, s.net, s.client())
		r["AppAccessContext"], r["SessionId"], r["OperationCount"] = sessionOf(d, s.id, s.token), s.id, d.between(1, 9)
		access := "Bind"
		if s.client() == clientOutlook || s.phone {
			access = "Sync"
		}
		r["OperationProperties"] = asJSON([]nameValue{{"MailAccessType", access}, {"IsThrottled", "False"}})
		r["Folders"] = asJSON([]any{map[string]any{"FolderItems": []any{map[string]any{"InternetMessageId": "<" + d.GUID() + "@contoso.com>"}}, "Id": d.Hex(24), "Path": `\Inbox`}})
		m.add(kind("mail-read"), at, "OfficeActivity", r)
	}
	if d.chance(0.13) {
		r := m.MailRecord(d, later(), "ExchangeItem", "Send", s.user, s.net, s.client())
		r["AppAccessContext"] = sessionOf(d, s.id, s.token)
		r["Item"] = asJSON(item(d, "Drafts", pick(d, subjects)))
		m.add(kind("mail-sent"), at, "OfficeActivity", r)
	}
	if d.chance(0.07) { // tidies up
		folder := "Inbox"
		if d.chance(0.2) {
			folder = "Sent Items"
		}
		for range d.between(1, 3) {
			op := pick(d, []string{"MoveToDeletedItems", "MoveToDeletedItems", "SoftDelete", "HardDelete"})
			r := m.MailRecord(d, later(), "ExchangeItemGroup", op, s.user, s.net, s.client())
			r["CrossMailboxOperation"] = false
			r["Folder"] = asJSON(map[string]any{"Id": "LgAAAAC", "Path": `\` + folder})
			r["AffectedItems"] = asJSON([]any{item(d, folder, pick(d, subjects))})
			m.add(kind("mail-deleted"), at, "OfficeActivity", r)
		}
	}
}

// InboxRule is a row about a rule that was set with a cmdlet, as the web client
// does it.
func (t *Tenant) InboxRule(d Dice, at time.Time, operation string, u *User, from Network, name string, parameters ...[2]string) map[string]any {
	r := t.OfficeRecord(d, at, "Exchange", "ExchangeAdmin", operation, u)
	r["ResultStatus"], r["ClientIP"], r["ExternalAccess"], r["OrganizationName"], r["OriginatingServer"] = "True", clientIP(d, from), false, "contoso.onmicrosoft.com", "DB9PR02MB6871 (15.20.4200.000)"
	r["OfficeObjectId"] = "DEUPR02A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/contoso.onmicrosoft.com/" + u.Mailbox + `\` + name
	ps := []nameValue{{"Name", name}}
	if strings.HasPrefix(operation, "Remove") || operation == "Set-Mailbox" {
		ps = []nameValue{{"Identity", name}}
	}
	for _, p := range parameters {
		ps = append(ps, nameValue{p[0], p[1]})
	}
	r["Parameters"] = asJSON(ps)
	return r
}

// clientIP is an address with a port, as the admin audit log has it.
func clientIP(d Dice, n Network) string {
	if strings.Contains(n.IP, ":") {
		return fmt.Sprintf("[%s]:%d", n.IP, d.between(20000, 60000))
	}
	return fmt.Sprintf("%s:%d", n.IP, d.between(20000, 60000))
}

// OutlookRule is a row about a rule that was set in Outlook.
func (t *Tenant) OutlookRule(d Dice, at time.Time, u *User, from Network, name, condition, actions string) map[string]any {
	r := t.MailRecord(d, at, "ExchangeItem", "UpdateInboxRules", u, from, clientOutlook)
	r["ClientProcessName"], r["ClientVersion"] = "OUTLOOK.EXE", "16.0.16327.20200"
	r["Item"] = asJSON(map[string]any{"Id": "LgAAAAC", "ParentFolder": map[string]any{"Id": "LgAAAAC", "Path": `\Inbox`}})
	r["OperationProperties"] = asJSON([]nameValue{{"RuleOperation", "AddMailboxRule"}, {"RuleId", fmt.Sprint(d.between(1_000_000_000, 9_000_000_000))}, {"RuleState", "Enabled"}, {"RuleName", name}, {"RuleCondition", condition}, {"RuleActions", actions}})
	return r
}

// inboxRules are those that people set for newsletters, projects and invoices.
func (m *month) inboxRules(day int) {
	d := NewDice(m.Options.Seed, "inbox rules", day)
	works := m.works(day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	some := func() (*User, time.Time, Network) {
		for {
			u := pick(d, people)
			if _, away := u.away(day); u.there(day) && !away && !u.Executive {
				return u, m.day(day).Add(d.clock(12, 2.5)), m.offices[u.Office]
			}
		}
	}
	add := func(o occasion, at time.Time, r map[string]any) { m.add(o, at, "OfficeActivity", r) }
	for range d.often(3 * works) {
		u, at, from := some()
		name := pick(d, newsletters)
		o := m.begin("newsletter-rule")
		if d.chance(0.5) {
			add(o, at, m.InboxRule(d, at, "New-InboxRule", u, from, name, [2]string{"From", "news@" + pick(d, []string{"fabrikam.example", "northwind.example", "adatum.example"})}, [2]string{"MoveToFolder", "Newsletters"}, [2]string{"StopProcessingRules", "True"}))
		} else {
			add(o, at, m.OutlookRule(d, at, u, from, name, `[{"FromAddresses":["news@fabrikam.example"]}]`, `[{"ActionType":"MoveToFolder"}]`))
		}
	}
	for range d.often(0.6 * works) { // people who pay bills
		u, at, from := some()
		o := m.begin("invoice-rule")
		if d.chance(0.5) {
			add(o, at, m.InboxRule(d, at, "New-InboxRule", u, from, "Rechnungen", [2]string{"SubjectContainsWords", "Rechnung;Invoice"}, [2]string{"MoveToFolder", "Rechnungen"}))
		} else {
			add(o, at, m.OutlookRule(d, at, u, from, "Rechnungen", `[{"SubjectOrBodyContains":["Rechnung"]}]`, `[{"ActionType":"MoveToFolder"}]`))
		}
	}
	for range d.often(0.8 * works) {
		u, at, from := some()
		name := pick(d, newsletters)
		add(m.begin("inbox-rule-changed"), at, m.InboxRule(d, at, "Set-InboxRule", u, from, name, [2]string{"MoveToFolder", "Later"}))
	}
	for range d.often(0.7 * works) {
		u, at, from := some()
		add(m.begin("inbox-rule-removed"), at, m.InboxRule(d, at, "Remove-InboxRule", u, from, pick(d, newsletters)))
	}
	for range d.often(0.4 * works) { // to a colleague, for the time of a holiday
		u, at, from := some()
		add(m.begin("forward-to-colleague"), at, m.InboxRule(d, at, "New-InboxRule", u, from, "Vertretung", [2]string{"ForwardTo", pick(d, people).UPN}))
	}
	switch day {
	case 6: // marked as read, into the folder for feeds
		u, at, from := some()
		add(m.begin("newsletter-rule-to-feeds"), at, m.InboxRule(d, at, "New-InboxRule", u, from, "Feeds", [2]string{"From", "news@adatum.example"}, [2]string{"MoveToFolder", "RSS Feeds"}, [2]string{"MarkAsRead", "True"}))
	case 2, 16: // kept in the archive, to be read there
		u, at, from := some()
		add(m.begin("invoice-rule-to-archive"), at, m.InboxRule(d, at, "New-InboxRule", u, from, "Rechnungen", [2]string{"SubjectOrBodyContainsWords", "Rechnung;Invoice"}, [2]string{"MoveToFolder", "Archiv"}, [2]string{"StopProcessingRules", "True"}))
	case 11:
		u, at, from := some()
		add(m.begin("invoice-rule-to-archive"), at, m.InboxRule(d, at, "New-InboxRule", u, from, "Bank", [2]string{"FromAddressContainsWords", "bank.example"}, [2]string{"MoveToFolder", "Notes"}))
	case 9, 23: // tried out and taken back
		u, at, from := some()
		o := m.begin("inbox-rule-tried-out")
		add(o, at, m.InboxRule(d, at, "New-InboxRule", u, from, "Projekt Alpha", [2]string{"SubjectContainsWords", "Alpha"}, [2]string{"MoveToFolder", "Projekt Alpha"}))
		at = at.Add(time.Hour)
		add(o, at, m.InboxRule(d, at, "Remove-InboxRule", u, from, "Projekt Alpha"))
	case 18: // the board goes on holiday
		u := m.Executives[0]
		at := m.day(day).Add(15 * time.Hour)
		add(m.begin("executive-forwards-to-assistant"), at, m.InboxRule(d, at, "New-InboxRule", u, m.offices[u.Office], "Assistenz", [2]string{"ForwardTo", people[204%len(people)].UPN}))
	}
}

// mailShots are mails of which one person sends many.
func (m *month) mailShots(day int) {
	d := NewDice(m.Options.Seed, "mail shots", day)
	if day == 2 || day == 21 { // personnel writes to applicants
		u := m.Users[4+day]
		o := m.begin("letters-to-applicants")
		for i := range 12 {
			at := m.day(day).Add(10*time.Hour + time.Duration(i)*150*time.Second)
			r := m.MailRecord(d, at, "ExchangeItem", "Send", u, m.offices[u.Office], clientWeb)
			r["Item"] = asJSON(item(d, "Drafts", "Your application at Contoso"))
			m.add(o, at, "OfficeActivity", r)
		}
	}
	if m.works(day) == 1 && d.chance(0.3) { // and others to a few
		u := pick(d, m.Users)
		o := m.begin("letters-to-a-few")
		for i := range d.between(4, 8) {
			at := m.day(day).Add(11*time.Hour + time.Duration(i)*4*time.Minute)
			r := m.MailRecord(d, at, "ExchangeItem", "Send", u, m.offices[u.Office], clientWeb)
			r["Item"] = asJSON(item(d, "Drafts", "Appointment"))
			m.add(o, at, "OfficeActivity", r)
		}
	}
}

// mailFlow are the mails that come and go.
func (m *month) mailFlow(day int) {
	d := NewDice(m.Options.Seed, "mail flow", day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	works := max(m.works(day), 0.12)
	domains := []string{"fabrikam.example", "northwind.example", "adatum.example", "litware.example", "tailspin.example"}
	mail := func(at time.Time, direction, from, to, subject string) map[string]any {
		id := d.GUID()
		domain := from[strings.Index(from, "@")+1:]
		return map[string]any{"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(at), "Timestamp": stamp(at), "NetworkMessageId": id, "InternetMessageId": "<" + id + "@" + domain + ">",
			"SenderMailFromAddress": from, "SenderFromAddress": from, "SenderFromDomain": domain, "SenderDisplayName": "", "SenderIPv4": fmt.Sprintf("203.0.113.%d", d.between(200, 220)),
			"RecipientEmailAddress": to, "Subject": subject, "EmailDirection": direction, "DeliveryAction": "Delivered", "DeliveryLocation": "Inbox/folder", "ThreatTypes": "", "UrlCount": d.between(0, 4), "AttachmentCount": d.between(0, 2),
			"ReportId": id + "-1", "Type": "EmailEvents"}
	}
	for range d.often(230 * works) {
		at := m.day(day).Add(d.clock(12, 3))
		u := pick(d, people)
		outside := pick(d, []string{"info", "sales", "news", "orders", "support"}) + "@" + pick(d, domains)
		var r map[string]any
		switch n := d.IntN(10); {
		case n < 6:
			r = mail(at, "Inbound", outside, u.UPN, pick(d, subjects))
			if d.chance(0.06) {
				r["ThreatTypes"], r["DeliveryAction"], r["DeliveryLocation"] = pick(d, []string{"Spam", "Phish", "Spam", "Phish, Spam"}), "Junked", "Junk folder"
			}
		case n < 8:
			r = mail(at, "Outbound", u.UPN, outside, pick(d, subjects))
		default:
			r = mail(at, "Intra-org", u.UPN, pick(d, people).UPN, pick(d, subjects))
		}
		m.add(everyday("mail-flow"), at, "EmailEvents", r)
	}
	shots := map[int]int{3: 45, 8: 70, 15: 130, 22: 60, 28: 85}
	if n := shots[day]; n > 0 { // marketing writes to customers
		o := m.begin("customer-mailing")
		for i := range n {
			at := m.day(day).Add(11*time.Hour + time.Duration(i)*20*time.Second)
			m.add(o, at, "EmailEvents", mail(at, "Outbound", "marketing@contoso.com", fmt.Sprintf("customer%03d@%s", i, pick(d, domains)), "Contoso price list"))
		}
	}
	for range d.often(62 * works) {
		at := m.day(day).Add(d.clock(12, 3))
		u := pick(d, people)
		link := "https://" + pick(d, []string{"www", "shop", "portal", "news"}) + "." + pick(d, domains) + "/" + d.Hex(6)
		r := map[string]any{"TenantId": WorkspaceID, "SourceSystem": "", "TimeGenerated": stamp(at), "Timestamp": stamp(at), "Url": link, "ActionType": "ClickAllowed", "AccountUpn": u.UPN, "Workload": pick(d, []string{"Email", "Email", "Teams", "Office"}),
			"NetworkMessageId": d.GUID(), "ThreatTypes": "", "DetectionMethods": "", "IPAddress": m.offices[u.Office].IP, "IsClickedThrough": false, "UrlChain": listed(link), "ReportId": d.GUID(), "Type": "UrlClickEvents"}
		kind := "link-clicked"
		if d.chance(0.015) {
			r["ThreatTypes"], r["ActionType"], r["DetectionMethods"] = "Phish", "ClickBlocked", `{"Phish":["URL detonation"]}`
			kind = "phishing-link-blocked"
		}
		m.add(everyday(kind), at, "UrlClickEvents", r)
	}
}
