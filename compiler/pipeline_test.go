package compiler

import (
	"testing"

	"github.com/rulewright/rulewright/sigma"
)

func sigmaField(name string) sigma.Field { return sigma.Field{Name: name} }

func TestPipelineFields(t *testing.T) {
	p, err := BuiltinPipeline("log-analytics")
	if err != nil {
		t.Fatal(err)
	}
	ts := p.sources(sigma.LogSource{Product: "azure", Service: "auditlogs"})
	if len(ts) != 1 {
		t.Fatalf("%d targets", len(ts))
	}
	for _, c := range []struct{ name, spec string }{
		{"OperationName", "OperationName"},
		{"properties.message", "OperationName"},
		{"targetResources.ModifiedProperties.NewValue", "TargetResources{}.modifiedProperties.newValue"},
		{"InitiatedBy.user.ipAddress", "InitiatedBy{}.user.ipAddress@ip"},
	} {
		f, unknown := ts[0].top().field(sigmaField(c.name))
		if f.Spec() != c.spec || unknown != nil {
			t.Errorf("%s: %s, want %s (%v)", c.name, f.Spec(), c.spec, unknown)
		}
	}
	if _, unknown := ts[0].top().field(sigmaField("Nope")); unknown == nil {
		t.Error("Nope is no column")
	}
	over, inner, _ := ts[0].top().element(sigmaField("TargetResources"))
	if over.Spec() != "TargetResources{}" {
		t.Error(over.Spec())
	}
	if f, _ := inner.field(sigmaField("modifiedProperties.NewValue")); f.Spec() != "modifiedProperties.newValue" {
		t.Error(f.Spec())
	}
}
