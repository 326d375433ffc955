package conformance

import (
	"io/fs"
	"slices"
	"testing"
)

func correlationFixtures(t testing.TB) fs.FS {
	t.Helper()
	fsys, err := fs.Sub(fixtureFiles, "fixtures/correlations")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func TestCorrelations(t *testing.T) {
	Run(t, correlationFixtures(t), RunOptions{Require: []string{"reference", "rule-set", "rule-set-no-index"}})
}

// TestCorrelationMutants asks that the fixtures notice at least 95 of 100 small
// changes to the correlations.
func TestCorrelationMutants(t *testing.T) {
	const least = 0.95
	fixtures, ds := Load(correlationFixtures(t), LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	mutants, survivors := 0, 0
	for _, f := range fixtures {
		mutations, err := Mutate([]*Fixture{f})
		if err != nil {
			t.Fatal(err)
		}
		m := mutations[0]
		mutants += len(m.Mutants)
		survivors += len(m.Survivors)
		var names []string
		for _, x := range m.Survivors {
			names = append(names, x.Description)
		}
		if slices.Sort(names); len(names) > 0 {
			t.Logf("%s: no case notices: %q", f.File, names)
		}
	}
	killed := 1 - float64(survivors)/float64(max(mutants, 1))
	t.Logf("%d mutants of correlations, %d survivors: %.1f %% noticed", mutants, survivors, 100*killed)
	if killed < least {
		t.Errorf("the fixtures notice %.1f %%, want %.0f %%", 100*killed, 100*least)
	}
}
