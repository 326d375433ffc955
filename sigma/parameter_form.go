package sigma

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// valueForm is what values of a parameter look like beyond their type: a rule
// that compares whole values with a log column never holds, or always, of a
// value in another form, and nothing but the form tells.
type valueForm struct {
	name string
	typ  string // the type of parameter that may have it
	doc  string // for the reference
	noun string // with its article, behind `is no`/`is neither`
	hint string // what to write
	fits func(s string) bool
	// instead returns the value that was likely meant; "" where nothing is.
	instead func(s string) string
}

var (
	domainForm     = regexp.MustCompile(`^[\pL\pN]([\pL\pN-]*[\pL\pN])?(\.[\pL\pN]([\pL\pN-]*[\pL\pN])?)+$`)
	permissionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
)

var valueForms = []valueForm{
	{"country", "string", "two letters of ISO 3166-1, as sign-in logs have them", "country code", "write two letters of ISO 3166-1, such as DE", isCountry, countryNamed},
	{"guid", "string", "an id: 32 hexadecimal digits with hyphens", "id", "write an id such as 62e90394-69f5-4237-9190-012177145e10", IsUUID,
		func(s string) string { return strings.Trim(s, "{}() ") }},
	{"domain", "string", "a domain, without a leading dot, `@`, scheme or wildcard", "domain", "write a domain such as contoso.com", domainForm.MatchString, domainIn},
	{"upn", "string", "a user principal name", "user principal name", "write a user principal name such as app.admin@contoso.com", isUPN, strings.TrimSpace},
	{"service-principal", "string", "a service principal as the unified audit log names it: `ServicePrincipal_` and its object id", "service principal",
		"write ServicePrincipal_ and the object id", isServicePrincipal, strings.TrimSpace},
	{"name", "string", "a display name, without wildcards", "name", "write the whole name, without wildcards", func(s string) bool { return !strings.ContainsAny(s, "*?@") }, nil},
	{"permission", "string", "the name of one permission, without the address of its API", "permission", "write the name of one permission, such as Mail.Read",
		permissionForm.MatchString, func(s string) string { return strings.TrimSpace(s[strings.LastIndexByte(s, '/')+1:]) }},
	{"credential-type", "string", "Password, AsymmetricX509Cert, X509CertAndPassword or Symmetric", "type of credential",
		"write one of " + strings.Join(credentialTypes, ", "), func(s string) bool {
			return slices.ContainsFunc(credentialTypes, func(t string) bool { return strings.EqualFold(s, t) })
		},
		func(s string) string { return Nearest(s, credentialTypes) }},
	{"upn-pattern", "pattern", "a user principal name or what one looks like, with wildcards", "pattern of user principal names", "write a pattern such as 'adm-*@contoso.com'", isUPNPattern, nil},
	{"public-network", "cidr", "public addresses; private and very wide ranges are warned of", "public network", "write public addresses, those that sign-in logs show", nil, nil},
}

var credentialTypes = []string{"Password", "AsymmetricX509Cert", "X509CertAndPassword", "Symmetric"}

func valueFormNames() []string {
	var out []string
	for _, f := range valueForms {
		out = append(out, f.name)
	}
	return out
}

func valueFormNamed(name string) *valueForm {
	if i := slices.IndexFunc(valueForms, func(f valueForm) bool { return f.name == name }); i >= 0 {
		return &valueForms[i]
	}
	return nil
}

func isUPN(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && !strings.ContainsAny(local, " \t,;*?\"<>()[]:\\") && domainForm.MatchString(domain)
}

func isServicePrincipal(s string) bool {
	id, ok := strings.CutPrefix(s, "ServicePrincipal_")
	return ok && IsUUID(id)
}

func isUPNPattern(s string) bool {
	return isUPN(s) || strings.ContainsAny(s, "*?") && strings.Trim(s, "*?") != "" && !strings.ContainsAny(s, " \t,;")
}

// domainIn takes off a domain what does not belong to it.
func domainIn(s string) string {
	s = strings.TrimSpace(s)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	s, _, _ = strings.Cut(s, "/")
	return strings.Trim(s, "*.")
}

// Misfit says of text that is a value of the parameter's type in what it is not
// as the parameter's form asks: a finding without its place, whose message goes
// on behind the text itself. ok is false where nothing is wrong or the parameter
// has no form.
func (p *Parameter) Misfit(text string) (d Diagnostic, ok bool) {
	if len(p.Form) == 0 {
		return d, false
	}
	if slices.Equal(p.Form, []string{"public-network"}) {
		return networkMisfit(text)
	}
	var forms []*valueForm
	for _, name := range p.Form {
		if f := valueFormNamed(name); f != nil {
			forms = append(forms, f)
		}
	}
	fit := func(s string) bool {
		return slices.ContainsFunc(forms, func(f *valueForm) bool { return f.fits(s) })
	}
	named := func(s string) (id string, ok bool) {
		for i, n := range p.DefaultNames {
			if n != "" && strings.EqualFold(n, s) {
				v, isText := p.Default[i].(String)
				return v.Raw, isText
			}
		}
		return "", false
	}
	// meant returns the value that a text stands for, itself where it fits.
	meant := func(s string) string {
		if fit(s) {
			return s
		}
		if id, ok := named(s); ok {
			return id
		}
		for _, f := range forms {
			if f.instead == nil {
				continue
			}
			if x := f.instead(s); f.fits(x) {
				return x
			}
		}
		return ""
	}
	d = Diagnostic{Severity: SeverityError, Code: CodeParameter}
	if parts := severalIn(text, meant); len(parts) > 0 && (!fit(text) || allExact(parts)) {
		d.Message = show(text) + " is several values in one text"
		for i, s := range parts {
			parts[i] = "'" + strings.ReplaceAll(s, "'", "''") + "'"
		}
		d.Hint = "write each for itself: [" + strings.Join(parts, ", ") + "]"
		return d, true
	}
	if fit(text) {
		return d, false
	}
	var nouns []string
	for _, f := range forms {
		nouns = append(nouns, f.noun)
	}
	d.Message = show(text) + " is no " + strings.Join(nouns, ", no ")
	if strings.ContainsAny(text, "*?") && p.Type == "string" {
		d.Message += "; wildcards stand for themselves here"
	}
	if d.Hint = forms[0].hint; meant(strings.TrimSpace(text)) != "" {
		d.Hint = "write " + meant(strings.TrimSpace(text))
	}
	return d, true
}

// severalIn returns what the parts of a text stand for that commas or semicolons
// part, where each stands for something.
func severalIn(text string, meant func(string) string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' })
	for i, s := range parts {
		if parts[i] = meant(strings.TrimSpace(s)); parts[i] == "" {
			return nil
		}
	}
	if len(parts) < 2 {
		return nil
	}
	return parts
}

// allExact reports whether parts are what no display name is: a name may hold a
// comma, a list of names may not.
func allExact(parts []string) bool {
	return !slices.ContainsFunc(parts, func(s string) bool { return !isUPN(s) && !IsUUID(s) && !isServicePrincipal(s) })
}

// Networks that no sign-in comes from, and lengths of prefix below which a range
// is more than an organisation has.
var privateNetworks = func() (out []netip.Prefix) {
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

const (
	widestNetwork4 = 8
	widestNetwork6 = 19 // the longest allocation that a registry made to one holder
)

func networkMisfit(text string) (d Diagnostic, ok bool) {
	n, err := netip.ParsePrefix(text)
	if a, errAddr := netip.ParseAddr(text); errAddr == nil {
		n, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil {
		return d, false // its type says so
	}
	d = Diagnostic{Severity: SeverityWarning, Code: CodeParameter}
	widest := widestNetwork6
	if n.Addr().Unmap().Is4() {
		widest = widestNetwork4
	}
	switch {
	case n.Bits() == 0:
		d.Message = show(text) + " holds every address: nothing comes from elsewhere then, and rules about other networks are silent"
		d.Hint = "write the ranges of the organisation, such as 198.51.100.0/24"
	case slices.ContainsFunc(privateNetworks, func(p netip.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) }):
		d.Message = show(text) + " is private: the logs of Microsoft's cloud show the public address in front of it"
		d.Hint = "write the public addresses by which this network goes out"
	case n.Bits() < widest:
		d.Message = show(text) + " is wider than what one organisation has"
		d.Hint = "write the ranges of the organisation, such as 198.51.100.0/24"
	default:
		return d, false
	}
	return d, true
}
