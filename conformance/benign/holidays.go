package benign

import (
	"fmt"
	"time"
)

// onHoliday returns where somebody spends the week of holidays who goes abroad
// with the phone and leaves the computer at home.
func (m *month) onHoliday(u *User, day int) (Network, bool) {
	if day/7 != holidayWeek || u.Executive || u.Admin || len(u.Trips) > 0 {
		return Network{}, false
	}
	d := NewDice(m.Options.Seed, "holiday abroad", u.N)
	if !d.chance(0.12) {
		return Network{}, false
	}
	n := d.IntN(len(abroad))
	where := abroad[n]
	where.ASN = hotelASN(n)
	where.IP = fmt.Sprintf("2001:db8:%x:%x::1", 0x7100+n, u.N+1)
	return where, true
}

// holidayDay is one abroad: the phone fetches mail by itself; on the first day,
// because of the new place, and now and then it asks for the password anew.
// Every fifth has a private tablet instead, which nobody manages.
func (m *month) holidayDay(u *User, where Network, day int) {
	d := NewDice(m.Options.Seed, "holiday day", u.N, day)
	if !d.chance(0.5) {
		return
	}
	s := SignIn{Time: m.day(day).Add(d.clock(19, 2)), User: u, Network: where, Device: u.Phone, Session: d.GUID(), Client: "Mobile Apps and Desktop clients",
		App: outlookMobile.id, AppName: outlookMobile.name, Resource: exchangeOnline.id, ResourceName: exchangeOnline.name}
	if u.N%5 == 0 {
		s.Device = Device{OS: "Ios 18.5", Browser: "Mobile Safari 18.5", Agent: iPhoneAgent}
	}
	asks := 0.06
	if day%7 == 0 {
		asks = 0.4
	}
	if d.chance(asks) {
		s.Interactive, s.Token = true, d.Hex(22)
		m.signIn(d, m.begin("holiday-abroad-sign-in"), s)
		s.Interactive, s.Token, s.Time = false, "", s.Time.Add(time.Hour)
	}
	m.signIn(d, everyday("holiday-abroad"), s)
}
