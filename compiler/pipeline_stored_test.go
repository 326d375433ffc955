package compiler

import (
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
			for _, n := range slices.Sorted(maps.Keys(m.fields)) {
				f := m.fields[n]
				if !f.said || len(f.path) == 1 && f.path[0].Where.Key == "" {
					continue
				}
				keys++
				source := f.source
				if source == "" && p.tables[table] != nil {
					source = p.tables[table].source
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
