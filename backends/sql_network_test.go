package backends

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// TestSpellings holds the regular expressions of networks to net/netip, on
// addresses in and around them and in every spelling.
func TestSpellings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	networks := []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.1.1/32", "192.168.1.0/27", "0.0.0.0/0", "0.0.0.0/7", "100.64.0.0/10", "2001:db8::/32", "fe80::/10", "fc00::/7", "::1/128", "::/127", "2001:db8:0:1::/63",
		"2000::/3", "2001:db8::a:0/111", "::8/125", "1:0:0:10::/60", "1:0:20::/44", "::1:2:0/112"}
	for _, text := range networks {
		n := netip.MustParsePrefix(text).Masked()
		var s spellings
		if n.Addr().Is4() {
			s.add4(n)
		} else {
			s.six = addresses6(n)
		}
		for _, strip := range []bool{false, true} {
			re := regexp.MustCompile(s.regexp(strip))
			for range 4000 {
				x := spell(r, near(r, n))
				want := n.Contains(addressOf(x, strip))
				if got := re.MatchString(x); got != want {
					t.Fatalf("%s strip %v: %q: %v, want %v", text, strip, x, got, want)
				}
			}
		}
	}
}

// near returns an address in the network or close by.
func near(r *rand.Rand, n netip.Prefix) netip.Addr {
	b := n.Addr().AsSlice()
	for i := range b {
		if known := n.Bits() - 8*i; known < 8 {
			if mask := byte(0xff) >> max(known, 0); r.IntN(3) > 0 {
				b[i] |= byte(r.IntN(256)) & mask
			}
		}
		if r.IntN(20*len(b)) == 0 {
			b[i] ^= 1 << r.IntN(8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	if a.Is4() && r.IntN(2) == 0 {
		a = netip.AddrFrom16(a.As16())
	}
	return a
}

// spell writes an address in one of its spellings, now and then with an error.
func spell(r *rand.Rand, a netip.Addr) string {
	s := a.String()
	if a.Is6() {
		groups := strings.Split(a.StringExpanded(), ":")
		if a.Is4In6() {
			groups = strings.Split(netip.AddrFrom16(a.As16()).StringExpanded(), ":")
			if strings.Contains(groups[len(groups)-1], ".") {
				b := a.As16()
				groups = strings.Split("0000:0000:0000:0000:0000:ffff:"+hex4(b[12], b[13])+":"+hex4(b[14], b[15]), ":")
			}
		}
		for i, g := range groups {
			for len(g) > 1 && g[0] == '0' && r.IntN(3) > 0 {
				g = g[1:]
			}
			groups[i] = g
		}
		if r.IntN(3) == 0 {
			b := a.As16()
			groups = append(groups[:6:6], netip.AddrFrom4([4]byte(b[12:])).String())
		}
		s = strings.Join(groups, ":")
		if from := r.IntN(len(groups)); r.IntN(3) > 0 {
			to := from
			for to < len(groups) && strings.Trim(groups[to], "0") == "" && r.IntN(6) > 0 {
				to++
			}
			if to > from {
				s = strings.Join(groups[:from], ":") + "::" + strings.Join(groups[to:], ":")
			}
		}
	}
	switch r.IntN(12) {
	case 0:
		s = strings.ToUpper(s)
	case 1:
		s += ":" + []string{"443", "0080", "65535", "65536", "", "http", "99999"}[r.IntN(7)]
	case 2:
		s = "[" + s + "]"
	case 3:
		s = "[" + s + "]:" + []string{"443", "0080", "65536", ""}[r.IntN(4)]
	case 4:
		s = "0" + s
	case 5:
		s += []string{"\n", " ", "%eth0", ".", ":"}[r.IntN(5)]
	}
	return s
}

func hex4(hi, lo byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[hi>>4], digits[hi&15], digits[lo>>4], digits[lo&15]})
}

// addressOf reads an address as the contract has it; the zero Addr for none.
func addressOf(s string, strip bool) netip.Addr {
	if strip {
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			if port := regexp.MustCompile(`\A[0-9]+\z`).MatchString(s[i+1:]) && len(strings.TrimLeft(s[i+1:], "0")) <= 5; port {
				n := 0
				for _, c := range s[i+1:] {
					n = n*10 + int(c-'0')
				}
				if host := s[:i]; n < 65536 && (strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") || regexp.MustCompile(`\A[0-9.]+\z`).MatchString(host)) {
					if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
						s = host
					}
				}
			}
		}
		if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
			s = s[1 : len(s)-1]
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
