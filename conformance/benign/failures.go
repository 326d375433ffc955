package benign

import (
	"fmt"
	"strconv"
	"time"
)

// What Entra ID says of a sign-in that it turned away under 50053, which is also
// the code of a locked account.
const fromKnownAddress = "Sign-in was blocked because it came from an IP address with malicious activity."

// wantedNames are addresses that a tenant publishes or that anybody guesses;
// those that are no account are unknown to Entra ID.
var wantedNames = []string{"info", "office", "admin", "support", "sales", "hr", "accounting", "test", "noreply", "webmaster", "scan", "helpdesk"}

// strangers are who tries passwords from the internet on any day, at every
// tenant and in vain: several hundred attempts from as many addresses, on names
// that are public, most of them turned away for the address alone. A part of
// them comes in a wave of an hour.
func (m *month) strangers(day int) {
	d := NewDice(m.Options.Seed, "strangers", day)
	share := float64(m.Options.Users) / 1000
	wave := d.between(0, 23)
	for left := int(float64(d.between(240, 430)) * share); left > 0; {
		at := m.day(day).Add(d.within(24 * time.Hour))
		if d.chance(0.18) {
			at = m.day(day).Add(time.Duration(wave)*time.Hour + d.within(time.Hour))
		}
		place := pick(d, []Network{{Country: "CN", City: "Shanghai"}, {Country: "BR", City: "Sao Paulo"}, {Country: "VN", City: "Hanoi"}, {Country: "IN", City: "Mumbai"}, {Country: "RU", City: "Moscow"},
			{Country: "US", City: "Dallas"}, {Country: "ID", City: "Jakarta"}, {Country: "KR", City: "Seoul"}, {Country: "NL", City: "Amsterdam"}, {Country: "DE", City: "Falkenstein"}})
		place.ASN, place.State = strconv.Itoa(65200+d.IntN(80)), place.City
		place.IP = fmt.Sprintf("2001:db8:b%03x:%x::%x", d.IntN(0x1000), 1+d.IntN(0xfff0), 1+d.IntN(0xfff0)) // of those for documentation there are too few with four bytes
		known := d.chance(0.6)                                                                              // for attacks
		accounts := 1
		switch {
		case d.chance(0.02):
			accounts = d.between(4, 8)
		case d.chance(0.2):
			accounts = d.between(2, 3)
		}
		s := SignIn{Network: place, Device: Device{Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}, Interactive: true, SingleFactor: true, WrongPassword: true}
		switch {
		case d.chance(0.1):
			s.App, s.AppName, s.Client, s.Agent = exchangeOnline.id, exchangeOnline.name, "Authenticated SMTP", "BAV2ROPC"
			s.Resource, s.ResourceName = exchangeOnline.id, exchangeOnline.name
		case d.chance(0.7):
			s.App, s.AppName, s.Client = azureCLI.id, azureCLI.name, "Mobile Apps and Desktop clients"
			s.Resource, s.ResourceName = azureAPI.id, azureAPI.name
		default:
			s.App, s.AppName = officeHome.id, officeHome.name
			s.Resource, s.ResourceName = exchangeOnline.id, exchangeOnline.name
		}
		for range accounts {
			s.Time, s.User, s.Reason = at, m.wanted(d), ""
			switch {
			case s.User.ID == nobody:
				s.Code = 50034
			case known:
				s.Code, s.Reason = 50053, fromKnownAddress
			case d.chance(0.15):
				s.Code = 50053
			default:
				s.Code = 50126
			}
			m.signIn(d, everyday("password-tried-from-internet"), s)
			at = at.Add(20*time.Second + d.within(90*time.Second))
			left--
		}
	}
}

// nobody is the id of an account that is none.
const nobody = "00000000-0000-0000-0000-000000000000"

// wanted is whose password is tried: people whose names are public, some far
// more often than others, or a name that is no account.
func (m *month) wanted(d Dice) *User {
	if d.chance(0.15) {
		name := pick(d, wantedNames)
		return &User{Account: name, UPN: name + "@" + Domain, ID: nobody}
	}
	x := d.Float64()
	return m.Users[int(x*x*float64(min(len(m.Users), 300)))]
}
