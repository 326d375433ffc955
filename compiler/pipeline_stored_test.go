package compiler

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// storedText writes the steps of a query: ! behind those that are never lists,
// keys with dots in quotes.
func storedText(p ir.Path) string {
	var out []string
	for _, s := range p {
		single := s.Single
		if strings.Contains(s.Key, ".") {
			s.Key = "'" + s.Key + "'"
		}
		s.Single = false
		text := ir.Path{s}.String()
		if single {
			text += "!"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// TestStoredSteps holds the steps that queries read to what the pipelines say
// of lists.
func TestStoredSteps(t *testing.T) {
	for _, c := range []struct{ pipeline, service, name, steps string }{
		{"sentinel", "auditlogs", "OperationName", "OperationName!"},
		{"sentinel", "auditlogs", "InitiatedBy.user.userPrincipalName", "InitiatedBy{}! user! userPrincipalName!"},
		{"sentinel", "auditlogs", "initiatedby.user.nobody", "InitiatedBy{}! user! nobody"},
		{"sentinel", "auditlogs", "TargetResources.modifiedproperties.NewValue", "TargetResources{} modifiedProperties newValue!"},
		{"sentinel", "auditlogs", "AdditionalDetails.User-Agent", "AdditionalDetails{}[key=User-Agent] value!"},
		{"sentinel", "auditlogs", "ConsentContext.IsAdminConsent", "TargetResources{} modifiedProperties[displayName=ConsentContext.IsAdminConsent] newValue!"},
		{"sentinel", "signinlogs", "ResultType", "ResultType!"},
		{"sentinel", "signinlogs", "Status.errorCode", "Status{}! errorCode!"},
		{"sentinel", "signinlogs", "AuthenticationDetails.succeeded", "AuthenticationDetails{} succeeded!"},
		{"sentinel", "activitylogs", "Claims.http://schemas.microsoft.com/identity/claims/objectidentifier",
			"Claims{}! 'http://schemas.microsoft.com/identity/claims/objectidentifier'!"},
		{"sentinel", "activitylogs", "Properties.other.key", "Properties{}! other key"},
		{"defender", "auditlogs", "TargetResources.modifiedProperties.displayName", "RawEventData{}! ModifiedProperties{} Name!"},
		{"log-analytics", "auditlogs", "TargetResources.displayName", "TargetResources{} displayName!"},
		{"azure-diagnostic", "auditlogs", "TargetResources.displayName", "properties! targetResources{} displayName!"},
	} {
		f, unknown := sourceOf(t, c.pipeline, sigma.LogSource{Product: "azure", Service: c.service}).top().field(sigma.Field{Name: c.name})
		if got := storedText(f.Stored); got != c.steps || unknown != nil {
			t.Errorf("%s %s: %s, want %s (%v)", c.pipeline, c.name, got, c.steps, unknown)
		}
	}
	s := sourceOf(t, "sentinel", sigma.LogSource{Product: "azure", Service: "auditlogs"}).top()
	over, s, _ := s.element(sigma.Field{Name: "TargetResources"})
	inner, s, _ := s.element(sigma.Field{Name: "modifiedProperties"})
	f, _ := s.field(sigma.Field{Name: "newvalue"})
	if got := storedText(over.Stored) + ", " + storedText(inner.Stored) + ", " + storedText(f.Stored); got != "TargetResources{}, modifiedProperties, newValue!" {
		t.Error(got)
	}
	if f, _ := anyScope().field(sigma.Field{Name: "a.b"}); f.Stored != nil {
		t.Error(f.Stored)
	}
}

// TestQueryNames looks names up that only the tables of a query engine have:
// keys of a column with all other names, joined fields, fields that are absent.
func TestQueryNames(t *testing.T) {
	p, ds := ParsePipeline("p.yaml", []byte(`
rulewright-pipeline: 1
name: p
sources: [{logsource: {product: p}, tables: [T]}]
tables:
  T:
    rest: Data
    function: true
    columns: {Time: datetime, Type: string, Data: json, Domain: string, Account: string, Kind: string}
    fields:
      Data:
      Data.*: {path: '.*', type: string}
      Data.CommandLine: {type: string}
      Data.Unnamed: {absent: true}
      User: {type: string, by: '\', join: [Domain, {column: Account, before: '@', blank: '-', prefixes: {a: b, aa: c}}]}
      Event: {type: string, join: [{column: Kind, texts: {Created: CreateKey}}]}
    aliases: {Type: Data.Type}
`))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	tg := p.sources(sigma.LogSource{Product: "p"})[0]
	for name, want := range map[string]string{
		"Time": "Time!", "time": "Time!", "Type": "Data{}! Type!", "commandline": "Data{}! CommandLine!", "Other": "Data{}! Other!",
		"Other.below": "Data{}! Other! below", "User": "User!", "user": "User!", "Unnamed": "?", "User.x": "?", "Data": "Data{}!",
	} {
		f, unknown := tg.top().field(sigma.Field{Name: name})
		got := storedText(f.Stored)
		if unknown != nil {
			got = "?"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if strings.EqualFold(name, "user") && (f.Join == nil || f.ColumnType != ir.TypeString || f.Join.Parts[1].Prefixes[0].From != "aa") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for value, want := range map[string]bool{"createkey": true, "SetValue": false} {
		docs, _ := sigma.Parse("r.yaml", []byte("title: t\nlogsource: {product: p}\ndetection: {s: {Event: "+value+"}, condition: s}\n"))
		rules, ds := Lower(docs[0], Options{Pipeline: p})
		if ds.HasErrors() == want || len(rules) == 1 && !rules[0].Source.Function {
			t.Errorf("%s: %v", value, ds)
		}
	}
}

// TestKeysHaveSources lists every field of the query pipelines that is printed
// as a key inside a column, and asks each for the page or the event that shows
// it: a schema has columns only.
func TestKeysHaveSources(t *testing.T) {
	keys := 0
	for _, name := range BuiltinPipelines() {
		p, err := BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.form != "" {
			continue
		}
		for _, table := range p.Tables() {
			tg, ok := p.table(table)
			if !ok {
				t.Errorf("%s: table %s", name, table)
				continue
			}
			m := tg.names
			if m.rest != "" && m.source == "" {
				t.Errorf("%s: %s: the keys of %s have no source", name, table, m.rest)
			}
			for _, n := range slices.Sorted(maps.Keys(m.fields)) {
				f := m.fields[n]
				if !f.said || len(f.path) == 1 && f.path[0].Where.Key == "" {
					continue
				}
				keys++
				source := cmp.Or(f.source, m.source)
				if testing.Verbose() {
					t.Log(name, table, n, source)
				}
				if !strings.HasPrefix(source, "https://") && !strings.HasPrefix(source, "event ") {
					t.Errorf("%s: %s: %s has no source", name, table, n)
				}
				column, _, _ := strings.Cut(n, ".")
				if _, typ, ok := m.schema.column(column); ok && typ != ir.TypeJSON && !f.path[0].JSON {
					t.Errorf("%s: %s: %s is below the column %s of type %s", name, table, n, column, typ)
				}
				if c := m.fields[column]; c == nil || !c.said {
					t.Errorf("%s: %s: %s is described and the column %s is not: say whether it is a list", name, table, n, column)
				}
			}
		}
	}
	t.Logf("%d keys inside columns, each with a source", keys)
}
