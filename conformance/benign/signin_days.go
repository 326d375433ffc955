package benign

import (
	"fmt"
	"strconv"
	"time"
)

// session is somebody at work with one device at one place.
type session struct {
	user        *User
	device      Device
	net         Network
	id, token   string
	begin, end  time.Time
	phone, away bool
	day         int
}

// signIns tells how people, their phones and their devices sign in on a day,
// and what they do then.
func (m *month) signIns(day int) {
	for _, u := range m.Users {
		if u.there(day) {
			m.dayOf(u, day)
		}
	}
	m.guestDays(day)
	m.legacyDevices(day)
	m.oddSignIns(day)
	m.strangers(day)
}

func (m *month) dayOf(u *User, day int) {
	if where, abroad := m.onHoliday(u, day); abroad {
		m.holidayDay(u, where, day)
		return
	}
	d := NewDice(m.Options.Seed, "day", u.N, day)
	works := m.works(day)
	trip, away := u.away(day)
	if away && u.N%3 == 0 && !u.Admin {
		m.leftOn(u, day)
	}
	present := d.chance(0.92 * works)
	switch {
	case u.Admin:
		m.adminDay(d, u, day, works)
		return
	case away && works < 1:
		present = d.chance(0.3)
	case away:
		present = true
	}
	if !present && !d.chance(0.1) {
		return
	}
	office := m.offices[u.Office]
	atHome := works < 1 || d.chance(0.35)
	n := max(1, d.often(u.Activity))
	if !present {
		n = 0
	}
	at := m.day(day).Add(d.clock(8.2, 0.6))
	for i := range n {
		s := &session{user: u, device: u.Computer, net: office, begin: at, day: day}
		switch {
		case away:
			s.net, s.away = trip.Network, true
		case atHome && d.chance(0.12):
			s.net = m.exit(d, u)
		case atHome && d.chance(0.55):
			s.net = u.HomeV4
		case atHome:
			s.net = u.HomeV6
		}
		s.end = at.Add(time.Hour + d.within(3*time.Hour))
		m.live(d, s, i == 0)
		at = s.end.Add(20*time.Minute + d.within(2*time.Hour))
	}
	if d.chance(0.2) { // the phone, in the evening or on the way
		s := &session{user: u, device: u.Phone, net: u.Mobile, phone: true, begin: m.day(day).Add(d.clock(18.5, 2.5)), day: day}
		if away {
			s.net, s.away = trip.Mobile, true
		}
		s.end = s.begin.Add(10*time.Minute + d.within(40*time.Minute))
		m.live(d, s, false)
	}
	if !away && present {
		m.flips(d, u, day, atHome, at)
	}
}

// leftOn is a tablet of the organisation that stays at home, switched on, while
// its owner is abroad: it goes on fetching mail.
func (m *month) leftOn(u *User, day int) {
	owned := NewDice(m.Options.Seed, "left on", u.N)
	tablet := Device{ID: owned.GUID(), Name: fmt.Sprintf("TB-%04d", u.N+1), OS: "Ios 18.5", Browser: "Mobile Safari 18.5", Agent: iPhoneAgent, Managed: true}
	session := owned.GUID()
	d := NewDice(m.Options.Seed, "left on", u.N, day)
	for at := m.day(day).Add(d.within(time.Hour)); at.Before(m.day(day + 1)); at = at.Add(55*time.Minute + d.within(15*time.Minute)) {
		m.signIn(d, everyday("device-left-at-home"), SignIn{Time: at, User: u, Network: u.HomeV4, Device: tablet, Session: session, Client: "Mobile Apps and Desktop clients",
			App: outlookMobile.id, AppName: outlookMobile.name, Resource: exchangeOnline.id, ResourceName: exchangeOnline.name})
	}
}

// live has a session happen: sign-in, refreshes, and what is done in it.
func (m *month) live(d Dice, s *session, first bool) {
	s.id, s.token = d.GUID(), d.Hex(22)
	kind := everyday("sign-in")
	if s.away {
		kind = everyday("travel")
	}
	base := SignIn{Time: s.begin, User: s.user, Network: s.net, Device: s.device, Interactive: true, Session: s.id, Token: s.token, Correlation: d.GUID()}
	switch {
	case s.phone:
		base.App, base.AppName, base.Resource, base.ResourceName = outlookMobile.id, outlookMobile.name, exchangeOnline.id, exchangeOnline.name
		base.Client = "Mobile Apps and Desktop clients"
	case d.chance(0.35):
		a := m.Apps[len(daemonApps)+d.IntN(len(m.Apps)-len(daemonApps))]
		base.App, base.AppName, base.Resource, base.ResourceName = a.AppID, a.Name, graphAPI.id, graphAPI.name
	default:
		app := pick(d, []appRef{outlookWeb, officeHome, teams, office, sharePoint})
		base.App, base.AppName, base.Resource, base.ResourceName = app.id, app.name, exchangeOnline.id, exchangeOnline.name
	}
	base.Passwordless = s.device.Managed && d.chance(0.6)
	m.troubles(d, base, first)
	m.signIn(d, kind, base)
	// Tokens are renewed without the person.
	renewed := s.begin
	for range d.often(1.1) {
		renewed = renewed.Add(5*time.Minute + d.within(70*time.Minute))
		if renewed.After(s.end) {
			break
		}
		r := base
		app := pick(d, []appRef{teams, office, oneDrive, outlookWeb, broker})
		r.Time, r.Interactive, r.Passwordless, r.Correlation, r.Token = renewed, false, false, "", ""
		r.App, r.AppName = app.id, app.name
		r.Client = "Mobile Apps and Desktop clients"
		k := everyday("token-refresh")
		switch {
		case s.away:
			k = everyday("travel")
		case s.net == s.user.HomeV4 && d.chance(0.4):
			r.Network = s.user.HomeV6
			if s.user.DualStack {
				k = m.begin("country-flip-dual-stack")
			}
		}
		if d.chance(0.06) { // some clients do not say what they run on
			r.Device = Device{Browser: "Rich Client 5.2.8.0", Agent: ""}
			r.Device.ID, r.Device.Managed, r.Device.Name = s.device.ID, s.device.Managed, s.device.Name
		}
		m.signIn(d, k, r)
	}
	m.readsMail(d, s)
	m.worksOnFiles(d, s)
	m.callsGraph(d, s)
}

// troubles are what goes wrong before a sign-in succeeds.
func (m *month) troubles(d Dice, base SignIn, first bool) {
	if base.Passwordless {
		return
	}
	before := func(seconds int) SignIn {
		s := base
		s.Time = base.Time.Add(-time.Duration(seconds)*time.Second - d.within(time.Second))
		s.Session = ""
		return s
	}
	switch {
	case first && d.chance(0.06):
		o := m.begin("password-typo")
		for i := range d.between(1, 3) {
			s := before(20 + 15*i)
			s.Code, s.WrongPassword = 50126, true
			m.signIn(d, o, s)
		}
	case d.chance(0.08):
		s := before(8)
		s.Code = 50140
		m.signIn(d, everyday("keep-me-signed-in"), s)
	case d.chance(0.06):
		s := before(25)
		s.Code, s.Details = 50074, "authentication not completed"
		m.signIn(d, everyday("second-factor-asked"), s)
	case d.chance(0.02):
		s := before(70)
		s.Code, s.Details = 500121, "authentication timed out"
		m.signIn(d, m.begin("second-factor-timed-out"), s)
	}
}

func (m *month) signIn(d Dice, o occasion, s SignIn) {
	table, r := m.SignInRecord(d, s)
	m.add(o, s.Time, table, r)
}

// flips are sign-ins whose country changes within minutes though the person
// does not move.
func (m *month) flips(d Dice, u *User, day int, atHome bool, at time.Time) {
	pair := func(kind string, first, second Network, firstDevice, secondDevice Device, session string, interactive bool) {
		o := m.begin(kind)
		for i, n := range []Network{first, second} {
			s := SignIn{Time: at.Add(time.Duration(i) * (time.Minute + d.within(7*time.Minute))), User: u, Network: n, Device: firstDevice, Session: session,
				App: outlookWeb.id, AppName: outlookWeb.name, Resource: exchangeOnline.id, ResourceName: exchangeOnline.name, Passwordless: true, Interactive: true}
			if i == 1 {
				s.Device, s.Interactive = secondDevice, interactive
				if secondDevice.Name == u.Phone.Name {
					s.Session, s.App, s.AppName, s.Client = d.GUID(), outlookMobile.id, outlookMobile.name, "Mobile Apps and Desktop clients"
				}
			}
			m.signIn(d, o, s)
		}
	}
	here := m.offices[u.Office]
	if atHome {
		here = u.HomeV4
	}
	switch {
	case u.Roams && d.chance(0.4):
		pair("country-flip-phone", here, u.Mobile, u.Computer, u.Phone, d.GUID(), d.chance(0.4))
	case u.PrivateVPN.IP != "" && atHome && d.chance(0.7):
		pair("country-flip-private-vpn", here, u.PrivateVPN, u.Computer, u.Computer, d.GUID(), d.chance(0.5))
	case u.DualStack && atHome && d.chance(0.5):
		pair("country-flip-dual-stack", u.HomeV4, u.HomeV6, u.Computer, u.Computer, d.GUID(), d.chance(0.3))
	case atHome && d.chance(0.004):
		pair("country-flip-corporate-vpn", here, pick(d, m.vpnAway), u.Computer, u.Computer, d.GUID(), d.chance(0.5))
	}
}

// exit is one of the VPN's exits in the person's country.
func (m *month) exit(d Dice, u *User) Network {
	if m.offices[u.Office].Country == "AT" {
		return m.vpnVienna
	}
	return pick(d, m.vpnHome)
}

// adminDay is that of an administrator's account.
func (m *month) adminDay(d Dice, u *User, day int, works float64) {
	if works < 0.5 && !d.chance(0.08) || works == 1 && !d.chance(0.85) {
		return
	}
	at := m.day(day).Add(d.clock(9.5, 0.5))
	n := max(1, d.often(u.Activity))
	night := d.chance(0.012) // called out
	for i := range n {
		net := m.offices[u.Office]
		if works < 0.5 || d.chance(0.3) {
			net = m.exit(d, u)
		}
		kind := everyday("administration")
		if i == n-1 && night {
			at, net, kind = m.day(day).Add(d.clock(22, 1)), m.exit(d, u), m.begin("night-call")
		}
		app := pick(d, []appRef{azurePortal, azurePortal, azureCLI, graphShell, officeHome})
		s := SignIn{Time: at, User: u, Network: net, Device: u.Computer, Interactive: true, Session: d.GUID(), Token: d.Hex(22),
			App: app.id, AppName: app.name, Resource: azureAPI.id, ResourceName: azureAPI.name}
		if app == graphShell || app == officeHome {
			s.Resource, s.ResourceName = graphAPI.id, graphAPI.name
		}
		if app == azureCLI && d.chance(0.3) && net.ASN == asOffice { // on a server without a browser
			s.Protocol, s.Transfer, kind = "deviceCode", "deviceCodeFlow", m.begin("device-code")
		}
		if d.chance(0.05) {
			f := s
			f.Time, f.Code, f.WrongPassword, f.Session = at.Add(-30*time.Second), 50126, true, ""
			m.signIn(d, m.begin("password-typo"), f)
		}
		m.signIn(d, kind, s)
		for j := range d.often(1.5) {
			r := s
			r.Time, r.Interactive, r.Token, r.Protocol, r.Transfer = at.Add(time.Duration(j+1)*25*time.Minute+d.within(time.Minute)), false, "", "", s.Transfer
			m.signIn(d, everyday("token-refresh"), r)
		}
		at = at.Add(2*time.Hour + d.within(time.Hour))
	}
}

// guestDays are those of people from other organisations.
func (m *month) guestDays(day int) {
	for _, u := range m.Guests {
		d := NewDice(m.Options.Seed, "guest day", u.N, day)
		if !d.chance(u.Activity * m.works(day)) {
			continue
		}
		s := SignIn{Time: m.day(day).Add(d.clock(11, 2)), User: u, Network: u.HomeV4, Device: u.Computer, Interactive: true, Session: d.GUID(),
			App: teams.id, AppName: teams.name, Resource: graphAPI.id, ResourceName: graphAPI.name}
		m.signIn(d, everyday("guest-sign-in"), s)
	}
}

// legacyDevices are scanners and an old program that send mail with a
// password.
func (m *month) legacyDevices(day int) {
	const scanners = 8
	for n := range scanners {
		d := NewDice(m.Options.Seed, "scanner", n, day)
		owner := m.Users[20+n]
		box := *owner
		box.Account = "scan-" + strconv.Itoa(n+1)
		box.UPN, box.Name, box.ID = box.Account+"@"+Domain, "Scanner "+strconv.Itoa(n+1), NewDice(m.Options.Seed, "scanner id", n).GUID()
		for range d.often(6 * m.works(day)) {
			m.signIn(d, everyday("legacy-scanner"), SignIn{Time: m.day(day).Add(d.clock(12, 2.5)), User: &box, Network: m.offices[n%len(m.offices)], Interactive: true,
				App: exchangeOnline.id, AppName: exchangeOnline.name, Resource: exchangeOnline.id, ResourceName: exchangeOnline.name,
				Client: "Authenticated SMTP", SingleFactor: true, Agent: "BAV2ROPC"})
		}
		if n == 2 && day == 9 { // its password was changed and nobody told it
			o := m.begin("legacy-scanner-wrong-password")
			for i := range 8 {
				m.signIn(d, o, SignIn{Time: m.day(day).Add(9*time.Hour + time.Duration(i)*11*time.Minute), User: &box, Network: m.offices[n%len(m.offices)], Interactive: true,
					App: exchangeOnline.id, AppName: exchangeOnline.name, Resource: exchangeOnline.id, ResourceName: exchangeOnline.name,
					Client: "Authenticated SMTP", SingleFactor: true, Agent: "BAV2ROPC", Code: 50126, WrongPassword: true})
			}
		}
	}
}

// oddSignIns are the rarer ones: blocked, declined, to disabled accounts, to
// other tenants, at risk that settles itself.
func (m *month) oddSignIns(day int) {
	d := NewDice(m.Options.Seed, "odd sign-ins", day)
	works := m.works(day)
	people := m.Users[:len(m.Users)-len(m.Admins)]
	ordinary := func() *User {
		for {
			if u := pick(d, people); u.there(day) && !u.Executive && len(u.Trips) == 0 {
				return u
			}
		}
	}
	at := func() time.Time { return m.day(day).Add(d.clock(12, 3)) }
	web := func(u *User) SignIn {
		return SignIn{Time: at(), User: u, Network: u.HomeV4, Device: u.Computer, Interactive: true, App: outlookWeb.id, AppName: outlookWeb.name,
			Resource: exchangeOnline.id, ResourceName: exchangeOnline.name, Session: d.GUID()}
	}
	for range d.often(4 * works) { // from a private computer, which the policy does not let in
		s := web(ordinary())
		s.Device, s.Code = Device{OS: "Windows10", Browser: "Chrome 138.0.0", Agent: chromeAgent}, 53003
		m.signIn(d, m.begin("conditional-access-block"), s)
	}
	for range d.often(0.35 * works) { // pressed the wrong button
		s := web(ordinary())
		s.Code, s.Details = 500121, "MFA denied; user declined the authentication"
		o := m.begin("second-factor-declined-by-mistake")
		m.signIn(d, o, s)
		s.Time, s.Code, s.Details = s.Time.Add(40*time.Second), 0, ""
		m.signIn(d, o, s)
	}
	for range d.often(0.5 * works) { // a phone keeps trying for somebody who left
		for _, u := range people {
			if u.Leaves >= 0 && day > u.Leaves && d.chance(0.5) {
				s := web(u)
				s.Network, s.Device, s.Code, s.Interactive = u.Mobile, u.Phone, 50057, true
				m.signIn(d, m.begin("disabled-account"), s)
			}
		}
	}
	for range d.often(3 * works) { // guests of a supplier's tenant
		s := web(people[(d.IntN(25)*13+5)%len(people)])
		s.Network = m.offices[s.User.Office]
		s.Tenant, s.App, s.AppName, s.Resource, s.ResourceName = pick(d, otherTenants), teams.id, teams.name, graphAPI.id, graphAPI.name
		m.signIn(d, m.begin("other-tenant"), s)
	}
	for range d.often(6 * works) { // risk that the second factor settles
		u := ordinary()
		s := web(u)
		s.Network, s.Risk, s.RiskTypes, s.RiskState = u.HomeV6, "low", `["unfamiliarFeatures"]`, "remediated"
		m.signIn(d, m.begin("risk-settled"), s)
	}
	for range d.often(1.2 * works) { // a forgotten password
		u := ordinary()
		o := m.begin("forgotten-password")
		s := web(u)
		for i := range d.between(4, 9) {
			f := s
			f.Time, f.Code, f.WrongPassword = s.Time.Add(time.Duration(i)*25*time.Second), 50126, true
			m.signIn(d, o, f)
		}
		f := s
		f.Time, f.Code, f.WrongPassword = s.Time.Add(5*time.Minute), 50053, true
		m.signIn(d, o, f)
		m.passwordReset(d, o, u, s.Time.Add(9*time.Minute))
		s.Time = s.Time.Add(14 * time.Minute)
		m.signIn(d, o, s)
	}
	if works == 1 && d.chance(0.2) { // a tester's script
		u := people[40]
		s := web(u)
		s.Network, s.Protocol, s.App, s.AppName, s.SingleFactor = m.offices[0], "ropc", m.app("Test Rig").AppID, "Test Rig", true
		s.Agent, s.Client = "python-requests/2.32.3", "Mobile Apps and Desktop clients"
		m.signIn(d, m.begin("password-flow-test"), s)
	}
}

var otherTenants = []string{"0f2a7c51-3d9e-4b6f-8a10-5c7d2e9b4f63", "b8d1e6f0-94c2-4a7d-b3e5-6f1a0c8d2e97", "5a3c9e71-28bd-4f06-9d4e-e7b1f8a6c052"}
