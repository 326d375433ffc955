package conformance

import (
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/sigma"
)

var queryHistories = flag.Int("query-histories", 100, "random histories of each type of correlation for TestKQLRandomStreams, and for TestSchedules from 200 on")

// TestKQLRandomStreams puts the random histories to the printed correlations:
// what a query finds in the stored events is what a stream raises.
func TestKQLRandomStreams(t *testing.T) {
	sets, histories := *queryHistories/10, 10
	if testing.Short() {
		sets, histories = 4, 5
	}
	for _, typ := range StreamTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			r := NewRandomStream(*seed)
			total, failed := 0, 0
			for i := range sets {
				if r.Unit = time.Second; typ == sigma.Increase && i%2 == 0 {
					r.Unit = 6 * time.Hour // windows of days in zones
				}
				p := newStreamPair(t, r, typ)
				for range histories {
					q := p.q
					q.Events = r.History()
					want := ReferenceStream(q.Rules, q.Events, 0)
					got, err := kqlReferee{}.Hits(context.Background(), q)
					if err != nil {
						t.Fatalf("%v\n%s", err, p.text)
					}
					total += len(want)
					if d := differences(want, got, func(_, _ *StreamHit) string { return "" }); len(d) > 0 {
						t.Errorf("%s\n%s\n%s", strings.Join(d[:min(len(d), 5)], "\n"), p.text, showHistory(q.Events))
						if failed++; failed > 2 {
							t.Fatal("and more")
						}
					}
				}
			}
			t.Logf("%d histories, %d hits", sets*histories, total)
		})
	}
}

// queryDeviations are the histories of the fixtures on which a query does not
// say what a stream says, with the reason.
var queryDeviations = map[string]string{
	"key-paths.yaml: a path, a flat key, another case, a list on the way": "how keys are spelled belongs to reading events; a query asks for the pipeline's spelling",
	"number-forms.yaml: an integer that no float64 is":                    "sums are of float64",
	"number-forms.yaml: a microsecond more":                               "sums are of float64",
	"values.yaml: a tenth ten times is one, in whatever order":            "sums are of float64",
	"values.yaml: large numbers that cancel out leave the small one":      "sums are of float64",
	"keys.yaml: a number, its text and its decimal":                       "the documentation leaves open how a whole real number is written as text",
	"number-forms.yaml: the same number in several notations":             "the documentation leaves open how a whole real number is written as text",
	"number-forms.yaml: numbers of several users are not added":           "the documentation leaves open how a whole real number is written as text",
}

// TestKQLCorrelations puts the histories of the fixtures to the printed
// correlations: right, or a deviation that is listed.
func TestKQLCorrelations(t *testing.T) {
	fixtures, ds := Load(correlationFixtures(t), LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	report := Evaluate(context.Background(), fixtures, []Referee{KQL()})
	deviating := 0
	for _, x := range report.Results {
		switch reason := queryDeviations[x.File+": "+x.Case]; {
		case x.Outcome == Skipped:
			if !strings.Contains(x.Reason, "came too late") {
				t.Errorf("%s:%d: %s: %s", x.File, x.Line, x.Case, x.Reason)
			}
		case x.Outcome == Failed && reason == "":
			t.Errorf("%s:%d: %s: %s", x.File, x.Line, x.Case, x.Reason)
		case x.Outcome == Failed:
			deviating++
		case reason != "":
			t.Errorf("%s:%d: %s is right and stands among the deviations", x.File, x.Line, x.Case)
		}
	}
	if deviating != len(queryDeviations) {
		t.Errorf("%d of %d deviations were met", deviating, len(queryDeviations))
	}
	t.Logf("%s, the failed ones among the deviations", report.Summary())
}
