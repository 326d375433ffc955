package stories

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Variation is another telling of a story: what the attacker might have done
// otherwise.
type Variation struct {
	// Name says what is different, Story is the file name of the story.
	Name, Story string
	change      func([]Line) ([]Line, error)
}

// Tell returns the story in the other telling, and the ids of the events that
// are not those of the story.
func (v Variation) Tell(lines []Line) (told []Line, changed map[string]bool, err error) {
	if told, err = v.change(lines); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", v.Name, err)
	}
	texts := map[string]string{}
	for _, l := range lines {
		texts[l.ID] = l.Text
	}
	changed = map[string]bool{}
	for _, l := range told {
		if texts[l.ID] != l.Text {
			changed[l.ID] = true
		}
	}
	if len(changed) == 0 {
		return nil, nil, fmt.Errorf("%s: changes nothing", v.Name)
	}
	return told, changed, nil
}

// The stories' files.
const (
	MailCompromise = "aitm-incident.jsonl"
	AppAttack      = "app-attack.jsonl"
	TokenReplay    = "token-replay.jsonl"
)

// Variations returns the other tellings.
func Variations() []Variation {
	return []Variation{
		{"the inbox rule has an ordinary name", MailCompromise, swap(
			`\"Value\": \"..\"`, `\"Value\": \"Project updates\"`, `"Value":".."`, `"Value":"Project updates"`, `\\.."`, `\\Project updates"`)},
		{"the inbox rule is made in Outlook (UpdateInboxRules), with an ordinary name", MailCompromise, instead(`"New-InboxRule"`, "203.0.113.77",
			`{"TenantId":"21a3230e-0377-4a58-aff1-b3709a9e2328","SourceSystem":"OfficeActivityManager","TimeGenerated":"2026-03-12T09:31:05Z","Start_Time":"2026-03-12T09:31:05Z","RecordType":"ExchangeItem","OfficeWorkload":"Exchange","OfficeId":"b0f6f3f4-43a4-4a55-8bb1-2c39f0c6d1f7","UserType":"Regular","OfficeObjectId":"","Type":"OfficeActivity","Operation":"UpdateInboxRules","OrganizationId":"7d3c2a1e-5b0f-4c61-9a27-3e8d1f6b4c90","ResultStatus":"Succeeded","UserKey":"10030DDE4BD7576D","Version":1,"UserId":"nora.lindqvist@contoso.com","Client_IPAddress":"203.0.113.77","ExternalAccess":false,"Logon_Type":0,"MailboxGuid":"7bf89b3a-6e6d-4331-affc-059552e5398d","MailboxOwnerUPN":"nora.lindqvist@contoso.com","OrganizationName":"contoso.onmicrosoft.com","OriginatingServer":"DB9PR02MB6871 (15.20.4200.000)\r\n","ClientInfoString":"Client=MSExchangeRPC","ClientProcessName":"OUTLOOK.EXE","OperationProperties":"[{\"Name\": \"RuleOperation\", \"Value\": \"AddMailboxRule\"}, {\"Name\": \"RuleState\", \"Value\": \"Enabled\"}, {\"Name\": \"RuleName\", \"Value\": \"Project updates\"}, {\"Name\": \"RuleCondition\", \"Value\": \"[{\\\"SubjectOrBodyContains\\\":[\\\"invoice\\\",\\\"bank details\\\"]}]\"}, {\"Name\": \"RuleActions\", \"Value\": \"[{\\\"ActionType\\\":\\\"MoveToFolder\\\"},{\\\"ActionType\\\":\\\"MarkAsRead\\\"}]\"}]"}`)},
		{"the inbox rule has an ordinary name and moves mail to a folder in Polish", MailCompromise, swap(
			`\"Value\": \"..\"`, `\"Value\": \"Faktury\"`, `"Value":".."`, `"Value":"Faktury"`, `\\.."`, `\\Faktury"`, "RSS Subscriptions", "Źródła danych RSS")},
		{"the inbox rule has an ordinary name and moves mail by a path to a folder in Swedish", MailCompromise, swap(
			`\"Value\": \"..\"`, `\"Value\": \"Fakturor\"`, `"Value":".."`, `"Value":"Fakturor"`, `\\.."`, `\\Fakturor"`, "RSS Subscriptions", `nora.lindqvist@contoso.com:\\\\Konversationshistorik`)},
		{"mail is forwarded by the mailbox instead of hidden by a rule", MailCompromise, both(
			instead(`"New-InboxRule"`, "203.0.113.77",
				`{"TenantId":"21a3230e-0377-4a58-aff1-b3709a9e2328","SourceSystem":"OfficeActivityManager","TimeGenerated":"2026-03-12T09:31:05Z","Start_Time":"2026-03-12T09:31:05Z","RecordType":"ExchangeAdmin","OfficeWorkload":"Exchange","OfficeId":"5d1d4e0c-0b51-4b0c-8d61-5e2f1c5e2a90","UserType":"Regular","OfficeObjectId":"nora.lindqvist","Type":"OfficeActivity","Operation":"Set-Mailbox","OrganizationId":"7d3c2a1e-5b0f-4c61-9a27-3e8d1f6b4c90","ResultStatus":"True","UserKey":"10030DDE4BD7576D","Version":1,"UserId":"nora.lindqvist@contoso.com","ClientIP":"203.0.113.77:52378","ExternalAccess":false,"OrganizationName":"contoso.onmicrosoft.com","OriginatingServer":"DB9PR02MB6871 (15.20.4200.000)","Parameters":"[{\"Name\": \"Identity\", \"Value\": \"nora.lindqvist\"}, {\"Name\": \"ForwardingSmtpAddress\", \"Value\": \"smtp:n.lindqvist@fabrikam.example\"}, {\"Name\": \"DeliverToMailboxAndForward\", \"Value\": \"True\"}]"}`),
			instead(`"Remove-InboxRule"`, "203.0.113.77"))},
		{"the application has another name and other reply URLs", MailCompromise, swap(
			"mail-sync-helper", "Calendar Insights", "http://localhost:7823/access", "https://calendar-insights.example.org/signin", "Out1ook Sync", "Travel Desk")},
		{"consent comes first, the key last, in another hour", MailCompromise, both(
			moved(`"mail-sync-helper"`, -4*time.Minute, "Consent to application"),
			moved("mail-sync-helper", 70*time.Minute, "Certificates and secrets management"))},
		{"the device is registered before the authenticator", MailCompromise, both(
			moved("203.0.113.77", 4*time.Minute, "security info"),
			moved("", -3*time.Minute, "Register device"))},
		{"the attacker comes by IPv6", MailCompromise, swap(
			`203.0.113.77:52378`, `[2001:db8:bad::77]:52378`, "203.0.113.77", "2001:db8:bad::77", "203.0.113.91", "2001:db8:bad::91")},
		{"the attacker takes half as long again", MailCompromise, slower([]string{"203.0.113.77", "Register device", "registered users to device"}, time.Date(2026, 3, 12, 9, 4, 11, 0, time.UTC), 1.5)},
		{"the attacker uses the browser of the victim", MailCompromise, swapIn("203.0.113.77",
			"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
			`"operatingSystem":"Linux"`, `"operatingSystem":"Windows10"`, `\"operatingSystem\":\"Linux\"`, `\"operatingSystem\":\"Windows10\"`)},

		{"the application has an ordinary name and an ordinary address", AppAttack, swap(
			"Office 365 Mail Assist", "Meeting Notes", "https://auth.rnicrosoft-mail.example.net/callback", "https://meeting-notes.example.net/callback")},
		{"mailboxes are read over EWS instead of Graph", AppAttack, ewsForGraph},
		{"Graph's beta endpoint, with what stands in the query escaped", AppAttack, swap(
			"/v1.0/", "/beta/", "?$search=", "?%24search=", "search(q='", "search(q=%27")},
		{"the application takes a third longer", AppAttack, slower([]string{"203.0.113.140"}, time.Date(2026, 3, 19, 9, 16, 40, 0, time.UTC), 1.33)},
		{"the key is a service principal's, the role another one", AppAttack, swap(
			"Update application – Certificates and secrets management ", "Update service principal – Certificates and secrets management ",
			"e8611ab8-c189-46e8-94e1-60213ab1f814", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Privileged Role Administrator", "Application Administrator")},

		{"mail is read through Graph with the stolen token", TokenReplay, graphForMail},
		{"the session is used by IPv6 and with the system of the victim", TokenReplay, both(
			swap("192.0.2.66:52378", "[2001:db8:bad::66]:52378", "192.0.2.66", "2001:db8:bad::66"),
			swap(`"operatingSystem":"Linux"`, `"operatingSystem":"Windows10"`, `\"operatingSystem\":\"Linux\"`, `\"operatingSystem\":\"Windows10\"`))},
	}
}

// swap changes texts, given in pairs, everywhere.
func swap(pairs ...string) func([]Line) ([]Line, error) { return swapIn("", pairs...) }

// swapIn changes texts in the lines that contain a text.
func swapIn(where string, pairs ...string) func([]Line) ([]Line, error) {
	r := strings.NewReplacer(pairs...)
	return func(lines []Line) ([]Line, error) {
		return edited(lines, func(_ int, text string) string {
			if strings.Contains(text, where) {
				return r.Replace(text)
			}
			return text
		})
	}
}

// instead takes out the lines that contain two texts and puts in others.
func instead(what, also string, others ...string) func([]Line) ([]Line, error) {
	return func(lines []Line) ([]Line, error) {
		var out []Line
		for _, l := range lines {
			if !strings.Contains(l.Text, what) || !strings.Contains(l.Text, also) {
				out = append(out, l)
			}
		}
		if len(out) == len(lines) {
			return nil, fmt.Errorf("no event with %s and %s", what, also)
		}
		for _, text := range others {
			l, err := lineOf(text)
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
		inOrder(out)
		return out, nil
	}
}

// moved lets the events that contain two texts happen at another time.
func moved(what string, by time.Duration, also string) func([]Line) ([]Line, error) {
	return func(lines []Line) ([]Line, error) {
		return edited(lines, func(_ int, text string) string {
			if strings.Contains(text, what) && strings.Contains(text, also) {
				return delayed(text, by)
			}
			return text
		})
	}
}

// slower stretches the time between an instant and the events after it that
// contain one of some texts.
func slower(what []string, from time.Time, factor float64) func([]Line) ([]Line, error) {
	return func(lines []Line) ([]Line, error) {
		return edited(lines, func(i int, text string) string {
			after := lines[i].Time.Sub(from)
			if after <= 0 || !slices.ContainsFunc(what, func(w string) bool { return strings.Contains(text, w) }) {
				return text
			}
			return delayed(text, time.Duration(float64(after)*(factor-1)).Truncate(time.Second))
		})
	}
}

// both makes one change after the other.
func both(changes ...func([]Line) ([]Line, error)) func([]Line) ([]Line, error) {
	return func(lines []Line) (_ []Line, err error) {
		for _, c := range changes {
			if lines, err = c(lines); err != nil {
				return nil, err
			}
		}
		return lines, nil
	}
}

// ewsForGraph has the application that was there before read thirty mailboxes
// over EWS where it read mail and users through Graph.
func ewsForGraph(lines []Line) ([]Line, error) {
	const app = "5616ee17-5d66-47a7-adb8-2760e2b87e20"
	var out []Line
	n := 0
	for _, l := range lines {
		if !strings.Contains(l.Text, `"AppId":"`+app) || !strings.Contains(l.Text, "MicrosoftGraphActivityLogs") {
			out = append(out, l)
			continue
		}
		if n++; n > 30 {
			continue
		}
		at := l.Time.Format("2006-01-02T15:04:05Z")
		ews, err := lineOf(fmt.Sprintf(`{"TenantId":"21a3230e-0377-4a58-aff1-b3709a9e2328","SourceSystem":"OfficeActivityManager","TimeGenerated":"%s","Start_Time":"%s","RecordType":"ExchangeItemAggregated","OfficeWorkload":"Exchange","OfficeId":"00000000-0000-4000-8000-0000000e%04d","UserType":"Application","OfficeObjectId":"","Type":"OfficeActivity","Operation":"MailItemsAccessed","ResultStatus":"Succeeded","UserId":"S-1-5-18","Client_IPAddress":"203.0.113.141","MailboxGuid":"00000000-0000-4000-8000-0000000b%04d","MailboxOwnerUPN":"mailbox%02d@contoso.com","ClientAppId":"%s","AppId":"%s","ClientInfoString":"Client=WebServices;python-requests/2.32.3;","OperationProperties":"[{\"Name\": \"MailAccessType\", \"Value\": \"Bind\"}]"}`,
			at, at, n, n, n, app, app))
		if err != nil {
			return nil, err
		}
		out = append(out, ews)
	}
	inOrder(out)
	return out, nil
}

// graphForMail has mail read through Graph, with the token that reads the
// directory, where Exchange told of it.
func graphForMail(lines []Line) ([]Line, error) {
	var out []Line
	n := 0
	for _, l := range lines {
		if !strings.Contains(l.Text, "MailItemsAccessed") || !strings.Contains(l.Text, "192.0.2.66") {
			out = append(out, l)
			continue
		}
		for i := range 6 {
			n++
			at := l.Time.Add(time.Duration(5*i) * time.Second).Format("2006-01-02T15:04:05Z")
			g, err := lineOf(fmt.Sprintf(`{"TenantId":"5d0f6a3b-91c2-4a57-bd1e-07c4a8f3e265","TimeGenerated":"%s","Location":"North Europe","RequestId":"00000000-0000-4000-8000-0000000d%04d","OperationId":"00000000-0000-4000-8000-0000000d%04d","ApiVersion":"v1.0","RequestMethod":"GET","ResponseStatusCode":200,"AadTenantId":"c2b4e1f0-6a35-4d0c-8f7e-52d9a1c8e740","IPAddress":"192.0.2.66","UserAgent":"python-requests/2.32.3","RequestUri":"https://graph.microsoft.com/v1.0/me/messages?$search=%%22release%%20keys%%20%d%%22","ResponseSizeBytes":20480,"SignInActivityId":"9eba95db90d4bd9390a89e","SessionId":"6a3eae3e-4388-461e-af56-7ba83d4a077b","AppId":"de8bc8b5-d9f9-48b1-a8ad-b748da725064","UserId":"b3bda498-9985-479b-a801-45e9c4e5ac45","Scopes":"Directory.Read.All Files.Read.All Mail.ReadWrite User.Read","ClientAuthMethod":0,"SourceSystem":"Azure","Type":"MicrosoftGraphActivityLogs"}`,
				at, n, n, n))
			if err != nil {
				return nil, err
			}
			out = append(out, g)
		}
	}
	inOrder(out)
	return out, nil
}
