package nearmiss

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// What in an event says who, where and when: an identifier, a token, an account,
// a time, an address. The numbers are those of the groups.
var told = regexp.MustCompile(`([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})|\b([0-9a-f]{22})\b|([A-Za-z0-9._%+-]+@(?i:contoso\.com))|(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d)|(203\.0\.113\.\d+)`)

const (
	plain = iota
	identifier
	token
	account
	moment
	address
)

// part is a record of a base: the pieces of its text.
type part struct {
	record event.Record
	pieces []piece
	owners [][2]string // account and its object id
}

type piece struct {
	kind int
	text string
}

func (d *deriver) parts(records []event.Record) []part {
	var out []part
	for _, r := range records {
		p := part{record: r}
		text := d.traces.Replace(string(encode(r.Event)))
		at := 0
		for _, m := range told.FindAllStringSubmatchIndex(text, -1) {
			p.pieces = append(p.pieces, piece{plain, text[at:m[0]]})
			for kind := identifier; kind <= address; kind++ {
				if m[2*kind] >= 0 {
					p.pieces = append(p.pieces, piece{kind, text[m[0]:m[1]]})
				}
			}
			at = m[1]
		}
		p.pieces = append(p.pieces, piece{plain, text[at:]})
		owners(r.Event, func(upn, id string) {
			p.owners = append(p.owners, [2]string{strings.ToLower(upn), strings.ToLower(id)})
		})
		out = append(out, p)
	}
	return out
}

// Identifiers returns those that texts hold.
func Identifiers(texts ...string) map[string]bool {
	out := map[string]bool{}
	for _, t := range texts {
		for _, m := range told.FindAllStringSubmatch(t, -1) {
			if m[identifier] != "" {
				out[strings.ToLower(m[identifier])] = true
			}
		}
	}
	return out
}

func seedOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// somebody is an account of the tenant; as often a privileged one or one that
// administers as any.
func (d *deriver) somebody() Person {
	from := d.People
	switch d.dice.IntN(3) {
	case 0:
		if len(d.Privileged) > 0 {
			from = d.Privileged
		}
	case 1:
		if len(d.Approved) > 0 {
			from = d.Approved
		}
	}
	return from[d.dice.IntN(len(from))]
}

// recast lets other people do the same at another time: names and identifiers
// are others, the same for the same throughout; distances in time stay.
func (d *deriver) recast(parts []part) ([]event.Record, bool) {
	people := map[string]Person{} // by the UPN in the fixture
	person := func(old string) Person {
		old = strings.ToLower(old)
		if _, ok := people[old]; !ok {
			people[old] = d.somebody()
		}
		return people[old]
	}
	ids := map[string]string{}
	first := parts[0].record.Time
	for _, p := range parts {
		for _, o := range p.owners {
			ids[o[1]] = person(o[0]).ID
		}
		if p.record.Time.Before(first) {
			first = p.record.Time
		}
	}
	salt := d.dice.Uint64()
	other := func(of string, n int) string {
		h := fnv.New128a()
		fmt.Fprintf(h, "%d %s", salt, of)
		return hex.EncodeToString(h.Sum(nil))[:n]
	}
	addresses := map[string]string{}
	network := "203.0.113."
	if d.Offices != "" && !d.abroad && d.dice.IntN(2) == 0 {
		network = d.Offices
	}
	begin := d.From.Add(time.Duration(d.dice.Int64N(int64(d.To.Sub(d.From))))).Truncate(time.Second)
	var delta time.Duration
	if !first.IsZero() { // a snapshot has no time
		delta = begin.Sub(first.Truncate(time.Second))
	}
	out := make([]event.Record, len(parts))
	for i, p := range parts {
		var b bytes.Buffer
		for _, x := range p.pieces {
			switch x.kind {
			case identifier:
				low := strings.ToLower(x.text)
				if d.Keep[low] || strings.HasPrefix(low, "000000") {
					break
				}
				id, ok := ids[low]
				if !ok {
					s := other(low, 32)
					id = s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
				}
				if x.text == strings.ToUpper(x.text) {
					id = strings.ToUpper(id)
				}
				x.text = id
			case token:
				x.text = other(x.text, 22)
			case account:
				x.text = person(x.text).UPN
			case moment:
				x.text = after(x.text, delta)
			case address:
				if addresses[x.text] == "" {
					addresses[x.text] = network + strconv.Itoa(1+d.dice.IntN(249))
				}
				x.text = addresses[x.text]
			}
			b.WriteString(x.text)
		}
		v, err := decode(b.Bytes())
		if err != nil {
			return nil, false
		}
		r := p.record
		if r.Event = v; first.IsZero() {
			r.Time = begin
		} else {
			r.Time = r.Time.Add(delta)
		}
		if r.ID = event.ID(v, r.Source); r.ID == "" {
			r.ID = other(fmt.Sprint(i), 32)
		}
		out[i] = r
	}
	return out, true
}

// owners finds the object ids that stand beside a UPN.
func owners(v any, found func(upn, id string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, names := range [][2]string{{"UserPrincipalName", "UserId"}, {"userPrincipalName", "id"}, {"AccountUpn", "AccountObjectId"}, {"userPrincipalName", "userId"}} {
			who, _ := v[names[0]].(string)
			id, _ := v[names[1]].(string)
			if strings.Contains(who, "@") && len(id) == 36 {
				found(who, id)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			owners(v[k], found)
		}
	case []any:
		for _, x := range v {
			owners(x, found)
		}
	case string:
		if inner, ok := jsonIn(v); ok {
			owners(inner, found)
		}
	}
}

// after moves a time, up to the second, as events write it.
func after(text string, by time.Duration) string {
	const form = "2006-01-02T15:04:05"
	t, err := time.Parse(form, text)
	if err != nil {
		return text
	}
	return t.Add(by).Format(form)
}

// later moves an event in time.
func later(r event.Record, by time.Duration) event.Record {
	text := string(encode(r.Event))
	var b strings.Builder
	at := 0
	for _, m := range told.FindAllStringSubmatchIndex(text, -1) {
		if m[2*moment] >= 0 {
			b.WriteString(text[at:m[0]] + after(text[m[0]:m[1]], by))
			at = m[1]
		}
	}
	v, err := decode([]byte(b.String() + text[at:]))
	if err != nil {
		panic(err) // it was encoded
	}
	r.Event, r.Time = v, r.Time.Add(by)
	return r
}
