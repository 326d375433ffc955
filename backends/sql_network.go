package backends

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// networkTest asks whether a text is an address in one of the networks; strip
// takes a port and brackets off first. Engines differ in what they take for an
// address, so the text is compared with the spellings of addresses.
func (p *sqlPrinter) networkTest(networks []ir.Prefix, x string, strip bool) (cond, error) {
	if p.d.regexp == nil {
		return p.networkByOctets(networks, x, strip)
	}
	var four, six, clothed spellings
	for _, n := range networks {
		switch n := netip.Prefix(n); {
		case n.Addr().Is4():
			four.add4(n)
		case n.Contains(mapped.Addr()):
			clothed.six = append(clothed.six, addresses6(n)...)
		default:
			six.six = append(six.six, addresses6(n)...)
		}
	}
	four.six = append(four.six, six.six...)
	var cs []cond
	if re := four.regexp(strip); re != "" {
		c, err := p.regexp(x, re)
		if err != nil {
			return cond{}, err
		}
		cs = append(cs, c)
	}
	if re := clothed.regexp(strip); re != "" { // IPv4 in IPv6 clothes is IPv4
		c, err := p.regexp(x, re)
		if err != nil {
			return cond{}, err
		}
		var all spellings
		all.add4(netip.MustParsePrefix("0.0.0.0/0"))
		all.dotted = nil
		four, err := p.regexp(x, all.regexp(strip))
		if err != nil {
			return cond{}, err
		}
		cs = append(cs, allOf(c, p.not(four)))
	}
	return anyOf(cs...), nil
}

// mapped holds the IPv4 addresses in IPv6 clothes.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// spellings are regular expressions of the texts of addresses: IPv4 and, with a
// colon in them, others. One with a port needs brackets if it has colons.
type spellings struct{ dotted, six []string }

// port is a number of 16 bits.
const port = `0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`

// regexp is of whole texts; "" for no address.
func (s spellings) regexp(strip bool) string {
	all := strings.Join(append(s.dotted[:len(s.dotted):len(s.dotted)], s.six...), "|")
	switch {
	case all == "":
		return ""
	case !strip:
		return `(?i)\A(?:` + all + `)\z`
	case len(s.dotted) == 0:
		return `(?i)\A(?:(?:` + all + `)|\[(?:` + all + `)\](?::` + port + `)?)\z`
	}
	return `(?i)\A(?:(?:` + all + `)|\[(?:` + all + `)\](?::` + port + `)?|(?:` + strings.Join(s.dotted, "|") + `):` + port + `)\z`
}

// fiveZeros are the first five groups of an IPv4 address in IPv6 clothes, with a
// run of zeros among them or not, and the colon behind.
const fiveZeros = `(?:(?:0{1,4}:){5}|::(?:0{1,4}:){0,4}|0{1,4}::(?:0{1,4}:){0,3}|(?:0{1,4}:){2}:(?:0{1,4}:){0,2}|(?:0{1,4}:){3}:(?:0{1,4}:)?|(?:0{1,4}:){4}:)`

// add4 adds the addresses of an IPv4 network, also in IPv6 clothes.
func (s *spellings) add4(n netip.Prefix) {
	a, bits := n.Addr().As4(), n.Bits()
	dotted := addresses4(a, bits)
	s.dotted = append(s.dotted, dotted)
	high := group6(uint16(a[0])<<8|uint16(a[1]), min(bits, 16))
	low := group6(uint16(a[2])<<8|uint16(a[3]), max(bits-16, 0))
	s.six = append(s.six, fiveZeros+"ffff:(?:"+dotted+"|"+high+":"+low+")")
	// A run of zeros at the end instead.
	end := "(?:0{1,4}:){5}ffff:"
	if a[2] == 0 && a[3] == 0 {
		s.six = append(s.six, end+high+"::")
	}
	if a[0] == 0 && a[1] == 0 {
		s.six = append(s.six, end+":"+low)
		if a[2] == 0 && a[3] == 0 {
			s.six = append(s.six, end+":")
		}
	}
}

func addresses4(a [4]byte, bits int) string {
	var b strings.Builder
	for i, v := range a {
		known := min(max(bits-8*i, 0), 8)
		if i > 0 && known == 0 && i < 3 {
			fmt.Fprintf(&b, `(?:\.%s){%d}`, anyOctet, 4-i)
			break
		}
		if i > 0 {
			b.WriteString(`\.`)
		}
		b.WriteString(octet(v, known))
	}
	return b.String()
}

const anyOctet = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`

// octet is a byte of which the first bits are given.
func octet(b byte, bits int) string {
	switch bits {
	case 0:
		return anyOctet
	case 8:
		return fmt.Sprint(b)
	}
	var out []string
	for i := range 1 << (8 - bits) {
		out = append(out, fmt.Sprint(int(b)+i))
	}
	return "(?:" + strings.Join(out, "|") + ")"
}

// addresses6 writes all spellings: groups with leading zeros or without, one run
// of zeros as ::, the last two groups dotted.
func addresses6(n netip.Prefix) []string {
	bytes, bits := n.Addr().As16(), n.Bits()
	var groups [8]string
	var zero [8]bool // the group may be 0
	for i := range groups {
		known := min(max(bits-16*i, 0), 16)
		groups[i] = group6(uint16(bytes[2*i])<<8|uint16(bytes[2*i+1]), known)
		zero[i] = bytes[2*i] == 0 && bytes[2*i+1] == 0
	}
	dotted := addresses4([4]byte(bytes[12:]), max(bits-96, 0))
	free := 8 // groups from here on are open
	for free > 0 && bits <= 16*(free-1) {
		free--
	}
	out := []string{groupsText(groups[:]), groupsText(append(groups[:6:6], dotted))}
	for from := range 8 { // the gap is groups[from:to]
		before := groupsText(groups[:from]) + "::"
		for to := from + 1; to <= 8 && zero[to-1]; to++ {
			if left := 8 - to; to >= free && left > 1 { // and all further gaps of this start
				out = append(out, fmt.Sprintf("%s(?:(?:%s:){0,%d}%s|(?:%s:){0,%d}%s)?", before, anyGroup, left-1, anyGroup, anyGroup, left-2, dotted))
				break
			}
			out = append(out, before+groupsText(groups[to:]))
			if to <= 6 {
				out = append(out, before+groupsText(append(groups[to:6:6], dotted)))
			}
		}
	}
	return out
}

const anyGroup = "[0-9a-f]{1,4}"

// groupsText joins groups; several equal ones are counted.
func groupsText(groups []string) string {
	var b strings.Builder
	for i := 0; i < len(groups); {
		n := 1
		for i+n < len(groups)-1 && groups[i+n] == groups[i] {
			n++
		}
		switch {
		case i == len(groups)-1:
			b.WriteString(groups[i])
		case n > 1:
			fmt.Fprintf(&b, "(?:%s:){%d}", groups[i], n)
		default:
			b.WriteString(groups[i] + ":")
		}
		i += n
	}
	return b.String()
}

// group6 is 16 bits of which the first are given.
func group6(v uint16, bits int) string {
	switch bits {
	case 0:
		return anyGroup
	case 16:
		return zeros(fmt.Sprintf("%x", v))
	}
	open := 16 - bits // bits
	digits, part := open/4, open%4
	any := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("[0-9a-f]{%d}", n)
	}
	if v == 0 {
		up := ""
		if digits > 0 {
			up = fmt.Sprintf("[0-9a-f]{1,%d}", digits)
		}
		if part == 0 {
			return fmt.Sprintf("0{0,%d}%s", 4-digits, up)
		}
		s := fmt.Sprintf("0{0,%d}[0-%x]%s", 3-digits, 1<<part-1, any(digits))
		if up != "" {
			return "(?:" + s + "|" + up + ")"
		}
		return s
	}
	// All values have as many digits as v.
	text := fmt.Sprintf("%x", v)
	lead := 4 - len(text)
	text = text[:len(text)-digits]
	if part > 0 {
		class := ""
		for i := range 1 << part {
			class += fmt.Sprintf("%x", int(v>>(4*digits)&0xf)+i)
		}
		text = text[:len(text)-1] + "[" + class + "]"
	}
	text += any(digits)
	if lead > 0 {
		return fmt.Sprintf("0{0,%d}", lead) + text
	}
	return text
}

// zeros allows leading zeros up to four digits.
func zeros(digits string) string {
	if n := 4 - len(digits); n > 0 {
		return fmt.Sprintf("0{0,%d}%s", n, digits)
	}
	return digits
}

// networkByOctets is networkTest without regular expressions, for IPv4: the
// octets are read as a JSON list of numbers, which takes no leading zeros.
func (p *sqlPrinter) networkByOctets(networks []ir.Prefix, x string, strip bool) (cond, error) {
	var ranges []cond
	for _, n := range networks {
		n := netip.Prefix(n)
		if !n.Addr().Is4() {
			return cond{}, p.refuse("the IPv6 network %s is not supported", n)
		}
		b := n.Addr().As4()
		first := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		last := first | uint32(1<<(32-n.Bits())-1)
		ranges = append(ranges, comparison(fmt.Sprintf("n BETWEEN %d AND %d", first, last)))
	}
	from := "SELECT " + x + " AS t"
	if strip {
		from = "SELECT CASE WHEN h LIKE '[%]' THEN substr(h, 2, length(h) - 2) ELSE h END AS t FROM (SELECT CASE WHEN r LIKE '%:' AND length(r) < length(t) AND CAST(substr(t, length(r) + 1) AS INTEGER) <= 65535" +
			" AND (t LIKE '[%]:%' OR instr(substr(r, 1, length(r) - 1), ':') = 0) THEN substr(r, 1, length(r) - 1) ELSE t END AS h FROM (SELECT t, rtrim(t, '0123456789') AS r FROM (" + from + ")))"
	}
	// OFFSET keeps SQLite from putting one query's expressions into the next, where
	// they would be repeated and double at each.
	// Of an address mapped into IPv6, what stands behind the sixth group; w is 1
	// where all of the five zeros before are written.
	zeros := "replace(replace(replace(substr(t, 1, f - 1), '0000', '0'), '000', '0'), '00', '0')"
	from = "SELECT CASE WHEN t NOT LIKE '%00000%' AND " + zeros + " IN (" + fiveZeroGroups() + ") THEN " + zeros + " = '0:0:0:0:0:' END AS w, t, f FROM (SELECT t, instr(t, 'ffff:') AS f FROM (SELECT lower(t) AS t FROM (" + from + ") LIMIT 1 OFFSET 0) LIMIT 1 OFFSET 0) LIMIT 1 OFFSET 0"
	from = "SELECT w, CASE WHEN w IS NULL THEN t ELSE substr(t, f + 5) END AS t FROM (" + from + ") LIMIT 1 OFFSET 0"
	from = "SELECT w, CASE WHEN w = 1 AND t = ':' THEN '0:0' WHEN w = 1 AND t LIKE ':%' THEN '0' || t WHEN w = 1 AND t LIKE '%::' THEN substr(t, 1, length(t) - 1) || '0' ELSE t END AS t FROM (" + from + ") LIMIT 1 OFFSET 0"
	// Two groups, which JSON5 reads as hexadecimal numbers, or four octets.
	from = "SELECT CASE WHEN w IS NOT NULL AND t NOT GLOB '*[^0-9a-f:]*' AND instr(t, ':') BETWEEN 2 AND 5 AND length(t) - instr(t, ':') BETWEEN 1 AND 4 AND t NOT LIKE '%:%:%' THEN '[0x' || replace(t, ':', ',0x') || ']' END AS g," +
		" CASE WHEN t NOT GLOB '*[^0-9.]*' THEN '[' || replace(t, '.', ',') || ']' END AS o FROM (" + from + ") LIMIT 1 OFFSET 0"
	from = "SELECT g, CASE WHEN json_valid(o) THEN o END AS o FROM (" + from + ") LIMIT 1 OFFSET 0"
	from = "SELECT CASE WHEN g IS NOT NULL THEN (g ->> 0) * 65536 + (g ->> 1) WHEN json_array_length(o) = 4 AND max(o ->> 0, o ->> 1, o ->> 2, o ->> 3) <= 255 THEN (o ->> 0) * 16777216 + (o ->> 1) * 65536 + (o ->> 2) * 256 + (o ->> 3) END AS n FROM (" + from + ") LIMIT 1 OFFSET 0"
	return comparison("EXISTS (SELECT 1 FROM (" + from + ") WHERE " + anyOf(ranges...).text + ")"), nil
}

// fiveZeroGroups are the texts of five groups of zero in front of another, each
// group one digit, with a run of them as :: or without.
func fiveZeroGroups() string {
	texts := []string{"'0:0:0:0:0:'"}
	for before := range 5 {
		for after := range 5 - before {
			texts = append(texts, "'"+strings.TrimSuffix(strings.Repeat("0:", before), ":")+"::"+strings.Repeat("0:", after)+"'")
		}
	}
	return strings.Join(texts, ", ")
}
