package nearmiss

import (
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// A fixture's event has everything that makes it an attack, and rules about its
// neighbourhood are right to be loud about it. What the fixture's own rule does
// not ask for is made ordinary first: the place, the risk, the names, so that a
// near miss of the rule is one of the others as well.

// ordinary are values in place of loud ones, wherever they stand.
var ordinary = map[string]string{"..": "Projects", ".": "Projects", "NL": home, "high": "low", "medium": "low", "AllPrincipals": "Principal"}

// home is a country in which the tenant works.
const home = "DE"

// harmless are texts in place of others, inside of longer ones.
var harmless = []string{"Mail.ReadWrite.All", "User.Read", "Mail.ReadWrite", "User.Read", "Mail.Read.All", "User.Read", "Mail.Read", "User.Read", "Mail.Send", "User.Read",
	"AllPrincipals", "Principal", "62e90394-69f5-4237-9190-012177145e10", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Global Administrator", "Directory Readers"}

// alike are places at which the records of a history say the same where they may.
var alike = []string{"location", "countryorregion", "risklevel", "risklevelduringsignin", "risklevelaggregated", "operatingsystem", "browser", "useragent", "ipaddress", "iscompliant", "ismanaged"}

// loudPlaces are where values of ordinary are taken away.
var loudPlaces = append(slices.Clone(alike), "value", "consenttype")

// soften makes of a base's records what is ordinary as long as the rule is still
// true of them.
func soften(records []event.Record, rules []*ir.Rule, holds func([]*ir.Rule, []event.Record) bool) []event.Record {
	try := func(change func(l leaf) any) {
		changed := slices.Clone(records)
		different := false
		for i, r := range records {
			for _, l := range leaves(r.Event, nil) {
				if v := change(l); v != nil && v != l.value {
					changed[i].Event = with(changed[i].Event, l.steps, v)
					different = true
				}
			}
		}
		if different && holds(rules, changed) {
			records = changed
		}
	}
	last := func(l leaf) string {
		p := l.place()
		return p[strings.LastIndex(p, ".")+1:]
	}
	for _, place := range loudPlaces {
		try(func(l leaf) any {
			text, ok := l.value.(string)
			if !ok || last(l) != place || ordinary[text] == "" {
				return nil
			}
			return ordinary[text]
		})
	}
	for i := 0; i < len(harmless); i += 2 {
		try(func(l leaf) any {
			text, ok := l.value.(string)
			if !ok || !strings.Contains(text, harmless[i]) {
				return nil
			}
			return strings.ReplaceAll(text, harmless[i], harmless[i+1])
		})
	}
	if len(records) == 1 {
		return records
	}
	for _, place := range alike {
		first := map[string]any{}
		try(func(l leaf) any {
			if last(l) != place {
				return nil
			}
			if _, ok := first[l.place()]; !ok {
				first[l.place()] = l.value
			}
			return first[l.place()]
		})
	}
	return records
}
