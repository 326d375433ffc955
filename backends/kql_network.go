package backends

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Kusto's functions take more for an address than the contract does (a prefix
// behind it, short forms), so the form is held to first.
const (
	kqlIPv4    = `(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}`
	kqlMapped  = `::[fF]{4}:`
	kqlIPv6    = `[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*`
	kqlPort    = `(?::0*[0-9]{1,5})?`
	kqlAddress = `\A(?:\[([^\]]*)\]|([0-9.]+))` + kqlPort + `\z`
)

// KQLAddress is an expression of Kusto: the address in a text without its port and
// brackets. text is an expression too, of a string.
func KQLAddress(text string) string {
	return "replace_regex(" + text + ", " + kqlString(kqlAddress) + ", " + kqlString(`\1\2`) + ")"
}

var kqlMappedRange = netip.MustParsePrefix("::ffff:0:0/96")

// networkTest asks whether a text is an address in one of networks.
func (p *kqlPrinter) networkTest(t test, s kqlScalar) string {
	address := s.text()
	if s.typ == ir.TypeIP {
		address = KQLAddress(address)
		if s.row && p.joining && !slices.Contains(p.addresses, address) {
			p.addresses = append(p.addresses, address)
		}
	}
	var v4, v6 []string
	everything := false
	for _, n := range t.networks {
		if p := netip.Prefix(n); p.Addr().Is4() {
			v4 = append(v4, kqlString(p.String()))
		} else {
			v6 = append(v6, kqlString(p.String()))
			everything = everything || p.Overlaps(kqlMappedRange)
		}
	}
	var parts []string
	a := "extract(" + kqlString(`\A(?:`+kqlMapped+`)?(`+kqlIPv4+`)\z`) + ", 1, " + address + ")"
	for _, list := range t.lists {
		parts = append(parts, "ipv4_is_in_any_range("+a+", "+list+kqlListNetworks4+")",
			address+" matches regex "+kqlString(`\A`+kqlIPv6+`\z`)+" and not(coalesce(ipv6_is_in_range("+address+", "+kqlString(kqlMappedRange.String())+
				"), false)) and ipv6_is_in_any_range("+address+", "+list+kqlListNetworks6+")")
	}
	if len(v4) > 0 {
		if len(v4) == 1 {
			parts = append(parts, "ipv4_is_in_range("+a+", "+v4[0]+")")
		} else {
			parts = append(parts, "ipv4_is_in_any_range("+a+", "+kqlDynamic(v4)+")")
		}
	}
	if len(v6) > 0 {
		part := address + " matches regex " + kqlString(`\A`+kqlIPv6+`\z`) + " and "
		if everything { // IPv4 in IPv6 clothes is IPv4
			part += "not(coalesce(ipv6_is_in_range(" + address + ", " + kqlString(kqlMappedRange.String()) + "), false)) and "
		}
		if len(v6) == 1 {
			part += "ipv6_is_in_range(" + address + ", " + v6[0] + ")"
		} else {
			part += "ipv6_is_in_any_range(" + address + ", " + kqlDynamic(v6) + ")"
		}
		parts = append(parts, part)
	}
	return guarded(s.is(t.kinds), parts)
}

func kqlDynamic(literals []string) string {
	list := kqlList(literals)
	return "dynamic([" + list[1:len(list)-1] + "])"
}

// addressColumns makes columns of the addresses that several conditions of a row
// read, in place of their text.
func (p *kqlPrinter) addressColumns(conditions ...[]string) {
	for _, a := range p.addresses {
		n := 0
		for _, cs := range conditions {
			n += strings.Count(strings.Join(cs, "\n"), a)
		}
		if n < kqlAddressUses {
			continue
		}
		x := kqlExtend{p.name("address"), a}
		p.extends = append(p.extends, x)
		for _, cs := range conditions {
			for i := range cs {
				cs[i] = strings.ReplaceAll(cs[i], a, x.name)
			}
		}
	}
	p.addresses = nil
}

// kqlAddressUses is from how many uses on an address is a column.
const kqlAddressUses = 4
