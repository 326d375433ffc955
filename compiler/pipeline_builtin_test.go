package compiler

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// TestBuiltinPipelines holds every built-in pipeline to the schemas: a mapped
// name is a column or below one, what an alias stands for resolves.
func TestBuiltinPipelines(t *testing.T) {
	files, err := pipelineFiles.ReadDir("pipelines/parts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		file := "pipelines/parts/" + f.Name()
		data, err := pipelineFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, diags := ParsePipeline(file, data); len(diags) > 0 {
			t.Errorf("%s: %v", file, diags)
		}
	}
	for _, name := range BuiltinPipelines() {
		p, err := BuiltinPipeline(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name() != name {
			t.Errorf("%s: named %s", name, p.Name())
		}
		for _, table := range p.Tables() {
			tg, ok := p.table(table)
			if ok {
				checkNames(t, p, tg)
			}
		}
		for _, s := range p.entries {
			ls := sigma.LogSource{Category: s.category, Product: s.product, Service: s.service}
			for _, tg := range p.sources(ls) {
				checkNames(t, p, tg)
				for _, w := range tg.where {
					if _, unknown := tg.top().field(w.field); unknown != nil {
						t.Errorf("%s: %v: where %s: no column of %s", name, ls, w.field.Name, tg.table)
					}
				}
			}
		}
	}
}

func checkNames(t *testing.T, p *Pipeline, tg target) {
	t.Helper()
	m := tg.names
	if m.schema == nil {
		return
	}
	for name, f := range m.fields {
		head, _, _ := strings.Cut(name, ".")
		if f.join != nil {
			for _, part := range f.join.Parts {
				if c, typ, ok := m.schema.column(part.Column); !ok || c != part.Column || typ != ir.TypeString && typ != ir.TypeInt && typ != ir.TypeLong {
					t.Errorf("%s: %s: %s is joined of %s, which is no column of text or integers", p.Name(), tg.table, name, part.Column)
				}
			}
			if _, _, ok := m.schema.column(name); ok {
				t.Errorf("%s: %s: %s is joined and a column too", p.Name(), tg.table, name)
			}
			continue
		}
		if c, _, ok := m.schema.column(head); m.strict && (!ok || c != head) && !strings.Contains(f.path.String(), notIn) {
			t.Errorf("%s: %s: %s is no column", p.Name(), tg.table, name)
		}
		if parent, _ := m.parent(name); parent != nil && f.own && parent.own && !strings.HasPrefix(parent.name, "InitiatedBy") {
			if !hasPrefix(f.path, parent.path) && !strings.Contains(parent.path.String(), " (not in ") {
				t.Errorf("%s: %s: %s at %s is not below %s at %s", p.Name(), tg.table, name, f.path, parent.name, parent.path)
			}
		}
	}
	for name := range m.loose {
		if _, unknown := tg.top().field(sigma.Field{Name: name}); unknown != nil {
			t.Errorf("%s: %s: the alias %s stands for no column", p.Name(), tg.table, name)
		}
	}
	for _, n := range append([]string{m.time, m.id}, m.messages...) {
		if n == "" {
			continue
		}
		if _, unknown := tg.top().field(sigma.Field{Name: n}); unknown != nil && (n != "ReportId" && n != "TimeGenerated") {
			t.Errorf("%s: %s: %s is no column", p.Name(), tg.table, n)
		}
	}
}

// TestPipelineOneFactManyForms is the table of paths: a canonical name in each
// form.
func TestPipelineOneFactManyForms(t *testing.T) {
	for _, c := range []struct{ service, name, la, diag, graph, o365 string }{
		{"auditlogs", "OperationName", "OperationName", "operationName", "activityDisplayName", "Operation"},
		{"auditlogs", "properties.message", "OperationName", "operationName", "activityDisplayName", "Operation"},
		{"auditlogs", "Category", "Category", "properties.category", "category", "ExtendedProperties{}[Name=extendedAuditEventCategory].Value"},
		{"auditlogs", "TargetResources", "TargetResources{}", "properties.targetResources{}", "targetResources{}", "."},
		{"auditlogs", "TargetResources.modifiedProperties.newValue", "TargetResources{}.modifiedProperties.newValue",
			"properties.targetResources{}.modifiedProperties.newValue", "targetResources{}.modifiedProperties.newValue", "ModifiedProperties{}.NewValue"},
		{"auditlogs", "targetresources.ModifiedProperties.NewValue", "TargetResources{}.modifiedProperties.newValue",
			"properties.targetResources{}.modifiedProperties.newValue", "targetResources{}.modifiedProperties.newValue", "ModifiedProperties{}.NewValue"},
		{"auditlogs", "ConsentContext.IsAdminConsent", `TargetResources{}.modifiedProperties[displayName=ConsentContext.IsAdminConsent].newValue`,
			`properties.targetResources{}.modifiedProperties[displayName=ConsentContext.IsAdminConsent].newValue`,
			`targetResources{}.modifiedProperties[displayName=ConsentContext.IsAdminConsent].newValue`,
			`ModifiedProperties{}[Name=ConsentContext.IsAdminConsent].NewValue`},
		{"auditlogs", "InitiatedBy.user.ipAddress", "InitiatedBy{}.user.ipAddress@ip", "properties.initiatedBy{}.user.ipAddress@ip", "initiatedBy{}.user.ipAddress@ip", "ClientIP@ip"},
		{"signinlogs", "IPAddress", "IPAddress@ip", "properties.ipAddress@ip", "ipAddress@ip", "ClientIP@ip"},
		{"signinlogs", "ResultType", "ResultType", "resultType", "status.errorCode", "ErrorNumber"},
		{"signinlogs", "Location", "Location", "location", "location.countryOrRegion", "Location (not in o365-management)"},
		{"signinlogs", "LocationDetails.city", "LocationDetails{}.city", "properties.location{}.city", "location{}.city", "LocationDetails (not in o365-management){}.city"},
		{"signinlogs", "UserPrincipalName", "UserPrincipalName", "properties.userPrincipalName", "userPrincipalName", "UserId"},
		{"signinlogs", "AuthenticationDetails.authenticationMethod", "AuthenticationDetails{}.authenticationMethod",
			"properties.authenticationDetails{}.authenticationMethod", "authenticationDetails{}.authenticationMethod", "AuthenticationDetails (not in o365-management){}.authenticationMethod"},
		{"signinlogs", "Status", "Status{}.additionalDetails", "properties.status{}.additionalDetails", "status{}.additionalDetails", "Status.additionalDetails (not in o365-management)"},
		{"signinlogs", "Status.errorCode", "Status{}.errorCode", "properties.status{}.errorCode", "status{}.errorCode", "ErrorNumber"},
		{"signinlogs", "TimeGenerated", "TimeGenerated", "time", "createdDateTime", "CreationTime"},
	} {
		for form, want := range map[string]string{"log-analytics": c.la, "azure-diagnostic": c.diag, "graph-api": c.graph, "o365-management": c.o365} {
			tg := sourceOf(t, form, sigma.LogSource{Product: "azure", Service: c.service})
			f, unknown := tg.top().field(sigma.Field{Name: c.name})
			if f.Spec() != want || unknown != nil {
				t.Errorf("%s %s: %s, want %s (%v)", form, c.name, f.Spec(), want, unknown)
			}
		}
	}
}

// TestPipelineElements looks names up inside lists.
func TestPipelineElements(t *testing.T) {
	for _, c := range []struct{ form, outer, inner, name, specs string }{
		{"log-analytics", "TargetResources", "modifiedProperties", "displayName", "TargetResources{} modifiedProperties displayName"},
		{"azure-diagnostic", "TargetResources", "modifiedProperties", "newValue", "properties.targetResources{} modifiedProperties newValue"},
		{"o365-management", "TargetResources", "modifiedProperties", "displayName", ". ModifiedProperties{} Name"},
		{"o365-management", "TargetResources", "modifiedProperties", "oldvalue", ". ModifiedProperties{} OldValue"},
		{"o365-management", "TargetResources", "modifiedProperties", ".", ". ModifiedProperties{} ."},
	} {
		s := sourceOf(t, c.form, sigma.LogSource{Product: "azure", Service: "auditlogs"}).top()
		over1, s, _ := s.element(sigma.Field{Name: c.outer})
		over2, s, _ := s.element(sigma.Field{Name: c.inner})
		f, _ := s.field(sigma.Field{Name: c.name})
		if got := strings.Join([]string{over1.Spec(), over2.Spec(), f.Spec()}, " "); got != c.specs {
			t.Errorf("%s: %s, want %s", c.form, got, c.specs)
		}
	}
	// A position is an element too.
	s := sourceOf(t, "o365-management", sigma.LogSource{Product: "azure", Service: "auditlogs"}).top()
	f, _ := s.field(sigma.Field{Name: "TargetResources[0].modifiedProperties[1].newValue",
		Steps: []sigma.FieldStep{{Name: "TargetResources", Index: 0}, {Name: "modifiedProperties", Index: 1}, {Name: "newValue", Index: -1}}})
	if got := f.Spec(); got != "[0].ModifiedProperties{}[1].NewValue" {
		t.Error(got)
	}
}

func TestPipelineNameValueLists(t *testing.T) {
	ls := sigma.LogSource{Product: "m365", Service: "exchange"}
	for _, c := range []struct{ form, name, spec string }{
		{"log-analytics", "Parameters.ForwardTo", "Parameters{}[Name=ForwardTo].Value"},
		{"o365-management", "parameters.ForwardTo", "Parameters{}[Name=ForwardTo].Value"},
		{"o365-management", "Parameters.Name", "Parameters{}.Name"},
		{"o365-management", "OfficeWorkload", "Workload"},
		{"o365-management", "eventSource", "Workload"},
		{"o365-management", "Client_IPAddress", "ClientIPAddress@ip"},
		{"mde-hunting", "Parameters.ForwardTo", "RawEventData{}.Parameters{}[Name=ForwardTo].Value"},
		{"mde-hunting-stream", "Parameters.ForwardTo", "properties.RawEventData{}.Parameters{}[Name=ForwardTo].Value"},
		{"mde-hunting-stream", "Operation", "properties.ActionType"},
	} {
		f, unknown := sourceOf(t, c.form, ls).top().field(sigma.Field{Name: c.name})
		if f.Spec() != c.spec || unknown != nil {
			t.Errorf("%s %s: %s, want %s (%v)", c.form, c.name, f.Spec(), c.spec, unknown)
		}
	}
	over, inner, _ := sourceOf(t, "mde-hunting", ls).top().element(sigma.Field{Name: "Parameters"})
	f, _ := inner.field(sigma.Field{Name: "Name"})
	if over.Spec() != "RawEventData{}.Parameters{}" || f.Spec() != "Name" {
		t.Error(over.Spec(), f.Spec())
	}
}

// The ids of a record's actor in Defender XDR are those of a user as well: a rule
// compares them, a hit does not call them a service principal.
func TestMixedFieldIsNoEntity(t *testing.T) {
	docs, ds := sigma.Parse("f", []byte(`rulewright: 1
title: Acted
logsource: {product: azure, service: auditlogs}
detection:
  acted:
    InitiatedBy.app.servicePrincipalId: 8f0e2f3c-5d11-4d07-a2bb-3c0c4a2ef7a1
  condition: acted
entities:
  - account: InitiatedBy.user.userPrincipalName
  - service-principal: InitiatedBy.app.servicePrincipalId
`))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for _, c := range []struct{ pipeline, condition, entities string }{
		{"sentinel", "InitiatedBy{}.app.servicePrincipalId", "account service-principal"},
		{"defender", "RawEventData{}.Actor{}[Type=2].ID", "account"},
		{"mde-hunting", "RawEventData{}.Actor{}[Type=2].ID", "account"},
	} {
		p, err := BuiltinPipeline(c.pipeline)
		if err != nil {
			t.Fatal(err)
		}
		rules, ds := Lower(docs[0], Options{Pipeline: p})
		if len(ds) > 0 || len(rules) == 0 {
			t.Fatal(c.pipeline, ds)
		}
		var entities []string
		for _, e := range rules[0].Entities {
			entities = append(entities, e.Type)
		}
		text, err := CEL(rules[0])
		if err != nil || !strings.Contains(text, c.condition) || strings.Join(entities, " ") != c.entities {
			t.Errorf("%s: %v of %s (%v)", c.pipeline, entities, text, err)
		}
	}
}

func sourceOf(t *testing.T, pipeline string, ls sigma.LogSource) target {
	t.Helper()
	p, err := BuiltinPipeline(pipeline)
	if err != nil {
		t.Fatal(err)
	}
	ts := p.sources(ls)
	if len(ts) == 0 {
		t.Fatalf("%s does not know %v", pipeline, ls)
	}
	return ts[0]
}

func TestSchemas(t *testing.T) {
	for name, set := range schemaSets {
		s := set()
		for _, n := range s.names() {
			tab := s.table(n)
			if len(tab.columns) == 0 || tab.page == "" || !slices.Contains([]string{"high", "medium"}, tab.trust) {
				t.Errorf("%s: %s: %d columns, %q, %q", name, n, len(tab.columns), tab.page, tab.trust)
			}
		}
	}
	s := schemaSets["workspace"]()
	if c, typ, ok := s.table("SigninLogs").column("locationdetails"); c != "LocationDetails" || typ != ir.TypeJSON || !ok {
		t.Error(c, typ, ok)
	}
	if s.table("AzureDiagnostics").complete {
		t.Error("AzureDiagnostics is open")
	}
}
