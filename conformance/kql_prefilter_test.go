package conformance

import (
	"context"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLPrefilterEscapes: whoever writes JSON into a text may write any letter
// as \u and its number, which random events do not do. The pre-filter must not
// drop such a row; the same without the part that sees to it does.
func TestKQLPrefilterEscapes(t *testing.T) {
	rule := &ir.Rule{When: &ir.Any{Over: mustField("props{}.y"), X: &ir.Match{Field: mustField("k"), Op: ir.Equal, Values: []ir.Value{ir.String("Mail.Read")}}}}
	for _, c := range []struct {
		props string
		want  bool
	}{
		{`{"y":[{"k":"Mail.Read"}]}`, true},
		{`{"y":[{"k":"\u004dail\u002eRead"}]}`, true},
		{`{"y":[{"k":"M\u0061il.Read"}]}`, true},
		{`{"y":[{"k":"M\u0062il.Read"}]}`, false},
		{`{"y":[{"k":"Mail.\u0072eadWrite"}]}`, false},
	} {
		event := map[string]any{"props": c.props}
		q := Question{Rule: rule, Events: []any{event}}
		if Reference(rule.When, event) != c.want {
			t.Errorf("%s: the reference does not say %v", c.props, c.want)
		}
		if got, err := KQL().Verdicts(context.Background(), q); err != nil || got[0].Match != c.want {
			t.Errorf("%s: %v, %v; want %v", c.props, got, err, c.want)
		}
		mistake := kqlReferee{change: change(` or Event contains @"\\u"`, ``)}
		if got, err := mistake.Verdicts(context.Background(), q); err != nil || got[0].Match && c.props != `{"y":[{"k":"Mail.Read"}]}` {
			t.Errorf("%s: without the part for escapes: %v, %v", c.props, got, err)
		}
	}
}
