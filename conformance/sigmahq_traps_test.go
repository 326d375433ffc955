package conformance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// TestNoSilentTraps reads the trees that SigmaHQ's rules become for the tables
// of query engines, and fails on what other converters get wrong without a
// word: wildcards that became literal stars, values that a pipeline rewrote,
// process creation that takes every event of the channel, columns that the
// table lacks, patterns that became regular expressions, networks that became
// text, keywords without a place to look.
func TestNoSilentTraps(t *testing.T) {
	var pipelines []*compiler.Pipeline
	for _, name := range queryPipelines {
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		pipelines = append(pipelines, p)
	}
	columns := map[string]map[string]ir.Type{}
	trees := 0
	eachSigmaHQRule(t, func(path string, doc *sigma.Document) {
		plain, ds := compiler.Lower(doc, compiler.Options{})
		if len(plain) != 1 {
			t.Errorf("%s: %v", path, ds)
			return
		}
		want := namesOnly(plain[0].When)
		stars, regexes := starsOf(doc.Detection)
		for _, m := range ir.Matches(plain[0].When) {
			if m.Op == ir.Regexp && regexes == 0 {
				t.Errorf("%s: a regular expression that the author did not write", path)
			}
			for _, v := range m.Values {
				if s, ok := v.(ir.String); ok && strings.ContainsAny(string(s), "*?") &&
					!slices.ContainsFunc(stars, func(star string) bool { return strings.Contains(strings.ToLower(string(s)), strings.ToLower(star)) }) {
					t.Errorf("%s: a wildcard became part of the text %q", path, s)
				}
			}
		}
		for _, p := range pipelines {
			rules, _ := compiler.Lower(doc, compiler.Options{Pipeline: p})
			for _, r := range rules {
				trees++
				if got := namesOnly(r.When); got != want {
					t.Errorf("%s: %s: %s: not what the author wrote:\n%s\nwant:\n%s", path, p.Name(), r.Source.Table, got, want)
				}
				if r.Source.Where == nil && doc.LogSource.Category != "" && doc.LogSource.Product != "" && !slices.Contains(oneSourceTables, r.Source.Table) {
					t.Errorf("%s: %s: every event of %s is taken for %s", path, p.Name(), r.Source.Table, doc.LogSource.Category)
				}
				key := p.Name() + "\x00" + r.Source.Table
				if columns[key] == nil {
					columns[key] = map[string]ir.Type{}
					for _, c := range p.Columns(r.Source.Table) {
						columns[key][c.Name] = c.Type
					}
				}
				for _, m := range ir.Matches(r.Predicate()) {
					checkPlace(t, path, r, m, columns[key])
				}
			}
		}
	})
	t.Logf("%d trees", trees)
}

// oneSourceTables hold events of one kind for a category, whatever the product.
var oneSourceTables = []string{"imNetworkSession", "imDns", "Syslog", "AppServiceConsoleLogs", "AKSAudit", "AKSAuditAdmin"}

// checkPlace holds the place that a leaf of a query asks to the table's columns.
func checkPlace(t *testing.T, path string, r *ir.Rule, m *ir.Match, columns map[string]ir.Type) {
	t.Helper()
	f := m.Field
	if f.Leaves {
		if len(r.Source.Messages) == 0 {
			t.Errorf("%s: %s: keywords without a column", path, r.Source.Table)
		}
		return
	}
	parts := []string{f.Column}
	if f.Join != nil {
		parts = nil
		for _, p := range f.Join.Parts {
			parts = append(parts, p.Column)
		}
	}
	for _, c := range parts {
		if _, ok := columns[c]; !ok {
			t.Errorf("%s: %s has no column %q for %s", path, r.Source.Table, c, f.Name)
		}
	}
	if len(f.Stored) == 0 || f.Stored[0].Key != f.Column || f.ColumnType == ir.TypeUnknown {
		t.Errorf("%s: %s: %s leads to %s, not to a column", path, r.Source.Table, f.Name, f.Stored)
	}
	if len(f.Stored) > 1 && f.ColumnType != ir.TypeJSON && !f.Stored[0].JSON {
		t.Errorf("%s: %s: %s is below the column %s of type %s", path, r.Source.Table, f.Name, f.Column, f.ColumnType)
	}
	for _, v := range m.Values {
		switch v.(type) {
		case ir.Regex:
			if m.Op != ir.Regexp {
				t.Errorf("%s: a regular expression under %s", path, m.Op)
			}
		case ir.Pattern:
			if m.Op != ir.Like {
				t.Errorf("%s: a pattern under %s", path, m.Op)
			}
		case ir.Prefix:
			if f.Type != ir.TypeIP {
				t.Errorf("%s: %s: %s is compared with a network and not typed ip", path, r.Source.Table, f.Name)
			}
		}
	}
}

// namesOnly prints a tree with fields by their authors' names.
func namesOnly(e ir.Expr) string {
	return ir.Print(ir.Map(e, func(e ir.Expr) ir.Expr {
		m, ok := e.(*ir.Match)
		if !ok {
			return e
		}
		n := *m
		n.Values = slices.Clone(m.Values)
		for i, v := range n.Values {
			if ref, ok := v.(ir.FieldRef); ok {
				n.Values[i] = ir.FieldRef{Field: ir.Field{Path: ir.Path{{Key: ref.Field.Name}}}}
			}
		}
		if !n.Field.Leaves {
			n.Field = ir.Field{Path: ir.Path{{Key: m.Field.Name}}}
		}
		return &n
	}))
}

// starsOf returns the literal texts with a star or question mark that an author
// wrote, and how many values are regular expressions.
func starsOf(d *sigma.Detection) (stars []string, regexes int) {
	var block func(b sigma.Block)
	block = func(b sigma.Block) {
		switch b := b.(type) {
		case *sigma.AllOf:
			for _, it := range b.Items {
				block(it)
			}
		case *sigma.AnyOf:
			for _, x := range b.Blocks {
				block(x)
			}
		case *sigma.Item:
			for _, m := range b.Modifiers {
				if m.Name == sigma.ModRe {
					regexes++
				}
			}
			for _, v := range b.Values {
				if s, ok := v.(sigma.String); ok {
					for _, p := range s.Parts {
						if p.Kind == sigma.Literal && strings.ContainsAny(p.Text, "*?") {
							stars = append(stars, p.Text)
						}
					}
				}
			}
			if b.Block != nil {
				block(b.Block)
			}
		}
	}
	for _, s := range d.Selections {
		block(s.Body)
	}
	return stars, regexes
}
