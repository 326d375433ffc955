package sentinel

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

var hostile = []string{
	"", "plain", "a\nb", "a\nb\n", "\n\na", " lead\n tail \n", "[resourceId('x')]", "[[x]]", "[x] and more", "[", "]", "[]", "''", "'''", "a'''b\nc", "x\n'", "x\n''",
	`\`, `\\n`, `\u{41}`, "${x}", "$${x}", "$", `"`, "\t\n\t", "\r\n", "a\rb\n", "\x00\n", "\x7f", "\u0085\u2028\u2029\ufeff\n", "é 漢 😀\n", "# no comment\n", "- no list\n",
	"key: value\n", "true", "null", "1.0", "0x10", "~", "2026-01-01", "{{x}}", "<&>", "//", "/* */", "@description('x')", "a\n---\nb\n...\n", "trailing \nspace", "\n", "  \n x",
}

// TestStrings writes texts in each format and reads them back: no text leaves
// its literal or changes in it.
func TestStrings(t *testing.T) {
	for _, s := range hostile {
		if back, ok := readARMString(armString(s)); !ok || back != s {
			t.Errorf("ARM %q reads back as %q, %t", s, back, ok)
		}
		tree := object{{"a", s}, {"b", list{s, object{{"c", s}}}}, {"end", 1}}
		check := func(how string, n *node, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s %q: %v", how, s, err)
			} else if got := n.tree(); !reflect.DeepEqual(got, tree) {
				t.Errorf("%s %q reads back as %v", how, s, got)
			}
		}
		n, err := readYAML(yamlText(tree))
		check("YAML", n, err)
		n, err = readJSON(jsonText(tree, false))
		check("JSON", n, err)
		if n, err = readJSON(jsonText(tree, true)); err == nil {
			n = n.unescaped()
		}
		check("ARM", n, err)
		var std any
		if err := json.Unmarshal(jsonText(tree, false), &std); err != nil || std.(map[string]any)["a"] != s {
			t.Errorf("JSON %q: %v, %v", s, std, err)
		}
		var b strings.Builder
		b.WriteString("resource x 'y' = ")
		bicepValue(&b, tree, 0)
		ns, _, err := readBicep(b.String() + "\n")
		if err == nil {
			ns[0].members = ns[0].members[:len(ns[0].members)-1] // the type
			check("Bicep", ns[0], nil)
		} else {
			check("Bicep", nil, err)
		}
	}
	if got := bicepString("line\nit's ${x}"); got != "'''\nline\nit's ${x}'''" {
		t.Errorf("Bicep block %s", got)
	}
	if got := bicepString("a'''${b}\n"); got != `'a\'\'\'\${b}\n'` {
		t.Errorf("Bicep string %s", got)
	}
	for in, want := range map[string]string{"[x]": "[[x]", "[x] y": "[x] y", "x": "x"} {
		if got := armString(in); got != want {
			t.Errorf("ARM %s is %s", in, got)
		}
	}
}

// TestReadBicep refuses what is not one value in its literal.
func TestReadBicep(t *testing.T) {
	for _, bad := range []string{"resource x 'y' = {\n a: 'b' 'c'\n}\n", "resource x 'y' = {\n a: '${b}'\n}\n", "resource x 'y' = {\n a: 'b\n}\n", "resource x 'y' = {\n a: '\\q'\n}\n",
		"resource x 'y' = {\n a: '''b''''\n}\n", "resource x 'y' = {\n", "output x string = 'y'\n", "param x int\n", "resource x 'y' = 'z'\n"} {
		if ns, _, err := readBicep(bad); err == nil {
			t.Errorf("%q reads as %v", bad, ns)
		}
	}
}

func TestATTACK(t *testing.T) {
	if n := len(techniques()); n != 679 {
		t.Errorf("%d techniques; version %s has 679", n, ATTACKVersion)
	}
	for name, ts := range techniques() {
		for _, x := range ts {
			if !isTechnique(name) || indexOf(tactics, x) < 0 {
				t.Errorf("%s serves %s", name, x)
			}
		}
	}
	a := attackOf([]string{"attack.t1098.003", "attack.credential-access", "attack.T1528", "attack.stealth", "cve.2024-1", "attack.t9999", "attack.g0001"})
	want := attack{Tactics: []string{"Persistence", "DefenseEvasion", "CredentialAccess"}, Techniques: []string{"T1098.003", "T1528"}, Unknown: []string{"T9999"}}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("%+v", a)
	}
}

func indexOf(ss []string, s string) int {
	for i, x := range ss {
		if x == s {
			return i
		}
	}
	return -1
}

func TestTables(t *testing.T) {
	f := facts()
	for name, x := range f.Tables {
		if f.Sources[x.Source] == "" || x.Delay <= 0 || x.Delay%time.Minute != 0 {
			t.Errorf("%s: delay %v, source %q", name, x.Delay, x.Source)
		}
		if x.Report != (len(x.Assets) > 0) {
			t.Errorf("%s: a custom detection needs ReportId and an asset", name)
		}
		for _, e := range x.Entities {
			kind, field, ok := strings.Cut(e, " ")
			if !ok || indexOf([]string{"account", "ip", "app", "service-principal", "mailbox", "host", "url", "file", "resource"}, kind) < 0 || isDisplayName(field) {
				t.Errorf("%s: entity %q", name, e)
			}
		}
	}
	if d, source := Delay("NoSuchTable"); d != 15*time.Minute || source == "" {
		t.Errorf("default %v %q", d, source)
	}
}

const (
	minute = int64(60e6)
	hour   = 60 * minute
)

// TestSchedule holds look-backs to the windows they must cover.
func TestSchedule(t *testing.T) {
	tap := func(table string) []ir.Input {
		return []ir.Input{{Taps: []ir.Tap{{Rule: &ir.Rule{Source: ir.Source{Table: table}}}}}}
	}
	count := func(span int64, in []ir.Input) *ir.Rule {
		return &ir.Rule{Meta: sigma.Meta{Title: "x"}, Correlation: &ir.Correlation{Type: sigma.EventCount, Span: span, Inputs: in}}
	}
	chain := func(span int64, inner *ir.Rule) *ir.Rule {
		return count(span, []ir.Input{{Taps: []ir.Tap{{Rule: inner}}}})
	}
	of := func(c ir.Correlation) *ir.Rule {
		c.Inputs = tap("SigninLogs")
		return &ir.Rule{Meta: sigma.Meta{Title: "x"}, Correlation: &c}
	}
	for _, c := range []struct {
		name          string
		r             *ir.Rule
		every, period string
		err           string
		detection     string // schedule as a custom detection
	}{
		{"plain", &ir.Rule{Source: ir.Source{Table: "SigninLogs"}}, "15m", "25m", "", "PT1H"},
		{"slow table", &ir.Rule{Source: ir.Source{Table: "OfficeActivity"}}, "15m", "105m", "", "PT1H"},
		{"count", count(10*minute, tap("SigninLogs")), "15m", "45m", "", "PT1H"},
		{"hour", count(hour, tap("SigninLogs")), "15m", "145m", "", "PT1H"},
		{"day", count(24*hour, tap("SigninLogs")), "1h", "2950m", "", "P1D"},
		{"chain", chain(hour, count(10*minute, tap("SigninLogs"))), "15m", "165m", "", "PT1H"},
		{"week", count(7*24*hour, tap("SigninLogs")), "", "", "the longest timespan that fits is 10045m", "P1D"},
		{"long chain", chain(6*24*hour, count(2*24*hour, tap("SigninLogs"))), "", "", "the longest timespan that fits is 7165m", "P1D"},
		{"new value", of(ir.Correlation{Type: sigma.NewValue, Lookback: 7 * 24 * hour}), "1h", "10150m", "", "P1D"},
		{"new value too long", of(ir.Correlation{Type: sigma.NewValue, Lookback: 14 * 24 * hour}), "", "", "the longest lookback that fits is 20090m", "P1D"},
		{"silence", of(ir.Correlation{Type: sigma.AfterSilence, Silence: 3 * 24 * hour, Lookback: 30 * 24 * hour}), "", "", "the longest lookback that fits is 20090m", ""},
		{"increase", of(ir.Correlation{Type: sigma.Increase, Span: 24 * hour, Against: 7 * 24 * hour}), "1h", "13030m", "", "P1D"},
		{"increase too long", of(ir.Correlation{Type: sigma.Increase, Span: 4 * 24 * hour, Against: 7 * 24 * hour}), "", "", "the longest timespan that fits is 5005m", "P1D"},
	} {
		s, err := scheduleOf(c.r, 15*time.Minute)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case kqlSpan(s.Every) != c.every || kqlSpan(s.Period) != c.period:
			t.Errorf("%s: every %s, period %s", c.name, kqlSpan(s.Every), kqlSpan(s.Period))
		case s.Period < history(c.r)+s.Every+s.Delay:
			t.Errorf("%s: the period does not cover the windows", c.name)
		}
		s, err = detectionScheduleOf(c.r)
		if (err != nil) != (c.detection == "") || err == nil && (isoSpan(s.Every) != c.detection || s.Period < history(c.r)+s.Every+s.Delay) {
			t.Errorf("%s: detection every %s, %v, %v", c.name, isoSpan(s.Every), s, err)
		}
	}
}

func TestSpans(t *testing.T) {
	for _, m := range []int{5, 59, 60, 61, 90, 120, 1439, 1440, 1441, 2880, 20160} {
		d := time.Duration(m) * time.Minute
		for _, s := range []string{kqlSpan(d), isoSpan(d)} {
			if back, ok := readSpan(s); !ok || back != d {
				t.Errorf("%v is written %s and read %v", d, s, back)
			}
		}
	}
	for _, s := range []string{"", "P", "PT", "1", "h", "1h30m", "1x", "P1H", "PT1D", "-5m", "P1DT"} {
		if d, ok := readSpan(s); ok && s != "P1DT" {
			t.Errorf("%q reads as %v", s, d)
		}
	}
	if isoSpan(90*time.Minute) != "PT1H30M" || isoSpan(14*day) != "P14D" || isoSpan(25*time.Hour) != "P1DT1H" {
		t.Error(isoSpan(90*time.Minute), isoSpan(14*day), isoSpan(25*time.Hour))
	}
}

func TestUUID(t *testing.T) {
	// RFC 9562, appendix A.4: www.example.com in the namespace of names.
	if got := uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "SigninLogs", "sentinel"); !sigma.IsUUID(got) || got[14] != '5' {
		t.Error(got)
	}
	if a, b := uuid5("not a uuid", "T", "sentinel"), uuid5("not a uuid", "U", "sentinel"); a == b || !sigma.IsUUID(a) {
		t.Error(a, b)
	}
}

// TestEntities maps entities by what identifies them.
func TestEntities(t *testing.T) {
	r := &ir.Rule{Source: ir.Source{Table: "AuditLogs"}, Entities: []ir.EntityField{
		{Type: "account", Field: columnField("account", "InitiatedBy.user.userPrincipalName")},
		{Type: "app", Field: columnField("app", "TargetResources.displayName")},
		{Type: "service-principal", Field: columnField("service-principal", "TargetResources.displayName")},
		{Type: "app", Field: columnField("app", "AppDisplayName")},
		{Type: "account", Field: columnField("account", "SomeDisplayName")},
	}}
	var got []string
	for _, e := range entityFields(r) {
		got = append(got, e.Type+" "+e.Field.Spec())
	}
	want := []string{"account InitiatedBy.user.userPrincipalName", "app TargetResources.id", "service-principal TargetResources.id", "app AppId"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	q := &backends.Query{Text: "T", Entities: []backends.EntityColumn{{Type: "account", Column: "A"}, {Type: "app", Column: "B", Index: 1}, {Type: "service-principal", Column: "C", Index: 2}, {Type: "app", Column: "D", Index: 3}}}
	m := mapEntities(q, entityFields(r))
	var types []string
	for _, x := range m.Mappings {
		types = append(types, x.Type+"."+x.Fields[0].Identifier)
	}
	if !reflect.DeepEqual(types, []string{"Account.Name", "Account.AadUserId"}) || len(m.Details) != 2 || !strings.Contains(m.Query, "| extend AUPNSuffix = ") {
		t.Errorf("%+v", m)
	}
}

func TestBareKQL(t *testing.T) {
	f := readQuery("T // project\n| where A == \"| project x \\\" y\" and B == @'c:\\' and ago(1h) < C\n| mv-apply i = L on (\n  summarize n = count()\n)\n| summarize TimeGenerated = max(D) by E\n| extend F = 1")
	if f.words["x"] || f.words["y"] || f.words["c"] || !f.keeps("TimeGenerated") || !f.keeps("F") || f.keeps("A") || len(f.agos) != 1 || f.agos[0] != "1h" {
		t.Errorf("%+v", f)
	}
	if f := readQuery("T\n| project-away A\n| mv-apply i = L on (\n summarize n = count()\n)"); f.kept != nil {
		t.Errorf("%+v", f)
	}
}
