package conformance

import (
	"context"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// TestDefenderSignIns: sign-ins of Defender XDR hold numbers where those of Log
// Analytics have words and booleans, which is what rules ask for.
func TestDefenderSignIns(t *testing.T) {
	p, err := compiler.BuiltinPipeline("defender")
	if err != nil {
		t.Fatal(err)
	}
	rows := []any{
		map[string]any{"LogonType": `["interactiveUser"]`, "IsManaged": 1, "IsCompliant": 0, "RiskState": 4, "RiskLevelAggregated": 100, "ConditionalAccessStatus": 1},
		map[string]any{"LogonType": `["nonInteractiveUser"]`, "IsManaged": 0, "RiskState": 0, "RiskLevelAggregated": 1, "ConditionalAccessStatus": 0},
		map[string]any{"LogonType": `["interactiveUser"]`},
		map[string]any{"LogonType": `["servicePrincipal"]`, "IsManaged": 1, "RiskState": 4},
	}
	for _, c := range []struct{ selection, want string }{
		{"DeviceDetail.isManaged: true", "1000"},
		{"DeviceDetail.isManaged: false", "0100"},
		{"DeviceDetail.isManaged: null", "0010"},
		{"DeviceDetail.isCompliant: false", "1000"},
		{"RiskState: atRisk", "1000"},
		{"RiskState|contains: RISK", "1000"},
		{"RiskState: [none, remediated]", "0100"},
		{"RiskLevelAggregated: high", "1000"},
		{"ConditionalAccessStatus: success", "0100"},
		{"RiskState: high", "EntraIdSignInEvents has no events with RiskState equal \"high\", only "},
		{"DeviceDetail.isManaged: maybe", "only false, true"},
		{"RiskState: 4", "no events with RiskState equal 4, only none"},
		{"ConditionalAccessStatus: [success, 1]", "equal 1, only success"},
		{"RiskLevelAggregated|gte: 50", "only "},
		{"RiskState|startswith: medium", "only "},
		{"RiskState|startswith: [medium, rem]", "only "},
		{"RiskState|re: '^at'", "1000"},
		{"RiskState|exists: true", "1100"},
	} {
		docs, ds := sigma.Parse("r.yaml", []byte("title: t\nlogsource: {product: azure, category: signin}\ndetection:\n  s: {"+c.selection+"}\n  condition: s\n"))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := compiler.Lower(docs[0], compiler.Options{Pipeline: p})
		got := ""
		if ds.HasErrors() {
			if got = ds.Error(); strings.Contains(got, c.want) {
				continue
			}
		} else {
			vs, err := KQL().Verdicts(context.Background(), Question{Rule: rules[0], Events: rows})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vs {
				got += map[bool]string{true: "1", false: "0"}[v.Match]
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.selection, got, c.want)
		}
	}
}
