package compiler

import (
	"strings"
	"testing"
)

// BenchmarkMetrics is Match without metrics, and with some that count.
func BenchmarkMetrics(b *testing.B) {
	for _, c := range []struct {
		name    string
		metrics Metrics
	}{{"none", nil}, {"counting", &countingMetrics{}}} {
		rs, ds := NewRuleSet(parseDocs(b, strings.Replace(snapshotSet, "GENERATE", "true", 1)), RuleSetOptions{Metrics: c.metrics})
		if ds.HasErrors() {
			b.Fatal(ds)
		}
		audit := map[string]any{"Type": "SigninLogs", "ResultType": "7", "TimeGenerated": "2026-03-01T00:00:00Z"} // no hit
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rs.Match(audit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
