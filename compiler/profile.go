package compiler

import (
	"fmt"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Profile holds what an organisation fills in: the values of parameters. It is
// immutable and safe for concurrent use; a nil Profile has no values.
//
//	rulewright-profile: 1
//	parameters:
//	  approved_admins: [admin@contoso.com, breakglass@contoso.com]
//	  business_hours: Mon-Fri 08:00-18:00 Europe/Berlin
//	  vip_users: {watchlist: VIPUsers}
//
// A parameter without a value (null, an empty list, empty text) has its default;
// where there is none, the rules that need it do not run. A watchlist names values that only a query in
// Sentinel can read.
type Profile struct {
	file   string
	values map[string]profileValue
}

type profileValue struct {
	pos       sigma.Pos // of the name; zero for values from a caller
	values    []sigma.Value
	watchlist string
}

// settingsLimits bound a profile or overrides file.
var settingsLimits = yamlLimits{maxSettingsBytes, maxSettingsValues, maxSettingsDepth}

const (
	maxSettingsBytes  = 16 << 20
	maxSettingsValues = 1_000_000
	maxSettingsDepth  = 60
)

// ParseProfile reads a profile file. It is tolerant: the profile holds what
// could be read.
func ParseProfile(file string, data []byte) (*Profile, sigma.Diagnostics) {
	p := &Profile{file: file, values: map[string]profileValue{}}
	var r yamlReader
	root := r.open(file, data, "profile", settingsLimits)
	if root == nil {
		return p, r.findings()
	}
	r.keys(root, "a profile", map[string]func(*yaml.Node){
		r.marker(): r.version,
		"parameters": func(v *yaml.Node) {
			r.entries(v, "parameters", func(k, v *yaml.Node) {
				value := profileValue{pos: posOf(k)}
				if v.Kind == yaml.MappingNode {
					r.keys(v, "a parameter", map[string]func(*yaml.Node){
						"watchlist": func(v *yaml.Node) { value.watchlist = r.text(v, "watchlist") },
					})
				} else {
					value.values = r.values(v)
				}
				p.values[k.Value] = value
			})
		},
	})
	return p, r.findings()
}

func (p *Profile) lookup(name string) (profileValue, bool) {
	if p == nil {
		return profileValue{}, false
	}
	v, ok := p.values[name]
	return v, ok
}

func (p *Profile) fileName() string {
	if p == nil {
		return ""
	}
	return p.file
}

// Names returns the names of the parameters that the profile speaks of, sorted.
func (p *Profile) Names() []string {
	if p == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(p.values))
}

// WithValue returns a profile in which a parameter has these values, whatever
// it had before. A value is a string, bool, int, int64 or float64; text is read
// as the parameter's type says, so that `--set` need not know it. Without
// values the parameter has its default, if there is one.
func (p *Profile) WithValue(name string, values ...any) (*Profile, error) {
	q := &Profile{values: map[string]profileValue{}}
	if p != nil {
		q.file = p.file
		maps.Copy(q.values, p.values)
	}
	pv := profileValue{}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			pv.values = append(pv.values, sigma.String{Raw: v, Parts: []sigma.Part{{Kind: sigma.Literal, Text: v}}})
		case bool:
			pv.values = append(pv.values, sigma.Bool{Bool: v})
		case int:
			pv.values = append(pv.values, sigma.Number{Number: sigma.Numeric{IsInt: true, Int: int64(v)}})
		case int64:
			pv.values = append(pv.values, sigma.Number{Number: sigma.Numeric{IsInt: true, Int: v}})
		case float64:
			pv.values = append(pv.values, sigma.Number{Number: sigma.Numeric{Float: v}})
		default:
			return nil, fmt.Errorf("parameter %s: a value cannot be a %T; give text, a number or a boolean", name, v)
		}
	}
	q.values[name] = pv
	return q, nil
}

// Check finds what is wrong with the profile itself: names that neither the
// catalogue nor a rule knows (warnings, since other rules may know them), and
// values that do not fit the type or the form of their parameter. Lower finds the wrong
// types too, but only where a rule uses the value. NewRuleSet calls Check.
func (p *Profile) Check(catalogue []sigma.Parameter, docs []*sigma.Document) sigma.Diagnostics {
	if p == nil {
		return nil
	}
	known := map[string]sigma.Parameter{}
	for _, d := range docs {
		if d == nil {
			continue
		}
		for _, def := range d.Parameters {
			if !def.Catalogue {
				known[def.Name] = def
			}
		}
		for _, name := range placeholders(d) {
			if _, ok := known[name]; !ok && !d.Native {
				known[name] = sigma.Parameter{Name: name, List: true}
			}
		}
	}
	for _, def := range catalogue {
		if own, ok := known[def.Name]; ok && own.Type != "" {
			def.Form = own.Form // what is for a rule's own parameter need not be in the catalogue's form
		}
		known[def.Name] = def
	}
	names := slices.Sorted(maps.Keys(known))
	var ds sigma.Diagnostics
	report := func(sev sigma.Severity, code sigma.Code, pos sigma.Pos, hint, format string, args ...any) {
		ds = append(ds, sigma.Diagnostic{File: p.file, Pos: pos, Severity: sev, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, name := range p.Names() {
		v := p.values[name]
		def, ok := known[name]
		if !ok {
			hint := sigma.NearestHint(name, names, "take it out, or describe it in the catalogue")
			report(sigma.SeverityWarning, sigma.CodeUnknownParameter, v.pos, hint, "no rule and no catalogue knows the parameter %s", name)
			continue
		}
		count := 0
		for _, x := range v.values {
			at := x.Position()
			if !at.IsValid() {
				at = v.pos
			}
			typed, keep, err := typedValue(def.Type, x)
			switch {
			case err != nil:
				report(sigma.SeverityError, sigma.CodeParameter, at, sigma.ParameterHint(def.Type), "parameter %s: %v", name, err)
			case !keep:
				report(sigma.SeverityWarning, sigma.CodeProfile, at, "take it out", "parameter %s: an empty value is no value", name)
			default:
				count++
				if s, isText := typed.(sigma.String); !isText {
				} else if d, misfit := def.Misfit(s.Raw); misfit {
					report(d.Severity, d.Code, at, d.Hint, "parameter %s: %s", name, d.Message)
				}
			}
		}
		if def.Type != "" && !def.List && count > 1 {
			report(sigma.SeverityError, sigma.CodeParameter, v.pos, "give one", "parameter %s takes one value and has %d", name, count)
		}
	}
	return ds
}

// placeholders returns the names of the placeholders in a document's values.
func placeholders(d *sigma.Document) []string {
	var names []string
	var block func(b sigma.Block, depth int)
	block = func(b sigma.Block, depth int) {
		if depth > maxDepth {
			return
		}
		switch b := b.(type) {
		case *sigma.AllOf:
			for _, it := range b.Items {
				block(it, depth+1)
			}
		case *sigma.AnyOf:
			for _, x := range b.Blocks {
				block(x, depth+1)
			}
		case *sigma.Item:
			for _, v := range b.Values {
				if s, ok := v.(sigma.String); ok {
					for _, p := range s.Parts {
						if p.Kind == sigma.Placeholder {
							names = append(names, p.Text)
						}
					}
				}
			}
			if b.Block != nil {
				block(b.Block, depth+1)
			}
		case *sigma.Detection:
			for _, s := range b.Selections {
				block(s.Body, depth+1)
			}
		}
	}
	if d.Detection != nil {
		block(d.Detection, 0)
	}
	return names
}

// patternOf returns parts as a pattern.
func patternOf(parts []sigma.Part) ir.Pattern {
	p := make(ir.Pattern, 0, len(parts))
	for _, x := range parts {
		p = append(p, ir.PatternPart{Kind: ir.PatternKind(x.Kind), Text: x.Text})
	}
	return p
}
