package compiler

import (
	"os"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func TestParseHours(t *testing.T) {
	for _, bad := range []string{"", ";", "Mon-Fri", "08:00", "8-18", "25:00-26:00", "08:00-24:01", "24:00-08:00", "08:00-08:00",
		"Mon-Foo 08:00-18:00", "08:00-18:00 Nowhere/City", "08:00-18:00 Local", "08:00-18:00 UTC more", "08:0-18:00", "-08:00-18:00"} {
		if spans, err := parseHours(bad); err == nil {
			t.Errorf("%q: %v", bad, spans)
		}
	}
	for _, c := range []struct {
		text string
		want []hoursSpan
	}{
		{"Mon-Fri 08:00-18:00 Europe/Berlin", []hoursSpan{{[]int{1, 2, 3, 4, 5}, 480, 1080, "Europe/Berlin"}}},
		{"08:30-18:15", []hoursSpan{{[]int{1, 2, 3, 4, 5, 6, 7}, 510, 1095, ""}}},
		{"sat-monday 0:00-24:00 UTC;", []hoursSpan{{[]int{1, 6, 7}, 0, 1440, ""}}},
		{"Fri,Sun 22:00-06:00", []hoursSpan{{[]int{5, 7}, 1320, 1440, ""}, {[]int{1, 6}, 0, 360, ""}}},
		{"Mon 22:00-00:00", []hoursSpan{{[]int{1}, 1320, 1440, ""}}},
	} {
		got, err := parseHours(c.text)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%q: %v, %v", c.text, got, err)
			continue
		}
		for i, s := range got {
			if w := c.want[i]; s.from != w.from || s.to != w.to || s.zone != w.zone || !equalInts(s.days, w.days) {
				t.Errorf("%q: %v, want %v", c.text, s, w)
			}
		}
	}
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

const profileText = `rulewright-profile: 1
parameters:
  admins: [ann, bob, '']
  office: Mon-Fri 08:00-18:00 Europe/Berlin
  hours: sometimes
  watched: {watchlist: VIPs}
  adimns: [eve]
  count: 5
`

func TestProfile(t *testing.T) {
	p, ds := ParseProfile("tenant.yaml", []byte(profileText))
	if len(ds) != 0 {
		t.Fatal(ds)
	}
	catalogue := []sigma.Parameter{
		{Name: "admins", Type: "string", List: true}, {Name: "office", Type: "hours"}, {Name: "hours", Type: "hours"},
		{Name: "watched", Type: "string", List: true}, {Name: "count", Type: "number"},
	}
	want := []string{
		"tenant.yaml:3:22: warning: parameter admins: an empty value is no value [profile]",
		`tenant.yaml:5:10: parameter hours: "sometimes" names no days such as Mon-Fri [parameter]`,
		"tenant.yaml:7:3: warning: no rule and no catalogue knows the parameter adimns [unknown-parameter]",
	}
	got := p.Check(catalogue, nil)
	got.Sort()
	if len(got) != len(want) {
		t.Fatalf("got\n%s", got.Error())
	}
	for i, d := range got {
		if d.Error() != want[i] {
			t.Errorf("got  %s\nwant %s", d.Error(), want[i])
		}
	}
	if got[2].Hint != "did you mean admins?" {
		t.Errorf("hint %q", got[2].Hint)
	}

	q, err := p.WithValue("admins", "carl", 5)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := q.lookup("admins"); len(v.values) != 2 {
		t.Errorf("with values: %v", v)
	}
	if v, _ := p.lookup("admins"); len(v.values) != 3 {
		t.Errorf("the profile changed: %v", v)
	}
	if _, err := p.WithValue("admins", []string{"x"}); err == nil {
		t.Error("a list as one value is taken")
	}
	if q, err = (*Profile)(nil).WithValue("x", true); err != nil || len(q.Names()) != 1 {
		t.Errorf("on no profile: %v, %v", q, err)
	}
}

func TestSettingsFilesThatAreWrong(t *testing.T) {
	deep := "rulewright-profile: 1\nparameters: {a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}\n"
	for _, c := range []struct{ text, want string }{
		{"", "1:1: the file holds no profile [document]"},
		{"- a", "1:1: the file holds no profile [document]"},
		{"parameters: {}", "1:1: `rulewright-profile: 1` is missing [missing-key]"},
		{"rulewright-profile: 2", `1:21: version "2" of the profile format is not known [bad-value]`},
		{"rulewright-profile: 1\nparametres: {}", `2:1: a profile has no key "parametres" [unknown-key]`},
		{"rulewright-profile: 1\nparameters: [a]", "2:13: parameters is a mapping [wrong-type]"},
		{"rulewright-profile: 1\nparameters: {a: {watch: x}}", `2:18: a parameter has no key "watch" [unknown-key]`},
		{"rulewright-profile: 1\nparameters: {a: &x [b], c: *x}", "2:28: YAML aliases are not read here [wrong-type]"},
		{"a: [", "not YAML"},
		{deep, "nested more than 60 deep [limit]"},
	} {
		p, ds := ParseProfile("", []byte(c.text))
		if p == nil || len(ds) != 1 || !strings.Contains(ds[0].Error(), c.want) {
			t.Errorf("%.40q: %v, want %s", c.text, ds, c.want)
		}
	}
}

const overridesText = `rulewright-overrides: 1
overrides:
  - rule: 6d0b1b0e-5c1f-4f43-9d0a-2f6f0a3f1c11
    level: low
    tier: hunt
    thresholds: {gte: 20, lt: 100}
  - rule: [named, 6d0b1b0e-5c1f-4f43-9d0a-2f6f0a3f1c11]
    thresholds: {gte: 30}
  - tag: attack.t1528
    enabled: false
`

func TestOverrides(t *testing.T) {
	o, ds := ParseOverrides("over.yaml", []byte(overridesText))
	if len(ds) != 0 {
		t.Fatal(ds)
	}
	doc := handMade(&sigma.Item{Field: sigma.Field{Name: "f"}, Values: []sigma.Value{text("a")}})
	doc.Meta = sigma.Meta{ID: "6D0B1B0E-5c1f-4f43-9d0a-2f6f0a3f1c11", Level: "high", Tier: "alert"}
	got := o.For(doc)
	if got.Level != "low" || got.Tier != "hunt" || got.Disabled() || len(got.Thresholds) != 2 || got.Thresholds[0].Value.Int != 30 {
		t.Errorf("got %+v", got)
	}
	rules, ds := Lower(doc, Options{Overrides: o})
	if len(rules) != 1 || len(ds) != 0 || rules[0].Meta.Level != "low" || rules[0].Meta.Tier != "hunt" || doc.Meta.Level != "high" {
		t.Errorf("rules %v, findings %v", rules, ds)
	}
	doc.Meta.Tags = []string{"attack.T1528"}
	if rules, ds := Lower(doc, Options{Overrides: o}); len(rules) != 0 || len(ds) != 0 {
		t.Errorf("a disabled rule: %v, %v", rules, ds)
	}
	filtered := "rulewright-overrides: 1\noverrides:\n  - rule: named\n    filter:\n      night: {g|expand: '%people%'}\n      condition: not night\n"
	o2, ds := ParseOverrides("over.yaml", []byte(filtered))
	if len(ds) != 0 {
		t.Fatal(ds)
	}
	named := handMade(&sigma.Item{Field: sigma.Field{Name: "f"}, Values: []sigma.Value{text("a")}})
	named.Meta.Name = "named"
	p, err := (*Profile)(nil).WithValue("people", "ann")
	if err != nil {
		t.Fatal(err)
	}
	rules, ds = Lower(named, Options{Overrides: o2, Profile: p})
	if len(rules) != 1 || len(ds) != 0 {
		t.Fatalf("rules %v, findings %v", rules, ds)
	}
	wantTree := "(and\n  (selection \"s\"\n    (equal f \"a\"))\n  (not\n    (selection \"override:5/night\"\n      (equal g \"ann\"))))"
	if got := ir.Print(rules[0].When); got != wantTree {
		t.Errorf("got\n%s\nwant\n%s", got, wantTree)
	}
	if _, ds := ParseOverrides("over.yaml", []byte("rulewright-overrides: 1\noverrides:\n  - rule: named\n    filter: {night: {g: a}}\n")); !ds.HasErrors() || ds[0].Pos.Line != 4 {
		t.Errorf("a filter without a condition: %v", ds)
	}
	// The rule is no correlation.
	want := `over.yaml:6:23: warning: the rule 6D0B1B0E-5c1f-4f43-9d0a-2f6f0a3f1c11 has no gte to be replaced [override]
over.yaml:6:31: warning: the rule 6D0B1B0E-5c1f-4f43-9d0a-2f6f0a3f1c11 has no lt to be replaced [override]
over.yaml:7:12: warning: no rule has the id or name "named" [override]
over.yaml:8:23: warning: the rule 6D0B1B0E-5c1f-4f43-9d0a-2f6f0a3f1c11 has no gte to be replaced [override]`
	if ds := o.Check([]*sigma.Document{doc}); ds.Error() != want {
		t.Errorf("got %v", ds)
	}
	for _, c := range []struct{ text, want string }{
		{"overrides: []", "is missing"},
		{"rulewright-overrides: 1\noverrides: [{level: low}]", "does not say of what"},
		{"rulewright-overrides: 1\noverrides: [{rule: a}]", "changes nothing"},
		{"rulewright-overrides: 1\noverrides: [{rule: a, level: lwo}]", `level "lwo" is none of`},
		{"rulewright-overrides: 1\noverrides: [{rule: a, enabled: maybe}]", "enabled is true or false"},
		{"rulewright-overrides: 1\noverrides: [{rule: a, thresholds: {geq: 5}}]", "a threshold is one of"},
		{"rulewright-overrides: 1\noverrides: [{rule: a, thresholds: {gte: five}}]", "a threshold is a number"},
		{"rulewright-overrides: 1\noverrides: [5]", "an override is a mapping"},
	} {
		if _, ds := ParseOverrides("", []byte(c.text)); len(ds) != 1 || !strings.Contains(ds[0].Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, ds, c.want)
		}
	}
}

// The examples of docs/profile.md are files that parse.
func TestProfilePage(t *testing.T) {
	page, err := os.ReadFile("../docs/profile.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	if len(blocks) != 5 {
		t.Fatalf("%d pieces", len(blocks))
	}
	profile, ds := ParseProfile("profile", []byte(strings.TrimPrefix(blocks[1], "yaml\n")))
	if len(ds) != 0 || len(profile.Names()) != 5 {
		t.Errorf("profile: %v", ds)
	}
	overrides, ds := ParseOverrides("overrides", []byte(strings.TrimPrefix(blocks[3], "yaml\n")))
	if len(ds) != 0 || len(overrides.entries) != 3 {
		t.Errorf("overrides: %v", ds)
	}
	for _, typ := range sigma.ParameterTypes() {
		if !strings.Contains(string(page), "| `"+typ+"` |") {
			t.Errorf("the page does not tell of type %s", typ)
		}
	}
}

func TestCheckReferences(t *testing.T) {
	docs := []*sigma.Document{
		{Meta: sigma.Meta{ID: "6D0B1B0E-5c1f-4f43-9d0a-2f6f0a3f1c11", Name: "spray"}},
		{File: "f", Kind: sigma.KindFilter, Filter: &sigma.Filter{Rules: []sigma.Reference{{Name: "6d0b1b0e-5c1f-4f43-9d0a-2f6f0a3f1c11"}, {Name: "sprey", Pos: sigma.Pos{Line: 2, Col: 3}}, {Name: "inner", Pos: sigma.Pos{Line: 3, Col: 3}}, {Name: "SPRAY", Pos: sigma.Pos{Line: 4, Col: 3}}}}},
		{File: "c", Kind: sigma.KindCorrelation, Meta: sigma.Meta{Name: "inner"}, Correlation: &sigma.Correlation{Rules: []sigma.Reference{{Name: "spray"}}}},
		nil,
	}
	want := `f:2:3: warning: no rule has the id or name "sprey" [unknown-rule]
f:3:3: warning: "inner" is a correlation, which no filter narrows [filter]
f:4:3: warning: no rule has the id or name "SPRAY" [unknown-rule]`
	ds := CheckReferences(docs)
	if ds.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", ds.Error(), want)
	}
	if ds[0].Hint != "did you mean spray?" {
		t.Errorf("hint %q", ds[0].Hint)
	}
}
