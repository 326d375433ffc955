package sigma

import (
	"strings"
	"testing"
)

// TestMisfit holds, for each form, values that fit, and such that do not with
// what the finding says and what it tells to write.
func TestMisfit(t *testing.T) {
	const guid, other = "62e90394-69f5-4237-9190-012177145e10", "fe930be7-5e62-47db-91af-98c3a49a38b1"
	type wrong struct{ text, message, hint string }
	for _, c := range []struct {
		forms string
		fit   []string
		wrong []wrong
	}{
		{"country", []string{"DE", "at", "NO", "XK"}, []wrong{
			{"Germany", "'Germany' is no country code", "write DE"},
			{"UK", "is no country code", "write GB"},
			{" de ", "is no country code", "write de"},
			{"DEU", "is no country code", "write two letters of ISO 3166-1, such as DE"},
			{"XX", "is no country code", "such as DE"},
			{"", "is no country code", "such as DE"},
			{"DE, AT", "'DE, AT' is several values in one text", "write each for itself: ['DE', 'AT']"},
			{"Austria; CH", "several values", "['AT', 'CH']"},
		}},
		{"guid", []string{guid, strings.ToUpper(guid)}, []wrong{
			{"Global Administrator", "'Global Administrator' is no id", "write " + guid},
			{"global administrator", "is no id", "write " + guid},
			{"Global Administrator, " + other, "several values", "['" + guid + "', '" + other + "']"},
			{"{" + guid + "}", "is no id", "write " + guid},
			{"Reports Reader", "is no id", "write an id such as"},
			{guid[1:], "is no id", "write an id such as"},
		}},
		{"domain", []string{"contoso.com", "a-b.contoso.onmicrosoft.com", "müller.de", "xn--mller-kva.de"}, []wrong{
			{".contoso.com", "is no domain", "write contoso.com"},
			{"@contoso.com", "is no domain", "write contoso.com"},
			{"*.contoso.com", "is no domain; wildcards stand for themselves here", "write contoso.com"},
			{"https://login.contoso.com/x", "is no domain", "write login.contoso.com"},
			{"anna@contoso.com", "is no domain", "write contoso.com"},
			{"contoso", "is no domain", "write a domain such as contoso.com"},
			{"contoso.com,.contoso.de", "several values", "['contoso.com', 'contoso.de']"},
		}},
		{"upn", []string{"app.admin@contoso.com", "o'brien@contoso.com", "x_fabrikam.com#EXT#@contoso.onmicrosoft.com"}, []wrong{
			{"a@b.c, d@e.f", "several values", "['a@b.c', 'd@e.f']"},
			{"*@contoso.com", "is no user principal name; wildcards stand for themselves here", "such as app.admin@contoso.com"},
			{"@contoso.com", "is no user principal name", "such as app.admin@contoso.com"},
			{"anna", "is no user principal name", "such as app.admin@contoso.com"},
			{`CONTOSO\anna`, "is no user principal name", "such as app.admin@contoso.com"},
			{"a@b@c.com", "is no user principal name", "such as"},
			{" anna@contoso.com", "is no user principal name", "write anna@contoso.com"},
		}},
		{"upn guid service-principal", []string{"a@b.c", guid, "ServicePrincipal_" + guid}, []wrong{
			{"HR Sync", "is no user principal name, no id, no service principal", "write a user principal name"},
			{"a@b.c;" + guid, "several values", "['a@b.c', '" + guid + "']"},
		}},
		{"upn guid name", []string{"HR Sync", "Sync, HR", "a@b.c"}, []wrong{
			{"HR*", "is no user principal name, no id, no name; wildcards", "write a user principal name"},
			{"a@b.c,d@e.f", "several values", "['a@b.c', 'd@e.f']"},
		}},
		{"permission", []string{"Mail.Read", "full_access_as_app", "user_impersonation"}, []wrong{
			{"https://graph.microsoft.com/Mail.Read", "is no permission", "write Mail.Read"},
			{"Mail.*", "is no permission; wildcards", "write the name of one permission"},
			{"Mail.Read Mail.Send", "is no permission", "write the name of one permission"},
			{"Mail.Read,Mail.Send", "several values", "['Mail.Read', 'Mail.Send']"},
		}},
		{"credential-type", []string{"Password", "symmetric"}, []wrong{
			{"Passwords", "is no type of credential", "write Password"},
			{"Secret", "is no type of credential", "write one of Password"},
		}},
		{"upn-pattern", []string{"adm-*", "adm-*@contoso.com", "?*.?*@contoso.com", "a@b.c"}, []wrong{
			{"*", "is no pattern of user principal names", "such as 'adm-*@contoso.com'"},
			{"adm-", "is no pattern of user principal names", "such as 'adm-*@contoso.com'"},
			{"adm-*@b.c, svc-*@b.c", "several values", "['adm-*@b.c', 'svc-*@b.c']"},
		}},
		{"public-network", []string{"198.51.100.0/24", "2001:db8:100::/48", "192.0.2.1", "9.0.0.0/8"}, []wrong{
			{"0.0.0.0/0", "holds every address", "such as 198.51.100.0/24"},
			{"::/0", "holds every address", "such as 198.51.100.0/24"},
			{"10.0.0.0/8", "is private", "by which this network goes out"},
			{"192.168.1.7", "is private", "by which this network goes out"},
			{"fd00::/8", "is private", "by which this network goes out"},
			{"128.0.0.0/1", "is wider than", "such as 198.51.100.0/24"},
			{"2000::/3", "is wider than", "such as 198.51.100.0/24"},
		}},
	} {
		p := Parameter{Name: "p", Form: strings.Fields(c.forms)}
		f := valueFormNamed(p.Form[0])
		p.Type = f.typ
		p.Default = []Value{String{Raw: guid}, String{Raw: other}}
		p.DefaultNames = []string{"Global Administrator", ""}
		for _, s := range c.fit {
			if d, misfit := p.Misfit(s); misfit {
				t.Errorf("%s: %q: %s", c.forms, s, d.Message)
			}
		}
		severity := SeverityError
		if c.forms == "public-network" {
			severity = SeverityWarning
		}
		for _, w := range c.wrong {
			d, misfit := p.Misfit(w.text)
			if !misfit || d.Severity != severity || !strings.Contains(d.Message, w.message) || !strings.Contains(d.Hint, w.hint) {
				t.Errorf("%s: %q: got %v %q, %q; want %q, %q", c.forms, w.text, d.Severity, d.Message, d.Hint, w.message, w.hint)
			}
		}
	}
	if d, misfit := (&Parameter{Type: "string"}).Misfit("*, *"); misfit {
		t.Errorf("without a form: %s", d.Message)
	}
}

// TestForm: a form that does not go with the type is an error, as are an example
// and a default in another form; remarks beside a default are names.
func TestForm(t *testing.T) {
	const head = "rulewright-parameters: 1\nparameters:\n  - {name: a, description: d, "
	for text, want := range map[string]string{
		head + "type: string, form: contry, example: DE}\n":             "did you mean country?",
		head + "type: pattern, form: country, example: DE}\n":           "3:52: the form country is one of type string, not pattern",
		head + "type: string, form: country, example: Germany}\n":       "3:69: example of the parameter a: 'Germany' is no country code",
		head + "type: string, form: [upn, guid], default: x}\n":         "default of the parameter a: 'x' is no user principal name, no id",
		head + "type: cidr, form: public-network, example: 10.0.0.1}\n": "is private",
	} {
		_, ds := ParseParameters("p.yaml", []byte(text))
		said := ds.Error()
		for _, d := range ds {
			said += d.Hint
		}
		if !strings.Contains(said, want) {
			t.Errorf("%s: got %s, want %s", text, said, want)
		}
	}
	ps, ds := ParseParameters("p.yaml", []byte(`rulewright-parameters: 1
parameters:
  - name: roles
    type: string
    list: true
    form: guid
    description: d
    default:
      - 62e90394-69f5-4237-9190-012177145e10 # Global Administrator
      - fe930be7-5e62-47db-91af-98c3a49a38b1
`))
	if len(ds) > 0 || len(ps) != 1 || len(ps[0].DefaultNames) != 2 || ps[0].DefaultNames[0] != "Global Administrator" || ps[0].DefaultNames[1] != "" {
		t.Errorf("%+v, %v", ps, ds)
	}
}
