package benign

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The identifiers of the organisation.
const (
	TenantID    = "7d3c2a1e-5b0f-4c61-9a27-3e8d1f6b4c90"
	WorkspaceID = "21a3230e-0377-4a58-aff1-b3709a9e2328"
	Domain      = "contoso.com"

	subscription = "5e6c1f0a-93d4-4c1a-8f57-2b6f6d0a1e44"
)

// Tenant is the organisation: who and what is in it. It is read-only.
type Tenant struct {
	Options Options
	// Users are all accounts, joiners and leavers of the month too: people
	// first, then the administrators' second accounts.
	Users []*User
	// Admins are the administrators' accounts among Users, Executives the
	// people that an attacker would choose.
	Admins, Executives []*User
	// Guests are from other organisations; they come on top of the Users.
	Guests []*User
	// Apps are the applications of the tenant, Microsoft's own not among them.
	Apps []*App

	daemons   map[string]*App
	offices   []Network
	vpnHome   []Network // exits of the organisation's VPN, in the country
	vpnVienna Network
	vpnAway   []Network // and abroad
}

// User is an account.
type User struct {
	N                int // place among the tenant's users, or guests
	ID, UPN, Name    string
	Account, Dept    string // name without domain
	EmployeeID       string
	Admin, Executive bool
	// Activity is how many times a working day the person signs in, on
	// average.
	Activity float64
	Office   int
	Computer Device
	Phone    Device
	// HomeV4 and HomeV6 are one line: the provider gives both.
	HomeV4, HomeV6 Network
	Mobile         Network
	// Roams says that the phone's provider leaves to the internet in another
	// country; DualStack that the home's IPv6 is taken for another country;
	// PrivateVPN is a service that the person uses at home, or no address.
	Roams, DualStack bool
	PrivateVPN       Network
	Trips            []Trip
	// Joins and Leaves are days of the month; -1 for none.
	Joins, Leaves int
	// Mailbox is the mailbox's id, Legacy that a device sends mail with the
	// account's password.
	Mailbox    string
	Legacy     bool
	Rules      []string // inbox rules that are there before the month
	Newsletter string
}

// Device is a computer or a phone.
type Device struct {
	ID, Name, OS, Agent, Browser string
	Managed                      bool
}

// Network is where a connection comes from.
type Network struct {
	IP, ASN, Country, City, State string
}

// Trip is a stay abroad, on business or holiday, on days of the month.
type Trip struct {
	From, To int
	Network  Network
	Mobile   Network
}

// App is an application with its service principal.
type App struct {
	N                     int
	Name                  string
	AppID, ObjectID, SPID string
	Host                  string // of its addresses
	SAML, Gallery, Daemon bool
	Important             bool
	Secrets               []string // key ids of its credentials
	Certificate           bool
	Network               Network // where a daemon runs
	Scopes                []string
	Owners                []string
	Created               time.Time
}

// Microsoft's applications and resources, by the ids that they have in every
// tenant.
var (
	exchangeOnline = appRef{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"}
	sharePoint     = appRef{"00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"}
	graphAPI       = appRef{"00000003-0000-0000-c000-000000000000", "Microsoft Graph"}
	azureAPI       = appRef{"797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API"}
	keyVault       = appRef{"cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "Azure Key Vault"}
	teams          = appRef{"1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams"}
	outlookWeb     = appRef{"9199bf20-a13f-4107-85dc-02114787ef48", "One Outlook Web"}
	outlookMobile  = appRef{"27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook Mobile"}
	office         = appRef{"d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office"}
	oneDrive       = appRef{"ab9b8c07-8f02-4f72-87fa-80105867a763", "OneDrive SyncEngine"}
	officeHome     = appRef{"4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome"}
	azurePortal    = appRef{"c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal"}
	azureCLI       = appRef{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"}
	graphShell     = appRef{"14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools"}
	mySignIns      = appRef{"19db86c3-b2b9-44cc-b339-36da233a3be2", "My Signins"}
	broker         = appRef{"29d9ed98-a469-4536-ade2-f981bc1d605e", "Microsoft Authentication Broker"}
)

type appRef struct{ id, name string }

const (
	edgeAgent    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"
	chromeAgent  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
	safariAgent  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15"
	iPhoneAgent  = "Outlook-iOS/2.0"
	androidAgent = "Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8 Build/AP4A.250205.002)"
)

// The autonomous systems of the month, of those kept for documentation.
const (
	asOffice = "64500"
	asVPN    = "64501"
	asCloud  = "64502"
	asDSL    = "64503"
	asCable  = "64504"
	asMobile = "64505"
	asRoamNL = "64506"
	asProxy  = "64507"
	asHotel  = 64508 // and the next ones, one for each country
)

var abroad = []Network{
	{"", "", "FR", "Paris", "Ile-de-France"},
	{"", "", "IT", "Milan", "Lombardia"},
	{"", "", "ES", "Barcelona", "Catalunya"},
	{"", "", "GB", "London", "England"},
	{"", "", "US", "Chicago", "Illinois"},
	{"", "", "PL", "Poznan", "Wielkopolskie"},
	{"", "", "TR", "Antalya", "Antalya"},
	{"", "", "GR", "Athens", "Attiki"},
}

// New makes the organisation of a month.
func New(o Options) *Tenant {
	o = o.filled()
	t := &Tenant{Options: o, daemons: map[string]*App{}}
	t.offices = []Network{
		{"198.51.100.10", asOffice, "DE", "Munich", "Bayern"}, {"198.51.100.11", asOffice, "DE", "Munich", "Bayern"}, {"198.51.100.12", asOffice, "DE", "Munich", "Bayern"},
		{"198.51.100.140", asOffice, "DE", "Hamburg", "Hamburg"}, {"198.51.100.141", asOffice, "DE", "Hamburg", "Hamburg"},
		{"198.51.100.200", asOffice, "AT", "Vienna", "Wien"},
	}
	for i := range 4 {
		t.vpnHome = append(t.vpnHome, Network{fmt.Sprintf("192.0.2.%d", 10+i), asVPN, "DE", "Frankfurt am Main", "Hessen"})
	}
	t.vpnVienna = Network{"192.0.2.20", asVPN, "AT", "Vienna", "Wien"}
	for i := range 2 {
		t.vpnAway = append(t.vpnAway, Network{fmt.Sprintf("192.0.2.%d", 40+i), asVPN, "NL", "Amsterdam", "Noord-Holland"})
	}
	t.people()
	t.applications()
	return t
}

// people makes the accounts.
func (t *Tenant) people() {
	o := t.Options
	admins := o.Users / 50
	taken := map[string]bool{}
	for n := range o.Users {
		d := NewDice(o.Seed, "user", n)
		u := &User{N: n, ID: d.GUID(), Joins: -1, Leaves: -1, Mailbox: d.GUID(), EmployeeID: fmt.Sprintf("E%05d", 10000+n)}
		first, last := firstNames[(n*7+n/len(firstNames))%len(firstNames)], lastNames[(n*11+n/len(lastNames)*3)%len(lastNames)]
		if n >= o.Users-admins { // a second account of one of the IT people
			owner := t.Users[n-(o.Users-admins)]
			owner.Dept = "IT"
			u.Account, u.Name = "adm-"+owner.Account, owner.Name+" (admin)"
			u.Admin, u.Dept, u.Office, u.Activity = true, "IT", owner.Office, 1.3
			u.Computer = owner.Computer
			u.HomeV4, u.HomeV6, u.Mobile = owner.HomeV4, owner.HomeV6, owner.Mobile
			t.Admins = append(t.Admins, u)
		} else {
			u.Account = strings.ToLower(first + "." + last)
			for i := 2; taken[u.Account]; i++ {
				u.Account = strings.ToLower(first+"."+last) + fmt.Sprint(i)
			}
			u.Name = first + " " + last
			u.Dept = departments[n%len(departments)]
			u.person(t, d)
		}
		taken[u.Account] = true
		u.UPN = u.Account + "@" + Domain
		t.Users = append(t.Users, u)
	}
	for i, n := range []int{200, 201, 202} { // the board and the head of personnel
		if n %= o.Users - admins; true {
			u := t.Users[n]
			u.Executive, u.Activity, u.Dept, u.Joins, u.Leaves = true, 2, []string{"Board", "Board", "Human Resources"}[i], -1, -1
			u.Trips, u.PrivateVPN, u.Roams, u.DualStack = nil, Network{}, false, false
			u.Mobile = Network{fmt.Sprintf("2001:db8:5505:%x::1", u.N+1), asMobile, u.HomeV4.Country, u.HomeV4.City, u.HomeV4.State}
			u.HomeV6.Country, u.HomeV6.City, u.HomeV6.State = u.HomeV4.Country, u.HomeV4.City, u.HomeV4.State
			t.Executives = append(t.Executives, u)
		}
	}
	for n := range 40 {
		d := NewDice(o.Seed, "guest", n)
		name := strings.ToLower(pick(d, firstNames) + "." + pick(d, lastNames))
		company := pick(d, []string{"fabrikam.example", "northwind.example", "adatum.example", "litware.example"})
		t.Guests = append(t.Guests, &User{N: n, ID: d.GUID(), Account: name, Name: name + " (" + company + ")", Joins: -1, Leaves: -1, Dept: "Guest",
			UPN: fmt.Sprintf("%s_%s#EXT#@contoso.onmicrosoft.com", name, company), Activity: 0.3,
			Computer: Device{OS: "Windows10", Browser: "Chrome 138.0.0", Agent: chromeAgent},
			HomeV4:   Network{fmt.Sprintf("203.0.113.%d", 110+n%8), asCable, "DE", "Stuttgart", "Baden-Wurttemberg"}})
	}
}

// person fills in the life of somebody.
func (u *User) person(t *Tenant, d Dice) {
	days := t.Options.Days
	u.Office = d.IntN(len(t.offices))
	u.Activity = 0.8
	if d.chance(0.3) {
		u.Activity = 1.6
	}
	u.Computer = Device{ID: d.GUID(), Name: fmt.Sprintf("WS-%04d", u.N+1), OS: "Windows10", Browser: "Edge 138.0.0", Agent: edgeAgent, Managed: true}
	switch {
	case d.chance(0.08):
		u.Computer.OS, u.Computer.Browser, u.Computer.Agent, u.Computer.Name = "MacOs", "Safari 18.4", safariAgent, fmt.Sprintf("MAC-%04d", u.N+1)
	case d.chance(0.2):
		u.Computer.Browser, u.Computer.Agent = "Chrome 138.0.0", chromeAgent
	}
	u.Phone = Device{ID: d.GUID(), Name: fmt.Sprintf("PH-%04d", u.N+1), OS: "Ios 18.5", Browser: "Mobile Safari 18.5", Agent: iPhoneAgent, Managed: d.chance(0.9)}
	if d.chance(0.45) {
		u.Phone.OS, u.Phone.Browser, u.Phone.Agent = "Android 15", "Chrome Mobile 138.0.0", androidAgent
	}
	city := t.offices[u.Office]
	asn := asDSL
	if d.chance(0.4) {
		asn = asCable
	}
	// Providers give one IPv4 address to many lines and an IPv6 network to each.
	u.HomeV4 = Network{fmt.Sprintf("203.0.113.%d", 64+u.N%40), asn, city.Country, city.City, city.State}
	u.HomeV6 = Network{fmt.Sprintf("2001:db8:%x:%x::%x", 0x6400+u.N%16, u.N+1, 0x10+d.IntN(200)), asn, city.Country, city.City, city.State}
	u.Mobile = Network{fmt.Sprintf("2001:db8:5505:%x::%x", u.N+1, 1+d.IntN(9)), asMobile, city.Country, city.City, city.State}
	switch {
	case d.chance(0.02):
		u.DualStack = true
		u.HomeV6.Country, u.HomeV6.City, u.HomeV6.State = "NL", "Amsterdam", "Noord-Holland"
	case d.chance(0.015):
		u.Roams = true
		u.Mobile = Network{fmt.Sprintf("2001:db8:5506:%x::1", u.N+1), asRoamNL, "NL", "Rotterdam", "Zuid-Holland"}
	case d.chance(0.01):
		u.PrivateVPN = Network{fmt.Sprintf("203.0.113.%d", 120+u.N%6), asProxy, "GB", "London", "England"}
	}
	if d.chance(0.025) {
		n := d.IntN(len(abroad))
		where := abroad[n]
		where.ASN = hotelASN(n)
		from := d.IntN(days)
		tr := Trip{From: from, To: from + d.between(1, 6), Network: where, Mobile: where}
		tr.Network.IP = fmt.Sprintf("203.0.113.%d", 130+n*12+d.IntN(8))
		tr.Mobile.IP = fmt.Sprintf("2001:db8:%x:%x::1", 0x7000+n, u.N+1)
		u.Trips = append(u.Trips, tr)
	}
	switch {
	case d.chance(0.015):
		u.Joins = d.IntN(days)
	case d.chance(0.012):
		u.Leaves = d.IntN(days)
	}
	if d.chance(0.3) {
		u.Newsletter = pick(d, newsletters)
		u.Rules = append(u.Rules, u.Newsletter)
	}
}

// hotelASN is the autonomous system of the hotels in a country of abroad.
func hotelASN(country int) string {
	n := asHotel + country
	if n > 64511 { // the documentation's numbers go on at 65536
		n += 65536 - 64512
	}
	return fmt.Sprint(n)
}

// away returns the trip that somebody is on.
func (u *User) away(day int) (Trip, bool) {
	for _, tr := range u.Trips {
		if day >= tr.From && day <= tr.To {
			return tr, true
		}
	}
	return Trip{}, false
}

// there says whether the account exists on a day.
func (u *User) there(day int) bool {
	return (u.Joins < 0 || day >= u.Joins) && (u.Leaves < 0 || day <= u.Leaves)
}

// applications makes the tenant's applications: those that act on their own
// first.
func (t *Tenant) applications() {
	const apps = 150
	used := map[string]int{}
	for n := range apps {
		d := NewDice(t.Options.Seed, "app", n)
		a := &App{N: n, AppID: d.GUID(), ObjectID: d.GUID(), SPID: d.GUID(), Created: t.Options.Start.AddDate(0, 0, -d.between(60, 900))}
		switch {
		case n < len(daemonApps):
			a.Name, a.Daemon = daemonApps[n], true
			a.Network = Network{fmt.Sprintf("192.0.2.%d", 128+n), asCloud, "DE", "Frankfurt am Main", "Hessen"}
			if n < 3 { // services of others, in another region
				a.Network.Country, a.Network.City, a.Network.State = "IE", "Dublin", "Dublin"
			}
			t.daemons[a.Name] = a
		case n < 75:
			a.Name, a.Gallery, a.SAML = galleryApps[n%len(galleryApps)], true, n%3 != 0
		default:
			a.Name = internalApps[n%len(internalApps)]
		}
		if used[a.Name]++; used[a.Name] > 1 {
			a.Name += fmt.Sprintf(" %d", used[a.Name])
		}
		a.Host = strings.ReplaceAll(strings.ToLower(a.Name), " ", "-") + "." + Domain
		for range d.between(1, 2) {
			a.Secrets = append(a.Secrets, d.GUID())
		}
		a.Certificate = a.SAML || d.chance(0.2)
		a.Owners = []string{pick(d, t.Users).UPN}
		a.Important = n == 3 || n == 16 || n == 80
		t.Apps = append(t.Apps, a)
	}
}

// Daemon returns an application that acts on its own, by name.
func (t *Tenant) Daemon(name string) *App { return t.daemons[name] }

// day returns the midnight at which a day of the month begins.
func (t *Tenant) day(n int) time.Time { return t.Options.Start.AddDate(0, 0, n) }

// works says how much of the organisation is at work on a day: 1 on an
// ordinary one.
func (t *Tenant) works(n int) float64 {
	day := t.day(n)
	weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
	switch week := n / 7; {
	case weekend && week == holidayWeek:
		return 0.02
	case weekend:
		return 0.06
	case week == holidayWeek && day.Weekday() == time.Monday:
		return 0.05
	case week == holidayWeek:
		return 0.22
	case n == publicHoliday:
		return 0.08
	}
	return 1
}

// The holidays, as days and weeks since the start.
const (
	publicHoliday = 10
	holidayWeek   = 3
)

// Approvers are the administrators who change applications and grant
// permissions, AccountAdmins those who make and delete accounts.
func (t *Tenant) Approvers() []*User { return t.Admins[:max(1, len(t.Admins)*3/10)] }

// AccountAdmins are the administrators who make, delete and invite accounts.
func (t *Tenant) AccountAdmins() []*User {
	return t.Admins[len(t.Admins)/2 : len(t.Admins)/2+max(1, len(t.Admins)/5)]
}

// app returns an application by name, nil when there is none.
func (t *Tenant) app(name string) *App {
	if i := slices.IndexFunc(t.Apps, func(a *App) bool { return a.Name == name }); i >= 0 {
		return t.Apps[i]
	}
	return nil
}
