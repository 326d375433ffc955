package coverage

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

// Parameter is what an organisation tells rules about itself.
type Parameter struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	List        bool     `json:"list,omitempty"`
	Description string   `json:"description"`
	Example     []string `json:"example,omitempty"`
	Default     []string `json:"default,omitempty"`
	Source      string   `json:"source,omitempty"` // of the default
	Rules       []string `json:"rules"`            // that use it, by id, or by title where they have none

	rules []*Rule
}

func parametersOf(catalogue []sigma.Parameter, rules []*Rule) []Parameter {
	out := []Parameter{}
	for _, p := range catalogue {
		q := Parameter{Name: p.Name, Type: p.Type, List: p.List, Description: strings.TrimSpace(p.Description), Example: texts(p.Example),
			Default: texts(p.Default), Source: p.Source, Rules: []string{}}
		for _, r := range rules {
			if slices.Contains(r.Parameters, p.Name) {
				q.Rules, q.rules = append(q.Rules, r.name()), append(q.rules, r)
			}
		}
		if len(q.Rules) > 0 {
			out = append(out, q)
		}
	}
	return out
}

func texts(values []sigma.Value) []string {
	var out []string
	for _, v := range values {
		switch v := v.(type) {
		case sigma.String:
			out = append(out, v.Raw)
		case sigma.Bool:
			out = append(out, fmt.Sprint(v.Bool))
		case sigma.Number:
			if v.Number.IsInt {
				out = append(out, fmt.Sprint(v.Number.Int))
			} else {
				out = append(out, fmt.Sprint(v.Number.Float))
			}
		}
	}
	return out
}

// parametersPage lists what the profile may hold: first what rules wait for, the
// most rules first.
func (r *Report) parametersPage() []byte {
	var b bytes.Buffer
	asked := slices.Clone(r.Parameters)
	slices.SortStableFunc(asked, func(x, y Parameter) int {
		if (len(x.Default) > 0) != (len(y.Default) > 0) {
			if len(x.Default) > 0 {
				return 1
			}
			return -1
		}
		return len(y.Rules) - len(x.Rules)
	})
	waiting := 0
	for _, p := range asked {
		if len(p.Default) == 0 {
			waiting++
		}
	}
	fmt.Fprintf(&b, "# What the profile holds\n\n%s%d parameters. Rules wait for the first %d; the others have a default, which a value in the profile replaces. [How to fill them](../profile.md).\n\n"+
		"| parameter | type | rules | of these, alerts |\n|---|---|---|---|\n", generated, len(asked), waiting)
	kind := func(p Parameter) string {
		if p.List {
			return "list of " + p.Type
		}
		return p.Type
	}
	for _, p := range asked {
		alerts := 0
		for _, rule := range p.rules {
			if rule.Tier == "alert" {
				alerts++
			}
		}
		name := fmt.Sprintf("[`%s`](#%s)", p.Name, p.Name)
		if len(p.Default) > 0 {
			name += " (filled)"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d |\n", name, kind(p), len(p.Rules), alerts)
	}
	for _, p := range asked {
		fmt.Fprintf(&b, "\n## %s\n\n%s Type: %s.\n\n", p.Name, p.Description, kind(p))
		value := p.Example
		word := "Example"
		if len(p.Default) > 0 {
			value, word = p.Default, "Default"
		}
		if len(value) > 0 {
			more := ""
			if len(value) > 6 {
				more = fmt.Sprintf(" # and %d more", len(value)-6)
				value = value[:6]
			}
			var quoted []string
			for _, v := range value {
				quoted = append(quoted, "'"+strings.ReplaceAll(v, "'", "''")+"'")
			}
			text := strings.Join(quoted, ", ")
			if p.List {
				text = "[" + text + "]"
			}
			fmt.Fprintf(&b, "%s:\n\n```yaml\n%s: %s%s\n```\n\n", word, p.Name, text, more)
		}
		if p.Source != "" {
			fmt.Fprintf(&b, "Source of the default: %s\n\n", p.Source)
		}
		for _, rule := range p.rules {
			fmt.Fprintf(&b, "- %s (%s, %s)\n", rule.link(), rule.Tier, rule.Level)
		}
	}
	return b.Bytes()
}
