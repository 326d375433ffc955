package kusto

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

func init() {
	defineNull("ipv4_is_in_range", "ss", TypeBool, func(c *call, v []Value) Value { return inRange(v[0], v[1:], true) })
	defineNull("ipv6_is_in_range", "ss", TypeBool, func(c *call, v []Value) Value { return inRange(v[0], v[1:], false) })
	for name, v4 := range map[string]bool{"ipv4_is_in_any_range": true, "ipv6_is_in_any_range": false} {
		special(name, "s*|s+", func(c *call) *expr {
			if t := c.args[1].typ; t != TypeString && (t != TypeDynamic || len(c.args) > 2) {
				fail(c.argPos(1), "%s() takes strings or one dynamic array", c.name)
			}
			return c.result(TypeBool, func(v []Value) Value {
				if a, ok := v[1].([]any); ok {
					return inRange(v[0], a, v4)
				}
				if c.args[1].typ == TypeDynamic {
					return nil
				}
				return inRange(v[0], v[1:], v4)
			})
		})
		scalars[name].max = 10_000
	}
	define("ipv4_is_private", "s", TypeBool, func(v []Value) Value {
		a, bits, ok := parseIP(v[0].(string), true)
		if !ok {
			return nil
		}
		p := netip.PrefixFrom(a, bits).Masked().Addr()
		return p.Is4() && p.IsPrivate()
	})
	define("parse_ipv4", "s", TypeLong, func(v []Value) Value {
		a, bits, ok := parseIP(v[0].(string), true)
		if !ok {
			return nil
		}
		return ipLong(netip.PrefixFrom(a, bits).Masked().Addr())
	})
	define("parse_ipv6", "s", TypeString, func(v []Value) Value {
		a, bits, ok := parseIP(v[0].(string), false)
		if !ok {
			return ""
		}
		b := netip.PrefixFrom(a, bits).Masked().Addr().As16()
		var parts []string
		for i := 0; i < 16; i += 2 {
			parts = append(parts, fmt.Sprintf("%02x%02x", b[i], b[i+1]))
		}
		return strings.Join(parts, ":")
	})
	for name, v4 := range map[string]bool{"ipv4_compare": true, "ipv6_compare": false} {
		define(name, "ss|i", TypeLong, func(v []Value) Value {
			c, ok := compareIP(v, v4)
			if !ok {
				return nil
			}
			return int64(c)
		})
	}
	for name, v4 := range map[string]bool{"ipv4_is_match": true, "ipv6_is_match": false} {
		define(name, "ss|i", TypeBool, func(v []Value) Value {
			c, ok := compareIP(v, v4)
			if !ok {
				return nil
			}
			return c == 0
		})
	}
	define("ipv4_netmask_suffix", "s", TypeLong, func(v []Value) Value {
		if _, bits, ok := parseIP(v[0].(string), true); ok {
			return int64(bits)
		}
		return nil
	})
	define("has_ipv4", "ss", TypeBool, func(v []Value) Value { return hasIP(v[0].(string), v[1]) })
	defineNull("has_any_ipv4", "s*|s+", TypeBool, func(c *call, v []Value) Value {
		list := v[1:]
		if a, ok := v[1].([]any); ok {
			list = a
		}
		for _, x := range list {
			if hasIP(v[0].(string), x) {
				return true
			}
		}
		return false
	})
}

// parseIP reads an address in IP-prefix notation: four decimal octets without
// leading zeros, or an IPv6 address without a zone. For IPv6 functions an
// IPv4 address is the mapped one.
func parseIP(s string, v4 bool) (a netip.Addr, bits int, ok bool) {
	host, suffix, cut := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || v4 && !a.Is4() {
		return a, 0, false
	}
	bits = a.BitLen()
	if cut {
		n, err := strconv.Atoi(suffix)
		if err != nil || n < 0 || n > bits || len(suffix) > 3 || suffix[0] == '+' {
			return a, 0, false
		}
		bits = n
	}
	if !v4 && a.Is4() {
		return netip.AddrFrom16(a.As16()), bits + 96, true
	}
	return a, bits, true
}

func inRange(addr Value, ranges []Value, v4 bool) Value {
	a, bits, ok := parseIP(addr.(string), v4)
	if !ok {
		return nil
	}
	bad := false
	for _, r := range ranges {
		s, _ := r.(string)
		b, n, ok := parseIP(s, v4)
		if !ok {
			bad = true
			continue
		}
		if netip.PrefixFrom(b, min(n, bits)).Masked() == netip.PrefixFrom(a, min(n, bits)).Masked() {
			return true
		}
	}
	if bad {
		return nil
	}
	return false
}

func compareIP(v []Value, v4 bool) (int, bool) {
	a, n, ok1 := parseIP(v[0].(string), v4)
	b, m, ok2 := parseIP(v[1].(string), v4)
	if !ok1 || !ok2 {
		return 0, false
	}
	bits := min(n, m)
	if len(v) > 2 {
		k := whole(v[2])
		if k < 0 || k > int64(a.BitLen()) {
			return 0, false
		}
		bits = min(bits, int(k))
	}
	return netip.PrefixFrom(a, bits).Masked().Addr().Compare(netip.PrefixFrom(b, bits).Masked().Addr()), true
}

func ipLong(a netip.Addr) int64 {
	b := a.As4()
	return int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
}

// hasIP finds an IPv4 address in a text where no alphanumeric character
// touches it.
func hasIP(s string, ip Value) bool {
	t, _ := ip.(string)
	if _, _, ok := parseIP(t, true); !ok || strings.Contains(t, "/") {
		return false
	}
	return hasTerm(s, t)
}
