package backends

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// correlationOf is a correlation of one rule by one field.
func correlationOf(typ sigma.CorrelationType, days int64) *ir.Rule {
	one := tableRule(&ir.Match{Field: column("kind", ir.TypeString), Op: ir.Equal, Values: texts("x")})
	user := column("user", ir.TypeString)
	c := &ir.Correlation{Type: typ, Span: days * dayMicros, GroupBy: []string{"user"}, Bounds: []ir.Bound{{Op: sigma.OpGTE, Value: number(2)}},
		Inputs: []ir.Input{{Taps: []ir.Tap{{Rule: one, GroupBy: []ir.Field{user}}}}}}
	return &ir.Rule{Correlation: c, Source: one.Source}
}

// TestCorrelationsOfDialects: every dialect says a correlation; what it cannot
// say, it refuses by name.
func TestCorrelationsOfDialects(t *testing.T) {
	target := Target{Table: "events", Time: "happened"}
	for _, d := range Dialects() {
		q, err := SQL(correlationOf(sigma.EventCount, 1), d, target)
		if err != nil {
			t.Errorf("%s: %v", d.Name(), err)
			continue
		}
		if n := strings.Count(q.Text, d.rowNumber+" AS rw_e"); n != 1 {
			t.Errorf("%s: rows get numbers %d times\n%s", d.Name(), n, q.Text)
		}
		once := correlationOf(sigma.EventCount, 1)
		once.Once = &ir.Once{For: second}
		long := correlationOf(sigma.EventCount, 69*365)
		for what, r := range map[string]*ir.Rule{"once is not supported": once, "a window of more than 24855 days is not supported": long} {
			want := ""
			if d == BigQuery && r == once || d == ClickHouse && r == long {
				want = fmt.Sprintf("%s in %s", what, d.Title())
			}
			_, err := SQL(r, d, target)
			var finding sigma.Diagnostic
			if errors.As(err, &finding) != (want != "") || want != "" && !strings.Contains(finding.Message, want) {
				t.Errorf("%s: %v, want %q", d.Name(), err, want)
			}
		}
	}
}
