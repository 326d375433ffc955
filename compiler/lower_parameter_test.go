package compiler

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

const catalogueText = `rulewright-parameters: 1
parameters:
  - {name: admins, type: string, list: true, description: Who may, example: [ann]}
  - {name: networks, type: cidr, list: true, description: Ours, example: [192.0.2.0/24], default: [192.0.2.0/24]}
  - {name: office, type: hours, description: When, example: 'Mon-Fri 08:00-18:00'}
  - {name: home_zone, type: zone, description: Where, example: Europe/Berlin}
  - {name: days_off, type: date, list: true, description: Days, example: ['2026-05-14'], default: ['????-01-01']}
`

// Where the values of a parameter come from, and where findings about them
// point.
func TestParameters(t *testing.T) {
	catalogue, ds := sigma.ParseParameters("catalogue.yaml", []byte(catalogueText))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	native := func(parameters, item string) string {
		return "rulewright: 1\ntitle: t\nlogsource: {category: test}\nparameters: [" + parameters + "]\ndetection:\n  s: {" + item + "}\n  condition: s\n"
	}
	plain := func(item string) string {
		return "title: t\nlogsource: {category: test}\ndetection:\n  s: {" + item + "}\n  condition: s\n"
	}
	for _, c := range []struct {
		name, rule, profile string
		noCatalogue         bool
		want                string // the tree, `lacks …` or the first finding
	}{
		{"catalogue and profile", native("admins", "f|expand: '%admins%'"), "admins: [ann, bob]", false, `(equal f "ann" "bob")`},
		{"one value for a list", native("admins", "f|expand: '%admins%'"), "admins: ann", false, `(equal f "ann")`},
		{"a number is text", native("admins", "f|expand: '%admins%'"), "admins: [5]", false, `(equal f "5")`},
		{"unset", native("admins", "f|expand: '%admins%'"), "", false, "lacks admins"},
		{"empty list", native("admins", "f|expand: '%admins%'"), "admins: []", false, "lacks admins"},
		{"null", native("admins", "f|expand: '%admins%'"), "admins:", false, "lacks admins"},
		{"blank lines are no values", native("admins", "f|expand: '%admins%'"), "admins: ['', null]", false, "lacks admins"},
		{"watchlist", native("admins", "f|expand: '%admins%'"), "admins: {watchlist: A}", false, "lacks admins"},
		{"default of the catalogue", native("networks", "f|cidr|expand: '%networks%'"), "", false, "(inNetwork f 192.0.2.0/24)"},
		{"empty means default", native("networks", "f|cidr|expand: '%networks%'"), "networks: []", false, "(inNetwork f 192.0.2.0/24)"},
		{"profile over default", native("networks", "f|cidr|expand: '%networks%'"), "networks: ['2001:db8::7', '::ffff:10.1.2.3/104']", false, "(inNetwork f 2001:db8::7/128 10.0.0.0/8)"},
		{"no catalogue at hand", native("admins", "f|expand: '%admins%'"), "admins: [ann]", true, `(equal f "ann")`},
		{"not in the catalogue", native("admns", "f|expand: '%admns%'"), "", false, "rule.yml:4:14: the catalogue has no parameter admns [unknown-parameter]"},
		{"bad value in the profile", native("networks", "f|cidr|expand: '%networks%'"), "networks: [here]", false, `profile.yaml:3:14: parameter networks: "here" is no cidr [parameter]`},
		{"two for one", native("office", "f|within: '%office%'"), "office: ['08:00-09:00', '10:00-11:00']", false, "rule.yml:6:17: parameter office takes one value and has 2 [parameter]"},
		{"bad hours", native("office", "f|within: '%office%'"), "office: late", false, `profile.yaml:3:11: parameter office: "late" names no days such as Mon-Fri [parameter]`},
		{"zone", native("home_zone", "f|hour=%home_zone%|lt: 6"), "home_zone: Asia/Tokyo", false, "(less f@hour(Asia/Tokyo) 6)"},
		{"bad zone", native("home_zone", "f|hour=%home_zone%|lt: 6"), "home_zone: Mars/Base", false, `profile.yaml:3:14: parameter home_zone: there is no zone "Mars/Base" [parameter]`},
		{"no zone", native("home_zone", "f|hour=%home_zone%|lt: 6"), "", false, "lacks home_zone"},
		{"dates", native("days_off, home_zone", "f|date=%home_zone%|expand: '%days_off%'"), "{home_zone: Asia/Tokyo, days_off: ['2026-05-14', '2026-05-15', '????-12-25']}", false,
			"(or\n  (and\n    (equal f@year(Asia/Tokyo) 2026)\n    (equal f@month(Asia/Tokyo) 5)\n    (equal f@day(Asia/Tokyo) 14 15))\n  (and\n    (equal f@month(Asia/Tokyo) 12)\n    (equal f@day(Asia/Tokyo) 25)))"},
		{"dates in the zone of hours", native("days_off, office", "f|date=%office%: '%days_off%'"), "office: Sat 10:00-12:00 Asia/Tokyo; Mon 10:00-12:00 Europe/Berlin", false,
			"(and\n  (equal f@month(Asia/Tokyo) 1)\n  (equal f@day(Asia/Tokyo) 1))"},
		{"dates in the zone of hours that name none", native("days_off, office", "f|date=%office%: '%days_off%'"), "office: 10:00-12:00", false, "(and\n  (equal f@month 1)\n  (equal f@day 1))"},
		{"dates without hours", native("days_off, office", "f|date=%office%: '%days_off%'"), "", false, "lacks office"},
		{"a bad date in the profile", native("days_off", "f|date: '%days_off%'"), "days_off: ['2026-02-29']", false, `profile.yaml:3:14: parameter days_off: there is no day 2026-02-29 [parameter]`},
		{"dates as text", native("days_off", "f|startswith|expand: '%days_off%'"), "", false, "rule.yml:6:28: parameter days_off is of type date; here stands string or pattern or number or bool or ip [parameter]"},
		{"a zone of dates", native("admins", "f|date=%admins%: '2026-05-14'"), "admins: [ann]", false, "rule.yml:6:9: parameter admins is of type string; here stands zone or hours [parameter]"},
		{"hours are no zone of an hour", native("office", "f|hour=%office%: 5"), "office: 10:00-12:00", false, "rule.yml:6:9: parameter office is of type hours; here stands zone [parameter]"},
		{"hours as text", native("office", "f|expand: '%office%'"), "", false, "rule.yml:6:17: parameter office is of type hours; here stands string or pattern or number or bool or ip [parameter]"},
		{"networks as text", native("networks", "f|expand: '%networks%'"), "", false, "rule.yml:6:17: parameter networks is of type cidr; here stands string or pattern or number or bool or ip [parameter]"},
		{"plain Sigma", plain("f|expand: '%anybody%'"), "anybody: [ann, 5, true]", false, `(equal f "ann" 5 true)`},
		{"plain Sigma, described", plain("f|cidr|expand: '%networks%'"), "", false, "(inNetwork f 192.0.2.0/24)"},
		{"plain Sigma, unset", plain("f|expand: '%anybody%'"), "", false, "lacks anybody"},
		{"all of a list", native("admins", "f|contains|all|expand: '%admins%'"), "admins: [ann, bob]", false, "(and\n  (contains f \"ann\")\n  (contains f \"bob\"))"},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs, ds := sigma.Parse("rule.yml", []byte(c.rule))
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			profile, ds := ParseProfile("profile.yaml", []byte("rulewright-profile: 1\nparameters:\n  "+c.profile+"\n"))
			if len(ds) != 0 {
				t.Fatal(ds)
			}
			opts := Options{Profile: profile, Catalogue: catalogue}
			if c.noCatalogue {
				opts.Catalogue = nil
			}
			rules, ds := Lower(docs[0], opts)
			var got string
			switch {
			case ds.HasErrors():
				got = ds[0].Error()
			case len(rules[0].Lacks) > 0:
				got = "lacks " + strings.Join(rules[0].Lacks, ", ")
				if rules[0].When != ir.Const(false) {
					t.Error("a rule that lacks a parameter can fire")
				}
			default:
				got = ir.Print(rules[0].When.(*ir.Selection).X)
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// A profile may speak of parameters that rules of the set describe or use.
func TestProfileKnowsTheRules(t *testing.T) {
	docs, ds := sigma.Parse("rule.yml", []byte(`title: t
logsource: {category: test}
detection:
  s:
    - f|expand: '%plain%'
    - g|contains|expand: 'x%inside%'
  condition: s
---
rulewright: 1
title: t
logsource: {category: test}
parameters: [{name: own, type: number}]
detection:
  s:
    f[any]: {n|gt: '%own%'}
  condition: s
`))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	var p *Profile
	for _, name := range []string{"plain", "inside", "own"} {
		var err error
		if p, err = p.WithValue(name, "5"); err != nil {
			t.Fatal(err)
		}
	}
	if ds := p.Check(nil, docs); len(ds) != 0 {
		t.Error(ds)
	}
	p, err := p.WithValue("own", "five")
	if err != nil {
		t.Fatal(err)
	}
	if ds := p.Check(nil, docs); len(ds) != 1 || !ds.HasErrors() {
		t.Error(ds)
	}
}

// TestReadParameters: parameters that stay in the tree for a query to read.
func TestReadParameters(t *testing.T) {
	profile, ds := ParseProfile("p.yaml", []byte("rulewright-profile: 1\nparameters:\n  vips: {watchlist: VIPUsers}\n  filled: [x]\n"))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	rule := func(items string) string {
		return "rulewright: 1\ntitle: T\nid: 16a9ba29-c27e-400b-a1f3-b7ae5bca1ecb\nversion: 1.0.0\nlogsource: {product: azure, service: auditlogs}\nparameters:\n" +
			"  - {name: vips, type: string, list: true}\n  - {name: nets, type: cidr, list: true}\n  - {name: filled, type: string, list: true}\n  - {name: days, type: number}\n" +
			"  - {name: office, type: hours}\n  - {name: place, type: zone}\n  - {name: age, type: duration}\n" +
			"detection:\n  s:\n" + items + "  condition: s\n"
	}
	for _, c := range []struct {
		items, tree, asks, lacks, err string
		watchlists, ask               bool
	}{
		{"    A|expand: '%vips%'\n", `(like A like"%vips%")`, "", "", "", true, false},
		{"    A|expand: '%vips%'\n", "false", "", "vips", "", false, false},
		{"    A|expand: '%vips%'\n", `(like A like"%vips%")`, "vips", "", "", false, true},
		{"    A|contains|expand: 'x%vips%.'\n", `(like A like"*x%vips%.*")`, "vips", "", "", false, true},
		{"    A|expand: ['%vips%', '%filled%', z]\n", `(or
  (like A like"%vips%")
  (equal A "x" "z"))`, "", "", "", true, false},
		{"    A|cidr|expand: '%nets%'\n", `(inNetwork A networks(nets))`, "nets", "", "", true, true},
		{"    A|gt: '%days%'\n", "false", "", "days", "", true, false},
		{"    A|gt: '%days%'\n", "(greater A argument(days))", "days", "", "", true, true},
		{"    A|expand: ['%days%', x]\n", `(equal A argument(days) "x")`, "days", "", "", false, true},
		{"    A|expand: '%days%x'\n", "false", "", "days", "", true, true},
		{"    A|contains|expand: '%days%'\n", "false", "", "days", "", true, true},
		{"    TimeGenerated|hour|lt: '%days%'\n", "(less TimeGenerated@hour argument(days))", "days", "", "", true, true},
		{"    TimeGenerated|hour=%place%: 5\n", "(equal TimeGenerated@hour(%place%) 5)", "place", "", "", true, true},
		{"    TimeGenerated|since=B|gt: '%age%'\n", "(greater TimeGenerated@duration(1,B) argument(age))", "age", "", "", true, true},
		{"    TimeGenerated|within: '%office%'\n", "(equal TimeGenerated@hours(%office%) 1)", "office", "", "", true, true},
		{"    TimeGenerated|date=%office%: '2026-05-??'\n", "(and\n  (equal TimeGenerated@year(%office%) 2026)\n  (equal TimeGenerated@month(%office%) 5))", "office", "", "", true, true},
		{"    TimeGenerated|within: '%office%'\n", "false", "", "office", "", true, false},
		{"    A|contains|all|expand: '%vips%'\n", "", "", "", "a list that the query reads", true, false},
		{"    '|expand': '%vips%'\n", "", "", "", "a list that the query reads", true, false},
	} {
		docs, ds := sigma.Parse("r.yaml", []byte(rule(c.items)))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := Lower(docs[0], Options{Profile: profile, Watchlists: c.watchlists, Ask: c.ask})
		if c.err != "" {
			if !ds.HasErrors() || !strings.Contains(ds.Error(), c.err) {
				t.Errorf("%s: %v", c.items, ds)
			}
			continue
		}
		if ds.HasErrors() || len(rules) != 1 {
			t.Errorf("%s: %v", c.items, ds)
			continue
		}
		r := rules[0]
		tree := strings.TrimSpace(ir.Print(r.When))
		tree = strings.TrimSuffix(strings.TrimPrefix(tree, "(selection \"s\"\n  "), ")")
		if c.tree == "false" {
			tree = strings.TrimSpace(ir.Print(r.When))
		}
		if strings.Join(strings.Fields(tree), " ") != strings.Join(strings.Fields(c.tree), " ") || strings.Join(r.Asks(), " ") != c.asks || strings.Join(r.Lacks, " ") != c.lacks {
			t.Errorf("%s: asks %v, lacks %v\n%s", c.items, r.Asks(), r.Lacks, tree)
		}
	}
}
