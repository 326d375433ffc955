package compiler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// Overrides change single rules without forking them. They are immutable and
// safe for concurrent use; nil changes nothing.
//
//	rulewright-overrides: 1
//	overrides:
//	  - rule: 6d0b1b0e-5c1f-4f43-9d0a-2f6f0a3f1c11   # an id or name
//	    level: low
//	    filter:
//	      automation:
//	        InitiatedBy.app.displayName: Nightly rotation
//	      condition: not automation
//	  - tag: attack.t1528
//	    enabled: false
//
// `rule` and `tag` take one or a list. A rule takes what every entry that means
// it says; of two that say the same key, the later wins, and all filters hold.
// `thresholds` replace those of a correlation with the same operator.
type Overrides struct {
	file    string
	entries []overrideEntry
}

type overrideEntry struct {
	rules []reference
	tags  []reference
	Override
}

type reference struct {
	pos  sigma.Pos
	name string
}

// Override is what is changed of one rule.
type Override struct {
	Enabled    *bool
	Level      string // "": as the rule says
	Tier       string // likewise
	Thresholds []sigma.Threshold
	filters    []*sigma.Document
}

// Disabled reports whether the rule is switched off.
func (o Override) Disabled() bool { return o.Enabled != nil && !*o.Enabled }

// apply changes a copy of a rule's metadata.
func (o Override) apply(m *sigma.Meta) {
	if o.Level != "" {
		m.Level = o.Level
	}
	if o.Tier != "" {
		m.Tier = o.Tier
	}
}

// ParseOverrides reads an overrides file. It is tolerant: entries that could
// be read are kept.
func ParseOverrides(file string, data []byte) (*Overrides, sigma.Diagnostics) {
	o := &Overrides{file: file}
	var r yamlReader
	root := r.open(file, data, "overrides", settingsLimits)
	if root == nil {
		return o, r.findings()
	}
	r.keys(root, "an overrides file", map[string]func(*yaml.Node){
		r.marker(): r.version,
		"overrides": func(v *yaml.Node) {
			r.list(v, "overrides", func(v *yaml.Node) {
				if e, ok := r.override(v); ok {
					o.entries = append(o.entries, e)
				}
			})
		},
	})
	return o, r.findings()
}

func (r *yamlReader) override(n *yaml.Node) (overrideEntry, bool) {
	var e overrideEntry
	before := len(r.ds)
	says := false
	references := func(to *[]reference, what string) func(*yaml.Node) {
		return func(v *yaml.Node) {
			for _, t := range r.texts(v, what) {
				*to = append(*to, reference{posOf(t), t.Value})
			}
		}
	}
	word := func(to *string, what string, known []string) func(*yaml.Node) {
		return func(v *yaml.Node) {
			says = true
			if *to = r.text(v, what); *to != "" && !slices.Contains(known, *to) {
				r.errorf(v, codeValue, sigma.NearestHint(*to, known, ""), "%s %q is none of %s", what, *to, strings.Join(known, ", "))
			}
		}
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, codeType, "write rule: or tag:, and what to change", "an override is a mapping")
		return e, false
	}
	r.keys(n, "an override", map[string]func(*yaml.Node){
		"rule": references(&e.rules, "rule"),
		"tag":  references(&e.tags, "tag"),
		"enabled": func(v *yaml.Node) {
			says = true
			if v.Kind != yaml.ScalarNode || v.ShortTag() != "!!bool" {
				r.errorf(v, codeType, "", "enabled is true or false")
				return
			}
			on := strings.EqualFold(v.Value, "true")
			e.Enabled = &on
		},
		"level": word(&e.Level, "level", sigma.Levels()),
		"tier":  word(&e.Tier, "tier", sigma.Tiers()),
		"thresholds": func(v *yaml.Node) {
			says = true
			r.entries(v, "thresholds", func(k, v *yaml.Node) {
				if ops := sigma.ThresholdOps(); !slices.Contains(ops, k.Value) {
					r.errorf(k, codeUnknown, sigma.NearestHint(k.Value, ops, ""), "a threshold is one of %s", strings.Join(ops, ", "))
					return
				}
				num, ok := r.value(v).(sigma.Number)
				if !ok {
					r.errorf(v, codeType, "", "a threshold is a number")
					return
				}
				e.Thresholds = append(e.Thresholds, sigma.Threshold{Pos: posOf(v), Op: sigma.ThresholdOp(k.Value), Value: num.Number})
			})
		},
		"filter": func(v *yaml.Node) {
			says = true
			d, ds := sigma.ParseDetection(r.file, r.lines, v)
			r.ds = append(r.ds, ds...)
			if d != nil {
				e.filters = append(e.filters, &sigma.Document{File: r.file, Pos: posOf(v), Kind: sigma.KindFilter,
					Meta: sigma.Meta{Name: "override:" + strconv.Itoa(posOf(v).Line)}, Detection: d})
			}
		},
	})
	switch {
	case len(e.rules)+len(e.tags) == 0:
		r.errorf(n, codeMissing, "write rule: with its id, or tag:", "the override does not say of what")
	case !says:
		r.errorf(n, codeMissing, "write enabled, level, tier, thresholds or filter", "the override changes nothing")
	}
	return e, !r.ds[before:].HasErrors()
}

// For returns what is changed of a document.
func (o *Overrides) For(doc *sigma.Document) Override {
	var out Override
	if o == nil {
		return out
	}
	for _, e := range o.entries {
		if !e.means(doc) {
			continue
		}
		if e.Enabled != nil {
			out.Enabled = e.Enabled
		}
		if e.Level != "" {
			out.Level = e.Level
		}
		if e.Tier != "" {
			out.Tier = e.Tier
		}
		for _, t := range e.Thresholds {
			if i := slices.IndexFunc(out.Thresholds, func(x sigma.Threshold) bool { return x.Op == t.Op }); i >= 0 {
				out.Thresholds[i] = t
			} else {
				out.Thresholds = append(out.Thresholds, t)
			}
		}
		out.filters = append(out.filters, e.filters...)
	}
	return out
}

func (e *overrideEntry) means(doc *sigma.Document) bool {
	return slices.ContainsFunc(e.rules, func(r reference) bool { return doc.Meta.IsCalled(r.name) }) ||
		slices.ContainsFunc(e.tags, func(r reference) bool {
			return slices.ContainsFunc(doc.Meta.Tags, func(t string) bool { return strings.EqualFold(t, r.name) })
		})
}

// Check finds the ids, names and tags that none of the documents has, and what
// changes nothing of the rules that are meant: thresholds that they do not have,
// filters on correlations. They are warnings: other rules may have them.
// NewRuleSet calls Check.
func (o *Overrides) Check(docs []*sigma.Document) sigma.Diagnostics {
	if o == nil {
		return nil
	}
	var rules sigma.References
	var tags []string
	for _, d := range docs {
		if d != nil && d.Kind != sigma.KindFilter {
			rules.Add(d)
			tags = append(tags, d.Meta.Tags...)
		}
	}
	names := rules.Known()
	var ds sigma.Diagnostics
	unknown := func(r reference, what string, known []string) {
		hint := sigma.NearestHint(r.name, known, "take it out, or load the rule")
		ds = append(ds, sigma.Diagnostic{File: o.file, Pos: r.pos, Severity: sigma.SeverityWarning, Code: sigma.CodeOverride,
			Message: "no rule has the " + what + " " + strconv.Quote(r.name), Hint: hint})
	}
	for _, e := range o.entries {
		for _, r := range e.rules {
			if rules.First(r.name) == nil {
				unknown(r, "id or name", names)
			}
		}
		for _, t := range e.tags {
			if !slices.ContainsFunc(tags, func(k string) bool { return strings.EqualFold(k, t.name) }) {
				unknown(t, "tag", tags)
			}
		}
		ds = append(ds, o.withoutEffect(e, docs)...)
	}
	return ds
}

// withoutEffect finds what of an override changes nothing of any rule it means.
func (o *Overrides) withoutEffect(e overrideEntry, docs []*sigma.Document) (ds sigma.Diagnostics) {
	var meant []*sigma.Document
	for _, d := range docs {
		if d != nil && d.Kind != sigma.KindFilter && e.means(d) {
			meant = append(meant, d)
		}
	}
	if len(meant) == 0 {
		return nil
	}
	what := "the rules with the tag " + strconv.Quote(firstOf(e.tags)) + " have"
	if len(meant) == 1 {
		what = "the rule " + inputName(meant[0]) + " has"
		if meant[0].Correlation != nil {
			what = "the correlation " + inputName(meant[0]) + " has"
		}
	} else if len(e.tags) == 0 {
		what = "these rules have"
	}
	warn := func(pos sigma.Pos, hint, format string, args ...any) {
		ds = append(ds, sigma.Diagnostic{File: o.file, Pos: pos, Severity: sigma.SeverityWarning, Code: sigma.CodeOverride,
			Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, t := range e.Thresholds {
		if !slices.ContainsFunc(meant, func(d *sigma.Document) bool { return slices.Contains(thresholdOps(d), t.Op) }) {
			hint := "leave it out: only correlations have thresholds"
			var has []string
			for _, d := range meant {
				for _, op := range thresholdOps(d) {
					if !slices.Contains(has, string(op)) {
						has = append(has, string(op))
					}
				}
			}
			if len(has) > 0 {
				hint = "replace an operator that it has: " + strings.Join(has, ", ")
			}
			warn(t.Pos, hint, "%s no %s to be replaced", what, t.Op)
		}
	}
	if !slices.ContainsFunc(meant, func(d *sigma.Document) bool { return d.Correlation == nil }) {
		for _, f := range e.filters {
			warn(f.Pos, "override the rules that it correlates", "a filter has no effect on the correlation %s", inputName(meant[0]))
		}
	}
	return ds
}

func firstOf(rs []reference) string {
	if len(rs) == 0 {
		return ""
	}
	return rs[0].name
}

// thresholdOps are the operators of a rule's thresholds, those of a legacy
// aggregation among them.
func thresholdOps(d *sigma.Document) (ops []sigma.ThresholdOp) {
	if a := d.Aggregation(); a != nil {
		ops = append(ops, a.Op)
	}
	if c := d.Correlation; c != nil {
		ts := slices.Clone(c.Thresholds)
		for _, r := range c.RuleCounts {
			ts = append(ts, r.Thresholds...)
		}
		for _, t := range ts {
			ops = append(ops, t.Op)
		}
	}
	return ops
}
