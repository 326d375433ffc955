package compiler

import (
	"strings"
	"testing"
	"unicode/utf8"

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

// TestPipelineOddNames asks every table of every pipeline for names that an
// author may write and no event has.
func TestPipelineOddNames(t *testing.T) {
	for _, name := range BuiltinPipelines() {
		p, err := BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.entries {
			for _, tg := range p.sources(sigma.LogSource{Category: e.category, Product: e.product, Service: e.service}) {
				for _, odd := range []string{".", "..", ".a", "a.", "a..b", "Ämter", "\u212a"} {
					_, in, _ := tg.top().element(sigmaField(odd))
					for _, s := range []scope{tg.top(), in} {
						f, _ := s.field(sigmaField(odd))
						if spec := f.Spec(); strings.ContainsRune(spec, utf8.RuneError) {
							t.Errorf("%s: %s becomes %q", name, odd, spec)
						}
					}
				}
			}
		}
	}
}
