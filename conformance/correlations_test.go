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
// changes to the correlations. What feeds them here is as plain as can be; the
// fixtures of single rules are held to changes of those.
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
		feeds := func(x Mutant) bool { return x.Rule.Correlation == nil }
		mutants += len(slices.DeleteFunc(slices.Clone(m.Mutants), feeds))
		alive := slices.DeleteFunc(slices.Clone(m.Survivors), feeds)
		survivors += len(alive)
		var names []string
		for _, x := range alive {
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
